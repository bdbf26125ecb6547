#!/usr/bin/python3
"""What fails beside a mail, one thing at a time: what its sender is told, what arrives, what is kept.

A killed washer costs nothing. A killed courier, keeper or front breaks the sessions that are open and nothing that was answered; the role is
back by itself. An inner server that is away, refuses or breaks off, a full disk, a sender that did not hear the 250, a changed file.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from mail_town import DOMAIN, MAILBOX, SENDER_ADDRESS, Closed, MailTown, check, skip_unless_mail_is_possible  # noqa: E402
from scripted_inner import CLOSE, ScriptedInner  # noqa: E402
from town import DEADLINE_S, await_true  # noqa: E402

OTHER = f"kikaku@{DOMAIN}"
SESSIONS_PER_CLIENT = 32  # when the file says nothing else
LONG_TEXT = b"text text text\r\n" * 12500  # its letter is more than a pipe holds


def mail(message_id, body=b"text\r\n"):
    return f"Message-ID: <{message_id}@soto.example>\r\nFrom: {SENDER_ADDRESS}\r\n\r\n".encode() + body


def send(town, message_id, recipients=(MAILBOX,), body=b"text\r\n"):
    """The reply to a whole mail."""
    with town.client() as client:
        client.greet()
        return client.send_mail(SENDER_ADDRESS, recipients, mail(message_id, body))


def code_of(function):
    """The code of a reply, or 421 for a connection that was closed: the sender keeps the mail either way."""
    try:
        return function().code
    except (Closed, ConnectionError):
        return 421


def await_service(town, inner):
    """The relay takes mail again: how many were delivered until then is of no interest."""
    await_true("a mail crosses again", lambda: code_of(lambda: send(town, "service")) == 250)
    inner.messages.clear()


# ---- processes that die

def washer_killed(town, inner):
    """In the middle of its work, while nobody reads its letter."""
    with town.client() as client:
        client.greet()
        client.begin_data()
        with town.stopped("courier"):
            client.send(mail("washed-again", LONG_TEXT) + b".\r\n")
            os.kill(town.await_role("washing"), signal.SIGKILL)
        reply = client.reply()
    check("a mail whose washer was killed is washed again", reply.code == 250 and len(inner.messages) == 1, reply)


def washer_killed_twice(town, inner):
    with town.inside_role("kill-children", town.await_role("washer"), 2) as tool:
        reply = send(town, "stub")
        check("both washers were killed", tool.stdout.read().count("killed one") == 2)
    check("a mail that lost two washers is delivered", reply.code == 250 and len(inner.messages) == 1, reply)
    content = inner.messages[0].content
    check("as a notice, from the relay to the recipient", b"\r\nAuto-Submitted:" in content and b"stub@soto.example" not in content, content)
    check("of the envelope's sender", inner.messages[0].sender == SENDER_ADDRESS and inner.messages[0].recipients == [MAILBOX])
    check("whose original is kept", any(original_id.encode() in content for original_id in town.originals()), content)


def zygote_killed(town, inner):
    before = town.await_role("washer")
    os.kill(before, signal.SIGKILL)
    town.await_role("washer", other_than=[before])
    check("washers are made again", send(town, "new-zygote").code == 250)


def killed_in_session(role):
    """A role dies while one session has a mail that was answered and another one half sent."""
    def case(town, inner):
        with town.client() as done, town.client() as half:
            done.greet()
            check("one is answered", done.send_mail(SENDER_ADDRESS, [MAILBOX], mail("answered")).code == 250)
            half.greet()
            half.begin_data()
            half.send(mail("half"))
            before = town.roles()[role]
            os.kill(before[0], signal.SIGKILL)
            town.await_role(role, other_than=before)
            code = code_of(lambda: finish(half))
        check(f"after the death of the {role} the open mail is the sender's still", code // 100 == 4, code)
        check("and was not delivered", [b"<answered@" in message.content for message in inner.messages] == [True])
        await_service(town, inner)
        check("nothing half received is left", not town.half_received(), town.half_received())
    case.__name__ = f"{role}_killed"
    return case


def finish(client):
    client.send(b".\r\n")
    return client.reply()


def session_killed(town, inner):
    with town.client() as client:
        client.greet()
        client.begin_data()
        session = town.await_role("session")
        with town.client() as other:
            other.greet()
            client.send(mail("half"))
            os.kill(session, signal.SIGKILL)
            check("a killed session closes its connection", client.is_closed())
            check("another one goes on", other.send_mail(SENDER_ADDRESS, [MAILBOX], mail("beside")).code == 250)
    await_true("nothing half received is left", lambda: not town.half_received())
    check("nothing of it was delivered", len(inner.messages) == 1)


def front_killed(town, inner):
    """Who listens is another process than who speaks."""
    before = town.await_role("front")
    os.kill(before, signal.SIGKILL)
    town.await_role("front", other_than=[before])
    await_service(town, inner)


def front_killed_in_birth(town, inner):
    """While the process of a connection still has everything of the front, the socket that listens among it."""
    before = town.await_role("front")
    with town.inside_role("hold-child", before) as tool, town.client() as client:
        check("a process of a connection is held", tool.stdout.readline() == "holds one\n")
        del client
        os.kill(before, signal.SIGKILL)
        await_true("the new front cannot listen", lambda: "SKS-LISTEN" in town.relay_log_text())
    await_service(town, inner)


# ---- the inner server

def inner_away(town, inner):
    inner.__exit__()
    with town.client() as client:
        client.greet()
        client.say(f"MAIL FROM:<{SENDER_ADDRESS}>", 250)
        check("without an inner server the recipient is put off", client.say(f"RCPT TO:<{MAILBOX}>").code in (450, 451))
    inner.__enter__()
    check("with it, it is taken", send(town, "inner-back").code == 250)


def next_hops_in_order(town, inner):
    """The first one does not answer, the second one is where the mail is taken."""
    town.edit_config('next_hops   = [ "mail-naka" ]', 'next_hops   = [ "juki-cs", "mail-naka" ]')
    check("the kernel lets the courier reach both", town.apply(reason="two next hops")["result"] == "committed")
    check("the relay has the file", town.reload_relay().returncode == 0)
    check("a mail reaches the second one", send(town, "second-hop").code == 250 and len(inner.messages) == 1)
    with ScriptedInner(town, "juki-cs") as first:
        check("and the first one when it is back", send(town, "first-hop").code == 250)
        check("alone", [len(server.messages) for server in (first, inner)] == [1, 1], (first.messages, inner.messages))
    town.edit_config('next_hops   = [ "juki-cs", "mail-naka" ]', 'next_hops   = [ "mail-naka" ]')
    check("one is taken back", town.apply(reason="one next hop")["result"] == "committed" and town.reload_relay().returncode == 0)


def inner_refuses_recipient(town, inner):
    replies = {f"kyohi@{DOMAIN}": "550 5.1.1 secret words", f"ato@{DOMAIN}": "450 4.2.1 secret words"}
    inner.at_recipient = lambda session, address: replies.get(address)
    with town.client() as client:
        client.greet()
        client.say(f"MAIL FROM:<{SENDER_ADDRESS}>", 250)
        for name, kind in (("kyohi", 5), ("ato", 4), ("soumu", 2)):
            reply = client.say(f"RCPT TO:<{name}@{DOMAIN}>")
            check(f"{name} has the class of the inner answer, in our words", reply.code // 100 == kind and "secret" not in str(reply), reply)
        client.say("DATA", 354)
        client.send(mail("some-refused"))
        check("the mail is for the others", finish(client).code == 250 and inner.messages[0].recipients == [MAILBOX])


def inner_hangs_up(town, inner):
    """While the sender sends: the envelope is said again on a new connection."""
    with town.client() as client:
        client.greet()
        client.begin_data(recipients=(MAILBOX, OTHER))
        sessions = len(inner.sessions)
        inner.hang_up()
        client.send(mail("replayed"))
        check("the mail is delivered by another connection", finish(client).code == 250 and len(inner.sessions) == sessions + 1)
    check("once, to all", [message.recipients for message in inner.messages] == [[MAILBOX, OTHER]], inner.messages)


def inner_changes_its_mind(town, inner):
    with town.client() as client:
        client.greet()
        client.begin_data(recipients=(MAILBOX, OTHER))
        inner.hang_up()
        inner.at_recipient = lambda session, address: "550 5.1.1 no longer" if address == OTHER else None
        client.send(mail("changed"))
        check("an accepted recipient that is refused puts off the mail for all", finish(client).code == 451)
    check("nobody has it", not inner.messages and not town.originals_of(b"<changed@"), inner.messages)


def inner_dies_behind_the_dot(town, inner):
    """Whether it was taken is not known: the sender keeps it, and so do we."""
    inner.at_end = lambda session, content: CLOSE
    check("without an answer to the dot the sender keeps the mail", send(town, "doubt").code == 451)
    check("its original is kept", len(town.originals_of(b"<doubt@")) == 1)
    inner.at_end = lambda session, content: None
    check("it is delivered when it comes again", send(town, "doubt").code == 250 and len(inner.messages) == 1)


def inner_puts_content_off(town, inner):
    """A server whose queue breaks off may have the mail although it says 451: the original stays, once for all attempts."""
    inner.at_end = lambda session, content: "451 4.3.0 secret words"
    for _ in range(3):
        reply = send(town, "put-off")
        check("a content that is put off is put off, in our words", reply.code // 100 == 4 and "secret" not in str(reply), reply)
    inner.at_end = lambda session, content: None
    check("it is delivered when it comes again", send(town, "put-off").code == 250 and len(inner.messages) == 1)
    kept = town.originals_of(b"<put-off@")
    check("an original for each attempt", len(kept) == 4, kept)
    check("those that were put off are one file", len({os.stat(path).st_ino for path in kept}) == 2, kept)


def inner_refuses_content(town, inner):
    inner.at_end = lambda session, content: "552 5.3.4 secret words"
    reply = send(town, "content-refused")
    check("a refused content is refused, in our words", reply.code // 100 == 5 and "secret" not in str(reply), reply)
    check("and not kept", not town.originals_of(b"<content-refused@"))


# ---- the sender

def sender_gone_before_250(town, inner):
    """It closes while the inner server thinks; its retry is answered and not delivered again."""
    reached, may_go_on = threading.Event(), threading.Event()

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
    inner.await_messages(1)
    await_true("it is noted that the sender does not know", lambda: town.unanswered())
    check("a retry is answered 250", send(town, "unheard").code == 250)
    check("and not delivered again", len(inner.messages) == 1)
    check("another mail is", send(town, "heard").code == 250 and len(inner.messages) == 2)
    check("and the same mail to somebody else as well", send(town, "unheard", [OTHER]).code == 250 and len(inner.messages) == 3)


def sender_gone_in_content(town, inner):
    with town.client() as client:
        client.greet()
        client.begin_data()
        client.send(mail("broken-off"))
        await_true("it is being received", lambda: town.half_received())
    await_true("what was not whole is removed", lambda: not town.half_received())
    check("and not delivered", not inner.messages)


def sessions_without_end(town, inner):
    """One client may have so many connections and no more; the others are told to come later."""
    with contextlib.ExitStack() as many:
        clients = [many.enter_context(town.client()) for _ in range(SESSIONS_PER_CLIENT)]
        for client in clients:
            client.greet()
        with town.client() as one_more:
            reply = one_more.reply()
            check("one more is told to come later", reply.code == 421 and one_more.is_closed(), reply)
        check("those that are there are served", clients[0].send_mail(SENDER_ADDRESS, [MAILBOX], mail("among-many")).code == 250)
    check("with them gone the next one is", len(inner.messages) == 1)
    await_service(town, inner)


# ---- the machine

def full_disk(town, inner):
    """The file system of the originals has less than its reserve."""
    resize(town, "1m")
    with town.client() as client:
        client.greet()
        codes = [client.say(line).code for line in (f"MAIL FROM:<{SENDER_ADDRESS}>", f"RCPT TO:<{MAILBOX}>", "DATA")]
        if codes[-1] == 354:
            client.send(mail("full"))
            codes.append(finish(client).code)
    check("a full disk is said to be so", 452 in codes and not inner.messages, codes)
    resize(town, "512m")
    check("with room again mail is taken", send(town, "room-again").code == 250)


def failing_disk(calls, error):
    """In whichever of the two that write: the mail stays the sender's, or is delivered with its original."""
    def case(town, inner):
        for role in ("session", "keeper"):
            with town.client() as client:
                client.greet()
                client.begin_data()
                client.send(mail(f"disk-{role}"))
                with town.inside_role("fail", town.await_role(role), error, 1, calls):
                    code = code_of(lambda: finish(client))
            kept, got = town.originals_of(f"<disk-{role}@".encode()), [m for m in inner.messages if f"<disk-{role}@".encode() in m.content]
            check(f"{error} of {calls} in the {role}: {code}", (code == 250 and len(kept) == len(got) == 1) or (code in (451, 452, 421) and not got),
                  (code, kept, got))
        await_service(town, inner)
    case.__name__ = f"{error}_of_{calls.partition(',')[0]}"
    return case


def reload(town, inner):
    """A session keeps what it began with; a file with a mistake changes nothing."""
    with town.client() as client:
        client.greet()
        town.edit_config(f'"{DOMAIN}"', f'"{DOMAIN}", "machi.example"')
        result = town.reload_relay()
        check("a good file is taken", result.returncode == 0, result)
        client.say(f"MAIL FROM:<{SENDER_ADDRESS}>", 250)
        check("a session that runs keeps what it began with", client.say("RCPT TO:<a@machi.example>").code // 100 == 5)
        client.say(f"RCPT TO:<{MAILBOX}>", 250)
        client.say("DATA", 354)
        client.send(mail("through-reload"))
        check("and finishes", finish(client).code == 250)
    check("a new one has the new file", send(town, "new-domain", ["a@machi.example"]).code == 250)
    town.edit_config('"machi.example"', '"machi..example"')
    result = town.reload_relay()
    check("a bad file is refused with its line", result.returncode == 1 and "sekisho.conf:" in result.stdout + result.stderr, result)
    check("and the relay goes on with the one before", send(town, "old-domain", ["a@machi.example"]).code == 250)


def resize(town, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", town.originals_dir()], check=True)


class FaultTown(MailTown):
    def __enter__(self):
        super().__enter__()
        os.makedirs(self.originals_dir(), exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m,mode=0755", "tmpfs", self.originals_dir()], check=True)
        return self

    def __exit__(self, *error):
        super().__exit__(*error)
        subprocess.run(["umount", "-l", self.originals_dir()], check=False, stderr=subprocess.DEVNULL)

    def originals_of(self, text):
        """The originals that hold a text."""
        return [path for path in self.originals().values() if text in open(path, "rb").read()]

    def unanswered(self):
        """Notes of mails that were delivered and whose senders do not know."""
        with contextlib.suppress(FileNotFoundError):
            return os.listdir(os.path.join(self.originals_dir(), ".unanswered"))
        return []


CASES = (washer_killed, washer_killed_twice, zygote_killed, killed_in_session("courier"), killed_in_session("keeper"), session_killed,
         front_killed, front_killed_in_birth,
         inner_away, next_hops_in_order, inner_refuses_recipient, inner_hangs_up, inner_changes_its_mind, inner_dies_behind_the_dot,
         inner_puts_content_off, inner_refuses_content,
         sender_gone_before_250, sender_gone_in_content, sessions_without_end,
         full_disk, failing_disk("fsync,fdatasync", "EIO"), failing_disk("rename,renameat,renameat2,linkat", "EIO"),
         failing_disk("write,writev,pwrite64,splice", "ENOSPC"), reload)


def play(town, case):
    """A case with an inner server of its own, and no session but its own. None if it went as it should, or what happened."""
    print(f"---- {case.__name__}", flush=True)
    try:
        with ScriptedInner(town) as inner:
            await_true("the relay serves", lambda: code_of(lambda: send(town, "before")) == 250)
            await_true("the sessions before have ended", lambda: not town.roles()["session"])
            inner.messages.clear()
            case(town, inner)
        return None
    except Exception as error:  # pylint: disable=broad-except  # each case by its name
        return f"FAILED: {case.__name__}: {type(error).__name__} {error}"


def main():
    skip_unless_mail_is_possible()
    wanted = sys.argv[1:]
    with FaultTown() as town:
        town.start_daemon()
        town.start_relay()
        failures = [name for name in (play(town, case) for case in CASES if not wanted or case.__name__ in wanted) if name]
        log = town.relay_log_text()
    if failures:
        print(log[-6000:], *failures, sep="\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
