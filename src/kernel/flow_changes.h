/*
 * flow_changes: what a new policy does to the flows the kernel has, by the identity of their content.
 *
 * A flow stays when its content stays: its connections go on, whatever its name, record or place in the file.
 * The kernel tells names and identities by the comments of its live elements, so nothing here depends on the
 * file that was applied before.
 */
#ifndef KERNEL_FLOW_CHANGES_H
#define KERNEL_FLOW_CHANGES_H

#include "kernel/generation.h"

enum flow_fate {
	FATE_OPENS,		/* the kernel has no flow of this content or name */
	FATE_CLOSES,		/* the kernel has it; the file does not */
	FATE_EXPIRES,		/* the kernel has it; the file closes it, because its record has expired */
	FATE_LOSES_INTERFACE,	/* the kernel has it; its interfaces do not exist now */
	FATE_CHANGES,		/* same name, other content: running connections are judged again */
	FATE_RENAMED,		/* same content, other name: connections go on */
	FATE_NEW_EXPIRY,	/* same content, other last day: connections go on */
	FATE_STAYS,
	FATE_COUNT
};

/* A stable word: "opens", "closes", "expires", "loses-interface", "changes", "renamed", "new-expiry", "stays". */
const char *flow_fate_word(enum flow_fate fate);

struct flow_change {
	enum flow_fate fate;
	const struct flow *flow;	/* of the new policy; NULL: it has none of that name */
	const char *kernel_name;	/* NULL: the kernel has none */
};

struct flow_changes {
	struct flow_change *items;	/* in the order of the file, then what only the kernel has, by name */
	size_t count;
	size_t counts[FATE_COUNT];
};

/*
 * Compares the flows of the generation, which must have compiled with the kernel's marks, with those of the
 * kernel (NULL: it has none). Names point into both or live in the arena.
 */
struct flow_changes flow_changes_of(struct arena *arena, const struct generation *generation, const struct ruleset *kernel);

#endif
