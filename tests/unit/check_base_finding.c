/* base/finding: sources, sentences, order, carets and how a finding is read on a terminal. */
#include "base/finding.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

static const struct finding_kind overlap = {
	"zone-overlap", SEVERITY_ERROR,
	"Zones {0} and {1} share {2}.", "ゾーン {0} と {1} のアドレス {2} が重なっています。",
	"Remove {2} from {0} or {1}.", "{0} か {1} から {2} を取り除いてください。",
};
static const struct finding_kind unused = {
	"zone-unused", SEVERITY_WARNING, "No flow names zone {0}.", "ゾーン {0} を使う通信許可がありません。", NULL, NULL,
};
static const struct finding_kind backwards = {
	"backwards", SEVERITY_NOTE, "{3} {2} {1} {0} {4} {x} {", "{1}{0}", "", "",
};

static struct arena *arena;

static void arena_begin(void)
{
	arena = arena_new();
}

static void arena_end(void)
{
	arena_freep(&arena);
}

static struct source source_named(const char *path, const char *text)
{
	return source_of_text(arena, path, text, strlen(text));
}

static const struct {
	const char *what, *text;
	uint32_t line;
	const char *expected;
	uint32_t line_count;
} line_rows[] = {
	{ "first line", "a\nbb\n", 1, "a", 2 },
	{ "last line", "a\nbb\n", 2, "bb", 2 },
	{ "line behind the last newline is none", "a\nbb\n", 3, "", 2 },
	{ "line 0 is the file as a whole", "a\n", 0, "", 1 },
	{ "last line without newline", "a\nbb", 2, "bb", 2 },
	{ "blank line", "a\n\nb\n", 2, "", 3 },
	{ "line end of Windows", "a\r\nb\r\n", 1, "a", 2 },
	{ "only one carriage return is a line end", "a\r\r\n", 1, "a\r", 1 },
	{ "carriage return at the end of the file", "a\r", 1, "a", 1 },
	{ "empty file", "", 1, "", 0 },
	{ "highest line number", "a\n", UINT32_MAX, "", 1 },
};

START_TEST(line_is_found_by_number)
{
	struct source source = source_named("a.conf", line_rows[_i].text);
	struct span line = source_line(&source, line_rows[_i].line);

	ck_assert_msg(source.line_count == line_rows[_i].line_count, "%s: %u lines", line_rows[_i].what, source.line_count);
	ck_assert_msg(span_equal(line, span_of(line_rows[_i].expected)), "%s", line_rows[_i].what);
}
END_TEST

START_TEST(source_keeps_bytes_behind_a_zero)
{
	struct source source = source_of_text(arena, "a.conf", "a\0b\nc", 5);

	ck_assert_uint_eq(source.line_count, 2);
	ck_assert_uint_eq(source_line(&source, 1).length, 3);
	ck_assert_uint_eq(source_line(NULL, 1).length, 0);
	ck_assert_uint_eq(source_of_text(arena, "a.conf", NULL, 0).line_count, 0);
}
END_TEST

static const struct {
	const char *what;
	size_t limit_bytes;
	int result;
} limit_rows[] = {
	{ "one byte more than the limit", 7, -EFBIG },
	{ "as many bytes as the limit", 8, 0 },
	{ "no byte allowed", 0, -EFBIG },
	{ "any number of bytes", SIZE_MAX, 0 },
};

START_TEST(file_is_read_up_to_its_limit)
{
	char path[] = "/tmp/check_base_finding.XXXXXX";
	int descriptor = mkstemp(path);
	struct source source;
	int r;

	ck_assert(descriptor >= 0);
	ck_assert(write(descriptor, "a = 1;\nb", 8) == 8);
	close(descriptor);
	r = source_read(arena, path, limit_rows[_i].limit_bytes, &source);
	unlink(path);
	ck_assert_msg(r == limit_rows[_i].result, "%s: %d", limit_rows[_i].what, r);
	if (r < 0)
		return;
	ck_assert_str_eq(source.path, path);
	ck_assert_str_eq(source.text, "a = 1;\nb");
	ck_assert_uint_eq(source.line_count, 2);
}
END_TEST

START_TEST(unreadable_file_says_why)
{
	struct source source;

	ck_assert_int_eq(source_read(arena, "/nonexistent/sekisho.conf", 100, &source), -ENOENT);
	ck_assert_int_eq(source_read(arena, "/", 100, &source), -EISDIR);
	ck_assert_int_eq(source_read(arena, "/dev/zero", 100, &source), -EFBIG);
	ck_assert_int_eq(source_read(arena, "/dev/null", 0, &source), 0);
	ck_assert_uint_eq(source.length, 0);
}
END_TEST

START_TEST(sentence_is_filled)
{
	struct findings findings = findings_in(arena);
	struct origin nowhere = { .line = 0 };
	struct finding finding = *finding_add(&findings, &overlap, nowhere, "lgwan", "office", "10.0.0.0/8", NULL);
	struct finding odd = *finding_add(&findings, &backwards, nowhere, "a{1}", "b", NULL);
	struct finding full = *finding_add(&findings, &backwards, nowhere, "a", "b", "c", "d", "e", NULL);
	struct finding hostile = *finding_add(&findings, &unused, nowhere, "x\n\033[2J\xff", NULL);

	ck_assert_str_eq(finding_sentence(&findings, &finding, LANGUAGE_EN), "Zones lgwan and office share 10.0.0.0/8.");
	ck_assert_str_eq(finding_sentence(&findings, &finding, LANGUAGE_JA),
			 "ゾーン lgwan と office のアドレス 10.0.0.0/8 が重なっています。");
	ck_assert_str_eq(finding_action(&findings, &finding, LANGUAGE_EN), "Remove 10.0.0.0/8 from lgwan or office.");
	ck_assert_str_eq(finding_action(&findings, &finding, LANGUAGE_JA),
			 "lgwan か office から 10.0.0.0/8 を取り除いてください。");
	ck_assert_str_eq(finding_sentence(&findings, &odd, LANGUAGE_EN), "? ? b a{1} {4} {x} {");
	ck_assert_str_eq(finding_sentence(&findings, &full, LANGUAGE_EN), "d c b a {4} {x} {");
	ck_assert_str_eq(finding_sentence(&findings, &hostile, LANGUAGE_EN), "No flow names zone x??[2J?.");
	ck_assert_str_eq(finding_action(&findings, &odd, LANGUAGE_JA), "");
	ck_assert_str_eq(finding_action(&findings, &hostile, LANGUAGE_EN), "");
	ck_assert_uint_eq(findings.count, 4);
	ck_assert_uint_eq(findings.errors, 1);
}
END_TEST

START_TEST(related_lines_beyond_the_limit_are_dropped)
{
	struct findings findings = findings_in(arena);
	struct source source = source_named("a.conf", "1\n2\n3\n4\n5\n");
	struct finding *finding = finding_add(&findings, &unused, (struct origin){ &source, 1 }, "a", NULL);

	for (uint32_t line = 1; line <= FINDING_RELATED_MAX + 2; line++) {
		finding_relate(finding, (struct origin){ &source, line });
		finding_relate(finding, (struct origin){ &source, line });
	}
	for (uint32_t i = 0; i < FINDING_RELATED_MAX; i++)
		ck_assert_uint_eq(finding->related[i].line, i + 2);
}
END_TEST

START_TEST(findings_are_sorted_and_said_once)
{
	struct findings findings = findings_in(arena);
	struct source first = source_named("a.conf", "x\ny\n"), second = source_named("b.conf", "x\n");
	struct source again = source_named("a.conf", "x\ny\n");
	const char *expected[] = { "whole", "two", "one", "related", "three", "second", "nowhere" };

	finding_add(&findings, &unused, (struct origin){ NULL, 0 }, "nowhere", NULL);
	finding_add(&findings, &unused, (struct origin){ &second, 1 }, "second", NULL);
	finding_add(&findings, &unused, (struct origin){ &first, 2 }, "three", NULL);
	finding_add(&findings, &overlap, (struct origin){ &first, 1 }, "two", NULL);
	finding_add(&findings, &unused, (struct origin){ &first, 1 }, "one", NULL);
	finding_add(&findings, &overlap, (struct origin){ &again, 1 }, "two", NULL);
	finding_relate(finding_add(&findings, &unused, (struct origin){ &first, 1 }, "related", NULL),
		       (struct origin){ &second, 1 });
	finding_add(&findings, &unused, (struct origin){ &first, 0 }, "whole", NULL);
	finding_add(&findings, &unused, (struct origin){ &first, 1 }, "one", NULL);
	finding_add(&findings, &unused, (struct origin){ NULL, 0 }, "nowhere", NULL);
	ck_assert_uint_eq(findings.errors, 2);

	findings_sort(&findings);
	ck_assert_uint_eq(findings.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < findings.count; i++)
		ck_assert_str_eq(findings.items[i].arguments[0], expected[i]);
	ck_assert_uint_eq(findings.errors, 1);

	finding_add(&findings, &overlap, (struct origin){ NULL, 0 }, "later", NULL);
	ck_assert_uint_eq(findings.count, sizeof(expected) / sizeof(expected[0]) + 1);
	ck_assert_uint_eq(findings.errors, 2);
}
END_TEST

START_TEST(no_findings_are_sorted_as_well)
{
	struct findings findings = findings_in(arena);

	findings_sort(&findings);
	ck_assert_uint_eq(findings.count, 0);
}
END_TEST

static const struct {
	const char *what, *line;
	const char *first, *second; /* arguments */
	const char *marked;	/* what the caret marks */
	size_t offset;
} caret_rows[] = {
	{ "a quoted value", "zone = \"lgwan\";", "lgwan", NULL, "lgwan", 8 },
	{ "not inside a longer identifier", "a = [ \"lgwan2\", \"lgwan\" ];", "lgwan", NULL, "lgwan", 17 },
	{ "not at the end of a longer identifier", "my_lgwan = lgwan", "lgwan", NULL, "lgwan", 11 },
	{ "not before a dash", "\"lgwan-2\", \"lgwan\"", "lgwan", NULL, "lgwan", 12 },
	{ "not behind a dash", "\"old-lgwan\", \"lgwan\"", "lgwan", NULL, "lgwan", 14 },
	{ "not inside a longer address", "[ \"10.0.0.10\", \"10.0.0.1\" ]", "10.0.0.1", NULL, "10.0.0.1", 16 },
	{ "not inside a longer IPv6 address", "\"2001:db8::1:2\", \"2001:db8::1\"", "2001:db8::1", NULL, "2001:db8::1", 18 },
	{ "not at the end of an IPv6 address", "\"2001:db8::1\", \"::1\"", "::1", NULL, "::1", 16 },
	{ "a prefix that ends with colons", "\"2001:db8::/32\"", "2001:db8::/32", NULL, "2001:db8::/32", 1 },
	{ "a name with a colon behind", "networks: [ ]", "networks", NULL, "networks", 0 },
	{ "at the end of the line", "to lgwan", "lgwan", NULL, "lgwan", 3 },
	{ "the whole line", "lgwan", "lgwan", NULL, "lgwan", 0 },
	{ "second argument when the first is not there", "to lgwan", "office", "lgwan", "lgwan", 3 },
	{ "first argument before the second", "lgwan office", "office", "lgwan", "office", 6 },
	{ "an empty argument marks nothing", "to lgwan", "", "lgwan", "lgwan", 3 },
	{ "Japanese", "\tname = \"庁内\";", "庁内", NULL, "庁内", 9 },
	{ "not inside a longer Japanese word", "\"山田太郎\", \"山田\"", "山田", NULL, "山田", 17 },
	{ "a character beyond ASCII inside a word", "\tlabel = “a\";", "“", NULL, "“", 9 },
	{ "a character that stands there twice", "label = ”a”;", "”", NULL, "label = ”a”;", 0 },
	{ "no argument stands in the line", " \t flow = { };  ", "lgwan", NULL, "flow = { };", 3 },
	{ "argument longer than the line", "ab", "abc", NULL, "ab", 0 },
	{ "only part of a word", "  lgwan2;", "lgwan", NULL, "lgwan2;", 2 },
	{ "nothing but blanks", "   ", "lgwan", NULL, "", 3 },
	{ "blank line", "", "lgwan", NULL, "", 0 },
};

START_TEST(caret_marks_a_whole_word)
{
	struct findings findings = findings_in(arena);
	struct source source = source_named("a.conf", arena_printf(arena, "%s\n", caret_rows[_i].line));
	struct finding *finding = finding_add(&findings, &overlap, (struct origin){ &source, 1 }, caret_rows[_i].first,
					      caret_rows[_i].second, NULL);
	struct span marked;
	size_t offset;

	ck_assert_msg(finding_caret(finding, &offset, &marked.length), "%s", caret_rows[_i].what);
	marked.data = source.text + offset;
	ck_assert_msg(span_equal(marked, span_of(caret_rows[_i].marked)), "%s: %.*s", caret_rows[_i].what,
		      (int)marked.length, marked.data);
	ck_assert_msg(offset == caret_rows[_i].offset, "%s: at %zu", caret_rows[_i].what, offset);
}
END_TEST

START_TEST(finding_without_a_line_has_no_caret)
{
	struct findings findings = findings_in(arena);
	struct source source = source_named("a.conf", "x\n");
	struct origin origins[] = { { NULL, 0 }, { NULL, 1 }, { &source, 0 }, { &source, 2 } };
	size_t offset, length;

	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++)
		ck_assert(!finding_caret(finding_add(&findings, &unused, origins[i], "x", NULL), &offset, &length));
}
END_TEST

static const struct {
	const char *what;
	const char *text;	/* NULL: the finding is about no file */
	uint32_t line, related_line;
	const char *arguments[3];
	const struct finding_kind *kind;
	enum language language;
	const char *expected;
} render_rows[] = {
	{ "quoted value, related line and action", "\nnetworks = [ \"10.0.0.0/8\" ];\n", 2, 1, { "a", "b", "10.0.0.0/8" },
	  &overlap, LANGUAGE_EN,
	  "sekisho.conf:2: error: Zones a and b share 10.0.0.0/8. [zone-overlap]\n"
	  "  |   networks = [ \"10.0.0.0/8\" ];\n"
	  "  |                ^~~~~~~~~~~~\n"
	  "  = see sekisho.conf:1\n"
	  "  > Remove 10.0.0.0/8 from a or b.\n" },
	{ "in Japanese, its own line is not named again", "to = lgwan\n", 1, 1, { "lgwan", "b", "c" }, &overlap, LANGUAGE_JA,
	  "sekisho.conf:1: エラー: ゾーン lgwan と b のアドレス c が重なっています。 [zone-overlap]\n"
	  "  |   to = lgwan\n"
	  "  |        ^~~~~\n"
	  "  > lgwan か b から c を取り除いてください。\n" },
	{ "wide characters before and under the caret", "名前 = \"庁内\";\n", 1, 0, { "庁内" }, &unused, LANGUAGE_EN,
	  "sekisho.conf:1: warning: No flow names zone 庁内. [zone-unused]\n"
	  "  |   名前 = \"庁内\";\n"
	  "  |          ^~~~~~\n" },
	{ "half-width kana and a combining mark", "ｶﾀ か\xe3\x82\x99 lgwan\n", 1, 0, { "lgwan" }, &unused, LANGUAGE_EN,
	  "sekisho.conf:1: warning: No flow names zone lgwan. [zone-unused]\n"
	  "  |   ｶﾀ か\xe3\x82\x99 lgwan\n"
	  "  |         ^~~~~\n" },
	{ "tabs are copied", "\ta\tlgwan\n", 1, 0, { "lgwan" }, &unused, LANGUAGE_EN,
	  "sekisho.conf:1: warning: No flow names zone lgwan. [zone-unused]\n"
	  "  |   \ta\tlgwan\n"
	  "  |   \t \t^~~~~\n" },
	{ "what steers the terminal is shown as '?'", "\033[2J \xe2\x80\xae \xc2\x9b \xff lgwan\n", 1, 0, { "lgwan" }, &unused,
	  LANGUAGE_EN,
	  "sekisho.conf:1: warning: No flow names zone lgwan. [zone-unused]\n"
	  "  |   ?[2J ? ? ? lgwan\n"
	  "  |              ^~~~~\n" },
	{ "blank line", "\n", 1, 0, { "a" }, &unused, LANGUAGE_EN,
	  "sekisho.conf:1: warning: No flow names zone a. [zone-unused]\n  |   \n  |   ^\n" },
	{ "the file as a whole", "a\n", 0, 0, { "a" }, &unused, LANGUAGE_JA,
	  "sekisho.conf: 警告: ゾーン a を使う通信許可がありません。 [zone-unused]\n" },
	{ "no file", NULL, 0, 0, { "a" }, &unused, LANGUAGE_EN, "warning: No flow names zone a. [zone-unused]\n" },
};

START_TEST(finding_is_rendered)
{
	struct findings findings = findings_in(arena);
	struct buf out = buf_limited(0);
	struct source source = source_named("sekisho.conf", render_rows[_i].text ? render_rows[_i].text : "");
	struct origin origin = { render_rows[_i].text ? &source : NULL, render_rows[_i].line };
	struct finding *finding = finding_add(&findings, render_rows[_i].kind, origin, render_rows[_i].arguments[0],
					      render_rows[_i].arguments[1], render_rows[_i].arguments[2], NULL);

	if (render_rows[_i].related_line)
		finding_relate(finding, (struct origin){ &source, render_rows[_i].related_line });
	finding_render(&out, &findings, finding, render_rows[_i].language);
	ck_assert_msg(strcmp(buf_text(&out), render_rows[_i].expected) == 0, "%s:\n%s", render_rows[_i].what, buf_text(&out));
	buf_free(&out);
}
END_TEST

/* A daemon gives the text back when the policy is in force; what it finds later still names file and line. */
START_TEST(forgotten_source_is_named_and_not_quoted)
{
	struct findings findings = findings_in(arena);
	struct arena *quoted = arena_new();
	struct source source = source_of_text(quoted, "sekisho.conf", "a\nto = lgwan\n", 13);
	struct finding *finding = finding_add(&findings, &unused, (struct origin){ &source, 2 }, "lgwan", NULL);
	struct buf out = buf_limited(0);

	source.path = arena_strdup(arena, source.path);
	source_forget(&source);
	arena_free(quoted);
	ck_assert_uint_eq(source_line(&source, 2).length, 0);
	finding_render(&out, &findings, finding, LANGUAGE_EN);
	ck_assert_str_eq(buf_text(&out), "sekisho.conf:2: warning: No flow names zone lgwan. [zone-unused]\n");
	buf_free(&out);
}
END_TEST

static const struct {
	const char *what;
	const char *option, *lc_all, *lc_messages, *lang;
	enum language expected;
} language_rows[] = {
	{ "nothing is set", NULL, NULL, NULL, NULL, LANGUAGE_EN },
	{ "LANG", NULL, NULL, NULL, "ja_JP.UTF-8", LANGUAGE_JA },
	{ "LC_MESSAGES before LANG", NULL, NULL, "C", "ja_JP.UTF-8", LANGUAGE_EN },
	{ "LC_ALL before LC_MESSAGES", NULL, "ja_JP", "C", "C", LANGUAGE_JA },
	{ "option before all", "en", "ja_JP", "ja_JP", "ja_JP", LANGUAGE_EN },
	{ "option", "ja", "C", NULL, NULL, LANGUAGE_JA },
	{ "empty means unset", "", "", "", "ja", LANGUAGE_JA },
	{ "another language", NULL, NULL, NULL, "de_DE.UTF-8", LANGUAGE_EN },
	{ "one letter", NULL, NULL, NULL, "j", LANGUAGE_EN },
};

START_TEST(language_is_chosen)
{
	enum language language = language_choose(language_rows[_i].option, language_rows[_i].lc_all,
						 language_rows[_i].lc_messages, language_rows[_i].lang);

	ck_assert_msg(language == language_rows[_i].expected, "%s", language_rows[_i].what);
}
END_TEST

START_TEST(severity_has_a_word_in_both_languages)
{
	ck_assert_str_eq(severity_word(SEVERITY_NOTE, LANGUAGE_EN), "note");
	ck_assert_str_eq(severity_word(SEVERITY_NOTE, LANGUAGE_JA), "参考");
	ck_assert_str_eq(severity_word(SEVERITY_WARNING, LANGUAGE_JA), "警告");
	ck_assert_str_eq(severity_word(SEVERITY_ERROR, LANGUAGE_JA), "エラー");
}
END_TEST

static Suite *finding_suite(void)
{
	Suite *suite = suite_create("base/finding");
	TCase *sources = tcase_create("sources"), *lists = tcase_create("lists"), *shown = tcase_create("shown");

	tcase_add_checked_fixture(sources, arena_begin, arena_end);
	tcase_add_loop_test(sources, line_is_found_by_number, 0, COUNT(line_rows));
	tcase_add_test(sources, source_keeps_bytes_behind_a_zero);
	tcase_add_loop_test(sources, file_is_read_up_to_its_limit, 0, COUNT(limit_rows));
	tcase_add_test(sources, unreadable_file_says_why);
	suite_add_tcase(suite, sources);

	tcase_add_checked_fixture(lists, arena_begin, arena_end);
	tcase_add_test(lists, sentence_is_filled);
	tcase_add_test(lists, related_lines_beyond_the_limit_are_dropped);
	tcase_add_test(lists, findings_are_sorted_and_said_once);
	tcase_add_test(lists, no_findings_are_sorted_as_well);
	suite_add_tcase(suite, lists);

	tcase_add_checked_fixture(shown, arena_begin, arena_end);
	tcase_add_loop_test(shown, caret_marks_a_whole_word, 0, COUNT(caret_rows));
	tcase_add_test(shown, finding_without_a_line_has_no_caret);
	tcase_add_loop_test(shown, finding_is_rendered, 0, COUNT(render_rows));
	tcase_add_test(shown, forgotten_source_is_named_and_not_quoted);
	tcase_add_loop_test(shown, language_is_chosen, 0, COUNT(language_rows));
	tcase_add_test(shown, severity_has_a_word_in_both_languages);
	suite_add_tcase(suite, shown);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(finding_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
