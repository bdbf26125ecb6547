/*
 * charset_unicode: UTF-8, UTF-16, UTF-32 and UTF-7. See charset_work.h.
 */
#include "mail/charset_work.h"

static bool code_is_high_surrogate(uint32_t code)
{
	return code >= 0xd800 && code <= 0xdbff;
}

static bool code_is_low_surrogate(uint32_t code)
{
	return code >= 0xdc00 && code <= 0xdfff;
}

static uint32_t surrogates_join(uint32_t high, uint32_t low)
{
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* Passes over a byte order mark; false: it may be one, but is not all there. */
static bool utf_8_take_mark(struct charset_work *work)
{
	if (*work->at == 0xef) {
		if (work_lacks(work, 3))
			return false;
		if (work_byte(work, 1) == 0xbb && work_byte(work, 2) == 0xbf)
			work->at += 3;
	}
	work->decoder->started = true;
	return true;
}

/* How many bytes continue the character that begins so, and between what the first of them lies; 0: none begins so. */
static size_t utf_8_continuation(uint8_t first, uint8_t *ret_lower, uint8_t *ret_upper)
{
	*ret_lower = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*ret_upper = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef)
		return 2;
	if (first >= 0xf0 && first <= 0xf4)
		return 3;
	return 0;
}

/* Of a broken character, as much as could have become one is one 〓, and the next byte is looked at anew. */
bool utf_8_step(struct charset_work *work)
{
	uint8_t first = *work->at, lower, upper;
	size_t count;
	uint32_t code;

	if (!work->decoder->started)
		return utf_8_take_mark(work);
	if (first < 0x80)
		return work_put(work, 1, first);
	count = utf_8_continuation(first, &lower, &upper);
	if (count == 0)
		return work_put_undecodable(work, 1);
	code = first & (0x3fu >> count);
	for (size_t i = 1; i <= count; i++) {
		uint8_t byte = work_byte(work, i);

		if (work_lacks(work, i + 1))
			return false;
		if (byte < lower || byte > upper)
			return work_put_undecodable(work, i);
		code = code << 6 | (byte & 0x3f);
		lower = 0x80;
		upper = 0xbf;
	}
	return work_put(work, count + 1, code);
}

static bool byte_continues(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

void utf_8_run(struct charset_work *work)
{
	const uint8_t *at;
	char *out;

	if (!work->decoder->started)
		return;
	ascii_run(work);
	at = work->at;
	out = work->out;
	/* Characters of three bytes, but for those whose second byte has narrower limits. */
	while (work->end - at >= 3 && at[0] > 0xe0 && at[0] < 0xf0 && at[0] != 0xed && byte_continues(at[1]) && byte_continues(at[2])) {
		memcpy(out, at, 3);
		at += 3;
		out += 3;
	}
	work->at = at;
	work->out = out;
}

static uint32_t unit_16(const uint8_t *bytes, bool little)
{
	return little ? (uint32_t)(bytes[0] | bytes[1] << 8) : (uint32_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t unit_32(const uint8_t *bytes, bool little)
{
	return little ? unit_16(bytes + 2, true) << 16 | unit_16(bytes, true) : unit_16(bytes, false) << 16 | unit_16(bytes + 2, false);
}

/* At the beginning: a byte order mark decides, even against the label; else the label, else big-endian. */
static bool utf_16_take_mark(struct charset_work *work)
{
	struct charset_decoder *decoder = work->decoder;
	uint32_t mark;

	if (work_lacks(work, 2))
		return false;
	mark = work->end - work->at >= 2 ? unit_16(work->at, false) : 0;
	if (mark == 0xfeff || mark == 0xfffe) {
		decoder->charset = mark == 0xfeff ? CHARSET_UTF_16BE : CHARSET_UTF_16LE;
		work->at += 2;
	}
	if (decoder->charset == CHARSET_UTF_16)
		decoder->charset = CHARSET_UTF_16BE;
	decoder->started = true;
	return true;
}

bool utf_16_step(struct charset_work *work)
{
	bool little = work->decoder->charset == CHARSET_UTF_16LE;
	size_t there = (size_t)(work->end - work->at);
	uint32_t unit, next;

	if (!work->decoder->started)
		return utf_16_take_mark(work);
	if (work_lacks(work, 2))
		return false;
	if (there < 2)
		return work_put_undecodable(work, 1);
	unit = unit_16(work->at, little);
	if (!code_is_high_surrogate(unit))
		return code_is_low_surrogate(unit) ? work_put_undecodable(work, 2) : work_put(work, 2, unit);
	if (work_lacks(work, 4))
		return false;
	next = there >= 4 ? unit_16(work->at + 2, little) : 0;
	return code_is_low_surrogate(next) ? work_put(work, 4, surrogates_join(unit, next)) : work_put_undecodable(work, 2);
}

/* As utf_16_take_mark(). */
static bool utf_32_take_mark(struct charset_work *work)
{
	struct charset_decoder *decoder = work->decoder;
	uint32_t mark;

	if (work_lacks(work, 4))
		return false;
	mark = work->end - work->at >= 4 ? unit_32(work->at, false) : 0;
	if (mark == 0xfeff || mark == 0xfffe0000) {
		decoder->charset = mark == 0xfeff ? CHARSET_UTF_32BE : CHARSET_UTF_32LE;
		work->at += 4;
	}
	if (decoder->charset == CHARSET_UTF_32)
		decoder->charset = CHARSET_UTF_32BE;
	decoder->started = true;
	return true;
}

bool utf_32_step(struct charset_work *work)
{
	size_t there = (size_t)(work->end - work->at);
	uint32_t code;

	if (!work->decoder->started)
		return utf_32_take_mark(work);
	if (work_lacks(work, 4))
		return false;
	if (there < 4)
		return work_put_undecodable(work, there);
	code = unit_32(work->at, work->decoder->charset == CHARSET_UTF_32LE);
	if (code > 0x10ffff || code_is_high_surrogate(code) || code_is_low_surrogate(code))
		return work_put_undecodable(work, 4);
	return work_put(work, 4, code);
}

/* The value of a base64 character, or -1. */
static int base64_value(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52;
	return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* A surrogate that never found its other half is nothing. */
static void utf_7_drop_surrogate(struct charset_work *work)
{
	if (work->decoder->high_surrogate)
		work_put_undecodable(work, 0);
	work->decoder->high_surrogate = 0;
}

static void utf_7_put_unit(struct charset_work *work, uint16_t unit)
{
	struct charset_decoder *decoder = work->decoder;

	if (decoder->high_surrogate && code_is_low_surrogate(unit)) {
		work_put(work, 0, surrogates_join(decoder->high_surrogate, unit));
		decoder->high_surrogate = 0;
		return;
	}
	utf_7_drop_surrogate(work);
	if (code_is_high_surrogate(unit))
		decoder->high_surrogate = unit;
	else if (code_is_low_surrogate(unit))
		work_put_undecodable(work, 0);
	else
		work_put(work, 0, unit);
}

void utf_7_end(struct charset_work *work)
{
	struct charset_decoder *decoder = work->decoder;

	utf_7_drop_surrogate(work);
	/* Up to five zero bits pad the last character (RFC 2152); more, or others, are the beginning of one. */
	if (decoder->base64_bit_count >= 6 || (decoder->base64_bits & ((1u << decoder->base64_bit_count) - 1)))
		work_put_undecodable(work, 0);
	decoder->base64_bits = 0;
	decoder->base64_bit_count = 0;
	decoder->shifted = false;
}

/* Within base64: one character of it, or its end, which is not taken unless it is "-". */
static bool utf_7_take_base64(struct charset_work *work)
{
	struct charset_decoder *decoder = work->decoder;
	int value = base64_value(*work->at);

	if (value < 0) {
		utf_7_end(work);
		work->at += *work->at == '-';
		return true;
	}
	work->at++;
	decoder->base64_bits = decoder->base64_bits << 6 | (uint32_t)value;
	decoder->base64_bit_count = (uint8_t)(decoder->base64_bit_count + 6);
	if (decoder->base64_bit_count >= 16) {
		decoder->base64_bit_count = (uint8_t)(decoder->base64_bit_count - 16);
		utf_7_put_unit(work, (uint16_t)(decoder->base64_bits >> decoder->base64_bit_count));
	}
	return true;
}

bool utf_7_step(struct charset_work *work)
{
	uint8_t byte = *work->at;

	if (work->decoder->shifted)
		return utf_7_take_base64(work);
	if (byte >= 0x80)
		return work_put_undecodable(work, 1);
	if (byte != '+')
		return work_put(work, 1, byte);
	if (work_lacks(work, 2))
		return false;
	if (work_byte(work, 1) == '-')
		return work_put(work, 2, '+');
	if (base64_value(work_byte(work, 1)) < 0)
		return work_put(work, 1, '+'); /* begins nothing: left as it stands */
	work->decoder->shifted = true;
	work->at++;
	return true;
}
