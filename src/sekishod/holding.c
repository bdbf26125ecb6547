/* holding: what the enforcer installed last, and whether the kernel is known to hold it still. */
#include "sekishod/holding.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ruleset/blocks.h"
#include "ruleset/overlay.h"
#include "ruleset/pack.h"
#include "wire/frame.h"

/* Unix time less the time the kernel counts an element's timeout by. It moves only when somebody sets the clock. */
static int64_t clock_now(void)
{
	struct timespec since_boot;

	clock_gettime(CLOCK_MONOTONIC, &since_boot);
	return (int64_t)time(NULL) - (int64_t)since_boot.tv_sec;
}

/* ---- what is laid over the base */

/* The elements of a table that the base's has not. */
static size_t elements_laid(const struct table *base, const struct table *installed)
{
	size_t count = 0;

	for (size_t i = 0; i < base->set_count; i++)
		if (!overlay_shares_elements(&base->sets[i], &installed->sets[i]))
			count += installed->sets[i].element_count;
	return count;
}

/* True when the ruleset shares with the base all but some elements. Rules and elements that are the base's are known by their address. */
static bool ruleset_is_laid(const struct ruleset *base, const struct ruleset *installed)
{
	size_t laid = 0;

	if (base->table_count != installed->table_count || base->links.items != installed->links.items || base->links.count != installed->links.count)
		return false;
	for (size_t i = 0; i < base->table_count; i++) {
		if (!overlay_is_of(&installed->tables[i], &base->tables[i]))
			return false;
		laid += elements_laid(&base->tables[i], &installed->tables[i]);
	}
	return laid <= HOLDING_LAID_ELEMENTS_MAX;
}

static struct element element_copy(struct arena *arena, const struct set *set, const struct element *element)
{
	const size_t size = element_key_size(set);
	struct element copy = *element;
	uint8_t *key = arena_alloc(arena, size);

	memcpy(key, element->key, size);
	copy.key = key;
	if (element->verdict.chain)
		copy.verdict.chain = arena_strdup(arena, element->verdict.chain);
	if (element->comment)
		copy.comment = arena_strdup(arena, element->comment);
	return copy;
}

/* The base's set with the room and the elements of the installed one. */
static struct set set_copy(struct arena *arena, const struct set *base, const struct set *installed)
{
	struct set copy = *base;

	copy.room = installed->room;
	if (overlay_shares_elements(base, installed))
		return copy;
	copy.elements = arena_array(arena, installed->element_count, sizeof(*copy.elements));
	copy.element_count = installed->element_count;
	copy.blocks = NULL;
	for (size_t i = 0; i < installed->element_count; i++)
		copy.elements[i] = element_copy(arena, installed, &installed->elements[i]);
	return copy;
}

static struct ruleset *ruleset_lay(struct arena *arena, const struct ruleset *base, const struct ruleset *installed)
{
	struct ruleset *laid = overlay_begin(arena, base);

	for (size_t t = 0; t < base->table_count; t++) {
		const struct table *table = &base->tables[t];
		struct set *sets = arena_array(arena, table->set_count, sizeof(*sets));

		for (size_t s = 0; s < table->set_count; s++)
			sets[s] = set_copy(arena, &table->sets[s], &installed->tables[t].sets[s]);
		laid->tables[t].sets = sets;
	}
	ruleset_make_blocks(arena, laid);
	return laid;
}

/* ---- the base */

void unpacked_free(struct unpacked *unpacked)
{
	arena_free(unpacked->arena);
	buf_free(&unpacked->copy);
	sealed_unmap(unpacked->sealed);
	*unpacked = (struct unpacked){ .arena = NULL };
}

/* Packs and copies all of it. There is no ruleset when it is not well formed. */
static struct unpacked unpacked_copy(const struct ruleset *installed)
{
	struct unpacked unpacked = { .arena = arena_new(), .copy = buf_limited(PACK_BYTES_MAX) };

	ruleset_pack(&unpacked.copy, installed);
	(void)ruleset_unpack(unpacked.arena, buf_span(&unpacked.copy), &unpacked.ruleset);
	return unpacked;
}

void holding_offer(struct holding *holding, const struct unpacked *offered)
{
	holding_withdraw(holding);
	holding->offered = *offered;
}

void holding_withdraw(struct holding *holding)
{
	unpacked_free(&holding->offered);
}

/* The base that the ruleset shares all but some elements with. What it may point into stays until it is laid over that. */
static struct unpacked base_for(struct holding *holding, const struct ruleset *installed)
{
	struct unpacked *const known[] = { &holding->base, &holding->offered };
	struct unpacked base;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!known[i]->ruleset || !ruleset_is_laid(known[i]->ruleset, installed))
			continue;
		base = *known[i];
		*known[i] = (struct unpacked){ .arena = NULL };
		return base;
	}
	return unpacked_copy(installed);
}

/* ---- the holding */

void holding_set(struct holding *holding, const struct ruleset *installed, uint32_t generation)
{
	struct unpacked base = base_for(holding, installed);
	struct arena *laid_arena = arena_new();
	const struct ruleset *ruleset = NULL;

	if (base.ruleset) {
		ruleset_make_blocks(base.arena, base.ruleset);
		ruleset = ruleset_is_laid(base.ruleset, installed) ? ruleset_lay(laid_arena, base.ruleset, installed) : base.ruleset;
	}
	unpacked_free(&holding->base);
	arena_free(holding->laid_arena);
	holding->base = base;
	holding->laid_arena = laid_arena;
	holding->ruleset = ruleset;
	holding->generation = generation;
	holding->touched = false;
	holding->clock_s = clock_now();
}

void holding_follow(struct holding *holding, uint32_t generation)
{
	/* What the watch told of may be older than what was read back meanwhile. Of what we have sent it tells nothing. */
	if (holding->generation != 0 && !holding->touched && (int32_t)(generation - holding->generation) > 0)
		holding->generation = generation;
}

void holding_doubt(struct holding *holding)
{
	holding->generation = 0;
}

const struct ruleset *holding_ruleset(const struct holding *holding)
{
	return holding->ruleset;
}

const struct known_sets *holding_known(struct arena *arena, const struct holding *holding)
{
	struct known_sets *known;

	/* Both clocks are cut to whole seconds, so that their difference may be one off without anybody having set them. */
	if (!holding->ruleset || holding->generation == 0 || llabs(clock_now() - holding->clock_s) > 1)
		return NULL;
	known = arena_alloc(arena, sizeof(*known));
	*known = (struct known_sets){ .ruleset = holding->ruleset, .generation = holding->generation };
	return known;
}

void holding_free(struct holding *holding)
{
	arena_free(holding->laid_arena);
	unpacked_free(&holding->base);
	unpacked_free(&holding->offered);
}
