/*
 * pins: what may pass, as the root-owned zone file says it. The prover (ruleset/prove.h) holds a ruleset against it.
 *
 * Pins are values without names of hosts or flows: zones with their tier, interfaces, networks and next hops; which source address needs which
 * Ethernet address; and the grants, each one thing that may be begun. They are made of a policy that the law has judged, by the parent
 * for the enforcer and by everybody who proves for himself. They know no mark, no set and no rule.
 */
#ifndef RULESET_PINS_H
#define RULESET_PINS_H

#include "policy/policy.h"
#include "ruleset/program.h"

/* What the prover wants to know of a zone beyond struct program_zone. */
struct zone_pins {
	struct addr_ranges networks;	/* canonical */
	struct addr_ranges next_hops;	/* uplink: the routers and hosts a packet may be handed to */
	struct addr_ranges dhcp_servers, ipv6_routers; /* expected on its wire as such; nothing for the prover */
};

/* A source address of a zone and an Ethernet address it may come from; where one is bound, no other is taken. */
struct binding_pin {
	uint32_t zone;
	struct netaddr address;
	struct macaddr mac;
};

/* One thing that may be begun; an open flow of the policy. Ends are as in struct flow. */
struct grant {
	enum flow_kind kind;
	uint32_t from, to;		/* indexes of zones; FLOW_LOCAL has no `to`, FLOW_EGRESS no `from` */
	struct addr_ranges sources, destinations;
	uint16_t protocol;		/* as in struct flow: 1 is echo in both families, POLICY_ANY_PROTOCOL everything */
	const struct port_range *ports;	/* empty for protocols without ports */
	size_t port_count;
	uint32_t uid;			/* FLOW_EGRESS */
	int64_t closes_at;		/* Unix time; 0: never */
};

/* The most connections that one zone may have open which it began towards another; nothing for the prover. */
struct limit_pin {
	uint32_t from, to;		/* indexes of zones */
	uint32_t connections;		/* at least 1 */
};

struct pins {
	struct program_input program;	/* zones with tier and interfaces; pairs empty, links set by whoever knows them */
	const struct zone_pins *zones;	/* program.zone_count */
	const struct binding_pin *bindings; /* sorted by zone, address, MAC */
	size_t binding_count;
	bool removes_bypasses;		/* as in struct policy; nothing for the prover */
	const struct grant *grants;
	size_t grant_count;
	const struct limit_pin *limits;	/* sorted by from, to; no two of one pair */
	size_t limit_count;
};

/* The pins of a policy without errors, in the arena; texts and ranges are the policy's. links (may be NULL) become those of the program. */
struct pins *pins_of_policy(struct arena *arena, const struct policy *policy, const struct link_table *links);

/* Orders bindings by zone, address and MAC, as struct pins wants them. */
int binding_pin_compare(const void *a, const void *b);

#endif
