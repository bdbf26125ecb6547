/* check: ruleset/blocks.h. With blocks the difference of two rulesets is the same as without. */
#include "ruleset/blocks.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/diff.h"
#include "ruleset_sample.h"

enum { NOW = 1800000000, LARGE = 5000, ROOM = 2 * LARGE };

/* A copy of the ruleset with elements of its own, room for more, no blocks. */
static struct ruleset *copy_of(struct arena *arena, const struct ruleset *original)
{
	struct ruleset *copy = arena_alloc(arena, sizeof(*copy));
	struct set *set;

	*copy = *original;
	copy->tables = arena_alloc(arena, sizeof(*copy->tables));
	copy->tables[0] = original->tables[0];
	copy->tables[0].sets = set = arena_alloc(arena, sizeof(*set));
	*set = original->tables[0].sets[0];
	set->elements = arena_array(arena, ROOM, sizeof(*set->elements));
	memcpy(set->elements, original->tables[0].sets[0].elements, set->element_count * sizeof(*set->elements));
	set->blocks = NULL;
	return copy;
}

/* A large set whose elements have everything that an element can have. */
static struct ruleset *sample(struct arena *arena, bool interval)
{
	struct ruleset *ruleset = ruleset_sample_large(arena, LARGE, interval);
	struct set *set = &ruleset->tables[0].sets[0];

	set->timeout = true;
	for (size_t i = 0; i < set->element_count; i++) {
		set->elements[i].expires_at = i % 3 ? NOW + (int64_t)i : 0;
		set->elements[i].comment = i % 2 ? arena_printf(arena, "flow-%zu", i) : NULL;
	}
	return ruleset;
}

struct edit_row {
	const char *what;
	void (*edit)(struct arena *arena, struct set *set, size_t place);
};

static void edit_nothing(struct arena *arena, struct set *set, size_t place)
{
	(void)arena, (void)set, (void)place;
}

static void edit_mark(struct arena *arena, struct set *set, size_t place)
{
	(void)arena;
	set->elements[place].mark ^= 1;
}

static void edit_expiry(struct arena *arena, struct set *set, size_t place)
{
	(void)arena;
	set->elements[place].expires_at += 10;
}

static void edit_expiry_within_a_second(struct arena *arena, struct set *set, size_t place)
{
	(void)arena;
	set->elements[place].expires_at += set->elements[place].expires_at != 0;
}

static void edit_comment(struct arena *arena, struct set *set, size_t place)
{
	set->elements[place].comment = set->elements[place].comment ? NULL : arena_printf(arena, "%s", "");
}

static void edit_deletion(struct arena *arena, struct set *set, size_t place)
{
	(void)arena;
	memmove(&set->elements[place], &set->elements[place + 1], (--set->element_count - place) * sizeof(*set->elements));
}

/* The element behind, with one more at its end: that is no key of the sample. */
static void edit_addition(struct arena *arena, struct set *set, size_t place)
{
	size_t size = element_key_size(set);
	uint8_t *key = arena_alloc(arena, size);

	memcpy(key, set->elements[place].key, size);
	key[size - 3] ^= 1;
	set->elements[set->element_count] = (struct element){ .key = key, .mark = 7 };
	set->element_count++;
	set_sort(set);
}

static const struct edit_row edit_rows[] = {
	{ "nothing", edit_nothing }, { "a mark", edit_mark }, { "an expiry", edit_expiry },
	{ "an expiry within a second", edit_expiry_within_a_second }, { "a comment", edit_comment },
	{ "a deletion", edit_deletion }, { "an addition", edit_addition },
};

enum { EDIT_COUNT = sizeof(edit_rows) / sizeof(edit_rows[0]) };

static void check_same_changes(const struct changes *with, const struct changes *without, const char *what)
{
	ck_assert_msg(with->count == without->count, "%s: %zu and %zu changes", what, with->count, without->count);
	for (size_t i = 0; i < with->count; i++) {
		ck_assert_int_eq(with->items[i].kind, without->items[i].kind);
		ck_assert_msg(with->items[i].element_count == without->items[i].element_count, "%s: %zu and %zu elements", what,
			      with->items[i].element_count, without->items[i].element_count);
		for (size_t k = 0; k < with->items[i].element_count; k++)
			ck_assert_msg(memcmp(with->items[i].elements[k], without->items[i].elements[k], sizeof(struct element)) == 0,
				      "%s: element %zu of change %zu", what, k, i);
	}
}

/* Both ways, with blocks on both sides, on one, and on none. */
static void check_same_difference(struct arena *arena, const struct ruleset *old, const struct ruleset *new, const char *what)
{
	struct ruleset *old_with = copy_of(arena, old), *new_with = copy_of(arena, new);
	struct transition without = ruleset_diff(arena, old, new), with;

	ruleset_make_blocks(arena, new_with);
	with = ruleset_diff(arena, old, new_with);
	check_same_changes(&with.commit, &without.commit, what);
	ruleset_make_blocks(arena, old_with);
	with = ruleset_diff(arena, old_with, new_with);
	check_same_changes(&with.prepare, &without.prepare, what);
	check_same_changes(&with.commit, &without.commit, what);
	check_same_changes(&with.revoke, &without.revoke, what);
	without = ruleset_diff(arena, new, old);
	with = ruleset_diff(arena, new_with, old_with);
	check_same_changes(&with.commit, &without.commit, what);
}

START_TEST(each_edit_is_found_at_each_place)
{
	static const size_t places[] = { 0, 1, LARGE / 2, LARGE - 2 };
	struct arena *arena = arena_new();
	const struct edit_row *row = &edit_rows[_i / 2];
	struct ruleset *old = sample(arena, _i % 2);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct ruleset *new = copy_of(arena, old);

		row->edit(arena, &new->tables[0].sets[0], places[i]);
		check_same_difference(arena, old, new, row->what);
	}
	arena_free(arena);
}
END_TEST

START_TEST(random_edits_are_found)
{
	struct arena *arena = arena_new();
	const struct ruleset *old = sample(arena, _i % 2);
	struct ruleset *new = copy_of(arena, old);
	struct set *set = &new->tables[0].sets[0];
	unsigned int seed = (unsigned int)_i;

	for (int edits = 1 << _i % 8; edits > 0; edits--) {
		int kind = rand_r(&seed) % EDIT_COUNT;

		edit_rows[kind].edit(arena, set, (size_t)rand_r(&seed) % (set->element_count - 1));
	}
	check_same_difference(arena, old, new, "random edits");
	arena_free(arena);
}
END_TEST

START_TEST(blocks_cover_all_elements)
{
	struct arena *arena = arena_new();
	struct ruleset *ruleset = sample(arena, false);
	const struct element_blocks *blocks;
	size_t covered = 0;

	ruleset_make_blocks(arena, ruleset);
	blocks = set_blocks(&ruleset->tables[0].sets[0]);
	ck_assert_ptr_nonnull(blocks);
	for (size_t i = 0; i < blocks->count; i++) {
		ck_assert_uint_eq(blocks->items[i].begin, covered);
		ck_assert_uint_gt(blocks->items[i].end, covered);
		covered = blocks->items[i].end;
	}
	ck_assert_uint_eq(covered, LARGE);
	ck_assert_uint_gt(blocks->count, LARGE / BLOCK_MEAN / 2);
	ck_assert_uint_lt(blocks->count, LARGE / BLOCK_MEAN * 2);
	arena_free(arena);
}
END_TEST

START_TEST(blocks_of_other_elements_do_not_count)
{
	struct arena *arena = arena_new();
	struct ruleset *ruleset = sample(arena, false);
	struct set *set = &ruleset->tables[0].sets[0];
	struct set shorter;

	ruleset_make_blocks(arena, ruleset);
	shorter = *set;
	ck_assert_ptr_nonnull(set_blocks(&shorter));
	shorter.element_count--;
	ck_assert_ptr_null(set_blocks(&shorter));
	shorter.elements++;
	ck_assert_ptr_null(set_blocks(&shorter));
	arena_free(arena);
}
END_TEST

START_TEST(small_sets_have_no_blocks)
{
	struct arena *arena = arena_new();
	struct ruleset *ruleset = ruleset_sample_large(arena, BLOCKS_FROM - 1, false);

	ruleset_make_blocks(arena, ruleset);
	ck_assert_ptr_null(set_blocks(&ruleset->tables[0].sets[0]));
	ruleset = ruleset_sample_large(arena, BLOCKS_FROM, false);
	ruleset_make_blocks(arena, ruleset);
	ck_assert_ptr_nonnull(set_blocks(&ruleset->tables[0].sets[0]));
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/blocks");
	TCase *difference = tcase_create("difference"), *blocks = tcase_create("blocks");
	SRunner *runner;
	int failed;

	tcase_set_timeout(difference, 120);
	tcase_add_loop_test(difference, each_edit_is_found_at_each_place, 0, 2 * EDIT_COUNT);
	tcase_add_loop_test(difference, random_edits_are_found, 0, 64);
	suite_add_tcase(suite, difference);
	tcase_add_test(blocks, blocks_cover_all_elements);
	tcase_add_test(blocks, blocks_of_other_elements_do_not_count);
	tcase_add_test(blocks, small_sets_have_no_blocks);
	suite_add_tcase(suite, blocks);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
