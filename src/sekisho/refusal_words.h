/* refusal_words: what to do about a refusal, and what a gap in its record means. */
#ifndef SEKISHO_REFUSAL_WORDS_H
#define SEKISHO_REFUSAL_WORDS_H

#include "base/finding.h"
#include "ruleset/program.h"

/* The refusal of this name ("flow"); false if there is none. */
bool refusal_of_word(const char *word, enum refusal *ret_refusal);

/* The next action of an administrator who sees such refusals. */
const char *refusal_action(enum refusal refusal, enum language language);

/* A sentence for the word of a gap (events/events.h); the word itself when it is not known. */
const char *gap_words(const char *what, enum language language);

#endif
