/*
 * span and buf: bytes somebody else owns, and bytes that grow.
 *
 * A span is text or bytes from outside: pointer and length, never NUL-terminated, never owned.
 * A buf is a growing byte string on the heap with one owner and a stated maximum: whoever lets outsiders fill it sets
 * `limit_bytes`. What does not fit is not written and sets `overflow`, which stays set; the owner looks once, at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *data;	/* may be NULL when length is 0 */
	size_t length;
};

/* A span over a NUL-terminated text, which must outlive it. */
struct span span_of(const char *text);

/* True when both hold the same bytes. */
bool span_equal(struct span a, struct span b);

/* The bytes of a span from offset begin up to, not including, offset end; begin <= end <= length. */
static inline struct span span_part(struct span whole, size_t begin, size_t end)
{
	/* A span without bytes may have no pointer, and an offset from none is undefined. */
	return (struct span){ .data = whole.length ? whole.data + begin : whole.data, .length = end - begin };
}

struct buf {
	char *data;		/* NULL while nothing was written; not NUL-terminated */
	size_t length;
	size_t capacity;
	size_t limit_bytes;	/* 0: no limit but memory */
	bool overflow;
};

/* An empty buf that holds at most limit_bytes (0: no limit). */
struct buf buf_limited(size_t limit_bytes);

/* Gives back the memory; the buf is empty afterwards and may be used again. */
void buf_free(struct buf *buf);

/* Appends length bytes. Beyond the limit: nothing is appended and overflow is set. */
void buf_put(struct buf *buf, const void *bytes, size_t length);

/* Appends a NUL-terminated text, without the NUL. */
void buf_puts(struct buf *buf, const char *text);

/* Appends one byte. */
void buf_putc(struct buf *buf, char byte);

/* Appends printf output. */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3), nonnull(1, 2)));

/* Makes room for length more bytes and returns where they go, or NULL beyond the limit; the caller adds what he wrote to ->length. */
char *buf_reserve(struct buf *buf, size_t length);

/* The content as NUL-terminated text (the NUL is not counted); valid until the next change. Never NULL. */
const char *buf_text(struct buf *buf);

/* The content as a span; valid until the next change. */
struct span buf_span(const struct buf *buf);

#endif
