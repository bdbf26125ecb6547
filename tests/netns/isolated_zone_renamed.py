#!/usr/bin/python3
"""A zone that is isolated stays so when a file gives it another name, or one of its interfaces to another zone: at an apply, at a start, and when one operator
isolates what another is about to rename.
"""

import os
import re
import signal
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from isolate import Way, expect, expect_cut, sekisho  # noqa: E402
from town import Town, await_true, skip_unless_possible  # noqa: E402

HOSTS = ["jumin-tanmatsu", "juki-cs", "shokuin-pc", "gamen-server"]


def rename_zone(town, old, new):
    """Another name for a zone in the whole file; a tier of the same name keeps it."""
    with open(town.config, encoding="utf-8") as file:
        text = file.read()
    with open(town.config, "w", encoding="utf-8") as file:
        file.write(re.sub(rf'(\btier\s*=\s*)?"{old}"', lambda found: found[0] if found[1] else f'"{new}"', text))


def ids(answer):
    return [finding["id"] for finding in answer["findings"]]


def check_other_zones(town, ways):
    """What is cut off by the name of its zone stays so when a file gives the zone another one."""
    expect("a zone is isolated", sekisho(town, "isolate", "internet")[1]["interfaces"] == 1)
    rename_zone(town, "internet", "inet")
    status, answer = sekisho(town, "apply")
    expect("a file that gives it another name is refused", status == 1 and ids(answer) == ["isolation-lost"], answer)
    expect_cut("what is cut off stays so", ways["gamen"], ways["juki"])
    town.stop_daemon()
    town.start_daemon()
    expect("nor is it put in force by a start", town.status()["state"] == "last-good", town.status())
    expect_cut("and it stays so", ways["gamen"], ways["juki"])
    expect("it is released by the name it was isolated by", sekisho(town, "release", "internet")[1]["result"] == "released")
    expect("then the file is applied", town.apply()["result"] == "committed")
    rename_zone(town, "inet", "internet")
    expect("and the first one again", town.apply()["result"] == "committed")
    ways["gamen"].client, ways["gamen"].server = ways["gamen"].connect()


def stop_judges(town, apply):
    """Halts the children of the enforcer that judge what is applied; none: they were done before they were seen."""
    enforcer, judges = town.role_pid("enforcer"), []
    while apply.is_alive() and not judges:
        with open(f"/proc/{enforcer}/task/{enforcer}/children", encoding="ascii") as children:
            judges = [int(pid) for pid in children.read().split()]
        for pid in judges:
            os.kill(pid, signal.SIGSTOP)
    return judges if apply.is_alive() else []


def judged_meanwhile(town, answers):
    """An apply that gives a zone another name, and is being judged; None: it was over too soon, and is taken back."""
    rename_zone(town, "internet", "inet")
    apply = threading.Thread(target=lambda: answers.append(town.apply()))
    apply.start()
    judges = stop_judges(town, apply)
    if judges:
        return apply, judges
    apply.join()
    rename_zone(town, "inet", "internet")
    town.apply()
    return None


def check_two_at_once(town, ways):
    """One gives a zone another name, the other isolates it while that is being judged."""
    answers, found = [], None
    while not found:
        answers.clear()
        found = judged_meanwhile(town, answers)
    apply, judges = found
    answer = sekisho(town, "isolate", "internet")[1]
    expect("it is isolated by the name that is in force", answer["result"] == "isolated" and answer["interfaces"] == 1, answer)
    expect_cut("at once", ways["gamen"], ways["juki"])
    for pid in judges:
        os.kill(pid, signal.SIGCONT)
    apply.join()
    expect("what was judged is refused", ids(answers[0]) == ["isolation-lost"], answers)
    expect_cut("and nothing opens", ways["gamen"], ways["juki"])
    rename_zone(town, "inet", "internet")
    expect("released", sekisho(town, "release", "internet")[1]["result"] == "released")
    ways["gamen"].client, ways["gamen"].server = ways["gamen"].connect()


def check_way_back(town, ways):
    """A change gives a zone another name and is not confirmed, and the zone is isolated by that: it goes back when the zone is released, not before."""
    rename_zone(town, "internet", "inet")
    expect("another name, to be confirmed", town.apply(confirm=600)["result"] == "committed")
    expect("the zone is isolated by it", sekisho(town, "isolate", "inet")[1]["interfaces"] == 1)
    town.stop_daemon()
    with open(os.path.join(town.state_dir, "confirm"), "r+b") as file:
        file.write(b"another boot")
    town.write_sysctl("gateway", "net/ipv4/ip_forward", 0)
    town.run("gateway", ["nft", "flush", "ruleset"])
    town.start_daemon()
    expect("after a reboot there are rules", town.status()["state"] == "in-force", town.status())
    expect_cut("and it is cut off", ways["gamen"], ways["juki"])
    expect("released", sekisho(town, "release", "inet")[1]["result"] == "released")
    await_true("it goes back", lambda: town.status()["confirm_until"] is None and town.status()["state"] == "last-good")
    expect("the zone has its first name", sekisho(town, "isolate", "internet", "--drill")[1]["result"] == "drill")


def main():
    skip_unless_possible("nft")
    with Town(hosts=HOSTS) as town:
        town.start_daemon()
        ways = {
            "juki": Way(town, "jumin-tanmatsu", "juki-cs", "10.2.0.20", 443),
            "gamen": Way(town, "shokuin-pc", "gamen-server", "10.3.0.30", 3389),
        }
        for way in ways.values():
            way.round_trip()
        check_other_zones(town, ways)
        check_two_at_once(town, ways)
        check_way_back(town, ways)


if __name__ == "__main__":
    main()
