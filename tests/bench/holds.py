"""make bench BENCH=holds: how long the wall needs: to repair a foreign change, to cut a zone off, to say a wrong wiring; what a storm of refusals costs."""

import os
import random
import re
import shutil
import statistics
import subprocess
import time

import refusals
import tamper
import wrong_wiring
import zone_file
from flood import Flood, frame
from leak_world import NEIGHBOURS, PLACES, restore_zone, silence_hosts
from town import BUILD, HOSTS, ZONES, Town, await_true

TIMES = int(os.environ.get("SEKISHO_TIMES", "200"))
ISOLATE_FLOWS = (10, 10000, 100000)
DURING_APPLY_FLOWS = 100000
RATE = 2000		# packets per second of the connection that is cut
AFTER_S = 0.2		# so long before the command and after its answer packets are looked for
STORM_S = int(os.environ.get("SEKISHO_STORM_SECONDS", "60"))
STORM_RATE = 100000
REPAIRED = ("flush ruleset", "a rule was put first", "the table sleeps", "an element was added")
OUT = ("lgwan", "internet")


def load():
    return f"{os.getloadavg()[0]:.1f}"


def row(what, values, more=""):
    """Median and worst of milliseconds."""
    return [what, f"{statistics.median(values):.1f}", f"{max(values):.1f}", str(len(values)), load(), more]


# ---- a foreign change

def measure_repair(print_table):
    rows = []
    with Town(hosts=list(PLACES.values())) as town:
        wall = tamper.Wall(town, "--no-owner")
        changed = {what: [wall.tamper(tamper.CHANGES[what]) for _ in range(TIMES // len(REPAIRED))] for what in REPAIRED}
        passed = wall.result()
    for what in REPAIRED:
        mine, passed = passed[:len(changed[what])], passed[len(changed[what]):]
        rows.append(row(what, [seconds * 1000 for _, seconds in mine], f"{sum(count for count, _ in mine)}" if any(changed[what]) else "refused"))
    print_table(f"a foreign change of tables without an owner, from the first forbidden packet that passed to the last, at {tamper.RATE} a second",
                ["", "median, ms", "worst, ms", "times", "load", "packets passed"], rows)


# ---- isolate

def isolate_policy(count, port=1000):
    """So many flows, one of them by this port."""
    policy = zone_file.town_policy()
    policy["flows"] = [zone_file.exception_flow("measured", OUT, "10.2.1.10", "10.3.2.10", "udp", 7000)]
    for i in range(count - 1):
        policy["flows"].append(zone_file.internal_flow(
            f"flow-{i}", ("internet", "cloud"), f"10.3.{i >> 8 & 255}.{i & 255}", "cloud-dns", "udp", 1000 + (i >> 16) if i else port))
    return policy


def sekisho(town, *words):
    return subprocess.Popen(town.at("gateway", [os.path.join(BUILD, "sekisho"), "--socket", os.path.join(town.run_dir, "control"), *words]),
                            stdout=subprocess.DEVNULL)


def cut_once(town, windows, apply=None):
    """One isolation, while a change is applied if one is given, and its release; returns when the command began and how long its answer took."""
    if apply:
        apply.begin()
        apply.pause()
    began = time.monotonic()
    command = sekisho(town, "isolate", OUT[0])
    if command.wait() != 0:
        raise SystemExit("bench: isolate failed")
    answered = time.monotonic()
    time.sleep(AFTER_S)
    windows.append((0, began - AFTER_S, time.monotonic()))
    if apply:
        apply.end()
    if sekisho(town, "release", OUT[0]).wait() != 0:
        raise SystemExit("bench: release failed")
    time.sleep(AFTER_S)
    return began, answered - began


class Applies:
    """One change after the other, of one flow of many: begin() one, and end() it."""

    def __init__(self, town, others):
        """others: a file like that in force, but for one flow."""
        self.town, self.files = town, [others, town.config + ".now"]
        shutil.copyfile(town.config, self.files[1])
        self.random = random.Random(1)
        began = time.monotonic()
        self.begin()
        self.end()
        self.takes_s = time.monotonic() - began

    def begin(self):
        shutil.copyfile(self.files[0], self.town.config)
        self.files.reverse()
        self.command = sekisho(self.town, "apply")

    def pause(self):
        """Some time of that which an apply takes."""
        time.sleep(self.random.uniform(0, self.takes_s))

    def end(self):
        if self.command.wait() != 0:
            raise SystemExit("bench: apply failed")


def measure_isolate(directory, count, applies=False):
    """Milliseconds from the command to the last packet, and to its answer; applies: each while a change is being applied."""
    config = os.path.join(directory, "isolate.conf")
    zone_file.write(config, isolate_policy(count))
    zone_file.write(config + ".other", isolate_policy(count, 999))
    with Town(config=config, hosts=list(PLACES.values())) as town:
        silence_hosts(town)
        for zone in PLACES:
            restore_zone(town, zone)
        data = frame((HOSTS[PLACES[OUT[0]]][1], refusals.gateway_mac(town, ZONES[OUT[0]][0])), ("10.2.1.10", NEIGHBOURS[OUT[1]][2]), "udp", (777, 7000))
        town.start_daemon()
        await_true("the daemon is at rest", lambda: town.status()["state"] == "in-force")
        flood = Flood([(town.namespace(PLACES[zone]), "eth0") for zone in OUT], [("fixed", RATE, 0, 1, data)])
        windows, times, apply = [], [], Applies(town, config + ".other") if applies else None
        for _ in range(TIMES):
            times.append(cut_once(town, windows, apply))
        got = flood.result(windows)
    last = []
    for (began, _), window in zip(times, got["windows"]):
        if not window["arrived"] or not window["lost"]:
            raise SystemExit(f"bench: the connection was not there to be cut: {window}")
        last.append(max(0, window["last"] / 1e3 - began * 1e3))
    return last, [took * 1000 for _, took in times]


def bench_isolate(directory, print_table):
    rows = []
    for count in ISOLATE_FLOWS:
        last, took = measure_isolate(directory, count)
        rows.append(row(f"{count} flows: to the last packet", last))
        rows.append(row(f"{count} flows: to the answer", took))
    last, took = measure_isolate(directory, DURING_APPLY_FLOWS, True)
    rows.append(row(f"{DURING_APPLY_FLOWS} flows, while one of them is changed: to the last packet", last))
    rows.append(row("the same: to the answer", took))
    print_table("sekisho isolate, from the command", ["", "median, ms", "worst, ms", "times", "load", ""], rows)


# ---- a wrong wiring

def bench_wiring(print_table):
    with Town(hosts=wrong_wiring.PLACES) as town:
        town.start_daemon()
        took = wrong_wiring.alarm_times(wrong_wiring.watched(town), min(TIMES, 200))
    print_table("a wrong wiring, from the frame to the line of the log", ["", "median, ms", "worst, ms", "times", "load", ""],
                [row("addresses, servers, routers, VLANs", [seconds * 1000 for seconds in took])])


# ---- a storm of refusals

def processor_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as line:
        return sum(int(field) for field in line.read().rpartition(")")[2].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read())[1]) / 1024


def bench_storm(print_table):
    with Town(hosts=refusals.PLACES) as town:
        town.start_daemon()
        record = refusals.Record(town)
        names = [(town.namespace(place), "eth0") for place in ("shokuin-pc", "inet-tanmatsu")]
        data = frame((HOSTS["shokuin-pc"][1], refusals.gateway_mac(town, "lg0")), ("10.2.0.10", "10.3.0.10"), "udp", (40000, refusals.TCP_PORT))
        pids = {"parent": town.daemon.pid, **{role: town.role_pid(role) for role in ("planner", "enforcer", "witness", "sentry")}}
        before = {role: processor_s(pid) for role, pid in pids.items()}
        flood = Flood(names, [("fresh", STORM_RATE, 0, 1, data)])
        time.sleep(STORM_S)
        got = flood.result()
        sent, seconds = got["streams"][0]["sent"], got["elapsed_ns"] / 1e9
        record.note("lgwan", "internet", "flow", sent)
        record.agree("the storm")
        rows = [[role, f"{(processor_s(pid) - before[role]) / seconds * 100:.1f}", f"{peak_mib(pid):.1f}"] for role, pid in pids.items()]
        events = sum(os.path.getsize(os.path.join(os.path.dirname(record.path), name)) for name in os.listdir(os.path.dirname(record.path))) / (1 << 20)
    if got["streams"][0]["received"]:
        raise SystemExit("bench: the storm came through")
    print_table(f"a storm of refusals: {sent} packets, {sent / seconds:.0f} a second for {seconds:.0f} s, every one counted; database {events:.1f} MiB, load {load()}",
                ["", "processor, %", "peak, MiB"], rows)


def bench_holds(directory, print_table):
    measure_repair(print_table)
    bench_isolate(directory, print_table)
    bench_wiring(print_table)
    bench_storm(print_table)
