/*
 * syntax: the grammar of a zone file, checked before libconfig sees it.
 *
 * libconfig's grammar in its own words is "syntax error" at the line where it gave up. An administrator needs
 * to hear which quote, comma or bracket is missing and where it was opened. What this check accepts libconfig
 * accepts; besides, it refuses two texts side by side in a list, which libconfig would silently read as one.
 */
#ifndef CONFIG_SYNTAX_H
#define CONFIG_SYNTAX_H

#include "config/expand.h"

/*
 * The lines, in the expanded text, at which the texts of the file begin, in their order; texts that libconfig
 * joins to one value count once. libconfig itself notes the line of whatever follows a text.
 */
struct text_lines {
	uint32_t *items;
	size_t count, capacity;
};

/*
 * Checks the grammar up to the first mistake, which becomes a finding. 0 and the lines (in arena), or -EBADMSG.
 */
int syntax_check(struct arena *arena, const struct expansion *expansion, struct findings *findings,
		 struct text_lines *ret_lines);

#endif
