/*
 * prove_space: sets of packets as the prover handles them. Private to prove*.c.
 *
 * A region is a box: for each coded variable the set of values it may have, for each number a range. Interfaces, next hops and interface types are
 * coded: the values that the ruleset or the pins mention have a code each, all others share one. Packets of one family (or of none: frames)
 * are looked at together, so a region has no variable for the family.
 */
#ifndef RULESET_PROVE_SPACE_H
#define RULESET_PROVE_SPACE_H

#include "ruleset/evaluate.h"
#include "ruleset/pins.h"

__extension__ typedef unsigned __int128 wide;

enum { SPACE_CODES_MAX = 512, SPACE_WORDS = SPACE_CODES_MAX / 64, SPACE_MARKS_MAX = 8 };

struct codes {
	uint64_t words[SPACE_WORDS];
};

/* Before a loop over the words of a set: no loop is left of it. The prover does hardly anything else. */
#define OVER_WORDS _Pragma("GCC unroll 8")

struct extent {
	wide first, last;	/* both included; empty when first > last */
};

enum code_variable {
	CODE_IIF, CODE_OIF, CODE_HOP, CODE_IIFTYPE,
	CODE_STATE,		/* enum state_code */
	CODE_EARLY_STATE,	/* what is read before conntrack: always STATE_INVALID */
	CODE_STATUS,		/* the low eight bits of ct status */
	CODE_PROTOCOL, CODE_PKTTYPE, CODE_TCP_FLAGS, CODE_ICMP_TYPE, CODE_HOPLIMIT,
	CODE_ROUTING,		/* 1: there is a routing header */
	CODE_PORTS,		/* 1: the transport header is there */
	CODE_SOCKET,		/* 1: a local socket is there */
	CODE_COUNT
};

enum range_variable {
	RANGE_SOURCE, RANGE_DESTINATION, RANGE_SPORT, RANGE_DPORT, RANGE_ETHER, RANGE_ETHER_TYPE, RANGE_UID,
	RANGE_MARK,		/* as it arrives; one more for each time a rule sets it */
	RANGE_COUNT = RANGE_MARK + SPACE_MARKS_MAX
};

/* Conntrack state and direction together. */
enum state_code { STATE_INVALID, STATE_UNTRACKED, STATE_NEW, STATE_ESTABLISHED, STATE_REPLY, STATE_RELATED, STATE_RELATED_REPLY, STATE_CODES };

/* Codes that are the same in every space. */
enum {
	CODE_NONE = 0, CODE_OTHER = 1,	/* interfaces and next hops: there is none; one that nobody mentions */
	CODE_ETHERNET = 0, CODE_LOOPBACK = 1, CODE_OTHER_TYPE = 2, /* interface types */
};

struct region {
	struct codes codes[CODE_COUNT];
	struct extent extents[RANGE_COUNT];
};

/* The values that have codes of their own. */
struct space {
	uint32_t *interfaces;	/* sorted; code = place + 2 */
	size_t interface_count;
	struct netaddr *hops;	/* sorted; code = place + 2 */
	size_t hop_count;
	uint32_t *types;	/* sorted, without Ethernet and loopback; code = place + 3 */
	size_t type_count;
	bool too_large;		/* more than SPACE_CODES_MAX: nothing can be proved */
};

/* The space of a ruleset and pins, in the arena. */
struct space space_build(struct arena *arena, const struct ruleset *ruleset, const struct pins *pins);

/* The code of an interface index (0: none), of a next hop, of an interface type. */
size_t space_interface(const struct space *space, uint32_t index);
size_t space_hop(const struct space *space, const struct netaddr *hop);	/* see space_interface() */
size_t space_type(const struct space *space, uint32_t type);		/* see space_interface() */

/* The value of a code; CODE_NONE and what is shared by many give 0. */
uint32_t space_interface_of(const struct space *space, size_t code);
uint32_t space_type_of(const struct space *space, size_t code);		/* see space_interface_of() */

/* All packets of a family (4, 6; 0: frames that are not IP) that can be at a hook; a hook we do not know (HOOK_OTHER) may see anything. */
struct region region_at_hook(const struct space *space, uint8_t family, enum hook_point hook);

/* True when a variable has no value left. */
bool region_is_empty(const struct region *region);

/* The ct state bit and the direction of a state code. */
uint32_t state_bit(enum state_code state);
uint8_t state_direction(enum state_code state); /* see state_bit() */

/* Sets of state codes. */
struct codes states_tracked(void);		/* all but invalid and untracked */
struct codes states_of_direction(uint8_t direction); /* see states_tracked() */

/* Numbers in network order, up to 16 bytes. */
wide wide_of_bytes(const uint8_t *bytes, size_t size);
void wide_to_bytes(wide value, uint8_t *bytes, size_t size); /* see wide_of_bytes() */
wide wide_of_address(const struct netaddr *address);	     /* see wide_of_bytes() */
struct netaddr address_of_wide(wide value, uint8_t family);  /* see wide_of_bytes() */

/* The largest number of so many bytes. */
static inline wide wide_max(size_t size)
{
	return size >= 16 ? ~(wide)0 : ((wide)1 << (8 * size)) - 1;
}

static inline bool extent_is_empty(struct extent extent)
{
	return extent.first > extent.last;
}

static inline bool extent_is_single(struct extent extent)
{
	return extent.first == extent.last;
}

static inline bool extent_covers(struct extent outer, struct extent inner)
{
	return outer.first <= inner.first && inner.last <= outer.last;
}

static inline bool extents_meet(struct extent a, struct extent b)
{
	return a.first <= b.last && b.first <= a.last;
}

/* What both share; empty when they do not meet. */
static inline struct extent extent_common(struct extent a, struct extent b)
{
	return (struct extent){ a.first > b.first ? a.first : b.first, a.last < b.last ? a.last : b.last };
}

static inline struct codes codes_one(size_t code)
{
	struct codes codes = { { 0 } };

	codes.words[code / 64] = (uint64_t)1 << (code % 64);
	return codes;
}

static inline bool codes_have(const struct codes *codes, size_t code)
{
	return codes->words[code / 64] >> (code % 64) & 1;
}

static inline void codes_add(struct codes *codes, size_t code)
{
	codes->words[code / 64] |= (uint64_t)1 << (code % 64);
}

static inline bool codes_are_empty(const struct codes *codes)
{
	uint64_t any = 0;

	OVER_WORDS for (size_t i = 0; i < SPACE_WORDS; i++)
		any |= codes->words[i];
	return any == 0;
}

static inline bool codes_meet(const struct codes *a, const struct codes *b)
{
	uint64_t any = 0;

	OVER_WORDS for (size_t i = 0; i < SPACE_WORDS; i++)
		any |= a->words[i] & b->words[i];
	return any != 0;
}

/* True when every code of inner is in outer. */
static inline bool codes_cover(const struct codes *outer, const struct codes *inner)
{
	uint64_t left = 0;

	OVER_WORDS for (size_t i = 0; i < SPACE_WORDS; i++)
		left |= inner->words[i] & ~outer->words[i];
	return left == 0;
}

/* Keeps what is in both. */
static inline void codes_keep(struct codes *codes, const struct codes *kept)
{
	OVER_WORDS for (size_t i = 0; i < SPACE_WORDS; i++)
		codes->words[i] &= kept->words[i];
}

/* Takes out what is in the other. */
static inline void codes_drop(struct codes *codes, const struct codes *dropped)
{
	OVER_WORDS for (size_t i = 0; i < SPACE_WORDS; i++)
		codes->words[i] &= ~dropped->words[i];
}

/* All codes from first to last. */
struct codes codes_between(size_t first, size_t last);

/* The lowest code from `from` on; SPACE_CODES_MAX when there is none. */
size_t codes_next(const struct codes *codes, size_t from);

#endif
