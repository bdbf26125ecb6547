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

bool overlay_is_of(const struct table *laid, const struct table *table)
{
	if (laid->family != table->family || strcmp(laid->name, table->name) != 0 || laid->chains != table->chains ||
	    laid->chain_count != table->chain_count || laid->set_count != table->set_count)
		return false;
	for (size_t i = 0; i < table->set_count; i++)
		if (strcmp(laid->sets[i].name, table->sets[i].name) != 0 || !set_same_kind(&laid->sets[i], &table->sets[i]))
			return false;
	return true;
}

bool overlay_shares_elements(const struct set *a, const struct set *b)
{
	return a->elements == b->elements && a->element_count == b->element_count;
}
