/* Which alarms are recorded and which are counted; when refusals are a storm, and when something is full. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sekishod/alarm_book.h"
#include "sekishod/gauge.h"
#include "sekishod/storm.h"

static struct alarm alarm_of(const char *source, bool over)
{
	return (struct alarm){ .over = over, .id = span_of("SKS-X"), .field_count = 1, .fields = { { span_of("source"), span_of(source) } } };
}

static bool admits(struct alarm_book *book, enum role role, const char *source, bool over, int64_t now_s)
{
	const struct alarm alarm = alarm_of(source, over);

	return alarm_book_admits(book, role, &alarm, now_s);
}

START_TEST(what_is_repeated_is_counted)
{
	struct alarm_book book = { .recorded = { 0 } };

	ck_assert(admits(&book, ROLE_WITNESS, "a", false, 100));
	ck_assert(!admits(&book, ROLE_WITNESS, "a", false, 101));
	ck_assert(admits(&book, ROLE_WITNESS, "b", false, 102));
	ck_assert(!admits(&book, ROLE_WITNESS, "a", false, 100 + ALARM_FOLD_S - 1));
	ck_assert_uint_eq(alarm_book_settle(&book, ROLE_WITNESS), 2);
	ck_assert_uint_eq(alarm_book_settle(&book, ROLE_WITNESS), 0);
	ck_assert_msg(admits(&book, ROLE_WITNESS, "a", false, 100 + ALARM_FOLD_S), "an hour later it is news");
	ck_assert_msg(admits(&book, ROLE_PLANNER, "a", false, 100), "that of another role is another alarm");
}
END_TEST

START_TEST(that_it_is_over_or_there_again_is_news)
{
	struct alarm_book book = { .recorded = { 0 } };

	ck_assert(admits(&book, ROLE_PLANNER, "a", false, 100));
	ck_assert(admits(&book, ROLE_PLANNER, "a", true, 101));
	ck_assert(!admits(&book, ROLE_PLANNER, "a", true, 102));
	ck_assert(admits(&book, ROLE_PLANNER, "a", false, 103));
}
END_TEST

START_TEST(no_role_fills_the_disk)
{
	struct alarm_book book = { .recorded = { 0 } };
	unsigned int recorded = 0;
	char source[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(source, sizeof(source), "%d", i);
		recorded += admits(&book, ROLE_WITNESS, source, false, 100 + i);
	}
	ck_assert_uint_eq(recorded, ALARMS_PER_HOUR);
	ck_assert_uint_eq(alarm_book_settle(&book, ROLE_WITNESS), 1000 - ALARMS_PER_HOUR);
	ck_assert_msg(admits(&book, ROLE_PLANNER, "x", false, 1100), "others are not pushed out");
	ck_assert_msg(admits(&book, ROLE_WITNESS, "new", false, 100 + 3600), "and the next hour is another one");
}
END_TEST

START_TEST(a_full_memory_forgets_the_oldest)
{
	struct alarm_book book = { .recorded = { 0 } };
	int64_t now_s = 100;
	char source[16];

	for (int i = 0; i <= ALARMS_REMEMBERED; i++) {
		snprintf(source, sizeof(source), "%d", i);
		now_s += i % ALARMS_PER_HOUR == 0 ? 3600 : 0;
		ck_assert(admits(&book, ROLE_WITNESS, source, false, now_s));
	}
	ck_assert_msg(!admits(&book, ROLE_WITNESS, source, false, now_s), "the last one is remembered");
}
END_TEST

START_TEST(a_record_has_all_of_it)
{
	struct arena *arena = arena_new();
	struct alarm alarm = alarm_of("10.2.0.10", true);
	struct journal_record record;

	alarm.sentence = span_of("gone");
	record = alarm_record(arena, ROLE_WITNESS, &alarm, 3);
	ck_assert_int_eq(record.event, JOURNAL_ALARM_OVER);
	ck_assert(!record.who.known);
	ck_assert_uint_eq(record.detail_count, 4);
	ck_assert(span_equal(record.details[0], span_of("SKS-X")) && span_equal(record.details[1], span_of("gone")));
	ck_assert(span_equal(record.details[2], span_of("source=10.2.0.10")));
	ck_assert(span_equal(record.details[3], span_of("3 more alarms of the witness were not recorded since its last one")));
	arena_free(arena);
}
END_TEST

START_TEST(a_storm_begins_and_ends_once)
{
	struct storm storm = { .raging = false };
	uint64_t much = (uint64_t)STORM_PER_S * STORM_WINDOW_S;
	int64_t now = 1000;

	ck_assert_int_eq(storm_take(&storm, 0, now), STORM_SAME);
	ck_assert_int_eq(storm_take(&storm, much - 1, now + 5), STORM_SAME);
	ck_assert_msg(storm_take(&storm, 0, now + 10) == STORM_SAME, "one packet less is no storm");
	ck_assert_int_eq(storm_take(&storm, much, now + 19), STORM_SAME);
	ck_assert_int_eq(storm_take(&storm, 0, now + 20), STORM_BEGAN);
	ck_assert_uint_eq(storm.per_second, STORM_PER_S);
	ck_assert_msg(storm_take(&storm, much / 2, now + 30) == STORM_SAME, "it is over below half of that");
	ck_assert_int_eq(storm_take(&storm, much / 2 - 1, now + 40), STORM_OVER);
	ck_assert_int_eq(storm_take(&storm, 0, now + 50), STORM_SAME);
	ck_assert_msg(storm_take(&storm, much, now + 150) == STORM_SAME, "the same in ten times the time is none");
}
END_TEST

START_TEST(a_gauge_does_not_flap)
{
	static const struct {
		const char *what;
		uint64_t held, most;
		enum gauge_change change;
	} rows[] = {
		{ "nothing is known", 5, 0, GAUGE_SAME }, { "empty", 0, 1000, GAUGE_SAME }, { "just below", 799, 1000, GAUGE_SAME },
		{ "at 80", 800, 1000, GAUGE_RAISED }, { "more", 1000, 1000, GAUGE_SAME }, { "nothing is known any more", 0, 0, GAUGE_SAME },
		{ "at 70", 700, 1000, GAUGE_SAME }, { "below 70", 699, 1000, GAUGE_CLEARED }, { "still", 0, 1000, GAUGE_SAME },
		{ "at once more than there may be", UINT32_MAX, 1, GAUGE_RAISED },
	};
	struct gauge gauge = { .raise_percent = 80, .clear_percent = 70 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(gauge_take(&gauge, rows[i].held, rows[i].most) == rows[i].change, "%s", rows[i].what);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sekishod/alarm_book");
	TCase *cases = tcase_create("alarms");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, what_is_repeated_is_counted);
	tcase_add_test(cases, that_it_is_over_or_there_again_is_news);
	tcase_add_test(cases, no_role_fills_the_disk);
	tcase_add_test(cases, a_full_memory_forgets_the_oldest);
	tcase_add_test(cases, a_record_has_all_of_it);
	tcase_add_test(cases, a_storm_begins_and_ends_once);
	tcase_add_test(cases, a_gauge_does_not_flap);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
