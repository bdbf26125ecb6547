#!/usr/bin/python3
"""What must not stop: a change that stops it is refused, whatever the daemon knows of before; and rules that let it pass are not enough without a route."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import Town, skip_unless_possible  # noqa: E402

FLOW = "juki-shokai"
END = "10.2.0.20"  # its server
PORT = ("ports       = [ 443 ];\n\t\tcritical    = true;", "ports       = [ 444 ];\n\t\tcritical    = true;")
MISTAKE = ('"10.1.0.10"', '"10.1.0.300"')


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what}: {detail}")
    print(f"ok: {what}")


def ids(answer):
    return [finding["id"] for finding in answer["findings"]]


def stopped_by_a_change(town):
    town.start_daemon()
    town.edit_config(*PORT)
    answer = town.apply()
    check("a change that stops it is refused", answer["result"] == "refused" and "critical-stops" in ids(answer), answer)
    answer = town.apply(**{"break": [FLOW]})
    check("and made when it is named", answer["result"] == "committed", answer)


def without_a_policy(town):
    """The file is broken and nothing was kept: the planner knows of no policy, and the kernel's rules stay."""
    town.start_daemon()
    check("it stops", town.stop_daemon() == 0)
    os.unlink(os.path.join(town.state_dir, "last-good.conf"))
    town.edit_config(*MISTAKE)
    town.start_daemon()
    check("what was in force stays", town.status()["state"] == "last-good" and END in town.rules(), town.status())
    town.edit_config(MISTAKE[1], MISTAKE[0])
    town.edit_config(*PORT)
    answer = town.apply()
    check("a change that stops it is refused all the same", answer["result"] == "refused" and "critical-stops" in ids(answer), answer)
    town.edit_config(*reversed(PORT))
    answer = town.apply()
    check("the file as it was is taken", answer["result"] in ("committed", "unchanged"), answer)


def without_a_route(town):
    town.start_daemon()
    answer = town.apply()
    check("with routes there is nothing to say", not any(name.startswith("critical-") for name in ids(answer)), answer)
    town.run("gateway", ["ip", "route", "add", "unreachable", END + "/32"])
    answer = town.apply()
    check("no route: it is said, and the change is made", answer["result"] == "unchanged" and "critical-no-route" in ids(answer), answer)
    town.run("gateway", ["ip", "route", "replace", END + "/32", "dev", "in0"])
    answer = town.apply()
    check("another zone's route: it is said", answer["result"] == "unchanged" and "critical-other-route" in ids(answer), answer)
    finding = next(item for item in answer["findings"] if item["id"] == "critical-other-route")
    check("with the flow, the address and the interface", all(word in finding["en"]["sentence"] for word in (FLOW, END, "in0")), finding)
    program = os.path.join(os.path.dirname(town.program), "sekisho")
    plan = town.run("gateway", [program, "--lang", "en", "--config", town.config, "plan"], check=False)
    check("the plan says it as well", "critical-other-route" in plan.stdout, plan.stdout + plan.stderr)
    town.run("gateway", ["ip", "route", "del", END + "/32", "dev", "in0"])


def main():
    skip_unless_possible("nft")
    for situation in (stopped_by_a_change, without_a_policy, without_a_route):
        with Town(hosts=[]) as town:
            situation(town)


if __name__ == "__main__":
    main()
