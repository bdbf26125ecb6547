#!/usr/bin/python3
"""When the kernel, or the process that speaks with it, fails in the middle of an apply, whoever asked is told what failed, and nothing is changed.

Netlink loses what the kernel answers to the enforcer; then the enforcer is killed while an apply waits for it. The rules stay what they were, and an apply after
that is committed.
"""

import errno
import os
import queue
import signal
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from faults import Faults  # noqa: E402
from town import Town, await_true, skip_unless_possible  # noqa: E402

PORT, OTHER_PORT = "[ 3389 ]", "[ 3389, 3390 ]"
MANY = 1000000


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


def ids(answer):
    return {finding["id"] for finding in answer.get("findings", [])}


def check_unreadable(town, faults):
    """Netlink loses what the kernel answers."""
    before = town.rules()
    town.edit_config(PORT, OTHER_PORT)
    faults.arm("enforcer", "receive", errno.ENOBUFS, times=MANY)
    answer = town.apply(reason="another port")
    faults.disarm()
    expect("a kernel that cannot be read is told", answer["result"] in ("refused", "failed") and "kernel-unreadable" in ids(answer), answer)
    expect("nothing was changed", town.rules() == before)
    await_true("an apply after that is committed", lambda: town.apply(reason="another port")["result"] in ("committed", "unchanged"))
    expect("and the port is open", "3390" in town.rules())


def check_gone(town):
    """The enforcer is killed while it is asked."""
    answers, victim = queue.Queue(), town.role_pid("enforcer")
    town.edit_config(OTHER_PORT, PORT)
    os.kill(victim, signal.SIGSTOP)
    asker = threading.Thread(target=lambda: answers.put(town.apply(reason="the port is not needed")))
    asker.start()
    await_true("it has begun", lambda: 'apply was asked for uid=0 reason="the port is not needed"' in town.log_text())
    os.kill(victim, signal.SIGKILL)
    answer = answers.get()
    asker.join()
    expect("who asked is told that the enforcer is gone", answer["result"] == "failed" and ids(answer) == {"enforcer-gone"}, answer)
    await_true("another enforcer takes the next one", lambda: town.apply(reason="again")["result"] in ("committed", "unchanged"))
    expect("and the port is closed", "3390" not in town.rules())


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        faults = Faults(town)
        try:
            town.start_daemon()
            check_unreadable(town, faults)
            check_gone(town)
            expect("the daemon stops", town.stop_daemon() == 0)
        except BaseException:
            print(town.log_text())
            raise


if __name__ == "__main__":
    main()
