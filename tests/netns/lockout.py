#!/usr/bin/python3
"""An administrator who applies a file over the network cannot lock himself out by mistake.

The terminal of the example town is logged in at the gateway's port 22. The server there runs `sekisho apply` as sshd would: in a
process below the one that holds the connection. An edit that would cut this connection is refused with the line that matters, and
changes nothing; --force applies it all the same. An edit that leaves it alone is applied.
"""

import json
import os
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from crossing import inside  # noqa: E402
from town import DEADLINE_S, HOSTS, SOURCE, ZONES, Town, await_true, skip_unless_possible  # noqa: E402

SEKISHO = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
TERMINAL, PORT = "kanri-tanmatsu", 22
GATEWAY = dict(zip((4, 6), ZONES["lgwan"][1:]))

# Takes one command (a list, as a line of JSON) per connection and says how it ended, there and in a file: the connection may be cut.
SERVER = """
import json, os, socket, subprocess, sys
door = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    line, _ = door.accept()
    if os.fork() == 0:
        door.close()
        with line.makefile("r") as commands:
            command = commands.readline()
            if not command:
                os._exit(0)
            result = subprocess.run(json.loads(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        answer = json.dumps({"status": result.returncode, "output": result.stdout})
        with open(sys.argv[2] + ".new", "w") as file:
            file.write(answer)
        os.rename(sys.argv[2] + ".new", sys.argv[2])
        line.sendall(answer.encode() + b"\\n")
        os._exit(0)
    line.close()
"""

SSH = 'name     = "ssh";\n\t\t\tzone     = "lgwan";\n\t\t\tsource   = "kanri-tanmatsu";\n\t\t\tprotocol = "tcp";\n\t\t\tports    = [ 22 ];'
TERMINAL_HOST = 'addresses = [ "10.2.0.5", "fd00:0:0:2::5" ];'

# what, the text that is replaced, by what, the line that is named (a text in it), over which families it cuts the terminal
ROWS = (
    ("a port of another flow", "ports       = [ 3389 ]", "ports       = [ 3390 ]", None, ()),
    ("the name of the service", '"ssh"', '"login"', None, ()),
    ("one more port", "ports    = [ 22 ]", "ports    = [ 22, 2222 ]", None, ()),
    ("the service is removed", "{\n\t\t\t" + SSH + "\n\t\t},", "", "", (4, 6)),
    ("another port", "ports    = [ 22 ]", "ports    = [ 2222 ]", '"ssh"', (4, 6)),
    ("another host", SSH, SSH.replace("kanri-tanmatsu", "shokuin-pc"), '"ssh"', (4, 6)),
    ("another zone", SSH, SSH.replace("lgwan", "internet").replace("kanri-tanmatsu", "inet-tanmatsu"), '"ssh"', (4, 6)),
    ("another protocol", SSH, SSH.replace('"tcp"', '"udp"'), '"ssh"', (4, 6)),
    ("another MAC of the host", '"02:00:00:02:00:05"', '"02:00:00:02:00:55"', '"ssh"', (4, 6)),
    ("another address of the host", TERMINAL_HOST, TERMINAL_HOST.replace("10.2.0.5", "10.2.0.6"), '"ssh"', (4,)),
)


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


class Desk:
    """The terminal and the gateway it administers."""

    def __init__(self, town):
        self.town = town
        self.result = os.path.join(town.directory, "result")
        self.server = subprocess.Popen(town.at("gateway", [sys.executable, "-c", SERVER, str(PORT), self.result]), stdout=subprocess.PIPE,
                                       text=True)
        assert self.server.stdout.readline() == "ready\n"

    def close(self):
        self.server.terminate()
        self.server.wait()
        self.server.stdout.close()

    def log_in(self, version):
        with inside(self.town.namespace(TERMINAL)):
            return socket.create_connection((GATEWAY[version], PORT), DEADLINE_S)

    def apply(self, line, *options, prefix=()):
        """Gives the command over a connection. Its end stands in a file even when the answer cannot come through."""
        if os.path.exists(self.result):
            os.unlink(self.result)
        command = [*prefix, SEKISHO, "--lang", "en", "--socket", os.path.join(self.town.run_dir, "control"), "apply", *options]
        line.sendall(json.dumps(command).encode() + b"\n")
        await_true("the command ends", lambda: os.path.exists(self.result))
        with open(self.result, encoding="utf-8") as file:
            return json.load(file)

    def over(self, version, *options, prefix=()):
        """One command over a connection of its own, with the answer as the terminal got it."""
        with self.log_in(version) as line:
            result = self.apply(line, *options, prefix=prefix)
            with line.makefile("r") as answers:
                expect("the terminal gets the answer", json.loads(answers.readline()) == result)
        return result


def line_of(path, text):
    with open(path, encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1) if text in line)


def refused_at(town, result, text):
    """Whether the answer is a refusal that names the terminal and the line that has the text; no text: any line of the file."""
    where = f"{town.config}:"
    if text:
        begin = line_of(town.config, text)
        lines = [f"{where}{number}" for number in range(begin - 1, begin + 1)]
        named = any(line in result["output"] for line in lines)
    else:
        named = where in result["output"] or town.config in result["output"]
    return result["status"] == 1 and named and "ssh" in result["output"]


def check_row(desk, row, version):
    what, old, new, text, cutting = row
    town = desk.town
    name = f"IPv{version}: {what}"
    before = town.rules()
    town.edit_config(old, new)
    result = desk.over(version)
    if version in cutting:
        expect(f"{name}: refused at its line", refused_at(town, result, text), result)
        expect(f"{name}: and nothing is changed", town.rules() == before)
    else:
        expect(f"{name}: applied", result["status"] == 0, result)
    restore(town)


def restore(town):
    """The example again, whole."""
    with open(town.config, "w", encoding="utf-8") as file:
        file.write(town.example)
    expect("the example is in force again", town.apply()["result"] in ("committed", "unchanged"))


def check_ways_of_asking(desk):
    """What stands between sshd and the command does not hide the terminal, and nobody above it leaves all terminals."""
    town, before = desk.town, desk.town.rules()
    town.edit_config("ports    = [ 22 ]", "ports    = [ 2222 ]")
    for what, prefix in (("a shell", ["sh", "-c", 'true; "$0" "$@"; exit $?']), ("a session of its own", ["setsid", "--wait"]),
                         ("a shell without an environment", ["env", "-i", "sh", "-c", '"$0" "$@"; exit $?'])):
        expect(f"through {what}: refused", desk.over(4, prefix=prefix)["status"] == 1)
    with desk.log_in(4) as line:
        address, port = line.getsockname()
        words = f"SSH_CONNECTION={address} {port} {GATEWAY[4]} {PORT}"
        control = ["--socket", os.path.join(town.run_dir, "control")]
        result = town.run("gateway", ["env", words, SEKISHO, *control, "apply"], check=False)
        expect("by SSH_CONNECTION: refused", result.returncode == 1, result)
        result = town.run("gateway", [SEKISHO, *control, "apply", "--any-terminal"], check=False)
        expect("by the service manager for anybody: refused", result.returncode == 1, result)
    expect("nothing was changed by all this", town.rules() == before)
    result = town.run("gateway", [SEKISHO, *control, "apply", "--dry-run"], check=False)
    expect("from the console, over no connection: it may be", result.returncode == 0, result)
    restore(town)


def check_force(desk):
    """Who insists is obeyed, and his connection ends there."""
    town = desk.town
    for version in (4, 6):
        town.edit_config("ports    = [ 22 ]", "ports    = [ 2222 ]")
        with desk.log_in(version) as line:
            result = desk.apply(line, "--force")
            expect(f"IPv{version}: --force applies it", result["status"] == 0, result)
            expect(f"IPv{version}: and the rules have it", "2222" in town.rules())
            expect(f"IPv{version}: in the place of what was", ". 22 :" not in town.rules())
            restore(town)
            with line.makefile("r") as answers:
                expect(f"IPv{version}: and where it is allowed again the line goes on", json.loads(answers.readline()) == result)


def check_persistence(desk):
    """A terminal that stays logged in while others apply what leaves it alone notices nothing."""
    town = desk.town
    with desk.log_in(4) as line:
        town.edit_config("ports       = [ 3389 ]", "ports       = [ 3390 ]")
        expect("another change is applied", town.apply()["result"] == "committed")
        result = desk.apply(line)
        with line.makefile("r") as answers:
            expect("the terminal is still there", result["status"] == 0 and json.loads(answers.readline()) == result)
    restore(town)


def main():
    skip_unless_possible("nft", "setsid")
    with Town(hosts=[TERMINAL, "shokuin-pc"]) as town:
        with open(town.config, encoding="utf-8") as file:
            town.example = file.read()
        assert HOSTS[TERMINAL][2] in town.example
        town.start_daemon()
        desk = Desk(town)
        try:
            for version in (4, 6):
                for row in ROWS:
                    check_row(desk, row, version)
            check_ways_of_asking(desk)
            check_force(desk)
            check_persistence(desk)
        finally:
            desk.close()


if __name__ == "__main__":
    main()
