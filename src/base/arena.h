/*
 * arena: memory that lives and dies together.
 *
 * A generation, a session or a message owns one arena; everything made for it comes from there and is given
 * back in one stroke. Nothing is ever freed singly. Memory is zeroed, but for arena_room().
 *
 * Out of memory ends the process (exit status 71, one line on stderr): a role that cannot think is restarted by
 * its parent while the kernel keeps the rules. No caller has to handle NULL.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Makes an empty arena. The caller owns it and gives it back with arena_free(). Never NULL. */
struct arena *arena_new(void);

/* Gives back the arena and everything that was made in it. NULL is allowed. */
void arena_free(struct arena *arena);

/* For the cleanup attribute: frees *arena. */
void arena_freep(struct arena **arena);

/* size zeroed bytes, aligned for any type, valid as long as the arena. size 0 gives a valid, distinct pointer. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);

/*
 * size bytes whose content is undefined, otherwise as arena_alloc(): for large buffers that are written before they are read. Only
 * for sizes that are worth a piece of memory of their own.
 */
void *arena_room(struct arena *arena, size_t size);

/* count * size zeroed bytes; a product that overflows ends the process like any other shortage. Never NULL. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/*
 * Grows an array that is being filled: returns items itself while count < *capacity, else a copy of the count items with
 * doubled room (the old one stays in the arena). size is the size of one item in bytes. Never NULL.
 */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size);

/* A NUL-terminated copy of length bytes. Never NULL. */
char *arena_strndup(struct arena *arena, const char *bytes, size_t length);

/* A NUL-terminated copy of text. Never NULL. */
char *arena_strdup(struct arena *arena, const char *text);

/* printf into the arena. Never NULL. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3), nonnull(1, 2)));

/* Like arena_printf() with a va_list. Never NULL. */
char *arena_vprintf(struct arena *arena, const char *format, va_list args) __attribute__((format(printf, 2, 0), nonnull));

/* Bytes the arena holds from the system, for the memory figures. */
size_t arena_footprint(const struct arena *arena);

/* Ends the process for want of memory (exit status 71, EX_OSERR); for the few who allocate without an arena. */
_Noreturn void arena_exhausted(void);

#endif
