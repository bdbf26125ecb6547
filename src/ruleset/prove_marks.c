/* prove_marks: which marks rules give to which connections. */
#include <stdlib.h>
#include <string.h>

#include "ruleset/prove_parts.h"

enum { ALIKE_LOOKED_AT = 16 };

struct tuple tuple_any(const struct prover *prover)
{
	const struct region region = region_at_hook(&prover->space, prover->family, HOOK_OTHER);

	return (struct tuple){
		.protocols = region.codes[CODE_PROTOCOL], .icmp_types = region.codes[CODE_ICMP_TYPE],
		.source = region.extents[RANGE_SOURCE], .destination = region.extents[RANGE_DESTINATION],
		.sport = region.extents[RANGE_SPORT], .dport = region.extents[RANGE_DPORT], .uid = region.extents[RANGE_UID],
		.from_gateway = true, .to_gateway = true, .through = true,
	};
}

static struct tuple tuple_of_region(const struct region *region)
{
	struct tuple tuple;

	memset(&tuple, 0, sizeof(tuple)); /* tuples are compared byte by byte */
	tuple.protocols = region->codes[CODE_PROTOCOL];
	tuple.icmp_types = region->codes[CODE_ICMP_TYPE];
	tuple.source = region->extents[RANGE_SOURCE];
	tuple.destination = region->extents[RANGE_DESTINATION];
	tuple.sport = region->extents[RANGE_SPORT];
	tuple.dport = region->extents[RANGE_DPORT];
	tuple.uid = region->extents[RANGE_UID];
	return tuple;
}

/* Exchanges two codes that stand in one word. */
static void codes_exchange(struct codes *codes, size_t a, size_t b)
{
	uint64_t *word = &codes->words[a / 64], differ = (*word >> a % 64 ^ *word >> b % 64) & 1;

	*word ^= differ << a % 64 | differ << b % 64;
}

struct codes icmp_turned(const struct codes *types)
{
	static const uint8_t pairs[][2] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 17, 18 }, { 128, 129 } };
	struct codes turned = *types;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		codes_exchange(&turned, pairs[i][0], pairs[i][1]);
	return turned;
}

/* The first packet of the connection whose reply this is. */
static struct tuple tuple_turned(const struct tuple *tuple)
{
	struct tuple turned = *tuple;

	turned.source = tuple->destination;
	turned.destination = tuple->source;
	turned.sport = tuple->dport;
	turned.dport = tuple->sport;
	turned.icmp_types = icmp_turned(&tuple->icmp_types);
	return turned;
}

/* The ways through a chain lead over a map more than once; one is enough. */
static bool site_is_known(const struct givers *givers, const struct giver *site)
{
	for (size_t i = 0; i < givers->site_count && i < ALIKE_LOOKED_AT; i++)
		if (memcmp(&givers->sites[givers->site_count - 1 - i], site, sizeof(*site)) == 0)
			return true;
	return false;
}

static void add_site(struct prover *prover, const struct giver *site)
{
	struct givers *givers = &prover->givers;

	if (site_is_known(givers, site))
		return;
	givers->sites = arena_grow(prover->arena, givers->sites, givers->site_count, &givers->site_capacity, sizeof(*givers->sites));
	givers->sites[givers->site_count++] = *site;
}

/* True for facts that mean the same wherever they are asked. */
static bool fact_is_plain(const struct fact *fact)
{
	for (size_t i = 0; i < fact->count; i++)
		if (fact->atoms[i].kind == ATOM_LOOKUP || (fact->atoms[i].kind != ATOM_CODES && fact->atoms[i].variable >= RANGE_MARK))
			return false;
	return true;
}

static void take_facts(struct giver *site, const struct path *path)
{
	for (size_t i = 0; i < path->fact_count && site->fact_count < GIVER_FACTS_MAX; i++) {
		struct fact *fact = &site->facts[site->fact_count];

		if (!fact_is_plain(&path->facts[i]))
			continue;
		fact->atoms = path->facts[i].atoms;
		fact->count = path->facts[i].count;
		fact->holds = path->facts[i].holds;
		site->fact_count++;
	}
}

void givers_take(struct prover *prover, const struct mark_gift *gift)
{
	const struct codes related = codes_between(STATE_RELATED, STATE_RELATED_REPLY);
	const struct codes icmp = codes_one(icmp_protocol(prover->family));
	const struct region *region = &gift->path->region;
	struct giver site;

	memset(&site, 0, sizeof(site)); /* sites are compared byte by byte */
	site.lookup = gift->lookup;
	site.value = gift->mark;
	site.hook = prover->hook;
	site.tuple = tuple_of_region(region);
	site.states = region->codes[CODE_STATE];
	codes_keep(&site.states, (const struct codes[]){ states_tracked() });
	if (codes_are_empty(&site.states))
		return;
	take_facts(&site, gift->path);
	/* The mark goes to the connection that an ICMP error quotes: any. */
	if (codes_meet(&site.states, &related) && codes_meet(&site.tuple.protocols, &icmp)) {
		struct giver quoted = site;

		quoted.quoted = true;
		add_site(prover, &quoted);
	}
	add_site(prover, &site);
}

/* ---- marks */

/* One site being taken apart. */
struct site_reading {
	struct prover *prover;
	uint32_t site;
};

static void add_given(struct prover *prover, struct given given)
{
	struct givers *givers = &prover->givers;

	givers->items = arena_grow(prover->arena, givers->items, givers->count, &givers->capacity, sizeof(*givers->items));
	givers->items[givers->count++] = given;
}

static bool take_map_element(void *context, const struct element *element)
{
	const struct site_reading *reading = context;

	add_given(reading->prover, (struct given){ element->mark, reading->site, element });
	return true;
}

/* All packets of the family that a tuple stands for, as a region that keys can be looked up with. */
static struct region region_of_tuple(const struct prover *prover, const struct tuple *tuple, const struct codes *states)
{
	struct region region = region_at_hook(&prover->space, prover->family, HOOK_OTHER);

	region.codes[CODE_PROTOCOL] = tuple->protocols;
	region.codes[CODE_ICMP_TYPE] = tuple->icmp_types;
	region.codes[CODE_STATE] = *states;
	region.extents[RANGE_SOURCE] = tuple->source;
	region.extents[RANGE_DESTINATION] = tuple->destination;
	region.extents[RANGE_SPORT] = tuple->sport;
	region.extents[RANGE_DPORT] = tuple->dport;
	region.extents[RANGE_UID] = tuple->uid;
	return region;
}

static int compare_given(const void *a, const void *b)
{
	const struct given *left = a, *right = b;

	if (left->mark != right->mark)
		return left->mark < right->mark ? -1 : 1;
	if (left->giver != right->giver)
		return left->giver < right->giver ? -1 : 1;
	return (left->element > right->element) - (left->element < right->element);
}

void givers_close(struct prover *prover)
{
	struct givers *givers = &prover->givers;

	for (uint32_t i = 0; i < givers->site_count; i++) {
		struct giver *site = &givers->sites[i];
		struct region *region = arena_alloc(prover->arena, sizeof(*region));
		struct site_reading reading = { prover, i };

		*region = region_of_tuple(prover, &site->tuple, &site->states);
		site->region = region;
		if (site->lookup)
			lookup_each(&prover->atoms, site->lookup, region, 0, take_map_element, &reading);
		else
			add_given(prover, (struct given){ site->value, i, NULL });
	}
	if (givers->count)
		qsort(givers->items, givers->count, sizeof(*givers->items), compare_given);
}

/* Of which kind a connection is whose packet of a direction is at a hook. */
static void tuple_begins(struct tuple *tuple, enum hook_point hook, bool reply)
{
	tuple->through = hook == HOOK_FORWARD || hook == HOOK_PREROUTING || hook == HOOK_OTHER;
	tuple->to_gateway = hook == (reply ? HOOK_OUTPUT : HOOK_INPUT) || (hook == HOOK_PREROUTING && !reply) || hook == HOOK_OTHER;
	tuple->from_gateway = hook == (reply ? HOOK_INPUT : HOOK_OUTPUT) || (hook == HOOK_PREROUTING && reply) || hook == HOOK_OTHER;
}

/* Somebody who wants to know of connections. */
struct visiting {
	void (*visit)(void *context, const struct tuple *tuple);
	void *context;
	struct tuple last;	/* what he was told of last */
	bool told;
};

/* The two directions of a chain give a mark to one and the same connections: told of once is enough. */
static void visit_tuple(struct visiting *visiting, const struct tuple *tuple)
{
	if (visiting->told && memcmp(&visiting->last, tuple, sizeof(*tuple)) == 0)
		return;
	visiting->told = true;
	visiting->last = *tuple;
	visiting->visit(visiting->context, tuple);
}

/* The connections that one way of getting a mark is for, in one direction or both. */
static void visit_given(struct prover *prover, const struct given *given, struct visiting *visiting)
{
	const struct giver *site = &prover->givers.sites[given->giver];
	const struct codes replies = states_of_direction(DIRECTION_REPLY), originals = states_of_direction(DIRECTION_ORIGINAL);
	const struct codes with_header = protocols_read(prover->family);
	struct path path;
	struct tuple tuple;

	path_begin(&path, site->region);
	path.fact_count = site->fact_count;
	memcpy(path.facts, site->facts, site->fact_count * sizeof(site->facts[0]));
	if (given->element && !region_take_element(&prover->atoms, site->lookup, given->element, &path.region, 0))
		return;
	if (codes_cover(&with_header, &path.region.codes[CODE_PROTOCOL]))
		path.region.codes[CODE_PORTS] = codes_one(1);
	if (site->fact_count && !path_settle(&prover->atoms, &path))
		return;
	tuple = site->quoted ? tuple_any(prover) : tuple_of_region(&path.region);
	if (codes_meet(&path.region.codes[CODE_STATE], &originals)) {
		tuple_begins(&tuple, site->hook, false);
		visit_tuple(visiting, &tuple);
	}
	if (!codes_meet(&path.region.codes[CODE_STATE], &replies))
		return;
	tuple = tuple_turned(&tuple);
	tuple_begins(&tuple, site->hook, true);
	visit_tuple(visiting, &tuple);
}

static struct tuple tuple_of_carried(const struct prover *prover, const struct carried *carried)
{
	const wide source = wide_of_address(&carried->source), destination = wide_of_address(&carried->destination);
	struct tuple tuple = tuple_any(prover);

	tuple.protocols = codes_one(carried->protocol);
	tuple.source = (struct extent){ source, source };
	tuple.destination = (struct extent){ destination, destination };
	tuple.sport = (struct extent){ carried->sport, carried->sport };
	tuple.dport = (struct extent){ carried->dport, carried->dport };
	tuple.icmp_types = codes_one(carried->sport >> 8);
	tuple.any_user = true;
	tuple.from_gateway = carried->from_gateway;
	tuple.to_gateway = carried->to_gateway && !carried->from_gateway;
	tuple.through = !carried->from_gateway && !carried->to_gateway;
	return tuple;
}

/* Running connections are sorted by mark. */
static size_t first_carried(const struct proof_input *input, uint32_t mark)
{
	size_t low = 0, high = input->carried_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (input->carried[middle].mark < mark)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t first_given(const struct givers *givers, uint32_t mark)
{
	size_t low = 0, high = givers->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (givers->items[middle].mark < mark)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void givers_each(struct prover *prover, uint32_t first, uint32_t last, void (*visit)(void *context, const struct tuple *tuple), void *context)
{
	const struct givers *givers = &prover->givers;
	const struct proof_input *input = prover->input;
	struct visiting visiting = { .visit = visit, .context = context };

	for (size_t i = first_given(givers, first); i < givers->count && givers->items[i].mark <= last; i++)
		visit_given(prover, &givers->items[i], &visiting);
	for (size_t i = first_carried(input, first); i < input->carried_count && input->carried[i].mark <= last; i++) {
		struct tuple tuple;

		if (input->carried[i].source.family != prover->family)
			continue;
		tuple = tuple_of_carried(prover, &input->carried[i]);
		visit(context, &tuple);
	}
}
