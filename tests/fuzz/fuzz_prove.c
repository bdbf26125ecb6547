/*
 * fuzz: ruleset/prove.h with rulesets that were changed at random. Each eight bytes of the input are one change; then connections are played
 * (tests/unit/prove_oracle.h). What breaks a line is never said to hold, and a breach is a packet that passes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/reader.h"
#include "policy/law.h"
#include "ruleset/compile.h"
#include "unit/prove_oracle.h"

enum { NOW = 1780000000, CHANGE_BYTES = 8, CHANGES_MAX = 4, CONNECTIONS = 60 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In ' for ". */
static const char zone_file[] =
	"town = 'U'; model = 'alpha';\n"
	"zones = ( { name = 'mn'; tier = 'mynumber'; interfaces = [ 'mn0' ]; networks = [ '10.1.0.0/24' ]; },\n"
	"	{ name = 'lg'; tier = 'lgwan'; interfaces = [ 'lg0', 'lg1' ]; networks = [ '10.2.0.0/24', 'fd00:2::/64' ]; hairpin = true; },\n"
	"	{ name = 'in'; tier = 'internet'; interfaces = [ 'in0' ]; networks = [ '10.3.0.0/24', 'fd00:3::/64' ]; },\n"
	"	{ name = 'up'; tier = 'internet'; interfaces = [ 'up0' ]; networks = [ '192.0.2.0/24' ];\n"
	"	  uplink = { routers = [ 'r' ]; dns = [ 'r' ]; smtp = [ 'r' ]; }; } );\n"
	"hosts = ( { name = 'a'; zone = 'mn'; addresses = [ '10.1.0.10' ]; macs = [ '02:00:00:01:00:10' ]; },\n"
	"	{ name = 'b'; zone = 'lg'; addresses = [ '10.2.0.20' ]; macs = [ '02:00:00:02:00:20' ]; },\n"
	"	{ name = 'c'; zone = 'in'; addresses = [ '10.3.0.30', 'fd00:3::30' ]; },\n"
	"	{ name = 'r'; zone = 'up'; addresses = [ '192.0.2.1' ]; } );\n"
	"flows = ( { name = 's'; from = 'mn'; to = 'lg'; method = 'specified'; peer = 'juki-net'; source = 'a'; destination = 'b';\n"
	"	  protocol = 'tcp'; ports = 443; record = { number = '1'; reason = 'r'; approver = 'a'; approved = '2026-04-01';\n"
	"	  expires = '2027-03-31'; }; },\n"
	"	{ name = 't'; from = 'lg'; to = 'in'; method = 'screen'; source = [ '10.2.0.64/27', 'fd00:2::/96' ]; destination = 'c';\n"
	"	  protocol = 'tcp'; ports = '3389-3400'; },\n"
	"	{ name = 'p'; from = 'in'; to = 'up'; method = 'internal'; source = 'any'; destination = 'any'; protocol = 'icmp'; } );\n"
	"gateway = { services = ( { name = 'ssh'; zone = 'lg'; source = 'b'; protocol = 'tcp'; ports = 22; } );\n"
	"	egress = ( { name = 'ntp'; user = 'root'; zone = 'lg'; destination = '10.2.0.123'; protocol = 'udp'; ports = 123; } ); };\n";

struct town {
	struct arena *arena;	/* as long as the process */
	struct pins *pins;
	struct ruleset *ruleset;
};

static void demand(bool condition)
{
	if (!condition)
		abort();
}

/* Made once. */
static struct town town_make(void)
{
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	const struct policy_world world = { .now = NOW };
	struct compile_world compile = { .now = NOW };
	char *text = arena_strdup(arena, zone_file);
	struct settings *settings;
	struct policy *policy;
	struct compiled compiled;

	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	demand(settings_read_text(arena, "fuzz.conf", text, strlen(text), &findings, &settings) == 0);
	policy = policy_resolve(arena, settings, &world, &findings);
	law_check(policy, NOW, &findings);
	demand(findings.errors == 0);
	compile.links = compile_offline_links(arena, policy);
	demand(ruleset_compile(arena, policy, &compile, &findings, &compiled) == 0);
	return (struct town){ arena, pins_of_policy(arena, policy, NULL), compiled.ruleset };
}

static void breaches_check(struct arena *arena, const struct ruleset *ruleset, const struct proof *proof)
{
	for (int line = 0; line < PROOF_LINE_COUNT; line++) {
		const struct proof_result *result = &proof->lines[line];
		struct evaluation evaluation;

		if (result->state != PROOF_BROKEN)
			continue;
		evaluation = oracle_run(arena, ruleset, result->breach.hook, &result->breach.packet, result->breach.at);
		demand(line == PROOF_SILENCE ? evaluation.rejected : evaluation.accepted);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct town town;
	struct oracle_random random = { size };
	struct arena *arena = arena_new();
	const struct ruleset *ruleset;
	struct oracle_atoms atoms;
	struct proof_input input;
	struct proof proof;

	if (!town.pins)
		town = town_make();
	ruleset = town.ruleset;
	for (size_t at = 0; at + CHANGE_BYTES <= size && at < (size_t)CHANGES_MAX * CHANGE_BYTES; at += CHANGE_BYTES) {
		memcpy(&random.state, data + at, CHANGE_BYTES);
		ruleset = oracle_changed(arena, &random, ruleset);
	}
	input = (struct proof_input){ .ruleset = ruleset, .pins = town.pins, .now = NOW };
	proof = ruleset_prove(arena, &input);
	breaches_check(arena, ruleset, &proof);
	atoms = oracle_atoms_of(town.pins, ruleset);
	for (int i = 0; i < CONNECTIONS; i++) {
		uint32_t lines = oracle_play_any(arena, town.pins, ruleset, &atoms, &random, NOW);

		for (int line = 0; line < PROOF_LINE_COUNT; line++)
			demand(!(lines & oracle_bit((enum proof_line)line)) || proof.lines[line].state != PROOF_HOLDS);
	}
	arena_free(arena);
	return 0;
}
