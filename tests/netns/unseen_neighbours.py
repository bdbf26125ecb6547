#!/usr/bin/python3
"""What no list of interfaces shows is found as well: programs that read and write raw frames, and interfaces of other namespaces under an address of ours.

Each carries real frames from the Internet tier to the My Number tier, so that what is warned of is known to be a way. Our own sockets of frames, the sentry's,
are never taken for somebody else's, however often it is started again.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bypass import ETH_P_ALL, FRAMES  # noqa: E402
from past_the_wall import HOSTS_NEEDED, Wall, expect  # noqa: E402
from town import ZONES, Town, await_true, inside, skip_unless_possible  # noqa: E402

AF_XDP = 44
FRAME_BYTES = 2048


class Smuggler:
    """A program with a socket of frames at each of two interfaces, which writes at one what it reads at the other."""

    def __init__(self, town, near, far):
        with inside(town.namespace("gateway")):
            self.near, self.far, self.end = (socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) for _ in range(3))
        self.near.bind((near, ETH_P_ALL))
        self.far.bind((far, 0))
        self.end.close()
        self.stopping = False
        self.worker = threading.Thread(target=self._carry)
        self.worker.start()

    def _carry(self):
        self.near.settimeout(0.1)
        while not self.stopping:
            with contextlib.suppress(TimeoutError):
                frame, about = self.near.recvfrom(FRAME_BYTES)
                if about[2] != socket.PACKET_OUTGOING:
                    self.far.send(frame)

    def close(self):
        self.stopping = True
        self.worker.join()
        self.near.close()
        self.far.close()


def open_inside(town, *kind):
    with inside(town.namespace("gateway")):
        return socket.socket(*kind)


def check_frames(wall):
    town = wall.town
    wall.check_way("frame-socket", lambda: Smuggler(town, "in0", "mn0"), lambda smuggler: smuggler.close(), wall.arrived, also=["frame-socket"])
    wall.check_way("frame-socket", lambda: open_inside(town, socket.AF_PACKET, socket.SOCK_RAW, 0), lambda handle: handle.close())
    try:
        open_inside(town, AF_XDP, socket.SOCK_RAW, 0).close()
    except OSError as error:
        print(f"absent: frame-socket-xdp: {error}")
        return
    wall.check_way("frame-socket-xdp", lambda: open_inside(town, AF_XDP, socket.SOCK_RAW, 0), lambda handle: handle.close())


def make_mole(town):
    """A namespace that forwards, as a container may."""
    name = town.namespace("mole")
    subprocess.run(["ip", "netns", "add", name], check=True)
    town.namespaces.append(name)
    town.write_sysctl("mole", "net/ipv4/ip_forward", 1)
    return name


def send_below(town, mole, kind):
    """Puts an interface of a kind on those of two zones, and both into the namespace."""
    for name, lower, address in (("mv0", "mn0", "10.1.0.66"), ("mv1", "in0", "10.3.0.66")):
        town.ip("gateway", f"link add {name} link {lower} type {kind}")
        town.ip("gateway", f"link set {name} netns {mole}")
        town.ip("mole", f"addr add {address}/24 dev {name}")
        town.ip("mole", f"link set {name} up")


def fetch_back(town):
    for name in ("mv0", "mv1"):
        town.ip("mole", f"link del {name}")


def check_hidden(wall):
    """Those that pass through have the address of what they sit on, as ipvlan and VLANs do; where the kernel has these they are tried too."""
    town = wall.town
    mole = make_mole(town)
    for kind, passes in (("macvlan mode passthru", wall.arrived), ("macvlan mode passthru nopromisc", wall.arrived), ("ipvlan mode l2", None),
                         ("vlan id 5", None)):
        try:
            town.ip("gateway", f"link add mv0 link mn0 type {kind}")
        except AssertionError as error:
            print(f"absent: interface-hidden: {error}")
            continue
        town.ip("gateway", "link del mv0")
        await_true("it is clean", lambda: not wall.survey())
        wall.check_way("interface-hidden", lambda kind=kind: send_below(town, mole, kind), lambda _: fetch_back(town), passes, also=["interface-hidden"])


def check_own(wall):
    """A sentry that is started again has the same sockets; one more interface of a zone makes one more."""
    town = wall.town
    before = town.role_pid("sentry")
    os.kill(before, signal.SIGKILL)
    await_true("the sentry is there again", lambda: town.role_pid("sentry") not in (None, before))
    town.ip("switch", "link del g-mynumber")
    await_true("the interface is gone", lambda: wall.survey() == ["interface-missing"])
    town.plug("gateway", "mn0", "mynumber", "g-mynumber")
    town.ip("gateway", f"addr add {ZONES['mynumber'][1]}/24 dev mn0")
    await_true("and there again", lambda: not wall.survey())
    expect("our own sockets are nobody else's", wall.told("frame-socket") == 0, town.log_text())


def main():
    skip_unless_possible()
    with Town(hosts=HOSTS_NEEDED) as town:
        town.start_daemon()
        wall = Wall(town)
        await_true("there is nothing at first", lambda: not wall.survey())
        check_own(wall)
        expect(f"none of {FRAMES} frames passes", wall.arrived() == 0)
        check_frames(wall)
        check_hidden(wall)
        expect("the daemon stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    main()
