/* mail/html_text and what it is made of: HTML in, text out. */
#include "mail/html_elements.h"
#include "mail/html_lines.h"
#include "mail/html_stack.h"
#include "mail/html_style.h"
#include "mail/html_table.h"
#include "mail/html_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

/* The text of in, fed in pieces of this size (0: all at once; -1: of pseudorandom sizes). */
static struct html_text_notes convert(struct span in, int piece_bytes, struct buf *out)
{
	struct html_text *text = html_text_new();
	struct html_text_notes notes;
	uint32_t random = 99;

	out->length = 0;
	html_text_begin(text, out, LINK_STYLE_HXXP);
	while (in.length > 0) {
		size_t length = piece_bytes > 0 ? (size_t)piece_bytes : in.length;

		if (piece_bytes < 0) {
			random = random * 1103515245 + 12345;
			length = (random >> 16) % 11;
		}
		if (length > in.length)
			length = in.length;
		html_text_feed(text, span_part(in, 0, length));
		in = span_part(in, length, in.length);
	}
	html_text_finish(text, &notes);
	html_text_free(text);
	return notes;
}

static const struct {
	const char *what, *in, *out;
} rows[] = {
	{ "nothing", "", "" },
	{ "white space is folded", "  a \n\t b  ", "a b" },
	{ "across elements", "a <b> b</b> <i>c</i>d", "a b cd" },
	{ "paragraphs", "<p>a</p><p>b<p>c", "a\n\nb\n\nc" },
	{ "blocks", "a<div>b</div>c<div><div>d</div></div>", "a\nb\nc\nd" },
	{ "line ends", "a<br>b<br><br>c<div>d<br></div>e", "a\nb\n\nc\nd\ne" },
	{ "empty lines as webmail writes them", "<div>a</div><div><br></div><div>b</div><div>&nbsp;</div><div>c</div>", "a\n\nb\n\nc" },
	{ "empty lines are limited", "a<br><br><br><br><br><br>b", "a\n\n\nb" },
	{ "no-break spaces", "a&nbsp;&nbsp;b<p>&nbsp;&nbsp;c&nbsp;</p>", "a  b\n\n  c" },
	{ "headings", "<h1>題</h1>x<h3>二</h3>y<h2></h2>z", "■ 題\n\nx\n\n■ 二\n\ny\n\nz" },
	{ "a list", "a<ul><li>b<li>c</li></ul>d", "a\n\n・b\n・c\n\nd" },
	{ "a numbered list", "<ol><li>a<li>b<li value=7>c<li>d</ol>", "1. a\n2. b\n7. c\n8. d" },
	{ "nested lists", "<ul><li>a<ol start=9><li>b<li>c<br>d</ol><li>e</ul>", "・a\n  9. b\n  10. c\n      d\n・e" },
	{ "an item without a text of its own", "<ul><li><ul><li>a</ul><li><p>b</ul>", "・\n  ・a\n\n・b" },
	{ "definitions", "<dl><dt>a<dd>b<br>c<dt>d</dl>", "a\n  b\n  c\nd" },
	{ "a quotation", "<blockquote>a<br>b<blockquote>c</blockquote></blockquote>d", "> a\n> b\n\n> > c\n\nd" },
	{ "preformatted", "<pre>\n a\n\n  b\tc\n</pre>d", " a\n\n  b\tc\n\nd" },
	{ "preformatted by style", "<div style='white-space:pre-wrap'>a  b\nc</div>d  e", "a  b\nc\nd e" },
	{ "a rule", "a<hr>b", "a\n----------------------------------------\nb" },
	{ "struck, raised, quoted", "<s>100円</s> 10<sup>5</sup> <q>a</q>", "〔取消: 100円〕 10^5 「a」" },
	{ "ruby", "<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>は<ruby>字<rt>じ</ruby>", "漢字（かんじ）は字（じ）" },
	{ "literal tags stay literal", "&lt;b&gt;a&lt;/b&gt;", "<b>a</b>" },

	{ "a link", "<a href='https://www.example.jp/x'>こちら</a>。", "こちら〔リンク先: hxxps://www[.]example[.]jp/x〕。" },
	{ "a link that is its own text", "<a href='http://a.example/'>http://a.example</a> <a href=mailto:x@y.example>x@y.example</a>",
	  "hxxp://a[.]example x@y[.]example" },
	{ "a link that lies", "<a href='http://evil.example/'>http://bank.example/</a>",
	  "hxxp://bank[.]example/〔表示と異なるリンク先: hxxp://evil[.]example/〕" },
	{ "a link that lies across elements", "<a href='http://evil.example/'>ba<b>nk</b>&#x200b;.example</a>",
	  "bank[.]example〔表示と異なるリンク先: hxxp://evil[.]example/〕" },
	{ "another path of the same host", "<a href='http://www.bank.example/x'>bank.example</a>",
	  "bank[.]example〔リンク先: hxxp://www[.]bank[.]example/x〕" },
	{ "a host that only begins so", "<a href='http://bank.example.evil.example/'>bank.example</a>",
	  "bank[.]example〔表示と異なるリンク先: hxxp://bank[.]example[.]evil[.]example/〕" },
	{ "a host that only ends so", "<a href='http://evilbank.example/'>bank.example</a>",
	  "bank[.]example〔表示と異なるリンク先: hxxp://evilbank[.]example/〕" },
	{ "a link without text", "<p>a</p><a href='http://b.example/'><img src=x></a>", "a\n\n〔画像〕〔リンク先: hxxp://b[.]example/〕" },
	{ "the same target again", "<a href=//b.example>x</a> <a href=//b.example>y</a>", "x〔リンク先: //b[.]example〕 y〔リンク先: 同上〕" },
	{ "a target in the mail, no target", "<a href='#a'>a</a> <a name=b>b</a> <a href=''>c</a>", "a b c" },
	{ "a script as a target", "<a href=' java\nscript:alert(1)'>x</a>", "x〔リンク先: javascript[:]alert(1)〕" },
	{ "data as a target", "<a href='data:text/html,0123456789012345678901234567890123456789012345678901234567890'>x</a>",
	  "x〔リンク先: data[:]text/html,0123456789012345678901234567890123456789012345678…〕" },
	{ "a link around blocks", "<a href=http://b.example><div>x</div></a>y", "x〔リンク先: hxxp://b[.]example〕\ny" },
	{ "a link that does not end", "<a href=http://b.example>x", "x〔リンク先: hxxp://b[.]example〕" },
	{ "a base", "<base href='http://b.example/'>x", "〔リンクの基準: hxxp://b[.]example/〕\nx" },
	{ "a refresh", "<meta http-equiv=Refresh content='0;url=http://b.example/'>x", "〔自動で移動: 0;url=hxxp://b[.]example/〕\nx" },
	{ "pictures", "<img alt='ロゴ'>a<img alt=''>b<img>c<img width=1 height=1>", "〔画像: ロゴ〕ab〔画像〕c" },
	{ "parts of a picture", "<img usemap='#m' alt='地図'><map><area href=http://b.example/1 alt='役場'><area href=http://b.example/2><area alt=a></map>",
	  "〔画像: 地図〕役場〔リンク先: hxxp://b[.]example/1〕〔リンク先: hxxp://b[.]example/2〕" },
	{ "a part of a picture that lies", "<area href=http://evil.example alt=bank.example>", "bank[.]example〔表示と異なるリンク先: hxxp://evil[.]example〕" },
	{ "a link in svg", "<svg><a xlink:href=http://b.example><text>x</text></a></svg>", "x〔リンク先: hxxp://b[.]example〕" },
	{ "frames", "<iframe src=http://b.example>a</iframe><object data=x>y</object>", "〔埋め込み: hxxp://b[.]example〕〔埋め込み: x〕y" },
	{ "a frame that brings its document along", "a<iframe srcdoc='&lt;p>b'></iframe>c", "a〔埋め込み: 表示していない文書〕c" },
	{ "a form", "<form action=http://b.example><input value=a><input type=hidden value=b><input type=submit value=c><input type=radio>"
		    "<textarea>d</textarea><button>e</button></form>",
	  "〔送信先: hxxp://b[.]example〕\n〔入力欄: a〕〔ボタン: c〕〔選択欄〕〔入力欄〕d〔ボタン: e〕" },
	{ "a choice", "<select><optgroup label=a><option>b<option>c</select>", "〔入力欄〕\na\nb\nc" },

	{ "script, style, title, comment", "<title>a</title><style>b{}</style><script>'<p>c'</script><!-- d -->e", "e" },
	{ "noscript and noframes", "<noscript>a</noscript><noframes>b</noframes>c", "ac" },
	{ "examples", "<xmp><b></xmp><listing>\n a</listing><plaintext></b>", "<b>\n\n a\n\n</b>" },
	{ "text in svg", "<svg><title>t</title><text>a</text><style>b</style><![CDATA[<c>]]></svg>d", "a<c>d" },
	{ "svg ends at HTML", "<svg><text>a<p>b<![CDATA[c]]>", "a\n\nb" },
	{ "raw text is none in svg", "<svg><script><b>a</b></script>b", "ab" },
	{ "a tag that does not end", "a<p title='b", "a" },
	{ "bytes that are not UTF-8", "a\xff<b>\xe3</b>b\xe3\x81", "a〓〓b〓" },
	{ "characters that turn the line", "a&#x202e;b&#0;c", "a[U+202E]b\xef\xbf\xbd" "c" },

	{ "end tags out of order", "<b><i>a</b>b</i>c<p><div></p>d</div>", "abc\n\nd" },
	{ "end tags of nothing", "a</div></b></table></td></p>b", "ab" },
	{ "br as an end tag", "a</br>b", "a\nb" },
};

START_TEST(html_becomes_text)
{
	static const int pieces[] = { 0, 1, 2, 3, 7, -1 };
	struct buf out = buf_limited(0);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		convert(span_of(rows[_i].in), pieces[i], &out);
		ck_assert_msg(strcmp(buf_text(&out), rows[_i].out) == 0, "%s (pieces of %d):\n%s", rows[_i].what, pieces[i],
			      buf_text(&out));
	}
	buf_free(&out);
}
END_TEST

/* ---- hidden text */

static const struct {
	const char *what, *in;
	bool hidden;	/* the x is */
} hidings[] = {
	{ "no style", "<p>x", false },
	{ "display", "<p style='color:red; DISPLAY : None !important'>x", true },
	{ "display of something else", "<p style='display:block'>x", false },
	{ "a comment in the style", "<p style='dis/**/play:/*;*/none'>x", true },
	{ "the attribute", "<p hidden>x", true },
	{ "a template", "<template>x</template>", true },
	{ "visibility", "<p style='visibility:hidden'>x", true },
	{ "visibility undone", "<div style='visibility:hidden'><b style='visibility:visible'>x", false },
	{ "display cannot be undone", "<div style='display:none'><b style='display:inline'>x", true },
	{ "font size 0", "<p style='font-size:0'>x", true },
	{ "font size 1px", "<p style='font-size:1.0px'>x", true },
	{ "font size 2px", "<p style='font-size:2px'>x", false },
	{ "font size 1em", "<p style='font-size:1em'>x", false },
	{ "font size undone", "<td style='font-size:0'><p style='font-size:14px'>x", false },
	{ "font size relative to 0", "<td style='font-size:0'><p style='font-size:2em'>x", true },
	{ "opacity", "<p style='opacity:0.0'>x", true },
	{ "half of it", "<p style='opacity:.5'>x", false },
	{ "no height", "<p style='max-height:0px;overflow:hidden'>x", true },
	{ "no height, but it overflows", "<p style='height:0'>x", false },
	{ "out of the window", "<p style='text-indent:-9999px'>x", true },
	{ "for Outlook", "<p style='mso-hide:all'>x", true },
	{ "white on white", "<font color=white>x", true },
	{ "nearly white on white", "<p style='color:#fefefe'>x", true },
	{ "grey on white", "<p style='color:#ddd'>x", false },
	{ "white on dark", "<table><td bgcolor='#003366'><font color='#ffffff'>x", false },
	{ "dark on dark", "<div style='background:#003366'><p style='color:rgb(0, 51, 102)'>x", true },
	{ "white on a picture", "<div style='background:url(a.png)'><p style='color:#fff'>x", false },
	{ "transparent", "<p style='color:transparent'>x", true },
	{ "quite transparent", "<p style='color:rgba(0,0,0,0)'>x", true },
	{ "a colour nobody knows", "<p style='color:var(--a)'>x", false },
};

START_TEST(hidden_text_is_shown_and_marked)
{
	struct buf out = buf_limited(0);
	struct html_text_notes notes = convert(span_of(hidings[_i].in), 0, &out);

	ck_assert_msg(strcmp(buf_text(&out), hidings[_i].hidden ? "〔非表示〕x〔非表示ここまで〕" : "x") == 0, "%s: %s",
		      hidings[_i].what, buf_text(&out));
	ck_assert_uint_eq(notes.hidden, hidings[_i].hidden);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *what, *in, *out;
} hidden_rows[] = {
	{ "only around text", "a<p hidden> <br>&nbsp;&zwnj;</p>b", "a\n\n\nb" },
	{ "once for all within", "<div hidden>a<p>b</p></div>c", "〔非表示〕a\n\nb〔非表示ここまで〕\n\nc" },
	{ "in the middle of a line", "a <span hidden>b</span> c", "a 〔非表示〕b〔非表示ここまで〕 c" },
	{ "a paragraph that ends without its tag", "<p hidden>a<p>b", "〔非表示〕a〔非表示ここまで〕\n\nb" },
	{ "a table", "<table hidden><tr><td>a<td>b</table>c", "〔非表示〕a | b〔非表示ここまで〕\n\nc" },
	{ "a picture", "<p hidden><img alt=a></p>", "〔非表示〕〔画像: a〕〔非表示ここまで〕" },
};

START_TEST(hidden_text_is_marked_where_it_stands)
{
	struct buf out = buf_limited(0);

	for (int piece = 0; piece < 3; piece++) {
		convert(span_of(hidden_rows[_i].in), piece, &out);
		ck_assert_msg(strcmp(buf_text(&out), hidden_rows[_i].out) == 0, "%s: %s", hidden_rows[_i].what, buf_text(&out));
	}
	buf_free(&out);
}
END_TEST

/* ---- tables */

static const struct {
	const char *what, *in, *out;
} tables[] = {
	{ "a grid", "<table><tr><th>日付<th>件名<tr><td>2026-11-21<td>会議</table>after",
	  "日付       | 件名\n-----------+-----\n2026-11-21 | 会議\n\nafter" },
	{ "cells of several lines", "<table><tr><td>a<br>b<td>c<tr><td>d<td>e<br>f</table>", "a | c\nb |\nd | e\n  | f" },
	{ "without tr, with groups", "<table><tbody><td>a<td>b</tbody><tfoot><tr><td>c<td>d</table>", "a | b\nc | d" },
	{ "columns without text", "<table><tr><td>a<td>&nbsp;<td>b<tr><td>c<td><td>d</table>", "a | b\nc | d" },
	{ "one column", "<table><tr><td>a<tr><td>b<br>c</table>", "a\nb\nc" },
	{ "cells of several paragraphs stand apart", "<table><tr><td>a<tr><td><p>b</p>c<tr><td><h2>d</h2>e<tr><td>f</table>",
	  "a\n\nb\n\nc\n\n■ d\n\ne\n\nf" },
	{ "a title over columns", "<table><tr><td colspan=2>a very long title<tr><td>b<td>c</table>", "a very long title\nb | c" },
	{ "rowspan", "<table><tr><td rowspan=2>a<td>b<tr><td>c<tr><td>d<td>e</table>", "a | b\n  | c\nd | e" },
	{ "text between rows", "<table>x<tr><td>a<td>b</table>", "x\n\na | b" },
	{ "text between cells of a layout", "<table><tr><td>a<tr>www.b<table></table>c</table>", "www[.]b\na\nc" },
	{ "an address around a cell", "<table>http<tr><td>a<tr>://b.example</table>", "http\n://b[.]example\na" },
	{ "a caption", "<table><caption>表1</caption><tr><td>a<td>b</table>", "表1\n\na | b" },
	{ "tables within tables", "<table><tr><td>a<table><tr><td>b<td>c</table>d<td>e</table>f", "a\n\nb | c\n\nd\ne\nf" },
	{ "layout by its role", "<table role=presentation><tr><td>a<td>b</table>", "a\nb" },
	{ "in a quotation", "<blockquote><table><tr><td>a<td>b<tr><td>c<td>d</table></blockquote>", "> a | b\n> c | d" },
	{ "in a list", "<ul><li><table><tr><td>a<td>b<tr><td>c<td>d</table><li>e</ul>", "・a | b\n  c | d\n\n・e" },
	{ "a list in a cell", "<table><tr><td><ul><li>a<li>b</ul><td>c</table>", "・a | c\n・b |" },
	{ "a list in a cell of a layout", "<table><tr><td><ul><li>a<li>b<table></table></ul>c</table>", "・a\n・b\n\nc" },
	{ "links in cells", "<table><tr><td><a href=http://b.example>a<td>c</table>", "a〔リンク先: hxxp://b[.]example〕 | c" },
	{ "two tables", "<table><tr><td>a<td>b</table><table><tr><td>c<td>d</table>", "a | b\n\nc | d" },
	{ "a table that does not end", "<table><tr><td>a<td>b", "a | b" },
	{ "cells without a table", "<td>a<td>b<tr>c", "a\nb\nc" },
};

START_TEST(tables_become_rows)
{
	static const int pieces[] = { 0, 1, 5, -1 };
	struct buf out = buf_limited(0);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		convert(span_of(tables[_i].in), pieces[i], &out);
		ck_assert_msg(strcmp(buf_text(&out), tables[_i].out) == 0, "%s (pieces of %d):\n%s", tables[_i].what, pieces[i],
			      buf_text(&out));
	}
	buf_free(&out);
}
END_TEST

/* A table of so many rows and columns. */
static void table_put(struct buf *in, int rows_count, int columns, size_t cell_bytes)
{
	in->length = 0;
	buf_puts(in, "<table>");
	for (int row = 0; row < rows_count; row++) {
		buf_puts(in, "<tr>");
		for (int column = 0; column < columns; column++) {
			buf_puts(in, "<td>");
			for (size_t i = 0; i < cell_bytes; i++)
				buf_putc(in, 'x');
		}
	}
	buf_puts(in, "</table>");
}

static const struct {
	const char *what;
	int rows, columns;
	size_t cell_bytes;
	bool grid;
} table_limits[] = {
	{ "rows at the limit", TABLE_ROWS_MAX, 2, 1, true },
	{ "one row more", TABLE_ROWS_MAX + 1, 2, 1, true },
	{ "a long list of one column", 3 * TABLE_ROWS_MAX, 1, 1, false },
	{ "a long list", 5 * TABLE_ROWS_MAX + 1, 8, 3, true },
	{ "columns at the limit", 2, TABLE_COLUMNS_MAX, 1, true },
	{ "one column more", 2, TABLE_COLUMNS_MAX + 1, 1, false },
	{ "cells at the limit", TABLE_CELLS_MAX / 4, 4, 1, true },
	{ "more cells", TABLE_CELLS_MAX / 4 + 1, 4, 1, true },
	{ "text at the limit", 2, 2, TABLE_TEXT_BYTES_MAX / 4, true },
	{ "more text", 2, 2, TABLE_TEXT_BYTES_MAX / 4 + 1, true },
	{ "more text in a row", 1, 2, TABLE_TEXT_BYTES_MAX / 2 + 1, false },
};

/* A grid that is too wide is written in rows all the same, and so is a long one; a row that goes beyond a limit stands in lines. */
START_TEST(tables_keep_their_limits_and_lose_nothing)
{
	static const int pieces[] = { 0, 1000, -1 };
	struct buf in = buf_limited(0), out = buf_limited(0), first = buf_limited(0);
	size_t count = 0, lines = 1;

	table_put(&in, table_limits[_i].rows, table_limits[_i].columns, table_limits[_i].cell_bytes);
	convert(buf_span(&in), 0, &first);
	for (size_t i = 0; i < first.length; i++)
		count += first.data[i] == 'x', lines += first.data[i] == '\n';
	ck_assert_msg(count == (size_t)(table_limits[_i].rows * table_limits[_i].columns) * table_limits[_i].cell_bytes, "%s: lost",
		      table_limits[_i].what);
	ck_assert_msg((strstr(buf_text(&first), "x | x") != NULL) == table_limits[_i].grid, "%s", table_limits[_i].what);
	ck_assert_msg(!table_limits[_i].grid || lines == (size_t)table_limits[_i].rows, "%s: %zu lines", table_limits[_i].what, lines);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		convert(buf_span(&in), pieces[i], &out);
		ck_assert_msg(span_equal(buf_span(&first), buf_span(&out)), "%s: pieces of %d differ", table_limits[_i].what, pieces[i]);
	}
	buf_free(&in);
	buf_free(&out);
	buf_free(&first);
}
END_TEST

/* ---- limits */

START_TEST(depth_keeps_its_limit)
{
	struct buf in = buf_limited(0), out = buf_limited(0);

	/* The document itself takes one place. */
	for (int depth = HTML_DEPTH_MAX - 1; depth <= HTML_DEPTH_MAX; depth++) {
		in.length = 0;
		for (int i = 1; i < depth; i++)
			buf_puts(&in, "<div>");
		buf_puts(&in, "<div hidden>a</div>b");
		ck_assert_uint_eq(convert(buf_span(&in), 0, &out).too_deep, depth == HTML_DEPTH_MAX);
		/* Beyond it, too, hidden text is marked. */
		ck_assert_str_eq(buf_text(&out), "〔非表示〕a〔非表示ここまで〕\nb");
	}
	buf_free(&in);
	buf_free(&out);
}
END_TEST

START_TEST(a_cell_beyond_the_depth_is_just_text)
{
	struct buf in = buf_limited(0), out = buf_limited(0);

	for (int missing = 0; missing < 5; missing++) {
		in.length = 0;
		for (int i = 0; i < HTML_DEPTH_MAX - missing; i++)
			buf_puts(&in, "<div>");
		buf_puts(&in, "<table><tr><td>a<td>b<tr><td>c</table>d");
		convert(buf_span(&in), 0, &out);
		for (const char *letter = "abcd"; *letter; letter++)
			ck_assert_ptr_nonnull(strchr(buf_text(&out), *letter));
	}
	buf_free(&in);
	buf_free(&out);
}
END_TEST

START_TEST(notes_say_what_was_found)
{
	static const char in[] = "<title>title</title><script>s</script><style>t</style><base href=//x><a href=//evil.example>bank.example</a>"
				 "<img><form><input></form><iframe>five!</iframe><p hidden>h</p>&#x202e;<b attribute";
	struct buf out = buf_limited(0);
	struct html_text_notes notes = convert(span_of(in), 0, &out);

	ck_assert_uint_eq(notes.dropped_bytes, 10);
	ck_assert_uint_eq(notes.scripts, 1);
	ck_assert_uint_eq(notes.styles, 1);
	ck_assert_uint_eq(notes.redirects, 1);
	ck_assert_uint_eq(notes.links, 1);
	ck_assert_uint_eq(notes.mismatched, 1);
	ck_assert_uint_eq(notes.pictures, 1);
	ck_assert_uint_eq(notes.forms, 2);
	ck_assert_uint_eq(notes.frames, 1);
	ck_assert_uint_eq(notes.hidden, 1);
	ck_assert_uint_eq(notes.characters.shown, 1);
	ck_assert_uint_gt(notes.defanged, 0);
	ck_assert_uint_ge(notes.unfinished_bytes, 10);
	buf_free(&out);
}
END_TEST

/* What made other converters run for minutes, or out of memory: here it ends, and memory is one block. */
static const struct {
	const char *what, *begin, *again;
	int times;
} bombs[] = {
	{ "nested div", "", "<div>", 20000 },
	{ "attributes", "<p", " a=b", 20000 },
	{ "misnested", "", "<b><i><a href=x></b></i></a>", 5000 },
	{ "nested tables", "", "<table><tr><td>", 5000 },
	{ "nested svg and math", "", "<svg><math>", 5000 },
	{ "less-than", "", "<", 100000 },
	{ "forms and selects", "", "<select><form>", 5000 },
	{ "cells", "<table>", "<tr><td>a<td>b", 5000 },
	{ "lists", "", "<ul><li>", 5000 },
	{ "quotations", "", "<blockquote>", 5000 },
	{ "references", "", "&notin", 20000 },
	{ "scripts in comments", "<script>", "<!--<script>", 5000 },
};

START_TEST(bombs_do_no_harm)
{
	struct buf in = buf_limited(0), out = buf_limited(4 << 20);

	buf_puts(&in, bombs[_i].begin);
	for (int i = 0; i < bombs[_i].times; i++)
		buf_puts(&in, bombs[_i].again);
	buf_puts(&in, "><p>end");
	convert(buf_span(&in), 4096, &out);
	ck_assert_msg(!out.overflow, "%s", bombs[_i].what);
	buf_free(&in);
	buf_free(&out);
}
END_TEST

/* The index over the names of elements is written by hand. */
START_TEST(every_element_is_found)
{
	static const struct {
		const char *name;
		enum html_kind kind;
	} elements[] = {
		{ "a", KIND_LINK }, { "address", KIND_LINE }, { "b", KIND_FORMAT }, { "button", KIND_BUTTON }, { "col", KIND_VOID },
		{ "caption", KIND_CAPTION }, { "dt", KIND_TERM }, { "dd", KIND_DETAILS }, { "embed", KIND_EMBED }, { "em", KIND_FORMAT },
		{ "frame", KIND_EMBED }, { "h1", KIND_HEADING }, { "hr", KIND_RULE }, { "ins", KIND_FORMAT }, { "i", KIND_FORMAT },
		{ "listing", KIND_PREFORMATTED }, { "legend", KIND_LINE }, { "mtext", KIND_INTEGRATION }, { "main", KIND_LINE },
		{ "noframes", KIND_DROPPED }, { "nav", KIND_LINE }, { "option", KIND_LINE }, { "object", KIND_FRAME },
		{ "pre", KIND_PREFORMATTED }, { "p", KIND_PARAGRAPH }, { "q", KIND_QUOTED }, { "rt", KIND_RUBY_TEXT },
		{ "svg", KIND_FOREIGN }, { "s", KIND_STRUCK }, { "tt", KIND_FORMAT }, { "table", KIND_TABLE }, { "ul", KIND_UNORDERED },
		{ "u", KIND_FORMAT }, { "video", KIND_FRAME }, { "wbr", KIND_VOID }, { "xmp", KIND_EXAMPLE },
		{ "zzz", KIND_INLINE }, { "tabl", KIND_INLINE }, { "tables", KIND_INLINE }, { "o:p", KIND_INLINE }, { "", KIND_INLINE },
	};

	for (int i = 0; i < COUNT(elements); i++) {
		enum html_kind kind;
		uint16_t id = html_element_find(span_of(elements[i].name), &kind);

		ck_assert_msg(kind == elements[i].kind, "%s", elements[i].name);
		ck_assert((id < HTML_ELEMENTS_KNOWN) == (kind != KIND_INLINE));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mail/html_text");
	TCase *tcase = tcase_create("html_text");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, html_becomes_text, 0, COUNT(rows));
	tcase_add_loop_test(tcase, hidden_text_is_shown_and_marked, 0, COUNT(hidings));
	tcase_add_loop_test(tcase, hidden_text_is_marked_where_it_stands, 0, COUNT(hidden_rows));
	tcase_add_loop_test(tcase, tables_become_rows, 0, COUNT(tables));
	tcase_add_loop_test(tcase, tables_keep_their_limits_and_lose_nothing, 0, COUNT(table_limits));
	tcase_add_test(tcase, depth_keeps_its_limit);
	tcase_add_test(tcase, a_cell_beyond_the_depth_is_just_text);
	tcase_add_test(tcase, notes_say_what_was_found);
	tcase_add_loop_test(tcase, bombs_do_no_harm, 0, COUNT(bombs));
	tcase_add_test(tcase, every_element_is_found);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
