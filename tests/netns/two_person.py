#!/usr/bin/python3
"""Where the policy says two_person, nobody changes it alone: an apply proposes, and what is in force changes when somebody else approves the very text he looked at. No
restart, and no other way in, puts in force what only one person wanted.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, Town, await_true, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
PORT, OTHER_PORT, THIRD_PORT = (f"ports       = [ {port} ]" for port in (3389, 3390, 3391))
TANAKA, SUZUKI = 64201, 64202
FINE, REFUSED = 0, 1


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


class Operator:
    """A member of sekisho-operator."""

    def __init__(self, town, uid):
        self.town, self.uid = town, uid

    def sekisho(self, *words):
        become = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", f"--groups={self.town.group_id('sekisho-operator')}", "--"]
        result = self.town.run("gateway", become + [PROGRAM, "--lang", "en", "--json", "--socket", os.path.join(self.town.run_dir, "control"), *words],
                               check=False, cwd="/")
        return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr

    def apply(self, *words):
        return self.sekisho("apply", *words)

    def approve(self, digest, *words):
        return self.sekisho("approve", digest, *words)


def findings(answer):
    return [finding["id"] for finding in answer["findings"] if finding["severity"] == "error"]


def records(town):
    result = subprocess.run([PROGRAM, "--json", "journal", "--dir", os.path.join(town.state_dir, "journal")], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def state(town):
    """None while nobody answers."""
    with contextlib.suppress(OSError):
        return town.status()["state"]
    return None


def ports(town):
    rules = town.rules()
    return [port for port in ("3389", "3390", "3391") if port in rules]


def check_turning_on(town, tanaka):
    town.start_daemon()
    expect("nothing is proposed where one person is enough", town.status()["proposal"] is None)
    with open(town.config, encoding="utf-8") as file:
        text = file.read()
    with open(town.config, "w", encoding="utf-8") as file:
        file.write("two_person = true;\n" + text)
    status, answer = tanaka.apply("--reason", "二人作業にする")
    expect("one person turns it on", status == FINE and answer["result"] == "committed" or answer["result"] == "unchanged", answer)


def check_proposal(town, tanaka, suzuki):
    town.edit_config(PORT, OTHER_PORT)
    status, answer = tanaka.apply("--reason", "年度更新")
    digest = answer["digest"]
    expect("an apply proposes", status == REFUSED and answer["result"] == "proposed", answer)
    expect("and changes nothing", ports(town) == ["3389"])
    proposal = town.status()["proposal"]
    expect("the status says who waits for whom", proposal["digest"] == digest and proposal["uid"] == TANAKA and proposal["reason"] == "年度更新", proposal)
    expect("the record says so", records(town)[-1]["event"] == "propose" and records(town)[-1]["who"]["uid"] == TANAKA, records(town)[-1])
    status, answer = tanaka.approve(digest[:12])
    expect("who proposed it cannot approve it", status == REFUSED and findings(answer) == ["approval-same-person"], answer)
    status, answer = suzuki.approve("0" * 12)
    expect("nor is anything else approved than what was looked at", status == REFUSED and findings(answer) == ["approval-other"], answer)
    expect("nothing has changed", ports(town) == ["3389"])
    town.edit_config(OTHER_PORT, THIRD_PORT)
    status, answer = suzuki.approve(digest[:12])
    expect("a file that was edited since is not approved with it", status == REFUSED and findings(answer) == ["approval-file-changed"], answer)
    expect("nothing has changed", ports(town) == ["3389"])
    town.edit_config(THIRD_PORT, OTHER_PORT)
    status, answer = suzuki.approve(digest[:12], "--reason", "確認した")
    expect("a second person approves it", status == FINE and answer["result"] == "committed", answer)
    expect("and it is in force", ports(town) == ["3390"] and town.status()["proposal"] is None)
    commit = records(town)[-1]
    expect("the record names both", commit["event"] == "commit" and commit["who"]["uid"] == SUZUKI and commit["reason"] == "確認した" and
           commit["details"][0] == f'proposed by user {TANAKA} reason="年度更新"', commit)
    status, answer = suzuki.approve(digest[:12])
    expect("nothing is approved twice", status == REFUSED and findings(answer) == ["approval-nothing"], answer)


def check_mistakes(town, tanaka, suzuki):
    """What could not be put in force is not proposed either; a dry run and an isolation need no second person."""
    town.edit_config('"10.1.0.10"', '"10.1.0.300"')
    status, answer = tanaka.apply()
    expect("a mistake is refused at once", status == REFUSED and answer["result"] == "refused" and town.status()["proposal"] is None, answer)
    town.edit_config('"10.1.0.300"', '"10.1.0.10"')
    town.edit_config(OTHER_PORT, THIRD_PORT)
    status, answer = tanaka.apply("--dry-run")
    expect("a dry run says what would be", status == FINE and town.status()["proposal"] is None, answer)
    expect("a zone is isolated by one person", suzuki.sekisho("isolate", "internet")[0] == FINE and suzuki.sekisho("release", "internet")[0] == FINE)
    expect("nothing has changed", ports(town) == ["3390"])


def check_confirmed(town, tanaka, suzuki):
    """What was wanted besides goes with the proposal."""
    answer = tanaka.apply("--confirm", "10m", "--reason", "試し")[1]
    expect("a change that is to be confirmed is proposed", answer["result"] == "proposed" and town.status()["confirm_until"] is None, answer)
    answer = suzuki.approve(answer["digest"])[1]
    expect("and approved as such", answer["result"] == "committed" and answer["confirm_seconds"] == 600, answer)
    expect("it is to be confirmed", town.status()["confirm_until"] is not None and ports(town) == ["3391"])
    expect("which one person does", tanaka.sekisho("confirm")[0] == FINE)


def check_sudo(town):
    """Whoever became root is still the person who logged in; two who both are root and logged in as different users are two persons."""
    town.edit_config(THIRD_PORT, PORT)
    control = ["--lang", "en", "--json", "--socket", os.path.join(town.run_dir, "control")]

    def as_login(login, *words):
        code = ("import os, sys; open('/proc/self/loginuid', 'w').write(sys.argv[1]); os.execv(sys.argv[2], sys.argv[2:])")
        result = town.run("gateway", [sys.executable, "-c", code, str(login), PROGRAM, *control, *words], check=False)
        return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr

    status, answer = as_login(TANAKA, "apply", "--reason", "sudo で")
    expect("root proposes as the person who logged in", status == REFUSED and town.status()["proposal"]["login"] == TANAKA, answer)
    expect("and cannot approve by sudo again", findings(as_login(TANAKA, "approve", answer["digest"])[1]) == ["approval-same-person"])
    expect("another person can", as_login(SUZUKI, "approve", answer["digest"])[0] == FINE)
    expect("it is in force", ports(town) == ["3389"])


def check_restarts(town, tanaka, suzuki):
    """No restart puts in force what nobody approved: not of a process, not of the daemon, not of the machine."""
    town.edit_config(PORT, OTHER_PORT)
    digest = tanaka.apply()[1]["digest"]
    os.kill(town.role_pid("planner"), signal.SIGKILL)
    await_true("the planner is back", lambda: state(town) == "last-good")
    expect("what was proposed is in force after no restart of a process", ports(town) == ["3389"])
    expect("and is to be proposed again", findings(suzuki.approve(digest)[1]) == ["approval-nothing"])
    expect("it stops", town.stop_daemon() == 0)
    town.start_daemon()
    expect("nor after one of the daemon", ports(town) == ["3389"] and town.status()["state"] == "last-good", town.status())
    expect("it stops", town.stop_daemon() == 0)
    town.forget_descriptor()
    for table in ("inet sekisho", "bridge sekisho", "netdev sekisho"):
        town.run("gateway", ["nft", "delete", "table", *table.split()], check=False)
    town.start_daemon()
    expect("nor after one of the machine", ports(town) == ["3389"] and town.status()["state"] == "last-good", town.status())
    status, answer = tanaka.apply("--reason", "もう一度")
    expect("it is proposed again", answer["result"] == "proposed", answer)
    expect("and approved", suzuki.approve(answer["digest"])[0] == FINE and ports(town) == ["3390"] and town.status()["state"] == "in-force")
    expect("it stops", town.stop_daemon() == 0)
    town.start_daemon()
    expect("what two persons made is in force after a restart", ports(town) == ["3390"] and town.status()["state"] == "in-force", town.status())


def check_turning_off(town, tanaka, suzuki):
    town.edit_config("two_person = true;\n", "")
    answer = tanaka.apply()[1]
    expect("nobody turns it off alone", answer["result"] == "proposed", answer)
    expect("two do", suzuki.approve(answer["digest"])[0] == FINE)
    town.edit_config(OTHER_PORT, PORT)
    expect("then one person is enough again", tanaka.apply()[1]["result"] == "committed" and ports(town) == ["3389"])


def main():
    skip_unless_possible("nft", "setpriv", "systemd-tmpfiles")
    with Town(hosts=[]) as town:
        town.make_places()
        tanaka, suzuki = Operator(town, TANAKA), Operator(town, SUZUKI)
        check_turning_on(town, tanaka)
        check_proposal(town, tanaka, suzuki)
        check_mistakes(town, tanaka, suzuki)
        check_confirmed(town, tanaka, suzuki)
        check_sudo(town)
        check_restarts(town, tanaka, suzuki)
        check_turning_off(town, tanaka, suzuki)
    print("all held")


main()
