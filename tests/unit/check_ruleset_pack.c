/* check: ruleset/pack.h. What was packed comes back the same; whatever else arrives is refused whole. */
#include "ruleset/pack.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset_sample.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

enum { NOW = 1800000000 };

static struct buf packed(const struct ruleset *ruleset)
{
	struct buf buf = buf_limited(0);

	ruleset_pack(&buf, ruleset);
	return buf;
}

/* Unpacks from a copy of exactly this size on the heap, so that a byte read too far is noticed. */
static int unpack_copy(struct arena *arena, const void *bytes, size_t length)
{
	char *copy = malloc(length ? length : 1);
	struct ruleset *ruleset = NULL;
	int result;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, length);
	result = ruleset_unpack(arena, (struct span){ .data = copy, .length = length }, &ruleset);
	ck_assert(result == 0 ? ruleset != NULL : ruleset == NULL);
	free(copy);
	return result;
}

START_TEST(what_was_packed_comes_back)
{
	struct sample_world world = { sample_loopback(), NOW, 20 };

	for (unsigned long seed = 0; seed < 200; seed++) {
		struct arena *arena = arena_new();
		const struct ruleset *ruleset = ruleset_sample(arena, seed, &world);
		struct buf first = packed(ruleset), second;
		struct ruleset *unpacked = NULL;

		ck_assert_msg(ruleset_unpack(arena, buf_span(&first), &unpacked) == 0, "seed %lu is refused",
			      seed);
		ck_assert_msg(ruleset_equal(ruleset, unpacked), "seed %lu comes back as another", seed);
		second = packed(unpacked);
		ck_assert_msg(span_equal(buf_span(&first), buf_span(&second)),
			      "seed %lu is packed in two ways", seed);
		ck_assert_uint_eq(unpacked->links.count, 1);
		ck_assert_str_eq(unpacked->links.items[0].name, "lo");
		ck_assert_uint_eq(unpacked->links.items[0].index, 1);
		buf_free(&first);
		buf_free(&second);
		arena_free(arena);
	}
}
END_TEST

START_TEST(an_empty_ruleset_comes_back)
{
	struct arena *arena = arena_new();
	struct ruleset empty = { .table_count = 0 }, *unpacked = NULL;
	struct buf bytes = packed(&empty);

	ck_assert_int_eq(ruleset_unpack(arena, buf_span(&bytes), &unpacked), 0);
	ck_assert_uint_eq(unpacked->table_count, 0);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	struct sample_world world = { sample_loopback(), NOW, 4 };

	for (unsigned long seed = 0; seed < 8; seed++) {
		struct arena *arena = arena_new();
		struct buf bytes = packed(ruleset_sample(arena, seed, &world));

		for (size_t length = 0; length < bytes.length; length++)
			ck_assert_msg(unpack_copy(arena, bytes.data, length) == -EBADMSG,
				      "seed %lu, length %zu", seed, length);
		buf_putc(&bytes, 0);
		ck_assert_int_eq(unpack_copy(arena, bytes.data, bytes.length), -EBADMSG);
		buf_free(&bytes);
		arena_free(arena);
	}
}
END_TEST

/* A changed byte may make another good ruleset, but never anything that cannot be packed again. */
START_TEST(every_changed_byte_is_refused_or_read_as_it_stands)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	struct sample_world world = { sample_loopback(), NOW, 4 };
	struct arena *arena = arena_new();
	struct buf bytes = packed(ruleset_sample(arena, 5, &world));

	for (size_t i = 0; i < bytes.length * COUNT(flips); i++) {
		char *byte = &bytes.data[i / COUNT(flips)], before = *byte;
		struct arena *scratch = arena_new();
		struct ruleset *unpacked;

		*byte = (char)(before ^ flips[i % COUNT(flips)]);
		if (ruleset_unpack(scratch, buf_span(&bytes), &unpacked) == 0) {
			struct buf again = packed(unpacked);

			ck_assert_msg(span_equal(buf_span(&bytes), buf_span(&again)), "byte %zu",
				      i / COUNT(flips));
			buf_free(&again);
		}
		*byte = before;
		arena_free(scratch);
	}
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

/* ---- a small good ruleset, and one thing wrong with it at a time */

struct parts {
	struct ruleset ruleset;
	struct table tables[2];
	struct set sets[3];		/* "a": a set, "m": a map to marks, "v": a map to verdicts */
	struct set idle[2];		/* of the second table, asked by nobody: "a", "b" */
	struct chain chains[2];		/* "base", "leaf" */
	struct rule rules[1];
	struct step steps[RULESET_STEPS_MAX + 1];
	struct element exact[2], ranges[2], verdicts[1];
	struct link links[2];
	uint8_t keys[4][16];
};

static void fill_sets(struct parts *parts)
{
	for (size_t i = 0; i < 2; i++) {
		parts->keys[i][0] = (uint8_t)(1 + i);	/* a protocol, three zeros, a port, two zeros */
		parts->exact[i].key = parts->keys[i];
		parts->keys[i + 2][1] = (uint8_t)(1 + i);
		parts->keys[i + 2][9] = (uint8_t)(1 + i);
		parts->ranges[i] = (struct element){ .key = parts->keys[i + 2], .mark = 7, .expires_at = NOW };
	}
	parts->verdicts[0] = (struct element){ .key = parts->keys[0], .verdict = { VERDICT_GOTO, "leaf" } };
	parts->sets[0] = (struct set){ .name = "a",
				       .key = { { FIELD_L4PROTO, FIELD_DPORT } },
				       .room = 6143,
				       .elements = parts->exact,
				       .element_count = 2 };
	parts->sets[1] = (struct set){
		.name = "m",
		.key = { { FIELD_DPORT, FIELD_IP_SADDR } },
		.interval = true,
		.timeout = true,
		.data = SET_DATA_MARK,
		.elements = parts->ranges,
		.element_count = 2,
	};
	parts->sets[2] = (struct set){
		.name = "v", .key = { { FIELD_L4PROTO, FIELD_DPORT } }, .data = SET_DATA_VERDICT,
		.elements = parts->verdicts, .element_count = 1,
	};
}

static void fill_rule(struct parts *parts)
{
	static const struct step steps[] = {
		{ .kind = STEP_MATCH, .field = FIELD_NFPROTO, .mask = { 0xff }, .value = { NFPROTO_V4 } },
		{ .kind = STEP_LOOKUP, .key = { { FIELD_L4PROTO, FIELD_SPORT } }, .set = "a" },
		{ .kind = STEP_SET_MARK, .key = { { FIELD_DPORT, FIELD_IP_DADDR } }, .set = "m" },
		{ .kind = STEP_LIMIT, .rate = 1, .burst = 1 },
		{ .kind = STEP_LOG, .text = "sekisho flow " },
		{ .kind = STEP_SET_MARK_VALUE, .value = { 0, 0, 0, 1 } },
		{ .kind = STEP_VMAP, .key = { { FIELD_L4PROTO, FIELD_DPORT } }, .set = "v" },
		{ .kind = STEP_VERDICT, .verdict = { VERDICT_JUMP, "leaf" } },
	};

	memcpy(parts->steps, steps, sizeof(steps));
	parts->rules[0] = (struct rule){ .steps = parts->steps, .step_count = 8, .comment = "住民記録" };
}

static void fill_parts(struct parts *parts)
{
	memset(parts, 0, sizeof(*parts));
	fill_sets(parts);
	fill_rule(parts);
	parts->chains[0] = (struct chain){
		.name = "base",
		.hook = { true, 2, -300, VERDICT_DROP, NULL },
		.rules = parts->rules,
		.rule_count = 1,
	};
	parts->chains[1] = (struct chain){ .name = "leaf", .comment = "" };
	parts->tables[0] = (struct table){ FAMILY_INET, "sekisho", parts->sets, 3, parts->chains, 2, false };
	parts->idle[0] = (struct set){ .name = "a", .key = { { FIELD_IIF, FIELD_ETHER_SADDR } } };
	parts->idle[1] = (struct set){ .name = "b", .key = { { FIELD_IIF } } };
	parts->tables[1] = (struct table){
		.family = FAMILY_BRIDGE, .name = "sekisho", .sets = parts->idle, .set_count = 2
	};
	parts->links[0] = (struct link){ 2, "eth0" };
	parts->links[1] = (struct link){ 1, "lo" };
	parts->ruleset = (struct ruleset){ parts->tables, 2, { parts->links, 2 } };
}

static void nothing(struct parts *p) { (void)p; }
static void table_order(struct parts *p)
{
	p->tables[0].family = FAMILY_BRIDGE;
	p->tables[1].family = FAMILY_INET;
}
static void table_twice(struct parts *p) { p->tables[1].family = FAMILY_INET; }
static void table_family(struct parts *p) { p->tables[0].family = (enum family)2; }
static void table_name(struct parts *p) { p->tables[0].name = ""; }
static void set_order(struct parts *p) { p->idle[0].name = "c"; }
static void set_twice(struct parts *p) { p->idle[0].name = "b"; }
static void set_name_space(struct parts *p) { p->idle[0].name = "a b"; }
static void set_name_brace(struct parts *p) { p->idle[0].name = "a}"; }
static void set_keyless(struct parts *p)
{
	p->idle[0].key.fields[0] = FIELD_NONE;
	p->idle[0].key.fields[1] = FIELD_NONE;
}
static void set_key_gap(struct parts *p)
{
	p->idle[0].key = (struct key){ { FIELD_IIF, FIELD_NONE, FIELD_ETHER_SADDR } };
}
static void set_key_unknown(struct parts *p) { p->idle[0].key.fields[1] = FIELD_COUNT; }
static void set_key_field(struct parts *p) { p->steps[6].key.fields[2] = FIELD_IIF; }
static void set_key_types(struct parts *p) { p->steps[1].key.fields[1] = FIELD_IIFTYPE; }
static void set_data_lookup(struct parts *p) { p->steps[1].kind = STEP_SET_MARK; }
static void set_data_mark(struct parts *p) { p->steps[2].kind = STEP_VMAP; }
static void set_data_verdict(struct parts *p) { p->steps[6].kind = STEP_LOOKUP; }
static void set_dangles(struct parts *p) { p->steps[1].set = "b"; }
static void element_order(struct parts *p) { p->keys[0][0] = 9; }
static void element_twice(struct parts *p) { p->keys[0][0] = 2; }
static void element_padding(struct parts *p) { p->keys[0][1] = 1; }
static void element_padding_between(struct parts *p) { p->keys[0][6] = 1; }
static void range_padding(struct parts *p) { p->keys[2][10] = 1; }
static void range_backwards(struct parts *p) { p->keys[2][9] = 0; }
static void range_fields_backwards(struct parts *p) { p->keys[2][9] = 9; p->keys[2][7] = 1; }
static void range_order(struct parts *p) { p->keys[2][1] = 9; p->keys[2][9] = 9; }
static void expiry_negative(struct parts *p) { p->ranges[0].expires_at = -1; }
static void element_verdict(struct parts *p) { p->verdicts[0].verdict.kind = VERDICT_NONE; }
static void element_jump_dangles(struct parts *p) { p->verdicts[0].verdict.chain = "gone"; }
static void element_jump_base(struct parts *p) { p->verdicts[0].verdict.chain = "base"; }
static void element_comment_control(struct parts *p) { p->exact[0].comment = "a\033b"; }
static void element_comment_quote(struct parts *p) { p->exact[0].comment = "a\"b"; }
static void chain_order(struct parts *p) { p->chains[0].name = "z"; }
static void chain_policy(struct parts *p) { p->chains[0].hook.policy = VERDICT_GOTO; }
static void chain_hook(struct parts *p) { p->chains[0].hook.number = 5; }
static void chain_device(struct parts *p) { p->chains[0].hook.device = "eth0"; }
static void chain_comment(struct parts *p) { p->chains[1].comment = "a\nb"; }
static void rule_empty(struct parts *p) { p->rules[0].step_count = 0; }
static void rule_long(struct parts *p) { p->steps[8].kind = STEP_COUNTER; p->rules[0].step_count = 9; }
static void rule_jump_dangles(struct parts *p) { p->steps[7].verdict.chain = "lea"; }
static void rule_jump_base(struct parts *p) { p->steps[7].verdict.chain = "base"; }
static void rule_verdict(struct parts *p) { p->steps[7].verdict.kind = VERDICT_NONE; }
static void rule_field(struct parts *p) { p->steps[0].field = FIELD_NONE; }
static void rule_operator(struct parts *p) { p->steps[0].op = (enum match_op)2; }
static void rule_rate(struct parts *p) { p->steps[3].rate = 0; }
static void rule_burst(struct parts *p) { p->steps[3].burst = 0; }
static void rule_log_empty(struct parts *p) { p->steps[4].text = ""; }
static void rule_log_newline(struct parts *p) { p->steps[4].text = "a\nb"; }
static void link_order(struct parts *p) { memcpy(p->links[0].name, "zz", 3); }
static void link_twice(struct parts *p) { memcpy(p->links[0].name, "lo", 3); }
static void link_zero(struct parts *p) { p->links[0].index = 0; }
static void link_negative(struct parts *p) { p->links[0].index = 0x80000000; }
static void link_nameless(struct parts *p) { p->links[0].name[0] = '\0'; }
static void link_slash(struct parts *p) { memcpy(p->links[0].name, "a/b", 4); }

static const struct wrong_row {
	const char *what;
	void (*spoil)(struct parts *parts);
	int result;
} wrong_rows[] = {
	{ "nothing is wrong", nothing, 0 },
	{ "tables out of order", table_order, -EBADMSG },
	{ "a table twice", table_twice, -EBADMSG },
	{ "a family that is not ours", table_family, -EBADMSG },
	{ "a table without a name", table_name, -EBADMSG },
	{ "sets out of order", set_order, -EBADMSG },
	{ "a set twice", set_twice, -EBADMSG },
	{ "a space in a name", set_name_space, -EBADMSG },
	{ "a brace in a name", set_name_brace, -EBADMSG },
	{ "a set without a key", set_keyless, -EBADMSG },
	{ "a key with a gap", set_key_gap, -EBADMSG },
	{ "a key with a field that is none", set_key_unknown, -EBADMSG },
	{ "a look-up with one field more", set_key_field, -EBADMSG },
	{ "a look-up with another type", set_key_types, -EBADMSG },
	{ "a mark from a plain set", set_data_lookup, -EBADMSG },
	{ "a verdict from a mark map", set_data_mark, -EBADMSG },
	{ "a plain look-up in a verdict map", set_data_verdict, -EBADMSG },
	{ "a set that is not there", set_dangles, -EBADMSG },
	{ "elements out of order", element_order, -EBADMSG },
	{ "an element twice", element_twice, -EBADMSG },
	{ "padding that is not zero", element_padding, -EBADMSG },
	{ "padding that is not zero at the end", element_padding_between, -EBADMSG },
	{ "padding that is not zero in the end of a range", range_padding, -EBADMSG },
	{ "a range that ends before it begins", range_backwards, -EBADMSG },
	{ "a second field that ends before it begins", range_fields_backwards, -EBADMSG },
	{ "ranges out of order", range_order, -EBADMSG },
	{ "an expiry before time began", expiry_negative, -EBADMSG },
	{ "an element with no verdict", element_verdict, -EBADMSG },
	{ "an element that jumps nowhere", element_jump_dangles, -EBADMSG },
	{ "an element that jumps to a base chain", element_jump_base, -EBADMSG },
	{ "a control character in a comment", element_comment_control, -EBADMSG },
	{ "a quote in a comment", element_comment_quote, -EBADMSG },
	{ "chains out of order", chain_order, -EBADMSG },
	{ "a policy that jumps", chain_policy, -EBADMSG },
	{ "a hook that is not there", chain_hook, -EBADMSG },
	{ "a device in an inet chain", chain_device, -EBADMSG },
	{ "a newline in a chain's comment", chain_comment, -EBADMSG },
	{ "a rule without steps", rule_empty, -EBADMSG },
	{ "a rule with a step too many", rule_long, -EBADMSG },
	{ "a rule that jumps nowhere", rule_jump_dangles, -EBADMSG },
	{ "a rule that jumps to a base chain", rule_jump_base, -EBADMSG },
	{ "a verdict that is none", rule_verdict, -EBADMSG },
	{ "a match of no field", rule_field, -EBADMSG },
	{ "an operator that is none", rule_operator, -EBADMSG },
	{ "a limit of nothing", rule_rate, -EBADMSG },
	{ "a limit without a burst", rule_burst, -EBADMSG },
	{ "an empty log prefix", rule_log_empty, -EBADMSG },
	{ "a newline in a log prefix", rule_log_newline, -EBADMSG },
	{ "links out of order", link_order, -EBADMSG },
	{ "a link twice", link_twice, -EBADMSG },
	{ "a link with index 0", link_zero, -EBADMSG },
	{ "a link with a negative index", link_negative, -EBADMSG },
	{ "a link without a name", link_nameless, -EBADMSG },
	{ "a slash in a link's name", link_slash, -EBADMSG },
};

START_TEST(one_thing_wrong_is_enough)
{
	const struct wrong_row *row = &wrong_rows[_i];
	struct arena *arena = arena_new();
	struct parts parts;
	struct buf bytes;

	fill_parts(&parts);
	row->spoil(&parts);
	bytes = packed(&parts.ruleset);
	ck_assert_msg(unpack_copy(arena, bytes.data, bytes.length) == row->result, "%s", row->what);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

START_TEST(a_netdev_chain_needs_a_device)
{
	struct arena *arena = arena_new();
	struct chain chain = { .name = "ingress.eth0", .hook = { true, 0, -500, VERDICT_DROP, "eth0" } };
	struct table table = { .family = FAMILY_NETDEV, .name = "sekisho", .chains = &chain, .chain_count = 1 };
	struct ruleset ruleset = { .tables = &table, .table_count = 1 };
	static const struct {
		const char *what, *device;
		uint32_t number;
		int result;
	} rows[] = {
		{ "a device", "eth0", 0, 0 },
		{ "a device of 15 bytes", "abcdefghijklmno", 0, 0 },
		{ "a device of 16 bytes", "abcdefghijklmnop", 0, -EBADMSG },
		{ "no device", NULL, 0, -EBADMSG },
		{ "a device without a name", "", 0, -EBADMSG },
		{ "not the ingress hook", "eth0", 1, -EBADMSG },
	};

	for (int i = 0; i < COUNT(rows); i++) {
		struct buf bytes;

		chain.hook.device = rows[i].device;
		chain.hook.number = rows[i].number;
		bytes = packed(&ruleset);
		ck_assert_msg(unpack_copy(arena, bytes.data, bytes.length) == rows[i].result, "%s",
			      rows[i].what);
		buf_free(&bytes);
	}
	arena_free(arena);
}
END_TEST

/* ---- limits */

#define X16 "xxxxxxxxxxxxxxxx"
#define X128 X16 X16 X16 X16 X16 X16 X16 X16

/* A text of this length, at most 128. */
static const char *text_of(size_t length)
{
	static const char longest[] = X128;

	return longest + sizeof(longest) - 1 - length;
}

static void long_name(struct parts *parts, size_t length) { parts->tables[1].name = text_of(length); }
static void long_comment(struct parts *parts, size_t length) { parts->exact[0].comment = text_of(length); }
static void long_log(struct parts *parts, size_t length) { parts->steps[4].text = text_of(length); }

/* An empty set whose key takes `length` bytes: IPv6 addresses, then numbers. */
static void long_key(struct parts *parts, size_t length)
{
	struct key key = { { FIELD_NONE } };

	for (size_t i = 0; length > 0; i++) {
		key.fields[i] = length >= 16 ? FIELD_IP6_SADDR : FIELD_IIF;
		length -= length >= 16 ? 16 : 4;
	}
	parts->idle[0].key = key;
}

static const struct limit_row {
	const char *what;
	void (*stretch)(struct parts *parts, size_t length);
	size_t limit, step;
} limit_rows[] = {
	{ "name", long_name, RULESET_NAME_BYTES_MAX, 1 },
	{ "comment", long_comment, RULESET_COMMENT_BYTES_MAX, 1 },
	{ "log prefix", long_log, 127, 1 },
	{ "key", long_key, RULESET_KEY_BYTES_MAX, 4 },
};

START_TEST(limits_hold)
{
	const struct limit_row *row = &limit_rows[_i];

	for (size_t beyond = 0; beyond < 2; beyond++) {
		struct arena *arena = arena_new();
		struct parts parts;
		struct buf bytes;

		fill_parts(&parts);
		row->stretch(&parts, row->limit + beyond * row->step);
		bytes = packed(&parts.ruleset);
		ck_assert_msg(unpack_copy(arena, bytes.data, bytes.length) == (beyond ? -EBADMSG : 0), "%s",
			      row->what);
		buf_free(&bytes);
		arena_free(arena);
	}
}
END_TEST

START_TEST(rules_of_a_chain_are_limited)
{
	for (size_t count = PACK_RULES_MAX; count <= PACK_RULES_MAX + 1; count++) {
		struct arena *arena = arena_new();
		struct parts parts;
		struct rule *rules = arena_array(arena, count, sizeof(*rules));
		struct buf bytes;

		fill_parts(&parts);
		for (size_t i = 0; i < count; i++)
			rules[i] = parts.rules[0];
		parts.chains[0].rules = rules;
		parts.chains[0].rule_count = count;
		bytes = packed(&parts.ruleset);
		ck_assert_int_eq(unpack_copy(arena, bytes.data, bytes.length),
				 count > PACK_RULES_MAX ? -EBADMSG : 0);
		buf_free(&bytes);
		arena_free(arena);
	}
}
END_TEST

START_TEST(tables_are_limited)
{
	for (size_t count = PACK_TABLES_MAX; count <= PACK_TABLES_MAX + 1; count++) {
		struct arena *arena = arena_new();
		struct table *tables = arena_array(arena, count, sizeof(*tables));
		struct ruleset ruleset = { .tables = tables, .table_count = count };
		struct buf bytes;

		for (size_t i = 0; i < count; i++)
			tables[i] = (struct table){ .family = FAMILY_INET,
						    .name = arena_printf(arena, "t%zu", i) };
		bytes = packed(&ruleset);
		ck_assert_int_eq(unpack_copy(arena, bytes.data, bytes.length),
				 count > PACK_TABLES_MAX ? -EBADMSG : 0);
		buf_free(&bytes);
		arena_free(arena);
	}
}
END_TEST

/* A few bytes that claim millions of items. */
START_TEST(a_short_message_cannot_make_us_allocate)
{
	static const char claim[] =
		RULESET_PACK_MAGIC "\0\0\0\0" "\1\0\0\0" "\1" "\7sekisho" "\0"	/* no links, one table, */
		"\1\0\0\0" "\1a\0" "\1\0\0\0\0\0" "\0" "\0"				/* one set, */
		"\377\377\77\0" "aaaaaaaa";						/* four million elements */
	struct arena *arena = arena_new();

	ck_assert_int_eq(unpack_copy(arena, claim, sizeof(claim) - 1), -EBADMSG);
	ck_assert_uint_lt(arena_footprint(arena), 1 << 20);
	arena_free(arena);
}
END_TEST

static Suite *pack_suite(void)
{
	Suite *suite = suite_create("ruleset pack");
	TCase *round = tcase_create("round trip"), *wrong = tcase_create("wrong"),
	      *limits = tcase_create("limits");

	tcase_set_timeout(round, 120);
	tcase_add_test(round, what_was_packed_comes_back);
	tcase_add_test(round, an_empty_ruleset_comes_back);
	suite_add_tcase(suite, round);

	tcase_set_timeout(wrong, 120);
	tcase_add_test(wrong, every_truncation_is_refused);
	tcase_add_test(wrong, every_changed_byte_is_refused_or_read_as_it_stands);
	tcase_add_loop_test(wrong, one_thing_wrong_is_enough, 0, COUNT(wrong_rows));
	tcase_add_test(wrong, a_netdev_chain_needs_a_device);
	suite_add_tcase(suite, wrong);

	tcase_add_loop_test(limits, limits_hold, 0, COUNT(limit_rows));
	tcase_add_test(limits, rules_of_a_chain_are_limited);
	tcase_add_test(limits, tables_are_limited);
	tcase_add_test(limits, a_short_message_cannot_make_us_allocate);
	suite_add_tcase(suite, limits);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(pack_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
