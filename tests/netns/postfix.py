"""A Postfix at a place of a town, with configuration, queue and log of its own; the machine's own Postfix is not touched.

    with Postfix(town, "mail-naka", INNER) as inner:
        ...
        inner.mailbox.await_count(3)

Its processes are in the network of the place. It can be killed as a power cut would do it, and started again on what is left.
"""

import contextlib
import email
import email.policy
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass

from town import DEADLINE_S, await_true

MASTER = "/usr/lib/postfix/sbin/master"
MAIL_USER = "nobody"  # owns what is delivered

COMMON = {
    "compatibility_level": "3.6",
    "command_directory": "/usr/sbin",
    "daemon_directory": "/usr/lib/postfix/sbin",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "maillog_file_prefixes": "/tmp",
    "inet_protocols": "ipv4",
    "disable_dns_lookups": "yes",
    "smtp_host_lookup": "native",
    "smtpd_peername_lookup": "no",
    "enable_long_queue_ids": "yes",  # never the same twice
    "mydestination": "",
    "message_size_limit": "104857600",
    "mailbox_size_limit": "0",
    "virtual_mailbox_limit": "0",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_error_sleep_time": "0",
    "service_throttle_time": "1s",
    "in_flow_delay": "0",
    "smtputf8_enable": "no",
    "header_size_limit": "1048576",
    # As a Postfix that has not heard of smuggling: what leaks through the relay is taken for what it looks like.
    "smtpd_forbid_bare_newline": "no",
    "cleanup_replace_stray_cr_lf": "no",
    # What is refused for now comes again at once.
    "queue_run_delay": "1s",
    "minimal_backoff_time": "1s",
    "maximal_backoff_time": "1s",
    "default_destination_concurrency_failed_cohort_limit": "1000",
    "default_destination_concurrency_negative_feedback": "0",
    "smtp_connect_timeout": "5s",
    "smtp_connection_cache_on_demand": "no",
    "confirm_delay_cleared": "no",
    "notify_classes": "",
    "fast_flush_domains": "",
}

# The server outside that hands over to the gateway.
SENDER = {
    "myhostname": "mail-soto.town.unno.lg.jp",
    "mynetworks": "127.0.0.0/8, 10.2.0.0/24",
    "relayhost": "[10.3.0.1]:25",
    "relay_domains": "town.unno.lg.jp",
    # Of its own clients it takes bare line ends for content, as it should today, and hands bare CR on as they are.
    "smtpd_forbid_bare_newline": "normalize",
    "smtpd_forbid_bare_newline_exclusions": "",
    "default_process_limit": "20",
}

# The server in the LGWAN zone that has the mailboxes. A recipient who begins with "kyohi" is refused, "ato" put off.
INNER = {
    "myhostname": "mail-naka.town.unno.lg.jp",
    "mynetworks": "10.2.0.1/32",
    "relayhost": "[127.0.0.1]:9",  # nothing leaves
    "virtual_mailbox_domains": "town.unno.lg.jp",
    "virtual_mailbox_maps": "static:all/",
    "smtpd_recipient_restrictions":
        "check_recipient_access regexp:{{/^kyohi/ 550 5.1.1 no such person}, {/^ato/ 450 4.2.1 not today}}, permit_mynetworks, reject",
    "default_process_limit": "20",
}

# type, private, unprivileged, chroot, wakeup, limit, program
SERVICES = """
smtp      inet  n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 1 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass
class Delivered:
    """A file of the mailbox: who it was for, the name the server gave the message, and the message."""
    recipient: str
    queue_id: str
    message: email.message.EmailMessage

    @property
    def message_id(self):
        return self.message["Message-ID"]

    def text(self):
        return self.message.get_content()


class Mailbox:
    """Where the inner server puts the mail of all recipients: a Maildir, a file for each message and recipient."""

    QUEUE_ID = re.compile(r"by mail-naka\S* \(Postfix\) with \w+ id (\w+)")

    def __init__(self, directory):
        self.directory = directory
        self.read = []
        self.message_ids = set()	# of what was read

    def await_count(self, count):
        """Waits until so many have arrived; returns all."""
        await_true(f"{count} mails are delivered", lambda: len(self.mails()) >= count)
        return self.mails()

    def mails(self):
        """Everything that has arrived, in order. What is read leaves the directory of what is new, so that looking again costs little."""
        new, seen = (os.path.join(self.directory, "all", name) for name in ("new", "cur"))
        for name in sorted(os.listdir(new)) if os.path.isdir(new) else []:
            self.read.append(self._read(os.path.join(new, name)))
            self.message_ids.add(self.read[-1].message_id)
            os.rename(os.path.join(new, name), os.path.join(seen, name))
        return self.read

    def _read(self, path):
        with open(path, "rb") as file:
            message = email.message_from_binary_file(file, policy=email.policy.default)
        return Delivered(message["Delivered-To"], self.QUEUE_ID.search(" ".join(message.get_all("Received"))).group(1), message)


class Postfix:
    def __init__(self, town, place, settings, services=SERVICES, listen=None, port=25):
        """settings: of main.cf, beside COMMON. listen: the addresses it listens at; its own and loopback if None. port: where services say
        that smtpd listens."""
        self.town, self.place = town, place
        self.directory = tempfile.mkdtemp(prefix=f"sekisho-postfix-{place}-", dir="/tmp")
        self.config, self.queue = os.path.join(self.directory, "etc"), os.path.join(self.directory, "spool")
        self.log = os.path.join(self.directory, "maillog")
        self.mailbox = Mailbox(os.path.join(self.directory, "mail"))
        self.services, self.port = services, port
        self.settings = dict(COMMON, config_directory=self.config, queue_directory=self.queue,
                             data_directory=os.path.join(self.directory, "data"), maillog_file=self.log,
                             virtual_mailbox_base=self.mailbox.directory, inet_interfaces=listen or "all", **settings_of(settings))
        self.master = None

    def __enter__(self):
        try:
            self._make_directories()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _make_directories(self):
        os.chmod(self.directory, 0o755)
        for name in (self.config, self.queue):
            os.mkdir(name, 0o755)
        for name, owner in ((self.settings["data_directory"], "postfix"), (self.mailbox.directory, MAIL_USER)):
            os.mkdir(name, 0o755)
            shutil.chown(name, owner)
        with open(os.path.join(self.config, "master.cf"), "w", encoding="ascii") as file:
            file.write(self.services)
        self.write_settings()
        subprocess.run(["postfix", "-c", self.config, "check"], check=True, capture_output=True)

    def write_settings(self, **changes):
        """Writes main.cf; a running server follows when it is told to reload, or after the next start."""
        self.settings.update(changes)
        with open(os.path.join(self.config, "main.cf"), "w", encoding="ascii") as file:
            file.writelines(f"{key} = {value}\n" for key, value in self.settings.items())

    def start(self):
        """Starts it, and waits until it listens."""
        self.master = subprocess.Popen(self.town.at(self.place, [MASTER, "-c", self.config, "-d"]), start_new_session=True)
        await_true(f"the Postfix at {self.place} listens", self._listens)

    def _listens(self):
        if self.master.poll() is not None:
            raise AssertionError(f"Postfix at {self.place} ended with status {self.master.returncode}:\n{self.log_text()}")
        return f":{self.port:04X} " in self.town.run(self.place, ["cat", "/proc/net/tcp"]).stdout

    def processes(self, program=None):
        """Process ids of a program of it (smtpd, qmgr, ...), or of all, master first."""
        found = []
        for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as status:
                name, rest = status.read().partition("(")[2].rsplit(")", 1)
                if int(rest.split()[3]) == self.master.pid and program in (None, name):
                    found.append(pid)
        return sorted(found)

    def kill(self):
        """Everything at once, as when the power fails; what the disk has stays."""
        if self.master is None:
            return
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.master.wait(DEADLINE_S)
        await_true("all processes of a Postfix are gone", lambda: not self.processes())
        self.master = None

    def reload(self, **changes):
        """Other settings, for sessions that begin from now on."""
        self.write_settings(**changes)
        subprocess.run(["postfix", "-c", self.config, "reload"], check=True, capture_output=True)

    def queued(self):
        """The files of messages that were taken and are not delivered yet. One that was not whole when its writer was killed is not executable,
        and is removed by Postfix after some hours."""
        return [path for queue in ("incoming", "active", "deferred") for directory, _, names in os.walk(os.path.join(self.queue, queue))
                for path in (os.path.join(directory, name) for name in names) if is_executable(path)]

    def log_text(self):
        with contextlib.suppress(FileNotFoundError), open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()
        return ""


def is_executable(path):
    with contextlib.suppress(FileNotFoundError):
        return os.stat(path).st_mode & stat.S_IXUSR != 0
    return False


def settings_of(settings):
    """The settings with the users of this machine."""
    user = pwd.getpwnam(MAIL_USER)
    return dict(settings, virtual_uid_maps=f"static:{user.pw_uid}", virtual_gid_maps=f"static:{user.pw_gid}")
