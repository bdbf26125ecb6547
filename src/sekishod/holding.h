/*
 * holding: what the enforcer installed last, and whether the kernel is known to hold it still.
 *
 * Reading a hundred thousand flows back takes the kernel a second, so it is not done where nothing can have
 * changed: while the kernel's generation is the one at which our own installation was read back, the elements
 * are what they were. Chains, rules and the kinds of sets are read all the same.
 *
 * What is held is copied, packed, because it lives on when everything it was made of is given back. With as many flows that takes longer than all else an
 * isolation does. So where an installation left of what is held all but some elements of a few sets, as one does that only lays isolation or crowding over it
 * (ruleset/overlay.h), the packed copy stays, and these sets are copied beside it. Nobody sees a difference: what is held is one ruleset, whole, isolation
 * and all; by it foreign changes are repaired, the kernel is read and compared, and what is installed next begins.
 */
#ifndef SEKISHOD_HOLDING_H
#define SEKISHOD_HOLDING_H

#include "base/buf.h"
#include "kernel/snapshot.h"

enum { HOLDING_LAID_ELEMENTS_MAX = 16384 };	/* of all sets beside the packed copy; with more all is packed anew */

/* All zero: nothing was installed yet. */
struct holding {
	struct buf bytes;	/* packed, by the names its sets have in the kernel; empty: nothing was installed yet */
	struct arena *arena;	/* owns the base but what lies in the bytes */
	const struct ruleset *base; /* of the bytes, with blocks (ruleset/blocks.h); NULL: nothing yet */
	struct arena *laid_arena; /* owns what differs from the base; NULL: nothing does */
	const struct ruleset *ruleset; /* what is held: the base, or a copy of it with sets from the laid arena; NULL: nothing yet */
	uint32_t generation;	/* the kernel held just that at this one; 0: not known */
	bool touched;		/* something was sent to the kernel since, which may have taken it */
	int64_t clock_s;	/* Unix time less the time since boot, then: by it the ends of elements were reckoned */
};

/*
 * Notes what was installed and read back at a generation. It is copied, but for what it shares with what is held by now, which it may point into; afterwards it
 * must not be looked at any more.
 */
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
