#!/usr/bin/python3
"""A hostile local user at the control sockets, in a group and outside, harms nobody else.

Members of both groups keep 2,000 connections each: open and silent, with half a frame, with a request trickled byte by byte, with garbage, with descriptors, or with
a request whose answer, small or large, is never read; what the daemon ends is begun anew. Meanwhile root and another member are served, the daemon's memory and
descriptors stay bounded, and its log has lines by the minute and not by the connection.
"""

import array
import contextlib
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import FRAME, SOURCE, VERB_APPLY, VERB_STATUS, Town, await_true, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
HOSTILE, HONEST = 64201, 64202
VERB_VIEW = 43  # src/wire/frame.h
CONNECTIONS = int(os.environ.get("SEKISHO_CONNECTIONS", "2000"))
ROUND_S = 0.05  # between two rounds of the hostile user, who is no measurement of processors
BEGUN_PER_ROUND = 200
PLACES = 3 * 16  # of all three sockets: src/sekishod/planner.h
MEMORY_KIB_MAX = 8 * 1024  # more than before; a request has 64 KiB, and there are PLACES of them
LINES_PER_MINUTE = 5


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def begin(path, kind, chance):
    """A connection of a kind, or None where there was no room in the queue."""
    hostile = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        hostile.connect(path)
        if kind == "half":
            hostile.send(FRAME.pack(b"SKS1", VERB_APPLY, 0, 65536) + b"{" * chance.randrange(60000))
        elif kind == "trickle":
            hostile.send(FRAME.pack(b"SKS1", VERB_APPLY, 0, 65536))
        elif kind == "garbage":
            hostile.send(chance.randbytes(chance.randrange(1, 4096)))
        elif kind == "descriptors":
            hostile.sendmsg([b"SKS1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 0, 0, 0]))])
        elif kind == "unread":
            hostile.send(FRAME.pack(b"SKS1", VERB_STATUS, 0, 0))
        elif kind == "view":
            hostile.send(FRAME.pack(b"SKS1", VERB_VIEW, 0, 0))
        return hostile
    except OSError:
        hostile.close()
        return None


def is_ended(hostile, kind):
    """Has the daemon ended it?"""
    try:
        if kind == "trickle":
            hostile.send(b" ")
        return not hostile.recv(1, socket.MSG_PEEK) if kind not in ("unread", "view") else False
    except BlockingIOError:
        return False
    except OSError:
        return True


def be_hostile(path):
    """Keeps CONNECTIONS connections until it is killed; stops its own end when the test is gone."""
    kinds = ("silent", "half", "trickle", "garbage", "descriptors", "unread", "view")
    chance, parent = random.Random(1), os.getppid()
    open_ones, begun = [], 0
    while os.getppid() == parent:
        for _ in range(BEGUN_PER_ROUND):
            begun += 1
            kind = kinds[begun % len(kinds)]
            one = begin(path, kind, chance)
            if one:
                open_ones.append((one, kind))
            if len(open_ones) > CONNECTIONS:
                open_ones.pop(0)[0].close()
        if chance.random() < 0.1:
            for one, _ in [pair for pair in open_ones if is_ended(*pair)]:
                one.close()
            open_ones = [pair for pair in open_ones if pair[0].fileno() >= 0]
        time.sleep(ROUND_S)


def start_hostile(town, group):
    gid, path = town.group_id(group), os.path.join(town.run_dir, group.split("-")[1], "control")
    resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + 100, max(CONNECTIONS + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([gid])
            os.setgid(HOSTILE)
            os.setuid(HOSTILE)
            be_hostile(path)
        finally:
            os._exit(1)
    return pid


def subprocess_json(command, **who):
    """Exit status and answer of a command."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **who)
    assert result.stdout, f"{command} of {who}: {result.stderr}"
    return result.returncode, json.loads(result.stdout)


def sekisho(town, *words, user=None):
    """Exit status and answer of root, or of an honest operator."""
    who = {"user": user, "group": user, "extra_groups": [town.group_id("sekisho-operator")]} if user else {}
    return subprocess_json([PROGRAM, "--lang", "en", "--json", "--socket", os.path.join(town.run_dir, "control"), *words], **who)


def memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def refused_lines(town):
    return town.log_text().count("SKS-CONTROL: a connection to a control socket was refused")


def check_everybody_is_served(town):
    for user, who in ((None, "root"), (HONEST, "another operator")):
        for repeat in range(3):
            status, answer = sekisho(town, "status", user=user)
            expect(f"{who} sees the status ({repeat})", status == 0 and answer["state"] == "in-force", answer)
        status, answer = sekisho(town, "apply", "--reason", who, user=user)
        expect(f"{who} applies", status == 0, answer)
        expect(f"{who} isolates", sekisho(town, "isolate", "lgwan", user=user)[1]["result"] == "isolated")
        expect(f"{who} releases", sekisho(town, "release", "lgwan", user=user)[1]["result"] == "released")


def check_limits(town, planner, memory, fds):
    expect("the planner is the one of before", town.role_pid("planner") == planner)
    grown = memory_kib(planner) - memory
    print(f"   memory of the planner: {memory} KiB before, {grown} more now; descriptors: {fds} before, {descriptors(planner)} now")
    expect("its memory is bounded", grown < MEMORY_KIB_MAX, grown)
    expect("and its descriptors", descriptors(planner) <= fds + PLACES, descriptors(planner))


def isolation_ms(town):
    """How long each order took, by the journal."""
    _, records = subprocess_json([PROGRAM, "--json", "journal", "--dir", os.path.join(town.state_dir, "journal")])
    return [int(detail.split()[-2]) for record in records if record["event"] in ("isolate", "release") for detail in record["details"] if "in force after" in detail]


def check_outsider(town):
    code = ("import socket, sys\nfor directory in ('', 'operator', 'auditor'):\n try: socket.socket(socket.AF_UNIX).connect(f'{sys.argv[1]}/{directory}/control')\n"
            " except PermissionError: continue\n sys.exit(1)")
    outsider = subprocess.run([sys.executable, "-c", code, town.run_dir], user=HOSTILE, group=HOSTILE, extra_groups=[], check=False)
    expect("who is in no group gets to no socket", outsider.returncode == 0)


def main():
    skip_unless_possible("nft", "systemd-tmpfiles")
    with Town(hosts=[]) as town:
        town.make_places()
        town.start_daemon()
        check_outsider(town)
        planner = town.role_pid("planner")
        check_everybody_is_served(town)
        memory, fds, began = memory_kib(planner), descriptors(planner), time.monotonic()
        hostile = [start_hostile(town, group) for group in ("sekisho-operator", "sekisho-auditor")]
        try:
            await_true("the hostile users are turned away", lambda: refused_lines(town) >= LINES_PER_MINUTE)
            check_everybody_is_served(town)
            check_limits(town, planner, memory, fds)
            # The time a request has is over for those as well that were there first: places are given up and taken again.
            trickling = begin(os.path.join(town.run_dir, "control"), "trickle", random.Random(1))
            await_true("a request that is trickled is ended", lambda: is_ended(trickling, "trickle"))
            check_everybody_is_served(town)
            check_limits(town, planner, memory, fds)
        finally:
            for pid in hostile:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        print(f"   zones were isolated and released within {max(isolation_ms(town)):d} ms of the order")
        minutes = int((time.monotonic() - began) / 60) + 2
        expect("the log has some lines a minute", LINES_PER_MINUTE <= refused_lines(town) <= minutes * LINES_PER_MINUTE, refused_lines(town))
        await_true("all places are free again", lambda: descriptors(planner) <= fds)
        expect("it stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
