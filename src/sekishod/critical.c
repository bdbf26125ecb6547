/* critical: would a new ruleset stop what must not stop? */
#include "sekishod/critical.h"

#include <string.h>

#include "ruleset/compile.h"
#include "sekishod/catalogue.h"

/* The content of an open flow, as the comment of its live element tells it. */
struct open_flow {
	struct span name;
	uint8_t identity[COMPILE_IDENTITY_BYTES];
};

/* Calls visit for each open flow of the ruleset until it returns true; returns that. */
static bool any_open_flow(const struct ruleset *ruleset, bool (*visit)(const void *context, const struct open_flow *flow), const void *context)
{
	static const char *const names[] = { "live", "local-live" };
	const struct table *table = ruleset_table(ruleset, FAMILY_INET, "sekisho");

	for (size_t i = 0; table && i < sizeof(names) / sizeof(names[0]); i++) {
		const struct set *set = table_set(table, names[i]);

		for (size_t e = 0; set && e < set->element_count; e++) {
			struct open_flow flow;

			if (set->elements[e].comment && live_comment_parse(set->elements[e].comment, &flow.name, flow.identity) &&
			    visit(context, &flow))
				return true;
		}
	}
	return false;
}

static bool has_identity(const void *context, const struct open_flow *flow)
{
	return memcmp(context, flow->identity, COMPILE_IDENTITY_BYTES) == 0;
}

/* A critical flow, and whether it stops. */
struct stopping {
	const char *name;
	const struct ruleset *after;
};

static bool stops(const void *context, const struct open_flow *flow)
{
	const struct stopping *stopping = context;

	return flow->name.length == strlen(stopping->name) && memcmp(flow->name.data, stopping->name, flow->name.length) == 0 &&
	       !any_open_flow(stopping->after, has_identity, flow->identity);
}

static bool name_is_listed(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

void critical_check(const struct policy *in_force, const struct ruleset *before, const struct ruleset *after, const char *const *breaks, size_t break_count,
		    const struct source *file, struct findings *findings)
{
	for (size_t i = 0; i < in_force->flow_count; i++) {
		const struct stopping stopping = { in_force->flows[i].name, after };

		if (in_force->flows[i].critical && !name_is_listed(stopping.name, breaks, break_count) && any_open_flow(before, stops, &stopping))
			finding_add(findings, &daemon_catalogue[DAEMON_CRITICAL_STOPS], (struct origin){ .source = file }, stopping.name, NULL);
	}
}
