/*
 * crowd: when the enforcer counts connections by pair of zones, and what came of it (ruleset/crowding.h).
 *
 * Four times a second it asks how many connections there are at all. They are counted when that makes it possible that a pair is at its limit, or while one is
 * crowded: again and again, but never for more than a twentieth of the time, and a third while a pair is crowded or near its limit. Reading is done bit by bit,
 * so that nothing else waits for it.
 */
#ifndef SEKISHOD_CROWD_H
#define SEKISHOD_CROWD_H

#include "kernel/census.h"
#include "kernel/conntrack.h"
#include "ruleset/crowding.h"

enum {
	CROWD_LOOK_MS = 250,
	CROWD_PAUSES_CALM = 19,		/* times as long as it took to count */
	CROWD_PAUSES_PRESSED = 2,
};

struct crowd {
	struct census census;
	struct conntrack_fill fill;	/* as it was looked at last */
	uint32_t fill_counted;		/* its entries when it was counted last */
	int64_t look_at_ms, count_at_ms; /* when it may be looked at, and counted, again; monotonic */
	int64_t begun_ms;		/* of the count at work */
	struct arena *arena;		/* of the judgement; NULL: none yet */
	struct crowding crowding;
};

/* Opens what is needed. 0 or negative errno: then nothing is ever counted, and nobody crowded. */
int crowd_open(struct crowd *ret_crowd);

/* What to wait at besides, and how long at most: milliseconds. -1: at nothing, for ever. */
int crowd_descriptor(const struct crowd *crowd);
int crowd_wait_ms(const struct crowd *crowd, int64_t now_ms); /* see crowd_descriptor() */

/* Limits may be others now: it is counted as soon as it is looked. */
void crowd_renew(struct crowd *crowd);

/* The time may have come to look, and then to begin to count. nfnl: to ask by; pins: by which the rules in force were made. */
void crowd_look(struct crowd *crowd, struct nfnl *nfnl, const struct pins *pins, int64_t now_ms);

/*
 * Takes what was counted so far. True: that is all, and there is another judgement in crowd->crowding; *ret_before, in the caller's arena, is the one before.
 * ruleset: what is in force, by these pins.
 */
bool crowd_count(struct crowd *crowd, struct arena *arena, const struct ruleset *ruleset, const struct pins *pins, int64_t now_ms,
		 struct crowding *ret_before);

/* Tells of pairs that are crowded now and were not, and of those that are no more: an alarm for each, and its end. */
void crowd_tell(const struct crowd *crowd, const struct crowding *before);

/* Gives back everything. */
void crowd_close(struct crowd *crowd);

#endif
