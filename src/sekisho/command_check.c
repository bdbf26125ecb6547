/*
 * sekisho check [FILE]: every mistake of a zone file in one run, without root and without the daemon.
 *
 * --json: {"file", "errors", "warnings", "findings" (wire/report.h)}.
 */
#include "sekisho/command.h"
#include "wire/report.h"

static size_t count_warnings(const struct findings *findings)
{
	size_t warnings = 0;

	for (size_t i = 0; i < findings->count; i++)
		warnings += findings->items[i].kind->severity == SEVERITY_WARNING;
	return warnings;
}

static size_t count_closed(const struct policy *policy)
{
	size_t closed = 0;

	for (size_t i = 0; i < policy->flow_count; i++)
		closed += policy->flows[i].expired;
	return closed;
}

static void print_verdict(struct context *context, const struct generation *generation)
{
	const struct findings *findings = &generation->findings;

	if (findings->errors > 0)
		buf_printf(&context->out,
			   phrase(context, "errors: %zu, warnings: %zu. This file would be refused; what is in force would stay.\n",
				  "エラー %zu 件、警告 %zu 件: このファイルは適用されません(適用中の設定はそのまま残ります)。\n"),
			   findings->errors, count_warnings(findings));
	else
		buf_printf(&context->out,
			   phrase(context, "No errors, warnings: %zu. Zones: %zu, flows: %zu, closed because their record has expired: %zu.\n",
				  "エラーなし、警告 %zu 件: ゾーン %zu、通信許可 %zu(うち期限切れで閉鎖 %zu)。\n"),
			   count_warnings(findings), generation->policy->zone_count, generation->policy->flow_count,
			   count_closed(generation->policy));
}

int command_check(struct context *context, int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : context->config_path;
	const struct generation *generation;

	if (argc > 1 && argv[1][0] == '-')
		return complain_usage(context, "check: unknown option", "check: 知らないオプションです");
	if (argc > 2)
		return complain_usage(context, "check takes one file", "check に指定できるファイルは一つです");
	context->prove = true;
	generation = load_offline(context, path);
	if (context->json) {
		print_json(context, json_pack("{s:o, s:I, s:I, s:o}", "file", json_visible(context, path), "errors", (json_int_t)generation->findings.errors, "warnings",
					      (json_int_t)count_warnings(&generation->findings), "findings",
					      findings_to_json(&generation->findings)));
	} else {
		print_findings(context, generation);
		print_verdict(context, generation);
	}
	return generation->findings.errors > 0 ? EXIT_REFUSED : EXIT_FINE;
}
