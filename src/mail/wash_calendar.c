/* wash_calendar: invitations and visiting cards in words. */
#include "mail/wash_calendar.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "mail/charset.h"
#include "mail/header_octets.h"
#include "mail/mime_transfer.h"

/* How a value becomes text. */
enum value_kind { VALUE_TEXT, VALUE_TIME, VALUE_PERSON, VALUE_RULE, VALUE_STATUS, VALUE_LIST };

/* Properties that are shown, in the order in which they are. */
static const struct {
	const char *name;	/* lower case */
	bool card;
	enum value_kind kind;
	const char *label[2];	/* by enum language */
} properties[] = {
	{ "summary", false, VALUE_TEXT, { "Subject: ", "件名: " } },
	{ "dtstart", false, VALUE_TIME, { "Begins: ", "開始: " } },
	{ "dtend", false, VALUE_TIME, { "Ends: ", "終了: " } },
	{ "due", false, VALUE_TIME, { "Due: ", "期限: " } },
	{ "rrule", false, VALUE_RULE, { "Repeats: ", "繰り返し: " } },
	{ "location", false, VALUE_TEXT, { "Place: ", "場所: " } },
	{ "organizer", false, VALUE_PERSON, { "Organizer: ", "主催者: " } },
	{ "attendee", false, VALUE_PERSON, { "Attendee: ", "出席者: " } },
	{ "status", false, VALUE_STATUS, { "Status: ", "状態: " } },
	{ "url", false, VALUE_TEXT, { "URL: ", "URL: " } },
	{ "description", false, VALUE_TEXT, { "Description: ", "説明: " } },
	{ "fn", true, VALUE_TEXT, { "Name: ", "氏名: " } },
	{ "n", true, VALUE_LIST, { "Name: ", "氏名: " } },
	{ "org", true, VALUE_LIST, { "Organization: ", "組織: " } },
	{ "title", true, VALUE_TEXT, { "Title: ", "役職: " } },
	{ "tel", true, VALUE_TEXT, { "Telephone: ", "電話: " } },
	{ "email", true, VALUE_TEXT, { "Mail: ", "メール: " } },
	{ "adr", true, VALUE_LIST, { "Address: ", "住所: " } },
	{ "url", true, VALUE_TEXT, { "URL: ", "URL: " } },
	{ "note", true, VALUE_TEXT, { "Note: ", "備考: " } },
};

enum { PROPERTY_COUNT = sizeof(properties) / sizeof(properties[0]) };

_Static_assert((int)PROPERTY_COUNT <= (int)WASH_PROPERTIES, "each property has its value");

struct word {
	const char *value;	/* lower case */
	const char *text[2];
};

static const struct word methods[] = {
	{ "request", { "invitation", "会議の招待" } },
	{ "cancel", { "cancellation", "会議の取り消し" } },
	{ "reply", { "answer to an invitation", "招待への返事" } },
	{ "counter", { "proposal of another time", "別の日時の提案" } },
	{ "add", { "additional dates", "日程の追加" } },
	{ "publish", { "event", "予定のお知らせ" } },
};

static const struct word answers[] = {
	{ "accepted", { " (accepts)", "(承諾)" } },
	{ "declined", { " (declines)", "(辞退)" } },
	{ "tentative", { " (tentative)", "(仮承諾)" } },
	{ "delegated", { " (delegates)", "(委任)" } },
};

static const struct word statuses[] = {
	{ "confirmed", { "confirmed", "確定" } },
	{ "tentative", { "tentative", "仮" } },
	{ "cancelled", { "cancelled", "取り消し" } },
};

static const struct word frequencies[] = {
	{ "daily", { "daily", "毎日" } },
	{ "weekly", { "weekly", "毎週" } },
	{ "monthly", { "monthly", "毎月" } },
	{ "yearly", { "yearly", "毎年" } },
};

/* The words for a value; NULL: it has none. */
static const char *word_find(const struct word *words, size_t count, struct span value, enum language language)
{
	for (size_t i = 0; i < count; i++)
		if (header_word_is(value, words[i].value))
			return words[i].text[language];
	return NULL;
}

#define WORD(words, value, language) word_find(words, sizeof(words) / sizeof((words)[0]), value, language)

static void span_put(struct buf *out, struct span bytes)
{
	buf_put(out, bytes.data, bytes.length);
}

/* ---- values ---- */

/* Text with its escapes undone (RFC 5545 3.3.11). A line that goes on is indented. */
static void text_put(struct buf *out, struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		char byte = value.data[i];

		if (byte == '\\' && i + 1 < value.length) {
			byte = value.data[++i];
			byte = byte == 'n' || byte == 'N' ? '\n' : byte;
		}
		if (byte == '\n')
			buf_puts(out, "\n  ");
		else
			buf_putc(out, byte);
	}
}

/* Fields between ';' that are not empty. */
static void list_put(struct buf *out, struct span value)
{
	size_t begin = 0;
	bool written = false;

	for (size_t at = 0; at <= value.length; at++) {
		if (at < value.length && (value.data[at] != ';' || (at > 0 && value.data[at - 1] == '\\')))
			continue;
		if (at > begin) {
			if (written)
				buf_putc(out, ' ');
			text_put(out, span_part(value, begin, at));
			written = true;
		}
		begin = at + 1;
	}
}

/* A number of so many digits at this place; -1: none. */
static int digits_at(struct span text, size_t at, size_t count)
{
	int number = 0;

	if (at + count > text.length)
		return -1;
	for (size_t i = at; i < at + count; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		number = number * 10 + (text.data[i] - '0');
	}
	return number;
}

/* The day of "20261201"; false: none. */
static bool day_at(struct span text, int32_t *ret_day)
{
	char iso[DATE_TEXT_BYTES];
	int year = digits_at(text, 0, 4), month = digits_at(text, 4, 2), day = digits_at(text, 6, 2);

	if (year < 0 || month < 0 || day < 0)
		return false;
	snprintf(iso, sizeof(iso), "%04d-%02d-%02d", year % 10000, month % 100, day % 100);
	return date_parse(iso, ret_day) == 0;
}

static void day_put(struct buf *out, int32_t day, enum language language)
{
	static const char *const weekdays[2][7] = {
		{ "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" }, { "木", "金", "土", "日", "月", "火", "水" },
	};
	char iso[DATE_TEXT_BYTES];
	int year, month, month_day;
	const char *weekday = weekdays[language][(day % 7 + 7) % 7];

	date_format(day, iso);
	if (language == LANGUAGE_JA && sscanf(iso, "%d-%d-%d", &year, &month, &month_day) == 3)
		buf_printf(out, "%d年%d月%d日(%s)", year, month, month_day, weekday);
	else
		buf_printf(out, "%s %s", weekday, iso);
}

static bool zone_is_japan(struct span zone)
{
	return header_word_is(zone, "asia/tokyo") || header_word_is(zone, "tokyo standard time") || header_word_is(zone, "japan") ||
	       header_word_is(zone, "jst");
}

/* "20261201T010000Z", "20261201T100000" in a zone, "20261201": else as it stands. */
static void time_put(struct buf *out, const struct wash_property *property, enum language language)
{
	struct span value = property->value, zone = wash_parameter_of(property, "tzid");
	int hour = digits_at(value, 9, 2), minute = digits_at(value, 11, 2);
	bool utc = value.length > 15 && value.data[15] == 'Z';
	int32_t day;

	if (!day_at(value, &day) || (value.length > 8 && (hour < 0 || hour > 23 || minute < 0 || minute > 59))) {
		text_put(out, value);
		return;
	}
	if (utc) {
		int64_t seconds = (int64_t)day * 86400 + hour * 3600;

		day = date_of_time(seconds);
		hour = (hour + 9) % 24;
	}
	day_put(out, day, language);
	if (value.length > 8)
		buf_printf(out, " %02d:%02d", hour, minute);
	if (!utc && zone.length > 0 && !zone_is_japan(zone)) {
		buf_puts(out, " (");
		span_put(out, zone);
		buf_puts(out, ")");
	}
}

/* "mailto:" with the name beside it, and what the person answered. */
static void person_put(struct buf *out, const struct wash_property *property, enum language language)
{
	struct span value = property->value, name = wash_parameter_of(property, "cn");
	const char *answer = WORD(answers, wash_parameter_of(property, "partstat"), language);

	if (value.length > 7 && header_word_is(span_part(value, 0, 7), "mailto:"))
		value = span_part(value, 7, value.length);
	if (name.length > 0 && !span_equal(name, value)) {
		span_put(out, name);
		buf_puts(out, " <");
		span_put(out, value);
		buf_puts(out, ">");
	} else {
		span_put(out, value);
	}
	if (answer)
		buf_puts(out, answer);
}

/* "FREQ=WEEKLY;COUNT=3": the frequency in words, then the rule itself. */
static void rule_put(struct buf *out, struct span value, enum language language)
{
	const char *frequency = NULL;
	size_t end = 5;

	if (value.length > end && header_word_is(span_part(value, 0, end), "freq=")) {
		while (end < value.length && value.data[end] != ';')
			end++;
		frequency = WORD(frequencies, span_part(value, 5, end), language);
	}
	if (frequency)
		buf_printf(out, "%s ", frequency);
	buf_puts(out, "[");
	span_put(out, value);
	buf_puts(out, "]");
}

/* vCard 2.1 from mobile phones: quoted-printable, often in Shift_JIS. */
static void decode_put(struct buf *out, const struct wash_property *property)
{
	struct mime_transfer transfer = mime_transfer_of(MIME_QUOTED_PRINTABLE);
	struct charset_decoder decoder;
	char bytes[WASH_LINES_BYTES_MAX + 2 * MIME_TRANSFER_ROOM];
	struct span rest = property->value;
	size_t length = mime_transfer_decode(&transfer, &rest, bytes, sizeof(bytes) - MIME_TRANSFER_ROOM);

	length += mime_transfer_finish(&transfer, bytes + length);
	decoder = charset_decoder_of(charset_guess((struct span){ .data = bytes, .length = length },
						   charset_of_label(wash_parameter_of(property, "charset"))).charset);
	charset_decode(&decoder, (struct span){ .data = bytes, .length = length }, out);
	charset_finish(&decoder, out);
}

static bool is_quoted_printable(const struct wash_property *property)
{
	return memmem(property->parameters.data, property->parameters.length, "QUOTED-PRINTABLE", 16) != NULL;
}

static void value_put(struct buf *out, enum value_kind kind, const struct wash_property *property, enum language language)
{
	const char *status;

	switch (kind) {
	case VALUE_TEXT:
		text_put(out, property->value);
		break;
	case VALUE_LIST:
		list_put(out, property->value);
		break;
	case VALUE_TIME:
		time_put(out, property, language);
		break;
	case VALUE_PERSON:
		person_put(out, property, language);
		break;
	case VALUE_RULE:
		rule_put(out, property->value, language);
		break;
	case VALUE_STATUS:
		status = WORD(statuses, property->value, language);
		if (status)
			buf_puts(out, status);
		else
			text_put(out, property->value);
		break;
	}
}

/* ---- events ---- */

/* The parts of a name (N) are for cards without the whole of it (FN), which stands before. */
static bool is_needless(const struct wash_calendar *calendar, size_t i)
{
	return strcmp(properties[i].name, "n") == 0 && calendar->values[i - 1].length > 0;
}

/* Writes the event that is complete. */
static void event_put(struct wash_calendar *calendar)
{
	static const char *const names[2][2] = { { "---- event", "──── 予定" }, { "---- visiting card", "──── 名刺" } };
	const char *method = WORD(methods, buf_span(&calendar->method), calendar->language);

	if (calendar->written > 0)
		buf_putc(calendar->out, '\n');
	buf_puts(calendar->out, names[calendar->card][calendar->language]);
	if (method)
		buf_printf(calendar->out, ": %s", method);
	buf_puts(calendar->out, calendar->language == LANGUAGE_JA ? " ────\n" : " ----\n");
	for (size_t i = 0; i < PROPERTY_COUNT; i++)
		if (!is_needless(calendar, i))
			span_put(calendar->out, buf_span(&calendar->values[i]));
	calendar->written++;
}

static void event_end(struct wash_calendar *calendar)
{
	if (calendar->collecting && calendar->written < WASH_EVENTS_MAX && !calendar->out->overflow)
		event_put(calendar);
	calendar->events += calendar->collecting;
	calendar->collecting = false;
	for (size_t i = 0; i < PROPERTY_COUNT; i++)
		calendar->values[i].length = 0;
}

/* Appends a line of the event. */
static void property_put(struct wash_calendar *calendar, size_t i, const struct wash_property *property)
{
	struct wash_property decoded = *property;
	struct buf text = buf_limited(0), *out = &calendar->values[i];

	if (is_quoted_printable(property)) {
		decode_put(&text, property);
		decoded.value = buf_span(&text);
	}
	buf_puts(out, properties[i].label[calendar->language]);
	value_put(out, properties[i].kind, &decoded, calendar->language);
	buf_putc(out, '\n');
	buf_free(&text);
}

/* True when the other form of the mail can hold the text. Escapes make it longer here, but by less than a quarter. */
static bool is_told(const struct wash_calendar *calendar, struct span value)
{
	return value.length <= calendar->told_bytes + calendar->told_bytes / 4;
}

static void property_take(struct wash_calendar *calendar, const struct wash_property *property)
{
	for (size_t i = 0; i < PROPERTY_COUNT; i++) {
		if (properties[i].card != calendar->card || !header_word_is(property->name, properties[i].name))
			continue;
		if (strcmp(properties[i].name, "description") == 0 && is_told(calendar, property->value))
			continue;
		if (calendar->event_lines++ < WASH_EVENT_LINES_MAX)
			property_put(calendar, i, property);
	}
}

/* The name in front of a '.' is a group (item1.TEL). */
static struct span name_without_group(struct span name)
{
	const char *dot = name.length > 0 ? memrchr(name.data, '.', name.length) : NULL;

	return span_part(name, dot ? (size_t)(dot - name.data) + 1 : 0, name.length);
}

static bool is_shown_component(const struct wash_calendar *calendar, struct span name)
{
	if (calendar->card)
		return header_word_is(name, "vcard");
	return header_word_is(name, "vevent") || header_word_is(name, "vtodo");
}

static void component_begin(struct wash_calendar *calendar, struct span name)
{
	if (!calendar->collecting && is_shown_component(calendar, name)) {
		calendar->collecting = true;
		calendar->event_lines = 0;
		calendar->within = 0;
	}
	calendar->within++;
}

static void component_end(struct wash_calendar *calendar, struct span name)
{
	calendar->within -= calendar->within > 0;
	if (is_shown_component(calendar, name))
		event_end(calendar);
}

static void line_take(void *user, struct span line)
{
	struct wash_calendar *calendar = user;
	struct wash_property property;

	if (!wash_property_of(line, &property))
		return;
	property.name = name_without_group(property.name);
	property.value = header_trim(property.value);
	if (header_word_is(property.name, "begin")) {
		component_begin(calendar, property.value);
	} else if (header_word_is(property.name, "end")) {
		component_end(calendar, property.value);
	} else if (header_word_is(property.name, "method") && !calendar->collecting) {
		calendar->method.length = 0;
		span_put(&calendar->method, property.value);
	} else if (calendar->collecting && calendar->within == 1) {
		property_take(calendar, &property);
	}
}

void wash_calendar_begin(struct wash_calendar *calendar, bool card, size_t told_bytes, enum language language, struct buf *out)
{
	*calendar = (struct wash_calendar){ .card = card, .told_bytes = told_bytes, .language = language, .out = out };
	wash_lines_begin(&calendar->lines, line_take, calendar);
}

void wash_calendar_feed(struct wash_calendar *calendar, struct span text)
{
	wash_lines_feed(&calendar->lines, text);
}

void wash_calendar_finish(struct wash_calendar *calendar)
{
	wash_lines_finish(&calendar->lines);
	event_end(calendar);
	if (calendar->events > calendar->written)
		buf_printf(calendar->out, calendar->language == LANGUAGE_JA ? "\nほか %u 件\n" : "\nand %u more\n",
			   calendar->events - calendar->written);
	for (size_t i = 0; i < PROPERTY_COUNT; i++)
		buf_free(&calendar->values[i]);
	buf_free(&calendar->method);
}
