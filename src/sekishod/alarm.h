/*
 * alarm: the one road by which a role raises an alarm: a line of the log, and a record in the journal, which the parent writes.
 *
 * Alarms are few. The parent folds what is repeated (sekishod/alarm_book.h), so a role may raise the same one again; that a role writes its line
 * of the log with each is its own business: where somebody outside can cause as many as he likes, it asks a log_budget first.
 * Fields say which one it is, and nothing that differs from one repetition to the next; what else is worth saying stands in the sentence.
 */
#ifndef SEKISHOD_ALARM_H
#define SEKISHOD_ALARM_H

#include "base/log.h"

/*
 * Raises an alarm from a role (its channel to the parent is CREW_CHANNEL). id is a stable message id, the sentence is English; both as in wire/alarm.h. At most
 * ALARM_FIELDS_MAX fields. When the parent cannot be reached the line of the log is all there is; the role ends soon then.
 */
void alarm_raise(const char *id, const char *sentence, const struct log_field *fields, size_t field_count);

/* The same alarm, by id and fields, is over. */
void alarm_end(const char *id, const char *sentence, const struct log_field *fields, size_t field_count);

/* A finding as an alarm, under its own id; its English sentence says which one it is. The line of the log is log_finding()'s, SKS-FINDING. */
void alarm_raise_finding(const struct findings *findings, const struct finding *finding);

/* The alarm of a finding is over, of which id and English sentence are left. Writes no line of the log. */
void alarm_end_finding(const char *id, const char *sentence);

#endif
