#!/usr/bin/python3
"""sekishod starts whatever it finds: no file, no interfaces, a file nobody may believe, an edited file, a predecessor that was killed, another
sekishod that runs. In every case what is in force afterwards is lawful, and the first who runs keeps the place.
"""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import Town, await_true, inside, skip_unless_possible  # noqa: E402

NETLINK_NETFILTER = 12
PORT, OTHER_PORT = "ports       = [ 3389 ]", "ports       = [ 3390 ]"
TERMINAL_ADDRESS = "10.1.0.10"  # of a host of the file: in the rules when its zone is


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def is_sealed(town):
    return town.status()["state"] == "sealed" and TERMINAL_ADDRESS not in town.rules() and "policy drop" in town.rules()


def without_file(town):
    """A first start without a file lets nothing pass; the file can come later."""
    os.rename(town.config, town.config + ".away")
    town.start_daemon()
    check("without a file everything is shut", is_sealed(town), town.status())
    check("and apply says why", town.apply()["result"] == "refused")
    check("which changes nothing", is_sealed(town), town.status())
    os.rename(town.config + ".away", town.config)
    check("a file that came is put in force", town.apply()["result"] == "committed")


def with_untrusted_file(town):
    os.chmod(town.config, 0o666)
    town.start_daemon()
    check("a file that everybody may write is not believed", is_sealed(town), town.status())
    os.chmod(town.config, 0o644)
    check("made ours alone, it is", town.apply()["result"] == "committed")


def without_interfaces(town):
    """Zones without an interface are closed; an interface that comes is a member by its name."""
    town.ip("gateway", "link set mn0 down")
    town.ip("gateway", "link set mn0 name away0")
    town.ip("gateway", "link del lg0")
    town.start_daemon()
    check("a missing interface is no reason not to start", town.status()["state"] == "in-force", town.status())
    check("its zone is closed", TERMINAL_ADDRESS not in town.rules() and "10.2.0.20" not in town.rules())
    town.ip("gateway", "link add lg0 type veth peer name p-lg0")
    await_true("an interface that came is a member", lambda: "10.2.0.20" in town.rules())


def after_edit(town):
    """An edit while the daemon was away is put in force by the start: that is what a start is for."""
    town.start_daemon()
    check("it stops", town.stop_daemon() == 0)
    town.edit_config(PORT, OTHER_PORT)
    town.start_daemon()
    check("the edited file is in force", town.status()["state"] == "in-force" and "3390" in town.rules() and "3389" not in town.rules())


def after_edit_and_link_loss(town):
    """A planner that is started again puts no edit in force that nobody applied, also where what is in force cannot stay as it is."""
    town.start_daemon()
    check("it is idle", town.apply()["result"] == "unchanged")
    planner = town.role_pid("planner")
    os.kill(planner, signal.SIGSTOP)
    town.edit_config(PORT, OTHER_PORT)
    town.ip("gateway", "link del up0")
    os.kill(planner, signal.SIGKILL)
    await_true("another planner has started", lambda: state(town) in ("last-good", "in-force"))
    check("what was applied last stays", state(town) == "last-good" and "3389" in town.rules() and "3390" not in town.rules(), state(town))
    check("an apply puts the edit in force", town.apply()["result"] == "committed" and "3390" in town.rules())


def after_kill(town):
    """No process survives the parent, and the rules outlive all of them."""
    town.keeps_descriptors = True
    town.start_daemon()
    before, generation = town.rules(), town.status()["kernel"]["generation"]
    roles = [town.role_pid(role) for role in ("planner", "enforcer")]
    town.daemon.kill()
    town.daemon.wait()
    await_true("all processes are gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in roles))
    check("the rules outlive them", town.rules() == before)
    town.start_daemon()
    check("the next one finds them as they should be", town.status()["kernel"]["generation"] == generation, town.status())


def before_the_last_one_is_gone(town):
    """What is left of a predecessor that was killed is waited for, and what it had in force goes on meanwhile."""
    town.keeps_descriptors = True
    town.start_daemon()
    if town.status()["ownership"] != "own":
        print("absent: owners of tables in this kernel")
        return
    town.stop_daemon(signal.SIGKILL)
    last, town.kept = town.kept, None	# as if a process of it still had the socket
    town.keeps_descriptors = False
    town.spawn_daemon()
    await_true("the next one sees it", lambda: "belong to another program" in town.log_text() or town.daemon.poll() is not None)
    os.close(last)
    town.await_notified("READY", "1")
    check("the next one has made the tables its own", town.status()["ownership"] == "own", town.status())
    check("and forwarding was never off", "nothing is forwarded" not in town.log_text(), town.log_text())


def before_the_last_backstop_is_gone(town):
    """Where tables have no owner, the backstop of a predecessor that was killed may still be there; the next one makes its own as soon as it is gone."""
    town.options = ["--no-owner"]
    town.keeps_descriptors = True
    town.start_daemon()
    town.stop_daemon(signal.SIGKILL)
    last, town.kept = town.kept, None	# as if a process of it still had the socket
    town.keeps_descriptors = False
    town.start_daemon()
    check("the next one says that it has none", "there is no backstop" in town.log_text(), town.log_text())
    os.close(last)
    await_true("and makes it when that can be", lambda: "sekisho-backstop" in town.run("gateway", ["nft", "list", "tables"]).stdout)
    check("which it says once", town.log_text().count("there is no backstop") == 1, town.log_text())


def beside_another(town):
    """Two of them would take turns in committing; the first one stays."""
    town.start_daemon()
    before, generation = town.rules(), town.status()["kernel"]["generation"]
    command = town.at("gateway", [town.program, "--config", town.config, "--run-dir", town.run_dir, "--state-dir", town.state_dir])
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    check("a second one ends", second.returncode != 0, second.stderr)
    status = town.status()
    check("the first one answers as before", status["state"] == "in-force" and status["kernel"]["generation"] == generation, status)
    check("and the rules are the same", town.rules() == before)
    check("and it can be asked to apply", town.apply()["result"] == "unchanged")


def beside_a_stranger(town):
    """Everybody can read the run directory: who locks it keeps no sekishod from starting."""
    os.makedirs(town.run_dir, 0o755, exist_ok=True)
    stranger = os.open(town.run_dir, os.O_RDONLY)
    fcntl.flock(stranger, fcntl.LOCK_EX)
    town.start_daemon()
    check("it starts", town.status()["state"] == "in-force", town.status())
    locked = [name for name in os.listdir(town.run_dir) if name == "lock"]
    check("what it locks itself is root's alone", locked and os.stat(os.path.join(town.run_dir, "lock")).st_mode & 0o777 == 0o600, locked)
    os.close(stranger)


def with_a_socket_of_elsewhere(town):
    """The service manager gives a socket that speaks to another network namespace, where the unit was before: rules made by it would be in force there."""
    elsewhere = town.namespace("switch")
    with inside(elsewhere):
        kept = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    kept.bind((0, 0))
    town.kept = os.dup(kept.fileno())
    kept.close()
    town.start_daemon()
    check("the rules are where we are", "chain forward" in town.rules())
    there = subprocess.run(["ip", "netns", "exec", elsewhere, "nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    check("and not elsewhere", there == "", there)


def before_the_daemon(town):
    """`sekishod --seal`: nothing passes before the daemon is there; where rules are in force it does nothing."""
    def seal():
        return town.run("gateway", [town.program, "--seal"], check=False)

    town.write_sysctl("gateway", "net/ipv4/ip_forward", 1)
    result = seal()
    check("it is sealed", result.returncode == 0 and "policy drop" in town.rules(), result.stderr)
    check("and forwarding is off", town.read_sysctl("gateway", "net/ipv4/ip_forward") == "0")
    town.start_daemon()
    before = town.rules()
    check("the daemon puts its policy in force over it", town.status()["state"] == "in-force" and TERMINAL_ADDRESS in before)
    check("over a policy nothing is done", seal().returncode == 0 and town.rules() == before)
    town.stop_daemon()
    check("also without the daemon", seal().returncode == 0 and town.rules() == before)
    town.run("gateway", ["nft", "delete", "table", "inet", "sekisho"])
    check("without the guard it is sealed again", seal().returncode == 0 and "policy drop" in town.rules() and TERMINAL_ADDRESS not in town.rules())


def state(town):
    """None: nobody answers."""
    try:
        return town.status()["state"]
    except OSError:
        return None


def answers(town):
    return state(town) == "in-force"


def with_a_clock_that_is_behind(town):
    """A clock that has lost two years opens nothing that was closed: time goes on from the newest that was seen."""
    town.edit_config("critical    = true;", "")
    town.start_daemon()
    check("a flow with a record is open", "juki-shokai" in town.rules())
    check("it stops", town.stop_daemon() == 0)
    with open(os.path.join(town.state_dir, "newest"), "r+b") as newest:
        newest.write(struct.pack("<Q", int(time.time()) + 2 * 366 * 24 * 3600))
    town.start_daemon()
    check("its record is over by the newest time", town.status()["state"] == "in-force" and "juki-shokai" not in town.rules(), town.status())
    check("and the log says why", "SKS-CLOCK" in town.log_text())
    planner = town.role_pid("planner")
    os.kill(planner, signal.SIGKILL)
    await_true("another planner", lambda: town.role_pid("planner") not in (None, planner))
    await_true("it answers", lambda: answers(town))
    check("also with another planner", town.apply()["result"] == "unchanged" and "juki-shokai" not in town.rules())
    check("it stops", town.stop_daemon() == 0)
    os.truncate(os.path.join(town.state_dir, "newest"), 3)
    town.start_daemon()
    check("without that time the clock counts", "juki-shokai" in town.rules())
    check("which the log says", "the newest time that was seen cannot be read" in town.log_text())


def main():
    skip_unless_possible("nft")
    for situation in (before_the_daemon, with_a_clock_that_is_behind, without_file, with_untrusted_file, without_interfaces, after_edit, after_edit_and_link_loss, after_kill, before_the_last_one_is_gone,
                      before_the_last_backstop_is_gone, beside_another, beside_a_stranger, with_a_socket_of_elsewhere):
        with Town(hosts=[]) as town:
            situation(town)


if __name__ == "__main__":
    main()
