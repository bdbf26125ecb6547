/*
 * journal_book: the journal on the disk (wire/journal.h): files in a directory of their own, appended to and never changed.
 *
 * A file is named after its first record, "000000000007.jsonl"; a full one is followed by the next, and the chain goes on. What was written
 * is on the disk before journal_book_write() returns. Files whose last record is older than JOURNAL_KEPT_DAYS are deleted when a
 * new one begins, and a record says so.
 *
 * A full disk stops nothing but the journal: the oldest file but the current is given up for room; where that does not help, what could not
 * be written is counted, told to the log, and a record of the gap is the first thing written when there is room again.
 */
#ifndef SEKISHOD_JOURNAL_BOOK_H
#define SEKISHOD_JOURNAL_BOOK_H

#include <sys/types.h>

#include "wire/journal.h"

enum { JOURNAL_FILE_BYTES_MAX = 4 << 20, JOURNAL_KEPT_DAYS = 400 };

struct journal_book {
	const char *path;		/* of the directory */
	int directory, file;		/* -1: not open */
	off_t length;			/* of the current file */
	off_t file_bytes_max;		/* a longer file is followed by a new one */
	uint64_t next_number;
	uint8_t head[DIGEST_BYTES];	/* of the last line */
	uint64_t lost_count;		/* records that could not be written since the last one that was */
	int64_t lost_since;
	uint64_t torn_bytes;		/* of a record that power or a crash cut off, taken away at the opening */
};

/* A book that is not open yet. path must outlive it. */
struct journal_book journal_book_at(const char *path);

/* Opens it, making the directory if there is none, and finds the end of the chain. 0 or negative errno; opening is tried again by each write. */
int journal_book_open(struct journal_book *book);

/*
 * Appends a record with the time now. 0: it is on the disk; negative errno: it is not, and counts as lost. Both are told to the log: with the
 * head of the chain, or with what was lost.
 */
int journal_book_write(struct journal_book *book, const struct journal_record *record);

/* Closes it. */
void journal_book_close(struct journal_book *book);

#endif
