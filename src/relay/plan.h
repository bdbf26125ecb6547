/*
 * plan: the relays of a zone file, as they travel from the reader to the roles that need them.
 *
 * Only the reader, which runs as root for a moment, sees the zone file; it hands the resolved relays (policy/policy.h) to the parent as bytes,
 * and the parent to keeper and front. A plan has a number, higher for each that was read; a session keeps the plan it began with until it ends, so a
 * changed file is for new sessions. Courier and washer get the one relay that they need with each session and each mail.
 */
#ifndef RELAY_PLAN_H
#define RELAY_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mail/letter.h"
#include "mail/wash.h"
#include "policy/policy.h"

enum { PLAN_BYTES_MAX = 256 << 10 };

/* Immutable, in an arena of its own. Of each relay, what the roles need is there: not its zones and origins. */
struct plan {
	struct arena *arena;
	uint32_t number;
	const struct relay *relays;
	size_t relay_count;
	unsigned int users;	/* sessions that began with it */
	struct plan *older;	/* the book's chain */
};

/* Appends one relay. */
void plan_relay_pack(struct buf *out, const struct relay *relay);

/* Reads one relay into the arena. 0 or -EBADMSG. */
int plan_relay_unpack(struct arena *arena, struct span bytes, struct relay *ret_relay);

/* Appends the relays of a policy, without a number. */
void plan_pack(struct buf *out, const struct relay *relays, size_t count);

/* Reads what plan_pack() wrote, for a plan with this number; plan_free() gives it back. 0 or -EBADMSG. */
int plan_unpack(struct span bytes, uint32_t number, struct plan **ret_plan);

/* Gives back a plan. NULL is allowed. */
void plan_free(struct plan *plan);

/* The plans a role knows: the newest, the one before it (somebody may not have heard of the newest yet), and those that a session still uses. All zero: none. */
struct plan_book {
	struct plan *newest;
};

/*
 * Takes the payload of VERB_PLAN (a number, then the relays) as the newest plan; older ones without users are given back. 0; -EBADMSG: it is no
 * plan, or not newer than the newest.
 */
int plan_book_take(struct plan_book *book, struct span payload);

/* The relay of this index in the plan of this number, and the plan with one user more; NULL: there is none. */
const struct relay *plan_book_use(struct plan_book *book, uint32_t number, uint32_t index, struct plan **ret_plan);

/* One user less; a plan that is not the newest goes with its last one. */
void plan_book_release(struct plan_book *book, struct plan *plan);

/* Gives back all plans. */
void plan_book_free(struct plan_book *book);

/* The payload of VERB_PLAN. */
void plan_number_pack(struct buf *out, uint32_t number, struct span packed_relays);

/* What the composer needs of a relay (mail/letter.h); in the arena. zone_minutes is that of this machine. */
struct letter_office plan_office(struct arena *arena, const struct relay *relay);

/* What the washer needs of a relay (mail/wash.h); in the arena. */
struct wash_settings plan_wash_settings(struct arena *arena, const struct relay *relay);

#endif
