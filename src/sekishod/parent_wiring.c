/* parent_wiring: who is connected where: sockets of frames for the sentry, and what it finds. */
#include "sekishod/parent.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "sekishod/messages.h"
#include "sekishod/pins.h"
#include "wiring/fault.h"

enum { FAULTS_PER_MINUTE_MAX = 300 };	/* a sentry that is not broken finds fewer */

static int wiring_renew_all(struct parent *parent, struct span barred)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(PINS_BYTES_MAX);
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct pins pins;
	int error;

	pins_in_force(parent, &bytes);
	if (pins_unpack(arena, buf_span(&bytes), &pins) != 0)
		return 0;
	error = wiring_renew(&parent->wiring, &pins, barred, parent->crew, ROLE_SENTRY);
	if (error && error != -EBADMSG)
		log_event(LOG_LEVEL_WARNING, "SKS-SENTRY", "who is connected where cannot be watched reason=\"%s\"", strerror(-error));
	return error == -EBADMSG ? error : 0;
}

int wiring_take(struct parent *parent, struct span payload)
{
	__attribute__((cleanup(buf_free))) struct buf inodes = buf_limited(0);
	int error = wiring_renew_all(parent, payload);

	wiring_inodes(&parent->wiring, &inodes);
	crew_send(parent->crew, ROLE_PLANNER, VERB_WIRING, buf_span(&inodes), -1);
	return error;
}

/* Says what the sentry found, in words: in the log and in the journal. Fields are what is the same each time. */
static void fault_tell(struct parent *parent, const struct fault *fault)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	const struct finding *finding = fault_find(&findings, fault);
	const char *sentence = arena_printf(arena, "%s %s (seen: %u)", finding_sentence(&findings, finding, LANGUAGE_EN),
					    finding_action(&findings, finding, LANGUAGE_EN), fault->count);
	char mac[MACADDR_TEXT_BYTES];
	const struct log_field fields[] = {
		{ "finding", finding->kind->id }, { "mac", macaddr_format(&fault->mac, mac) }, { "zone", fault->zone }, { "interface", fault->interface },
		{ "other-zone", fault->other_zone[0] ? fault->other_zone : "-" },
	};
	struct alarm alarm = { .id = span_of("SKS-WIRING"), .sentence = span_of(sentence), .field_count = sizeof(fields) / sizeof(fields[0]) };

	for (size_t i = 0; i < alarm.field_count; i++)
		alarm.fields[i] = (struct alarm_field){ span_of(fields[i].key), span_of(fields[i].value) };
	log_event_fields(LOG_LEVEL_WARNING, "SKS-WIRING", sentence, fields, alarm.field_count);
	alarm_book_note(&parent->alarms, &parent->journal, ROLE_SENTRY, &alarm);
}

int fault_take(struct parent *parent, struct span payload)
{
	struct fault fault;

	if (fault_unpack(payload, &fault) != 0)
		return -EBADMSG;
	if (!log_budget_allows(&parent->faults, FAULTS_PER_MINUTE_MAX, (int64_t)time(NULL), "SKS-SENTRY"))
		return 0;
	fault_tell(parent, &fault);
	crew_send_now(parent->crew, ROLE_WITNESS, VERB_FAULT, payload, -1);
	return 0;
}
