#!/usr/bin/python3
"""A machine of the demonstration: answers at its ports, and tries what it is told to try.

It runs in the machine's network namespace. Each line on its standard input is a task as JSON; each line on its standard output is
an event. It never waits for anything: an attempt that gets no answer has no event, and whoever gave the task decides when that is
long enough.

    {"do": "serve", "protocol": "tcp", "port": 443}	answers there (tcp or udp)	{"event": "serving"}
    {"do": "try", "id": 7, "protocol": "tcp", "address": "10.2.0.20", "port": 443}	tries (tcp, udp or icmp)
							{"event": "answer", "id": 7} or {"event": "error", "id": 7, "reason": ...}
    {"do": "say", "id": 7}	speaks once more over the connection of that attempt	{"event": "answer", "id": 7}
    {"do": "end", "id": 7}	gives the attempt up
"""

import json
import os
import selectors
import signal
import socket
import struct
import sys

ECHO_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
ECHO_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
IPV4_HEADER_BYTES = 20


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def checksum(data):
    """The Internet checksum; for ICMPv6 the kernel makes it."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def echo_request(family, number):
    """An echo request with our process number as its identifier. Its length is even."""
    identifier = os.getpid() & 0xffff
    packet = struct.pack(">BBHHH", ECHO_REQUEST[family], 0, 0, identifier, number)
    if family == socket.AF_INET:
        packet = struct.pack(">BBHHH", ECHO_REQUEST[family], 0, checksum(packet), identifier, number)
    return packet


class Host:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.attempts = {}
        self.tasks = b""

    def tell(self, **event):
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()

    def watch(self, sock, events, act):
        sock.setblocking(False)
        self.selector.register(sock, events, act)

    def drop(self, sock):
        self.selector.unregister(sock)
        sock.close()

    # ---- answering

    def serve(self, task):
        kind = socket.SOCK_STREAM if task["protocol"] == "tcp" else socket.SOCK_DGRAM
        sock = socket.socket(socket.AF_INET6, kind)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("::", task["port"]))
        if task["protocol"] == "tcp":
            sock.listen(16)
        self.watch(sock, selectors.EVENT_READ, self.accept if task["protocol"] == "tcp" else self.answer_datagram)
        self.tell(event="serving")

    def accept(self, listener):
        sock, _ = listener.accept()
        self.watch(sock, selectors.EVENT_READ, self.answer_stream)

    def answer_stream(self, sock):
        try:
            data = sock.recv(100)
            if data:
                sock.sendall(data)
        except OSError:
            data = b""
        if not data:
            self.drop(sock)

    def answer_datagram(self, sock):
        data, sender = sock.recvfrom(100)
        sock.sendto(data, sender)

    # ---- trying

    def attempt(self, task):
        """Begins an attempt; its answer comes as an event."""
        begin = {"tcp": self.begin_tcp, "udp": self.begin_udp, "icmp": self.begin_echo}[task["protocol"]]
        try:
            self.attempts[task["id"]] = begin(task)
        except OSError as error:
            self.tell(event="error", id=task["id"], reason=error.strerror)

    def begin_tcp(self, task):
        sock = socket.socket(family_of(task["address"]), socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect_ex((task["address"], task["port"]))
        self.watch(sock, selectors.EVENT_WRITE, lambda it: self.connected(it, task["id"]))
        return sock

    def connected(self, sock, number):
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.fail(sock, number, os.strerror(error))
            return
        self.selector.modify(sock, selectors.EVENT_READ, lambda it: self.answered(it, number))
        sock.sendall(b"hello")

    def begin_udp(self, task):
        sock = socket.socket(family_of(task["address"]), socket.SOCK_DGRAM)
        sock.connect((task["address"], task["port"]))
        self.watch(sock, selectors.EVENT_READ, lambda it: self.answered(it, task["id"]))
        sock.send(b"hello")
        return sock

    def answered(self, sock, number):
        try:
            data = sock.recv(100)
        except OSError as error:
            self.fail(sock, number, error.strerror)
            return
        if data:
            self.tell(event="answer", id=number)
        else:
            self.fail(sock, number, "closed")

    def begin_echo(self, task):
        family = family_of(task["address"])
        sock = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6)
        self.watch(sock, selectors.EVENT_READ, lambda it: self.echo_answered(it, family, task))
        sock.sendto(echo_request(family, task["id"]), (task["address"], 0))
        return sock

    def echo_answered(self, sock, family, task):
        """A raw socket sees all ICMP there is: only the reply to this request counts."""
        data, sender = sock.recvfrom(1500)
        data = data[IPV4_HEADER_BYTES:] if family == socket.AF_INET else data
        if len(data) < 8 or sender[0] != task["address"]:
            return
        kind, _, _, identifier, number = struct.unpack(">BBHHH", data[:8])
        if (kind, identifier, number) == (ECHO_REPLY[family], os.getpid() & 0xffff, task["id"]):
            self.tell(event="answer", id=task["id"])

    def say(self, task):
        sock = self.attempts.get(task["id"])
        try:
            if sock:
                sock.sendall(b"again")
        except OSError as error:
            self.fail(sock, task["id"], error.strerror)

    def end(self, task):
        sock = self.attempts.pop(task["id"], None)
        if sock:
            self.drop(sock)

    def fail(self, sock, number, reason):
        self.attempts.pop(number, None)
        self.drop(sock)
        self.tell(event="error", id=number, reason=reason)

    # ---- tasks

    def read_tasks(self, descriptor):
        """False at the end of the input: the demonstration is over."""
        data = os.read(descriptor, 65536)
        *lines, self.tasks = (self.tasks + data).split(b"\n")
        for line in lines:
            task = json.loads(line)
            {"serve": self.serve, "try": self.attempt, "say": self.say, "end": self.end}[task["do"]](task)
        return bool(data)

    def run(self):
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
        going = True
        while going:
            for key, _ in self.selector.select():
                if key.data is None:
                    going = self.read_tasks(key.fd)
                elif key.fileobj.fileno() >= 0:
                    key.data(key.fileobj)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with its input
    Host().run()
