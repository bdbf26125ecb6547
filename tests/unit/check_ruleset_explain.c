/* explain: packets through the whole program, and what is said of them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/explain.h"
#include "ruleset/marks.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NOW = 1000, LG0 = 20, GK0 = 40, IN0 = 30 };
enum { TCP = 6, ICMP = 1, ICMP6 = 58 };

static const char *const lgwan_interfaces[] = { "lg0" };
static const char *const internet_interfaces[] = { "in0" };
static const char *const gikai_interfaces[] = { "gk0" };

static const struct program_zone zones[] = {
	{ "lgwan", TIER_LGWAN, false, lgwan_interfaces, 1 },
	{ "internet", TIER_INTERNET, true, internet_interfaces, 1 },
	{ "gikai", TIER_LGWAN, false, gikai_interfaces, 1 },
};

static const struct program_pair pairs[] = { { 0, 1, false }, { 0, 2, true } };
static struct link links[] = { { GK0, "gk0" }, { IN0, "in0" }, { LG0, "lg0" }, { 1, "lo" } };
static const struct link_table link_table = { links, COUNT(links) };
static const uint8_t identity[COMPILE_IDENTITY_BYTES] = { 0xab, [15] = 0xcd };

struct addition {
	const char *set;
	uint8_t key[40];
	uint32_t mark;
	int64_t expires_at;
	bool named;		/* the element has the comment of the flow "web" */
	const char *jump;	/* the chain of an element of @sources */
};

/*
 * lgwan 10.2.0.10 -> internet 11.0.0.1 TCP 443 is the flow "web", mark 7; mark 8 has no comment anywhere; 9
 * is over.
 */
static const struct addition additions[] = {
	{ "sources", { 0, 0, 0, LG0 }, 0, 0, false, "bound/lg0" },
	{ "sources", { 0, 0, 0, IN0 }, 0, 0, false, "networks/in0" },
	{ "networks/lg0/4", { 10, 2, 0, 0, 10, 2, 0, 255 }, 0, 0, false, NULL },
	{ "networks/in0/4", { 11, 0, 0, 0, 11, 0, 0, 255 }, 0, 0, false, NULL },
	{ "networks/lg0/6", { 0xfd, [16] = 0xfd, [31] = 255 }, 0, 0, false, NULL },
	{ "bound4.hosts", { 0, 0, 0, LG0, 10, 2, 0, 99 }, 0, 0, false, NULL },
	{ "next-hops4", { 11, 0, 0, 254 }, 0, 0, false, NULL },
	{ "lgwan.internet.exact4", { 10, 2, 0, 10, 11, 0, 0, 1, TCP, 0, 0, 0, 1, 187 }, 7, 0, false, NULL },
	{ "lgwan.internet.exact4", { 10, 2, 0, 10, 11, 0, 0, 1, TCP, 0, 0, 0, 0, 80 }, 8, 0, false, NULL },
	{ "lgwan.internet.exact4", { 10, 2, 0, 10, 11, 0, 0, 1, TCP, 0, 0, 0, 0, 81 }, 9, 0, false, NULL },
	{ "live", { 0, 0, 0, 7, 0, 0, 0, LG0, 0, 0, 0, IN0 }, 0, 0, true, NULL },
	{ "live", { 0, 0, 0, 7, 0, 0, 0, IN0, 0, 0, 0, LG0 }, 0, 0, false, NULL },
	{ "live", { 0, 0, 0, 8, 0, 0, 0, LG0, 0, 0, 0, IN0 }, 0, 0, false, NULL },
	{ "live", { 0, 0, 0, 9, 0, 0, 0, LG0, 0, 0, 0, IN0 }, 0, NOW, true, NULL },
};

static void add_element(struct arena *arena, const struct ruleset *ruleset, const struct addition *addition)
{
	struct table *inet = &ruleset->tables[0];

	for (size_t i = 0; i < inet->set_count; i++) {
		struct set *set = &inet->sets[i];
		struct element *elements;

		if (strcmp(set->name, addition->set) != 0)
			continue;
		elements = arena_array(arena, set->element_count + 1, sizeof(*elements));
		if (set->element_count)
			memcpy(elements, set->elements, set->element_count * sizeof(*elements));
		elements[set->element_count++] = (struct element){
			.key = addition->key, .mark = addition->mark, .expires_at = addition->expires_at,
			.verdict = { .kind = addition->jump ? VERDICT_JUMP : VERDICT_NONE, .chain = addition->jump },
			.comment = addition->named ? live_comment_make(arena, "web", identity) : NULL,
		};
		set->elements = elements;
		set_sort(set);
		return;
	}
	ck_abort_msg("no set %s", addition->set);
}

/* The first packet of the flow "web". */
static struct packet web_packet(void)
{
	return (struct packet){
		.iif = LG0,
		.oif = IN0,
		.iiftype = 1,
		.ether_type = 0x0800,
		.source = { 4, { 10, 2, 0, 10 } },
		.destination = { 4, { 11, 0, 0, 1 } },
		.protocol = TCP,
		.has_ports = true,
		.sport = 40000,
		.dport = 443,
		.tcp_flags = 2,
		.ct_state = CT_NEW,
		.next_hop = { 4, { 11, 0, 0, 254 } },
	};
}

static void first_packet(struct packet *packet)
{
	*packet = web_packet();
}

static void answer(struct packet *packet)
{
	struct netaddr source = packet->source;

	packet->source = packet->destination;
	packet->destination = source;
	packet->iif = IN0;
	packet->oif = LG0;
	packet->sport = 443;
	packet->dport = 40000;
	packet->tcp_flags = 18;
	packet->ct_state = CT_ESTABLISHED;
	packet->ct_direction = DIRECTION_REPLY;
	packet->ct_mark = 7;
}

static void answer_of_a_dead_mark(struct packet *packet)
{
	answer(packet);
	packet->ct_mark = 77;
}

static void no_comment(struct packet *packet)
{
	packet->dport = 80;
}

static void expired(struct packet *packet)
{
	packet->dport = 81;
}

static void other_port(struct packet *packet)
{
	packet->dport = 444;
}

static void to_assembly(struct packet *packet)
{
	packet->oif = GK0;
	packet->dport = 9;
}

static void from_assembly(struct packet *packet)
{
	packet->iif = GK0;
	packet->oif = LG0;
}

static void from_internet(struct packet *packet)
{
	answer(packet);
	packet->ct_state = CT_NEW;
	packet->ct_direction = DIRECTION_ORIGINAL;
	packet->ct_mark = 0;
	packet->tcp_flags = 2;
}

static void forged(struct packet *packet)
{
	packet->source.bytes[1] = 77;
}

static void wrong_mac(struct packet *packet)
{
	packet->source.bytes[3] = 99;
}

static void other_router(struct packet *packet)
{
	packet->next_hop.bytes[3] = 1;
}

static void without_syn(struct packet *packet)
{
	packet->tcp_flags = 16;
}

static void invalid(struct packet *packet)
{
	packet->ct_state = CT_INVALID;
}

static void translated(struct packet *packet)
{
	packet->ct_status = CT_DNAT;
}

static void timestamp_request(struct packet *packet)
{
	packet->protocol = ICMP;
	packet->icmp_type = 13;
}

static void lldp(struct packet *packet)
{
	packet->ether_type = 0x88cc;
	packet->source.family = packet->destination.family = 0;
}

static void routing_header(struct packet *packet)
{
	packet->ether_type = 0x86dd;
	packet->source = (struct netaddr){ 6, { 0xfd, [15] = 10 } };
	packet->destination = (struct netaddr){ 6, { 0xfd, [15] = 1 } };
	packet->routing_header = true;
}

struct row {
	const char *what;
	void (*change)(struct packet *packet);
	bool accepted, rejected, has_refusal;
	enum refusal refusal;
	const char *flow;
};

static const struct row forward_rows[] = {
	{ "first packet", first_packet, true, false, false, 0, "web" },
	{ "the answer finds the name at the other direction's element", answer, true, false, false, 0, "web" },
	{ "the answer of a connection with a dead mark is judged again", answer_of_a_dead_mark, true, false, false, 0, "web" },
	{ "live without any comment", no_comment, true, false, false, 0, "" },
	{ "a flow whose time has come", expired, false, false, true, REFUSE_FLOW, "" },
	{ "no such port", other_port, false, false, true, REFUSE_FLOW, "" },
	{ "refused with an answer", to_assembly, false, true, true, REFUSE_FLOW, "" },
	{ "no pair in this direction", from_internet, false, false, true, REFUSE_PAIR, "" },
	{ "a zone that has no addresses", from_assembly, false, false, true, REFUSE_SOURCE, "" },
	{ "forged source", forged, false, false, true, REFUSE_SOURCE, "" },
	{ "wrong MAC", wrong_mac, false, false, true, REFUSE_MAC, "" },
	{ "undeclared router", other_router, false, false, true, REFUSE_NEXT_HOP, "" },
	{ "middle of a connection", without_syn, false, false, true, REFUSE_MIDSTREAM, "" },
	{ "invalid", invalid, false, false, true, REFUSE_INVALID, "" },
	{ "translated address", translated, false, false, true, REFUSE_NAT, "" },
	{ "ICMP other than echo", timestamp_request, false, false, true, REFUSE_FLOW, "" },
	{ "not IP: dropped without a reason", lldp, false, false, false, 0, "" },
	{ "routing header", routing_header, false, false, true, REFUSE_ROUTING_HEADER, "" },
};

static void neighbour_solicitation(struct packet *packet)
{
	packet->ether_type = 0x86dd;
	packet->source = (struct netaddr){ 6, { 0xfe, 0x80, [15] = 1 } };
	packet->destination = (struct netaddr){ 6, { 0xff, 0x02, [15] = 1 } };
	packet->protocol = ICMP6;
	packet->icmp_type = 135;
	packet->hoplimit = 255;
	packet->ct_state = CT_UNTRACKED;
}

static void broadcast(struct packet *packet)
{
	packet->pkttype = 1;
}

static const struct row input_rows[] = {
	{ "neighbour discovery passes without a flow", neighbour_solicitation, true, false, false, 0, "" },
	{ "a port of the gateway", first_packet, false, false, true, REFUSE_LOCAL, "" },
	{ "broadcast is no alarm", broadcast, false, false, false, 0, "" },
};

static void check_row(const struct row *row, const enum hook_point *hooks, size_t hook_count)
{
	const struct program_input input = { zones, COUNT(zones), pairs, COUNT(pairs), &link_table };
	struct arena *arena = arena_new();
	struct ruleset *ruleset = program_build(arena, &input);
	struct packet packet = web_packet();
	struct evaluation evaluation;
	struct explanation explanation;

	for (size_t i = 0; i < COUNT(additions); i++)
		add_element(arena, ruleset, &additions[i]);
	row->change(&packet);
	evaluation = evaluate_path(arena, ruleset, hooks, hook_count, &packet, NOW);
	explanation = explanation_of(&evaluation);
	ck_assert_msg(explanation.accepted == row->accepted, "%s: accepted", row->what);
	ck_assert_msg(explanation.rejected == row->rejected, "%s: rejected", row->what);
	ck_assert_msg(explanation.has_refusal == row->has_refusal, "%s: has_refusal", row->what);
	if (row->has_refusal)
		ck_assert_msg(explanation.refusal == row->refusal, "%s: %s", row->what,
			      refusal_name(explanation.refusal));
	ck_assert_msg(span_equal(explanation.flow_name, span_of(row->flow)), "%s: flow name", row->what);
	ck_assert_msg(!row->flow[0] || explanation.live, "%s: live", row->what);
	arena_free(arena);
}

START_TEST(test_forward)
{
	static const enum hook_point hooks[] = { HOOK_INGRESS, HOOK_PREROUTING, HOOK_FORWARD };

	check_row(&forward_rows[_i], hooks, COUNT(hooks));
}
END_TEST

START_TEST(test_input)
{
	static const enum hook_point hooks[] = { HOOK_INGRESS, HOOK_PREROUTING, HOOK_INPUT };

	check_row(&input_rows[_i], hooks, COUNT(hooks));
}
END_TEST

/* A drop without a single step in the trail says nothing, and is not read beyond its end. */
START_TEST(test_nothing_evaluated)
{
	const struct evaluation evaluation = { .accepted = false };
	struct explanation explanation = explanation_of(&evaluation);

	ck_assert(!explanation.accepted && !explanation.has_refusal && !explanation.live);
	ck_assert_uint_eq(explanation.flow_name.length, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/explain");
	TCase *tcase = tcase_create("explain");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, test_forward, 0, COUNT(forward_rows));
	tcase_add_loop_test(tcase, test_input, 0, COUNT(input_rows));
	tcase_add_test(tcase, test_nothing_evaluated);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
