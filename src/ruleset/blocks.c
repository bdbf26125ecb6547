/* blocks: runs of a set's elements with a digest each. */
#include "ruleset/blocks.h"

#include <string.h>

#include "base/buf.h"

/* True when a block ends behind this key. Addresses and marks differ in their last bytes, and those are spread over all bits. */
static bool key_ends_block(const uint8_t *key, size_t size)
{
	const uint64_t factor = 0x9e3779b97f4a7c15;	/* 2^64 by the golden ratio */
	uint64_t sum = 0;

	for (size_t i = 0; i + 4 <= size; i += 4) {
		uint32_t word;

		memcpy(&word, key + i, sizeof(word));
		sum = (sum ^ word) * factor;
		sum ^= sum >> 32;
	}
	return sum % BLOCK_MEAN == 0;
}

/* All that element_equal() looks at, and in a form that nothing else has: texts end with NUL. */
static void element_put(struct buf *bytes, const struct set *set, const struct element *element, size_t key_bytes)
{
	buf_put(bytes, element->key, key_bytes);
	if (set->data == SET_DATA_MARK)
		buf_put(bytes, &element->mark, sizeof(element->mark));
	if (set->data == SET_DATA_VERDICT) {
		buf_putc(bytes, (char)element->verdict.kind);
		buf_puts(bytes, element->verdict.chain ? element->verdict.chain : "");
		buf_putc(bytes, '\0');
	}
	if (set->timeout)
		buf_put(bytes, &element->expires_at, sizeof(element->expires_at));
	buf_putc(bytes, element->comment != NULL);
	if (element->comment)
		buf_put(bytes, element->comment, strlen(element->comment) + 1);
}

/* Fills the block from block->begin on. */
static void block_fill(struct block *block, const struct set *set, size_t key_bytes, struct buf *bytes)
{
	size_t end = block->begin;

	bytes->length = 0;
	do
		element_put(bytes, set, &set->elements[end], key_bytes);
	while (!key_ends_block(set->elements[end++].key, key_bytes) && end < set->element_count);
	block->end = end;
	digest_bytes(bytes->data, bytes->length, block->digest);
}

static const struct element_blocks *blocks_make(struct arena *arena, const struct set *set, struct buf *bytes)
{
	struct element_blocks *blocks = arena_alloc(arena, sizeof(*blocks));
	size_t capacity = 0, begin = 0, key_bytes = element_key_size(set);

	*blocks = (struct element_blocks){ .elements = set->elements, .element_count = set->element_count };
	while (begin < set->element_count) {
		struct block *block;

		blocks->items = arena_grow(arena, blocks->items, blocks->count, &capacity, sizeof(*blocks->items));
		block = &blocks->items[blocks->count++];
		block->begin = begin;
		block_fill(block, set, key_bytes, bytes);
		begin = block->end;
	}
	return blocks;
}

const struct element_blocks *set_blocks(const struct set *set)
{
	const struct element_blocks *blocks = set->blocks;

	return blocks && blocks->elements == set->elements && blocks->element_count == set->element_count ? blocks : NULL;
}

void ruleset_make_blocks(struct arena *arena, struct ruleset *ruleset)
{
	struct buf bytes = buf_limited(0);

	for (size_t t = 0; t < ruleset->table_count; t++) {
		struct table *table = &ruleset->tables[t];

		for (size_t s = 0; s < table->set_count; s++)
			if (table->sets[s].element_count >= BLOCKS_FROM && !set_blocks(&table->sets[s]))
				table->sets[s].blocks = blocks_make(arena, &table->sets[s], &bytes);
	}
	buf_free(&bytes);
}
