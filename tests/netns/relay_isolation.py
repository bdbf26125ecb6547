#!/usr/bin/python3
"""The relay honours isolation: what it has with an isolated zone stops, on both sides, and goes on when the zone is released; no mail is lost, none comes twice."""

import os
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_town import RELAY, MailTown, check, skip_unless_mail_is_possible  # noqa: E402
from scripted_inner import ScriptedInner  # noqa: E402
from town import await_true, inside, verb_numbers  # noqa: E402

VERBS = verb_numbers()
RETRANSMISSIONS = 3
TCP_INFO_RETRANSMISSIONS = 100	# where struct tcp_info has tcpi_total_retrans
TCP_INFO_BYTES = 104
FIRST, SECOND = b"Subject: 1\r\n\r\nthe first half\r\n", b"the second half\r\n.\r\n"


def order(town, verb, zone, result):
    answer = town.request(VERBS[verb], {"zone": zone})
    check(f"{zone} is {result}", answer["result"] == result, answer)


def retransmissions(connection):
    return struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES), TCP_INFO_RETRANSMISSIONS)[0]


def await_stuck(what, connection):
    """What was sent is sent again and again, because nobody acknowledges it."""
    before = retransmissions(connection)
    await_true(what, lambda: retransmissions(connection) >= before + RETRANSMISSIONS)
    print(f"ok: {what}", flush=True)


def is_stuck(town):
    """The relay's connection to the inner server has sent something again."""
    return "backoff:" in town.run("gateway", ["ss", "-Htin", "dport = :25"]).stdout


def begin_connection(town):
    """A connection that may not come about."""
    with inside(town.namespace("mail-soto")):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setblocking(False)
    connection.connect_ex(RELAY)
    return connection


def check_outer(town, inner):
    """The zone the mail comes from is isolated in the middle of it."""
    with town.client() as client:
        client.greet()
        client.begin_data()
        client.send(FIRST)
        order(town, "ISOLATE", "internet", "isolated")
        client.send(SECOND)
        with begin_connection(town) as attempt:
            await_stuck("the rest of the mail does not come to the relay", client.socket)
            await_true("nor does a new connection", lambda: retransmissions(attempt) >= 1)
            check("the inner server has nothing", not inner.messages)
        order(town, "RELEASE", "internet", "released")
        check("the session goes on and the mail is taken", client.reply().code == 250)
    expect_mails(inner, 1)


def check_inner(town, inner):
    """The zone the mail goes to is isolated in the middle of it; the sender waits for an answer that only the inner server can give."""
    with town.client() as client:
        client.greet()
        client.begin_data()
        client.send(FIRST)
        order(town, "ISOLATE", "lgwan", "isolated")
        client.send(SECOND)
        await_true("the relay has the whole mail", lambda: len(town.originals()) == 2)
        await_true("what it sends is sent again and again", lambda: is_stuck(town))
        check("the inner server has no more than before", len(inner.messages) == 1)
        order(town, "RELEASE", "lgwan", "released")
        check("the delivery goes on and the mail is taken", client.reply().code == 250)
    expect_mails(inner, 2)


def check_isolated_before(town, inner):
    """A mail that comes meanwhile is put off: the sender keeps it and comes again."""
    order(town, "ISOLATE", "lgwan", "isolated")
    with town.client() as client:
        client.greet()
        client.say("MAIL FROM:<hito@soto.example>", 250)
        reply = client.say("RCPT TO:<soumu@town.unno.lg.jp>")
        check("a mail that comes meanwhile is put off", reply.code // 100 == 4, reply)
    order(town, "RELEASE", "lgwan", "released")
    with town.client() as client:
        client.greet()
        check("and taken when it comes again", client.send_mail("hito@soto.example", ["soumu@town.unno.lg.jp"], FIRST).code == 250)
    expect_mails(inner, 3)


def expect_mails(inner, count):
    check(f"{count} mails came, each once and whole", len(inner.messages) == count, inner.messages)


def main():
    skip_unless_mail_is_possible("ss")
    with MailTown() as town, ScriptedInner(town) as inner:
        town.start_daemon()
        town.start_relay()
        check_outer(town, inner)
        check_inner(town, inner)
        check_isolated_before(town, inner)


if __name__ == "__main__":
    main()
