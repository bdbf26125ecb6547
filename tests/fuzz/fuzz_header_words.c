/*
 * Any bytes as a header field, read in every way there is: no crash, and every text may stand in a letter
 * (mail/letter.h); addresses and message ids that are said to be ones are ones.
 */
#include <stdlib.h>

#include "mail/header_address.h"
#include "mail/header_values.h"
#include "mail/header_words.h"
#include "mail/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void texts_read(struct span field)
{
	struct header_facts facts = { 0 };
	struct buf text = buf_limited(0), again = buf_limited(0);

	header_unstructured_put(field, &text, &facts);
	require(letter_text_valid(buf_span(&text), LETTER_TEXT_LINE));
	header_phrase_put(field, &again, &facts);
	require(letter_text_valid(buf_span(&again), LETTER_TEXT_LINE));
	buf_free(&text);
	buf_free(&again);
}

static void names_read(struct span field, struct arena *arena)
{
	struct mime_value *value = arena_alloc(arena, sizeof(*value));
	struct header_names names = { .count = 0 };
	struct header_facts facts = { 0 };

	mime_value_parse(field, MIME_VALUE_TYPE, value);
	header_names_add(&names, value, "filename", arena, &facts);
	header_names_add(&names, value, "name", arena, &facts);
	require(names.count <= HEADER_NAMES_MAX);
	for (size_t i = 0; i < names.count; i++)
		require(names.items[i].length > 0 && names.items[i].length <= HEADER_NAME_BYTES_MAX &&
			letter_text_valid(names.items[i], LETTER_TEXT_LINE));
}

static void addresses_read(struct span field, struct arena *arena)
{
	struct header_addresses addresses;

	header_addresses_read(field, arena, &addresses);
	require(addresses.count <= HEADER_ADDRESSES_MAX);
	for (size_t i = 0; i < addresses.count; i++) {
		const struct header_address *item = &addresses.items[i];

		require(item->name.length <= HEADER_DISPLAY_NAME_BYTES_MAX &&
			letter_text_valid(item->name, LETTER_TEXT_NAME));
		require(item->address.length <= HEADER_ADDRESS_BYTES_MAX &&
			letter_text_valid(item->address, LETTER_TEXT_LINE));
		for (size_t at = 0; !item->odd && at < item->address.length; at++)
			require(item->address.data[at] >= ' ' && item->address.data[at] < 0x7f);
	}
}

static void values_read(struct span field)
{
	struct header_date date;
	struct span rest = field, id, ids[21];
	bool odd = false;
	size_t omitted;

	if (header_date_parse(field, &date) == 0)
		require(date.seconds >= HEADER_SECONDS_MIN && date.seconds <= HEADER_SECONDS_MAX);
	while (header_message_id_take(&rest, &id, &odd))
		require(letter_message_id_valid(id));
	require(header_references_read(field, 21, ids, &omitted) <= 21);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span field = { .data = (const char *)data, .length = size };
	struct arena *arena = arena_new();

	texts_read(field);
	names_read(field, arena);
	addresses_read(field, arena);
	values_read(field);
	arena_free(arena);
	return 0;
}
