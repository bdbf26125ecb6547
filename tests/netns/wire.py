"""What was said over SMTP at one end of a wire: taken down by tcpdump, read back as attempts to send a message.

    with Wire(town, "mail-soto") as wire:
        ...
    for attempt in wire.attempts():
        ...

A packet of the server counts as received when it has come to the interface of the client, which is where we listen.
"""

import os
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass, field

from town import DEADLINE_S, await_true, inside

MARKER_PORT = 9  # discard: a packet that says that everything before it has been taken down
PCAP_HEADER = struct.Struct("<IHHiIII")
PACKET_HEADER = struct.Struct("<IIII")
PCAP_MAGIC = 0xA1B2C3D4
FIN, SYN = 0x01, 0x02


@dataclass
class Attempt:
    """One transaction of the wire."""
    sender: bytes = b""
    recipients: list = field(default_factory=list)  # (path, code of its answer or None)
    content: bytes = b""	# as sent, without the dots that were stuffed; what there was of it if not complete
    complete: bool = False	# the end of data was sent
    answer: int = None		# to the end of data; None: none has come

    @property
    def accepted(self):
        return self.answer == 250

    def header(self, name):
        """The first header field of that name, unfolded."""
        for line in self.content.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
            if line.lower().startswith(name.lower().encode() + b":"):
                return line.partition(b":")[2].strip().decode("latin-1")
        return None


class Stream:
    """One direction of a connection, put together from its segments."""

    def __init__(self, sequence):
        self.begin = sequence + 1
        self.segments = {}

    def add(self, sequence, data):
        offset = (sequence - self.begin) & 0xFFFFFFFF
        if len(self.segments.get(offset, b"")) < len(data):
            self.segments[offset] = data

    def bytes(self):
        """Everything up to the first gap."""
        whole = bytearray()
        for offset in sorted(self.segments):
            if offset > len(whole):
                break
            whole += self.segments[offset][len(whole) - offset:]
        return bytes(whole)


class Wire:
    def __init__(self, town, place, port=25):
        self.town, self.place, self.port = town, place, port
        self.path = os.path.join(town.directory, f"wire-{place}.pcap")
        self.errors = self.path + ".errors"
        self.process = None

    def __enter__(self):
        command = ["tcpdump", "-i", "eth0", "-s", "0", "-B", "131072", "-Z", "root", "--immediate-mode", "-U", "-n", "-w", self.path,
                   f"tcp port {self.port} or udp port {MARKER_PORT}"]
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(self.town.at(self.place, command), stderr=errors)
        await_true("tcpdump listens", lambda: b"listening on" in self._errors())
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _errors(self):
        with open(self.errors, "rb") as errors:
            return errors.read()

    def stop(self):
        """Ends the taking down; all that has been said until now is in it."""
        with inside(self.town.namespace(self.place)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as marker:
            marker.sendto(b"that was all", ("10.3.0.1", MARKER_PORT))
        await_true("the marker was taken down", lambda: b"that was all" in self._tail())
        self.process.send_signal(signal.SIGINT)
        self.process.wait(DEADLINE_S)
        assert b"\n0 packets dropped by kernel" in self._errors(), self._errors().decode()

    def _tail(self):
        with open(self.path, "rb") as file:
            file.seek(max(0, os.path.getsize(self.path) - 4096))
            return file.read()

    def attempts(self):
        """All transactions, in the order their connections began."""
        return [attempt for client, server in self._conversations() for attempt in attempts_of(client, server)]

    def _conversations(self):
        """(bytes of the client, bytes of the server) of each connection."""
        begun, order = {}, []
        for source, destination, sequence, flags, data in self._segments():
            if flags & SYN:
                begun[source, destination] = Stream(sequence)
                if destination[1] == self.port:
                    order.append([begun[source, destination], None])
                    begun[destination, source] = None
                    begun["pair", source, destination] = order[-1]
                else:
                    begun["pair", destination, source][1] = begun[source, destination]
            elif data and begun.get((source, destination)):
                begun[source, destination].add(sequence, data)
        return [(client.bytes(), server.bytes()) for client, server in order if server]

    def _segments(self):
        for packet in packets_of(self.path):
            header = 14 + (packet[14] & 0x0F) * 4
            if packet[12:14] != b"\x08\x00" or packet[23] != socket.IPPROTO_TCP:
                continue
            total = 14 + struct.unpack_from("!H", packet, 16)[0]
            source_port, destination_port, sequence = struct.unpack_from("!HHI", packet, header)
            data = packet[header + (packet[header + 12] >> 4) * 4:total]
            yield (packet[26:30], source_port), (packet[30:34], destination_port), sequence, packet[header + 13], data


def packets_of(path):
    with open(path, "rb") as file:
        assert PCAP_HEADER.unpack(file.read(PCAP_HEADER.size))[0] == PCAP_MAGIC
        while header := file.read(PACKET_HEADER.size):
            yield file.read(PACKET_HEADER.unpack(header)[2])


def replies_of(stream):
    """The codes of all whole replies."""
    codes = []
    for line in stream.split(b"\r\n")[:-1]:
        if line[3:4] != b"-":
            codes.append(int(line[:3]))
    return codes


def attempts_of(client, server):
    """The transactions of one connection: each command of the client with the reply at its place."""
    codes = iter(replies_of(server)[1:])
    found, attempt, position = [], None, 0
    while (end := client.find(b"\r\n", position)) >= 0:
        line, position = client[position:end], end + 2
        code, verb = next(codes, None), line[:4].upper()
        if verb == b"MAIL":
            attempt = Attempt(sender=path_of(line))
            found.append(attempt)
        elif verb == b"RCPT" and attempt:
            attempt.recipients.append((path_of(line), code))
        elif verb == b"DATA" and code == 354:
            position = take_content(attempt, client, position)
            if attempt.complete:
                attempt.answer = next(codes, None)
            attempt = None
    return found


def take_content(attempt, client, position):
    """Reads content from a position of the client's bytes; returns where it ends."""
    end = client.find(b"\r\n.\r\n", position - 2)
    attempt.complete = end >= 0
    raw = client[position:end + 2] if attempt.complete else client[position:]
    attempt.content = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n")[2:]
    return end + 5 if attempt.complete else len(client)


def path_of(line):
    return line[line.index(b"<") + 1:line.rindex(b">")].decode("latin-1")
