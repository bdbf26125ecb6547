/* header_words: encoded-words and raw bytes to text. */
#include "mail/header_words.h"

#include <string.h>

#include "mail/charset.h"
#include "mail/header_line.h"
#include "mail/header_octets.h"
#include "mail/mime_transfer.h"

enum { ESC = 0x1b };

/* One encoded-word, as it stands in the field. */
struct word {
	struct span charset;	/* without the language */
	char encoding;		/* 'b' or 'q' */
	struct span text;
	size_t length;		/* from "=?" to "?=", both included */
};

/* Neighbouring words of one charset and encoding: their decoded bytes, and where each word ends (size_t). */
struct group {
	struct span charset;
	char encoding;
	struct buf bytes, ends;
};

struct reader {
	struct span value;
	struct header_octets octets;
	struct header_words words;
	enum charset raw_charset;	/* for bytes outside of words */
	struct group group;
	struct buf *out;		/* UTF-8, not filtered yet */
	struct header_facts *facts;
};

/* Offset of a byte from `from` on; the length of the text when there is none. */
static size_t byte_offset(struct span text, size_t from, char byte)
{
	const char *found = from < text.length ? memchr(text.data + from, byte, text.length - from) : NULL;

	return found ? (size_t)(found - text.data) : text.length;
}

/* Offset of "?=" from `from` on; the length of the text when there is none. */
static size_t end_offset(struct span text, size_t from)
{
	for (size_t at = byte_offset(text, from, '?'); at < text.length; at = byte_offset(text, at + 1, '?'))
		if (at + 1 < text.length && text.data[at + 1] == '=')
			return at;
	return text.length;
}

static bool is_charset_byte(char byte)
{
	return byte > ' ' && byte < 0x7f && byte != '?' && byte != '=' && byte != '"';
}

struct header_words header_words_of(struct span text)
{
	size_t at = text.length;

	while (at-- > 1)
		if (text.data[at] == '=' && text.data[at - 1] == '?')
			return (struct header_words){ .text = text, .last_end = at - 1 };
	return (struct header_words){ .text = text, .last_end = text.length };
}

/* Reads the encoded-word at this offset. */
static bool word_read(const struct header_words *words, size_t at, struct word *ret_word)
{
	struct span text = words->text;
	size_t begin = at + 2, charset_end = begin, content, end;

	if (at + 1 >= text.length || text.data[at] != '=' || text.data[at + 1] != '?')
		return false;
	while (charset_end < text.length && charset_end - begin <= CHARSET_LABEL_BYTES_MAX &&
	       is_charset_byte(text.data[charset_end]))
		charset_end++;
	content = charset_end + 3;
	if (content > words->last_end || words->last_end == text.length || text.data[charset_end] != '?' ||
	    text.data[charset_end + 2] != '?')
		return false;
	ret_word->encoding = header_lower(text.data[charset_end + 1]);
	if (ret_word->encoding != 'b' && ret_word->encoding != 'q')
		return false;
	/* There is one: the last end is not before the content. */
	end = end_offset(text, content);
	ret_word->charset = span_part(text, begin, charset_end);
	ret_word->charset.length = byte_offset(ret_word->charset, 0, '*');
	ret_word->text = span_part(text, content, end);
	ret_word->length = end + 2 - at;
	return true;
}

size_t header_word_length(const struct header_words *words, size_t at)
{
	struct word word;

	return word_read(words, at, &word) ? word.length : 0;
}

static void q_decode(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.length; i++) {
		bool escape = text.data[i] == '=' && i + 2 < text.length;
		int high = escape ? header_hex_value(text.data[i + 1]) : -1,
		    low = escape ? header_hex_value(text.data[i + 2]) : -1;

		if (high >= 0 && low >= 0) {
			buf_putc(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_putc(out, text.data[i] == '_' ? ' ' : text.data[i]);
		}
	}
}

static void b_decode(struct span text, struct buf *out)
{
	struct mime_transfer transfer = mime_transfer_of(MIME_BASE64);
	char piece[2 * MIME_TRANSFER_ROOM];

	while (text.length > 0)
		buf_put(out, piece, mime_transfer_decode(&transfer, &text, piece, sizeof(piece)));
	buf_put(out, piece, mime_transfer_finish(&transfer, piece));
}

static size_t group_count(const struct group *group)
{
	return group->ends.length / sizeof(size_t);
}

static size_t group_end(const struct group *group, size_t word)
{
	size_t end;

	memcpy(&end, group->ends.data + word * sizeof(end), sizeof(end));
	return end;
}

/* True when the shift state of ISO-2022-JP goes on across this cut: see the header. */
static bool run_continues(struct span bytes, size_t cut)
{
	size_t next = byte_offset(bytes, cut, ESC);

	if ((cut >= 1 && bytes.data[cut - 1] == ESC) || (cut >= 2 && bytes.data[cut - 2] == ESC))
		return true;
	return next + 1 < bytes.length && bytes.data[next + 1] == '(';
}

/* True for sets in which a zero byte is half of a character. */
static bool is_wide(enum charset charset)
{
	return charset >= CHARSET_UTF_16 && charset <= CHARSET_UTF_32BE;
}

/*
 * The charset for bytes with this label. Nobody writes UTF-16 into a header without saying so; a zero byte
 * that hides the end of a file name must not make it so.
 */
static struct charset_choice bytes_judge(struct span bytes, enum charset labelled)
{
	size_t length = bytes.length < CHARSET_SAMPLE_BYTES ? bytes.length : CHARSET_SAMPLE_BYTES;
	struct charset_choice choice = charset_guess(span_part(bytes, 0, length), labelled);

	if (choice.reason == CHARSET_BY_ZEROS && !is_wide(labelled))
		choice = (struct charset_choice){ .charset = CHARSET_UTF_8, .reason = CHARSET_BY_LABEL };
	return choice;
}

static enum charset charset_choose(struct span bytes, struct span label, struct header_facts *facts)
{
	enum charset labelled = charset_of_label(label);
	struct charset_choice choice = bytes_judge(bytes, labelled);

	if (choice.charset != labelled && choice.reason != CHARSET_BY_LABEL)
		facts->relabelled++;
	return choice.charset;
}

static void decoder_finish(struct charset_decoder *decoder, struct reader *reader)
{
	charset_finish(decoder, reader->out);
	reader->facts->replaced += decoder->undecodable_count + decoder->user_defined_count;
}

/* The words of the group become text. */
static void group_put(struct reader *reader)
{
	struct group *group = &reader->group;
	struct span bytes = buf_span(&group->bytes);
	struct charset_decoder decoder;
	size_t begin = 0;

	if (group_count(group) == 0)
		return;
	decoder = charset_decoder_of(charset_choose(bytes, group->charset, reader->facts));
	for (size_t i = 0; i < group_count(group); i++) {
		size_t end = group_end(group, i);

		if (i > 0 && !(decoder.charset == CHARSET_ISO_2022_JP && run_continues(bytes, begin)))
			charset_next_word(&decoder, reader->out);
		charset_decode(&decoder, span_part(bytes, begin, end), reader->out);
		begin = end;
	}
	decoder_finish(&decoder, reader);
	group->bytes.length = group->ends.length = 0;
}

static void word_add(struct reader *reader, const struct word *word)
{
	struct group *group = &reader->group;

	if (group_count(group) > 0 &&
	    (group->encoding != word->encoding || !header_words_alike(group->charset, word->charset)))
		group_put(reader);
	group->charset = word->charset;
	group->encoding = word->encoding;
	if (word->encoding == 'q')
		q_decode(word->text, &group->bytes);
	else
		b_decode(word->text, &group->bytes);
	buf_put(&group->ends, &group->bytes.length, sizeof(group->bytes.length));
	reader->facts->words++;
}

static void raw_put(struct reader *reader, struct span bytes)
{
	struct charset_decoder decoder = charset_decoder_of(reader->raw_charset);

	charset_decode(&decoder, bytes, reader->out);
	decoder_finish(&decoder, reader);
}

static bool is_white(struct span text)
{
	return header_trim(text).length == 0;
}

static bool needs_guess(struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if ((uint8_t)value.data[i] >= 0x80 || value.data[i] == ESC)
			return true;
	return false;
}

/* Goes through the value: bytes up to a word, the word, and so on. */
static void value_read(struct reader *reader)
{
	size_t at = 0, raw = 0;
	struct word word;

	while (at < reader->value.length) {
		struct span before = span_part(reader->value, raw, at);

		if (reader->value.data[at] != '=' || !word_read(&reader->words, at, &word)) {
			at += header_octets_step(&reader->octets, at);
			continue;
		}
		if (group_count(&reader->group) == 0 || !is_white(before)) {
			group_put(reader);
			raw_put(reader, before);
		}
		word_add(reader, &word);
		at += word.length;
		raw = at;
	}
	group_put(reader);
	raw_put(reader, span_part(reader->value, raw, reader->value.length));
}

/* Decodes a value to UTF-8 that is not filtered yet. */
static void value_decode(struct span value, struct buf *out, struct header_facts *facts)
{
	struct reader reader = {
		.value = value,
		.octets = header_octets_of(value),
		.words = header_words_of(value),
		.raw_charset = CHARSET_US_ASCII,
		.out = out,
		.facts = facts,
	};

	if (needs_guess(value)) {
		reader.raw_charset = bytes_judge(value, CHARSET_UNKNOWN).charset;
		facts->guessed++;
	}
	value_read(&reader);
	buf_free(&reader.group.bytes);
	buf_free(&reader.group.ends);
}

void header_unstructured_put(struct span value, struct buf *out, struct header_facts *facts)
{
	struct buf text = buf_limited(0);

	value_decode(value, &text, facts);
	header_line_put(buf_span(&text), out, facts);
	buf_free(&text);
}

/* Decodes one form of a parameter. */
static void form_put(const struct mime_form *form, struct buf *out, struct header_facts *facts)
{
	struct reader reader = { .out = out, .facts = facts };
	struct charset_decoder decoder;

	if (!form->extended) {
		value_decode(form->octets, out, facts);
		return;
	}
	decoder = charset_decoder_of(charset_choose(form->octets, form->charset, facts));
	charset_decode(&decoder, form->octets, out);
	decoder_finish(&decoder, &reader);
}

static void name_add(struct header_names *names, struct span text, struct arena *arena)
{
	if (text.length == 0)
		return;
	for (size_t i = 0; i < names->count; i++)
		if (span_equal(names->items[i], text))
			return;
	if (names->count == HEADER_NAMES_MAX) {
		names->more = true;
		return;
	}
	names->items[names->count++] = (struct span){ .data = arena_strndup(arena, text.data, text.length),
						      .length = text.length };
}

void header_names_add(struct header_names *names, const struct mime_value *value, const char *parameter,
		      struct arena *arena, struct header_facts *facts)
{
	struct mime_forms *forms = arena_alloc(arena, sizeof(*forms));
	struct buf decoded = buf_limited(0), line = buf_limited(HEADER_NAME_BYTES_MAX);

	mime_parameter_forms(value, parameter, forms);
	names->more |= forms->more || value->more_parameters;
	for (size_t i = 0; i < forms->count; i++) {
		decoded.length = line.length = 0;
		form_put(&forms->items[i], &decoded, facts);
		/*
		 * Some mailers put encoded-words into an extended form; in the others they are decoded
		 * already.
		 */
		if (forms->items[i].extended)
			header_unstructured_put(buf_span(&decoded), &line, facts);
		else
			header_line_put(buf_span(&decoded), &line, facts);
		name_add(names, buf_span(&line), arena);
	}
	buf_free(&decoded);
	buf_free(&line);
}
