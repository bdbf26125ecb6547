#!/usr/bin/python3
"""What a role of the relay may not do is tried in the role itself: a system call is made in its process, under its user, its filter, its rules.

Each attempt fails: with an error, by the death of the process (a break-in that is noticed), or, for packets, by never arriving. A mail
crosses after each of them. Attempts that are allowed stand beside them, so that a failure has the reason it should have.
"""

import os
import re
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_town import BUILD, MAILBOX, SENDER_ADDRESS, Closed, MailTown, check, is_alive, skip_unless_mail_is_possible  # noqa: E402
from postfix import INNER, Postfix  # noqa: E402
from town import HOSTS, SOURCE, USERS, await_true, inside  # noqa: E402

NEXT_HOP, STRANGER, SENDER = (HOSTS[name][2] for name in ("mail-naka", "juki-cs", "mail-soto"))
TCP_SOCKET = ("socket", "2", "2049", "0")  # AF_INET, SOCK_STREAM | SOCK_NONBLOCK
UNIX_SOCKET = ("socket", "1", "1", "0")
SHELL = ("execve", "s:/bin/sh", "0", "0")
PASSWORDS = ("openat", "-100", "s:/etc/passwd", "0", "0")
FORK = ("fork",)
HARMLESS = ("read", "-1", "m:1", "1")  # of no file: in the filter of every role
LETTER_TEXT_BYTES = 200000  # more than a pipe holds

# role: what it may not do, as the words of inside_role
FORBIDDEN = {
    "front": {"connect to the inner server": (TCP_SOCKET, ("connect", "r", f"a:{NEXT_HOP}:25", "16")),
              "make a socket of another kind": (("socket", "16", "3", "0"),), "open a file": (PASSWORDS,), "run a program": (SHELL,)},
    "session": {"connect to the inner server": (TCP_SOCKET, ("connect", "r", f"a:{NEXT_HOP}:25", "16")),
                "make a socket": (UNIX_SOCKET,), "open a file": (PASSWORDS,), "run a program": (SHELL,), "fork": (FORK,),
                "look into another process": (("ptrace", "16", "1", "0", "0"),)},
    "washer": {"open a file": (PASSWORDS,), "make a socket": (UNIX_SOCKET,), "run a program": (SHELL,)},
    "washing": {"open a file": (PASSWORDS,), "make a socket": (TCP_SOCKET,), "fork": (FORK,), "run a program": (SHELL,)},
    "courier": {"open a file": (PASSWORDS,), "open the originals": (("openat", "-100", "s:ORIGINALS", "65536", "0"),), "run a program": (SHELL,),
                "listen": (TCP_SOCKET, ("bind", "r", "a:0.0.0.0:2525", "16")), "become another user": (("setuid", "0"),)},
    "keeper": {"make a socket": (TCP_SOCKET,), "run a program": (SHELL,), "open a file of the system": (PASSWORDS,),
               "become another user": (("setuid", "0"),)},
}


# What the unit leaves to the parent, and what of it a role may keep.
UNIT = os.path.join(SOURCE, "systemd", "sekisho-relay.service")
NET_BIND_SERVICE = 1 << 10
KEPT = {"front": NET_BIND_SERVICE}


class UnitTown(MailTown):
    """The relay is started with the capabilities that its unit leaves it."""

    def relay_command(self, *options):
        with open(UNIT, encoding="ascii") as unit:
            names = re.search(r"^CapabilityBoundingSet=(.*)$", unit.read(), re.MULTILINE)[1].split()
        bounds = ",".join(["-all"] + ["+" + name.removeprefix("CAP_").lower() for name in names])
        return ["setpriv", "--no-new-privs", "--bounding-set", bounds, *super().relay_command(*options)]


class Stage:
    def __init__(self, town, inner):
        self.town, self.inner = town, inner
        self.crossed = 0

    def cross(self):
        """A mail crosses."""
        with self.town.client() as client:
            client.greet()
            reply = client.send_mail(SENDER_ADDRESS, [MAILBOX], f"Message-ID: <{self.crossed}@soto.example>\r\n\r\ntext\r\n".encode())
        assert reply.code == 250, reply
        self.crossed += 1
        self.inner.mailbox.await_count(self.crossed)

    def call(self, pid, *calls):
        """Makes calls in a process; the lines of inside_role."""
        words = [word for call in calls for word in ("--", *call)][1:]
        words = [word.replace("ORIGINALS", self.town.originals_dir()) for word in words]
        result = subprocess.run([os.path.join(BUILD, "tests", "netns", "inside_role"), "call", str(pid), *words],
                                capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 0, (calls, result)
        return result.stdout.splitlines()


def is_refused(lines, calls):
    """One of the calls fails, or ends the process. Those before it may only have made something that is of no use alone."""
    last = lines[-1]
    return len(lines) <= len(calls) and (" killed SYS" in last or last.rpartition(" = ")[2] in ("-EPERM", "-EACCES"))


def await_crew(stage):
    """Every role that runs all the time runs, and serves."""
    for role in ("keeper", "courier", "washer", "front"):
        stage.town.await_role(role)
    await_true("the relay answers", lambda: is_served(stage))
    stage.cross()


def is_served(stage):
    """A recipient is accepted: front, keeper and courier have found each other."""
    try:
        with stage.town.client() as client:
            client.greet()
            client.say(f"MAIL FROM:<{SENDER_ADDRESS}>")
            return client.say(f"RCPT TO:<{MAILBOX}>").code == 250
    except (Closed, ConnectionError):
        return False


def standing_process(stage, role):
    """A process of the role that has come to rest: in one that is just beginning a call of ours may meet a call of its own."""
    found = []

    def rests():
        found[:] = [stage.town.await_role(role)]
        try:
            return stage.call(found[0], HARMLESS) == ["read = -EBADF"]
        except AssertionError:
            return False

    await_true(f"the {role} rests", rests)
    return found[0]


def check_credentials(stage, role):
    """Its user is its own, and there is nothing that it holds or could gain beyond what it may keep."""
    with open(f"/proc/{standing_process(stage, role)}/status", encoding="ascii") as status:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in status)
    sets = {name: int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    kept = KEPT.get(role, 0)
    check(f"the {role} is a user of its own", set(fields["Uid"].split()) == {str(USERS[f"sekisho-{role}"])}, fields["Uid"])
    check(f"the {role} holds no capability it does not need", sets == {"CapInh": 0, "CapPrm": kept, "CapEff": kept, "CapBnd": kept, "CapAmb": 0}, sets)
    check(f"the {role} has its filter", fields["Seccomp"] == "2" and fields["NoNewPrivs"] == "1")


def try_standing(stage, role):
    check_credentials(stage, role)
    for what, calls in FORBIDDEN[role].items():
        pid = standing_process(stage, role)
        lines = stage.call(pid, *calls)
        check(f"the {role} cannot {what}", is_refused(lines, calls), lines)
        await_crew(stage)


def try_front(stage):
    try_standing(stage, "front")


def try_washer(stage):
    try_standing(stage, "washer")


def try_courier(stage):
    try_standing(stage, "courier")


def try_keeper(stage):
    try_standing(stage, "keeper")


def try_session(stage):
    for what, calls in FORBIDDEN["session"].items():
        with stage.town.client() as client:
            client.greet()
            pid = stage.town.await_role("session")
            assert stage.call(pid, HARMLESS) == ["read = -EBADF"], what
            lines = stage.call(pid, *calls)
            check(f"a session of the front cannot {what}", is_refused(lines, calls), lines)
        await_true("the session is over", lambda pid=pid: not is_alive(pid))
        await_crew(stage)


def try_washing(stage):
    """A washing stands still while nobody reads its letter."""
    for what, calls in FORBIDDEN["washing"].items():
        with stage.town.client() as client:
            client.greet()
            client.begin_data()
            with stage.town.stopped("courier"):
                client.send(long_mail(stage.crossed))
                pid = stage.town.await_role("washing")
                await_true("it waits for its reader", lambda pid=pid: is_writing(pid))
                assert stage.call(pid, HARMLESS) == ["read = -EBADF"], what
                lines = stage.call(pid, *calls)
                check(f"a washing cannot {what}", is_refused(lines, calls), lines)
            reply = client.reply()
            check("and the mail is washed by another one", reply.code == 250, reply)
        stage.crossed += 1
        check("whole", "text text text" in stage.inner.mailbox.await_count(stage.crossed)[-1].text())


def long_mail(number):
    return f"Message-ID: <{number}@soto.example>\r\n\r\n".encode() + b"text text text\r\n" * (LETTER_TEXT_BYTES // 16) + b".\r\n"


def is_writing(pid):
    """In write(2) to its second descriptor, the only one it may write to."""
    with open(f"/proc/{pid}/syscall", encoding="ascii") as call:
        return call.read().startswith("1 0x1 ")


def states_at_gateway(town, address, port):
    """The states of the gateway's TCP connections to somebody, as /proc/net/tcp numbers them: 1 is established."""
    peer = "".join(f"{int(byte):02X}" for byte in reversed(address.split("."))) + f":{port:04X}"
    lines = town.run("gateway", ["cat", "/proc/net/tcp"]).stdout.splitlines()[1:]
    return [int(line.split()[3], 16) for line in lines if line.split()[2] == peer]


class Listener:
    """Somebody who would take a connection."""

    def __init__(self, town, place, address, port):
        with inside(town.namespace(place)):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.bind((address, port))
        self.socket.listen(8)
        self.socket.setblocking(False)

    def was_reached(self):
        try:
            self.socket.accept()
        except BlockingIOError:
            return False
        return True


def try_connections(stage):
    """The courier may make sockets; the kernel's rules say whom they reach. The one to the next hop is made last and comes through: had one
    before it been let out, it would have come through before."""
    town = stage.town
    listeners = {f"{address}:{port} at {place}": (Listener(town, place, address, port), address, port) for place, address, port in (
        ("juki-cs", STRANGER, 25), ("mail-naka", NEXT_HOP, 80), ("mail-soto", SENDER, 2525), ("gateway", "127.0.0.1", 2525),
        ("gateway", "10.2.0.1", 2525))}
    courier = town.await_role("courier")
    for name, (listener, address, port) in listeners.items():
        lines = stage.call(courier, TCP_SOCKET, ("connect", "r", f"a:{address}:{port}", "16"), HARMLESS)
        check(f"the courier does not connect to {name}", lines[1] != "connect = 0" and not listener.was_reached(), lines)
        if "killed" in lines[-1]:
            courier = town.await_role("courier", other_than=[courier])
    before = states_at_gateway(town, NEXT_HOP, 25).count(1)
    lines = stage.call(courier, TCP_SOCKET, ("connect", "r", f"a:{NEXT_HOP}:25", "16"))
    await_true("it reaches its next hop", lambda: states_at_gateway(town, NEXT_HOP, 25).count(1) > before)
    for name, (listener, address, port) in listeners.items():
        check(f"and still has not reached {name}", not listener.was_reached() and 1 not in states_at_gateway(town, address, port))
    await_crew(stage)


def goes_well(part, stage):
    """A part that fails does not stop the rest."""
    try:
        part(stage)
        return True
    except Exception as error:  # pylint: disable=broad-except  # each part by its name
        print(f"FAILED: {part.__name__}: {type(error).__name__} {error}", flush=True)
        return False


def main():
    skip_unless_mail_is_possible()
    with UnitTown() as town:
        town.start_daemon()
        town.start_relay()
        with Postfix(town, "mail-naka", INNER) as inner:
            stage = Stage(town, inner)
            stage.cross()
            failures = [part.__name__ for part in (try_connections, try_session, try_washing, try_front, try_washer, try_courier, try_keeper)
                        if not goes_well(part, stage)]
            check("every role is held to what it may do", not failures, failures)


if __name__ == "__main__":
    main()
