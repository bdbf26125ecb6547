"""An SMTP server in the LGWAN zone that does what a test tells it: for the moments in which a real one cannot be caught.

    with ScriptedInner(town) as inner:
        inner.at_recipient = lambda session, address: "450 4.2.1 not today"

A rule is called with the session and gives the reply, or CLOSE; None is the usual reply. Rules may wait for an event: each connection has a
thread of its own.
"""

import contextlib
import socket
import threading
from dataclasses import dataclass, field

from town import DEADLINE_S, await_true, inside

CLOSE = object()


@dataclass
class Message:
    sender: str
    recipients: list
    content: bytes


@dataclass
class Session:
    """A connection of the relay: what it has said so far."""
    connection: socket.socket
    number: int
    sender: str = None
    recipients: list = field(default_factory=list)


class ScriptedInner:
    def __init__(self, town, place="mail-naka"):
        self.town, self.place = town, place
        self.messages = []		# that got a 250
        self.sessions = []
        self.at_greeting = self.at_sender = self.at_data = lambda session: None
        self.at_recipient = lambda session, address: None
        self.at_end = lambda session, content: None
        self.listener = None

    def __enter__(self):
        with inside(self.town.namespace(self.place)):
            self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("0.0.0.0", 25))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.hang_up()

    def hang_up(self):
        """Ends all connections, as a server that dies."""
        for session in self.sessions:
            with contextlib.suppress(OSError):
                session.connection.shutdown(socket.SHUT_RDWR)

    def await_messages(self, count):
        await_true(f"the inner server has {count} messages", lambda: len(self.messages) >= count)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                session = Session(connection, len(self.sessions))
                self.sessions.append(session)
                threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session):
        session.connection.settimeout(DEADLINE_S)
        with contextlib.suppress(OSError), session.connection, session.connection.makefile("rb") as lines:
            if not self._answer(session, self.at_greeting(session), "220 mail-naka"):
                return
            while (line := lines.readline()) and self._obey(session, line.rstrip(b"\r\n").decode("latin-1"), lines):
                pass

    def _obey(self, session, line, lines):
        """One command; False ends the connection."""
        verb = line[:4].upper()
        if verb == "EHLO":
            return self._answer(session, None, "250-mail-naka\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME")
        if verb == "MAIL":
            session.sender, session.recipients = path_of(line), []
            return self._answer(session, self.at_sender(session), "250 2.1.0 ok")
        if verb == "RCPT":
            return self._take_recipient(session, path_of(line))
        if verb == "DATA":
            return self._take_content(session, lines)
        if verb == "QUIT":
            self._answer(session, None, "221 2.0.0 bye")
            return False
        return self._answer(session, None, "250 2.0.0 ok")

    def _take_recipient(self, session, address):
        reply = self.at_recipient(session, address)
        if reply is None or reply is not CLOSE and reply.startswith("2"):
            session.recipients.append(address)
        return self._answer(session, reply, "250 2.1.5 ok")

    def _take_content(self, session, lines):
        reply = self.at_data(session)
        if not session.recipients and reply is None:
            reply = "554 5.5.1 no valid recipients"
        if not self._answer(session, reply, "354 go on") or reply is not None:
            return reply is not CLOSE
        content = b""
        while (line := lines.readline()) != b".\r\n":
            if not line:
                return False
            content += line.removeprefix(b".")
        reply = self.at_end(session, content)
        if reply is None:
            self.messages.append(Message(session.sender, session.recipients, content))
        return self._answer(session, reply, "250 2.0.0 taken")

    @staticmethod
    def _answer(session, reply, usual):
        if reply is CLOSE:
            return False
        session.connection.sendall((reply or usual).encode() + b"\r\n")
        return True


def path_of(line):
    return line[line.index("<") + 1:line.rindex(">")]
