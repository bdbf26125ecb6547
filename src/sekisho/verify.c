/* verify: the law, the difference, the routes. */
#include "sekisho/verify.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/conntrack.h"
#include "ruleset/crowding.h"
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

/* True when an end of the flow, which stands at or behind *next among the faults, has no route. */
static bool flow_has_fault(const struct route_faults *faults, const struct flow *flow, size_t *next)
{
	const size_t before = *next;

	while (*next < faults->count && faults->items[*next].flow == flow)
		++*next;
	return *next > before;
}

static void verify_routes(struct context *context, struct verification *verification)
{
	const struct policy *policy = verification->generation->policy;
	size_t next = 0;

	verification->routes = flow_routes_check(context->arena, verification->generation, &verification->live.links, false);
	verification->critical_closed = arena_array(context->arena, policy->flow_count, sizeof(const struct flow *));
	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];
		bool open = verification->generation->compiled.flow_marks[i].mark != 0;
		bool faulty = flow_has_fault(&verification->routes, flow, &next);

		verification->open_flows += open;
		verification->critical_flows += flow->critical;
		if (flow->critical && (!open || faulty))
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
	const struct ruleset *kernel = ruleset_lasting(context->arena, crowding_lift(context->arena, verification->live.snapshot.ruleset), until);
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
	struct proof_input input = { .ruleset = live->snapshot.ruleset, .now = live->read_at, .unreadable = unseen_alien(context, &live->snapshot),
				     .isolation = isolation_claim_of(context->arena, live->snapshot.ruleset) };
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
