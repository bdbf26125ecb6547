/* Who is crowded: by limits that are written and by shares of a strained table, with some slack until it is over; and what is laid over a program. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/audit.h"
#include "ruleset/crowding.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define IF(index) 0, 0, 0, index

enum { LG0 = 20, LG1 = 21, IN0 = 30, GK0 = 40, LGWAN_INTERNET = 0, LGWAN_GIKAI, INTERNET_LGWAN, PAIRS, NO_LIMIT = 0 };

static const char *const lgwan_interfaces[] = { "lg0", "lg1", "absent0" };
static const char *const internet_interfaces[] = { "in0" };
static const char *const gikai_interfaces[] = { "gk0" };
static const struct program_zone zones[] = {
	{ "lgwan", TIER_LGWAN, false, lgwan_interfaces, 3 },
	{ "internet", TIER_INTERNET, false, internet_interfaces, 1 },
	{ "gikai", TIER_LGWAN, false, gikai_interfaces, 1 },
};
static const struct program_pair pairs[] = { { 0, 1, false }, { 0, 2, false }, { 1, 0, false } };
static struct link links[] = { { GK0, "gk0" }, { IN0, "in0" }, { LG0, "lg0" }, { LG1, "lg1" }, { 1, "lo" } };
static const struct link_table link_table = { links, COUNT(links) };
static const struct program_input program = { .zones = zones, .zone_count = COUNT(zones), .pairs = pairs, .pair_count = COUNT(pairs), .links = &link_table };

/* Which mark belongs to which pair: 1 and 2 to the first, by maps of both families, 3 to the second, 4 to the third. 9 is of nobody. */
static const struct {
	const char *map;
	uint32_t mark;
} marks[] = { { "lgwan.internet.exact4", 1 }, { "lgwan.internet.range6", 2 }, { "lgwan.gikai.portless4", 3 }, { "internet.lgwan.exact6", 4 } };

static struct ruleset *program_make(struct arena *arena)
{
	struct ruleset *ruleset = program_build(arena, &program);

	for (size_t i = 0; i < COUNT(marks); i++) {
		struct set *set = (struct set *)(uintptr_t)table_set(ruleset_table(ruleset, FAMILY_INET, "sekisho"), marks[i].map);

		set->elements = arena_array(arena, 1, sizeof(*set->elements));
		set->elements[set->element_count++] = (struct element){ .key = arena_alloc(arena, element_key_size(set)), .mark = marks[i].mark };
	}
	return ruleset;
}

static const struct row {
	const char *what;
	uint32_t limits[PAIRS];		/* NO_LIMIT: none */
	uint32_t counts[5];		/* connections with the marks 1, 2, 3, 4, 9 */
	uint32_t entries, entries_max;
	uint32_t before;		/* bits: pairs that are crowded already */
	bool strained;			/* already */
	uint32_t crowded;		/* bits */
	uint32_t room;			/* until another is */
} rows[] = {
	{ "nothing", { 0 }, { 0 }, 0, 1000, 0, false, 0, UINT32_MAX },
	{ "no limit, and a table with room", { 0 }, { 700, 0, 0, 0, 0 }, 799, 1000, 0, false, 0, UINT32_MAX },
	{ "one less than the limit, marks and families together", { 100 }, { 60, 39, 0, 0, 0 }, 99, 1000, 0, false, 0, 1 },
	{ "the limit", { 100 }, { 60, 40, 0, 0, 0 }, 100, 1000, 0, false, 1 << LGWAN_INTERNET, UINT32_MAX },
	{ "more", { 100 }, { 160, 40, 0, 0, 0 }, 200, 1000, 0, false, 1 << LGWAN_INTERNET, UINT32_MAX },
	{ "the other direction has a limit of its own", { 100, 0, 100 }, { 100, 0, 0, 20, 0 }, 120, 1000, 0, false, 1 << LGWAN_INTERNET, 80 },
	{ "what others hold does not count", { 100 }, { 10, 0, 500, 100, 50 }, 660, 1000, 0, false, 0, 90 },
	{ "a sixteenth less than the limit and one more: still", { 160 }, { 151, 0, 0, 0, 0 }, 151, 1000, 1, false, 1, UINT32_MAX },
	{ "a sixteenth less: over", { 160 }, { 150, 0, 0, 0, 0 }, 150, 1000, 1, false, 0, 10 },
	{ "a small limit: over with one less", { 3 }, { 2, 0, 0, 0, 0 }, 2, 1000, 1, false, 0, 1 },
	{ "a limit of one", { 1 }, { 1, 0, 0, 0, 0 }, 1, 1000, 1, false, 1, UINT32_MAX },
	{ "a limit of one, and none is left", { 1 }, { 0 }, 0, 1000, 1, false, 0, 1 },
	{ "a limit that is gone", { 0 }, { 500, 0, 0, 0, 0 }, 500, 1000, 1, false, 0, UINT32_MAX },
	{ "a table whose size nobody knows", { 100 }, { 100, 0, 0, 0, 0 }, 0, 0, 0, false, 1, UINT32_MAX },
	{ "a strained table of two pairs: who has more than half", { 0 }, { 400, 150, 250, 0, 0 }, 800, 1000, 0, false, 1 << LGWAN_INTERNET, 250 },
	{ "of three: a third", { 0 }, { 300, 30, 340, 130, 0 }, 800, 1000, 0, false, 1 << LGWAN_GIKAI, 3 },
	{ "of one: what is left is for what must not stop", { 0 }, { 800, 0, 0, 0, 0 }, 800, 1000, 0, false, 1, 800 },
	{ "one less, and it is not strained", { 0 }, { 799, 0, 0, 0, 0 }, 799, 1000, 0, false, 0, UINT32_MAX },
	{ "it was, and is still above 70 percent", { 0 }, { 600, 0, 50, 0, 50 }, 700, 1000, 0, true, 1, 450 },
	{ "it was, and is below", { 0 }, { 600, 0, 50, 0, 49 }, 699, 1000, 1, true, 0, UINT32_MAX },
	{ "who has a limit is held to that, also while it is strained", { 700 }, { 690, 0, 110, 0, 0 }, 800, 1000, 0, false, 0, 10 },
	{ "filled by nobody's connections", { 0 }, { 10, 0, 10, 10, 900 }, 930, 1000, 0, false, 0, 323 },
};

static struct pins pins_of(const struct row *row, struct limit_pin limits[static PAIRS])
{
	struct pins pins = { .program = program, .limits = limits };

	for (size_t i = 0; i < PAIRS; i++)
		if (row->limits[i] != NO_LIMIT)
			limits[pins.limit_count++] = (struct limit_pin){ pairs[i].from, pairs[i].to, row->limits[i] };
	return pins;
}

static struct crowding judge(struct arena *arena, const struct row *row)
{
	static const uint32_t held[] = { 1, 2, 3, 4, 9 };
	struct pair_load before[PAIRS] = { 0 };
	const struct crowding was = { .pairs = before, .count = PAIRS, .strained = row->strained };
	struct limit_pin limits[PAIRS];
	const struct pins pins = pins_of(row, limits);
	size_t counts[COUNT(held)];
	const struct crowding_census census = { held, counts, COUNT(held), row->entries, row->entries_max };

	for (size_t i = 0; i < COUNT(held); i++)
		counts[i] = row->counts[i];
	for (size_t i = 0; i < PAIRS; i++)
		before[i] = (struct pair_load){ .from = zones[pairs[i].from].name, .to = zones[pairs[i].to].name, .crowded = row->before >> i & 1 };
	return crowding_judge(arena, program_make(arena), &pins, &census, row->before == 0 && !row->strained ? NULL : &was);
}

static bool is_crowded(const struct crowding *crowding, size_t pair)
{
	const struct pair_load *load = crowding_pair(crowding, zones[pairs[pair].from].name, zones[pairs[pair].to].name);

	ck_assert_ptr_nonnull(load);
	return load->crowded;
}

START_TEST(who_is_crowded)
{
	struct arena *arena = arena_new();
	struct crowding crowding = judge(arena, &rows[_i]);

	ck_assert_uint_eq(crowding.count, PAIRS);
	for (size_t i = 0; i < PAIRS; i++)
		ck_assert_msg(is_crowded(&crowding, i) == (rows[_i].crowded >> i & 1), "%s: pair %zu", rows[_i].what, i);
	ck_assert_msg(crowding_room(&crowding) == rows[_i].room, "%s: room for %u", rows[_i].what, crowding_room(&crowding));
	ck_assert_ptr_null(crowding_pair(&crowding, "gikai", "lgwan"));
	arena_free(arena);
}
END_TEST

/* With fewer entries than it says, nobody is crowded. */
START_TEST(entries_that_are_not_worth_counting)
{
	struct limit_pin limits[PAIRS];
	const struct pins pins = pins_of(&rows[_i], limits);

	ck_assert_msg(rows[_i].crowded == 0 || rows[_i].entries == 0 || rows[_i].before != 0 || rows[_i].strained ||
		      rows[_i].entries >= crowding_entries_min(&pins, rows[_i].entries_max), "%s", rows[_i].what);
}
END_TEST

START_TEST(laid_over_a_program)
{
	static const uint8_t wanted[][8] = { { IF(LG0), IF(IN0) }, { IF(LG1), IF(IN0) } };
	static const struct crowding nobody;
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct ruleset *before = program_build(arena, &program), *laid;
	struct crowding crowding = judge(arena, &rows[3]);
	const struct set *set;

	laid = crowding_apply(arena, before, &program, &crowding);
	set = table_set(ruleset_table(laid, FAMILY_INET, "sekisho"), PROGRAM_CROWDED_SET);
	ck_assert_uint_eq(set->element_count, COUNT(wanted));
	for (size_t i = 0; i < COUNT(wanted); i++)
		ck_assert_ptr_nonnull(set_find(set, wanted[i]));
	ck_assert_int_eq(ruleset_audit(laid, &program, &findings), 0);
	ck_assert_uint_eq(table_set(ruleset_table(before, FAMILY_INET, "sekisho"), PROGRAM_CROWDED_SET)->element_count, 0);
	ck_assert(ruleset_equal(crowding_apply(arena, laid, &program, &nobody), before));
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/crowding");
	TCase *cases = tcase_create("crowding");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, who_is_crowded, 0, COUNT(rows));
	tcase_add_loop_test(cases, entries_that_are_not_worth_counting, 0, COUNT(rows));
	tcase_add_test(cases, laid_over_a_program);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
