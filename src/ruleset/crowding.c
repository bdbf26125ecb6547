/* crowding: which pairs of zones hold too many connections, and what a ruleset says of them. */
#include "ruleset/crowding.h"

#include <stdlib.h>
#include <string.h>

#include "ruleset/overlay.h"

enum { INDEX_BYTES = 4, NO_PAIR = UINT32_MAX };

/* A judgement in the making. Pairs are numbered from * zone_count + to. */
struct judging {
	struct arena *arena;
	const struct pins *pins;
	const struct crowding_census *census;
	const struct crowding *before;
	bool *present;		/* by pair: it has maps */
	uint32_t *connections;	/* by pair */
	size_t active;		/* pairs with connections */
	bool strained;
};

/* ---- counting */

static int compare_marks(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* Notes the pair as the owner of every mark that its map gives and that is in the census. */
static void map_note(const struct judging *judging, const struct set *map, uint32_t pair, uint32_t *owners)
{
	const struct crowding_census *census = judging->census;

	for (size_t i = 0; census->count > 0 && i < map->element_count; i++) {
		const uint32_t *found = bsearch(&map->elements[i].mark, census->marks, census->count, sizeof(*found), compare_marks);

		if (found)
			owners[found - census->marks] = pair;
	}
}

static void pairs_count(struct judging *judging, const struct ruleset *ruleset)
{
	const struct table *table = ruleset_table(ruleset, FAMILY_INET, "sekisho");
	const struct crowding_census *census = judging->census;
	uint32_t *owners = arena_array(judging->arena, census->count, sizeof(*owners));

	for (size_t i = 0; i < census->count; i++)
		owners[i] = NO_PAIR;
	for (size_t i = 0; table && i < table->set_count; i++) {
		uint32_t from, to, pair;

		if (table->sets[i].data != SET_DATA_MARK || !program_pair_of_name(&judging->pins->program, table->sets[i].name, &from, &to))
			continue;
		pair = from * (uint32_t)judging->pins->program.zone_count + to;
		judging->present[pair] = true;
		map_note(judging, &table->sets[i], pair, owners);
	}
	for (size_t i = 0; i < census->count; i++)
		if (owners[i] != NO_PAIR)
			judging->connections[owners[i]] += (uint32_t)census->connections[i];
}

/* ---- limits */

static bool table_is_strained(const struct crowding_census *census, const struct crowding *before)
{
	const uint64_t percent = before && before->strained ? CROWDING_RELIEF_PERCENT : CROWDING_STRAIN_PERCENT;

	return census->entries_max != 0 && (uint64_t)census->entries * 100 >= census->entries_max * percent;
}

static uint32_t strain_of(uint32_t entries_max)
{
	return (uint32_t)((uint64_t)entries_max * CROWDING_STRAIN_PERCENT / 100);
}

/* What a pair without a limit of its own may hold while the table is strained; also a pair that is alone leaves the rest to what must not stop. */
static uint32_t share_of(const struct judging *judging)
{
	const uint32_t most = strain_of(judging->census->entries_max);
	const uint32_t share = judging->active > 0 ? judging->census->entries_max / (uint32_t)judging->active : most;

	return share < most ? share : most;
}

static uint32_t limit_of(const struct judging *judging, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < judging->pins->limit_count; i++)
		if (judging->pins->limits[i].from == from && judging->pins->limits[i].to == to)
			return judging->pins->limits[i].connections;
	return judging->strained ? share_of(judging) : UINT32_MAX;
}

static bool load_is_crowded(const struct pair_load *load, bool before)
{
	const uint32_t slack = load->limit / CROWDING_SLACK > 0 ? load->limit / CROWDING_SLACK : 1;

	if (load->limit == UINT32_MAX)
		return false;
	return load->connections >= load->limit || (before && load->connections > load->limit - slack);
}

static struct pair_load load_of(const struct judging *judging, uint32_t from, uint32_t to)
{
	const struct program_input *program = &judging->pins->program;
	struct pair_load load = {
		.from = arena_strdup(judging->arena, program->zones[from].name),
		.to = arena_strdup(judging->arena, program->zones[to].name),
		.connections = judging->connections[from * program->zone_count + to],
		.limit = limit_of(judging, from, to),
	};
	const struct pair_load *before = judging->before ? crowding_pair(judging->before, load.from, load.to) : NULL;

	load.crowded = load_is_crowded(&load, before && before->crowded);
	return load;
}

struct crowding crowding_judge(struct arena *arena, const struct ruleset *ruleset, const struct pins *pins, const struct crowding_census *census,
			       const struct crowding *before)
{
	const size_t zones = pins->program.zone_count, pairs = zones * zones;
	struct judging judging = {
		.arena = arena, .pins = pins, .census = census, .before = before, .present = arena_array(arena, pairs, sizeof(bool)),
		.connections = arena_array(arena, pairs, sizeof(uint32_t)), .strained = table_is_strained(census, before),
	};
	struct pair_load *loads = arena_array(arena, pairs, sizeof(*loads));
	size_t count = 0;

	pairs_count(&judging, ruleset);
	for (size_t i = 0; i < pairs; i++)
		judging.active += judging.connections[i] > 0;
	for (size_t i = 0; i < pairs; i++)
		if (judging.present[i])
			loads[count++] = load_of(&judging, (uint32_t)(i / zones), (uint32_t)(i % zones));
	return (struct crowding){ .pairs = loads, .count = count, .strained = judging.strained };
}

bool crowding_strains(uint32_t entries, uint32_t entries_max)
{
	const struct crowding_census census = { .entries = entries, .entries_max = entries_max };

	return table_is_strained(&census, NULL);
}

uint32_t crowding_entries_min(const struct pins *pins, uint32_t entries_max)
{
	uint32_t least = entries_max != 0 ? strain_of(entries_max) : UINT32_MAX;

	for (size_t i = 0; i < pins->limit_count; i++)
		if (pins->limits[i].connections < least)
			least = pins->limits[i].connections;
	return least;
}

uint32_t crowding_room(const struct crowding *crowding)
{
	uint32_t room = UINT32_MAX;

	for (size_t i = 0; i < crowding->count; i++) {
		const struct pair_load *load = &crowding->pairs[i];

		if (!load->crowded && load->limit != UINT32_MAX && load->limit - load->connections < room)
			room = load->limit - load->connections;
	}
	return room;
}

const struct pair_load *crowding_pair(const struct crowding *crowding, const char *from, const char *to)
{
	for (size_t i = 0; i < crowding->count; i++)
		if (strcmp(crowding->pairs[i].from, from) == 0 && strcmp(crowding->pairs[i].to, to) == 0)
			return &crowding->pairs[i];
	return NULL;
}

/* ---- the set */

static const struct program_zone *zone_of(const struct program_input *zones, const char *name)
{
	for (size_t i = 0; i < zones->zone_count; i++)
		if (strcmp(zones->zones[i].name, name) == 0)
			return &zones->zones[i];
	return NULL;
}

static void number_put(uint8_t *bytes, uint32_t number)
{
	for (size_t i = 0; i < INDEX_BYTES; i++)
		bytes[i] = (uint8_t)(number >> (24 - 8 * i));
}

static void set_add(struct arena *arena, struct set *set, size_t *capacity, uint32_t iif, uint32_t oif)
{
	uint8_t *key = arena_alloc(arena, 2 * INDEX_BYTES);

	number_put(key, iif);
	number_put(key + INDEX_BYTES, oif);
	set->elements = arena_grow(arena, set->elements, set->element_count, capacity, sizeof(*set->elements));
	set->elements[set->element_count++] = (struct element){ .key = key };
}

/* Every interface of the one zone to every one of the other. */
static void set_add_pair(struct arena *arena, struct set *set, size_t *capacity, const struct link_table *links, const struct program_zone *from,
			 const struct program_zone *to)
{
	for (size_t i = 0; i < from->interface_count * to->interface_count; i++) {
		const uint32_t iif = link_index(links, from->interfaces[i / to->interface_count]);
		const uint32_t oif = link_index(links, to->interfaces[i % to->interface_count]);

		if (iif != 0 && oif != 0)
			set_add(arena, set, capacity, iif, oif);
	}
}

struct ruleset *crowding_apply(struct arena *arena, const struct ruleset *ruleset, const struct program_input *zones, const struct crowding *crowding)
{
	struct ruleset *copy = overlay_begin(arena, ruleset);
	struct table *table = overlay_table(arena, copy);
	struct set *set = table ? overlay_set(table, PROGRAM_CROWDED_SET) : NULL;
	size_t capacity = 0;

	if (!set)
		return copy;
	set->elements = NULL;
	set->element_count = 0;
	for (size_t i = 0; i < crowding->count; i++) {
		const struct program_zone *from = zone_of(zones, crowding->pairs[i].from), *to = zone_of(zones, crowding->pairs[i].to);

		if (crowding->pairs[i].crowded && from && to)
			set_add_pair(arena, set, &capacity, &ruleset->links, from, to);
	}
	set_sort(set);
	return copy;
}

const struct ruleset *crowding_lift(struct arena *arena, const struct ruleset *ruleset)
{
	static const struct program_input no_zones;
	static const struct crowding nobody;

	return ruleset ? crowding_apply(arena, ruleset, &no_zones, &nobody) : NULL;
}

static const struct set *crowded_set(const struct ruleset *ruleset)
{
	const struct table *table = ruleset_table(ruleset, FAMILY_INET, "sekisho");

	return table ? table_set(table, PROGRAM_CROWDED_SET) : NULL;
}

bool crowding_same(const struct ruleset *a, const struct ruleset *b)
{
	const struct set *left = crowded_set(a), *right = crowded_set(b);

	if (!left || !right)
		return left == right;
	if (left->element_count != right->element_count)
		return false;
	for (size_t i = 0; i < left->element_count; i++)
		if (!element_equal(left, &left->elements[i], &right->elements[i]))
			return false;
	return true;
}
