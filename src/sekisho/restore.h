/*
 * restore: what a backup was taken apart into comes to its places (R34).
 *
 * Nothing is deleted: what is replaced is moved to a directory of its own in the state directory, before-restore-TIME. Each file is replaced in one step; a restore
 * that was cut off is made again by the same command.
 *
 * A gateway whose journal goes on where that of the backup ends is the one that was backed up: its journal, its record of refusals and what is isolated on it are newer
 * than the backup and stay. Any other gets those of the backup, with what was isolated there. The newest time is the later one of both, so that nothing reopens.
 */
#ifndef SEKISHO_RESTORE_H
#define SEKISHO_RESTORE_H

#include "sekisho/backup.h"

struct restore {
	struct arena *arena;
	const char *staging;		/* where the backup was taken apart */
	const char *state_directory;
	const char *config_path;	/* of the zone file on this machine */
	const struct backup_content *content;
	const char *aside;		/* made when there is something to put there; "": nothing was replaced */
	bool same_machine;		/* the journal here goes on where that of the backup ends */
	bool isolates;			/* the backup brings isolated zones along */
	size_t placed;			/* files */
	const char *failed;		/* path at which it ended, for -errno */
};

/*
 * Looks how the backup meets what is here; changes nothing. 0; -EEXIST: zones are isolated here and others in the backup of another machine, and nobody can say which
 * count; other negative errno.
 */
int restore_look(struct restore *restore);

/* Brings all files to their places. now: Unix time, for the name of the directory. 0 or negative errno, with restore->failed. */
int restore_place(struct restore *restore, int64_t now);

/* Removes the staging directory and what is in it. */
void restore_tidy(const char *staging);

#endif
