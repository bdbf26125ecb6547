/* html_references: "&amp;", "&#x3042;" and what looks like them (WHATWG HTML 13.2.5.72 to 13.2.5.80). */
#include <string.h>

#include "mail/html_states.h"
#include "mail/text_filter.h"

/* What the numbers 0x80 to 0x9f mean: people wrote windows-1252. 0: the control character itself. */
static const uint16_t windows_1252[32] = {
	0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0,
	0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
};

enum { NUMBER_MAX = 0x110000 };	/* no character; larger numbers stay here instead of wrapping around */

static void reference_put(struct html_tokens *tokens, const char *bytes, size_t length)
{
	if (tokens->reference.within_value)
		html_value_put(tokens, bytes, length);
	else
		html_put(tokens, bytes, length);
}

/* What was read is no reference: it is text, and the byte at the cursor is read where the '&' was. */
static void reference_give_up(struct html_tokens *tokens, const char *bytes, size_t length)
{
	reference_put(tokens, bytes, length);
	tokens->state = tokens->text_state;
}

void html_reference_begin(struct html_tokens *tokens, bool within_value)
{
	tokens->text_state = tokens->state;
	tokens->state = STATE_REFERENCE;
	tokens->reference.within_value = within_value;
	tokens->reference.number = 0;
}

/* Keeps of the names those that have this byte next. False when there is none; then nothing has changed. */
static bool name_narrow(struct html_tokens *tokens, char byte)
{
	size_t at = tokens->reference.length, low = tokens->reference.low, high = tokens->reference.high, end = high;

	while (low < high) {	/* the first name whose byte is not below it */
		size_t middle = low + (high - low) / 2;
		const struct html_entity *entity = &html_entities[middle];

		if (entity->name_length <= at || html_entity_names[entity->name_at + at] < byte)
			low = middle + 1;
		else
			high = middle;
	}
	for (high = low; high < end && html_entity_names[html_entities[high].name_at + at] == byte;)
		high = at == 0 ? end : high + 1;
	if (low == high)
		return false;
	tokens->reference.low = (uint16_t)low;
	tokens->reference.high = (uint16_t)high;
	tokens->reference.name[tokens->reference.length++] = byte;
	if (html_entities[low].name_length == tokens->reference.length) {
		tokens->reference.matched = tokens->reference.length;
		tokens->reference.found = (uint16_t)low;
	}
	return true;
}

void html_reference_state(struct html_tokens *tokens, struct html_cursor *in)
{
	char byte = *in->at;

	if (byte == '#') {
		in->at++;
		tokens->state = STATE_REFERENCE_NUMBER;
		return;
	}
	if (!html_is_letter(byte)) {
		reference_give_up(tokens, "&", 1);
		return;
	}
	tokens->reference.length = 0;
	tokens->reference.matched = 0;
	byte = (char)(byte >= 'a' ? byte - 'a' + 26 : byte - 'A');
	tokens->reference.low = html_entity_starts[(size_t)byte];
	tokens->reference.high = html_entity_starts[(size_t)byte + 1];
	tokens->state = STATE_REFERENCE_NAME;
}

/* No name goes on with next (0: the end of the input). The longest that was found counts; the rest is text. */
static void name_resolve(struct html_tokens *tokens, char next)
{
	const struct html_entity *entity = &html_entities[tokens->reference.found];
	size_t matched = tokens->reference.matched, length = tokens->reference.length;
	const char *name = tokens->reference.name;

	tokens->state = tokens->text_state;
	if (matched < length)
		next = name[matched];
	/* "?a=1&copy=2" in an address is no copyright sign. */
	if (matched > 0 && tokens->reference.within_value && name[matched - 1] != ';' &&
	    (next == '=' || html_is_letter(next) || html_is_digit(next)))
		matched = 0;
	if (matched > 0)
		reference_put(tokens, entity->text, entity->text_length);
	else
		reference_put(tokens, "&", 1);
	reference_put(tokens, name + matched, length - matched);
}

void html_reference_name_state(struct html_tokens *tokens, struct html_cursor *in)
{
	while (in->at < in->end) {
		if (!name_narrow(tokens, *in->at)) {
			name_resolve(tokens, *in->at);
			return;
		}
		if (*in->at++ == ';') {
			name_resolve(tokens, '\0');
			return;
		}
	}
}

void html_reference_number_state(struct html_tokens *tokens, struct html_cursor *in)
{
	if (*in->at == 'x' || *in->at == 'X') {
		tokens->reference.name[0] = *in->at++;
		tokens->state = STATE_REFERENCE_HEX_BEGIN;
	} else if (html_is_digit(*in->at)) {
		tokens->state = STATE_REFERENCE_DECIMAL;
	} else {
		reference_give_up(tokens, "&#", 2);
	}
}

static void number_resolve(struct html_tokens *tokens)
{
	uint32_t number = tokens->reference.number;
	char bytes[4];

	tokens->state = tokens->text_state;
	if (number >= 0x80 && number <= 0x9f && windows_1252[number - 0x80])
		number = windows_1252[number - 0x80];
	if (number == 0)
		number = NUMBER_MAX;	/* text_encode() makes it U+FFFD, as the standard asks */
	reference_put(tokens, bytes, text_encode(number, bytes));
}

static void number_add(struct html_tokens *tokens, uint32_t base, uint32_t digit)
{
	uint32_t number = tokens->reference.number * base + digit;

	tokens->reference.number = number < NUMBER_MAX ? number : NUMBER_MAX;
}

/* The value of a hexadecimal digit, or -1. */
static int digit_value(char byte)
{
	if (html_is_digit(byte))
		return byte - '0';
	byte = html_lower(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

void html_reference_hex_begin_state(struct html_tokens *tokens, struct html_cursor *in)
{
	char begin[] = { '&', '#', tokens->reference.name[0] };

	if (digit_value(*in->at) >= 0)
		tokens->state = STATE_REFERENCE_HEX;
	else
		reference_give_up(tokens, begin, sizeof(begin));
}

/* Reads digits up to the first byte that is none; a ';' belongs to the reference. */
static void digits_read(struct html_tokens *tokens, struct html_cursor *in, uint32_t base)
{
	while (in->at < in->end) {
		int digit = digit_value(*in->at);

		if (digit < 0 || (uint32_t)digit >= base) {
			if (*in->at == ';')
				in->at++;
			number_resolve(tokens);
			return;
		}
		number_add(tokens, base, (uint32_t)digit);
		in->at++;
	}
}

void html_reference_hex_state(struct html_tokens *tokens, struct html_cursor *in)
{
	digits_read(tokens, in, 16);
}

void html_reference_decimal_state(struct html_tokens *tokens, struct html_cursor *in)
{
	digits_read(tokens, in, 10);
}

void html_reference_finish(struct html_tokens *tokens)
{
	char begin[] = { '&', '#', tokens->reference.name[0] };

	switch (tokens->state) {
	case STATE_REFERENCE:
		reference_give_up(tokens, begin, 1);
		break;
	case STATE_REFERENCE_NUMBER:
		reference_give_up(tokens, begin, 2);
		break;
	case STATE_REFERENCE_HEX_BEGIN:
		reference_give_up(tokens, begin, 3);
		break;
	case STATE_REFERENCE_NAME:
		name_resolve(tokens, '\0');
		break;
	case STATE_REFERENCE_HEX:
	case STATE_REFERENCE_DECIMAL:
		number_resolve(tokens);
		break;
	default:
		break;
	}
}
