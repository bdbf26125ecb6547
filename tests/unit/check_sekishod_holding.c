/* What is held is what was installed, whatever was laid over it and however it is kept; what it was made of may be gone. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/blocks.h"
#include "ruleset/overlay.h"
#include "ruleset/pack.h"
#include "ruleset_sample.h"
#include "sekishod/holding.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

enum { FLOWS = 5000, FLOWS_SET = 1, LAID_SET = 0, INDEX_BYTES = 4 };

/* count elements from first on. */
static void fill(struct arena *arena, struct set *set, uint32_t first, size_t count)
{
	set->elements = arena_array(arena, count, sizeof(*set->elements));
	set->element_count = count;
	for (size_t i = 0; i < count; i++) {
		const uint32_t number = first + (uint32_t)i;
		uint8_t *key = arena_alloc(arena, INDEX_BYTES);

		for (size_t byte = 0; byte < INDEX_BYTES; byte++)
			key[byte] = (uint8_t)(number >> (24 - 8 * byte));
		set->elements[i] = (struct element){ .key = key, .comment = number % 2 ? arena_printf(arena, "number %u", number) : NULL };
	}
}

/* Many flows, and a small set with count elements from first on. */
static struct ruleset *sample(struct arena *arena, uint32_t first, size_t count)
{
	struct ruleset *ruleset = ruleset_sample_large(arena, FLOWS, false);
	struct table *table = &ruleset->tables[0];
	struct set *sets = arena_array(arena, 2, sizeof(*sets));

	sets[LAID_SET] = (struct set){ .name = "isolated", .key = { { FIELD_IIF } } };
	fill(arena, &sets[LAID_SET], first, count);
	sets[FLOWS_SET] = table->sets[0];
	table->sets = sets;
	table->set_count = 2;
	return ruleset;
}

static const struct set *held_set(const struct holding *holding, size_t set)
{
	return &holding_ruleset(holding)->tables[0].sets[set];
}

/* Installs what lies in an arena that is gone afterwards: what is held, with these elements in the small set, of which the first `kept` are those it has. */
static void lay(struct holding *holding, size_t kept, uint32_t first, size_t count, uint32_t generation)
{
	struct arena *arena = arena_new();
	struct ruleset *laid = overlay_begin(arena, holding_ruleset(holding));
	struct set *set = overlay_set(overlay_table(arena, laid), "isolated");
	const struct element *had = set->elements;

	fill(arena, set, first, count);
	for (size_t i = 0; i < kept; i++)
		set->elements[i] = had[i];
	holding->touched = true;
	holding_set(holding, laid, generation);
	arena_free(arena);
}

static void expect_held(const char *what, const struct holding *holding, uint32_t first, size_t count, uint32_t generation)
{
	struct arena *arena = arena_new();
	const struct known_sets *known = holding_known(arena, holding);

	ck_assert_msg(ruleset_equal(holding_ruleset(holding), sample(arena, first, count)), "%s: something else is held", what);
	ck_assert_msg(link_index(&holding_ruleset(holding)->links, "lo") == 1, "%s: the interfaces are others", what);
	ck_assert_msg(known && known->ruleset == holding_ruleset(holding) && known->generation == generation, "%s: something else is known", what);
	ck_assert_msg(!holding->touched, "%s: what was read back is touched", what);
	ck_assert_msg(set_blocks(held_set(holding, FLOWS_SET)) != NULL, "%s: the flows have no blocks", what);
	ck_assert_msg(count < BLOCKS_FROM || set_blocks(held_set(holding, LAID_SET)) != NULL, "%s: a large set has no blocks", what);
	arena_free(arena);
}

static struct holding holding_of_sample(uint32_t first, size_t count)
{
	struct holding holding = { .generation = 0 };
	struct arena *arena = arena_new();

	holding_set(&holding, sample(arena, first, count), 1);
	arena_free(arena);
	expect_held("installed", &holding, first, count, 1);
	return holding;
}

/* Each is laid over the one before. */
static const struct {
	const char *what;
	size_t kept;
	uint32_t first;
	size_t count;
	bool packed;	/* anew */
} steps[] = {
	{ "some elements", 0, 20, 3, false },
	{ "the same again", 3, 20, 3, false },
	{ "more, beside those there are", 3, 20, 5, false },
	{ "less", 2, 20, 2, false },
	{ "others", 0, 90, 2, false },
	{ "none", 0, 0, 0, false },
	{ "as many as are looked through by blocks", 0, 1, BLOCKS_FROM, false },
	{ "as many as there may be", 0, 1, HOLDING_LAID_ELEMENTS_MAX, false },
	{ "one more", 0, 1, HOLDING_LAID_ELEMENTS_MAX + 1, true },
	{ "less, over what was packed with many", 4, 1, 4, false },
};

START_TEST(what_is_laid_over_is_held)
{
	struct holding holding = holding_of_sample(7, 1);

	for (uint32_t i = 0; i < COUNT(steps); i++) {
		const char *bytes = holding.base.copy.data;
		const struct element *flows = held_set(&holding, FLOWS_SET)->elements;

		lay(&holding, steps[i].kept, steps[i].first, steps[i].count, i + 2);
		expect_held(steps[i].what, &holding, steps[i].first, steps[i].count, i + 2);
		ck_assert_msg((holding.base.copy.data != bytes || held_set(&holding, FLOWS_SET)->elements != flows) == steps[i].packed,
			      "%s: packed anew or not", steps[i].what);
	}
	holding_free(&holding);
}
END_TEST

static void change_mark(struct arena *arena, struct table *table)
{
	struct set *set = &table->sets[FLOWS_SET];
	struct element *elements = arena_array(arena, set->element_count, sizeof(*elements));

	memcpy(elements, set->elements, set->element_count * sizeof(*elements));
	elements[FLOWS / 2].mark = 7;
	set->elements = elements;
	set->element_count--;
}

static void change_rules(struct arena *arena, struct table *table)
{
	struct chain *chain = arena_alloc(arena, sizeof(*chain));

	*chain = table->chains[0];
	chain->rule_count = 0;
	table->chains = chain;
}

static void change_room(struct arena *arena, struct table *table)
{
	(void)arena;
	table->sets[LAID_SET].room = 47;
}

static void change_name(struct arena *arena, struct table *table)
{
	(void)arena;
	table->sets[LAID_SET].name = "another";
}

static void change_kind(struct arena *arena, struct table *table)
{
	(void)arena;
	table->sets[LAID_SET].counted = true;
}

static void lose_set(struct arena *arena, struct table *table)
{
	(void)arena;
	table->sets++;
	table->set_count--;
}

static const struct {
	const char *what;
	void (*change)(struct arena *arena, struct table *table);
} changes[] = {
	{ "a flow", change_mark }, { "rules", change_rules }, { "room", change_room }, { "a name", change_name }, { "a kind of set", change_kind },
	{ "a set less", lose_set },
};

/* Something was laid over, and then more is installed than can be laid over. */
START_TEST(anything_else_is_held_as_well)
{
	struct holding holding = holding_of_sample(7, 1);
	struct arena *arena = arena_new();
	struct ruleset *installed, *expected;

	lay(&holding, 0, 20, 3, 2);
	expected = sample(arena, 20, 3);
	changes[_i].change(arena, &expected->tables[0]);
	installed = overlay_begin(arena, holding_ruleset(&holding));
	changes[_i].change(arena, overlay_table(arena, installed));
	holding_set(&holding, installed, 3);
	ck_assert_msg(ruleset_equal(holding_ruleset(&holding), expected), "%s: something else is held", changes[_i].what);
	ck_assert_msg(held_set(&holding, 0)->room == expected->tables[0].sets[0].room, "%s: the room is another", changes[_i].what);
	arena_free(arena);
	holding_free(&holding);
}
END_TEST

/* ---- what others change */

static const struct {
	const char *what;
	uint32_t generation;	/* at which it was read back; 0: in doubt since */
	bool touched;
	uint32_t seen, known;
} others[] = {
	{ "somebody has changed his rules", 5, false, 6, 6 },
	{ "three times", 5, false, 8, 8 },
	{ "what was told is older than what was read", 5, false, 4, 5 },
	{ "or is that", 5, false, 5, 5 },
	{ "the number begins anew", 0xfffffffe, false, 1, 1 },
	{ "and was told before that", 1, false, 0xfffffffe, 1 },
	{ "the kernel may hold something else of ours", 5, true, 6, 5 },
	{ "nobody knows what it holds", 0, false, 6, 0 },
};

START_TEST(others_change_their_rules)
{
	struct holding holding = holding_of_sample(7, 1);

	holding.generation = others[_i].generation;
	holding.touched = others[_i].touched;
	holding_follow(&holding, others[_i].seen);
	ck_assert_msg(holding.generation == others[_i].known, "%s: known at %u", others[_i].what, holding.generation);
	holding_free(&holding);
}
END_TEST

/* ---- what is offered */

static struct unpacked unpacked_sample(uint32_t first, size_t count)
{
	struct unpacked unpacked = { .arena = arena_new(), .copy = buf_limited(0) };
	struct arena *arena = arena_new();

	ruleset_pack(&unpacked.copy, sample(arena, first, count));
	arena_free(arena);
	ck_assert_int_eq(ruleset_unpack(unpacked.arena, buf_span(&unpacked.copy), &unpacked.ruleset), 0);
	return unpacked;
}

static const struct {
	const char *what;
	bool held;	/* something is, before */
	bool changed;	/* what is installed has other rules than what is offered */
	size_t laid;
} offers[] = {
	{ "the first", false, false, 1 },
	{ "the first, with something laid over it", false, false, 3 },
	{ "another", true, false, 1 },
	{ "another, with something laid over it", true, false, 3 },
	{ "another, with other rules", true, true, 1 },
	{ "another, with much laid over it", true, false, HOLDING_LAID_ELEMENTS_MAX + 1 },
};

/* Over what is offered lies something of an arena that is gone afterwards. The kernel gave a set another room than was asked for. */
START_TEST(what_is_offered_is_kept_as_it_is)
{
	const bool kept = !offers[_i].changed && offers[_i].laid <= HOLDING_LAID_ELEMENTS_MAX;
	struct holding holding = offers[_i].held ? holding_of_sample(20, 3) : (struct holding){ .generation = 0 };
	const struct unpacked offered = unpacked_sample(7, 1);
	struct arena *arena = arena_new(), *gone = arena_new();
	struct ruleset *installed = overlay_begin(gone, offered.ruleset), *expected = sample(arena, 7, offers[_i].laid);
	struct table *table = overlay_table(gone, installed);

	fill(gone, &table->sets[LAID_SET], 7, offers[_i].laid);
	table->sets[FLOWS_SET].room = 6143;
	if (offers[_i].changed) {
		change_rules(gone, table);
		change_rules(arena, &expected->tables[0]);
	}
	holding_offer(&holding, &offered);
	holding_set(&holding, installed, 5);
	holding_withdraw(&holding);
	arena_free(gone);
	ck_assert_msg((holding.base.arena == offered.arena) == kept, "%s: copied or not", offers[_i].what);
	ck_assert_msg(ruleset_equal(holding_ruleset(&holding), expected), "%s: something else is held", offers[_i].what);
	ck_assert_msg(held_set(&holding, FLOWS_SET)->room == 6143, "%s: the room is another", offers[_i].what);
	ck_assert_msg(set_blocks(&holding.base.ruleset->tables[0].sets[FLOWS_SET]) != NULL, "%s: the flows have no blocks", offers[_i].what);
	arena_free(arena);
	holding_free(&holding);
}
END_TEST

/* It was refused, or another one is offered. */
START_TEST(what_is_not_installed_leaves_what_is_held)
{
	struct holding holding = holding_of_sample(20, 3);
	const struct unpacked one = unpacked_sample(7, 1), other = unpacked_sample(8, 1);

	holding_offer(&holding, &one);
	holding_offer(&holding, &other);
	holding_withdraw(&holding);
	holding_withdraw(&holding);
	expect_held("nothing was installed", &holding, 20, 3, 1);
	holding_offer(&holding, &(struct unpacked){ .arena = arena_new() });
	holding_free(&holding);
}
END_TEST

/* An interface came, and nothing else changed. */
START_TEST(links_are_held)
{
	static struct link links[] = { { 1, "lo" }, { 9, "up0" } };
	struct holding holding = holding_of_sample(7, 1);
	struct arena *arena = arena_new();
	struct ruleset *installed = overlay_begin(arena, holding_ruleset(&holding));

	installed->links = (struct link_table){ links, 2 };
	holding_set(&holding, installed, 2);
	ck_assert_uint_eq(link_index(&holding_ruleset(&holding)->links, "up0"), 9);
	arena_free(arena);
	holding_free(&holding);
}
END_TEST

START_TEST(what_is_doubted_is_held_and_not_known)
{
	struct holding holding = holding_of_sample(7, 1);
	struct arena *arena = arena_new();

	lay(&holding, 0, 20, 3, 2);
	holding_doubt(&holding);
	ck_assert_ptr_null(holding_known(arena, &holding));
	ck_assert(ruleset_equal(holding_ruleset(&holding), sample(arena, 20, 3)));
	lay(&holding, 3, 20, 3, 4);
	expect_held("installed again", &holding, 20, 3, 4);
	arena_free(arena);
	holding_free(&holding);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sekishod/holding");
	TCase *cases = tcase_create("holding");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, what_is_laid_over_is_held);
	tcase_add_loop_test(cases, anything_else_is_held_as_well, 0, COUNT(changes));
	tcase_add_loop_test(cases, others_change_their_rules, 0, COUNT(others));
	tcase_add_loop_test(cases, what_is_offered_is_kept_as_it_is, 0, COUNT(offers));
	tcase_add_test(cases, what_is_not_installed_leaves_what_is_held);
	tcase_add_test(cases, links_are_held);
	tcase_add_test(cases, what_is_doubted_is_held_and_not_known);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
