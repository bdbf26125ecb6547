/*
 * prove_grants: are these packets granted? Private to prove*.c.
 *
 * Each grant becomes boxes: a range of sources, one of destinations, one of ports. Boxes of one point are found by their key, others by
 * an interval tree over the end in which they differ more.
 */
#ifndef RULESET_PROVE_GRANTS_H
#define RULESET_PROVE_GRANTS_H

#include "ruleset/prove_space.h"

/* Packets of one protocol on one path. Ends are those of the connection: a reply is turned round by whoever asks. */
struct grant_box {
	enum flow_kind kind;
	uint8_t family;
	uint32_t from, to;		/* zones; the end that the kind does not have is 0 */
	uint16_t protocol;		/* as in the packet; POLICY_ANY_PROTOCOL in a grant */
	struct extent source, destination, ports, uid; /* all values where it makes no difference */
	bool any_user;			/* of a question: the user was asked when the connection began, and is not known now */
};

struct grants;

/* Makes the index of the grants that are open at `now`, in the arena. */
struct grants *grants_index(struct arena *arena, const struct pins *pins, int64_t now);

/* What of a box the grants leave uncovered. */
enum grants_answer {
	GRANTS_COVER,		/* nothing, as long as is asked for */
	GRANTS_EXPIRE,		/* nothing now; but the last grant of a part closes before `until`: *ret_rest is that part, *ret_closes_at the time */
	GRANTS_LACK,		/* *ret_rest is not granted at all */
	GRANTS_TOO_MANY,	/* more grants overlap in it than can be looked at */
};

/*
 * Asks. echo: the packets are pings, which grants of protocol 1 mean. until: Unix time up to which the packets would pass; INT64_MAX: for
 * ever. A grant may close GRANTS_ROUNDING_S earlier, because the kernel counts from when it was told.
 */
enum grants_answer grants_ask(const struct grants *grants, const struct grant_box *box, bool echo, int64_t until, struct grant_box *ret_rest,
			      int64_t *ret_closes_at);

/* True when some grant leads from one zone to the other in this family. */
bool grants_join(const struct grants *grants, uint8_t family, enum flow_kind kind, uint32_t from, uint32_t to);

/* True when a grant between the zones, of whatever protocol, has all these sources and destinations. */
bool grants_have_ends(const struct grants *grants, const struct grant_box *box);

enum { GRANTS_ROUNDING_S = 2, GRANTS_OVERLAPS_MAX = 512 };

#endif
