#!/usr/bin/python3
"""A file that somebody else may write is refused, however many there are: the reasons once did not fit the answer, and none meant yes."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import Town, skip_unless_possible  # noqa: E402

INCLUDES = (1, 30)


def check(count):
    with Town(hosts=["juki-cs"]) as town:
        parts = [os.path.join(town.directory, f"part-{'x' * 100}-{number}.conf") for number in range(count)]
        for part in parts:
            with open(part, "w", encoding="utf-8") as file:
                file.write("# nothing\n")
            os.chmod(part, 0o644)
        with open(town.config, encoding="utf-8") as file:
            text = file.read()
        with open(town.config, "w", encoding="utf-8") as file:
            file.write("".join(f'@include "{os.path.basename(part)}"\n' for part in parts) + text)
        town.start_daemon()
        for part in parts:
            os.chmod(part, 0o666)
        town.edit_config("[ 3389 ]", "[ 3390 ]")
        answer = town.apply(reason="a change")
        assert answer["result"] == "refused", (count, answer)
        print(f"ok: refused for {count} files that everybody may write")


def main():
    skip_unless_possible()
    for count in INCLUDES:
        check(count)


if __name__ == "__main__":
    main()
