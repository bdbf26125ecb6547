/*
 * date: calendar days as a Japanese town hall writes them.
 *
 * A day is a count of days since 1970-01-01 (proleptic Gregorian). Japan keeps UTC+9 all year, so a day begins at 15:00 UTC of
 * the day before; no time zone database is asked. Records expire at the end of their day in Japan.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdint.h>

enum { DATE_TEXT_BYTES = 16, DATE_WAREKI_TEXT_BYTES = 48, DATE_TIME_TEXT_BYTES = 32 };

/*
 * Reads a day: "2027-03-31", "令和9年3月31日", "令和元年5月1日", "R9.3.31", full-width digits as well; eras 昭和, 平成 and 令和 within their own days.
 * 0; -EINVAL: not a date; -ERANGE: no such day (2027-02-30, 令和1年4月30日).
 */
int date_parse(const char *text, int32_t *ret_day);

/* The last day of the Japanese fiscal year (年度, April to March) in which day lies: 31 March. */
int32_t date_nendo_end(int32_t day);

/* The day in Japan at this Unix time (seconds). */
int32_t date_of_time(int64_t unix_seconds);

/* The Unix time of the first second after the day in Japan: what expires on that day is closed from this second on. */
int64_t date_end_time(int32_t day);

/* "2027-03-31" into a buffer of DATE_TEXT_BYTES; returns the buffer. */
char *date_format(int32_t day, char text[static DATE_TEXT_BYTES]);

/* "令和9年3月31日" (before 2019-05-01 平成, 昭和; before 1926-12-25 as date_format()); returns the buffer. */
char *date_format_wareki(int32_t day, char text[static DATE_WAREKI_TEXT_BYTES]);

/* "2027-03-31 23:59:59", the time in Japan at this Unix time; returns the buffer. */
char *date_format_time(int64_t unix_seconds, char text[static DATE_TIME_TEXT_BYTES]);

#endif
