#!/usr/bin/python3
"""Many mails through Postfix, the relay and Postfix, while processes are killed and the disk fails, at random.

Afterwards: no mail is lost; a mail arrived twice only where the wire shows that the sender did not get the 250 of an attempt; of each
mail that was delivered the original is there, and is what was sent; nothing half-made is left.

SEKISHO_MAILS (1000) says how many mails, SEKISHO_SEED (1) which faults in which order.
"""

import collections
import os
import random
import re
import signal
import smtplib
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_shapes import shape  # noqa: E402
from mail_town import BUILD, MAILBOX, SENDER_ADDRESS, Closed, MailTown, check, skip_unless_mail_is_possible  # noqa: E402
from postfix import INNER, SENDER, Postfix  # noqa: E402
from town import DEADLINE_S, await_true, inside  # noqa: E402
from wire import Wire  # noqa: E402

MAILS = int(os.environ.get("SEKISHO_MAILS", "1000"))
SEED = int(os.environ.get("SEKISHO_SEED", "1"))
FAULTS = max(42, MAILS // 50)
ON_THE_WAY_MAX = 150  # mails that were given to the sender and have not arrived
MIB = 1024 * 1024
DISK_MIB, FULL_DISK_ROOM_MIB = 4096, 32  # of the latter the relay wants 64
SYNC_CALLS, NAME_CALLS, WRITE_CALLS = "fsync,fdatasync", "rename,renameat,renameat2,linkat", "write,writev,pwrite64,splice,sendfile"
ORIGINAL_ID = re.compile(r"\bid=([0-9A-Za-z-]+);")


class Disk:
    """The file system of the originals: a small one of its own, which can be full."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0755", "tmpfs", directory], check=True)

    def fill(self):
        """Leaves less than the relay keeps free for others, and enough for what is being written."""
        status = os.statvfs(self.directory)
        self._resize((status.f_blocks - status.f_bfree) * status.f_frsize // MIB + FULL_DISK_ROOM_MIB)

    def empty(self):
        self._resize(DISK_MIB)

    def _resize(self, mib):
        subprocess.run(["mount", "-o", f"remount,size={mib}m", self.directory], check=True)


class Sending(threading.Thread):
    """Gives the mails to the sender, never many more than have arrived."""

    def __init__(self, town, inner):
        super().__init__(daemon=True)
        self.town, self.inner = town, inner
        self.sent, self.error = {}, None
        self.may_go_on = threading.Condition()
        self.arrived = 0

    def run(self):
        try:
            with inside(self.town.namespace("mail-soto")):
                sender = smtplib.SMTP("127.0.0.1", 25)
            for number in range(MAILS):
                self._await_room(number)
                mail = shape(number, SEED)
                sender.sendmail(mail.sender, mail.recipients, mail.content)
                self.sent[mail.message_id] = mail
        except Exception as error:  # pylint: disable=broad-except  # told to the thread that waits
            self.error = error

    def _await_room(self, number):
        with self.may_go_on:
            self.may_go_on.wait_for(lambda: number - self.arrived < ON_THE_WAY_MAX)

    def tell_arrived(self, count):
        if self.error:
            raise self.error
        with self.may_go_on:
            self.arrived = count
            self.may_go_on.notify()


class Faults:
    """What goes wrong, one thing after another."""

    def __init__(self, town, inner, disk):
        self.town, self.inner, self.disk = town, inner, disk
        self.chance = random.Random(SEED)
        self.done = collections.Counter()
        self.waiting = []	# kinds that have not had their turn
        self.tools = []		# that make calls fail
        self.kinds = [self.kill_relay, self.kill_inner, self.fill_disk,
                      *(self.killing(role) for role in ("keeper", "courier", "front", "session", "washer", "washing") for _ in range(2)),
                      *(self.killing_of_inner(program) for program in ("smtpd", "cleanup", "qmgr")),
                      *(self.failing(role, error, calls) for role, error, calls in (
                          ("session", "EIO", SYNC_CALLS), ("keeper", "EIO", SYNC_CALLS), ("keeper", "EIO", NAME_CALLS),
                          ("session", "ENOSPC", WRITE_CALLS), ("session", "ENOSPC", SYNC_CALLS)))]

    def next(self):
        """In each round every kind has its turn, in another order."""
        if not self.waiting:
            self.waiting = self.chance.sample(self.kinds, len(self.kinds))
        fault = self.waiting.pop()
        self.done[getattr(fault, "what", fault.__name__)] += 1
        fault()

    def kill_relay(self):
        """As the service manager would start it again."""
        self.town.kill_relay()
        self.town.start_relay()

    def kill_inner(self):
        self.inner.kill()
        self.inner.start()

    def fill_disk(self):
        """Full until somebody is told so."""
        self.disk.fill()
        await_true("the full disk is noticed", lambda: answer_to_attempt(self.town) == 452)
        self.disk.empty()

    def killing(self, role):
        return named(f"kill {role}", lambda: kill_one(self.chance, self.town.roles()[role]))

    def killing_of_inner(self, program):
        return named(f"kill inner {program}", lambda: kill_one(self.chance, self.inner.processes(program)))

    def failing(self, role, error, calls):
        return named(f"{error} in {role}: {calls}", lambda: self.fail(role, error, calls))

    def fail(self, role, error, calls):
        """Goes on by itself until the calls have failed or the process has ended."""
        pids = self.town.roles()[role]
        if pids:
            words = "fail", self.chance.choice(pids), error, self.chance.randrange(1, 4), calls
            command = [os.path.join(BUILD, "tests", "netns", "inside_role"), *map(str, words)]
            self.tools.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))

    def end(self):
        """How many calls have failed."""
        for tool in self.tools:
            tool.kill()
        return sum(tool.communicate()[0].count("failed one") for tool in self.tools)


def answer_to_attempt(town):
    """What stops a client that wants to send a mail; None: nothing until the content, or the connection ended."""
    try:
        with town.client() as client:
            client.greet()
            for line in (f"MAIL FROM:<{SENDER_ADDRESS}>", f"RCPT TO:<{MAILBOX}>", "DATA"):
                code = client.say(line).code
                if code >= 400:
                    return code
    except (Closed, ConnectionError):
        pass
    return None


def named(what, function):
    function.what = what
    return function


def kill_one(chance, pids):
    """Kills one of the processes; a session or a washing may have ended meanwhile."""
    if pids:
        try:
            os.kill(chance.choice(pids), signal.SIGKILL)
        except ProcessLookupError:
            pass


# ---- the run

def arrived(inner):
    """How many of the mails have arrived for somebody."""
    inner.mailbox.mails()
    return len(inner.mailbox.message_ids)


def run_through(faults, sending, inner, sender):
    """A fault each time some more mails have arrived, until nothing is on its way any more."""
    sending.start()
    for number in range(FAULTS):
        await_arrived(sending, inner, sender, MAILS * number // FAULTS)
        faults.next()
    await_arrived(sending, inner, sender, MAILS)
    for server in (sender, inner):
        await_true(f"the queue at {server.place} is empty", lambda server=server: not server.queued())


def await_arrived(sending, inner, sender, wanted):
    """What was lost never arrives, and is a matter of the judgement. The relay itself waits for a minute for an inner server that says nothing."""
    def enough():
        count = arrived(inner)
        sending.tell_arrived(count)
        return count >= wanted or (not sending.is_alive() and not sender.queued())
    await_true(f"{wanted} mails have arrived", enough, 3 * DEADLINE_S)


# ---- the judgement

def judge(town, sent, mails, attempts):
    copies = collections.defaultdict(lambda: collections.defaultdict(set))
    for mail in mails:
        copies[mail.message_id][mail.recipient].add(mail.queue_id)
    by_id = collections.defaultdict(list)
    for attempt in attempts:
        by_id[attempt.header("Message-ID")].append(attempt)
    judge_losses(sent, copies, by_id)
    judge_duplicates(sent, copies, by_id)
    judge_content(town, sent, mails, by_id)


def judge_losses(sent, copies, by_id):
    lost = [(mail.message_id, recipient) for mail in sent.values() for recipient in mail.recipients if not copies[mail.message_id][recipient]]
    check("no mail is lost", not lost, lost[:10])
    refused = [attempt for attempt in sum(by_id.values(), []) if attempt.answer and attempt.answer >= 500]
    check("no mail is refused for good", not refused, refused[:3])
    check("nothing else arrived", not set(copies) - set(sent), sorted(set(copies) - set(sent), key=str)[:10])


def judge_duplicates(sent, copies, by_id):
    unexplained, duplicates = [], 0
    for message_id in sent:
        times = max(len(queue_ids) for queue_ids in copies[message_id].values())
        unanswered = [attempt for attempt in by_id[message_id] if attempt.complete and not attempt.accepted]
        duplicates += times - 1
        if times - 1 > len(unanswered):
            unexplained.append((message_id, times, [attempt.answer for attempt in by_id[message_id]]))
    print(f"{duplicates} duplicates")
    check("a mail arrives twice only if the sender did not get a 250", not unexplained, unexplained[:10])


def judge_content(town, sent, mails, by_id):
    originals = town.originals()
    unknown = sum(attempt.complete and not attempt.accepted for attempt in sum(by_id.values(), []))
    ids = {}
    for mail in mails:
        ids[ORIGINAL_ID.search(mail.message["X-Sekisho"]).group(1)] = mail.message_id
        assert sent[mail.message_id].sentence in mail.text(), (mail.message_id, mail.text())
    check("every text arrived", True)
    missing = set(ids) - set(originals)
    check("of every mail that arrived the original is there", not missing, sorted(missing)[:10])
    wrong = []
    for original_id, message_id in ((key, ids[key]) for key in set(ids) & set(originals)):
        with open(originals[original_id], "rb") as file:
            content = file.read()
        if not content.endswith(sent[message_id].content) or content not in [attempt.content for attempt in by_id[message_id]]:
            wrong.append((original_id, message_id))
    check("and is what was sent, byte for byte", not wrong, wrong[:10])
    check("other originals are only of attempts that ended in doubt", len(set(originals) - set(ids)) <= unknown, (len(originals), len(ids), unknown))
    await_true("nothing half received is left", lambda: not town.half_received())
    check("the relay stops", town.stop_relay() == 0)
    town.start_relay()
    check("after a start all originals have their names", not [path for _, state, path in town.original_files() if state])
    check("and are the same", set(town.originals()) == set(originals))


def main():
    skip_unless_mail_is_possible("tcpdump")
    with MailTown() as town:
        town.start_daemon()
        disk = Disk(town.originals_dir())
        town.start_relay()
        with Postfix(town, "mail-naka", INNER) as inner, Postfix(town, "mail-soto", SENDER, listen="127.0.0.1") as sender, \
                Wire(town, "mail-soto") as wire:
            faults, sending = Faults(town, inner, disk), Sending(town, inner)
            try:
                run_through(faults, sending, inner, sender)
            finally:
                print(f"seed {SEED}: {len(sending.sent)} sent, {arrived(inner)} arrived; "
                      + ", ".join(f"{count} {what}" for what, count in sorted(faults.done.items())) + f"; {faults.end()} calls failed", flush=True)
            wire.stop()
            judge(town, sending.sent, inner.mailbox.mails(), wire.attempts())


if __name__ == "__main__":
    main()
