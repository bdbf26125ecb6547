/* boxes: overlapping ranges of several fields cut apart. */
#include "ruleset/boxes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the fields of a key stand. */
struct layout {
	size_t count;
	size_t size;				/* of the whole key */
	size_t offset[RULESET_KEY_FIELDS_MAX];
	size_t width[RULESET_KEY_FIELDS_MAX];	/* bytes of the value, without padding */
};

static struct layout layout_of(const struct key *key)
{
	struct layout layout = { .count = key_field_count(key), .size = key_size(key) };
	size_t offset = 0;

	for (size_t i = 0; i < layout.count; i++) {
		layout.offset[i] = offset;
		layout.width[i] = field_size(key->fields[i]);
		offset += field_slot(key->fields[i]);
	}
	return layout;
}

void box_list_add(struct arena *arena, struct box_list *list, struct box box)
{
	list->items = arena_grow(arena, list->items, list->count, &list->capacity, sizeof(*list->items));
	list->items[list->count++] = box;
}

static bool boxes_overlap(const struct layout *layout, const struct box *a, const struct box *b)
{
	for (size_t i = 0; i < layout->count; i++) {
		size_t at = layout->offset[i], width = layout->width[i];

		if (memcmp(a->low + at, b->high + at, width) > 0 || memcmp(b->low + at, a->high + at, width) > 0)
			return false;
	}
	return true;
}

/* Big-endian value plus or minus one; the caller knows that it does not wrap. */
static void increment(uint8_t *bytes, size_t width)
{
	while (width-- > 0 && ++bytes[width] == 0)
		continue;
}

static void decrement(uint8_t *bytes, size_t width)
{
	while (width-- > 0 && bytes[width]-- == 0)
		continue;
}

/* One side of a box that sticks out of the cutter in one field. */
static void add_piece(struct arena *arena, const struct layout *layout, struct box_list *pieces, const struct box *rest, size_t field,
		      const struct box *cutter, bool below)
{
	uint8_t *low = arena_alloc(arena, layout->size), *high = arena_alloc(arena, layout->size);
	size_t at = layout->offset[field], width = layout->width[field];
	struct box piece = *rest;

	memcpy(low, rest->low, layout->size);
	memcpy(high, rest->high, layout->size);
	if (below) {
		memcpy(high + at, cutter->low + at, width);
		decrement(high + at, width);
	} else {
		memcpy(low + at, cutter->high + at, width);
		increment(low + at, width);
	}
	piece.low = low;
	piece.high = high;
	box_list_add(arena, pieces, piece);
}

/* What is left of a box outside the cutter: at most two pieces per field; the rest shrinks to the common part, which the cutter keeps. */
static void box_subtract(struct arena *arena, const struct layout *layout, const struct box *box, const struct box *cutter,
			 struct box_list *pieces)
{
	uint8_t *low = arena_alloc(arena, layout->size), *high = arena_alloc(arena, layout->size);
	struct box rest = *box;

	memcpy(low, box->low, layout->size);
	memcpy(high, box->high, layout->size);
	rest.low = low;
	rest.high = high;
	for (size_t i = 0; i < layout->count; i++) {
		size_t at = layout->offset[i], width = layout->width[i];

		if (memcmp(low + at, cutter->low + at, width) < 0) {
			add_piece(arena, layout, pieces, &rest, i, cutter, true);
			memcpy(low + at, cutter->low + at, width);
		}
		if (memcmp(high + at, cutter->high + at, width) > 0) {
			add_piece(arena, layout, pieces, &rest, i, cutter, false);
			memcpy(high + at, cutter->high + at, width);
		}
	}
}

/* Sorted along one field, the boxes that can overlap are neighbours. */
struct sweep {
	const struct layout *layout;
	size_t field;
};

static int compare_low(const void *a, const void *b, void *context)
{
	const struct sweep *sweep = context;
	const struct box *const *left = a, *const *right = b;
	int order = memcmp((*left)->low + sweep->layout->offset[sweep->field], (*right)->low + sweep->layout->offset[sweep->field],
			   sweep->layout->width[sweep->field]);

	return order ? order : ((*left)->rank > (*right)->rank) - ((*left)->rank < (*right)->rank);
}

/* How many different beginnings the boxes have in a field: the more, the fewer share one. boxes are sorted along it. */
static size_t count_beginnings(const struct sweep *sweep, struct box *const *sorted, size_t count)
{
	size_t beginnings = count > 0;

	for (size_t i = 1; i < count; i++)
		beginnings += memcmp(sorted[i - 1]->low + sweep->layout->offset[sweep->field],
				     sorted[i]->low + sweep->layout->offset[sweep->field], sweep->layout->width[sweep->field]) != 0;
	return beginnings;
}

/* Sorts along the field that separates the boxes best. */
static struct sweep sort_for_sweep(const struct layout *layout, struct box **sorted, size_t count)
{
	struct sweep best = { layout, 0 };
	size_t best_beginnings = 0;

	for (size_t i = 0; i < layout->count; i++) {
		struct sweep sweep = { layout, i };
		size_t beginnings;

		qsort_r(sorted, count, sizeof(*sorted), compare_low, &sweep);
		beginnings = count_beginnings(&sweep, sorted, count);
		if (beginnings > best_beginnings) {
			best = sweep;
			best_beginnings = beginnings;
		}
	}
	qsort_r(sorted, count, sizeof(*sorted), compare_low, &best);
	return best;
}

/* For each box, those of better rank that share a point with it. */
struct cutters {
	const struct box **items;
	size_t count, capacity;
};

static void note_overlap(struct arena *arena, const struct box *first, struct cutters *all, const struct box *a, const struct box *b)
{
	const struct box *better = a->rank < b->rank ? a : b, *worse = better == a ? b : a;
	struct cutters *cutters = &all[worse - first];

	cutters->items = arena_grow(arena, cutters->items, cutters->count, &cutters->capacity, sizeof(struct box *));
	cutters->items[cutters->count++] = better;
}

static void find_overlaps(struct arena *arena, const struct layout *layout, const struct box_list *boxes, struct cutters *cutters)
{
	struct box **sorted = arena_array(arena, boxes->count, sizeof(struct box *));
	struct sweep sweep;
	size_t at, width;

	for (size_t i = 0; i < boxes->count; i++)
		sorted[i] = &boxes->items[i];
	sweep = sort_for_sweep(layout, sorted, boxes->count);
	at = layout->offset[sweep.field];
	width = layout->width[sweep.field];
	for (size_t i = 0; i < boxes->count; i++) {
		for (size_t j = i + 1; j < boxes->count && memcmp(sorted[j]->low + at, sorted[i]->high + at, width) <= 0; j++) {
			if (boxes_overlap(layout, sorted[i], sorted[j]))
				note_overlap(arena, boxes->items, cutters, sorted[i], sorted[j]);
		}
	}
}

/* What remains of one box when all its cutters are done. */
static int cut_box(struct arena *arena, const struct layout *layout, const struct box *box, const struct cutters *cutters, size_t count_max,
		   struct box_list *result)
{
	struct box_list pieces = { .items = NULL };

	box_list_add(arena, &pieces, *box);
	for (size_t i = 0; i < cutters->count; i++) {
		struct box_list next = { .items = NULL };

		for (size_t j = 0; j < pieces.count; j++) {
			if (boxes_overlap(layout, &pieces.items[j], cutters->items[i]))
				box_subtract(arena, layout, &pieces.items[j], cutters->items[i], &next);
			else
				box_list_add(arena, &next, pieces.items[j]);
		}
		pieces = next;
		if (pieces.count > count_max)
			return -E2BIG;
	}
	if (pieces.count > count_max - result->count)
		return -E2BIG;
	for (size_t i = 0; i < pieces.count; i++)
		box_list_add(arena, result, pieces.items[i]);
	return 0;
}

int boxes_disjoint(struct arena *arena, const struct key *key, const struct box_list *boxes, size_t count_max, struct box_list *ret_boxes)
{
	struct layout layout = layout_of(key);
	struct cutters *cutters = arena_array(arena, boxes->count, sizeof(*cutters));
	struct box_list result = { .items = NULL };

	if (boxes->count)
		find_overlaps(arena, &layout, boxes, cutters);
	for (size_t i = 0; i < boxes->count; i++) {
		int error = cut_box(arena, &layout, &boxes->items[i], &cutters[i], count_max, &result);

		if (error)
			return error;
	}
	*ret_boxes = result;
	return 0;
}
