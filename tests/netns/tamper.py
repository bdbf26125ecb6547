#!/usr/bin/python3
"""Local root changes the rules under a flood of forbidden packets: it is refused, or it is repaired; nothing passes meanwhile.

Where the kernel has tables with an owner that persist (Linux 6.9), nobody but the owner changes them. Elsewhere the change is seen and put right, and until then
the backstop drops what has no mark of a connection. A rule of another table that sends packets past ours is not
prevented; taking it away closes the wall.

SEKISHO_TAMPERS (2) is how often each is tried.
"""

import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from flood import Flood, frame  # noqa: E402
from leak_world import PLACES, restore_zone, silence_hosts  # noqa: E402
from town import HOSTS, ZONES, Town, await_true, skip_unless_possible  # noqa: E402

TAMPERS = int(os.environ.get("SEKISHO_TAMPERS", "2"))
RATE = 5000
MEASURED_S = 0.25
FORBIDDEN = ("lgwan", "internet")

# what: the commands of nft
CHANGES = {
    "flush ruleset": "flush ruleset",
    "the table was deleted": "delete table inet sekisho",
    "a rule was put first": "insert rule inet sekisho forward accept",
    "the chain was emptied and accepts": "flush chain inet sekisho forward\nadd chain inet sekisho forward {{ policy accept; }}",
    "the table sleeps": "add table inet sekisho {{ flags dormant; }}",
    "the pair's refusal was taken away": "insert rule inet sekisho refuse.flow accept",
    "an element was added": "add element inet sekisho live {{ 0x00000000 . \"lg0\" . \"in0\" }}",
}
PAST = ("table netdev past {{ chain past {{ type filter hook ingress device lg0 priority -500; ip daddr 10.3.0.10 fwd to \"in0\"; }}; }}", "delete table netdev past")


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


class Wall:
    """A town under a steady flood of forbidden packets."""

    def __init__(self, town, *options):
        self.town = town
        silence_hosts(town)
        macs = {zone: json.loads(town.ip("gateway", f"-j link show dev {interface}"))[0]["address"] for zone, (interface, _, _) in ZONES.items()}
        for zone in PLACES:
            restore_zone(town, zone)
        data = frame((HOSTS[PLACES[FORBIDDEN[0]]][1], macs[FORBIDDEN[0]]), ("10.2.0.20", "10.3.0.10"), "udp", (4000, 5999))
        town.start_daemon(*options)
        places = list(PLACES)
        self.flood = Flood([(town.namespace(place), "eth0") for place in PLACES.values()],
                           [("fixed", RATE, places.index(FORBIDDEN[0]), places.index(FORBIDDEN[1]), data)])
        self.windows = []
        self.rules = town.rules_unordered()

    def nft(self, text):
        """0 when nft did it."""
        return self.town.run("gateway", ["nft", "-f", "-"], input=text.format(), check=False).returncode

    def tamper(self, text):
        """Makes a change and waits until the rules are as they were. False when it was refused."""
        begin = time.monotonic()
        refused = self.nft(text) != 0
        await_true("repaired", lambda: self.town.rules_unordered() == self.rules)
        time.sleep(0.02)
        self.windows.append((0, begin, time.monotonic()))
        return not refused

    def result(self):
        """What passed after each change: packets, and seconds from the first to the last."""
        got = self.flood.result(self.windows)
        expect("the receiver dropped nothing", got["drops"] == 0, got)
        expect("nothing passed before or after", got["streams"][0]["received"] <= sum(window["arrived"] + window["vague"] for window in got["windows"]), got)
        return [(window["arrived"], (window["last"] - window["first"]) / 1e6) for window in got["windows"]]


def check_changes(wall):
    done = {what: [] for what in CHANGES}
    for what, text in CHANGES.items():
        for _ in range(TAMPERS):
            done[what].append(wall.tamper(text))
    return done


def check_past(wall):
    """Another table's way, as long as it is there; past_the_wall.py tells who finds it."""
    begin = time.monotonic()
    expect("another table sends packets past ours", wall.nft(PAST[0]) == 0)
    time.sleep(MEASURED_S)
    expect("it is taken away", wall.nft(PAST[1]) == 0)
    end = time.monotonic()
    time.sleep(MEASURED_S)
    wall.windows += [(0, begin, end), (0, end, time.monotonic())]


def judge(done, passed, owned):
    """Returns what passed besides the changes."""
    position = 0
    for what, changed in done.items():
        mine = passed[position:position + len(changed)]
        position += len(changed)
        expect(f"{what}: {'it opens nothing' if owned else 'it is done and repaired, and nothing passed'}",
               all(count == 0 for count, _ in mine) and (owned or all(changed)), (mine, changed))
    return passed[position:]


def check(*options):
    with Town(hosts=list(PLACES.values())) as town:
        wall = Wall(town, *options)
        owned = " owner" in town.run("gateway", ["nft", "list", "table", "inet", "sekisho"]).stdout
        print(f"the tables have {'an' if owned else 'no'} owner")
        done = check_changes(wall)
        check_past(wall)
        (past, _), (after, _) = judge(done, wall.result(), owned)
        print(f"figure: past our tables by another: {past} packets passed, of {RATE} a second, in {MEASURED_S} s and what nft takes")
        expect("it is closed with the other table", past > 0 and after == 0, (past, after))


def main():
    skip_unless_possible("nft")
    check()
    check("--no-owner")


if __name__ == "__main__":
    main()
