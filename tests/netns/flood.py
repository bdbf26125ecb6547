"""Frames for the program flood (flood.c) and the conversation with it."""

import json
import os
import socket
import struct
import subprocess

from town import SOURCE

FLOOD = os.path.join(os.environ.get("SEKISHO_BUILD") or os.path.join(SOURCE, "build"), "tests", "netns", "flood")
TOKEN_BYTES = 16
PROTOCOLS = {"udp": 17, "tcp": 6, "icmp": 1, "icmp6": 58, "gre": 47}
ECHO_TYPES = {"icmp": 8, "icmp6": 128}
TCP_PUSH_ACK = 0x18


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def sum16(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport_header(protocol, ports):
    if protocol == "udp":
        return struct.pack(">HHHH", ports[0], ports[1], 8 + TOKEN_BYTES, 0)
    if protocol in ECHO_TYPES:
        return struct.pack(">BBHHH", ECHO_TYPES[protocol], 0, 0, ports[0], 1)
    if protocol == "gre":
        return struct.pack(">HH", 0, 0x0800)
    return struct.pack(">HHIIBBHHH", ports[0], ports[1], 0, 0, 5 << 4, TCP_PUSH_ACK, 65535, 0, 0)


def frame(macs, addresses, protocol, ports):
    """An Ethernet frame: macs, addresses and ports are pairs, source first. The program fills in the rest."""
    number = PROTOCOLS[protocol]
    payload = transport_header(protocol, ports) + bytes(TOKEN_BYTES)
    if ":" in addresses[0]:
        ethertype = 0x86DD
        header = struct.pack(">IHBB", 6 << 28, len(payload), number, 64)
        header += b"".join(socket.inet_pton(socket.AF_INET6, address) for address in addresses)
    else:
        ethertype = 0x0800
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, number, 0)
        header += b"".join(socket.inet_aton(address) for address in addresses)
        header = header[:10] + struct.pack(">H", sum16(header)) + header[12:]
    return mac_bytes(macs[1]) + mac_bytes(macs[0]) + struct.pack(">H", ethertype) + header + payload


class Flood:
    """The running program. endpoints: (namespace, interface), or (namespace, 4 or 6, protocol) for the host itself; streams: (kind, rate, from, to,
    frame), ends by number."""

    def __init__(self, endpoints, streams, count=None):
        lines = [endpoint_line(*endpoint) for endpoint in endpoints]
        lines += [f"stream {kind} {rate} {source} {target} {data.hex()}" for kind, rate, source, target, data in streams]
        lines.append(f"go {count}" if count else "go")
        self.process = subprocess.Popen([FLOOD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._say("\n".join(lines))

    def _say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def running(self):
        return self.process.poll() is None

    def count(self):
        """How many flood frames were sent until now."""
        self._say("count")
        return int(self.process.stdout.readline())

    def result(self, windows=None):
        """Ends it and returns what it says. windows: (stream, from, to) in monotonic seconds, which are answered in this order."""
        lines = [] if windows is None else ["stop"] + [f"window {stream} {int(begin * 1e6)} {int(end * 1e6)}" for stream, begin, end in windows]
        output, _ = self.process.communicate("".join(line + "\n" for line in lines))
        if self.process.returncode != 0:
            raise AssertionError(f"flood ended with status {self.process.returncode}")
        return json.loads(output)


def endpoint_line(namespace, *where):
    return " ".join(["endpoint" if len(where) == 1 else "local", f"/run/netns/{namespace}"] + [str(word) for word in where])
