/*
 * check: ruleset/show.h, and the basics of ruleset/ruleset.h. The texts here were loaded with nft 1.0.6 and
 * led to the bytecode their steps stand for; tests in namespaces load whole rulesets.
 */
#include "ruleset/show.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset_sample.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))
#define FULL_MASK { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }

enum { NOW = 1800000000 };

static void check_text(struct buf *out, const char *expected, const char *what)
{
	ck_assert_msg(strcmp(buf_text(out), expected) == 0, "%s:\n got: %s\nwant: %s", what, buf_text(out),
		      expected);
	buf_free(out);
}

/* ---- matches */

static const struct match_row {
	const char *text;
	struct step step;
} match_rows[] = {
	{ "iif 7", { .field = FIELD_IIF, .mask = FULL_MASK, .value = { 0, 0, 0, 7 } } },
	{ "oif != 0", { .field = FIELD_OIF, .op = MATCH_NE, .mask = FULL_MASK } },
	{ "meta iiftype ether", { .field = FIELD_IIFTYPE, .mask = FULL_MASK, .value = { 0, 1 } } },
	{ "meta iiftype 65534", { .field = FIELD_IIFTYPE, .mask = FULL_MASK, .value = { 255, 254 } } },
	{ "meta nfproto ipv4", { .field = FIELD_NFPROTO, .mask = FULL_MASK, .value = { NFPROTO_V4 } } },
	{ "meta nfproto != ipv6",
	  { .field = FIELD_NFPROTO, .op = MATCH_NE, .mask = FULL_MASK, .value = { NFPROTO_V6 } } },
	{ "meta l4proto tcp", { .field = FIELD_L4PROTO, .mask = FULL_MASK, .value = { 6 } } },
	{ "meta l4proto icmpv6", { .field = FIELD_L4PROTO, .mask = FULL_MASK, .value = { 58 } } },
	{ "meta l4proto 47", { .field = FIELD_L4PROTO, .mask = FULL_MASK, .value = { 47 } } },
	{ "meta skuid 1000", { .field = FIELD_SKUID, .mask = FULL_MASK, .value = { 0, 0, 3, 232 } } },
	{ "meta pkttype multicast", { .field = FIELD_PKTTYPE, .mask = FULL_MASK, .value = { 2 } } },
	{ "ct state == new", { .field = FIELD_CT_STATE, .mask = FULL_MASK, .value = { 0, 0, 0, CT_NEW } } },
	{ "ct state != new",
	  { .field = FIELD_CT_STATE, .op = MATCH_NE, .mask = FULL_MASK, .value = { 0, 0, 0, CT_NEW } } },
	{ "ct state invalid,untracked",
	  { .field = FIELD_CT_STATE, .op = MATCH_NE, .mask = { 0, 0, 0, CT_INVALID | CT_UNTRACKED } } },
	{ "ct state related", { .field = FIELD_CT_STATE, .op = MATCH_NE, .mask = { 0, 0, 0, CT_RELATED } } },
	{ "ct state & (related|new) == 0x0",
	  { .field = FIELD_CT_STATE, .mask = { 0, 0, 0, CT_RELATED | CT_NEW } } },
	{ "ct state & (related|new) == new",
	  { .field = FIELD_CT_STATE,
	    .mask = { 0, 0, 0, CT_RELATED | CT_NEW },
	    .value = { 0, 0, 0, CT_NEW } } },
	{ "ct state & 0x11 != 0x0", { .field = FIELD_CT_STATE, .op = MATCH_NE, .mask = { 0, 0, 0, 0x11 } } },
	{ "ct status snat,dnat",
	  { .field = FIELD_CT_STATUS, .op = MATCH_NE, .mask = { 0, 0, 0, CT_SNAT | CT_DNAT } } },
	{ "ct direction reply",
	  { .field = FIELD_CT_DIRECTION, .mask = FULL_MASK, .value = { DIRECTION_REPLY } } },
	{ "ct mark 0x0000abcd",
	  { .field = FIELD_CT_MARK, .mask = FULL_MASK, .value = { 0, 0, 0xab, 0xcd } } },
	{ "ct mark & 0xff != 0x00000001",
	  { .field = FIELD_CT_MARK, .op = MATCH_NE, .mask = { 0, 0, 0, 255 }, .value = { 0, 0, 0, 1 } } },
	{ "ether type arp", { .field = FIELD_ETHER_TYPE, .mask = FULL_MASK, .value = { 8, 6 } } },
	{ "ether type 0x88cc", { .field = FIELD_ETHER_TYPE, .mask = FULL_MASK, .value = { 0x88, 0xcc } } },
	{ "ether saddr 02:00:00:01:00:10",
	  { .field = FIELD_ETHER_SADDR, .mask = FULL_MASK, .value = { 2, 0, 0, 1, 0, 16 } } },
	{ "ether saddr & ff:00:00:00:00:00 == 02:00:00:00:00:00",
	  { .field = FIELD_ETHER_SADDR, .mask = { 255 }, .value = { 2 } } },
	{ "ip saddr 10.1.0.10", { .field = FIELD_IP_SADDR, .mask = FULL_MASK, .value = { 10, 1, 0, 10 } } },
	{ "ip daddr 10.1.0.0/17",
	  { .field = FIELD_IP_DADDR, .mask = { 255, 255, 128 }, .value = { 10, 1 } } },
	{ "ip daddr != 10.1.0.0/17",
	  { .field = FIELD_IP_DADDR, .op = MATCH_NE, .mask = { 255, 255, 128 }, .value = { 10, 1 } } },
	{ "ip daddr & 255.255.128.0 == 10.1.0.1",
	  { .field = FIELD_IP_DADDR, .mask = { 255, 255, 128 }, .value = { 10, 1, 0, 1 } } },
	{ "ip daddr & 255.255.0.0 == 10.1.0.0",
	  { .field = FIELD_IP_DADDR, .mask = { 255, 255 }, .value = { 10, 1 } } },
	{ "ip daddr & 255.0.255.0 != 10.0.1.0",
	  { .field = FIELD_IP_DADDR, .op = MATCH_NE, .mask = { 255, 0, 255 }, .value = { 10, 0, 1 } } },
	{ "ip saddr & 0.0.0.0 == 0.0.0.0", { .field = FIELD_IP_SADDR } },
	{ "ip6 saddr fe80::/10",
	  { .field = FIELD_IP6_SADDR, .mask = { 255, 0xc0 }, .value = { 0xfe, 0x80 } } },
	{ "ip6 daddr ::1", { .field = FIELD_IP6_DADDR, .mask = FULL_MASK, .value = { [15] = 1 } } },
	{ "ip6 daddr & ff00:: == ff00::", { .field = FIELD_IP6_DADDR, .mask = { 255 }, .value = { 255 } } },
	{ "ip6 hoplimit 255", { .field = FIELD_IP6_HOPLIMIT, .mask = FULL_MASK, .value = { 255 } } },
	{ "th sport 53", { .field = FIELD_SPORT, .mask = FULL_MASK, .value = { 0, 53 } } },
	{ "th dport & 0xff00 == 256", { .field = FIELD_DPORT, .mask = { 255 }, .value = { 1 } } },
	{ "tcp flags & (fin|syn|rst|ack) != syn",
	  { .field = FIELD_TCP_FLAGS, .op = MATCH_NE, .mask = { 0x17 }, .value = { 2 } } },
	{ "tcp flags == syn|ack", { .field = FIELD_TCP_FLAGS, .mask = FULL_MASK, .value = { 0x12 } } },
	{ "tcp flags syn,rst", { .field = FIELD_TCP_FLAGS, .op = MATCH_NE, .mask = { 6 } } },
	{ "icmp type echo-request", { .field = FIELD_ICMP_TYPE, .mask = FULL_MASK, .value = { 8 } } },
	{ "icmp type != 99",
	  { .field = FIELD_ICMP_TYPE, .op = MATCH_NE, .mask = FULL_MASK, .value = { 99 } } },
	{ "icmpv6 type nd-neighbor-solicit",
	  { .field = FIELD_ICMP6_TYPE, .mask = FULL_MASK, .value = { 135 } } },
	{ "rt ip nexthop 192.0.2.1",
	  { .field = FIELD_RT_NEXTHOP4, .mask = FULL_MASK, .value = { 192, 0, 2, 1 } } },
	{ "rt ip6 nexthop fe80::",
	  { .field = FIELD_RT_NEXTHOP6, .mask = FULL_MASK, .value = { 0xfe, 0x80 } } },
	{ "exthdr rt exists", { .field = FIELD_IP6_ROUTING, .mask = FULL_MASK, .value = { 1 } } },
	{ "exthdr rt missing", { .field = FIELD_IP6_ROUTING, .mask = FULL_MASK } },
};

START_TEST(a_match_reads_as_nft_says_it)
{
	struct step step = match_rows[_i].step;
	struct rule rule = { .steps = &step, .step_count = 1 };
	struct buf out = buf_limited(0);

	step.kind = STEP_MATCH;
	rule_show(&out, &rule);
	check_text(&out, match_rows[_i].text, match_rows[_i].text);
}
END_TEST

START_TEST(every_field_is_matched_by_some_row)
{
	for (int field = FIELD_NONE + 1; field < FIELD_COUNT; field++) {
		bool found = false;

		for (int i = 0; i < COUNT(match_rows); i++)
			found |= (int)match_rows[i].step.field == field;
		ck_assert_msg(found, "no row for \"%s\"", field_phrase((enum field)field));
	}
}
END_TEST

/* ---- other steps */

static const struct rule_row {
	const char *what, *text, *comment;
	struct step steps[3];
	size_t step_count;
} rule_rows[] = {
	{ "look-up of one field",
	  "iif @ports",
	  NULL,
	  { { .kind = STEP_LOOKUP, .key = { { FIELD_IIF } }, .set = "ports" } },
	  1 },
	{ "look-up of three",
	  "ct mark . iif . oif @live accept",
	  NULL,
	  { { .kind = STEP_LOOKUP, .key = { { FIELD_CT_MARK, FIELD_IIF, FIELD_OIF } }, .set = "live" },
	    { .kind = STEP_VERDICT, .verdict = { VERDICT_ACCEPT, NULL } } },
	  2 },
	{ "verdict map",
	  "meta nfproto . ct direction . iif . oif vmap @pairs",
	  NULL,
	  { { .kind = STEP_VMAP,
	      .key = { { FIELD_NFPROTO, FIELD_CT_DIRECTION, FIELD_IIF, FIELD_OIF } },
	      .set = "pairs" } },
	  1 },
	{ "mark by a map",
	  "ct mark set ip saddr . ip daddr . meta l4proto . th dport map @a.b.exact4",
	  NULL,
	  { { .kind = STEP_SET_MARK,
	      .key = { { FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_L4PROTO, FIELD_DPORT } },
	      .set = "a.b.exact4" } },
	  1 },
	{ "mark, answer",
	  "ct mark set 0x7fffffff reject with icmpx admin-prohibited",
	  NULL,
	  { { .kind = STEP_SET_MARK_VALUE, .value = { 0x7f, 255, 255, 255 } }, { .kind = STEP_REJECT } },
	  2 },
	{ "log",
	  "limit rate 10/second burst 20 packets log prefix \"sekisho flow \" group 64 queue-threshold 16",
	  NULL,
	  { { .kind = STEP_LIMIT, .rate = 10, .burst = 20 }, { .kind = STEP_LOG, .text = "sekisho flow " } },
	  2 },
	{ "jump",
	  "counter jump next-hop",
	  NULL,
	  { { .kind = STEP_COUNTER }, { .kind = STEP_VERDICT, .verdict = { VERDICT_JUMP, "next-hop" } } },
	  2 },
	{ "goto",
	  "goto refuse.flow",
	  NULL,
	  { { .kind = STEP_VERDICT, .verdict = { VERDICT_GOTO, "refuse.flow" } } },
	  1 },
	{ "return with a comment",
	  "return comment \"住民記録\"",
	  "住民記録",
	  { { .kind = STEP_VERDICT, .verdict = { VERDICT_RETURN, NULL } } },
	  1 },
	{ "a comment cannot leave its quotes",
	  "drop comment \"a? accept #??\"",
	  "a\" accept #\n\x7f",
	  { { .kind = STEP_VERDICT, .verdict = { VERDICT_DROP, NULL } } },
	  1 },
};

START_TEST(a_rule_reads_as_nft_says_it)
{
	const struct rule_row *row = &rule_rows[_i];
	struct step steps[3];
	struct rule rule = { .steps = steps, .step_count = row->step_count, .comment = row->comment };
	struct buf out = buf_limited(0);

	memcpy(steps, row->steps, sizeof(steps));
	rule_show(&out, &rule);
	check_text(&out, row->text, row->what);
}
END_TEST

/* ---- elements */

static struct link sample_links[] = { { 9, "a\"b" }, { 1, "lo" }, { 3, "mn0" }, { 8, "x*" } };
static const struct link_table links = { sample_links, 4 };

static const struct element_row {
	const char *what, *text;
	struct key key;
	bool interval, timeout;
	enum set_data data;
	uint8_t bytes[64];
	struct element element;
} element_rows[] = {
	{ "an interface by name", "\"mn0\"", .key = { { FIELD_IIF } }, .bytes = { 0, 0, 0, 3 } },
	{ "an interface that is gone", "4", .key = { { FIELD_IIF } }, .bytes = { 0, 0, 0, 4 } },
	{ "an interface whose name would end the quotes", "9", .key = { { FIELD_IIF } },
	  .bytes = { 0, 0, 0, 9 } },
	{ "an interface whose name is a pattern", "8", .key = { { FIELD_IIF } }, .bytes = { 0, 0, 0, 8 } },
	{ "the pairs map", "ipv6 . reply . \"lo\" . \"mn0\" : goto lgwan.internet.6.reply",
	  .key = { { FIELD_NFPROTO, FIELD_CT_DIRECTION, FIELD_IIF, FIELD_IIF } }, .data = SET_DATA_VERDICT,
	  .bytes = { 10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3 },
	  .element = { .verdict = { VERDICT_GOTO, "lgwan.internet.6.reply" } } },
	{ "a live flow", "0x00000001 . \"mn0\" . \"lo\" timeout 90s comment \"juki 00ff\"",
	  .key = { { FIELD_CT_MARK, FIELD_IIF, FIELD_IIF } }, .timeout = true,
	  .bytes = { 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1 },
	  .element = { .expires_at = NOW + 90, .comment = "juki 00ff" } },
	{ "one that never expires", "0x00000001", .key = { { FIELD_CT_MARK } }, .timeout = true,
	  .bytes = { 0, 0, 0, 1 } },
	{ "one that expires now", "0x00000001 timeout 1s", .key = { { FIELD_CT_MARK } }, .timeout = true,
	  .bytes = { 0, 0, 0, 1 }, .element = { .expires_at = NOW } },
	{ "one that expired", "0x00000001 timeout 1s", .key = { { FIELD_CT_MARK } }, .timeout = true,
	  .bytes = { 0, 0, 0, 1 }, .element = { .expires_at = NOW - 5 } },
	{ "an exact flow", "10.0.0.1 . 10.0.0.2 . tcp . 443 : 0x00000007",
	  .key = { { FIELD_IP_SADDR, FIELD_IP_SADDR, FIELD_L4PROTO, FIELD_DPORT } }, .data = SET_DATA_MARK,
	  .bytes = { 10, 0, 0, 1, 10, 0, 0, 2, 6, 0, 0, 0, 1, 187 }, .element = { .mark = 7 } },
	{ "a flow of ranges", "10.0.0.0-10.0.0.255 . 10.0.0.2 . udp . 0-65535 : 0x00000007",
	  .key = { { FIELD_IP_SADDR, FIELD_IP_SADDR, FIELD_L4PROTO, FIELD_DPORT } }, .interval = true,
	  .data = SET_DATA_MARK,
	  .bytes = { 10, 0, 0, 0, 10, 0, 0, 2, 17, 0, 0, 0, 0, 0, 0, 0,
		     10, 0, 0, 255, 10, 0, 0, 2, 17, 0, 0, 0, 255, 255, 0, 0 },
	  .element = { .mark = 7 } },
	{ "a network at an interface", "\"mn0\" . fd00::-fd00::ff", .key = { { FIELD_IIF, FIELD_IP6_SADDR } },
	  .interval = true, .bytes = { 0, 0, 0, 3, 0xfd, [20] = 0, 0, 0, 3, 0xfd, [39] = 255 } },
	{ "a bound address", "\"mn0\" . 10.1.0.10 . 02:00:00:01:00:10",
	  .key = { { FIELD_IIF, FIELD_IP_SADDR, FIELD_ETHER_SADDR } },
	  .bytes = { 0, 0, 0, 3, 10, 1, 0, 10, 2, 0, 0, 1, 0, 16 } },
	{ "a verdict map that drops", "1000 : drop", .key = { { FIELD_SKUID } }, .data = SET_DATA_VERDICT,
	  .bytes = { 0, 0, 3, 232 }, .element = { .verdict = { VERDICT_DROP, NULL } } },
};

START_TEST(an_element_reads_as_nft_says_it)
{
	const struct element_row *row = &element_rows[_i];
	const struct set set = {
		.key = row->key, .interval = row->interval, .timeout = row->timeout, .data = row->data
	};
	struct element element = row->element;
	struct buf out = buf_limited(0);

	element.key = row->bytes;
	element_show(&out, &set, &element, &links, NOW);
	check_text(&out, row->text, row->what);
}
END_TEST

/* ---- the whole */

static const char whole_text[] =
	"table inet sekisho {\n"
	"\tmap large.exact4 {\n"
	"\t\ttype ipv4_addr . ipv4_addr . inet_proto . inet_service : mark\n"
	"\t\tflags interval\n"
	"\t\telements = {\n"
	"\t\t\t10.0.0.0 . 11.0.0.1 . tcp . 443-445 : 0x00000001,\n"
	"\t\t\t10.0.0.1 . 11.0.0.1 . tcp . 443-445 : 0x00000002\n"
	"\t\t}\n"
	"\t}\n"
	"\n"
	"\tset live {\n"
	"\t\ttype mark . iface_index\n"
	"\t\tflags timeout\n"
	"\t\tcounter\n"
	"\t}\n"
	"\n"
	"\tset ports {\n"
	"\t\ttype iface_index\n"
	"\t}\n"
	"\n"
	"\tchain forward {\n"
	"\t\ttype filter hook forward priority 0; policy drop;\n"
	"\t\tmeta nfproto ipv4 ct mark set ip saddr . ip daddr . meta l4proto . th dport map @large.exact4\n"
	"\t}\n"
	"}\n"
	"table netdev sekisho {\n"
	"\tchain ingress.lo {\n"
	"\t\tcomment \"what enters by lo\"\n"
	"\t\ttype filter hook ingress device \"lo\" priority -500; policy accept;\n"
	"\t}\n"
	"\n"
	"\tchain other {\n"
	"\t\tiif \"lo\"\n"
	"\t}\n"
	"}\n";

START_TEST(a_ruleset_reads_as_nft_says_it)
{
	struct arena *arena = arena_new();
	struct ruleset *ruleset = ruleset_sample_large(arena, 2, true);
	struct set sets[] = {
		ruleset->tables[0].sets[0],
		{ .name = "live", .key = { { FIELD_CT_MARK, FIELD_IIF } }, .timeout = true, .counted = true },
		{ .name = "ports", .key = { { FIELD_IIF } } },
	};
	struct step step = {
		.kind = STEP_MATCH, .field = FIELD_IIF, .mask = FULL_MASK, .value = { 0, 0, 0, 1 }
	};
	struct rule rule = { .steps = &step, .step_count = 1 };
	struct chain chains[] = {
		{ .name = "ingress.lo",
		  .hook = { true, 0, -500, VERDICT_ACCEPT, "lo" },
		  .comment = "what enters by lo" },
		{ .name = "other", .rules = &rule, .rule_count = 1 },
	};
	struct table tables[] = {
		ruleset->tables[0],
		{ .family = FAMILY_NETDEV, .name = "sekisho", .chains = chains, .chain_count = 2 },
	};
	struct buf out = buf_limited(0);

	tables[0].sets = sets;
	tables[0].set_count = 3;
	ruleset->tables = tables;
	ruleset->table_count = 2;
	ruleset_show(&out, ruleset, NOW);
	check_text(&out, whole_text, "whole");
	arena_free(arena);
}
END_TEST

START_TEST(a_limit_of_the_buffer_is_kept)
{
	struct arena *arena = arena_new();
	struct buf out = buf_limited(100);

	ruleset_show(&out, ruleset_sample_large(arena, 20, false), NOW);
	ck_assert(out.overflow);
	ck_assert_uint_le(out.length, 100);
	buf_free(&out);
	arena_free(arena);
}
END_TEST

/* ---- the basics */

START_TEST(fields_have_sizes_slots_and_types)
{
	ck_assert_uint_eq(field_size(FIELD_NONE), 0);
	for (int i = FIELD_NONE + 1; i < FIELD_COUNT; i++) {
		enum field field = (enum field)i;
		size_t size = field_size(field);

		ck_assert_msg(size == 1 || size == 2 || size == 4 || size == 6 || size == 16, "field %d", i);
		ck_assert_uint_eq(field_slot(field), (size + 3) & ~(size_t)3);
		ck_assert_uint_gt(strlen(field_phrase(field)), 0);
		ck_assert_str_eq(field_type_name(field), field_type_name(field_representative(field)));
		ck_assert_int_eq(field_representative(field),
				 field_representative(field_representative(field)));
	}
}
END_TEST

static const struct find_row {
	const char *what;
	bool interval;
	uint32_t source;
	uint16_t port;
	int found;		/* index of the element, -1: none */
} find_rows[] = {
	{ "the first", false, 0x0a000000, 443, 0 },
	{ "the last", false, 0x0a000063, 443, 99 },
	{ "one in the middle", false, 0x0a000032, 443, 50 },
	{ "below the first", false, 0x09ffffff, 443, -1 },
	{ "above the last", false, 0x0a000064, 443, -1 },
	{ "a port that is not there", false, 0x0a000032, 444, -1 },
	{ "the beginning of a range", true, 0x0a000032, 443, 50 },
	{ "inside a range", true, 0x0a000032, 444, 50 },
	{ "the end of a range", true, 0x0a000032, 445, 50 },
	{ "before a range", true, 0x0a000032, 442, -1 },
	{ "behind a range", true, 0x0a000032, 446, -1 },
};

START_TEST(a_key_is_found)
{
	const struct find_row *row = &find_rows[_i];
	struct arena *arena = arena_new();
	const struct set *set = &ruleset_sample_large(arena, 100, row->interval)->tables[0].sets[0];
	const uint32_t source = row->source;
	const uint8_t key[16] = {
		(uint8_t)(source >> 24), (uint8_t)(source >> 16), (uint8_t)(source >> 8), (uint8_t)source,
		11, 0, 0, 1, 6, 0, 0, 0, (uint8_t)(row->port >> 8), (uint8_t)row->port,
	};
	const struct element *found = set_find(set, key);

	ck_assert_msg(found == (row->found < 0 ? NULL : &set->elements[row->found]), "%s", row->what);
	arena_free(arena);
}
END_TEST

START_TEST(names_are_found)
{
	struct arena *arena = arena_new();
	const struct ruleset *ruleset = ruleset_sample_large(arena, 1, false);
	const struct table *table = ruleset_table(ruleset, FAMILY_INET, "sekisho");
	const struct table empty = { .family = FAMILY_INET, .name = "sekisho" };

	ck_assert_ptr_eq(table, &ruleset->tables[0]);
	ck_assert_ptr_null(ruleset_table(ruleset, FAMILY_BRIDGE, "sekisho"));
	ck_assert_ptr_null(ruleset_table(ruleset, FAMILY_INET, "other"));
	ck_assert_ptr_eq(table_set(table, "large.exact4"), &table->sets[0]);
	ck_assert_ptr_null(table_set(table, "large"));
	ck_assert_ptr_eq(table_chain(table, "forward"), &table->chains[0]);
	ck_assert_ptr_null(table_chain(table, "forwar"));
	ck_assert_ptr_null(table_set(&empty, "x"));
	ck_assert_ptr_null(table_chain(&empty, "x"));
	ck_assert_uint_eq(link_index(&links, "mn0"), 3);
	ck_assert_uint_eq(link_index(&links, "mn"), 0);
	ck_assert_str_eq(link_name(&links, 3), "mn0");
	ck_assert_ptr_null(link_name(&links, 2));
	arena_free(arena);
}
END_TEST

static Suite *show_suite(void)
{
	Suite *suite = suite_create("ruleset show");
	TCase *text = tcase_create("text"), *basics = tcase_create("basics");

	tcase_add_loop_test(text, a_match_reads_as_nft_says_it, 0, COUNT(match_rows));
	tcase_add_test(text, every_field_is_matched_by_some_row);
	tcase_add_loop_test(text, a_rule_reads_as_nft_says_it, 0, COUNT(rule_rows));
	tcase_add_loop_test(text, an_element_reads_as_nft_says_it, 0, COUNT(element_rows));
	tcase_add_test(text, a_ruleset_reads_as_nft_says_it);
	tcase_add_test(text, a_limit_of_the_buffer_is_kept);
	suite_add_tcase(suite, text);

	tcase_add_test(basics, fields_have_sizes_slots_and_types);
	tcase_add_loop_test(basics, a_key_is_found, 0, COUNT(find_rows));
	tcase_add_test(basics, names_are_found);
	suite_add_tcase(suite, basics);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(show_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
