/* verify: the law, the difference, the routes. */
#include "sekisho/verify.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/conntrack.h"
#include "ruleset/lasting.h"

/* What of the snapshot the ruleset does not show. A dormant table it does. */
static const char *unseen_alien(struct context *context, const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->alien_count; i++)
		if (!snapshot->aliens[i].dormant)
			return arena_printf(context->arena, "%s: %s", snapshot->aliens[i].where, snapshot->aliens[i].what);
	return NULL;
}

/* None where the kernel does not show them, which is told (verify.h). */
static int read_connections(struct context *context, const struct live *live, struct carried_list *ret_carried)
{
	struct interface_addresses own;
	struct nfnl nfnl;
	int error;

	*ret_carried = (struct carried_list){ .count = 0 };
	if (live->by_view)
		return 0;
	error = nfnl_open(&nfnl);
	if (error)
		return complain(context, "the connections could not be read: %s", "接続を読み取れません: %s", strerror(-error));
	error = addresses_read(context->arena, &own);
	if (!error)
		error = conntrack_carried(context->arena, &nfnl, &own, ret_carried);
	nfnl_close(&nfnl);
	return error ? complain(context, "the connections could not be read: %s", "接続を読み取れません: %s", strerror(-error)) : 0;
}

/* ---- routes */

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

/* All addresses that will be asked for, each once. */
static struct routes_known routes_collect(struct context *context, const struct generation *generation)
{
	const struct policy *policy = generation->policy;
	const struct netaddr **addresses = NULL;
	size_t count = 0, capacity = 0;
	struct routes_known known;

	for (size_t i = 0; i < policy->flow_count; i++) {
		struct flow_end ends[2];
		size_t end_count = generation->compiled.flow_marks[i].mark ? flow_ends(&policy->flows[i], ends) : 0;

		for (size_t e = 0; e < end_count; e++) {
			for (size_t r = 0; r < ends[e].ranges->count; r++) {
				struct netaddr *address = arena_alloc(context->arena, sizeof(*address));

				*address = range_representative(&ends[e].ranges->items[r]);
				addresses = arena_grow(context->arena, addresses, count, &capacity, sizeof(const struct netaddr *));
				addresses[count++] = address;
			}
		}
	}
	if (count)
		qsort(addresses, count, sizeof(const struct netaddr *), compare_addresses);
	known = (struct routes_known){ .items = arena_array(context->arena, count, sizeof(*known.items)) };
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

/* True when every end of the flow is reached by its zone; each fault is noted. */
static bool flow_is_routed(struct context *context, struct verification *verification, const struct routes_known *known, const struct flow *flow)
{
	struct flow_end ends[2];
	size_t end_count = flow_ends(flow, ends), before = verification->route_fault_count;

	for (size_t e = 0; e < end_count; e++) {
		for (size_t r = 0; r < ends[e].ranges->count; r++) {
			struct netaddr address = range_representative(&ends[e].ranges->items[r]);
			const struct known_route *route = route_of(known, &address);

			if (route->local || (!route->error && zone_has_interface(&verification->generation->policy->zones[ends[e].zone],
								 &verification->live.links, route->oif)))
				continue;
			verification->route_faults = arena_grow(context->arena, verification->route_faults, verification->route_fault_count,
								&verification->route_fault_capacity, sizeof(*verification->route_faults));
			verification->route_faults[verification->route_fault_count++] = (struct route_fault){
				.flow = flow, .address = address,
				.leads_to = route->error ? NULL : link_name(&verification->live.links, route->oif),
			};
		}
	}
	return verification->route_fault_count == before;
}

static void verify_routes(struct context *context, struct verification *verification)
{
	const struct policy *policy = verification->generation->policy;
	struct routes_known known = routes_collect(context, verification->generation);

	routes_ask(&known);
	verification->critical_closed = arena_array(context->arena, policy->flow_count, sizeof(const struct flow *));
	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];
		bool open = verification->generation->compiled.flow_marks[i].mark != 0;
		bool routed = !open || flow_is_routed(context, verification, &known, flow);

		verification->open_flows += open;
		verification->critical_flows += flow->critical;
		if (flow->critical && (!open || !routed))
			verification->critical_closed[verification->critical_closed_count++] = flow;
	}
}

/* ---- the difference */

/* What the file wants at a time behind the one at which it was read: flows that end by then are closed. NULL: it cannot be compiled. */
static const struct ruleset *wanted_at(struct context *context, const struct verification *verification, int64_t now)
{
	const struct mark_book marks = mark_book_of(context->arena, verification->live.snapshot.ruleset, NULL, 0);
	const struct compile_world world = { .links = verification->live.links, .now = now, .marks = &marks };
	struct findings unused = findings_in(context->arena);
	struct compiled compiled;

	if (ruleset_compile(context->arena, verification->generation->policy, &world, &unused, &compiled) != 0)
		return NULL;
	return compiled.ruleset;
}

static void compare_with(struct context *context, struct verification *verification, const struct ruleset *wanted)
{
	const int64_t until = verification->live.read_at + VERIFY_ENDING_S;
	const struct ruleset *kernel = ruleset_lasting(context->arena, verification->live.snapshot.ruleset, until);
	const struct ruleset *lasting = ruleset_lasting(context->arena, wanted, until);

	verification->transition = ruleset_diff(context->arena, kernel, lasting);
	verification->same = verification->live.snapshot.alien_count == 0 && ruleset_same(context->arena, kernel, lasting);
}

/*
 * Flows may end while the kernel is read. Their marks end in the kernel by themselves, and the daemon takes away the rest a moment later: the kernel may
 * hold what follows from any of these moments. What ends within VERIFY_ENDING_S is not compared at all.
 */
static void verify_difference(struct context *context, struct verification *verification)
{
	const struct policy *policy = verification->generation->policy;
	int64_t last = context->now;

	compare_with(context, verification, verification->generation->compiled.ruleset);
	while (!verification->same) {
		const struct ruleset *wanted;
		int64_t next = INT64_MAX;

		for (size_t i = 0; i < policy->flow_count; i++)
			if (policy->flows[i].closes_at > last && policy->flows[i].closes_at < next)
				next = policy->flows[i].closes_at;
		if (next > verification->live.read_at + VERIFY_ENDING_S)
			return;
		wanted = wanted_at(context, verification, next);
		if (wanted)
			compare_with(context, verification, wanted);
		last = next;
	}
}

int verify_kernel(struct context *context, const struct generation *generation, const struct live *live, struct verification *ret_verification)
{
	struct verification verification = { .generation = generation, .live = *live };
	struct proof_input input = { .ruleset = live->snapshot.ruleset, .now = live->read_at, .unreadable = unseen_alien(context, &live->snapshot) };
	struct carried_list carried;
	int status = read_connections(context, live, &carried);

	if (status)
		return status;
	input.pins = pins_of_policy(context->arena, generation->policy, NULL);
	input.carried = carried.items;
	input.carried_count = carried.count;
	verification.proof = ruleset_prove(context->arena, &input);
	verify_difference(context, &verification);
	verify_routes(context, &verification);
	*ret_verification = verification;
	return 0;
}

bool verification_is_fine(const struct verification *verification)
{
	return verification->proof.holds && verification->same && verification->critical_closed_count == 0;
}
