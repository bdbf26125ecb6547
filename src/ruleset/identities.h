/*
 * identities: things found by the identity of their flow.
 *
 * An identity is the head of a SHA-256, so its first bytes are as good as any hash of it. Who has the identities in an array of his own finds their places
 * here, in the time of one or two looks into memory. The array may be filled while it is indexed; what was added to the index must stay as it is.
 */
#ifndef RULESET_IDENTITIES_H
#define RULESET_IDENTITIES_H

#include "base/arena.h"
#include "ruleset/compile.h"

struct identities {
	const uint8_t *first;	/* the identity of the item at place 0 */
	size_t stride;		/* from one identity to the next, in bytes */
	uint32_t *slots;	/* place + 1; 0: free */
	size_t mask;
};

enum { IDENTITIES_MAX = 1 << 30 };	/* of one index */

/* An empty index for at most count items (IDENTITIES_MAX at most); first: where the identity of the first stands. In the arena. */
struct identities identities_for(struct arena *arena, const uint8_t *first, size_t stride, size_t count);

/* Adds the item at a place, unless one of the same identity was added before. Returns the place of that one, else its own. */
size_t identities_add(struct identities *identities, size_t place);

/* Finds the item of an identity. False: there is none. An index that is all zeros has none. */
bool identities_find(const struct identities *identities, const uint8_t identity[static COMPILE_IDENTITY_BYTES], size_t *ret_place);

#endif
