/*
 * check: ruleset/diff.h. A small model of nf_tables takes the changes one by one and refuses what the kernel
 * would refuse: what is added twice, what is missing, what is still referred to.
 */
#include "ruleset/diff.h"
#include "ruleset/overlay.h"
#include "ruleset/pack.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset_sample.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

enum { NOW = 1800000000, ROOM = 512 };

/* ---- the model */

struct model {
	struct arena *arena;
	struct ruleset ruleset;
	const char *what;	/* of the case, for messages */
	unsigned long seed;
};

#define must(model, condition, text) \
	ck_assert_msg(condition, "%s (seed %lu): %s", (model)->what, (model)->seed, text)

static int compare_tables(const void *a, const void *b)
{
	return (int)((const struct table *)a)->family - (int)((const struct table *)b)->family;
}

static int compare_sets(const void *a, const void *b)
{
	return strcmp(((const struct set *)a)->name, ((const struct set *)b)->name);
}

static int compare_chains(const void *a, const void *b)
{
	return strcmp(((const struct chain *)a)->name, ((const struct chain *)b)->name);
}

static struct table *model_table(struct model *model, const struct table *table)
{
	struct table *found =
		(struct table *)(uintptr_t)ruleset_table(&model->ruleset, table->family, table->name);

	must(model, found != NULL, "a change in a table that is not there");
	return found;
}

static struct set *model_set(struct model *model, const struct change *change)
{
	struct set *set =
		(struct set *)(uintptr_t)table_set(model_table(model, change->table), change->set->name);

	must(model, set != NULL, "a change to a set that is not there");
	return set;
}

static struct chain *model_chain(struct model *model, const struct change *change)
{
	struct chain *chain = (struct chain *)(uintptr_t)table_chain(model_table(model, change->table),
								     change->chain->name);

	must(model, chain != NULL, "a change to a chain that is not there");
	return chain;
}

static bool rule_mentions(const struct rule *rule, const char *set, const char *chain)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct step *step = &rule->steps[i];

		if (set && step->set && strcmp(step->set, set) == 0)
			return true;
		if (chain && step->verdict.chain && strcmp(step->verdict.chain, chain) == 0)
			return true;
	}
	return false;
}

static bool rules_mention(const struct table *table, const char *set, const char *chain)
{
	for (size_t i = 0; i < table->chain_count; i++) {
		for (size_t j = 0; j < table->chains[i].rule_count; j++) {
			if (rule_mentions(&table->chains[i].rules[j], set, chain))
				return true;
		}
	}
	return false;
}

static bool elements_mention(const struct table *table, const char *chain)
{
	for (size_t i = 0; i < table->set_count; i++) {
		for (size_t j = 0; j < table->sets[i].element_count; j++) {
			const struct verdict *verdict = &table->sets[i].elements[j].verdict;

			if (verdict->chain && strcmp(verdict->chain, chain) == 0)
				return true;
		}
	}
	return false;
}

static void must_lead_somewhere(struct model *model, const struct table *table, const struct verdict *verdict)
{
	const struct chain *chain = verdict->chain ? table_chain(table, verdict->chain) : NULL;

	must(model, !verdict->chain || chain, "a jump to a chain that is not there");
	must(model, !chain || !chain->hook.base, "a jump to a base chain");
}

static void model_add_table(struct model *model, const struct change *change)
{
	const struct table *table = change->table;
	struct ruleset *ruleset = &model->ruleset;

	must(model, !ruleset_table(ruleset, table->family, table->name), "a table is added twice");
	ruleset->tables[ruleset->table_count++] = (struct table){
		.family = table->family, .name = table->name,
		.sets = arena_array(model->arena, ROOM, sizeof(struct set)),
		.chains = arena_array(model->arena, ROOM, sizeof(struct chain)),
	};
	qsort(ruleset->tables, ruleset->table_count, sizeof(*ruleset->tables), compare_tables);
}

static void model_delete_table(struct model *model, const struct change *change)
{
	struct table *table = model_table(model, change->table);
	size_t behind = model->ruleset.table_count - (size_t)(table - model->ruleset.tables) - 1;

	memmove(table, table + 1, behind * sizeof(*table));
	model->ruleset.table_count--;
}

static void model_add_set(struct model *model, const struct change *change)
{
	struct table *table = model_table(model, change->table);
	struct set *set = &table->sets[table->set_count];

	must(model, !table_set(table, change->set->name), "a set is added twice");
	*set = *change->set;
	set->elements = NULL;
	set->element_count = 0;
	table->set_count++;
	qsort(table->sets, table->set_count, sizeof(*table->sets), compare_sets);
}

static void model_delete_set(struct model *model, const struct change *change)
{
	struct table *table = model_table(model, change->table);
	struct set *set = model_set(model, change);

	must(model, !rules_mention(table, set->name, NULL), "a set goes while a rule refers to it");
	memmove(set, set + 1, (table->set_count - (size_t)(set - table->sets) - 1) * sizeof(*set));
	table->set_count--;
}

static void model_add_chain(struct model *model, const struct change *change)
{
	struct table *table = model_table(model, change->table);

	must(model, !table_chain(table, change->chain->name), "a chain is added twice");
	table->chains[table->chain_count] = *change->chain;
	table->chains[table->chain_count++].rule_count = 0;
	qsort(table->chains, table->chain_count, sizeof(*table->chains), compare_chains);
}

static void model_delete_chain(struct model *model, const struct change *change)
{
	struct table *table = model_table(model, change->table);
	struct chain *chain = model_chain(model, change);

	must(model, chain->rule_count == 0, "a chain goes with rules in it");
	must(model, !rules_mention(table, NULL, chain->name), "a chain goes while a rule jumps to it");
	must(model, !elements_mention(table, chain->name), "a chain goes while an element jumps to it");
	memmove(chain, chain + 1, (table->chain_count - (size_t)(chain - table->chains) - 1) * sizeof(*chain));
	table->chain_count--;
}

static void model_add_rules(struct model *model, const struct change *change)
{
	struct table *table = model_table(model, change->table);
	struct chain *chain = model_chain(model, change);

	must(model, chain->rule_count == 0, "rules are added behind others");
	for (size_t i = 0; i < change->chain->rule_count; i++) {
		const struct rule *rule = &change->chain->rules[i];

		for (size_t j = 0; j < rule->step_count; j++) {
			const struct step *step = &rule->steps[j];

			must(model, !step->set || table_set(table, step->set),
			     "a rule asks a set that is not there");
			must_lead_somewhere(model, table, &step->verdict);
		}
	}
	chain->rules = change->chain->rules;
	chain->rule_count = change->chain->rule_count;
}

static bool ranges_meet(const struct set *set, const struct element *a, const struct element *b)
{
	size_t size = key_size(&set->key), offset = 0;

	for (size_t i = 0; i < key_field_count(&set->key); i++) {
		size_t slot = field_slot(set->key.fields[i]);

		if (memcmp(a->key + offset, b->key + size + offset, slot) > 0 ||
		    memcmp(b->key + offset, a->key + size + offset, slot) > 0)
			return false;
		offset += slot;
	}
	return true;
}

static void model_add_elements(struct model *model, const struct change *change)
{
	struct set *set = model_set(model, change);
	struct element *all =
		arena_array(model->arena, set->element_count + change->element_count, sizeof(*all));

	if (set->element_count)
		memcpy(all, set->elements, set->element_count * sizeof(*all));
	set->elements = all;
	for (size_t i = 0; i < change->element_count; i++) {
		const struct element *element = change->elements[i];

		for (size_t j = 0; j < set->element_count; j++)
			must(model,
			     set->interval ? !ranges_meet(set, &all[j], element) :
					     element_compare(set, &all[j], element) != 0,
			     "an element is added onto another");
		must_lead_somewhere(model, model_table(model, change->table), &element->verdict);
		all[set->element_count++] = *element;
	}
	set_sort(set);
}

static void model_delete_elements(struct model *model, const struct change *change)
{
	struct set *set = model_set(model, change);

	for (size_t i = 0; i < change->element_count; i++) {
		size_t j = 0;

		while (j < set->element_count &&
		       element_compare(set, &set->elements[j], change->elements[i]) != 0)
			j++;
		must(model, j < set->element_count, "an element goes that is not there");
		memmove(&set->elements[j], &set->elements[j + 1],
			(set->element_count - j - 1) * sizeof(*set->elements));
		set->element_count--;
	}
}

static void model_apply(struct model *model, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_ADD_TABLE: model_add_table(model, change); break;
	case CHANGE_DELETE_TABLE: model_delete_table(model, change); break;
	case CHANGE_ADD_SET: model_add_set(model, change); break;
	case CHANGE_DELETE_SET: model_delete_set(model, change); break;
	case CHANGE_ADD_CHAIN: model_add_chain(model, change); break;
	case CHANGE_DELETE_CHAIN: model_delete_chain(model, change); break;
	case CHANGE_FLUSH_CHAIN: model_chain(model, change)->rule_count = 0; break;
	case CHANGE_ADD_RULES: model_add_rules(model, change); break;
	case CHANGE_ADD_ELEMENTS: model_add_elements(model, change); break;
	case CHANGE_DELETE_ELEMENTS: model_delete_elements(model, change); break;
	}
}

static void model_apply_all(struct model *model, const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		model_apply(model, &changes->items[i]);
}

/* A model that holds the ruleset: what the transition from nothing makes. */
static struct model model_of(struct arena *arena, const struct ruleset *ruleset, const char *what,
			     unsigned long seed)
{
	struct model model = { .arena = arena, .what = what, .seed = seed };

	model.ruleset.tables = arena_array(arena, 8, sizeof(*model.ruleset.tables));
	if (ruleset) {
		struct transition transition = ruleset_diff(arena, NULL, ruleset);

		must(&model, transition.prepare.count == 0, "something is prepared where nothing is");
		model_apply_all(&model, &transition.commit);
		must(&model, ruleset_equal(&model.ruleset, ruleset),
		     "the transition from nothing went elsewhere");
	}
	return model;
}

/* Goes from old to new in the model and checks all that must hold on the way. */
static struct transition check_transition(struct arena *arena, const struct ruleset *old,
					  const struct ruleset *new, const char *what, unsigned long seed)
{
	struct model model = model_of(arena, old, what, seed);
	struct transition transition = ruleset_diff(arena, old, new);
	struct transition again;

	for (size_t i = 0; i < transition.prepare.count; i++) {
		enum change_kind kind = transition.prepare.items[i].kind;

		must(&model, kind == CHANGE_ADD_SET || kind == CHANGE_ADD_ELEMENTS || kind == CHANGE_DELETE_SET,
		     "the prepare transaction does more than sets");
		if (kind == CHANGE_ADD_ELEMENTS)
			must(&model, !rules_mention(transition.prepare.items[i].table, NULL, "") &&
				     !rules_mention(model_table(&model, transition.prepare.items[i].table),
						    transition.prepare.items[i].set->name, NULL),
			     "a prepared set is in use already");
	}
	model_apply_all(&model, &transition.prepare);
	model_apply_all(&model, &transition.commit);
	for (size_t i = 0; i < transition.revoke.count; i++)
		must(&model, transition.revoke.items[i].kind == CHANGE_DELETE_ELEMENTS,
		     "the last transaction does more than end marks");
	model_apply_all(&model, &transition.revoke);
	must(&model, ruleset_equal(&model.ruleset, transition.target),
	     "the changes lead elsewhere than to the target");
	must(&model, ruleset_same(arena, transition.target, new), "the target is not what was wanted");
	again = ruleset_diff(arena, transition.target, new);
	must(&model, again.prepare.count == 0 && again.commit.count == 0,
	     "a second transition finds something to do");
	return transition;
}

/* ---- properties on random rulesets */

START_TEST(random_rulesets_lead_to_each_other)
{
	struct arena *arena = arena_new();
	struct sample_world world = { sample_loopback(), NOW, 8 };

	for (unsigned long seed = 0; seed < 100; seed++)
		check_transition(arena, ruleset_sample(arena, seed, &world),
				 ruleset_sample(arena, seed + 1000, &world), "random", seed);
	arena_free(arena);
}
END_TEST

START_TEST(a_walk_over_many_rulesets_keeps_to_the_target)
{
	struct arena *arena = arena_new();
	struct sample_world world = { sample_loopback(), NOW, 60 };
	const struct ruleset *kernel = ruleset_sample(arena, 1, &world);

	for (unsigned long seed = 0; seed < 40; seed++) {
		const struct ruleset *next =
			seed % 5 == 4 ? ruleset_sample(arena, seed, &world) :
					ruleset_sample_edited(arena, kernel, seed, &world, seed % 5 * 40);

		kernel = check_transition(arena, kernel, next, "walk", seed).target;
	}
	arena_free(arena);
}
END_TEST

START_TEST(few_edits_touch_only_elements)
{
	struct arena *arena = arena_new();
	struct sample_world world = { sample_loopback(), NOW, 20 };
	size_t in_place = 0;

	for (unsigned long seed = 0; seed < 60; seed++) {
		const struct ruleset *old = ruleset_sample(arena, seed, &world);
		const struct ruleset *new = ruleset_sample_edited(arena, old, seed, &world, 1 + seed % 10);
		struct transition transition = check_transition(arena, old, new, "edited", seed);

		/* A range went to another mark. */
		if (transition.prepare.count > 0)
			continue;
		in_place++;
		ck_assert_uint_eq(transition.commit.rules_added, 0);
		ck_assert_uint_le(transition.commit.elements_added, 1 + seed % 10);
		ck_assert_uint_le(transition.commit.elements_deleted, 1 + seed % 10);
		for (size_t i = 0; i < transition.commit.count; i++)
			ck_assert_msg(transition.commit.items[i].elements != NULL,
				      "seed %lu changes more than elements", seed);
	}
	ck_assert_uint_gt(in_place, 20);
	arena_free(arena);
}
END_TEST

START_TEST(a_ruleset_leads_to_itself_by_nothing)
{
	struct arena *arena = arena_new();
	struct sample_world world = { sample_loopback(), NOW, 20 };

	for (unsigned long seed = 0; seed < 50; seed++) {
		const struct ruleset *ruleset = ruleset_sample(arena, seed, &world);
		struct transition transition =
			ruleset_diff(arena, ruleset, ruleset_sample(arena, seed, &world));

		ck_assert_uint_eq(transition.prepare.count + transition.commit.count, 0);
		ck_assert(ruleset_equal(transition.target, ruleset));
	}
	arena_free(arena);
}
END_TEST

/* ---- single elements */

static const struct element_row {
	const char *what;
	struct element old, new;
	bool timeout, changes;
} element_rows[] = {
	{ "equal", { .mark = 1 }, { .mark = 1 }, true, false },
	{ "another mark", { .mark = 1 }, { .mark = 2 }, true, true },
	{ "another comment", { .comment = "a" }, { .comment = "b" }, true, true },
	{ "a comment comes", { .comment = NULL }, { .comment = "b" }, true, true },
	{ "a comment goes", { .comment = "a" }, { .comment = NULL }, true, true },
	{ "an equal comment elsewhere in memory",
	  { .comment = "住民" },
	  { .comment = (const char[]){ "住民" } },
	  true,
	  false },
	{ "expiry equal", { .expires_at = NOW }, { .expires_at = NOW }, true, false },
	{ "expiry a second later", { .expires_at = NOW }, { .expires_at = NOW + 1 }, true, false },
	{ "expiry a second earlier", { .expires_at = NOW }, { .expires_at = NOW - 1 }, true, false },
	{ "expiry two seconds later", { .expires_at = NOW }, { .expires_at = NOW + 2 }, true, true },
	{ "expiry two seconds earlier", { .expires_at = NOW }, { .expires_at = NOW - 2 }, true, true },
	{ "expiry comes", { .expires_at = 0 }, { .expires_at = 1 }, true, true },
	{ "expiry goes", { .expires_at = 1 }, { .expires_at = 0 }, true, true },
	{ "expiry does not overflow", { .expires_at = INT64_MIN }, { .expires_at = INT64_MAX }, true, true },
	{ "a set without timeout knows no expiry",
	  { .expires_at = NOW },
	  { .expires_at = NOW + 9 },
	  false,
	  false },
};

static struct ruleset *ruleset_of_set(struct arena *arena, struct set *set)
{
	struct ruleset *ruleset = ruleset_sample_large(arena, 0, set->interval);

	set->name = ruleset->tables[0].sets[0].name;
	ruleset->tables[0].sets[0] = *set;
	return ruleset;
}

START_TEST(an_element_that_changed_is_deleted_and_added)
{
	const struct element_row *row = &element_rows[_i];
	static const uint8_t key[16] = { 10, 0, 0, 1, 10, 0, 0, 2, 6, 0, 0, 0, 1, 187, 0, 0 };
	struct element old = row->old, new = row->new;
	struct set set = {
		.key = { { FIELD_IP_SADDR, FIELD_IP_SADDR, FIELD_L4PROTO, FIELD_DPORT } },
		.timeout = row->timeout, .data = SET_DATA_MARK, .elements = &old, .element_count = 1,
	};
	struct arena *arena = arena_new();
	const struct ruleset *before, *after;
	struct transition transition;

	old.key = key;
	new.key = key;
	before = ruleset_of_set(arena, &set);
	set.elements = &new;
	after = ruleset_of_set(arena, &set);
	transition = check_transition(arena, before, after, row->what, 0);
	ck_assert_msg(transition.commit.count == (row->changes ? 2 : 0), "%s", row->what);
	ck_assert_msg(transition.commit.elements_deleted == row->changes, "%s", row->what);
	ck_assert_msg(transition.commit.elements_added == row->changes, "%s", row->what);
	if (row->changes)
		ck_assert_msg(transition.commit.items[0].kind == CHANGE_DELETE_ELEMENTS, "%s", row->what);
	arena_free(arena);
}
END_TEST

/* ---- interval sets and their second name */

enum { FULL = 100 };

/* The large sample without the elements from first on, `gone` of them. */
static struct ruleset *large_without(struct arena *arena, size_t first, size_t gone, bool interval)
{
	struct ruleset *ruleset = ruleset_sample_large(arena, FULL, interval);
	struct set *set = &ruleset->tables[0].sets[0];

	set->element_count -= gone;
	memmove(&set->elements[first], &set->elements[first + gone],
		(set->element_count - first) * sizeof(*set->elements));
	return ruleset;
}

static const char *only_set_name(const struct ruleset *ruleset)
{
	ck_assert_uint_eq(ruleset->tables[0].set_count, 1);
	return ruleset->tables[0].sets[0].name;
}

static const struct interval_row {
	const char *what;
	bool interval;
	size_t gone;
	bool anew;
} interval_rows[] = {
	{ "one deletion", true, 1, false },
	{ "as many deletions as are good", true, DIFF_INTERVAL_CHANGES_MAX, false },
	{ "one more than that", true, DIFF_INTERVAL_CHANGES_MAX + 1, true },
	{ "nothing is left", true, FULL, true },
	{ "an exact set never moves", false, FULL, false },
};

START_TEST(an_interval_set_that_changes_much_is_built_beside)
{
	const struct interval_row *row = &interval_rows[_i];
	struct arena *arena = arena_new();
	const struct ruleset *full = ruleset_sample_large(arena, FULL, row->interval);
	const struct ruleset *less =
		large_without(arena, 10 % (FULL - row->gone + 1), row->gone, row->interval);
	struct transition there = check_transition(arena, full, less, row->what, 0), back;

	ck_assert_str_eq(only_set_name(there.target), row->anew ? "large.exact4.b" : "large.exact4");
	ck_assert_msg((there.prepare.count > 0) == row->anew, "%s", row->what);
	ck_assert_msg(there.prepare.elements_added == (row->anew ? FULL - row->gone : 0), "%s", row->what);
	/* Additions alone are done in place, under whatever name the set has. */
	back = check_transition(arena, there.target, full, row->what, 1);
	ck_assert_str_eq(only_set_name(back.target), only_set_name(there.target));
	ck_assert_msg(back.prepare.count == 0, "%s", row->what);
	/* The next time it changes much it gets its first name back. */
	there = check_transition(arena, back.target, less, row->what, 2);
	ck_assert_str_eq(only_set_name(there.target), "large.exact4");
	arena_free(arena);
}
END_TEST

static const struct hands_row {
	const char *what;
	bool interval;
	size_t gone, changed, came;	/* elements from the front, of the next ones, and at the end */
	bool anew;
} hands_rows[] = {
	{ "one range goes to another flow", true, 0, 1, 0, true },
	{ "one point of an exact map does", false, 0, 1, 0, false },
	{ "some go and others come elsewhere", true, 5, 0, 5, false },
	{ "some go, one goes to another flow", true, 5, 1, 5, true },
};

START_TEST(a_range_that_changes_hands_is_built_beside)
{
	const struct hands_row *row = &hands_rows[_i];
	struct arena *arena = arena_new();
	struct ruleset *old = ruleset_sample_large(arena, FULL, row->interval),
		       *new = ruleset_sample_large(arena, FULL, row->interval);
	struct set *set = &new->tables[0].sets[0];
	struct transition transition;

	old->tables[0].sets[0].element_count -= row->came;
	set->elements += row->gone;
	set->element_count -= row->gone;
	for (size_t i = 0; i < row->changed; i++)
		set->elements[i].mark += 1000;
	transition = check_transition(arena, old, new, row->what, 0);
	ck_assert_msg((transition.prepare.count > 0) == row->anew, "%s", row->what);
	ck_assert_msg((transition.commit.rules_added > 0) == row->anew, "%s", row->what);
	arena_free(arena);
}
END_TEST

/* Old rulesets in which a set is there under more than one name. */
enum { FIRST = 1, SECOND = 2, THIRD = 4 };

static const struct stray_row {
	const char *what;
	unsigned present, referred;	/* FIRST, SECOND, THIRD */
	size_t gone;
	const char *name;		/* of the set in the target */
} stray_rows[] = {
	{ "a prepared set that was never switched to goes", FIRST | SECOND, FIRST, 1, "large.exact4" },
	{ "its name is used again", FIRST | SECOND, FIRST, FULL, "large.exact4.b" },
	{ "the same with the names exchanged", FIRST | SECOND, SECOND, 1, "large.exact4.b" },
	{ "the same with the names exchanged, much changes", FIRST | SECOND, SECOND, FULL, "large.exact4" },
	{ "somebody refers to both", FIRST | SECOND, FIRST | SECOND, 1, "large.exact4" },
	{ "somebody refers to both, much changes", FIRST | SECOND, FIRST | SECOND, FULL, "large.exact4.b.b" },
	{ "the third name is not kept for long", THIRD, THIRD, FULL, "large.exact4" },
	{ "nobody refers to any", FIRST | SECOND, 0, 1, "large.exact4" },
	{ "nobody refers to any, much changes", FIRST | SECOND, 0, FULL, "large.exact4" },
	{ "nobody refers to the second, and it is the only one", SECOND, 0, 1, "large.exact4.b" },
};

/* The large sample with the set under several names and one rule for each name that is referred to. */
static struct ruleset *ruleset_with_strays(struct arena *arena, const struct stray_row *row)
{
	static const char *const names[] = { "large.exact4", "large.exact4.b", "large.exact4.b.b" };
	struct ruleset *ruleset = ruleset_sample_large(arena, FULL, true);
	struct table *table = &ruleset->tables[0];
	const struct set set = table->sets[0];
	const struct rule rule = table->chains[0].rules[0];

	table->sets = arena_array(arena, 3, sizeof(*table->sets));
	table->set_count = 0;
	table->chains[0].rules = arena_array(arena, 3, sizeof(rule));
	table->chains[0].rule_count = 0;
	for (size_t i = 0; i < 3; i++) {
		if (row->present & 1u << i) {
			table->sets[table->set_count] = set;
			table->sets[table->set_count++].name = names[i];
		}
		if (row->referred & 1u << i) {
			struct rule *copy = &table->chains[0].rules[table->chains[0].rule_count++];

			*copy = rule;
			copy->steps = arena_array(arena, rule.step_count, sizeof(*copy->steps));
			memcpy(copy->steps, rule.steps, rule.step_count * sizeof(*copy->steps));
			copy->steps[rule.step_count - 1].set = names[i];
		}
	}
	return ruleset;
}

START_TEST(strays_go_and_never_stand_in_the_way)
{
	const struct stray_row *row = &stray_rows[_i];
	struct arena *arena = arena_new();
	const struct ruleset *old = ruleset_with_strays(arena, row);
	const struct ruleset *new = large_without(arena, 0, row->gone, true);
	struct transition transition = check_transition(arena, old, new, row->what, 0);

	ck_assert_str_eq(only_set_name(transition.target), row->name);
	arena_free(arena);
}
END_TEST

START_TEST(a_set_of_another_kind_replaces_the_old_one)
{
	struct arena *arena = arena_new();
	const struct ruleset *exact = ruleset_sample_large(arena, 5, false);
	const struct ruleset *ranges = ruleset_sample_large(arena, 5, true);
	struct transition transition = check_transition(arena, exact, ranges, "to ranges", 0);

	ck_assert_str_eq(only_set_name(transition.target), "large.exact4.b");
	ck_assert_uint_eq(transition.commit.rules_added, 1);
	transition = check_transition(arena, transition.target, exact, "and back", 0);
	ck_assert_str_eq(only_set_name(transition.target), "large.exact4");
	arena_free(arena);
}
END_TEST

/* The large sample with a set of live marks besides: 1 to `marks`, the first one with a comment. */
static struct ruleset *ruleset_with_live(struct arena *arena, size_t count, bool interval, uint32_t marks,
					 const char *comment)
{
	struct ruleset *ruleset = ruleset_sample_large(arena, count, interval);
	struct table *table = &ruleset->tables[0];
	struct set *sets = arena_array(arena, 2, sizeof(*sets));
	struct set *live = &sets[1];

	sets[0] = table->sets[0];
	*live = (struct set){ .name = "live", .timeout = true, .key = { { FIELD_CT_MARK, FIELD_IIF } } };
	live->elements = arena_array(arena, marks, sizeof(*live->elements));
	for (; live->element_count < marks; live->element_count++) {
		uint8_t *key = arena_alloc(arena, 8);

		key[3] = (uint8_t)(live->element_count + 1);
		live->elements[live->element_count].key = key;
	}
	live->elements[0].comment = comment;
	table->sets = sets;
	table->set_count = 2;
	return ruleset;
}

/* Element i of the map gives mark i + 1; marks 1 to 3 live before. */
static const struct ending_row {
	const char *what;
	bool interval;
	size_t count;			/* elements of the map; 5 before */
	uint32_t marks;			/* that live; 3 before */
	unsigned int taken;		/* bit i: another flow takes over element i */
	const char *comment;		/* "a" before */
	size_t revoked;
} ending_rows[] = {
	{ "a mark only ends", false, 5, 2, 0, "a", 0 },
	{ "a mark ends, and so do points of the map", false, 4, 2, 0, "a", 0 },
	{ "marks end while other points are given", false, 6, 1, 0, "a", 0 },
	{ "two marks end, one is taken over", false, 5, 1, 1 << 1, "a", 1 },
	{ "two marks end, both are taken over", false, 5, 1, 1 << 1 | 1 << 2, "a", 2 },
	{ "the same in a map of ranges", true, 5, 1, 1 << 1 | 1 << 2, "a", 2 },
	{ "a point is taken over and no mark ends", false, 5, 3, 1 << 1, "a", 0 },
	{ "a point is taken over while its flow gets another name", false, 5, 3, 1 << 0, "b", 0 },
	{ "one gets another name, one is taken over and ends", false, 5, 2, 1 << 0 | 1 << 2, "b", 1 },
};

START_TEST(marks_outlive_packets_under_way)
{
	const struct ending_row *row = &ending_rows[_i];
	struct arena *arena = arena_new();
	const struct ruleset *old = ruleset_with_live(arena, 5, row->interval, 3, "a");
	struct ruleset *new = ruleset_with_live(arena, row->count, row->interval, row->marks, row->comment);
	struct transition transition;

	for (size_t i = 0; i < row->count; i++) {
		if (row->taken & 1u << i)
			new->tables[0].sets[0].elements[i].mark = 100;
	}
	transition = check_transition(arena, old, new, row->what, 0);
	ck_assert_msg(transition.revoke.elements_deleted == row->revoked, "%s: %zu", row->what, transition.revoke.elements_deleted);
	arena_free(arena);
}
END_TEST

START_TEST(an_exact_set_of_another_kind_keeps_its_name)
{
	struct arena *arena = arena_new();
	const struct ruleset *wanted = ruleset_sample_large(arena, 5, false);
	struct ruleset *old = ruleset_sample_large(arena, 5, false);
	struct transition transition;

	old->tables[0].sets[0].timeout = true;
	transition = check_transition(arena, old, wanted, "to a set without timeout", 0);
	ck_assert_str_eq(only_set_name(transition.target), "large.exact4");
	ck_assert_uint_eq(transition.prepare.count, 0);
	ck_assert_uint_eq(transition.commit.rules_added, 1);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *what;
	size_t count;
	uint32_t room;
} room_rows[] = {
	{ "nothing", 0, 0 },
	{ "few", DIFF_ROOM_FROM - 1, 0 },
	{ "many", DIFF_ROOM_FROM, 6143 },
	{ "the last that fit with a quarter more", 4915, 6143 },
	{ "one more", 4916, 12287 },
	{ "a hundred thousand", 100000, 196607 },
	{ "the most a ruleset can bring", PACK_ELEMENTS_MAX, 6291455 },
	{ "more than can be said", SIZE_MAX / 2, 0 },
};

START_TEST(room_for_elements)
{
	ck_assert_msg(diff_room(room_rows[_i].count) == room_rows[_i].room, "%s: %u", room_rows[_i].what, diff_room(room_rows[_i].count));
}
END_TEST

static const struct {
	const char *what;
	size_t old_count;
	uint32_t old_room;	/* as read from the kernel */
	size_t new_count;
	uint32_t room;		/* in the target */
	bool replaced;
} growth_rows[] = {
	{ "it was made without room", 10, 0, 11, 0, false },
	{ "there is room", 4500, 6143, 5000, 6143, false },
	{ "the last that fit", 4500, 6143, 5782, 6143, false },
	{ "one more", 4500, 6143, 5783, 12287, true },
	{ "much fewer", 4500, 6143, 1, 6143, false },
	{ "somebody made it too small, and few are wanted", 5, 5, 6, 0, true },
};

START_TEST(a_set_without_room_is_replaced)
{
	struct arena *arena = arena_new();
	struct ruleset *old = ruleset_sample_large(arena, growth_rows[_i].old_count, false);
	const struct ruleset *new = ruleset_sample_large(arena, growth_rows[_i].new_count, false);
	struct transition transition;

	old->tables[0].sets[0].room = growth_rows[_i].old_room;
	/* The model compares every element with every other one. */
	transition = growth_rows[_i].old_room < FULL ? check_transition(arena, old, new, growth_rows[_i].what, 0) : ruleset_diff(arena, old, new);
	ck_assert_str_eq(only_set_name(transition.target), "large.exact4");
	ck_assert_msg(transition.target->tables[0].sets[0].room == growth_rows[_i].room, "%s: %u", growth_rows[_i].what,
		      transition.target->tables[0].sets[0].room);
	ck_assert_msg((transition.commit.rules_added > 0) == growth_rows[_i].replaced, "%s: replaced", growth_rows[_i].what);
	ck_assert_uint_eq(transition.prepare.count, 0);
	arena_free(arena);
}
END_TEST

START_TEST(a_new_set_has_room)
{
	struct arena *arena = arena_new();
	const struct ruleset *new = ruleset_sample_large(arena, DIFF_ROOM_FROM, false), *ranges = ruleset_sample_large(arena, DIFF_ROOM_FROM, true);

	ck_assert_uint_eq(ruleset_diff(arena, NULL, new).target->tables[0].sets[0].room, 6143);
	ck_assert_uint_eq(ruleset_diff(arena, NULL, ranges).target->tables[0].sets[0].room, 0);
	ck_assert_uint_eq(new->tables[0].sets[0].room, 0);
	arena_free(arena);
}
END_TEST

START_TEST(a_set_has_the_room_the_program_gives)
{
	struct arena *arena = arena_new();
	struct ruleset *new = ruleset_sample_large(arena, 5, false);

	new->tables[0].sets[0].room = set_room(5);
	ck_assert_uint_eq(ruleset_diff(arena, NULL, new).target->tables[0].sets[0].room, RULESET_PLACES_MIN / 4 * 3 - 1);
	arena_free(arena);
}
END_TEST

/* It may come in the place of another one, as when the program changes: packets must find it filled. */
START_TEST(a_new_interval_set_is_filled_before_it_is_asked)
{
	struct arena *arena = arena_new();
	struct ruleset *old = ruleset_sample_large(arena, 5, true);
	const struct ruleset *new = ruleset_sample_large(arena, 5, true);
	struct transition transition;

	old->tables[0].set_count = 0;
	old->tables[0].chains[0].rule_count = 0;
	transition = check_transition(arena, old, new, "a new interval set", 0);
	ck_assert_uint_eq(transition.prepare.elements_added, 5);
	ck_assert_uint_eq(transition.commit.elements_added, 0);
	ck_assert_uint_eq(transition.commit.rules_added, 1);
	arena_free(arena);
}
END_TEST

START_TEST(a_verdict_map_is_never_built_beside)
{
	struct arena *arena = arena_new();
	struct ruleset *old = ruleset_sample_large(arena, FULL, true),
		       *new = ruleset_sample_large(arena, 1, true);
	struct ruleset *both[] = { old, new };
	struct transition transition;

	for (size_t i = 0; i < 2; i++) {
		struct table *table = &both[i]->tables[0];

		table->sets[0].data = SET_DATA_VERDICT;
		table->chains[0].rules[0].steps[1].kind = STEP_VMAP;
		for (size_t j = 0; j < table->sets[0].element_count; j++)
			table->sets[0].elements[j].verdict.kind = VERDICT_DROP;
	}
	transition = check_transition(arena, old, new, "verdicts", 0);
	ck_assert_str_eq(only_set_name(transition.target), "large.exact4");
	ck_assert_uint_eq(transition.prepare.count + transition.commit.rules_added, 0);
	arena_free(arena);
}
END_TEST

START_TEST(a_renamed_set_is_still_found_among_others)
{
	struct arena *arena = arena_new();
	const struct ruleset *large = ruleset_sample_large(arena, FULL, true);
	struct ruleset *rulesets[] = { ruleset_sample_large(arena, FULL, true),
				       ruleset_sample_large(arena, 1, true) };
	const struct ruleset *target;

	/* '-' sorts before '.': with its second name the set stands behind the other one. */
	for (size_t i = 0; i < 2; i++) {
		struct table *table = &rulesets[i]->tables[0];
		struct set *sets = arena_array(arena, 2, sizeof(*sets));

		sets[0] = table->sets[0];
		sets[1] = large->tables[0].sets[0];
		sets[1].name = "large.exact4-too";
		table->sets = sets;
		table->set_count = 2;
	}
	target = check_transition(arena, rulesets[0], rulesets[1], "neighbours", 0).target;
	ck_assert_str_eq(target->tables[0].sets[0].name, "large.exact4-too");
	ck_assert_str_eq(target->tables[0].sets[1].name, "large.exact4.b");
	arena_free(arena);
}
END_TEST

START_TEST(a_large_set_with_few_changes_gives_few_changes)
{
	enum { LARGE = 100000 };
	struct arena *arena = arena_new();
	const struct ruleset *old = ruleset_sample_large(arena, LARGE, false);
	struct ruleset *new = ruleset_sample_large(arena, LARGE, false);
	struct transition transition;

	new->tables[0].sets[0].elements[LARGE / 2].mark = 7;
	new->tables[0].sets[0].element_count--;
	transition = ruleset_diff(arena, old, new);
	ck_assert_uint_eq(transition.commit.elements_deleted, 2);
	ck_assert_uint_eq(transition.commit.elements_added, 1);
	ck_assert_uint_eq(transition.commit.count, 2);
	arena_free(arena);
}
END_TEST

/* ---- chains */

static const struct hook forward_hook = { .base = true, .number = 2, .priority = 0, .policy = VERDICT_DROP };

static const struct hook_row {
	const char *what;
	struct hook old, new;
	bool replaced;
} hook_rows[] = {
	{ "the same", { true, 2, 0, VERDICT_DROP, NULL }, { true, 2, 0, VERDICT_DROP, NULL }, false },
	{ "another hook", { true, 2, 0, VERDICT_DROP, NULL }, { true, 1, 0, VERDICT_DROP, NULL }, true },
	{ "another priority", { true, 2, 0, VERDICT_DROP, NULL }, { true, 2, 1, VERDICT_DROP, NULL }, true },
	{ "another policy", { true, 2, 0, VERDICT_DROP, NULL }, { true, 2, 0, VERDICT_ACCEPT, NULL }, true },
	{ "another device", { true, 0, 0, VERDICT_DROP, "a0" }, { true, 0, 0, VERDICT_DROP, "b0" }, true },
	{ "becomes a base chain", { .base = false }, { true, 2, 0, VERDICT_DROP, NULL }, true },
	{ "is a base chain no more", { true, 2, 0, VERDICT_DROP, NULL }, { .base = false }, true },
};

static struct rule rule_of(struct arena *arena, struct step step)
{
	struct rule rule = { .steps = arena_alloc(arena, sizeof(step)), .step_count = 1 };

	rule.steps[0] = step;
	return rule;
}

/* Chains "a" (forward) and "b" with the given hook; a jumps to b when b may be jumped to. */
static struct ruleset *ruleset_of_hook(struct arena *arena, struct hook hook)
{
	struct ruleset *ruleset = ruleset_sample_large(arena, 0, false);
	struct table *table = &ruleset->tables[0];
	struct step step = { .kind = STEP_VERDICT, .verdict = { VERDICT_DROP, NULL } };

	table->set_count = 0;
	table->chain_count = 2;
	table->chains = arena_array(arena, 2, sizeof(*table->chains));
	table->chains[1] = (struct chain){
		.name = "b", .hook = hook, .rules = arena_alloc(arena, sizeof(struct rule)), .rule_count = 1
	};
	table->chains[1].rules[0] = rule_of(arena, step);
	if (!hook.base)
		step.verdict = (struct verdict){ VERDICT_JUMP, "b" };
	table->chains[0] = (struct chain){
		.name = "a",
		.hook = forward_hook,
		.rules = arena_alloc(arena, sizeof(struct rule)),
		.rule_count = 1,
	};
	table->chains[0].rules[0] = rule_of(arena, step);
	return ruleset;
}

START_TEST(a_chain_that_hangs_elsewhere_is_replaced)
{
	const struct hook_row *row = &hook_rows[_i];
	struct arena *arena = arena_new();
	const struct ruleset *old = ruleset_of_hook(arena, row->old), *new = ruleset_of_hook(arena, row->new);
	struct transition transition = check_transition(arena, old, new, row->what, 0);
	size_t deleted = 0, added = 0;

	for (size_t i = 0; i < transition.commit.count; i++) {
		deleted += transition.commit.items[i].kind == CHANGE_DELETE_CHAIN;
		added += transition.commit.items[i].kind == CHANGE_ADD_CHAIN;
	}
	ck_assert_msg(deleted == row->replaced && added == row->replaced, "%s", row->what);
	arena_free(arena);
}
END_TEST

START_TEST(a_base_chain_stays_while_its_rules_change)
{
	static const enum change_kind expected[] = { CHANGE_FLUSH_CHAIN, CHANGE_ADD_RULES };
	struct arena *arena = arena_new();
	const struct ruleset *old = ruleset_of_hook(arena, forward_hook);
	struct ruleset *new = ruleset_of_hook(arena, forward_hook);
	struct transition transition;

	new->tables[0].chains[0].rules[0].comment = "now with a comment";
	transition = check_transition(arena, old, new, "rules", 0);
	ck_assert_uint_eq(transition.commit.count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(transition.commit.items[i].kind, expected[i]);
		ck_assert_str_eq(transition.commit.items[i].chain->name, "a");
	}
	ck_assert_uint_eq(transition.commit.rules_added, 1);
	arena_free(arena);
}
END_TEST

START_TEST(handles_links_and_chain_comments_do_not_count)
{
	static struct link other_link = { .index = 9, .name = "x" };
	struct arena *arena = arena_new();
	const struct ruleset *old = ruleset_of_hook(arena, forward_hook);
	struct ruleset *new = ruleset_of_hook(arena, forward_hook);

	new->links = (struct link_table){ &other_link, 1 };
	new->tables[0].chains[0].comment = "for people";
	new->tables[0].chains[0].rules[0].handle = 42;
	ck_assert(ruleset_equal(old, new));
	ck_assert_uint_eq(ruleset_diff(arena, old, new).commit.count, 0);
	arena_free(arena);
}
END_TEST

/* ---- what was laid over */

/* A ruleset that shares all of old, with lists of sets of its own. */
static struct ruleset *laid_over(struct arena *arena, const struct ruleset *old)
{
	struct ruleset *laid = overlay_begin(arena, old);

	for (size_t i = 0; i < old->table_count; i++) {
		struct table *table = &laid->tables[i];

		table->sets = arena_array(arena, table->set_count, sizeof(*table->sets));
		memcpy(table->sets, old->tables[i].sets, table->set_count * sizeof(*table->sets));
	}
	return laid;
}

/* Gives the sets that something may be laid over the elements of edited. */
static void lay_elements(struct ruleset *laid, const struct ruleset *edited)
{
	for (size_t i = 0; i < laid->table_count; i++) {
		for (size_t j = 0; j < laid->tables[i].set_count; j++) {
			struct set *set = &laid->tables[i].sets[j];
			const struct set *other = &edited->tables[i].sets[j];

			if (set->interval || set->timeout || set->data != SET_DATA_NONE)
				continue;
			set->elements = other->elements;
			set->element_count = other->element_count;
		}
	}
}

START_TEST(what_is_laid_over_is_found_as_any_other_difference)
{
	struct arena *arena = arena_new();
	struct sample_world world = { sample_loopback(), NOW, 20 };
	size_t changes = 0;

	for (unsigned long seed = 0; seed < 60; seed++) {
		const struct ruleset *old = ruleset_sample(arena, seed, &world);
		struct ruleset *laid = laid_over(arena, old);
		struct model model = model_of(arena, old, "laid", seed);
		struct transition transition, whole;

		lay_elements(laid, ruleset_sample_edited(arena, old, seed, &world, seed));
		whole = ruleset_diff(arena, old, laid);
		must(&model, ruleset_diff_laid(arena, old, laid, &transition), "it is not seen that it was laid over");
		must(&model, transition.prepare.count + transition.revoke.count == 0, "there is more than one transaction");
		must(&model, transition.target == laid, "the target is another");
		must(&model, transition.commit.elements_added == whole.commit.elements_added &&
				     transition.commit.elements_deleted == whole.commit.elements_deleted, "it is another difference");
		model_apply_all(&model, &transition.commit);
		must(&model, ruleset_equal(&model.ruleset, laid), "the changes lead elsewhere");
		changes += transition.commit.count;
	}
	ck_assert_uint_gt(changes, 20);
	arena_free(arena);
}
END_TEST

static void lay_a_range(struct set *set)
{
	set->interval = true;
}

static void lay_an_expiry(struct set *set)
{
	set->timeout = true;
}

static void lay_a_mark(struct set *set)
{
	set->data = SET_DATA_MARK;
}

static void lay_without_room(struct set *set)
{
	set->room = FULL - 1;
}

/* The edit is made to the set of both; one element goes where elements is so. */
static const struct laid_row {
	const char *what;
	void (*edit)(struct set *set);
	bool elements, room, name, chains, table, sets;
	bool laid;
} laid_rows[] = {
	{ "nothing", NULL, .laid = true },
	{ "an element", NULL, .elements = true, .laid = true },
	{ "an element of ranges", lay_a_range, .elements = true },
	{ "ranges that are shared", lay_a_range, .laid = true },
	{ "an element that may expire", lay_an_expiry, .elements = true },
	{ "an element with a mark", lay_a_mark, .elements = true },
	{ "an element of a set without room", lay_without_room, .elements = true },
	{ "another room", NULL, .room = true },
	{ "another name", NULL, .name = true },
	{ "other rules", NULL, .chains = true },
	{ "a table more", NULL, .table = true },
	{ "a set less", NULL, .sets = true },
};

static void lay_row(const struct laid_row *row, struct ruleset *laid)
{
	struct table *table = &laid->tables[0];

	table->sets[0].element_count -= row->elements;
	table->sets[0].room += row->room;
	if (row->name)
		table->sets[0].name = "another";
	if (row->chains)
		table->chains++;
	laid->table_count -= row->table;
	table->set_count -= row->sets;
}

START_TEST(what_is_not_laid_over_is_told)
{
	const struct laid_row *row = &laid_rows[_i];
	struct arena *arena = arena_new();
	struct ruleset *old = ruleset_sample_large(arena, FULL, false), *laid;
	struct transition transition;

	old->tables[0].sets[0].data = SET_DATA_NONE;
	if (row->edit)
		row->edit(&old->tables[0].sets[0]);
	laid = laid_over(arena, old);
	lay_row(row, laid);
	ck_assert_msg(ruleset_diff_laid(arena, old, laid, &transition) == row->laid, "%s", row->what);
	ck_assert_msg(!row->laid || transition.commit.count == row->elements, "%s: other changes", row->what);
	arena_free(arena);
}
END_TEST

/* ---- ruleset_same */

START_TEST(names_of_sets_do_not_count_for_sameness)
{
	const struct stray_row second_only = { "", SECOND, SECOND, 0, NULL },
			       with_stray = { "", FIRST | SECOND, SECOND, 0, NULL };
	struct arena *arena = arena_new();
	const struct ruleset *wanted = ruleset_sample_large(arena, FULL, true);
	struct ruleset *kernel = ruleset_with_strays(arena, &second_only);

	ck_assert(ruleset_same(arena, kernel, wanted));
	ck_assert(ruleset_same(arena, wanted, kernel));
	ck_assert(!ruleset_equal(kernel, wanted));
	ck_assert(!ruleset_same(arena, ruleset_with_strays(arena, &with_stray), wanted));
	kernel->tables[0].sets[0].element_count--;
	ck_assert(!ruleset_same(arena, kernel, wanted));
	arena_free(arena);
}
END_TEST

static Suite *diff_suite(void)
{
	Suite *suite = suite_create("ruleset diff");
	TCase *random = tcase_create("random"), *elements = tcase_create("elements"),
	      *chains = tcase_create("chains");

	tcase_set_timeout(random, 120);
	tcase_add_test(random, random_rulesets_lead_to_each_other);
	tcase_add_test(random, a_walk_over_many_rulesets_keeps_to_the_target);
	tcase_add_test(random, few_edits_touch_only_elements);
	tcase_add_test(random, a_ruleset_leads_to_itself_by_nothing);
	suite_add_tcase(suite, random);

	tcase_add_loop_test(elements, an_element_that_changed_is_deleted_and_added, 0, COUNT(element_rows));
	tcase_add_loop_test(elements, an_interval_set_that_changes_much_is_built_beside, 0,
			    COUNT(interval_rows));
	tcase_add_loop_test(elements, a_range_that_changes_hands_is_built_beside, 0, COUNT(hands_rows));
	tcase_add_loop_test(elements, strays_go_and_never_stand_in_the_way, 0, COUNT(stray_rows));
	tcase_add_test(elements, a_set_of_another_kind_replaces_the_old_one);
	tcase_add_loop_test(elements, marks_outlive_packets_under_way, 0, COUNT(ending_rows));
	tcase_add_test(elements, an_exact_set_of_another_kind_keeps_its_name);
	tcase_add_loop_test(elements, room_for_elements, 0, COUNT(room_rows));
	tcase_add_loop_test(elements, a_set_without_room_is_replaced, 0, COUNT(growth_rows));
	tcase_add_test(elements, a_new_set_has_room);
	tcase_add_test(elements, a_set_has_the_room_the_program_gives);
	tcase_add_test(elements, a_new_interval_set_is_filled_before_it_is_asked);
	tcase_add_test(elements, a_verdict_map_is_never_built_beside);
	tcase_add_test(elements, a_renamed_set_is_still_found_among_others);
	tcase_add_test(elements, a_large_set_with_few_changes_gives_few_changes);
	tcase_add_test(elements, what_is_laid_over_is_found_as_any_other_difference);
	tcase_add_loop_test(elements, what_is_not_laid_over_is_told, 0, COUNT(laid_rows));
	tcase_add_test(elements, names_of_sets_do_not_count_for_sameness);
	suite_add_tcase(suite, elements);

	tcase_add_loop_test(chains, a_chain_that_hangs_elsewhere_is_replaced, 0, COUNT(hook_rows));
	tcase_add_test(chains, a_base_chain_stays_while_its_rules_change);
	tcase_add_test(chains, handles_links_and_chain_comments_do_not_count);
	suite_add_tcase(suite, chains);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(diff_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
