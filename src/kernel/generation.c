/*
 * generation (世代): file -> settings -> policy -> law -> ruleset -> proof.
 *
 * Users are looked up in /etc/passwd itself and not through NSS: no foreign module and no network is let
 * into the process that decides, and the user of a process on the gateway is a local one.
 */
#include "kernel/generation.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/sandbox.h"
#include "config/reader.h"
#include "kernel/flow_routes.h"
#include "kernel/sysctl.h"
#include "policy/law.h"
#include "policy/limits.h"
#include "ruleset/prove.h"

/* policy_user_lookup by /etc/passwd. */
static int local_user_lookup(void *context, const char *name, uint32_t *ret_uid)
{
	uint32_t gid;

	(void)context;
	return sandbox_user(name, ret_uid, &gid);
}

/* One file: the digest of its bytes, as sha256sum prints it. Several: the digest of their digests, in order. */
static void sources_digest(const struct source *sources, size_t count, uint8_t ret_digest[static DIGEST_BYTES])
{
	__attribute__((cleanup(buf_free))) struct buf digests = buf_limited(0);
	uint8_t digest[DIGEST_BYTES];

	for (size_t i = 0; i < count; i++) {
		digest_bytes(sources[i].text, sources[i].length, digest);
		buf_put(&digests, digest, sizeof(digest));
	}
	if (count == 1)
		memcpy(ret_digest, digest, DIGEST_BYTES);
	else
		digest_bytes(digests.data, digests.length, ret_digest);
}

/* How many connections the kernel's table has room for; 0: not known, as when a file is checked offline, or not asked. */
static uint64_t connections_max(const struct generation_world *world)
{
	int64_t most;

	return !world->offline && !world->policy_only && sysctl_get("netfilter/nf_conntrack_max", &most) == 0 && most > 0 ? (uint64_t)most : 0;
}

static void generation_compile(struct generation *generation, const struct generation_world *world)
{
	struct compile_world compile = { .links = world->links, .now = world->now, .marks = world->marks };

	if (world->offline)
		compile.links = compile_offline_links(generation->making, generation->policy);
	if (ruleset_compile(generation->making, generation->policy, &compile, &generation->findings, &generation->compiled) != 0)
		generation->compiled.ruleset = NULL;
}

/* What was compiled is held against the policy by somebody who knows nothing of how it was made. */
static void generation_prove(struct generation *generation)
{
	__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();
	const struct pins *pins = pins_of_policy(scratch, generation->policy, NULL);
	const struct proof_input input = { .ruleset = generation->compiled.ruleset, .pins = pins, .now = generation->made_at };
	struct proof proof = ruleset_prove(scratch, &input);

	proof_report(&proof, generation->compiled.ruleset, &generation->findings);
}

/* The policy needs nothing of them. */
static void generation_forget_settings(struct generation *generation)
{
	arena_free(generation->written);
	generation->written = NULL;
	generation->settings = NULL;
}

struct generation *generation_load(const char *path, const struct generation_world *world)
{
	struct arena *arena = arena_new();
	struct generation *generation = arena_alloc(arena, sizeof(*generation));
	struct policy_world policy_world = { .now = world->now, .user_lookup = world->offline ? NULL : local_user_lookup };
	struct settings *settings;

	generation->arena = arena;
	generation->written = arena_new();
	generation->making = arena_new();
	generation->findings = findings_in(arena);
	generation->findings.quoted = generation->making;
	generation->made_at = world->now;
	if (settings_read(generation->written, path, &generation->findings, &settings) == 0) {
		generation->settings = settings;
		generation->sources = settings->sources;
		generation->source_count = settings->source_count;
		sources_digest(settings->sources, settings->source_count, generation->digest);
		generation->policy = policy_resolve(arena, settings, &policy_world, &generation->findings);
		law_check(generation->policy, world->now, &generation->findings);
		limits_check(generation->policy, connections_max(world), &generation->findings);
	}
	if (!world->settings)
		generation_forget_settings(generation);
	if (generation->policy && generation->findings.errors == 0 && !world->policy_only)
		generation_compile(generation, world);
	if (generation->compiled.ruleset && world->routes && !world->offline)
		flow_routes_find(generation->making, generation, &world->links, &generation->findings);
	if (generation->compiled.ruleset && world->prove)
		generation_prove(generation);
	if (generation->findings.errors > 0)
		generation->compiled.ruleset = NULL;
	findings_sort(&generation->findings);
	return generation;
}

void generation_settle(struct generation *generation)
{
	for (size_t i = 0; i < generation->source_count; i++)
		source_forget(&generation->sources[i]);
	generation->findings.quoted = generation->arena;
	arena_free(generation->making);
	generation->making = NULL;
	generation_forget_settings(generation);
	generation->compiled = (struct compiled){ .ruleset = NULL };
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	arena_free(generation->written);
	arena_free(generation->making);
	arena_free(generation->arena);
}

void generation_freep(struct generation **generation)
{
	generation_free(*generation);
	*generation = NULL;
}

const struct flow *generation_flow_of_mark(const struct generation *generation, uint32_t mark)
{
	if (!generation->policy || !generation->compiled.flow_marks || mark == 0)
		return NULL;
	for (size_t i = 0; i < generation->policy->flow_count; i++)
		if (generation->compiled.flow_marks[i].mark == mark)
			return &generation->policy->flows[i];
	return NULL;
}

struct program_input *generation_pins(struct arena *arena, const struct policy *policy, const struct link_table *links)
{
	struct program_input *pins = arena_alloc(arena, sizeof(*pins));
	struct program_zone *zones = arena_array(arena, policy->zone_count, sizeof(*zones));

	for (size_t i = 0; i < policy->zone_count; i++) {
		const struct zone *zone = &policy->zones[i];
		const char **interfaces = arena_array(arena, zone->interface_count, sizeof(*interfaces));

		for (size_t j = 0; j < zone->interface_count; j++)
			interfaces[j] = zone->interfaces[j].value;
		zones[i] = (struct program_zone){
			.name = zone->name, .tier = zone->tier, .uplink = zone->uplink,
			.interfaces = interfaces, .interface_count = zone->interface_count,
		};
	}
	*pins = (struct program_input){ .zones = zones, .zone_count = policy->zone_count, .links = links };
	return pins;
}
