#!/usr/bin/python3
"""Nothing vanishes and nothing is invented: random trees of MIME parts, each leaf with a token that is nowhere else.

usage: wash_conserves.py [PROGRAM]		PROGRAM is sekisho ($SEKISHO_BUILD/sekisho)

The generator writes the messages itself, byte by byte, and so knows the decoded content of each leaf without any parser. For each
leaf its token has to be in the text of the letter, or its SHA-256, size and name on the receipt; the receipt has no row for
anything else. The trees depend on SEKISHO_SEED alone (default 1); SEKISHO_TREES is their number (default 400).
"""

import base64
import binascii
import concurrent.futures
import hashlib
import json
import os
import quopri
import random
import subprocess
import sys

CHARSETS = [
    # label, codec, letters that make it worth its name
    ("us-ascii", "ascii", ""), ("utf-8", "utf-8", "日本語の本文①髙🍎"), ("iso-2022-jp", "iso2022_jp", "日本語の本文です"),
    ("shift_jis", "cp932", "日本語の本文①髙"), ("euc-jp", "euc_jp", "日本語の本文です"), ("iso-8859-1", "latin-1", "Ünïcödé"),
    ("windows-1252", "cp1252", "naïve – “quoted”"), ("gb2312", "gb18030", "简体中文的正文"), ("big5", "big5", "繁體中文的內容"),
    ("euc-kr", "euc_kr", "한국어 본문입니다"), ("koi8-r", "koi8_r", "Русский текст"), ("utf-16", "utf-16", "日本語の本文です"),
    (None, "utf-8", "日本語の本文です"), (None, "cp932", "日本語の本文です。よろしくお願いします"), ("utf-8", "cp932", "日本語の本文です。よろしくお願いします"),
]
BINARY_TYPES = ["application/octet-stream", "application/pdf", "image/png", "audio/wav", "text/csv", "text/rtf", "application/x-foo"]
MULTIPARTS = ["mixed", "mixed", "related", "alternative", "report", "signed", "digest-mixed"]
DEPTH_MAX = 5


class Tree:
    """One message, and what must come of it."""

    def __init__(self, rng, number):
        self.rng, self.number, self.count = rng, number, 0
        self.leaves = []  # (kind, token, content, name or None)
        self.within = {}  # of a file that is written into a text: that text
        header = [f"From: sender{number}@example.jp", f"Message-ID: <{number}@example.jp>", "MIME-Version: 1.0"]
        self.raw = "\r\n".join(header).encode() + b"\r\n" + self.entity(0, [])

    def token(self):
        """A word that occurs once in all trees."""
        self.count += 1
        return f"tok{self.number}n{self.count}x{self.rng.randrange(10 ** 6)}"

    # ---- leaves

    def encode(self, content, textual):
        """Chooses a transfer encoding: its name and the bytes."""
        choices = ["base64", "quoted-printable", "x-uuencode"]
        if b"\0" not in content and b"\r" not in content.replace(b"\r\n", b"") and textual:
            choices += ["8bit", None] if max(content, default=0) > 127 else ["7bit", None]
        name = self.rng.choice(choices)
        if name == "base64":
            width = self.rng.choice([57, 30, 3])
            return name, b"\r\n".join(base64.b64encode(content[i:i + width]) for i in range(0, len(content), width))
        if name == "quoted-printable":
            return name, quopri.encodestring(content.replace(b"\r\n", b"\n"), quotetabs=True).replace(b"\n", b"\r\n") if textual else \
                b"=\r\n".join("".join(f"={byte:02X}" for byte in content[i:i + 20]).encode() for i in range(0, len(content), 20))
        if name == "x-uuencode":
            lines = b"".join(binascii.b2a_uu(content[i:i + 45], backtick=True) for i in range(0, len(content), 45))
            return name, (b"begin 644 x\n" + lines + b"`\nend").replace(b"\n", b"\r\n")
        return name, content

    def part(self, content_type, content, textual, more=()):
        """A part of one leaf."""
        encoding, body = self.encode(content, textual)
        lines = [f"Content-Type: {content_type}", *more]
        if encoding:
            lines.append(f"Content-Transfer-Encoding: {encoding}")
        self.rng.shuffle(lines)
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def text(self, subtype):
        """A text that is shown."""
        token = self.token()
        label, codec, letters = self.rng.choice(CHARSETS)
        lines = [f"{letters} {self.rng.choice(['行', 'line']) if codec in ('utf-8', 'cp932') else 'line'} {i}" for i in range(self.rng.randrange(3))]
        lines.insert(self.rng.randrange(len(lines) + 1), f"{letters} {token}")
        content = "\r\n".join(lines)
        if subtype == "html":
            content = "<html><body>" + "".join(f"<p>{line}</p>" for line in lines) + "</body></html>"
        content = content.encode(codec)
        self.leaves.append(("text", token, content, None))
        charset = f"; charset={label}" if label else ""
        return self.part(f"text/{subtype}{charset}", content, codec != "utf-16")

    def name(self, token):
        """A file name, and the header lines that say it."""
        name = self.rng.choice([f"{token}.bin", f"資料 {token}.xlsx", f"{token} (1).PDF"])
        way = self.rng.randrange(3)
        if way == 0 and name.isascii():
            return name, [f'Content-Disposition: {self.rng.choice(["attachment", "inline"])}; filename="{name}"'], ""
        if way == 1:
            percent = "".join(f"%{byte:02X}" for byte in name.encode())
            return name, [f"Content-Disposition: attachment; filename*=UTF-8''{percent}"], ""
        word = "=?UTF-8?B?" + base64.b64encode(name.encode()).decode() + "?="
        return name, [], f'; name="{word}"'

    def binary(self):
        """A file."""
        token = self.token()
        content = token.encode() + bytes(self.rng.randrange(256) for _ in range(self.rng.randrange(200)))
        name, more, parameter = self.name(token)
        self.leaves.append(("file", token, content, name))
        return self.part(self.rng.choice(BINARY_TYPES) + parameter, content, False, more)

    def with_file(self):
        """A text with a file written into it."""
        token, file_token = self.token(), self.token()
        data = file_token.encode() + bytes(self.rng.randrange(256) for _ in range(self.rng.randrange(1, 200)))
        lines = b"".join(binascii.b2a_uu(data[i:i + 45], backtick=True) for i in range(0, len(data), 45))
        content = f"{token}\n".encode() + f"begin 644 {file_token}.dat\n".encode() + lines + b"`\nend\nbehind"
        content = content.replace(b"\n", b"\r\n")
        self.leaves.append(("text", token, content, None))
        self.leaves.append(("file", file_token, data, f"{file_token}.dat"))
        self.within[file_token] = content
        return self.part("text/plain", content, True)

    def calendar(self):
        """An invitation: a summary in the text, and a row."""
        token = self.token()
        content = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:{token}\r\nDTSTART:20261201T010000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n".encode()
        self.leaves.append(("both", token, content, None))
        return self.part("text/calendar", content, True)

    # ---- parts of parts

    def message(self, depth, above):
        """An enclosed message."""
        token = self.token()
        header = f"Content-Type: message/rfc822\r\n\r\nFrom: a@example.jp\r\nSubject: {token}\r\n".encode()
        self.leaves.append(("subject", token, None, sum(kind == "message" for kind in above) + 1))
        return header + self.entity(depth + 1, above + ["message"])

    def multipart(self, depth, above):
        """A multipart with its parts."""
        kind = self.rng.choice(MULTIPARTS).split("-")[-1]
        boundary = f"b{self.number}.{self.token()}"
        quotes = self.rng.choice(['"', ""])
        out = f"Content-Type: multipart/{kind}; boundary={quotes}{boundary}{quotes}\r\n\r\n".encode()
        if self.rng.randrange(3) == 0:
            out += b"This is a multi-part message in MIME format.\r\n"
        for _ in range(self.rng.randrange(1, 5)):
            out += f"--{boundary}\r\n".encode() + self.entity(depth + 1, above + [kind]) + b"\r\n"
        return out + f"--{boundary}--\r\n".encode()

    def entity(self, depth, above):
        """Any part."""
        ways = [lambda: self.text("plain"), lambda: self.text("plain"), lambda: self.text("html"), self.binary, self.binary,
                self.with_file, self.calendar]
        if depth < DEPTH_MAX:
            ways += [lambda: self.multipart(depth, above)] * (6 if depth == 0 else 3)
            ways += [lambda: self.message(depth, above)] * 2
        return self.rng.choice(ways)()


def wash(program, raw):
    """The facts of a letter."""
    result = subprocess.run([program, "--lang", "ja", "--json", "wash", "-"], input=raw, capture_output=True, check=True)
    return json.loads(result.stdout)


def row_of(facts, content):
    """The row with this content."""
    digest = hashlib.sha256(content).hexdigest()
    return next((row for row in facts["parts"] if row["sha256"] == digest and row["reason"]), None)


def faults_of(tree, facts):
    """What is wrong with the letter of a tree."""
    text, parts = facts["text"] or "", 0
    for kind, token, content, name in tree.leaves:
        if kind == "subject":
            if name <= 3 and token not in text:
                yield f"the subject {token} of an enclosed message is missing"
            continue
        parts += 1
        if token in tree.within and row_of(facts, tree.within[token]):
            parts -= 1  # the text is a file itself
            continue
        row = row_of(facts, content)
        if row and row["bytes"] != len(content):
            yield f"{token}: {row['bytes']} bytes instead of {len(content)}"
        if kind == "text" and token not in text and not row:
            yield f"the text {token} is missing"
        if kind in ("file", "both") and not row:
            yield f"the file {token} is missing"
        if kind == "file" and row and row["name"].replace("[.]", ".") != name:
            yield f"{token}: the name {row['name']} instead of {name}"
        if kind == "file" and token in text and f"{token}.dat" not in text:
            yield f"the file {token} is in the text"
    known = {hashlib.sha256(content).hexdigest() for kind, _, content, _ in tree.leaves if kind != "subject"}
    for row in facts["parts"]:
        if row["sha256"] not in known:
            yield f"a row that nobody wrote: {row}"
    if len(facts["parts"]) != parts:
        yield f"{len(facts['parts'])} parts instead of {parts}"


def main():
    """Makes trees and judges them."""
    program = sys.argv[1] if len(sys.argv) > 1 else os.environ["SEKISHO_BUILD"] + "/sekisho"
    rng = random.Random(int(os.environ.get("SEKISHO_SEED", "1")))
    trees = [Tree(rng, number) for number in range(int(os.environ.get("SEKISHO_TREES", "400")))]
    faults = leaves = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for tree, facts in zip(trees, pool.map(lambda tree: wash(program, tree.raw), trees)):
            leaves += len(tree.leaves)
            for fault in faults_of(tree, facts):
                print(f"tree {tree.number}: {fault}")
                faults += 1
    print(f"{len(trees)} trees, {leaves} leaves and subjects, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
