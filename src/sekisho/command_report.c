/*
 * sekisho report [--public] [--since DAY] [--state-dir DIRECTORY]: what an auditor asks for, as one text. What the other commands say of this gateway stands in
 * sections, from the rules in the kernel and the records, not from the file; before them a sheet for the self-inspection (自己点検): what was found to
 * hold, what was not, and what only a person can confirm.
 *
 * The same data give the same bytes: no time of making stands in it. The head of the journal's chain says up to where the records go. The public edition
 * (--public) names no address, no host and no flow: only zones, the law, and what came of the inspection.
 *
 * --json: {"town", "model", "file", "digest", "edition": "internal|public", "since", "sections": [{"section", "result": "fine|found|unknown|attached",
 * "answer"}], "by_hand": [texts]}. An answer is what the command gives with --json; null in the public edition, and when there is none.
 * Exit status: 0 all that was inspected holds, 1 something does not, 3 something could not be looked at.
 */
#include <getopt.h>
#include <string.h>

#include "base/date.h"
#include "base/digest.h"
#include "daemon/state_names.h"
#include "events/events.h"
#include "ruleset/prove.h"
#include "sekisho/command.h"
#include "sekisho/grid.h"

struct report_options {
	bool public;
	const char *since;		/* a day */
	const char *state_directory;
};

enum { SECTION_WORDS_MAX = 5 };

/* A part of the report: another command, and with what words it is asked. */
struct section {
	const char *word, *en, *ja;
	command_run run;
	const char *words[SECTION_WORDS_MAX + 1]; /* NULL after the last; since_day, journal_place and events_place stand for what the options say */
	bool inspected;			/* its exit status says whether something holds; else it is evidence to look through */
	bool public;			/* its text names zones only */
};

static const char since_day[] = "DAY", journal_place[] = "JOURNAL", events_place[] = "EVENTS";

/* The last one gives up the right to open files. */
static const struct section sections[] = {
	{ "law", "The law holds on the rules in the kernel, which are those of the file", "三層の規律が、カーネルのルールで守られ、ファイルと一致している", command_verify,
	  { "verify" }, true, false },
	{ "matrix", "Who may begin to talk to whom, from the kernel", "ゾーン間で始められる通信(カーネルのルールから)", command_matrix, { "matrix", "--live" }, true, true },
	{ "ledger", "The ledger of flows, with their records", "通信許可の台帳", command_flows, { "flows", "--live" }, false, false },
	{ "journal", "The record of what was done is whole", "操作の記録が改ざんされていない", command_journal, { "journal", "verify", "--dir", journal_place }, true, true },
	{ "changes", "What was done", "操作と変更の記録", command_journal, { "journal", "--since", since_day, "--dir", journal_place }, false, false },
	{ "refusals", "What was refused", "遮断した通信", command_refusals, { "refusals", "--since", since_day, "--events", events_place }, false, false },
};

enum { SECTION_COUNT = sizeof(sections) / sizeof(sections[0]) };

struct report_words {
	const char *en, *ja;
};

/* 人手確認 */
static const struct report_words by_hand[] = {
	{ "terminals of the My Number tier: more than one factor to log in, nothing can be carried out on media", "マイナンバー利用事務系の端末: 多要素認証、外部媒体による持ち出しの不可設定" },
	{ "cables and switches inside the zones, and no wireless in the My Number tier", "ゾーン内の配線とスイッチ、マイナンバー利用事務系で無線を使っていないこと" },
	{ "number, reason and approver of each record are those of the decision on paper", "台帳の番号・理由・承認者が、決裁の文書と一致していること" },
	{ "each exception is still needed", "例外措置がいまも必要であること" },
	{ "a head of the journal that was kept elsewhere is in the chain (sekisho journal verify --head)", "別に控えた先端が記録のチェーンに含まれること(sekisho journal verify --head)" },
	{ "who is root on the gateway, and who can touch it", "関所の root になれる人と、装置に触れられる人" },
	{ "a backup was restored for a try, and an isolation was drilled (sekisho isolate --drill)", "バックアップからの復元の試行と、遮断の訓練(sekisho isolate --drill)" },
};

enum { BY_HAND_COUNT = sizeof(by_hand) / sizeof(by_hand[0]) };

/* What came of a section. */
struct part {
	int status;
	const char *text;		/* what the command printed */
};

struct report {
	struct context *context;
	struct report_options options;
	const struct generation *generation; /* the file, for the heading */
	struct part parts[SECTION_COUNT];
};

/* ---- the sections */

static const char *word_of(const struct report *report, const char *word)
{
	struct arena *arena = report->context->arena;

	if (word == since_day)
		return report->options.since;
	if (word == journal_place)
		return arena_printf(arena, "%s/" STATE_JOURNAL_DIRECTORY, report->options.state_directory);
	if (word == events_place)
		return arena_printf(arena, "%s/" STATE_EVENTS_DIRECTORY "/" EVENTS_FILE, report->options.state_directory);
	return word;
}

/* Runs the command of a section and keeps what it prints. */
static struct part part_make(const struct report *report, const struct section *section)
{
	struct context *context = report->context;
	char *words[SECTION_WORDS_MAX + 1] = { NULL };
	struct part part;
	int count = 0;

	for (size_t i = 0; i < SECTION_WORDS_MAX && section->words[i]; i++)
		words[count++] = arena_strdup(context->arena, word_of(report, section->words[i]));
	context->out.length = 0;
	part.status = section->run(context, count, words);
	part.text = arena_strdup(context->arena, buf_text(&context->out));
	context->out.length = 0;
	return part;
}

static const char *result_word(const struct section *section, const struct part *part)
{
	if (part->status == EXIT_UNABLE || part->status == EXIT_USAGE)
		return "unknown";
	if (part->status == EXIT_REFUSED)
		return "found";
	return section->inspected ? "fine" : "attached";
}

static const char *result_words(const struct report *report, size_t index)
{
	static const struct {
		const char *word;
		struct report_words words;
	} table[] = {
		{ "fine", { "holds", "適合" } }, { "found", { "DOES NOT HOLD", "指摘あり" } }, { "unknown", { "NOT LOOKED AT", "確認できず" } },
		{ "attached", { "to look through", "資料" } },
	};
	const char *word = result_word(&sections[index], &report->parts[index]);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].word, word) == 0)
			return phrase(report->context, table[i].words.en, table[i].words.ja);
	return word;
}

/* True when what the command said is part of this edition. */
static bool is_shown(const struct report *report, size_t index)
{
	return !report->options.public || sections[index].public;
}

/* True when the section stands in the public edition by its sentences alone: each line of the law was proved. */
static bool is_law_in_words(const struct report *report, size_t index)
{
	return report->options.public && sections[index].run == command_verify && report->parts[index].status == EXIT_FINE;
}

/* ---- for people */

static void print_heading(const struct report *report)
{
	struct context *context = report->context;
	const struct policy *policy = report->generation->policy;
	char digest[DIGEST_TEXT_BYTES];

	digest_hex(report->generation->digest, DIGEST_BYTES, digest);
	buf_printf(&context->out, phrase(context, "Report on the gateway of %s (%s edition)\n", "%s 関所の監査報告(%s)\n"),
		   visible_text(context->arena, span_of(policy->town)),
		   report->options.public ? phrase(context, "public", "公開用") : phrase(context, "internal", "内部用"));
	buf_printf(&context->out, phrase(context, "model %s, zone file %s\nrecords since %s\n\n", "モデル %s、ゾーン定義ファイル %s\n記録の対象 %s 以降\n\n"), model_name(policy->model),
		   digest, report->options.since);
}

static void print_sheet(const struct report *report)
{
	struct context *context = report->context;
	struct grid grid = grid_make(context->arena, 3);

	buf_puts(&context->out, phrase(context, "Inspection\n", "点検表\n"));
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		grid_add(&grid, result_words(report, i));
		grid_add(&grid, is_shown(report, i) || is_law_in_words(report, i) ? arena_printf(context->arena, phrase(context, "section %zu", "第%zu節"), i + 1) : "-");
		grid_add(&grid, phrase(context, sections[i].en, sections[i].ja));
	}
	for (size_t i = 0; i < BY_HAND_COUNT; i++) {
		grid_add(&grid, phrase(context, "by hand", "人手確認"));
		grid_add(&grid, "-");
		grid_add(&grid, phrase(context, by_hand[i].en, by_hand[i].ja));
	}
	grid_print(&context->out, &grid, 2);
	buf_puts(&context->out, phrase(context, "No compliance with a guideline as a whole is claimed.\n", "ガイドライン全体への適合を示すものではありません。\n"));
}

static void print_law_in_words(struct context *context)
{
	for (int line = 0; line < PROOF_LINE_COUNT; line++)
		buf_printf(&context->out, "  %s\n", proof_line_sentence((enum proof_line)line, context->language));
}

static void print_section(const struct report *report, size_t index)
{
	struct context *context = report->context;
	bool in_words = is_law_in_words(report, index);

	if (!in_words && !is_shown(report, index))
		return;
	buf_printf(&context->out, "\n%zu. %s: %s\n\n", index + 1, phrase(context, sections[index].en, sections[index].ja), result_words(report, index));
	if (in_words)
		print_law_in_words(context);
	else
		buf_puts(&context->out, report->parts[index].text);
}

static void print_report(const struct report *report)
{
	print_heading(report);
	print_sheet(report);
	for (size_t i = 0; i < SECTION_COUNT; i++)
		print_section(report, i);
}

/* ---- as JSON */

static void print_report_json(const struct report *report)
{
	struct context *context = report->context;
	const struct policy *policy = report->generation->policy;
	json_t *list = json_array(), *hand = json_array();
	char digest[DIGEST_TEXT_BYTES];

	digest_hex(report->generation->digest, DIGEST_BYTES, digest);
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		json_t *answer = is_shown(report, i) ? json_loads(report->parts[i].text, JSON_DECODE_ANY, NULL) : NULL;

		json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "section", sections[i].word, "result", result_word(&sections[i], &report->parts[i]),
						      "answer", answer ? answer : json_null()));
	}
	for (size_t i = 0; i < BY_HAND_COUNT; i++)
		json_array_append_new(hand, json_string(phrase(context, by_hand[i].en, by_hand[i].ja)));
	print_json(context, json_pack("{s:o, s:s, s:o, s:s, s:s, s:s, s:o, s:o}", "town", json_visible(context, policy->town), "model", model_name(policy->model),
				      "file", json_visible(context, context->config_path), "digest", digest, "edition",
				      report->options.public ? "public" : "internal", "since", report->options.since, "sections", list, "by_hand", hand));
}

/* ---- the command */

/* The first day of the fiscal year (年度) of now. */
static const char *fiscal_year_begin(struct context *context)
{
	enum { LONGEST_YEAR = 366 };
	char text[DATE_TEXT_BYTES];
	int32_t end = date_nendo_end(date_of_time(context->now));

	return arena_strdup(context->arena, date_format(date_nendo_end(end - LONGEST_YEAR) + 1, text));
}

static int take_since(struct context *context, const char *word, const char **ret_since)
{
	char text[DATE_TEXT_BYTES];
	int32_t day;

	if (date_parse(word, &day) != 0)
		return complain_usage(context, "report: \"%s\" is not a day such as 2027-04-01", "report: 「%s」は日付(2027-04-01 など)ではありません", word);
	*ret_since = arena_strdup(context->arena, date_format(day, text));
	return 0;
}

static int parse_options(struct context *context, int argc, char **argv, struct report_options *ret_options)
{
	static const struct option options[] = {
		{ "public", no_argument, NULL, 'p' }, { "since", required_argument, NULL, 's' }, { "state-dir", required_argument, NULL, 'd' }, { NULL, 0, NULL, 0 },
	};
	struct report_options result = { .since = fiscal_year_begin(context), .state_directory = SEKISHO_STATE_PATH };
	int option, status = 0;

	optind = 0;
	while (!status && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'p')
			result.public = true;
		else if (option == 's')
			status = take_since(context, optarg, &result.since);
		else if (option == 'd')
			result.state_directory = optarg;
		else
			status = complain_usage(context, "report: unknown option, or one without its value", "report: 知らないオプションか、値のないオプションがあります");
	}
	if (!status && optind < argc)
		status = complain_usage(context, "report: unexpected word \"%s\"", "report: 余分な語「%s」があります", argv[optind]);
	*ret_options = result;
	return status;
}

/* The worst of what was found. */
static int report_status(const struct report *report)
{
	int worst = EXIT_FINE;

	for (size_t i = 0; i < SECTION_COUNT; i++)
		if (report->parts[i].status > worst)
			worst = report->parts[i].status;
	return worst;
}

int command_report(struct context *context, int argc, char **argv)
{
	struct report report = { .context = context };
	struct live live;
	int status = parse_options(context, argc, argv, &report.options);

	if (!status)
		status = live_read(context, &live);
	if (status)
		return status;
	report.generation = load_offline(context, context->config_path);
	if (!is_usable(context, context->config_path, report.generation))
		return EXIT_REFUSED;
	context->live = &live;
	for (size_t i = 0; i < SECTION_COUNT; i++)
		report.parts[i] = part_make(&report, &sections[i]);
	context->live = NULL;
	if (context->json)
		print_report_json(&report);
	else
		print_report(&report);
	return report_status(&report);
}
