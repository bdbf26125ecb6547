/* header_values: a date is a handful of words whose order is known; a message id is two dot-atoms. */
#include "mail/header_values.h"

#include <errno.h>
#include <string.h>

#include "mail/header_octets.h"

enum { DATE_WORDS_MAX = 16, SECONDS_PER_DAY = 86400 };

/* A date as words: runs of letters, numbers with their sign, and the marks ',' ':' '-'. */
struct words {
	struct span items[DATE_WORDS_MAX];
	size_t count, at;
	bool lenient;
};

struct day_time {
	int year, month, day; /* month from 1 */
	int hour, minute, second, zone_minutes;
	int weekday; /* from 0 (Sunday); -1: none */
};

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
	byte = header_lower(byte);
	return byte >= 'a' && byte <= 'z';
}

/* The offset behind the comment at `from`, or the end of the text. */
static size_t comment_end(struct span text, size_t from)
{
	size_t depth = 0;

	for (; from < text.length; from++) {
		depth += text.data[from] == '(';
		depth -= text.data[from] == ')';
		from += text.data[from] == '\\';
		if (depth == 0)
			return from + 1;
	}
	return text.length;
}

/* Cuts the field into words. What does not fit is left out: a date has at most twelve. */
static void words_cut(struct span text, struct words *words)
{
	size_t at = 0;

	while (at < text.length && words->count < DATE_WORDS_MAX) {
		size_t begin = at;

		if (header_is_space(text.data[at])) {
			at++;
			continue;
		}
		if (text.data[at] == '(') {
			at = comment_end(text, at);
			continue;
		}
		if (is_digit(text.data[at]))
			while (at < text.length && is_digit(text.data[at]))
				at++;
		else if (is_letter(text.data[at]))
			while (at < text.length && is_letter(text.data[at]))
				at++;
		else
			at++;
		words->items[words->count++] = span_part(text, begin, at);
	}
}

/* The word ahead; empty at the end. */
static struct span word_ahead(const struct words *words)
{
	return words->at < words->count ? words->items[words->at] : (struct span){ 0 };
}

static bool mark_take(struct words *words, char mark)
{
	struct span word = word_ahead(words);
	bool found = word.length == 1 && word.data[0] == mark;

	words->at += found;
	return found;
}

/* Takes a number of at least `strict` digits, and at most `most`; fewer are lenient. */
static bool number_take(struct words *words, size_t strict, size_t most, int *ret_number)
{
	struct span word = word_ahead(words);
	int number = 0;

	if (word.length == 0 || word.length > most || !is_digit(word.data[0]))
		return false;
	for (size_t i = 0; i < word.length; i++)
		number = number * 10 + (word.data[i] - '0');
	words->lenient |= word.length < strict;
	words->at++;
	*ret_number = number;
	return true;
}

/* Finds a name by its first three letters; longer ones are lenient. Returns its place in the table, or -1. */
static int name_find(struct words *words, const char *const *names, int count)
{
	struct span word = word_ahead(words);

	for (int i = 0; i < count; i++) {
		if (word.length < 3 || !header_word_is(span_part(word, 0, 3), names[i]))
			continue;
		words->lenient |= word.length != 3 || header_lower(word.data[0]) == word.data[0] ||
				  header_lower(word.data[1]) != word.data[1] ||
				  header_lower(word.data[2]) != word.data[2];
		return i;
	}
	return -1;
}

static int weekday_find(struct words *words)
{
	static const char *const names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

	return name_find(words, names, 7);
}

static bool month_take(struct words *words, int *ret_month)
{
	static const char *const names[] = {
		"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
	};
	int month = name_find(words, names, 12);

	if (month < 0)
		return false;
	words->at++;
	*ret_month = month + 1;
	return true;
}

static bool year_take(struct words *words, int *ret_year)
{
	struct span word = word_ahead(words);
	int year;

	if (!number_take(words, 4, 4, &year))
		return false;
	if (word.length == 3)
		year += 1900;
	else if (word.length < 3)
		year += year < 50 ? 2000 : 1900;
	*ret_year = year;
	return true;
}

/* hh:mm[:ss] */
static bool time_take(struct words *words, struct day_time *time)
{
	if (!number_take(words, 2, 2, &time->hour) || !mark_take(words, ':') ||
	    !number_take(words, 2, 2, &time->minute))
		return false;
	return !mark_take(words, ':') || number_take(words, 2, 2, &time->second);
}

static const struct {
	const char *name;
	int minutes;
} zone_names[] = {
	{ "gmt", 0 }, { "ut", 0 }, { "utc", 0 }, { "z", 0 }, { "jst", 540 }, { "kst", 540 },
	{ "est", -300 }, { "edt", -240 }, { "cst", -360 }, { "cdt", -300 }, { "mst", -420 }, { "mdt", -360 },
	{ "pst", -480 }, { "pdt", -420 }, { "cet", 60 }, { "cest", 120 }, { "bst", 60 },
};

/* +hhmm, a name, or nothing. */
static bool zone_take(struct words *words, struct day_time *time)
{
	bool minus = mark_take(words, '-'), sign = minus || mark_take(words, '+');
	struct span word = word_ahead(words);
	int number;

	if (sign) {
		if (word.length != 4 || !number_take(words, 4, 4, &number) || number % 100 > 59)
			return false;
		time->zone_minutes = number / 100 * 60 + number % 100;
		time->zone_minutes = minus ? -time->zone_minutes : time->zone_minutes;
		return true;
	}
	words->lenient = true;
	for (size_t i = 0; i < sizeof(zone_names) / sizeof(zone_names[0]); i++)
		if (header_word_is(word, zone_names[i].name))
			time->zone_minutes = zone_names[i].minutes;
	return true;
}

static void weekday_take(struct words *words, struct day_time *time)
{
	time->weekday = weekday_find(words);
	if (time->weekday < 0)
		return;
	words->at++;
	words->lenient |= !mark_take(words, ',');
}

/* Nov 21 17:36:47 [zone] 2025 */
static bool asctime_take(struct words *words, struct day_time *time)
{
	words->lenient = true;
	if (!month_take(words, &time->month) || !number_take(words, 1, 2, &time->day) ||
	    !time_take(words, time))
		return false;
	if (!is_digit(word_ahead(words).length ? word_ahead(words).data[0] : '0') && !zone_take(words, time))
		return false;
	if (word_ahead(words).length > 0 && is_letter(word_ahead(words).data[0]))
		words->at++;
	return year_take(words, &time->year);
}

/* 21 Nov 2025 17:36:47 +0900 */
static bool usual_take(struct words *words, struct day_time *time)
{
	if (!number_take(words, 1, 2, &time->day))
		return false;
	words->lenient |= mark_take(words, '-');
	if (!month_take(words, &time->month))
		return false;
	words->lenient |= mark_take(words, '-');
	return year_take(words, &time->year) && time_take(words, time) && zone_take(words, time);
}

/* Days since 1970-01-01 of a day of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
	int64_t shifted = month <= 2 ? year - 1 : year;
	int64_t era = shifted / 400, year_of_era = shifted - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool is_possible(const struct day_time *time)
{
	return time->year >= 1970 && time->day >= 1 && time->day <= month_days(time->year, time->month) &&
	       time->hour <= 23 && time->minute <= 59 && time->second <= 60 &&
	       time->zone_minutes >= HEADER_ZONE_MINUTES_MIN && time->zone_minutes <= HEADER_ZONE_MINUTES_MAX;
}

int header_date_parse(struct span value, struct header_date *ret_date)
{
	struct words words = { .count = 0 };
	struct day_time time = { .weekday = -1 };
	bool read;
	int64_t days, seconds;

	words_cut(value, &words);
	weekday_take(&words, &time);
	if (word_ahead(&words).length > 0 && is_letter(word_ahead(&words).data[0]))
		read = asctime_take(&words, &time);
	else
		read = usual_take(&words, &time);
	if (!read)
		return -EINVAL;
	if (!is_possible(&time))
		return -ERANGE;
	days = days_of(time.year, time.month, time.day);
	seconds = days * SECONDS_PER_DAY + time.hour * 3600 + time.minute * 60 + time.second -
		  time.zone_minutes * 60;
	if (seconds < HEADER_SECONDS_MIN || seconds > HEADER_SECONDS_MAX)
		return -ERANGE;
	/* 1 January 1970 was a Thursday. */
	words.lenient |= words.at < words.count || (time.weekday >= 0 && time.weekday != (days + 4) % 7);
	*ret_date = (struct header_date){ .seconds = seconds,
					  .zone_minutes = time.zone_minutes,
					  .grammar = words.lenient ? HEADER_LENIENT : HEADER_STRICT };
	return 0;
}

/* RFC 5322 section 3.2.3. */
static bool is_atext(char byte)
{
	return is_letter(byte) || is_digit(byte) || (byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", byte));
}

static bool is_dot_atom(struct span text)
{
	bool dot_before = true;

	for (size_t i = 0; i < text.length; i++) {
		bool dot = text.data[i] == '.';

		if (dot ? dot_before : !is_atext(text.data[i]))
			return false;
		/* What looks like an encoded-word would be decoded by careless programs. */
		if (i > 0 && text.data[i] == '?' && text.data[i - 1] == '=')
			return false;
		dot_before = dot;
	}
	return !dot_before;
}

static bool is_message_id(struct span id)
{
	const char *at = id.length > 0 && id.length <= HEADER_MESSAGE_ID_BYTES_MAX
				 ? memchr(id.data, '@', id.length)
				 : NULL;
	size_t local_length = at ? (size_t)(at - id.data) : 0;

	return at && is_dot_atom(span_part(id, 0, local_length)) &&
	       is_dot_atom(span_part(id, local_length + 1, id.length));
}

/* Length of white space and comments at the beginning. */
static size_t gap_length(struct span text)
{
	size_t at = 0;

	while (at < text.length && (header_is_space(text.data[at]) || text.data[at] == '('))
		at = text.data[at] == '(' ? comment_end(text, at) : at + 1;
	return at;
}

/* The id that begins at '<' and ends at the next '>'; a '<' before that begins anew. */
static size_t id_length(struct span text)
{
	size_t at = 1;

	while (at < text.length && text.data[at] != '>' && text.data[at] != '<')
		at++;
	return at < text.length && text.data[at] == '>' ? at + 1 : 0;
}

bool header_message_id_take(struct span *rest, struct span *ret_id, bool *odd)
{
	while (rest->length > 0) {
		size_t gap = gap_length(*rest), length;
		struct span id;

		*rest = span_part(*rest, gap, rest->length);
		if (rest->length == 0)
			break;
		length = rest->data[0] == '<' ? id_length(*rest) : 0;
		id = length > 2 ? span_part(*rest, 1, length - 1) : (struct span){ 0 };
		*rest = span_part(*rest, length > 0 ? length : 1, rest->length);
		if (is_message_id(id)) {
			*ret_id = id;
			return true;
		}
		*odd = true;
	}
	return false;
}

size_t header_references_read(struct span value, size_t count_max, struct span *ids, size_t *ret_omitted)
{
	size_t count = 0, omitted = 0;
	bool odd = false;
	struct span id;

	while (header_message_id_take(&value, &id, &odd)) {
		if (count == count_max) {
			/* The second oldest goes: the first one names the conversation. */
			memmove(ids + 1, ids + 2, (count_max - 2) * sizeof(*ids));
			count--;
			omitted++;
		}
		ids[count++] = id;
	}
	*ret_omitted = omitted;
	return count;
}
