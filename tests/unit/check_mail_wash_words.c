/*
 * mail/wash_files, wash_lines, wash_calendar, wash_report: what the wash takes out of texts and says in words; limits, and the same
 * result however the bytes are cut. Their place in a mail is tested in check_mail_wash.
 */
#include "mail/wash_calendar.h"
#include "mail/wash_files.h"
#include "mail/wash_lines.h"
#include "mail/wash_report.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define BYTES(literal) { .data = literal, .length = sizeof(literal) - 1 }

/* Pieces of these lengths; the last takes everything. */
static const size_t cuts[] = { 1, 2, 3, 7, 100, SIZE_MAX };

enum { CUTS = sizeof(cuts) / sizeof(cuts[0]) };

/* Feeds bytes in pieces of at most `most`. */
static void cut_feed(struct span bytes, size_t most, void (*feed)(void *user, struct span piece), void *user)
{
	while (bytes.length > 0) {
		size_t length = bytes.length < most ? bytes.length : most;
		char *copy = malloc(length);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, bytes.data, length);
		feed(user, (struct span){ .data = copy, .length = length });
		free(copy);
		bytes = span_part(bytes, length, bytes.length);
	}
}

/* ---- files in texts ---- */

/* The text, and each file as [name bytes type]. */
static void text_record(void *user, struct span bytes)
{
	buf_put(user, bytes.data, bytes.length);
}

static void file_record(void *user, const struct wash_file *file)
{
	buf_printf(user, "[%.*s %llu %.*s]", (int)file->name.length, file->name.data, (unsigned long long)file->size_bytes,
		   (int)file->type.length, file->type.data);
}

static void files_piece(void *user, struct span piece)
{
	wash_files_feed(user, piece);
}

static void files_judge(struct span text, const char *expected, const char *what)
{
	static const struct wash_files_events events = { text_record, file_record };

	for (size_t i = 0; i < CUTS; i++) {
		struct wash_files files = { .line_bytes = 0 };
		struct buf record = buf_limited(0);

		wash_files_begin(&files, &events, &record);
		cut_feed(text, cuts[i], files_piece, &files);
		wash_files_finish(&files);
		ck_assert_msg(span_equal(buf_span(&record), span_of(expected)), "%s, cut %zu:\n%s", what, cuts[i], buf_text(&record));
		buf_free(&record);
	}
}

static const struct {
	const char *what;
	struct span text;
	const char *expected;
} files_rows[] = {
	{ "nothing", BYTES(""), "" },
	{ "text without a line end", BYTES("abc"), "abc" },
	{ "uuencode", BYTES("a\nbegin 644 x y.bin\n#86)C\n`\nend\nb"), "a\nbegin 644 x y.bin\n[x y.bin 3 ]end\nb" },
	{ "uuencode with CR LF", BYTES("begin 644 x\r\n#86)C\r\n`\r\nend\r\n"), "begin 644 x\r\n[x 3 ]end\r\n" },
	{ "uuencode without a name", BYTES("begin 644 \n#86)C\n`\nend\n"), "begin 644 \n[ 3 ]end\n" },
	{ "a mode of two digits is none", BYTES("begin 64 x\n#86)C\n"), "begin 64 x\n#86)C\n" },
	{ "a mode of five digits is none", BYTES("begin 64444 x\n#86)C\n"), "begin 64444 x\n#86)C\n" },
	{ "the end is missing: text follows", BYTES("begin 644 x\n#86)C\nand so on\n"), "begin 644 x\n[x 3 ]and so on\n" },
	{ "the end is missing altogether", BYTES("begin 644 x\n#86)C"), "begin 644 x\n[x 3 ]" },
	{ "a begin line at the end", BYTES("begin 644 x"), "begin 644 x" },
	{ "a begin line behind a begin line", BYTES("begin 644 x\nbegin 644 y\n#86)C\nend\n"), "begin 644 x\nbegin 644 y\n[y 3 ]end\n" },
	{ "an empty file is text", BYTES("begin 644 x\n`\nend\n"), "begin 644 x\n`\nend\n" },
	{ "two files", BYTES("begin 644 x\n#86)C\nend\nbegin 644 y\n#86)C\nend\n"), "begin 644 x\n[x 3 ]end\nbegin 644 y\n[y 3 ]end\n" },
	{ "yEnc with an escape and a part", BYTES("=ybegin line=128 size=2 name= a b \n=ypart begin=1 end=2\n\x8b=M\n=yend size=2\nz"),
	  "=ybegin line=128 size=2 name= a b \n[a b 2 ]=yend size=2\nz" },
	{ "yEnc without a name is none", BYTES("=ybegin line=128\nabc\n"), "=ybegin line=128\nabc\n" },
	{ "yEnc that holds nothing is text", BYTES("=ybegin size=0 name=a\n=yend\n"), "=ybegin size=0 name=a\n=yend\n" },
	{ "yEnc of a known kind", BYTES("=ybegin size=8 name=a\n\x4f\x7a\x6e\x70\x57\n=yend\n"), "=ybegin size=8 name=a\n[a 5 application/pdf]=yend\n" },
	{ "BinHex", BYTES("(This file must be converted with BinHex 4.0)\n\n:$f*\nTEQ:\nz"), "(This file must be converted with BinHex 4.0)\n\n[ 6 ]\nz" },
	{ "BinHex that is left without end", BYTES("(This file must be converted with BinHex 4.0)\n:$f*\nTEQ~\nz"),
	  "(This file must be converted with BinHex 4.0)\n[ 6 ]~\nz" },
	{ "the sentence alone", BYTES("(This file must be converted with BinHex 4.0)\nor not\n"), "(This file must be converted with BinHex 4.0)\nor not\n" },
};

START_TEST(files_are_taken_out_of_texts)
{
	files_judge(files_rows[_i].text, files_rows[_i].expected, files_rows[_i].what);
}
END_TEST

/* A line of the limit is looked at, one byte more is not. */
START_TEST(line_beyond_the_limit_is_no_mark)
{
	for (size_t length = WASH_FILES_LINE_BYTES_MAX - 1; length <= WASH_FILES_LINE_BYTES_MAX + 1; length++) {
		struct buf text = buf_limited(0), expected = buf_limited(0);

		buf_puts(&text, "begin 644 ");
		while (text.length < length - 1)
			buf_putc(&text, 'n');
		buf_putc(&text, '\n');
		buf_put(&expected, text.data, text.length);
		buf_puts(&text, "#86)C\nend\n");
		if (length <= WASH_FILES_LINE_BYTES_MAX)
			buf_printf(&expected, "[%.*s 3 ]end\n", (int)length - 11, text.data + 10);
		else
			buf_puts(&expected, "#86)C\nend\n");
		files_judge(buf_span(&text), buf_text(&expected), "long line");
		buf_free(&text);
		buf_free(&expected);
	}
}
END_TEST

START_TEST(marks_are_known)
{
	static const struct { const char *line; bool mark; } rows[] = {
		{ "begin 644 x", true }, { "begin 0644 x", true }, { "begin 644", false }, { " begin 644 x", false },
		{ "=ybegin line=1 name=x", true }, { "=ybegin", false }, { "(This file must be converted with BinHex 4.0)", true },
		{ "(This file", false }, { "", false },
	};

	for (int i = 0; i < COUNT(rows); i++)
		ck_assert_msg(wash_files_is_mark(span_of(rows[i].line)) == rows[i].mark, "%s", rows[i].line);
}
END_TEST

/* ---- lines ---- */

static void line_record(void *user, struct span line)
{
	buf_putc(user, '<');
	buf_put(user, line.data, line.length);
	buf_putc(user, '>');
}

static void lines_piece(void *user, struct span piece)
{
	wash_lines_feed(user, piece);
}

static const struct {
	const char *what;
	struct span text;
	const char *expected;
} lines_rows[] = {
	{ "nothing", BYTES(""), "" },
	{ "three kinds of line ends", BYTES("a\nb\r\nc\rd"), "<a><b><c><d>" },
	{ "empty lines", BYTES("a\n\n\r\n\rb"), "<a><><><><b>" },
	{ "folded lines", BYTES("a\n b\r\n\tc\r d\ne"), "<abcd><e>" },
	{ "an empty line is not continued", BYTES("a\n\n b\n"), "<a><>< b>" },
	{ "a fold of nothing", BYTES("a\r\n \r\nb"), "<a><b>" },
	{ "a fold at the beginning", BYTES(" a\nb"), "< a><b>" },
};

START_TEST(lines_are_unfolded)
{
	for (size_t i = 0; i < CUTS; i++) {
		struct wash_lines lines;
		struct buf record = buf_limited(0);

		wash_lines_begin(&lines, line_record, &record);
		cut_feed(lines_rows[_i].text, cuts[i], lines_piece, &lines);
		wash_lines_finish(&lines);
		ck_assert_msg(span_equal(buf_span(&record), span_of(lines_rows[_i].expected)), "%s, cut %zu: %s", lines_rows[_i].what, cuts[i],
			      buf_text(&record));
		ck_assert(!lines.cut_any);
		buf_free(&record);
	}
}
END_TEST

/* Letters of three bytes up to the limit and beyond: the line ends with a whole one. */
START_TEST(long_line_ends_with_a_whole_character)
{
	for (size_t letters = WASH_LINES_BYTES_MAX / 3; letters <= WASH_LINES_BYTES_MAX / 3 + 1; letters++) {
		struct wash_lines lines;
		struct buf record = buf_limited(0), text = buf_limited(0);

		for (size_t i = 0; i < letters; i++)
			buf_puts(&text, "あ");
		wash_lines_begin(&lines, line_record, &record);
		cut_feed(buf_span(&text), 1000, lines_piece, &lines);
		wash_lines_finish(&lines);
		ck_assert_uint_eq(record.length, 2 + WASH_LINES_BYTES_MAX / 3 * 3);
		ck_assert_int_eq(lines.cut_any, letters > WASH_LINES_BYTES_MAX / 3);
		buf_free(&record);
		buf_free(&text);
	}
}
END_TEST

START_TEST(property_is_divided)
{
	struct wash_property property;

	ck_assert(wash_property_of(span_of("ORGANIZER;CN=\"A: B\";ROLE=x:mailto:a@b"), &property));
	ck_assert(span_equal(property.name, span_of("ORGANIZER")) && span_equal(property.value, span_of("mailto:a@b")));
	ck_assert(span_equal(wash_parameter_of(&property, "cn"), span_of("A: B")));
	ck_assert(span_equal(wash_parameter_of(&property, "role"), span_of("x")));
	ck_assert_uint_eq(wash_parameter_of(&property, "none").length, 0);
	ck_assert(!wash_property_of(span_of("no colon"), &property));
	ck_assert(!wash_property_of(span_of("X;Y=\"open: quote"), &property));
	ck_assert(wash_property_of(span_of("A;B;C=:"), &property));
	ck_assert_uint_eq(wash_parameter_of(&property, "b").length + wash_parameter_of(&property, "c").length, 0);
}
END_TEST

/* ---- calendars ---- */

static void calendar_piece(void *user, struct span piece)
{
	wash_calendar_feed(user, piece);
}

static void calendar_make(struct span text, size_t most, bool card, size_t told_bytes, struct buf *out)
{
	struct wash_calendar *calendar = malloc(sizeof(*calendar));

	ck_assert_ptr_nonnull(calendar);
	wash_calendar_begin(calendar, card, told_bytes, LANGUAGE_EN, out);
	cut_feed(text, most, calendar_piece, calendar);
	wash_calendar_finish(calendar);
	free(calendar);
}

static const struct {
	const char *what;
	bool card;
	size_t told_bytes;
	struct span text;
	const char *expected;
} calendar_rows[] = {
	{ "nothing", false, 0, BYTES(""), "" },
	{ "an event without anything", false, 0, BYTES("BEGIN:VEVENT\nEND:VEVENT\n"), "---- event ----\n" },
	{ "an event that does not end", false, 0, BYTES("BEGIN:VEVENT\nSUMMARY:x"), "---- event ----\nSubject: x\n" },
	{ "what stands outside of events", false, 0, BYTES("SUMMARY:no\nBEGIN:VTIMEZONE\nDTSTART:20260101\nEND:VTIMEZONE\n"), "" },
	{ "the day before in UTC", false, 0, BYTES("BEGIN:VEVENT\nDTSTART:20261130T150000Z\nEND:VEVENT"), "---- event ----\nBegins: Tue 2026-12-01 00:00\n" },
	{ "Tokyo by either name", false, 0,
	  BYTES("BEGIN:VEVENT\nDTSTART;TZID=Asia/Tokyo:20261201T090000\nDTEND;TZID=\"Tokyo Standard Time\":20261201T100000\nEND:VEVENT"),
	  "---- event ----\nBegins: Tue 2026-12-01 09:00\nEnds: Tue 2026-12-01 10:00\n" },
	{ "a description that the mail has already", false, 1, BYTES("BEGIN:VEVENT\nSUMMARY:x\nDESCRIPTION:y\nEND:VEVENT"), "---- event ----\nSubject: x\n" },
	{ "a description that is longer than what the mail has", false, 8, BYTES("BEGIN:VEVENT\nDESCRIPTION:01234567890\nEND:VEVENT"),
	  "---- event ----\nDescription: 01234567890\n" },
	{ "a description as long as what the mail has, with escapes", false, 8, BYTES("BEGIN:VEVENT\nDESCRIPTION:0123\\n5678\nEND:VEVENT"), "---- event ----\n" },
	{ "a task", false, 0, BYTES("BEGIN:VTODO\nSUMMARY:x\nDUE:20261201\nSTATUS:NEEDS-ACTION\nEND:VTODO"),
	  "---- event ----\nSubject: x\nDue: Tue 2026-12-01\nStatus: NEEDS-ACTION\n" },
	{ "an answer", false, 0, BYTES("METHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;PARTSTAT=TENTATIVE;CN=C:mailto:c@d\nEND:VEVENT"),
	  "---- event: answer to an invitation ----\nAttendee: C <c@d> (tentative)\n" },
	{ "a card with the whole name and its parts", true, 0, BYTES("BEGIN:VCARD\nN:B;A;;;\nFN:A B\nitem1.TEL:1\nEND:VCARD"),
	  "---- visiting card ----\nName: A B\nTelephone: 1\n" },
	{ "a card in a calendar is none", false, 0, BYTES("BEGIN:VCARD\nFN:x\nEND:VCARD"), "" },
	{ "escapes", false, 0, BYTES("BEGIN:VEVENT\nSUMMARY:a\\, b\\; c\\\\ d\\ne\\"), "---- event ----\nSubject: a, b; c\\ d\n  e\\\n" },
};

START_TEST(calendar_is_put_in_words)
{
	for (size_t i = 0; i < CUTS; i++) {
		struct buf out = buf_limited(0);

		calendar_make(calendar_rows[_i].text, cuts[i], calendar_rows[_i].card, calendar_rows[_i].told_bytes, &out);
		ck_assert_msg(span_equal(buf_span(&out), span_of(calendar_rows[_i].expected)), "%s, cut %zu:\n%s", calendar_rows[_i].what, cuts[i],
			      buf_text(&out));
		buf_free(&out);
	}
}
END_TEST

static size_t times_in(struct buf *text, const char *words)
{
	size_t times = 0;

	for (const char *at = buf_text(text); (at = strstr(at, words)) != NULL; at++)
		times++;
	return times;
}

START_TEST(calendar_keeps_its_limits)
{
	for (size_t more = 0; more < 2; more++) {
		struct buf text = buf_limited(0), out = buf_limited(0);

		for (size_t i = 0; i < WASH_EVENTS_MAX + more; i++)
			buf_puts(&text, "BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\n");
		calendar_make(buf_span(&text), SIZE_MAX, false, false, &out);
		ck_assert_uint_eq(times_in(&out, "Subject: x"), WASH_EVENTS_MAX);
		ck_assert_uint_eq(times_in(&out, "and 1 more"), more);
		text.length = out.length = 0;
		buf_puts(&text, "BEGIN:VEVENT\n");
		for (size_t i = 0; i < WASH_EVENT_LINES_MAX + more; i++)
			buf_puts(&text, "ATTENDEE:mailto:a@b\n");
		calendar_make(buf_span(&text), SIZE_MAX, false, false, &out);
		ck_assert_uint_eq(times_in(&out, "Attendee: a@b"), WASH_EVENT_LINES_MAX);
		buf_free(&text);
		buf_free(&out);
	}
}
END_TEST

START_TEST(calendar_ends_where_there_is_no_room)
{
	struct buf text = buf_limited(0), out = buf_limited(200);

	for (size_t i = 0; i < 20; i++)
		buf_puts(&text, "BEGIN:VEVENT\nSUMMARY:a summary of some length\nEND:VEVENT\n");
	calendar_make(buf_span(&text), SIZE_MAX, false, false, &out);
	ck_assert(out.overflow);
	ck_assert_uint_le(out.length, 200);
	buf_free(&text);
	buf_free(&out);
}
END_TEST

/* ---- delivery reports ---- */

static void report_piece(void *user, struct span piece)
{
	wash_report_feed(user, piece);
}

static const struct {
	const char *what;
	struct span text;
	const char *expected;
} report_rows[] = {
	{ "nothing", BYTES(""), "" },
	{ "no action", BYTES("Final-Recipient: rfc822; a@b\nStatus: 5.1.1\n"), "" },
	{ "an unknown action", BYTES("Action: teleported\n"), "" },
	{ "no such mailbox", BYTES("Final-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.1.1\n"), "Result: not delivered (no such mailbox): a@b\n" },
	{ "5.1.10 is not 5.1.1", BYTES("Action: failed\nStatus: 5.1.10\n"), "Result: not delivered (something is wrong with the address)\n" },
	{ "a status with words behind it", BYTES("Action: Failed (x)\nStatus: 4.2.2 (over quota)\n"), "Result: not delivered (the mailbox is full)\n" },
	{ "a status that says nothing", BYTES("Action: failed\nStatus: 5.0.0\n"), "Result: not delivered\n" },
	{ "delivered: the status adds nothing", BYTES("Action: delivered\nStatus: 2.1.5\n"), "Result: delivered\n" },
	{ "two recipients", BYTES("Reporting-MTA: x\n\nFinal-Recipient: rfc822; a@b\nAction: failed\n\nFinal-Recipient: rfc822; c@d\nAction: delayed\n"),
	  "Result: not delivered: a@b\nResult: delayed; the server goes on trying: c@d\n" },
	{ "displayed", BYTES("Disposition: manual-action/MDN-sent-manually; displayed\n"), "Result: displayed to the recipient\n" },
	{ "displayed, with a modifier", BYTES("Disposition: automatic-action/MDN-sent-automatically; deleted/error\n"), "Result: deleted without being displayed\n" },
};

START_TEST(report_is_put_in_words)
{
	for (size_t i = 0; i < CUTS; i++) {
		struct wash_report report;
		struct buf out = buf_limited(0);

		wash_report_begin(&report, LANGUAGE_EN, &out);
		cut_feed(report_rows[_i].text, cuts[i], report_piece, &report);
		wash_report_finish(&report);
		ck_assert_msg(span_equal(buf_span(&out), span_of(report_rows[_i].expected)), "%s, cut %zu:\n%s", report_rows[_i].what, cuts[i],
			      buf_text(&out));
		buf_free(&out);
	}
}
END_TEST

START_TEST(report_keeps_its_limit)
{
	for (size_t more = 0; more < 2; more++) {
		struct wash_report report;
		struct buf out = buf_limited(0);

		wash_report_begin(&report, LANGUAGE_JA, &out);
		for (size_t i = 0; i < WASH_REPORT_LINES_MAX + more; i++)
			wash_report_feed(&report, span_of("Action: failed\n\n"));
		wash_report_finish(&report);
		ck_assert_uint_eq(times_in(&out, "結果: 配送できませんでした\n"), WASH_REPORT_LINES_MAX);
		buf_free(&out);
	}
}
END_TEST

static Suite *words_suite(void)
{
	Suite *suite = suite_create("mail/wash_words");
	TCase *texts = tcase_create("texts"), *words = tcase_create("words");

	tcase_add_loop_test(texts, files_are_taken_out_of_texts, 0, COUNT(files_rows));
	tcase_add_test(texts, line_beyond_the_limit_is_no_mark);
	tcase_add_test(texts, marks_are_known);
	tcase_add_loop_test(texts, lines_are_unfolded, 0, COUNT(lines_rows));
	tcase_add_test(texts, long_line_ends_with_a_whole_character);
	tcase_add_test(texts, property_is_divided);
	tcase_add_loop_test(words, calendar_is_put_in_words, 0, COUNT(calendar_rows));
	tcase_add_test(words, calendar_keeps_its_limits);
	tcase_add_test(words, calendar_ends_where_there_is_no_room);
	tcase_add_loop_test(words, report_is_put_in_words, 0, COUNT(report_rows));
	tcase_add_test(words, report_keeps_its_limit);
	suite_add_tcase(suite, texts);
	suite_add_tcase(suite, words);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(words_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
