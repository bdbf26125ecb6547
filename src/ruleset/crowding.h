/*
 * crowding: which pairs of zones hold too many connections, and what a ruleset says of them. Pure.
 *
 * The kernel has one table of connections for everybody, and who fills it stops all others. So what one zone began towards another is counted, by the marks
 * that connections carry, and the pair that holds its limit is crowded: no connection of it begins but those of flows that must not stop. What runs goes on,
 * and other pairs notice nothing. A pair has the limit that the file gives it. A pair without one is held, while the table as a whole is as full as an alarm
 * says, to an equal share of it; so nobody has to write limits to be safe from a single pair.
 *
 * A ruleset that the compiler makes knows of no crowding: it leaves the set @crowded empty, and whoever installs it lays this over it. Limits are not in the
 * kernel: a changed limit changes no rule and cuts nothing, and connections that began before it count. They are counted from outside because the kernel's own
 * way (`ct count over`) goes through all connections of a list, again in each tick of its clock: measured on 6.18, a new connection took 10 times as long with
 * 10,000 in the list, and 100 to 1,000 times with 100,000; it also enters those that it refuses. The price is that what begins between two countings passes.
 */
#ifndef RULESET_CROWDING_H
#define RULESET_CROWDING_H

#include "ruleset/pins.h"

enum {
	CROWDING_STRAIN_PERCENT = 80,	/* of its places are taken: the table is strained; the alarm of the witness says the same */
	CROWDING_RELIEF_PERCENT = 70,	/* until fewer are */
	CROWDING_SLACK = 16,		/* a crowded pair is so when it has a 16th less than its limit, or one less at least */
};

/* What one zone began towards another. */
struct pair_load {
	const char *from, *to;		/* names of zones */
	uint32_t connections;
	uint32_t limit;			/* that holds now; UINT32_MAX: none */
	bool crowded;
};

struct crowding {
	const struct pair_load *pairs;	/* those that the ruleset has chains for, in the order of zones */
	size_t count;
	bool strained;			/* the table as a whole: pairs without a limit of their own are held to their share */
};

/* What the kernel's table of connections holds. */
struct crowding_census {
	const uint32_t *marks;		/* rising, none twice, none 0 */
	const size_t *connections;	/* how many carry the mark, same order */
	size_t count;
	uint32_t entries, entries_max;	/* of all, also without a mark; entries_max 0: not known */
};

/*
 * Judges who is crowded. ruleset says which mark belongs to which pair; pins, from which it was made, give zones and limits; before is the judgement before this
 * one, or NULL. Names are copied. In the arena.
 */
struct crowding crowding_judge(struct arena *arena, const struct ruleset *ruleset, const struct pins *pins, const struct crowding_census *census,
			       const struct crowding *before);

/* With fewer entries in the table than this no pair can be at its limit. */
uint32_t crowding_entries_min(const struct pins *pins, uint32_t entries_max);

/* True when the table has so many entries that pairs are to be held to their share. */
bool crowding_strains(uint32_t entries, uint32_t entries_max);

/* How many connections have to begin before another pair can be crowded; UINT32_MAX: no number is enough as things are. */
uint32_t crowding_room(const struct crowding *crowding);

/* A pair of this judgement by the names of its zones, or NULL. */
const struct pair_load *crowding_pair(const struct crowding *crowding, const char *from, const char *to);

/*
 * A copy of ruleset in which crowding alone says what @crowded holds; without pairs it is empty. zones name the interfaces, which are looked up in the
 * ruleset's links. In the arena, pointing into ruleset.
 */
struct ruleset *crowding_apply(struct arena *arena, const struct ruleset *ruleset, const struct program_input *zones, const struct crowding *crowding);

/* The ruleset as it would be if nobody were crowded: what a file is compared with. NULL of NULL. In the arena, pointing into ruleset. */
const struct ruleset *crowding_lift(struct arena *arena, const struct ruleset *ruleset);

/* True when both say the same of who is crowded. */
bool crowding_same(const struct ruleset *a, const struct ruleset *b);

#endif
