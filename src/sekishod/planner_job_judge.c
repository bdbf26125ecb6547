/* planner_job_judge: whether a text may be proposed. */
#include "sekishod/planner_job.h"

#include <string.h>

#include "ruleset/diff.h"
#include "sekishod/critical.h"
#include "sekishod/lockout.h"

static const struct ruleset no_ruleset;

struct mark_book held_marks(const struct job *job)
{
	return mark_book_of(job->arena, job->held_ruleset ? job->held_ruleset : &no_ruleset, job->held.marks, job->held.mark_count);
}

bool kept_load(struct planner *planner, const char *name, const char *why)
{
	struct job *job = planner->job;
	const char *path = arena_printf(job->arena, "%s/%s", planner->options->state_dir, name);
	struct mark_book marks = held_marks(job);
	struct generation_world world = { .now = planner_now(planner), .marks = &marks, .prove = true };

	if (job->last_good_why || links_table(planner, job->arena, true, &world.links) != 0)
		return false;
	job->last_good_why = why;
	job->unsound = job->generation;
	job->generation = generation_load(path, &world);
	job->wanted = job->generation->compiled.ruleset;
	return job->wanted != NULL;
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

void job_judge(struct planner *planner, const struct mark_book *marks)
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
	if (!job->generation)
		return;		/* given up */
	if (job->kind == JOB_START && start_is_another_text(planner)) {
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

void job_recompile(struct planner *planner, const struct mark_book *marks)
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
