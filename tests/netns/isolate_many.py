#!/usr/bin/python3
"""So many zones are isolated that there is room for no other: it is said, nothing changes, and what the finding says to do instead can be done.

A town has at most as many zones as can be isolated; but one that was isolated and then renamed in the file stays in the list until it is released.
"""

import json
import os
import shlex
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, ZONES, Town, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
ZONES_MAX = 64  # POLICY_ZONES_MAX of src/policy/policy.h
FIRST_ZONE = '\t{\n\t\tname       = "mynumber";'


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


def sekisho(town, *words):
    result = town.run("gateway", [PROGRAM, "--lang", "en", "--json", "--socket", os.path.join(town.run_dir, "control"), *words], check=False)
    return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr


def zone(number):
    return f'\t{{ name = "z{number}"; tier = "lgwan"; interfaces = [ "z{number}" ]; networks = [ "172.16.{number}.0/24" ]; }},\n'


def isolated(town):
    return [item["zone"] for item in town.status()["isolated"]]


def fill(town):
    """Every zone of the file is isolated."""
    more = range(ZONES_MAX - len(ZONES))
    town.edit_config(FIRST_ZONE, "".join(map(zone, more)) + FIRST_ZONE)
    town.start_daemon()
    for name in [f"z{number}" for number in more] + list(ZONES):
        code, answer = sekisho(town, "isolate", name)
        assert code == 0 and answer["result"] == "isolated", (name, answer)
    expect("as many zones as there may be are isolated", len(isolated(town)) == ZONES_MAX)


def check(town):
    fill(town)
    town.edit_config(zone(0), zone(100))
    expect("one of them is renamed", town.apply()["result"] in ("committed", "unchanged"))
    before = town.rules()
    code, answer = sekisho(town, "isolate", "z100")
    expect("there is no room for another", code == 1 and answer["result"] == "refused", answer)
    finding = answer["findings"][0]
    expect("which is said", [item["id"] for item in answer["findings"]] == ["isolations-many"] and "So many zones are isolated" in finding["en"]["sentence"]
           and "遮断中のゾーンが多すぎる" in finding["ja"]["sentence"], answer)
    expect("and nothing changes", town.rules() == before and len(isolated(town)) == ZONES_MAX and "z100" not in isolated(town))
    for language in ("en", "ja"):
        words = shlex.split(finding[language]["action"].rpartition(": ")[2])
        code, answer = sekisho(town, *words[1:])
        expect(f"what is said can be done ({language})", words[0] == "sekisho" and code == 0 and answer["result"] == "isolated", answer)
    expect("every zone is isolated then", "*" in isolated(town))
    for name in ("*", "z0"):
        expect(f"{name} is released", sekisho(town, "release", name)[1]["result"] == "released")
    expect("there is room again", sekisho(town, "isolate", "z100")[1]["result"] == "isolated")


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        check(town)


if __name__ == "__main__":
    main()
