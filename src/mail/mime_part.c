/* mime_part: parts begin, get their content, and end. */
#include <stdio.h>
#include <string.h>

#include "mail/header_octets.h"
#include "mail/mime_work.h"

void mime_note_count(struct mime_parser *parser, enum mime_note note)
{
	parser->totals.notes[note]++;
}

/* The part on top; NULL when none is open. */
static struct mime_frame *top_of(struct mime_parser *parser)
{
	return parser->depth > 0 ? &parser->frames[parser->depth - 1] : NULL;
}

static void path_extend(struct mime_parser *parser)
{
	struct mime_frame *top = top_of(parser);
	char number[16];
	int length = snprintf(number, sizeof(number), top ? ".%u" : "%u", top ? ++top->children : 1);

	parser->path_length = top ? top->part.path.length : 0;
	memcpy(parser->path + parser->path_length, number, (size_t)length);
	parser->path_length += (size_t)length;
}

void mime_header_begin(struct mime_parser *parser, bool message)
{
	if (parser->totals.parts == MIME_PARTS_MAX) {
		parser->totals.parts_omitted++;
		mime_note_count(parser, MIME_PARTS_OMITTED);
		parser->state = MIME_IN_OMITTED;
		return;
	}
	path_extend(parser);
	mime_header_clear(&parser->header, message);
	parser->state = MIME_IN_HEADER;
}

static bool type_begins(const struct mime_part *part, const char *text)
{
	return part->type.length >= strlen(text) && memcmp(part->type.data, text, strlen(text)) == 0;
}

static bool is_enclosed_message(const struct mime_part *part)
{
	return header_word_is(part->type, "message/rfc822") || header_word_is(part->type, "message/global") ||
	       header_word_is(part->type, "message/news");
}

static void type_set(struct mime_frame *frame, struct span type)
{
	memcpy(frame->type, type.data, type.length);
	frame->part.type = (struct span){ .data = frame->type, .length = type.length };
}

/* The type that the header says, or the one that holds when it says none. parent: NULL for the message. */
static void type_find(struct mime_parser *parser, struct mime_frame *frame, const struct mime_frame *parent)
{
	const struct mime_header *header = &parser->header;

	if (header->type_seen && header->type.token.length > 0)
		type_set(frame, header->type.token);
	else if (!header->type_seen && parent && header_word_is(parent->part.type, "multipart/digest"))
		type_set(frame, span_of("message/rfc822"));
	else
		type_set(frame, span_of("text/plain"));
	if (header->type_seen && header->type.token.length == 0)
		frame->part.notes |= MIME_NOTE_BIT(MIME_TYPE_UNREADABLE);
}

static enum mime_disposition disposition_find(const struct mime_header *header)
{
	if (!header->disposition_seen)
		return MIME_DISPOSITION_NONE;
	if (header_word_is(header->disposition.token, "inline"))
		return MIME_INLINE;
	return header_word_is(header->disposition.token, "attachment") ? MIME_ATTACHMENT
								       : MIME_DISPOSITION_OTHER;
}

/* The note that says why the part must not be interpreted; MIME_NOTES: it may be. */
static enum mime_note opaque_reason(const struct mime_parser *parser, const struct mime_part *part)
{
	enum mime_encoding encoding = parser->header.encoding;
	bool multipart = type_begins(part, "multipart/");
	bool composite = multipart || (is_enclosed_message(part) && encoding == MIME_IDENTITY);

	if (part->notes & MIME_NOTE_BIT(MIME_REPEATED_FIELD))
		return MIME_REPEATED_FIELD;
	if (part->notes & MIME_NOTE_BIT(MIME_HEADER_TOO_LONG))
		return MIME_HEADER_TOO_LONG;
	if (encoding == MIME_ENCODING_UNKNOWN)
		return MIME_ENCODING_ODD;
	if (multipart && encoding != MIME_IDENTITY)
		return MIME_ENCODED_MULTIPART;
	return composite && part->depth == MIME_DEPTH_MAX ? MIME_TOO_DEEP : MIME_NOTES;
}

/* Decides what the part is. */
static void kind_find(struct mime_parser *parser, struct mime_frame *frame)
{
	struct mime_part *part = &frame->part;
	enum mime_note reason = opaque_reason(parser, part);

	part->kind = MIME_LEAF;
	part->encoding = parser->header.encoding;
	if (reason != MIME_NOTES) {
		part->kind = MIME_OPAQUE;
		part->encoding = MIME_IDENTITY;
		part->notes |= MIME_NOTE_BIT(reason);
	} else if (type_begins(part, "multipart/")) {
		if (mime_boundary_find(parser, frame))
			part->kind = MIME_MULTIPART;
		else
			part->notes |= MIME_NOTE_BIT(MIME_BOUNDARY_UNUSABLE);
	} else if (is_enclosed_message(part) && part->encoding == MIME_IDENTITY) {
		part->kind = MIME_MESSAGE;
	}
}

static struct mime_frame *frame_push(struct mime_parser *parser)
{
	const struct mime_frame *parent = top_of(parser);
	struct mime_frame *frame = &parser->frames[parser->depth++];
	const struct mime_header *header = &parser->header;

	frame->boundary_length = 0;
	frame->ended = false;
	frame->children = 0;
	frame->part = (struct mime_part){
		.number = ++parser->totals.parts,
		.depth = parser->depth,
		.path = { .data = parser->path, .length = parser->path_length },
		.message = header->message,
		.disposition = disposition_find(header),
		.notes = header->notes,
		.type_value = header->type_seen ? &header->type : NULL,
		.disposition_value = header->disposition_seen ? &header->disposition : NULL,
	};
	type_find(parser, frame, parent);
	kind_find(parser, frame);
	return frame;
}

void mime_part_open(struct mime_parser *parser)
{
	struct mime_frame *frame;

	mime_header_finish(parser);
	frame = frame_push(parser);
	parser->events->part_begin(parser->user, &frame->part);
	frame->part.type_value = frame->part.disposition_value = NULL;
	if (frame->part.kind == MIME_MESSAGE) {
		mime_header_begin(parser, true);
	} else if (frame->part.kind == MIME_MULTIPART) {
		parser->state = MIME_IN_PREAMBLE;
	} else {
		parser->transfer = mime_transfer_of(frame->part.encoding);
		parser->content_length = 0;
		parser->state = MIME_IN_CONTENT;
	}
}

static void content_flush(struct mime_parser *parser, struct mime_frame *frame)
{
	struct span piece = { .data = parser->content, .length = parser->content_length };

	if (piece.length == 0)
		return;
	frame->part.decoded_bytes += piece.length;
	parser->content_length = 0;
	parser->events->content(parser->user, &frame->part, MIME_CONTENT, piece);
}

/* Makes sure that the decoder can go on. */
static void content_room_make(struct mime_parser *parser, struct mime_frame *frame)
{
	if (sizeof(parser->content) - parser->content_length < MIME_TRANSFER_ROOM)
		content_flush(parser, frame);
}

static void content_decode(struct mime_parser *parser, struct mime_frame *frame, struct span bytes)
{
	while (bytes.length > 0) {
		content_room_make(parser, frame);
		parser->content_length += mime_transfer_decode(
			&parser->transfer, &bytes, parser->content + parser->content_length,
			sizeof(parser->content) - parser->content_length);
	}
}

static void content_finish(struct mime_parser *parser, struct mime_frame *frame)
{
	content_room_make(parser, frame);
	parser->content_length += mime_transfer_finish(&parser->transfer,
						       parser->content + parser->content_length);
	content_flush(parser, frame);
	frame->part.damage = parser->transfer.damage;
	if (frame->part.damage > 0)
		frame->part.notes |= MIME_NOTE_BIT(MIME_DAMAGED);
}

void mime_content_put(struct mime_parser *parser, struct span bytes)
{
	struct mime_frame *top = top_of(parser);
	bool preamble = parser->state == MIME_IN_PREAMBLE;

	if (bytes.length == 0)
		return;
	if (parser->state == MIME_IN_OMITTED) {
		parser->totals.omitted_bytes += bytes.length;
		return;
	}
	top->part.raw_bytes += bytes.length;
	if (parser->state == MIME_IN_CONTENT) {
		parser->totals.content_bytes += bytes.length;
		content_decode(parser, top, bytes);
		return;
	}
	*(preamble ? &top->part.preamble_bytes : &top->part.epilogue_bytes) += bytes.length;
	*(preamble ? &parser->totals.preamble_bytes : &parser->totals.epilogue_bytes) += bytes.length;
	parser->events->content(parser->user, &top->part, preamble ? MIME_PREAMBLE : MIME_EPILOGUE, bytes);
}

static void part_close(struct mime_parser *parser)
{
	struct mime_frame *frame = top_of(parser);
	struct mime_part *part = &frame->part;

	if (part->kind == MIME_LEAF || part->kind == MIME_OPAQUE)
		content_finish(parser, frame);
	if (part->kind == MIME_MULTIPART && frame->children == 0)
		part->notes |= MIME_NOTE_BIT(MIME_BOUNDARY_UNUSED);
	else if (part->kind == MIME_MULTIPART && !frame->ended)
		part->notes |= MIME_NOTE_BIT(MIME_UNCLOSED);
	for (int note = 0; note < MIME_NOTES; note++)
		parser->totals.notes[note] += part->notes >> note & 1;
	parser->events->part_end(parser->user, part);
	parser->depth--;
}

void mime_parts_close(struct mime_parser *parser, uint32_t depth)
{
	/* More than once when the part that opens is an enclosed message. */
	while (parser->state == MIME_IN_HEADER) {
		parser->header.notes |= MIME_NOTE_BIT(MIME_HEADER_UNENDED);
		mime_part_open(parser);
	}
	while (parser->depth > depth)
		part_close(parser);
}
