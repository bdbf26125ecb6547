/* journal_files: the files of a journal. */
#include "sekisho/journal_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int is_journal_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 6 && strcmp(entry->d_name + length - 6, ".jsonl") == 0;
}

int journal_files(struct arena *arena, const char *directory, const char *const **ret_names, size_t *ret_count)
{
	struct dirent **files;
	int count = scandir(directory, &files, is_journal_file, alphasort);
	const char **names;

	if (count < 0)
		return -errno;
	names = arena_array(arena, (size_t)count, sizeof(*names));
	for (int i = 0; i < count; i++) {
		names[i] = arena_strdup(arena, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	*ret_names = names;
	*ret_count = (size_t)count;
	return 0;
}
