/*
 * lockout: would a new ruleset cut the connection over which it was ordered? Pure.
 */
#ifndef SEKISHOD_LOCKOUT_H
#define SEKISHOD_LOCKOUT_H

#include "base/finding.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

/* A TCP connection from an administrator's terminal to the gateway. */
struct connection {
	struct netaddr source, destination; /* of one family */
	uint16_t source_port, destination_port;
};

enum { LOCKOUT_CONNECTIONS_MAX = 64 };	/* of one request */

/*
 * True when a packet of the running connection, which has no live mark yet, would reach the gateway by any
 * interface of the ruleset, with any Ethernet address that is bound to its source there. *ret_flow (may be
 * NULL) is the name of what allows it, in the arena; "" when it has none.
 */
bool lockout_allows(struct arena *arena, const struct ruleset *ruleset, const struct connection *connection, int64_t now, const char **ret_flow);

/*
 * Adds a finding for each connection that was allowed by before and is not by after. It points at the line
 * of the service that allowed it if the new policy still has one of that name, else at the file. before
 * NULL: there was nothing, nobody can be locked out.
 */
void lockout_check(const struct ruleset *before, const struct ruleset *after, const struct policy *policy, const struct source *file,
		   const struct connection *connections, size_t count, int64_t now, struct findings *findings);

#endif
