/*
 * audit_elements: the part of the audit that judges set elements one by one (see audit.h for what must hold).
 *
 * It looks at the shape of a set (its key and data), never at who made it, and knows one judgement per shape;
 * a set of a shape without judgement must be empty.
 */
#ifndef RULESET_AUDIT_ELEMENTS_H
#define RULESET_AUDIT_ELEMENTS_H

#include "ruleset/catalogue.h"
#include "ruleset/program.h"

/* One audit at work. */
struct audit {
	struct arena *arena;	/* scratch, gone when the audit ends */
	const struct program_input *pins;
	struct findings *findings;
	size_t found[RULESET_FINDING_COUNT]; /* by kind, shown or not */
};

enum { AUDIT_SHOWN_PER_KIND_MAX = 8 }; /* a ruleset that is wrong throughout must not give a finding per element */

/*
 * Adds a finding with up to three arguments, NULL after the last, unless AUDIT_SHOWN_PER_KIND_MAX of its kind
 * were added; counts it in any case.
 */
void audit_report(struct audit *audit, enum ruleset_finding kind, const char *first, const char *second,
		  const char *third);

/*
 * Judges the elements of all sets that the program leaves empty. program is the one that was built from the
 * pins; ruleset has the same tables and sets at the same places.
 */
void audit_elements(struct audit *audit, const struct ruleset *program, const struct ruleset *ruleset);

/* True for the sets that the program fills itself: ports, uplinks, pairs. */
bool audit_set_is_fixed(const struct set *set);

#endif
