/*
 * text_filter: which characters a body of mail may hold, and what becomes of the others.
 *
 * Most text is ASCII, kana and kanji. Runs of these are recognized by their bytes and passed on as they are; everything else is
 * decoded and looked up.
 */
#include "mail/text_filter.h"

#include <stdio.h>
#include <string.h>

#include "mail/text_marks.h"

struct class_range {
	uint32_t first, last;
	enum text_class class;
};

/* The policy. Sorted; what is not named and is no combining mark is kept. */
static const struct class_range class_ranges[] = {
	{ 0x0000, 0x0000, TEXT_REMOVE },
	{ 0x0001, 0x0008, TEXT_SHOW },		/* C0 */
	{ 0x000a, 0x000d, TEXT_NEWLINE },
	{ 0x000e, 0x001f, TEXT_SHOW },		/* C0 with ESC */
	{ 0x007f, 0x0084, TEXT_SHOW },		/* DEL, C1 */
	{ 0x0085, 0x0085, TEXT_NEWLINE },	/* NEL */
	{ 0x0086, 0x009f, TEXT_SHOW },		/* C1 with CSI */
	{ 0x00a0, 0x00a0, TEXT_SPACE },
	{ 0x00ad, 0x00ad, TEXT_REMOVE },	/* soft hyphen: splits words for filters, not for eyes */
	{ 0x034f, 0x034f, TEXT_REMOVE },	/* combining grapheme joiner */
	{ 0x061c, 0x061c, TEXT_REMOVE },	/* Arabic letter mark */
	{ 0x115f, 0x1160, TEXT_SPACE },		/* Hangul fillers: blank letters */
	{ 0x1680, 0x1680, TEXT_SPACE },
	{ 0x17b4, 0x17b5, TEXT_REMOVE },	/* Khmer inherent vowels */
	{ 0x180b, 0x180f, TEXT_REMOVE },	/* Mongolian selectors, vowel separator */
	{ 0x2000, 0x200a, TEXT_SPACE },
	{ 0x200b, 0x200f, TEXT_REMOVE },	/* zero width, joiners, marks of direction */
	{ 0x2028, 0x2029, TEXT_NEWLINE },
	{ 0x202a, 0x202e, TEXT_SHOW },		/* embedding and override of direction */
	{ 0x202f, 0x202f, TEXT_SPACE },
	{ 0x205f, 0x205f, TEXT_SPACE },
	{ 0x2060, 0x2065, TEXT_REMOVE },	/* word joiner, invisible operators */
	{ 0x2066, 0x2069, TEXT_SHOW },		/* isolates of direction */
	{ 0x206a, 0x206f, TEXT_REMOVE },	/* deprecated format characters */
	{ 0x2800, 0x2800, TEXT_SPACE },		/* Braille without dots */
	{ 0x3164, 0x3164, TEXT_SPACE },		/* Hangul filler */
	{ 0xd800, 0xf8ff, TEXT_MISSING },	/* surrogates, private use */
	{ 0xfdd0, 0xfdef, TEXT_MISSING },	/* noncharacters */
	{ 0xfe00, 0xfe0f, TEXT_VARIATION },
	{ 0xfeff, 0xfeff, TEXT_REMOVE },	/* byte order mark */
	{ 0xffa0, 0xffa0, TEXT_SPACE },		/* half-width Hangul filler */
	{ 0xfff0, 0xfffb, TEXT_REMOVE },	/* interlinear annotation */
	{ 0xfffe, 0xffff, TEXT_MISSING },
	{ 0x13430, 0x1343f, TEXT_REMOVE },	/* joiners of hieroglyphs */
	{ 0x1bca0, 0x1bca3, TEXT_REMOVE },	/* shorthand format controls */
	{ 0x1d173, 0x1d17a, TEXT_REMOVE },	/* musical format controls */
	{ 0x1fffe, 0x1ffff, TEXT_MISSING }, { 0x2fffe, 0x2ffff, TEXT_MISSING }, { 0x3fffe, 0x3ffff, TEXT_MISSING },
	{ 0x4fffe, 0x4ffff, TEXT_MISSING }, { 0x5fffe, 0x5ffff, TEXT_MISSING }, { 0x6fffe, 0x6ffff, TEXT_MISSING },
	{ 0x7fffe, 0x7ffff, TEXT_MISSING }, { 0x8fffe, 0x8ffff, TEXT_MISSING }, { 0x9fffe, 0x9ffff, TEXT_MISSING },
	{ 0xafffe, 0xaffff, TEXT_MISSING }, { 0xbfffe, 0xbffff, TEXT_MISSING }, { 0xcfffe, 0xcffff, TEXT_MISSING },
	{ 0xdfffe, 0xdffff, TEXT_MISSING },
	{ 0xe0000, 0xe00ff, TEXT_REMOVE },	/* tags: text that nobody sees */
	{ 0xe0100, 0xe01ef, TEXT_VARIATION },	/* ideographic variation sequences: names of persons and places */
	{ 0xe01f0, 0xe0fff, TEXT_REMOVE },
	{ 0xefffe, UINT32_MAX, TEXT_MISSING },	/* noncharacters, private use planes, no characters at all */
};

static const char missing_text[] = "〓";

static bool codepoint_is_mark(uint32_t codepoint)
{
	size_t low = 0, high = text_mark_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (codepoint > text_marks[middle].last)
			low = middle + 1;
		else if (codepoint < text_marks[middle].first)
			high = middle;
		else
			return true;
	}
	return false;
}

enum text_class text_class_of(uint32_t codepoint)
{
	size_t low = 0, high = sizeof(class_ranges) / sizeof(class_ranges[0]);

	/* Visible ASCII, and Latin letters between two ranges and before the first mark. */
	if ((codepoint >= 0x20 && codepoint < 0x7f) || (codepoint > 0xad && codepoint < 0x300))
		return TEXT_KEEP;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (codepoint > class_ranges[middle].last)
			low = middle + 1;
		else if (codepoint < class_ranges[middle].first)
			high = middle;
		else
			return class_ranges[middle].class;
	}
	return codepoint_is_mark(codepoint) ? TEXT_MARK : TEXT_KEEP;
}

static bool byte_continues(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The least and the greatest second byte behind a first byte (RFC 3629 section 4, and the length of the whole). */
static size_t sequence_shape(uint8_t first, uint8_t *ret_least, uint8_t *ret_greatest)
{
	*ret_least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*ret_greatest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t text_codepoint_beyond(struct span text, uint32_t *ret_codepoint)
{
	const uint8_t *bytes = (const uint8_t *)text.data;
	uint8_t first = bytes[0], least, greatest;
	size_t length;
	uint32_t codepoint;

	/* Three bytes without narrower limits for the second: nearly all characters of Japanese. */
	if (first > 0xe0 && first < 0xf0 && first != 0xed && text.length >= 3 && byte_continues(bytes[1]) && byte_continues(bytes[2])) {
		*ret_codepoint = (first & 0xfU) << 12 | (bytes[1] & 0x3fU) << 6 | (bytes[2] & 0x3fU);
		return 3;
	}
	*ret_codepoint = UINT32_MAX;
	length = sequence_shape(first, &least, &greatest);
	if (length == 0)
		return 1;
	codepoint = first & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		uint8_t byte;

		if (i == text.length)
			return 0;
		byte = (uint8_t)text.data[i];
		if (byte < (i == 1 ? least : 0x80) || byte > (i == 1 ? greatest : 0xbf))
			return i;
		codepoint = codepoint << 6 | (byte & 0x3fU);
	}
	*ret_codepoint = codepoint;
	return length;
}

size_t text_encode(uint32_t codepoint, char ret_bytes[static 4])
{
	if (codepoint < 0x80) {
		ret_bytes[0] = (char)codepoint;
		return 1;
	}
	if (codepoint < 0x800) {
		ret_bytes[0] = (char)(0xc0 | codepoint >> 6);
		ret_bytes[1] = (char)(0x80 | (codepoint & 0x3f));
		return 2;
	}
	if (codepoint > 0x10ffff || (codepoint >= 0xd800 && codepoint <= 0xdfff))
		codepoint = 0xfffd;
	if (codepoint < 0x10000) {
		ret_bytes[0] = (char)(0xe0 | codepoint >> 12);
		ret_bytes[1] = (char)(0x80 | (codepoint >> 6 & 0x3f));
		ret_bytes[2] = (char)(0x80 | (codepoint & 0x3f));
		return 3;
	}
	ret_bytes[0] = (char)(0xf0 | codepoint >> 18);
	ret_bytes[1] = (char)(0x80 | (codepoint >> 12 & 0x3f));
	ret_bytes[2] = (char)(0x80 | (codepoint >> 6 & 0x3f));
	ret_bytes[3] = (char)(0x80 | (codepoint & 0x3f));
	return 4;
}

static void count_up(uint32_t *counter)
{
	if (*counter < UINT32_MAX)
		++*counter;
}

struct text_filter text_filter_make(void)
{
	return (struct text_filter){ .line_bytes = 0 };
}

/* What is known of characters by their first byte: nothing, how long they are and that they are kept, or that the second byte decides. */
enum { LEAD_UNKNOWN, LEAD_TWO = 2, LEAD_THREE = 3, LEAD_SECOND };

static const uint8_t leads[256] = {
	[0xc3 ... 0xcb] = LEAD_TWO, [0xce ... 0xd1] = LEAD_TWO,		/* Latin, Greek, Cyrillic */
	[0xe2 ... 0xe3] = LEAD_SECOND, [0xef] = LEAD_SECOND,
	[0xe4 ... 0xe9] = LEAD_THREE,	/* kanji */
	[0xeb ... 0xec] = LEAD_THREE,	/* Hangul */
};

/* True for a character of three bytes whose first one does not decide, when it is kept. */
static bool second_is_plain(const uint8_t *at)
{
	uint8_t second = at[1], third = at[2];

	if (at[0] == 0xe3)	/* kana; not the marks U+302A.. and U+3099.., not the Hangul filler */
		return !((second == 0x80 && third >= 0xaa) || (second == 0x82 && third >= 0x99 && third <= 0x9a) ||
			 (second == 0x85 && third == 0xa4));
	if (at[0] == 0xef)	/* full-width forms and half-width kana */
		return second == 0xbc || second == 0xbd;
	/* Quotation marks, dashes, dots; arrows and symbols. */
	return (second == 0x80 && third >= 0x90 && third <= 0xa7) || (second >= 0x84 && second <= 0x9f);
}

/* The length of a character of two or three bytes that is kept as it is. 0 also for what is merely not known here. */
static size_t plain_character(const uint8_t *at, const uint8_t *end)
{
	uint8_t lead = at < end ? leads[*at] : LEAD_UNKNOWN;

	if (lead == LEAD_UNKNOWN || end - at < 2 || !byte_continues(at[1]))
		return 0;
	if (lead == LEAD_TWO)
		return 2;
	if (end - at < 3 || !byte_continues(at[2]))
		return 0;
	return lead == LEAD_THREE || second_is_plain(at) ? 3 : 0;
}

/* True when the next eight bytes are all from 0x20 to 0x7e: no bit 7, and none comes up by subtracting 0x20 or adding 1. */
static bool is_visible(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return !((word | (word - 0x2020202020202020) | (word + 0x0101010101010101)) & 0x8080808080808080);
}

size_t text_plain_length(struct span in)
{
	const uint8_t *from = (const uint8_t *)in.data, *at = from, *end = from + in.length;

	for (;;) {
		size_t length;

		while (end - at >= 3 && leads[*at] == LEAD_THREE && byte_continues(at[1]) && byte_continues(at[2]))
			at += 3;
		while (end - at >= 8 && is_visible(at))
			at += 8;
		while (at < end && ((*at >= 0x20 && *at < 0x7f) || *at == '\t'))
			at++;
		length = plain_character(at, end);
		if (length == 0)
			return (size_t)(at - from);
		at += length;
	}
}

/* Passes on characters that are kept, breaking the line where it gets too long. */
static void put_kept(struct text_filter *filter, struct span text, text_sink *sink, void *user)
{
	while (text.length > TEXT_LINE_BYTES_MAX - filter->line_bytes) {
		size_t length = TEXT_LINE_BYTES_MAX - filter->line_bytes;

		while (length > 0 && (text.data[length] & 0xc0) == 0x80)
			length--;
		if (length > 0)
			sink(user, span_part(text, 0, length));
		sink(user, span_of("\n"));
		text = span_part(text, length, text.length);
		filter->line_bytes = 0;
		count_up(&filter->counts.lines_broken);
	}
	sink(user, text);
	filter->line_bytes += (uint32_t)text.length;
}

static void put_shown(struct text_filter *filter, uint32_t codepoint, text_sink *sink, void *user)
{
	char text[16];
	int length;

	if (codepoint >= 0x2000)
		count_up(&filter->counts.reordering);
	if (filter->counts.shown >= TEXT_SHOWN_MAX) {
		count_up(&filter->counts.removed);
		return;
	}
	filter->counts.shown++;
	length = snprintf(text, sizeof(text), "[U+%04X]", codepoint);
	put_kept(filter, (struct span){ .data = text, .length = (size_t)length }, sink, user);
}

static void put_newline(struct text_filter *filter, uint32_t codepoint, text_sink *sink, void *user)
{
	bool second_half = codepoint == '\n' && filter->after_cr;

	filter->after_cr = codepoint == '\r';
	if (second_half)
		return;
	sink(user, span_of("\n"));
	filter->line_bytes = 0;
	filter->marks = 0;
	filter->takes_variation = false;
}

/* A character takes part in what it may do to those after it: they count as its marks, and one selector may follow. */
static void begin_character(struct text_filter *filter, bool takes_variation)
{
	filter->marks = 0;
	filter->takes_variation = takes_variation;
	filter->after_cr = false;
}

static void put_mark(struct text_filter *filter, struct span bytes, text_sink *sink, void *user)
{
	if (filter->marks >= TEXT_MARKS_MAX) {
		count_up(&filter->counts.marks_removed);
		return;
	}
	filter->marks++;
	put_kept(filter, bytes, sink, user);
}

/* Passes on one character that was looked up. */
static void put_character(struct text_filter *filter, uint32_t codepoint, struct span bytes, text_sink *sink, void *user)
{
	enum text_class class = text_class_of(codepoint);

	if (class != TEXT_REMOVE && class != TEXT_NEWLINE)
		filter->after_cr = false;
	switch (class) {
	case TEXT_MARK:
		put_mark(filter, bytes, sink, user);
		return;
	case TEXT_VARIATION:
		if (filter->takes_variation)
			put_kept(filter, bytes, sink, user);
		else
			count_up(&filter->counts.removed);
		filter->takes_variation = false;
		return;
	case TEXT_REMOVE:
		count_up(&filter->counts.removed);
		return;
	case TEXT_NEWLINE:
		put_newline(filter, codepoint, sink, user);
		return;
	case TEXT_KEEP:
		put_kept(filter, bytes, sink, user);
		break;
	case TEXT_SPACE:
		put_kept(filter, span_of(" "), sink, user);
		break;
	case TEXT_SHOW:
		put_shown(filter, codepoint, sink, user);
		break;
	case TEXT_MISSING:
		count_up(&filter->counts.missing);
		put_kept(filter, span_of(missing_text), sink, user);
		break;
	}
	begin_character(filter, class == TEXT_KEEP || class == TEXT_MISSING);
}

/* Completes the character whose first bytes came with the last piece; takes what it needs off in. */
static void held_feed(struct text_filter *filter, struct span *in, text_sink *sink, void *user)
{
	while (filter->held_bytes > 0 && in->length > 0) {
		struct span held = { .data = (const char *)filter->held, .length = filter->held_bytes };
		uint32_t codepoint;
		size_t length;

		filter->held[held.length++] = (uint8_t)in->data[0];
		length = text_codepoint(held, &codepoint);
		if (length < held.length && length > 0) {	/* the new byte does not belong to it */
			filter->held_bytes = 0;
			put_character(filter, codepoint, span_part(held, 0, length), sink, user);
			return;
		}
		*in = span_part(*in, 1, in->length);
		filter->held_bytes = length > 0 ? 0 : (uint8_t)held.length;
		if (length > 0)
			put_character(filter, codepoint, held, sink, user);
	}
}

void text_filter_feed(struct text_filter *filter, struct span in, text_sink *sink, void *user)
{
	held_feed(filter, &in, sink, user);
	while (in.length > 0) {
		size_t length = text_plain_length(in);
		uint32_t codepoint;

		if (length > 0) {
			put_kept(filter, span_part(in, 0, length), sink, user);
			begin_character(filter, in.data[length - 1] != ' ' && in.data[length - 1] != '\t');
			in = span_part(in, length, in.length);
			continue;
		}
		if (in.data[0] == '\n') {
			put_newline(filter, '\n', sink, user);
			in = span_part(in, 1, in.length);
			continue;
		}
		length = text_codepoint(in, &codepoint);
		if (length == 0) {
			for (filter->held_bytes = 0; filter->held_bytes < in.length; filter->held_bytes++)
				filter->held[filter->held_bytes] = (uint8_t)in.data[filter->held_bytes];
			return;
		}
		put_character(filter, codepoint, span_part(in, 0, length), sink, user);
		in = span_part(in, length, in.length);
	}
}

void text_filter_finish(struct text_filter *filter, text_sink *sink, void *user)
{
	if (filter->held_bytes > 0)
		put_character(filter, UINT32_MAX, (struct span){ .data = NULL }, sink, user);
	filter->held_bytes = 0;
	filter->line_bytes = 0;
	begin_character(filter, false);
}
