/*
 * tokens: see tokens.h. The rules are those of libconfig's scanner.l, the longest match first.
 */
#include <stdbool.h>
#include <string.h>

#include "config/tokens.h"
#include "base/utf8.h"

struct token_reader token_reader_of(struct span text)
{
	return (struct token_reader){ .text = text, .offset = 0, .line = 1 };
}

/* The byte at distance bytes from here; 0 behind the end. */
static char byte_at(const struct token_reader *reader, size_t distance)
{
	return distance < reader->text.length - reader->offset ? reader->text.data[reader->offset + distance]
							       : '\0';
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_hex_digit(char byte)
{
	return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool is_name_start(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '*';
}

static bool is_name_byte(char byte)
{
	return is_name_start(byte) || is_digit(byte) || byte == '-' || byte == '_';
}

/* Moves the reader and counts the lines it passes. */
static void reader_skip(struct token_reader *reader, size_t length)
{
	for (size_t i = 0; i < length; i++)
		reader->line += reader->text.data[reader->offset + i] == '\n';
	reader->offset += length;
}

/* Moves the reader over white space. */
static void reader_skip_white(struct token_reader *reader)
{
	const char *text = reader->text.data;
	size_t offset = reader->offset;

	for (; offset < reader->text.length && is_blank(text[offset]); offset++)
		reader->line += text[offset] == '\n';
	reader->offset = offset;
}

/* Length up to and with the end mark, or 0 when it does not come. */
static size_t length_through(const struct token_reader *reader, const char *end, size_t start)
{
	size_t left = reader->text.length - reader->offset;
	const char *from = reader->text.data + reader->offset;
	const char *found;

	if (start > left)
		return 0;
	found = memmem(from + start, left - start, end, strlen(end));
	return found ? (size_t)(found - from) + strlen(end) : 0;
}

/* Passes over blanks and comments; false when a comment begins here that does not end. */
static bool reader_skip_blanks(struct token_reader *reader)
{
	for (reader_skip_white(reader); reader->offset < reader->text.length; reader_skip_white(reader)) {
		char byte = byte_at(reader, 0);
		size_t length;

		if (byte == '#' || (byte == '/' && byte_at(reader, 1) == '/')) {
			length = length_through(reader, "\n", 0);
			if (length == 0)
				length = reader->text.length - reader->offset;
		} else if (byte == '/' && byte_at(reader, 1) == '*') {
			length = length_through(reader, "*/", 2);
			if (length == 0)
				return false;
		} else {
			return true;
		}
		reader_skip(reader, length);
	}
	return true;
}

/*
 * Length of the quoted text whose opening quote stands at this distance, with both quotes; 0 when it is not
 * closed.
 */
static size_t quoted_length(const struct token_reader *reader, size_t distance)
{
	const char *text = reader->text.data + reader->offset;
	size_t left = reader->text.length - reader->offset;

	for (size_t i = distance + 1; i < left; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			return i + 1 - distance;
	}
	return 0;
}

static size_t digits_length(const struct token_reader *reader, size_t distance)
{
	size_t length = 0;

	while (is_digit(byte_at(reader, distance + length)))
		length++;
	return length;
}

/* "e" with an exponent at this distance; 0 if there is none. */
static size_t exponent_length(const struct token_reader *reader, size_t distance)
{
	char byte = byte_at(reader, distance);
	char sign = byte_at(reader, distance + 1);
	size_t before_digits = sign == '+' || sign == '-' ? 2 : 1;
	size_t digits;

	if (byte != 'e' && byte != 'E')
		return 0;
	digits = digits_length(reader, distance + before_digits);
	return digits ? before_digits + digits : 0;
}

/* L or LL behind a whole number. */
static size_t suffix_length(const struct token_reader *reader, size_t distance)
{
	if (byte_at(reader, distance) != 'L')
		return 0;
	return byte_at(reader, distance + 1) == 'L' ? 2 : 1;
}

/* Length of the number that begins here and its kind; 0 if none does. */
static size_t number_length(const struct token_reader *reader, enum token_kind *ret_kind)
{
	char first = byte_at(reader, 0);
	size_t sign = first == '+' || first == '-' ? 1 : 0;
	size_t length = sign + digits_length(reader, sign);
	bool has_digits = length > sign;
	size_t exponent;

	*ret_kind = TOKEN_NUMBER;
	if (first == '0' && (byte_at(reader, 1) == 'x' || byte_at(reader, 1) == 'X') &&
	    is_hex_digit(byte_at(reader, 2))) {
		length = 3;
		while (is_hex_digit(byte_at(reader, length)))
			length++;
		return length + suffix_length(reader, length);
	}
	if (byte_at(reader, length) == '.') {
		*ret_kind = TOKEN_FLOAT;
		length += 1 + digits_length(reader, length + 1);
		return length + exponent_length(reader, length);
	}
	if (!has_digits)
		return 0;
	exponent = exponent_length(reader, length);
	if (exponent) {
		*ret_kind = TOKEN_FLOAT;
		return length + exponent;
	}
	return length + suffix_length(reader, length);
}

static size_t name_length(const struct token_reader *reader)
{
	size_t length = 0;

	if (is_name_start(byte_at(reader, 0)))
		while (is_name_byte(byte_at(reader, length)))
			length++;
	return length;
}

static bool at_line_start(const struct token_reader *reader)
{
	size_t i = reader->offset;

	while (i > 0 && (reader->text.data[i - 1] == ' ' || reader->text.data[i - 1] == '\t'))
		i--;
	return i == 0 || reader->text.data[i - 1] == '\n';
}

/*
 * Length of an include line up to its closing quote; 0 if this is none. *ret_closed: false when the quote is
 * not closed.
 */
static size_t include_length(const struct token_reader *reader, bool *ret_closed)
{
	static const char word[] = "@include";
	size_t left = reader->text.length - reader->offset;
	size_t length = sizeof(word) - 1;
	size_t quoted;

	if (left < length || memcmp(reader->text.data + reader->offset, word, length) != 0 ||
	    !at_line_start(reader))
		return 0;
	while (byte_at(reader, length) == ' ' || byte_at(reader, length) == '\t')
		length++;
	if (length == sizeof(word) - 1 || byte_at(reader, length) != '"')
		return 0;
	quoted = quoted_length(reader, length);
	*ret_closed = quoted != 0;
	return quoted ? length + quoted : left;
}

/* One character that means nothing: whole, so that it can be shown. */
static size_t stray_length(const struct token_reader *reader)
{
	size_t offset = reader->offset;
	uint32_t codepoint;

	return utf8_next(reader->text, &offset, &codepoint) == 0 ? offset - reader->offset : 1;
}

static enum token_kind sign_kind(char byte)
{
	switch (byte) {
	case '=':
	case ':':
		return TOKEN_EQUALS;
	case ',':
		return TOKEN_COMMA;
	case ';':
		return TOKEN_SEMICOLON;
	case '{':
	case '(':
	case '[':
		return TOKEN_OPEN;
	case '}':
	case ')':
	case ']':
		return TOKEN_CLOSE;
	default:
		return TOKEN_STRAY;
	}
}

static enum token_kind name_kind(const struct token_reader *reader, size_t length)
{
	const char *name = reader->text.data + reader->offset;

	if ((length == 4 && strncasecmp(name, "true", 4) == 0) ||
	    (length == 5 && strncasecmp(name, "false", 5) == 0))
		return TOKEN_FLAG;
	return TOKEN_NAME;
}

/* Kind and length of the token that begins at the reader, which stands on no blank and not at the end. */
static size_t token_length(const struct token_reader *reader, enum token_kind *ret_kind)
{
	bool closed = true;
	size_t length;

	if (byte_at(reader, 0) == '"') {
		length = quoted_length(reader, 0);
		*ret_kind = length ? TOKEN_TEXT : TOKEN_TEXT_OPEN;
		return length ? length : reader->text.length - reader->offset;
	}
	if ((length = include_length(reader, &closed)) > 0) {
		*ret_kind = closed ? TOKEN_INCLUDE : TOKEN_TEXT_OPEN;
		return length;
	}
	if ((length = name_length(reader)) > 0) {
		*ret_kind = name_kind(reader, length);
		return length;
	}
	if ((length = number_length(reader, ret_kind)) > 0)
		return length;
	*ret_kind = sign_kind(byte_at(reader, 0));
	return *ret_kind == TOKEN_STRAY ? stray_length(reader) : 1;
}

struct token token_next(struct token_reader *reader)
{
	struct token token = { .kind = TOKEN_END };
	bool comment_closed = reader_skip_blanks(reader);
	size_t length = 0;

	if (!comment_closed) {
		token.kind = TOKEN_COMMENT_OPEN;
		length = reader->text.length - reader->offset;
	} else if (reader->offset < reader->text.length) {
		length = token_length(reader, &token.kind);
	}
	token.offset = reader->offset;
	token.line = reader->line;
	token.text = (struct span){ reader->text.data ? reader->text.data + reader->offset : NULL, length };
	reader_skip(reader, length);
	return token;
}
