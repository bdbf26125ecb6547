/*
 * utf8: see utf8.h.
 */
#include <errno.h>

#include "config/utf8.h"

/* Bytes of the sequence that begins with this one; 0 for a byte that begins none. */
static size_t sequence_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

int utf8_next(struct span text, size_t *offset, uint32_t *ret_codepoint)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = (uint8_t)text.data[*offset];
	size_t length = sequence_length(first);
	uint32_t codepoint;

	if (length == 0 || length > text.length - *offset)
		return -EILSEQ;

	codepoint = length == 1 ? first : first & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		uint8_t byte = (uint8_t)text.data[*offset + i];

		if ((byte & 0xc0) != 0x80)
			return -EILSEQ;
		codepoint = codepoint << 6 | (byte & 0x3f);
	}
	if (codepoint < smallest[length] || codepoint > 0x10ffff || (codepoint >= 0xd800 && codepoint <= 0xdfff))
		return -EILSEQ;

	*offset += length;
	*ret_codepoint = codepoint;
	return 0;
}

bool utf8_is_hidden(uint32_t codepoint)
{
	if (codepoint < 0x20 || (codepoint >= 0x7f && codepoint <= 0x9f))
		return true;
	if (codepoint == 0xad || codepoint == 0x61c || codepoint == 0xfeff)
		return true;
	return (codepoint >= 0x200b && codepoint <= 0x200f) || (codepoint >= 0x2028 && codepoint <= 0x202e) ||
	       (codepoint >= 0x2060 && codepoint <= 0x206f);
}
