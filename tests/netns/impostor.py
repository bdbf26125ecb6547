"""Speaks as a role of a daemon to another role, as one that was taken over would: by the channel the role has, while the role itself stands still.

    with Impostor(town, "planner", "enforcer") as planner:
        planner.send("SNAPSHOT")
        held = planner.await_verb("HELD")
"""

import array
import fcntl
import os
import signal
import socket
from dataclasses import dataclass

from town import DEADLINE_S, FRAME, LIBC, verb_numbers

MAGIC = b"SKS1"
WITH_DESCRIPTOR = 1 << 15	# FRAME_DESCRIPTOR of src/wire/frame.h
PIDFD_GETFD = 438
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


@dataclass
class Message:
    verb: str
    payload: bytes
    descriptor: int	# None: none travelled with it


def memory_file(content, seals=SEALS):
    """A file in memory as bulk travels in; the caller closes it."""
    descriptor = os.memfd_create("impostor", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(descriptor, content)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


def memory_content(descriptor):
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def socket_inodes(pid):
    """Number of a descriptor -> inode of its socket."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        name = os.readlink(f"/proc/{pid}/fd/{number}")
        if name.startswith("socket:["):
            found[int(number)] = name[len("socket:["):-1]
    return found


def socket_peers(town):
    """Inode of a local socket -> inode of its other end."""
    lines = town.run("gateway", ["ss", "-xaHn"]).stdout.splitlines()
    return {words[5]: words[7] for words in map(str.split, lines)}


def come_to_rest(town):
    """What the daemon does of itself after its start is done: it may come behind one apply, and does not come behind two."""
    for _ in range(2):
        town.apply(reason="to come to rest")


class Impostor:
    def __init__(self, town, role, listener):
        self.town, self.pid, self.verbs = town, town.role_pid(role), verb_numbers()
        self.names = {number: name for name, number in self.verbs.items()}
        peers, others = socket_peers(town), set(socket_inodes(town.role_pid(listener)).values())
        self.number = next(number for number, inode in socket_inodes(self.pid).items() if peers.get(inode) in others)
        self.channel, self.blocks = None, None

    def __enter__(self):
        process = os.pidfd_open(self.pid)
        os.kill(self.pid, signal.SIGSTOP)
        descriptor = LIBC.syscall(PIDFD_GETFD, process, self.number, 0)
        os.close(process)
        # What is set here is set for the role as well, whose descriptor is of the same file.
        self.blocks = os.get_blocking(descriptor)
        self.channel = socket.socket(fileno=descriptor)
        self.channel.settimeout(DEADLINE_S)
        return self

    def __exit__(self, *_):
        self.channel.setblocking(self.blocks)
        self.channel.close()
        os.kill(self.pid, signal.SIGCONT)

    def send(self, verb, payload=b"", flags=0, descriptor=None):
        ancillary = []
        if descriptor is not None:
            flags |= WITH_DESCRIPTOR
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        frame = FRAME.pack(MAGIC, self.verbs[verb], flags, len(payload)) + payload
        self.channel.sendmsg([frame], ancillary)

    def receive(self):
        first, descriptors, _, _ = socket.recv_fds(self.channel, 1, 1)
        magic, verb, _, length = FRAME.unpack(first + self._bytes(FRAME.size - 1))
        assert magic == MAGIC
        return Message(self.names[verb], self._bytes(length), descriptors[0] if descriptors else None)

    def _bytes(self, count):
        data = b""
        while len(data) < count:
            data += self.channel.recv(count - len(data)) or self._is_gone()
        return data

    def _is_gone(self):
        raise AssertionError(f"the channel was closed:\n{self.town.log_text()}")

    def await_verb(self, *verbs):
        """The next message that is one of these; others are let go."""
        while True:
            message = self.receive()
            if message.verb in verbs:
                return message
            if message.descriptor is not None:
                os.close(message.descriptor)
