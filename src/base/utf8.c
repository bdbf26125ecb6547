/*
 * utf8: see utf8.h.
 */
#include <errno.h>

#include "base/utf8.h"

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

size_t utf8_plain_length(struct span text, size_t offset)
{
	size_t end = offset;

	while (end < text.length && text.data[end] >= ' ' && text.data[end] <= '~')
		end++;
	return end - offset;
}

/* Code points that cannot be seen, reorder what is seen or are none, as {first, last} in ascending order. */
static const struct {
	uint32_t first, last;
} hidden_codepoints[] = {
	{ 0x0000, 0x001f },	/* C0 */
	{ 0x007f, 0x009f },	/* DEL, C1 */
	{ 0x00ad, 0x00ad },	/* soft hyphen */
	{ 0x034f, 0x034f },	/* combining grapheme joiner */
	{ 0x061c, 0x061c },	/* Arabic letter mark */
	{ 0x115f, 0x1160 },	/* Hangul fillers */
	{ 0x17b4, 0x17b5 },	/* Khmer inherent vowels */
	{ 0x180b, 0x180f },	/* Mongolian selectors and vowel separator */
	{ 0x200b, 0x200f },	/* zero width, direction marks */
	{ 0x2028, 0x202e },	/* line and paragraph separator, direction */
	{ 0x2060, 0x206f },	/* word joiner, invisible operators, direction */
	{ 0x3164, 0x3164 },	/* Hangul filler */
	{ 0xfdd0, 0xfdef },	/* noncharacters */
	{ 0xfeff, 0xfeff },	/* byte order mark */
	{ 0xffa0, 0xffa0 },	/* half-width Hangul filler */
	{ 0xfff0, 0xfffb },	/* annotations, unassigned */
	{ 0x1bca0, 0x1bca3 },	/* shorthand controls */
	{ 0x1d173, 0x1d17a },	/* musical controls */
	{ 0xe0000, 0xe00ff },	/* tags; the variation selectors behind them stay: names need them */
	{ 0xe01f0, 0xe0fff },	/* ignorable, unassigned */
};

bool utf8_is_hidden(uint32_t codepoint)
{
	if ((codepoint & 0xfffe) == 0xfffe)
		return true; /* the two noncharacters at the end of each plane */
	for (size_t i = 0; i < sizeof(hidden_codepoints) / sizeof(hidden_codepoints[0]); i++)
		if (codepoint >= hidden_codepoints[i].first && codepoint <= hidden_codepoints[i].last)
			return true;
	return false;
}
