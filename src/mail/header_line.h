/*
 * header_line: decoded text becomes one line that people read.
 */
#ifndef MAIL_HEADER_LINE_H
#define MAIL_HEADER_LINE_H

#include "mail/header_words.h"

/*
 * Appends UTF-8 text of any kind as one line: see mail/header_words.h for what becomes of its characters. At
 * the limit of out the text ends with a whole character; facts counts it as cut, and out->overflow stays
 * clear.
 */
void header_line_put(struct span text, struct buf *out, struct header_facts *facts);

#endif
