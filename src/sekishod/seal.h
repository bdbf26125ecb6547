/*
 * seal: the ruleset that lets nothing pass: no zone, no flow, only the loopback interface. It is compiled
 * in, so that it is there when nothing else is.
 */
#ifndef SEKISHOD_SEAL_H
#define SEKISHOD_SEAL_H

#include "ruleset/ruleset.h"

/* The seal, in the arena. */
struct ruleset *seal_build(struct arena *arena);

#endif
