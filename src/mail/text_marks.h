/*
 * text_marks: which characters are combining marks, those that stand on or around the character before them.
 *
 * The table is made by tables/make_marks.py from the Unicode general categories Mn and Me.
 */
#ifndef MAIL_TEXT_MARKS_H
#define MAIL_TEXT_MARKS_H

#include <stddef.h>
#include <stdint.h>

struct text_mark_range {
	uint32_t first, last;	/* both included */
};

/* Sorted, without overlap. */
extern const struct text_mark_range text_marks[];

/* Ranges in text_marks. */
extern const size_t text_mark_count;

#endif
