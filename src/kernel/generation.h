/*
 * generation (世代): one loaded configuration with all that was derived from it.
 *
 * file -> settings -> policy -> law -> ruleset -> proof, immutable. The daemon's planner and the sekisho command make
 * generations in the same way, so what `sekisho check` says is what a reload would say.
 */
#ifndef KERNEL_GENERATION_H
#define KERNEL_GENERATION_H

#include "base/finding.h"
#include "config/settings.h"
#include "policy/policy.h"
#include "ruleset/compile.h"
#include "ruleset/program.h"

struct generation {
	struct arena *arena;		/* owns everything below but what the next two do */
	struct arena *written;		/* settings; NULL when they were given back */
	struct arena *making;		/* rules and the texts of the files; NULL when they were given back */
	struct findings findings;	/* of all stations, sorted */
	struct source *sources;		/* the files it was read from; without their texts after generation_settle() */
	size_t source_count;
	const struct settings *settings; /* what was written; NULL when the file could not be read, nobody wanted them, or after generation_settle() */
	const struct policy *policy;	/* NULL when the file could not be read */
	struct compiled compiled;	/* ruleset NULL when there is an error in the findings, when none was wanted, or after generation_settle() */
	uint8_t digest[32];		/* SHA-256 over all sources in order: which text this is */
	int64_t made_at;		/* Unix time */
};

/* What a generation is made from besides the file. */
struct generation_world {
	int64_t now;
	bool offline;			/* interfaces and users are made up: needs no system, says nothing about them */
	struct link_table links;	/* not offline: the interfaces that exist */
	const struct mark_book *marks;	/* NULL: fresh marks */
	bool prove;			/* prove the ruleset as well (ruleset/prove.h): what does not prove is an error */
	bool policy_only;		/* compile nothing: what the file means is all that is asked */
	bool settings;			/* keep what was written as well; of all that is made it takes most */
	bool routes;			/* not offline: look for routes to both ends of what must not stop; a warning for each that is missing */
};

/* Makes a generation of the file at path. Always gives one; its findings say what is wrong. The caller frees it. */
struct generation *generation_load(const char *path, const struct generation_world *world);

/*
 * Gives back what a generation needs no more when it is in force: settings, rules, and the texts of its files, of which the findings have been told. The policy
 * stays, and so do the names of the files and the numbers of lines.
 */
void generation_settle(struct generation *generation);

/* Gives back the generation. NULL is allowed. */
void generation_free(struct generation *generation);

/* For the cleanup attribute. */
void generation_freep(struct generation **generation);

/* The flow with this mark, or NULL. */
const struct flow *generation_flow_of_mark(const struct generation *generation, uint32_t mark);

/* The program input (zones, interfaces, pairs empty) of a policy; in the arena. */
struct program_input *generation_pins(struct arena *arena, const struct policy *policy, const struct link_table *links);

#endif
