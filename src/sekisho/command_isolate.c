/*
 * sekisho isolate ZONE [--except NAME]... [--reason TEXT] [--drill]: has the daemon cut a zone off now.
 * sekisho release ZONE [--reason TEXT]: ends that.
 *
 * --json prints the daemon's answer as it is: {"result", "zone", "interfaces", "keeps", "findings"}; result is isolated, released, drill, refused,
 * busy or failed. Exit status: 0 done, 1 refused, 3 it could not be done or is not known.
 */
#include <getopt.h>
#include <string.h>

#include "ruleset/isolation.h"
#include "sekisho/control.h"
#include "sekisho/grid.h"
#include "wire/report.h"

struct isolate_options {
	const char *zone;
	const char *reason;
	const char *except[ISOLATION_EXCEPT_MAX];
	size_t except_count;
	bool drill;
};

static int add_exception(struct context *context, struct isolate_options *options, const char *name)
{
	if (options->except_count == ISOLATION_EXCEPT_MAX)
		return complain_usage(context, "isolate: more than %d exceptions", "isolate: 例外は %d 個までです", ISOLATION_EXCEPT_MAX);
	options->except[options->except_count++] = name;
	return 0;
}

static int take_zone(struct context *context, int argc, char **argv, struct isolate_options *options)
{
	if (optind + 1 != argc)
		return complain_usage(context, "%s needs the name of one zone", "%s にはゾーン名を一つ指定してください", argv[0]);
	options->zone = argv[optind];
	if (strlen(options->reason) > ISOLATION_REASON_BYTES_MAX)
		return complain_usage(context, "the reason is longer than %d bytes", "理由は %d バイト以内で指定してください", ISOLATION_REASON_BYTES_MAX);
	return 0;
}

/* release knows the reason alone. */
static int parse_options(struct context *context, bool release, int argc, char **argv, struct isolate_options *ret_options)
{
	static const struct option options[] = {
		{ "reason", required_argument, NULL, 'r' }, { "except", required_argument, NULL, 'e' }, { "drill", no_argument, NULL, 'd' }, { NULL, 0, NULL, 0 },
	};
	static const struct option release_options[] = { { "reason", required_argument, NULL, 'r' }, { NULL, 0, NULL, 0 } };
	struct isolate_options result = { .reason = "" };
	int option, status = 0;

	optind = 0;
	while (!status && (option = getopt_long(argc, argv, "", release ? release_options : options, NULL)) >= 0) {
		switch (option) {
		case 'r': result.reason = optarg; break;
		case 'e': status = add_exception(context, &result, optarg); break;
		case 'd': result.drill = true; break;
		default: return complain_usage(context, "%s: unknown option, or one without its value",
				"%s: 知らないオプションか、値のないオプションがあります", argv[0]);
		}
	}
	if (!status)
		status = take_zone(context, argc, argv, &result);
	*ret_options = result;
	return status;
}

static json_t *make_request(struct context *context, bool release, const struct isolate_options *options)
{
	json_t *request = json_pack("{s:o, s:o}", "zone", json_visible(context, options->zone), "reason", json_visible(context, options->reason));
	json_t *except = json_array();

	for (size_t i = 0; i < options->except_count; i++)
		json_array_append_new(except, json_visible(context, options->except[i]));
	if (release) {
		json_decref(except);
		return request;
	}
	json_object_set_new(request, "except", except);
	json_object_set_new(request, "drill", json_boolean(options->drill));
	return request;
}

static const struct control_outcome outcomes[] = {
	{ "isolated", EXIT_FINE, "Isolated: nothing goes into or out of the zone any more but what is named here.",
	  "遮断しました。ここに示すもののほかは、ゾーンに出入りできません。" },
	{ "released", EXIT_FINE, "Released: what is in force decides again.", "遮断を解除しました。有効な設定どおりに通します。" },
	{ "drill", EXIT_FINE, "A drill: nothing was cut off. This is what would go on.", "訓練です。遮断していません。遮断中に通るものは次のとおりです。" },
	{ "refused", EXIT_REFUSED, "Nothing was changed.", "何も変更していません。" },
	{ "busy", EXIT_UNABLE, "Another order is being carried out: nothing was done. Try again in a moment.",
	  "ほかの指示を処理中のため、何もしていません。少し待ってから再実行してください。" },
	{ "failed", EXIT_UNABLE, "It could not be done. See what is in force: sekisho status",
	  "実行できませんでした。現在の状態は sekisho status で確認してください。" },
};

static void print_zone(struct context *context, const struct control_outcome *outcome, const json_t *answer)
{
	const json_t *keeps = json_object_get(answer, "keeps"), *name;
	size_t i;

	if (outcome->status != EXIT_FINE)
		return;
	buf_printf(&context->out, phrase(context, "  interfaces cut off: %lld\n", "  遮断中のインターフェース: %lld\n"),
		   (long long)json_integer_value(json_object_get(answer, "interfaces")));
	json_array_foreach(keeps, i, name)
		if (json_is_string(name))
			buf_printf(&context->out, phrase(context, "  goes on: %s\n", "  通し続けるもの: %s\n"),
				   visible_text(context->arena, span_of(json_string_value(name))));
}

static int order(struct context *context, bool release, int argc, char **argv)
{
	struct isolate_options options = { .reason = "" };
	int status = parse_options(context, release, argc, argv, &options);

	if (status)
		return status;
	return control_order(context, release ? VERB_RELEASE : VERB_ISOLATE, make_request(context, release, &options), outcomes,
			     sizeof(outcomes) / sizeof(outcomes[0]), print_zone);
}

int command_isolate(struct context *context, int argc, char **argv)
{
	return order(context, false, argc, argv);
}

int command_release(struct context *context, int argc, char **argv)
{
	return order(context, true, argc, argv);
}
