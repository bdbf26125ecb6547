#!/usr/bin/python3
"""sekishod from start to stop: what it puts in force, what it refuses, and that rules outlive every process of it."""

import os
import re
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import Town, await_true, skip_unless_possible  # noqa: E402

HOSTS = ["kanri-tanmatsu", "juki-cs", "jumin-tanmatsu", "gamen-server"]
TERMINAL = {"source": "10.2.0.5", "source_port": 50022, "destination": "10.2.0.1", "destination_port": 22}

SSH_FROM_TERMINAL = 'name     = "ssh";\n\t\t\tzone     = "lgwan";\n\t\t\tsource   = "kanri-tanmatsu";'
SSH_FROM_ELSEWHERE = SSH_FROM_TERMINAL.replace("kanri-tanmatsu", "juki-cs")


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def generation(town):
    """The kernel's generation after an apply of the same file, which must change nothing."""
    answer = town.apply(reason="again")
    expect("the same file changes nothing", answer["result"] == "unchanged", answer)
    return answer["generation"]


def finding_ids(answer):
    return [finding["id"] for finding in answer["findings"]]


def check_start(town):
    expect("forwarding is off before there are rules", town.read_sysctl("gateway", "net/ipv4/ip_forward") == "0")
    town.start_daemon()
    expect("READY says that the policy is in force", town.await_notified("STATUS").startswith("in force"), town.notified)
    listing = town.run("gateway", ["nft", "list", "table", "inet", "sekisho"]).stdout
    expect("nft lists the table", "chain forward" in listing and "juki-shokai" in listing)
    expect("forwarding is on with the rules", town.read_sysctl("gateway", "net/ipv4/ip_forward") == "1")
    expect("and for IPv6", town.read_sysctl("gateway", "net/ipv6/conf/all/forwarding") == "1")
    status = town.status()
    expect("the status says so", status["state"] == "in-force" and status["zones"] == 4, status)
    expect("the control socket is root's alone", os.stat(os.path.join(town.run_dir, "control")).st_mode & 0o777 == 0o600)


def process_status(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def check_sandbox(town):
    """What each process may still do. A sanitizer build (given by $SEKISHOD) has no filter of system calls."""
    net_admin, net_raw, setpcap = 1 << 12, 1 << 13, 1 << 8
    for role, capabilities in (("planner", 0), ("enforcer", net_admin), ("witness", 0), ("sentry", 0)):
        status = process_status(town.role_pid(role))
        for kind in ("CapPrm", "CapEff", "CapBnd"):
            expect(f"the {role}'s {kind}", int(status[kind], 16) == capabilities, status[kind])
        expect(f"the {role} gains nothing by exec", status["NoNewPrivs"] == "1")
        if "SEKISHOD" not in os.environ:
            expect(f"the {role}'s system calls are filtered", status["Seccomp"] == "2")
    expect("the parent has what it gives", int(process_status(town.daemon.pid)["CapPrm"], 16) == net_admin | net_raw | setpcap)


def check_apply(town):
    before = town.rules()
    first = generation(town)
    expect("and the generation stays", generation(town) == first)

    town.edit_config('"10.1.0.10"', '"10.1.0.300"')
    answer = town.apply(reason="a mistake")
    expect("a mistake is refused with its line", answer["result"] == "refused" and answer["findings"][0]["line"] > 0, answer)
    expect("and the rules are the same to the byte", town.rules() == before)
    town.edit_config('"10.1.0.300"', '"10.1.0.10"')
    expect("the mended file changes nothing", generation(town) == first)


def check_change(town):
    before = town.rules()
    first = generation(town)
    town.edit_config("ports       = [ 3389 ]", "ports       = [ 3390 ]")
    answer = town.apply(reason="dry", dry_run=True)
    expect("a dry run says what would change", answer["result"] == "committed" and answer["changes"]["elements_added"] > 0, answer)
    expect("and changes nothing", town.rules() == before)
    answer = town.apply(reason="another port")
    expect("a change is committed", answer["result"] == "committed" and answer["generation"] > first, answer)
    expect("by elements alone", answer["changes"]["rules_added"] == 0, answer)
    expect("and nft shows it", "3390" in town.rules() and "3389" not in town.rules())
    town.edit_config("ports       = [ 3390 ]", "ports       = [ 3389 ]")
    expect("and back again", town.apply()["result"] == "committed")


def check_lockout(town):
    town.edit_config(SSH_FROM_TERMINAL, SSH_FROM_ELSEWHERE)
    before = town.rules()
    answer = town.apply(connections=[TERMINAL])
    expect("who would lock himself out is refused", answer["result"] == "refused" and finding_ids(answer).count("lockout") == 1, answer)
    lockout = [finding for finding in answer["findings"] if finding["id"] == "lockout"][0]
    expect("with the line of the service", lockout.get("line", 0) > 0, lockout)
    expect("and nothing is changed", town.rules() == before)
    expect("unless he insists", town.apply(connections=[TERMINAL], force=True)["result"] == "committed")
    town.edit_config(SSH_FROM_ELSEWHERE, SSH_FROM_TERMINAL)
    expect("a terminal that gains access is no reason to refuse", town.apply(connections=[TERMINAL])["result"] == "committed")


def check_untrusted_file(town):
    os.chmod(town.config, 0o666)
    answer = town.apply()
    expect("a file everybody may write is refused", answer["result"] == "refused" and "file-writable" in finding_ids(answer), answer)
    os.chmod(town.config, 0o644)
    expect("the same file is taken when it is ours alone", town.apply()["result"] == "unchanged")


def check_requests(town):
    expect("a request with a port that is none", town.apply(connections=[dict(TERMINAL, source_port=0)])["result"] == "failed")
    expect("a request with too many connections", town.apply(connections=[TERMINAL] * 65)["result"] == "failed")
    expect("a request of the other kind", town.apply(force="yes")["result"] == "failed")


def check_killed_role(town, role):
    before = town.rules()
    first = generation(town)
    victim = town.role_pid(role)
    os.kill(victim, signal.SIGKILL)
    await_true(f"another {role}", lambda: town.role_pid(role) not in (None, victim))
    expect(f"the rules outlive the {role}", town.rules() == before)
    await_true("the daemon answers", lambda: is_in_force(town))
    expect(f"nothing was changed by another {role}", generation(town) == first)


def is_in_force(town):
    try:
        status = town.status()
        return status["state"] == "in-force" and status["enforcer"]["connected"]
    except OSError:
        return False


def check_unapplied_edit(town):
    """A planner that is started again must not put in force what nobody applied."""
    before = town.rules()
    town.edit_config("ports       = [ 3389 ]", "ports       = [ 3391 ]")
    victim = town.role_pid("planner")
    os.kill(victim, signal.SIGKILL)
    await_true("another planner", lambda: town.role_pid("planner") not in (None, victim))
    await_true("the last good policy", lambda: state(town) == "last-good")
    expect("an edit nobody applied is not in force", town.rules() == before)
    town.edit_config("ports       = [ 3391 ]", "ports       = [ 3389 ]")
    expect("an apply brings it back in order", town.apply()["result"] == "unchanged")
    expect("and the state with it", state(town) == "in-force")


def state(town):
    try:
        return town.status()["state"]
    except OSError:
        return None


def check_interfaces(town):
    """A zone is bound to the interface, not to its name."""
    first = town.status()["kernel"]["generation"]
    town.ip("gateway", "link set mn0 down")
    town.ip("gateway", "link set mn0 name foreign0")
    await_true("mn0 has left its zone", lambda: "10.1.0.10" not in town.rules())
    expect("with a commit", town.status()["kernel"]["generation"] > first)
    town.ip("gateway", "link add young0 type veth peer name young1")
    town.ip("gateway", "link set young0 name mn0")
    await_true("a new interface gets its name before it is up and joins", lambda: "10.1.0.10" in town.rules())
    expect("without an alarm", "interface-renamed-into-zone" not in town.log_text())
    town.ip("gateway", "link del mn0")
    await_true("and is gone", lambda: "10.1.0.10" not in town.rules())
    town.ip("gateway", "link set foreign0 name mn0")
    await_true("the alarm", lambda: "interface-renamed-into-zone" in town.log_text())
    expect("a new name does not make a member", "10.1.0.10" not in town.rules())
    town.ip("gateway", "link set mn0 up")
    town.ip("gateway", "-6 addr add fd00:0:0:1::1/64 dev mn0 nodad")
    answer = town.apply(reason="the administrator has seen it")
    expect("an apply does", answer["result"] == "committed" and "10.1.0.10" in town.rules(), answer)


def check_stop_and_start(town):
    before = town.rules()
    first = generation(town)
    expect("SIGTERM ends it well", town.stop_daemon() == 0)
    expect("and the rules stay", town.rules() == before)
    town.start_daemon()
    expect("a start on its own rules changes nothing of them", town.rules() == before)
    # The backstop went with the socket it belongs to, and is made anew by one transaction.
    expect("and only the backstop was made", town.status()["kernel"]["generation"] == first + 1)


def check_damage(town):
    before = town.rules_unordered()
    for what, command in DAMAGES:
        expect("it stops", town.stop_daemon() == 0)
        town.run("gateway", ["nft"] + command)
        expect(f"damaged: {what}", town.rules_unordered() != before)
        town.start_daemon()
        expect(f"repaired: {what}", town.rules_unordered() == before)


def check_damage_while_running(town):
    """Nobody keeps a hole that he made: the enforcer puts back what it installed, and says who it was."""
    before = town.rules_unordered()
    for what, command in FOREIGN_CHANGES:
        town.run("gateway", ["nft"] + command)
        await_true(f"repaired while running: {what}", lambda: town.rules_unordered() == before)
    expect("the journal names who it was", re.search(r"SKS-DRIFT: a foreign change of our rules was repaired process=\d+ name=nft", town.log_text()))
    told = town.log_text().count("SKS-DRIFT")
    town.run("gateway", ["nft", "add chain inet sekisho visit; delete chain inet sekisho visit"])
    await_true("who leaves nothing behind is told of as well", lambda: town.log_text().count("SKS-DRIFT") > told)
    expect("the rules are the same", town.rules_unordered() == before)
    town.run("gateway", ["nft", "add table inet other; delete table inet other"])
    town.apply(reason="by then it has been heard of")
    expect("nothing is told of who changes his own", town.log_text().count("SKS-DRIFT") == told + 1)
    expect("and it is forwarding again", town.read_sysctl("gateway", "net/ipv4/ip_forward") == "1")


FOREIGN_CHANGES = (
    ("everything was flushed", ["flush", "ruleset"]),
    ("the table was deleted", ["delete", "table", "inet", "sekisho"]),
    ("a rule was added", ["insert", "rule", "inet", "sekisho", "forward", "accept"]),
    ("a chain was emptied", ["flush", "chain", "inet", "sekisho", "source"]),
    ("an element was added", ["add", "element", "inet", "sekisho", "next-hops4", "{ 192.0.2.66 }"]),
)

DAMAGES = (
    ("a chain was emptied", ["flush", "chain", "inet", "sekisho", "forward"]),
    ("a rule was added", ["insert", "rule", "inet", "sekisho", "forward", "accept"]),
    ("a rule of an unknown kind was added", ["insert", "rule", "inet", "sekisho", "forward", "meta", "length", "100", "accept"]),
    ("an element was added", ["add", "element", "inet", "sekisho", "next-hops4", "{ 192.0.2.66 }"]),
    ("a set was added", ["add", "set", "inet", "sekisho", "foreign", "{ type ipv4_addr; }"]),
    ("an object was added", ["add", "counter", "inet", "sekisho", "foreign"]),
    ("a table was deleted", ["delete", "table", "bridge", "sekisho"]),
    ("a table is dormant", ["add", "table", "inet", "sekisho", "{ flags dormant; }"]),
)


def check_broken_at_start(town):
    before = town.rules()
    expect("it stops", town.stop_daemon() == 0)
    town.edit_config("zones = (", "zones = ( nonsense")
    town.start_daemon()
    expect("a broken file at start leaves the last good policy", town.status()["state"] == "last-good", town.status())
    expect("and its rules", town.rules() == before)
    town.ip("gateway", "link del in0")
    await_true("it follows the interfaces all the same", lambda: "10.3.0.30" not in town.rules())
    town.ip("gateway", "link add in0 type veth peer name p-in0")
    await_true("in both directions", lambda: "10.3.0.30" in town.rules())
    expect("it stops again", town.stop_daemon() == 0)
    town.run("gateway", ["nft", "flush ruleset"])
    town.start_daemon()
    expect("also when the kernel has nothing any more, as after a reboot", town.status()["state"] == "last-good", town.status())
    expect("it is made of the text that was in force", "juki-shokai" in town.rules())
    expect("it stops once more", town.stop_daemon() == 0)
    town.run("gateway", ["nft", "insert rule inet sekisho forward accept"])
    os.unlink(os.path.join(town.state_dir, "last-good.conf"))
    town.start_daemon()
    expect("without that text, what cannot be proved is sealed", town.status()["state"] == "sealed", town.status())
    expect("nothing of the town is in it", "10.1.0.10" not in town.rules())
    town.edit_config("zones = ( nonsense", "zones = (")
    expect("the mended file is put in force", town.apply()["result"] == "committed")
    expect("as it was", "juki-shokai" in town.rules())


def main():
    skip_unless_possible("nft")
    with Town(hosts=HOSTS, owner=False) as town:
        check_start(town)
        check_sandbox(town)
        check_apply(town)
        check_change(town)
        check_lockout(town)
        check_untrusted_file(town)
        check_requests(town)
        check_killed_role(town, "planner")
        check_killed_role(town, "enforcer")
        check_unapplied_edit(town)
        check_interfaces(town)
        check_stop_and_start(town)
        check_damage_while_running(town)
        check_damage(town)
        check_broken_at_start(town)


if __name__ == "__main__":
    main()
