/*
 * fuzz: mail/wash.h with any bytes as a mail. The first byte chooses how the rest is cut, and the settings.
 *
 * However a mail is cut, its letter has the same bytes; the courier accepts it; the message made of it reads back as the same letter;
 * and washed again, the message gives its own text back, nothing added and nothing changed.
 */
#include <stdlib.h>

#include "mail/wash.h"
#include "unit/letter_reader.h"

#define BYTES(literal) { .data = literal, .length = sizeof(literal) - 1 }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct letter_envelope envelope = {
	.original_id = BYTES("20261121-k7q2m9x4"), .original_bytes = 345678, .received_seconds = 1795249716,
	.client = { .family = 4, .bytes = { 192, 0, 2, 25 } }, .client_domain = BYTES("mx.example.jp"), .sender = BYTES("taro@example.jp"),
};

static const struct letter_office office = {
	.relay_domain = BYTES("relay.town.lg.jp"), .notice_address = BYTES("sekisho@town.lg.jp"), .zone_minutes = 540,
	.authserv_id = BYTES("relay.town.lg.jp"), .language = LANGUAGE_JA,
};

static const struct span own_domains[] = { BYTES("town.lg.jp") };

static void demand(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static struct wash_settings settings_draw(uint8_t choice)
{
	return (struct wash_settings){
		.links = (enum link_style)(choice % 3), .language = choice & 4 ? LANGUAGE_EN : LANGUAGE_JA,
		.own_domains = own_domains, .own_domain_count = 1, .trusted_authserv_id = BYTES("mx.example.jp"),
	};
}

/* Washes the mail in pieces of at most `most` bytes (0: in one); every piece is a copy that ends where it ends. */
static struct span washed(struct arena *arena, struct span mail, const struct wash_settings *settings, size_t most, struct buf *frame)
{
	struct wash *wash = wash_new(arena, settings);
	enum letter_field refused = LETTER_FIELDS;

	for (size_t at = 0, length; at < mail.length; at += length) {
		char *copy;

		length = most == 0 || mail.length - at < most ? mail.length - at : 1 + (at * 2654435761U >> 7) % most;
		copy = malloc(length);
		demand(copy != NULL, "no memory");
		memcpy(copy, mail.data + at, length);
		wash_feed(wash, (struct span){ .data = copy, .length = length });
		free(copy);
	}
	if (letter_seal(frame, wash_finish(wash), &refused)) {
		fprintf(stderr, "field %d\n", refused);
		demand(false, "an honest letter is refused");
	}
	return buf_span(frame);
}

/* The message, decoded, without what is around its text. */
static struct span body_of(struct arena *arena, struct span message)
{
	struct reading reading = { .arena = arena, .envelope = &envelope, .office = &office };
	const char *body = headers_read(&reading, message);

	body_read(&reading, body, message.data + message.length);
	demand(!reading.fault, "a message that cannot be read");
	while (reading.body_bytes > 0 && strchr("\r\n", reading.body[reading.body_bytes - 1]))
		reading.body_bytes--;
	return (struct span){ .data = reading.body, .length = reading.body_bytes };
}

/* Both texts from where they differ. */
static void difference_show(struct span before, struct span after)
{
	size_t at = 0;

	while (at < before.length && at < after.length && before.data[at] == after.data[at])
		at++;
	before = span_part(before, at > 40 ? at - 40 : 0, before.length < at + 80 ? before.length : at + 80);
	after = span_part(after, at > 40 ? at - 40 : 0, after.length < at + 80 ? after.length : at + 80);
	fprintf(stderr, "---- was\n%.*s\n---- became\n%.*s\n", (int)before.length, before.data, (int)after.length, after.data);
}

static void text_demand(struct span before, struct span after)
{
	if (!span_equal(before, after))
		difference_show(before, after);
	demand(span_equal(before, after), "washed twice, the text changes");
}

static void rewash_exercise(struct arena *arena, const struct letter *letter, const struct wash_settings *settings)
{
	struct buf message = buf_limited(LETTER_MESSAGE_BYTES_MAX), frame = buf_limited(0);
	struct letter *again = arena_alloc(arena, sizeof(*again));
	const char *fault;

	demand(letter_compose(&message, letter, &envelope, &office) == 0, "an accepted letter cannot be composed");
	fault = letter_read_back(arena, buf_span(&message), letter, &envelope, &office);
	demand(!fault, fault);
	demand(letter_check(washed(arena, buf_span(&message), settings, 0, &frame), again, NULL) == 0, "washed twice, it is refused");
	if (letter->counters[LETTER_COUNT_TEXT_OMITTED_BYTES] == 0)
		text_demand(body_of(arena, buf_span(&message)), again->text);
	demand(again->row_count == 0, "washed twice, a row appears");
	buf_free(&message);
	buf_free(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span mail = { .data = (const char *)data + 1, .length = size - 1 };
	struct buf whole = buf_limited(0), cut = buf_limited(0);
	struct wash_settings settings;
	struct letter *letter;
	struct arena *arena;

	if (size < 1)
		return 0;
	arena = arena_new();
	settings = settings_draw(data[0]);
	letter = arena_alloc(arena, sizeof(*letter));
	washed(arena, mail, &settings, 0, &whole);
	demand(span_equal(buf_span(&whole), washed(arena, mail, &settings, data[0] < 128 ? 1 : data[0], &cut)),
	       "cut otherwise, the letter is another");
	demand(letter_check(buf_span(&whole), letter, NULL) == 0, "the courier refuses");
	rewash_exercise(arena, letter, &settings);
	buf_free(&whole);
	buf_free(&cut);
	arena_free(arena);
	return 0;
}
