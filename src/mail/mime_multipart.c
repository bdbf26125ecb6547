/* mime_multipart: which lines divide a multipart (RFC 2046 section 5.1.1). */
#include <string.h>

#include "mail/mime_work.h"

static bool boundary_valid(struct span boundary)
{
	if (boundary.length == 0 || boundary.length > MIME_BOUNDARY_BYTES_MAX ||
	    boundary.data[boundary.length - 1] == ' ')
		return false;
	for (size_t i = 0; i < boundary.length; i++) {
		char byte = boundary.data[i];

		if (byte < ' ' || byte >= 0x7f || byte == '"' || byte == '\\')
			return false;
	}
	return true;
}

bool mime_boundary_find(struct mime_parser *parser, struct mime_frame *frame)
{
	struct mime_forms *forms = &parser->forms;
	struct span boundary;

	if (mime_parameter_only(&parser->header.type, "boundary", forms, &boundary) < 0)
		return false;
	/* Hardly any program knows RFC 2231 here: to the others there is no boundary. */
	if (forms->items[0].extended || forms->items[0].divided || !boundary_valid(boundary))
		return false;
	memcpy(frame->boundary, boundary.data, boundary.length);
	frame->boundary_length = boundary.length;
	return true;
}

enum match { MATCH_NONE, MATCH_ALIKE, MATCH_NEXT, MATCH_LAST };

/* What a line that begins with "--" is to this multipart. */
static enum match line_match(const struct mime_frame *frame, struct span line)
{
	size_t begin = 2 + frame->boundary_length, end = line.length;

	if (frame->boundary_length == 0 || line.length < begin ||
	    memcmp(line.data + 2, frame->boundary, frame->boundary_length) != 0)
		return MATCH_NONE;
	while (end > begin && (line.data[end - 1] == ' ' || line.data[end - 1] == '\t'))
		end--;
	if (end == begin)
		return MATCH_NEXT;
	return end == begin + 2 && memcmp(line.data + begin, "--", 2) == 0 ? MATCH_LAST : MATCH_ALIKE;
}

/* The delimiter belongs to the part at this depth. */
static void delimiter_act(struct mime_parser *parser, uint32_t depth, bool last, size_t bytes)
{
	parser->totals.delimiter_bytes += bytes + parser->line_end.length;
	parser->line_end.length = 0;
	mime_parts_close(parser, depth);
	if (last) {
		parser->frames[depth - 1].ended = true;
		parser->state = MIME_IN_EPILOGUE;
	} else {
		mime_header_begin(parser, false);
	}
}

bool mime_delimiter_take(struct mime_parser *parser, struct span line, struct span line_end)
{
	enum match seen = MATCH_NONE;

	for (uint32_t depth = parser->depth; depth > 0; depth--) {
		const struct mime_frame *frame = &parser->frames[depth - 1];
		enum match match = line_match(frame, line);

		if (match >= MATCH_NEXT && !frame->ended) {
			delimiter_act(parser, depth, match == MATCH_LAST, line.length + line_end.length);
			return true;
		}
		if (match > seen)
			seen = match;
	}
	if (seen != MATCH_NONE)
		mime_note_count(parser, seen == MATCH_ALIKE ? MIME_DELIMITER_ALIKE : MIME_DELIMITER_LATE);
	return false;
}

void mime_delimiter_suspect(struct mime_parser *parser, struct span line)
{
	for (uint32_t depth = parser->depth; depth > 0; depth--) {
		if (line_match(&parser->frames[depth - 1], line) != MATCH_NONE) {
			mime_note_count(parser, MIME_DELIMITER_ALIKE);
			return;
		}
	}
}
