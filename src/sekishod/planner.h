/*
 * planner: the role that thinks. Private to planner*.c.
 *
 * One job is worked on at a time. Each goes the same way: ask the enforcer what the kernel holds, make the
 * ruleset, (apply and start: have the pins renewed,) propose it, take the answer, and have it recorded. Everything in between
 * happens in the event loop, or in a thread beside it where it takes long (planner_job_think.c), so that a status is answered and an order passed on at any time.
 */
#ifndef SEKISHOD_PLANNER_H
#define SEKISHOD_PLANNER_H

#include <event2/event.h>
#include <jansson.h>

#include "base/log.h"
#include "daemon/caller.h"
#include "daemon/clock.h"
#include "daemon/state_names.h"
#include "daemon/thinker.h"
#include "kernel/foreign.h"
#include "kernel/generation.h"
#include "kernel/links.h"
#include "sekishod/access.h"
#include "sekishod/carrier.h"
#include "sekishod/isolation_messages.h"
#include "sekishod/catalogue.h"
#include "sekishod/messages.h"
#include "sekishod/options.h"
#include "sekishod/request.h"
#include "wire/frame.h"
#include "wire/journal.h"
#include "wiring/layout.h"

struct planner;
struct proposal;
struct job;

/* The control sockets: who may connect is up to the kernel. */
enum { GATE_ROOT, GATE_OPERATOR, GATE_AUDITOR, GATES };

struct gate {
	struct planner *planner;
	int listener;			/* -1: not there */
	struct event *acceptable, *again; /* again: nobody could be let in, and is tried so much later */
};

/* A connection to a control socket. One request, one answer. */
struct client {
	struct planner *planner;
	struct gate *gate;
	int socket;
	struct caller caller;		/* who it is */
	enum access access;		/* what he may do */
	struct frame_reader reader;
	struct event *readable, *writable, *deadline;
	bool awaits_view;
	struct span view;		/* mapped; what is left of it after the answer at hand; whole_view: as it was mapped */
	struct span whole_view;
	struct buf answer;		/* empty: none yet */
	size_t answered;		/* bytes of it that were taken */
	struct client *next;
};

enum {
	CLIENTS_PER_GATE_MAX = 16,
	CLIENTS_PER_UID_MAX = 4,	/* of them; root is not counted */
	CLIENT_REQUEST_TIMEOUT_S = 5,	/* from connecting until the request is whole */
	CLIENT_ANSWER_TIMEOUT_S = 10,	/* until the answer is taken */
};

enum { PLANNER_AGAIN_FIRST_MS = 1000, PLANNER_AGAIN_MAX_MS = 60000 };

enum planner_state {
	STATE_STARTING,
	STATE_IN_FORCE,		/* the policy of `in_force` */
	STATE_LAST_GOOD,	/* what the kernel held when we started: the file has errors, or was changed and not applied */
	STATE_SEALED,		/* nothing passes */
};

/* An interface as it was last seen. */
struct known_link {
	uint32_t index;
	char name[16];
	bool was_up;		/* it has been seen switched on */
	bool barred;		/* renamed into a zone's name after it was up: no member until the next apply */
	char former[16];	/* barred: its name before */
};

enum job_kind {
	JOB_START,		/* put the file in force, or keep what is there, or seal */
	JOB_APPLY,		/* an administrator asks */
	JOB_CONFIRM,		/* an administrator confirms what he applied */
	JOB_RETURN,		/* nobody did: the text before is put in force again */
	JOB_RENEW,		/* the same policy again: interfaces or the date changed, or the enforcer was started again */
};

struct planner {
	const struct options *options;
	clock_base time_base;		/* behind which time does not run */
	struct event_base *loop;
	struct event *terminated;

	struct frame_reader parent_reader;
	struct event *parent_readable;
	int enforcer;			/* socket; -1: the enforcer is being started */
	struct frame_reader enforcer_reader;
	struct event *enforcer_readable;
	uint32_t enforcer_joins;	/* how many sockets we were given */

	struct gate gates[GATES];
	struct client *clients;		/* at all of them */
	struct access_groups groups;
	struct log_budget refusals_logged; /* connections */

	struct links_watch *watch;	/* kernel/links.h */
	struct event *links_changed, *links_settled;
	struct known_link *known;	/* by index; on the heap */
	size_t known_count;

	enum planner_state state;
	const char *last_good_why;	/* STATE_LAST_GOOD: why not the file */
	struct generation *in_force;	/* NULL unless STATE_IN_FORCE */
	uint32_t generation_number;	/* how many were put in force since this process began */
	int64_t committed_at;		/* Unix time; 0: never */
	uint32_t kernel_generation;
	enum ownership ownership;	/* of our tables, as the enforcer said last */
	size_t file_errors, file_warnings; /* of the file when it was last read */
	struct event *expiry;		/* the next flow closes */
	json_t *survey;			/* findings as they were at the last look: what could carry packets past the rules */
	struct event *survey_due, *survey_soon, *survey_later, *survey_told; /* the next look; one that was called for; one for what has to last; somebody calls */
	int survey_watch;		/* kernel/survey.h; -1: not open */
	uint32_t own_frames[LAYOUT_PORTS_MAX]; /* inodes of the sockets of frames that are the sentry's, as the parent said last */
	size_t own_frame_count;
	unsigned int wirings_asked;	/* VERB_WIRING that the parent has not answered: it may be opening sockets */
	struct carriers carriers;	/* of the interfaces of zones, at the last look */
	struct arena *foreign_arena;	/* of the newest VERB_FOREIGN; NULL: none yet */
	struct foreign foreign;
	int clock;			/* a timer that tells when somebody sets the clock; -1: not open */
	struct event *clock_set;
	struct event *again;		/* a job that failed for no fault of the file is tried again */
	unsigned int again_ms;

	struct event *view_due;		/* the enforcer may be asked for a view again */
	bool view_asked;		/* it was, and has not answered */
	int64_t view_asked_ms;		/* monotonic; the last time */

	struct confirm_state confirm;	/* as the parent says */
	bool return_wanted;		/* a JOB_RETURN is due */

	struct arena *isolations_arena;
	struct isolations isolations;	/* as the parent says, for the status */
	struct isolation_order *order;	/* that the parent is carrying out, in order_arena; NULL: none */
	struct arena *order_arena;
	struct client *order_client;	/* who waits for it; NULL: he has gone */

	struct proposal *proposal;	/* what waits for a second person; NULL: nothing */

	struct thinker *thinker;
	struct event *thought_over;	/* it has thought too long */
	struct job *job;		/* NULL: idle */
	struct job *waiting;		/* a JOB_APPLY that begins when the job at hand is over; NULL: none */
	bool start_wanted, renewal_wanted; /* a JOB_START, a JOB_RENEW is due then */
};

/* Unix time, never behind the newest that was seen (daemon/clock.h). */
int64_t planner_now(struct planner *planner);

/* Sends a frame to the enforcer; the descriptor stays the caller's. 0 or negative errno. */
int planner_send_enforcer(struct planner *planner, enum verb verb, uint16_t flags, int descriptor);

/* Sends a frame to the parent. 0 or negative errno. */
int planner_send_parent(enum verb verb, struct span payload);

/* The loop ends and the parent starts us again: what it was told is not to be relied on. */
void planner_give_up(struct planner *planner, const char *reason);

/*
 * Has a record written to the journal; the parent answers with VERB_RECORDED. caller NULL: nobody asked for what was done. Details that are too many are
 * left out.
 */
void planner_record(struct planner *planner, struct journal_record *record, const struct caller *caller);

/* ---- planner_job.c */

/*
 * An administrator asks: begins the job now, or after one that nobody waits for. The arena, which holds the
 * texts of the request, goes to the job. 0; -EBUSY: another apply is being worked on; -EACCES: the client may not; then the arena stays
 * the caller's.
 */
int job_apply(struct planner *planner, struct client *client, struct arena *arena, const struct apply_request *request);

/* The same for a confirmation of what was applied. */
int job_confirm(struct planner *planner, struct client *client, struct arena *arena, const struct apply_request *request);

/* VERB_CONFIRMATION of the parent. 0 or -EBADMSG. */
int job_confirmation(struct planner *planner, const struct frame *frame);

/*
 * A new enforcer is there, or what failed is to be tried again: puts the file in force (start) or makes
 * sure of what is.
 */
void job_enforcer_came(struct planner *planner);

/* The enforcer is gone: a job at hand has failed. */
void job_enforcer_went(struct planner *planner);

/*
 * An answer of the enforcer or of the parent (VERB_RENEW_PINS, VERB_RECORDED). Takes the descriptor. 0; -EBADMSG: nobody
 * asked for it.
 */
int job_frame(struct planner *planner, struct frame *frame);

/* The client has gone; its job goes on without it. */
void job_forget_client(struct planner *planner, const struct client *client);

/* Begins a JOB_RENEW now, or after the job at hand. */
void job_renew(struct planner *planner);

/* Gives back a job. NULL is allowed. */
void job_free(struct job *job);

/* ---- planner_job_think.c */

/* Makes the thread that thinks, which must be before the filter of calls, and its timer. 0 or negative errno. */
int thoughts_open(struct planner *planner);

/* Gives them back; nothing is being thought. */
void thoughts_close(struct planner *planner);

/* ---- planner_approval.c */

/* True when a change is made by two persons: what is in force says so, or, where that is not known, the policy that shall be. */
bool approval_is_wanted(const struct planner *planner, const struct policy *policy);

/* Keeps a change until somebody approves it, in the place of an older one. digest: of the text, in hexadecimal. */
void approval_propose(struct planner *planner, const struct caller *by, const struct apply_request *request, const char *digest);

/* What was proposed waits no more. */
void approval_drop(struct planner *planner);

/* Takes over what was wanted besides the text; names are copied into the arena. False: nothing is proposed. */
bool approval_prepare(const struct planner *planner, struct arena *arena, struct apply_request *request);

/* Why somebody cannot approve, named as in his request, the text that the file has now; DAEMON_FINDING_COUNT: he can. Something is proposed. */
enum daemon_finding approval_judge(const struct planner *planner, const struct caller *by, const char *approves, const char *digest);

/* Who proposed the change, in the arena, and why. Something is proposed. */
const char *approval_who(const struct planner *planner, struct arena *arena);
const char *approval_reason(const struct planner *planner);	/* see approval_who() */

/* What waits: {"digest", "uid", "login", "reason", "since"}, or null. */
json_t *approval_json(const struct planner *planner);

/* START: what was in force last may be changed by two persons, so approval_is_missing() will want the settings of the file. */
bool approval_may_be_missing(const struct planner *planner);

/* START: what was in force last is changed by two persons, and the file is another one, or its settings are not there to be compared. */
bool approval_is_missing(const struct planner *planner, const struct generation *generation);

/* ---- planner_gates.c */

/* Makes the control sockets; those of groups only where their directories are. 0 or negative errno. */
int gates_open(struct planner *planner);

/* Closes them and all clients. */
void gates_close(struct planner *planner);

/* Sends the answer (and gives it back) as the client takes it, and ends the client then. What he had asked for forgets him. */
void client_answer(struct client *client, json_t *answer);

/*
 * Sends a client a view as his answer, in pieces as he takes them. He gets the bytes and not the descriptor, which stays the caller's: who kept descriptors would keep
 * our memory.
 */
void client_send_view(struct client *client, int descriptor);

/* ---- planner_views.c */

/* Makes the timer. 0 or negative errno. */
int views_open(struct planner *planner);

/* VERB_VIEW of a client: he gets one as soon as the enforcer may be asked. */
void view_request(struct client *client);

/* The enforcer's answer, whose descriptor goes with it. */
void view_take(struct planner *planner, const struct frame *frame);

/* The enforcer is gone: nobody waits any longer. */
void view_enforcer_went(struct planner *planner);

/* Gives back the timer. */
void views_close(struct planner *planner);

/* ---- planner_control.c */

/* A client has asked something. */
void client_request(struct client *client, const struct frame *frame);

/* An answer that refuses, with one finding; argument may be NULL. */
json_t *refusal_json(const char *result, enum daemon_finding kind, const char *argument);

/* Refuses a request because the client may not use the verb; the answer names the group that may. */
void client_deny(struct client *client, enum verb verb);

/* The names of the states: "in-force", "last-good", "sealed", "starting". */
const char *planner_state_name(enum planner_state state);

/* Refuses a request with one finding; argument may be NULL. */
void client_refuse(struct client *client, const char *result, enum daemon_finding kind, const char *argument);

/* ---- planner_isolation.c */

/* VERB_ISOLATE or VERB_RELEASE: hands the order to the parent, past all jobs. The client gets its answer. */
void isolation_request(struct client *client, const struct frame *frame);

/* VERB_ISOLATED or VERB_ISOLATION of the parent. 0 or -EBADMSG. */
int isolation_frame(struct planner *planner, const struct frame *frame);

/* The client has gone; its order is carried out without it. */
void isolation_forget_client(struct planner *planner, const struct client *client);

/* What is isolated: [{"zone", "except", "reason", "since"}]. */
json_t *isolations_json(const struct planner *planner);

/* Gives back the memory. */
void isolation_close(struct planner *planner);

/* ---- planner_links.c */

/* Begins to watch interfaces and makes the timers. 0 or negative errno. */
int links_open(struct planner *planner);

/* Ends it. */
void links_close(struct planner *planner);

/*
 * The interfaces that exist now, for a compile, in the arena. Those that were renamed into a zone's name
 * are left out unless `all`. 0 or negative errno.
 */
int links_table(struct planner *planner, struct arena *arena, bool all, struct link_table *ret_links);

/* An apply was committed: renamed interfaces are members now, because an administrator has seen them. */
void links_accept(struct planner *planner);

/* Sets the timer for the next flow of the policy in force that closes. */
void expiry_schedule(struct planner *planner);

/* ---- planner_ways.c */

/* Looks once, and adds what it finds. 0 or negative errno. */
int ways_find(const struct planner *planner, struct findings *findings);

/* ---- planner_wiring.c */

/* Tells the parent that interfaces, addresses or the zones have changed, and which interfaces are no members of their zones. */
void wiring_tell(struct planner *planner);

/* VERB_WIRING of the parent: the sockets of frames that are ours. 0 or -EBADMSG. */
int wiring_told(struct planner *planner, struct span payload);

/*
 * Finds what is wrong with the interfaces of the zones in force themselves: one is not there, has no signal, or has an address of another zone or of none. 0 or
 * negative errno.
 */
int wiring_find(struct planner *planner, struct findings *findings);

/* ---- planner_survey.c */

/* Begins to look for ways past the rules, when something changes and every few seconds. 0 or negative errno. */
int survey_open(struct planner *planner);

/* Looks again in so many milliseconds, unless that is due before; 0: no matter. */
void survey_call_in(struct planner *planner, int64_t wait_ms);

/* Looks in some milliseconds: interfaces, the zones in force or the enforcer are others now. */
void survey_call(struct planner *planner);

/* VERB_FOREIGN of the enforcer. 0 or -EBADMSG. */
int survey_foreign(struct planner *planner, struct span payload);

/* Ends it. */
void survey_close(struct planner *planner);

#endif
