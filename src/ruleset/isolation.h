/*
 * isolation (遮断): which zones are cut off now, laid over a ruleset. Pure.
 *
 * A ruleset that the compiler makes knows of no isolation: it leaves the sets @isolated, @spared and @local-spared empty. Whoever installs it lays the
 * zones that are isolated over it. So isolation does not depend on the file, outlives every change of it, and cannot be taken away by a proposal.
 *
 * What goes on through an isolated zone are the flows of @life-safety and those that were named when it was isolated, as long as they are live: an
 * element of @spared opens nothing that @live does not. A flow between two isolated zones goes on when it is spared in both.
 */
#ifndef RULESET_ISOLATION_H
#define RULESET_ISOLATION_H

#include "ruleset/program.h"

enum { ISOLATIONS_MAX = 65 /* the last place is only for every zone */, ISOLATION_EXCEPT_MAX = 16, ISOLATION_REASON_BYTES_MAX = 1024 };

/* Stands for every zone; no zone has this name. */
#define ISOLATION_EVERY_ZONE "*"

/* A zone that is isolated. */
struct isolation {
	const char *zone;		/* or ISOLATION_EVERY_ZONE */
	const char *const *except;	/* names of flows and services that go on besides those of life safety */
	size_t except_count;
	const char *reason;		/* for people: not looked at here */
	int64_t since;			/* Unix time, for people */
};

struct isolations {
	struct isolation *items;	/* at most ISOLATIONS_MAX, no zone twice */
	size_t count;
};

/*
 * A copy of ruleset in which isolations alone say what the three sets hold; count 0: nothing is isolated. pins name the zones and their interfaces;
 * interfaces are looked up in the ruleset's links. In the arena, pointing into ruleset.
 */
struct ruleset *isolation_apply(struct arena *arena, const struct ruleset *ruleset, const struct program_input *pins, const struct isolations *isolations);

/*
 * Takes back what isolation_apply() has opened in laid compared with before: an interface that was cut off stays so, and of what goes through one only that
 * is spared which was. For a ruleset whose interfaces may have other names by now. True when there was something to take back.
 */
bool isolation_only_close(struct arena *arena, struct ruleset *laid, const struct ruleset *before);

/*
 * The name of an isolated zone out of which other zones would take an interface into one that is not isolated, and so open what is cut off; NULL: none. before:
 * the zones that isolations were ordered by.
 */
const char *isolation_lost(const struct program_input *before, const struct program_input *after, const struct isolations *isolations);

/* What isolation lets go on and what it was told in vain, for the answer. */
struct isolation_effect {
	size_t interfaces;		/* that are cut off */
	const char **keeps;		/* names of flows that go on into or out of isolated zones; sorted, none twice */
	size_t keep_count;
	const char **unknown;		/* exceptions that no flow in force has as its name */
	size_t unknown_count;
};

/* Reads the effect out of what isolation_apply() gave. In the arena. */
struct isolation_effect isolation_effect_of(struct arena *arena, const struct ruleset *ruleset, const struct isolations *isolations);

/* What a ruleset says of isolation: numbers sorted, none twice. */
struct isolation_claim {
	const uint32_t *interfaces;	/* indexes of what is cut off */
	size_t interface_count;
	const uint32_t *marks;		/* of flows that go on all the same */
	size_t mark_count;
};

/* Reads it out of the three sets, as they were read from the kernel for example. In the arena. */
struct isolation_claim isolation_claim_of(struct arena *arena, const struct ruleset *ruleset);

/* The isolation of this zone, or NULL. */
const struct isolation *isolation_of_zone(const struct isolations *isolations, const char *zone);

#endif
