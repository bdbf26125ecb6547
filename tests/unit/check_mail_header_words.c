/* mail/header_words, header_address, header_values: what people read of a header, and what they must not. */
#include "mail/header_address.h"
#include "mail/header_values.h"
#include "mail/header_words.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/letter.h"
#include "mail/mime.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

/* A field value that holds NUL. */
#define BYTES(text) { .data = (text), .length = sizeof(text) - 1 }

static const struct {
	const char *what;
	struct span value;
	const char *text;
} unstructured_rows[] = {
	{ "ASCII", BYTES("Re: hello"), "Re: hello" },
	{ "nothing", BYTES(""), "" },
	{ "white space only", BYTES(" \t "), "" },
	{ "UTF-8 in base64", BYTES("=?UTF-8?B?5pel5pys6Kqe?="), "日本語" },
	{ "UTF-8 in Q", BYTES("=?utf-8?q?=E6=97=A5=e6=9c=ac_x?="), "日本 x" },
	{ "text around a word", BYTES("Re: =?UTF-8?B?5pel5pys?= (1)"), "Re: 日本 (1)" },
	{ "no white space around a word", BYTES("[x]=?UTF-8?B?5pel5pys?=y"), "[x]日本y" },
	{ "white space between words is no text", BYTES("=?UTF-8?B?5pel?=  \t=?UTF-8?B?5pys?="), "日本" },
	{ "words without white space", BYTES("=?UTF-8?B?5pel?==?UTF-8?B?5pys?="), "日本" },
	{ "text between words", BYTES("=?UTF-8?B?5pel?= - =?UTF-8?B?5pys?="), "日 - 本" },
	{ "character cut in two by base64", BYTES("=?UTF-8?B?5pel5g==?= =?UTF-8?B?nKw=?="), "日本" },
	{ "character cut in two by Q", BYTES("=?UTF-8?Q?=E6=97?= =?utf-8?q?=A5?="), "日" },
	{ "a cut does not reach over another charset", BYTES("=?Shift_JIS?Q?=93?= =?us-ascii?Q?b?="), "〓b" },
	{ "ISO-2022-JP", BYTES("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?="), "日本" },
	{ "ISO-2022-JP, two whole words",
	  BYTES("=?ISO-2022-JP?B?GyRCRnwbKEI=?= =?ISO-2022-JP?B?GyRCS1wbKEI=?="), "日本" },
	{ "ISO-2022-JP, kanji left open, then ASCII",
	  BYTES("=?ISO-2022-JP?B?GyRCRnw=?= =?ISO-2022-JP?Q?ab?="), "日ab" },
	{ "ISO-2022-JP, a run cut in two",
	  BYTES("=?ISO-2022-JP?B?GyRCRnw=?= =?ISO-2022-JP?B?S1wbKEI=?="), "日本" },
	{ "ISO-2022-JP, an escape sequence cut in two",
	  BYTES("=?ISO-2022-JP?B?GyRCRnwb?= =?ISO-2022-JP?B?KEJh?="), "日a" },
	{ "half-width kana", BYTES("=?ISO-2022-JP?B?GyhJMTIzGyhC?="), "ｱｲｳ" },
	{ "NEC row 13", BYTES("=?ISO-2022-JP?B?GyRCLSEbKEI=?="), "①" },
	{ "Shift_JIS with 0x5c", BYTES("=?Shift_JIS?B?lVyOpg==?="), "表示" },
	{ "label is wrong: UTF-8", BYTES("=?ISO-2022-JP?B?5pel5pys6Kqe?="), "日本語" },
	{ "label is unknown", BYTES("=?x-nobody?B?5pel5pys6Kqe?="), "日本語" },
	{ "language", BYTES("=?UTF-8*ja?B?5pel?="), "日" },
	{ "spaces and a question mark in Q", BYTES("=?UTF-8?Q?who? a=20b?="), "who? a b" },
	{ "empty word", BYTES("a =?UTF-8?Q?" "?= b"), "a  b" },
	{ "broken hex in Q", BYTES("=?UTF-8?Q?=4=ZZ=41?="), "=4=ZZA" },
	{ "no charset", BYTES("=?" "?Q?=E6=97=A5?="), "日" },
	{ "unknown encoding is text", BYTES("=?UTF-8?X?abc?="), "=?UTF-8?X?abc?=" },
	{ "never closed", BYTES("=?UTF-8?Q?abc"), "=?UTF-8?Q?abc" },
	{ "only the beginning", BYTES("=?"), "=?" },
	{ "CR, LF and NUL from a word", BYTES("=?utf-8?q?a=0D=0ABcc:_x=00y?="), "a Bcc: x y" },
	{ "controls with white space around them", BYTES("a \x01 \x02\tb\x7f"), "a b" },
	{ "C1 controls", BYTES("a\xc2\x9b" "31mb"), "a 31mb" },
	{ "ESC that means nothing", BYTES("a\x1b[31mb"), "a [31mb" },
	{ "line and paragraph separator", BYTES("a\xe2\x80\xa8" "b"), "a b" },
	{ "right-to-left override", BYTES("a\xe2\x80\xae" "fdp.exe"), "a[U+202E]fdp.exe" },
	{ "zero width", BYTES("pay\xe2\x80\x8bpal\xef\xbb\xbf"), "paypal" },
	{ "private use", BYTES("\xee\x80\x80"), "〓" },
	{ "raw UTF-8", BYTES("日本語の件名"), "日本語の件名" },
	{ "raw ISO-2022-JP", BYTES("\x1b$BF|K\\\x1b(B test"), "日本 test" },
	{ "raw ISO-2022-JP that holds =?", BYTES("\x1b$B=?=?\x1b(B"), "戎戎" },
	{ "raw Shift_JIS",
	  BYTES("\x93\xfa\x96\x7b\x8c\xea\x82\xcc\x83\x65\x83\x58\x83\x67"), "日本語のテスト" },
	{ "raw EUC-JP", BYTES("\xc6\xfc\xcb\xdc\xb8\xec\xa4\xce\xa5\xc6\xa5\xb9\xa5\xc8"), "日本語のテスト" },
	{ "raw bytes beside a word", BYTES("日本 =?UTF-8?B?6Kqe?="), "日本 語" },
	{ "not UTF-8, not anything", BYTES("a\xff\xfe" "b"), NULL },
};


static void text_expect(const char *what, struct buf *out, const char *text)
{
	ck_assert_msg(letter_text_valid(buf_span(out), LETTER_TEXT_LINE), "%s: not a line: %s", what,
		      buf_text(out));
	if (text)
		ck_assert_msg(strcmp(buf_text(out), text) == 0, "%s: %s, not %s", what, buf_text(out), text);
}

START_TEST(unstructured_text)
{
	struct header_facts facts = { 0 };
	struct buf out = buf_limited(0);

	header_unstructured_put(unstructured_rows[_i].value, &out, &facts);
	text_expect(unstructured_rows[_i].what, &out, unstructured_rows[_i].text);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *what, *phrase, *text;
} phrase_rows[] = {
	{ "atoms", "Taro  Yamada", "Taro Yamada" },
	{ "quoted string", "\"Yamada, Taro\"", "Yamada, Taro" },
	{ "escapes", "\"a\\\"b\\\\c\"", "a\"b\\c" },
	{ "comment", "Taro (the (very) first) Yamada", "Taro Yamada" },
	{ "comment with escapes", "a (\\) b) c", "a c" },
	{ "comment only", "(Taro)", "" },
	{ "comment that is never closed", "a (b", "a (b" },
	{ "quote that is never closed", "\"Taro", "\"Taro" },
	{ "word in a quoted string", "\"=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=\"", "日本" },
	{ "words in two quoted strings", "\"=?UTF-8?B?5pel?=\" \"=?UTF-8?B?5pys?=\"", "日本" },
	{ "word that holds quotes and brackets", "=?UTF-8?Q?\"a\"_(b)?=", "\"a\" (b)" },
	{ "raw ISO-2022-JP that holds quotes", "\"\x1b$B\"\"K\\\x1b(B\"", NULL },
	{ "raw Shift_JIS that ends in a backslash", "\"\x95\x5c\"", "表" },
	{ "CR and LF by escapes", "\"a\\\r\\\nb\"", "a b" },
};

START_TEST(phrase_text)
{
	struct header_facts facts = { 0 };
	struct buf out = buf_limited(0);

	header_phrase_put(span_of(phrase_rows[_i].phrase), &out, &facts);
	text_expect(phrase_rows[_i].what, &out, phrase_rows[_i].text);
	ck_assert_uint_eq(facts.quoted_words > 0, strstr(phrase_rows[_i].what, "quoted string") &&
							  strstr(phrase_rows[_i].phrase, "=?"));
	buf_free(&out);
}
END_TEST

START_TEST(facts_are_counted)
{
	struct header_facts facts = { 0 };
	struct buf out = buf_limited(0);

	header_unstructured_put(span_of("=?ISO-2022-JP?B?5pel?= =?us-ascii?Q?a=00b=E2=80=AE?= \xe2\x80\x8b"),
				&out, &facts);
	ck_assert_uint_eq(facts.words, 2);
	ck_assert_uint_ge(facts.relabelled, 1);
	ck_assert_uint_eq(facts.controls, 1);
	ck_assert_uint_eq(facts.guessed, 1);
	ck_assert_uint_eq(facts.removed, 2);
	ck_assert_uint_eq(facts.cut, 0);
	buf_free(&out);
}
END_TEST

START_TEST(text_is_cut_between_characters)
{
	for (size_t limit = 1; limit <= 10; limit++) {
		struct header_facts facts = { 0 };
		struct buf out = buf_limited(limit);

		header_unstructured_put(span_of("日本語"), &out, &facts);
		ck_assert_uint_eq(out.length, limit >= 9 ? 9 : limit / 3 * 3);
		ck_assert_uint_eq(facts.cut, limit < 9);
		ck_assert(!out.overflow);
		buf_free(&out);
	}
}
END_TEST

static const struct {
	const char *what, *field, *names; /* separated by " | " */
} name_rows[] = {
	{ "plain", "attachment; filename=a.txt", "a.txt" },
	{ "quoted", "attachment; filename=\"a b.txt\"", "a b.txt" },
	{ "no quotes, with spaces", "attachment; filename=My File.pdf", "My File.pdf" },
	{ "no quotes, with brackets", "attachment; filename=a(1).pdf", "a(1).pdf" },
	{ "comment behind", "attachment; filename=a.pdf (draft)", "a.pdf" },
	{ "encoded-word", "attachment; filename=\"=?UTF-8?B?6LOH5paZLnBkZg==?=\"", "資料.pdf" },
	{ "RFC 2231", "attachment; filename*=UTF-8''%E8%B3%87%E6%96%99.pdf", "資料.pdf" },
	{ "RFC 2231 in sections",
	  "attachment; filename*0*=UTF-8''%E8%B3; filename*1*=%87; filename*2=.pdf", "資.pdf" },
	{ "sections in another order", "attachment; filename*1=b; filename*0=a; filename*2=c", "abc" },
	{ "escape sequence cut by sections",
	  "attachment; filename*0*=ISO-2022-JP''%1B$BF%7C; filename*1*=K%5C%1B%28B.txt", "日本.txt" },
	{ "encoded-word in sections",
	  "attachment; filename*0==?UTF-8?B?6LOH5pa; filename*1=ZLnBkZg==?=", "資料.pdf" },
	{ "encoded-word in an extended form", "attachment; filename*=UTF-8''=?UTF-8?B?6LOH?=", "資" },
	{ "label is wrong", "attachment; filename*=ISO-2022-JP''%E8%B3%87", "資" },
	{ "no charset", "attachment; filename*=%E8%B3%87.txt", "資.txt" },
	{ "both forms agree", "attachment; filename=a.txt; filename*=UTF-8''a.txt", "a.txt" },
	{ "both forms differ", "attachment; filename=a.txt; filename*=UTF-8''a.exe", "a.txt | a.exe" },
	{ "a section is missing", "attachment; filename*0=a.txt; filename*2=.exe", "a.txt.exe | a.txt" },
	{ "a section is there twice",
	  "attachment; filename*0=a; filename*1=.txt; filename*1=.exe", "a.txt.exe" },
	{ "twice", "attachment; filename=a.txt; filename=b.exe", "a.txt | b.exe" },
	{ "text behind the quotes", "attachment; filename=\"a.txt\".exe", "a.txt.exe" },
	{ "NUL", "attachment; filename*=UTF-8''a.exe%00.pdf", "a.exe .pdf" },
	{ "bidi", "attachment; filename*=UTF-8''a%E2%80%AEfdp.exe", "a[U+202E]fdp.exe" },
	{ "raw Shift_JIS with a backslash", "attachment; filename=\"\x95\x5c.txt\"", "表.txt" },
	{ "raw ISO-2022-JP with a semicolon", "attachment; filename=\"\x1b$B;;\x1b(B.txt\"; x=y", "算.txt" },
	{ "none", "attachment", "" },
	{ "empty", "attachment; filename=\"\"", "" },
	{ "percent at the end", "attachment; filename*=UTF-8''a%4", "a%4" },
};

START_TEST(file_names)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct mime_value *value = arena_alloc(arena, sizeof(*value));
	struct header_names names = { .count = 0 };
	struct header_facts facts = { 0 };
	struct buf text = buf_limited(0);

	mime_value_parse(span_of(name_rows[_i].field), MIME_VALUE_TOKEN, value);
	ck_assert(span_equal(value->token, span_of("attachment")));
	header_names_add(&names, value, "filename", arena, &facts);
	for (size_t i = 0; i < names.count; i++) {
		ck_assert(letter_text_valid(names.items[i], LETTER_TEXT_LINE));
		buf_printf(&text, "%s%.*s", i ? " | " : "", (int)names.items[i].length, names.items[i].data);
	}
	ck_assert_msg(strcmp(buf_text(&text), name_rows[_i].names) == 0, "%s: %s", name_rows[_i].what,
		      buf_text(&text));
	ck_assert(!names.more);
	buf_free(&text);
}
END_TEST

/* Eight names are kept, the ninth is only known to exist. */
START_TEST(file_names_have_a_limit)
{
	for (int count = HEADER_NAMES_MAX; count <= HEADER_NAMES_MAX + 1; count++) {
		__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
		struct mime_value *value = arena_alloc(arena, sizeof(*value));
		struct header_names names = { .count = 0 };
		struct header_facts facts = { 0 };
		struct buf field = buf_limited(0);

		buf_puts(&field, "attachment");
		for (int i = 0; i < count; i++)
			buf_printf(&field, "; filename=%d", i);
		mime_value_parse(buf_span(&field), MIME_VALUE_TOKEN, value);
		header_names_add(&names, value, "filename", arena, &facts);
		ck_assert_uint_eq(names.count, HEADER_NAMES_MAX);
		ck_assert(names.more == (count > HEADER_NAMES_MAX));
		buf_free(&field);
	}
}
END_TEST

/* name <address> of each; '!' in front of an odd one, '?' in front of a name that imitates. */
static const struct {
	const char *what, *field, *addresses;
} address_rows[] = {
	{ "address alone", "a@b.example", "<a@b.example>" },
	{ "name and address", "Taro <a@b.example>", "Taro <a@b.example>" },
	{ "two", "a@b, Taro <c@d>", "<a@b> Taro <c@d>" },
	{ "quoted name with comma", "\"Yamada, Taro\" <a@b>", "Yamada, Taro <a@b>" },
	{ "encoded name", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?= <a@b>", "日本 <a@b>" },
	{ "encoded name in quotes", "\"=?UTF-8?B?5pel5pys?=\" <a@b>", "日本 <a@b>" },
	{ "encoded name that holds a comma", "=?UTF-8?Q?a,b?= <a@b>", "a,b <a@b>" },
	{ "raw ISO-2022-JP with brackets and commas", "\x1b$B<,>,\x1b(B <a@b>", NULL },
	{ "name in a comment", "a@b (Taro Yamada)", "Taro Yamada <a@b>" },
	{ "comments everywhere", "(x) a (y) @ (z) b (Taro)", "Taro <a@b>" },
	{ "group", "staff: a@b, Taro <c@d>;, e@f", "<a@b> Taro <c@d> <e@f>" },
	{ "empty group", "undisclosed-recipients:;", "" },
	{ "group in a group", "x: y: a@b;;", "<a@b>" },
	{ "route", "Taro <@x,@y:a@b>", "Taro <a@b>" },
	{ "white space in an address", "< a . b @ c . d >", "<a.b@c.d>" },
	{ "dots of a carrier", "<a..b.@docomo.ne.jp>", "<a..b.@docomo.ne.jp>" },
	{ "dots of a carrier in quotes", "<\"a..b.\"@docomo.ne.jp>", "<a..b.@docomo.ne.jp>" },
	{ "quoted local part", "<\"a b\"@c>", "<\"a b\"@c>" },
	{ "quoted local part with a bracket", "<\"a>b\"@c>", "<\"a>b\"@c>" },
	{ "literal", "a@[192.0.2.1]", "<a@[192.0.2.1]>" },
	{ "encoded-word in an address stays", "=?utf-8?q?a?=@b", "<=?utf-8?q?a?=@b>" },
	{ "name is another address", "\"soumu@city.lg.jp\" <evil@x>", "?soumu＠city.lg.jp <evil@x>" },
	{ "name is this address", "\"A@b.example\" <a@b.example>", "A＠b.example <a@b.example>" },
	{ "name is this address in apostrophes",
	  "\"'a@b.example'\" <a@b.example>", "'a＠b.example' <a@b.example>" },
	{ "bare address as a name", "soumu@city.lg.jp <evil@x>", "?soumu＠city.lg.jp <evil@x>" },
	{ "encoded address as a name", "=?UTF-8?Q?a=40b?= <evil@x>", "?a＠b <evil@x>" },
	{ "two addresses in one", "Taro <a@b> <c@d>", "!Taro <a@b>" },
	{ "text behind the address", "<a@b> x", "!<a@b>" },
	{ "no address", "Yamada, Taro <a@b>", "!<Yamada> Taro <a@b>" },
	{ "empty address", "Taro <>", "!Taro <>" },
	{ "space in an atom", "a b@c", "!<a b@c>" },
	{ "8-bit address", "日本@例.jp", "!<日本@例.jp>" },
	{ "no domain", "<a@>", "!<a@>" },
	{ "two at", "<a@b@c>", "!<a@b@c>" },
	{ "never closed", "Taro <a@b", "!<Taro <a@b>" },
	{ "quote never closed", "\"Taro <a@b>", "\"Taro <a@b>" },
	{ "comment never closed", "(Taro <a@b>", "(Taro <a@b>" },
	{ "commas only", ", ,,", "" },
	{ "nothing", "", "" },
	{ "CR LF in a name", "\"a\r\nBcc: x\" <a@b>", "a Bcc: x <a@b>" },
	{ "CR LF in an address", "<a\x01\x02@b>", "!<a @b>" },
};

static void addresses_print(const struct header_addresses *addresses, struct buf *text)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const struct header_address *item = &addresses->items[i];

		ck_assert(letter_text_valid(item->name, LETTER_TEXT_NAME));
		ck_assert(letter_text_valid(item->address, LETTER_TEXT_LINE));
		buf_printf(text, "%s%s%s%.*s%s<%.*s>", i ? " " : "", item->odd ? "!" : "",
			   item->name_imitates ? "?" : "", (int)item->name.length, item->name.data,
			   item->name.length ? " " : "", (int)item->address.length, item->address.data);
	}
}

START_TEST(addresses)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct header_addresses result;
	struct buf text = buf_limited(0);

	header_addresses_read(span_of(address_rows[_i].field), arena, &result);
	addresses_print(&result, &text);
	if (address_rows[_i].addresses)
		ck_assert_msg(strcmp(buf_text(&text), address_rows[_i].addresses) == 0, "%s: %s",
			      address_rows[_i].what, buf_text(&text));
	else
		ck_assert_uint_eq(result.count, 1);
	buf_free(&text);
}
END_TEST

START_TEST(addresses_have_a_limit)
{
	for (uint64_t count = HEADER_ADDRESSES_MAX; count <= HEADER_ADDRESSES_MAX + 1; count++) {
		__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
		struct header_addresses result;
		struct buf field = buf_limited(0);

		for (uint64_t i = 0; i < count; i++)
			buf_puts(&field, "a@b,");
		header_addresses_read(buf_span(&field), arena, &result);
		ck_assert_uint_eq(result.count, HEADER_ADDRESSES_MAX);
		ck_assert_uint_eq(result.omitted, count - HEADER_ADDRESSES_MAX);
		buf_free(&field);
	}
}
END_TEST

START_TEST(long_address_is_odd)
{
	for (size_t length = HEADER_ADDRESS_BYTES_MAX; length <= HEADER_ADDRESS_BYTES_MAX + 1; length++) {
		__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
		struct header_addresses result;
		struct buf field = buf_limited(0);

		while (field.length < length - 2)
			buf_putc(&field, 'a');
		buf_puts(&field, "@b");
		header_addresses_read(buf_span(&field), arena, &result);
		ck_assert_uint_eq(result.count, 1);
		ck_assert(result.items[0].odd == (length > HEADER_ADDRESS_BYTES_MAX));
		buf_free(&field);
	}
}
END_TEST

/* Fields that made other programs recurse, or take the square of their length. */
static const struct {
	const char *what, *begin, *repeat, *end;
} bomb_rows[] = {
	{ "nested comments", "a@b ", "(", "" },
	{ "closed nested comments", "a@b ((((", "()", "))))" },
	{ "nested groups", "", "a:", "b@c;" },
	{ "quotes", "", "\"", "" },
	{ "escaped quotes", "\"", "\\\"", "" },
	{ "angles", "", "<", "" },
	{ "literals", "", "[", "" },
	{ "beginnings of encoded-words", "?= ", "=?a?b?x", "" },
	{ "encoded-words", "", "=?utf-8?q?=41?= ", "" },
	{ "encoded-words of two charsets", "", "=?utf-8?q?a?==?us-ascii?q?b?=", "" },
	{ "escape sequences", "", "\x1b$B", " " },
	{ "words of ISO-2022-JP", "", "=?iso-2022-jp?q?=1b$B?= ", "" },
	{ "dots and comments", "", "a()", "@b" },
	{ "commas", "", ",", "" },
};

START_TEST(bombs_are_read)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct header_addresses result;
	struct header_facts facts = { 0 };
	struct buf field = buf_limited(MIME_FIELD_BYTES_MAX), out = buf_limited(0);

	buf_puts(&field, bomb_rows[_i].begin);
	while (field.length + strlen(bomb_rows[_i].repeat) + strlen(bomb_rows[_i].end) <= MIME_FIELD_BYTES_MAX)
		buf_puts(&field, bomb_rows[_i].repeat);
	buf_puts(&field, bomb_rows[_i].end);
	header_unstructured_put(buf_span(&field), &out, &facts);
	ck_assert(letter_text_valid(buf_span(&out), LETTER_TEXT_LINE));
	header_phrase_put(buf_span(&field), &out, &facts);
	header_addresses_read(buf_span(&field), arena, &result);
	buf_free(&field);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *what, *value;
	int result;
	int64_t seconds;
	int zone_minutes;
	enum header_grammar grammar;
} date_rows[] = {
	{ "strict", "Fri, 21 Nov 2025 17:36:47 +0900", 0, 1763714207, 540, HEADER_STRICT },
	{ "no weekday", "21 Nov 2025 17:36:47 +0900", 0, 1763714207, 540, HEADER_STRICT },
	{ "no seconds", "21 Nov 2025 17:36 +0900", 0, 1763714160, 540, HEADER_STRICT },
	{ "one digit for the day", "Sat, 1 Nov 2025 00:00:00 -0000", 0, 1761955200, 0, HEADER_STRICT },
	{ "comment", "Fri, 21 Nov 2025 17:36:47 +0900 (JST)", 0, 1763714207, 540, HEADER_STRICT },
	{ "nested comments", "Fri, (a(b)) 21 Nov 2025 17:36:47 +0900", 0, 1763714207, 540, HEADER_STRICT },
	{ "negative zone", "21 Nov 2025 03:36:47 -0500", 0, 1763714207, -300, HEADER_STRICT },
	{ "leap second", "31 Dec 2016 23:59:60 +0000", 0, 1483228800, 0, HEADER_STRICT },
	{ "leap day", "29 Feb 2000 00:00:00 +0000", 0, 951782400, 0, HEADER_STRICT },
	{ "lower case", "fri, 21 nov 2025 17:36:47 +0900", 0, 1763714207, 540, HEADER_LENIENT },
	{ "zone by name", "Fri, 21 Nov 2025 17:36:47 JST", 0, 1763714207, 540, HEADER_LENIENT },
	{ "GMT", "Fri, 21 Nov 2025 08:36:47 GMT", 0, 1763714207, 0, HEADER_LENIENT },
	{ "no zone", "Fri, 21 Nov 2025 08:36:47", 0, 1763714207, 0, HEADER_LENIENT },
	{ "two digits for the year", "21 Nov 25 08:36:47 +0000", 0, 1763714207, 0, HEADER_LENIENT },
	{ "two digits, last century", "21 Nov 99 08:36:47 +0000", 0, 943173407, 0, HEADER_LENIENT },
	{ "three digits for the year", "21 Nov 125 08:36:47 +0000", 0, 1763714207, 0, HEADER_LENIENT },
	{ "one digit for the hour", "21 Nov 2025 8:36:47 +0000", 0, 1763714207, 0, HEADER_LENIENT },
	{ "hyphens", "21-Nov-2025 08:36:47 +0000", 0, 1763714207, 0, HEADER_LENIENT },
	{ "wrong weekday", "Mon, 21 Nov 2025 08:36:47 +0000", 0, 1763714207, 0, HEADER_LENIENT },
	{ "long weekday", "Friday, 21 November 2025 08:36:47 +0000", 0, 1763714207, 0, HEADER_LENIENT },
	{ "asctime", "Fri Nov 21 08:36:47 2025", 0, 1763714207, 0, HEADER_LENIENT },
	{ "asctime with zone", "Fri Nov 21 17:36:47 JST 2025", 0, 1763714207, 540, HEADER_LENIENT },
	{ "text behind it", "Fri, 21 Nov 2025 17:36:47 +0900 x", 0, 1763714207, 540, HEADER_LENIENT },
	{ "first second", "02 Jan 1970 00:00:00 +0000", 0, HEADER_SECONDS_MIN, 0, HEADER_STRICT },
	{ "before the first second", "01 Jan 1970 23:59:59 +0000", -ERANGE, 0, 0, 0 },
	{ "last second", "30 Dec 9999 23:59:59 +0000", 0, 253402214399, 0, HEADER_STRICT },
	{ "behind the last second", "31 Dec 9999 00:00:00 +0000", -ERANGE, 0, 0, 0 },
	{ "farthest zone", "21 Nov 2025 22:36:47 +1400", 0, 1763714207, 840, HEADER_STRICT },
	{ "zone too far", "21 Nov 2025 22:36:47 +1401", -ERANGE, 0, 0, 0 },
	{ "zone too far in the west", "21 Nov 2025 22:36:47 -1201", -ERANGE, 0, 0, 0 },
	{ "no such day", "30 Feb 2025 00:00:00 +0000", -ERANGE, 0, 0, 0 },
	{ "no such hour", "21 Nov 2025 24:00:00 +0000", -ERANGE, 0, 0, 0 },
	{ "year of five digits", "21 Nov 12025 00:00:00 +0000", -EINVAL, 0, 0, 0 },
	{ "zone of three digits", "21 Nov 2025 00:00:00 +900", -EINVAL, 0, 0, 0 },
	{ "minutes of a zone", "21 Nov 2025 00:00:00 +0960", -EINVAL, 0, 0, 0 },
	{ "ISO 8601", "2025-11-21T08:36:47Z", -EINVAL, 0, 0, 0 },
	{ "text", "yesterday", -EINVAL, 0, 0, 0 },
	{ "nothing", "", -EINVAL, 0, 0, 0 },
	{ "comment only", "((((", -EINVAL, 0, 0, 0 },
};

START_TEST(dates)
{
	struct header_date date = { 0 };

	ck_assert_msg(header_date_parse(span_of(date_rows[_i].value), &date) == date_rows[_i].result, "%s",
		      date_rows[_i].what);
	if (date_rows[_i].result < 0)
		return;
	ck_assert_msg(date.seconds == date_rows[_i].seconds, "%s: %lld", date_rows[_i].what,
		      (long long)date.seconds);
	ck_assert_int_eq(date.zone_minutes, date_rows[_i].zone_minutes);
	ck_assert_msg(date.grammar == date_rows[_i].grammar, "%s", date_rows[_i].what);
}
END_TEST

static const struct {
	const char *what, *value, *ids;
	bool odd;
} id_rows[] = {
	{ "one", "<a.b@c.example>", "a.b@c.example", false },
	{ "two", "<a@b> (x) <c@d>", "a@b c@d", false },
	{ "without white space", "<a@b><c@d>", "a@b c@d", false },
	{ "text between them", "Your mail of <a@b>, yesterday", "a@b", true },
	{ "no brackets", "a@b", "", true },
	{ "no domain", "<a>", "", true },
	{ "empty atom", "<a..b@c>", "", true },
	{ "dot at the end", "<a.@c>", "", true },
	{ "space inside", "<a b@c>", "", true },
	{ "8-bit", "<日@c>", "", true },
	{ "quotes", "<\"a\"@c>", "", true },
	{ "literal", "<a@[192.0.2.1]>", "", true },
	{ "encoded-word", "<=?utf-8?q?a?=@c>", "", true },
	{ "two at", "<a@b@c>", "", true },
	{ "never closed, then another", "<a@b <c@d>", "c@d", true },
	{ "empty", "<>", "", true },
	{ "nothing", "", "", false },
};

START_TEST(message_ids)
{
	struct span rest = span_of(id_rows[_i].value), id;
	struct buf text = buf_limited(0);
	bool odd = false;

	while (header_message_id_take(&rest, &id, &odd)) {
		ck_assert(letter_message_id_valid(id));
		buf_printf(&text, "%s%.*s", text.length ? " " : "", (int)id.length, id.data);
	}
	ck_assert_msg(strcmp(buf_text(&text), id_rows[_i].ids) == 0, "%s: %s", id_rows[_i].what,
		      buf_text(&text));
	ck_assert_msg(odd == id_rows[_i].odd, "%s", id_rows[_i].what);
	buf_free(&text);
}
END_TEST

START_TEST(message_id_has_a_limit)
{
	for (size_t length = HEADER_MESSAGE_ID_BYTES_MAX; length <= HEADER_MESSAGE_ID_BYTES_MAX + 1; length++) {
		struct buf field = buf_limited(0);
		struct span rest, id;
		bool odd = false;

		buf_putc(&field, '<');
		while (field.length < length - 1)
			buf_putc(&field, 'a');
		buf_puts(&field, "@b>");
		rest = buf_span(&field);
		ck_assert(header_message_id_take(&rest, &id, &odd) == (length <= HEADER_MESSAGE_ID_BYTES_MAX));
		buf_free(&field);
	}
}
END_TEST

START_TEST(references_keep_the_first_and_the_last)
{
	for (size_t count = 20; count <= 23; count++) {
		struct span ids[21];
		struct buf field = buf_limited(0), last = buf_limited(0), second = buf_limited(0);
		size_t omitted, kept;

		for (size_t i = 0; i < count; i++)
			buf_printf(&field, "<%zu@x> ", i);
		kept = header_references_read(buf_span(&field), 21, ids, &omitted);
		ck_assert_uint_eq(kept, count < 21 ? count : 21);
		ck_assert_uint_eq(omitted, count - kept);
		buf_printf(&last, "%zu@x", count - 1);
		buf_printf(&second, "%zu@x", 1 + omitted);
		ck_assert(span_equal(ids[0], span_of("0@x")));
		ck_assert(span_equal(ids[1], buf_span(&second)));
		ck_assert(span_equal(ids[kept - 1], buf_span(&last)));
		buf_free(&field);
		buf_free(&last);
		buf_free(&second);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mail/header_words");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, unstructured_text, 0, COUNT(unstructured_rows));
	tcase_add_loop_test(tcase, phrase_text, 0, COUNT(phrase_rows));
	tcase_add_test(tcase, facts_are_counted);
	tcase_add_test(tcase, text_is_cut_between_characters);
	tcase_add_loop_test(tcase, file_names, 0, COUNT(name_rows));
	tcase_add_test(tcase, file_names_have_a_limit);
	tcase_add_loop_test(tcase, addresses, 0, COUNT(address_rows));
	tcase_add_test(tcase, addresses_have_a_limit);
	tcase_add_test(tcase, long_address_is_odd);
	tcase_add_loop_test(tcase, bombs_are_read, 0, COUNT(bomb_rows));
	tcase_add_loop_test(tcase, dates, 0, COUNT(date_rows));
	tcase_add_loop_test(tcase, message_ids, 0, COUNT(id_rows));
	tcase_add_test(tcase, message_id_has_a_limit);
	tcase_add_test(tcase, references_keep_the_first_and_the_last);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
