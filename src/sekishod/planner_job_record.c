/* planner_job_record: the end of a job: it is recorded, and then answered. */
#include "sekishod/planner_job.h"

#include <string.h>

#include "kernel/flow_changes.h"
#include "wire/report.h"

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

void confirmation_drop(struct planner *planner, bool confirmed)
{
	const char payload = confirmed;

	if (planner_send_parent(VERB_CONFIRM, (struct span){ .data = &payload, .length = 1 }) != 0)
		planner_give_up(planner, "the parent cannot be reached");
}

/* ---- the record */

/* The difference in words: which flows open, close and change, and how much of the kernel's rules did. */
static void details_of_commit(const struct job *job, struct journal_record *record)
{
	struct flow_changes changes = { .count = 0 };

	if (job->wanted && job->generation)
		changes = flow_changes_of(job->arena, job->generation, job->held_ruleset);
	journal_record_add(record, span_of(arena_printf(job->arena, "elements: %u added, %u deleted; rules written: %u", job->committed.elements_added,
							job->committed.elements_deleted, job->committed.rules_added)));
	for (size_t i = 0; i < changes.count; i++) {
		const struct flow_change *change = &changes.items[i];

		if (change->fate == FATE_RENAMED)
			journal_record_add(record, span_of(arena_printf(job->arena, "renamed %s to %s", change->kernel_name, change->flow->name)));
		else if (change->fate != FATE_STAYS)
			journal_record_add(record, span_of(arena_printf(job->arena, "%s %s", flow_fate_word(change->fate),
									change->flow ? change->flow->name : change->kernel_name)));
	}
}

static void details_of_findings(const struct job *job, struct journal_record *record, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		if (finding->kind->severity == SEVERITY_ERROR)
			journal_record_add(record, span_of(arena_printf(job->arena, "%s line %u", finding->kind->id, finding->origin.line)));
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
			journal_record_add(record, span_of(id));
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
		journal_record_add(&record, span_of(job->proposed_by));
	if (job->has_committed)
		details_of_commit(job, &record);
	if (record.event != JOURNAL_COMMIT)
		details_of_refusal(job, &record);
	if (job->last_good_why)
		journal_record_add(&record, span_of(job->last_good_why));
	if (job->has_committed && job->wanted)
		digest_hex(planner->in_force->digest, DIGEST_BYTES, after);
	else if (job->generation)
		digest_hex(job->generation->digest, DIGEST_BYTES, after);
	record.after = span_of(after);
	job->step = STEP_RECORD;
	planner_record(planner, &record, job->caller.pid ? &job->caller : NULL);
}

void job_end(struct planner *planner, const char *result, const struct committed *committed)
{
	struct job *job = planner->job;

	/* A change that was to be confirmed was not made. */
	if (job->request.confirm_seconds > 0 && job->pins_asked && !committed)
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

void job_take_recorded(struct planner *planner, const struct frame *frame)
{
	if (frame->payload.length != 1 || frame->payload.data[0] != 1)
		finding_say(planner->job, DAEMON_UNRECORDED, NULL);
	job_answer(planner);
}
