/*
 * resolve: from what was written to what it means. The order of work stands here; the parts are in
 * resolve_*.c.
 */
#include "policy/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/names.h"

const char *resolve_copy(struct resolver *r, const struct text *text)
{
	return text->value ? arena_strdup(r->arena, text->value) : NULL;
}

static void resolve_model(struct resolver *r)
{
	const struct text *model = &r->settings->model;

	r->policy->town = resolve_copy(r, &r->settings->town);
	r->policy->model = MODEL_ALPHA; /* while none is known: a finding says so, and α permits least */
	r->policy->model_at = model->at;
	r->policy->two_person = r->settings->two_person.value;
	if (model->value && model_parse(model->value, &r->policy->model) < 0)
		policy_find(r->findings, POLICY_MODEL_UNKNOWN, model->at, model->value);
}

static void resolve_bypass(struct resolver *r)
{
	const char *word = r->settings->foreign_bypass.value;

	r->policy->removes_bypasses = word && strcmp(word, "remove") == 0;
}

static int compare_ranges(struct addr_ranges a, struct addr_ranges b)
{
	if (a.count != b.count)
		return a.count < b.count ? -1 : 1;
	for (size_t i = 0; i < a.count && a.items != b.items; i++) {
		int order = netaddr_compare(&a.items[i].first, &b.items[i].first);

		if (!order)
			order = netaddr_compare(&a.items[i].last, &b.items[i].last);
		if (order)
			return order;
	}
	return 0;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Orders flows by what they match, not by name, record or line. */
static int compare_contents(const struct flow *a, const struct flow *b)
{
	int order = compare_numbers(a->kind, b->kind);

	if (!order)
		order = compare_numbers(a->from, b->from);
	if (!order)
		order = compare_numbers(a->to, b->to);
	if (!order)
		order = compare_numbers(a->protocol, b->protocol);
	if (!order)
		order = compare_numbers(a->uid, b->uid);
	if (!order)
		order = compare_ranges(a->sources, b->sources);
	if (!order)
		order = compare_ranges(a->destinations, b->destinations);
	if (!order)
		order = compare_numbers(a->port_count, b->port_count);
	for (size_t i = 0; !order && i < a->port_count; i++) {
		order = compare_numbers(a->ports[i].first, b->ports[i].first);
		if (!order)
			order = compare_numbers(a->ports[i].last, b->ports[i].last);
	}
	return order;
}

static int compare_flows(const void *left, const void *right)
{
	const struct flow *a = *(const struct flow *const *)left, *b = *(const struct flow *const *)right;
	int order = compare_contents(a, b);

	return order ? order : (a < b ? -1 : a > b);
}

/* Two flows that match the same: whoever removes one later believes the way is closed. */
static void find_same_contents(struct resolver *r)
{
	size_t count = r->policy->flow_count;
	const struct flow **flows = arena_array(r->scratch, count, sizeof(const struct flow *));

	for (size_t i = 0; i < count; i++)
		flows[i] = &r->flows[i];
	if (count > 1)
		qsort(flows, count, sizeof(const struct flow *), compare_flows);
	for (size_t i = 1; i < count; i++)
		if (compare_contents(flows[i - 1], flows[i]) == 0)
			finding_relate(policy_find(r->findings, POLICY_FLOW_SAME, flows[i]->at,
						   flows[i]->name, flows[i - 1]->name),
				       flows[i - 1]->at);
}

/*
 * Names that nothing refers to. A host with a MAC is of use without that: it is bound. While there are errors it is not known: what refers to a name may
 * be what is wrong.
 */
static void find_unused(struct resolver *r)
{
	if (r->findings->errors > 0)
		return;
	for (size_t i = 0; i < r->end_names.count; i++) {
		const struct name_entry *entry = &r->end_names.entries[i];
		const struct host *host = entry->value == NAME_BROKEN ? NULL : r->ends[entry->value].host;

		if (entry->used || entry->value == NAME_BROKEN || (host && host->mac_count > 0))
			continue;
		policy_find(r->findings, host ? POLICY_HOST_UNUSED : POLICY_NETWORK_UNUSED, entry->at,
			    entry->name);
	}
	for (size_t i = 0; i < r->service_names.count; i++)
		if (!r->service_names.entries[i].used && r->service_names.entries[i].value != NAME_BROKEN)
			policy_find(r->findings, POLICY_SERVICE_UNUSED, r->service_names.entries[i].at,
				    r->service_names.entries[i].name);
}

struct policy *policy_resolve(struct arena *arena, const struct settings *settings,
			      const struct policy_world *world, struct findings *findings)
{
	__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();
	struct resolver r = {
		.arena = arena, .scratch = scratch, .settings = settings, .world = world, .findings = findings,
		.policy = arena_alloc(arena, sizeof(*r.policy)),
	};

	resolve_model(&r);
	resolve_bypass(&r);
	resolve_zones(&r);
	resolve_hosts(&r);
	resolve_services(&r);
	resolve_flows(&r);
	resolve_limits(&r);
	find_same_contents(&r);
	find_unused(&r);
	return r.policy;
}

const struct zone *policy_zone(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->zone_count; i++)
		if (strcmp(policy->zones[i].name, name) == 0)
			return &policy->zones[i];
	return NULL;
}

const struct zone *policy_zone_of_address(const struct policy *policy, const struct netaddr *address)
{
	for (size_t i = 0; i < policy->zone_count; i++)
		if (addr_ranges_contain(policy->zones[i].networks, address))
			return &policy->zones[i];
	return NULL;
}

uint32_t policy_zone_index(const struct policy *policy, const struct zone *zone)
{
	return (uint32_t)(zone - policy->zones);
}

bool policy_pair_rejects(const struct policy *policy, uint32_t from, uint32_t to)
{
	return policy->rejects[from * policy->zone_count + to];
}
