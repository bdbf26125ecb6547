/*
 * letter_reader: reads a composed message back into a letter, for check_mail_letter and fuzz_letter. It shares no code with the
 * composer: what it accepts is what the format says (sekisho-airlock(7)), line by line, and nothing else.
 */
#ifndef LETTER_READER_H
#define LETTER_READER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "mail/letter.h"

enum { READER_HEADERS = 16 };

/* The headers that may occur, in their order. */
static const char *const reader_names[READER_HEADERS] = {
	"Received", "Date", "From", "Reply-To", "To", "Cc", "Subject", "Message-ID", "In-Reply-To", "References",
	"Auto-Submitted", "Precedence", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "X-Sekisho",
};

struct reading {
	struct arena *arena;
	const struct letter_envelope *envelope;
	const struct letter_office *office;
	char *values[READER_HEADERS];	/* unfolded, without the space behind the colon; NULL: not there */
	char *verdicts;			/* of Authentication-Results, which comes last */
	char *body;			/* decoded, NUL-terminated */
	size_t body_bytes;
	struct letter *letter;
	const char *fault;		/* the first thing that is wrong */
};

static bool reading_demand(struct reading *reading, bool holds, const char *fault)
{
	if (!holds && !reading->fault)
		reading->fault = fault;
	return !reading->fault;
}

static struct span reader_span(const char *begin, size_t length)
{
	return (struct span){ .data = begin, .length = length };
}

/* ---- base64 and encoded words ---- */

static int base64_value(char digit)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = digit ? strchr(alphabet, digit) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* Appends what whole groups of four stand for; padding only in the last one, its unused bits zero. */
static bool base64_read(const char *text, size_t length, char *out, size_t *out_bytes)
{
	if (length == 0 || length % 4 != 0)
		return false;
	for (size_t i = 0; i < length; i += 4) {
		int pad = i + 4 == length ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=') : 0;
		unsigned group = 0;

		for (int j = 0; j < 4; j++) {
			int value = j >= 4 - pad ? 0 : base64_value(text[i + (size_t)j]);

			if (value < 0)
				return false;
			group = group << 6 | (unsigned)value;
		}
		if (pad && (group & ((1U << (8 * pad)) - 1)))
			return false;
		for (int j = 0; j < 3 - pad; j++)
			out[(*out_bytes)++] = (char)(unsigned char)(group >> (16 - 8 * j));
	}
	return true;
}

/* A character of UTF-8 begins here and none is cut off at the end. */
static bool whole_characters(const char *bytes, size_t length)
{
	size_t missing = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if ((byte & 0xc0) == 0x80) {
			if (missing-- == 0)
				return false;
			continue;
		}
		if (missing)
			return false;
		missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0x80 ? 1 : 0;
	}
	return missing == 0;
}

/* Plain text, or encoded words with one space between them. */
static struct span reader_text(struct reading *reading, const char *value, size_t length)
{
	char *text = arena_alloc(reading->arena, length + 1);
	size_t bytes = 0;

	if (!memmem(value, length, "=?", 2)) {
		memcpy(text, value, length);
		return reader_span(text, length);
	}
	while (length > 0 && !reading->fault) {
		const char *space = memchr(value, ' ', length);
		size_t word = space ? (size_t)(space - value) : length, before = bytes;

		reading_demand(reading, word > 12 && word <= 75 && memcmp(value, "=?UTF-8?B?", 10) == 0 &&
			       memcmp(value + word - 2, "?=", 2) == 0, "an encoded word");
		reading_demand(reading, !reading->fault && base64_read(value + 10, word - 12, text, &bytes), "base64 of a word");
		reading_demand(reading, whole_characters(text + before, bytes - before), "a word that cuts a character");
		value += word + (space != NULL);
		length -= word + (space != NULL);
		reading_demand(reading, !space || length > 0, "a space at the end");
	}
	return reader_span(text, bytes);
}

/* ---- lines and headers ---- */

/* Judges one header line: printable ASCII, folded where it can be. */
static void line_judge(struct reading *reading, const char *line, size_t length)
{
	size_t spaces = 0;

	reading_demand(reading, length > 0 && length <= 998, "length of a line");
	for (size_t i = 0; i < length; i++) {
		reading_demand(reading, line[i] >= 0x20 && line[i] <= 0x7e, "a byte in a header");
		spaces += i > 0 && line[i] == ' ';
	}
	reading_demand(reading, length <= 76 || spaces == 0, "a line that should be folded");
	reading_demand(reading, line[0] != ' ' || (length > 1 && line[1] != ' '), "an empty or odd fold");
	reading_demand(reading, line[0] != '.', "a dot at the beginning");
}

static void header_take(struct reading *reading, char *header, size_t *next)
{
	char *colon = strstr(header, ": ");
	size_t row = *next;

	if (!reading_demand(reading, colon != NULL, "a header without colon and space"))
		return;
	*colon = '\0';
	if (row == READER_HEADERS && strcmp(header, "Authentication-Results") == 0) {
		reading->verdicts = colon + 2;
		*next = READER_HEADERS + 1;
		return;
	}
	while (row < READER_HEADERS && strcmp(header, reader_names[row]) != 0)
		row++;
	if (!reading_demand(reading, row < READER_HEADERS, "a header that is unknown, twice, or out of order"))
		return;
	reading->values[row] = colon + 2;
	*next = row + 1;
}

/* Unfolds and takes all headers. Returns where the body begins. */
static const char *headers_read(struct reading *reading, struct span message)
{
	const char *at = message.data, *end = message.data + message.length;
	char *header = arena_alloc(reading->arena, message.length + 1);
	size_t length = 0, next = 0;

	while (!reading->fault) {
		const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);

		if (!reading_demand(reading, line_end != NULL, "no end of the headers"))
			break;
		if (length > 0 && *at != ' ') {
			header[length] = '\0';
			header_take(reading, header, &next);
			header += length + 1;
			length = 0;
		}
		if (line_end == at)
			return at + 2;
		line_judge(reading, at, (size_t)(line_end - at));
		memcpy(header + length, at, (size_t)(line_end - at));
		length += (size_t)(line_end - at);
		at = line_end + 2;
	}
	return end;
}

static void body_read(struct reading *reading, const char *at, const char *end)
{
	reading->body = arena_alloc(reading->arena, (size_t)(end - at) + 1);
	reading_demand(reading, at < end, "no body");
	while (at < end && !reading->fault) {
		const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
		size_t length = line_end ? (size_t)(line_end - at) : 0;

		reading_demand(reading, length == 76 || (length > 0 && length < 76 && line_end + 2 == end), "length of a body line");
		reading_demand(reading, !reading->fault && base64_read(at, length, reading->body, &reading->body_bytes),
			       "base64 of the body");
		reading_demand(reading, length < 76 || line_end + 2 == end || at[75] != '=', "padding inside of the body");
		at = line_end ? line_end + 2 : end;
	}
}

/* ---- values of headers ---- */

static int64_t date_parse_mail(struct reading *reading, const char *value, int *ret_zone)
{
	struct tm parts = { .tm_isdst = 0 };
	char weekday[4] = "", month[4] = "", sign = '+', again[64];
	int hours = 0, minutes = 0;
	const char *months = "JanFebMarAprMayJunJulAugSepOctNovDec", *found;
	int64_t seconds;

	if (!reading_demand(reading, sscanf(value, "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %c%2d%2d", weekday, &parts.tm_mday, month,
			    &parts.tm_year, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &sign, &hours, &minutes) == 10, "a date"))
		return 0;
	found = strstr(months, month);
	parts.tm_mon = found ? (int)(found - months) / 3 : 0;
	parts.tm_year -= 1900;
	seconds = timegm(&parts);
	strftime(again, sizeof(again), "%a, %d %b %Y %H:%M:%S", &parts);
	snprintf(again + strlen(again), 16, " %c%02d%02d", sign, hours, minutes);
	reading_demand(reading, strcmp(again, value) == 0, "a date that reads as another");
	*ret_zone = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
	return seconds - (int64_t)*ret_zone * 60;
}

static void date_take(struct reading *reading, bool dated)
{
	struct letter *letter = reading->letter;

	if (!reading_demand(reading, reading->values[1] != NULL, "no Date"))
		return;
	letter->date_seconds = date_parse_mail(reading, reading->values[1], &letter->date_zone_minutes);
	letter->dated = dated;
	reading_demand(reading, dated || (letter->date_seconds == reading->envelope->received_seconds &&
		       letter->date_zone_minutes == reading->office->zone_minutes), "the relay's own date");
}

/* "name <address>, name <address>" */
static size_t addresses_take(struct reading *reading, const char *value, struct letter_address *items, size_t maximum)
{
	size_t count = 0;

	while (value && !reading->fault) {
		const char *open = strchr(value, '<'), *close = open ? strchr(open, '>') : NULL;
		char *address;

		if (!reading_demand(reading, close && count < maximum, "an address list"))
			break;
		reading_demand(reading, open == value || open[-1] == ' ', "a name that touches its address");
		items[count].name = reader_text(reading, value, open == value ? 0 : (size_t)(open - value) - 1);
		address = arena_strndup(reading->arena, open + 1, (size_t)(close - open) - 1);
		if (address[0] == '"') {
			char *quote = strstr(address, "\"@");

			if (!reading_demand(reading, quote != NULL, "a quote that does not end"))
				break;
			memmove(quote, quote + 1, strlen(quote));
			address++;
		}
		items[count++].address = span_of(address);
		reading_demand(reading, close[1] == '\0' || strncmp(close + 1, ", ", 2) == 0, "what follows an address");
		value = close[1] == ',' ? close + 3 : NULL;
	}
	return count;
}

static size_t ids_take(struct reading *reading, const char *value, struct span *ids, size_t maximum)
{
	size_t count = 0;

	while (value && !reading->fault) {
		const char *close = strchr(value, '>');

		if (!reading_demand(reading, value[0] == '<' && close && count < maximum, "a message id"))
			break;
		ids[count++] = reader_span(value + 1, (size_t)(close - value) - 1);
		reading_demand(reading, close[1] == '\0' || close[1] == ' ', "what follows a message id");
		value = close[1] ? close + 2 : NULL;
	}
	return count;
}

static void subject_take(struct reading *reading)
{
	const char *value = reading->values[6];
	struct span prefix = reading->office->subject_prefix, text;

	if (!value)
		return;
	text = reader_text(reading, value, strlen(value));
	if (prefix.length > 0) {
		reading_demand(reading, text.length >= prefix.length && memcmp(text.data, prefix.data, prefix.length) == 0,
			       "the prefix of the subject");
		text = text.length > prefix.length ? reader_span(text.data + prefix.length + 1, text.length - prefix.length - 1) :
						     reader_span("", 0);
	}
	reading->letter->subject = text;
}

static void message_id_take(struct reading *reading, bool kept)
{
	struct span id = { .data = NULL, .length = 0 };
	char *own = arena_printf(reading->arena, "%.*s@%.*s", (int)reading->envelope->original_id.length,
				 reading->envelope->original_id.data, (int)reading->office->relay_domain.length,
				 reading->office->relay_domain.data);

	reading_demand(reading, ids_take(reading, reading->values[7], &id, 1) == 1, "exactly one message id");
	reading_demand(reading, kept || span_equal(id, span_of(own)), "our own message id");
	if (kept)
		reading->letter->message_id = id;
}

static void kinds_take(struct reading *reading)
{
	char *const *values = reading->values;

	for (size_t i = 12; i < READER_HEADERS; i++)
		if (!reading_demand(reading, values[i] != NULL, "a header of MIME, or X-Sekisho"))
			return;
	reading_demand(reading, strcmp(values[12], "1.0") == 0 && strcmp(values[13], "text/plain; charset=UTF-8") == 0 &&
		       strcmp(values[14], "base64") == 0, "MIME headers");
	reading->letter->bulk = values[11] != NULL;
	reading_demand(reading, !values[11] || strcmp(values[11], "bulk") == 0, "Precedence");
	if (values[10] && strcmp(values[10], "auto-generated") == 0)
		reading->letter->auto_submitted = LETTER_AUTO_GENERATED;
	else if (values[10] && reading_demand(reading, strcmp(values[10], "auto-replied") == 0, "Auto-Submitted"))
		reading->letter->auto_submitted = LETTER_AUTO_REPLIED;
}

static void tracking_take(struct reading *reading)
{
	struct letter *letter = reading->letter;
	char *expected, *at = reading->values[15];
	unsigned hops = 0;

	expected = arena_printf(reading->arena, "1; id=%.*s;", (int)reading->envelope->original_id.length,
				reading->envelope->original_id.data);
	if (!reading_demand(reading, strncmp(at, expected, strlen(expected)) == 0, "the number of the original"))
		return;
	at += strlen(expected);
	for (size_t i = 0; i < LETTER_COUNTERS; i++) {
		size_t name = strlen(letter_counter_names[i]);

		if (!reading_demand(reading, at[0] == ' ' && strncmp(at + 1, letter_counter_names[i], name) == 0 &&
				    at[1 + name] == '=', "a counter"))
			return;
		letter->counters[i] = (uint32_t)strtoul(at + name + 2, &at, 10);
		reading_demand(reading, *at++ == ';', "the end of a counter");
	}
	reading_demand(reading, sscanf(at, " hops=%3u", &hops) == 1, "hops");
	letter->hops = (uint8_t)hops;
}

static void verdicts_take(struct reading *reading)
{
	char *at = reading->verdicts;

	if (!at)
		return;
	reading_demand(reading, reading->office->authserv_id.length > 0, "results that nobody asked for");
	strtok_r(at, " ", &at);
	for (char *word; (word = strtok_r(NULL, " ;", &at)) != NULL;)
		for (size_t i = 0; i < LETTER_METHODS; i++) {
			size_t name = strlen(letter_method_names[i]);

			if (strncmp(word, letter_method_names[i], name) != 0 || word[name] != '=')
				continue;
			for (unsigned v = LETTER_VERDICT_NONE; v < LETTER_VERDICTS; v++)
				if (strcmp(word + name + 1, letter_verdict_names[v]) == 0)
					reading->letter->verdicts[i] = v;
		}
}

/* ---- the body ---- */

/* Takes a line off *at, without its CR LF. */
static struct span body_line_take(struct reading *reading, size_t *at)
{
	char *begin = reading->body + *at;
	char *end = memmem(begin, reading->body_bytes - *at, "\r\n", 2);

	if (!reading_demand(reading, end != NULL, "a line of the body without end"))
		return reader_span("", 0);
	*at += (size_t)(end - begin) + 2;
	return reader_span(begin, (size_t)(end - begin));
}

/* Takes words off the front of a line. */
static bool words_take(struct span *line, const char *words)
{
	size_t length = strlen(words);

	if (line->length < length || memcmp(line->data, words, length) != 0)
		return false;
	line->data += length;
	line->length -= length;
	return true;
}

/* Takes everything up to the words off the line, and the words. */
static struct span cell_take(struct reading *reading, struct span *line, const char *words)
{
	const char *found = memmem(line->data, line->length, words, strlen(words));
	struct span cell = { .data = line->data, .length = 0 };

	if (!reading_demand(reading, found != NULL, "a cell of a row"))
		return cell;
	cell.length = (size_t)(found - line->data);
	line->data += cell.length + strlen(words);
	line->length -= cell.length + strlen(words);
	return cell.length == 1 && cell.data[0] == '-' ? reader_span("", 0) : cell;
}

static uint64_t decimal_take(struct reading *reading, struct span *line)
{
	uint64_t number = 0;
	size_t digits = 0;

	for (; digits < line->length && line->data[digits] >= '0' && line->data[digits] <= '9'; digits++)
		number = number * 10 + (uint64_t)(line->data[digits] - '0');
	reading_demand(reading, digits > 0 && (digits == 1 || line->data[0] != '0'), "a number");
	line->data += digits;
	line->length -= digits;
	return number;
}

static void hash_take(struct reading *reading, struct span hex, struct letter_row *row)
{
	reading_demand(reading, hex.length == 64, "a SHA-256");
	for (size_t i = 0; i < DIGEST_BYTES && !reading->fault; i++) {
		char pair[3] = { hex.data[2 * i], hex.data[2 * i + 1], '\0' };

		row->sha256[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
}

/* A type: every dot stands in brackets, and nothing else does. */
static struct span type_take(struct reading *reading, struct span *line, const char *words)
{
	struct span cell = cell_take(reading, line, words);
	char *type = arena_alloc(reading->arena, cell.length + 1);
	size_t length = 0;

	for (size_t i = 0; i < cell.length; i++) {
		bool dot = cell.length - i >= 3 && memcmp(cell.data + i, "[.]", 3) == 0;

		reading_demand(reading, dot || cell.data[i] != '.', "a dot without brackets");
		type[length++] = dot ? '.' : cell.data[i];
		i += dot ? 2 : 0;
	}
	return reader_span(type, length);
}

static void row_take(struct reading *reading, struct span line, struct span reason)
{
	const struct letter_words *words = &letter_words[reading->office->language];
	struct letter_row *row = &reading->letter->rows[reading->letter->row_count];

	row->name = cell_take(reading, &line, " | ");
	row->extension = cell_take(reading, &line, " | ");
	row->declared_type = type_take(reading, &line, " / ");
	row->sniffed_type = type_take(reading, &line, " | ");
	row->size_bytes = decimal_take(reading, &line);
	reading_demand(reading, words_take(&line, words->row_bytes_end) && words_take(&line, " | "), "a size");
	hash_take(reading, line, row);
	reading_demand(reading, words_take(&reason, words->row_reason), "a reason");
	for (unsigned i = 1; i < LETTER_REASON_COUNT; i++)
		if (span_equal(reason, span_of(letter_reasons[i].text[reading->office->language])))
			row->reason = i;
	reading_demand(reading, row->reason != 0, "a reason that is not ours");
	reading->letter->row_count++;
}

static void note_take(struct reading *reading, struct span line)
{
	struct letter_note *note = &reading->letter->notes[reading->letter->note_count++];

	for (unsigned i = 1; i < LETTER_NOTE_COUNT; i++)
		if (words_take(&line, letter_notes[i].text[reading->office->language])) {
			note->code = i;
			break;
		}
	if (!reading_demand(reading, note->code != 0, "a note that is not ours"))
		return;
	if (letter_notes[note->code].counted) {
		reading_demand(reading, words_take(&line, " ("), "the count of a note");
		note->count = (uint32_t)decimal_take(reading, &line);
		reading_demand(reading, words_take(&line, ")"), "the end of a count");
	}
	if (letter_notes[note->code].detailed && reading_demand(reading, words_take(&line, ": "), "the detail of a note"))
		note->detail = line;
	else
		reading_demand(reading, line.length == 0, "a note that goes on");
}

/* Where the line of the receipt begins: behind the last place that looks like it. */
static size_t receipt_find(struct reading *reading)
{
	char *mark = arena_printf(reading->arena, "\r\n\r\n%s%.*s", letter_words[reading->office->language].receipt_id,
				  (int)reading->envelope->original_id.length, reading->envelope->original_id.data);
	char *from = reading->body, *found = NULL, *next;

	while ((next = memmem(from, reading->body_bytes - (size_t)(from - reading->body), mark, strlen(mark))) != NULL) {
		found = next;
		from = next + 1;
	}
	reading_demand(reading, found != NULL, "no receipt");
	return found ? (size_t)(found - reading->body) + 4 : reading->body_bytes;
}

/* of_text: of the letter. An empty text and the words for it look alike. */
static void text_take(struct reading *reading, size_t begin, size_t receipt, struct span of_text)
{
	const struct letter_words *words = &letter_words[reading->office->language];
	size_t end = receipt - 4;
	char *omitted;

	if (reading->letter->counters[LETTER_COUNT_TEXT_OMITTED_BYTES] > 0) {
		omitted = arena_printf(reading->arena, "\r\n%s%u%s", words->text_omitted_bytes,
				       reading->letter->counters[LETTER_COUNT_TEXT_OMITTED_BYTES], words->text_omitted_end);
		if (!reading_demand(reading, end >= begin + strlen(omitted) &&
				    memcmp(reading->body + end - strlen(omitted), omitted, strlen(omitted)) == 0, "the omitted text"))
			return;
		end -= strlen(omitted);
	}
	if (reading_demand(reading, end >= begin, "the text"))
		reading->letter->text = reader_span(reading->body + begin, end - begin);
	if (of_text.length == 0 && reading_demand(reading, span_equal(reading->letter->text, span_of(words->text_none)), "no text"))
		reading->letter->text.length = 0;
}

/* A line of ours with a number in it. */
static void count_judge(struct reading *reading, size_t *at, const char *before, uint32_t number, const char *behind)
{
	char *expected = arena_printf(reading->arena, "%s%u%s", before, number, behind);

	if (number > 0)
		reading_demand(reading, span_equal(body_line_take(reading, at), span_of(expected)), "a line with a count");
}

static void notes_take(struct reading *reading, size_t *at)
{
	const struct letter_words *words = &letter_words[reading->office->language];
	const uint32_t *counters = reading->letter->counters;

	if (*at == reading->body_bytes)
		return;
	reading_demand(reading, body_line_take(reading, at).length == 0, "an empty line before the notes");
	reading_demand(reading, span_equal(body_line_take(reading, at), span_of(words->notes)), "the heading of the notes");
	while (*at < reading->body_bytes && !reading->fault && reading->body[*at] == '-') {
		struct span line = body_line_take(reading, at);

		reading_demand(reading, reading->letter->note_count < LETTER_NOTES_MAX && words_take(&line, "- "), "a note");
		if (!reading->fault)
			note_take(reading, line);
	}
	count_judge(reading, at, words->addresses_omitted, counters[LETTER_COUNT_ADDRESSES_OMITTED], words->addresses_omitted_end);
	count_judge(reading, at, words->replaced, counters[LETTER_COUNT_REPLACED], words->replaced_end);
}

/* "ほか 2 件(8 バイト)は一覧に載せていません" */
static void omitted_judge(struct reading *reading, size_t *at, const uint32_t *counters)
{
	const struct letter_words *words = &letter_words[reading->office->language];
	char *before = arena_printf(reading->arena, "%s%u%s", words->rows_omitted, counters[LETTER_COUNT_ROWS_OMITTED],
				    words->rows_omitted_bytes);
	char *expected = arena_printf(reading->arena, "%s%u%s", before, counters[LETTER_COUNT_ROWS_OMITTED_BYTES],
				      words->rows_omitted_end);

	if (counters[LETTER_COUNT_ROWS_OMITTED] > 0)
		reading_demand(reading, span_equal(body_line_take(reading, at), span_of(expected)), "the line of omitted rows");
}

/* How many rows the line of the receipt announces; *ret_missing of them are no other forms of the text. */
static uint64_t heading_take(struct reading *reading, struct span line, uint64_t *ret_missing)
{
	const struct letter_words *words = &letter_words[reading->office->language];
	uint64_t forms = 0;

	*ret_missing = 0;
	if (!words_take(&line, words->receipt_nothing) &&
	    reading_demand(reading, words_take(&line, words->receipt_count), "the count of the receipt")) {
		*ret_missing = decimal_take(reading, &line);
		reading_demand(reading, *ret_missing > 0 && words_take(&line, words->receipt_count_end), "the end of the count");
	}
	if (line.length > 0 && reading_demand(reading, words_take(&line, words->receipt_forms), "the other forms")) {
		forms = decimal_take(reading, &line);
		reading_demand(reading, forms > 0 && words_take(&line, words->receipt_forms_end), "the end of the forms");
	}
	reading_demand(reading, line.length == 0, "a receipt that goes on");
	return *ret_missing + forms;
}

/* The footer stands there when something is missing. */
static void footer_take(struct reading *reading, size_t *at, uint64_t missing)
{
	struct span footer = reading->office->footer;

	if (missing == 0 || footer.length == 0)
		return;
	reading_demand(reading, body_line_take(reading, at).length == 0, "an empty line before the footer");
	reading_demand(reading, reading->body_bytes - *at >= footer.length + 2 &&
		       memcmp(reading->body + *at, footer.data, footer.length) == 0, "the footer");
	*at += footer.length + 2;
}

static void receipt_take(struct reading *reading, struct span of_text)
{
	const struct letter_words *words = &letter_words[reading->office->language];
	size_t at = 0, receipt = receipt_find(reading);
	uint64_t omitted = reading->letter->counters[LETTER_COUNT_ROWS_OMITTED], listed, missing, counted = omitted;
	struct span line = body_line_take(reading, &at);

	reading_demand(reading, words_take(&line, words->notice_id), "the notice");
	reading_demand(reading, body_line_take(reading, &at).length == 0, "an empty line behind the notice");
	text_take(reading, at, receipt, of_text);
	at = receipt;
	line = body_line_take(reading, &at);
	words_take(&line, words->receipt_id);
	line.data += reading->envelope->original_id.length;
	line.length -= reading->envelope->original_id.length;
	listed = heading_take(reading, line, &missing) - omitted;
	for (uint64_t i = 0; i < listed && !reading->fault; i++) {
		struct span row = body_line_take(reading, &at), reason = body_line_take(reading, &at);

		reading_demand(reading, i < LETTER_ROWS_MAX && decimal_take(reading, &row) == i + 1 && words_take(&row, ". "), "a row");
		if (!reading->fault)
			row_take(reading, row, reason);
	}
	for (size_t i = 0; i < reading->letter->row_count; i++)
		counted += reading->letter->rows[i].reason != LETTER_REASON_ALTERNATIVE;
	reading_demand(reading, counted == missing, "what is missing is not what is counted");
	omitted_judge(reading, &at, reading->letter->counters);
	footer_take(reading, &at, missing);
	notes_take(reading, &at);
	reading_demand(reading, at == reading->body_bytes, "something behind the notes");
}

/*
 * Reads a message that was composed of `of` back. NULL: it is the same letter, by the bytes of its frame, save what a message
 * does not tell (results without authserv_id; the name "-" of a file). Otherwise what is wrong.
 */
static const char *letter_read_back(struct arena *arena, struct span message, const struct letter *of,
				    const struct letter_envelope *envelope, const struct letter_office *office)
{
	struct reading reading = { .arena = arena, .envelope = envelope, .office = office };
	struct letter *same = arena_alloc(arena, sizeof(*same)), *letter = arena_alloc(arena, sizeof(*letter));
	struct buf expected = buf_limited(0), got = buf_limited(0);
	const char *body = headers_read(&reading, message);

	reading.letter = letter;
	body_read(&reading, body, message.data + message.length);
	reading_demand(&reading, letter_text_valid(reader_span(reading.body, reading.body_bytes), LETTER_TEXT_BODY), "a character");
	date_take(&reading, of->dated);
	reading_demand(&reading, addresses_take(&reading, reading.values[2], &letter->from, 1) == 1, "exactly one sender");
	letter->reply_to_count = addresses_take(&reading, reading.values[3], letter->reply_to, LETTER_REPLY_TO_MAX);
	letter->to_count = addresses_take(&reading, reading.values[4], letter->to, LETTER_TO_MAX);
	letter->cc_count = addresses_take(&reading, reading.values[5], letter->cc, LETTER_CC_MAX);
	subject_take(&reading);
	message_id_take(&reading, of->message_id.length > 0);
	letter->in_reply_to_count = ids_take(&reading, reading.values[8], letter->in_reply_to, LETTER_IN_REPLY_TO_MAX);
	letter->references_count = ids_take(&reading, reading.values[9], letter->references, LETTER_REFERENCES_MAX);
	kinds_take(&reading);
	if (!reading.fault)
		tracking_take(&reading);
	verdicts_take(&reading);
	if (!reading.fault)
		receipt_take(&reading, of->text);
	*same = *of;
	if (office->authserv_id.length == 0)
		memset(same->verdicts, 0, sizeof(same->verdicts));
	for (size_t i = 0; i < same->row_count; i++)
		if (span_equal(same->rows[i].name, span_of("-")))
			same->rows[i].name.length = 0;
	reading_demand(&reading, letter_seal(&expected, same, NULL) == 0, "the letter cannot be sealed");
	reading_demand(&reading, !reading.fault && letter_seal(&got, letter, NULL) == 0, "what was read cannot be sealed");
	reading_demand(&reading, span_equal(buf_span(&expected), buf_span(&got)), "another letter was read back");
	buf_free(&expected);
	buf_free(&got);
	return reading.fault;
}

#endif
