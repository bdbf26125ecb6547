/*
 * Originals in a directory of their own. The calls by which they reach the disk are defined here, in front of the C library's: they count, they say in
 * which order they came, and each of them can be made to fail once.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "relay/originals.h"

/* ---- the disk ---- */

enum disk_call { CALL_OPENAT, CALL_MKDIRAT, CALL_RENAMEAT, CALL_FSYNC, CALL_GETRANDOM, CALL_FSTATVFS, CALL_UNLINKAT, CALLS };

static const char *const call_names[CALLS] = { "openat", "mkdirat", "renameat", "fsync", "getrandom", "fstatvfs", "unlinkat" };

static struct {
	enum disk_call failing;
	unsigned int failing_at;	/* which one, from 1; 0: none */
	int error;
	unsigned int counts[CALLS];
	unsigned int same_names;	/* so many ids are the same */
	uint64_t free_bytes;		/* UINT64_MAX: what the file system says */
	struct buf order;		/* the calls, one a line */
} disk;

static bool call_fails(enum disk_call call)
{
	disk.counts[call]++;
	if (call != disk.failing || disk.counts[call] != disk.failing_at)
		return false;
	errno = disk.error;
	return true;
}

static void call_note(enum disk_call call, int directory, const char *name)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	buf_printf(&disk.order, "%s %s%s%s\n", call_names[call], strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *name ? " " : "", name);
}

int openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	unsigned int mode;

	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, unsigned int) : 0;
	va_end(arguments);
	return call_fails(CALL_OPENAT) ? -1 : (int)syscall(SYS_openat, directory, path, flags, mode);
}

int mkdirat(int directory, const char *path, mode_t mode)
{
	int result = call_fails(CALL_MKDIRAT) ? -1 : (int)syscall(SYS_mkdirat, directory, path, mode);

	if (result == 0)
		call_note(CALL_MKDIRAT, directory, "");
	return result;
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
	if (call_fails(CALL_RENAMEAT))
		return -1;
	call_note(CALL_RENAMEAT, from_directory, strrchr(to, '.') ? strrchr(to, '.') : "");
	return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 0);
}

int fsync(int descriptor)
{
	if (call_fails(CALL_FSYNC))
		return -1;
	call_note(CALL_FSYNC, descriptor, "");
	return (int)syscall(SYS_fsync, descriptor);
}

int unlinkat(int directory, const char *path, int flags)
{
	return call_fails(CALL_UNLINKAT) ? -1 : (int)syscall(SYS_unlinkat, directory, path, flags);
}

ssize_t getrandom(void *bytes, size_t length, unsigned int flags)
{
	if (call_fails(CALL_GETRANDOM))
		return -1;
	if (disk.counts[CALL_GETRANDOM] > disk.same_names)
		return syscall(SYS_getrandom, bytes, length, flags);
	memset(bytes, 0, length);
	return (ssize_t)length;
}

int fstatvfs(int descriptor, struct statvfs *ret_space)
{
	(void)descriptor;
	if (call_fails(CALL_FSTATVFS))
		return -1;
	*ret_space = (struct statvfs){ .f_frsize = 10, .f_bavail = disk.free_bytes / 10 };
	return 0;
}

/* ---- a directory for each test ---- */

static char root_path[64];
static int root;
static struct originals store;

enum { NOON = 1795867200, DAY_S = 86400 };	/* 2026-11-28 12:00:00 UTC */

static void setup(void)
{
	strcpy(root_path, "/tmp/sekisho-originals-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root_path));
	root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
	memset(&disk, 0, sizeof(disk));
	disk.free_bytes = UINT64_MAX;
	disk.order = buf_limited(0);
	ck_assert_int_eq(originals_open(root, "inward", &store), 0);
	disk.order.length = 0;
	memset(disk.counts, 0, sizeof(disk.counts));
}

static void teardown(void)
{
	char command[128];

	originals_close(&store);
	close(root);
	buf_free(&disk.order);
	snprintf(command, sizeof(command), "rm -rf %s", root_path);
	ck_assert_int_eq(system(command), 0);
}

/* ---- a mail ---- */

static const char content[] = "Subject: x\r\n\r\nhello\r\n";

static int mail_create(struct original *mail)
{
	int descriptor, error = original_create(&store, NOON, 0, 0, mail, &descriptor);

	if (error)
		return error;
	ck_assert_int_eq(write(descriptor, content, strlen(content)), (ssize_t)strlen(content));
	close(descriptor);
	return 0;
}

static struct original mail_in_state(enum original_state state)
{
	struct original mail;

	ck_assert_int_eq(mail_create(&mail), 0);
	if (state >= ORIGINAL_OFFERED)
		ck_assert_int_eq(original_offer(&mail), 0);
	if (state >= ORIGINAL_KEPT)
		ck_assert_int_eq(original_keep(&mail), 0);
	return mail;
}

/* True when a file of the mail with this suffix is there, whole. */
static bool mail_has_file(const struct original *mail, const char *suffix)
{
	char path[256];
	struct stat status;

	snprintf(path, sizeof(path), "%s/inward/%s/%s%s", root_path, mail->day, mail->id, suffix);
	return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size == strlen(content);
}

static unsigned int mail_files(const struct original *mail)
{
	return (unsigned int)mail_has_file(mail, ".receiving") + (unsigned int)mail_has_file(mail, ".offered") + (unsigned int)mail_has_file(mail, "");
}

static void path_make(const char *name, const char *text)
{
	int file = (int)syscall(SYS_openat, root, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
	close(file);
}

static bool path_is(const char *name)
{
	struct stat status;

	return fstatat(root, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- the way of a mail ---- */

START_TEST(each_state_has_its_name)
{
	struct original mail;
	struct stat status;
	int descriptor;

	ck_assert_int_eq(original_create(&store, NOON, 0, 0, &mail, &descriptor), 0);
	ck_assert_str_eq(mail.day, "2026-11-28");
	ck_assert_int_eq(strncmp(mail.id, "20261128-120000-", 16), 0);
	ck_assert(letter_original_id_valid(span_of(mail.id)));
	ck_assert_int_eq(mail.received_seconds, NOON);
	ck_assert_int_eq(fstat(descriptor, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0600);
	ck_assert_int_eq(write(descriptor, content, strlen(content)), (ssize_t)strlen(content));
	ck_assert(mail_has_file(&mail, ".receiving") && mail_files(&mail) == 1);
	ck_assert_int_eq(original_offer(&mail), 0);
	ck_assert(mail_has_file(&mail, ".offered") && mail_files(&mail) == 1);
	ck_assert_int_eq(original_keep(&mail), 0);
	ck_assert(mail_has_file(&mail, "") && mail_files(&mail) == 1);
	close(descriptor);
}
END_TEST

static ino_t mail_inode(const struct original *mail)
{
	char path[256];
	struct stat status;

	snprintf(path, sizeof(path), "inward/%s/%s", mail->day, mail->id);
	ck_assert_int_eq(fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW), 0);
	return status.st_ino;
}

START_TEST(a_mail_that_comes_again_is_kept_once_under_each_id)
{
	static const uint8_t fingerprint[DIGEST_BYTES] = { 7 }, another[DIGEST_BYTES] = { 8 };
	struct original first = mail_in_state(ORIGINAL_OFFERED), again = mail_in_state(ORIGINAL_OFFERED), other = mail_in_state(ORIGINAL_OFFERED);

	ck_assert_int_eq(original_keep_doubtful(&first, fingerprint), 0);
	ck_assert_int_eq(original_keep_doubtful(&again, fingerprint), 0);
	ck_assert_int_eq(original_keep_doubtful(&other, another), 0);
	ck_assert(mail_has_file(&first, "") && mail_files(&first) == 1);
	ck_assert(mail_has_file(&again, "") && mail_files(&again) == 1);
	ck_assert_uint_eq(mail_inode(&first), mail_inode(&again));
	ck_assert_uint_ne(mail_inode(&first), mail_inode(&other));
}
END_TEST

/* The fingerprint is the front's word. */
START_TEST(another_content_of_the_same_fingerprint_stays)
{
	static const uint8_t fingerprint[DIGEST_BYTES] = { 7 };
	struct original first = mail_in_state(ORIGINAL_KEPT), forged = mail_in_state(ORIGINAL_OFFERED);
	char path[256];
	int file;

	ck_assert_int_eq(original_keep_doubtful(&first, fingerprint), 0);
	snprintf(path, sizeof(path), "inward/%s/%s.offered", forged.day, forged.id);
	file = (int)syscall(SYS_openat, root, path, O_WRONLY, 0);
	ck_assert_int_eq(write(file, "X", 1), 1);
	close(file);
	ck_assert_int_eq(original_keep_doubtful(&forged, fingerprint), 0);
	ck_assert_uint_ne(mail_inode(&first), mail_inode(&forged));
}
END_TEST

START_TEST(a_name_that_cannot_be_shared_loses_nothing)
{
	static const uint8_t fingerprint[DIGEST_BYTES] = { 7 };
	struct original first = mail_in_state(ORIGINAL_OFFERED), again = mail_in_state(ORIGINAL_OFFERED);

	ck_assert_int_eq(original_keep_doubtful(&first, fingerprint), 0);
	disk.failing = CALL_RENAMEAT;
	disk.failing_at = disk.counts[CALL_RENAMEAT] + 2;
	disk.error = EIO;
	ck_assert_int_eq(original_keep_doubtful(&again, fingerprint), -EIO);
	ck_assert(mail_has_file(&again, "") && mail_files(&again) == 1);
}
END_TEST

START_TEST(the_front_can_write_and_not_read)
{
	struct original mail;
	int descriptor;
	char byte;

	ck_assert_int_eq(original_create(&store, NOON, 0, 0, &mail, &descriptor), 0);
	ck_assert_int_eq(read(descriptor, &byte, 1), -1);
	ck_assert_int_eq(errno, EBADF);
	close(descriptor);
}
END_TEST

START_TEST(the_washer_can_read_and_not_write)
{
	struct original mail = mail_in_state((enum original_state)_i);
	uint64_t bytes;
	int descriptor;

	ck_assert_int_eq(original_read(&mail, &descriptor, &bytes), 0);
	ck_assert_uint_eq(bytes, strlen(content));
	ck_assert_int_eq(write(descriptor, "x", 1), -1);
	close(descriptor);
}
END_TEST

START_TEST(what_nobody_has_goes_in_every_state)
{
	struct original mail = mail_in_state((enum original_state)_i);

	ck_assert_int_eq(original_drop(&mail), 0);
	ck_assert_uint_eq(mail_files(&mail), 0);
	ck_assert_int_eq(original_drop(&mail), -ENOENT);
}
END_TEST

/* Also one that was not offered yet: a front that lies about the disk may let it come to that. */
START_TEST(kept_from_any_state)
{
	struct original mail = mail_in_state((enum original_state)_i);

	ck_assert_int_eq(original_keep(&mail), 0);
	ck_assert(mail_has_file(&mail, "") && mail_files(&mail) == 1);
}
END_TEST

START_TEST(one_sync_serves_a_day_of_a_relay)
{
	struct original one = mail_in_state(ORIGINAL_OFFERED), two = mail_in_state(ORIGINAL_OFFERED), tomorrow, elsewhere;
	struct originals other;
	int descriptor;

	ck_assert(original_same_directory(&one, &two));
	ck_assert_int_eq(original_create(&store, NOON + DAY_S, 0, 0, &tomorrow, &descriptor), 0);
	close(descriptor);
	ck_assert(!original_same_directory(&one, &tomorrow));
	ck_assert_int_eq(originals_open(root, "outward", &other), 0);
	ck_assert_int_eq(original_create(&other, NOON, 0, 0, &elsewhere, &descriptor), 0);
	close(descriptor);
	ck_assert(!original_same_directory(&one, &elsewhere));
	originals_close(&other);
}
END_TEST

/* ---- what is on the disk when ---- */

START_TEST(names_are_on_the_disk_in_order)
{
	struct original mail = mail_in_state(ORIGINAL_OFFERED);

	ck_assert_int_eq(original_sync(&mail), 0);
	ck_assert_str_eq(buf_text(&disk.order), "mkdirat inward\nfsync inward\nrenameat inward .offered\nfsync 2026-11-28\n");
}
END_TEST

/* The directory may have been made by a keeper that was ended before it could sync it. */
START_TEST(a_store_is_on_the_disk_when_it_is_open)
{
	struct originals again;

	ck_assert_int_eq(mkdirat(root, "outward", 0700), 0);
	disk.order.length = 0;
	ck_assert_int_eq(originals_open(root, "outward", &again), 0);
	ck_assert_ptr_nonnull(strstr(buf_text(&disk.order), strrchr(root_path, '/') + 1));
	ck_assert_ptr_nonnull(strstr(buf_text(&disk.order), "fsync outward\n"));
	originals_close(&again);
}
END_TEST

START_TEST(a_day_that_could_not_be_synced_is_made_again)
{
	struct original mail;

	disk.failing = CALL_FSYNC;
	disk.failing_at = 1;
	disk.error = EIO;
	ck_assert_int_eq(mail_create(&mail), -EIO);
	ck_assert(!path_is("inward/2026-11-28"));
	disk.order.length = 0;
	ck_assert_int_eq(mail_create(&mail), 0);
	ck_assert_str_eq(buf_text(&disk.order), "mkdirat inward\nfsync inward\n");
}
END_TEST

/* ---- space and names ---- */

static const struct {
	uint64_t free_bytes, min_bytes, declared_bytes;
	int result;
} space_rows[] = {
	{ 1000, 1000, 0, 0 }, { 1000, 1000, 1, -ENOSPC }, { 1000, 900, 100, 0 }, { 1000, 900, 101, -ENOSPC }, { 1000, 1010, 0, -ENOSPC },
	{ 0, 0, 0, 0 }, { 1000, 0, UINT64_MAX, -ENOSPC }, { 1000, UINT64_MAX, UINT64_MAX, -ENOSPC },
};

START_TEST(free_space_is_left)
{
	struct original mail;
	int descriptor, result;

	disk.free_bytes = space_rows[_i].free_bytes;
	result = original_create(&store, NOON, space_rows[_i].declared_bytes, space_rows[_i].min_bytes, &mail, &descriptor);
	ck_assert_int_eq(result, space_rows[_i].result);
	if (result == 0)
		close(descriptor);
	else
		ck_assert(!path_is("inward/2026-11-28"));
}
END_TEST

START_TEST(a_name_that_is_taken_is_not_used_again)
{
	struct original one, two;

	disk.same_names = 4;
	one = mail_in_state(ORIGINAL_RECEIVING);
	two = mail_in_state(ORIGINAL_RECEIVING);
	ck_assert_str_ne(one.id, two.id);
	ck_assert_uint_eq(disk.counts[CALL_GETRANDOM], 5);
	ck_assert_uint_eq(mail_files(&one), 1);
}
END_TEST

START_TEST(a_broken_source_of_names_is_an_error)
{
	struct original one = { .store = NULL }, two;

	disk.same_names = UINT_MAX;
	ck_assert_int_eq(mail_create(&one), 0);
	ck_assert_int_eq(mail_create(&two), -EEXIST);
	ck_assert_uint_eq(mail_files(&one), 1);
}
END_TEST

/* ---- what lies in the way ---- */

START_TEST(a_link_is_not_a_directory)
{
	struct originals other;
	struct original mail;

	ck_assert_int_eq(mkdirat(root, "elsewhere", 0700), 0);
	ck_assert_int_eq(symlinkat("elsewhere", root, "outward"), 0);
	ck_assert_int_lt(originals_open(root, "outward", &other), 0);
	ck_assert_int_eq(symlinkat("../elsewhere", root, "inward/2026-11-28"), 0);
	ck_assert_int_lt(mail_create(&mail), 0);
	ck_assert_int_eq(symlinkat("elsewhere", root, ".unanswered"), 0);
	ck_assert_int_lt(unanswered_note(root, (const uint8_t[DIGEST_BYTES]){ 1 }), 0);
	/* Nothing was made behind the links: the directory can go. */
	ck_assert_int_eq((int)syscall(SYS_unlinkat, root, "elsewhere", AT_REMOVEDIR), 0);
}
END_TEST

START_TEST(a_link_is_not_a_mail)
{
	struct original mail = mail_in_state(ORIGINAL_OFFERED);
	char path[256];
	uint64_t bytes;
	int descriptor;

	snprintf(path, sizeof(path), "inward/%s/%s.offered", mail.day, mail.id);
	ck_assert_int_eq(unlinkat(root, path, 0), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", root, path), 0);
	ck_assert_int_lt(original_read(&mail, &descriptor, &bytes), 0);
}
END_TEST

START_TEST(a_link_is_not_a_note)
{
	static const uint8_t fingerprint[DIGEST_BYTES] = { 1 };
	char name[DIGEST_TEXT_BYTES], path[128];
	struct stat status;

	path_make("precious", "precious");
	ck_assert_int_eq(mkdirat(root, ".unanswered", 0700), 0);
	snprintf(path, sizeof(path), ".unanswered/%s", digest_hex(fingerprint, DIGEST_BYTES, name));
	ck_assert_int_eq(symlinkat("../precious", root, path), 0);
	ck_assert_int_lt(unanswered_note(root, fingerprint), 0);
	ck_assert_int_eq(fstatat(root, "precious", &status, 0), 0);
	ck_assert_int_eq(status.st_size, strlen("precious"));
}
END_TEST

/* ---- a keeper that died ---- */

START_TEST(recovery_keeps_what_somebody_may_have)
{
	struct original received = mail_in_state(ORIGINAL_RECEIVING), offered = mail_in_state(ORIGINAL_OFFERED), kept = mail_in_state(ORIGINAL_KEPT);
	struct originals_swept swept;

	ck_assert_int_eq(originals_recover(&store, &swept), 0);
	ck_assert_uint_eq(swept.removed, 1);
	ck_assert_uint_eq(swept.kept, 1);
	ck_assert_uint_eq(mail_files(&received), 0);
	ck_assert(mail_has_file(&offered, "") && mail_files(&offered) == 1);
	ck_assert(mail_has_file(&kept, "") && mail_files(&kept) == 1);
	ck_assert_int_eq(originals_recover(&store, &swept), 0);
	ck_assert_uint_eq(swept.removed + swept.kept, 0);
}
END_TEST

START_TEST(recovery_walks_past_what_lies_in_the_way)
{
	struct original received = mail_in_state(ORIGINAL_RECEIVING), offered = mail_in_state(ORIGINAL_OFFERED);
	struct originals_swept swept;

	path_make("inward/a file", "x");
	ck_assert_int_eq(symlinkat("nowhere", root, "inward/a link"), 0);
	ck_assert_int_eq(mkdirat(root, "inward/2026-11-28/a directory.receiving", 0700), 0);
	path_make("inward/2026-11-28/.receiving", "x");
	path_make("inward/2026-11-28/.offered", "x");
	ck_assert_int_lt(originals_recover(&store, &swept), 0);
	ck_assert_uint_eq(mail_files(&received), 0);
	ck_assert(mail_has_file(&offered, ""));
	ck_assert(path_is("inward/a file") && path_is("inward/2026-11-28/.receiving") && path_is("inward/2026-11-28/.offered"));
}
END_TEST

/* ---- retention ---- */

static void days_make(void)
{
	static const char *const days[] = { "2026-10-28", "2026-10-29", "2026-10-30", "2026-11-28" };
	char path[64];

	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		snprintf(path, sizeof(path), "inward/%s", days[i]);
		ck_assert_int_eq(mkdirat(root, path, 0700), 0);
		snprintf(path, sizeof(path), "inward/%s/mail", days[i]);
		path_make(path, "x");
	}
}

static const struct {
	const char *what;
	int64_t now;
	unsigned int retention_days, removed;
	bool left[4];
} expiry_rows[] = {
	{ "all are young", NOON, 31, 0, { true, true, true, true } },
	{ "thirty days back is the 29th: the day before goes", NOON, 30, 1, { false, true, true, true } },
	{ "in the last second of the day", NOON + DAY_S / 2 - 1, 30, 1, { false, true, true, true } },
	{ "a second later", NOON + DAY_S / 2, 30, 2, { false, false, true, true } },
	{ "today and yesterday always stay", NOON, 1, 3, { false, false, false, true } },
	{ "a clock far behind", 0, 30, 0, { true, true, true, true } },
	{ "a hundred years", NOON, 36500, 0, { true, true, true, true } },
};

/* Calls until nothing more is removed; *ret_removed: how many days are gone. The error of the last call. */
static int expire_all(int64_t now, unsigned int retention_days, unsigned int *ret_removed)
{
	struct originals_expired expired;
	int error;

	*ret_removed = 0;
	do {
		error = originals_expire(&store, now, retention_days, 1, &expired);
		*ret_removed += expired.removed;
	} while (expired.removed || expired.more);
	return error;
}

START_TEST(whole_days_go_when_they_are_old)
{
	static const char *const days[] = { "inward/2026-10-28", "inward/2026-10-29", "inward/2026-10-30", "inward/2026-11-28" };
	unsigned int removed;

	days_make();
	ck_assert_int_eq(expire_all(expiry_rows[_i].now, expiry_rows[_i].retention_days, &removed), 0);
	ck_assert_msg(removed == expiry_rows[_i].removed, "%s: %u", expiry_rows[_i].what, removed);
	for (size_t i = 0; i < 4; i++)
		ck_assert_msg(path_is(days[i]) == expiry_rows[_i].left[i], "%s: %s", expiry_rows[_i].what, days[i]);
}
END_TEST

/* A clock that is years ahead: one day goes, and it is said how many would. */
START_TEST(expiry_takes_one_day_in_a_call)
{
	struct originals_expired expired;

	days_make();
	ck_assert_int_eq(originals_expire(&store, NOON + 4000 * DAY_S, 400, 100, &expired), 0);
	ck_assert_uint_eq(expired.over, 4);
	ck_assert(expired.removed && !expired.more);
	ck_assert(path_is("inward/2026-11-28/mail"));
}
END_TEST

START_TEST(expiry_walks_past_what_lies_in_the_way)
{
	unsigned int removed;

	days_make();
	path_make("inward/2020-01-01", "a file");
	ck_assert_int_eq(symlinkat("2026-11-28", root, "inward/2020-01-02"), 0);
	ck_assert_int_eq(mkdirat(root, "inward/2026-10-28/made by hand", 0700), 0);
	path_make("inward/notes", "x");
	ck_assert_int_lt(expire_all(NOON, 29, &removed), 0);
	ck_assert_uint_eq(removed, 1);
	ck_assert(!path_is("inward/2026-10-29") && !path_is("inward/2026-10-28/mail"));
	ck_assert(path_is("inward/2026-10-28/made by hand") && path_is("inward/2026-11-28/mail") && path_is("inward/notes"));
}
END_TEST

/* ---- notes ---- */

static void note_age(const uint8_t fingerprint[static DIGEST_BYTES], int64_t seconds)
{
	const struct timespec times[] = { { .tv_sec = seconds }, { .tv_sec = seconds } };
	char name[DIGEST_TEXT_BYTES], path[128];

	snprintf(path, sizeof(path), ".unanswered/%s", digest_hex(fingerprint, DIGEST_BYTES, name));
	ck_assert_int_eq(utimensat(root, path, times, 0), 0);
}

START_TEST(notes_count_for_five_days)
{
	static const uint8_t noted[DIGEST_BYTES] = { 1, 2, 3 }, other[DIGEST_BYTES] = { 1, 2, 4 };

	ck_assert(!unanswered_known(root, noted, NOON));
	ck_assert_int_eq(unanswered_note(root, noted), 0);
	ck_assert(unanswered_known(root, noted, (int64_t)time(NULL)));
	note_age(noted, NOON);
	ck_assert(unanswered_known(root, noted, NOON) && unanswered_known(root, noted, NOON + 5 * DAY_S));
	ck_assert(!unanswered_known(root, noted, NOON + 5 * DAY_S + 1));
	ck_assert(!unanswered_known(root, other, NOON));
	ck_assert_int_eq(unanswered_expire(root, NOON + 5 * DAY_S), 0);
	ck_assert(unanswered_known(root, noted, NOON));
	ck_assert_int_eq(unanswered_expire(root, NOON + 5 * DAY_S + 1), 0);
	ck_assert(!unanswered_known(root, noted, NOON));
}
END_TEST

START_TEST(a_note_that_is_made_again_counts_anew)
{
	static const uint8_t noted[DIGEST_BYTES] = { 9 };

	ck_assert_int_eq(unanswered_note(root, noted), 0);
	note_age(noted, NOON);
	ck_assert_int_eq(unanswered_note(root, noted), 0);
	ck_assert(unanswered_known(root, noted, (int64_t)time(NULL)));
}
END_TEST

START_TEST(a_note_is_on_the_disk)
{
	ck_assert_int_eq(unanswered_note(root, (const uint8_t[DIGEST_BYTES]){ 1 }), 0);
	ck_assert_uint_eq(disk.counts[CALL_FSYNC], 3);
	ck_assert_ptr_nonnull(strstr(buf_text(&disk.order), "fsync .unanswered\n"));
}
END_TEST

static const enum disk_call note_calls[] = { CALL_MKDIRAT, CALL_OPENAT, CALL_OPENAT, CALL_FSYNC, CALL_FSYNC, CALL_FSYNC };
static const unsigned int note_numbers[] = { 1, 1, 2, 1, 2, 3 };

START_TEST(a_note_that_is_not_on_the_disk_is_an_error)
{
	disk.failing = note_calls[_i];
	disk.failing_at = note_numbers[_i];
	disk.error = EIO;
	ck_assert_int_eq(unanswered_note(root, (const uint8_t[DIGEST_BYTES]){ 1 }), -EIO);
}
END_TEST

/* ---- every call fails once ---- */

enum { FAILINGS_MAX = 12 };

/*
 * The way of a mail as the keeper goes it. True when the mail may have been delivered: everything was on the disk. What comes after may fail; the mail
 * has a file all the same.
 */
static bool mail_go(struct original *mail)
{
	uint64_t bytes;
	int descriptor;

	if (mail_create(mail) != 0)
		return false;
	if (original_read(mail, &descriptor, &bytes) != 0) {
		original_drop(mail);
		return false;
	}
	close(descriptor);
	if (original_offer(mail) != 0 || original_sync(mail) != 0) {
		original_drop(mail);
		return false;
	}
	original_keep(mail);
	return true;
}

static unsigned int files_count(void)
{
	char path[128];
	struct dirent *entry;
	unsigned int count = 0;
	DIR *day;

	snprintf(path, sizeof(path), "%s/inward/2026-11-28", root_path);
	day = opendir(path);
	while (day && (entry = readdir(day)))
		count += entry->d_type == DT_REG;
	if (day)
		closedir(day);
	return count;
}

START_TEST(no_failing_call_leaves_a_mail_without_its_file)
{
	static const int errors[] = { EIO, ENOSPC, EMFILE };
	unsigned int reached = 0;

	for (unsigned int at = 1; at <= FAILINGS_MAX; at++) {
		struct original mail = { .store = NULL };
		struct originals_swept swept;
		bool delivered;

		memset(disk.counts, 0, sizeof(disk.counts));
		disk.failing = (enum disk_call)_i;
		disk.failing_at = at;
		disk.error = errors[at % 3];
		delivered = mail_go(&mail);
		reached += disk.counts[_i] >= at;
		disk.failing_at = 0;
		ck_assert_int_eq(originals_recover(&store, &swept), 0);
		ck_assert_msg(!delivered || mail_has_file(&mail, ""), "%s number %u", call_names[_i], at);
		ck_assert_msg(files_count() == (delivered ? 1 : 0), "%s number %u leaves a file", call_names[_i], at);
		mail.state = ORIGINAL_KEPT;
		if (delivered)
			original_drop(&mail);
		unlinkat(root, "inward/2026-11-28", AT_REMOVEDIR);
	}
	ck_assert_uint_gt(reached, 0);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *originals_suite(void)
{
	Suite *suite = suite_create("relay/originals");
	TCase *tests = tcase_create("originals");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, each_state_has_its_name);
	tcase_add_test(tests, a_mail_that_comes_again_is_kept_once_under_each_id);
	tcase_add_test(tests, another_content_of_the_same_fingerprint_stays);
	tcase_add_test(tests, a_name_that_cannot_be_shared_loses_nothing);
	tcase_add_test(tests, the_front_can_write_and_not_read);
	tcase_add_loop_test(tests, the_washer_can_read_and_not_write, ORIGINAL_RECEIVING, ORIGINAL_KEPT + 1);
	tcase_add_loop_test(tests, what_nobody_has_goes_in_every_state, ORIGINAL_RECEIVING, ORIGINAL_KEPT + 1);
	tcase_add_loop_test(tests, kept_from_any_state, ORIGINAL_RECEIVING, ORIGINAL_KEPT + 1);
	tcase_add_test(tests, one_sync_serves_a_day_of_a_relay);
	tcase_add_test(tests, names_are_on_the_disk_in_order);
	tcase_add_test(tests, a_store_is_on_the_disk_when_it_is_open);
	tcase_add_test(tests, a_day_that_could_not_be_synced_is_made_again);
	tcase_add_loop_test(tests, free_space_is_left, 0, COUNT(space_rows));
	tcase_add_test(tests, a_name_that_is_taken_is_not_used_again);
	tcase_add_test(tests, a_broken_source_of_names_is_an_error);
	tcase_add_test(tests, a_link_is_not_a_directory);
	tcase_add_test(tests, a_link_is_not_a_mail);
	tcase_add_test(tests, a_link_is_not_a_note);
	tcase_add_test(tests, recovery_keeps_what_somebody_may_have);
	tcase_add_test(tests, recovery_walks_past_what_lies_in_the_way);
	tcase_add_loop_test(tests, whole_days_go_when_they_are_old, 0, COUNT(expiry_rows));
	tcase_add_test(tests, expiry_takes_one_day_in_a_call);
	tcase_add_test(tests, expiry_walks_past_what_lies_in_the_way);
	tcase_add_test(tests, notes_count_for_five_days);
	tcase_add_test(tests, a_note_that_is_made_again_counts_anew);
	tcase_add_test(tests, a_note_is_on_the_disk);
	tcase_add_loop_test(tests, a_note_that_is_not_on_the_disk_is_an_error, 0, COUNT(note_calls));
	tcase_add_loop_test(tests, no_failing_call_leaves_a_mail_without_its_file, 0, CALL_UNLINKAT);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	/* Days are local. */
	setenv("TZ", "UTC", 1);
	tzset();
	runner = srunner_create(originals_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
