#!/usr/bin/python3
"""What takes packets in the kernel beside nf_tables is found, each by its name: functions of modules, programs of BPF, IPVS.

Each is made as root would make it. The status must name it by its finding, the log must tell it once, and when it is taken away it must be gone from the
status. A kernel that does not list what is hooked in is one where the log, the status and `sekisho verify` say so, and nothing is an alarm by that.
"""

import os
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bypass import (ATTACH_FLOW_DISSECTOR, ATTACH_NETFILTER, ATTACH_SK_LOOKUP, PROGRAM_FLOW_DISSECTOR, PROGRAM_NETFILTER,  # noqa: E402
                    PROGRAM_SK_LOOKUP, SYS_BPF, Ipvs, Path, attach_idle)
from packets import TCP  # noqa: E402
from past_the_wall import HOSTS_NEEDED, Wall, expect  # noqa: E402
from town import HOSTS, ZONES, Town, await_true, skip_unless_possible  # noqa: E402

NF_INET_FORWARD, NF_ACCEPT = 2, 1
SSH = 22


def check_network_programs(wall):
    """Programs that are attached to the network as a whole."""
    for program, attach, answer in ((PROGRAM_SK_LOOKUP, ATTACH_SK_LOOKUP, 1), (PROGRAM_FLOW_DISSECTOR, ATTACH_FLOW_DISSECTOR, 0)):
        try:
            os.close(attach_idle(wall.town, program, attach, answer))
        except (OSError, TypeError) as error:
            print(f"absent: network-program {program}: {error}")
            continue
        wall.check_way("network-program", lambda p=program, a=attach, r=answer: attach_idle(wall.town, p, a, r), os.close)


def check_hidden(wall):
    """Whether the kernel lists what is hooked in; where it does not, that is said, once."""
    await_true("it is known", lambda: wall.town.status()["hooks"])
    unlisted = wall.town.status()["hooks"] == "unlisted"
    for command in (["status"], ["verify", "--file", wall.town.config]):
        text = wall.sekisho(*command)
        expect(f"sekisho {command[0]} says {'that' if unlisted else 'nothing of what'} it cannot see", ("(nfnetlink_hook)" in text) == unlisted, text)
    expect("the log says so once", wall.town.log_text().count("(nfnetlink_hook)") == unlisted, wall.town.log_text())
    return unlisted


def check_hooks(wall):
    """A program that may drop is a note; a function of a module that nobody knows is a warning, and is gone with it."""
    at_forward = struct.pack("<IIiI", socket.AF_INET, NF_INET_FORWARD, 7, 0)
    try:
        os.close(attach_idle(wall.town, PROGRAM_NETFILTER, ATTACH_NETFILTER, NF_ACCEPT, at_forward))
    except (OSError, TypeError) as error:
        print(f"absent: hook-program: {error}")
    else:
        wall.check_way("hook-program", lambda: attach_idle(wall.town, PROGRAM_NETFILTER, ATTACH_NETFILTER, NF_ACCEPT, at_forward), os.close)
    wall.check_if_possible("hook-unknown", "link add iv0 link mn0 type ipvlan mode l3s", "link del iv0", also=("interface-child",))


def handed_on(wall):
    """How many connections IPVS has taken for a server."""
    servers = [line for line in wall.town.run("gateway", ["cat", "/proc/net/ip_vs"]).stdout.splitlines() if line.split()[0] == "->" and "Masq" in line]
    return sum(int(number) for line in servers for number in line.split()[-2:])


def check_ipvs(wall):
    """The kernel hands connections to a service of the gateway to a server in another zone: found, and what it hands on is dropped as the gateway's own."""
    service, server = ZONES["lgwan"][1], HOSTS["jumin-tanmatsu"][2]
    path = Path(wall.town, "kanri-tanmatsu", "jumin-tanmatsu", "zei-tanmatsu", protocol=TCP)
    path.goal = (None, None, service)
    try:
        ipvs = Ipvs(wall.town)
    except OSError as error:
        print(f"absent: ipvs-service: {error}")
        return
    wall.check_way("ipvs-service", lambda: ipvs.add(service, SSH, server), lambda _: ipvs.flush())
    ipvs.add(service, SSH, server)
    expect("nothing arrives", path.count(wall.mac("lg0"), SSH) == 0)
    expect("though it was handed on", handed_on(wall) > 0)
    await_true("the status names the service", lambda: f"TCP {service}:{SSH}" in wall.sekisho("status"))
    ipvs.flush()


def main():
    skip_unless_possible("nft")
    with Town(hosts=HOSTS_NEEDED) as town:
        try:
            town.start_daemon()
            wall = Wall(town)
            await_true("there is nothing at first", lambda: not wall.survey())
            if SYS_BPF:
                check_network_programs(wall)
            if check_hidden(wall):
                print("absent: hook-unknown, hook-program: this kernel does not list what is hooked in")
            elif SYS_BPF:
                check_hooks(wall)
            check_ipvs(wall)
            expect("the daemon stops", town.stop_daemon() == 0)
        except BaseException:
            print(town.log_text())
            raise


if __name__ == "__main__":
    main()
