#!/usr/bin/python3
"""A file that somebody edits while it is being applied is refused: its rules would be judged by the zones of another text, and what is kept for the next start
would be an older one than what is in force.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zone_file  # noqa: E402
from town import DEADLINE_S, LIBC, Town, check_call, skip_unless_possible  # noqa: E402

IN_CLOSE_NOWRITE = 0x10


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def write_policy(town, *flows):
    policy = zone_file.town_policy()
    policy["flows"] = [zone_file.internal_flow(flow, ("internet", "cloud"), "10.3.0.77", "cloud-dns", "udp", 7000 + len(flow)) for flow in flows]
    zone_file.write(town.config, policy)


def open_flows(town):
    live = town.run("gateway", ["nft", "list", "set", "inet", "sekisho", "live"]).stdout
    return [flow for flow in ("steady", "taken-away", "another") if f'comment "{flow} ' in live]


@contextlib.contextmanager
def halted(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def watched(path):
    """Gives a function that waits until somebody has read the file."""
    descriptor = LIBC.inotify_init1(os.O_CLOEXEC)
    check_call(0 if descriptor >= 0 and LIBC.inotify_add_watch(descriptor, path.encode(), ctypes.c_uint32(IN_CLOSE_NOWRITE)) >= 0 else -1)

    def await_reader():
        assert select.select([descriptor], [], [], DEADLINE_S)[0], "nobody has read the file"

    yield await_reader
    os.close(descriptor)


def apply_and_edit(town, **more):
    """Applies what takes a flow away; between the planner's reading and the parent's, the file gets another flow besides."""
    answers = []
    write_policy(town, "steady")
    apply = threading.Thread(target=lambda: answers.append(town.apply(**more)))
    with halted(town.daemon.pid), watched(town.config) as await_reader:
        apply.start()
        await_reader()
        write_policy(town, "steady", "another")
    apply.join()
    return answers[0]


def check_refused(town, **more):
    answer = apply_and_edit(town, **more)
    expect("it is refused", answer["result"] == "refused" and [finding["id"] for finding in answer["findings"]] == ["file-changed"], answer)
    expect("nothing was changed", open_flows(town) == ["steady", "taken-away"], open_flows(town))
    expect("and nothing waits", town.status()["confirm_until"] is None)


def check_kept(town):
    """Applied again, it is what is in force, and what a start with a broken file finds."""
    write_policy(town, "steady")
    expect("applied again it is in force", town.apply()["result"] == "committed" and open_flows(town) == ["steady"])
    with open(town.config, "a", encoding="utf-8") as file:
        file.write("nonsense")
    town.stop_daemon()
    town.start_daemon()
    expect("what was taken away stays away", open_flows(town) == ["steady"], open_flows(town))


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        write_policy(town, "steady", "taken-away")
        town.start_daemon()
        expect("at first", town.apply()["result"] == "unchanged" and open_flows(town) == ["steady", "taken-away"])
        check_refused(town)
        check_refused(town, confirm=600)
        check_kept(town)


if __name__ == "__main__":
    main()
