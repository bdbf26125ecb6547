/*
 * charset_guess: which character set the bytes really are in. The rules stand in charset.h and are numbered as there.
 */
#include "mail/charset_work.h"

enum {
	POINTS_KANA = 6,
	POINTS_KANJI = 4,
	POINTS_LETTER = 2,
	POINTS_SYMBOL = 1,		/* half-width kana and Latin letters too */
	POINTS_EUC_KANA = 3,		/* half-width kana that EUC-JP writes with two bytes */
	POINTS_USER_DEFINED = -3,
	POINTS_UNDECODABLE = -6,
	POINTS_ALONE = 5,		/* a Western letter or mark, or one of two letters, where such a thing stands in a word */
	LABEL_LEAD = 2,			/* another needs more than so many times the points of the label */
	ZERO_SHARE = 8,			/* Japanese UTF-16 has a zero half in at least one of so many units */
	KANA_SHARE = 4,			/* and one of so many others is kana or punctuation */
};

struct reading {
	int64_t points;
	uint64_t wrong_count;	/* how often something was undecodable */
	uint64_t long_count;	/* characters that take three or more bytes in UTF-8, without 〓 */
};

/* ---- what the bytes are, before anything is decoded ---- */

struct survey {
	const uint8_t *bytes;
	size_t count;
	bool whole;			/* the sample is all of the text */
	size_t eight_bit;		/* bytes from 0x80 on */
	size_t eight_bit_no_kana;	/* of them, those that are no half-width kana of JIS X 0201 */
	size_t zeros[2];		/* zero bytes at even and at odd offsets */
	bool has_line_end;		/* CR LF */
	size_t escapes;			/* sequences that put a set of several bytes or kana into place */
	enum charset escape_charset;	/* what the first of them says */
};

/* What an escape sequence speaks for; CHARSET_UNKNOWN: nothing. */
static enum charset escape_judge(const uint8_t *tail, size_t there)
{
	static const struct {
		char tail[4];
		uint8_t length;
		enum charset charset;
	} rows[] = {
		{ "$B", 2, CHARSET_ISO_2022_JP }, { "$@", 2, CHARSET_ISO_2022_JP }, { "(I", 2, CHARSET_ISO_2022_JP },
		{ "$(", 2, CHARSET_ISO_2022_JP }, { "$A", 2, CHARSET_ISO_2022_JP }, { "$)C", 3, CHARSET_ISO_2022_KR },
		{ "$)A", 3, CHARSET_ISO_2022_CN }, { "$)G", 3, CHARSET_ISO_2022_CN }, { "$)E", 3, CHARSET_ISO_2022_CN },
		{ "$*H", 3, CHARSET_ISO_2022_CN },
	};

	if (there < 2 || (tail[0] != '$' && tail[0] != '('))
		return CHARSET_UNKNOWN;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (tail[1] == (uint8_t)rows[i].tail[1] && there >= rows[i].length && memcmp(tail, rows[i].tail, rows[i].length) == 0)
			return rows[i].charset;
	return CHARSET_UNKNOWN;
}

/* Calls see for each place of the sample where this byte stands. */
static void survey_find(struct survey *survey, uint8_t byte, void (*see)(struct survey *survey, size_t offset))
{
	const uint8_t *at = survey->bytes, *end = at + survey->count;

	while (at < end && (at = memchr(at, byte, (size_t)(end - at)))) {
		see(survey, (size_t)(at - survey->bytes));
		at++;
	}
}

static void survey_zero(struct survey *survey, size_t offset)
{
	survey->zeros[offset % 2]++;
}

static void survey_line_end(struct survey *survey, size_t offset)
{
	survey->has_line_end |= offset > 0 && survey->bytes[offset - 1] == '\r';
}

static void survey_escape(struct survey *survey, size_t offset)
{
	enum charset charset = escape_judge(survey->bytes + offset + 1, survey->count - offset - 1);

	if (charset != CHARSET_UNKNOWN && survey->escapes++ == 0)
		survey->escape_charset = charset;
}

static void survey_eight_bit(struct survey *survey)
{
	size_t i = 0;

	for (; survey->count - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, survey->bytes + i, sizeof(word));
		/* The highest bit of each byte, added up in the highest byte. */
		survey->eight_bit += (word >> 7 & 0x0101010101010101) * 0x0101010101010101 >> 56;
	}
	for (; i < survey->count; i++)
		survey->eight_bit += survey->bytes[i] >> 7;
	for (i = 0; survey->eight_bit > 0 && i < survey->count; i++)
		survey->eight_bit_no_kana += survey->bytes[i] >= 0x80 && !byte_is_kana(survey->bytes[i]);
}

static struct survey sample_survey(struct span sample)
{
	/* A span without bytes may have no pointer. */
	const char *bytes = sample.length > 0 ? sample.data : "";
	struct survey survey = { .bytes = (const uint8_t *)bytes, .whole = sample.length < CHARSET_SAMPLE_BYTES };

	survey.count = survey.whole ? sample.length : CHARSET_SAMPLE_BYTES;
	survey_find(&survey, 0, survey_zero);
	survey_find(&survey, '\n', survey_line_end);
	survey_find(&survey, 0x1b, survey_escape);
	survey_eight_bit(&survey);
	return survey;
}

/* ---- points of a reading ---- */

static bool code_is_between(uint32_t code, uint32_t first, uint32_t last)
{
	return code >= first && code <= last;
}

/* Points of one decoded character. 〓 is counted by the decoder and gets none here. */
static int code_points(uint32_t code, enum charset charset)
{
	if (code < 0x80 || code == 0x3013)
		return 0;
	if (charset == CHARSET_EUC_JP && code_is_between(code, HALF_WIDTH_KANA_FIRST, 0xff9f))
		return POINTS_EUC_KANA;
	if (code_is_between(code, 0x3001, 0x3015) || code_is_between(code, 0x3041, 0x3096) || code_is_between(code, 0x30a1, 0x30fe))
		return POINTS_KANA;
	if (code_is_between(code, 0x4e00, 0x9fff) || code_is_between(code, 0xac00, 0xd7a3) || code_is_between(code, 0xff01, 0xff5e) ||
	    code == 0x3000)
		return POINTS_KANJI;
	if (code_is_between(code, 0x370, 0x1fff))
		return POINTS_LETTER;
	return POINTS_SYMBOL;
}

/* Adds the characters of valid UTF-8, which is what a decoder makes. */
static void reading_add(struct reading *reading, enum charset charset, const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint8_t first = (uint8_t)text[i];
		size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
		uint32_t code = size == 1 ? first : first & (0x7fu >> size);

		for (size_t k = 1; k < size; k++)
			code = code << 6 | ((uint8_t)text[i + k] & 0x3f);
		reading->points += code_points(code, charset);
		reading->long_count += size >= 3 && code != 0x3013;
		i += size;
	}
}

/* Decodes the sample as charset and adds up. */
static struct reading survey_read(const struct survey *survey, enum charset charset)
{
	struct charset_decoder decoder = charset_decoder_of(charset);
	struct reading reading = { 0 };
	size_t used = 0;

	for (;;) {
		char text[CHARSET_TEXT_BYTES];
		size_t left = survey->count - used, length, block;
		bool last = left <= CHARSET_BLOCK_BYTES;

		block = charset_block(&decoder, survey->bytes + used, last ? left : CHARSET_BLOCK_BYTES, last && survey->whole, text, &length);
		reading_add(&reading, charset, text, length);
		used += block;
		if (last)
			break;
	}
	reading.wrong_count = decoder.undecodable_count;
	reading.points += POINTS_UNDECODABLE * (int64_t)decoder.undecodable_count;
	reading.points += POINTS_USER_DEFINED * (int64_t)decoder.user_defined_count;
	return reading;
}

static bool byte_is_ascii_letter(uint8_t byte)
{
	return code_is_between(byte | 0x20u, 'a', 'z');
}

/* The byte at an offset of the sample; 0 before its beginning and behind its end. */
static uint8_t survey_byte(const struct survey *survey, size_t at)
{
	return at < survey->count ? survey->bytes[at] : 0;
}

static bool byte_is_small_letter(uint8_t byte)
{
	return code_is_between(byte, 'a', 'z');
}

/*
 * True for one of two small letters beyond ASCII that stand together in a word, as in "créée" and "coração". In Japanese sets such
 * pairs are rare kanji, which do not stand next to a small letter.
 */
static bool byte_is_paired(const struct survey *survey, size_t at)
{
	size_t first = survey_byte(survey, at + 1) >= 0xe0 ? at : at - 1; /* of the two */
	uint8_t before = survey_byte(survey, first - 1), after = survey_byte(survey, first + 2);

	return survey_byte(survey, first) >= 0xe0 && survey_byte(survey, first + 1) >= 0xe0 && before < 0x80 && after < 0x80 &&
	       (byte_is_small_letter(before) || byte_is_small_letter(after));
}

/* Points of the 8-bit byte at this offset as Windows-1252, by what stands around it. */
static int western_points(const struct survey *survey, size_t at)
{
	uint8_t byte = survey->bytes[at], before = survey_byte(survey, at - 1), after = survey_byte(survey, at + 1);
	bool letter_before = byte_is_ascii_letter(before), letter_after = byte_is_ascii_letter(after);
	bool alone = before < 0x80 && after < 0x80;

	if (single_byte_codes[SINGLE_BYTE_CP1252][byte - 0x80] == 0)
		return POINTS_UNDECODABLE;
	switch (byte) {
	case 0x80: /* euro sign */
		return alone ? POINTS_LETTER : 0;
	case 0x92: /* apostrophe */
		return alone && letter_before ? POINTS_ALONE : 0;
	case 0x91: case 0x93: /* opening quotation marks */
		return alone && !letter_before && letter_after ? POINTS_ALONE : 0;
	case 0x94: /* closing quotation mark */
		return alone && before > ' ' && !letter_after ? POINTS_ALONE : 0;
	case 0x9c: /* "œ" */
		return alone && byte_is_small_letter(after) ? POINTS_ALONE : 0;
	default:
		break;
	}
	if (byte >= 0xc0 && alone && (letter_before || letter_after))
		return POINTS_ALONE;
	if (byte >= 0xe0 && byte_is_paired(survey, at))
		return POINTS_ALONE;
	if (byte >= 0xa0 && alone)
		return POINTS_LETTER;
	return byte >= 0xc0 ? POINTS_SYMBOL : 0;
}

static struct reading survey_read_western(const struct survey *survey)
{
	struct reading reading = { 0 };

	for (size_t i = 0; i < survey->count; i++) {
		int points = survey->bytes[i] < 0x80 ? 0 : western_points(survey, i);

		reading.points += points;
		reading.wrong_count += points == POINTS_UNDECODABLE;
	}
	return reading;
}

/* ---- the rules ---- */

static bool charset_is_western(enum charset charset)
{
	switch (charset) {
	case CHARSET_WINDOWS_1252: case CHARSET_WINDOWS_1254: case CHARSET_ISO_8859_15: case CHARSET_MACINTOSH: case CHARSET_IBM437:
	case CHARSET_IBM850:
		return true;
	default:
		return false;
	}
}

static bool charset_is_japanese(enum charset charset)
{
	return charset == CHARSET_ISO_2022_JP || (charset >= CHARSET_SHIFT_JIS && charset <= CHARSET_EUC_JISX0213);
}

static bool charset_is_east_asian(enum charset charset)
{
	return charset >= CHARSET_ISO_2022_JP && charset <= CHARSET_ISO_2022_KR;
}

static bool charset_is_wide(enum charset charset)
{
	return charset >= CHARSET_UTF_16 && charset <= CHARSET_UTF_32BE;
}

/* Not US-ASCII when there are 8-bit bytes, and not an unknown one. */
static bool label_can_be_true(enum charset label)
{
	return label != CHARSET_UNKNOWN && label != CHARSET_US_ASCII;
}

/* Rule 1. CHARSET_UNKNOWN: no mark. */
static enum charset mark_find(const struct survey *survey)
{
	static const struct {
		uint8_t length;
		uint8_t bytes[4];
		enum charset charset;
	} marks[] = { /* UTF-32LE begins like UTF-16LE */
		{ 3, { 0xef, 0xbb, 0xbf }, CHARSET_UTF_8 },
		{ 4, { 0xff, 0xfe, 0, 0 }, CHARSET_UTF_32LE },
		{ 4, { 0, 0, 0xfe, 0xff }, CHARSET_UTF_32BE },
		{ 2, { 0xff, 0xfe }, CHARSET_UTF_16LE },
		{ 2, { 0xfe, 0xff }, CHARSET_UTF_16BE },
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (survey->count >= marks[i].length && memcmp(survey->bytes, marks[i].bytes, marks[i].length) == 0)
			return marks[i].charset;
	return CHARSET_UNKNOWN;
}

/* Rule 2: the byte order of UTF-16 and UTF-32 when the label does not say it. */
static struct charset_choice wide_choose(const struct survey *survey, enum charset label)
{
	const size_t *zeros = survey->zeros;

	if (label == CHARSET_UTF_16 && zeros[0] != zeros[1])
		return (struct charset_choice){ zeros[0] > zeros[1] ? CHARSET_UTF_16BE : CHARSET_UTF_16LE, CHARSET_BY_ZEROS };
	if (label == CHARSET_UTF_16 && survey_read(survey, CHARSET_UTF_16LE).points > survey_read(survey, CHARSET_UTF_16BE).points)
		return (struct charset_choice){ CHARSET_UTF_16LE, CHARSET_BY_POINTS };
	if (label == CHARSET_UTF_32 && survey->count >= 4 && survey->bytes[0] != 0 && survey->bytes[3] == 0)
		return (struct charset_choice){ CHARSET_UTF_32LE, CHARSET_BY_ZEROS };
	return (struct charset_choice){ label, CHARSET_BY_LABEL };
}

/* How many 16-bit units are kana or Japanese punctuation: U+3000 to U+30FF. */
static size_t survey_count_kana(const struct survey *survey, bool little)
{
	size_t count = 0;

	for (size_t i = little; i < survey->count; i += 2)
		count += survey->bytes[i] == 0x30;
	return count;
}

/* Rule 4: UTF-16 that nobody announced. CHARSET_UNKNOWN: it is not. */
static enum charset zeros_judge(const struct survey *survey, enum charset label)
{
	size_t zeros = survey->zeros[0] + survey->zeros[1], units = survey->count / 2, others = units - (zeros < units ? zeros : units);
	bool little = survey->zeros[0] == 0;

	if (label_can_be_true(label) && label != CHARSET_UTF_8 && !charset_is_western(label))
		return CHARSET_UNKNOWN;
	if (zeros == 0 || (survey->zeros[0] && survey->zeros[1]) || survey->has_line_end)
		return CHARSET_UNKNOWN;
	if (others > units / 4 && (zeros < units / ZERO_SHARE || survey_count_kana(survey, little) * KANA_SHARE < others))
		return CHARSET_UNKNOWN;
	return little ? CHARSET_UTF_16LE : CHARSET_UTF_16BE;
}

/* Rule 5: how many whole characters of three or more bytes each broken one needs beside it; 0: none is allowed. */
static unsigned broken_share(enum charset label)
{
	if (label == CHARSET_UTF_8 || label == CHARSET_ISO_2022_JP)
		return 1;
	return charset_is_western(label) || !label_can_be_true(label) ? 2 : 0;
}

/* Rule 5. */
static bool is_utf_8(const struct survey *survey, enum charset label)
{
	struct reading reading;

	if (survey->eight_bit == 0)
		return false;
	reading = survey_read(survey, CHARSET_UTF_8);
	if (reading.wrong_count > 0)
		return broken_share(label) > 0 && reading.long_count >= broken_share(label) * reading.wrong_count;
	return reading.long_count > 0 || !charset_is_east_asian(label) || survey_read(survey, label).wrong_count > 0;
}

/* What the label makes of 8-bit bytes; no points for one that cannot be true: US-ASCII, none, ISO-2022-JP without any escape sequence. */
static struct reading label_read(const struct survey *survey, enum charset label)
{
	if (!label_can_be_true(label) || (label == CHARSET_ISO_2022_JP && survey->escapes == 0))
		return (struct reading){ 0 };
	return charset_is_western(label) ? survey_read_western(survey) : survey_read(survey, label);
}

/* Rules 8 and 9. */
static struct charset_choice points_choose(const struct survey *survey, enum charset label)
{
	struct charset_choice choice = { label, CHARSET_BY_LABEL };
	bool is_open = label == CHARSET_UTF_8 || !label_can_be_true(label);
	struct reading own = label_read(survey, label);
	int64_t needed = own.points > 0 ? LABEL_LEAD * own.points : 0;

	if (!is_open && !charset_is_western(label) && !charset_is_japanese(label) && own.wrong_count == 0)
		return choice;

	const struct {
		enum charset charset;
		struct reading reading;
	} others[] = {
		{ CHARSET_SHIFT_JIS, survey_read(survey, CHARSET_SHIFT_JIS) },
		{ CHARSET_EUC_JP, survey_read(survey, CHARSET_EUC_JP) },
		{ CHARSET_WINDOWS_1252, is_open ? survey_read_western(survey) : (struct reading){ 0 } },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i].charset == label || others[i].reading.points <= needed)
			continue;
		needed = others[i].reading.points;
		choice = (struct charset_choice){ others[i].charset, CHARSET_BY_POINTS };
	}
	return choice;
}

struct charset_choice charset_guess(struct span sample, enum charset label)
{
	struct survey survey = sample_survey(sample);
	enum charset mark = mark_find(&survey), wide;
	bool no_zeros = survey.zeros[0] + survey.zeros[1] == 0;

	if (mark != CHARSET_UNKNOWN)
		return (struct charset_choice){ mark, CHARSET_BY_MARK };
	if (charset_is_wide(label)) {
		if (!(no_zeros && survey.has_line_end))
			return wide_choose(&survey, label);
		label = CHARSET_UNKNOWN;
	}
	if ((label == CHARSET_UTF_7 || label == CHARSET_HZ) && survey.eight_bit == 0)
		return (struct charset_choice){ label, CHARSET_BY_LABEL };
	wide = zeros_judge(&survey, label);
	if (wide != CHARSET_UNKNOWN)
		return (struct charset_choice){ wide, CHARSET_BY_ZEROS };
	if (is_utf_8(&survey, label))
		return (struct charset_choice){ CHARSET_UTF_8, label == CHARSET_UTF_8 ? CHARSET_BY_LABEL : CHARSET_BY_UTF_8 };
	if (survey.escapes > 0 && survey.eight_bit_no_kana <= survey.escapes)
		return (struct charset_choice){ survey.escape_charset,
						survey.escape_charset == label ? CHARSET_BY_LABEL : CHARSET_BY_ESCAPE };
	if (survey.eight_bit == 0)
		return (struct charset_choice){ label_can_be_true(label) ? label : CHARSET_UTF_8, CHARSET_BY_LABEL };
	return points_choose(&survey, label);
}
