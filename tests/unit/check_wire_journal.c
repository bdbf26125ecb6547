/* Records go round as payload and as line; the chain finds each kind of fault, once. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/journal.h"

enum { LINES = 4 };

static const struct journal_record record = {
	.event = JOURNAL_COMMIT,
	.who = { .known = true, .logged_in = true, .pid = 7, .login = 1000, .process = { "sekisho", 7 } },
	.reason = { "年度更新\n\x1b[31m", 18 }, .before = { "ab", 2 }, .after = { "", 0 },
	.details = { { "opens web", 9 }, { "\xff", 1 } }, .detail_count = 2,
};

START_TEST(a_payload_reads_back_and_no_other_length_does)
{
	struct buf bytes = buf_limited(0);
	struct journal_record again;

	journal_record_pack(&bytes, &record);
	ck_assert_int_eq(journal_record_unpack(buf_span(&bytes), &again), 0);
	ck_assert_int_eq(again.event, JOURNAL_COMMIT);
	ck_assert(again.who.known && again.who.logged_in && again.who.login == 1000 && again.who.pid == 7);
	ck_assert(span_equal(again.reason, record.reason) && again.detail_count == 2 && span_equal(again.details[0], record.details[0]));
	for (size_t length = 0; length < bytes.length; length++)
		ck_assert_int_eq(journal_record_unpack((struct span){ .data = bytes.data, .length = length }, &again), -EBADMSG);
	buf_putc(&bytes, 0);
	ck_assert_int_eq(journal_record_unpack(buf_span(&bytes), &again), -EBADMSG);
	bytes.length--;
	bytes.data[0] = JOURNAL_EVENT_COUNT;
	ck_assert_int_eq(journal_record_unpack(buf_span(&bytes), &again), -EBADMSG);
	buf_free(&bytes);
}
END_TEST

START_TEST(a_line_is_one_line_and_says_what_the_record_says)
{
	const struct journal_stamp stamp = { .number = 1, .time = 1795247999, .synchronised = true };
	struct buf bytes = buf_limited(0);
	struct journal_line line;

	journal_line_put(&bytes, &record, &stamp);
	ck_assert_ptr_eq(memchr(bytes.data, '\n', bytes.length), bytes.data + bytes.length - 1);
	ck_assert_ptr_null(memchr(bytes.data, '\x1b', bytes.length));
	bytes.length--;
	ck_assert_int_eq(journal_line_parse(buf_span(&bytes), &line), 0);
	ck_assert_uint_eq(line.number, 1);
	ck_assert_int_eq(line.time, 1795247999);
	ck_assert_str_eq(line.event, "commit");
	ck_assert_str_eq(json_string_value(json_object_get(line.root, "clock")), "synchronised");
	ck_assert_str_eq(json_string_value(json_object_get(line.root, "reason")), "年度更新??[31m");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(line.root, "who"), "login")), 1000);
	json_decref(line.root);
	buf_free(&bytes);
}
END_TEST

START_TEST(too_many_details_are_counted_and_the_line_keeps_its_limit)
{
	static char text[JOURNAL_LINE_BYTES_MAX / 16];
	const struct journal_stamp stamp = { .number = 1 };
	struct journal_record many = { .event = JOURNAL_COMMIT, .detail_count = 16 };
	struct buf bytes = buf_limited(0);

	memset(text, '"', sizeof(text));
	for (size_t i = 0; i < many.detail_count; i++)
		many.details[i] = (struct span){ .data = text, .length = sizeof(text) };
	journal_line_put(&bytes, &many, &stamp);
	ck_assert_uint_le(bytes.length, JOURNAL_LINE_BYTES_MAX);
	ck_assert_ptr_nonnull(strstr(buf_text(&bytes), "and 15 more"));
	buf_free(&bytes);
}
END_TEST

/* A chain of four lines, without their line ends. */
static void chain_make(struct buf lines[static LINES])
{
	struct journal_chain chain = { .count = 0 };
	struct journal_stamp stamp = { .number = 1, .time = 1795247999 };

	for (size_t i = 0; i < LINES; i++, stamp.number++) {
		lines[i] = buf_limited(0);
		memcpy(stamp.previous, chain.head, DIGEST_BYTES);
		journal_line_put(&lines[i], &record, &stamp);
		lines[i].length--;
		ck_assert_int_eq(journal_chain_follow(&chain, buf_span(&lines[i]), NULL), JOURNAL_SOUND);
	}
	ck_assert_uint_eq(chain.count, LINES);
	ck_assert_uint_eq(chain.last, LINES);
}

static const struct {
	const char *what;
	int order[LINES];		/* which line stands there; -1: the end; 100 more: with a changed byte; 99: nonsense */
	enum journal_fault faults[LINES];
} chain_rows[] = {
	{ "as it was written", { 0, 1, 2, 3 }, { JOURNAL_SOUND } },
	{ "its beginning was retired", { 2, 3, -1 }, { JOURNAL_SOUND } },
	{ "a line is missing", { 0, 2, 3, -1 }, { JOURNAL_SOUND, JOURNAL_MISNUMBERED, JOURNAL_SOUND } },
	{ "a line is there twice", { 0, 1, 1, 2 }, { JOURNAL_SOUND, JOURNAL_SOUND, JOURNAL_MISNUMBERED, JOURNAL_SOUND } },
	{ "two lines are exchanged", { 0, 2, 1, 3 }, { JOURNAL_SOUND, JOURNAL_MISNUMBERED, JOURNAL_MISNUMBERED, JOURNAL_MISNUMBERED } },
	{ "a line was changed", { 0, 101, 2, 3 }, { JOURNAL_SOUND, JOURNAL_SOUND, JOURNAL_UNCHAINED, JOURNAL_SOUND } },
	{ "the first line was changed", { 100, 1, 2, 3 }, { JOURNAL_SOUND, JOURNAL_UNCHAINED, JOURNAL_SOUND } },
	{ "a line is none", { 0, 99, 2, 3 }, { JOURNAL_SOUND, JOURNAL_UNREADABLE, JOURNAL_UNCHAINED, JOURNAL_SOUND } },
};

START_TEST(each_fault_of_a_chain_is_found)
{
	struct buf lines[LINES];
	struct journal_chain chain = { .count = 0 };

	chain_make(lines);
	for (size_t i = 0; i < LINES && chain_rows[_i].order[i] >= 0; i++) {
		int row = chain_rows[_i].order[i];
		struct span line = row == 99 ? span_of("{\"n\":2}") : buf_span(&lines[row % 100]);

		if (row >= 100)
			*strstr(buf_text(&lines[row - 100]), "opens") = 'O';
		ck_assert_msg(journal_chain_follow(&chain, line, NULL) == chain_rows[_i].faults[i], "%s: line %zu", chain_rows[_i].what, i);
	}
	for (size_t i = 0; i < LINES; i++)
		buf_free(&lines[i]);
}
END_TEST

START_TEST(a_detail_too_many_is_left_out)
{
	struct journal_record full = { .event = JOURNAL_COMMIT };

	for (int i = 0; i <= JOURNAL_DETAILS_MAX; i++)
		journal_record_add(&full, span_of(i < JOURNAL_DETAILS_MAX ? "one" : "too many"));
	ck_assert_uint_eq(full.detail_count, JOURNAL_DETAILS_MAX);
	ck_assert(span_equal(full.details[JOURNAL_DETAILS_MAX - 1], span_of("one")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire/journal");
	TCase *cases = tcase_create("journal");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, a_payload_reads_back_and_no_other_length_does);
	tcase_add_test(cases, a_detail_too_many_is_left_out);
	tcase_add_test(cases, a_line_is_one_line_and_says_what_the_record_says);
	tcase_add_test(cases, too_many_details_are_counted_and_the_line_keeps_its_limit);
	tcase_add_loop_test(cases, each_fault_of_a_chain_is_found, 0, sizeof(chain_rows) / sizeof(chain_rows[0]));
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
