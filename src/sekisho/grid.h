/*
 * grid: text in aligned columns, as wide as people see it (Japanese characters take two columns).
 */
#ifndef SEKISHO_GRID_H
#define SEKISHO_GRID_H

#include "base/arena.h"
#include "base/buf.h"

struct grid {
	struct arena *arena;
	size_t columns;
	const char **cells;	/* row by row, from left to right */
	size_t count, capacity;
};

/* An empty grid of so many columns (at least 1). Its cells live in the arena. */
struct grid grid_make(struct arena *arena, size_t columns);

/*
 * Adds the next cell: a copy of the text as buf_put_visible() shows it, because it may come from a file or a
 * peer.
 */
void grid_add(struct grid *grid, const char *text);

/*
 * Prints the rows, two spaces between columns and none at the end of a line. Each line begins with indent
 * spaces.
 */
void grid_print(struct buf *out, const struct grid *grid, size_t indent);

/* A copy of the text as buf_put_visible() shows it, in the arena. */
const char *visible_text(struct arena *arena, struct span text);

#endif
