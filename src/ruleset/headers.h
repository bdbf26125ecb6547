/*
 * headers: who speaks to whom in a packet, from its first bytes. Pure.
 *
 * For packets that were refused and are written down. The bytes are a stranger's and may end anywhere; what is not there whole is not
 * there. Nothing is judged by this: the kernel has judged already.
 */
#ifndef RULESET_HEADERS_H
#define RULESET_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/netaddr.h"

enum { HEADERS_EXTENSIONS_MAX = 8 };	/* IPv6 extension headers that are followed */

struct headers {
	struct netaddr source, destination; /* of one family */
	uint8_t protocol;	/* behind the extension headers that could be followed */
	bool has_ports;		/* TCP, UDP, UDP-Lite, SCTP, DCCP, and the first fragment shows them */
	uint16_t source_port, destination_port;
};

/*
 * Reads an IPv4 or IPv6 packet from its first byte on. False when it is neither, or ends before its addresses do; *ret_headers is then
 * not touched.
 */
bool headers_read(struct span packet, struct headers *ret_headers);

#endif
