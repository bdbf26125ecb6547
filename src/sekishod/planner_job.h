/*
 * planner_job: one job of the planner, from a request to the answer. Private to planner_job*.c.
 *
 * planner_job.c has the way of a job, planner_job_think.c what takes long on it, planner_job_judge.c what is decided by that, planner_job_record.c its end.
 */
#ifndef SEKISHOD_PLANNER_JOB_H
#define SEKISHOD_PLANNER_JOB_H

#include "sekishod/planner.h"

enum job_step { STEP_HELD, STEP_THINK, STEP_PINS, STEP_COMMIT, STEP_RECORD };

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
	void (*think)(const struct planner *planner, struct job *job); /* STEP_THINK: by the thread */
	void (*then)(struct planner *planner); /* STEP_THINK: by the loop afterwards */
	bool forsaken;			/* STEP_THINK: the enforcer has gone meanwhile */
	int64_t now;			/* Unix time, of the thought */
	struct link_table links;	/* as they were when it began */
	const char *kept_path;		/* of the kept text that is read */
	int error;			/* of the thought; 0 or negative errno */
	bool unapproved;		/* START: the file is another one than a second person has approved */
	bool locks_out, stops_critical;	/* APPLY: the terminal the request came from would be locked out; what must not stop would */
	bool pins_asked;		/* the parent has been asked for pins */
	int proposal;			/* what goes to the enforcer; -1: not made yet */
	struct generation *generation;	/* START, APPLY: what was loaded */
	struct generation *unsound;	/* START: that of the file, when it cannot be put in force */
	const char *last_good_why;	/* START: the file cannot be put in force, and this is why; the generation is that of the last good text */
	bool adopted;			/* it is the planner's now, and in force */
	const struct ruleset *wanted;	/* NULL: the seal */
	struct caller caller;		/* who asked; pid 0: nobody */
	const char *proposed_by;	/* he approved what somebody else had proposed; NULL: nobody had */
	char before[DIGEST_TEXT_BYTES];	/* the text that was in force when the job began; "" none */
	const char *result;		/* STEP_RECORD: what the answer will say */
	struct committed committed;	/* STEP_RECORD, and what a dry run would do */
	bool has_committed;
	struct findings findings;	/* the job's own */
	json_t *foreign_findings;	/* those of parent and enforcer */
};

/* ---- planner_job.c */

/* Adds a finding of the job's own, and logs it; argument may be NULL. */
void finding_say(struct job *job, enum daemon_finding kind, const char *argument);

/*
 * An administrator's change. It is proved by the enforcer, with the pins of the same file, before anything of it is in force; here that would only
 * take twice the time.
 */
bool job_changes_text(const struct job *job);

/* Has the pins renewed: everything else is fine. */
void pins_ask(struct planner *planner);

/* Hands the wanted ruleset to the enforcer; the seal needs no bytes. */
void job_propose(struct planner *planner);

/* The text may not be in force: why says so in the log. START: falls back to what may. */
void job_refuse(struct planner *planner, const char *why);

/*
 * The file cannot be put in force at start: what was in force last is made again of its text. Where that does not do, what the kernel holds stays if
 * it is lawful; else nothing passes.
 */
void start_fall_back(struct planner *planner, const char *why);

/* Begins what is due next, when nothing is at hand. */
void job_next(struct planner *planner);

/* The enforcer has gone, and the job with it. */
void job_forsake(struct planner *planner);

/* ---- planner_job_think.c */

/* Lets the thread think, and then the loop go on; a job whose enforcer goes meanwhile does not go on. */
void job_think(struct planner *planner, void (*think)(const struct planner *planner, struct job *job), void (*then)(struct planner *planner));

/* The ruleset of what the kernel holds; job->error. */
void think_of_held(const struct planner *planner, struct job *job);

/* START, APPLY: reads the file, compiles it, and finds what would stop it: job->generation, wanted (NULL: errors), unapproved, locks_out, stops_critical. */
void think_of_file(const struct planner *planner, struct job *job);

/* The same for the text at job->kept_path; its findings were told when it was applied. */
void think_of_kept(const struct planner *planner, struct job *job);

/*
 * RENEW: the policy in force with the interfaces and the date of now; job->wanted, or job->error. The text, and so the pins, are the
 * same.
 */
void think_of_renewal(const struct planner *planner, struct job *job);

/* What is wanted, as bytes; job->proposal, or job->error. */
void think_of_proposal(const struct planner *planner, struct job *job);

/* ---- planner_job_judge.c */

/* What the kernel holds is known: reads the text and judges it. */
void job_judge(struct planner *planner);

/* Makes a kept text the job's, and goes on then; job->wanted is NULL when it cannot be proposed. False when one was tried already, and then() is not called. */
bool kept_load(struct planner *planner, const char *name, const char *why, void (*then)(struct planner *planner));

/* ---- planner_job_record.c */

/* It is decided what came of the job: that is recorded, and then answered. committed NULL: nothing was. */
void job_end(struct planner *planner, const char *result, const struct committed *committed);

/* VERB_RECORDED of the parent: the job is answered, and over. */
void job_take_recorded(struct planner *planner, const struct frame *frame);

/* Tells the parent that nothing is to be confirmed any more. */
void confirmation_drop(struct planner *planner, bool confirmed);

#endif
