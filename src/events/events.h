/*
 * events: the database of what was refused and of wrong wirings (SQLite), kept by one writer and read by anybody who may read its file.
 *
 * Three kinds of rows. Counts are exact: what the kernel counted, by day in Japan, reason and directed pair of zones. Refusals are the detail
 * that was logged of some of them: repetitions of one sender, receiver, protocol and port are one row with its first and last time. Faults say who was
 * connected where he should not be, folded likewise. A gap says from when to when something is missing, and what.
 *
 * The writer survives a crash at any moment: a batch is one transaction, and the kernel's counters are remembered in the same one, so that nothing is
 * counted twice or left out when the next process goes on. When the file has reached its greatest size, or the disk is full, the oldest rows go.
 * Times are Unix seconds. Texts are UTF-8, NUL-terminated; those of rows point into the row and are valid during the callback.
 */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "wiring/fault.h"

#define EVENTS_FILE "events.db"
#define EVENTS_GATEWAY "gateway"	/* instead of a zone: the gateway itself */
#define EVENTS_NO_ZONE "-"		/* instead of a zone: none, or not decided yet where it was refused */

enum {
	EVENTS_VERSION = 1,		/* of the file's form (PRAGMA user_version) */
	EVENTS_VERSION_MAX = 1 << 30,
	EVENTS_RETENTION_DAYS = 400,
	EVENTS_PAGES_MAX = 64 << 10,	/* of 4 KiB: 256 MiB */
	EVENTS_REFUSALS_MAX = 500000,	/* rows of detail; whoever forges senders cannot have more */
	EVENTS_FAULTS_MAX = 10000,	/* rows; the oldest go */
	EVENTS_ALERT_PERCENT = 80,
	EVENTS_LOG_BYTES_MAX = 16 << 20, /* of what waits beside the database for readers to let go; one batch more at most */
};

struct events;

/* What the kernel counted since the last batch. */
struct events_count {
	const char *reason, *from, *to;
	uint64_t packets;	/* at least 1 */
};

/* Where a counter of the kernel stood, so that the next reading can be taken from there. */
struct events_reading {
	uint8_t counter;	/* index into refusal_counters() */
	bool whole;
	uint32_t iif, oif;
	uint64_t handle, packets;
};

/* Detail: one sender, receiver, protocol and port of one pair and reason. */
struct events_refusal {
	const char *reason, *from, *to;
	const char *source, *destination;	/* addresses */
	const char *mac;	/* of the sender as last seen; "" not known */
	uint8_t protocol;
	uint16_t port;		/* destination port; 0 where the protocol has none */
	int64_t first, last;
	uint64_t packets;	/* that were logged: at least so many were refused */
	bool new_talker;	/* set by events_write(): this source was never refused on this pair before */
};

struct events_gap {
	int64_t began, ended;
	const char *what;	/* "witness": nobody listened; "detail": the kernel dropped log messages; "counters": counters began anew, unread counts are lost */
};

/* A wrong wiring that was seen; its own count is how often in all. */
struct events_fault {
	struct fault fault;
	int64_t first, last;
	uint64_t count;
};

/* One transaction. */
struct events_batch {
	int64_t now;
	const struct events_count *counts;
	size_t count_count;
	const struct events_reading *readings; /* all that hold now; NULL: as before */
	size_t reading_count;
	struct events_refusal *refusals;
	size_t refusal_count;
	const struct events_fault *faults;
	size_t fault_count;
	const struct events_gap *gaps;
	size_t gap_count;
};

/* ---- the writer */

/* A file that was there and cannot be gone on with. */
struct events_aside {
	const char *path;	/* where it is now; NULL: there was none */
	bool newer;		/* a newer version of this program wrote it; else it is damaged */
};

/*
 * Opens the database in a directory, which must be there, or makes it. boot tells this boot from others ("" not known): readings of another one are forgotten. A file
 * of an older form is made one of ours, with all that is in it. One of a newer form, or one that is no sound database, is put aside with what belongs to it
 * (events.db.newer, events.db.damaged; .2 to .9 behind when that is taken, of which the last is replaced) and a new one begins. In the arena. 0 or negative
 * errno; the caller closes it.
 */
int events_open(struct arena *arena, const char *directory, const char *boot, struct events **ret_events, struct events_aside *ret_aside);

/* The readings of the last batch, in the arena. *ret_alive: when it was written; 0: never. 0 or negative errno. */
int events_recall(struct events *events, struct arena *arena, struct events_reading **ret_readings, size_t *ret_count, int64_t *ret_alive);

/*
 * Writes a batch, all of it or nothing, and marks refusals of new talkers. Rows that are past their retention go; where there is no room, the oldest go as well.
 * 0 or negative errno: nothing was written, and the same batch may be tried again; -EBUSY: a reader has held the database for so long that EVENTS_LOG_BYTES_MAX is reached.
 */
int events_write(struct events *events, struct events_batch *batch);

/* How full the database is of what it may take, in percent. */
unsigned int events_fullness(struct events *events);

/* ---- readers */

/*
 * Opens a database for reading. 0 or negative errno; -ENOENT: there is none; -EPROTONOSUPPORT: it is of another version (a running daemon of ours makes it one of
 * ours). The file may come from a process that was broken into: it is read with SQLite's
 * defences on.
 */
int events_open_reading(const char *path, struct events **ret_events);

/* What rows are wanted; texts NULL: all. */
struct events_query {
	int64_t since;		/* rows whose last time is at or after this; of counts, whole days */
	const char *zone;	/* on either side */
	size_t rows_max;	/* the latest; 0: all */
	bool changed;		/* refusals: instead of by time, those whose last change has a number above `after` and not above `through`, the oldest first */
	int64_t after, through;
};

/* A day's exact count. */
struct events_day {
	int32_t day;		/* base/date.h */
	const char *reason, *from, *to;
	int64_t first, last;
	uint64_t packets;
};

/* The number of the writer's last change; 0: none yet. */
int64_t events_last_change(struct events *events);

/*
 * Each calls visit for the rows that are wanted: counts by pair, reason and day; refusals and faults from the latest; gaps in their order. A row that
 * cannot be a fault is passed over. 0 or negative errno.
 */
int events_days_each(struct events *events, const struct events_query *query, void (*visit)(const struct events_day *day, void *context),
		     void *context);
int events_refusals_each(struct events *events, const struct events_query *query,
			 void (*visit)(const struct events_refusal *refusal, void *context), void *context); /* see events_days_each() */
int events_gaps_each(struct events *events, const struct events_query *query, void (*visit)(const struct events_gap *gap, void *context),
		     void *context);						/* see events_days_each() */

int events_faults_each(struct events *events, const struct events_query *query, void (*visit)(const struct events_fault *fault, void *context),
		       void *context);						/* see events_days_each() */

/* Writes all of it, as it is at this moment, to a new file; the writer goes on meanwhile. 0 or negative errno, -EEXIST: there is a file. */
int events_copy(struct events *events, const char *path);

/* Closes it. NULL is allowed. */
void events_close(struct events *events);

#endif
