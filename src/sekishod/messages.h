/*
 * messages: the payloads that planner, enforcer and parent send each other, field by field, little endian.
 *
 * Reading checks every length; a payload that is not exactly of its form is -EBADMSG.
 */
#ifndef SEKISHOD_MESSAGES_H
#define SEKISHOD_MESSAGES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "kernel/conntrack.h"
#include "kernel/ownership.h"
#include "kernel/tally.h"
#include "wire/fields.h"

/* VERB_HELD: what the kernel holds besides the ruleset, which travels beside it. */
struct held {
	uint32_t generation;	/* of nf_tables */
	uint32_t alien_count;	/* things in our tables that are not of our kind */
	enum ownership ownership; /* of our tables */
	const uint32_t *marks;	/* sorted: marks that connections carry */
	size_t mark_count;
};

/* VERB_COMMITTED: what was changed. */
struct committed {
	uint32_t generation;	/* of nf_tables, after the commit */
	uint32_t elements_added, elements_deleted, rules_added;
	bool changed;		/* false: the kernel held it already, and nothing was sent */
	enum ownership ownership; /* of our tables, after the commit */
};

/* VERB_READY. */
struct ready {
	uint8_t digest[DIGEST_BYTES]; /* of the text in force; all zero when no text is in force (sealed, last good) */
	struct span status;	/* for systemd, one line */
};

enum { READY_STATUS_BYTES_MAX = 256 };

/*
 * The payload of VERB_RENEW_PINS from the planner: one byte, which file, and the digest of the text that the planner has judged, so that nothing is put in
 * force by the pins of another. RENEW_CONFIRM is the zone file as well, with the seconds (4 bytes) between the two in which the change is to be confirmed.
 * RENEW_AHEAD is one byte, renews nothing and has no answer: the pins of the zone file will probably be asked for soon.
 */
enum { RENEW_FILE = 0, RENEW_LAST_GOOD = 1, RENEW_PREVIOUS = 2, RENEW_CONFIRM = 3, RENEW_AHEAD = 4 };

/* VERB_CONFIRMATION. */
struct confirm_state {
	bool pending;		/* a change waits for its confirmation */
	bool over;		/* its time is over: the planner goes back to the text before */
	int64_t until;		/* Unix time, for people */
};

/* An interface of a zone, as the enforcer knows it. */
struct tally_port {
	uint32_t index;
	const char *zone;
};

/* VERB_TALLY: what the kernel counted, and which zones its interfaces belong to. */
struct tally_report {
	struct tally_port *ports;	/* sorted by index */
	size_t port_count;
	struct tally tally;		/* kernel/tally.h */
	struct conntrack_fill connections;
};

enum { TALLY_BYTES_MAX = 16 << 20 };

/* Each appends a payload. */
void held_pack(struct buf *out, const struct held *held);
void committed_pack(struct buf *out, const struct committed *committed);	/* see held_pack() */
void ready_pack(struct buf *out, const struct ready *ready);			/* see held_pack() */
void tally_report_pack(struct buf *out, const struct tally_report *report);	/* see held_pack() */
void confirm_state_pack(struct buf *out, const struct confirm_state *state);	/* see held_pack() */

/* Each reads a payload: 0 or -EBADMSG. Marks are copied into the arena; the status points into the payload. */
int held_unpack(struct arena *arena, struct span payload, struct held *ret_held);
int committed_unpack(struct span payload, struct committed *ret_committed);	/* see held_unpack() */
int ready_unpack(struct span payload, struct ready *ret_ready);			/* see held_unpack() */
int tally_report_unpack(struct arena *arena, struct span payload, struct tally_report *ret_report); /* see held_unpack() */
int confirm_state_unpack(struct span payload, struct confirm_state *ret_state);	/* see held_unpack() */

#endif
