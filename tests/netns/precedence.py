#!/usr/bin/python3
"""Where the service manager permits it, the enforcer goes before other processes; who judges for it, and the other roles, do not."""

import os
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zone_file  # noqa: E402
from town import Town, skip_unless_possible  # noqa: E402

FLOWS = 2000  # so many that there is time to look at who judges
NICE_OF_ENFORCER, NICEST = -20, 40


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def nice(pid):
    return os.getpriority(os.PRIO_PROCESS, pid)


def policy(port):
    text = zone_file.town_policy()
    text["flows"] = [zone_file.internal_flow(f"flow-{i}", ("internet", "cloud"), f"10.3.{i >> 8}.{i & 255}", "cloud-dns", "udp", port) for i in range(FLOWS)]
    return text


def nices_of_judges(town, apply):
    """Of the enforcer's children, while an apply goes on."""
    enforcer, seen = town.role_pid("enforcer"), set()
    while apply.is_alive():
        with open(f"/proc/{enforcer}/task/{enforcer}/children", encoding="ascii") as children:
            for pid in children.read().split():
                try:
                    seen.add(nice(int(pid)))
                except ProcessLookupError:
                    pass
    return seen


def check_permitted(town):
    town.before_program = ["prlimit", f"--nice={NICEST}:{NICEST}"]
    town.start_daemon()
    expect("the enforcer goes before others", nice(town.role_pid("enforcer")) == NICE_OF_ENFORCER)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    others = {role: nice(town.role_pid(role)) for role in ("planner", "witness", "sentry")}
    expect("the other roles do not", nice(town.daemon.pid) == own and set(others.values()) == {own}, others)
    zone_file.write(town.config, policy(53))
    apply = threading.Thread(target=town.apply)
    apply.start()
    seen = nices_of_judges(town, apply)
    apply.join()
    expect("nor does who judges for it", 0 in seen, seen)
    expect("the daemon stops", town.stop_daemon() == 0)


def check_forbidden(town):
    town.before_program = ["prlimit", "--nice=0:0"]
    town.start_daemon()
    expect("without permission the enforcer is like others", nice(town.role_pid("enforcer")) == os.getpriority(os.PRIO_PROCESS, 0))
    expect("and serves", town.status()["state"] == "in-force")
    expect("the daemon stops", town.stop_daemon() == 0)


def may_raise_limits():
    """A machine may withhold even from root what a service manager has (CAP_SYS_RESOURCE)."""
    return subprocess.run(["prlimit", f"--nice={NICEST}:{NICEST}", "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0


def main():
    skip_unless_possible("nft", "prlimit")
    if not may_raise_limits():
        print("SKIP: absent: the right to raise the limits of a process")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "sekisho.conf")
        zone_file.write(config, policy(52))
        with Town(config=config, hosts=[]) as town:
            check_permitted(town)
            check_forbidden(town)


if __name__ == "__main__":
    main()
