/*
 * letter_seal: the washer's side of the airlock: text is made fit to cross, a letter is made to keep the limits, and is written
 * as a frame. Nothing here protects the courier, which judges for itself; it is here so that an honest washer is never refused.
 */
#include "mail/letter.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"

enum { FIT_TEXT_BYTES = 512 * 1024 };	/* text is not cut below this for the sake of the receipt */

/* ---- characters ---- */

enum cleaning { CLEAN_REMOVE, CLEAN_REPLACE, CLEAN_SHOW, CLEAN_LINE_END };

/* What becomes of forbidden characters; those that are not listed are removed. Ascending. */
static const struct {
	uint32_t first, last;
	enum cleaning cleaning;
} cleanings[] = {
	{ 0x000a, 0x000d, CLEAN_LINE_END },	/* LF, VT, FF, CR */
	{ 0x0085, 0x0085, CLEAN_LINE_END },
	{ 0x2028, 0x2029, CLEAN_LINE_END },
	{ 0x202a, 0x202e, CLEAN_SHOW },
	{ 0x2066, 0x2069, CLEAN_SHOW },
	{ 0xe000, 0xf8ff, CLEAN_REPLACE },
	{ 0xfdd0, 0xfdef, CLEAN_REPLACE },
	{ 0xfffe, 0xffff, CLEAN_REPLACE },
	{ 0xf0000, 0x10ffff, CLEAN_REPLACE },
};

/* Characters that mean something beside the text, and what stands for them there. */
static const struct {
	enum letter_text kind;
	char byte;
	const char *instead;
} full_width[] = {
	{ LETTER_TEXT_NAME, '@', "＠" },
	{ LETTER_TEXT_FILE, '|', "｜" },
	{ LETTER_TEXT_FILE, '/', "／" },
	{ LETTER_TEXT_FILE, '\\', "＼" },
};

struct letter_cleaner letter_cleaner_make(enum letter_text kind)
{
	return (struct letter_cleaner){ .kind = kind };
}

static void count_one(uint32_t *counter)
{
	if (*counter < UINT32_MAX)
		++*counter;
}

static enum cleaning cleaning_of(uint32_t codepoint)
{
	for (size_t i = 0; i < sizeof(cleanings) / sizeof(cleanings[0]); i++)
		if (codepoint >= cleanings[i].first && codepoint <= cleanings[i].last)
			return cleanings[i].cleaning;
	/* The last two code points of each plane are noncharacters. */
	return (codepoint & 0xfffe) == 0xfffe ? CLEAN_REPLACE : CLEAN_REMOVE;
}

static void replacement_put(struct letter_cleaner *cleaner, struct buf *out)
{
	buf_puts(out, "〓");
	count_one(&cleaner->replaced);
}

static void forbidden_put(struct letter_cleaner *cleaner, uint32_t codepoint, struct buf *out)
{
	switch (cleaning_of(codepoint)) {
	case CLEAN_REMOVE:
		count_one(&cleaner->removed);
		break;
	case CLEAN_REPLACE:
		replacement_put(cleaner, out);
		break;
	case CLEAN_SHOW:
		buf_printf(out, "[U+%04X]", (unsigned)codepoint);
		count_one(&cleaner->removed);
		break;
	case CLEAN_LINE_END:
		buf_puts(out, cleaner->kind == LETTER_TEXT_BODY ? "\r\n" : " ");
		break;
	}
}

static void character_put(struct letter_cleaner *cleaner, uint32_t codepoint, struct span bytes, struct buf *out)
{
	bool second_half = codepoint == '\n' && cleaner->after_cr;

	cleaner->after_cr = codepoint == '\r';
	if (second_half)
		return;
	if (codepoint == '\t') {
		buf_putc(out, cleaner->kind == LETTER_TEXT_BODY ? '\t' : ' ');
		return;
	}
	for (size_t i = 0; i < sizeof(full_width) / sizeof(full_width[0]); i++)
		if (full_width[i].kind == cleaner->kind && codepoint == (uint8_t)full_width[i].byte) {
			buf_puts(out, full_width[i].instead);
			return;
		}
	if (letter_codepoint_forbidden(codepoint))
		forbidden_put(cleaner, codepoint, out);
	else
		buf_put(out, bytes.data, bytes.length);
}

/* How many bytes a character with this first byte has. */
static size_t character_bytes(char first)
{
	uint8_t byte = (uint8_t)first;

	return byte >= 0xf0 && byte < 0xf5 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 && byte < 0xe0 ? 2 : 1;
}

/* Gives out what is held when the next byte cannot belong to it any more. */
static void held_put(struct letter_cleaner *cleaner, struct buf *out)
{
	struct span held = { .data = cleaner->held, .length = cleaner->held_bytes }, rest = held;
	uint32_t codepoint;

	cleaner->held_bytes = 0;
	if (held.length == 0)
		return;
	if (letter_codepoint_take(&rest, &codepoint)) {
		character_put(cleaner, codepoint, held, out);
		return;
	}
	cleaner->after_cr = false;
	replacement_put(cleaner, out);
}

void letter_clean(struct letter_cleaner *cleaner, struct span piece, struct buf *out)
{
	for (size_t i = 0; i < piece.length; i++) {
		if (((uint8_t)piece.data[i] & 0xc0) != 0x80)
			held_put(cleaner, out);
		cleaner->held[cleaner->held_bytes++] = piece.data[i];
		if (cleaner->held_bytes == character_bytes(cleaner->held[0]))
			held_put(cleaner, out);
	}
}

void letter_clean_finish(struct letter_cleaner *cleaner, struct buf *out)
{
	held_put(cleaner, out);
}

struct span letter_text_cut(struct span text, size_t bytes_max, size_t codepoints_max)
{
	struct span rest = text;
	size_t end = 0;
	uint32_t codepoint;

	for (size_t i = 0; i < codepoints_max && letter_codepoint_take(&rest, &codepoint); i++) {
		if (text.length - rest.length > bytes_max)
			break;
		end = text.length - rest.length;
	}
	if (end > 0 && end < text.length && text.data[end - 1] == '\r')
		end--;
	return span_part(text, 0, end);
}

/* ---- limits of the whole ---- */

void letter_count(struct letter *letter, enum letter_counter counter, uint64_t more)
{
	uint32_t *value = &letter->counters[counter];

	*value = more > UINT32_MAX - *value ? UINT32_MAX : *value + (uint32_t)more;
}

/* Drops one recipient or reference. False when none is left that may be dropped. */
static bool header_drop(struct letter *letter)
{
	size_t *count = letter->cc_count ? &letter->cc_count : &letter->to_count;

	if (*count > 0) {
		--*count;
		letter_count(letter, LETTER_COUNT_ADDRESSES_OMITTED, 1);
		return true;
	}
	if (letter->references_count < 2)
		return false;
	letter->references_count--;
	memmove(&letter->references[1], &letter->references[2], (letter->references_count - 1) * sizeof(letter->references[0]));
	return true;
}

static void text_shorten(struct letter *letter, size_t bytes_max)
{
	struct span shorter = letter_text_cut(letter->text, bytes_max, SIZE_MAX);

	letter_count(letter, LETTER_COUNT_TEXT_OMITTED_BYTES, letter->text.length - shorter.length);
	letter->text = shorter;
}

void letter_fit(struct letter *letter)
{
	size_t cost;

	while (letter_headers_cost(letter) > LETTER_HEADERS_COST_MAX && header_drop(letter))
		;
	if (letter->text.length > LETTER_TEXT_BYTES_MAX)
		text_shorten(letter, LETTER_TEXT_BYTES_MAX);
	cost = letter_body_cost(letter);
	if (cost > LETTER_BODY_COST_MAX && letter->text.length > FIT_TEXT_BYTES) {
		size_t surplus = cost - LETTER_BODY_COST_MAX, spare = letter->text.length - FIT_TEXT_BYTES;

		text_shorten(letter, letter->text.length - (surplus < spare ? surplus : spare));
	}
	while (letter_body_cost(letter) > LETTER_BODY_COST_MAX && letter->row_count > 0) {
		letter_count(letter, LETTER_COUNT_ROWS_OMITTED, 1);
		letter_count(letter, LETTER_COUNT_ROWS_OMITTED_BYTES, letter->rows[--letter->row_count].size_bytes);
	}
}

/* ---- the frame ---- */

/* A frame that is being written. refused: the first field that cannot be written at all. */
struct writer {
	struct buf frame;
	enum letter_field refused;
	bool bad;
};

static void number_put(struct writer *writer, uint64_t number, size_t bytes)
{
	while (bytes-- > 0)
		buf_putc(&writer->frame, (char)(uint8_t)(number >> (8 * bytes)));
}

static void span_put(struct writer *writer, struct span bytes)
{
	buf_put(&writer->frame, bytes.data, bytes.length);
}

/* A value whose length has one byte. */
static void short_put(struct writer *writer, enum letter_field field, struct span bytes)
{
	if (bytes.length > UINT8_MAX && !writer->bad) {
		writer->bad = true;
		writer->refused = field;
	}
	number_put(writer, bytes.length, 1);
	span_put(writer, bytes);
}

static void field_begin(struct writer *writer, enum letter_field field, size_t bytes)
{
	number_put(writer, field, 1);
	number_put(writer, bytes, 4);
}

static void number_field_put(struct writer *writer, enum letter_field field, uint64_t number)
{
	field_begin(writer, field, 1);
	number_put(writer, number, 1);
}

static void span_field_put(struct writer *writer, enum letter_field field, struct span value)
{
	field_begin(writer, field, value.length);
	span_put(writer, value);
}

static void address_fields_put(struct writer *writer, enum letter_field field, const struct letter_address *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		field_begin(writer, field, 1 + items[i].address.length + items[i].name.length);
		short_put(writer, field, items[i].address);
		span_put(writer, items[i].name);
	}
}

static void id_fields_put(struct writer *writer, enum letter_field field, const struct span *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		span_field_put(writer, field, ids[i]);
}

static void date_field_put(struct writer *writer, const struct letter *letter)
{
	field_begin(writer, LETTER_FIELD_DATE, 10);
	number_put(writer, (uint64_t)letter->date_seconds, 8);
	number_put(writer, (uint64_t)letter->date_zone_minutes, 2);
}

static void verdicts_field_put(struct writer *writer, const struct letter *letter)
{
	unsigned known = 0;

	for (size_t i = 0; i < LETTER_METHODS; i++)
		known |= letter->verdicts[i];
	if (known == 0)
		return;
	field_begin(writer, LETTER_FIELD_VERDICTS, LETTER_METHODS);
	for (size_t i = 0; i < LETTER_METHODS; i++)
		number_put(writer, letter->verdicts[i], 1);
}

static void row_field_put(struct writer *writer, const struct letter_row *row)
{
	field_begin(writer, LETTER_FIELD_ROW, 1 + 8 + DIGEST_BYTES + 3 + row->name.length + row->extension.length +
		    row->declared_type.length + row->sniffed_type.length);
	number_put(writer, row->reason, 1);
	number_put(writer, row->size_bytes, 8);
	buf_put(&writer->frame, row->sha256, DIGEST_BYTES);
	short_put(writer, LETTER_FIELD_ROW, row->name);
	short_put(writer, LETTER_FIELD_ROW, row->extension);
	short_put(writer, LETTER_FIELD_ROW, row->declared_type);
	span_put(writer, row->sniffed_type);
}

static void note_field_put(struct writer *writer, const struct letter_note *note)
{
	field_begin(writer, LETTER_FIELD_NOTE, 1 + 4 + note->detail.length);
	number_put(writer, note->code, 1);
	number_put(writer, note->count, 4);
	span_put(writer, note->detail);
}

static void header_fields_put(struct writer *writer, const struct letter *letter)
{
	if (letter->dated)
		date_field_put(writer, letter);
	address_fields_put(writer, LETTER_FIELD_FROM, &letter->from, 1);
	address_fields_put(writer, LETTER_FIELD_REPLY_TO, letter->reply_to, letter->reply_to_count);
	address_fields_put(writer, LETTER_FIELD_TO, letter->to, letter->to_count);
	address_fields_put(writer, LETTER_FIELD_CC, letter->cc, letter->cc_count);
	if (letter->subject.length > 0)
		span_field_put(writer, LETTER_FIELD_SUBJECT, letter->subject);
	if (letter->message_id.length > 0)
		span_field_put(writer, LETTER_FIELD_MESSAGE_ID, letter->message_id);
	id_fields_put(writer, LETTER_FIELD_IN_REPLY_TO, letter->in_reply_to, letter->in_reply_to_count);
	id_fields_put(writer, LETTER_FIELD_REFERENCE, letter->references, letter->references_count);
	if (letter->auto_submitted != LETTER_AUTO_NO)
		number_field_put(writer, LETTER_FIELD_AUTO_SUBMITTED, letter->auto_submitted);
	if (letter->bulk)
		number_field_put(writer, LETTER_FIELD_BULK, 1);
	verdicts_field_put(writer, letter);
}

static void body_fields_put(struct writer *writer, const struct letter *letter)
{
	number_field_put(writer, LETTER_FIELD_HOPS, letter->hops);
	field_begin(writer, LETTER_FIELD_COUNTERS, 4 * LETTER_COUNTERS);
	for (size_t i = 0; i < LETTER_COUNTERS; i++)
		number_put(writer, letter->counters[i], 4);
	if (letter->text.length > 0)
		span_field_put(writer, LETTER_FIELD_TEXT, letter->text);
	for (size_t i = 0; i < letter->row_count; i++)
		row_field_put(writer, &letter->rows[i]);
	for (size_t i = 0; i < letter->note_count; i++)
		note_field_put(writer, &letter->notes[i]);
}

static void counts_demand(const struct letter *letter)
{
	assert(letter->reply_to_count <= LETTER_REPLY_TO_MAX && letter->to_count <= LETTER_TO_MAX);
	assert(letter->cc_count <= LETTER_CC_MAX && letter->in_reply_to_count <= LETTER_IN_REPLY_TO_MAX);
	assert(letter->references_count <= LETTER_REFERENCES_MAX);
	assert(letter->row_count <= LETTER_ROWS_MAX && letter->note_count <= LETTER_NOTES_MAX);
}

/* Writes how many bytes follow the head, then lets the courier's own validator judge. */
static int frame_finish(struct writer *writer, enum letter_field *ret_refused)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	uint32_t following = (uint32_t)(writer->frame.length - LETTER_HEAD_BYTES);

	for (size_t i = 0; i < 4; i++)
		writer->frame.data[4 + i] = (char)(uint8_t)(following >> (24 - 8 * i));
	if (!writer->bad && !writer->frame.overflow)
		return letter_check(buf_span(&writer->frame), arena_alloc(arena, sizeof(struct letter)), ret_refused);
	if (ret_refused)
		*ret_refused = writer->bad ? writer->refused : LETTER_FIELD_HEAD;
	return -EBADMSG;
}

int letter_seal(struct buf *out, const struct letter *letter, enum letter_field *ret_refused)
{
	struct writer writer = { .frame = buf_limited(LETTER_BYTES_MAX) };
	int error;

	counts_demand(letter);
	buf_puts(&writer.frame, "SKL1");
	number_put(&writer, 0, 4);
	header_fields_put(&writer, letter);
	body_fields_put(&writer, letter);
	error = frame_finish(&writer, ret_refused);
	if (!error && !buf_reserve(out, writer.frame.length))
		error = -EMSGSIZE;
	if (!error)
		buf_put(out, writer.frame.data, writer.frame.length);
	buf_free(&writer.frame);
	return error;
}
