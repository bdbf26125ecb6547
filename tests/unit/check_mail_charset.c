/* mail/charset: what Japanese mail brings, what strangers send, and that no way of cutting the bytes changes the text. */
#include "mail/charset.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define BYTES(text) { (text), sizeof(text) - 1 }

static const struct {
	const char *what;
	enum charset charset;
	struct span bytes;
	const char *text;
	unsigned undecodable, user_defined;
} rows[] = {
	/* ISO-2022-JP as it should be */
	{ "plain", CHARSET_ISO_2022_JP, BYTES("a \x1b$B$\"$$\x1b(B b"), "a あい b", 0, 0 },
	{ "edition of 1978", CHARSET_ISO_2022_JP, BYTES("\x1b$@F|K\\\x1b(J"), "日本", 0, 0 },
	{ "edition of 1990, announced", CHARSET_ISO_2022_JP, BYTES("\x1b&@\x1b$BF|\x1b(B"), "日", 0, 0 },
	{ "kanji made of ASCII syntax", CHARSET_ISO_2022_JP, BYTES("\x1b$B<s<s>\"\x1b(B<"), "首首匠<", 0, 0 },
	{ "wave dash and minus as Microsoft has them", CHARSET_ISO_2022_JP, BYTES("\x1b$B!A!]!B\x1b(B"), "～－∥", 0, 0 },
	{ "cells at the edges", CHARSET_ISO_2022_JP, BYTES("\x1b$B!!t&\x1b(B"), "　熙", 0, 0 },
	/* ISO-2022-JP as it is */
	{ "NEC row 13: circled digit", CHARSET_ISO_2022_JP, BYTES("\x1b$B-!-j-t\x1b(B"), "①㈱∑", 0, 0 },
	{ "NEC row 13: era and unit", CHARSET_ISO_2022_JP, BYTES("\x1b$B-\x6d-_-@\x1b(B"), "㍾㍻㍉", 0, 0 },
	{ "NEC-selected: 髙 and 﨑", CHARSET_ISO_2022_JP, BYTES("\x1b$B|byu\x1b(B"), "髙﨑", 0, 0 },
	{ "half-width kana by escape", CHARSET_ISO_2022_JP, BYTES("\x1b(I6E\\\x1b(B!"), "ｶﾅﾜ!", 0, 0 },
	{ "half-width kana by SO and SI", CHARSET_ISO_2022_JP, BYTES("a\x0e\x36\x45\x0f" "a"), "aｶﾅa", 0, 0 },
	{ "half-width kana as 8-bit bytes", CHARSET_ISO_2022_JP, BYTES("a\xb6\xc5\xdf"), "aｶﾅﾟ", 0, 0 },
	{ "8-bit kana between kanji", CHARSET_ISO_2022_JP, BYTES("\x1b$BF|\xb6K\\\x1b(B"), "日ｶ本", 0, 0 },
	{ "kana without a meaning", CHARSET_ISO_2022_JP, BYTES("\x1b(I6\x60\x7f\x1b(B"), "ｶ〓〓", 2, 0 },
	{ "8-bit bytes without a meaning", CHARSET_ISO_2022_JP, BYTES("\x80\xa0\xe0\xff"), "〓〓〓〓", 4, 0 },
	{ "JIS Roman is ASCII", CHARSET_ISO_2022_JP, BYTES("\x1b$BF|\x1b(J~\\"), "日~\\", 0, 0 },
	{ "unregistered (H", CHARSET_ISO_2022_JP, BYTES("\x1b$BF|\x1b(Ha"), "日a", 0, 0 },
	{ "JIS X 0212", CHARSET_ISO_2022_JP, BYTES("\x1b$(D0!mc\x1b(B"), "丂龥", 0, 0 },
	{ "JIS X 0213, both planes", CHARSET_ISO_2022_JP, BYTES("\x1b$(Q.!\x1b$(P!!\x1b(B"), "俱𠂉", 0, 0 },
	{ "JIS X 0213: a pair", CHARSET_ISO_2022_JP, BYTES("\x1b$(O$w\x1b(B"), "か゚", 0, 0 },
	{ "GB2312 of ISO-2022-JP-2", CHARSET_ISO_2022_JP, BYTES("\x1b$AVP\x1b(B"), "中", 0, 0 },
	{ "KS C 5601 of ISO-2022-JP-2", CHARSET_ISO_2022_JP, BYTES("\x1b$(CGQ\x1b(B"), "한", 0, 0 },
	{ "Latin and Greek of ISO-2022-JP-2", CHARSET_ISO_2022_JP, BYTES("\x1b.A\x1bNi\x1b.F\x1bNa"), "éα", 0, 0 },
	{ "single shift to nowhere", CHARSET_ISO_2022_JP, BYTES("\x1bN<b"), "〓N<b", 1, 0 },
	{ "外字", CHARSET_ISO_2022_JP, BYTES("\x1b$Bu!~~\x1b(B"), "〓〓", 0, 2 },
	{ "外字 of ISO-2022-JP-MS", CHARSET_ISO_2022_JP, BYTES("\x1b$(?!!\x1b(B"), "〓", 0, 1 },
	{ "pair without a character", CHARSET_ISO_2022_JP, BYTES("\x1b$B\"/)<\x1b(B"), "〓〓", 2, 0 },
	{ "nobody ended the kanji", CHARSET_ISO_2022_JP, BYTES("\x1b$BF|\r\nSubject: x\n"), "日\r\nSubject: x\n", 0, 0 },
	{ "nobody ended the kana", CHARSET_ISO_2022_JP, BYTES("\x1b(I6\n6\x0e" "6\r6"), "ｶ\n6ｶ\r6", 0, 0 },
	{ "line end within a pair", CHARSET_ISO_2022_JP, BYTES("\x1b$BF\n<b>"), "〓\n<b>", 1, 0 },
	{ "escape within a pair", CHARSET_ISO_2022_JP, BYTES("\x1b$BF\x1b(B|"), "〓|", 1, 0 },
	{ "text ends within a pair", CHARSET_ISO_2022_JP, BYTES("\x1b$BF|K"), "日〓", 1, 0 },
	{ "text ends within an escape", CHARSET_ISO_2022_JP, BYTES("a\x1b$"), "a〓$", 1, 0 },
	{ "text ends with ESC", CHARSET_ISO_2022_JP, BYTES("a\x1b"), "a〓", 1, 0 },
	{ "escape that means nothing", CHARSET_ISO_2022_JP, BYTES("\x1b[31m"), "〓[31m", 1, 0 },
	{ "escape nearly right", CHARSET_ISO_2022_JP, BYTES("\x1b$(Zab"), "〓$(Zab", 1, 0 },
	{ "ESC ESC", CHARSET_ISO_2022_JP, BYTES("\x1b\x1b$BF|\x1b(B"), "〓日", 1, 0 },
	{ "space and tab between kanji", CHARSET_ISO_2022_JP, BYTES("\x1b$BF| K\\\tF|\x1b(B"), "日 本\t日", 0, 0 },
	{ "DEL among kanji", CHARSET_ISO_2022_JP, BYTES("\x1b$B\x7f" "F|\x1b(B"), "〓日", 1, 0 },
	{ "empty runs", CHARSET_ISO_2022_JP, BYTES("\x1b$B\x1b(B\x1b$B\x1b(I\x1b(Bx"), "x", 0, 0 },
	/* Shift_JIS */
	{ "plain", CHARSET_SHIFT_JIS, BYTES("a\x82\xa0\x93\xfa\x96{b"), "aあ日本b", 0, 0 },
	{ "second byte is a backslash", CHARSET_SHIFT_JIS, BYTES("\x95\x5c\x8e\xa6\x83\x5c\\"), "表示ソ\\", 0, 0 },
	{ "second byte is a pipe or an at sign", CHARSET_SHIFT_JIS, BYTES("\x83|\x83@\x81|"), "ポァ－", 0, 0 },
	{ "wave dash is FULLWIDTH TILDE", CHARSET_SHIFT_JIS, BYTES("\x81\x60\x81\x61\x81\x7c\x81\x91\x81\xca"), "～∥－￠￢", 0, 0 },
	{ "half-width kana", CHARSET_SHIFT_JIS, BYTES("\xa1\xb1\xdf"), "｡ｱﾟ", 0, 0 },
	{ "NEC row 13", CHARSET_SHIFT_JIS, BYTES("\x87\x40\x87\x8a\x87\x54\x87\x82"), "①㈱Ⅰ№", 0, 0 },
	{ "NEC-selected", CHARSET_SHIFT_JIS, BYTES("\xed\x40\xee\xfc\xee\xe0"), "纊＂髙", 0, 0 },
	{ "IBM extensions", CHARSET_SHIFT_JIS, BYTES("\xfa\x40\xfb\xfc\xfc\x4b\xfa\xb1"), "ⅰ髙黑﨑", 0, 0 },
	{ "外字", CHARSET_SHIFT_JIS, BYTES("\xf0\x40\xf9\xfc"), "〓〓", 0, 2 },
	{ "外字 with a backslash", CHARSET_SHIFT_JIS, BYTES("\xf0\\x"), "〓x", 0, 1 },
	{ "pair without a character", CHARSET_SHIFT_JIS, BYTES("\x85\x5cx\xfc\x4cy"), "〓x〓y", 2, 0 },
	{ "bytes without a meaning", CHARSET_SHIFT_JIS, BYTES("\x80\xa0\xfd\xfe\xff"), "〓〓〓〓〓", 5, 0 },
	{ "quote behind a first byte", CHARSET_SHIFT_JIS, BYTES("\x81\"\x82<\x83\n"), "〓\"〓<〓\n", 3, 0 },
	{ "second byte DEL", CHARSET_SHIFT_JIS, BYTES("\x81\x7f\x82\xa0"), "〓\x7fあ", 1, 0 },
	{ "text ends within a pair", CHARSET_SHIFT_JIS, BYTES("a\x82"), "a〓", 1, 0 },
	{ "Shift_JISX0213, both planes and a pair", CHARSET_SHIFT_JISX0213, BYTES("\x87\x9f\xf0\x40\xfc\xf4\x82\xf5"), "俱𠂉𪚲か゚", 0, 0 },
	/* EUC-JP */
	{ "plain", CHARSET_EUC_JP, BYTES("a\xa4\xa2\xc6\xfc\xcb\xdc"), "aあ日本", 0, 0 },
	{ "half-width kana", CHARSET_EUC_JP, BYTES("\x8e\xb1\x8e\xdf"), "ｱﾟ", 0, 0 },
	{ "no half-width kana", CHARSET_EUC_JP, BYTES("\x8e\xe0\x8e<"), "〓〓〓<", 3, 0 },
	{ "JIS X 0212", CHARSET_EUC_JP, BYTES("\x8f\xb0\xa1\x8f\xed\xe3\x8f\xa2\xb7"), "丂龥～", 0, 0 },
	{ "IBM extensions of eucJP-ms", CHARSET_EUC_JP, BYTES("\x8f\xf3\xf3\x8f\xf4\xfe"), "ⅰ黑", 0, 0 },
	{ "NEC row 13 and NEC-selected", CHARSET_EUC_JP, BYTES("\xad\xa1\xad\xea\xfc\xe2"), "①㈱髙", 0, 0 },
	{ "外字 of both sets", CHARSET_EUC_JP, BYTES("\xf5\xa1\x8f\xfe\xfe"), "〓〓", 0, 2 },
	{ "bytes without a meaning", CHARSET_EUC_JP, BYTES("\x80\x8d\x90\xa0\xff"), "〓〓〓〓〓", 5, 0 },
	{ "bracket behind a first byte", CHARSET_EUC_JP, BYTES("\xa4<\x8f<\x8f\xb0<\xa4\xa2"), "〓<〓<〓<あ", 3, 0 },
	{ "text ends within three bytes", CHARSET_EUC_JP, BYTES("\x8f\xb0"), "〓", 1, 0 },
	{ "EUC-JISX0213, plane 2 and a pair", CHARSET_EUC_JISX0213, BYTES("\x8f\xa1\xa1\xa4\xf7\x8e\xb1\xae\xa1"), "𠂉か゚ｱ俱", 0, 0 },
	/* UTF-8 */
	{ "plain", CHARSET_UTF_8, BYTES("aé日𠮷"), "aé日𠮷", 0, 0 },
	{ "mark at the beginning, and another", CHARSET_UTF_8, BYTES("\xef\xbb\xbf" "a\xef\xbb\xbf"), "a\xef\xbb\xbf", 0, 0 },
	{ "part of a mark", CHARSET_UTF_8, BYTES("\xef\xbb"), "〓", 1, 0 },
	{ "begins like a mark", CHARSET_UTF_8, BYTES("\xef\xbc\xa1"), "Ａ", 0, 0 },
	{ "overlong slash", CHARSET_UTF_8, BYTES("\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf"), "〓〓〓〓〓〓〓〓〓", 9, 0 },
	{ "surrogates", CHARSET_UTF_8, BYTES("\xed\xa0\x80\xed\xb0\x80"), "〓〓〓〓〓〓", 6, 0 },
	{ "above Unicode", CHARSET_UTF_8, BYTES("\xf4\x90\x80\x80\xf5\x80\xff"), "〓〓〓〓〓〓〓", 7, 0 },
	{ "largest", CHARSET_UTF_8, BYTES("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf", 0, 0 },
	{ "cut character, then ASCII", CHARSET_UTF_8, BYTES("\xe6\x97<\xf0\x9f\x98\"\xc3>"), "〓<〓\"〓>", 3, 0 },
	{ "cut character at the end", CHARSET_UTF_8, BYTES("日\xe6\x9c"), "日〓", 1, 0 },
	{ "cut character, then a whole one", CHARSET_UTF_8, BYTES("\xe6\x97本"), "〓本", 1, 0 },
	{ "lonely continuation", CHARSET_UTF_8, BYTES("a\x80\xbf"), "a〓〓", 2, 0 },
	{ "private use and control characters pass", CHARSET_UTF_8, BYTES("\xee\x80\x80\x1b\x7f\xc2\x85"), "\xee\x80\x80\x1b\x7f\xc2\x85", 0, 0 },
	/* UTF-16, UTF-32 */
	{ "with mark, little", CHARSET_UTF_16, BYTES("\xff\xfe\x42\x30\x61\x00"), "あa", 0, 0 },
	{ "with mark, big", CHARSET_UTF_16, BYTES("\xfe\xff\x30\x42\x00\x61"), "あa", 0, 0 },
	{ "without mark", CHARSET_UTF_16, BYTES("\x30\x42"), "あ", 0, 0 },
	{ "mark against the label", CHARSET_UTF_16LE, BYTES("\xfe\xff\x30\x42"), "あ", 0, 0 },
	{ "surrogate pair", CHARSET_UTF_16BE, BYTES("\xd8\x42\xdf\xb7"), "𠮷", 0, 0 },
	{ "surrogates alone", CHARSET_UTF_16BE, BYTES("\xd8\x42\x00<\xdf\xb7\xd8\x42"), "〓<〓〓", 3, 0 },
	{ "odd number of bytes", CHARSET_UTF_16LE, BYTES("a\x00" "b"), "a〓", 1, 0 },
	{ "one byte", CHARSET_UTF_16, BYTES("a"), "〓", 1, 0 },
	{ "UTF-32 with mark", CHARSET_UTF_32, BYTES("\xff\xfe\0\0\xb7\x0b\x02\0"), "𠮷", 0, 0 },
	{ "UTF-32 without mark", CHARSET_UTF_32, BYTES("\0\0\x30\x42"), "あ", 0, 0 },
	{ "UTF-32 surrogate, above Unicode, cut", CHARSET_UTF_32BE, BYTES("\0\0\xd8\0\0\x11\0\0\0\0"), "〓〓〓", 3, 0 },
	/* UTF-7 */
	{ "plain", CHARSET_UTF_7, BYTES("A+ImIDkQ.+-"), "A≢Α.+", 0, 0 },
	{ "tag becomes a tag, once", CHARSET_UTF_7, BYTES("+ADw-b+AD4-+ACs-ADw-"), "<b>+ADw-", 0, 0 },
	{ "surrogate pair", CHARSET_UTF_7, BYTES("+2ELftw-"), "𠮷", 0, 0 },
	{ "surrogate alone", CHARSET_UTF_7, BYTES("+2EI-x+37c-"), "〓x〓", 2, 0 },
	{ "bits left over", CHARSET_UTF_7, BYTES("+A-+AGEB!+MEJ"), "〓a〓!あ〓", 3, 0 },
	{ "ends in base64", CHARSET_UTF_7, BYTES("+MEI"), "あ", 0, 0 },
	{ "line end ends base64", CHARSET_UTF_7, BYTES("+MEI\r\nMEI"), "あ\r\nMEI", 0, 0 },
	{ "8-bit byte", CHARSET_UTF_7, BYTES("\xe3+MEI\x82"), "〓あ〓", 2, 0 },
	{ "plus that begins nothing", CHARSET_UTF_7, BYTES("1 + 1 +"), "1 + 1 +", 0, 0 },
	/* Chinese and Korean */
	{ "GB2312", CHARSET_GB18030, BYTES("a\xd6\xd0\xce\xc4"), "a中文", 0, 0 },
	{ "GB18030 of four bytes", CHARSET_GB18030, BYTES("\x81\x30\x81\x30\x95\x32\x82\x36\xe3\x32\x9a\x35"), "\xc2\x80𠀀\xf4\x8f\xbf\xbf", 0, 0 },
	{ "GB18030 beyond Unicode", CHARSET_GB18030, BYTES("\xe3\x32\x9a\x36\x84\x31\xa5\x30\x84\x31\xff"), "〓〓〓1〓", 4, 0 },
	{ "GB18030 bracket behind a first byte", CHARSET_GB18030, BYTES("\xd6<\xd6" "0<\xd6\x7f"), "〓<〓0<〓\x7f", 3, 0 },
	{ "GBK euro sign", CHARSET_GB18030, BYTES("\x80\xff"), "€〓", 1, 0 },
	{ "Big5", CHARSET_BIG5, BYTES("\xa4\xa4\xa4\xe5\xb3\\"), "中文許", 0, 0 },
	{ "Big5 of Hong Kong, with a pair", CHARSET_BIG5, BYTES("\x88\x62\x87\x7a\x8b\xfa"), "Ê̄㡵𠂇", 0, 0 },
	{ "Big5 quote behind a first byte", CHARSET_BIG5, BYTES("\xa4\"\xa4\x80"), "〓\"〓〓", 3, 0 },
	{ "EUC-KR", CHARSET_EUC_KR, BYTES("\xc7\xd1\xb1\xb9"), "한국", 0, 0 },
	{ "CP949", CHARSET_EUC_KR, BYTES("\x81\x41\xc6\x52"), "갂힣", 0, 0 },
	{ "EUC-KR of users, and broken", CHARSET_EUC_KR, BYTES("\xc9\xa1\xfe\xfe\xb0[\xfe" "A"), "〓〓〓[〓", 2, 2 },
	{ "ISO-2022-KR", CHARSET_ISO_2022_KR, BYTES("\x1b$)C\x0eGQ\x0f a\n\x0eGQ\nGQ"), "한 a\n한\nGQ", 0, 0 },
	{ "ISO-2022-KR of users, and the last row", CHARSET_ISO_2022_KR, BYTES("\x0eI!~~~a\x0f"), "〓〓〓", 0, 3 },
	{ "ISO-2022-CN", CHARSET_ISO_2022_CN, BYTES("\x1b$)A\x0eVP\x0f.\n\x1b$)G\x0e!!\x0f"), "中.\n〓", 1, 0 },
	{ "ISO-2022-CN, plane 2", CHARSET_ISO_2022_CN, BYTES("\x1b$*H\x1bN!!a\n\x1bN!!"), "〓a\n〓N!!", 2, 0 },
	{ "HZ", CHARSET_HZ, BYTES("a~~~{VPND~}b~\nc"), "a~中文bc", 0, 0 },
	{ "HZ broken", CHARSET_HZ, BYTES("~{VP\nVP~x~{V\n\x80"), "中\nVP~x〓\n〓", 2, 0 },
	/* one byte */
	{ "ISO-8859-1 is Windows-1252", CHARSET_WINDOWS_1252, BYTES("caf\xe9 \x93\x80\x94\x81"), "café “€”〓", 1, 0 },
	{ "Latin 9", CHARSET_ISO_8859_15, BYTES("\xa4\xbd\x9b"), "€œ〓", 1, 0 },
	{ "KOI8-R", CHARSET_KOI8_R, BYTES("\xf0\xd2\xc9"), "При", 0, 0 },
	{ "Thai", CHARSET_WINDOWS_874, BYTES("\xa1\xd2\xdb"), "กา〓", 1, 0 },
	{ "US-ASCII with 8-bit bytes", CHARSET_US_ASCII, BYTES("a\xe9z"), "a〓z", 1, 0 },
	{ "unknown", CHARSET_UNKNOWN, BYTES("a\xe9z"), "a〓z", 1, 0 },
};

/* Feeds the bytes in pieces of at most step, or of changing sizes when step is 0. */
static struct charset_decoder bytes_decode(enum charset charset, struct span bytes, size_t step, uint32_t seed, struct buf *out)
{
	struct charset_decoder decoder = charset_decoder_of(charset);

	while (bytes.length > 0) {
		size_t count = step;

		if (step == 0) {
			seed = seed * 1664525 + 1013904223;
			count = seed >> 30;
		}
		if (count > bytes.length)
			count = bytes.length;
		charset_decode(&decoder, (struct span){ bytes.data, count }, out);
		bytes.data += count;
		bytes.length -= count;
	}
	charset_finish(&decoder, out);
	return decoder;
}

static void row_check(int i, size_t step, uint32_t seed)
{
	struct buf out = buf_limited(0);
	struct charset_decoder decoder = bytes_decode(rows[i].charset, rows[i].bytes, step, seed, &out);
	const char *name = charset_name(rows[i].charset);

	ck_assert_msg(strcmp(buf_text(&out), rows[i].text) == 0, "%s, %s, pieces of %zu: \"%s\", not \"%s\"", name, rows[i].what, step,
		      buf_text(&out), rows[i].text);
	ck_assert_msg(decoder.undecodable_count == rows[i].undecodable, "%s, %s: %u undecodable", name, rows[i].what,
		      (unsigned)decoder.undecodable_count);
	ck_assert_msg(decoder.user_defined_count == rows[i].user_defined, "%s, %s: %u of the user", name, rows[i].what,
		      (unsigned)decoder.user_defined_count);
	buf_free(&out);
}

START_TEST(text_is_decoded)
{
	row_check(_i, SIZE_MAX, 0);
}
END_TEST

START_TEST(cutting_changes_nothing)
{
	for (size_t step = 1; step <= 8; step++)
		row_check(_i, step, 0);
	for (uint32_t seed = 0; seed < 50; seed++)
		row_check(_i, 0, seed);
}
END_TEST

/* The row's bytes, behind so much ASCII that they lie across the end of an inner block. */
START_TEST(blocks_change_nothing)
{
	enum { BLOCK = 1024, AROUND = 12 };
	bool two_bytes = rows[_i].charset >= CHARSET_UTF_16 && rows[_i].charset <= CHARSET_UTF_32BE;

	for (size_t padding = BLOCK - AROUND; !two_bytes && padding <= BLOCK; padding++) {
		struct buf in = buf_limited(0), out = buf_limited(0);

		for (size_t i = 0; i < padding; i++)
			buf_putc(&in, 'x');
		buf_put(&in, rows[_i].bytes.data, rows[_i].bytes.length);
		bytes_decode(rows[_i].charset, buf_span(&in), SIZE_MAX, 0, &out);
		/* A mark is one only at the beginning. */
		if (strncmp(rows[_i].bytes.data, "\xef\xbb\xbf", 3) != 0)
			ck_assert_str_eq(buf_text(&out) + padding, rows[_i].text);
		buf_free(&in);
		buf_free(&out);
	}
}
END_TEST

/* At the limit the text ends with a whole character, wherever the bytes were cut. */
START_TEST(limit_keeps_whole_characters)
{
	static const struct {
		const char *what;
		size_t limit;
		const char *text;
		bool overflow;
	} limits[] = {
		{ "within the last", 8, "aあé", true },
		{ "exactly", 9, "aあé日", false },
		{ "one more", 10, "aあé日", false },
		{ "one byte more than before the last", 7, "aあé", true },
		{ "before the last", 6, "aあé", true },
		{ "within the second", 3, "a", true },
		{ "only the first", 1, "a", true },
	};

	for (int i = 0; i < COUNT(limits); i++) {
		for (size_t step = 1; step <= 10; step++) {
			struct buf out = buf_limited(limits[i].limit);
			size_t wanted = strlen(limits[i].text);

			bytes_decode(CHARSET_UTF_8, span_of("aあé日"), step, 0, &out);
			ck_assert_msg(out.length == wanted && memcmp(out.data, limits[i].text, wanted) == 0, "%s", limits[i].what);
			ck_assert_msg(out.overflow == limits[i].overflow, "%s", limits[i].what);
			buf_free(&out);
		}
	}
}
END_TEST

/* Once a character did not fit, a smaller one behind it must not slip in: which ones would depend on the cutting. */
START_TEST(nothing_follows_an_overflow)
{
	struct buf out = buf_limited(4);
	struct charset_decoder decoder = bytes_decode(CHARSET_UTF_8, span_of("あいb\xff"), 1, 0, &out);

	ck_assert_uint_eq(out.length, 3);
	ck_assert_uint_eq(decoder.undecodable_count, 1);
	buf_free(&out);
}
END_TEST

START_TEST(words_are_joined)
{
	static const struct {
		const char *what;
		enum charset charset;
		struct span first, second;
		const char *text;
		unsigned undecodable;
	} words[] = {
		{ "character cut in two", CHARSET_UTF_8, BYTES("日\xe6\x9c"), BYTES("\xac語"), "日本語", 0 },
		{ "Shift_JIS cut in two", CHARSET_SHIFT_JIS, BYTES("\x93\xfa\x96"), BYTES("{"), "日本", 0 },
		{ "kanji not ended", CHARSET_ISO_2022_JP, BYTES("\x1b$BF|"), BYTES("abc"), "日abc", 0 },
		{ "kanji cut in two, without escape", CHARSET_ISO_2022_JP, BYTES("\x1b$BF|K"), BYTES("\\<"), "日〓\\<", 1 },
		{ "both with escapes", CHARSET_ISO_2022_JP, BYTES("\x1b$BF|\x1b(B"), BYTES("\x1b$BK\\\x1b(B"), "日本", 0 },
		{ "base64 not ended", CHARSET_UTF_7, BYTES("+MEI"), BYTES("MEI"), "あMEI", 0 },
		{ "HZ not ended", CHARSET_HZ, BYTES("~{VP"), BYTES("VP"), "中VP", 0 },
	};
	struct buf out = buf_limited(0);
	struct charset_decoder decoder = charset_decoder_of(words[_i].charset);

	charset_decode(&decoder, words[_i].first, &out);
	charset_next_word(&decoder, &out);
	charset_decode(&decoder, words[_i].second, &out);
	charset_finish(&decoder, &out);
	ck_assert_msg(strcmp(buf_text(&out), words[_i].text) == 0, "%s: %s", words[_i].what, buf_text(&out));
	ck_assert_uint_eq(decoder.undecodable_count, words[_i].undecodable);
	buf_free(&out);
}
END_TEST

/* A million escape sequences, a million first bytes, a million marks: time and memory follow the input, nothing more. */
START_TEST(floods_are_only_long)
{
	static const struct {
		const char *what;
		enum charset charset;
		const char *unit;
		unsigned undecodable; /* per unit */
	} floods[] = {
		{ "escapes", CHARSET_ISO_2022_JP, "\x1b$B\x1b(B", 0 },
		{ "broken escapes", CHARSET_ISO_2022_JP, "\x1b", 1 },
		{ "single shifts", CHARSET_ISO_2022_JP, "\x1bN", 1 },
		{ "first bytes", CHARSET_SHIFT_JIS, "\x81 ", 1 },
		{ "marks", CHARSET_UTF_8, "\xf0\x9f\x98", 1 },
		{ "surrogates", CHARSET_UTF_7, "+2EI-", 1 },
	};
	enum { UNITS = 200000 };
	struct charset_decoder decoder = charset_decoder_of(floods[_i].charset);
	struct buf out = buf_limited(1 << 20);

	for (int i = 0; i < UNITS; i++)
		charset_decode(&decoder, span_of(floods[_i].unit), &out);
	charset_finish(&decoder, &out);
	ck_assert_msg(decoder.undecodable_count == floods[_i].undecodable * (uint64_t)UNITS, "%s", floods[_i].what);
	ck_assert_uint_le(out.length, 1 << 20);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *label;
	enum charset charset;
} label_rows[] = {
	{ "ISO-2022-JP", CHARSET_ISO_2022_JP }, { "iso-2022-jp-ms", CHARSET_ISO_2022_JP }, { "CP50220", CHARSET_ISO_2022_JP },
	{ "cp50221", CHARSET_ISO_2022_JP }, { "cp50222", CHARSET_ISO_2022_JP }, { "iso-2022-jp-1", CHARSET_ISO_2022_JP },
	{ "iso-2022-jp-2", CHARSET_ISO_2022_JP }, { "iso-2022-jp-3", CHARSET_ISO_2022_JP }, { "csISO2022JP", CHARSET_ISO_2022_JP },
	{ "Shift_JIS", CHARSET_SHIFT_JIS }, { "shift-jis", CHARSET_SHIFT_JIS }, { "x-sjis", CHARSET_SHIFT_JIS },
	{ "MS_Kanji", CHARSET_SHIFT_JIS }, { "windows-31j", CHARSET_SHIFT_JIS }, { "cp932", CHARSET_SHIFT_JIS },
	{ "EUC-JP", CHARSET_EUC_JP }, { "eucJP-ms", CHARSET_EUC_JP }, { "x-euc-jp", CHARSET_EUC_JP }, { "cp51932", CHARSET_EUC_JP },
	{ "utf-8", CHARSET_UTF_8 }, { "UTF8", CHARSET_UTF_8 }, { " utf-8 ", CHARSET_UTF_8 }, { "\"utf-8\"", CHARSET_UTF_8 },
	{ "uft-8", CHARSET_UTF_8 }, { "utf-7", CHARSET_UTF_7 }, { "unicode-1-1-utf-7", CHARSET_UTF_7 }, { "UTF-16", CHARSET_UTF_16 },
	{ "utf-16le", CHARSET_UTF_16LE }, { "utf-16be", CHARSET_UTF_16BE }, { "utf-32", CHARSET_UTF_32 }, { "us-ascii", CHARSET_US_ASCII },
	{ "ANSI_X3.4-1968", CHARSET_US_ASCII }, { "iso-8859-1", CHARSET_WINDOWS_1252 }, { "ISO_8859-1:1987", CHARSET_WINDOWS_1252 },
	{ "latin1", CHARSET_WINDOWS_1252 }, { "iso-8859-9", CHARSET_WINDOWS_1254 }, { "iso-8859-11", CHARSET_WINDOWS_874 },
	{ "iso-8859-15", CHARSET_ISO_8859_15 }, { "tis-620", CHARSET_WINDOWS_874 }, { "koi8-r", CHARSET_KOI8_R },
	{ "GB2312", CHARSET_GB18030 }, { "gbk", CHARSET_GB18030 }, { "gb18030", CHARSET_GB18030 }, { "hz-gb-2312", CHARSET_HZ },
	{ "Big5", CHARSET_BIG5 }, { "ks_c_5601-1987", CHARSET_EUC_KR }, { "cp949", CHARSET_EUC_KR }, { "euc-kr", CHARSET_EUC_KR },
	{ "iso-2022-kr", CHARSET_ISO_2022_KR }, { "iso-2022-cn", CHARSET_ISO_2022_CN }, { "x-mac-cyrillic", CHARSET_MAC_CYRILLIC },
	{ "", CHARSET_UNKNOWN }, { "x-unknown", CHARSET_UNKNOWN }, { "binary", CHARSET_UNKNOWN }, { "utf-8x", CHARSET_UNKNOWN },
	{ "fakescii", CHARSET_UNKNOWN }, { "iso-8859-17", CHARSET_UNKNOWN },
};

START_TEST(labels_are_known)
{
	ck_assert_msg(charset_of_label(span_of(label_rows[_i].label)) == label_rows[_i].charset, "%s is %s", label_rows[_i].label,
		      charset_name(charset_of_label(span_of(label_rows[_i].label))));
}
END_TEST

/* What we call a set, we also know as a label. */
START_TEST(names_are_labels)
{
	for (enum charset charset = CHARSET_US_ASCII; charset < CHARSET_COUNT; charset++)
		ck_assert_str_eq(charset_name(charset_of_label(span_of(charset_name(charset)))), charset_name(charset));
}
END_TEST

START_TEST(label_has_a_limit)
{
	char label[CHARSET_LABEL_BYTES_MAX + 1];

	memset(label, '-', sizeof(label));
	memcpy(label, "utf8", 4);
	ck_assert_int_eq(charset_of_label((struct span){ label, CHARSET_LABEL_BYTES_MAX }), CHARSET_UTF_8);
	ck_assert_int_eq(charset_of_label((struct span){ label, CHARSET_LABEL_BYTES_MAX + 1 }), CHARSET_UNKNOWN);
}
END_TEST

static Suite *charset_suite(void)
{
	Suite *suite = suite_create("mail/charset");
	TCase *decoding = tcase_create("decoding"), *labels = tcase_create("labels");

	tcase_set_timeout(decoding, 60);
	tcase_add_loop_test(decoding, text_is_decoded, 0, COUNT(rows));
	tcase_add_loop_test(decoding, cutting_changes_nothing, 0, COUNT(rows));
	tcase_add_loop_test(decoding, blocks_change_nothing, 0, COUNT(rows));
	tcase_add_test(decoding, limit_keeps_whole_characters);
	tcase_add_test(decoding, nothing_follows_an_overflow);
	tcase_add_loop_test(decoding, words_are_joined, 0, 7);
	tcase_add_loop_test(decoding, floods_are_only_long, 0, 6);
	suite_add_tcase(suite, decoding);
	tcase_add_loop_test(labels, labels_are_known, 0, COUNT(label_rows));
	tcase_add_test(labels, names_are_labels);
	tcase_add_test(labels, label_has_a_limit);
	suite_add_tcase(suite, labels);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(charset_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
