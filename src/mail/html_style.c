/* html_style: the little of CSS that decides whether a browser shows a text. */
#include "mail/html_style.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES_MAX = 64 };	/* of a property or a value; the beginning decides */

/* A property or a value in lower case, without white space at its ends and without comments. */
struct css_word {
	char text[WORD_BYTES_MAX + 1];
};

/* What is read off one style attribute, before it is put together. */
struct css_facts {
	struct html_style *style;
	bool overflow_hidden, no_size;
};

/* The offset behind a comment that begins at this offset. */
static size_t css_comment_end(struct span text, size_t begin)
{
	size_t at = begin + 2;

	while (at + 1 < text.length && !(text.data[at] == '*' && text.data[at + 1] == '/'))
		at++;
	return at + 2 < text.length ? at + 2 : text.length;
}

/* Takes the text up to one of two bytes (or the end) off rest. */
static struct css_word css_take(struct span *rest, char end, char other_end)
{
	struct span text = *rest;
	struct css_word word;
	size_t i = 0, length = 0;

	while (i < text.length && text.data[i] != end && text.data[i] != other_end) {
		char byte = text.data[i];

		if (byte == '/' && i + 1 < text.length && text.data[i + 1] == '*') {
			i = css_comment_end(text, i);
			continue;
		}
		i++;
		if ((uint8_t)byte <= ' ') {
			if (length == 0 || word.text[length - 1] == ' ')
				continue;
			byte = ' ';
		}
		if (length < WORD_BYTES_MAX)
			word.text[length++] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
	}
	while (length > 0 && word.text[length - 1] == ' ')
		length--;
	word.text[length] = '\0';
	*rest = span_part(text, i, text.length);
	return word;
}

/* Passes over the text up to this byte. */
static void css_skip(struct span *rest, char end)
{
	struct span text = *rest;
	size_t i = 0;

	while (i < text.length && text.data[i] != end)
		i = text.data[i] == '/' && i + 1 < text.length && text.data[i + 1] == '*' ? css_comment_end(text, i) : i + 1;
	*rest = span_part(text, i, text.length);
}

static bool text_begins(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* A length in thousandths of its unit; *ret_unit is what follows the number. False when it begins with no number. */
static bool css_length(const char *text, long *ret_thousandths, const char **ret_unit)
{
	bool negative = *text == '-', has_digit = false;
	long value = 0, scale = 1000;

	text += negative || *text == '+';
	for (; *text >= '0' && *text <= '9'; text++, has_digit = true)
		value = value < 1000000 ? value * 10 + (*text - '0') : value;
	value *= 1000;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, has_digit = true) {
			scale /= 10;
			value += scale * (*text - '0');
		}
	*ret_thousandths = negative ? -value : value;
	*ret_unit = text;
	return has_digit;
}

static bool css_is_zero(const char *text)
{
	const char *unit;
	long value;

	return css_length(text, &value, &unit) && value == 0;
}

/* ---- colours */

static const struct {
	const char *name;
	uint32_t colour;
} colour_names[] = {
	{ "aqua", 0x00ffff }, { "black", 0x000000 }, { "blue", 0x0000ff }, { "fuchsia", 0xff00ff }, { "gray", 0x808080 },
	{ "green", 0x008000 }, { "grey", 0x808080 }, { "ivory", 0xfffff0 }, { "lime", 0x00ff00 }, { "maroon", 0x800000 },
	{ "navy", 0x000080 }, { "olive", 0x808000 }, { "orange", 0xffa500 }, { "pink", 0xffc0cb }, { "purple", 0x800080 },
	{ "red", 0xff0000 }, { "silver", 0xc0c0c0 }, { "snow", 0xfffafa }, { "teal", 0x008080 },
	{ "transparent", COLOUR_TRANSPARENT }, { "white", 0xffffff }, { "whitesmoke", 0xf5f5f5 }, { "yellow", 0xffff00 },
};

/* Three or six hexadecimal digits. */
static uint32_t colour_of_digits(const char *text)
{
	uint32_t value = 0;
	size_t count = 0;

	for (; strchr("0123456789abcdef", text[count]) && text[count]; count++) {
		char digit = text[count];

		if (count == 8)
			return COLOUR_UNKNOWN;
		value = value << 4 | (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	if (count == 8 || count == 4) {	/* the last part is how opaque it is */
		if ((value & (count == 8 ? 0xffU : 0xfU)) == 0)
			return COLOUR_TRANSPARENT;
		value >>= count == 8 ? 8 : 4;
		count = count == 8 ? 6 : 3;
	}
	if (count == 3)
		return (value >> 8 & 15) * 0x110000 + (value >> 4 & 15) * 0x1100 + (value & 15) * 0x11;
	return count == 6 ? value : COLOUR_UNKNOWN;
}

/* "rgb(1, 2, 3)" and "rgba(1, 2, 3, 0)" behind the bracket. */
static uint32_t colour_of_parts(const char *text)
{
	uint32_t colour = 0;

	for (int part = 0; part < 4; part++) {
		const char *unit;
		long value;

		text += strspn(text, " ,/");
		if (!css_length(text, &value, &unit))
			return part == 3 ? colour : COLOUR_UNKNOWN;
		if (part == 3)
			return value == 0 ? COLOUR_TRANSPARENT : colour;
		if (*unit == '%')
			value = value * 255 / 100;
		value = value < 0 ? 0 : value > 255000 ? 255000 : value;
		colour = colour << 8 | (uint32_t)(value / 1000);
		text = unit + (*unit == '%');
	}
	return colour;
}

static uint32_t colour_of_word(const char *text)
{
	size_t length = strcspn(text, " ,!;");

	if (*text == '#')
		return colour_of_digits(text + 1);
	if (text_begins(text, "rgb("))
		return colour_of_parts(text + 4);
	if (text_begins(text, "rgba("))
		return colour_of_parts(text + 5);
	for (size_t i = 0; i < sizeof(colour_names) / sizeof(colour_names[0]); i++)
		if (strlen(colour_names[i].name) == length && memcmp(colour_names[i].name, text, length) == 0)
			return colour_names[i].colour;
	return COLOUR_UNKNOWN;
}

uint32_t html_colour_parse(struct span text)
{
	struct css_word word = css_take(&text, '\0', '\0');
	uint32_t colour = colour_of_word(word.text);

	/* Attributes also take digits without '#'. */
	return colour == COLOUR_UNKNOWN ? colour_of_digits(word.text) : colour;
}

bool html_colours_hide(uint32_t colour, uint32_t background)
{
	if (colour == COLOUR_TRANSPARENT)
		return true;
	if (colour > 0xffffff || background > 0xffffff)
		return false;
	for (int shift = 0; shift <= 16; shift += 8)
		if (abs((int)(colour >> shift & 0xff) - (int)(background >> shift & 0xff)) > COLOUR_NEAR)
			return false;
	return true;
}

/* ---- properties: each function judges one value */

static void display_read(struct css_facts *facts, const char *value)
{
	facts->style->hides |= text_begins(value, "none");
}

static void mso_hide_read(struct css_facts *facts, const char *value)
{
	facts->style->hides |= text_begins(value, "all");
}

static void opacity_read(struct css_facts *facts, const char *value)
{
	facts->style->hides |= css_is_zero(value);
}

/* Moved out of the window. */
static void offset_read(struct css_facts *facts, const char *value)
{
	const char *unit;
	long length;

	facts->style->hides |= css_length(value, &length, &unit) && length <= -500000;
}

static void visibility_read(struct css_facts *facts, const char *value)
{
	bool hidden = text_begins(value, "hidden") || text_begins(value, "collapse");

	facts->style->visibility = hidden ? VISIBILITY_HIDDEN : VISIBILITY_VISIBLE;
}

static void font_size_read(struct css_facts *facts, const char *value)
{
	const char *unit;
	long length;

	if (!css_length(value, &length, &unit))
		facts->style->font = FONT_SIZED;
	else if (length == 0)
		facts->style->font = FONT_TINY;
	else if (text_begins(unit, "em") || *unit == '%')
		facts->style->font = FONT_RELATIVE;
	else
		facts->style->font = length <= 1000 ? FONT_TINY : FONT_SIZED;
}

static void overflow_read(struct css_facts *facts, const char *value)
{
	facts->overflow_hidden = text_begins(value, "hidden");
}

static void size_read(struct css_facts *facts, const char *value)
{
	facts->no_size |= css_is_zero(value);
}

static void colour_read(struct css_facts *facts, const char *value)
{
	facts->style->colour = colour_of_word(value);
}

static void background_read(struct css_facts *facts, const char *value)
{
	facts->style->background = strstr(value, "url(") || strstr(value, "gradient") ? (uint32_t)COLOUR_UNKNOWN : colour_of_word(value);
}

static void white_space_read(struct css_facts *facts, const char *value)
{
	facts->style->white_space = text_begins(value, "pre") && !text_begins(value, "pre-line") ? SPACE_KEPT : SPACE_FOLDED;
}

typedef void css_reader(struct css_facts *facts, const char *value);

static const struct {
	const char *name;
	css_reader *read;
} properties[] = {	/* sorted by name */
	{ "background", background_read }, { "background-color", background_read }, { "color", colour_read },
	{ "display", display_read }, { "font-size", font_size_read }, { "height", size_read }, { "left", offset_read },
	{ "margin-left", offset_read }, { "max-height", size_read }, { "max-width", size_read }, { "mso-hide", mso_hide_read },
	{ "opacity", opacity_read }, { "overflow", overflow_read }, { "text-indent", offset_read }, { "top", offset_read },
	{ "visibility", visibility_read }, { "white-space", white_space_read }, { "width", size_read },
};

/* The function that reads the values of a property; NULL: it does not matter here. */
static css_reader *property_find(const char *name)
{
	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]) && properties[i].name[0] <= name[0]; i++)
		if (properties[i].name[0] == name[0] && strcmp(properties[i].name, name) == 0)
			return properties[i].read;
	return NULL;
}

struct html_style html_style_parse(struct span attribute)
{
	struct html_style style = { .colour = COLOUR_UNSET, .background = COLOUR_UNSET };
	struct css_facts facts = { .style = &style };

	while (attribute.length > 0) {
		struct css_word name = css_take(&attribute, ':', ';'), value;
		css_reader *read = property_find(name.text);
		bool has_value = attribute.length > 0 && attribute.data[0] == ':';

		value.text[0] = '\0';
		if (has_value)
			attribute = span_part(attribute, 1, attribute.length);
		if (has_value && read)
			value = css_take(&attribute, ';', ';');
		else if (has_value)
			css_skip(&attribute, ';');
		if (attribute.length > 0)
			attribute = span_part(attribute, 1, attribute.length);
		if (read)
			read(&facts, value.text);
	}
	style.hides |= facts.overflow_hidden && facts.no_size;
	return style;
}
