/*
 * plain_text: what outsiders wrote, as text that may go on: first the characters (text_filter), then the addresses (links).
 *
 * For bodies that came as text, and for what is left of HTML. Input in pieces of any size; however it is cut, the result is the same.
 */
#ifndef MAIL_PLAIN_TEXT_H
#define MAIL_PLAIN_TEXT_H

#include "base/buf.h"
#include "mail/links.h"
#include "mail/text_filter.h"

enum {
	/*
	 * What a limited buf must have room for before anything is written to it. When it has less, its overflow is set and the
	 * text ends there: behind a whole word, and never with a hole in it.
	 */
	PLAIN_TEXT_ROOM_BYTES = 32768,
};

struct plain_text {
	struct text_filter filter;	/* its counts are for the caller */
	struct links links;		/* so is its counter */
};

/* At the beginning of a text. */
struct plain_text plain_text_make(enum link_style style);

/* Takes a piece (UTF-8) and appends to out what is decided of it. */
void plain_text_feed(struct plain_text *text, struct span in, struct buf *out);

/* Appends what was held back: the text, or a part of it, is at its end. May be fed again; the counts go on. */
void plain_text_finish(struct plain_text *text, struct buf *out);

/* True when out has room for more text; else its overflow is set. */
bool plain_text_has_room(struct buf *out);

#endif
