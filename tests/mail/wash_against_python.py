#!/usr/bin/python3
"""Nothing vanishes: what Python's email package finds in real messages is in the text of the letter or on the receipt.

usage: wash_against_python.py [PROGRAM]

PROGRAM is sekisho ($SEKISHO_BUILD/sekisho). Messages: $CORPUS/mail, default ../shared/corpus beside the source. For each leaf that
Python finds, one of these must hold: its decoded bytes have the SHA-256 of a row or of a part that is shown; or every word of its
text (of its HTML, tags taken off by Python's html.parser) is in the text of the letter. Where neither does, a rule below or the list
KNOWN must say why; a message on the list that does not differ is a fault as well.
"""

import binascii
import concurrent.futures
import email
import hashlib
import html.parser
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

SKIPPED = 77
WORDS_AT_LEAST = 3  # letters
SAME_BOUNDARY = "a multipart has the boundary of the one around it; innermost first here"
FOLDED_BOUNDARY = "the boundary is folded; Python keeps the line end in it and finds no part"
SPACED_FIELD = "white space before a colon; Python ends the header there"
UNDECODED = "Python gives base64 back undecoded; decoded here"
KNOWN = {
    "mimetools-testmsgs/multi-badnames.msg": FOLDED_BOUNDARY,
    "mimetools-testmsgs/multi-clen.msg": FOLDED_BOUNDARY,
    "mimetools-testmsgs/multi-digest.msg": FOLDED_BOUNDARY,
    "mimetools-testmsgs/multi-simple.msg": FOLDED_BOUNDARY,
    "eml/thirdparty/012.eml": FOLDED_BOUNDARY,
    "tests/_data/emails/m0021.txt": FOLDED_BOUNDARY,
    "testmsgs/obsolete.msg": SPACED_FIELD,
    "testmsgs/obsolete.out": SPACED_FIELD,
    "mimetools-testmsgs/twopart.msg": UNDECODED,
    "tests/mails/mail_test_9": "gb2312 that is GB18030; Python reads other letters",
    "testmsgs/multipartemptypart.msg": "two delimiters behind each other; Python takes the epilogue for a part",
    "test-documents/testMHTMLFirefox.mhtml": "no label; Latin letters here, half-width kana for Python's EUC-JP",
    "parts/chardet-success-big-5.raw": "no label; Big5 is not guessed here, nor by Python",
    "maildir/bsd/rfc3464-08.eml": "labelled utf-8 and is not; Latin letters here, Python reads EUC-JP",
    "maildir/bsd/rfc3464-62.eml": "the HTML ends within a tag; Python's parser gives the tag out as text",
    "maildir/mac/lhost-aol-01.eml": "Python's HTML parser gives a document type with CR out as text",
    "eml/malformed/017.eml": "no semicolon before the boundary; Python takes it for part of the type",
    "eml/malformed/019.eml": SPACED_FIELD,
}


class TextOfHtml(html.parser.HTMLParser):
    """The text that a person sees, roughly."""

    HIDDEN = ("script", "style", "title", "head", "noscript")

    def __init__(self):
        super().__init__()
        self.text, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in self.HIDDEN
        self.text.append(" ")

    def handle_endtag(self, tag):
        self.hidden -= tag in self.HIDDEN and self.hidden > 0
        self.text.append(" ")

    def handle_data(self, data):
        if not self.hidden:
            self.text.append(data)


def plain(text):
    """A text without what the wash changes on purpose: addresses made harmless, quotation marks before lines, white space."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"(?m)^(> ?)+", "", text)
    text = re.sub(r"\[([.:@])\]", r"\1", text).replace("hxxp", "http").replace("fxp:", "ftp:")
    return re.sub(r"\s+", "", text).lower()


def words(text):
    """The words of a text that are long enough to say something."""
    return set(re.findall(rf"\w{{{WORDS_AT_LEAST},}}", unicodedata.normalize("NFKC", text).lower()))


def leaves(message):
    """Yields the leaf parts. A delivery report is one leaf here; Python takes it apart."""
    content_type = message.get_content_type()
    if content_type in ("message/rfc822", "message/global", "message/news") and message.is_multipart():
        yield from leaves(message.get_payload(0))
    elif message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            yield from leaves(part)
    else:
        yield message


def leaf_bytes(leaf):
    """The decoded content."""
    if leaf.is_multipart():
        return "\n".join(part.as_string() for part in leaf.get_payload()).encode("utf-8", "surrogateescape")
    return leaf.get_payload(decode=True) or b""


def files_in(content):
    """Takes files that are written into a text out, as Python's binascii decodes them: the rest, and the files."""
    files = []

    def decode_uu(match):
        data = b""
        for line in match.group(2).splitlines():
            try:
                data += binascii.a2b_uu(line)
            except binascii.Error:
                data += binascii.a2b_uu(line[:(((line[0] - 32) & 63) * 4 + 5) // 3])
        files.append(data)
        return match.group(1)

    def decode_yenc(match):
        lines = re.sub(rb"(?m)^=ypart.*\r?\n", b"", match.group(2))
        lines = re.sub(rb"[\r\n]", b"", lines)
        files.append(re.sub(rb"=(.)|(.)", lambda m: bytes([(m.group(1)[0] - 106 if m.group(1) else m.group(2)[0] - 42) & 255]), lines,
                            flags=re.DOTALL))
        return match.group(1)

    content = re.sub(rb"(?ms)^(begin [0-7]{3,4} [^\n]*\n)((?:[!-M][ -`]*\r?\n)+)(?:`?\r?\n)?(?=end)", decode_uu, content)
    content = re.sub(rb"(?ms)^(=ybegin [^\n]*\n)(.*?)(?=^=yend)", decode_yenc, content)
    return content, files


def leaf_text(leaf, content):
    """What a person reads of a leaf. What is valid UTF-8, or has escape sequences, is nothing else."""
    label = leaf.get_content_charset() or "us-ascii"
    by_bytes = "iso2022_jp_ext" if b"\x1b$" in content else "utf-7" if label.endswith("utf-7") else "utf-8"
    for charset in (by_bytes, label, "iso2022_jp_ext", "euc_jp", "cp932", "latin-1"):
        try:
            text = content.decode(charset)
            break
        except (LookupError, UnicodeDecodeError):
            continue
    if leaf.get_content_type().endswith("/rfc822-headers"):
        return re.sub(r"=\?[^?]+\?[bBqQ]\?[^?]*\?=", "", text)
    if leaf.get_content_type() != "text/html":
        return text
    parser = TextOfHtml()
    parser.feed(text)
    parser.close()
    return "".join(parser.text)


def wash(program, path):
    """The facts of a letter."""
    result = subprocess.run([program, "--lang", "ja", "--json", "wash", path], capture_output=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{path}: exit status {result.returncode}: {result.stderr.decode()}")
    return json.loads(result.stdout)


def rule_of(leaf, facts):
    """Why a leaf may be missing, by a rule; or None."""
    notes = facts["structure"]
    for note, reason in (
        ("repeated-field", "opaque: a field of MIME is there twice; its bytes are on the receipt undecoded"),
        ("encoded-multipart", "opaque: a multipart with a transfer encoding"),
        ("encoding-odd", "opaque: an unknown transfer encoding"),
        ("too-deep", "opaque: nested too deeply"),
        ("boundary-unusable", "not divided: a boundary that is none"),
        ("boundary-unused", "not divided: a boundary that does not occur"),
        ("damaged", "damaged encoding, decoded by another lenience"),
        ("unclosed", "the last line end of a multipart that is not closed"),
        ("line-ends-mixed", "line ends of several kinds, which Python changes"),
    ):
        if note in notes:
            return reason
    if any(part["reason"] in ("message", "truncated") for part in facts["parts"]):
        return "beyond a limit: on the receipt as a larger whole"
    return None


def is_on_receipt(leaf, forms, facts):
    """True when a leaf is on the receipt: by its SHA-256; a piece of a mail, which Python reads as a mail, by its kind."""
    rows = [part for part in facts["parts"] if part["reason"]]
    if leaf.get_content_type() in ("message/partial", "message/external-body"):
        return any(row["declared_type"] == leaf.get_content_type() for row in rows)
    return any(hashlib.sha256(form).hexdigest() == row["sha256"] for form in forms for row in rows)


def missing(raw, facts):
    """Yields (path-like name of a leaf, missing words) for each leaf that is neither in the text nor on the receipt."""
    text = plain(facts["text"] or "")
    for number, leaf in enumerate(leaves(email.message_from_bytes(raw)), 1):
        content = leaf_bytes(leaf)
        forms = (content, content.replace(b"\r\n", b"\n"), content.replace(b"\n", b"\r\n"))
        if is_on_receipt(leaf, forms, facts):
            continue
        rest, files = files_in(content)
        lost = {word for word in words(leaf_text(leaf, rest)) if plain(word) not in text}
        lost |= {"a file in the text" for file in files if not is_on_receipt(leaf, [file], facts)}
        if lost:
            yield f"{number} {leaf.get_content_type()}", leaf, sorted(lost)


def judge(corpus, program, files):
    """Prints what is missing and why; returns the number of faults."""
    faults, used, explained = 0, set(), 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: wash(program, path), files)
        for path, facts in zip(files, results):
            name = os.path.relpath(path, corpus)
            for what, leaf, lost in missing(Path(path).read_bytes(), facts):
                known = next((end for end in KNOWN if name.endswith(end)), None)
                reason = rule_of(leaf, facts) or (known and KNOWN[known])
                used.add(known)
                explained += reason is not None
                faults += reason is None
                print(f"{name}: {what}: {reason or 'NO REASON KNOWN'}: {' '.join(lost[:8])}")
    for end in KNOWN.keys() - used:
        print(f"{end}: on the list, but nothing is missing")
        faults += 1
    print(f"{len(files)} messages, {explained} leaves missing with a reason, {faults} faults")
    return faults


def main():
    """Compares, and says so by exit status."""
    source = Path(__file__).resolve().parents[2]
    corpus = Path(os.environ.get("CORPUS", source / "../shared/corpus")) / "mail"
    program = sys.argv[1] if len(sys.argv) > 1 else os.environ["SEKISHO_BUILD"] + "/sekisho"
    files = sorted(str(path) for path in corpus.rglob("*") if path.is_file() and path.name != "MANIFEST.csv")
    if not files:
        print(f"SKIP: absent: corpus {corpus}")
        return SKIPPED
    return 1 if judge(corpus, program, files) else 0


if __name__ == "__main__":
    sys.exit(main())
