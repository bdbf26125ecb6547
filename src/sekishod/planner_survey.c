/*
 * planner_survey: looks for what could carry packets past the rules, and says it when it comes and when it is gone.
 *
 * It looks at the start, when something has changed of what the kernel tells, and every few seconds: some ways come without a notification, so the time
 * between two looks is how long one may stay unseen. What takes a privilege to see is looked for by the enforcer (lookout.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/survey.h"
#include "sekishod/alarm.h"
#include "sekishod/foreign_messages.h"
#include "sekishod/planner.h"
#include "wire/report.h"

enum {
	SURVEY_S = 5,
	SURVEY_CALLED_MS = 100,	/* changes come several at a time */
};

/* True when the array has a finding of the same sentence. */
static bool is_among(const json_t *array, const json_t *finding)
{
	const json_t *other;
	size_t i;

	json_array_foreach(array, i, other)
		if (json_equal(other, finding))
			return true;
	return false;
}

static void gone_tell(const json_t *finding)
{
	const char *id = json_string_value(json_object_get(finding, "id"));

	log_event(LOG_LEVEL_NOTICE, "SKS-SURVEY", "what was found before is no more finding=%s", id);
	alarm_end_finding(id, json_string_value(json_object_get(json_object_get(finding, "en"), "sentence")));
}

/* Says what came and what is gone since the last look. */
static void changes_tell(const struct findings *findings, const json_t *before, const json_t *now)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(now, i, finding)
		if (!is_among(before, finding))
			alarm_raise_finding(findings, &findings->items[i]);
	json_array_foreach(before, i, finding)
		if (!is_among(now, finding))
			gone_tell(finding);
}

static void survey_look(struct planner *planner)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	json_t *now;
	int error;

	/* Which interfaces matter is not known yet, or which sockets are ours; whoever puts something in force, or tells it, calls. */
	if (planner->state == STATE_STARTING || planner->wirings_asked > 0)
		return;
	error = ways_find(planner, &findings);
	if (!error)
		error = wiring_find(planner, &findings);
	if (error) {
		log_event(LOG_LEVEL_WARNING, "SKS-SURVEY", "the ways past the rules could not be looked for reason=\"%s\"", strerror(-error));
		return;
	}
	now = findings_to_json(&findings);
	changes_tell(&findings, planner->survey, now);
	json_decref(planner->survey);
	planner->survey = now;
}

/* The enforcer's answer calls for another look if it is another than before. One that does not hear is being started again. */
static void survey_come(evutil_socket_t unused, short what, void *context)
{
	struct planner *planner = context;

	(void)unused;
	(void)what;
	(void)planner_send_enforcer(planner, VERB_SURVEY, 0, -1);
	survey_look(planner);
}

static bool foreign_is_same(const struct foreign *a, const struct foreign *b)
{
	return a->count == b->count && (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof(*a->items)) == 0);
}

int survey_foreign(struct planner *planner, struct span payload)
{
	struct arena *arena = arena_new();
	struct foreign foreign;
	int error = foreign_unpack(arena, payload, &foreign);

	if (error || (planner->foreign_arena && foreign_is_same(&foreign, &planner->foreign))) {
		arena_free(arena);
		return error;
	}
	arena_free(planner->foreign_arena);
	planner->foreign_arena = arena;
	planner->foreign = foreign;
	survey_look(planner);
	survey_call(planner);	/* so that it may be told of the next change at once */
	return 0;
}

void survey_call(struct planner *planner)
{
	const struct timeval soon = { .tv_usec = SURVEY_CALLED_MS * 1000 };

	if (planner->survey_soon && !evtimer_pending(planner->survey_soon, NULL))
		event_add(planner->survey_soon, &soon);
}

void survey_call_in(struct planner *planner, int64_t wait_ms)
{
	const struct timeval wait = { .tv_sec = (time_t)(wait_ms / 1000), .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000 };

	if (wait_ms > 0 && planner->survey_later)
		event_add(planner->survey_later, &wait);
}

static void survey_told(evutil_socket_t watch, short what, void *context)
{
	(void)what;
	survey_watch_drain(watch);
	survey_call(context);
}

int survey_open(struct planner *planner)
{
	const struct timeval pause = { .tv_sec = SURVEY_S };

	planner->survey = json_array();
	planner->survey_watch = survey_watch_open();
	if (planner->survey_watch < 0)
		return planner->survey_watch;
	planner->survey_due = event_new(planner->loop, -1, EV_PERSIST, survey_come, planner);
	planner->survey_soon = evtimer_new(planner->loop, survey_come, planner);
	planner->survey_later = evtimer_new(planner->loop, survey_come, planner);
	planner->survey_told = event_new(planner->loop, planner->survey_watch, EV_READ | EV_PERSIST, survey_told, planner);
	if (!planner->survey || !planner->survey_due || !planner->survey_soon || !planner->survey_later || !planner->survey_told)
		return -ENOMEM;
	return event_add(planner->survey_due, &pause) == 0 && event_add(planner->survey_told, NULL) == 0 ? 0 : -ENOMEM;
}

void survey_close(struct planner *planner)
{
	struct event *events[] = { planner->survey_due, planner->survey_soon, planner->survey_later, planner->survey_told };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i])
			event_free(events[i]);
	planner->survey_soon = planner->survey_later = NULL;
	if (planner->survey_watch >= 0)
		close(planner->survey_watch);
	arena_free(planner->foreign_arena);
	json_decref(planner->survey);
}
