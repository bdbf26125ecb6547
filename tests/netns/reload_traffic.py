#!/usr/bin/python3
"""Reloads under traffic: no packet of a flow that stays is lost, and no packet that nobody allowed passes, while other flows come and go.

One program floods the gateway with forbidden packets of many kinds as fast as one processor can, and between them sends permitted ones at
a steady rate: connections that go on, in both directions, and new ones, a packet each; through exact and range maps, IPv4 and IPv6.
Meanwhile the zone file is edited and applied, SEKISHO_RELOADS times (1000). Every packet has a number, so each one
that is missing is known, with the reload that was under way.
"""

import json
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zone_file  # noqa: E402
from flood import Flood, frame  # noqa: E402
from town import HOSTS, ZONES, Town, skip_unless_possible  # noqa: E402

RELOADS = int(os.environ.get("SEKISHO_RELOADS", "1000"))
SEED = int(os.environ.get("SEKISHO_SEED", "1"))
RATE = 500  # packets per second of each permitted stream

# One host per zone receives what goes there and sends what comes from there, whatever the address.
PLACES = {"mynumber": "jumin-tanmatsu", "lgwan": "juki-cs", "internet": "inet-tanmatsu", "cloud": "cloud-dns"}
ENDPOINTS = list(PLACES)
UP, OUT, IN, CORE = ("internet", "cloud"), ("lgwan", "internet"), ("internet", "lgwan"), ("mynumber", "lgwan")


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


# ---- the policy

def steady_flows(days):
    """What is never changed in what it allows. The exception's record is prolonged and cut again: its expiry changes."""
    screen = zone_file.exception_flow("screen", OUT, "10.2.1.0/24", "10.3.2.0/24", "udp", "7000-7010")
    screen["record"] = zone_file.record(days)
    return [
        zone_file.internal_flow("exact", UP, "10.3.0.77", "192.0.2.53", "udp", 5000),
        zone_file.internal_flow("exact-tcp", UP, "10.3.0.77", "192.0.2.53", "tcp", 5001),
        zone_file.internal_flow("range", UP, "10.3.1.0/24", "198.51.100.0/24", "udp", "6000-6999"),
        zone_file.internal_flow("range6", UP, "fd00:0:0:3::/80", "2001:db8:100::/64", "udp", "6000-6999"),
        zone_file.internal_flow("wide", UP, "10.3.4.0/22", "198.51.100.0/24", "udp", "8000-8999"),
        screen,
        zone_file.specified_flow("specified", CORE, "jumin", "juki", "udp", 500),
    ]


def passing_flows(state):
    """What comes and goes. state: what each kind of edit is at."""
    flows = [zone_file.internal_flow(f"few-{i}", UP, f"10.3.9.{i}", "192.0.2.80", "tcp", 1000 + i + state["exact"]) for i in range(40)]
    flows += [zone_file.internal_flow(f"net-{i}", UP, f"10.3.{16 + i}.0/24", "198.51.100.0/25", "tcp", f"{100 + i}-{200 + i}") for i in range(60)]
    # few of the ranges change in place, many make the map be built anew beside the old one
    for i in range(60 * state["many ranges"]):
        flows[40 + i]["ports"] = [f"{4000 + i}-{4100 + i}"]
    for i in range(state["few ranges"]):
        flows[40 + i]["ports"] = ["3000-3100"]
    if state["pair"]:
        flows.append(zone_file.internal_flow("back", ("cloud", "internet"), "198.51.100.0/24", "10.3.6.0/24", "udp", "9000-9009"))
        flows.append(zone_file.exception_flow("inward", IN, "10.3.0.99", "10.2.9.9", "tcp", 9443))
    return flows


def policy_text(state):
    policy = zone_file.town_policy()
    policy["hosts"] += [
        zone_file.host("jumin", "mynumber", [HOSTS["jumin-tanmatsu"][2]], HOSTS["jumin-tanmatsu"][1]),
        zone_file.host("juki", "lgwan", [HOSTS["juki-cs"][2]], HOSTS["juki-cs"][1]),
    ]
    # Senders that are bound now and then to the MAC they have: all of their zone are judged in another chain each time.
    if state["binding"]:
        mac = HOSTS[PLACES["internet"]][1]
        policy["hosts"] += [zone_file.host("bound", "internet", ["10.3.1.10"], mac), zone_file.host("bound6", "internet", ["fd00:0:0:3::10"], mac)]
    flows = steady_flows(60 + state["expiry"])
    # A range that is cut out of "wide" and goes again: the rest of "wide" is made of other boxes each time.
    if state["overlap"]:
        flows.insert(0, zone_file.internal_flow("overlap", UP, "10.3.5.0/24", "198.51.100.0/25", "udp", "8400-8599"))
    policy["flows"] = flows + passing_flows(state)
    if state["name"]:
        for flow in policy["flows"]:
            flow["name"] += "-renamed"
    return policy


EDITS = {"exact": 2, "few ranges": 10, "many ranges": 2, "pair": 2, "overlap": 2, "binding": 2, "expiry": 2, "name": 2}  # how many values each has


# ---- traffic

def neighbours(town):
    """The gateway knows where everybody is, so a packet never waits for an answer; the hosts keep silent."""
    macs = {}
    for zone, (interface, _, _) in ZONES.items():
        macs[zone] = json.loads(town.ip("gateway", f"-j link show dev {interface}"))[0]["address"]
        place = PLACES[zone]
        town.ip(place, "addr flush dev eth0")
        town.write_sysctl(place, "net/ipv6/conf/eth0/disable_ipv6", 1)
    for zone, addresses in TARGETS.items():
        for address in addresses:
            family = "-6 " if ":" in address else ""
            town.ip("gateway", f"{family}neigh replace {address} lladdr {HOSTS[PLACES[zone]][1]} dev {ZONES[zone][0]} nud permanent")
    for zone, network in (("lgwan", "10.2.0.0/16"), ("internet", "10.3.0.0/16")):
        town.ip("gateway", f"route replace {network} dev {ZONES[zone][0]}")
    return macs


TARGETS = {
    "mynumber": ["10.1.0.10", "10.1.0.11"],
    "lgwan": ["10.2.0.20", "10.2.1.10", "10.2.9.9", "10.2.0.50"],
    "internet": ["10.3.0.77", "10.3.1.10", "10.3.4.10", "10.3.5.10", "10.3.2.10", "10.3.6.10", "10.3.0.10", "fd00:0:0:3::10"],
    "cloud": ["192.0.2.53", "192.0.2.1", "2001:db8:ffff::1"],  # what lies behind the router has no neighbour entry
}


def stream(macs, what, kind, rate, ends, addresses, protocol, ports):
    """A stream and its name; the source's MAC is that of its zone's host, which is the one that is bound where one is."""
    data = frame((HOSTS[PLACES[ends[0]]][1], macs[ends[0]]), addresses, protocol, ports)
    return what, (kind, rate, ENDPOINTS.index(ends[0]), ENDPOINTS.index(ends[1]), data)


def both_ways(macs, what, ends, addresses, ports):
    """A connection that goes on: packets in both directions."""
    back = (ends[1], ends[0]), (addresses[1], addresses[0]), "udp", (ports[1], ports[0])
    return [stream(macs, f"{what}, a connection", "fixed", RATE, ends, addresses, "udp", ports),
            stream(macs, f"{what}, its answers", "fixed", RATE, *back)]


def permitted_streams(macs):
    streams = []
    for what, ends, addresses, port in (
            ("exact", UP, ("10.3.0.77", "192.0.2.53"), 5000),
            ("range", UP, ("10.3.1.10", "198.51.100.60"), 6500),
            ("range6", UP, ("fd00:0:0:3::10", "2001:db8:100::60"), 6999),
            ("beside the overlap", UP, ("10.3.4.10", "198.51.100.60"), 8100),
            ("in the overlap", UP, ("10.3.5.10", "198.51.100.60"), 8500),
            ("screen", OUT, ("10.2.1.10", "10.3.2.10"), 7010),
            ("specified", CORE, ("10.1.0.10", "10.2.0.20"), 500)):
        streams += both_ways(macs, what, ends, addresses, (777, port))
        streams.append(stream(macs, f"{what}, new connections", "fresh", RATE, ends, addresses, "udp", (0, port)))
    streams.append(stream(macs, "TCP", "tcp", RATE, UP, ("10.3.0.77", "192.0.2.53"), "tcp", (777, 5001)))
    streams.append(stream(macs, "TCP, its answers", "tcp-reply", RATE, UP[::-1], ("192.0.2.53", "10.3.0.77"), "tcp", (5001, 777)))
    return streams


def forbidden_streams(macs):
    """Beside every flow what it just does not allow, and pairs that have none, or have one now and then."""
    return [stream(macs, what, "fixed" if kind == "fixed" else "fresh", 0, ends, addresses, protocol, (778, port))
            for what, kind, ends, addresses, protocol, port in (
                ("another port", "fresh", UP, ("10.3.0.77", "192.0.2.53"), "udp", 5001),
                ("another protocol", "fixed", UP, ("10.3.0.77", "192.0.2.53"), "tcp", 5000),
                ("TCP from the middle", "fresh", UP, ("10.3.0.77", "192.0.2.53"), "tcp", 5001),
                ("another source", "fixed", UP, ("10.3.0.10", "192.0.2.53"), "udp", 5000),
                ("another destination", "fresh", UP, ("10.3.0.77", "198.51.100.60"), "udp", 5000),
                ("behind a range", "fresh", UP, ("10.3.1.10", "198.51.100.60"), "udp", 7000),
                ("behind a range of IPv6", "fresh", UP, ("fd00:0:0:3::10", "2001:db8:100::60"), "udp", 7000),
                ("beside the wide range", "fixed", UP, ("10.3.5.10", "198.51.100.60"), "udp", 9000),
                ("behind the screen", "fresh", OUT, ("10.2.1.10", "10.3.2.10"), "udp", 7011),
                ("beside the specified", "fresh", CORE, ("10.1.0.10", "10.2.0.20"), "udp", 501),
                ("the wrong way", "fresh", CORE[::-1], ("10.2.0.20", "10.1.0.10"), "udp", 500),
                ("My Number to the Internet", "fresh", ("mynumber", "internet"), ("10.1.0.10", "10.3.0.10"), "udp", 5000),
                ("the Internet to My Number", "fixed", ("internet", "mynumber"), ("10.3.0.77", "10.1.0.10"), "udp", 500),
                ("answers to nobody", "fresh", UP[::-1], ("192.0.2.53", "10.3.0.10"), "udp", 5000),
                ("a pair that comes and goes", "fresh", UP[::-1], ("198.51.100.60", "10.3.6.10"), "udp", 9010),
                ("another pair that comes and goes", "fixed", IN, ("10.3.0.77", "10.2.9.9"), "tcp", 9443),
                ("a spoofed source", "fresh", UP, ("10.2.1.10", "192.0.2.53"), "udp", 5000))]


# ---- reloads

def write_policy(town, state):
    """A whole file at once, as an editor leaves it."""
    path = town.config + ".new"
    zone_file.write(path, policy_text(state))
    os.replace(path, town.config)


def reload_many(town, flood):
    """RELOADS edits; returns when each began (monotonic ms) and which it was, and how many maps were built anew."""
    state, random_state, begun, switches = dict.fromkeys(EDITS, 0), random.Random(SEED), [], 0
    for number in range(RELOADS):
        edit = list(EDITS)[number % len(EDITS)] if number % 3 else random_state.choice(list(EDITS))
        state[edit] = (state[edit] + random_state.randrange(1, EDITS[edit])) % EDITS[edit]
        write_policy(town, state)
        begun.append((int(time.monotonic() * 1000), edit))
        answer = town.apply(reason=f"{number}: {edit}")
        if answer["result"] != "committed":
            raise AssertionError(f"reload {number} ({edit}): {answer}")
        switches += edit == "many ranges" and answer["changes"]["rules_added"] > 0
        if not flood.running():
            raise AssertionError("the traffic ended before the reloads did")
    return begun, switches


# ---- the judgement

def backlog_drops():
    """Packets the kernel dropped because a processor's queue was full; not ours alone."""
    with open("/proc/net/softnet_stat", encoding="ascii") as lines:
        return sum(int(line.split()[1], 16) for line in lines)


def describe_lost(stream_result, begun):
    """Which packets were lost, and in which reload."""
    texts = []
    for sequence, sent_ms in stream_result["lost"][:5]:
        reload = sum(1 for started, _ in begun if started <= sent_ms) - 1
        texts.append(f"packet {sequence} in reload {reload} ({begun[reload][1] if reload >= 0 else 'none'})")
    return "; ".join(texts)


def judge(names, permitted, result, begun):
    """Every stream on its own, and what makes the result worth something."""
    problems, sent, leaked, flooded = [], 0, 0, 0
    for number, (name, got) in enumerate(zip(names, result["streams"])):
        if got["sent"] == 0:
            problems.append(f"{name}: nothing was sent")
        if number < permitted:
            sent += got["sent"]
            if got["received"] != got["sent"]:
                problems.append(f"{name}: {got['sent'] - got['received']} of {got['sent']} lost: {describe_lost(got, begun)}")
        else:
            flooded += got["sent"]
            leaked += got["received"]
            if got["received"]:
                problems.append(f"{name}: {got['received']} of {got['sent']} forbidden packets passed")
        if got["strangers"]:
            problems.append(f"{name}: {got['strangers']} packets came out at the wrong place")
    print(f"{RELOADS} reloads in {result['elapsed_ns'] / 1e9:.0f} s, seed {SEED}; permitted {sent}, lost "
          f"{sum(got['sent'] - got['received'] for got in result['streams'][:permitted])}; forbidden {flooded}, passed {leaked}")
    check("no receiver dropped anything", result["drops"] == 0, result["drops"])
    check("no permitted packet was lost, no forbidden one passed", not problems, "\n" + "\n".join(problems))


def main():
    skip_unless_possible("nft")
    with Town(hosts=list(PLACES.values())) as town:
        write_policy(town, dict.fromkeys(EDITS, 0))
        macs = neighbours(town)
        town.start_daemon()
        # Connections of a single packet are forgotten soon, so that the table does not fill.
        town.write_sysctl("gateway", "net/netfilter/nf_conntrack_udp_timeout", 1)
        permitted, forbidden = permitted_streams(macs), forbidden_streams(macs)
        drops = backlog_drops()
        flood = Flood([(town.namespace(place), "eth0") for place in PLACES.values()],
                      [description for _, description in permitted + forbidden])
        begun, switches = reload_many(town, flood)
        result = flood.result()
        print(f"packets dropped by full queues of this machine: {backlog_drops() - drops}")
        judge([name for name, _ in permitted + forbidden], len(permitted), result, begun)
        check("maps of ranges were built anew and switched to", switches > 0 or RELOADS < 20, switches)


if __name__ == "__main__":
    main()
