"""A gateway at a crossing of six wires, whose far ends are all in our hands.

Frames are sent from the far ends as they are, and what arrives at them, or passes the gateway's input rules, is heard. There is no
waiting: everything a frame causes is done on the processor that sent it, in the order of the queue of that processor, so a frame that is
sent last and has been seen has only done ones before it (see Crossing.barrier).
"""

import contextlib
import ctypes
import errno
import os
import re
import select
import socket
import struct
import subprocess
import time
from dataclasses import dataclass

from packets import ETHER_IP4, ETHER_IP6, GRE, ICMP, ICMP6, SCTP, TCP, UDP, ethernet
from random_policy import INTERFACES, ROUTER, STRAY, STRAY_ROUTER, USERS, behind_router, gateway_address, gateway_mac, on_link
from town import DEADLINE_S, LIBC, Town, USERS as INSTALLED_USERS, inside

ETH_P_ALL = 3
ETHER_BARRIER = 0x88B5		# IEEE 802: for local experiments
BARRIER_WIRE = "barrier0"	# of no zone, and never down
BARRIER_ROUNDS = 3		# to the gateway, out of it again, and one to spare
PACKET_OUTGOING, PACKET_IGNORE_OUTGOING, SOL_PACKET = 4, 23, 263
SO_ATTACH_FILTER, SO_RCVBUFFORCE, IP_HDRINCL = 26, 33, 3
RECEIVE_BYTES = 16 << 20
NETLINK_NETFILTER, CONNTRACK_DELETE, NLM_F_REQUEST, NLM_F_ACK = 12, 0x0102, 1, 4

LOCAL_PROTOCOLS = {4: (TCP, UDP, ICMP, SCTP, GRE), 6: (TCP, UDP, ICMP6, SCTP, GRE)}
TOKEN = re.compile(rb"<sks:([0-9a-f]{8})>")
TOKEN_BYTES = 14


def token(number):
    """What a receiver looks for: 14 bytes, another number for each piece that is sent."""
    return b"<sks:%08x>" % number


@dataclass
class Heard:
    """A frame at a far end (interface) or a packet that passed the input rules (interface None), with the numbers of its tokens."""
    interface: object
    frame: bytes
    tokens: list


@contextlib.contextmanager
def file_system_user(uid):
    """Sockets made in the block belong to a user; our privileges stay."""
    LIBC.setfsuid(uid)
    try:
        yield
    finally:
        LIBC.setfsuid(os.geteuid())


@contextlib.contextmanager
def one_processor():
    """Keeps us on the processor we are on: its queue is first in, first out."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def packet_socket(protocol):
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
    tap.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    tap.setblocking(False)
    return tap


def barrier_socket():
    """Hears only our barrier frames, and does so before any rule."""
    tap = packet_socket(0)
    program = struct.pack("HBBI" * 4, 0x28, 0, 0, 12, 0x15, 0, 1, ETHER_BARRIER, 0x06, 0, 0, 0xFFFF, 0x06, 0, 0, 0)
    steps = ctypes.create_string_buffer(program)
    tap.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 4, ctypes.addressof(steps)))
    tap.bind((BARRIER_WIRE, ETH_P_ALL))
    return tap


class Crossing(Town):
    """Town with other wires: the gateway, and "outside" with the far end of each interface under the same name."""

    def __init__(self, **more):
        super().__init__(hosts=[], **more)
        self.counter = 0

    def _build(self):
        self._write_users()
        for place in ("gateway", "outside"):
            name = self.namespace(place)
            subprocess.run(["ip", "netns", "add", name], check=True)
            self.namespaces.append(name)
        self.write_sysctl("outside", "net/ipv6/conf/default/disable_ipv6", 1)
        for scope in ("all", "default"):
            self.write_sysctl("gateway", f"net/ipv4/conf/{scope}/rp_filter", 0)
        lines = ["link set lo up", f"link add {BARRIER_WIRE} type veth peer name {BARRIER_WIRE} netns {self.namespace('outside')}",
                 f"link set {BARRIER_WIRE} up"]
        for interface in INTERFACES:
            lines += self.wire(interface)
        self.ip_batch("gateway", lines)
        self.ip_batch("outside", [f"link set {interface} up" for interface in (*INTERFACES, BARRIER_WIRE)])
        self._open_sockets()

    def wire(self, interface):
        """One wire. No address is resolved on it: the gateway sends to whatever stands at the far end, hosts that do not exist included."""
        yield (f"link add {interface} address {gateway_mac(interface)} type veth "
               f"peer name {interface} netns {self.namespace('outside')}")
        yield f"link set {interface} arp off up"
        for version in (4, 6):
            nodad = "nodad" if version == 6 else ""
            yield f"addr add {gateway_address(interface, version)}/{on_link(interface, version).prefixlen} dev {interface} {nodad}"
            yield f"route add {behind_router(interface, version)} via {on_link(interface, version)[ROUTER]} dev {interface}"

    def ip_batch(self, place, lines):
        subprocess.run(["ip", "-n", self.namespace(place), "-batch", "-"], input="\n".join(lines), check=True, text=True)

    def _open_sockets(self):
        with inside(self.namespace("outside")):
            self.far = packet_socket(ETH_P_ALL)
        with inside(self.namespace("gateway")):
            self.tap = barrier_socket()
            self.local = [self._local_socket(version, protocol) for version in (4, 6) for protocol in LOCAL_PROTOCOLS[version]]
            self.senders = {user: [self._sender(uid, version) for version in (4, 6)]
                            for user, uid in self.uids().items()}
            self.conntrack = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)

    @staticmethod
    def _local_socket(version, protocol):
        """Hears what the input rules let pass, whatever its port."""
        raw = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_RAW, protocol)
        raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
        raw.setblocking(False)
        return raw

    @staticmethod
    def _sender(uid, version):
        """Sends whole packets of the gateway's own, as a user."""
        with file_system_user(uid):
            return socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def uids(self):
        return {**USERS, **INSTALLED_USERS}

    # ---- routes and conntrack

    def route_uplink(self, interface):
        """The way to the rest of the world, and one past the declared routers."""
        lines = []
        for version in (4, 6):
            network = on_link(interface, version)
            lines.append(f"route replace default via {network[ROUTER]} dev {interface}")
            lines += [f"route replace {stray} via {network[STRAY_ROUTER]} dev {interface}" for stray in STRAY if stray.version == version]
        self.ip_batch("gateway", lines)

    def forget_connections(self):
        """Empties conntrack, so that every packet is a first one."""
        message = struct.pack("=IHHII", 20, CONNTRACK_DELETE, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + bytes(4)
        self.conntrack.send(message)
        _, kind, _, _, _, error = struct.unpack_from("=IHHIIi", self.conntrack.recv(4096))
        assert kind == 2 and error in (0, -errno.ENOENT), f"conntrack was not emptied: {kind} {error}"

    # ---- sending and hearing

    def next_number(self):
        self.counter += 1
        return self.counter

    def exchange(self, sendings):
        """Sends each of (interface, frame) or (user, packet, destination) in order, and returns what was heard."""
        with one_processor():
            for sending in sendings:
                if len(sending) == 2:
                    self._send_far(*sending)
                else:
                    self._send_own(*sending)
            self.barrier()
        return self.hear()

    def _send_far(self, interface, frame):
        """A slow machine puts the receiving off, and then the frames under way fill the buffer."""
        while True:
            try:
                self.far.sendto(frame, (interface, 0))
                return
            except BlockingIOError:
                select.select([], [self.far], [], DEADLINE_S)

    def _send_own(self, user, packet, destination):
        try:
            self.senders[user][destination.version == 6].sendto(packet, (str(destination), 0))
        except PermissionError:
            pass  # how a refused packet of one's own looks
        except OSError as error:
            if error.errno not in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EINVAL):
                raise

    def barrier(self):
        """
        Returns when everything sent before has arrived where it goes. A frame that is seen at the gateway was behind all others in the
        queue of our processor; what those caused was put into the queue before the next barrier frame.
        """
        frame = ethernet("ff:ff:ff:ff:ff:ff", "02:bb:00:00:00:01", ETHER_BARRIER, bytes(46))
        for _ in range(BARRIER_ROUNDS):
            self._send_far(BARRIER_WIRE, frame)
            if not select.select([self.tap], [], [], DEADLINE_S)[0]:
                raise AssertionError("the barrier frame was not seen")
            self.tap.recv(64)

    def hear(self):
        heard = []
        for frame, address in receive_all(self.far):
            if address[2] != PACKET_OUTGOING and (tokens := TOKEN.findall(frame)):
                heard.append(Heard(address[0], frame, [int(number, 16) for number in tokens]))
        for raw in self.local:
            for packet, _ in receive_all(raw):
                if tokens := TOKEN.findall(packet):
                    heard.append(Heard(None, packet, [int(number, 16) for number in tokens]))
        return heard

    def hear_until(self, numbers, seconds):
        """Hears on until these tokens have arrived, for a while; returns what came. For telling a late packet from a lost one."""
        end, heard = time.monotonic() + seconds, []
        while time.monotonic() < end and not set(numbers) <= {number for one in heard for number in one.tokens}:
            select.select([self.far, *self.local], [], [], 0.05)
            heard += self.hear()
        return heard


def receive_all(raw):
    while True:
        try:
            yield raw.recvfrom(65535)
        except BlockingIOError:
            return


def ends_of(frame):
    """The outer source and destination addresses of an IP frame, as bytes; None for other frames."""
    kind = int.from_bytes(frame[12:14], "big")
    if kind == ETHER_IP4:
        return frame[26:30], frame[30:34]
    if kind == ETHER_IP6:
        return frame[22:38], frame[38:54]
    return None
