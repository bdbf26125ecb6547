/*
 * compile: what a mail relay becomes in the kernel: a listener at its addresses, a way out for the courier alone, and no loopback for any of
 * its processes; and who is taken for a sender at which interface.
 */
#include "policy_case.h"

#include "ruleset/compile.h"
#include "ruleset/explain.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

enum { KEEPER = 994, FRONT = 993, WASHER = 992, COURIER = 991, ROOT = 0, NOBODY = 65534, NO_USER = -1 };
enum { TCP = 6, TCP_SYN = 2 };

#define PASSES REFUSE_COUNT

#define LISTEN "listen = [ '10.3.0.254', 'fd00:0:0:3::fe' ]; accept_from = [ 'soto', 'fd00:0:0:3::25' ];"

/* One first packet of a connection. */
static const struct row {
	const char *what;
	const char *relay;	/* in place of accept_from = 'soto'; NULL: no relay at all */
	enum hook_point hook;
	const char *interface;	/* by which it comes or goes */
	int user;		/* of the socket */
	const char *source, *destination;
	uint16_t port;
	enum refusal refusal;	/* or PASSES */
} rows[] = {
	/* The listener */
	{ "mail from whom it is accepted", "accept_from = 'soto';", HOOK_INPUT, "in0", NO_USER, "10.3.0.25", "10.3.0.254", 25, PASSES },
	{ "at another address, where none is written", "accept_from = 'soto';", HOOK_INPUT, "in0", NO_USER, "10.3.0.25", "10.2.0.254", 25, PASSES },
	{ "at the address to listen at", LISTEN, HOOK_INPUT, "in0", NO_USER, "10.3.0.25", "10.3.0.254", 25, PASSES },
	{ "at the IPv6 address to listen at", LISTEN, HOOK_INPUT, "in0", NO_USER, "fd00:0:0:3::25", "fd00:0:0:3::fe", 25, PASSES },
	{ "at another address of the gateway", LISTEN, HOOK_INPUT, "in0", NO_USER, "10.3.0.25", "10.2.0.254", 25, REFUSE_LOCAL },
	{ "at the address before", LISTEN, HOOK_INPUT, "in0", NO_USER, "10.3.0.25", "10.3.0.253", 25, REFUSE_LOCAL },
	{ "at the IPv6 address behind", LISTEN, HOOK_INPUT, "in0", NO_USER, "fd00:0:0:3::25", "fd00:0:0:3::ff", 25, REFUSE_LOCAL },
	{ "at another port", LISTEN, HOOK_INPUT, "in0", NO_USER, "10.3.0.25", "10.3.0.254", 26, REFUSE_LOCAL },
	{ "from somebody else", LISTEN, HOOK_INPUT, "in0", NO_USER, "10.3.0.26", "10.3.0.254", 25, REFUSE_LOCAL },
	{ "from another zone", LISTEN, HOOK_INPUT, "lg0", NO_USER, "10.3.0.25", "10.3.0.254", 25, REFUSE_LOCAL },
	{ "a service of all addresses beside it", LISTEN, HOOK_INPUT, "lg0", NO_USER, "10.2.0.5", "10.9.9.9", 22, PASSES },
	/* The way out */
	{ "the courier to the next hop", LISTEN, HOOK_OUTPUT, "lg0", COURIER, "10.2.0.254", "10.2.0.25", 25, PASSES },
	{ "the courier to its neighbour", LISTEN, HOOK_OUTPUT, "lg0", COURIER, "10.2.0.254", "10.2.0.26", 25, REFUSE_EGRESS },
	{ "the courier to another port", LISTEN, HOOK_OUTPUT, "lg0", COURIER, "10.2.0.254", "10.2.0.25", 587, REFUSE_EGRESS },
	{ "the courier back to the sender", LISTEN, HOOK_OUTPUT, "in0", COURIER, "10.3.0.254", "10.3.0.25", 25, REFUSE_EGRESS },
	{ "the front", LISTEN, HOOK_OUTPUT, "lg0", FRONT, "10.2.0.254", "10.2.0.25", 25, REFUSE_EGRESS },
	{ "the front to the sender", LISTEN, HOOK_OUTPUT, "in0", FRONT, "10.3.0.254", "10.3.0.25", 25, REFUSE_EGRESS },
	{ "the washer", LISTEN, HOOK_OUTPUT, "lg0", WASHER, "10.2.0.254", "10.2.0.25", 25, REFUSE_EGRESS },
	{ "the keeper", LISTEN, HOOK_OUTPUT, "lg0", KEEPER, "10.2.0.254", "10.2.0.25", 25, REFUSE_EGRESS },
	{ "root", LISTEN, HOOK_OUTPUT, "lg0", ROOT, "10.2.0.254", "10.2.0.25", 25, REFUSE_EGRESS },
	{ "nobody", LISTEN, HOOK_OUTPUT, "lg0", NOBODY, "10.2.0.254", "10.2.0.25", 25, REFUSE_EGRESS },
	{ "a socket that is gone", LISTEN, HOOK_OUTPUT, "lg0", NO_USER, "10.2.0.254", "10.2.0.25", 25, REFUSE_EGRESS },
	/* The loopback */
	{ "the keeper at home", LISTEN, HOOK_OUTPUT, "lo", KEEPER, "127.0.0.1", "127.0.0.1", 25, REFUSE_LOOPBACK },
	{ "the front at home", LISTEN, HOOK_OUTPUT, "lo", FRONT, "::1", "::1", 22, REFUSE_LOOPBACK },
	{ "the washer at home", LISTEN, HOOK_OUTPUT, "lo", WASHER, "127.0.0.1", "127.0.0.53", 53, REFUSE_LOOPBACK },
	{ "the courier at home", LISTEN, HOOK_OUTPUT, "lo", COURIER, "10.2.0.254", "10.2.0.254", 25, REFUSE_LOOPBACK },
	{ "nobody at home", LISTEN, HOOK_OUTPUT, "lo", NOBODY, "127.0.0.1", "127.0.0.1", 25, PASSES },
	{ "the number of a user, where there is no relay", NULL, HOOK_OUTPUT, "lo", COURIER, "127.0.0.1", "127.0.0.1", 25, PASSES },
	{ "the sender, where there is no relay", NULL, HOOK_INPUT, "in0", NO_USER, "10.3.0.25", "10.3.0.254", 25, REFUSE_LOCAL },
};

static int user_of_this_machine(void *context, const char *name, uint32_t *ret_uid)
{
	static const uint32_t uids[RELAY_USER_COUNT] = { KEEPER, FRONT, WASHER, COURIER };

	(void)context;
	*ret_uid = ROOT;
	for (enum relay_user user = RELAY_USER_KEEPER; user < RELAY_USER_COUNT; user++)
		if (strcmp(name, relay_user_name(user)) == 0)
			*ret_uid = uids[user];
	return 0;
}

/* The good file with the row's relay, or without one. The caller frees the arena of the run. */
static struct policy_run run_row(const struct row *row, struct arena *arena)
{
	const struct policy_case edited = { .what = row->what, .edits = {
		{ row->relay ? "accept_from = 'soto';" : "relays = (", row->relay ? row->relay : "relays = ( );\n/*" },
		{ row->relay ? "#relay\n" : "#relays\n);", row->relay ? "\n" : "*/" } } };
	const struct policy_world world = { .now = policy_case_now(), .user_lookup = user_of_this_machine };

	return policy_run_text(policy_edited(arena, &edited), &world);
}

static struct ruleset *compile(struct policy_run *run)
{
	const struct compile_world world = { .links = compile_offline_links(run->arena, run->policy), .now = policy_case_now() };
	struct compiled compiled;

	ck_assert_int_eq(ruleset_compile(run->arena, run->policy, &world, &run->findings, &compiled), 0);
	return compiled.ruleset;
}

static struct packet packet_of(const struct row *row, const struct link_table *links)
{
	struct packet packet = {
		.iiftype = 1, .protocol = TCP, .has_ports = true, .sport = 40000, .dport = row->port, .tcp_flags = TCP_SYN, .ct_state = CT_NEW,
		.hoplimit = 64, .has_skuid = row->user != NO_USER, .skuid = (uint32_t)row->user,
	};

	*(row->hook == HOOK_INPUT ? &packet.iif : &packet.oif) = link_index(links, row->interface);
	ck_assert_int_eq(netaddr_parse(row->source, &packet.source), 0);
	ck_assert_int_eq(netaddr_parse(row->destination, &packet.destination), 0);
	packet.next_hop = packet.destination;
	packet.ether_type = packet.source.family == 4 ? 0x0800 : 0x86dd;
	return packet;
}

START_TEST(first_packet_of_a_relay)
{
	const struct row *row = &rows[_i];
	struct arena *arena = arena_new();
	struct policy_run run = run_row(row, arena);
	const struct ruleset *ruleset = compile(&run);
	struct packet packet = packet_of(row, &ruleset->links);
	struct evaluation evaluation = evaluate_hook(arena, ruleset, row->hook, &packet, policy_case_now());
	struct explanation explanation = explanation_of(&evaluation);

	ck_assert_msg(evaluation.accepted == (row->refusal == PASSES), "%s: %s", row->what, evaluation.accepted ? "passes" : "is refused");
	ck_assert_msg(row->refusal == PASSES || (explanation.has_refusal && explanation.refusal == row->refusal), "%s: refused as %s", row->what,
		      explanation.has_refusal ? refusal_name(explanation.refusal) : "nothing known");
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

/* What later packets go by: the mark of the first, at the interface of the zone, whoever owns the socket by then. */
START_TEST(later_packets_go_by_the_mark)
{
	const struct row first = { "the courier", LISTEN, HOOK_OUTPUT, "lg0", COURIER, "10.2.0.254", "10.2.0.25", 25, PASSES };
	struct arena *arena = arena_new();
	struct policy_run run = run_row(&first, arena);
	const struct ruleset *ruleset = compile(&run);
	struct packet packet = packet_of(&first, &ruleset->links);

	packet.ct_mark = evaluate_hook(arena, ruleset, HOOK_OUTPUT, &packet, policy_case_now()).ct_mark;
	ck_assert_uint_ne(packet.ct_mark, 0);
	packet.ct_state = CT_ESTABLISHED;
	packet.tcp_flags = 16;
	packet.has_skuid = false;
	ck_assert(evaluate_hook(arena, ruleset, HOOK_OUTPUT, &packet, policy_case_now()).accepted);
	packet.ct_mark++;
	ck_assert(!evaluate_hook(arena, ruleset, HOOK_OUTPUT, &packet, policy_case_now()).accepted);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

#define JUKI 2, 0, 0, 2, 0, 0x20
#define KANRI 2, 0, 0, 2, 0, 5
#define STRANGER 2, 0, 0, 9, 9, 9

/* The LGWAN tier binds 10.2.0.5, 10.2.0.20 and fd00:0:0:2::20; the Internet tier binds nothing. */
static const struct {
	const char *what, *interface;
	uint16_t iiftype;
	uint8_t mac[6];
	const char *source;
	enum refusal refusal;	/* or PASSES */
} senders[] = {
	{ "a bound address with its MAC", "lg0", 1, { JUKI }, "10.2.0.20", PASSES },
	{ "the same of IPv6", "lg0", 1, { JUKI }, "fd00:0:0:2::20", PASSES },
	{ "a bound address with another MAC", "lg0", 1, { STRANGER }, "10.2.0.20", REFUSE_MAC },
	{ "the same of IPv6 with another MAC", "lg0", 1, { STRANGER }, "fd00:0:0:2::20", REFUSE_MAC },
	{ "a bound address with the MAC of another one", "lg0", 1, { KANRI }, "10.2.0.20", REFUSE_MAC },
	{ "a bound address by a line without MACs", "lg0", 512, { JUKI }, "10.2.0.20", REFUSE_MAC },
	{ "the address before a bound one", "lg0", 1, { STRANGER }, "10.2.0.19", PASSES },
	{ "the address behind it", "lg0", 1, { STRANGER }, "10.2.0.21", PASSES },
	{ "the address behind a bound one of IPv6", "lg0", 1, { STRANGER }, "fd00:0:0:2::21", PASSES },
	{ "the first address of the zone", "lg0", 1, { STRANGER }, "10.2.0.0", PASSES },
	{ "the last one, with a MAC that is bound to another", "lg0", 1, { JUKI }, "10.2.0.255", PASSES },
	{ "the address behind the zone", "lg0", 1, { STRANGER }, "10.2.1.0", REFUSE_SOURCE },
	{ "an address of another zone", "lg0", 1, { JUKI }, "10.3.0.30", REFUSE_SOURCE },
	{ "a bound address at another zone, with its MAC", "in0", 1, { JUKI }, "10.2.0.20", REFUSE_SOURCE },
	{ "any address of a zone that binds none", "in0", 1, { STRANGER }, "10.3.0.30", PASSES },
	{ "the same by a line without MACs", "in0", 512, { 0 }, "fd00:0:0:3::30", PASSES },
	{ "the loopback", "lo", 772, { 0 }, "127.0.0.1", PASSES },
};

START_TEST(senders_of_an_interface)
{
	const struct row none = { .what = senders[_i].what };
	struct arena *arena = arena_new();
	struct policy_run run = run_row(&none, arena);
	const struct ruleset *ruleset = compile(&run);
	struct packet packet = { .iif = link_index(&ruleset->links, senders[_i].interface), .iiftype = senders[_i].iiftype, .protocol = TCP };
	struct evaluation evaluation;
	struct explanation explanation;

	memcpy(packet.ether_saddr.bytes, senders[_i].mac, sizeof(packet.ether_saddr.bytes));
	ck_assert_int_eq(netaddr_parse(senders[_i].source, &packet.source), 0);
	packet.destination = packet.source;
	evaluation = evaluate_hook(arena, ruleset, HOOK_PREROUTING, &packet, policy_case_now());
	explanation = explanation_of(&evaluation);
	ck_assert_msg(evaluation.accepted == (senders[_i].refusal == PASSES), "%s: %s", senders[_i].what, evaluation.accepted ? "passes" : "is refused");
	ck_assert_msg(senders[_i].refusal == PASSES || explanation.refusal == senders[_i].refusal, "%s: refused as %s", senders[_i].what,
		      refusal_name(explanation.refusal));
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

/* While a pair is crowded, of its connections: state, mark, port; the flow of port 3389 is critical or is not. */
static const struct {
	const char *what;
	bool critical, crowded;
	uint32_t state;
	enum refusal refusal;	/* or PASSES */
} crowded_rows[] = {
	{ "a new one", false, false, CT_NEW, PASSES },
	{ "a new one of a crowded pair", false, true, CT_NEW, REFUSE_CONNECTIONS },
	{ "a new one of a critical flow", true, true, CT_NEW, PASSES },
	{ "one that runs, judged anew because its flow was changed", false, true, CT_ESTABLISHED, PASSES },
};

START_TEST(a_crowded_pair_begins_nothing)
{
	const struct policy_case edited = { .what = crowded_rows[_i].what, .edits = {
		{ "protocol = 'tcp'; ports = 3389;", crowded_rows[_i].critical ? "protocol = 'tcp'; ports = 3389; critical = true;" : "protocol = 'tcp'; ports = 3389;" } } };
	const struct policy_world world = { .now = policy_case_now() };
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, &edited), &world);
	const struct ruleset *ruleset = compile(&run);
	struct set *crowded = (struct set *)(uintptr_t)table_set(ruleset_table(ruleset, FAMILY_INET, "sekisho"), PROGRAM_CROWDED_SET);
	struct packet packet = {
		.iif = link_index(&ruleset->links, "lg0"), .oif = link_index(&ruleset->links, "in0"), .iiftype = 1, .ether_type = 0x0800, .protocol = TCP,
		.has_ports = true, .sport = 40000, .dport = 3389, .tcp_flags = TCP_SYN, .hoplimit = 64, .ct_state = crowded_rows[_i].state,
	};
	const uint8_t key[] = { 0, 0, (uint8_t)(packet.iif >> 8), (uint8_t)packet.iif, 0, 0, (uint8_t)(packet.oif >> 8), (uint8_t)packet.oif };
	struct element element = { .key = key };
	struct evaluation evaluation;
	struct explanation explanation;

	crowded->elements = &element;
	crowded->element_count = crowded_rows[_i].crowded;
	ck_assert_int_eq(netaddr_parse("10.2.0.64", &packet.source), 0);
	ck_assert_int_eq(netaddr_parse("10.3.0.30", &packet.destination), 0);
	evaluation = evaluate_hook(arena, ruleset, HOOK_FORWARD, &packet, policy_case_now());
	explanation = explanation_of(&evaluation);
	ck_assert_msg(evaluation.accepted == (crowded_rows[_i].refusal == PASSES), "%s: %s", crowded_rows[_i].what, evaluation.accepted ? "passes" : "is refused");
	ck_assert_msg(evaluation.accepted || (explanation.has_refusal && explanation.refusal == crowded_rows[_i].refusal), "%s", crowded_rows[_i].what);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

/* The database of refusals knows counters by their places: those that there were before stay where they are. */
START_TEST(counters_keep_their_places)
{
	static const char *const chains[REFUSAL_COUNTERS] = {
		"refuse.source", "refuse.mac", "refuse.routing-header", "refuse.isolated", "refuse.invalid", "refuse.nat", "refuse.next-hop", "refuse.related",
		"refuse.midstream", "refuse.pair", "refuse.flow", "refuse.local", "refuse.egress", "refuse.loopback", "reject.flow", "quiet", "refuse.connections",
	};
	struct arena *arena = arena_new();
	const struct refusal_counter *counters = refusal_counters(arena);

	for (int i = 0; i < REFUSAL_COUNTERS; i++)
		ck_assert_str_eq(counters[i].chain, chains[i]);
	ck_assert_str_eq(counters[REFUSAL_COUNTER_ANSWERED].chain, "reject.flow");
	ck_assert_str_eq(counters[REFUSAL_COUNTER_QUIET].chain, "quiet");
	arena_free(arena);
}
END_TEST

/* Behind the highest, and after the last from the first on; never one that a connection carries. */
START_TEST(new_marks_are_those_that_nobody_has)
{
	static const uint32_t held[] = { MARK_FIRST, MARK_FIRST + 2, MARK_LAST - 1 };
	static const uint32_t given[] = { MARK_LAST, MARK_FIRST + 1, MARK_FIRST + 3, MARK_FIRST + 4 };
	struct arena *arena = arena_new();
	struct policy_run run = run_row(&rows[0], arena);
	const struct mark_book book = mark_book_of(arena, NULL, held, COUNT(held));
	const struct compile_world world = { .links = compile_offline_links(arena, run.policy), .now = policy_case_now(), .marks = &book };
	struct compiled compiled;

	ck_assert_int_eq(ruleset_compile(arena, run.policy, &world, &run.findings, &compiled), 0);
	for (int i = 0; i < COUNT(given); i++)
		ck_assert_uint_eq(compiled.flow_marks[i].mark, given[i]);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/compile");
	TCase *tcase = tcase_create("relay");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, first_packet_of_a_relay, 0, COUNT(rows));
	tcase_add_test(tcase, later_packets_go_by_the_mark);
	tcase_add_loop_test(tcase, senders_of_an_interface, 0, COUNT(senders));
	tcase_add_loop_test(tcase, a_crowded_pair_begins_nothing, 0, COUNT(crowded_rows));
	tcase_add_test(tcase, counters_keep_their_places);
	tcase_add_test(tcase, new_marks_are_those_that_nobody_has);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
