/* Findings through JSON and back print the same; what is not of our form is skipped. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wire/report.h"

static const struct finding_kind overlap = {
	.id = "zone-overlap", .severity = SEVERITY_ERROR,
	.en = "Zone {0} overlaps {1}.", .ja = "ゾーン {0} が {1} と重なっています。",
	.action_en = "Correct {0}.", .action_ja = "{0} を直してください。",
};

static const struct finding_kind bare = { .id = "nothing", .severity = SEVERITY_NOTE, .en = "A note {2}.", .ja = "参考です。" };

static const char text[] =
	"town = \"海野町\";\n"
	"\tname = \"lgwan\"; # 無害化 lgwan-2\n"
	"   whole line here   \n"
	"bad \xff byte lgwan\n"
	"\n";

static const struct {
	const char *what;
	const struct finding_kind *kind;
	uint32_t line, related;		/* 0: the file as a whole; UINT32_MAX: no file, none related */
	const char *first, *second;
} rows[] = {
	{ "an argument that stands in the line", &overlap, 2, 1, "lgwan", "mynumber" },
	{ "wide text before the caret", &overlap, 2, UINT32_MAX, "lgwan-2", "x" },
	{ "no argument in the line", &overlap, 3, 2, "elsewhere", "x" },
	{ "an empty line", &overlap, 5, UINT32_MAX, "x", "y" },
	{ "the file as a whole", &overlap, 0, 0, "x", "y" },
	{ "nowhere", &overlap, UINT32_MAX, UINT32_MAX, "x", "y" },
	{ "no action", &bare, 1, UINT32_MAX, "海野町", NULL },
	{ "places in an argument stay as they are", &overlap, 1, UINT32_MAX, "{1}", "{0}" },
};

static struct origin origin_at(const struct source *source, uint32_t line)
{
	return line == UINT32_MAX ? (struct origin){ .source = NULL } : (struct origin){ .source = source, .line = line };
}

START_TEST(json_prints_what_the_finding_prints)
{
	struct arena *arena = arena_new();
	struct source source = source_of_text(arena, "sekisho.conf", text, strlen(text));
	struct findings findings = findings_in(arena);
	struct finding *finding = finding_add(&findings, rows[_i].kind, origin_at(&source, rows[_i].line), rows[_i].first, rows[_i].second, NULL);
	json_t *array, *again;
	char *dumped;

	if (rows[_i].related != UINT32_MAX)
		finding_relate(finding, origin_at(&source, rows[_i].related));
	array = findings_to_json(&findings);
	dumped = json_dumps(array, 0);
	again = json_loads(dumped, 0, NULL);
	for (int language = LANGUAGE_EN; language <= LANGUAGE_JA; language++) {
		struct buf direct = buf_limited(0), by_json = buf_limited(0);

		finding_render(&direct, &findings, &findings.items[0], (enum language)language);
		findings_render_json(&by_json, again, (enum language)language);
		ck_assert_msg(span_equal(buf_span(&direct), buf_span(&by_json)), "%s:\n%s---\n%s", rows[_i].what, buf_text(&direct), buf_text(&by_json));
		buf_free(&direct);
		buf_free(&by_json);
	}
	free(dumped);
	json_decref(again);
	json_decref(array);
	arena_free(arena);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_become_visible)
{
	struct arena *arena = arena_new();
	struct source source = source_of_text(arena, "sekisho.conf", text, strlen(text));
	struct findings findings = findings_in(arena);
	json_t *array, *first;

	finding_add(&findings, &overlap, origin_at(&source, 4), "lgwan", "x", NULL);
	array = findings_to_json(&findings);
	first = json_array_get(array, 0);
	ck_assert_str_eq(json_string_value(json_object_get(first, "excerpt")), "bad ? byte lgwan");
	ck_assert_int_eq(json_integer_value(json_object_get(first, "column")), 12);
	ck_assert_int_eq(json_integer_value(json_object_get(first, "width")), 5);
	json_decref(array);
	arena_free(arena);
}
END_TEST

#define WORDS "\"en\":{\"sentence\":\"S.\",\"action\":\"\"}"

static const struct {
	const char *what, *json, *printed;
} foreign[] = {
	{ "no array", "{}", "" },
	{ "an array of other things", "[1,\"x\",null,[],{}]", "" },
	{ "a severity nobody has", "[{\"id\":\"a\",\"severity\":\"fatal\"," WORDS "}]", "" },
	{ "a sentence that is a number", "[{\"id\":\"a\",\"severity\":\"note\",\"en\":{\"sentence\":1}}]", "" },
	{ "no action at all", "[{\"id\":\"a\",\"severity\":\"note\",\"en\":{\"sentence\":\"S.\"}}]", "note: S. [a]\n" },
	{ "a line without its file", "[{\"id\":\"a\",\"severity\":\"note\",\"line\":3," WORDS "}]", "note: S. [a]\n" },
	{ "a negative line", "[{\"id\":\"a\",\"severity\":\"note\",\"file\":\"f\",\"line\":-3,\"excerpt\":\"x\"," WORDS "}]", "f: note: S. [a]\n" },
	{ "the largest line that is shown", "[{\"id\":\"a\",\"severity\":\"note\",\"file\":\"f\",\"line\":16777216,\"excerpt\":\"x\"," WORDS "}]",
	  "f:16777216: note: S. [a]\n  |   x\n  |   ^\n" },
	{ "one line more", "[{\"id\":\"a\",\"severity\":\"note\",\"file\":\"f\",\"line\":16777217,\"excerpt\":\"x\"," WORDS "}]",
	  "f:16777217: note: S. [a]\n" },
	{ "a caret beyond the line", "[{\"id\":\"a\",\"severity\":\"note\",\"file\":\"f\",\"line\":1,\"column\":9,\"width\":4,\"excerpt\":\"xy\"," WORDS "}]",
	  "f:1: note: S. [a]\n  |   xy\n  |   ^~\n" },
	{ "a width beyond the line", "[{\"id\":\"a\",\"severity\":\"note\",\"file\":\"f\",\"line\":1,\"column\":1,\"width\":4294967295,\"excerpt\":\"xy\"," WORDS "}]",
	  "f:1: note: S. [a]\n  |   xy\n  |   ^~\n" },
};

START_TEST(foreign_json_is_skipped_or_printed_as_far_as_it_goes)
{
	json_t *json = json_loads(foreign[_i].json, 0, NULL);
	struct buf out = buf_limited(0);

	ck_assert_ptr_nonnull(json);
	findings_render_json(&out, json, LANGUAGE_EN);
	ck_assert_msg(strcmp(buf_text(&out), foreign[_i].printed) == 0, "%s: %s", foreign[_i].what, buf_text(&out));
	buf_free(&out);
	json_decref(json);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire/report");
	TCase *cases = tcase_create("report");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, json_prints_what_the_finding_prints, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(cases, bytes_that_are_not_utf8_become_visible);
	tcase_add_loop_test(cases, foreign_json_is_skipped_or_printed_as_far_as_it_goes, 0, sizeof(foreign) / sizeof(foreign[0]));
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
