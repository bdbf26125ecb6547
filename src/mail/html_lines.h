/*
 * html_lines: lines of text out of a flow of words and breaks, as a browser would lay them out.
 *
 * White space is folded to one space, breaks add up by the greater one, empty lines are at most LINES_EMPTY_MAX in a row, and
 * nothing is written for a break until text follows it. Each line begins with a prefix ("> " within a quotation, spaces within a
 * list). Text passes through plain_text on its way out.
 */
#ifndef MAIL_HTML_LINES_H
#define MAIL_HTML_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/plain_text.h"

enum {
	LINES_EMPTY_MAX = 2,
	LINES_PREFIX_BYTES_MAX = 60,	/* deeper quotations and lists are not moved further */
	LINES_SPACES_MAX = 40,		/* no-break spaces in a row */
	LINES_MARKER_BYTES_MAX = 16,
	LINES_STAGED_BYTES_MAX = 4096,
};

/* Where a flow of text stands. */
struct line_state {
	bool begun;		/* something was written */
	bool space;		/* white space stands before the next word */
	bool blank;		/* the line holds spaces only */
	uint8_t breaks;		/* line ends before the next word */
	uint8_t spaces;		/* no-break spaces before the next word */
	uint8_t marker_length;	/* of what begins the next line; 0: nothing */
	uint8_t marker_at;	/* as much of the prefix stands before it */
	char marker[LINES_MARKER_BYTES_MAX];
};

struct html_lines {
	struct buf *out;
	struct plain_text text;
	struct line_state now;
	const char *opening;	/* is written before the next word, once; NULL: nothing */
	/* the rest is its own */
	uint8_t prefix_from;	/* the bytes of the prefix before it are not written: we are in a cell */
	uint8_t prefix_length;
	char prefix[LINES_PREFIX_BYTES_MAX];
	size_t staged_bytes;	/* on their way to plain_text, which works better on longer pieces */
	char staged[LINES_STAGED_BYTES_MAX];
};

/* At the beginning of a text that goes to out. */
void lines_begin(struct html_lines *lines, struct buf *out, enum link_style style);

/* Text whose white space is folded. Whole characters only. */
void lines_text(struct html_lines *lines, struct span text);

/* Text whose white space and line ends stay. Whole characters only. */
void lines_preformatted(struct html_lines *lines, struct span text);

/* A word of ours, behind the breaks and spaces that are due. */
void lines_word(struct html_lines *lines, const char *word);

/* A word of ours, directly behind the last one that was written, even if a break is due. */
void lines_attach(struct html_lines *lines, const char *word);

/* The same for bytes from outside. */
void lines_attach_text(struct html_lines *lines, struct span text);

/* What follows begins on a new line: 1; behind an empty line: 2. */
void lines_break(struct html_lines *lines, uint8_t breaks);

/* "<br>": one more line end. */
void lines_end_line(struct html_lines *lines);

/* Lengthens the prefix of the lines to come; returns its former length for lines_prefix_reset(). */
uint8_t lines_prefix_add(struct html_lines *lines, const char *more);

/* The prefix is again as long as it was. */
void lines_prefix_reset(struct html_lines *lines, uint8_t length);

/* The next line begins with marker in the place of what the prefix holds from length at on. A marker that waits already is written first. */
void lines_marker(struct html_lines *lines, const char *marker, uint8_t at);

/* A marker that still waits is dropped: there was no text. */
void lines_marker_drop(struct html_lines *lines);

/* Writes a line that passed through plain_text before. Nothing may be held back: lines_flush(). */
void lines_finished_line(struct html_lines *lines, struct span line);

/* Writes what is staged and what plain_text holds back. */
void lines_flush(struct html_lines *lines);

#endif
