"""The relay part of `make bench`: mails per second through the gateway, side by side with what else could stand there; and the relay's memory.

    Postfix		forwards, nothing is looked into
    sekisho-relay	a new message from the text of each
    MIMEDefang		Postfix with a milter that drops everything but text
    amavisd		Postfix with amavisd as its before-queue filter, without virus and spam checks

Each arm stands at the gateway and is given the same mails by smtp-source; behind each is the same Postfix in the LGWAN zone and behind that the
same smtp-sink, where they are counted. The arms take turns; figures are medians, and the ratios say more. No arm has packet filter rules around
it. An arm whose programs are not installed (tests/deps/packages, purpose bench-relay) is left out.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

import mail_shapes
from mail_town import DOMAIN, MAILBOX, SENDER_ADDRESS, MailTown, family, skip_unless_mail_is_possible
from postfix import SERVICES, Postfix
from town import await_true

ROUNDS = 5
KIB, MIB = 1024, 1024 * 1024
# what: (bytes, mails of one measurement, sessions at the same time)
SIZES = {"4 KiB": (4 * KIB, 300, 10), "100 KiB": (100 * KIB, 200, 10), "10 MiB": (10 * MIB, 12, 4)}
SLOW = 5  # of the slow arms a fifth as many mails is measured
SINK_PORT = 2500
FORWARDING = {"mynetworks": "10.0.0.0/8, 127.0.0.0/8", "relay_domains": DOMAIN, "default_process_limit": "100"}
BESIDE = dict(FORWARDING, myhostname="gateway.bench.example", relayhost="[10.2.0.25]:25")

MIMEDEFANG_FILTER = """
sub is_text { my ($type) = @_; return $type =~ m{^text/(plain|html)$}i; }
sub filter_begin { }
sub filter { my ($entity, $name, $extension, $type) = @_; return is_text($type) ? action_accept() : action_drop(); }
sub filter_multipart { my ($entity, $name, $extension, $type) = @_; return action_accept(); }
sub filter_end { }
1;
"""

AMAVIS_CONFIG = """
use strict;
$daemon_user = $daemon_group = 'amavis';
$MYHOME = $TEMPBASE = '{directory}';
$db_home = $lock_file = $pid_file = undef;
$enable_db = 0;
$myhostname = 'gateway.bench.example';
$mydomain = 'bench.example';
@local_domains_maps = (['.']);
$max_servers = 4;
$inet_socket_port = 10024;
$inet_socket_bind = '127.0.0.1';
$forward_method = $notify_method = 'smtp:[127.0.0.1]:10025';
@bypass_virus_checks_maps = @bypass_spam_checks_maps = @bypass_header_checks_maps = (1);
$final_banned_destiny = D_PASS;
$log_level = 0;
1;
"""


# ---- mails

def make_mail(size):
    """Up to some KiB a text in ISO-2022-JP, above that HTML and its text with an attachment that fills the rest."""
    chance = random.Random(size)
    sentence = mail_shapes.sentence_of(size)
    message = mail_shapes.japanese_text(mail_shapes.prose(chance, sentence, 50), "ISO-2022-JP") if size < 8 * KIB else \
        mail_shapes.with_parts(chance, "mixed", mail_shapes.html(chance, sentence), mail_shapes.attachment(chance, "資料.pdf", size * 70 // 100))
    for name, value in (("From", SENDER_ADDRESS), ("To", MAILBOX), ("Subject", "bench"), ("Message-ID", f"<{size}@bench.example>"),
                        ("Date", "Mon, 06 Apr 2026 09:30:00 +0900")):
        message[name] = value
    content = message.as_bytes(policy=mail_shapes.POLICY)
    return content + b"\r\n" * ((size - len(content)) // 2) if size < 8 * KIB else content


class Sink:
    """smtp-sink behind the inner Postfix, and how many mails it has."""

    def __init__(self, town):
        command = ["smtp-sink", "-c", "-u", "nobody", f"127.0.0.1:{SINK_PORT}", "1000"]
        self.process = subprocess.Popen(town.at("mail-naka", command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.count, self.changed = 0, threading.Condition()
        threading.Thread(target=self._follow, daemon=True).start()
        await_true("the sink listens", lambda: f":{SINK_PORT:04X} " in town.run("mail-naka", ["cat", "/proc/net/tcp"]).stdout)

    def _follow(self):
        text = b""
        while piece := os.read(self.process.stdout.fileno(), 65536):
            text = (text + piece)[-200:]
            numbers = re.findall(rb"mesg=(\d+)\D", text)
            with self.changed:
                self.count = max(self.count, int(numbers[-1]) if numbers else 0)
                self.changed.notify()

    def await_count(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: self.count >= count, 300), f"{self.count} of {count} mails came to the sink"

    def end(self):
        self.process.kill()
        self.process.wait()


# ---- arms

@contextlib.contextmanager
def plain_arm(town):
    with Postfix(town, "gateway", BESIDE, services=listening(2525), port=2525):
        yield 2525


@contextlib.contextmanager
def relay_arm(town):
    town.start_relay()
    yield 25


@contextlib.contextmanager
def mimedefang_arm(town):
    with scratch("defang") as directory, contextlib.ExitStack() as running:
        worker = write_mimedefang_worker(directory)
        multiplexor = os.path.join(directory, "multiplexor")
        workers = ["mimedefang-multiplexor", "-D", "-U", "defang", "-m", "4", "-x", "12", "-q", "64", "-z", directory, "-s", multiplexor, "-f", worker]
        running.enter_context(started(town, workers))
        await_true("the multiplexor listens", lambda: os.path.exists(multiplexor))
        running.enter_context(started(town, ["mimedefang", "-D", "-U", "defang", "-z", directory, "-m", multiplexor, "-p", "inet:8100@127.0.0.1"]))
        await_true("the milter listens", lambda: is_listening(town, 8100))
        milter = dict(BESIDE, smtpd_milters="inet:127.0.0.1:8100", milter_default_action="tempfail", milter_protocol="6")
        running.enter_context(Postfix(town, "gateway", milter, services=listening(2526), port=2526))
        yield 2526


def write_mimedefang_worker(directory):
    """The filter, and the program that runs MIMEDefang's own with it; its path."""
    rules, worker = os.path.join(directory, "filter"), os.path.join(directory, "worker")
    for path, text in ((rules, MIMEDEFANG_FILTER), (worker, f'#!/bin/sh\nexec mimedefang.pl -f {rules} "$@"\n')):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    os.chmod(worker, 0o755)
    return worker


@contextlib.contextmanager
def amavis_arm(town):
    with scratch("amavis") as directory, contextlib.ExitStack() as running:
        config = os.path.join(town.directory, "amavisd.conf")  # it wants one that it cannot write
        with open(config, "w", encoding="ascii") as file:
            file.write(AMAVIS_CONFIG.replace("{directory}", directory))
        running.enter_context(started(town, ["amavisd", "-c", config, "foreground"]))
        await_true("amavisd listens", lambda: is_listening(town, 10024))
        services = listening(2527, "-o smtpd_proxy_filter=127.0.0.1:10024 -o smtpd_proxy_options=speed_adjust") + \
            "127.0.0.1:10025 inet n - n - - smtpd\n"
        running.enter_context(Postfix(town, "gateway", BESIDE, services=services, port=2527))
        yield 2527


# name: (arm, the program without which it is left out, is it slow)
ARMS = {"Postfix": (plain_arm, None, False), "sekisho-relay": (relay_arm, None, False),
        "MIMEDefang": (mimedefang_arm, "mimedefang", True), "amavisd": (amavis_arm, "amavisd", True)}


def listening(port, options=""):
    """The services of a Postfix that listens at a port of the gateway."""
    return SERVICES.replace("smtp      inet  n - n - - smtpd", f"10.3.0.1:{port} inet n - n - - smtpd {options}")


@contextlib.contextmanager
def scratch(user):
    """A directory of a user of the machine."""
    directory = tempfile.mkdtemp(prefix=f"sekisho-bench-{user}-", dir="/tmp")
    try:
        os.chmod(directory, 0o750)
        shutil.chown(directory, user, user)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def started(town, command):
    """A program at the gateway that ends with the block, with all it has made."""
    process = subprocess.Popen(town.at("gateway", command), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_listening(town, port):
    return f":{port:04X} 00000000:0000 0A" in town.run("gateway", ["cat", "/proc/net/tcp"]).stdout


# ---- measuring

def send(town, port, path, count, sessions):
    town.run("mail-soto", ["smtp-source", "-s", str(sessions), "-m", str(count), "-F", path, "-f", SENDER_ADDRESS, "-t", MAILBOX, f"10.3.0.1:{port}"])


def measure(town, sink, port, path, count, sessions):
    """Mails per second from the first to the last in the sink."""
    before, started_at = sink.count, time.monotonic()
    send(town, port, path, count, sessions)
    sink.await_count(before + count)
    return count / (time.monotonic() - started_at)


def measure_size(town, sink, ports, path, count, sessions):
    """The rates of each arm, one of each round."""
    rates = {name: [] for name in ports}
    for port in ports.values():
        measure(town, sink, port, path, sessions, sessions)  # so that processes that are kept have been made
    for _ in range(ROUNDS):
        for name, port in ports.items():
            rates[name].append(measure(town, sink, port, path, max(count // (SLOW if ARMS[name][2] else 1), sessions), sessions))
    return rates


def speed_rows(what, rates):
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return [[what, name, f"{median:.1f}", f"{min(rates[name]):.1f}-{max(rates[name]):.1f}", f"{median / medians['Postfix']:.2f}"]
            for name, median in medians.items()]


def bench_speed(town, sink, ports, directory, print_table):
    rows = []
    for what, (size, count, sessions) in SIZES.items():
        rows += speed_rows(what, measure_size(town, sink, ports, write_mail(directory, size), count, sessions))
    print_table(f"mails per second, counted behind the inner server (medians of {ROUNDS}, interleaved)",
                ["", "arm", "median", "range", "/ Postfix"], rows)


def write_mail(directory, size):
    """As smtp-source wants it: lines that end with LF."""
    path = os.path.join(directory, str(size))
    with open(path, "wb") as file:
        file.write(make_mail(size).replace(b"\r\n", b"\n"))
    os.chmod(path, 0o644)
    return path


class Memory(threading.Thread):
    """The most that all processes of the relay had together, each page divided by those who share it (PSS)."""

    def __init__(self, town):
        super().__init__(daemon=True)
        self.town, self.peak_kib, self.over = town, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.01):
            self.peak_kib = max(self.peak_kib, sum(pss_kib(pid) for pid, _ in family(self.town.relay.pid)))

    def stop(self):
        self.over.set()
        self.join()
        return self.peak_kib / KIB


def pss_kib(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def bench_memory(town, sink, port, directory, print_table):
    rows = [["at rest", f"{sum(pss_kib(pid) for pid, _ in family(town.relay.pid)) / KIB:.1f}"]]
    for what, size in (("four mails of 1 MiB at a time", MIB), ("four of 10 MiB", 10 * MIB), ("four of 29 MiB", 29 * MIB)):
        memory = Memory(town)
        memory.start()
        measure(town, sink, port, write_mail(directory, size), 12, 4)
        rows.append([what, f"{memory.stop():.1f}"])
    print_table("memory of all processes of the relay together, the most at any time, MiB (PSS)", ["", "MiB"], rows)


def bench_relay(print_table):
    """Measures, and prints with the function that is given."""
    skip_unless_mail_is_possible("smtp-source", "smtp-sink")
    with MailTown() as town, tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as running:
        os.chmod(directory, 0o755)
        inner = dict(FORWARDING, myhostname="mail-naka.bench.example", relayhost=f"[127.0.0.1]:{SINK_PORT}")
        running.enter_context(Postfix(town, "mail-naka", inner))
        sink = Sink(town)
        running.callback(sink.end)
        ports = {name: running.enter_context(arm(town)) for name, (arm, program, _) in ARMS.items() if program is None or shutil.which(program)}
        bench_speed(town, sink, ports, directory, print_table)
        bench_memory(town, sink, ports["sekisho-relay"], directory, print_table)
