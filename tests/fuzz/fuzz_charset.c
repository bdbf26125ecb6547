/*
 * fuzz: mail/charset.h with bytes of strangers. The first byte names the character set, the second how the rest is cut. In one piece, byte by
 * byte, in such pieces and in random ones, with a limit or without, the text is the same, it is valid UTF-8, and each 〓 that was counted is in it.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
	if (!condition)
		abort();
}

/* The length of the character that begins with this byte, and its code point; written anew, so that the decoder is not its own judge. */
static size_t character_read(struct span text, size_t offset, uint32_t *ret_code)
{
	uint8_t first = (uint8_t)text.data[offset];
	size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
	uint32_t code = size == 1 ? first : first & (0x7fu >> size);

	demand(size > 0 && size <= text.length - offset);
	for (size_t i = 1; i < size; i++) {
		demand(((uint8_t)text.data[offset + i] & 0xc0) == 0x80);
		code = code << 6 | ((uint8_t)text.data[offset + i] & 0x3f);
	}
	*ret_code = code;
	return size;
}

/* Valid UTF-8 with at least so many 〓. */
static void text_judge(struct span text, uint64_t replaced)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint64_t geta = 0;

	for (size_t offset = 0; offset < text.length;) {
		uint32_t code;
		size_t length = character_read(text, offset, &code);

		demand(code >= smallest[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff));
		geta += code == 0x3013;
		offset += length;
	}
	demand(geta >= replaced);
}

/* Decodes in pieces of at most step bytes; 0: of random sizes. */
static struct charset_decoder bytes_decode(enum charset charset, struct span bytes, size_t step, struct buf *out)
{
	struct charset_decoder decoder = charset_decoder_of(charset);
	uint32_t random = 1;

	while (bytes.length > 0) {
		size_t count = step;

		if (step == 0) {
			random = random * 1103515245 + 12345;
			count = (random >> 16) % 40;
		}
		count = count < bytes.length ? count : bytes.length;
		charset_decode(&decoder, (struct span){ bytes.data, count }, out);
		bytes.data += count;
		bytes.length -= count;
	}
	charset_finish(&decoder, out);
	return decoder;
}

static void cutting_judge(enum charset charset, struct span bytes, size_t step)
{
	struct buf whole = buf_limited(0), cut = buf_limited(0), limited = buf_limited(1 + bytes.length);
	struct charset_decoder first = bytes_decode(charset, bytes, SIZE_MAX, &whole);
	struct charset_decoder second = bytes_decode(charset, bytes, step, &cut);
	struct charset_decoder third = bytes_decode(charset, bytes, step, &limited);

	demand(span_equal(buf_span(&whole), buf_span(&cut)));
	demand(first.undecodable_count == second.undecodable_count && second.undecodable_count == third.undecodable_count);
	demand(first.user_defined_count == second.user_defined_count);
	demand(first.undecodable_count <= bytes.length && whole.length <= 3 * bytes.length);
	text_judge(buf_span(&whole), first.undecodable_count + first.user_defined_count);
	text_judge(buf_span(&limited), 0);
	demand(limited.length <= whole.length && (limited.length == 0 || memcmp(limited.data, whole.data, limited.length) == 0));
	demand(limited.overflow == (whole.length > 1 + bytes.length));
	buf_free(&whole);
	buf_free(&cut);
	buf_free(&limited);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct charset_choice choice, again;
	size_t steps[] = { 0, 1, 0 };
	enum charset charset;
	struct span bytes;

	if (size < 2)
		return 0;
	charset = data[0] % CHARSET_COUNT;
	bytes = (struct span){ (const char *)data + 2, size - 2 };
	steps[2] = data[1] % 16 + 2u;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		cutting_judge(charset, bytes, steps[i]);
	choice = charset_guess(bytes, charset);
	again = charset_guess(bytes, charset);
	demand(choice.charset < CHARSET_COUNT && choice.charset == again.charset && choice.reason == again.reason);
	charset_of_label(bytes);
	return 0;
}
