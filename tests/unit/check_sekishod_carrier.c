/* sekishod/carrier.h: a signal that is lost is told of once it stays away, since when it did; the clock is ours. */
#include <check.h>
#include <stdlib.h>

#include "sekishod/carrier.h"

enum { NOW = 1795200000, INDEX = 7 };

/* Looks at one interface, at so many milliseconds after the first one. */
static const struct row {
	const char *what;
	int64_t at_ms;
	enum carrier_state state;
	bool told;
	int64_t since_s;	/* from NOW on */
	int64_t wait_ms;
} rows[] = {
	{ "there", 0, CARRIER_THERE, false, 0, 0 },
	{ "lost", 10000, CARRIER_NONE, false, 10, CARRIER_SETTLE_MS },
	{ "a moment before it is told", 10000 + CARRIER_SETTLE_MS - 1, CARRIER_NONE, false, 10, 1 },
	{ "told", 10000 + CARRIER_SETTLE_MS, CARRIER_NONE, true, 10, 0 },
	{ "still away, since the same time", 90000, CARRIER_NONE, true, 10, 0 },
	{ "back at once", 91000, CARRIER_THERE, false, 91, 0 },
	{ "lost again", 92000, CARRIER_NONE, false, 92, CARRIER_SETTLE_MS },
	{ "back before it was told", 93000, CARRIER_THERE, false, 93, 0 },
	{ "and lost: from then on", 94000, CARRIER_NONE, false, 94, CARRIER_SETTLE_MS },
	{ "switched off is another state", 98000, CARRIER_OFF, false, 98, CARRIER_SETTLE_MS },
	{ "and told by itself", 98000 + CARRIER_SETTLE_MS, CARRIER_OFF, true, 98, 0 },
};

START_TEST(a_signal_that_stays_away_is_told)
{
	struct carriers before = carriers_none();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct carriers now = carriers_none();
		struct carrier carrier;

		ck_assert_msg(carriers_note(&now, &before, INDEX, row->state, NOW + row->at_ms / 1000, row->at_ms, &carrier) == row->told, "%s", row->what);
		ck_assert_msg(carrier.since == NOW + row->since_s, "%s", row->what);
		ck_assert_msg(carriers_wait_ms(&now, row->at_ms) == row->wait_ms, "%s", row->what);
		before = now;
	}
}
END_TEST

START_TEST(what_was_gone_begins_anew)
{
	struct carriers first = carriers_none(), second = carriers_none(), third = carriers_none();
	struct carrier carrier;

	ck_assert(!carriers_note(&first, &second, INDEX, CARRIER_NONE, NOW, 0, &carrier));
	ck_assert(!carriers_note(&third, &second, INDEX, CARRIER_NONE, NOW + 60, 60000, &carrier));
	ck_assert_int_eq(carrier.since, NOW + 60);
}
END_TEST

START_TEST(no_more_are_noted_than_there_may_be)
{
	static struct carriers before, now;
	struct carrier carrier;

	for (uint32_t i = 1; i <= LAYOUT_PORTS_MAX; i++)
		carriers_note(&before, &now, i, CARRIER_NONE, NOW, 0, &carrier);
	ck_assert(!carriers_note(&before, &now, LAYOUT_PORTS_MAX + 1, CARRIER_NONE, NOW, 0, &carrier));
	ck_assert_uint_eq(before.count, LAYOUT_PORTS_MAX);
	for (uint32_t i = 1; i <= LAYOUT_PORTS_MAX; i++)
		ck_assert(carriers_note(&now, &before, i, CARRIER_NONE, NOW, CARRIER_SETTLE_MS, &carrier));
	ck_assert(!carriers_note(&now, &before, LAYOUT_PORTS_MAX + 1, CARRIER_NONE, NOW, CARRIER_SETTLE_MS, &carrier));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("carrier");
	TCase *cases = tcase_create("carrier");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, a_signal_that_stays_away_is_told);
	tcase_add_test(cases, what_was_gone_begins_anew);
	tcase_add_test(cases, no_more_are_noted_than_there_may_be);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
