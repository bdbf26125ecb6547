/*
 * mime_transfer: base64, quoted-printable and uuencode, one state machine each. See the header for the rules.
 */
#include "mail/mime_transfer.h"

#include <string.h>

#include "mail/header_octets.h"

/* Where a decoder writes. */
struct output {
	char *at, *end;
};

static bool has_room(const struct output *out)
{
	return out->end - out->at >= MIME_TRANSFER_ROOM;
}

static void byte_put(struct output *out, uint32_t byte)
{
	*out->at++ = (char)(uint8_t)byte;
}

static const struct {
	const char *name;
	enum mime_encoding encoding;
} encoding_names[] = {
	{ "", MIME_IDENTITY },
	{ "7bit", MIME_IDENTITY },
	{ "8bit", MIME_IDENTITY },
	{ "binary", MIME_IDENTITY },
	{ "7-bit", MIME_IDENTITY },
	{ "8-bit", MIME_IDENTITY },
	{ "base64", MIME_BASE64 },
	{ "quoted-printable", MIME_QUOTED_PRINTABLE },
	{ "x-uuencode", MIME_UUENCODE },
	{ "x-uue", MIME_UUENCODE },
	{ "uuencode", MIME_UUENCODE },
};

enum mime_encoding mime_encoding_of(struct span field_value)
{
	struct span value = header_trim(field_value);

	for (size_t i = 0; i < sizeof(encoding_names) / sizeof(encoding_names[0]); i++)
		if (header_word_is(value, encoding_names[i].name))
			return encoding_names[i].encoding;
	return MIME_ENCODING_UNKNOWN;
}

const char *mime_encoding_name(enum mime_encoding encoding)
{
	static const char *const names[] = {
		[MIME_IDENTITY] = "identity",
		[MIME_BASE64] = "base64",
		[MIME_QUOTED_PRINTABLE] = "quoted-printable",
		[MIME_UUENCODE] = "uuencode",
		[MIME_ENCODING_UNKNOWN] = "unknown",
	};

	return names[encoding];
}

struct mime_transfer mime_transfer_of(enum mime_encoding encoding)
{
	return (struct mime_transfer){ .encoding = encoding };
}

/* ---- base64 ---- */

/* What each byte means: a letter's value with the highest bit, or one of these. Zero is everything else. */
enum { BASE64_SPACE = 1, BASE64_PAD, BASE64_LETTER = 0x80 };

static const uint8_t base64_values[256] = {
	['\t'] = BASE64_SPACE, ['\n'] = BASE64_SPACE, ['\r'] = BASE64_SPACE, [' '] = BASE64_SPACE,
	['='] = BASE64_PAD,
	['A'] = 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e,
	0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
	['a'] = 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8,
	0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb1, 0xb2, 0xb3,
	['0'] = 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd,
	['+'] = 0xbe, ['/'] = 0xbf,
};

/* Whole groups of four letters, as they stand in nearly every line. Returns where the first other byte is. */
static const uint8_t *base64_line_decode(const uint8_t *at, size_t groups, struct output *out)
{
	char *to = out->at;

	for (; groups > 0; groups--, at += 4, to += 3) {
		uint32_t a = base64_values[at[0]], b = base64_values[at[1]];
		uint32_t c = base64_values[at[2]], d = base64_values[at[3]];
		uint32_t bits = (a & 0x3f) << 18 | (b & 0x3f) << 12 | (c & 0x3f) << 6 | (d & 0x3f);

		if (!(a & b & c & d & BASE64_LETTER))
			break;
		to[0] = (char)(uint8_t)(bits >> 16);
		to[1] = (char)(uint8_t)(bits >> 8);
		to[2] = (char)(uint8_t)bits;
	}
	out->at = to;
	return at;
}

/* Lines of whole groups, up to the first that holds something else. */
static void base64_groups_decode(struct span *in, struct output *out)
{
	const uint8_t *at = (const uint8_t *)in->data, *end = at + in->length, *begin;

	do {
		size_t groups = (size_t)(end - at) / 4, room = (size_t)(out->end - out->at) / 3;

		begin = at;
		at = base64_line_decode(at, groups < room ? groups : room, out);
		while (at < end && base64_values[*at] == BASE64_SPACE)
			at++;
	} while (at > begin && has_room(out));
	*in = span_part(*in, (size_t)((const char *)at - in->data), in->length);
}

/* Two or three letters end a group. */
static void base64_group_end(struct mime_transfer *transfer, struct output *out)
{
	if (transfer->state == 2)
		byte_put(out, transfer->bits >> 4);
	if (transfer->state == 3) {
		byte_put(out, transfer->bits >> 10);
		byte_put(out, transfer->bits >> 2);
	}
	transfer->state = 0;
	transfer->bits = 0;
}

static void base64_letter_take(struct mime_transfer *transfer, uint8_t letter, struct output *out)
{
	transfer->bits = transfer->bits << 6 | (letter & 0x3fU);
	if (++transfer->state < 4)
		return;
	byte_put(out, transfer->bits >> 16);
	byte_put(out, transfer->bits >> 8);
	byte_put(out, transfer->bits);
	transfer->state = 0;
	transfer->bits = 0;
}

static void base64_decode(struct mime_transfer *transfer, struct span *in, struct output *out)
{
	while (in->length > 0 && has_room(out)) {
		uint8_t value;

		if (transfer->state == 0) {
			base64_groups_decode(in, out);
			if (in->length == 0 || !has_room(out))
				return;
		}
		value = base64_values[(uint8_t)in->data[0]];
		if (value & BASE64_LETTER)
			base64_letter_take(transfer, value, out);
		else if (value == BASE64_PAD && transfer->state >= 2)
			base64_group_end(transfer, out);
		else if (value == 0)
			transfer->damage++;
		*in = span_part(*in, 1, in->length);
	}
}

/* ---- quoted-printable: what was seen of something that is not decided yet; held has its bytes ---- */

enum quoted_state {
	QUOTED_TEXT,		/* nothing, or spaces and tabs */
	QUOTED_CR,		/* and a CR */
	QUOTED_EQUALS,		/* '=' */
	QUOTED_DIGIT,		/* '=' and one digit */
	QUOTED_SPACE,		/* '=' and spaces or tabs */
	QUOTED_EQUALS_CR,	/* and a CR */
};

static void held_add(struct mime_transfer *transfer, char byte)
{
	transfer->held[transfer->held_count++] = byte;
}

/* What was held is text. */
static void held_put(struct mime_transfer *transfer, struct output *out)
{
	memcpy(out->at, transfer->held, transfer->held_count);
	out->at += transfer->held_count;
	transfer->held_count = 0;
	transfer->state = QUOTED_TEXT;
}

static void held_drop(struct mime_transfer *transfer)
{
	transfer->held_count = 0;
	transfer->state = QUOTED_TEXT;
}

/* What each byte means where nothing waits: itself, or one of these. */
enum { QUOTED_PLAIN, QUOTED_BLANK, QUOTED_SIGN, QUOTED_OTHER };

static const uint8_t quoted_kinds[256] = {
	[0 ... ' ' - 1] = QUOTED_OTHER, [' '] = QUOTED_BLANK, ['='] = QUOTED_SIGN,
};

/* The length of the run at this place that means itself: whatever came before and whatever comes later. */
static size_t quoted_plain_length(const char *at, const char *end)
{
	const char *from = at;

	for (; at < end; at++) {
		uint8_t kind = quoted_kinds[(uint8_t)*at];

		if (kind == QUOTED_PLAIN)
			continue;
		/* A space in front of something visible. */
		if (kind != QUOTED_BLANK || at + 1 == end || quoted_kinds[(uint8_t)at[1]] == QUOTED_OTHER || at[1] == ' ')
			break;
	}
	return (size_t)(at - from);
}

/* Length of what stands at this place as a whole: a byte as '=' and two digits, a soft break, a line end; 0: something else. */
static size_t quoted_whole_take(const char *at, const char *end, struct output *out)
{
	size_t left = (size_t)(end - at);

	if (left >= 2 && at[0] == '\r' && at[1] == '\n') {
		byte_put(out, '\r');
		byte_put(out, '\n');
		return 2;
	}
	if (left < 3 || at[0] != '=')
		return 0;
	if (at[1] == '\r' && at[2] == '\n')
		return 3;
	if (header_hex_value(at[1]) < 0 || header_hex_value(at[2]) < 0)
		return 0;
	byte_put(out, (uint32_t)(header_hex_value(at[1]) << 4 | header_hex_value(at[2])));
	return 3;
}

/* Decodes what lies whole in the input, as nearly everything does. The result is that of the states. */
static void quoted_run(struct mime_transfer *transfer, struct span *in, struct output *out)
{
	const char *at = in->data, *end = at + in->length;

	while (at < end && has_room(out)) {
		size_t room = (size_t)(out->end - out->at);
		size_t length = quoted_plain_length(at, (size_t)(end - at) < room ? end : at + room);

		memcpy(out->at, at, length);
		out->at += length;
		if (length == 0)
			length = quoted_whole_take(at, end, out);
		if (length == 0)
			break;
		transfer->run_kept = false;
		at += length;
	}
	*in = span_part(*in, (size_t)(at - in->data), in->length);
}

static void quoted_text_take(struct mime_transfer *transfer, char byte, struct output *out)
{
	if (byte == ' ' || byte == '\t') {
		held_add(transfer, byte);
		if (transfer->run_kept || transfer->held_count > MIME_SPACE_HELD_MAX) {
			held_put(transfer, out);
			transfer->run_kept = true;
		}
		return;
	}
	if (byte == '\r') {
		held_add(transfer, byte);
		transfer->state = QUOTED_CR;
		return;
	}
	transfer->run_kept = false;
	if (byte == '\n')
		held_drop(transfer);
	else
		held_put(transfer, out);
	if (byte != '=') {
		byte_put(out, (uint8_t)byte);
		return;
	}
	held_add(transfer, byte);
	transfer->state = QUOTED_EQUALS;
}

/* The '=' was none of the encoding; the byte is read on its own. */
static void quoted_equals_refuse(struct mime_transfer *transfer, char byte, struct output *out)
{
	transfer->damage++;
	held_put(transfer, out);
	quoted_text_take(transfer, byte, out);
}

/* A byte behind a CR, which ended the line. */
static void quoted_cr_take(struct mime_transfer *transfer, char byte, struct output *out)
{
	held_drop(transfer);
	transfer->run_kept = false;
	byte_put(out, '\r');
	if (byte == '\n')
		byte_put(out, '\n');
	else
		quoted_text_take(transfer, byte, out);
}

/* A byte behind '=' and whatever followed it. */
static void quoted_equals_take(struct mime_transfer *transfer, char byte, struct output *out)
{
	int digit = header_hex_value(byte);

	if (transfer->state == QUOTED_DIGIT) {
		if (digit < 0) {
			quoted_equals_refuse(transfer, byte, out);
			return;
		}
		byte_put(out, (uint32_t)(header_hex_value(transfer->held[1]) << 4 | digit));
		held_drop(transfer);
	} else if (byte == '\n') {
		held_drop(transfer);
	} else if (transfer->state == QUOTED_EQUALS_CR) {
		held_drop(transfer);
		quoted_text_take(transfer, byte, out);
	} else if (byte == '\r') {
		held_add(transfer, byte);
		transfer->state = QUOTED_EQUALS_CR;
	} else if ((byte == ' ' || byte == '\t') && transfer->held_count <= MIME_SPACE_HELD_MAX) {
		held_add(transfer, byte);
		transfer->state = QUOTED_SPACE;
	} else if (transfer->state == QUOTED_EQUALS && digit >= 0) {
		held_add(transfer, byte);
		transfer->state = QUOTED_DIGIT;
	} else {
		quoted_equals_refuse(transfer, byte, out);
	}
}

static void quoted_decode(struct mime_transfer *transfer, struct span *in, struct output *out)
{
	while (in->length > 0 && has_room(out)) {
		char byte;

		if (transfer->held_count == 0)
			quoted_run(transfer, in, out);
		if (in->length == 0 || !has_room(out))
			return;
		byte = in->data[0];
		if (transfer->state == QUOTED_TEXT)
			quoted_text_take(transfer, byte, out);
		else if (transfer->state == QUOTED_CR)
			quoted_cr_take(transfer, byte, out);
		else
			quoted_equals_take(transfer, byte, out);
		*in = span_part(*in, 1, in->length);
	}
}

static void quoted_finish(struct mime_transfer *transfer, struct output *out)
{
	if (transfer->state == QUOTED_DIGIT)
		transfer->damage++;
	if (transfer->state == QUOTED_CR)
		byte_put(out, '\r');
	if (transfer->state == QUOTED_DIGIT)
		held_put(transfer, out);
	held_drop(transfer);
}

/* ---- uuencode: held has the line so far; state is 1 inside a block ---- */

static uint32_t uu_value(const struct mime_transfer *transfer, size_t at)
{
	return at < transfer->held_count ? (uint32_t)(transfer->held[at] - ' ') & 0x3f : 0;
}

static bool line_begins(const struct mime_transfer *transfer, const char *word)
{
	size_t length = strlen(word);

	return transfer->held_count >= length && memcmp(transfer->held, word, length) == 0;
}

static void uu_data_decode(const struct mime_transfer *transfer, struct output *out)
{
	size_t count = uu_value(transfer, 0);

	for (size_t i = 0; i < count; i++) {
		size_t group = 1 + i / 3 * 4;
		uint32_t bits = uu_value(transfer, group) << 18 | uu_value(transfer, group + 1) << 12 |
				uu_value(transfer, group + 2) << 6 | uu_value(transfer, group + 3);

		byte_put(out, bits >> (16 - 8 * (i % 3)));
	}
}

static void uu_line_end(struct mime_transfer *transfer, struct output *out)
{
	struct span line;

	line = (struct span){ .data = transfer->held, .length = transfer->held_count };
	if (transfer->state == 0) {
		if (line_begins(transfer, "begin "))
			transfer->state = 1;
		else
			transfer->damage += header_trim(line).length > 0;
	} else if (line.length == 0 || (line_begins(transfer, "end") && header_trim(line).length == 3)) {
		transfer->state = 0;
	} else {
		transfer->damage += transfer->line_cut;
		uu_data_decode(transfer, out);
	}
	transfer->held_count = 0;
	transfer->line_cut = false;
}

static void uu_decode(struct mime_transfer *transfer, struct span *in, struct output *out)
{
	while (in->length > 0 && has_room(out)) {
		char byte = in->data[0];

		if (byte == '\n' && transfer->after_cr)
			transfer->after_cr = false;
		else if (byte == '\n' || byte == '\r')
			uu_line_end(transfer, out);
		else if (transfer->held_count < MIME_UU_LINE_MAX)
			held_add(transfer, byte);
		else
			transfer->line_cut = true;
		transfer->after_cr = byte == '\r';
		*in = span_part(*in, 1, in->length);
	}
}

static void identity_decode(struct span *in, struct output *out)
{
	size_t room = (size_t)(out->end - out->at);
	size_t length = in->length < room ? in->length : room;

	memcpy(out->at, in->data, length);
	out->at += length;
	*in = span_part(*in, length, in->length);
}

size_t mime_transfer_decode(struct mime_transfer *transfer, struct span *in, char *out, size_t room)
{
	struct output output = { .at = out, .end = out + room };

	if (in->length == 0)
		return 0;
	switch (transfer->encoding) {
	case MIME_BASE64:
		base64_decode(transfer, in, &output);
		break;
	case MIME_QUOTED_PRINTABLE:
		quoted_decode(transfer, in, &output);
		break;
	case MIME_UUENCODE:
		uu_decode(transfer, in, &output);
		break;
	case MIME_IDENTITY:
	case MIME_ENCODING_UNKNOWN:
		identity_decode(in, &output);
		break;
	}
	return (size_t)(output.at - out);
}

size_t mime_transfer_finish(struct mime_transfer *transfer, char out[static MIME_TRANSFER_ROOM])
{
	struct output output = { .at = out, .end = out + MIME_TRANSFER_ROOM };

	if (transfer->encoding == MIME_BASE64) {
		transfer->damage += transfer->state == 1;
		base64_group_end(transfer, &output);
	} else if (transfer->encoding == MIME_QUOTED_PRINTABLE) {
		quoted_finish(transfer, &output);
	} else if (transfer->encoding == MIME_UUENCODE) {
		if (transfer->held_count > 0)
			uu_line_end(transfer, &output);
		transfer->damage += transfer->state == 1;
	}
	return (size_t)(output.at - out);
}
