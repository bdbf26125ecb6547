/*
 * mime_work: the inside of the parser, shared by the files mime*.c and by nobody else.
 *
 *	mime.c			cuts the bytes into lines and says what a line is, by state
 *	mime_header.c		collects fields, says where a header ends
 *	mime_part.c		opens and closes parts, passes content on
 *	mime_multipart.c	boundaries
 */
#ifndef MAIL_MIME_WORK_H
#define MAIL_MIME_WORK_H

#include "mail/mime.h"

/* What the next line belongs to. */
enum mime_state {
	MIME_IN_HEADER,
	MIME_IN_CONTENT,	/* of the leaf or opaque part on top */
	MIME_IN_PREAMBLE,	/* of the multipart on top, as the next one */
	MIME_IN_EPILOGUE,
	MIME_IN_OMITTED,	/* part that is only counted */
};

/* A part that has begun and not ended. */
struct mime_frame {
	struct mime_part part;	/* path and type point into the parser */
	char type[MIME_TOKEN_BYTES_MAX];
	char boundary[MIME_BOUNDARY_BYTES_MAX];
	size_t boundary_length;	/* 0: not a multipart */
	bool ended;		/* its last delimiter was there */
	uint32_t children;
};

/* The header that is being read. mime_header_clear() makes an empty one; what its other members do not speak of is undefined. */
struct mime_header {
	bool message;
	bool begun;		/* its first line is behind us */
	bool field_open, field_cut;
	bool type_seen, encoding_seen, disposition_seen;
	uint64_t bytes;
	uint32_t fields;
	uint32_t notes;
	enum mime_encoding encoding;
	size_t name_length, field_length;
	char field[MIME_FIELD_BYTES_MAX]; /* name, then value */
	struct mime_value type, disposition;
};

struct mime_parser {
	const struct mime_events *events;
	void *user;
	enum mime_state state;
	uint32_t depth;		/* how many frames are open */
	size_t path_length;
	struct mime_totals totals;

	/* Lines. */
	const char *next_lf;	/* in what is being fed; its end when there is none; NULL: not known */
	bool in_line;		/* a line has begun and is not complete */
	bool in_long_line;	/* its first MIME_LINE_HELD_BYTES_MAX bytes were dealt with */
	bool cr_waits;		/* it ends with a CR; what comes behind it is not known yet */
	bool seen_lf, seen_crlf, seen_cr;
	size_t held_length;
	struct span line_end;	/* static; belongs to the content, or to a delimiter if one follows */

	size_t content_length;	/* of the part on top */
	struct mime_transfer transfer;

	/* What is large, and written before it is read: undefined at the beginning. */
	struct mime_header header;
	struct mime_frame frames[MIME_DEPTH_MAX];
	char path[MIME_PATH_BYTES_MAX]; /* of the part on top, or of the one whose header is read */
	char held[MIME_LINE_HELD_BYTES_MAX]; /* the bytes of the line as long as they fit */
	char content[MIME_CONTENT_PIECE_BYTES];
	struct mime_forms forms;
};

/* ---- mime_part.c ---- */

/* Notes something about the whole message. */
void mime_note_count(struct mime_parser *parser, enum mime_note note);

/*
 * A header begins: of the message, of a message inside the part on top, or of the next part of the multipart
 * on top.
 */
void mime_header_begin(struct mime_parser *parser, bool message);

/* The header that was being read is complete: its part begins. */
void mime_part_open(struct mime_parser *parser);

/* Ends parts until this many are open. A header that is being read ends with them. */
void mime_parts_close(struct mime_parser *parser, uint32_t depth);

/* Bytes that belong to what the state says: content of the part on top, or what stands around parts. */
void mime_content_put(struct mime_parser *parser, struct span bytes);

/* ---- mime_header.c ---- */

/* Empties the header; true in message: of a message. */
void mime_header_clear(struct mime_header *header, bool message);

/*
 * A line of a header, or its first MIME_LINE_HELD_BYTES_MAX bytes (then complete is false). False when the
 * header ended before this line; its part is then open, and the line belongs to whatever the state says now.
 */
bool mime_header_line(struct mime_parser *parser, struct span line, bool complete);

/* Counts bytes of the header, and notes when they are too many. */
void mime_header_count(struct mime_parser *parser, size_t bytes);

/* More of that line. */
void mime_header_more(struct mime_parser *parser, struct span bytes);

/* Passes on the last field. Called once, when the header is complete. */
void mime_header_finish(struct mime_parser *parser);

/* ---- mime_multipart.c ---- */

/*
 * Finds the boundary of the multipart whose header was read and keeps it in its frame. False when it is
 * unusable.
 */
bool mime_boundary_find(struct mime_parser *parser, struct mime_frame *frame);

/* A whole line that begins with "--". True when it is a delimiter, which has then been acted on. */
bool mime_delimiter_take(struct mime_parser *parser, struct span line, struct span line_end);

/* The beginning of a line too long for a delimiter: notes it when it looks like one. */
void mime_delimiter_suspect(struct mime_parser *parser, struct span line);

#endif
