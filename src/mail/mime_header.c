/* mime_header: the lines of a header become fields; those of MIME are kept until the part begins. */
#include <string.h>

#include "mail/header_octets.h"
#include "mail/mime_work.h"

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static size_t blanks_at_begin(struct span line)
{
	size_t count = 0;

	while (count < line.length && is_blank(line.data[count]))
		count++;
	return count;
}

static bool begins_with(struct span line, const char *text)
{
	return line.length >= strlen(text) && memcmp(line.data, text, strlen(text)) == 0;
}

/*
 * Length of the field name at the beginning of a line, and the offset of the value behind the colon; 0: this
 * is no field.
 */
static size_t field_name_bytes(struct span line, size_t *ret_value)
{
	size_t length = 0, colon;

	while (length < line.length && line.data[length] > ' ' && line.data[length] < 0x7f &&
	       line.data[length] != ':')
		length++;
	for (colon = length; colon < line.length; colon++)
		if (!is_blank(line.data[colon]) && line.data[colon] != '\0')
			break;
	if (length > MIME_FIELD_NAME_BYTES_MAX || colon == line.length || line.data[colon] != ':')
		return 0;
	*ret_value = colon + 1;
	return length;
}

void mime_header_clear(struct mime_header *header, bool message)
{
	header->message = message;
	header->begun = header->field_open = header->field_cut = false;
	header->type_seen = header->encoding_seen = header->disposition_seen = false;
	header->bytes = 0;
	header->fields = header->notes = 0;
	header->encoding = MIME_IDENTITY;
	header->name_length = header->field_length = 0;
}

void mime_header_count(struct mime_parser *parser, size_t bytes)
{
	struct mime_header *header = &parser->header;

	header->bytes += bytes;
	parser->totals.header_bytes += bytes;
	if (header->bytes > MIME_HEADER_BYTES_MAX)
		header->notes |= MIME_NOTE_BIT(MIME_HEADER_TOO_LONG);
}

/* Appends to the field what the limits allow and counts the bytes. */
static void field_append(struct mime_parser *parser, struct span bytes)
{
	struct mime_header *header = &parser->header;
	size_t left = header->bytes < MIME_HEADER_BYTES_MAX ? (size_t)(MIME_HEADER_BYTES_MAX - header->bytes)
							    : 0;
	size_t room = sizeof(header->field) - header->field_length;
	size_t length = bytes.length < left ? bytes.length : left;

	mime_header_count(parser, bytes.length);
	if (!header->field_open)
		return;
	length = length < room ? length : room;
	memcpy(header->field + header->field_length, bytes.data, length);
	header->field_length += length;
	header->field_cut |= length < bytes.length;
}

static void type_keep(struct mime_header *header, struct span value)
{
	mime_value_parse(value, MIME_VALUE_TYPE, &header->type);
	header->type.more_parameters |= header->field_cut;
	if (header->type.more_parameters)
		header->notes |= MIME_NOTE_BIT(MIME_PARAMETERS_CUT);
}

static void disposition_keep(struct mime_header *header, struct span value)
{
	mime_value_parse(value, MIME_VALUE_TOKEN, &header->disposition);
	header->disposition.more_parameters |= header->field_cut;
	if (header->disposition.more_parameters)
		header->notes |= MIME_NOTE_BIT(MIME_PARAMETERS_CUT);
}

static void field_keep(struct mime_header *header, struct span name, struct span value)
{
	bool *seen = NULL;

	if (header_word_is(name, "content-type"))
		seen = &header->type_seen;
	else if (header_word_is(name, "content-transfer-encoding"))
		seen = &header->encoding_seen;
	else if (header_word_is(name, "content-disposition"))
		seen = &header->disposition_seen;
	if (!seen)
		return;
	if (*seen) {
		header->notes |= MIME_NOTE_BIT(MIME_REPEATED_FIELD);
		return;
	}
	*seen = true;
	if (seen == &header->type_seen)
		type_keep(header, value);
	else if (seen == &header->encoding_seen)
		header->encoding = header->field_cut ? MIME_ENCODING_UNKNOWN : mime_encoding_of(value);
	else
		disposition_keep(header, value);
}

/* The field that was being read is complete. */
static void field_finish(struct mime_parser *parser)
{
	struct mime_header *header = &parser->header;
	struct span whole = { .data = header->field, .length = header->field_length };
	struct mime_field field = {
		.depth = parser->depth + 1,
		.path = { .data = parser->path, .length = parser->path_length },
		.message = header->message,
		.cut = header->field_cut,
	};

	if (!header->field_open)
		return;
	field.name = span_part(whole, 0, header->name_length);
	field.value = header_trim(span_part(whole, header->name_length, whole.length));
	if (header->field_cut)
		header->notes |= MIME_NOTE_BIT(MIME_FIELD_CUT);
	field_keep(header, field.name, field.value);
	parser->events->field(parser->user, &field);
	header->field_open = false;
}

static void field_begin(struct mime_parser *parser, struct span line, size_t name_length, size_t value)
{
	struct mime_header *header = &parser->header;

	field_finish(parser);
	header->begun = true;
	header->fields++;
	if (header->fields > MIME_FIELDS_MAX)
		header->notes |= MIME_NOTE_BIT(MIME_HEADER_TOO_LONG);
	if (value > name_length + 1)
		header->notes |= MIME_NOTE_BIT(MIME_FIELD_SPACED);
	header->field_open = !(header->notes & MIME_NOTE_BIT(MIME_HEADER_TOO_LONG));
	header->field_cut = false;
	header->name_length = name_length;
	header->field_length = 0;
	field_append(parser, span_part(line, 0, name_length));
	mime_header_count(parser, value - name_length);
	field_append(parser, span_part(line, value, line.length));
	/* Not even the name lay within the limit. */
	if (header->field_length < name_length)
		header->field_open = false;
}

/* The line continues the field above it. */
static void field_continue(struct mime_parser *parser, struct span line, bool complete)
{
	if (complete && blanks_at_begin(line) == line.length)
		parser->header.notes |= MIME_NOTE_BIT(MIME_BLANK_CONTINUED);
	field_append(parser, line);
}

static bool is_mailbox_line(const struct mime_header *header, struct span line)
{
	return header->message && !header->begun && (begins_with(line, "From ") || begins_with(line, ">From "));
}

bool mime_header_line(struct mime_parser *parser, struct span line, bool complete)
{
	struct mime_header *header = &parser->header;
	size_t blanks = blanks_at_begin(line), name_length, value = 0;

	if (complete && line.length == 0)
		return true;
	if (is_mailbox_line(header, line)) {
		header->notes |= MIME_NOTE_BIT(MIME_MAILBOX_LINE);
		mime_header_count(parser, line.length);
		return true;
	}
	if (blanks > 0 && header->begun) {
		field_continue(parser, line, complete);
		return true;
	}
	name_length = field_name_bytes(span_part(line, blanks, line.length), &value);
	if (name_length == 0) {
		header->notes |= MIME_NOTE_BIT(MIME_NO_BLANK_LINE);
		mime_part_open(parser);
		return false;
	}
	if (blanks > 0)
		header->notes |= MIME_NOTE_BIT(MIME_FIELD_SPACED);
	mime_header_count(parser, blanks);
	field_begin(parser, span_part(line, blanks, line.length), name_length, value);
	return true;
}

void mime_header_more(struct mime_parser *parser, struct span bytes)
{
	field_append(parser, bytes);
}

void mime_header_finish(struct mime_parser *parser)
{
	field_finish(parser);
}
