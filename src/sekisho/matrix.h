/*
 * matrix: who may begin to talk to whom: a count of open flows for each ordered pair of zones and the gateway
 * itself.
 *
 * It is made from a file, or from what the kernel holds. From the kernel a flow counts when it could really
 * begin: @pairs leads from interface to interface to the pair's chain, a map of the pair gives the flow's mark,
 * and the mark is alive between these interfaces. The file then only gives names.
 */
#ifndef SEKISHO_MATRIX_H
#define SEKISHO_MATRIX_H

#include "sekisho/command.h"

/* What a flow counts as. */
enum matrix_kind {
	MATRIX_SERVICE = METHOD_EXCEPTION + 1,	/* below it: enum method */
	MATRIX_EGRESS,
	MATRIX_UNKNOWN,		/* in the kernel, but not in the file */
	MATRIX_KIND_COUNT
};

struct matrix_cell {
	size_t counts[MATRIX_KIND_COUNT];
	size_t total;
	bool never;		/* the law lets nothing begin here */
};

struct matrix {
	struct arena *arena;
	const struct policy *policy;
	size_t size;		/* the zones of the policy, then the gateway */
	struct matrix_cell *cells; /* size x size, [from * size + to] */
	const char *stranger;	/* a map in the kernel whose zones the file does not know, or NULL */
};

/* The matrix of a file that compiled. In the arena. */
struct matrix matrix_of_file(struct arena *arena, const struct generation *generation);

/* The matrix of the kernel. generation was made by load_for_live(). now: Unix time. In the arena. */
struct matrix matrix_of_kernel(struct arena *arena, const struct generation *generation, const struct ruleset *kernel, int64_t now);

#endif
