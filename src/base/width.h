/*
 * width: how text from files and from strangers stands on a terminal.
 *
 * Columns follow the East Asian Width of Unicode (UAX #11): wide and full-width characters take two columns, ambiguous
 * ones one, combining marks and variation selectors none. Whatever could steer the terminal or hide something from the
 * reader (control characters, bidi controls, invisible characters, bytes that are not UTF-8) is shown as '?' and takes one.
 */
#ifndef BASE_WIDTH_H
#define BASE_WIDTH_H

#include <stddef.h>

#include "base/buf.h"

/* Columns of UTF-8 text as buf_put_visible() shows it. A tab counts one: only the terminal knows where it stops. */
size_t text_width(struct span text);

/*
 * Appends text with '?' for each control character but tab, each invisible character, each bidi control and each byte
 * that is not UTF-8, so that a value from a file can neither move the cursor nor look like another value.
 */
void buf_put_visible(struct buf *out, struct span text);

/* The same in place: never longer than before. Returns the length. */
size_t text_make_visible(char *text, size_t length);

/* Appends text as it is, then spaces up to columns; no space when it is as wide already. */
void buf_pad(struct buf *out, struct span text, size_t columns);

#endif
