/*
 * mime: the structure of a message (RFC 5322, RFC 2045, RFC 2046) as events, while its bytes pass through.
 *
 * A parser is fed the bytes of one message in pieces of any size and calls back: for each header field, when
 * a part begins, with the part's content (its transfer encoding undone), when it ends, and at the end of the
 * message. However the bytes are cut, the events are the same, but for the cuts between pieces of content.
 * Nothing is kept but the path to where we are: memory is fixed (about 200 KiB), time grows with the bytes
 * alone, and no content makes the parser fail. Beyond a limit it says so and goes on with what is sensible.
 *
 * Every byte of the message goes exactly one way, and struct mime_totals adds up to the length of the message.
 *
 * Parts form a tree. The message itself is part "1"; the parts of a multipart are "1.1", "1.2", ...; the
 * message inside a message/rfc822 part "1.2" is part "1.2.1". Events of a part: its fields, begin, content
 * (or the events of what is inside), end.
 *
 * Where programs differ about a message, these are the rules (a note says when one was needed):
 *  - A line ends with CR LF, LF or CR. In content all three stay as they are.
 *  - A header ends with an empty line, or in front of a line that cannot be a field (MIME_NO_BLANK_LINE);
 *    then the text begins there. A line "From " or ">From " at the top of a message is passed over. White
 *    space or NUL before the colon, and before the first field, does not count. A line of white space alone
 *    continues the field.
 *  - Content-Type, Content-Transfer-Encoding or Content-Disposition twice in one header: nobody can know
 *    which one the recipient's program believes, so the part is not interpreted at all (MIME_REPEATED_FIELD),
 *    even where the values agree.
 *  - A delimiter line is "--", boundary, perhaps "--", then only spaces and tabs; the line end before it
 *    belongs to it. Open multiparts are compared from the innermost outward; what lies inside the one that
 *    matches ends there. A multipart that has ended matches no more.
 *  - A boundary has 1 to 70 characters from 0x20 to 0x7e without quote and backslash, the last one not a
 *    space. Any other, none, two of them, or one with a comment or other text beside it: the multipart is not
 *    divided (MIME_BOUNDARY_UNUSABLE); its bytes are content, to be shown as text. Declared and never found
 *    (MIME_BOUNDARY_UNUSED): likewise, but its bytes come as MIME_PREAMBLE.
 *  - A multipart with a transfer encoding other than identity is not divided (MIME_ENCODED_MULTIPART). An
 *    enclosed message with base64, quoted-printable or uuencode is a leaf, decoded: a file.
 *  - A type that cannot be read is text/plain (RFC 2045 section 5.2) with MIME_TYPE_UNREADABLE.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mail/mime_parameter.h"
#include "mail/mime_transfer.h"

/* All limits are inclusive: what is equal to the limit passes. */
enum {
	MIME_DEPTH_MAX = 32,		/* numbers in a path; what lies deeper is one opaque part */
	MIME_PARTS_MAX = 1000,		/* all kinds together; those beyond are only counted */
	MIME_HEADER_BYTES_MAX = 262144,	/* one header, line ends included */
	MIME_FIELD_BYTES_MAX = 65536,	/* name and unfolded value of one field; the rest is cut off */
	MIME_FIELD_NAME_BYTES_MAX = 128, /* what has more before the colon is no field */
	MIME_FIELDS_MAX = 1000,		/* of one header */
	MIME_BOUNDARY_BYTES_MAX = 70,	/* RFC 2046 section 5.1.1 */
	/* Of a line, without its end: a longer one is never a delimiter; a field has its colon within. */
	MIME_LINE_HELD_BYTES_MAX = 1000,
	MIME_PATH_BYTES_MAX = MIME_DEPTH_MAX * 5,
	MIME_CONTENT_PIECE_BYTES = 16384, /* the longest piece of decoded content */
};

/* What there is to say about a part or a message. */
enum mime_note {
	MIME_REPEATED_FIELD,	/* a field of MIME twice in one header: opaque */
	MIME_HEADER_TOO_LONG,	/* MIME_HEADER_BYTES_MAX or MIME_FIELDS_MAX passed; the rest is not known: opaque */
	MIME_FIELD_CUT,		/* MIME_FIELD_BYTES_MAX passed */
	MIME_FIELD_SPACED,	/* white space or NUL before a colon or before the first field */
	MIME_BLANK_CONTINUED,	/* a line of white space in a header: to some programs its end */
	MIME_MAILBOX_LINE,	/* "From " or ">From " at the top */
	MIME_NO_BLANK_LINE,	/* text begins without an empty line */
	MIME_HEADER_UNENDED,	/* the part or the message ends within the header */
	MIME_TYPE_UNREADABLE,
	MIME_PARAMETERS_CUT,	/* a limit of mail/mime_parameter.h */
	MIME_ENCODING_ODD,	/* the transfer encoding is unknown: opaque */
	MIME_ENCODED_MULTIPART,	/* opaque */
	MIME_BOUNDARY_UNUSABLE,
	MIME_BOUNDARY_UNUSED,
	MIME_TOO_DEEP,		/* opaque */
	MIME_UNCLOSED,		/* the last delimiter of the multipart is missing: perhaps truncated */
	MIME_DELIMITER_LATE,	/* a delimiter behind the end of its multipart: text there */
	MIME_DELIMITER_ALIKE,	/* a line that begins like a delimiter and is none */
	MIME_DAMAGED,		/* the transfer encoding was broken somewhere */
	MIME_PARTS_OMITTED,	/* MIME_PARTS_MAX passed */
	MIME_LINE_ENDS_MIXED,	/* the message has more than one of CR LF, LF and CR */
	MIME_NOTES
};

/* A set of notes has bit 1 << note. */
#define MIME_NOTE_BIT(note) (UINT32_C(1) << (note))

enum mime_kind {
	MIME_LEAF,		/* content, decoded */
	MIME_MULTIPART,		/* has parts; content is what stands around them */
	MIME_MESSAGE,		/* message/rfc822, message/global, message/news: has one part and no content */
	MIME_OPAQUE,		/* content as it came; must not be interpreted, a note says why */
};

enum mime_disposition { MIME_DISPOSITION_NONE, MIME_INLINE, MIME_ATTACHMENT, MIME_DISPOSITION_OTHER };

struct mime_part {
	uint32_t number;	/* from 1, in the order they begin */
	uint32_t depth;		/* numbers in the path, from 1 */
	struct span path;	/* "1.2.1" */
	enum mime_kind kind;
	bool message;		/* the header is that of a message, not of a part of one */
	struct span type;	/* "text/plain", lower case; never empty */
	enum mime_encoding encoding; /* as undone; opaque parts: MIME_IDENTITY */
	enum mime_disposition disposition;
	uint32_t notes;		/* set of enum mime_note; grows until the end of the part */
	/*
	 * The parameters of the fields as they came, for names and charset: at the begin of a part only,
	 * else NULL.
	 */
	const struct mime_value *type_value, *disposition_value;
	/* At the end of the part: */
	uint64_t raw_bytes;	/* its own content as it came, without line ends that belong to delimiters */
	uint64_t decoded_bytes;	/* leaf and opaque */
	uint64_t preamble_bytes, epilogue_bytes; /* multipart */
	uint64_t damage;	/* mail/mime_transfer.h */
};

/* One header field. */
struct mime_field {
	uint32_t depth;		/* of the part whose header it is, which has not begun yet */
	struct span path;
	bool message;		/* see struct mime_part */
	struct span name;	/* as it came; never empty */
	/*
	 * As it came, unfolded (RFC 5322 section 2.2.3), without white space at its ends; any byte but CR
	 * and LF.
	 */
	struct span value;
	bool cut;
};

/* Where content belongs. */
enum mime_region { MIME_CONTENT, MIME_PREAMBLE, MIME_EPILOGUE };

/* Where the bytes of the message went. */
struct mime_totals {
	uint64_t header_bytes;		/* headers with their empty lines, mailbox lines */
	uint64_t content_bytes;		/* raw_bytes of leaf and opaque parts */
	uint64_t preamble_bytes, epilogue_bytes;
	uint64_t delimiter_bytes;	/* delimiter lines and the line end before each */
	uint64_t omitted_bytes;		/* of parts that are only counted, headers included */
	uint32_t parts;			/* that had events */
	uint32_t parts_omitted;
	uint32_t notes[MIME_NOTES];	/* how many parts, or lines, gave cause to each note */
};

/* Called with what happens. All functions must be there; what the pointers lead to is valid during the call. */
struct mime_events {
	void (*field)(void *user, const struct mime_field *field);	/* a header field */
	void (*part_begin)(void *user, const struct mime_part *part);	/* its header is complete */
	void (*content)(void *user, const struct mime_part *part, enum mime_region region,
			struct span bytes);				/* never empty */
	void (*part_end)(void *user, const struct mime_part *part);	/* it is complete */
	void (*message_end)(void *user, const struct mime_totals *totals); /* the last event */
};

struct mime_parser;

/*
 * A parser at the beginning of a message, in the arena; all memory it will ever use. events and user outlive
 * it.
 */
struct mime_parser *mime_parser_new(struct arena *arena, const struct mime_events *events, void *user);

/* The next bytes of the message. */
void mime_parser_feed(struct mime_parser *parser, struct span bytes);

/* The message is complete. The parser is of no use afterwards. */
void mime_parser_finish(struct mime_parser *parser);

/* The stable name of a note for logs: "repeated-field". Never NULL, static. */
const char *mime_note_name(enum mime_note note);

#endif
