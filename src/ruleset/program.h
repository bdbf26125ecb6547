/*
 * program: the fixed part of the kernel program, made from nothing but zones, their interfaces and the pairs that have a flow.
 *
 * The compiler fills its sets; the receiver's audit (ruleset/audit.h) builds it a second time from its own pins and demands equality. So a
 * compromised planner cannot change a rule, only elements, and those the audit judges one by one.
 */
#ifndef RULESET_PROGRAM_H
#define RULESET_PROGRAM_H

#include "base/buf.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

/* What the program is made from: the pins the parent reads from the root-owned file, or the zones of a policy. */
struct program_zone {
	const char *name;
	enum tier tier;
	bool uplink;
	const char *const *interfaces;	/* names; those without a link are left out of the program */
	size_t interface_count;
};

struct program_pair {
	uint32_t from, to;	/* indexes into zones; equal for a hairpin */
	bool rejects;		/* refused packets are answered */
};

struct program_input {
	const struct program_zone *zones;
	size_t zone_count;
	const struct program_pair *pairs; /* sorted by from, to; no two equal */
	size_t pair_count;
	const struct link_table *links;
};

/* Pairs of interfaces, iif . oif, between which no connection may begin but those of @critical. The compiler leaves it empty (crowding.h). */
#define PROGRAM_CROWDED_SET "crowded"

/* Reasons a packet is refused for; refuse.<reason> chains and NFLOG prefixes. */
enum refusal { REFUSE_SOURCE, REFUSE_MAC, REFUSE_ROUTING_HEADER, REFUSE_ISOLATED, REFUSE_INVALID, REFUSE_NAT, REFUSE_NEXT_HOP, REFUSE_RELATED,
	       REFUSE_MIDSTREAM, REFUSE_PAIR, REFUSE_FLOW, REFUSE_LOCAL, REFUSE_EGRESS, REFUSE_LOOPBACK, REFUSE_CONNECTIONS, REFUSE_COUNT };

/* "source", "mac", ... as in the chain's name and the log prefix. */
const char *refusal_name(enum refusal refusal);

/* A whole sentence for people: what was refused and why. */
const char *refusal_sentence(enum refusal refusal, enum language language);

/* The refusal whose chain has this name; false if none has. */
bool refusal_of_chain(const char *chain, enum refusal *ret_refusal);

/* The refusal that a log prefix names ("sekisho flow "); false if it is none of ours. */
bool refusal_of_prefix(struct span prefix, enum refusal *ret_refusal);

/* A place where the kernel counts refusals: a chain whose first rule counts all of them, and a set whose elements count them by pair of interfaces. */
struct refusal_counter {
	const char *reason;	/* refusal_name(), or "quiet": broadcast and multicast */
	const char *chain;
	const char *set;	/* NULL: another counter has the set of this reason */
};

/* Places in the list of all of them; a reason before REFUSE_CONNECTIONS stands at its own, one from there on two behind it. */
enum { REFUSAL_COUNTER_ANSWERED = REFUSE_CONNECTIONS, REFUSAL_COUNTER_QUIET, REFUSAL_COUNTERS = REFUSE_COUNT + 2 };

/*
 * All of them, in the arena. All are in table inet sekisho. The database of refusals knows them by their places in this list between two starts, so a new one
 * stands behind those that were there before it.
 */
const struct refusal_counter *refusal_counters(struct arena *arena);

/*
 * The program: all tables, chains, rules and sets; the sets `ports`, `uplinks`, `guarded` and `pairs` are filled (they follow from the input alone), all other sets
 * are empty. The ruleset holds a copy of the links. In the arena.
 */
struct ruleset *program_build(struct arena *arena, const struct program_input *input);

/* Which map of a pair: name such as "lgwan.internet.exact4" into the arena. kind is "exact", "range" or "portless"; nfproto is NFPROTO_V4 or _V6. */
const char *program_map_name(struct arena *arena, const char *from, const char *to, const char *kind, uint8_t nfproto);

/*
 * The chains of an interface in which its senders are judged, "networks/lg0" and "bound/lg0", into the arena: an element of @sources jumps to the
 * one or, where an address of the zone is bound, to the other. No interface has a slash in its name.
 */
const char *program_networks_chain(struct arena *arena, const char *interface);
const char *program_bound_chain(struct arena *arena, const char *interface); /* see program_networks_chain() */

/*
 * Sets of senders of an interface, into the arena: all addresses of its zone, "networks/lg0/4", and those that none is bound to, "free/lg0/4". nfproto is
 * NFPROTO_V4 or _V6.
 */
const char *program_networks_name(struct arena *arena, const char *interface, uint8_t nfproto);
const char *program_free_name(struct arena *arena, const char *interface, uint8_t nfproto); /* see program_networks_name() */

/* The index of the interface whose senders such a set holds, by its name or second name (diff.h); 0: there is no such interface. */
uint32_t program_senders_interface(const struct link_table *links, const char *set);

/* True for a set of senders that none is bound to. */
bool program_senders_are_free(const char *set);

/*
 * Takes a pair map's or pair chain's name apart: the zones' indexes; false when it is no such name. Names of zones hold no dot, so this is exact.
 */
bool program_pair_of_name(const struct program_input *input, const char *name, uint32_t *ret_from, uint32_t *ret_to);

#endif
