/*
 * Runs a fuzz target over the files named as arguments, and over the files of directories named so: for
 * compilers without libFuzzer.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/finding.h"

enum { INPUT_BYTES_MAX = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_run(const char *path)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct source source;
	int error = source_read(arena, path, INPUT_BYTES_MAX, &source);

	if (error < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-error));
		return error;
	}
	return LLVMFuzzerTestOneInput((const uint8_t *)source.text, source.length);
}

static int file_is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int directory_run(const char *path)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct dirent **entries;
	int count = scandir(path, &entries, file_is_visible, alphasort);
	int result = count < 0 ? -errno : 0;

	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = file_run(arena_printf(arena, "%s/%s", path, entries[i]->d_name));
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	if (result == 0)
		printf("%s: %d inputs\n", path, count);
	return result;
}

int main(int argc, char **argv)
{
	int result = 0;

	for (int i = 1; i < argc && result == 0; i++) {
		struct stat status;

		if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode))
			result = directory_run(argv[i]);
		else
			result = file_run(argv[i]);
	}
	return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
