/*
 * Any bytes as an alarm's payload: no crash, no leak. One that is taken is packed to the very same bytes, and its record is a line of the journal that
 * parses.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "sekishod/alarm_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span bytes = { .data = (const char *)data, .length = size };
	struct buf again = buf_limited(0), line = buf_limited(0);
	struct arena *arena = arena_new();
	struct journal_stamp stamp = { .number = 1, .time = 1795247999 };
	struct journal_record record;
	struct journal_line parsed;
	struct alarm alarm;

	if (alarm_unpack(bytes, &alarm) == 0) {
		alarm_pack(&again, &alarm);
		require(span_equal(buf_span(&again), bytes));
		record = alarm_record(arena, ROLE_WITNESS, &alarm, 1);
		journal_line_put(&line, &record, &stamp);
		require(line.length > 0 && journal_line_parse((struct span){ line.data, line.length - 1 }, &parsed) == 0);
		json_decref(parsed.root);
	}
	buf_free(&again);
	buf_free(&line);
	arena_free(arena);
	return 0;
}
