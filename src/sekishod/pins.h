/*
 * pins: what may pass, as the root-owned file says it, on its way to the enforcer (ruleset/pins.h).
 *
 * The parent reads them and hands them to the enforcer, past the planner: so a planner that has been taken
 * over can neither move an interface into another zone nor open anything that the file does not grant. The
 * parent reads nothing but the text of files that root alone can write, and the list of local users; the law
 * has judged what it hands on. Pins that were in force are kept in the state directory, so that rules in the
 * kernel can be judged when the file has been broken since.
 */
#ifndef SEKISHOD_PINS_H
#define SEKISHOD_PINS_H

#include "base/buf.h"
#include "ruleset/pins.h"

enum {
	PINS_BYTES_MAX = 16 << 20,	/* FRAME_PAYLOAD_BYTES_MAX */
	PINS_RANGES_MAX = 65536,	/* of one end of a grant, or of a zone */
};

/* What both a file and bytes must fulfil: limits, names, no interface in two zones. 0 or -EBADMSG. */
int pins_check(const struct program_input *pins);

/* Appends the pins as bytes, for VERB_PINS and for the state directory. */
void pins_pack(struct buf *out, const struct pins *pins);

/*
 * Reads them; nothing in them is believed: limits, names, tiers, an interface in two zones, zones that are
 * not there, ranges that are none, bindings out of order. 0 or -EBADMSG. Copied into the arena.
 */
int pins_unpack(struct arena *arena, struct span bytes, struct pins *ret_pins);

/* The zones with their tiers and interfaces alone, which stand first: what follows is not looked at. 0 or -EBADMSG. Copied into the arena. */
int pins_unpack_program(struct arena *arena, struct span bytes, struct program_input *ret_program);

enum { PINS_VERSION = 2 };	/* of what pins_pack() writes, as it is kept; one more when that changes */

/* Keeps packed pins in directory, replacing what is there in one step. 0 or negative errno. */
int pins_keep(const char *directory, struct span bytes);

/* None are kept any more: those that are would be of another policy than the one in force. */
void pins_forget(const char *directory);

/*
 * Appends the packed pins that were kept in directory. 0; -EPERM: the file is not ours alone; -EPROTO: a newer version of sekishod has kept them; other
 * negative errno.
 */
int pins_recall(const char *directory, struct buf *out);

#endif
