/* Things are found by the identity of their flow, and by no other. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "ruleset/identities.h"

enum { COUNT = 3000 };

struct item {
	uint32_t number;
	uint8_t identity[COMPILE_IDENTITY_BYTES];
};

/* Every third item is of the content of the one before it. */
static struct item *items_make(struct arena *arena)
{
	struct item *items = arena_array(arena, COUNT, sizeof(*items));

	for (uint32_t i = 0; i < COUNT; i++) {
		const uint32_t content = i % 3 == 2 ? i - 1 : i;
		uint8_t digest[DIGEST_BYTES];

		digest_bytes(&content, sizeof(content), digest);
		memcpy(items[i].identity, digest, COMPILE_IDENTITY_BYTES);
		items[i].number = i;
	}
	return items;
}

START_TEST(the_first_of_a_content_is_found)
{
	struct arena *arena = arena_new();
	struct item *items = items_make(arena);
	struct identities identities = identities_for(arena, items->identity, sizeof(*items), COUNT);
	size_t place;

	for (size_t i = 0; i < COUNT; i++) {
		ck_assert_int_eq(identities_find(&identities, items[i].identity, &place), i % 3 == 2);
		ck_assert_uint_eq(identities_add(&identities, i), i % 3 == 2 ? i - 1 : i);
	}
	for (size_t i = 0; i < COUNT; i++) {
		ck_assert(identities_find(&identities, items[i].identity, &place));
		ck_assert_uint_eq(place, i % 3 == 2 ? i - 1 : i);
	}
	arena_free(arena);
}
END_TEST

/* Those that begin alike, which no digests do, stand beside each other. */
START_TEST(what_begins_alike_is_told_apart)
{
	struct arena *arena = arena_new();
	struct item *items = arena_array(arena, 40, sizeof(*items));
	struct identities identities = identities_for(arena, items->identity, sizeof(*items), 40);
	uint8_t another[COMPILE_IDENTITY_BYTES];
	size_t place;

	for (size_t i = 0; i < 40; i++) {
		memset(items[i].identity, 0xff, COMPILE_IDENTITY_BYTES);
		items[i].identity[COMPILE_IDENTITY_BYTES - 1] = (uint8_t)i;
		ck_assert_uint_eq(identities_add(&identities, i), i);
	}
	for (size_t i = 0; i < 40; i++)
		ck_assert(identities_find(&identities, items[i].identity, &place) && place == i);
	memset(another, 0xff, sizeof(another));
	ck_assert(!identities_find(&identities, another, &place));
	arena_free(arena);
}
END_TEST

START_TEST(an_empty_index_has_nothing)
{
	const uint8_t identity[COMPILE_IDENTITY_BYTES] = { 0 };
	const struct identities none = { .slots = NULL };
	struct arena *arena = arena_new();
	const struct identities empty = identities_for(arena, identity, sizeof(identity), 0);
	size_t place;

	ck_assert(!identities_find(&none, identity, &place));
	ck_assert(!identities_find(&empty, identity, &place));
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/identities");
	TCase *cases = tcase_create("identities");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, the_first_of_a_content_is_found);
	tcase_add_test(cases, what_begins_alike_is_told_apart);
	tcase_add_test(cases, an_empty_index_has_nothing);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
