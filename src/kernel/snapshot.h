/*
 * snapshot: our tables as the kernel holds them, decoded into a ruleset (P8).
 *
 * Decoding runs each rule's expressions symbolically over the registers, so that bytecode made by nft and by us
 * gives the same steps. What cannot be decoded in a table of ours is kept as an alien: the ruleset then never
 * equals an intended one.
 *
 * So that a difference repairs what it can, aliens leave a trace in the ruleset: an alien rule stands in its
 * chain, marked so, as a rule whose steps only name the sets it looks up, with what was not understood as its comment; an
 * alien set, or one with an alien element, as a set of its name without key fields and elements; an alien chain
 * as a base chain with policy VERDICT_NONE.
 */
#ifndef KERNEL_SNAPSHOT_H
#define KERNEL_SNAPSHOT_H

#include "kernel/nfnl.h"
#include "ruleset/ruleset.h"

/* Something in our tables that is not of our kind. */
struct alien {
	enum family family;
	const char *where;	/* "chain forward rule 3", "set x", "flowtable y" */
	const char *what;	/* the expression or attribute that was not understood */
	bool dormant;		/* the table's chains are not in force, and its `dormant` says so */
	bool needs_new_table;	/* leaves no trace in the ruleset: only deleting the whole table removes it */
};

struct snapshot {
	struct ruleset *ruleset;	/* NULL: no table named sekisho in any family */
	uint32_t generation;		/* nf_tables generation it was read at */
	const struct alien *aliens;
	size_t alien_count;
};

/*
 * What is known of our sets from an earlier reading. Their elements change only by a transaction, which moves
 * the generation, or by expiring; chains and rules may go with an interface and are always read.
 */
struct known_sets {
	const struct ruleset *ruleset;	/* sets that are not in it are read */
	uint32_t generation;		/* its elements were in the kernel at this one */
};

enum { SNAPSHOT_ATTEMPTS_MAX = 16 };

/*
 * Reads all tables named sekisho, consistently: the generation is the same before and after, or it reads again
 * up to SNAPSHOT_ATTEMPTS_MAX times. links are needed to give netdev chains and the result their interfaces.
 * now: Unix time, to make absolute expiry from what remains (rounded to the nearest second). known: sets whose
 * elements need not be read while the generation is theirs, or NULL; elements are shared with it, so it must
 * outlive the snapshot. 0 or negative errno (-EAGAIN: it kept changing).
 */
int snapshot_read(struct arena *arena, struct nfnl *nfnl, const struct link_table *links, int64_t now,
		  const struct known_sets *known, struct snapshot *ret_snapshot);

#endif
