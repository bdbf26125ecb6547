/* flow_changes: what a new policy does to the flows the kernel has. */
#include "kernel/flow_changes.h"

#include <stdlib.h>
#include <string.h>

enum { EXPIRY_TOLERANCE_S = 2 };	/* the kernel tells what remains, and time goes on while it is read */

/* A flow as the kernel's comments tell it. */
struct kernel_flow {
	uint8_t identity[COMPILE_IDENTITY_BYTES];
	const char *name;
	int64_t expires_at;
	bool kept;		/* the new policy has this content */
	bool named;		/* and a flow of this name with it */
};

struct kernel_flows {
	struct kernel_flow *items;	/* by identity; a content once */
	size_t count;
};

/* A flow of the new policy. */
struct file_flow {
	const struct flow *flow;
	const struct flow_mark *mark;
};

struct comparison {
	struct arena *arena;
	const struct generation *generation;
	struct kernel_flows kernel;
	struct file_flow *by_name;	/* all flows of the new policy */
	size_t flow_count;
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

static int compare_kernel(const void *a, const void *b)
{
	const struct kernel_flow *left = a, *right = b;

	return memcmp(left->identity, right->identity, COMPILE_IDENTITY_BYTES);
}

static int compare_kernel_names(const void *a, const void *b)
{
	const struct kernel_flow *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int compare_file_names(const void *a, const void *b)
{
	const struct file_flow *left = a, *right = b;

	return strcmp(left->flow->name, right->flow->name);
}

static void collect_live(struct arena *arena, const struct set *set, struct kernel_flows *flows)
{
	for (size_t i = 0; set && i < set->element_count; i++) {
		struct kernel_flow *flow = &flows->items[flows->count];
		struct span name;

		if (!live_comment_parse(set->elements[i].comment, &name, flow->identity))
			continue;
		flow->name = arena_strndup(arena, name.data, name.length);
		flow->expires_at = set->elements[i].expires_at;
		flows->count++;
	}
}

/* A flow has an element for each pair of interfaces. */
static struct kernel_flows kernel_flows_of(struct arena *arena, const struct ruleset *kernel)
{
	const struct table *table = kernel ? ruleset_table(kernel, FAMILY_INET, "sekisho") : NULL;
	const struct set *live = table ? table_set(table, "live") : NULL, *local = table ? table_set(table, "local-live") : NULL;
	struct kernel_flows flows = { .count = 0 };
	size_t kept = 0;

	flows.items = arena_array(arena, (live ? live->element_count : 0) + (local ? local->element_count : 0) + 1, sizeof(*flows.items));
	collect_live(arena, live, &flows);
	collect_live(arena, local, &flows);
	qsort(flows.items, flows.count, sizeof(*flows.items), compare_kernel);
	for (size_t i = 0; i < flows.count; i++) {
		if (kept == 0 || compare_kernel(&flows.items[kept - 1], &flows.items[i]) != 0)
			flows.items[kept++] = flows.items[i];
	}
	flows.count = kept;
	return flows;
}

static struct kernel_flow *find_kernel(struct comparison *comparison, const uint8_t identity[static COMPILE_IDENTITY_BYTES])
{
	struct kernel_flow wanted;

	memcpy(wanted.identity, identity, COMPILE_IDENTITY_BYTES);
	return bsearch(&wanted, comparison->kernel.items, comparison->kernel.count, sizeof(wanted), compare_kernel);
}

static const struct file_flow *find_name(const struct comparison *comparison, const char *name)
{
	const struct flow named = { .name = name };
	const struct file_flow wanted = { .flow = &named };

	if (comparison->flow_count == 0)
		return NULL;
	return bsearch(&wanted, comparison->by_name, comparison->flow_count, sizeof(wanted), compare_file_names);
}

static void sort_names(struct comparison *comparison)
{
	const struct policy *policy = comparison->generation->policy;

	comparison->flow_count = policy->flow_count;
	comparison->by_name = arena_array(comparison->arena, policy->flow_count, sizeof(*comparison->by_name));
	for (size_t i = 0; i < policy->flow_count; i++)
		comparison->by_name[i] = (struct file_flow){ &policy->flows[i], &comparison->generation->compiled.flow_marks[i] };
	if (comparison->flow_count > 0)
		qsort(comparison->by_name, comparison->flow_count, sizeof(*comparison->by_name), compare_file_names);
}

/* Which contents and names of the kernel the new policy has. */
static void match_kernel(struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->flow_count; i++) {
		const struct file_flow *own = &comparison->by_name[i];
		struct kernel_flow *kernel = own->mark->mark ? find_kernel(comparison, own->mark->identity) : NULL;

		if (!kernel)
			continue;
		kernel->kept = true;
		kernel->named |= strcmp(kernel->name, own->flow->name) == 0;
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

/* By name: the contents that the kernel has and the new policy has not. */
static struct kernel_flows leaving_flows(struct comparison *comparison)
{
	struct kernel_flows leaving = { .items = arena_array(comparison->arena, comparison->kernel.count + 1, sizeof(*leaving.items)) };

	for (size_t i = 0; i < comparison->kernel.count; i++) {
		if (!comparison->kernel.items[i].kept)
			leaving.items[leaving.count++] = comparison->kernel.items[i];
	}
	qsort(leaving.items, leaving.count, sizeof(*leaving.items), compare_kernel_names);
	return leaving;
}

static void add_open_flows(struct comparison *comparison, const struct kernel_flows *leaving)
{
	const struct policy *policy = comparison->generation->policy;

	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];
		const struct flow_mark *mark = &comparison->generation->compiled.flow_marks[i];
		const struct kernel_flow wanted = { .name = flow->name };
		const struct kernel_flow *kernel = mark->mark ? find_kernel(comparison, mark->identity) : NULL;

		if (mark->mark == 0)
			continue;
		if (kernel)
			add_change(comparison, fate_of_kept(kernel, flow), flow, kernel->name);
		else if (bsearch(&wanted, leaving->items, leaving->count, sizeof(wanted), compare_kernel_names))
			add_change(comparison, FATE_CHANGES, flow, flow->name);
		else
			add_change(comparison, FATE_OPENS, flow, NULL);
	}
}

/* What leaves the kernel without a flow of its name that opens. */
static void add_leaving_flows(struct comparison *comparison, const struct kernel_flows *leaving)
{
	for (size_t i = 0; i < leaving->count; i++) {
		const struct kernel_flow *kernel = &leaving->items[i];
		const struct file_flow *own = find_name(comparison, kernel->name);

		if (!own)
			add_change(comparison, FATE_CLOSES, NULL, kernel->name);
		else if (own->mark->mark == 0)
			add_change(comparison, own->flow->expired ? FATE_EXPIRES : FATE_LOSES_INTERFACE, own->flow, kernel->name);
		else if (find_kernel(comparison, own->mark->identity))
			add_change(comparison, FATE_CLOSES, NULL, kernel->name);
	}
}

struct flow_changes flow_changes_of(struct arena *arena, const struct generation *generation, const struct ruleset *kernel)
{
	struct comparison comparison = { .arena = arena, .generation = generation, .kernel = kernel_flows_of(arena, kernel) };
	struct kernel_flows leaving;

	comparison.changes.items = arena_array(arena, generation->policy->flow_count + comparison.kernel.count, sizeof(*comparison.changes.items));
	sort_names(&comparison);
	match_kernel(&comparison);
	leaving = leaving_flows(&comparison);
	add_open_flows(&comparison, &leaving);
	add_leaving_flows(&comparison, &leaving);
	return comparison.changes;
}
