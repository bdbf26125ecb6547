/*
 * parent: starts the roles, starts them again when they die, and stops them (daemon/crew.h). Private to parent*.c.
 *
 * It holds the one capability that the enforcer needs, because a started program cannot have more than its
 * parent may give, the one by which roles give theirs up, and the one that opens sockets of frames for the sentry. It reads no text itself:
 * a child reads the zone file and gives it the pins. From the roles it takes only the verbs of parent.c. It alone writes the journal. Its own end ends the roles; the rules stay in the kernel.
 */
#ifndef SEKISHOD_PARENT_H
#define SEKISHOD_PARENT_H

#include <event2/event.h>
#include <time.h>

#include "base/digest.h"
#include "base/log.h"
#include "daemon/aside.h"
#include "daemon/clock.h"
#include "daemon/crew.h"
#include "kernel/nfnl.h"
#include "sekishod/alarm_book.h"
#include "sekishod/confirmation.h"
#include "sekishod/isolation_messages.h"
#include "sekishod/journal_book.h"
#include "sekishod/options.h"
#include "sekishod/pins_file.h"
#include "sekishod/roles.h"
#include "sekishod/wiring.h"
#include "wire/journal.h"

enum { STATE_PATH_BYTES = 4096 };

/* A file is being read. */
struct reading {
	struct event *readable;		/* NULL: none is */
	struct aside aside;		/* by a child */
	const char *path;
	bool ahead;			/* in case its pins are wanted */
	bool wanted;			/* the planner waits for them, and has read the text of this */
	uint8_t digest[DIGEST_BYTES];
};

struct parent {
	const struct options *options;
	struct event_base *loop;
	struct crew_plan plan;
	struct crew *crew;
	struct nfnl netlink;		/* what our tables belong to; the enforcer alone speaks by it, and the service manager keeps it for a successor */
	struct buf pins;		/* packed; what the enforcer has, empty: none */
	struct buf text;		/* the file the pins are of, in canonical form; empty: the pins are those that were kept */
	uint8_t text_digest[DIGEST_BYTES]; /* of the text as it was written */
	struct reading reading;
	struct pins_reading ahead;	/* the zone file, read before its pins are wanted */
	char last_good_path[STATE_PATH_BYTES];
	clock_base clock;		/* behind which time does not run */
	clock_base clock_kept;		/* the same, as the disk has it */
	struct event *clock_keeps;	/* the newest time goes to the disk again */
	char in_force[DIGEST_TEXT_BYTES]; /* the digest a planner that is started again gets; "" before the first policy */
	struct event *join;		/* planner and enforcer get another channel: theirs broke */
	bool ready;
	struct confirmation confirmation;
	struct event *confirm_over;	/* its time is over */
	char previous_path[STATE_PATH_BYTES];
	struct arena *isolations_arena;
	struct isolations isolations;	/* what is isolated; also in the state directory */
	struct arena *order_arena;	/* NULL: no order is being carried out */
	struct isolation_order order;
	struct isolations ordered;	/* what will be isolated then */
	uint32_t order_number;
	bool order_kept;		/* the list is on the disk */
	int64_t order_began_ms;
	char journal_path[STATE_PATH_BYTES];
	struct journal_book journal;
	struct alarm_book alarms;
	bool started[ROLE_COUNT];	/* the role has run before */
	time_t drifts_since;		/* when the minute began in which drifts are counted */
	unsigned int drift_count, drifts_folded; /* in it; not recorded one by one since the last that was */
	struct wiring wiring;
	struct log_budget faults;	/* of wiring */
};

/* ---- parent_isolation.c */

/* At the start: what was isolated before. Where that cannot be read, every zone is. */
void isolations_begin(struct parent *parent);

/* Tells a role what is isolated; drill: what would be. */
void isolations_send(struct parent *parent, int role, const struct isolations *isolations, bool drill);

/* True when the order that is being carried out is a drill. */
bool order_is_drill(const struct parent *parent);

/* VERB_ISOLATE of the planner. 0 or -EBADMSG. */
int order_take(struct parent *parent, struct span payload);

/* VERB_ISOLATED: the enforcer is done. An answer to what it was told when it started is nobody's. 0 or -EBADMSG. */
int isolated_take(struct parent *parent, struct span payload);

/* ---- parent_pins.c */

/* VERB_RENEW_PINS of the planner: the pins of a file are wanted, now or soon. 0 or -EBADMSG. */
int renew_take(struct parent *parent, struct span payload);

/* The same at the start, when nobody else is there to be served: the pins of the file at path are parent->pins, which stay as they are when that fails. */
int pins_await(struct parent *parent, const char *path);

/*
 * A reading has come to its end: 0 and the pins, which are the callee's; or negative errno, and why as JSON, where it is known. -EIO: nothing was said; why is empty.
 */
void pins_came(struct parent *parent, const struct reading *reading, int error, struct pins_reading *pins, const struct buf *why);

/* Nobody wants what is being read, or was read ahead. */
void pins_forget_ahead(struct parent *parent);

/* ---- parent_reading.c */

enum { READING_WHY_BYTES_MAX = 60 << 10 };	/* of findings as JSON; the planner takes 64 KiB */

/* Lets a child read the file at path, which must outlive it, instead of what is being read; pins_came() tells when it is done. 0 or negative errno. */
int reading_begin(struct parent *parent, const char *path, bool ahead);

/* Ends it; nobody hears of it. */
void reading_drop(struct parent *parent);

/* The same while the caller waits. 0: the caller gives the reading back; -EIO: nothing was said; other negative errno, as pins_read(). */
int reading_await(struct parent *parent, const char *path, struct pins_reading *ret_reading);

/* Appends findings as JSON. */
void findings_put(struct buf *out, const struct findings *findings);

/* ---- parent_in_force.c */

/*
 * The pins at the start: those that were in force last, because by them the rules in the kernel are judged. The file may have been edited
 * since; its pins are taken when the planner has found no fault in it and asks for them. What a newer version has kept is not understood: then they are those of
 * the text that was in force last. Where there is none either, they are those of the file.
 */
void pins_begin(struct parent *parent);

/* The pins of what is in force, and not those of a file that was refused since, appended to out; nothing: there are none. */
void pins_in_force(const struct parent *parent, struct buf *out);

/*
 * The zones of what is in force alone, in the arena. Who isolates waits for them: what else is in the pins may be a hundred thousand flows, and is not looked at.
 * 0; -EBADMSG: there are none.
 */
int zones_in_force(const struct parent *parent, struct arena *arena, struct program_input *ret_zones);

/* An enforcer that was started again judges what is in force. */
void pins_send(struct parent *parent);

/* VERB_READY of the planner: a policy or the seal is in force. 0 or -EBADMSG. */
int ready_take(struct parent *parent, struct span payload);

/*
 * Keeps what is in force for the next start: the pins, and the text they are of. A text that was read and then refused is not in force: the digest tells.
 * What cannot be kept is tried again later; until then nothing is kept, because what was in force before may have let pass what is closed now.
 */
void in_force_keep(struct parent *parent);

/* ---- parent_confirmation.c */

/* Tells the planner what is to be confirmed. */
void confirmation_send(struct parent *parent);

/* Waits for the end of the time in which it must be. */
void confirmation_wait(struct parent *parent);

/* The timer of confirmation_wait(); context: the parent. */
void confirmation_over(evutil_socket_t unused, short what, void *context);

/* VERB_CONFIRM of the planner: nothing waits any more; it was confirmed, refused, or has gone back. 0 or -EBADMSG. */
int confirm_take(struct parent *parent, struct span payload);

/* ---- parent_journal.c */

/* A record of our own. */
void event_record(struct parent *parent, enum journal_event event);

/* VERB_RECORD of planner or enforcer. 0 or -EBADMSG. */
int record_take(struct parent *parent, int role, struct span payload);

/* VERB_ALARM: any role may raise one. Its form is checked, and that is all: what it says is what the role says. 0 or -EBADMSG. */
int alarm_take(struct parent *parent, enum role role, struct span payload);

/* An alarm of our own. */
void alarm_own(struct parent *parent, const char *id, const char *sentence, const char *key, const char *value);

/* ---- parent_clock.c */

/* Time goes on from the newest that a predecessor has seen. */
void clock_begin(struct parent *parent);

/* The time for something that may close a flow. One that has jumped is kept at once: what it closes shall stay closed, however we end. */
int64_t time_look(struct parent *parent);

/* The newest time goes to the disk. */
void newest_keep(struct parent *parent);

/* The timer of parent->clock_keeps: the same again, and what is in force, where that could not be kept; context: the parent. */
void newest_keep_again(evutil_socket_t unused, short what, void *context);

/* ---- parent_wiring.c */

/* VERB_WIRING: the planner says that interfaces or the zones have changed. It has to know our own sockets of frames from those of others. 0 or -EBADMSG. */
int wiring_take(struct parent *parent, struct span payload);

/*
 * VERB_FAULT: the sentry, which reads strangers' bytes, has found something: what it says is read as carefully. The witness writes it to the database. 0 or
 * -EBADMSG.
 */
int fault_take(struct parent *parent, struct span payload);

#endif
