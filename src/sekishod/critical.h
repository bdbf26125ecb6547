/*
 * critical: would a new ruleset stop what must not stop (R21)? Pure.
 */
#ifndef SEKISHOD_CRITICAL_H
#define SEKISHOD_CRITICAL_H

#include "base/finding.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

enum { CRITICAL_BREAKS_MAX = 16 };	/* names of one request */

/*
 * Adds a finding for each critical flow of in_force that is open in before and whose content is not open in after, unless its name is among
 * the breaks. A flow that is only renamed goes on. Findings point at the file.
 */
void critical_check(const struct policy *in_force, const struct ruleset *before, const struct ruleset *after, const char *const *breaks, size_t break_count,
		    const struct source *file, struct findings *findings);

#endif
