/*
 * catalogue: what the ruleset floor finds.
 *
 * The audit's findings are errors without a line: they speak of a ruleset somebody handed over, and one of
 * them means it is not installed. The compiler's findings belong to lines of the zone file. {0}.. are the
 * arguments, in the order the comments give.
 */
#ifndef RULESET_CATALOGUE_H
#define RULESET_CATALOGUE_H

#include "base/finding.h"

enum ruleset_finding {
	RULESET_AUDIT_PROGRAM_DIFFERS,		/* object: "inet chain forward" */
	RULESET_AUDIT_PAIR_UNKNOWN,		/* element of @pairs */
	RULESET_AUDIT_PAIR_FORBIDDEN,		/* zone, zone */
	RULESET_AUDIT_REJECT_FORBIDDEN,		/* zone, zone */
	RULESET_AUDIT_LIVE_FORBIDDEN,		/* set, element */
	RULESET_AUDIT_MARK_INVALID,		/* map, element */
	RULESET_AUDIT_MARK_SHARED,		/* mark, path, other path: "lgwan.internet" or "local.lgwan" */
	RULESET_AUDIT_ELEMENT_FOREIGN,		/* set, element */
	RULESET_AUDIT_PROTOCOL_UNFIT,		/* map, element */
	RULESET_AUDIT_MAIL_PORT,		/* map, element */
	RULESET_AUDIT_SPECIFIED_WIDE,		/* map, element */
	RULESET_AUDIT_SPECIFIED_UNBOUND,	/* map, element */
	RULESET_AUDIT_SOURCE_AMBIGUOUS,		/* addresses, zone, other zone */
	RULESET_AUDIT_MORE,			/* id of the kind, how many more of it */
	RULESET_COMPILE_MANY_RANGES,		/* number of ranges, number from which they get slow */
	RULESET_COMPILE_TOO_MANY_RANGES,	/* most that are allowed */
	RULESET_COMPILE_INTERFACE_MISSING,	/* interface, zone */
	RULESET_COMPILE_CRITICAL_CLOSED,	/* flow */
	RULESET_CRITICAL_NO_ROUTE,		/* flow, address */
	RULESET_CRITICAL_OTHER_ROUTE,		/* flow, address, interface */
	/* a line of the law that a packet breaks, in the order of enum proof_line; each: the packet */
	RULESET_PROOF_NEVER, RULESET_PROOF_SPECIFIED, RULESET_PROOF_SANITIZED, RULESET_PROOF_MAIL, RULESET_PROOF_INTERNAL,
	RULESET_PROOF_OUTSIDE, RULESET_PROOF_UPLINK, RULESET_PROOF_INPUT, RULESET_PROOF_OUTPUT, RULESET_PROOF_CHAIN, RULESET_PROOF_SOURCE,
	RULESET_PROOF_MAC, RULESET_PROOF_EXPIRY, RULESET_PROOF_NAT, RULESET_PROOF_SILENCE, RULESET_PROOF_FRAMES, RULESET_PROOF_BRIDGE,
	RULESET_PROOF_ISOLATED,
	RULESET_PROOF_TOO_COMPLEX,		/* line */
	RULESET_PROOF_UNCONFIRMED,		/* line */
	RULESET_PROOF_UNREADABLE,		/* line, what was not understood */
	RULESET_FINDING_COUNT
};

/* One row per enum ruleset_finding. */
extern const struct finding_kind ruleset_catalogue[RULESET_FINDING_COUNT];

#endif
