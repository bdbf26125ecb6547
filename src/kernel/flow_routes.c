/* flow_routes: is there a route to both ends of a flow? */
#include "kernel/flow_routes.h"

#include <stdlib.h>

#include "kernel/links.h"
#include "ruleset/catalogue.h"

static int compare_addresses(const void *a, const void *b)
{
	return netaddr_compare(*(const struct netaddr *const *)a, *(const struct netaddr *const *)b);
}

/* Where the kernel sends packets to an address. */
struct known_route {
	const struct netaddr *address;
	int error;
	bool local;		/* an address of this machine */
	uint32_t oif;
};

struct routes_known {
	struct known_route *items;	/* sorted by address */
	size_t count;
};

/* One address of each range stands for it: the second, because the first may be the network's own. */
static struct netaddr range_representative(const struct addr_range *range)
{
	struct netaddr address = range->first;

	if (netaddr_compare(&range->first, &range->last) < 0)
		netaddr_next(&address);
	return address;
}

/* An end of a flow: its ranges, and the zone they should lie behind. */
struct flow_end {
	const struct addr_ranges *ranges;
	uint32_t zone;
};

static size_t flow_ends(const struct flow *flow, struct flow_end ends[static 2])
{
	size_t count = 0;

	if (flow->kind != FLOW_EGRESS)
		ends[count++] = (struct flow_end){ &flow->sources, flow->from };
	if (flow->kind != FLOW_LOCAL)
		ends[count++] = (struct flow_end){ &flow->destinations, flow->to };
	return count;
}

/* A flow that is closed needs no route. */
static bool flow_is_asked(const struct generation *generation, size_t index, bool critical_only)
{
	return generation->compiled.flow_marks[index].mark != 0 && (!critical_only || generation->policy->flows[index].critical);
}

/* All addresses that will be asked for, each once. */
static struct routes_known routes_collect(struct arena *arena, const struct generation *generation, bool critical_only)
{
	const struct policy *policy = generation->policy;
	const struct netaddr **addresses = NULL;
	size_t count = 0, capacity = 0;
	struct routes_known known;

	for (size_t i = 0; i < policy->flow_count; i++) {
		struct flow_end ends[2];
		size_t end_count = flow_is_asked(generation, i, critical_only) ? flow_ends(&policy->flows[i], ends) : 0;

		for (size_t e = 0; e < end_count; e++) {
			for (size_t r = 0; r < ends[e].ranges->count; r++) {
				struct netaddr *address = arena_alloc(arena, sizeof(*address));

				*address = range_representative(&ends[e].ranges->items[r]);
				addresses = arena_grow(arena, addresses, count, &capacity, sizeof(const struct netaddr *));
				addresses[count++] = address;
			}
		}
	}
	if (count)
		qsort(addresses, count, sizeof(const struct netaddr *), compare_addresses);
	known = (struct routes_known){ .items = arena_array(arena, count, sizeof(*known.items)) };
	for (size_t i = 0; i < count; i++)
		if (known.count == 0 || netaddr_compare(known.items[known.count - 1].address, addresses[i]) != 0)
			known.items[known.count++].address = addresses[i];
	return known;
}

static void routes_ask(struct routes_known *known)
{
	for (size_t i = 0; i < known->count; i++) {
		struct route_hop hop;

		known->items[i].error = route_lookup(known->items[i].address, &hop);
		known->items[i].oif = known->items[i].error ? 0 : hop.oif;
		known->items[i].local = !known->items[i].error && hop.local;
	}
}

static const struct known_route *route_of(const struct routes_known *known, const struct netaddr *address)
{
	size_t low = 0, high = known->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (netaddr_compare(known->items[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return &known->items[low];
}

static bool zone_has_interface(const struct zone *zone, const struct link_table *links, uint32_t index)
{
	for (size_t i = 0; i < zone->interface_count; i++)
		if (link_index(links, zone->interfaces[i].value) == index)
			return true;
	return false;
}

/* Notes each end of the flow that its zone does not reach. */
static void flow_check(struct arena *arena, struct route_faults *faults, const struct policy *policy, const struct link_table *links,
		       const struct routes_known *known, const struct flow *flow)
{
	struct flow_end ends[2];
	size_t end_count = flow_ends(flow, ends);

	for (size_t e = 0; e < end_count; e++) {
		for (size_t r = 0; r < ends[e].ranges->count; r++) {
			struct netaddr address = range_representative(&ends[e].ranges->items[r]);
			const struct known_route *route = route_of(known, &address);

			if (route->local || (!route->error && zone_has_interface(&policy->zones[ends[e].zone], links, route->oif)))
				continue;
			faults->items = arena_grow(arena, faults->items, faults->count, &faults->capacity, sizeof(*faults->items));
			faults->items[faults->count++] = (struct route_fault){
				.flow = flow, .address = address, .leads_to = route->error ? NULL : link_name(links, route->oif),
			};
		}
	}
}

struct route_faults flow_routes_check(struct arena *arena, const struct generation *generation, const struct link_table *links, bool critical_only)
{
	const struct policy *policy = generation->policy;
	struct routes_known known = routes_collect(arena, generation, critical_only);
	struct route_faults faults = { .count = 0 };

	routes_ask(&known);
	for (size_t i = 0; i < policy->flow_count; i++)
		if (flow_is_asked(generation, i, critical_only))
			flow_check(arena, &faults, policy, links, &known, &policy->flows[i]);
	return faults;
}

void flow_routes_find(struct arena *arena, const struct generation *generation, const struct link_table *links, struct findings *findings)
{
	const struct route_faults faults = flow_routes_check(arena, generation, links, true);

	for (size_t i = 0; i < faults.count; i++) {
		const struct route_fault *fault = &faults.items[i];
		char address[NETADDR_TEXT_BYTES];

		netaddr_format(&fault->address, address);
		finding_add(findings, &ruleset_catalogue[fault->leads_to ? RULESET_CRITICAL_OTHER_ROUTE : RULESET_CRITICAL_NO_ROUTE], fault->flow->at,
			    fault->flow->name, address, fault->leads_to, NULL);
	}
}
