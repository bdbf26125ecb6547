#!/usr/bin/python3
"""A zone is isolated: its running connections are cut and no new one begins, whatever the flows say; what lives depend on, and what was named, goes on.

That outlives an apply, the death of each role, a restart, a reboot and a broken file; only a release ends it. The time from the command to the last
packet is printed.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, Town, await_true, inside, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
HOSTS = ["jumin-tanmatsu", "juki-cs", "kanri-tanmatsu", "shokuin-pc", "gamen-server"]
CRITICAL = "critical    = true;"
DEADLINE_S = 60


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def sekisho(town, *words):
    result = town.run("gateway", [PROGRAM, "--lang", "en", "--json", "--socket", os.path.join(town.run_dir, "control")] + list(words), check=False)
    return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr


class Way:
    """A connection from a host to a listener, and the listener for more."""

    def __init__(self, town, source, place, address, port):
        self.town, self.source, self.target = town, source, (address, port)
        with inside(town.namespace(place)):
            self.listener = socket.create_server(self.target)
        self.listener.settimeout(DEADLINE_S)
        self.client, self.server = self.connect()

    def connect(self):
        """A new connection, both ends."""
        client = self.begin()
        server, _ = self.listener.accept()
        server.settimeout(DEADLINE_S)
        return client, server

    def begin(self):
        """A connection that may not come about."""
        with inside(self.town.namespace(self.source)):
            client = socket.socket()
        client.settimeout(DEADLINE_S)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        client.connect_ex(self.target)
        client.settimeout(DEADLINE_S)
        return client

    def round_trip(self):
        """Bytes go there and back."""
        self.client.sendall(b"there")
        assert self.server.recv(5, socket.MSG_WAITALL) == b"there"
        self.server.sendall(b"back")
        assert self.client.recv(4, socket.MSG_WAITALL) == b"back"


    def drain(self):
        """Takes what has arrived, bytes and connections."""
        for end, take in ((self.client, lambda end: end.recv(65536)), (self.server, lambda end: end.recv(65536)),
                          (self.listener, lambda end: end.accept())):
            end.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while take(end):
                    pass
            end.settimeout(DEADLINE_S)


def nothing_arrives(end):
    end.setblocking(False)
    try:
        return end.recv(1) is None
    except BlockingIOError:
        return True
    finally:
        end.settimeout(DEADLINE_S)


def expect_cut(what, way, witness):
    """What is sent, either way and anew, does not arrive before what a witness sends after it."""
    way.client.send(b"x")
    way.server.send(b"y")
    attempt = way.begin()
    for _ in range(3):
        witness.round_trip()
    way.listener.setblocking(False)
    try:
        way.listener.accept()
        arrived = True
    except BlockingIOError:
        arrived = False
    way.listener.settimeout(DEADLINE_S)
    attempt.close()
    expect(what, nothing_arrives(way.client) and nothing_arrives(way.server) and not arrived)


def last_packet_ms(way, cut):
    """Sends without a pause while cut() runs; the time from its beginning to the last packet that arrived, in milliseconds."""
    arrivals, done = [], threading.Event()
    client, server = way.connect()

    def receive():
        server.settimeout(0.02)
        while not done.is_set():
            try:
                server.recv(65536)
                arrivals.append(time.monotonic())
            except TimeoutError:
                pass

    def send():
        client.setblocking(False)
        while not done.is_set():
            try:
                client.send(b"x" * 100)
            except BlockingIOError:
                time.sleep(0.001)

    threads = [threading.Thread(target=receive), threading.Thread(target=send)]
    for thread in threads:
        thread.start()
    await_true("packets flow", lambda: len(arrivals) > 10)
    began = time.monotonic()
    cut()
    ended = time.monotonic()
    count = len(arrivals)
    await_true("the receiver has looked again", lambda: not arrivals[count:] or time.monotonic() - arrivals[-1] > 0.2)
    done.set()
    for thread in threads:
        thread.join()
    return (arrivals[-1] - began) * 1000, (ended - began) * 1000


def is_isolated(town):
    try:
        return [item["zone"] for item in town.status()["isolated"]] == ["lgwan"]
    except OSError:
        return False


def check_isolate(town, ways):
    before = town.rules()
    status, answer = sekisho(town, "isolate", "lgwan", "--except", "ssh", "--drill", "--reason", "訓練")
    expect("a drill tells what goes on", status == 0 and answer["result"] == "drill" and answer["keeps"] == ["juki-shokai", "ssh"], answer)
    expect("and changes nothing", town.rules() == before and not town.status()["isolated"])
    expect("a zone that is none is refused", sekisho(town, "isolate", "nowhere")[0] == 1)
    status, answer = sekisho(town, "release", "lgwan")
    expect("nothing is released that is not isolated", status == 1 and answer["findings"][0]["id"] == "not-isolated", answer)
    outcome = []
    last, took = last_packet_ms(ways["gamen"], lambda: outcome.append(
        sekisho(town, "isolate", "lgwan", "--except", "ssh", "--except", "shh", "--reason", "疑わしい通信")))
    print(f"figure: from the command to the last packet {last:.1f} ms, to its answer {took:.1f} ms")
    status, answer = outcome[0]
    expect("it is isolated", status == 0 and answer["result"] == "isolated" and answer["interfaces"] == 1, answer)
    expect("an exception that is none is told", [finding["id"] for finding in answer["findings"]] == ["exception-unknown"], answer)
    check_in_force(town, ways, "isolated")
    status, answer = sekisho(town, "status")
    expect("the status says so", status == 1 and answer["isolated"][0]["reason"] == "疑わしい通信", answer)


def check_in_force(town, ways, when):
    expect_cut(f"{when}: connections are cut and no new one begins", ways["gamen"], ways["juki"])
    ways["juki"].connect()
    ways["ssh"].round_trip()
    ways["ssh"].connect()
    expect(f"{when}: what lives depend on goes on, and what was named", True)
    expect(f"{when}: the status knows", is_isolated(town), town.status())


def kill_role(town, role):
    victim = town.role_pid(role)
    os.kill(victim, signal.SIGKILL)
    await_true(f"another {role}", lambda: town.role_pid(role) not in (None, victim))
    await_true("it answers", lambda: is_isolated(town) and town.status()["enforcer"]["connected"])


def check_survives(town, ways):
    town.edit_config("ports       = [ 3389 ]", "ports       = [ 3389, 3390 ]")
    expect("an apply is committed", town.apply()["result"] == "committed")
    check_in_force(town, ways, "after an apply")
    for role in ("planner", "enforcer"):
        kill_role(town, role)
        check_in_force(town, ways, f"after another {role}")
    town.run("gateway", ["nft", "flush", "set", "inet", "sekisho", "isolated"])
    await_true("somebody opened it, and it is repaired", lambda: "elements" in town.run("gateway", ["nft", "list", "set", "inet", "sekisho", "isolated"]).stdout)
    # What was sent again in the moment between the change and its repair has passed.
    ways["gamen"].drain()
    check_in_force(town, ways, "after a foreign change")
    town.edit_config("zones = (", "zones = ( nonsense")
    town.stop_daemon()
    town.start_daemon()
    check_in_force(town, ways, "after a start with a broken file")
    expect("with a broken file it can be released", sekisho(town, "release", "lgwan")[1]["result"] == "released")
    ways["gamen"].client, ways["gamen"].server = ways["gamen"].connect()
    expect("released: new connections begin", True)
    expect("and isolated", sekisho(town, "isolate", "lgwan", "--except", "ssh")[1]["result"] == "isolated")
    check_in_force(town, ways, "isolated with a broken file")
    town.edit_config("zones = ( nonsense", "zones = (")
    town.stop_daemon()
    # In this order: after a reboot nothing is forwarded before there are rules.
    town.write_sysctl("gateway", "net/ipv4/ip_forward", 0)
    town.run("gateway", ["nft", "flush", "ruleset"])
    town.start_daemon()
    check_in_force(town, ways, "after a reboot")


def cut_off(town):
    """The interfaces that the kernel cuts off."""
    result = town.run("gateway", ["nft", "-j", "list", "set", "inet", "sekisho", "isolated"], check=False)
    return set(json.loads(result.stdout)["nftables"][1]["set"].get("elem", [])) if result.returncode == 0 else set()


def check_laid_over(town, ways):
    """One isolation is laid over another; what somebody takes away comes back with both, and one is left when the other ends."""
    expect("another zone is isolated as well", sekisho(town, "isolate", "internet")[1]["result"] == "isolated" and cut_off(town) == {"lg0", "in0"})
    expect("and once more, which changes nothing", sekisho(town, "isolate", "internet")[1]["result"] == "isolated" and cut_off(town) == {"lg0", "in0"})
    for taken in (["set", "inet", "sekisho", "isolated"], ["ruleset"]):
        town.run("gateway", ["nft", "flush"] + taken)
        await_true("both are back", lambda: cut_off(town) == {"lg0", "in0"})
    expect("one is released", sekisho(town, "release", "internet")[1]["result"] == "released" and cut_off(town) == {"lg0"})
    town.run("gateway", ["nft", "flush", "ruleset"])
    await_true("the other is back", lambda: cut_off(town) == {"lg0"})
    ways["gamen"].drain()
    check_in_force(town, ways, "after another isolation and its end")


def check_damaged_list(town, ways):
    """What was cut off must not open because its list cannot be read."""
    town.stop_daemon()
    with open(os.path.join(town.state_dir, "isolated"), "r+b") as file:
        file.truncate(3)
    town.start_daemon()
    expect("a damaged list isolates every zone", [item["zone"] for item in town.status()["isolated"]] == ["*"], town.status())
    expect_cut("no connection of theirs goes on", ways["gamen"], ways["juki"])
    expect("which can be released", sekisho(town, "release", "*", "--reason", "looked at")[1]["result"] == "released")
    ways["gamen"].connect()
    status, records = town.run("gateway", ["true"]).returncode, subprocess.run(
        [PROGRAM, "--json", "journal", "--dir", os.path.join(town.state_dir, "journal")], capture_output=True, text=True, check=True).stdout
    events = [(record["event"], record["reason"]) for record in json.loads(records)]
    wanted = [("drill", "訓練"), ("isolate", "疑わしい通信"), ("isolate", ""), ("isolate", ""), ("release", ""), ("release", ""), ("isolate", ""), ("release", "looked at")]
    expect("all of it is in the journal", status == 0 and [event for event in events if event in wanted] == wanted, events)


def main():
    skip_unless_possible("nft")
    with Town(hosts=HOSTS, owner=False) as town:
        town.edit_config(CRITICAL, CRITICAL + " life_safety = true;")
        town.start_daemon()
        ways = {
            "juki": Way(town, "jumin-tanmatsu", "juki-cs", "10.2.0.20", 443),
            "gamen": Way(town, "shokuin-pc", "gamen-server", "10.3.0.30", 3389),
            "ssh": Way(town, "kanri-tanmatsu", "gateway", "10.2.0.1", 22),
        }
        for way in ways.values():
            way.round_trip()
        check_isolate(town, ways)
        check_laid_over(town, ways)
        check_survives(town, ways)
        check_damaged_list(town, ways)


if __name__ == "__main__":
    main()
