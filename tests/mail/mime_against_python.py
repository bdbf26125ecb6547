#!/usr/bin/python3
"""Real messages as mail/mime.h and Python's email package see them: the same leaf parts, of the same types and decoded sizes.

usage: mime_against_python.py [PROGRAM]

PROGRAM is tests/mail/mime_events.c, as built ($SEKISHO_BUILD/tests/mail/mime_events). Messages: $CORPUS/mail, default
../shared/corpus beside the source. Where both differ, a rule below must say why, or the list of messages at the end of this file does.
A message that is on the list and does not differ is a fault as well: the list says what is true.
"""

import binascii
import email
import os
import re
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
ENCLOSED = ("message/rfc822", "message/global", "message/news")

# Differences that have one cause each, by the end of the message's path in the corpus.
SAME_BOUNDARY = "a multipart has the boundary of the one around it; innermost first here, Python takes each line for the outer one"
FOLDED_BOUNDARY = "the boundary is folded; Python keeps the line end in it and finds no part"
SPACED_FIELD = "white space before a colon; Python ends the header there"
KNOWN = {
    "SpamScope__mail-parser/tests/mails/mail_malformed_1": SAME_BOUNDARY,
    "UnitTests/TestData/mbox/simple.mbox.txt": SAME_BOUNDARY,
    "test_email/data/msg_15.txt": SAME_BOUNDARY,
    "test_email/data/msg_39.txt": SAME_BOUNDARY,
    "eml/malformed/003.eml": SAME_BOUNDARY,
    "eml/malformed/005.eml": SAME_BOUNDARY,
    "mimetools-testmsgs/multi-badnames.msg": FOLDED_BOUNDARY,
    "mimetools-testmsgs/multi-badnames.out": FOLDED_BOUNDARY,
    "mimetools-testmsgs/multi-clen.msg": FOLDED_BOUNDARY,
    "mimetools-testmsgs/multi-digest.msg": FOLDED_BOUNDARY,
    "mimetools-testmsgs/multi-simple.msg": FOLDED_BOUNDARY,
    "eml/thirdparty/012.eml": FOLDED_BOUNDARY,
    "tests/_data/emails/m0021.txt": FOLDED_BOUNDARY,
    "testmsgs/obsolete.msg": SPACED_FIELD,
    "testmsgs/obsolete.out": SPACED_FIELD,
    "eml/malformed/019.eml": SPACED_FIELD,
    "eml/malformed/017.eml": "no semicolon before the boundary; Python takes it for part of the type",
    "mimetools-testmsgs/twopart.msg": "base64 that ends within a group; Python gives the text back undecoded",
    "mimetools-testmsgs/twopart.out": "base64 that ends within a group; Python gives the text back undecoded",
    "eml/thirdparty/002.eml": "base64 goes on behind its padding; Python stops there",
    "eml/thirdparty/003.eml": "white space behind the name of the transfer encoding; Python does not decode",
}


def quoted_printable(text):
    """Decodes as RFC 2045 section 6.7 (3) wants it, which Python does not: white space before a line end is no text."""
    return binascii.a2b_qp(re.sub(rb"[ \t]+(?=\r?\n|\Z)", b"", text))


def python_leaves(message, path):
    """Yields (path, type, decoded size or None when it cannot be told)."""
    content_type = message.get_content_type()
    if not message.is_multipart():
        payload = message.get_payload(decode=True)
        if message.get("Content-Transfer-Encoding", "").lower() == "quoted-printable":
            # get_payload() would take 8-bit bytes for text.
            payload = quoted_printable(message._payload.encode("ascii", errors="surrogateescape"))  # pylint: disable=protected-access
        yield path, content_type, None if payload is None else len(payload)
    elif content_type in ENCLOSED:
        yield from python_leaves(message.get_payload(0), path + ".1")
    elif message.get_content_maintype() == "message":
        yield path, content_type, None  # delivery-status: taken apart by Python, a leaf for us
    else:
        for number, part in enumerate(message.get_payload(), 1):
            yield from python_leaves(part, f"{path}.{number}")


class Part:
    """One line of mime_events."""

    def __init__(self, words):
        self.path, self.kind, self.type, self.encoding = words[2:6]
        self.raw_size, self.size = int(words[6]), int(words[7])
        self.notes = set(words[9].split(",")) - {""}


def our_parts(program, files):
    """What the program says: {file: [Part]}."""
    result, parts = {}, None
    for begin in range(0, len(files), 200):
        output = subprocess.run([program, *files[begin:begin + 200]], stdout=subprocess.PIPE, check=True).stdout
        for line in output.decode(errors="surrogateescape").split("\n"):
            words = line.split("\t")
            if words[0] == "file":
                parts = result.setdefault(words[1], [])
            elif words[0] == "part":
                parts.append(Part(words))
    return result


def general_reason(parts, raw):
    """Why the trees of a message may differ as a whole: the first rule that applies, or None."""
    notes = set().union(*(part.notes for part in parts))
    for note, reason in (
        ("repeated-field", "opaque here: a field of MIME is there twice; Python takes the first"),
        ("encoded-multipart", "opaque here: a multipart with a transfer encoding; Python ignores it"),
        ("too-deep", "one opaque part here: nested too deeply"),
        ("boundary-unusable", "not divided here: a boundary that is none; Python is less strict"),
        ("boundary-unused", "preamble of a multipart without parts; a leaf for Python"),
        ("header-unended", "an empty part between two delimiters; Python passes over repeated delimiters"),
    ):
        if note in notes:
            return reason
    if any(part.type in ENCLOSED and part.kind == "leaf" for part in parts):
        return "an enclosed message in base64: a decoded file here, undecoded text for Python"
    if b"\n" not in raw and any(part.encoding == "quoted-printable" for part in parts):
        return "CR alone ends lines; Python's quoted-printable decoder loses the text behind the first soft break"
    return None


def leaf_reason(theirs, part, unclosed):
    """Why one leaf, which both have, may differ; or None."""
    content_type, size = theirs
    if content_type != part.type:
        return "a type with something behind it" if re.match(re.escape(part.type) + r"\W", content_type) else None
    if "damaged" in part.notes:
        return "damaged encoding, decoded by another lenience"
    if unclosed and 1 <= part.size - size <= 2:
        return "the last line end of a multipart that is not closed; Python takes it for part of a delimiter"
    if "no-blank-line" in part.notes and abs(part.size - size) <= 2:
        return "a line end around text that begins without an empty line"
    return None


def compare(raw, parts):
    """The reasons for which both differ; None stands for a difference without a reason."""
    theirs = {path: (content_type, size) for path, content_type, size in python_leaves(email.message_from_bytes(raw), "1")}
    ours = {part.path: part for part in parts if part.kind in ("leaf", "opaque")}
    unclosed = any("unclosed" in part.notes for part in parts)
    reasons = set()
    for path in sorted(theirs.keys() | ours.keys()):
        if path not in theirs or path not in ours:
            reasons.add(general_reason(parts, raw))
            continue
        content_type, size = theirs[path]
        part = ours[path]
        if content_type != part.type or size not in (None, part.size):
            reasons.add(leaf_reason(theirs[path], part, unclosed) or general_reason(parts, raw))
    return reasons


def known_reason(path):
    """The reason for which the list knows the message, or None."""
    for end, reason in KNOWN.items():
        if path.endswith(end):
            return end, reason
    return None, None


def judge(corpus, results):
    """Prints what differs, by message; returns the number of faults."""
    faults, differing, used = 0, 0, set()
    for path, parts in results.items():
        reasons = compare(Path(path).read_bytes(), parts)
        end, known = known_reason(path)
        if not reasons:
            continue
        differing += 1
        used.add(end)
        for reason in sorted({reason or known or "NO REASON KNOWN" for reason in reasons}):
            print(f"{os.path.relpath(path, corpus)}: {reason}")
        faults += None in reasons and not known
    for end in KNOWN.keys() - used:
        print(f"{end}: on the list, but does not differ")
        faults += 1
    print(f"{len(results)} messages, {len(results) - differing} seen alike, {differing} differently, {faults} without a reason")
    return faults


def main():
    """Compares, and says so by exit status."""
    source = Path(__file__).resolve().parents[2]
    corpus = Path(os.environ.get("CORPUS", source / "../shared/corpus")) / "mail"
    program = sys.argv[1] if len(sys.argv) > 1 else os.environ["SEKISHO_BUILD"] + "/tests/mail/mime_events"
    files = sorted(str(path) for path in corpus.rglob("*") if path.is_file() and path.name != "MANIFEST.csv")
    if not files:
        print(f"SKIP: absent: corpus {corpus}")
        return SKIPPED
    return 1 if judge(corpus, our_parts(program, files)) else 0


if __name__ == "__main__":
    sys.exit(main())
