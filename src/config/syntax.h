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

/* Some items of a long list, one behind the other with their commas. */
struct list_part {
	size_t begin, end;	/* in the expanded text: where the first item begins, where the last one ends */
	uint32_t line;		/* of begin */
	size_t first_text;	/* how many texts of the file begin before it */
};

/*
 * A list ( ) that is the value of a key of the file itself and has more than SYNTAX_PART_ITEMS items, in parts of
 * so many. libconfig's tree of a long list is large and slow, that of a part is not.
 */
struct long_list {
	struct span key;
	struct list_part *parts;
	size_t part_count, part_capacity;
	size_t item_count;
	uint32_t last_line;	/* where the last item ends */
	size_t text_end;	/* how many texts of the file begin before its end */
};

enum { SYNTAX_PART_ITEMS = 128 };

/* What a walk over the text tells besides its mistakes. */
struct outline {
	struct text_lines lines;
	struct long_list *lists;	/* in the order of the file */
	size_t list_count, list_capacity;
};

/*
 * Checks the grammar up to the first mistake, which becomes a finding. 0 and the outline (in arena), or -EBADMSG.
 */
int syntax_check(struct arena *arena, const struct expansion *expansion, struct findings *findings,
		 struct outline *ret_outline);

#endif
