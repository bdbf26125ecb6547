/*
 * sighting: what one Ethernet frame says about who is connected where. Reads foreign bytes; keeps nothing, allocates nothing.
 *
 * A frame begins with its Ethernet header; its VLAN tag may stand in it or have been taken off by the kernel (PACKET_AUXDATA). Looked at are
 *
 *	ARP		RFC 826		hardware type 1, protocol type 0x0800, lengths 6 and 4; 28 bytes behind the Ethernet header. A sender
 *					address of 0.0.0.0 is a probe (RFC 5227) and claims nothing.
 *	NS, NA, RA	RFC 4861	ICMPv6 types 135, 136 and 134: 24, 24 and 16 bytes and then options (type, length in units of 8). They are
 *					valid with a hop limit of 255 only: nothing that came over a router has that.
 *	DHCP		RFC 2131	UDP from port 67, op 2 (reply): 236 bytes, the cookie 63 82 53 63, options (code, length, value). 53 is the
 *					type: 2 offer, 5 ack, 6 nak; 54 the server.
 *	DHCPv6		RFC 8415	UDP from port 547: type 2 advertise, 7 reply, 10 reconfigure
 *	VLAN		802.1Q		0x8100 or 0x88a8, then 16 bits of which 12 are the VLAN. VLAN 0 is a priority and no VLAN.
 *
 * IPv6 extension headers (RFC 8200) are followed, because whoever wants to get past would put one in front (RFC 7113); later fragments say
 * nothing. Checksums are not checked: a frame that its receiver throws away was sent all the same.
 */
#ifndef WIRING_SIGHTING_H
#define WIRING_SIGHTING_H

#include "base/buf.h"
#include "base/netaddr.h"

enum sighting_kind {
	SIGHTING_DEVICE,	/* somebody is there: a frame that says no more */
	SIGHTING_CLAIM,		/* `owner` says that `address` is his (ARP, NS, NA) */
	SIGHTING_TENTATIVE,	/* somebody would like `address`, and asks whether it is free (NS of duplicate address detection, RFC 4862) */
	SIGHTING_ROUTER,	/* a router advertisement; `address` is its sender */
	SIGHTING_DHCP,		/* an answer of a DHCP server; `address` is its sender, `server` as which it names itself */
	SIGHTING_TAGGED,	/* a frame of VLAN `vlan` */
};

enum {
	SIGHTING_FRAME_BYTES_MAX = 1536,	/* more of a frame is not looked at */
	SIGHTING_EXTENSIONS_MAX = 8,		/* headers of IPv6 before what is carried */
};

struct sighting {
	enum sighting_kind kind;
	struct macaddr mac;	/* who sent the frame; never a group, never zero */
	struct macaddr owner;	/* whom a claim gives the address to: mostly the sender */
	struct netaddr address;	/* family 0: none */
	struct netaddr server;	/* family 0: none */
	uint16_t vlan;		/* 1..4095 */
};

/*
 * Reads a frame. tag: the tag control information the kernel took off, or SIGHTING_NO_TAG. False: it says nothing that is of use here, or nothing
 * that can be understood.
 */
enum { SIGHTING_NO_TAG = -1 };
bool sighting_read(struct span frame, int tag, struct sighting *ret_sighting);

#endif
