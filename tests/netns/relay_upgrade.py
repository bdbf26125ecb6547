#!/usr/bin/python3
"""The relay is stopped and another binary takes its place, again and again, while senders speak with it.

A mail that got 250 was delivered, and its original is there. A mail arrived twice only when an attempt of it had been handed over whole and its sender was told nothing; a
sender that is told nothing, or 4xx, comes again, and in the end every mail arrives. What one binary noted of a delivery that its sender did not hear
of, the next one knows.

SEKISHO_UPGRADES (6) says how often, SEKISHO_SEED (1) when.
"""

import collections
import email
import os
import random
import re
import shutil
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_town import MAILBOX, SENDER_ADDRESS, Closed, MailTown, check, skip_unless_mail_is_possible  # noqa: E402
from scripted_inner import ScriptedInner  # noqa: E402
from town import DEADLINE_S, await_true  # noqa: E402

UPGRADES = int(os.environ.get("SEKISHO_UPGRADES", "6"))
SEED = int(os.environ.get("SEKISHO_SEED", "1"))
SENDERS = 6
MAILS_BETWEEN = 12	# that got 250 before the next upgrade
PAUSE_S = 0.1		# of a sender before it tries again
NAME = re.compile(rb"text of ([\w-]+)")


def mail(name):
    return f"Message-ID: <{name}@soto.example>\r\nFrom: {SENDER_ADDRESS}\r\n\r\ntext of {name}\r\n".encode()


class Attempts:
    """What senders were told, attempt by attempt."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answered = set()		# names of mails that got 250
        self.untold = collections.Counter()	# attempts whose whole content was sent, and that got no 250

    def note(self, name, code):
        with self.lock:
            if code == 250:
                self.answered.add(name)
            else:
                self.untold[name] += 1


class Sender(threading.Thread):
    """Sends one mail after the other, each until it gets 250."""

    def __init__(self, town, attempts, number):
        super().__init__(daemon=True)
        self.town, self.attempts, self.number = town, attempts, number
        self.enough = threading.Event()
        self.error = None

    def run(self):
        try:
            count = 0
            while not self.enough.is_set():
                count += 1
                self.send(f"{self.number}-{count}")
        except Exception as error:  # pylint: disable=broad-except  # told to the thread that waits
            self.error = error

    def send(self, name):
        while not self.try_once(name):
            time.sleep(PAUSE_S)

    def try_once(self, name):
        """True when it got 250."""
        content_sent = False
        code = None
        try:
            with self.town.client() as client:
                client.greet()
                client.begin_data()
                content_sent = True
                client.send(mail(name) + b".\r\n")
                code = client.reply().code
        except (AssertionError, Closed, OSError):	# stopped in the middle of it: no listener, 421, or nothing at all
            pass
        if content_sent:
            self.attempts.note(name, code)
        return code == 250


def two_binaries(town):
    """The program twice, in files of their own: the one that runs is never written to."""
    programs = []
    for name in ("relay-this", "relay-next"):
        programs.append(os.path.join(town.directory, name))
        shutil.copy(town.relay_program, programs[-1])
    return programs


def upgrade(town, programs):
    """As a package does it: the service is stopped, and what is started is another file."""
    check("it stops", town.stop_relay() == 0, town.relay_log_text())
    programs.reverse()
    town.relay_program = programs[0]
    town.start_relay()
    running = os.readlink(f"/proc/{town.await_role('keeper')}/exe")
    check("the other binary runs", running == programs[0], running)


def name_of(content):
    """The name in the text of a mail, as it was sent or as it arrived; None: it has none."""
    found = NAME.search(email.message_from_bytes(content).get_payload(decode=True))
    return found and found[1].decode()


def names_kept(town):
    names = set()
    for path in town.originals().values():
        with open(path, "rb") as file:
            names.add(name_of(file.read()))
    return names


def under_load(town, inner, programs):
    chance, attempts = random.Random(SEED), Attempts()
    senders = [Sender(town, attempts, number) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    for _ in range(UPGRADES):
        goal = len(attempts.answered) + 1 + chance.randrange(MAILS_BETWEEN)
        await_true(f"{goal} mails are answered", lambda: len(attempts.answered) >= goal or any(sender.error for sender in senders))  # noqa: B023
        upgrade(town, programs)
    for sender in senders:
        sender.enough.set()
    for sender in senders:
        sender.join(DEADLINE_S)
        check(f"sender {sender.number} was through with its last mail", not sender.is_alive() and not sender.error, sender.error)
    judge(town, inner, attempts)


def judge(town, inner, attempts):
    delivered, kept = collections.Counter(name_of(message.content) for message in inner.messages), names_kept(town)
    twice = {name: count for name, count in delivered.items() if count > 1}
    check("what got 250 was delivered", attempts.answered <= set(delivered), attempts.answered - set(delivered))
    check("and its original is kept", attempts.answered <= kept, attempts.answered - kept)
    check("what arrived again had been told nothing before", all(count - 1 <= attempts.untold[name] for name, count in twice.items()), twice)
    print(f"{len(attempts.answered)} mails, {sum(attempts.untold.values())} attempts without 250, {len(twice)} mails twice")


def unheard(town, inner, programs):
    """One binary delivers and its sender does not hear of it; the next one is asked again."""
    reached, may_go_on, before = threading.Event(), threading.Event(), len(inner.messages)

    def wait(_session, _content):
        reached.set()
        may_go_on.wait(DEADLINE_S)

    inner.at_end = wait
    with town.client() as client:
        client.greet()
        client.begin_data()
        client.send(mail("unheard") + b".\r\n")
        assert reached.wait(DEADLINE_S)
    may_go_on.set()
    inner.await_messages(before + 1)
    await_true("it is noted that the sender does not know", lambda: os.listdir(os.path.join(town.originals_dir(), ".unanswered")))
    upgrade(town, programs)
    with town.client() as client:
        client.greet()
        check("the next binary answers the retry 250", client.send_mail(SENDER_ADDRESS, [MAILBOX], mail("unheard")).code == 250)
    check("and does not deliver it again", len(inner.messages) == before + 1)


def main():
    skip_unless_mail_is_possible()
    with MailTown() as town, ScriptedInner(town) as inner:
        programs = two_binaries(town)
        town.relay_program = programs[0]
        town.start_daemon()
        town.start_relay()
        under_load(town, inner, programs)
        unheard(town, inner, programs)
        check("it stops", town.stop_relay() == 0)


if __name__ == "__main__":
    main()
