/* width: how text from files and from strangers stands on a terminal. */
#include "base/width.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

struct codepoint_range {
	uint32_t first, last;
};

/* East Asian Width W and F, in blocks: unassigned code points inside a wide block count as wide. */
static const struct codepoint_range wide_ranges[] = {
	{ 0x1100, 0x115f },	/* Hangul initials */
	{ 0x231a, 0x231b }, { 0x2329, 0x232a }, { 0x23e9, 0x23ec }, { 0x23f0, 0x23f0 }, { 0x23f3, 0x23f3 },
	{ 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2630, 0x2637 }, { 0x2648, 0x2653 }, { 0x267f, 0x267f },
	{ 0x268a, 0x268f }, { 0x2693, 0x2693 }, { 0x26a1, 0x26a1 }, { 0x26aa, 0x26ab }, { 0x26bd, 0x26be },
	{ 0x26c4, 0x26c5 }, { 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea }, { 0x26f2, 0x26f3 },
	{ 0x26f5, 0x26f5 }, { 0x26fa, 0x26fa }, { 0x26fd, 0x26fd }, { 0x2705, 0x2705 }, { 0x270a, 0x270b },
	{ 0x2728, 0x2728 }, { 0x274c, 0x274c }, { 0x274e, 0x274e }, { 0x2753, 0x2755 }, { 0x2757, 0x2757 },
	{ 0x2795, 0x2797 }, { 0x27b0, 0x27b0 }, { 0x27bf, 0x27bf }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b50 },
	{ 0x2b55, 0x2b55 },
	{ 0x2e80, 0x303e },	/* radicals, full-width space, CJK punctuation */
	{ 0x3041, 0x3247 }, { 0x3250, 0xa4cf },	/* kana, bopomofo, unified ideographs, Yi */
	{ 0xa960, 0xa97f }, { 0xac00, 0xd7a3 },	/* Hangul */
	{ 0xf900, 0xfaff },	/* compatibility ideographs */
	{ 0xfe10, 0xfe1f }, { 0xfe30, 0xfe6f },	/* vertical and small forms */
	{ 0xff01, 0xff60 }, { 0xffe0, 0xffe6 },	/* full-width forms; half-width kana lies between */
	{ 0x16fe0, 0x18dff }, { 0x1aff0, 0x1b2ff },	/* Tangut, kana supplement */
	{ 0x1d300, 0x1d356 }, { 0x1d360, 0x1d376 },
	{ 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 },
	{ 0x1f32d, 0x1f335 }, { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca }, { 0x1f3cf, 0x1f3d3 },
	{ 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc },
	{ 0x1f4ff, 0x1f53d }, { 0x1f54b, 0x1f54e }, { 0x1f550, 0x1f567 }, { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 },
	{ 0x1f5a4, 0x1f5a4 }, { 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc }, { 0x1f6d0, 0x1f6d2 },
	{ 0x1f6d5, 0x1f6df }, { 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6ff }, { 0x1f7e0, 0x1f7f0 }, { 0x1f90c, 0x1f93a },
	{ 0x1f93c, 0x1f945 }, { 0x1f947, 0x1f9ff }, { 0x1fa70, 0x1faff },
	{ 0x20000, 0x2fffd }, { 0x30000, 0x3fffd },	/* rare ideographs: personal and place names */
};

/* Combining marks of the scripts that a Japanese town hall meets, and variation selectors (異体字). */
static const struct codepoint_range combining_ranges[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x1160, 0x11ff }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
	{ 0x20d0, 0x20ff }, { 0x302a, 0x302d }, { 0x3099, 0x309a }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
	{ 0xe0100, 0xe01ef },
};

static bool codepoint_within(uint32_t codepoint, const struct codepoint_range *ranges, size_t count)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (codepoint > ranges[middle].last)
			low = middle + 1;
		else if (codepoint < ranges[middle].first)
			high = middle;
		else
			return true;
	}
	return false;
}

#define CODEPOINT_WITHIN(codepoint, ranges) codepoint_within(codepoint, ranges, sizeof(ranges) / sizeof((ranges)[0]))

/* What moves the cursor, reorders the line or is not seen: shown as '?', for a name must not look like another name. */
static bool character_is_hidden(uint32_t codepoint)
{
	return codepoint != '\t' && utf8_is_hidden(codepoint);
}

/* Takes the next character off text: what it shows (its bytes or '?') and in how many columns. */
static struct span text_take(struct span *text, size_t *ret_columns)
{
	struct span shown = { .data = "?", .length = 1 };
	uint32_t codepoint;
	size_t length = 0;

	*ret_columns = 1;
	if (utf8_next(*text, &length, &codepoint) == 0 && !character_is_hidden(codepoint)) {
		shown = (struct span){ .data = text->data, .length = length };
		if (CODEPOINT_WITHIN(codepoint, combining_ranges))
			*ret_columns = 0;
		else if (CODEPOINT_WITHIN(codepoint, wide_ranges))
			*ret_columns = 2;
	}
	length = length ? length : 1;
	text->data += length;
	text->length -= length;
	return shown;
}

size_t text_width(struct span text)
{
	size_t width = 0, columns;

	while (text.length > 0) {
		text_take(&text, &columns);
		width += columns;
	}
	return width;
}

void buf_put_visible(struct buf *out, struct span text)
{
	size_t columns;

	while (text.length > 0) {
		struct span shown = text_take(&text, &columns);

		buf_put(out, shown.data, shown.length);
	}
}

size_t text_make_visible(char *text, size_t length)
{
	struct span rest = { .data = text, .length = length };
	size_t at = 0, columns;

	while (rest.length > 0) {
		struct span shown = text_take(&rest, &columns);

		memmove(text + at, shown.data, shown.length);
		at += shown.length;
	}
	return at;
}

void buf_pad(struct buf *out, struct span text, size_t columns)
{
	buf_put(out, text.data, text.length);
	for (size_t width = text_width(text); width < columns; width++)
		buf_putc(out, ' ');
}
