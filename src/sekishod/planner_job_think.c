/*
 * planner_job_think: what of a job takes long, with many flows or a hostile file, is thought by a thread (daemon/thinker.h).
 *
 * Meanwhile the loop answers the parent's pings and clients, passes orders of isolation on, and watches interfaces. While STEP_THINK lasts, the thread alone has the
 * job (but for its client, and whether it was forsaken), and nobody changes the policy in force, which only a job does. So a job whose enforcer has gone fails when
 * the thought is over, and a planner that is told to end does so without giving anything back. A thought of more than THOUGHT_S_MAX is given up with the process.
 */
#include "sekishod/planner_job.h"

#include <errno.h>

#include "ruleset/diff.h"
#include "ruleset/pack.h"
#include "sekishod/critical.h"
#include "sekishod/lockout.h"

enum { THOUGHT_S_MAX = 600 };

static const struct ruleset no_ruleset;

static void thought_think(void *context)
{
	const struct planner *planner = context;

	planner->job->think(planner, planner->job);
}

static void thought_done(void *context)
{
	struct planner *planner = context;

	event_del(planner->thought_over);
	if (planner->job->forsaken)
		job_forsake(planner);
	else
		planner->job->then(planner);
}

static void thought_over(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	planner_give_up(context, "a file cannot be judged in any reasonable time");
}

int thoughts_open(struct planner *planner)
{
	planner->thinker = thinker_new(planner->loop);
	planner->thought_over = evtimer_new(planner->loop, thought_over, planner);
	return planner->thinker && planner->thought_over ? 0 : -ENOMEM;
}

void thoughts_close(struct planner *planner)
{
	thinker_free(planner->thinker);
	event_free(planner->thought_over);
}

void job_think(struct planner *planner, void (*think)(const struct planner *planner, struct job *job), void (*then)(struct planner *planner))
{
	const struct timeval most = { .tv_sec = THOUGHT_S_MAX };
	struct job *job = planner->job;

	job->step = STEP_THINK;
	job->think = think;
	job->then = then;
	job->now = planner_now(planner);
	event_add(planner->thought_over, &most);
	thinker_begin(planner->thinker, thought_think, thought_done, planner);
}

/* ---- thoughts */

void think_of_held(const struct planner *planner, struct job *job)
{
	(void)planner;
	if (job->held_bytes.length > 0)
		job->error = ruleset_unpack(job->arena, job->held_bytes, &job->held_ruleset);
}

/* The marks that flows have in the kernel, by what it holds. */
static struct mark_book held_marks(const struct job *job)
{
	return mark_book_of(job->arena, job->held_ruleset ? job->held_ruleset : &no_ruleset, job->held.marks, job->held.mark_count);
}

void think_of_kept(const struct planner *planner, struct job *job)
{
	const struct mark_book marks = held_marks(job);
	const struct generation_world world = { .now = job->now, .marks = &marks, .prove = true, .links = job->links };

	(void)planner;
	job->unsound = job->generation;
	job->generation = generation_load(job->kept_path, &world);
	job->wanted = job->generation->compiled.ruleset;
}

static bool job_locks_out(struct job *job)
{
	const struct apply_request *request = &job->request;

	lockout_check(job->held_ruleset, job->wanted, job->generation->policy, job->generation->sources, request->connections,
		      request->connection_count, job->now, &job->findings);
	return job->findings.errors > 0;
}

static bool job_stops_critical(const struct planner *planner, struct job *job)
{
	/* A planner that was started again may know of no policy but this: then what is critical is what the file says, and the kernel tells what is open. */
	const struct policy *known = planner->in_force ? planner->in_force->policy : job->generation->policy;

	if (job->held_ruleset)
		critical_check(known, job->held_ruleset, job->wanted, job->request.breaks, job->request.break_count, job->generation->sources,
			       &job->findings);
	return job->findings.errors > 0;
}

/* What a dry run says: the difference to what the kernel holds. */
static void dry_run_look(struct job *job)
{
	const struct transition transition = ruleset_diff(job->arena, job->held_ruleset, job->wanted);

	job->committed = (struct committed){
		.generation = job->held.generation,
		.elements_added = (uint32_t)(transition.prepare.elements_added + transition.commit.elements_added),
		.elements_deleted = (uint32_t)(transition.prepare.elements_deleted + transition.commit.elements_deleted +
					       transition.revoke.elements_deleted),
		.rules_added = (uint32_t)(transition.prepare.rules_added + transition.commit.rules_added),
		.changed = transition.commit.count > 0,
	};
}

/* APPLY: the file may be in force. What would stop that must not? */
static void think_of_harm(const struct planner *planner, struct job *job)
{
	job->locks_out = !job->request.force && job_locks_out(job);
	job->stops_critical = !job->locks_out && job_stops_critical(planner, job);
	if (job->request.dry_run && !job->locks_out && !job->stops_critical)
		dry_run_look(job);
}

void think_of_file(const struct planner *planner, struct job *job)
{
	const struct mark_book marks = held_marks(job);
	/* What a second person shall look at is proved; what is not known may be such a policy. */
	const bool waits = job->request.approves[0] == '\0' && (!planner->in_force || planner->in_force->policy->two_person);
	const struct generation_world world = { .now = job->now, .marks = &marks, .prove = !job_changes_text(job) || waits, .links = job->links,
						.routes = job->kind == JOB_APPLY, /* at the start there may be none yet */
						.settings = job->kind == JOB_START && approval_may_be_missing(planner) };

	job->generation = generation_load(planner->options->config, &world);
	job->wanted = job->generation->compiled.ruleset;
	if (job->wanted && job->kind == JOB_START)
		job->unapproved = approval_is_missing(planner, job->generation);
	if (job->wanted && job->kind == JOB_APPLY)
		think_of_harm(planner, job);
}

void think_of_renewal(const struct planner *planner, struct job *job)
{
	const struct mark_book marks = held_marks(job);
	const struct compile_world world = { .now = job->now, .marks = &marks, .links = job->links };
	struct compiled compiled;

	job->error = ruleset_compile(job->arena, planner->in_force->policy, &world, &job->findings, &compiled);
	if (!job->error)
		job->wanted = compiled.ruleset;
}

void think_of_proposal(const struct planner *planner, struct job *job)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(PACK_BYTES_MAX);

	(void)planner;
	ruleset_pack(&bytes, job->wanted);
	job->error = bytes.overflow ? -EFBIG : sealed_make("sekisho-ruleset", buf_span(&bytes), &job->proposal);
}
