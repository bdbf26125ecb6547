"""The world of the leak test (leak.py): a policy some of whose flows come and go, the traffic, and what should become of it at each moment."""

import itertools
import os
import threading
import time

import zone_file
from flood import PROTOCOLS, frame
from town import HOSTS, ZONES

RATE = 200		# packets per second of each permitted stream
GUARD_S = {True: 0.05, False: 0.1} # a packet may be so long under way when something is cut, or opened, behind it
OPENED_S = 0.1		# after an opening the first packet of a connection's own direction may be so late that an answer has come before it
SOON_DAYS = 5		# the record that a clock which is set forward brings to its end
PORT_NEVER = 5999	# no flow has it

# One host per zone receives what goes there and sends what comes from there, whatever the address.
PLACES = {"mynumber": "jumin-tanmatsu", "lgwan": "juki-cs", "internet": "inet-tanmatsu", "cloud": "cloud-dns"}
UP, OUT, IN, CORE = ("internet", "cloud"), ("lgwan", "internet"), ("internet", "lgwan"), ("mynumber", "lgwan")

NEIGHBOURS = {
    "mynumber": ["10.1.0.10", "10.1.0.11", "fd00:0:0:1::10"],
    "lgwan": ["10.2.0.20", "10.2.1.10", "fd00:0:0:2::20"],
    "internet": ["10.3.0.77", "10.3.1.10", "10.3.2.10", "10.3.0.10", "fd00:0:0:3::10"],
    "cloud": ["192.0.2.53", "192.0.2.1", "2001:db8:ffff::1", "2001:db8:ffff::53"],
}
ROUTES = {"lgwan": ["10.2.0.0/16"], "internet": ["10.3.0.0/16"]}
ANYBODY = {zone: {4: addresses[0], 6: addresses[-1]} for zone, addresses in NEIGHBOURS.items()}

# flow: what of it comes and goes, and how many values that has. 0: the flow is not there.
EDITS = {"exact": 2, "range": 2, "core": 2, "back": 2, "many": 2, "few": 5, "expiry": 3, "name": 2}


def soon():
    """The flow whose record is over soon."""
    flow = zone_file.exception_flow("soon", OUT, "10.2.1.10", "10.3.2.10", "udp", 7500)
    flow["record"] = zone_file.record(SOON_DAYS)
    return flow


def policy_text(state):
    """The policy of a state: kind of edit -> value."""
    policy = zone_file.town_policy()
    policy["hosts"] += [
        zone_file.host("jumin", "mynumber", ["10.1.0.10", "fd00:0:0:1::10"], HOSTS["jumin-tanmatsu"][1]),
        zone_file.host("juki", "lgwan", ["10.2.0.20", "fd00:0:0:2::20"], HOSTS["juki-cs"][1]),
    ]
    screen = zone_file.exception_flow("screen", OUT, "10.2.1.0/24", "10.3.2.0/24", "udp", "7000-7010")
    screen["record"] = zone_file.record(60 + state["expiry"])
    policy["flows"] = [
        zone_file.internal_flow("steady", UP, "10.3.0.77", "192.0.2.53", "udp", 5000),
        zone_file.internal_flow("steady-tcp", UP, "10.3.0.77", "192.0.2.53", "tcp", 5001),
        zone_file.internal_flow("steady6", UP, "fd00:0:0:3::/80", "2001:db8:100::/64", "udp", "6000-6999"),
        screen, soon(),
        zone_file.specified_flow("specified", CORE, "jumin", "juki", "udp", 500),
    ]
    if state["exact"]:
        policy["flows"].append(zone_file.internal_flow("exact", UP, "10.3.0.77", "192.0.2.53", "udp", 5100))
    if state["range"]:
        policy["flows"].append(zone_file.internal_flow("range", UP, "10.3.1.0/24", "198.51.100.0/24", "udp", "6000-6999"))
    if state["core"]:
        policy["flows"].append(zone_file.specified_flow("core", CORE, "jumin", "juki", "udp", 501))
    if state["back"]:
        policy["flows"].append(zone_file.exception_flow("back", IN, "10.3.0.77", "10.2.1.10", "udp", 5200))
    policy["flows"] += [zone_file.internal_flow(f"net-{i}", UP, f"10.3.{16 + i}.0/24", "198.51.100.0/25", "tcp", f"{100 + i}-{200 + i}")
                        for i in range(4 + 30 * state["many"])]
    policy["flows"] += [zone_file.internal_flow(f"few-{i}", UP, f"10.3.9.{i}", "192.0.2.80", "tcp", 1000 + i) for i in range(3 * state["few"])]
    if state["name"]:
        for flow in policy["flows"]:
            flow["name"] += "-renamed"
    return policy


def write_policy(town, state):
    """A whole file at once, as an editor leaves it."""
    path = town.config + ".new"
    zone_file.write(path, policy_text(state))
    os.replace(path, town.config)


# ---- the gateway's side of the cables

def restore_zone(town, zone):
    """Everything of an interface that goes when it goes down: the gateway knows where everybody is, so a packet never waits for an answer."""
    interface, ip4, ip6 = ZONES[zone]
    lines = [f"addr replace {ip4}/24 dev {interface}", f"addr replace {ip6}/64 dev {interface} nodad", f"link set {interface} up"]
    lines += [f"neigh replace {address} lladdr {HOSTS[PLACES[zone]][1]} dev {interface} nud permanent" for address in NEIGHBOURS[zone]]
    lines += [f"route replace {network} dev {interface}" for network in ROUTES.get(zone, [])]
    if zone == "cloud":
        lines += ["route replace default via 192.0.2.1", "route replace default via 2001:db8:ffff::1 dev up0"]
    town.run("gateway", ["ip", "-force", "-batch", "-"], input="\n".join(lines) + "\n", check=False)


def silence_hosts(town):
    """Hosts answer nothing: all that is sent comes from the test."""
    for place in PLACES.values():
        town.ip(place, "addr flush dev eth0")
        town.write_sysctl(place, "net/ipv6/conf/eth0/disable_ipv6", 1)


# ---- traffic

class Traffic:
    """Endpoints and streams for the program flood. What a paced stream needs to be open stands in its conditions."""

    def __init__(self, town, macs):
        self.macs = macs
        self.endpoints = [(town.namespace(place), "eth0") for place in PLACES.values()]
        self.zones = list(PLACES)
        self.paced, self.forbidden = [], []	# (name, conditions, stream), (name, stream)
        self.local = {}
        gateway = town.namespace("gateway")
        for version, protocol in itertools.product((4, 6), ("udp", "tcp", "icmp")):
            number = PROTOCOLS["icmp6" if (version, protocol) == (6, "icmp") else protocol]
            self.local[version, protocol] = len(self.endpoints)
            self.endpoints.append((gateway, version, number))
        self._permit()
        self._forbid_pairs()
        self._forbid_gateway()
        self._forbid_near_misses()

    def streams(self):
        return [stream for *_, stream in self.paced + self.forbidden]

    def _stream(self, kind, rate, ends, addresses, protocol, ports):
        data = frame((HOSTS[PLACES[ends[0]]][1], self.macs[ends[0]]), addresses, protocol, ports)
        return kind, rate, self.zones.index(ends[0]), self.zones.index(ends[1]), data

    def _permit_one(self, name, ends, addresses, port, edit=None):
        conditions = (edit, frozenset(ends))
        for what, kind, way, between, ports in (
                ("a connection", "fixed", ends, addresses, (777, port)), ("its answers", "fixed", ends[::-1], addresses[::-1], (port, 777)),
                ("new connections", "fresh", ends, addresses, (0, port))):
            self.paced.append((f"{name}, {what}", conditions, self._stream(kind, RATE, way, between, "udp", ports)))

    def _permit(self):
        self._permit_one("steady", UP, ("10.3.0.77", "192.0.2.53"), 5000)
        self._permit_one("steady6", UP, ("fd00:0:0:3::10", "2001:db8:100::60"), 6999)
        self._permit_one("screen", OUT, ("10.2.1.10", "10.3.2.10"), 7010)
        self._permit_one("specified", CORE, ("10.1.0.10", "10.2.0.20"), 500)
        self._permit_one("specified6", CORE, ("fd00:0:0:1::10", "fd00:0:0:2::20"), 500)
        self._permit_one("soon", OUT, ("10.2.1.10", "10.3.2.10"), 7500, "soon")
        self._permit_one("exact", UP, ("10.3.0.77", "192.0.2.53"), 5100, "exact")
        self._permit_one("range", UP, ("10.3.1.10", "198.51.100.60"), 6500, "range")
        self._permit_one("core", CORE, ("10.1.0.10", "10.2.0.20"), 501, "core")
        self._permit_one("back", IN, ("10.3.0.77", "10.2.1.10"), 5200, "back")
        for kind, way, between, ports in (("tcp", UP, ("10.3.0.77", "192.0.2.53"), (777, 5001)),
                                          ("tcp-reply", UP[::-1], ("192.0.2.53", "10.3.0.77"), (5001, 777))):
            self.paced.append((f"steady {kind}", (None, frozenset(UP)), self._stream(kind, RATE, way, between, "tcp", ports)))

    def _forbid(self, name, kind, ends, addresses, protocol, ports):
        self.forbidden.append((name, self._stream(kind, 0, ends, addresses, protocol, ports)))

    def _forbid_pairs(self):
        """Every directed pair of zones by both families, by protocols in turn."""
        kinds = itertools.cycle([("fresh", "udp"), ("fixed", "tcp"), ("fresh", "icmp"), ("fixed", "gre"), ("fixed", "udp"), ("fresh", "tcp"), ("fixed", "icmp")])
        for ends in itertools.permutations(PLACES, 2):
            for version, _ in itertools.product((4, 6), range(2)):
                kind, protocol = next(kinds)
                protocol = "icmp6" if (version, protocol) == (6, "icmp") else protocol
                self._forbid(f"{ends[0]} to {ends[1]}, IPv{version}, {protocol}, {kind}", kind, ends,
                             (ANYBODY[ends[0]][version], ANYBODY[ends[1]][version]), protocol, (778, PORT_NEVER))

    def _forbid_gateway(self):
        """From every zone to the gateway itself, and back."""
        kinds = itertools.cycle(["udp", "tcp", "icmp"])
        for (zone, (_, ip4, ip6)), version in itertools.product(ZONES.items(), (4, 6)):
            for inward in (True, False):
                protocol = next(kinds)
                local = self.local[version, protocol]
                addresses = (ANYBODY[zone][version], ip4 if version == 4 else ip6)[::1 if inward else -1]
                data = frame((HOSTS[PLACES[zone]][1], self.macs[zone]), addresses, "icmp6" if (version, protocol) == (6, "icmp") else protocol, (778, PORT_NEVER))
                ends = (self.zones.index(zone), local)[::1 if inward else -1]
                self.forbidden.append((f"{zone} {'to' if inward else 'from'} the gateway, IPv{version}, {protocol}", ("fixed", 0, *ends, data)))

    def _forbid_near_misses(self):
        """Beside every flow what it just does not allow."""
        for name, kind, ends, addresses, protocol, port in (
                ("another port", "fresh", UP, ("10.3.0.77", "192.0.2.53"), "udp", 5001),
                ("another protocol", "fixed", UP, ("10.3.0.77", "192.0.2.53"), "tcp", 5000),
                ("TCP from the middle", "fresh", UP, ("10.3.0.77", "192.0.2.53"), "tcp", 5001),
                ("another source", "fixed", UP, ("10.3.0.10", "192.0.2.53"), "udp", 5000),
                ("behind a range of IPv6", "fresh", UP, ("fd00:0:0:3::10", "2001:db8:100::60"), "udp", 7000),
                ("behind the screen", "fresh", OUT, ("10.2.1.10", "10.3.2.10"), "udp", 7011),
                ("beside the specified", "fresh", CORE, ("10.1.0.10", "10.2.0.20"), "udp", 502),
                ("the wrong way", "fresh", CORE[::-1], ("10.2.0.20", "10.1.0.10"), "udp", 500),
                ("an unbound terminal", "fixed", CORE, ("10.1.0.11", "10.2.0.20"), "udp", 500),
                ("answers to nobody", "fresh", UP[::-1], ("192.0.2.53", "10.3.0.10"), "udp", 5000),
                ("a spoofed source", "fresh", UP, ("10.2.1.10", "192.0.2.53"), "udp", 5000),
                ("a spoofed source of My Number", "fixed", OUT, ("10.1.0.10", "10.3.2.10"), "udp", 7000)):
            self._forbid(name, kind, ends, addresses, protocol, (778, port))


# ---- what should become of it

class Expectation:
    """What is known of the gateway now, and since when each paced stream must pass, or must not. None is not known.

    A fault may close everything, because what cannot be put in force closes; so it makes what should pass unknown. It opens nothing: what must not
    pass must not pass then, too.
    """

    def __init__(self, paced):
        self.paced = paced
        self.flows = dict.fromkeys((edit for _, (edit, _), _ in paced if edit), None)
        self.isolated = dict.fromkeys(PLACES, False)
        self.wired = dict.fromkeys(PLACES, True)
        self.sound = True
        self.now = [None] * len(paced)
        self.since = [0.0] * len(paced)
        self.windows = []	# (stream, from, to, whether it passes)
        self.lock = threading.Lock()

    def _passes(self, conditions):
        edit, ends = conditions
        flow = self.flows[edit] if edit else True
        if flow is False or any(self.isolated[zone] for zone in ends):
            return False
        known = flow and self.sound and all(self.wired[zone] and self.isolated[zone] is False for zone in ends)
        return True if known else None

    def update(self):
        """Something was learnt or may be otherwise from now on."""
        with self.lock:
            now = time.monotonic()
            for number, (_, conditions, _) in enumerate(self.paced):
                passes = self._passes(conditions)
                if passes == self.now[number]:
                    continue
                self._close(number, now)
                self.now[number], self.since[number] = passes, now + (OPENED_S if passes else 0)

    def _close(self, number, now):
        passes = self.now[number]
        if passes is None:
            return
        end = now - GUARD_S[passes]
        if end > self.since[number]:
            self.windows.append((number, self.since[number], end, passes))

    def end(self):
        now = time.monotonic()
        for number in range(len(self.paced)):
            self._close(number, now)
        return self.windows
