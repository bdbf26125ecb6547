/*
 * netaddr: IPv4 and IPv6 addresses, prefixes, inclusive ranges, and Ethernet addresses as values.
 *
 * An address is a family (4 or 6) and its bytes in network order, so that memcmp() orders addresses of one family.
 * IPv4-mapped IPv6 addresses are never folded into IPv4: the kernel does not either.
 */
#ifndef BASE_NETADDR_H
#define BASE_NETADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct netaddr {
	uint8_t family;		/* 4 or 6 */
	uint8_t bytes[16];	/* network order; IPv4 uses the first four, the rest is zero */
};

/* An address with a prefix length; valid when no host bit is set. */
struct prefix {
	struct netaddr address;
	uint8_t length;		/* bits, 0..32 or 0..128 */
};

/* All addresses from first to last, both included, one family, first <= last. */
struct addr_range {
	struct netaddr first;
	struct netaddr last;
};

struct addr_ranges {
	struct addr_range *items;
	size_t count;
};

struct macaddr {
	uint8_t bytes[6];
};

enum { NETADDR_TEXT_BYTES = 64, MACADDR_TEXT_BYTES = 18, ADDR_RANGE_TEXT_BYTES = 112 };

/* Length of an address of this family in bytes: 4 or 16. */
size_t netaddr_size(uint8_t family);

/* Reads "192.0.2.1" or "2001:db8::1" (inet_pton grammar, no zone id, no leading zeros in IPv4). 0 or -EINVAL. */
int netaddr_parse(const char *text, struct netaddr *ret_address);

/* Orders by family, then by value: <0, 0, >0. */
int netaddr_compare(const struct netaddr *a, const struct netaddr *b);

/* The next or previous address of the family; false at the end of the address space (then *address is unchanged). */
bool netaddr_next(struct netaddr *address);
bool netaddr_previous(struct netaddr *address); /* see netaddr_next() */

/* Canonical text (RFC 5952 for IPv6) into a buffer of NETADDR_TEXT_BYTES; returns the buffer. */
char *netaddr_format(const struct netaddr *address, char text[static NETADDR_TEXT_BYTES]);

/* Reads "10.0.0.0/8", "2001:db8::/32", or a bare address (its full length). -EINVAL: not a prefix; -ERANGE: host bits are set. */
int prefix_parse(const char *text, struct prefix *ret_prefix);

/*
 * The prefix that was probably meant by a text that prefix_parse() refuses: its host bits are cleared, and a mask written as
 * "255.255.255.0" is counted. 0 or -EINVAL.
 */
int prefix_guess(const char *text, struct prefix *ret_prefix);

/* First and last address of a prefix. */
struct addr_range prefix_range(const struct prefix *prefix);

/* Reads an address, a prefix, or "first-last" of one family. -EINVAL: none of them; -ERANGE: host bits set or last below first. */
int addr_range_parse(const char *text, struct addr_range *ret_range);

/* The shortest of "address", "prefix/len", "first-last" into a buffer of ADDR_RANGE_TEXT_BYTES; returns the buffer. */
char *addr_range_format(const struct addr_range *range, char text[static ADDR_RANGE_TEXT_BYTES]);

/* True when the range is one address. */
bool addr_range_is_single(const struct addr_range *range);

/* True when address lies in range (families must agree). */
bool addr_range_contains(const struct addr_range *range, const struct netaddr *address);

/* True when every address of inner lies in outer. */
bool addr_range_covers(const struct addr_range *outer, const struct addr_range *inner);

/* True when both share an address; *ret_common (may be NULL) is then what they share. */
bool addr_range_intersect(const struct addr_range *a, const struct addr_range *b, struct addr_range *ret_common);

/* Sorts and joins overlapping and neighbouring ranges, in the arena; the result is canonical: equal sets give equal lists. */
struct addr_ranges addr_ranges_union(struct arena *arena, const struct addr_range *items, size_t count);

/* What lies in minuend (any order) and in no range of subtrahend: canonical, in the arena. */
struct addr_ranges addr_ranges_subtract(struct arena *arena, struct addr_ranges minuend, struct addr_ranges subtrahend);

/* True when one of the ranges holds the address. */
bool addr_ranges_contain(struct addr_ranges ranges, const struct netaddr *address);

/* True when every address of inner lies in the canonical list outer. */
bool addr_ranges_cover(struct addr_ranges outer, const struct addr_range *inner);

/* Reads "02:00:5e:10:00:01" (also with '-'). 0, -EINVAL; -ERANGE for a group or all-zero address, which no sender has. */
int macaddr_parse(const char *text, struct macaddr *ret_mac);

/* Lower-case colon form into a buffer of MACADDR_TEXT_BYTES; returns the buffer. */
char *macaddr_format(const struct macaddr *mac, char text[static MACADDR_TEXT_BYTES]);

#endif
