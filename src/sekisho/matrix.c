/* matrix: who may begin to talk to whom. */
#include "sekisho/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "policy/law.h"
#include "ruleset/marks.h"

static struct matrix matrix_make(struct arena *arena, const struct policy *policy)
{
	struct matrix matrix = { .arena = arena, .policy = policy, .size = policy->zone_count + 1 };

	matrix.cells = arena_array(arena, matrix.size * matrix.size, sizeof(*matrix.cells));
	for (size_t from = 0; from < policy->zone_count; from++) {
		for (size_t to = 0; to < policy->zone_count; to++)
			matrix.cells[from * matrix.size + to].never = !law_tiers_may_meet(policy->zones[from].tier, policy->zones[to].tier);
	}
	return matrix;
}

static void matrix_count(struct matrix *matrix, size_t from, size_t to, size_t kind)
{
	struct matrix_cell *cell = &matrix->cells[from * matrix->size + to];

	cell->counts[kind]++;
	cell->total++;
}

static size_t flow_matrix_kind(const struct flow *flow)
{
	if (flow->kind == FLOW_FORWARD)
		return flow->method;
	return flow->kind == FLOW_LOCAL ? MATRIX_SERVICE : MATRIX_EGRESS;
}

struct matrix matrix_of_file(struct arena *arena, const struct generation *generation)
{
	const struct policy *policy = generation->policy;
	struct matrix matrix = matrix_make(arena, policy);

	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];

		if (generation->compiled.flow_marks[i].mark != 0)
			matrix_count(&matrix, flow->kind == FLOW_EGRESS ? policy->zone_count : flow->from,
				     flow->kind == FLOW_LOCAL ? policy->zone_count : flow->to, flow_matrix_kind(flow));
	}
	return matrix;
}

/* ---- from the kernel */

/* A mark that something gives, or that is alive, on the way from one zone to another. */
struct way {
	uint32_t from, to, mark;
};

struct ways {
	struct way *items;
	size_t count, capacity;
};

/* Which zone an interface of the kernel belongs to. */
struct member {
	uint32_t index, zone;
};

struct survey {
	struct matrix matrix;
	const struct table *table;
	int64_t now;
	struct member *members;
	size_t member_count;
	struct ways alive, given;
};

static uint32_t read_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int compare_ways(const void *a, const void *b)
{
	const struct way *left = a, *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	if (left->to != right->to)
		return left->to < right->to ? -1 : 1;
	return (left->mark > right->mark) - (left->mark < right->mark);
}

static void add_way(struct survey *survey, struct ways *ways, size_t from, size_t to, uint32_t mark)
{
	ways->items = arena_grow(survey->matrix.arena, ways->items, ways->count, &ways->capacity, sizeof(*ways->items));
	ways->items[ways->count++] = (struct way){ .from = (uint32_t)from, .to = (uint32_t)to, .mark = mark };
}

static void sort_ways(struct ways *ways)
{
	size_t kept = 0;

	if (ways->count > 0)
		qsort(ways->items, ways->count, sizeof(*ways->items), compare_ways);
	for (size_t i = 0; i < ways->count; i++) {
		if (kept == 0 || compare_ways(&ways->items[kept - 1], &ways->items[i]) != 0)
			ways->items[kept++] = ways->items[i];
	}
	ways->count = kept;
}

static void find_members(struct survey *survey, const struct link_table *links)
{
	const struct policy *policy = survey->matrix.policy;

	survey->members = arena_array(survey->matrix.arena, POLICY_INTERFACES_MAX, sizeof(*survey->members));
	for (size_t i = 0; i < policy->zone_count; i++) {
		for (size_t j = 0; j < policy->zones[i].interface_count && survey->member_count < POLICY_INTERFACES_MAX; j++) {
			uint32_t index = link_index(links, policy->zones[i].interfaces[j].value);

			if (index != 0)
				survey->members[survey->member_count++] = (struct member){ .index = index, .zone = (uint32_t)i };
		}
	}
}

static bool zone_of_interface(const struct survey *survey, uint32_t index, size_t *ret_zone)
{
	for (size_t i = 0; i < survey->member_count; i++) {
		if (survey->members[i].index == index) {
			*ret_zone = survey->members[i].zone;
			return true;
		}
	}
	return false;
}

static bool is_there(const struct survey *survey, const struct element *element)
{
	return element->expires_at == 0 || element->expires_at > survey->now;
}

/*
 * True when @pairs leads a new connection between the interfaces to a chain. The key: nfproto, direction, iif,
 * oif.
 */
static bool is_dispatched(const struct survey *survey, const uint8_t *interfaces)
{
	static const uint8_t nfprotos[] = { NFPROTO_V4, NFPROTO_V6 };
	const struct set *pairs = table_set(survey->table, "pairs");
	uint8_t key[16] = { [4] = DIRECTION_ORIGINAL };

	memcpy(key + 8, interfaces, 8);
	for (size_t i = 0; pairs && key_size(&pairs->key) == sizeof(key) && i < sizeof(nfprotos); i++) {
		key[0] = nfprotos[i];
		if (set_find(pairs, key))
			return true;
	}
	return false;
}

/* The key of @live: mark, iif, oif. */
static void survey_live(struct survey *survey)
{
	const struct set *live = table_set(survey->table, "live");

	for (size_t i = 0; live && key_size(&live->key) == 12 && i < live->element_count; i++) {
		const struct element *element = &live->elements[i];
		size_t from, to;

		if (is_there(survey, element) && zone_of_interface(survey, read_u32(element->key + 4), &from) &&
		    zone_of_interface(survey, read_u32(element->key + 8), &to) && is_dispatched(survey, element->key + 4))
			add_way(survey, &survey->alive, from, to, live_mark(element));
	}
}

/* The key of local-live: mark, interface. It serves both directions. */
static void survey_local_live(struct survey *survey)
{
	const struct set *live = table_set(survey->table, "local-live");
	size_t gateway = survey->matrix.policy->zone_count, zone;

	for (size_t i = 0; live && key_size(&live->key) == 8 && i < live->element_count; i++) {
		const struct element *element = &live->elements[i];

		if (!is_there(survey, element) || !zone_of_interface(survey, read_u32(element->key + 4), &zone))
			continue;
		add_way(survey, &survey->alive, zone, gateway, live_mark(element));
		add_way(survey, &survey->alive, gateway, zone, live_mark(element));
	}
}

/*
 * Maps of the gateway's own flows name the interface: at once for what comes in, behind the user for what goes
 * out.
 */
static void survey_local_map(struct survey *survey, const struct set *map)
{
	bool out = map->key.fields[0] == FIELD_SKUID;
	size_t gateway = survey->matrix.policy->zone_count, zone;

	for (size_t i = 0; i < map->element_count; i++) {
		const struct element *element = &map->elements[i];

		if (!is_there(survey, element) || !zone_of_interface(survey, read_u32(element->key + (out ? 4 : 0)), &zone))
			continue;
		add_way(survey, &survey->given, out ? gateway : zone, out ? zone : gateway, element->mark);
	}
}

static void survey_maps(struct survey *survey)
{
	static const char local[] = "local.";
	const struct program_input *zones = generation_pins(survey->matrix.arena, survey->matrix.policy, NULL);

	for (size_t i = 0; i < survey->table->set_count; i++) {
		const struct set *map = &survey->table->sets[i];
		uint32_t from, to;

		if (map->data != SET_DATA_MARK)
			continue;
		if (strncmp(map->name, local, sizeof(local) - 1) == 0) {
			survey_local_map(survey, map);
			continue;
		}
		if (!program_pair_of_name(zones, map->name, &from, &to)) {
			survey->matrix.stranger = map->name;
			continue;
		}
		for (size_t j = 0; j < map->element_count; j++)
			add_way(survey, &survey->given, from, to, map->elements[j].mark);
	}
}

/* The kinds of the file's flows, by the marks the kernel gave them. */
struct known_mark {
	uint32_t mark;
	size_t kind;
};

static int compare_known(const void *a, const void *b)
{
	const struct known_mark *left = a, *right = b;

	return (left->mark > right->mark) - (left->mark < right->mark);
}

static struct known_mark *known_marks(struct arena *arena, const struct generation *generation, const struct ruleset *kernel, size_t *ret_count)
{
	struct mark_book book = mark_book_of(arena, kernel, NULL, 0);
	struct known_mark *known = arena_array(arena, generation->policy->flow_count, sizeof(*known));
	size_t count = 0;

	for (size_t i = 0; i < generation->policy->flow_count; i++) {
		const struct mark_entry *entry = mark_book_find(&book, generation->compiled.flow_marks[i].identity);

		if (entry)
			known[count++] = (struct known_mark){ .mark = entry->mark, .kind = flow_matrix_kind(&generation->policy->flows[i]) };
	}
	if (count > 0)
		qsort(known, count, sizeof(*known), compare_known);
	*ret_count = count;
	return known;
}

static void count_ways(struct survey *survey, const struct known_mark *known, size_t known_count)
{
	for (size_t i = 0; i < survey->given.count; i++) {
		const struct way *way = &survey->given.items[i];
		struct known_mark wanted = { .mark = way->mark };
		const struct known_mark *found;

		if (survey->alive.count == 0 ||
		    !bsearch(way, survey->alive.items, survey->alive.count, sizeof(*way), compare_ways))
			continue;
		found = known_count ? bsearch(&wanted, known, known_count, sizeof(*known), compare_known) : NULL;
		matrix_count(&survey->matrix, way->from, way->to, found ? found->kind : MATRIX_UNKNOWN);
	}
}

struct matrix matrix_of_kernel(struct arena *arena, const struct generation *generation, const struct ruleset *kernel, int64_t now)
{
	struct survey survey = { .matrix = matrix_make(arena, generation->policy), .now = now };
	struct known_mark *known;
	size_t known_count;

	survey.table = kernel ? ruleset_table(kernel, FAMILY_INET, "sekisho") : NULL;
	if (!survey.table)
		return survey.matrix;
	find_members(&survey, &kernel->links);
	survey_live(&survey);
	survey_local_live(&survey);
	survey_maps(&survey);
	sort_ways(&survey.alive);
	sort_ways(&survey.given);
	known = known_marks(arena, generation, kernel, &known_count);
	count_ways(&survey, known, known_count);
	return survey.matrix;
}
