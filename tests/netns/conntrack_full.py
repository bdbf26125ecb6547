#!/usr/bin/python3
"""The kernel's table of connections fills up: an alarm at 80 percent, none below; it is over below 70; when it is full nothing forbidden passes, and running
connections go on. Who holds more than his share of a table that is so full begins nothing more; others do.

The greatest number of connections is one for all namespaces, so it is not changed: the table of the gateway is filled with real entries, by ctnetlink.
"""

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, Town, await_true, inside, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
ENTRIES_MAX = 1 << 20  # more is not filled in a test
MESSAGES = 300  # in one write

# linux/netlink.h, linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h
NETLINK_NETFILTER, SUBSYSTEM = 12, 1
CT_NEW, CT_DELETE = SUBSYSTEM << 8, SUBSYSTEM << 8 | 2
REQUEST, ACK, EXCLUSIVE_CREATE = 1, 4, 0x600
NESTED = 0x8000
TUPLE_ORIG, TUPLE_REPLY, STATUS, TIMEOUT, MARK, MARK_MASK = 1, 2, 3, 7, 8, 21
STAYS, GOES = 0x7FFF0001, 0x7FFF0002  # marks of no flow
IN_USE = 2 | 4 | 8  # answered, assured, confirmed: not given up for others
VERB_ISOLATE, VERB_RELEASE = 37, 38
UDP = 17


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def attribute(kind, payload):
    return struct.pack("=HH", 4 + len(payload), kind) + payload + b"\0" * (-len(payload) % 4)


def tuple_of(source, destination, sport, dport):
    addresses = attribute(1 | NESTED, attribute(1, source) + attribute(2, destination))
    return addresses + attribute(2 | NESTED, attribute(1, bytes([UDP])) + attribute(2, struct.pack(">H", sport)) + attribute(3, struct.pack(">H", dport)))


def message(kind, flags, payload):
    body = struct.pack("=BBH", socket.AF_INET, 0, 0) + payload
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 1, 0) + body


def entry(number, mark):
    """Connection number so much: 16 bits of it are a port, the others an address. By its mark it is found again."""
    source, destination, port = struct.pack(">I", 0x0A640000 + (number >> 16)), bytes((10, 3, 0, 30)), number & 0xFFFF
    payload = attribute(TUPLE_ORIG | NESTED, tuple_of(source, destination, port, 9)) + attribute(TUPLE_REPLY | NESTED, tuple_of(destination, source, 9, port))
    return message(CT_NEW, EXCLUSIVE_CREATE, payload + attribute(TIMEOUT, struct.pack(">I", 3600))
                   + attribute(STATUS, struct.pack(">I", IN_USE)) + attribute(MARK, struct.pack(">I", mark)))


class Table:
    """The table of connections of the gateway."""

    def __init__(self, town):
        self.town, self.filled = town, 0
        with inside(town.namespace("gateway")):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.settimeout(10)

    def count(self):
        return int(self.town.read_sysctl("gateway", "net/netfilter/nf_conntrack_count"))

    def most(self):
        return int(self.town.read_sysctl("gateway", "net/netfilter/nf_conntrack_max"))

    def fill_to(self, wanted, mark):
        while self.filled < wanted:
            many = min(MESSAGES, wanted - self.filled)
            self.socket.send(b"".join(entry(self.filled + i, mark) for i in range(many)))
            self.filled += many
        assert self.count() >= wanted * 99 // 100, f"{self.count()} of {wanted}"

    def drop(self, mark):
        """All of the mark at once."""
        self.socket.send(message(CT_DELETE, ACK, attribute(MARK, struct.pack(">I", mark)) + attribute(MARK_MASK, b"\xff" * 4)))
        error = struct.unpack_from("=i", self.socket.recv(4096), 16)[0]
        assert error == 0, os.strerror(-error)


def alarms(town, event, name="SKS-CONNTRACK"):
    result = subprocess.run([PROGRAM, "--json", "journal", "--dir", os.path.join(town.state_dir, "journal")], capture_output=True, text=True, check=True)
    return [record["details"] for record in json.loads(result.stdout) if record["event"] == event and record["details"][0] == name]


def await_tally(town, port):
    """Until the witness has read the counters anew: it tells of a refusal with the port, and a minute has many such readings."""
    with inside(town.namespace("shokuin-pc")), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("10.3.0.10", port))
    await_true("the witness has read the counters", lambda: counted(town) > await_tally.before)
    await_tally.before = counted(town)


await_tally.before = 0


def counted(town):
    """What the witness has counted by the kernel's counters."""
    result = subprocess.run([PROGRAM, "--json", "refusals", "--events", os.path.join(town.state_dir, "events", "events.db")], capture_output=True, text=True, check=False)
    return sum(row["packets"] for row in json.loads(result.stdout)["counts"]) if result.returncode == 0 else 0


class Connection:
    """A running connection of the flow gamen-tensou."""

    def __init__(self, town):
        self.town = town
        with inside(town.namespace("gamen-server")):
            self.listener = socket.create_server(("10.3.0.30", 3389))
        with inside(town.namespace("shokuin-pc")):
            self.near = socket.create_connection(("10.3.0.30", 3389), timeout=60)
        self.far, _ = self.listener.accept()
        self.far.settimeout(60)

    def goes_on(self):
        self.near.sendall(b"question")
        asked = self.far.recv(100)
        self.far.sendall(b"answer")
        return (asked, self.near.recv(100)) == (b"question", b"answer")

    def try_another(self):
        """A new connection that is begun, and not waited for."""
        with inside(self.town.namespace("shokuin-pc")):
            another = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            another.connect(("10.3.0.30", 3389))
        return another


def dropped(town):
    """Packets that the kernel dropped because the table was full."""
    return sum(int(number) for number in re.findall(r" drop=(\d+)", town.run("gateway", ["conntrack", "-S"]).stdout))


def check_full(town, table, connection):
    table.fill_to(table.most() - table.count() + table.filled, GOES)
    expect("the table is full", table.count() >= table.most(), table.count())
    another = connection.try_another()
    await_true("the kernel drops who is new", lambda: dropped(town) > 0)
    expect("running connections go on", connection.goes_on())
    with inside(town.namespace("inet-tanmatsu")):
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("10.3.0.10", 4004))
    await_tally(town, 4004)
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        expect("nothing forbidden passes", False, listener.recv(100))
    expect("zones are isolated as ever", town.request(VERB_ISOLATE, {"zone": "lgwan"})["result"] == "isolated")
    expect("and released", town.request(VERB_RELEASE, {"zone": "lgwan"})["result"] == "released")
    another.close()


def crowded(town):
    """The pairs of interfaces between which nothing may begin."""
    listing = json.loads(town.run("gateway", ["nft", "-j", "list", "set", "inet", "sekisho", "crowded"]).stdout)
    return [element["concat"] for item in listing["nftables"] for element in item.get("set", {}).get("elem", [])]


def mark_of(town, flow):
    listing = town.run("gateway", ["nft", "list", "set", "inet", "sekisho", "live"]).stdout
    return int(re.search(rf'(0x[0-9a-f]+) \. "\w+" \. "\w+" comment "{flow} ', listing)[1], 16)


def check_shares(town, table, connection):
    """The Internet tier fills the table by its way out; it has no limit of its own."""
    mark = mark_of(town, "web")
    expect("as long as nobody holds too much, nobody is held", crowded(town) == [])
    table.filled = 0
    table.fill_to(table.most() * 82 // 100, mark)
    await_true("who fills the table begins nothing more", lambda: crowded(town) == [["in0", "up0"]])
    await_true("and an alarm says so", lambda: alarms(town, "alarm", "SKS-CROWDED"))
    expect("in words", "from internet to cloud" in alarms(town, "alarm", "SKS-CROWDED")[0][1], alarms(town, "alarm", "SKS-CROWDED"))
    expect("running connections go on", connection.goes_on())
    with inside(town.namespace("shokuin-pc")), socket.create_connection(("10.3.0.30", 3389), timeout=60):
        expect("and others begin", True)
    table.drop(mark)
    await_true("when he has given it back he may again", lambda: crowded(town) == [])
    await_true("and the alarm is over", lambda: alarms(town, "alarm-over", "SKS-CROWDED"))


def main():
    skip_unless_possible("nft", "conntrack")
    with Town(hosts=["shokuin-pc", "gamen-server", "inet-tanmatsu"]) as town:
        town.start_daemon()
        table, connection = Table(town), Connection(town)
        most = table.most()
        if most > ENTRIES_MAX:
            print(f"SKIP: absent: a table of connections that is filled in a moment (it has {most} places)")
            sys.exit(77)
        await_tally(town, 4001)
        table.fill_to(most * 71 // 100, STAYS)
        table.fill_to(most * 79 // 100, GOES)
        await_tally(town, 4002)
        expect("79 percent are no alarm", alarms(town, "alarm") == [], alarms(town, "alarm"))
        table.fill_to(most * 81 // 100, GOES)
        await_true("81 percent are", lambda: alarms(town, "alarm"))
        expect("which says how many of how many", f"of {most};" in alarms(town, "alarm")[0][1], alarms(town, "alarm"))
        check_full(town, table, connection)
        table.drop(GOES)
        expect("the table is at 71 percent", most * 70 // 100 <= table.count() < most * 72 // 100, table.count())
        await_tally(town, 4003)
        expect("at 71 percent it is not over", alarms(town, "alarm-over") == [])
        table.drop(STAYS)
        await_true("when it is empty it is", lambda: alarms(town, "alarm-over"))
        expect("and was one alarm", len(alarms(town, "alarm")) == 1)
        check_shares(town, table, connection)
        expect("it stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
