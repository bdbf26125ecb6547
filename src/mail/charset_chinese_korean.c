/*
 * charset_chinese_korean: GB 18030 (with GBK and GB2312), Big5, the Unified Hangul Code (with EUC-KR), and HZ. See charset_work.h.
 */
#include "mail/charset_work.h"

enum {
	LINEAR_SUPPLEMENTARY = 189000,	/* four-byte pointer of U+10000 */
	LINEAR_BMP_COUNT = 39420,	/* four-byte pointers that may lie below U+10000 */
	ROW_CELLS = 190,
};

/* True for the first byte of a pair in all these sets. */
static bool byte_leads(uint8_t byte)
{
	return byte >= 0x81 && byte <= 0xfe;
}

/* What a four-byte pointer means; 0: nothing. */
static uint32_t gb18030_linear_code(uint32_t pointer)
{
	size_t low = 0, high = GB18030_RANGES;

	if (pointer >= LINEAR_SUPPLEMENTARY)
		return pointer - LINEAR_SUPPLEMENTARY < 0x100000 ? pointer - LINEAR_SUPPLEMENTARY + 0x10000 : 0;
	if (pointer >= LINEAR_BMP_COUNT)
		return 0;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (gb18030_ranges[middle].first <= pointer)
			low = middle;
		else
			high = middle;
	}
	return gb18030_ranges[low].code ? gb18030_ranges[low].code + pointer - gb18030_ranges[low].first : 0;
}

static bool byte_is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* A first byte and a digit: four bytes, or the first one is nothing. */
static bool gb18030_put_four(struct charset_work *work)
{
	uint8_t third = work_byte(work, 2), fourth = work_byte(work, 3);
	uint32_t code;

	if (work_lacks(work, 4))
		return false;
	if (!byte_leads(third) || !byte_is_digit(fourth))
		return work_put_undecodable(work, 1);
	code = gb18030_linear_code(((work->at[0] - 0x81u) * 10 + work->at[1] - '0') * 1260 + (third - 0x81u) * 10 + fourth - '0');
	return code ? work_put(work, 4, code) : work_put_undecodable(work, 4);
}

bool gb18030_step(struct charset_work *work)
{
	uint8_t lead = *work->at, trail = work_byte(work, 1);

	if (lead < 0x80)
		return work_put(work, 1, lead);
	if (lead == 0x80)
		return work_put(work, 1, 0x20ac); /* the euro sign of Microsoft's GBK */
	if (!byte_leads(lead))
		return work_put_undecodable(work, 1);
	if (work_lacks(work, 2))
		return false;
	if (byte_is_digit(trail))
		return gb18030_put_four(work);
	if (trail < 0x40 || trail == 0x7f || trail == 0xff)
		return work_put_undecodable(work, 1);
	return work_put_cell(work, 2, gb18030_codes[(lead - 0x81u) * ROW_CELLS + trail - (trail < 0x7f ? 0x40u : 0x41u)]);
}

bool big5_step(struct charset_work *work)
{
	uint8_t lead = *work->at, trail = work_byte(work, 1);
	uint32_t pointer;

	if (lead < 0x80)
		return work_put(work, 1, lead);
	if (!byte_leads(lead))
		return work_put_undecodable(work, 1);
	if (work_lacks(work, 2))
		return false;
	if (!(trail >= 0x40 && trail <= 0x7e) && !byte_is_right(trail))
		return work_put_undecodable(work, 1);
	pointer = (lead - 0x81u) * 157 + trail - (trail < 0x7f ? 0x40u : 0x62u);
	return work_put_cell(work, 2, cell_of_planes(big5_codes, big5_plane2, pointer));
}

static bool byte_trails_hangul(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte_leads(byte);
}

bool euc_kr_step(struct charset_work *work)
{
	uint8_t lead = *work->at, trail = work_byte(work, 1);

	if (lead < 0x80)
		return work_put(work, 1, lead);
	if (!byte_leads(lead))
		return work_put_undecodable(work, 1);
	if (work_lacks(work, 2))
		return false;
	if (!byte_trails_hangul(trail))
		return work_put_undecodable(work, 1);
	if ((lead == 0xc9 || lead == 0xfe) && byte_is_right(trail))
		return work_put_user_defined(work, 2);
	return work_put_cell(work, 2, euc_kr_codes[(lead - 0x81u) * ROW_CELLS + trail - 0x41u]);
}

/* "~" and what follows it (RFC 1843); what means nothing there is left as it stands. */
static bool hz_take_tilde(struct charset_work *work)
{
	uint8_t next = work_byte(work, 1);

	if (work_lacks(work, 2))
		return false;
	if (next == '~' && !work->decoder->shifted)
		return work_put(work, 2, '~');
	if (next != '\n' && next != (work->decoder->shifted ? '}' : '{'))
		return work_put(work, 1, '~');
	work->decoder->shifted = next == '{';
	work->at += 2;
	return true;
}

bool hz_step(struct charset_work *work)
{
	uint8_t lead = *work->at, trail = work_byte(work, 1);

	if (lead == '~')
		return hz_take_tilde(work);
	if (lead >= 0x80)
		return work_put_undecodable(work, 1);
	if (lead == '\r' || lead == '\n')
		work->decoder->shifted = false;
	if (!work->decoder->shifted || lead <= 0x20)
		return work_put(work, 1, lead);
	if (work_lacks(work, 2))
		return false;
	if (lead == 0x7f || !byte_is_left(trail))
		return work_put_undecodable(work, 1);
	return work_put_cell(work, 2, gb18030_codes[(lead + 0x80u - 0x81u) * ROW_CELLS + trail + 0x80u - 0x41u]);
}
