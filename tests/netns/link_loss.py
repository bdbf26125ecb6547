#!/usr/bin/python3
"""A My Number connection whose link goes away never leaves by the Internet.

The gateway's default route leads to the uplink. When the link or the route to the other end is gone, every packet of the connection
would take that way: conntrack knows it, its mark is live, and the router there is a declared one. None may arrive: exactly 0 are
heard at the uplink of at least 200 that were sent. When the link is back, the connection goes on.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from conversation import Conversation, Side  # noqa: E402
from crossing import Crossing, token  # noqa: E402
from packets import TCP, UDP  # noqa: E402
from random_policy import INTERFACES, ROUTER, UPLINK_ONLY, on_link  # noqa: E402
from town import await_true, skip_unless_possible  # noqa: E402
from zone_file import render  # noqa: E402

MYNUMBER, LGWAN, INTERNET, UPLINK = INTERFACES[:4]
MACS = {interface: f"02:00:00:00:{number:02x}:10" for number, interface in enumerate(INTERFACES)}
ROUTER_MAC = "02:00:00:00:03:fe"
PORT, HOST = 443, 16
PACKETS = 200

RECORD = {"number": "1", "reason": "r", "approver": "a", "approved": "2020-04-01", "expires": "2099-03-31"}


def networks(interface):
    return [str(on_link(interface, version)) for version in (4, 6)]


def address(interface, version, number=HOST):
    return on_link(interface, version)[number]


def host(name, zone, interface, number=HOST, mac=None):
    return {"name": name, "zone": zone, "addresses": [str(address(interface, version, number)) for version in (4, 6)],
            "macs": [mac or MACS[interface]]}


def specified(protocol):
    return {"name": f"juki-{protocol}", "from": "mynumber", "to": "lgwan", "method": "specified", "peer": "juki-net", "source": "terminal",
            "destination": "server", "protocol": protocol, "ports": [PORT], "record": RECORD}


POLICY = {
    "town": "Unno-cho",
    "model": "alpha",
    "zones": [
        {"name": "mynumber", "tier": "mynumber", "interfaces": [MYNUMBER], "networks": networks(MYNUMBER)},
        {"name": "lgwan", "tier": "lgwan", "interfaces": [LGWAN], "networks": networks(LGWAN)},
        {"name": "internet", "tier": "internet", "interfaces": [INTERNET], "networks": networks(INTERNET)},
        {"name": "cloud", "tier": "internet", "interfaces": [UPLINK], "networks": networks(UPLINK), "uplink": {"routers": ["router"]}},
    ],
    "hosts": [
        host("terminal", "mynumber", MYNUMBER),
        host("server", "lgwan", LGWAN),
        host("pc", "internet", INTERNET),
        host("router", "cloud", UPLINK, ROUTER, ROUTER_MAC),
    ],
    "flows": [
        specified("tcp"),
        specified("udp"),
        {"name": "web", "from": "internet", "to": "cloud", "method": "internal", "source": "pc", "destination": "any", "protocol": "udp",
         "ports": [PORT]},
    ],
}


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


class Line:
    """A connection between two hosts of the crossing."""

    def __init__(self, crossing, protocol, version, near, far, far_address=None):
        self.crossing = crossing
        self.name = f"{'TCP' if protocol == TCP else 'UDP'} over IPv{version}"
        self.conversation = Conversation(
            Side(near, MACS[near], address(near, version), 40000 + version),
            Side(far, MACS[far], far_address or address(far, version), PORT, sequence=9000), protocol)

    def speak(self, reply, count=1):
        """The next packets of a side; returns how many of them were heard at each interface."""
        me, _ = self.conversation.sides(reply)
        sendings = []
        for _ in range(count):
            packet = self.conversation.packet(reply, token(self.crossing.next_number()))
            sendings.append(me.sending(packet))
        heard = [one.interface for one in self.crossing.exchange(sendings)]
        return {interface: heard.count(interface) for interface in set(heard)}

    def passes(self, reply):
        _, other = self.conversation.sides(reply)
        if self.speak(reply) != {other.interface: 1}:
            return False
        self.conversation.arrive(reply)
        return True

    def begin(self):
        expect(f"{self.name}: the connection is there", all([self.passes(reply) for reply in (False, True, False, True)]))

    def goes_on(self, why):
        expect(f"{self.name}: goes on {why}", all([self.passes(reply) for reply in (True, False, True)]))

    def is_lost(self, why, reply):
        side = "the server's" if reply else "the terminal's"
        heard = self.speak(reply, PACKETS)
        expect(f"{self.name}: none of {PACKETS} of {side} packets leaves by the uplink when {why}", heard.get(UPLINK, 0) == 0, heard)
        expect(f"{self.name}: nor by another way", heard == {}, heard)


def lines(crossing):
    return [Line(crossing, protocol, version, MYNUMBER, LGWAN) for protocol in (TCP, UDP) for version in (4, 6)]


def check_hearing(crossing):
    """The ear at the uplink hears what may leave there; otherwise silence would prove nothing."""
    for version, outside in zip((4, 6), UPLINK_ONLY):
        line = Line(crossing, UDP, version, INTERNET, UPLINK, outside[HOST])
        heard = line.speak(False, PACKETS)
        expect(f"{PACKETS} allowed packets over IPv{version} are heard at the uplink", heard == {UPLINK: PACKETS}, heard)


def way(crossing, line, reply):
    """The interface by which the gateway would send the next packet of a side."""
    _, other = line.conversation.sides(reply)
    words = crossing.ip("gateway", f"route get {other.address}").split()
    return words[words.index("dev") + 1]


def check_link_down(crossing, connections, interface, reply):
    """The link to the side that listens goes down and comes back."""
    for line in connections:
        expect(f"{line.name}: the way is by {interface}", way(crossing, line, reply) == interface)
    crossing.ip("gateway", f"link set {interface} down")
    for line in connections:
        expect(f"{line.name}: the way would be by the uplink now", way(crossing, line, reply) == UPLINK)
        line.is_lost(f"{interface} is down", reply)
    crossing.ip("gateway", f"link set {interface} up")
    for line in connections:
        line.goes_on(f"when {interface} is up again")


def check_route_removed(crossing, connections):
    """The link stays, the route does not."""
    for version in (4, 6):
        crossing.ip("gateway", f"route del {on_link(LGWAN, version)} dev {LGWAN}")
    for line in connections:
        expect(f"{line.name}: the way would be by the uplink now", way(crossing, line, False) == UPLINK)
        line.is_lost("the route is removed", False)
    for version in (4, 6):
        crossing.ip("gateway", f"route add {on_link(LGWAN, version)} dev {LGWAN}")
    for line in connections:
        line.goes_on("when the route is back")


def check_link_deleted(crossing, connections):
    """The interface is taken out, and another one comes by its name: the zone is bound to the one that is there."""
    crossing.ip("gateway", f"link del {LGWAN}")
    for line in connections:
        line.is_lost(f"{LGWAN} is gone", False)
    await_true("the zone has left the rules", lambda: "juki-tcp" not in crossing.rules())
    for line in connections:
        line.is_lost(f"{LGWAN} is gone and everybody knows", False)
    crossing.ip_batch("gateway", crossing.wire(LGWAN))
    crossing.ip_batch("outside", [f"link set {LGWAN} up"])
    await_true("the zone is in the rules again", lambda: "juki-tcp" in crossing.rules())
    for line in connections:
        line.goes_on(f"by the new {LGWAN}")


def main():
    skip_unless_possible("nft")
    with Crossing() as crossing:
        with open(crossing.config, "w", encoding="utf-8") as file:
            file.write("".join(f"{name} = {render(part)};\n" for name, part in POLICY.items()))
        crossing.write_sysctl("gateway", "net/ipv6/conf/all/keep_addr_on_down", 1)
        crossing.route_uplink(UPLINK)
        crossing.start_daemon()
        check_hearing(crossing)
        connections = lines(crossing)
        for line in connections:
            line.begin()
        check_link_down(crossing, connections, LGWAN, False)
        check_link_down(crossing, connections, MYNUMBER, True)
        check_route_removed(crossing, connections)
        check_link_deleted(crossing, connections)


if __name__ == "__main__":
    main()
