/*
 * wash_lines: text in pieces becomes the content lines of iCalendar, vCard (RFC 5545 section 3.1) and of delivery reports (RFC
 * 5322 section 2.2.3): folded lines are joined. A line ends with CR LF, LF or CR. Of a longer line than WASH_LINES_BYTES_MAX the
 * end is left out, by whole characters.
 */
#ifndef MAIL_WASH_LINES_H
#define MAIL_WASH_LINES_H

#include "base/buf.h"

enum { WASH_LINES_BYTES_MAX = 8192 };

struct wash_lines {
	void (*take)(void *user, struct span line);	/* without its end; an empty one too; valid during the call */
	void *user;
	char line[WASH_LINES_BYTES_MAX];
	size_t line_bytes;
	bool cut;	/* the end of the line at hand is left out */
	bool cut_any;	/* so it was of this or an earlier line */
	bool ended;	/* the line is complete, unless the next one continues it */
	bool begun;	/* there was a line */
	bool after_cr;
};

/* At the beginning of a text. */
void wash_lines_begin(struct wash_lines *lines, void (*take)(void *user, struct span line), void *user);

/* The next piece of UTF-8. */
void wash_lines_feed(struct wash_lines *lines, struct span text);

/* The text is at its end: the last line is taken. */
void wash_lines_finish(struct wash_lines *lines);

/* A line "NAME;PARAMETERS:value" in its three parts. */
struct wash_property {
	struct span name, parameters, value;
};

/* Divides a line; a ':' in quotes is none. False when there is no ':'. */
bool wash_property_of(struct span line, struct wash_property *ret_property);

/* The value of a parameter (name in lower case), without quotes; empty: not there. */
struct span wash_parameter_of(const struct wash_property *property, const char *name);

#endif
