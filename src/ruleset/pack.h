/*
 * pack: a ruleset as bytes, for the way from the planner to the enforcer.
 *
 * The receiver trusts nothing: unpack checks every length, count, name, enumeration and order, and fails closed. The format is private to one build of sekishod
 * (both ends are the same binary); it is little endian and starts with RULESET_PACK_MAGIC.
 *
 * Not judged here, because the kernel refuses it: loops of jumps, ranges that share a point. What the ruleset allows is the audit's business. Texts are
 * checked for control characters and quotes, not for being UTF-8. Handles do not travel.
 */
#ifndef RULESET_PACK_H
#define RULESET_PACK_H

#include "base/buf.h"
#include "ruleset/ruleset.h"

#define RULESET_PACK_MAGIC "sekishoR3"

enum {
	PACK_BYTES_MAX = 512 << 20,
	PACK_TABLES_MAX = 8, PACK_SETS_MAX = 65536, PACK_CHAINS_MAX = 65536, PACK_RULES_MAX = 256, /* per chain */
	PACK_ELEMENTS_MAX = 4 << 20, /* per set */
	PACK_ROOM_MAX = 4 * PACK_ELEMENTS_MAX, /* more than diff.h gives to that many */
};

/* Appends the packed ruleset. */
void ruleset_pack(struct buf *out, const struct ruleset *ruleset);

/*
 * Unpacks. The bytes must stay where they are as long as the ruleset lives: keys, names and comments point into them. 0; -EBADMSG: not a well-formed ruleset (truncated, unsorted, out
 * of range, dangling names, trailing bytes).
 */
int ruleset_unpack(struct arena *arena, struct span bytes, struct ruleset **ret_ruleset);

#endif
