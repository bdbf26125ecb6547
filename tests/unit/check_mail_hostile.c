/*
 * What attackers write into texts, from bytes to what a reader sees: the character set is chosen and decoded, HTML becomes text, characters
 * and addresses are filtered, as the washer does it. The same however the bytes are cut. (What takes long or much: tests/mail/bombs.py.)
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mail/charset.h"
#include "mail/html_text.h"
#include "mail/plain_text.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define BYTES(text) { (text), sizeof(text) - 1 }

enum kind { PLAIN, HTML };

struct hostile {
	const char *what;
	enum kind kind;
	const char *label;	/* what the sender says of the charset */
	struct span bytes;
	const char *text;
};

/* ---- character sets: bytes that hide syntax, or become some */

static const struct hostile charset_rows[] = {
	{ "kanji nobody ends hide one line, not the next", HTML, "iso-2022-jp", BYTES("\x1b$BF|K\\\n<b>x</b> <a href=http://a.example>y</a>"),
	  "日本 x y〔リンク先: hxxp://a[.]example〕" },
	{ "a tag as kanji is kanji", HTML, "iso-2022-jp", BYTES("\x1b$B<s<s<!\x1b(Ba"), "首首次a" },
	{ "an escape between the letters of a tag", HTML, "iso-2022-jp", BYTES("<scr\x1b(Bipt>x</script>y"), "y" },
	{ "pairs out of range", PLAIN, "iso-2022-jp", BYTES("\x1b$B\x7f\x21\x29\x21\x1b(B<"), "〓？〓<" },
	{ "ESC steers no terminal", PLAIN, "utf-8", BYTES("\x1b]0;x\x07\x1b[2J"), "[U+001B]]0;x[U+0007][U+001B][2J" },
	{ "CSI in one byte", PLAIN, "iso-8859-1", BYTES("a\x9b" "2J"), "a\xe2\x80\xba" "2J" },
	{ "CSI as UTF-8", PLAIN, "utf-8", BYTES("a\xc2\x9b" "2J"), "a[U+009B]2J" },
	{ "UTF-7 is decoded once", PLAIN, "utf-7", BYTES("+ADw-b+AD4- +-ADw-"), "<b> +ADw-" },
	{ "UTF-7 that was not declared is text", HTML, "us-ascii", BYTES("+ADw-script+AD4-alert(1)"), "+ADw-script+AD4-alert(1)" },
	{ "UTF-7 in HTML makes tags before they are read, not after", HTML, "utf-7", BYTES("+ADw-b+AD4-x+ADw-/b+AD4AJg-lt+ADs-i>"), "x<i>" },
	{ "overlong angle bracket", HTML, "utf-8", BYTES("\xc0\xbcscript\xc0\xbe" "日本日本日本日本"), "〓〓script〓〓日本日本日本日本" },
	{ "surrogates and beyond the last", PLAIN, "utf-8", BYTES("日本日本日本日本日本日本\xed\xa0\x80\xf4\x90\x80\x80"),
	  "日本日本日本日本日本日本〓〓〓〓〓〓〓" },
	{ "a character cut by a tag", HTML, "utf-8", BYTES("日本日本\xe6\x97<b>本</b>"), "日本日本〓本" },
	{ "UTF-16 with zero bytes in a tag", HTML, "utf-16le", BYTES("<\0b\0>\0x\0\0\0y\0"), "xy" },
	{ "zero bytes in plain text", PLAIN, "utf-8", BYTES("pass\0word"), "password" },
	{ "two marks: the first counts, the second is not seen", PLAIN, "utf-8", BYTES("\xff\xfe" "B0\xff\xfe" "D0"), "あい" },
	{ "Shift_JIS that eats a quote", HTML, "shift_jis", BYTES("<p title=\"\x95\x5c\">\x83\x5c\x83\x7c</p><i title='\x82'>x"), "ソポ\n\nx" },
	{ "a first byte in front of a bracket", HTML, "shift_jis", BYTES("\x82<b>\x82\xa0</b>\x82\xa2"), "〓あい" },
	{ "EUC-JP in front of a bracket", HTML, "euc-jp", BYTES("\xa4<b>\xa4\xa2\xa4\xa4\xa4\xa6</b>"), "〓あいう" },
	{ "GB 18030 of four bytes", HTML, "gb18030", BYTES("\x81\x30<b>\xd6\xd0\xce\xc4</b>"), "〓0中文" },
	{ "HZ that goes on in the next line", HTML, "hz-gb-2312", BYTES("~{VPND\n<b>x</b>"), "中文 x" },
	{ "ISO-2022-KR without end", HTML, "iso-2022-kr", BYTES("\x1b$)C\x0eGQ\n<b>x</b>"), "한 x" },
	{ "a set nobody knows", PLAIN, "x-ebcdic", BYTES("caf\xe9"), "café" },
};

/* ---- HTML: what is text and what is not must be what browsers say */

static const struct hostile markup_rows[] = {
	{ "script, style, title", HTML, "utf-8", BYTES("<title>t</title><style>s</style><script>p</script>x"), "x" },
	{ "a script that seems to end", HTML, "utf-8", BYTES("<script>'</scrip'+'</script >'x"), "'x" },
	{ "a script in a comment in a script", HTML, "utf-8", BYTES("<script><!--<script></script>x--></script>y"), "y" },
	{ "noscript is text", HTML, "utf-8", BYTES("<noscript><p>x</noscript>"), "x" },
	{ "template is hidden text", HTML, "utf-8", BYTES("<template>x</template>"), "〔非表示〕x〔非表示ここまで〕" },
	{ "textarea, xmp, plaintext show tags as text", HTML, "utf-8",
	  BYTES("<textarea><b>x</b></textarea><xmp><i>y</i></xmp><plaintext><u>"), "〔入力欄〕<b>x</b>\n\n<i>y</i>\n\n<u>" },
	{ "short comments", HTML, "utf-8", BYTES("<!-->a<!--->b<!--x--!>c<!---->d"), "abcd" },
	{ "a comment that is none", HTML, "utf-8", BYTES("<!x>a</x y>b<?z>c<!>d</>e"), "abcde" },
	{ "conditional comments", HTML, "utf-8", BYTES("<!--[if mso]>a<![endif]--><![if !mso]>b<![endif]>"), "b" },
	{ "CDATA in HTML and in svg", HTML, "utf-8", BYTES("<![CDATA[a]]>b<svg><![CDATA[<c>]]></svg>"), "b<c>" },
	{ "zero byte in a tag's name", HTML, "utf-8", BYTES("<scr\0ipt>x</script>y"), "xy" },
	{ "a tag in an attribute", HTML, "utf-8", BYTES("<p title=\"<script>\">x</p><p title=a>b>y"), "x\n\nb>y" },
	{ "tags written as text stay text", HTML, "utf-8", BYTES("&lt;script&gt;x&lt;/script&gt;"), "<script>x</script>" },
	{ "references without end", HTML, "utf-8", BYTES("&ltb&gt &#60b&#x3e &AMPlt; &#;"), "<b> <b> &lt; &#;" },
	{ "numbers too large", HTML, "utf-8", BYTES("&#99999999999;&#x110000;&#xD800;"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "a reference that turns the line", HTML, "utf-8", BYTES("a&#x202e;gpj.exe"), "a[U+202E]gpj.exe" },
	{ "windows-1252 by number", HTML, "utf-8", BYTES("&#147;x&#148;&#128;"), "“x”€" },
	{ "references for control characters", HTML, "utf-8", BYTES("a&#27;[2Jb&#13;c&#0;d"), "a[U+001B][2Jb c\xef\xbf\xbd" "d" },
	{ "a tag that never ends", HTML, "utf-8", BYTES("x<a href='http://a.example/ the rest"), "x" },
	{ "base and refresh are shown", HTML, "utf-8", BYTES("<base href=//b.example><meta http-equiv=refresh content='0;url=//c.example'>x"),
	  "〔リンクの基準: //b[.]example〕\n〔自動で移動: 0;url=//c[.]example〕\nx" },
	{ "meta does not change the charset", HTML, "utf-8", BYTES("<meta charset=shift_jis>日本"), "日本" },
};

/* ---- links and characters */

static const struct hostile link_rows[] = {
	{ "text and target disagree", HTML, "utf-8", BYTES("<a href='http://evil.example/'>http://bank.example/</a>"),
	  "hxxp://bank[.]example/〔表示と異なるリンク先: hxxp://evil[.]example/〕" },
	{ "a host in full width as the text", HTML, "utf-8", BYTES("<a href=http://evil.example>ｂａｎｋ．example</a>"),
	  "ｂａｎｋ[.]example〔表示と異なるリンク先: hxxp://evil[.]example〕" },
	{ "a scheme in pieces", HTML, "utf-8", BYTES("<a href='java&Tab;script&colon;alert(1)'>x</a>"), "x〔リンク先: javascript[:]alert(1)〕" },
	{ "user name that looks like the bank", PLAIN, "utf-8", BYTES("http://bank.example@evil.example/"),
	  "hxxp://bank[.]example[@]evil[.]example〔接続先は evil[.]example〕/" },
	{ "homograph", PLAIN, "utf-8", BYTES("http://\xd0\xb0pple.com/"), "hxxp://\xd0\xb0pple[.]com〔xn--pple-43d[.]com〕/" },
	{ "full-width scheme and dots", PLAIN, "utf-8", BYTES("ｈｔｔｐ：／／evil．example／x"), "ｈxxｐ：／／evil[.]example〔evil[.]example〕／x" },
	{ "invisible characters in an address", PLAIN, "utf-8", BYTES("ht\xe2\x80\x8btp://ev\xc2\xadil.ex\xe2\x81\xa0" "ample"), "hxxp://evil[.]example" },
	{ "file servers, telephone, office", PLAIN, "utf-8", BYTES("\\\\evil\\x file://evil/x tel:0312345678 ms-word:ofe|u|http://evil.example/"),
	  "\\[\\]evil\\x file[:]//evil/x tel[:]0312345678 ms-word[:]ofe|u|hxxp://evil[.]example/" },
	{ "bare names", PLAIN, "utf-8", BYTES("www.evil.example evil.example/path 192.0.2.1"), "www[.]evil[.]example evil[.]example/path 192[.]0[.]2[.]1" },
	{ "defanged by the sender", PLAIN, "utf-8", BYTES("hxxp://evil[.]example/"), "hxxp://evil[.]example/" },
	{ "hidden by style, size, colour", HTML, "utf-8",
	  BYTES("<p style='display:none'>a</p><p style='font-size:0'>b</p><p style='color:#fff;background:#fff'>c</p>"),
	  "〔非表示〕a〔非表示ここまで〕\n\n〔非表示〕b〔非表示ここまで〕\n\n〔非表示〕c〔非表示ここまで〕" },
	{ "marks of direction and joiners go, what turns the line is shown", PLAIN, "utf-8",
	  BYTES("a\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c" "b\xe2\x80\xad\xe2\x80\xac" "c\xe2\x81\xa7"), "ab[U+202D][U+202C]c[U+2067]" },
	{ "tag characters, annotation, separators", PLAIN, "utf-8", BYTES("a\xf3\xa0\x81\x81\xef\xbf\xb9" "b\xe2\x80\xa8" "c\xe2\x80\xa9" "d"), "ab\nc\nd" },
	{ "more marks than a letter carries", PLAIN, "utf-8",
	  BYTES("Z\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86\xcc\x87\xcc\x88\xcc\x89\xcc\x8a!"),
	  "Z\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86\xcc\x87\xcc\x88!" },
};

/* How long the next piece is: everything, one byte, or what a generator says. */
static size_t piece_bytes(int cut, size_t left, uint32_t *random)
{
	size_t length = cut == 0 ? left : 1;

	if (cut == 2) {
		*random = *random * 1103515245 + 12345;
		length = (*random >> 16) % 7;
	}
	return length < left ? length : left;
}

/* What the reader sees of bytes that come cut so. */
static void wash_text(const struct hostile *row, int cut, struct buf *out)
{
	struct charset_choice choice = charset_guess(row->bytes, charset_of_label(span_of(row->label)));
	struct charset_decoder decoder = charset_decoder_of(choice.charset);
	struct plain_text plain = plain_text_make(LINK_STYLE_HXXP);
	struct html_text *html = html_text_new();
	struct html_text_notes notes;
	struct span rest = row->bytes;
	struct buf decoded = buf_limited(0);
	uint32_t random = 1;
	bool last;

	html_text_begin(html, out, LINK_STYLE_HXXP);
	do {
		size_t length = piece_bytes(cut, rest.length, &random);

		decoded.length = 0;
		charset_decode(&decoder, span_part(rest, 0, length), &decoded);
		rest = span_part(rest, length, rest.length);
		last = rest.length == 0;
		if (last)
			charset_finish(&decoder, &decoded);
		if (row->kind == HTML)
			html_text_feed(html, buf_span(&decoded));
		else
			plain_text_feed(&plain, buf_span(&decoded), out);
	} while (!last);
	if (row->kind == HTML)
		html_text_finish(html, &notes);
	else
		plain_text_finish(&plain, out);
	html_text_free(html);
	buf_free(&decoded);
}

static void row_check(const struct hostile *row)
{
	for (int cut = 0; cut <= 2; cut++) {
		struct buf out = buf_limited(0);

		wash_text(row, cut, &out);
		ck_assert_msg(strcmp(buf_text(&out), row->text) == 0, "%s (cut %d): \"%s\"", row->what, cut, buf_text(&out));
		buf_free(&out);
	}
}

START_TEST(bytes_hide_no_syntax)
{
	row_check(&charset_rows[_i]);
}
END_TEST

START_TEST(markup_is_what_browsers_say)
{
	row_check(&markup_rows[_i]);
}
END_TEST

START_TEST(nothing_looks_like_something_else)
{
	row_check(&link_rows[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mail, hostile texts");
	TCase *tcase = tcase_create("hostile");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, bytes_hide_no_syntax, 0, COUNT(charset_rows));
	tcase_add_loop_test(tcase, markup_is_what_browsers_say, 0, COUNT(markup_rows));
	tcase_add_loop_test(tcase, nothing_looks_like_something_else, 0, COUNT(link_rows));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
