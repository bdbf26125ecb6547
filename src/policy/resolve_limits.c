/*
 * resolve_limits: how many connections pairs of zones may have.
 */
#include "policy/resolver.h"

#include <stdlib.h>

static int compare_limits(const void *a, const void *b)
{
	const struct pair_limit *left = a, *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	return (left->to > right->to) - (left->to < right->to);
}

/* True with a finding when the pair has a limit already. */
static bool limit_is_again(struct resolver *r, const struct pair_limit *limits, size_t count, const struct pair_limit *limit)
{
	for (size_t i = 0; i < count; i++) {
		if (compare_limits(&limits[i], limit) != 0)
			continue;
		finding_relate(policy_find(r->findings, POLICY_LIMIT_TWICE, limit->at, r->zones[limit->from].name, r->zones[limit->to].name),
			       limits[i].at);
		return true;
	}
	return false;
}

void resolve_limits(struct resolver *r)
{
	const struct settings *settings = r->settings;
	struct pair_limit *limits = arena_array(r->arena, settings->limit_count, sizeof(*limits));
	size_t count = 0;

	for (size_t i = 0; i < settings->limit_count; i++) {
		const struct limit_settings *written = &settings->limits[i];
		struct pair_limit *limit = &limits[count];
		bool from_known = resolve_zone_name(r, &written->from, &limit->from), to_known = resolve_zone_name(r, &written->to, &limit->to);

		limit->connections = (uint32_t)written->connections.value;
		limit->at = written->at;
		if (from_known && to_known && limit->connections > 0 && !limit_is_again(r, limits, count, limit))
			count++;
	}
	if (count > 1)
		qsort(limits, count, sizeof(*limits), compare_limits);
	r->policy->limits = limits;
	r->policy->limit_count = count;
}
