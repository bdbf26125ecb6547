/*
 * letter_grammar: what a text, an address, a domain, a message id and a type may look like in a letter. To be read with
 * letter_check.c when the airlock is audited: every value that crosses is judged here, byte by byte.
 */
#include "mail/letter.h"

#include <string.h>

struct codepoint_range {
	uint32_t first, last;
};

static const struct codepoint_range forbidden_codepoints[] = { LETTER_FORBIDDEN_CODEPOINTS };

/* The characters of ASCII by what they may be part of. */
enum { ATEXT = 1, LABEL = 2, TYPE = 4, EXTENSION = 8 };

static uint8_t byte_classes(char byte)
{
	if (byte >= 'a' && byte <= 'z')
		return ATEXT | LABEL | TYPE | EXTENSION;
	if (byte >= '0' && byte <= '9')
		return ATEXT | LABEL | TYPE | EXTENSION;
	if (byte >= 'A' && byte <= 'Z')
		return ATEXT | LABEL;
	if (byte == '-')
		return ATEXT | LABEL | TYPE;
	if (byte != '\0' && strchr("!#$&^_+", byte))
		return ATEXT | TYPE;
	if (byte == '.')
		return TYPE;
	return byte != '\0' && strchr("%'*/=?`{|}~", byte) ? ATEXT : 0;
}

static bool bytes_are(struct span bytes, uint8_t class)
{
	for (size_t i = 0; i < bytes.length; i++)
		if (!(byte_classes(bytes.data[i]) & class))
			return false;
	return true;
}

/* Where the first byte of this value stands from `from` on; the length of the span if nowhere. */
static size_t byte_find(struct span bytes, size_t from, char byte)
{
	while (from < bytes.length && bytes.data[from] != byte)
		from++;
	return from;
}

bool letter_codepoint_forbidden(uint32_t codepoint)
{
	size_t low = 0, high = sizeof(forbidden_codepoints) / sizeof(forbidden_codepoints[0]);

	/* Visible ASCII; kana, kanji and Hangul: nearly all there is, and between two ranges. */
	if ((codepoint >= 0x20 && codepoint <= 0x7e) || (codepoint >= 0x3165 && codepoint <= 0xd7ff))
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (codepoint > forbidden_codepoints[middle].last)
			low = middle + 1;
		else if (codepoint < forbidden_codepoints[middle].first)
			high = middle;
		else
			return true;
	}
	return codepoint > 0x10ffff;
}

bool letter_codepoint_take(struct span *text, uint32_t *ret_codepoint)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = text->length ? (uint8_t)text->data[0] : 0xff;
	size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
	uint32_t codepoint = length == 1 ? first : first & (0x7fU >> length);

	if (length == 0 || length > text->length)
		return false;
	for (size_t i = 1; i < length; i++) {
		uint8_t byte = (uint8_t)text->data[i];

		if ((byte & 0xc0) != 0x80)
			return false;
		codepoint = codepoint << 6 | (byte & 0x3fU);
	}
	if (codepoint < smallest[length] || codepoint > 0x10ffff || (codepoint >= 0xd800 && codepoint <= 0xdfff))
		return false;
	*text = span_part(*text, length, text->length);
	*ret_codepoint = codepoint;
	return true;
}

/* True when the character, which was taken off in front of rest, may stand in a text of this kind. Takes the LF of a CR LF. */
static bool codepoint_fits(uint32_t codepoint, enum letter_text kind, struct span *rest)
{
	if (kind == LETTER_TEXT_BODY && codepoint == '\t')
		return true;
	if (kind == LETTER_TEXT_BODY && codepoint == '\r') {
		uint32_t next = 0;

		return letter_codepoint_take(rest, &next) && next == '\n';
	}
	if (kind == LETTER_TEXT_NAME && codepoint == '@')
		return false;
	if (kind == LETTER_TEXT_FILE && (codepoint == '|' || codepoint == '/' || codepoint == '\\'))
		return false;
	return !letter_codepoint_forbidden(codepoint);
}

bool letter_text_valid(struct span text, enum letter_text kind)
{
	uint32_t codepoint;

	while (text.length > 0)
		if (!letter_codepoint_take(&text, &codepoint) || !codepoint_fits(codepoint, kind, &text))
			return false;
	return true;
}

size_t letter_codepoints(struct span valid_text)
{
	size_t count = 0;

	for (size_t i = 0; i < valid_text.length; i++)
		count += ((uint8_t)valid_text.data[i] & 0xc0) != 0x80;
	return count;
}

static bool label_valid(struct span label)
{
	return label.length > 0 && label.length <= LETTER_LABEL_BYTES_MAX && bytes_are(label, LABEL) && label.data[0] != '-' &&
	       label.data[label.length - 1] != '-';
}

bool letter_domain_valid(struct span domain)
{
	size_t begin = 0, end;

	if (domain.length == 0 || domain.length > LETTER_DOMAIN_BYTES_MAX)
		return false;
	do {
		end = byte_find(domain, begin, '.');
		if (!label_valid(span_part(domain, begin, end)))
			return false;
		begin = end + 1;
	} while (end < domain.length);
	return true;
}

/* A careless program decodes an encoded word wherever it sees one. */
static bool encoded_word_possible(struct span bytes)
{
	for (size_t i = 1; i < bytes.length; i++)
		if (bytes.data[i - 1] == '=' && bytes.data[i] == '?')
			return true;
	return false;
}

bool letter_address_valid(struct span address)
{
	size_t at = byte_find(address, 0, '@');

	if (address.length > LETTER_ADDRESS_BYTES_MAX || at == 0 || at > LETTER_LOCAL_PART_BYTES_MAX || at >= address.length)
		return false;
	for (size_t i = 0; i < at; i++)
		if (address.data[i] != '.' && !(byte_classes(address.data[i]) & ATEXT))
			return false;
	return !encoded_word_possible(address) && letter_domain_valid(span_part(address, at + 1, address.length));
}

static bool dot_atom_valid(struct span text)
{
	size_t begin = 0, end;

	do {
		end = byte_find(text, begin, '.');
		if (end == begin || !bytes_are(span_part(text, begin, end), ATEXT))
			return false;
		begin = end + 1;
	} while (end < text.length);
	return true;
}

bool letter_message_id_valid(struct span id)
{
	size_t at = byte_find(id, 0, '@');

	if (id.length > LETTER_MESSAGE_ID_BYTES_MAX || at >= id.length || encoded_word_possible(id))
		return false;
	return dot_atom_valid(span_part(id, 0, at)) && dot_atom_valid(span_part(id, at + 1, id.length));
}

bool letter_type_valid(struct span type)
{
	size_t slash = byte_find(type, 0, '/');

	if (type.length == 0)
		return true;
	return type.length <= LETTER_TYPE_BYTES_MAX && slash > 0 && slash + 1 < type.length &&
	       bytes_are(span_part(type, 0, slash), TYPE) && bytes_are(span_part(type, slash + 1, type.length), TYPE);
}

bool letter_extension_valid(struct span extension)
{
	return extension.length <= LETTER_EXTENSION_BYTES_MAX && bytes_are(extension, EXTENSION);
}

bool letter_original_id_valid(struct span id)
{
	return id.length <= LETTER_ORIGINAL_ID_BYTES_MAX && label_valid(id);
}
