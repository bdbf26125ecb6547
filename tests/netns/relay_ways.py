#!/usr/bin/python3
"""The ways of the mail relay, with real sockets of its users: the courier reaches the next hops, whoever may deliver reaches the listener,
and that is all. No process of the relay has the loopback.

The daemon runs with conf/sekisho.conf, whose relay listens at one address and has a second next hop with IPv6. Every refusal is seen as one
more packet in the counter of its reason, and nothing else of the attempt is waited for.

A courier that is killed with 600,000 bytes unsent loses none of them: later packets go by the live mark and not by the user of a socket that
is gone. When the relay leaves the zone file, its mark is dead at once: what the connection still sends is refused.
"""

import json
import os
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import DEADLINE_S, USERS, Town, await_true, skip_unless_possible  # noqa: E402

NEXT_HOP, SECOND_HOP, NEIGHBOUR = "10.2.0.25", "fd00:0:0:2::10", "10.2.0.5"
LISTENER, OTHER_ADDRESS, SENDER = "10.3.0.1", "10.2.0.1", "10.3.0.25"
TAIL_BYTES = 600000
KEEPER, FRONT, WASHER, COURIER = USERS.values()
RELAY_USERS = {"keeper": KEEPER, "front": FRONT, "washer": WASHER, "courier": COURIER}
OTHERS = {"root": 0, "nobody": 65534}


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


# ---- a process of a user somewhere, which does what it is told by lines of JSON

def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Player:
    """The process's own side."""

    def __init__(self):
        self.socket = self.listener = None

    def listen(self, address, port, receive_bytes=0):
        self.listener = socket.socket(family_of(address), socket.SOCK_STREAM)
        if receive_bytes:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen()
        return True

    def accept(self):
        self.listener.settimeout(DEADLINE_S)
        self.socket = self.listener.accept()[0]
        return True

    def connect(self, address, port):
        """Connects, and waits as long as it takes."""
        self.socket = socket.create_connection((address, port), DEADLINE_S)
        return True

    @staticmethod
    def attempt(address, port, datagram=False):
        """Sends a first packet and looks no further. Whether there was a connection or a way at once: on the loopback there is."""
        with socket.socket(family_of(address), socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            try:
                sock.connect_ex((address, port))
                sock.send(b"x")
            except OSError:
                return False
        return True

    def send(self, size):
        """Gives the kernel as many bytes as it takes of so many; how many it took."""
        self.socket.setblocking(False)
        sent = 0
        try:
            while sent < size:
                sent += self.socket.send(b"x" * (size - sent))
        except BlockingIOError:
            pass
        return sent

    def receive_all(self):
        """How many bytes come before the end."""
        self.socket.settimeout(DEADLINE_S)
        received = 0
        while chunk := self.socket.recv(65536):
            received += len(chunk)
        return received

    def play(self):
        for line in sys.stdin:
            word, arguments = json.loads(line)
            print(json.dumps(getattr(self, word)(**arguments)), flush=True)


class Process:
    """The test's side: a process of this user at a place of the town."""

    def __init__(self, town, place, uid=0):
        command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", sys.executable, os.path.abspath(__file__), "play"]
        self.process = subprocess.Popen(town.at(place, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()

    def kill(self):
        """At once, as a crash would. Everything before it in the process's life ended in exec, so this is the process itself."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def begin(self, word, **arguments):
        self.process.stdin.write(json.dumps([word, arguments]) + "\n")
        self.process.stdin.flush()

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def do(self, word, **arguments):
        self.begin(word, **arguments)
        return self.answer()


def refused(town, reason):
    """How many packets were refused for this reason."""
    listing = json.loads(town.run("gateway", ["nft", "-j", "list", "chain", "inet", "sekisho", f"refuse.{reason}"]).stdout)
    return next(part["counter"]["packets"] for item in listing["nftables"] if "rule" in item
                for part in item["rule"]["expr"] if "counter" in part)


def check_refused(town, what, reason, act):
    """What act() tries is refused for this reason, by the counter of its chain."""
    before = refused(town, reason)
    passed = act()
    await_true(f"{what}: counted as {reason}", lambda: passed or refused(town, reason) > before)
    check(f"{what}: refused ({reason})", not passed)


# ---- the tests

def test_way_out(town):
    with Process(town, "mail-naka") as server, Process(town, "shokuin-pc") as second, Process(town, "gateway", COURIER) as courier:
        server.do("listen", address="0.0.0.0", port=25)
        second.do("listen", address="::", port=25)
        check("the courier reaches the next hop", courier.do("connect", address=NEXT_HOP, port=25))
        check("the courier reaches the second next hop, over IPv6", courier.do("connect", address=SECOND_HOP, port=25))
        for what, address, port in (("another port", NEXT_HOP, 587), ("another host", NEIGHBOUR, 25), ("the sender", SENDER, 25),
                                    ("My Number", "10.1.0.10", 25), ("the world", "203.0.113.25", 25), ("another port, IPv6", SECOND_HOP, 443)):
            check_refused(town, f"the courier to {what}", "egress", lambda a=address, p=port: courier.do("attempt", address=a, port=p))
        check_refused(town, "the courier's datagram", "egress", lambda: courier.do("attempt", address=NEXT_HOP, port=25, datagram=True))
    for name, uid in {**RELAY_USERS, **OTHERS}.items():
        if uid == COURIER:
            continue
        with Process(town, "gateway", uid) as process:
            for address in (NEXT_HOP, SECOND_HOP):
                check_refused(town, f"{name} to {address}", "egress", lambda p=process, a=address: p.do("attempt", address=a, port=25))


def test_listener(town):
    with Process(town, "gateway", FRONT) as front, Process(town, "mail-soto") as sender, Process(town, "inet-tanmatsu") as stranger, \
            Process(town, "gateway") as root:
        front.do("listen", address="0.0.0.0", port=25)
        front.begin("accept")
        check("who may deliver reaches the listener", sender.do("connect", address=LISTENER, port=25) and front.answer())
        front.begin("receive_all")
        sender.do("send", size=1000)
        sender.kill()
        check("and the front reads him to the end", front.answer() == 1000)
        check_refused(town, "a stranger at the listener", "local", lambda: stranger.do("attempt", address=LISTENER, port=25))
        with Process(town, "mail-soto") as again:
            check_refused(town, "the sender at another address of the gateway", "local",
                          lambda: again.do("attempt", address=OTHER_ADDRESS, port=25))
            check_refused(town, "the sender at another port", "local", lambda: again.do("attempt", address=LISTENER, port=2525))
        check_refused(town, "the front's answer to somebody on the gateway", "loopback",
                      lambda: root.do("attempt", address=LISTENER, port=25))


def test_loopback(town):
    with Process(town, "gateway") as server, Process(town, "gateway", 65534) as nobody:
        server.do("listen", address="::", port=4000)
        for address in ("127.0.0.1", "::1", LISTENER):
            check(f"nobody reaches {address}", nobody.do("attempt", address=address, port=4000))
        for name, uid in RELAY_USERS.items():
            with Process(town, "gateway", uid) as process:
                for address in ("127.0.0.1", "::1", LISTENER, "fd00:0:0:3::1"):
                    for datagram in (False, True):
                        check_refused(town, f"the {name} to {address}, {'UDP' if datagram else 'TCP'}", "loopback",
                                      lambda p=process, a=address, d=datagram: p.do("attempt", address=a, port=4000, datagram=d))


def test_tail(town):
    town.write_sysctl("gateway", "net/ipv4/tcp_wmem", "4096 4000000 4000000")
    with Process(town, "mail-naka") as server, Process(town, "gateway", COURIER) as courier:
        server.do("listen", address="0.0.0.0", port=25, receive_bytes=8192)
        server.begin("accept")
        courier.do("connect", address=NEXT_HOP, port=25)
        server.answer()
        check("the kernel takes all of a mail", courier.do("send", size=TAIL_BYTES) == TAIL_BYTES)
        unsent = town.run("gateway", ["ss", "-Htn", "dst", f"{NEXT_HOP}:25"]).stdout.split()[2]
        check("nearly all of it is unsent when the courier dies", int(unsent) > TAIL_BYTES // 2, unsent)
        courier.kill()
        received = server.do("receive_all")
        check("the whole of it arrives", received == TAIL_BYTES, f"{received} of {TAIL_BYTES} bytes")


def test_dead_mark(town):
    with Process(town, "mail-naka") as server, Process(town, "gateway", COURIER) as courier:
        server.do("listen", address="0.0.0.0", port=25)
        server.begin("accept")
        courier.do("connect", address=NEXT_HOP, port=25)
        server.answer()
        check("the connection is alive", courier.do("send", size=10) == 10)
        remove_relay(town)
        report = town.apply(reason="no relay any more")
        check("the file without the relay is in force", report["result"] == "committed", report)
        before = refused(town, "egress")
        courier.do("send", size=10)
        await_true("what the connection sends is refused", lambda: refused(town, "egress") > before)
        check("the connection died with the relay", True)
        check_refused(town, "a new connection of the courier", "egress", lambda: courier.do("attempt", address=NEXT_HOP, port=25))
    with Process(town, "gateway") as server, Process(town, "gateway", COURIER) as process:
        server.do("listen", address="127.0.0.1", port=4000)
        check("without a relay the number of a user means nothing", process.do("attempt", address="127.0.0.1", port=4000))


def remove_relay(town):
    with open(town.config, encoding="utf-8") as file:
        text = file.read()
    with open(town.config, "w", encoding="utf-8") as file:
        file.write(text[:text.index("\nrelays = (")])


def main():
    skip_unless_possible("nft", "ss", "setpriv")
    with Town(hosts=["mail-naka", "shokuin-pc", "mail-soto", "inet-tanmatsu"]) as town:
        town.edit_config('accept_from = [ "mail-soto" ];', f'accept_from = [ "mail-soto" ];\nlisten = [ "{LISTENER}" ];')
        town.edit_config('next_hops   = [ "mail-naka" ];', f'next_hops = [ "mail-naka", "{SECOND_HOP}" ];')
        town.write_sysctl("gateway", "net/ipv4/ip_unprivileged_port_start", 0)
        town.start_daemon()
        for test in (test_way_out, test_listener, test_loopback, test_tail, test_dead_mark):
            test(town)
        check("the daemon stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    if sys.argv[1:] == ["play"]:
        Player().play()
    else:
        main()
