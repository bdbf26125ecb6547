#!/usr/bin/python3
"""A new enforcer goes on with what it finds in the kernel, with nobody but the parent to ask: the planner is halted.

A zone that was released while there was none opens as soon as what is there was proved, and is not said to be open before; where it cannot be proved, it opens
with what the planner proposes next. A zone that was isolated while there was none is cut off, and what lives depend on goes on. Where somebody changes the rules before it has installed any, nothing passes until it has.
"""

import contextlib
import json
import os
import signal
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zone_file  # noqa: E402
from faults import Faults  # noqa: E402
from isolate_unreadable import is_forwarding, renew_enforcer  # noqa: E402
from town import DEADLINE_S, FRAME, Town, await_true, skip_unless_possible, verb_numbers  # noqa: E402

VERBS = verb_numbers()
DAY_S = 24 * 3600


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def write_policy(town):
    """Two flows of the LGWAN: one that lives depend on, one that is over in five days."""
    policy = zone_file.town_policy()
    policy["flows"] = [zone_file.exception_flow(name, ("lgwan", "internet"), "10.2.1.10", "10.3.2.10", "udp", port) for name, port in (("soon", 7000), ("life", 7001))]
    policy["flows"][0]["record"] = zone_file.record(5)
    policy["flows"][1]["life_safety"] = True
    zone_file.write(town.config, policy)


def elements(town, name):
    answer = json.loads(town.run("gateway", ["nft", "-j", "list", "set", "inet", "sekisho", name]).stdout)
    return answer["nftables"][1]["set"].get("elem", [])


@contextlib.contextmanager
def halted(town, role):
    pid = town.role_pid(role)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


class Order:
    """An order whose answer is not waited for yet."""

    def __init__(self, town, verb, zone):
        body = json.dumps({"zone": zone}).encode()
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.control.settimeout(DEADLINE_S)
        self.control.connect(os.path.join(town.run_dir, "control"))
        self.control.sendall(FRAME.pack(b"SKS1", VERBS[verb], 0, len(body)) + body)

    def answer(self):
        with self.control, self.control.makefile("rb") as answer:
            return json.loads(answer.read(FRAME.unpack(answer.read(FRAME.size))[3]))


def is_isolated(town):
    return [item["zone"] for item in town.status()["isolated"]] == ["lgwan"]


def order_to_nobody(town, verb):
    """An order that the enforcer does not come to carry out any more."""
    with halted(town, "enforcer") as enforcer:
        order = Order(town, verb, "lgwan")
        await_true("the parent has heard of it", lambda: is_isolated(town) == (verb == "ISOLATE"))
        os.kill(town.role_pid("planner"), signal.SIGSTOP)
        os.kill(enforcer, signal.SIGKILL)
    return order


def go_on(town, order):
    os.kill(town.role_pid("planner"), signal.SIGCONT)
    answer = order.answer()
    await_true("the planner has the new enforcer", lambda: town.status()["enforcer"]["connected"])
    write_policy(town)
    await_true("it is in force", lambda: town.apply()["result"] in ("committed", "unchanged"))
    return answer


def check_isolated(town):
    order = order_to_nobody(town, "ISOLATE")
    await_true("isolated with no enforcer there: it is cut off", lambda: elements(town, "isolated"))
    expect("what lives depend on goes on", len(elements(town, "spared")) == 2, elements(town, "spared"))
    answer = go_on(town, order)
    expect("that is the answer", answer["result"] == "isolated" and answer["keeps"] == ["life"], answer)


def check_released(town):
    order = order_to_nobody(town, "RELEASE")
    await_true("released with no enforcer there: it opens without the planner", lambda: not elements(town, "isolated"))
    answer = go_on(town, order)
    expect("that is the answer", answer["result"] == "released" and not answer["findings"], answer)


def check_released_unproved(town, faults):
    """By the new time a flow is over that the kernel still has: so nothing is opened in what it has."""
    faults.set_clock(10 * DAY_S)
    order = order_to_nobody(town, "RELEASE")
    await_true("the log says why it is not opened", lambda: "what the kernel holds could not be proved" in town.log_text())
    expect("it stays cut off", elements(town, "isolated"))
    answer = go_on(town, order)
    expect("the answer says when it opens", answer["result"] == "released" and [finding["id"] for finding in answer["findings"]] == ["release-later"], answer)
    expect("it opens with the next rules", not elements(town, "isolated"))
    expect("in which what is over is closed", len(elements(town, "live")) == 2, elements(town, "live"))


def check_foreign_change(town):
    """Somebody takes all rules away before the new one has installed any: nothing passes until there are rules."""
    planner = renew_enforcer(town)
    town.run("gateway", ["nft", "flush", "ruleset"])
    await_true("nothing is forwarded", lambda: not is_forwarding(town))
    os.kill(planner, signal.SIGCONT)
    await_true("the rules are back", lambda: is_forwarding(town) and "policy drop" in town.rules())


def main():
    skip_unless_possible("nft")
    with Town(hosts=[], owner=False) as town:
        write_policy(town)
        town.start_daemon()
        check_foreign_change(town)
    with Town(hosts=[]) as town:
        faults = Faults(town)
        write_policy(town)
        town.start_daemon()
        check_isolated(town)
        check_released(town)
        check_isolated(town)
        check_released_unproved(town, faults)


if __name__ == "__main__":
    main()
