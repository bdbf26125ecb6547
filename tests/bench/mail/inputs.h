/*
 * inputs: what the programs of the mail bench work on, the same for each of them, and how their work is measured.
 *
 *	corpus		real messages ($CORPUS/mail, else ../shared/corpus beside the checkout)
 *	japanese	of these, the ones that name a Japanese character set
 *	text		one message of 4 KiB: text in ISO-2022-JP, encoded-words in its header
 *	html		one message of 100 KiB: plain text, HTML, and an attachment
 *	attachment	one message of 10 MiB: a text and an attachment
 *	bodies		the HTML of the corpus, decoded to UTF-8
 *	newsletter	one HTML of 100 KiB: nested tables, links, styles, as newsletters have them
 */
#ifndef BENCH_MAIL_INPUTS_H
#define BENCH_MAIL_INPUTS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

struct inputs {
	struct arena *arena;
	struct span *items;
	size_t count, capacity;
};

/* The inputs of a kind; ends the process with exit status 77 when the corpus is absent. They live as long as the process. */
struct inputs inputs_make(const char *kind);

/*
 * Lets work do all inputs once, then again and again for so many seconds of processor time, and prints as JSON how many inputs and
 * bytes it did in how many seconds: {"items": n, "bytes": n, "seconds": s, "kib": most memory}. Work returns the size of what it made
 * of an input, which is printed as "made" for one time through all of them.
 */
void inputs_measure(const struct inputs *inputs, size_t (*work)(void *context, struct span input), void *context, double seconds);

/* Ends the process with a message: the command line or the input is not usable. */
_Noreturn void inputs_fail(const char *what);

#endif
