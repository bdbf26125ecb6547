/*
 * nflog: packets that a rule logs to a group (linux/netfilter/nfnetlink_log.h).
 *
 * Opening needs CAP_NET_ADMIN; reading does not, so the descriptor can be opened by one process and read by another that may do nothing
 * else. The group belongs to the socket: while any process holds it open, nobody else can listen. Of each packet only its head comes.
 */
#ifndef KERNEL_NFLOG_H
#define KERNEL_NFLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/netaddr.h"

enum { NFLOG_HEAD_BYTES = 128 };	/* of a packet: its headers, no more of its content than it must be */

/* A packet as it was logged. Spans point into the message. */
struct nflog_packet {
	struct span prefix;	/* of the rule, without its NUL; empty: none */
	uint32_t iif, oif;	/* indexes; 0: none */
	bool has_mac;		/* the sender's Ethernet address */
	struct macaddr mac;
	struct span head;	/* the packet from its IP header on */
};

/* Opens a descriptor that never blocks and receives the group. 0 or negative errno; -EPERM: somebody else listens to the group. */
int nflog_open(uint16_t group, int *ret_descriptor);

/* Reads the body of one message (behind struct nlmsghdr) of type NFULNL_MSG_PACKET. False when it is malformed. */
bool nflog_packet_read(struct span body, struct nflog_packet *ret_packet);

/*
 * Reads at most datagrams_max waiting datagrams and hands each packet to take. *ret_lost is set when the kernel had to drop messages. 0; other negative
 * errno: the descriptor is useless.
 */
int nflog_read(int descriptor, unsigned int datagrams_max, void (*take)(const struct nflog_packet *packet, void *context), void *context,
	       bool *ret_lost);

#endif
