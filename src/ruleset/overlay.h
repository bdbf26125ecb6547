/*
 * overlay: a copy of a ruleset some of whose sets say what holds now and not what the file says, as isolation (isolation.h) and crowding (crowding.h) lay over
 * what the compiler made. Pure.
 */
#ifndef RULESET_OVERLAY_H
#define RULESET_OVERLAY_H

#include "ruleset/ruleset.h"

/* A copy with a list of tables of its own; the rest is shared. In the arena. */
struct ruleset *overlay_begin(struct arena *arena, const struct ruleset *ruleset);

/* The inet table of such a copy, from now on with a list of sets of its own, whose elements may be exchanged. NULL: the ruleset has none. */
struct table *overlay_table(struct arena *arena, struct ruleset *copy);

/* The set of this name of such a table, to be changed; NULL: there is none. */
struct set *overlay_set(struct table *table, const char *name);

/*
 * True when laid is table but for the elements and the room of its sets. Chains are known by their address, so that a
 * hundred thousand flows beside them take no time; other chains that say the same are others.
 */
bool overlay_is_of(const struct table *laid, const struct table *table);

/* True when both have the same elements, by address. */
bool overlay_shares_elements(const struct set *a, const struct set *b);

#endif
