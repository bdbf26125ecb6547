#!/usr/bin/python3
"""A process of sekishod that hangs is killed and started again, and the rules stay meanwhile; the service manager hears from the parent while all is well."""

import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import slow_file  # noqa: E402
from town import Town, await_true, skip_unless_possible  # noqa: E402

WATCHDOG_US = 8000000  # a role hangs after half of it
TICKS_HELD = 6  # two more than a role hangs after
ROLES = ("enforcer", "planner", "witness", "sentry")


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def answers(town):
    try:
        return town.status()["state"] == "in-force"
    except OSError:
        return False


def check_hangs(town, role):
    before, pid = town.rules(), town.role_pid(role)
    os.kill(pid, signal.SIGSTOP)
    await_true(f"another {role}", lambda: town.role_pid(role) not in (None, pid))
    check(f"a {role} that hangs is replaced", f"a role hangs and is killed role={role} pid=" in town.log_text(), town.log_text())
    await_true("it answers", lambda: answers(town))
    check("the rules are what they were", town.rules() == before)
    check("and an apply changes nothing", town.apply()["result"] == "unchanged")


def check_slow(town):
    """Who reads a file for longer than that hangs not."""
    hung = town.log_text().count("a role hangs")
    with slow_file.held(town, *slow_file.READERS):
        apply, _ = slow_file.begin_apply(town)
        for _ in range(TICKS_HELD):
            town.notified.pop("WATCHDOG", None)
            town.await_notified("WATCHDOG", "1")
        check("a file is read for longer than a role may hang", apply.is_going_on())
    answer = apply.answer()
    check("nobody is killed for it", answer["result"] == "committed" and town.log_text().count("a role hangs") == hung, answer)


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        town.start_daemon(environment={"WATCHDOG_USEC": str(WATCHDOG_US), **slow_file.environment(town)})
        parent = town.daemon.pid
        town.await_notified("WATCHDOG", "1")
        print("ok: the service manager hears from it")
        for role in ROLES:
            check_hangs(town, role)
        check("who answers is not killed", town.log_text().count("a role hangs") == len(ROLES), town.log_text())
        check_slow(town)
        del town.notified["WATCHDOG"]
        town.await_notified("WATCHDOG", "1")
        check("the parent is the same, and heard of", town.daemon.pid == parent and town.daemon.poll() is None)


if __name__ == "__main__":
    main()
