#!/usr/bin/python3
"""Bombs (tests/mail/bombs.c), each in a process that may use one second of a processor and 32 MiB of addresses, libraries included."""

import os
import resource
import subprocess
import sys

PROGRAM = os.path.join(os.environ["SEKISHO_BUILD"], "tests", "mail", "bombs")
PROCESSOR_SECONDS = 1
MEMORY_BYTES = 32 << 20


def limit():
    """In the child, before it becomes the program."""
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def main():
    """Runs all of them; the exit status says whether all came through."""
    names = subprocess.run([PROGRAM], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    failed = 0
    for name in names:
        run = subprocess.run([PROGRAM, name], preexec_fn=limit, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
        if run.returncode != 0:
            failed += 1
            print(f"{name}: exit status {run.returncode} {run.stdout.strip()}")
    print(f"{len(names)} bombs, {failed} did harm")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
