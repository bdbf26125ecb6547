/*
 * flow_routes: is there a route to both ends of a flow, and does it lead into the zone that the end is in? One address of each range is asked for.
 *
 * Rules that let a packet pass are of no use when it is sent elsewhere: in 2017 an alarm system was cut off by a route (R21).
 */
#ifndef KERNEL_FLOW_ROUTES_H
#define KERNEL_FLOW_ROUTES_H

#include "kernel/generation.h"

/* An end of an open flow for which the kernel has no route, or one that leads elsewhere. */
struct route_fault {
	const struct flow *flow;
	struct netaddr address;
	const char *leads_to;	/* the interface; NULL: there is no route, or one by an interface without a name */
};

struct route_faults {
	struct route_fault *items; /* in the order of the flows */
	size_t count, capacity;
};

/* Asks the kernel. The generation must have compiled. critical_only: only for flows that must not stop. In the arena. */
struct route_faults flow_routes_check(struct arena *arena, const struct generation *generation, const struct link_table *links, bool critical_only);

/* Adds a warning for each fault of a flow that must not stop. */
void flow_routes_find(struct arena *arena, const struct generation *generation, const struct link_table *links, struct findings *findings);

#endif
