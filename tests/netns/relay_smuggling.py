#!/usr/bin/python3
"""Mails that mean to be two, or none, or somebody else's: each case by name, against real Postfix on both sides.

Every way to write the end of a message other than CRLF . CRLF is tried straight at the relay and through the sending Postfix: what comes
behind it is content, and exactly one message reaches the inner Postfix, which itself believes many of them. Cases that are a matter of time
(slow senders, deadlines) are unit tests on a virtual clock; what a dying washer does is in relay_faults.py.
"""

import base64
import contextlib
import itertools
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_town import DOMAIN, MAILBOX, SENDER_ADDRESS, MailTown, check, skip_unless_mail_is_possible  # noqa: E402
from postfix import INNER, SENDER, Postfix  # noqa: E402
from town import await_true  # noqa: E402

END = b"\r\n.\r\n"
MESSAGE_MIB = 1  # what the relay takes at most here
LINE_ENDS = {"CRLF": b"\r\n", "LF": b"\n", "CR": b"\r", "CRCRLF": b"\r\r\n", "LFCR": b"\n\r", "CRLF NUL": b"\r\n\0", "NUL CRLF": b"\0\r\n",
             "NUL LF": b"\0\n"}
SMUGGLED = (f"MAIL FROM:<evil@soto.example>\r\nRCPT TO:<{MAILBOX}>\r\nDATA\r\n"
            "Message-ID: <smuggled@soto.example>\r\nSubject: smuggled\r\n\r\nsmuggled").encode()


def false_ends():
    """Names and bytes of everything around a dot that is not the end."""
    for (before, first), (behind, second) in itertools.product(LINE_ENDS.items(), repeat=2):
        if END not in first + b"." + second:
            yield f"{before} . {behind}", first + b"." + second


def mail(message_id, body, *headers):
    lines = [f"Message-ID: <{message_id}>", f"From: {SENDER_ADDRESS}", f"To: {MAILBOX}", *headers]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


class Stage:
    """The town, and what must have arrived in the end."""

    def __init__(self, town, inner):
        self.town, self.inner = town, inner
        self.expected = []

    def client(self):
        return self.town.client()

    def delivered_all(self, message_id):
        """The mails with this id that have arrived."""
        return [mail for mail in self.inner.mailbox.mails() if mail.message_id == f"<{message_id}>"]

    def delivered(self, message_id):
        """The mail with this id, when it has arrived."""
        await_true(f"{message_id} arrives", lambda: self.delivered_all(message_id))
        return self.delivered_all(message_id)[0]

    def expect(self, message_id, times=1):
        self.expected += [f"<{message_id}>"] * times

    def send(self, message_id, body, *headers, sender=SENDER_ADDRESS):
        """One mail that is accepted; returns it as it arrives."""
        with self.client() as client:
            client.greet()
            reply = client.send_mail(sender, [MAILBOX], mail(message_id, body, *headers) + b"\r\n")
        assert reply.code == 250, f"{message_id}: {reply}"
        self.expect(message_id)
        return self.delivered(message_id)


# ---- 1 to 7: what looks like the end and is not

def false_end_at_the_relay(stage):
    for number, (name, false_end) in enumerate(false_ends()):
        with stage.client() as client:
            client.greet()
            client.begin_data()
            client.send(mail(f"raw-{number}@soto.example", b"before") + false_end + SMUGGLED + END)
            assert client.reply().code == 250, name
            client.say("NOOP", 250)
            client.say("QUIT", 221)
            assert client.is_closed(), name
        stage.expect(f"raw-{number}@soto.example")
        text = stage.delivered(f"raw-{number}@soto.example").text()
        assert "before" in text and "MAIL FROM:<evil@" in text.replace("＠", "@"), (name, text)
        print(f"ok: {name} is content at the relay")


def false_end_through_postfix(stage):
    for number, (name, false_end) in enumerate(false_ends()):
        with stage.town.client(server=("127.0.0.1", 25)) as client:
            client.greet()
            client.begin_data()
            client.send(mail(f"postfix-{number}@soto.example", b"before") + false_end + SMUGGLED + END + b"NOOP\r\n")
            assert "queued as" in client.reply().lines[0] and client.reply().lines == ["2.0.0 Ok"], f"{name} is the end for Postfix"
        stage.expect(f"postfix-{number}@soto.example")
        assert "before" in stage.delivered(f"postfix-{number}@soto.example").text(), name
        print(f"ok: {name} through Postfix is one message")


# ---- 8 to 20

def end_of_data_in_two_segments(stage):
    """8: the end of data comes in two segments, cut at each of its places."""
    for cut in range(1, len(END)):
        with stage.client() as client:
            client.greet()
            client.begin_data()
            client.send(mail(f"cut-{cut}@soto.example", b"cut") + END[:cut])
            await_true("the first segment is read", lambda: has_been_read(stage.town, client))
            client.send(END[cut:])
            assert client.reply().code == 250
        stage.expect(f"cut-{cut}@soto.example")


def has_been_read(town, client):
    """Nothing that the client has sent waits at the gateway."""
    address = client.socket.getsockname()
    peer = "".join(f"{int(byte):02X}" for byte in reversed(address[0].split("."))) + f":{address[1]:04X}"
    for line in town.run("gateway", ["cat", "/proc/net/tcp"]).stdout.splitlines()[1:]:
        words = line.split()
        if words[2] == peer:
            return words[4].endswith(":00000000")
    return False


def commands_behind_the_end(stage):
    """9: a second transaction in the same segment as the end of the first."""
    with stage.client() as client:
        client.greet()
        client.begin_data()
        client.send(mail("pipelined-1@soto.example", b"first") + END + f"MAIL FROM:<>\r\nRCPT TO:<{MAILBOX}>\r\nDATA\r\n".encode())
        codes = [client.reply().code for _ in range(4)]
        assert codes == [250, 250, 250, 354], codes
        client.send(mail("pipelined-2@soto.example", b"second") + END)
        assert client.reply().code == 250
    stage.expect("pipelined-1@soto.example")
    stage.expect("pipelined-2@soto.example")


def commands_instead_of_content(stage):
    """9: commands behind DATA before its reply are content up to the end of data."""
    with stage.client() as client:
        client.greet()
        client.begin(SENDER_ADDRESS, [MAILBOX])
        client.send(b"DATA\r\n" + mail("impatient@soto.example", b"\r\nMAIL FROM:<evil@soto.example>") + END + b"NOOP\r\n")
        assert [client.reply().code for _ in range(3)] == [354, 250, 250]
    stage.expect("impatient@soto.example")


def control_characters_in_commands(stage):
    """10: a command is a line that ends with CRLF and holds no other control character."""
    for line in ("EHLO a\nMAIL FROM:<a@b>", "EHLO a\rb", "EHLO a\0b"):
        with stage.client() as client:
            assert client.reply().code == 220
            assert client.say(line).code in (500, 501), line
            client.say("EHLO mail-soto", 250)
    for line in ("MAIL FROM:<a@b>\nRCPT TO:<c@d>", "MAIL FROM:<a\r@b>", "MAIL FROM:<a\0@b>"):
        with stage.client() as client:
            client.greet()
            client.say(line, 501)
            client.say("MAIL FROM:<a@b>", 250)
            client.say(f"RCPT TO:<a\n@{DOMAIN}>", 501)
            client.say(f"RCPT TO:<a@{DOMAIN}>\rDATA", 501)
            client.say(f"RCPT TO:<a\0@{DOMAIN}>", 501)
            assert client.say("DATA").code in (503, 554)


def long_lines(stage):
    """11: a command line is bounded; a line of content may be as long as the message."""
    with stage.client() as client:
        client.greet()
        client.say("NOOP " + "x" * 3000, 500)
        client.say("NOOP", 250)
    body = base64_part("長い行" + "あ" * 200000)
    assert "長い行" in stage.send("long-line@soto.example", body.replace(b"\r\n", b""), *BASE64_TEXT).text()


BASE64_TEXT = ("MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: base64")


def base64_part(text):
    return base64.encodebytes(text.encode()).replace(b"\n", b"\r\n")


def bdat(stage):
    """12: is not offered, so it is no command, and what follows it is none of its octets."""
    with stage.client() as client:
        assert "CHUNKING" not in client.greet().lines
        client.begin(SENDER_ADDRESS, [MAILBOX])
        client.say("BDAT 4 LAST", 502)
        client.say("NOOP", 250)


def size_that_lies(stage):
    """13: what is declared too large is refused at once; what is too large is refused at its end; the connection goes on."""
    with stage.client() as client:
        client.greet()
        client.say(f"MAIL FROM:<a@b> SIZE={MESSAGE_MIB * 1024 * 1024 + 1}", 552)
        client.say("MAIL FROM:<a@b> SIZE=100", 250)
        client.say(f"RCPT TO:<{MAILBOX}>", 250)
        client.say("DATA", 354)
        client.send(mail("too-large@soto.example", (b"x" * 998 + b"\r\n") * (MESSAGE_MIB * 1200)) + END)
        assert client.reply().code == 552
        client.say("NOOP", 250)


def recipients_of_many_fates(stage):
    """15: the class of the inner server's answer reaches the sender at RCPT, in our words."""
    with stage.client() as client:
        client.greet()
        client.say(f"MAIL FROM:<{SENDER_ADDRESS}>", 250)
        client.say(f"RCPT TO:<{MAILBOX}>", 250)
        for recipient, code in ((f"kyohi@{DOMAIN}", 550), (f"ato@{DOMAIN}", 450)):
            reply = client.say(f"RCPT TO:<{recipient}>")
            assert reply.code // 100 == code // 100 and "no such person" not in str(reply) and "not today" not in str(reply), reply
        client.say("DATA", 354)
        client.send(mail("fates@soto.example", b"for one of three") + END)
        assert client.reply().code == 250
    stage.expect("fates@soto.example")
    result = stage.town.swaks("--to", f"kyohi@{DOMAIN}")
    check("swaks is told so as well", result.returncode == 24 and "<** 5" in result.stdout, result.stdout)


def recipients_of_odd_form(stage):
    """17: what two programs may read as two addresses is refused; telephones with dots in odd places are not."""
    with stage.client() as client:
        client.greet()
        client.say(f"MAIL FROM:<{SENDER_ADDRESS}>", 250)
        for path in (f'"a b"@{DOMAIN}', f"@a.example,@b.example:c@{DOMAIN}", "c@[10.2.0.25]", f"a%other.example@{DOMAIN}", f"a!b@{DOMAIN}"):
            reply = client.say(f"RCPT TO:<{path}>")
            assert reply.code == 553, (path, reply)
        reply = client.say(f"RCPT TO:<\u00e3\u0081\u0082@{DOMAIN}>")
        assert reply.code == 553 and reply.lines[0].startswith("5.6.7"), reply
        assert client.say("RCPT TO:<somebody@elsewhere.example>").code in (550, 551, 554)
        client.say(f"RCPT TO:<..dots..@{DOMAIN}>", 250)
        client.say(f'RCPT TO:<"dots."@{DOMAIN}>', 250)


def null_sender(stage):
    """18: a notification keeps its empty sender."""
    report = (b"--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
              b"Reporting-MTA: dns; soto.example\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n")
    arrived = stage.send("report@soto.example", report, "Subject: failed", "MIME-Version: 1.0",
                         "Content-Type: multipart/report; report-type=delivery-status; boundary=b", sender="")
    assert arrived.message["Return-Path"] == "<>", arrived.message["Return-Path"]
    assert "It could not be delivered." in arrived.text()


def many_hops(stage):
    """19: what has gone round too often is refused; relay_loop.py builds a real loop."""
    for count, code in ((50, 250), (51, 554)):
        with stage.client() as client:
            client.greet()
            received = [f"Received: from a by b; Mon, 06 Apr 2026 09:30:{i % 60:02d} +0900" for i in range(count)]
            reply = client.send_mail(SENDER_ADDRESS, [MAILBOX], mail(f"hops-{count}@soto.example", b"round\r\n", *received))
            assert reply.code == code and (code == 250 or reply.lines[0].startswith("5.4.6")), reply
    stage.expect("hops-50@soto.example")


def raw_characters_in_headers(stage):
    """20: characters in headers without SMTPUTF8 are decoded, never copied."""
    for charset in ("utf-8", "shift_jis", "iso-2022-jp"):
        subject = "会議のお知らせ".encode(charset).decode("utf-8", "surrogateescape")
        arrived = stage.send(f"raw-header-{charset}@soto.example", b"text", f"Subject: {subject}")
        assert arrived.message["Subject"].endswith("会議のお知らせ"), (charset, arrived.message["Subject"])


# ---- 73 to 77

def forged_notice(stage):
    """73: the first line is the relay's own and has the number of the original, which no sender knows beforehand."""
    forged = "[無害化] 安全です。添付ファイルはありませんでした。原本番号: AAAA"
    arrived = stage.send("forged@soto.example", base64_part(forged), *BASE64_TEXT)
    first, _, rest = arrived.text().partition("\n")
    number = arrived.message["X-Sekisho"].partition("id=")[2].partition(";")[0]
    assert number and number in first and forged[:5] not in first.partition(number)[2] and "安全です" in rest, arrived.text()


def text_that_looks_like_more(stage):
    """74: what a decoded text looks like does not matter, since the new body is base64."""
    text = "一\r\n.\r\nMAIL FROM:<evil@soto.example>\r\nFrom evil\r\nBcc: evil\r\n--b\r\nContent-Type: text/html\r\n\r\n二\r\n"
    arrived = stage.send("looks@soto.example", base64_part(text), *BASE64_TEXT)
    lines = [line for line in arrived.text().splitlines() if line in (".", "From evil", "Bcc: evil", "--b", "一", "二")]
    assert lines == ["一", ".", "From evil", "Bcc: evil", "--b", "二"], arrived.text()
    assert arrived.message.get_content_type() == "text/plain" and arrived.message["Bcc"] is None


def the_same_twice(stage):
    """76: the same mail gives the same bytes, but for its number and the time."""
    for _ in range(2):
        stage.send("twice@soto.example", "同じ".encode(), "Subject: =?utf-8?b?5ZCM44GY?=", "Date: Mon, 06 Apr 2026 09:30:00 +0900")
    await_true("both have arrived", lambda: len(stage.delivered_all("twice@soto.example")) == 2)
    same = stage.delivered_all("twice@soto.example")
    assert without_number(same[0]) == without_number(same[1]), [without_number(mail) for mail in same]


def without_number(arrived):
    """All fields the relay wrote but Received, and the text without its first line, in which number and time stand."""
    number = arrived.message["X-Sekisho"].partition("id=")[2].partition(";")[0]
    fields = [(name, value.replace(number, "")) for name, value in arrived.message.items()
              if name not in ("Received", "Return-Path", "Delivered-To", "X-Original-To")]
    return fields, arrived.text().partition("\n")[2].replace(number, "")


def what_was_cleaned_before(stage):
    """77: a mail that came out of a relay goes through another one as it is, but for one more notice."""
    once = lines_of(stage.send("once@soto.example", base64_part("本文です。\r\n"), *BASE64_TEXT))
    again = stage.send("again@soto.example", base64_part("\r\n".join(once)), *BASE64_TEXT)
    begin = lines_of(again).index(once[0])
    assert lines_of(again)[begin:begin + len(once)] == once, (once, lines_of(again))
    assert again.message.get_content_type() == "text/plain"


def lines_of(arrived):
    return arrived.text().rstrip().splitlines()


CASES = (false_end_at_the_relay, false_end_through_postfix, end_of_data_in_two_segments, commands_behind_the_end, commands_instead_of_content,
         control_characters_in_commands, long_lines, bdat, size_that_lies, recipients_of_many_fates, recipients_of_odd_form, null_sender,
         many_hops, raw_characters_in_headers, forged_notice, text_that_looks_like_more, the_same_twice, what_was_cleaned_before)


def play(stage):
    """All cases, then what arrived: what was expected, each as often as expected, and nothing else. A failure does not stop the rest."""
    failures = []
    for case in CASES:
        try:
            case(stage)
            print(f"ok: {case.__name__}", flush=True)
        except Exception as error:  # pylint: disable=broad-except  # each case by its name
            failures.append(case.__name__)
            print(f"FAILED: {case.__name__}: {type(error).__name__} {error}", flush=True)
    await_true("the inner server is at rest", lambda: not stage.inner.queued())
    arrived = sorted(mail.message_id for mail in stage.inner.mailbox.mails())
    check("each mail arrived once, and nothing else", arrived == sorted(stage.expected), set(arrived) ^ set(stage.expected))
    check("every case is as it should be", not failures, failures)


def main():
    skip_unless_mail_is_possible("swaks")
    with MailTown() as town:
        with contextlib.suppress(AssertionError):
            town.edit_config("message_mib = 30", f"message_mib = {MESSAGE_MIB}")
        town.start_daemon()
        town.start_relay()
        with Postfix(town, "mail-naka", INNER) as inner, Postfix(town, "mail-soto", SENDER, listen="127.0.0.1"):
            play(Stage(town, inner))


if __name__ == "__main__":
    main()
