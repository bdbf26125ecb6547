/*
 * ruleset_sample: random rulesets for tests. From small to large: numbers, elements, sets, steps, rules,
 * chains, tables.
 */
#include "ruleset_sample.h"

#include <stdlib.h>
#include <string.h>

enum {
	CHAINS_MAX = 6, SETS_MAX = 8, RULES_MAX = 6, SAMPLE_FIELDS_MAX = 5,
	COMMENT_ONE_IN = 6, EXPIRY_SECONDS_MIN = 60, EXPIRY_SECONDS_MAX = 100000,
	PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58,
};

struct sampler {
	struct arena *arena;
	struct sample_random random;
	const struct sample_world *world;
	struct table *table;
	/*
	 * Chains that are jumped to are chain0, chain1, ...; each calls only later ones. Those before
	 * safe_from may ask for the next hop and are called only from forward; those from leaf_from on call
	 * nobody, so that a verdict map may name them.
	 */
	uint32_t callable_count, safe_from, leaf_from;
};

uint64_t sample_next(struct sample_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint32_t sample_below(struct sample_random *random, uint32_t bound)
{
	return (uint32_t)(sample_next(random) >> 32) % bound;
}

const struct link_table *sample_loopback(void)
{
	static struct link loopback = { .index = 1, .name = "lo" };
	static const struct link_table links = { .items = &loopback, .count = 1 };

	return &links;
}

static uint32_t below(struct sampler *sampler, uint32_t bound)
{
	return sample_below(&sampler->random, bound);
}

static bool one_in(struct sampler *sampler, uint32_t bound)
{
	return below(sampler, bound) == 0;
}

static void put_value(uint8_t *bytes, uint32_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i + 4 < size ? 0 : value >> (8 * (size - 1 - i)));
}

static uint32_t random_link(struct sampler *sampler)
{
	const struct link_table *links = sampler->world->links;

	return links->items[below(sampler, (uint32_t)links->count)].index;
}

static const char *random_comment(struct sampler *sampler)
{
	static const char *const texts[] = { "juki-shokai 00112233445566778899aabbccddeeff", "住民記録", "a",
					     "two words, (three)" };

	if (!one_in(sampler, COMMENT_ONE_IN))
		return NULL;
	if (one_in(sampler, 8)) {
		char longest[RULESET_COMMENT_BYTES_MAX];

		memset(longest, 'x', sizeof(longest));
		return arena_strndup(sampler->arena, longest, sizeof(longest));
	}
	return texts[below(sampler, sizeof(texts) / sizeof(texts[0]))];
}

/* ---- elements */

static uint8_t random_protocol(struct sampler *sampler)
{
	static const uint8_t protocols[] = {
		PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP6, 47, 132, 200,
	};

	return protocols[below(sampler, sizeof(protocols))];
}

/* A value the field may have in a key. Few addresses and ports, so that ranges come close to each other. */
static void random_field(struct sampler *sampler, enum field field, uint8_t *bytes)
{
	size_t size = field_size(field);

	switch (field) {
	case FIELD_IIF:
		put_value(bytes, random_link(sampler), size);
		break;
	case FIELD_NFPROTO:
		bytes[0] = one_in(sampler, 2) ? NFPROTO_V4 : NFPROTO_V6;
		break;
	case FIELD_CT_DIRECTION:
		bytes[0] = (uint8_t)below(sampler, 2);
		break;
	case FIELD_L4PROTO:
		bytes[0] = random_protocol(sampler);
		break;
	case FIELD_IP_SADDR:
		put_value(bytes, 0x0a000000 + below(sampler, 1024), size);
		break;
	case FIELD_IP6_SADDR:
		put_value(bytes, below(sampler, 1024), size);
		bytes[0] = 0xfd;
		break;
	case FIELD_ETHER_SADDR:
		put_value(bytes, below(sampler, 1 << 16), size);
		bytes[0] = 0x02;
		break;
	case FIELD_CT_MARK:
		put_value(bytes, 1 + below(sampler, 0x7ffffffe), size);
		break;
	default:
		put_value(bytes, below(sampler, 2000), size);
	}
}

static bool field_may_range(enum field field)
{
	return field == FIELD_IP_SADDR || field == FIELD_IP6_SADDR || field == FIELD_DPORT;
}

/*
 * Makes *last the end of a range that begins at *first: now and then one point, a stretch, or up to the
 * highest value.
 */
static void random_range_end(struct sampler *sampler, enum field field, uint8_t *first, uint8_t *last)
{
	size_t size = field_size(field);
	uint8_t other[16] = { 0 };

	memcpy(last, first, size);
	if (!field_may_range(field) || one_in(sampler, 3))
		return;
	if (field == FIELD_DPORT && one_in(sampler, 4)) {
		memset(last, 0xff, size);
		memset(first, 0, one_in(sampler, 2) ? size : 0);
		return;
	}
	random_field(sampler, field, other);
	if (memcmp(other, first, size) < 0)
		memcpy(first, other, size);
	else
		memcpy(last, other, size);
}

static const uint8_t *random_key(struct sampler *sampler, const struct set *set)
{
	size_t size = key_size(&set->key), offset = 0;
	uint8_t *key = arena_alloc(sampler->arena, size * 2);

	for (size_t i = 0; i < key_field_count(&set->key); i++) {
		enum field field = set->key.fields[i];

		random_field(sampler, field, key + offset);
		if (set->interval)
			random_range_end(sampler, field, key + offset, key + size + offset);
		offset += field_slot(field);
	}
	return key;
}

static const char *chain_name(struct sampler *sampler, uint32_t index)
{
	return arena_printf(sampler->arena, "chain%u.4", index);
}

static struct verdict random_leaf_verdict(struct sampler *sampler)
{
	static const enum verdict_kind ends[] = { VERDICT_ACCEPT, VERDICT_DROP, VERDICT_RETURN };
	uint32_t leaves = sampler->callable_count - sampler->leaf_from;

	if (leaves == 0 || one_in(sampler, 3))
		return (struct verdict){ .kind = ends[below(sampler, 3)] };
	return (struct verdict){
		.kind = one_in(sampler, 3) ? VERDICT_JUMP : VERDICT_GOTO,
		.chain = chain_name(sampler, sampler->leaf_from + below(sampler, leaves)),
	};
}

static void fill_element_data(struct sampler *sampler, const struct set *set, struct element *element)
{
	element->mark = 0;
	if (set->data == SET_DATA_MARK)
		element->mark = 1 + below(sampler, 0x7ffffffe);
	if (set->data == SET_DATA_VERDICT)
		element->verdict = random_leaf_verdict(sampler);
	element->expires_at = 0;
	if (set->timeout && !one_in(sampler, 3))
		element->expires_at =
			sampler->world->now + EXPIRY_SECONDS_MIN + below(sampler, EXPIRY_SECONDS_MAX);
	element->comment = random_comment(sampler);
}

/* True when the boxes of two elements of an interval set share a point. */
static bool elements_meet(const struct set *set, const struct element *a, const struct element *b)
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

static bool element_fits(const struct set *set, const struct element *element)
{
	for (size_t i = 0; i < set->element_count; i++) {
		if (set->interval ? elements_meet(set, &set->elements[i], element) :
				    element_compare(set, &set->elements[i], element) == 0)
			return false;
	}
	return true;
}

/*
 * Adds one random element if there is room for it beside the others; set->elements must have the space. Does
 * not sort.
 */
static void add_random_element(struct sampler *sampler, struct set *set)
{
	struct element element = { .key = random_key(sampler, set) };

	fill_element_data(sampler, set, &element);
	if (element_fits(set, &element))
		set->elements[set->element_count++] = element;
}

/* ---- sets */

struct shape {
	struct key key;		/* as field_representative() has it */
	bool may_interval;
	bool link_layer;	/* also good for bridge and netdev */
};

static const struct shape shapes[] = {
	{ { { FIELD_IIF } }, false, true },
	{ { { FIELD_ETHER_SADDR } }, false, true },
	{ { { FIELD_IIF, FIELD_ETHER_SADDR } }, false, true },
	{ { { FIELD_CT_MARK, FIELD_IIF, FIELD_IIF } }, false, false },
	{ { { FIELD_CT_MARK, FIELD_IIF } }, false, false },
	{ { { FIELD_NFPROTO, FIELD_CT_DIRECTION, FIELD_IIF, FIELD_IIF } }, false, false },
	{ { { FIELD_IIF, FIELD_IP_SADDR, FIELD_ETHER_SADDR } }, false, false },
	{ { { FIELD_IIF, FIELD_IP6_SADDR, FIELD_ETHER_SADDR } }, false, false },
	{ { { FIELD_IIF, FIELD_IP_SADDR } }, true, false },
	{ { { FIELD_IIF, FIELD_IP6_SADDR } }, true, false },
	{ { { FIELD_IP_SADDR, FIELD_IP_SADDR, FIELD_L4PROTO, FIELD_DPORT } }, true, false },
	{ { { FIELD_IP6_SADDR, FIELD_IP6_SADDR, FIELD_L4PROTO, FIELD_DPORT } }, true, false },
	{ { { FIELD_IP_SADDR, FIELD_IP_SADDR, FIELD_L4PROTO } }, true, false },
	{ { { FIELD_IIF, FIELD_IP_SADDR, FIELD_L4PROTO, FIELD_DPORT } }, true, false },
	{ { { FIELD_SKUID, FIELD_IIF, FIELD_IP_SADDR, FIELD_L4PROTO, FIELD_DPORT } }, true, false },
	{ { { FIELD_SKUID, FIELD_IIF, FIELD_IP6_SADDR, FIELD_L4PROTO } }, true, false },
	{ { { FIELD_IP_SADDR } }, false, false },
	{ { { FIELD_IP6_SADDR } }, false, false },
	{ { { FIELD_L4PROTO, FIELD_DPORT } }, true, false },
	{ { { FIELD_DPORT } }, false, false },
	{ { { FIELD_CT_MARK } }, false, false },
};

static const struct shape *random_shape(struct sampler *sampler)
{
	const struct shape *shape;

	do {
		shape = &shapes[below(sampler, sizeof(shapes) / sizeof(shapes[0]))];
	} while (sampler->table->family != FAMILY_INET && !shape->link_layer);
	return shape;
}

static void fill_set(struct sampler *sampler, struct set *set, const char *name)
{
	const struct shape *shape = random_shape(sampler);
	size_t wanted = below(sampler, (uint32_t)sampler->world->elements_max + 1);

	set->name = name;
	set->key = shape->key;
	set->interval = shape->may_interval && !one_in(sampler, 3);
	set->timeout = one_in(sampler, 4);
	if (sampler->table->family == FAMILY_INET)
		set->data = (enum set_data)below(sampler, 3);
	set->counted = !set->interval && set->data == SET_DATA_NONE && one_in(sampler, 3);
	set->elements = arena_array(sampler->arena, wanted, sizeof(*set->elements));
	for (size_t i = 0; i < wanted; i++)
		add_random_element(sampler, set);
	set_sort(set);
}

static void add_sets(struct sampler *sampler, uint32_t count)
{
	struct table *table = sampler->table;

	table->sets = arena_array(sampler->arena, count, sizeof(*table->sets));
	for (uint32_t i = 0; i < SETS_MAX && table->set_count < count; i++) {
		if (!one_in(sampler, 5))
			fill_set(sampler, &table->sets[table->set_count++],
				 arena_printf(sampler->arena, "set%u.exact4", i));
	}
}

/* ---- steps and rules */

/*
 * A rule under construction and what its steps have said so far, so that nft need not add or contradict
 * anything.
 */
struct draft {
	struct sampler *sampler;
	struct rule *rule;
	uint8_t nfproto;	/* 0: not said */
	uint8_t l4proto;	/* 0: not said */
	bool ethernet;		/* iiftype ether was said, or goes without saying */
	/* A value of this header was compared: nft would merge a second comparison into the same load. */
	bool link_header, network_header, transport_header;
	bool may_next_hop;	/* the chain is reached from the forward hook only */
	uint32_t first_callable; /* chains from this index on may be called */
};

static struct step *draft_step(struct draft *draft, enum step_kind kind)
{
	struct step *step = &draft->rule->steps[draft->rule->step_count++];

	step->kind = kind;
	return step;
}

static size_t draft_room(const struct draft *draft)
{
	return RULESET_STEPS_MAX - draft->rule->step_count;
}

static struct step *draft_match(struct draft *draft, enum field field, enum match_op op, uint32_t value)
{
	struct step *step = draft_step(draft, STEP_MATCH);

	step->field = field;
	step->op = op;
	memset(step->mask, 0xff, field_size(field));
	put_value(step->value, value, field_size(field));
	return step;
}

static enum match_op random_op(struct draft *draft)
{
	return one_in(draft->sampler, 3) ? MATCH_NE : MATCH_EQ;
}

/* Goes on if one of some random bits out of `bits` is set, or if none is. */
static void draft_bits(struct draft *draft, enum field field, const uint8_t *bits, uint32_t bit_count)
{
	uint32_t mask =
		bits[below(draft->sampler, bit_count)] | (uint32_t)bits[below(draft->sampler, bit_count)];
	struct step *step = draft_match(draft, field, random_op(draft), 0);

	put_value(step->mask, mask, field_size(field));
}

static void draft_address(struct draft *draft)
{
	bool v4 = draft->nfproto == NFPROTO_V4;
	bool source = one_in(draft->sampler, 2);
	enum field field = v4 ? (source ? FIELD_IP_SADDR : FIELD_IP_DADDR) :
				(source ? FIELD_IP6_SADDR : FIELD_IP6_DADDR);
	struct step *step = draft_match(draft, field, random_op(draft), 0);
	size_t size = field_size(field), bits = below(draft->sampler, (uint32_t)size * 8) + 1;

	random_field(draft->sampler, field_representative(field), step->value);
	if (one_in(draft->sampler, 2))
		return;
	for (size_t i = 0; i < size; i++) {
		size_t kept = bits <= 8 * i ? 0 : bits >= 8 * (i + 1) ? 8 : bits - 8 * i;

		step->mask[i] = (uint8_t)(0xff00 >> kept);
		step->value[i] &= step->mask[i];
	}
}

static void draft_transport(struct draft *draft)
{
	static const uint8_t flags[] = { 1, 2, 4, 16 };
	struct sampler *sampler = draft->sampler;

	if (draft->transport_header)
		return;
	draft->transport_header = true;
	if (draft->l4proto == 0) {
		draft->l4proto = draft->nfproto == NFPROTO_V4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6;
		if (draft->nfproto == 0 || one_in(sampler, 2))
			draft->l4proto = one_in(sampler, 2) ? PROTOCOL_TCP : PROTOCOL_UDP;
		draft_match(draft, FIELD_L4PROTO, MATCH_EQ, draft->l4proto);
	}
	if (draft->l4proto == PROTOCOL_ICMP) {
		draft_match(draft, FIELD_ICMP_TYPE, random_op(draft), below(sampler, 20));
	} else if (draft->l4proto == PROTOCOL_ICMP6) {
		draft_match(draft, FIELD_ICMP6_TYPE, random_op(draft), 128 + below(sampler, 20));
	} else if (draft->l4proto == PROTOCOL_TCP && one_in(sampler, 2)) {
		put_value(draft_match(draft, FIELD_TCP_FLAGS, random_op(draft), 2)->mask, 0x17, 1);
	} else if (draft->l4proto == PROTOCOL_TCP) {
		draft_bits(draft, FIELD_TCP_FLAGS, flags, sizeof(flags));
	} else {
		draft_match(draft, one_in(sampler, 2) ? FIELD_SPORT : FIELD_DPORT, random_op(draft),
			    below(sampler, 65536));
	}
}

static void draft_ethernet(struct draft *draft)
{
	if (!draft->ethernet)
		draft_match(draft, FIELD_IIFTYPE, MATCH_EQ, 1);
	draft->ethernet = true;
}

static void draft_connection_match(struct draft *draft)
{
	static const uint8_t states[] = { CT_INVALID, CT_ESTABLISHED, CT_RELATED, CT_NEW, CT_UNTRACKED };
	static const uint8_t statuses[] = { CT_SNAT, CT_DNAT };
	struct sampler *sampler = draft->sampler;

	switch (below(sampler, 5)) {
	case 0:
		draft_bits(draft, FIELD_CT_STATE, states, sizeof(states));
		break;
	case 1:
		draft_match(draft, FIELD_CT_STATE, random_op(draft), states[below(sampler, sizeof(states))]);
		break;
	case 2:
		draft_bits(draft, FIELD_CT_STATUS, statuses, sizeof(statuses));
		break;
	case 3:
		draft_match(draft, FIELD_CT_DIRECTION, random_op(draft), below(sampler, 2));
		break;
	default:
		put_value(draft_match(draft, FIELD_CT_MARK, random_op(draft), 0x11)->mask,
			  one_in(sampler, 2) ? 0xff : UINT32_MAX, 4);
	}
}

static void draft_network_match(struct draft *draft)
{
	struct sampler *sampler = draft->sampler;

	if (draft->network_header)
		return;
	draft->network_header = true;
	if (draft->nfproto == 0) {
		draft->nfproto = one_in(sampler, 2) ? NFPROTO_V4 : NFPROTO_V6;
		draft_match(draft, FIELD_NFPROTO, MATCH_EQ, draft->nfproto);
	}
	if (draft->nfproto == NFPROTO_V6 && one_in(sampler, 3))
		draft_match(draft, FIELD_IP6_HOPLIMIT, random_op(draft), 255);
	else if (draft->nfproto == NFPROTO_V6 && one_in(sampler, 3))
		draft_match(draft, FIELD_IP6_ROUTING, MATCH_EQ, below(sampler, 2));
	else
		draft_address(draft);
}

static void draft_ethernet_match(struct draft *draft)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x0806, 0x88cc };
	struct sampler *sampler = draft->sampler;

	if (draft->link_header)
		return;
	draft->link_header = true;
	draft_ethernet(draft);
	if (sampler->table->family != FAMILY_INET && one_in(sampler, 2))
		draft_match(draft, FIELD_ETHER_TYPE, MATCH_EQ, types[below(sampler, 4)]);
	else
		random_field(sampler, FIELD_ETHER_SADDR,
			     draft_match(draft, FIELD_ETHER_SADDR, random_op(draft), 0)->value);
}

static void draft_link_match(struct draft *draft)
{
	struct sampler *sampler = draft->sampler;
	enum field interface =
		sampler->table->family == FAMILY_INET && one_in(sampler, 2) ? FIELD_OIF : FIELD_IIF;

	switch (below(sampler, 3)) {
	case 0:
		draft_match(draft, interface, random_op(draft), random_link(sampler));
		break;
	case 1:
		draft_match(draft, FIELD_PKTTYPE, random_op(draft), below(sampler, 4));
		break;
	default:
		draft_ethernet_match(draft);
	}
}

static void draft_random_match(struct draft *draft)
{
	if (draft_room(draft) < 6)
		return;
	if (draft->sampler->table->family != FAMILY_INET || one_in(draft->sampler, 4))
		draft_link_match(draft);
	else if (one_in(draft->sampler, 3))
		draft_connection_match(draft);
	else if (one_in(draft->sampler, 3))
		draft_transport(draft);
	else if (one_in(draft->sampler, 6))
		draft_match(draft, FIELD_SKUID, random_op(draft), below(draft->sampler, 2000));
	else
		draft_network_match(draft);
}

/* Which of the fields of one type a packet is asked for. */
static enum field random_sibling(struct draft *draft, const struct key *key, size_t i)
{
	struct sampler *sampler = draft->sampler;
	bool next_hop = draft->may_next_hop && key_field_count(key) == 1 && one_in(sampler, 2);

	switch (key->fields[i]) {
	case FIELD_IIF:
		return sampler->table->family != FAMILY_NETDEV && one_in(sampler, 2) ? FIELD_OIF : FIELD_IIF;
	case FIELD_IP_SADDR:
		return next_hop ? FIELD_RT_NEXTHOP4 : one_in(sampler, 2) ? FIELD_IP_DADDR : FIELD_IP_SADDR;
	case FIELD_IP6_SADDR:
		return next_hop ? FIELD_RT_NEXTHOP6 : one_in(sampler, 2) ? FIELD_IP6_DADDR : FIELD_IP6_SADDR;
	case FIELD_DPORT:
		return one_in(sampler, 2) ? FIELD_SPORT : FIELD_DPORT;
	default:
		return key->fields[i];
	}
}

/* The nfproto that must have been said before the field is asked for; 0: any. */
static uint8_t nfproto_of(enum field field)
{
	return field == FIELD_IP_SADDR ? NFPROTO_V4 : field == FIELD_IP6_SADDR ? NFPROTO_V6 : 0;
}

/* Says what the key of a set needs to have been said; false when the rule has said otherwise. */
static bool draft_prepare_key(struct draft *draft, const struct key *key)
{
	for (size_t i = 0; i < key_field_count(key); i++) {
		uint8_t needed = nfproto_of(key->fields[i]);

		if (needed && draft->nfproto && draft->nfproto != needed)
			return false;
		if (needed && !draft->nfproto)
			draft_match(draft, FIELD_NFPROTO, MATCH_EQ, draft->nfproto = needed);
		if (key->fields[i] == FIELD_ETHER_SADDR)
			draft_ethernet(draft);
		if (key->fields[i] == FIELD_DPORT &&
		    (draft->l4proto == PROTOCOL_ICMP || draft->l4proto == PROTOCOL_ICMP6))
			return false;
	}
	return true;
}

/* Asks a random set, if it has the kind of data the step is for. */
static void draft_set_step(struct draft *draft, enum step_kind kind)
{
	static const enum set_data needed[] = {
		[STEP_LOOKUP] = SET_DATA_NONE, [STEP_VMAP] = SET_DATA_VERDICT, [STEP_SET_MARK] = SET_DATA_MARK,
	};
	const struct table *table = draft->sampler->table;
	const struct set *set;
	struct step *step;

	if (table->set_count == 0 || draft_room(draft) < 4)
		return;
	set = &table->sets[below(draft->sampler, (uint32_t)table->set_count)];
	if (set->data != needed[kind] || !draft_prepare_key(draft, &set->key))
		return;
	step = draft_step(draft, kind);
	step->set = set->name;
	for (size_t i = 0; i < key_field_count(&set->key); i++)
		step->key.fields[i] = random_sibling(draft, &set->key, i);
}

static void draft_statement(struct draft *draft)
{
	struct step *step;

	if (draft_room(draft) < 3)
		return;
	switch (below(draft->sampler, 4)) {
	case 0:
		draft_step(draft, STEP_COUNTER);
		break;
	case 1:
		step = draft_step(draft, STEP_LIMIT);
		step->rate = 1 + below(draft->sampler, 1000);
		step->burst = 1 + below(draft->sampler, 100);
		break;
	case 2:
		if (draft->sampler->table->family == FAMILY_INET)
			draft_step(draft, STEP_LOG)->text =
				one_in(draft->sampler, 2) ? "sekisho flow " : "sekisho next-hop ";
		break;
	default:
		if (draft->sampler->table->family == FAMILY_INET)
			put_value(draft_step(draft, STEP_SET_MARK_VALUE)->value,
				  below(draft->sampler, 0x7fffffff) + 1, 4);
	}
}

static void draft_end(struct draft *draft)
{
	static const enum verdict_kind ends[] = { VERDICT_ACCEPT, VERDICT_DROP, VERDICT_RETURN };
	struct sampler *sampler = draft->sampler;
	bool inet = sampler->table->family == FAMILY_INET;
	uint32_t callable = sampler->callable_count - draft->first_callable;

	if (inet && one_in(sampler, 12)) {
		draft_step(draft, STEP_REJECT);
	} else if (callable > 0 && one_in(sampler, 2)) {
		draft_step(draft, STEP_VERDICT)->verdict = (struct verdict){
			.kind = one_in(sampler, 2) ? VERDICT_JUMP : VERDICT_GOTO,
			.chain = chain_name(sampler, draft->first_callable + below(sampler, callable)),
		};
	} else {
		draft_step(draft, STEP_VERDICT)->verdict.kind = ends[below(sampler, 3)];
	}
}

static void fill_rule(struct draft *draft, bool may_vmap)
{
	struct sampler *sampler = draft->sampler;

	draft->rule->steps = arena_array(sampler->arena, RULESET_STEPS_MAX, sizeof(*draft->rule->steps));
	draft->rule->comment = random_comment(sampler);
	if (one_in(sampler, 2))
		draft_random_match(draft);
	if (one_in(sampler, 2))
		draft_random_match(draft);
	draft_set_step(draft, one_in(sampler, 2) ? STEP_LOOKUP : STEP_SET_MARK);
	draft_statement(draft);
	if (may_vmap && one_in(sampler, 2)) {
		size_t before = draft->rule->step_count;

		draft_set_step(draft, STEP_VMAP);
		if (draft->rule->step_count > before &&
		    draft->rule->steps[draft->rule->step_count - 1].kind == STEP_VMAP)
			return;
	}
	if (draft->rule->step_count == 0 || one_in(sampler, 2))
		draft_end(draft);
}

/* ---- chains and tables */

static void fill_rules(struct sampler *sampler, struct chain *chain, const struct draft *situation,
		       bool may_vmap)
{
	uint32_t count = below(sampler, RULES_MAX + 1);

	chain->rules = arena_array(sampler->arena, count, sizeof(*chain->rules));
	for (uint32_t i = 0; i < count; i++) {
		struct draft draft = *situation;

		draft.sampler = sampler;
		draft.rule = &chain->rules[chain->rule_count++];
		fill_rule(&draft, may_vmap);
	}
}

static void add_callable_chains(struct sampler *sampler)
{
	struct table *table = sampler->table;

	for (uint32_t i = 0; i < sampler->callable_count; i++) {
		struct chain *chain = &table->chains[table->chain_count++];
		struct draft situation = {
			.ethernet = table->family == FAMILY_BRIDGE,
			.may_next_hop = i < sampler->safe_from,
			.first_callable = i >= sampler->leaf_from ? sampler->callable_count : i + 1,
		};

		chain->name = chain_name(sampler, i);
		fill_rules(sampler, chain, &situation, i < sampler->leaf_from);
	}
}

static void add_base_chain(struct sampler *sampler, const char *name, uint32_t number, int32_t priority,
			   const char *device)
{
	struct table *table = sampler->table;
	struct chain *chain = &table->chains[table->chain_count++];
	bool forward = table->family == FAMILY_INET && number == 2;
	struct draft situation = {
		.ethernet = table->family == FAMILY_BRIDGE,
		.may_next_hop = forward,
		.first_callable = forward ? 0 : sampler->safe_from,
	};

	chain->name = name;
	chain->hook = (struct hook){
		.base = true, .number = number, .device = device,
		.priority = one_in(sampler, 8) ? priority + 10 : priority,
		.policy = one_in(sampler, 4) ? VERDICT_ACCEPT : VERDICT_DROP,
	};
	fill_rules(sampler, chain, &situation, true);
}

static void add_base_chains(struct sampler *sampler)
{
	static const struct {
		enum family family;
		const char *name;
		uint32_t number;
		int32_t priority;
	} rows[] = {
		{ FAMILY_INET, "source", 0, -450 },
		{ FAMILY_INET, "forward", 2, 0 },
		{ FAMILY_INET, "input", 1, 0 },
		{ FAMILY_INET, "output", 3, 0 },
		{ FAMILY_BRIDGE, "forward", 2, -300 },
	};
	const struct link_table *links = sampler->world->links;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].family == sampler->table->family && !one_in(sampler, 5))
			add_base_chain(sampler, rows[i].name, rows[i].number, rows[i].priority, NULL);
	}
	for (size_t i = 0; sampler->table->family == FAMILY_NETDEV && i < links->count; i++) {
		if (!one_in(sampler, 3))
			add_base_chain(sampler,
				       arena_printf(sampler->arena, "ingress.%s", links->items[i].name), 0,
				       -500, links->items[i].name);
	}
}

static int compare_chains(const void *a, const void *b)
{
	return strcmp(((const struct chain *)a)->name, ((const struct chain *)b)->name);
}

static void fill_table(struct sampler *sampler, struct table *table, enum family family)
{
	bool inet = family == FAMILY_INET;

	table->family = family;
	table->name = "sekisho";
	sampler->table = table;
	sampler->callable_count = inet ? below(sampler, CHAINS_MAX + 1) : below(sampler, 2);
	sampler->leaf_from = sampler->callable_count - below(sampler, sampler->callable_count + 1);
	sampler->safe_from = inet ? below(sampler, sampler->leaf_from + 1) : 0;
	add_sets(sampler, inet ? SETS_MAX : below(sampler, 3));
	table->chains = arena_array(sampler->arena, CHAINS_MAX + 4 + sampler->world->links->count,
				    sizeof(*table->chains));
	add_callable_chains(sampler);
	add_base_chains(sampler);
	qsort(table->chains, table->chain_count, sizeof(*table->chains), compare_chains);
}

struct ruleset *ruleset_sample(struct arena *arena, uint64_t seed, const struct sample_world *world)
{
	struct sampler sampler = { .arena = arena, .random = { seed }, .world = world };
	struct ruleset *ruleset = arena_alloc(arena, sizeof(*ruleset));

	ruleset->tables = arena_array(arena, 3, sizeof(*ruleset->tables));
	ruleset->links = *world->links;
	fill_table(&sampler, &ruleset->tables[ruleset->table_count++], FAMILY_INET);
	if (one_in(&sampler, 2))
		fill_table(&sampler, &ruleset->tables[ruleset->table_count++], FAMILY_NETDEV);
	if (one_in(&sampler, 2))
		fill_table(&sampler, &ruleset->tables[ruleset->table_count++], FAMILY_BRIDGE);
	return ruleset;
}

/* ---- edits and large rulesets */

/* Verdicts of edited elements never call a chain, because the chains of the original are not known here. */
static void edit_set(struct sampler *sampler, struct set *set)
{
	size_t i = set->element_count ? below(sampler, (uint32_t)set->element_count) : 0;

	switch (set->element_count ? below(sampler, 3) : 0) {
	case 0:
		add_random_element(sampler, set);
		set_sort(set);
		break;
	case 1:
		memmove(&set->elements[i], &set->elements[i + 1],
			(--set->element_count - i) * sizeof(*set->elements));
		break;
	default:
		fill_element_data(sampler, set, &set->elements[i]);
	}
}

static struct ruleset *copy_ruleset(struct arena *arena, const struct ruleset *original, size_t spare_elements)
{
	struct ruleset *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *original;
	copy->tables = arena_array(arena, copy->table_count, sizeof(*copy->tables));
	for (size_t i = 0; i < copy->table_count; i++) {
		struct table *table = &copy->tables[i];

		*table = original->tables[i];
		table->sets = arena_array(arena, table->set_count, sizeof(*table->sets));
		for (size_t j = 0; j < table->set_count; j++) {
			struct set *set = &table->sets[j];

			*set = original->tables[i].sets[j];
			set->elements = arena_array(arena, set->element_count + spare_elements,
						    sizeof(*set->elements));
			if (set->element_count)
				memcpy(set->elements, original->tables[i].sets[j].elements,
				       set->element_count * sizeof(*set->elements));
		}
	}
	return copy;
}

struct ruleset *ruleset_sample_edited(struct arena *arena, const struct ruleset *original, uint64_t seed,
				      const struct sample_world *world, size_t edits)
{
	struct sampler sampler = { .arena = arena, .random = { seed }, .world = world };
	struct ruleset *copy = copy_ruleset(arena, original, edits);

	for (size_t i = 0; i < edits; i++) {
		struct table *table = &copy->tables[below(&sampler, (uint32_t)copy->table_count)];

		sampler.table = table;
		if (table->set_count > 0)
			edit_set(&sampler, &table->sets[below(&sampler, (uint32_t)table->set_count)]);
	}
	return copy;
}

static void fill_large_set(struct arena *arena, struct set *set, size_t count)
{
	size_t size = key_size(&set->key);
	uint8_t *keys = arena_array(arena, count, size * 2);

	set->elements = arena_array(arena, count, sizeof(*set->elements));
	for (size_t i = 0; i < count; i++) {
		uint8_t *key = keys + i * size * 2;

		put_value(key, 0x0a000000 + (uint32_t)i, 4);
		put_value(key + 4, 0x0b000001, 4);
		key[8] = PROTOCOL_TCP;
		put_value(key + 12, 443, 2);
		memcpy(key + size, key, size);
		put_value(key + size + 12, 445, 2);
		set->elements[i] = (struct element){ .key = key, .mark = (uint32_t)i + 1 };
	}
	set->element_count = count;
}

struct ruleset *ruleset_sample_large(struct arena *arena, size_t count, bool interval)
{
	struct ruleset *ruleset = arena_alloc(arena, sizeof(*ruleset));
	struct table *table = ruleset->tables = arena_alloc(arena, sizeof(*table));
	struct set *set = table->sets = arena_alloc(arena, sizeof(*set));
	struct chain *chain = table->chains = arena_alloc(arena, sizeof(*chain));
	struct draft draft = { .rule = arena_alloc(arena, sizeof(*draft.rule)) };
	struct step *step;

	ruleset->links = *sample_loopback();
	*set = (struct set){
		.name = "large.exact4", .interval = interval, .data = SET_DATA_MARK,
		.key = { { FIELD_IP_SADDR, FIELD_IP_SADDR, FIELD_L4PROTO, FIELD_DPORT } },
	};
	fill_large_set(arena, set, count);
	draft.rule->steps = arena_array(arena, RULESET_STEPS_MAX, sizeof(*draft.rule->steps));
	draft_match(&draft, FIELD_NFPROTO, MATCH_EQ, NFPROTO_V4);
	step = draft_step(&draft, STEP_SET_MARK);
	step->set = set->name;
	step->key = (struct key){ { FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_L4PROTO, FIELD_DPORT } };
	*chain = (struct chain){
		.name = "forward", .rules = draft.rule, .rule_count = 1,
		.hook = { .base = true, .number = 2, .policy = VERDICT_DROP },
	};
	*table = (struct table){
		.family = FAMILY_INET,
		.name = "sekisho",
		.sets = set,
		.set_count = 1,
		.chains = chain,
		.chain_count = 1,
	};
	ruleset->table_count = 1;
	return ruleset;
}
