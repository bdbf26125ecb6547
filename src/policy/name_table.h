/*
 * name_table: names an administrator gave, found by name in constant time, and the nearest one when there is
 * none.
 */
#ifndef POLICY_NAME_TABLE_H
#define POLICY_NAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/finding.h"

enum {
	NAME_BROKEN = -1,	/* value of a name whose thing could not be resolved; its finding exists */
	NAME_NEAREST_BYTES_MAX = 64, /* longer names are compared by their beginning */
};

struct name_entry {
	const char *name;
	int64_t value;		/* an index, or NAME_BROKEN */
	bool used;		/* somebody asked for it */
	struct origin at;
};

struct name_table {
	struct name_entry *entries; /* in the order they were added */
	size_t count;
	uint32_t *slots; /* open addressing: entry number + 1, 0 empty; mask + 1 of them, at most half full */
	size_t mask;
};

/* An empty table with room for at most maximum names. In the arena. */
struct name_table name_table_new(struct arena *arena, size_t maximum);

/*
 * Adds a name (not copied) with the value NAME_BROKEN and returns its entry; a name that is there already is
 * not added: NULL, and *ret_first is the entry it has. The entry stays where it is as long as the arena.
 */
struct name_entry *name_table_add(struct name_table *table, const char *name, struct origin at,
				  const struct name_entry **ret_first);

/* The entry of this name, or NULL. */
struct name_entry *name_table_find(const struct name_table *table, const char *name);

/*
 * The name with the smallest edit distance to this one, the first of several; NULL when the table is empty.
 * O(names).
 */
const char *name_table_nearest(const struct name_table *table, const char *name);

#endif
