/*
 * boxes: overlapping ranges of several fields cut apart, so that no point lies in two.
 *
 * A box is a range in each field of a key: the addresses, protocols and ports one flow allows. The kernel's interval maps hold one answer per
 * point, so where flows overlap the box of better rank keeps the common part and the others keep what is left of theirs. When the better one
 * goes, the next compile gives its part back to the others: what a point is allowed never depends on rank, only which flow is named for it.
 */
#ifndef RULESET_BOXES_H
#define RULESET_BOXES_H

#include "ruleset/ruleset.h"

struct box {
	const uint8_t *low, *high;	/* key_size() bytes each, inclusive in every field, fields padded as in a key */
	uint32_t rank;			/* smaller is better; no two boxes of one flow overlap */
	uint32_t mark;
};

struct box_list {
	struct box *items;
	size_t count, capacity;
};

/*
 * Cuts boxes apart. The result covers the same points, each once; at a point stands the mark of the best rank. In the arena. 0; -E2BIG when more than
 * count_max boxes would remain. About n log n where few overlap; n * k where k others share a box's range in its most selective address field.
 */
int boxes_disjoint(struct arena *arena, const struct key *key, const struct box_list *boxes, size_t count_max, struct box_list *ret_boxes);

/* Appends a box. low and high must live as long as the list. */
void box_list_add(struct arena *arena, struct box_list *list, struct box box);

#endif
