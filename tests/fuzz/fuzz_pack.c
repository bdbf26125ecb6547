/*
 * fuzz: ruleset/pack.h with bytes from a hostile planner. What unpack accepts must be packed to the very same
 * bytes, must be shown, must equal itself, and must lead to itself by no change at all.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "ruleset/diff.h"
#include "ruleset/pack.h"
#include "ruleset/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static void exercise(struct arena *arena, struct span bytes, const struct ruleset *ruleset)
{
	struct buf again = buf_limited(0), text = buf_limited(0);
	struct transition there, nowhere;

	ruleset_pack(&again, ruleset);
	demand(span_equal(buf_span(&again), bytes));
	buf_free(&again);
	ruleset_show(&text, ruleset, 0);
	buf_free(&text);
	demand(ruleset_equal(ruleset, ruleset));
	there = ruleset_diff(arena, NULL, ruleset);
	demand(there.commit.count >= ruleset->table_count);
	nowhere = ruleset_diff(arena, ruleset, ruleset);
	demand(nowhere.prepare.count == 0 && nowhere.commit.count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { .data = (const char *)data, .length = size };
	struct arena *arena = arena_new();
	struct ruleset *ruleset;

	if (ruleset_unpack(arena, bytes, &ruleset) == 0)
		exercise(arena, bytes, ruleset);
	arena_free(arena);
	return 0;
}
