/* grid: text in aligned columns. */
#include "sekisho/grid.h"

#include "base/width.h"

enum { COLUMN_GAP = 2 };

const char *visible_text(struct arena *arena, struct span text)
{
	struct buf buf = buf_limited(0);
	const char *copy;

	buf_put_visible(&buf, text);
	copy = arena_strndup(arena, buf.length ? buf.data : "", buf.length);
	buf_free(&buf);
	return copy;
}

struct grid grid_make(struct arena *arena, size_t columns)
{
	return (struct grid){ .arena = arena, .columns = columns };
}

void grid_add(struct grid *grid, const char *text)
{
	grid->cells = arena_grow(grid->arena, grid->cells, grid->count, &grid->capacity, sizeof(*grid->cells));
	grid->cells[grid->count++] = visible_text(grid->arena, span_of(text));
}

static size_t column_width(const struct grid *grid, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < grid->count; i += grid->columns) {
		size_t width = text_width(span_of(grid->cells[i]));

		widest = width > widest ? width : widest;
	}
	return widest;
}

/* The last cell of a row that is not empty; nothing is padded behind it. */
static size_t row_end(const struct grid *grid, size_t row)
{
	size_t end = row + grid->columns;

	end = end < grid->count ? end : grid->count;
	while (end > row && grid->cells[end - 1][0] == '\0')
		end--;
	return end;
}

void grid_print(struct buf *out, const struct grid *grid, size_t indent)
{
	size_t *widths = arena_array(grid->arena, grid->columns, sizeof(*widths));

	for (size_t i = 0; i < grid->columns; i++)
		widths[i] = column_width(grid, i);
	for (size_t row = 0; row < grid->count; row += grid->columns) {
		size_t end = row_end(grid, row);

		buf_pad(out, span_of(""), row < end ? indent : 0);
		for (size_t i = row; i < end; i++)
			buf_pad(out, span_of(grid->cells[i]), i + 1 < end ? widths[i - row] + COLUMN_GAP : 0);
		buf_putc(out, '\n');
	}
}
