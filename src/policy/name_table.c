/* name_table: a hash of names. The file is the administrator's own, so the hash needs no secret. */
#include "policy/name_table.h"

#include <string.h>

static size_t minimum(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* FNV-1a, 64 bits. */
static uint64_t name_hash(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	return hash;
}

struct name_table name_table_new(struct arena *arena, size_t maximum)
{
	struct name_table table = { .mask = 15 };

	while (table.mask / 2 < maximum)
		table.mask = table.mask * 2 + 1;
	table.entries = arena_array(arena, maximum, sizeof(*table.entries));
	table.slots = arena_array(arena, table.mask + 1, sizeof(*table.slots));
	return table;
}

/* The slot that holds the name, or the empty one where it belongs. */
static uint32_t *name_slot(const struct name_table *table, const char *name)
{
	size_t slot = (size_t)name_hash(name) & table->mask;

	while (table->slots[slot] && strcmp(table->entries[table->slots[slot] - 1].name, name) != 0)
		slot = (slot + 1) & table->mask;
	return &table->slots[slot];
}

struct name_entry *name_table_add(struct name_table *table, const char *name, struct origin at,
				  const struct name_entry **ret_first)
{
	uint32_t *slot = name_slot(table, name);
	struct name_entry *entry;

	if (*slot) {
		*ret_first = &table->entries[*slot - 1];
		return NULL;
	}
	entry = &table->entries[table->count++];
	*entry = (struct name_entry){ .name = name, .value = NAME_BROKEN, .at = at };
	*slot = (uint32_t)table->count;
	return entry;
}

struct name_entry *name_table_find(const struct name_table *table, const char *name)
{
	uint32_t slot = *name_slot(table, name);

	return slot ? &table->entries[slot - 1] : NULL;
}

/* Levenshtein distance in bytes; gives up and returns limit when it cannot be below it. */
static size_t edit_distance(const char *a, const char *b, size_t limit)
{
	size_t row[NAME_NEAREST_BYTES_MAX + 1];
	size_t a_length = strnlen(a, NAME_NEAREST_BYTES_MAX), b_length = strnlen(b, NAME_NEAREST_BYTES_MAX);

	if (a_length + limit <= b_length || b_length + limit <= a_length)
		return limit;
	for (size_t i = 0; i <= b_length; i++)
		row[i] = i;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0], least = i;

		row[0] = i;
		for (size_t k = 1; k <= b_length; k++) {
			size_t changed = diagonal + (a[i - 1] != b[k - 1]);

			diagonal = row[k];
			row[k] = minimum(changed, minimum(row[k], row[k - 1]) + 1);
			least = minimum(least, row[k]);
		}
		if (least >= limit)
			return limit;
	}
	return row[b_length];
}

const char *name_table_nearest(const struct name_table *table, const char *name)
{
	size_t best = SIZE_MAX / 2;
	const char *nearest = NULL;

	for (size_t i = 0; i < table->count; i++) {
		size_t distance = edit_distance(name, table->entries[i].name, best);

		if (distance < best) {
			best = distance;
			nearest = table->entries[i].name;
		}
	}
	return nearest;
}
