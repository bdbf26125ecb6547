"""Packets around the borders of the flows of a policy, and what should become of each by the meaning of the file."""

import struct
from dataclasses import dataclass, field, replace

import packets
from conversation import Conversation, Side, transport
from crossing import TOKEN_BYTES, token
from packets import (ACK, AH, CWR, ECE, ESP, FIN, GRE, ICMP, ICMP6, OSPF, PORTED, PSH, RST, SCTP, SYN, TCP, UDP, ether_kind,
                     ethernet)
from random_policy import (ANY_PROTOCOL, INTERFACES, MAIL_PORTS, STRAY, UPLINK_ONLY, USERS, gateway_address, gateway_mac,
                           is_of_the_stack)

CONVERSATIONS_MAX = 8
ETHER_HEADER_BYTES = 14
REDIRECT = 5
FRAGMENT_BYTES = 64		# room for the longest transport header and a token

NEW_ECHO_TYPES = {4: (8, 13, 15, 17), 6: (128, 139)}	# what conntrack begins a connection with
UNTRACKED_TYPES6 = (130, 131, 132, 133, 134, 135, 136, 137, 143)


@dataclass
class Attempt:
    """A first packet that somebody sends through the gateway, or to it."""
    interface: str
    mac: str
    source: object
    destination: object
    protocol: int
    sport: int
    dport: int

    def echo_protocol(self):
        return icmp_protocol(self.source)


@dataclass
class Probe:
    """Frames, the question about them, and what should become of them."""
    what: str
    sendings: list
    numbers: list		# of the tokens in them; all arrive or none
    place: object		# interface where they arrive; None: at the gateway
    ends: tuple			# source and destination as bytes, to tell a packet from one that quotes it
    permitted: bool		# by the meaning of the file
    question: dict = None	# words of `why --batch`; None: the rules are not asked (the packet never gets to them)
    flows: tuple = ()		# by one of which it passes
    opener: object = None	# the probe whose mark its connection has
    rejected: bool = False	# refusal is answered
    answers: dict = field(default_factory=dict)

    def kind(self):
        """What is tried, without the numbers and addresses that stand behind a colon."""
        return self.what.partition(":")[0]

    def mark(self, voice):
        """The mark that the connection has by a voice that let its beginning pass; 0: none."""
        words = self.answers[voice].split()
        return words[1].partition("=")[2] if words[0] == "pass" else "0"


# ---- one policy and the packets around it

class Prober:
    """Makes probes for one policy."""

    def __init__(self, crossing, policy, chance):
        self.crossing, self.policy, self.chance = crossing, policy, chance
        self.probes = []
        self.talked = set()		# ends and protocol of connections that have no ports to be told apart by
        self.ports = 20000
        self.beginnings = []		# probes inside a flow with their attempts: connections that could go on

    # ---- pieces

    def sport(self):
        self.ports += 1
        return self.ports

    def mac(self, zone, address):
        macs = self.policy.macs_of(zone, address) if zone else []
        return self.chance.choice(macs) if macs else f"02:00:00:00:00:{self.chance.randrange(256):02x}"

    def address(self, end, version):
        """One of an end: at its very borders as often as inside."""
        first, last = self.chance.choice([pair for pair in end.ranges if pair[0].version == version])
        inside = first + self.chance.randrange(int(last) - int(first) + 1)
        return self.chance.choice([first, last, inside])

    def attempt(self, flow, version, protocol=None):
        """A packet that the flow allows; None where none can be made."""
        zone = self.policy.zone(flow.from_zone)
        source, destination = self.address(flow.source, version), self.address(flow.destination, version)
        protocol = protocol or protocol_of(flow, version)
        return Attempt(self.chance.choice(zone.interfaces), self.mac(zone, source), source, destination, protocol,
                       self.sport(), self.port(flow) if protocol in PORTED else 0)

    def port(self, flow):
        first, last = self.chance.choice(flow.ports) if flow.ports else (1, 65535)
        return self.chance.choice([first, last, self.chance.randrange(first, last + 1)])

    def changed(self, attempt, **changes):
        """The attempt with something else in it; the MAC is that of the source unless it was changed."""
        other = replace(attempt, **{"sport": self.sport(), **changes})
        if "source" in changes and "mac" not in changes:
            other.mac = self.mac(self.policy.zone_of_interface(other.interface), other.source)
        return other

    # ---- questions and verdicts

    def words(self, attempt, route, **more):
        """How `why --batch` is asked about an attempt."""
        words = {"hook": "forward", "iif": attempt.interface, "oif": route.interface, "smac": attempt.mac, "src": attempt.source,
                 "dst": attempt.destination, "proto": attempt.protocol, "nexthop": route.next_hop}
        if attempt.protocol in PORTED:
            words |= {"sport": attempt.sport, "dport": attempt.dport}
        return words | more

    def flows_for(self, attempt, route):
        if self.policy.source_refusal(attempt.interface, attempt.source, attempt.mac) or self.policy.next_hop_refusal(route):
            return ()
        flows = self.policy.forward_flows(attempt.interface, route.interface, attempt.source, attempt.destination, attempt.protocol,
                                          attempt.dport)
        return tuple(flow.name for flow in flows)

    def is_askable(self, attempt):
        """Not where the IP stack decides before the rules, and not what would belong to a connection that is there already."""
        if is_of_the_stack(attempt.source) or is_of_the_stack(attempt.destination) or attempt.source == attempt.destination:
            return False
        return attempt.protocol in PORTED or (frozenset((attempt.source, attempt.destination)), attempt.protocol) not in self.talked

    def add(self, what, attempt, frames, numbers, permitted=None, ask=True, **words):
        """A probe of frames that all belong to one packet. permitted: False for what never passes, else the file decides."""
        route = self.policy.route(attempt.destination)
        flows = self.flows_for(attempt, route) if permitted is None else ()
        probe = Probe(what, [(attempt.interface, frame) for frame in frames], numbers, route.interface,
                      (attempt.source.packed, attempt.destination.packed), bool(flows), flows=flows,
                      question=self.words(attempt, route, **words) if ask else None,
                      rejected=not flows and self.policy.rejecting(attempt.interface, route.interface))
        self.note_talk(flows, attempt.source, attempt.destination, attempt.protocol)
        self.probes.append(probe)
        return probe

    def note_talk(self, flows, source, destination, protocol):
        """Without ports there is one connection between two hosts: who comes next, in either direction, is of it."""
        if flows and protocol not in PORTED + (ICMP, ICMP6):
            self.talked.add((frozenset((source, destination)), protocol))

    def frame(self, attempt, packet, **more):
        return ethernet(more.get("destination", gateway_mac(attempt.interface)), attempt.mac, ether_kind(attempt.source), packet,
                        more.get("tags", ()))

    def payload(self):
        number = self.crossing.next_number()
        return number, token(number)

    def plain(self, what, attempt, segment=None, permitted=None, ask=True, wrapping=None, on_wire=None, **words):
        """One frame. segment makes the transport bytes of a payload; wrapping are words for the IP header, on_wire for the frame's."""
        if not self.is_askable(attempt):
            return None
        number, payload = self.payload()
        segment = segment or (lambda data: transport(attempt.source, attempt.destination, attempt.protocol, attempt.sport,
                                                     attempt.dport, data))
        packet = packets.ip(attempt.source, attempt.destination, attempt.protocol, segment(payload), **(wrapping or {}))
        return self.add(what, attempt, [self.frame(attempt, packet, **(on_wire or {}))], [number], permitted, ask, **words)

    # ---- what is tried around a flow

    def around(self, flow):
        for version in sorted(flow.source.versions() & flow.destination.versions()):
            for protocol in self.protocols(flow, version):
                base = self.attempt(flow, version, protocol)
                self.inside(flow, version, protocol)
                self.at_borders(flow, base)
                self.by_others(base)
                self.as_another_protocol(base)
                self.as_no_beginning(base)
                self.wrapped(self.attempt(flow, version, protocol))
                self.on_layer_two(self.attempt(flow, version, protocol))
                self.in_pieces(self.attempt(flow, version, protocol))
                self.past_the_uplink(base)

    def protocols(self, flow, version):
        """A hairpin has them all, a flow its own."""
        every = [TCP, UDP, SCTP, ICMP if version == 4 else ICMP6, GRE, OSPF]
        return self.chance.sample(every, 2) if flow.protocol == ANY_PROTOCOL else [None]

    def inside(self, flow, version, protocol):
        for _ in range(10):
            attempt = self.attempt(flow, version, protocol)
            probe = self.plain("inside", attempt)
            if probe and probe.permitted:
                self.beginnings.append((probe, attempt))

    def pick_beginnings(self):
        """Some of the connections that began."""
        return self.chance.sample(self.beginnings, min(len(self.beginnings), CONVERSATIONS_MAX))

    def at_borders(self, flow, base):
        version = base.source.version
        for end, name in ((flow.source, "source"), (flow.destination, "destination")):
            first, last = self.chance.choice([pair for pair in end.ranges if pair[0].version == version])
            for address, where in ((first, "first"), (last, "last"), (first - 1, "first - 1"), (last + 1, "last + 1")):
                self.plain(f"{name} {where}", self.changed(base, **{name: address}))
        for first, last in flow.ports:
            for port in {first, last, first - 1, min(last + 1, 65535)}:
                self.plain(f"port: {port}", self.changed(base, dport=port))
        if base.protocol == TCP and flow.ports:
            for port in self.chance.sample(sorted(MAIL_PORTS), 2):
                self.plain(f"mail port: {port}", self.changed(base, dport=port))

    def by_others(self, base):
        """Who claims to be the sender and is not; and the way back, which nobody has allowed to begin."""
        self.plain("another MAC", self.changed(base, mac="02:99:00:00:00:01"))
        interface = self.chance.choice(INTERFACES)
        self.plain(f"by another wire: {interface}", self.changed(base, interface=interface))
        zone = self.chance.choice(self.policy.zones)
        host = self.chance.choice([host for host in self.policy.hosts if host.zone == zone.name])
        if host.addresses[0].version == base.source.version:
            self.plain(f"by another host: {host.name}", self.changed(base, source=host.addresses[0]))
            self.plain(f"by another host where it lives: {host.name}",
                       self.changed(base, source=host.addresses[0], interface=zone.interfaces[0]))
        back = self.policy.route(base.source)
        self.plain("the other way", self.changed(base, source=base.destination, destination=base.source,
                                                 interface=self.policy.route(base.destination).interface, dport=base.dport))
        self.plain("a route back", self.changed(base, interface=back.interface))

    def as_another_protocol(self, base):
        others = [TCP, UDP, SCTP, GRE, ESP, OSPF, base.echo_protocol()]
        for protocol in self.chance.sample([other for other in others if other != base.protocol], 3):
            dport = (base.dport or 443) if protocol in PORTED else 0
            self.plain(f"protocol: {protocol}", self.changed(base, protocol=protocol, dport=dport))
        for kind in self.chance.sample({4: [0, 3, 5, 11, 13, 17], 6: [1, 3, 129, 133, 135, 136, 137, 139, 143]}[base.source.version], 2):
            self.as_icmp(base, kind)

    def as_icmp(self, base, kind):
        attempt = self.changed(base, protocol=base.echo_protocol(), dport=0)
        version = base.source.version
        state = "new" if kind in NEW_ECHO_TYPES[version] else "untracked" if version == 6 and kind in UNTRACKED_TYPES6 else "invalid"
        self.plain(f"ICMP type: {kind}", attempt, lambda data: packets.icmp(
            attempt.source, attempt.destination, kind, 0, struct.pack("!HH", attempt.sport, 1), bytes(40) + data),
            permitted=False, state=state, type=kind)

    def as_no_beginning(self, base):
        """Packets that begin nothing, and beginnings that are damaged."""
        ends = base.source, base.destination
        if base.protocol == TCP:
            for flags in (ACK, SYN | ACK, FIN | ACK, RST, RST | ACK, 0, SYN | FIN, SYN | RST, FIN | PSH):
                attempt = self.changed(base)
                self.plain(f"TCP flags: {flags:#x}", attempt, lambda data, attempt=attempt, flags=flags: packets.tcp(
                    *ends, attempt.sport, attempt.dport, data, flags=flags), permitted=False, state="invalid", flags=flag_words(flags))
            self.plain("TCP SYN with ECN", base, lambda data: packets.tcp(*ends, base.sport, base.dport, data, flags=SYN | ECE | CWR))
            attempt = self.changed(base)
            self.plain("TCP wrong checksum", attempt, lambda data: packets.tcp(
                *ends, attempt.sport, attempt.dport, data, wrong=1), permitted=False, state="invalid")
        elif base.protocol == UDP:
            attempt = self.changed(base)
            self.plain("UDP wrong checksum", attempt, lambda data: packets.udp(
                *ends, attempt.sport, attempt.dport, data, wrong=1), permitted=False, state="invalid")
        elif base.protocol == SCTP:
            for chunk in (packets.SCTP_DATA, packets.SCTP_INIT_ACK, packets.SCTP_COOKIE_ECHO):
                attempt = self.changed(base)
                self.plain(f"SCTP chunk: {chunk}", attempt, lambda data, attempt=attempt, chunk=chunk: packets.sctp(
                    attempt.sport, attempt.dport, data, chunk=chunk, tag=7), permitted=False, state="invalid")
        elif base.protocol in (ICMP, ICMP6):
            self.plain("echo with a wrong checksum", self.changed(base), lambda data: packets.echo(
                *ends, 7, data, wrong=1), permitted=False, state="invalid")

    def wrapped(self, base):
        """IPv6 extension headers and IPv4 options."""
        if base.source.version == 4:
            wrappings = [("record route", {"options": packets.RECORD_ROUTE4}, None)]
            never = [("source route", {"options": packets.loose_source_route4(base.destination)}, False)]
        else:
            options = [(number, packets.PADDED_OPTIONS) for number in (packets.HOP_BY_HOP, packets.DESTINATION_OPTIONS)]
            wrappings = [("hop-by-hop options", {"extensions": options[:1]}, None),
                         ("destination options", {"extensions": options[1:]}, None),
                         ("both options", {"extensions": options}, None),
                         ("atomic fragment", {"extensions": [(packets.FRAGMENT, packets.ATOMIC_FRAGMENT)]}, None)]
            never = [(f"routing header: {name}", {"extensions": options[:1] + [(packets.ROUTING, body)]}, True) for name, body in (
                ("0", packets.SOURCE_ROUTING), ("2", packets.HOME_ADDRESS_ROUTING), ("4", packets.SEGMENT_ROUTING))]
        for what, wrapping, _ in self.chance.sample(wrappings, min(2, len(wrappings))):
            self.plain(what, self.changed(base), wrapping=wrapping)
        what, wrapping, asked = self.chance.choice(never)
        self.plain(what, self.changed(base), wrapping=wrapping, permitted=False, ask=asked, rh=1)

    def on_layer_two(self, base):
        """What is no plain IP frame for the gateway."""
        kind = ether_kind(base.source)
        tags = self.chance.choice([[(packets.ETHER_VLAN, 0)], [(packets.ETHER_VLAN, 5)], [(packets.ETHER_SERVICE_VLAN, 0)],
                                   [(packets.ETHER_SERVICE_VLAN, 5), (packets.ETHER_VLAN, 0)], [(packets.ETHER_VLAN, 0x6000)],
                                   [(packets.ETHER_VLAN, 0), (packets.ETHER_VLAN, 0)]])
        self.plain(f"VLAN tags: {tags}", self.changed(base), permitted=False, on_wire={"tags": tags}, ethertype=hex(tags[0][0]))
        for destination in ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:aa:00:00:00:99"):
            self.plain(f"frame to: {destination}", self.changed(base), permitted=False, ask=False, on_wire={"destination": destination})
        other = self.chance.choice([0x8847, 0x8864, 0x88CC, 0x6558, 0x88E5, 0x0805, 46])
        attempt = self.changed(base)
        if self.is_askable(attempt) and other != kind:
            number, payload = self.payload()
            packet = packets.ip(base.source, base.destination, UDP, packets.udp(base.source, base.destination, 1, 2, payload))
            frame = ethernet(gateway_mac(base.interface), base.mac, other, packet)
            self.add(f"ethertype: {other:#x}", attempt, [frame], [number], False, ethertype=hex(other))

    def in_pieces(self, base):
        """Fragments: together they are one packet; a part of them is none."""
        self.pieces("fragments", base, lambda frames: frames)
        self.pieces("fragments, last first", base, lambda frames: frames[::-1])
        self.pieces("fragments, one missing", base, lambda frames: frames[:-1], permitted=False, ask=False)
        foreign = self.foreign_wire(base)
        if foreign:
            self.pieces("fragments, one by another zone", base, lambda frames: frames, wires=[None, foreign, None],
                        permitted=False, ask=False)
        if self.policy.macs_of(self.policy.zone_of_interface(base.interface), base.source):
            self.pieces("fragments, one by another MAC", base, lambda frames: [
                frames[0], frames[1][:6] + packets.mac_bytes("02:99:00:00:00:04") + frames[1][12:], frames[2]], permitted=False, ask=False)

    def foreign_wire(self, base):
        """A wire by which the source may not come in; None if there is none."""
        wires = [interface for interface in INTERFACES if self.policy.source_refusal(interface, base.source, base.mac)]
        return self.chance.choice(wires) if wires else None

    def pieces(self, what, base, order, wires=(), **more):
        attempt = self.changed(base)
        if not self.is_askable(attempt):
            return
        number, payload = self.payload()
        segment_head = len(transport(*self.ends_and_ports(attempt), payload + b"..")) - len(payload + b"..")
        numbers = [number] + [self.crossing.next_number() for _ in range(2)]
        data = b"".join(token(each).ljust(FRAGMENT_BYTES - (segment_head if each == number else 0), b".") for each in numbers)
        segment = transport(*self.ends_and_ports(attempt), data)
        frames = [self.frame(attempt, packet) for packet in packets.fragments(
            attempt.source, attempt.destination, attempt.protocol, segment, FRAGMENT_BYTES, number)]
        probe = self.add(what, attempt, order(frames), numbers, **more)
        for i, wire in enumerate(wires):
            if wire:
                probe.sendings[i] = (wire, frames[i])

    @staticmethod
    def ends_and_ports(attempt):
        return attempt.source, attempt.destination, attempt.protocol, attempt.sport, attempt.dport

    def past_the_uplink(self, base):
        """By the uplink, but to a router that nobody declared."""
        if self.policy.zone_of_interface(self.policy.route(base.destination).interface) is not self.policy.uplink():
            return
        for network in networks_behind_uplink(base.source.version):
            self.plain(f"behind the uplink: {network}", self.changed(base, destination=network[self.chance.randrange(2, 250)]))

    # ---- the gateway itself

    def to_gateway(self, flow):
        for version in sorted(flow.source.versions()):
            zone = self.policy.zone(flow.from_zone)
            source = self.address(flow.source, version)
            protocol = protocol_of(flow, version)
            base = Attempt(zone.interfaces[0], self.mac(zone, source), source, gateway_address(zone.interfaces[0], version), protocol,
                           self.sport(), self.port(flow) if flow.ports else 0)
            self.input("service", base)
            self.input("service by another address of the gateway", self.changed(
                base, destination=gateway_address(self.chance.choice(INTERFACES), version)))
            self.input("service from the next address", self.changed(base, source=source + 1))
            self.input("service by another MAC", self.changed(base, mac="02:99:00:00:00:02"))
            self.input("service by another wire", self.changed(base, interface=self.chance.choice(INTERFACES)))
            for first, last in flow.ports:
                for port in (first - 1, first, last, min(last + 1, 65535)):
                    self.input(f"service port: {port}", self.changed(base, dport=port))
            for other in (TCP, UDP, SCTP, base.echo_protocol()):
                if other != protocol:
                    self.input(f"service protocol: {other}", self.changed(base, protocol=other, dport=base.dport or 22))

    def input(self, what, attempt):
        """A packet to the gateway; where it is permitted and an echo, the gateway answers."""
        if is_of_the_stack(attempt.source) or (frozenset((attempt.source, attempt.destination)), attempt.protocol) in self.talked:
            return None
        refusal = self.policy.source_refusal(attempt.interface, attempt.source, attempt.mac)
        flows = () if refusal else tuple(flow.name for flow in self.policy.local_flows(
            attempt.interface, attempt.source, attempt.destination, attempt.protocol, attempt.dport))
        number, payload = self.payload()
        packet = packets.ip(attempt.source, attempt.destination, attempt.protocol, transport(*self.ends_and_ports(attempt), payload))
        words = self.words(attempt, self.policy.route(attempt.source), hook="input")
        del words["oif"], words["nexthop"]
        probe = Probe(what, [(attempt.interface, self.frame(attempt, packet))], [number], None,
                      (attempt.source.packed, attempt.destination.packed), bool(flows), words, flows)
        self.note_talk(flows, attempt.source, attempt.destination, attempt.protocol)
        self.probes.append(probe)
        if flows and attempt.protocol in (ICMP, ICMP6):
            self.echo_answer(probe, attempt)
        return probe

    def echo_answer(self, request, attempt):
        """What the kernel answers to an echo request that reached it."""
        route = self.policy.route(attempt.source)
        kind = 0 if attempt.protocol == ICMP else 129
        permitted = self.policy.next_hop_refusal(route) is None and self.policy.zone_of_interface(route.interface) \
            is self.policy.zone_of_interface(attempt.interface)
        question = {"hook": "output", "oif": route.interface, "src": attempt.destination, "dst": attempt.source, "proto": attempt.protocol,
                    "type": kind, "nexthop": route.next_hop, "state": "established", "dir": "reply"}
        self.probes.append(Probe("echo answered by the gateway", [], request.numbers, route.interface, request.ends[::-1], permitted,
                                 question, request.flows, opener=request))

    def from_gateway(self, flow):
        for version in sorted(flow.destination.versions()):
            destination = self.address(flow.destination, version)
            protocol = protocol_of(flow, version)
            port = self.port(flow) if flow.ports else 0
            self.output("egress", flow.user, destination, protocol, port)
            self.output("egress to the next address", flow.user, destination + 1, protocol, port)
            self.output("egress by another user", self.chance.choice(list(USERS)), destination, protocol, port)
            for first, last in flow.ports:
                for other in (first - 1, first, last, min(last + 1, 65535)):
                    self.output(f"egress port: {other}", flow.user, destination, protocol, other)
            for other in (TCP, UDP, ICMP if version == 4 else ICMP6):
                if other != protocol:
                    self.output(f"egress protocol: {other}", flow.user, destination, other, port or 53)

    def output(self, what, user, destination, protocol, dport):
        route = self.policy.route(destination)
        source = gateway_address(route.interface, destination.version)
        if is_of_the_stack(destination) or (frozenset((source, destination)), protocol) in self.talked:
            return
        flows = () if self.policy.next_hop_refusal(route) else tuple(flow.name for flow in self.policy.egress_flows(
            user, route.interface, destination, protocol, dport))
        number, payload = self.payload()
        sport = self.sport()
        packet = packets.ip(source, destination, protocol, transport(source, destination, protocol, sport, dport, payload))
        question = {"hook": "output", "oif": route.interface, "src": source, "dst": destination, "proto": protocol, "user": user,
                    "nexthop": route.next_hop}
        if protocol in PORTED:
            question |= {"sport": sport, "dport": dport}
        self.probes.append(Probe(what, [(user, packet, destination)], [number], route.interface, (source.packed, destination.packed),
                                 bool(flows), question, flows))
        self.note_talk(flows, source, destination, protocol)
        if flows and protocol in (UDP, TCP):
            self.output_answer(self.probes[-1], route, source, destination, protocol, sport, dport)

    def output_answer(self, request, route, source, destination, protocol, sport, dport):
        """The host's answer to what the gateway began."""
        zone = self.policy.zone_of_interface(route.interface)
        attempt = Attempt(route.interface, self.mac(zone, destination), destination, source, protocol, dport, sport)
        number, payload = self.payload()
        segment = packets.udp(destination, source, dport, sport, payload) if protocol == UDP else packets.tcp(
            destination, source, dport, sport, payload, flags=SYN | ACK, sequence=9000, acknowledged=1015)
        words = self.words(attempt, self.policy.route(destination), hook="input", state="established", dir="reply", flags="syn,ack")
        del words["oif"], words["nexthop"]
        permitted = self.policy.source_refusal(route.interface, destination, attempt.mac) is None
        self.probes.append(Probe("answer to the gateway", [(route.interface, self.frame(attempt, packets.ip(
            destination, source, protocol, segment)))], [number], None, (destination.packed, source.packed), permitted, words,
            request.flows, opener=request))


def protocol_of(flow, version):
    """The number on the wire: echo has one for each family."""
    return ICMP6 if flow.protocol == ICMP and version == 6 else flow.protocol


def networks_behind_uplink(version):
    return [network for network in STRAY + UPLINK_ONLY if network.version == version]


def flag_words(flags):
    names = [name for name, bit in (("fin", FIN), ("syn", SYN), ("rst", RST), ("ack", ACK)) if flags & bit]
    return ",".join(names) or "none"


# ---- connections

class Talk:
    """A connection as probes: who says what next, and what should become of it."""

    def __init__(self, prober, probe, attempt):
        route = prober.policy.route(attempt.destination)
        zone = prober.policy.zone_of_interface(route.interface)
        self.opener, self.attempt, self.route = probe, attempt, route
        near = Side(attempt.interface, attempt.mac, attempt.source, attempt.sport, said=1, sequence=1001 + TOKEN_BYTES, tag=1)
        far = Side(route.interface, prober.mac(zone, attempt.destination), attempt.destination, attempt.dport, tag=0xFA5, sequence=9000)
        self.conversation = Conversation(near, far, attempt.protocol)
        self.conversation.last[False] = probe.sendings[0][1][ETHER_HEADER_BYTES:]
        self.conversation.arrive(False)

    def flows_under(self, policy, reply):
        """By which flows the next packet of a side passes under a policy, which need not be the one it began under."""
        me, other = self.conversation.sides(reply)
        way = policy.route(other.address)
        near, far = self.wires(me, way, reply)
        if policy.source_refusal(me.interface, me.address, me.mac) or policy.next_hop_refusal(way):
            return ()
        return tuple(flow.name for flow in policy.forward_flows(
            near, far, self.conversation.near.address, self.conversation.far.address, self.attempt.protocol, self.attempt.dport))

    @staticmethod
    def wires(me, way, reply):
        """The interfaces of the side that began and of the other one."""
        return (way.interface, me.interface) if reply else (me.interface, way.interface)

    def put(self, prober, what, me, other, number, packet, flows, question, rejected=False):
        """A packet from one side to the other as a probe of this connection."""
        prober.probes.append(Probe(
            what, [me.sending(packet)], [number], prober.policy.route(other.address).interface, (me.address.packed, other.address.packed),
            bool(flows), question, flows, opener=self.opener, rejected=rejected and not flows))

    def say(self, prober, what, reply):
        """The next packet of a side as a probe."""
        me, other = self.conversation.sides(reply)
        way = prober.policy.route(other.address)
        number, payload = prober.payload()
        packet = self.conversation.packet(reply, payload)
        flows = self.flows_under(prober.policy, reply)
        if flows:
            self.conversation.arrive(reply)
        self.put(prober, f"{what}, {'reply' if reply else 'original'}", me, other, number, packet, flows,
                 self.question(me, other, way, reply), prober.policy.rejecting(*self.wires(me, way, reply)))

    def question(self, me, other, way, reply):
        words = {"hook": "forward", "iif": me.interface, "oif": way.interface, "smac": me.mac, "src": me.address, "dst": other.address,
                 "proto": self.attempt.protocol, "nexthop": way.next_hop, "state": "established", "dir": "reply" if reply else "original"}
        if self.attempt.protocol in PORTED:
            words |= {"sport": me.port, "dport": other.port, "flags": "ack"}
        elif self.attempt.protocol in (ICMP, ICMP6):
            words["type"] = {(4, False): 8, (4, True): 0, (6, False): 128, (6, True): 129}[me.address.version, reply]
        return words

    def converse(self, prober):
        """Both sides speak, and others try to speak for them."""
        for reply in (True, False, True, False, True):
            self.say(prober, "conversation", reply)
        self.intrude(prober)
        for reply in (False, True):
            self.error(prober, reply)
            self.redirect(prober, reply)
        self.error_by_another(prober)
        self.error_of_nothing(prober)
        if self.attempt.protocol == UDP and self.attempt.source.version == 6:
            self.authentication_header(prober)

    def intrude(self, prober):
        """The far side's next packet by another MAC, by another wire."""
        far, near = self.conversation.far, self.conversation.near
        for what, changes in (("another MAC", {"mac": "02:99:00:00:00:03"}),
                              ("another wire", {"interface": prober.chance.choice(INTERFACES)})):
            me = replace(far, **changes)
            number, payload = prober.payload()
            segment = Conversation(replace(near), me, self.attempt.protocol).speak(True, payload)
            packet = packets.ip(me.address, near.address, self.attempt.protocol, segment)
            way = prober.policy.route(near.address)
            self.put(prober, f"conversation, reply by {what}", me, near, number, packet, self.flows_by(prober.policy, me, way),
                     self.question(me, near, way, True), prober.policy.rejecting(way.interface, me.interface))

    def flows_by(self, policy, me, way):
        """By which flows a packet of the far side passes that comes in as it does."""
        if policy.source_refusal(me.interface, me.address, me.mac) or policy.next_hop_refusal(way):
            return ()
        near, far = self.conversation.near, self.conversation.far
        return tuple(flow.name for flow in policy.forward_flows(
            way.interface, me.interface, near.address, far.address, self.attempt.protocol, self.attempt.dport))

    def error_question(self, me, other, way, reply, kind, state="related"):
        return {**self.question(me, other, way, reply), "proto": icmp_protocol(me.address), "state": state, "type": kind}

    def error(self, prober, reply):
        """A side says that what it got last was not deliverable; that belongs to the connection."""
        me, other = self.conversation.sides(reply)
        number, payload = prober.payload()
        segment = packets.unreachable(me.address, other.address, self.conversation.last[not reply], payload)
        self.put(prober, f"ICMP error, {'reply' if reply else 'original'}", me, other, number,
                 packets.ip(me.address, other.address, icmp_protocol(me.address), segment), self.flows_under(prober.policy, reply),
                 self.error_question(me, other, prober.policy.route(other.address), reply, segment[0]))

    def redirect(self, prober, reply):
        """A side tells the other of a way past the gateway: that quotes a packet as an error does, and is none. IPv6 has it beside the connection."""
        me, other = self.conversation.sides(reply)
        if me.address.version == 6:
            return
        number, payload = prober.payload()
        segment = packets.icmp(me.address, other.address, REDIRECT, 1, me.address.packed, self.conversation.last[not reply] + payload)
        self.put(prober, f"ICMP redirect, {'reply' if reply else 'original'}", me, other, number,
                 packets.ip(me.address, other.address, ICMP, segment), (),
                 self.error_question(me, other, prober.policy.route(other.address), reply, REDIRECT))

    def error_by_another(self, prober):
        """Another host of the far zone says so: a router may, but not into or out of the My Number tier."""
        policy, near, far = prober.policy, self.conversation.near, self.conversation.far
        zone = policy.zone_of_interface(far.interface)
        others = [address for host in policy.hosts if host.zone == zone.name for address in host.addresses
                  if address.version == near.address.version and address not in (near.address, far.address)]
        if not others:
            return
        address = prober.chance.choice(others)
        me = Side(far.interface, prober.mac(zone, address), address, far.port)
        way = policy.route(near.address)
        flows = self.flows_by(policy, me, way) if policy.may_complain(address, me.interface, near.address, way.interface) else ()
        number, payload = prober.payload()
        segment = packets.unreachable(address, near.address, self.conversation.last[False], payload)
        self.put(prober, f"ICMP error by another host: {address}", me, near, number,
                 packets.ip(address, near.address, icmp_protocol(address), segment), flows,
                 self.error_question(me, near, way, True, segment[0]))

    def authentication_header(self, prober):
        """The connection's ports behind a header that makes it another protocol, which conntrack looks through and nft does not."""
        near, far = self.conversation.near, self.conversation.far
        number, payload = prober.payload()
        segment = packets.udp(near.address, far.address, near.port, far.port, payload)
        self.put(prober, "AH around the connection's ports", near, far, number,
                 packets.ip(near.address, far.address, AH, packets.ah(UDP, segment)), (),
                 {**self.question(near, far, prober.policy.route(far.address), False), "proto": AH})

    def error_of_nothing(self, prober):
        """The same kind of error about a connection that never was."""
        me, other = self.conversation.sides(True)
        number, payload = prober.payload()
        never = packets.ip(other.address, me.address, UDP, packets.udp(other.address, me.address, prober.sport(), 9, b"never was"))
        segment = packets.unreachable(me.address, other.address, never, payload)
        self.put(prober, "ICMP error of no connection", me, other, number,
                 packets.ip(me.address, other.address, icmp_protocol(me.address), segment), (),
                 self.error_question(me, other, prober.policy.route(other.address), True, segment[0], "invalid"))


def icmp_protocol(address):
    return ICMP if address.version == 4 else ICMP6
