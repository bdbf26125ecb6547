/*
 * journal: one record of what was done to the gateway, as a frame's payload and as a line of the journal, and the chain that holds
 * the lines together. No file is touched here.
 *
 * A line is one JSON object and a line end:
 *   {"n":7,"time":1795247999,"clock":"synchronised"|"free","event":"commit","who":{"pid":1,"uid":0,"login":1000,"process":"sekisho"},
 *    "reason":"...","before":HEX,"after":HEX,"details":["opens web",...],"prev":HEX}
 * who is null when sekishod did it by itself; login is null when nobody has logged in; before and after are digests of zone files, "" where
 * there is none. prev is the SHA-256 of the line before without its line end, sixty-four zeros in front of the first. So who changes,
 * deletes or moves a line breaks the chain behind it, and who rewrites all of it gets another head: the SHA-256 of the last line, which
 * is told to the log with every record and kept by whoever keeps that (R24, R27).
 */
#ifndef WIRE_JOURNAL_H
#define WIRE_JOURNAL_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"

enum journal_event {
	JOURNAL_START, JOURNAL_STOP,
	JOURNAL_COMMIT,			/* other rules are in force */
	JOURNAL_CONFIRM,		/* a change is for good */
	JOURNAL_RETURN,			/* a change was not confirmed and went back */
	JOURNAL_LAST_GOOD,		/* the file could not be put in force, so what was in force before is, again */
	JOURNAL_SEALED,			/* nothing passes any more: no lawful rules were to be had */
	JOURNAL_REFUSED,		/* an apply changed nothing: the file, or the kernel */
	JOURNAL_PROPOSE,		/* an apply waits for a second person */
	JOURNAL_FAILED,			/* it came to no end */
	JOURNAL_ISOLATE, JOURNAL_RELEASE, JOURNAL_DRILL,
	JOURNAL_DRIFT,			/* somebody else changed our rules, and they could not be put back */
	JOURNAL_REPAIR,			/* ... and they were */
	JOURNAL_REMOVE,			/* a table of somebody else led past our rules, and was removed; details say which */
	JOURNAL_ALARM,			/* wire/alarm.h: details are its id, its sentence, and its fields as "key=value" */
	JOURNAL_ALARM_OVER,		/* the same alarm is over */
	JOURNAL_GAP,			/* records could not be written before this one; details say which */
	JOURNAL_RETIRED,		/* the oldest records were deleted; details say up to which */
	JOURNAL_RESTORE,		/* a backup was brought back before this start; details say which */
	JOURNAL_EVENT_COUNT
};

enum {
	JOURNAL_LINE_BYTES_MAX = 64 << 10,
	JOURNAL_DETAILS_MAX = 256,
	JOURNAL_RECORD_BYTES_MAX = 24 << 10, /* packed */
	JOURNAL_PROCESS_BYTES_MAX = 64,
};

/* Who asked for it, as the kernel says. */
struct journal_who {
	bool known;			/* false: nobody; sekishod itself */
	bool logged_in;			/* login is a user */
	uint32_t pid, uid, login;
	struct span process;		/* the name of the process; "" if it was gone already */
};

struct journal_record {
	enum journal_event event;
	struct journal_who who;
	struct span reason, before, after;
	struct span details[JOURNAL_DETAILS_MAX];
	size_t detail_count;
};

/* What the writer adds. */
struct journal_stamp {
	uint64_t number;		/* from 1 */
	int64_t time;			/* Unix time */
	bool synchronised;		/* the kernel's clock follows a reference (R28) */
	uint8_t previous[DIGEST_BYTES];
};

/* "start", "commit", ... */
const char *journal_event_word(enum journal_event event);

/* Adds a detail, which is not copied; one that is too many is left out. */
void journal_record_add(struct journal_record *record, struct span detail);

/* Appends a record as a payload. */
void journal_record_pack(struct buf *out, const struct journal_record *record);

/* Reads a payload; texts point into it. 0 or -EBADMSG. */
int journal_record_unpack(struct span payload, struct journal_record *ret_record);

/*
 * Appends the line of a record, with its line end. What is not text is made visible (base/width.h). Details that would make the line longer
 * than JOURNAL_LINE_BYTES_MAX are left out, and the last one then says how many.
 */
void journal_line_put(struct buf *out, const struct journal_record *record, const struct journal_stamp *stamp);

/* What a line must have to be a record. */
struct journal_line {
	uint64_t number;
	int64_t time;
	const char *event;		/* of root */
	uint8_t previous[DIGEST_BYTES];
	json_t *root;			/* whole; the caller's reference */
};

/*
 * Reads a line without its line end. Foreign bytes: 0, or -EBADMSG when it is no record.
 */
int journal_line_parse(struct span line, struct journal_line *ret_line);

/* What may be wrong with a line in its place. */
enum journal_fault {
	JOURNAL_SOUND,
	JOURNAL_UNREADABLE,		/* it is no record */
	JOURNAL_MISNUMBERED,		/* it is not the next one: lines are missing, twice there or moved */
	JOURNAL_UNCHAINED,		/* it does not hold the digest of the line before: that one was changed, or this one */
};

/* A chain that is being followed from line to line; all zero before the first. */
struct journal_chain {
	uint64_t count;			/* lines that were records */
	uint64_t first, last;		/* numbers of the first and the last of them; 0: none yet */
	uint8_t head[DIGEST_BYTES];	/* of the last line */
};

/*
 * Follows the chain by a line without its line end. The first line may have any number, and is then believed; after a fault the chain goes
 * on with this line, so that each fault is told once. number (may be NULL) is the line's own, 0 if it is unreadable.
 */
enum journal_fault journal_chain_follow(struct journal_chain *chain, struct span line, uint64_t *ret_number);

#endif
