/*
 * verify: the rules in the kernel held against the law, against the file, and against the routes.
 *
 * The law is proved on what was read back (ruleset/prove.h), with the connections that run. The pins are those of the file: what nobody applied
 * yet shows as a difference.
 */
#ifndef SEKISHO_VERIFY_H
#define SEKISHO_VERIFY_H

#include "kernel/flow_routes.h"
#include "ruleset/diff.h"
#include "ruleset/prove.h"
#include "sekisho/command.h"

enum { VERIFY_ENDING_S = 2 };	/* what ends so soon is not compared */

struct verification {
	const struct generation *generation; /* the file */
	struct live live;
	struct proof proof;
	struct transition transition;	/* what would make the kernel what the file says */
	bool same;			/* nothing would */
	struct route_faults routes;	/* of open flows */
	size_t open_flows, critical_flows; /* of the file */
	const struct flow **critical_closed; /* critical flows that the file closes or that have a route fault */
	size_t critical_closed_count;
};

/*
 * Verifies live against the file; what is in the context's arena stays there. 0, or an exit status after complaining (the connections could not be
 * read).
 */
int verify_kernel(struct context *context, const struct generation *generation, const struct live *live, struct verification *ret_verification);

/* True when the law is proved, nothing differs and no critical flow is cut off. A route that is missing for another flow is told and no more. */
bool verification_is_fine(const struct verification *verification);

#endif
