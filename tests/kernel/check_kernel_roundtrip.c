/*
 * kernel: what is encoded is what is decoded (P8), whoever wrote it: we, or nft from our text, or nft from its
 * own listing (P6). SEKISHO_SEEDS (120) says how many rulesets are tried in each way.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/show.h"

#include "../unit/ruleset_sample.h"
#include "workbench.h"

enum { SEEDS = 120, ELEMENTS_MAX = 24 };

static int seeds(void)
{
	const char *text = getenv("SEKISHO_SEEDS");

	return text ? atoi(text) : SEEDS;
}

static struct sample_world world_of_tests(void)
{
	return (struct sample_world){ .links = sample_loopback(),
				      .now = WORKBENCH_NOW,
				      .elements_max = ELEMENTS_MAX };
}

/* A fresh kernel takes the ruleset and gives the same one back. */
START_TEST(test_encode_decode)
{
	const uint64_t seed = (uint64_t)_i;
	const struct sample_world world = world_of_tests();
	struct workbench bench = workbench_open();
	const struct ruleset *wanted = ruleset_sample(bench.arena, seed, &world);
	struct snapshot snapshot;

	workbench_apply(&bench, NULL, wanted);
	snapshot = workbench_snapshot(&bench);
	workbench_expect_no_aliens(&snapshot, "encode", seed);
	workbench_expect_equal(snapshot.ruleset, wanted, "encode", seed);
	workbench_close(&bench);
}
END_TEST

/* From one ruleset to quite another, then to one that differs a little. */
START_TEST(test_transition)
{
	const uint64_t seed = (uint64_t)_i;
	const struct sample_world world = world_of_tests();
	struct workbench bench = workbench_open();
	const struct ruleset *first = ruleset_sample(bench.arena, seed, &world), *wanted, *target;
	struct snapshot snapshot;

	workbench_apply(&bench, NULL, first);
	snapshot = workbench_snapshot(&bench);
	wanted = ruleset_sample(bench.arena, seed + 100000, &world);
	target = workbench_apply(&bench, snapshot.ruleset, wanted);
	snapshot = workbench_snapshot(&bench);
	workbench_expect_no_aliens(&snapshot, "transition", seed);
	workbench_expect_equal(snapshot.ruleset, target, "transition", seed);
	ck_assert(ruleset_same(bench.arena, snapshot.ruleset, wanted));

	wanted = ruleset_sample_edited(bench.arena, wanted, seed, &world, 12);
	target = workbench_apply(&bench, snapshot.ruleset, wanted);
	snapshot = workbench_snapshot(&bench);
	workbench_expect_no_aliens(&snapshot, "edit", seed);
	workbench_expect_equal(snapshot.ruleset, target, "edit", seed);
	workbench_close(&bench);
}
END_TEST

/* The text we print, read by nft, gives the ruleset we printed. */
START_TEST(test_text_by_nft)
{
	const uint64_t seed = (uint64_t)_i;
	const struct sample_world world = world_of_tests();
	struct workbench bench = workbench_open();
	const struct ruleset *wanted = ruleset_sample(bench.arena, seed, &world);
	struct buf text = buf_limited(0);
	struct snapshot snapshot;

	ruleset_show(&text, wanted, WORKBENCH_NOW);
	ck_assert_msg(workbench_nft_begin(buf_text(&text)) == 0, "seed %d: nft refuses %s", _i, buf_text(&text));
	buf_free(&text);
	snapshot = workbench_snapshot(&bench);
	workbench_expect_no_aliens(&snapshot, "nft -f", seed);
	workbench_expect_equal(snapshot.ruleset, wanted, "nft -f", seed);
	workbench_close(&bench);
}
END_TEST

/* nft lists the program we encoded in the same words as the program nft made of our text. */
START_TEST(test_listing_of_program)
{
	const struct sample_world world = world_of_tests();
	struct workbench bench = workbench_open(), second;
	const struct ruleset *wanted = ruleset_sample(bench.arena, (uint64_t)_i, &world);
	struct buf text = buf_limited(0);
	const char *ours, *theirs;

	workbench_apply(&bench, NULL, wanted);
	ours = workbench_nft_list(&bench, true);
	second = workbench_open();
	ruleset_show(&text, wanted, WORKBENCH_NOW);
	ck_assert_int_eq(workbench_nft_begin(buf_text(&text)), 0);
	buf_free(&text);
	theirs = workbench_nft_list(&second, true);
	ck_assert_msg(strcmp(ours, theirs) == 0, "seed %d: ours\n%s\ntheirs\n%s", _i, ours, theirs);
	workbench_close(&second);
	workbench_close(&bench);
}
END_TEST

/*
 * The ruleset with all its sets and chains, but no rules: nft rearranges those when it lists them, so that they
 * do not come back the same.
 */
static const struct ruleset *without_rules(struct arena *arena, const struct ruleset *ruleset)
{
	struct ruleset *bare = arena_alloc(arena, sizeof(*bare));

	*bare = *ruleset;
	bare->tables = arena_array(arena, bare->table_count, sizeof(*bare->tables));
	for (size_t i = 0; i < bare->table_count; i++) {
		struct table *table = &bare->tables[i];

		*table = ruleset->tables[i];
		table->chains = arena_array(arena, table->chain_count, sizeof(*table->chains));
		for (size_t j = 0; j < table->chain_count; j++) {
			table->chains[j] = ruleset->tables[i].chains[j];
			table->chains[j].rule_count = 0;
		}
	}
	return bare;
}

/* What nft lists of our sets and elements it can load again, and they are still the same. */
START_TEST(test_listing_of_elements)
{
	const uint64_t seed = (uint64_t)_i;
	const struct sample_world world = world_of_tests();
	struct workbench bench = workbench_open(), second;
	const struct ruleset *wanted = without_rules(bench.arena, ruleset_sample(bench.arena, seed, &world));
	struct snapshot snapshot;
	const char *listing;

	workbench_apply(&bench, NULL, wanted);
	listing = workbench_nft_list(&bench, false);
	second = workbench_open();
	ck_assert_msg(workbench_nft_begin_again(listing) == 0, "seed %d: nft refuses its own %s", _i, listing);
	snapshot = workbench_snapshot(&second);
	workbench_expect_no_aliens(&snapshot, "nft list", seed);
	workbench_expect_equal(snapshot.ruleset, wanted, "nft list", seed);
	workbench_close(&second);
	workbench_close(&bench);
}
END_TEST

static const struct {
	const char *what;
	size_t count;
	bool interval;
} large_rows[] = {
	{ "elements of several messages", 20000, false },
	{ "ranges of several messages", 3000, true },
};

START_TEST(test_large_sets)
{
	struct workbench bench = workbench_open();
	const struct ruleset *wanted = ruleset_sample_large(bench.arena, large_rows[_i].count,
							    large_rows[_i].interval);
	struct snapshot snapshot;

	workbench_apply(&bench, NULL, wanted);
	snapshot = workbench_snapshot(&bench);
	workbench_expect_no_aliens(&snapshot, large_rows[_i].what, 0);
	ck_assert_msg(snapshot.ruleset && ruleset_equal(snapshot.ruleset, wanted), "%s", large_rows[_i].what);
	workbench_close(&bench);
}
END_TEST

/* The kernel tells the room of a set, and a set that has no more of it is made anew in the commit. */
START_TEST(test_room)
{
	struct workbench bench = workbench_open();
	const struct ruleset *first = ruleset_sample_large(bench.arena, DIFF_ROOM_FROM, false);
	const struct ruleset *second = ruleset_sample_large(bench.arena, 2 * DIFF_ROOM_FROM, false);
	struct snapshot snapshot;

	workbench_apply(&bench, NULL, first);
	snapshot = workbench_snapshot(&bench);
	ck_assert_uint_eq(snapshot.ruleset->tables[0].sets[0].room, diff_room(DIFF_ROOM_FROM));
	workbench_apply(&bench, snapshot.ruleset, second);
	snapshot = workbench_snapshot(&bench);
	workbench_expect_equal(snapshot.ruleset, second, "grown", 0);
	ck_assert_uint_eq(snapshot.ruleset->tables[0].sets[0].room, diff_room((size_t)2 * DIFF_ROOM_FROM));
	workbench_close(&bench);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel roundtrip");
	TCase *cases = tcase_create("roundtrip");
	SRunner *runner;
	int failed;

	workbench_require();
	tcase_set_timeout(cases, 300);
	tcase_add_loop_test(cases, test_encode_decode, 0, seeds());
	tcase_add_loop_test(cases, test_transition, 0, seeds());
	tcase_add_test(cases, test_room);
	tcase_add_loop_test(cases, test_text_by_nft, 0, seeds());
	tcase_add_loop_test(cases, test_listing_of_program, 0, seeds());
	tcase_add_loop_test(cases, test_listing_of_elements, 0, seeds());
	tcase_add_loop_test(cases, test_large_sets, 0, (int)(sizeof(large_rows) / sizeof(large_rows[0])));
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
