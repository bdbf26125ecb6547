/* html_table: a table of HTML as rows of text in columns. */
#include "mail/html_table.h"

#include <string.h>

#include "base/width.h"

/* How a collected table is laid out: columns without text have no width. */
struct grid {
	size_t widths[TABLE_COLUMNS_MAX];
	size_t columns;		/* that have text */
	size_t last;		/* of them */
	size_t total;		/* width of all, with what stands between them */
	bool several_lines;	/* some cell has more than one */
};

static bool grid_write(const struct html_table *table, struct html_lines *lines);

void table_begin(struct html_table *table)
{
	memset(table, 0, offsetof(struct html_table, cells));
	table->collecting = true;
	/* One byte less than there is: buf makes a larger copy only of a buffer that is full. */
	table->text = (struct buf){
		.data = table->memory, .capacity = sizeof(table->memory), .limit_bytes = sizeof(table->memory) - 1,
	};
}

/* True when there may be no room for another row beside those that are collected. */
static bool table_wants_piece(const struct html_table *table)
{
	return table->rows == TABLE_ROWS_MAX || table->cell_count > TABLE_CELLS_MAX - TABLE_COLUMNS_MAX ||
	       table->text.length > TABLE_TEXT_BYTES_MAX / 2;
}

/* Begins again, with the next row of the same table. */
static void piece_begin(struct html_table *table)
{
	table->rows = 0;
	table->cell_count = 0;
	table->text.length = 0;
	table->continues = true;
}

bool table_row(struct html_table *table, struct html_lines *lines)
{
	bool wants_piece = table_wants_piece(table);

	if (wants_piece && !grid_write(table, lines))
		return false;
	if (wants_piece || table->rows > 0)
		for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
			table->rowspans[i] = (uint16_t)(table->rowspans[i] ? table->rowspans[i] - 1 : 0);
	if (wants_piece)
		piece_begin(table);
	table->rows++;
	table->column = 0;
	return true;
}

bool table_cell_begin(struct html_table *table, struct html_lines *lines, unsigned int columns, unsigned int rows, bool heading)
{
	size_t column = table->column;

	while (column < TABLE_COLUMNS_MAX && table->rowspans[column] > 0)
		column++;
	if (columns > TABLE_COLUMNS_MAX)
		columns = TABLE_COLUMNS_MAX;
	if (column + columns > TABLE_COLUMNS_MAX || table->cell_count == TABLE_CELLS_MAX)
		return false;
	if (table->rows == 0 && !table_row(table, lines))
		return false;
	for (size_t i = 0; i < columns; i++)
		table->rowspans[column + i] = (uint16_t)(rows < TABLE_ROWS_MAX ? rows : TABLE_ROWS_MAX);
	table->column = (uint8_t)(column + columns);
	/* Words end here: text between the cells must not join to an address behind the back of plain_text. */
	lines_flush(lines);
	lines_break(lines, 1);
	table->cells[table->cell_count++] = (struct table_cell){
		.begin = (uint32_t)table->text.length, .row = table->rows, .column = (uint8_t)column, .span = (uint8_t)columns,
		.heading = heading,
	};
	table->outside = lines->now;
	table->outside_text = lines->out;
	lines->now = (struct line_state){ .begun = false };
	lines->out = &table->text;
	lines->prefix_from = lines->prefix_length;
	table->within_cell = true;
	return true;
}

void table_cell_end(struct html_table *table, struct html_lines *lines)
{
	lines_flush(lines);
	table->cells[table->cell_count - 1].end = (uint32_t)table->text.length;
	lines->now = table->outside;
	lines->out = table->outside_text;
	lines->prefix_from = 0;
	table->within_cell = false;
}

bool table_is_full(const struct html_table *table)
{
	return table->text.length > TABLE_TEXT_BYTES_MAX;
}

static struct span cell_text(const struct html_table *table, const struct table_cell *cell)
{
	return span_part(buf_span(&table->text), cell->begin, cell->end);
}

/* Takes the first line off text. */
static struct span line_take(struct span *text)
{
	const char *end = text->length > 0 ? memchr(text->data, '\n', text->length) : NULL;
	size_t length = end ? (size_t)(end - text->data) : text->length;
	struct span line = span_part(*text, 0, length);

	*text = span_part(*text, length < text->length ? length + 1 : length, text->length);
	return line;
}

static void cell_write(const struct html_table *table, const struct table_cell *cell, struct html_lines *lines)
{
	struct span text = cell_text(table, cell);
	/* A cell of several paragraphs stands apart, as its paragraphs do. */
	uint8_t breaks = text.length > 0 && memmem(text.data, text.length, "\n\n", 2) ? 2 : 1;

	lines_break(lines, breaks);
	while (text.length > 0)
		lines_finished_line(lines, line_take(&text));
	lines_break(lines, breaks);
}

/* The last line of the open cell goes on; its last word may still be held back, and the line be empty as yet. */
static void open_cell_write(const struct html_table *table, struct html_lines *lines)
{
	struct span text = span_part(buf_span(&table->text), table->cells[table->cell_count - 1].begin, table->text.length);
	bool new_line = text.length > 0 && text.data[text.length - 1] == '\n';

	do {
		lines_finished_line(lines, line_take(&text));
	} while (text.length > 0);
	if (new_line)
		lines_finished_line(lines, text);
}

void table_flatten(struct html_table *table, struct html_lines *lines)
{
	struct line_state inside = lines->now;
	uint8_t prefix_length = lines->prefix_length;

	table->collecting = false;
	if (table->within_cell) {
		lines->now = table->outside;
		lines->out = table->outside_text;
		lines->prefix_length = lines->prefix_from;	/* the cell's own is in its text */
		lines->prefix_from = 0;
	} else {
		lines_flush(lines);	/* text between the cells */
	}
	for (size_t i = 0; i + table->within_cell < table->cell_count; i++)
		cell_write(table, &table->cells[i], lines);
	lines_break(lines, 1);
	if (table->within_cell && inside.begun) {
		open_cell_write(table, lines);
		lines->now = inside;
	} else if (table->within_cell) {
		memcpy(lines->now.marker, inside.marker, sizeof(inside.marker));
		lines->now.marker_at = inside.marker_at;
		lines->now.marker_length = inside.marker_length;
	}
	lines->prefix_length = prefix_length;
	table->within_cell = false;
}

/* ---- the grid */

/* Columns of a line. ASCII, kana and kanji are known by their bytes; the others are looked up. */
static size_t line_width(struct span line)
{
	size_t width = 0;

	while (line.length > 0) {
		uint8_t first = (uint8_t)line.data[0];
		uint32_t codepoint;
		size_t length;

		if (first < 0x80) {
			width++;
			length = 1;
		} else if (first >= 0xe4 && first <= 0xe9 && line.length >= 3) {
			width += 2;
			length = 3;
		} else {
			length = text_codepoint(line, &codepoint);
			width += text_width(span_part(line, 0, length));
		}
		line = span_part(line, length > 0 ? length : line.length, line.length);
	}
	return width;
}

static void cell_measure(const struct html_table *table, const struct table_cell *cell, struct grid *grid)
{
	struct span text = cell_text(table, cell);
	size_t lines = 0;

	for (; text.length > 0; lines++) {
		size_t width = line_width(line_take(&text));

		if (grid->widths[cell->column] < width)
			grid->widths[cell->column] = width;
	}
	grid->several_lines |= lines > 1;
}

/* True when the cell is the only one with text in its row and takes several columns: a title, which does not widen its column. */
static bool cell_is_title(const struct html_table *table, size_t index)
{
	const struct table_cell *cell = &table->cells[index];

	if (cell->span < 2)
		return false;
	for (size_t i = index; i-- > 0 && table->cells[i].row == cell->row;)
		if (table->cells[i].end > table->cells[i].begin)
			return false;
	for (size_t i = index + 1; i < table->cell_count && table->cells[i].row == cell->row; i++)
		if (table->cells[i].end > table->cells[i].begin)
			return false;
	return true;
}

static struct grid grid_measure(const struct html_table *table)
{
	struct grid grid = { .columns = 0 };

	for (size_t i = 0; i < table->cell_count; i++)
		if (!cell_is_title(table, i))
			cell_measure(table, &table->cells[i], &grid);
	for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++) {
		if (grid.widths[i] == 0)
			continue;
		grid.columns++;
		grid.last = i;
		grid.total += grid.widths[i] + 3;
	}
	return grid;
}

/* Writes one line of a row; texts hold what is left of each cell. */
static void grid_line_write(const struct grid *grid, struct span texts[static TABLE_COLUMNS_MAX], bool aligned, struct html_lines *lines)
{
	struct buf line = buf_limited(0);

	for (size_t i = 0; i <= grid->last; i++) {
		struct span text;

		if (grid->widths[i] == 0)
			continue;
		text = line_take(&texts[i]);
		buf_put(&line, text.data, text.length);
		if (i == grid->last)
			break;
		for (size_t width = line_width(text); aligned && width < grid->widths[i]; width++)
			buf_putc(&line, ' ');
		buf_puts(&line, " | ");
	}
	while (line.length > 0 && line.data[line.length - 1] == ' ')
		line.length--;
	lines_finished_line(lines, buf_span(&line));
	buf_free(&line);
}

static bool texts_are_empty(const struct span texts[static TABLE_COLUMNS_MAX])
{
	for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
		if (texts[i].length > 0)
			return false;
	return true;
}

static void grid_rule_write(const struct grid *grid, struct html_lines *lines)
{
	struct buf line = buf_limited(0);

	for (size_t i = 0; i <= grid->last; i++) {
		size_t width = grid->widths[i] + (line.length > 0) + (i < grid->last);

		if (grid->widths[i] == 0)
			continue;
		for (size_t n = 0; n < width; n++)
			buf_putc(&line, '-');
		if (i < grid->last)
			buf_putc(&line, '+');
	}
	lines_finished_line(lines, buf_span(&line));
	buf_free(&line);
}

/* Writes the row whose first cell is the one of this number; returns the first of the next row. */
static size_t grid_row_write(const struct html_table *table, size_t index, const struct grid *grid, bool aligned,
			     struct html_lines *lines)
{
	struct span texts[TABLE_COLUMNS_MAX] = { { .data = NULL } };
	uint16_t row = table->cells[index].row;
	bool heading = true;

	for (; index < table->cell_count && table->cells[index].row == row; index++) {
		const struct table_cell *cell = &table->cells[index];

		if (cell_is_title(table, index)) {
			cell_write(table, cell, lines);
			continue;
		}
		texts[cell->column] = cell_text(table, cell);
		heading &= cell->heading;
	}
	if (texts_are_empty(texts))
		return index;
	do {
		grid_line_write(grid, texts, aligned, lines);
	} while (!texts_are_empty(texts));
	if (heading && aligned)
		grid_rule_write(grid, lines);
	return index;
}

/* True when cells in at most one column have text: so are most tables of a layout. */
static bool is_one_column(const struct html_table *table)
{
	int column = -1;

	for (size_t i = 0; i < table->cell_count; i++) {
		const struct table_cell *cell = &table->cells[i];

		if (cell->end == cell->begin)
			continue;
		if (column >= 0 && column != cell->column)
			return false;
		column = cell->column;
	}
	return true;
}

/* Writes what was collected as a grid. False, and nothing written: it is none. */
static bool grid_write(const struct html_table *table, struct html_lines *lines)
{
	struct grid grid;
	bool aligned;

	if (is_one_column(table))
		return false;
	grid = grid_measure(table);
	aligned = grid.total <= TABLE_GRID_COLUMNS_MAX + 3;
	/* Too wide to be aligned, and rows of several lines that are not aligned cannot be read. */
	if (grid.columns < 2 || (!aligned && grid.several_lines))
		return false;
	lines_flush(lines);
	lines_break(lines, table->continues ? 1 : 2);
	for (size_t i = 0; i < table->cell_count;)
		i = grid_row_write(table, i, &grid, aligned, lines);
	return true;
}

void table_end(struct html_table *table, struct html_lines *lines)
{
	if (!grid_write(table, lines)) {
		table_flatten(table, lines);
		return;
	}
	table->collecting = false;
	lines_break(lines, 2);
}
