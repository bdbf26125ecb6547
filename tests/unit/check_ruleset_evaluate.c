/*
 * evaluate: fields of a packet, control flow between chains, lookups, what a hook sees, and the trail, each
 * as the kernel does it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/evaluate.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RULE(...) { .steps = (struct step[]){ __VA_ARGS__ }, .step_count = COUNT(((struct step[]){ __VA_ARGS__ })) }
#define RULES(...) .rules = (struct rule[]){ __VA_ARGS__ }, .rule_count = COUNT(((struct rule[]){ __VA_ARGS__ }))
#define BASE(hook_number, at, rest)                                                                                \
	.hook = { .base = true, .number = (hook_number), .priority = (at), .policy = (rest) }

#define ACCEPT { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_ACCEPT } }
#define DROP { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_DROP } }
#define RETURN { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_RETURN } }
#define JUMP(name) { .kind = STEP_VERDICT, .verdict = { VERDICT_JUMP, (name) } }
#define GOTO(name) { .kind = STEP_VERDICT, .verdict = { VERDICT_GOTO, (name) } }
#define REJECT { .kind = STEP_REJECT }
#define COUNTER { .kind = STEP_COUNTER }
#define LIMIT { .kind = STEP_LIMIT, .rate = 1, .burst = 0 }
#define LOG { .kind = STEP_LOG, .text = "sekisho test " }
#define SET_MARK(number) { .kind = STEP_SET_MARK_VALUE, .value = { 0, 0, 0, (number) } }
#define WHOLE_MASK { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }
#define MATCH(which, how, ...)                                                                                     \
	{                                                                                                          \
		.kind = STEP_MATCH, .field = (which), .op = (how), .mask = WHOLE_MASK, .value = { __VA_ARGS__ }    \
	}
#define MARK_IS(number) MATCH(FIELD_CT_MARK, MATCH_EQ, 0, 0, 0, (number))
#define LOOKUP(how, name, ...) { .kind = (how), .set = (name), .key = { { __VA_ARGS__ } } }
#define KEY(...) .key = (const uint8_t[]){ __VA_ARGS__ }

enum { NOW = 1000, IIF = 3, OIF = 4 };

/* 10.1.0.1:1000 -> 10.2.0.2:443 over TCP, the first packet of a connection, in by 3, out by 4. */
static struct packet tcp_packet(void)
{
	return (struct packet){
		.iif = IIF,
		.oif = OIF,
		.iiftype = 1,
		.ether_type = 0x0800,
		.ether_saddr = { { 2, 0, 0, 1, 0, 16 } },
		.source = { 4, { 10, 1, 0, 1 } },
		.destination = { 4, { 10, 2, 0, 2 } },
		.protocol = 6,
		.has_ports = true,
		.sport = 1000,
		.dport = 443,
		.tcp_flags = 2,
		.ct_state = CT_NEW,
		.next_hop = { 4, { 10, 2, 0, 2 } },
		.skuid = 33,
	};
}

static struct packet echo6_packet(void)
{
	struct packet packet = tcp_packet();

	packet.ether_type = 0x86dd;
	packet.source = (struct netaddr){ 6, { 0xfd, [15] = 1 } };
	packet.destination = (struct netaddr){ 6, { 0xfd, [15] = 2 } };
	packet.next_hop = (struct netaddr){ 6, { 0xfe, 0x80, [15] = 9 } };
	packet.protocol = 58;
	packet.icmp_type = 128;
	packet.hoplimit = 255;
	packet.sport = 128 << 8;
	return packet;
}

static struct packet foreign_packet(void)
{
	struct packet packet = tcp_packet();

	packet.ether_type = 0x88cc;
	packet.source.family = packet.destination.family = packet.next_hop.family = 0;
	packet.has_ports = false;
	return packet;
}

struct field_row {
	const char *what;
	struct packet (*packet)(void);
	enum field field;
	bool present;
	uint8_t value[16];
};

static struct packet tcp_short(void)
{
	struct packet packet = tcp_packet();

	packet.has_ports = false;
	return packet;
}

static struct packet tcp_from_host(void)
{
	struct packet packet = tcp_packet();

	packet.iif = 0;
	packet.has_skuid = true;
	return packet;
}

static struct packet tcp_from_tunnel(void)
{
	struct packet packet = tcp_packet();

	packet.iiftype = 0xfffe;
	return packet;
}

static struct packet tcp_from_loopback(void)
{
	struct packet packet = tcp_packet();

	packet.iiftype = 772;
	return packet;
}

static struct packet tcp_reply(void)
{
	struct packet packet = tcp_packet();

	packet.ct_state = CT_ESTABLISHED;
	packet.ct_status = CT_DNAT;
	packet.ct_direction = DIRECTION_REPLY;
	packet.ct_mark = 0x01020304;
	return packet;
}

static struct packet tcp_invalid(void)
{
	struct packet packet = tcp_reply();

	packet.ct_state = CT_INVALID;
	return packet;
}

static struct packet tcp_untracked(void)
{
	struct packet packet = tcp_reply();

	packet.ct_state = CT_UNTRACKED;
	return packet;
}

static struct packet tcp_by_other_gateway(void)
{
	struct packet packet = tcp_packet();

	packet.next_hop = echo6_packet().next_hop;
	return packet;
}

static struct packet icmp_packet(void)
{
	struct packet packet = tcp_packet();

	packet.protocol = 1;
	packet.icmp_type = 8;
	return packet;
}

static struct packet echo6_source_routed(void)
{
	struct packet packet = echo6_packet();

	packet.routing_header = true;
	return packet;
}

static const struct field_row field_rows[] = {
	{ "iif", tcp_packet, FIELD_IIF, true, { 0, 0, 0, 3 } },
	{ "iif of a packet from here is 0, not absent", tcp_from_host, FIELD_IIF, true, { 0 } },
	{ "oif", tcp_packet, FIELD_OIF, true, { 0, 0, 0, 4 } },
	{ "iiftype", tcp_packet, FIELD_IIFTYPE, true, { 0, 1 } },
	{ "iiftype needs an interface", tcp_from_host, FIELD_IIFTYPE, false, { 0 } },
	{ "nfproto 4", tcp_packet, FIELD_NFPROTO, true, { 2 } },
	{ "nfproto 6", echo6_packet, FIELD_NFPROTO, true, { 10 } },
	{ "nfproto of what is not IP", foreign_packet, FIELD_NFPROTO, false, { 0 } },
	{ "l4proto", tcp_packet, FIELD_L4PROTO, true, { 6 } },
	{ "l4proto of what is not IP", foreign_packet, FIELD_L4PROTO, false, { 0 } },
	{ "skuid", tcp_from_host, FIELD_SKUID, true, { 0, 0, 0, 33 } },
	{ "skuid without socket", tcp_packet, FIELD_SKUID, false, { 0 } },
	{ "pkttype", tcp_packet, FIELD_PKTTYPE, true, { 0 } },
	{ "ct state", tcp_packet, FIELD_CT_STATE, true, { 0, 0, 0, CT_NEW } },
	{ "ct state without entry is invalid", tcp_invalid, FIELD_CT_STATE, true, { 0, 0, 0, CT_INVALID } },
	{ "ct state untracked", tcp_untracked, FIELD_CT_STATE, true, { 0, 0, 0, CT_UNTRACKED } },
	{ "ct status", tcp_reply, FIELD_CT_STATUS, true, { 0, 0, 0, CT_DNAT } },
	{ "ct direction", tcp_reply, FIELD_CT_DIRECTION, true, { 1 } },
	{ "ct mark", tcp_reply, FIELD_CT_MARK, true, { 1, 2, 3, 4 } },
	{ "ct mark without entry", tcp_invalid, FIELD_CT_MARK, false, { 0 } },
	{ "ct status without entry", tcp_invalid, FIELD_CT_STATUS, false, { 0 } },
	{ "ct direction untracked", tcp_untracked, FIELD_CT_DIRECTION, false, { 0 } },
	{ "ether type", foreign_packet, FIELD_ETHER_TYPE, true, { 0x88, 0xcc } },
	{ "ether type behind a tunnel", tcp_from_tunnel, FIELD_ETHER_TYPE, false, { 0 } },
	{ "ether saddr", tcp_packet, FIELD_ETHER_SADDR, true, { 2, 0, 0, 1, 0, 16 } },
	{ "ether saddr of loopback", tcp_from_loopback, FIELD_ETHER_SADDR, true, { 2, 0, 0, 1, 0, 16 } },
	{ "ether saddr of a packet from here", tcp_from_host, FIELD_ETHER_SADDR, false, { 0 } },
	{ "ip saddr", tcp_packet, FIELD_IP_SADDR, true, { 10, 1, 0, 1 } },
	{ "ip daddr", tcp_packet, FIELD_IP_DADDR, true, { 10, 2, 0, 2 } },
	{ "ip saddr of IPv6", echo6_packet, FIELD_IP_SADDR, false, { 0 } },
	{ "ip6 saddr", echo6_packet, FIELD_IP6_SADDR, true, { 0xfd, [15] = 1 } },
	{ "ip6 daddr", echo6_packet, FIELD_IP6_DADDR, true, { 0xfd, [15] = 2 } },
	{ "ip6 daddr of IPv4", tcp_packet, FIELD_IP6_DADDR, false, { 0 } },
	{ "hoplimit", echo6_packet, FIELD_IP6_HOPLIMIT, true, { 255 } },
	{ "hoplimit of IPv4", tcp_packet, FIELD_IP6_HOPLIMIT, false, { 0 } },
	{ "sport", tcp_packet, FIELD_SPORT, true, { 3, 0xe8 } },
	{ "dport", tcp_packet, FIELD_DPORT, true, { 1, 0xbb } },
	{ "dport of a packet that is too short", tcp_short, FIELD_DPORT, false, { 0 } },
	{ "sport of ICMPv6 is type and code", echo6_packet, FIELD_SPORT, true, { 128, 0 } },
	{ "tcp flags", tcp_packet, FIELD_TCP_FLAGS, true, { 2 } },
	{ "tcp flags of a packet that is too short", tcp_short, FIELD_TCP_FLAGS, false, { 0 } },
	{ "tcp flags of ICMPv6", echo6_packet, FIELD_TCP_FLAGS, false, { 0 } },
	{ "icmp type", icmp_packet, FIELD_ICMP_TYPE, true, { 8 } },
	{ "icmp type of TCP", tcp_packet, FIELD_ICMP_TYPE, false, { 0 } },
	{ "icmpv6 type", echo6_packet, FIELD_ICMP6_TYPE, true, { 128 } },
	{ "icmpv6 type of ICMP", icmp_packet, FIELD_ICMP6_TYPE, false, { 0 } },
	{ "next hop 4", tcp_packet, FIELD_RT_NEXTHOP4, true, { 10, 2, 0, 2 } },
	{ "next hop 6", echo6_packet, FIELD_RT_NEXTHOP6, true, { 0xfe, 0x80, [15] = 9 } },
	{ "next hop of the other family", tcp_by_other_gateway, FIELD_RT_NEXTHOP6, false, { 0 } },
	{ "routing header", echo6_source_routed, FIELD_IP6_ROUTING, true, { 1 } },
	{ "no routing header", echo6_packet, FIELD_IP6_ROUTING, true, { 0 } },
	{ "routing header of IPv4", tcp_packet, FIELD_IP6_ROUTING, false, { 0 } },
	{ "no field", tcp_packet, FIELD_NONE, false, { 0 } },
};

START_TEST(test_packet_field)
{
	const struct field_row *row = &field_rows[_i];
	struct packet packet = row->packet();
	uint8_t value[16];
	bool present = packet_field(&packet, row->field, value);

	ck_assert_msg(present == row->present, "%s: presence", row->what);
	if (present)
		ck_assert_msg(!memcmp(value, row->value, field_size(row->field)), "%s: value", row->what);
}
END_TEST

/* A ruleset of one inet table. Chains and sets must be sorted by name. */
static struct ruleset one_table(struct table *table, const struct chain *chains, size_t chain_count,
				const struct set *sets, size_t set_count)
{
	*table = (struct table){ .family = FAMILY_INET, .name = "sekisho", .sets = (struct set *)sets, .set_count = set_count,
				 .chains = (struct chain *)chains, .chain_count = chain_count };
	return (struct ruleset){ .tables = table, .table_count = 1 };
}

struct rule_row {
	const char *what;
	struct packet (*packet)(void);
	enum hook_point hook;
	uint32_t hook_number;
	int32_t priority;
	bool accepted;		/* by the rule; the chain drops otherwise */
	struct rule rule;
};

#define FORWARD HOOK_FORWARD, 2, 0
#define RAW HOOK_PREROUTING, 0, -300
#define FILTER_PREROUTING HOOK_PREROUTING, 0, -150
#define INPUT HOOK_INPUT, 1, 0
#define OUTPUT HOOK_OUTPUT, 3, 0

static const struct rule_row rule_rows[] = {
	{ "equal", tcp_packet, FORWARD, true, RULE(MATCH(FIELD_L4PROTO, MATCH_EQ, 6), ACCEPT) },
	{ "not equal, though", tcp_packet, FORWARD, false, RULE(MATCH(FIELD_L4PROTO, MATCH_EQ, 17), ACCEPT) },
	{ "unequal", tcp_packet, FORWARD, true, RULE(MATCH(FIELD_L4PROTO, MATCH_NE, 17), ACCEPT) },
	{ "unequal of an absent field ends the rule, too", tcp_packet, FORWARD, false,
	  RULE(MATCH(FIELD_ICMP_TYPE, MATCH_NE, 8), ACCEPT) },
	{ "equal 0 of an absent field ends the rule", tcp_packet, FORWARD, false,
	  RULE(MATCH(FIELD_SKUID, MATCH_EQ, 0), ACCEPT) },
	{ "one bit of several", tcp_packet, FORWARD, true,
	  RULE({ .kind = STEP_MATCH, .field = FIELD_CT_STATE, .op = MATCH_NE, .mask = { 0, 0, 0, CT_NEW | CT_RELATED } },
	       ACCEPT) },
	{ "flags under a mask", tcp_packet, FORWARD, true,
	  RULE({ .kind = STEP_MATCH, .field = FIELD_TCP_FLAGS, .mask = { 0x17 }, .value = { 2 } }, ACCEPT) },
	{ "a value outside of its mask is never met", tcp_packet, FORWARD, false,
	  RULE({ .kind = STEP_MATCH, .field = FIELD_TCP_FLAGS, .mask = { 0x10 }, .value = { 2 } }, ACCEPT) },
	{ "counter, limit and log let go on", tcp_packet, FORWARD, true, RULE(COUNTER, LIMIT, LOG, ACCEPT) },
	{ "a verdict of none goes on", tcp_packet, FORWARD, true, RULE({ .kind = STEP_VERDICT }, ACCEPT) },
	{ "a mark is seen by the next step", tcp_packet, FORWARD, true, RULE(SET_MARK(7), MARK_IS(7), ACCEPT) },
	{ "a mark without connection is set nowhere", tcp_invalid, FORWARD, false,
	  RULE(SET_MARK(7), MARK_IS(7), ACCEPT) },
	{ "setting a mark without connection goes on", tcp_invalid, FORWARD, true, RULE(SET_MARK(7), ACCEPT) },
	{ "no connection before conntrack", tcp_reply, RAW, false,
	  RULE(MATCH(FIELD_CT_MARK, MATCH_EQ, 1, 2, 3, 4), ACCEPT) },
	{ "state is invalid before conntrack", tcp_reply, RAW, true,
	  RULE(MATCH(FIELD_CT_STATE, MATCH_EQ, 0, 0, 0, CT_INVALID), ACCEPT) },
	{ "a connection after conntrack", tcp_reply, FILTER_PREROUTING, true,
	  RULE(MATCH(FIELD_CT_MARK, MATCH_EQ, 1, 2, 3, 4), ACCEPT) },
	{ "no oif in prerouting", tcp_packet, RAW, true, RULE(MATCH(FIELD_OIF, MATCH_EQ, 0), ACCEPT) },
	{ "no oif in input", tcp_packet, INPUT, true, RULE(MATCH(FIELD_OIF, MATCH_EQ, 0), ACCEPT) },
	{ "an oif in forward", tcp_packet, FORWARD, true, RULE(MATCH(FIELD_OIF, MATCH_EQ, 0, 0, 0, OIF), ACCEPT) },
	{ "no iif in output", tcp_packet, OUTPUT, true, RULE(MATCH(FIELD_IIF, MATCH_EQ, 0), ACCEPT) },
	{ "no Ethernet header in output", tcp_packet, OUTPUT, false,
	  RULE(MATCH(FIELD_ETHER_SADDR, MATCH_EQ, 2, 0, 0, 1, 0, 16), ACCEPT) },
	{ "no next hop before routing", tcp_packet, RAW, false,
	  RULE(MATCH(FIELD_RT_NEXTHOP4, MATCH_EQ, 10, 2, 0, 2), ACCEPT) },
	{ "a next hop in forward", tcp_packet, FORWARD, true,
	  RULE(MATCH(FIELD_RT_NEXTHOP4, MATCH_EQ, 10, 2, 0, 2), ACCEPT) },
	{ "no socket before routing", tcp_from_host, RAW, false,
	  RULE(MATCH(FIELD_SKUID, MATCH_EQ, 0, 0, 0, 33), ACCEPT) },
	{ "a socket in output", tcp_from_host, OUTPUT, true,
	  RULE(MATCH(FIELD_SKUID, MATCH_EQ, 0, 0, 0, 33), ACCEPT) },
};

START_TEST(test_rule)
{
	const struct rule_row *row = &rule_rows[_i];
	const struct chain chain = { .name = "base",
				     BASE(row->hook_number, row->priority, VERDICT_DROP),
				     .rules = (struct rule *)&row->rule,
				     .rule_count = 1 };
	struct arena *arena = arena_new();
	struct table table;
	struct ruleset ruleset = one_table(&table, &chain, 1, NULL, 0);
	struct packet packet = row->packet();
	struct evaluation evaluation = evaluate_hook(arena, &ruleset, row->hook, &packet, NOW);

	ck_assert_msg(evaluation.accepted == row->accepted, "%s", row->what);
	ck_assert(!evaluation.rejected);
	arena_free(arena);
}
END_TEST

struct closed_row {
	const char *what;
	struct rule rule;
};

static const struct closed_row closed_rows[] = {
	{ "a set that is not there", RULE(LOOKUP(STEP_LOOKUP, "nowhere", FIELD_IIF), ACCEPT) },
	{ "a step without set", RULE({ .kind = STEP_LOOKUP, .key = { { FIELD_IIF } } }, ACCEPT) },
	{ "a key that is longer than the set's", RULE(LOOKUP(STEP_LOOKUP, "set", FIELD_IIF, FIELD_OIF), ACCEPT) },
	{ "a chain that is not there", RULE(JUMP("nowhere")) },
	{ "a jump without name", RULE(GOTO(NULL)) },
	{ "a step nobody knows", RULE({ .kind = (enum step_kind)99 }, ACCEPT) },
};

/* What the kernel would never have loaded drops, even where everything else accepts. */
START_TEST(test_fails_closed)
{
	const struct closed_row *row = &closed_rows[_i];
	const struct chain chain = {
		.name = "base", BASE(2, 0, VERDICT_ACCEPT), .rules = (struct rule *)&row->rule, .rule_count = 1
	};
	const struct set set = { .name = "set", .key = { { FIELD_IIF } }, .element_count = 1,
				 .elements = (struct element[]){ { KEY(0, 0, 0, IIF) } } };
	struct arena *arena = arena_new();
	struct table table;
	struct ruleset ruleset = one_table(&table, &chain, 1, &set, 1);
	struct packet packet = tcp_packet();

	ck_assert_msg(!evaluate_hook(arena, &ruleset, HOOK_FORWARD, &packet, NOW).accepted, "%s", row->what);
	arena_free(arena);
}
END_TEST

START_TEST(test_mark_without_connection_is_kept_by_none)
{
	const struct chain chain = { .name = "base", BASE(2, 0, VERDICT_ACCEPT), RULES(RULE(SET_MARK(7))) };
	struct arena *arena = arena_new();
	struct table table;
	struct ruleset ruleset = one_table(&table, &chain, 1, NULL, 0);
	struct packet packet = tcp_invalid();

	ck_assert_uint_eq(evaluate_hook(arena, &ruleset, HOOK_FORWARD, &packet, NOW).ct_mark, packet.ct_mark);
	arena_free(arena);
}
END_TEST

/* Chains of the control flow rows besides the base chain "a". Each packet's path is told by the mark it leaves. */
static const struct chain flow_chains[] = {
	{ .name = "a" },
	{ .name = "accepts", RULES(RULE(SET_MARK(1)), RULE(ACCEPT)) },
	{ .name = "drops", RULES(RULE(SET_MARK(2)), RULE(DROP)) },
	{ .name = "ends", RULES(RULE(SET_MARK(3))) },
	{ .name = "goes", RULES(RULE(GOTO("ends")), RULE(DROP)) },
	{ .name = "jumps", RULES(RULE(JUMP("ends")), RULE(MARK_IS(3), ACCEPT)) },
	{ .name = "jumps-to-goes", RULES(RULE(JUMP("goes")), RULE(MARK_IS(3), SET_MARK(4), ACCEPT)) },
	{ .name = "loops", RULES(RULE(GOTO("loops"))) },
	{ .name = "recurs", RULES(RULE(JUMP("recurs"))) },
	{ .name = "rejects", RULES(RULE(SET_MARK(5), REJECT), RULE(ACCEPT)) },
	{ .name = "returns", RULES(RULE(SET_MARK(6), RETURN), RULE(DROP)) },
};

struct flow_row {
	const char *what;
	bool accepted;
	uint32_t mark;
	enum verdict_kind policy;
	struct rule rules[2];
	bool rejected;
};

static const struct flow_row flow_rows[] = {
	{ "an empty base chain: its policy accepts", true, 0, VERDICT_ACCEPT, { { .step_count = 0 }, { .step_count = 0 } }, false },
	{ "an empty base chain: its policy drops", false, 0, VERDICT_DROP, { { .step_count = 0 }, { .step_count = 0 } }, false },
	{ "return in a base chain is its policy", false, 0, VERDICT_DROP, { RULE(RETURN), RULE(ACCEPT) }, false },
	{ "jump, accept", true, 1, VERDICT_DROP, { RULE(JUMP("accepts")), RULE(DROP) }, false },
	{ "jump, drop", false, 2, VERDICT_ACCEPT, { RULE(JUMP("drops")), RULE(ACCEPT) }, false },
	{ "jump, end: on after the jump", true, 3, VERDICT_DROP, { RULE(JUMP("ends")), RULE(ACCEPT) }, false },
	{ "jump, return: on after the jump", true, 6, VERDICT_DROP, { RULE(JUMP("returns")), RULE(ACCEPT) }, false },
	{ "goto, end: the base chain's policy", false, 3, VERDICT_DROP, { RULE(GOTO("ends")), RULE(ACCEPT) }, false },
	{ "goto, return: the base chain's policy", true, 6, VERDICT_ACCEPT, { RULE(GOTO("returns")), RULE(DROP) }, false },
	{ "jump, goto, end: on after the jump", true, 3, VERDICT_DROP, { RULE(JUMP("goes")), RULE(ACCEPT) }, false },
	{ "jump, jump, goto, end: on after the last jump", true, 4, VERDICT_DROP, { RULE(JUMP("jumps-to-goes")), RULE(DROP) }, false },
	{ "goto, jump, end: on after the jump", true, 3, VERDICT_DROP, { RULE(GOTO("jumps")), RULE(DROP) }, false },
	{ "reject ends everything", false, 5, VERDICT_ACCEPT, { RULE(JUMP("rejects")), RULE(ACCEPT) }, true },
	{ "an endless goto drops", false, 0, VERDICT_ACCEPT, { RULE(GOTO("loops")), RULE(ACCEPT) }, false },
	{ "an endless recursion drops", false, 0, VERDICT_ACCEPT, { RULE(JUMP("recurs")), RULE(ACCEPT) }, false },
};

START_TEST(test_control_flow)
{
	const struct flow_row *row = &flow_rows[_i];
	struct arena *arena = arena_new();
	struct chain chains[COUNT(flow_chains)];
	struct table table;
	struct ruleset ruleset = one_table(&table, chains, COUNT(chains), NULL, 0);
	struct packet packet = tcp_packet();
	struct evaluation evaluation;

	memcpy(chains, flow_chains, sizeof(chains));
	chains[0].hook = (struct hook){ .base = true, .number = 2, .policy = row->policy };
	chains[0].rules = (struct rule *)row->rules;
	chains[0].rule_count = 2;
	evaluation = evaluate_hook(arena, &ruleset, HOOK_FORWARD, &packet, NOW);
	ck_assert_msg(evaluation.accepted == row->accepted, "%s: accepted", row->what);
	ck_assert_msg(evaluation.rejected == row->rejected, "%s: rejected", row->what);
	ck_assert_msg(evaluation.ct_mark == row->mark, "%s: mark %u", row->what, evaluation.ct_mark);
	arena_free(arena);
}
END_TEST

/* A chain of jumps: "c00" -> "c01" -> ... -> the last one accepts. */
static bool accepts_behind_jumps(size_t jumps)
{
	static const char *const names[] = { "c00", "c01", "c02", "c03", "c04", "c05", "c06", "c07", "c08", "c09", "c10", "c11", "c12",
					     "c13", "c14", "c15", "c16", "c17", "c18" };
	struct step steps[COUNT(names)];
	struct rule rules[COUNT(names)];
	struct chain chains[COUNT(names)];
	struct arena *arena = arena_new();
	struct table table;
	struct ruleset ruleset = one_table(&table, chains, COUNT(chains), NULL, 0);
	struct packet packet = tcp_packet();
	bool accepted;

	for (size_t i = 0; i < COUNT(names); i++) {
		steps[i] = (struct step){ .kind = STEP_VERDICT, .verdict = { VERDICT_ACCEPT, NULL } };
		if (i < jumps)
			steps[i].verdict = (struct verdict){ VERDICT_JUMP, names[i + 1] };
		rules[i] = (struct rule){ .steps = &steps[i], .step_count = 1 };
		chains[i] = (struct chain){ .name = names[i], .rules = &rules[i], .rule_count = 1 };
	}
	chains[0].hook = (struct hook){ .base = true, .number = 2, .policy = VERDICT_ACCEPT };
	accepted = evaluate_hook(arena, &ruleset, HOOK_FORWARD, &packet, NOW).accepted;
	arena_free(arena);
	return accepted;
}

START_TEST(test_jump_depth)
{
	ck_assert(accepts_behind_jumps(16));
	ck_assert(!accepts_behind_jumps(17));
}
END_TEST

static const struct set lookup_sets[] = {
	{ .name = "flows",
	  .key = { { FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_L4PROTO, FIELD_DPORT } },
	  .data = SET_DATA_MARK,
	  .element_count = 2,
	  .elements =
		  (struct element[]){ { KEY(10, 1, 0, 1, 10, 2, 0, 2, 6, 0, 0, 0, 1, 187, 0, 0), .mark = 41 },
				      { KEY(10, 2, 0, 2, 10, 1, 0, 1, 6, 0, 0, 0, 3, 232, 0, 0), .mark = 42 } } },
	{ .name = "live",
	  .key = { { FIELD_CT_MARK, FIELD_IIF, FIELD_OIF } },
	  .timeout = true,
	  .element_count = 3,
	  .elements =
		  (struct element[]){ { KEY(0, 0, 0, 41, 0, 0, 0, IIF, 0, 0, 0, OIF) },
				      { KEY(0, 0, 0, 43, 0, 0, 0, IIF, 0, 0, 0, OIF), .expires_at = NOW },
				      { KEY(0, 0, 0, 44, 0, 0, 0, IIF, 0, 0, 0, OIF), .expires_at = NOW + 1 } } },
	{ .name = "pairs",
	  .key = { { FIELD_IIF, FIELD_OIF } },
	  .data = SET_DATA_VERDICT,
	  .element_count = 1,
	  .elements =
		  (struct element[]){ { KEY(0, 0, 0, IIF, 0, 0, 0, OIF), .verdict = { VERDICT_GOTO, "taken" } } } },
	{ .name = "ranges",
	  .key = { { FIELD_IP_SADDR, FIELD_DPORT } },
	  .interval = true,
	  .data = SET_DATA_MARK,
	  .element_count = 2,
	  .elements =
		  (struct element[]){
			  { KEY(10, 1, 0, 0, 1, 0xba, 0, 0, 10, 1, 0, 255, 1, 0xbb, 0, 0), .mark = 51 },
			  { KEY(10, 1, 0, 0, 1, 0xbc, 0, 0, 10, 1, 0, 255, 255, 255, 0, 0), .mark = 52 } } },
	{ .name = "vmarks",
	  .key = { { FIELD_CT_MARK } },
	  .data = SET_DATA_VERDICT,
	  .element_count = 1,
	  .elements = (struct element[]){ { KEY(0, 0, 0, 0), .verdict = { VERDICT_ACCEPT, NULL } } } },
};

struct lookup_row {
	const char *what;
	bool accepted;
	uint32_t mark;
	struct rule rule;
};

#define FLOW_KEY FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_L4PROTO, FIELD_DPORT
#define LIVE_KEY FIELD_CT_MARK, FIELD_IIF, FIELD_OIF

static const struct lookup_row lookup_rows[] = {
	{ "exact map gives its mark", true, 41, RULE(LOOKUP(STEP_SET_MARK, "flows", FLOW_KEY), ACCEPT) },
	{ "mirrored key finds the other element", true, 42,
	  RULE(LOOKUP(STEP_SET_MARK, "flows", FIELD_IP_DADDR, FIELD_IP_SADDR, FIELD_L4PROTO, FIELD_SPORT),
	       ACCEPT) },
	{ "a map without the key ends the rule", false, 0,
	  RULE(LOOKUP(STEP_SET_MARK, "flows", FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_L4PROTO, FIELD_SPORT),
	       ACCEPT) },
	{ "an absent field of a key ends the rule", false, 0,
	  RULE(LOOKUP(STEP_SET_MARK, "flows", FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_ICMP_TYPE, FIELD_DPORT),
	       ACCEPT) },
	{ "map, then set", true, 41,
	  RULE(LOOKUP(STEP_SET_MARK, "flows", FLOW_KEY), LOOKUP(STEP_LOOKUP, "live", LIVE_KEY), ACCEPT) },
	{ "a mark that is not live", false, 42, RULE(SET_MARK(42), LOOKUP(STEP_LOOKUP, "live", LIVE_KEY), ACCEPT) },
	{ "an element whose time has come", false, 43,
	  RULE(SET_MARK(43), LOOKUP(STEP_LOOKUP, "live", LIVE_KEY), ACCEPT) },
	{ "an element one second before", true, 44,
	  RULE(SET_MARK(44), LOOKUP(STEP_LOOKUP, "live", LIVE_KEY), ACCEPT) },
	{ "last port of a range", true, 51,
	  RULE(LOOKUP(STEP_SET_MARK, "ranges", FIELD_IP_SADDR, FIELD_DPORT), ACCEPT) },
	{ "first field of a range is outside", false, 0,
	  RULE(LOOKUP(STEP_SET_MARK, "ranges", FIELD_IP_DADDR, FIELD_DPORT), ACCEPT) },
	{ "second range", true, 52, RULE(LOOKUP(STEP_SET_MARK, "ranges", FIELD_IP_SADDR, FIELD_SPORT), ACCEPT) },
	{ "vmap hit goes where it says", true, 9, RULE(LOOKUP(STEP_VMAP, "pairs", FIELD_IIF, FIELD_OIF), DROP) },
	{ "vmap miss ends the rule", false, 0, RULE(LOOKUP(STEP_VMAP, "pairs", FIELD_OIF, FIELD_IIF), ACCEPT) },
	{ "vmap by mark", true, 0, RULE(LOOKUP(STEP_VMAP, "vmarks", FIELD_CT_MARK)) },
};

START_TEST(test_lookup)
{
	const struct lookup_row *row = &lookup_rows[_i];
	const struct chain chains[] = {
		{ .name = "base", BASE(2, 0, VERDICT_DROP), .rules = (struct rule *)&row->rule, .rule_count = 1 },
		{ .name = "taken", RULES(RULE(SET_MARK(9), ACCEPT)) },
	};
	struct arena *arena = arena_new();
	struct table table;
	struct ruleset ruleset = one_table(&table, chains, COUNT(chains), lookup_sets, COUNT(lookup_sets));
	struct packet packet = tcp_packet();
	struct evaluation evaluation = evaluate_hook(arena, &ruleset, HOOK_FORWARD, &packet, NOW);

	ck_assert_msg(evaluation.accepted == row->accepted, "%s: accepted", row->what);
	ck_assert_msg(evaluation.ct_mark == row->mark, "%s: mark %u", row->what, evaluation.ct_mark);
	arena_free(arena);
}
END_TEST

START_TEST(test_trail_tells_what_decided)
{
	const struct chain chains[] = {
		{ .name = "base",
		  BASE(2, 0, VERDICT_DROP),
		  RULES(RULE(MATCH(FIELD_L4PROTO, MATCH_EQ, 17), DROP), RULE(COUNTER),
			RULE(LOOKUP(STEP_VMAP, "pairs", FIELD_IIF, FIELD_OIF))) },
		{ .name = "taken",
		  RULES(RULE(LOOKUP(STEP_SET_MARK, "flows", FLOW_KEY)),
			RULE(LOOKUP(STEP_LOOKUP, "live", LIVE_KEY), ACCEPT)) },
	};
	struct arena *arena = arena_new();
	struct table table;
	struct ruleset ruleset = one_table(&table, chains, COUNT(chains), lookup_sets, COUNT(lookup_sets));
	struct packet packet = tcp_packet();
	struct evaluation evaluation = evaluate_hook(arena, &ruleset, HOOK_FORWARD, &packet, NOW);
	const struct trail_step *steps = evaluation.trail.steps;

	ck_assert(evaluation.accepted);
	ck_assert_uint_eq(evaluation.trail.count, 3);
	ck_assert(steps[0].rule == &chains[0].rules[2] && steps[0].element == &lookup_sets[2].elements[0]);
	ck_assert(steps[1].rule == &chains[1].rules[0] && steps[1].set == &lookup_sets[0]);
	ck_assert(steps[2].chain == &chains[1] && steps[2].element == &lookup_sets[1].elements[0] &&
		  steps[2].hook == HOOK_FORWARD);
	packet.iif = 99;
	evaluation = evaluate_hook(arena, &ruleset, HOOK_FORWARD, &packet, NOW);
	ck_assert(!evaluation.accepted);
	ck_assert_uint_eq(evaluation.trail.count, 1);
	ck_assert(evaluation.trail.steps[0].chain == &chains[0] && !evaluation.trail.steps[0].rule);
	arena_free(arena);
}
END_TEST

/*
 * Two chains at one hook: the one with the lower priority first, whatever their names; an accept does not
 * spare the second.
 */
START_TEST(test_chains_of_a_hook_in_order_of_priority)
{
	const struct chain chains[] = {
		{ .name = "a-late", BASE(2, 10, VERDICT_ACCEPT), RULES(RULE(MARK_IS(7), DROP), RULE(SET_MARK(8))) },
		{ .name = "b-early", BASE(2, -10, VERDICT_DROP), RULES(RULE(SET_MARK(7), ACCEPT)) },
		{ .name = "c-input", BASE(1, 0, VERDICT_DROP), RULES(RULE(SET_MARK(9))) },
	};
	struct arena *arena = arena_new();
	struct table table;
	struct ruleset ruleset = one_table(&table, chains, COUNT(chains), NULL, 0);
	struct packet packet = tcp_packet();
	struct evaluation evaluation = evaluate_hook(arena, &ruleset, HOOK_FORWARD, &packet, NOW);

	ck_assert(!evaluation.accepted);
	ck_assert_uint_eq(evaluation.ct_mark, 7);
	ck_assert(evaluation.trail.steps[evaluation.trail.count - 1].rule == &chains[0].rules[0]);
	arena_free(arena);
}
END_TEST

START_TEST(test_path_carries_the_mark_and_stops_at_a_drop)
{
	static const enum hook_point hooks[] = { HOOK_PREROUTING, HOOK_FORWARD, HOOK_INPUT };
	const struct chain chains[] = {
		{ .name = "forward",
		  BASE(2, 0, VERDICT_DROP),
		  RULES(RULE(MARK_IS(7), SET_MARK(8), DROP), RULE(ACCEPT)) },
		{ .name = "input", BASE(1, 0, VERDICT_DROP), RULES(RULE(SET_MARK(9))) },
		{ .name = "source", BASE(0, -150, VERDICT_DROP), RULES(RULE(SET_MARK(7), ACCEPT)) },
	};
	struct arena *arena = arena_new();
	struct table table;
	struct ruleset ruleset = one_table(&table, chains, COUNT(chains), NULL, 0);
	struct packet packet = tcp_packet();
	struct evaluation evaluation = evaluate_path(arena, &ruleset, hooks, COUNT(hooks), &packet, NOW);

	ck_assert(!evaluation.accepted);
	ck_assert_uint_eq(evaluation.ct_mark, 8);
	ck_assert_uint_eq(evaluation.trail.count, 2);
	ck_assert_int_eq(evaluation.trail.steps[1].hook, HOOK_FORWARD);
	arena_free(arena);
}
END_TEST

struct ingress_row {
	const char *what;
	uint32_t iif;
	uint16_t ether_type;
	bool accepted;
};

static const struct ingress_row ingress_rows[] = {
	{ "IPv4 enters", 1000, 0x0800, true },
	{ "LLDP does not", 1000, 0x88cc, false },
	{ "an interface without chain is open here", 1001, 0x88cc, true },
	{ "an interface nobody knows is open here", 7, 0x88cc, true },
};

START_TEST(test_ingress)
{
	const struct ingress_row *row = &ingress_rows[_i];
	struct chain chains[] = {
		{ .name = "ingress.mn0",
		  .hook = { .base = true, .priority = -500, .policy = VERDICT_DROP, .device = "mn0" },
		  RULES(RULE(MATCH(FIELD_ETHER_TYPE, MATCH_EQ, 8, 0), ACCEPT)) },
	};
	struct table tables[] = {
		{ .family = FAMILY_NETDEV, .name = "sekisho", .chains = chains, .chain_count = 1 },
		{ .family = FAMILY_BRIDGE, .name = "sekisho", .chains = chains, .chain_count = 1 },
	};
	struct link links[] = { { 1001, "lg0" }, { 1000, "mn0" } };
	struct ruleset ruleset = { .tables = tables, .table_count = 2, .links = { links, 2 } };
	struct arena *arena = arena_new();
	struct packet packet = tcp_packet();

	packet.iif = row->iif;
	packet.ether_type = row->ether_type;
	ck_assert_msg(evaluate_hook(arena, &ruleset, HOOK_INGRESS, &packet, NOW).accepted == row->accepted, "%s",
		      row->what);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/evaluate");
	TCase *tcase = tcase_create("evaluate");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, test_packet_field, 0, COUNT(field_rows));
	tcase_add_loop_test(tcase, test_rule, 0, COUNT(rule_rows));
	tcase_add_loop_test(tcase, test_fails_closed, 0, COUNT(closed_rows));
	tcase_add_test(tcase, test_mark_without_connection_is_kept_by_none);
	tcase_add_loop_test(tcase, test_control_flow, 0, COUNT(flow_rows));
	tcase_add_test(tcase, test_jump_depth);
	tcase_add_loop_test(tcase, test_lookup, 0, COUNT(lookup_rows));
	tcase_add_test(tcase, test_trail_tells_what_decided);
	tcase_add_test(tcase, test_chains_of_a_hook_in_order_of_priority);
	tcase_add_test(tcase, test_path_carries_the_mark_and_stops_at_a_drop);
	tcase_add_loop_test(tcase, test_ingress, 0, COUNT(ingress_rows));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
