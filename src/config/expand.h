/*
 * expand: a zone file and what it includes become one text, and every line of that text knows where it was
 * written.
 *
 * libconfig would open included files itself, by any path, of any kind and size, and after we looked at them.
 * So it is never given a file: files are read once, here, and what was checked and is shown in findings is what
 * is parsed. An @include is taken by libconfig's rules: at the beginning of a line, relative to the directory
 * of the main file; it must stay in that directory or below.
 */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include "base/arena.h"
#include "base/finding.h"

/* A stretch of lines that come from one place. */
struct expansion_stretch {
	uint32_t line;		/* its first line in the expanded text, from 1 */
	struct origin origin;	/* where that line was written */
};

struct expansion {
	struct buf text;	/* without NUL bytes and @include lines; ends with a line end */
	struct source *sources;	/* in the findings' arena, their texts in that of what is quoted: the main file, then the others in the order they were included */
	size_t source_count;
	struct expansion_stretch *stretches; /* ascending by line */
	size_t stretch_count, stretch_capacity;
	uint32_t line_count;	/* line ends in text */
};

/*
 * Reads the file at path and what it includes. Sources live in the findings' arena, the rest until expansion_free(). All
 * mistakes become findings. 0; -EBADMSG when the bytes or quotes of a file are broken; other negative errno
 * when a file could not be read. On error too the caller frees *expansion.
 */
int expansion_read(struct arena *arena, const char *path, struct findings *findings, struct expansion *expansion);

/* Like expansion_read() for a text that is named path in findings; @include is refused. */
int expansion_read_text(struct arena *arena, const char *path, const char *text, size_t length,
			struct findings *findings, struct expansion *expansion);

/* Where this line of the expanded text was written; line from 1. */
struct origin expansion_origin(const struct expansion *expansion, uint32_t line);

/* Gives back the text; sources and origins stay valid with their arena. */
void expansion_free(struct expansion *expansion);

#endif
