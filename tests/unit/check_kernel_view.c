/* check: kernel/view.h. A snapshot comes back as it was; one with aliens comes back without its rules, which is said; whatever else arrives is refused. */
#include "kernel/view.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset_sample.h"

enum { NOW = 1800000000 };

static const struct alien aliens[] = {
	{ .family = FAMILY_INET, .where = "chain forward rule 3", .what = "expression \"meta cpu\"" },
	{ .family = FAMILY_NETDEV, .where = "set x", .what = "", .dormant = true },
};

START_TEST(a_snapshot_comes_back)
{
	struct sample_world world = { sample_loopback(), NOW, 20 };

	for (unsigned long seed = 0; seed < 20; seed++) {
		struct arena *arena = arena_new();
		const struct snapshot snapshot = { .ruleset = ruleset_sample(arena, seed, &world), .generation = 7 };
		struct buf bytes = buf_limited(0);
		struct snapshot back;
		bool withheld = true;

		view_pack(&bytes, &snapshot);
		ck_assert_msg(view_unpack(arena, buf_span(&bytes), &back, &withheld) == 0, "seed %lu is refused", seed);
		ck_assert(!withheld && back.generation == 7 && back.alien_count == 0 && ruleset_equal(back.ruleset, snapshot.ruleset));
		buf_free(&bytes);
		arena_free(arena);
	}
}
END_TEST

START_TEST(no_rules_are_no_rules)
{
	struct arena *arena = arena_new();
	const struct snapshot snapshot = { .generation = 3 };
	struct buf bytes = buf_limited(0);
	struct snapshot back;
	bool withheld = true;

	view_pack(&bytes, &snapshot);
	ck_assert_int_eq(view_unpack(arena, buf_span(&bytes), &back, &withheld), 0);
	ck_assert(!withheld && !back.ruleset && back.generation == 3);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

START_TEST(rules_with_aliens_are_withheld)
{
	struct sample_world world = { sample_loopback(), NOW, 20 };
	struct arena *arena = arena_new();
	const struct snapshot snapshot = { .ruleset = ruleset_sample(arena, 1, &world), .aliens = aliens, .alien_count = 2 };
	struct buf bytes = buf_limited(0);
	struct snapshot back;
	bool withheld = false;

	view_pack(&bytes, &snapshot);
	ck_assert_int_eq(view_unpack(arena, buf_span(&bytes), &back, &withheld), 0);
	ck_assert(withheld && !back.ruleset);
	ck_assert_uint_eq(back.alien_count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(back.aliens[i].family, aliens[i].family);
		ck_assert(back.aliens[i].dormant == aliens[i].dormant);
		ck_assert_str_eq(back.aliens[i].where, aliens[i].where);
		ck_assert_str_eq(back.aliens[i].what, aliens[i].what);
	}
	for (size_t length = 0; length < bytes.length; length++)
		ck_assert_int_eq(view_unpack(arena, span_part(buf_span(&bytes), 0, length), &back, &withheld), -EBADMSG);
	buf_putc(&bytes, 'x');
	ck_assert_int_eq(view_unpack(arena, buf_span(&bytes), &back, &withheld), -EBADMSG);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

START_TEST(of_many_aliens_some_are_told)
{
	struct alien many[VIEW_ALIENS_MAX + 1];
	char text[VIEW_TEXT_BYTES_MAX + 10];
	struct arena *arena = arena_new();
	struct snapshot snapshot = { .aliens = many, .alien_count = VIEW_ALIENS_MAX + 1 }, back;
	struct sample_world world = { sample_loopback(), NOW, 20 };
	struct buf bytes = buf_limited(0);
	bool withheld;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < snapshot.alien_count; i++)
		many[i] = (struct alien){ .family = FAMILY_BRIDGE, .where = text, .what = "y" };
	snapshot.ruleset = ruleset_sample(arena, 1, &world);
	view_pack(&bytes, &snapshot);
	ck_assert_int_eq(view_unpack(arena, buf_span(&bytes), &back, &withheld), 0);
	ck_assert_uint_eq(back.alien_count, VIEW_ALIENS_MAX);
	ck_assert_uint_eq(strlen(back.aliens[0].where), VIEW_TEXT_BYTES_MAX);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

/* By the place of the byte: generation, state, number of aliens, family, dormant. */
static const struct {
	const char *what;
	size_t at;
	char byte;
} faults[] = {
	{ "a state that there is not", 4, 3 }, { "rules although there are aliens", 4, 1 }, { "nothing although there are aliens", 4, 0 },
	{ "no aliens although rules are withheld", 5, 0 }, { "more aliens", 5, 3 }, { "too many aliens", 5, VIEW_ALIENS_MAX + 1 },
	{ "a family that there is not", 9, 2 }, { "dormant and more", 10, 2 }, { "a NUL in a text", 15, 0 },
};

START_TEST(what_is_not_so_is_refused)
{
	struct sample_world world = { sample_loopback(), NOW, 20 };
	struct arena *arena = arena_new();
	const struct snapshot snapshot = { .ruleset = ruleset_sample(arena, 1, &world), .aliens = aliens, .alien_count = 2 };
	struct buf bytes = buf_limited(0);
	struct snapshot back;
	bool withheld;

	view_pack(&bytes, &snapshot);
	bytes.data[faults[_i].at] = faults[_i].byte;
	ck_assert_msg(view_unpack(arena, buf_span(&bytes), &back, &withheld) == -EBADMSG, "%s", faults[_i].what);
	buf_free(&bytes);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel/view");
	TCase *cases = tcase_create("view");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, a_snapshot_comes_back);
	tcase_add_test(cases, no_rules_are_no_rules);
	tcase_add_test(cases, rules_with_aliens_are_withheld);
	tcase_add_test(cases, of_many_aliens_some_are_told);
	tcase_add_loop_test(cases, what_is_not_so_is_refused, 0, sizeof(faults) / sizeof(faults[0]));
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
