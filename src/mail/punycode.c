/* punycode: the ASCII form of a host name. */
#include "mail/punycode.h"

#include <errno.h>

#include "mail/text_filter.h"

/* RFC 3492 section 5. */
enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 0x80 };

struct fold_range {
	uint32_t first, last;
	uint32_t to, period;	/* code point first + i stands for to + i % period */
};

/* Blocks of letters in other clothes. Where a block changes its clothes it begins again at the same letter. */
static const struct fold_range fold_ranges[] = {
	{ 0x24b6, 0x24cf, 'A', 26 }, { 0x24d0, 0x24e9, 'a', 26 },	/* circled */
	{ 0xff01, 0xff5e, '!', 94 },	/* full-width */
	{ 0x1d7ce, 0x1d7ff, '0', 10 },	/* mathematical digits */
	{ 0x1f130, 0x1f149, 'A', 26 }, { 0x1f150, 0x1f169, 'A', 26 }, { 0x1f170, 0x1f189, 'A', 26 },	/* squared, negative */
};

uint32_t punycode_fold(uint32_t codepoint)
{
	/* Kana, kanji and Hangul stand for themselves, and most text is made of them. */
	if (codepoint < 0x2024 || (codepoint > 0x3002 && codepoint < 0xfe52))
		return codepoint;
	/* One dot leader, ideographic full stop, small full stop, half-width ideographic full stop. */
	if (codepoint == 0x2024 || codepoint == 0x3002 || codepoint == 0xfe52 || codepoint == 0xff61)
		return '.';
	if (codepoint >= 0x1d400 && codepoint <= 0x1d6a3) {	/* mathematical: A to Z, a to z in 13 faces */
		uint32_t letter = (codepoint - 0x1d400) % 52;

		return letter < 26 ? 'A' + letter : 'a' + letter - 26;
	}
	for (size_t i = 0; i < sizeof(fold_ranges) / sizeof(fold_ranges[0]); i++) {
		const struct fold_range *range = &fold_ranges[i];

		if (codepoint >= range->first && codepoint <= range->last)
			return range->to + (codepoint - range->first) % range->period;
	}
	return codepoint;
}

/* The small letter of those scripts in which homographs of Latin are written. */
static uint32_t letter_lower(uint32_t codepoint)
{
	if ((codepoint >= 'A' && codepoint <= 'Z') || (codepoint >= 0xc0 && codepoint <= 0xde && codepoint != 0xd7))
		return codepoint + 0x20;
	if ((codepoint >= 0x391 && codepoint <= 0x3a9) || (codepoint >= 0x410 && codepoint <= 0x42f))
		return codepoint + 0x20;
	return codepoint >= 0x400 && codepoint <= 0x40f ? codepoint + 0x50 : codepoint;
}

static char digit_of(uint32_t value)
{
	return (char)(value < 26 ? 'a' + value : '0' + value - 26);
}

/* RFC 3492 section 6.1. */
static uint32_t bias_adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	for (delta += delta / points; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static void delta_put(struct buf *out, uint32_t delta, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;

		if (delta < t)
			break;
		buf_putc(out, digit_of(t + (delta - t) % (BASE - t)));
		delta = (delta - t) / (BASE - t);
	}
	buf_putc(out, digit_of(delta));
}

/* Appends those of the characters that are ASCII; their number. */
static uint32_t ascii_put(struct buf *out, const uint32_t *label, size_t length)
{
	uint32_t count = 0;

	for (size_t i = 0; i < length; i++) {
		if (label[i] >= INITIAL_N)
			continue;
		buf_putc(out, (char)label[i]);
		count++;
	}
	return count;
}

/* Appends a label that is not ASCII (RFC 3492 section 6.3). At most 63 characters of 21 bits: delta fits into 32. */
static void label_encode(struct buf *out, const uint32_t *label, size_t length)
{
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS, basic, handled;

	buf_puts(out, "xn--");
	basic = handled = ascii_put(out, label, length);
	if (basic > 0)
		buf_putc(out, '-');
	while (handled < length) {
		uint32_t next = UINT32_MAX;

		for (size_t i = 0; i < length; i++)
			if (label[i] >= n && label[i] < next)
				next = label[i];
		delta += (next - n) * (handled + 1);
		n = next;
		for (size_t i = 0; i < length; i++) {
			delta += label[i] < n;
			if (label[i] != n)
				continue;
			delta_put(out, delta, bias);
			bias = bias_adapt(delta, handled + 1, handled == basic);
			delta = 0;
			handled++;
		}
		delta++;
		n++;
	}
}

static void label_put(struct buf *out, const uint32_t *label, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (label[i] < INITIAL_N)
			continue;
		label_encode(out, label, length);
		return;
	}
	ascii_put(out, label, length);
}

int punycode_host(struct span host, struct buf *out)
{
	uint32_t label[PUNYCODE_LABEL_CHARACTERS_MAX];
	size_t length = 0, begin = out->length;

	while (host.length > 0) {
		uint32_t codepoint;
		size_t bytes = text_codepoint(host, &codepoint);

		if (bytes == 0 || codepoint == UINT32_MAX)
			goto refuse;
		host = span_part(host, bytes, host.length);
		codepoint = letter_lower(punycode_fold(codepoint));
		if (codepoint == '.') {
			label_put(out, label, length);
			buf_putc(out, '.');
			length = 0;
		} else if (length == PUNYCODE_LABEL_CHARACTERS_MAX) {
			goto refuse;
		} else {
			label[length++] = codepoint;
		}
	}
	label_put(out, label, length);
	if (out->length - begin <= PUNYCODE_HOST_BYTES_MAX)
		return 0;
refuse:
	out->length = begin;
	return -EINVAL;
}
