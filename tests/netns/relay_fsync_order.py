#!/usr/bin/python3
"""No 250 before the disk has the mail: the system calls of all processes of the relay, in their order, as strace sees them from outside.

For each mail: its file is synced, then gets the name that says that it is whole, then its directory is synced, and only then the front
writes the 250 for it, and the courier the end of data to the inner server.
"""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_town import MAILBOX, SENDER_ADDRESS, MailTown, check, skip_unless_mail_is_possible  # noqa: E402
from postfix import INNER, Postfix  # noqa: E402
from town import DEADLINE_S, await_true  # noqa: E402

MAILS = 20
CALLS = "fsync,fdatasync,rename,renameat,renameat2,linkat,write,writev,sendto,sendmsg"
LINE = re.compile(r"^(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$")
ID = re.compile(r"(\d{8}-\d{6}-[0-9a-z]+)")


@dataclass
class Call:
    """One system call that has returned."""
    pid: int
    name: str
    text: str		# arguments and result

    @property
    def succeeded(self):
        return re.search(r"= \d", self.text) is not None

    def is_sync_of(self, path):
        """Of a descriptor of this path, which strace shows behind its number."""
        return self.name in ("fsync", "fdatasync") and self.succeeded and re.match(rf"\d+<{re.escape(path)}>\)", self.text)


class Strace:
    """Watches all processes of the relay, and those they make."""

    def __init__(self, town):
        self.path = os.path.join(town.directory, "strace")
        pids = [pid for pids in town.roles().values() for pid in pids]
        command = ["strace", "-f", "-y", "-s", "8192", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", self.path]
        self.errors = self.path + ".errors"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(command + [word for pid in pids for word in ("-p", str(pid))], stderr=errors)
        await_true("strace watches", lambda: open(self.errors, encoding="ascii").read().count(" attached") >= len(pids))

    def calls(self):
        """Ends it and returns what it saw, in the order in which the calls returned."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(DEADLINE_S)
        begun, found = {}, []
        with open(self.path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                pid, name, text, resumed, rest = LINE.match(line.rstrip("\n")).groups() if LINE.match(line) else (None,) * 5
                if name and text.endswith("<unfinished ...>"):
                    begun[pid] = name, text.removesuffix("<unfinished ...>")
                elif name:
                    found.append(Call(int(pid), name, text))
                elif resumed and pid in begun and begun[pid][0] == resumed:
                    found.append(Call(int(pid), resumed, begun.pop(pid)[1].rstrip() + rest))
        return found


def first(calls, position, what, condition):
    """Where the first call from a position on is that fulfils the condition."""
    for index in range(position, len(calls)):
        if condition(calls[index]):
            return index
    raise AssertionError(f"never: {what}")


def answers_of(calls):
    """Where a front writes a 250 that follows a 354 of the same process: the answer to a whole mail."""
    has_begun, found = set(), []
    for index, call in enumerate(calls):
        if '"354 ' in call.text:
            has_begun.add(call.pid)
        elif '"250 ' in call.text and call.pid in has_begun:
            has_begun.discard(call.pid)
            found.append(index)
    return found


def dots_of(calls, courier):
    """Where the courier ends the data of a mail."""
    return [index for index, call in enumerate(calls) if call.pid == courier and r'\r\n.\r\n"' in call.text]


def judge_mail(calls, original_id, path, dot, answer):
    """The order of one mail."""
    directory = os.path.dirname(path)
    synced = first(calls, 0, f"sync of {path}", lambda call: call.is_sync_of(f"{path}.receiving") or call.is_sync_of(path))
    named = first(calls, synced, f"{original_id} is named", lambda call: call.name.startswith(("rename", "link"))
                  and f"{original_id}.receiving" in call.text and call.succeeded)
    kept = first(calls, named, f"sync of {directory}", lambda call: call.is_sync_of(directory))
    assert kept < dot < answer, (original_id, synced, named, kept, dot, answer)


def main():
    skip_unless_mail_is_possible("strace")
    with MailTown() as town:
        town.start_daemon()
        town.start_relay()
        with Postfix(town, "mail-naka", INNER) as inner:
            courier, strace = town.await_role("courier"), Strace(town)
            for number in range(MAILS):
                with town.client() as client:
                    client.greet()
                    reply = client.send_mail(SENDER_ADDRESS, [MAILBOX], f"Message-ID: <{number}@soto.example>\r\n\r\n{number}\r\n".encode())
                    assert reply.code == 250, reply
            mails = inner.mailbox.await_count(MAILS)
            calls = strace.calls()
            dots, answers = dots_of(calls, courier), answers_of(calls)
            check("every mail was ended and had its answer", len(dots) == len(answers) == MAILS, (len(dots), len(answers)))
            originals = town.originals()
            by_number = sorted(mails, key=lambda mail: int(mail.message_id[1:].partition("@")[0]))
            for mail, dot, answer in zip(by_number, dots, answers):
                original_id = ID.search(mail.message["X-Sekisho"]).group(1)
                judge_mail(calls, original_id, originals[original_id], dot, answer)
            check("every answer came after the disk had the mail and its name", True)


if __name__ == "__main__":
    main()
