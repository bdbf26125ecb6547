/* header_octets: where characters of Japanese sets begin and end in a raw header field. */
#include "mail/header_octets.h"

#include <stdint.h>
#include <string.h>

#include "mail/text_filter.h"

enum { ESC = 0x1b };

static bool is_utf_8(struct span text)
{
	for (size_t at = 0; at < text.length;) {
		uint32_t codepoint;
		size_t length = text_codepoint(span_part(text, at, text.length), &codepoint);

		if (length == 0 || codepoint == UINT32_MAX)
			return false;
		at += length;
	}
	return true;
}

struct header_octets header_octets_of(struct span text)
{
	return (struct header_octets){ .text = text, .shift_jis = !is_utf_8(text) };
}

/* The length of the ISO-2022-JP run at this ESC; 0 when there is none. */
static size_t run_bytes(struct header_octets *octets, size_t at)
{
	struct span text = octets->text;
	size_t end = at + 2;

	if (at < octets->no_run_before || end >= text.length || text.data[at + 1] != '$')
		return 0;
	for (; end < text.length; end++) {
		uint8_t byte = (uint8_t)text.data[end];

		if (byte == ESC && end + 2 < text.length && text.data[end + 1] == '(')
			return end + 3 - at;
		if (byte != ESC && (byte < 0x21 || byte > 0x7e))
			break;
	}
	/* No run that begins on the way here can come to another end. */
	octets->no_run_before = end;
	return 0;
}

static bool is_shift_jis_pair(const char *bytes)
{
	uint8_t lead = (uint8_t)bytes[0], trail = (uint8_t)bytes[1];

	return ((lead >= 0x81 && lead <= 0x9f) || (lead >= 0xe0 && lead <= 0xfc)) &&
	       ((trail >= 0x40 && trail <= 0x7e) || (trail >= 0x80 && trail <= 0xfc));
}

size_t header_octets_step(struct header_octets *octets, size_t at)
{
	struct span text = octets->text;
	size_t run = text.data[at] == ESC ? run_bytes(octets, at) : 0;

	if (run > 0)
		return run;
	if (octets->shift_jis && at + 1 < text.length && is_shift_jis_pair(text.data + at))
		return 2;
	return 1;
}

char header_lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

bool header_word_is(struct span text, const char *word)
{
	if (text.length != strlen(word))
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (header_lower(text.data[i]) != word[i])
			return false;
	return true;
}

bool header_words_alike(struct span a, struct span b)
{
	size_t i = 0;

	if (a.length != b.length)
		return false;
	while (i < a.length && header_lower(a.data[i]) == header_lower(b.data[i]))
		i++;
	return i == a.length;
}

bool header_is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct span header_trim(struct span text)
{
	size_t begin = 0, end = text.length;

	while (begin < end && header_is_space(text.data[begin]))
		begin++;
	while (end > begin && header_is_space(text.data[end - 1]))
		end--;
	return span_part(text, begin, end);
}
