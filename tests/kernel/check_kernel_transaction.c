/*
 * kernel: what is refused changes nothing and says why; what is not ours is an alien, and a difference repairs
 * it.
 */
#include <arpa/inet.h>
#include <check.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>	/* libnftnl/expr.h needs FILE */

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/decode_rule.h"
#include "kernel/decode_set.h"
#include "kernel/features.h"
#include "kernel/nft_watch.h"

#include "../unit/ruleset_sample.h"
#include "workbench.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

enum { SEED = 7 };

static struct sample_world world_of_tests(void)
{
	return (struct sample_world){ .links = sample_loopback(), .now = WORKBENCH_NOW, .elements_max = 16 };
}

/* A table with one set of the given key and elements of single bytes of key, for rows that need no more. */
static struct ruleset *ruleset_of_set(struct arena *arena, const struct set *set)
{
	struct ruleset *ruleset = arena_alloc(arena, sizeof(*ruleset));

	ruleset->table_count = 1;
	ruleset->tables = arena_alloc(arena, sizeof(*ruleset->tables));
	*ruleset->tables = (struct table){ .family = FAMILY_INET,
					   .name = "sekisho",
					   .set_count = 1,
					   .sets = arena_alloc(arena, sizeof(*set)) };
	*ruleset->tables->sets = *set;
	return ruleset;
}

/* A key of one IPv4 address, or of a range of them; in the arena. */
static const uint8_t *address_key(struct arena *arena, uint32_t first, uint32_t last)
{
	uint8_t *key = arena_alloc(arena, 8);

	first = htonl(first);
	last = htonl(last);
	memcpy(key, &first, sizeof(first));
	memcpy(key + sizeof(first), &last, sizeof(last));
	return key;
}

/* Count host addresses from first on in an exact set. */
static struct ruleset *ruleset_of_addresses(struct arena *arena, uint32_t first, size_t count)
{
	struct set set = { .name = "x", .key = { { FIELD_IP_SADDR } }, .element_count = count };

	set.elements = arena_array(arena, count, sizeof(*set.elements));
	for (size_t i = 0; i < count; i++)
		set.elements[i].key = address_key(arena, first + (uint32_t)i, 0);
	return ruleset_of_set(arena, &set);
}

START_TEST(test_stale_generation_changes_nothing)
{
	const struct sample_world world = world_of_tests();
	struct workbench bench = workbench_open();
	const struct ruleset *before = ruleset_sample(bench.arena, SEED, &world),
			     *after = ruleset_sample(bench.arena, SEED + 1, &world);
	struct transition transition = ruleset_diff(bench.arena, before, after);
	struct snapshot snapshot;

	workbench_apply(&bench, NULL, before);
	snapshot = workbench_snapshot(&bench);
	ck_assert_int_eq(workbench_nft_load("table ip somebody_else {}\n"), 0);
	ck_assert_int_eq(workbench_commit(&bench, &transition.commit, &snapshot.generation, false), -ERESTART);
	snapshot = workbench_snapshot(&bench);
	workbench_expect_equal(snapshot.ruleset, before, "stale", SEED);
	ck_assert_int_eq(workbench_commit(&bench, &transition.prepare, NULL, false), 0);
	ck_assert_int_eq(nfnl_generation(&bench.nfnl, &snapshot.generation), 0);
	ck_assert_int_eq(workbench_commit(&bench, &transition.commit, &snapshot.generation, false), 0);
	snapshot = workbench_snapshot(&bench);
	workbench_expect_equal(snapshot.ruleset, transition.target, "fresh", SEED);
	workbench_close(&bench);
}
END_TEST

START_TEST(test_dry_run_changes_nothing)
{
	const struct sample_world world = world_of_tests();
	struct workbench bench = workbench_open();
	const struct ruleset *wanted = ruleset_sample(bench.arena, SEED, &world);
	struct transition transition = ruleset_diff(bench.arena, NULL, wanted);
	uint32_t before, after;

	ck_assert_int_eq(nfnl_generation(&bench.nfnl, &before), 0);
	ck_assert_int_eq(workbench_commit(&bench, &transition.commit, NULL, true), 0);
	ck_assert_int_eq(nfnl_generation(&bench.nfnl, &after), 0);
	ck_assert_uint_eq(before, after);
	ck_assert_ptr_null(workbench_snapshot(&bench).ruleset);
	workbench_close(&bench);
}
END_TEST

/* A change that deletes an element which is not there, among many that are. */
static const struct {
	const char *what;
	size_t count, missing;	/* which of the elements to delete is not there */
	bool dry_run;
	const char *text;	/* what the sentence names */
} missing_rows[] = {
	{ "the only one", 1, 0, false, "10.0.0.0 (number 1)" },
	{ "the first one", 100, 0, false, "10.0.0.0 (number 1)" },
	{ "one in the middle", 100, 50, false, "10.0.0.50 (number 51)" },
	{ "the last one", 100, 99, false, "10.0.0.99 (number 100)" },
	{ "one in a later message", 9000, 8765, false, "10.0.34.61 (number 8766)" },
	{ "found by a dry run", 9000, 8765, true, "10.0.34.61 (number 8766)" },
};

START_TEST(test_refusal_names_the_element)
{
	const size_t count = missing_rows[_i].count, missing = missing_rows[_i].missing;
	struct workbench bench = workbench_open();
	struct ruleset *present = ruleset_of_addresses(bench.arena, 0x0a000000, count);
	const struct ruleset *all = ruleset_of_addresses(bench.arena, 0x0a000000, count);
	struct set *set = present->tables->sets;
	const struct element **elements = arena_array(bench.arena, count, sizeof(*elements));
	struct change change = { .kind = CHANGE_DELETE_ELEMENTS,
				 .table = all->tables,
				 .set = all->tables->sets,
				 .elements = elements,
				 .element_count = count };
	const struct changes changes = { .items = &change, .count = 1 };
	const char *sentence;

	memmove(set->elements + missing, set->elements + missing + 1,
		(count - missing - 1) * sizeof(*set->elements));
	set->element_count--;
	for (size_t i = 0; i < count; i++)
		elements[i] = &all->tables->sets->elements[i];
	workbench_apply(&bench, NULL, present);
	ck_assert_int_eq(workbench_commit(&bench, &changes, NULL, missing_rows[_i].dry_run), -ENOENT);
	ck_assert_uint_eq(bench.result.error_count, 1);
	sentence = encode_explain(bench.arena, &bench.encoded, &bench.result.errors[0]);
	ck_assert_msg(strstr(sentence, missing_rows[_i].text), "%s: %s", missing_rows[_i].what, sentence);
	ck_assert_msg(strstr(sentence, "set x"), "%s", sentence);
	workbench_expect_equal(workbench_snapshot(&bench).ruleset, present, missing_rows[_i].what, 0);
	workbench_close(&bench);
}
END_TEST

/* A rule that jumps to a chain which is not there: the sentence names chain and rule. */
START_TEST(test_refusal_names_the_rule)
{
	struct workbench bench = workbench_open();
	struct step steps[] = { { .kind = STEP_COUNTER },
				{ .kind = STEP_VERDICT, .verdict = { VERDICT_GOTO, "nowhere" } } };
	struct rule rules[] = { { .steps = steps, .step_count = 1 }, { .steps = steps, .step_count = 2 } };
	struct chain chain = { .name = "c", .rules = rules, .rule_count = 2 };
	struct table table = { .family = FAMILY_INET, .name = "sekisho", .chains = &chain, .chain_count = 1 };
	const struct ruleset ruleset = { .tables = &table, .table_count = 1 };
	struct transition transition = ruleset_diff(bench.arena, NULL, &ruleset);

	ck_assert_int_eq(workbench_commit(&bench, &transition.commit, NULL, false), -ENOENT);
	ck_assert_ptr_nonnull(strstr(encode_explain(bench.arena, &bench.encoded, &bench.result.errors[0]),
				     "rule 2 of chain c in table inet sekisho"));
	ck_assert_ptr_null(workbench_snapshot(&bench).ruleset);
	workbench_close(&bench);
}
END_TEST

static const struct {
	const char *what;
	uint32_t first, last;
} range_rows[] = {
	{ "one address", 0x0a000001, 0x0a000001 },
	{ "from the first address", 0, 5 },
	{ "next to the one before", 6, 9 },
	{ "to the last address", 0xe0000000, 0xffffffff },
};

/* The kernel keeps ranges of one field as their two ends. */
START_TEST(test_ranges_of_one_field)
{
	struct workbench bench = workbench_open();
	struct element elements[4] = { 0 };
	struct set set = { .name = "r",
			   .key = { { FIELD_IP_SADDR } },
			   .interval = true,
			   .elements = elements,
			   .element_count = COUNT(range_rows) };
	const struct ruleset *wanted;
	struct set empty = set;

	for (int i = 0; i < COUNT(range_rows); i++)
		elements[i].key = address_key(bench.arena, range_rows[i].first, range_rows[i].last);
	set_sort(&set);
	wanted = ruleset_of_set(bench.arena, &set);
	workbench_apply(&bench, NULL, wanted);
	workbench_expect_equal(workbench_snapshot(&bench).ruleset, wanted, "ranges", 0);
	empty.element_count = 0;
	workbench_apply(&bench, wanted, ruleset_of_set(bench.arena, &empty));
	workbench_expect_equal(workbench_snapshot(&bench).ruleset, ruleset_of_set(bench.arena, &empty),
			       "no ranges", 0);
	workbench_close(&bench);
}
END_TEST

/* Nothing that is over may become something that never ends. */
START_TEST(test_expired_element_does_not_stay)
{
	struct workbench bench = workbench_open();
	struct element element = { .key = address_key(bench.arena, 0x0a000001, 0),
				   .expires_at = WORKBENCH_NOW - 1 };
	struct set set = { .name = "t",
			   .key = { { FIELD_IP_SADDR } },
			   .timeout = true,
			   .elements = &element,
			   .element_count = 1 };
	struct snapshot snapshot;

	workbench_apply(&bench, NULL, ruleset_of_set(bench.arena, &set));
	snapshot = workbench_snapshot(&bench);
	if (snapshot.ruleset->tables->sets->element_count)	/* its millisecond is not over */
		ck_assert_int_ne(snapshot.ruleset->tables->sets->elements[0].expires_at, 0);
	workbench_close(&bench);
}
END_TEST

static const struct {
	const char *what;
	struct set set;
	uint32_t keys[3];
	int result;
} twice_rows[] = {
	{ "all different", { .name = "x", .key = { { FIELD_IP_SADDR } } }, { 3, 1, 2 }, 0 },
	{ "one twice", { .name = "x", .key = { { FIELD_IP_SADDR } } }, { 3, 1, 3 }, -EAGAIN },
	{ "ranges, all different", { .name = "x", .key = { { FIELD_IP_SADDR } }, .interval = true }, { 9, 1, 5 }, 0 },
	{ "ranges, one twice", { .name = "x", .key = { { FIELD_IP_SADDR } }, .interval = true }, { 9, 1, 9 }, -EAGAIN },
};

/* A dump in which a hash table grew sends some elements twice and others not at all: it must not be believed. */
START_TEST(test_dump_with_an_element_twice_is_read_again)
{
	struct arena *arena = arena_new();
	struct set set = twice_rows[_i].set;
	struct element_reader reader = element_reader_begin(arena, &set, WORKBENCH_NOW, 0);
	char bytes[512] __attribute__((aligned(8))) = "";
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct nlattr *list, *element, *key;

	mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (int i = 0; i < COUNT(twice_rows[0].keys); i++) {
		element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
		key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
		mnl_attr_put_u32(message, NFTA_DATA_VALUE, htonl(twice_rows[_i].keys[i]));
		mnl_attr_nest_end(message, key);
		mnl_attr_nest_end(message, element);
	}
	mnl_attr_nest_end(message, list);
	element_reader_take(&reader, message, 0);
	ck_assert_msg(element_reader_finish(&reader) == twice_rows[_i].result, "%s", twice_rows[_i].what);
	ck_assert_ptr_null(reader.why);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *what;
	uint64_t remaining_ms;
	int64_t late_ms;	/* behind the moment for which the time was given */
	int64_t expires_at;
} expiry_rows[] = {
	{ "nearly half a second", 499, 0, WORKBENCH_NOW },
	{ "half a second", 500, 0, WORKBENCH_NOW + 1 },
	{ "a second and nearly a half", 1499, 0, WORKBENCH_NOW + 1 },
	{ "a second and a half", 1500, 0, WORKBENCH_NOW + 2 },
	{ "as long as the kernel can", UINT64_MAX, 0, INT64_MAX },
	{ "read four seconds late, in a large set", 6000, 4000, WORKBENCH_NOW + 10 },
	{ "read late, and rounded then", 6300, 4100, WORKBENCH_NOW + 10 },
};

enum { READ_SINCE_MS = 5000 };

/* What remains is rounded to the nearest second, so that a reading differs from the intended expiry by one at most. */
START_TEST(test_expiry_is_rounded)
{
	struct arena *arena = arena_new();
	struct set set = { .name = "x", .key = { { FIELD_IP_SADDR } }, .timeout = true };
	struct element_reader reader = element_reader_begin(arena, &set, WORKBENCH_NOW, READ_SINCE_MS);
	char bytes[512] __attribute__((aligned(8))) = "";
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct nlattr *list, *element, *key;

	mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
	mnl_attr_put_u32(message, NFTA_DATA_VALUE, htonl(1));
	mnl_attr_nest_end(message, key);
	mnl_attr_put_u64(message, NFTA_SET_ELEM_EXPIRATION, htobe64(expiry_rows[_i].remaining_ms));
	mnl_attr_nest_end(message, element);
	mnl_attr_nest_end(message, list);
	element_reader_take(&reader, message, READ_SINCE_MS + expiry_rows[_i].late_ms);
	ck_assert_int_eq(element_reader_finish(&reader), 0);
	ck_assert_msg(set.elements[0].expires_at == expiry_rows[_i].expires_at, "%s", expiry_rows[_i].what);
	arena_free(arena);
}
END_TEST

/* ---- bytecode that nft does not write, in the order of its expressions */

enum { OTHER_REGISTER = NFT_REG_2 };

static void put_load(struct nftnl_rule *rule, const char *kind, uint32_t key, uint32_t destination)
{
	const bool meta = strcmp(kind, "meta") == 0;
	struct nftnl_expr *load = nftnl_expr_alloc(kind);

	nftnl_expr_set_u32(load, meta ? NFTNL_EXPR_META_KEY : NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(load, meta ? NFTNL_EXPR_META_DREG : NFTNL_EXPR_CT_DREG, destination);
	nftnl_rule_add_expr(rule, load);
}

static void put_compare(struct nftnl_rule *rule, uint32_t source, uint32_t value)
{
	struct nftnl_expr *compare = nftnl_expr_alloc("cmp");

	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, source);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, &value, sizeof(value));
	nftnl_rule_add_expr(rule, compare);
}

static void put_verdict(struct nftnl_rule *rule, int verdict)
{
	struct nftnl_expr *immediate = nftnl_expr_alloc("immediate");

	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	nftnl_rule_add_expr(rule, immediate);
}

static void put_mark(struct nftnl_rule *rule, uint32_t mark)
{
	struct nftnl_expr *immediate = nftnl_expr_alloc("immediate"), *set = nftnl_expr_alloc("ct");

	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, &mark, sizeof(mark));
	nftnl_rule_add_expr(rule, immediate);
	nftnl_expr_set_u32(set, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
	nftnl_expr_set_u32(set, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	nftnl_rule_add_expr(rule, set);
}

/* Loading a value that a packet does not have ends the rule: a load for nothing is not nothing, ... */
static void put_unused_load(struct nftnl_rule *rule)
{
	put_load(rule, "meta", NFT_META_SKUID, NFT_REG_1);
	put_verdict(rule, NF_ACCEPT);
}

static void put_late_load(struct nftnl_rule *rule)
{
	put_verdict(rule, NF_ACCEPT);
	put_load(rule, "meta", NFT_META_SKUID, NFT_REG_1);
}

/* ... nor is one that stands before what is asked for: a packet of nobody is not dropped. */
static void put_early_load(struct nftnl_rule *rule)
{
	put_load(rule, "meta", NFT_META_SKUID, NFT_REG_1);
	put_verdict(rule, NF_DROP);
	put_compare(rule, NFT_REG_1, 5);
}

static void put_load_before_mark(struct nftnl_rule *rule)
{
	put_load(rule, "meta", NFT_META_SKUID, OTHER_REGISTER);
	put_mark(rule, 1);
	put_compare(rule, OTHER_REGISTER, 5);
	put_verdict(rule, NF_ACCEPT);
}

/* What is accepted had the mark 5, and has another one now. */
static void put_mark_of_before(struct nftnl_rule *rule)
{
	put_load(rule, "ct", NFT_CT_MARK, OTHER_REGISTER);
	put_compare(rule, OTHER_REGISTER, 5);
	put_mark(rule, 1);
	put_compare(rule, OTHER_REGISTER, 5);
	put_verdict(rule, NF_ACCEPT);
}

static void put_mark_of_now(struct nftnl_rule *rule)
{
	put_load(rule, "ct", NFT_CT_MARK, OTHER_REGISTER);
	put_compare(rule, OTHER_REGISTER, 5);
	put_mark(rule, 1);
	put_load(rule, "ct", NFT_CT_MARK, OTHER_REGISTER);
	put_compare(rule, OTHER_REGISTER, 1);
	put_verdict(rule, NF_ACCEPT);
}

static void put_state(struct nftnl_rule *rule)
{
	put_load(rule, "ct", NFT_CT_STATE, NFT_REG_1);
	put_compare(rule, NFT_REG_1, CT_ESTABLISHED);
	put_verdict(rule, NF_ACCEPT);
}

static void put_family(struct nftnl_rule *rule)
{
	const uint8_t ipv4 = NFPROTO_IPV4;
	struct nftnl_expr *compare = nftnl_expr_alloc("cmp");

	put_load(rule, "meta", NFT_META_NFPROTO, NFT_REG_1);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, &ipv4, sizeof(ipv4));
	nftnl_rule_add_expr(rule, compare);
	put_verdict(rule, NF_ACCEPT);
}

static void put_lookup(struct nftnl_rule *rule)
{
	struct nftnl_expr *lookup = nftnl_expr_alloc("lookup");

	nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, "marks");
	nftnl_rule_add_expr(rule, lookup);
	put_verdict(rule, NF_ACCEPT);
}

static void put_bits(struct nftnl_rule *rule, uint32_t operation, uint32_t mask, uint32_t flips)
{
	struct nftnl_expr *bitwise = nftnl_expr_alloc("bitwise");

	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_OP, operation);
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, &flips, sizeof(flips));
	nftnl_rule_add_expr(rule, bitwise);
}

static void put_key(struct nftnl_rule *rule)
{
	put_load(rule, "ct", NFT_CT_MARK, NFT_REG_1);
	put_lookup(rule);
}

static void put_masked_key(struct nftnl_rule *rule)
{
	put_load(rule, "ct", NFT_CT_MARK, NFT_REG_1);
	put_bits(rule, NFT_BITWISE_BOOL, 1, 0);
	put_lookup(rule);
}

static void put_turned_key(struct nftnl_rule *rule)
{
	struct nftnl_expr *turn = nftnl_expr_alloc("byteorder");

	put_load(rule, "ct", NFT_CT_MARK, NFT_REG_1);
	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_LEN, sizeof(uint32_t));
	nftnl_expr_set_u32(turn, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(uint32_t));
	nftnl_rule_add_expr(rule, turn);
	put_lookup(rule);
}

static void put_key_of_another_type(struct nftnl_rule *rule)
{
	put_load(rule, "meta", NFT_META_SKUID, NFT_REG_1);
	put_lookup(rule);
}

static void put_mask(struct nftnl_rule *rule)
{
	put_load(rule, "ct", NFT_CT_MARK, NFT_REG_1);
	put_bits(rule, NFT_BITWISE_BOOL, 1, 0);
	put_compare(rule, NFT_REG_1, 1);
}

static void put_flip(struct nftnl_rule *rule)
{
	put_load(rule, "ct", NFT_CT_MARK, NFT_REG_1);
	put_bits(rule, NFT_BITWISE_BOOL, 1, 1);
	put_compare(rule, NFT_REG_1, 1);
}

static void put_shift(struct nftnl_rule *rule)
{
	put_load(rule, "ct", NFT_CT_MARK, NFT_REG_1);
	put_bits(rule, NFT_BITWISE_LSHIFT, 1, 0);
	put_compare(rule, NFT_REG_1, 1);
}

static const struct {
	const char *what;
	void (*put)(struct nftnl_rule *rule);
	enum family family;
	const char *words;	/* NULL: it is understood */
} bytecode_rows[] = {
	{ "a load for nothing", put_unused_load, FAMILY_INET, "at once" },
	{ "a load at the end", put_late_load, FAMILY_INET, "not used" },
	{ "a load before a verdict", put_early_load, FAMILY_INET, "at once" },
	{ "a load before a mark", put_load_before_mark, FAMILY_INET, "at once" },
	{ "the mark of before", put_mark_of_before, FAMILY_INET, "cmp" },
	{ "the mark of now", put_mark_of_now, FAMILY_INET, NULL },
	{ "the family of a packet", put_family, FAMILY_INET, NULL },
	{ "the family of an interface", put_family, FAMILY_NETDEV, "meta" },
	{ "a key", put_key, FAMILY_INET, NULL },
	{ "a key that is masked", put_masked_key, FAMILY_INET, "type" },
	{ "a key that is turned round", put_turned_key, FAMILY_INET, "order" },
	{ "a key of another type", put_key_of_another_type, FAMILY_INET, "type" },
	{ "a mask", put_mask, FAMILY_INET, NULL },
	{ "a mask that turns bits round", put_flip, FAMILY_INET, "bitwise" },
	{ "a shift", put_shift, FAMILY_INET, "bitwise" },
	{ "a connection", put_state, FAMILY_INET, NULL },
	{ "a connection of a bridge", put_state, FAMILY_BRIDGE, "ct" },
};

START_TEST(test_bytecode_is_understood_as_the_kernel_runs_it)
{
	struct arena *arena = arena_new();
	struct set marks = { .name = "marks", .key = { { FIELD_CT_MARK } } };
	const struct table table = { .family = bytecode_rows[_i].family, .name = "sekisho", .sets = &marks, .set_count = 1 };
	struct nftnl_rule *rule = nftnl_rule_alloc();
	const char *why = NULL;
	struct rule decoded;
	int r;

	bytecode_rows[_i].put(rule);
	r = rule_decode(arena, rule, &table, &decoded, &why);
	ck_assert_msg((r == 0) == (bytecode_rows[_i].words == NULL), "%s: %s", bytecode_rows[_i].what, why ? why : "understood");
	ck_assert_msg(r == 0 || strstr(why, bytecode_rows[_i].words), "%s: %s", bytecode_rows[_i].what, why);
	nftnl_rule_free(rule);
	arena_free(arena);
}
END_TEST

/* What somebody else put into our table. */
static const struct {
	const char *what, *text, *where, *words;
	bool needs_new_table;
} alien_rows[] = {
	{ "a rule by interface name", "table inet sekisho { chain c { iifname \"lo\" accept; }; }",
	  "chain c rule 1", "meta", false },
	{ "an anonymous set", "table inet sekisho { chain c { counter; meta l4proto { tcp, udp } accept; }; }",
	  "set __set0", "flags", false },
	{ "a range of ports", "table inet sekisho { chain c { th dport 1-5 accept; }; }",
	  "chain c rule 1", "cmp", false },
	{ "the original tuple", "table inet sekisho { chain c { ct original ip saddr 10.0.0.1 accept; }; }",
	  "chain c rule 1", "ct", false },
	{ "another group", "table inet sekisho { chain c { log group 1 prefix \"x\"; }; }",
	  "chain c rule 1", "log", false },
	{ "another way to reject", "table inet sekisho { chain c { reject with icmpx host-unreachable; }; }",
	  "chain c rule 1", "reject", false },
	{ "a limit per minute", "table inet sekisho { chain c { limit rate 5/minute accept; }; }",
	  "chain c rule 1", "limit", false },
	{ "a limit over", "table inet sekisho { chain c { limit rate over 5/second drop; }; }",
	  "chain c rule 1", "limit", false },
	{ "a limit of bytes", "table inet sekisho { chain c { limit rate 5 bytes/second accept; }; }",
	  "chain c rule 1", "limit", false },
	{ "another thing of a connection that is set", "table inet sekisho { chain c { ct event set new; }; }",
	  "chain c rule 1", "ct", false },
	{ "a mark set from another value", "table inet sekisho { chain c { ct mark set ct mark; }; }",
	  "chain c rule 1", "ct", false },
	{ "an element that goes on", "table inet sekisho { map s { type mark : verdict; elements = { 1 : continue }; }; }",
	  "set s", "data", false },
	{ "a changed packet", "table inet sekisho { chain c { ip ttl set 5; }; }",
	  "chain c rule 1", "payload", false },
	{ "a packet mark", "table inet sekisho { chain c { meta mark set 5; }; }",
	  "chain c rule 1", "meta", false },
	{ "no tracking", "table inet sekisho { chain c { notrack; }; }",
	  "chain c rule 1", "notrack", false },
	{ "an inverted lookup",
	  "table inet sekisho { set s { type ipv4_addr; }; chain c { meta nfproto ipv4 ip saddr != @s accept; }; }",
	  "chain c rule 1", "lookup", false },
	{ "an IPv4 look at IPv6", "table inet sekisho { chain c { meta nfproto ipv6 @nh,96,32 5 accept; }; }",
	  "chain c rule 1", "payload", false },
	{ "an IPv4 look at either family", "table inet sekisho { chain c { @nh,96,32 5 accept; }; }",
	  "chain c rule 1", "payload", false },
	{ "an IPv6 look at either family", "table inet sekisho { chain c { @nh,56,8 255 accept; }; }",
	  "chain c rule 1", "payload", false },
	{ "an Ethernet look at any interface", "table inet sekisho { chain c { @ll,48,48 5 accept; }; }",
	  "chain c rule 1", "payload", false },
	{ "a set with limits", "table inet sekisho { set s { type ipv4_addr; limit rate 5/second; }; }",
	  "set s", "expressions", false },
	{ "a set with a timeout", "table inet sekisho { set s { type ipv4_addr; timeout 5s; }; }",
	  "set s", "timeout", false },
	{ "a set of ranges with a size", "table inet sekisho { set s { type ipv4_addr; flags interval; size 5; }; }",
	  "set s", "size", false },
	{ "a set of names", "table inet sekisho { set s { type ifname; }; }",
	  "set s", "key type", false },
	{ "a map to addresses", "table inet sekisho { map s { type ipv4_addr : ipv4_addr; }; }",
	  "set s", "map", false },
	{ "an element for everything", "table inet sekisho { set s { type ipv4_addr; elements = { * }; }; }",
	  "set s", "everything", false },
	{ "a dynamic set", "table inet sekisho { set s { type ipv4_addr; flags dynamic; size 9; }; }",
	  "set s", "flags", false },
	{ "a NAT chain", "table inet sekisho { chain c { type nat hook postrouting priority 100; }; }",
	  "chain c", "type", false },
	{ "a dormant table", "table inet sekisho { flags dormant; }",
	  "table sekisho", "dormant", true },
	{ "a counter object", "table inet sekisho { counter k { }; }",
	  "object k", "objects", true },
	{ "a table of another family", "table ip sekisho { }",
	  "table sekisho", "family", true },
};

static const struct alien *alien_find(const struct snapshot *snapshot, const char *where)
{
	for (size_t i = 0; i < snapshot->alien_count; i++) {
		if (strcmp(snapshot->aliens[i].where, where) == 0)
			return &snapshot->aliens[i];
	}
	return NULL;
}

START_TEST(test_alien_is_found_and_removed)
{
	struct workbench bench = workbench_open();
	struct table table = { .family = FAMILY_INET, .name = "sekisho" };
	const struct ruleset wanted = { .tables = &table, .table_count = 1 };
	const struct alien *alien;
	struct snapshot snapshot;

	ck_assert_msg(workbench_nft_load(alien_rows[_i].text) == 0, "%s", alien_rows[_i].what);
	snapshot = workbench_snapshot(&bench);
	alien = alien_find(&snapshot, alien_rows[_i].where);
	ck_assert_msg(alien != NULL, "%s: nothing at %s", alien_rows[_i].what, alien_rows[_i].where);
	ck_assert_msg(strstr(alien->what, alien_rows[_i].words), "%s: %s", alien_rows[_i].what, alien->what);
	ck_assert_msg(alien->needs_new_table == alien_rows[_i].needs_new_table, "%s", alien_rows[_i].what);
	if (!alien->needs_new_table) {
		workbench_apply(&bench, snapshot.ruleset, &wanted);
		snapshot = workbench_snapshot(&bench);
		workbench_expect_no_aliens(&snapshot, alien_rows[_i].what, 0);
		workbench_expect_equal(snapshot.ruleset, &wanted, alien_rows[_i].what, 0);
	}
	workbench_close(&bench);
}
END_TEST

/* A foreign rule in a chain of ours is seen as a difference and goes with the repair. */
START_TEST(test_alien_rule_in_our_chain_is_repaired)
{
	struct workbench bench = workbench_open();
	struct step steps[] = { { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_DROP } } };
	struct rule rule = { .steps = steps, .step_count = 1 };
	struct chain chain = {
		.name = "forward", .hook = { true, 2, 0, VERDICT_DROP, NULL }, .rules = &rule, .rule_count = 1
	};
	struct table table = { .family = FAMILY_INET, .name = "sekisho", .chains = &chain, .chain_count = 1 };
	const struct ruleset wanted = { .tables = &table, .table_count = 1 };
	struct snapshot snapshot;

	workbench_apply(&bench, NULL, &wanted);
	ck_assert_int_eq(workbench_nft_load("insert rule inet sekisho forward iifname \"lo\" accept"), 0);
	snapshot = workbench_snapshot(&bench);
	ck_assert(!ruleset_equal(snapshot.ruleset, &wanted));
	workbench_apply(&bench, snapshot.ruleset, &wanted);
	snapshot = workbench_snapshot(&bench);
	workbench_expect_no_aliens(&snapshot, "repair", 0);
	workbench_expect_equal(snapshot.ruleset, &wanted, "repair", 0);
	workbench_close(&bench);
}
END_TEST

START_TEST(test_owned_table)
{
	struct workbench bench = workbench_open();
	struct table table = { .family = FAMILY_INET, .name = "sekisho" };
	const struct ruleset wanted = { .tables = &table, .table_count = 1 };
	struct transition transition = ruleset_diff(bench.arena, NULL, &wanted);
	struct nfnl_batch batch = nfnl_batch_begin(&bench.nfnl, NULL);
	struct kernel_features features;
	struct snapshot snapshot;

	ck_assert_int_eq(features_probe(&bench.nfnl, &features), 0);
	ck_assert_int_ne(workbench_nft_load("list table inet " FEATURES_PROBE_TABLE), 0);
	ruleset_encode(bench.arena, &batch, &transition.commit, WORKBENCH_NOW, true, &bench.encoded);
	ck_assert_int_eq(nfnl_batch_commit(&bench.nfnl, &batch, false, &bench.result),
			 features.table_owner_persist ? 0 : -EOPNOTSUPP);
	if (features.table_owner_persist) {
		ck_assert_int_ne(workbench_nft_load("delete table inet sekisho"), 0);
		snapshot = workbench_snapshot(&bench);
		workbench_expect_no_aliens(&snapshot, "owned", 0);
		workbench_expect_equal(snapshot.ruleset, &wanted, "owned", 0);
	}
	workbench_close(&bench);
}
END_TEST

/* A socket that changes hands keeps its table; one of another kind, or of another namespace, is not taken. */
START_TEST(test_adopted_socket)
{
	struct workbench bench = workbench_open();
	struct nfnl adopted;
	int descriptor = dup(mnl_socket_get_fd(bench.nfnl.socket)), pipes[2];
	uint32_t generation;

	ck_assert_int_eq(nfnl_adopt(descriptor, &adopted), 0);
	ck_assert_uint_eq(adopted.port_id, bench.nfnl.port_id);
	ck_assert_int_eq(nfnl_generation(&adopted, &generation), 0);
	nfnl_close(&adopted);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(nfnl_adopt(pipes[0], &adopted), -ENOTSOCK);
	close(pipes[0]);
	close(pipes[1]);
	descriptor = dup(mnl_socket_get_fd(bench.nfnl.socket));
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(nfnl_adopt(descriptor, &adopted), -EXDEV);
	close(descriptor);
	workbench_close(&bench);
}
END_TEST

/* The limit of a batch, and one message more. */
/* Whose rules a change of others is about: ours are shut up before they are read. */
START_TEST(test_foreign_change_of_ours)
{
	static const struct {
		const char *commands;
		bool ours;
	} rows[] = {
		{ "table inet other { chain c { type filter hook forward priority 0; }\n }\n", false },
		{ "table inet sekisho { chain c { type filter hook forward priority 0; policy drop; }\n }\n", true },
		{ "insert rule inet sekisho c accept\n", true },
		{ "add rule inet other c counter\n", false },
		{ "flush ruleset\n", true },
	};
	struct workbench bench = workbench_open();
	struct nft_watch watch;
	struct nft_change change;

	ck_assert_int_eq(nft_watch_open(&watch), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(workbench_nft_load(rows[i].commands), 0);
		ck_assert_msg(nft_watch_read(&watch, bench.nfnl.port_id, &change), "%s was not seen", rows[i].commands);
		ck_assert_msg(change.ours == rows[i].ours, "%s is%s about ours", rows[i].commands, rows[i].ours ? " not" : "");
	}
	workbench_apply(&bench, NULL, ruleset_sample_large(bench.arena, 1, false));
	ck_assert_msg(!nft_watch_read(&watch, bench.nfnl.port_id, &change), "what we do ourselves is no foreign change");
	nft_watch_close(&watch);
	workbench_close(&bench);
}
END_TEST

START_TEST(test_batch_limit)
{
	struct workbench bench = workbench_open();
	struct nfnl_batch batch = nfnl_batch_begin(&bench.nfnl, NULL);
	struct nlmsghdr *message;

	batch.bytes.limit_bytes = batch.bytes.length + NFNL_MESSAGE_BYTES_MAX;
	message = nfnl_batch_open(&batch, NFT_MSG_NEWTABLE, NFPROTO_INET, NLM_F_CREATE);
	ck_assert_ptr_nonnull(message);
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, "sekisho");
	nfnl_batch_close(&batch, message);
	ck_assert_ptr_null(nfnl_batch_open(&batch, NFT_MSG_NEWTABLE, NFPROTO_INET, NLM_F_CREATE));
	ck_assert_int_eq(nfnl_batch_commit(&bench.nfnl, &batch, false, &bench.result), -EMSGSIZE);
	ck_assert_ptr_null(workbench_snapshot(&bench).ruleset);
	batch = nfnl_batch_begin(&bench.nfnl, NULL);
	ck_assert_int_eq(nfnl_batch_commit(&bench.nfnl, &batch, false, &bench.result), 0);
	workbench_close(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel transaction");
	TCase *cases = tcase_create("transaction");
	SRunner *runner;
	int failed;

	workbench_require();
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, test_stale_generation_changes_nothing);
	tcase_add_test(cases, test_dry_run_changes_nothing);
	tcase_add_loop_test(cases, test_refusal_names_the_element, 0, COUNT(missing_rows));
	tcase_add_test(cases, test_refusal_names_the_rule);
	tcase_add_test(cases, test_ranges_of_one_field);
	tcase_add_test(cases, test_expired_element_does_not_stay);
	tcase_add_loop_test(cases, test_dump_with_an_element_twice_is_read_again, 0, COUNT(twice_rows));
	tcase_add_loop_test(cases, test_expiry_is_rounded, 0, COUNT(expiry_rows));
	tcase_add_loop_test(cases, test_bytecode_is_understood_as_the_kernel_runs_it, 0, COUNT(bytecode_rows));
	tcase_add_loop_test(cases, test_alien_is_found_and_removed, 0, COUNT(alien_rows));
	tcase_add_test(cases, test_alien_rule_in_our_chain_is_repaired);
	tcase_add_test(cases, test_owned_table);
	tcase_add_test(cases, test_adopted_socket);
	tcase_add_test(cases, test_foreign_change_of_ours);
	tcase_add_test(cases, test_batch_limit);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
