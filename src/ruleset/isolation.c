/* isolation: which zones are cut off now, laid over a ruleset. */
#include "ruleset/isolation.h"

#include <stdlib.h>
#include <string.h>

#include "ruleset/compile.h"
#include "ruleset/overlay.h"

enum { MARK_BYTES = 4, INDEX_BYTES = 4 };	/* both are numbers in network order */

/* An interface of an isolated zone, and by which isolations. */
struct cut {
	uint32_t index;
	const char *zone;
};

/* An overlay in the making. */
struct overlay {
	struct arena *arena;
	const struct isolations *isolations;
	struct cut *cuts;
	size_t cut_count, cut_capacity;
	const struct set *live, *local_live, *life_safety;
};

static uint32_t number_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void number_put(uint8_t *bytes, uint32_t number)
{
	for (size_t i = 0; i < INDEX_BYTES; i++)
		bytes[i] = (uint8_t)(number >> (24 - 8 * i));
}

static bool isolation_means(const struct isolation *isolation, const char *zone)
{
	return strcmp(isolation->zone, zone) == 0 || strcmp(isolation->zone, ISOLATION_EVERY_ZONE) == 0;
}

const struct isolation *isolation_of_zone(const struct isolations *isolations, const char *zone)
{
	for (size_t i = 0; i < isolations->count; i++)
		if (strcmp(isolations->items[i].zone, zone) == 0)
			return &isolations->items[i];
	return NULL;
}

/* ---- numbers */

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* Numbers being collected. */
struct numbers {
	uint32_t *items;
	size_t count, capacity;
};

static void number_add(struct arena *arena, struct numbers *numbers, uint32_t number)
{
	numbers->items = arena_grow(arena, numbers->items, numbers->count, &numbers->capacity, sizeof(*numbers->items));
	numbers->items[numbers->count++] = number;
}

/* Appends the first field of each element. */
static void take_numbers(struct arena *arena, const struct set *set, struct numbers *numbers)
{
	if (!set || set->interval || field_size(set->key.fields[0]) != MARK_BYTES)
		return;
	for (size_t e = 0; e < set->element_count; e++)
		number_add(arena, numbers, number_at(set->elements[e].key));
}

static void settle_numbers(struct numbers *numbers)
{
	const size_t count = numbers->count;

	if (count > 0)
		qsort(numbers->items, count, sizeof(*numbers->items), compare_numbers);
	numbers->count = 0;
	for (size_t i = 0; i < count; i++)
		if (numbers->count == 0 || numbers->items[numbers->count - 1] != numbers->items[i])
			numbers->items[numbers->count++] = numbers->items[i];
}

/* ---- names that are excepted */

/* Each once, sorted. */
struct exceptions {
	struct span *names;
	bool *met;		/* one each: a flow in force has this name */
	size_t count;
};

static int compare_spans(const void *a, const void *b)
{
	const struct span *left = a, *right = b;
	const size_t shorter = left->length < right->length ? left->length : right->length;
	const int order = memcmp(left->data, right->data, shorter);

	return order ? order : (left->length > right->length) - (left->length < right->length);
}

static struct exceptions exceptions_of(struct arena *arena, const struct isolations *isolations)
{
	struct exceptions exceptions = { .count = 0 };
	size_t count = 0, room = 0;

	for (size_t i = 0; i < isolations->count; i++)
		room += isolations->items[i].except_count;
	exceptions.names = arena_array(arena, room, sizeof(*exceptions.names));
	for (size_t i = 0; i < isolations->count; i++)
		for (size_t e = 0; e < isolations->items[i].except_count; e++)
			exceptions.names[count++] = span_of(isolations->items[i].except[e]);
	qsort(exceptions.names, count, sizeof(*exceptions.names), compare_spans);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || !span_equal(exceptions.names[exceptions.count - 1], exceptions.names[i]))
			exceptions.names[exceptions.count++] = exceptions.names[i];
	exceptions.met = arena_array(arena, exceptions.count, sizeof(*exceptions.met));
	return exceptions;
}

/*
 * Which of them an element of a live set has as its flow's name, or count. There are many elements: a comment is looked at as a whole only when it
 * begins as it should.
 */
static size_t exception_of(const struct exceptions *exceptions, const struct element *element)
{
	const char *space = element->comment ? strrchr(element->comment, ' ') : NULL;
	uint8_t identity[COMPILE_IDENTITY_BYTES];
	struct span name;
	const struct span *found;

	if (!space)
		return exceptions->count;
	name = (struct span){ .data = element->comment, .length = (size_t)(space - element->comment) };
	found = bsearch(&name, exceptions->names, exceptions->count, sizeof(*found), compare_spans);
	return found && live_comment_parse(element->comment, &name, identity) ? (size_t)(found - exceptions->names) : exceptions->count;
}

/* ---- which interfaces are cut off */

static bool zone_is_isolated(const struct isolations *isolations, const char *zone)
{
	for (size_t i = 0; i < isolations->count; i++)
		if (isolation_means(&isolations->items[i], zone))
			return true;
	return false;
}

static void cuts_collect(struct overlay *overlay, const struct program_input *pins, const struct link_table *links)
{
	for (size_t z = 0; z < pins->zone_count; z++) {
		const struct program_zone *zone = &pins->zones[z];

		for (size_t i = 0; zone_is_isolated(overlay->isolations, zone->name) && i < zone->interface_count; i++) {
			uint32_t index = link_index(links, zone->interfaces[i]);

			if (index == 0)
				continue;
			overlay->cuts = arena_grow(overlay->arena, overlay->cuts, overlay->cut_count, &overlay->cut_capacity, sizeof(*overlay->cuts));
			overlay->cuts[overlay->cut_count++] = (struct cut){ .index = index, .zone = zone->name };
		}
	}
}

static const struct cut *cut_find(const struct overlay *overlay, uint32_t index)
{
	for (size_t i = 0; i < overlay->cut_count; i++)
		if (overlay->cuts[i].index == index)
			return &overlay->cuts[i];
	return NULL;
}

/* ---- which flows go on */

/* The first element of a live set with this mark or a higher one. */
static size_t mark_seek(const struct set *set, const uint8_t *mark)
{
	size_t low = 0, high = set->element_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(set->elements[middle].key, mark, MARK_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool element_has_mark(const struct set *set, size_t element, const uint8_t *mark)
{
	return element < set->element_count && memcmp(set->elements[element].key, mark, MARK_BYTES) == 0;
}

/* The name of the flow with this mark: the original direction's element has it. An empty span: it has none. */
static struct span name_of_mark(const struct set *set, const uint8_t *mark)
{
	uint8_t identity[COMPILE_IDENTITY_BYTES];
	struct span name;

	for (size_t i = mark_seek(set, mark); element_has_mark(set, i, mark); i++) {
		const char *comment = set->elements[i].comment;

		if (comment && live_comment_parse(comment, &name, identity))
			return name;
	}
	return (struct span){ .length = 0 };
}

static bool isolation_excepts(const struct isolation *isolation, struct span name)
{
	for (size_t i = 0; i < isolation->except_count; i++)
		if (span_equal(span_of(isolation->except[i]), name))
			return true;
	return false;
}

/* The flow was named in every isolation of this zone. */
static bool zone_excepts(const struct overlay *overlay, const char *zone, struct span name)
{
	for (size_t i = 0; i < overlay->isolations->count; i++) {
		const struct isolation *isolation = &overlay->isolations->items[i];

		if (isolation_means(isolation, zone) && !isolation_excepts(isolation, name))
			return false;
	}
	return true;
}

/* Of a live element: it goes into or out of an isolated zone, and may. */
static bool element_is_spared(const struct overlay *overlay, const struct set *set, const struct element *element)
{
	size_t size = key_size(&set->key);
	bool touched = false, excepted = true;
	struct span name = { .length = 0 };

	for (size_t at = MARK_BYTES; at < size; at += INDEX_BYTES) {
		const struct cut *cut = cut_find(overlay, number_at(element->key + at));

		if (!cut)
			continue;
		if (!touched)
			name = name_of_mark(set, element->key);
		touched = true;
		excepted = excepted && name.length > 0 && zone_excepts(overlay, cut->zone, name);
	}
	return touched && (excepted || set_find(overlay->life_safety, element->key));
}

/* ---- the sets */

static void set_fill_isolated(const struct overlay *overlay, struct set *set)
{
	set->elements = arena_array(overlay->arena, overlay->cut_count, sizeof(*set->elements));
	set->element_count = 0;
	for (size_t i = 0; i < overlay->cut_count; i++) {
		uint8_t *key = arena_alloc(overlay->arena, INDEX_BYTES);

		number_put(key, overlay->cuts[i].index);
		set->elements[set->element_count++] = (struct element){ .key = key };
	}
	set_sort(set);
}

/* The marks of flows that may be spared: those of life safety, and those with an excepted name. So not each of a hundred thousand flows is asked. */
static struct numbers marks_collect(const struct overlay *overlay, const struct set *live)
{
	const struct exceptions exceptions = exceptions_of(overlay->arena, overlay->isolations);
	struct numbers marks = { .count = 0 };

	take_numbers(overlay->arena, overlay->life_safety, &marks);
	for (size_t i = 0; exceptions.count > 0 && i < live->element_count; i++)
		if (exception_of(&exceptions, &live->elements[i]) < exceptions.count)
			number_add(overlay->arena, &marks, number_at(live->elements[i].key));
	settle_numbers(&marks);
	return marks;
}

/* Elements keep the order of the live set. */
static void set_fill_spared(const struct overlay *overlay, struct set *set, const struct set *live)
{
	const struct numbers marks = overlay->cut_count > 0 ? marks_collect(overlay, live) : (struct numbers){ .count = 0 };
	size_t capacity = 0;

	set->elements = NULL;
	set->element_count = 0;
	for (size_t m = 0; m < marks.count; m++) {
		uint8_t mark[MARK_BYTES];

		number_put(mark, marks.items[m]);
		for (size_t i = mark_seek(live, mark); element_has_mark(live, i, mark); i++) {
			if (!element_is_spared(overlay, live, &live->elements[i]))
				continue;
			set->elements = arena_grow(overlay->arena, set->elements, set->element_count, &capacity, sizeof(*set->elements));
			set->elements[set->element_count++] = (struct element){ .key = live->elements[i].key };
		}
	}
}

struct ruleset *isolation_apply(struct arena *arena, const struct ruleset *ruleset, const struct program_input *pins, const struct isolations *isolations)
{
	struct overlay overlay = { .arena = arena, .isolations = isolations };
	struct ruleset *copy = overlay_begin(arena, ruleset);
	struct table *table = overlay_table(arena, copy);
	struct set *isolated, *spared, *local_spared;

	if (!table)
		return copy;
	isolated = overlay_set(table, "isolated");
	spared = overlay_set(table, "spared");
	local_spared = overlay_set(table, "local-spared");
	overlay.live = table_set(table, "live");
	overlay.local_live = table_set(table, "local-live");
	overlay.life_safety = table_set(table, "life-safety");
	if (!isolated || !spared || !local_spared || !overlay.live || !overlay.local_live || !overlay.life_safety)
		return copy;
	cuts_collect(&overlay, pins, &ruleset->links);
	set_fill_isolated(&overlay, isolated);
	set_fill_spared(&overlay, spared, overlay.live);
	set_fill_spared(&overlay, local_spared, overlay.local_live);
	return copy;
}

/* Adds to a set what another has; true when that was something. */
static bool set_unite(struct arena *arena, struct set *set, const struct set *other)
{
	struct element *elements = arena_array(arena, set->element_count + other->element_count, sizeof(*elements));
	size_t count = 0;

	for (size_t i = 0; i < set->element_count; i++)
		elements[count++] = set->elements[i];
	for (size_t i = 0; i < other->element_count; i++)
		if (!set_find(set, other->elements[i].key))
			elements[count++] = other->elements[i];
	if (count == set->element_count)
		return false;
	set->elements = elements;
	set->element_count = count;
	set_sort(set);
	return true;
}

/* Of an element of a spared set: it goes through an interface that is cut off. */
static bool element_touches(const struct set *set, const struct element *element, const struct set *isolated)
{
	for (size_t at = MARK_BYTES; at < key_size(&set->key); at += INDEX_BYTES)
		if (set_find(isolated, element->key + at))
			return true;
	return false;
}

/*
 * Leaves in a spared set only what was spared before as well, or goes through no interface that was cut off then: that was open, and stays so. True when
 * something was left out.
 */
static bool spared_keep(struct set *set, const struct set *before, const struct set *isolated_before)
{
	size_t kept = 0, count = set->element_count;

	for (size_t i = 0; i < count; i++)
		if (set_find(before, set->elements[i].key) || !element_touches(set, &set->elements[i], isolated_before))
			set->elements[kept++] = set->elements[i];
	set->element_count = kept;
	return kept < count;
}

bool isolation_only_close(struct arena *arena, struct ruleset *laid, const struct ruleset *before)
{
	static const char *const opening[] = { "spared", "local-spared" };
	const struct table *old = ruleset_table(before, FAMILY_INET, "sekisho");
	struct table *table = overlay_table(arena, laid);
	struct set *isolated = table ? overlay_set(table, "isolated") : NULL;
	const struct set *was = old ? table_set(old, "isolated") : NULL;
	bool withheld;

	if (!isolated || !was)
		return false;
	withheld = set_unite(arena, isolated, was);
	for (size_t i = 0; i < sizeof(opening) / sizeof(opening[0]); i++) {
		struct set *set = overlay_set(table, opening[i]);
		const struct set *other = table_set(old, opening[i]);

		if (set && other)
			withheld |= spared_keep(set, other, was);
	}
	return withheld;
}

/* ---- other zones */

/* True when the interface belongs to a zone that is not isolated. */
static bool interface_is_open(const struct program_input *pins, const char *interface, const struct isolations *isolations)
{
	for (size_t z = 0; z < pins->zone_count; z++)
		for (size_t i = 0; i < pins->zones[z].interface_count; i++)
			if (strcmp(pins->zones[z].interfaces[i], interface) == 0)
				return !zone_is_isolated(isolations, pins->zones[z].name);
	return false;
}

const char *isolation_lost(const struct program_input *before, const struct program_input *after, const struct isolations *isolations)
{
	for (size_t z = 0; z < before->zone_count; z++) {
		const struct program_zone *zone = &before->zones[z];

		for (size_t i = 0; zone_is_isolated(isolations, zone->name) && i < zone->interface_count; i++)
			if (interface_is_open(after, zone->interfaces[i], isolations))
				return zone->name;
	}
	return NULL;
}

/* ---- the effect */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void names_add(struct arena *arena, const struct set *spared, const struct set *live, struct isolation_effect *effect, size_t *capacity)
{
	for (size_t i = 0; i < spared->element_count; i++) {
		struct span name = name_of_mark(live, spared->elements[i].key);

		if (name.length == 0)
			continue;
		effect->keeps = arena_grow(arena, effect->keeps, effect->keep_count, capacity, sizeof(*effect->keeps));
		effect->keeps[effect->keep_count++] = arena_strndup(arena, name.data, name.length);
	}
}

static void names_settle(struct isolation_effect *effect)
{
	size_t kept = 0;

	if (effect->keep_count > 0)
		qsort(effect->keeps, effect->keep_count, sizeof(*effect->keeps), compare_names);
	for (size_t i = 0; i < effect->keep_count; i++)
		if (kept == 0 || strcmp(effect->keeps[kept - 1], effect->keeps[i]) != 0)
			effect->keeps[kept++] = effect->keeps[i];
	effect->keep_count = kept;
}

static void exceptions_meet(const struct exceptions *exceptions, const struct set *live)
{
	for (size_t i = 0; exceptions->count > 0 && i < live->element_count; i++) {
		const size_t met = exception_of(exceptions, &live->elements[i]);

		if (met < exceptions->count)
			exceptions->met[met] = true;
	}
}

static void unknown_collect(struct arena *arena, const struct isolations *isolations, const struct exceptions *exceptions,
			    struct isolation_effect *effect)
{
	size_t capacity = 0;

	for (size_t i = 0; i < isolations->count; i++) {
		for (size_t e = 0; e < isolations->items[i].except_count; e++) {
			const struct span name = span_of(isolations->items[i].except[e]);
			const struct span *found = bsearch(&name, exceptions->names, exceptions->count, sizeof(*found), compare_spans);

			if (exceptions->met[found - exceptions->names])
				continue;
			effect->unknown = arena_grow(arena, effect->unknown, effect->unknown_count, &capacity, sizeof(*effect->unknown));
			effect->unknown[effect->unknown_count++] = name.data;
		}
	}
}

struct isolation_effect isolation_effect_of(struct arena *arena, const struct ruleset *ruleset, const struct isolations *isolations)
{
	const struct table *table = ruleset_table(ruleset, FAMILY_INET, "sekisho");
	const struct set *isolated = table ? table_set(table, "isolated") : NULL, *spared = table ? table_set(table, "spared") : NULL;
	const struct set *local_spared = table ? table_set(table, "local-spared") : NULL;
	const struct set *live = table ? table_set(table, "live") : NULL, *local_live = table ? table_set(table, "local-live") : NULL;
	const struct exceptions exceptions = exceptions_of(arena, isolations);
	struct isolation_effect effect = { .interfaces = isolated ? isolated->element_count : 0 };
	size_t capacity = 0;

	if (!spared || !local_spared || !live || !local_live)
		return effect;
	names_add(arena, spared, live, &effect, &capacity);
	names_add(arena, local_spared, local_live, &effect, &capacity);
	names_settle(&effect);
	exceptions_meet(&exceptions, live);
	exceptions_meet(&exceptions, local_live);
	unknown_collect(arena, isolations, &exceptions, &effect);
	return effect;
}

/* ---- what a ruleset says */

struct isolation_claim isolation_claim_of(struct arena *arena, const struct ruleset *ruleset)
{
	const struct table *table = ruleset ? ruleset_table(ruleset, FAMILY_INET, "sekisho") : NULL;
	struct numbers interfaces = { .count = 0 }, marks = { .count = 0 };

	if (table) {
		take_numbers(arena, table_set(table, "isolated"), &interfaces);
		take_numbers(arena, table_set(table, "spared"), &marks);
		take_numbers(arena, table_set(table, "local-spared"), &marks);
	}
	settle_numbers(&interfaces);
	settle_numbers(&marks);
	return (struct isolation_claim){ .interfaces = interfaces.items, .interface_count = interfaces.count,
					 .marks = marks.items, .mark_count = marks.count };
}
