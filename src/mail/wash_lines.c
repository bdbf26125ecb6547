/* wash_lines: folded lines, and what a property says. */
#include "mail/wash_lines.h"

#include <string.h>

#include "mail/header_octets.h"

void wash_lines_begin(struct wash_lines *lines, void (*take)(void *user, struct span line), void *user)
{
	lines->take = take;
	lines->user = user;
	lines->line_bytes = 0;
	lines->cut = lines->cut_any = lines->ended = lines->begun = lines->after_cr = false;
}

/* Passes on the line at hand. A character that was cut at the limit is left out. */
static void line_end(struct wash_lines *lines)
{
	size_t length = lines->line_bytes;

	if (lines->cut) {
		while (length > 0 && ((uint8_t)lines->line[length - 1] & 0xc0) == 0x80)
			length--;
		length -= length > 0;
	}
	lines->take(lines->user, (struct span){ .data = lines->line, .length = length });
	lines->line_bytes = 0;
	lines->cut = lines->ended = false;
}

static void bytes_add(struct wash_lines *lines, struct span bytes)
{
	size_t room = sizeof(lines->line) - lines->line_bytes, length = bytes.length < room ? bytes.length : room;

	memcpy(lines->line + lines->line_bytes, bytes.data, length);
	lines->line_bytes += length;
	lines->cut |= length < bytes.length;
	lines->cut_any |= lines->cut;
}

/* The first byte of a line says whether it continues the one before. An empty line is not continued. */
static void line_begin(struct wash_lines *lines, struct span *text)
{
	bool continues = (text->data[0] == ' ' || text->data[0] == '\t') && lines->line_bytes > 0;

	lines->ended = lines->after_cr = false;
	if (continues)
		*text = span_part(*text, 1, text->length);
	else
		line_end(lines);
}

/* Where the line ends, or the piece. */
static size_t line_length(struct span text)
{
	size_t length = 0;

	while (length < text.length && text.data[length] != '\n' && text.data[length] != '\r')
		length++;
	return length;
}

void wash_lines_feed(struct wash_lines *lines, struct span text)
{
	while (text.length > 0) {
		size_t length;

		if (lines->after_cr && text.data[0] == '\n') {
			lines->after_cr = false;
			text = span_part(text, 1, text.length);
			continue;
		}
		if (lines->ended) {
			line_begin(lines, &text);
			continue;
		}
		length = line_length(text);
		bytes_add(lines, span_part(text, 0, length));
		lines->begun = true;
		lines->ended = length < text.length;
		lines->after_cr = lines->ended && text.data[length] == '\r';
		text = span_part(text, lines->ended ? length + 1 : length, text.length);
	}
}

void wash_lines_finish(struct wash_lines *lines)
{
	if (lines->begun)
		line_end(lines);
}

bool wash_property_of(struct span line, struct wash_property *ret_property)
{
	size_t name = 0, at;
	bool quoted = false;

	while (name < line.length && line.data[name] != ';' && line.data[name] != ':')
		name++;
	for (at = name; at < line.length && (quoted || line.data[at] != ':'); at++)
		quoted ^= line.data[at] == '"';
	ret_property->name = header_trim(span_part(line, 0, name));
	ret_property->parameters = span_part(line, name, at);
	ret_property->value = span_part(line, at < line.length ? at + 1 : at, line.length);
	return at < line.length;
}

/* Takes the next ";name=value" off. */
static bool parameter_take(struct span *rest, struct span *ret_name, struct span *ret_value)
{
	size_t at = 1, name, begin;
	bool quoted = false;

	if (rest->length == 0)
		return false;
	while (at < rest->length && rest->data[at] != '=' && rest->data[at] != ';')
		at++;
	name = at;
	begin = at < rest->length && rest->data[at] == '=' ? at + 1 : at;
	for (at = begin; at < rest->length && (quoted || rest->data[at] != ';'); at++)
		quoted ^= rest->data[at] == '"';
	*ret_name = span_part(*rest, 1, name);
	*ret_value = span_part(*rest, begin, at);
	if (ret_value->length >= 2 && ret_value->data[0] == '"' && ret_value->data[ret_value->length - 1] == '"')
		*ret_value = span_part(*ret_value, 1, ret_value->length - 1);
	*rest = span_part(*rest, at, rest->length);
	return true;
}

struct span wash_parameter_of(const struct wash_property *property, const char *name)
{
	struct span rest = property->parameters, found, value;

	while (parameter_take(&rest, &found, &value))
		if (header_word_is(found, name))
			return value;
	return (struct span){ .data = NULL, .length = 0 };
}
