/*
 * audit: builds the program a second time from the pins and demands that the ruleset is it, then judges the
 * elements.
 *
 * Which pairs of zones exist is read from the ruleset's chains; that is the only thing believed, and it is
 * judged by the law. Chains and not @pairs, because a pair whose interfaces are missing has chains but no
 * element.
 */
#include "ruleset/audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/law.h"
#include "ruleset/audit_elements.h"
#include "ruleset/diff.h"

static const char *family_word(enum family family)
{
	switch (family) {
	case FAMILY_INET:
		return "inet";
	case FAMILY_NETDEV:
		return "netdev";
	case FAMILY_BRIDGE:
		return "bridge";
	}
	return "?";
}

void audit_report(struct audit *audit, enum ruleset_finding kind, const char *first, const char *second,
		  const char *third)
{
	if (audit->found[kind]++ < AUDIT_SHOWN_PER_KIND_MAX)
		finding_add(audit->findings, &ruleset_catalogue[kind], (struct origin){ .line = 0 }, first, second,
			    third, NULL);
}

static void report_difference(struct audit *audit, enum family family, const char *what, const char *name)
{
	audit_report(audit, RULESET_AUDIT_PROGRAM_DIFFERS,
		     arena_printf(audit->arena, "%s %s %s", family_word(family), what, name), NULL, NULL);
}

/* Tells how many findings were not shown; returns how many there were. */
static size_t report_rest(struct audit *audit)
{
	size_t total = 0;

	for (int kind = 0; kind < RULESET_FINDING_COUNT; kind++) {
		size_t found = audit->found[kind];

		total += found;
		if (found > AUDIT_SHOWN_PER_KIND_MAX)
			finding_add(audit->findings, &ruleset_catalogue[RULESET_AUDIT_MORE],
				    (struct origin){ .line = 0 }, ruleset_catalogue[kind].id,
				    arena_printf(audit->arena, "%zu", found - AUDIT_SHOWN_PER_KIND_MAX), NULL);
	}
	return total;
}

static bool rule_rejects(const struct rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		if (rule->steps[i].kind == STEP_REJECT)
			return true;
	}
	return false;
}

/* True when a rule of the chain leads to a chain that rejects. */
static bool chain_leads_to_reject(const struct table *table, const struct chain *chain)
{
	for (size_t r = 0; r < chain->rule_count; r++) {
		const struct rule *rule = &chain->rules[r];

		for (size_t s = 0; s < rule->step_count; s++) {
			const char *name = rule->steps[s].kind == STEP_VERDICT ? rule->steps[s].verdict.chain : NULL;
			const struct chain *target = name ? table_chain(table, name) : NULL;

			for (size_t t = 0; target && t < target->rule_count; t++) {
				if (rule_rejects(&target->rules[t]))
					return true;
			}
		}
	}
	return false;
}

static void judge_pair(struct audit *audit, const struct program_pair *pair)
{
	const struct program_zone *from = &audit->pins->zones[pair->from], *to = &audit->pins->zones[pair->to];

	if (!law_tiers_may_meet(from->tier, to->tier))
		audit_report(audit, RULESET_AUDIT_PAIR_FORBIDDEN, from->name, to->name, NULL);
	if (pair->rejects && from->tier != to->tier)
		audit_report(audit, RULESET_AUDIT_REJECT_FORBIDDEN, from->name, to->name, NULL);
}

/* The pairs whose chains the table has, each judged; sorted as program_build() wants them. */
static struct program_pair *pairs_of(struct audit *audit, const struct table *table, size_t *ret_count)
{
	size_t zone_count = audit->pins->zone_count, count = 0;
	enum { ABSENT, SILENT, REJECTS } *state = arena_array(audit->arena, zone_count * zone_count, sizeof(*state));
	struct program_pair *pairs = arena_array(audit->arena, zone_count * zone_count, sizeof(*pairs));

	for (size_t i = 0; i < table->chain_count; i++) {
		const struct chain *chain = &table->chains[i];
		uint32_t from, to;

		if (!program_pair_of_name(audit->pins, chain->name, &from, &to))
			continue;
		if (state[from * zone_count + to] != REJECTS)
			state[from * zone_count + to] = chain_leads_to_reject(table, chain) ? REJECTS : SILENT;
	}
	for (size_t i = 0; i < zone_count * zone_count; i++) {
		if (state[i] == ABSENT)
			continue;
		pairs[count] = (struct program_pair){ (uint32_t)(i / zone_count), (uint32_t)(i % zone_count),
						      state[i] == REJECTS };
		judge_pair(audit, &pairs[count++]);
	}
	*ret_count = count;
	return pairs;
}

/*
 * Says of each element of @pairs that leads nowhere known what it is; the comparison with the program would
 * name the set only.
 */
static void judge_pair_elements(struct audit *audit, const struct set *pairs)
{
	for (size_t i = 0; i < pairs->element_count; i++) {
		const char *chain = pairs->elements[i].verdict.chain;
		uint32_t from, to;

		if (!chain || !program_pair_of_name(audit->pins, chain, &from, &to))
			audit_report(audit, RULESET_AUDIT_PAIR_UNKNOWN, chain ? chain : "-", NULL, NULL);
	}
}

static void rename_in_rules(struct table *table, const char *old, const char *new)
{
	for (size_t c = 0; c < table->chain_count; c++) {
		for (size_t r = 0; r < table->chains[c].rule_count; r++) {
			struct rule *rule = &table->chains[c].rules[r];

			for (size_t s = 0; s < rule->step_count; s++) {
				if (rule->steps[s].set && !strcmp(rule->steps[s].set, old))
					rule->steps[s].set = new;
			}
		}
	}
}

static int set_name_order(const void *a, const void *b)
{
	return strcmp(((const struct set *)a)->name, ((const struct set *)b)->name);
}

/*
 * The name under which the table has an interval set that is not there under its own: diff.h puts suffixes
 * behind it. NULL: under none.
 */
static const char *second_name_of(struct audit *audit, const struct table *table, const char *name)
{
	const char *second = name;

	while (strlen(second) <= RULESET_NAME_BYTES_MAX && !table_set(table, second))
		second = arena_printf(audit->arena, "%s" DIFF_SECOND_SUFFIX, second);
	return table_set(table, second) ? second : NULL;
}

/* A ruleset that was read back may have interval sets under second names: the program then takes these names, too. */
static void settle_set_names(struct audit *audit, struct table *program, const struct table *table)
{
	for (size_t i = 0; i < program->set_count; i++) {
		struct set *set = &program->sets[i];
		const char *second = set->interval ? second_name_of(audit, table, set->name) : NULL;

		if (!second || second == set->name)
			continue;
		rename_in_rules(program, set->name, second);
		set->name = second;
	}
	if (program->set_count)
		qsort(program->sets, program->set_count, sizeof(*program->sets), set_name_order);
}

static bool elements_equal(const struct set *a, const struct set *b)
{
	if (a->element_count != b->element_count)
		return false;
	for (size_t i = 0; i < a->element_count; i++) {
		if (!element_equal(a, &a->elements[i], &b->elements[i]))
			return false;
	}
	return true;
}

/*
 * Which of two sorted lists is behind at these names: <0 the program has one more, >0 the ruleset has, 0 both
 * have it. NULL: the list is over.
 */
static int name_order(const char *program, const char *ruleset)
{
	if (!program || !ruleset)
		return program ? -1 : 1;
	return strcmp(program, ruleset);
}

static void compare_sets(struct audit *audit, const struct table *program, const struct table *table)
{
	size_t p = 0, t = 0;

	while (p < program->set_count || t < table->set_count) {
		const struct set *want = p < program->set_count ? &program->sets[p] : NULL;
		const struct set *have = t < table->set_count ? &table->sets[t] : NULL;
		int order = name_order(want ? want->name : NULL, have ? have->name : NULL);

		if (order != 0)
			report_difference(audit, program->family, "set", order < 0 ? want->name : have->name);
		else if (!set_same_kind(want, have) || (audit_set_is_fixed(want) && !elements_equal(want, have)))
			report_difference(audit, program->family, "set", want->name);
		p += order <= 0;
		t += order >= 0;
	}
}

static void compare_chains(struct audit *audit, const struct table *program, const struct table *table)
{
	size_t p = 0, t = 0;

	while (p < program->chain_count || t < table->chain_count) {
		const struct chain *want = p < program->chain_count ? &program->chains[p] : NULL;
		const struct chain *have = t < table->chain_count ? &table->chains[t] : NULL;
		int order = name_order(want ? want->name : NULL, have ? have->name : NULL);

		if (order != 0)
			report_difference(audit, program->family, "chain", order < 0 ? want->name : have->name);
		else if (!hook_equal(&want->hook, &have->hook) || !chain_rules_equal(want, have))
			report_difference(audit, program->family, "chain", want->name);
		p += order <= 0;
		t += order >= 0;
	}
}

static void compare_program(struct audit *audit, struct ruleset *program, const struct ruleset *ruleset)
{
	for (size_t i = 0; i < program->table_count || i < ruleset->table_count; i++) {
		struct table *want = i < program->table_count ? &program->tables[i] : NULL;
		const struct table *have = i < ruleset->table_count ? &ruleset->tables[i] : NULL;

		if (!want || !have || want->family != have->family || strcmp(want->name, have->name) != 0) {
			report_difference(audit, want ? want->family : have->family, "table",
					  want ? want->name : have->name);
			continue;
		}
		settle_set_names(audit, want, have);
		compare_sets(audit, want, have);
		compare_chains(audit, want, have);
	}
}

static void audit_ruleset(struct audit *audit, const struct ruleset *ruleset)
{
	struct program_input input = *audit->pins;
	const struct table *inet = ruleset_table(ruleset, FAMILY_INET, "sekisho");
	const struct set *pairs = inet ? table_set(inet, "pairs") : NULL;
	struct ruleset *program;

	input.pairs = NULL;
	input.pair_count = 0;
	if (inet)
		input.pairs = pairs_of(audit, inet, &input.pair_count);
	if (pairs)
		judge_pair_elements(audit, pairs);
	program = program_build(audit->arena, &input);
	compare_program(audit, program, ruleset);
	if (audit->found[RULESET_AUDIT_PROGRAM_DIFFERS] == 0)
		audit_elements(audit, program, ruleset);
}

int ruleset_audit(const struct ruleset *ruleset, const struct program_input *pins, struct findings *findings)
{
	struct audit audit = { .arena = arena_new(), .pins = pins, .findings = findings };
	size_t total;

	audit_ruleset(&audit, ruleset);
	total = report_rest(&audit);
	arena_free(audit.arena);
	return total == 0 ? 0 : -EPERM;
}
