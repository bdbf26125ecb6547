/* prove_space: codes, ranges and the regions made of them. */
#include "ruleset/prove_space.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { ETHERNET_TYPE = 1, LOOPBACK_TYPE = 772, BYTE_CODES = 256, SURVEYED_KEYS_MAX = 4 };

wide wide_of_bytes(const uint8_t *bytes, size_t size)
{
	uint64_t halves[2];
	uint32_t word;
	wide value = 0;

	if (size == sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		return be32toh(word);
	}
	if (size == sizeof(halves)) {
		memcpy(halves, bytes, sizeof(halves));
		return (wide)be64toh(halves[0]) << 64 | be64toh(halves[1]);
	}
	for (size_t i = 0; i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

void wide_to_bytes(wide value, uint8_t *bytes, size_t size)
{
	for (size_t i = size; i-- > 0; value >>= 8)
		bytes[i] = (uint8_t)value;
}

wide wide_of_address(const struct netaddr *address)
{
	return wide_of_bytes(address->bytes, netaddr_size(address->family));
}

struct netaddr address_of_wide(wide value, uint8_t family)
{
	struct netaddr address = { .family = family };

	wide_to_bytes(value, address.bytes, netaddr_size(family));
	return address;
}

/* The lowest bits of a word. */
static uint64_t low_bits(size_t count)
{
	return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1;
}

struct codes codes_between(size_t first, size_t last)
{
	struct codes codes;

	for (size_t i = 0; i < SPACE_WORDS; i++) {
		size_t base = i * 64;

		codes.words[i] = last + 1 > base ? low_bits(last + 1 - base) : 0;
		codes.words[i] &= first > base ? ~low_bits(first - base) : ~(uint64_t)0;
	}
	return codes;
}

size_t codes_next(const struct codes *codes, size_t from)
{
	size_t word = from / 64;
	uint64_t bits;

	if (from >= SPACE_CODES_MAX)
		return SPACE_CODES_MAX;
	bits = codes->words[word] & ~(uint64_t)0 << (from % 64);
	while (bits == 0 && ++word < SPACE_WORDS)
		bits = codes->words[word];
	return bits ? word * 64 + (size_t)__builtin_ctzll(bits) : SPACE_CODES_MAX;
}

uint32_t state_bit(enum state_code state)
{
	static const uint32_t bits[STATE_CODES] = { CT_INVALID, CT_UNTRACKED, CT_NEW, CT_ESTABLISHED, CT_ESTABLISHED, CT_RELATED, CT_RELATED };

	return bits[state];
}

uint8_t state_direction(enum state_code state)
{
	return state == STATE_REPLY || state == STATE_RELATED_REPLY ? DIRECTION_REPLY : DIRECTION_ORIGINAL;
}

struct codes states_tracked(void)
{
	return codes_between(STATE_NEW, STATE_RELATED_REPLY);
}

struct codes states_of_direction(uint8_t direction)
{
	struct codes codes = { { 0 } };

	for (size_t state = STATE_NEW; state < STATE_CODES; state++)
		if (state_direction((enum state_code)state) == direction)
			codes_add(&codes, state);
	return codes;
}

/* ---- which values have codes */

struct values {
	uint32_t *items;
	size_t count, capacity;
};

struct survey {
	struct arena *arena;
	struct values interfaces, types;
	struct netaddr *hops;
	size_t hop_count, hop_capacity;
};

/*
 * Keeps the values sorted, one of each. There are few, and more than SPACE_CODES_MAX are not needed to say that there are too many.
 */
static void add_value(struct survey *survey, struct values *values, uint32_t value)
{
	size_t low = 0, high = values->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (values->items[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	if ((low < values->count && values->items[low] == value) || values->count > SPACE_CODES_MAX)
		return;
	values->items = arena_grow(survey->arena, values->items, values->count, &values->capacity, sizeof(*values->items));
	memmove(&values->items[low + 1], &values->items[low], (values->count++ - low) * sizeof(*values->items));
	values->items[low] = value;
}

/* 0: none, which has a code of its own. */
static void add_interface(struct survey *survey, uint32_t index)
{
	if (index != 0)
		add_value(survey, &survey->interfaces, index);
}

static void add_hop(struct survey *survey, struct netaddr hop)
{
	survey->hops = arena_grow(survey->arena, survey->hops, survey->hop_count, &survey->hop_capacity, sizeof(*survey->hops));
	survey->hops[survey->hop_count++] = hop;
}

static int compare_values(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

static int compare_hops(const void *a, const void *b)
{
	return netaddr_compare(a, b);
}

static size_t settle_hops(struct netaddr *items, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(items, count, sizeof(*items), compare_hops);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || netaddr_compare(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	return kept;
}

static void survey_value(struct survey *survey, enum field field, const uint8_t *bytes)
{
	if (field == FIELD_IIF || field == FIELD_OIF)
		add_interface(survey, (uint32_t)wide_of_bytes(bytes, 4));
	if (field == FIELD_IIFTYPE)
		add_value(survey, &survey->types, (uint32_t)wide_of_bytes(bytes, 2));
	if (field == FIELD_RT_NEXTHOP4)
		add_hop(survey, address_of_wide(wide_of_bytes(bytes, 4), 4));
	if (field == FIELD_RT_NEXTHOP6)
		add_hop(survey, address_of_wide(wide_of_bytes(bytes, 16), 6));
}

/* What the elements of a set say of the coded fields of a key that is looked up in it. */
static void survey_lookup(struct survey *survey, const struct set *set, const struct key *key)
{
	size_t offset = 0, size = key_size(key);

	for (size_t f = 0; f < key_field_count(key); f++) {
		enum field field = key->fields[f];
		bool coded = field == FIELD_IIF || field == FIELD_OIF || field == FIELD_IIFTYPE || field == FIELD_RT_NEXTHOP4 ||
			     field == FIELD_RT_NEXTHOP6;

		for (size_t e = 0; coded && e < set->element_count; e++) {
			survey_value(survey, field, set->elements[e].key + offset);
			if (set->interval)
				survey_value(survey, field, set->elements[e].key + size + offset);
		}
		offset += field_slot(field);
	}
}

/* The keys that a set has been looked through for: in each chain of a pair of zones the same large set is looked up. */
struct surveyed {
	struct key keys[SURVEYED_KEYS_MAX];
	size_t count;
};

/* True when it is known already; more keys than there is room for are looked through each time. */
static bool surveyed_note(struct surveyed *surveyed, const struct key *key)
{
	for (size_t i = 0; i < surveyed->count; i++)
		if (key_equal(&surveyed->keys[i], key))
			return true;
	if (surveyed->count < SURVEYED_KEYS_MAX)
		surveyed->keys[surveyed->count++] = *key;
	return false;
}

/* surveyed: one per set of the table. */
static void survey_rule(struct survey *survey, const struct table *table, const struct rule *rule, struct surveyed *surveyed)
{
	for (size_t s = 0; s < rule->step_count; s++) {
		const struct step *step = &rule->steps[s];
		const struct set *set = step->set ? table_set(table, step->set) : NULL;

		if (step->kind == STEP_MATCH)
			survey_value(survey, step->field, step->value);
		else if (set && key_size(&set->key) == key_size(&step->key) && !surveyed_note(&surveyed[set - table->sets], &step->key))
			survey_lookup(survey, set, &step->key);
	}
}

static void survey_table(struct survey *survey, const struct table *table)
{
	struct surveyed *surveyed = arena_array(survey->arena, table->set_count, sizeof(*surveyed));

	for (size_t c = 0; c < table->chain_count; c++)
		for (size_t r = 0; r < table->chains[c].rule_count; r++)
			survey_rule(survey, table, &table->chains[c].rules[r], surveyed);
}

static void survey_rules(struct survey *survey, const struct ruleset *ruleset)
{
	for (size_t t = 0; t < ruleset->table_count; t++)
		survey_table(survey, &ruleset->tables[t]);
	for (size_t i = 0; i < ruleset->links.count; i++)
		add_interface(survey, ruleset->links.items[i].index);
}

static void survey_pins(struct survey *survey, const struct pins *pins)
{
	for (size_t z = 0; z < pins->program.zone_count; z++) {
		const struct addr_ranges *hops = &pins->zones[z].next_hops;

		for (size_t i = 0; i < hops->count; i++) {
			struct netaddr hop = hops->items[i].first;

			do
				add_hop(survey, hop);
			while (survey->hop_count < SPACE_CODES_MAX && netaddr_compare(&hop, &hops->items[i].last) < 0 && netaddr_next(&hop));
		}
	}
}

/* Interface types that have a code of their own anyway are taken out. */
static size_t drop_known_types(uint32_t *types, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (types[i] != ETHERNET_TYPE && types[i] != LOOPBACK_TYPE)
			types[kept++] = types[i];
	return kept;
}

struct space space_build(struct arena *arena, const struct ruleset *ruleset, const struct pins *pins)
{
	struct survey survey = { .arena = arena };
	struct space space;

	survey_rules(&survey, ruleset);
	survey_pins(&survey, pins);
	space = (struct space){ .interfaces = survey.interfaces.items, .hops = survey.hops, .types = survey.types.items };
	space.interface_count = survey.interfaces.count;
	space.hop_count = settle_hops(survey.hops, survey.hop_count);
	space.type_count = drop_known_types(space.types, survey.types.count);
	space.too_large = space.interface_count + 2 > SPACE_CODES_MAX || space.hop_count + 2 > SPACE_CODES_MAX ||
			  space.type_count + 3 > SPACE_CODES_MAX;
	return space;
}

/* The place of a value, or count when it is not there. */
static size_t value_place(const uint32_t *items, size_t count, uint32_t value)
{
	const uint32_t *found = count ? bsearch(&value, items, count, sizeof(*items), compare_values) : NULL;

	return found ? (size_t)(found - items) : count;
}

size_t space_interface(const struct space *space, uint32_t index)
{
	size_t place;

	if (index == 0)
		return CODE_NONE;
	place = value_place(space->interfaces, space->interface_count, index);
	return place < space->interface_count ? place + 2 : CODE_OTHER;
}

size_t space_hop(const struct space *space, const struct netaddr *hop)
{
	const struct netaddr *found = space->hop_count ? bsearch(hop, space->hops, space->hop_count, sizeof(*hop), compare_hops) : NULL;

	return found ? (size_t)(found - space->hops) + 2 : CODE_OTHER;
}

size_t space_type(const struct space *space, uint32_t type)
{
	size_t place = value_place(space->types, space->type_count, type);

	if (type == ETHERNET_TYPE)
		return CODE_ETHERNET;
	if (type == LOOPBACK_TYPE)
		return CODE_LOOPBACK;
	return place < space->type_count ? place + 3 : CODE_OTHER_TYPE;
}

uint32_t space_interface_of(const struct space *space, size_t code)
{
	return code >= 2 ? space->interfaces[code - 2] : 0;
}

uint32_t space_type_of(const struct space *space, size_t code)
{
	if (code == CODE_ETHERNET)
		return ETHERNET_TYPE;
	if (code == CODE_LOOPBACK)
		return LOOPBACK_TYPE;
	return code >= 3 ? space->types[code - 3] : 0;
}

/* ---- regions */

/* Next hops a packet of the family can have; those of the other are as none. */
static struct codes hops_of_family(const struct space *space, uint8_t family)
{
	struct codes codes = codes_between(CODE_NONE, CODE_OTHER);

	for (size_t i = 0; i < space->hop_count; i++)
		if (space->hops[i].family == family)
			codes_add(&codes, i + 2);
	return codes;
}

static struct region region_of_family(const struct space *space, uint8_t family)
{
	const size_t address = family == 4 ? 4 : 16;
	struct region region;

	for (size_t i = 0; i < CODE_COUNT; i++)
		region.codes[i] = codes_between(0, BYTE_CODES - 1);
	region.codes[CODE_IIF] = region.codes[CODE_OIF] = codes_between(CODE_NONE, space->interface_count + 1);
	region.codes[CODE_HOP] = hops_of_family(space, family);
	region.codes[CODE_IIFTYPE] = codes_between(CODE_ETHERNET, space->type_count + 2);
	region.codes[CODE_STATE] = codes_between(STATE_INVALID, STATE_RELATED_REPLY);
	region.codes[CODE_EARLY_STATE] = codes_one(STATE_INVALID);
	region.codes[CODE_ROUTING] = family == 6 ? codes_between(0, 1) : codes_one(0);
	region.codes[CODE_PORTS] = region.codes[CODE_SOCKET] = codes_between(0, 1);
	for (size_t i = 0; i < RANGE_COUNT; i++)
		region.extents[i] = (struct extent){ 0, wide_max(4) };
	region.extents[RANGE_SOURCE].last = region.extents[RANGE_DESTINATION].last = wide_max(address);
	region.extents[RANGE_SPORT].last = region.extents[RANGE_DPORT].last = region.extents[RANGE_ETHER_TYPE].last = wide_max(2);
	region.extents[RANGE_ETHER].last = wide_max(6);
	return region;
}

struct region region_at_hook(const struct space *space, uint8_t family, enum hook_point hook)
{
	struct region region = region_of_family(space, family);
	const struct codes none = codes_one(CODE_NONE), there = codes_between(CODE_OTHER, space->interface_count + 1);

	if (hook == HOOK_OTHER)
		return region;
	region.codes[CODE_IIF] = hook == HOOK_OUTPUT ? none : there;
	region.codes[CODE_OIF] = hook == HOOK_FORWARD || hook == HOOK_OUTPUT || hook == HOOK_BRIDGE ? there : none;
	if (hook != HOOK_INPUT && hook != HOOK_OUTPUT)
		region.codes[CODE_SOCKET] = codes_one(0);
	if (hook == HOOK_INGRESS || hook == HOOK_PREROUTING)
		region.codes[CODE_HOP] = none;
	if (hook == HOOK_INGRESS)
		region.codes[CODE_STATE] = codes_one(STATE_INVALID);
	/* Conntrack follows what is bridged as well, once a rule asks for it. */
	if (hook == HOOK_BRIDGE && family == 0)
		region.codes[CODE_STATE] = codes_between(STATE_INVALID, STATE_UNTRACKED);
	return region;
}

bool region_is_empty(const struct region *region)
{
	bool empty = false;

	/* Hardly ever: it takes less time to look at all than to decide after each. */
	for (size_t i = 0; i < CODE_COUNT; i++)
		empty |= codes_are_empty(&region->codes[i]);
	for (size_t i = 0; i < RANGE_COUNT; i++)
		empty |= extent_is_empty(region->extents[i]);
	return empty;
}
