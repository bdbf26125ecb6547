#!/usr/bin/python3
"""A process of the relay that hangs is killed and started again, and mail crosses afterwards."""

import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_town import MAILBOX, SENDER_ADDRESS, Closed, MailTown, check, skip_unless_mail_is_possible  # noqa: E402
from scripted_inner import ScriptedInner  # noqa: E402
from town import await_true  # noqa: E402

WATCHDOG_US = 8000000  # a role hangs after half of it
ROLES = ("keeper", "washer", "courier", "front")


def crosses(town):
    """True when a mail is answered with 250."""
    try:
        with town.client() as client:
            client.greet()
            return client.send_mail(SENDER_ADDRESS, [MAILBOX], b"Message-ID: <1@soto.example>\r\n\r\ntext\r\n").code == 250
    except (Closed, ConnectionError):
        return False


def main():
    skip_unless_mail_is_possible()
    os.environ["WATCHDOG_USEC"] = str(WATCHDOG_US)
    with MailTown() as town, ScriptedInner(town):
        town.start_daemon()
        town.start_relay()
        await_true("a mail crosses", lambda: crosses(town))
        for role in ROLES:
            pid = town.await_role(role)
            os.kill(pid, signal.SIGSTOP)
            town.await_role(role, other_than=(pid,))
            check(f"a {role} that hangs is replaced", f"a role hangs and is killed role={role} pid={pid}" in town.relay_log_text(), town.relay_log_text())
            await_true("a mail crosses again", lambda: crosses(town))
        check("who answers is not killed", town.relay_log_text().count("a role hangs") == len(ROLES), town.relay_log_text())
        check("it stops", town.stop_relay() == 0)


if __name__ == "__main__":
    main()
