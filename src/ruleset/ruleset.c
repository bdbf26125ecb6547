/* ruleset: the kernel program as a value. Facts about fields, look-ups by name and key, order and equality. */
#include "ruleset/ruleset.h"

#include <stdlib.h>
#include <string.h>

struct field_fact {
	size_t size;
	const char *phrase;
	const char *type_name;	/* nft's; "integer" where nft has none, such a field is never part of a key */
};

static const struct field_fact field_facts[FIELD_COUNT] = {
	[FIELD_NONE] = { 0, "", "" },
	[FIELD_IIF] = { 4, "iif", "iface_index" },
	[FIELD_OIF] = { 4, "oif", "iface_index" },
	[FIELD_IIFTYPE] = { 2, "meta iiftype", "iface_type" },
	[FIELD_NFPROTO] = { 1, "meta nfproto", "nf_proto" },
	[FIELD_L4PROTO] = { 1, "meta l4proto", "inet_proto" },
	[FIELD_SKUID] = { 4, "meta skuid", "uid" },
	[FIELD_PKTTYPE] = { 1, "meta pkttype", "pkt_type" },
	[FIELD_CT_STATE] = { 4, "ct state", "ct_state" },
	[FIELD_CT_STATUS] = { 4, "ct status", "ct_status" },
	[FIELD_CT_DIRECTION] = { 1, "ct direction", "ct_dir" },
	[FIELD_CT_MARK] = { 4, "ct mark", "mark" },
	[FIELD_ETHER_TYPE] = { 2, "ether type", "ether_type" },
	[FIELD_ETHER_SADDR] = { 6, "ether saddr", "ether_addr" },
	[FIELD_IP_SADDR] = { 4, "ip saddr", "ipv4_addr" },
	[FIELD_IP_DADDR] = { 4, "ip daddr", "ipv4_addr" },
	[FIELD_IP6_SADDR] = { 16, "ip6 saddr", "ipv6_addr" },
	[FIELD_IP6_DADDR] = { 16, "ip6 daddr", "ipv6_addr" },
	[FIELD_IP6_HOPLIMIT] = { 1, "ip6 hoplimit", "integer" },
	[FIELD_SPORT] = { 2, "th sport", "inet_service" },
	[FIELD_DPORT] = { 2, "th dport", "inet_service" },
	[FIELD_TCP_FLAGS] = { 1, "tcp flags", "tcp_flag" },
	[FIELD_ICMP_TYPE] = { 1, "icmp type", "icmp_type" },
	[FIELD_ICMP6_TYPE] = { 1, "icmpv6 type", "icmpv6_type" },
	[FIELD_RT_NEXTHOP4] = { 4, "rt ip nexthop", "ipv4_addr" },
	[FIELD_RT_NEXTHOP6] = { 16, "rt ip6 nexthop", "ipv6_addr" },
	[FIELD_IP6_ROUTING] = { 1, "exthdr rt", "integer" },
};

size_t field_size(enum field field)
{
	return field_facts[field].size;
}

size_t field_slot(enum field field)
{
	return (field_facts[field].size + 3) / 4 * 4;
}

const char *field_phrase(enum field field)
{
	return field_facts[field].phrase;
}

const char *field_type_name(enum field field)
{
	return field_facts[field].type_name;
}

enum field field_representative(enum field field)
{
	switch (field) {
	case FIELD_OIF:
		return FIELD_IIF;
	case FIELD_IP_DADDR:
	case FIELD_RT_NEXTHOP4:
		return FIELD_IP_SADDR;
	case FIELD_IP6_DADDR:
	case FIELD_RT_NEXTHOP6:
		return FIELD_IP6_SADDR;
	case FIELD_SPORT:
		return FIELD_DPORT;
	default:
		return field;
	}
}

size_t key_field_count(const struct key *key)
{
	size_t count = 0;

	while (count < RULESET_KEY_FIELDS_MAX && key->fields[count] != FIELD_NONE)
		count++;
	return count;
}

size_t key_size(const struct key *key)
{
	size_t size = 0;

	for (size_t i = 0; i < key_field_count(key); i++)
		size += field_slot(key->fields[i]);
	return size;
}

bool key_equal(const struct key *a, const struct key *b)
{
	size_t count = key_field_count(a);

	if (count != key_field_count(b))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (a->fields[i] != b->fields[i])
			return false;
	}
	return true;
}

bool key_same_types(const struct key *a, const struct key *b)
{
	size_t count = key_field_count(a);

	if (count != key_field_count(b))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (field_representative(a->fields[i]) != field_representative(b->fields[i]))
			return false;
	}
	return true;
}

const struct table *ruleset_table(const struct ruleset *ruleset, enum family family, const char *name)
{
	for (size_t i = 0; i < ruleset->table_count; i++) {
		const struct table *table = &ruleset->tables[i];

		if (table->family == family && strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

static int compare_name_to_set(const void *name, const void *set)
{
	return strcmp(name, ((const struct set *)set)->name);
}

static int compare_name_to_chain(const void *name, const void *chain)
{
	return strcmp(name, ((const struct chain *)chain)->name);
}

const struct set *table_set(const struct table *table, const char *name)
{
	if (table->set_count == 0)
		return NULL;
	return bsearch(name, table->sets, table->set_count, sizeof(*table->sets), compare_name_to_set);
}

const struct chain *table_chain(const struct table *table, const char *name)
{
	if (table->chain_count == 0)
		return NULL;
	return bsearch(name, table->chains, table->chain_count, sizeof(*table->chains), compare_name_to_chain);
}

static const struct element *set_find_exact(const struct set *set, const uint8_t *key, size_t size)
{
	size_t low = 0, high = set->element_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(key, set->elements[middle].key, size);

		if (order == 0)
			return &set->elements[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/*
 * True when each field of key lies in its range. Slots are in network order, so their bytes order as their
 * values do.
 */
static bool element_holds(const struct set *set, const struct element *element, const uint8_t *key, size_t size)
{
	const uint8_t *first = element->key, *last = element->key + size;

	for (size_t i = 0; i < key_field_count(&set->key); i++) {
		size_t slot = field_slot(set->key.fields[i]);

		if (memcmp(key, first, slot) < 0 || memcmp(key, last, slot) > 0)
			return false;
		key += slot;
		first += slot;
		last += slot;
	}
	return true;
}

const struct element *set_find(const struct set *set, const uint8_t *key)
{
	size_t size = key_size(&set->key);

	if (!set->interval)
		return set_find_exact(set, key, size);
	for (size_t i = 0; i < set->element_count; i++) {
		if (element_holds(set, &set->elements[i], key, size))
			return &set->elements[i];
	}
	return NULL;
}

uint32_t set_room(size_t count)
{
	uint64_t places = RULESET_PLACES_MIN;

	while (places <= UINT32_MAX && places / 4 * 3 <= count)
		places *= 2;
	return places <= UINT32_MAX ? (uint32_t)(places / 4 * 3 - 1) : 0;
}

size_t element_key_size(const struct set *set)
{
	/* In an interval set key_end stands right behind key: one comparison orders by both. */
	return key_size(&set->key) * (set->interval ? 2 : 1);
}

int element_compare(const struct set *set, const struct element *a, const struct element *b)
{
	return memcmp(a->key, b->key, element_key_size(set));
}

static int compare_elements(const void *a, const void *b, void *set)
{
	return element_compare(set, a, b);
}

void set_sort(struct set *set)
{
	if (set->element_count > 1)
		qsort_r(set->elements, set->element_count, sizeof(*set->elements), compare_elements, set);
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool verdict_equal(const struct verdict *a, const struct verdict *b)
{
	return a->kind == b->kind && text_equal(a->chain, b->chain);
}

/* The kernel keeps what remains of a timeout, and each reading of it may round to either side. */
static bool expiry_equal(int64_t a, int64_t b)
{
	int64_t difference;

	if ((a == 0) != (b == 0))
		return false;
	return !__builtin_sub_overflow(a, b, &difference) && difference >= -1 && difference <= 1;
}

bool element_equal(const struct set *set, const struct element *a, const struct element *b)
{
	return element_compare(set, a, b) == 0 && element_data_equal(set, a, b);
}

bool element_data_equal(const struct set *set, const struct element *a, const struct element *b)
{
	if (!text_equal(a->comment, b->comment))
		return false;
	if (set->data == SET_DATA_MARK && a->mark != b->mark)
		return false;
	if (set->data == SET_DATA_VERDICT && !verdict_equal(&a->verdict, &b->verdict))
		return false;
	return !set->timeout || expiry_equal(a->expires_at, b->expires_at);
}

static bool match_equal(const struct step *a, const struct step *b)
{
	size_t size = field_size(a->field);

	return a->field == b->field && a->op == b->op && memcmp(a->mask, b->mask, size) == 0 &&
	       memcmp(a->value, b->value, size) == 0;
}

static bool step_equal(const struct step *a, const struct step *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case STEP_MATCH:
		return match_equal(a, b);
	case STEP_LOOKUP:
	case STEP_VMAP:
	case STEP_SET_MARK:
		return key_equal(&a->key, &b->key) && text_equal(a->set, b->set);
	case STEP_SET_MARK_VALUE:
		return memcmp(a->value, b->value, field_size(FIELD_CT_MARK)) == 0;
	case STEP_LIMIT:
		return a->rate == b->rate && a->burst == b->burst;
	case STEP_LOG:
		return text_equal(a->text, b->text);
	case STEP_VERDICT:
		return verdict_equal(&a->verdict, &b->verdict);
	case STEP_COUNTER:
	case STEP_REJECT:
		return true;
	}
	return false;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	if (a->step_count != b->step_count || !text_equal(a->comment, b->comment))
		return false;
	for (size_t i = 0; i < a->step_count; i++) {
		if (!step_equal(&a->steps[i], &b->steps[i]))
			return false;
	}
	return true;
}

bool set_same_kind(const struct set *a, const struct set *b)
{
	return key_same_types(&a->key, &b->key) && a->interval == b->interval && a->timeout == b->timeout &&
	       a->counted == b->counted && a->data == b->data;
}

static bool set_equal(const struct set *a, const struct set *b)
{
	if (strcmp(a->name, b->name) != 0 || !set_same_kind(a, b) || a->element_count != b->element_count)
		return false;
	if (a->elements == b->elements)
		return true;
	for (size_t i = 0; i < a->element_count; i++) {
		if (!element_equal(a, &a->elements[i], &b->elements[i]))
			return false;
	}
	return true;
}

bool hook_equal(const struct hook *a, const struct hook *b)
{
	if (a->base != b->base)
		return false;
	return !a->base || (a->number == b->number && a->priority == b->priority && a->policy == b->policy &&
			    text_equal(a->device, b->device));
}

bool chain_rules_equal(const struct chain *a, const struct chain *b)
{
	if (a->rule_count != b->rule_count)
		return false;
	for (size_t i = 0; i < a->rule_count; i++) {
		if (!rule_equal(&a->rules[i], &b->rules[i]))
			return false;
	}
	return true;
}

static bool chain_equal(const struct chain *a, const struct chain *b)
{
	return strcmp(a->name, b->name) == 0 && hook_equal(&a->hook, &b->hook) && chain_rules_equal(a, b);
}

static bool table_equal(const struct table *a, const struct table *b)
{
	if (a->family != b->family || strcmp(a->name, b->name) != 0 || a->set_count != b->set_count ||
	    a->chain_count != b->chain_count)
		return false;
	for (size_t i = 0; i < a->set_count; i++) {
		if (!set_equal(&a->sets[i], &b->sets[i]))
			return false;
	}
	for (size_t i = 0; i < a->chain_count; i++) {
		if (!chain_equal(&a->chains[i], &b->chains[i]))
			return false;
	}
	return true;
}

bool ruleset_equal(const struct ruleset *a, const struct ruleset *b)
{
	if (a->table_count != b->table_count)
		return false;
	for (size_t i = 0; i < a->table_count; i++) {
		if (!table_equal(&a->tables[i], &b->tables[i]))
			return false;
	}
	return true;
}

const char *link_name(const struct link_table *links, uint32_t index)
{
	for (size_t i = 0; i < links->count; i++) {
		if (links->items[i].index == index)
			return links->items[i].name;
	}
	return NULL;
}

static int compare_name_to_link(const void *name, const void *link)
{
	return strcmp(name, ((const struct link *)link)->name);
}

static int compare_links(const void *a, const void *b)
{
	return strcmp(((const struct link *)a)->name, ((const struct link *)b)->name);
}

void link_table_sort(struct link_table *links)
{
	if (links->count > 0)
		qsort(links->items, links->count, sizeof(*links->items), compare_links);
}

uint32_t link_index(const struct link_table *links, const char *name)
{
	const struct link *found = NULL;

	if (links->count > 0)
		found = bsearch(name, links->items, links->count, sizeof(*links->items), compare_name_to_link);
	return found ? found->index : 0;
}
