#!/usr/bin/python3
"""What the daemon logs goes to a receiver as messages of RFC 5424, read here by the grammar of the RFC and nothing else, and to the journal with its fields.

Hostile texts (a process name, a reason, a file name) are one value each, whatever they hold; a receiver that goes away and comes back
hears how many messages it missed; nobody is waited for.
"""

import contextlib
import ctypes
import os
import re
import select
import signal
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_town import Client, MailTown  # noqa: E402
from town import FRAME, Town, await_true, inside, skip_unless_possible  # noqa: E402

JOURNALD = "/run/systemd/journal/socket"
BOM = b"\xef\xbb\xbf"
HOSTILE_REASON = 'x" from="evil"] [admin@1 y="\\"] \u202e関所\n<0>1'
HOSTILE_NAME = b'a"]\\ b=\xff\n['  # of a process: at most 15 bytes

# RFC 5424, 6: the grammar, a name for a name.
PRINTUSASCII = rb"[\x21-\x7e]"
SD_NAME = rb"(?:(?![=\]\"])[\x21-\x7e]){1,32}"
# UTF-8-STRING in which '"', '\' and ']' are escaped.
PARAM_VALUE = rb'(?:[^"\\\]]|\\["\\\]])*'
SD_PARAM = rb" (" + SD_NAME + rb')="(' + PARAM_VALUE + rb')"'
SD_ELEMENT = rb"\[" + SD_NAME + rb"(?: " + SD_NAME + rb'="' + PARAM_VALUE + rb'")*\]'
TIMESTAMP = rb"-|\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
MESSAGE = re.compile(
    rb"<(?P<pri>[1-9]?\d|1\d\d)>(?P<version>[1-9]\d{0,2}) (?P<time>" + TIMESTAMP + rb") (?P<host>" + PRINTUSASCII + rb"{1,255}) (?P<program>" + PRINTUSASCII
    + rb"{1,48}) (?P<pid>" + PRINTUSASCII + rb"{1,128}) (?P<id>" + PRINTUSASCII + rb"{1,32}) (?P<data>-|(?:" + SD_ELEMENT + rb")+)(?: (?P<text>.*))?", re.DOTALL)


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def parse(datagram):
    """A message as a dictionary; its structured data as dictionaries by SD-ID. Anything else than the grammar is a failure."""
    found = MESSAGE.fullmatch(datagram)
    assert found, f"not by the grammar: {datagram!r}"
    message = {key: value.decode("ascii") for key, value in found.groupdict().items() if key not in ("data", "text")}
    assert message["version"] == "1" and int(message["pri"]) <= 191
    message["severity"], message["facility"] = int(message["pri"]) % 8, int(message["pri"]) // 8
    message["data"] = {}
    for element in re.findall(SD_ELEMENT, found["data"]):
        name = re.match(rb"\[(" + SD_NAME + rb")", element)[1].decode()
        assert name not in message["data"], f"an SD-ID twice: {datagram!r}"
        message["data"][name] = [(key.decode(), re.sub(rb"\\([\"\\\]])", rb"\1", value).decode("utf-8")) for key, value in re.findall(SD_PARAM, element)]
    assert found["text"].startswith(BOM), f"no byte order mark: {datagram!r}"
    message["text"] = found["text"][len(BOM):].decode("utf-8")
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", message["text"]), f"control characters: {datagram!r}"
    return message


class Receiver:
    """A Unix socket that takes datagrams."""

    def __init__(self, path):
        self.path, self.messages = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.socket.bind(path)
        os.chmod(path, 0o666)

    def take(self):
        while select.select([self.socket], [], [], 0)[0]:
            self.messages.append(self.socket.recv(65536))
        return self.messages

    def close(self):
        self.socket.close()


class Syslog(Receiver):
    def all(self):
        return [parse(datagram) for datagram in self.take()]

    def of(self, name, **fields):
        """The messages of an id with these fields."""
        return [message for message in self.all() if message["id"] == name and set(fields.items()) <= set(message["data"]["sekisho@32473"])]


def send_refused(town, port):
    with inside(town.namespace("shokuin-pc")), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("10.3.0.10", port))


def check_messages(town, syslog):
    await_true("every role has logged", lambda: {dict(message["data"]["sekisho@32473"]).get("part") for message in syslog.all()} >= {"parent", "planner"})
    start = syslog.of("SKS-START")[0]
    expect("the program, its process and its host are named", (start["program"], start["pid"], start["host"]) ==
           ("sekishod", str(town.daemon_pid), socket.gethostname()), start)
    expect("facility and level are those of the line", (start["facility"], start["severity"]) == (3, 5), start)
    expect("fields are structured data", ("config", town.config) in start["data"]["sekisho@32473"], start)
    expect("and the line is there for people", start["text"].startswith("SKS-START: ") and f"config={town.config}" in start["text"], start)
    send_refused(town, 4001)
    await_true("a refusal is a message", lambda: syslog.of("SKS-REFUSAL", part="witness", to="internet", source="10.2.0.10", port="4001", **{"from": "lgwan"}))
    await_true("and the new talker, of the process with a sandbox", lambda: syslog.of("SKS-NEW-TALKER", part="witness", mac="02:00:00:02:00:10"))
    expect("an alarm is a warning", syslog.of("SKS-NEW-TALKER")[0]["severity"] == 4)


def check_sequences(syslog):
    """By the sequence a receiver sees that something is missing (RFC 5424, 7.3.1)."""
    numbers = {}
    for message in syslog.all():
        numbers.setdefault(message["pid"], []).append(int(dict(message["data"]["meta"])["sequenceId"]))
    expect("each process counts its messages from 1", all(found == list(range(1, len(found) + 1)) for found in numbers.values()), numbers)


def connect_as(town, name):
    """A connection that is refused, of a process with this name."""
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(15, name, 0, 0, 0)  # PR_SET_NAME
        os.setgroups([])
        os.setuid(64301)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as control:
            control.connect(os.path.join(town.run_dir, "control"))
            control.sendall(FRAME.pack(b"SKS1", 2, 0, 0))
            control.recv(4096)
        os._exit(0)
    os.waitpid(pid, 0)


def check_hostile_texts(town, syslog):
    os.chmod(town.directory, 0o755)
    os.chmod(town.run_dir, 0o755)
    os.chmod(os.path.join(town.run_dir, "control"), 0o666)
    connect_as(town, HOSTILE_NAME)
    wanted = HOSTILE_NAME.decode("utf-8", "replace").replace("\ufffd", "?").split("\n")[0]
    await_true("a process's name is one value", lambda: syslog.of("SKS-CONTROL", uid="64301", process=wanted))
    expect("and no element of its own", all(set(message["data"]) == {"sekisho@32473", "meta"} for message in syslog.all()))
    town.apply(reason=HOSTILE_REASON)
    wanted = HOSTILE_REASON.replace("\n", "?").replace("\u202e", "?")
    await_true("a reason is one value", lambda: syslog.of("SKS-APPLY", reason=wanted))
    message = syslog.of("SKS-APPLY", reason=wanted)[0]
    expect("what stands in it is no field", [value for key, value in message["data"]["sekisho@32473"] if key in ("from", "y")] == [], message)


def check_receiver_that_goes(town, syslog):
    before = len(syslog.take())
    syslog.close()
    town.apply(reason="unheard")
    town.apply(reason="unheard")
    again = Syslog(syslog.path)
    town.apply(reason="heard")
    await_true("a receiver that was made anew is sent to", lambda: again.of("SKS-APPLY", reason="heard"))
    await_true("and told how many it missed", lambda: again.of("SKS-LOG", part="planner"))
    missed = int(dict(again.of("SKS-LOG", part="planner")[0]["data"]["sekisho@32473"])["count"])
    expect("which are at least those of the applies", missed >= 2 and before > 0, missed)
    expect("standard error has all of it", town.log_text().count('reason="unheard"') >= 2)
    return again


def check_receiver_that_does_not_read(town, syslog):
    """Its queue is full soon; the daemon goes on."""
    with open("/proc/sys/net/unix/max_dgram_qlen", encoding="ascii") as file:
        length = int(file.read())
    for number in range(length + 20):
        expect(f"an apply is answered ({number})", town.apply(reason=str(number))["result"] == "unchanged") if number % 100 == 0 else town.apply(reason=str(number))
    syslog.take()
    town.apply(reason="at last")
    await_true("what did not fit is counted", lambda: syslog.of("SKS-LOG", part="planner"))


def check_journal():
    """Standard error that is a stream of the journal: the journal's own socket gets the fields instead of the line."""
    os.makedirs(os.path.dirname(JOURNALD), exist_ok=True)
    journald = Receiver(JOURNALD)
    with Town(hosts=[]) as town:
        town.make_places()
        with open(town.log, "w", encoding="utf-8") as file:
            status = os.fstat(file.fileno())
        os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
        try:
            town.start_daemon()
        finally:
            del os.environ["JOURNAL_STREAM"]
        expect("nothing is written twice", town.log_text() == "", town.log_text())

        def entries():
            return [dict(line.split(b"=", 1) for line in datagram.splitlines()) for datagram in journald.take()]

        await_true("the journal has the start", lambda: [entry for entry in entries() if entry[b"SKS_ID"] == b"SKS-START"])
        entry = next(entry for entry in entries() if entry[b"SKS_ID"] == b"SKS-START")
        wanted = {b"PRIORITY": b"5", b"SYSLOG_IDENTIFIER": b"sekishod", b"SKS_PART": b"parent", b"SKS_CONFIG": town.config.encode()}
        expect("with level, program, process and fields", wanted.items() <= entry.items(), entry)
        expect("and the line for people", entry[b"MESSAGE"].startswith(b"parent SKS-START: "), entry)
        await_true("and the roles are there", lambda: {entry.get(b"SKS_PART") for entry in entries()} >= {b"parent", b"planner"})
        journald.close()
        os.unlink(JOURNALD)
        town.apply(reason="without a journal")
        await_true("what the journal does not take is a line with its level", lambda: re.search("^<5>planner SKS-APPLY: ", town.log_text(), re.M))
        town.stop_daemon()


def check_relay():
    """The relay's roles have users of their own, and sandboxes in which nothing is connected."""
    with MailTown(hosts=["mail-soto"]) as town:
        os.chmod(town.directory, 0o755)
        syslog = Syslog(os.path.join(town.directory, "syslog"))
        town.start_daemon()
        town.start_relay("--syslog", syslog.path)
        expect("the relay's parent logs", syslog.of("SKS-START", part="parent") and syslog.all()[0]["program"] == "sekisho-relay", syslog.all())
        with Client(town) as client:
            client.greet()
            front = town.roles()["front"][0]
            with open(f"/proc/{front}/task/{front}/children", encoding="ascii") as children:
                session = int(children.read().split()[0])
            os.kill(session, signal.SIGKILL)
            await_true("a role of another user sends from its sandbox", lambda: syslog.of("SKS-SESSION", part="front", pid=str(session), signal="9"))
        expect("it stops", town.stop_relay() == 0)


def main():
    skip_unless_possible("nft", "systemd-tmpfiles")
    with Town(hosts=["shokuin-pc"]) as town:
        syslog = Syslog(os.path.join(town.directory, "syslog"))
        town.start_daemon("--syslog", syslog.path)
        town.daemon_pid = town.daemon.pid
        check_messages(town, syslog)
        check_hostile_texts(town, syslog)
        check_sequences(syslog)
        syslog = check_receiver_that_goes(town, syslog)
        check_receiver_that_does_not_read(town, syslog)
        expect("it stops", town.stop_daemon() == 0)
        expect("and says so to the last", syslog.of("SKS-STOP", part="parent"))
    check_relay()
    check_journal()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
