"""The town with its mail: a sender outside, the relay at the gateway, a server with mailboxes inside, and clients that speak by hand.

    with MailTown() as town, Postfix(town, "mail-naka", INNER) as inner:
        town.start_relay()
        with town.client() as client:
            client.send_mail("hito@soto.example", [MAILBOX], b"Subject: 1\\r\\n\\r\\n1\\r\\n")
"""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass

from town import DEADLINE_S, SOURCE, Town, await_true, inside, skip_unless_possible

MAIL_HOSTS = ["mail-soto", "mail-naka", "juki-cs"]
RELAY = ("10.3.0.1", 25)
DOMAIN = "town.unno.lg.jp"
MAILBOX = f"soumu@{DOMAIN}"
SENDER_ADDRESS = "hito@soto.example"
PROGRAMS = ("/usr/lib/postfix/sbin/master", "nft")
CHILDREN = {"front": "session", "washer": "washing"}  # what a role makes
ROLES = ("parent", "keeper", "courier", *CHILDREN, *CHILDREN.values())
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SOURCE, "build")


def skip_unless_mail_is_possible(*programs):
    skip_unless_possible(*PROGRAMS, *programs)


def check(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


@dataclass
class Reply:
    code: int
    lines: list

    def __str__(self):
        return f"{self.code} {' / '.join(self.lines)}"


class Closed(Exception):
    """The other side has ended the connection, or would not begin it."""


class Client:
    """One SMTP connection, a step at a time; what is sent is sent as it stands."""

    def __init__(self, town, place="mail-soto", server=RELAY):
        with inside(town.namespace(place)):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server, self.received = server, b""

    def __enter__(self):
        self.socket.connect(self.server)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Closed from error

    def reply(self):
        """The next reply; Closed if the connection ends first."""
        lines = []
        while True:
            line = self._line()
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), lines)

    def _line(self):
        while b"\r\n" not in self.received:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError as error:
                raise Closed from error
            if not data:
                raise Closed
            self.received += data
        line, _, self.received = self.received.partition(b"\r\n")
        return line.decode("latin-1")

    def say(self, line, code=None):
        """A command and its reply, which has the code if one is given."""
        self.send(line.encode("latin-1") + b"\r\n")
        reply = self.reply()
        if code is not None and reply.code != code:
            raise AssertionError(f"{line}: {reply}, not {code}")
        return reply

    def greet(self):
        if self.reply().code != 220:
            raise Closed
        return self.say("EHLO mail-soto.soto.example", 250)

    def begin(self, sender, recipients):
        """The envelope; every recipient is accepted."""
        self.say(f"MAIL FROM:<{sender}>", 250)
        for recipient in recipients:
            self.say(f"RCPT TO:<{recipient}>", 250)

    def begin_data(self, sender=SENDER_ADDRESS, recipients=(MAILBOX,)):
        """Up to the content."""
        self.begin(sender, recipients)
        self.say("DATA", 354)

    def send_mail(self, sender, recipients, content):
        """A whole transaction; returns the reply to the end of data. content ends with CRLF, its lines do not begin with dots."""
        self.begin_data(sender, recipients)
        self.send(content + b".\r\n")
        return self.reply()

    def is_closed(self):
        """Waits until the other side closes."""
        try:
            self.reply()
        except Closed:
            return True
        return False


class MailTown(Town):
    def __init__(self, hosts=None, **more):
        super().__init__(hosts=hosts or MAIL_HOSTS, **more)
        os.chmod(self.directory, 0o711)  # Postfix and the users of the relay look into directories of their own below
        self._shrink_reserve()
        self.relay_program = os.environ.get("SEKISHO_RELAY") or os.path.join(BUILD, "sekisho-relay")
        self.relay_run_dir = os.path.join(self.directory, "relay-run")
        self.relay_state_dir = os.path.join(self.directory, "relay-state")
        self.relay_log = os.path.join(self.directory, "relay-log")
        self.relay = None
        self._relay_notify = None

    def __exit__(self, *error):
        if self.relay and self.relay.poll() is None:
            self.kill_relay()
        if self._relay_notify:
            self._relay_notify.close()
        if error and error[0]:
            print("---- relay", tail_of(self.relay_log_text()), "---- sekishod", sep="\n")
        super().__exit__(*error)

    def _shrink_reserve(self):
        """The example keeps more of the disk free for others than a test has."""
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(re.sub(r"free_mib\s*=\s*\d+", "free_mib = 64", text))

    # ---- the relay

    def start_relay(self, *options):
        """Starts sekisho-relay at the gateway and waits until it says READY=1."""
        path = os.path.join(self.directory, "relay-notify")
        if self._relay_notify:
            self._relay_notify.close()
            os.unlink(path)
        self._relay_notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._relay_notify.bind(path)
        with open(self.relay_log, "a", encoding="utf-8") as log:
            self.relay = subprocess.Popen(self.at("gateway", self.relay_command(*options)), stderr=log,
                                          env=dict(os.environ, NOTIFY_SOCKET=path))
        await_true("the relay is ready", self._relay_is_ready)

    def relay_command(self, *options):
        return [self.relay_program, "--config", self.config, "--run-dir", self.relay_run_dir, "--state-dir", self.relay_state_dir,
                *options]

    def _relay_is_ready(self):
        if self.relay.poll() is not None:
            raise AssertionError(f"sekisho-relay ended with status {self.relay.returncode}:\n{self.relay_log_text()}")
        return select.select([self._relay_notify], [], [], 0.2)[0] and b"READY=1" in self._relay_notify.recv(4096)

    def stop_relay(self, number=signal.SIGTERM):
        """Stops it and returns its exit status."""
        self.relay.send_signal(number)
        return self.relay.wait(DEADLINE_S)

    def kill_relay(self):
        """The parent is killed; all others must follow it."""
        others = [pid for pids in self.roles().values() for pid in pids]
        self.relay.kill()
        self.relay.wait(DEADLINE_S)
        await_true("all processes of the relay are gone", lambda: not any(is_alive(pid) for pid in others))

    def reload_relay(self):
        """Asks the running relay to load the file again; the result has what it printed."""
        return self.run("gateway", self.relay_command("--reload"), check=False)

    def relay_log_text(self):
        with contextlib.suppress(FileNotFoundError), open(self.relay_log, encoding="utf-8", errors="replace") as log:
            return log.read()
        return ""

    def roles(self):
        """The process ids by what they are: "parent", "keeper", "courier", "front" (listens), "session" (a connection each), "washer" (makes
        the others) and "washing" (a mail each)."""
        found, role_of_pid = {role: [] for role in ROLES}, {}
        for pid, parent in family(self.relay.pid):
            role = CHILDREN.get(role_of_pid.get(parent)) or role_of(pid)
            role_of_pid[pid] = role
            if is_alive(pid):
                found.setdefault(role, []).append(pid)
        return found

    def await_role(self, role, other_than=()):
        """Waits for a process of a role that is none of the given ones; returns its pid."""
        found = set()

        def find():
            found.update(set(self.roles()[role]) - set(other_than))
            return found
        await_true(f"a {role} runs", find)
        return min(found)

    @contextlib.contextmanager
    def stopped(self, role):
        """A role stands still for the time of the block."""
        pid = self.await_role(role)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def inside_role(self, *words):
        """Runs inside_role.c beside the block, attached before it begins; it ends with the block, done or not."""
        with subprocess.Popen([os.path.join(BUILD, "tests", "netns", "inside_role"), *map(str, words)], stdout=subprocess.PIPE, text=True) as tool:
            try:
                assert tool.stdout.readline() == "attached\n", words
                yield tool
            finally:
                tool.kill()

    # ---- what it keeps

    def originals_dir(self):
        return os.path.join(self.relay_state_dir, "originals")

    def original_files(self):
        """(id, what is behind the id in its name, path) of everything in the place of the originals; notes for senders are none of it, nor are the
        second names of what may come again."""
        return [(*name.partition(".")[::2], os.path.join(path, name)) for path, _, names in os.walk(self.originals_dir())
                for name in names if not path.endswith("/.unanswered") and not name.endswith(".doubtful")]

    def originals(self):
        """The path of each original by its id. One whose delivery was in doubt when its keeper died has another name until the next start."""
        return {original_id: path for original_id, state, path in self.original_files() if state != "receiving"}

    def half_received(self):
        """What was begun and is not whole."""
        return [path for _, state, path in self.original_files() if state == "receiving"]

    # ---- speaking with it

    def client(self, place="mail-soto", server=RELAY):
        return Client(self, place, server)

    def swaks(self, *options):
        """One mail by swaks from outside; the result has the dialogue."""
        return self.run("mail-soto", ["swaks", "--server", RELAY[0], "--helo", "mail-soto.soto.example", "--from", SENDER_ADDRESS, *options],
                        check=False)


def tail_of(text):
    return text[-6000:]


def is_alive(pid):
    """A process that has ended but was not waited for is not alive."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def family(pid):
    """A process and all that it and its children have made, with the parent of each."""
    children, found = {}, [(pid, None)]
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
            children.setdefault(int(stat.read().rpartition(")")[2].split()[1]), []).append(int(name))
    for each, _ in found:
        found += [(child, each) for child in sorted(children.get(each, []))]
    return found


def role_of(pid):
    """The role a process of the relay was started for; "parent" if none."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as cmdline:
        words = cmdline.read().split(b"\0")
        if b"--role" in words:
            return words[words.index(b"--role") + 1].decode()
    return "parent"

