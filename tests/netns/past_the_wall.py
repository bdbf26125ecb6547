#!/usr/bin/python3
"""Ways past the rules are found: a zone interface in a bridge, a program at it (XDP), traffic control at it, a policy routing rule.

Each is made as root would make it; the status must name it with its finding, the log must tell it once, and when it is taken away it must be gone from the
status. The same at an interface of no zone is nobody's business.
"""

import ctypes
import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import LIBC, Town, await_true, inside, skip_unless_possible  # noqa: E402

SYS_BPF = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine)
BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28
PROGRAM_XDP, ATTACH_XDP = 6, 37
XDP_PASS = 2


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def bpf(command, attributes):
    room = ctypes.create_string_buffer(attributes, len(attributes))
    result = LIBC.syscall(SYS_BPF, command, room, len(attributes))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def attach_program(town, interface):
    """A program that lets everything pass, attached by a link of its own, of which nobody is told; closing the descriptor takes it away."""
    code = struct.pack("<BBhi", 0xB7, 0, 0, XDP_PASS) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    instructions = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    program = bpf(BPF_PROG_LOAD, struct.pack("<IIQQ", PROGRAM_XDP, len(code) // 8, ctypes.addressof(instructions), ctypes.addressof(licence)) + bytes(96))
    with inside(town.namespace("gateway")):
        index = int(town.ip("gateway", f"-o link show dev {interface}").split(":")[0])
        link = bpf(BPF_LINK_CREATE, struct.pack("<IIII", program, index, ATTACH_XDP, 0) + bytes(48))
    os.close(program)
    return link


def survey(town):
    return [finding["id"] for finding in town.status()["survey"]]


def check_way(town, finding, make, take_away, foreign=None):
    if foreign:
        foreign()
    made = make()
    await_true(f"{finding} is found", lambda: survey(town) == [finding])
    expect(f"{finding}: the log tells it once", town.log_text().count(f"finding={finding}") == 1, town.log_text())
    take_away(made)
    await_true(f"{finding} is gone", lambda: not survey(town))
    expect(f"{finding}: and the log tells that", town.log_text().count(f"finding={finding}") == 2)


def check_program(town):
    if not SYS_BPF:
        print("the number of bpf(2) is not known here")
        return
    check_way(town, "interface-xdp", lambda: attach_program(town, "lg0"), os.close)


def main():
    skip_unless_possible("tc")
    with Town(hosts=[]) as town:
        try:
            town.ip("gateway", "link add strange0 type veth peer name strange1")
            town.ip("gateway", "link add br0 type bridge")
            town.start_daemon()
            expect("there is nothing at first", not survey(town))
            check_way(town, "interface-in-bridge", lambda: town.ip("gateway", "link set mn0 master br0"),
                      lambda _: town.ip("gateway", "link set mn0 nomaster"), lambda: town.ip("gateway", "link set strange0 master br0"))
            check_way(town, "interface-tc", lambda: town.run("gateway", ["tc", "qdisc", "add", "dev", "in0", "clsact"]),
                      lambda _: town.run("gateway", ["tc", "qdisc", "del", "dev", "in0", "clsact"]),
                      lambda: town.run("gateway", ["tc", "qdisc", "add", "dev", "strange0", "clsact"]))
            check_way(town, "policy-route", lambda: town.ip("gateway", "rule add from 10.3.0.0/24 lookup 100 priority 1000"),
                      lambda _: town.ip("gateway", "rule del priority 1000"))
            check_program(town)
            expect("the daemon stops", town.stop_daemon() == 0)
        except BaseException:
            print(town.log_text())
            raise


if __name__ == "__main__":
    main()
