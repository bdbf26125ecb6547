/* parent_journal: what roles say of what happened is written down, by us alone, so that no role that was taken over can change what is written. */
#include "sekishod/parent.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "daemon/caller.h"

enum {
	DRIFTS_PER_MINUTE_MAX = 30,	/* recorded one by one; who fights us may not fill the disk */
	DRIFT_DETAIL_BYTES = 80,
};

void event_record(struct parent *parent, enum journal_event event)
{
	const struct journal_record record = { .event = event };

	journal_book_write(&parent->journal, &record);
}

/* What the planner did, or refused. It waits for the answer before it answers whoever asked. */
static int planner_record_take(struct parent *parent, struct span payload)
{
	struct journal_record record;
	char written;

	if (journal_record_unpack(payload, &record) != 0 || record.event < JOURNAL_COMMIT || record.event > JOURNAL_FAILED)
		return -EBADMSG;
	(void)time_look(parent);
	written = journal_book_write(&parent->journal, &record) == 0;
	/* The change is over, and its pins were taken or are not wanted. */
	pins_forget_ahead(parent);
	crew_send(parent->crew, ROLE_PLANNER, VERB_RECORDED, (struct span){ .data = &written, .length = 1 }, -1);
	return 0;
}

/* True when the drift is to be recorded by itself; else it is counted. */
static bool drift_is_single(struct parent *parent)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (parent->drift_count == 0 || now.tv_sec - parent->drifts_since >= 60) {
		parent->drifts_since = now.tv_sec;
		parent->drift_count = 0;
	}
	if (parent->drift_count++ < DRIFTS_PER_MINUTE_MAX)
		return true;
	parent->drifts_folded++;
	return false;
}

/* Somebody changed our rules, or made some that led past them. The enforcer knows the process; who it is, /proc tells if it still runs. */
static int enforcer_record_take(struct parent *parent, struct span payload)
{
	char detail[DRIFT_DETAIL_BYTES];
	struct journal_record record;
	struct caller caller;

	if (journal_record_unpack(payload, &record) != 0 || (record.event != JOURNAL_DRIFT && record.event != JOURNAL_REPAIR && record.event != JOURNAL_REMOVE))
		return -EBADMSG;
	if (!drift_is_single(parent))
		return 0;
	caller_of_process(record.who.pid, &caller);
	if (caller.process[0]) {
		record.who = (struct journal_who){ .known = true, .pid = caller.pid, .uid = caller.uid, .logged_in = caller.logged_in,
						   .login = caller.login, .process = span_of(caller.process) };
	}
	if (parent->drifts_folded > 0) {
		snprintf(detail, sizeof(detail), "and %u more since the record before", parent->drifts_folded);
		journal_record_add(&record, span_of(detail));
	}
	if (journal_book_write(&parent->journal, &record) == 0)
		parent->drifts_folded = 0;
	return 0;
}

int record_take(struct parent *parent, int role, struct span payload)
{
	return role == ROLE_PLANNER ? planner_record_take(parent, payload) : enforcer_record_take(parent, payload);
}

int alarm_take(struct parent *parent, enum role role, struct span payload)
{
	struct alarm alarm;
	int error = alarm_unpack(payload, &alarm);

	if (!error)
		alarm_book_note(&parent->alarms, &parent->journal, role, &alarm);
	return error;
}

void alarm_own(struct parent *parent, const char *id, const char *sentence, const char *key, const char *value)
{
	const struct alarm alarm = { .id = span_of(id), .sentence = span_of(sentence), .fields = { { span_of(key), span_of(value) } }, .field_count = 1 };

	alarm_book_note(&parent->alarms, &parent->journal, ROLE_PARENT, &alarm);
}
