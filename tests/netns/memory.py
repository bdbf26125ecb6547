#!/usr/bin/python3
"""What the roles of sekishod hold at rest: little with few flows, and little for each flow more.

Counted is what a role has written and shares with nobody, so the figure depends neither on what else runs on the machine nor on how busy it is. What a change of
policy takes while it is made is not counted: a role rests when it has given it back.
"""

import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import zone_file  # noqa: E402
from town import Town, await_true, skip_unless_possible  # noqa: E402

ROLES = ("enforcer", "planner", "witness", "sentry")
FEW, MANY = 100, 3000
FEW_KIB_MAX = 5632  # of all processes together
FLOW_BYTES_MAX = 800


def write_flows(path, count, port):
    """Flows from one address to one server each, by a port of their own; the last has the port that is given."""
    policy = zone_file.town_policy()
    for i in range(count):
        policy["flows"].append(zone_file.internal_flow(f"flow-{i}", ("internet", "cloud"), f"10.3.{i >> 8}.{i & 255}", "cloud-dns", "udp",
                                                       port if i == count - 1 else 1000))
    zone_file.write(path, policy)


def held_kib(town):
    """Of all processes together."""
    kib = 0
    for pid in [town.daemon.pid] + [town.role_pid(role) for role in ROLES]:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))
    return kib


def held_with(directory, count, most_kib):
    """Kibibytes with so many flows, one of which was changed; waits until they are at most most_kib."""
    file, edited = (os.path.join(directory, name) for name in ("flows.conf", "edited.conf"))
    write_flows(file, count, 1000)
    write_flows(edited, count, 1001)
    with Town(config=file, hosts=[]) as town:
        town.start_daemon()
        shutil.copyfile(edited, town.config)
        answer = town.apply()
        assert answer["result"] == "committed", answer
        figures = []

        def rests():
            figures.append(held_kib(town))
            return figures[-1] <= most_kib

        try:
            await_true(f"all roles rest with {count} flows", rests)
        finally:
            print(f"{count} flows: {figures[-1]} KiB, at most {most_kib}")
        return figures[-1]


def main():
    skip_unless_possible()
    with tempfile.TemporaryDirectory() as directory:
        few = held_with(directory, FEW, FEW_KIB_MAX)
        held_with(directory, MANY, few + (MANY - FEW) * FLOW_BYTES_MAX // 1024)


if __name__ == "__main__":
    main()
