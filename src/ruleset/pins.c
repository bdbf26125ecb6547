/* pins: what may pass, taken from a policy. */
#include "ruleset/pins.h"

#include <stdlib.h>
#include <string.h>

int binding_pin_compare(const void *a, const void *b)
{
	const struct binding_pin *left = a, *right = b;
	int order;

	if (left->zone != right->zone)
		return left->zone < right->zone ? -1 : 1;
	order = netaddr_compare(&left->address, &right->address);
	return order ? order : memcmp(left->mac.bytes, right->mac.bytes, sizeof(left->mac.bytes));
}

static struct program_zone program_zone_of(struct arena *arena, const struct zone *zone)
{
	const char **interfaces = arena_array(arena, zone->interface_count, sizeof(*interfaces));

	for (size_t i = 0; i < zone->interface_count; i++)
		interfaces[i] = zone->interfaces[i].value;
	return (struct program_zone){
		.name = zone->name, .tier = zone->tier, .uplink = zone->uplink,
		.interfaces = interfaces, .interface_count = zone->interface_count,
	};
}

static void take_zones(struct arena *arena, const struct policy *policy, struct pins *pins)
{
	struct program_zone *program = arena_array(arena, policy->zone_count, sizeof(*program));
	struct zone_pins *zones = arena_array(arena, policy->zone_count, sizeof(*zones));

	for (size_t i = 0; i < policy->zone_count; i++) {
		program[i] = program_zone_of(arena, &policy->zones[i]);
		zones[i] = (struct zone_pins){ policy->zones[i].networks, policy->zones[i].next_hops, policy->zones[i].dhcp_servers,
						policy->zones[i].ipv6_routers };
	}
	pins->program.zones = program;
	pins->program.zone_count = policy->zone_count;
	pins->zones = zones;
}

static void take_bindings(struct arena *arena, const struct policy *policy, struct pins *pins)
{
	struct binding_pin *bindings = arena_array(arena, policy->binding_count, sizeof(*bindings));

	for (size_t i = 0; i < policy->binding_count; i++)
		bindings[i] = (struct binding_pin){ policy->bindings[i].zone, policy->bindings[i].address, policy->bindings[i].mac };
	if (policy->binding_count)
		qsort(bindings, policy->binding_count, sizeof(*bindings), binding_pin_compare);
	pins->bindings = bindings;
	pins->binding_count = policy->binding_count;
}

static void take_grants(struct arena *arena, const struct policy *policy, struct pins *pins)
{
	struct grant *grants = arena_array(arena, policy->flow_count, sizeof(*grants));

	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];

		if (flow->expired)
			continue;
		grants[pins->grant_count++] = (struct grant){
			.kind = flow->kind, .from = flow->kind == FLOW_EGRESS ? 0 : flow->from, .to = flow->kind == FLOW_LOCAL ? 0 : flow->to,
			.sources = flow->sources, .destinations = flow->destinations, .protocol = flow->protocol,
			.ports = flow->ports, .port_count = flow->port_count,
			.uid = flow->kind == FLOW_EGRESS ? flow->uid : 0, .closes_at = flow->closes_at,
		};
	}
	pins->grants = grants;
}

static void take_limits(struct arena *arena, const struct policy *policy, struct pins *pins)
{
	struct limit_pin *limits = arena_array(arena, policy->limit_count, sizeof(*limits));

	for (size_t i = 0; i < policy->limit_count; i++)
		limits[i] = (struct limit_pin){ policy->limits[i].from, policy->limits[i].to, policy->limits[i].connections };
	pins->limits = limits;
	pins->limit_count = policy->limit_count;
}

struct pins *pins_of_policy(struct arena *arena, const struct policy *policy, const struct link_table *links)
{
	struct pins *pins = arena_alloc(arena, sizeof(*pins));

	pins->program.links = links;
	pins->removes_bypasses = policy->removes_bypasses;
	take_zones(arena, policy, pins);
	take_bindings(arena, policy, pins);
	take_grants(arena, policy, pins);
	take_limits(arena, policy, pins);
	return pins;
}
