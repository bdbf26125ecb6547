/*
 * sekisho show [--nft] [--file FILE]: the rules as nft text, from the kernel or from a file; without --nft the
 * file in canonical form.
 *
 * It prints texts that other programs read back, so there is no JSON, and everything else goes to stderr.
 */
#include <getopt.h>

#include "config/reader.h"
#include "ruleset/diff.h"
#include "ruleset/show.h"
#include "sekisho/command.h"

static void complain_findings(struct context *context, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		finding_render(&context->complaint, findings, &findings->items[i], context->language);
}

static int show_settings(struct context *context, const char *path)
{
	struct findings findings = findings_in(context->arena);
	struct settings *settings;
	int error = settings_read(context->arena, path, &findings, &settings);

	complain_findings(context, &findings);
	if (error)
		return EXIT_REFUSED;
	settings_print(&context->out, settings);
	return findings.errors ? EXIT_REFUSED : EXIT_FINE;
}

static int show_file(struct context *context, const char *path)
{
	const struct generation *generation = load_offline(context, path);

	if (!generation->compiled.ruleset) {
		complain_findings(context, &generation->findings);
		return EXIT_REFUSED;
	}
	/* What an empty kernel would be given. */
	ruleset_show(&context->out, ruleset_diff(context->arena, NULL, generation->compiled.ruleset).target, context->now);
	return EXIT_FINE;
}

/* What is in our tables but is not of our kind is said on stderr: the text alone would hide it. */
static int show_live(struct context *context)
{
	struct live live;
	int error = live_read(context, &live);

	if (error)
		return error;
	if (!live.snapshot.ruleset)
		return complain(context, "the kernel holds no rules of sekisho",
				"カーネルに関所のルールはありません");
	ruleset_show(&context->out, live.snapshot.ruleset, context->now);
	for (size_t i = 0; i < live.snapshot.alien_count; i++)
		complain(context, "foreign: %s: %s",
				"関所のものではありません: %s: %s", live.snapshot.aliens[i].where, live.snapshot.aliens[i].what);
	return live.snapshot.alien_count ? EXIT_REFUSED : EXIT_FINE;
}

int command_show(struct context *context, int argc, char **argv)
{
	static const struct option options[] = {
		{ "nft", no_argument, NULL, 'n' }, { "file", required_argument, NULL, 'f' }, { NULL, 0, NULL, 0 },
	};
	const char *path = NULL;
	bool nft = false;
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'n')
			nft = true;
		else if (option == 'f')
			path = optarg;
		else
			return complain_usage(context, "show: unknown option", "show: 知らないオプションです");
	}
	if (optind < argc)
		return complain_usage(context, "show: unexpected word \"%s\"",
				"show: 余分な語「%s」があります", argv[optind]);
	if (context->json)
		return complain_usage(context, "show has no JSON form", "show に JSON 形式はありません");
	if (!nft)
		return show_settings(context, path ? path : context->config_path);
	return path ? show_file(context, path) : show_live(context);
}
