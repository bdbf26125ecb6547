/*
 * holding: what the enforcer installed last, and whether the kernel is known to hold it still.
 *
 * Reading a hundred thousand flows back takes the kernel a second, so it is not done where nothing can have
 * changed: while the kernel's generation is the one at which our own installation was read back, the elements
 * are what they were. Chains, rules and the kinds of sets are read all the same.
 *
 * What is held lives on when everything it was made of is given back. To copy it takes longer than all else, with as many flows, and is done only where it must
 * be. A proposal that was taken is kept as it came. And where an installation left of what is held, or of what is offered, all but some elements of a few sets,
 * as one does that only lays isolation or crowding over it (ruleset/overlay.h), these sets alone are copied. Nobody sees a difference: what is held is one
 * ruleset, whole, isolation and all; by it foreign changes are repaired, the kernel is read and compared, and what is installed next begins.
 */
#ifndef SEKISHOD_HOLDING_H
#define SEKISHOD_HOLDING_H

#include "base/buf.h"
#include "kernel/snapshot.h"

enum { HOLDING_LAID_ELEMENTS_MAX = 16384 };	/* of all sets that are copied beside the rest; with more all is copied */

/* A ruleset that was unpacked, and all it lies in. */
struct unpacked {
	struct arena *arena;	/* NULL: there is none */
	struct ruleset *ruleset;
	struct buf copy;	/* the bytes it points into: either these, */
	struct span sealed;	/* or these, as sealed_map() gave them */
};

/* All zero: nothing was installed yet. */
struct holding {
	struct unpacked base;	/* with blocks (ruleset/blocks.h) */
	struct unpacked offered; /* what may become the base */
	struct arena *laid_arena; /* owns what differs from the base; NULL: nothing does */
	const struct ruleset *ruleset; /* what is held: the base, or a copy of it with sets from the laid arena; NULL: nothing yet. Sets by their names in the kernel */
	uint32_t generation;	/* the kernel held just that at this one; 0: not known */
	bool touched;		/* something was sent to the kernel since, which may have taken it */
	int64_t clock_s;	/* Unix time less the time since boot, then: by it the ends of elements were reckoned */
};

/* A ruleset is about to be installed, with something laid over it perhaps. It belongs to the holding from now on, which need not copy it then. */
void holding_offer(struct holding *holding, const struct unpacked *offered);

/* The installation is over; what was offered is given back, if it was not made use of. Nothing that points into it may be looked at any more. */
void holding_withdraw(struct holding *holding);

/*
 * Notes what was installed and read back at a generation. It is copied, but for what it shares with what is offered or held by now, which it may point into;
 * if not offered, it must not be looked at any more afterwards.
 */
void holding_set(struct holding *holding, const struct ruleset *installed, uint32_t generation);

/*
 * Others have changed rules since, up to this generation of the kernel, all of which is known and none of which was ours: what is held is held at that one as
 * well. So a hundred thousand flows are not read again whenever somebody changes his own rules. Nothing is taken for known that was not before.
 */
void holding_follow(struct holding *holding, uint32_t generation);

/* The kernel may hold something else by now; what was installed last stays. */
void holding_doubt(struct holding *holding);

/* What was installed last, as long as the holding stays as it is. NULL: nothing yet. */
const struct ruleset *holding_ruleset(const struct holding *holding);

/* The same for snapshot_read(), in the arena: NULL also when the kernel may hold something else, or the clock was set. */
const struct known_sets *holding_known(struct arena *arena, const struct holding *holding);

/* Gives back the memory. */
void holding_free(struct holding *holding);

/* Gives back what it lies in; then there is none. */
void unpacked_free(struct unpacked *unpacked);

#endif
