/* fuzz: kernel/view.h with any bytes. What is taken whole is packed to the very same bytes; what is withheld has aliens and no rules. */
#include <stdlib.h>

#include "kernel/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { .data = (const char *)data, .length = size };
	struct arena *arena = arena_new();
	struct buf again = buf_limited(0);
	struct snapshot snapshot;
	bool withheld;

	if (view_unpack(arena, bytes, &snapshot, &withheld) == 0) {
		demand(withheld == (snapshot.alien_count > 0) && (!withheld || !snapshot.ruleset));
		view_pack(&again, &snapshot);
		demand(withheld || span_equal(buf_span(&again), bytes));
	}
	buf_free(&again);
	arena_free(arena);
	return 0;
}
