/* span and buf: bytes somebody else owns, and bytes that grow. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct span span_of(const char *text)
{
	return (struct span){ .data = text, .length = strlen(text) };
}

bool span_equal(struct span a, struct span b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

struct buf buf_limited(size_t limit_bytes)
{
	return (struct buf){ .limit_bytes = limit_bytes };
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = buf_limited(buf->limit_bytes);
}

char *buf_reserve(struct buf *buf, size_t length)
{
	size_t needed, capacity;
	char *larger;

	if (__builtin_add_overflow(buf->length, length, &needed) || needed > SIZE_MAX / 4)
		arena_exhausted();
	if (buf->limit_bytes && needed > buf->limit_bytes) {
		buf->overflow = true;
		return NULL;
	}
	if (needed < buf->capacity)
		return buf->data + buf->length;
	capacity = buf->capacity ? buf->capacity : 256;
	while (capacity <= needed)
		capacity *= 2;
	larger = realloc(buf->data, capacity);
	if (!larger)
		arena_exhausted();
	buf->data = larger;
	buf->capacity = capacity;
	return buf->data + buf->length;
}

void buf_put(struct buf *buf, const void *bytes, size_t length)
{
	char *room = buf_reserve(buf, length);

	if (!room || length == 0)
		return;
	memcpy(room, bytes, length);
	buf->length += length;
}

void buf_puts(struct buf *buf, const char *text)
{
	buf_put(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char byte)
{
	buf_put(buf, &byte, 1);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	char *room;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		arena_exhausted();
	room = buf_reserve(buf, (size_t)length);
	if (!room)
		return;
	/* buf_reserve keeps one byte more than asked for, so the NUL has room. */
	va_start(args, format);
	vsnprintf(room, (size_t)length + 1, format, args);
	va_end(args);
	buf->length += (size_t)length;
}

const char *buf_text(struct buf *buf)
{
	size_t limit_bytes = buf->limit_bytes;
	char *end;

	buf->limit_bytes = 0;
	end = buf_reserve(buf, 0);
	buf->limit_bytes = limit_bytes;
	*end = '\0';
	return buf->data;
}

struct span buf_span(const struct buf *buf)
{
	return (struct span){ .data = buf->data, .length = buf->length };
}
