#!/usr/bin/python3
"""A mail that goes round in a circle is stopped: the inner server hands it back to the outer one by a cable past the gateway, which must not be
there but is, and the outer one hands it to the relay again.

Both Postfixes count hops by Received fields, of which the relay leaves one, so they would never see it. The relay carries the count on.
"""

import os
import smtplib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_town import DOMAIN, MAILBOX, MailTown, check, skip_unless_mail_is_possible  # noqa: E402
from postfix import INNER, SENDER, Postfix  # noqa: E402
from town import await_true, inside  # noqa: E402
from wire import Wire  # noqa: E402

HOPS_MAX = 50
INNER_END, OUTER_END = "10.99.0.1", "10.99.0.2"
FORWARDING = {"virtual_mailbox_domains": "", "relay_domains": DOMAIN, "relayhost": f"[{OUTER_END}]:25"}


def lay_cable(town):
    """From the inner mail server to the outer one, past the gateway."""
    town.ip("mail-naka", f"link add past0 type veth peer name past0 netns {town.namespace('mail-soto')}")
    for place, address in (("mail-naka", INNER_END), ("mail-soto", OUTER_END)):
        town.ip(place, f"addr add {address}/24 dev past0")
        town.ip(place, "link set past0 up")


def send_one(town):
    """Its sender is the null one, so that nothing comes back when it is refused."""
    content = f"Message-ID: <round@soto.example>\r\nFrom: a@soto.example\r\nTo: {MAILBOX}\r\n\r\nround and round\r\n"
    with inside(town.namespace("mail-soto")):
        sender = smtplib.SMTP("127.0.0.1", 25)
    sender.sendmail("", [MAILBOX], content)


def main():
    skip_unless_mail_is_possible("tcpdump")
    with MailTown() as town:
        lay_cable(town)
        town.start_daemon()
        town.start_relay()
        patient = {"hopcount_limit": "1000"}
        with Postfix(town, "mail-naka", dict(INNER, **patient, **FORWARDING)) as inner, \
                Postfix(town, "mail-soto", dict(SENDER, **patient, mynetworks=f"127.0.0.0/8, {INNER_END}")) as sender, \
                Wire(town, "mail-soto") as wire:
            send_one(town)
            await_true("it is refused", lambda: "status=bounced" in sender.log_text())
            await_true("nothing is on the way", lambda: not sender.queued() and not inner.queued())
            wire.stop()
            check("with the reply of a loop", "554 5.4.6" in sender.log_text(), sender.log_text()[-2000:])
            answers = [attempt.answer for attempt in wire.attempts() if attempt.header("Message-ID") == "<round@soto.example>"
                       and b"X-Sekisho" in attempt.content or b"round and round" in attempt.content]
            relayed = [answer for answer in answers if answer == 250]
            print(f"{len(relayed)} rounds")
            check("it went round at least twice, and no oftener than hops are allowed", 2 <= len(relayed) <= HOPS_MAX, answers)


if __name__ == "__main__":
    main()
