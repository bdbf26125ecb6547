/* limits: what is odd about the limits of connections. */
#include "policy/limits.h"

#include "policy/catalogue.h"

static bool pair_has_flow(const struct policy *policy, const struct pair_limit *limit)
{
	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];

		if (flow->kind == FLOW_FORWARD && flow->from == limit->from && flow->to == limit->to)
			return true;
	}
	return false;
}

static const char *number_text(struct findings *findings, uint64_t number)
{
	return arena_printf(findings->arena, "%llu", (unsigned long long)number);
}

static void limit_check(const struct policy *policy, const struct pair_limit *limit, uint64_t connections_max, struct findings *findings)
{
	const char *from = policy->zones[limit->from].name, *to = policy->zones[limit->to].name;

	/* The flow may be what another finding is about. */
	if (findings->errors == 0 && !pair_has_flow(policy, limit))
		policy_find(findings, POLICY_LIMIT_IDLE, limit->at, from, to);
	if (connections_max != 0 && limit->connections > connections_max)
		policy_find(findings, POLICY_LIMIT_BEYOND_TABLE, limit->at, from, to, number_text(findings, limit->connections),
			    number_text(findings, connections_max));
}

void limits_check(const struct policy *policy, uint64_t connections_max, struct findings *findings)
{
	uint64_t sum = 0;
	bool single = false;

	for (size_t i = 0; i < policy->limit_count; i++) {
		limit_check(policy, &policy->limits[i], connections_max, findings);
		sum += policy->limits[i].connections;
		single = single || policy->limits[i].connections > connections_max;
	}
	/* One that is larger alone has been told. */
	if (connections_max != 0 && sum > connections_max && !single)
		policy_find(findings, POLICY_LIMITS_BEYOND_TABLE, policy->limits[0].at, number_text(findings, sum),
			    number_text(findings, connections_max));
}
