"""What becomes of a connection when the zone file changes under it: scenes in a fixed order, played on random policies.

A scene adds two hosts and flows between them to a policy and lets both sides speak between one reload and the next. Each thing that must
happen is a check with a name of its own.
"""

import copy
import datetime
import json
from dataclasses import dataclass

import packets
from conversation import Conversation, Side
from crossing import ends_of, token
from packets import ICMP, ICMP6, SCTP, TCP, UDP
from random_policy import Author, Flow, Host, on_link

PORT, OTHER_PORT = 5000, 5001
WORDS = {TCP: "tcp", UDP: "udp", SCTP: "sctp", ICMP: "icmp", ICMP6: "icmp"}
RELOADS_OF_OTHERS = 20
JAPAN = datetime.timezone(datetime.timedelta(hours=9))
EXPIRY_SLACK_SECONDS = 5


def networks_on_link(zone, version):
    return [network for network in zone.networks if network.version == version
            and any(network.subnet_of(on_link(interface, version)) for interface in zone.interfaces)]


@dataclass
class Cast:
    """A connection and the two hosts it is between."""
    near: Host
    far: Host
    third: Host
    conversation: Conversation


class Stage:
    """One scene on one policy."""

    def __init__(self, truth, policy, chance, protocol, version):
        self.truth, self.chance, self.protocol = truth, chance, protocol
        self.author = Author(chance)
        self.author.policy = self.bare = copy.deepcopy(policy)
        self.checks = 0
        self.from_zone, self.to_zone = self.pick_zones(version)
        if self.from_zone:
            self.cast = self.make_cast(version)
            self.name = f"{WORDS[protocol]}{version} {self.from_zone.tier}->{self.to_zone.tier}"

    def pick_zones(self, version):
        """Two zones with on-link addresses of the family, between which there may be such a flow."""
        zones = [zone for zone in self.bare.zones if networks_on_link(zone, version)]
        pairs = [(a, b) for a in zones for b in zones if a is not b and {a.tier, b.tier} != {"mynumber", "internet"}
                 and not (self.protocol in (ICMP, ICMP6) and "mynumber" in (a.tier, b.tier) and a.tier != b.tier)]
        return self.chance.choice(pairs) if pairs else (None, None)

    def make_cast(self, version):
        hosts = []
        for zone in (self.from_zone, self.to_zone, self.from_zone):
            address = self.author.free_address(zone, networks_on_link(zone, version))
            hosts.append(Host(self.author.name("cast"), zone.name, [address], [self.author.mac()]))
            self.bare.hosts.append(hosts[-1])
        return Cast(*hosts, self.make_conversation(*hosts[:2]))

    def make_conversation(self, near, far):
        port = self.chance.randrange(20000, 60000)
        sides = [Side(zone.interfaces[0], host.macs[0], host.addresses[0], number, sequence=sequence, tag=tag)
                 for zone, host, number, sequence, tag in ((self.from_zone, near, port, 1000, 1), (self.to_zone, far, PORT, 9000, 0xFA5))]
        return Conversation(*sides, self.protocol)

    # ---- the file

    def flow(self, name, sources=None, ports=(PORT,)):
        """A flow that allows the connection, unless the ports say otherwise."""
        tiers = {self.from_zone.tier, self.to_zone.tier}
        method = "internal" if len(tiers) == 1 else "specified" if "mynumber" in tiers else "exception"
        source = self.author.host_end(sources or [self.cast.near])
        flow = Flow("forward", name, source, self.author.host_end([self.cast.far]), WORDS[self.protocol],
                    ICMP if self.protocol == ICMP6 else self.protocol, [], self.from_zone.name, self.to_zone.name, method)
        if self.protocol in packets.PORTED:
            flow.ports = [(port, port) for port in ports]
        flow.record = method != "internal"
        return flow

    def replacement(self, name):
        """Another flow by its content, which also allows it. A specified flow has one host at each end, an echo has no ports."""
        if self.protocol in packets.PORTED:
            return self.flow(name, ports=(PORT, OTHER_PORT))
        return self.flow(name, sources=[self.cast.near, self.cast.third])

    def reload(self, *flows):
        policy = copy.deepcopy(self.bare)
        policy.flows += flows
        self.truth.apply(policy, self.name)

    # ---- speaking

    def speak(self, reply):
        """The next packet of a side; true when it arrived at the other one."""
        number = self.truth.crossing.next_number()
        me, other = self.cast.conversation.sides(reply)
        packet = self.cast.conversation.packet(reply, token(number))
        way = self.truth.policy.route(other.address)
        ends = me.address.packed, other.address.packed
        heard = self.truth.crossing.exchange([me.sending(packet)])
        if not any(one.interface == way.interface and one.tokens == [number] and ends_of(one.frame) == ends for one in heard):
            return False
        self.cast.conversation.arrive(reply)
        return True

    def check(self, what, condition):
        self.checks += 1
        if not condition:
            raise AssertionError(f"{self.name}: {what}")
        print(f"ok: {self.name}: {what}")

    def check_both(self, what, first, passes):
        """Both sides speak, one of them first."""
        for reply in (first, not first):
            side = "the answering side" if reply else "the beginning side"
            self.check(f"{what}: {side}{' first' if reply == first else ''}", self.speak(reply) == passes)

    def begin(self):
        """A new connection, so far that both sides have heard each other twice."""
        self.cast.conversation = self.make_conversation(self.cast.near, self.cast.far)
        for step, reply in enumerate((False, True, False, True)):
            self.check(f"a connection begins, packet {step + 1}", self.speak(reply))

    # ---- the scenes

    def play(self, first):
        """first: whether the answering side is the first to speak after each reload."""
        self.reload()
        self.check("nothing passes before a flow allows it", not self.speak(False))
        self.reload(self.flow("scene"))
        self.begin()
        self.reload(self.flow("renamed"))
        self.check_both("the flow has another name", first, True)
        self.reload(self.replacement("replaced"))
        self.check_both("another flow allows it", first, True)
        self.reload(self.flow("scene"), self.replacement("replaced"))
        self.check_both("two flows allow it", first, True)
        self.reload(self.flow("scene"))
        self.check_both("one of the two is gone", first, True)
        self.reload(*self.near_misses())
        self.check_both("no flow allows it any more", first, False)
        self.check_both("and it stays so", not first, False)
        self.reload(self.flow("scene"))
        self.check_both("it is allowed again", first, True)
        self.truth.crossing.forget_connections()
        self.check_stranger(first)

    def near_misses(self):
        """A flow that allows something else between the same hosts, where the protocol knows ports."""
        return [self.flow("miss", ports=(OTHER_PORT,))] if self.protocol in packets.PORTED else []

    def check_stranger(self, first):
        """After conntrack has forgotten it, the connection is one that began in the middle."""
        stateless = self.protocol not in (TCP, SCTP)
        self.check("the answering side begins nothing", not self.speak(True))
        if not first:
            self.check("in the middle only what has no beginning goes on", self.speak(False) == stateless)

    def play_others(self):
        """Other flows come and go; this one and its connection must not notice."""
        self.reload(self.flow("scene"))
        self.begin()
        for i in range(RELOADS_OF_OTHERS):
            other = copy.deepcopy(self.bare)
            self.author.policy = other
            for _ in range(2):
                self.author.write_flow()
            other.flows.append(self.flow("scene"))
            self.truth.apply(other, self.name)
            self.check_both(f"reload {i + 1} of other flows", i % 2 == 0, True)

    def play_expiry(self):
        """The kernel itself closes the flow when the record ends, whoever is running then."""
        flow = self.flow("scene")
        flow.record = True
        self.reload(flow)
        year = datetime.date.today().year + 2
        end = datetime.datetime(year, 4, 1, tzinfo=JAPAN).timestamp()
        left = end - datetime.datetime.now(JAPAN).timestamp()
        elements = self.live_elements("scene")
        self.check("the live element of the flow is there", len(elements) > 0)
        for element in elements:
            self.check("it ends with its record", abs(element["expires"] - left) < EXPIRY_SLACK_SECONDS)
            self.check("and has all the time until then", element["timeout"] >= element["expires"])
        flow.expired = True
        self.reload(flow)
        self.check("a record that is over leaves no element", not self.live_elements("scene"))

    def live_elements(self, name):
        listing = json.loads(self.truth.crossing.run("gateway", ["nft", "-j", "list", "set", "inet", "sekisho", "live"]).stdout)
        elements = [element["elem"] for item in listing["nftables"] if "set" in item for element in item["set"].get("elem", [])
                    if isinstance(element, dict) and "elem" in element]
        return [element for element in elements if element.get("comment", "").split(" ")[0] == name]


SCENES = [(protocol, version, first) for protocol, version in (
    (UDP, 4), (UDP, 6), (TCP, 4), (TCP, 6), (SCTP, 4), (SCTP, 6), (ICMP, 4), (ICMP6, 6)) for first in (False, True)]


def play_scenes(truth, policy, chance, numbers):
    """Scenes of the list on a policy; returns how many checks were made."""
    checks = 0
    for number in numbers:
        protocol, version, first = SCENES[number % len(SCENES)]
        stage = Stage(truth, policy, chance, protocol, version)
        if stage.from_zone is None:
            continue
        stage.play(first)
        if first and protocol in (UDP, TCP):
            stage.play_others()
        stage.play_expiry()
        checks += stage.checks
    return checks
