/*
 * sekisho backup FILE [--state-dir DIRECTORY]: all that a gateway is made from, in one file (backup.h): the zone file and what it includes, and of the state
 * directory the text in force, the isolated zones, the newest time, the journal and the record of refusals. The daemon may run meanwhile. "-" is the standard output.
 *
 * Not in it: what sekishod finds out by itself when it starts, an apply that waits to be confirmed, and the original mails, which do not leave the Internet side.
 *
 * --json: {"result", "file", "members", "bytes", "config", "journal_files", "missing"}. Exit status: 0 fine, 1 written, but something could not be read, 3 not written.
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

#include "config/expand.h"
#include "daemon/state_names.h"
#include "events/events.h"
#include "sekisho/backup.h"
#include "sekisho/command.h"
#include "sekisho/grid.h"
#include "sekisho/journal_files.h"

struct backup_options {
	const char *file;
	const char *state_directory;
};

/* A backup that is being made. */
struct making {
	struct context *context;
	const struct backup_options *options;
	struct backup *backup;
	const char *config_name;	/* of the zone file, below its directory */
	size_t members;
	uint64_t bytes;
	size_t journal_files;
	bool missing;			/* something could not be read, and was complained about */
};

static int parse_options(struct context *context, int argc, char **argv, struct backup_options *ret_options)
{
	static const struct option options[] = { { "state-dir", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
	struct backup_options result = { .state_directory = SEKISHO_STATE_PATH };
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) == 's')
		result.state_directory = optarg;
	if (option >= 0)
		return complain_usage(context, "backup: unknown option, or one without its value", "backup: 知らないオプションか、値のないオプションがあります");
	if (optind + 1 != argc)
		return complain_usage(context, "backup needs the name of the file to write, or - for the standard output",
				      "backup には書き出すファイル名を一つ指定してください(- は標準出力)");
	result.file = argv[optind];
	*ret_options = result;
	return 0;
}

/* ---- members */

static void member_done(struct making *making, uint64_t bytes)
{
	making->members++;
	making->bytes += bytes;
}

static int span_take(struct making *making, const char *name, struct span bytes)
{
	int error = backup_put(making->backup, name, bytes);

	if (!error)
		member_done(making, bytes.length);
	return error;
}

static int file_take(struct making *making, const char *name, int file, uint64_t length)
{
	int error = backup_put_file(making->backup, name, file, length);

	if (!error)
		member_done(making, length);
	return error;
}

/* A file as long as it is now; one that is not there is left out. */
static int path_take(struct making *making, const char *name, const char *path)
{
	int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), error;
	struct stat status;

	if (file < 0)
		return errno == ENOENT ? 0 : -errno;
	error = fstat(file, &status) != 0 ? -errno : file_take(making, name, file, (uint64_t)status.st_size);
	close(file);
	return error;
}

/* ---- the zone file */

static const char *behind_last_slash(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What is included lies in the directory of the zone file or below (config/expand.h). */
static const char *config_member(struct making *making, const char *path)
{
	size_t directory = (size_t)(making->config_name - making->context->config_path);
	bool below = strlen(path) > directory && strncmp(path, making->context->config_path, directory) == 0;

	return arena_printf(making->context->arena, BACKUP_CONFIG "%s", below ? path + directory : behind_last_slash(path));
}

/* As it was written, mistakes and all. */
static int config_take(struct making *making)
{
	struct context *context = making->context;
	struct findings findings = findings_in(context->arena);
	struct expansion expansion = { .sources = NULL };
	int error = 0;

	making->config_name = behind_last_slash(context->config_path);
	making->missing = expansion_read(context->arena, context->config_path, &findings, &expansion) != 0 || findings.errors > 0;
	for (size_t i = 0; i < findings.count; i++)
		finding_render(&context->complaint, &findings, &findings.items[i], context->language);
	for (size_t i = 0; !error && i < expansion.source_count; i++) {
		const struct source *source = &expansion.sources[i];

		error = span_take(making, config_member(making, source->path), (struct span){ .data = source->text, .length = source->length });
	}
	expansion_free(&expansion);
	return error;
}

/* ---- the state */

static int journal_take(struct making *making)
{
	struct arena *arena = making->context->arena;
	const char *directory = arena_printf(arena, "%s/journal", making->options->state_directory);
	const char *const *names;
	int error = journal_files(arena, directory, &names, &making->journal_files);

	if (error)
		return error == -ENOENT ? 0 : error;
	for (size_t i = 0; !error && i < making->journal_files; i++)
		error = path_take(making, arena_printf(arena, BACKUP_STATE STATE_JOURNAL_DIRECTORY "/%s", names[i]), arena_printf(arena, "%s/%s", directory, names[i]));
	return error;
}

/* A copy of the database as it is at this moment, in a directory that nobody else reaches. */
static int events_take_by(struct making *making, struct events *events, const char *directory)
{
	const char *copy = arena_printf(making->context->arena, "%s/" EVENTS_FILE, directory);
	int error = events_copy(events, copy);

	if (!error)
		error = path_take(making, BACKUP_STATE STATE_EVENTS_DIRECTORY "/" EVENTS_FILE, copy);
	(void)unlink(copy);
	return error;
}

static int events_take(struct making *making)
{
	struct arena *arena = making->context->arena;
	char *directory = arena_printf(arena, "%s/backup.XXXXXX", making->options->state_directory);
	struct events *events;
	int error = events_open_reading(arena_printf(arena, "%s/" STATE_EVENTS_DIRECTORY "/" EVENTS_FILE, making->options->state_directory), &events);

	if (error)
		return error;
	if (mkdtemp(directory)) {
		error = events_take_by(making, events, directory);
		(void)rmdir(directory);
	} else {
		error = -errno;
	}
	events_close(events);
	return error;
}

/* The record of refusals is no reason to have no backup of the rest. */
static int events_take_or_miss(struct making *making)
{
	int error = events_take(making);

	if (error != -EBADMSG && error != -EBUSY)
		return error == -ENOENT ? 0 : error;
	making->missing = true;
	complain(making->context, "the record of refusals is damaged or locked and is not in the backup: %s",
		 "遮断の記録が壊れているか使用中のため、バックアップに含まれていません: %s", strerror(-error));
	return 0;
}

static int state_take(struct making *making)
{
	static const char *const names[] = { STATE_LAST_GOOD_NAME, STATE_ISOLATED_NAME, STATE_NEWEST_NAME };
	struct arena *arena = making->context->arena;
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(names) / sizeof(names[0]); i++)
		error = path_take(making, arena_printf(arena, BACKUP_STATE "%s", names[i]),
				  arena_printf(arena, "%s/%s", making->options->state_directory, names[i]));
	if (!error)
		error = journal_take(making);
	return error ? error : events_take_or_miss(making);
}

/* ---- the whole */

static int backup_make(struct making *making, int descriptor)
{
	struct backup_about about = { .time = making->context->now };
	char host[256] = "";
	int error = backup_begin(descriptor, &making->backup), ended;

	if (error)
		return error;
	error = config_take(making);
	if (!error)
		error = state_take(making);
	(void)gethostname(host, sizeof(host) - 1);
	about.host = visible_text(making->context->arena, span_of(host));
	about.config = making->config_name;
	ended = backup_end(making->backup, error ? NULL : &about);
	return error ? error : ended;
}

/* The file takes the place of an older one only when it is whole and on the disk. */
static int backup_to_file(struct making *making, const char *path)
{
	const char *part = arena_printf(making->context->arena, "%s.part", path);
	int file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), error;

	if (file < 0)
		return -errno;
	error = fchmod(file, 0600) != 0 ? -errno : backup_make(making, file);
	if (!error && fsync(file) != 0)
		error = -errno;
	close(file);
	if (!error && rename(part, path) != 0)
		error = -errno;
	if (error)
		(void)unlink(part);
	return error;
}

static int complain_writing(struct context *context, const struct backup_options *options, int error)
{
	if (error == -EACCES || error == -EPERM)
		return complain(context, "only root may read all that belongs to a backup; run this with sudo",
				"バックアップに必要なファイルを読めるのは root だけです。sudo を付けて実行してください");
	return complain(context, "the backup %s could not be written: %s; what was there before is untouched",
			"バックアップ %s を書き出せませんでした: %s。以前のファイルには触れていません", options->file, strerror(-error));
}

/* With "-" the standard output is the backup itself. */
static void tell(struct making *making)
{
	struct context *context = making->context;
	struct buf *out = strcmp(making->options->file, "-") == 0 ? &context->complaint : &context->out;

	if (context->json && out == &context->out) {
		print_json(context, json_pack("{s:s, s:o, s:I, s:I, s:o, s:I, s:b}", "result", "written", "file", json_visible(context, making->options->file),
					      "members", (json_int_t)making->members, "bytes", (json_int_t)making->bytes, "config",
					      json_visible(context, context->config_path), "journal_files", (json_int_t)making->journal_files, "missing",
					      making->missing));
		return;
	}
	buf_printf(out, phrase(context, "Written: %zu members, %llu bytes. Keep it where the gateway's disk is not, and as secret as the policy.\n"
					"The original mails are not in it; they stay on the Internet side.\n",
			       "バックアップを書き出しました(%zu ファイル、%llu バイト)。この装置以外の場所に、対策基準と同じ扱いで保管してください。\n"
			       "メールの原本は含まれません(インターネット側にのみ保管されます)。\n"),
		   making->members, (unsigned long long)making->bytes);
	if (making->missing)
		complain(context, "but not everything could be read, see above; what could be is in it",
			 "ただし、読めなかったものがあります(上を参照)。読めたものはすべて含まれています");
}

int command_backup(struct context *context, int argc, char **argv)
{
	struct backup_options options;
	struct making making = { .context = context, .options = &options };
	int status = parse_options(context, argc, argv, &options), error;

	if (status)
		return status;
	setlocale(LC_CTYPE, "C.UTF-8");
	if (strcmp(options.file, "-") == 0 && isatty(STDOUT_FILENO))
		return complain_usage(context, "a backup is nothing for a terminal; name a file", "バックアップは端末に表示できません。ファイル名を指定してください");
	error = strcmp(options.file, "-") == 0 ? backup_make(&making, STDOUT_FILENO) : backup_to_file(&making, options.file);
	if (error)
		return complain_writing(context, &options, error);
	tell(&making);
	return making.missing ? EXIT_REFUSED : EXIT_FINE;
}
