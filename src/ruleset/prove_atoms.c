/* prove_atoms: conditions over regions. */
#include "ruleset/prove_atoms.h"

#include <string.h>

enum {
	PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_ICMP6 = 58,
	BYTE_CODES = 256,
	FEW_ELEMENTS = 16,	/* so many are looked at to answer for a region that is no point */
	SETTLE_ROUNDS_MAX = 4,
};

/* ---- where a field is */

static struct place coded(enum code_variable variable)
{
	return (struct place){ .kind = PLACE_CODES, .variable = (uint8_t)variable };
}

static struct place ranged(enum range_variable variable)
{
	return (struct place){ .kind = PLACE_RANGE, .variable = (uint8_t)variable };
}

static struct place of_family(const struct atoms *atoms, uint8_t family, struct place place)
{
	return atoms->family == family ? place : (struct place){ .kind = PLACE_ABSENT };
}

static struct place of_ip(const struct atoms *atoms, struct place place)
{
	return atoms->family != 0 ? place : (struct place){ .kind = PLACE_ABSENT };
}

static enum code_variable state_variable(const struct atoms *atoms)
{
	return atoms->early ? CODE_EARLY_STATE : CODE_STATE;
}

static struct place place_of(const struct atoms *atoms, enum field field)
{
	switch (field) {
	case FIELD_IIF: return coded(CODE_IIF);
	case FIELD_OIF: return coded(CODE_OIF);
	case FIELD_IIFTYPE: return coded(CODE_IIFTYPE);
	case FIELD_NFPROTO:
		return of_ip(atoms, (struct place){ .kind = PLACE_CONSTANT, .constant = atoms->family == 4 ? NFPROTO_V4 : NFPROTO_V6 });
	case FIELD_L4PROTO: return of_ip(atoms, coded(CODE_PROTOCOL));
	case FIELD_SKUID: return ranged(RANGE_UID);
	case FIELD_PKTTYPE: return coded(CODE_PKTTYPE);
	case FIELD_CT_STATE: case FIELD_CT_DIRECTION: return coded(state_variable(atoms));
	case FIELD_CT_STATUS: return coded(CODE_STATUS);
	case FIELD_CT_MARK: return ranged(RANGE_MARK);
	case FIELD_ETHER_TYPE: return ranged(RANGE_ETHER_TYPE);
	case FIELD_ETHER_SADDR: return ranged(RANGE_ETHER);
	case FIELD_IP_SADDR: return of_family(atoms, 4, ranged(RANGE_SOURCE));
	case FIELD_IP_DADDR: return of_family(atoms, 4, ranged(RANGE_DESTINATION));
	case FIELD_IP6_SADDR: return of_family(atoms, 6, ranged(RANGE_SOURCE));
	case FIELD_IP6_DADDR: return of_family(atoms, 6, ranged(RANGE_DESTINATION));
	case FIELD_IP6_HOPLIMIT: return of_family(atoms, 6, coded(CODE_HOPLIMIT));
	case FIELD_SPORT: return of_ip(atoms, ranged(RANGE_SPORT));
	case FIELD_DPORT: return of_ip(atoms, ranged(RANGE_DPORT));
	case FIELD_TCP_FLAGS: return of_ip(atoms, coded(CODE_TCP_FLAGS));
	case FIELD_ICMP_TYPE: case FIELD_ICMP6_TYPE: return of_ip(atoms, coded(CODE_ICMP_TYPE));
	case FIELD_RT_NEXTHOP4: return of_family(atoms, 4, coded(CODE_HOP));
	case FIELD_RT_NEXTHOP6: return of_family(atoms, 6, coded(CODE_HOP));
	case FIELD_IP6_ROUTING: return of_family(atoms, 6, coded(CODE_ROUTING));
	case FIELD_NONE: case FIELD_COUNT: break;
	}
	return (struct place){ .kind = PLACE_ABSENT };
}

static struct atom codes_atom(enum code_variable variable, struct codes codes)
{
	return (struct atom){ .kind = ATOM_CODES, .variable = (uint8_t)variable, .codes = codes, .sure = codes };
}

/* The conditions under which the field is there at all; a rule that asks for what is absent ends. */
static size_t presence_atoms(const struct atoms *atoms, enum field field, struct atom *ret_atoms)
{
	struct codes something = codes_between(CODE_NONE + 1, SPACE_CODES_MAX - 1);
	size_t count = 0;

	if (field == FIELD_IIFTYPE || field == FIELD_ETHER_TYPE || field == FIELD_ETHER_SADDR)
		ret_atoms[count++] = codes_atom(CODE_IIF, something);
	if (field == FIELD_ETHER_TYPE || field == FIELD_ETHER_SADDR)
		ret_atoms[count++] = codes_atom(CODE_IIFTYPE, codes_between(CODE_ETHERNET, CODE_LOOPBACK));
	if (field == FIELD_SKUID)
		ret_atoms[count++] = codes_atom(CODE_SOCKET, codes_one(1));
	if (field == FIELD_CT_STATUS || field == FIELD_CT_DIRECTION || field == FIELD_CT_MARK)
		ret_atoms[count++] = codes_atom(state_variable(atoms), states_tracked());
	if (field == FIELD_SPORT || field == FIELD_DPORT || field == FIELD_TCP_FLAGS || field == FIELD_ICMP_TYPE || field == FIELD_ICMP6_TYPE)
		ret_atoms[count++] = codes_atom(CODE_PORTS, codes_one(1));
	if (field == FIELD_TCP_FLAGS)
		ret_atoms[count++] = codes_atom(CODE_PROTOCOL, codes_one(PROTOCOL_TCP));
	if (field == FIELD_ICMP_TYPE || field == FIELD_ICMP6_TYPE)
		ret_atoms[count++] = codes_atom(CODE_PROTOCOL, codes_one(field == FIELD_ICMP_TYPE ? PROTOCOL_ICMP : PROTOCOL_ICMP6));
	if (field == FIELD_RT_NEXTHOP4 || field == FIELD_RT_NEXTHOP6)
		ret_atoms[count++] = codes_atom(CODE_HOP, something);
	return count;
}

/* ---- values and codes */

/* How many codes a variable of this space can have. */
static size_t code_count(const struct space *space, enum field field)
{
	switch (field) {
	case FIELD_IIF: case FIELD_OIF: return space->interface_count + 2;
	case FIELD_RT_NEXTHOP4: case FIELD_RT_NEXTHOP6: return space->hop_count + 2;
	case FIELD_IIFTYPE: return space->type_count + 3;
	case FIELD_CT_STATE: case FIELD_CT_DIRECTION: return STATE_CODES;
	default: return BYTE_CODES;
	}
}

/* True when the code stands for one value of the field, which is written in network order. */
static bool code_value(const struct space *space, enum field field, size_t code, uint8_t value[static 16])
{
	memset(value, 0, 16);
	switch (field) {
	case FIELD_IIF: case FIELD_OIF:
		wide_to_bytes(space_interface_of(space, code), value, 4);
		return code != CODE_OTHER;
	case FIELD_RT_NEXTHOP4: case FIELD_RT_NEXTHOP6:
		if (code >= 2)
			memcpy(value, space->hops[code - 2].bytes, 16);
		return code >= 2;
	case FIELD_IIFTYPE:
		wide_to_bytes(space_type_of(space, code), value, 2);
		return code != CODE_OTHER_TYPE;
	case FIELD_CT_STATE:
		wide_to_bytes(state_bit((enum state_code)code), value, 4);
		return true;
	case FIELD_CT_DIRECTION:
		value[0] = state_direction((enum state_code)code);
		return true;
	case FIELD_CT_STATUS:
		wide_to_bytes(code, value, 4);
		return false; /* its low bits: the others may be any */
	default:
		value[0] = (uint8_t)code;
		return true;
	}
}

/* The bits of a field that a code says; of the status the low eight, of a value that many share none. */
static wide bits_of_code(const struct space *space, enum field field, size_t code)
{
	uint8_t value[16];

	if (field == FIELD_CT_STATUS)
		return BYTE_CODES - 1;
	return code_value(space, field, code, value) ? wide_max(field_size(field)) : 0;
}

/* Whether packets of the code have what the step asks for: TRUE all, FALSE none, SOME: it asks for bits that the code does not say. */
static enum tri code_matches(const struct space *space, const struct step *step, size_t code)
{
	const size_t size = field_size(step->field);
	const wide mask = wide_of_bytes(step->mask, size), wanted = wide_of_bytes(step->value, size), said = bits_of_code(space, step->field, code);
	uint8_t value[16];

	code_value(space, step->field, code, value);
	if ((wanted & ~mask) != 0 || ((wide_of_bytes(value, size) ^ wanted) & mask & said) != 0)
		return TRI_FALSE;
	/* Whatever value is asked for by all its bits has a code of its own. */
	if (mask == wide_max(size) && said == 0)
		return TRI_FALSE;
	return (mask & ~said) == 0 ? TRI_TRUE : TRI_SOME;
}

static struct atom match_atom(const struct space *space, const struct place *place, const struct step *step)
{
	const size_t size = field_size(step->field);
	struct atom atom = { .kind = ATOM_CODES, .variable = place->variable, .mask = wide_of_bytes(step->mask, size),
			     .value = wide_of_bytes(step->value, size) };

	for (size_t code = 0; code < code_count(space, step->field); code++) {
		const enum tri matches = code_matches(space, step, code);

		if (matches != TRI_FALSE)
			codes_add(&atom.codes, code);
		if (matches == TRI_TRUE)
			codes_add(&atom.sure, code);
	}
	if (codes_cover(&atom.sure, &atom.codes))
		atom.mask = atom.value = 0;
	return atom;
}

/* True when the mask is ones and then zeros: what it matches is a range. */
static bool mask_is_prefix(wide mask, size_t size)
{
	wide rest = ~mask & wide_max(size);

	return (rest & (rest + 1)) == 0;
}

static struct atom range_atom(const struct place *place, const struct step *step)
{
	size_t size = field_size(step->field);
	wide mask = wide_of_bytes(step->mask, size), value = wide_of_bytes(step->value, size);
	struct atom atom = { .variable = place->variable, .mask = mask, .value = value };

	if ((value & ~mask) != 0) {
		atom.kind = ATOM_NEVER;
	} else if (mask_is_prefix(mask, size)) {
		atom.kind = ATOM_RANGE;
		atom.extent = (struct extent){ value, value | (~mask & wide_max(size)) };
	} else {
		atom.kind = ATOM_MASK;
	}
	return atom;
}

size_t atoms_of_match(struct atoms *atoms, const struct step *step, struct atom *ret_atoms)
{
	size_t count = presence_atoms(atoms, step->field, ret_atoms);
	struct place place = place_of(atoms, step->field);
	struct atom *atom = &ret_atoms[count];

	switch (place.kind) {
	case PLACE_CODES:
		*atom = match_atom(atoms->space, &place, step);
		break;
	case PLACE_RANGE:
		*atom = range_atom(&place, step);
		break;
	case PLACE_CONSTANT:
		*atom = (struct atom){ .kind = ATOM_NEVER, .negated = (place.constant & step->mask[0]) == step->value[0] };
		break;
	case PLACE_ABSENT:
		ret_atoms[0] = (struct atom){ .kind = ATOM_NEVER };
		return 1;
	}
	atom->negated ^= step->op == MATCH_NE;
	return count + 1;
}

/* ---- look-ups */

bool element_is_there(const struct atoms *atoms, const struct element *element)
{
	return element->expires_at == 0 || element->expires_at > atoms->now;
}

/* First and last value of a field in an element. */
static struct extent element_extent(const struct lookup *lookup, const struct element *element, size_t field)
{
	const size_t size = lookup->sizes[field];
	const uint8_t *bytes = element->key + lookup->offsets[field];
	const wide first = wide_of_bytes(bytes, size);

	return (struct extent){ first, lookup->set->interval ? wide_of_bytes(bytes + lookup->size, size) : first };
}

/* The one code whose value an element's field is; SPACE_CODES_MAX when that takes a closer look. */
static inline size_t element_code(const struct space *space, const struct lookup *lookup, const struct element *element, size_t field)
{
	const enum field name = lookup->key.fields[field];
	const struct extent extent = element_extent(lookup, element, field);

	if (!extent_is_single(extent))
		return SPACE_CODES_MAX;
	if (name == FIELD_IIF || name == FIELD_OIF)
		return space_interface(space, (uint32_t)extent.first);
	return code_count(space, name) == BYTE_CODES && extent.first < BYTE_CODES ? (size_t)extent.first : SPACE_CODES_MAX;
}

/* True when some status of the range has these low bits. */
static bool status_can_be(struct extent extent, size_t low_bits)
{
	return ((low_bits - extent.first) & (BYTE_CODES - 1)) <= extent.last - extent.first;
}

/* The codes whose value lies in an element's field. A code of many values may be meant by any true range. */
static struct codes element_codes(const struct space *space, const struct lookup *lookup, const struct element *element, size_t field)
{
	enum field name = lookup->key.fields[field];
	struct extent extent = element_extent(lookup, element, field);
	struct codes codes = { { 0 } };
	const size_t only = element_code(space, lookup, element, field);

	if (only < SPACE_CODES_MAX)
		return codes_one(only);
	for (size_t code = 0; code < code_count(space, name); code++) {
		uint8_t value[16];
		bool single = code_value(space, name, code, value);
		wide number = wide_of_bytes(value, field_size(name));

		if (name == FIELD_CT_STATUS ? status_can_be(extent, code) :
		    single ? extent.first <= number && number <= extent.last : !extent_is_single(extent))
			codes_add(&codes, code);
	}
	return codes;
}

static void unite_codes(const struct space *space, struct lookup *lookup, const struct element *element, size_t field)
{
	const size_t only = element_code(space, lookup, element, field);
	struct codes codes;

	if (only < SPACE_CODES_MAX) {
		codes_add(&lookup->unions[field], only);
		return;
	}
	codes = element_codes(space, lookup, element, field);
	for (size_t i = 0; i < SPACE_WORDS; i++)
		lookup->unions[field].words[i] |= codes.words[i];
}

static void lookup_summarize(struct atoms *atoms, struct lookup *lookup)
{
	for (size_t f = 0; f < lookup->fields; f++) {
		const struct place place = lookup->places[f];

		lookup->hulls[f] = (struct extent){ ~(wide)0, 0 };
		for (size_t e = 0; e < lookup->set->element_count; e++) {
			const struct element *element = &lookup->set->elements[e];
			struct extent extent;

			if (place.kind == PLACE_CODES) {
				unite_codes(atoms->space, lookup, element, f);
				continue;
			}
			extent = element_extent(lookup, element, f);
			if (extent.first < lookup->hulls[f].first)
				lookup->hulls[f].first = extent.first;
			if (extent.last > lookup->hulls[f].last)
				lookup->hulls[f].last = extent.last;
		}
	}
}

/* The furthest end of the first field among [begin, end), remembered at the middle. */
static wide tree_build(struct lookup *lookup, size_t begin, size_t end)
{
	size_t middle = begin + (end - begin) / 2;
	wide reach = element_extent(lookup, &lookup->set->elements[middle], 0).last, below;

	if (middle > begin) {
		below = tree_build(lookup, begin, middle);
		reach = below > reach ? below : reach;
	}
	if (middle + 1 < end) {
		below = tree_build(lookup, middle + 1, end);
		reach = below > reach ? below : reach;
	}
	return lookup->reach[middle] = reach;
}

static const struct lookup *lookup_make(struct atoms *atoms, const struct key *key, const struct set *set)
{
	struct lookup **bucket = &atoms->buckets[(uintptr_t)set / sizeof(*set) % LOOKUP_BUCKETS], *lookup;
	size_t offset = 0;

	for (lookup = *bucket; lookup; lookup = lookup->next)
		if (lookup->set == set && lookup->early == atoms->early && key_equal(&lookup->key, key))
			return lookup;
	lookup = arena_alloc(atoms->arena, sizeof(*lookup));
	*lookup = (struct lookup){ .set = set, .key = *key, .early = atoms->early, .next = *bucket, .fields = key_field_count(key),
				   .size = key_size(key) };
	for (size_t f = 0; f < lookup->fields; f++) {
		lookup->places[f] = place_of(atoms, key->fields[f]);
		lookup->offsets[f] = offset;
		lookup->sizes[f] = field_size(key->fields[f]);
		offset += field_slot(key->fields[f]);
	}
	lookup_summarize(atoms, lookup);
	if (set->interval && set->element_count) {
		lookup->reach = arena_array(atoms->arena, set->element_count, sizeof(*lookup->reach));
		tree_build(lookup, 0, set->element_count);
	}
	return *bucket = lookup;
}

/* A key of one coded field needs no set: the codes are the set. */
static struct atom coded_lookup(struct atoms *atoms, const struct lookup *lookup, enum code_variable variable)
{
	struct atom atom = { .kind = ATOM_CODES, .variable = (uint8_t)variable };

	for (size_t e = 0; e < lookup->set->element_count; e++) {
		const struct element *element = &lookup->set->elements[e];
		struct codes codes = element_codes(atoms->space, lookup, element, 0);

		if (!element_is_there(atoms, element))
			continue;
		for (size_t i = 0; i < SPACE_WORDS; i++) {
			atom.codes.words[i] |= codes.words[i];
			atom.sure.words[i] |= element->expires_at ? 0 : codes.words[i];
		}
	}
	return atom;
}

size_t atoms_of_lookup(struct atoms *atoms, const struct key *key, const struct set *set, struct atom *ret_atoms)
{
	const struct lookup *lookup = lookup_make(atoms, key, set);
	size_t count = 0;

	for (size_t f = 0; f < lookup->fields; f++) {
		if (lookup->places[f].kind == PLACE_ABSENT) {
			ret_atoms[0] = (struct atom){ .kind = ATOM_NEVER };
			return 1;
		}
		count += presence_atoms(atoms, key->fields[f], &ret_atoms[count]);
	}
	if (lookup->fields == 1 && lookup->places[0].kind == PLACE_CODES && lookup->places[0].variable != CODE_STATUS && set->data != SET_DATA_MARK &&
	    !set->interval)
		ret_atoms[count] = coded_lookup(atoms, lookup, lookup->places[0].variable);
	else
		ret_atoms[count] = (struct atom){ .kind = ATOM_LOOKUP, .lookup = lookup };
	return count + 1;
}

/* ---- elements and regions */

static const struct extent *region_extent(const struct region *region, uint8_t variable, uint8_t mark)
{
	return &region->extents[variable == RANGE_MARK ? RANGE_MARK + mark : variable];
}

/* True when some of the codes stand for more than one value: an element with one of these has never all of its packets. */
static bool codes_are_of_many(uint8_t variable, const struct codes *codes)
{
	switch (variable) {
	case CODE_IIF: case CODE_OIF: case CODE_HOP: return codes_have(codes, CODE_OTHER);
	case CODE_IIFTYPE: return codes_have(codes, CODE_OTHER_TYPE);
	case CODE_STATUS: return true;
	default: return false;
	}
}

/* See field_meets(), for a coded field. */
static enum tri codes_meet_region(const struct atoms *atoms, const struct lookup *lookup, const struct element *element, size_t field,
				  const struct region *region)
{
	const uint8_t variable = lookup->places[field].variable;
	const struct codes *present = &region->codes[variable];
	const size_t only = element_code(atoms->space, lookup, element, field);
	struct codes codes;

	if (only < SPACE_CODES_MAX && !codes_have(present, only))
		return TRI_FALSE;
	codes = only < SPACE_CODES_MAX ? codes_one(only) : element_codes(atoms->space, lookup, element, field);
	if (!codes_meet(&codes, present))
		return TRI_FALSE;
	return !codes_are_of_many(variable, present) && codes_cover(&codes, present) ? TRI_TRUE : TRI_SOME;
}

/* How much of the region's packets an element has in one field: FALSE none, TRUE all, SOME some. */
static enum tri field_meets(const struct atoms *atoms, const struct lookup *lookup, const struct element *element, size_t field,
			    const struct region *region, uint8_t mark)
{
	const struct place place = lookup->places[field];
	struct extent extent;

	if (place.kind == PLACE_CODES)
		return codes_meet_region(atoms, lookup, element, field, region);
	extent = element_extent(lookup, element, field);
	if (place.kind == PLACE_CONSTANT)
		return extent.first <= place.constant && place.constant <= extent.last ? TRI_TRUE : TRI_FALSE;
	if (!extents_meet(extent, *region_extent(region, place.variable, mark)))
		return TRI_FALSE;
	return extent_covers(extent, *region_extent(region, place.variable, mark)) ? TRI_TRUE : TRI_SOME;
}

/* The same for the whole key. */
static enum tri element_meets(const struct atoms *atoms, const struct lookup *lookup, const struct element *element, const struct region *region,
			      uint8_t mark)
{
	enum tri all = TRI_TRUE;

	for (size_t f = 0; f < lookup->fields; f++) {
		enum tri one = field_meets(atoms, lookup, element, f, region, mark);

		if (one == TRI_FALSE)
			return TRI_FALSE;
		if (one == TRI_SOME)
			all = TRI_SOME;
	}
	return all;
}

bool region_take_element(struct atoms *atoms, const struct lookup *lookup, const struct element *element, struct region *region, uint8_t mark)
{
	for (size_t f = 0; f < lookup->fields; f++) {
		const struct place place = lookup->places[f];
		struct extent *extent;
		struct codes codes;

		if (place.kind == PLACE_CODES) {
			codes = element_codes(atoms->space, lookup, element, f);
			codes_keep(&region->codes[place.variable], &codes);
			if (codes_are_empty(&region->codes[place.variable]))
				return false;
		} else if (place.kind == PLACE_RANGE) {
			extent = &region->extents[place.variable == RANGE_MARK ? RANGE_MARK + mark : place.variable];
			*extent = extent_common(*extent, element_extent(lookup, element, f));
			if (extent_is_empty(*extent))
				return false;
		} else if (field_meets(atoms, lookup, element, f, region, mark) == TRI_FALSE) {
			return false;
		}
	}
	return true;
}

/* The one value a field has in the region, if it has one. */
static bool field_point(const struct atoms *atoms, const struct lookup *lookup, size_t number, const struct region *region, uint8_t mark,
			uint8_t value[static 16])
{
	const struct place place = lookup->places[number];
	const enum field field = lookup->key.fields[number];
	uint8_t other[16];
	size_t code;

	if (place.kind == PLACE_CONSTANT) {
		value[0] = place.constant;
		return true;
	}
	if (place.kind == PLACE_RANGE) {
		wide_to_bytes(region_extent(region, place.variable, mark)->first, value, field_size(field));
		return extent_is_single(*region_extent(region, place.variable, mark));
	}
	code = codes_next(&region->codes[place.variable], 0);
	if (code == SPACE_CODES_MAX || !code_value(atoms->space, field, code, value))
		return false;
	while ((code = codes_next(&region->codes[place.variable], code + 1)) < SPACE_CODES_MAX)
		if (!code_value(atoms->space, field, code, other) || memcmp(value, other, 16) != 0)
			return false;
	return true;
}

/* Among sorted elements from low up to, not including, high, the first whose key's first bytes are not below (after: are above) the prefix; high: none. */
static size_t prefix_bound(const struct set *set, size_t low, size_t high, const uint8_t *prefix, size_t length, bool after)
{
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(set->elements[middle].key, prefix, length);

		if (order < 0 || (after && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where the elements end that begin at a place with the prefix: mostly it is one or none, so the search goes on in strides that double. */
static size_t prefix_end(const struct set *set, size_t begin, const uint8_t *prefix, size_t length)
{
	size_t low = begin, stride = 1;

	while (stride <= set->element_count - low && memcmp(set->elements[low + stride - 1].key, prefix, length) == 0) {
		low += stride;
		stride *= 2;
	}
	return prefix_bound(set, low, stride <= set->element_count - low ? low + stride - 1 : set->element_count, prefix, length, true);
}

/* The elements of an exact set that begin with the values that the region has for the first fields. */
static void exact_bounds(const struct atoms *atoms, const struct lookup *lookup, const struct region *region, uint8_t mark, size_t *ret_begin,
			 size_t *ret_end)
{
	uint8_t prefix[RULESET_KEY_FIELDS_MAX * 16] = { 0 };
	size_t length = 0;

	for (size_t f = 0; f < lookup->fields; f++) {
		uint8_t value[16] = { 0 };

		if (!field_point(atoms, lookup, f, region, mark, value))
			break;
		memcpy(prefix + length, value, lookup->sizes[f]);
		length += field_slot(lookup->key.fields[f]);
	}
	*ret_begin = length ? prefix_bound(lookup->set, 0, lookup->set->element_count, prefix, length, false) : 0;
	*ret_end = length ? prefix_end(lookup->set, *ret_begin, prefix, length) : lookup->set->element_count;
}

/* One search. */
struct search {
	struct atoms *atoms;
	const struct lookup *lookup;
	const struct region *region;
	uint8_t mark;
	struct extent first;	/* interval sets: the first field of the region, when it is a number */
	element_visit visit;
	void *context;
};

static bool search_element(const struct search *search, size_t place)
{
	const struct element *element = &search->lookup->set->elements[place];

	++*search->atoms->work;
	if (!element_is_there(search->atoms, element) ||
	    element_meets(search->atoms, search->lookup, element, search->region, search->mark) == TRI_FALSE)
		return true;
	return search->visit(search->context, element);
}

static bool search_tree(const struct search *search, size_t begin, size_t end)
{
	size_t middle = begin + (end - begin) / 2;

	if (begin >= end || search->lookup->reach[middle] < search->first.first)
		return true;
	if (!search_tree(search, begin, middle) || !search_element(search, middle))
		return false;
	if (element_extent(search->lookup, &search->lookup->set->elements[middle], 0).first > search->first.last)
		return true;
	return search_tree(search, middle + 1, end);
}

/* What the region has in the first field of a key, as a number; everything where that is no range. */
static struct extent first_extent(const struct atoms *atoms, const struct lookup *lookup, const struct region *region, uint8_t mark)
{
	const size_t size = field_size(lookup->key.fields[0]);
	uint8_t value[16] = { 0 };

	if (lookup->places[0].kind == PLACE_RANGE)
		return *region_extent(region, lookup->places[0].variable, mark);
	if (!field_point(atoms, lookup, 0, region, mark, value))
		return (struct extent){ 0, ~(wide)0 };
	return (struct extent){ wide_of_bytes(value, size), wide_of_bytes(value, size) };
}

bool lookup_each(struct atoms *atoms, const struct lookup *lookup, const struct region *region, uint8_t mark, element_visit visit, void *context)
{
	struct search search = { atoms, lookup, region, mark, { 0, ~(wide)0 }, visit, context };
	size_t begin, end;

	if (lookup->set->interval) {
		search.first = first_extent(atoms, lookup, region, mark);
		return search_tree(&search, 0, lookup->set->element_count);
	}
	exact_bounds(atoms, lookup, region, mark, &begin, &end);
	for (size_t i = begin; i < end; i++)
		if (!search_element(&search, i))
			return false;
	return true;
}

/* ---- asking an atom */

/* What a look-up finds for a region. */
struct finding_out {
	const struct atoms *atoms;
	const struct atom *atom;
	const struct region *region;
	uint8_t mark;
	size_t seen;
	const struct element *covering; /* has all packets of the region */
};

static bool find_out(void *context, const struct element *element)
{
	struct finding_out *out = context;

	out->seen++;
	if (element_meets(out->atoms, out->atom->lookup, element, out->region, out->mark) == TRI_TRUE)
		out->covering = element;
	return !out->covering && out->seen < FEW_ELEMENTS;
}

/* False when some field of the region lies outside of everything in the set. */
static bool lookup_can_hit(const struct lookup *lookup, const struct region *region, uint8_t mark)
{
	for (size_t f = 0; f < lookup->fields; f++) {
		const struct place place = lookup->places[f];

		if (place.kind == PLACE_CODES && !codes_meet(&lookup->unions[f], &region->codes[place.variable]))
			return false;
		if (place.kind == PLACE_RANGE && !extents_meet(lookup->hulls[f], *region_extent(region, place.variable, mark)))
			return false;
	}
	return lookup->set->element_count > 0;
}

/* True when so few elements can be hit that it is worth looking at them. */
static bool lookup_is_narrow(const struct atoms *atoms, const struct lookup *lookup, const struct region *region, uint8_t mark)
{
	size_t begin, end;

	if (lookup->set->interval)
		return extent_is_single(first_extent(atoms, lookup, region, mark));
	exact_bounds(atoms, lookup, region, mark, &begin, &end);
	return end - begin <= FEW_ELEMENTS;
}

/* *ret_element: the one that is hit when the answer is TRUE, or would be if it does not expire before. */
static enum tri ask_lookup(struct atoms *atoms, const struct atom *atom, const struct region *region, uint8_t mark,
			   const struct element **ret_element)
{
	struct finding_out out = { .atoms = atoms, .atom = atom, .region = region, .mark = mark };

	*ret_element = NULL;
	if (!lookup_can_hit(atom->lookup, region, mark))
		return TRI_FALSE;
	if (!lookup_is_narrow(atoms, atom->lookup, region, mark) && atom->lookup->set->element_count > FEW_ELEMENTS)
		return TRI_SOME;
	lookup_each(atoms, atom->lookup, region, mark, find_out, &out);
	if (out.seen == 0)
		return TRI_FALSE;
	*ret_element = out.covering;
	return out.covering && out.covering->expires_at == 0 ? TRI_TRUE : TRI_SOME;
}

static enum tri ask_codes(const struct atom *atom, const struct region *region)
{
	const struct codes *codes = &region->codes[atom->variable];

	if (!codes_meet(&atom->codes, codes))
		return TRI_FALSE;
	return codes_cover(&atom->sure, codes) ? TRI_TRUE : TRI_SOME;
}

static enum tri ask_number(const struct atom *atom, const struct extent *extent)
{
	if (atom->kind == ATOM_MASK) {
		if (!extent_is_single(*extent))
			return TRI_SOME;
		return (extent->first & atom->mask) == atom->value ? TRI_TRUE : TRI_FALSE;
	}
	if (!extents_meet(atom->extent, *extent))
		return TRI_FALSE;
	return extent_covers(atom->extent, *extent) ? TRI_TRUE : TRI_SOME;
}

static enum tri ask_plain(struct atoms *atoms, const struct atom *atom, const struct region *region, uint8_t mark, const struct element **ret_element)
{
	switch (atom->kind) {
	case ATOM_CODES: return ask_codes(atom, region);
	case ATOM_RANGE: case ATOM_MASK: return ask_number(atom, region_extent(region, atom->variable, mark));
	case ATOM_LOOKUP: return ask_lookup(atoms, atom, region, mark, ret_element);
	case ATOM_NEVER: break;
	}
	return TRI_FALSE;
}

static enum tri ask(struct atoms *atoms, const struct atom *atom, const struct region *region, uint8_t mark, const struct element **ret_element)
{
	enum tri answer;

	++*atoms->work;
	*ret_element = NULL;
	answer = ask_plain(atoms, atom, region, mark, ret_element);
	if (!atom->negated || answer == TRI_SOME)
		return answer;
	return answer == TRI_TRUE ? TRI_FALSE : TRI_TRUE;
}

/* ---- working facts in */

/* Takes a range out of a number where it lies at one of its ends. True: all of it could be taken out. */
static bool extent_drop(struct extent *extent, struct extent dropped)
{
	struct extent common = extent_common(*extent, dropped);

	if (extent_is_empty(common))
		return true;
	if (common.first == extent->first && common.last == extent->last)
		*extent = (struct extent){ 1, 0 };
	else if (common.first == extent->first)
		extent->first = common.last + 1;
	else if (common.last == extent->last)
		extent->last = common.first - 1;
	else
		return false;
	return true;
}

/* Narrows the coded fields of a look-up to what is in the set at all. */
static void take_unions(const struct lookup *lookup, struct region *region, uint8_t mark)
{
	for (size_t f = 0; f < lookup->fields; f++) {
		const struct place place = lookup->places[f];
		struct extent *extent;

		if (place.kind == PLACE_CODES)
			codes_keep(&region->codes[place.variable], &lookup->unions[f]);
		if (place.kind != PLACE_RANGE)
			continue;
		extent = &region->extents[place.variable == RANGE_MARK ? RANGE_MARK + mark : place.variable];
		*extent = extent_common(*extent, lookup->hulls[f]);
	}
}

/* Makes an atom true (or false) in the region. True: it says now all there is to say. */
static bool apply(const struct atom *atom, struct region *region, uint8_t mark, bool truth)
{
	struct extent *extent = &region->extents[atom->variable == RANGE_MARK ? RANGE_MARK + mark : atom->variable];

	truth ^= atom->negated;
	if (atom->kind == ATOM_CODES) {
		if (truth)
			codes_keep(&region->codes[atom->variable], &atom->codes);
		else
			codes_drop(&region->codes[atom->variable], &atom->sure);
		return atom->mask == 0 || ask_codes(atom, region) != TRI_SOME;
	}
	if (atom->kind == ATOM_RANGE && truth) {
		*extent = extent_common(*extent, atom->extent);
		return true;
	}
	if (atom->kind == ATOM_RANGE)
		return extent_drop(extent, atom->extent);
	if (atom->kind == ATOM_LOOKUP && truth)
		take_unions(atom->lookup, region, mark);
	return false;
}

enum fact_state { FACT_OPEN, FACT_DONE, FACT_IMPOSSIBLE };

/* A look-up that hits one element and no other: what the element says beyond the key. */
static void take_element(struct path *path, const struct fact *fact, size_t atom, const struct element *element)
{
	struct extent *mark = &path->region.extents[RANGE_MARK + fact->gives];

	if (element->expires_at && element->expires_at < path->until)
		path->until = element->expires_at;
	if (fact->gives && atom + 1 == fact->count)
		*mark = extent_common(*mark, (struct extent){ element->mark, element->mark });
}

static void atom_note_done(struct fact *fact, size_t atom)
{
	fact->done |= (uint64_t)1 << atom;
}

/* One atom that holds. FACT_DONE: from now on it is true of all packets. */
static enum fact_state work_in_atom(struct atoms *atoms, struct path *path, const struct fact *fact, size_t number)
{
	const struct atom *atom = &fact->atoms[number];
	const struct element *element;
	enum tri answer = ask(atoms, atom, &path->region, fact->mark, &element);

	if (answer == TRI_FALSE)
		return FACT_IMPOSSIBLE;
	if (element) {
		/* It is hit, or it has expired and nothing is: then no packet comes this way. */
		take_element(path, fact, number, element);
		return FACT_DONE;
	}
	return answer == TRI_TRUE || apply(atom, &path->region, fact->mark, true) ? FACT_DONE : FACT_OPEN;
}

/* All atoms hold. */
static enum fact_state work_in_positive(struct atoms *atoms, struct path *path, struct fact *fact)
{
	bool open = false;

	for (size_t i = 0; i < fact->count; i++) {
		enum fact_state state = fact_has_done(fact, i) ? FACT_DONE : work_in_atom(atoms, path, fact, i);

		if (state == FACT_IMPOSSIBLE)
			return FACT_IMPOSSIBLE;
		if (state == FACT_DONE)
			atom_note_done(fact, i);
		open |= state == FACT_OPEN;
	}
	return open ? FACT_OPEN : FACT_DONE;
}

/* At least one atom does not hold. */
static enum fact_state work_in_negative(struct atoms *atoms, struct path *path, const struct fact *fact)
{
	const struct atom *open = NULL;
	size_t open_count = 0;

	for (size_t i = 0; i < fact->count; i++) {
		const struct element *element;
		enum tri answer = ask(atoms, &fact->atoms[i], &path->region, fact->mark, &element);

		if (answer == TRI_FALSE)
			return FACT_DONE;
		if (answer == TRI_SOME) {
			open = &fact->atoms[i];
			open_count++;
		}
	}
	if (open_count == 0)
		return FACT_IMPOSSIBLE;
	if (open_count > 1)
		return FACT_OPEN;
	return apply(open, &path->region, fact->mark, false) ? FACT_DONE : FACT_OPEN;
}

static enum fact_state work_in(struct atoms *atoms, struct path *path, struct fact *fact)
{
	return fact->holds ? work_in_positive(atoms, path, fact) : work_in_negative(atoms, path, fact);
}

void path_begin(struct path *path, const struct region *region)
{
	path->region = *region;
	path->fact_count = 0;
	path->mark = 0;
	path->until = INT64_MAX;
	path->end = VERDICT_NONE;
}

void path_copy(struct path *to, const struct path *from)
{
	path_begin(to, &from->region);
	to->fact_count = from->fact_count;
	to->mark = from->mark;
	to->until = from->until;
	to->end = from->end;
	memcpy(to->facts, from->facts, from->fact_count * sizeof(from->facts[0]));
}

/* One round over all facts; those that are done go. */
static bool settle_round(struct atoms *atoms, struct path *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < path->fact_count; i++) {
		struct fact fact = path->facts[i];
		enum fact_state state = work_in(atoms, path, &fact);

		if (state == FACT_IMPOSSIBLE)
			return false;
		if (state == FACT_OPEN)
			path->facts[kept++] = fact;
	}
	path->fact_count = kept;
	return true;
}

bool path_settle(struct atoms *atoms, struct path *path)
{
	for (int round = 0; round < SETTLE_ROUNDS_MAX; round++) {
		struct region before;

		if (region_is_empty(&path->region))
			return false;
		if (path->fact_count == 0)
			return true;
		before = path->region;
		if (!settle_round(atoms, path))
			return false;
		if (path->fact_count == 0)
			break;
		if (memcmp(&before, &path->region, sizeof(before)) == 0)
			return true;
	}
	return !region_is_empty(&path->region);
}

bool path_take_element(struct atoms *atoms, struct path *path, size_t fact, size_t atom, const struct element *element)
{
	struct fact *taken = &path->facts[fact];

	if (!region_take_element(atoms, taken->atoms[atom].lookup, element, &path->region, taken->mark))
		return false;
	take_element(path, taken, atom, element);
	atom_note_done(taken, atom);
	return path_settle(atoms, path);
}

/* True when all that the negative fact still leaves open is a look-up that has just hit: one packet cannot hit and miss in the same set. */
static bool fact_denies(struct atoms *atoms, const struct path *path, const struct fact *negative, const struct lookup *hit, uint8_t mark)
{
	bool denied = false;

	for (size_t i = 0; i < negative->count; i++) {
		const struct atom *atom = &negative->atoms[i];
		const struct element *element;

		if (atom->kind == ATOM_LOOKUP && atom->lookup == hit && negative->mark == mark)
			denied = true;
		else if (ask(atoms, atom, &path->region, negative->mark, &element) != TRI_TRUE)
			return false;
	}
	return denied;
}

/* True when a look-up of the new fact has missed before on this path. */
static bool path_denies(struct atoms *atoms, const struct path *path, const struct fact *fact)
{
	for (size_t i = 0; i < fact->count; i++) {
		if (fact->atoms[i].kind != ATOM_LOOKUP)
			continue;
		for (size_t f = 0; f < path->fact_count; f++)
			if (!path->facts[f].holds && fact_denies(atoms, path, &path->facts[f], fact->atoms[i].lookup, fact->mark))
				return true;
	}
	return false;
}

bool path_learn(struct atoms *atoms, struct path *path, struct fact fact)
{
	enum fact_state state;

	if (fact.count == 0)
		return fact.holds;
	if (fact.holds && path_denies(atoms, path, &fact))
		return false;
	state = work_in(atoms, path, &fact);
	if (state == FACT_IMPOSSIBLE || region_is_empty(&path->region))
		return false;
	if (state == FACT_DONE)
		return true;
	/* Without it the path stands for more packets than go its way. */
	if (path->fact_count < PATH_FACTS_MAX)
		path->facts[path->fact_count++] = fact;
	return true;
}
