#!/usr/bin/python3
"""A fragment from another zone, or from another MAC, never becomes part of a packet of an allowed flow.

Whoever puts fragments together asks neither for the interface nor for the MAC each came by; so every fragment has to be judged before.
The first fragment always comes from the terminal the flow names, the rest of it from somebody else, and waits for it in the gateway.
"""

import ipaddress
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import packets  # noqa: E402
from town import HOSTS, ZONES, Town, skip_unless_possible  # noqa: E402

TERMINAL, SERVER = "jumin-tanmatsu", "juki-cs"
PORT = 5000

FLOW = f'''flows = (
	{{
		name = "large"; from = "mynumber"; to = "lgwan"; method = "specified"; peer = "juki-net";
		source = "{TERMINAL}"; destination = "{SERVER}"; protocol = "udp"; ports = [ {PORT} ];
		record = {{ number = "1"; reason = "r"; approver = "a"; approved = "2026-04-01"; expires = "2099-03-31"; }};
	}},'''

# Sends the frames of its arguments (hexadecimal) as they are.
SENDER = """
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as card:
    card.bind(("eth0", 0))
    for frame in sys.argv[1:]:
        card.send(bytes.fromhex(frame))
"""

# Says "ready", then what arrived until the datagram that ends it: "end" comes in one piece and by the flow itself.
RECEIVER = """
import socket, sys
address, port = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as door:
    door.bind((address, port))
    door.settimeout(30)
    print("ready", flush=True)
    while (datagram := door.recv(9000)) != b"end":
        print(datagram[-16:].decode(), flush=True)
"""

# what: who sends the rest of the packet, whether it passes
ROWS = (
    ("the terminal itself", TERMINAL, True),
    ("a host of the Internet tier", "inet-tanmatsu", False),
    ("a host of the tier the packet goes to", "shokuin-pc", False),
    ("another terminal of the same zone, by another MAC", "zei-tanmatsu", False),
)


def gateway_mac(town, host):
    return town.run("gateway", ["cat", f"/sys/class/net/{ZONES[HOSTS[host][0]][0]}/address"]).stdout.strip()


def send(town, host, packets_to_send):
    frames = [packets.ethernet(gateway_mac(town, host), HOSTS[host][1], packets.ETHER_IP4 if data[0] >> 4 == 4 else packets.ETHER_IP6, data)
              for data in packets_to_send]
    town.run(host, [sys.executable, "-c", SENDER] + [frame.hex() for frame in frames])


def datagrams_that_arrive(town, source, destination, other, number):
    payload = b"." * 1008 + b"%016d" % number
    pieces = packets.fragments(source, destination, packets.UDP, packets.udp(source, destination, 4000, PORT, payload), 520, number)
    end = packets.ip(source, destination, packets.UDP, packets.udp(source, destination, 4000, PORT, b"end"))
    receiver = subprocess.Popen(town.at(SERVER, [sys.executable, "-c", RECEIVER, str(destination), str(PORT)]), stdout=subprocess.PIPE, text=True)
    assert receiver.stdout.readline() == "ready\n"
    send(town, other, pieces[1:])
    send(town, TERMINAL, pieces[:1])
    send(town, TERMINAL, [end])
    return receiver.communicate(timeout=60)[0].split()


def main():
    skip_unless_possible()
    with Town(hosts=[TERMINAL, SERVER] + [other for _, other, _ in ROWS if other != TERMINAL]) as town:
        town.edit_config("flows = (", FLOW)
        town.start_daemon()
        for place in (2, 3):
            source, destination = (ipaddress.ip_address(HOSTS[host][place]) for host in (TERMINAL, SERVER))
            for number, (what, other, passes) in enumerate(ROWS, place * 100):
                arrived = datagrams_that_arrive(town, source, destination, other, number)
                assert arrived == ([f"{number:016d}"] if passes else []), (what, arrived)
                print(f"ok: IPv{source.version}: the rest of a packet from {what} {'passes' if passes else 'is refused'}")


if __name__ == "__main__":
    main()
