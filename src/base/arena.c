/* arena: memory that lives and dies together. Chunks are a singly linked list; big requests get a chunk of their own. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { CHUNK_BYTES_MIN = 4096, CHUNK_BYTES_MAX = 1 << 20 };

struct chunk {
	struct chunk *next;
	size_t capacity;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct chunk *chunks;	/* the newest first; only the newest has room */
	size_t used;		/* bytes used of the newest chunk */
	size_t footprint;
};

void arena_exhausted(void)
{
	static const char sentence[] = "sekisho: out of memory / メモリが足りません\n";

	if (write(STDERR_FILENO, sentence, sizeof(sentence) - 1) < 0)
		_exit(EX_OSERR);
	_exit(EX_OSERR);
}

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		arena_exhausted();
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	while (arena->chunks) {
		struct chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
	free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
	*arena = NULL;
}

/* The next chunk is twice as large as the last one, within bounds, so that small arenas stay small. */
static void arena_add_chunk(struct arena *arena, size_t size)
{
	size_t capacity = arena->chunks ? arena->chunks->capacity * 2 : CHUNK_BYTES_MIN;
	struct chunk *chunk;

	if (capacity > CHUNK_BYTES_MAX)
		capacity = CHUNK_BYTES_MAX;
	if (capacity < size)
		capacity = size;
	chunk = calloc(1, sizeof(*chunk) + capacity);
	if (!chunk)
		arena_exhausted();
	chunk->capacity = capacity;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->used = 0;
	arena->footprint += sizeof(*chunk) + capacity;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	void *bytes;

	if (size > SIZE_MAX / 2)
		arena_exhausted();
	size = size ? (size + align - 1) / align * align : align;
	if (!arena->chunks || arena->chunks->capacity - arena->used < size)
		arena_add_chunk(arena, size);
	bytes = arena->chunks->bytes + arena->used;
	arena->used += size;
	return bytes;
}

void *arena_room(struct arena *arena, size_t size)
{
	struct chunk *chunk;

	if (size > SIZE_MAX / 2)
		arena_exhausted();
	if (!arena->chunks)	/* the newest chunk is the one with room */
		arena_add_chunk(arena, 0);
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		arena_exhausted();
	chunk->capacity = size;
	chunk->next = arena->chunks->next;
	arena->chunks->next = chunk;
	arena->footprint += sizeof(*chunk) + size;
	return chunk->bytes;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t product;

	if (__builtin_mul_overflow(count, size, &product))
		arena_exhausted();
	return arena_alloc(arena, product);
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
	void *larger;

	if (count < *capacity)
		return items;
	*capacity = *capacity ? *capacity * 2 : 8;
	larger = arena_array(arena, *capacity, size);
	if (count)
		memcpy(larger, items, count * size);
	return larger;
}

char *arena_strndup(struct arena *arena, const char *bytes, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	memcpy(copy, bytes, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;
	int length;
	char *text;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		arena_exhausted();
	text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, args);
	return text;
}

size_t arena_footprint(const struct arena *arena)
{
	return arena->footprint;
}
