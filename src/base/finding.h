/*
 * finding (指摘): the result of a check that a person must act on.
 *
 * Each floor that finds something has a catalogue: a table of finding kinds with a stable id, a severity, one whole sentence in
 * English and one in Japanese, and the next action in both. A sentence holds places {0} to {3} that a finding fills with
 * its arguments, in any order. A finding also says where: file, line, the line itself and where in it the caret goes.
 * Findings are values in an arena: nobody logs here; the program that asked decides where they are shown.
 */
#ifndef BASE_FINDING_H
#define BASE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum severity {
	SEVERITY_NOTE,		/* worth knowing; nothing to do now */
	SEVERITY_WARNING,	/* works, but probably not what was meant */
	SEVERITY_ERROR,		/* the policy is refused */
};

enum language { LANGUAGE_EN, LANGUAGE_JA };

/*
 * A text file as it was read; lines are found by number. At most 4 GiB. Valid as long as the arena it was read into; the text is gone earlier when
 * source_forget() was called.
 */
struct source {
	const char *path;	/* as the user named it or as @include resolved it */
	const char *text;	/* NUL-terminated */
	size_t length;
	const uint32_t *line_starts; /* byte offset of each line */
	uint32_t line_count;
};

/* Where a value was written. source NULL: nowhere (a command line, a live kernel). line counts from 1; 0: the file as a whole. */
struct origin {
	const struct source *source;
	uint32_t line;
};

/* One row of a catalogue. */
struct finding_kind {
	const char *id;		/* stable, lower case with hyphens: "zone-overlap" */
	enum severity severity;
	const char *en, *ja;	/* one whole sentence with places {0}..{3} */
	const char *action_en, *action_ja; /* what to do next, same places */
};

enum { FINDING_ARGUMENTS_MAX = 4, FINDING_RELATED_MAX = 4 };

struct finding {
	const struct finding_kind *kind;
	const char *arguments[FINDING_ARGUMENTS_MAX]; /* NULL after the last */
	struct origin origin;
	struct origin related[FINDING_RELATED_MAX]; /* other lines that are involved; source NULL after the last */
};

struct findings {
	struct arena *arena;
	struct arena *quoted;	/* takes the texts of the files that are read while finding; may go when nobody quotes them any more (source_forget()) */
	struct finding *items;	/* in the order they were found */
	size_t count, capacity;
	size_t errors;		/* how many of them are errors */
};

/* An empty list whose findings live in the arena, and so do the texts they quote. */
struct findings findings_in(struct arena *arena);

/*
 * Adds a finding and returns it, so that related lines can be added. Arguments are copied; at most FINDING_ARGUMENTS_MAX, the
 * list ends with NULL. The returned pointer is valid until the next finding_add().
 */
struct finding *finding_add(struct findings *findings, const struct finding_kind *kind, struct origin origin, ...)
	__attribute__((sentinel));

/* Names another line that is involved (the other zone, the earlier flow). The finding's own line, repetitions and more than FINDING_RELATED_MAX are dropped. */
void finding_relate(struct finding *finding, struct origin origin);

/* Sorts by file, line and order of discovery, and drops exact repetitions. */
void findings_sort(struct findings *findings);

/*
 * The sentence with its places filled, "?" where an argument is missing; arguments as buf_put_visible() shows them, so
 * that none can begin a line of its own. In the arena of the findings.
 */
const char *finding_sentence(const struct findings *findings, const struct finding *finding, enum language language);

/* The next action with its places filled; "" if there is none. In the arena of the findings. */
const char *finding_action(const struct findings *findings, const struct finding *finding, enum language language);

/* The text of a line without its line end, in the source; an empty span when there is no such line. */
struct span source_line(const struct source *source, uint32_t line);

/*
 * Where in the finding's line the caret goes: byte offset from 0 and length in bytes of the first argument that stands in the line as a whole
 * word, or is a character beyond ASCII that stands there once, else of the line's text without indentation. False when the finding has no line.
 */
bool finding_caret(const struct finding *finding, size_t *ret_offset, size_t *ret_length);

/*
 * Appends the finding as people read it:
 *     sekisho.conf:12: error: sentence [zone-overlap]
 *       |   networks = [ "10.0.0.0/8" ];
 *       |                ^~~~~~~~~~~~
 *       = see sekisho.conf:30
 *       > next action
 * Carets are aligned by East Asian width; control characters of the file are shown as '?'.
 */
void finding_render(struct buf *out, const struct findings *findings, const struct finding *finding, enum language language);

/* The word for a severity: error / エラー, warning / 警告, note / 参考. */
const char *severity_word(enum severity severity, enum language language);

/* The language of --lang or of LC_ALL, LC_MESSAGES, LANG (given as they are, NULL if unset): Japanese when it begins with "ja". */
enum language language_choose(const char *option, const char *lc_all, const char *lc_messages, const char *lang);

/* From now on the source has no lines, and its text may be given back. Its path stays, and so do origins in it: they name lines that cannot be shown. */
void source_forget(struct source *source);

/* Reads a file into the arena as a source. path is copied. 0 or negative errno; -EFBIG beyond limit_bytes (or 4 GiB). */
int source_read(struct arena *arena, const char *path, size_t limit_bytes, struct source *ret_source);

/* Makes a source of text that is already there (copied), named path in findings. Beyond 4 GiB: as out of memory. */
struct source source_of_text(struct arena *arena, const char *path, const char *text, size_t length);

#endif
