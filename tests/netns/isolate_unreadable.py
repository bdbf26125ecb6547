#!/usr/bin/python3
"""A new enforcer is told what is isolated. When it cannot read what the kernel holds it does not say that this is done, and nothing passes until it is. When
interfaces have each other's names by then, what was cut off stays cut off.
"""

import errno
import json
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from faults import Faults  # noqa: E402
from town import SOURCE, Town, await_true, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
MANY = 1000000
POLL_CALL = "7 "


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def is_waiting(pid):
    """The process has done all it was told and waits for more."""
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            return file.read().startswith(POLL_CALL)
    except OSError:
        return False


def renew_enforcer(town):
    """Another enforcer, which the planner has not spoken with yet."""
    planner, victim = town.role_pid("planner"), town.role_pid("enforcer")
    os.kill(planner, signal.SIGSTOP)
    os.kill(victim, signal.SIGKILL)
    await_true("another enforcer", lambda: town.role_pid("enforcer") not in (None, victim) and is_waiting(town.role_pid("enforcer")))
    return planner


def is_forwarding(town):
    return town.read_sysctl("gateway", "net/ipv4/ip_forward") == "1"


def is_cut(town):
    return "elements" in town.run("gateway", ["nft", "list", "set", "inet", "sekisho", "isolated"]).stdout


def check(town, faults):
    expect("packets pass", is_forwarding(town) and not is_cut(town))
    planner = renew_enforcer(town)
    faults.arm("enforcer", "receive", errno.ENOBUFS, times=MANY)
    os.kill(planner, signal.SIGCONT)
    await_true("the planner hears of it", lambda: town.status()["enforcer"]["connected"])
    result = subprocess.run(town.at("gateway", [PROGRAM, "--socket", os.path.join(town.run_dir, "control"), "--json", "isolate", "lgwan"]), check=False,
                            capture_output=True, text=True)
    expect("isolate does not say that it is done", result.returncode != 0 and "isolation-failed" in result.stdout, result)
    expect("and nothing passes", not is_forwarding(town))
    faults.disarm()
    await_true("it is put in force as soon as that can be", lambda: is_cut(town) and is_forwarding(town))
    expect("the status says so", [item["zone"] for item in town.status()["isolated"]] == ["lgwan"])


def rename(town, *names):
    for before, after in names:
        town.ip("gateway", f"link set {before} name {after}")


def cut_index(town, index):
    """Is this interface cut off, whatever its name?"""
    elements = json.loads(town.run("gateway", ["nft", "-j", "-n", "list", "set", "inet", "sekisho", "isolated"]).stdout)["nftables"][1]["set"].get("elem", [])
    names = {str(link["ifname"]): link["ifindex"] for link in json.loads(town.ip("gateway", "-j link show"))}
    return index in [names.get(str(element), element) for element in elements]


def check_renamed(town):
    index = json.loads(town.ip("gateway", "-j link show dev lg0"))[0]["ifindex"]
    expect("the zone's interface is cut off", cut_index(town, index))
    os.kill(town.role_pid("planner"), signal.SIGSTOP)
    rename(town, ("lg0", "away0"), ("in0", "lg0"), ("away0", "in0"))
    planner = renew_enforcer(town)
    expect("and stays so when another interface has its name", cut_index(town, index))
    rename(town, ("lg0", "away0"), ("in0", "lg0"), ("away0", "in0"))
    os.kill(planner, signal.SIGCONT)


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        faults = Faults(town)
        town.start_daemon()
        check(town, faults)
        check_renamed(town)


if __name__ == "__main__":
    main()
