#!/usr/bin/python3
"""What sekisho shows of its rules is a program nft loads, and so is what nft lists of them: all three are the same rules.

For each policy: the text of `sekisho show --nft --file` goes into a fresh network by `nft -f`, what nft lists there goes into another
one, and the daemon puts the same file in force in a third. The rules read back from the three kernels must be the same text.
"""

import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zone_file  # noqa: E402
from town import SOURCE, Town, skip_unless_possible  # noqa: E402

SEKISHO = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
INTERFACES = ("mn0", "lg0", "in0", "up0")
FAMILIES = ("inet", "netdev", "bridge")


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what}\n{detail}")
    print(f"ok: {what}")


# ---- policies

def without_flows():
    return zone_file.town_policy()


def of_every_kind():
    """Every kind of set, key and element that the compiler makes: families, ranges, overlaps, expiry, protocols without ports, answers."""
    policy = zone_file.town_policy()
    policy["zones"][1]["hairpin"] = True
    policy["hosts"] += [
        zone_file.host("jumin", "mynumber", ["10.1.0.10", "fd00:0:0:1::10"], "02:00:00:01:00:10"),
        zone_file.host("juki", "lgwan", ["10.2.0.20", "fd00:0:0:2::20"], "02:00:00:02:00:20"),
        zone_file.host("gamen", "internet", ["10.3.0.30", "fd00:0:0:3::30"], "02:00:00:03:00:30"),
    ]
    out, up = ("lgwan", "internet"), ("internet", "cloud")
    policy["flows"] = [
        zone_file.specified_flow("特定通信", ("mynumber", "lgwan"), "jumin", "juki", "tcp", 443, 8443),
        zone_file.flow("screen", out, "screen", "10.2.0.0/25", "gamen", "tcp", 3389),
        zone_file.exception_flow("wide", out, "10.2.1.3-10.2.3.77", "10.3.4.0/23", "tcp", "1-65535"),
        zone_file.exception_flow("wide-again", out, "10.2.2.0/23", "10.3.4.128-10.3.5.9", "tcp", "400-460", 8080),
        zone_file.exception_flow("ping", out, "10.2.0.5", "gamen", "icmp"),
        zone_file.exception_flow("tunnel", out, "juki", "gamen", "gre"),
        zone_file.exception_flow("sctp", out, "juki", "gamen", "sctp", "2904-2905"),
        zone_file.internal_flow("web", up, "10.3.0.0/25", "any", "tcp", 80, 443),
        zone_file.internal_flow("web6", up, "fd00:0:0:3::/64", "any", "tcp", 443),
        zone_file.internal_flow("dns", up, "any", "cloud-dns", "udp", 53),
        zone_file.internal_flow("odd", up, "gamen", "any", "99"),
    ]
    policy["refusals"] = [{"from": "internet", "to": "cloud", "refuse": "reject"}]
    policy["gateway"] = {
        "services": [gateway_service("ssh", "lgwan", "juki", "tcp", 22), gateway_service("ping-gateway", "lgwan", "any", "icmp")],
        "egress": [{"name": "ntp", "user": "root", "zone": "lgwan", "destination": "juki", "protocol": "udp", "ports": ["123"]}],
    }
    return policy


def gateway_service(name, zone, source, protocol, *ports):
    service = {"name": name, "zone": zone, "source": source, "protocol": protocol}
    return dict(service, ports=[str(port) for port in ports]) if ports else service


def of_many():
    """So many elements that they take several messages; names at their longest."""
    policy = zone_file.town_policy()
    up = ("internet", "cloud")
    for i in range(3000):
        policy["flows"].append(zone_file.internal_flow(f"{'n' * 54}-{i:05}", up, f"10.3.{i // 250}.{i % 250}", "cloud-dns", "tcp", 1000 + i))
    for i in range(500):
        policy["flows"].append(zone_file.internal_flow(f"range-{i}", up, f"10.3.{i % 250}.0/27", "cloud-dns", "udp", f"{2000 + i}-{2500 + i}"))
    return policy


POLICIES = (("the example", None), ("no flow", without_flows), ("every kind", of_every_kind), ("many", of_many))


# ---- networks that only have the interfaces

class Bare:
    """A network namespace with the interfaces of the town's gateway, made in the same order, and nothing else."""

    count = 0

    def __enter__(self):
        Bare.count += 1
        self.name = f"skbare{os.getpid()}-{Bare.count}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        for interface in INTERFACES:
            self.run(["ip", "link", "add", interface, "type", "veth", "peer", "name", f"p-{interface}"])
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "del", self.name], check=False)

    def run(self, command, **more):
        return subprocess.run(["ip", "netns", "exec", self.name] + command, capture_output=True, text=True, check=False, **more)


def load(network, text, what):
    result = network.run(["nft", "-f", "-"], input=text)
    check(f"{what}: nft loads it", result.returncode == 0, result.stderr[:2000])


def listing(run):
    """What nft lists of our tables. It writes an empty word for flags that it does not know, and would not read that."""
    text = ""
    for family in FAMILIES:
        result = run(["nft", "list", "table", family, "sekisho"])
        if result.returncode != 0:
            raise AssertionError(f"nft cannot list table {family} sekisho: {result.stderr}")
        text += result.stdout
    return re.sub(r"^\tflags .*\n", "", text, flags=re.M)


def live(run, what):
    """The rules in the kernel as sekisho decodes them, without what is left of their time."""
    result = run([SEKISHO, "show", "--nft"])
    check(f"{what}: sekisho knows everything in it", result.returncode == 0 and not result.stderr, result.stderr)
    return normal(result.stdout)


def normal(text):
    """Time goes on."""
    return re.sub(r"timeout \d+s", "timeout", text)


def without_users(text):
    """The lines without numbers of users, and without the identities made of them: for a file that is only shown they are made up."""
    text = re.sub(r"^(\t+)\d+(?=,?$| \. \")", r"\1USER", text, flags=re.M)
    return sorted(line.rstrip(",") for line in re.sub(r" [0-9a-f]{32}\"", '"', text).splitlines())


def difference(a, b):
    lines = set(a.splitlines()) ^ set(b.splitlines())
    return "\n".join(sorted(lines)[:20])


# ---- the test

def check_policy(name, make):
    with Town(hosts=[]) as town:
        if make:
            zone_file.write(town.config, make())
        shown = subprocess.run([SEKISHO, "show", "--nft", "--file", town.config], capture_output=True, text=True, check=False)
        check(f"{name}: the file is shown", shown.returncode == 0, shown.stdout + shown.stderr)
        with Bare() as first, Bare() as second:
            load(first, shown.stdout, f"{name}, the shown file")
            loaded = live(first.run, f"{name}, loaded")
            check(f"{name}: the kernel holds what the file shows", loaded == normal(shown.stdout), difference(loaded, normal(shown.stdout)))
            load(second, listing(first.run), f"{name}, what nft lists")
            listed = live(second.run, f"{name}, listed and loaded")
            check(f"{name}: it is the same again", listed == loaded, difference(listed, loaded))
        check_daemon(name, town, loaded)


def check_daemon(name, town, loaded):
    """What the daemon installs is listed and loaded as well. A file that is only shown has made-up users."""
    def run(command):
        return town.run("gateway", command, check=False)

    town.start_daemon()
    installed = live(run, f"{name}, installed by the daemon")
    check(f"{name}: the daemon installs what the file shows", without_users(installed) == without_users(loaded),
          difference(installed, loaded))
    with Bare() as third:
        load(third, listing(run), f"{name}, what nft lists of the daemon's rules")
        again = live(third.run, f"{name}, listed from the gateway")
        check(f"{name}: and that is the same", again == installed, difference(again, installed))
    check(f"{name}: the daemon stops", town.stop_daemon() == 0)


def main():
    skip_unless_possible("nft")
    for name, make in POLICIES:
        check_policy(name, make)


if __name__ == "__main__":
    main()
