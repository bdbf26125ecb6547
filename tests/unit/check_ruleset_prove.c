/* prove: the good file proves; what an oracle finds in changed rulesets is never said to hold; each line of the law breaks when it should. */
#include <stdio.h>

#include "policy_case.h"
#include "prove_oracle.h"
#include "ruleset/catalogue.h"
#include "ruleset/compile.h"

enum { CHANGES = 240, CONNECTIONS = 400 };

/* A file compiled, with its pins. */
struct town {
	struct arena *arena;
	const struct policy *policy;
	struct pins *pins;
	struct ruleset *ruleset;
	struct table *inet;
	int64_t now;
};

static struct town town_of(const char *text)
{
	const struct policy_world world = { .now = policy_case_now() };
	struct policy_run run = policy_run_text(text, &world);
	struct compile_world compile = { .now = world.now };
	struct town town = { .arena = run.arena, .policy = run.policy, .now = world.now };
	struct compiled compiled;

	for (size_t i = 0; i < run.findings.count; i++)
		ck_assert_msg(run.findings.items[i].kind->severity != SEVERITY_ERROR, "%s",
			      finding_sentence(&run.findings, &run.findings.items[i], LANGUAGE_EN));
	compile.links = compile_offline_links(run.arena, run.policy);
	ck_assert_int_eq(ruleset_compile(run.arena, run.policy, &compile, &run.findings, &compiled), 0);
	town.pins = pins_of_policy(run.arena, run.policy, NULL);
	town.ruleset = oracle_copy(run.arena, compiled.ruleset);
	town.inet = &town.ruleset->tables[0];
	return town;
}

static struct proof town_prove(const struct town *town, const struct ruleset *ruleset)
{
	const struct proof_input input = { .ruleset = ruleset, .pins = town->pins, .now = town->now };

	return ruleset_prove(town->arena, &input);
}

static const char *line_words(const struct town *town, const struct ruleset *ruleset, const struct proof *proof, int line)
{
	const struct proof_result *result = &proof->lines[line];

	return arena_printf(town->arena, "%s: state %d doubt %d %s", proof_line_name((enum proof_line)line), result->state, result->doubt,
			    result->state == PROOF_BROKEN ? breach_words(town->arena, ruleset, &result->breach) : "");
}

/* ---- what is as it should be */

START_TEST(the_good_file_proves)
{
	struct town town = town_of(policy_good_file);
	struct proof proof = town_prove(&town, town.ruleset);
	struct findings findings = findings_in(town.arena);

	for (int line = 0; line < PROOF_LINE_COUNT; line++)
		ck_assert_msg(proof.lines[line].state == PROOF_HOLDS, "%s", line_words(&town, town.ruleset, &proof, line));
	ck_assert(proof.holds);
	ck_assert_int_eq(proof_report(&proof, town.ruleset, &findings), 0);
	ck_assert_uint_eq(findings.count, 0);
	arena_free(town.arena);
}
END_TEST

/* My Number pings the gateway, and the gateway speaks to the Internet: no process of it joins the two. */
START_TEST(a_ping_is_no_chain)
{
	static const struct policy_case row = {
		.what = "a ping",
		.edits = {
			{ "#locals", ",{ name = 'ping'; zone = 'mn'; source = 'jumin'; protocol = 'icmp'; }" },
			{ "#egress", ",{ name = 'log'; user = 'root'; zone = 'in'; destination = '10.3.0.30'; protocol = 'udp'; ports = 514; }" },
		},
	};
	struct arena *arena = arena_new();
	struct town town = town_of(policy_edited(arena, &row));
	struct proof proof = town_prove(&town, town.ruleset);

	for (int line = 0; line < PROOF_LINE_COUNT; line++)
		ck_assert_msg(proof.lines[line].state == PROOF_HOLDS, "%s", line_words(&town, town.ruleset, &proof, line));
	arena_free(town.arena);
	arena_free(arena);
}
END_TEST

/* The oracle is not blind: through the good rules many connections pass, and none breaks a line. */
START_TEST(the_oracle_agrees_about_the_good_file)
{
	struct town town = town_of(policy_good_file);
	struct oracle_atoms atoms = oracle_atoms_of(town.pins, town.ruleset);
	struct oracle_random random = { 1 };

	for (int i = 0; i < 4000; i++)
		ck_assert_uint_eq(oracle_play(town.arena, town.pins, town.ruleset, &atoms, &random, town.now), 0);
	arena_free(town.arena);
}
END_TEST

/* ---- changed rulesets */

/* A breach is a packet that passes and that somebody else calls a breach, too. */
static void breaches_check(const struct town *town, const struct ruleset *ruleset, const struct proof *proof, int change)
{
	for (int line = PROOF_NEVER; line <= PROOF_MAC; line++) {
		const struct breach *breach = &proof->lines[line].breach;
		const bool oracle_knows = line != PROOF_CHAIN && !(breach->packet.ct_state & CT_RELATED);
		struct evaluation evaluation;
		uint32_t lines;

		if (proof->lines[line].state != PROOF_BROKEN)
			continue;
		evaluation = oracle_run(town->arena, ruleset, breach->hook, &breach->packet, breach->at);
		ck_assert_msg(evaluation.accepted, "change %d: %s", change, line_words(town, ruleset, proof, line));
		lines = oracle_lines(town->pins, ruleset, breach->hook, &breach->packet, breach->packet.skuid, breach->at);
		ck_assert_msg(!oracle_knows || lines != 0, "change %d: %s", change, line_words(town, ruleset, proof, line));
	}
}

START_TEST(what_the_oracle_finds_is_never_said_to_hold)
{
	struct town town = town_of(policy_good_file);
	struct oracle_random random = { 1 };
	struct oracle_atoms atoms = oracle_atoms_of(town.pins, town.ruleset);
	int breaking = 0;

	for (int i = 0; i < CHANGES; i++) {
		struct arena *arena = arena_new();
		const struct town here = { .arena = arena, .policy = town.policy, .pins = town.pins, .now = town.now };
		const struct ruleset *changed = oracle_changed(arena, &random, town.ruleset);
		struct proof proof = town_prove(&here, changed);
		uint32_t lines = 0;

		breaches_check(&here, changed, &proof, i);
		for (int c = 0; c < CONNECTIONS; c++)
			lines |= oracle_play(arena, town.pins, changed, &atoms, &random, town.now);
		for (int line = 0; line < PROOF_LINE_COUNT; line++)
			ck_assert_msg(!(lines & oracle_bit((enum proof_line)line)) || proof.lines[line].state != PROOF_HOLDS,
				      "change %d: %s", i, line_words(&here, changed, &proof, line));
		breaking += lines != 0;
		arena_free(arena);
	}
	ck_assert_msg(breaking >= 5, "the oracle found %d", breaking);
	arena_free(town.arena);
}
END_TEST

/* ---- each line */

static struct chain *chain_named(struct table *table, const char *name)
{
	for (size_t i = 0; i < table->chain_count; i++)
		if (strcmp(table->chains[i].name, name) == 0)
			return &table->chains[i];
	ck_abort_msg("no chain %s", name);
	return NULL;
}

static struct set *set_named(struct table *table, const char *name)
{
	for (size_t i = 0; i < table->set_count; i++)
		if (strcmp(table->sets[i].name, name) == 0)
			return &table->sets[i];
	ck_abort_msg("no set %s", name);
	return NULL;
}

/* Puts a rule in front of a chain. */
static void rule_insert(struct town *town, const char *chain_name, const struct step *steps, size_t count)
{
	struct chain *chain = chain_named(town->inet, chain_name);
	struct rule *rules = arena_array(town->arena, chain->rule_count + 1, sizeof(*rules));

	memcpy(rules + 1, chain->rules, chain->rule_count * sizeof(*rules));
	rules[0] = (struct rule){ .steps = arena_array(town->arena, count, sizeof(*steps)), .step_count = count };
	memcpy(rules[0].steps, steps, count * sizeof(*steps));
	chain->rules = rules;
	chain->rule_count++;
}

static struct step match32(enum field field, uint32_t value)
{
	struct step step = { .kind = STEP_MATCH, .field = field, .mask = { 255, 255, 255, 255 } };

	for (int i = 0; i < 4; i++)
		step.value[i] = (uint8_t)(value >> (24 - 8 * i));
	return step;
}

static uint32_t interface(const struct town *town, const char *name)
{
	return link_index(&town->ruleset->links, name);
}

static const struct step accept_step = { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_ACCEPT } };

/* Lets pass what goes from one interface to another; NULL: from or to anywhere. */
static void let_pass(struct town *town, const char *chain, const char *iif, const char *oif)
{
	struct step steps[3];
	size_t count = 0;

	if (iif)
		steps[count++] = match32(FIELD_IIF, interface(town, iif));
	if (oif)
		steps[count++] = match32(FIELD_OIF, interface(town, oif));
	steps[count++] = accept_step;
	rule_insert(town, chain, steps, count);
}

static void break_never(struct town *town) { let_pass(town, "forward", "mn0", "in0"); }
static void break_never_back(struct town *town) { let_pass(town, "forward", "up0", "mn0"); }
static void break_specified(struct town *town) { let_pass(town, "forward", "mn0", "lg0"); }
static void break_sanitized(struct town *town) { let_pass(town, "forward", "in0", "lg0"); }
static void break_internal(struct town *town) { let_pass(town, "forward", "lg0", "lg0"); }
static void break_outside(struct town *town) { let_pass(town, "forward", "lo", "lg0"); }
static void break_input(struct town *town) { let_pass(town, "input", "lg0", NULL); }
static void break_output(struct town *town) { let_pass(town, "output", NULL, "lg0"); }

static void break_source(struct town *town)
{
	let_pass(town, "source", "lg0", NULL);
	let_pass(town, "input", "lg0", NULL);
}

/* Senders of the interface that this chain belongs to are judged in another one. */
static void lead_senders(struct town *town, const char *from, const char *to)
{
	struct set *sources = set_named(town->inet, "sources");
	bool found = false;

	for (size_t e = 0; e < sources->element_count; e++) {
		if (strcmp(sources->elements[e].verdict.chain, from) != 0)
			continue;
		sources->elements[e].verdict.chain = to;
		found = true;
	}
	ck_assert_msg(found, "nothing leads to %s", from);
}

/* Whoever has the flow's address passes, whatever its MAC: it is free, ... */
static void break_mac_by_free(struct town *town)
{
	struct set *free = set_named(town->inet, "free/mn0/4");
	uint8_t *key = arena_alloc(town->arena, 8);

	memcpy(key, free->elements[0].key, 4);
	memcpy(key + 4, free->elements[free->element_count - 1].key + 4, 4);
	free->elements[0].key = key;
	free->element_count = 1;
}

/* ... or in no list, ... */
static void break_mac(struct town *town)
{
	set_named(town->inet, "bound4.hosts")->element_count = 0;
}

/* ... or the list is not looked at. */
static void break_mac_by_entry(struct town *town)
{
	lead_senders(town, "bound/mn0", "networks/mn0");
}

/* A zone's senders are judged as those of another one. */
static void break_source_by_entry(struct town *town)
{
	lead_senders(town, "bound/lg0", "networks/in0");
	let_pass(town, "input", "lg0", NULL);
}

/* The law knows no flow that is allowed to mail directly, even if its ports would be granted. */
static void break_mail(struct town *town)
{
	struct grant *grants = arena_array(town->arena, town->pins->grant_count, sizeof(*grants));
	static const struct port_range mail[] = { { 25, 25 } };

	memcpy(grants, town->pins->grants, town->pins->grant_count * sizeof(*grants));
	for (size_t i = 0; i < town->pins->grant_count; i++)
		if (grants[i].kind == FLOW_FORWARD && grants[i].ports[0].first == 3389)
			grants[i].ports = mail;
	town->pins->grants = grants;
	for (size_t s = 0; s < town->inet->set_count; s++) {
		struct set *set = &town->inet->sets[s];

		for (size_t e = 0; strncmp(set->name, "lg.in.", 6) == 0 && set->key.fields[3] == FIELD_DPORT && e < set->element_count; e++) {
			uint8_t *key = arena_alloc(town->arena, 2 * key_size(&set->key));

			memcpy(key, set->elements[e].key, key_size(&set->key) * (set->interval ? 2 : 1));
			for (size_t at = key_size(&set->key) - 4; at < key_size(&set->key) * (set->interval ? 2 : 1); at += key_size(&set->key))
				key[at] = 0, key[at + 1] = 25;
			set->elements[e].key = key;
		}
	}
}

static void break_uplink(struct town *town)
{
	struct set *hops = set_named(town->inet, "next-hops4");
	uint8_t *key = arena_alloc(town->arena, 4);

	memcpy(key, (const uint8_t[]){ 192, 0, 2, 99 }, 4);
	hops->elements[0].key = key;
	set_sort(hops);
}

static void break_expiry(struct town *town)
{
	struct set *live = set_named(town->inet, "live");

	for (size_t e = 0; e < live->element_count; e++)
		live->elements[e].expires_at = 0;
}

static void break_nat(struct town *town)
{
	struct chain *forward = chain_named(town->inet, "forward");

	for (size_t r = 0; r < forward->rule_count; r++)
		if (forward->rules[r].steps[0].kind == STEP_MATCH && forward->rules[r].steps[0].field == FIELD_CT_STATUS)
			forward->rules[r].step_count = 0;
}

static void break_silence(struct town *town)
{
	const struct step steps[] = { match32(FIELD_IIF, interface(town, "mn0")), { .kind = STEP_REJECT } };

	rule_insert(town, "forward", steps, 2);
}

static void break_frames(struct town *town)
{
	town->ruleset->tables[1].chains[0].hook.policy = VERDICT_ACCEPT;
}

static void break_bridge(struct town *town)
{
	town->ruleset->tables[2].chains[0].rule_count = 0;
}

static void break_chain(struct town *town)
{
	struct grant *grants = arena_array(town->arena, town->pins->grant_count + 2, sizeof(*grants));
	static const struct port_range port[] = { { 22, 22 } };

	memcpy(grants, town->pins->grants, town->pins->grant_count * sizeof(*grants));
	grants[town->pins->grant_count++] = (struct grant){ .kind = FLOW_LOCAL, .from = 0, .sources = town->pins->zones[0].networks, .protocol = 6,
							    .ports = port, .port_count = 1 };
	grants[town->pins->grant_count++] = (struct grant){ .kind = FLOW_EGRESS, .to = 2, .destinations = town->pins->zones[2].networks,
							    .protocol = 6, .ports = port, .port_count = 1 };
	town->pins->grants = grants;
	let_pass(town, "input", "mn0", NULL);
	let_pass(town, "output", NULL, "in0");
}

/* A mark that everybody gets. */
static void break_by_mark(struct town *town)
{
	struct set *live = set_named(town->inet, "live");
	const struct step steps[] = { { .kind = STEP_SET_MARK_VALUE, .value = { live->elements[0].key[0], live->elements[0].key[1],
										 live->elements[0].key[2], live->elements[0].key[3] } } };

	rule_insert(town, "forward", steps, 1);
}

static void put_number(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* The mark of the first flow lives between other interfaces as well. */
static void break_by_live(struct town *town)
{
	struct set *live = set_named(town->inet, "live");
	uint8_t *key = arena_alloc(town->arena, 12);

	memcpy(key, live->elements[0].key, 4);
	put_number(key + 4, interface(town, "mn0"));
	put_number(key + 8, interface(town, "mn0"));
	live->elements[live->element_count++] = (struct element){ .key = key };
	set_sort(live);
}

static void break_dormant(struct town *town)
{
	town->inet->dormant = true;
}

static void break_priority(struct town *town)
{
	/* Before conntrack a rule that asks for a mark ends. */
	chain_named(town->inet, "forward")->hook.number = 4;
}

static const struct {
	const char *what;
	void (*change)(struct town *town);
	enum proof_line line;
} lines[] = {
	{ "My Number to Internet", break_never, PROOF_NEVER },
	{ "the uplink to My Number", break_never_back, PROOF_NEVER },
	{ "My Number to LGWAN", break_specified, PROOF_SPECIFIED },
	{ "Internet to LGWAN", break_sanitized, PROOF_SANITIZED },
	{ "hairpin in a zone that has none", break_internal, PROOF_INTERNAL },
	{ "an interface of no zone", break_outside, PROOF_OUTSIDE },
	{ "the gateway is open", break_input, PROOF_INPUT },
	{ "the gateway speaks", break_output, PROOF_OUTPUT },
	{ "a source of another zone", break_source, PROOF_SOURCE },
	{ "senders of one zone judged as another's", break_source_by_entry, PROOF_SOURCE },
	{ "the MAC is not looked at", break_mac, PROOF_MAC },
	{ "the MAC of a host is said to be free", break_mac_by_free, PROOF_MAC },
	{ "the MACs of an interface are not asked for", break_mac_by_entry, PROOF_MAC },
	{ "mail that is granted", break_mail, PROOF_MAIL },
	{ "another next hop", break_uplink, PROOF_UPLINK },
	{ "no end", break_expiry, PROOF_EXPIRY },
	{ "translated connections", break_nat, PROOF_NAT },
	{ "an answer", break_silence, PROOF_SILENCE },
	{ "any frame", break_frames, PROOF_FRAMES },
	{ "a bridge", break_bridge, PROOF_BRIDGE },
	{ "a process between My Number and Internet", break_chain, PROOF_CHAIN },
	{ "everybody's mark", break_by_mark, PROOF_SPECIFIED },
	{ "a flow's mark between other interfaces", break_by_live, PROOF_INTERNAL },
	{ "a dormant table", break_dormant, PROOF_NEVER },
	{ "no forward chain", break_priority, PROOF_NEVER },
};

START_TEST(each_line_breaks_when_it_should)
{
	struct town town = town_of(policy_good_file);
	struct findings findings = findings_in(town.arena);
	struct proof proof;

	lines[_i].change(&town);
	proof = town_prove(&town, town.ruleset);
	ck_assert_msg(proof.lines[lines[_i].line].state == PROOF_BROKEN, "%s: %s", lines[_i].what,
		      line_words(&town, town.ruleset, &proof, lines[_i].line));
	ck_assert_int_ne(proof_report(&proof, town.ruleset, &findings), 0);
	ck_assert_ptr_null(strchr(finding_sentence(&findings, &findings.items[0], LANGUAGE_JA), '?'));
	arena_free(town.arena);
}
END_TEST

/* ---- what is not understood, and too much */

START_TEST(what_is_not_understood_is_not_proved)
{
	struct town town = town_of(policy_good_file);
	struct proof proof;

	chain_named(town.inet, "forward")->rules[3].alien = true;
	chain_named(town.inet, "forward")->rules[3].comment = "expression fib";
	proof = town_prove(&town, town.ruleset);
	ck_assert(!proof.holds && proof.lines[PROOF_BRIDGE].doubt == PROOF_UNREADABLE);
	ck_assert_str_eq(proof.unreadable, "chain forward rule 4: expression fib");
	arena_free(town.arena);
}
END_TEST

START_TEST(an_endless_goto_is_not_proved)
{
	struct town town = town_of(policy_good_file);
	const struct step steps[] = { { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_GOTO, .chain = "quiet" } } };
	struct proof proof;

	rule_insert(&town, "quiet", steps, 1);
	proof = town_prove(&town, town.ruleset);
	ck_assert(!proof.holds && proof.lines[PROOF_INPUT].doubt == PROOF_TOO_COMPLEX);
	arena_free(town.arena);
}
END_TEST

/* A connection that runs already, with a mark that lives, and that nobody grants. */
START_TEST(a_running_connection_of_nobody_is_a_breach)
{
	struct town town = town_of(policy_good_file);
	const struct set *live = set_named(town.inet, "live");
	const uint8_t *key = live->elements[0].key;
	const struct carried carried[] = { {
		.mark = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3],
		.source = { .family = 4, .bytes = { 10, 1, 0, 77 } }, .destination = { .family = 4, .bytes = { 10, 2, 0, 77 } },
		.protocol = 6, .sport = 40000, .dport = 443,
	} };
	const struct proof_input input = { .ruleset = town.ruleset, .pins = town.pins, .now = town.now, .carried = carried, .carried_count = 1 };
	struct proof proof = ruleset_prove(town.arena, &input);

	ck_assert_msg(!proof.holds, "the connection 10.1.0.77 -> 10.2.0.77 went unseen");
	ck_assert_int_eq(proof.lines[PROOF_SPECIFIED].breach.packet.source.bytes[3], 77);
	arena_free(town.arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("prove");
	TCase *cases = tcase_create("prove");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, the_good_file_proves);
	tcase_add_test(cases, a_ping_is_no_chain);
	tcase_add_test(cases, the_oracle_agrees_about_the_good_file);
	tcase_add_test(cases, what_the_oracle_finds_is_never_said_to_hold);
	tcase_add_loop_test(cases, each_line_breaks_when_it_should, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(cases, what_is_not_understood_is_not_proved);
	tcase_add_test(cases, an_endless_goto_is_not_proved);
	tcase_add_test(cases, a_running_connection_of_nobody_is_a_breach);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
