/*
 * utf8: one character after the other, strictly (RFC 3629), and which of them must not stand in a text.
 *
 * Names and labels go into reports that auditors sign. A character that cannot be seen, or that turns the
 * writing direction, would make two different names look alike or a line read other than it is.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Decodes the character at *offset (which must lie inside the text) and moves *offset behind it. 0; -EILSEQ for
 * anything RFC 3629 does not allow (overlong forms, surrogates, above U+10FFFF, a cut sequence): then *offset
 * has not moved.
 */
int utf8_next(struct span text, size_t *offset, uint32_t *ret_codepoint);

/* How many bytes from offset on are printable ASCII: most of a zone file is, and needs no decoding. */
size_t utf8_plain_length(struct span text, size_t offset);

/*
 * True for C0, DEL, C1, line separators, direction controls, zero-width and filler characters, tags, the byte order mark and
 * noncharacters. Variation selectors are none of these: names of persons and places need them (異体字).
 */
bool utf8_is_hidden(uint32_t codepoint);

#endif
