/*
 * planner_control: what is asked at the control sockets (planner_gates.c), and what is answered.
 */
#include <stdlib.h>

#include "base/date.h"
#include "base/log.h"
#include "sekishod/catalogue.h"
#include "sekishod/planner.h"
#include "wire/report.h"

enum { STATUS_EXPIRES_MAX = 5 };

const char *planner_state_name(enum planner_state state)
{
	static const char *const names[] = {
		[STATE_STARTING] = "starting", [STATE_IN_FORCE] = "in-force", [STATE_LAST_GOOD] = "last-good", [STATE_SEALED] = "sealed",
	};

	return names[state];
}

json_t *refusal_json(const char *result, enum daemon_finding kind, const char *argument)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);

	finding_add(&findings, &daemon_catalogue[kind], (struct origin){ .source = NULL }, argument, NULL);
	return json_pack("{s:s,s:o}", "result", result, "findings", findings_to_json(&findings));
}

void client_refuse(struct client *client, const char *result, enum daemon_finding kind, const char *argument)
{
	client_answer(client, refusal_json(result, kind, argument));
}

static int flow_compare_closes(const void *left, const void *right)
{
	const struct flow *a = *(const struct flow *const *)left, *b = *(const struct flow *const *)right;

	return (a->closes_at > b->closes_at) - (a->closes_at < b->closes_at);
}

/* The flows that close next. */
static json_t *expires_json(struct planner *planner, const struct policy *policy)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct flow **flows = arena_array(arena, policy->flow_count, sizeof(*flows));
	json_t *array = json_array();
	int64_t now = planner_now(planner);
	size_t count = 0;

	for (size_t i = 0; i < policy->flow_count; i++)
		if (policy->flows[i].closes_at > now)
			flows[count++] = &policy->flows[i];
	if (count > 0)
		qsort(flows, count, sizeof(flows[0]), flow_compare_closes);
	for (size_t i = 0; i < count && i < STATUS_EXPIRES_MAX; i++) {
		char date[DATE_TEXT_BYTES];

		/* It closes with the first second after its last day. */
		date_format(date_of_time(flows[i]->closes_at - 1), date);
		json_array_append_new(array, json_pack("{s:s,s:s}", "flow", flows[i]->name, "date", date));
	}
	return array;
}

/* What is known of the policy in force. */
static void status_add_policy(json_t *status, struct planner *planner)
{
	const struct generation *generation = planner->in_force;
	char digest[DIGEST_TEXT_BYTES];

	if (!generation) {
		const char *text = planner->state == STATE_LAST_GOOD ? planner->options->in_force : NULL;

		json_object_set_new(status, "digest", text ? json_string(text) : json_null());
		json_object_set_new(status, "flows", json_null());
		json_object_set_new(status, "zones", json_null());
		json_object_set_new(status, "expires", json_array());
		return;
	}
	json_object_set_new(status, "digest", json_string(digest_hex(generation->digest, DIGEST_BYTES, digest)));
	json_object_set_new(status, "flows", json_integer((json_int_t)generation->policy->flow_count));
	json_object_set_new(status, "zones", json_integer((json_int_t)generation->policy->zone_count));
	json_object_set_new(status, "expires", expires_json(planner, generation->policy));
}

static const char *ownership_name(enum ownership ownership)
{
	static const char *const names[OWNERSHIP_COUNT] = {
		[OWNERSHIP_OWN] = "own", [OWNERSHIP_NONE] = "none", [OWNERSHIP_ORPHANED] = "orphaned", [OWNERSHIP_OPEN] = "open",
		[OWNERSHIP_FOREIGN] = "foreign",
	};

	return names[ownership];
}

/* Whether it can be seen what is hooked in beside nf_tables; null: not told yet. */
static json_t *hooks_json(const struct planner *planner)
{
	for (size_t i = 0; i < planner->foreign.count; i++)
		if (planner->foreign.items[i].kind == FOREIGN_UNLISTED)
			return json_string("unlisted");
	return planner->foreign_arena ? json_string("listed") : json_null();
}

static json_t *status_json(struct planner *planner)
{
	json_t *status = json_pack("{s:s,s:s,s:I,s:I,s:{s:I,s:b},s:{s:I},s:{s:I,s:I}}", "state", planner_state_name(planner->state), "config",
				   planner->options->config, "committed_at", (json_int_t)planner->committed_at, "generation",
				   (json_int_t)planner->generation_number, "enforcer", "restarts",
				   planner->enforcer_joins > 0 ? (json_int_t)planner->enforcer_joins - 1 : 0, "connected", planner->enforcer >= 0, "kernel", "generation",
				   (json_int_t)planner->kernel_generation, "findings", "errors", (json_int_t)planner->file_errors, "warnings",
				   (json_int_t)planner->file_warnings);

	json_object_set_new(status, "confirm_until", planner->confirm.pending ? json_integer(planner->confirm.until) : json_null());
	json_object_set_new(status, "proposal", approval_json(planner));
	json_object_set_new(status, "isolated", isolations_json(planner));
	status_add_policy(status, planner);
	json_object_set_new(status, "ownership", json_string(ownership_name(planner->ownership)));
	json_object_set_new(status, "hooks", hooks_json(planner));
	json_object_set(status, "survey", planner->survey);
	return status;
}

void client_deny(struct client *client, enum verb verb)
{
	/* What no standing allows is no request at all. */
	if (!access_allows(ACCESS_ROOT, verb))
		client_refuse(client, "failed", DAEMON_REQUEST_MALFORMED, "the verb");
	else
		client_refuse(client, "failed", DAEMON_ACCESS, access_group(verb));
}

/* VERB_APPLY and VERB_CONFIRM. */
static void client_apply(struct client *client, const struct frame *frame)
{
	struct arena *arena = arena_new();
	struct apply_request request;
	const char *why;
	int error = apply_request_parse(arena, frame->payload, &request, &why);

	if (error) {
		client_refuse(client, "failed", DAEMON_REQUEST_MALFORMED, why);
	} else {
		log_event(LOG_LEVEL_NOTICE, "SKS-APPLY", "%s was asked for uid=%u reason=\"%s\" force=%d dry_run=%d confirm=%u",
			  frame->verb == VERB_APPLY ? "apply" : "confirm", client->caller.uid, request.reason, request.force, request.dry_run, request.confirm_seconds);
		error = (frame->verb == VERB_APPLY ? job_apply : job_confirm)(client->planner, client, arena, &request);
		if (error == -EACCES)
			client_deny(client, frame->verb);
		else if (error)
			client_refuse(client, "busy", DAEMON_BUSY, NULL);
	}
	if (error)
		arena_free(arena);
}

void client_request(struct client *client, const struct frame *frame)
{
	if (!access_allows(client->access, frame->verb))
		client_deny(client, frame->verb);
	else if (frame->verb == VERB_APPLY || frame->verb == VERB_CONFIRM)
		client_apply(client, frame);
	else if (frame->verb == VERB_ISOLATE || frame->verb == VERB_RELEASE)
		isolation_request(client, frame);
	else if (frame->verb == VERB_VIEW)
		view_request(client);
	else if (frame->verb == VERB_STATUS)
		client_answer(client, status_json(client->planner));
	else
		client_refuse(client, "failed", DAEMON_REQUEST_MALFORMED, "the verb");
}
