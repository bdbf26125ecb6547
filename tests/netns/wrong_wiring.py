#!/usr/bin/python3
"""Who is connected where he should not be is said (R19): real frames on real wires, each kind in both families where there are two.

Each wrong wiring gives exactly its alarm, which names the device and both places; it stands in the log, in the journal, in `sekisho status` and `sekisho refusals`.
Ordinary traffic says nothing. The interfaces of the zones themselves go, come back and get addresses of other zones. At last the time from
a frame to its line in the log is measured, SEKISHO_WIRING_ROUNDS (200) times, and a flood of made-up devices is sent.
"""

import calendar
import ipaddress
import json
import os
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import packets  # noqa: E402
from town import DEADLINE_S, HOSTS, SOURCE, ZONES, Town, await_true, inside, skip_unless_possible  # noqa: E402

PLACES = ["jumin-tanmatsu", "shokuin-pc", "juki-cs", "inet-tanmatsu", "cloud-router"]
SEKISHO = os.path.join(os.environ.get("SEKISHO_BUILD") or os.path.join(SOURCE, "build"), "sekisho")
ROUNDS = int(os.environ.get("SEKISHO_WIRING_ROUNDS", "200"))
FLOOD = 20000
SENTRY_KIB_MAX = 32 * 1024
ETH_P_ALL = 3
POLLS = ("7", "271")  # poll, ppoll
BROADCAST, ALL_NODES = "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"
DHCP_SERVER = "10.2.0.67"


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


# ---- frames

def arp(mac, sender, target, *, owner=None, tags=()):
    owner = owner or mac
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + packets.mac_bytes(owner) + ipaddress.ip_address(sender).packed + bytes(6) \
        + ipaddress.ip_address(target).packed
    return packets.ethernet(BROADCAST, mac, packets.ETHER_ARP, body, tags)


def icmp6(mac, source, target, body, *, hops=255, extensions=()):
    return packets.ethernet(ALL_NODES, mac, packets.ETHER_IP6, packets.ip6(
        ipaddress.ip_address(source), ipaddress.ip_address(target), packets.ICMP6, body, hop_limit=hops, extensions=extensions))


def advertisement(mac, address):
    """A neighbour advertisement that claims an address."""
    packed = ipaddress.ip_address(address).packed
    return icmp6(mac, address, "ff02::1", struct.pack("!BBHI", 136, 0, 0, 0x20000000) + packed + b"\x02\x01" + packets.mac_bytes(mac))


def wish(mac, address):
    """Duplicate address detection."""
    return icmp6(mac, "::", "ff02::1", struct.pack("!BBHI", 135, 0, 0, 0) + ipaddress.ip_address(address).packed)


def router(mac, **more):
    return icmp6(mac, "fe80::bad", "ff02::1", struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0), **more)


def udp(mac, source, target, ports, body):
    source, target = ipaddress.ip_address(source), ipaddress.ip_address(target)
    kind = packets.ETHER_IP4 if source.version == 4 else packets.ETHER_IP6
    return packets.ethernet(BROADCAST, mac, kind, packets.ip(source, target, packets.UDP, struct.pack("!HHHH", *ports, 8 + len(body), 0) + body))


def dhcp(mac, server, kind):
    """2: an offer, 5: an ack; 1: what a client sends."""
    head = struct.pack("!BBBBIHH", 2 if kind != 1 else 1, 1, 6, 0, 7, 0, 0) + bytes(16) + packets.mac_bytes(mac) + bytes(10 + 192) + b"\x63\x82\x53\x63"
    options = bytes([53, 1, kind, 54, 4]) + ipaddress.ip_address(server).packed + b"\xff"
    return udp(mac, server, "255.255.255.255", (67, 68) if kind != 1 else (68, 67), head + options)


def dhcp6(mac, kind):
    return udp(mac, "fe80::bad", "ff02::1", (547, 546), bytes([kind, 1, 2, 3]))


# ---- what is said

class Wires:
    def __init__(self, town):
        self.town = town
        self.seen = 0

    def send(self, place, *frames):
        """On the wire of the place, as nobody's own kernel would send them; until the last one has come to the gateway."""
        with inside(self.town.namespace("gateway")):
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        with tap, inside(self.town.namespace(place)), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            tap.bind((ZONES[HOSTS[place][0]][0], ETH_P_ALL))
            tap.settimeout(DEADLINE_S)
            sender.bind(("eth0", 0))
            for frame in frames:
                sender.send(frame)
            while tap.recv(2048)[6:12] != frames[-1][6:12]:
                pass

    def pour(self, place, frames):
        """As send(), so many that some may be lost."""
        with inside(self.town.namespace(place)), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind(("eth0", 0))
            for frame in frames:
                sender.send(frame)

    def speak(self, place, address):
        """As the kernel of the place does it: with ARP or neighbour discovery."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with inside(self.town.namespace(place)), socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", (address, 9))

    def said(self):
        """The alarms of the log since the last call of expect_alarms()."""
        return [dict(re.findall(r"([\w-]+)=(\S+)", line), text=line) for line in self.town.log_text().splitlines() if "SKS-WIRING" in line][self.seen:]

    def is_settled(self):
        """The sentry has the wires of all zones, no frame waits for it, and it waits for one."""
        sockets = [line.split() for line in self.town.run("gateway", ["cat", "/proc/net/packet"]).stdout.splitlines()[1:]]
        indexes = {str(link["ifindex"]) for link in json.loads(self.town.run("gateway", ["ip", "-j", "link"]).stdout)
                   if link["ifname"] in [interface for interface, _, _ in ZONES.values()]}
        with open(f"/proc/{self.town.role_pid('sentry')}/syscall", encoding="ascii") as call:
            return {fields[4] for fields in sockets} == indexes and all(fields[6] == "0" for fields in sockets) and call.read().split()[0] in POLLS

    def settle(self):
        await_true("the sentry has judged everything", self.is_settled)

    def take(self):
        """The alarms since the last time."""
        alarms = self.said()
        self.seen += len(alarms)
        return alarms

    def expect_none(self, what):
        self.settle()
        alarms = self.take()
        expect(what, not alarms, alarms)

    def expect_alarm(self, what, kind, mac, zone, other, *, words=()):
        """Exactly one alarm: of this kind, of this device, with both places."""
        self.settle()
        alarms = self.take()
        expect(f"{what}: {kind}", len(alarms) == 1 and (alarms[0]["finding"], alarms[0]["mac"], alarms[0]["zone"], alarms[0]["other-zone"])
               == (kind, mac, zone, other) and all(word in alarms[0]["text"] for word in words), alarms)


# ---- the parts

def check_ordinary(wires):
    """Hosts that speak to the gateway and to each other, DHCP of the declared server, clients that ask."""
    town = wires.town
    for place, address in (("jumin-tanmatsu", "10.1.0.1"), ("shokuin-pc", "10.2.0.1"), ("shokuin-pc", "10.2.0.20"), ("inet-tanmatsu", "10.3.0.1"),
                           ("shokuin-pc", "fd00:0:0:2::1"), ("jumin-tanmatsu", "fd00:0:0:1::1"), ("cloud-router", "192.0.2.2")):
        wires.speak(place, address)
    wires.send("shokuin-pc", dhcp("02:00:00:02:00:67", DHCP_SERVER, 2), dhcp("02:00:00:02:00:67", DHCP_SERVER, 5),
               dhcp("02:00:00:02:01:01", "0.0.0.0", 1), router("02:00:00:02:00:fe"), arp("02:00:00:02:00:99", "10.2.0.99", "10.2.0.1"),
               arp("02:00:00:02:00:98", "0.0.0.0", "10.2.0.10"), advertisement("02:00:00:02:00:99", "fd00:0:0:2::99"),
               arp("02:00:00:02:00:99", "10.2.0.99", "10.2.0.1", tags=[(packets.ETHER_VLAN, 0)]))
    wires.send("cloud-router", arp("02:00:00:04:00:77", "203.0.113.7", "192.0.2.2"))
    for place in ("jumin-tanmatsu", "shokuin-pc"):
        wires.send(place, arp("00:00:5e:00:01:07", f"10.{'1' if place[0] == 'j' else '2'}.0.77", "10.9.9.9"))
    wires.expect_none("ordinary traffic says nothing")


def check_devices(wires):
    mac = HOSTS["jumin-tanmatsu"][1]
    wires.send("shokuin-pc", arp(mac, "10.1.0.10", "10.1.0.1"))
    wires.expect_alarm("a declared device in another zone", "wiring-declared-elsewhere", mac, "lgwan", "mynumber",
                       words=["10.1.0.10", "lgwan (lg0)", "hosts"])
    wires.send("inet-tanmatsu", advertisement(mac, "fd00:0:0:1::10"))
    wires.expect_alarm("and by IPv6 in a third", "wiring-declared-elsewhere", mac, "internet", "mynumber", words=["fd00:0:0:1::10", "internet (in0)"])
    wires.send("shokuin-pc", arp(mac, "10.1.0.10", "10.1.0.1"))
    wires.expect_none("the same is not said again")
    for number, claim in ((0x51, lambda mac: arp(mac, "10.3.0.81", "10.3.0.1")), (0x52, lambda mac: advertisement(mac, "fd00:0:0:3::82"))):
        mac = f"02:00:00:03:00:{number:02x}"
        wires.send("inet-tanmatsu", claim(mac))
        wires.settle()
        wires.send("shokuin-pc", packets.ethernet(BROADCAST, mac, packets.ETHER_ARP, bytes(28)), advertisement(mac, "fe80::52"))
        wires.expect_alarm("a device that was in another zone before", "wiring-moved", mac, "lgwan", "internet", words=["internet (in0)", "lgwan (lg0)"])


def check_addresses(wires):
    wires.send("shokuin-pc", arp("02:00:00:09:00:01", "10.1.0.44", "10.2.0.1"))
    wires.expect_alarm("an address of another zone", "wiring-foreign-address", "02:00:00:09:00:01", "lgwan", "mynumber", words=["10.1.0.44"])
    wires.send("shokuin-pc", advertisement("02:00:00:09:00:02", "fd00:0:0:1::44"))
    wires.expect_alarm("and by IPv6", "wiring-foreign-address", "02:00:00:09:00:02", "lgwan", "mynumber", words=["fd00:0:0:1::44"])
    wires.send("inet-tanmatsu", wish("02:00:00:09:00:03", "fd00:0:0:2::44"))
    wires.expect_alarm("one that is only wished for", "wiring-foreign-address", "02:00:00:09:00:03", "internet", "lgwan", words=["fd00:0:0:2::44"])
    wires.send("shokuin-pc", arp("02:00:00:09:00:04", "10.2.0.60", "10.2.0.1"), arp("02:00:00:09:00:05", "10.2.0.60", "10.2.0.1"))
    wires.expect_alarm("an address that two have", "wiring-duplicate-address", "02:00:00:09:00:05", "lgwan", "lgwan",
                       words=["10.2.0.60", "02:00:00:09:00:04 lgwan (lg0)"])
    wires.send("shokuin-pc", advertisement("02:00:00:09:00:04", "fd00:0:0:2::60"), advertisement("02:00:00:09:00:05", "fd00:0:0:2::60"))
    wires.expect_alarm("and by IPv6", "wiring-duplicate-address", "02:00:00:09:00:05", "lgwan", "lgwan", words=["fd00:0:0:2::60"])
    wires.send("shokuin-pc", arp("02:00:00:09:00:06", "10.2.0.20", "10.2.0.1"))
    wires.expect_alarm("an address of a declared host", "wiring-duplicate-address", "02:00:00:09:00:06", "lgwan", "lgwan",
                       words=["10.2.0.20", HOSTS["juki-cs"][1]])
    wires.send("shokuin-pc", arp("02:00:00:09:00:07", "10.2.0.1", "10.2.0.10"))
    wires.expect_alarm("the gateway's address", "wiring-gateway-address", "02:00:00:09:00:07", "lgwan", "lgwan", words=["10.2.0.1", "lgwan (lg0)"])
    wires.send("shokuin-pc", advertisement("02:00:00:09:00:08", "fd00:0:0:2::1"))
    wires.expect_alarm("and by IPv6", "wiring-gateway-address", "02:00:00:09:00:08", "lgwan", "lgwan", words=["fd00:0:0:2::1"])


def check_services(wires):
    wires.send("shokuin-pc", dhcp("02:00:00:09:01:01", "192.168.1.1", 2))
    wires.expect_alarm("a stray DHCP offer", "wiring-stray-dhcp", "02:00:00:09:01:01", "lgwan", "lgwan", words=["192.168.1.1", "dhcp_servers"])
    wires.send("shokuin-pc", dhcp("02:00:00:09:01:02", DHCP_SERVER, 5))
    wires.expect_alarm("an ack in the name of the declared server", "wiring-stray-dhcp", "02:00:00:09:01:02", "lgwan", "lgwan", words=[DHCP_SERVER])
    wires.send("jumin-tanmatsu", dhcp6("02:00:00:09:01:03", 2))
    wires.expect_alarm("a stray DHCPv6 server", "wiring-stray-dhcp", "02:00:00:09:01:03", "mynumber", "mynumber", words=["fe80::bad"])
    wires.send("jumin-tanmatsu", router("02:00:00:09:01:04"))
    wires.expect_alarm("a stray router", "wiring-stray-router", "02:00:00:09:01:04", "mynumber", "mynumber", words=["fe80::bad", "ipv6_routers"])
    wires.send("shokuin-pc", router("02:00:00:09:01:05", extensions=[(packets.DESTINATION_OPTIONS, b"\x00" + bytes(6))]))
    wires.expect_alarm("one behind an extension header", "wiring-stray-router", "02:00:00:09:01:05", "lgwan", "lgwan")
    wires.send("shokuin-pc", router("02:00:00:09:01:06", hops=64))
    wires.expect_none("one that came over a router is none")


def check_vlans(wires):
    wires.send("shokuin-pc", arp("02:00:00:09:02:01", "10.7.0.1", "10.7.0.2", tags=[(packets.ETHER_VLAN, 20)]))
    wires.expect_alarm("a VLAN", "wiring-stray-vlan", "02:00:00:09:02:01", "lgwan", "lgwan", words=["VLAN 20", "lgwan (lg0)"])
    wires.send("shokuin-pc", arp("02:00:00:09:02:02", "10.7.0.3", "10.7.0.2", tags=[(packets.ETHER_VLAN, 20)]))
    wires.expect_none("another device in the same VLAN is no other alarm")
    wires.send("shokuin-pc", arp("02:00:00:09:02:02", "10.7.0.3", "10.7.0.2", tags=[(packets.ETHER_SERVICE_VLAN, 30)]))
    wires.expect_alarm("a service VLAN", "wiring-stray-vlan", "02:00:00:09:02:02", "lgwan", "lgwan", words=["VLAN 30"])


def gateway_mac(town, interface):
    return json.loads(town.run("gateway", ["ip", "-j", "link", "show", "dev", interface]).stdout)[0]["address"]


def check_cable(wires):
    """A cable between two zones: what the gateway sends by one comes in by the other."""
    town, mac = wires.town, gateway_mac(wires.town, "lg0")
    town.ip("switch", "link add cross-a type veth peer name cross-b")
    town.ip("switch", "link set cross-a master internet up")
    town.ip("switch", "link set cross-b master lgwan up")
    town.ip("gateway", "-6 addr add fd00:0:0:2::202/64 dev lg0")	# and asks whether it is free
    await_true("the gateway's own frames", lambda: any(alarm["finding"] == "wiring-own-frames" and alarm["mac"] == mac for alarm in wires.said()))
    town.ip("switch", "link del cross-a")
    alarm, = [alarm for alarm in wires.take() if alarm["finding"] == "wiring-own-frames" and alarm["mac"] == mac]
    expect("a cable between two zones is said", (alarm["zone"], alarm["other-zone"]) == ("internet", "lgwan"), alarm)
    town.ip("gateway", "-6 addr del fd00:0:0:2::202/64 dev lg0")
    wires.settle()
    wires.take()


def sekisho(town, *words, language="en", js=False):
    command = [SEKISHO, "--config", town.config, "--socket", os.path.join(town.run_dir, "control"), "--lang", language]
    words = [word.replace("EVENTS", os.path.join(town.state_dir, "events", "events.db")) for word in words]
    return subprocess.run(command + (["--json"] if js else []) + list(words), capture_output=True, text=True, check=False)


def check_records(wires):
    """Database, status and journal; in both languages."""
    town = wires.town
    wanted = {"wiring-declared-elsewhere", "wiring-moved", "wiring-foreign-address", "wiring-duplicate-address", "wiring-gateway-address",
              "wiring-own-frames", "wiring-stray-dhcp", "wiring-stray-router", "wiring-stray-vlan"}
    kinds = lambda: {alarm["id"] for alarm in json.loads(sekisho(town, "refusals", "--events", "EVENTS", "--limit", "0", js=True).stdout)["wrong_wiring"]}
    await_true(f"the database has them, and not only {kinds()}", lambda: kinds() >= wanted - {"wiring-own-frames"})
    alarms = json.loads(sekisho(town, "refusals", "--events", "EVENTS", "--zone", "mynumber", "--limit", "0", js=True).stdout)["wrong_wiring"]
    alarm, = [alarm for alarm in alarms if alarm["id"] == "wiring-declared-elsewhere" and alarm["zone"] == "lgwan"]
    expect("a row of the database", (alarm["mac"], alarm["address"], alarm["interface"], alarm["other_zone"])
           == (HOSTS["jumin-tanmatsu"][1], "10.1.0.10", "lg0", "mynumber"), alarm)
    for language, word in (("en", "Wrong wiring"), ("ja", "誤接続")):
        text = sekisho(town, "status", "--events", "EVENTS", language=language).stdout
        expect(f"the status says it ({language})", word in text and "  > " in text, text)
        text = sekisho(town, "refusals", "--events", "EVENTS", "--limit", "0", language=language).stdout
        expect(f"the record of refusals says it ({language})", word in text and HOSTS["jumin-tanmatsu"][1] in text, text)
    records = [json.loads(line) for name in os.listdir(os.path.join(town.state_dir, "journal"))
               for line in open(os.path.join(town.state_dir, "journal", name), encoding="utf-8")]
    details = [record["details"] for record in records if record["event"] == "alarm"]
    expect("the journal has alarms", any("finding=wiring-declared-elsewhere" in detail and HOSTS["jumin-tanmatsu"][1] in detail[1] for detail in details), details)


def survey(town, finding):
    return [one["en"]["sentence"] for one in town.status()["survey"] if one["id"] == finding]


def check_signals(wires):
    """A cable that is pulled, and an interface that is switched off: which, of which zone, since when; and that it is over."""
    town = wires.town
    for interface, zone, finding, place, port in (("lg0", "lgwan", "interface-no-signal", "switch", "g-lgwan"), ("lg0", "lgwan", "interface-off", "gateway", "lg0")):
        begun = time.time()
        town.ip(place, f"link set {port} down")
        await_true(f"{finding} is found", lambda finding=finding: survey(town, finding))
        sentence = survey(town, finding)[0]
        since = time.strptime(re.search(r"since (\d+-\d+-\d+ \d+:\d+:\d+)", sentence)[1], "%Y-%m-%d %H:%M:%S")
        expect(f"{finding} names interface, zone and time", f'{interface} of zone "{zone}"' in sentence
               and int(begun) <= calendar.timegm(since) - 9 * 3600 <= time.time(), sentence)
        expect("the log has it once", town.log_text().count(f"finding={finding}\n") == 1)
        town.ip(place, f"link set {port} up")
        await_true("and is gone", lambda: not survey(town, "interface-no-signal") and not survey(town, "interface-off"))
        expect("which is said", f"is no more finding={finding}" in town.log_text())
    # What goes with an interface that is switched off.
    town.ip("gateway", f"-6 addr replace {ZONES['lgwan'][2]}/64 dev lg0 nodad")


def check_interfaces(wires):
    """An interface of a zone that goes, comes back, and has an address of another zone."""
    town = wires.town
    for address, finding, word in (("10.1.0.201/24", "interface-address-of-zone", "mynumber"), ("fd00:0:0:1::201/64", "interface-address-of-zone", "mynumber"),
                                   ("240.0.0.1/24", "interface-address-outside", "lgwan")):
        family = "-6 " if ":" in address else ""
        town.ip("gateway", f"{family}addr add {address} dev lg0{' nodad' if family else ''}")
        await_true(f"{address} is found", lambda finding=finding: survey(town, finding))
        expect(f"{address} is named with its zone", word in survey(town, finding)[0] and address.split("/")[0] in survey(town, finding)[0])
        town.ip("gateway", f"{family}addr del {address} dev lg0")
        await_true("and is gone", lambda: not survey(town, "interface-address-of-zone") and not survey(town, "interface-address-outside"))
    town.ip("gateway", "link set mn0 down")
    town.ip("gateway", "link set mn0 name old0")
    await_true("an interface that is gone is found", lambda: "mn0" in " ".join(survey(town, "interface-missing")))
    await_true("by its new name", lambda: "left its zone by a new name interface=old0" in town.log_text())
    town.ip("gateway", "link set old0 name mn0")
    town.ip("gateway", "link set mn0 up")
    await_true("one that gets its name is no member", lambda: "finding=interface-renamed-into-zone" in town.log_text())
    expect("until somebody has seen it", town.apply(reason="it was renamed")["result"] == "committed")
    wires.send("jumin-tanmatsu", dhcp("02:00:00:09:03:01", "192.168.1.1", 2))
    wires.expect_alarm("it is watched again", "wiring-stray-dhcp", "02:00:00:09:03:01", "mynumber", "mynumber")
    town.ip("gateway", "link del in0")
    await_true("an interface that vanished is found", lambda: "in0" in " ".join(survey(town, "interface-missing")))
    town.ip("switch", f"link add g-internet type veth peer name in0 netns {town.namespace('gateway')}")
    town.ip("switch", "link set g-internet master internet up")
    town.ip("gateway", "link set in0 up")
    town.ip("gateway", f"addr add {ZONES['internet'][1]}/24 dev in0")
    await_true("one that comes back joins by itself", lambda: not survey(town, "interface-missing"))
    await_true("which is said", lambda: "is no more finding=interface-missing" in town.log_text())
    wires.settle()
    wires.send("inet-tanmatsu", dhcp("02:00:00:09:03:02", "192.168.1.1", 2))
    wires.expect_alarm("and is watched", "wiring-stray-dhcp", "02:00:00:09:03:02", "internet", "internet")


def begin_anew(wires):
    """A sentry that was started again, has said nothing yet and watches."""
    town = wires.town
    victim = town.role_pid("sentry")
    os.kill(victim, signal.SIGKILL)
    await_true("another sentry", lambda: town.role_pid("sentry") not in (None, victim))
    wires.settle()
    wires.take()


def check_restart(wires):
    """A sentry that died gets its sockets again; what is declared it knows at once."""
    begin_anew(wires)
    wires.send("inet-tanmatsu", arp(HOSTS["juki-cs"][1], "10.2.0.20", "10.2.0.1"))
    wires.expect_alarm("a sentry that was started again", "wiring-declared-elsewhere", HOSTS["juki-cs"][1], "internet", "lgwan")


def check_broken_file(wires):
    """A file that cannot be read any more, and no text of before: the wires are watched by the zones that were in force last."""
    town = wires.town
    expect("the daemon stops", town.stop_daemon() == 0)
    town.edit_config("zones = (", "zones = ((")
    os.unlink(os.path.join(town.state_dir, "last-good.conf"))
    town.start_daemon()
    expect("what the kernel holds is in force", town.status()["state"] == "last-good" and town.status()["zones"] is None, town.status())
    await_true("the wires are watched", lambda: town.role_pid("sentry"))
    wires.settle()
    wires.send("shokuin-pc", arp("02:00:00:09:04:01", "10.1.0.55", "10.2.0.1"))
    wires.expect_alarm("with a broken file", "wiring-foreign-address", "02:00:00:09:04:01", "lgwan", "mynumber")


def wrong_frames():
    """Each time another alarm: of no kind and zone more in a minute than are given one by one."""
    places = ["jumin-tanmatsu", "shokuin-pc", "inet-tanmatsu", "cloud-router"]
    addresses = {"jumin-tanmatsu": ("10.2.0.44", "10.1.0.1"), "shokuin-pc": ("10.1.0.44", "10.2.0.1"), "inet-tanmatsu": ("10.1.0.44", "10.3.0.1"),
                 "cloud-router": ("10.1.0.44", "192.0.2.2")}
    for number in range(1 << 16):
        mac = f"02:00:01:00:{number >> 8:02x}:{number & 255:02x}"
        for place in places:
            mac = f"02:00:01:{places.index(place):02x}:{number >> 8:02x}:{number & 255:02x}"
            foreign, gateway = addresses[place]
            frames = (arp(mac, foreign, gateway), arp(mac, gateway, gateway), dhcp(mac, "192.168.1.1", 2), router(mac),
                      arp(mac, "10.7.0.1", "10.7.0.2", tags=[(packets.ETHER_VLAN, 100 + number)]))
            yield place, mac, frames[number % len(frames)]


def alarm_times(wires, rounds):
    """Seconds from a frame to the line of the log, so many times; at most 200 a minute are given one by one."""
    town, took = wires.town, []
    for (place, mac, frame), _ in zip(wrong_frames(), range(rounds)):
        with inside(town.namespace(place)), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender, open(town.log, "rb") as log:
            sender.bind(("eth0", 0))
            log.seek(0, os.SEEK_END)
            begun, text = time.monotonic(), b""
            sender.send(frame)
            while mac.encode() not in text:
                text += log.read()
                expect_soon(begun)
            took.append(time.monotonic() - begun)
    return took


def check_time(wires):
    begin_anew(wires)
    took = alarm_times(wires, ROUNDS)
    print(f"from the frame to the alarm: median {statistics.median(took) * 1000:.2f} ms, worst {max(took) * 1000:.2f} ms, of {len(took)}; load "
          f"{os.getloadavg()[0]:.1f}")
    wires.take()


def expect_soon(begun):
    if time.monotonic() - begun > DEADLINE_S:
        raise AssertionError("no alarm for a frame")


def sentry_kib(town):
    with open(f"/proc/{town.role_pid('sentry')}/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read())[1])


def made_up(first):
    """Frames of devices that are not there, each of another one."""
    for number in range(first, first + FLOOD):
        yield arp(f"06:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}:00:01", "10.1.0.99", "10.2.0.1")


def check_flood(wires):
    """Made-up devices cost what is fixed, and hide nobody who is declared."""
    town = wires.town
    before, poured = len(town.log_text()), []

    def is_full():
        # How many of so many frames are lost on the way is not known.
        wires.pour("shokuin-pc", made_up(FLOOD * len(poured)))
        poured.append(FLOOD)
        return "finding=wiring-many-devices" in town.log_text()[before:]

    await_true("somebody is forgotten, and that is said", is_full)
    wires.send("inet-tanmatsu", arp("02:00:00:02:00:10", "10.2.0.10", "10.2.0.1"))
    await_true("a declared device is found behind a flood", lambda: any(alarm["mac"] == "02:00:00:02:00:10" for alarm in wires.said()))
    lines = town.log_text()[before:].count("SKS-WIRING")
    expect(f"a flood of {sum(poured)} made-up devices is a few lines", lines * 100 <= sum(poured), lines)
    expect("and the sentry stays small", sentry_kib(town) <= SENTRY_KIB_MAX, sentry_kib(town))
    wires.take()


def watched(town):
    """The wires of a town whose daemon was started just now."""
    await_true("the sentry runs", lambda: town.role_pid("sentry"))
    wires = Wires(town)
    wires.settle()
    wires.take()
    return wires


def main():
    skip_unless_possible()
    with Town(hosts=PLACES) as town:
        town.edit_config('dhcp_servers = [ "jikoku-sv" ];', 'dhcp_servers = [ "dhcp" ];')
        town.edit_config("hosts = (", f'hosts = ( {{ name = "dhcp"; zone = "lgwan"; addresses = [ "{DHCP_SERVER}" ]; macs = [ "02:00:00:02:00:67" ]; }},')
        town.start_daemon()
        wires = watched(town)
        for part in (check_ordinary, check_devices, check_addresses, check_services, check_vlans, check_cable, check_records, check_signals, check_interfaces,
                     check_restart, check_flood, check_time, check_broken_file):
            part(wires)
        expect("the daemon stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    main()
