/*
 * packet_socket: what comes in by one interface, as frames, of the kinds that tell who is connected where (packet(7), linux/if_packet.h).
 *
 * Opening needs CAP_NET_RAW, reading nothing; so one process opens and another one, which may do nothing else, reads. The socket is bound to one
 * interface. Its filter is a classic BPF program, attached and locked (SO_LOCK_FILTER) before the socket is bound, so that not one frame passes
 * unfiltered and whoever gets the descriptor cannot see more with it. It lets through, of frames that come in:
 *
 *	frames with a VLAN tag, whole ARP, router and neighbour messages of ICMPv6 (types 134, 135, 136), UDP from the ports of DHCP servers (67 of IPv4 but
 *	for later fragments, 547 of IPv6), and IPv6 with an extension header, behind which any of these may stand
 *
 * and of each no more than its first PACKET_BYTES_MAX bytes. The rules of nf_tables come later: what they drop is seen here all the same. All multicast is
 * let in, because neighbours speak to groups of their own; what a switch does not deliver to this port is not seen.
 */
#ifndef KERNEL_PACKET_SOCKET_H
#define KERNEL_PACKET_SOCKET_H

#include <stdint.h>

#include "base/buf.h"

enum {
	PACKET_BYTES_MAX = 1536,
	PACKET_NO_TAG = -1,
};

/* A descriptor that never blocks, for the interface with this index. The caller closes it. 0 or negative errno. */
int packet_socket_open(uint32_t index, int *ret_descriptor);

/*
 * Reads the next frame into bytes; *ret_tag is the VLAN tag that the kernel took off, or PACKET_NO_TAG. How many bytes; 0: there is none now;
 * negative errno: -ENETDOWN says that the interface is down or gone, and comes once.
 */
int packet_socket_read(int descriptor, char bytes[static PACKET_BYTES_MAX], int *ret_tag);

#endif
