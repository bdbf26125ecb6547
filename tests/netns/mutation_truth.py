#!/usr/bin/python3
"""Rules in the kernel are changed one at a time with nft, behind the back of a stopped daemon: what does `sekisho verify` say, and what passes?

Each change is one of: a rule deleted, a verdict replaced, an accept inserted, a policy, a jump, an element added or deleted, a map's value, a
priority, a chain added or deleted, a mark set, a dormant table. After each,
- a battery of forbidden packets is sent for real; if one passes, verify must not say that the law is proved (else: a missed hole);
- each packet that verify says would pass is sent for real, and must pass (else: a false hole); its connection is made with conntrack(8) where it
  has one, and its route where it needs one;
- what lets nothing pass is drift and not a hole.

SEKISHO_MUTATIONS (150) says how many, SEKISHO_SEED (1) where to begin.
"""

import ipaddress
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections import Counter

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import packets  # noqa: E402
from town import HOSTS, SOURCE, ZONES, Town, inside, skip_unless_possible  # noqa: E402

SEKISHO = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
INTERFACES = {interface: zone for zone, (interface, _, _) in ZONES.items()}
TIERS = {"mn0": "mynumber", "lg0": "lgwan", "in0": "internet", "up0": "internet"}
FIRST_PORT = 50000
EVERYBODY = "02:00:00:00:00:77"
SETTLE_S = 0.3
ATTEMPTS = 3

# Behind all our chains: what is counted here has passed them.
PROBE = """
table inet probe {
	set forward4 { type ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service; flags dynamic; size 4096; }
	set forward6 { type ipv6_addr . ipv6_addr . inet_proto . inet_service . inet_service; flags dynamic; size 4096; }
	set input4 { type ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service; flags dynamic; size 4096; }
	set input6 { type ipv6_addr . ipv6_addr . inet_proto . inet_service . inet_service; flags dynamic; size 4096; }
	set output4 { type ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service; flags dynamic; size 4096; }
	set output6 { type ipv6_addr . ipv6_addr . inet_proto . inet_service . inet_service; flags dynamic; size 4096; }
%s
}
table netdev probe {
%s
}
table bridge probe {
	chain forward { type filter hook forward priority 1000; counter; }
}
"""
HOOK = """	chain %s {
		type filter hook %s priority 1000;
		meta nfproto ipv4 update @%s4 { ip saddr . ip daddr . meta l4proto . th sport . th dport }
		meta nfproto ipv6 update @%s6 { ip6 saddr . ip6 daddr . meta l4proto . th sport . th dport }
	}"""
INGRESS = "	chain %s { type filter hook ingress device %s priority 1000; ether type != { 0x0800, 0x0806, 0x86dd } counter; }"


class Lab:
    """The town with its daemon stopped, wires into every zone, and the rules as they were."""

    def __init__(self, town):
        self.town = town
        self.wires = {}
        self.macs = {}
        for interface, zone in INTERFACES.items():
            self.wires[interface] = self.wire(f"g-{zone}")
            self.macs[interface] = json.loads(town.run("gateway", ["ip", "-j", "link", "show", interface]).stdout)[0]["address"]
        self.saved = town.run("gateway", [SEKISHO, "--config", town.config, "show", "--nft"]).stdout
        self.saved_at = time.time()
        self.nft(PROBE % ("\n".join(HOOK % (hook, hook, hook, hook) for hook in ("forward", "input", "output")),
                          "\n".join(INGRESS % (name, name) for name in INTERFACES)))
        for path in ("net/netfilter/nf_conntrack_tcp_be_liberal", "net/netfilter/nf_conntrack_tcp_loose", "net/ipv4/conf/all/accept_local"):
            town.write_sysctl("gateway", path, 1)
        for name in ["all", "default"] + list(INTERFACES):
            town.write_sysctl("gateway", f"net/ipv4/conf/{name}/rp_filter", 0)

    def wire(self, port):
        """A socket at the other end of the gateway's cable."""
        with inside(self.town.namespace("switch")):
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            wire.bind((port, 0))
        return wire

    # ---- the kernel

    def sh(self, *words, **more):
        """A program at the gateway; much faster than by ip netns exec."""
        with inside(self.town.namespace("gateway")):
            return subprocess.run(words, check=False, capture_output=True, text=True, **more)

    def nft(self, text):
        return self.sh("nft", "-f", "-", input=text)

    def restore(self):
        """The rules as they were, with the time that has gone by since."""
        gone = int(time.time() - self.saved_at)
        text = re.sub(r"timeout (\d+)s", lambda match: f"timeout {int(match[1]) - gone}s", self.saved)
        for family in ("inet", "netdev", "bridge"):	# one that the daemon left is persistent, and cannot be named as if it were not
            self.sh("nft", "delete", "table", family, "sekisho")
        result = self.nft(text)
        assert result.returncode == 0, result.stderr[:2000]

    def verify(self):
        result = self.town.run("gateway", [SEKISHO, "--json", "--config", self.town.config, "verify"], check=False)
        if result.returncode == 3:	# there are no rules of ours left at all
            return None
        return json.loads(result.stdout)

    def forget(self):
        """No connections, and nothing seen."""
        self.sh("conntrack", "-F")
        self.nft("".join(f"flush set inet probe {hook}{digit}\n" for hook in ("forward", "input", "output") for digit in "46") +
                 "reset counters table netdev probe\n")

    def seen(self, hook):
        """(source, destination, protocol, source port, destination port) of what has passed."""
        found = set()
        for digit in "46":
            listing = json.loads(self.sh("nft", "-j", "list", "set", "inet", "probe", hook + digit).stdout)
            for entry in listing["nftables"]:
                for element in entry.get("set", {}).get("elem", []):
                    element = element.get("elem", {}).get("val", element) if "elem" in element else element
                    found.add(tuple(str(part) for part in element["concat"]))
        return found

    # ---- packets

    def send(self, interface, source_mac, source, destination, protocol, transport, *, broadcast=False, hop_limit=64):
        packet = packets.ip(source, destination, protocol, transport, **({"hop_limit": hop_limit} if source.version == 6 else {}))
        target = "ff:ff:ff:ff:ff:ff" if broadcast else self.macs[interface]
        self.wires[interface].send(packets.ethernet(target, source_mac, packets.ether_kind(source), packet))


class Battery:
    """Forbidden packets, one source port for each."""

    def __init__(self):
        self.items = []		# (hook, iif, mac, source, destination, protocol, dport)
        by_zone = {}
        for name, (zone, mac, ip4, ip6) in HOSTS.items():
            by_zone.setdefault(ZONES[zone][0], []).append((name, mac, ip4, ip6))
        for iif in INTERFACES:
            for oif in INTERFACES:
                self.add_pair(iif, oif, by_zone)
        for iif, hosts in by_zone.items():
            for address in (1, 2):
                gateway = ZONES[INTERFACES[iif]][address]
                _, mac, *ends = hosts[-1]
                if ends[address - 1]:
                    self.items.append(("input", iif, mac, ends[address - 1], gateway, 6, 9))
                    self.items.append(("input", iif, mac, ends[address - 1], gateway, 17, 9))

    def add_pair(self, iif, oif, by_zone):
        for source in by_zone[iif][:2]:
            for destination in by_zone[oif][-2:]:
                for family in (2, 3):
                    if not source[family] or not destination[family] or source[0] == destination[0]:
                        continue
                    # Ports that the example file grants to nobody.
                    self.items.append(("forward", iif, source[1], source[family], destination[family], 6, 9))
                    self.items.append(("forward", iif, source[1], source[family], destination[family], 17, 9))
        # The specified flow from another MAC, and mail.
        if (iif, oif) == ("mn0", "lg0"):
            self.items.append(("forward", iif, EVERYBODY, HOSTS["jumin-tanmatsu"][2], HOSTS["juki-cs"][2], 6, 443))
        if {TIERS[iif], TIERS[oif]} == {"lgwan", "internet"}:
            self.items.append(("forward", iif, by_zone[iif][0][1], by_zone[iif][0][2], by_zone[oif][-1][2], 6, 25))

    def send(self, lab):
        """Sends all; returns those that passed."""
        for number, (_, iif, mac, source, destination, protocol, dport) in enumerate(self.items):
            port = FIRST_PORT + number
            source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
            segment = packets.tcp(source, destination, port, dport, b"") if protocol == 6 else packets.udp(source, destination, port, dport, b"x")
            lab.send(iif, mac, source, destination, protocol, segment)
        passed = {hook: {int(entry[3]) for entry in lab.seen(hook)} for hook in ("forward", "input")}
        return [item for number, item in enumerate(self.items) if FIRST_PORT + number in passed[item[0]]]


# ---- a packet that verify says would pass

def names_of_protocol(number):
    return {6: "tcp", 17: "udp", 132: "sctp", 47: "gre", 1: "icmp", 58: "icmpv6"}.get(number, str(number))


class Realization:
    """Makes the circumstances of a packet, sends it, and looks whether it passed."""

    def __init__(self, lab, packet):
        self.lab, self.packet = lab, packet

    def possible(self):
        packet = self.packet
        if packet["hook"] in ("ingress",):
            return True
        if packet["hook"] == "bridge":
            return False		# bridge.py and flood.py send these
        if packet.get("status") or packet["rh"]:
            return False		# needs a translation, or a header of which the gateway may already refuse more
        if packet["state"] == "related" and packet["proto"] not in (1, 58):
            return False		# needs a helper's expectation
        if packet["hook"] != "output" and packet.get("iif") not in INTERFACES:
            return False
        if packet["hook"] in ("forward", "output") and packet.get("oif") not in INTERFACES:
            return False
        if packet["pkttype"] > 1 or (packet["proto"] == 58 and packet["state"] in ("new", "established") and packet["mark"]):
            return False		# a group's address; a connection of ICMPv6, which conntrack(8) does not enter as the kernel would
        if packet["proto"] == 58 and packet["type"] in (139, 140):
            return False
        if packet["state"] == "untracked":
            return packet["proto"] == 58 and 130 <= packet["type"] <= 137
        if packet["state"] == "invalid" and packet["proto"] not in (6, 17, 1, 58):
            return False
        return packet["proto"] in (6, 17, 1, 58, 47, 132)

    def ends(self):
        return ipaddress.ip_address(self.packet["src"]), ipaddress.ip_address(self.packet["dst"])

    def sh(self, *words):
        return self.lab.sh(*words)

    def prepare_route(self):
        packet = self.packet
        if "oif" not in packet or packet["oif"] == "lo":
            return
        six = ["-6"] if ":" in packet["dst"] else []
        hop = packet.get("nexthop", packet["dst"])
        width = "128" if six else "32"
        via = [] if hop == packet["dst"] else ["via", hop]
        onlink = [] if hop == packet["dst"] else ["onlink"]
        self.sh("ip", *six, "route", "replace", f"{packet['dst']}/{width}", *via, "dev", packet["oif"], *onlink)
        self.sh("ip", *six, "neigh", "replace", hop, "lladdr", "02:00:00:00:00:99", "dev", packet["oif"], "nud", "permanent")

    def drop_route(self):
        packet = self.packet
        six = ["-6"] if ":" in packet["dst"] else []
        if packet["hook"] == "input":
            self.sh("ip", *six, "addr", "del", f"{packet['dst']}/{'128' if six else '32'}", "dev", "lo")
        if "oif" not in packet:
            return
        self.sh("ip", *six, "route", "del", f"{packet['dst']}/{'128' if six else '32'}", "dev", packet["oif"])
        self.sh("ip", *six, "neigh", "del", packet.get("nexthop", packet["dst"]), "dev", packet["oif"])

    def prepare_input(self):
        """The destination is an address of the gateway."""
        if self.packet["hook"] != "input":
            return
        six = ["-6"] if ":" in self.packet["dst"] else []
        self.sh("ip", *six, "addr", "add", f"{self.packet['dst']}/{'128' if six else '32'}", "dev", "lo", *(["nodad"] if six else []))

    def prepare_connection(self):
        """An entry of conntrack with the mark, in the state the packet is to have."""
        packet = self.packet
        if packet["state"] in ("invalid", "untracked") or (packet["state"] == "new" and packet["mark"] == 0):
            return
        reply = packet["dir"] == "reply" and packet["state"] != "related"
        source, destination = (packet["dst"], packet["src"]) if reply else (packet["src"], packet["dst"])
        sport, dport = (packet["dport"], packet["sport"]) if reply else (packet["sport"], packet["dport"])
        protocol = packet["proto"]
        if packet["state"] == "related":
            source, destination, protocol, sport, dport = packet["dst"], packet["src"], 17, 1000, 2000
        words = ["conntrack", "-I", "-s", source, "-d", destination, "-p", names_of_protocol(protocol), "--timeout", "100"]
        if protocol in (6, 17, 132):
            words += ["--sport", str(sport), "--dport", str(dport)]
        if protocol in (1, 58):
            kind = {0: 8, 14: 13, 16: 15, 18: 17, 129: 128, 140: 139}.get(packet["type"], packet["type"]) if reply else packet["type"]
            words += ["--icmp-type", str(kind), "--icmp-code", "0", "--icmp-id", "7"]
        if protocol == 47:
            words += ["--srckey", "0", "--dstkey", "0"]
        if protocol == 6:
            words += ["--state", "SYN_SENT" if packet["state"] == "new" else "ESTABLISHED"]
        if protocol == 132:
            words += ["--state", "ESTABLISHED", "--orig-vtag", "0", "--reply-vtag", "0"]
        if packet["state"] != "new":
            words += ["-u", "SEEN_REPLY,ASSURED" if protocol != 17 else "SEEN_REPLY"]
        if packet["mark"]:
            words += ["--mark", str(packet["mark"])]	# behind -u, which would overwrite it
        self.sh(*words)

    def transport(self):
        packet = self.packet
        source, destination, protocol = ipaddress.ip_address(packet["src"]), ipaddress.ip_address(packet["dst"]), packet["proto"]
        if packet["state"] == "related":
            inner = packets.ip(destination, source, 17, packets.udp(destination, source, 1000, 2000, b"q"))
            return packets.icmp(source, destination, packet["type"], 0, bytes(4), inner[:64])
        if protocol == 6:
            flags = packet["flags"] if packet["state"] == "new" else 0x10
            return packets.tcp(source, destination, packet["sport"], packet["dport"], b"",
                               flags=0 if packet["state"] == "invalid" else flags)
        if protocol == 17:
            return packets.udp(source, destination, packet["sport"], packet["dport"], b"x", wrong=1 if packet["state"] == "invalid" else 0)
        if packet["state"] == "untracked":	# neighbour discovery: the target is the destination
            return packets.icmp(source, destination, packet["type"], 0, bytes(4), destination.packed)
        if protocol in (1, 58):
            return packets.icmp(source, destination, packet["type"], 0, b"\0\7\0\1", b"x" * 16, wrong=1 if packet["state"] == "invalid" else 0)
        if protocol == 132:
            return packets.sctp(packet["sport"], packet["dport"], b"x" * 4)
        return packets.gre(b"x" * 16)

    def send_from_gateway(self, transport):
        """As the user, from a raw socket that speaks for any address."""
        packet = self.packet
        code = ("import ctypes, socket, sys\n"
                "libc = ctypes.CDLL(None)\n"
                f"libc.setfsuid({packet.get('uid', 0)})\n"
                f"six = {':' in packet['dst']}\n"
                "s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)\n"
                f"s.sendto(bytes.fromhex('{packets.ip(*self.ends(), packet['proto'], transport).hex()}'), ('{packet['dst']}', 0))\n")
        return self.sh("/usr/bin/python3", "-c", code)

    def frames_passed(self):
        listing = self.sh("nft", "list", "table", "netdev", "probe").stdout
        block = listing.split(f"chain {self.packet['iif']} ")[1].split("}")[1]
        return int(re.search(r"packets (\d+)", block)[1]) > 0

    def run(self):
        """True when the packet passed."""
        packet = self.packet
        self.lab.forget()
        if packet["hook"] == "ingress":
            self.lab.wires[packet["iif"]].send(packets.ethernet(self.lab.macs[packet["iif"]], EVERYBODY, packet["ethertype"], bytes(46)))
            return self.frames_passed()
        self.prepare_route()
        self.prepare_input()
        try:
            return any(self.attempt() for _ in range(ATTEMPTS))
        finally:
            self.drop_route()

    def attempt(self):
        packet = self.packet
        self.sh("conntrack", "-F")
        self.prepare_connection()
        transport = self.transport()
        if packet["hook"] == "output":
            self.send_from_gateway(transport)
        else:
            self.lab.send(packet["iif"], packet["smac"], *self.ends(), packet["proto"], transport,
                          broadcast=packet["pkttype"] == 1, hop_limit=packet["hoplimit"])
        return self.arrived()

    def arrived(self):
        packet = self.packet
        end = time.monotonic() + SETTLE_S
        while True:
            for source, destination, *_ in self.lab.seen(packet["hook"]):
                if (source, destination) == (packet["src"], packet["dst"]):
                    return True
            if time.monotonic() > end:
                return False


# ---- changes

def rules_of(lab, family):
    """(chain, handle, text) of each rule, and the chains with their head."""
    listing = lab.sh("nft", "-a", "list", "table", family, "sekisho").stdout
    chain, rules, chains = None, [], {}
    for line in listing.splitlines():
        begin = re.match(r"\tchain (\S+) \{", line)
        if begin:
            chain = begin[1]
            chains[chain] = None
        elif line == "\t}":
            chain = None
        elif chain and line.startswith("\t\ttype "):
            chains[chain] = line.strip()
        elif chain:
            text, _, handle = line.strip().rpartition(" # handle ")
            rules.append((chain, handle, text))
    return rules, chains


def sets_of(lab):
    """Elements as text, by set; without comments and what is left of their time."""
    sets = {}
    for name, body in re.findall(r"\n\t(?:set|map) (\S+) \{\n(.*?)\n\t\}", lab.saved.split("table netdev")[0], re.S):
        elements = re.search(r"elements = \{(.*)\}", body, re.S)
        items = [re.sub(r" (timeout \S+|comment \"[^\"]*\")", "", item.strip()) for item in elements[1].split(",\n")] if elements else []
        sets[name] = [item.rstrip(",") for item in items if item]
    return sets


def rule_changes(lab, family):
    rules, chains = rules_of(lab, family)
    table = f"{family} sekisho"
    for chain, handle, text in rules:
        yield "rule deleted", f"delete rule {table} {chain} handle {handle}"
        head, _, verdict = text.rpartition(" ")
        if " goto " in f" {text}":
            head = text.rpartition("goto ")[0]
            for new in ("accept", "return", "drop"):
                yield "verdict replaced", f"replace rule {table} {chain} handle {handle} {head}{new}"
        elif verdict in ("accept", "drop", "return"):
            for new in ("accept", "drop", "return"):
                if new != verdict:
                    yield "verdict replaced", f"replace rule {table} {chain} handle {handle} {head} {new}"
    for chain, head in chains.items():
        yield "accept inserted", f"insert rule {table} {chain} accept"
        yield "accept added", f"add rule {table} {chain} accept"
        if family == "inet":
            yield "mark set", f"insert rule {table} {chain} ct mark set 0x1"
            for narrow in ("tcp dport 25", "udp dport 9", "ip saddr 10.1.0.0/16", "iif mn0", "iif in0 oif lg0", "ct state new", "meta l4proto gre"):
                yield "narrow accept inserted", f"insert rule {table} {chain} {narrow} accept"
        if head:
            policy = "accept" if "policy drop" in head else "drop"
            yield "policy", f"add chain {table} {chain} {{ {head.split(';')[0]}; policy {policy}; }}"
            yield "chain flushed", f"flush chain {table} {chain}"
    targets = [chain for chain in chains if not chains[chain]]
    for chain, handle, text in rules:
        if "goto " in text and len(targets) > 1:
            head = text.rpartition("goto ")[0]
            yield "jump", f"replace rule {table} {chain} handle {handle} {head}goto {targets[(hash_of(text) + 1) % len(targets)]}"


def hash_of(text):
    return sum(text.encode())


def set_changes(lab):
    sets = sets_of(lab)
    interfaces = [f'"{name}"' for name in INTERFACES]
    for name, items in sets.items():
        for item in items[:4]:
            key = item.split(" : ")[0]
            yield "element deleted", f"delete element inet sekisho {name} {{ {key} }}"
            if " : 0x" in item:
                mark = int(item.split(" : ")[1], 16)
                yield "map value", (f"delete element inet sekisho {name} {{ {key} }}\n"
                                    f"add element inet sekisho {name} {{ {key} : {mark + 1:#x} }}")
            other = [word for word in interfaces if word in key]
            for word in interfaces:
                if other and word != other[0] and " : " not in item.replace(" : 0x", ""):
                    yield "element added", f"add element inet sekisho {name} {{ {item.replace(other[0], word, 1)} }}"
        if ".exact4" in name and items:
            mark = items[0].split(" : ")[1]
            yield "element added", f"add element inet sekisho {name} {{ 10.1.0.77 . 10.2.0.77 . tcp . 9 : {mark} }}"
            yield "element added", f"add element inet sekisho {name} {{ 10.3.0.10 . 10.2.0.25 . udp . 9 : {mark} }}"
    for first in interfaces:
        yield "element added", f"add element inet sekisho next-hops4 {{ 192.0.2.77 }}"
        yield "element added", f"add element inet sekisho bound4 {{ {first} . 10.1.0.10 . {EVERYBODY} }}"
        yield "element added", f"add element inet sekisho isolated {{ {first} }}"
        for second in interfaces:
            for mark in (0, 1, 2, 5):
                yield "element added", f"add element inet sekisho live {{ {mark:#010x} . {first} . {second} }}"


def source_changes():
    """Who is taken for a sender at an interface, and where that is judged."""
    for name in INTERFACES:
        for addresses in ("172.16.0.0-172.16.0.255", "10.1.0.10", "10.1.0.77", "0.0.0.0-9.255.255.255"):
            for senders in ("networks", "free"):
                yield "sender added", f"add element inet sekisho {senders}/{name}/4 {{ {addresses} }}"
        for other in INTERFACES:
            for entry in ("networks", "bound"):
                yield "senders of another", (f"delete element inet sekisho sources {{ {name} }}\n"
                                             f"add element inet sekisho sources {{ {name} : jump {entry}/{other} }}")


def table_changes():
    for family in ("inet", "netdev", "bridge"):
        yield "dormant table", f"add table {family} sekisho {{ flags dormant; }}"
        yield "table deleted", f"delete table {family} sekisho"
    for hook in ("prerouting", "input", "forward", "output", "postrouting"):
        for priority in (-500, -150, 10):
            yield "chain added", (f"add chain inet sekisho foreign {{ type filter hook {hook} priority {priority}; policy accept; }}\n"
                                  "add rule inet sekisho foreign accept")
            yield "chain added", (f"add chain inet sekisho foreign {{ type filter hook {hook} priority {priority}; policy accept; }}\n"
                                  "add rule inet sekisho foreign ct mark set 0x1")


def priority_changes(lab):
    """A base chain cannot change its place; it goes and comes again elsewhere."""
    rules, chains = rules_of(lab, "inet")
    for chain, head in chains.items():
        if not head:
            continue
        for priority in ("-450", "-250", "-50", "50"):
            again = re.sub(r"priority [^;]+;", f"priority {priority};", head)
            body = "".join(f"add rule inet sekisho {chain} {text}\n" for owner, _, text in rules if owner == chain)
            yield "priority", (f"flush chain inet sekisho {chain}\ndelete chain inet sekisho {chain}\n"
                               f"add chain inet sekisho {chain} {{ {again} }}\n{body}")


def all_changes(lab):
    changes = [change for family in ("inet", "netdev", "bridge") for change in rule_changes(lab, family)]
    return changes + list(set_changes(lab)) + list(source_changes()) + list(table_changes()) + list(priority_changes(lab))


# ---- judging

class Tally:
    def __init__(self):
        self.counts = Counter()
        self.kinds = Counter()
        self.faults = []

    def fault(self, what, kind, text, more=""):
        self.faults.append(f"{what}: {kind}: {text.splitlines()[0]} {more}")
        self.counts[what] += 1


def judge(lab, battery, tally, kind, text):
    lab.forget()
    passed = battery.send(lab)
    said = lab.verify()
    if said is None:
        tally.counts["no rules at all"] += 1
        return
    broken = [line for line in said["lines"] if line["state"] == "broken"]
    tally.kinds[kind, "proved" if said["proved"] else "broken" if broken else "not proved"] += 1
    tally.counts["proved" if said["proved"] else "broken" if broken else "not proved"] += 1
    if passed and said["proved"]:
        tally.fault("missed hole", kind, text, str(passed[0]))
    if passed:
        tally.counts["forbidden packets pass"] += 1
        tally.counts["  of these with a packet"] += bool(broken)
    if said["drift"]["same"]:
        tally.counts["without any difference"] += 1
    for line in broken:
        realization = Realization(lab, line["packet"])
        if line["line"] == "expiry" or not realization.possible():	# it passes after the record's last day only
            tally.counts["packets not sent"] += 1
            continue
        tally.counts["packets sent"] += 1
        if not realization.run():
            tally.fault("false hole", kind, text, f"{line['line']} {json.dumps(line['packet'])}")


def main():
    skip_unless_possible("nft", "conntrack")
    count, seed = int(os.environ.get("SEKISHO_MUTATIONS", "150")), int(os.environ.get("SEKISHO_SEED", "1"))
    tally = Tally()
    with Town(owner=False) as town:
        town.start_daemon()
        town.stop_daemon()
        lab = Lab(town)
        battery = Battery()
        lab.restore()	# from now on rules have the same handles whenever they are put back
        assert not battery.send(lab), "the battery passes the untouched rules"
        assert lab.verify()["proved"], "the untouched rules do not prove"
        changes = all_changes(lab)
        random.Random(seed).shuffle(changes)
        for kind, text in changes:
            if tally.counts["changes"] == count:
                break
            if lab.nft(text).returncode != 0:
                tally.counts["refused by nft"] += 1
                continue
            tally.counts["changes"] += 1
            judge(lab, battery, tally, kind, text)
            lab.restore()
        assert lab.verify()["proved"], "the rules that were put back do not prove"
    for name, number in sorted(tally.counts.items()):
        print(f"{number:6} {name}")
    for (kind, result), number in sorted(tally.kinds.items()):
        print(f"{number:6} {kind}: {result}")
    for fault in tally.faults[:40]:
        print(fault)
    sys.exit(1 if tally.faults or tally.counts["changes"] < count else 0)


if __name__ == "__main__":
    main()
