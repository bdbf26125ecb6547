/*
 * ruleset_sample: random rulesets for tests, always the same one for the same seed and compiler.
 *
 * They hold only what nf_tables and nft 1.0.6 accept: at most five fields in a key, interval sets of two
 * fields or more whose elements share no point, chains that are reached without a loop, jumps to chains that
 * are not base chains, next hops asked for only behind the forward hook, and each match behind the explicit
 * protocol match it needs. Names are few and the same for all seeds, so that two rulesets have much in common
 * to differ in.
 */
#ifndef TESTS_UNIT_RULESET_SAMPLE_H
#define TESTS_UNIT_RULESET_SAMPLE_H

#include "ruleset/ruleset.h"

/* A small generator of random numbers (splitmix64); any seed is good. */
struct sample_random {
	uint64_t state;
};

/* What the samples speak of. */
struct sample_world {
	/* Interfaces that exist where the ruleset will be loaded; at least one. */
	const struct link_table *links;
	/* Unix time; expiring elements live 60 seconds or more beyond it. */
	int64_t now;
	/* Per set. The elements of interval sets are compared in pairs, so keep it below some hundreds. */
	size_t elements_max;
};

/* The next random number. */
uint64_t sample_next(struct sample_random *random);

/* A random number from 0 to bound - 1; bound > 0. */
uint32_t sample_below(struct sample_random *random, uint32_t bound);

/* The link table of an empty network namespace: "lo" with index 1. */
const struct link_table *sample_loopback(void);

/* A random ruleset: table inet always, netdev and bridge now and then. In the arena. */
struct ruleset *ruleset_sample(struct arena *arena, uint64_t seed, const struct sample_world *world);

/*
 * The original with `edits` elements added, removed or changed, spread over its sets. In the arena; shares
 * the original's bytes.
 */
struct ruleset *ruleset_sample_edited(struct arena *arena, const struct ruleset *original, uint64_t seed,
				      const struct sample_world *world, size_t edits);

/*
 * A ruleset with one set of count elements and a rule that looks it up: exact (interval false) or of ranges.
 * count <= 1 << 24. In the arena.
 */
struct ruleset *ruleset_sample_large(struct arena *arena, size_t count, bool interval);

#endif
