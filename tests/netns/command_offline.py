#!/usr/bin/python3
"""The sekisho command where nothing of the gateway is needed: no root, no rules in the kernel, no daemon but a pretended one.

Each case runs in both languages; what it prints and its exit status stand in tests/golden/command/<case>.txt. After a wanted change
SEKISHO_WRITE_GOLDEN=1 writes them anew: read the difference before you keep it. SEKISHO names another program than the one with sanitizers.
"""

import contextlib
import difflib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(SOURCE, "tests", "golden", "command")
DEADLINE_S = 60
NOBODY = 65534
FRAME = struct.Struct("<4sHHI")  # src/wire/frame.c
VERB_APPLY, VERB_STATUS, VERB_REPORT = 1, 2, 3

# Golden file, and the words behind `sekisho --lang ..`. town.conf is conf/sekisho.conf with records that do not expire soon;
# in listen.conf its relay takes mail at one address of each family.
CASES = [
    ("help", ["help"]),
    ("help-apply", ["help", "apply"]),
    ("help-of-command", ["why", "--help"]),
    ("usage-no-command", []),
    ("usage-unknown-command", ["chek"]),
    ("usage-unknown-help", ["help", "statsu"]),
    ("usage-unknown-option", ["--verbose", "check"]),
    ("usage-option-without-value", ["--config"]),
    ("usage-unknown-language", ["--lang", "fr", "check"]),
    ("usage-check", ["check", "a", "b"]),
    ("usage-check-option", ["check", "--all"]),
    ("usage-plan", ["plan", "a", "b"]),
    ("usage-apply-file", ["apply", "town.conf"]),
    ("usage-apply-option", ["apply", "--reason"]),
    ("usage-apply-reason-long", ["apply", "--reason", "x" * 1025]),
    ("usage-status", ["status", "now"]),
    ("usage-flows", ["flows", "--all"]),
    ("usage-show-json", ["--json", "show"]),
    ("usage-matrix", ["matrix", "town.conf"]),
    ("usage-why", ["why", "juki-cs"]),
    ("usage-why-zone", ["why", "lgwan", "gamen-server", "tcp", "443", "--file", "town.conf"]),
    ("usage-refusals-zone", ["--config", "town.conf", "refusals", "--zone", "lgwn"]),
    ("check-json-behind", ["check", "mistakes.conf", "--json"]),
    ("help-wash", ["wash", "--help"]),
    ("usage-wash", ["wash"]),
    ("usage-wash-style", ["wash", "--links", "blink", "town.conf"]),
    ("wash-missing-file", ["wash", "no\x1b[31m\u202esuch.eml"]),
    ("check-good", ["check", "town.conf"]),
    ("check-config-option", ["--config", "town.conf", "check"]),
    ("check-syntax", ["check", "syntax.conf"]),
    ("check-mistakes", ["check", "mistakes.conf"]),
    ("check-hints", ["check", "hints.conf"]),
    ("check-mistakes-json", ["--json", "check", "mistakes.conf"]),
    ("check-expired", ["check", "expired.conf"]),
    ("check-missing-file", ["check", "no\x1b[31m\u202esuch.conf"]),
    ("flows", ["flows", "town.conf"]),
    ("flows-expired", ["flows", "expired.conf"]),
    ("flows-expired-json", ["--json", "flows", "expired.conf"]),
    ("flows-mistakes", ["flows", "mistakes.conf"]),
    ("matrix", ["matrix", "--file", "town.conf"]),
    ("matrix-expired", ["matrix", "--file", "expired.conf"]),
    ("matrix-expired-json", ["--json", "matrix", "--file", "expired.conf"]),
    ("matrix-mistakes-json", ["--json", "matrix", "--file", "mistakes.conf"]),
    ("show", ["show", "--file", "town.conf"]),
    ("show-mistakes", ["show", "--file", "mistakes.conf"]),
    ("show-nft-mistakes", ["show", "--nft", "--file", "mistakes.conf"]),
    ("why-passes", ["why", "jumin-tanmatsu", "juki-cs", "tcp", "443", "--file", "town.conf"]),
    ("why-passes-json", ["--json", "why", "jumin-tanmatsu", "juki-cs", "tcp", "443", "--file", "town.conf"]),
    ("why-wrong-port", ["why", "10.2.0.10", "gamen-server", "tcp", "3390", "--file", "town.conf"]),
    ("why-wrong-mac", ["why", "10.1.0.10", "10.2.0.20", "tcp", "443", "--from-mac", "02:00:00:01:00:99", "--file", "town.conf"]),
    ("why-never", ["why", "jumin-tanmatsu", "inet-tanmatsu", "tcp", "443", "--file", "town.conf"]),
    ("why-gateway", ["why", "kanri-tanmatsu", "gateway", "tcp", "22", "--file", "town.conf"]),
    ("why-listener", ["why", "mail-soto", "gateway", "tcp", "25", "--file", "listen.conf"]),
    ("why-listener-stranger", ["why", "gamen-server", "gateway", "tcp", "25", "--file", "listen.conf"]),
    ("why-unknown-host", ["why", "jumin", "juki-cs", "tcp", "443", "--file", "town.conf"]),
    ("why-batch", ["why", "--batch", "probes.txt", "--file", "town.conf"]),
    ("no-permission-plan", ["plan", "town.conf"]),
    ("no-permission-flows", ["flows", "--live", "town.conf"]),
    ("no-permission-matrix", ["matrix", "--live", "--file", "town.conf"]),
    ("no-permission-report", ["report"]),
    ("usage-report", ["report", "--since", "soon"]),
    ("no-permission-show", ["show", "--nft"]),
    ("no-daemon-status", ["--socket", "nowhere", "status"]),
    ("no-daemon-apply", ["--socket", "nowhere", "apply"]),
    ("no-daemon-path-long", ["--socket", "x" * 108, "status"]),
]

FINDING = {
    "id": "never", "severity": "error", "file": "sekisho.conf", "line": 12, "column": 3, "width": 4, "excerpt": "\tto = \"in\";",
    "related": [{"file": "sekisho.conf", "line": 5}],
    "en": {"sentence": "This is never allowed.", "action": "Remove it."}, "ja": {"sentence": "これは認められません。", "action": "削除してください。"},
}
CHANGES = {"elements_added": 4, "elements_deleted": 2, "rules_added": 9}
STATUS = {
    "state": "in-force", "config": "/etc/sekisho/sekisho.conf", "digest": "ab" * 32, "committed_at": 1795247999, "flows": 13, "zones": 4,
    "generation": 3, "enforcer": {"restarts": 0, "connected": True}, "kernel": {"generation": 7}, "findings": {"errors": 0, "warnings": 2},
    "expires": [{"flow": "juki-shokai", "date": "2027-03-31"}, {"flow": "ev\x1bil\n", "date": "soon"}, {"flow": 7}],
}

# Golden file, words, what the pretended daemon answers (None: it hangs up; bytes: as they are).
ANSWERS = [
    ("apply-committed", ["apply", "--reason", "年度更新"], {"result": "committed", "findings": [], "changes": CHANGES, "generation": 8}),
    ("apply-dry-run", ["apply", "--dry-run"], {"result": "committed", "findings": [], "changes": CHANGES}),
    ("apply-unchanged", ["apply"], {"result": "unchanged", "findings": [], "changes": {}}),
    ("apply-refused", ["apply"], {"result": "refused", "findings": [FINDING]}),
    ("apply-refused-json", ["--json", "apply"], {"result": "refused", "findings": [FINDING]}),
    ("apply-busy", ["apply"], {"result": "busy", "findings": []}),
    ("apply-failed", ["apply", "--force"], {"result": "failed", "findings": []}),
    ("apply-strange-result", ["apply"], {"result": "perhaps"}),
    ("apply-not-json", ["apply"], FRAME.pack(b"SKS1", VERB_REPORT, 0, 3) + b"[1,"),
    ("apply-other-verb", ["apply"], FRAME.pack(b"SKS1", VERB_APPLY, 0, 22) + b'{"result":"committed"}'),
    ("apply-not-a-frame", ["apply"], b"HTTP/1.1 400 Bad Request\r\n"),
    ("apply-hang-up", ["apply"], None),
    ("status-in-force", ["status"], STATUS),
    ("status-json", ["--json", "status"], {"state": "in-force", "flows": 1}),
    ("status-last-good", ["status"], dict(STATUS, state="last-good", flows=None, zones=None, committed_at=0, expires=[])),
    ("status-sealed", ["status"], {"state": "sealed", "digest": None}),
    ("status-isolated", ["status"], dict(STATUS, isolated=[{"zone": "lgwan", "except": [], "reason": "不審な通信", "since": 1795247999}])),
    ("status-way-past", ["status"], dict(STATUS, state="last-good", survey=[FINDING])),
    ("status-strange", ["status"], {"state": "perhaps", "expires": 3}),
]

failures = []


def complain(text):
    print(text)
    failures.append(text)


def check(what, condition, detail=""):
    if not condition:
        complain(f"FAIL {what} {detail}")


@contextlib.contextmanager
def workplace():
    """A directory with the program and the files of the cases, for everybody to read."""
    with tempfile.TemporaryDirectory(prefix="sekisho-command-") as directory:
        os.chmod(directory, 0o755)
        built = [os.environ.get("SEKISHO"), os.path.join(SOURCE, "build/asan/sekisho"), os.path.join(SOURCE, "build/sekisho")]
        program = next((path for path in built if path and os.path.exists(path)), None)
        if not program:
            print("SKIP: build/sekisho is not there")
            sys.exit(77)
        shutil.copy(program, os.path.join(directory, "sekisho"))
        for name in os.listdir(GOLDEN):
            if not name.endswith(".txt") or name == "probes.txt":
                shutil.copy(os.path.join(GOLDEN, name), directory)
        with open(os.path.join(SOURCE, "conf", "sekisho.conf"), encoding="utf-8") as file:
            text = file.read().replace('"nendo"', '"2099-03-31"').replace('"2027-03-31"', '"2099-03-31"')
        with open(os.path.join(directory, "town.conf"), "w", encoding="utf-8") as file:
            file.write(text)
        with open(os.path.join(directory, "listen.conf"), "w", encoding="utf-8") as file:
            file.write(text.replace("accept_from =", 'listen = [ "10.3.0.1", "fd00:0:0:3::1" ]; accept_from =', 1))
        yield directory


def run(directory, words, environment=None):
    """Runs the command as nobody, if we may choose."""
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    settings = dict({"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}, **(environment or {}))
    return subprocess.run(["./sekisho"] + words, cwd=directory, env=settings, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S,
                          check=False, **user)


def transcript(words, result):
    """What a person would see; the time that remains to an element goes by, so it is left out."""
    out = re.sub(r"timeout \d+s", "timeout ...", result.stdout.decode())
    shown = " ".join(json.dumps(word) if re.search(r"[^ -~]| |^$", word) else word for word in words)
    shown = shown if len(shown) < 300 else shown[:60] + "..."
    return f"$ sekisho {shown}\n{out}" + "".join(f"2> {line}\n" for line in result.stderr.decode().splitlines()) + f"exit {result.returncode}\n"


def compare(name, text):
    path = os.path.join(GOLDEN, name + ".txt")
    if os.environ.get("SEKISHO_WRITE_GOLDEN"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    if not os.path.exists(path):
        complain(f"FAIL {name}: {path} is missing")
        return
    with open(path, encoding="utf-8") as file:
        wanted = file.read()
    if text != wanted:
        complain(f"FAIL {name}")
        sys.stdout.writelines(difflib.unified_diff(wanted.splitlines(True), text.splitlines(True), "wanted", "printed"))


def languages_of(words):
    """JSON is for programs: one language is enough."""
    return ("ja",) if "--json" in words else ("ja", "en")


def check_cases(directory):
    for name, words in CASES:
        lines = [["--lang", language] + words for language in languages_of(words)]
        compare(name, "\n".join(transcript(line, run(directory, line)) for line in lines))


class Pretender:
    """Listens like the daemon, takes one request, and answers what it was told to."""

    def __init__(self, directory, answer):
        self.answer = answer
        self.verb, self.request = None, None
        path = os.path.join(directory, "control")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.settimeout(DEADLINE_S)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join(DEADLINE_S)
        self.listener.close()

    def _serve(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as stream:
            _, self.verb, _, length = FRAME.unpack(stream.read(FRAME.size))
            payload = stream.read(length)
            self.request = json.loads(payload) if payload else None
            if isinstance(self.answer, dict):
                text = json.dumps(self.answer).encode()
                connection.sendall(FRAME.pack(b"SKS1", VERB_REPORT, 0, len(text)) + text)
            elif self.answer is not None:
                connection.sendall(self.answer)


def check_answers(directory):
    for name, words, answer in ANSWERS:
        texts = []
        for language in languages_of(words):
            shown = ["--lang", language, "--socket", "control"] + words
            with Pretender(directory, answer) as daemon:
                result = run(directory, shown)
            texts.append(transcript(shown, result))
            check(name, daemon.verb == (VERB_STATUS if "status" in words else VERB_APPLY), f"verb {daemon.verb}")
            if "apply" in words:
                check_request(name, words, daemon.request)
        compare(name, "\n".join(texts))


def check_request(name, words, request):
    wanted = {"reason": words[-1] if "--reason" in words else "", "force": "--force" in words, "dry_run": "--dry-run" in words}
    check(name, {key: request[key] for key in wanted} == wanted, f"request {request}")
    check(name, isinstance(request["connections"], list), f"request {request}")


# ---- what is no text

def check_languages(directory):
    """The reader's language without --lang."""
    rows = [
        ("LC_ALL before LANG", {"LC_ALL": "ja_JP.UTF-8", "LANG": "C"}, True),
        ("LC_MESSAGES before LANG", {"LC_MESSAGES": "en_US.UTF-8", "LANG": "ja_JP.UTF-8"}, False),
        ("LANG", {"LANG": "ja_JP.UTF-8"}, True),
        ("none", {}, False),
        ("also for a wrong option", {"LANG": "ja_JP.UTF-8"}, True),
    ]
    for what, environment, japanese in rows:
        result = run(directory, ["--wrong" if "wrong" in what else "wrong"], environment)
        check(what, ("使い方" in result.stderr.decode()) == japanese, result.stderr.decode())


def check_nft(directory):
    """The whole text is nft's business; that it is pure text is ours."""
    result = run(directory, ["show", "--nft", "--file", "town.conf"])
    check("show --nft", result.returncode == 0 and result.stdout.startswith(b"table ") and not result.stderr, result.stderr.decode())


def check_unwritable(directory):
    """An answer that could not be written is not a good end."""
    with open("/dev/full", "wb") as full:
        result = subprocess.run(["./sekisho", "check", "town.conf"], cwd=directory, stdout=full, stderr=subprocess.DEVNULL, check=False,
                                timeout=DEADLINE_S)
    check("standard output is full", result.returncode == 3, f"exit {result.returncode}")


def check_forbidden_socket(directory):
    if os.geteuid() != 0:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        path = os.path.join(directory, "locked")
        listener.bind(path)
        os.chmod(path, 0o600)
        listener.listen(1)
        result = run(directory, ["--socket", "locked", "apply"])
    check("a socket for root only", result.returncode == 3 and b"sudo" in result.stderr, result.stderr.decode())


# ---- the connection a command is given over: in a network of its own, with addresses that are not loopback's

CLIENT4, SERVER4, CLIENT6, SERVER6 = "192.0.2.7", "192.0.2.1", "2001:db8::7", "2001:db8::1"


@contextlib.contextmanager
def login(client, server):
    """A TCP connection whose gateway end this process holds, as sshd does (and the terminal's end as well)."""
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener, socket.socket(family, socket.SOCK_STREAM) as terminal:
        for end, address in ((listener, server), (terminal, client)):
            if family == socket.AF_INET6:
                end.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            end.bind((address, 0))
        listener.listen(1)
        terminal.connect(listener.getsockname()[:2])
        accepted, _ = listener.accept()
        with accepted:
            yield terminal.getsockname()[1], listener.getsockname()[1]


def told_connections(directory, words, environment=None):
    """The connections `sekisho apply` tells the daemon of, run by words below this process."""
    with Pretender(directory, {"result": "unchanged", "findings": []}) as daemon:
        settings = dict({"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}, **(environment or {}))
        subprocess.run(words, cwd=directory, env=settings, check=True, timeout=DEADLINE_S, stdout=subprocess.DEVNULL)
    return [(c["source"], c["source_port"], c["destination"], c["destination_port"]) for c in daemon.request["connections"]]


def check_terminal(directory):
    plain = ["./sekisho", "--socket", "control", "apply"]
    nested = ["sh", "-c", "sh -c './sekisho --socket control apply; true'; true"]
    rows = [
        ("IPv4", CLIENT4, SERVER4, (CLIENT4, SERVER4)),
        ("IPv6", CLIENT6, SERVER6, (CLIENT6, SERVER6)),
        ("IPv4 on a dual-stack socket", "::ffff:" + CLIENT4, "::ffff:" + SERVER4, (CLIENT4, SERVER4)),
    ]
    for what, client, server, (source, destination) in rows:
        with login(client, server) as (client_port, port):
            wanted = (source, client_port, destination, port)
            check(f"{what}, parent", wanted in told_connections(directory, plain))
            check(f"{what}, ancestors", wanted in told_connections(directory, nested))
            ssh = {"SSH_CONNECTION": f"{client} {client_port} {server} {port}"}
            check(f"{what}, told twice", told_connections(directory, plain, ssh).count(wanted) == 1)
    ssh = {"SSH_CONNECTION": f"{CLIENT4} 4711 {SERVER4} 22"}
    check("SSH_CONNECTION alone", told_connections(directory, plain, ssh) == [(CLIENT4, 4711, SERVER4, 22)])
    for what, text in [("empty", ""), ("half", CLIENT4 + " 4711"), ("port", f"{CLIENT4} 70000 {SERVER4} 22"), ("mixed", f"{CLIENT4} 1 {SERVER6} 2")]:
        check(f"SSH_CONNECTION is nonsense: {what}", told_connections(directory, plain, {"SSH_CONNECTION": text}) == [])
    with login("127.0.0.1", "127.0.0.1"):
        check("loopback is nobody's terminal", told_connections(directory, plain) == [])


def run_terminal_checks():
    """In a network namespace made for it."""
    for command in ("link set lo up", *(f"addr add {address} dev lo" for address in (CLIENT4, SERVER4)),
                    *(f"addr add {address}/128 dev lo nodad" for address in (CLIENT6, SERVER6))):
        subprocess.run(["ip"] + command.split(), check=True)
    with workplace() as directory:
        check_terminal(directory)
    return 1 if failures else 0


def check_terminal_apart():
    if os.geteuid() != 0:
        print("the terminal's connection is not looked at: needs root")
        return
    result = subprocess.run(["unshare", "--net", sys.executable, os.path.abspath(__file__), "terminal"], check=False, timeout=DEADLINE_S)
    check("terminal", result.returncode == 0)


def main():
    if sys.argv[1:] == ["terminal"]:
        return run_terminal_checks()
    with workplace() as directory:
        check_cases(directory)
        check_answers(directory)
        check_languages(directory)
        check_nft(directory)
        check_unwritable(directory)
        check_forbidden_socket(directory)
    check_terminal_apart()
    print(f"{len(CASES)} commands, {len(ANSWERS)} answers, two languages; {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
