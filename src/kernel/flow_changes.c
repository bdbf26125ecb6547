/* flow_changes: what a new policy does to the flows the kernel has. */
#include "kernel/flow_changes.h"

#include <stdlib.h>
#include <string.h>

#include "ruleset/identities.h"

enum { EXPIRY_TOLERANCE_S = 2 };	/* the kernel tells what remains, and time goes on while it is read */

#define NO_FLOW SIZE_MAX

/* A flow as the kernel's comments tell it. */
struct kernel_flow {
	uint8_t identity[COMPILE_IDENTITY_BYTES];
	const char *name;
	int64_t expires_at;
	bool kept;		/* the new policy has this content */
	bool named;		/* and a flow of this name with it */
};

struct kernel_flows {
	struct kernel_flow *items;	/* a content once, in the order of the rules */
	size_t count;
	struct identities identities;
};

/* A content that the kernel has and the new policy has not. */
struct leaving_flow {
	const struct kernel_flow *kernel;
	size_t own;		/* the flow of the new policy that has its name: index, or NO_FLOW */
};

struct leaving_flows {
	struct leaving_flow *items;	/* by name */
	size_t count;
};

struct comparison {
	struct arena *arena;
	const struct generation *generation;
	struct kernel_flows kernel;
	struct kernel_flow **of_flow;	/* of each flow of the policy: its content in the kernel; NULL: the kernel has it not, or the flow is not open */
	struct flow_changes changes;
};

const char *flow_fate_word(enum flow_fate fate)
{
	static const char *const words[FATE_COUNT] = {
		[FATE_OPENS] = "opens", [FATE_CLOSES] = "closes", [FATE_EXPIRES] = "expires", [FATE_LOSES_INTERFACE] = "loses-interface",
		[FATE_CHANGES] = "changes", [FATE_RENAMED] = "renamed", [FATE_NEW_EXPIRY] = "new-expiry", [FATE_STAYS] = "stays",
	};

	return words[fate];
}

static int compare_leaving(const void *a, const void *b)
{
	const struct leaving_flow *left = a, *right = b;

	return strcmp(left->kernel->name, right->kernel->name);
}

static void collect_live(struct arena *arena, const struct set *set, struct kernel_flows *flows)
{
	for (size_t i = 0; set && i < set->element_count; i++) {
		struct kernel_flow *flow = &flows->items[flows->count];
		struct span name;

		/* A flow has an element for each pair of interfaces. */
		if (!live_comment_parse(set->elements[i].comment, &name, flow->identity) || identities_add(&flows->identities, flows->count) != flows->count)
			continue;
		flow->name = arena_strndup(arena, name.data, name.length);
		flow->expires_at = set->elements[i].expires_at;
		flows->count++;
	}
}

static struct kernel_flows kernel_flows_of(struct arena *arena, const struct ruleset *kernel)
{
	const struct table *table = kernel ? ruleset_table(kernel, FAMILY_INET, "sekisho") : NULL;
	const struct set *live = table ? table_set(table, "live") : NULL, *local = table ? table_set(table, "local-live") : NULL;
	const size_t room = (live ? live->element_count : 0) + (local ? local->element_count : 0) + 1;
	struct kernel_flows flows = { .items = arena_array(arena, room, sizeof(*flows.items)) };

	flows.identities = identities_for(arena, flows.items->identity, sizeof(*flows.items), room);
	collect_live(arena, live, &flows);
	collect_live(arena, local, &flows);
	return flows;
}

static struct kernel_flow *find_kernel(const struct kernel_flows *kernel, const struct flow_mark *mark)
{
	size_t place;

	return mark->mark && identities_find(&kernel->identities, mark->identity, &place) ? &kernel->items[place] : NULL;
}

/* Which contents and names of the kernel the new policy has. */
static void match_kernel(struct comparison *comparison)
{
	const struct policy *policy = comparison->generation->policy;

	comparison->of_flow = arena_array(comparison->arena, policy->flow_count, sizeof(struct kernel_flow *));
	for (size_t i = 0; i < policy->flow_count; i++) {
		struct kernel_flow *kernel = find_kernel(&comparison->kernel, &comparison->generation->compiled.flow_marks[i]);

		comparison->of_flow[i] = kernel;
		if (!kernel)
			continue;
		kernel->kept = true;
		kernel->named |= strcmp(kernel->name, policy->flows[i].name) == 0;
	}
}

static void add_change(struct comparison *comparison, enum flow_fate fate, const struct flow *flow, const char *kernel_name)
{
	struct flow_changes *changes = &comparison->changes;

	changes->items[changes->count++] = (struct flow_change){ .fate = fate, .flow = flow, .kernel_name = kernel_name };
	changes->counts[fate]++;
}

static bool has_same_expiry(const struct kernel_flow *kernel, const struct flow *flow)
{
	int64_t apart = kernel->expires_at - flow->closes_at;

	return (kernel->expires_at == 0) == (flow->closes_at == 0) && apart <= EXPIRY_TOLERANCE_S && apart >= -EXPIRY_TOLERANCE_S;
}

/* What becomes of a flow that is open in the new policy and whose content the kernel has. */
static enum flow_fate fate_of_kept(const struct kernel_flow *kernel, const struct flow *flow)
{
	if (!kernel->named)
		return FATE_RENAMED;
	if (strcmp(kernel->name, flow->name) == 0 && !has_same_expiry(kernel, flow))
		return FATE_NEW_EXPIRY;
	return FATE_STAYS;
}

/* The contents that the kernel has and the new policy has not. */
static struct leaving_flows leaving_flows_of(const struct comparison *comparison)
{
	const struct kernel_flows *kernel = &comparison->kernel;
	struct leaving_flows leaving = { .items = arena_array(comparison->arena, kernel->count + 1, sizeof(*leaving.items)) };

	for (size_t i = 0; i < kernel->count; i++) {
		if (!kernel->items[i].kept)
			leaving.items[leaving.count++] = (struct leaving_flow){ .kernel = &kernel->items[i], .own = NO_FLOW };
	}
	qsort(leaving.items, leaving.count, sizeof(*leaving.items), compare_leaving);
	return leaving;
}

/* The first that leaves with this name; leaving->count: none does. */
static size_t first_leaving(const struct leaving_flows *leaving, const char *name)
{
	size_t low = 0, high = leaving->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(leaving->items[middle].kernel->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < leaving->count && strcmp(leaving->items[low].kernel->name, name) == 0 ? low : leaving->count;
}

/* Finds the flow of the new policy that has the name of one that leaves. */
static void match_leaving(const struct comparison *comparison, struct leaving_flows *leaving)
{
	const struct policy *policy = comparison->generation->policy;

	for (size_t i = 0; i < policy->flow_count; i++) {
		const char *name = policy->flows[i].name;

		for (size_t k = first_leaving(leaving, name); k < leaving->count && strcmp(leaving->items[k].kernel->name, name) == 0; k++)
			leaving->items[k].own = i;
	}
}

static void add_open_flows(struct comparison *comparison, const struct leaving_flows *leaving)
{
	const struct policy *policy = comparison->generation->policy;

	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];
		const struct kernel_flow *kernel = comparison->of_flow[i];

		if (comparison->generation->compiled.flow_marks[i].mark == 0)
			continue;
		if (kernel)
			add_change(comparison, fate_of_kept(kernel, flow), flow, kernel->name);
		else if (first_leaving(leaving, flow->name) < leaving->count)
			add_change(comparison, FATE_CHANGES, flow, flow->name);
		else
			add_change(comparison, FATE_OPENS, flow, NULL);
	}
}

/* What leaves the kernel without a flow of its name that opens. */
static void add_leaving_flows(struct comparison *comparison, const struct leaving_flows *leaving)
{
	for (size_t i = 0; i < leaving->count; i++) {
		const size_t own = leaving->items[i].own;
		const char *name = leaving->items[i].kernel->name;
		const struct flow *flow = own == NO_FLOW ? NULL : &comparison->generation->policy->flows[own];

		if (!flow)
			add_change(comparison, FATE_CLOSES, NULL, name);
		else if (comparison->generation->compiled.flow_marks[own].mark == 0)
			add_change(comparison, flow->expired ? FATE_EXPIRES : FATE_LOSES_INTERFACE, flow, name);
		else if (comparison->of_flow[own])
			add_change(comparison, FATE_CLOSES, NULL, name);
	}
}

struct flow_changes flow_changes_of(struct arena *arena, const struct generation *generation, const struct ruleset *kernel)
{
	struct comparison comparison = { .arena = arena, .generation = generation, .kernel = kernel_flows_of(arena, kernel) };
	struct leaving_flows leaving;

	comparison.changes.items = arena_array(arena, generation->policy->flow_count + comparison.kernel.count, sizeof(*comparison.changes.items));
	match_kernel(&comparison);
	leaving = leaving_flows_of(&comparison);
	match_leaving(&comparison, &leaving);
	add_open_flows(&comparison, &leaving);
	add_leaving_flows(&comparison, &leaving);
	return comparison.changes;
}
