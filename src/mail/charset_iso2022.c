/*
 * charset_iso2022: ISO-2022-JP with all that Japanese mailers put into it, ISO-2022-KR and ISO-2022-CN. See charset_work.h.
 *
 * 7-bit bytes mean what the set in place says: G0, or G1 between SO and SI; one character of G2 after ESC N. Escape sequences put sets
 * into place. Each line begins anew (RFC 1468, 1554, 1557, 1922), so that an escape sequence nobody ended spoils one line, not the letter.
 */
#include "mail/charset_work.h"

enum {
	ESCAPE = 0x1b, SHIFT_OUT = 0x0e, SHIFT_IN = 0x0f,
	ROW_CELLS = 94,
	PLANE_CELLS = 94 * 94,
	USER_ROW = 85,		/* JIS X 0208 and 0212: rows from here on are for users, where nobody else put something */
};

enum place { PLACE_G0, PLACE_G1, PLACE_G2, PLACE_NONE };

enum set {
	SET_ASCII,		/* and JIS X 0201 Roman */
	SET_KANA,
	SET_LATIN_1, SET_GREEK,	/* upper halves */
	SET_TWO_BYTES,		/* from here on sets of two bytes */
	SET_JIS0208 = SET_TWO_BYTES,
	SET_JIS0212,
	SET_JISX0213_PLANE_1, SET_JISX0213_PLANE_2,
	SET_GB2312,
	SET_KS_X_1001,
	SET_USER,		/* 外字 of ISO-2022-JP-MS */
	SET_UNDECODABLE,	/* known, but not in our tables: CNS 11643 */
};

/* What follows ESC, and what it puts where. Those that nearly all mail has come first. */
static const struct escape {
	char tail[4];
	enum place place;
	enum set set;
} escapes[] = {
	{ "$B", PLACE_G0, SET_JIS0208 },
	{ "(B", PLACE_G0, SET_ASCII },
	{ "(J", PLACE_G0, SET_ASCII },
	{ "(H", PLACE_G0, SET_ASCII }, /* never registered so, but written by old mailers for (J */
	{ "(I", PLACE_G0, SET_KANA },
	{ "$@", PLACE_G0, SET_JIS0208 },
	{ "$(@", PLACE_G0, SET_JIS0208 },
	{ "$(B", PLACE_G0, SET_JIS0208 },
	{ "&@", PLACE_NONE, SET_ASCII }, /* announces the edition of 1990 */
	{ "$(D", PLACE_G0, SET_JIS0212 },
	{ "$(O", PLACE_G0, SET_JISX0213_PLANE_1 },
	{ "$(Q", PLACE_G0, SET_JISX0213_PLANE_1 },
	{ "$(P", PLACE_G0, SET_JISX0213_PLANE_2 },
	{ "$(?", PLACE_G0, SET_USER },
	{ "$A", PLACE_G0, SET_GB2312 },
	{ "$(A", PLACE_G0, SET_GB2312 },
	{ "$(C", PLACE_G0, SET_KS_X_1001 },
	{ ")B", PLACE_G1, SET_ASCII },
	{ ")J", PLACE_G1, SET_ASCII },
	{ ")I", PLACE_G1, SET_KANA },
	{ "$)B", PLACE_G1, SET_JIS0208 },
	{ "$)A", PLACE_G1, SET_GB2312 },
	{ "$)C", PLACE_G1, SET_KS_X_1001 },
	{ "$)G", PLACE_G1, SET_UNDECODABLE },
	{ "$)E", PLACE_G1, SET_UNDECODABLE },
	{ "$*H", PLACE_G2, SET_UNDECODABLE },
	{ ".A", PLACE_G2, SET_LATIN_1 },
	{ ".F", PLACE_G2, SET_GREEK },
};

void iso_2022_begin(struct charset_decoder *decoder)
{
	static const enum set shifted_sets[CHARSET_COUNT] = {
		[CHARSET_ISO_2022_JP] = SET_KANA, [CHARSET_ISO_2022_KR] = SET_KS_X_1001, [CHARSET_ISO_2022_CN] = SET_GB2312,
	};

	decoder->shifted = false;
	decoder->sets[PLACE_G0] = SET_ASCII;
	decoder->sets[PLACE_G1] = (uint8_t)shifted_sets[decoder->charset];
	decoder->sets[PLACE_G2] = SET_ASCII; /* nothing */
}

/* The cell of two 7-bit bytes in a set of two bytes; 0: none. */
static uint32_t set_cell(enum set set, uint8_t lead, uint8_t trail)
{
	uint32_t pointer = (lead - 0x21u) * ROW_CELLS + trail - 0x21u;

	switch (set) {
	case SET_JIS0208:
		return jis0208_codes[pointer];
	case SET_JIS0212:
		return jis0212_codes[pointer];
	case SET_JISX0213_PLANE_1:
		return cell_of_planes(jisx0213_codes, jisx0213_plane2, pointer);
	case SET_JISX0213_PLANE_2:
		return cell_of_planes(jisx0213_codes, jisx0213_plane2, pointer + PLANE_CELLS);
	case SET_GB2312:
		return gb18030_codes[(lead + 0x80u - 0x81u) * 190 + trail + 0x80u - 0x41u];
	case SET_KS_X_1001:
		return euc_kr_codes[(lead + 0x80u - 0x81u) * 190 + trail + 0x80u - 0x41u];
	default:
		return 0;
	}
}

/* True when a pair without a character is the sender's own. */
static bool set_has_user_row(enum set set, uint8_t lead)
{
	if (set == SET_JIS0208 || set == SET_JIS0212)
		return lead >= USER_ROW + 0x20;
	if (set == SET_KS_X_1001)
		return lead == 0x49 || lead == 0x7e;
	return set == SET_USER;
}

/* A character of two bytes; a first byte without a second one is nothing. */
static bool put_pair(struct charset_work *work, enum set set)
{
	uint8_t lead = work_byte(work, 0), trail = work_byte(work, 1);
	uint32_t cell;

	if (work_lacks(work, 2))
		return false;
	if (!byte_is_left(trail))
		return work_put_undecodable(work, 1);
	cell = set_cell(set, lead, trail);
	if (cell == 0 && set_has_user_row(set, lead))
		return work_put_user_defined(work, 2);
	return work_put_cell(work, 2, cell);
}

/* ESC N: one character of G2. Where it can be none, ESC is nothing and the rest is text. */
static bool put_single_shift(struct charset_work *work)
{
	enum set set = work->decoder->sets[PLACE_G2];
	uint8_t byte = work_byte(work, 2) & 0x7f;
	uint32_t code = 0;

	if (work_lacks(work, set == SET_UNDECODABLE ? 4 : 3))
		return false;
	if (set == SET_UNDECODABLE && byte_is_left(work_byte(work, 2)) && byte_is_left(work_byte(work, 3)))
		return work_put_undecodable(work, 4);
	if (set == SET_LATIN_1 && byte >= 0x20)
		code = byte + 0x80u;
	else if (set == SET_GREEK && byte >= 0x20)
		code = single_byte_codes[SINGLE_BYTE_ISO8859_7][byte];
	return code ? work_put(work, 3, code) : work_put_undecodable(work, 1);
}

/* How many bytes at the beginning of a tail are there, of so many; tails are short. */
static size_t tail_agree(const char *tail, const uint8_t *bytes, size_t there)
{
	size_t length = 0;

	while (length < there && tail[length] != '\0' && (uint8_t)tail[length] == bytes[length])
		length++;
	return length;
}

/* An escape sequence: puts a set into place and is no text. */
static bool take_escape(struct charset_work *work)
{
	size_t there = (size_t)(work->end - work->at) - 1;
	const uint8_t *tail = work->at + 1;

	if (there > 0 && *tail == 'N')
		return put_single_shift(work);
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		size_t length = tail_agree(escapes[i].tail, tail, there);

		if (escapes[i].tail[length] != '\0') {
			if (length == there && !work->final)
				return false;
			continue;
		}
		if (escapes[i].place != PLACE_NONE)
			work->decoder->sets[escapes[i].place] = (uint8_t)escapes[i].set;
		work->at += 1 + length;
		return true;
	}
	return work_put_undecodable(work, 1);
}

/* Control characters are the same in every set; line ends and shifts also change what follows. */
static bool take_control(struct charset_work *work)
{
	struct charset_decoder *decoder = work->decoder;
	uint8_t byte = *work->at;

	if (byte == ESCAPE)
		return take_escape(work);
	if (byte == SHIFT_OUT || byte == SHIFT_IN) {
		decoder->shifted = byte == SHIFT_OUT;
		work->at++;
		return true;
	}
	if (byte == '\r' || byte == '\n') {
		enum set korean = decoder->sets[PLACE_G1];

		iso_2022_begin(decoder);
		/* RFC 1557: stands once, at the beginning of the text. */
		if (decoder->charset == CHARSET_ISO_2022_KR)
			decoder->sets[PLACE_G1] = (uint8_t)korean;
	}
	return work_put(work, 1, byte);
}

static enum set set_in_place(const struct charset_decoder *decoder)
{
	return decoder->sets[decoder->shifted ? PLACE_G1 : PLACE_G0];
}

bool iso_2022_step(struct charset_work *work)
{
	enum set set = set_in_place(work->decoder);
	uint8_t byte = *work->at;

	if (byte < 0x20)
		return take_control(work);
	if (byte >= 0x80)
		return work->decoder->charset == CHARSET_ISO_2022_JP && byte_is_kana(byte) ?
			       work_put(work, 1, HALF_WIDTH_KANA_FIRST + byte - 0xa1u) : work_put_undecodable(work, 1);
	if (set == SET_ASCII || byte == ' ')
		return work_put(work, 1, byte);
	if (set >= SET_TWO_BYTES && byte != 0x7f)
		return put_pair(work, set);
	if (set == SET_KANA && byte_is_kana(byte | 0x80))
		return work_put(work, 1, HALF_WIDTH_KANA_FIRST + byte - 0x21u);
	return work_put_undecodable(work, 1);
}

static void pairs_run(struct charset_work *work)
{
	const uint8_t *at = work->at;
	char *out = work->out;

	while (work->end - at >= 2 && byte_is_left(at[0]) && byte_is_left(at[1])) {
		uint32_t cell = jis0208_codes[(at[0] - 0x21u) * ROW_CELLS + at[1] - 0x21u];

		if (cell == 0)
			break;
		out = code_put(out, cell);
		at += 2;
	}
	work->at = at;
	work->out = out;
}

static void printable_run(struct charset_work *work)
{
	const uint8_t *at = work->at;
	char *out = work->out;

	while (at < work->end && *at >= 0x20 && *at < 0x80)
		*out++ = (char)*at++;
	work->at = at;
	work->out = out;
}

void iso_2022_run(struct charset_work *work)
{
	enum set set = set_in_place(work->decoder);

	if (set == SET_JIS0208)
		pairs_run(work);
	else if (set == SET_ASCII)
		printable_run(work);
}
