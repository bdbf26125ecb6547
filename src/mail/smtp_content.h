/*
 * smtp_content: the message between DATA and the dot, in both directions (RFC 5321 sections 4.1.1.4 and
 * 4.5.2).
 *
 * This is where mail is smuggled: two servers that do not agree where a message ends see different
 * messages. Coming in, CRLF . CRLF ends it and nothing else does; a dot at the beginning of a line (behind
 * CRLF alone) with anything else behind it is left out. Going out, only lines that everybody ends at the
 * same place are let through: ours are, so anything else is a fault of ours.
 */
#ifndef MAIL_SMTP_CONTENT_H
#define MAIL_SMTP_CONTENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What has been seen that may be part of CRLF . CRLF. A message begins at the start of a line. */
enum smtp_content_state {
	SMTP_CONTENT_LINE_START,	/* behind CRLF */
	SMTP_CONTENT_INSIDE,
	SMTP_CONTENT_CR,
	SMTP_CONTENT_DOT,		/* a dot at the start of a line, held back */
	SMTP_CONTENT_DOT_CR,		/* and a CR behind it, held back as well */
};

/*
 * Reads content that comes in, up to a byte that must be left out or to the end. bytes is not empty.
 * Returns the bytes used, possibly none (call again with the same bytes); *ret_content: what is content,
 * possibly empty, in bytes or constant; *ret_end: the end of data was read, *ret_content is empty and what
 * follows is not content.
 */
size_t smtp_content_unstuff(enum smtp_content_state *state, struct span bytes, struct span *ret_content, bool *ret_end);

enum { SMTP_CONTENT_LINE_BYTES_MAX = 998 };	/* going out, without CRLF: RFC 5322 section 2.1.1 */

/* Going out. All zero is the start of a message. */
struct smtp_stuffer {
	enum smtp_content_state state;	/* one of the first three */
	size_t line_length;		/* bytes of the line so far */
};

/*
 * Writes content that goes out with its dots stuffed, into room for twice its length; *ret_length is what
 * was written. 0; -EBADMSG: holds a CR or LF that is not part of CRLF, a NUL, a byte that is not ASCII, or
 * a line that is too long.
 */
int smtp_content_stuff(struct smtp_stuffer *stuffer, struct span content, char *stuffed, size_t *ret_length);

/* True when content may end here: behind CRLF, or before the first byte. */
bool smtp_content_may_end(const struct smtp_stuffer *stuffer);

#endif
