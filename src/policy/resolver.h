/*
 * resolver: what the parts of policy_resolve() share while they work. Private to resolve*.c.
 *
 * The parts run in this order: zones, hosts and networks, services, flows. A thing that could not be resolved
 * keeps its name with the value NAME_BROKEN: whoever refers to it is left out of the policy without a finding
 * of its own, so that one mistake gives one finding. Values the schema demands (config/schema.h) and that are
 * not there already have a finding of the reader; here they only leave the thing out.
 */
#ifndef POLICY_RESOLVER_H
#define POLICY_RESOLVER_H

#include "policy/catalogue.h"
#include "policy/name_table.h"
#include "policy/policy.h"

enum {
	RESOLVE_NEAREST_MAX = 32, /* unknown names that are told the nearest known one: each is a walk over all */
};

/* What the resolver knows of a zone besides the zone. */
struct zone_notes {
	struct addr_ranges declared;	/* the networks as written */
	bool incomplete;	/* a network of it was malformed: what lies outside may be a consequence */
};

/* A host or a network by name, as the end of a flow. */
struct named_end {
	uint32_t zone;
	struct addr_ranges ranges;
	const struct host *host; /* NULL for a network */
};

/* What is matched of a protocol. */
struct traffic {
	uint16_t protocol;
	const struct port_range *ports;
	size_t port_count;
	struct origin ports_at;
};

/* A resolved list of sources or destinations. */
struct end {
	struct addr_ranges ranges;
	bool any, named;
	const struct host *host; /* the one host, when one host is all that was written */
	struct origin at;
};

struct resolver {
	struct arena *arena;		/* of the policy */
	struct arena *scratch;		/* of what is needed while the policy is made: it stays small, because a daemon keeps it */
	const struct settings *settings;
	const struct policy_world *world;
	struct findings *findings;
	struct policy *policy;
	struct zone *zones;		/* policy->zones while they are made */
	struct zone_notes *zone_notes;	/* one per zone */
	struct host *hosts;		/* policy->hosts while they are made */
	struct named_end *ends;		/* values of end_names */
	struct traffic *services;	/* values of service_names */
	struct flow *flows;		/* policy->flows while they are made */
	size_t flow_capacity;
	struct name_table zone_names, end_names, service_names, flow_names, relay_names;
	size_t nearest_told;
	bool zones_nameless;		/* a zone could not enter its name: an unknown one may be that's */
	bool flows_overflow, relays_overflow; /* the finding that there are too many was given */
};

/* Zones, their interfaces and networks; everything of an uplink but its hosts. */
void resolve_zones(struct resolver *r);

/* Hosts, named networks, bindings, and the hosts that a zone names. */
void resolve_hosts(struct resolver *r);

/* Named services. */
void resolve_services(struct resolver *r);

/* Flows, gateway services, egress, relays, hairpins, rejections. */
void resolve_flows(struct resolver *r);

/* How many connections pairs of zones may have. */
void resolve_limits(struct resolver *r);

/* The finding on a text that is no prefix or range, by what addr_range_parse() or prefix_parse() gave: what is wrong, and what was probably meant. */
void resolve_not_a_range(struct resolver *r, const struct text *word, int error);

/*
 * The index of the zone of this name; false with a finding, or without one when the zone is broken or nothing
 * was written.
 */
bool resolve_zone_name(struct resolver *r, const struct text *name, uint32_t *ret_zone);

/*
 * The nearest known name for a finding, "-" when there is none (or RESOLVE_NEAREST_MAX were told already:
 * each costs a walk over all names).
 */
const char *resolve_nearest(struct resolver *r, const struct name_table *table, const char *name);

/*
 * Enters a name into the table. NULL without a name, and with a finding when the name is taken; the entry's
 * value is NAME_BROKEN until the caller knows better.
 */
struct name_entry *resolve_new_name(struct resolver *r, struct name_table *table, const struct text *name);

/*
 * Words of a source or destination, all inside the zone. False when one of them is wrong (a finding says so,
 * or said so where it is declared).
 */
bool resolve_end(struct resolver *r, const struct text_list *words, uint32_t zone, struct end *ret_end);

/*
 * The host of this name, which must be in the zone; NULL with a finding (or without one when the host is
 * broken).
 */
const struct host *resolve_host_word(struct resolver *r, const struct text *word, uint32_t zone);

/*
 * A service by name, or protocol and ports as written; owner is the line of the thing that wants it. False
 * with a finding.
 */
bool resolve_traffic(struct resolver *r, const struct text *service, const struct text *protocol,
		     const struct text_list *ports, struct origin owner, struct traffic *ret_traffic);

/* Relays, and the two flows of each; part of resolve_flows(). */
void resolve_relays(struct resolver *r);

/* A copy of a text in the policy's arena, NULL where nothing was written: settings need not live as long as the policy. */
const char *resolve_copy(struct resolver *r, const struct text *text);

/* The next flow of the policy, with a copy of the name, or NULL with a finding when there are too many. */
struct flow *resolve_new_flow(struct resolver *r, const char *name, struct origin at);

/* Notes where a part of the flow was written (flow_part_at()); nothing when `at` is empty. */
void resolve_flow_part(struct resolver *r, struct flow *flow, enum flow_part part, struct origin at);

/* What was resolved becomes part of the flow. */
void resolve_flow_source(struct resolver *r, struct flow *flow, const struct end *end);
void resolve_flow_destination(struct resolver *r, struct flow *flow, const struct end *end); /* see resolve_flow_source() */
void resolve_flow_traffic(struct resolver *r, struct flow *flow, const struct traffic *traffic); /* see resolve_flow_source() */

/*
 * The uid of a local user; false with a finding. Without a user database every name gets one made from itself, far from real
 * ones.
 */
bool resolve_user(struct resolver *r, const char *user, struct origin at, uint32_t *ret_uid);

/* The record of a flow, NULL when none was written; false with a finding when a date is none. */
bool resolve_record(struct resolver *r, const struct record_settings *settings, const struct record **ret_record);

/* at, or the fallback when nothing was written there. */
struct origin origin_or(struct origin at, struct origin fallback);

#endif
