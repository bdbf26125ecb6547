"""The town of conf/sekisho.conf in network namespaces: a gateway, a switch per zone, and the hosts of the file.

    with Town() as town:
        town.start_daemon()
        town.run("jumin-tanmatsu", ["ping", "-c1", "10.1.0.1"])

Everything lives in namespaces of its own with names of its own, so towns do not meet each other or the machine. Leaving the
block stops the daemon and removes everything; leaving it by an exception prints what the daemon said. Needs root and iproute2; nothing but Python's standard library.
"""

import contextlib
import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SOURCE, "build")
DEADLINE_S = int(os.environ.get("SEKISHO_DEADLINE_S", "60"))  # for anything that is awaited; nothing is expected to take so long
LOG_CHARACTERS_SHOWN = 20000

# zone: (interface of the gateway, its IPv4 and IPv6 address there, the length of its IPv6 prefix)
ZONES = {
    "mynumber": ("mn0", "10.1.0.1", "fd00:0:0:1::1"),
    "lgwan": ("lg0", "10.2.0.1", "fd00:0:0:2::1"),
    "internet": ("in0", "10.3.0.1", "fd00:0:0:3::1"),
    "cloud": ("up0", "192.0.2.2", "2001:db8:ffff::2"),
}

# host: (zone, MAC, IPv4, IPv6 or None)
HOSTS = {
    "jumin-tanmatsu": ("mynumber", "02:00:00:01:00:10", "10.1.0.10", "fd00:0:0:1::10"),
    "zei-tanmatsu": ("mynumber", "02:00:00:01:00:11", "10.1.0.11", "fd00:0:0:1::11"),
    "juki-cs": ("lgwan", "02:00:00:02:00:20", "10.2.0.20", "fd00:0:0:2::20"),
    "kanri-tanmatsu": ("lgwan", "02:00:00:02:00:05", "10.2.0.5", "fd00:0:0:2::5"),
    "shokuin-pc": ("lgwan", "02:00:00:02:00:10", "10.2.0.10", "fd00:0:0:2::10"),
    "mail-naka": ("lgwan", "02:00:00:02:00:25", "10.2.0.25", None),
    "jikoku-sv": ("lgwan", "02:00:00:02:00:7b", "10.2.0.123", None),
    "gamen-server": ("internet", "02:00:00:03:00:30", "10.3.0.30", "fd00:0:0:3::30"),
    "mukaika-sv": ("internet", "02:00:00:03:00:40", "10.3.0.40", "fd00:0:0:3::40"),
    "inet-tanmatsu": ("internet", "02:00:00:03:00:10", "10.3.0.10", "fd00:0:0:3::10"),
    "mail-soto": ("internet", "02:00:00:03:00:25", "10.3.0.25", "fd00:0:0:3::25"),
    "cloud-router": ("cloud", "02:00:00:04:00:01", "192.0.2.1", "2001:db8:ffff::1"),
    "cloud-dns": ("cloud", "02:00:00:04:00:35", "192.0.2.53", "2001:db8:ffff::53"),
    "cloud-mx": ("cloud", "02:00:00:04:00:19", "192.0.2.25", "2001:db8:ffff::25"),
}

# The users the installation makes, each with a group of its own; the gateway has them even where sekisho is not installed.
USERS = {"sekisho-keeper": 64001, "sekisho-front": 64002, "sekisho-washer": 64003, "sekisho-courier": 64004}
GROUPS = {"sekisho-operator": 64011, "sekisho-auditor": 64012}

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000

# Frames of src/wire/frame.h.
FRAME = struct.Struct("<4sHHI")
VERB_APPLY, VERB_STATUS, VERB_REPORT = 1, 2, 3


def verb_numbers():
    """Name of a verb -> its number, as src/wire/frame.h counts them."""
    with open(os.path.join(SOURCE, "src", "wire", "frame.h"), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
    names = re.search(r"enum verb \{(.*?)\}", text, re.DOTALL)[1]
    return {name: number for number, name in enumerate(re.findall(r"VERB_(\w+)", names))}


def skip_unless_possible(*programs):
    """Ends the test as skipped where it cannot run."""
    if os.geteuid() != 0:
        print("SKIP: needs root")
        sys.exit(77)
    for program in ("ip",) + programs:
        if not shutil.which(program):
            print(f"SKIP: absent: {program}")
            sys.exit(77)


def await_true(what, question, deadline_s=DEADLINE_S):
    """Asks until the answer is true; the deadline makes a failure of what would be a hang."""
    end = time.monotonic() + deadline_s
    while not question():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.02)


def check_call(result):
    """For what is called in the C library."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def inside(namespace):
    """Runs a block in a network namespace; sockets made there stay of it."""
    with open("/proc/thread-self/ns/net", "rb") as before, open(f"/run/netns/{namespace}", "rb") as there:
        check_call(LIBC.setns(there.fileno(), CLONE_NEWNET))
        try:
            yield
        finally:
            check_call(LIBC.setns(before.fileno(), CLONE_NEWNET))


def fiscal_year_begin():
    """The first day of the Japanese fiscal year of today (UTC+9)."""
    today = time.gmtime(time.time() + 9 * 3600)
    return f"{today.tm_year - (today.tm_mon < 4)}-04-01"


def renewed(text):
    """A zone file whose records were approved again this fiscal year: the example outlives its dates."""
    begin = fiscal_year_begin()
    text = re.sub(r'(approved\s*=\s*)"[^"]*"', rf'\1"{begin}"', text)
    return re.sub(r'(expires\s*=\s*)"2[^"]*"', rf'\1"{int(begin[:4]) + 1}-03-31"', text)


class Town:
    def __init__(self, config=None, hosts=None, program=None, owner=True):
        """config: the zone file to copy, conf/sekisho.conf if None. hosts: names of HOSTS to build, all if None. owner: False for tests of what
        happens when somebody changes the tables, as he can on kernels before 6.9."""
        self.name = f"sk{os.getpid()}"
        self.hosts = list(HOSTS if hosts is None else hosts)
        self.before_program = []  # words in front of the daemon's command line
        self.program = program or os.environ.get("SEKISHOD") or os.path.join(SOURCE, "build", "sekishod")
        self.directory = tempfile.mkdtemp(prefix="sekisho-town-")
        self.config = os.path.join(self.directory, "sekisho.conf")
        with open(config or os.path.join(SOURCE, "conf", "sekisho.conf"), encoding="utf-8") as file:
            text = file.read()
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text if config else renewed(text))
        self.options = [] if owner else ["--no-owner"]
        self.run_dir = os.path.join(self.directory, "run")
        self.state_dir = os.path.join(self.directory, "state")
        self.passwd = os.path.join(self.directory, "passwd")
        self.group = os.path.join(self.directory, "group")
        self.log = os.path.join(self.directory, "log")
        self.daemon = None
        self.namespaces = []
        self.notified = {}
        self._notify = None
        self.keeps_descriptors = False  # as a service manager with FileDescriptorStoreMax=1 does
        self.kept = None  # the descriptor

    # ---- building

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, kind=None, *_):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        if kind not in (None, SystemExit) and os.path.exists(self.log):
            print(self.log_tail())
        for name in self.namespaces:
            subprocess.run(["ip", "netns", "del", name], check=False)
        if self._notify:
            self._notify.close()
        self.forget_descriptor()
        shutil.rmtree(self.directory, ignore_errors=True)

    def namespace(self, place):
        """The namespace of a place: "gateway", "switch" or a host."""
        return f"{self.name}-{place}"

    def _build(self):
        self._write_users()
        for place in ["gateway", "switch"] + self.hosts:
            name = self.namespace(place)
            subprocess.run(["ip", "netns", "add", name], check=True)
            self.namespaces.append(name)
            self.ip(place, "link set lo up")
        # Bridged packets pass no hooks in the switch: it is a switch.
        self.write_sysctl("switch", "net/bridge/bridge-nf-call-iptables", 0)
        self.write_sysctl("switch", "net/bridge/bridge-nf-call-ip6tables", 0)
        for zone, (interface, ip4, ip6) in ZONES.items():
            self.ip("switch", f"link add {zone} type bridge")
            self.ip("switch", f"link set {zone} up")
            self.plug("gateway", interface, zone, f"g-{zone}")
            self._address("gateway", interface, ip4, ip6)
        for number, host in enumerate(self.hosts):
            zone, mac, ip4, ip6 = HOSTS[host]
            self.plug(host, "eth0", zone, f"h{number}", mac)
            self._address(host, "eth0", ip4, ip6)
            self.ip(host, f"route add default via {ZONES[zone][1]}")
            if ip6:
                self.ip(host, f"-6 route add default via {ZONES[zone][2]}")
        self.ip("gateway", "route add default via 192.0.2.1")
        self.ip("gateway", "-6 route add default via 2001:db8:ffff::1")

    def _write_users(self):
        """The machine's users and groups, with those of the installation if it has none."""
        for path, source, line in ((self.passwd, "/etc/passwd", "{0}:x:{1}:{1}::/nonexistent:/usr/sbin/nologin\n"),
                                   (self.group, "/etc/group", "{0}:x:{1}:\n")):
            with open(source, encoding="utf-8") as file:
                text = file.read()
            names = USERS if path == self.passwd else {**USERS, **GROUPS}
            text += "".join(line.format(name, number) for name, number in names.items() if f"\n{name}:" not in text)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def make_places(self):
        """The directories of control sockets and state as the installation makes them, for the groups of the gateway; before the daemon starts."""
        os.chmod(self.directory, 0o755)
        places = os.path.join(self.directory, "tmpfiles.conf")
        with open(os.path.join(SOURCE, "systemd", "sekisho.tmpfiles"), encoding="utf-8") as file:
            text = file.read().replace("/run/sekisho", self.run_dir).replace("/var/lib/sekisho", self.state_dir)
        with open(places, "w", encoding="utf-8") as file:
            file.write(text)
        self.run("gateway", ["systemd-tmpfiles", "--create", places])

    def group_id(self, name):
        """The number of a group at the gateway."""
        with open(self.group, encoding="utf-8") as file:
            return next(int(line.split(":")[2]) for line in file if line.startswith(name + ":"))

    def plug(self, place, interface, zone, port, mac=None):
        """A cable from a place to the switch of a zone."""
        address = f"address {mac}" if mac else ""
        self.ip("switch", f"link add {port} type veth peer name {interface} {address} netns {self.namespace(place)}")
        self.ip("switch", f"link set {port} master {zone} up")
        self.ip(place, f"link set {interface} up")

    def _address(self, place, interface, ip4, ip6):
        self.ip(place, f"addr add {ip4}/24 dev {interface}")
        if ip6:
            self.ip(place, f"-6 addr add {ip6}/64 dev {interface} nodad")

    # ---- doing something in it

    def at(self, place, command):
        """The command (a list) that runs a command at a place; the gateway knows the users of sekisho."""
        inside = ["ip", "netns", "exec", self.namespace(place)]
        if place == "gateway":
            # ip netns exec has made a mount namespace of its own, so the machine's own file is not touched.
            inside += ["sh", "-c", 'mount --bind "$0" /etc/passwd && mount --bind "$1" /etc/group && shift && exec "$@"', self.passwd, self.group]
        return inside + command

    def run(self, place, command, check=True, **more):
        """Runs a command (a list) at a place; the result has stdout and stderr as text."""
        return subprocess.run(self.at(place, command), check=check, capture_output=True, text=True, **more)

    def ip(self, place, words):
        result = subprocess.run(["ip", "-n", self.namespace(place)] + words.split(), check=False, capture_output=True, text=True)
        if result.returncode != 0:
            raise AssertionError(f"ip {words} at {place}: {result.stderr}")
        return result.stdout

    def write_sysctl(self, place, path, value):
        self.run(place, ["sh", "-c", f"echo {value} >/proc/sys/{path}"], check=False)

    def read_sysctl(self, place, path):
        return self.run(place, ["cat", f"/proc/sys/{path}"]).stdout.strip()

    def rules(self):
        """All tables of ours as nft lists them, without what packets change, and without whose they are."""
        text = ""
        for table in ("inet", "netdev", "bridge"):
            text += self.run("gateway", ["nft", "-s", "list", "table", table, "sekisho"], check=False).stdout
        text = re.sub(r"(table .* \{) # progname .*", r"\1", text)
        return re.sub(r"\n\tflags(?: (?:owner|persist|owner,persist)?)?(?=\n)", "", text)

    def rules_unordered(self):
        """The same without the order of elements and what is left of their time, which are others in a table that was made anew."""
        text = re.sub(r" timeout [0-9dhms]+", "", self.rules()).replace("elements = {", ",").replace("}", ",")
        return sorted(" ".join(part.split()) for part in re.split(r"[,\n]", text) if part.strip())

    def edit_config(self, old, new):
        """Replaces a text in the zone file, which must be there."""
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        assert old in text, f"not in the zone file: {old}"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    # ---- the daemon

    def forget_descriptor(self):
        """As the manager does when the service is stopped."""
        if self.kept is not None:
            os.close(self.kept)
        self.kept = None

    def start_daemon(self, *options, environment=None):
        """Starts sekishod at the gateway and waits until it says READY=1."""
        self.spawn_daemon(*options, environment=environment)
        self.await_notified("READY", "1")
        return self.daemon

    def spawn_daemon(self, *options, environment=None):
        """Starts sekishod at the gateway."""
        if self._notify:
            self._notify.close()
        path = os.path.join(self.directory, "notify")
        if os.path.exists(path):
            os.unlink(path)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(path)
        self.notified = {}
        inherited, environment = {}, dict(environment or {})
        if self.kept is not None:
            # As sd_listen_fds(3) has it. The command runs by exec all the way, so that the shell's number is the daemon's.
            inherited = dict(pass_fds=[3], preexec_fn=lambda: os.dup2(self.kept, 3))
            environment.update(LISTEN_FDS="1", LISTEN_FDNAMES="nfnetlink")
        with open(self.log, "a", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(
                self.at("gateway", ["sh", "-c", 'export LISTEN_PID=$$ && exec "$0" "$@"'] + self.before_program +
                        [self.program, "--config", self.config, "--run-dir", self.run_dir, "--state-dir", self.state_dir] + self.options + list(options)),
                stderr=log, env=dict(os.environ, NOTIFY_SOCKET=path, **environment), **inherited)

    def await_notified(self, key, value=None):
        """Waits until the daemon tells the service manager key (=value); keeps the last value of each key."""
        end = time.monotonic() + DEADLINE_S
        while key not in self.notified or (value is not None and self.notified[key] != value):
            if self.daemon.poll() is not None:
                raise AssertionError(f"sekishod ended with status {self.daemon.returncode}:\n{self.log_text()}")
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"sekishod did not say {key}={value}:\n{self.log_text()}")
            if select.select([self._notify], [], [], min(left, 0.2))[0]:
                self._take_notification()
        return self.notified[key]

    def _take_notifications(self):
        """Takes what the daemon has said meanwhile, as a service manager would."""
        while select.select([self._notify], [], [], 0)[0]:
            self._take_notification()

    def _take_notification(self):
        message, descriptors, _, _ = socket.recv_fds(self._notify, 4096, 4)
        for line in message.decode().splitlines():
            key, _, value = line.partition("=")
            self.notified[key] = value
        for descriptor in descriptors:
            if self.keeps_descriptors and self.kept is None:
                self.kept = descriptor
            else:
                os.close(descriptor)

    def stop_daemon(self, number=signal.SIGTERM):
        """Stops sekishod and returns its exit status."""
        self.daemon.send_signal(number)
        return self.daemon.wait(DEADLINE_S)

    def log_text(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def log_tail(self):
        """The log for who reads of a failure: of a long one, the end of what is not about single packets."""
        text = self.log_text()
        if len(text) > LOG_CHARACTERS_SHOWN:
            text = "".join(line for line in text.splitlines(keepends=True) if "SKS-REFUSAL" not in line)
        return text[-LOG_CHARACTERS_SHOWN:]

    def role_pid(self, role):
        """The process id of a role of the daemon, or None."""
        with open(f"/proc/{self.daemon.pid}/task/{self.daemon.pid}/children", encoding="ascii") as children:
            for pid in children.read().split():
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
                        if cmdline.read().split(b"\0")[1:3] == [b"--role", role.encode()]:
                            return int(pid)
                except OSError:
                    continue
        return None

    def request(self, verb, body=None):
        """One request over the control socket; returns the answer."""
        payload = json.dumps(body).encode() if body is not None else b""
        self._take_notifications()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(DEADLINE_S)
            control.connect(os.path.join(self.run_dir, "control"))
            control.sendall(FRAME.pack(b"SKS1", verb, 0, len(payload)) + payload)
            with control.makefile("rb") as answer:
                magic, got, _, length = FRAME.unpack(answer.read(FRAME.size))
                assert (magic, got) == (b"SKS1", VERB_REPORT)
                return json.loads(answer.read(length))

    def apply(self, **body):
        return self.request(VERB_APPLY, body)

    def status(self):
        return self.request(VERB_STATUS)
