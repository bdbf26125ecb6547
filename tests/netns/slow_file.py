#!/usr/bin/python3
"""A zone file takes long to read: zones are isolated meanwhile, the status is answered, nobody who reads is taken for one that hangs, and who dies is replaced.

How long it takes is said by a library in front of the daemon's (preload/hold.c); planner and parent read for themselves, and each may be held for itself.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import BUILD, SOURCE, Town, await_true, skip_unless_possible  # noqa: E402

LIBRARY = os.path.join(BUILD, "tests", "netns", "preload", "hold.so")
PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
READERS = ("planner", "reader")


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def command(town, *words):
    """sekisho at work."""
    return subprocess.Popen(town.at("gateway", [PROGRAM, "--json", "--socket", os.path.join(town.run_dir, "control"), *words]), stdout=subprocess.PIPE)


def answer_of(process):
    return json.loads(process.communicate()[0])


def environment(town):
    return {"LD_PRELOAD": LIBRARY, "SEKISHO_HOLD": town.config}


@contextlib.contextmanager
def held(town, *readers):
    """These do not come to open the zone file."""
    for reader in readers:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{town.config}.held-{reader}")
        with open(f"{town.config}.hold-{reader}", "w", encoding="ascii"):
            pass
    try:
        yield
    finally:
        for reader in readers:
            os.unlink(f"{town.config}.hold-{reader}")


def reader_pid(town):
    """Who reads for the parent, or None."""
    with open(f"/proc/{town.daemon.pid}/task/{town.daemon.pid}/children", encoding="ascii") as children:
        for pid in children.read().split():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="ascii") as name:
                if name.read().strip() == "sks-reader":
                    return int(pid)
    return None


class Apply:
    """A change of the file, which is being applied."""

    def __init__(self, town):
        self.town = town
        ports = ("[ 3389 ]", "[ 3389, 3390 ]")
        with open(town.config, encoding="utf-8") as file:
            old, new = ports if f"ports       = {ports[0]}" in file.read() else reversed(ports)
        town.edit_config(f"ports       = {old}", f"ports       = {new}")
        self.process = command(town, "apply", "--reason", "slow")

    def is_going_on(self):
        return self.process.poll() is None

    def answer(self):
        return answer_of(self.process)


def begin_apply(town, readers=READERS):
    """An apply that has come to where these are held, and who reads for the parent, if that is one of them."""
    apply = Apply(town)
    for reader in readers:
        await_true(f"the {reader} is held", lambda path=f"{town.config}.held-{reader}": os.path.exists(path))
    return apply, reader_pid(town)


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def is_whole(town):
    try:
        return town.status()["enforcer"]["connected"]
    except OSError:
        return False


def journal(town):
    return [(record["event"], record["reason"]) for record in answer_of(command(town, "journal", "--dir", os.path.join(town.state_dir, "journal")))]


def check_isolate(town, readers):
    with held(town, *readers):
        apply, _ = begin_apply(town, readers)
        answer = answer_of(command(town, "isolate", "lgwan", "--reason", " ".join(readers)))
        expect(f"isolated while {' and '.join(readers)} read", answer["result"] == "isolated" and apply.is_going_on(), answer)
        expect("which the status says", [item["zone"] for item in town.status()["isolated"]] == ["lgwan"] and apply.is_going_on())
    answer = apply.answer()
    expect("the change is made then", answer["result"] == "committed", answer)
    expect("the journal has both in their order", journal(town)[-2:] == [("isolate", " ".join(readers)), ("commit", "slow")], journal(town))
    expect("the zone is still isolated", [item["zone"] for item in town.status()["isolated"]] == ["lgwan"])
    expect("and is released", answer_of(command(town, "release", "lgwan"))["result"] == "released")


def check_reader_dies(town):
    with held(town, "reader"):
        apply, killed = begin_apply(town, ["reader"])
        os.kill(killed, signal.SIGKILL)

        def another_killed():
            pid = reader_pid(town)
            if pid not in (None, killed):
                os.kill(pid, signal.SIGKILL)
            return not apply.is_going_on()

        await_true("who read ahead is replaced, and killed as well", another_killed)
    answer = apply.answer()
    expect("then the change is refused", answer["result"] == "refused" and [item["id"] for item in answer["findings"]] == ["reading-failed"], answer)
    expect("and can be made", town.apply()["result"] == "committed")


def kill_role(town, role):
    victim = town.role_pid(role)
    os.kill(victim, signal.SIGKILL)
    await_true(f"another {role}", lambda: town.role_pid(role) not in (None, victim))
    await_true("it is spoken with", lambda: is_whole(town))


def check_planner_dies(town):
    with held(town, *READERS):
        apply, reader = begin_apply(town)
        kill_role(town, "planner")
        await_true("who read for its predecessor is gone", lambda: is_gone(reader))
    apply.process.wait()
    expect("after another planner the change can be made", town.apply()["result"] in ("committed", "unchanged"))


def check_enforcer_dies(town):
    planner = town.role_pid("planner")
    with held(town, *READERS):
        apply, _ = begin_apply(town)
        kill_role(town, "enforcer")
        expect("who reads goes on without an enforcer", apply.is_going_on())
    answer = apply.answer()
    expect("what was begun with another enforcer fails", [item["id"] for item in answer["findings"]] == ["enforcer-gone"], answer)
    expect("and can be made", town.apply()["result"] == "committed" and town.role_pid("planner") == planner)


def check_stop(town):
    with held(town, *READERS):
        apply, reader = begin_apply(town)
        planner = town.role_pid("planner")
        town.stop_daemon()
        expect("nobody who read is left", is_gone(reader) and is_gone(planner))
    apply.process.wait()
    expect("nobody had to be killed", "did not stop and is killed" not in town.log_text(), town.log_text())
    town.start_daemon(environment=environment(town))
    expect("the file is as it was left", town.apply()["result"] in ("committed", "unchanged"))


def main():
    skip_unless_possible()
    with Town(hosts=[]) as town:
        town.start_daemon(environment=environment(town))
        for readers in (("reader",), ("planner",), READERS):
            check_isolate(town, readers)
        check_reader_dies(town)
        check_planner_dies(town)
        check_enforcer_dies(town)
        check_stop(town)


if __name__ == "__main__":
    main()
