"""Both sides of one connection, packet by packet, as real hosts would say them: sequence numbers, tags and identifiers fit."""

from dataclasses import dataclass, field

import packets
from packets import ACK, GRE, ICMP, ICMP6, SCTP, SYN, TCP, UDP, ether_kind, ethernet
from random_policy import gateway_mac

ECHOES = (ICMP, ICMP6)


@dataclass
class Side:
    """One end: where it is, what it has said so far."""
    interface: str
    mac: str
    address: object
    port: int
    said: int = 0
    sequence: int = 1000
    heard: int = 0		# up to which number it has the other side's bytes
    tag: int = 0x5EED

    def sending(self, packet):
        """What Crossing.exchange() is given to send a packet from here to the gateway."""
        return self.interface, ethernet(gateway_mac(self.interface), self.mac, ether_kind(self.address), packet)


@dataclass
class Conversation:
    """A connection from one side to the other; speak() gives the next transport header of either."""
    near: Side
    far: Side
    protocol: int
    flow: str = ""
    last: dict = field(default_factory=dict)	# the last packet of each side (from the IP header on), for those who quote it

    def sides(self, reply):
        return (self.far, self.near) if reply else (self.near, self.far)

    def speak(self, reply, payload):
        """The next transport bytes from the near side, or from the far one."""
        me, other = self.sides(reply)
        ends = me.address, other.address
        first, me.said = me.said == 0, me.said + 1
        if self.protocol == TCP:
            return self._speak_tcp(me, other, payload, (SYN | ACK if reply else SYN) if first else ACK)
        if self.protocol == SCTP:
            return self._speak_sctp(me, other, payload, reply)
        if self.protocol in ECHOES:
            return packets.echo(*ends, self.near.port, payload, reply=reply)
        return transport(*ends, self.protocol, me.port, other.port, payload)

    @staticmethod
    def _speak_tcp(me, other, payload, flags):
        segment = packets.tcp(me.address, other.address, me.port, other.port, payload, flags=flags, sequence=me.sequence,
                              acknowledged=me.heard if flags & ACK else 0)
        me.sequence += len(payload) + (1 if flags & SYN else 0)
        return segment

    @staticmethod
    def _speak_sctp(me, other, payload, reply):
        chunks = (packets.SCTP_INIT_ACK, packets.SCTP_COOKIE_ACK) if reply else (packets.SCTP_INIT, packets.SCTP_COOKIE_ECHO)
        chunk = chunks[me.said - 1] if me.said <= 2 else packets.SCTP_DATA
        tag = 0 if chunk == packets.SCTP_INIT else other.tag
        return packets.sctp(me.port, other.port, payload, chunk=chunk, tag=tag, first_tag=me.tag)

    def packet(self, reply, payload):
        """The next IP packet of a side."""
        me, other = self.sides(reply)
        self.last[reply] = packets.ip(me.address, other.address, self.protocol, self.speak(reply, payload))
        return self.last[reply]

    def arrive(self, reply):
        """The last packet of a side came to the other one, which will acknowledge it; nobody acknowledges what was lost."""
        me, other = self.sides(reply)
        other.heard = me.sequence


def transport(source, destination, protocol, sport, dport, payload):
    """The first packet of a connection; the identifier of an echo is sport."""
    if protocol == TCP:
        return packets.tcp(source, destination, sport, dport, payload)
    if protocol == UDP:
        return packets.udp(source, destination, sport, dport, payload)
    if protocol == SCTP:
        return packets.sctp(sport, dport, payload)
    if protocol in ECHOES:
        return packets.echo(source, destination, sport, payload)
    if protocol == GRE:
        return packets.gre(payload)
    return payload
