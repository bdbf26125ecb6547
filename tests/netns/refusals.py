#!/usr/bin/python3
"""What is refused is written down: by pair of zones and reason, with sender and receiver, and every packet is counted.

Real packets of several pairs and reasons; then the witness and the enforcer are killed while packets come, a table is flushed, and a flood comes of which only a
little is logged. The counts of `sekisho refusals` must be those of what was sent, each time.

SEKISHO_STORM (60000) is how many packets the flood has.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from flood import Flood, frame  # noqa: E402
from town import HOSTS, SOURCE, ZONES, Town, await_true, inside, skip_unless_possible  # noqa: E402

PLACES = ["jumin-tanmatsu", "shokuin-pc", "inet-tanmatsu", "cloud-dns"]
SEKISHO = os.path.join(os.environ.get("SEKISHO_BUILD") or os.path.join(SOURCE, "build"), "sekisho")
STORM_ALARM_FROM = 2 * 16 * 1000  # src/sekishod/storm.h: 1,000 a second over a window, whose 10 seconds end with a reading; two may share the flood
STORM = int(os.environ.get("SEKISHO_STORM", "60000"))
WITNESS_KIB_MAX = 64 * 1024
DISCARD = 9
TCP_PORT = 4711


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


class Record:
    """What `sekisho refusals` says, and what it should say."""

    def __init__(self, town):
        self.town = town
        self.path = os.path.join(town.state_dir, "events", "events.db")
        self.sent = {}

    def command(self, *words, json_too=True):
        return subprocess.run([SEKISHO, "--config", self.town.config, "--lang", "en"] + (["--json"] if json_too else [])
                              + ["refusals", "--events", self.path] + list(words), capture_output=True, text=True, check=False)

    def read(self, *words):
        result = self.command(*words)
        if result.returncode == 3 and "no record" in result.stderr:
            return {"counts": [], "refusals": [], "gaps": []}
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def counts(self):
        """(from, to, reason) -> packets, without broadcast and multicast."""
        return {(row["from"], row["to"], row["reason"]): row["packets"] for row in self.read()["counts"] if row["reason"] != "quiet"}

    def note(self, source, target, reason, count):
        self.sent[source, target, reason] = self.sent.get((source, target, reason), 0) + count

    def agree(self, what):
        await_true(f"{what}: counted {self.counts()}, sent {self.sent}", lambda: self.counts() == self.sent)
        print(f"ok: {what}: every packet is counted: {sum(self.sent.values())}")

    def rows(self, **words):
        """The rows of detail with these values."""
        return [row for row in self.read("--limit", "0")["refusals"] if all(row[key] == value for key, value in words.items())]


def datagrams(town, place, address, port, count):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(town.namespace(place)), socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for _ in range(count):
            sender.sendto(b"x", (address, port))


def gateway_mac(town, interface):
    return json.loads(town.run("gateway", ["ip", "-j", "link", "show", "dev", interface]).stdout)[0]["address"]


def raw(town, place, mac, source, destination, protocol="udp", count=1):
    """Ethernet frames as nobody's own kernel would send them."""
    data = frame((mac, gateway_mac(town, ZONES[HOSTS[place][0]][0])), (source, destination), protocol, (40000, TCP_PORT))
    with inside(town.namespace(place)), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        for _ in range(count):
            sender.send(data)


def check_reasons(town, record):
    datagrams(town, "jumin-tanmatsu", "10.3.0.10", DISCARD, 3)
    record.note("mynumber", "internet", "pair", 3)
    datagrams(town, "inet-tanmatsu", "10.1.0.10", DISCARD, 2)
    datagrams(town, "inet-tanmatsu", "fd00:0:0:1::10", DISCARD, 2)
    record.note("internet", "mynumber", "pair", 4)
    datagrams(town, "shokuin-pc", "10.3.0.10", DISCARD, 5)
    record.note("lgwan", "internet", "flow", 5)
    datagrams(town, "inet-tanmatsu", "192.0.2.53", DISCARD, 4)	# answered: refuse = "reject"
    record.note("internet", "cloud", "flow", 4)
    datagrams(town, "shokuin-pc", "10.2.0.1", DISCARD, 2)
    record.note("lgwan", "gateway", "local", 2)
    raw(town, "shokuin-pc", HOSTS["shokuin-pc"][1], "10.1.0.10", "10.3.0.10", count=3)
    record.note("lgwan", "-", "source", 3)
    raw(town, "jumin-tanmatsu", "02:00:00:00:00:66", "10.1.0.10", "10.2.0.20", count=2)
    record.note("mynumber", "-", "mac", 2)
    raw(town, "shokuin-pc", HOSTS["shokuin-pc"][1], "10.2.0.10", "10.3.0.30", protocol="tcp", count=2)
    record.note("lgwan", "internet", "invalid", 2)	# no connection, and a checksum of zero
    record.agree("several pairs and reasons")


def check_detail(record):
    await_true("all of them are written down", lambda: sum(row["packets"] for row in record.rows()) == sum(record.sent.values()))
    row, = record.rows(reason="pair", source="10.1.0.10")
    expect("a row has the hosts of the file", (row["source_name"], row["destination_name"]) == ("jumin-tanmatsu", "inet-tanmatsu"), row)
    expect("and protocol, port and number", (row["protocol"], row["port"], row["packets"]) == (17, DISCARD, 3), row)
    row, = record.rows(reason="mac")
    expect("a wrong MAC is told", row["mac"] == "02:00:00:00:00:66", row)
    row, = record.rows(reason="flow", to="cloud")
    expect("what was answered is written down as well", row["packets"] == 4, row)
    expect("IPv6 has its row", len(record.rows(destination="fd00:0:0:1::10")) == 1)
    expect("a zone is asked for", {row["reason"] for row in record.read("--zone", "cloud")["refusals"]} == {"flow"})
    text = record.command(json_too=False).stdout
    expect("people are told what to do", "no flow at all is allowed" in text and "  > " in text, text)
    expect("a time that is none is refused", record.command("--since", "yesterday").returncode == 2)


def check_talkers(town, record):
    talkers = re.findall(r"SKS-NEW-TALKER: .* from=lgwan to=internet .* source=(\S+)", town.log_text())
    expect("who is refused for the first time is told", talkers == ["10.2.0.10"], talkers)
    expect("broadcast is counted", any(row["reason"] == "quiet" for row in broadcast(town, record)))
    expect("and is no alarm", "reason=quiet" not in town.log_text() and not record.rows(reason="quiet"))


def broadcast(town, record):
    datagrams(town, "shokuin-pc", "10.2.0.255", DISCARD, 2)
    await_true("broadcast is counted", lambda: [row for row in record.read()["counts"] if (row["from"], row["reason"]) == ("lgwan", "quiet")])
    return record.read()["counts"]


def check_status(town, record):
    result = subprocess.run([SEKISHO, "--json", "--socket", os.path.join(town.run_dir, "control"), "status", "--events", record.path], capture_output=True,
                            text=True, check=False)
    expect("the status says how much was refused", json.loads(result.stdout)["refused_today"]["packets"] == sum(record.sent.values()), result)


def check_killed(town, record, role):
    """Packets come while the role is dead; what waits in the kernel's log, and the counters, are taken by the next one."""
    victim = town.role_pid(role)
    os.kill(victim, signal.SIGKILL)
    datagrams(town, "shokuin-pc", "10.3.0.10", DISCARD + 1, 5)
    record.note("lgwan", "internet", "flow", 5)
    await_true(f"another {role}", lambda: town.role_pid(role) not in (None, victim))
    record.agree(f"the {role} was killed")


def check_gap(record):
    gaps = [gap for gap in record.read()["gaps"] if gap["what"] == "witness"]
    expect("the gap is recorded", len(gaps) == 1, gaps)


def check_restart(town, record):
    expect("the daemon stops", town.stop_daemon() == 0)
    datagrams(town, "shokuin-pc", "10.3.0.10", DISCARD, 6)
    record.note("lgwan", "internet", "flow", 6)
    town.start_daemon()
    record.agree("the daemon was not there")


def check_flushed(town, record):
    """Counters that began anew: what they count from then on is added, and what is not known is said."""
    town.run("gateway", ["nft", "flush", "ruleset"])
    await_true("repaired", lambda: "was repaired" in town.log_text())
    datagrams(town, "jumin-tanmatsu", "10.3.0.10", DISCARD, 3)
    record.note("mynumber", "internet", "pair", 3)
    record.agree("everything was flushed")


def witness_kib(town):
    with open(f"/proc/{town.role_pid('witness')}/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read())[1])


def check_storm(town, record):
    """Forged ports: each packet is another one to whoever would write them all down."""
    names = [(town.namespace(place), "eth0") for place in ("shokuin-pc", "inet-tanmatsu")]
    data = frame((HOSTS["shokuin-pc"][1], gateway_mac(town, "lg0")), ("10.2.0.10", "10.3.0.10"), "udp", (40000, TCP_PORT))
    before = len(record.rows())
    answer = Flood(names, [("fresh", 0, 0, 1, data)], count=STORM).result()
    record.note("lgwan", "internet", "flow", answer["streams"][0]["sent"])
    expect("none of it arrives", answer["streams"][0]["received"] == 0, answer)
    print(f"refused {STORM} packets in {answer['elapsed_ns'] / 1e9:.2f} s")
    record.agree("a flood")
    expect("as one row", len(record.rows()) == before + 1)
    expect("the witness stays small", witness_kib(town) <= WITNESS_KIB_MAX, witness_kib(town))
    if STORM >= STORM_ALARM_FROM:
        await_true("that many at a time are an alarm", lambda: "SKS-STORM: refusals come very fast" in town.log_text())


def check_follow(town, record):
    with subprocess.Popen([SEKISHO, "--config", town.config, "--lang", "en", "refusals", "--events", record.path, "-f"], stdout=subprocess.PIPE,
                          text=True) as follower:
        def send():
            datagrams(town, "shokuin-pc", "10.3.0.10", DISCARD + 2, 1)
            record.note("lgwan", "internet", "flow", 1)
        # It shows what comes after its start, whose moment is not known from here.
        os.set_blocking(follower.stdout.fileno(), False)
        await_true("the follower speaks", lambda: send() or (follower.stdout.readline() or "").find(f"udp/{DISCARD + 2}") > 0)
        follower.kill()
    print("ok: -f shows what comes")


def main():
    skip_unless_possible("nft")
    with Town(hosts=PLACES, owner=False) as town:
        town.start_daemon()
        record = Record(town)
        check_reasons(town, record)
        check_detail(record)
        check_talkers(town, record)
        check_status(town, record)
        check_killed(town, record, "witness")
        check_gap(record)
        check_killed(town, record, "enforcer")
        check_killed(town, record, "planner")
        check_storm(town, record)
        check_follow(town, record)
        check_restart(town, record)
        check_flushed(town, record)
        expect("the daemon stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    main()
