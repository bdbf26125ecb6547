/* Whom a change would lock out: a small town before and after an edit of the gateway's services. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "policy/law.h"
#include "ruleset/compile.h"
#include "sekishod/lockout.h"

enum { NOW = 1795200000 };	/* 2026-11-20 */

#define ZONES                                                                                                                        \
	"town = \"t\"; model = \"alpha\";\n"                                                                                         \
	"zones = ( { name = \"lgwan\"; tier = \"lgwan\"; interfaces = [ \"lg0\" ]; networks = [ \"10.2.0.0/24\", \"fd00:2::/64\" ]; }," \
	" { name = \"internet\"; tier = \"internet\"; interfaces = [ \"in0\" ]; networks = [ \"10.3.0.0/24\" ]; } );\n"              \
	"hosts = ( { name = \"admin\"; zone = \"lgwan\"; addresses = [ \"10.2.0.5\", \"fd00:2::5\" ]; macs = \"02:00:00:02:00:05\"; }," \
	" { name = \"second\"; zone = \"lgwan\"; addresses = \"10.2.0.6\"; } );\n"

#define SERVICES(list) "gateway = { services = ( " list " ); };\n"
#define SSH(name, source) "{ name = \"" name "\"; zone = \"lgwan\"; source = " source "; protocol = \"tcp\"; ports = 22; }"
#define WEB "{ name = \"web\"; zone = \"lgwan\"; source = \"admin\"; protocol = \"tcp\"; ports = 443; }"

static const struct {
	const char *what, *before, *after;
	const char *client;
	uint16_t port;
	uint32_t findings;
	uint32_t line;		/* of the finding; 0: the file as a whole */
} rows[] = {
	{ "nothing changes", SERVICES(SSH("ssh", "\"admin\"")), SERVICES(SSH("ssh", "\"admin\"")), "10.2.0.5", 22, 0, 0 },
	{ "the source is another", SERVICES(SSH("ssh", "\"admin\"")), SERVICES(SSH("ssh", "\"second\"")), "10.2.0.5", 22, 1, 4 },
	{ "the same over IPv6", SERVICES(SSH("ssh", "\"admin\"")), SERVICES(SSH("ssh", "\"second\"")), "fd00:2::5", 22, 1, 4 },
	{ "the service is gone", SERVICES(SSH("ssh", "\"admin\"") ", " WEB), SERVICES(WEB), "10.2.0.5", 22, 1, 0 },
	{ "the service has another name", SERVICES(SSH("ssh", "\"admin\"")), SERVICES(SSH("kanri", "\"admin\"")), "10.2.0.5", 22, 0, 0 },
	{ "one more source", SERVICES(SSH("ssh", "\"admin\"")), SERVICES(SSH("ssh", "[ \"admin\", \"second\" ]")), "10.2.0.5", 22, 0, 0 },
	{ "a host without a MAC", SERVICES(SSH("ssh", "\"second\"")), SERVICES(SSH("ssh", "\"admin\"")), "10.2.0.6", 22, 1, 4 },
	{ "a port that was never open", SERVICES(SSH("ssh", "\"admin\"")), SERVICES(WEB), "10.2.0.5", 80, 0, 0 },
	{ "a terminal of another zone", SERVICES(SSH("ssh", "\"admin\"")), SERVICES(WEB), "10.3.0.5", 22, 0, 0 },
};

/* A policy and its ruleset. */
struct made {
	const struct source *file;
	const struct policy *policy;
	const struct ruleset *ruleset;
};

static struct made make(struct arena *arena, const char *services)
{
	const struct policy_world world = { .now = NOW };
	const char *text = arena_printf(arena, "%s%s", ZONES, services);
	struct findings findings = findings_in(arena);
	struct compile_world compile = { .now = NOW };
	struct compiled compiled;
	struct settings *settings;
	struct made made;

	ck_assert_int_eq(settings_read_text(arena, "town.conf", text, strlen(text), &findings, &settings), 0);
	made.file = settings->sources;
	made.policy = policy_resolve(arena, settings, &world, &findings);
	compile.links = compile_offline_links(arena, made.policy);
	ck_assert_int_eq(ruleset_compile(arena, made.policy, &compile, &findings, &compiled), 0);
	ck_assert_uint_eq(findings.errors, 0);
	made.ruleset = compiled.ruleset;
	return made;
}

static struct connection connection_from(const char *client, uint16_t port)
{
	struct connection connection = { .source_port = 50022, .destination_port = port };

	ck_assert_int_eq(netaddr_parse(client, &connection.source), 0);
	ck_assert_int_eq(netaddr_parse(connection.source.family == 4 ? "10.2.0.1" : "fd00:2::1", &connection.destination), 0);
	return connection;
}

START_TEST(who_had_access_and_loses_it_is_told)
{
	struct arena *arena = arena_new();
	struct made before = make(arena, rows[_i].before), after = make(arena, rows[_i].after);
	struct connection connection = connection_from(rows[_i].client, rows[_i].port);
	struct findings findings = findings_in(arena);

	lockout_check(before.ruleset, after.ruleset, after.policy, after.file, &connection, 1, NOW, &findings);
	ck_assert_msg(findings.count == rows[_i].findings, "%s: %zu findings", rows[_i].what, findings.count);
	if (findings.count > 0) {
		ck_assert_msg(findings.items[0].origin.line == rows[_i].line, "%s: line %u", rows[_i].what, findings.items[0].origin.line);
		ck_assert_ptr_nonnull(findings.items[0].origin.source);
		ck_assert_str_eq(findings.items[0].arguments[2], "ssh");
	}
	arena_free(arena);
}
END_TEST

START_TEST(nobody_is_locked_out_of_nothing)
{
	struct arena *arena = arena_new();
	struct made after = make(arena, SERVICES(WEB));
	struct connection connection = connection_from("10.2.0.5", 22);
	struct findings findings = findings_in(arena);

	lockout_check(NULL, after.ruleset, after.policy, after.file, &connection, 1, NOW, &findings);
	ck_assert_uint_eq(findings.count, 0);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sekishod/lockout");
	TCase *cases = tcase_create("lockout");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, who_had_access_and_loses_it_is_told, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(cases, nobody_is_locked_out_of_nothing);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
