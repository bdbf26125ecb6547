#!/usr/bin/python3
"""Without an owner of the tables (kernels before 6.9) root's nft can open the wall: it is closed again, and how long that took is measured.

While forbidden frames are sent at full speed, rules are flushed or a rule that accepts is put in front, again and again. Each time the wall must be closed
afterwards. Printed are the frames that passed and the time between the first and the last of them; nothing is asserted about either.

SEKISHO_TAMPERS (5) says how often each is done.
"""

import os
import socket
import statistics
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bypass import ETH_P_ALL, Path  # noqa: E402
from flood import Flood, frame  # noqa: E402
from town import HOSTS, ZONES, Town, await_true, inside, skip_unless_possible  # noqa: E402

TAMPERS = int(os.environ.get("SEKISHO_TAMPERS", "5"))
PORT = 9
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
RECEIVE_BYTES = 64 << 20

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
        while True:
            try:
                data, control, _, _ = self.handle.recvmsg(128, 64)
            except BlockingIOError:
                return times
            if data[23] == socket.IPPROTO_UDP and data[36:38] == struct.pack("!H", PORT) and data[26:30] == socket.inet_aton(HOSTS["inet-tanmatsu"][2]):
                seconds, nanoseconds = struct.unpack("qq", control[0][2][:16])
                times.append(seconds * 10 ** 9 + nanoseconds)


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
    """Does it once; returns the times at which frames passed."""
    before = repairs(town)
    ear.drain()
    town.run("gateway", ["nft", deed])
    await_true(f"{deed}: repaired", lambda: repairs(town) > before)
    return ear.drain()


def measure(town, ear, what, deed):
    frames, open_us = [], []
    for _ in range(TAMPERS):
        times = tamper(town, ear, deed)
        frames.append(len(times))
        open_us.append((times[-1] - times[0]) / 1000 if times else 0)
    mac = town.run("gateway", ["cat", f"/sys/class/net/{ZONES['internet'][0]}/address"]).stdout.strip()
    path = Path(town, "inet-tanmatsu", "jumin-tanmatsu", "zei-tanmatsu")  # it has heard nothing of what passed before
    expect(f"{what}: closed again", path.count(mac) == 0)
    print(f"measured: {what}: {TAMPERS} times, {sum(frames)} frames passed (median {statistics.median(frames):.0f}, most {max(frames)}), "
          f"open for {statistics.median(open_us):.0f} us (median), {max(open_us):.0f} us (longest)")


def main():
    skip_unless_possible("nft")
    with Town(hosts=["inet-tanmatsu", "jumin-tanmatsu", "zei-tanmatsu"]) as town:
        try:
            town.start_daemon("--no-owner")
            ear = Ear(town, "jumin-tanmatsu")
            flood = sender(town)
            for what, deed in DEEDS:
                measure(town, ear, what, deed)
            flood.result()
            expect("the daemon stops", town.stop_daemon() == 0)
        except BaseException:
            print("\n".join(line for line in town.log_text().splitlines() if "SKS-REFUSAL" not in line))
            raise


if __name__ == "__main__":
    main()
