/*
 * book: what the witness has heard and not written to the database yet. No descriptor, no clock.
 *
 * It takes logged packets and readings of the kernel's counters, gives zones their names, folds repetitions, and makes of it the next batch. Its size does
 * not depend on how much is refused.
 */
#ifndef SEKISHOD_BOOK_H
#define SEKISHOD_BOOK_H

#include "events/events.h"
#include "kernel/nflog.h"
#include "sekishod/messages.h"

enum {
	BOOK_REFUSALS_MAX = 1024,	/* different ones between two batches; the rules log fewer */
	BOOK_COUNTS_MAX = 65536,	/* pairs and reasons */
	BOOK_GAPS_MAX = 16,
	BOOK_FAULTS_MAX = 512,		/* the parent hands on fewer in a minute */
};

/* A packet that came by an interface nobody has told us the zone of. */
struct book_unnamed {
	struct events_refusal refusal;	/* from and to are not known */
	uint32_t iif, oif;
};

struct book {
	struct arena *names;		/* as long as the ports: what the last report said */
	struct tally_report report;
	int64_t reported_at;		/* Unix time of the last report; 0: none */
	struct arena *past;		/* as long as the readings */
	struct events_reading *readings; /* sorted by counter, whole first, iif, oif: what has been counted so far */
	size_t reading_count;
	bool readings_moved;		/* since the last batch */
	struct arena *waiting;		/* what follows, until it is written */
	struct events_count *counts;
	size_t count_count, count_capacity;
	struct events_refusal *refusals;
	size_t refusal_count, refusal_capacity;
	struct book_unnamed *unnamed;	/* wait for the next report; in `waiting` as well */
	size_t unnamed_count, unnamed_capacity;
	struct events_fault faults[BOOK_FAULTS_MAX];
	size_t fault_count;
	struct events_gap gaps[BOOK_GAPS_MAX];
	size_t gap_count;
};

/* An empty book that goes on from the readings of the database (copied). */
struct book book_open(const struct events_reading *readings, size_t count);

/* Gives back the memory. */
void book_close(struct book *book);

/* A packet was logged at this Unix time. What no rule of ours logged is passed over. */
void book_take_packet(struct book *book, const struct nflog_packet *packet, int64_t now);

/* The kernel's counters were read. The report and everything it points to is copied. */
void book_take_report(struct book *book, const struct tally_report *report, int64_t now);

/* Somebody is connected where he should not be. One that there is no room for is left out: it stands in the journal. */
void book_take_fault(struct book *book, const struct fault *fault, int64_t now);

/* Something is missing; what is a word of struct events_gap and must be static. */
void book_note_gap(struct book *book, int64_t began, int64_t ended, const char *what);

/* True when packets wait for the names of a report. */
bool book_wants_report(const struct book *book);

/* True when there is something to write. */
bool book_has_news(const struct book *book);

/* What is to be written; points into the book, and is valid until the book is next changed. */
struct events_batch book_batch(struct book *book, int64_t now);

/* The batch was written: all of it is forgotten, but for the readings and what waits for its names. */
void book_written(struct book *book);

#endif
