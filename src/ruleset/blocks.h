/*
 * blocks: runs of a set's elements with a digest each, so that two large sets that differ little are compared in the time of what differs.
 *
 * A block ends behind an element whose key says so, wherever it stands: so what is added or taken away shifts no other block, and both sets have the
 * same blocks again a few elements further. The digest is SHA-256 of all that element_equal() looks at. Equal digests are equal elements, as far as
 * anybody knows how to make them otherwise; by the same digest a flow is known by its content.
 */
#ifndef RULESET_BLOCKS_H
#define RULESET_BLOCKS_H

#include "base/digest.h"
#include "ruleset/ruleset.h"

enum {
	BLOCKS_FROM = 1024,	/* sets with fewer elements are compared one by one */
	BLOCK_MEAN = 64,	/* elements of a block, in the mean; a power of two */
};

struct block {
	size_t begin, end;	/* of elements, end excluded; never empty */
	uint8_t digest[DIGEST_BYTES];
};

/* Of the elements of a set. They hold for the very array they were made of; a set that shares it shares them. */
struct element_blocks {
	const struct element *elements;
	size_t element_count;
	struct block *items;	/* one behind the other, over all elements */
	size_t count;
};

/* Makes the blocks of each large set of the ruleset that has none. In the arena. From then on its elements must not be changed. */
void ruleset_make_blocks(struct arena *arena, struct ruleset *ruleset);

/* The blocks of a set, or NULL when there are none for the elements it has. */
const struct element_blocks *set_blocks(const struct set *set);

#endif
