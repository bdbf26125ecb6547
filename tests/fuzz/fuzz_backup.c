/*
 * Any bytes as a backup: no crash, no leak, nothing outside the directory it is taken apart in. What is sound has the files it says.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sekisho/backup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TREE_DESCRIPTORS = 16 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int tree_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)kind;
	(void)walk;
	require(S_ISDIR(status->st_mode) || (S_ISREG(status->st_mode) && status->st_nlink == 1));
	return remove(path);
}

static void content_judge(const char *directory, const struct backup_content *content)
{
	require(content->about.host && content->about.config);
	for (size_t i = 0; i < content->member_count; i++) {
		char path[BACKUP_NAME_BYTES_MAX + 64];
		struct stat status;

		require(backup_is_member(content->members[i].name));
		snprintf(path, sizeof(path), "%s/%s", directory, content->members[i].name);
		require(lstat(path, &status) == 0 && (uint64_t)status.st_size == content->members[i].bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char outer[] = "/tmp/fuzz-backup.XXXXXX", inner[sizeof(outer) + 8];
	struct backup_content content = { .member_count = 0 };
	enum backup_fault fault = BACKUP_SOUND;
	struct arena *arena = arena_new();
	int file = memfd_create("backup", MFD_CLOEXEC), error;
	const char *member = NULL;

	require(mkdtemp(outer) && file >= 0 && write(file, data, size) == (ssize_t)size && lseek(file, 0, SEEK_SET) == 0);
	snprintf(inner, sizeof(inner), "%s/inner", outer);
	require(mkdir(inner, 0700) == 0);
	error = backup_unpack(arena, file, inner, &content, &fault, &member);
	require(error == 0 || member);
	require(error != -EBADMSG || fault != BACKUP_SOUND);
	if (error == 0)
		content_judge(inner, &content);
	require(nftw(inner, tree_remove, TREE_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) == 0 && rmdir(outer) == 0);
	arena_free(arena);
	close(file);
	return 0;
}
