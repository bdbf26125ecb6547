/*
 * header_octets: stepping through the raw bytes of a header field.
 *
 * Japanese mailers write names into header fields without encoding them, and some bytes of such characters
 * look like the quotes, backslashes, brackets and commas that structure a field. Whoever looks for structure
 * steps from unit to unit:
 *  - ISO-2022-JP: from ESC $ to the end of the next ESC ( x, when nothing stands between but 0x21 to 0x7e and
 *    ESC, is one unit. A run that is never closed, or that holds a space, is not a run: its bytes are read as
 *    ASCII and hide nothing.
 *  - Shift_JIS: when the field has 8-bit bytes and is not UTF-8, a byte 0x81-0x9f or 0xe0-0xfc and the
 *    0x40-0x7e or 0x80-0xfc behind it are one unit. A quote (0x22), comma or semicolon is never the second
 *    one.
 *  - Every other byte is a unit.
 * Passing through a whole field takes time in proportion to its length, whatever stands in it.
 */
#ifndef MAIL_HEADER_OCTETS_H
#define MAIL_HEADER_OCTETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* A field that is stepped through. Made by header_octets_of(). */
struct header_octets {
	struct span text;
	bool shift_jis;
	size_t no_run_before;	/* an ESC $ before this offset opens no run */
};

/* The bytes of a field value, which must outlive the result. */
struct header_octets header_octets_of(struct span text);

/* Length of the unit that begins at offset at, which lies within the text. At least 1. */
size_t header_octets_step(struct header_octets *octets, size_t at);

/* True when text is this word, which is given in lower case, in any case of its ASCII letters. */
bool header_word_is(struct span text, const char *word);

/* True when both are the same but for the case of ASCII letters. */
bool header_words_alike(struct span a, struct span b);

/* The ASCII letter in lower case; any other byte as it is. */
char header_lower(char byte);

/* The value of a hexadecimal digit of either case; -1: it is none. */
static inline int header_hex_value(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;	/* no other byte becomes one of these */
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* True for space and tab, and for CR and LF, which a field may still hold when it was not unfolded. */
bool header_is_space(char byte);

/* The span without white space at both ends. */
struct span header_trim(struct span text);

#endif
