/*
 * journal_files: the files of a journal (sekishod/journal_book.h), as a reader finds them.
 */
#ifndef SEKISHO_JOURNAL_FILES_H
#define SEKISHO_JOURNAL_FILES_H

#include <stddef.h>

#include "base/arena.h"

/* Their names in the directory, the oldest first, in the arena. 0 or negative errno. */
int journal_files(struct arena *arena, const char *directory, const char *const **ret_names, size_t *ret_count);

#endif
