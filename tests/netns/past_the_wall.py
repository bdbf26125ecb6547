#!/usr/bin/python3
"""Ways past the rules are found, each by its name: bridges, programs, traffic control, tables of others, interfaces that sit on others, and more.

Each is made as root would make it. Where a way carries packets, real frames are sent from the Internet tier to the My Number tier (or from a zone to another
that has a flow to it) and must arrive, so that what is warned of is known to be one. The status must then name the way by its finding, the log must tell it
once, and when it is taken away it must be gone from the status. What is prevented is tried as well: none may arrive, and switches are set back.
"""

import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bypass import (ATTACH_TCX_INGRESS, ATTACH_XDP, FRAMES, PROGRAM_TC, PROGRAM_XDP, SYS_BPF, XDP_GENERIC, Path, attach_redirect,  # noqa: E402
                    make_legacy_table)
from packets import TCP  # noqa: E402
from town import HOSTS, SOURCE, Town, await_true, skip_unless_possible  # noqa: E402

SEKISHO = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
BROADCAST = "ff:ff:ff:ff:ff:ff"
HOSTS_NEEDED = ["inet-tanmatsu", "jumin-tanmatsu", "zei-tanmatsu", "juki-cs", "kanri-tanmatsu", "mukaika-sv"]

# finding: the tables and chains of others that bring it; {0} is the number of a mark that is alive from mn0 to lg0.
FOREIGN = (
    ("foreign-redirect", "table netdev other {{ chain c {{ type filter hook ingress device in0 priority 0; fwd to mn0; }} }}"),
    ("foreign-redirect", "table netdev other {{ chain c {{ type filter hook egress device lg0 priority 0; fwd to in0; }} }}"),
    ("foreign-redirect", "table ip other {{ chain c {{ type filter hook prerouting priority 0; dup to 10.1.0.10 device mn0; }} }}"),
    ("foreign-handover", "table inet other {{ chain c {{ type filter hook postrouting priority 300; udp dport 9 queue; }} }}"),
    ("foreign-handover", "table ip other {{ chain c {{ type filter hook prerouting priority -150; udp dport 9 tproxy to :9; }} }}"),
    ("foreign-rewrite", "table inet other {{ chain c {{ type filter hook prerouting priority -140; udp dport 9 ct mark set {0}; }} }}"),
    ("foreign-rewrite", "table inet other {{ chain c {{ type filter hook postrouting priority 300; udp dport 9 udp dport set 53; }} }}"),
    ("foreign-rewrite", "table inet other {{ chain c {{ udp dport 9 ip daddr set 10.1.0.10; }} }}"),
    ("foreign-nat", "table ip other {{ chain c {{ type nat hook postrouting priority 100; udp dport 9 masquerade; }} }}"),
    ("foreign-nat", "table inet other {{ chain c {{ type nat hook prerouting priority -100; udp dport 9 dnat ip to 10.1.0.10; }} }}"),
    ("foreign-mark", "table inet other {{ chain c {{ type filter hook prerouting priority -300; udp dport 9 notrack; }} }}"),
    ("foreign-mark", "table ip other {{ chain c {{ type route hook output priority 0; udp dport 9 meta mark set 7; }} }}"),
    ("foreign-flowtable", "table inet other {{ flowtable f {{ hook ingress priority 0; devices = {{ in0, mn0 }}; }} }}"),
    ("foreign-flowtable", "table inet other {{ flags dormant; flowtable f {{ hook ingress priority 0; devices = {{ in0, mn0 }}; }} }}"),  # stays at its interfaces
    ("foreign-filter", "table inet other {{ chain c {{ type filter hook forward priority 10; policy drop; }} }}"),
    ("foreign-filter", "table ip other {{ chain c {{ type filter hook forward priority 10; udp dport 9 reject; }} }}"),
)

NOTES = ("foreign-filter", "hook-program")  # below the level that is logged when they come

# What only looks, counts or accepts is nobody's business, at whatever priority, and neither is a table that is switched off.
HARMLESS = (
    "table inet other {{ chain c {{ type filter hook forward priority -300; policy accept; accept; }} }}",
    "table ip other {{ chain c {{ type filter hook prerouting priority 300; ct state established ip ttl 5 counter log accept; }} }}",
    "table inet sleeper {{ flags dormant; chain c {{ type filter hook postrouting priority 0; udp dport 9 udp dport set 53; }} }}",
)


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


class Wall:
    def __init__(self, town):
        self.town = town
        self.to_mynumber = Path(town, "inet-tanmatsu", "jumin-tanmatsu", "zei-tanmatsu")
        self.to_lgwan = Path(town, "jumin-tanmatsu", "juki-cs", "kanri-tanmatsu")
        self.leaving = Path(town, "jumin-tanmatsu", "inet-tanmatsu", "mukaika-sv", goal="juki-cs", protocol=TCP)
        town.ip("gateway", f"neigh replace {HOSTS['juki-cs'][2]} lladdr {HOSTS['juki-cs'][1]} dev lg0 nud permanent")

    def mac(self, interface):
        return re.search(r"link/ether (\S+)", self.town.ip("gateway", f"link show dev {interface}"))[1]

    def arrived(self):
        """How many frames from the Internet tier arrive in the My Number tier."""
        return self.to_mynumber.count(self.mac("in0"))

    def astray(self):
        """How many packets of the specified flow from the My Number tier to the LGWAN tier arrive in the Internet tier."""
        return self.leaving.count(self.mac("mn0"), 443)

    def survey(self):
        return sorted(finding["id"] for finding in self.town.status()["survey"])

    def told(self, finding):
        return self.town.log_text().count(f"finding={finding}\n")

    def check_way(self, finding, make, take_away, passes=None, also=()):
        """passes: counts the frames that arrive over the way, when it carries any; also: findings that come with it."""
        before, wanted = self.told(finding), sorted([finding, *also])
        telling = 0 if finding in NOTES else wanted.count(finding)
        made = make()
        await_true(f"{finding} is found: {wanted}", lambda: self.survey() == wanted)
        expect(f"{finding}: the log tells it", self.told(finding) == before + telling, self.town.log_text())
        if passes:
            count = passes()
            expect(f"{finding}: {count} of {FRAMES} frames passed the rules", count > 0)
        take_away(made)
        await_true(f"{finding} is gone", lambda: not self.survey())
        expect(f"{finding}: and the log tells that", self.told(finding) == before + telling + wanted.count(finding), self.town.log_text())
        expect(f"{finding}: and nothing passes any more", self.arrived() == 0 and self.astray() == 0)

    def check_ip(self, finding, make, take_away, passes=None, also=()):
        """The same with commands of ip(8)."""
        self.check_way(finding, lambda: self.town.ip("gateway", make), lambda _: self.town.ip("gateway", take_away), passes, also)

    # ---- tables of others

    def nft(self, text, check=True, options=()):
        """Loads a text; whether that could be done, if it is not to be checked."""
        result = self.town.run("gateway", ["nft", *options, "-f", "-"], check=False, input=text.replace("} }", "}\n}"))
        if check and result.returncode != 0:
            raise AssertionError(f"{text}: {result.stderr}")
        return result.returncode == 0

    def forge(self):
        """Frames from the My Number tier to a port of the LGWAN tier that no flow names."""
        return self.to_lgwan.count(self.mac("mn0"))

    def check_foreign(self):
        mark = re.search(r'(0x[0-9a-f]+) \. "mn0" \. "lg0"', self.town.run("gateway", ["nft", "list", "set", "inet", "sekisho", "live"]).stdout)[1]
        expect("no flow is there for what is forged", self.forge() == 0)
        for finding, text in FOREIGN:
            if not self.nft(text.format(mark), check=False, options=["-c"]):
                print(f"absent: {text}")
                continue
            passes = self.astray if "egress" in text else self.arrived if "fwd to" in text else self.forge if "ct mark set" in text else None
            self.check_way(finding, lambda text=text: self.nft(text.format(mark)),
                           lambda _, text=text: self.nft("delete table " + " ".join(text.split()[1:3])), passes)
        for text in HARMLESS:
            self.nft(text.format())
        # What is found last is there when everything before has been looked at.
        self.check_ip("policy-route", "rule add from 10.3.0.0/24 lookup 100 priority 1000", "rule del priority 1000")
        for text in HARMLESS:
            self.nft("delete table " + " ".join(text.split()[1:3]))

    # ---- interfaces

    def check_bridge_drops(self):
        """Two zones in one bridge: found, and what is bridged is dropped."""
        self.town.write_sysctl("gateway", "net/bridge/bridge-nf-call-iptables", 0)
        for words in ("link set br0 up", "link set in0 master br0", "link set mn0 master br0"):
            self.town.ip("gateway", words)
        await_true("both are found", lambda: self.survey() == ["interface-in-bridge", "interface-in-bridge", "interface-without-zone"])
        expect("what is bridged between zones is dropped", self.to_mynumber.count(BROADCAST) == 0)
        for words in ("link set in0 nomaster", "link set mn0 nomaster", "link set br0 down"):
            self.town.ip("gateway", words)
        await_true("both are gone", lambda: not self.survey())

    def redirect_by_tc(self):
        self.town.run("gateway", ["tc", "qdisc", "add", "dev", "in0", "clsact"])
        self.town.run("gateway", "tc filter add dev in0 ingress protocol all u32 match u32 0 0 action mirred egress redirect dev mn0".split())

    def redirect_what_leaves(self, parent):
        for words in ("qdisc add dev lg0 root handle 1: htb", "class add dev lg0 parent 1: classid 1:7 htb rate 1gbit",
                      f"filter add dev lg0 parent {parent} protocol all u32 match u32 0 0 action mirred egress redirect dev in0"):
            self.town.run("gateway", ["tc", *words.split()])

    def check_programs(self):
        self.check_way("interface-tc", self.redirect_by_tc, lambda _: self.town.run("gateway", ["tc", "qdisc", "del", "dev", "in0", "clsact"]), self.arrived)
        # At a class nothing comes by the filter before something sorts into the class; it is found all the same.
        for parent, passes in (("1:", self.astray), ("1:7", None)):
            self.check_way("interface-tc-filter", lambda parent=parent: self.redirect_what_leaves(parent),
                           lambda _: self.town.run("gateway", ["tc", "qdisc", "del", "dev", "lg0", "root"]), passes)
        for finding, program, attach, flags in (("interface-xdp", PROGRAM_XDP, ATTACH_XDP, XDP_GENERIC), ("interface-tcx", PROGRAM_TC, ATTACH_TCX_INGRESS, 0)):
            try:
                os.close(attach_redirect(self.town, "strange0", "strange1", program, attach, flags))
            except (OSError, TypeError) as error:
                print(f"absent: {finding}: {error}")
                continue
            self.check_way(finding, lambda p=program, a=attach, f=flags: attach_redirect(self.town, "in0", "mn0", p, a, f), os.close, self.arrived)

    def check_child(self):
        """Two interfaces that sit on those of two zones go to another namespace, which forwards between them."""
        mole = self.town.namespace("mole")
        subprocess.run(["ip", "netns", "add", mole], check=True)
        self.town.namespaces.append(mole)
        self.town.write_sysctl("mole", "net/ipv4/ip_forward", 1)
        self.check_ip("interface-child", "link add mv0 link mn0 type macvlan mode bridge", "link del mv0")
        for name, lower, address in (("mv0", "mn0", "10.1.0.66"), ("mv1", "in0", "10.3.0.66")):
            self.town.ip("gateway", f"link add {name} link {lower} type macvlan mode bridge")
            self.town.ip("gateway", f"link set {name} netns {mole}")
            self.town.ip("mole", f"addr add {address}/24 dev {name}")
            self.town.ip("mole", f"link set {name} up")
        mac = re.search(r"link/ether (\S+)", self.town.ip("mole", "link show dev mv1"))[1]
        await_true("interface-shared is found", lambda: self.survey() == ["interface-shared", "interface-shared"])
        count = self.to_mynumber.count(mac)
        expect(f"interface-shared: {count} of {FRAMES} frames passed the rules", count > 0)
        self.town.ip("mole", "link del mv0")
        self.town.ip("mole", "link del mv1")
        await_true("interface-shared is gone", lambda: not self.survey())

    def check_if_possible(self, finding, make, take_away, also=()):
        """The same as check_ip(), where this kernel has what is made."""
        try:
            self.town.ip("gateway", make)
        except AssertionError as error:
            print(f"absent: {finding}: {error}")
            return
        self.town.ip("gateway", take_away)
        await_true("it is clean", lambda: not self.survey())
        self.check_ip(finding, make, take_away, also=also)

    def check_interfaces(self):
        self.check_ip("interface-without-zone", "link set strange0 up", "link set strange0 down")
        self.check_if_possible("tunnel", "link add vx0 type vxlan id 5 dstport 4789 dev in0", "link del vx0")
        self.check_if_possible("route-encap", "route add 10.77.0.0/24 encap ip id 5 dst 10.3.0.30 dev in0", "route del 10.77.0.0/24")
        self.check_if_possible("route-encap", "route add 10.78.0.0/24 nexthop encap ip id 5 dst 10.3.0.30 via 10.3.0.30 dev in0 nexthop via 10.3.0.10 dev in0",
                               "route del 10.78.0.0/24")
        self.check_if_possible("route-encap", "nexthop add id 7 encap ip id 5 dst 10.3.0.30 dev in0", "nexthop del id 7")
        self.check_if_possible("policy-route", "mrule add priority 1000 iif in0 lookup 7", "mrule del priority 1000")
        self.check_if_possible("policy-route", "-6 mrule add priority 1000 iif in0 lookup 7", "-6 mrule del priority 1000")
        self.check_if_possible("interface-enslaved", "link add hsr0 type hsr slave1 strange0 slave2 mn0", "link del hsr0")
        self.check_if_possible("ipsec-policy", "xfrm policy add dir out src 10.9.0.0/24 dst 10.8.0.0/24 tmpl src 10.3.0.1 dst 10.3.0.30 proto esp mode tunnel",
                               "xfrm policy flush")
        try:
            self.town.ip("gateway", "link add bond0 type bond")
        except AssertionError as error:
            print(f"absent: interface-enslaved: {error}")
            return
        self.check_way("interface-enslaved", lambda: [self.town.ip("gateway", f"link set mn0 {words}") for words in ("down", "master bond0")],
                       lambda _: [self.town.ip("gateway", f"link set mn0 {words}") for words in ("nomaster", "up")])
        self.town.ip("gateway", "link del bond0")

    def check_switches(self):
        """What can be prevented is: switches of IPv4 go back by themselves. One of IPv6 is found."""
        for path in ("ipv4/conf/mn0/proxy_arp", "ipv4/conf/in0/send_redirects", "ipv4/conf/all/accept_source_route"):
            self.town.write_sysctl("gateway", f"net/{path}", 1)
            expect(f"{path} was on", True)
            await_true(f"{path} is set back", lambda path=path: self.town.read_sysctl("gateway", f"net/{path}") == "0")
        await_true("and nothing is left of it", lambda: not self.survey())
        expect("the log tells it", "set back interface=mn0 name=proxy_arp" in self.town.log_text(), self.town.log_text())
        self.check_way("interface-proxy", lambda: self.town.write_sysctl("gateway", "net/ipv6/conf/mn0/proxy_ndp", 1),
                       lambda _: self.town.write_sysctl("gateway", "net/ipv6/conf/mn0/proxy_ndp", 0))

    # ---- the end

    def sekisho(self, *command):
        control = ["--socket", os.path.join(self.town.run_dir, "control"), "--lang", "en"]
        return self.town.run("gateway", [SEKISHO, *control, *command], check=False).stdout

    def check_legacy(self):
        """The last, because such a table does not go away before its namespace does; `sekisho verify` and `status` say it."""
        if not make_legacy_table(self.town, "nat"):
            print("absent: legacy-table")
            return
        await_true("legacy-table is found", lambda: "legacy-table" in self.survey())
        for command in (["status"], ["verify", "--file", self.town.config]):
            text = self.sekisho(*command)
            expect(f"sekisho {command[0]} says it", "iptables-legacy -t nat" in text, text)


def main():
    skip_unless_possible("tc", "nft")
    with Town(hosts=HOSTS_NEEDED) as town:
        town.ip("gateway", "link add strange0 type veth peer name strange1")
        town.ip("gateway", "link add br0 type bridge")
        town.start_daemon()
        wall = Wall(town)
        expect("there is nothing at first", not wall.survey())
        expect("and nothing passes", wall.arrived() == 0)
        wall.check_bridge_drops()
        if SYS_BPF:
            wall.check_programs()
        wall.check_foreign()
        wall.check_child()
        wall.check_interfaces()
        wall.check_switches()
        wall.check_legacy()
        expect("the daemon stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    main()
