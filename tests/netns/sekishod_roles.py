#!/usr/bin/python3
"""What a role of sekishod may not do is tried in the role itself: a system call is made in its process, under its filter.

Each attempt fails: with an error, or by the death of the process (a break-in that is noticed), which is started again while the rules stay. A call that is
allowed stands beside them, so that a failure has the reason it should have.
"""

import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import BUILD, SOURCE, ZONES, Town, await_true, inside, skip_unless_possible  # noqa: E402

DEATHS_MAX = 4  # of a role, before there is another daemon
HARMLESS = ("read", "-1", "m:1", "1")  # of no file: in the filter of every role
INTERNET_SOCKET = (("socket", "2", "1", "0"),)  # AF_INET, SOCK_STREAM
PACKET_SOCKET = (("socket", "17", "3", "768"),)  # AF_PACKET, SOCK_RAW, every protocol
UNIX_SOCKET = (("socket", "1", "1", "0"),)
NETLINK_SOCKET = (("socket", "16", "3", "12"),)  # AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER
SHELL = (("execve", "s:/bin/sh", "0", "0"),)
FORK = (("fork",),)
PASSWORDS = (("openat", "-100", "s:/etc/passwd", "0", "0"),)
LOOK = (("ptrace", "16", "1", "0", "0"),)
BECOME = (("setuid", "0"),)
STRANGER = (("kill", "1", "9"),)
CODE = (("mprotect", "0", "4096", "7"),)

EVERYBODY = {"run a program": SHELL, "fork": FORK, "make a socket of IP": INTERNET_SOCKET, "make a socket of frames": PACKET_SOCKET,
             "look into another process": LOOK, "become another user": BECOME, "end another process": STRANGER,
             "connect": (("connect", "3", "a:10.2.0.25:25", "16"),)}

# role: what it may not do besides, as the words of inside_role. FRAMES is a socket of frames that the sentry has.
FORBIDDEN = {
    "planner": {"remove a file": (("unlink", "s:CONFIG"),), "make a socket of another kind": UNIX_SOCKET},
    "enforcer": {"open a file": PASSWORDS, "make a socket of another kind": UNIX_SOCKET, "remove a file": (("unlink", "s:CONFIG"),)},
    "witness": {"open a file of the system": PASSWORDS, "open the journal": (("openat", "-100", "s:JOURNAL", "65536", "0"),),
                "make a socket": UNIX_SOCKET, "speak netlink": NETLINK_SOCKET},
    "sentry": {"open a file": PASSWORDS, "make a socket": UNIX_SOCKET, "speak netlink": NETLINK_SOCKET,
               "send a frame": (("write", "FRAMES", "m:64", "64"),), "send it otherwise": (("sendto", "FRAMES", "m:64", "64", "0", "0", "0"),),
               "send it in yet another way": (("sendmsg", "FRAMES", "m:64", "0"),), "send it in parts": (("writev", "FRAMES", "m:64", "1"),),
               "send it at an offset": (("pwrite64", "FRAMES", "m:64", "64", "0"),), "let the kernel send it": (("splice", "3", "0", "FRAMES", "0", "64", "0"),),
               "take off its filter": (("setsockopt", "FRAMES", "1", "27", "m:4", "4"),),
               "listen to another interface": (("bind", "FRAMES", "m:20", "20"),),
               "close its log": (("close", "2"),), "close it by a number of more bits": (("close", "4294967298"),), "close its channel": (("close", "3"),),
               "put a socket in the place of its log": (("dup2", "FRAMES", "2"),), "make memory executable": CODE},
}

# Beside them, what goes well: each filter lets its role do its work.
ALLOWED = {"sentry": (("close", "500"), "close = -EBADF"), "planner": (("socket", "16", "3", "0"), "socket = "),
           "enforcer": (("socket", "16", "3", "0"), "socket = "), "witness": (("openat", "-100", "s:EVENTS", "0", "0"), "openat = ")}

UNIT = os.path.join(SOURCE, "systemd", "sekishod.service")
NET_ADMIN = 1 << 12
KEPT = {"enforcer": NET_ADMIN}


class Stage:
    def __init__(self, town):
        self.town = town

    def begin_anew(self):
        """The pause before a role is started again doubles each time; another daemon begins with a short one."""
        assert self.town.stop_daemon() == 0
        self.town.start_daemon()

    def words(self, call, pid):
        names = {"CONFIG": self.town.config, "JOURNAL": os.path.join(self.town.state_dir, "journal"),
                 "EVENTS": os.path.join(self.town.state_dir, "events", "events.db")}
        for name, value in names.items():
            call = [word.replace(name, value) for word in call]
        return [self.frames(pid) if word == "FRAMES" else word for word in call]

    def frames(self, pid):
        """The number of a descriptor of the sentry that is a socket of frames."""
        with inside(self.town.namespace("gateway")), open("/proc/thread-self/net/packet", encoding="ascii") as listing:
            inodes = {line.split()[8] for line in listing.read().splitlines()[1:]}
        for number in os.listdir(f"/proc/{pid}/fd"):
            inode = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{number}"))
            if inode and inode[1] in inodes:
                return number
        raise AssertionError("the sentry has no socket of frames")

    def call(self, pid, *calls):
        """Makes calls in a process; the lines of inside_role."""
        words = [word for call in calls for word in ("--", *self.words(list(call), pid))][1:]
        result = subprocess.run([os.path.join(BUILD, "tests", "netns", "inside_role"), "call", str(pid), *words],
                                capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == 0, (calls, result)
        return result.stdout.splitlines()

    def standing(self, role):
        """A process of the role that has shut itself in and come to rest. The sentry has its sockets."""
        found = []

        def rests():
            found[:] = [self.town.role_pid(role)]
            try:
                if role == "sentry":
                    self.frames(found[0])
                return found[0] and process_status(found[0])["Seccomp"] == "2" and self.call(found[0], HARMLESS) == ["read = -EBADF"]
            except (AssertionError, FileNotFoundError):
                return False

        await_true(f"the {role} rests", rests)
        return found[0]


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


def is_refused(lines, calls):
    """One of the calls fails, or ends the process. Those before it may only have made something that is of no use alone."""
    last = lines[-1]
    return len(lines) <= len(calls) and (" killed SYS" in last or last.rpartition(" = ")[2] in ("-EPERM", "-EACCES"))


def process_status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def check_credentials(stage, role):
    """Every thread has its own."""
    pid = stage.standing(role)
    for thread in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        fields = process_status(f"{pid}/task/{thread}")
        sets = {name: int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
        kept = KEPT.get(role, 0)
        check(f"the {role} holds no capability it does not need", sets == {"CapInh": 0, "CapPrm": kept, "CapEff": kept, "CapBnd": kept, "CapAmb": 0}, sets)
        check(f"the {role} has its filter", fields["Seccomp"] == "2" and fields["NoNewPrivs"] == "1")


def serves(town):
    try:
        return town.status()["state"] == "in-force"
    except OSError:
        return False


def try_role(stage, role):
    check_credentials(stage, role)
    call, wanted = ALLOWED[role]
    lines = stage.call(stage.standing(role), call)
    check(f"the {role} may do its work", lines[0].startswith(wanted) and not lines[0].endswith(("-EPERM", "-EACCES")), lines)
    before = stage.town.rules()
    for number, (what, calls) in enumerate({**EVERYBODY, **FORBIDDEN[role]}.items()):
        if number % DEATHS_MAX == DEATHS_MAX - 1:
            stage.begin_anew()
        lines = stage.call(stage.standing(role), *calls)
        check(f"the {role} cannot {what}", is_refused(lines, calls), lines)
    await_true("the daemon serves", lambda: serves(stage.town))
    check(f"after all that the {role} was made to try, the rules are the same", stage.town.rules() == before)


def bounded_command():
    """The daemon has the capabilities that its unit leaves it."""
    with open(UNIT, encoding="ascii") as unit:
        names = re.search(r"^CapabilityBoundingSet=(.*)$", unit.read(), re.MULTILINE)[1].split()
    return ["setpriv", "--no-new-privs", "--bounding-set", ",".join(["-all"] + ["+" + name.removeprefix("CAP_").lower() for name in names])]


def main():
    skip_unless_possible("nft", "setpriv")
    with Town(hosts=[]) as town:
        town.before_program = bounded_command()
        town.start_daemon()
        stage = Stage(town)
        await_true("the sentry has the wires of all zones", lambda: stage.standing("sentry") and len(ZONES) == len(
            town.run("gateway", ["cat", "/proc/net/packet"]).stdout.splitlines()) - 1)
        for role in FORBIDDEN:
            try_role(stage, role)
        check("the daemon stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    main()
