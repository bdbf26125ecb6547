"""Mail of the demonstration: a mail server inside that shows what arrived, and mails as Japanese mailers write them."""

import email
import email.policy
import smtplib
import socket
import threading
from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from town import inside

MAILBOX = "soumu@town.unno.lg.jp"
SENDER = "jigyou@kensetsu.example.jp"


class MailServer:
    """Speaks as much SMTP as it takes to be the inner server; every mailbox but "dareka" exists."""

    def __init__(self, town, place):
        self.arrived, self.changed = [], threading.Condition()
        with inside(town.namespace(place)):
            self.listener = socket.create_server(("", 25))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 mail-naka ESMTP\r\n")
            for line in lines:
                verb = line[:4].upper()
                if verb == b"DATA":
                    connection.sendall(b"354 go on\r\n")
                    self.take(b"".join(iter(lines.readline, b".\r\n")))
                connection.sendall({b"EHLO": b"250-mail-naka\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n", b"QUIT": b"221 2.0.0 bye\r\n"}
                                   .get(verb, b"550 5.1.1 nobody\r\n" if b"dareka" in line else b"250 2.0.0 ok\r\n"))
                if verb == b"QUIT":
                    return

    def take(self, content):
        with self.changed:
            self.arrived.append(email.message_from_bytes(content, policy=email.policy.default))
            self.changed.notify_all()

    def await_mail(self, count, seconds):
        """The mail with this number, from 1; None if it does not come."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.arrived) >= count, seconds)
            return self.arrived[count - 1] if len(self.arrived) >= count else None


def send(town, place, server, message, recipient=MAILBOX):
    """Sends a mail from a machine by SMTP. The last answer: (code, words)."""
    with inside(town.namespace(place)):
        with smtplib.SMTP(server, 25, local_hostname="mail-soto.soto.example", timeout=30) as client:
            client.ehlo()
            client.mail(SENDER)
            code, words = client.rcpt(recipient)
            if code == 250:
                code, words = client.data(message.as_bytes())
    return code, words.decode("ascii", "replace")


def head(message, subject, charset):
    message["From"] = f"{Header('建設太郎', charset).encode()} <{SENDER}>"
    message["To"] = MAILBOX
    message["Subject"] = Header(subject, charset)
    message["Date"] = "Fri, 27 Nov 2026 17:36:47 +0900"
    message["Message-ID"] = "<20261127173647.1@kensetsu.example.jp>"
    return message


def meeting():
    """ISO-2022-JP, with half-width kana as they really occur, and a file whose name says one thing more than people see."""
    message = head(MIMEMultipart(), "工事説明会の資料", "iso-2022-jp")
    text = "海野町 御中\n\n㈱建設の建設太郎です。説明会の資料を送ります。\nよろしくお願いします。\n"
    message.attach(MIMEText(text.replace("㈱", "(株)"), "plain", "iso-2022-jp"))
    file = MIMEApplication(b"%PDF-1.4\n%demo\n", "pdf")
    file.add_header("Content-Disposition", "attachment", filename=("utf-8", "", "説明会資料.pdf"))
    message.attach(file)
    program = MIMEApplication(b"MZ\x90\x00demo", "octet-stream")
    program.add_header("Content-Disposition", "attachment", filename=("utf-8", "", "見積書.pdf .exe"))
    message.attach(program)
    return message


def newsletter():
    """HTML with a link that goes elsewhere than it says, and text that is not to be seen."""
    html = """<html><body><p>海野町の皆さまへ</p>
<p>口座の確認が必要です。<a href="http://evil.example/login">https://bank.example.jp/</a></p>
<div style="display:none">この文は見えないように書かれています。</div>
<table><tr><td>期限</td><td>11月30日</td></tr><tr><td>担当</td><td>総務課</td></tr></table></body></html>"""
    return head(MIMEText(html, "html", "utf-8"), "【重要】口座の確認", "utf-8")
