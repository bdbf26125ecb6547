/* check_ruleset_boxes: boxes that were cut apart cover the same points, each once, with the mark of the best rank. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/boxes.h"

/* A small universe, so that every point can be asked: two IPv4 addresses, a protocol and a port of 0..SIDE-1 each. */
enum { SIDE = 6, POINTS = SIDE * SIDE * SIDE * SIDE, FIELDS = 4 };

static const struct key key = { { FIELD_IP_SADDR, FIELD_IP_SADDR, FIELD_L4PROTO, FIELD_DPORT } };
static const size_t last_byte[FIELDS] = { 3, 7, 8, 13 };

static void point_of(size_t number, uint8_t point[FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
		point[i] = (uint8_t)(number % SIDE);
		number /= SIDE;
	}
}

static bool box_holds(const struct box *box, const uint8_t point[FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (point[i] < box->low[last_byte[i]] || point[i] > box->high[last_byte[i]])
			return false;
	}
	return true;
}

/* Low ends that are compared as whole values must be: every byte but the last is zero. */
static struct box random_box(struct arena *arena, unsigned int *seed, uint32_t rank)
{
	uint8_t *low = arena_alloc(arena, 16), *high = arena_alloc(arena, 16);

	for (size_t i = 0; i < FIELDS; i++) {
		int a = rand_r(seed) % SIDE, b = rand_r(seed) % SIDE;

		low[last_byte[i]] = (uint8_t)(a < b ? a : b);
		high[last_byte[i]] = (uint8_t)(a < b ? b : a);
	}
	return (struct box){ .low = low, .high = high, .rank = rank, .mark = rank + 100 };
}

static uint32_t mark_wanted(const struct box_list *boxes, const uint8_t point[FIELDS])
{
	const struct box *best = NULL;

	for (size_t i = 0; i < boxes->count; i++) {
		if (box_holds(&boxes->items[i], point) && (!best || boxes->items[i].rank < best->rank))
			best = &boxes->items[i];
	}
	return best ? best->mark : 0;
}

static void compare_all_points(const struct box_list *boxes, const struct box_list *apart, unsigned int seed)
{
	for (size_t number = 0; number < POINTS; number++) {
		uint8_t point[FIELDS];
		uint32_t mark = 0;
		size_t holders = 0;

		point_of(number, point);
		for (size_t i = 0; i < apart->count; i++) {
			if (box_holds(&apart->items[i], point)) {
				holders++;
				mark = apart->items[i].mark;
			}
		}
		ck_assert_msg(holders <= 1, "seed %u: point %zu lies in %zu boxes", seed, number, holders);
		ck_assert_msg(mark == mark_wanted(boxes, point), "seed %u: point %zu has mark %u", seed, number, mark);
	}
}

START_TEST(test_cut_apart_equals_brute_force)
{
	for (unsigned int seed = 1; seed <= 150; seed++) {
		struct arena *arena = arena_new();
		struct box_list boxes = { .items = NULL }, apart;
		unsigned int state = seed;
		int count = rand_r(&state) % 9;

		for (int i = 0; i < count; i++)
			box_list_add(arena, &boxes, random_box(arena, &state, (uint32_t)((i * 7) % 9)));
		ck_assert_int_eq(boxes_disjoint(arena, &key, &boxes, 10000, &apart), 0);
		compare_all_points(&boxes, &apart, seed);
		arena_free(arena);
	}
}
END_TEST

START_TEST(test_limit_on_what_remains)
{
	struct arena *arena = arena_new();
	struct box_list boxes = { .items = NULL }, apart;
	uint8_t low[2][16] = { { 0 } }, high[2][16] = { { 0 } };

	/* The better box is one point in the middle of the other: two pieces per field remain, and the point. */
	for (size_t i = 0; i < FIELDS; i++) {
		low[0][last_byte[i]] = high[0][last_byte[i]] = 2;
		high[1][last_byte[i]] = SIDE - 1;
	}
	box_list_add(arena, &boxes, (struct box){ .low = low[0], .high = high[0], .rank = 0, .mark = 1 });
	box_list_add(arena, &boxes, (struct box){ .low = low[1], .high = high[1], .rank = 1, .mark = 2 });
	ck_assert_int_eq(boxes_disjoint(arena, &key, &boxes, 2 * FIELDS, &apart), -E2BIG);
	ck_assert_int_eq(boxes_disjoint(arena, &key, &boxes, 2 * FIELDS + 1, &apart), 0);
	ck_assert_uint_eq(apart.count, 2 * FIELDS + 1);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset_boxes");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, test_cut_apart_equals_brute_force);
	tcase_add_test(tcase, test_limit_on_what_remains);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
