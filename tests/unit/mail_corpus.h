/*
 * mail_corpus: data of others that tests of src/mail compare with: real messages, indexes of character sets, cases of HTML. The project
 * does not contain them; they lie in $CORPUS, else in ../shared/corpus beside the checkout. A test that misses them says so at its end.
 */
#ifndef MAIL_CORPUS_H
#define MAIL_CORPUS_H

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

enum { EXIT_SKIPPED = 77 };

static const char *corpus_missing;	/* what was not there; NULL: nothing was missed */

/* The path of a file or directory of the corpus, in the arena. */
static inline const char *corpus_path(struct arena *arena, const char *name)
{
	const char *corpus = getenv("CORPUS");

	return arena_printf(arena, "%s/%s", corpus ? corpus : "../shared/corpus", name);
}

/* Notes that this part of the corpus (a text that stays) is not there. */
static inline void corpus_miss(const char *name)
{
	corpus_missing = name;
}

/* The exit status of a test program of which so many tests failed. */
static inline int corpus_exit(int failed)
{
	if (failed > 0)
		return EXIT_FAILURE;
	if (!corpus_missing)
		return EXIT_SUCCESS;
	printf("SKIP: absent: corpus %s; what needs it was not compared, all else passed\n", corpus_missing);
	return EXIT_SKIPPED;
}

#endif
