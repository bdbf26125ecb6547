/* lasting: a ruleset without what is about to end. */
#include "ruleset/lasting.h"

static bool element_lasts(const struct element *element, int64_t until)
{
	return element->expires_at == 0 || element->expires_at > until;
}

static struct set set_lasting(struct arena *arena, const struct set *set, int64_t until)
{
	struct set lasting = *set;
	size_t count = 0;

	if (!set->timeout)
		return lasting;
	for (size_t i = 0; i < set->element_count; i++)
		count += element_lasts(&set->elements[i], until);
	if (count == set->element_count)
		return lasting;
	lasting.elements = arena_array(arena, count, sizeof(*lasting.elements));
	lasting.element_count = 0;
	for (size_t i = 0; i < set->element_count; i++)
		if (element_lasts(&set->elements[i], until))
			lasting.elements[lasting.element_count++] = set->elements[i];
	return lasting;
}

struct ruleset *ruleset_lasting(struct arena *arena, const struct ruleset *ruleset, int64_t until)
{
	struct ruleset *lasting = arena_alloc(arena, sizeof(*lasting));

	*lasting = *ruleset;
	lasting->tables = arena_array(arena, ruleset->table_count, sizeof(*lasting->tables));
	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct table *table = &ruleset->tables[t];

		lasting->tables[t] = *table;
		lasting->tables[t].sets = arena_array(arena, table->set_count, sizeof(*table->sets));
		for (size_t s = 0; s < table->set_count; s++)
			lasting->tables[t].sets[s] = set_lasting(arena, &table->sets[s], until);
	}
	return lasting;
}
