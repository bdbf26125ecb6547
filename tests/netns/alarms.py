#!/usr/bin/python3
"""Alarms are in the journal: a new talker, a way past the rules and that it is gone, a process that ended; repeated, they are counted; the chain stays whole."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, Town, await_true, inside, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def journal(town, *words):
    result = subprocess.run([PROGRAM, "--lang", "en", "--json", "journal", "--dir", os.path.join(town.state_dir, "journal"), *words],
                            capture_output=True, text=True, check=False)
    return json.loads(result.stdout)


def alarms(town, name, event="alarm"):
    """The details of the alarms of an id."""
    return [record["details"] for record in journal(town) if record["event"] == event and record["details"][0] == name]


def send(town, host, address):
    """One datagram that no flow lets pass."""
    with inside(town.namespace(host)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (address, 4444))


def check_new_talker(town):
    send(town, "shokuin-pc", "10.3.0.10")
    await_true("a new talker is in the journal", lambda: alarms(town, "SKS-NEW-TALKER"))
    details = alarms(town, "SKS-NEW-TALKER")[0]
    expect("with zones, source and MAC", {"from=lgwan", "to=internet", "source=10.2.0.10", "mac=02:00:00:02:00:10"} <= set(details), details)
    send(town, "shokuin-pc", "10.3.0.11")
    await_true("the log has the second refusal", lambda: "destination=10.3.0.11" in town.log_text())
    expect("who was refused before is no new talker", len(alarms(town, "SKS-NEW-TALKER")) == 1)


def check_way_past_the_rules(town):
    name = "interface-in-bridge"
    town.ip("gateway", "link add br9 type bridge")
    town.ip("gateway", "link set lg0 master br9")
    await_true("a port of a bridge is in the journal", lambda: alarms(town, name))
    expect("with the interface and its zone", "lg0" in alarms(town, name)[0][-1] and "lgwan" in alarms(town, name)[0][-1], alarms(town, name))
    town.ip("gateway", "link set lg0 nomaster")
    await_true("that it is gone is in the journal", lambda: alarms(town, name, "alarm-over"))
    expect("as the same alarm", alarms(town, name, "alarm-over")[0] == alarms(town, name)[0])


def check_processes(town):
    for role in ("witness", "planner"):
        before = town.role_pid(role)
        os.kill(before, signal.SIGKILL)
        await_true(f"the {role} runs again", lambda: town.role_pid(role) not in (None, before))
        await_true(f"that the {role} ended is in the journal", lambda: any(f"role={role}" in details for details in alarms(town, "SKS-ROLE")))
    before = town.role_pid("witness")
    os.kill(before, signal.SIGKILL)
    await_true("the witness runs again", lambda: town.role_pid("witness") not in (None, before))
    expect("what is repeated is not recorded again", len([1 for details in alarms(town, "SKS-ROLE") if "role=witness" in details]) == 1)


def check_words(town):
    directory = os.path.join(town.state_dir, "journal")
    said = subprocess.run([PROGRAM, "--lang", "ja", "journal", "--dir", directory], capture_output=True, text=True, check=True).stdout
    expect("the reader gets the word for it", "警報  [sekishod]" in said and "警報の解消" in said, said)


def main():
    skip_unless_possible("nft")
    with Town(hosts=["shokuin-pc", "inet-tanmatsu"]) as town:
        town.start_daemon()
        check_new_talker(town)
        check_way_past_the_rules(town)
        check_processes(town)
        check_words(town)
        expect("it stops", town.stop_daemon() == 0)
        last = [record for record in journal(town) if record["event"] == "alarm"][-1]
        expect("what was counted is told at the end", last["details"][0] == "SKS-ALARM" and "1 more" in last["details"][-1], last)
        expect("the chain is whole", journal(town, "verify")["faults"] == [])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
