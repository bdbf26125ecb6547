/*
 * prove_parts: one proof at work, and what its parts offer each other. Private to prove*.c.
 *
 *	prove.c		the order of things: sources, marks, hooks, chains of processes
 *	prove_marks.c	which marks rules give to which connections
 *	prove_sources.c	which senders get past prerouting
 *	prove_judge.c	a path that was let through: divided until every line holds of it, or a packet breaks one
 *	prove_lines.c	which lines a set of packets may break
 *	prove_packet.c	one packet of a set, tried with evaluate()
 */
#ifndef RULESET_PROVE_PARTS_H
#define RULESET_PROVE_PARTS_H

#include "ruleset/prove.h"
#include "ruleset/prove_grants.h"
#include "ruleset/prove_walk.h"

enum {
	PROVE_PROTOCOL_ICMP = 1, PROVE_PROTOCOL_TCP = 6, PROVE_PROTOCOL_UDP = 17, PROVE_PROTOCOL_AH = 51, PROVE_PROTOCOL_ICMP6 = 58,
	PROVE_PROTOCOL_SCTP = 132,
	ETHER_TYPE_IPV4 = 0x0800, ETHER_TYPE_IPV6 = 0x86dd,
	PROVE_NO_ZONE = UINT32_MAX,
	GIVER_FACTS_MAX = 16,
	PROVE_BAD_SOURCES_MAX = 256,	/* of one family; more are not kept, and the lines are not proved */
};

/* What makes a connection one: its first packet, as conntrack sees it. */
struct tuple {
	struct codes protocols, icmp_types;
	struct extent source, destination, sport, dport, uid;
	bool any_user;			/* who began it is not known any more */
	bool from_gateway, to_gateway, through; /* of which kind it can be: an address is the gateway's or it is not */
};

/* A place in the rules that gives marks, with the packets it gives them to. */
struct giver {
	const struct lookup *lookup;	/* NULL: `value` */
	uint32_t value;
	enum hook_point hook;
	bool quoted;			/* the packets are ICMP errors, and the mark goes to whatever they quote */
	struct codes states;
	struct tuple tuple;
	const struct region *region;	/* of the tuple and states; set when all are known */
	struct fact facts[GIVER_FACTS_MAX]; /* those that ask neither for sets nor for marks; more are left out */
	size_t fact_count;
};

/* A mark and one way to get it. */
struct given {
	uint32_t mark;
	uint32_t giver;			/* index */
	const struct element *element;	/* NULL: the giver's value */
};

struct givers {
	struct giver *sites;
	size_t site_count, site_capacity;
	struct given *items;		/* sorted by mark */
	size_t count, capacity;
};

/* Senders that should not get past prerouting, and do. */
struct bad_source {
	enum proof_line line;		/* SOURCE or MAC */
	struct region region;		/* of prerouting */
};

struct prover {
	struct arena *arena;
	const struct proof_input *input;
	struct proof *proof;
	struct space space;
	struct grants *grants;
	uint64_t work_max;		/* steps after which it is given up */
	uint32_t open;			/* bits of lines that are neither broken yet nor given up */
	unsigned int doubts[PROOF_LINE_COUNT]; /* sets of packets that may break the line, and of which no packet passed */
	struct codes tcp_flags;		/* tcp_valid_flags() */
	struct codes untranslated;	/* status_untranslated() */

	uint32_t zone_of[SPACE_CODES_MAX]; /* by code of an interface; PROVE_NO_ZONE */
	struct codes *zone_interfaces, *zone_hops; /* by zone */
	struct codes outside;		/* interfaces in no zone, the loopback among them */
	size_t loopback;		/* its code */
	struct codes isolated;		/* interfaces that are cut off */
	struct extent *networks[2];	/* by family (4, 6): networks of all zones, each zone's sorted */
	size_t *network_begins[2];	/* by zone, one more at the end */

	enum hook_point hook;		/* where rules are being walked */

	/* of the family at hand */
	uint8_t family;
	struct atoms atoms;
	struct walker *walker;
	struct givers givers;
	struct bad_source *bad_sources;
	size_t bad_source_count;
	struct codes dirty;		/* interfaces by which a source of another zone gets past prerouting */

	/* PROOF_CHAIN: packets with ports to and from the gateway, by tier */
	bool heard[TIER_COUNT], speaks[TIER_COUNT];
	struct region heard_region[TIER_COUNT], speaks_region[TIER_COUNT];
	uint8_t heard_family[TIER_COUNT], speaks_family[TIER_COUNT];
};

/* How a set of packets is to be looked at. */
struct view {
	enum hook_point hook;
	bool reply;		/* of the reply direction */
	bool error;		/* ICMP errors: they belong to the connection they quote */
	bool answered;		/* not let through, but refused with an answer */
	bool any_user;		/* who began the connection was asked then, and is not known now */
	bool marks_free;	/* the arriving mark has not been looked at: it says which connections these can be */
	bool any_mark;		/* more than what passes: whatever mark the packets have, also one that connections of theirs cannot have */
	uint32_t lines;		/* bits of the lines that are in question */
};

static inline uint32_t line_bit(enum proof_line line)
{
	return (uint32_t)1 << line;
}

/* Lines that hold whatever mark a packet arrives with. */
static inline uint32_t lines_of_any_mark(void)
{
	return line_bit(PROOF_NEVER) | line_bit(PROOF_OUTSIDE) | line_bit(PROOF_UPLINK) | line_bit(PROOF_NAT) | line_bit(PROOF_SILENCE) |
	       line_bit(PROOF_ISOLATED);
}

/* ---- prove_lines.c */

/*
 * Finds packets of the path that may break a line of the view. found is called with each line and packets; true: enough of this line. decided: all of the
 * packets do, if they pass; false: there was too much to look at, and nobody knows of which. Returns the lines for which something was found.
 */
typedef bool (*breach_found)(void *context, enum proof_line line, const struct region *region, int64_t at, bool decided);
uint32_t lines_seek(struct prover *prover, const struct view *view, const struct path *path, breach_found found, void *context);

/* Remembers that packets of the path are heard by the gateway, or are what it says first. */
void chain_note(struct prover *prover, const struct view *view, const struct region *region);

/* True for protocols whose ports conntrack tells apart; codes of them; types of ICMP errors and of pings of the family at hand. */
struct codes protocols_with_ports(void);
struct codes icmp_error_types(uint8_t family);	/* see protocols_with_ports() */
struct codes protocols_read(uint8_t family);	/* those whose transport header conntrack needs: with ports, and ICMP */
size_t icmp_protocol(uint8_t family);		/* see protocols_with_ports() */

/* Flags of TCP that conntrack takes for valid; PSH, ECE and CWR do not matter to it. */
struct codes tcp_valid_flags(void);

/* Conntrack status of connections whose addresses are not translated. */
struct codes status_untranslated(void);

/* ---- prove_judge.c */

/* Judges a path that was let through at the hook (FORWARD, INPUT, OUTPUT, INGRESS, BRIDGE), or answered at any. */
void judge_end(struct prover *prover, enum hook_point hook, const struct path *path);

/* A line cannot be proved. */
void line_doubt(struct prover *prover, enum proof_line line, enum proof_doubt doubt);

/* The same for some lines. */
void lines_doubt(struct prover *prover, uint32_t lines, enum proof_doubt doubt);

/* ---- prove_marks.c */

/* Takes a gift of the walk at hand. */
void givers_take(struct prover *prover, const struct mark_gift *gift);

/* Sorts who gives which mark. */
void givers_close(struct prover *prover);

/* Visits each kind of connection that can carry a mark of [first, last]; of one and the same tuple perhaps more than once. */
void givers_each(struct prover *prover, uint32_t first, uint32_t last, void (*visit)(void *context, const struct tuple *tuple), void *context);

/* The types of the answers to ICMP messages that ask, and of what answers answer; others stay. */
struct codes icmp_turned(const struct codes *types);

/* Every connection there can be. */
struct tuple tuple_any(const struct prover *prover);

/* ---- prove_sources.c */

/* Walks prerouting: fills bad_sources and dirty, and judges what is answered there. */
void sources_walk(struct prover *prover);

/* The networks of a zone in the family at hand. */
const struct extent *zone_networks(const struct prover *prover, uint32_t zone, size_t *ret_count);

/* ---- prove_packet.c */

/*
 * Tries packets of the path, which are of a family, until one goes through the hook (or is answered); that is the breach. at: Unix time to try at. False: none of
 * so many attempts did.
 */
bool breach_confirm(struct prover *prover, uint8_t family, const struct view *view, const struct path *path, int64_t at, unsigned int attempts,
		    struct breach *ret_breach);

#endif
