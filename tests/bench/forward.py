"""The forwarding part of `make bench`: what a packet costs one processor, with our rules and with those of others.

Each set of rules has a street of its own: client - gateway - server in three network namespaces, the client in the LGWAN tier and the
server in the Internet tier. They are measured in turn, in many short rounds; the figures are medians. With veth the whole way of a
packet is gone by the process that sends it, so that its processor time is the packet's, whatever else the machine does; what the sender
itself takes is part of it.

Every check of ours is in place: the Ethernet type at the interface, the source against its zone (an address that is declared nowhere:
asked are the bound addresses, the hosts among them, and the networks), isolation of both interfaces, routing headers, state, translation,
uplinks, and the mark between these two interfaces. "bound" is the same with a client whose address is bound to its MAC. Only a way out by
an uplink pays besides for the look at its next hop.
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import time

import zone_file
from flood import Flood, frame
from namespace import Namespace, run

ROUNDS = 15
PACKETS = {"fixed": 100000, "fresh": 40000}  # by kind of stream; there are not so many source ports
CLIENT, SERVER, GATEWAY = ("10.2.200.10", "02:00:00:02:00:10"), ("10.3.0.30", "02:00:00:03:00:30"), ("10.2.0.1", "10.3.0.1")
PORT = 1000  # at which the door of the server counts
LINEAR_RULES, FIREWALLD_RULES = 1000, 100
BASELINE = "conntrack that accepts"

CONNTRACK_ONLY = """
table inet bench {
	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		ct state new accept
	}
}
"""

DOOR = """
table netdev door {
	chain in {
		type filter hook ingress device eth0 priority 0;
		udp dport 1000 counter
		drop
	}
}
"""

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
	"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
	<type>system</type>
	<listen>unix:path={path}</listen>
	<auth>EXTERNAL</auth>
	<policy context="default">
		<allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_requested_reply="true"/>
		<allow send_type="signal"/><allow receive_type="method_call"/><allow receive_type="signal"/>
		<allow receive_type="method_return"/><allow receive_type="error"/>
	</policy>
</busconfig>
"""


# ---- rules

def address_of(number):
    """Addresses of LGWAN terminals; the client's is none of the first thousands."""
    return f"10.2.{number >> 8 & 255}.{number & 255}"


def flows(count):
    """So many (source, port), the client's in the middle."""
    result = [(address_of(i), PORT + (i >> 16)) for i in range(count)]
    mine = next((i for i, flow in enumerate(result) if flow == (CLIENT[0], PORT)), count // 2)
    result[mine] = result[count // 2]
    result[count // 2] = (CLIENT[0], PORT)
    return result


def sekisho_rules(build, directory, count, bound=False):
    policy = zone_file.town_policy()
    policy["hosts"].append(zone_file.host("gamen-server", "internet", [SERVER[0]], SERVER[1]))
    if bound:
        policy["hosts"].append(zone_file.host("terminal", "lgwan", [CLIENT[0]], CLIENT[1]))
    for i, (source, port) in enumerate(flows(count)):
        policy["flows"].append(zone_file.flow(f"flow-{i}", ("lgwan", "internet"), "screen", source, "gamen-server", "udp", port))
    path = os.path.join(directory, "forward.conf")
    zone_file.write(path, policy)
    return run([os.path.join(build, "sekisho"), "show", "--nft", "--file", path])


def linear_rules(count):
    """One rule for each flow, as it is mostly done by hand."""
    rules = "".join(f'\t\tiifname "lg0" oifname "in0" ip saddr {source} ip daddr {SERVER[0]} udp dport {port} accept\n'
                    for source, port in flows(count))
    return ("table inet bench {\n\tchain forward {\n\t\ttype filter hook forward priority 0; policy drop;\n"
            "\t\tct state established,related accept\n" + rules + "\t}\n}\n")


def write_firewalld(directory, count):
    """Two zones, and a policy with a rich rule for each flow."""
    for kind in ("zones", "policies"):
        os.makedirs(os.path.join(directory, kind))
    for zone, interface in (("lgwan", "lg0"), ("gamen", "in0")):
        with open(os.path.join(directory, "zones", f"{zone}.xml"), "w", encoding="ascii") as file:
            file.write(f'<zone target="DROP"><interface name="{interface}"/></zone>\n')
    with open(os.path.join(directory, "policies", "screen.xml"), "w", encoding="ascii") as file:
        file.write('<policy target="DROP"><ingress-zone name="lgwan"/><egress-zone name="gamen"/>\n')
        for source, port in flows(count):
            file.write(f'<rule family="ipv4"><source address="{source}"/><destination address="{SERVER[0]}"/>'
                       f'<port port="{port}" protocol="udp"/><accept/></rule>\n')
        file.write("</policy>\n")


@contextlib.contextmanager
def firewalld_running(namespace, directory):
    """firewalld with a bus of its own, as long as the block lasts."""
    bus, configuration = os.path.join(directory, "bus"), os.path.join(directory, "bus.conf")
    with open(configuration, "w", encoding="ascii") as file:
        file.write(BUS.format(path=bus))
    environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={bus}")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    with contextlib.ExitStack() as processes:
        for command in (["dbus-daemon", f"--config-file={configuration}", "--nofork"],
                        ["ip", "netns", "exec", namespace.name, "firewalld", "--nofork", "--nopid", "--system-config", directory,
                         "--log-file", os.path.join(directory, "log"), "--log-target", "file"]):
            process = processes.enter_context(subprocess.Popen(command, **quiet))
            processes.callback(process.terminate)
            deadline = time.monotonic() + 60
            ready = ["firewall-cmd", "--state"] if command[0] == "ip" else ["test", "-S", bus]
            while subprocess.run(ready, check=False, **quiet).returncode != 0:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"bench: {command[0]} does not start")
                time.sleep(0.1)
        yield


def firewalld_rules(directory, count):
    """What firewalld gives the kernel for them; None where it is not installed."""
    if not shutil.which("firewalld") or not shutil.which("dbus-daemon"):
        return None
    directory = os.path.join(directory, "firewalld")
    write_firewalld(directory, count)
    with Namespace() as namespace:
        for interface in ("lg0", "in0"):
            namespace.run(["ip", "link", "add", interface, "type", "veth", "peer", "name", f"p-{interface}"])
        with firewalld_running(namespace, directory):
            return namespace.run(["nft", "--stateless", "list", "ruleset"])


# ---- streets

class Street:
    """client - gateway - server, with cables and no switch; the server drops at its door."""

    def __init__(self, rules):
        self.rules = rules

    def __enter__(self):
        with contextlib.ExitStack() as namespaces:
            self.client, self.gateway, self.server = (namespaces.enter_context(Namespace()) for _ in range(3))
            self._build()
            self._namespaces = namespaces.pop_all()
        return self

    def __exit__(self, *_):
        self._namespaces.close()

    def _build(self):
        for interface, end, own, (address, mac) in (("lg0", self.client, GATEWAY[0], CLIENT), ("in0", self.server, GATEWAY[1], SERVER)):
            self.gateway.run(["ip", "link", "add", interface, "type", "veth", "peer", "name", "eth0", "address", mac, "netns", end.name])
            end.run(["ip", "link", "set", "eth0", "up"])
            self.gateway.run(["ip", "link", "set", interface, "up"])
            self.gateway.run(["ip", "addr", "add", f"{own}/16", "dev", interface])
            self.gateway.run(["ip", "neigh", "replace", address, "lladdr", mac, "dev", interface, "nud", "permanent"])
        for interface in ("mn0", "up0"):
            self.gateway.run(["ip", "link", "add", interface, "type", "veth", "peer", "name", f"p-{interface}"])
        self.gateway.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
        self.server.run(["nft", "-f", "-"], input=DOOR)
        self.gateway.run(["nft", "-f", "-"], input=self.rules)
        self.macs = [json.loads(self.gateway.run(["ip", "-j", "link", "show", "dev", interface]))[0]["address"] for interface in ("lg0", "in0")]

    def delivered(self):
        listing = json.loads(self.server.run(["nft", "-j", "list", "table", "netdev", "door"]))
        return next(part["counter"]["packets"] for item in listing["nftables"] for part in item.get("rule", {}).get("expr", [])
                    if "counter" in part)

    def measure(self, kind):
        """Nanoseconds per packet. A packet now and then comes back, so that a connection is an established one."""
        forth = frame((CLIENT[1], self.macs[0]), (CLIENT[0], SERVER[0]), "udp", (777, PORT))
        back = frame((SERVER[1], self.macs[1]), (SERVER[0], CLIENT[0]), "udp", (PORT, 777))
        streams = [(kind, 0, 0, 0, forth)] + ([("fixed", 10, 1, 0, back)] if kind == "fixed" else [])
        self.gateway.run(["conntrack", "-F"])
        before = self.delivered()
        result = Flood([(self.client.name, "eth0"), (self.server.name, "eth0")], streams, PACKETS[kind]).result()
        sent = result["streams"][0]["sent"]
        if self.delivered() - before != sent:
            raise SystemExit(f"bench: {sent - self.delivered() + before} of {sent} packets were not delivered")
        return result["processor_ns"] / sent


# ---- the figures

def programs_of(build, directory):
    firewalld = firewalld_rules(directory, FIREWALLD_RULES)
    programs = {
        "no rules": "",
        BASELINE: CONNTRACK_ONLY,
        "sekisho, 10 flows": sekisho_rules(build, directory, 10),
        "sekisho, 10 flows, bound": sekisho_rules(build, directory, 10, bound=True),
        "sekisho, 1000 flows": sekisho_rules(build, directory, 1000),
        "sekisho, 100000 flows": sekisho_rules(build, directory, 100000),
        f"{LINEAR_RULES} rules, one per flow": linear_rules(LINEAR_RULES),
    }
    if firewalld:
        programs[f"firewalld, {FIREWALLD_RULES} rich rules"] = firewalld
    return programs


def measure_all(programs):
    """Medians in nanoseconds by (name, kind)."""
    times = {(name, kind): [] for name in programs for kind in PACKETS}
    with contextlib.ExitStack() as stack:
        streets = {name: stack.enter_context(Street(rules)) for name, rules in programs.items()}
        for _ in range(ROUNDS):
            for name, street in streets.items():
                for kind in PACKETS:
                    times[(name, kind)].append(street.measure(kind))
    return {key: statistics.median(values) for key, values in times.items()}


def bench_forward(build, directory, print_table):
    programs = programs_of(build, directory)
    medians = measure_all(programs)
    rows = []
    for name in programs:
        row = [name]
        for kind in PACKETS:
            value, baseline = medians[(name, kind)], medians[(BASELINE, kind)]
            row += [f"{value:.0f}", f"{1e6 / value:.0f}", f"{baseline / value:.2f}"]
        rows.append(row)
    if len(programs) == 7:
        rows.append(["firewalld: not installed"] + [""] * 6)
    print_table(f"forwarding small UDP packets, one processor (medians of {ROUNDS}, interleaved; the sender's work is part of it)",
                ["", "established ns", "kpps", "to conntrack", "new ns", "kpps", "to conntrack"], rows)
    ratio = {kind: medians[("sekisho, 10 flows", kind)] / medians[("sekisho, 100000 flows", kind)] for kind in PACKETS}
    print(f"  100000 flows to 10 flows: established {ratio['fixed']:.2f}, new {ratio['fresh']:.2f}", flush=True)
