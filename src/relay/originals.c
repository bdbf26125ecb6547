/* originals: mails as they were received, kept on the Internet side. */
#include "relay/originals.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static const char unanswered_directory[] = ".unanswered";
static const char *const suffixes[] = { [ORIGINAL_RECEIVING] = ".receiving", [ORIGINAL_OFFERED] = ".offered", [ORIGINAL_KEPT] = "" };

enum { SECONDS_PER_DAY = 86400, RANDOM_CHARACTERS = 16, NAME_FRESH_TRIES = 8, COMPARE_BYTES = 65536 };

/* ---- directories ---- */

/*
 * Opens a directory below another one, which is made when it is not there. A directory that was just made is not on the disk before its parent is; one
 * that cannot be brought there goes, and is made again the next time.
 */
static int directory_open(int parent, const char *name)
{
	bool made = mkdirat(parent, name, 0700) == 0;
	int directory, error;

	if (!made && errno != EEXIST)
		return -errno;
	directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory >= 0 && (!made || fsync(parent) == 0))
		return directory;
	error = -errno;
	if (directory >= 0)
		close(directory);
	if (made)
		unlinkat(parent, name, AT_REMOVEDIR);
	return error;
}

static bool name_is_entry(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Calls act for each entry of a directory. 0 or negative errno, the first one also of act: an entry in the way does not end the walk. */
static int directory_walk(int directory, int (*act)(void *context, int directory, const char *name), void *context)
{
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0, failed;
	DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;

	if (!entries) {
		error = -errno;
		if (copy >= 0)
			close(copy);
		return error;
	}
	for (errno = 0; (entry = readdir(entries)); errno = 0) {
		failed = name_is_entry(entry->d_name) ? act(context, directory, entry->d_name) : 0;
		error = error ? error : failed;
	}
	error = error ? error : -errno;
	closedir(entries);
	return error;
}

int originals_open(int root, const char *relay, struct originals *ret_originals)
{
	int directory = directory_open(root, relay);

	if (directory < 0)
		return directory;
	/* What a keeper made that was ended before it could do so. */
	if (fsync(root) != 0 || fsync(directory) != 0) {
		int error = -errno;

		close(directory);
		return error;
	}
	*ret_originals = (struct originals){ .directory = directory };
	return 0;
}

void originals_close(struct originals *originals)
{
	close(originals->directory);
	originals->directory = -1;
}

/* ---- one mail ---- */

/* The path of the mail in the relay's directory when it is in a state. */
static void path_make(const struct original *original, enum original_state state, char path[static ORIGINAL_PATH_BYTES])
{
	snprintf(path, ORIGINAL_PATH_BYTES, "%s/%s%s", original->day, original->id, suffixes[state]);
}

/* A name nobody can guess. */
static int id_make(struct original *original, int64_t now)
{
	static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
	const time_t seconds = (time_t)now;
	uint8_t random[RANDOM_CHARACTERS];
	struct tm local;
	size_t length;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	localtime_r(&seconds, &local);
	if (strftime(original->day, sizeof(original->day), "%Y-%m-%d", &local) == 0)
		return -EOVERFLOW;
	length = strftime(original->id, sizeof(original->id), "%Y%m%d-%H%M%S-", &local);
	for (size_t i = 0; i < RANDOM_CHARACTERS; i++)
		original->id[length++] = alphabet[random[i] % (sizeof(alphabet) - 1)];
	original->id[length] = '\0';
	return 0;
}

/* Would a mail of so many bytes leave enough free space? */
static int space_check(int directory, uint64_t declared_bytes, uint64_t free_bytes_min)
{
	struct statvfs space;
	uint64_t free_bytes;

	if (fstatvfs(directory, &space) != 0)
		return -errno;
	free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
	if (free_bytes < free_bytes_min || free_bytes - free_bytes_min < declared_bytes)
		return -ENOSPC;
	return 0;
}

/* Makes the file; another one may have its name. */
static int file_create(struct original *original, int64_t now)
{
	char path[ORIGINAL_PATH_BYTES];
	int day, descriptor, error = id_make(original, now);

	if (error)
		return error;
	day = directory_open(original->store->directory, original->day);
	if (day < 0)
		return day;
	close(day);
	path_make(original, ORIGINAL_RECEIVING, path);
	descriptor = openat(original->store->directory, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return descriptor >= 0 ? descriptor : -errno;
}

int original_create(const struct originals *store, int64_t now, uint64_t declared_bytes, uint64_t free_bytes_min,
		    struct original *ret_original, int *ret_descriptor)
{
	struct original original = { .store = store, .state = ORIGINAL_RECEIVING, .received_seconds = now };
	int descriptor = -EEXIST, error = space_check(store->directory, declared_bytes, free_bytes_min);

	if (error)
		return error;
	for (int i = 0; i < NAME_FRESH_TRIES && descriptor == -EEXIST; i++)
		descriptor = file_create(&original, now);
	if (descriptor < 0)
		return descriptor;
	*ret_original = original;
	*ret_descriptor = descriptor;
	return 0;
}

static int original_move(struct original *original, enum original_state state)
{
	char from[ORIGINAL_PATH_BYTES], to[ORIGINAL_PATH_BYTES];

	path_make(original, original->state, from);
	path_make(original, state, to);
	if (renameat(original->store->directory, from, original->store->directory, to) != 0)
		return -errno;
	original->state = state;
	return 0;
}

int original_offer(struct original *original)
{
	return original_move(original, ORIGINAL_OFFERED);
}

int original_keep(struct original *original)
{
	return original_move(original, ORIGINAL_KEPT);
}

/* Reads until the buffer is full or the file ends: the number of bytes, or -1. */
static ssize_t read_whole(int descriptor, uint8_t *bytes, size_t size)
{
	size_t got = 0;
	ssize_t part = 1;

	while (got < size && part > 0) {
		part = read(descriptor, bytes + got, size - got);
		got += part > 0 ? (size_t)part : 0;
	}
	return part < 0 ? -1 : (ssize_t)got;
}

static bool contents_equal(int a, int b)
{
	static uint8_t left[COMPARE_BYTES], right[COMPARE_BYTES];
	ssize_t of_left, of_right;

	do {
		of_left = read_whole(a, left, sizeof(left));
		of_right = read_whole(b, right, sizeof(right));
		if (of_left < 0 || of_left != of_right || memcmp(left, right, (size_t)of_left) != 0)
			return false;
	} while (of_left == (ssize_t)sizeof(left));
	return true;
}

/* Do two files of a directory hold the same? False also when one cannot be read. */
static bool files_equal(int directory, const char *a, const char *b)
{
	int left = openat(directory, a, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), right = openat(directory, b, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool equal = left >= 0 && right >= 0 && contents_equal(left, right);

	if (left >= 0)
		close(left);
	if (right >= 0)
		close(right);
	return equal;
}

/* The mail's name becomes one more name of the file "first". */
static int original_share(const struct original *original, const char *first)
{
	char kept[ORIGINAL_PATH_BYTES], between[ORIGINAL_PATH_BYTES];
	int directory = original->store->directory, error = 0;

	path_make(original, ORIGINAL_KEPT, kept);
	path_make(original, ORIGINAL_RECEIVING, between); /* if we die here, recovery takes it away */
	if (linkat(directory, first, directory, between, 0) != 0)
		return -errno;
	if (renameat(directory, between, directory, kept) != 0) {
		error = -errno;
		unlinkat(directory, between, 0);
	}
	return error;
}

int original_keep_doubtful(struct original *original, const uint8_t fingerprint[static DIGEST_BYTES])
{
	char kept[ORIGINAL_PATH_BYTES], digest[DIGEST_TEXT_BYTES], first[ORIGINAL_DAY_BYTES + DIGEST_TEXT_BYTES + sizeof(".doubtful")];
	int directory = original->store->directory, error = original_keep(original);

	if (error)
		return error;
	path_make(original, ORIGINAL_KEPT, kept);
	snprintf(first, sizeof(first), "%s/%s.doubtful", original->day, digest_hex(fingerprint, DIGEST_BYTES, digest));
	if (linkat(directory, kept, directory, first, 0) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	return files_equal(directory, first, kept) ? original_share(original, first) : 0;
}

int original_sync(const struct original *original)
{
	int day = openat(original->store->directory, original->day, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error = day < 0 || fsync(day) != 0 ? -errno : 0;

	if (day >= 0)
		close(day);
	return error;
}

bool original_same_directory(const struct original *a, const struct original *b)
{
	return a->store == b->store && strcmp(a->day, b->day) == 0;
}

int original_drop(const struct original *original)
{
	char path[ORIGINAL_PATH_BYTES];

	path_make(original, original->state, path);
	return unlinkat(original->store->directory, path, 0) == 0 ? 0 : -errno;
}

int original_read(const struct original *original, int *ret_descriptor, uint64_t *ret_bytes)
{
	char path[ORIGINAL_PATH_BYTES];
	struct stat status;
	int descriptor;

	path_make(original, original->state, path);
	descriptor = openat(original->store->directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (descriptor < 0)
		return -errno;
	if (fstat(descriptor, &status) != 0) {
		int error = -errno;

		close(descriptor);
		return error;
	}
	*ret_descriptor = descriptor;
	*ret_bytes = (uint64_t)status.st_size;
	return 0;
}

/* ---- what a keeper that died left behind ---- */

/* The length of name without this suffix; 0: it has another one. */
static size_t stem_length(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length > end && strcmp(name + length - end, suffix) == 0 ? length - end : 0;
}

static int entry_recover(void *context, int directory, const char *name)
{
	struct originals_swept *swept = context;
	char kept[NAME_MAX + 1];
	size_t stem = stem_length(name, suffixes[ORIGINAL_OFFERED]);

	if (stem_length(name, suffixes[ORIGINAL_RECEIVING]) > 0) {
		swept->removed++;
		return unlinkat(directory, name, 0) == 0 ? 0 : -errno;
	}
	if (stem == 0)
		return 0;
	memcpy(kept, name, stem);
	kept[stem] = '\0';
	swept->kept++;
	return renameat(directory, name, directory, kept) == 0 ? 0 : -errno;
}

/* ---- days, oldest first ---- */

enum { DAYS_MAX = 4096 };	/* more than eleven years */

struct day_list {
	char (*days)[ORIGINAL_DAY_BYTES];
	size_t count;
};

static void day_list_clear(struct day_list *list)
{
	free(list->days);
}

/* "2026-11-28"; days order as texts. */
static bool name_is_day(const char *name)
{
	static const char form[] = "0000-00-00";

	if (strlen(name) != ORIGINAL_DAY_BYTES - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
			return false;
	return true;
}

static int day_note(void *context, int directory, const char *name)
{
	struct day_list *list = context;

	(void)directory;
	if (!name_is_day(name))
		return 0;
	if (list->count == DAYS_MAX)
		return -E2BIG;
	memcpy(list->days[list->count++], name, ORIGINAL_DAY_BYTES);
	return 0;
}

static int day_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The days of a relay, oldest first; day_list_clear() gives them back, also after an error, when only some may be there. */
static int days_list(int directory, struct day_list *ret_list)
{
	int error;

	*ret_list = (struct day_list){ .days = calloc(DAYS_MAX, sizeof(*ret_list->days)) };
	if (!ret_list->days)
		return -ENOMEM;
	error = directory_walk(directory, day_note, ret_list);
	qsort(ret_list->days, ret_list->count, sizeof(*ret_list->days), day_compare);
	return error;
}

/* A day's directory, or negative errno. */
static int day_open(int directory, const char *day)
{
	int opened = openat(directory, day, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return opened >= 0 ? opened : -errno;
}

static int day_recover(int directory, const char *name, struct originals_swept *swept)
{
	int day = day_open(directory, name), error;

	if (day < 0)
		return day == -ENOTDIR ? 0 : day;
	error = directory_walk(day, entry_recover, swept);
	close(day);
	return error;
}

int originals_recover(const struct originals *originals, struct originals_swept *ret_swept)
{
	__attribute__((cleanup(day_list_clear))) struct day_list list;
	int error = days_list(originals->directory, &list);

	*ret_swept = (struct originals_swept){ .removed = 0 };
	for (size_t i = list.count > RECOVER_DAYS ? list.count - RECOVER_DAYS : 0; i < list.count; i++) {
		int failed = day_recover(originals->directory, list.days[i], ret_swept);

		error = error ? error : failed;
	}
	return error;
}

/* ---- retention ---- */

struct removal {
	unsigned int budget;	/* mails that may still be removed in this call */
	bool more;		/* there are some that may not */
};

static int entry_remove(void *context, int directory, const char *name)
{
	struct removal *removal = context;

	if (removal->budget == 0) {
		removal->more = true;
		return 0;
	}
	if (unlinkat(directory, name, 0) != 0)
		return -errno;
	removal->budget--;
	return 0;
}

/* Removes as much of a day as the budget allows. 0: the day is gone; -EAGAIN: there is more; other negative errno: it cannot be removed. */
static int day_remove(int directory, const char *name, struct removal *removal)
{
	int day = day_open(directory, name), error;

	if (day < 0)
		return day;
	error = directory_walk(day, entry_remove, removal);
	close(day);
	if (removal->more)
		return -EAGAIN;
	if (error)
		return error;
	return unlinkat(directory, name, AT_REMOVEDIR) == 0 ? 0 : -errno;
}

/* The first day that is still kept. */
static int first_kept_day(int64_t now, unsigned int retention_days, char day[static ORIGINAL_DAY_BYTES])
{
	const time_t first = (time_t)(now - (int64_t)retention_days * SECONDS_PER_DAY);
	struct tm local;

	localtime_r(&first, &local);
	return strftime(day, ORIGINAL_DAY_BYTES, "%Y-%m-%d", &local) > 0 ? 0 : -EOVERFLOW;
}

int originals_expire(const struct originals *originals, int64_t now, unsigned int retention_days, unsigned int entries_max,
		     struct originals_expired *ret_expired)
{
	__attribute__((cleanup(day_list_clear))) struct day_list list;
	struct originals_expired expired = { .over = 0 };
	struct removal removal = { .budget = entries_max };
	char first_kept[ORIGINAL_DAY_BYTES] = "";
	int error = days_list(originals->directory, &list), failed = first_kept_day(now, retention_days, first_kept);

	error = error ? error : failed;
	while (expired.over < list.count && strcmp(list.days[expired.over], first_kept) < 0)
		expired.over++;
	for (size_t i = 0; i < expired.over && !expired.removed && !expired.more; i++) {
		failed = day_remove(originals->directory, list.days[i], &removal);
		expired.removed = failed == 0;
		expired.more = removal.more;
		if (failed && !expired.more)
			error = error ? error : failed;
	}
	*ret_expired = expired;
	return error;
}

/* ---- mails whose sender does not know that they were delivered ---- */

int unanswered_note(int root, const uint8_t fingerprint[static DIGEST_BYTES])
{
	int directory = directory_open(root, unanswered_directory), note, error = 0;
	char name[DIGEST_TEXT_BYTES];

	if (directory < 0)
		return directory;
	note = openat(directory, digest_hex(fingerprint, DIGEST_BYTES, name), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (note < 0 || fsync(note) != 0 || fsync(directory) != 0)
		error = -errno;
	if (note >= 0)
		close(note);
	close(directory);
	return error;
}

/* True when the time of the note lies within UNANSWERED_DAYS before now. */
static bool note_counts(int directory, const char *name, int64_t now)
{
	struct stat status;

	return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       now - (int64_t)status.st_mtime <= (int64_t)UNANSWERED_DAYS * SECONDS_PER_DAY;
}

bool unanswered_known(int root, const uint8_t fingerprint[static DIGEST_BYTES], int64_t now)
{
	char name[DIGEST_TEXT_BYTES], path[sizeof(unanswered_directory) + sizeof(name)];

	snprintf(path, sizeof(path), "%s/%s", unanswered_directory, digest_hex(fingerprint, DIGEST_BYTES, name));
	return note_counts(root, path, now);
}

static int note_expire(void *context, int directory, const char *name)
{
	const int64_t *now = context;

	if (note_counts(directory, name, *now))
		return 0;
	return unlinkat(directory, name, 0) == 0 ? 0 : -errno;
}

int unanswered_expire(int root, int64_t now)
{
	int directory = directory_open(root, unanswered_directory), error;

	if (directory < 0)
		return directory;
	error = directory_walk(directory, note_expire, &now);
	close(directory);
	return error;
}
