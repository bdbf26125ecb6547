/*
 * letter_check: the courier's validator. To be read, with letter_grammar.c and letter_compose.c, when the airlock is audited.
 *
 * The bytes come from a process that strangers may have taken over. Every length is compared with what is there before it is
 * used, every value with its grammar; nothing is repaired, skipped or allocated, nothing calls itself. What is accepted has
 * exactly one encoding: fields stand in the order of their tags, a value that is absent has no field, numbers have fixed widths.
 */
#include "mail/letter.h"

#include <errno.h>
#include <string.h>

/* Big endian numbers and runs of bytes off the front of a field. What does not fit sets bad, which stays. */
struct reader {
	struct span rest;
	bool bad;
};

static uint64_t number_take(struct reader *reader, size_t bytes)
{
	uint64_t number = 0;

	if (reader->rest.length < bytes) {
		reader->bad = true;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | (uint8_t)reader->rest.data[i];
	reader->rest = span_part(reader->rest, bytes, reader->rest.length);
	return number;
}

static struct span bytes_take(struct reader *reader, uint64_t length)
{
	struct span taken = { .data = NULL, .length = 0 };

	if (reader->bad || length > reader->rest.length) {
		reader->bad = true;
		return taken;
	}
	taken = span_part(reader->rest, 0, (size_t)length);
	reader->rest = span_part(reader->rest, (size_t)length, reader->rest.length);
	return taken;
}

static struct span rest_take(struct reader *reader)
{
	return bytes_take(reader, reader->rest.length);
}

static bool date_read(struct letter *letter, struct reader *reader)
{
	letter->dated = true;
	letter->date_seconds = (int64_t)number_take(reader, 8);
	letter->date_zone_minutes = (int16_t)number_take(reader, 2);
	return letter->date_seconds >= LETTER_SECONDS_MIN && letter->date_seconds <= LETTER_SECONDS_MAX &&
	       letter->date_zone_minutes >= LETTER_ZONE_MINUTES_MIN && letter->date_zone_minutes <= LETTER_ZONE_MINUTES_MAX;
}

static bool address_read(struct letter_address *address, struct reader *reader)
{
	address->address = bytes_take(reader, number_take(reader, 1));
	address->name = rest_take(reader);
	return letter_address_valid(address->address) && address->name.length <= LETTER_NAME_BYTES_MAX &&
	       letter_text_valid(address->name, LETTER_TEXT_NAME);
}

static bool from_read(struct letter *letter, struct reader *reader)
{
	return address_read(&letter->from, reader);
}

static bool reply_to_read(struct letter *letter, struct reader *reader)
{
	return address_read(&letter->reply_to[letter->reply_to_count++], reader);
}

static bool to_read(struct letter *letter, struct reader *reader)
{
	return address_read(&letter->to[letter->to_count++], reader);
}

static bool cc_read(struct letter *letter, struct reader *reader)
{
	return address_read(&letter->cc[letter->cc_count++], reader);
}

static bool subject_read(struct letter *letter, struct reader *reader)
{
	letter->subject = rest_take(reader);
	return letter->subject.length > 0 && letter_text_valid(letter->subject, LETTER_TEXT_LINE) &&
	       letter_codepoints(letter->subject) <= LETTER_SUBJECT_CODEPOINTS_MAX;
}

static bool message_id_read(struct letter *letter, struct reader *reader)
{
	letter->message_id = rest_take(reader);
	return letter_message_id_valid(letter->message_id);
}

static bool in_reply_to_read(struct letter *letter, struct reader *reader)
{
	struct span id = letter->in_reply_to[letter->in_reply_to_count++] = rest_take(reader);

	return letter_message_id_valid(id);
}

static bool reference_read(struct letter *letter, struct reader *reader)
{
	struct span id = letter->references[letter->references_count++] = rest_take(reader);

	return letter_message_id_valid(id);
}

static bool auto_submitted_read(struct letter *letter, struct reader *reader)
{
	uint64_t value = number_take(reader, 1);

	letter->auto_submitted = (enum letter_auto_submitted)value;
	return value != LETTER_AUTO_NO && value < LETTER_AUTO_VALUES;
}

static bool bulk_read(struct letter *letter, struct reader *reader)
{
	letter->bulk = true;
	return number_take(reader, 1) == 1;
}

static bool verdicts_read(struct letter *letter, struct reader *reader)
{
	uint64_t known = 0;

	for (size_t i = 0; i < LETTER_METHODS; i++) {
		uint64_t value = number_take(reader, 1);

		if (value >= LETTER_VERDICTS)
			return false;
		letter->verdicts[i] = (enum letter_verdict)value;
		known |= value;
	}
	return known != 0;
}

static bool hops_read(struct letter *letter, struct reader *reader)
{
	letter->hops = (uint8_t)number_take(reader, 1);
	return true;
}

static bool counters_read(struct letter *letter, struct reader *reader)
{
	for (size_t i = 0; i < LETTER_COUNTERS; i++)
		letter->counters[i] = (uint32_t)number_take(reader, 4);
	return true;
}

static bool text_read(struct letter *letter, struct reader *reader)
{
	letter->text = rest_take(reader);
	return letter->text.length > 0 && letter->text.length <= LETTER_TEXT_BYTES_MAX &&
	       letter_text_valid(letter->text, LETTER_TEXT_BODY);
}

static bool row_read(struct letter *letter, struct reader *reader)
{
	struct letter_row *row = &letter->rows[letter->row_count++];
	uint64_t reason = number_take(reader, 1);
	struct span sha256;

	row->reason = (enum letter_reason)reason;
	row->size_bytes = number_take(reader, 8);
	sha256 = bytes_take(reader, DIGEST_BYTES);
	row->name = bytes_take(reader, number_take(reader, 1));
	row->extension = bytes_take(reader, number_take(reader, 1));
	row->declared_type = bytes_take(reader, number_take(reader, 1));
	row->sniffed_type = rest_take(reader);
	if (reader->bad)
		return false;
	memcpy(row->sha256, sha256.data, DIGEST_BYTES);
	return reason > 0 && reason < LETTER_REASON_COUNT && letter_text_valid(row->name, LETTER_TEXT_FILE) &&
	       letter_extension_valid(row->extension) && letter_type_valid(row->declared_type) &&
	       letter_type_valid(row->sniffed_type);
}

static bool note_read(struct letter *letter, struct reader *reader)
{
	struct letter_note *note = &letter->notes[letter->note_count++];
	uint64_t code = number_take(reader, 1);

	if (code == 0 || code >= LETTER_NOTE_COUNT)
		return false;
	note->code = (enum letter_note_code)code;
	note->count = (uint32_t)number_take(reader, 4);
	note->detail = rest_take(reader);
	return (note->count > 0) == letter_notes[code].counted && (note->detail.length > 0) == letter_notes[code].detailed &&
	       note->detail.length <= LETTER_DETAIL_BYTES_MAX && letter_text_valid(note->detail, LETTER_TEXT_LINE);
}

/* ---- the whole ---- */

/* How often a field occurs in a letter, and who reads one. */
static const struct {
	size_t minimum, maximum;
	bool (*read)(struct letter *letter, struct reader *reader);
} fields[LETTER_FIELDS] = {
	[LETTER_FIELD_DATE] = { 0, 1, date_read },
	[LETTER_FIELD_FROM] = { 1, 1, from_read },
	[LETTER_FIELD_REPLY_TO] = { 0, LETTER_REPLY_TO_MAX, reply_to_read },
	[LETTER_FIELD_TO] = { 0, LETTER_TO_MAX, to_read },
	[LETTER_FIELD_CC] = { 0, LETTER_CC_MAX, cc_read },
	[LETTER_FIELD_SUBJECT] = { 0, 1, subject_read },
	[LETTER_FIELD_MESSAGE_ID] = { 0, 1, message_id_read },
	[LETTER_FIELD_IN_REPLY_TO] = { 0, LETTER_IN_REPLY_TO_MAX, in_reply_to_read },
	[LETTER_FIELD_REFERENCE] = { 0, LETTER_REFERENCES_MAX, reference_read },
	[LETTER_FIELD_AUTO_SUBMITTED] = { 0, 1, auto_submitted_read },
	[LETTER_FIELD_BULK] = { 0, 1, bulk_read },
	[LETTER_FIELD_VERDICTS] = { 0, 1, verdicts_read },
	[LETTER_FIELD_HOPS] = { 1, 1, hops_read },
	[LETTER_FIELD_COUNTERS] = { 1, 1, counters_read },
	[LETTER_FIELD_TEXT] = { 0, 1, text_read },
	[LETTER_FIELD_ROW] = { 0, LETTER_ROWS_MAX, row_read },
	[LETTER_FIELD_NOTE] = { 0, LETTER_NOTES_MAX, note_read },
};

/* Reads all fields with this tag that stand at the front, as many as are allowed. */
static bool field_read(struct letter *letter, size_t tag, struct reader *frame)
{
	size_t count = 0;

	while (frame->rest.length > 0 && (uint8_t)frame->rest.data[0] == tag && count < fields[tag].maximum) {
		struct reader value = { .bad = false };

		number_take(frame, 1);
		value.rest = bytes_take(frame, number_take(frame, 4));
		if (frame->bad || !fields[tag].read(letter, &value) || value.bad || value.rest.length > 0)
			return false;
		count++;
	}
	return count >= fields[tag].minimum;
}

/*
 * Bytes of a text in encoded words, spaces and folds included. A word holds at least 42 bytes, save the first and the last;
 * around its base64 stand "=?UTF-8?B?" "?=", a space, CR LF and up to four characters for a remainder.
 */
static size_t words_cost(size_t text_bytes)
{
	return text_bytes * 4 / 3 + (text_bytes / 42 + 2) * 20;
}

/* An address in brackets, perhaps with quotes; comma, space and CR LF. */
static size_t addresses_cost(const struct letter_address *addresses, size_t count)
{
	size_t cost = 0;

	for (size_t i = 0; i < count; i++)
		cost += addresses[i].address.length + 8 + (addresses[i].name.length ? words_cost(addresses[i].name.length) : 0);
	return cost;
}

static size_t ids_cost(const struct span *ids, size_t count)
{
	size_t cost = 0;

	for (size_t i = 0; i < count; i++)
		cost += ids[i].length + 5;
	return cost;
}

size_t letter_headers_cost(const struct letter *letter)
{
	return addresses_cost(&letter->from, 1) + addresses_cost(letter->reply_to, letter->reply_to_count) +
	       addresses_cost(letter->to, letter->to_count) + addresses_cost(letter->cc, letter->cc_count) +
	       words_cost(letter->subject.length) + ids_cost(&letter->message_id, 1) +
	       ids_cost(letter->in_reply_to, letter->in_reply_to_count) + ids_cost(letter->references, letter->references_count);
}

size_t letter_body_cost(const struct letter *letter)
{
	size_t cost = letter->text.length;

	for (size_t i = 0; i < letter->row_count; i++)
		cost += LETTER_ROW_COST + letter->rows[i].name.length + letter->rows[i].extension.length +
			LETTER_TYPE_GROWTH * (letter->rows[i].declared_type.length + letter->rows[i].sniffed_type.length);
	for (size_t i = 0; i < letter->note_count; i++)
		cost += LETTER_NOTE_COST + letter->notes[i].detail.length;
	return cost;
}

int letter_frame_bytes(struct span begin, size_t *ret_bytes)
{
	struct reader reader = { .rest = begin };
	uint64_t following;

	if (begin.length < LETTER_HEAD_BYTES)
		return -EAGAIN;
	if (!span_equal(bytes_take(&reader, 4), span_of("SKL1")))
		return -EBADMSG;
	following = number_take(&reader, 4);
	if (following > LETTER_BYTES_MAX - LETTER_HEAD_BYTES)
		return -EMSGSIZE;
	*ret_bytes = LETTER_HEAD_BYTES + (size_t)following;
	return 0;
}

static int refused(enum letter_field *ret_refused, size_t field)
{
	if (ret_refused)
		*ret_refused = (enum letter_field)field;
	return -EBADMSG;
}

int letter_check(struct span frame, struct letter *ret_letter, enum letter_field *ret_refused)
{
	struct reader reader = { .bad = false };
	size_t bytes;

	if (letter_frame_bytes(frame, &bytes) || bytes != frame.length)
		return refused(ret_refused, LETTER_FIELD_HEAD);
	/* Rows and notes, nearly all of it, are written as they are read. */
	memset(ret_letter, 0, offsetof(struct letter, rows));
	ret_letter->row_count = ret_letter->note_count = 0;
	reader.rest = span_part(frame, LETTER_HEAD_BYTES, frame.length);
	for (size_t tag = LETTER_FIELD_HEAD + 1; tag < LETTER_FIELDS; tag++)
		if (!field_read(ret_letter, tag, &reader))
			return refused(ret_refused, tag);
	/* What is left has a tag that is unknown, out of order, or once too often. */
	if (reader.rest.length > 0 || letter_headers_cost(ret_letter) > LETTER_HEADERS_COST_MAX ||
	    letter_body_cost(ret_letter) > LETTER_BODY_COST_MAX)
		return refused(ret_refused, LETTER_FIELD_HEAD);
	return 0;
}
