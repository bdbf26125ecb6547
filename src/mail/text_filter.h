/*
 * text_filter: which characters a body of mail may hold, and what becomes of the others (R8, R11).
 *
 * Input is UTF-8 from outside in pieces of any size; output is UTF-8 of which every character is permitted, in pieces, with LF as
 * the only line end. However the input is cut, the output is the same. Filtering what was filtered changes nothing. There is no
 * Unicode normalization: what is not named here stays as the sender wrote it.
 *
 *	kept		TAB, everything visible, ideographic space, variation selectors that follow something visible (異体字)
 *	combining marks	at most TEXT_MARKS_MAX on one character, the others are left out
 *	white space	no-break space, spaces of other widths, blank letters (Hangul fillers, empty Braille): one space
 *	line ends	CR LF, CR, VT, FF, NEL, U+2028, U+2029: LF
 *	left out	NUL, soft hyphen, zero width, joiners, marks of direction, tags, annotation, invisible operators
 *	shown		[U+202E]: what reorders the line, and control characters (ESC steers terminals and logs). After
 *			TEXT_SHOWN_MAX of them the others are left out: the text must not grow to eight times its size.
 *	〓		private use (外字: another picture on each machine), noncharacters, bytes that are not UTF-8
 * A line longer than TEXT_LINE_BYTES_MAX is broken there: mail programs stall on it.
 */
#ifndef MAIL_TEXT_FILTER_H
#define MAIL_TEXT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	TEXT_MARKS_MAX = 8,		/* combining marks on one character */
	TEXT_SHOWN_MAX = 1000,		/* characters shown as [U+XXXX] in one text */
	TEXT_LINE_BYTES_MAX = 16384,	/* of a line, without its end */
	TEXT_CHARACTER_BYTES_MAX = 10,	/* of what one character becomes: "[U+E0001]" */
};

enum text_class {
	TEXT_KEEP,
	TEXT_MARK,	/* kept, up to TEXT_MARKS_MAX on one character */
	TEXT_VARIATION,	/* kept behind a character that is kept */
	TEXT_SPACE,
	TEXT_NEWLINE,
	TEXT_REMOVE,
	TEXT_SHOW,
	TEXT_MISSING,	/* becomes 〓 */
};

/* What a person may want to know about a text; each stays at UINT32_MAX when it is full. */
struct text_counts {
	uint32_t removed, shown, missing, marks_removed, lines_broken;
	uint32_t reordering;	/* of those shown or left out: what reorders the line */
};

struct text_filter {
	struct text_counts counts;
	/* the rest is the filter's own */
	uint32_t line_bytes;
	uint8_t held[4];	/* a character that is not complete */
	uint8_t held_bytes;
	uint8_t marks;		/* on the last character */
	bool takes_variation;	/* a selector may follow */
	bool after_cr;
};

/* Gets a piece of filtered text; whole characters only. */
typedef void text_sink(void *user, struct span text);

/* The class of a code point. Beyond U+10FFFF and surrogates: TEXT_MISSING. */
enum text_class text_class_of(uint32_t codepoint);

/* text_codepoint() where the first byte is not ASCII. */
size_t text_codepoint_beyond(struct span text, uint32_t *ret_codepoint);

/*
 * Decodes the first character of text (RFC 3629). Its length in bytes, or 0 when the text ends within a character. What is
 * not UTF-8 has the code point UINT32_MAX and the length of the part that no character begins with (at least 1).
 */
static inline size_t text_codepoint(struct span text, uint32_t *ret_codepoint)
{
	if (text.length == 0)
		return 0;
	if ((uint8_t)text.data[0] >= 0x80)
		return text_codepoint_beyond(text, ret_codepoint);
	*ret_codepoint = (uint8_t)text.data[0];
	return 1;
}

/* Appends a code point as UTF-8; one that is none (surrogates, beyond U+10FFFF) as U+FFFD. At most 4 bytes, their number is returned. */
size_t text_encode(uint32_t codepoint, char ret_bytes[static 4]);

/* How many bytes at the beginning of a text that is not empty are whole characters that are kept as they are; perhaps fewer. */
size_t text_plain_length(struct span in);

/* A filter at the beginning of a text. */
struct text_filter text_filter_make(void);

/* Filters a piece; what is permitted goes to the sink, in order. */
void text_filter_feed(struct text_filter *filter, struct span in, text_sink *sink, void *user);

/* The text is at its end: a character that is not complete becomes 〓. The filter may be used again, its counts go on. */
void text_filter_finish(struct text_filter *filter, text_sink *sink, void *user);

#endif
