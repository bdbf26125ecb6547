/* mime: bytes to lines, and what a line is. See mime_work.h for the other files. */
#include <string.h>

#include "mail/mime_work.h"

static const struct span no_line_end = { .data = "", .length = 0 };
static const struct span lf = { .data = "\n", .length = 1 };
static const struct span crlf = { .data = "\r\n", .length = 2 };
static const struct span cr = { .data = "\r", .length = 1 };

/* The line end that was held back is content: no delimiter came behind it. */
static void line_end_release(struct mime_parser *parser)
{
	struct span line_end = parser->line_end;

	parser->line_end = no_line_end;
	mime_content_put(parser, line_end);
}

static void line_end_note(struct mime_parser *parser, struct span line_end)
{
	parser->seen_crlf |= line_end.length == 2;
	parser->seen_lf |= line_end.length == 1 && line_end.data[0] == '\n';
	parser->seen_cr |= line_end.length == 1 && line_end.data[0] == '\r';
}

static bool begins_with_dashes(struct span line)
{
	return line.length >= 2 && line.data[0] == '-' && line.data[1] == '-';
}

/* A whole line. */
static void line_take(struct mime_parser *parser, struct span line, struct span line_end)
{
	line_end_note(parser, line_end);
	if (begins_with_dashes(line) && mime_delimiter_take(parser, line, line_end))
		return;
	/* A header that ends before this line may be followed by the one of an enclosed message. */
	while (parser->state == MIME_IN_HEADER) {
		if (!mime_header_line(parser, line, true))
			continue;
		mime_header_count(parser, line_end.length);
		if (line.length == 0)
			mime_part_open(parser);
		return;
	}
	line_end_release(parser);
	mime_content_put(parser, line);
	parser->line_end = line_end;
}

/* The beginning of a line that is too long to be held. */
static void long_line_begin(struct mime_parser *parser, struct span line)
{
	parser->in_long_line = true;
	if (begins_with_dashes(line))
		mime_delimiter_suspect(parser, line);
	while (parser->state == MIME_IN_HEADER)
		if (mime_header_line(parser, line, false))
			return;
	line_end_release(parser);
	mime_content_put(parser, line);
}

static void long_line_put(struct mime_parser *parser, struct span bytes)
{
	if (parser->state == MIME_IN_HEADER)
		mime_header_more(parser, bytes);
	else
		mime_content_put(parser, bytes);
}

static void long_line_end(struct mime_parser *parser, struct span line_end)
{
	line_end_note(parser, line_end);
	if (parser->state == MIME_IN_HEADER)
		mime_header_count(parser, line_end.length);
	else
		parser->line_end = line_end;
	parser->in_long_line = false;
}

/* The line that is held, or the long one, ends. */
static void open_line_end(struct mime_parser *parser, struct span line_end)
{
	struct span line = { .data = parser->held, .length = parser->held_length };

	parser->in_line = parser->cr_waits = false;
	parser->held_length = 0;
	if (parser->in_long_line)
		long_line_end(parser, line_end);
	else
		line_take(parser, line, line_end);
}

/*
 * Offset of the first LF, or the length of the span, which must be the rest of what is being fed. Each byte
 * is looked at once, however often and from wherever this is asked.
 */
static size_t lf_offset(struct mime_parser *parser, struct span in)
{
	if (!parser->next_lf || parser->next_lf < in.data) {
		parser->next_lf = memchr(in.data, '\n', in.length);
		if (!parser->next_lf)
			parser->next_lf = in.data + in.length;
	}
	return (size_t)(parser->next_lf - in.data);
}

/* Offset of the first CR or LF within the first `most` bytes, or most. */
static size_t line_length(struct mime_parser *parser, struct span in, size_t most)
{
	size_t length = lf_offset(parser, in);
	const char *first_cr;

	length = length < most ? length : most;
	first_cr = memchr(in.data, '\r', length);
	return first_cr ? (size_t)(first_cr - in.data) : length;
}

/* The line end at this offset; none when it is a CR and what comes behind it is not known yet. */
static struct span line_end_at(struct span bytes, size_t at)
{
	if (bytes.data[at] == '\n')
		return lf;
	if (at + 1 == bytes.length)
		return no_line_end;
	return bytes.data[at + 1] == '\n' ? crlf : cr;
}

/* Adds bytes without line ends to the line that is open. */
static void open_line_put(struct mime_parser *parser, struct span bytes)
{
	size_t room = sizeof(parser->held) - parser->held_length;

	parser->in_line = true;
	if (!parser->in_long_line && bytes.length <= room) {
		memcpy(parser->held + parser->held_length, bytes.data, bytes.length);
		parser->held_length += bytes.length;
		return;
	}
	if (!parser->in_long_line) {
		memcpy(parser->held + parser->held_length, bytes.data, room);
		parser->held_length = 0;
		long_line_begin(parser, (struct span){ .data = parser->held, .length = sizeof(parser->held) });
		bytes = span_part(bytes, room, bytes.length);
	}
	long_line_put(parser, bytes);
}

/* Goes on with a line that does not come in one piece. */
static void open_line_feed(struct mime_parser *parser, struct span *in)
{
	size_t length;

	if (parser->cr_waits) {
		bool with_lf = in->data[0] == '\n';

		open_line_end(parser, with_lf ? crlf : cr);
		*in = span_part(*in, with_lf, in->length);
		return;
	}
	length = line_length(parser, *in, in->length);
	open_line_put(parser, span_part(*in, 0, length));
	if (length < in->length) {
		struct span line_end = line_end_at(*in, length);

		parser->cr_waits = line_end.length == 0;
		length += line_end.length + parser->cr_waits;
		if (!parser->cr_waits)
			open_line_end(parser, line_end);
	}
	*in = span_part(*in, length, in->length);
}

/* Takes one whole line from *in, if it is there and can be held. */
static bool whole_line_feed(struct mime_parser *parser, struct span *in)
{
	size_t most = in->length <= MIME_LINE_HELD_BYTES_MAX ? in->length : MIME_LINE_HELD_BYTES_MAX + 1;
	size_t length = line_length(parser, *in, most);
	struct span line_end;

	if (length == most)
		return false;
	line_end = line_end_at(*in, length);
	if (line_end.length == 0)
		return false;
	line_take(parser, span_part(*in, 0, length), line_end);
	*in = span_part(*in, length + line_end.length, in->length);
	return true;
}

/*
 * Takes whole lines of content from *in at once: all up to the first that may be a delimiter. The result is that
 * of taking them one by one; nearly all bytes of a mail go this way.
 */
static void content_lines_feed(struct mime_parser *parser, struct span *in)
{
	struct span line_end = no_line_end, rest = *in;
	size_t last = 0;

	while (rest.length > 1 && (rest.data[0] != '-' || rest.data[1] != '-')) {
		size_t length = line_length(parser, rest, rest.length);
		struct span found = length < rest.length ? line_end_at(rest, length) : no_line_end;

		if (found.length == 0)
			break;
		line_end = found;
		line_end_note(parser, line_end);
		last = (size_t)(rest.data - in->data) + length;
		rest = span_part(rest, length + line_end.length, rest.length);
	}
	if (line_end.length == 0)
		return;
	line_end_release(parser);
	mime_content_put(parser, span_part(*in, 0, last));
	parser->line_end = line_end;
	*in = rest;
}

struct mime_parser *mime_parser_new(struct arena *arena, const struct mime_events *events, void *user)
{
	struct mime_parser *parser = arena_room(arena, sizeof(*parser));

	memset(parser, 0, offsetof(struct mime_parser, header));
	parser->events = events;
	parser->user = user;
	parser->line_end = no_line_end;
	mime_header_begin(parser, true);
	return parser;
}

void mime_parser_feed(struct mime_parser *parser, struct span bytes)
{
	parser->next_lf = NULL;
	while (bytes.length > 0) {
		if (!parser->in_line && parser->state == MIME_IN_CONTENT)
			content_lines_feed(parser, &bytes);
		if (bytes.length > 0 && (parser->in_line || !whole_line_feed(parser, &bytes)))
			open_line_feed(parser, &bytes);
	}
}

void mime_parser_finish(struct mime_parser *parser)
{
	if (parser->in_line)
		open_line_end(parser, parser->cr_waits ? cr : no_line_end);
	if (parser->state != MIME_IN_HEADER)
		line_end_release(parser);
	mime_parts_close(parser, 0);
	if (parser->seen_lf + parser->seen_crlf + parser->seen_cr > 1)
		mime_note_count(parser, MIME_LINE_ENDS_MIXED);
	parser->events->message_end(parser->user, &parser->totals);
}

const char *mime_note_name(enum mime_note note)
{
	static const char *const names[MIME_NOTES] = {
		[MIME_REPEATED_FIELD] = "repeated-field",
		[MIME_HEADER_TOO_LONG] = "header-too-long",
		[MIME_FIELD_CUT] = "field-cut",
		[MIME_FIELD_SPACED] = "field-spaced",
		[MIME_BLANK_CONTINUED] = "blank-continued",
		[MIME_MAILBOX_LINE] = "mailbox-line",
		[MIME_NO_BLANK_LINE] = "no-blank-line",
		[MIME_HEADER_UNENDED] = "header-unended",
		[MIME_TYPE_UNREADABLE] = "type-unreadable",
		[MIME_PARAMETERS_CUT] = "parameters-cut",
		[MIME_ENCODING_ODD] = "encoding-odd",
		[MIME_ENCODED_MULTIPART] = "encoded-multipart",
		[MIME_BOUNDARY_UNUSABLE] = "boundary-unusable",
		[MIME_BOUNDARY_UNUSED] = "boundary-unused",
		[MIME_TOO_DEEP] = "too-deep",
		[MIME_UNCLOSED] = "unclosed",
		[MIME_DELIMITER_LATE] = "delimiter-late",
		[MIME_DELIMITER_ALIKE] = "delimiter-alike",
		[MIME_DAMAGED] = "damaged",
		[MIME_PARTS_OMITTED] = "parts-omitted",
		[MIME_LINE_ENDS_MIXED] = "line-ends-mixed",
	};

	return names[note];
}
