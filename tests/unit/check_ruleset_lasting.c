/* check: ruleset/lasting.h. */
#include "ruleset/lasting.h"

#include <check.h>
#include <stdlib.h>

#include "ruleset_sample.h"

enum { NOW = 1800000000, COUNT = 10 };

/* Elements that end at NOW, NOW + 1, ... but the last, which does not end. */
static struct ruleset *ending(struct arena *arena)
{
	struct ruleset *ruleset = ruleset_sample_large(arena, COUNT, false);
	struct set *set = &ruleset->tables[0].sets[0];

	set->timeout = true;
	for (size_t i = 0; i + 1 < set->element_count; i++)
		set->elements[i].expires_at = NOW + (int64_t)i;
	return ruleset;
}

static const struct row {
	const char *what;
	int64_t until;
	size_t left;
} rows[] = {
	{ "before all", NOW - 1, COUNT },
	{ "what ends just then goes", NOW, COUNT - 1 },
	{ "some", NOW + 4, COUNT - 5 },
	{ "what does not end stays", NOW + 1000, 1 },
};

START_TEST(what_ends_by_then_is_left_out)
{
	struct arena *arena = arena_new();
	const struct ruleset *ruleset = ending(arena);
	const struct ruleset *lasting = ruleset_lasting(arena, ruleset, rows[_i].until);
	const struct set *set = &lasting->tables[0].sets[0];

	ck_assert_msg(set->element_count == rows[_i].left, "%s: %zu", rows[_i].what, set->element_count);
	for (size_t i = 0; i < set->element_count; i++)
		ck_assert_msg(set->elements[i].expires_at == 0 || set->elements[i].expires_at > rows[_i].until, "%s", rows[_i].what);
	ck_assert_uint_eq(ruleset->tables[0].sets[0].element_count, COUNT);
	arena_free(arena);
}
END_TEST

START_TEST(what_loses_nothing_is_shared)
{
	struct arena *arena = arena_new();
	const struct ruleset *ruleset = ending(arena);
	const struct ruleset *lasting = ruleset_lasting(arena, ruleset, NOW - 1);

	ck_assert_ptr_eq(lasting->tables[0].sets[0].elements, ruleset->tables[0].sets[0].elements);
	ck_assert(ruleset_equal(lasting, ruleset));
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/lasting");
	TCase *tcase = tcase_create("lasting");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, what_ends_by_then_is_left_out, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, what_loses_nothing_is_shared);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
