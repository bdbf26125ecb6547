#!/usr/bin/python3
"""The tables belong to sekishod where the kernel knows owners (6.9): root's nft cannot change them, and what belongs to others is none of it.

The owner is a socket. A service manager keeps it while the daemon is started again, so that nobody can come in between; where none does, the tables are
orphans for that time, filter as before, and are claimed by the next daemon. Tables that were made without an owner stay so.
"""

import os
import re
import signal
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, Town, await_true, inside, skip_unless_possible  # noqa: E402

SEKISHO = os.path.join(SOURCE, "build", "sekisho")
HOSTS = ["shokuin-pc", "gamen-server", "jumin-tanmatsu"]
PORT, OTHER_PORT = "ports       = [ 3389 ]", "ports       = [ 3390 ]"

# What root may try; each would open or cut something.
TAMPERINGS = (
    "delete table inet sekisho",
    "flush table inet sekisho",
    "flush chain inet sekisho forward",
    "insert rule inet sekisho forward accept",
    "add chain inet sekisho early { type filter hook forward priority -300; }",
    "delete table bridge sekisho",
    "delete table netdev sekisho",
    "flush set bridge sekisho ports",
    "add table inet sekisho { flags dormant; }",
)


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def nft(town, command):
    return town.run("gateway", ["nft", command], check=False)


def connects(town, place, address, port):
    """True when a connection is answered within a second; who listens has been listening since the town was built."""
    with inside(town.namespace(place)), socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect((address, port))
        except OSError:
            return False
        return True


def listen(town, place, port):
    with inside(town.namespace(place)):
        server = socket.create_server(("0.0.0.0", port))
    return server


def is_judged(town, port=3389):
    """The file's flow passes, and what it does not name does not."""
    return connects(town, "shokuin-pc", "10.3.0.30", port) and not connects(town, "jumin-tanmatsu", "10.3.0.30", port)


def kernel_has_owners(town):
    """By asking with a table that both flags are on; nothing is left of it."""
    with inside(town.namespace("gateway")), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
        netlink.bind((0, 0))
        table = struct.pack("BBH", 1, 0, 0) + struct.pack("HH", 6, 1) + b"x\0\0\0" + struct.pack("HH", 8, 2) + struct.pack(">I", 6)
        begin = struct.pack("IHHIIBBH", 20, 16, 1, 1, 0, 0, 0, socket.htons(10))
        message = struct.pack("IHHII", 16 + len(table), 10 << 8, 0x401 | 4, 2, 0) + table
        netlink.send(begin + message)
        answer = netlink.recv(4096)
        return struct.unpack("i", answer[16:20])[0] == 0


def is_refused(town):
    before = town.rules()
    for tampering in TAMPERINGS:
        result = nft(town, tampering)
        if result.returncode == 0 or "not permitted" not in result.stderr or town.rules() != before:
            print(f"not refused: {tampering}: {result.stderr}")
            return False
    return True


def generation(town):
    return town.status()["kernel"]["generation"]


def check_refused(town):
    town.keeps_descriptors = True
    town.start_daemon()
    check("the status says that the tables are its own", town.status()["ownership"] == "own", town.status())
    result = town.run("gateway", [SEKISHO, "--socket", os.path.join(town.run_dir, "control"), "status"], check=False)
    check("also in words", "nft" in result.stdout, result.stdout + result.stderr)
    before = town.rules()
    check("what root may try is refused", is_refused(town))
    nft(town, "add table inet other")
    check("a flush of everything", nft(town, "flush ruleset").returncode == 0)
    check("takes what is not ours", "other" not in nft(town, "list tables").stdout)
    check("and passes ours by", town.rules() == before)
    check("packets are judged as before", is_judged(town))
    check("nothing had to be repaired", "was repaired" not in town.log_text())
    town.edit_config(PORT, OTHER_PORT)
    check("and an apply goes on", town.apply()["result"] == "committed" and "3390" in town.rules())


def check_enforcer_killed(town):
    """The parent has the socket, so the next enforcer speaks by it."""
    enforcer = town.role_pid("enforcer")
    os.kill(enforcer, signal.SIGKILL)
    check("also while there is no enforcer", is_refused(town))
    await_true("another enforcer", lambda: town.role_pid("enforcer") not in (None, enforcer))
    check("it applies", town.apply()["result"] == "unchanged")
    town.edit_config(OTHER_PORT, PORT)
    check("and changes", town.apply()["result"] == "committed")


def check_all_killed(town):
    """What the service manager has is worth as much as the daemon."""
    before, number = town.rules(), generation(town)
    town.daemon.kill()
    town.daemon.wait()
    check("also while there is no daemon", is_refused(town))
    nft(town, "flush ruleset")
    check("which a flush passes by as well", town.rules() == before)
    town.start_daemon()
    check("the next one needs to change nothing", generation(town) == number and town.status()["ownership"] == "own", town.status())
    check("and refuses on", is_refused(town))


def check_orphans(town):
    """Stopped: anybody can change them; the next one claims them."""
    before = town.rules()
    check("it stops", town.stop_daemon() == 0)
    town.forget_descriptor()
    check("the orphans are as they were", town.rules() == before and "owner" not in nft(town, "list table inet sekisho").stdout)
    check("and judge", is_judged(town))
    nft(town, "insert rule inet sekisho forward accept")
    check("but can be changed", town.rules() != before)
    town.start_daemon()
    check("the next daemon claims and mends them", town.rules() == before and town.status()["ownership"] == "own", town.status())
    check("and root is refused again", is_refused(town))


def hijack(town):
    """Claims the orphans, as an attacker with root's rights could; the socket."""
    with inside(town.namespace("gateway")):
        thief = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    thief.bind((0, 0))
    batch = struct.pack("IHHIIBBH", 20, 16, 1, 1, 0, 0, 0, socket.htons(10))
    for number, family in enumerate((1, 5, 7)):
        body = struct.pack("BBH", family, 0, 0) + struct.pack("HH", 12, 1) + b"sekisho\0" + struct.pack("HH", 8, 2) + struct.pack(">I", 6)
        batch += struct.pack("IHHII", 16 + len(body), 10 << 8, 1, 2 + number, 0) + body
    batch += struct.pack("IHHIIBBH", 20, 17, 5, 9, 0, 0, 0, socket.htons(10))
    thief.send(batch)
    check("somebody else was first", struct.unpack("i", thief.recv(4096)[16:20])[0] == 0)
    return thief


def check_taken(town):
    """Somebody claimed them between two daemons: he is named, nothing is forwarded, and when he is gone all is well."""
    town.stop_daemon()
    town.forget_descriptor()
    with hijack(town):
        town.edit_config(PORT, OTHER_PORT)
        town.spawn_daemon()
        await_true("the finding", lambda: "finding=tables-taken" in town.log_text())
        check("no way is opened", town.read_sysctl("gateway", "net/ipv4/ip_forward") == "0")
        status = town.status()
        check("the status says so", status["ownership"] == "foreign", status)
    await_true("when he is gone it goes on", lambda: town.status()["state"] != "starting" and town.status()["ownership"] == "own")
    await_true("and forwards", lambda: town.read_sysctl("gateway", "net/ipv4/ip_forward") == "1")
    # The start that was interrupted may have been made up for by now.
    check("what the file says is put in force", town.apply()["result"] in ("committed", "unchanged") and "3390" in town.rules())


def check_without_owner(town):
    """What an earlier version made has no owner; it stays in force as it is, and the status says that it is open until the next boot."""
    town.stop_daemon()
    town.forget_descriptor()
    for family in ("inet", "bridge", "netdev"):
        nft(town, f"delete table {family} sekisho")
    town.start_daemon("--no-owner")
    check("without owners the status says so", town.status()["ownership"] == "none", town.status())
    check("and its tables have none", "owner" not in nft(town, "list table inet sekisho").stdout)
    before = town.rules()
    town.daemon.kill()
    town.daemon.wait()
    town.start_daemon()
    check("the next version takes the rules over as they are", town.rules() == before and town.status()["state"] == "in-force")
    check("and says that they are open", town.status()["ownership"] == "open", town.status())
    nft(town, "flush ruleset")
    await_true("a flush is repaired", lambda: town.rules_unordered() == unordered(before))
    await_true("with an owner", lambda: is_refused(town))


def unordered(rules):
    text = re.sub(r" timeout [0-9dhms]+", "", rules).replace("elements = {", ",").replace("}", ",")
    return sorted(" ".join(part.split()) for part in re.split(r"[,\n]", text) if part.strip())


def check_seal(town):
    """The seal of early boot ends and leaves orphans, so that the daemon can own them."""
    town.stop_daemon()
    town.forget_descriptor()
    for family in ("inet", "bridge", "netdev"):
        nft(town, f"delete table {family} sekisho")
    town.run("gateway", [town.program, "--seal"])
    check("sealed", "policy drop" in town.rules() and not connects(town, "shokuin-pc", "10.3.0.30", 3390))
    town.start_daemon()
    check("the daemon owns what the seal made", town.status()["ownership"] == "own" and is_refused(town), town.status())
    check("and lets pass what the file says", is_judged(town, 3390))


def main():
    skip_unless_possible("nft")
    with Town(hosts=HOSTS) as town:
        if not kernel_has_owners(town):
            print("SKIP: absent: owners of tables in this kernel")
            sys.exit(77)
        servers = [listen(town, "gamen-server", port) for port in (3389, 3390)]
        for step in (check_refused, check_enforcer_killed, check_all_killed, check_orphans, check_taken, check_without_owner, check_seal):
            step(town)
        for server in servers:
            server.close()


if __name__ == "__main__":
    main()
