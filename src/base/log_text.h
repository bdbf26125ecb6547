/*
 * log_text: the text of one event, and where in it the fields stand.
 *
 * Events are written as "a sentence key=value key=\"value\"" with printf. What is a field follows from the format alone, which is ours: a key is a word in
 * front of '=', and its value ends at the next space of the format, or at the closing quote of the format. Whatever the arguments hold, an argument is never
 * more than a part of the one value (or of the sentence) that it stands in: so nobody can forge a field by naming his file `x uid=0`.
 */
#ifndef BASE_LOG_TEXT_H
#define BASE_LOG_TEXT_H

#include <stdarg.h>

#include "base/buf.h"

enum {
	LOG_LINE_BYTES_MAX = 2048,	/* a longer text is cut, at a character */
	LOG_FIELDS_MAX = 24,		/* more are a part of the text only */
	LOG_KEY_BYTES_MAX = 32,
};

struct log_part {
	struct span key, value;		/* point into the text */
};

/* One event: UTF-8 without control, hidden or bidirectional characters. */
struct log_text {
	char bytes[LOG_LINE_BYTES_MAX];	/* NUL-terminated */
	size_t length;
	struct log_part parts[LOG_FIELDS_MAX];
	size_t part_count;
};

/*
 * Makes the text of a printf format. Known are d i u o x X c s p with their flags, widths, precisions and lengths, and %%; anything else stands as it is,
 * and what follows it is not looked at.
 */
void log_text_make(struct log_text *text, const char *format, va_list args);

/* Begins a text with a sentence. */
void log_text_begin(struct log_text *text, const char *sentence);

/* Adds a field behind what is there. */
void log_text_add(struct log_text *text, const char *key, const char *value);

#endif
