/*
 * alarm_book: which alarms the parent writes to the journal one by one, and which it counts.
 *
 * An alarm that was recorded is not recorded again for ALARM_FOLD_S, but counted; that it is over, or there again, is. A role has ALARMS_PER_HOUR records
 * in an hour and no more, whatever it says: roles meet strangers' bytes, and whoever drives one may neither fill the disk nor push the records of others out of it.
 * What was not recorded is told, with its number, by the next record of the role, or by a record of its own at the end.
 * To judge and to make a record takes no I/O and no clock: now is monotonic seconds.
 */
#ifndef SEKISHOD_ALARM_BOOK_H
#define SEKISHOD_ALARM_BOOK_H

#include <stdint.h>

#include "base/digest.h"
#include "sekishod/journal_book.h"
#include "sekishod/options.h"
#include "wire/alarm.h"

enum { ALARMS_REMEMBERED = 256, ALARM_FOLD_S = 3600, ALARMS_PER_HOUR = 60 };

/* An alarm that was recorded lately. */
struct alarm_memory {
	uint8_t digest[DIGEST_BYTES];	/* of role, id and fields */
	bool over;			/* as it was recorded last */
	int64_t recorded_s;
	bool used;
};

struct alarm_book {
	struct alarm_memory memories[ALARMS_REMEMBERED];
	int64_t hour_began_s[ROLE_COUNT];
	unsigned int recorded[ROLE_COUNT];	/* in it */
	unsigned int held_back[ROLE_COUNT];	/* since the last record of the role */
};

/* True when the alarm is to be recorded; else it is counted. */
bool alarm_book_admits(struct alarm_book *book, enum role role, const struct alarm *alarm, int64_t now_s);

/* How many were counted since the last record of the role; they are told of now. */
unsigned int alarm_book_settle(struct alarm_book *book, enum role role);

/* Makes the record of an alarm; texts are in the arena. held_back: of alarm_book_settle(). */
struct journal_record alarm_record(struct arena *arena, enum role role, const struct alarm *alarm, unsigned int held_back);

/* Records an alarm of a role, or counts it. */
void alarm_book_note(struct alarm_book *book, struct journal_book *journal, enum role role, const struct alarm *alarm);

/* Records how many were counted since. */
void alarm_book_close(struct alarm_book *book, struct journal_book *journal);

#endif
