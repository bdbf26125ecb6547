/*
 * limits: what is odd about the limits of connections. Nothing here is an error.
 */
#ifndef POLICY_LIMITS_H
#define POLICY_LIMITS_H

#include "policy/policy.h"

/*
 * Adds findings about limits of pairs without a flow, and about those that the kernel's table of connections cannot keep. connections_max: how many
 * connections the table has room for (net.netfilter.nf_conntrack_max); 0: not known.
 */
void limits_check(const struct policy *policy, uint64_t connections_max, struct findings *findings);

#endif
