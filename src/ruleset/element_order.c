/* element_order: eight bytes of each key are sorted digit by digit, and what is equal in them is compared. */
#include "ruleset/element_order.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 8, DIGITS = 256 };

/* An element by the bytes of its key from the first one on that is not the same everywhere. */
struct headed {
	uint64_t head;		/* big endian as a number */
	uint32_t place;
};

/* Counts of each digit's values. */
typedef size_t digit_counts[HEAD_BYTES][DIGITS];

/* So many bytes at the beginning are the same in all keys. */
static size_t common_bytes(const struct set *set, size_t key_bytes)
{
	size_t common = key_bytes;

	for (size_t i = 1; i < set->element_count && common > 0; i++) {
		size_t k = 0;

		while (k < common && set->elements[i].key[k] == set->elements[0].key[k])
			k++;
		common = k;
	}
	return common;
}

static void take_heads(const struct set *set, size_t from, size_t bytes, struct headed *items, digit_counts counts)
{
	for (size_t i = 0; i < set->element_count; i++) {
		uint64_t head = 0;

		memcpy(&head, set->elements[i].key + from, bytes);
		items[i] = (struct headed){ .head = be64toh(head), .place = (uint32_t)i };
		for (size_t digit = 0; digit < HEAD_BYTES; digit++)
			counts[digit][items[i].head >> (8 * digit) & 0xff]++;
	}
}

/* Sorts by one digit into `to`; equal ones keep their order. */
static void sort_digit(const struct headed *from, struct headed *to, size_t count, size_t digit, const size_t counts[static DIGITS])
{
	size_t begins[DIGITS], begin = 0;

	for (size_t value = 0; value < DIGITS; value++) {
		begins[value] = begin;
		begin += counts[value];
	}
	for (size_t i = 0; i < count; i++)
		to[begins[from[i].head >> (8 * digit) & 0xff]++] = from[i];
}

/* Returns the array of both that holds the result. */
static struct headed *sort_heads(struct headed *items, struct headed *other, size_t count, digit_counts counts)
{
	for (size_t digit = 0; digit < HEAD_BYTES; digit++) {
		struct headed *swap = items;

		if (counts[digit][items[0].head >> (8 * digit) & 0xff] == count)
			continue;
		sort_digit(items, other, count, digit, counts[digit]);
		items = other;
		other = swap;
	}
	return items;
}

static int compare_rests(const void *a, const void *b, void *context)
{
	const struct headed *left = a, *right = b;
	const struct set *set = context;
	int order = element_compare(set, &set->elements[left->place], &set->elements[right->place]);

	return order ? order : (left->place > right->place) - (left->place < right->place);
}

/* What is equal so far is put in order by all of the key. */
static void sort_rests(const struct set *set, struct headed *items)
{
	for (size_t begin = 0, end; begin < set->element_count; begin = end) {
		for (end = begin + 1; end < set->element_count && items[end].head == items[begin].head;)
			end++;
		if (end - begin > 1)
			qsort_r(items + begin, end - begin, sizeof(*items), compare_rests, (void *)(uintptr_t)set);
	}
}

static void *room_for(size_t count, size_t size)
{
	void *room = reallocarray(NULL, count ? count : 1, size);

	if (!room)
		arena_exhausted();
	return room;
}

uint32_t *element_order(const struct set *set)
{
	const size_t count = set->element_count, key_bytes = element_key_size(set), from = common_bytes(set, key_bytes);
	const size_t bytes = key_bytes - from < HEAD_BYTES ? key_bytes - from : HEAD_BYTES;
	struct headed *items = room_for(count, sizeof(*items)), *other = room_for(count, sizeof(*other)), *sorted;
	uint32_t *places = room_for(count, sizeof(*places));
	digit_counts counts = { { 0 } };

	take_heads(set, from, bytes, items, counts);
	sorted = count ? sort_heads(items, other, count, counts) : items;
	if (from + bytes < key_bytes)
		sort_rests(set, sorted);
	for (size_t i = 0; i < count; i++)
		places[i] = sorted[i].place;
	free(items);
	free(other);
	return places;
}
