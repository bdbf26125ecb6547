"""Zone files made at random but within the law, and what each of them means, worked out a second time and without any of the product.

The wires are always the same: six interfaces of the gateway, each with an on-link network and one behind a router. Which of them belong to
which zone, who the hosts are and what may pass is drawn from a random.Random; the same seed gives the same file.
"""

import copy
import datetime
import ipaddress
from dataclasses import dataclass, field

from packets import ESP, GRE, ICMP, ICMP6, OSPF, SCTP, TCP, UDP
from zone_file import render

INTERFACES = tuple(f"n{i}" for i in range(6))
MAIL_PORTS = {25, 110, 143, 465, 587, 993, 995}
PORTS = (22, 80, 443, 445, 1521, 3389, 5060, 8080, 8443, 49152)
PORTED_WORDS = {"tcp": TCP, "udp": UDP, "sctp": SCTP}
PORTLESS_WORDS = {"icmp": ICMP, "gre": GRE, "esp": ESP, str(OSPF): OSPF}
PEERS = ("juki-net", "intermediate-server", "convenience", "eltax", "mynaportal", "government-cloud", "public-body")
USERS = {"root": 0, "daemon": 1, "bin": 2, "nobody": 65534}
COURIER = "sekisho-courier"
ANY_PROTOCOL = 256

UPLINK_ONLY = [ipaddress.ip_network(text) for text in ("203.0.113.0/24", "2001:db8:77::/64")]
STRAY = [ipaddress.ip_network(text) for text in ("198.51.100.0/24", "2001:db8:51::/64")]	# routed past the declared routers
GATEWAY, ROUTER, STRAY_ROUTER = 1, 254, 253						# host parts on every link


def on_link(interface, version):
    number = 10 + INTERFACES.index(interface)
    return ipaddress.ip_network(f"10.{number}.0.0/24" if version == 4 else f"fd00:0:0:{number}::/64")


def behind_router(interface, version):
    number = 10 + INTERFACES.index(interface)
    return ipaddress.ip_network(f"10.{number}.64.0/20" if version == 4 else f"fd00:0:1:{number}::/64")


def gateway_mac(interface):
    return f"02:aa:00:00:00:{INTERFACES.index(interface):02x}"


def gateway_address(interface, version):
    return on_link(interface, version)[GATEWAY]


def is_of_the_stack(address):
    """Addresses for which the IP stack decides before any rule: the gateway's own, and the ends of its on-link networks."""
    for interface in INTERFACES:
        network = on_link(interface, address.version)
        if address in network:
            return int(address) - int(network.network_address) in (0, GATEWAY) or address == network.broadcast_address
    return False


@dataclass
class Zone:
    name: str
    tier: str
    interfaces: list
    networks: list
    hairpin: bool = False
    uplink: bool = False


@dataclass
class Host:
    name: str
    zone: str
    addresses: list
    macs: list
    via: list = field(default_factory=list)
    sanitizer: bool = False


@dataclass
class End:
    """What stands behind source or destination: the words and the addresses they mean, as (first, last)."""
    words: list
    ranges: list

    def holds(self, address):
        return any(first.version == address.version and first <= address <= last for first, last in self.ranges)

    def versions(self):
        return {first.version for first, _ in self.ranges}

    def covers(self, zone):
        """Whether it is the whole zone in one family, in whatever words."""
        return self.words == ["any"] or not zone.uplink and any(self.covers_family(zone, version) for version in (4, 6))

    def covers_family(self, zone, version):
        parts = list(ipaddress.collapse_addresses(part for first, last in self.ranges if first.version == version
                                                  for part in ipaddress.summarize_address_range(first, last)))
        networks = [network for network in zone.networks if network.version == version]
        return bool(networks) and all(any(network.subnet_of(part) for part in parts) for network in networks)


@dataclass
class Flow:
    kind: str			# forward, local, egress
    name: str
    source: End
    destination: End
    protocol_word: str
    protocol: int
    ports: list			# of (first, last)
    from_zone: str = None
    to_zone: str = None
    method: str = None
    expired: bool = False
    record: bool = False
    user: str = None
    relay: bool = False

    def allows(self, protocol, port):
        if self.protocol == ANY_PROTOCOL:
            return True
        if (ICMP if protocol == ICMP6 else protocol) != self.protocol:
            return False
        return not self.ports or any(first <= port <= last for first, last in self.ports)


@dataclass
class Route:
    interface: str
    next_hop: object


class Policy:
    """A zone file: what is written in it, and what follows from it for a packet."""

    def __init__(self):
        self.model = "alpha"
        self.zones, self.hosts, self.networks, self.flows, self.relays, self.rejects = [], [], [], [], [], set()
        self.names = 0

    def zone(self, name):
        return next(zone for zone in self.zones if zone.name == name)

    def host(self, name):
        return next(host for host in self.hosts if host.name == name)

    def zone_of_interface(self, interface):
        return next((zone for zone in self.zones if interface in zone.interfaces), None)

    def uplink(self):
        return next(zone for zone in self.zones if zone.uplink)

    # ---- what it means

    def belongs(self, zone, address):
        """Whether an address is of a zone; the uplink's zone has what no other has."""
        if not zone.uplink:
            return any(address in network for network in zone.networks)
        return is_unicast(address) and not any(self.belongs(other, address) for other in self.zones if not other.uplink)

    def macs_of(self, zone, address):
        """The MACs that an address is bound to in a zone; none: any."""
        for host in self.hosts:
            if host.zone == zone.name and address in host.addresses:
                return sum((self.host(router).macs for router in host.via), list(host.macs))
        return []

    def source_refusal(self, interface, address, mac):
        """Why a packet may not come in here by its source; None if it may."""
        zone = self.zone_of_interface(interface)
        if not zone:
            return "no zone"
        macs = self.macs_of(zone, address)
        if macs:
            return None if mac in macs else "mac"
        return None if self.belongs(zone, address) else "source"

    def route(self, destination):
        """Where the gateway's routing table sends an address."""
        for interface in INTERFACES:
            if destination in on_link(interface, destination.version):
                return Route(interface, destination)
            if destination in behind_router(interface, destination.version):
                return Route(interface, on_link(interface, destination.version)[ROUTER])
        part = STRAY_ROUTER if any(destination in network for network in STRAY) else ROUTER
        interface = self.uplink().interfaces[0]
        return Route(interface, on_link(interface, destination.version)[part])

    def next_hop_refusal(self, route):
        """What leaves by the uplink goes to its routers and to declared hosts on its link."""
        zone = self.zone_of_interface(route.interface)
        if not zone or not zone.uplink:
            return None
        declared = any(route.next_hop in host.addresses for host in self.hosts if host.zone == zone.name)
        on_its_link = any(route.next_hop in network for network in zone.networks)
        return None if declared and on_its_link else "next-hop"

    def forward_flows(self, incoming, outgoing, source, destination, protocol, port):
        """The open flows that allow this from one interface to another."""
        from_zone, to_zone = self.zone_of_interface(incoming), self.zone_of_interface(outgoing)
        if not from_zone or not to_zone:
            return []
        if protocol == TCP and port in MAIL_PORTS and {from_zone.tier, to_zone.tier} == {"lgwan", "internet"}:
            return []
        return [flow for flow in self.all_flows() if flow.kind == "forward" and not flow.expired
                and (flow.from_zone, flow.to_zone) == (from_zone.name, to_zone.name)
                and flow.source.holds(source) and flow.destination.holds(destination) and flow.allows(protocol, port)]

    def may_complain(self, sender, incoming, receiver, outgoing):
        """Whether an ICMP error about a connection may come from here: with the My Number tier at one side only from an end of a flow."""
        tiers = [self.zone_of_interface(interface).tier for interface in (incoming, outgoing)]
        if tiers.count("mynumber") != 1:
            return True
        ways = (receiver, outgoing, sender, incoming), (sender, incoming, receiver, outgoing)
        return any(flow.source.holds(near) and flow.destination.holds(far) and not flow.expired and flow.kind == "forward"
                   and (flow.from_zone, flow.to_zone) == (self.zone_of_interface(a).name, self.zone_of_interface(b).name)
                   for flow in self.flows for near, a, far, b in ways)

    def local_flows(self, incoming, source, destination, protocol, port):
        """A service of the gateway without a destination is one of all its addresses."""
        zone = self.zone_of_interface(incoming)
        return [flow for flow in self.all_flows() if zone and flow.kind == "local" and flow.from_zone == zone.name
                and flow.source.holds(source) and flow.allows(protocol, port)
                and (not flow.destination.ranges or flow.destination.holds(destination))]

    def egress_flows(self, user, outgoing, destination, protocol, port):
        zone = self.zone_of_interface(outgoing)
        return [flow for flow in self.all_flows() if zone and flow.kind == "egress" and flow.to_zone == zone.name
                and flow.user == user and flow.destination.holds(destination) and flow.allows(protocol, port)]

    def all_flows(self):
        """Those written as flows, and those that follow from relays and hairpins."""
        flows = list(self.flows)
        for zone in self.zones:
            if zone.hairpin:
                everywhere = End(["any"], [(network[0], network[-1]) for network in zone.networks])
                flows.append(Flow("forward", f"{zone.name}/hairpin", everywhere, everywhere, "any", ANY_PROTOCOL, [],
                                  zone.name, zone.name))
        return flows

    def rejecting(self, incoming, outgoing):
        from_zone, to_zone = self.zone_of_interface(incoming), self.zone_of_interface(outgoing)
        return bool(from_zone and to_zone) and (from_zone.name, to_zone.name) in self.rejects

    # ---- how it is written

    def text(self):
        services = [flow for flow in self.flows if flow.kind == "local" and not flow.relay]
        egresses = [flow for flow in self.flows if flow.kind == "egress" and not flow.relay]
        parts = {
            "town": "Unno-cho",
            "model": self.model,
            "zones": [self._zone_words(zone) for zone in self.zones],
            "hosts": [self._host_words(host) for host in self.hosts],
            "networks": [{"name": name, "zone": zone, "prefixes": end.words} for name, zone, end in self.networks],
            "flows": [self._flow_words(flow) for flow in self.flows if flow.kind == "forward"],
            "refusals": [{"from": a, "to": b, "refuse": "reject"} for a, b in sorted(self.rejects)],
            "gateway": {"services": [self._local_words(flow) for flow in services],
                        "egress": [self._egress_words(flow) for flow in egresses]},
            "relays": self.relays,
        }
        return "".join(f"{name} = {render(part)};\n" for name, part in parts.items())

    @staticmethod
    def _zone_words(zone):
        words = {"name": zone.name, "tier": zone.tier, "interfaces": zone.interfaces, "networks": [str(net) for net in zone.networks]}
        if zone.hairpin:
            words["hairpin"] = True
        if zone.uplink:
            words["uplink"] = {"routers": ["uplink-router"], "dns": ["uplink-dns"], "smtp": ["uplink-mx"]}
        return words

    @staticmethod
    def _host_words(host):
        words = {"name": host.name, "zone": host.zone, "addresses": [str(address) for address in host.addresses]}
        if host.via:
            words["via"] = host.via
        elif host.macs:
            words["macs"] = host.macs
        if host.sanitizer:
            words["sanitizer"] = True
        return words

    @staticmethod
    def _traffic_words(flow):
        words = {"protocol": flow.protocol_word}
        if flow.ports:
            words["ports"] = [str(first) if first == last else f"{first}-{last}" for first, last in flow.ports]
        return words

    def _flow_words(self, flow):
        words = {"name": flow.name, "from": flow.from_zone, "to": flow.to_zone, "method": flow.method,
                 "source": flow.source.words, "destination": flow.destination.words, **self._traffic_words(flow)}
        if flow.method == "specified":
            words["peer"] = PEERS[len(flow.name) % len(PEERS)]
            words["peer_reason"] = "a public body"
        if flow.record:
            words["record"] = {"number": "R-1", "reason": "work", "approver": "head", "approved": "2020-01-01",
                               "expires": "2020-03-31" if flow.expired else f"{datetime.date.today().year + 2}-03-31"}
        return words

    def _local_words(self, flow):
        return {"name": flow.name, "zone": flow.from_zone, "source": flow.source.words, **self._traffic_words(flow)}

    def _egress_words(self, flow):
        return {"name": flow.name, "user": flow.user, "zone": flow.to_zone, "destination": flow.destination.words,
                **self._traffic_words(flow)}


def is_unicast(address):
    if address.version == 4:
        return 1 << 24 <= int(address) < 224 << 24 and not address.is_loopback and not address.is_link_local
    return int(address) >> 125 == 1 or int(address) >> 121 == 0x7E


# ---- drawing one at random

class Author:
    """Writes a policy, one chance after the other."""

    def __init__(self, chance):
        self.chance = chance
        self.policy = Policy()

    def name(self, stem):
        self.policy.names += 1
        return f"{stem}-{self.policy.names}"

    def mac(self):
        return "02:" + ":".join(f"{self.chance.randrange(256):02x}" for _ in range(5))

    def write(self):
        self.policy.model = self.chance.choice(["alpha", "alpha-prime", "beta", "beta-prime"])
        self.write_zones()
        for zone in self.policy.zones:
            self.write_hosts(zone)
        for zone in self.policy.zones:
            self.write_network(zone)
        for _ in range(self.chance.randrange(4, 9)):
            self.write_flow()
        for _ in range(self.chance.randrange(1, 4)):
            self.write_service()
            self.write_egress()
        if self.chance.random() < 0.4:
            self.write_relay()
        self.drop_gateway_chains()
        self.write_reject()
        return self.policy

    def write_zones(self):
        tiers = [("mynumber", False), ("lgwan", False), ("internet", True)]
        if self.chance.random() < 0.75:
            tiers.append(("internet", False))
        if self.chance.random() < 0.4:
            tiers.append((self.chance.choice(["mynumber", "lgwan", "internet"]), False))
        free = list(INTERFACES)
        self.chance.shuffle(free)
        taken = [[free.pop()] for _ in tiers]
        if self.chance.random() < 0.5:
            self.chance.choice(taken).append(free.pop())
        for (tier, uplink), interfaces in zip(tiers, taken):
            hairpin = not uplink and self.chance.random() < (0.8 if len(interfaces) > 1 else 0.15)
            self.policy.zones.append(Zone(self.name(tier[:3]), tier, interfaces, self.zone_networks(interfaces), hairpin, uplink))
        self.chance.shuffle(self.policy.zones)

    def zone_networks(self, interfaces):
        """Mostly all that is on the link, sometimes a half of it; sometimes what lies behind the router, and seldom one family only."""
        networks = []
        for interface in interfaces:
            for version in self.chance.choice([(4, 6), (4, 6), (4, 6), (4,), (6,)]):
                network = on_link(interface, version)
                networks.append(list(network.subnets())[0] if self.chance.random() < 0.2 else network)
                if self.chance.random() < 0.4:
                    networks.append(behind_router(interface, version))
        return networks

    def write_hosts(self, zone):
        for _ in range(self.chance.randrange(2, 5)):
            self.write_host(zone, self.name("host"))
        if self.chance.random() < 0.5:
            self.write_router_and_hosts(zone)
        if zone.tier == "internet" and not zone.uplink:
            self.policy.hosts[-1].sanitizer = True
        if zone.uplink:
            routers = [network[ROUTER] for network in zone.networks if network in map(
                lambda version: on_link(zone.interfaces[0], version), (4, 6))]
            self.policy.hosts.append(Host("uplink-router", zone.name, routers or [self.free_address(zone)], [self.mac()]))
            self.write_host(zone, "uplink-dns")
            self.write_host(zone, "uplink-mx")

    def write_host(self, zone, name):
        """One address of each of one or two networks of different families, with one or two MACs or, seldom, none."""
        addresses = {address.version: address for address in (self.free_address(zone) for _ in range(2))}
        macs = [self.mac() for _ in range(self.chance.choice([1, 1, 2]))] if self.chance.random() < 0.85 else []
        self.policy.hosts.append(Host(name, zone.name, sorted(addresses.values(), key=lambda a: a.version), macs))

    def write_router_and_hosts(self, zone):
        routers = []
        for _ in range(self.chance.choice([1, 2])):
            self.write_host(zone, self.name("router"))
            self.policy.hosts[-1].macs = self.policy.hosts[-1].macs or [self.mac()]
            routers.append(self.policy.hosts[-1].name)
        self.policy.hosts.append(Host(self.name("behind"), zone.name, [self.free_address(zone)], [], routers))

    def free_address(self, zone, networks=None):
        used = {address for host in self.policy.hosts for address in host.addresses}
        while True:
            address = self.address_in(self.chance.choice(networks or zone.networks))
            if address not in used and address not in self.routers_of(zone):
                return address

    @staticmethod
    def routers_of(zone):
        return {on_link(interface, version)[part] for interface in zone.interfaces for version in (4, 6)
                for part in (ROUTER, STRAY_ROUTER)}

    def address_in(self, network):
        """Not at its very ends, so that the neighbours are addresses too."""
        return network[self.chance.randrange(4, min(network.num_addresses - 6, 60000))]

    def write_network(self, zone):
        end = self.literal_end(zone)
        self.policy.networks.append((self.name("net"), zone.name, end))

    # ---- ends

    def literal_end(self, zone):
        """One to three addresses, prefixes or ranges; sometimes so many that their going makes the rules change their sets."""
        words, ranges = [], []
        networks = zone.networks + (UPLINK_ONLY if zone.uplink else [])
        for _ in range(self.chance.choice([1, 1, 1, 2, 2, 3, 40])):
            network = self.chance.choice(networks)
            first = self.address_in(network)
            kind = self.chance.choice(["address", "prefix", "range"])
            last = first
            if kind == "prefix":
                part = ipaddress.ip_network((first, self.chance.randrange(max(network.prefixlen, first.max_prefixlen - 12),
                                                                          first.max_prefixlen)), strict=False)
                first, last = part[0], part[-1]
                words.append(str(part))
            elif kind == "range":
                last = min(first + self.chance.randrange(1, 40), network[-2])
                words.append(f"{first}-{last}")
            else:
                words.append(str(first))
            ranges.append((first, last))
        return End(words, ranges)

    def host_end(self, hosts):
        words = [host.name for host in hosts]
        return End(words, [(address, address) for host in hosts for address in host.addresses])

    def hosts_of(self, zone):
        return [host for host in self.policy.hosts if host.zone == zone.name]

    def any_end(self, zone):
        networks = zone.networks + (UPLINK_ONLY if zone.uplink else [])
        ranges = [(network[0], network[-1]) for network in networks]
        return Anywhere(["any"], ranges, zone, self.policy) if zone.uplink else End(["any"], ranges)

    def end(self, zone, any_allowed=True):
        kind = self.chance.choice(["host", "host", "hosts", "network", "literal", "any" if any_allowed else "literal"])
        hosts = self.hosts_of(zone)
        if kind == "any":
            return self.any_end(zone)
        if kind == "host":
            return self.host_end([self.chance.choice(hosts)])
        if kind == "hosts":
            return self.host_end(self.chance.sample(hosts, 2))
        if kind == "network":
            name, _, end = next(entry for entry in self.policy.networks if entry[1] == zone.name)
            return End([name], end.ranges)
        return self.literal_end(zone)

    # ---- flows

    def write_flow(self):
        """Between two zones that may meet; what the law demands of the pair is drawn with it."""
        pairs = [(a, b) for a in self.policy.zones for b in self.policy.zones
                 if a is not b and {a.tier, b.tier} != {"mynumber", "internet"}]
        from_zone, to_zone = self.chance.choice(pairs)
        for _ in range(20):
            flow = self.draw_flow(from_zone, to_zone)
            if flow and flow.source.versions() & flow.destination.versions():
                self.policy.flows.append(flow)
                return

    def draw_flow(self, from_zone, to_zone):
        if from_zone.tier == to_zone.tier:
            return self.draw_internal(from_zone, to_zone)
        if "mynumber" in (from_zone.tier, to_zone.tier):
            return self.draw_specified(from_zone, to_zone)
        draw = self.chance.choice([self.draw_exception, self.draw_screen, self.draw_sanitized, self.draw_breakout])
        flow = draw(from_zone, to_zone)
        return None if flow and flow.source.covers(from_zone) and flow.destination.covers(to_zone) else flow

    def make(self, method, zones, ends, traffic):
        word, protocol, ports = traffic
        flow = Flow("forward", self.name("flow"), *ends, word, protocol, ports, zones[0].name, zones[1].name, method)
        flow.record = method in ("specified", "exception") or self.chance.random() < 0.2
        flow.expired = flow.record and self.chance.random() < 0.15
        return flow

    def draw_internal(self, from_zone, to_zone):
        ends = self.end(from_zone), self.end(to_zone)
        return self.make("internal", (from_zone, to_zone), ends, self.traffic(to_zone, ends[1]))

    def draw_specified(self, from_zone, to_zone):
        ends = []
        for zone in (from_zone, to_zone):
            bound = [host for host in self.hosts_of(zone) if self.policy.macs_of(zone, host.addresses[0])]
            if not bound:
                return None
            ends.append(self.host_end([self.chance.choice(bound)]))
        word = self.chance.choice(list(PORTED_WORDS))
        ports = sorted((port, port) for port in self.chance.sample(PORTS, self.chance.choice([1, 1, 3])))
        return self.make("specified", (from_zone, to_zone), ends, (word, PORTED_WORDS[word], ports))

    def draw_exception(self, from_zone, to_zone):
        ends = self.end(from_zone), self.end(to_zone)
        return self.make("exception", (from_zone, to_zone), ends, self.traffic(to_zone, ends[1], wide=not to_zone.uplink))

    def draw_screen(self, from_zone, to_zone):
        if from_zone.tier == "internet" and self.policy.model.startswith("alpha"):
            return None
        ends = self.end(from_zone), self.host_end([self.chance.choice(self.hosts_of(to_zone))])
        return self.make("screen", (from_zone, to_zone), ends, self.traffic(to_zone, ends[1], words=["tcp", "udp"]))

    def draw_sanitized(self, from_zone, to_zone):
        sanitizers = [[host for host in self.hosts_of(zone) if host.sanitizer] for zone in (from_zone, to_zone)]
        if sanitizers[1]:
            ends = self.end(from_zone), self.host_end(sanitizers[1])
        elif sanitizers[0]:
            ends = self.host_end(sanitizers[0]), self.end(to_zone)
        else:
            return None
        return self.make("sanitized-file", (from_zone, to_zone), ends, self.traffic(to_zone, ends[1]))

    def draw_breakout(self, from_zone, to_zone):
        if self.policy.model != "alpha-prime" or from_zone.tier != "lgwan":
            return None
        name, _, end = next(entry for entry in self.policy.networks if entry[1] == to_zone.name)
        ends = self.end(from_zone), End([name], end.ranges)
        return self.make("breakout", (from_zone, to_zone), ends, self.traffic(to_zone, ends[1]))

    def traffic(self, to_zone, destination, words=None, wide=False):
        """Protocol and ports. Name resolution by the uplink is for its own servers."""
        word = self.chance.choice(words or list(PORTED_WORDS) + list(PORTLESS_WORDS) + ["tcp", "udp"])
        if wide and self.chance.random() < 0.3:
            return "tcp", TCP, [(1, self.chance.randrange(2000, 65536))]	# mail is cut out of it
        if word in PORTLESS_WORDS:
            return word, PORTLESS_WORDS[word], []
        if to_zone.uplink and destination.words == ["uplink-dns"] and word in ("tcp", "udp"):
            return word, PORTED_WORDS[word], [(53, 53)]
        ports = []
        for port in sorted(self.chance.sample(PORTS, self.chance.choice([1, 1, 2, 3]))):
            if self.chance.random() < 0.4 and port >= 1000:
                ports.append((port, port + self.chance.choice([1, 5, 15, 16, 100])))
            else:
                ports.append((port, port))
        return word, PORTED_WORDS[word], merged(ports)

    # ---- the gateway itself

    def write_service(self):
        zone = self.chance.choice(self.policy.zones)
        word, protocol, ports = self.traffic(zone, End([], []), words=["tcp", "udp", "icmp", "sctp", "gre"])
        source = self.end(zone, any_allowed=protocol == ICMP)
        self.policy.flows.append(Flow("local", self.name("service"), source, End([], []), word, protocol, ports, from_zone=zone.name))

    def write_egress(self):
        zone = self.chance.choice(self.policy.zones)
        destination = self.end(zone, any_allowed=False)
        word, protocol, ports = self.traffic(zone, destination, words=["tcp", "udp", "icmp", "sctp", "gre"])
        self.policy.flows.append(Flow("egress", self.name("egress"), End([], []), destination, word, protocol, ports, to_zone=zone.name,
                                      user=self.chance.choice(list(USERS))))

    def drop_gateway_chains(self):
        """The law: no process on the gateway may stand between My Number and Internet, so one end of each such chain goes."""
        tiers = {zone.name: zone.tier for zone in self.policy.zones}
        for first, last in (("mynumber", "internet"), ("internet", "mynumber")):
            if any(flow.kind == "local" and flow.ports and tiers[flow.from_zone] == first for flow in self.policy.flows):
                self.policy.flows = [flow for flow in self.policy.flows
                                     if not (flow.kind == "egress" and flow.ports and not flow.relay and tiers[flow.to_zone] == last)]

    def listen_end(self, zone, accepted):
        """An address of the gateway in the zone, where whoever may deliver can reach it."""
        addresses = [gateway_address(interface, version) for interface in zone.interfaces for version in sorted(accepted.versions())]
        addresses = [address for address in addresses if any(address in network for network in zone.networks)]
        address = self.chance.choice(addresses) if addresses else None
        return End([str(address)], [(address, address)]) if address else End([], [])

    def write_relay(self):
        outer = [zone for zone in self.policy.zones if zone.tier == "internet"]
        inner = [zone for zone in self.policy.zones if zone.tier == "lgwan"]
        from_zone, to_zone = self.chance.choice(outer), self.chance.choice(inner)
        accepted, hop = (self.host_end([self.chance.choice(self.hosts_of(zone))]) for zone in (from_zone, to_zone))
        name, none = self.name("relay"), End([], [])
        listen = self.listen_end(from_zone, accepted) if self.chance.random() < 0.5 else none
        self.policy.relays.append({"name": name, "from": from_zone.name, "to": to_zone.name, "accept_from": accepted.words,
                                   "next_hops": hop.words, "domains": ["town.example.lg.jp"], "listen": listen.words})
        self.policy.flows += [
            Flow("local", f"relay/{name}/in", accepted, listen, "tcp", TCP, [(25, 25)], from_zone=from_zone.name, relay=True),
            Flow("egress", f"relay/{name}/out", none, hop, "tcp", TCP, [(25, 25)], to_zone=to_zone.name, user=COURIER, relay=True)]

    def write_reject(self):
        pairs = [(a.name, b.name) for a in self.policy.zones for b in self.policy.zones if a.tier == b.tier and a is not b]
        if pairs and self.chance.random() < 0.7:
            self.policy.rejects.add(self.chance.choice(pairs))


class Anywhere(End):
    """The word "any" for the uplink: every address that no other zone has. The ranges are examples."""

    def __init__(self, words, ranges, zone, policy):
        super().__init__(words, ranges)
        self.zone, self.policy = zone, policy

    def holds(self, address):
        return self.policy.belongs(self.zone, address)


def merged(ports):
    """Sorted; ranges that overlap are one."""
    result = []
    for first, last in sorted(ports):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


def random_policy(chance):
    return Author(chance).write()


# ---- what an administrator changes

def edited(policy, chance):
    """The policy after one to three edits; the wires and the uplink stay."""
    author = Author(chance)
    author.policy = copy.deepcopy(policy)
    for _ in range(chance.randrange(1, 4)):
        chance.choice(EDITS)(author)
    return author.policy


def forward_flows(author):
    return [flow for flow in author.policy.flows if flow.kind == "forward"]


def edit_remove(author):
    if forward_flows(author):
        author.policy.flows.remove(author.chance.choice(forward_flows(author)))


def edit_add(author):
    author.write_flow()


def edit_rename(author):
    """The same content by another name: its connections must not notice."""
    for flow in forward_flows(author)[:2]:
        flow.name = author.name("renamed")


def edit_expire(author):
    for flow in forward_flows(author):
        if flow.record:
            flow.expired = author.chance.random() < 0.5


def edit_widen(author):
    """Another flow that also allows what the first one did: its connections go on under it."""
    flows = [flow for flow in forward_flows(author) if flow.ports and flow.method != "specified" and flow.protocol != TCP]
    if flows:
        flow = author.chance.choice(flows)
        flow.ports = merged(flow.ports + [(6000, 6003)])


def edit_replace_mac(author):
    hosts = [host for host in author.policy.hosts if host.macs]
    author.chance.choice(hosts).macs[0] = author.mac()


def edit_hairpin(author):
    zone = author.chance.choice([zone for zone in author.policy.zones if not zone.uplink])
    zone.hairpin = not zone.hairpin


def edit_reject(author):
    author.policy.rejects.clear()
    author.write_reject()


def edit_service(author):
    author.policy.flows = [flow for flow in author.policy.flows if flow.kind != "local" or flow.relay]
    author.write_service()


def edit_order(author):
    author.chance.shuffle(author.policy.flows)


EDITS = (edit_remove, edit_remove, edit_add, edit_rename, edit_expire, edit_widen, edit_replace_mac, edit_hairpin, edit_reject,
         edit_service, edit_order)
