/* alarm: the road by which a role raises an alarm. */
#include "sekishod/alarm.h"

#include <string.h>

#include "daemon/crew.h"
#include "wire/alarm.h"

static void alarm_send(struct alarm *alarm, const struct log_field *fields, size_t field_count)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	int error;

	for (size_t i = 0; i < field_count && i < ALARM_FIELDS_MAX; i++)
		alarm->fields[alarm->field_count++] = (struct alarm_field){ span_of(fields[i].key), span_of(fields[i].value) };
	alarm_pack(&payload, alarm);
	error = frame_send(CREW_CHANNEL, &(struct frame){ .verb = VERB_ALARM, .payload = buf_span(&payload), .descriptor = -1 });
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-ALARM", "an alarm did not reach the journal alarm=%.*s reason=\"%s\"", (int)alarm->id.length, alarm->id.data,
			  strerror(-error));
}

void alarm_raise(const char *id, const char *sentence, const struct log_field *fields, size_t field_count)
{
	struct alarm alarm = { .id = span_of(id), .sentence = span_of(sentence) };

	log_event_fields(LOG_LEVEL_WARNING, id, sentence, fields, field_count);
	alarm_send(&alarm, fields, field_count);
}

void alarm_end(const char *id, const char *sentence, const struct log_field *fields, size_t field_count)
{
	struct alarm alarm = { .over = true, .id = span_of(id), .sentence = span_of(sentence) };

	log_event_fields(LOG_LEVEL_NOTICE, id, sentence, fields, field_count);
	alarm_send(&alarm, fields, field_count);
}

void alarm_raise_finding(const struct findings *findings, const struct finding *finding)
{
	const struct log_field what = { "what", finding_sentence(findings, finding, LANGUAGE_EN) };
	struct alarm alarm = { .id = span_of(finding->kind->id) };

	log_finding(findings, finding);
	alarm_send(&alarm, &what, 1);
}

void alarm_end_finding(const char *id, const char *sentence)
{
	const struct log_field what = { "what", sentence };
	struct alarm alarm = { .over = true, .id = span_of(id) };

	alarm_send(&alarm, &what, 1);
}
