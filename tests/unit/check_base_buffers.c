/* base/arena, base/buf, base/digest and base/width: memory with a life, bytes with a limit, identities, columns. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/width.h"

#include <check.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

START_TEST(arena_gives_zeroed_aligned_memory)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4095, 4096, 4097, 70000, 3 << 20, 5 };
	struct arena *arena = arena_new();
	unsigned char *former = NULL;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *bytes = arena_alloc(arena, sizes[i]);

		ck_assert_uint_eq((uintptr_t)bytes % alignof(max_align_t), 0);
		ck_assert_ptr_ne(bytes, former);
		ck_assert(sizes[i] == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, sizes[i] - 1) == 0));
		memset(bytes, 0xa5, sizes[i]);
		former = bytes;
	}
	ck_assert_uint_ge(arena_footprint(arena), 3 << 20);
	arena_freep(&arena);
	ck_assert_ptr_null(arena);
	arena_free(NULL);
}
END_TEST

START_TEST(arena_room_leaves_the_rest_as_it_was)
{
	struct arena *arena = arena_new();
	unsigned char *first = arena_room(arena, 1 << 20), *small = arena_alloc(arena, 16), *second = arena_room(arena, 1);
	unsigned char *next = arena_alloc(arena, 16);

	memset(first, 0xa5, 1 << 20);
	*second = 0xa5;
	ck_assert_uint_eq((uintptr_t)first % alignof(max_align_t), 0);
	ck_assert_ptr_eq(next, small + 16);
	for (size_t at = 0; at < 32; at++)
		ck_assert_uint_eq(small[at], 0);
	ck_assert_uint_ge(arena_footprint(arena), 1 << 20);
	arena_free(arena);
}
END_TEST

START_TEST(arena_copies_text)
{
	struct arena *arena = arena_new();
	char long_text[9000];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	ck_assert_str_eq(arena_strndup(arena, "lgwan-2", 5), "lgwan");
	ck_assert_str_eq(arena_strndup(arena, "", 0), "");
	ck_assert_str_eq(arena_strdup(arena, long_text), long_text);
	ck_assert_str_eq(arena_printf(arena, "%s-%d", "lgwan", 2), "lgwan-2");
	ck_assert_str_eq(arena_printf(arena, "%s", long_text), long_text);
	arena_free(arena);
}
END_TEST

START_TEST(array_grows_and_keeps_its_items)
{
	struct arena *arena = arena_new();
	size_t capacity = 0;
	int *items = NULL;

	for (size_t count = 0; count < 1000; count++) {
		items = arena_grow(arena, items, count, &capacity, sizeof(*items));
		ck_assert_uint_gt(capacity, count);
		items[count] = (int)count;
	}
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(items[i], i);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *what;
	size_t count, size;
} exhausting_rows[] = {
	{ "a product that overflows", SIZE_MAX / 2, 3 },
	{ "more than the address space", SIZE_MAX, 1 },
	{ "rounding up would overflow", SIZE_MAX - 7, 1 },
};

/* In a process of its own, for it ends there. */
START_TEST(arena_shortage_ends_the_process)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		close(STDERR_FILENO);
		arena_array(arena_new(), exhausting_rows[_i].count, exhausting_rows[_i].size);
		_exit(0);
	}
	ck_assert(waitpid(child, &status, 0) == child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == EX_OSERR, "%s", exhausting_rows[_i].what);
}
END_TEST

static const struct {
	const char *what;
	size_t limit_bytes;
	const char *first, *second;
	const char *expected;
	bool overflow;
} limit_rows[] = {
	{ "no limit", 0, "abc", "defgh", "abcdefgh", false },
	{ "as many bytes as the limit", 8, "abc", "defgh", "abcdefgh", false },
	{ "one byte more than the limit: the whole piece is missing", 7, "abc", "defgh", "abc", true },
	{ "the first piece does not fit, the second does", 2, "abc", "de", "de", true },
	{ "nothing into a full one", 3, "abc", "", "abc", false },
};

START_TEST(buf_keeps_its_limit)
{
	struct buf put = buf_limited(limit_rows[_i].limit_bytes), printed = buf_limited(limit_rows[_i].limit_bytes);
	struct buf *both[] = { &put, &printed };
	const char *what = limit_rows[_i].what;

	buf_put(&put, limit_rows[_i].first, strlen(limit_rows[_i].first));
	buf_puts(&put, limit_rows[_i].second);
	buf_printf(&printed, "%s", limit_rows[_i].first);
	buf_printf(&printed, "%s", limit_rows[_i].second);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_msg(span_equal(buf_span(both[i]), span_of(limit_rows[_i].expected)), "%s", what);
		ck_assert_msg(both[i]->overflow == limit_rows[_i].overflow, "%s: overflow", what);
		ck_assert_msg(strcmp(buf_text(both[i]), limit_rows[_i].expected) == 0, "%s: text", what);
		buf_free(both[i]);
		ck_assert_msg(both[i]->length == 0 && !both[i]->overflow, "%s: freed", what);
		ck_assert_msg(both[i]->limit_bytes == limit_rows[_i].limit_bytes, "%s: limit stays", what);
	}
}
END_TEST

START_TEST(buf_grows_byte_by_byte)
{
	struct buf buf = buf_limited(0);

	ck_assert_str_eq(buf_text(&buf), "");
	for (int i = 0; i < 5000; i++)
		buf_putc(&buf, (char)('a' + i % 26));
	ck_assert_uint_eq(buf.length, 5000);
	for (int i = 0; i < 5000; i++)
		ck_assert_int_eq(buf_text(&buf)[i], 'a' + i % 26);
	ck_assert_uint_eq(strlen(buf_text(&buf)), 5000);
	buf_free(&buf);
}
END_TEST

START_TEST(buf_reserves_room_up_to_the_limit)
{
	struct buf buf = buf_limited(10);
	char *room = buf_reserve(&buf, 10);

	ck_assert_ptr_nonnull(room);
	memcpy(room, "0123456789", 10);
	buf.length += 10;
	ck_assert_ptr_nonnull(buf_reserve(&buf, 0));
	ck_assert(!buf.overflow);
	ck_assert_ptr_null(buf_reserve(&buf, 1));
	ck_assert(buf.overflow);
	ck_assert_str_eq(buf_text(&buf), "0123456789");
	buf_free(&buf);
}
END_TEST

START_TEST(spans_are_compared_by_bytes)
{
	struct span nothing = { .data = NULL, .length = 0 };

	ck_assert(span_equal(nothing, span_of("")));
	ck_assert(span_equal(span_of("lgwan"), (struct span){ "lgwan-2", 5 }));
	ck_assert(!span_equal(span_of("lgwan"), span_of("lgwam")));
	ck_assert(!span_equal(span_of("lgwan"), span_of("lgwan2")));
	ck_assert(!span_equal((struct span){ "a\0b", 3 }, (struct span){ "a\0c", 3 }));
}
END_TEST

/* The examples of FIPS 180-4, and the empty text. */
static const struct {
	const char *what, *text, *digest;
} digest_rows[] = {
	{ "one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "nothing", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
};

START_TEST(digest_is_sha256)
{
	uint8_t digest[DIGEST_BYTES];
	char text[DIGEST_TEXT_BYTES];

	digest_bytes(digest_rows[_i].text, strlen(digest_rows[_i].text), digest);
	ck_assert_msg(strcmp(digest_hex(digest, DIGEST_BYTES, text), digest_rows[_i].digest) == 0, "%s: %s",
		      digest_rows[_i].what, text);
	digest_hex(digest, 4, text);
	ck_assert_msg(strlen(text) == 8 && strncmp(text, digest_rows[_i].digest, 8) == 0, "%s: %s", digest_rows[_i].what, text);
	ck_assert_str_eq(digest_hex(digest, 0, text), "");
}
END_TEST

/* In pieces of one byte, and after a text that was given up. */
START_TEST(digest_of_pieces_is_the_same)
{
	const char *bytes = digest_rows[_i].text;
	struct digest digest;
	uint8_t whole[DIGEST_BYTES], pieces[DIGEST_BYTES];

	digest_begin(&digest);
	digest_add(&digest, "given up", 8);
	digest_begin(&digest);
	for (size_t i = 0; i < strlen(bytes); i++)
		digest_add(&digest, bytes + i, 1);
	digest_end(&digest, pieces);
	digest_bytes(bytes, strlen(bytes), whole);
	ck_assert_mem_eq(pieces, whole, DIGEST_BYTES);
}
END_TEST

static const struct {
	const char *what, *text;
	size_t width;
	const char *visible;	/* NULL: as it is */
} width_rows[] = {
	{ "nothing", "", 0, NULL },
	{ "ASCII", "lgwan", 5, NULL },
	{ "kanji", "庁内", 4, NULL },
	{ "hiragana, katakana, full-width digit", "あア９", 6, NULL },
	{ "half-width kana with its voice mark", "ｶﾞ", 2, NULL },
	{ "full-width space", "\xe3\x80\x80", 2, NULL },
	{ "Latin with accent", "é", 1, NULL },
	{ "combining accent", "e\xcc\x81", 1, NULL },
	{ "combining voice mark", "か\xe3\x82\x99", 2, NULL },
	{ "ideographic variation (異体字)", "葛\xf3\xa0\x84\x80", 2, NULL },
	{ "ideograph of the second plane", "\xf0\xa0\xae\xb7", 2, NULL },
	{ "emoji", "\xf0\x9f\x98\x80", 2, NULL },
	{ "ambiguous width counts one", "①…", 2, NULL },
	{ "last narrow before Hangul initials", "\xe1\x83\xbf", 1, NULL },
	{ "first Hangul initial", "\xe1\x84\x80", 2, NULL },
	{ "tab", "a\tb", 3, NULL },
	{ "escape sequence", "\033[2J", 4, "?[2J" },
	{ "newline cannot begin a line", "a\nb\r", 4, "a?b?" },
	{ "delete", "\x7f", 1, "?" },
	{ "C1 control as UTF-8", "\xc2\x9b", 1, "?" },
	{ "first behind C1", "\xc2\xa0", 1, NULL },
	{ "bidi override", "a\xe2\x80\xae" "b", 3, "a?b" },
	{ "zero-width space in a name", "lg\xe2\x80\x8bwan", 6, "lg?wan" },
	{ "byte order mark", "\xef\xbb\xbf" "a", 2, "?a" },
	{ "line separator", "\xe2\x80\xa8", 1, "?" },
	{ "tag character", "\xf3\xa0\x81\xa1", 1, "?" },
	{ "lone continuation byte", "\x80", 1, "?" },
	{ "Shift_JIS", "\x92\xa1\x93\xe0", 4, "????" },
	{ "cut off after one of two", "a\xc3", 2, "a?" },
	{ "cut off after three of four", "\xf0\x9f\x98", 3, "???" },
	{ "cut off by ASCII", "\xe5\xba" "a", 3, "??a" },
	{ "overlong slash", "\xc0\xaf", 2, "??" },
	{ "overlong in three bytes", "\xe0\x80\xaf", 3, "???" },
	{ "surrogate", "\xed\xa0\x80", 3, "???" },
	{ "beyond U+10FFFF", "\xf4\x90\x80\x80", 4, "????" },
	{ "last character", "\xf4\x8f\xbf\xbd", 1, NULL },
	{ "noncharacter at the end of a plane", "\xf4\x8f\xbf\xbf", 1, "?" },
};

START_TEST(text_has_a_width)
{
	struct buf visible = buf_limited(0), twice = buf_limited(0);
	const char *what = width_rows[_i].what, *text = width_rows[_i].text;

	ck_assert_msg(text_width(span_of(text)) == width_rows[_i].width, "%s: %zu", what, text_width(span_of(text)));
	buf_put_visible(&visible, span_of(text));
	ck_assert_msg(strcmp(buf_text(&visible), width_rows[_i].visible ? width_rows[_i].visible : text) == 0, "%s: %s", what,
		      buf_text(&visible));
	ck_assert_msg(text_width(buf_span(&visible)) == width_rows[_i].width, "%s: what is shown is as wide", what);
	buf_put_visible(&twice, buf_span(&visible));
	ck_assert_msg(span_equal(buf_span(&visible), buf_span(&twice)), "%s: showing twice changes nothing", what);
	buf_free(&visible);
	buf_free(&twice);
}
END_TEST

START_TEST(character_ends_with_its_span)
{
	struct span text = { .data = "庁", .length = 2 };
	struct buf visible = buf_limited(0);

	ck_assert_uint_eq(text_width(text), 2);
	buf_put_visible(&visible, text);
	ck_assert_str_eq(buf_text(&visible), "??");
	buf_free(&visible);
}
END_TEST

START_TEST(zero_byte_is_shown)
{
	struct span text = { .data = "a\0b", .length = 3 };
	struct buf visible = buf_limited(0);

	buf_put_visible(&visible, text);
	ck_assert_str_eq(buf_text(&visible), "a?b");
	ck_assert_uint_eq(text_width(text), 3);
	buf_free(&visible);
}
END_TEST

static const struct {
	const char *what, *text;
	size_t columns;
	const char *expected;
} pad_rows[] = {
	{ "shorter", "ab", 4, "ab  " },
	{ "one column short", "abc", 4, "abc " },
	{ "as wide", "abcd", 4, "abcd" },
	{ "wider is kept whole", "abcde", 4, "abcde" },
	{ "wide characters", "庁内", 6, "庁内  " },
	{ "nothing", "", 2, "  " },
	{ "no columns", "", 0, "" },
};

START_TEST(text_is_padded)
{
	struct buf out = buf_limited(0);

	buf_pad(&out, span_of(pad_rows[_i].text), pad_rows[_i].columns);
	ck_assert_msg(strcmp(buf_text(&out), pad_rows[_i].expected) == 0, "%s: '%s'", pad_rows[_i].what, buf_text(&out));
	buf_free(&out);
}
END_TEST

static Suite *buffers_suite(void)
{
	Suite *suite = suite_create("base/buffers");
	TCase *arena = tcase_create("arena"), *buf = tcase_create("buf"), *digest = tcase_create("digest");
	TCase *width = tcase_create("width");

	tcase_add_test(arena, arena_gives_zeroed_aligned_memory);
	tcase_add_test(arena, arena_room_leaves_the_rest_as_it_was);
	tcase_add_test(arena, arena_copies_text);
	tcase_add_test(arena, array_grows_and_keeps_its_items);
	tcase_add_loop_test(arena, arena_shortage_ends_the_process, 0, COUNT(exhausting_rows));
	suite_add_tcase(suite, arena);

	tcase_add_loop_test(buf, buf_keeps_its_limit, 0, COUNT(limit_rows));
	tcase_add_test(buf, buf_grows_byte_by_byte);
	tcase_add_test(buf, buf_reserves_room_up_to_the_limit);
	tcase_add_test(buf, spans_are_compared_by_bytes);
	suite_add_tcase(suite, buf);

	tcase_add_loop_test(digest, digest_is_sha256, 0, COUNT(digest_rows));
tcase_add_loop_test(digest, digest_of_pieces_is_the_same, 0, COUNT(digest_rows));
	suite_add_tcase(suite, digest);

	tcase_add_loop_test(width, text_has_a_width, 0, COUNT(width_rows));
	tcase_add_test(width, character_ends_with_its_span);
	tcase_add_test(width, zero_byte_is_shown);
	tcase_add_loop_test(width, text_is_padded, 0, COUNT(pad_rows));
	suite_add_tcase(suite, width);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(buffers_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
