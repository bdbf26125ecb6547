/* tally: how many packets the kernel has refused. */
#include "kernel/tally.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "kernel/attribute.h"

struct reading {
	struct arena *arena;
	const struct refusal_counter *counter;
	struct tally tally;
	size_t capacity;
	struct tally_count now;		/* what all counts of this dump have in common */
	bool found;			/* the chain's counter */
	uint64_t table_handle;
};

static const char table_name[] = "sekisho";

static void reading_add(struct reading *reading, const struct tally_count *count)
{
	struct tally *tally = &reading->tally;

	tally->counts = arena_grow(reading->arena, tally->counts, tally->count, &reading->capacity, sizeof(*tally->counts));
	tally->counts[tally->count++] = *count;
}

/* ---- handles */

static void fill_table(struct nlmsghdr *message, const void *context)
{
	(void)context;
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, table_name);
}

static int take_table(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	const struct nlattr *attributes[NFTA_TABLE_HANDLE + 1];

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_TABLE_HANDLE + 1);
	reading->table_handle = attribute_u64(attributes[NFTA_TABLE_HANDLE]);
	return 0;
}

static uint64_t handle_in_table(const struct reading *reading, uint64_t handle)
{
	return reading->table_handle << 32 | (handle & UINT32_MAX);
}

/* ---- the first rule of a chain */

static void fill_chain(struct nlmsghdr *message, const void *context)
{
	const struct reading *reading = context;

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, table_name);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, reading->counter->chain);
}

static bool rule_counts(const struct nftnl_rule *rule, uint64_t *ret_packets)
{
	struct nftnl_expr_iter *expressions = nftnl_expr_iter_create(rule);
	const struct nftnl_expr *first = expressions ? nftnl_expr_iter_next(expressions) : NULL;
	bool counts = first && strcmp(nftnl_expr_get_str(first, NFTNL_EXPR_NAME), "counter") == 0;

	if (counts)
		*ret_packets = nftnl_expr_get_u64(first, NFTNL_EXPR_CTR_PACKETS);
	if (expressions)
		nftnl_expr_iter_destroy(expressions);
	return counts;
}

static int take_rule(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct tally_count count = reading->now;

	if (!rule)
		arena_exhausted();
	/* A kernel that does not look at the name of the chain gives the rules of all. */
	if (!reading->found && nftnl_rule_nlmsg_parse(message, rule) == 0 &&
	    strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN), reading->counter->chain) == 0) {
		reading->found = true;
		count.handle = handle_in_table(reading, nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE));
		if (rule_counts(rule, &count.packets))
			reading_add(reading, &count);
	}
	nftnl_rule_free(rule);
	return 0;
}

/* ---- the elements of a set */

static void fill_set(struct nlmsghdr *message, const void *context)
{
	const struct reading *reading = context;

	mnl_attr_put_strz(message, NFTA_SET_TABLE, table_name);
	mnl_attr_put_strz(message, NFTA_SET_NAME, reading->counter->set);
}

static int take_set(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	const struct nlattr *attributes[NFTA_SET_HANDLE + 1];

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_SET_HANDLE + 1);
	reading->now.handle = handle_in_table(reading, attribute_u64(attributes[NFTA_SET_HANDLE]));
	return 0;
}

static void fill_elements(struct nlmsghdr *message, const void *context)
{
	const struct reading *reading = context;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table_name);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, reading->counter->set);
}

/* The packets of a counter inside an element's expression; false when it is none. */
static bool expression_counts(const struct nlattr *expression, uint64_t *ret_packets)
{
	const struct nlattr *parts[NFTA_EXPR_DATA + 1], *counter[NFTA_COUNTER_PACKETS + 1];

	if (!expression)
		return false;
	attributes_sort(attributes_of_nest(expression), parts, NFTA_EXPR_DATA + 1);
	if (strcmp(attribute_text(parts[NFTA_EXPR_NAME]), "counter") != 0 || !parts[NFTA_EXPR_DATA])
		return false;
	attributes_sort(attributes_of_nest(parts[NFTA_EXPR_DATA]), counter, NFTA_COUNTER_PACKETS + 1);
	*ret_packets = attribute_u64(counter[NFTA_COUNTER_PACKETS]);
	return counter[NFTA_COUNTER_PACKETS];
}

/* Two interface indexes, each in the kernel's own byte order. */
static bool key_take(const struct nlattr *key, struct tally_count *count)
{
	const struct nlattr *data[NFTA_DATA_VALUE + 1];
	uint32_t indexes[2];

	if (!key)
		return false;
	attributes_sort(attributes_of_nest(key), data, NFTA_DATA_VALUE + 1);
	if (!data[NFTA_DATA_VALUE] || mnl_attr_get_payload_len(data[NFTA_DATA_VALUE]) != sizeof(indexes))
		return false;
	memcpy(indexes, mnl_attr_get_payload(data[NFTA_DATA_VALUE]), sizeof(indexes));
	count->iif = indexes[0];
	count->oif = indexes[1];
	return true;
}

static int take_elements(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;
	const struct nlattr *lists[NFTA_SET_ELEM_LIST_ELEMENTS + 1], *nest;
	struct attributes elements;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), lists, NFTA_SET_ELEM_LIST_ELEMENTS + 1);
	if (!lists[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	elements = attributes_of_nest(lists[NFTA_SET_ELEM_LIST_ELEMENTS]);
	while ((nest = attributes_next(&elements))) {
		const struct nlattr *attributes[NFTA_SET_ELEM_EXPR + 1];
		struct tally_count count = reading->now;

		attributes_sort(attributes_of_nest(nest), attributes, NFTA_SET_ELEM_EXPR + 1);
		if (key_take(attributes[NFTA_SET_ELEM_KEY], &count) && expression_counts(attributes[NFTA_SET_ELEM_EXPR], &count.packets))
			reading_add(reading, &count);
	}
	return 0;
}

/* ---- all of them */

/* What is not there counts nothing. */
static int absent_is_empty(int error)
{
	return error == -ENOENT ? 0 : error;
}

static int read_chain(struct reading *reading, struct nfnl *nfnl)
{
	reading->found = false;
	reading->now.whole = true;
	return absent_is_empty(nfnl_dump(nfnl, NFT_MSG_GETRULE, NFPROTO_INET, fill_chain, take_rule, reading));
}

static int read_set(struct reading *reading, struct nfnl *nfnl)
{
	int error;

	if (!reading->counter->set)
		return 0;
	error = nfnl_query(nfnl, NFT_MSG_GETSET, NFPROTO_INET, fill_set, take_set, reading);
	if (!error)
		error = nfnl_dump(nfnl, NFT_MSG_GETSETELEM, NFPROTO_INET, fill_elements, take_elements, reading);
	return absent_is_empty(error);
}

int tally_read(struct arena *arena, struct nfnl *nfnl, struct tally *ret_tally)
{
	static int (*const passes[])(struct reading *reading, struct nfnl *nfnl) = { read_chain, read_set };
	const struct refusal_counter *counters = refusal_counters(arena);
	struct reading reading = { .arena = arena };
	int table_error = absent_is_empty(nfnl_query(nfnl, NFT_MSG_GETTABLE, NFPROTO_INET, fill_table, take_table, &reading));

	if (table_error)
		return table_error;
	for (size_t i = 0; i < 2 * REFUSAL_COUNTERS; i++) {
		int error;

		reading.counter = &counters[i % REFUSAL_COUNTERS];
		reading.now = (struct tally_count){ .counter = (uint8_t)(i % REFUSAL_COUNTERS) };
		error = passes[i / REFUSAL_COUNTERS](&reading, nfnl);
		if (error)
			return error;
	}
	*ret_tally = reading.tally;
	return 0;
}
