#!/usr/bin/python3
"""Zones on VLANs of one trunk: frames pass between VLANs as the flows say, and whatever else is tagged, twice or not at all does not.

All four zones of the example town come by one cable, each with a tag of its own. Frames are sent and heard as they are on that cable, tag and all.
"""

import contextlib
import ipaddress
import os
import socket
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from packets import ETHER_IP4, ETHER_SERVICE_VLAN, ETHER_VLAN, TCP, UDP, ethernet, ip4, tcp, udp  # noqa: E402
from town import DEADLINE_S, HOSTS, ZONES, Town, await_true, inside, skip_unless_possible  # noqa: E402

VLANS = {"mynumber": 10, "lgwan": 20, "internet": 30, "cloud": 40}
UNDECLARED = 99
ETH_P_ALL, SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 3, 263, 8, 23
TP_STATUS_VLAN_VALID = 1 << 4
ETHER_MARK = 0x88B5  # for local experiments: what is heard last


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


class TrunkTown(Town):
    """The gateway with its four interfaces on one cable, the far end of which is in "outside"."""

    def __init__(self):
        super().__init__(hosts=[])
        for zone, (interface, _, _) in ZONES.items():
            self.edit_config(f'"{interface}"', f'"trunk.{VLANS[zone]}"')

    def _build(self):
        self._write_users()
        for place in ("gateway", "outside"):
            subprocess.run(["ip", "netns", "add", self.namespace(place)], check=True)
            self.namespaces.append(self.namespace(place))
            self.ip(place, "link set lo up")
        self.ip("outside", f"link add far type veth peer name trunk netns {self.namespace('gateway')}")
        self.ip("outside", "link set far up")
        self.ip("gateway", "link set trunk up")
        for zone in ZONES:
            self.add_vlan(zone)

    def add_vlan(self, zone):
        interface, (_, address4, address6) = f"trunk.{VLANS[zone]}", ZONES[zone]
        self.ip("gateway", f"link add link trunk name {interface} type vlan id {VLANS[zone]}")
        self.ip("gateway", f"link set {interface} up")
        self._address("gateway", interface, address4, address6)
        for at, mac, host4, _ in HOSTS.values():
            if at == zone:
                self.ip("gateway", f"neigh replace {host4} lladdr {mac} dev {interface}")


class Cable:
    """The far end of the trunk."""

    def __init__(self, town):
        self.town, self.number = town, 0
        with inside(town.namespace("outside")):
            self.handle = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.handle.bind(("far", 0))
        self.handle.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.handle.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.handle.settimeout(DEADLINE_S)
        self.mac = town.run("gateway", ["cat", "/sys/class/net/trunk/address"]).stdout.strip()

    def receive(self):
        """A frame and its tag, which the kernel hands over beside it; None: it had none."""
        frame, control, _, _ = self.handle.recvmsg(2048, 256)
        for level, kind, data in control:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tag, _ = struct.unpack("IIIHHHH", data[:20])
                if status & TP_STATUS_VLAN_VALID:
                    return frame, tag & 0xFFF
        return frame, None

    def passes(self, near, far, protocol, port, tags):
        """The tags with which a packet from one host to another comes out again, sent with these tags."""
        self.number += 1
        token = f"by the trunk {self.number}".encode()
        source, destination = (ipaddress.ip_address(HOSTS[name][2]) for name in (near, far))
        payload = (tcp if protocol == TCP else udp)(source, destination, 4000 + self.number, port, token)
        self.handle.send(ethernet(self.mac, HOSTS[near][1], ETHER_IP4, ip4(source, destination, protocol, payload), tags))
        # The gateway says something of its own on the same cable when everything before has been dealt with: one processor has one queue.
        with inside(self.town.namespace("gateway")), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as marker:
            marker.bind(("trunk", 0))
            marker.send(ethernet("ff:ff:ff:ff:ff:ff", self.mac, ETHER_MARK, token.ljust(46, b"\0")))
        heard, end = [], time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            frame, tag = self.receive()
            if frame[12:14] == struct.pack("!H", ETHER_MARK) and token in frame:
                return heard
            if token in frame:
                heard.append(tag)
        raise AssertionError("the gateway is not heard")


def tagged(*numbers):
    return [(ETHER_VLAN, number) for number in numbers]


def check_flow(cable, when):
    heard = cable.passes("shokuin-pc", "gamen-server", TCP, 3389, tagged(VLANS["lgwan"]))
    expect(f"{when} a flow passes from VLAN to VLAN", heard == [VLANS["internet"]], heard)


# what, from whom, to whom, protocol, port, tags
REFUSED = (
    ("a port that no flow names", "shokuin-pc", "gamen-server", TCP, 23, tagged(20)),
    ("from the Internet to the My Number tier", "inet-tanmatsu", "jumin-tanmatsu", UDP, 9, tagged(30)),
    ("a host of the LGWAN with the tag of the Internet", "shokuin-pc", "gamen-server", TCP, 3389, tagged(30)),
    ("a host of the LGWAN with the tag of the My Number tier", "shokuin-pc", "gamen-server", TCP, 3389, tagged(10)),
    ("a tag of no zone", "shokuin-pc", "gamen-server", TCP, 3389, tagged(UNDECLARED)),
    ("no tag", "shokuin-pc", "gamen-server", TCP, 3389, ()),
    ("the tag of a priority", "shokuin-pc", "gamen-server", TCP, 3389, tagged(0)),
    ("the right tag inside another", "shokuin-pc", "gamen-server", TCP, 3389, tagged(30, 20)),
    ("another tag inside the right one", "inet-tanmatsu", "jumin-tanmatsu", UDP, 9, tagged(20, 10)),
    ("the right tag twice", "shokuin-pc", "gamen-server", TCP, 3389, tagged(20, 20)),
    ("a service tag", "shokuin-pc", "gamen-server", TCP, 3389, [(ETHER_SERVICE_VLAN, 20)]),
)


def check_refused(cable):
    for what, near, far, protocol, port, tags in REFUSED:
        heard = cable.passes(near, far, protocol, port, tags)
        expect(f"{what} does not pass", heard == [], heard)


def survey(town):
    return [finding["id"] for finding in town.status()["survey"]]


def check_survey(town):
    expect("a trunk of zones is no stranger", survey(town) == [], town.status()["survey"])
    town.run("gateway", ["tc", "qdisc", "add", "dev", "trunk", "clsact"])
    await_true("what is at the trunk is at its zones", lambda: survey(town) == ["interface-tc"])
    town.run("gateway", ["tc", "qdisc", "del", "dev", "trunk", "clsact"])
    await_true("and gone", lambda: survey(town) == [])


def main():
    skip_unless_possible("tc")
    with contextlib.ExitStack() as stack:
        try:
            town = stack.enter_context(TrunkTown())
        except AssertionError as error:
            print(f"SKIP: absent: VLAN devices ({str(error).strip()})")
            sys.exit(77)
        town.start_daemon()
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        cable = Cable(town)
        check_flow(cable, "after the start")
        check_refused(cable)
        check_survey(town)
        town.ip("gateway", f"link del trunk.{VLANS['lgwan']}")
        heard = cable.passes("shokuin-pc", "gamen-server", TCP, 3389, tagged(VLANS["lgwan"]))
        expect("without its interface a VLAN is cut off", heard == [], heard)
        town.add_vlan("lgwan")
        await_true("the interface is in its zone again",
                   lambda: '"trunk.20"' in town.run("gateway", ["nft", "list", "set", "bridge", "sekisho", "ports"]).stdout)
        check_flow(cable, "with its interface again")
        check_refused(cable)
        expect("the daemon stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    main()
