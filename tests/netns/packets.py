"""Frames made by hand, byte by byte and with the right checksums: conntrack looks at them.

Addresses are those of the ipaddress module, MACs are text, payloads are bytes. Nothing here sends anything.
"""

import functools
import struct

ETHER_IP4, ETHER_IP6, ETHER_ARP, ETHER_VLAN, ETHER_SERVICE_VLAN = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8
ICMP, TCP, UDP, GRE, ESP, AH, ICMP6, OSPF, SCTP = 1, 6, 17, 47, 50, 51, 58, 89, 132
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS = 0, 43, 44, 60
PORTED = (TCP, UDP, SCTP)

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
SCTP_DATA, SCTP_INIT, SCTP_INIT_ACK, SCTP_COOKIE_ECHO, SCTP_COOKIE_ACK = 0, 1, 2, 10, 11
MORE_FRAGMENTS = 0x2000


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _crc32c_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


CRC32C = tuple(_crc32c_table())


def crc32c(data):
    """The checksum of SCTP (RFC 9260, appendix A)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CRC32C[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


# ---- layer 2

@functools.lru_cache(maxsize=None)
def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def ethernet(destination, source, kind, payload, tags=()):
    """A frame; tags are (kind, VLAN id) from the outside in."""
    words = b"".join(struct.pack("!HH", tag, number) for tag, number in tags)
    return mac_bytes(destination) + mac_bytes(source) + words + struct.pack("!H", kind) + payload


# ---- layer 3

def ip4(source, destination, protocol, payload, *, options=b"", number=0, fragment=0, ttl=64):
    """fragment: flags and offset as in the header."""
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, 4 * words + len(payload), number, fragment, ttl, protocol, 0)
    head += source.packed + destination.packed + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip6(source, destination, protocol, payload, *, extensions=(), hop_limit=64):
    """extensions are (number, bytes behind the next-header byte) in their order."""
    first = protocol
    for number, body in reversed(extensions):
        payload, first = bytes([first]) + body + payload, number
    return struct.pack("!IHBB", 6 << 28, len(payload), first, hop_limit) + source.packed + destination.packed + payload


def ip(source, destination, protocol, payload, **more):
    return (ip4 if source.version == 4 else ip6)(source, destination, protocol, payload, **more)


def ether_kind(address):
    return ETHER_IP4 if address.version == 4 else ETHER_IP6


PADDED_OPTIONS = bytes([0, 1, 4, 0, 0, 0, 0])			# an options header of one PadN
HOME_ADDRESS_ROUTING = bytes([2, 2, 0, 0, 0, 0, 0]) + bytes(16)	# RFC 6275: type 2, nothing left
SOURCE_ROUTING = bytes([2, 0, 1, 0, 0, 0, 0])			# RFC 5095: type 0, one address left
SEGMENT_ROUTING = bytes([2, 4, 0, 0, 0, 0, 0])			# RFC 8754
ATOMIC_FRAGMENT = bytes([0, 0, 0, 0, 0, 0, 7])			# RFC 6946


def loose_source_route4(address):
    """The option that asks for a way by another host (RFC 791)."""
    return bytes([131, 7, 4]) + address.packed + b"\0"


RECORD_ROUTE4 = bytes([7, 7, 4, 0, 0, 0, 0, 0])


def fragments(source, destination, protocol, payload, size, number):
    """The packet in pieces of size bytes (a multiple of 8) of the transport's bytes."""
    pieces = []
    for offset in range(0, len(payload), size):
        part, more = payload[offset:offset + size], offset + size < len(payload)
        if source.version == 4:
            pieces.append(ip4(source, destination, protocol, part, number=number & 0xFFFF,
                              fragment=offset // 8 | (MORE_FRAGMENTS if more else 0)))
        else:
            head = struct.pack("!BHI", 0, offset | more, number)
            pieces.append(ip6(source, destination, protocol, part, extensions=[(FRAGMENT, head)]))
    return pieces


def pseudo_header(source, destination, protocol, length):
    if source.version == 4:
        return source.packed + destination.packed + struct.pack("!BBH", 0, protocol, length)
    return source.packed + destination.packed + struct.pack("!IHBB", length, 0, 0, protocol)


# ---- layer 4: each gives the transport header with its payload

def _summed(source, destination, protocol, segment, at, wrong):
    value = checksum(pseudo_header(source, destination, protocol, len(segment)) + segment)
    return segment[:at] + struct.pack("!H", (value ^ wrong) or 0xFFFF) + segment[at + 2:]


def udp(source, destination, sport, dport, payload, *, wrong=0):
    """wrong: bits by which the checksum is off."""
    head = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    return _summed(source, destination, UDP, head + payload, 6, wrong)


def tcp(source, destination, sport, dport, payload, *, flags=SYN, sequence=1000, acknowledged=0, wrong=0):
    head = struct.pack("!HHIIBBHHH", sport, dport, sequence, acknowledged, 5 << 4, flags, 65000, 0, 0)
    return _summed(source, destination, TCP, head + payload, 16, wrong)


def sctp(sport, dport, payload, *, chunk=SCTP_INIT, tag=0, first_tag=1):
    """One chunk; those that open an association carry their own first tag, and the payload as an unknown parameter to be skipped."""
    payload += bytes(-len(payload) % 4)
    if chunk in (SCTP_INIT, SCTP_INIT_ACK):
        body = struct.pack("!IIHHI", first_tag, 65536, 4, 4, 1) + struct.pack("!HH", 0x8123, 4 + len(payload)) + payload
    elif chunk == SCTP_DATA:
        body = struct.pack("!IHHI", 1, 0, 0, 0) + payload
    else:
        body = payload
    flags = 3 if chunk == SCTP_DATA else 0
    packet = struct.pack("!HHII", sport, dport, tag, 0) + struct.pack("!BBH", chunk, flags, 4 + len(body)) + body
    return packet[:8] + struct.pack("<I", crc32c(packet)) + packet[12:]


def icmp(source, destination, kind, code, rest, payload, *, wrong=0):
    """ICMP or ICMPv6 by the family of source; rest: the four bytes behind the checksum."""
    packet = struct.pack("!BBH", kind, code, 0) + rest + payload
    if source.version == 6:
        return _summed(source, destination, ICMP6, packet, 2, wrong)
    return packet[:2] + struct.pack("!H", checksum(packet) ^ wrong) + packet[4:]


def echo(source, destination, number, payload, *, reply=False, wrong=0):
    kind = {(4, False): 8, (4, True): 0, (6, False): 128, (6, True): 129}[source.version, reply]
    return icmp(source, destination, kind, 0, struct.pack("!HH", number, 1), payload, wrong=wrong)


def unreachable(source, destination, quoted, payload):
    """An error that quotes a packet (from its IP header on); the payload stands behind what is quoted."""
    kind, code = (3, 1) if source.version == 4 else (1, 3)
    return icmp(source, destination, kind, code, bytes(4), quoted + payload)


def gre(payload):
    return struct.pack("!HH", 0, 0x0800) + payload


def ah(inner, payload):
    """An authentication header around another transport header; nobody can verify it."""
    return bytes([inner, 4]) + struct.pack("!HII", 0, 0x100, 1) + bytes(12) + payload
