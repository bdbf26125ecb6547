/* lint: wide port ranges, flows that another one covers, hosts nobody can tell from an impostor. */
#include "policy/lint.h"

#include <stdlib.h>

#include "policy/catalogue.h"
#include "policy/names.h"

/* The flows of one pair and protocol that could cover another: those with more than one address or port. */
struct covers {
	const struct flow *flows[LINT_COVERS_MAX];
	size_t count;
};

static bool ranges_cover(struct addr_ranges outer, struct addr_ranges inner)
{
	for (size_t i = 0; i < inner.count; i++)
		if (outer.items != inner.items && !addr_ranges_cover(outer, &inner.items[i]))
			return false;
	return true;
}

/*
 * Both lists are sorted and disjoint. An inner range over two neighbouring outer ones counts as not covered:
 * cheap, and says too little at worst.
 */
static bool ports_cover(const struct flow *outer, const struct flow *inner)
{
	size_t k = 0;

	for (size_t i = 0; i < inner->port_count; i++) {
		while (k < outer->port_count && outer->ports[k].last < inner->ports[i].last)
			k++;
		if (k == outer->port_count || outer->ports[k].first > inner->ports[i].first)
			return false;
	}
	return true;
}

/* Of a service of the gateway no destination means all of them. */
static bool destinations_cover(const struct flow *outer, const struct flow *inner)
{
	if (outer->kind == FLOW_LOCAL && (outer->destinations.count == 0 || inner->destinations.count == 0))
		return outer->destinations.count == 0;
	return ranges_cover(outer->destinations, inner->destinations);
}

/*
 * True when removing inner would change nothing, now or later: outer matches all of it and does not close
 * before it.
 */
static bool flow_covers(const struct flow *outer, const struct flow *inner)
{
	if (outer->closes_at != 0 && (inner->closes_at == 0 || outer->closes_at < inner->closes_at))
		return false;
	return ranges_cover(outer->sources, inner->sources) &&
	       destinations_cover(outer, inner) && ports_cover(outer, inner);
}

static bool ranges_are_wide(struct addr_ranges ranges)
{
	return ranges.count > 1 || (ranges.count == 1 && !addr_range_is_single(&ranges.items[0]));
}

static bool flow_is_wide(const struct flow *flow)
{
	return ranges_are_wide(flow->sources) || ranges_are_wide(flow->destinations) || flow->port_count > 1 ||
	       (flow->port_count == 1 && flow->ports[0].first != flow->ports[0].last);
}

/* Orders flows so that those which could cover each other stand together, in the order of the file. */
static int compare_pairs(const void *left, const void *right)
{
	const struct flow *a = *(const struct flow *const *)left, *b = *(const struct flow *const *)right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	return 0;
}

static int compare_pairs_in_order(const void *left, const void *right)
{
	const struct flow *a = *(const struct flow *const *)left, *b = *(const struct flow *const *)right;
	int order = compare_pairs(left, right);

	return order ? order : (a < b ? -1 : a > b);
}

/* The same content both ways is told by the resolver already. */
static bool covers_each_other(const struct flow *a, const struct flow *b)
{
	return ranges_cover(a->sources, b->sources) && ranges_cover(b->sources, a->sources) &&
	       destinations_cover(a, b) && destinations_cover(b, a) && ports_cover(a, b) && ports_cover(b, a);
}

static void find_cover(const struct covers *covers, const struct flow *flow, struct findings *findings)
{
	for (size_t i = 0; i < covers->count; i++) {
		if (!flow_covers(covers->flows[i], flow) || covers_each_other(covers->flows[i], flow))
			continue;
		finding_relate(policy_find(findings, LINT_FLOW_COVERED, flow->at, flow->name,
					   covers->flows[i]->name),
			       covers->flows[i]->at);
		return;
	}
}

static void find_covered_flows(const struct policy *policy, struct findings *findings)
{
	__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();
	const struct flow **flows = arena_array(scratch, policy->flow_count, sizeof(const struct flow *));
	struct covers covers = { .count = 0 };
	size_t count = 0;

	for (size_t i = 0; i < policy->flow_count; i++)
		if (!policy->flows[i].expired)
			flows[count++] = &policy->flows[i];
	if (count > 1)
		qsort(flows, count, sizeof(const struct flow *), compare_pairs_in_order);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && compare_pairs(&flows[i - 1], &flows[i]) != 0)
			covers.count = 0;
		find_cover(&covers, flows[i], findings);
		if (covers.count < LINT_COVERS_MAX && flow_is_wide(flows[i]))
			covers.flows[covers.count++] = flows[i];
	}
}

static size_t flow_port_total(const struct flow *flow)
{
	size_t total = 0;

	for (size_t i = 0; i < flow->port_count; i++)
		total += (size_t)(flow->ports[i].last - flow->ports[i].first) + 1;
	return total;
}

/* Between the LGWAN and the Internet tier each port is a way somebody has to answer for. */
static void find_wide_ports(const struct policy *policy, struct findings *findings)
{
	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];
		size_t total = flow_port_total(flow);
		enum tier from, to;

		if (flow->kind != FLOW_FORWARD || flow->expired || total <= LINT_PORTS_WIDE)
			continue;
		from = policy->zones[flow->from].tier;
		to = policy->zones[flow->to].tier;
		if ((from == TIER_LGWAN && to == TIER_INTERNET) || (from == TIER_INTERNET && to == TIER_LGWAN))
			policy_find(findings, LINT_PORTS_MANY, flow_part_at(flow, FLOW_PART_PORTS), flow->name,
				    arena_printf(findings->arena, "%zu", total));
	}
}

/*
 * A My Number host without a MAC can be impersonated by whoever takes its address. Behind PPP there is none
 * to write: the law speaks of that.
 */
static void find_unbound_hosts(const struct policy *policy, struct findings *findings)
{
	for (size_t i = 0; i < policy->host_count; i++) {
		const struct host *host = &policy->hosts[i];
		const struct zone *zone = &policy->zones[host->zone];

		if (zone->tier == TIER_MYNUMBER && host->mac_count == 0 && !host->macs_unsure && !host->by_router &&
		    !zone_lacks_macs(zone))
			policy_find(findings, LINT_HOST_UNBOUND, host->at, host->name);
	}
}

void lint_check(const struct policy *policy, struct findings *findings)
{
	find_covered_flows(policy, findings);
	find_wide_ports(policy, findings);
	find_unbound_hosts(policy, findings);
}
