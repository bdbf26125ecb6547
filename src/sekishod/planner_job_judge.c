/* planner_job_judge: whether a text may be proposed. What takes long is thought before (planner_job_think.c). */
#include "sekishod/planner_job.h"

#include <string.h>

static size_t warnings_count(const struct findings *findings)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->items[i].kind->severity == SEVERITY_WARNING;
	return count;
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

/* The file was read: what is wrong with it is told. */
static void file_say(struct planner *planner)
{
	const struct findings *findings = &planner->job->generation->findings;

	planner->file_errors = findings->errors;
	planner->file_warnings = warnings_count(findings);
	for (size_t i = 0; i < findings->count; i++)
		log_finding(findings, &findings->items[i]);
}

/* START and APPLY: the file was read. */
static void file_judge(struct planner *planner)
{
	struct job *job = planner->job;

	file_say(planner);
	if (job->kind == JOB_START && start_is_another_text(planner))
		start_fall_back(planner, "the file was changed and not applied");
	else if (!job->wanted)
		job_refuse(planner, "the file has errors");
	else if (job->unapproved)
		start_fall_back(planner, "the file was changed, and no second person has approved it");
	else if (job->locks_out)
		job_refuse(planner, "the administrator would be locked out");
	else if (job->stops_critical)
		job_refuse(planner, "what must not stop would stop");
	else if (job->request.dry_run)
		job_end(planner, job->committed.changed ? "committed" : "unchanged", &job->committed);
	else if (job_is_approved(planner))
		pins_ask(planner);
}

/* RETURN: the text to go back to was read. */
static void return_judge(struct planner *planner)
{
	if (planner->job->wanted)
		pins_ask(planner);
	else
		job_refuse(planner, "the text to go back to cannot be used");
}

/* RENEW: the policy in force was compiled again. */
static void renewal_judge(struct planner *planner)
{
	struct job *job = planner->job;

	if (job->error) {
		job_refuse(planner, "the policy in force could not be compiled again");
		return;
	}
	for (size_t i = 0; i < job->findings.count; i++)
		log_finding(&job->findings, &job->findings.items[i]);
	job_propose(planner);
}

/* The interfaces that there are now. False: they cannot be listed. */
static bool links_look(struct planner *planner, bool all)
{
	struct job *job = planner->job;

	return links_table(planner, job->arena, all, &job->links) == 0;
}

bool kept_load(struct planner *planner, const char *name, const char *why, void (*then)(struct planner *planner))
{
	struct job *job = planner->job;

	if (job->last_good_why || !links_look(planner, true))
		return false;
	job->last_good_why = why;
	job->kept_path = arena_printf(job->arena, "%s/%s", planner->options->state_dir, name);
	job_think(planner, think_of_kept, then);
	return true;
}

void job_judge(struct planner *planner)
{
	const struct job *job = planner->job;

	if (job->kind == JOB_RETURN) {
		if (!kept_load(planner, STATE_PREVIOUS_NAME, "the change was not confirmed", return_judge))
			job_refuse(planner, "the text to go back to cannot be used");
	} else if (!links_look(planner, job->kind != JOB_RENEW)) {
		planner_give_up(planner, "interfaces cannot be listed");
	} else if (job->kind == JOB_RENEW) {
		job_think(planner, think_of_renewal, renewal_judge);
	} else {
		job_think(planner, think_of_file, file_judge);
	}
}
