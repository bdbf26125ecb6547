#!/usr/bin/python3
"""A record that was over stays so when the clock is set back, over an apply, the death of a role, of the whole daemon, and with a full disk."""

import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zone_file  # noqa: E402
from faults import Faults  # noqa: E402
from town import Town, await_true, skip_unless_possible, verb_numbers  # noqa: E402

VERBS = verb_numbers()
DAY_S = 24 * 3600
STATE_MIB = 8


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def write_policy(town, port):
    """Two flows, one of which is over in five days; the port makes it another file."""
    policy = zone_file.town_policy()
    policy["flows"] = [zone_file.exception_flow(name, ("lgwan", "internet"), "10.2.1.10", "10.3.2.10", "udp", port if name == "later" else 9000)
                       for name in ("soon", "later")]
    policy["flows"][0]["record"] = zone_file.record(5)
    zone_file.write(town.config, policy)


def is_open(town, flow):
    return f'comment "{flow} ' in town.run("gateway", ["nft", "list", "set", "inet", "sekisho", "live"]).stdout


def apply(town, port):
    write_policy(town, port)
    answer = town.apply()
    expect(f"port {port}: applied", answer["result"] == "committed", answer)


def expect_closed(town, when):
    expect(f"{when}: what was over is closed, the other is open", not is_open(town, "soon") and is_open(town, "later"))


def is_connected(town):
    try:
        return town.status()["enforcer"]["connected"]
    except OSError:
        return False


def fill_disk(town):
    room = os.statvfs(town.state_dir)
    with open(os.path.join(town.state_dir, "full"), "wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_bsize)


def check(town, faults):
    apply(town, 7001)
    expect("in time both are open", is_open(town, "soon") and is_open(town, "later"))
    fill_disk(town)
    expect("a zone is isolated", town.request(VERBS["ISOLATE"], {"zone": "internet"})["result"] == "isolated")
    faults.set_clock(10 * DAY_S)
    answer = town.request(VERBS["RELEASE"], {"zone": "internet"})
    expect("ten days later it is released", answer["result"] == "released" and town.read_sysctl("gateway", "net/ipv4/ip_forward") == "1", answer)
    expect_closed(town, "before anything was applied")
    apply(town, 7002)
    expect_closed(town, "ten days later")
    faults.set_clock(0)
    apply(town, 7003)
    expect_closed(town, "the clock was set back")
    for role in ("enforcer", "planner"):
        victim = town.role_pid(role)
        os.kill(victim, signal.SIGKILL)
        await_true(f"another {role}", lambda: town.role_pid(role) not in (None, victim) and is_connected(town))
        # It may have put the file in force already.
        write_policy(town, 7004 + len(role))
        await_true("applied", lambda: town.apply()["result"] in ("committed", "unchanged"))
        expect_closed(town, f"another {role}")
    town.stop_daemon(signal.SIGKILL)
    os.unlink(os.path.join(town.state_dir, "full"))
    faults.set_clock(-3650 * DAY_S)
    town.start_daemon()
    apply(town, 7020)
    expect_closed(town, "another daemon, after a start without the right time")


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        os.mkdir(town.state_dir, 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_MIB}m,mode=700", "tmpfs", town.state_dir], check=True)
        faults = Faults(town)
        try:
            write_policy(town, 7000)
            town.start_daemon()
            check(town, faults)
        finally:
            town.stop_daemon()
            subprocess.run(["umount", "-l", town.state_dir], check=True)


if __name__ == "__main__":
    main()
