#!/usr/bin/python3
"""What a reader gets: mails in tests/golden/wash/*.eml, and beside each the message that is made of it, as `sekisho wash` prints it.

usage: wash_golden.py [PROGRAM]		PROGRAM is sekisho ($SEKISHO_BUILD/asan/sekisho, else $SEKISHO_BUILD/sekisho)

The time of arrival is left out: it is now. SEKISHO_WRITE_GOLDEN=1 writes the texts; look at each of them before they are kept.
"""

import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

NOW = re.compile(r"(?m)(?<=; )\w{3}, \d\d \w{3} \d{4} [\d:]+ \+0900$|(?<=、受信 )\d{4}-\d\d-\d\d [\d:]+ \+0900(?=、原本 )")


def main():
    """Compares each text."""
    golden = Path(__file__).resolve().parents[1] / "golden" / "wash"
    build = Path(os.environ.get("SEKISHO_BUILD", "build"))
    program = sys.argv[1] if len(sys.argv) > 1 else next(str(path) for path in (build / "asan/sekisho", build / "sekisho") if path.exists())
    mails, failures = sorted(golden.glob("*.eml")), 0
    for mail in mails:
        result = subprocess.run([program, "--lang", "ja", "wash", str(mail)], capture_output=True, check=False)
        lines = result.stdout.decode().split("\n")
        # Headers and notice are ours: a text may hold what looks like them.
        ours = lines.index("") + 2 if "" in lines else 0
        head, body = NOW.sub("(now)", "\n".join(lines[:ours])), "\n".join(lines[ours:])
        if not re.search(rb"(?m)\A(?:(?!Date:).*\n)*Date: \w{3},", mail.read_bytes()):
            head = re.sub(r"(?m)^Date: .*$", "Date: (now)", head)
        text = head + "\n" + body + result.stderr.decode()
        wanted = mail.with_suffix(".txt")
        if os.environ.get("SEKISHO_WRITE_GOLDEN"):
            wanted.write_text(text, encoding="utf-8")
        if result.returncode != 0 or not wanted.exists() or wanted.read_text(encoding="utf-8") != text:
            failures += 1
            print(f"FAIL {mail.name}: exit status {result.returncode}")
            if wanted.exists():
                sys.stdout.writelines(difflib.unified_diff(wanted.read_text(encoding="utf-8").splitlines(True), text.splitlines(True), "wanted", "got"))
    print(f"{len(mails)} mails, {failures} failures")
    return 1 if failures or not mails else 0


if __name__ == "__main__":
    sys.exit(main())
