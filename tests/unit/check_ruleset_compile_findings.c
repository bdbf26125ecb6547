/* compile: what it has to say of a policy: too many ranges, an interface that is not there, and a flow that must not stop and is closed by that. */
#include <errno.h>

#include "policy_case.h"

#include "ruleset/compile.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

/* Two flows whose sources a test spreads over as many ranges as it likes. */
#define SPREAD_FLOW(name, port) \
	"	, { name = '" name "'; from = 'lg'; to = 'in'; method = 'screen'; source = 'pcs'; destination = 'far'; protocol = 'tcp'; ports = " port "; }\n"

static const struct policy_case spread = { .what = "spread", .edits = {
	{ "	#hosts\n", "	, { name = 'far'; zone = 'in'; addresses = [ 'fd00:0:0:3::30' ]; }\n" },
	{ "	#flows\n", SPREAD_FLOW("one", "3390") SPREAD_FLOW("other", "3391") },
} };

/* Runs the good file with the edits of the row; nothing is found in it. The caller frees the arena of the run. */
static struct policy_run run_edited(struct arena *arena, const struct policy_case *row)
{
	const struct policy_world world = { .now = policy_case_now() };
	struct policy_run run = policy_run_text(policy_edited(arena, row), &world);

	ck_assert_str_eq(finding_ids(&run), "");
	return run;
}

/* So many pairs of neighbouring addresses of which no two touch. group: others for each flow. */
static void flow_spread(struct policy_run *run, const char *name, uint8_t group, size_t count)
{
	struct flow *flow = NULL;

	for (size_t i = 0; i < run->policy->flow_count; i++)
		if (strcmp(run->policy->flows[i].name, name) == 0)
			flow = (struct flow *)(uintptr_t)&run->policy->flows[i];
	ck_assert_ptr_nonnull(flow);
	flow->sources = (struct addr_ranges){ .items = arena_array(run->arena, count, sizeof(struct addr_range)), .count = count };
	for (size_t i = 0; i < count; i++) {
		struct addr_range *range = &flow->sources.items[i];

		ck_assert_int_eq(netaddr_parse("fd00:0:0:2::", &range->first), 0);
		range->first.bytes[11] = group;
		range->first.bytes[12] = (uint8_t)(i >> 16);
		range->first.bytes[13] = (uint8_t)(i >> 8);
		range->first.bytes[14] = (uint8_t)i;
		range->last = range->first;
		range->last.bytes[15] = 1;
	}
}

/* Compiles it where all interfaces are there but the one of this name, if any. */
static int compile_without(struct policy_run *run, const char *missing)
{
	struct link_table links = compile_offline_links(run->arena, run->policy);
	struct compile_world world = { .now = policy_case_now() };
	struct compiled compiled;
	size_t kept = 0;

	for (size_t i = 0; i < links.count; i++)
		if (!missing || strcmp(links.items[i].name, missing) != 0)
			links.items[kept++] = links.items[i];
	links.count = kept;
	world.links = links;
	return ruleset_compile(run->arena, run->policy, &world, &run->findings, &compiled);
}

/* How many ranges the file needs besides those that are spread. */
static size_t ranges_besides(struct arena *arena)
{
	struct policy_run run = run_edited(arena, &spread);
	size_t all;

	flow_spread(&run, "one", 1, COMPILE_RANGES_WARN);
	flow_spread(&run, "other", 2, 1);
	ck_assert_int_eq(compile_without(&run, NULL), 0);
	ck_assert_str_eq(finding_ids(&run), "compile-many-ranges");
	all = strtoul(run.findings.items[0].arguments[0], NULL, 10);
	arena_free(run.arena);
	ck_assert_uint_gt(all, COMPILE_RANGES_WARN);
	return all - COMPILE_RANGES_WARN - 1;
}

static const struct {
	const char *what, *ids, *en, *ja;
	size_t ranges;		/* in all */
	size_t other;		/* of them of the second flow */
	int result;
} range_rows[] = {
	{ "as many as are fast", "", NULL, NULL, COMPILE_RANGES_WARN, 1, 0 },
	{ "one more", "compile-many-ranges", "The flows need 10001 address and port ranges; beyond 10000, packets and changes get slower.",
	  "通信許可に必要なアドレスやポートの範囲が 10001 個あります。10000 個を超えると、転送と設定変更が遅くなります。", COMPILE_RANGES_WARN + 1, 1, 0 },
	{ "as many as may be", "compile-many-ranges", "The flows need 200000 address and port ranges; beyond 10000, packets and changes get slower.",
	  "通信許可に必要なアドレスやポートの範囲が 200000 個あります。10000 個を超えると、転送と設定変更が遅くなります。", COMPILE_RANGES_MAX, 1, 0 },
	{ "one more than may be, of one zone to another", "compile-too-many-ranges",
	  "The flows need more address and port ranges than can be installed, which is 200000.",
	  "通信許可に必要なアドレスやポートの範囲が、設定できる上限の 200000 個を超えています。", COMPILE_RANGES_MAX + 1, 1, -E2BIG },
	{ "half as many again as may be", "compile-too-many-ranges", "The flows need more address and port ranges than can be installed, which is 200000.",
	  "通信許可に必要なアドレスやポートの範囲が、設定できる上限の 200000 個を超えています。", COMPILE_RANGES_MAX + COMPILE_RANGES_MAX / 2,
	  COMPILE_RANGES_MAX / 2, -E2BIG },
};

START_TEST(ranges_get_slow_and_then_too_many)
{
	struct arena *arena = arena_new();
	const size_t besides = ranges_besides(arena);
	struct policy_run run = run_edited(arena, &spread);

	flow_spread(&run, "one", 1, range_rows[_i].ranges - range_rows[_i].other - besides);
	flow_spread(&run, "other", 2, range_rows[_i].other);
	ck_assert_msg(compile_without(&run, NULL) == range_rows[_i].result, "%s", range_rows[_i].what);
	ck_assert_msg(strcmp(finding_ids(&run), range_rows[_i].ids) == 0, "%s: %s", range_rows[_i].what, finding_ids(&run));
	if (run.findings.count > 0) {
		ck_assert_str_eq(finding_sentence(&run.findings, &run.findings.items[0], LANGUAGE_EN), range_rows[_i].en);
		ck_assert_str_eq(finding_sentence(&run.findings, &run.findings.items[0], LANGUAGE_JA), range_rows[_i].ja);
		ck_assert_ptr_nonnull(strstr(finding_action(&run.findings, &run.findings.items[0], LANGUAGE_EN), "neighbouring ranges"));
		ck_assert_ptr_nonnull(strstr(finding_action(&run.findings, &run.findings.items[0], LANGUAGE_JA), "隣り合う範囲"));
	}
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

#define CRITICAL { "	  source = 'jumin'; ", "	  critical = true; source = 'jumin'; " }

static const struct {
	const char *missing;
	const char *sentences[2];	/* of the two languages, in the order of enum language, for the first finding */
	struct policy_case row;
} missing_rows[] = {
	{ NULL, { NULL, NULL }, { .what = "all are there", .ids = "", .edits = { CRITICAL } } },
	{ "lg0", { "The interface lg0 of the zone lg does not exist now; the zone is closed there.",
		   "ゾーン lg のインターフェース lg0 が現在ありません。このインターフェースでの通信は閉じています。" },
	  { .what = "one is missing", .ids = "compile-interface-missing", .line = "interfaces = [ 'lg0' ]" } },
	{ "mn0", { "The critical flow juki-shokai is closed now: a zone at one of its ends has no interface.",
		   "止めてはならない通信許可 juki-shokai が閉じています。両端のゾーンのどちらかにインターフェースがありません。" },
	  { .what = "what must not stop begins there", .ids = "compile-critical-closed compile-interface-missing", .line = "name = 'juki-shokai'",
	    .edits = { CRITICAL } } },
	{ "lg0", { "The critical flow juki-shokai is closed now: a zone at one of its ends has no interface.",
		   "止めてはならない通信許可 juki-shokai が閉じています。両端のゾーンのどちらかにインターフェースがありません。" },
	  { .what = "what must not stop ends there", .ids = "compile-critical-closed compile-interface-missing", .line = "name = 'juki-shokai'",
	    .edits = { CRITICAL } } },
	{ "up0", { "The interface up0 of the zone up does not exist now; the zone is closed there.",
		   "ゾーン up のインターフェース up0 が現在ありません。このインターフェースでの通信は閉じています。" },
	  { .what = "what must not stop is elsewhere", .ids = "compile-interface-missing", .line = "interfaces = [ 'up0' ]", .edits = { CRITICAL } } },
};

/* The finding with the first of the row's ids says this in both languages, and what to do. */
static void check_sentences(const struct policy_run *run, const struct policy_case *row, const char *const sentences[2])
{
	for (size_t i = 0; i < run->findings.count; i++) {
		const struct finding *finding = &run->findings.items[i];

		if (strncmp(row->ids, finding->kind->id, strlen(finding->kind->id)) != 0)
			continue;
		ck_assert_str_eq(finding_sentence(&run->findings, finding, LANGUAGE_EN), sentences[LANGUAGE_EN]);
		ck_assert_str_eq(finding_sentence(&run->findings, finding, LANGUAGE_JA), sentences[LANGUAGE_JA]);
		ck_assert_ptr_nonnull(strstr(finding_action(&run->findings, finding, LANGUAGE_EN), "opens by itself when"));
		ck_assert_ptr_nonnull(strstr(finding_action(&run->findings, finding, LANGUAGE_JA), "自動的に開きます"));
	}
}

START_TEST(what_is_closed_by_a_missing_interface_is_said)
{
	const struct policy_case *row = &missing_rows[_i].row;
	struct arena *arena = arena_new();
	struct policy_run run = run_edited(arena, row);

	ck_assert_int_eq(compile_without(&run, missing_rows[_i].missing), 0);
	ck_assert_msg(strcmp(finding_ids(&run), row->ids) == 0, "%s: %s", row->what, finding_ids(&run));
	ck_assert_uint_eq(run.findings.errors, 0);
	check_lines(&run, row);
	check_sentences(&run, row, missing_rows[_i].sentences);
	arena_free(run.arena);
	arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ruleset/compile findings");
	TCase *tcase = tcase_create("findings");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, ranges_get_slow_and_then_too_many, 0, COUNT(range_rows));
	tcase_add_loop_test(tcase, what_is_closed_by_a_missing_interface_is_said, 0, COUNT(missing_rows));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
