#!/usr/bin/python3
"""A new version takes over the running rules of the old one, and the old one those of the new, without a gap.

Forbidden and permitted packets are sent while sekishod is stopped or killed and started again as the other version, whose kernel program differs in every rule and
whose state is in newer forms (tests/netns/next_version). Nothing forbidden passes, nothing permitted is lost. What the older version cannot read it says, and
keeps closed. A package that replaces the program under a running daemon changes nothing until a restart: roles are started from the program of their parent.
"""

import os
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import reload_traffic  # noqa: E402
from flood import Flood  # noqa: E402
from reload_traffic import EDITS, PLACES, check, forbidden_streams, judge, neighbours, permitted_streams, write_policy  # noqa: E402
from town import DEADLINE_S, SOURCE, Town, await_true, skip_unless_possible  # noqa: E402

NEXT = os.path.join(SOURCE, "build", "next", "build", "sekishod")
CHANGES = 6  # of the version
SET_OF = {"old": "set live {", "next": "set alive {"}
PAUSE_S = 0.5  # traffic between two changes


def restart(town, program, number):
    town.daemon.send_signal(number)
    town.daemon.wait(DEADLINE_S)
    town.program = program
    town.start_daemon()


def check_changes(town, programs):
    """Back and forth under traffic."""
    macs = neighbours(town)
    town.write_sysctl("gateway", "net/netfilter/nf_conntrack_udp_timeout", 1)
    permitted, forbidden = permitted_streams(macs), forbidden_streams(macs)
    flood = Flood([(town.namespace(place), "eth0") for place in PLACES.values()], [description for _, description in permitted + forbidden])
    begun = []
    for change in range(CHANGES):
        version = "old" if change % 2 else "next"
        begun.append((int(time.monotonic() * 1000), f"to the {version} version"))
        restart(town, programs[version], signal.SIGKILL if change % 3 == 1 else signal.SIGTERM)
        check(f"the {version} version is in force", town.status()["state"] == "in-force" and SET_OF[version] in town.rules(), town.status())
        time.sleep(PAUSE_S)
        if not flood.running():
            raise AssertionError("the traffic ended before the changes did")
    result = flood.result()
    reload_traffic.RELOADS = CHANGES
    judge([name for name, _ in permitted + forbidden], len(permitted), result, begun)


def isolated(town):
    return sorted(entry["zone"] for entry in town.status()["isolated"])


def check_state(town, programs):
    """Isolation goes with an upgrade; what an older version cannot read stays closed, and it says so."""
    sekisho = [os.path.join(SOURCE, "build", "sekisho"), "--socket", os.path.join(town.run_dir, "control")]
    town.run("gateway", sekisho + ["isolate", "cloud"])
    restart(town, programs["next"], signal.SIGTERM)
    check("an upgrade keeps what is isolated", isolated(town) == ["cloud"], town.status())
    town.run("gateway", sekisho + ["release", "cloud"])
    restart(town, programs["old"], signal.SIGTERM)
    check("nothing isolated is understood by every version", isolated(town) == [], town.status())
    check("pins of a newer version are taken from the last good text", "the zones that were kept cannot be used" in town.log_text())
    restart(town, programs["next"], signal.SIGTERM)
    town.run("gateway", sekisho + ["isolate", "cloud"])
    restart(town, programs["old"], signal.SIGTERM)
    check("a list of a newer version isolates every zone", isolated(town) == ["*"], town.status())
    check("the log says why", "which zones are isolated cannot be read, so every zone is" in town.log_text())
    town.run("gateway", sekisho + ["release", "*"])
    check("until it is released", isolated(town) == [], town.status())
    await_true("the record of a newer version is put aside", lambda: os.path.exists(os.path.join(town.state_dir, "events", "events.db.newer")))
    await_true("and the log says so", lambda: "the database of refusals was written by a newer version of sekishod; it was put aside" in town.log_text())


def check_replaced(town, programs):
    """As dpkg and install do it: another file takes the name."""
    path = os.path.join(town.directory, "sekishod")
    shutil.copy2(programs["old"], path)
    restart(town, path, signal.SIGTERM)
    shutil.copy2(programs["next"], path + ".new")
    os.rename(path + ".new", path)
    before = town.rules()
    for role in ("enforcer", "planner", "witness"):
        pid = town.role_pid(role)
        os.kill(pid, signal.SIGKILL)
        await_true(f"another {role}", lambda: town.role_pid(role) not in (None, pid))
        ours, theirs = (os.stat(f"/proc/{process}/exe") for process in (town.daemon.pid, town.role_pid(role)))
        check(f"the new {role} is of the parent's version", (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino))
    await_true("they understand each other", lambda: answers(town))
    check("no rule changed", town.rules() == before and town.apply()["result"] == "unchanged")
    restart(town, path, signal.SIGTERM)
    check("a restart is the upgrade", SET_OF["next"] in town.rules() and town.status()["state"] == "in-force", town.status())


def answers(town):
    try:
        return town.status()["state"] == "in-force"
    except OSError:
        return False


def main():
    skip_unless_possible("nft")
    with Town(hosts=list(PLACES.values())) as town:
        town.keeps_descriptors = True
        write_policy(town, dict.fromkeys(EDITS, 0))
        programs = {"old": town.program, "next": NEXT}
        town.start_daemon()
        for step in (check_changes, check_state, check_replaced):
            step(town, programs)


if __name__ == "__main__":
    main()
