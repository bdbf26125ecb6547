/* overlay: a copy of a ruleset some of whose sets say what holds now. */
#include "ruleset/overlay.h"

#include <string.h>

struct ruleset *overlay_begin(struct arena *arena, const struct ruleset *ruleset)
{
	struct ruleset *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *ruleset;
	copy->tables = arena_array(arena, ruleset->table_count, sizeof(*copy->tables));
	for (size_t i = 0; i < ruleset->table_count; i++)
		copy->tables[i] = ruleset->tables[i];
	return copy;
}

struct table *overlay_table(struct arena *arena, struct ruleset *copy)
{
	for (size_t i = 0; i < copy->table_count; i++) {
		struct table *table = &copy->tables[i];
		struct set *sets;

		if (table->family != FAMILY_INET)
			continue;
		sets = arena_array(arena, table->set_count, sizeof(*sets));
		if (table->set_count > 0)
			memcpy(sets, table->sets, table->set_count * sizeof(*sets));
		table->sets = sets;
		return table;
	}
	return NULL;
}

struct set *overlay_set(struct table *table, const char *name)
{
	return (struct set *)(uintptr_t)table_set(table, name);
}
