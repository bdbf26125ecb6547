/*
 * planner_survey: looks again and again for what could carry packets past the rules, and says it when it comes and when it is gone.
 *
 * Some ways there are without a notification, so the time between two looks is how long one may stay unseen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kernel/survey.h"
#include "sekishod/alarm.h"
#include "sekishod/catalogue.h"
#include "sekishod/planner.h"
#include "wire/report.h"

enum { SURVEY_S = 5 };

/* The zone of an interface in the policy in force, or NULL. */
static const char *zone_of(const struct planner *planner, const char *interface)
{
	const struct policy *policy = planner->in_force ? planner->in_force->policy : NULL;

	for (size_t z = 0; policy && z < policy->zone_count; z++)
		for (size_t i = 0; i < policy->zones[z].interface_count; i++)
			if (strcmp(policy->zones[z].interfaces[i].value, interface) == 0)
				return policy->zones[z].name;
	return NULL;
}

static void item_judge(const struct planner *planner, const struct link_table *links, const struct survey_item *item, struct findings *findings)
{
	static const enum daemon_finding kinds[] = {
		[SURVEY_MASTER] = DAEMON_PORT_OF_BRIDGE, [SURVEY_XDP] = DAEMON_PROGRAM_AT_INTERFACE, [SURVEY_TC] = DAEMON_TC_AT_INTERFACE,
	};
	const char *name = link_name(links, item->index), *zone = name ? zone_of(planner, name) : NULL;

	const char *other = item->kind == SURVEY_MASTER ? link_name(links, item->number) : arena_printf(findings->arena, "%u", item->number);

	if (item->kind == SURVEY_RULE)
		finding_add(findings, &daemon_catalogue[DAEMON_POLICY_ROUTE], (struct origin){ .source = NULL }, other, NULL);
	else if (zone)
		finding_add(findings, &daemon_catalogue[kinds[item->kind]], (struct origin){ .source = NULL }, name, zone, other ? other : "?", NULL);
}

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

	log_event(LOG_LEVEL_NOTICE, "SKS-SURVEY", "what could carry packets past the rules is gone finding=%s", id);
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

void survey_look(struct planner *planner)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct link_table links;
	struct survey survey;
	json_t *now;
	int error = links_read(arena, &links);

	if (!error)
		error = survey_read(arena, &survey);
	if (error) {
		log_event(LOG_LEVEL_WARNING, "SKS-SURVEY", "the ways past the rules could not be looked for reason=\"%s\"", strerror(-error));
		return;
	}
	for (size_t i = 0; i < survey.count; i++)
		item_judge(planner, &links, &survey.items[i], &findings);
	now = findings_to_json(&findings);
	changes_tell(&findings, planner->survey, now);
	json_decref(planner->survey);
	planner->survey = now;
}

static void survey_come(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	survey_look(context);
}

int survey_open(struct planner *planner)
{
	const struct timeval pause = { .tv_sec = SURVEY_S };

	planner->survey = json_array();
	planner->survey_due = event_new(planner->loop, -1, EV_PERSIST, survey_come, planner);
	return planner->survey && planner->survey_due && event_add(planner->survey_due, &pause) == 0 ? 0 : -ENOMEM;
}

void survey_close(struct planner *planner)
{
	if (planner->survey_due)
		event_free(planner->survey_due);
	json_decref(planner->survey);
}
