/* log_text: the text of one event, and where in it the fields stand. */
#include "base/log_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/width.h"

enum { SPEC_BYTES = 32 };

/* Where in the format we are. */
struct walk {
	struct log_text *text;
	size_t word_begin;	/* of the word at hand in the text */
	size_t key_end;		/* of its key; 0: it has none */
	size_t value_begin;
	bool quoted;		/* the value ends with a quote */
};

/* Appends bytes, made visible, as many as there is room for. */
static void append(struct log_text *text, const char *bytes, size_t length)
{
	size_t room = sizeof(text->bytes) - 1 - text->length, taken = length < room ? length : room;
	char *at = text->bytes + text->length;

	memcpy(at, bytes, taken);
	taken = text_make_visible(at, taken);
	for (size_t i = 0; i < taken; i++)
		if (at[i] == '\t')
			at[i] = '?';
	text->length += taken;
	text->bytes[text->length] = '\0';
}

static bool is_key(struct span word)
{
	if (word.length == 0 || word.length > LOG_KEY_BYTES_MAX)
		return false;
	for (size_t i = 0; i < word.length; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", word.data[i]))
			return false;
	return true;
}

/* ---- words of the format */

static void word_next(struct walk *walk)
{
	walk->word_begin = walk->text->length;
	walk->key_end = 0;
	walk->quoted = false;
}

static void value_end(struct walk *walk)
{
	struct log_text *text = walk->text;

	if (walk->key_end > 0 && text->part_count < LOG_FIELDS_MAX)
		text->parts[text->part_count++] = (struct log_part){
			.key = { text->bytes + walk->word_begin, walk->key_end - walk->word_begin },
			.value = { text->bytes + walk->value_begin, text->length - walk->value_begin },
		};
	walk->key_end = 0;
	walk->quoted = false;
}

static void key_take(struct walk *walk)
{
	const struct log_text *text = walk->text;

	if (walk->key_end == 0 && is_key((struct span){ text->bytes + walk->word_begin, text->length - walk->word_begin }))
		walk->key_end = text->length;
}

static void literal_take(struct walk *walk, char byte)
{
	struct log_text *text = walk->text;
	bool had_key = walk->key_end > 0, ends = walk->quoted ? byte == '"' : byte == ' ';

	if (ends)
		value_end(walk);
	else if (byte == '=')
		key_take(walk);
	append(text, &byte, 1);
	if (byte == ' ' && !walk->quoted)
		word_next(walk);
	else if (!had_key && walk->key_end > 0)
		walk->value_begin = text->length;
	else if (had_key && byte == '"' && !ends && text->length == walk->value_begin + 1) {
		walk->quoted = true;
		walk->value_begin = text->length;
	}
}

/* ---- conversions */

/* A conversion as it stands in the format, with what stands for '*' filled in. */
struct conversion {
	char spec[SPEC_BYTES];
	size_t spec_length;
	int longs;		/* -2 hh, -1 h, 1 l, 2 ll, 3 z, 4 j, 5 t */
	char letter;		/* '\0': not known */
};

static void spec_put(struct conversion *conversion, const char *bytes, size_t length)
{
	if (conversion->spec_length + length < sizeof(conversion->spec)) {
		memcpy(conversion->spec + conversion->spec_length, bytes, length);
		conversion->spec_length += length;
	}
}

static int longs_read(const char **format)
{
	static const struct {
		const char *word;
		int longs;
	} words[] = { { "hh", -2 }, { "h", -1 }, { "ll", 2 }, { "l", 1 }, { "z", 3 }, { "j", 4 }, { "t", 5 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].word);

		if (strncmp(*format, words[i].word, length) == 0) {
			*format += length;
			return words[i].longs;
		}
	}
	return 0;
}

/* Reads one that begins behind its '%'; returns what follows it. */
static const char *conversion_read(struct conversion *conversion, const char *format, va_list *args)
{
	const char *length_begin;

	*conversion = (struct conversion){ .letter = '\0' };
	spec_put(conversion, "%", 1);
	for (; *format && strchr("-+ #0123456789.*", *format); format++) {
		char number[12];

		if (*format == '*')
			spec_put(conversion, number, (size_t)snprintf(number, sizeof(number), "%d", va_arg(*args, int)));
		else
			spec_put(conversion, format, 1);
	}
	length_begin = format;
	conversion->longs = longs_read(&format);
	spec_put(conversion, length_begin, (size_t)(format - length_begin));
	if (*format && strchr("diuoxXcsp", *format)) {
		conversion->letter = *format;
		spec_put(conversion, format, 1);
		format++;
	}
	return format;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* The type that printf takes for it; sign makes no difference to how it is passed. */
static int conversion_print(const struct conversion *conversion, char *out, size_t room, va_list *args)
{
	const char *spec = conversion->spec;

	if (conversion->letter == 's')
		return snprintf(out, room, spec, va_arg(*args, const char *));
	if (conversion->letter == 'p')
		return snprintf(out, room, spec, va_arg(*args, void *));
	switch (conversion->longs) {
	case 1:
		return snprintf(out, room, spec, va_arg(*args, long));
	case 2:
		return snprintf(out, room, spec, va_arg(*args, long long));
	case 3:
		return snprintf(out, room, spec, va_arg(*args, size_t));
	case 4:
		return snprintf(out, room, spec, va_arg(*args, intmax_t));
	case 5:
		return snprintf(out, room, spec, va_arg(*args, ptrdiff_t));
	default:
		return snprintf(out, room, spec, va_arg(*args, int));
	}
}

#pragma GCC diagnostic pop

/* Appends what the conversion at the format makes of its argument; returns what follows it, NULL when it is not known. */
static const char *conversion_take(struct walk *walk, const char *format, va_list *args)
{
	struct conversion conversion;
	char printed[LOG_LINE_BYTES_MAX];
	const char *rest = conversion_read(&conversion, format, args);
	int length;

	if (!conversion.letter)
		return NULL;
	length = conversion_print(&conversion, printed, sizeof(printed), args);
	if (length > 0)
		append(walk->text, printed, (size_t)length < sizeof(printed) ? (size_t)length : sizeof(printed) - 1);
	return rest;
}

void log_text_make(struct log_text *text, const char *format, va_list args)
{
	struct walk walk = { .text = text };
	va_list own;

	text->length = text->part_count = 0;
	text->bytes[0] = '\0';
	va_copy(own, args);
	while (format && *format) {
		if (format[0] != '%') {
			literal_take(&walk, *format++);
		} else if (format[1] == '%') {
			literal_take(&walk, '%');
			format += 2;
		} else {
			const char *rest = conversion_take(&walk, format + 1, &own);

			if (!rest)
				append(text, format, strlen(format));
			format = rest;
		}
	}
	va_end(own);
	value_end(&walk);
}

/* ---- by hand */

void log_text_begin(struct log_text *text, const char *sentence)
{
	text->length = text->part_count = 0;
	text->bytes[0] = '\0';
	append(text, sentence, strlen(sentence));
}

void log_text_add(struct log_text *text, const char *key, const char *value)
{
	/* Quotes stand around what would else not end where it ends. */
	const char *quote = *value && !strpbrk(value, " \"") ? "" : "\"";
	struct log_part part;

	append(text, " ", 1);
	part.key.data = text->bytes + text->length;
	append(text, key, strlen(key));
	part.key.length = (size_t)(text->bytes + text->length - part.key.data);
	append(text, "=", 1);
	append(text, quote, strlen(quote));
	part.value.data = text->bytes + text->length;
	append(text, value, strlen(value));
	part.value.length = (size_t)(text->bytes + text->length - part.value.data);
	append(text, quote, strlen(quote));
	if (text->part_count < LOG_FIELDS_MAX && is_key(part.key))
		text->parts[text->part_count++] = part;
}
