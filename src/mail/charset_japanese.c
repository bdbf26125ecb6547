/*
 * charset_japanese: Shift_JIS and EUC-JP, as Microsoft extended them, and with JIS X 0213. See charset_work.h.
 */
#include "mail/charset_work.h"

enum {
	NOT_A_PAIR = UINT32_MAX,
	ROW_CELLS = 94,
	PLANE_CELLS = 94 * 94,
	SHIFT_JIS_USER_FIRST = 94 * 94,		/* pointers of F040 to F9FC */
	SHIFT_JIS_USER_LAST = 114 * 94 - 1,
	EUC_USER_ROW = 85,			/* rows from here on are for users, where nobody else put something */
};

/* The pointer of a well-formed pair, or NOT_A_PAIR. */
static inline uint32_t shift_jis_pointer(uint8_t lead, uint8_t trail)
{
	uint32_t row_pair, cell;

	if (lead >= 0x81 && lead <= 0x9f)
		row_pair = lead - 0x81u;
	else if (lead >= 0xe0 && lead <= 0xfc)
		row_pair = lead - 0xc1u;
	else
		return NOT_A_PAIR;
	if (trail >= 0x40 && trail <= 0x7e)
		cell = trail - 0x40u;
	else if (trail >= 0x80 && trail <= 0xfc)
		cell = trail - 0x41u;
	else
		return NOT_A_PAIR;
	return row_pair * 2 * ROW_CELLS + cell;
}

/* One character that is neither of two bytes nor undecodable, or a byte that is nothing; false: the first byte of a pair. */
static bool shift_jis_put_single(struct charset_work *work)
{
	uint8_t byte = *work->at;

	if (byte < 0x80)
		return work_put(work, 1, byte);
	if (byte_is_kana(byte))
		return work_put(work, 1, HALF_WIDTH_KANA_FIRST + byte - 0xa1u);
	if (byte == 0x80 || byte == 0xa0 || byte > 0xfc)
		return work_put_undecodable(work, 1);
	return false;
}

bool shift_jis_step(struct charset_work *work)
{
	uint32_t pointer;

	if (shift_jis_put_single(work))
		return true;
	if (work_lacks(work, 2))
		return false;
	pointer = shift_jis_pointer(work->at[0], work_byte(work, 1));
	if (pointer == NOT_A_PAIR)
		return work_put_undecodable(work, 1);
	if (pointer >= SHIFT_JIS_USER_FIRST && pointer <= SHIFT_JIS_USER_LAST)
		return work_put_user_defined(work, 2);
	return work_put_cell(work, 2, jis0208_codes[pointer]);
}

void shift_jis_run(struct charset_work *work)
{
	const uint8_t *at;
	char *out;

	ascii_run(work);
	at = work->at;
	out = work->out;
	while (work->end - at >= 2) {
		uint32_t pointer = shift_jis_pointer(at[0], at[1]);

		if (pointer == NOT_A_PAIR || jis0208_codes[pointer] == 0)
			break;
		out = code_put(out, jis0208_codes[pointer]);
		at += 2;
	}
	work->at = at;
	work->out = out;
}

/* The rows of plane 2 that begin with 0xf0 to 0xf4, lower and upper half; from 0xf5 on they are 79 and up without gaps. */
static const uint8_t plane2_rows[5][2] = { { 1, 8 }, { 3, 4 }, { 5, 12 }, { 13, 14 }, { 15, 78 } };

bool shift_jisx0213_step(struct charset_work *work)
{
	uint32_t pointer;

	if (shift_jis_put_single(work))
		return true;
	if (work_lacks(work, 2))
		return false;
	pointer = shift_jis_pointer(work->at[0], work_byte(work, 1));
	if (pointer == NOT_A_PAIR)
		return work_put_undecodable(work, 1);
	if (pointer >= PLANE_CELLS) {
		uint32_t row = pointer / ROW_CELLS - ROW_CELLS;
		uint32_t real_row = row < 10 ? plane2_rows[row / 2][row % 2] : row - 10 + 79;

		pointer = PLANE_CELLS + (real_row - 1) * ROW_CELLS + pointer % ROW_CELLS;
	}
	return work_put_cell(work, 2, cell_of_planes(jisx0213_codes, jisx0213_plane2, pointer));
}

static inline uint32_t euc_pointer(uint8_t lead, uint8_t trail)
{
	return (lead - 0xa1u) * ROW_CELLS + trail - 0xa1u;
}

/* What EUC-JP and EUC-JISX0213 have alike; false: a pair with or without 0x8f follows, as far as it is there. */
static bool euc_put_single(struct charset_work *work)
{
	uint8_t byte = *work->at;

	if (byte < 0x80)
		return work_put(work, 1, byte);
	if (byte == 0x8e && !work_lacks(work, 2))
		return byte_is_kana(work_byte(work, 1)) ? work_put(work, 2, HALF_WIDTH_KANA_FIRST + work->at[1] - 0xa1u) :
							  work_put_undecodable(work, 1);
	if (byte != 0x8e && byte != 0x8f && !byte_is_right(byte))
		return work_put_undecodable(work, 1);
	return false;
}

/*
 * The length of the pair that begins here, 2 or 3 with 0x8f; 0: it is not all there; else, for a sequence that is not
 * well formed, minus the bytes that are nothing.
 */
static int euc_pair_length(const struct charset_work *work)
{
	int length = *work->at == 0x8f ? 3 : 2;

	if (work_lacks(work, (size_t)length))
		return 0;
	for (int i = 1; i < length; i++)
		if (!byte_is_right(work_byte(work, (size_t)i)))
			return -i;
	return length;
}

bool euc_jp_step(struct charset_work *work)
{
	const uint8_t *pair;
	uint32_t pointer, cell;
	int length;

	if (euc_put_single(work))
		return true;
	length = euc_pair_length(work);
	if (length <= 0)
		return length == 0 ? false : work_put_undecodable(work, (size_t)-length);
	pair = work->at + length - 2;
	pointer = euc_pointer(pair[0], pair[1]);
	cell = length == 3 ? jis0212_codes[pointer] : jis0208_codes[pointer];
	if (cell == 0 && pointer >= (EUC_USER_ROW - 1) * ROW_CELLS)
		return work_put_user_defined(work, (size_t)length);
	return work_put_cell(work, (size_t)length, cell);
}

void euc_jp_run(struct charset_work *work)
{
	const uint8_t *at;
	char *out;

	ascii_run(work);
	at = work->at;
	out = work->out;
	while (work->end - at >= 2 && byte_is_right(at[0]) && byte_is_right(at[1])) {
		uint32_t cell = jis0208_codes[euc_pointer(at[0], at[1])];

		if (cell == 0)
			break;
		out = code_put(out, cell);
		at += 2;
	}
	work->at = at;
	work->out = out;
}

bool euc_jisx0213_step(struct charset_work *work)
{
	const uint8_t *pair;
	uint32_t pointer;
	int length;

	if (euc_put_single(work))
		return true;
	length = euc_pair_length(work);
	if (length <= 0)
		return length == 0 ? false : work_put_undecodable(work, (size_t)-length);
	pair = work->at + length - 2;
	pointer = euc_pointer(pair[0], pair[1]) + (length == 3 ? (uint32_t)PLANE_CELLS : 0);
	return work_put_cell(work, (size_t)length, cell_of_planes(jisx0213_codes, jisx0213_plane2, pointer));
}
