/*
 * kept_pins: the pins the enforcer judges by, as they are kept between two judgements.
 *
 * Whole pins take three times the memory of packed ones, and are wanted only while a child judges. So they are kept packed, as the parent sent them, and the child
 * unpacks them for itself. What is asked in between is which zones there are and by which interfaces, how many connections pairs of them may have, and what becomes of
 * tables of others: that is always at hand.
 */
#ifndef SEKISHOD_KEPT_PINS_H
#define SEKISHOD_KEPT_PINS_H

#include "sekishod/pins.h"

/* All zero: there are none. */
struct kept_pins {
	struct arena *arena;		/* of the program; NULL: there are no pins */
	struct program_input program;	/* zones with tier and interfaces; pairs and links empty */
	struct pins outline;		/* the program, the limits of connections, and what becomes of tables of others; nothing else is in it */
	struct buf bytes;		/* packed, and known to be well formed */
};

/* Checks and copies packed pins. 0: the caller gives *ret_kept back; -EBADMSG: they are not well formed (pins_unpack()). */
int kept_pins_make(struct span bytes, struct kept_pins *ret_kept);

/* The whole pins, in the arena, which must not outlive what is kept. */
struct pins kept_pins_unpack(struct arena *arena, const struct kept_pins *kept);

/* Gives them back; then there are none. */
void kept_pins_free(struct kept_pins *kept);

#endif
