/* critical: a change that stops what must not stop is found, and one that only renames it is not. */
#include <check.h>
#include <stdlib.h>

#include "ruleset/compile.h"
#include "sekishod/catalogue.h"
#include "sekishod/critical.h"

#define IDENTITY_A "00112233445566778899aabbccddeeff"
#define IDENTITY_B "ffeeddccbbaa99887766554433221100"

static const struct flow flows[] = { { .name = "j-alert", .critical = true }, { .name = "web" } };
static const struct policy in_force = { .flows = flows, .flow_count = 2 };

/* A ruleset with one live element per comment. */
struct rules {
	struct element elements[2];
	struct set set;
	struct table table;
	struct ruleset ruleset;
};

static const struct ruleset *rules_with(struct rules *rules, const char *first, const char *second)
{
	static const uint8_t key[12];

	*rules = (struct rules){ .elements = { { .key = key, .comment = first }, { .key = key, .comment = second } } };
	rules->set = (struct set){ .name = "live", .key = { { FIELD_CT_MARK, FIELD_IIF, FIELD_IIF } }, .elements = rules->elements,
				   .element_count = second ? 2 : 1 };
	rules->table = (struct table){ .family = FAMILY_INET, .name = "sekisho", .sets = &rules->set, .set_count = 1 };
	rules->ruleset = (struct ruleset){ .tables = &rules->table, .table_count = 1 };
	return &rules->ruleset;
}

static const struct {
	const char *what, *before, *before_too, *after, *breaks;
	size_t findings;
} rows[] = {
	{ "nothing changes", "j-alert " IDENTITY_A, NULL, "j-alert " IDENTITY_A, NULL, 0 },
	{ "another name for the same", "j-alert " IDENTITY_A, NULL, "siren " IDENTITY_A, NULL, 0 },
	{ "it is gone", "j-alert " IDENTITY_A, NULL, "web " IDENTITY_B, NULL, 1 },
	{ "its content is another", "j-alert " IDENTITY_A, NULL, "j-alert " IDENTITY_B, NULL, 1 },
	{ "it is gone, and may be", "j-alert " IDENTITY_A, NULL, "web " IDENTITY_B, "j-alert", 0 },
	{ "another may be gone", "j-alert " IDENTITY_A, NULL, "web " IDENTITY_B, "web", 1 },
	{ "what is not critical is gone", "j-alert " IDENTITY_A, "web " IDENTITY_B, "j-alert " IDENTITY_A, NULL, 0 },
	{ "it was closed before", "web " IDENTITY_B, NULL, "web " IDENTITY_B, NULL, 0 },
	{ "a comment that is not ours", "j-alert", NULL, "web " IDENTITY_B, NULL, 0 },
};

START_TEST(what_must_not_stop_does_not_stop_unasked)
{
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct rules before, after;

	critical_check(&in_force, rules_with(&before, rows[_i].before, rows[_i].before_too), rules_with(&after, rows[_i].after, NULL),
		       &rows[_i].breaks, rows[_i].breaks ? 1 : 0, NULL, &findings);
	ck_assert_msg(findings.count == rows[_i].findings, "%s: %zu findings", rows[_i].what, findings.count);
	if (findings.count > 0)
		ck_assert_ptr_eq(findings.items[0].kind, &daemon_catalogue[DAEMON_CRITICAL_STOPS]);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("critical");
	TCase *cases = tcase_create("critical");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(cases, what_must_not_stop_does_not_stop_unasked, 0, sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
