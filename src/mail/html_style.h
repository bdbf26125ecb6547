/*
 * html_style: the little of CSS that decides whether a browser shows a text: one style attribute, one colour.
 *
 * Style sheets are not read: what a class hides is shown here like any other text. All text is shown anyway; this only decides
 * what is marked as hidden.
 */
#ifndef MAIL_HTML_STYLE_H
#define MAIL_HTML_STYLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	COLOUR_UNSET = 0x1000000,	/* nothing is said; other values up to 0xffffff are RRGGBB */
	COLOUR_UNKNOWN,			/* something is said that we do not understand, or a picture */
	COLOUR_TRANSPARENT,
	COLOUR_NEAR = 0x10,		/* colours whose parts differ by no more cannot be told apart */
};

struct html_style {
	bool hides;			/* display: none and everything else that nothing within can undo */
	enum { VISIBILITY_UNSET, VISIBILITY_HIDDEN, VISIBILITY_VISIBLE } visibility;
	enum { FONT_UNSET, FONT_TINY, FONT_SIZED, FONT_RELATIVE } font; /* tiny: at most 1 px; relative: of what is around */
	enum { SPACE_UNSET, SPACE_FOLDED, SPACE_KEPT } white_space;
	uint32_t colour, background;
};

/* Reads a style attribute; of what is said twice the last counts. Anything may be in it. */
struct html_style html_style_parse(struct span attribute);

/* Reads a colour as attributes and CSS write it: "#fff", "ffffff", "rgb(...)", "white". */
uint32_t html_colour_parse(struct span text);

/* True when a text of one colour cannot be read on the other. False when one of them is not known. */
bool html_colours_hide(uint32_t colour, uint32_t background);

#endif
