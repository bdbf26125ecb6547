/*
 * fuzz: mail/letter.h with everything a washer could hand over. The first byte chooses:
 *	0	the rest is a frame. What is accepted has one encoding, and its message reads back as the same letter.
 *	1	the rest is a recipe for a letter with raw values: sealed or refused, and if sealed, as above.
 *	2	the same with values that were cleaned and cut: from an honest washer nothing but odd addresses is refused.
 *	3	the rest is text: cleaned at once and in pieces, it is the same, and valid.
 */
#include <errno.h>
#include <stdlib.h>

#include "unit/letter_reader.h"

#define BYTES(literal) { .data = literal, .length = sizeof(literal) - 1 }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct letter_envelope envelope = {
	.original_id = BYTES("20261121-k7q2m9x4"), .original_bytes = 345678, .received_seconds = 1795249716,
	.client = { .family = 4, .bytes = { 192, 0, 2, 25 } }, .client_domain = BYTES("mx.example.jp"), .sender = BYTES("taro@example.jp"),
};

static const struct letter_office offices[] = {
	{ .relay_domain = BYTES("relay.town.lg.jp"), .notice_address = BYTES("sekisho@town.lg.jp"), .language = LANGUAGE_EN },
	{ .relay_domain = BYTES("relay.town.lg.jp"), .notice_address = BYTES("sekisho@town.lg.jp"), .zone_minutes = 540,
	  .authserv_id = BYTES("relay.town.lg.jp"), .subject_prefix = BYTES("【外部】"), .footer = BYTES("内線 123\r\n"),
	  .language = LANGUAGE_JA },
};

static void demand(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* A letter that was accepted: one encoding, one message, the same letter. */
static void accepted_exercise(struct arena *arena, struct span frame, const struct letter *letter)
{
	struct buf again = buf_limited(0);

	demand(letter_seal(&again, letter, NULL) == 0, "an accepted letter cannot be sealed");
	demand(span_equal(buf_span(&again), frame), "two encodings of one letter");
	buf_free(&again);
	for (size_t i = 0; i < sizeof(offices) / sizeof(offices[0]); i++) {
		struct buf message = buf_limited(LETTER_MESSAGE_BYTES_MAX);
		const char *fault;

		demand(letter_compose(&message, letter, &envelope, &offices[i]) == 0, "an accepted letter cannot be composed");
		fault = letter_read_back(arena, buf_span(&message), letter, &envelope, &offices[i]);
		demand(!fault, fault);
		buf_free(&message);
	}
}

static void frame_exercise(struct arena *arena, struct span frame)
{
	struct letter *letter = arena_alloc(arena, sizeof(*letter));
	enum letter_field refused = LETTER_FIELDS;

	if (letter_check(frame, letter, &refused) == 0)
		accepted_exercise(arena, frame, letter);
	else
		demand(refused < LETTER_FIELDS, "refused without saying where");
}

/* ---- a letter from a recipe ---- */

struct recipe {
	struct arena *arena;
	struct span rest;
	bool honest;
};

static uint64_t number_draw(struct recipe *recipe, size_t bytes)
{
	uint64_t number = 0;

	for (; bytes > 0 && recipe->rest.length > 0; bytes--) {
		number = number << 8 | (uint8_t)recipe->rest.data[0];
		recipe->rest = span_part(recipe->rest, 1, recipe->rest.length);
	}
	return number;
}

/* Some bytes of the recipe; from an honest washer cleaned and cut. */
static struct span text_draw(struct recipe *recipe, enum letter_text kind, size_t bytes_max, size_t codepoints_max)
{
	size_t wanted = number_draw(recipe, kind == LETTER_TEXT_BODY ? 2 : 1);
	struct span raw = span_part(recipe->rest, 0, wanted < recipe->rest.length ? wanted : recipe->rest.length), cut;
	struct letter_cleaner cleaner = letter_cleaner_make(kind);
	struct buf clean = buf_limited(0);

	recipe->rest = span_part(recipe->rest, raw.length, recipe->rest.length);
	if (!recipe->honest)
		return raw;
	letter_clean(&cleaner, raw, &clean);
	letter_clean_finish(&cleaner, &clean);
	demand(letter_text_valid(buf_span(&clean), kind), "a text that was cleaned is not valid");
	cut = letter_text_cut(buf_span(&clean), bytes_max, codepoints_max);
	demand(letter_text_valid(cut, kind), "a text that was cut is not valid");
	cut.data = arena_strndup(recipe->arena, cut.length ? cut.data : "", cut.length);
	buf_free(&clean);
	return cut;
}

/* Text of the recipe if it passes, else something that does. */
static struct span grammar_draw(struct recipe *recipe, bool (*valid)(struct span), const char *otherwise)
{
	size_t wanted = number_draw(recipe, 1);
	struct span raw = span_part(recipe->rest, 0, wanted < recipe->rest.length ? wanted : recipe->rest.length);

	recipe->rest = span_part(recipe->rest, raw.length, recipe->rest.length);
	return recipe->honest && !valid(raw) ? span_of(otherwise) : raw;
}

static struct letter_address address_draw(struct recipe *recipe)
{
	struct letter_address address = { .address = grammar_draw(recipe, letter_address_valid, "a..b@c.example") };

	address.name = text_draw(recipe, LETTER_TEXT_NAME, LETTER_NAME_BYTES_MAX, SIZE_MAX);
	return address;
}

static unsigned count_draw(struct recipe *recipe, unsigned maximum)
{
	return (unsigned)number_draw(recipe, 1) % (maximum + 1);
}

static void headers_draw(struct recipe *recipe, struct letter *letter)
{
	letter->dated = number_draw(recipe, 1) & 1;
	letter->date_seconds = letter->dated ? (int64_t)(number_draw(recipe, 5) % LETTER_SECONDS_MAX) + (recipe->honest ? 0 : -86400) : 0;
	if (recipe->honest && letter->date_seconds < LETTER_SECONDS_MIN)
		letter->date_seconds = LETTER_SECONDS_MIN;
	letter->date_zone_minutes = letter->dated ? (int)(number_draw(recipe, 2) % 1561) - 720 : 0;
	letter->from = address_draw(recipe);
	for (size_t count = count_draw(recipe, 3); letter->reply_to_count < count;)
		letter->reply_to[letter->reply_to_count++] = address_draw(recipe);
	for (size_t count = count_draw(recipe, LETTER_TO_MAX); letter->to_count < count;)
		letter->to[letter->to_count++] = address_draw(recipe);
	for (size_t count = count_draw(recipe, LETTER_CC_MAX); letter->cc_count < count;)
		letter->cc[letter->cc_count++] = address_draw(recipe);
	letter->subject = text_draw(recipe, LETTER_TEXT_LINE, SIZE_MAX, LETTER_SUBJECT_CODEPOINTS_MAX);
	letter->message_id = grammar_draw(recipe, letter_message_id_valid, "");
	for (size_t count = count_draw(recipe, LETTER_IN_REPLY_TO_MAX); letter->in_reply_to_count < count;)
		letter->in_reply_to[letter->in_reply_to_count++] = grammar_draw(recipe, letter_message_id_valid, "p@q");
	for (size_t count = count_draw(recipe, LETTER_REFERENCES_MAX); letter->references_count < count;)
		letter->references[letter->references_count++] = grammar_draw(recipe, letter_message_id_valid, "p@q");
	letter->auto_submitted = count_draw(recipe, LETTER_AUTO_VALUES - 1);
	letter->bulk = number_draw(recipe, 1) & 1;
	for (size_t i = 0; i < LETTER_METHODS; i++)
		letter->verdicts[i] = count_draw(recipe, LETTER_VERDICTS - 1);
}

static void row_draw(struct recipe *recipe, struct letter_row *row)
{
	row->reason = 1 + count_draw(recipe, LETTER_REASON_COUNT - 2);
	row->name = text_draw(recipe, LETTER_TEXT_FILE, LETTER_FILE_NAME_BYTES_MAX, SIZE_MAX);
	row->extension = grammar_draw(recipe, letter_extension_valid, "exe");
	row->declared_type = grammar_draw(recipe, letter_type_valid, "");
	row->sniffed_type = grammar_draw(recipe, letter_type_valid, "application/zip");
	row->size_bytes = number_draw(recipe, 8);
	row->sha256[number_draw(recipe, 1) % DIGEST_BYTES] = (uint8_t)number_draw(recipe, 1);
}

static void note_draw(struct recipe *recipe, struct letter_note *note)
{
	note->code = 1 + count_draw(recipe, LETTER_NOTE_COUNT - 2);
	if (letter_notes[note->code].counted)
		note->count = (uint32_t)number_draw(recipe, 4) | recipe->honest;
	if (letter_notes[note->code].detailed)
		note->detail = text_draw(recipe, LETTER_TEXT_LINE, LETTER_DETAIL_BYTES_MAX, SIZE_MAX);
	if (letter_notes[note->code].detailed && recipe->honest && note->detail.length == 0)
		note->detail = span_of("-");
}

static void recipe_exercise(struct recipe *recipe)
{
	struct letter *letter = arena_alloc(recipe->arena, sizeof(*letter));
	struct buf frame = buf_limited(0);
	int error;

	headers_draw(recipe, letter);
	letter->hops = (uint8_t)count_draw(recipe, recipe->honest ? LETTER_HOPS_MAX : UINT8_MAX);
	for (size_t i = 0; i < LETTER_COUNTERS; i++)
		letter->counters[i] = (uint32_t)number_draw(recipe, count_draw(recipe, 4));
	for (size_t count = number_draw(recipe, 2) % (LETTER_ROWS_MAX + 1); letter->row_count < count && recipe->rest.length > 0;)
		row_draw(recipe, &letter->rows[letter->row_count++]);
	for (size_t count = count_draw(recipe, LETTER_NOTES_MAX); letter->note_count < count;)
		note_draw(recipe, &letter->notes[letter->note_count++]);
	letter->text = text_draw(recipe, LETTER_TEXT_BODY, LETTER_TEXT_BYTES_MAX, SIZE_MAX);
	if (recipe->honest)
		letter_fit(letter);
	error = letter_seal(&frame, letter, NULL);
	demand(error == 0 || (error == -EBADMSG && !recipe->honest), "an honest letter was refused");
	if (error == 0)
		frame_exercise(recipe->arena, buf_span(&frame));
	buf_free(&frame);
}

/* ---- cleaning ---- */

static void cleaning_exercise(struct span text)
{
	for (unsigned kind = 0; kind < LETTER_TEXT_KINDS; kind++) {
		struct letter_cleaner whole = letter_cleaner_make(kind), pieces = letter_cleaner_make(kind);
		struct buf one = buf_limited(0), two = buf_limited(0);

		letter_clean(&whole, text, &one);
		letter_clean_finish(&whole, &one);
		for (size_t at = 0, step = 1; at < text.length; at += step, step = step % 5 + 1)
			letter_clean(&pieces, span_part(text, at, at + step < text.length ? at + step : text.length), &two);
		letter_clean_finish(&pieces, &two);
		demand(span_equal(buf_span(&one), buf_span(&two)), "cleaning depends on how the text is cut");
		demand(whole.replaced == pieces.replaced && whole.removed == pieces.removed, "counting depends on how the text is cut");
		demand(letter_text_valid(buf_span(&one), kind), "a text that was cleaned is not valid");
		demand(!letter_text_valid(text, kind) || span_equal(buf_span(&one), text), "cleaning changed a valid text");
		buf_free(&one);
		buf_free(&two);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = { .data = (const char *)data, .length = size };
	struct arena *arena = arena_new();
	struct recipe recipe = { .arena = arena };
	unsigned mode;

	if (size > 0) {
		mode = data[0] & 3;
		recipe.rest = span_part(input, 1, size);
		recipe.honest = mode == 2;
		if (mode == 0)
			frame_exercise(arena, recipe.rest);
		else if (mode == 3)
			cleaning_exercise(recipe.rest);
		else
			recipe_exercise(&recipe);
	}
	arena_free(arena);
	return 0;
}
