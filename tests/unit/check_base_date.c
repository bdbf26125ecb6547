/* base/date: what a ledger may say, and the edges of eras, fiscal years and days. */
#include "base/date.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *what, *text;
	int result;
	const char *iso, *wareki; /* when result is 0 */
} parse_rows[] = {
	{ "ISO 8601", "2027-03-31", 0, "2027-03-31", "令和9年3月31日" },
	{ "wareki", "令和9年3月31日", 0, "2027-03-31", "令和9年3月31日" },
	{ "short wareki", "R9.3.31", 0, "2027-03-31", "令和9年3月31日" },
	{ "first year", "令和元年5月1日", 0, "2019-05-01", "令和元年5月1日" },
	{ "first year in digits", "令和1年5月1日", 0, "2019-05-01", "令和元年5月1日" },
	{ "first year, short", "R1.5.1", 0, "2019-05-01", "令和元年5月1日" },
	{ "first year as 元, short", "R元.5.1", 0, "2019-05-01", "令和元年5月1日" },
	{ "full-width digits", "令和９年３月３１日", 0, "2027-03-31", "令和9年3月31日" },
	{ "full-width ISO", "２０２７－０３－３１", 0, "2027-03-31", "令和9年3月31日" },
	{ "full-width short wareki", "Ｒ９．３．３１", 0, "2027-03-31", "令和9年3月31日" },
	{ "zero in front", "令和09年03月01日", 0, "2027-03-01", "令和9年3月1日" },
	{ "first day of Reiwa", "2019-05-01", 0, "2019-05-01", "令和元年5月1日" },
	{ "last day of Heisei", "2019-04-30", 0, "2019-04-30", "平成31年4月30日" },
	{ "last day of Heisei, wareki", "平成31年4月30日", 0, "2019-04-30", "平成31年4月30日" },
	{ "one day beyond Heisei", "平成31年5月1日", -ERANGE, NULL, NULL },
	{ "one day before Reiwa", "令和1年4月30日", -ERANGE, NULL, NULL },
	{ "one day before Reiwa, short", "R1.4.30", -ERANGE, NULL, NULL },
	{ "first day of Heisei", "H1.1.8", 0, "1989-01-08", "平成元年1月8日" },
	{ "one day before Heisei", "H1.1.7", -ERANGE, NULL, NULL },
	{ "last day of Showa", "昭和64年1月7日", 0, "1989-01-07", "昭和64年1月7日" },
	{ "one day beyond Showa", "昭和64年1月8日", -ERANGE, NULL, NULL },
	{ "first day of Showa", "S1.12.25", 0, "1926-12-25", "昭和元年12月25日" },
	{ "one day before Showa", "昭和元年12月24日", -ERANGE, NULL, NULL },
	{ "before all eras known here", "1926-12-24", 0, "1926-12-24", "1926-12-24" },
	{ "leap day", "2028-02-29", 0, "2028-02-29", "令和10年2月29日" },
	{ "leap day of a year that has none", "2027-02-29", -ERANGE, NULL, NULL },
	{ "30 February", "2027-02-30", -ERANGE, NULL, NULL },
	{ "leap day of 2000", "2000-02-29", 0, "2000-02-29", "平成12年2月29日" },
	{ "leap day of 2100", "2100-02-29", -ERANGE, NULL, NULL },
	{ "leap day in wareki", "令和7年2月29日", -ERANGE, NULL, NULL },
	{ "31 April", "2027-04-31", -ERANGE, NULL, NULL },
	{ "31 December", "2027-12-31", 0, "2027-12-31", "令和9年12月31日" },
	{ "32 December", "2027-12-32", -ERANGE, NULL, NULL },
	{ "day 0", "2027-12-00", -ERANGE, NULL, NULL },
	{ "month 0", "2027-00-10", -ERANGE, NULL, NULL },
	{ "month 13", "2027-13-10", -ERANGE, NULL, NULL },
	{ "year 0", "0000-01-01", -ERANGE, NULL, NULL },
	{ "year 1", "0001-01-01", 0, "0001-01-01", "0001-01-01" },
	{ "year 9999", "9999-12-31", 0, "9999-12-31", "令和7981年12月31日" },
	{ "year 0 of an era", "令和0年5月1日", -ERANGE, NULL, NULL },
	{ "year 99 of an era", "R99.1.1", 0, "2117-01-01", "令和99年1月1日" },
	{ "year 100 of an era", "R100.1.1", -EINVAL, NULL, NULL },
	{ "one digit in ISO", "2027-3-31", -EINVAL, NULL, NULL },
	{ "five digits in ISO", "12027-03-31", -EINVAL, NULL, NULL },
	{ "no separators", "20270331", -EINVAL, NULL, NULL },
	{ "a time behind", "2027-03-31T00:00", -EINVAL, NULL, NULL },
	{ "blank behind", "2027-03-31 ", -EINVAL, NULL, NULL },
	{ "blank in front", " 2027-03-31", -EINVAL, NULL, NULL },
	{ "negative", "-027-03-31", -EINVAL, NULL, NULL },
	{ "no day sign", "令和9年3月31", -EINVAL, NULL, NULL },
	{ "kanji era with points", "令和9.3.31", -EINVAL, NULL, NULL },
	{ "letter with 年月日", "R9年3月31日", -EINVAL, NULL, NULL },
	{ "three digits for the day", "令和9年3月031日", -EINVAL, NULL, NULL },
	{ "no year", "令和年3月31日", -EINVAL, NULL, NULL },
	{ "元 and a digit", "令和元1年5月1日", -EINVAL, NULL, NULL },
	{ "era that is not kept here", "大正15年12月24日", -EINVAL, NULL, NULL },
	{ "only an era", "令和", -EINVAL, NULL, NULL },
	{ "only a letter", "R", -EINVAL, NULL, NULL },
	{ "nothing", "", -EINVAL, NULL, NULL },
	{ "end in the middle of a full-width digit", "2027-03-3\xef\xbc", -EINVAL, NULL, NULL },
	{ "longer than any date", "000000000000000000000000000000000000002027-03-31", -EINVAL, NULL, NULL },
};

START_TEST(date_is_read_and_written)
{
	char iso[DATE_TEXT_BYTES], wareki[DATE_WAREKI_TEXT_BYTES];
	const char *what = parse_rows[_i].what;
	int32_t day = INT32_MIN, again;
	int r = date_parse(parse_rows[_i].text, &day);

	ck_assert_msg(r == parse_rows[_i].result, "%s: %d", what, r);
	if (r < 0) {
		ck_assert_msg(day == INT32_MIN, "%s: result was touched", what);
		return;
	}
	ck_assert_msg(strcmp(date_format(day, iso), parse_rows[_i].iso) == 0, "%s: %s", what, iso);
	ck_assert_msg(strcmp(date_format_wareki(day, wareki), parse_rows[_i].wareki) == 0, "%s: %s", what, wareki);
	ck_assert_msg(date_parse(iso, &again) == 0 && again == day, "%s: reading %s again", what, iso);
}
END_TEST

static int32_t day_of(const char *text)
{
	int32_t day;

	ck_assert_msg(date_parse(text, &day) == 0, "%s", text);
	return day;
}

START_TEST(days_are_counted_from_1970)
{
	ck_assert_int_eq(day_of("1970-01-01"), 0);
	ck_assert_int_eq(day_of("1969-12-31"), -1);
	ck_assert_int_eq(day_of("2000-03-01"), 11017);
	ck_assert_int_eq(day_of("2027-03-31"), 20908);
}
END_TEST

/* The C library's calendar is the oracle, for each day of four centuries. */
START_TEST(days_agree_with_the_c_library)
{
	char text[DATE_TEXT_BYTES], expected[32];

	for (int32_t day = -60000; day < 90000; day++) {
		time_t midnight = (time_t)day * 86400;
		struct tm tm;

		gmtime_r(&midnight, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%d", &tm);
		ck_assert_str_eq(date_format(day, text), expected);
		ck_assert_int_eq(day_of(expected), day);
	}
}
END_TEST

static const struct {
	const char *what, *day, *end;
} nendo_rows[] = {
	{ "first day of the fiscal year", "2026-04-01", "2027-03-31" },
	{ "last day of the fiscal year", "2027-03-31", "2027-03-31" },
	{ "New Year", "2027-01-01", "2027-03-31" },
	{ "end of the calendar year", "2026-12-31", "2027-03-31" },
	{ "leap day", "2028-02-29", "2028-03-31" },
	{ "long ago", "1926-12-25", "1927-03-31" },
};

START_TEST(fiscal_year_ends_in_march)
{
	ck_assert_msg(date_nendo_end(day_of(nendo_rows[_i].day)) == day_of(nendo_rows[_i].end), "%s", nendo_rows[_i].what);
}
END_TEST

static const struct {
	const char *what;
	int64_t unix_seconds;
	int32_t day;
} time_rows[] = {
	{ "the epoch is nine in the morning in Japan", 0, 0 },
	{ "last second of the day in Japan", 15 * 3600 - 1, 0 },
	{ "first second of the next day in Japan", 15 * 3600, 1 },
	{ "first second of the first day", -9 * 3600, 0 },
	{ "one second before", -9 * 3600 - 1, -1 },
	{ "earliest time there is", INT64_MIN, INT32_MIN },
	{ "latest time there is", INT64_MAX, INT32_MAX },
};

START_TEST(day_begins_at_midnight_in_japan)
{
	int32_t day = date_of_time(time_rows[_i].unix_seconds);

	ck_assert_msg(day == time_rows[_i].day, "%s: %d", time_rows[_i].what, day);
}
END_TEST

START_TEST(day_ends_where_the_next_begins)
{
	static const int32_t days[] = { INT32_MIN, -1, 0, 20908, INT32_MAX - 1 };

	ck_assert_int_eq(date_end_time(0), 15 * 3600);
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		ck_assert_int_eq(date_of_time(date_end_time(days[i])), days[i] + 1);
		ck_assert_int_eq(date_of_time(date_end_time(days[i]) - 1), days[i]);
	}
}
END_TEST

START_TEST(farthest_days_fit_their_texts)
{
	char iso[DATE_TEXT_BYTES], wareki[DATE_WAREKI_TEXT_BYTES];

	ck_assert_str_eq(date_format(INT32_MAX, iso), "5881580-07-11");
	ck_assert_str_eq(date_format(INT32_MIN, iso), "-5877641-06-23");
	ck_assert_str_eq(date_format_wareki(INT32_MAX, wareki), "令和5879562年7月11日");
	ck_assert_str_eq(date_format_wareki(INT32_MIN, wareki), "-5877641-06-23");
	ck_assert_int_eq(date_nendo_end(INT32_MAX), INT32_MAX);
	ck_assert_str_eq(date_format(date_nendo_end(INT32_MIN), iso), "-5877640-03-31");
}
END_TEST

START_TEST(time_of_day_is_that_of_japan)
{
	static const struct {
		int64_t time;
		const char *text;
	} rows[] = { { 0, "1970-01-01 09:00:00" }, { 15 * 3600 - 1, "1970-01-01 23:59:59" }, { 15 * 3600, "1970-01-02 00:00:00" },
		     { 1795200000, "2026-11-21 03:40:00" }, { -1, "1970-01-01 08:59:59" } };
	char text[DATE_TIME_TEXT_BYTES];

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_str_eq(date_format_time(rows[i].time, text), rows[i].text);
}
END_TEST

static Suite *date_suite(void)
{
	Suite *suite = suite_create("base/date");
	TCase *texts = tcase_create("texts"), *days = tcase_create("days");

	tcase_add_loop_test(texts, date_is_read_and_written, 0, COUNT(parse_rows));
	tcase_add_test(texts, farthest_days_fit_their_texts);
	suite_add_tcase(suite, texts);

	tcase_add_test(days, days_are_counted_from_1970);
	tcase_add_test(days, days_agree_with_the_c_library);
	tcase_add_loop_test(days, fiscal_year_ends_in_march, 0, COUNT(nendo_rows));
	tcase_add_loop_test(days, day_begins_at_midnight_in_japan, 0, COUNT(time_rows));
	tcase_add_test(days, day_ends_where_the_next_begins);
	tcase_add_test(days, time_of_day_is_that_of_japan);
	suite_add_tcase(suite, days);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(date_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
