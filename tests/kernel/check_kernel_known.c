/*
 * kernel: what is known of our sets is not read again, and only what the kernel was asked for is known.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/confirm.h"

#include "workbench.h"

enum { HOSTS = 8 };

/* Hosts with a mark each, hosts with an end each, and a range: the sets of the ruleset of these tests. */
struct cast {
	struct element marked[HOSTS + 1], ending[HOSTS], ranges[1];
	uint8_t keys[HOSTS + 1][4], range[8];
	struct set sets[3];
	struct table table;
	struct ruleset ruleset;
};

static struct cast *cast_make(struct arena *arena, size_t marked, uint32_t mark)
{
	struct cast *cast = arena_alloc(arena, sizeof(*cast));

	for (uint8_t i = 0; i <= HOSTS; i++) {
		memcpy(cast->keys[i], (uint8_t[]){ 10, 0, 0, i }, 4);
		cast->marked[i] = (struct element){ .key = cast->keys[i], .mark = i == 1 ? mark : 7, .comment = "c" };
	}
	for (uint8_t i = 0; i < HOSTS; i++)
		cast->ending[i] = (struct element){ .key = cast->keys[i], .expires_at = i == 0 ? 0 : WORKBENCH_NOW + 1000 * i };
	memcpy(cast->range, (uint8_t[]){ 10, 0, 0, 0, 10, 0, 0, (uint8_t)mark }, 8);
	cast->ranges[0].key = cast->range;
	cast->sets[0] = (struct set){ .name = "ending", .key = { { FIELD_IP_SADDR } }, .timeout = true, .elements = cast->ending, .element_count = HOSTS };
	cast->sets[1] = (struct set){ .name = "marked", .key = { { FIELD_IP_SADDR } }, .data = SET_DATA_MARK, .elements = cast->marked,
				      .element_count = marked };
	cast->sets[2] = (struct set){ .name = "ranges", .key = { { FIELD_IP_SADDR } }, .interval = true, .elements = cast->ranges, .element_count = 1 };
	cast->table = (struct table){ .family = FAMILY_INET, .name = "sekisho", .sets = cast->sets, .set_count = 3 };
	cast->ruleset = (struct ruleset){ .tables = &cast->table, .table_count = 1 };
	return cast;
}

static struct snapshot snapshot_with(struct workbench *bench, const struct known_sets *known, int64_t now)
{
	const struct link_table no_links = { 0 };
	struct snapshot snapshot;

	ck_assert_int_eq(snapshot_read(bench->arena, &bench->nfnl, &no_links, now, known, &snapshot), 0);
	return snapshot;
}

static size_t elements_of(const struct ruleset *ruleset, const char *name)
{
	return table_set(ruleset_table(ruleset, FAMILY_INET, "sekisho"), name)->element_count;
}

/* What is said to be known is not true here: so one sees what was read. */
START_TEST(test_known_elements_are_not_read)
{
	struct workbench bench = workbench_open();
	struct cast *held = cast_make(bench.arena, HOSTS, 1), *claimed = cast_make(bench.arena, HOSTS - 3, 1);
	struct known_sets known = { .ruleset = &claimed->ruleset };

	workbench_apply(&bench, NULL, &held->ruleset);
	known.generation = workbench_snapshot(&bench).generation;
	ck_assert_uint_eq(elements_of(snapshot_with(&bench, &known, WORKBENCH_NOW).ruleset, "marked"), HOSTS - 3);
	ck_assert_int_eq(workbench_nft_load("add chain inet sekisho foreign\n"), 0);
	ck_assert_uint_eq(elements_of(snapshot_with(&bench, &known, WORKBENCH_NOW).ruleset, "marked"), HOSTS);
	workbench_close(&bench);
}
END_TEST

/* A set that somebody made anew as another kind is not the one that is known. */
START_TEST(test_known_set_of_another_kind_is_read)
{
	struct workbench bench = workbench_open();
	struct cast *held = cast_make(bench.arena, HOSTS, 1), *claimed = cast_make(bench.arena, HOSTS - 3, 1);
	struct known_sets known = { .ruleset = &claimed->ruleset };

	claimed->sets[1].data = SET_DATA_NONE;
	workbench_apply(&bench, NULL, &held->ruleset);
	known.generation = workbench_snapshot(&bench).generation;
	ck_assert_uint_eq(elements_of(snapshot_with(&bench, &known, WORKBENCH_NOW).ruleset, "marked"), HOSTS);
	workbench_close(&bench);
}
END_TEST

/* The kernel drops an element without a transaction when its time has come. */
START_TEST(test_known_elements_end)
{
	struct workbench bench = workbench_open();
	struct cast *held = cast_make(bench.arena, HOSTS, 1);
	struct known_sets known = { .ruleset = &held->ruleset };

	workbench_apply(&bench, NULL, &held->ruleset);
	known.generation = workbench_snapshot(&bench).generation;
	ck_assert_uint_eq(elements_of(snapshot_with(&bench, &known, WORKBENCH_NOW + 999).ruleset, "ending"), HOSTS);
	ck_assert_uint_eq(elements_of(snapshot_with(&bench, &known, WORKBENCH_NOW + 1000).ruleset, "ending"), HOSTS - 1);
	ck_assert_uint_eq(elements_of(snapshot_with(&bench, &known, WORKBENCH_NOW + 9999).ruleset, "ending"), 1);
	workbench_close(&bench);
}
END_TEST

static const struct {
	const char *what;
	size_t marked;		/* elements of @marked afterwards; HOSTS - 1 before */
	uint32_t mark;		/* of its second one, and the end of the range; 1 before */
	const char *foreign;	/* what somebody else does after the commit */
	bool marked_known, ranges_known;
} confirm_rows[] = {
	{ "nothing", HOSTS - 1, 1, "", true, true },
	{ "one more", HOSTS, 1, "", true, true },
	{ "one less", HOSTS - 2, 1, "", true, true },
	{ "other data", HOSTS - 1, 2, "", true, false },
	{ "one more, which somebody deletes", HOSTS, 1, "delete element inet sekisho marked { 10.0.0.7 }\n", false, true },
	{ "one less, which somebody adds", HOSTS - 2, 1, "add element inet sekisho marked { 10.0.0.6 : 7 }\n", false, true },
	{ "other data, which somebody changes", HOSTS - 1, 2,
	  "delete element inet sekisho marked { 10.0.0.1 }\nadd element inet sekisho marked { 10.0.0.1 : 3 }\n", false, false },
	{ "one more, whose comment somebody changes", HOSTS, 1,
	  "delete element inet sekisho marked { 10.0.0.7 }\nadd element inet sekisho marked { 10.0.0.7 comment \"d\" : 7 }\n", false, true },
};

START_TEST(test_confirm)
{
	struct workbench bench = workbench_open();
	const struct cast *before = cast_make(bench.arena, HOSTS - 1, 1);
	const struct cast *after = cast_make(bench.arena, confirm_rows[_i].marked, confirm_rows[_i].mark);
	struct transition transition = ruleset_diff(bench.arena, &before->ruleset, &after->ruleset);
	struct ruleset known;

	workbench_apply(&bench, NULL, &before->ruleset);
	workbench_apply(&bench, &before->ruleset, &after->ruleset);
	ck_assert_int_eq(workbench_nft_load(confirm_rows[_i].foreign), 0);
	known = transition_confirm(bench.arena, &bench.nfnl, &transition, WORKBENCH_NOW);
	ck_assert_msg(!table_set(known.tables, "marked") == !confirm_rows[_i].marked_known, "%s: marked", confirm_rows[_i].what);
	ck_assert_msg(!table_set(known.tables, "ranges") == !confirm_rows[_i].ranges_known, "%s: ranges", confirm_rows[_i].what);
	ck_assert_msg(table_set(known.tables, "ending"), "%s: ending", confirm_rows[_i].what);
	workbench_close(&bench);
}
END_TEST

/* With everything new, nothing is known. */
START_TEST(test_confirm_of_new_sets)
{
	struct workbench bench = workbench_open();
	const struct cast *cast = cast_make(bench.arena, HOSTS, 1);
	struct transition transition = ruleset_diff(bench.arena, NULL, &cast->ruleset);

	workbench_apply(&bench, NULL, &cast->ruleset);
	ck_assert_uint_eq(transition_confirm(bench.arena, &bench.nfnl, &transition, WORKBENCH_NOW).tables->set_count, 0);
	workbench_close(&bench);
}
END_TEST

static const struct {
	const char *what;
	size_t changes;
	bool known;
} limit_rows[] = {
	{ "at the limit", CONFIRM_QUESTIONS_MAX, true },
	{ "one more", CONFIRM_QUESTIONS_MAX + 1, false },
};

START_TEST(test_confirm_limit)
{
	struct workbench bench = workbench_open();
	struct cast *before = cast_make(bench.arena, 0, 1), *after = cast_make(bench.arena, 0, 1);
	struct set *set = &after->sets[1];
	struct transition transition;

	set->element_count = limit_rows[_i].changes;
	set->elements = arena_array(bench.arena, set->element_count, sizeof(*set->elements));
	for (size_t i = 0; i < set->element_count; i++) {
		const uint32_t address = htonl((uint32_t)i);

		set->elements[i] = (struct element){ .key = memcpy(arena_alloc(bench.arena, 4), &address, 4), .mark = 7 };
	}
	transition = ruleset_diff(bench.arena, &before->ruleset, &after->ruleset);
	workbench_apply(&bench, NULL, &before->ruleset);
	workbench_apply(&bench, &before->ruleset, &after->ruleset);
	ck_assert_msg(!table_set(transition_confirm(bench.arena, &bench.nfnl, &transition, WORKBENCH_NOW).tables, "marked") == !limit_rows[_i].known,
		      "%s", limit_rows[_i].what);
	workbench_close(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel known");
	TCase *cases = tcase_create("known");
	SRunner *runner;
	int failed;

	workbench_require();
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, test_known_elements_are_not_read);
	tcase_add_test(cases, test_known_set_of_another_kind_is_read);
	tcase_add_test(cases, test_known_elements_end);
	tcase_add_loop_test(cases, test_confirm, 0, (int)(sizeof(confirm_rows) / sizeof(confirm_rows[0])));
	tcase_add_test(cases, test_confirm_of_new_sets);
	tcase_add_loop_test(cases, test_confirm_limit, 0, (int)(sizeof(limit_rows) / sizeof(limit_rows[0])));
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
