/*
 * audit: the receiver's own judgement of a ruleset, against pins it got from elsewhere. (P: "the receiver checks".)
 *
 * Holds exactly when:
 * - the rules, chains and sets equal program_build() of the pins and the pairs of zones the ruleset has
 *   chains for (interval sets may have their second names, diff.h), and so do the elements of @ports,
 *   @uplinks and @pairs;
 * - no pair joins the My Number and the Internet tier, and none between tiers answers what it refuses;
 * - every element of @live names two interfaces of zones that may meet and whose pair exists, and a mark that
 *   maps of that pair alone give, or no map at all (a flow that others hide: no connection can get its mark).
 *   The same for local-live;
 * - every element of a pair map has a protocol fit for its map (a hairpin may pass all), a mark in
 *   MARK_FIRST..MARK_LAST, between the LGWAN and the Internet tier no mail port, and between the My Number
 *   tier and another one source, destination, protocol and port, both ends with a bound MAC;
 * - every element of @sources leads to a chain of its own interface, in which that one's senders are judged;
 * - sets name zone interfaces only, and no address of @bound or of an interface's senders stands at interfaces
 *   of two zones.
 */
#ifndef RULESET_AUDIT_H
#define RULESET_AUDIT_H

#include "base/finding.h"
#include "ruleset/program.h"

/*
 * Audits ruleset against the zones of pins (its pairs are ignored: they are taken from the ruleset and
 * judged). Findings say what does not hold; returns 0 when everything holds, else -EPERM. O(n log n) in the
 * number of elements.
 */
int ruleset_audit(const struct ruleset *ruleset, const struct program_input *pins, struct findings *findings);

#endif
