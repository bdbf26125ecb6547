/*
 * planner_job: from a request to the kernel's answer, one step per frame.
 *
 *     SNAPSHOT -> HELD -> (load or compile, check) -> RENEW_PINS -> done -> PROPOSE -> COMMITTED or REFUSED -> RECORD -> RECORDED
 *
 * The pins are renewed only when everything else is fine: a file with mistakes must not change what the
 * enforcer judges by. A job that is not an administrator's never reads the file again once a policy is in
 * force: an edited file takes effect by `sekisho apply` and not because a cable was plugged in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/flow_changes.h"
#include "ruleset/diff.h"
#include "ruleset/pack.h"
#include "sekishod/catalogue.h"
#include "sekishod/planner.h"
#include "wire/report.h"

enum job_step { STEP_HELD, STEP_PINS, STEP_COMMIT, STEP_RECORD };

struct job {
	enum job_kind kind;
	enum job_step step;
	struct client *client;		/* NULL: nobody waits for the answer */
	struct apply_request request;
	struct arena *arena;		/* of the job */
	struct span held_bytes;		/* mapped; held_ruleset points into it */
	struct ruleset *held_ruleset;	/* NULL: the kernel has none of ours */
	struct held held;
	bool held_lawful;
	struct generation *generation;	/* START, APPLY: what was loaded */
	struct generation *unsound;	/* START: that of the file, when it cannot be put in force */
	const char *last_good_why;	/* START: the file cannot be put in force, and this is why; the generation is that of the last good text */
	bool adopted;			/* it is the planner's now, and in force */
	const struct ruleset *wanted;	/* NULL: the seal */
	struct caller caller;		/* who asked; pid 0: nobody */
	const char *proposed_by;	/* he approved what somebody else had proposed; NULL: nobody had */
	char before[DIGEST_TEXT_BYTES];	/* the text that was in force when the job began; "" none */
	const char *result;		/* STEP_RECORD: what the answer will say */
	struct committed committed;	/* STEP_RECORD */
	bool has_committed;
	struct findings findings;	/* the job's own */
	json_t *foreign_findings;	/* those of parent and enforcer */
};

static const struct origin nowhere;
static const struct ruleset no_ruleset;

static void finding_say(struct job *job, enum daemon_finding kind, const char *argument)
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
	json_decref(job->foreign_findings);
	arena_free(job->arena);
}

/*
 * An administrator's change. It is proved by the enforcer, with the pins of the same file, before anything of it is in force; here that would only
 * take twice the time.
 */
static bool job_changes_text(const struct job *job)
{
	return job->kind == JOB_APPLY && !job->request.dry_run;
}

static void job_next(struct planner *planner);

/* ---- the answer */

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *changes_json(const struct committed *committed)
{
	return json_pack("{s:I,s:I,s:I}", "elements_added", (json_int_t)committed->elements_added, "elements_deleted",
			 (json_int_t)committed->elements_deleted, "rules_added", (json_int_t)committed->rules_added);
}

/* The findings of the file, of the job, and of the others, in this order. */
static json_t *job_findings_json(const struct job *job)
{
	json_t *all = job->generation ? findings_to_json(&job->generation->findings) : json_array();
	json_t *own = findings_to_json(&job->findings);

	json_array_extend(all, own);
	json_array_extend(all, job->foreign_findings);
	json_decref(own);
	return all;
}

static json_t *answer_json(const struct job *job)
{
	char digest[DIGEST_TEXT_BYTES];
	json_t *answer = json_pack("{s:s,s:b,s:o}", "result", job->result, "dry_run", (int)job->request.dry_run, "findings", job_findings_json(job));

	if (job->has_committed && job->request.confirm_seconds > 0 && !job->request.dry_run)
		json_object_set_new(answer, "confirm_seconds", json_integer(job->request.confirm_seconds));
	if (job->has_committed) {
		json_object_set_new(answer, "changes", changes_json(&job->committed));
		json_object_set_new(answer, "generation", json_integer(job->committed.generation));
	}
	json_object_set_new(answer, "digest",
			    text_or_null(job->generation ? digest_hex(job->generation->digest, DIGEST_BYTES, digest) : NULL));
	return answer;
}

/* The job is over: tells the client, and begins what waited for it. */
static void job_answer(struct planner *planner)
{
	struct job *job = planner->job;

	if (job->client)
		client_answer(job->client, answer_json(job));
	planner->job = NULL;
	job_free(job);
	job_next(planner);
}

/* Nothing is to be confirmed any more. */
static void confirmation_drop(struct planner *planner, bool confirmed)
{
	const char payload = confirmed;

	if (planner_send_parent(VERB_CONFIRM, (struct span){ .data = &payload, .length = 1 }) != 0)
		planner_give_up(planner, "the parent cannot be reached");
}

/* ---- the record */

static void detail_add(const struct job *job, struct journal_record *record, const char *text)
{
	if (record->detail_count < JOURNAL_DETAILS_MAX)
		record->details[record->detail_count++] = span_of(arena_strdup(job->arena, text));
}

/* The difference in words: which flows open, close and change, and how much of the kernel's rules did. */
static void details_of_commit(const struct job *job, struct journal_record *record)
{
	struct flow_changes changes = { .count = 0 };

	if (job->wanted && job->generation)
		changes = flow_changes_of(job->arena, job->generation, job->held_ruleset);
	detail_add(job, record, arena_printf(job->arena, "elements: %u added, %u deleted; rules written: %u", job->committed.elements_added,
					     job->committed.elements_deleted, job->committed.rules_added));
	for (size_t i = 0; i < changes.count; i++) {
		const struct flow_change *change = &changes.items[i];

		if (change->fate == FATE_RENAMED)
			detail_add(job, record, arena_printf(job->arena, "renamed %s to %s", change->kernel_name, change->flow->name));
		else if (change->fate != FATE_STAYS)
			detail_add(job, record, arena_printf(job->arena, "%s %s", flow_fate_word(change->fate),
							     change->flow ? change->flow->name : change->kernel_name));
	}
}

static void details_of_findings(const struct job *job, struct journal_record *record, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		if (finding->kind->severity == SEVERITY_ERROR)
			detail_add(job, record, arena_printf(job->arena, "%s line %u", finding->kind->id, finding->origin.line));
	}
}

/* Why nothing was changed: the errors of the file, of the job, and of the others. */
static void details_of_refusal(const struct job *job, struct journal_record *record)
{
	const json_t *item;
	size_t i;

	if (job->unsound || job->generation)
		details_of_findings(job, record, job->unsound ? &job->unsound->findings : &job->generation->findings);
	details_of_findings(job, record, &job->findings);
	json_array_foreach(job->foreign_findings, i, item) {
		const char *id = json_string_value(json_object_get(item, "id"));

		if (id)
			detail_add(job, record, id);
	}
}

static enum journal_event event_of(const struct job *job)
{
	if (strcmp(job->result, "refused") == 0)
		return JOURNAL_REFUSED;
	if (strcmp(job->result, "failed") == 0)
		return JOURNAL_FAILED;
	if (strcmp(job->result, "proposed") == 0)
		return JOURNAL_PROPOSE;
	if (job->kind == JOB_CONFIRM)
		return JOURNAL_CONFIRM;
	if (!job->wanted)
		return JOURNAL_SEALED;
	if (job->kind == JOB_RETURN)
		return JOURNAL_RETURN;
	return job->last_good_why ? JOURNAL_LAST_GOOD : JOURNAL_COMMIT;
}

/*
 * What an administrator asked for is recorded whatever came of it; what follows from interfaces and dates only when it changed something; what
 * failed at the start is tried again, and the log tells of that.
 */
static bool job_is_recorded(const struct job *job)
{
	switch (job->kind) {
	case JOB_APPLY:
		return !job->request.dry_run;
	case JOB_CONFIRM:
		return strcmp(job->result, "refused") != 0;
	case JOB_START:
	case JOB_RETURN:
		return event_of(job) != JOURNAL_FAILED;
	case JOB_RENEW:
		return job->has_committed && job->committed.changed;
	}
	return false;
}

static void job_record(struct planner *planner)
{
	struct job *job = planner->job;
	struct journal_record record = { .event = event_of(job), .reason = span_of(job->request.reason), .before = span_of(job->before) };
	char after[DIGEST_TEXT_BYTES] = "";

	if (job->proposed_by)
		detail_add(job, &record, job->proposed_by);
	if (job->has_committed)
		details_of_commit(job, &record);
	if (record.event != JOURNAL_COMMIT)
		details_of_refusal(job, &record);
	if (job->last_good_why)
		detail_add(job, &record, job->last_good_why);
	if (job->has_committed && job->wanted)
		digest_hex(planner->in_force->digest, DIGEST_BYTES, after);
	else if (job->generation)
		digest_hex(job->generation->digest, DIGEST_BYTES, after);
	record.after = span_of(after);
	job->step = STEP_RECORD;
	planner_record(planner, &record, job->caller.pid ? &job->caller : NULL);
}

/* It is decided what came of the job: that is recorded, and then answered. */
static void job_end(struct planner *planner, const char *result, const struct committed *committed)
{
	struct job *job = planner->job;

	/* A change that was to be confirmed was not made. */
	if (job->request.confirm_seconds > 0 && job->step != STEP_HELD && !committed)
		confirmation_drop(planner, false);
	job->result = result;
	job->has_committed = committed != NULL;
	if (committed)
		job->committed = *committed;
	if (job_is_recorded(job))
		job_record(planner);
	else
		job_answer(planner);
}

static void job_take_recorded(struct planner *planner, const struct frame *frame)
{
	if (frame->payload.length != 1 || frame->payload.data[0] != 1)
		finding_say(planner->job, DAEMON_UNRECORDED, NULL);
	job_answer(planner);
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

/* Hands the wanted ruleset to the enforcer; the seal needs no bytes. */
static void job_propose(struct planner *planner)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(PACK_BYTES_MAX);
	struct job *job = planner->job;
	int descriptor = -1, error = 0;

	job->step = STEP_COMMIT;
	if (job->wanted) {
		ruleset_pack(&bytes, job->wanted);
		error = bytes.overflow ? -EFBIG : sealed_make("sekisho-ruleset", buf_span(&bytes), &descriptor);
	}
	if (!error)
		error = planner_send_enforcer(planner, VERB_PROPOSE, job->wanted ? 0 : FRAME_SEAL, descriptor);
	if (descriptor >= 0)
		close(descriptor);
	if (error) {
		finding_say(job, DAEMON_ENFORCER_GONE, NULL);
		job_fail(planner);
	}
}

/* While this process reads the file, the parent may do so as well. */
static void pins_read_ahead(struct planner *planner)
{
	const char payload = RENEW_AHEAD;

	if (planner_send_parent(VERB_RENEW_PINS, (struct span){ .data = &payload, .length = 1 }) != 0)
		planner_give_up(planner, "the parent cannot be reached");
}

static void pins_ask(struct planner *planner)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct job *job = planner->job;

	job->step = STEP_PINS;
	if (job->last_good_why)
		buf_put_u8(&payload, job->kind == JOB_RETURN ? RENEW_PREVIOUS : RENEW_LAST_GOOD);
	if (job->request.confirm_seconds > 0) {
		buf_put_u8(&payload, RENEW_CONFIRM);
		buf_put_u32(&payload, job->request.confirm_seconds);
	}
	if (planner_send_parent(VERB_RENEW_PINS, buf_span(&payload)) != 0)
		planner_give_up(planner, "the parent cannot be reached");
}

/* Makes a kept text the job's, unless one was tried already. True when it may be proposed. Its findings were told when it was applied. */
static bool kept_load(struct planner *planner, const char *name, const char *why)
{
	struct job *job = planner->job;
	const char *path = arena_printf(job->arena, "%s/%s", planner->options->state_dir, name);
	struct mark_book marks = mark_book_of(job->arena, job->held_ruleset ? job->held_ruleset : &no_ruleset, job->held.marks, job->held.mark_count);
	struct generation_world world = { .now = planner_now(planner), .marks = &marks, .prove = true };

	if (job->last_good_why || links_table(planner, job->arena, true, &world.links) != 0)
		return false;
	job->last_good_why = why;
	job->unsound = job->generation;
	job->generation = generation_load(path, &world);
	job->wanted = job->generation->compiled.ruleset;
	return job->wanted != NULL;
}

/*
 * The file cannot be put in force at start: what was in force last is made again of its text. Where that does not do, what the kernel holds stays if
 * it is lawful; else nothing passes.
 */
static void start_fall_back(struct planner *planner, const char *why)
{
	struct job *job = planner->job;

	if (kept_load(planner, STATE_LAST_GOOD_NAME, why)) {
		pins_ask(planner);
		return;
	}
	if (job->held_ruleset && job->held_lawful) {
		last_good_say(planner, why);
		job_end(planner, "refused", NULL);
		return;
	}
	log_event(LOG_LEVEL_ERROR, "SKS-SEAL", "nothing lawful is in force, therefore nothing will pass reason=\"%s\"", why);
	job->wanted = NULL;
	job_propose(planner);
}

static void job_refuse(struct planner *planner, const char *why)
{
	if (planner->job->kind == JOB_START) {
		start_fall_back(planner, why);
		return;
	}
	if (planner->job->kind == JOB_RETURN)
		job_again_later(planner);
	log_event(LOG_LEVEL_WARNING, "SKS-REFUSED", "the policy was refused; the one in force stays reason=\"%s\"", why);
	job_end(planner, "refused", NULL);
}

static size_t warnings_count(const struct findings *findings)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->items[i].kind->severity == SEVERITY_WARNING;
	return count;
}

/* Reads the file. True when it may be proposed. */
static bool job_load(struct planner *planner, const struct mark_book *marks)
{
	struct job *job = planner->job;
	/* What a second person shall look at is proved; what is not known may be such a policy. */
	bool waits = job->request.approves[0] == '\0' && (!planner->in_force || planner->in_force->policy->two_person);
	struct generation_world world = { .now = planner_now(planner), .marks = marks, .prove = !job_changes_text(job) || waits,
					  .routes = job->kind == JOB_APPLY, /* at the start there may be none yet */
					  .settings = job->kind == JOB_START && approval_may_be_missing(planner) };

	if (links_table(planner, job->arena, true, &world.links) != 0) {
		planner_give_up(planner, "interfaces cannot be listed");
		return false;
	}
	job->generation = generation_load(planner->options->config, &world);
	planner->file_errors = job->generation->findings.errors;
	planner->file_warnings = warnings_count(&job->generation->findings);
	for (size_t i = 0; i < job->generation->findings.count; i++)
		log_finding(&job->generation->findings, &job->generation->findings.items[i]);
	job->wanted = job->generation->compiled.ruleset;
	return job->wanted != NULL;
}

/* What a dry run says: the difference to what the kernel holds. */
static void dry_run_end(struct planner *planner)
{
	struct job *job = planner->job;
	struct transition transition = ruleset_diff(job->arena, job->held_ruleset, job->wanted);
	struct committed committed = {
		.generation = job->held.generation,
		.elements_added = (uint32_t)(transition.prepare.elements_added + transition.commit.elements_added),
		.elements_deleted = (uint32_t)(transition.prepare.elements_deleted + transition.commit.elements_deleted +
					       transition.revoke.elements_deleted),
		.rules_added = (uint32_t)(transition.prepare.rules_added + transition.commit.rules_added),
		.changed = transition.commit.count > 0,
	};

	job_end(planner, committed.changed ? "committed" : "unchanged", &committed);
}

/* True when the terminal the request came from would be locked out; the findings say so. */
static bool job_locks_out(struct planner *planner)
{
	struct job *job = planner->job;
	const struct apply_request *request = &job->request;

	lockout_check(job->held_ruleset, job->wanted, job->generation->policy, job->generation->sources, request->connections,
		      request->connection_count, planner_now(planner), &job->findings);
	return job->findings.errors > 0;
}

/* True when something would stop that must not; the findings say so. */
static bool job_stops_critical(struct planner *planner)
{
	struct job *job = planner->job;

	/* A planner that was started again may know of no policy but this: then what is critical is what the file says, and the kernel tells what is open. */
	const struct policy *known = planner->in_force ? planner->in_force->policy : job->generation->policy;

	if (job->held_ruleset)
		critical_check(known, job->held_ruleset, job->wanted, job->request.breaks, job->request.break_count, job->generation->sources,
			       &job->findings);
	return job->findings.errors > 0;
}

/* START: a planner that was started again must not put in force what nobody applied. */
static bool start_is_another_text(const struct planner *planner)
{
	char digest[DIGEST_TEXT_BYTES];

	return planner->options->in_force &&
	       strcmp(digest_hex(planner->job->generation->digest, DIGEST_BYTES, digest), planner->options->in_force) != 0;
}

/*
 * True when the change may be made now: one person is enough, or a second one approves it. Else it is proposed, or refused. What is
 * proposed holds: it is proved, and locks nobody out.
 */
static bool job_is_approved(struct planner *planner)
{
	struct job *job = planner->job;
	char digest[DIGEST_TEXT_BYTES];
	enum daemon_finding why;

	if (job->kind != JOB_APPLY || job->request.dry_run || !approval_is_wanted(planner, job->generation->policy))
		return true;
	digest_hex(job->generation->digest, DIGEST_BYTES, digest);
	if (job->request.approves[0] == '\0') {
		approval_propose(planner, &job->caller, &job->request, digest);
		job_end(planner, "proposed", NULL);
		return false;
	}
	why = approval_judge(planner, &job->caller, job->request.approves, digest);
	if (why != DAEMON_FINDING_COUNT) {
		finding_say(job, why, NULL);
		job_refuse(planner, "it is not approved");
		return false;
	}
	job->proposed_by = arena_printf(job->arena, "proposed by %s reason=\"%s\"", approval_who(planner, job->arena), approval_reason(planner));
	return true;
}

/* START and APPLY: reads the file and judges it. */
static void job_judge(struct planner *planner, const struct mark_book *marks)
{
	struct job *job = planner->job;
	bool sound;

	if (job->kind == JOB_RETURN) {
		if (kept_load(planner, STATE_PREVIOUS_NAME, "the change was not confirmed"))
			pins_ask(planner);
		else
			job_refuse(planner, "the text to go back to cannot be used");
		return;
	}
	sound = job_load(planner, marks);
	if (job->kind == JOB_START && start_is_another_text(planner) && job->held_ruleset && job->held_lawful) {
		start_fall_back(planner, "the file was changed and not applied");
		return;
	}
	if (!sound) {
		job_refuse(planner, "the file has errors");
		return;
	}
	if (job->kind == JOB_START && approval_is_missing(planner, job->generation)) {
		start_fall_back(planner, "the file was changed, and no second person has approved it");
		return;
	}
	if (job->kind == JOB_APPLY && !job->request.force && job_locks_out(planner)) {
		job_refuse(planner, "the administrator would be locked out");
		return;
	}
	if (job->kind == JOB_APPLY && job_stops_critical(planner)) {
		job_refuse(planner, "what must not stop would stop");
		return;
	}
	if (job->request.dry_run)
		dry_run_end(planner);
	else if (job_is_approved(planner))
		pins_ask(planner);
}

/*
 * RENEW: the policy in force with the interfaces and the date of now. The text, and so the pins, are the
 * same.
 */
static void job_recompile(struct planner *planner, const struct mark_book *marks)
{
	struct job *job = planner->job;
	struct compile_world world = { .now = planner_now(planner), .marks = marks };
	struct compiled compiled;

	if (links_table(planner, job->arena, false, &world.links) != 0) {
		planner_give_up(planner, "interfaces cannot be listed");
		return;
	}
	if (ruleset_compile(job->arena, planner->in_force->policy, &world, &job->findings, &compiled) != 0) {
		job_refuse(planner, "the policy in force could not be compiled again");
		return;
	}
	for (size_t i = 0; i < job->findings.count; i++)
		log_finding(&job->findings, &job->findings.items[i]);
	job->wanted = compiled.ruleset;
	job_propose(planner);
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
	return ruleset_unpack(job->arena, job->held_bytes, &job->held_ruleset);
}

static void job_take_held(struct planner *planner, struct frame *frame)
{
	struct job *job = planner->job;
	struct mark_book marks;

	if (held_take(job, frame) != 0) {
		finding_say(job, DAEMON_ANSWER_MALFORMED, NULL);
		job_fail(planner);
		return;
	}
	planner->ownership = job->held.ownership;
	marks = mark_book_of(job->arena, job->held_ruleset ? job->held_ruleset : &no_ruleset, job->held.marks, job->held.mark_count);
	if (job->kind == JOB_RENEW)
		job_recompile(planner, &marks);
	else
		job_judge(planner, &marks);
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
		.kind = kind, .step = STEP_HELD, .arena = arena, .findings = findings_in(arena), .foreign_findings = json_array(),
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
	if (planner_send_enforcer(planner, VERB_SNAPSHOT, job->kind == JOB_START ? FRAME_LAWFUL : 0, -1) != 0) {
		finding_say(job, DAEMON_ENFORCER_GONE, NULL);
		job_fail(planner);
	}
}

/*
 * Begins what is due next: what was there first, then the administrator, then what follows from interfaces
 * and dates.
 */
static void job_next(struct planner *planner)
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
	finding_say(planner->job, DAEMON_ENFORCER_GONE, NULL);
	job_fail(planner);
}

void job_forget_client(struct planner *planner, const struct client *client)
{
	if (planner->job && planner->job->client == client)
		planner->job->client = NULL;
	if (planner->waiting && planner->waiting->client == client)
		planner->waiting->client = NULL;
}
