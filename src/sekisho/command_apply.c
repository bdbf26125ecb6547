/*
 * sekisho apply [--reason TEXT] [--force] [--break NAME] [--dry-run] [--confirm TIME] [--any-terminal]: has the daemon read its file and put it in force, and
 * tells what came of it.
 *
 * sekisho approve DIGEST [--reason TEXT]: puts in force what somebody else has proposed, where the policy says two_person; DIGEST is the number that apply gave.
 *
 * sekisho confirm [--reason TEXT]: what was applied with --confirm is for good.
 *
 * --json prints the daemon's answer as it is: {"result", "findings", "changes", "generation", "digest"}. Exit
 * status: 0 committed or unchanged, 1 refused or only proposed, 3 it could not be done or is not known.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/width.h"
#include "sekisho/control.h"
#include "sekisho/terminal.h"
#include "wire/report.h"

enum { REASON_BYTES_MAX = 1024, BREAKS_MAX = 16, CONFIRM_SECONDS_MAX = 24 * 3600, DIGEST_DIGITS_MIN = 12, DIGEST_DIGITS_MAX = 64 }; /* as the daemon takes them */

struct apply_options {
	const char *reason;
	long confirm_seconds;	/* 0: for good at once */
	bool force, dry_run;
	const char *breaks[BREAKS_MAX];	/* critical flows that may stop */
	size_t break_count;
	const char *approves;	/* NULL: nothing */
	bool any_terminal;	/* the service manager asks for somebody: any connection may be his */
};

/* "90", "90s", "10m", "1h". */
static int take_time(struct context *context, const char *text, long *ret_seconds)
{
	char *end;
	long value = strtol(text, &end, 10), unit = 1;

	if (*end == 'm' || *end == 'h')
		unit = *end == 'm' ? 60 : 3600;
	if (end == text || (*end != '\0' && (strchr("smh", *end) == NULL || end[1] != '\0')) || value < 1 || value > CONFIRM_SECONDS_MAX / unit)
		return complain_usage(context, "apply: --confirm takes a time up to a day, such as 60s or 10m, not \"%s\"",
				      "apply: --confirm には 60s や 10m のような 1 日以内の時間を指定してください(「%s」)", text);
	*ret_seconds = value * unit;
	return 0;
}

static int parse_options(struct context *context, int argc, char **argv, struct apply_options *ret_options)
{
	static const struct option options[] = {
		{ "reason", required_argument, NULL, 'r' }, { "force", no_argument, NULL, 'f' }, { "dry-run", no_argument, NULL, 'd' },
		{ "break", required_argument, NULL, 'b' },
		{ "any-terminal", no_argument, NULL, 't' }, { "confirm", required_argument, NULL, 'c' }, { NULL, 0, NULL, 0 },
	};
	struct apply_options result = { .reason = "" };
	int option, status = 0;

	optind = 0;
	while (!status && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'c': status = take_time(context, optarg, &result.confirm_seconds); break;
		case 'r': result.reason = optarg; break;
		case 'f': result.force = true; break;
		case 'd': result.dry_run = true; break;
		case 't': result.any_terminal = true; break;
		case 'b':
			if (result.break_count == BREAKS_MAX)
				return complain_usage(context, "at most %d flows can be stopped at once", "--break は %d 件までです", BREAKS_MAX);
			result.breaks[result.break_count++] = optarg;
			break;
		default: return complain_usage(context, "apply: unknown option, or one without its value",
				"apply: 知らないオプションか、値のないオプションがあります");
		}
	}
	if (status)
		return status;
	if (optind < argc)
		return complain_usage(context, "apply takes no file: the daemon reads its own; to look at another: sekisho check %s",
				      "apply にファイルは指定できません(sekishod が自分のファイルを読みます)。検査だけなら: sekisho check %s", argv[optind]);
	if (strlen(result.reason) > REASON_BYTES_MAX)
		return complain_usage(context, "the reason is longer than %d bytes",
				"理由は %d バイト以内で指定してください", REASON_BYTES_MAX);
	*ret_options = result;
	return 0;
}

static json_t *connection_to_json(const struct terminal_connection *connection)
{
	char source[NETADDR_TEXT_BYTES], destination[NETADDR_TEXT_BYTES];

	return json_pack("{s:s, s:i, s:s, s:i}", "source", netaddr_format(&connection->source, source), "source_port", connection->source_port,
			 "destination", netaddr_format(&connection->destination, destination), "destination_port", connection->destination_port);
}

static json_t *make_request(struct context *context, const struct apply_options *options)
{
	struct terminal_connection connections[TERMINAL_CONNECTIONS_MAX];
	size_t count = terminal_connections(context->arena, getenv("SSH_CONNECTION"), options->any_terminal, connections);
	json_t *list = json_array(), *breaks = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, connection_to_json(&connections[i]));
	for (size_t i = 0; i < options->break_count; i++)
		json_array_append_new(breaks, json_string(options->breaks[i]));
	json_t *request = json_pack("{s:o, s:I, s:b, s:b, s:o, s:o}", "reason", json_visible(context, options->reason), "confirm",
			 (json_int_t)options->confirm_seconds, "force", options->force, "dry_run",
			 options->dry_run, "break", breaks, "connections", list);
	if (options->approves)
		json_object_set_new(request, "approve", json_string(options->approves));
	return request;
}

static void print_changes(struct context *context, const json_t *changes)
{
	json_int_t added = json_integer_value(json_object_get(changes, "elements_added"));
	json_int_t deleted = json_integer_value(json_object_get(changes, "elements_deleted"));
	json_int_t rules = json_integer_value(json_object_get(changes, "rules_added"));

	buf_printf(&context->out, phrase(context, "  %lld elements added, %lld deleted, %lld rules written\n",
			"  要素の追加 %lld、削除 %lld、ルールの書き込み %lld\n"),
		   (long long)added, (long long)deleted, (long long)rules);
}

enum { DRY_OUTCOMES = 3 };

/* The first ones are for --dry-run: there they stand for those of the same word below. */
static const struct control_outcome outcomes[] = {
	{ "committed", EXIT_FINE, "This file would be applied. Nothing was changed.", "このファイルは適用できます。まだ何も変更していません。" },
	{ "unchanged", EXIT_FINE, "Nothing would change: the kernel holds what the file says.", "適用しても変更はありません。すでにファイルの内容どおりです。" },
	{ "refused", EXIT_REFUSED, "This file would be refused. Nothing was changed.", "このファイルは適用できません。何も変更していません。" },
	{ "proposed", EXIT_REFUSED, "Proposed: nothing is changed before another person approves it.", "変更を提案しました。別の職員が承認するまで、何も変更しません。" },
	{ "committed", EXIT_FINE, "Applied: the file is in force now.", "適用しました。ファイルの内容が有効になりました。" },
	{ "confirmed", EXIT_FINE, "Confirmed: the change is for good.", "変更を確定しました。" },
	{ "unchanged", EXIT_FINE, "Nothing to change: the kernel holds what the file says.", "変更はありません。すでにファイルの内容どおりです。" },
	{ "refused", EXIT_REFUSED, "Refused: nothing was changed; what was in force stays in force.", "適用しませんでした。これまでの設定がそのまま有効です。" },
	{ "busy", EXIT_UNABLE, "Another apply is being worked on: nothing was done. Try again in a moment.",
	  "ほかの適用処理が進行中のため、何もしていません。少し待ってから再実行してください。" },
	{ "failed", EXIT_UNABLE, "It could not be applied. See what is in force: sekisho status",
	  "適用できませんでした。現在の状態は sekisho status で確認してください。" },
};

static void print_changed(struct context *context, const struct control_outcome *outcome, const json_t *answer)
{
	const char *digest = json_string_value(json_object_get(answer, "digest"));

	if (strcmp(outcome->result, "proposed") == 0 && digest)
		buf_printf(&context->out, phrase(context, "He looks at it with: sekisho plan    and approves it with: sekisho approve %.*s\n",
						 "承認する人は、内容を sekisho plan で確認し、sekisho approve %.*s を実行してください。\n"),
			   DIGEST_DIGITS_MIN, digest);
	if (json_object_get(answer, "confirm_seconds"))
		buf_printf(&context->out, phrase(context, "It goes back in %lld seconds, unless somebody runs: sekisho confirm\n",
						 "%lld 秒以内に sekisho confirm を実行しなければ、元に戻ります。\n"),
			   (long long)json_integer_value(json_object_get(answer, "confirm_seconds")));
	if (strcmp(outcome->result, "committed") == 0)
		print_changes(context, json_object_get(answer, "changes"));
}

static int order(struct context *context, enum verb verb, const struct apply_options *options)
{
	const size_t first = options->dry_run ? 0 : DRY_OUTCOMES;

	return control_order(context, verb, make_request(context, options), outcomes + first, sizeof(outcomes) / sizeof(outcomes[0]) - first, print_changed);
}

int command_apply(struct context *context, int argc, char **argv)
{
	struct apply_options options;
	int status = parse_options(context, argc, argv, &options);

	return status ? status : order(context, VERB_APPLY, &options);
}

int command_confirm(struct context *context, int argc, char **argv)
{
	static const struct option known[] = { { "reason", required_argument, NULL, 'r' }, { NULL, 0, NULL, 0 } };
	struct apply_options options = { .reason = "" };
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", known, NULL)) == 'r')
		options.reason = optarg;
	if (option >= 0 || optind < argc || strlen(options.reason) > REASON_BYTES_MAX)
		return complain_usage(context, "confirm takes nothing but a reason of up to %d bytes", "confirm に指定できるのは %d バイト以内の理由だけです",
				      REASON_BYTES_MAX);
	return order(context, VERB_CONFIRM, &options);
}

int command_approve(struct context *context, int argc, char **argv)
{
	static const struct option known[] = { { "reason", required_argument, NULL, 'r' }, { NULL, 0, NULL, 0 } };
	struct apply_options options = { .reason = "" };
	size_t digits;
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", known, NULL)) == 'r')
		options.reason = optarg;
	if (option >= 0 || optind + 1 != argc || strlen(options.reason) > REASON_BYTES_MAX)
		return complain_usage(context, "approve needs the number that apply gave, and takes a reason of up to %d bytes",
				      "approve には、apply が示した番号を指定してください(理由は %d バイト以内)", REASON_BYTES_MAX);
	options.approves = argv[optind];
	digits = strspn(options.approves, "0123456789abcdef");
	if (options.approves[digits] != '\0' || digits < DIGEST_DIGITS_MIN || digits > DIGEST_DIGITS_MAX)
		return complain_usage(context, "approve: \"%s\" is not the beginning of a digest (at least %d hexadecimal digits)",
				      "approve: 「%s」は提案の番号(16 進数 %d 桁以上)ではありません", options.approves, DIGEST_DIGITS_MIN);
	return order(context, VERB_APPLY, &options);
}
