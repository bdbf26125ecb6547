/* state: what a daemon keeps in its state directory. */
#include "daemon/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What stands there and is no file, a pipe for example, is not waited for. */
enum { OPEN_FLAGS = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

static void descriptor_closep(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
}

bool state_is_trusted(const struct stat *status)
{
	return S_ISREG(status->st_mode) && (status->st_uid == 0 || status->st_uid == geteuid()) && !(status->st_mode & (S_IWGRP | S_IWOTH));
}

/* The name under which a file is written before it takes the place of the old one. */
static int fresh_name(const char *name, char fresh[static STATE_NAME_BYTES_MAX])
{
	return snprintf(fresh, STATE_NAME_BYTES_MAX, "%s.new", name) < STATE_NAME_BYTES_MAX ? 0 : -ENAMETOOLONG;
}

static int bytes_keep(int directory, const char *fresh, const char *name, struct span bytes, mode_t mode)
{
	__attribute__((cleanup(descriptor_closep))) int file =
		openat(directory, fresh, O_WRONLY | O_CREAT | O_TRUNC | OPEN_FLAGS, mode);
	ssize_t written;

	if (file < 0 || fchmod(file, mode) != 0)
		return -errno;
	written = write(file, bytes.data, bytes.length);
	if (written != (ssize_t)bytes.length)
		return written < 0 ? -errno : -EIO;
	if (fsync(file) != 0 || renameat(directory, fresh, directory, name) != 0 || fsync(directory) != 0)
		return -errno;
	return 0;
}

static int file_keep(const char *directory, const char *name, struct span bytes, mode_t mode)
{
	__attribute__((cleanup(descriptor_closep))) int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char fresh[STATE_NAME_BYTES_MAX];
	int error = at < 0 ? -errno : fresh_name(name, fresh);

	return error ? error : bytes_keep(at, fresh, name, bytes, mode);
}

int state_keep(const char *directory, const char *name, struct span bytes)
{
	return file_keep(directory, name, bytes, 0600);
}

int state_publish(const char *directory, const char *name, struct span bytes)
{
	return file_keep(directory, name, bytes, 0640);
}

int state_rewrite(const char *directory, const char *name, struct span bytes)
{
	__attribute__((cleanup(descriptor_closep))) int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	__attribute__((cleanup(descriptor_closep))) int file = at < 0 ? -1 : openat(at, name, O_WRONLY | OPEN_FLAGS);
	ssize_t written;

	if (file < 0)
		return -errno;
	written = pwrite(file, bytes.data, bytes.length, 0);
	if (written != (ssize_t)bytes.length)
		return written < 0 ? -errno : -EIO;
	return ftruncate(file, (off_t)bytes.length) == 0 && fsync(file) == 0 ? 0 : -errno;
}

int state_forget(const char *directory, const char *name)
{
	__attribute__((cleanup(descriptor_closep))) int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return at >= 0 && unlinkat(at, name, 0) == 0 && fsync(at) == 0 ? 0 : -errno;
}

int state_recall(const char *directory, const char *name, size_t bytes_max, struct buf *out)
{
	__attribute__((cleanup(descriptor_closep))) int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	__attribute__((cleanup(descriptor_closep))) int file = at < 0 ? -1 : openat(at, name, O_RDONLY | OPEN_FLAGS);
	struct stat status;
	ssize_t got;

	if (file < 0 || fstat(file, &status) != 0)
		return -errno;
	if (!state_is_trusted(&status) || status.st_size < 0 || (size_t)status.st_size > bytes_max)
		return -EPERM;
	got = read(file, buf_reserve(out, bytes_max), bytes_max);
	if (got < 0)
		return -errno;
	out->length += (size_t)got;
	return 0;
}

/* ---- versions */

enum { STATE_LINE_BYTES_MAX = STATE_NAME_BYTES_MAX + 32 };

void state_put_version(struct buf *out, const char *name, unsigned int version)
{
	buf_printf(out, "sekisho %s %u\n", name, version);
}

int state_take_version(struct span *bytes, const char *name, unsigned int version_max)
{
	const char *end = bytes->length > 0 ? memchr(bytes->data, '\n', bytes->length) : NULL;
	char line[STATE_LINE_BYTES_MAX], expected[STATE_LINE_BYTES_MAX];
	unsigned int version;
	size_t length;

	if (!end || end - bytes->data >= STATE_LINE_BYTES_MAX - 1)
		return 0;
	length = (size_t)(end - bytes->data) + 1;
	memcpy(line, bytes->data, length);
	line[length] = '\0';
	if (sscanf(line, "sekisho %*63s %u", &version) != 1)
		return 0;
	snprintf(expected, sizeof(expected), "sekisho %s %u\n", name, version);
	if (strcmp(line, expected) != 0)
		return 0;
	bytes->data += length;
	bytes->length -= length;
	return version <= version_max ? 0 : -EPROTO;
}
