/*
 * sekisho: the command of the gateway. It reads a zone file, the live kernel, or asks the daemon. By itself it changes
 * nothing but what `restore` brings back, while no daemon runs.
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

#define OPTION_FILE { "--file FILE", "another file than the default", "既定以外のファイルを使う" }

static const struct command commands[] = {
	{ "check", command_check, "[FILE]", "check a zone file; needs neither root nor the daemon",
	  "ゾーン定義ファイルを検査する(root も sekishod も不要)", {} },
	{ "plan", command_plan, "[FILE]", "what applying the file would change (root)",
	  "適用すると何が変わるかを表示する(root)", {} },
	{ "apply", command_apply, "[--reason TEXT] [--force] [--break NAME] [--dry-run] [--confirm TIME]", "have the daemon apply its file, and wait for the result",
	  "sekishod に適用を指示し、結果を待つ",
	  {
		  { "--reason TEXT", "why it is changed, for the record", "変更の理由(記録に残る)" },
		  { "--force", "even if it cuts the connection this is typed over",
		  "いま操作している接続が切れる変更でも適用する" },
		  { "--break NAME", "even if it stops this flow, which must not stop", "止めてはならない通信のうち、この名前のものは止めてよい" },
		  { "--dry-run", "say what would happen, and change nothing", "結果だけを調べ、何も変更しない" },
		  { "--confirm TIME", "goes back unless confirmed within this time (60s, 10m)", "この時間(60s、10m など)内に確認しなければ元に戻す" },
		  { "--any-terminal", "any connection to the gateway may be yours (systemctl reload)",
		  "関所への接続をすべて操作中のものとみなす(systemctl reload 用)" },
	  } },
	{ "confirm", command_confirm, "[--reason TEXT]", "what was applied with --confirm is for good", "--confirm で適用した変更を確定する",
	  { { "--reason TEXT", "why, for the record", "理由(記録に残る)" } } },
	{ "approve", command_approve, "DIGEST [--reason TEXT]", "put in force what somebody else proposed (two_person)", "別の職員が提案した変更を承認して適用する(two_person)",
	  { { "DIGEST", "the number that apply gave", "apply が示した番号" }, { "--reason TEXT", "why, for the record", "理由(記録に残る)" } } },
	{ "isolate", command_isolate, "ZONE [--except NAME]... [--reason TEXT] [--drill]", "cut a zone off now, with its running connections",
	  "ゾーンを直ちに遮断する(続いている接続も切る)",
	  {
		  { "ZONE", "its name; '*' is every zone", "ゾーン名。'*' はすべてのゾーン" },
		  { "--except NAME", "a flow or service that goes on, besides those of life safety; may be repeated",
		  "life_safety のもののほかに通す通信許可・サービス(複数指定可)" },
		  { "--reason TEXT", "why, for the record", "理由(記録に残る)" },
		  { "--drill", "say what would go on, and cut nothing", "訓練: 通り続けるものを示すだけで、遮断しない" },
	  } },
	{ "release", command_release, "ZONE [--reason TEXT]", "end the isolation of a zone", "ゾーンの遮断を解除する",
	  { { "--reason TEXT", "why, for the record", "理由(記録に残る)" } } },
	{ "status", command_status, "", "what is in force", "現在の状態を表示する",
	  { { "--events FILE", "another database of refusals than the default", "既定以外の遮断の記録を使う" } } },
	{ "flows", command_flows, "[--live] [FILE]", "the list of flows with their records",
	  "通信許可の一覧(台帳)を表示する",
	  { { "--live", "ask the kernel which of them are open (root)",
	  "実際に有効かどうかをカーネルに確かめる(root)" } } },
	{ "show", command_show, "[--nft] [--file FILE]", "the file in canonical form; --nft: the rules as nft text",
	  "ファイルを整形して表示する(--nft でルールを nft 形式で表示)",
	  {
		  { "--nft", "the rules: those in the kernel (root), or with --file those of the file",
		  "ルールを表示する(カーネルのルール(root)。--file ではファイルから作られるルール)" },
		  OPTION_FILE,
	  } },
	{ "verify", command_verify, "[--file FILE]", "prove the law on the rules in the kernel (root)",
	  "カーネルのルールが規律を守っていることを証明する(root)", { OPTION_FILE } },
	{ "matrix", command_matrix, "[--live] [--file FILE]", "who may talk to whom",
	  "ゾーン間で許可された通信の表を表示する",
	  { { "--live", "what the kernel lets pass, instead of what the file says (root)",
	  "ファイルではなく、カーネルのルールから作る(root)" }, OPTION_FILE } },
	{ "why", command_why, "SRC DST [PROTO [PORT]] [--live] [--file FILE]", "why a packet passes or does not",
	  "ある通信が通る(通らない)理由を表示する",
	  {
		  { "--live", "by the rules in the kernel (root)", "カーネルのルールで判定する(root)" },
		  OPTION_FILE,
		  { "--from-mac MAC", "the sender's MAC address, if not the declared one",
		  "送信元の MAC アドレス(定義と違う場合)" },
		  { "--iif NAME", "the interface it comes by, if not that of its zone",
		  "入ってくるインターフェース(ゾーンのものと違う場合)" },
		  { "--trail", "print each rule that decided", "判定したルールを順に表示する" },
		  { "--batch FILE", "one probe per line, key=value; expect=pass|refuse is checked (\"-\": standard input)",
		    "一行に一つの問い(キー=値)を読む。expect=pass|refuse があれば照合する(\"-\" は標準入力)" },
	  } },
	{ "journal", command_journal, "[verify] [--since DAY] [--head HEX] [--dir DIRECTORY]", "what was done; verify: whether the record is whole (root)",
	  "操作の記録を表示する(verify で改ざんを検査する。root)",
	  {
		  { "--since DAY", "from this day on (2027-03-31)", "この日以降(2027-03-31 など)" },
		  { "--head HEX", "verify: a head of the chain that was kept elsewhere must be in it",
		  "verify で、別に控えたチェーンの先端が含まれることを確かめる" },
		  { "--dir DIRECTORY", "another journal than that of this machine", "この装置以外の記録を読む" },
	  } },
	{ "refusals", command_refusals, "[-f] [--zone NAME] [--since TIME]", "what was refused, and what to do about it (root)",
	  "遮断した通信の記録と、次にすることを表示する(root)",
	  {
		  { "-f", "go on and print what is refused from now on", "これから遮断する通信を表示し続ける" },
		  { "--zone NAME", "only what came from or went to this zone, or \"gateway\"", "送信元か宛先がこのゾーン(または gateway)のもの" },
		  { "--since TIME", "a day (2027-03-31), or so long ago (30m, 12h, 7d); today if not given",
		    "いつ以降か。日付(2027-03-31、令和9年3月31日)か、さかのぼる長さ(30m、12h、7d)。省略すると今日" },
		  { "--limit N", "so many rows of detail (50); 0: all", "詳しい記録の件数(50)。0 ですべて" },
		  { "--events FILE", "another database than the default", "既定以外のデータベースを使う" },
	  } },
	{ "report", command_report, "[--public] [--since DAY]", "what an auditor asks for, and a sheet for the self-inspection (root)",
	  "監査報告と、自己点検の点検表を作る(root)",
	  {
		  { "--public", "without addresses, hosts and flows", "公開用。アドレス、ホスト、通信許可を載せない" },
		  { "--since DAY", "records from this day on; if not given, of this fiscal year", "この日以降の記録(省略すると今年度)" },
		  { "--state-dir DIRECTORY", "another state directory than the default", "既定以外の状態ディレクトリーを使う" },
	  } },
	{ "backup", command_backup, "FILE [--state-dir DIRECTORY]", "write file, state and records of this gateway to one file (root)",
	  "この装置の設定・状態・記録を一つのファイルに保存する(root)",
	  { { "FILE", "\"-\": standard output", "「-」は標準出力" },
	    { "--state-dir DIRECTORY", "another state directory than the default", "既定以外の状態ディレクトリーを使う" } } },
	{ "restore", command_restore, "FILE [--dry-run] [--state-dir DIRECTORY]", "bring a backup to its places, here or on a new machine (root)",
	  "バックアップを復元する(同じ装置でも新しい装置でも。root)",
	  { { "--dry-run", "look whether it is sound, and change nothing", "内容を確かめるだけで、何も変更しない" },
	    { "--state-dir DIRECTORY", "another state directory than the default", "既定以外の状態ディレクトリーを使う" } } },
	{ "wash", command_wash, "FILE [--links STYLE]", "a mail as its reader on the LGWAN side will see it",
	  "メールを、LGWAN 側の受信者に届く形で表示する",
	  {
		  { "FILE", "\"-\": standard input", "「-」は標準入力" },
		  { "--links STYLE", "how addresses are made harmless: hxxp (default), brackets, host",
		  "リンクを無効にする表記: hxxp(既定)、brackets、host" },
	  } },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]), USAGE_COLUMN = 48, OPTION_COLUMN = 18 };

static void print_help(struct context *context)
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
	buf_printf(&context->out, phrase(context,
		"\nFILE is %s unless named. More about a command: sekisho help COMMAND\n"
		"Exit status: 0 fine, 1 refused or something found, 2 usage, 3 could not be done.\n",
		"\nファイルを省略すると %s を使います。コマンドの説明: sekisho help コマンド\n"
		"終了コード: 0 正常、1 拒否・指摘あり、2 使い方の誤り、3 実行できない。\n"), context->config_path);
}

static void print_command_help(struct context *context, const struct command *command)
{
	buf_printf(&context->out, "%s sekisho %s%s%s\n%s\n", phrase(context, "usage:",
			"使い方:"), command->name, command->arguments[0] ? " " : "",
		   command->arguments, phrase(context, command->en, command->ja));
	for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].name; i++) {
		buf_puts(&context->out, "  ");
		buf_pad(&context->out, span_of(command->options[i].name), OPTION_COLUMN);
		buf_printf(&context->out, "%s\n", phrase(context, command->options[i].en, command->options[i].ja));
	}
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
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
	return complain_usage(context, "there is no command \"%s\"; did you mean \"%s\"?",
			"「%s」というコマンドはありません。「%s」ではありませんか",
			      name, nearest->name);
}

static int run_help(struct context *context, int argc, char **argv)
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

	if (argc > 1 && !command)
		return complain_unknown(context, argv[1]);
	if (command)
		print_command_help(context, command);
	else
		print_help(context);
	return EXIT_FINE;
}

/* True when one of the words asks how the command is used. */
static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

/* --json is taken behind the command as well: that is where people put it. Returns how many words are left. */
static int take_json(struct context *context, int argc, char **argv)
{
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		if (i > 0 && strcmp(argv[i], "--json") == 0)
			context->json = true;
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	return kept;
}

static int run_command(struct context *context, int argc, char **argv)
{
	const struct command *command;

	argc = take_json(context, argc, argv);
	if (argc == 0) {
		print_help(context);
		return EXIT_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return run_help(context, argc, argv);
	command = find_command(argv[0]);
	if (!command)
		return complain_unknown(context, argv[0]);
	if (wants_help(argc, argv)) {
		print_command_help(context, command);
		return EXIT_FINE;
	}
	context->command = command->name;
	return command->run(context, argc, argv);
}

/* The options that stand before the command. */
struct main_options {
	const char *language;
	bool help;
	const char *unknown, *valueless; /* the word that is wrong, or NULL */
};

static struct main_options parse_options(struct context *context, int argc, char **argv)
{
	static const struct option options[] = {
		{ "lang", required_argument, NULL, 'l' }, { "json", no_argument, NULL, 'j' },
		{ "config", required_argument, NULL, 'c' }, { "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct main_options result = { .language = NULL };
	int option;

	opterr = 0;
	while (!result.unknown && !result.valueless && (option = getopt_long(argc, argv, "+:", options, NULL)) >= 0) {
		switch (option) {
		case 'l': result.language = optarg; break;
		case 'j': context->json = true; break;
		case 'c': context->config_path = optarg; break;
		case 's': context->socket_path = optarg; break;
		case 'h': result.help = true; break;
		case ':': result.valueless = argv[optind - 1]; break;
		default: result.unknown = argv[optind - 1];
		}
	}
	context->language = language_choose(result.language, getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"));
	return result;
}

static bool is_language(const char *word)
{
	return strcmp(word, "ja") == 0 || strcmp(word, "en") == 0;
}

static int run(struct context *context, int argc, char **argv)
{
	struct main_options options = parse_options(context, argc, argv);

	if (options.unknown)
		return complain_usage(context, "there is no option \"%s\"", "「%s」というオプションはありません", options.unknown);
	if (options.valueless)
		return complain_usage(context, "the option \"%s\" needs a value", "オプション「%s」には値が必要です", options.valueless);
	if (options.language && !is_language(options.language))
		return complain_usage(context, "the languages are ja and en, not \"%s\"", "言語は ja か en です。「%s」は使えません",
				      options.language);
	if (options.help)
		return run_help(context, 0, NULL);
	return run_command(context, argc - optind, argv + optind);
}

/* False when not everything could be written: half an answer is none. */
static bool flush(struct context *context)
{
	bool written = fwrite(buf_text(&context->out), 1, context->out.length, stdout) == context->out.length && fflush(stdout) == 0;

	fwrite(buf_text(&context->complaint), 1, context->complaint.length, stderr);
	return written;
}

int main(int argc, char **argv)
{
	struct context context = {
		.config_path = SEKISHO_CONFIG_PATH, .socket_path = SEKISHO_CONTROL_PATH, .arena = arena_new(), .now = time(NULL),
	};
	int status = run(&context, argc, argv);

	if (!flush(&context) && status == EXIT_FINE)
		status = EXIT_UNABLE;
	context_free(&context);
	return status;
}
