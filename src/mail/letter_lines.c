/*
 * letter_lines: the lines of a composed message. To be read with letter_compose.c when the airlock is audited: everything that
 * separates one value from the next is written here.
 */
#include "mail/letter_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/date.h"

enum {
	PLAIN_BYTES_MAX = 60,		/* a longer text is encoded, so that a plain one needs no fold */
	WORD_OVERHEAD = 12,		/* "=?UTF-8?B?" and "?=" */
	WORD_BYTES_MIN = 12,		/* less room than this in a line is not used for a word */
};

/* ---- base64 (RFC 4648) ---- */

/* Encodes at most LETTER_BODY_LINE_BYTES. */
static void base64_put(struct buf *out, const char *bytes, size_t length)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		uint32_t group = 0;
		char letters[4];

		for (size_t j = 0; j < 3; j++)
			group = group << 8 | (i + j < length ? (uint8_t)bytes[i + j] : 0U);
		letters[0] = alphabet[group >> 18];
		letters[1] = alphabet[group >> 12 & 63];
		letters[2] = i + 1 < length ? alphabet[group >> 6 & 63] : '=';
		letters[3] = i + 2 < length ? alphabet[group & 63] : '=';
		buf_put(out, letters, sizeof(letters));
	}
}

void body_end(struct body *body)
{
	if (body->held == 0)
		return;
	base64_put(body->out, body->line, body->held);
	buf_puts(body->out, "\r\n");
	body->held = 0;
}

void body_put(struct body *body, struct span text)
{
	while (text.length > 0) {
		size_t room = LETTER_BODY_LINE_BYTES - body->held, take = text.length < room ? text.length : room;

		memcpy(body->line + body->held, text.data, take);
		body->held += take;
		text = span_part(text, take, text.length);
		if (body->held == LETTER_BODY_LINE_BYTES)
			body_end(body);
	}
}

void body_puts(struct body *body, const char *text)
{
	body_put(body, span_of(text));
}

void body_number(struct body *body, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	body_puts(body, text);
}

void body_line(struct body *body, const char *words)
{
	body_puts(body, words);
	body_puts(body, "\r\n");
}

void body_count_line(struct body *body, const char *before, uint64_t number, const char *behind)
{
	body_puts(body, before);
	body_number(body, number);
	body_line(body, behind);
}

/* ---- a header and its folds ---- */

struct header header_begin(struct buf *out, const char *name)
{
	buf_puts(out, name);
	buf_putc(out, ':');
	return (struct header){ .out = out, .column = strlen(name) + 1 };
}

static void header_fold(struct header *header)
{
	buf_puts(header->out, "\r\n");
	header->column = 0;
}

void header_token(struct header *header, struct span token)
{
	if (header->column > 0 && header->column + 1 + token.length > LETTER_LINE_BYTES_MAX)
		header_fold(header);
	buf_putc(header->out, ' ');
	buf_put(header->out, token.data, token.length);
	header->column += 1 + token.length;
}

void header_printf(struct header *header, const char *format, ...)
{
	char token[LETTER_TOKEN_BYTES_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(token, sizeof(token), format, args);
	va_end(args);
	header_token(header, span_of(token));
}

void header_end(struct header *header)
{
	buf_puts(header->out, "\r\n");
}

/* ---- texts in headers ---- */

/* Letters, digits and signs that mean nothing in a header, with single spaces between words, and short. */
static bool text_is_plain(struct span text)
{
	static const char signs[] = "!#$%&'*+-/^_{|}~";
	char previous = ' ';

	if (text.length > PLAIN_BYTES_MAX)
		return false;
	for (size_t i = 0; i < text.length; previous = text.data[i++]) {
		char byte = text.data[i];

		if (byte == ' ' && previous == ' ')
			return false;
		if (byte != ' ' && !(byte >= '0' && byte <= '9') && !(byte >= 'A' && byte <= 'Z') &&
		    !(byte >= 'a' && byte <= 'z') && !(byte != '\0' && strchr(signs, byte)))
			return false;
	}
	return previous != ' ';
}

/* The beginning of a text that is not empty, at most bytes_max (4 or more), whole characters. */
static struct span text_begin(struct span text, size_t bytes_max)
{
	size_t end = text.length < bytes_max ? text.length : bytes_max;

	while (end < text.length && ((uint8_t)text.data[end] & 0xc0) == 0x80)
		end--;
	return span_part(text, 0, end);
}

/* How many bytes of text a word at the end of this line can hold. */
static size_t word_room(size_t column)
{
	size_t used = column + 1 + WORD_OVERHEAD;

	return used < LETTER_LINE_BYTES_MAX ? (LETTER_LINE_BYTES_MAX - used) / 4 * 3 : 0;
}

/* Appends encoded words. Only the first may be shorter than a line and not the last, so the bound of letter_headers_cost() holds. */
static void header_words(struct header *header, struct span text)
{
	while (text.length > 0) {
		size_t room = word_room(header->column);
		struct span word;

		if (room < text.length && room < WORD_BYTES_MIN) {
			header_fold(header);
			room = word_room(0);
		}
		word = text_begin(text, room);
		buf_puts(header->out, " =?UTF-8?B?");
		base64_put(header->out, word.data, word.length);
		buf_puts(header->out, "?=");
		header->column += 1 + WORD_OVERHEAD + (word.length + 2) / 3 * 4;
		text = span_part(text, word.length, text.length);
	}
}

void header_text(struct header *header, struct span text)
{
	if (text.length > 0 && text_is_plain(text))
		header_token(header, text);
	else
		header_words(header, text);
}

/* "<local@domain>"; a local part that is no dot-atom ("a..b.@") gets the quotes that RFC 5322 wants. */
void header_address(struct header *header, const struct letter_address *address, const char *behind)
{
	const char *at = memchr(address->address.data, '@', address->address.length);
	size_t local_bytes = (size_t)(at - address->address.data);
	const char *data = address->address.data, *quote = "";

	if (data[0] == '.' || at[-1] == '.' || memmem(data, local_bytes, "..", 2))
		quote = "\"";
	header_text(header, address->name);
	header_printf(header, "<%s%.*s%s%.*s>%s", quote, (int)local_bytes, data, quote,
		      (int)(address->address.length - local_bytes), at, behind);
}

/* ---- dates ---- */

static int32_t day_of(int64_t seconds, int zone_minutes)
{
	return (int32_t)((seconds + (int64_t)zone_minutes * 60) / 86400);
}

/* "17:28:36 +0900" */
static void time_of_day_format(int64_t seconds, int zone_minutes, char text[static LETTER_STAMP_TEXT_BYTES])
{
	int of_day = (int)((seconds + (int64_t)zone_minutes * 60) % 86400);
	int zone = zone_minutes < 0 ? -zone_minutes : zone_minutes;

	snprintf(text, LETTER_STAMP_TEXT_BYTES, "%02d:%02d:%02d %c%02d%02d", of_day / 3600, of_day / 60 % 60, of_day % 60,
		 zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}

void header_date(struct header *header, int64_t seconds, int zone_minutes)
{
	static const char weekdays[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int32_t day = day_of(seconds, zone_minutes);
	char iso[DATE_TEXT_BYTES], stamp[LETTER_STAMP_TEXT_BYTES];
	size_t month;

	date_format(day, iso);
	month = (size_t)((iso[5] - '0') * 10 + iso[6] - '0');
	time_of_day_format(seconds, zone_minutes, stamp);
	header_printf(header, "%s, %.2s %s %.4s %s", weekdays[day % 7], iso + 8, months[month - 1], iso, stamp);
}

void body_date(struct body *body, int64_t seconds, int zone_minutes)
{
	char iso[DATE_TEXT_BYTES], stamp[LETTER_STAMP_TEXT_BYTES];

	time_of_day_format(seconds, zone_minutes, stamp);
	body_puts(body, date_format(day_of(seconds, zone_minutes), iso));
	body_puts(body, " ");
	body_puts(body, stamp);
}
