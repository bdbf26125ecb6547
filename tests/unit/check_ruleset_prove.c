/* prove: the good file proves; what an oracle finds in changed rulesets is never said to hold; each line of the law breaks when it should. */
#include <errno.h>
#include <stdio.h>

#include "policy_case.h"
#include "prove_oracle.h"
#include "ruleset/catalogue.h"
#include "ruleset/compile.h"
#include "ruleset/prove_atoms.h"
#include "ruleset/prove_grants.h"

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

/* Proved as a whole; and in halves, which say the same. */
static struct proof town_prove(const struct town *town, const struct ruleset *ruleset)
{
	struct proof_input input = { .ruleset = ruleset, .pins = town->pins, .now = town->now };
	const struct proof whole = ruleset_prove(town->arena, &input);
	struct proof back, forth;

	input.half = PROOF_BACK;
	back = ruleset_prove(town->arena, &input);
	input.half = PROOF_FORTH;
	forth = ruleset_prove(town->arena, &input);
	for (int line = 0; line < PROOF_LINE_COUNT; line++) {
		const enum proof_state states[] = { whole.lines[line].state, back.lines[line].state, forth.lines[line].state };

		ck_assert_msg((states[0] == PROOF_HOLDS) == (states[1] == PROOF_HOLDS && states[2] == PROOF_HOLDS) &&
			      (states[0] != PROOF_BROKEN || states[1] == PROOF_BROKEN || states[2] == PROOF_BROKEN), "%s: whole %d, back %d, forth %d",
			      proof_line_name((enum proof_line)line), states[0], states[1], states[2]);
	}
	return whole;
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

/* My Number speaks to the gateway, and the gateway to the Internet: no process of it joins the two. */
static const struct policy_case no_chains[] = {
	{
		.what = "My Number pings",
		.edits = {
			{ "#locals", ",{ name = 'ping'; zone = 'mn'; source = 'jumin'; protocol = 'icmp'; }" },
			{ "#egress", ",{ name = 'log'; user = 'root'; zone = 'in'; destination = '10.3.0.30'; protocol = 'udp'; ports = 514; }" },
		},
	},
	{
		.what = "Internet (the sender of mail) is answered, and not spoken to",
		.edits = { { "#locals", ",{ name = 'time'; zone = 'mn'; source = 'jumin'; protocol = 'tcp'; ports = 2222; }" } },
	},
};

START_TEST(what_is_no_chain_is_not_called_one)
{
	struct arena *arena = arena_new();
	struct town town = town_of(policy_edited(arena, &no_chains[_i]));
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
		ck_assert_uint_eq(oracle_play_any(town.arena, town.pins, town.ruleset, &atoms, &random, town.now), 0);
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
			lines |= oracle_play_any(arena, town.pins, changed, &atoms, &random, town.now);
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

/* Puts a rule into a chain, behind so many others. */
static void rule_insert_behind(struct town *town, const char *chain_name, size_t others, const struct step *steps, size_t count)
{
	struct chain *chain = chain_named(town->inet, chain_name);
	struct rule *rules = arena_array(town->arena, chain->rule_count + 1, sizeof(*rules));

	for (size_t r = 0; r < chain->rule_count; r++)
		rules[r < others ? r : r + 1] = chain->rules[r];
	rules[others] = (struct rule){ .steps = arena_array(town->arena, count, sizeof(*steps)), .step_count = count };
	memcpy(rules[others].steps, steps, count * sizeof(*steps));
	chain->rules = rules;
	chain->rule_count++;
}

/* Puts it in front. */
static void rule_insert(struct town *town, const char *chain_name, const struct step *steps, size_t count)
{
	rule_insert_behind(town, chain_name, 0, steps, count);
}

/* How many rules of forward stand before that by which what lives is accepted. */
static size_t rules_before_live(struct town *town)
{
	const struct chain *forward = chain_named(town->inet, "forward");
	size_t r = 0;

	while (r < forward->rule_count && !(forward->rules[r].steps[0].set && strcmp(forward->rules[r].steps[0].set, "live") == 0))
		r++;
	return r;
}

static struct step match32(enum field field, uint32_t value)
{
	struct step step = { .kind = STEP_MATCH, .field = field, .mask = { 255, 255, 255, 255 } };

	for (int i = 0; i < 4; i++)
		step.value[i] = (uint8_t)(value >> (24 - 8 * i));
	return step;
}

static struct step match16(enum field field, uint16_t value)
{
	return (struct step){ .kind = STEP_MATCH, .field = field, .mask = { 255, 255 }, .value = { (uint8_t)(value >> 8), (uint8_t)value } };
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
static void break_outside_back(struct town *town) { let_pass(town, "forward", "lg0", "lo"); }
static void break_outside_to_gateway(struct town *town)
{
	let_pass(town, "source", NULL, NULL);
	let_pass(town, "input", NULL, NULL);
}

static void break_outside_from_gateway(struct town *town) { let_pass(town, "output", NULL, NULL); }
static void break_uplink_from_gateway(struct town *town) { let_pass(town, "output", NULL, "up0"); }
static void break_input(struct town *town) { let_pass(town, "input", "lg0", NULL); }
static void break_output(struct town *town) { let_pass(town, "output", NULL, "lg0"); }

/* ICMP errors pass by these interfaces (NULL: to the gateway), whatever they quote. */
static void let_errors_pass(struct town *town, const char *chain, const char *iif, const char *oif)
{
	struct step steps[5] = { match32(FIELD_CT_STATE, CT_RELATED), { .kind = STEP_MATCH, .field = FIELD_L4PROTO, .mask = { 255 }, .value = { 1 } },
				 match32(FIELD_IIF, interface(town, iif)) };
	size_t count = 3;

	if (oif)
		steps[count++] = match32(FIELD_OIF, interface(town, oif));
	steps[count++] = accept_step;
	rule_insert(town, chain, steps, count);
}

static void break_by_error_to_anybody(struct town *town) { let_errors_pass(town, "forward", "mn0", "lg0"); }
static void break_by_error_from_nowhere(struct town *town) { let_errors_pass(town, "forward", "up0", "lg0"); }
static void break_by_error_to_gateway(struct town *town) { let_errors_pass(town, "input", "mn0", NULL); }

/* Those of connections with the marks 2 and 3. */
static void break_by_error_of_some_marks(struct town *town)
{
	struct step marks = match32(FIELD_CT_MARK, 2);

	marks.mask[3] = 0xfe;
	rule_insert(town, "forward",
		    (const struct step[]){ match32(FIELD_CT_STATE, CT_RELATED), { .kind = STEP_MATCH, .field = FIELD_L4PROTO, .mask = { 255 }, .value = { 1 } },
					   match32(FIELD_IIF, interface(town, "up0")), match32(FIELD_OIF, interface(town, "lg0")), marks, accept_step }, 6);
}

static struct step match8(enum field field, uint8_t value)
{
	return (struct step){ .kind = STEP_MATCH, .field = field, .mask = { 255 }, .value = { value } };
}

/* Of what goes from one interface to another, this passes; NULL: to the gateway. */
static void let_some_pass(struct town *town, const char *chain, const char *iif, const char *oif, struct step first, struct step second)
{
	struct step steps[5] = { match32(FIELD_IIF, interface(town, iif)), first, second };
	size_t count = 3;

	if (oif)
		steps[count++] = match32(FIELD_OIF, interface(town, oif));
	steps[count++] = accept_step;
	rule_insert(town, chain, steps, count);
}

static void break_by_expected(struct town *town)
{
	let_some_pass(town, "forward", "lg0", "in0", match32(FIELD_CT_STATE, CT_RELATED), match8(FIELD_L4PROTO, 6));
}

static void break_by_invalid(struct town *town)
{
	let_some_pass(town, "forward", "lg0", "in0", match32(FIELD_CT_STATE, CT_INVALID), match8(FIELD_L4PROTO, 6));
}

static void break_by_untracked(struct town *town)
{
	let_some_pass(town, "forward", "lg0", "in0", match32(FIELD_CT_STATE, CT_UNTRACKED), match8(FIELD_L4PROTO, 6));
}

static void break_by_reply(struct town *town)
{
	let_some_pass(town, "forward", "in0", "lg0", match32(FIELD_CT_STATE, CT_ESTABLISHED), match8(FIELD_CT_DIRECTION, DIRECTION_REPLY));
}

/* Nobody gives this mark: ctnetlink or a foreign table could. */
static void break_by_strange_mark(struct town *town)
{
	let_some_pass(town, "forward", "mn0", "in0", match32(FIELD_CT_MARK, 0x7777), match8(FIELD_L4PROTO, 6));
}

/* The same in an ICMP error. */
static void break_by_error_of_strange_mark(struct town *town)
{
	rule_insert(town, "forward",
		    (const struct step[]){ match32(FIELD_IIF, interface(town, "mn0")), match32(FIELD_OIF, interface(town, "in0")), match32(FIELD_CT_STATE, CT_RELATED),
					   match8(FIELD_L4PROTO, 1), match32(FIELD_CT_MARK, 0x7777), accept_step }, 6);
}

/* What a multicast router passes on was sent to a group. */
static void break_by_multicast(struct town *town)
{
	let_some_pass(town, "forward", "mn0", "in0", match8(FIELD_PKTTYPE, 2), match8(FIELD_L4PROTO, 17));
}

/* Pins that grant what no law allows: that it is granted does not help. */
static void break_never_by_grant(struct town *town)
{
	struct grant *grants = arena_array(town->arena, town->pins->grant_count + 1, sizeof(*grants));
	static const struct port_range port[] = { { 443, 443 } };

	memcpy(grants, town->pins->grants, town->pins->grant_count * sizeof(*grants));
	grants[town->pins->grant_count++] = (struct grant){ .kind = FLOW_FORWARD, .from = 0, .to = 2, .sources = town->pins->zones[0].networks,
							    .destinations = town->pins->zones[2].networks, .protocol = 6, .ports = port, .port_count = 1 };
	town->pins->grants = grants;
	rule_insert(town, "forward",
		    (const struct step[]){ match32(FIELD_IIF, interface(town, "mn0")), match32(FIELD_OIF, interface(town, "in0")),
					   match8(FIELD_L4PROTO, 6), match16(FIELD_DPORT, 443), match32(FIELD_CT_STATE, CT_NEW),
					   { .kind = STEP_MATCH, .field = FIELD_IP_SADDR, .mask = { 255, 255, 255 }, .value = { 10, 1 } },
					   { .kind = STEP_MATCH, .field = FIELD_IP_DADDR, .mask = { 255, 255, 255 }, .value = { 10, 3 } }, accept_step }, 8);
}

static void break_by_neighbour_from_afar(struct town *town)
{
	let_some_pass(town, "input", "lg0", NULL, match8(FIELD_NFPROTO, NFPROTO_V6), match8(FIELD_ICMP6_TYPE, 135));
}

/* Neighbours without an address of the zone may send ICMPv6, and it is judged as what others send. */
static void break_by_link_local_ping(struct town *town)
{
	let_some_pass(town, "input", "lg0", NULL, (struct step){ .kind = STEP_MATCH, .field = FIELD_IP6_SADDR, .mask = { 0xff, 0xc0 }, .value = { 0xfe, 0x80 } },
		      match8(FIELD_ICMP6_TYPE, 128));
}

static void break_by_ping_from_nobody(struct town *town)
{
	struct step source = { .kind = STEP_MATCH, .field = FIELD_IP6_SADDR };

	memset(source.mask, 255, sizeof(source.mask));
	let_some_pass(town, "input", "lg0", NULL, source, match8(FIELD_ICMP6_TYPE, 128));
}

/* Routing headers are not looked for. */
static void break_by_routing_header(struct town *town)
{
	for (size_t c = 0; c < town->inet->chain_count; c++)
		for (size_t r = 0; r < town->inet->chains[c].rule_count; r++)
			for (size_t s = 0; s < town->inet->chains[c].rules[r].step_count; s++)
				if (town->inet->chains[c].rules[r].steps[s].field == FIELD_IP6_ROUTING)
					town->inet->chains[c].rules[r].step_count = 0;
}

static void break_source(struct town *town)
{
	let_pass(town, "source", "lg0", NULL);
	let_pass(town, "input", "lg0", NULL);
}

/* Senders above the last network of the zone. */
static void break_source_above(struct town *town)
{
	let_some_pass(town, "source", "lg0", NULL, match32(FIELD_IP_SADDR, 0x0a090909), match8(FIELD_L4PROTO, 6));
	let_pass(town, "input", "lg0", NULL);
}

/* Below its first network, ... */
static void break_source_below(struct town *town)
{
	let_some_pass(town, "source", "lg0", NULL, match32(FIELD_IP_SADDR, 0x0a010909), match8(FIELD_L4PROTO, 6));
	let_pass(town, "input", "lg0", NULL);
}

/* ... and between two of them. */
static void break_source_between(struct town *town)
{
	struct zone_pins *zones = arena_array(town->arena, town->pins->program.zone_count, sizeof(*zones));
	const struct addr_ranges networks = town->pins->zones[1].networks;
	struct addr_range *items = arena_array(town->arena, networks.count + 1, sizeof(*items));

	memcpy(items + 1, networks.items, networks.count * sizeof(*items));
	items[0] = (struct addr_range){ { .family = 4, .bytes = { 10, 1, 9, 0 } }, { .family = 4, .bytes = { 10, 1, 9, 255 } } };
	memcpy(zones, town->pins->zones, town->pins->program.zone_count * sizeof(*zones));
	zones[1].networks = (struct addr_ranges){ items, networks.count + 1 };
	town->pins->zones = zones;
	let_some_pass(town, "source", "lg0", NULL, match32(FIELD_IP_SADDR, 0x0a01ff01), match8(FIELD_L4PROTO, 6));
	let_pass(town, "input", "lg0", NULL);
}

/* The host of the specified flow by an Ethernet address above the bound one. */
static void break_mac_above(struct town *town)
{
	let_some_pass(town, "source", "mn0", NULL, match32(FIELD_IP_SADDR, 0x0a01000a), match8(FIELD_ETHER_SADDR, 0x06));
}

/* The same by a line that has no Ethernet addresses. */
static void break_mac_without_ethernet(struct town *town)
{
	let_some_pass(town, "source", "mn0", NULL, match32(FIELD_IP_SADDR, 0x0a01000a), match16(FIELD_IIFTYPE, 32));
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

/* Translated pings, and what is translated and no ping; to the gateway, and from it. */
static void break_nat_of_pings(struct town *town)
{
	let_some_pass(town, "forward", "lg0", "in0", match32(FIELD_CT_STATUS, CT_SNAT), match8(FIELD_ICMP_TYPE, 8));
}

static void break_nat_of_tcp(struct town *town)
{
	let_some_pass(town, "forward", "lg0", "in0", match32(FIELD_CT_STATUS, CT_SNAT), match8(FIELD_L4PROTO, 6));
}

static void break_nat_of_services(struct town *town)
{
	let_some_pass(town, "input", "lg0", NULL, match32(FIELD_CT_STATUS, CT_DNAT), match8(FIELD_L4PROTO, 6));
}

static void break_nat_of_ways_out(struct town *town)
{
	rule_insert(town, "output", (const struct step[]){ match32(FIELD_OIF, interface(town, "lg0")), match32(FIELD_CT_STATUS, CT_SNAT), accept_step }, 3);
}

/* The mark of the last flow that lives between two interfaces: they are sorted, so it is not the first. */
static uint32_t last_mark_between(const struct town *town, const char *iif, const char *oif)
{
	const struct set *live = set_named(town->inet, "live");
	uint32_t mark = 0;
	size_t flows = 0;

	for (size_t i = 0; i < live->element_count; i++) {
		const uint8_t *key = live->elements[i].key;

		if ((uint32_t)wide_of_bytes(key + 4, 4) != interface(town, iif) || (uint32_t)wide_of_bytes(key + 8, 4) != interface(town, oif))
			continue;
		mark = (uint32_t)wide_of_bytes(key, 4);
		flows++;
	}
	ck_assert_uint_ge(flows, 2);
	return mark;
}

/* Translated are only connections of one flow, and another one lives between the same interfaces. */
static void break_nat_of_one_flow(struct town *town)
{
	const uint32_t mark = last_mark_between(town, "lg0", "in0");
	struct step steps[3] = { match32(FIELD_CT_MARK, mark) };

	for (size_t r = 0; r < chain_named(town->inet, "forward")->rule_count; r++) {
		struct rule *rule = &chain_named(town->inet, "forward")->rules[r];

		if (rule->steps[0].field == FIELD_CT_STATUS && rule->steps[0].kind == STEP_MATCH) {
			steps[0].op = MATCH_NE;
			memcpy(steps + 1, rule->steps, 2 * sizeof(*steps));
			rule->steps = arena_array(town->arena, 3, sizeof(*steps));
			memcpy(rule->steps, steps, sizeof(steps));
			rule->step_count = 3;
		}
	}
	ck_assert_int_eq(steps[1].field, FIELD_CT_STATUS);
	steps[2] = (struct step){ .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_DROP } };
	rule_insert(town, "beginning", steps + 1, 2);
}

static void break_silence(struct town *town)
{
	const struct step steps[] = { match32(FIELD_IIF, interface(town, "mn0")), { .kind = STEP_REJECT } };

	rule_insert(town, "forward", steps, 2);
}

static void break_silence_before_routing(struct town *town)
{
	const struct step steps[] = { match32(FIELD_IIF, interface(town, "mn0")), { .kind = STEP_REJECT } };

	rule_insert(town, "source", steps, 2);
}

static void break_silence_at_the_interface(struct town *town)
{
	const struct step steps[] = { match16(FIELD_ETHER_TYPE, 0x86dd), { .kind = STEP_REJECT } };

	town->inet = &town->ruleset->tables[1];
	rule_insert(town, "ingress.mn0", steps, 2);
}

static void break_frames(struct town *town)
{
	town->ruleset->tables[1].chains[0].hook.policy = VERDICT_ACCEPT;
}

static void break_frames_by_type(struct town *town)
{
	town->inet = &town->ruleset->tables[1];
	rule_insert(town, "ingress.mn0", (const struct step[]){ match16(FIELD_ETHER_TYPE, 0x88cc), accept_step }, 2);
}

static void break_frames_by_length(struct town *town)
{
	town->inet = &town->ruleset->tables[1];
	rule_insert(town, "ingress.mn0", (const struct step[]){ match16(FIELD_ETHER_TYPE, 0x0500), accept_step }, 2);
}

/* Whoever asks for the protocol sees past a VLAN tag. */
static void break_frames_by_tag(struct town *town)
{
	town->inet = &town->ruleset->tables[1];
	rule_insert(town, "ingress.mn0", (const struct step[]){ match8(FIELD_L4PROTO, 17), accept_step }, 2);
}

/* The same chains, where frames leave (NF_NETDEV_EGRESS). */
static void break_frames_by_hook(struct town *town)
{
	for (size_t i = 0; i < town->ruleset->tables[1].chain_count; i++)
		town->ruleset->tables[1].chains[i].hook.number = 1;
}

static void break_bridge_out(struct town *town)
{
	town->inet = &town->ruleset->tables[2];
	let_pass(town, town->inet->chains[0].name, "lo", "mn0");
}

/* Conntrack follows bridged packets, too. */
static void break_bridge_by_state(struct town *town)
{
	town->inet = &town->ruleset->tables[2];
	rule_insert(town, town->inet->chains[0].name, (const struct step[]){ match32(FIELD_CT_STATE, CT_ESTABLISHED), accept_step }, 2);
}

static void break_bridge(struct town *town)
{
	town->ruleset->tables[2].chains[0].rule_count = 0;
}

/* A service for one zone and a way out to another. */
static void grant_chain(struct town *town, uint32_t from, uint32_t to)
{
	struct grant *grants = arena_array(town->arena, town->pins->grant_count + 2, sizeof(*grants));
	static const struct port_range port[] = { { 22, 22 } };

	memcpy(grants, town->pins->grants, town->pins->grant_count * sizeof(*grants));
	grants[town->pins->grant_count++] = (struct grant){ .kind = FLOW_LOCAL, .from = from, .sources = town->pins->zones[from].networks, .protocol = 6,
							    .ports = port, .port_count = 1 };
	grants[town->pins->grant_count++] = (struct grant){ .kind = FLOW_EGRESS, .to = to, .destinations = town->pins->zones[to].networks,
							    .protocol = 6, .ports = port, .port_count = 1 };
	town->pins->grants = grants;
}

static void break_chain(struct town *town)
{
	grant_chain(town, 0, 2);
	let_pass(town, "input", "mn0", NULL);
	let_pass(town, "output", NULL, "in0");
}

static void break_chain_back(struct town *town)
{
	grant_chain(town, 2, 0);
	let_pass(town, "input", "in0", NULL);
	let_pass(town, "output", NULL, "mn0");
}

/* A process hears what conntrack does not follow as well. */
static void break_chain_by_untracked(struct town *town)
{
	grant_chain(town, 0, 2);
	let_some_pass(town, "input", "mn0", NULL, match32(FIELD_CT_STATE, CT_UNTRACKED), match8(FIELD_L4PROTO, 6));
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

/* Who is refused gets the mark of a service: what the gateway answers him passes. */
static void break_by_mark_of_the_refused(struct town *town)
{
	const struct element *live = &set_named(town->inet, "local-live")->elements[0];

	ck_assert_uint_eq((uint32_t)wide_of_bytes(live->key + 4, 4), interface(town, "lg0"));
	rule_insert(town, "input",
		    (const struct step[]){ match32(FIELD_IIF, interface(town, "lg0")), match8(FIELD_L4PROTO, 6), match16(FIELD_DPORT, 9),
					   { .kind = STEP_SET_MARK_VALUE, .value = { live->key[0], live->key[1], live->key[2], live->key[3] } },
					   { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_DROP } } }, 5);
}

/* The mark of the first flow, which lives between My Number and LGWAN, for some packets that come behind so many rules. */
static void give_first_mark(struct town *town, size_t others, struct step first, struct step second)
{
	const struct element *live = &set_named(town->inet, "live")->elements[0];
	const struct step steps[] = { first, second,
				      { .kind = STEP_SET_MARK_VALUE, .value = { live->key[0], live->key[1], live->key[2], live->key[3] } } };

	rule_insert_behind(town, "forward", others, steps, 3);
}

/* A reply from LGWAN gives it, and what My Number sends next goes by it. */
static void break_by_mark_of_reply(struct town *town)
{
	give_first_mark(town, 0, match32(FIELD_IIF, interface(town, "lg0")),
			(struct step){ .kind = STEP_MATCH, .field = FIELD_CT_DIRECTION, .mask = { 255 }, .value = { DIRECTION_REPLY } });
}

/* The reply itself is refused. */
static void break_by_mark_of_refused_reply(struct town *town)
{
	const struct element *live = &set_named(town->inet, "live")->elements[0];

	rule_insert(town, "forward",
		    (const struct step[]){ match32(FIELD_IIF, interface(town, "lg0")), match8(FIELD_CT_DIRECTION, DIRECTION_REPLY),
					   { .kind = STEP_SET_MARK_VALUE, .value = { live->key[0], live->key[1], live->key[2], live->key[3] } },
					   { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_DROP } } }, 4);
}

/* The error gives it to the connection that it quotes, ... */
static void break_by_mark_of_quoted(struct town *town)
{
	give_first_mark(town, 0, match32(FIELD_CT_STATE, CT_RELATED), match8(FIELD_L4PROTO, 1));
}

/* ... which need not be of the flow between whose ends alone the error passes. */
static void break_by_mark_of_quoted_between_ends(struct town *town)
{
	give_first_mark(town, rules_before_live(town), match32(FIELD_CT_STATE, CT_RELATED), match8(FIELD_ICMP_TYPE, 3));
}

/* A base chain of its own, at a hook of table inet, gives the first mark to all. */
static void give_mark_at(struct town *town, uint32_t hook)
{
	struct chain *chains = arena_array(town->arena, town->inet->chain_count + 1, sizeof(*chains));
	const struct element *first = &set_named(town->inet, "live")->elements[0];
	const struct step step = { .kind = STEP_SET_MARK_VALUE, .value = { first->key[0], first->key[1], first->key[2], first->key[3] } };

	memcpy(chains + 1, town->inet->chains, town->inet->chain_count * sizeof(*chains));
	chains[0] = (struct chain){ .name = "a-first", .hook = { .base = true, .number = hook, .priority = -150, .policy = VERDICT_ACCEPT } };
	town->inet->chains = chains;
	town->inet->chain_count++;
	rule_insert(town, "a-first", &step, 1);
}

/* Behind conntrack and before routing; behind routing, where what passes gets it for its next packet. */
static void break_by_mark_before_routing(struct town *town) { give_mark_at(town, 0); }
static void break_by_mark_behind_routing(struct town *town) { give_mark_at(town, 4); }

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
	{ "My Number to Internet, by a grant", break_never_by_grant, PROOF_NEVER },
	{ "My Number to LGWAN", break_specified, PROOF_SPECIFIED },
	{ "Internet to LGWAN", break_sanitized, PROOF_SANITIZED },
	{ "hairpin in a zone that has none", break_internal, PROOF_INTERNAL },
	{ "from an interface of no zone", break_outside, PROOF_OUTSIDE },
	{ "to an interface of no zone", break_outside_back, PROOF_OUTSIDE },
	{ "from an interface of no zone to the gateway", break_outside_to_gateway, PROOF_OUTSIDE },
	{ "from the gateway to an interface of no zone", break_outside_from_gateway, PROOF_OUTSIDE },
	{ "the gateway is open", break_input, PROOF_INPUT },
	{ "the gateway speaks", break_output, PROOF_OUTPUT },
	{ "a source of another zone", break_source, PROOF_SOURCE },
	{ "a source above all networks", break_source_above, PROOF_SOURCE },
	{ "a source below all networks", break_source_below, PROOF_SOURCE },
	{ "a source between two networks", break_source_between, PROOF_SOURCE },
	{ "senders of one zone judged as another's", break_source_by_entry, PROOF_SOURCE },
	{ "the MAC is not looked at", break_mac, PROOF_MAC },
	{ "a MAC above the bound one", break_mac_above, PROOF_MAC },
	{ "no MAC at all", break_mac_without_ethernet, PROOF_MAC },
	{ "the MAC of a host is said to be free", break_mac_by_free, PROOF_MAC },
	{ "the MACs of an interface are not asked for", break_mac_by_entry, PROOF_MAC },
	{ "mail that is granted", break_mail, PROOF_MAIL },
	{ "another next hop", break_uplink, PROOF_UPLINK },
	{ "any next hop, from the gateway", break_uplink_from_gateway, PROOF_UPLINK },
	{ "no end", break_expiry, PROOF_EXPIRY },
	{ "translated connections", break_nat, PROOF_NAT },
	{ "translated connections of one flow, and not of another between the same interfaces", break_nat_of_one_flow, PROOF_NAT },
	{ "translated pings", break_nat_of_pings, PROOF_NAT },
	{ "translated connections that are no pings", break_nat_of_tcp, PROOF_NAT },
	{ "translated connections to the gateway", break_nat_of_services, PROOF_NAT },
	{ "translated connections of the gateway", break_nat_of_ways_out, PROOF_NAT },
	{ "an answer", break_silence, PROOF_SILENCE },
	{ "an answer before it is known where to", break_silence_before_routing, PROOF_SILENCE },
	{ "an answer at the interface", break_silence_at_the_interface, PROOF_SILENCE },
	{ "any frame", break_frames, PROOF_FRAMES },
	{ "frames of a type above that of IPv6", break_frames_by_type, PROOF_FRAMES },
	{ "frames of a type below that of IPv4", break_frames_by_length, PROOF_FRAMES },
	{ "frames with a VLAN tag", break_frames_by_tag, PROOF_FRAMES },
	{ "frames are looked at when they leave", break_frames_by_hook, PROOF_FRAMES },
	{ "a bridge", break_bridge, PROOF_BRIDGE },
	{ "a bridge that leads to a zone", break_bridge_out, PROOF_BRIDGE },
	{ "a bridge that goes on with what it carries", break_bridge_by_state, PROOF_BRIDGE },
	{ "a process between My Number and Internet", break_chain, PROOF_CHAIN },
	{ "a process between Internet and My Number", break_chain_back, PROOF_CHAIN },
	{ "a process that hears what is not tracked", break_chain_by_untracked, PROOF_CHAIN },
	{ "everybody's mark", break_by_mark, PROOF_SPECIFIED },
	{ "everybody's mark before routing", break_by_mark_before_routing, PROOF_SPECIFIED },
	{ "everybody's mark behind routing", break_by_mark_behind_routing, PROOF_SPECIFIED },
	{ "a mark that who is refused gets", break_by_mark_of_the_refused, PROOF_OUTPUT },
	{ "a mark that a reply gives", break_by_mark_of_reply, PROOF_SPECIFIED },
	{ "a mark that a reply gives, which is refused", break_by_mark_of_refused_reply, PROOF_SPECIFIED },
	{ "a mark that an error gives", break_by_mark_of_quoted, PROOF_SPECIFIED },
	{ "a mark that an error between the ends of a flow gives", break_by_mark_of_quoted_between_ends, PROOF_SPECIFIED },
	{ "a flow's mark between other interfaces", break_by_live, PROOF_INTERNAL },
	{ "an ICMP error between hosts of My Number and LGWAN that have no flow", break_by_error_to_anybody, PROOF_SPECIFIED },
	{ "an ICMP error between zones that have no flow", break_by_error_from_nowhere, PROOF_SANITIZED },
	{ "an ICMP error of some marks", break_by_error_of_some_marks, PROOF_SANITIZED },
	{ "an ICMP error from where the gateway speaks with nobody", break_by_error_to_gateway, PROOF_INPUT },
	{ "an expected connection", break_by_expected, PROOF_SANITIZED },
	{ "what conntrack calls invalid", break_by_invalid, PROOF_SANITIZED },
	{ "what conntrack does not follow", break_by_untracked, PROOF_SANITIZED },
	{ "replies to nothing", break_by_reply, PROOF_SANITIZED },
	{ "a mark that nobody gives", break_by_strange_mark, PROOF_NEVER },
	{ "an ICMP error of a mark that nobody gives", break_by_error_of_strange_mark, PROOF_NEVER },
	{ "multicast", break_by_multicast, PROOF_NEVER },
	{ "a neighbour that is none", break_by_neighbour_from_afar, PROOF_INPUT },
	{ "a ping from a link-local address", break_by_link_local_ping, PROOF_INPUT },
	{ "a ping from no address", break_by_ping_from_nobody, PROOF_INPUT },
	{ "a routing header", break_by_routing_header, PROOF_SPECIFIED },
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

/* Nor is it beside the ruleset, where somebody else has read it. */
START_TEST(what_is_said_not_to_be_understood_is_not_proved)
{
	struct town town = town_of(policy_good_file);
	const struct proof_input input = { .ruleset = town.ruleset, .pins = town.pins, .now = town.now, .unreadable = "flowtable f" };
	const struct proof proof = ruleset_prove(town.arena, &input);

	for (int line = 0; line < PROOF_LINE_COUNT; line++)
		ck_assert_int_eq(proof.lines[line].doubt, PROOF_UNREADABLE);
	ck_assert_str_eq(proof.unreadable, "flowtable f");
	arena_free(town.arena);
}
END_TEST

/* Each rule asks for bits of the mark that no range says: the ways through the chain double with it. */
static void entangle(struct town *town, size_t rules)
{
	for (size_t i = 0; i < rules; i++) {
		const struct step steps[] = {
			{ .kind = STEP_MATCH, .field = FIELD_CT_MARK, .mask = { 0, 1, (uint8_t)(1u << i % 8), (uint8_t)(1u << i / 8 % 8) }, .op = MATCH_NE },
			{ .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_JUMP, .chain = "a-last" } },
		};

		rule_insert(town, "forward", steps, 2);
	}
}

/* Rules that take longer than what they hold is worth are given up early, and each line that is open says so. */
START_TEST(an_entangled_chain_is_given_up)
{
	struct town town = town_of(policy_good_file);
	struct chain *chains = arena_array(town.arena, town.inet->chain_count + 1, sizeof(*chains));
	const struct proof_input input = { .ruleset = town.ruleset, .pins = town.pins, .now = town.now };
	struct findings findings = findings_in(town.arena);
	struct proof proof;

	memcpy(chains + 1, town.inet->chains, town.inet->chain_count * sizeof(*chains));
	chains[0] = (struct chain){ .name = "a-last" };
	town.inet->chains = chains;
	town.inet->chain_count++;
	entangle(&town, 60);
	ck_assert_uint_lt(prove_work_max(&input), PROVE_WORK_LEAST + PROVE_WORK_LEAST / 8);
	proof = ruleset_prove(town.arena, &input);
	ck_assert_uint_ge(proof.work, prove_work_max(&input));
	ck_assert_uint_lt(proof.work, prove_work_max(&input) + prove_work_max(&input) / 8);
	ck_assert_int_eq(proof_report(&proof, town.ruleset, &findings), -EPERM);
	ck_assert_uint_eq(findings.count, PROOF_LINE_COUNT);
	for (size_t i = 0; i < findings.count; i++)
		ck_assert_str_eq(findings.items[i].kind->id, "proof-too-complex");
	arena_free(town.arena);
}
END_TEST

/* The more is in the sets, the longer a proof may take; up to a limit. */
START_TEST(a_proof_may_take_as_long_as_there_are_elements)
{
	struct town town = town_of(policy_good_file);
	struct proof_input input = { .ruleset = town.ruleset, .pins = town.pins, .now = town.now };
	const uint64_t before = prove_work_max(&input);
	struct set *critical = set_named(town.inet, "critical");

	critical->element_count += 10;
	ck_assert_uint_eq(prove_work_max(&input), before + 10 * PROVE_WORK_PER_ITEM);
	input.carried_count = 5;
	ck_assert_uint_eq(prove_work_max(&input), before + 15 * PROVE_WORK_PER_ITEM);
	input.carried_count = PROVE_WORK_MAX;
	ck_assert_uint_eq(prove_work_max(&input), PROVE_WORK_MAX);
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

/* Where it hangs decides what is not known: behind routing, which marks there are. */
static const struct {
	const char *what, *chain;
	size_t table;
	enum proof_line line;
} endless_rows[] = {
	{ "behind routing", "a-first", 0, PROOF_NEVER },
	{ "at an interface", "ingress.mn0", 1, PROOF_FRAMES },
	{ "in a bridge", "forward", 2, PROOF_BRIDGE },
};

START_TEST(an_endless_goto_is_not_proved_wherever_it_hangs)
{
	struct town town = town_of(policy_good_file);
	const struct step steps[] = { { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_GOTO, .chain = endless_rows[_i].chain } } };

	give_mark_at(&town, 4);
	chain_named(town.inet, "a-first")->rule_count = 0;
	town.inet = &town.ruleset->tables[endless_rows[_i].table];
	rule_insert(&town, endless_rows[_i].chain, steps, 1);
	ck_assert_msg(town_prove(&town, town.ruleset).lines[endless_rows[_i].line].doubt == PROOF_TOO_COMPLEX, "%s", endless_rows[_i].what);
	arena_free(town.arena);
}
END_TEST

/* Adds a set of port . interface, in the order of the ports; behind all others by its name. */
static void add_doors(struct town *town, const uint16_t ports[2], const char *const names[2])
{
	struct set *sets = arena_array(town->arena, town->inet->set_count + 1, sizeof(*sets)), *set = &sets[town->inet->set_count];

	memcpy(sets, town->inet->sets, town->inet->set_count * sizeof(*sets));
	*set = (struct set){ .name = "zz", .key = { { FIELD_DPORT, FIELD_IIF } }, .element_count = 2 };
	set->elements = arena_array(town->arena, 2, sizeof(*set->elements));
	for (size_t i = 0; i < 2; i++) {
		uint8_t *key = arena_alloc(town->arena, 8);

		key[0] = (uint8_t)(ports[i] >> 8);
		key[1] = (uint8_t)ports[i];
		put_number(key + 4, interface(town, names[i]));
		set->elements[i].key = key;
	}
	town->inet->sets = sets;
	town->inet->set_count++;
}

/* What is heard is not found among the packets that are tried: that is no proof. */
START_TEST(a_chain_without_a_packet_is_not_proved)
{
	struct town town = town_of(policy_good_file);
	const struct step mark = { .kind = STEP_MATCH, .field = FIELD_CT_MARK, .mask = { 0, 0xf0, 0, 0xf0 }, .value = { 0, 0x50, 0, 0x50 } };
	struct proof proof;

	grant_chain(&town, 0, 2);
	rule_insert(&town, "input", (const struct step[]){ match32(FIELD_IIF, interface(&town, "mn0")), mark, accept_step }, 3);
	let_pass(&town, "output", NULL, "in0");
	proof = town_prove(&town, town.ruleset);
	ck_assert_int_eq(proof.lines[PROOF_CHAIN].state, PROOF_UNPROVED);
	ck_assert_int_eq(proof.lines[PROOF_CHAIN].doubt, PROOF_UNCONFIRMED);
	arena_free(town.arena);
}
END_TEST

/* One rule lets in LGWAN and My Number: the second is heard although the first has broken all the lines that the rule can break. */
START_TEST(a_line_that_breaks_hides_no_chain)
{
	const struct step steps[] = { match32(FIELD_IP_DADDR, 0x0a090909), { .kind = STEP_LOOKUP, .key = { { FIELD_DPORT, FIELD_IIF } }, .set = "zz" },
				      accept_step };
	struct town town = town_of(policy_good_file);
	struct proof proof;

	let_pass(&town, "output", NULL, "in0");
	add_doors(&town, (const uint16_t[]){ 5, 9 }, (const char *const[]){ "lg0", "mn0" });
	rule_insert(&town, "input", steps, 3);
	proof = town_prove(&town, town.ruleset);
	ck_assert_int_eq(proof.lines[PROOF_INPUT].state, PROOF_BROKEN);
	ck_assert_msg(proof.lines[PROOF_CHAIN].state != PROOF_HOLDS, "port 9 is heard from My Number, and Internet spoken to");
	arena_free(town.arena);
}
END_TEST

/* Strangers of both families get in; the service is granted to the zone, and open to strangers of IPv6. */
START_TEST(a_source_that_breaks_in_ipv4_hides_no_sender_of_ipv6)
{
	static const struct port_range port[] = { { 2222, 2222 } };
	struct town town = town_of(policy_good_file);
	struct grant *grants = arena_array(town.arena, town.pins->grant_count + 1, sizeof(*grants));
	const struct step steps[] = {
		match32(FIELD_IIF, interface(&town, "lg0")), { .kind = STEP_MATCH, .field = FIELD_IP6_SADDR, .mask = { 255 }, .value = { 0xfd } },
		{ .kind = STEP_MATCH, .field = FIELD_L4PROTO, .mask = { 255 }, .value = { 6 } }, match16(FIELD_DPORT, 2222),
		match32(FIELD_CT_STATE, CT_NEW), { .kind = STEP_MATCH, .field = FIELD_IP6_ROUTING, .mask = { 255 } }, accept_step,
	};
	struct proof proof;

	memcpy(grants, town.pins->grants, town.pins->grant_count * sizeof(*grants));
	grants[town.pins->grant_count++] = (struct grant){ .kind = FLOW_LOCAL, .from = 1, .sources = town.pins->zones[1].networks, .protocol = 6,
							    .ports = port, .port_count = 1 };
	town.pins->grants = grants;
	rule_insert(&town, "input", steps, 7);
	ck_assert_int_eq(town_prove(&town, town.ruleset).lines[PROOF_INPUT].state, PROOF_HOLDS);
	let_pass(&town, "source", "lg0", NULL);
	proof = town_prove(&town, town.ruleset);
	ck_assert_int_eq(proof.lines[PROOF_SOURCE].state, PROOF_BROKEN);
	ck_assert_msg(proof.lines[PROOF_INPUT].state == PROOF_BROKEN && proof.lines[PROOF_INPUT].breach.packet.source.family == 6, "%s",
		      line_words(&town, town.ruleset, &proof, PROOF_INPUT));
	arena_free(town.arena);
}
END_TEST

/* A grant that is over allows nothing, also while its flow still lives. */
START_TEST(what_lives_longer_than_its_grant_is_not_granted)
{
	struct town town = town_of(policy_good_file);

	for (size_t i = 0; i < town.pins->grant_count; i++)
		if (town.pins->grants[i].closes_at > town.now)
			town.now = town.pins->grants[i].closes_at + GRANTS_ROUNDING_S;
	ck_assert_int_gt(town.now, policy_case_now());
	break_expiry(&town);
	ck_assert_int_eq(town_prove(&town, town.ruleset).lines[PROOF_SPECIFIED].state, PROOF_BROKEN);
	arena_free(town.arena);
}
END_TEST

/* However early a proof is cut off: what would have been found broken is never said to hold. */
START_TEST(a_proof_cut_short_says_of_no_broken_line_that_it_holds)
{
	struct town town = town_of(policy_good_file);
	struct proof whole;

	lines[_i].change(&town);
	whole = town_prove(&town, town.ruleset);
	for (uint64_t work = 1; work < whole.work; work += 1 + work) {
		struct arena *arena = arena_new();
		const struct proof_input input = { .ruleset = town.ruleset, .pins = town.pins, .now = town.now, .work_max = work };
		const struct proof cut = ruleset_prove(arena, &input);

		ck_assert_msg(!cut.holds, "%s: proved in %llu steps", lines[_i].what, (unsigned long long)work);
		for (int line = 0; line < PROOF_LINE_COUNT; line++)
			ck_assert_msg(whole.lines[line].state != PROOF_BROKEN || cut.lines[line].state != PROOF_HOLDS, "%s after %llu steps: %s",
				      lines[_i].what, (unsigned long long)work, proof_line_name((enum proof_line)line));
		arena_free(arena);
	}
	arena_free(town.arena);
}
END_TEST

START_TEST(the_frame_of_a_breach_shows_its_tag)
{
	struct town town = town_of(policy_good_file);
	struct packet packet;

	break_frames_by_tag(&town);
	packet = town_prove(&town, town.ruleset).lines[PROOF_FRAMES].breach.packet;
	ck_assert_uint_eq(packet.protocol, 17);
	ck_assert_uint_ne(packet.ether_type, 0x0800);
	ck_assert_uint_ne(packet.ether_type, 0x86dd);
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

/* Two flows live between the same interfaces, the first as it should: a connection of the second that nobody grants is seen all the same. */
START_TEST(a_mark_hides_no_other_between_the_same_interfaces)
{
	struct town town = town_of(policy_good_file);
	struct carried carried = { .source = { .family = 4, .bytes = { 10, 2, 0, 200 } }, .destination = { .family = 4, .bytes = { 10, 3, 0, 200 } },
				   .protocol = 6, .sport = 40000, .dport = 443 };
	const struct proof_input input = { .ruleset = town.ruleset, .pins = town.pins, .now = town.now, .carried = &carried, .carried_count = 1 };
	struct proof proof;

	carried.mark = last_mark_between(&town, "lg0", "in0");
	proof = ruleset_prove(town.arena, &input);
	ck_assert_msg(proof.lines[PROOF_SANITIZED].state == PROOF_BROKEN, "the connection 10.2.0.200 -> 10.3.0.200 went unseen");
	ck_assert_int_eq(proof.lines[PROOF_SANITIZED].breach.packet.source.bytes[3], 200);
	arena_free(town.arena);
}
END_TEST

/* ---- isolation */

static void let_all_pass(struct town *town, const char *chain)
{
	rule_insert(town, chain, &accept_step, 1);
}

static void isolated_as_made(struct town *town) { (void)town; }
static void isolated_admits_all(struct town *town) { let_all_pass(town, "admitted"); }
static void isolated_admits_from_lgwan(struct town *town) { let_pass(town, "admitted", "lg0", NULL); }
static void isolated_admits_live(struct town *town)
{
	const struct step steps[] = { { .kind = STEP_LOOKUP, .key = { { FIELD_CT_MARK, FIELD_IIF, FIELD_OIF } }, .set = "live" }, accept_step };

	rule_insert(town, "admitted", steps, 2);
}

static void isolated_spares_all(struct town *town) { let_all_pass(town, "spared"); }
static void isolated_crowded(struct town *town)
{
	struct step step = { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_GOTO, .chain = "crowded" } };

	let_all_pass(town, "crowded");
	rule_insert(town, "admitted", &step, 1);
}

/* What runs goes on before anybody asks whether its interface is isolated. */
static void isolated_runs_on(struct town *town)
{
	const struct step steps[] = { { .kind = STEP_LOOKUP, .key = { { FIELD_CT_MARK, FIELD_IIF, FIELD_OIF } }, .set = "live" }, accept_step };

	rule_insert_behind(town, "forward", rules_before_live(town) - 2, steps, 2);
}

static void isolated_services(struct town *town) { let_all_pass(town, "admitted.in"); }
static void isolated_egress(struct town *town) { let_all_pass(town, "admitted.out"); }

static const struct {
	const char *what, *zone;
	const char *except[2];
	void (*change)(struct town *town);
	enum proof_state state;
} isolation_rows[] = {
	{ "a zone", "lg", { NULL }, isolated_as_made, PROOF_HOLDS },
	{ "every zone", ISOLATION_EVERY_ZONE, { NULL }, isolated_as_made, PROOF_HOLDS },
	{ "a zone, but for two flows", "lg", { "juki-shokai", "screen" }, isolated_as_made, PROOF_HOLDS },
	{ "live flows pass unasked", "lg", { "juki-shokai", "screen" }, isolated_admits_all, PROOF_BROKEN },
	{ "of two flows between the same interfaces one is spared, and both pass", "lg", { "screen" }, isolated_admits_live, PROOF_BROKEN },
	{ "of two flows between the same interfaces the first is spared, and both go on", "lg", { "juki-shokai", "screen" }, isolated_runs_on, PROOF_BROKEN },
	{ "live flows pass to it, and not back", "in", { NULL }, isolated_admits_from_lgwan, PROOF_BROKEN },
	{ "all are spared", "in", { NULL }, isolated_spares_all, PROOF_BROKEN },
	{ "what is crowded is not asked whether it is isolated", "lg", { NULL }, isolated_crowded, PROOF_BROKEN },
	{ "services go on", "lg", { NULL }, isolated_services, PROOF_BROKEN },
	{ "ways out go on", "lg", { NULL }, isolated_egress, PROOF_BROKEN },
};

/* The zone is cut off; then somebody changes the rules. The other lines hold all the same. */
START_TEST(nothing_passes_by_an_isolated_interface)
{
	struct town town = town_of(policy_good_file);
	struct isolation one = { .zone = isolation_rows[_i].zone, .except = isolation_rows[_i].except };
	const struct isolations isolations = { .items = &one, .count = 1 };
	struct program_input program = town.pins->program;
	struct proof_input input = { .pins = town.pins, .now = town.now };
	struct proof proof;

	while (one.except_count < 2 && one.except[one.except_count])
		one.except_count++;
	program.links = &town.ruleset->links;
	isolation_rows[_i].change(&town);
	input.ruleset = isolation_apply(town.arena, town.ruleset, &program, &isolations);
	input.isolation = isolation_claim_of(town.arena, input.ruleset);
	ck_assert_uint_gt(input.isolation.interface_count, 0);
	ck_assert_msg((input.isolation.mark_count > 0) == (one.except_count > 0), "%s", isolation_rows[_i].what);
	proof = ruleset_prove(town.arena, &input);
	for (int line = 0; line < PROOF_LINE_COUNT; line++)
		ck_assert_msg(proof.lines[line].state == (line == PROOF_ISOLATED ? isolation_rows[_i].state : PROOF_HOLDS), "%s: %s",
			      isolation_rows[_i].what, line_words(&town, input.ruleset, &proof, line));
	arena_free(town.arena);
}
END_TEST

/* Of two marks that pass the higher one is spared. */
START_TEST(a_mark_below_a_spared_one_is_not_spared)
{
	struct town town = town_of(policy_good_file);
	const uint32_t interfaces[] = { interface(&town, "lg0") }, spared = 0x5001;
	struct step marks = match32(FIELD_CT_MARK, spared - 1);
	struct proof_input input = { .ruleset = town.ruleset, .pins = town.pins, .now = town.now, .isolation = { interfaces, 1, &spared, 1 } };
	struct proof_result result;

	marks.mask[3] = 0xfe;
	rule_insert(&town, "forward", (const struct step[]){ match32(FIELD_IIF, interfaces[0]), match32(FIELD_OIF, interface(&town, "in0")), marks, accept_step }, 4);
	result = ruleset_prove(town.arena, &input).lines[PROOF_ISOLATED];
	ck_assert_int_eq(result.state, PROOF_BROKEN);
	ck_assert_uint_eq(result.breach.packet.ct_mark, spared - 1);
	arena_free(town.arena);
}
END_TEST

/* ---- conditions that the program does not use */

static struct step match_bits(enum field field, uint32_t mask, uint32_t value)
{
	struct step step = match32(field, value);

	for (int i = 0; i < 4; i++)
		step.mask[i] = (uint8_t)(mask >> (24 - 8 * i));
	return step;
}

enum {
	CONDITIONS_MAX = 3,
	STATUS_UNMODELLED = 0x400,	/* IPS_FIXED_TIMEOUT */
	STRANGE_WORK_MAX = 1000000,	/* the good file takes 50,000 steps */
};

struct condition {
	enum field field;
	uint32_t mask, value;
	enum match_op op;
};

/* In the good file mn0 has an even index. */
static const struct {
	const char *what;
	struct condition conditions[CONDITIONS_MAX];	/* until FIELD_NONE */
	enum proof_state of_rule, of_chain;	/* all in one rule; each in a rule of its own that drops what does not fulfil it */
} condition_rows[] = {
	{ "bits that the mask takes away", { { FIELD_CT_MARK, 0x000000f0, 0x0000000f, MATCH_EQ } }, PROOF_HOLDS, PROOF_HOLDS },
	{ "a user that a forwarded packet has not", { { FIELD_SKUID, 0xffffffff, 0, MATCH_EQ } }, PROOF_HOLDS, PROOF_BROKEN },
	{ "some bits of the mark", { { FIELD_CT_MARK, 0x00f000f0, 0x00500050, MATCH_EQ } }, PROOF_BROKEN, PROOF_BROKEN },
	{ "some bits of the mark that are not so", { { FIELD_CT_MARK, 0x00f000f0, 0, MATCH_NE } }, PROOF_BROKEN, PROOF_BROKEN },
	{ "some bits of the source", { { FIELD_IP_SADDR, 0xff00007f, 0x0a00003b, MATCH_EQ } }, PROOF_BROKEN, PROOF_BROKEN },
	{ "a bit that no index of My Number has", { { FIELD_IIF, 1, 1, MATCH_EQ } }, PROOF_HOLDS, PROOF_HOLDS },
	{ "a bit that an index of My Number has not", { { FIELD_IIF, 1, 1, MATCH_NE } }, PROOF_BROKEN, PROOF_BROKEN },
	{ "a bit of the status that is not modelled", { { FIELD_CT_STATUS, STATUS_UNMODELLED, STATUS_UNMODELLED, MATCH_EQ } }, PROOF_BROKEN, PROOF_BROKEN },
	{ "no such bit of the status", { { FIELD_CT_STATUS, STATUS_UNMODELLED, STATUS_UNMODELLED, MATCH_NE } }, PROOF_BROKEN, PROOF_BROKEN },
	{ "bits of the mark, an index and the status",
	  { { FIELD_CT_MARK, 0x00f000f0, 0x00500050, MATCH_EQ }, { FIELD_IIF, 1, 0, MATCH_EQ }, { FIELD_CT_STATUS, STATUS_UNMODELLED, STATUS_UNMODELLED, MATCH_EQ } },
	  PROOF_BROKEN, PROOF_BROKEN },
	{ "bits of the mark, another index and the status",
	  { { FIELD_CT_MARK, 0x00f000f0, 0x00500050, MATCH_EQ }, { FIELD_IIF, 1, 1, MATCH_EQ }, { FIELD_CT_STATUS, STATUS_UNMODELLED, STATUS_UNMODELLED, MATCH_EQ } },
	  PROOF_HOLDS, PROOF_HOLDS },
	/* No packet can, and the prover does not find that out: it has to say so, and soon. */
	{ "one bit of the mark set and not set", { { FIELD_CT_MARK, 0x10, 0x10, MATCH_EQ }, { FIELD_CT_MARK, 0x30, 0x20, MATCH_EQ } }, PROOF_UNPROVED, PROOF_UNPROVED },
	{ "one bit of the status set and not set",
	  { { FIELD_CT_STATUS, STATUS_UNMODELLED, STATUS_UNMODELLED, MATCH_EQ }, { FIELD_CT_STATUS, STATUS_UNMODELLED, 0, MATCH_EQ } }, PROOF_UNPROVED, PROOF_UNPROVED },
};

static size_t condition_steps(size_t row, struct step steps[static CONDITIONS_MAX])
{
	size_t count = 0;

	for (; count < CONDITIONS_MAX && condition_rows[row].conditions[count].field != FIELD_NONE; count++) {
		const struct condition *condition = &condition_rows[row].conditions[count];

		steps[count] = match_bits(condition->field, condition->mask, condition->value);
		steps[count].op = condition->op;
	}
	return count;
}

static void condition_demand(const struct town *town, size_t row, enum proof_state state)
{
	const struct proof proof = town_prove(town, town->ruleset);

	ck_assert_msg(proof.lines[PROOF_NEVER].state == state, "%s: %s", condition_rows[row].what,
		      line_words(town, town->ruleset, &proof, PROOF_NEVER));
	ck_assert_msg(proof.work < STRANGE_WORK_MAX, "%s: %llu steps", condition_rows[row].what, (unsigned long long)proof.work);
	if (state == PROOF_UNPROVED)
		ck_assert_int_eq(proof.lines[PROOF_NEVER].doubt, PROOF_UNCONFIRMED);
}

/* In front of the forward chain: what fulfils all conditions passes to Internet. */
START_TEST(strange_conditions_are_not_taken_for_safe)
{
	struct town town = town_of(policy_good_file);
	struct step steps[CONDITIONS_MAX + 2] = { match32(FIELD_OIF, interface(&town, "in0")) };
	size_t count = 1 + condition_steps((size_t)_i, steps + 1);

	steps[count++] = accept_step;
	rule_insert(&town, "forward", steps, count);
	condition_demand(&town, (size_t)_i, condition_rows[_i].of_rule);
	arena_free(town.arena);
}
END_TEST

/* The same in rules of their own, which drop first connections that do not fulfil them: what lacks the very field goes past them. */
START_TEST(strange_conditions_of_a_chain_are_not_taken_for_safe)
{
	struct town town = town_of(policy_good_file);
	const struct step pass[] = { match32(FIELD_OIF, interface(&town, "in0")), match32(FIELD_CT_STATE, CT_NEW), accept_step };
	struct step steps[CONDITIONS_MAX];
	const size_t count = condition_steps((size_t)_i, steps);

	rule_insert(&town, "forward", pass, 3);
	for (size_t i = 0; i < count; i++) {
		struct step drop[] = { steps[i], { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_DROP } } };

		drop[0].op = steps[i].op == MATCH_EQ ? MATCH_NE : MATCH_EQ;
		rule_insert(&town, "forward", drop, 2);
	}
	condition_demand(&town, (size_t)_i, condition_rows[_i].of_chain);
	arena_free(town.arena);
}
END_TEST

static const struct {
	const char *what;
	uint16_t type;
} type_rows[] = {
	{ "Ethernet", 1 }, { "the loopback's type", 772 }, { "a type that nobody else mentions", 32 }, { "the type whose number is 0", 0 },
};

START_TEST(interface_types_are_told_apart)
{
	struct town town = town_of(policy_good_file);
	const struct step steps[] = { match16(FIELD_IIFTYPE, type_rows[_i].type), match32(FIELD_IIF, interface(&town, "mn0")),
				      match32(FIELD_OIF, interface(&town, "in0")), accept_step };
	struct proof proof;

	rule_insert(&town, "forward", steps, 4);
	proof = town_prove(&town, town.ruleset);
	ck_assert_msg(proof.lines[PROOF_NEVER].state == PROOF_BROKEN, "%s: %s", type_rows[_i].what,
		      line_words(&town, town.ruleset, &proof, PROOF_NEVER));
	arena_free(town.arena);
}
END_TEST

/* Adds a set of conntrack status, behind all others by its name. */
static void add_statuses(struct town *town, const uint32_t *statuses, size_t count)
{
	struct set *sets = arena_array(town->arena, town->inet->set_count + 1, sizeof(*sets)), *set = &sets[town->inet->set_count];

	memcpy(sets, town->inet->sets, town->inet->set_count * sizeof(*sets));
	*set = (struct set){ .name = "zz", .key = { { FIELD_CT_STATUS } }, .element_count = count };
	set->elements = arena_array(town->arena, count, sizeof(*set->elements));
	for (size_t i = 0; i < count; i++) {
		uint8_t *key = arena_alloc(town->arena, 4);

		put_number(key, statuses[i]);
		set->elements[i].key = key;
	}
	town->inet->sets = sets;
	town->inet->set_count++;
}

/* What runs has this status where the kernel knows of NAT: a bit of it is not modelled. */
START_TEST(a_status_in_a_set_may_have_more_bits_than_are_modelled)
{
	static const uint32_t running = 0x18e;
	struct town town = town_of(policy_good_file);

	add_statuses(&town, &running, 1);
	rule_insert(&town, "forward",
		    (const struct step[]){ match32(FIELD_IIF, interface(&town, "mn0")), match32(FIELD_OIF, interface(&town, "in0")),
					   { .kind = STEP_LOOKUP, .key = { { FIELD_CT_STATUS } }, .set = "zz" }, accept_step }, 4);
	ck_assert_int_ne(town_prove(&town, town.ruleset).lines[PROOF_NEVER].state, PROOF_HOLDS);
	arena_free(town.arena);
}
END_TEST

/* A set of each status with NAT in its low bits does not hold those with another bit above. */
START_TEST(a_set_of_statuses_forbids_no_nat)
{
	struct town town = town_of(policy_good_file);
	struct chain *forward = chain_named(town.inet, "forward");
	uint32_t statuses[256];
	size_t count = 0;

	for (uint32_t status = 0; status < 256; status++)
		if (status & (CT_SNAT | CT_DNAT))
			statuses[count++] = status;
	add_statuses(&town, statuses, count);
	for (size_t r = 0; r < forward->rule_count; r++)
		if (forward->rules[r].steps[0].kind == STEP_MATCH && forward->rules[r].steps[0].field == FIELD_CT_STATUS)
			forward->rules[r].steps[0] = (struct step){ .kind = STEP_LOOKUP, .key = { { FIELD_CT_STATUS } }, .set = "zz" };
	ck_assert_int_ne(town_prove(&town, town.ruleset).lines[PROOF_NAT].state, PROOF_HOLDS);
	arena_free(town.arena);
}
END_TEST

/* A look-up in a set that is not there drops, as evaluate() does; one of another shape as well. */
START_TEST(a_set_that_is_not_there_lets_nothing_pass)
{
	static const char *const names[] = { "nowhere", "life-safety" };
	struct town town = town_of(policy_good_file);
	const struct step steps[] = { { .kind = STEP_LOOKUP, .key = { { FIELD_IP_SADDR, FIELD_IP_DADDR } }, .set = names[_i] }, accept_step };

	rule_insert(&town, "forward", steps, 2);
	ck_assert(town_prove(&town, town.ruleset).holds);
	arena_free(town.arena);
}
END_TEST

/* Base chains of one hook take turns by priority: one that accepts decides nothing, in front or behind; one that stands alone would. */
START_TEST(another_chain_at_the_hook_opens_nothing)
{
	struct town town = town_of(policy_good_file);
	struct chain *chains = arena_array(town.arena, town.inet->chain_count + 1, sizeof(*chains));

	memcpy(chains + 1, town.inet->chains, town.inet->chain_count * sizeof(*chains));
	chains[0] = (struct chain){ .name = "a-first", .hook = { .base = true, .number = 2, .priority = _i ? 10 : -10, .policy = VERDICT_ACCEPT } };
	town.inet->chains = chains;
	town.inet->chain_count++;
	ck_assert(town_prove(&town, town.ruleset).holds);
	chain_named(town.inet, "forward")->hook.number = 4;
	ck_assert_int_eq(town_prove(&town, town.ruleset).lines[PROOF_NEVER].state, PROOF_BROKEN);
	arena_free(town.arena);
}
END_TEST

/* A specified flow binds both of its hosts: rules and grants that agree are not enough. */
START_TEST(a_specified_flow_of_hosts_without_mac_is_not_proved)
{
	struct town town = town_of(policy_good_file);
	struct binding_pin *bindings = arena_array(town.arena, town.pins->binding_count, sizeof(*bindings));
	size_t kept = 0;

	/* Without those of its zone at one end, or at the other. */
	for (size_t i = 0; i < town.pins->binding_count; i++)
		if (town.pins->bindings[i].zone != (uint32_t)_i)
			bindings[kept++] = town.pins->bindings[i];
	ck_assert_uint_lt(kept, town.pins->binding_count);
	town.pins->bindings = bindings;
	town.pins->binding_count = kept;
	ck_assert_int_ne(town_prove(&town, town.ruleset).lines[PROOF_SPECIFIED].state, PROOF_HOLDS);
	arena_free(town.arena);
}
END_TEST

static const struct {
	const char *what;
	struct step source, destination, end;
	uint8_t bits[4];		/* of the last address of the source and of the destination, of the port, and the protocol of the grant */
} wide_rows[] = {
	{ "two sources", { .mask = { 255, 255, 255, 254 }, .value = { 10, 1, 0, 10 } }, { .mask = { 255, 255, 255, 255 }, .value = { 10, 2, 0, 20 } },
	  { .field = FIELD_DPORT, .mask = { 255, 255 }, .value = { 1, 187 } }, { 1, 0, 0, 6 } },
	{ "four destinations", { .mask = { 255, 255, 255, 255 }, .value = { 10, 1, 0, 10 } }, { .mask = { 255, 255, 255, 252 }, .value = { 10, 2, 0, 20 } },
	  { .field = FIELD_DPORT, .mask = { 255, 255 }, .value = { 1, 187 } }, { 0, 3, 0, 6 } },
	{ "two ports", { .mask = { 255, 255, 255, 255 }, .value = { 10, 1, 0, 10 } }, { .mask = { 255, 255, 255, 255 }, .value = { 10, 2, 0, 20 } },
	  { .field = FIELD_DPORT, .mask = { 255, 254 }, .value = { 1, 186 } }, { 0, 0, 1, 6 } },
	{ "a ping", { .mask = { 255, 255, 255, 255 }, .value = { 10, 1, 0, 10 } }, { .mask = { 255, 255, 255, 255 }, .value = { 10, 2, 0, 20 } },
	  { .field = FIELD_ICMP_TYPE, .mask = { 255 }, .value = { 8 } }, { 0, 0, 0, 1 } },
};

/* The grant of a row, which no file can give: all that its rule lets pass is granted. */
static void grant_wide(struct town *town, size_t row)
{
	struct grant *grants = arena_array(town->arena, town->pins->grant_count + 1, sizeof(*grants));
	struct addr_range *ends = arena_array(town->arena, 2, sizeof(*ends));
	struct port_range *port = arena_alloc(town->arena, sizeof(*port));
	const uint8_t *bits = wide_rows[row].bits;

	ends[0] = (struct addr_range){ { .family = 4, .bytes = { 10, 1, 0, 10 } }, { .family = 4, .bytes = { 10, 1, 0, (uint8_t)(10 + bits[0]) } } };
	ends[1] = (struct addr_range){ { .family = 4, .bytes = { 10, 2, 0, 20 } }, { .family = 4, .bytes = { 10, 2, 0, (uint8_t)(20 + bits[1]) } } };
	*port = (struct port_range){ (uint16_t)(443 - bits[2]), 443 };
	memcpy(grants, town->pins->grants, town->pins->grant_count * sizeof(*grants));
	grants[town->pins->grant_count++] = (struct grant){ .kind = FLOW_FORWARD, .from = 0, .to = 1, .sources = { ends, 1 }, .destinations = { ends + 1, 1 },
							    .protocol = bits[3], .ports = port, .port_count = bits[3] == 6 };
	town->pins->grants = grants;
}

START_TEST(a_specified_flow_is_of_one_host_to_one_port_of_another)
{
	struct town town = town_of(policy_good_file);
	struct step steps[] = { match32(FIELD_IIF, interface(&town, "mn0")), match32(FIELD_OIF, interface(&town, "lg0")), match32(FIELD_CT_STATE, CT_NEW),
				match8(FIELD_L4PROTO, wide_rows[_i].bits[3]), wide_rows[_i].source, wide_rows[_i].destination, wide_rows[_i].end, accept_step };
	struct proof proof;

	steps[4].field = FIELD_IP_SADDR;
	steps[5].field = FIELD_IP_DADDR;
	rule_insert(&town, "forward", steps, sizeof(steps) / sizeof(steps[0]));
	grant_wide(&town, (size_t)_i);
	proof = town_prove(&town, town.ruleset);
	ck_assert_msg(proof.lines[PROOF_SPECIFIED].state == PROOF_BROKEN, "%s: %s", wide_rows[_i].what, line_words(&town, town.ruleset, &proof, PROOF_SPECIFIED));
	arena_free(town.arena);
}
END_TEST

static const struct {
	const char *what;
	uint32_t ct_state;
	uint8_t type, direction;
	enum proof_state state;
} ping_rows[] = {
	{ "an echo request", CT_NEW, 8, DIRECTION_ORIGINAL, PROOF_HOLDS },
	{ "an echo reply", CT_ESTABLISHED, 0, DIRECTION_REPLY, PROOF_HOLDS },
	{ "a question for the time", CT_NEW, 13, DIRECTION_ORIGINAL, PROOF_BROKEN },
	{ "its answer", CT_ESTABLISHED, 14, DIRECTION_REPLY, PROOF_BROKEN },
	{ "a redirect of nothing", CT_UNTRACKED, 5, DIRECTION_ORIGINAL, PROOF_BROKEN },
};

/* Who may ping LGWAN may send echoes there, and no other ICMP. */
START_TEST(a_grant_of_pings_is_one_of_echoes)
{
	struct town town = town_of(policy_good_file);
	struct grant *grants = arena_array(town.arena, town.pins->grant_count + 1, sizeof(*grants));
	const bool reply = ping_rows[_i].direction == DIRECTION_REPLY, tracked = ping_rows[_i].ct_state != CT_UNTRACKED;
	struct step steps[] = { match32(FIELD_IIF, interface(&town, reply ? "in0" : "lg0")), match32(FIELD_OIF, interface(&town, reply ? "lg0" : "in0")),
				match8(FIELD_ICMP_TYPE, ping_rows[_i].type), match32(FIELD_CT_STATE, ping_rows[_i].ct_state),
				{ .kind = STEP_MATCH, .field = FIELD_IP_SADDR, .mask = { 255, 255, 255 }, .value = { 10, reply ? 3 : 2 } },
				{ .kind = STEP_MATCH, .field = FIELD_IP_DADDR, .mask = { 255, 255, 255 }, .value = { 10, reply ? 2 : 3 } },
				match8(FIELD_CT_DIRECTION, ping_rows[_i].direction), accept_step };
	struct proof proof;

	if (!tracked)
		steps[6] = (struct step){ .kind = STEP_COUNTER };
	memcpy(grants, town.pins->grants, town.pins->grant_count * sizeof(*grants));
	grants[town.pins->grant_count++] = (struct grant){ .kind = FLOW_FORWARD, .from = 1, .to = 2, .sources = town.pins->zones[1].networks,
							    .destinations = town.pins->zones[2].networks, .protocol = 1 };
	town.pins->grants = grants;
	rule_insert(&town, "forward", steps, sizeof(steps) / sizeof(steps[0]));
	proof = town_prove(&town, town.ruleset);
	ck_assert_msg(proof.lines[PROOF_SANITIZED].state == ping_rows[_i].state, "%s: %s", ping_rows[_i].what,
		      line_words(&town, town.ruleset, &proof, PROOF_SANITIZED));
	arena_free(town.arena);
}
END_TEST

static const struct {
	const char *what;
	uint8_t flags;
	bool followed;		/* conntrack takes the packet for one of a connection */
} flag_rows[] = {
	{ "none", 0, false }, { "FIN", 1, false }, { "SYN", 2, true }, { "SYN and FIN", 3, false }, { "RST", 4, true }, { "ACK", 16, true }, { "FIN and ACK", 17, true },
	{ "SYN and ACK", 18, true }, { "RST and ACK", 20, true }, { "SYN and URG", 34, true }, { "ACK and URG", 48, true }, { "FIN, ACK and URG", 49, true },
	{ "all but PSH", 55, false }, { "SYN, and PSH, ECE and CWR besides", 2 | 8 | 64 | 128, true },
};

/* A packet of a connection has flags that conntrack takes: with others it is none. */
START_TEST(flags_of_tcp_are_those_that_conntrack_takes)
{
	struct town town = town_of(policy_good_file);
	struct proof proof;

	rule_insert(&town, "forward",
		    (const struct step[]){ match32(FIELD_IIF, interface(&town, "mn0")), match32(FIELD_OIF, interface(&town, "in0")), match32(FIELD_CT_STATE, CT_ESTABLISHED),
					   match8(FIELD_L4PROTO, 6), match8(FIELD_TCP_FLAGS, flag_rows[_i].flags), accept_step }, 6);
	proof = town_prove(&town, town.ruleset);
	ck_assert_msg(proof.lines[PROOF_NEVER].state == (flag_rows[_i].followed ? PROOF_BROKEN : PROOF_HOLDS), "%s: %s", flag_rows[_i].what,
		      line_words(&town, town.ruleset, &proof, PROOF_NEVER));
	arena_free(town.arena);
}
END_TEST

/* A zone whose interface is not there has no packets, and the rest is proved. */
START_TEST(an_interface_that_is_not_there_has_no_packets)
{
	struct town town = town_of(policy_good_file);
	struct ruleset *ruleset = town.ruleset;
	size_t kept = 0;

	for (size_t i = 0; i < ruleset->links.count; i++)
		if (strcmp(ruleset->links.items[i].name, "up0") != 0)
			ruleset->links.items[kept++] = ruleset->links.items[i];
	ruleset->links.count = kept;
	ck_assert_int_eq(town_prove(&town, ruleset).lines[PROOF_FRAMES].state, PROOF_HOLDS);
	ck_assert_int_eq(town_prove(&town, ruleset).lines[PROOF_NEVER].state, PROOF_HOLDS);
	arena_free(town.arena);
}
END_TEST

START_TEST(more_interfaces_than_can_be_told_apart_are_not_proved)
{
	enum { MANY = 600 };
	struct town town = town_of(policy_good_file);
	struct link *links = arena_array(town.arena, MANY, sizeof(*links));
	struct proof proof;

	for (size_t i = 0; i < MANY; i++) {
		links[i].index = 5000 + (uint32_t)i;
		snprintf(links[i].name, sizeof(links[i].name), "x%zu", i);
	}
	memcpy(links, town.ruleset->links.items, town.ruleset->links.count * sizeof(*links));
	town.ruleset->links = (struct link_table){ .items = links, .count = MANY };
	link_table_sort(&town.ruleset->links);
	proof = town_prove(&town, town.ruleset);
	for (int line = 0; line < PROOF_LINE_COUNT; line++)
		ck_assert_int_eq(proof.lines[line].doubt, PROOF_TOO_COMPLEX);
	arena_free(town.arena);
}
END_TEST

/* What the kernel's reader could not make out: a set without a key, a chain that hangs nowhere we know. */
START_TEST(alien_sets_and_chains_are_not_proved)
{
	struct town town = town_of(policy_good_file);
	struct proof proof;

	if (_i)
		chain_named(town.inet, "forward")->hook.policy = VERDICT_NONE;
	else
		set_named(town.inet, "life-safety")->key.fields[0] = FIELD_NONE;
	proof = town_prove(&town, town.ruleset);
	ck_assert(!proof.holds && proof.lines[PROOF_NEVER].doubt == PROOF_UNREADABLE);
	ck_assert_str_eq(proof.unreadable, _i ? "chain forward" : "set life-safety");
	arena_free(town.arena);
}
END_TEST

/* ---- limits: what there is no room for is not proved */

/* So many rules in front of forward, each of which forbids two bits of the mark at a time: no range says that. */
static void forbid_bits(struct town *town, size_t rules)
{
	for (size_t i = 0; i < rules; i++) {
		const uint32_t bits = 0x00010001u << i % 15;
		const struct step steps[] = { match_bits(FIELD_CT_MARK, bits, bits), { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_DROP } } };

		rule_insert(town, "forward", steps, 2);
	}
}

/* What is in a set is dropped, and then what is in the set passes: nothing does. A path that forgot the first does not know that any more; it
 * remembers three things beside the forbidden bits. */
START_TEST(a_forgotten_fact_proves_nothing)
{
	const struct step in_set = { .kind = STEP_LOOKUP, .key = { { FIELD_DPORT, FIELD_IIF } }, .set = "zz" };
	struct town town = town_of(policy_good_file);
	const struct step pass[] = { match16(FIELD_SPORT, 7), match32(FIELD_OIF, interface(&town, "in0")), in_set, accept_step };
	const struct step drop[] = { match16(FIELD_SPORT, 7), in_set, { .kind = STEP_VERDICT, .verdict = { .kind = VERDICT_DROP } } };
	struct proof proof;

	add_doors(&town, (const uint16_t[]){ 5, 9 }, (const char *const[]){ "lg0", "mn0" });
	rule_insert(&town, "forward", pass, 4);
	rule_insert(&town, "forward", drop, 3);
	forbid_bits(&town, PATH_FACTS_MAX - 3 + (size_t)_i);
	proof = town_prove(&town, town.ruleset);
	ck_assert_msg(proof.lines[PROOF_NEVER].state == (_i ? PROOF_UNPROVED : PROOF_HOLDS), "%s", line_words(&town, town.ruleset, &proof, PROOF_NEVER));
	ck_assert_uint_lt(proof.work, STRANGE_WORK_MAX);
	arena_free(town.arena);
}
END_TEST

enum { PORTS_FIRST = 2048 };

/* UDP from LGWAN to the gateway: a grant of one port for each of so many, but for one. The first of them again, if `twice`. */
static void grant_ports(struct town *town, size_t count, size_t without, bool twice)
{
	struct grant *grants = arena_array(town->arena, town->pins->grant_count + 1, sizeof(*grants)), *grant = &grants[town->pins->grant_count];
	struct port_range *ports = arena_array(town->arena, count + 1, sizeof(*ports));

	memcpy(grants, town->pins->grants, town->pins->grant_count * sizeof(*grants));
	*grant = (struct grant){ .kind = FLOW_LOCAL, .from = 1, .sources = town->pins->zones[1].networks, .protocol = 17, .ports = ports };
	for (size_t i = 0; i < count; i++)
		if (i != without)
			ports[grant->port_count++] = (struct port_range){ (uint16_t)(PORTS_FIRST + i), (uint16_t)(PORTS_FIRST + i) };
	if (twice)
		ports[grant->port_count++] = (struct port_range){ PORTS_FIRST, PORTS_FIRST };
	town->pins->grants = grants;
	town->pins->grant_count++;
}

static const struct {
	const char *what;
	size_t without;
	bool twice;
	enum proof_state state;
	enum proof_doubt doubt;
} overlap_rows[] = {
	{ "as many grants as are looked at", SIZE_MAX, false, PROOF_HOLDS, PROOF_NO_DOUBT },
	{ "one of them is missing", 300, false, PROOF_BROKEN, PROOF_NO_DOUBT },
	{ "one grant more than are looked at", SIZE_MAX, true, PROOF_UNPROVED, PROOF_TOO_COMPLEX },
};

/* One rule lets 512 ports in, each of which is a grant of its own. */
START_TEST(more_grants_than_are_looked_at_are_not_proved)
{
	struct town town = town_of(policy_good_file);
	struct step ports = match16(FIELD_DPORT, PORTS_FIRST);
	struct proof proof;

	ports.mask[0] = 0xfe;
	ports.mask[1] = 0;
	rule_insert(&town, "input",
		    (const struct step[]){ match32(FIELD_IIF, interface(&town, "lg0")),
					   { .kind = STEP_MATCH, .field = FIELD_IP_SADDR, .mask = { 255, 255, 255 }, .value = { 10, 2 } },
					   { .kind = STEP_MATCH, .field = FIELD_L4PROTO, .mask = { 255 }, .value = { 17 } },
					   match32(FIELD_CT_STATE, CT_NEW), ports, accept_step }, 6);
	grant_ports(&town, GRANTS_OVERLAPS_MAX, overlap_rows[_i].without, overlap_rows[_i].twice);
	proof = town_prove(&town, town.ruleset);
	ck_assert_msg(proof.lines[PROOF_INPUT].state == overlap_rows[_i].state && proof.lines[PROOF_INPUT].doubt == overlap_rows[_i].doubt, "%s: %s",
		      overlap_rows[_i].what, line_words(&town, town.ruleset, &proof, PROOF_INPUT));
	arena_free(town.arena);
}
END_TEST

/* Users 8 and 9 may send, and only 9 has a grant: the packet is of 8. */
START_TEST(the_packet_of_a_breach_is_of_a_user_without_grant)
{
	static const struct port_range port[] = { { 2222, 2222 } };
	struct town town = town_of(policy_good_file);
	struct grant *grants = arena_array(town.arena, town.pins->grant_count + 1, sizeof(*grants));
	struct proof proof;

	memcpy(grants, town.pins->grants, town.pins->grant_count * sizeof(*grants));
	grants[town.pins->grant_count++] = (struct grant){ .kind = FLOW_EGRESS, .to = 1, .destinations = town.pins->zones[1].networks, .protocol = 17,
							    .ports = port, .port_count = 1, .uid = 9 };
	town.pins->grants = grants;
	rule_insert(&town, "output",
		    (const struct step[]){ match32(FIELD_OIF, interface(&town, "lg0")), match8(FIELD_L4PROTO, 17), match16(FIELD_DPORT, 2222),
					   { .kind = STEP_MATCH, .field = FIELD_IP_DADDR, .mask = { 255, 255, 255 }, .value = { 10, 2 } },
					   match32(FIELD_CT_STATE, CT_NEW), match_bits(FIELD_SKUID, 0xfffffffe, 8), accept_step }, 7);
	proof = town_prove(&town, town.ruleset);
	ck_assert_int_eq(proof.lines[PROOF_OUTPUT].state, PROOF_BROKEN);
	ck_assert_uint_eq(proof.lines[PROOF_OUTPUT].breach.packet.skuid, 8);
	arena_free(town.arena);
}
END_TEST

/* Each rule sets the mark anew: a path has room for a few. Two are those of the good file. */
START_TEST(more_marks_than_a_path_has_room_for_are_not_proved)
{
	struct town town = town_of(policy_good_file);
	struct proof proof;

	for (int i = 0; i < SPACE_MARKS_MAX - 3 + _i; i++)
		rule_insert(&town, "forward", (const struct step[]){ { .kind = STEP_SET_MARK_VALUE, .value = { 0, 0, 0x7f, (uint8_t)i } } }, 1);
	proof = town_prove(&town, town.ruleset);
	ck_assert_int_eq(proof.lines[PROOF_NEVER].state, _i > 0 ? PROOF_UNPROVED : PROOF_HOLDS);
	ck_assert_int_eq(proof.lines[PROOF_NEVER].doubt, _i > 0 ? PROOF_TOO_COMPLEX : PROOF_NO_DOUBT);
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
	tcase_add_loop_test(cases, what_is_no_chain_is_not_called_one, 0, sizeof(no_chains) / sizeof(no_chains[0]));
	tcase_add_test(cases, the_oracle_agrees_about_the_good_file);
	tcase_add_test(cases, what_the_oracle_finds_is_never_said_to_hold);
	tcase_add_loop_test(cases, each_line_breaks_when_it_should, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(cases, what_is_not_understood_is_not_proved);
	tcase_add_test(cases, what_is_said_not_to_be_understood_is_not_proved);
	tcase_add_test(cases, an_entangled_chain_is_given_up);
	tcase_add_test(cases, a_proof_may_take_as_long_as_there_are_elements);
	tcase_add_test(cases, an_endless_goto_is_not_proved);
	tcase_add_loop_test(cases, an_endless_goto_is_not_proved_wherever_it_hangs, 0, sizeof(endless_rows) / sizeof(endless_rows[0]));
	tcase_add_loop_test(cases, a_forgotten_fact_proves_nothing, 0, 2);
	tcase_add_loop_test(cases, more_grants_than_are_looked_at_are_not_proved, 0, sizeof(overlap_rows) / sizeof(overlap_rows[0]));
	tcase_add_test(cases, the_packet_of_a_breach_is_of_a_user_without_grant);
	tcase_add_loop_test(cases, more_marks_than_a_path_has_room_for_are_not_proved, 0, 2);
	tcase_add_test(cases, a_line_that_breaks_hides_no_chain);
	tcase_add_test(cases, a_chain_without_a_packet_is_not_proved);
	tcase_add_test(cases, a_source_that_breaks_in_ipv4_hides_no_sender_of_ipv6);
	tcase_add_test(cases, what_lives_longer_than_its_grant_is_not_granted);
	tcase_add_loop_test(cases, a_proof_cut_short_says_of_no_broken_line_that_it_holds, 0, sizeof(lines) / sizeof(lines[0]));
	tcase_add_test(cases, the_frame_of_a_breach_shows_its_tag);
	tcase_add_test(cases, a_running_connection_of_nobody_is_a_breach);
	tcase_add_test(cases, a_mark_hides_no_other_between_the_same_interfaces);
	tcase_add_loop_test(cases, nothing_passes_by_an_isolated_interface, 0, sizeof(isolation_rows) / sizeof(isolation_rows[0]));
	tcase_add_test(cases, a_mark_below_a_spared_one_is_not_spared);
	tcase_add_loop_test(cases, strange_conditions_are_not_taken_for_safe, 0, sizeof(condition_rows) / sizeof(condition_rows[0]));
	tcase_add_loop_test(cases, strange_conditions_of_a_chain_are_not_taken_for_safe, 0, sizeof(condition_rows) / sizeof(condition_rows[0]));
	tcase_add_loop_test(cases, interface_types_are_told_apart, 0, sizeof(type_rows) / sizeof(type_rows[0]));
	tcase_add_test(cases, a_status_in_a_set_may_have_more_bits_than_are_modelled);
	tcase_add_test(cases, a_set_of_statuses_forbids_no_nat);
	tcase_add_loop_test(cases, a_set_that_is_not_there_lets_nothing_pass, 0, 2);
	tcase_add_loop_test(cases, another_chain_at_the_hook_opens_nothing, 0, 2);
	tcase_add_loop_test(cases, a_specified_flow_of_hosts_without_mac_is_not_proved, 0, 2);
	tcase_add_loop_test(cases, a_specified_flow_is_of_one_host_to_one_port_of_another, 0, sizeof(wide_rows) / sizeof(wide_rows[0]));
	tcase_add_loop_test(cases, a_grant_of_pings_is_one_of_echoes, 0, sizeof(ping_rows) / sizeof(ping_rows[0]));
	tcase_add_loop_test(cases, flags_of_tcp_are_those_that_conntrack_takes, 0, sizeof(flag_rows) / sizeof(flag_rows[0]));
	tcase_add_test(cases, an_interface_that_is_not_there_has_no_packets);
	tcase_add_test(cases, more_interfaces_than_can_be_told_apart_are_not_proved);
	tcase_add_loop_test(cases, alien_sets_and_chains_are_not_proved, 0, 2);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
