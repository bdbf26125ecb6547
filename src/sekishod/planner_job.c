/*
 * planner_job: from a request to the kernel's answer, one step per frame or thought.
 *
 *     SNAPSHOT -> HELD -> (load or compile, check) -> RENEW_PINS -> done -> (pack) PROPOSE -> COMMITTED or REFUSED -> RECORD -> RECORDED
 *
 * What is in parentheses a thread thinks (planner_job_think.c), and the loop goes on meanwhile.
 *
 * The pins are renewed only when everything else is fine: a file with mistakes must not change what the
 * enforcer judges by. A job that is not an administrator's never reads the file again once a policy is in
 * force: an edited file takes effect by `sekisho apply` and not because a cable was plugged in.
 */
#include "sekishod/planner_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ruleset/pack.h"
#include "sekishod/catalogue.h"

static const struct origin nowhere;

void finding_say(struct job *job, enum daemon_finding kind, const char *argument)
{
	log_finding(&job->findings, finding_add(&job->findings, &daemon_catalogue[kind], nowhere, argument, NULL));
}

void job_free(struct job *job)
{
	if (!job)
		return;
	sealed_unmap(job->held_bytes);
	if (job->adopted)
		generation_settle(job->generation);
	else
		generation_free(job->generation);
	generation_free(job->unsound);
	if (job->proposal >= 0)
		close(job->proposal);
	json_decref(job->foreign_findings);
	arena_free(job->arena);
}

bool job_changes_text(const struct job *job)
{
	return job->kind == JOB_APPLY && !job->request.dry_run;
}

/* ---- what is in force */

/* One line for the service manager; and the zones may be others now. */
static void ready_say(struct planner *planner, const char *status)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct ready ready = { .status = span_of(status) };

	if (planner->in_force)
		memcpy(ready.digest, planner->in_force->digest, sizeof(ready.digest));
	ready_pack(&payload, &ready);
	if (planner_send_parent(VERB_READY, buf_span(&payload)) != 0)
		planner_give_up(planner, "the parent cannot be reached");
	else
		wiring_tell(planner);
}

static void in_force_say(struct planner *planner)
{
	char status[READY_STATUS_BYTES_MAX];
	char digest[DIGEST_TEXT_BYTES];

	snprintf(status, sizeof(status), "in force: %zu zones, %zu flows, text %.12s", planner->in_force->policy->zone_count,
		 planner->in_force->policy->flow_count, digest_hex(planner->in_force->digest, DIGEST_BYTES, digest));
	ready_say(planner, status);
}

/* What the kernel held when we came stays. */
static void last_good_say(struct planner *planner, const char *why)
{
	char status[READY_STATUS_BYTES_MAX];

	planner->state = STATE_LAST_GOOD;
	planner->last_good_why = why;
	log_event(LOG_LEVEL_WARNING, "SKS-LAST-GOOD", "what was in force before stays in force reason=\"%s\"", why);
	snprintf(status, sizeof(status), "last good policy in force: %s", why);
	ready_say(planner, status);
}

/* A policy was committed: the generation at hand is the one in force now. */
static void generation_adopt(struct planner *planner, struct job *job)
{
	if (job->generation) {
		generation_free(planner->in_force);
		planner->in_force = job->generation;
		planner->generation_number++;
		job->adopted = true;
	}
	/* What is made again of the text in force makes no other state. */
	if (job->kind != JOB_RENEW)
		planner->state = job->last_good_why ? STATE_LAST_GOOD : STATE_IN_FORCE;
	survey_call(planner);
	planner->again_ms = PLANNER_AGAIN_FIRST_MS;
	if (job->kind != JOB_RENEW)
		links_accept(planner);
	expiry_schedule(planner);
}

/* ---- the way of a job */

/* A job nobody waits for failed, and not because of the file: it is tried again after a while. */
static void job_again_later(struct planner *planner)
{
	const struct timeval wait = { .tv_sec = planner->again_ms / 1000, .tv_usec = (suseconds_t)(planner->again_ms % 1000) * 1000 };

	event_add(planner->again, &wait);
	planner->again_ms = planner->again_ms * 2 < PLANNER_AGAIN_MAX_MS ? planner->again_ms * 2 : PLANNER_AGAIN_MAX_MS;
}

/* It came to no end, and not because of the file. */
static void job_fail(struct planner *planner)
{
	if (planner->job->kind != JOB_APPLY)
		job_again_later(planner);
	job_end(planner, "failed", NULL);
}

void job_forsake(struct planner *planner)
{
	finding_say(planner->job, DAEMON_ENFORCER_GONE, NULL);
	job_fail(planner);
}

static void proposal_send(struct planner *planner)
{
	struct job *job = planner->job;

	job->step = STEP_COMMIT;
	if (job->error || planner_send_enforcer(planner, VERB_PROPOSE, job->wanted ? 0 : FRAME_SEAL, job->proposal) != 0)
		job_forsake(planner);
}

void job_propose(struct planner *planner)
{
	if (planner->job->wanted)
		job_think(planner, think_of_proposal, proposal_send);
	else
		proposal_send(planner);
}

/* While this process reads the file, the parent may do so as well. */
static void pins_read_ahead(struct planner *planner)
{
	const char payload = RENEW_AHEAD;

	if (planner_send_parent(VERB_RENEW_PINS, (struct span){ .data = &payload, .length = 1 }) != 0)
		planner_give_up(planner, "the parent cannot be reached");
}

/* Which file the pins of are wanted. */
static uint8_t pins_source(const struct job *job)
{
	if (job->last_good_why)
		return job->kind == JOB_RETURN ? RENEW_PREVIOUS : RENEW_LAST_GOOD;
	return job->request.confirm_seconds > 0 ? RENEW_CONFIRM : RENEW_FILE;
}

void pins_ask(struct planner *planner)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct job *job = planner->job;

	job->step = STEP_PINS;
	job->pins_asked = true;
	buf_put_u8(&payload, pins_source(job));
	if (pins_source(job) == RENEW_CONFIRM)
		buf_put_u32(&payload, job->request.confirm_seconds);
	buf_put(&payload, job->generation->digest, DIGEST_BYTES);
	if (planner_send_parent(VERB_RENEW_PINS, buf_span(&payload)) != 0)
		planner_give_up(planner, "the parent cannot be reached");
}

/* START: what the kernel holds stays, or nothing passes. */
static void start_keep(struct planner *planner, const char *why)
{
	struct job *job = planner->job;

	if (job->held_ruleset && job->held_lawful) {
		last_good_say(planner, why);
		job_end(planner, "refused", NULL);
		return;
	}
	log_event(LOG_LEVEL_ERROR, "SKS-SEAL", "nothing lawful is in force, therefore nothing will pass reason=\"%s\"", why);
	job->wanted = NULL;
	job_propose(planner);
}

/* START: what was in force last was read. */
static void start_go_back(struct planner *planner)
{
	if (planner->job->wanted)
		pins_ask(planner);
	else
		start_keep(planner, planner->job->last_good_why);
}

void start_fall_back(struct planner *planner, const char *why)
{
	if (!kept_load(planner, STATE_LAST_GOOD_NAME, why, start_go_back))
		start_keep(planner, why);
}

void job_refuse(struct planner *planner, const char *why)
{
	if (planner->job->kind == JOB_START) {
		start_fall_back(planner, why);
		return;
	}
	if (planner->job->kind == JOB_RETURN) {
		/* Where nothing is in force yet, what nobody confirmed is better than that nothing passes. */
		planner->start_wanted = planner->in_force == NULL;
		job_again_later(planner);
	}
	log_event(LOG_LEVEL_WARNING, "SKS-REFUSED", "the policy was refused; the one in force stays reason=\"%s\"", why);
	job_end(planner, "refused", NULL);
}

/* Takes over what the kernel holds. 0 or negative errno. */
static int held_take(struct job *job, struct frame *frame)
{
	int error = held_unpack(job->arena, frame->payload, &job->held);

	if (error || frame->descriptor < 0)
		return error;
	error = sealed_map(frame->descriptor, PACK_BYTES_MAX, &job->held_bytes);
	if (error)
		return error;
	job->held_lawful = frame->flags & FRAME_LAWFUL;
	return 0;
}

static void job_know_held(struct planner *planner)
{
	if (planner->job->error) {
		finding_say(planner->job, DAEMON_ANSWER_MALFORMED, NULL);
		job_fail(planner);
		return;
	}
	planner->ownership = planner->job->held.ownership;
	job_judge(planner);
}

static void job_take_held(struct planner *planner, struct frame *frame)
{
	struct job *job = planner->job;

	job->error = held_take(job, frame);
	if (job->error)
		job_know_held(planner);
	else
		job_think(planner, think_of_held, job_know_held);
}

/* Adds the findings of another process. */
static void foreign_findings_take(struct job *job, struct span payload)
{
	json_t *array = json_loadb(payload.data, payload.length, 0, NULL);

	if (!json_is_array(array)) {
		json_decref(array);
		finding_say(job, DAEMON_ANSWER_MALFORMED, NULL);
		return;
	}
	json_array_extend(job->foreign_findings, array);
	json_decref(array);
}

static void job_take_pins(struct planner *planner, const struct frame *frame)
{
	if (frame->payload.length == 0) {
		job_propose(planner);
		return;
	}
	foreign_findings_take(planner->job, frame->payload);
	job_refuse(planner, "the file may not be believed");
}

static void job_take_committed(struct planner *planner, const struct frame *frame)
{
	struct job *job = planner->job;
	struct committed committed;

	if (committed_unpack(frame->payload, &committed) != 0) {
		planner_give_up(planner, "the enforcer's answer is malformed");
		return;
	}
	planner->kernel_generation = committed.generation;
	planner->ownership = committed.ownership;
	if (job->kind == JOB_RETURN) {
		planner->return_wanted = planner->confirm.over = false;
		confirmation_drop(planner, false);
	}
	if (committed.changed || planner->committed_at == 0)
		planner->committed_at = planner_now(planner);
	if (committed.changed)
		log_event(LOG_LEVEL_NOTICE, "SKS-COMMIT", "committed elements_added=%u elements_deleted=%u rules_added=%u generation=%u reason=\"%s\"",
			  committed.elements_added, committed.elements_deleted, committed.rules_added, committed.generation, job->request.reason);
	if (job->kind == JOB_APPLY)
		approval_drop(planner);
	if (job->wanted) {
		generation_adopt(planner, job);
		if (planner->state == STATE_LAST_GOOD)
			last_good_say(planner, job->last_good_why ? job->last_good_why : planner->last_good_why);
		else
			in_force_say(planner);
	} else {
		planner->state = STATE_SEALED;
		survey_call(planner);
		ready_say(planner, "sealed: nothing passes; the file has errors");
	}
	job_end(planner, committed.changed ? "committed" : "unchanged", &committed);
}

static void job_take_refused(struct planner *planner, const struct frame *frame)
{
	struct job *job = planner->job;

	foreign_findings_take(job, frame->payload);
	if (!job->wanted) {
		log_event(LOG_LEVEL_ERROR, "SKS-SEAL", "the seal could not be put in force");
		job_fail(planner);
		return;
	}
	if (job->kind != JOB_APPLY && job->kind != JOB_RETURN)
		job_again_later(planner);
	job_refuse(planner, "the enforcer refused it");
}

/* ---- from outside */

/* Which answer each step waits for. */
static bool step_takes(enum job_step step, enum verb verb)
{
	switch (step) {
	case STEP_HELD:
		return verb == VERB_HELD || verb == VERB_REFUSED;
	case STEP_THINK:
		return false;
	case STEP_PINS:
		return verb == VERB_RENEW_PINS;
	case STEP_COMMIT:
		return verb == VERB_COMMITTED || verb == VERB_REFUSED;
	case STEP_RECORD:
		return verb == VERB_RECORDED;
	}
	return false;
}

int job_frame(struct planner *planner, struct frame *frame)
{
	struct job *job = planner->job;
	int result = 0;

	if (!job || !step_takes(job->step, frame->verb)) {
		result = -EBADMSG;
	} else if (frame->verb == VERB_HELD) {
		job_take_held(planner, frame);
	} else if (frame->verb == VERB_RENEW_PINS) {
		job_take_pins(planner, frame);
	} else if (frame->verb == VERB_RECORDED) {
		job_take_recorded(planner, frame);
	} else if (frame->verb == VERB_COMMITTED) {
		job_take_committed(planner, frame);
	} else if (job->step == STEP_HELD) {
		foreign_findings_take(job, frame->payload);
		job_fail(planner);
	} else {
		job_take_refused(planner, frame);
	}
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	return result;
}

static struct job *job_make(enum job_kind kind, struct arena *arena)
{
	struct job *job = arena_alloc(arena, sizeof(*job));

	*job = (struct job){
		.kind = kind, .step = STEP_HELD, .arena = arena, .proposal = -1, .findings = findings_in(arena), .foreign_findings = json_array(),
		.request.approves = "", .request.reason = kind == JOB_START ? "start" : kind == JOB_RETURN ? "not confirmed" : "interfaces, date or a new enforcer",
	};
	return job;
}

/*
 * True for a confirmation, for an approval of nothing, and for a change that must not be made while another waits for a confirmation. The parent hears of a confirmation before it gets
 * the record: when that is written, it is for good.
 */
static bool job_is_answered_at_once(struct planner *planner)
{
	struct job *job = planner->job;
	bool pending = planner->confirm.pending;

	if (job->kind == JOB_CONFIRM && pending) {
		confirmation_drop(planner, true);
		job_end(planner, "confirmed", NULL);
		return true;
	}
	if (job->kind == JOB_APPLY && job->request.approves[0] && !approval_prepare(planner, job->arena, &job->request)) {
		finding_say(job, DAEMON_APPROVAL_NOTHING, NULL);
		job_end(planner, "refused", NULL);
		return true;
	}
	if (job->kind == JOB_CONFIRM || (job->kind == JOB_APPLY && pending && !job->request.dry_run)) {
		finding_say(job, pending ? DAEMON_CONFIRM_PENDING : DAEMON_CONFIRM_NOTHING, NULL);
		job_end(planner, "refused", NULL);
		return true;
	}
	return false;
}

/* The first step. Nothing else is at hand and there is an enforcer. */
static void job_start(struct planner *planner, struct job *job)
{
	planner->job = job;
	if (planner->in_force)
		digest_hex(planner->in_force->digest, DIGEST_BYTES, job->before);
	else if (planner->options->in_force)
		snprintf(job->before, sizeof(job->before), "%s", planner->options->in_force);
	if (job_is_answered_at_once(planner))
		return;
	if (job_changes_text(job))
		pins_read_ahead(planner);
	/* Whether what the kernel holds could stay is asked for where there may be nothing better. */
	if (planner_send_enforcer(planner, VERB_SNAPSHOT, job->kind == JOB_START ? FRAME_LAWFUL : 0, -1) != 0)
		job_forsake(planner);
}

void job_next(struct planner *planner)
{
	struct job *waiting = planner->waiting;

	if (planner->job || planner->enforcer < 0)
		return;
	if (planner->return_wanted) {
		/* Instead of a start as well: that would put in force what nobody confirmed. */
		planner->return_wanted = false;
		planner->start_wanted = false;
		job_start(planner, job_make(JOB_RETURN, arena_new()));
	} else if (planner->start_wanted) {
		planner->start_wanted = false;
		job_start(planner, job_make(JOB_START, arena_new()));
	} else if (waiting) {
		planner->waiting = NULL;
		job_start(planner, waiting);
	} else if (planner->renewal_wanted && planner->in_force) {
		planner->renewal_wanted = false;
		job_start(planner, job_make(JOB_RENEW, arena_new()));
	}
}

/* Somebody waits for the job: it begins now, or is the next one. */
static int job_order(struct planner *planner, enum job_kind kind, struct client *client, struct arena *arena, const struct apply_request *request)
{
	struct job *job;

	if (!access_allows(client->access, kind == JOB_CONFIRM ? VERB_CONFIRM : VERB_APPLY))
		return -EACCES;
	if (planner->waiting || (planner->job && planner->job->client))
		return -EBUSY;
	job = job_make(kind, arena);
	job->client = client;
	job->caller = client->caller;
	job->request = *request;
	planner->waiting = job;
	job_next(planner);
	return 0;
}

int job_apply(struct planner *planner, struct client *client, struct arena *arena, const struct apply_request *request)
{
	return job_order(planner, JOB_APPLY, client, arena, request);
}

int job_confirm(struct planner *planner, struct client *client, struct arena *arena, const struct apply_request *request)
{
	return job_order(planner, JOB_CONFIRM, client, arena, request);
}

int job_confirmation(struct planner *planner, const struct frame *frame)
{
	int error = confirm_state_unpack(frame->payload, &planner->confirm);

	planner->return_wanted = !error && planner->confirm.over;
	if (!error)
		job_next(planner);
	return error;
}

void job_renew(struct planner *planner)
{
	planner->renewal_wanted = true;
	job_next(planner);
}

void job_enforcer_came(struct planner *planner)
{
	planner->start_wanted = planner->in_force == NULL;
	/* The way back is tried until it is gone: what nobody confirmed may not stay. */
	planner->return_wanted = planner->confirm.over;
	job_renew(planner);
}

void job_enforcer_went(struct planner *planner)
{
	if (!planner->job || planner->job->step == STEP_RECORD)
		return;
	if (planner->job->step == STEP_THINK)
		planner->job->forsaken = true;
	else
		job_forsake(planner);
}

void job_forget_client(struct planner *planner, const struct client *client)
{
	if (planner->job && planner->job->client == client)
		planner->job->client = NULL;
	if (planner->waiting && planner->waiting->client == client)
		planner->waiting->client = NULL;
}
