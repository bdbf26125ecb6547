#!/usr/bin/python3
"""A file that somebody else may write, or that belongs to him, is refused, however many there are: the reasons once did not fit the answer, and none meant yes."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import Town, skip_unless_possible  # noqa: E402

INCLUDES = (1, 30)
SOMEBODY = 64101


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


def check_owner():
    with Town(hosts=[]) as town:
        town.start_daemon()
        before = town.rules()
        town.edit_config("[ 3389 ]", "[ 3390 ]")
        os.chown(town.config, SOMEBODY, 0)
        answer = town.apply(reason="a change of somebody")
        assert answer["result"] == "refused", answer
        assert [finding["id"] for finding in answer["findings"]] == ["file-owner"], answer
        for language, sentence in (("en", f"{town.config} does not belong to root: "), ("ja", f"{town.config} の所有者が root ではありません。")):
            assert answer["findings"][0][language]["sentence"].startswith(sentence), answer
            assert f"chown root:root {town.config}" in answer["findings"][0][language]["action"], answer
        assert town.rules() == before
        print("ok: a file of somebody else is refused, and the rules stay")
        town.run("gateway", answer["findings"][0]["en"]["action"].removeprefix("Run: ").split())
        answer = town.apply(reason="a change of root")
        assert answer["result"] == "committed" and "3390" in town.rules(), answer
        print("ok: and taken when that was done which is said")


def main():
    skip_unless_possible("nft")
    for count in INCLUDES:
        check(count)
    check_owner()


if __name__ == "__main__":
    main()
