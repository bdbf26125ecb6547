/*
 * enforcer: the role that acts. Private to enforcer*.c.
 *
 * It waits in one loop (enforcer.c) for the parent, the planner, the witness and the kernel, and does one thing at a time. Only a judgement (enforcer_judge.c)
 * takes longer than a moment: two children make it, half each, and what cannot wait for it is done meanwhile.
 */
#ifndef SEKISHOD_ENFORCER_H
#define SEKISHOD_ENFORCER_H

#include "base/finding.h"
#include "daemon/aside.h"
#include "daemon/clock.h"
#include "kernel/links.h"
#include "kernel/nfnl.h"
#include "kernel/nft_watch.h"
#include "kernel/snapshot.h"
#include "sekishod/bypass.h"
#include "sekishod/crowd.h"
#include "sekishod/door.h"
#include "sekishod/holding.h"
#include "sekishod/isolation_messages.h"
#include "sekishod/lookout.h"
#include "sekishod/kept_pins.h"
#include "sekishod/switches.h"
#include "wire/frame.h"

struct enforcer {
	struct nfnl nfnl;
	struct nft_watch watch;
	struct holding holding;		/* what was installed last */
	bool unrepaired;		/* a foreign change could not be repaired; nothing is forwarded */
	struct nft_change change;	/* that one */
	bool unreturned;		/* what was in force could not be put back after a refusal; nothing is forwarded */
	bool unisolated;		/* what is isolated could not be laid over it; nothing is forwarded */
	struct bypass bypass;
	struct switches switches;
	bool backstop_owed;		/* it could not be made: somebody else has a table of that name */
	struct lookout lookout;
	struct frame_reader parent_reader;
	struct door door;		/* to the witness */
	clock_base clock;		/* behind which time does not run */
	int planner;			/* -1: none */
	bool join_owed;			/* the parent could not be asked for another planner */
	struct frame_reader planner_reader;
	struct kept_pins former;	/* newer pins came, and nothing was installed by them yet: those before them, or none */
	bool pins_serve;		/* what is in force was installed by the pins */
	struct kept_pins pins;		/* none yet: only the seal is taken */
	struct arena *isolations_arena;	/* NULL: nothing was ever isolated */
	struct isolations isolations;	/* as the parent says; laid over everything that is installed */
	struct crowd crowd;		/* which pairs hold too many connections; laid over everything as well */
	bool judged;			/* what was installed last was: nothing in it need stay closed for want of a proof */
	struct opening {
		bool due;		/* an isolation ended in what was not judged: it is opened when that is done */
		bool owed;		/* the parent waits to hear of it */
		uint32_t number;	/* of the order */
	} opening;
	bool deferred;			/* a frame of the parent waits until a judgement is over */
	struct frame deferred_frame;
};

/* A question of the planner, and the memory it costs. */
struct question {
	struct arena *arena;
	struct findings findings;
	struct link_table links;	/* as they are now, by our own asking */
	const char *judged;		/* findings of a judgement that refused it, as JSON; NULL: none did */
};

/* Unix time, never behind the newest that was seen (daemon/clock.h). */
int64_t enforcer_now(struct enforcer *enforcer);

enum { HALVES = 2 };	/* of a judgement, for as many processors */

/* Does what cannot wait until the children have thought: isolates, repairs. 0 when all of them are done, or negative errno as soon as one cannot be. */
int enforcer_listen_meanwhile(struct enforcer *enforcer, struct aside asides[static HALVES]);

/* Who has made our tables his own can let pass what he likes, and we could not stop him: then nothing is forwarded. */
void enforcer_heed_tables(struct enforcer *enforcer);

/*
 * Where our tables can have no owner, something stays behind them when somebody takes them away. What cannot be made, because a predecessor is not gone yet, is
 * tried again with each survey.
 */
void backstop_set(struct enforcer *enforcer);

/* The zones of what is in force: those of newer pins only when something was installed by them. */
const struct program_input *enforcer_zones(const struct enforcer *enforcer);

/* What may pass is forwarded again, unless what is installed was not judged, or not all of what is due is in force. */
void enforcer_open_way(struct enforcer *enforcer);

/* What is installed was judged by the newest pins: from now on it is what stays in force, and packets are forwarded. */
void enforcer_trust(struct enforcer *enforcer);

/* ---- enforcer_judge.c */

/*
 * 0 when the ruleset may be in force: it is the program that follows from the pins (audit), and no packet passes that they do not grant (proof). The audit
 * knows how it should look, the proof what it does. Else negative errno, and the question says why. That takes seconds with many flows; zones are isolated and
 * foreign changes repaired meanwhile, so what points into the holding may be gone afterwards.
 */
int ruleset_judge(struct enforcer *enforcer, struct question *question, const struct ruleset *ruleset);

/* The interfaces that a ruleset read from the kernel uses: those of its set of ports, with the names they have now, and the loopback. In the arena. */
struct link_table links_used(struct arena *arena, const struct ruleset *ruleset, const struct link_table *real);

/* ---- enforcer_answers.c */

/* A question of the planner: answers it. 0; -EPIPE: he is gone; other negative errno: he is not to be listened to any more. */
int planner_answer(struct enforcer *enforcer, const struct frame *frame);

/* ---- enforcer_drift.c */

/*
 * Puts back what was installed last; where nothing was yet, nothing is forwarded until that is done. A ruleset of an interface that is gone by now cannot be put back as a whole; then the planner, which has seen it go, is
 * about to propose another.
 */
void kernel_repair(struct enforcer *enforcer, const struct nft_change *change);

/*
 * A change was refused: what of it is in the kernel all the same is taken back. Where that cannot be done nobody knows what may pass: nothing is forwarded
 * until it is done, or something else is installed. So it is where what is isolated could not be put in force, which is tried again.
 */
void kernel_return(struct enforcer *enforcer);

/* Removes what others have made to lead past the rules, if the pins say so. */
void bypasses_remove(struct enforcer *enforcer);

/* The kernel has told of changes of rules. */
void drift_take(struct enforcer *enforcer);

/* ---- enforcer_crowd.c */

/* What to wait at for the counting of connections (-1: nothing), and for how many milliseconds at most (-1: for ever). */
int crowding_channel(const struct enforcer *enforcer);
int crowding_wait_ms(const struct enforcer *enforcer); /* see crowding_channel() */

/* Does what of it can be done now; readable: something came at that channel. */
void crowding_work(struct enforcer *enforcer, bool readable);

/* ---- enforcer_isolation.c */

/* VERB_ISOLATION of the parent: what is isolated from now on, or a drill. 0 or negative errno. */
int isolation_take(struct enforcer *enforcer, struct span payload);

/* What should be in force: what was installed last, and over it what is isolated, where that could not be laid. In the arena or the holding's; NULL: nothing was installed yet. */
const struct ruleset *ruleset_due(struct enforcer *enforcer, struct arena *arena);

/* Something was installed that was judged: no isolation that ended need wait any longer. 0 or negative errno. */
int isolation_opened(struct enforcer *enforcer, const struct ruleset *installed);

/*
 * An opening is due: judges what is held, and opens in it what is not isolated any more. What cannot be proved stays closed until a planner has proposed
 * something that can. 0 or negative errno.
 */
int isolation_open(struct enforcer *enforcer);

#endif
