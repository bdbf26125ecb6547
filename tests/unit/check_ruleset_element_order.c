/* check: ruleset/element_order.h. The order is that of element_compare(), whatever the keys have in common. */
#include "ruleset/element_order.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS_MAX = 600 };

static const struct order_row {
	const char *what;
	struct key key;
	bool interval;
	size_t fixed;		/* so many bytes at the beginning are the same everywhere */
	unsigned int values;	/* how many values each other byte can have */
} order_rows[] = {
	{ "a mark", { { FIELD_CT_MARK } }, false, 0, 256 },
	{ "few marks, many of them equal", { { FIELD_CT_MARK } }, false, 3, 7 },
	{ "mark and interfaces", { { FIELD_CT_MARK, FIELD_IIF, FIELD_OIF } }, false, 0, 3 },
	{ "addresses and port", { { FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_L4PROTO, FIELD_DPORT } }, false, 2, 2 },
	{ "one network of IPv6", { { FIELD_IP6_SADDR, FIELD_IP6_DADDR, FIELD_L4PROTO, FIELD_DPORT } }, false, 8, 2 },
	{ "all the same but the end", { { FIELD_IP6_SADDR, FIELD_IP6_DADDR, FIELD_L4PROTO, FIELD_DPORT } }, false, 38, 4 },
	{ "all the same", { { FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_L4PROTO, FIELD_DPORT } }, false, 16, 1 },
	{ "ranges", { { FIELD_IP_SADDR, FIELD_IP_DADDR } }, true, 1, 3 },
};

enum { ROW_COUNT = sizeof(order_rows) / sizeof(order_rows[0]) };

static struct set random_set(struct arena *arena, const struct order_row *row, size_t count, unsigned int *seed)
{
	struct set set = { .name = "x", .key = row->key, .interval = row->interval, .element_count = count };
	const size_t bytes = element_key_size(&set);

	set.elements = arena_array(arena, count, sizeof(*set.elements));
	for (size_t i = 0; i < count; i++) {
		uint8_t *key = arena_alloc(arena, bytes);

		for (size_t k = 0; k < bytes; k++)
			key[k] = (uint8_t)(k < row->fixed ? 10 : (unsigned int)rand_r(seed) % row->values * 37);
		set.elements[i].key = key;
	}
	return set;
}

static void check_order(const struct set *set, const char *what)
{
	uint32_t *order = element_order(set);
	bool seen[ELEMENTS_MAX] = { false };

	for (size_t i = 0; i < set->element_count; i++) {
		int order_of_two = i ? element_compare(set, &set->elements[order[i - 1]], &set->elements[order[i]]) : -1;

		ck_assert_msg(order[i] < set->element_count && !seen[order[i]], "%s: place %u", what, order[i]);
		seen[order[i]] = true;
		ck_assert_msg(order_of_two < 0 || (order_of_two == 0 && order[i - 1] < order[i]), "%s: at %zu", what, i);
	}
	free(order);
}

START_TEST(elements_come_in_the_order_of_their_keys)
{
	static const size_t counts[] = { 0, 1, 2, 3, 50, ELEMENTS_MAX };
	struct arena *arena = arena_new();
	unsigned int seed = 1;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct set set = random_set(arena, &order_rows[_i], counts[i], &seed);

		check_order(&set, order_rows[_i].what);
	}
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/element_order");
	TCase *order = tcase_create("order");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(order, elements_come_in_the_order_of_their_keys, 0, ROW_COUNT);
	suite_add_tcase(suite, order);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
