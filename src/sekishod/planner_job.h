/*
 * planner_job: one job of the planner, from a request to the answer. Private to planner_job*.c.
 *
 * planner_job.c has the way of a job, planner_job_judge.c what is thought about on it, planner_job_record.c its end.
 */
#ifndef SEKISHOD_PLANNER_JOB_H
#define SEKISHOD_PLANNER_JOB_H

#include "sekishod/planner.h"

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

/* ---- planner_job_judge.c */

/* START, APPLY and RETURN: reads the file and judges it. */
void job_judge(struct planner *planner, const struct mark_book *marks);

/*
 * RENEW: the policy in force with the interfaces and the date of now. The text, and so the pins, are the
 * same.
 */
void job_recompile(struct planner *planner, const struct mark_book *marks);

/* Makes a kept text the job's, unless one was tried already. True when it may be proposed. Its findings were told when it was applied. */
bool kept_load(struct planner *planner, const char *name, const char *why);

/* The marks that flows have in the kernel, by what it holds; in the job's arena. */
struct mark_book held_marks(const struct job *job);

/* ---- planner_job_record.c */

/* It is decided what came of the job: that is recorded, and then answered. committed NULL: nothing was. */
void job_end(struct planner *planner, const char *result, const struct committed *committed);

/* VERB_RECORDED of the parent: the job is answered, and over. */
void job_take_recorded(struct planner *planner, const struct frame *frame);

/* Tells the parent that nothing is to be confirmed any more. */
void confirmation_drop(struct planner *planner, bool confirmed);

#endif
