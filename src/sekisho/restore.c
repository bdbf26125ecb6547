/* restore: what a backup was taken apart into comes to its places. */
#include "sekisho/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/finding.h"
#include "daemon/state.h"
#include "daemon/state_names.h"
#include "wire/fields.h"

enum { COPY_BYTES = 64 << 10, JOURNAL_FILE_BYTES_LIMIT = 64 << 20, NEWEST_BYTES = 8, TREE_DESCRIPTORS = 16 };

#define JOURNAL BACKUP_STATE STATE_JOURNAL_DIRECTORY "/"
#define EVENTS BACKUP_STATE STATE_EVENTS_DIRECTORY "/"
#define ISOLATED BACKUP_STATE STATE_ISOLATED_NAME

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *staged(const struct restore *restore, const char *member)
{
	return arena_printf(restore->arena, "%s/%s", restore->staging, member);
}

static const char *kept(const struct restore *restore, const char *name)
{
	return arena_printf(restore->arena, "%s/%s", restore->state_directory, name);
}

static bool has_member(const struct restore *restore, const char *name)
{
	for (size_t i = 0; i < restore->content->member_count; i++) {
		if (strcmp(restore->content->members[i].name, name) == 0)
			return true;
	}
	return false;
}

/* ---- looking */

/* The last file of the backup's journal; NULL: it has none. */
static const char *journal_last(const struct restore *restore)
{
	const char *last = NULL;

	for (size_t i = 0; i < restore->content->member_count; i++) {
		const char *name = restore->content->members[i].name;

		if (starts_with(name, JOURNAL) && (!last || strcmp(name, last) > 0))
			last = name;
	}
	return last;
}

/* Every record holds the digest of the one before: who has the last file of the backup, and perhaps more, has all before it. */
static bool journal_goes_on(const struct restore *restore)
{
	const char *last = journal_last(restore);
	struct source here, there;

	if (!last || source_read(restore->arena, staged(restore, last), JOURNAL_FILE_BYTES_LIMIT, &there) != 0 ||
	    source_read(restore->arena, kept(restore, last + strlen(BACKUP_STATE)), JOURNAL_FILE_BYTES_LIMIT, &here) != 0)
		return false;
	return there.length > 0 && here.length >= there.length && memcmp(here.text, there.text, there.length) == 0;
}

static bool is_same_file(const struct restore *restore, const char *path, const char *other)
{
	struct source a, b;

	return source_read(restore->arena, path, JOURNAL_FILE_BYTES_LIMIT, &a) == 0 && source_read(restore->arena, other, JOURNAL_FILE_BYTES_LIMIT, &b) == 0 &&
	       a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

int restore_look(struct restore *restore)
{
	const char *here = kept(restore, STATE_ISOLATED_NAME);

	restore->aside = "";
	restore->same_machine = journal_goes_on(restore);
	restore->isolates = !restore->same_machine && has_member(restore, ISOLATED);
	if (restore->same_machine || access(here, F_OK) != 0)
		return 0;
	if (restore->isolates && is_same_file(restore, here, staged(restore, ISOLATED)))
		return 0;
	return restore->isolates ? -EEXIST : 0;
}

/* ---- placing */

static int failed(struct restore *restore, const char *path, int error)
{
	restore->failed = path;
	return error;
}

/* Makes the directories above path that are not there. */
static int directories_make(struct restore *restore, const char *path, mode_t mode)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *directory = arena_printf(restore->arena, "%.*s", (int)(slash - path), path);

		if (mkdir(directory, mode) != 0 && errno != EEXIST)
			return failed(restore, directory, -errno);
	}
	return 0;
}

static int bytes_copy(int from, int to)
{
	char bytes[COPY_BYTES];
	ssize_t got;

	while ((got = read(from, bytes, sizeof(bytes))) > 0) {
		ssize_t written = write(to, bytes, (size_t)got);

		if (written != got)
			return written < 0 ? -errno : -ENOSPC;
	}
	return got < 0 || fsync(to) != 0 ? -errno : 0;
}

/* A file is made in its directory, of which it takes the group, and then takes the place of the old one. */
static int file_copy(struct restore *restore, const char *source, const char *target, mode_t mode)
{
	const char *fresh = arena_printf(restore->arena, "%s.restore", target);
	int from = open(source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to = -1, error = from < 0 ? -errno : 0;

	if (!error) {
		to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
		error = to < 0 || fchmod(to, mode) != 0 ? -errno : bytes_copy(from, to);
	}
	if (!error && rename(fresh, target) != 0)
		error = -errno;
	if (error && to >= 0)
		(void)unlink(fresh);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return error ? failed(restore, target, error) : 0;
}

/* What is there is kept: name is its place below the directory of what was replaced. */
static int put_aside(struct restore *restore, const char *path, const char *name)
{
	const char *place = arena_printf(restore->arena, "%s/%s", restore->aside, name);
	int error;

	if (access(path, F_OK) != 0)
		return errno == ENOENT ? 0 : failed(restore, path, -errno);
	error = directories_make(restore, place, 0700);
	if (!error)
		error = file_copy(restore, path, place, 0600);
	return error ? failed(restore, path, error) : 0;
}

/* Where a member belongs on this machine. The zone file takes the name it has here. */
static const char *target_of(const struct restore *restore, const char *member)
{
	const char *slash = strrchr(restore->config_path, '/'), *name;
	int directory = slash ? (int)(slash - restore->config_path) + 1 : 0;

	if (starts_with(member, BACKUP_STATE))
		return kept(restore, member + strlen(BACKUP_STATE));
	name = member + strlen(BACKUP_CONFIG);
	if (strcmp(name, restore->content->about.config) == 0)
		return restore->config_path;
	return arena_printf(restore->arena, "%.*s%s", directory, restore->config_path, name);
}

static int member_place(struct restore *restore, const char *member, mode_t mode)
{
	const char *source = staged(restore, member), *target = target_of(restore, member);
	int error = directories_make(restore, target, 0750);

	if (!error && is_same_file(restore, source, target))
		return 0;
	if (!error)
		error = put_aside(restore, target, member);
	if (!error)
		error = file_copy(restore, source, target, mode);
	if (!error)
		restore->placed++;
	return error;
}

/* It is put aside and is there no more. */
static int state_remove(struct restore *restore, const char *name)
{
	const char *path = kept(restore, name);
	int error = put_aside(restore, path, arena_printf(restore->arena, BACKUP_STATE "%s", name));

	if (!error && unlink(path) != 0 && errno != ENOENT)
		error = failed(restore, path, -errno);
	return error;
}

/* What waits beside a database belongs to it; parts of two journals are no journal. So all of a directory goes before that of the backup comes. */
static int directory_clear(struct restore *restore, const char *name)
{
	DIR *directory = opendir(kept(restore, name));
	const struct dirent *entry;
	int error = 0;

	if (!directory)
		return errno == ENOENT ? 0 : failed(restore, kept(restore, name), -errno);
	while (!error && (entry = readdir(directory))) {
		if (entry->d_type == DT_REG)
			error = state_remove(restore, arena_printf(restore->arena, "%s/%s", name, entry->d_name));
	}
	closedir(directory);
	return error;
}

/* All members whose names begin so. */
static int members_place(struct restore *restore, const char *prefix, mode_t mode)
{
	int error = 0;

	for (size_t i = 0; !error && i < restore->content->member_count; i++) {
		const char *name = restore->content->members[i].name;

		if (starts_with(name, prefix))
			error = member_place(restore, name, mode);
	}
	return error;
}

static int records_place(struct restore *restore)
{
	int error = directory_clear(restore, STATE_JOURNAL_DIRECTORY);

	if (!error)
		error = members_place(restore, JOURNAL, 0640);
	if (!error)
		error = directory_clear(restore, STATE_EVENTS_DIRECTORY);
	return error ? error : members_place(restore, EVENTS, 0640);
}

/* 0 when there is none that can be read. */
static uint64_t newest_of(const char *directory)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);
	uint64_t newest = 0;
	struct span rest;

	if (state_recall(directory, STATE_NEWEST_NAME, NEWEST_BYTES, &bytes) != 0)
		return 0;
	rest = buf_span(&bytes);
	return span_take_u64(&rest, &newest) ? newest : 0;
}

static int newest_place(struct restore *restore)
{
	if (newest_of(staged(restore, BACKUP_STATE)) <= newest_of(restore->state_directory))
		return 0;
	return member_place(restore, BACKUP_STATE STATE_NEWEST_NAME, 0600);
}

/* Nobody waits for a confirmation of what was there before. */
static int confirmation_remove(struct restore *restore)
{
	int error = state_remove(restore, STATE_CONFIRM_NAME);

	return error ? error : state_remove(restore, STATE_PREVIOUS_NAME);
}

/* A name that no earlier restore has taken. */
static const char *aside_name(const struct restore *restore, int64_t now)
{
	const char *name, *base;
	time_t seconds = (time_t)now;
	char stamp[32];
	struct tm time;

	gmtime_r(&seconds, &time);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &time);
	name = base = arena_printf(restore->arena, "%s/before-restore-%s", restore->state_directory, stamp);
	for (unsigned int i = 2; access(name, F_OK) == 0; i++)
		name = arena_printf(restore->arena, "%s-%u", base, i);
	return name;
}

/* First what closes, at last what opens: a restore that is cut off leaves nothing that passes more than it would have before or behind it. */
int restore_place(struct restore *restore, int64_t now)
{
	int error = 0;

	restore->aside = aside_name(restore, now);
	if (restore->isolates)
		error = member_place(restore, ISOLATED, 0600);
	if (!error)
		error = newest_place(restore);
	if (!error)
		error = confirmation_remove(restore);
	if (!error && !restore->same_machine)
		error = records_place(restore);
	if (!error)
		error = members_place(restore, BACKUP_STATE STATE_LAST_GOOD_NAME, 0600);
	if (!error)
		error = members_place(restore, BACKUP_CONFIG, 0640);
	if (access(restore->aside, F_OK) != 0)
		restore->aside = "";
	return error;
}

static int tree_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

void restore_tidy(const char *staging)
{
	(void)nftw(staging, tree_remove, TREE_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}
