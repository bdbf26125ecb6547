/*
 * sekisho status [--events FILE]: what the daemon says is in force, what was refused today, and wrong wirings of the last day; when it does not answer, what
 * the kernel holds.
 *
 * --json prints the daemon's answer with "refused_today" (null, or {"packets", "quiet"}) and "wrong_wiring" (null, or sekisho/fault_list.h): {"state", "config", "digest", "committed_at", "flows", "zones",
 * "generation", "enforcer", "kernel", "ownership": "own", "none", "orphaned", "open" or "foreign", "hooks": "listed", "unlisted" or null, "findings": {"errors", "warnings"}, "expires": [{"flow", "date"}],
 * "confirm_until", "proposal": null or {"digest", "uid", "login", "reason", "since"}, "isolated": [{"zone", "except", "reason", "since"}]}. Exit status: 0 the file is in force and no zone is isolated, 1 something else
 * is, 3 the daemon does not answer.
 */
#include <getopt.h>
#include <string.h>

#include "base/date.h"
#include "events/events.h"
#include "sekisho/fault_list.h"
#include "sekisho/control.h"
#include "sekisho/grid.h"
#include "wire/report.h"

enum { FAULTS_SHOWN_MAX = 10, FAULTS_S = 24 * 3600 };

struct state_words {
	const char *state;
	int status;
	const char *en, *ja;
	const char *first_en, *first_ja; /* what to do first; NULL: nothing */
};

static const struct state_words state_words[] = {
	{ "in-force", EXIT_FINE, "in force", "適用中", NULL, NULL },
	{ "last-good", EXIT_REFUSED, "the rules of before are in force: the file has not been applied",
	  "以前の設定で動作中(ファイルは適用されていません)",
	  "nothing is urgent: sekisho check says what is wrong with the file, sekisho plan what it would change; then sekisho apply",
	  "急ぐ必要はありません。ファイルの誤りは sekisho check、適用したときの変化は sekisho plan で確かめ、sekisho apply で適用します" },
	{ "sealed", EXIT_REFUSED, "sealed: nothing passes, because there is no policy that can be applied",
	  "全遮断中(適用できる設定がないため、すべての通信を止めています)",
	  "sekisho check says what is wrong with the file; correct it, or bring back an older one (sekisho restore), then: sekisho apply",
	  "sekisho check でファイルの誤りを確かめて直す(または sekisho restore で以前のものに戻す)。その後、sekisho apply で適用します" },
	{ "starting", EXIT_REFUSED, "starting", "起動処理中", "ask again in some seconds; if it stays so: journalctl -u sekishod",
	  "数秒後にもう一度実行してください。変わらなければ journalctl -u sekishod で原因を確かめます" },
};

static const struct state_words *find_state(const json_t *answer)
{
	const char *state = json_string_value(json_object_get(answer, "state"));

	for (size_t i = 0; state && i < sizeof(state_words) / sizeof(state_words[0]); i++) {
		if (strcmp(state_words[i].state, state) == 0)
			return &state_words[i];
	}
	return NULL;
}

static void add_line(struct grid *grid, const char *label, const char *value)
{
	grid_add(grid, label);
	grid_add(grid, value);
}

static void add_text(struct context *context, struct grid *grid, const char *label, const json_t *value)
{
	add_line(grid, label, json_is_string(value) ? json_string_value(value) : phrase(context, "not known",
			"不明"));
}

static void add_number(struct context *context, struct grid *grid, const char *label, const json_t *value)
{
	if (json_is_integer(value))
		add_line(grid, label, arena_printf(context->arena, "%lld", (long long)json_integer_value(value)));
}

static void add_time(struct context *context, struct grid *grid, const char *label, const json_t *value)
{
	int64_t time = json_integer_value(value);

	add_line(grid, label, time > 0 && time < INT32_MAX * (int64_t)86400 ? time_words(context, time) : phrase(context, "never",
			"なし"));
}

/* Who can change the tables in the kernel. */
static void add_ownership(struct context *context, struct grid *grid, const json_t *ownership)
{
	static const struct {
		const char *word, *en, *ja;
	} rows[] = {
		{ "own", "only sekishod can change them, not even root's nft", "sekishod だけが変更できます(root の nft でも変更できません)" },
		{ "none", "others can change them (the kernel is before 6.9, or --no-owner); sekishod puts back what they change",
		  "ほかのプログラムも変更できます(6.9 より前のカーネルか --no-owner)。変更は sekishod が元に戻します" },
		{ "orphaned", "others can change them until sekishod has made them its own; it puts back what they change",
		  "sekishod のものになるまで、ほかのプログラムも変更できます。変更は sekishod が元に戻します" },
		{ "open", "others can change them until the next boot, because they were made without an owner; sekishod puts back what they change",
		  "所有者なしで作成されたため、次の起動まで、ほかのプログラムも変更できます。変更は sekishod が元に戻します" },
		{ "foreign", "ANOTHER PROGRAM has made them its own: sekishod cannot change them", "ほかのプログラムが自分のものにしているため、sekishod は変更できません" },
	};

	for (size_t i = 0; json_is_string(ownership) && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].word, json_string_value(ownership)) == 0)
			add_line(grid, phrase(context, "rules", "ルール"), phrase(context, rows[i].en, rows[i].ja));
}

/* What sekishod cannot see on this kernel. */
static void add_hidden(struct context *context, struct grid *grid, const json_t *hooks)
{
	if (json_is_string(hooks) && strcmp(json_string_value(hooks), "unlisted") == 0)
		add_line(grid, phrase(context, "not seen", "見えないもの"),
			 phrase(context, "modules of the kernel that take packets: this kernel does not list them (nfnetlink_hook)",
				"パケットを受け取るカーネルのモジュール(このカーネルには一覧 nfnetlink_hook がありません)"));
}

/* What a check of the file said when it was last read. */
static void add_findings(struct context *context, struct grid *grid, const json_t *findings)
{
	long long errors = json_integer_value(json_object_get(findings, "errors"));
	long long warnings = json_integer_value(json_object_get(findings, "warnings"));

	add_line(grid, phrase(context, "findings", "ファイルの指摘"),
		 arena_printf(context->arena, phrase(context, "errors: %lld, warnings: %lld",
				"エラー %lld 件、警告 %lld 件"), errors, warnings));
}

static void add_expiries(struct context *context, struct grid *grid, const json_t *expiries)
{
	const json_t *item;
	size_t i;

	json_array_foreach(expiries, i, item) {
		const char *flow = json_string_value(json_object_get(item, "flow")), *date = json_string_value(json_object_get(item, "date"));
		int32_t day;

		if (!flow || !date)
			continue;
		add_line(grid, i == 0 ? phrase(context, "expires next", "次に期限が来るもの") : "",
			 arena_printf(context->arena, "%s  %s", date_parse(date, &day) == 0 ? date_words(context, day) : date, flow));
	}
}

/* A change that is not for good yet: one that goes back unless it is confirmed, one that a second person has to approve. */
static void add_changes(struct context *context, struct grid *grid, const json_t *answer)
{
	const json_t *until = json_object_get(answer, "confirm_until"), *proposal = json_object_get(answer, "proposal");
	const json_t *person = json_object_get(proposal, json_object_get(proposal, "login") ? "login" : "uid");
	const char *digest = json_string_value(json_object_get(proposal, "digest")), *reason = json_string_value(json_object_get(proposal, "reason"));

	if (json_is_integer(until))
		add_line(grid, phrase(context, "goes back", "元に戻す時刻"),
			 arena_printf(context->arena, phrase(context, "%s, unless: sekisho confirm", "%s(sekisho confirm で確定)"),
				      time_words(context, json_integer_value(until))));
	if (digest)
		add_line(grid, phrase(context, "proposed", "承認待ち"),
			 arena_printf(context->arena, phrase(context, "by user %lld, %s: %s; another person looks (sekisho plan) and approves: sekisho approve %.12s",
							     "利用者 %lld、%s: %s。別の職員が sekisho plan で確認し、sekisho approve %.12s で承認"),
				      (long long)json_integer_value(person), time_words(context, json_integer_value(json_object_get(proposal, "since"))),
				      reason && reason[0] ? reason : phrase(context, "no reason given", "理由の記載なし"), digest));
}

/* What somebody who was woken up does first. A way past the rules comes before all: everything else is closed. */
static void add_first(struct context *context, struct grid *grid, const struct state_words *words, const json_t *answer)
{
	const char *label = phrase(context, "do first", "まずすること");

	if (ways_are_open(json_object_get(answer, "survey")))
		add_line(grid, label, phrase(context, "close the ways past the rules that stand below as errors; each says how",
					     "下に「エラー」とある、ルールを通らない経路を閉じてください。方法はそれぞれに示しています"));
	else if (words->first_en)
		add_line(grid, label, phrase(context, words->first_en, words->first_ja));
	else if (json_array_size(json_object_get(answer, "isolated")) > 0)
		add_line(grid, label, phrase(context, "when the danger is over: sekisho release ZONE", "安全を確かめたら、sekisho release ゾーン名 で遮断を解除します"));
}

/* The zones that are cut off, since when and why. */
static void add_isolated(struct context *context, struct grid *grid, const json_t *isolated)
{
	const json_t *item;
	size_t i;

	json_array_foreach(isolated, i, item) {
		const char *zone = json_string_value(json_object_get(item, "zone")), *reason = json_string_value(json_object_get(item, "reason"));

		if (zone)
			add_line(grid, phrase(context, "ISOLATED", "遮断中"),
				 arena_printf(context->arena, "%s  %s  %s", zone, time_words(context, json_integer_value(json_object_get(item, "since"))),
					      reason ? reason : ""));
	}
}

/* What was refused today, of which broadcast and multicast are nobody's attempt. */
struct refused {
	bool known;		/* false: there is no record that can be read */
	uint64_t packets, quiet;
};

static void refused_add(const struct events_day *day, void *to)
{
	struct refused *refused = to;

	*(strcmp(day->reason, "quiet") == 0 ? &refused->quiet : &refused->packets) += day->packets;
}

static struct refused refused_read(const struct context *context, const char *path)
{
	const struct events_query today = { .since = context->now };
	struct refused refused = { .known = false };
	struct events *events;

	if (events_open_reading(path, &events) != 0)
		return refused;
	refused.known = events_days_each(events, &today, refused_add, &refused) == 0;
	events_close(events);
	return refused;
}

static void add_refused(struct context *context, struct grid *grid, const struct refused *refused)
{
	if (refused->known)
		add_line(grid, phrase(context, "refused today", "今日の遮断"),
			 arena_printf(context->arena, phrase(context, "packets: %llu, and broadcast: %llu (see: sekisho refusals)",
							     "%llu 件、ほかにブロードキャスト等 %llu 件(詳しくは sekisho refusals)"),
				      (unsigned long long)refused->packets, (unsigned long long)refused->quiet));
}

static json_t *refused_json(const struct refused *refused)
{
	return refused->known ? json_pack("{s:I, s:I}", "packets", (json_int_t)refused->packets, "quiet", (json_int_t)refused->quiet) : json_null();
}

/* Who was connected where he should not be, as people read it or, where to is given, as JSON. Without a record there is nothing to say. */
static void faults_show(struct context *context, const char *path, json_t **to)
{
	const struct events_query last_day = { .since = context->now - FAULTS_S, .rows_max = FAULTS_SHOWN_MAX };
	struct events *events;

	if (events_open_reading(path, &events) != 0)
		return;
	if (to)
		(void)faults_json(context, events, &last_day, to);
	else
		(void)faults_print(context, events, &last_day);
	events_close(events);
}

static void print_status(struct context *context, const struct state_words *words, const json_t *answer, const struct refused *refused)
{
	struct grid grid = grid_make(context->arena, 2);

	add_line(&grid, phrase(context, "state", "状態"), phrase(context, words->en, words->ja));
	add_first(context, &grid, words, answer);
	add_changes(context, &grid, answer);
	add_isolated(context, &grid, json_object_get(answer, "isolated"));
	add_text(context, &grid, phrase(context, "file", "ファイル"), json_object_get(answer, "config"));
	add_time(context, &grid, phrase(context, "applied", "適用日時"), json_object_get(answer, "committed_at"));
	add_text(context, &grid, "SHA-256", json_object_get(answer, "digest"));
	add_number(context, &grid, phrase(context, "zones", "ゾーン"), json_object_get(answer, "zones"));
	add_number(context, &grid, phrase(context, "flows", "通信許可"), json_object_get(answer, "flows"));
	add_ownership(context, &grid, json_object_get(answer, "ownership"));
	add_hidden(context, &grid, json_object_get(answer, "hooks"));
	add_findings(context, &grid, json_object_get(answer, "findings"));
	add_expiries(context, &grid, json_object_get(answer, "expires"));
	add_refused(context, &grid, refused);
	grid_print(&context->out, &grid, 0);
	findings_render_json(&context->out, json_object_get(answer, "survey"), context->language);
}

/*
 * The daemon is silent; the kernel's rules do not depend on it. Who may not read them was told already what to
 * do first, so that a second complaint would only hide the first.
 */
static void print_kernel(struct context *context)
{
	size_t complained = context->complaint.length;
	struct mark_book book;
	struct live live;

	if (live_read(context, &live) != 0) {
		context->complaint.length = complained;
		return;
	}
	if (!live.snapshot.ruleset) {
		complain(context, "the kernel holds no rules of sekisho: nothing is filtered by it",
				"カーネルに関所のルールはありません(関所による遮断は働いていません)");
		return;
	}
	book = mark_book_of(context->arena, live.snapshot.ruleset, NULL, 0);
	complain(context, "the kernel goes on by the rules it has, with %zu different flows",
			"カーネルは、設定済みのルール(通信許可 %zu 種)で動作を続けています",
		 book.count);
}

static int parse_options(struct context *context, int argc, char **argv, const char **ret_events)
{
	static const struct option options[] = { { "events", required_argument, NULL, 'e' }, { NULL, 0, NULL, 0 } };
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option != 'e')
			return complain_usage(context, "status: unknown option, or a value is missing", "status: 知らないオプションか、値がありません");
		*ret_events = optarg;
	}
	if (optind < argc)
		return complain_usage(context, "status: unexpected word \"%s\"", "status: 余分な語「%s」があります", argv[optind]);
	return 0;
}

int command_status(struct context *context, int argc, char **argv)
{
	const struct state_words *words;
	const char *events = SEKISHO_EVENTS_PATH;
	struct refused refused;
	json_t *answer, *faults = NULL;
	int status = parse_options(context, argc, argv, &events);

	if (status)
		return status;
	status = control_ask(context, VERB_STATUS, NULL, &answer);
	if (status) {
		print_kernel(context);
		return status;
	}
	words = find_state(answer);
	status = words ? words->status : complain(context, "the answer of sekishod was not understood; are sekisho and sekishod of the same version?",
						  "sekishod の応答を解釈できませんでした。sekisho と sekishod の版が同じか確認してください");
	if (status == EXIT_FINE && json_array_size(json_object_get(answer, "isolated")) > 0)
		status = EXIT_REFUSED;
	refused = refused_read(context, events);
	if (context->json) {
		faults_show(context, events, &faults);
		json_object_set_new(answer, "refused_today", refused_json(&refused));
		json_object_set_new(answer, "wrong_wiring", faults ? faults : json_null());
		print_json(context, answer);
		return status;
	}
	if (words)
		print_status(context, words, answer, &refused);
	if (words)
		faults_show(context, events, NULL);
	json_decref(answer);
	return status;
}
