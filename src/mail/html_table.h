/*
 * html_table: a table of HTML as rows of text in columns.
 *
 * Mail uses tables for figures and for layout alike, and which of them a table is shows only at its end. So its cells are collected,
 * up to the limits below. When a table turns out to be layout (nested tables, one column, many lines in a wide row), what was
 * collected is written cell by cell, those of several paragraphs with empty lines around them, and the rest follows as it comes;
 * when it ends it is written as a grid:
 *	日付       | 件名
 *	-----------+---------------
 *	2026-11-21 | 会議のお知らせ
 * A long table is written in pieces, a grid as soon as so many rows are there as can be collected, and the columns of each piece are
 * aligned by themselves: a list of a thousand rows stays a list. Columns are aligned by East Asian width. Columns and rows without text are left out; a table of one column is just lines.
 */
#ifndef MAIL_HTML_TABLE_H
#define MAIL_HTML_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/html_lines.h"

enum {
	TABLE_ROWS_MAX = 200,
	TABLE_COLUMNS_MAX = 16,
	TABLE_CELLS_MAX = 512,
	TABLE_TEXT_BYTES_MAX = 32768,	/* of all cells together */
	TABLE_GRID_COLUMNS_MAX = 100,	/* on the screen; a wider table is not aligned */
};

struct table_cell {
	uint32_t begin, end;	/* in the text */
	uint16_t row;
	uint8_t column, span;
	bool heading;
};

struct html_table {
	bool collecting;
	bool within_cell;
	bool continues;		/* a piece of it was written as a grid */
	uint16_t rows;		/* begun */
	uint8_t column;		/* the next cell's */
	uint16_t cell_count;
	uint16_t rowspans[TABLE_COLUMNS_MAX];	/* rows that a cell from above still takes in each column */
	struct line_state outside;	/* of the lines around the table, while within a cell */
	struct buf *outside_text;
	struct table_cell cells[TABLE_CELLS_MAX];
	struct buf text;		/* over memory */
	char memory[TABLE_TEXT_BYTES_MAX + 2 * PLAIN_TEXT_ROOM_BYTES];
};

/* Begins to collect. None is being collected. */
void table_begin(struct html_table *table);

/* A row begins; what there is no room for beside another row is written before. No cell is open. False: what was collected is no grid. */
bool table_row(struct html_table *table, struct html_lines *lines);

/*
 * A cell begins, which takes so many columns and rows (1 or more); from now on lines write into the table. False: one too many;
 * then nothing has changed. No cell is open.
 */
bool table_cell_begin(struct html_table *table, struct html_lines *lines, unsigned int columns, unsigned int rows, bool heading);

/* The open cell ends; lines write where they did before. */
void table_cell_end(struct html_table *table, struct html_lines *lines);

/* True when the cells hold more than they may. */
bool table_is_full(const struct html_table *table);

/* Stops collecting: writes each cell on lines of its own. An open cell goes on as if it had been written outside. */
void table_flatten(struct html_table *table, struct html_lines *lines);

/* The table ends: writes it. No cell is open. */
void table_end(struct html_table *table, struct html_lines *lines);

#endif
