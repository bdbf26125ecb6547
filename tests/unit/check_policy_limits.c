/* Limits of connections: what is odd about them, and the order in which a policy has them. */
#include "policy/limits.h"
#include "policy_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIMITS(text) { { "gateway = {", "limits = ( " text " );\ngateway = {" } }
#define LIMIT(from, to, connections) "{ from = '" from "'; to = '" to "';\n connections = " connections "; }"

static const struct {
	struct policy_case policy;	/* the findings of limits_check() alone */
	uint64_t connections_max;
} rows[] = {
	{ { .what = "no limit", .ids = "" }, 100 },
	{ { .what = "as many as there is room for", .ids = "", .edits = LIMITS(LIMIT("in", "up", "100")) }, 100 },
	{ { .what = "one more", .ids = "limit-beyond-table", .line = "'in'", .edits = LIMITS(LIMIT("in", "up", "101")) }, 100 },
	{ { .what = "more than anybody knows of", .ids = "", .edits = LIMITS(LIMIT("in", "up", "100000000")) }, 0 },
	{ { .what = "two that fit", .ids = "", .edits = LIMITS(LIMIT("in", "up", "60") ", " LIMIT("lg", "in", "40")) }, 100 },
	{ { .what = "two that do not", .ids = "limits-beyond-table", .edits = LIMITS(LIMIT("in", "up", "60") ", " LIMIT("lg", "in", "41")) }, 100 },
	{ { .what = "two of which one is too large alone", .ids = "limit-beyond-table", .line = "'in'",
	    .edits = LIMITS(LIMIT("in", "up", "101") ", " LIMIT("lg", "in", "41")) }, 100 },
	{ { .what = "a direction in which nothing is begun", .ids = "limit-idle", .line = "'up'", .edits = LIMITS(LIMIT("up", "in", "10")) }, 100 },
};

/* What the rest of the law finds in the file is not looked at here. */
START_TEST(odd_limits_are_told)
{
	const struct policy_world world = { .now = policy_case_now() };
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, &rows[_i].policy), &world);

	run.findings = findings_in(run.arena);
	limits_check(run.policy, rows[_i].connections_max, &run.findings);
	ck_assert_msg(strcmp(finding_ids(&run), rows[_i].policy.ids) == 0, "%s: \"%s\"", rows[_i].policy.what, finding_ids(&run));
	ck_assert_uint_eq(run.findings.errors, 0);
	check_lines(&run, &rows[_i].policy);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

START_TEST(limits_are_in_the_order_of_zones)
{
	static const struct policy_case three = { .what = "three", .edits = LIMITS(LIMIT("in", "up", "3") ", " LIMIT("in", "lg", "2") ", " LIMIT("mn", "lg", "1")) };
	const struct policy_world world = { .now = policy_case_now() };
	struct arena *arena = arena_new();
	struct policy_run run = policy_run_text(policy_edited(arena, &three), &world);

	ck_assert_uint_eq(run.policy->limit_count, 3);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(run.policy->limits[i].connections, i + 1);
	ck_assert_uint_eq(run.policy->limits[2].to, 3);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy/limits");
	TCase *cases = tcase_create("limits");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, odd_limits_are_told, 0, COUNT(rows));
	tcase_add_test(cases, limits_are_in_the_order_of_zones);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
