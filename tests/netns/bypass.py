"""Whether a frame gets from one host to another, and programs of BPF that carry it past the rules.

A frame is heard with an AF_PACKET socket at the far host, whatever its addresses. That nothing came is known when a later frame has come: one that a
neighbour sends over the switch.
"""

import ctypes
import ipaddress
import os
import select
import socket
import struct
import time

from packets import ETHER_IP4, TCP, UDP, ethernet, ip4, tcp, udp
from town import DEADLINE_S, HOSTS, LIBC, inside

ETH_P_ALL = 3
FRAMES = 20

SYS_BPF = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine)
BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28
PROGRAM_TC, PROGRAM_XDP = 3, 6
ATTACH_XDP, ATTACH_TCX_INGRESS = 37, 46
XDP_GENERIC = 2
REDIRECT = 23  # bpf_redirect(): r1 is the interface, r2 flags


class Path:
    """From one host to another, by the gateway; neighbour: a host of the same zone as the far one. goal: to whom the packets are addressed, if not to it."""

    def __init__(self, town, near, far, neighbour, goal=None, protocol=UDP):
        self.town, self.near, self.neighbour, self.protocol = town, near, neighbour, protocol
        self.far, self.goal = HOSTS[far], HOSTS[goal or far]
        self.heard = self._open(far)
        self.number = 0

    def _open(self, host):
        with inside(self.town.namespace(host)):
            handle = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            handle.bind(("eth0", 0))
        handle.settimeout(DEADLINE_S)
        return handle

    def _send(self, host, mac, token, port):
        _, own_mac, own_address, _ = HOSTS[host]
        source, destination = ipaddress.ip_address(own_address), ipaddress.ip_address(self.goal[2])
        segment = {UDP: udp, TCP: tcp}[self.protocol](source, destination, 4000, port, token)
        frame = ethernet(mac, own_mac, ETHER_IP4, ip4(source, destination, self.protocol, segment))
        with self._open(host) as handle:
            handle.send(frame)

    def _forget(self):
        """What came before is nobody's business, and would fill the room."""
        while select.select([self.heard], [], [], 0)[0]:
            self.heard.recv(2048)

    def count(self, mac, port=9):
        """How many of FRAMES frames to a MAC address get there."""
        self._forget()
        self.number += 1
        token, last = f"past the wall {self.number}".encode(), f"over the switch {self.number}".encode()
        for _ in range(FRAMES):
            self._send(self.near, mac, token, port)
        self._send(self.neighbour, self.far[1], last, port)
        count, end = 0, time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            frame = self.heard.recv(2048)
            if frame.endswith(last):
                return count
            count += frame[23] == self.protocol and frame.endswith(token)  # not what answers it
        raise AssertionError("the neighbour is not heard")


def bpf(command, attributes):
    room = ctypes.create_string_buffer(attributes, len(attributes))
    result = LIBC.syscall(SYS_BPF, command, room, len(attributes))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def interface_index(town, interface):
    return int(town.ip("gateway", f"-o link show dev {interface}").split(":")[0])


def attach_redirect(town, interface, other, program, attach, flags=0):
    """
    A program that sends everything to another interface, attached by a link of its own, of which nobody is told; closing the descriptor takes it
    away.
    """
    code = struct.pack("<BBhi", 0xB7, 1, 0, interface_index(town, other)) + struct.pack("<BBhi", 0xB7, 2, 0, 0)
    code += struct.pack("<BBhi", 0x85, 0, 0, REDIRECT) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    instructions, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    loaded = bpf(BPF_PROG_LOAD, struct.pack("<IIQQ", program, len(code) // 8, ctypes.addressof(instructions), ctypes.addressof(licence)) + bytes(96))
    try:
        with inside(town.namespace("gateway")):
            return bpf(BPF_LINK_CREATE, struct.pack("<IIII", loaded, interface_index(town, interface), attach, flags) + bytes(48))
    finally:
        os.close(loaded)


def make_legacy_table(town, name):
    """Asks for a table of the older iptables, as iptables-legacy would: the kernel makes it. False when it has none."""
    with inside(town.namespace("gateway")), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as handle:
        answer = ctypes.create_string_buffer(name.encode(), 84)  # struct ipt_getinfo
        length = ctypes.c_uint32(len(answer))
        return LIBC.getsockopt(handle.fileno(), socket.SOL_IP, 64, answer, ctypes.byref(length)) == 0
