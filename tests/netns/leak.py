#!/usr/bin/python3
"""Nothing forbidden passes, whatever happens to the gateway; and what is permitted loses nothing by what does not concern it.

One program floods the gateway with forbidden packets of every directed pair of zones, of each zone and the gateway itself, and beside each flow, by both
families, as fast as one processor can; and sends packets of flows at a steady rate. Meanwhile happens what happens: edits, killed and halted roles,
restarts, cables and names of interfaces, isolation, changes that nobody confirms, memory and netlink that fail, a clock that jumps, a full disk. What arrives
is counted behind the gateway, by raw sockets. A flow that was taken away, or whose zone is isolated, is forbidden from the answer until it is given back.

At the end the rules are taken away behind a stopped daemon: then every forbidden stream must arrive, or its silence before would prove nothing.

SEKISHO_EVENTS (100), SEKISHO_PROBES (0: as many as it gets), SEKISHO_SEED (1). Long runs are made of pieces of SEKISHO_PIECE events with a town each; SEKISHO_FIRST
(0) is the number of the first, to try one again.
"""

import json
import os
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from flood import Flood  # noqa: E402
from leak_events import EVENTS, STATE_MIB, Gateway  # noqa: E402
from leak_story import Story  # noqa: E402
from leak_world import PLACES, Expectation, Traffic, restore_zone, silence_hosts, write_policy  # noqa: E402
from town import ZONES, Town, skip_unless_possible  # noqa: E402

EVENTS_COUNT = int(os.environ.get("SEKISHO_EVENTS", "100"))
PROBES = int(os.environ.get("SEKISHO_PROBES", "0"))
SEED = int(os.environ.get("SEKISHO_SEED", "1"))
PIECE = int(os.environ.get("SEKISHO_PIECE", "1000"))
FIRST = int(os.environ.get("SEKISHO_FIRST", "0"))
OPEN_PROBES = 20000	# without rules
BACKLOG_S = 0.05	# a drop of the machine's own queues is seen within this time


class Total:
    def __init__(self):
        self.events, self.probes, self.leaked, self.sent, self.lost, self.machine_lost, self.problems = 0, 0, 0, 0, 0, 0, []
        self.moments = []	# of this piece's problems
        self.counts = dict.fromkeys(EVENTS, 0)

    def line(self):
        return (f"seed {SEED}: {self.events} events; forbidden {self.probes}, passed {self.leaked}; permitted and not concerned {self.sent}, lost {self.lost} "
                f"({self.machine_lost} more by full queues of this machine)")


def judge_forbidden(total, traffic, result):
    for (name, _), got in zip(traffic.forbidden, result["streams"][len(traffic.paced):]):
        total.probes += got["sent"]
        total.leaked += got["received"]
        if got["received"]:
            total.problems.append(f"{name}: {got['received']} of {got['sent']} forbidden packets passed, the first at {got['arrived'][0] / 1000:.3f}")
            total.moments.append(got["arrived"][0] / 1000)


def judge_window(total, what, window, got, by_machine):
    """What became of a paced stream while it was known what should."""
    stream, begin, end, passes = window
    name = f"{what} ({begin:.3f} to {end:.3f})"
    if not passes:
        total.probes += got["lost"] + got["arrived"]
        total.leaked += got["arrived"]
        if got["arrived"]:
            total.problems.append(f"{name}: {got['arrived']} packets passed, which is closed: from {got['first'] / 1e6:.3f} to {got['last'] / 1e6:.3f}")
            total.moments.append(got["first"] / 1e6)
        return
    total.sent += got["lost"] + got["arrived"]
    if by_machine:
        total.machine_lost += got["lost"]
        return
    total.lost += got["lost"]
    if got["lost"]:
        total.problems.append(f"{name}: {got['lost']} packets lost, which is open: at {[at / 1000 for at in got['lost_at'][:5]]}")
        total.moments += [at / 1000 for at in got["lost_at"]]


def judge(total, story, traffic, windows, result):
    problems = len(total.problems)
    backlog = [at / 1000 for at in result["backlog"]]
    judge_forbidden(total, traffic, result)
    for window, got in zip(windows, result["windows"]):
        by_machine = got["lost_at"] and all(any(-0.01 <= drop - at / 1000 <= BACKLOG_S for drop in backlog) for at in got["lost_at"])
        judge_window(total, traffic.paced[window[0]][0], window, got, by_machine)
    if result["drops"]:
        total.problems.append(f"receivers dropped {result['drops']} packets: nobody knows which")
    for got, (name, *_) in zip(result["streams"], traffic.paced + traffic.forbidden):
        if got["strangers"]:
            total.problems.append(f"{name}: {got['strangers']} packets came out at the wrong place")
    if len(total.problems) > problems:
        print("\n".join(story.of(total.moments) + total.problems[problems:]), flush=True)
    total.moments.clear()


def check_receivers(town, traffic):
    """Without rules every forbidden stream arrives where it is counted."""
    town.run("gateway", ["nft", "flush", "ruleset"])
    for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        town.write_sysctl("gateway", f"net/{path}", 1)
    for name in ("all", *(interface for interface, _, _ in ZONES.values())):
        town.write_sysctl("gateway", f"net/ipv4/conf/{name}/rp_filter", 0)
    for zone in PLACES:
        restore_zone(town, zone)
    result = Flood(traffic.endpoints, [stream for _, stream in traffic.forbidden], count=OPEN_PROBES).result()
    silent = [name for (name, _), got in zip(traffic.forbidden, result["streams"]) if not got["received"]]
    if silent:
        raise AssertionError(f"nothing would be seen of: {silent}")


def piece(total, seed, events, probes):
    with Town(hosts=list(PLACES.values())) as town:
        os.mkdir(town.state_dir, 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_MIB}m,mode=700", "tmpfs", town.state_dir], check=True)
        try:
            run_piece(total, town, seed, events, probes)
        finally:
            town.stop_daemon()
            subprocess.run(["umount", "-l", town.state_dir], check=True)


def run_piece(total, town, seed, events, probes):
    macs = {zone: json.loads(town.ip("gateway", f"-j link show dev {interface}"))[0]["address"] for zone, (interface, _, _) in ZONES.items()}
    silence_hosts(town)
    for zone in PLACES:
        restore_zone(town, zone)
    traffic = Traffic(town, macs)
    expectation = Expectation(traffic.paced)
    story = Story(town)
    gateway = Gateway(town, random.Random(seed), expectation, story)
    write_policy(town, gateway.state)
    town.start_daemon()
    # Connections of a single packet are forgotten soon, so that the table does not fill.
    town.write_sysctl("gateway", "net/netfilter/nf_conntrack_udp_timeout", 2)
    flood = Flood(traffic.endpoints, traffic.streams())
    gateway.settle()
    for _ in range(events):
        gateway.happen()
        if not flood.running():
            raise AssertionError("the traffic ended before the events did")
    gateway.settle()
    while flood.count() < probes:
        time.sleep(0.2)
    windows = expectation.end()
    result = flood.result([window[:3] for window in windows])
    total.events += events
    for event, count in gateway.counts.items():
        total.counts[event] += count
    judge(total, story, traffic, windows, result)
    town.stop_daemon()
    check_receivers(town, traffic)


def main():
    skip_unless_possible("nft")
    total, pieces = Total(), -(-EVENTS_COUNT // PIECE)
    for number in range(pieces):
        piece(total, SEED * 1000 + FIRST + number, min(PIECE, EVENTS_COUNT - number * PIECE), PROBES // pieces)
        print(f"piece {FIRST + number}: {total.line()}", flush=True)
    print(" ".join(f"{event} {count}," for event, count in total.counts.items()))
    print(total.line())
    if total.problems:
        raise AssertionError(f"{len(total.problems)} problems:\n" + "\n".join(total.problems[:60]))


if __name__ == "__main__":
    main()
