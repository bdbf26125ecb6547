#!/usr/bin/python3
"""A flow that was taken away while the disk is full stays away: over a restart, and when a change that nobody confirms goes back.

What was in force before is kept for a restart; what could not be written over it must not come back.
"""

import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zone_file  # noqa: E402
from town import Town, await_true, skip_unless_possible, verb_numbers  # noqa: E402

STATE_MIB = 8
VERBS = verb_numbers()


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def write_policy(town, *flows):
    policy = zone_file.town_policy()
    policy["flows"] = [zone_file.internal_flow(flow, ("internet", "cloud"), "10.3.0.77", "cloud-dns", "udp", 7000 + len(flow)) for flow in flows]
    zone_file.write(town.config, policy)


def is_open(town, flow):
    return f'comment "{flow} ' in town.run("gateway", ["nft", "list", "set", "inet", "sekisho", "live"]).stdout


def apply(town, *flows, **more):
    write_policy(town, *flows)
    answer = town.apply(**more)
    expect(f"{', '.join(flows)}: applied", answer["result"] == "committed", answer)


def fill_disk(town):
    room = os.statvfs(town.state_dir)
    with open(os.path.join(town.state_dir, "full"), "wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_bsize)


def check_restart(town):
    expect("in the beginning it is open", is_open(town, "taken-away"))
    fill_disk(town)
    apply(town, "steady")
    town.stop_daemon(signal.SIGKILL)
    town.start_daemon()
    expect("after a restart it is away", not is_open(town, "taken-away") and is_open(town, "steady"))


def check_return(town):
    """A change that must be confirmed needs something to go back to."""
    os.unlink(os.path.join(town.state_dir, "full"))
    apply(town, "steady", "another", confirm=1)
    expect("a change is in force for a while", is_open(town, "another"))
    await_true("it goes back", lambda: town.status()["confirm_until"] is None)
    expect("to what was in force, not to what the disk knew last", not is_open(town, "taken-away") and not is_open(town, "another") and is_open(town, "steady"))


def check_read_only(town):
    """A disk that can only be read has the zones of what was in force before: a new enforcer judges by those of what is in force."""
    town.stop_daemon()
    subprocess.run(["mount", "-o", "remount,ro", town.state_dir], check=True)
    town.start_daemon()
    apply(town, "steady", "yet-another")
    enforcer = town.role_pid("enforcer")
    os.kill(enforcer, signal.SIGKILL)
    await_true("another enforcer", lambda: town.role_pid("enforcer") not in (None, enforcer) and town.status()["enforcer"]["connected"])
    expect("a zone is isolated", town.request(VERBS["ISOLATE"], {"zone": "internet"})["result"] == "isolated")
    answer = town.request(VERBS["RELEASE"], {"zone": "internet"})
    expect("and opens again, which it would not if what is in force were not lawful",
           answer["result"] == "released" and "release-later" not in [finding["id"] for finding in answer["findings"]], answer)


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        os.mkdir(town.state_dir, 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_MIB}m,mode=700", "tmpfs", town.state_dir], check=True)
        try:
            write_policy(town, "steady", "taken-away")
            town.start_daemon()
            check_restart(town)
            apply(town, "steady", "taken-away")
            apply(town, "steady")
            check_return(town)
            check_read_only(town)
        finally:
            town.stop_daemon()
            subprocess.run(["umount", "-l", town.state_dir], check=True)


if __name__ == "__main__":
    main()
