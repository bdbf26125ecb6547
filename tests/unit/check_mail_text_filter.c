/* mail/text_filter and mail/plain_text: which characters come through, and where a limited text ends. */
#include "mail/letter.h"
#include "mail/plain_text.h"
#include "mail/text_filter.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static void append(void *user, struct span text)
{
	buf_put(user, text.data, text.length);
}

/* The text as it comes out when fed in pieces of this size (0: all at once); what was counted. */
static struct text_counts filtered(struct span in, size_t piece_bytes, struct buf *out)
{
	struct text_filter filter = text_filter_make();

	out->length = 0;
	for (size_t at = 0; at < in.length;) {
		size_t length = piece_bytes && piece_bytes < in.length - at ? piece_bytes : in.length - at;

		text_filter_feed(&filter, span_part(in, at, at + length), append, out);
		at += length;
	}
	text_filter_finish(&filter, append, out);
	return filter.counts;
}

static const struct {
	const char *what, *in, *out;
	struct text_counts counts;
} rows[] = {
	{ "ASCII, tab, Japanese", "a\tb 漢字かなカナ、。ｶﾅＡ　", "a\tb 漢字かなカナ、。ｶﾅＡ　", { 0 } },
	{ "line ends", "a\nb\r\nc\rd\ve\ff\xc2\x85g\xe2\x80\xa8h\xe2\x80\xa9i", "a\nb\nc\nd\ne\nf\ng\nh\ni", { 0 } },
	{ "CR at the end", "a\r", "a\n", { 0 } },
	{ "CR, invisible, LF", "a\r\xe2\x80\x8b\nb", "a\nb", { .removed = 1 } },
	{ "CR, mark, LF", "\r\xcc\x81\n", "\n\xcc\x81\n", { 0 } },
	{ "spaces of other widths", "a\xc2\xa0" "b\xe2\x80\x83" "c\xe2\x80\xaf" "d\xe3\x85\xa4" "e\xe2\xa0\x80" "f", "a b c d e f", { 0 } },
	{ "what is not seen", "p\xc2\xad" "a\xe2\x80\x8by\xe2\x80\x8dp\xef\xbb\xbf" "a\xe2\x81\xa0l\xf3\xa0\x81\xa1", "paypal", { .removed = 6 } },
	{ "marks of direction", "a\xe2\x80\x8e" "b\xe2\x80\x8f" "c\xd8\x9c" "d", "abcd", { .removed = 3 } },
	{ "what turns the line is shown", "a\xe2\x80\xae" "b\xe2\x81\xa6" "c", "a[U+202E]b[U+2066]c", { .shown = 2, .reordering = 2 } },
	{ "controls are shown", "\x1b[31m\x07\x7f\xc2\x9b", "[U+001B][31m[U+0007][U+007F][U+009B]", { .shown = 4 } },
	{ "private use", "\xee\x80\x80\xf3\xb0\x80\x80", "〓〓", { .missing = 2 } },
	{ "noncharacters", "\xef\xb7\x90\xef\xbf\xbf\xf0\x9f\xbf\xbe", "〓〓〓", { .missing = 3 } },
	{ "bytes that are not UTF-8", "a\x80" "b\xff" "c\xc0\xaf" "d", "a〓b〓c〓〓d", { .missing = 4 } },
	{ "surrogates, beyond the last", "\xed\xa0\x80\xf4\x90\x80\x80", "〓〓〓〓〓〓〓", { .missing = 7 } },
	{ "cut characters", "a\xe3\x81" "b\xf0\x9f\x98", "a〓b〓", { .missing = 2 } },
	{ "the replacement character stays", "\xef\xbf\xbd", "\xef\xbf\xbd", { 0 } },
	{ "variation of a kanji", "葛\xf3\xa0\x84\x80城 ☺\xef\xb8\x8f", "葛\xf3\xa0\x84\x80城 ☺\xef\xb8\x8f", { 0 } },
	{ "a second selector", "葛\xf3\xa0\x84\x80\xf3\xa0\x84\x81", "葛\xf3\xa0\x84\x80", { .removed = 1 } },
	{ "a selector of nothing", "\xef\xb8\x8f\n\xef\xb8\x8f", "\n", { .removed = 2 } },
	{ "a selector behind white space", "a \xef\xb8\x8f\tb\xc2\xa0\xef\xb8\x8f", "a \tb ", { .removed = 2 } },
	{ "marks up to the limit", "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81" "b\xe3\x82\x99",
	  "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81" "b\xe3\x82\x99", { 0 } },
	{ "marks beyond it", "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
	  "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", { .marks_removed = 1 } },
	{ "emoji, Hangul, Cyrillic", "😀 한국 Привет é", "😀 한국 Привет é", { 0 } },
};

START_TEST(characters_come_through_by_the_table)
{
	struct span in = span_of(rows[_i].in);
	struct buf out = buf_limited(0), again = buf_limited(0);

	for (size_t piece = 0; piece <= 4; piece++) {
		struct text_counts counts = filtered(in, piece, &out);

		ck_assert_msg(strcmp(buf_text(&out), rows[_i].out) == 0, "%s (pieces of %zu): \"%s\"", rows[_i].what, piece,
			      buf_text(&out));
		ck_assert_msg(memcmp(&counts, &rows[_i].counts, sizeof(counts)) == 0, "%s (pieces of %zu): counts", rows[_i].what, piece);
	}
	filtered(buf_span(&out), 0, &again);
	ck_assert_msg(span_equal(buf_span(&out), buf_span(&again)), "%s: changed once more", rows[_i].what);
	buf_free(&out);
	buf_free(&again);
}
END_TEST

START_TEST(every_code_point_becomes_what_a_letter_may_hold)
{
	struct buf out = buf_limited(0);

	for (uint32_t codepoint = 0; codepoint <= 0x10ffff; codepoint++) {
		char bytes[5] = "a";
		struct span in = { .data = bytes }, rest;

		if (codepoint >= 0xd800 && codepoint <= 0xdfff)
			continue;
		in.length = 1 + text_encode(codepoint, bytes + 1);
		filtered(in, 0, &out);
		for (rest = buf_span(&out); rest.length > 0;) {
			uint32_t result = 0;
			size_t length = text_codepoint(rest, &result);

			ck_assert_msg(length > 0 && (result == '\n' || result == '\t' || !letter_codepoint_forbidden(result)),
				      "U+%04X becomes U+%04X", codepoint, result);
			rest = span_part(rest, length, rest.length);
		}
	}
	buf_free(&out);
}
END_TEST

/* The fast way over bytes and the table must agree. */
START_TEST(what_is_plain_is_kept)
{
	for (uint32_t codepoint = 0; codepoint <= 0x10ffff; codepoint++) {
		char bytes[4];
		size_t length = text_encode(codepoint, bytes);
		struct span in = { .data = bytes, .length = length };

		if (text_plain_length(in) > 0 && !(codepoint >= 0xd800 && codepoint <= 0xdfff)) {
			ck_assert_uint_eq(text_plain_length(in), length);
			ck_assert_msg(text_class_of(codepoint) == TEXT_KEEP, "U+%04X", codepoint);
		}
	}
}
END_TEST

START_TEST(code_points_go_round)
{
	static const uint32_t codepoints[] = { 0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff };

	for (int i = 0; i < COUNT(codepoints); i++) {
		char bytes[4];
		struct span in = { .data = bytes, .length = text_encode(codepoints[i], bytes) };
		uint32_t codepoint;

		ck_assert_uint_eq(text_codepoint(in, &codepoint), in.length);
		ck_assert_uint_eq(codepoint, codepoints[i]);
		in.length--;
		ck_assert_uint_eq(text_codepoint(in, &codepoint), 0);
	}
}
END_TEST

START_TEST(shown_characters_keep_their_limit)
{
	struct buf in = buf_limited(0), out = buf_limited(0);
	struct text_counts counts;

	for (int i = 0; i < TEXT_SHOWN_MAX; i++)
		buf_putc(&in, '\x1b');
	counts = filtered(buf_span(&in), 0, &out);
	ck_assert_uint_eq(counts.shown, TEXT_SHOWN_MAX);
	ck_assert_uint_eq(counts.removed, 0);
	buf_putc(&in, '\x1b');
	counts = filtered(buf_span(&in), 0, &out);
	ck_assert_uint_eq(counts.shown, TEXT_SHOWN_MAX);
	ck_assert_uint_eq(counts.removed, 1);
	buf_free(&in);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *what;
	size_t bytes;
	const char *filler, *end, *expected_end;
	uint32_t broken;
} lines[] = {
	{ "a line at the limit", TEXT_LINE_BYTES_MAX - 1, "x", "y", "xy", 0 },
	{ "one beyond", TEXT_LINE_BYTES_MAX, "x", "y", "x\ny", 1 },
	{ "not within a character", TEXT_LINE_BYTES_MAX - 1, "x", "あ", "x\nあ", 1 },
	{ "a new line is counted anew", TEXT_LINE_BYTES_MAX, "x", "\ny", "x\ny", 0 },
};

START_TEST(long_lines_are_broken)
{
	struct buf in = buf_limited(0), out = buf_limited(0);
	size_t end = strlen(lines[_i].expected_end);

	while (in.length < lines[_i].bytes)
		buf_puts(&in, lines[_i].filler);
	buf_puts(&in, lines[_i].end);
	for (size_t piece = 0; piece <= 3; piece++) {
		struct text_counts counts = filtered(buf_span(&in), piece, &out);

		ck_assert_msg(counts.lines_broken == lines[_i].broken, "%s", lines[_i].what);
		ck_assert_msg(strcmp(buf_text(&out) + out.length - end, lines[_i].expected_end) == 0, "%s", lines[_i].what);
	}
	buf_free(&in);
	buf_free(&out);
}
END_TEST

/* ---- filter and links in a row */

START_TEST(plain_text_is_filtered_before_links_are_found)
{
	static const char in[] = "h\xe2\x80\x8bttp://ev\xc2\xadil.example/\r\n";
	struct buf out = buf_limited(0);
	struct plain_text text = plain_text_make(LINK_STYLE_HXXP);

	plain_text_feed(&text, span_of(in), &out);
	plain_text_finish(&text, &out);
	ck_assert_str_eq(buf_text(&out), "hxxp://evil[.]example/\n");
	buf_free(&out);
}
END_TEST

START_TEST(a_limited_text_ends_behind_a_word_and_has_no_hole)
{
	struct buf out = buf_limited(2 * PLAIN_TEXT_ROOM_BYTES), whole = buf_limited(0);
	struct plain_text text = plain_text_make(LINK_STYLE_HXXP), unlimited = text;
	char word[32];

	for (int i = 0; i < 20000; i++) {
		struct span piece = { .data = word, .length = (size_t)snprintf(word, sizeof(word), "%d ", i) };

		plain_text_feed(&text, piece, &out);
		plain_text_feed(&unlimited, piece, &whole);
	}
	plain_text_finish(&text, &out);
	ck_assert(out.overflow);
	ck_assert_uint_ge(out.length, PLAIN_TEXT_ROOM_BYTES - 16);
	ck_assert_uint_lt(out.length, 2 * PLAIN_TEXT_ROOM_BYTES);
	ck_assert(memcmp(out.data, whole.data, out.length) == 0);
	ck_assert_ptr_nonnull(strchr(" \n", out.data[out.length - 1]));
	buf_free(&out);
	buf_free(&whole);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mail/text_filter");
	TCase *tcase = tcase_create("text_filter");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, characters_come_through_by_the_table, 0, COUNT(rows));
	tcase_add_test(tcase, every_code_point_becomes_what_a_letter_may_hold);
	tcase_add_test(tcase, what_is_plain_is_kept);
	tcase_add_test(tcase, code_points_go_round);
	tcase_add_test(tcase, shown_characters_keep_their_limit);
	tcase_add_loop_test(tcase, long_lines_are_broken, 0, COUNT(lines));
	tcase_add_test(tcase, plain_text_is_filtered_before_links_are_found);
	tcase_add_test(tcase, a_limited_text_ends_behind_a_word_and_has_no_hole);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
