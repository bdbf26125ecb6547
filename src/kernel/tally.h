/*
 * tally: how many packets the kernel has refused, by reason and pair of interfaces. Needs CAP_NET_ADMIN.
 *
 * A counter runs from the moment its rule or element was made. Whoever adds readings up must see when it began anew: by its handle, which is not
 * given twice between two boots, and by a number that got smaller (an element that left its set and came back).
 */
#ifndef KERNEL_TALLY_H
#define KERNEL_TALLY_H

#include "kernel/nfnl.h"
#include "ruleset/program.h"

/* One counter as it was read. */
struct tally_count {
	uint8_t counter;	/* index into refusal_counters() */
	bool whole;		/* of the chain: all packets, whatever their interfaces; iif and oif are 0 */
	uint32_t iif, oif;	/* indexes; 0: the side the packets did not have */
	uint64_t handle;	/* of the table, and of the rule or the set in it: a table that is made anew begins its numbers anew */
	uint64_t packets;
};

struct tally {
	struct tally_count *counts;	/* the whole counts first */
	size_t count;
};

/*
 * Reads all counters that are there. The whole counts are read before those by interfaces: so where packets come meanwhile, the sum of a
 * reason's pairs is no smaller than its whole count less what came by no zone. In the arena. 0 or negative errno (-EINTR: the rules were being changed).
 */
int tally_read(struct arena *arena, struct nfnl *nfnl, struct tally *ret_tally);

#endif
