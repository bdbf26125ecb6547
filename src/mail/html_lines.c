/* html_lines: lines of text out of a flow of words and breaks. */
#include "mail/html_lines.h"

#include <string.h>

enum { BYTE_WORD, BYTE_SPACE, BYTE_LOOK };

/* What a byte of folded text is: part of a word, white space, or the first of a character that may be no-break or invisible. */
static const uint8_t byte_kinds[256] = {
	['\0'] = BYTE_LOOK,
	[' '] = BYTE_SPACE, ['\t'] = BYTE_SPACE, ['\n'] = BYTE_SPACE, ['\r'] = BYTE_SPACE, ['\f'] = BYTE_SPACE,
	[0xc2] = BYTE_LOOK, [0xcd] = BYTE_LOOK, [0xd8] = BYTE_LOOK, [0xe1] = BYTE_LOOK, [0xe2] = BYTE_LOOK, [0xef] = BYTE_LOOK,
	[0xf0] = BYTE_LOOK, [0xf3] = BYTE_LOOK,
};

void lines_begin(struct html_lines *lines, struct buf *out, enum link_style style)
{
	memset(lines, 0, offsetof(struct html_lines, staged));
	lines->out = out;
	lines->text = plain_text_make(style);
}

/* Gives what is staged to plain_text. */
static void staged_write(struct html_lines *lines)
{
	plain_text_feed(&lines->text, (struct span){ .data = lines->staged, .length = lines->staged_bytes }, lines->out);
	lines->staged_bytes = 0;
}

static void put(struct html_lines *lines, const char *bytes, size_t length)
{
	if (length > LINES_STAGED_BYTES_MAX - lines->staged_bytes)
		staged_write(lines);
	if (length > LINES_STAGED_BYTES_MAX) {
		plain_text_feed(&lines->text, (struct span){ .data = bytes, .length = length }, lines->out);
		return;
	}
	memcpy(lines->staged + lines->staged_bytes, bytes, length);
	lines->staged_bytes += length;
}

/* What stands at the beginning of a line, into ret_bytes; its length. A marker is used up. */
static size_t line_begin(struct html_lines *lines, char ret_bytes[static LINES_PREFIX_BYTES_MAX + LINES_MARKER_BYTES_MAX])
{
	size_t from = lines->prefix_from, to = lines->now.marker_length ? lines->now.marker_at : lines->prefix_length;
	size_t length = to > from ? to - from : 0;

	memcpy(ret_bytes, lines->prefix + from, length);
	memcpy(ret_bytes + length, lines->now.marker, lines->now.marker_length);
	length += lines->now.marker_length;
	lines->now.marker_length = 0;
	return length;
}

/* A word follows: writes the breaks and spaces that are due. */
static void word_begin(struct html_lines *lines)
{
	static const char newlines[] = "\n\n\n", spaces[] = "                                        ";
	char begin[LINES_PREFIX_BYTES_MAX + LINES_MARKER_BYTES_MAX];
	bool new_line = !lines->now.begun || lines->now.breaks > 0;

	_Static_assert(sizeof(spaces) - 1 >= LINES_SPACES_MAX && sizeof(newlines) - 1 > LINES_EMPTY_MAX, "enough of each");
	if (new_line) {
		if (lines->now.begun)
			put(lines, newlines, lines->now.breaks);
		put(lines, begin, line_begin(lines, begin));
	} else if (lines->now.space) {
		put(lines, " ", 1);
	}
	put(lines, spaces, lines->now.spaces);
	lines->now = (struct line_state){ .begun = true };
	if (lines->opening) {
		const char *opening = lines->opening;

		lines->opening = NULL;
		put(lines, opening, strlen(opening));
	}
}

static void space_take(struct html_lines *lines)
{
	if (lines->now.begun && lines->now.breaks == 0)
		lines->now.space = true;
}

/* The character at the beginning of text: its length, and whether it belongs to a word, is a no-break space, or is not seen at all. */
static size_t look(struct span text, bool *ret_word, bool *ret_space)
{
	size_t length = text_plain_length(span_part(text, 0, text.length < 3 ? text.length : 3));
	uint32_t codepoint;

	*ret_space = false;
	*ret_word = true;
	if (length > 0)
		return length;
	length = text_codepoint(text, &codepoint);
	*ret_space = length > 0 && codepoint == 0xa0;
	*ret_word = length == 0 || (!*ret_space && text_class_of(codepoint) != TEXT_REMOVE);
	return length > 0 ? length : text.length;
}

/* How many bytes at the beginning of text are one run of words with single spaces between them. */
static size_t run_length(struct span text)
{
	size_t at = 0;

	while (at < text.length) {
		uint8_t kind = byte_kinds[(uint8_t)text.data[at]];
		bool is_word, is_space;
		size_t length = 1;

		if (kind == BYTE_WORD) {
			while (++at < text.length && byte_kinds[(uint8_t)text.data[at]] == BYTE_WORD)
				;
			continue;
		}

		if (kind == BYTE_SPACE && !(text.data[at] == ' ' && at > 0 && at + 1 < text.length &&
					    byte_kinds[(uint8_t)text.data[at + 1]] == BYTE_WORD))
			break;
		if (kind == BYTE_LOOK) {
			length = look(span_part(text, at, text.length), &is_word, &is_space);
			if (!is_word)
				break;
		}
		at += length;
	}
	return at;
}

void lines_text(struct html_lines *lines, struct span text)
{
	while (text.length > 0) {
		size_t length = run_length(text);
		bool is_word, is_space;

		if (length > 0) {
			word_begin(lines);
			put(lines, text.data, length);
		} else if (byte_kinds[(uint8_t)text.data[0]] == BYTE_SPACE) {
			space_take(lines);
			length = 1;
		} else {
			length = look(text, &is_word, &is_space);
			if (is_space && lines->now.spaces < LINES_SPACES_MAX)
				lines->now.spaces++;
			lines->now.blank |= is_space;
		}
		text = span_part(text, length, text.length);
	}
}

void lines_preformatted(struct html_lines *lines, struct span text)
{
	while (text.length > 0) {
		const char *end = memchr(text.data, '\n', text.length);
		size_t length = end ? (size_t)(end - text.data) : text.length;

		if (length > 0) {
			word_begin(lines);
			put(lines, text.data, length);
		}
		if (length < text.length) {
			lines_end_line(lines);
			length++;
		}
		text = span_part(text, length, text.length);
	}
}

void lines_word(struct html_lines *lines, const char *word)
{
	word_begin(lines);
	put(lines, word, strlen(word));
}

void lines_attach_text(struct html_lines *lines, struct span text)
{
	if (!lines->now.begun)
		word_begin(lines);
	put(lines, text.data, text.length);
}

void lines_attach(struct html_lines *lines, const char *word)
{
	lines_attach_text(lines, span_of(word));
}

void lines_break(struct html_lines *lines, uint8_t breaks)
{
	/* A line of no-break spaces alone is an empty line: many mailers write it so. */
	if (lines->now.blank && lines->now.breaks > 0 && lines->now.breaks <= LINES_EMPTY_MAX)
		lines->now.breaks++;
	if (lines->now.breaks < breaks)
		lines->now.breaks = breaks;
	lines->now.space = lines->now.blank = false;
	lines->now.spaces = 0;
}

void lines_end_line(struct html_lines *lines)
{
	uint8_t breaks = lines->now.breaks;

	lines_break(lines, (uint8_t)(breaks <= LINES_EMPTY_MAX ? breaks + 1 : breaks));
}

uint8_t lines_prefix_add(struct html_lines *lines, const char *more)
{
	uint8_t before = lines->prefix_length;
	size_t length = strlen(more);

	if (before + length <= LINES_PREFIX_BYTES_MAX) {
		memcpy(lines->prefix + before, more, length);
		lines->prefix_length = (uint8_t)(before + length);
	}
	return before;
}

void lines_prefix_reset(struct html_lines *lines, uint8_t length)
{
	lines->prefix_length = length;
}

void lines_marker(struct html_lines *lines, const char *marker, uint8_t at)
{
	size_t length = strlen(marker);

	if (lines->now.marker_length > 0) {
		word_begin(lines);
		lines_break(lines, 1);
	}
	lines->now.marker_length = (uint8_t)(length < LINES_MARKER_BYTES_MAX ? length : LINES_MARKER_BYTES_MAX);
	lines->now.marker_at = at;
	memcpy(lines->now.marker, marker, lines->now.marker_length);
}

void lines_marker_drop(struct html_lines *lines)
{
	lines->now.marker_length = 0;
}

void lines_finished_line(struct html_lines *lines, struct span line)
{
	char begin[LINES_PREFIX_BYTES_MAX + LINES_MARKER_BYTES_MAX];

	if (!plain_text_has_room(lines->out))
		return;
	for (uint8_t i = 0; lines->now.begun && i < lines->now.breaks; i++)
		buf_putc(lines->out, '\n');
	buf_put(lines->out, begin, line_begin(lines, begin));
	buf_put(lines->out, line.data, line.length);
	lines->now = (struct line_state){ .begun = true, .breaks = 1 };
}

void lines_flush(struct html_lines *lines)
{
	staged_write(lines);
	plain_text_finish(&lines->text, lines->out);
}
