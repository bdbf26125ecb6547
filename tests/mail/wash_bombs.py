#!/usr/bin/python3
"""No mail takes a second or 32 MB: each kind that has hung or killed other programs becomes a letter.

usage: wash_bombs.py [PROGRAM]		PROGRAM is tests/mail/washer.c, as built ($SEKISHO_BUILD/tests/mail/washer)

The program limits itself (RLIMIT_CPU, RLIMIT_AS): it is the kernel that judges, so the verdict does not depend on what else the machine
does. Numbers are those of the cases in the relay's list of hostile mail.
"""

import os
import random
import resource
import subprocess
import sys

SIZE = 30_000_000  # the largest mail that the relay takes
HEAD = b"From: a@example.jp\r\nTo: b@example.jp\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
TEXT = HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
HTML = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
BASE64 = HEAD + b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"


def multipart(kind, parts, boundary=b"b"):
    """A message of parts."""
    lines = [HEAD + b"Content-Type: multipart/" + kind + b"; boundary=" + boundary + b"\r\n"]
    lines += [b"--" + boundary + b"\r\n" + part for part in parts]
    return b"\r\n".join(lines) + b"\r\n--" + boundary + b"--\r\n"


def fill(pattern, size=SIZE):
    """The pattern again and again."""
    return pattern * (size // len(pattern))


def numbered(pattern, count):
    """The pattern with numbers."""
    return b"".join(pattern % number for number in range(count))


def nested_multiparts(depth):
    """Multiparts within multiparts."""
    begin = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(depth))
    return HEAD + begin + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


def alternatives():
    """Multiparts of two forms within each other, each with a long text."""
    text = fill("本文です。".encode(), 60_000)
    inner = b"Content-Type: text/plain\r\n\r\nend\r\n"
    for i in range(30):
        inner = (b"Content-Type: multipart/alternative; boundary=a%d\r\n\r\n--a%d\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n"
                 b"--a%d\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>%s</p>\r\n--a%d\r\n%s--a%d--\r\n"
                 % (i, i, text, i, text, i, inner, i))
    return HEAD + inner


def noise(size):
    """Bytes without meaning."""
    return random.Random(1).randbytes(size)


BOMBS = [
    ("29 a header of 20 MB in folds", lambda: HEAD + b"X-Long: a\r\n" + fill(b" folded folded folded\r\n", 20_000_000) + b"\r\ntext"),
    ("29 300,000 headers", lambda: HEAD + numbered(b"X-%d: y\r\n", 300_000) + b"\r\ntext"),
    ("29 50,000 continuations of a parameter",
     lambda: HEAD + b"Content-Type: application/x" + numbered(b";\r\n name*%d=a", 50_000) + b"\r\n\r\nx"),
    ("29 200,000 encoded words in a subject", lambda: b"Subject:" + fill(b" =?utf-8?B?44GC?=\r\n", 3_600_000) + HEAD + b"\r\nx"),
    ("29 a subject of shifts", lambda: b"Subject: =?iso-2022-jp?B?" + fill(b"GyRCGyhC", 60_000) + b"?=\r\n" + HEAD + b"\r\nx"),
    ("30 600 parts with eight names each", lambda: multipart(b"mixed", [
        b"Content-Type: application/x" + b"".join(b"; name=" + bytes([97 + i]) * 1000 for i in range(8)) + b"\r\n\r\nx" for _ in range(600)])),
    ("32 100,000 nested comments in Cc", lambda: b"Cc: " + b"(" * 60_000 + b"a@b\r\n" + HEAD + b"\r\nx"),
    ("32 20,000 nested groups in Cc", lambda: b"Cc: " + b"a:" * 20_000 + b"a@b\r\n" + HEAD + b"\r\nx"),
    ("32 200,000 recipients", lambda: b"To:" + numbered(b" a%d@example.jp,\r\n", 200_000) + b" z@z\r\n" + HEAD + b"\r\nx"),
    ("35 10,000 references", lambda: b"References:" + numbered(b" <%d@example.jp>\r\n", 10_000) + HEAD + b"\r\nx"),
    ("35 references that break the grammar", lambda: b"References:" + b"<>" * 30_000 + b"\r\n" + HEAD + b"\r\nx"),
    ("36 results in nested comments", lambda: numbered(b"Authentication-Results: example.jp; (%d" + b"(" * 200 + b"\r\n", 900) + HEAD + b"\r\nx"),
    ("44 20,000 multiparts within each other", lambda: nested_multiparts(20_000)),
    ("44 50,000 multiparts with one boundary",
     lambda: HEAD + fill(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 2_600_000)),
    ("44 20,000 messages within each other", lambda: HEAD + fill(b"Content-Type: message/rfc822\r\n\r\nSubject: s\r\n", 840_000) + b"\r\nx"),
    ("44 1,000 messages with long headers", lambda: multipart(b"digest", [
        b"\r\n" + b"From: " + b"=?utf-8?q?=E3=81=82?= " * 900 + b"<a@b>\r\nSubject: " + b"s" * 8000 + b"\r\n\r\ntext" for _ in range(1000)])),
    ("45 500,000 parts", lambda: HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + fill(b"--b\r\n\r\nx\r\n", 5_000_000)),
    ("45 999 texts", lambda: multipart(b"mixed", [b"Content-Type: text/plain\r\n\r\n" + b"text " * 5000] * 999)),
    ("45 999 HTML texts", lambda: multipart(b"mixed", [b"Content-Type: text/html\r\n\r\n<p>" + b"text " * 5000] * 999)),
    ("47 base64 that is none", lambda: BASE64 + fill(b"=!=!\r\n")),
    ("47 base64 of letters alone", lambda: BASE64 + fill(b"QUJD" * 19 + b"\r\n")),
    ("48 quoted-printable of spaces", lambda: HEAD + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
     + fill(b" ", 10_000_000)),
    ("48 quoted-printable of =", lambda: HEAD + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + fill(b"=")),
    ("51 forms of the text within each other", alternatives),
    ("51 499 pairs of forms that differ", lambda: multipart(b"mixed", [
        b"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nplain words here\r\n--c\r\nContent-Type: text/html\r\n\r\n"
        b"other things there\r\n--c--" for _ in range(330)])),
    ("55 100,000 files that begin and end", lambda: TEXT + fill(b"begin 644 a\r\nend\r\n", 1_800_000)),
    ("55 100,000 files of one byte", lambda: TEXT + fill(b"begin 644 a\r\n!80``\r\n`\r\nend\r\n", 2_800_000)),
    ("55 yEnc that never ends", lambda: TEXT + b"=ybegin line=128 size=1 name=a\r\n" + fill(b"=j" * 60 + b"\r\n")),
    ("56 bytes without meaning as text", lambda: TEXT + noise(SIZE)),
    ("57 local headers of a ZIP", lambda: HEAD + b"Content-Type: application/zip\r\n\r\n" + fill(b"PK\3\4" + b"\0" * 30)),
    ("58 1.7 million escape sequences", lambda: HEAD + b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + fill(b"\x1b$B\x1b(B", 10_200_000)),
    ("60 broken UTF-8", lambda: TEXT + fill(b"\xf0\x90\x80 \xc0\xaf\xed\xa0\x80")),
    ("61 UTF-16 of line ends", lambda: HEAD + b"Content-Type: text/plain; charset=utf-16le\r\n\r\n" + fill(b"\n\0")),
    ("64 control characters in a text", lambda: TEXT + b"text " * 20_000 + fill(b"\x1b[31m")),
    ("65 marks on one letter", lambda: TEXT + b"Z" + fill("\u0301".encode())),
    ("65 one line of 30 million characters", lambda: TEXT + fill(b"a")),
    ("65 30 million line ends", lambda: TEXT + fill(b"\n")),
    ("26 characters that turn the line", lambda: TEXT + b"text " * 20_000 + fill("\u202e\u2066".encode())),
    ("66 200,000 attributes", lambda: HTML + b"<p" + numbered(b" a%d=b", 200_000) + b">text"),
    ("66 200,000 nested div", lambda: HTML + fill(b"<div>", 1_000_000) + b"text"),
    ("66 50,000 misnested b, i and a", lambda: HTML + fill(b"<b><i><a href=x>", 800_000) + fill(b"</b></i></a>", 600_000)),
    ("66 20,000 nested tables", lambda: HTML + fill(b"<table><tr><td>", 300_000) + b"text"),
    ("66 a table of a million cells", lambda: HTML + b"<table>" + fill(b"<tr>" + b"<td>a" * 1000, 5_000_000)),
    ("66 20,000 nested svg and math", lambda: HTML + fill(b"<svg><math>", 220_000) + b"text"),
    ("66 20,000 select and form", lambda: HTML + fill(b"<form><select>", 280_000) + b"text"),
    ("66 5 million <", lambda: HTML + fill(b"<", 5_000_000)),
    ("66 5 million &", lambda: HTML + fill(b"&", 5_000_000)),
    ("66 comments that never end", lambda: HTML + fill(b"<!--", 8_000_000)),
    ("66 script that never ends", lambda: HTML + b"<script>" + fill(b"</scrip", 8_000_000)),
    ("68 hidden text again and again", lambda: HTML + fill(b"<p style='display:none'>a<p>b", 8_000_000)),
    ("70 addresses", lambda: TEXT + fill(b"http://a.example/ ")),
    ("70 addresses without space", lambda: TEXT + fill(b"http://a.b@")),
    ("70 links", lambda: HTML + fill(b"<a href='http://a.example/'>http://b.example/</a> ", 10_000_000)),
    ("71 entities", lambda: HTML + fill(b"&#x202e;&notin;&#99999999999;")),
    ("53 a million events", lambda: HEAD + b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n"
     + fill(b"BEGIN:VEVENT\r\nSUMMARY:a\r\nEND:VEVENT\r\n")),
    ("53 an event of a million people", lambda: HEAD + b"Content-Type: text/calendar\r\n\r\nBEGIN:VEVENT\r\n" + fill(b"ATTENDEE;CN=a:mailto:b@c\r\n")),
    ("53 lines of a calendar in folds", lambda: HEAD + b"Content-Type: text/calendar\r\n\r\nBEGIN:VEVENT\r\nSUMMARY:" + fill(b"a\r\n ")),
    ("53 a delivery report without end", lambda: HEAD + b"Content-Type: message/delivery-status\r\n\r\n"
     + fill(b"Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n")),
    ("2 a mail of nothing", lambda: b""),
    ("2 line ends alone", lambda: fill(b"\r\n")),
    ("2 bytes without meaning", lambda: noise(SIZE)),
]


def main():
    """Lets each one off."""
    program = sys.argv[1] if len(sys.argv) > 1 else os.environ["SEKISHO_BUILD"] + "/tests/mail/washer"
    faults = 0
    for what, make in BOMBS:
        mail = make()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = subprocess.run([program], input=mail, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        good = result.returncode == 0 and result.stdout.startswith(b"SKL1")
        faults += not good
        print(f"{'ok  ' if good else 'FAIL'} {what}: {len(mail)} bytes, {seconds:.2f} s of processor time, exit status {result.returncode} "
              f"{result.stderr.decode(errors='replace')}")
    print(f"{len(BOMBS)} bombs, {faults} went off")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
