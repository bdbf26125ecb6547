/* mail/charset: what the bytes really are in, rule by rule, and where the rules end. */
#include "mail/charset.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define BYTES(text) { (text), sizeof(text) - 1 }

/* 会議の資料 */
#define SHIFT_JIS_TEXT "\x89\xef\x8b\x63\x82\xcc\x8e\x91\x97\xbf"
#define EUC_JP_TEXT "\xb2\xf1\xb5\xc4\xa4\xce\xbb\xf1\xce\xc1"
#define ISO_2022_JP_TEXT "\x1b$B2q5D$N;qNA\x1b(B"

static const struct {
	const char *what;
	enum charset label;
	struct span sample;
	enum charset charset;
	enum charset_reason reason;
} rows[] = {
	/* rule 1 */
	{ "mark of UTF-8", CHARSET_SHIFT_JIS, BYTES("\xef\xbb\xbf" "abc"), CHARSET_UTF_8, CHARSET_BY_MARK },
	{ "mark of UTF-16LE", CHARSET_UTF_8, BYTES("\xff\xfe\x42\x30"), CHARSET_UTF_16LE, CHARSET_BY_MARK },
	{ "mark of UTF-16BE against little", CHARSET_UTF_16LE, BYTES("\xfe\xff\x30\x42"), CHARSET_UTF_16BE, CHARSET_BY_MARK },
	{ "mark of UTF-32LE", CHARSET_UNKNOWN, BYTES("\xff\xfe\0\0a\0\0\0"), CHARSET_UTF_32LE, CHARSET_BY_MARK },
	{ "mark of UTF-32BE", CHARSET_UNKNOWN, BYTES("\0\0\xfe\xff\0\0\0a"), CHARSET_UTF_32BE, CHARSET_BY_MARK },
	/* rule 2 */
	{ "UTF-16 as labelled", CHARSET_UTF_16LE, BYTES("\x42\x30"), CHARSET_UTF_16LE, CHARSET_BY_LABEL },
	{ "UTF-16 that is not", CHARSET_UTF_16, BYTES("abc\r\n"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "UTF-16 that is UTF-8", CHARSET_UTF_16LE, BYTES("日本\r\n"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "UTF-16 by its zeros", CHARSET_UTF_16, BYTES("a\0b\0\xe5\x65"), CHARSET_UTF_16LE, CHARSET_BY_ZEROS },
	{ "UTF-16 by its kana", CHARSET_UTF_16, BYTES("\x42\x30\x44\x30"), CHARSET_UTF_16LE, CHARSET_BY_POINTS },
	{ "UTF-16 as RFC 2781 has it", CHARSET_UTF_16, BYTES("\x30\x42\x30\x44"), CHARSET_UTF_16, CHARSET_BY_LABEL },
	{ "UTF-32 by its zeros", CHARSET_UTF_32, BYTES("a\0\0\0"), CHARSET_UTF_32LE, CHARSET_BY_ZEROS },
	/* rule 3 */
	{ "UTF-7 as labelled", CHARSET_UTF_7, BYTES("+MEI-"), CHARSET_UTF_7, CHARSET_BY_LABEL },
	{ "UTF-7 is never guessed", CHARSET_UNKNOWN, BYTES("+ADw-script+AD4-"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "UTF-7 that is UTF-8", CHARSET_UTF_7, BYTES("日本"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "HZ is never guessed", CHARSET_US_ASCII, BYTES("~{VPND~}"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	/* rule 4 */
	{ "UTF-16 nobody announced", CHARSET_UNKNOWN, BYTES("\x42\x30\x0a\0\xe5\x65"), CHARSET_UTF_16LE, CHARSET_BY_ZEROS },
	{ "UTF-16BE nobody announced", CHARSET_UTF_8, BYTES("\0a\0b"), CHARSET_UTF_16BE, CHARSET_BY_ZEROS },
	{ "a zero in seventeen units", CHARSET_UNKNOWN, BYTES("0123456789abcdefghijklmnopqrstuvw\0"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "ASCII in UTF-16 nobody announced", CHARSET_UNKNOWN, BYTES("a\0b\0c\0\x22\x20"), CHARSET_UTF_16LE, CHARSET_BY_ZEROS },
	{ "a short text and one zero", CHARSET_UNKNOWN, BYTES("abc\0"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "a name that hides its end", CHARSET_US_ASCII, BYTES("a.exe\0.pdf"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "UTF-8 and one zero", CHARSET_UNKNOWN, BYTES("会議\0x"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "Shift_JIS and one zero", CHARSET_UNKNOWN, BYTES(SHIFT_JIS_TEXT "\0"), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "zeros in both halves", CHARSET_UNKNOWN, BYTES("a\0\0b"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "zeros and a line end of two bytes", CHARSET_UNKNOWN, BYTES("a\0b\0\r\n"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	/* rule 5 */
	{ "UTF-8 as ISO-2022-JP", CHARSET_ISO_2022_JP, BYTES("日本"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "UTF-8 as Shift_JIS", CHARSET_SHIFT_JIS, BYTES("会議の資料"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "UTF-8 as ISO-8859-1", CHARSET_WINDOWS_1252, BYTES("été"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "UTF-8 as US-ASCII", CHARSET_US_ASCII, BYTES("日"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "UTF-8 as labelled", CHARSET_UTF_8, BYTES("日"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "UTF-8 with an escape sequence", CHARSET_UNKNOWN, BYTES("日\x1b$B"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "町 in EUC-JP, which could be UTF-8", CHARSET_EUC_JP, BYTES("\xc4\xae"), CHARSET_EUC_JP, CHARSET_BY_LABEL },
	{ "kana of Shift_JIS, which could be UTF-8", CHARSET_SHIFT_JIS, BYTES("\xc2\xb1"), CHARSET_SHIFT_JIS, CHARSET_BY_LABEL },
	{ "UTF-8 cut at its end", CHARSET_UTF_8, BYTES("日\xe6\x9c"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "UTF-8 cut, as ISO-2022-JP", CHARSET_ISO_2022_JP, BYTES("日\xe6\x9c"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "UTF-8 cut, no label", CHARSET_UNKNOWN, BYTES("会議の資\xe6"), CHARSET_UTF_8, CHARSET_BY_UTF_8 },
	{ "打合せ in EUC-JP, a third of which could be UTF-8", CHARSET_UNKNOWN, BYTES("\xc2\xc7\xb9\xe7\xa4\xbb"), CHARSET_EUC_JP, CHARSET_BY_POINTS },
	/* rule 6 */
	{ "ISO-2022-JP as labelled", CHARSET_ISO_2022_JP, BYTES(ISO_2022_JP_TEXT), CHARSET_ISO_2022_JP, CHARSET_BY_LABEL },
	{ "ISO-2022-JP, no label", CHARSET_UNKNOWN, BYTES(ISO_2022_JP_TEXT), CHARSET_ISO_2022_JP, CHARSET_BY_ESCAPE },
	{ "ISO-2022-JP as UTF-8", CHARSET_UTF_8, BYTES(ISO_2022_JP_TEXT), CHARSET_ISO_2022_JP, CHARSET_BY_ESCAPE },
	{ "ISO-2022-JP as Shift_JIS", CHARSET_SHIFT_JIS, BYTES(ISO_2022_JP_TEXT), CHARSET_ISO_2022_JP, CHARSET_BY_ESCAPE },
	{ "half-width kana by escape", CHARSET_US_ASCII, BYTES("\x1b(I6E\x1b(B"), CHARSET_ISO_2022_JP, CHARSET_BY_ESCAPE },
	{ "ISO-2022-KR, no label", CHARSET_UNKNOWN, BYTES("\x1b$)C\x0eGQ\x0f"), CHARSET_ISO_2022_KR, CHARSET_BY_ESCAPE },
	{ "ISO-2022-CN, no label", CHARSET_UNKNOWN, BYTES("\x1b$)A\x0eVP\x0f"), CHARSET_ISO_2022_CN, CHARSET_BY_ESCAPE },
	{ "as many escapes as strange bytes", CHARSET_UNKNOWN, BYTES("\xff\x1b$BF|"), CHARSET_ISO_2022_JP, CHARSET_BY_ESCAPE },
	{ "fewer escapes than strange bytes", CHARSET_SHIFT_JIS, BYTES("\x82\xa0\x82\xa0\x1b$BF|"), CHARSET_SHIFT_JIS, CHARSET_BY_LABEL },
	{ "back to ASCII is no sign", CHARSET_UNKNOWN, BYTES("a\x1b(B"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "colours of a terminal are no sign", CHARSET_UNKNOWN, BYTES("\x1b[31m"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	/* rule 7 */
	{ "nothing", CHARSET_UNKNOWN, BYTES(""), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "no bytes anywhere", CHARSET_UNKNOWN, { NULL, 0 }, CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "no bytes anywhere, as UTF-16", CHARSET_UTF_16, { NULL, 0 }, CHARSET_UTF_16, CHARSET_BY_LABEL },
	{ "ASCII", CHARSET_US_ASCII, BYTES("abc"), CHARSET_UTF_8, CHARSET_BY_LABEL },
	{ "ASCII as Shift_JIS", CHARSET_SHIFT_JIS, BYTES("abc"), CHARSET_SHIFT_JIS, CHARSET_BY_LABEL },
	/* rule 8 */
	{ "Korean stays", CHARSET_EUC_KR, BYTES("\xb0\xa1\xa4\xa2"), CHARSET_EUC_KR, CHARSET_BY_LABEL },
	{ "Russian stays", CHARSET_KOI8_R, BYTES("\xf0\xd2\xc9\xd7\xc5\xd4"), CHARSET_KOI8_R, CHARSET_BY_LABEL },
	{ "Thai stays", CHARSET_WINDOWS_874, BYTES("\xa4\xb9\xa4\xb9"), CHARSET_WINDOWS_874, CHARSET_BY_LABEL },
	{ "Shift_JIS as Chinese, which is wrong so", CHARSET_BIG5, BYTES("\x82\xa0\x82\xa2\x82\xa4"), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	/* rule 9 */
	{ "Shift_JIS as labelled", CHARSET_SHIFT_JIS, BYTES(SHIFT_JIS_TEXT), CHARSET_SHIFT_JIS, CHARSET_BY_LABEL },
	{ "Shift_JIS, no label", CHARSET_UNKNOWN, BYTES(SHIFT_JIS_TEXT), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "Shift_JIS as UTF-8", CHARSET_UTF_8, BYTES(SHIFT_JIS_TEXT), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "Shift_JIS as US-ASCII", CHARSET_US_ASCII, BYTES(SHIFT_JIS_TEXT), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "Shift_JIS as EUC-JP", CHARSET_EUC_JP, BYTES(SHIFT_JIS_TEXT), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "Shift_JIS as ISO-2022-JP", CHARSET_ISO_2022_JP, BYTES(SHIFT_JIS_TEXT), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "Shift_JIS as ISO-8859-1", CHARSET_WINDOWS_1252, BYTES(SHIFT_JIS_TEXT), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "katakana of Shift_JIS as ISO-8859-1", CHARSET_WINDOWS_1252, BYTES("\x83" "A\x83" "C\x83" "E"), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "EUC-JP as labelled", CHARSET_EUC_JP, BYTES(EUC_JP_TEXT), CHARSET_EUC_JP, CHARSET_BY_LABEL },
	{ "EUC-JP, no label", CHARSET_UNKNOWN, BYTES(EUC_JP_TEXT), CHARSET_EUC_JP, CHARSET_BY_POINTS },
	{ "EUC-JP as UTF-8", CHARSET_UTF_8, BYTES(EUC_JP_TEXT), CHARSET_EUC_JP, CHARSET_BY_POINTS },
	{ "EUC-JP as Shift_JIS", CHARSET_SHIFT_JIS, BYTES(EUC_JP_TEXT), CHARSET_EUC_JP, CHARSET_BY_POINTS },
	{ "EUC-JP as ISO-2022-JP", CHARSET_ISO_2022_JP, BYTES(EUC_JP_TEXT), CHARSET_EUC_JP, CHARSET_BY_POINTS },
	{ "EUC-JP as ISO-8859-1", CHARSET_WINDOWS_1252, BYTES(EUC_JP_TEXT), CHARSET_EUC_JP, CHARSET_BY_POINTS },
	{ "kanji of EUC-JP, no label", CHARSET_UNKNOWN, BYTES("\xc6\xfc\xcb\xdc\xb8\xec"), CHARSET_EUC_JP, CHARSET_BY_POINTS },
	{ "half-width kana as labelled", CHARSET_SHIFT_JIS, BYTES("\xca\xdd\xb6\xb8\xb6\xc5"), CHARSET_SHIFT_JIS, CHARSET_BY_LABEL },
	{ "half-width kana of EUC-JP as labelled", CHARSET_EUC_JP, BYTES("\x8e\xc3\x8e\xbd\x8e\xc4"), CHARSET_EUC_JP, CHARSET_BY_LABEL },
	{ "half-width kana as ISO-2022-JP", CHARSET_ISO_2022_JP, BYTES("\xc3\xbd\xc4"), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "外字 do not disturb a label", CHARSET_SHIFT_JIS, BYTES("\xf0\x40" SHIFT_JIS_TEXT), CHARSET_SHIFT_JIS, CHARSET_BY_LABEL },
	{ "French, no label", CHARSET_UNKNOWN, BYTES("\xe9t\xe9"), CHARSET_WINDOWS_1252, CHARSET_BY_POINTS },
	{ "French as labelled", CHARSET_WINDOWS_1252, BYTES("\xe9t\xe9"), CHARSET_WINDOWS_1252, CHARSET_BY_LABEL },
	{ "French as UTF-8", CHARSET_UTF_8, BYTES("caf\xe9"), CHARSET_WINDOWS_1252, CHARSET_BY_POINTS },
	{ "English apostrophe", CHARSET_WINDOWS_1252, BYTES("It\x92s, don\x92t"), CHARSET_WINDOWS_1252, CHARSET_BY_LABEL },
	{ "English quotation, no label", CHARSET_UNKNOWN, BYTES("\x93No\x94, he said"), CHARSET_WINDOWS_1252, CHARSET_BY_POINTS },
	{ "two letters together", CHARSET_UNKNOWN, BYTES("R\xe9union cr\xe9\xe9" "e"), CHARSET_WINDOWS_1252, CHARSET_BY_POINTS },
	{ "two letters at the end", CHARSET_UNKNOWN, BYTES("Hyv\xe4\xe4"), CHARSET_WINDOWS_1252, CHARSET_BY_POINTS },
	{ "two different letters", CHARSET_UNKNOWN, BYTES("informa\xe7\xe3o"), CHARSET_WINDOWS_1252, CHARSET_BY_POINTS },
	{ "a letter of Windows-1252 alone", CHARSET_UNKNOWN, BYTES("c\x9c" "ur"), CHARSET_WINDOWS_1252, CHARSET_BY_POINTS },
	{ "X線 in EUC-JP is no word", CHARSET_UNKNOWN, BYTES("X\xc0\xfe"), CHARSET_EUC_JP, CHARSET_BY_POINTS },
	{ "X線 in Shift_JIS", CHARSET_UNKNOWN, BYTES("X\x90\xfc"), CHARSET_SHIFT_JIS, CHARSET_BY_POINTS },
	{ "noise, no label", CHARSET_UNKNOWN, BYTES("\xff\xff\x80\xff\x81\xff"), CHARSET_UNKNOWN, CHARSET_BY_LABEL },
	{ "noise as UTF-8", CHARSET_UTF_8, BYTES("\x80\xff\x81\x80"), CHARSET_UTF_8, CHARSET_BY_LABEL },
};

START_TEST(choice_is_made)
{
	struct charset_choice choice = charset_guess(rows[_i].sample, rows[_i].label);

	ck_assert_msg(choice.charset == rows[_i].charset && choice.reason == rows[_i].reason, "%s: %s by reason %d", rows[_i].what,
		      charset_name(choice.charset), (int)choice.reason);
}
END_TEST

/* A character cut by the end of the sample is wrong only when the text ends there too. */
START_TEST(sample_has_a_limit)
{
	static char sample[CHARSET_SAMPLE_BYTES + 1];
	struct charset_choice choice;

	memset(sample, 'x', sizeof(sample));
	/* Two bytes of three: "日" whose last byte is the first one behind the sample. */
	memcpy(sample + CHARSET_SAMPLE_BYTES - 2, "日", 3);
	choice = charset_guess((struct span){ sample, CHARSET_SAMPLE_BYTES - 1 }, CHARSET_WINDOWS_1252);
	ck_assert_int_eq(choice.charset, CHARSET_WINDOWS_1252);
	choice = charset_guess((struct span){ sample, CHARSET_SAMPLE_BYTES }, CHARSET_WINDOWS_1252);
	ck_assert_int_eq(choice.charset, CHARSET_UTF_8);
	choice = charset_guess((struct span){ sample, CHARSET_SAMPLE_BYTES + 1 }, CHARSET_WINDOWS_1252);
	ck_assert_int_eq(choice.charset, CHARSET_UTF_8);
	/* What lies behind the sample is not looked at. */
	sample[CHARSET_SAMPLE_BYTES] = 'x';
	choice = charset_guess((struct span){ sample, CHARSET_SAMPLE_BYTES + 1 }, CHARSET_WINDOWS_1252);
	ck_assert_int_eq(choice.charset, CHARSET_UTF_8);
}
END_TEST

static Suite *guess_suite(void)
{
	Suite *suite = suite_create("mail/charset guess");
	TCase *guess = tcase_create("guess");

	tcase_add_loop_test(guess, choice_is_made, 0, COUNT(rows));
	tcase_add_test(guess, sample_has_a_limit);
	suite_add_tcase(suite, guess);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(guess_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
