#!/usr/bin/python3
"""Without an owner of the tables (kernels before 6.9) root's nft can take them away: nothing new begins all the same, and they come back.

While forbidden frames are sent at full speed, rules are flushed or a rule that accepts is put in front, again and again. No frame passes, because behind our
tables there is a backstop that drops what has no mark of a connection (src/kernel/backstop.h); a connection of a flow goes on. Without the backstop the same
frames do pass: it can be taken away with the socket it belongs to, and then a flush opens everything. How long the rules were away is printed.

SEKISHO_TAMPERS (5) says how often each is done.
"""

import os
import signal
import socket
import statistics
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bypass import ETH_P_ALL  # noqa: E402
from flood import Flood, frame  # noqa: E402
from town import DEADLINE_S, HOSTS, ZONES, Town, await_true, inside, skip_unless_possible  # noqa: E402

TAMPERS = int(os.environ.get("SEKISHO_TAMPERS", "5"))
PORT = 9
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
RECEIVE_BYTES = 64 << 20
FRAMES_MAX = 10000  # read at a time; more may come than can be read

# what, the commands of nft that do it
DEEDS = (
    ("nft flush ruleset", "flush ruleset"),
    ("nft insert rule inet sekisho forward accept", "insert rule inet sekisho forward accept"),
    ("nft delete table inet sekisho", "delete table inet sekisho"),
)


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


class Ear:
    """Hears the forbidden frames at the far host, with the time at which the kernel had them."""

    def __init__(self, town, host):
        with inside(town.namespace(host)):
            self.handle = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.handle.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
            self.handle.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.handle.setblocking(False)
            self.handle.bind(("eth0", 0))

    def drain(self):
        """The times (ns) of what was heard since the last call."""
        times = []
        for _ in range(FRAMES_MAX):
            try:
                data, control, _, _ = self.handle.recvmsg(128, 64)
            except BlockingIOError:
                break
            if data[23] == socket.IPPROTO_UDP and data[36:38] == struct.pack("!H", PORT) and data[26:30] == socket.inet_aton(HOSTS["inet-tanmatsu"][2]):
                seconds, nanoseconds = struct.unpack("qq", control[0][2][:16])
                times.append(seconds * 10 ** 9 + nanoseconds)
        return times


def sender(town):
    """Forbidden frames from the Internet to the My Number tier, as fast as it goes."""
    near, far = HOSTS["inet-tanmatsu"], HOSTS["jumin-tanmatsu"]
    mac = town.run("gateway", ["cat", f"/sys/class/net/{ZONES['internet'][0]}/address"]).stdout.strip()
    forbidden = frame((near[1], mac), (near[2], far[2]), "udp", (4000, PORT))
    ends = [(town.namespace(host), "eth0") for host in ("inet-tanmatsu", "jumin-tanmatsu")]
    return Flood(ends, [("fixed", 0, 0, 1, forbidden)])


def repairs(town):
    return town.log_text().count("a foreign change of our rules was repaired")


def tamper(town, ear, deed):
    """Does it once; returns how many frames passed, and how many seconds after nft it was repaired."""
    before = repairs(town)
    ear.drain()
    town.run("gateway", ["nft", deed])
    done = time.monotonic()
    await_true(f"{deed}: repaired", lambda: repairs(town) > before)
    return len(ear.drain()), time.monotonic() - done


def check_deed(town, ear, talk, what, deed):
    frames, away = [], []
    for _ in range(TAMPERS):
        passed, seconds = tamper(town, ear, deed)
        frames.append(passed)
        away.append(seconds * 1000)
    expect(f"{what}: nothing new begins", sum(frames) == 0, frames)
    expect(f"{what}: a connection of a flow goes on", talk.goes_on())
    print(f"measured: {what}: {TAMPERS} times; repaired after {statistics.median(away):.0f} ms (median), {max(away):.0f} ms (longest)")


class Talk:
    """A connection of a flow of the file, and its two ends."""

    def __init__(self, town):
        with inside(town.namespace("gamen-server")):
            self.listener = socket.create_server(("0.0.0.0", 3389))
        with inside(town.namespace("shokuin-pc")):
            self.near = socket.create_connection((HOSTS["gamen-server"][2], 3389), timeout=DEADLINE_S)
        self.far, _ = self.listener.accept()
        self.far.settimeout(DEADLINE_S)

    def goes_on(self):
        self.near.sendall(b"more")
        return self.far.recv(4) == b"more"


def backstop(town):
    return town.run("gateway", ["nft", "list", "table", "inet", "sekisho-backstop"], check=False).stdout


def check_survey(town):
    """A filter of somebody else is told, the backstop is not."""
    town.run("gateway", ["nft", "add table inet other; add chain inet other forward { type filter hook forward priority 10; policy drop; }"])
    await_true("another filter is found", lambda: "table inet other" in str(town.status()["survey"]))
    expect("the backstop is no stranger", "sekisho-backstop" not in str(town.status()["survey"]), town.status()["survey"])
    town.run("gateway", ["nft", "delete table inet other"])


def check_enforcer_killed(town):
    """The socket that it belongs to is the parent's; the next enforcer finds it and makes no second rule."""
    before, enforcer = backstop(town), town.role_pid("enforcer")
    os.kill(enforcer, signal.SIGKILL)
    expect("without an enforcer it is there", backstop(town) == before != "")
    await_true("another enforcer", lambda: town.role_pid("enforcer") not in (None, enforcer))
    expect("the next one applies", town.apply()["result"] == "unchanged")
    expect("and has the same", backstop(town) == before, backstop(town))


def check_alone(town, ear):
    """Nothing else holds the frames back: without sekishod there is no backstop, and what is flushed is open."""
    expect("the daemon stops", town.stop_daemon() == 0)
    expect("with its socket the backstop is gone", backstop(town) == "")
    ear.drain()
    expect("the rules are not", town.rules() != "" and ear.drain() == [])
    town.run("gateway", ["nft", "flush ruleset"])
    town.write_sysctl("gateway", "net/ipv4/ip_forward", 1)
    await_true("without rules the frames pass", ear.drain)


def main():
    skip_unless_possible("nft")
    with Town(hosts=["inet-tanmatsu", "jumin-tanmatsu", "shokuin-pc", "gamen-server"]) as town:
        town.start_daemon("--no-owner")
        ear, talk = Ear(town, "jumin-tanmatsu"), Talk(town)
        flood = sender(town)
        for what, deed in DEEDS:
            check_deed(town, ear, talk, what, deed)
        check_survey(town)
        check_enforcer_killed(town)
        check_deed(town, ear, talk, *DEEDS[0])
        check_alone(town, ear)
        flood.result()


if __name__ == "__main__":
    main()
