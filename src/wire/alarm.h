/*
 * alarm: what an administrator has to hear of, as a frame's payload (VERB_ALARM) from a role to its parent.
 *
 * An alarm has an id that never changes (of a line of the log, "SKS-NEW-TALKER", or of a finding, "interface-in-bridge"), a sentence, and fields that say
 * which one it is. Two alarms with the same id and fields are the same alarm; one that is over says so with them.
 * Refused packets are no alarms: they are counted, and kept in a database of their own.
 */
#ifndef WIRE_ALARM_H
#define WIRE_ALARM_H

#include <stdbool.h>

#include "base/buf.h"

enum { ALARM_FIELDS_MAX = 16, ALARM_ID_BYTES_MAX = 48, ALARM_KEY_BYTES_MAX = 32, ALARM_TEXT_BYTES_MAX = 512, ALARM_BYTES_MAX = 12 << 10 };

struct alarm_field {
	struct span key;	/* a to z, 0 to 9, '-', '_' */
	struct span value;	/* at most ALARM_TEXT_BYTES_MAX */
};

struct alarm {
	bool over;		/* what was raised is no more */
	struct span id;		/* letters, digits, '-' */
	struct span sentence;	/* English; at most ALARM_TEXT_BYTES_MAX */
	struct alarm_field fields[ALARM_FIELDS_MAX];
	size_t field_count;
};

/* Appends an alarm as a payload. Texts that are too long are cut at a character; id and keys must be as above. */
void alarm_pack(struct buf *out, const struct alarm *alarm);

/* Reads a payload; texts point into it. 0, or -EBADMSG when anything is not as above. */
int alarm_unpack(struct span payload, struct alarm *ret_alarm);

#endif
