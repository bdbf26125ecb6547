#!/usr/bin/python3
"""A pair of zones has so many connections at most: then no other of it begins, in either family, but those of critical flows, while other pairs and what runs
go on; refusals are counted to the packet; when connections end, others may begin. A changed limit changes no rule and cuts nothing.
"""

import contextlib
import json
import os
import re
import resource
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, Town, await_true, inside, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
LIMIT, MORE, LESS = 200, 260, 50
CLIENT, SERVER = ("shokuin-pc", "10.2.0.10"), ("gamen-server", {socket.AF_INET: "10.3.0.30", socket.AF_INET6: "fd00:0:0:3::30"})
PORT, CRITICAL_PORT, DNS_PORT = 3389, 3390, 53
FAMILIES = (socket.AF_INET, socket.AF_INET6)
VERB_ISOLATE, VERB_RELEASE = 37, 38
CRITICAL_FLOW = """flows = (
	{ name = "j-alert"; from = "lgwan"; to = "internet"; method = "screen"; source = "shokuin-pcs"; destination = "gamen-server";
	  protocol = "tcp"; ports = [ %d ]; critical = true; },
""" % CRITICAL_PORT


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


class Server:
    """Takes connections at a place and gives back what comes."""

    def __init__(self, town, place, port, address=""):
        self.connections = []
        with inside(town.namespace(place)):
            self.listener = socket.create_server((address or "::", port), family=FAMILIES[not address], backlog=1000, dualstack_ipv6=not address)

    def accept(self):
        self.listener.settimeout(10)
        self.connections.append(self.listener.accept()[0])
        return self.connections[-1]


class Pair:
    """Connections from the terminal to the server."""

    def __init__(self, town):
        self.town = town
        self.server = Server(town, SERVER[0], PORT)
        self.clients = []

    def begin(self):
        """A connection more, the families in turn; so it has passed when this returns."""
        family = FAMILIES[len(self.clients) % 2]
        with inside(self.town.namespace(CLIENT[0])):
            client = socket.socket(family, socket.SOCK_STREAM)
        client.settimeout(10)
        client.connect((SERVER[1][family], PORT))
        self.clients.append((client, self.server.accept()))

    def fill(self, count):
        while len(self.clients) < count:
            self.begin()

    def end(self, count):
        """Ends so many at once, by a reset."""
        for _ in range(count):
            for end in self.clients.pop(0):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.close()

    def all_go_on(self):
        for client, end in self.clients:
            client.sendall(b"forth")
            end.settimeout(10)
            if end.recv(10) != b"forth":
                return False
            end.sendall(b"back")
            if client.recv(10) != b"back":
                return False
        return True


def try_once(town, port, family=socket.AF_INET):
    """One packet that would begin a connection, and no other: the socket is gone before it would send it again."""
    with inside(town.namespace(CLIENT[0])), socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as client:
        with contextlib.suppress(BlockingIOError):
            client.connect((SERVER[1][family], port))


def crowded(town):
    """The pairs of interfaces between which nothing may begin."""
    listing = json.loads(town.run("gateway", ["nft", "-j", "list", "set", "inet", "sekisho", "crowded"]).stdout)
    return [element["concat"] for item in listing["nftables"] for element in item.get("set", {}).get("elem", [])]


def refused(town):
    """How many packets the kernel has refused for too many connections: by its rule, and between LGWAN and Internet."""
    rule = re.search(r"counter packets (\d+)", town.run("gateway", ["nft", "list", "chain", "inet", "sekisho", "refuse.connections"]).stdout)
    pairs = re.search(r'"lg0" \. "in0" counter packets (\d+)', town.run("gateway", ["nft", "list", "set", "inet", "sekisho", "refused.connections"]).stdout)
    return int(rule[1]), int(pairs[1])


def alarms(town, event):
    result = town.run("gateway", [PROGRAM, "--json", "journal", "--dir", os.path.join(town.state_dir, "journal")])
    return [record["details"] for record in json.loads(result.stdout) if record["event"] == event and record["details"][0] == "SKS-CROWDED"]


def told(town):
    """What `sekisho refusals` counts of it."""
    result = town.run("gateway", [PROGRAM, "--json", "refusals", "--events", os.path.join(town.state_dir, "events", "events.db")], check=False)
    return sum(row["packets"] for row in json.loads(result.stdout)["counts"] if row["reason"] == "connections") if result.returncode == 0 else 0


def rules(town):
    """Without who is crowded."""
    return re.sub(r"set crowded \{.*?\n\t\}", "", town.rules(), flags=re.DOTALL)


def set_limit(town, old, new):
    town.edit_config(f"connections = {old};", f"connections = {new};")
    answer = town.apply()
    expect(f"a limit of {new} is applied", answer["result"] in ("committed", "unchanged"), answer)


def check_refusals(town):
    before = refused(town)
    for _ in range(20):
        for family in FAMILIES:
            try_once(town, PORT, family)
    await_true("all are counted", lambda: refused(town)[0] - before[0] >= 40)
    expect("to the packet, by the pair as well", [after - was for after, was in zip(refused(town), before)] == [40, 40], refused(town))
    await_true("sekisho refusals says the same", lambda: told(town) == refused(town)[0])


def check_others(town, pair):
    critical, dns = Server(town, SERVER[0], CRITICAL_PORT, "10.3.0.30"), Server(town, "cloud-dns", DNS_PORT, "192.0.2.53")
    with inside(town.namespace(CLIENT[0])):
        begun = [socket.create_connection(("10.3.0.30", CRITICAL_PORT), timeout=10)]
    with inside(town.namespace("inet-tanmatsu")):
        begun.append(socket.create_connection(("192.0.2.53", DNS_PORT), timeout=10))
    expect("a critical flow of the same pair goes on, and another pair", critical.accept() and dns.accept())
    expect("what runs goes on", pair.all_go_on())
    for end in begun:
        end.close()


def check_why(town):
    answer = json.loads(town.run("gateway", [PROGRAM, "--json", "why", "--live", "--file", town.config, "10.2.0.10", "10.3.0.30", "tcp", str(PORT)], check=False).stdout)
    expect("sekisho why says so", answer[0]["refusal"] == "connections", answer)


def check_same(town):
    """Who is crowded is no difference from the file."""
    verified = json.loads(town.run("gateway", [PROGRAM, "--json", "verify", "--file", town.config], check=False).stdout)
    planned = json.loads(town.run("gateway", [PROGRAM, "--json", "plan", town.config], check=False).stdout)
    expect("sekisho verify proves the law and finds no difference", verified["proved"] and verified["drift"]["same"], verified)
    expect("nor does sekisho plan", not planned["changes"], planned)


def check_crowded(town, pair):
    pair.fill(LIMIT)
    await_true("the pair is crowded", lambda: crowded(town) == [["lg0", "in0"]])
    await_true("an alarm says so", lambda: alarms(town, "alarm"))
    expect("in words", "from lgwan to internet" in alarms(town, "alarm")[0][1] and f"limit of {LIMIT};" in alarms(town, "alarm")[0][1], alarms(town, "alarm"))
    check_refusals(town)
    check_others(town, pair)
    check_why(town)
    check_same(town)
    expect("isolating says nothing of it", town.request(VERB_ISOLATE, {"zone": "mynumber"})["result"] == "isolated")
    expect("nor releasing", town.request(VERB_RELEASE, {"zone": "mynumber"})["result"] == "released" and crowded(town) == [["lg0", "in0"]])


def check_reload(town, pair):
    before = rules(town)
    set_limit(town, LIMIT, MORE)
    await_true("a larger limit lets in", lambda: crowded(town) == [])
    expect("no rule is another", rules(town) == before)
    pair.fill(LIMIT + 20)
    set_limit(town, MORE, LESS)
    await_true("a smaller one closes", lambda: crowded(town) != [])
    expect("and cuts nothing", pair.all_go_on())
    expect("nor is a rule another", rules(town) == before)
    enforcer = town.role_pid("enforcer")
    os.kill(enforcer, 9)
    await_true("another enforcer comes", lambda: town.role_pid("enforcer") not in (None, enforcer))
    expect("and applies", town.apply()["result"] in ("committed", "unchanged"))
    await_true("and counts again", lambda: crowded(town) != [])
    expect("what runs goes on", pair.all_go_on())
    set_limit(town, LESS, LIMIT)


def main():
    skip_unless_possible("nft", "conntrack")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    with Town(hosts=["shokuin-pc", "gamen-server", "inet-tanmatsu", "cloud-dns"]) as town:
        town.edit_config("flows = (\n", CRITICAL_FLOW)
        town.edit_config("connections = 10000;", f"connections = {LIMIT};")
        town.start_daemon()
        town.write_sysctl("gateway", "net/netfilter/nf_conntrack_tcp_timeout_close", 1)
        pair = Pair(town)
        pair.fill(LIMIT - 1)
        expect("one less than the limit is no alarm", crowded(town) == [] and alarms(town, "alarm") == [])
        check_crowded(town, pair)
        check_reload(town, pair)
        pair.end(60)
        await_true("when connections end others may begin", lambda: crowded(town) == [])
        pair.begin()
        await_true("and the alarm is over", lambda: alarms(town, "alarm-over"))
        expect("it stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    main()
