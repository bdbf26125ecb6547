#!/usr/bin/python3
"""Planner and enforcer that lose their channel get another, although neither has ended: an answer that the enforcer cannot give closes it. A message to the kernel
that cannot be sent makes nobody hang and ends nobody.
"""

import errno
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from faults import Faults  # noqa: E402
from town import Town, await_true, skip_unless_possible  # noqa: E402

PORTS = ("ports       = [ 3389 ]", "ports       = [ 3390 ]")
MESSAGES = 12	# the first of an apply, among which are those that ask for interfaces
LOST = "the planner is not listened to any more"
UNASKED = "the parent could not be asked for a planner"


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def roles(town):
    return town.role_pid("planner"), town.role_pid("enforcer")


def check(town, faults, times, words):
    """So many frames of the enforcer are not sent, which it says in these words."""
    before = roles(town)
    town.edit_config(*PORTS)
    faults.arm("enforcer", "channel", errno.ENOBUFS, times=times)
    town.apply()
    await_true("the channel is lost", lambda: words in town.log_text())
    faults.disarm()
    town.edit_config(*PORTS[::-1])
    await_true("both have another", lambda: town.status()["enforcer"]["connected"])
    expect("neither has ended", roles(town) == before, (roles(town), before))
    await_true("an apply goes through", lambda: town.apply()["result"] in ("committed", "unchanged"))


def check_unreadable(town, faults):
    """Interfaces that cannot be listed cost no role: each message of an apply to the kernel is not sent once."""
    before = roles(town)
    for number in range(1, MESSAGES + 1):
        town.edit_config(*PORTS[::1 if number % 2 == 1 else -1])
        faults.arm("enforcer", "send", errno.ENOBUFS, number)
        answer = town.apply()
        faults.disarm()
        await_true("both are there", lambda: town.status()["enforcer"]["connected"])
        if roles(town) != before:
            raise AssertionError(f"message {number} cost a role: {before} became {roles(town)}, {answer}")
    print(f"ok: no message costs a role, of {MESSAGES}")


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        faults = Faults(town)
        town.start_daemon()
        check(town, faults, 2, LOST)	# neither the answer nor that there is none; or a survey's
        check(town, faults, 3, UNASKED)	# nor that there is no channel any more
        check_unreadable(town, faults)


if __name__ == "__main__":
    main()
