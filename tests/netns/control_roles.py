#!/usr/bin/python3
"""Who may do what: root, the groups sekisho-operator and sekisho-auditor, and everybody else, at the control sockets and at the files of the daemon.

The directories are made by the installation's own file (systemd/sekisho.tmpfiles), and whoever asks is a process of its own user that runs the sekisho command.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import FRAME, SOURCE, VERB_REPORT, VERB_STATUS, Town, await_true, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
CONNECTIONS_MAX = 16  # CLIENTS_PER_GATE_MAX of src/sekishod/planner.h
VERB_RECORD = 35  # what only roles say to each other
USER = 64101
FINE, REFUSED, UNABLE = 0, 1, 3
DENIED = "access-denied"


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


class Person:
    """A user without privilege, in these groups."""

    def __init__(self, town, *groups, uid=USER):
        self.town, self.uid, self.gids = town, uid, [town.group_id(group) for group in groups]

    def as_user(self, command, primary=None):
        """Runs a command at the gateway, where the users of the installation are."""
        groups = [f"--groups={','.join(map(str, self.gids))}"] if self.gids else ["--clear-groups"]
        become = ["setpriv", f"--reuid={self.uid}", f"--regid={primary or self.uid}", *groups, "--"]
        return self.town.run("gateway", become + command, check=False, cwd="/")

    def sekisho(self, *words, **more):
        """Exit status, and the answer as JSON or the complaint as text."""
        result = self.as_user([PROGRAM, "--lang", "en", "--json", "--socket", os.path.join(self.town.run_dir, "control"), *words], **more)
        return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr

    def may(self, path, flags):
        """Can the file be opened so?"""
        code = "import os, sys; os.open(sys.argv[1], int(sys.argv[2]))"
        return self.as_user([sys.executable, "-c", code, path, str(flags)]).returncode == 0


def findings(answer):
    return [finding["id"] for finding in answer["findings"]] if isinstance(answer, dict) else answer


def ask(path, verb, body=b"{}"):
    """One frame to a control socket, and what is answered."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.connect(path)
        with contextlib.suppress(BrokenPipeError):  # who is turned away is answered unasked
            control.sendall(FRAME.pack(b"SKS1", verb, 0, len(body)) + body)
        with control.makefile("rb") as answer:
            _, got, _, length = FRAME.unpack(answer.read(FRAME.size))
            assert got == VERB_REPORT
            return json.loads(answer.read(length))


def check_crowd(town):
    """Connections that ask nothing keep one more out, and he is told so; they are ended, and the next one is heard."""
    path = os.path.join(town.run_dir, "control")
    crowd = []
    for _ in range(CONNECTIONS_MAX):
        crowd.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        crowd[-1].connect(path)
    answer = ask(path, VERB_STATUS)
    expect("one too many is refused with the reason", findings(answer) == ["control-crowded"], answer)
    for one in crowd:
        one.close()
    await_true("then root is heard again", lambda: "state" in ask(path, VERB_STATUS))


def check_outsider(town):
    person = Person(town)
    for command in (["status"], ["apply"], ["isolate", "lgwan"]):
        status, said = person.sekisho(*command)
        expect(f"nobody's {command[0]} is not taken, and he is told which groups may", status == UNABLE and "sekisho-operator" in said, said)
    for directory in ("", "operator", "auditor"):
        code = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        tried = person.as_user([sys.executable, "-c", code, os.path.join(town.run_dir, directory, "control")])
        expect(f"the kernel itself keeps him from the socket in {directory or 'the run directory'}", "PermissionError" in tried.stderr, tried.stderr)
    status, said = person.sekisho("journal", "--dir", os.path.join(town.state_dir, "journal"))
    expect("the journal is not his to read, and he is told whose it is", status == UNABLE and "sekisho-auditor" in said, said)
    status, said = person.sekisho("refusals", "--events", os.path.join(town.state_dir, "events", "events.db"))
    expect("nor are the refusals", status == UNABLE and "sekisho-auditor" in said, said)


def check_auditor(town):
    person, before = Person(town, "sekisho-auditor"), town.rules()
    status, answer = person.sekisho("status")
    expect("an auditor sees the status", status == FINE and answer["state"] == "in-force", answer)
    for command in (["apply"], ["apply", "--dry-run"], ["confirm"], ["isolate", "lgwan"], ["isolate", "--drill", "lgwan"], ["release", "lgwan"]):
        status, answer = person.sekisho(*command)
        expect(f"an auditor's {' '.join(command)} is refused", status == UNABLE and findings(answer) == [DENIED], answer)
        expect("with the group it takes", "sekisho-operator" in json.dumps(answer), answer)
    expect("nothing came of it", town.rules() == before and town.status()["isolated"] == [])
    check_reading(town, person, "an auditor")


def check_reading(town, person, who):
    """What is evidence is readable, and nothing is writable; what is the daemon's own is neither."""
    state = town.state_dir
    status, records = person.sekisho("journal", "--dir", os.path.join(state, "journal"))
    expect(f"{who} reads the journal", status == FINE and records[0]["event"] == "start", records)
    expect("and verifies it", person.sekisho("journal", "verify", "--dir", os.path.join(state, "journal"))[0] == FINE)
    status, said = person.sekisho("refusals", "--events", os.path.join(state, "events", "events.db"))
    expect(f"{who} reads the refusals", status == FINE, said)
    kept = os.path.join(state, "audit", "in-force.conf")
    for command in (["check"], ["show"], ["flows"], ["matrix"], ["why", "10.2.0.10", "10.3.0.30", "tcp", "3389"]):
        result = person.as_user([PROGRAM, "--config", kept, *command])
        expect(f"{who} asks {command[0]} of the text in force", result.returncode == FINE, result.stdout + result.stderr)
    check_kernel(town, person, who, kept)
    files = [kept]
    files += [os.path.join(state, below, name) for below in ("journal", "events") for name in os.listdir(os.path.join(state, below))]
    for path in files:
        expect(f"{who} may read {os.path.relpath(path, state)}", person.may(path, os.O_RDONLY))
        expect("and not write it", not person.may(path, os.O_RDWR))
    for directory in (state, os.path.join(state, "audit"), os.path.join(state, "journal"), os.path.join(state, "events"), town.run_dir, os.path.join(town.run_dir, "operator")):
        expect(f"{who} makes no file in {directory}", not person.may(os.path.join(directory, "x"), os.O_WRONLY | os.O_CREAT))
    for name in os.listdir(state):
        if name not in ("audit", "journal", "events"):
            expect(f"{name} is the daemon's own", not person.may(os.path.join(state, name), os.O_RDONLY))


def check_kernel(town, person, who, kept):
    """What the kernel holds is shown to root; others are told it by the daemon, and prove it themselves."""
    status, answer = person.sekisho("--config", kept, "verify")
    mine = subprocess.run(town.at("gateway", [PROGRAM, "--json", "--config", kept, "verify"]), capture_output=True, text=True, check=False)
    expect(f"{who} proves what the kernel holds", answer.get("proved") and answer["drift"]["same"] and answer["drift"]["aliens"] == [], answer)
    expect("as root does", answer["lines"] == json.loads(mine.stdout)["lines"], mine.stdout)
    expect("but for running connections, which is said", answer["connections"] is False and json.loads(mine.stdout)["connections"] is True)
    status, answer = person.sekisho("--config", kept, "plan")
    expect(f"{who} sees what an apply would change", status == FINE and answer["changes"] is False and answer["cut"] is None, answer)
    for command in (["matrix", "--live"], ["why", "10.2.0.10", "10.3.0.30", "tcp", "3389", "--live"], ["flows", "--live"]):
        status, answer = person.sekisho("--config", kept, *command)
        expect(f"{who} asks {' '.join(command)}", status in (FINE, REFUSED) and answer, answer)
    status, answer = person.sekisho("--config", kept, "report", "--state-dir", town.state_dir)
    unknown = [section["section"] for section in answer["sections"] if section["result"] == "unknown"]
    expect(f"{who} makes the report, and nothing in it could not be looked at", status in (FINE, REFUSED) and unknown == [], unknown)
    # Who may not ask the daemon is told that the kernel's rules are root's.
    status, said = Person(town).sekisho("--config", os.path.join(SOURCE, "conf", "sekisho.conf"), "verify")
    expect("nobody else is told", status == UNABLE and "root" in said, said)


def check_operator(town):
    person = Person(town, "sekisho-operator")
    town.edit_config("ports       = [ 3389 ]", "ports       = [ 3390 ]")
    status, answer = person.sekisho("apply", "--reason", "by an operator")
    expect("an operator applies", status == FINE and answer["result"] == "committed", answer)
    _, records = person.sekisho("journal", "--dir", os.path.join(town.state_dir, "journal"))
    who = [record["who"] for record in records if record["reason"] == "by an operator"]
    expect("and the journal has his number", [one["uid"] for one in who] == [USER], records)
    status, answer = person.sekisho("isolate", "lgwan")
    expect("isolates", status == FINE and answer["result"] == "isolated", answer)
    status, answer = person.sekisho("release", "lgwan")
    expect("releases", status == FINE and answer["result"] == "released", answer)
    town.edit_config("ports       = [ 3390 ]", "ports       = [ 3389 ]")
    expect("applies for a time", person.sekisho("apply", "--confirm", "300s")[1]["result"] == "committed")
    expect("and confirms", person.sekisho("confirm")[1]["result"] == "confirmed")
    check_reading(town, person, "an operator")
    status, answer = Person(town).sekisho("status", primary=town.group_id("sekisho-operator"))
    expect("the first group of a process counts as much as the others", status == FINE, answer)


def check_table(town):
    """By which socket one comes decides nothing; what is no request of a command is let to nobody."""
    for directory in ("", "operator", "auditor"):
        path = os.path.join(town.run_dir, directory, "control")
        expect(f"root is root by the socket in {directory or 'the run directory'}", ask(path, VERB_STATUS)["state"] == "in-force")
    expect("what roles say to each other is no request, even of root", findings(ask(path, VERB_RECORD)) == ["request-malformed"])
    # Who could connect and is in no group any more: the socket is opened to him by hand.
    os.chmod(os.path.join(town.run_dir, "auditor"), 0o755)
    os.chmod(path, 0o666)
    status, answer = Person(town).sekisho("status")
    expect("who gets to a socket without being a member is told so", status == UNABLE and findings(answer) == [DENIED], answer)


def check_groups_that_come_and_go(town):
    """A group is looked up when somebody comes, not when the daemon starts."""
    gid = town.group_id("sekisho-auditor")
    # In place: the gateway sees the file that was mounted there.
    with open(town.group, "r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.truncate()
        file.write(text.replace("sekisho-auditor:", "sekisho-auditors:"))
    person = Person(town)
    person.gids = [gid]
    expect("a group that was renamed has no members", findings(person.sekisho("status")[1]) == [DENIED])
    with open(town.group, "r+", encoding="utf-8") as file:
        file.write(text)
        file.truncate()
    expect("until it is back", person.sekisho("status")[0] == FINE)


def check_start_again(town):
    """What a daemon that was started again makes is as readable as before."""
    town.stop_daemon()
    person = Person(town, "sekisho-auditor")
    database = os.path.join(town.state_dir, "events", "events.db")
    expect("the refusals are read while the daemon is away", person.sekisho("refusals", "--events", database)[0] == FINE)
    town.start_daemon()
    await_true("the start is recorded", lambda: person.sekisho("journal", "--dir", os.path.join(town.state_dir, "journal"))[1][-1]["event"] != "stop")
    expect("an auditor sees the status again", person.sekisho("status")[0] == FINE)
    check_reading(town, person, "an auditor")


def check_without_places(town):
    """Where nobody made the directories, root asks alone and everything else is as before."""
    town.start_daemon()
    expect("root sees the status", town.status()["state"] == "in-force")
    others = [name for name in os.listdir(town.run_dir) if name not in ("control", "lock")]
    expect("there are no other sockets", others == [], others)
    town.stop_daemon()


def main():
    skip_unless_possible("nft", "systemd-tmpfiles", "setpriv")
    with Town(hosts=[]) as town:
        check_without_places(town)
    with Town(hosts=[]) as town:
        town.make_places()
        town.start_daemon()
        check_crowd(town)
        check_outsider(town)
        check_auditor(town)
        check_operator(town)
        check_start_again(town)
        check_table(town)
        check_groups_that_come_and_go(town)
        expect("it stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
