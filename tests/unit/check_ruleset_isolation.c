/* Isolation laid over a program: which interfaces are cut off, which live elements are spared, and that nothing remains of it when it ends. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/audit.h"
#include "ruleset/isolation.h"
#include "ruleset/marks.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MARK(number) 0, 0, 0, number
#define IF(index) 0, 0, 0, index

enum { LG0 = 20, LG1 = 21, IN0 = 30, GK0 = 40, NAMES_MAX = 4 };

static const char *const lgwan_interfaces[] = { "lg0", "lg1", "absent0" };
static const char *const internet_interfaces[] = { "in0" };
static const char *const gikai_interfaces[] = { "gk0" };
static const struct program_zone zones[] = {
	{ "lgwan", TIER_LGWAN, false, lgwan_interfaces, 3 },
	{ "internet", TIER_INTERNET, false, internet_interfaces, 1 },
	{ "gikai", TIER_LGWAN, false, gikai_interfaces, 1 },
};
static const struct program_pair pairs[] = { { 0, 1, false }, { 0, 2, false } };
static struct link links[] = { { GK0, "gk0" }, { IN0, "in0" }, { LG0, "lg0" }, { LG1, "lg1" }, { 1, "lo" } };
static const struct link_table link_table = { links, COUNT(links) };
static const struct program_input pins = { .zones = zones, .zone_count = COUNT(zones), .pairs = pairs, .pair_count = COUNT(pairs), .links = &link_table };

static const struct addition {
	const char *set;
	uint8_t key[12];
	const char *flow;	/* NULL: the element has no comment */
} additions[] = {
	{ "live", { MARK(1), IF(LG0), IF(IN0) }, "web" },
	{ "live", { MARK(1), IF(IN0), IF(LG0) }, NULL },
	{ "live", { MARK(2), IF(LG1), IF(IN0) }, "j-alert" },
	{ "live", { MARK(2), IF(IN0), IF(LG1) }, NULL },
	{ "live", { MARK(3), IF(LG0), IF(GK0) }, "gikai" },
	{ "live", { MARK(3), IF(GK0), IF(LG0) }, NULL },
	{ "local-live", { MARK(4), IF(LG0) }, "ssh" },
	{ "local-live", { MARK(5), IF(IN0) }, "dns" },
	{ "life-safety", { MARK(2) }, NULL },
};

static void element_add(struct arena *arena, const struct ruleset *ruleset, const struct addition *addition)
{
	static const uint8_t identity[COMPILE_IDENTITY_BYTES] = { 1 };
	struct set *set = (struct set *)(uintptr_t)table_set(ruleset_table(ruleset, FAMILY_INET, "sekisho"), addition->set);
	struct element *elements = arena_array(arena, set->element_count + 1, sizeof(*elements));

	if (set->element_count > 0)
		memcpy(elements, set->elements, set->element_count * sizeof(*elements));
	elements[set->element_count++] = (struct element){
		.key = addition->key, .comment = addition->flow ? live_comment_make(arena, addition->flow, identity) : NULL,
	};
	set->elements = elements;
	set_sort(set);
}

static struct ruleset *program_make(struct arena *arena)
{
	struct ruleset *ruleset = program_build(arena, &pins);

	for (size_t i = 0; i < COUNT(additions); i++)
		element_add(arena, ruleset, &additions[i]);
	return ruleset;
}

static size_t set_count(const struct ruleset *ruleset, const char *name)
{
	return table_set(ruleset_table(ruleset, FAMILY_INET, "sekisho"), name)->element_count;
}

static const char *const except_web[] = { "web" };
static const char *const except_ssh_and_nobody[] = { "ssh", "nobody" };
static const char *const except_gikai[] = { "gikai" };

static const struct {
	const char *what;
	struct isolation items[2];
	size_t count;
	size_t isolated, spared, local_spared;
	const char *keeps[NAMES_MAX], *unknown[NAMES_MAX];
} rows[] = {
	{ "nothing", {}, 0, 0, 0, 0, {}, {} },
	{ "a zone: what is for life safety goes on, both ways", { { .zone = "lgwan" } }, 1, 2, 2, 0, { "j-alert" }, {} },
	{ "a zone with an exception", { { .zone = "lgwan", .except = except_web, .except_count = 1 } }, 1, 2, 4, 0, { "j-alert", "web" }, {} },
	{ "a service as exception, and one that is none", { { .zone = "lgwan", .except = except_ssh_and_nobody, .except_count = 2 } }, 1, 2, 2, 1,
	  { "j-alert", "ssh" }, { "nobody" } },
	{ "a zone that life safety does not touch", { { .zone = "gikai" } }, 1, 1, 0, 0, {}, {} },
	{ "both ends, excepted at one", { { .zone = "lgwan" }, { .zone = "gikai", .except = except_gikai, .except_count = 1 } }, 2, 3, 2, 0,
	  { "j-alert" }, {} },
	{ "both ends, excepted at both", { { .zone = "lgwan", .except = except_gikai, .except_count = 1 },
					   { .zone = "gikai", .except = except_gikai, .except_count = 1 } }, 2, 3, 4, 0, { "gikai", "j-alert" }, {} },
	{ "every zone", { { .zone = "*" } }, 1, 4, 2, 0, { "j-alert" }, {} },
	{ "every zone spares what every isolation of a zone spares", { { .zone = "*" }, { .zone = "lgwan", .except = except_web, .except_count = 1 } },
	  2, 4, 2, 0, { "j-alert" }, {} },
	{ "a zone that is none", { { .zone = "nowhere" } }, 1, 0, 0, 0, {}, {} },
};

static void names_are(const char *what, const char *const *names, size_t count, const char *const wanted[static NAMES_MAX])
{
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(i < NAMES_MAX && wanted[i] && strcmp(names[i], wanted[i]) == 0, "%s: %s", what, names[i]);
	ck_assert_msg(count == NAMES_MAX || !wanted[count], "%s: less names", what);
}

START_TEST(isolation_cuts_off_and_spares)
{
	const struct isolations isolations = { .items = (struct isolation *)(uintptr_t)rows[_i].items, .count = rows[_i].count }, none = { .count = 0 };
	struct arena *arena = arena_new();
	struct ruleset *before = program_make(arena), *isolated = isolation_apply(arena, before, &pins, &isolations);
	struct isolation_effect effect = isolation_effect_of(arena, isolated, &isolations);

	ck_assert_msg(set_count(isolated, "isolated") == rows[_i].isolated && effect.interfaces == rows[_i].isolated, "%s: interfaces", rows[_i].what);
	ck_assert_msg(set_count(isolated, "spared") == rows[_i].spared, "%s: %zu spared", rows[_i].what, set_count(isolated, "spared"));
	ck_assert_msg(set_count(isolated, "local-spared") == rows[_i].local_spared, "%s: local", rows[_i].what);
	names_are(rows[_i].what, effect.keeps, effect.keep_count, rows[_i].keeps);
	names_are(rows[_i].what, effect.unknown, effect.unknown_count, rows[_i].unknown);
	ck_assert_msg(set_count(before, "isolated") == 0, "%s: the original was changed", rows[_i].what);
	ck_assert_msg(ruleset_equal(isolation_apply(arena, isolated, &pins, &none), before), "%s: something remains", rows[_i].what);
	arena_free(arena);
}
END_TEST

START_TEST(what_isolation_adds_is_lawful)
{
	const struct isolations isolations = { .items = (struct isolation *)(uintptr_t)rows[_i].items, .count = rows[_i].count };
	struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);

	ck_assert_int_eq(ruleset_audit(isolation_apply(arena, program_make(arena), &pins, &isolations), &pins, &findings), 0);
	arena_free(arena);
}
END_TEST

/* Every element of spared was spared before, or goes through no interface that was cut off then. */
static bool spares_only(const struct set *spared, const struct table *before)
{
	for (size_t i = 0; i < spared->element_count; i++) {
		const uint8_t *key = spared->elements[i].key;
		bool touches = false;

		for (size_t at = 4; at < key_size(&spared->key); at += 4)
			touches |= set_find(table_set(before, "isolated"), key + at) != NULL;
		if (touches && !set_find(table_set(before, spared->name), key))
			return false;
	}
	return true;
}

/* Laid over what another isolation has cut off already: that stays cut off, and nothing is spared there that was not. What was open and is spared stays open. */
START_TEST(only_closing_opens_nothing)
{
	const struct isolation lgwan = { .zone = "lgwan" };
	const struct isolations isolations = { .items = (struct isolation *)(uintptr_t)rows[_i].items, .count = rows[_i].count };
	const struct isolations earlier = { .items = (struct isolation *)(uintptr_t)&lgwan, .count = 1 };
	struct arena *arena = arena_new();
	struct ruleset *before = isolation_apply(arena, program_make(arena), &pins, &earlier), *laid = isolation_apply(arena, before, &pins, &isolations);
	const struct table *old = ruleset_table(before, FAMILY_INET, "sekisho");
	const struct ruleset *all = isolation_apply(arena, before, &pins, &isolations);
	const bool withheld = isolation_only_close(arena, laid, before);
	const struct set *isolated;

	ck_assert_msg(withheld == !ruleset_equal(laid, all), "%s: it does not tell what it took back", rows[_i].what);
	isolated = table_set(ruleset_table(laid, FAMILY_INET, "sekisho"), "isolated");
	for (size_t i = 0; i < set_count(before, "isolated"); i++)
		ck_assert_msg(set_find(isolated, table_set(old, "isolated")->elements[i].key), "%s: something is not cut off any more", rows[_i].what);
	ck_assert_msg(isolated->element_count >= rows[_i].isolated, "%s: something is not cut off", rows[_i].what);
	ck_assert_msg(spares_only(table_set(ruleset_table(laid, FAMILY_INET, "sekisho"), "spared"), old) && set_count(laid, "local-spared") == 0,
		      "%s: something is spared", rows[_i].what);
	ck_assert_msg(set_count(before, "isolated") == 2, "%s: the original was changed", rows[_i].what);
	arena_free(arena);
}
END_TEST

static const char *const lg0_alone[] = { "lg0" };
static const char *const lg1_alone[] = { "lg1" };

static const struct {
	const char *what;
	struct isolation items[2];
	size_t count;
	struct program_zone zones[3];
	size_t zone_count;
	const char *lost;
} changes[] = {
	{ "nothing is isolated", {}, 0, { { "others", TIER_LGWAN, false, lgwan_interfaces, 3 } }, 1, NULL },
	{ "the same zones", { { .zone = "lgwan" } }, 1, { { "lgwan", TIER_LGWAN, false, lgwan_interfaces, 3 } }, 1, NULL },
	{ "another name", { { .zone = "lgwan" } }, 1, { { "others", TIER_LGWAN, false, lgwan_interfaces, 3 } }, 1, "lgwan" },
	{ "another name, and that zone is isolated as well", { { .zone = "lgwan" }, { .zone = "others" } }, 2,
	  { { "others", TIER_LGWAN, false, lgwan_interfaces, 3 } }, 1, NULL },
	{ "an interface moves", { { .zone = "lgwan" } }, 1,
	  { { "lgwan", TIER_LGWAN, false, lg0_alone, 1 }, { "gikai", TIER_LGWAN, false, lg1_alone, 1 } }, 2, "lgwan" },
	{ "an interface of another zone moves", { { .zone = "internet" } }, 1,
	  { { "lgwan", TIER_LGWAN, false, lg0_alone, 1 }, { "gikai", TIER_LGWAN, false, lg1_alone, 1 } }, 2, NULL },
	{ "an interface leaves", { { .zone = "lgwan" } }, 1, { { "lgwan", TIER_LGWAN, false, lg0_alone, 1 } }, 1, NULL },
	{ "every zone is isolated", { { .zone = "*" } }, 1, { { "others", TIER_LGWAN, false, lgwan_interfaces, 3 } }, 1, NULL },
	{ "the zone is gone, and its interfaces", { { .zone = "lgwan" } }, 1, { { "internet", TIER_INTERNET, false, internet_interfaces, 1 } }, 1, NULL },
};

/* What is cut off by the name of its zone would be open in a zone of another name. */
START_TEST(other_zones_lose_isolation)
{
	const struct isolations isolations = { .items = (struct isolation *)(uintptr_t)changes[_i].items, .count = changes[_i].count };
	const struct program_input after = { .zones = changes[_i].zones, .zone_count = changes[_i].zone_count };
	const char *lost = isolation_lost(&pins, &after, &isolations);

	ck_assert_msg(!lost == !changes[_i].lost && (!lost || strcmp(lost, changes[_i].lost) == 0), "%s: %s", changes[_i].what, lost ? lost : "none");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/isolation");
	TCase *cases = tcase_create("isolation");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, isolation_cuts_off_and_spares, 0, COUNT(rows));
	tcase_add_loop_test(cases, only_closing_opens_nothing, 0, COUNT(rows));
	tcase_add_loop_test(cases, what_isolation_adds_is_lawful, 0, COUNT(rows));
	tcase_add_loop_test(cases, other_zones_lose_isolation, 0, COUNT(changes));
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
