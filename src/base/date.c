/* date: calendar days as a Japanese town hall writes them. */
#include "base/date.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DAY_SECONDS = 86400, JAPAN_OFFSET_SECONDS = 9 * 3600 };

/* An era with its first and last day; year 1 of the era is first_year. */
struct era {
	const char *name;
	char letter;
	int32_t first_year;
	int32_t first_day, last_day;
};

/* 1926-12-25, 1989-01-08 and 2019-05-01 as days; the newest first. */
static const struct era eras[] = {
	{ "令和", 'R', 2019, 18017, INT32_MAX },
	{ "平成", 'H', 1989, 6947, 18016 },
	{ "昭和", 'S', 1926, -15713, 6946 },
};

struct civil {
	int64_t year;
	int month, day;
};

/*
 * Days since 1970-01-01 and back in the proleptic Gregorian calendar: a year is taken from March to February, so that
 * the leap day is its last, and 400 years are 146097 days.
 */
static int64_t civil_to_day(struct civil civil)
{
	int64_t year = civil.month <= 2 ? civil.year - 1 : civil.year;
	int64_t cycle = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_cycle = year - cycle * 400;
	int64_t month_from_march = (civil.month + 9) % 12;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + civil.day - 1;

	return cycle * 146097 + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year - 719468;
}

static struct civil civil_of_day(int64_t day)
{
	int64_t from_march = day + 719468;
	int64_t cycle = (from_march >= 0 ? from_march : from_march - 146096) / 146097;
	int64_t day_of_cycle = from_march - cycle * 146097;
	int64_t year_of_cycle =
		(day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 - day_of_cycle / 146096) / 365;
	int64_t day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;
	struct civil civil = {
		.year = cycle * 400 + year_of_cycle,
		.month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9),
		.day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
	};

	if (civil.month <= 2)
		civil.year++;
	return civil;
}

/* Records are judged by comparing days: a day out of range stays at the end it left by. */
static int32_t day_clamp(int64_t day)
{
	if (day > INT32_MAX)
		return INT32_MAX;
	return day < INT32_MIN ? INT32_MIN : (int32_t)day;
}

/* -ERANGE for a day that is in no calendar: converting it and back gives another one. */
static int civil_check(struct civil civil, int32_t *ret_day)
{
	struct civil same;
	int64_t day;

	if (civil.year < 1 || civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > 31)
		return -ERANGE;
	day = civil_to_day(civil);
	same = civil_of_day(day);
	if (same.month != civil.month || same.day != civil.day)
		return -ERANGE;
	*ret_day = day_clamp(day);
	return 0;
}

/*
 * Copies text with full-width ASCII (U+FF01 to U+FF5E, EF BC 81 to EF BD 9E) as ASCII, for ledgers are typed with an
 * input method switched on. False when it is longer than any date.
 */
static bool text_narrow(const char *text, char *narrow, size_t size)
{
	size_t length = 0;

	while (*text) {
		const unsigned char *byte = (const unsigned char *)text;
		bool wide = byte[0] == 0xef && ((byte[1] == 0xbc && byte[2] >= 0x81 && byte[2] <= 0xbf) ||
						(byte[1] == 0xbd && byte[2] >= 0x80 && byte[2] <= 0x9e));

		if (length + 1 >= size)
			return false;
		if (wide)
			narrow[length++] = (char)(byte[2] - (byte[1] == 0xbc ? 0x60 : 0x20));
		else
			narrow[length++] = *text;
		text += wide ? 3 : 1;
	}
	narrow[length] = '\0';
	return true;
}

/* Takes a number of digits_min to digits_max digits off the text. */
static bool number_take(const char **text, int digits_min, int digits_max, int *ret_number)
{
	int number = 0, digits = 0;

	for (; digits < digits_max && **text >= '0' && **text <= '9'; digits++, (*text)++)
		number = number * 10 + (**text - '0');
	*ret_number = number;
	return digits >= digits_min;
}

static bool word_take(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length) != 0)
		return false;
	*text += length;
	return true;
}

static int gregorian_parse(const char *text, int32_t *ret_day)
{
	struct civil civil;
	int year;

	if (!number_take(&text, 4, 4, &year) || !word_take(&text, "-") || !number_take(&text, 2, 2, &civil.month) ||
	    !word_take(&text, "-") || !number_take(&text, 2, 2, &civil.day) || *text)
		return -EINVAL;
	civil.year = year;
	return civil_check(civil, ret_day);
}

/* What stands behind an era: its year (元 is 1), month and day, with 年月日 or with points. */
static int era_parse(const struct era *era, const char *text, bool letter, int32_t *ret_day)
{
	struct civil civil;
	int year = 1, r;
	int32_t day;

	if (!word_take(&text, "元") && !number_take(&text, 1, 2, &year))
		return -EINVAL;
	if (!word_take(&text, letter ? "." : "年") || !number_take(&text, 1, 2, &civil.month) ||
	    !word_take(&text, letter ? "." : "月") || !number_take(&text, 1, 2, &civil.day) ||
	    (!letter && !word_take(&text, "日")) || *text)
		return -EINVAL;
	civil.year = era->first_year + year - 1;
	r = civil_check(civil, &day);
	if (r < 0)
		return r;
	if (year < 1 || day < era->first_day || day > era->last_day)
		return -ERANGE;
	*ret_day = day;
	return 0;
}

int date_parse(const char *text, int32_t *ret_day)
{
	char narrow[DATE_WAREKI_TEXT_BYTES];
	const char *rest = narrow;

	if (!text_narrow(text, narrow, sizeof(narrow)))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(eras) / sizeof(eras[0]); i++) {
		if (word_take(&rest, eras[i].name))
			return era_parse(&eras[i], rest, false, ret_day);
		if (*rest == eras[i].letter)
			return era_parse(&eras[i], rest + 1, true, ret_day);
	}
	return gregorian_parse(narrow, ret_day);
}

int32_t date_nendo_end(int32_t day)
{
	struct civil civil = civil_of_day(day);

	return day_clamp(civil_to_day((struct civil){
		.year = civil.month >= 4 ? civil.year + 1 : civil.year,
		.month = 3,
		.day = 31,
	}));
}

int32_t date_of_time(int64_t unix_seconds)
{
	int64_t day = unix_seconds / DAY_SECONDS, second = unix_seconds % DAY_SECONDS;

	if (second < 0) {
		day--;
		second += DAY_SECONDS;
	}
	return day_clamp(second + JAPAN_OFFSET_SECONDS >= DAY_SECONDS ? day + 1 : day);
}

int64_t date_end_time(int32_t day)
{
	return ((int64_t)day + 1) * DAY_SECONDS - JAPAN_OFFSET_SECONDS;
}

char *date_format(int32_t day, char text[static DATE_TEXT_BYTES])
{
	struct civil civil = civil_of_day(day);

	snprintf(text, DATE_TEXT_BYTES, "%04lld-%02d-%02d", (long long)civil.year, civil.month, civil.day);
	return text;
}

char *date_format_wareki(int32_t day, char text[static DATE_WAREKI_TEXT_BYTES])
{
	struct civil civil = civil_of_day(day);

	for (size_t i = 0; i < sizeof(eras) / sizeof(eras[0]); i++) {
		int64_t year = civil.year - eras[i].first_year + 1;

		if (day < eras[i].first_day)
			continue;
		if (year == 1)
			snprintf(text, DATE_WAREKI_TEXT_BYTES, "%s元年%d月%d日", eras[i].name, civil.month, civil.day);
		else
			snprintf(text, DATE_WAREKI_TEXT_BYTES, "%s%lld年%d月%d日", eras[i].name, (long long)year,
				 civil.month, civil.day);
		return text;
	}
	return date_format(day, text);
}

char *date_format_time(int64_t unix_seconds, char text[static DATE_TIME_TEXT_BYTES])
{
	int32_t day = date_of_time(unix_seconds);
	int second = (int)(unix_seconds - (date_end_time(day) - DAY_SECONDS));
	char date[DATE_TEXT_BYTES];

	snprintf(text, DATE_TIME_TEXT_BYTES, "%s %02d:%02d:%02d", date_format(day, date), second / 3600 % 24, second / 60 % 60, second % 60);
	return text;
}
