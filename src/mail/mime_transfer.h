/*
 * mime_transfer: content transfer encodings (RFC 2045 section 6) undone, in pieces of any size, by one
 * lenient rule each. Whatever the bytes are, there is one result, the same however they were cut. Size and
 * digest of a part are those "decoded by rule v1":
 *
 * base64	Letters of the alphabet count, in their order; white space and everything else is passed over. A '='
 *		behind two or three letters of a group ends the group with one or two bytes, and a new group begins;
 *		any other '=' is passed over. So blocks that were put behind each other are all decoded. At the end two
 *		or three letters give one or two bytes, a single one none. Damage: letters that are lost, and bytes that
 *		are neither alphabet, '=' nor white space.
 * quoted-printable
 *		'=' and two hexadecimal digits of either case is a byte. '=', spaces and tabs, line end is nothing (a
 *		soft break), also at the end of the data. Any other '=' is a '=' (damage), and what follows is read on
 *		its own. Spaces and tabs before a line end and at the end are left out, unless there are more than
 *		MIME_SPACE_HELD_MAX of them. Lines may have any length.
 * uuencode	From a line "begin N name" to a line "end" or an empty line: the first byte of each line says how many
 *		bytes it holds, missing ones are zero. Several such blocks are put together. Everything outside is left
 *		out (damage, unless it is white space). Of a line longer than MIME_UU_LINE_MAX the rest is left out. '`'
 *		and space are both zero.
 * identity	7bit, 8bit, binary, or no such field: as it is, line ends included.
 *
 * A line end is CR LF, LF or CR. An encoding that is none of these is unknown, also one with a comment or
 * anything else beside it: programs differ in what they make of that. Its bytes are passed on as they are.
 */
#ifndef MAIL_MIME_TRANSFER_H
#define MAIL_MIME_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum mime_encoding { MIME_IDENTITY, MIME_BASE64, MIME_QUOTED_PRINTABLE, MIME_UUENCODE, MIME_ENCODING_UNKNOWN };

enum {
	MIME_SPACE_HELD_MAX = 256,
	MIME_UU_LINE_MAX = 128,
	MIME_TRANSFER_ROOM = 2 * MIME_SPACE_HELD_MAX, /* room that always lets the decoder go on */
};

/* A decoder. Made by mime_transfer_of(); the caller reads encoding and damage, the rest is its own. */
struct mime_transfer {
	enum mime_encoding encoding;
	uint64_t damage;	/* how many places broke the rules and needed the lenience above */

	/* quoted-printable: what was seen; base64: letters of the group; uuencode: inside a block */
	uint8_t state;
	bool run_kept;		/* quoted-printable: the spaces of this run are too many to be left out */
	bool line_cut, after_cr; /* uuencode */
	uint32_t bits;		/* base64 */
	uint16_t held_count;
	char held[MIME_SPACE_HELD_MAX + 4];
};

/* The encoding that a Content-Transfer-Encoding field names; an empty value is MIME_IDENTITY. */
enum mime_encoding mime_encoding_of(struct span field_value);

/* The name as RFC 2045 writes it: "base64"; "identity", "unknown". Never NULL, static. */
const char *mime_encoding_name(enum mime_encoding encoding);

/* A decoder at the beginning of a part. */
struct mime_transfer mime_transfer_of(enum mime_encoding encoding);

/*
 * Decodes bytes from *in, which moves on, into out, and returns how many it wrote. It stops when *in is empty
 * or when less than MIME_TRANSFER_ROOM of the room bytes are left, and makes progress whenever there are as
 * many.
 */
size_t mime_transfer_decode(struct mime_transfer *transfer, struct span *in, char *out, size_t room);

/*
 * The part ends: writes what still waits (at most MIME_TRANSFER_ROOM bytes) and returns its length. damage is
 * final.
 */
size_t mime_transfer_finish(struct mime_transfer *transfer, char out[static MIME_TRANSFER_ROOM]);

#endif
