/*
 * html_elements: which elements of HTML there are, as far as their names change the text.
 */
#ifndef MAIL_HTML_ELEMENTS_H
#define MAIL_HTML_ELEMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* What an element does to the text. */
enum html_kind {
	KIND_INLINE,		/* nothing: unknown elements as well */
	KIND_FORMAT,		/* nothing; its end tag closes it even out of order */
	KIND_LINE,		/* stands on lines of its own */
	KIND_PARAGRAPH,		/* with empty lines around */
	KIND_HEADING,
	KIND_UNORDERED, KIND_ORDERED, KIND_ITEM, KIND_TERM, KIND_DETAILS,
	KIND_QUOTE, KIND_PREFORMATTED,
	KIND_TABLE, KIND_GROUP, KIND_ROW, KIND_CELL, KIND_CAPTION,
	KIND_LINK, KIND_STRUCK, KIND_SUPERSCRIPT, KIND_QUOTED, KIND_RUBY_TEXT, KIND_RUBY_BRACKET,
	KIND_FORM, KIND_SELECT, KIND_TEXTAREA, KIND_BUTTON,
	KIND_HIDDEN,		/* never shown by browsers: template */
	KIND_DROPPED,		/* no text of the mail: script, style, title; RAWTEXT or RCDATA within */
	KIND_FRAME,		/* embeds something from elsewhere, and may have text for those who do not */
	KIND_RAW_FRAME,		/* the same, and its content is no text: iframe */
	KIND_EXAMPLE,		/* xmp: RAWTEXT that is shown */
	KIND_PLAINTEXT,
	KIND_FOREIGN,		/* svg, math */
	KIND_INTEGRATION,	/* HTML within these */
	/* Those without an end tag. */
	KIND_VOID, KIND_BREAK, KIND_RULE, KIND_IMAGE, KIND_INPUT, KIND_BASE, KIND_META, KIND_EMBED, KIND_AREA,
};

struct html_element {
	const char *name;
	uint8_t name_length;
	enum html_kind kind;
};

/* A tag name in lower case as a number: known elements below HTML_ELEMENTS_KNOWN, all others above by a hash of their name. */
enum { HTML_ELEMENTS_KNOWN = 0x8000 };

/* The number of an element, and what it does. Stable within one run of a program only. */
uint16_t html_element_find(struct span name, enum html_kind *ret_kind);

#endif
