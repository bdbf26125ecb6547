/*
 * lasting: a ruleset without what is about to end, for comparing two of them across a moment in which elements expire.
 */
#ifndef RULESET_LASTING_H
#define RULESET_LASTING_H

#include "ruleset/ruleset.h"

/*
 * The ruleset without the elements that end at `until` (Unix time) or before. What nothing was taken from is shared. In the arena.
 */
struct ruleset *ruleset_lasting(struct arena *arena, const struct ruleset *ruleset, int64_t until);

#endif
