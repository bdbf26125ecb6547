/*
 * Any bytes as a record's payload and as the lines of a journal: no crash, no leak. A payload that is taken is packed to the very same bytes; the
 * line of a record parses, and a chain of such lines is sound.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Two lines of the record, one behind the other. */
static void record_go_round(const struct journal_record *record)
{
	struct journal_chain chain = { .count = 0 };
	struct journal_stamp stamp = { .number = 1, .time = 1795247999 };

	for (; stamp.number <= 2; stamp.number++) {
		struct buf line = buf_limited(0);
		uint64_t number;

		journal_line_put(&line, record, &stamp);
		require(line.length <= JOURNAL_LINE_BYTES_MAX && memchr(line.data, '\n', line.length) == line.data + line.length - 1);
		line.length--;
		require(journal_chain_follow(&chain, buf_span(&line), &number) == JOURNAL_SOUND && number == stamp.number);
		memcpy(stamp.previous, chain.head, DIGEST_BYTES);
		buf_free(&line);
	}
}

static void payload_take(struct span bytes)
{
	struct journal_record record;
	struct buf again = buf_limited(0);

	if (journal_record_unpack(bytes, &record) != 0)
		return;
	journal_record_pack(&again, &record);
	require(span_equal(buf_span(&again), bytes));
	buf_free(&again);
	record_go_round(&record);
}

static void lines_take(struct span bytes)
{
	struct journal_chain chain = { .count = 0 };

	for (size_t begin = 0; begin < bytes.length;) {
		const char *end = memchr(bytes.data + begin, '\n', bytes.length - begin);
		size_t stop = end ? (size_t)(end - bytes.data) : bytes.length;

		journal_chain_follow(&chain, span_part(bytes, begin, stop), NULL);
		begin = stop + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span bytes = { .data = (const char *)data, .length = size };

	payload_take(bytes);
	lines_take(bytes);
	return 0;
}
