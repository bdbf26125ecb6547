/* Events: the text is what printf would make of it, fields are those of the format whatever the arguments hold, and what travels is escaped. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_text.h"
#include "base/log_wire.h"

static void make(struct log_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void make(struct log_text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_text_make(text, format, args);
	va_end(args);
}

/* "key=value|key=value" of the fields. */
static const char *fields_of(const struct log_text *text)
{
	static char out[4 * LOG_LINE_BYTES_MAX];
	size_t length = 0;

	out[0] = '\0';
	for (size_t i = 0; i < text->part_count; i++)
		length += (size_t)snprintf(out + length, sizeof(out) - length, "%s%.*s=%.*s", i ? "|" : "", (int)text->parts[i].key.length,
					   text->parts[i].key.data, (int)text->parts[i].value.length, text->parts[i].value.data);
	return out;
}

#define ck_text(wanted_text, wanted_fields, ...) \
	do { \
		struct log_text text_; \
		make(&text_, __VA_ARGS__); \
		ck_assert_str_eq(text_.bytes, wanted_text); \
		ck_assert_uint_eq(text_.length, strlen(wanted_text)); \
		ck_assert_str_eq(fields_of(&text_), wanted_fields); \
	} while (0)

START_TEST(the_text_is_what_printf_makes)
{
	ck_text("plain", "", "plain");
	ck_text("", "", "%s", "");
	ck_text("100% of it", "", "100%% of %s", "it");
	ck_text("-7 8 ff FF 17 c", "", "%d %u %x %X %o %c", -7, 8u, 255u, 255u, 15u, 'c');
	ck_text("-9000000000 18446744073709551615 5 6 7", "", "%lld %llu %zu %ld %hhu", -9000000000ll, ~0ull, (size_t)5, 6l, (unsigned char)7);
	ck_text("ab   |  ab|abc|ab", "", "%-5s|%4s|%.3s|%.*s", "ab", "ab", "abcdef", 2, "abcd");
	ck_text("007 +7 0x1f", "", "%03d %+d %#x", 7, 7, 31u);
	ck_text("7|     7", "", "%d|%*d", 7, 6, 7);
}
END_TEST

START_TEST(fields_are_those_of_the_format)
{
	ck_text("done a=1 run-dir=/x b_c=z", "a=1|run-dir=/x|b_c=z", "done a=%d run-dir=%s b_c=%s", 1, "/x", "z");
	ck_text("a=1", "a=1", "a=%d", 1);
	ck_text("x reason=\"no such file\" n=2", "reason=no such file|n=2", "x reason=\"%s\" n=%d", "no such file", 2);
	ck_text("x file=/a/events.db.damaged", "file=/a/events.db.damaged", "x file=%s/events.db.damaged", "/a");
	ck_text("x signal=9", "signal=9", "x %s=%d", "signal", 9);
	ck_text("x a= b=\"\"", "a=|b=", "x a=%s b=\"%s\"", "", "");
	ck_text("x =1 A=2 a.b=3", "", "x =%d A=%d a.b=%d", 1, 2, 3);
	ck_text("x a=b=c", "a=b=c", "x a=%s", "b=c");
	ck_text("x a=\"b\"c d=1", "a=b|d=1", "x a=\"%s\"c d=%d", "b", 1);
}
END_TEST

START_TEST(an_argument_is_never_more_than_its_value)
{
	ck_text("open file=x uid=0 uid=7", "file=x uid=0|uid=7", "open file=%s uid=%d", "x uid=0", 7);
	ck_text("open file=\"x\" uid=\"0\" uid=7", "file=x\" uid=\"0|uid=7", "open file=\"%s\" uid=%d", "x\" uid=\"0", 7);
	ck_text("said a=1 b=2", "b=2", "said %s b=%d", "a=1", 2);
	ck_text("file=?[2J??x", "file=?[2J??x", "file=%s", "\x1b[2J\n\tx");
	ck_text("file=??x", "file=??x", "file=%s", "\xff\xfex");
	ck_text("file=関所", "file=関所", "file=%s", "関所");
	ck_text("file=?x", "file=?x", "file=%s", "\xe2\x80\xaex");
}
END_TEST

START_TEST(a_long_text_is_cut_at_a_character)
{
	char argument[2 * LOG_LINE_BYTES_MAX];
	struct log_text text;

	memset(argument, 'x', sizeof(argument));
	for (size_t length = LOG_LINE_BYTES_MAX - 4; length <= LOG_LINE_BYTES_MAX + 2; length++) {
		argument[length] = '\0';
		make(&text, "a=%s", argument);
		ck_assert_uint_eq(text.length, length + 2 < LOG_LINE_BYTES_MAX ? length + 2 : LOG_LINE_BYTES_MAX - 1);
		ck_assert_uint_eq(text.parts[0].value.length, text.length - 2);
		argument[length] = 'x';
	}
	argument[LOG_LINE_BYTES_MAX - 4] = '\0';
	make(&text, "a=%s%s b=%s", argument, "関", "gone");
	ck_assert_uint_eq(text.length, LOG_LINE_BYTES_MAX - 1);
	ck_assert_msg(strcmp(text.bytes + text.length - 2, "x?") == 0, "what was cut is shown");
}
END_TEST

START_TEST(what_is_not_known_is_not_looked_at)
{
	struct log_text text;
	char many[1024] = "";

	/* Through a pointer, because the compiler knows better. */
	const char *format = "a=%d b=%q c=%s";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	make(&text, format, 1);
	ck_assert_str_eq(fields_of(&text), "a=1|b=%q c=%s");
	for (int i = 0; i < LOG_FIELDS_MAX + 3; i++)
		strcat(many, " k=%%");
	format = many;
	make(&text, format, 1);
#pragma GCC diagnostic pop
	ck_assert_uint_eq(text.part_count, LOG_FIELDS_MAX);
}
END_TEST

START_TEST(fields_by_hand)
{
	struct log_text text;

	log_text_begin(&text, "a sentence");
	log_text_add(&text, "from", "lgwan");
	log_text_add(&text, "reason", "two words");
	log_text_add(&text, "empty", "");
	log_text_add(&text, "quote", "a\"b");
	log_text_add(&text, "No Key", "x");
	ck_assert_str_eq(text.bytes, "a sentence from=lgwan reason=\"two words\" empty=\"\" quote=\"a\"b\" No Key=x");
	ck_assert_str_eq(fields_of(&text), "from=lgwan|reason=two words|empty=|quote=a\"b");
}
END_TEST

static const struct log_head head = {
	.severity = 5, .id = "SKS-X", .part = "witness", .program = "sekishod", .host = "gw1", .pid = 812, .time = { .tv_sec = 1795247999, .tv_nsec = 12345678 },
	.sequence = 7,
};

static const char *message(const struct log_head *of, const struct log_text *text)
{
	static struct buf out;

	out.length = 0;
	syslog_message_put(&out, of, text);
	return buf_text(&out);
}

START_TEST(a_message_of_rfc_5424)
{
	struct log_text text;
	struct log_head other = head;

	make(&text, "refused from=%s reason=\"%s\"", "lgwan", "a\"b\\c]d");
	ck_assert_str_eq(message(&head, &text), "<29>1 2026-11-21T16:59:59.012345+09:00 gw1 sekishod 812 SKS-X "
			 "[sekisho@32473 part=\"witness\" from=\"lgwan\" reason=\"a\\\"b\\\\c\\]d\"][meta sequenceId=\"7\"] \xef\xbb\xbfSKS-X: refused from=lgwan "
			 "reason=\"a\"b\\c]d\"");
	other.part = other.host = other.program = "";
	make(&text, "nothing");
	ck_assert_str_eq(message(&other, &text), "<29>1 2026-11-21T16:59:59.012345+09:00 - - 812 SKS-X [sekisho@32473][meta sequenceId=\"7\"] \xef\xbb\xbfSKS-X: nothing");
}
END_TEST

START_TEST(words_of_the_header_are_printable_and_short)
{
	char host[400], id[64];
	struct log_head other = head;
	struct log_text text;

	memset(host, 'h', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	memset(id, 'I', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	other.host = host;
	other.id = id;
	other.program = "a b\n\xe9";
	make(&text, "x");
	ck_assert_ptr_nonnull(strstr(message(&other, &text), " a?b?? 812 IIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII ["));
	ck_assert_uint_eq(strcspn(strchr(message(&other, &text), 'h'), " "), SYSLOG_HOST_BYTES_MAX);
}
END_TEST

START_TEST(an_entry_of_the_journal)
{
	struct buf out = buf_limited(0);
	struct log_text text;

	make(&text, "refused from=%s run-dir=\"%s\"", "lg\nMESSAGE=x", "/a b");
	journald_entry_put(&out, &head, &text);
	ck_assert_str_eq(buf_text(&out), "MESSAGE=witness SKS-X: refused from=lg?MESSAGE=x run-dir=\"/a b\"\nPRIORITY=5\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=sekishod\n"
			 "SKS_FROM=lg?MESSAGE=x\nSKS_RUN_DIR=/a b\nSKS_ID=SKS-X\nSKS_PART=witness\n");
	buf_free(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/log");
	TCase *cases = tcase_create("log");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, the_text_is_what_printf_makes);
	tcase_add_test(cases, fields_are_those_of_the_format);
	tcase_add_test(cases, an_argument_is_never_more_than_its_value);
	tcase_add_test(cases, a_long_text_is_cut_at_a_character);
	tcase_add_test(cases, what_is_not_known_is_not_looked_at);
	tcase_add_test(cases, fields_by_hand);
	tcase_add_test(cases, a_message_of_rfc_5424);
	tcase_add_test(cases, words_of_the_header_are_printable_and_short);
	tcase_add_test(cases, an_entry_of_the_journal);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
