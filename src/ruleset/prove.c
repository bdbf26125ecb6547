/* prove: the order of things. */
#include "ruleset/prove.h"

#include <stdlib.h>
#include <string.h>

#include "ruleset/prove_parts.h"

/* ---- what is known of zones */

static void take_interfaces(struct prover *prover)
{
	const struct program_input *program = &prover->input->pins->program;
	const struct link_table *links = &prover->input->ruleset->links;

	prover->loopback = space_interface(&prover->space, link_index(links, "lo"));
	for (size_t i = 0; i < prover->input->isolation.interface_count; i++)
		codes_add(&prover->isolated, space_interface(&prover->space, prover->input->isolation.interfaces[i]));
	prover->outside = codes_between(CODE_OTHER, prover->space.interface_count + 1);
	for (size_t code = 0; code < SPACE_CODES_MAX; code++)
		prover->zone_of[code] = PROVE_NO_ZONE;
	for (uint32_t zone = 0; zone < program->zone_count; zone++) {
		for (size_t i = 0; i < program->zones[zone].interface_count; i++) {
			uint32_t index = link_index(links, program->zones[zone].interfaces[i]);

			if (index == 0)
				continue;
			codes_add(&prover->zone_interfaces[zone], space_interface(&prover->space, index));
			prover->zone_of[space_interface(&prover->space, index)] = zone;
		}
		codes_drop(&prover->outside, &prover->zone_interfaces[zone]);
	}
}

static void take_next_hops(struct prover *prover)
{
	const struct pins *pins = prover->input->pins;

	for (size_t zone = 0; zone < pins->program.zone_count; zone++)
		for (size_t i = 0; i < prover->space.hop_count; i++)
			if (addr_ranges_contain(pins->zones[zone].next_hops, &prover->space.hops[i]))
				codes_add(&prover->zone_hops[zone], i + 2);
}

/* The networks of each zone as numbers, zone by zone. They are canonical, so each family's are sorted. */
static void take_networks(struct prover *prover, size_t family)
{
	const struct pins *pins = prover->input->pins;
	size_t count = 0;

	for (size_t zone = 0; zone < pins->program.zone_count; zone++)
		count += pins->zones[zone].networks.count;
	prover->networks[family] = arena_array(prover->arena, count, sizeof(*prover->networks[family]));
	prover->network_begins[family] = arena_array(prover->arena, pins->program.zone_count + 1, sizeof(*prover->network_begins[family]));
	count = 0;
	for (size_t zone = 0; zone < pins->program.zone_count; zone++) {
		const struct addr_ranges *networks = &pins->zones[zone].networks;

		for (size_t i = 0; i < networks->count; i++)
			if ((networks->items[i].first.family == 6) == (family == 1))
				prover->networks[family][count++] = (struct extent){ wide_of_address(&networks->items[i].first),
										     wide_of_address(&networks->items[i].last) };
		prover->network_begins[family][zone + 1] = count;
	}
}

/* ---- the walks */

static void take_gift(void *context, const struct mark_gift *gift)
{
	givers_take(context, gift);
}

static void let_go(void *context, struct path *path)
{
	(void)context;
	(void)path;
}

struct hook_walk {
	struct prover *prover;
	enum hook_point hook;
};

static void judge_ended(void *context, struct path *path)
{
	const struct hook_walk *walk = context;

	judge_end(walk->prover, walk->hook, path);
}

static struct path path_at_hook(const struct prover *prover, enum hook_point hook)
{
	struct path path = { .until = INT64_MAX };

	path.region = region_at_hook(&prover->space, prover->family, hook);
	return path;
}

static uint32_t all_lines(void)
{
	return ((uint32_t)1 << PROOF_LINE_COUNT) - 1;
}

/* Every rule that gives a mark, at whatever hook. */
static void walk_for_marks(struct prover *prover)
{
	static const enum hook_point hooks[] = { HOOK_PREROUTING, HOOK_FORWARD, HOOK_INPUT, HOOK_OUTPUT, HOOK_OTHER };
	const struct walk_sink sink = { .ended = let_go, .gave = take_gift, .context = prover };

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		const struct path start = path_at_hook(prover, hooks[i]);

		prover->hook = hooks[i];
		if (!walk_hook(prover->walker, hooks[i], NULL, &start, &sink))
			lines_doubt(prover, all_lines(), PROOF_TOO_COMPLEX);
	}
	givers_close(prover);
}

static void walk_and_judge(struct prover *prover, enum hook_point hook, const char *device, const struct path *start, uint32_t lines)
{
	struct hook_walk walk = { prover, hook };
	const struct walk_sink sink = { .ended = judge_ended, .context = &walk };

	if (!walk_hook(prover->walker, hook, device, start, &sink))
		lines_doubt(prover, lines, PROOF_TOO_COMPLEX);
}

uint64_t prove_work_max(const struct proof_input *input)
{
	uint64_t items = input->carried_count;

	for (size_t t = 0; t < input->ruleset->table_count; t++)
		for (size_t s = 0; s < input->ruleset->tables[t].set_count; s++)
			items += input->ruleset->tables[t].sets[s].element_count;
	if (items > (PROVE_WORK_MAX - PROVE_WORK_LEAST) / PROVE_WORK_PER_ITEM)
		return PROVE_WORK_MAX;
	return PROVE_WORK_LEAST + items * PROVE_WORK_PER_ITEM;
}

static void begin_family(struct prover *prover, uint8_t family)
{
	prover->family = family;
	prover->atoms = (struct atoms){ .arena = prover->arena, .space = &prover->space, .family = family, .now = prover->input->now,
					.work = &prover->proof->work, .work_max = prover->work_max };
	prover->walker = walker_make(&prover->atoms, prover->input->ruleset);
	prover->givers = (struct givers){ .count = 0 };
}

/* The ingress of an interface; false when it is not there. */
static bool path_at_ingress(const struct prover *prover, const char *interface, struct path *ret_path)
{
	const uint32_t index = link_index(&prover->input->ruleset->links, interface);

	if (index == 0)
		return false;
	*ret_path = path_at_hook(prover, HOOK_INGRESS);
	ret_path->region.codes[CODE_IIF] = codes_one(space_interface(&prover->space, index));
	return true;
}

static void prove_packets(struct prover *prover, uint8_t family)
{
	static const enum hook_point hooks[] = { HOOK_FORWARD, HOOK_INPUT, HOOK_OUTPUT };

	begin_family(prover, family);
	walk_for_marks(prover);
	sources_walk(prover);
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		const struct path start = path_at_hook(prover, hooks[i]);

		if (prover->input->half == PROOF_BACK && hooks[i] != HOOK_FORWARD)
			continue;
		walk_and_judge(prover, hooks[i], NULL, &start, all_lines() & ~line_bit(PROOF_FRAMES) & ~line_bit(PROOF_BRIDGE));
	}
}

/*
 * What enters by the interfaces of zones, or is answered there. A frame with a VLAN tag is of the family that it carries behind the tag: the kernel has taken
 * it off by then, and shows it to who reads the Ethernet header alone.
 */
static void prove_frames(struct prover *prover, uint8_t family)
{
	const struct program_input *program = &prover->input->pins->program;

	begin_family(prover, family);
	for (size_t zone = 0; zone < program->zone_count; zone++) {
		for (size_t i = 0; i < program->zones[zone].interface_count; i++) {
			const char *name = program->zones[zone].interfaces[i];
			struct path start;

			if (path_at_ingress(prover, name, &start))
				walk_and_judge(prover, HOOK_INGRESS, name, &start, line_bit(PROOF_FRAMES) | line_bit(PROOF_SILENCE));
		}
	}
}

/* What goes from port to port of a bridge. */
static void prove_bridges(struct prover *prover, uint8_t family)
{
	struct path start;

	begin_family(prover, family);
	start = path_at_hook(prover, HOOK_BRIDGE);
	walk_and_judge(prover, HOOK_BRIDGE, NULL, &start, line_bit(PROOF_BRIDGE));
}

/* ---- the chain of processes */

/* A packet of a region that the gateway hears or says first, with ports. */
static bool chain_end(struct prover *prover, enum tier tier, bool in, struct packet *ret_packet)
{
	const struct view view = { .hook = in ? HOOK_INPUT : HOOK_OUTPUT };
	const struct program_input *program = &prover->input->pins->program;
	const struct codes ported = protocols_with_ports(), beginning = codes_one(STATE_NEW);
	const uint8_t family = in ? prover->heard_family[tier] : prover->speaks_family[tier];
	struct region region = in ? prover->heard_region[tier] : prover->speaks_region[tier];
	struct codes interfaces = { { 0 } };
	struct breach breach;
	struct path path;

	for (size_t zone = 0; zone < program->zone_count; zone++)
		for (size_t i = 0; program->zones[zone].tier == tier && i < SPACE_WORDS; i++)
			interfaces.words[i] |= prover->zone_interfaces[zone].words[i];
	codes_keep(&region.codes[in ? CODE_IIF : CODE_OIF], &interfaces);
	codes_keep(&region.codes[CODE_PROTOCOL], &ported);
	if (codes_meet(&region.codes[CODE_STATE], &beginning))
		codes_keep(&region.codes[CODE_STATE], &beginning);
	path_begin(&path, &region);
	if (region_is_empty(&region) || !breach_confirm(prover, family, &view, &path, prover->input->now, PROVE_ATTEMPTS_MAX, &breach))
		return false;
	*ret_packet = breach.packet;
	return true;
}

static void prove_chain(struct prover *prover, enum tier first, enum tier last)
{
	struct proof_result *result = &prover->proof->lines[PROOF_CHAIN];
	struct breach breach = { .hook = HOOK_INPUT, .at = prover->input->now };

	if (!prover->heard[first] || !prover->speaks[last])
		return;
	if (chain_end(prover, first, true, &breach.packet) && chain_end(prover, last, false, &breach.second))
		*result = (struct proof_result){ .state = PROOF_BROKEN, .breach = breach };
	else
		line_doubt(prover, PROOF_CHAIN, PROOF_UNCONFIRMED);
}

/* ---- what was not understood */

/* The first thing of the ruleset that is not of our kind, or NULL. In the arena. */
static const char *table_alien(struct arena *arena, const struct table *table)
{
	for (size_t s = 0; s < table->set_count; s++)
		if (key_field_count(&table->sets[s].key) == 0)
			return arena_printf(arena, "set %s", table->sets[s].name);
	for (size_t c = 0; c < table->chain_count; c++) {
		const struct chain *chain = &table->chains[c];

		if (chain->hook.base && chain->hook.policy == VERDICT_NONE)
			return arena_printf(arena, "chain %s", chain->name);
		for (size_t r = 0; r < chain->rule_count; r++)
			if (chain->rules[r].alien)
				return arena_printf(arena, "chain %s rule %zu: %s", chain->name, r + 1,
						    chain->rules[r].comment ? chain->rules[r].comment : "?");
	}
	return NULL;
}

static const char *find_alien(struct arena *arena, const struct proof_input *input)
{
	const char *found = input->unreadable ? arena_strdup(arena, input->unreadable) : NULL;

	for (size_t t = 0; t < input->ruleset->table_count && !found; t++)
		if (!input->ruleset->tables[t].dormant)
			found = table_alien(arena, &input->ruleset->tables[t]);
	return found;
}

static void prove_all(struct prover *prover)
{
	static const uint8_t families[] = { 0, 4, 6 };
	const size_t zones = prover->input->pins->program.zone_count;

	prover->space = space_build(prover->arena, prover->input->ruleset, prover->input->pins);
	if (prover->space.too_large) {
		lines_doubt(prover, all_lines(), PROOF_TOO_COMPLEX);
		return;
	}
	prover->grants = grants_index(prover->arena, prover->input->pins, prover->input->now);
	prover->zone_interfaces = arena_array(prover->arena, zones, sizeof(*prover->zone_interfaces));
	prover->zone_hops = arena_array(prover->arena, zones, sizeof(*prover->zone_hops));
	take_interfaces(prover);
	take_next_hops(prover);
	take_networks(prover, 0);
	take_networks(prover, 1);
	prove_packets(prover, 4);
	prove_packets(prover, 6);
	if (prover->input->half == PROOF_BACK)
		return;
	for (size_t i = 0; i < sizeof(families); i++) {
		prove_frames(prover, families[i]);
		prove_bridges(prover, families[i]);
	}
	prove_chain(prover, TIER_MYNUMBER, TIER_INTERNET);
	prove_chain(prover, TIER_INTERNET, TIER_MYNUMBER);
}

struct proof ruleset_prove(struct arena *arena, const struct proof_input *input)
{
	struct proof proof = { .holds = true };
	struct prover *prover;
	struct arena *scratch = arena_new();

	prover = arena_alloc(scratch, sizeof(*prover));
	prover->arena = scratch;
	prover->input = input;
	prover->proof = &proof;
	prover->open = all_lines();
	prover->work_max = input->work_max ? input->work_max : prove_work_max(input);
	prover->tcp_flags = tcp_valid_flags();
	prover->untranslated = status_untranslated();
	prove_all(prover);
	proof.unreadable = find_alien(arena, input);
	if (proof.unreadable)
		lines_doubt(prover, all_lines(), PROOF_UNREADABLE);
	for (size_t i = 0; i < PROOF_LINE_COUNT; i++)
		proof.holds &= proof.lines[i].state == PROOF_HOLDS;
	arena_free(scratch);
	return proof;
}
