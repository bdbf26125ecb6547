/*
 * isolation_messages: what planner, parent and enforcer tell each other about isolated zones, field by field, and how it is kept on the disk.
 *
 * An order goes from the planner to the parent, which alone says what is isolated: it keeps the list in the state directory and has the enforcer
 * lay it over whatever is in force. So no proposal of the planner, no file and no restart ends an isolation; only a release does.
 */
#ifndef SEKISHOD_ISOLATION_MESSAGES_H
#define SEKISHOD_ISOLATION_MESSAGES_H

#include "base/buf.h"
#include "ruleset/isolation.h"
#include "wire/journal.h"

enum {
	ISOLATION_ORDER_BYTES_MAX = 8 << 10,
	ISOLATIONS_BYTES_MAX = 60 << 10,	/* the planner takes 64 KiB */
	ISOLATIONS_NAMED_BYTES_MAX = ISOLATIONS_BYTES_MAX - ISOLATION_ORDER_BYTES_MAX,	/* the rest is only for every zone */
};

enum isolation_action { ISOLATION_CUT, ISOLATION_RELEASE, ISOLATION_DRILL };

/* VERB_ISOLATE, planner to parent. */
struct isolation_order {
	enum isolation_action action;
	struct isolation isolation;	/* RELEASE: zone and reason alone */
	struct journal_who who;
};

/* VERB_ISOLATION, parent to enforcer: what is isolated from now on; to the planner: the same, to tell it. */
struct isolation_state {
	uint32_t number;		/* of the order; comes back with the answer */
	enum isolation_action action;	/* of the order; DRILL: only say what it would do. No order: CUT */
	struct isolations isolations;
};

enum isolation_outcome {
	ISOLATION_DONE, ISOLATION_ZONE_UNKNOWN, ISOLATION_NOT_ISOLATED, ISOLATION_TOO_MANY, ISOLATION_BUSY, ISOLATION_FAILED,
	ISOLATION_LATER,	/* released, but what the kernel holds could not be proved: it opens when something that was is installed */
};

/* VERB_ISOLATED, enforcer to parent, and parent to planner. */
struct isolation_answer {
	uint32_t number;
	enum isolation_outcome outcome;
	bool kept;			/* parent to planner: it is on the disk, and recorded */
	struct isolation_effect effect;
};

/* Each appends a payload. */
void isolation_order_pack(struct buf *out, const struct isolation_order *order);
void isolation_state_pack(struct buf *out, const struct isolation_state *state);	/* see isolation_order_pack() */
void isolation_answer_pack(struct buf *out, const struct isolation_answer *answer);	/* see isolation_order_pack() */

/* Each reads a payload: 0 or -EBADMSG. Names are copied into the arena; the texts of who point into the payload. */
int isolation_order_unpack(struct arena *arena, struct span payload, struct isolation_order *ret_order);
int isolation_state_unpack(struct arena *arena, struct span payload, struct isolation_state *ret_state);	/* see isolation_order_unpack() */
int isolation_answer_unpack(struct arena *arena, struct span payload, struct isolation_answer *ret_answer);	/* see isolation_order_unpack() */

/*
 * The list after an order that is no drill, in the arena, pointing into both. ISOLATION_DONE; ISOLATION_NOT_ISOLATED: that zone is not; ISOLATION_TOO_MANY: so
 * many are, or with so long reasons and exceptions, that there is room only for every zone. Isolating a zone again replaces its exceptions and reason, and keeps
 * since when it is isolated.
 */
enum isolation_outcome isolations_change(struct arena *arena, const struct isolations *isolations, const struct isolation_order *order,
					 struct isolations *ret_isolations);

enum { ISOLATED_VERSION = 1 };	/* of the list as it is kept; one more when its form changes */

/* Keeps the list in the state directory; an empty one is none, which every version understands. On the disk when it returns 0; else negative errno. */
int isolations_keep(const char *directory, const struct isolations *isolations);

/*
 * What was kept. 0, also when nothing was; -EPROTO: a newer version has kept it; -EBADMSG, -EPERM, other negative errno: it cannot be known, and then
 * every zone is isolated, because none that was cut off may open by a damaged file. In the arena.
 */
int isolations_recall(struct arena *arena, const char *directory, int64_t now, struct isolations *ret_isolations);

#endif
