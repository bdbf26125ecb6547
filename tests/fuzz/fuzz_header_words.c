/*
 * Any bytes as a header field, read in every way there is: no crash, and every text may stand in a letter
 * (mail/letter.h) and is not changed when it is read once more; addresses and message ids that are said to be
 * ones are ones. In a message that comes in one piece, byte by byte or in random pieces, the texts of the
 * fields are the same.
 */
#include <stdlib.h>

#include "mail/header_address.h"
#include "mail/header_line.h"
#include "mail/header_values.h"
#include "mail/header_words.h"
#include "mail/letter.h"
#include "mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void texts_read(struct span field)
{
	struct header_facts facts = { 0 };
	struct buf text = buf_limited(0), again = buf_limited(0);

	header_unstructured_put(field, &text, &facts);
	require(letter_text_valid(buf_span(&text), LETTER_TEXT_LINE));
	header_line_put(buf_span(&text), &again, &facts);
	require(span_equal(buf_span(&text), buf_span(&again)));
	again.length = 0;
	header_phrase_put(field, &again, &facts);
	require(letter_text_valid(buf_span(&again), LETTER_TEXT_LINE));
	buf_free(&text);
	buf_free(&again);
}

static void names_read(struct span field, struct arena *arena)
{
	struct mime_value *value = arena_alloc(arena, sizeof(*value));
	struct header_names names = { .count = 0 };
	struct header_facts facts = { 0 };

	mime_value_parse(field, MIME_VALUE_TYPE, value);
	header_names_add(&names, value, "filename", arena, &facts);
	header_names_add(&names, value, "name", arena, &facts);
	require(names.count <= HEADER_NAMES_MAX);
	for (size_t i = 0; i < names.count; i++)
		require(names.items[i].length > 0 && names.items[i].length <= HEADER_NAME_BYTES_MAX &&
			letter_text_valid(names.items[i], LETTER_TEXT_LINE));
}

static void addresses_read(struct span field, struct arena *arena)
{
	struct header_addresses addresses;

	header_addresses_read(field, arena, &addresses);
	require(addresses.count <= HEADER_ADDRESSES_MAX);
	for (size_t i = 0; i < addresses.count; i++) {
		const struct header_address *item = &addresses.items[i];

		require(item->name.length <= HEADER_DISPLAY_NAME_BYTES_MAX &&
			letter_text_valid(item->name, LETTER_TEXT_NAME));
		require(item->address.length <= HEADER_ADDRESS_BYTES_MAX &&
			letter_text_valid(item->address, LETTER_TEXT_LINE));
		for (size_t at = 0; !item->odd && at < item->address.length; at++)
			require(item->address.data[at] >= ' ' && item->address.data[at] < 0x7f);
	}
}

static void values_read(struct span field)
{
	struct header_date date;
	struct span rest = field, id, ids[21];
	bool odd = false;
	size_t omitted;

	if (header_date_parse(field, &date) == 0)
		require(date.seconds >= HEADER_SECONDS_MIN && date.seconds <= HEADER_SECONDS_MAX);
	while (header_message_id_take(&rest, &id, &odd))
		require(letter_message_id_valid(id));
	require(header_references_read(field, 21, ids, &omitted) <= 21);
}

static void field_text_put(void *user, const struct mime_field *field)
{
	struct header_facts facts = { 0 };

	header_unstructured_put(field->value, user, &facts);
	buf_putc(user, '\n');
}

static void part_ignore(void *user, const struct mime_part *part)
{
	(void)user;
	(void)part;
}

static void content_ignore(void *user, const struct mime_part *part, enum mime_region region, struct span bytes)
{
	(void)user;
	(void)part;
	(void)region;
	(void)bytes;
}

static void totals_ignore(void *user, const struct mime_totals *totals)
{
	(void)user;
	(void)totals;
}

/* The texts of the fields of a message that begins so, fed in pieces of at most piece_max bytes. */
static void message_read(struct span message, size_t piece_max, struct arena *arena, struct buf *out)
{
	static const struct mime_events events = { field_text_put, part_ignore, content_ignore, part_ignore, totals_ignore };
	struct mime_parser *parser = mime_parser_new(arena, &events, out);
	uint32_t random = 1;

	mime_parser_feed(parser, span_of("Subject: "));
	while (message.length > 0) {
		size_t length = piece_max;

		random = random * 1103515245 + 12345;
		if (piece_max < message.length)
			length = 1 + (random >> 16) % piece_max;
		length = length < message.length ? length : message.length;
		mime_parser_feed(parser, span_part(message, 0, length));
		message = span_part(message, length, message.length);
	}
	mime_parser_finish(parser);
}

static void cutting_changes_nothing(struct span field, struct arena *arena)
{
	static const size_t piece_maxima[] = { 1, 30 };
	struct buf whole = buf_limited(0), cut = buf_limited(0);

	message_read(field, SIZE_MAX, arena, &whole);
	for (size_t i = 0; i < sizeof(piece_maxima) / sizeof(piece_maxima[0]); i++) {
		cut.length = 0;
		message_read(field, piece_maxima[i], arena, &cut);
		require(span_equal(buf_span(&whole), buf_span(&cut)));
	}
	buf_free(&whole);
	buf_free(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span field = { .data = (const char *)data, .length = size };
	struct arena *arena = arena_new();

	texts_read(field);
	names_read(field, arena);
	addresses_read(field, arena);
	values_read(field);
	cutting_changes_nothing(field, arena);
	arena_free(arena);
	return 0;
}
