/*
 * holding: what the enforcer installed last, and whether the kernel is known to hold it still.
 *
 * Reading a hundred thousand flows back takes the kernel a second, so it is not done where nothing can have
 * changed: while the kernel's generation is the one at which our own installation was read back, the elements
 * are what they were. Chains, rules and the kinds of sets are read all the same.
 */
#ifndef SEKISHOD_HOLDING_H
#define SEKISHOD_HOLDING_H

#include "base/buf.h"
#include "kernel/snapshot.h"

struct holding {
	struct buf bytes;	/* packed, by the names its sets have in the kernel; empty: nothing was installed yet */
	struct arena *arena;	/* owns the ruleset but what lies in the bytes */
	const struct ruleset *ruleset; /* of the bytes, with blocks (ruleset/blocks.h); NULL: nothing yet */
	uint32_t generation;	/* the kernel held just that at this one; 0: not known */
	int64_t clock_s;	/* Unix time less the time since boot, then: by it the ends of elements were reckoned */
};

/* Notes what was installed and read back at a generation. installed may point into what is held by now. */
void holding_set(struct holding *holding, const struct ruleset *installed, uint32_t generation);

/* The kernel may hold something else by now; what was installed last stays. */
void holding_doubt(struct holding *holding);

/* What was installed last, as long as the holding stays as it is. NULL: nothing yet. */
const struct ruleset *holding_ruleset(const struct holding *holding);

/* The same for snapshot_read(), in the arena: NULL also when the kernel may hold something else, or the clock was set. */
const struct known_sets *holding_known(struct arena *arena, const struct holding *holding);

/* Gives back the memory. */
void holding_free(struct holding *holding);

#endif
