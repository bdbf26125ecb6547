/*
 * charset: the decoder as its callers see it; blocks in, text out. See charset.h; the sets are in charset_*.c.
 */
#include "mail/charset_work.h"

/* US-ASCII has no upper half. */
static const uint16_t no_upper_half[128];

#define SINGLE(table) .single = single_byte_codes[SINGLE_BYTE_##table]

static const struct charset_kind kinds[CHARSET_COUNT] = {
	[CHARSET_UNKNOWN] = { "unknown", .single = no_upper_half },
	[CHARSET_US_ASCII] = { "US-ASCII", .single = no_upper_half },
	[CHARSET_UTF_8] = { "UTF-8", .step = utf_8_step, .run = utf_8_run },
	[CHARSET_UTF_7] = { "UTF-7", .step = utf_7_step },
	[CHARSET_UTF_16] = { "UTF-16", .step = utf_16_step },
	[CHARSET_UTF_16LE] = { "UTF-16LE", .step = utf_16_step },
	[CHARSET_UTF_16BE] = { "UTF-16BE", .step = utf_16_step },
	[CHARSET_UTF_32] = { "UTF-32", .step = utf_32_step },
	[CHARSET_UTF_32LE] = { "UTF-32LE", .step = utf_32_step },
	[CHARSET_UTF_32BE] = { "UTF-32BE", .step = utf_32_step },
	[CHARSET_ISO_2022_JP] = { "ISO-2022-JP", .step = iso_2022_step, .run = iso_2022_run },
	[CHARSET_SHIFT_JIS] = { "Shift_JIS", .step = shift_jis_step, .run = shift_jis_run },
	[CHARSET_EUC_JP] = { "EUC-JP", .step = euc_jp_step, .run = euc_jp_run },
	[CHARSET_SHIFT_JISX0213] = { "Shift_JISX0213", .step = shift_jisx0213_step, .run = ascii_run },
	[CHARSET_EUC_JISX0213] = { "EUC-JISX0213", .step = euc_jisx0213_step, .run = ascii_run },
	[CHARSET_GB18030] = { "GB18030", .step = gb18030_step, .run = ascii_run },
	[CHARSET_HZ] = { "HZ-GB-2312", .step = hz_step },
	[CHARSET_ISO_2022_CN] = { "ISO-2022-CN", .step = iso_2022_step, .run = iso_2022_run },
	[CHARSET_BIG5] = { "Big5", .step = big5_step, .run = ascii_run },
	[CHARSET_EUC_KR] = { "EUC-KR", .step = euc_kr_step, .run = ascii_run },
	[CHARSET_ISO_2022_KR] = { "ISO-2022-KR", .step = iso_2022_step, .run = iso_2022_run },
	[CHARSET_WINDOWS_1252] = { "windows-1252", SINGLE(CP1252) },
	[CHARSET_WINDOWS_1250] = { "windows-1250", SINGLE(CP1250) },
	[CHARSET_WINDOWS_1251] = { "windows-1251", SINGLE(CP1251) },
	[CHARSET_WINDOWS_1253] = { "windows-1253", SINGLE(CP1253) },
	[CHARSET_WINDOWS_1254] = { "windows-1254", SINGLE(CP1254) },
	[CHARSET_WINDOWS_1255] = { "windows-1255", SINGLE(CP1255) },
	[CHARSET_WINDOWS_1256] = { "windows-1256", SINGLE(CP1256) },
	[CHARSET_WINDOWS_1257] = { "windows-1257", SINGLE(CP1257) },
	[CHARSET_WINDOWS_1258] = { "windows-1258", SINGLE(CP1258) },
	[CHARSET_WINDOWS_874] = { "windows-874", SINGLE(CP874) },
	[CHARSET_ISO_8859_2] = { "ISO-8859-2", SINGLE(ISO8859_2) },
	[CHARSET_ISO_8859_3] = { "ISO-8859-3", SINGLE(ISO8859_3) },
	[CHARSET_ISO_8859_4] = { "ISO-8859-4", SINGLE(ISO8859_4) },
	[CHARSET_ISO_8859_5] = { "ISO-8859-5", SINGLE(ISO8859_5) },
	[CHARSET_ISO_8859_6] = { "ISO-8859-6", SINGLE(ISO8859_6) },
	[CHARSET_ISO_8859_7] = { "ISO-8859-7", SINGLE(ISO8859_7) },
	[CHARSET_ISO_8859_8] = { "ISO-8859-8", SINGLE(ISO8859_8) },
	[CHARSET_ISO_8859_10] = { "ISO-8859-10", SINGLE(ISO8859_10) },
	[CHARSET_ISO_8859_13] = { "ISO-8859-13", SINGLE(ISO8859_13) },
	[CHARSET_ISO_8859_14] = { "ISO-8859-14", SINGLE(ISO8859_14) },
	[CHARSET_ISO_8859_15] = { "ISO-8859-15", SINGLE(ISO8859_15) },
	[CHARSET_ISO_8859_16] = { "ISO-8859-16", SINGLE(ISO8859_16) },
	[CHARSET_KOI8_R] = { "KOI8-R", SINGLE(KOI8_R) },
	[CHARSET_KOI8_U] = { "KOI8-U", SINGLE(KOI8_U) },
	[CHARSET_MACINTOSH] = { "macintosh", SINGLE(MAC_ROMAN) },
	[CHARSET_MAC_CYRILLIC] = { "x-mac-cyrillic", SINGLE(MAC_CYRILLIC) },
	[CHARSET_IBM437] = { "IBM437", SINGLE(CP437) },
	[CHARSET_IBM850] = { "IBM850", SINGLE(CP850) },
	[CHARSET_IBM852] = { "IBM852", SINGLE(CP852) },
	[CHARSET_IBM866] = { "IBM866", SINGLE(CP866) },
};

const char *charset_name(enum charset charset)
{
	return kinds[charset].name;
}

struct charset_decoder charset_decoder_of(enum charset charset)
{
	struct charset_decoder decoder = { .charset = charset };

	iso_2022_begin(&decoder);
	return decoder;
}

static void single_byte_run(struct charset_work *work, const uint16_t *upper_half)
{
	while (work->at < work->end) {
		ascii_run(work);
		while (work->at < work->end && *work->at >= 0x80)
			work_put_cell(work, 1, upper_half[*work->at - 0x80]);
	}
}

static void steps_run(struct charset_work *work, const struct charset_kind *kind)
{
	while (work->at < work->end) {
		if (kind->run)
			kind->run(work);
		if (work->at < work->end && !kind->step(work))
			return;
	}
}

size_t charset_block(struct charset_decoder *decoder, const uint8_t *bytes, size_t count, bool final,
		     char text[static CHARSET_TEXT_BYTES], size_t *ret_length)
{
	struct charset_work work = { .decoder = decoder, .at = bytes, .end = bytes + count, .final = final, .out = text };
	const struct charset_kind *kind = &kinds[decoder->charset];

	if (kind->single)
		single_byte_run(&work, kind->single);
	else
		steps_run(&work, kind);
	if (final && decoder->charset == CHARSET_UTF_7)
		utf_7_end(&work);
	*ret_length = (size_t)(work.out - text);
	return (size_t)(work.at - bytes);
}

/* Appends text, or at the limit as many whole characters as fit. */
static void text_put(struct buf *out, const char *text, size_t length)
{
	size_t room = out->limit_bytes ? out->limit_bytes - out->length : SIZE_MAX;

	if (out->overflow)
		return;
	if (length > room) {
		length = room;
		while (length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80)
			length--;
		out->overflow = true;
	}
	buf_put(out, text, length);
}

/* One block; returns how many bytes were used. */
static size_t block_decode(struct charset_decoder *decoder, const uint8_t *bytes, size_t count, bool final, struct buf *out)
{
	char text[CHARSET_TEXT_BYTES];
	size_t length, used = charset_block(decoder, bytes, count, final, text, &length);

	text_put(out, text, length);
	return used;
}

static void bytes_hold(struct charset_decoder *decoder, const uint8_t *bytes, size_t count)
{
	memcpy(decoder->held, bytes, count);
	decoder->held_count = (uint8_t)count;
}

/* Completes what was held with the first new bytes. Returns how many of these were used, or held in their turn. */
static size_t held_complete(struct charset_decoder *decoder, const uint8_t *bytes, size_t count, struct buf *out)
{
	uint8_t window[4 * CHARSET_HELD_BYTES_MAX];
	size_t held = decoder->held_count, added = sizeof(window) - held, used;

	if (added > count)
		added = count;
	memcpy(window, decoder->held, held);
	memcpy(window + held, bytes, added);
	used = block_decode(decoder, window, held + added, false, out);
	if (used >= held) {
		decoder->held_count = 0;
		return used - held;
	}
	/* Only when all new bytes are in the window: it has room for more than can be held. */
	bytes_hold(decoder, window + used, held + added - used);
	return added;
}

void charset_decode(struct charset_decoder *decoder, struct span in, struct buf *out)
{
	const uint8_t *bytes = (const uint8_t *)in.data;
	size_t left = in.length;

	if (left > 0 && decoder->held_count > 0) {
		size_t used = held_complete(decoder, bytes, left, out);

		bytes += used;
		left -= used;
	}
	while (left > 0) {
		size_t count = left < CHARSET_BLOCK_BYTES ? left : CHARSET_BLOCK_BYTES;
		size_t used = block_decode(decoder, bytes, count, false, out);

		bytes += used;
		left -= used;
		if (count - used == left) {
			bytes_hold(decoder, bytes, left);
			return;
		}
	}
}

void charset_finish(struct charset_decoder *decoder, struct buf *out)
{
	block_decode(decoder, decoder->held, decoder->held_count, true, out);
	decoder->held_count = 0;
}

void charset_next_word(struct charset_decoder *decoder, struct buf *out)
{
	switch (decoder->charset) {
	case CHARSET_ISO_2022_JP:
	case CHARSET_ISO_2022_KR:
	case CHARSET_ISO_2022_CN:
	case CHARSET_HZ:
	case CHARSET_UTF_7:
		charset_finish(decoder, out);
		iso_2022_begin(decoder);
		return;
	default:
		return;
	}
}
