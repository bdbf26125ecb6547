/*
 * marks: which number stands for which flow.
 *
 * A mark is the identity of a flow's content inside the kernel: connections carry it, @live says which are alive. A content keeps its mark as
 * long as the kernel knows it; a new content gets a number that neither the kernel's table nor any connection in conntrack holds.
 */
#ifndef RULESET_MARKS_H
#define RULESET_MARKS_H

#include "base/buf.h"
#include "ruleset/compile.h"

/* Where new marks come from. */
struct mark_source {
	uint32_t last;		/* the mark given last */
	uint32_t *taken;	/* sorted: marks that must not be given */
	size_t taken_count;
};

/*
 * A source that gives marks behind the highest of the book, and from MARK_FIRST on when it comes to the last. book NULL: from MARK_FIRST on. In the arena.
 * It has one for every flow of a policy: what holds marks are elements of a ruleset and connections, which a process is told in messages of fewer bytes
 * (PACK_BYTES_MAX of pack.h, FRAME_PAYLOAD_BYTES_MAX of wire/frame.h) than there are marks.
 */
struct mark_source mark_source_of(struct arena *arena, const struct mark_book *book);

/* The next free mark. */
uint32_t mark_source_next(struct mark_source *source);

/* The entry of this identity, or NULL. book may be NULL. */
const struct mark_entry *mark_book_find(const struct mark_book *book, const uint8_t identity[static COMPILE_IDENTITY_BYTES]);

/* "<flow name> <identity in hexadecimal>": the comment of a live element. In the arena. */
char *live_comment_make(struct arena *arena, const char *flow_name, const uint8_t identity[static COMPILE_IDENTITY_BYTES]);

/* The mark in the key of an element of @live or local-live. */
uint32_t live_mark(const struct element *element);

#endif
