/*
 * planner_isolation: zones are cut off and released by order of an administrator.
 *
 * An order goes straight to the parent: it waits for no job, needs no file that can be read, and nobody's commit delays it. One order at a time.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sekishod/planner.h"
#include "wire/report.h"

static const struct origin nowhere;

static json_t *names_json(const char *const *names, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(names[i]));
	return array;
}

json_t *isolations_json(const struct planner *planner)
{
	json_t *array = json_array();

	for (size_t i = 0; i < planner->isolations.count; i++) {
		const struct isolation *isolation = &planner->isolations.items[i];

		json_array_append_new(array, json_pack("{s:s,s:o,s:s,s:I}", "zone", isolation->zone, "except",
						       names_json(isolation->except, isolation->except_count), "reason", isolation->reason, "since",
						       (json_int_t)isolation->since));
	}
	return array;
}

/* ---- from the client to the parent */

static int order_send(const struct isolation_order *order)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);

	isolation_order_pack(&payload, order);
	return planner_send_parent(VERB_ISOLATE, buf_span(&payload));
}

/* Makes the order of the request; NULL after refusing it. */
static struct isolation_order *order_make(struct arena *arena, struct client *client, const struct frame *frame)
{
	struct isolation_order *order = arena_alloc(arena, sizeof(*order));
	const struct caller *caller = &client->caller;
	const char *why;
	bool drill;

	if (isolation_request_parse(arena, frame->payload, &order->isolation, &drill, &why) != 0) {
		client_refuse(client, "failed", DAEMON_REQUEST_MALFORMED, why);
		return NULL;
	}
	order->action = frame->verb == VERB_RELEASE ? ISOLATION_RELEASE : drill ? ISOLATION_DRILL : ISOLATION_CUT;
	order->isolation.since = planner_now(client->planner);
	order->who = (struct journal_who){ .known = true, .pid = caller->pid, .uid = caller->uid, .logged_in = caller->logged_in,
					   .login = caller->login, .process = span_of(arena_strdup(arena, caller->process)) };
	return order;
}

void isolation_request(struct client *client, const struct frame *frame)
{
	struct planner *planner = client->planner;
	struct arena *arena;

	if (!access_allows(client->access, frame->verb)) {
		client_deny(client, frame->verb);
		return;
	}
	if (planner->order) {
		client_refuse(client, "busy", DAEMON_BUSY, NULL);
		return;
	}
	arena = arena_new();
	planner->order = order_make(arena, client, frame);
	if (!planner->order) {
		arena_free(arena);
		return;
	}
	planner->order_arena = arena;
	planner->order_client = client;
	if (order_send(planner->order) != 0)
		planner_give_up(planner, "the parent cannot be reached");
}

/* ---- from the parent to the client */

static const char *result_word(const struct isolation_order *order, enum isolation_outcome outcome)
{
	static const char *const done[] = { [ISOLATION_CUT] = "isolated", [ISOLATION_RELEASE] = "released", [ISOLATION_DRILL] = "drill" };

	if (outcome == ISOLATION_DONE || outcome == ISOLATION_LATER)
		return done[order->action];
	if (outcome == ISOLATION_BUSY)
		return "busy";
	return outcome == ISOLATION_FAILED ? "failed" : "refused";
}

static void outcome_explain(struct findings *findings, const struct isolation_order *order, const struct isolation_answer *answer)
{
	static const enum daemon_finding kinds[] = {
		[ISOLATION_ZONE_UNKNOWN] = DAEMON_ZONE_UNKNOWN, [ISOLATION_NOT_ISOLATED] = DAEMON_NOT_ISOLATED,
		[ISOLATION_TOO_MANY] = DAEMON_ISOLATIONS_MANY, [ISOLATION_BUSY] = DAEMON_BUSY, [ISOLATION_FAILED] = DAEMON_ISOLATION_FAILED,
		[ISOLATION_LATER] = DAEMON_RELEASE_LATER,
	};

	if (answer->outcome != ISOLATION_DONE)
		finding_add(findings, &daemon_catalogue[kinds[answer->outcome]], nowhere, order->isolation.zone, NULL);
	if (!answer->kept && (answer->outcome == ISOLATION_DONE || answer->outcome == ISOLATION_LATER))
		finding_add(findings, &daemon_catalogue[DAEMON_UNRECORDED], nowhere, NULL);
	for (size_t i = 0; i < answer->effect.unknown_count; i++)
		finding_add(findings, &daemon_catalogue[DAEMON_EXCEPTION_UNKNOWN], nowhere, answer->effect.unknown[i], NULL);
}

static json_t *answer_json(const struct isolation_order *order, const struct isolation_answer *answer, struct findings *findings)
{
	outcome_explain(findings, order, answer);
	for (size_t i = 0; i < findings->count; i++)
		log_finding(findings, &findings->items[i]);
	return json_pack("{s:s,s:s,s:I,s:o,s:o}", "result", result_word(order, answer->outcome), "zone", order->isolation.zone, "interfaces",
			 (json_int_t)answer->effect.interfaces, "keeps", names_json(answer->effect.keeps, answer->effect.keep_count), "findings",
			 findings_to_json(findings));
}

/* The order is over. */
static int isolated_take(struct planner *planner, const struct frame *frame)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = planner->order_arena;
	struct isolation_order *order = planner->order;
	struct client *client = planner->order_client;
	struct findings findings;
	struct isolation_answer answer;

	planner->order = NULL;
	planner->order_arena = NULL;
	planner->order_client = NULL;
	/* A planner that was started again has not given the order that its predecessor gave. */
	if (!order)
		return 0;
	if (isolation_answer_unpack(arena, frame->payload, &answer) != 0)
		return -EBADMSG;
	findings = findings_in(arena);
	if (client)
		client_answer(client, answer_json(order, &answer, &findings));
	return 0;
}

static int isolations_take(struct planner *planner, const struct frame *frame)
{
	struct arena *arena = arena_new();
	struct isolation_state state;

	if (isolation_state_unpack(arena, frame->payload, &state) != 0) {
		arena_free(arena);
		return -EBADMSG;
	}
	arena_free(planner->isolations_arena);
	planner->isolations_arena = arena;
	planner->isolations = state.isolations;
	return 0;
}

int isolation_frame(struct planner *planner, const struct frame *frame)
{
	return frame->verb == VERB_ISOLATED ? isolated_take(planner, frame) : isolations_take(planner, frame);
}

void isolation_forget_client(struct planner *planner, const struct client *client)
{
	if (planner->order_client == client)
		planner->order_client = NULL;
}

void isolation_close(struct planner *planner)
{
	arena_free(planner->isolations_arena);
	arena_free(planner->order_arena);
}
