/* mail/links and mail/punycode: what mail programs make clickable, and what comes out. */
#include "mail/links.h"
#include "mail/punycode.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

/* The text as it comes out when fed in pieces of this size (0: all at once; -1: of pseudorandom sizes). */
static void defang(struct span in, int piece_bytes, enum link_style style, struct buf *out)
{
	struct links links = links_make(style);
	uint32_t random = 4711;

	out->length = 0;
	for (size_t at = 0; at < in.length;) {
		size_t length = piece_bytes > 0 ? (size_t)piece_bytes : in.length;

		if (piece_bytes < 0) {
			random = random * 1103515245 + 12345;
			length = (random >> 16) % 9;
		}
		if (length > in.length - at)
			length = in.length - at;
		links_feed(&links, span_part(in, at, at + length), out);
		at += length;
	}
	links_finish(&links, out);
}

static const struct {
	const char *what, *in, *out;
} rows[] = {
	{ "plain text", "plain text, 10:30 3.14 e.g. a/b Co.,Ltd.", NULL },
	{ "Japanese", "本日は晴天です。次に、資料.pdfをご覧ください。以上", NULL },
	{ "numbered headings", "1.概要 2.対象者 第1.2条 ver1.2.3", NULL },
	{ "file names", "report.pdf 資料v2.xlsx a.b.docx", NULL },
	{ "http", "see http://www.example.jp/a/b.html?x=1.2 now", "see hxxp://www[.]example[.]jp/a/b.html?x=1.2 now" },
	{ "https with a port", "https://example.jp:8443/", "hxxps://example[.]jp:8443/" },
	{ "capitals", "HTTP://EXAMPLE.JP", "HxxP://EXAMPLE[.]JP" },
	{ "ftp", "ftp://ftp.example.jp", "fxp://ftp[.]example[.]jp" },
	{ "no slashes, wrong slashes", "http:evil.example http:\\\\evil.example http:/evil.example",
	  "hxxp:evil[.]example hxxp:\\[\\]evil[.]example hxxp:/evil[.]example" },
	{ "host without a dot", "http://intranet/", "hxxp://intranet/" },
	{ "an address behind Japanese", "詳細はhttp://example.jp/をご覧ください", "詳細はhxxp://example[.]jp/をご覧ください" },
	{ "Japanese behind a host", "http://example.jpをご覧", "hxxp://example[.]jpをご覧" },
	{ "in brackets and quotes", "<http://a.example> (http://b.example) \"http://c.example\"",
	  "<hxxp://a[.]example> (hxxp://b[.]example) \"hxxp://c[.]example\"" },
	{ "an address within an address", "http://a.example/?u=http://b.example/", "hxxp://a[.]example/?u=hxxp://b[.]example/" },
	{ "a scheme behind a scheme", "http://http://evil.example", "hxxp://hxxp://evil[.]example" },
	{ "a scheme within a word", "xhttp://evil.example", "xhttp[:]//evil[.]example" },
	{ "bare www", "www.example WWW.x www.例え", "www[.]example WWW[.]x www[.]例え" },
	{ "bare domain", "example.com evil.example/path a.b.co.jp.", "example[.]com evil[.]example/path a[.]b[.]co[.]jp." },
	{ "bare domain behind Japanese", "例はexample.comです", "例はexample[.]comです" },
	{ "a domain named like a file", "evil.com.pdf report.pdf/x report.pdf:80/", "evil[.]com[.]pdf report[.]pdf/x report[.]pdf:80/" },
	{ "an address of IPv4", "192.0.2.1 192.0.2.1:80 1.2.3.400", "192[.]0[.]2[.]1 192[.]0[.]2[.]1:80 1.2.3.400" },
	{ "mailbox", "taro@example.jp", "taro@example[.]jp" },
	{ "mailto", "mailto:taro@example.jp?subject=x", "mailto[:]taro@example[.]jp?subject=x" },
	{ "javascript", "javascript:alert(1)", "javascript[:]alert(1)" },
	{ "data and file", "data:text/html,x file:///C:/x", "data[:]text/html,x file[:]///C:/x" },
	{ "a colon is no scheme", "data: x 件名:あ Subject:x 10:30:00", NULL },
	{ "a scheme behind a dot", "evil.javascript:x http://a.tel:80/ http://user:pw@a.jp/",
	  "evil[.]javascript[:]x hxxp://a[.]tel[:]80/ hxxp://user[:]pw[@]a[.]jp〔接続先は a[.]jp〕/" },
	{ "telephone", "TEL:03-1234-5678 tel:+81312345678 TEL: 03 tel:内線", "TEL[:]03-1234-5678 tel[:]+81312345678 TEL: 03 tel:内線" },
	{ "office", "ms-word:ofe|u|http://evil.example/x", "ms-word[:]ofe|u|hxxp://evil[.]example/x" },
	{ "any scheme with slashes", "zoommtg://x.example/y", "zoommtg[:]//x[.]example/y" },
	{ "file server", "\\\\server\\share \\\\192.0.2.1\\c$", "\\[\\]server\\share \\[\\]192[.]0[.]2[.]1\\c$" },
	{ "a path of Windows", "C:\\Users\\x", NULL },
	{ "user name that looks like a host", "http://bank.example@evil.example/",
	  "hxxp://bank[.]example[@]evil[.]example〔接続先は evil[.]example〕/" },
	{ "user name and port", "http://bank.example:80@evil.example:81/x",
	  "hxxp://bank[.]example:80[@]evil[.]example:81〔接続先は evil[.]example〕/x" },
	{ "not ASCII", "http://日本語.jp/x", "hxxp://日本語[.]jp〔xn--wgv71a119e[.]jp〕/x" },
	{ "homograph", "http://\xd0\xb0pple.com/", "hxxp://\xd0\xb0pple[.]com〔xn--pple-43d[.]com〕/" },
	{ "bare homograph", "\xd0\xb0pple.com", "\xd0\xb0pple[.]com〔xn--pple-43d[.]com〕" },
	{ "bare Japanese domain", "日本語.jp 例え.みんな", "日本語[.]jp 例え[.]みんな" },
	{ "full width", "ｈｔｔｐ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ／", "ｈxxｐ：／／ｅｖｉｌ[.]ｅｘａｍｐｌｅ〔evil[.]example〕／" },
	{ "full width, then Japanese in one label", "ｈｔｔｐ：／／ｅｖｋえ.みんな", "ｈxxｐ：／／ｅｖｋえ[.]みんな〔xn--evk-b73b[.]xn--q9jyb4c〕" },
	{ "a bracket behind Japanese behind a host", "http://example.jpを[参照]", "hxxp://example[.]jpを[参照]" },
	{ "full-width full stop", "evil．example evil。example evil｡example",
	  "evil[.]example〔evil[.]example〕 evil[.]example〔evil[.]example〕 evil[.]example〔evil[.]example〕" },
	{ "the end of a sentence", "ご覧ください。https://a.example/ 連絡先です。taro@b.example 資料。www.c.example 無効｡ok",
	  "ご覧ください。hxxps://a[.]example/ 連絡先です。taro@b[.]example 資料。www[.]c[.]example 無効｡ok" },
	{ "defanged already", "hxxp://evil[.]example/ javascript[:]x \\[\\]server", NULL },
	{ "lines", "http://a.example\nhttp://b.example\r\n", "hxxp://a[.]example\nhxxp://b[.]example\r\n" },
	{ "not UTF-8", "\xff.example\x80 http://\xe3\x81", "\xff.example\x80 hxxp://\xe3\x81" },
};

START_TEST(what_is_clickable_is_defanged)
{
	static const int pieces[] = { 0, 1, 2, 5, -1 };
	struct span in = span_of(rows[_i].in), expected = span_of(rows[_i].out ? rows[_i].out : rows[_i].in);
	struct buf out = buf_limited(0), again = buf_limited(0);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		defang(in, pieces[i], LINK_STYLE_HXXP, &out);
		ck_assert_msg(span_equal(buf_span(&out), expected), "%s (pieces of %d): \"%s\"", rows[_i].what, pieces[i], buf_text(&out));
	}
	defang(buf_span(&out), 0, LINK_STYLE_HXXP, &again);
	ck_assert_msg(span_equal(buf_span(&again), expected), "%s, once more: \"%s\"", rows[_i].what, buf_text(&again));
	buf_free(&out);
	buf_free(&again);
}
END_TEST

START_TEST(the_style_can_be_chosen)
{
	static const char in[] = "http://www.example.jp/a?id=1 ftp://x.example";
	static const char *const expected[] = {
		[LINK_STYLE_HXXP] = "hxxp://www[.]example[.]jp/a?id=1 fxp://x[.]example",
		[LINK_STYLE_BRACKETS] = "http[:]//www[.]example[.]jp/a?id=1 ftp[:]//x[.]example",
		[LINK_STYLE_HOST] = "hxxp://www[.]example[.]jp/… fxp://x[.]example",
	};
	struct buf out = buf_limited(0);

	for (int style = 0; style < COUNT(expected); style++) {
		defang(span_of(in), 0, (enum link_style)style, &out);
		ck_assert_str_eq(buf_text(&out), expected[style]);
		defang(span_of(expected[style]), 0, (enum link_style)style, &out);
		ck_assert_str_eq(buf_text(&out), expected[style]);
	}
	buf_free(&out);
}
END_TEST

/* ---- long words */

static const struct {
	const char *what;
	size_t filler_bytes;
	const char *filler, *end, *expected_end;
} long_rows[] = {
	{ "a word at the limit is understood", LINK_WORD_BYTES_MAX - 14, "x", "/www.example.a", "/www[.]example[.]a" },
	{ "beyond it, everything is in brackets", LINK_WORD_BYTES_MAX - 13, "x", "/www.example.a:b@c", "/www[.]example[.]a[:]b[@]c" },
	{ "Japanese is divided, and still understood", 30000, "あ", "http://example.jp:80/", "hxxp://example[.]jp:80/" },
	{ "a scheme across the limit", LINK_WORD_BYTES_MAX - 2, "x", "http://evil.example/", "http[:]//evil[.]example/" },
	{ "colons all the way", 9000, ":", "", "" },
};

START_TEST(long_words_are_bounded)
{
	static const int pieces[] = { 0, 1, 7, 2047, 2048, 2049, -1 };
	struct buf in = buf_limited(0), out = buf_limited(0), first = buf_limited(0);
	struct span end = span_of(long_rows[_i].expected_end);

	while (in.length < long_rows[_i].filler_bytes)
		buf_puts(&in, long_rows[_i].filler);
	buf_puts(&in, long_rows[_i].end);
	defang(buf_span(&in), 0, LINK_STYLE_HXXP, &first);
	ck_assert_uint_ge(first.length, end.length);
	ck_assert_msg(memcmp(first.data + first.length - end.length, end.data, end.length) == 0, "%s: ...%s", long_rows[_i].what,
		      buf_text(&first) + (first.length > 80 ? first.length - 80 : 0));
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		defang(buf_span(&in), pieces[i], LINK_STYLE_HXXP, &out);
		ck_assert_msg(span_equal(buf_span(&out), buf_span(&first)), "%s: pieces of %d differ", long_rows[_i].what, pieces[i]);
	}
	buf_free(&in);
	buf_free(&out);
	buf_free(&first);
}
END_TEST

START_TEST(no_more_ascii_forms_than_the_limit)
{
	static const char host[] = "\xd0\xb0.com,";	/* a Cyrillic letter */
	struct buf in = buf_limited(0), out = buf_limited(0);
	size_t forms = 0;

	for (int i = 0; i <= LINK_INSERTIONS_MAX; i++)
		buf_puts(&in, host);
	defang(buf_span(&in), 0, LINK_STYLE_HXXP, &out);
	for (const char *at = buf_text(&out); (at = strstr(at, "〔xn--")); at++)
		forms++;
	ck_assert_uint_eq(forms, LINK_INSERTIONS_MAX);
	ck_assert_ptr_null(strstr(buf_text(&out), ".com"));
	buf_free(&in);
	buf_free(&out);
}
END_TEST

/* ---- the host of a text */

static const struct {
	const char *text, *host;
} hosts[] = {
	{ "http://www.Example.jp/path", "www.example.jp" },
	{ "example.jp", "example.jp" },
	{ "mailto:taro@example.jp", "example.jp" },
	{ "http://bank.example@evil.example:80/", "evil.example" },
	{ "http:\\\\evil.example\\x", "evil.example" },
	{ "https://日本語.jp/", "xn--wgv71a119e.jp" },
	{ "日本語.jp", "xn--wgv71a119e.jp" },
	{ "例え.みんな", "xn--r8jz45g.xn--q9jyb4c" },
	{ "ＥＸＡＭＰＬＥ．ＪＰ", "example.jp" },
	{ "ここをクリック", NULL },
	{ "/relative/path", NULL },
	{ "", NULL },
};

START_TEST(the_host_of_a_text_is_found)
{
	struct buf host = buf_limited(0);

	ck_assert_int_eq(link_host(span_of(hosts[_i].text), &host), hosts[_i].host ? 0 : -ENOENT);
	ck_assert_str_eq(buf_text(&host), hosts[_i].host ? hosts[_i].host : "");
	buf_free(&host);
}
END_TEST

/* RFC 3492 section 7.1 and names that are in use. */
static const struct {
	const char *host, *ascii;
} punycodes[] = {
	{ "www.example.jp", "www.example.jp" },
	{ "bücher.example", "xn--bcher-kva.example" },
	{ "BÜCHER.example", "xn--bcher-kva.example" },
	{ "他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye" },
	{ "なぜみんな日本語を話してくれないのか", "xn--n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa" },
	{ "почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l" },
	{ "3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b" },
	{ "ｅｘａｍｐｌｅ。ｊｐ", "example.jp" },
	{ "ⓔⓧⓐⓜⓟⓛⓔ.jp", "example.jp" },
	{ "𝐞𝕩𝖺𝚖𝘱𝓁𝕖.jp", "example.jp" },
	{ "", "" },
};

START_TEST(hosts_have_an_ascii_form)
{
	struct buf ascii = buf_limited(0);

	ck_assert_int_eq(punycode_host(span_of(punycodes[_i].host), &ascii), 0);
	ck_assert_str_eq(buf_text(&ascii), punycodes[_i].ascii);
	buf_free(&ascii);
}
END_TEST

START_TEST(a_label_keeps_its_limit)
{
	struct buf host = buf_limited(0), ascii = buf_limited(0);

	for (int i = 0; i < PUNYCODE_LABEL_CHARACTERS_MAX; i++)
		buf_puts(&host, "あ");
	ck_assert_int_eq(punycode_host(buf_span(&host), &ascii), 0);
	buf_puts(&host, "あ");
	ascii.length = 0;
	buf_puts(&ascii, "kept");
	ck_assert_int_eq(punycode_host(buf_span(&host), &ascii), -EINVAL);
	ck_assert_str_eq(buf_text(&ascii), "kept");
	ck_assert_int_eq(punycode_host(span_of("\xff"), &ascii), -EINVAL);
	buf_free(&host);
	buf_free(&ascii);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mail/links");
	TCase *tcase = tcase_create("links");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, what_is_clickable_is_defanged, 0, COUNT(rows));
	tcase_add_test(tcase, the_style_can_be_chosen);
	tcase_add_loop_test(tcase, long_words_are_bounded, 0, COUNT(long_rows));
	tcase_add_test(tcase, no_more_ascii_forms_than_the_limit);
	tcase_add_loop_test(tcase, the_host_of_a_text_is_found, 0, COUNT(hosts));
	tcase_add_loop_test(tcase, hosts_have_an_ascii_form, 0, COUNT(punycodes));
	tcase_add_test(tcase, a_label_keeps_its_limit);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
