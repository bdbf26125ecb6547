/* marks: which number stands for which flow, and how a restarted daemon finds that out again. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/identities.h"
#include "ruleset/marks.h"

static int compare_marks(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

char *live_comment_make(struct arena *arena, const char *flow_name, const uint8_t identity[static COMPILE_IDENTITY_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	size_t length = strlen(flow_name);
	char *comment = arena_alloc(arena, length + sizeof(" ") + (size_t)2 * COMPILE_IDENTITY_BYTES), *hex = comment + length + 1;

	memcpy(comment, flow_name, length);
	comment[length] = ' ';
	for (size_t i = 0; i < COMPILE_IDENTITY_BYTES; i++) {
		hex[2 * i] = digits[identity[i] >> 4];
		hex[2 * i + 1] = digits[identity[i] & 15];
	}
	return comment;
}

/* The value of a lower-case hexadecimal digit, or -1. */
static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

bool live_comment_parse(const char *comment, struct span *ret_name, uint8_t ret_identity[static COMPILE_IDENTITY_BYTES])
{
	uint8_t identity[COMPILE_IDENTITY_BYTES];
	const char *space = comment ? strrchr(comment, ' ') : NULL;

	if (!space || space == comment || strlen(space + 1) != 2 * COMPILE_IDENTITY_BYTES)
		return false;
	for (size_t i = 0; i < COMPILE_IDENTITY_BYTES; i++) {
		int high = hex_value(space[1 + 2 * i]), low = hex_value(space[2 + 2 * i]);

		if (high < 0 || low < 0)
			return false;
		identity[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret_identity, identity, sizeof(identity));
	*ret_name = (struct span){ .data = comment, .length = (size_t)(space - comment) };
	return true;
}

uint32_t live_mark(const struct element *element)
{
	return (uint32_t)element->key[0] << 24 | (uint32_t)element->key[1] << 16 | (uint32_t)element->key[2] << 8 | element->key[3];
}

/*
 * Collects identity -> mark from one live set; book->highest rises to the highest mark seen, commented or not. Several interfaces give several elements of one
 * flow: the first counts.
 */
static void collect_set(const struct set *set, struct mark_book *book, struct identities *identities)
{
	struct span name;

	for (size_t i = 0; set && i < set->element_count; i++) {
		struct mark_entry *entry = &book->entries[book->count];
		uint32_t mark = live_mark(&set->elements[i]);

		if (mark > book->highest && mark <= MARK_LAST)
			book->highest = mark;
		if (!live_comment_parse(set->elements[i].comment, &name, entry->identity))
			continue;
		entry->mark = mark;
		book->count += identities_add(identities, book->count) == book->count;
	}
}

struct mark_book mark_book_of(struct arena *arena, const struct ruleset *ruleset, const uint32_t *held, size_t held_count)
{
	const struct table *table = ruleset ? ruleset_table(ruleset, FAMILY_INET, "sekisho") : NULL;
	const struct set *live = table ? table_set(table, "live") : NULL;
	const struct set *local = table ? table_set(table, "local-live") : NULL;
	size_t room = (live ? live->element_count : 0) + (local ? local->element_count : 0);
	uint32_t *sorted_held = arena_array(arena, held_count, sizeof(*sorted_held));
	struct mark_book book = { .entries = arena_array(arena, room + 1, sizeof(*book.entries)), .held = sorted_held, .held_count = held_count };
	struct identities *identities = arena_alloc(arena, sizeof(*identities));

	*identities = identities_for(arena, book.entries->identity, sizeof(*book.entries), room + 1);
	book.identities = identities;
	collect_set(live, &book, identities);
	collect_set(local, &book, identities);
	if (held_count)
		memcpy(sorted_held, held, held_count * sizeof(*held));
	qsort(sorted_held, held_count, sizeof(*sorted_held), compare_marks);
	for (size_t i = 0; i < held_count; i++) {
		if (sorted_held[i] > book.highest && sorted_held[i] <= MARK_LAST)
			book.highest = sorted_held[i];
	}
	return book;
}

const struct mark_entry *mark_book_find(const struct mark_book *book, const uint8_t identity[static COMPILE_IDENTITY_BYTES])
{
	size_t place;

	return book && book->identities && identities_find(book->identities, identity, &place) ? &book->entries[place] : NULL;
}

struct mark_source mark_source_of(struct arena *arena, const struct mark_book *book)
{
	struct mark_source source = { .last = MARK_FIRST - 1 };

	if (!book)
		return source;
	assert(book->count + book->held_count < MARK_LAST - POLICY_FLOWS_MAX);
	source.last = book->highest;
	source.taken = arena_array(arena, book->count + book->held_count, sizeof(*source.taken));
	for (size_t i = 0; i < book->count; i++)
		source.taken[source.taken_count++] = book->entries[i].mark;
	for (size_t i = 0; i < book->held_count; i++)
		source.taken[source.taken_count++] = book->held[i];
	qsort(source.taken, source.taken_count, sizeof(*source.taken), compare_marks);
	return source;
}

uint32_t mark_source_next(struct mark_source *source)
{
	do
		source->last = source->last >= MARK_LAST ? MARK_FIRST : source->last + 1;
	while (source->taken_count && bsearch(&source->last, source->taken, source->taken_count, sizeof(*source->taken), compare_marks));
	return source->last;
}
