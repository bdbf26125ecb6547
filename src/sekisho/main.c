/*
 * sekisho: the command of the gateway. It reads a zone file, the live kernel, or asks the daemon; it changes nothing by itself.
 *
 *	sekisho [--lang ja|en] [--json] [--config FILE] [--socket PATH] COMMAND [...]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/width.h"
#include "sekisho/command.h"

static const struct command commands[] = {
	{ "check", command_check, "[FILE]", "check a zone file; needs neither root nor the daemon", "ゾーン定義ファイルを検査する(root も sekishod も不要)" },
	{ "plan", command_plan, "[FILE]", "what applying the file would change", "適用すると何が変わるかを表示する" },
	{ "apply", command_apply, "[--reason TEXT] [--force] [--dry-run]", "have the daemon apply its file, and wait for the result",
	  "sekishod に適用を指示し、結果を待つ" },
	{ "status", command_status, "", "what is in force", "現在の状態を表示する" },
	{ "flows", command_flows, "[FILE]", "the list of flows with their records", "通信許可の一覧(台帳)を表示する" },
	{ "show", command_show, "[--nft] [--file FILE]", "the rules in the kernel, or those of a file", "カーネルのルール、またはファイルから作られるルールを表示する" },
	{ "matrix", command_matrix, "[--file FILE]", "who may talk to whom", "ゾーン間で許可された通信の表を表示する" },
	{ "why", command_why, "SRC DST [PROTO [PORT]] [--live] [--file FILE]", "why a packet passes or does not", "ある通信が通る(通らない)理由を表示する" },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]), USAGE_COLUMN = 48 };

static int print_help(struct context *context)
{
	buf_puts(&context->out, phrase(context, "usage: sekisho [--lang ja|en] [--json] [--config FILE] [--socket PATH] COMMAND\n\n",
				       "使い方: sekisho [--lang ja|en] [--json] [--config ファイル] [--socket パス] コマンド\n\n"));
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const char *usage = arena_printf(context->arena, "  %s %s", commands[i].name, commands[i].arguments);

		buf_pad(&context->out, span_of(usage), USAGE_COLUMN);
		if (strlen(usage) >= USAGE_COLUMN) {
			buf_putc(&context->out, '\n');
			buf_pad(&context->out, span_of(""), USAGE_COLUMN);
		}
		buf_printf(&context->out, " %s\n", phrase(context, commands[i].en, commands[i].ja));
	}
	buf_printf(&context->out, phrase(context, "\nFILE is %s unless named. Exit status: 0 fine, 1 refused, 2 usage, 3 could not be done.\n",
					 "\nファイルを省略すると %s を使います。終了コード: 0 正常、1 拒否・指摘あり、2 使い方の誤り、3 実行できない。\n"),
		   context->config_path);
	return EXIT_FINE;
}

/* Letters that differ at the same place, and the difference in length: enough to find "chek" and "statsu". */
static size_t word_distance(const char *a, const char *b)
{
	size_t distance = 0, i;

	for (i = 0; a[i] && b[i]; i++)
		distance += a[i] != b[i];
	return distance + strlen(a + i) + strlen(b + i);
}

static int complain_unknown(struct context *context, const char *name)
{
	const struct command *nearest = &commands[0];

	for (size_t i = 1; i < COMMAND_COUNT; i++) {
		if (word_distance(commands[i].name, name) < word_distance(nearest->name, name))
			nearest = &commands[i];
	}
	return complain_usage(context, "there is no command \"%s\"; did you mean \"%s\"?", "「%s」というコマンドはありません。「%s」ではありませんか",
			      name, nearest->name);
}

static int run_command(struct context *context, int argc, char **argv)
{
	if (argc == 0 || strcmp(argv[0], "help") == 0) {
		print_help(context);
		return argc ? EXIT_FINE : EXIT_USAGE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(context, argc, argv);
	}
	return complain_unknown(context, argv[0]);
}

/* Reads the options before the command; returns false on one that is not known. */
static bool parse_options(struct context *context, int argc, char **argv)
{
	static const struct option options[] = {
		{ "lang", required_argument, NULL, 'l' }, { "json", no_argument, NULL, 'j' }, { "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	const char *language = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		if (option == 'l')
			language = optarg;
		else if (option == 'j')
			context->json = true;
		else if (option == 'c')
			context->config_path = optarg;
		else if (option == 's')
			context->socket_path = optarg;
		else if (option == 'h')
			optind = argc;
		else
			return false;
	}
	context->language = language_choose(language, getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"));
	return true;
}

int main(int argc, char **argv)
{
	struct context context = {
		.config_path = SEKISHO_CONFIG_PATH, .socket_path = SEKISHO_CONTROL_PATH, .arena = arena_new(), .now = time(NULL),
	};
	int status = EXIT_USAGE;

	opterr = 0;
	if (parse_options(&context, argc, argv))
		status = run_command(&context, argc - optind, argv + optind);
	else
		complain_usage(&context, "unknown option \"%s\"", "「%s」というオプションはありません", argv[optind - 1]);
	fwrite(context.out.data, 1, context.out.length, stdout);
	fwrite(context.complaint.data, 1, context.complaint.length, stderr);
	if (fflush(stdout) != 0 && status == EXIT_FINE)
		status = EXIT_UNABLE;
	buf_free(&context.out);
	buf_free(&context.complaint);
	arena_free(context.arena);
	return status;
}
