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
PROGRAM_TC, PROGRAM_XDP, PROGRAM_FLOW_DISSECTOR, PROGRAM_SK_LOOKUP, PROGRAM_NETFILTER = 3, 6, 22, 30, 32
ATTACH_FLOW_DISSECTOR, ATTACH_SK_LOOKUP, ATTACH_XDP, ATTACH_NETFILTER, ATTACH_TCX_INGRESS = 17, 36, 37, 45, 46
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


def load_program(code, program, attach=0):
    """A program of BPF; its descriptor."""
    instructions, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    head = struct.pack("<IIQQ", program, len(code) // 8, ctypes.addressof(instructions), ctypes.addressof(licence))
    return bpf(BPF_PROG_LOAD, head + bytes(44) + struct.pack("<I", attach) + bytes(48))


def attach_redirect(town, interface, other, program, attach, flags=0):
    """
    A program that sends everything to another interface, attached by a link of its own, of which nobody is told; closing the descriptor takes it
    away.
    """
    code = struct.pack("<BBhi", 0xB7, 1, 0, interface_index(town, other)) + struct.pack("<BBhi", 0xB7, 2, 0, 0)
    code += struct.pack("<BBhi", 0x85, 0, 0, REDIRECT) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    loaded = load_program(code, program)
    try:
        with inside(town.namespace("gateway")):
            return bpf(BPF_LINK_CREATE, struct.pack("<IIII", loaded, interface_index(town, interface), attach, flags) + bytes(48))
    finally:
        os.close(loaded)


def attach_idle(town, program, attach, answer, more=b""):
    """A program that always gives the same answer, attached to the gateway's network by a link of its own; more: what the link needs besides."""
    code = struct.pack("<BBhi", 0xB7, 0, 0, answer) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    loaded = load_program(code, program, attach)
    try:
        with inside(town.namespace("gateway")), open("/proc/thread-self/ns/net", "rb") as network:
            target = network.fileno() if attach != ATTACH_NETFILTER else 0
            return bpf(BPF_LINK_CREATE, struct.pack("<IIII", loaded, target, attach, 0) + more.ljust(48, b"\0"))
    finally:
        os.close(loaded)


NETLINK_GENERIC, GENERIC_CONTROL, GET_FAMILY, FAMILY_NAME, FAMILY_ID = 16, 16, 3, 2, 1
NETLINK_REQUEST_ACK, NETLINK_ERROR, NESTED = 5, 2, 0x8000
IPVS_VERSION, IPVS_NEW_SERVICE, IPVS_NEW_DEST, IPVS_FLUSH, IPVS_SERVICE, IPVS_DEST, IPVS_MASQUERADE = 1, 1, 5, 17, 1, 2, 0


def attribute(number, value):
    return struct.pack("<HH", len(value) + 4, number) + value + bytes(-len(value) % 4)


class Ipvs:
    """What ipvsadm would do at the gateway; OSError: the kernel has no IPVS."""

    def __init__(self, town):
        with inside(town.namespace("gateway")):
            self.handle = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        answer = self._call(GENERIC_CONTROL, GET_FAMILY, attribute(FAMILY_NAME, b"IPVS\0"))
        self.family = next(struct.unpack_from("<H", value)[0] for number, value in self._attributes(answer[20:]) if number == FAMILY_ID)

    @staticmethod
    def _attributes(data):
        while len(data) >= 4:
            length, number = struct.unpack_from("<HH", data)
            yield number, data[4:length]
            data = data[(length + 3) // 4 * 4:]

    def _call(self, family, command, attributes):
        """The first message of the answer."""
        self.handle.send(struct.pack("<IHHIIBBH", 20 + len(attributes), family, NETLINK_REQUEST_ACK, 1, 0, command, IPVS_VERSION, 0) + attributes)
        answer = self.handle.recv(65536)
        if struct.unpack_from("<H", answer, 4)[0] == NETLINK_ERROR:
            number = -struct.unpack_from("<i", answer, 16)[0]
            if number:
                raise OSError(number, os.strerror(number))
        else:
            self.handle.recv(65536)  # that it is the last
        return answer

    def add(self, address, port, server):
        """A service (TCP), and the server to which its connections go."""
        text = ipaddress.ip_address(address).packed.ljust(16, b"\0")
        service = attribute(1, struct.pack("<H", socket.AF_INET)) + attribute(2, struct.pack("<H", TCP)) + attribute(3, text) + attribute(4, struct.pack(">H", port))
        more = attribute(6, b"rr\0") + attribute(7, bytes(8)) + attribute(8, bytes(4)) + attribute(9, b"\xff" * 4)
        goal = attribute(1, ipaddress.ip_address(server).packed.ljust(16, b"\0")) + attribute(2, struct.pack(">H", port))
        goal += attribute(3, struct.pack("<I", IPVS_MASQUERADE)) + attribute(4, struct.pack("<I", 1)) + attribute(5, bytes(4)) + attribute(6, bytes(4))
        goal += attribute(11, struct.pack("<H", socket.AF_INET))
        self._call(self.family, IPVS_NEW_SERVICE, attribute(IPVS_SERVICE | NESTED, service + more))
        self._call(self.family, IPVS_NEW_DEST, attribute(IPVS_SERVICE | NESTED, service) + attribute(IPVS_DEST | NESTED, goal))

    def flush(self):
        self._call(self.family, IPVS_FLUSH, b"")


def make_legacy_table(town, name):
    """Asks for a table of the older iptables, as iptables-legacy would: the kernel makes it. False when it has none."""
    with inside(town.namespace("gateway")), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as handle:
        answer = ctypes.create_string_buffer(name.encode(), 84)  # struct ipt_getinfo
        length = ctypes.c_uint32(len(answer))
        return LIBC.getsockopt(handle.fileno(), socket.SOL_IP, 64, answer, ctypes.byref(length)) == 0
