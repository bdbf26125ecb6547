/* identities: open addressing by the first bytes of an identity. */
#include "ruleset/identities.h"

#include <assert.h>
#include <string.h>

enum { SLOTS_MIN = 16 };

struct identities identities_for(struct arena *arena, const uint8_t *first, size_t stride, size_t count)
{
	size_t slots = SLOTS_MIN;

	assert(count <= IDENTITIES_MAX);
	while (slots < 2 * count)
		slots *= 2;
	return (struct identities){ .first = first, .stride = stride, .slots = arena_array(arena, slots, sizeof(uint32_t)), .mask = slots - 1 };
}

/* The slot of the identity, or the free one where it would stand. */
static size_t slot_of(const struct identities *identities, const uint8_t identity[static COMPILE_IDENTITY_BYTES])
{
	size_t slot;

	memcpy(&slot, identity, sizeof(slot));
	for (slot &= identities->mask; identities->slots[slot]; slot = (slot + 1) & identities->mask)
		if (memcmp(identities->first + (identities->slots[slot] - 1) * identities->stride, identity, COMPILE_IDENTITY_BYTES) == 0)
			break;
	return slot;
}

size_t identities_add(struct identities *identities, size_t place)
{
	const size_t slot = slot_of(identities, identities->first + place * identities->stride);

	if (identities->slots[slot])
		return identities->slots[slot] - 1;
	identities->slots[slot] = (uint32_t)place + 1;
	return place;
}

bool identities_find(const struct identities *identities, const uint8_t identity[static COMPILE_IDENTITY_BYTES], size_t *ret_place)
{
	const size_t slot = identities->slots ? slot_of(identities, identity) : 0;

	if (!identities->slots || !identities->slots[slot])
		return false;
	*ret_place = identities->slots[slot] - 1;
	return true;
}
