/*
 * prove_changes: rulesets with one thing changed, or one rule invented, at random. For prove_oracle.h.
 *
 * What comes of it the kernel might refuse; the prover must not care.
 */
#ifndef TESTS_UNIT_PROVE_CHANGES_H
#define TESTS_UNIT_PROVE_CHANGES_H

#include <stdlib.h>
#include <string.h>

#include "ruleset/ruleset.h"

struct oracle_random {
	uint64_t state;
};

static inline uint32_t oracle_below(struct oracle_random *random, size_t bound)
{
	uint64_t z = (random->state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return bound ? (uint32_t)((z ^ z >> 31) % bound) : 0;
}

/* A copy deep enough that chains, rules, steps and elements can be changed. */
static inline struct ruleset *oracle_copy(struct arena *arena, const struct ruleset *ruleset)
{
	struct ruleset *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *ruleset;
	copy->tables = arena_array(arena, ruleset->table_count, sizeof(*copy->tables));
	for (size_t t = 0; t < ruleset->table_count; t++) {
		struct table *table = &copy->tables[t];

		*table = ruleset->tables[t];
		table->sets = arena_array(arena, table->set_count, sizeof(*table->sets));
		table->chains = arena_array(arena, table->chain_count, sizeof(*table->chains));
		for (size_t s = 0; s < table->set_count; s++) {
			table->sets[s] = ruleset->tables[t].sets[s];
			table->sets[s].elements = arena_array(arena, table->sets[s].element_count + 1, sizeof(struct element));
			if (table->sets[s].element_count)
				memcpy(table->sets[s].elements, ruleset->tables[t].sets[s].elements,
				       table->sets[s].element_count * sizeof(struct element));
		}
		for (size_t c = 0; c < table->chain_count; c++) {
			struct chain *chain = &table->chains[c];

			*chain = ruleset->tables[t].chains[c];
			chain->rules = arena_array(arena, chain->rule_count + 1, sizeof(*chain->rules));
			for (size_t r = 0; r < chain->rule_count; r++) {
				chain->rules[r] = ruleset->tables[t].chains[c].rules[r];
				chain->rules[r].steps = arena_array(arena, chain->rules[r].step_count + 1, sizeof(struct step));
				memcpy(chain->rules[r].steps, ruleset->tables[t].chains[c].rules[r].steps,
				       chain->rules[r].step_count * sizeof(struct step));
			}
		}
	}
	return copy;
}

static inline void oracle_change_chain(struct arena *arena, struct oracle_random *random, struct table *table)
{
	struct chain *chain = &table->chains[oracle_below(random, table->chain_count)];
	size_t at = oracle_below(random, chain->rule_count + 1);

	switch (oracle_below(random, 4)) {
	case 0: /* a rule goes */
		if (at < chain->rule_count)
			memmove(&chain->rules[at], &chain->rules[at + 1], (--chain->rule_count - at) * sizeof(*chain->rules));
		break;
	case 1: /* a rule of a few steps of others comes */
		memmove(&chain->rules[at + 1], &chain->rules[at], (chain->rule_count++ - at) * sizeof(*chain->rules));
		chain->rules[at] = (struct rule){ .steps = arena_array(arena, 2, sizeof(struct step)), .step_count = 1 };
		chain->rules[at].steps[0] = (struct step){ .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_ACCEPT } };
		if (oracle_below(random, 2)) {
			const struct chain *other = &table->chains[oracle_below(random, table->chain_count)];
			const struct rule *rule = &other->rules[oracle_below(random, other->rule_count)];

			if (other->rule_count && rule->step_count && rule->steps[0].kind != STEP_VERDICT) {
				chain->rules[at].steps[1] = chain->rules[at].steps[0];
				chain->rules[at].steps[0] = rule->steps[0];
				chain->rules[at].step_count = 2;
			}
		}
		break;
	case 2:
		chain->hook.policy = VERDICT_ACCEPT;
		break;
	default: /* two rules change places */
		if (chain->rule_count > 1 && at + 1 < chain->rule_count) {
			struct rule rule = chain->rules[at];

			chain->rules[at] = chain->rules[at + 1];
			chain->rules[at + 1] = rule;
		}
	}
}

static inline void oracle_change_step(struct oracle_random *random, struct table *table)
{
	struct chain *chain = &table->chains[oracle_below(random, table->chain_count)];
	struct rule *rule = chain->rule_count ? &chain->rules[oracle_below(random, chain->rule_count)] : NULL;
	struct step *step = rule && rule->step_count ? &rule->steps[oracle_below(random, rule->step_count)] : NULL;

	if (!step)
		return;
	switch (oracle_below(random, 4)) {
	case 0:
		if (step->kind == STEP_VERDICT)
			step->verdict = (struct verdict){ .kind = oracle_below(random, 2) ? VERDICT_ACCEPT : VERDICT_RETURN };
		else
			step->op = step->op == MATCH_EQ ? MATCH_NE : MATCH_EQ;
		break;
	case 1:
		if (step->kind == STEP_MATCH)
			step->value[oracle_below(random, 4)] ^= (uint8_t)((1u << oracle_below(random, 8)) & step->mask[0]);
		break;
	case 2:
		if (step->kind == STEP_VERDICT && step->verdict.chain)
			step->verdict.chain = table->chains[oracle_below(random, table->chain_count)].name;
		break;
	default:
		*step = (struct step){ .kind = STEP_COUNTER };
	}
}

static inline void oracle_change_set(struct arena *arena, struct oracle_random *random, struct table *table)
{
	struct set *set = table->set_count ? &table->sets[oracle_below(random, table->set_count)] : NULL;
	size_t at = set ? oracle_below(random, set->element_count) : 0, size = set ? key_size(&set->key) : 0;
	struct element *element = set && set->element_count ? &set->elements[at] : NULL;
	uint8_t *key;

	if (!element)
		return;
	switch (oracle_below(random, 4)) {
	case 0:
		memmove(element, element + 1, (--set->element_count - at) * sizeof(*element));
		break;
	case 1:
		if (set->data == SET_DATA_MARK)
			element->mark = set->elements[oracle_below(random, set->element_count)].mark + oracle_below(random, 2);
		break;
	case 2: /* a field of one element becomes that of another */
		key = arena_alloc(arena, 2 * size);
		memcpy(key, element->key, set->interval ? 2 * size : size);
		for (size_t f = 0, offset = 0, chosen = oracle_below(random, key_field_count(&set->key)); f < key_field_count(&set->key); f++) {
			const uint8_t *other = set->elements[oracle_below(random, set->element_count)].key;

			if (f == chosen)
				memcpy(key + offset, other + offset, field_slot(set->key.fields[f]));
			if (f == chosen && set->interval)
				memcpy(key + size + offset, other + size + offset, field_slot(set->key.fields[f]));
			offset += field_slot(set->key.fields[f]);
		}
		element->key = key;
		break;
	default: /* an element wakes up wider, or never ends */
		element->expires_at = oracle_below(random, 2) ? 0 : element->expires_at;
		if (!set->interval)
			break;
		key = arena_alloc(arena, 2 * size);
		memcpy(key, element->key, 2 * size);
		key[size + oracle_below(random, size)] |= (uint8_t)(1u << oracle_below(random, 8));
		element->key = key;
	}
	set_sort(set);
}

/* ---- rules out of nothing */

static inline void oracle_put(uint8_t *bytes, size_t size, uint64_t value)
{
	for (size_t i = size; i-- > 0; value >>= 8)
		bytes[i] = (uint8_t)value;
}

/* A number worth asking a field for; 0 where numbers say nothing (addresses). */
static inline uint32_t oracle_number(struct oracle_random *random, const struct ruleset *ruleset, enum field field)
{
	static const uint16_t numbers[FIELD_COUNT][6] = {
		[FIELD_IIFTYPE] = { 1, 1, 1, 772, 0, 32 }, [FIELD_NFPROTO] = { 2, 2, 10, 10, 2, 0 }, [FIELD_L4PROTO] = { 6, 6, 17, 1, 58, 47 },
		[FIELD_SKUID] = { 0, 0, 9, 1000, 0, 0 }, [FIELD_PKTTYPE] = { 0, 0, 0, 1, 2, 3 },
		[FIELD_CT_STATE] = { CT_NEW, CT_NEW, CT_ESTABLISHED, CT_RELATED, CT_INVALID, CT_UNTRACKED },
		[FIELD_CT_STATUS] = { 0, 2, CT_SNAT, CT_DNAT, 0x400, 8 }, [FIELD_CT_DIRECTION] = { 0, 0, 0, 1, 1, 1 },
		[FIELD_CT_MARK] = { 0, 1, 2, 3, 4, 8 }, [FIELD_ETHER_TYPE] = { 0x0800, 0x0800, 0x86dd, 0x0806, 0x88cc, 0 },
		[FIELD_ETHER_SADDR] = { 0, 0x77, 0x77, 0x10, 0x20, 1 }, [FIELD_IP6_HOPLIMIT] = { 64, 64, 64, 255, 255, 1 },
		[FIELD_SPORT] = { 40000, 25, 53, 443, 3389, 22 }, [FIELD_DPORT] = { 443, 25, 53, 22, 3389, 80 },
		[FIELD_TCP_FLAGS] = { 2, 2, 16, 18, 0, 1 }, [FIELD_ICMP_TYPE] = { 8, 8, 0, 3, 5, 13 }, [FIELD_ICMP6_TYPE] = { 128, 128, 129, 1, 135, 134 },
		[FIELD_IP6_ROUTING] = { 0, 0, 0, 0, 1, 1 },
	};

	if ((field == FIELD_IIF || field == FIELD_OIF) && ruleset->links.count)
		return oracle_below(random, 8) ? ruleset->links.items[oracle_below(random, ruleset->links.count)].index : 7777;
	return numbers[field][oracle_below(random, 6)];
}

/* An address or a part of one: 10.x.0.y, fd00:x::y. */
static inline void oracle_put_address(struct oracle_random *random, size_t size, uint8_t *bytes)
{
	bytes[0] = size == 4 ? 10 : 0xfd;
	bytes[1] = size == 4 ? (uint8_t)(1 + oracle_below(random, 3)) : 0;
	bytes[size == 4 ? 2 : 3] = size == 4 ? 0 : (uint8_t)(1 + oracle_below(random, 3));
	bytes[size - 1] = (uint8_t)(oracle_below(random, 2) ? 0x10 * (1 + oracle_below(random, 4)) : oracle_below(random, 128));
}

static inline struct step oracle_invented_match(struct oracle_random *random, const struct ruleset *ruleset)
{
	struct step step = { .kind = STEP_MATCH, .field = (enum field)(FIELD_IIF + oracle_below(random, FIELD_COUNT - FIELD_IIF)),
			     .op = oracle_below(random, 4) ? MATCH_EQ : MATCH_NE };
	const size_t size = field_size(step.field);
	const bool address = size == 16 || step.field == FIELD_IP_SADDR || step.field == FIELD_IP_DADDR || step.field == FIELD_RT_NEXTHOP4;

	if (address)
		oracle_put_address(random, size, step.value);
	else
		oracle_put(step.value, size, oracle_number(random, ruleset, step.field));
	switch (oracle_below(random, 4)) {
	case 0: /* a prefix */
		for (size_t bit = 0, length = oracle_below(random, 8 * size + 1); bit < length; bit++)
			step.mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		break;
	case 1: /* a few bits at the end */
		step.mask[size - 1] = (uint8_t)oracle_below(random, 256);
		break;
	default:
		memset(step.mask, 0xff, size);
	}
	for (size_t i = 0; i < size && oracle_below(random, 16); i++)
		step.value[i] &= step.mask[i];
	return step;
}

/* A field that has the same type as another. */
static inline enum field oracle_field_alike(struct oracle_random *random, enum field field)
{
	const enum field alike = (enum field)(FIELD_IIF + oracle_below(random, FIELD_COUNT - FIELD_IIF));

	return field_representative(alike) == field_representative(field) ? alike : field;
}

static inline struct step oracle_invented_lookup(struct oracle_random *random, const struct table *table)
{
	static const enum step_kind kinds[] = { [SET_DATA_NONE] = STEP_LOOKUP, [SET_DATA_MARK] = STEP_SET_MARK, [SET_DATA_VERDICT] = STEP_VMAP };
	const struct set *set = &table->sets[oracle_below(random, table->set_count)];
	struct step step = { .kind = oracle_below(random, 8) ? kinds[set->data] : STEP_LOOKUP, .key = set->key, .set = set->name };

	for (size_t f = 0; f < key_field_count(&set->key); f++)
		for (int i = 0; i < 8; i++)
			step.key.fields[f] = oracle_field_alike(random, step.key.fields[f]);
	return step;
}

static inline struct step oracle_invented_end(struct oracle_random *random, const struct table *table)
{
	static const enum verdict_kind kinds[] = { VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_ACCEPT, VERDICT_DROP, VERDICT_RETURN, VERDICT_JUMP, VERDICT_GOTO };
	struct step step = { .kind = STEP_VERDICT, .verdict.kind = kinds[oracle_below(random, sizeof(kinds) / sizeof(kinds[0]))] };

	if (step.verdict.kind == VERDICT_JUMP || step.verdict.kind == VERDICT_GOTO)
		step.verdict.chain = table->chains[oracle_below(random, table->chain_count)].name;
	if (oracle_below(random, 16) == 0)
		step = (struct step){ .kind = STEP_REJECT };
	return step;
}

static inline struct step oracle_invented_step(struct oracle_random *random, const struct ruleset *ruleset, const struct table *table)
{
	struct step step = { .kind = STEP_COUNTER };

	switch (oracle_below(random, 16)) {
	case 0:
		return step;
	case 1:
		return (struct step){ .kind = STEP_LIMIT, .rate = 1, .burst = 1 };
	case 2:
		step.kind = STEP_SET_MARK_VALUE;
		oracle_put(step.value, 4, oracle_number(random, ruleset, FIELD_CT_MARK));
		return step;
	case 3: case 4: case 5: case 6:
		if (table->set_count)
			return oracle_invented_lookup(random, table);
	}
	return oracle_invented_match(random, ruleset);
}

/* A rule of up to four steps and mostly a verdict, somewhere in a chain that has room for it. */
static inline void oracle_invent(struct arena *arena, struct oracle_random *random, const struct ruleset *ruleset, struct table *table)
{
	enum { STEPS_MAX = 4 };
	struct chain *chain = &table->chains[oracle_below(random, table->chain_count)];
	const size_t at = oracle_below(random, chain->rule_count + 1), steps = oracle_below(random, STEPS_MAX + 1);
	struct rule rule = { .steps = arena_array(arena, STEPS_MAX + 1, sizeof(struct step)) };

	while (rule.step_count < steps)
		rule.steps[rule.step_count++] = oracle_invented_step(random, ruleset, table);
	if (oracle_below(random, 8))
		rule.steps[rule.step_count++] = oracle_invented_end(random, table);
	memmove(&chain->rules[at + 1], &chain->rules[at], (chain->rule_count++ - at) * sizeof(*chain->rules));
	chain->rules[at] = rule;
}

/* One change to a copy of the ruleset, in the arena. */
static inline struct ruleset *oracle_changed(struct arena *arena, struct oracle_random *random, const struct ruleset *ruleset)
{
	struct ruleset *copy = oracle_copy(arena, ruleset);
	struct table *table = &copy->tables[oracle_below(random, 4) ? 0 : oracle_below(random, copy->table_count)];

	switch (oracle_below(random, 5)) {
	case 0:
		oracle_change_chain(arena, random, table);
		break;
	case 1:
		oracle_change_step(random, table);
		break;
	case 2:
		oracle_change_set(arena, random, table);
		break;
	default:
		oracle_invent(arena, random, ruleset, table);
	}
	return copy;
}

#endif
