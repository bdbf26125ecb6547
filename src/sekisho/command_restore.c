/*
 * sekisho restore FILE [--dry-run] [--state-dir DIRECTORY]: brings what `sekisho backup` wrote to its places, on the same gateway or on another (restore.h). sekishod must
 * not run meanwhile: the rules in the kernel stay, and its next start puts the file in force.
 *
 * --json: {"result": "restored"|"dry-run"|"refused"|"failed", "fault", "member", "host", "time", "files", "aside", "same_machine", "isolates", "findings"}.
 * Exit status: 0 done, 1 the backup is refused, 3 it could not be done.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/trust.h"
#include "daemon/state.h"
#include "daemon/state_names.h"
#include "sekisho/control.h"
#include "sekisho/grid.h"
#include "sekisho/restore.h"
#include "wire/report.h"

struct restore_options {
	const char *file;
	const char *state_directory;
	bool dry_run;
};

static int parse_options(struct context *context, int argc, char **argv, struct restore_options *ret_options)
{
	static const struct option options[] = {
		{ "state-dir", required_argument, NULL, 's' }, { "dry-run", no_argument, NULL, 'd' }, { NULL, 0, NULL, 0 },
	};
	struct restore_options result = { .state_directory = SEKISHO_STATE_PATH };
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 's': result.state_directory = optarg; break;
		case 'd': result.dry_run = true; break;
		default: return complain_usage(context, "restore: unknown option, or one without its value",
				"restore: 知らないオプションか、値のないオプションがあります");
		}
	}
	if (optind + 1 != argc)
		return complain_usage(context, "restore needs the name of the backup", "restore にはバックアップのファイル名を一つ指定してください");
	result.file = argv[optind];
	*ret_options = result;
	return 0;
}

/* ---- refusing */

static const char *const fault_words[][3] = {
	[BACKUP_NO_ARCHIVE] = { "no-archive", "is no backup of sekisho, or is damaged or cut off", "関所のバックアップではないか、壊れているか、途中で切れています" },
	[BACKUP_CUT_OFF] = { "cut-off", "was cut off: its end is missing", "途中で切れています(末尾がありません)" },
	[BACKUP_STRANGE_MEMBER] = { "strange-member", "holds something that no backup of sekisho holds", "関所のバックアップにないはずのものを含んでいます" },
	[BACKUP_TOO_LARGE] = { "too-large", "is larger than any backup of sekisho", "関所のバックアップとしては大きすぎます" },
	[BACKUP_NEWER] = { "newer", "was written by a newer version of sekisho; install that one here first", "新しい版の sekisho で作成されたものです。先に同じ版を導入してください" },
	[BACKUP_NOT_AS_WRITTEN] = { "not-as-written", "is not what was written: a part was changed or is missing",
				    "作成時の内容と一致しません(一部が書き換えられたか、欠けています)" },
};

static int refuse_backup(struct context *context, const struct restore_options *options, enum backup_fault fault, const char *member)
{
	const char *const *words = fault_words[fault];

	if (context->json) {
		print_json(context, json_pack("{s:s, s:s, s:o}", "result", "refused", "fault", words[0], "member", json_visible(context, member)));
		return EXIT_REFUSED;
	}
	complain(context, "%s %s%s%s; nothing was changed. Take another backup", "%s は、%s%s%s。何も変更していません。別のバックアップを使ってください", options->file,
		 phrase(context, words[1], words[2]), member[0] ? ": " : "", member);
	return EXIT_REFUSED;
}

/* Whoever can write the backup decides what the gateway lets through: it must be as trustworthy as a zone file. */
static bool is_trusted(struct context *context, const struct restore_options *options)
{
	struct findings findings = findings_in(context->arena);

	if (source_trust(options->file, &findings) == 0)
		return true;
	for (size_t i = 0; i < findings.count; i++)
		finding_render(&context->complaint, &findings, &findings.items[i], context->language);
	return false;
}

static int complain_root(struct context *context)
{
	return complain(context, "only root may restore a backup; run this with sudo", "バックアップを復元できるのは root だけです。sudo を付けて実行してください");
}

static int complain_place(struct context *context, const struct restore *restore, int error)
{
	if (error == -EEXIST)
		return complain(context, "zones are isolated on this machine, and others in the backup of another; nothing was changed. Look at both, and either start sekishod "
				"and release them here (sekisho release), or remove %s/isolated", "この装置でもバックアップ元でもゾーンが遮断されており、内容が異なります。何も変更していません。両方を確認し、"
				"sekishod を起動して解除する(sekisho release)か、%s/isolated を削除してください", restore->state_directory);
	if (error == -EACCES || error == -EPERM)
		return complain_root(context);
	return complain(context, "the restore ended at %s: %s; mend that and run it again: nothing that was here is lost", "復元を %s で中断しました: %s。原因を取り除いて再実行してください"
			"(元のファイルは失われていません)", restore->failed ? restore->failed : restore->staging, strerror(-error));
}

/* ---- telling */

static void tell_json(struct context *context, const struct restore_options *options, const struct restore *restore, const struct generation *generation)
{
	print_json(context, json_pack("{s:s, s:o, s:I, s:I, s:s, s:b, s:b, s:o}", "result", options->dry_run ? "dry-run" : "restored", "host",
				      json_visible(context, restore->content->about.host), "time", (json_int_t)restore->content->about.time, "files",
				      (json_int_t)restore->placed, "aside", restore->aside, "same_machine", restore->same_machine, "isolates", restore->isolates, "findings",
				      findings_to_json(&generation->findings)));
}

static void tell_records(struct context *context, const struct restore *restore)
{
	if (restore->same_machine)
		buf_puts(&context->out, phrase(context, "The journal here is the one of the backup, or goes on where that ends: it stays, with the record of refusals and what is isolated.\n",
					       "この装置の操作の記録はバックアップの続きです。操作の記録、遮断の記録、遮断中のゾーンは、この装置のものを残します。\n"));
	if (restore->isolates)
		buf_puts(&context->out, phrase(context, "Zones were isolated when the backup was made, and are isolated again (sekisho status).\n",
					       "バックアップの時点で遮断されていたゾーンは、引き続き遮断されます(sekisho status)。\n"));
	if (restore->aside[0])
		buf_printf(&context->out, phrase(context, "What was here before: %s\n", "元のファイルの保管先: %s\n"), restore->aside);
}

static void tell(struct context *context, const struct restore_options *options, const struct restore *restore, const struct generation *generation)
{
	const struct backup_about *about = &restore->content->about;

	buf_printf(&context->out, phrase(context, "The backup of %s, made %s: %zu members, all as they were written.\n", "%s のバックアップ(%s 作成、%zu ファイル)。内容は作成時のままです。\n"),
		   visible_text(context->arena, span_of(about->host)), time_words(context, about->time), restore->content->member_count);
	print_findings(context, generation);
	if (generation->findings.errors > 0)
		buf_puts(&context->out, phrase(context, "Its zone file has errors: until they are mended, the text that was in force last is in force.\n",
					       "ゾーン定義ファイルに誤りがあります。直すまでは、最後に有効だった設定で動作します。\n"));
	tell_records(context, restore);
	buf_puts(&context->out, options->dry_run ? phrase(context, "Nothing was changed.\n", "まだ何も変更していません。\n")
						 : phrase(context, "Restored. Next: sekisho check, then systemctl start sekishod\n",
							  "復元しました。次に sekisho check で確認し、systemctl start sekishod で起動してください。\n"));
}

/* ---- the whole */

/* The next start of sekishod has it in the journal (R24). */
static int note_keep(struct context *context, const struct restore_options *options, const struct restore *restore)
{
	const char *text = arena_printf(context->arena, "%s\nmade on %s at Unix time %lld\nby user %u\n", visible_text(context->arena, span_of(options->file)),
					visible_text(context->arena, span_of(restore->content->about.host)), (long long)restore->content->about.time, (unsigned int)getuid());

	return state_keep(options->state_directory, STATE_RESTORED_NAME, span_of(text));
}

static int finish(struct context *context, const struct restore_options *options, struct restore *restore)
{
	const char *config = arena_printf(context->arena, "%s/" BACKUP_CONFIG "%s", restore->staging, restore->content->about.config);
	const struct generation *generation = load_offline(context, config);
	int error = restore_look(restore);

	if (!error && !options->dry_run)
		error = restore_place(restore, context->now);
	if (!error && !options->dry_run)
		error = note_keep(context, options, restore);
	if (error)
		return complain_place(context, restore, error);
	if (context->json)
		tell_json(context, options, restore, generation);
	else
		tell(context, options, restore, generation);
	return EXIT_FINE;
}

static int unpack_and_finish(struct context *context, const struct restore_options *options, int file, const char *staging)
{
	struct backup_content content = { .member_count = 0 };
	struct restore restore = { .arena = context->arena, .staging = staging, .state_directory = options->state_directory, .config_path = context->config_path,
				   .content = &content };
	enum backup_fault fault = BACKUP_SOUND;
	const char *member = "";
	int error = backup_unpack(context->arena, file, staging, &content, &fault, &member);

	if (error == -EBADMSG)
		return refuse_backup(context, options, fault, member);
	return error ? complain_place(context, &restore, error) : finish(context, options, &restore);
}

static int restore_by(struct context *context, const struct restore_options *options, int file)
{
	char *staging = arena_printf(context->arena, "%s/restore.XXXXXX", options->state_directory);
	int status;

	if ((mkdir(options->state_directory, 0711) != 0 && errno != EEXIST) || !mkdtemp(staging))
		return errno == EACCES || errno == EPERM
			? complain_root(context)
			: complain(context, "the state directory %s cannot be written: %s", "状態ディレクトリー %s に書き込めません: %s", options->state_directory, strerror(errno));
	status = unpack_and_finish(context, options, file, staging);
	restore_tidy(staging);
	return status;
}

int command_restore(struct context *context, int argc, char **argv)
{
	struct restore_options options = { .file = NULL };
	int status = parse_options(context, argc, argv, &options), file;

	if (status)
		return status;
	setlocale(LC_CTYPE, "C.UTF-8");
	if (!options.dry_run && control_is_answered(context))
		return complain(context, "sekishod is running and keeps files that would be replaced; stop it first (the rules stay): systemctl stop sekishod",
				"sekishod が動作中です。先に systemctl stop sekishod で停止してください(ルールは有効のままです)");
	if (!is_trusted(context, &options))
		return EXIT_REFUSED;
	file = open(options.file, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return complain(context, "%s could not be read: %s", "%s を読み込めませんでした: %s", options.file, strerror(errno));
	status = restore_by(context, &options, file);
	close(file);
	return status;
}
