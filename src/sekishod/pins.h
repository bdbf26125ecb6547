/*
 * pins: which zone is in which tier and has which interfaces, as the root-owned file says it.
 *
 * The parent reads them and hands them to the enforcer, past the planner: so a planner that has been taken
 * over cannot move an interface into another zone or a zone into another tier. Nothing else of the file is
 * used here. Pins that were in force are kept in the state directory, so that rules in the kernel can be
 * judged when the file has been broken since.
 */
#ifndef SEKISHOD_PINS_H
#define SEKISHOD_PINS_H

#include "base/finding.h"
#include "ruleset/program.h"

enum { PINS_BYTES_MAX = 64 << 10 };

/*
 * Reads the pins of the zone file at path and of what it includes, after checking that each file is a
 * regular file, belongs to root or to ourselves, and may be written by no group and not by everybody: else
 * a finding each. 0; -EPERM: there are findings; -EBADMSG: the file or its zones are broken (whoever loads
 * the policy finds out how); other negative errno. pairs and links of the result are empty. In the arena.
 */
int pins_read(struct arena *arena, const char *path, struct findings *findings, struct program_input *ret_pins);

/* Appends the pins as bytes, for VERB_PINS and for the state directory. */
void pins_pack(struct buf *out, const struct program_input *pins);

/*
 * Reads them; nothing in them is believed: limits, names, tiers, an interface in two zones. 0 or -EBADMSG.
 * Copied into the arena.
 */
int pins_unpack(struct arena *arena, struct span bytes, struct program_input *ret_pins);

/* Keeps packed pins in directory, replacing what is there in one step. 0 or negative errno. */
int pins_keep(const char *directory, struct span bytes);

/*
 * Appends the packed pins that were kept in directory. 0; -EPERM: the file is not ours alone; other
 * negative errno.
 */
int pins_recall(const char *directory, struct buf *out);

#endif
