/*
 * html_entities: the named character references of HTML (WHATWG HTML 13.5), as a sorted table that is searched letter by letter.
 *
 * The table is made by tables/make_entities.py. Names are sorted by bytes, so all names that begin alike stand together and a
 * reader narrows a range with each byte he reads.
 */
#ifndef MAIL_HTML_ENTITIES_H
#define MAIL_HTML_ENTITIES_H

#include <stdint.h>

enum {
	HTML_ENTITY_COUNT = 2231,
	HTML_ENTITY_NAME_BYTES_MAX = 32,
	HTML_ENTITY_LETTERS = 52,	/* names begin with A-Z or a-z */
};

struct html_entity {
	uint16_t name_at;	/* into html_entity_names */
	uint8_t name_length;	/* without '&'; with ';' where it belongs to the name */
	uint8_t text_length;
	char text[7];		/* UTF-8, NUL-terminated */
};

/* All names one after the other, without separators. */
extern const char html_entity_names[];

/* Sorted by name. */
extern const struct html_entity html_entities[HTML_ENTITY_COUNT];

/* Where the names that begin with A, B, ... Z, a, ... z begin; the last one is HTML_ENTITY_COUNT. */
extern const uint16_t html_entity_starts[HTML_ENTITY_LETTERS + 1];

#endif
