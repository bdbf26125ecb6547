/*
 * reader: a zone file becomes settings.
 *
 * libconfig parses; the schema decides what is known. All mistakes of a file are reported in one run: unknown
 * keys (with the nearest known one), wrong kinds, missing values, values out of range, invalid UTF-8, control
 * characters, a list that is too long, keys that other firewalls have and this one refuses for a reason (nat,
 * masquerade, ...: the reason and the alternative in words). A syntax error stops the file at its line.
 * libconfig's tree is large (2.6 KB per flow): it gets long lists in parts, so that no more than one part of it
 * exists at a time, and nothing of it is left when the call returns.
 */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "base/arena.h"
#include "base/finding.h"
#include "config/settings.h"

enum {
	READER_FILE_BYTES_MAX = 256 << 20,	/* one file */
	READER_TOTAL_BYTES_MAX = 512 << 20,	/* all files together */
	READER_FILES_MAX = 256,			/* the main file and all included ones */
	READER_INCLUDE_DEPTH_MAX = 10,		/* libconfig's own limit */
	READER_BRACKETS_DEPTH_MAX = 64,		/* brackets within brackets */
	READER_LIST_ITEMS_MAX = 1 << 18,	/* one list; libconfig grows lists 16 items at a time */
};

/*
 * Reads the file at path (and what it @includes; relative names are taken from the directory of path) into
 * settings in the arena; its sources go to the arena of the findings. Mistakes become findings; 0 also when there are any: the settings then hold what could
 * be read, so that later floors can find more. -EBADMSG: the syntax is broken, nothing usable was read (a
 * finding says where); other negative errno: the file could not be read (a finding says so as well).
 */
int settings_read(struct arena *arena, const char *path, struct findings *findings,
		  struct settings **ret_settings);

/*
 * Like settings_read() for the zones alone: of everything else the grammar is checked and nothing is read.
 */
int settings_read_zones(struct arena *arena, const char *path, struct findings *findings,
			struct settings **ret_settings);

/* Like settings_read() for a text that is named path in findings; @include is refused with a finding. */
int settings_read_text(struct arena *arena, const char *path, const char *text, size_t length,
		       struct findings *findings, struct settings **ret_settings);

/*
 * Prints settings as a zone file that reads back as equal settings (origins aside): canonical order, only what
 * was written, strings escaped.
 */
void settings_print(struct buf *out, const struct settings *settings);

/* True when both say the same (origins aside). */
bool settings_equal(const struct settings *a, const struct settings *b);

#endif
