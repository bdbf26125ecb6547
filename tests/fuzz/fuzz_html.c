/*
 * Any bytes as HTML and as plain text: no crash, the same text and notes however the bytes are cut, only characters that a text may hold,
 * nothing that a mail program would make clickable, and nothing left to do for a second pass.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/html_text.h"
#include "mail/letter.h"
#include "mail/plain_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* How long the next piece is: everything, one byte, or what a generator says. */
static size_t piece_bytes(int cut, size_t left, uint32_t *random)
{
	size_t length = cut == 0 ? left : 1;

	if (cut == 2) {
		*random = *random * 1103515245 + 12345;
		length = (*random >> 16) % 40;
	}
	return length < left ? length : left;
}

static struct html_text_notes convert_html(struct html_text *text, struct span in, int cut, enum link_style style, struct buf *out)
{
	struct html_text_notes notes;
	uint32_t random = 1;

	out->length = 0;
	html_text_begin(text, out, style);
	while (in.length > 0) {
		size_t length = piece_bytes(cut, in.length, &random);

		html_text_feed(text, span_part(in, 0, length));
		in = span_part(in, length, in.length);
	}
	html_text_finish(text, &notes);
	return notes;
}

static void convert_plain(struct span in, int cut, enum link_style style, struct buf *out)
{
	struct plain_text text = plain_text_make(style);
	uint32_t random = 1;

	out->length = 0;
	while (in.length > 0) {
		size_t length = piece_bytes(cut, in.length, &random);

		plain_text_feed(&text, span_part(in, 0, length), out);
		in = span_part(in, length, in.length);
	}
	plain_text_finish(&text, out);
}

static void characters_check(struct span text)
{
	while (text.length > 0) {
		uint32_t codepoint = 0;
		size_t length = text_codepoint(text, &codepoint);

		require(length > 0);
		require(codepoint == '\n' || codepoint == '\t' || !letter_codepoint_forbidden(codepoint));
		text = span_part(text, length, text.length);
	}
}

static bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* What a label of a host may hold; beyond ASCII nobody is sure. */
static bool is_label(char byte)
{
	return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || (byte & 0x80);
}

/* True when a scheme (its ASCII letters) is one that we write; behind other letters, which may be full-width ones, also the end of one. */
static bool scheme_is_ours(const char *scheme, size_t length, bool behind_others)
{
	static const char *const ours[] = { "hxxp", "hxxps", "fxp" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		size_t whole = strlen(ours[i]);

		if (length <= whole && (length == whole || behind_others) && strncasecmp(scheme, ours[i] + whole - length, length) == 0)
			return true;
	}
	return false;
}

/* "://" stands only behind what we write. */
static void schemes_check(const char *text)
{
	for (const char *at = text; (at = strstr(at, "://")); at++) {
		const char *begin = at;

		while (begin > text && is_letter(begin[-1]))
			begin--;
		require(begin == at || scheme_is_ours(begin, (size_t)(at - begin), begin > text && begin[-1] & 0x80));
	}
}

/* No dot stands before a well-known domain, and none behind "www". */
static void domains_check(const char *text)
{
	static const char *const domains[] = { "com", "jp", "net", "org", "ru", "zip", "example" };

	for (const char *at = strchr(text, '.'); at; at = strchr(at + 1, '.')) {
		if (at == text || !is_label(at[-1]) || at[-1] & 0x80)
			continue;
		for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
			size_t length = strlen(domains[i]);

			require(strncasecmp(at + 1, domains[i], length) != 0 || is_label(at[1 + length]));
		}
		if (at - text >= 3 && strncasecmp(at - 3, "www", 3) == 0 && (at - text == 3 || !is_label(at[-4])))
			require(!is_letter(at[1]));
	}
}

/* True when every word is short enough to be looked at as a whole, also in a second pass. */
static bool words_are_short(const char *text)
{
	for (size_t length; *text; text += length + (text[length] != '\0')) {
		length = strcspn(text, " \n\t");
		if (length >= LINK_WORD_BYTES_MAX)
			return false;
	}
	return true;
}

static void result_check(struct buf *out, enum link_style style)
{
	struct buf again = buf_limited(0);

	characters_check(buf_span(out));
	schemes_check(buf_text(out));
	domains_check(buf_text(out));
	if (words_are_short(buf_text(out))) {
		convert_plain(buf_span(out), 0, style, &again);
		require(span_equal(buf_span(out), buf_span(&again)));
	}
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { .data = (const char *)data, .length = size };
	enum link_style style = (enum link_style)(size % 3);
	struct buf first = buf_limited(0), out = buf_limited(0);
	struct html_text_notes notes;
	static struct html_text *text;	/* one for all inputs: nothing may be left of the one before */

	if (!text)
		text = html_text_new();
	notes = convert_html(text, in, 0, style, &first);
	result_check(&first, style);
	for (int cut = 1; cut <= 2; cut++) {
		struct html_text_notes again = convert_html(text, in, cut, style, &out);

		require(span_equal(buf_span(&first), buf_span(&out)) && memcmp(&notes, &again, sizeof(notes)) == 0);
	}
	convert_plain(in, 0, style, &first);
	result_check(&first, style);
	for (int cut = 1; cut <= 2; cut++) {
		convert_plain(in, cut, style, &out);
		require(span_equal(buf_span(&first), buf_span(&out)));
	}
	buf_free(&first);
	buf_free(&out);
	return 0;
}
