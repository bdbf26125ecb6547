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

#include "base/finding.h"
#include "base/buf.h"
#include "base/digest.h"
#include "ruleset/pins.h"

enum {
	PINS_BYTES_MAX = 16 << 20,	/* FRAME_PAYLOAD_BYTES_MAX */
	PINS_RANGES_MAX = 65536,	/* of one end of a grant, or of a zone */
};

/*
 * Reads the file at path and what it includes, after checking that each file is a regular file, belongs to
 * root or to ourselves, and may be written by no group and not by everybody: else a finding each. Appends
 * the pins as pins_pack() does, and the file in canonical form (without includes) to text; digest is that of the text as it was
 * written, by which the planner names it. now: Unix time. 0; -EPERM: there are findings; -EBADMSG: the file is broken
 * or against the law (whoever loads the policy finds out how); other negative errno.
 */
int pins_read(const char *path, int64_t now, struct findings *findings, struct buf *out, struct buf *text, uint8_t digest[static DIGEST_BYTES]);

/* Appends the pins as bytes, for VERB_PINS and for the state directory. */
void pins_pack(struct buf *out, const struct pins *pins);

/*
 * Reads them; nothing in them is believed: limits, names, tiers, an interface in two zones, zones that are
 * not there, ranges that are none, bindings out of order. 0 or -EBADMSG. Copied into the arena.
 */
int pins_unpack(struct arena *arena, struct span bytes, struct pins *ret_pins);

/* Keeps packed pins in directory, replacing what is there in one step. 0 or negative errno. */
int pins_keep(const char *directory, struct span bytes);

/* None are kept any more: those that are would be of another policy than the one in force. */
void pins_forget(const char *directory);

/*
 * Appends the packed pins that were kept in directory. 0; -EPERM: the file is not ours alone; other
 * negative errno.
 */
int pins_recall(const char *directory, struct buf *out);

#endif
