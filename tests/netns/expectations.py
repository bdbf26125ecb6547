#!/usr/bin/python3
"""The example zone file keeps its promises: each probe of expectations.txt passes or is refused as it says."""
import os
import subprocess
import sys
import tempfile

from town import SOURCE, renewed

HERE = os.path.dirname(os.path.abspath(__file__))
SEKISHO = os.path.join(os.environ.get("SEKISHO_BUILD") or os.path.join(SOURCE, "build"), "sekisho")


def answers(config, probes):
    """The exit status of why --batch, and its answers."""
    done = subprocess.run([SEKISHO, "--lang", "en", "--config", config, "why", "--batch", "-"], input=probes, capture_output=True,
                          text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def main():
    with open(os.path.join(SOURCE, "conf", "sekisho.conf"), encoding="utf-8") as file:
        text = renewed(file.read())
    with open(os.path.join(HERE, "expectations.txt"), encoding="utf-8") as file:
        probes = file.read()
    with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as config:
        config.write(text)
        config.flush()
        status, lines, complaints = answers(config.name, probes)
        print(complaints, end="")
        asked = probes.count("expect=")
        if status != 0 or len(lines) != asked:
            sys.exit(f"FAILED: status {status}, {len(lines)} answers to {asked} probes")
        # A table that cannot fail proves nothing: turned round, every line has to complain.
        turned = probes.replace("expect=pass", "expect=no").replace("expect=refuse", "expect=pass").replace("expect=no", "expect=refuse")
        status, _, complaints = answers(config.name, turned)
        if status != 1 or complaints.count("not as expected") != asked:
            sys.exit(f"FAILED: turned round, {complaints.count('not as expected')} of {asked} complained")
    print(f"ok: {asked} probes")


if __name__ == "__main__":
    main()
