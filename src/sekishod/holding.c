/* holding: what the enforcer installed last, and whether the kernel is known to hold it still. */
#include "sekishod/holding.h"

#include <stdlib.h>
#include <time.h>

#include "ruleset/blocks.h"
#include "ruleset/pack.h"

/* Unix time less the time the kernel counts an element's timeout by. It moves only when somebody sets the clock. */
static int64_t clock_now(void)
{
	struct timespec since_boot;

	clock_gettime(CLOCK_MONOTONIC, &since_boot);
	return (int64_t)time(NULL) - (int64_t)since_boot.tv_sec;
}

void holding_set(struct holding *holding, const struct ruleset *installed, uint32_t generation)
{
	struct buf bytes = buf_limited(PACK_BYTES_MAX);
	struct arena *arena = arena_new();
	struct ruleset *ruleset = NULL;

	ruleset_pack(&bytes, installed);
	if (ruleset_unpack(arena, buf_span(&bytes), &ruleset) == 0)
		ruleset_make_blocks(arena, ruleset);
	holding_free(holding);
	*holding = (struct holding){ .bytes = bytes, .arena = arena, .ruleset = ruleset, .generation = generation, .clock_s = clock_now() };
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
	arena_free(holding->arena);
	buf_free(&holding->bytes);
}
