/*
 * compile: a policy becomes the kernel program. The program itself is program_build()'s; here its sets are filled.
 *
 * Flows of single addresses and ports become elements of hash maps, everything else boxes of interval maps that are cut apart where flows
 * overlap. The better flow at a point is the one that lives longer, then the one that stands first in the file.
 */
#include "ruleset/compile.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "policy/law.h"
#include "ruleset/boxes.h"
#include "ruleset/catalogue.h"
#include "ruleset/element_order.h"
#include "ruleset/identities.h"
#include "ruleset/marks.h"
#include "ruleset/program.h"

enum {
	PROTOCOL_ECHO = 1,		/* policy.h: stands for echo in both families */
	PROTOCOL_TCP = 6, PROTOCOL_ICMP6 = 58,
	PORT_RANGE_EXPANDED_MAX = 16,	/* a short range of ports between single addresses is cheaper as hash elements */
};

/* The elements of one set while it is being filled. */
struct filling {
	struct set *set;
	size_t key_bytes;		/* element_key_size() */
	size_t capacity;		/* of the elements and of the ranks */
	struct box_list boxes;		/* interval maps: boxes that still overlap */
	uint32_t *ranks;		/* exact maps and live sets: rank of each element */
};

struct ranked_flow {
	int64_t closes_at;	/* INT64_MAX: never */
	uint32_t index;
};

/* The three maps of a pair and family. */
struct pair_maps {
	uint32_t from, to;
	struct filling exact[2], range[2], portless[2];
};

struct compiler {
	struct arena *arena;
	const struct policy *policy;
	const struct compile_world *world;
	struct findings *findings;
	struct ruleset *ruleset;
	struct table *inet;
	struct program_input input;
	uint32_t **links;		/* by zone and interface of it: its index; 0: it does not exist */
	size_t *flows_between;		/* by from * zone_count + to: open flows */
	struct ranked_flow *ranked;	/* the flows, the better first once rank_flows() is through */
	bool *open;			/* each flow: it has not expired */
	struct flow_mark *marks;
	uint32_t *ranks;		/* of each flow; smaller is better */
	struct pair_maps *pairs;	/* one per input.pairs */
	struct filling live, local_live;
	struct filling ends[2];
	struct filling local_in[2], local_in_portless[2], local_out[2], local_out_portless[2];
	size_t range_count;
};

static const uint8_t nfprotos[2] = { NFPROTO_V4, NFPROTO_V6 };

static size_t family_index(const struct netaddr *address)
{
	return address->family == 6;
}

/* ---- keys */

/* A key under construction, field by field. */
struct key_writer {
	uint8_t *bytes;
	size_t length;
};

static struct key_writer key_begin(struct compiler *compiler, const struct filling *filling)
{
	return (struct key_writer){ .bytes = arena_alloc(compiler->arena, filling->key_bytes) };
}

static void key_number(struct key_writer *writer, uint32_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		writer->bytes[writer->length + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
	writer->length += (size + 3) / 4 * 4;
}

static void key_address(struct key_writer *writer, const struct netaddr *address)
{
	size_t size = netaddr_size(address->family);

	memcpy(writer->bytes + writer->length, address->bytes, size);
	writer->length += size;
}

static void key_mac(struct key_writer *writer, const struct macaddr *mac)
{
	memcpy(writer->bytes + writer->length, mac->bytes, sizeof(mac->bytes));
	writer->length += 8;
}

/* Makes room for so many elements, so that they need not move while they are filled in. */
static void filling_reserve(struct compiler *compiler, struct filling *filling, size_t count)
{
	filling->set->elements = arena_array(compiler->arena, count, sizeof(*filling->set->elements));
	filling->ranks = arena_array(compiler->arena, count, sizeof(*filling->ranks));
	filling->capacity = count;
}

static void filling_grow(struct compiler *compiler, struct filling *filling)
{
	const size_t count = filling->set->element_count;
	size_t capacity = filling->capacity;

	filling->ranks = arena_grow(compiler->arena, filling->ranks, count, &capacity, sizeof(*filling->ranks));
	filling->set->elements = arena_grow(compiler->arena, filling->set->elements, count, &filling->capacity, sizeof(*filling->set->elements));
}

static struct element *filling_add(struct compiler *compiler, struct filling *filling, const uint8_t *key, uint32_t rank)
{
	struct set *set = filling->set;

	if (set->element_count == filling->capacity)
		filling_grow(compiler, filling);
	filling->ranks[set->element_count] = rank;
	set->elements[set->element_count].key = key;
	return &set->elements[set->element_count++];
}

/* ---- which flows live, with which marks */

static bool flow_is_open(const struct compiler *compiler, const struct flow *flow)
{
	return !flow->expired && (flow->closes_at == 0 || flow->closes_at > compiler->world->now);
}

/* A number in decimal, and what follows it. There are several in each identity, and printf takes longer than the digest. */
static void identity_number(struct buf *buf, size_t number, char end)
{
	char digits[24];
	size_t first = sizeof(digits);

	digits[--first] = end;
	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	buf_put(buf, digits + first, sizeof(digits) - first);
}

static void identity_text(struct buf *buf, const char *text)
{
	buf_puts(buf, text);
	buf_putc(buf, ';');
}

static void identity_ranges(struct buf *buf, const struct addr_ranges *ranges)
{
	enum { ADDRESS_BYTES = sizeof(ranges->items->first.bytes), RANGE_BYTES = 1 + 2 * ADDRESS_BYTES };
	char *room;

	identity_number(buf, ranges->count, ';');
	room = buf_reserve(buf, ranges->count * RANGE_BYTES);
	for (size_t i = 0; i < ranges->count; i++, room += RANGE_BYTES) {
		room[0] = (char)ranges->items[i].first.family;
		memcpy(room + 1, ranges->items[i].first.bytes, ADDRESS_BYTES);
		memcpy(room + 1 + ADDRESS_BYTES, ranges->items[i].last.bytes, ADDRESS_BYTES);
	}
	buf->length += ranges->count * RANGE_BYTES;
}

/* The content that a connection was judged by: its ends, protocol and ports; not the name, the record or the expiry. */
static void flow_content(const struct compiler *compiler, const struct flow *flow, struct buf *buf)
{
	const struct zone *zones = compiler->policy->zones;

	identity_number(buf, flow->kind, ';');
	identity_text(buf, flow->kind == FLOW_EGRESS ? "" : zones[flow->from].name);
	identity_text(buf, flow->kind == FLOW_LOCAL ? "" : zones[flow->to].name);
	identity_number(buf, flow->protocol, ';');
	identity_number(buf, flow->kind == FLOW_EGRESS ? flow->uid : 0, ';');
	identity_ranges(buf, &flow->sources);
	identity_ranges(buf, &flow->destinations);
	for (size_t i = 0; i < flow->port_count; i++) {
		identity_number(buf, flow->ports[i].first, '-');
		identity_number(buf, flow->ports[i].last, ';');
	}
}

/* What is asked of every flow is asked once: with many of them each look is one into memory and not into a cache. */
static void look_at_flows(struct compiler *compiler)
{
	const struct policy *policy = compiler->policy;
	struct buf content = buf_limited(0);
	uint8_t bytes[DIGEST_BYTES];

	for (size_t i = 0; i < policy->flow_count; i++) {
		const struct flow *flow = &policy->flows[i];

		compiler->open[i] = flow_is_open(compiler, flow);
		compiler->ranked[i] = (struct ranked_flow){ .closes_at = flow->closes_at ? flow->closes_at : INT64_MAX, .index = (uint32_t)i };
		if (flow->kind == FLOW_FORWARD && compiler->open[i])
			compiler->flows_between[flow->from * policy->zone_count + flow->to]++;
		content.length = 0;
		flow_content(compiler, flow, &content);
		digest_bytes(content.data, content.length, bytes);
		memcpy(compiler->marks[i].identity, bytes, COMPILE_IDENTITY_BYTES);
	}
	buf_free(&content);
}

/* Flows of the same content share one mark, the lowest, so that none of them dies with another. */
static void share_marks(struct compiler *compiler)
{
	const size_t count = compiler->policy->flow_count;
	struct identities identities = identities_for(compiler->arena, compiler->marks->identity, sizeof(*compiler->marks), count);
	uint32_t *first = arena_array(compiler->arena, count, sizeof(*first)), *lowest = arena_array(compiler->arena, count, sizeof(*lowest));

	for (size_t i = 0; i < count; i++) {
		const uint32_t mark = compiler->marks[i].mark;
		uint32_t *low;

		first[i] = (uint32_t)identities_add(&identities, i);
		low = &lowest[first[i]];
		if (mark && (!*low || mark < *low))
			*low = mark;
	}
	for (size_t i = 0; i < count; i++)
		if (compiler->marks[i].mark)
			compiler->marks[i].mark = lowest[first[i]];
}

static void give_marks(struct compiler *compiler)
{
	const struct mark_book *book = compiler->world->marks;
	struct mark_source source = mark_source_of(compiler->arena, book);

	for (size_t i = 0; i < compiler->policy->flow_count; i++) {
		const struct mark_entry *known;

		if (!compiler->open[i])
			continue;
		known = mark_book_find(book, compiler->marks[i].identity);
		compiler->marks[i].mark = known ? known->mark : mark_source_next(&source);
	}
	share_marks(compiler);
}

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked_flow *left = a, *right = b;

	if (left->closes_at != right->closes_at)
		return left->closes_at > right->closes_at ? -1 : 1;
	return (left->index > right->index) - (left->index < right->index);
}

/* Mostly no record ends, or all end on the same day. */
static bool ranked_are_sorted(const struct ranked_flow *ranked, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (compare_ranked(&ranked[i - 1], &ranked[i]) > 0)
			return false;
	return true;
}

static void rank_flows(struct compiler *compiler)
{
	const size_t count = compiler->policy->flow_count;
	struct ranked_flow *ranked = compiler->ranked;

	if (!ranked_are_sorted(ranked, count))
		qsort(ranked, count, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < count; i++)
		compiler->ranks[ranked[i].index] = (uint32_t)i;
}

/* ---- the program's input */

static void make_zones(struct compiler *compiler)
{
	const struct policy *policy = compiler->policy;
	struct program_zone *zones = arena_array(compiler->arena, policy->zone_count, sizeof(*zones));

	compiler->links = arena_array(compiler->arena, policy->zone_count, sizeof(*compiler->links));
	for (size_t i = 0; i < policy->zone_count; i++) {
		const struct zone *zone = &policy->zones[i];
		const char **names = arena_array(compiler->arena, zone->interface_count, sizeof(char *));

		compiler->links[i] = arena_array(compiler->arena, zone->interface_count, sizeof(**compiler->links));
		for (size_t j = 0; j < zone->interface_count; j++) {
			names[j] = zone->interfaces[j].value;
			compiler->links[i][j] = link_index(&compiler->world->links, names[j]);
			if (compiler->links[i][j] == 0)
				finding_add(compiler->findings, &ruleset_catalogue[RULESET_COMPILE_INTERFACE_MISSING],
					    zone->interfaces[j].at, names[j], zone->name, NULL);
		}
		zones[i] = (struct program_zone){ .name = zone->name, .tier = zone->tier, .uplink = zone->uplink, .interfaces = names,
						  .interface_count = zone->interface_count };
	}
	compiler->input = (struct program_input){ .zones = zones, .zone_count = policy->zone_count, .links = &compiler->world->links };
}

/* The pairs that have an open flow, or that want their refusals answered. */
static void make_pairs(struct compiler *compiler)
{
	const struct policy *policy = compiler->policy;
	size_t zones = policy->zone_count, count = 0;
	struct program_pair *pairs = arena_array(compiler->arena, zones * zones, sizeof(*pairs));

	for (size_t i = 0; i < zones * zones; i++) {
		uint32_t from = (uint32_t)(i / zones), to = (uint32_t)(i % zones);
		bool rejects = policy_pair_rejects(policy, from, to);

		if (compiler->flows_between[i] || rejects)
			pairs[count++] = (struct program_pair){ .from = from, .to = to, .rejects = rejects };
	}
	compiler->input.pairs = pairs;
	compiler->input.pair_count = count;
}

/* The program's sets are ours to fill; program_build() hands them out sorted by name. */
static struct filling filling_of(const struct compiler *compiler, const char *name)
{
	struct set *set = (struct set *)(uintptr_t)table_set(compiler->inet, name);

	assert(set);
	return (struct filling){ .set = set, .key_bytes = element_key_size(set) };
}

static struct filling family_filling(const struct compiler *compiler, const char *stem, size_t family)
{
	return filling_of(compiler, arena_printf(compiler->arena, "%s%c", stem, family ? '6' : '4'));
}

static void open_pair_maps(struct compiler *compiler, struct pair_maps *maps, const struct program_pair *pair)
{
	const char *from = compiler->input.zones[pair->from].name, *to = compiler->input.zones[pair->to].name;

	maps->from = pair->from;
	maps->to = pair->to;
	for (size_t f = 0; f < 2; f++) {
		maps->exact[f] = filling_of(compiler, program_map_name(compiler->arena, from, to, "exact", nfprotos[f]));
		maps->range[f] = filling_of(compiler, program_map_name(compiler->arena, from, to, "range", nfprotos[f]));
		maps->portless[f] = filling_of(compiler, program_map_name(compiler->arena, from, to, "portless", nfprotos[f]));
	}
}

static void open_fillings(struct compiler *compiler)
{
	compiler->live = filling_of(compiler, "live");
	compiler->local_live = filling_of(compiler, "local-live");
	for (size_t f = 0; f < 2; f++) {
		compiler->ends[f] = family_filling(compiler, "ends", f);
		compiler->local_in[f] = family_filling(compiler, "local.in", f);
		compiler->local_in_portless[f] = family_filling(compiler, "local.in.portless", f);
		compiler->local_out[f] = family_filling(compiler, "local.out", f);
		compiler->local_out_portless[f] = family_filling(compiler, "local.out.portless", f);
	}
	compiler->pairs = arena_array(compiler->arena, compiler->input.pair_count, sizeof(*compiler->pairs));
	for (size_t i = 0; i < compiler->input.pair_count; i++)
		open_pair_maps(compiler, &compiler->pairs[i], &compiler->input.pairs[i]);
}

static struct pair_maps *maps_of_flow(struct compiler *compiler, const struct flow *flow)
{
	for (size_t i = 0; i < compiler->input.pair_count; i++) {
		if (compiler->pairs[i].from == flow->from && compiler->pairs[i].to == flow->to)
			return &compiler->pairs[i];
	}
	return NULL;
}

/* Room for what most flows are: one source, one destination, one port, of one family that is not known yet; both directions of it live. */
static void reserve_fillings(struct compiler *compiler)
{
	const size_t zones = compiler->policy->zone_count;

	filling_reserve(compiler, &compiler->live, 2 * compiler->policy->flow_count);
	for (size_t i = 0; i < compiler->input.pair_count; i++)
		filling_reserve(compiler, &compiler->pairs[i].exact[0], compiler->flows_between[compiler->pairs[i].from * zones + compiler->pairs[i].to]);
}

/* ---- liveness */

static void add_live(struct compiler *compiler, const struct flow *flow, size_t index, uint32_t iif, uint32_t oif, const char *comment)
{
	struct key_writer key = key_begin(compiler, &compiler->live);
	struct element *element;

	key_number(&key, compiler->marks[index].mark, 4);
	key_number(&key, iif, 4);
	key_number(&key, oif, 4);
	element = filling_add(compiler, &compiler->live, key.bytes, compiler->ranks[index]);
	element->expires_at = flow->closes_at;
	element->comment = comment;
}

/* Both directions of every pair of interfaces; the comment stands at the original direction. */
static size_t add_forward_live(struct compiler *compiler, const struct flow *flow, size_t index, const char *comment)
{
	const struct program_zone *from = &compiler->input.zones[flow->from], *to = &compiler->input.zones[flow->to];
	size_t added = 0;

	for (size_t i = 0; i < from->interface_count * to->interface_count; i++) {
		uint32_t a = compiler->links[flow->from][i / to->interface_count];
		uint32_t b = compiler->links[flow->to][i % to->interface_count];

		if (a == 0 || b == 0)
			continue;
		/* The lower interface first: so the set is sorted as it is filled. */
		if (flow->from != flow->to && b < a)
			add_live(compiler, flow, index, b, a, NULL);
		add_live(compiler, flow, index, a, b, comment);
		if (flow->from != flow->to && b > a)
			add_live(compiler, flow, index, b, a, NULL);
		added++;
	}
	return added;
}

static size_t add_local_live(struct compiler *compiler, const struct flow *flow, size_t index, const struct program_zone *zone, const char *comment)
{
	size_t added = 0;

	for (size_t i = 0; i < zone->interface_count; i++) {
		uint32_t interface = link_index(compiler->input.links, zone->interfaces[i]);
		struct key_writer key = key_begin(compiler, &compiler->local_live);
		struct element *element;

		if (interface == 0)
			continue;
		key_number(&key, compiler->marks[index].mark, 4);
		key_number(&key, interface, 4);
		element = filling_add(compiler, &compiler->local_live, key.bytes, compiler->ranks[index]);
		element->expires_at = flow->closes_at;
		element->comment = comment;
		added++;
	}
	return added;
}

/* ---- flows between zones */

/* One range of sources to one of destinations. */
struct ends {
	const struct addr_range *source, *destination;
};

static uint16_t wire_protocol(const struct flow *flow, size_t family)
{
	return flow->protocol == PROTOCOL_ECHO && family ? PROTOCOL_ICMP6 : flow->protocol;
}

static void add_exact(struct compiler *compiler, struct filling *map, const struct ends *ends, uint16_t protocol, uint16_t port, size_t index)
{
	struct key_writer key = key_begin(compiler, map);

	key_address(&key, &ends->source->first);
	key_address(&key, &ends->destination->first);
	key_number(&key, protocol, 1);
	key_number(&key, port, 2);
	filling_add(compiler, map, key.bytes, compiler->ranks[index])->mark = compiler->marks[index].mark;
}

static void add_box(struct compiler *compiler, struct filling *map, const uint8_t *low, const uint8_t *high, size_t index)
{
	box_list_add(compiler->arena, &map->boxes,
		     (struct box){ .low = low, .high = high, .rank = compiler->ranks[index], .mark = compiler->marks[index].mark });
}

static void add_range(struct compiler *compiler, struct filling *map, const struct ends *ends, uint16_t protocol, const struct port_range *ports,
		      size_t index)
{
	struct key_writer low = key_begin(compiler, map), high = key_begin(compiler, map);

	key_address(&low, &ends->source->first);
	key_address(&high, &ends->source->last);
	key_address(&low, &ends->destination->first);
	key_address(&high, &ends->destination->last);
	key_number(&low, protocol == POLICY_ANY_PROTOCOL ? 0 : protocol, 1);
	key_number(&high, protocol == POLICY_ANY_PROTOCOL ? 255 : protocol, 1);
	if (ports) {
		key_number(&low, ports->first, 2);
		key_number(&high, ports->last, 2);
	}
	add_box(compiler, map, low.bytes, high.bytes, index);
}

/* The ports of a flow without those of mail (a wider range may hold them). In the arena. */
static struct port_range *ports_without_mail(struct compiler *compiler, const struct flow *flow, size_t *ret_count)
{
	struct port_range *ports = arena_array(compiler->arena, flow->port_count * (law_mail_port_count + 1), sizeof(*ports));
	size_t count = 0;

	for (size_t i = 0; i < flow->port_count; i++) {
		uint32_t begin = flow->ports[i].first;

		for (uint32_t port = begin; port <= flow->ports[i].last; port++) {
			bool mail = false;

			for (size_t m = 0; m < law_mail_port_count; m++)
				mail |= law_mail_ports[m] == port;
			if (mail && port > begin)
				ports[count++] = (struct port_range){ (uint16_t)begin, (uint16_t)(port - 1) };
			if (mail)
				begin = port + 1;
		}
		if (begin <= flow->ports[i].last)
			ports[count++] = (struct port_range){ (uint16_t)begin, flow->ports[i].last };
	}
	*ret_count = count;
	return ports;
}

/* The ports of a flow that the law does not bar between its tiers. */
static const struct port_range *lawful_ports(struct compiler *compiler, const struct flow *flow, size_t *ret_count)
{
	const struct zone *zones = compiler->policy->zones;

	if (flow->protocol == PROTOCOL_TCP && law_bars_mail(zones[flow->from].tier, zones[flow->to].tier))
		return ports_without_mail(compiler, flow, ret_count);
	*ret_count = flow->port_count;
	return flow->ports;
}

static bool ports_expand(const struct port_range *ports)
{
	return ports->last - ports->first < PORT_RANGE_EXPANDED_MAX;
}

/* How many hash elements the single addresses and ports of a flow make. */
static bool flow_fits_exact(const struct flow *flow)
{
	size_t product;

	return !__builtin_mul_overflow(flow->sources.count, flow->destinations.count, &product) &&
	       !__builtin_mul_overflow(product, flow->port_count * PORT_RANGE_EXPANDED_MAX, &product) && product <= COMPILE_EXACT_PER_FLOW_MAX;
}

static void add_ported(struct compiler *compiler, struct pair_maps *maps, const struct flow *flow, size_t index, const struct ends *ends,
		       const struct port_range *ports, size_t port_count)
{
	size_t family = family_index(&ends->source->first);
	bool exact = flow_fits_exact(flow) && addr_range_is_single(ends->source) && addr_range_is_single(ends->destination);

	for (size_t i = 0; i < port_count; i++) {
		if (!exact || !ports_expand(&ports[i])) {
			add_range(compiler, &maps->range[family], ends, flow->protocol, &ports[i], index);
			continue;
		}
		for (uint32_t port = ports[i].first; port <= ports[i].last; port++)
			add_exact(compiler, &maps->exact[family], ends, flow->protocol, (uint16_t)port, index);
	}
}

/* ICMP errors of a specified flow pass between its two ends only; both directions stand in the set. */
static void add_end(struct compiler *compiler, uint32_t iif, const struct netaddr *source, uint32_t oif, const struct netaddr *destination)
{
	struct filling *filling = &compiler->ends[family_index(source)];
	struct key_writer key = key_begin(compiler, filling);

	key_number(&key, iif, 4);
	key_address(&key, source);
	key_number(&key, oif, 4);
	key_address(&key, destination);
	filling_add(compiler, filling, key.bytes, 0);
}

static void add_ends(struct compiler *compiler, const struct flow *flow, const struct ends *ends)
{
	const struct program_zone *from = &compiler->input.zones[flow->from], *to = &compiler->input.zones[flow->to];

	if (from->tier == to->tier || (from->tier != TIER_MYNUMBER && to->tier != TIER_MYNUMBER))
		return;
	for (size_t i = 0; i < from->interface_count * to->interface_count; i++) {
		uint32_t a = compiler->links[flow->from][i / to->interface_count];
		uint32_t b = compiler->links[flow->to][i % to->interface_count];

		if (a == 0 || b == 0)
			continue;
		add_end(compiler, a, &ends->source->first, b, &ends->destination->first);
		add_end(compiler, b, &ends->destination->first, a, &ends->source->first);
	}
}

static void add_forward_flow(struct compiler *compiler, const struct flow *flow, size_t index)
{
	struct pair_maps *maps = maps_of_flow(compiler, flow);
	size_t port_count;
	const struct port_range *ports = lawful_ports(compiler, flow, &port_count);

	for (size_t i = 0; i < flow->sources.count * flow->destinations.count; i++) {
		struct ends ends = { &flow->sources.items[i / flow->destinations.count], &flow->destinations.items[i % flow->destinations.count] };
		size_t family = family_index(&ends.source->first);

		if (ends.source->first.family != ends.destination->first.family)
			continue;
		add_ends(compiler, flow, &ends);
		if (protocol_has_ports(flow->protocol))
			add_ported(compiler, maps, flow, index, &ends, ports, port_count);
		else
			add_range(compiler, &maps->portless[family], &ends, wire_protocol(flow, family), NULL, index);
	}
}

/* ---- flows of the gateway itself */

/*
 * Every local map begins with the user (outgoing only) and the interface. Then come the ends: the source, and with ports the destination on
 * the gateway, of what comes in; the destination of what goes out.
 */
static void add_local_box(struct compiler *compiler, struct filling *map, const struct flow *flow, size_t index, uint32_t interface,
			  const struct ends *ends, const struct port_range *ports)
{
	struct key_writer keys[2] = { key_begin(compiler, map), key_begin(compiler, map) };
	uint16_t protocol = wire_protocol(flow, family_index(ends->source ? &ends->source->first : &ends->destination->first));

	for (size_t i = 0; i < 2; i++) {
		if (flow->kind == FLOW_EGRESS)
			key_number(&keys[i], flow->uid, 4);
		key_number(&keys[i], interface, 4);
		if (ends->source)
			key_address(&keys[i], i ? &ends->source->last : &ends->source->first);
		if (ends->destination)
			key_address(&keys[i], i ? &ends->destination->last : &ends->destination->first);
		key_number(&keys[i], protocol, 1);
		if (ports)
			key_number(&keys[i], i ? ports->last : ports->first, 2);
	}
	add_box(compiler, map, keys[0].bytes, keys[1].bytes, index);
}

static void add_local_ports(struct compiler *compiler, struct filling *map, const struct flow *flow, size_t index, uint32_t interface,
			    const struct ends *ends)
{
	for (size_t i = 0; i < flow->port_count; i++)
		add_local_box(compiler, map, flow, index, interface, ends, &flow->ports[i]);
}

static void add_egress_range(struct compiler *compiler, const struct flow *flow, size_t index, uint32_t interface,
			     const struct addr_range *destination)
{
	size_t family = family_index(&destination->first);
	const struct ends ends = { .destination = destination };

	add_local_ports(compiler, &compiler->local_out[family], flow, index, interface, &ends);
	if (!protocol_has_ports(flow->protocol))
		add_local_box(compiler, &compiler->local_out_portless[family], flow, index, interface, &ends, NULL);
}

/* A service without ports (echo) is one of all addresses of the gateway; one with ports may be of some. */
static void add_service_range(struct compiler *compiler, const struct flow *flow, size_t index, uint32_t interface,
			      const struct addr_range *source)
{
	static const struct addr_range everywhere[2] = {
		{ { .family = 4 }, { 4, { 255, 255, 255, 255 } } },
		{ { .family = 6 }, { 6, { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 } } },
	};
	size_t family = family_index(&source->first);
	const struct ends to_any = { .source = source, .destination = &everywhere[family] }, portless = { .source = source };

	if (!protocol_has_ports(flow->protocol))
		add_local_box(compiler, &compiler->local_in_portless[family], flow, index, interface, &portless, NULL);
	if (flow->destinations.count == 0)
		add_local_ports(compiler, &compiler->local_in[family], flow, index, interface, &to_any);
	for (size_t i = 0; i < flow->destinations.count; i++) {
		const struct ends ends = { .source = source, .destination = &flow->destinations.items[i] };

		if (ends.destination->first.family == source->first.family)
			add_local_ports(compiler, &compiler->local_in[family], flow, index, interface, &ends);
	}
}

static void add_local_flow(struct compiler *compiler, const struct flow *flow, size_t index)
{
	bool out = flow->kind == FLOW_EGRESS;
	const struct program_zone *zone = &compiler->input.zones[out ? flow->to : flow->from];
	const struct addr_ranges *ranges = out ? &flow->destinations : &flow->sources;

	for (size_t i = 0; i < zone->interface_count; i++) {
		uint32_t interface = link_index(compiler->input.links, zone->interfaces[i]);

		for (size_t j = 0; interface != 0 && j < ranges->count; j++) {
			if (out)
				add_egress_range(compiler, flow, index, interface, &ranges->items[j]);
			else
				add_service_range(compiler, flow, index, interface, &ranges->items[j]);
		}
	}
}

static void add_flow(struct compiler *compiler, size_t index)
{
	const struct flow *flow = &compiler->policy->flows[index];
	const char *comment;
	size_t live;

	if (compiler->marks[index].mark == 0)
		return;
	comment = live_comment_make(compiler->arena, flow->name, compiler->marks[index].identity);
	if (flow->kind == FLOW_FORWARD)
		live = add_forward_live(compiler, flow, index, comment);
	else
		live = add_local_live(compiler, flow, index, &compiler->input.zones[flow->kind == FLOW_EGRESS ? flow->to : flow->from], comment);
	if (live == 0) {
		compiler->marks[index].mark = 0;
		if (flow->critical)
			finding_add(compiler->findings, &ruleset_catalogue[RULESET_COMPILE_CRITICAL_CLOSED], flow->at, flow->name, NULL);
	} else if (flow->kind == FLOW_FORWARD) {
		add_forward_flow(compiler, flow, index);
	} else {
		add_local_flow(compiler, flow, index);
	}
}

/* ---- sources and next hops */

static void add_binding(struct compiler *compiler, const struct binding *binding, uint32_t interface, struct filling bound[2], struct filling hosts[2])
{
	size_t family = family_index(&binding->address);
	struct key_writer key = key_begin(compiler, &bound[family]);
	struct key_writer host = key_begin(compiler, &hosts[family]);

	key_number(&key, interface, 4);
	key_address(&key, &binding->address);
	key_mac(&key, &binding->mac);
	filling_add(compiler, &bound[family], key.bytes, 0);
	key_number(&host, interface, 4);
	key_address(&host, &binding->address);
	filling_add(compiler, &hosts[family], host.bytes, 0);
}

/* Sorts, and keeps of equal keys the element of the best rank. */
static void filling_close(struct filling *filling);

/* The addresses of a zone that a MAC is bound to. */
static struct addr_ranges bound_senders(const struct compiler *compiler, size_t zone)
{
	const struct policy *policy = compiler->policy;
	struct addr_ranges bound = { .items = arena_array(compiler->arena, policy->binding_count, sizeof(*bound.items)) };

	for (size_t i = 0; i < policy->binding_count; i++) {
		if (policy->bindings[i].zone == zone)
			bound.items[bound.count++] = (struct addr_range){ policy->bindings[i].address, policy->bindings[i].address };
	}
	return bound;
}

static void add_senders(struct compiler *compiler, const char *set, size_t family, const struct addr_ranges *ranges)
{
	struct filling senders = filling_of(compiler, set);

	for (size_t i = 0; i < ranges->count; i++) {
		struct key_writer key;

		if (family_index(&ranges->items[i].first) != family)
			continue;
		key = key_begin(compiler, &senders);
		key_address(&key, &ranges->items[i].first);
		key_address(&key, &ranges->items[i].last);
		filling_add(compiler, &senders, key.bytes, 0);
	}
	filling_close(&senders);
}

/* Where the MAC of no address matters, it is not asked for. */
static void add_entry(struct compiler *compiler, struct filling *sources, const char *interface, uint32_t index, bool binds)
{
	struct key_writer key = key_begin(compiler, sources);

	key_number(&key, index, 4);
	filling_add(compiler, sources, key.bytes, 0)->verdict = (struct verdict){
		.kind = VERDICT_JUMP,
		.chain = binds ? program_bound_chain(compiler->arena, interface) : program_networks_chain(compiler->arena, interface),
	};
}

static void fill_sources(struct compiler *compiler)
{
	const struct policy *policy = compiler->policy;
	struct filling sources = filling_of(compiler, "sources"), bound[2], hosts[2];

	for (size_t f = 0; f < 2; f++) {
		bound[f] = family_filling(compiler, "bound", f);
		hosts[f] = filling_of(compiler, f ? "bound6.hosts" : "bound4.hosts");
	}
	for (size_t i = 0; i < policy->zone_count; i++) {
		const struct addr_ranges *networks = &policy->zones[i].networks, holes = bound_senders(compiler, i);
		const struct addr_ranges rest = addr_ranges_subtract(compiler->arena, *networks, holes);

		for (size_t j = 0; j < policy->zones[i].interface_count; j++) {
			const char *name = policy->zones[i].interfaces[j].value;
			uint32_t interface = link_index(compiler->input.links, name);

			if (interface == 0)
				continue;
			for (size_t f = 0; f < 2; f++) {
				add_senders(compiler, program_networks_name(compiler->arena, name, nfprotos[f]), f, networks);
				if (holes.count > 0)
					add_senders(compiler, program_free_name(compiler->arena, name, nfprotos[f]), f, &rest);
			}
			add_entry(compiler, &sources, name, interface, holes.count > 0);
			for (size_t k = 0; k < policy->binding_count; k++) {
				if (policy->bindings[k].zone == i)
					add_binding(compiler, &policy->bindings[k], interface, bound, hosts);
			}
		}
	}
	filling_close(&sources);
	for (size_t f = 0; f < 2; f++) {
		filling_close(&bound[f]);
		filling_close(&hosts[f]);
		bound[f].set->room = set_room(bound[f].set->element_count + bound[f].set->element_count / 4);
	}
}

static void fill_next_hops(struct compiler *compiler)
{
	struct filling hops[2] = { family_filling(compiler, "next-hops", 0), family_filling(compiler, "next-hops", 1) };

	for (size_t i = 0; i < compiler->policy->zone_count; i++) {
		const struct addr_ranges *ranges = &compiler->policy->zones[i].next_hops;

		for (size_t j = 0; j < ranges->count; j++) {
			struct netaddr address = ranges->items[j].first;
			struct filling *filling = &hops[family_index(&address)];

			/* Next hops are hosts; neighbouring ones may have been joined to a range. */
			do {
				struct key_writer key = key_begin(compiler, filling);

				key_address(&key, &address);
				filling_add(compiler, filling, key.bytes, 0);
			} while (netaddr_compare(&address, &ranges->items[j].last) < 0 && netaddr_next(&address));
		}
	}
	filling_close(&hops[0]);
	filling_close(&hops[1]);
}

/* ---- the users of the mail relay */

/* Known to the kernel only where there is a relay: elsewhere a number of theirs may be somebody else's. */
static void fill_relay_users(struct compiler *compiler)
{
	struct filling users = filling_of(compiler, "relay-users");

	for (size_t i = 0; compiler->policy->relay_count > 0 && i < RELAY_USER_COUNT; i++) {
		struct key_writer key = key_begin(compiler, &users);

		key_number(&key, compiler->policy->relay_uids[i], 4);
		filling_add(compiler, &users, key.bytes, 0);
	}
	filling_close(&users);
}

/* Fills a set of marks with those of the flows that are wanted. */
static void fill_marks(struct compiler *compiler, const char *name, bool (*wanted)(const struct flow *flow))
{
	struct filling marks = filling_of(compiler, name);

	for (size_t i = 0; i < compiler->policy->flow_count; i++) {
		struct key_writer key;

		if (!wanted(&compiler->policy->flows[i]) || compiler->marks[i].mark == 0)
			continue;
		key = key_begin(compiler, &marks);
		key_number(&key, compiler->marks[i].mark, 4);
		filling_add(compiler, &marks, key.bytes, 0);
	}
	filling_close(&marks);
}

static bool flow_is_spared(const struct flow *flow)
{
	return flow->life_safety;
}

/* What begins connections also between zones that hold too many: what must not stop. */
static bool flow_is_unlimited(const struct flow *flow)
{
	return flow->kind == FLOW_FORWARD && (flow->critical || flow->life_safety);
}

/* ---- closing the sets */

static bool filling_is_sorted(const struct filling *filling)
{
	const struct set *set = filling->set;

	for (size_t i = 1; i < set->element_count; i++) {
		if (memcmp(set->elements[i - 1].key, set->elements[i].key, filling->key_bytes) >= 0)
			return false;
	}
	return true;
}

static void filling_close(struct filling *filling)
{
	struct set *set = filling->set;
	struct element *copy;
	uint32_t *order, best = 0;
	size_t kept = 0;

	if (filling_is_sorted(filling))
		return;
	order = element_order(set);
	copy = reallocarray(NULL, set->element_count, sizeof(*copy));
	if (!copy)
		arena_exhausted();
	memcpy(copy, set->elements, set->element_count * sizeof(*copy));
	for (size_t i = 0; i < set->element_count; i++) {
		const struct element *element = &copy[order[i]];
		const bool again = kept > 0 && memcmp(set->elements[kept - 1].key, element->key, filling->key_bytes) == 0;

		if (again && filling->ranks[order[i]] >= best)
			continue;
		best = filling->ranks[order[i]];
		set->elements[again ? kept - 1 : kept++] = *element;
	}
	set->element_count = kept;
	free(order);
	free(copy);
}

/* Cuts the boxes of an interval map apart and makes them its elements. */
static int filling_close_boxes(struct compiler *compiler, struct filling *filling)
{
	struct set *set = filling->set;
	size_t size = key_size(&set->key);
	struct box_list apart;
	int error = boxes_disjoint(compiler->arena, &set->key, &filling->boxes, COMPILE_RANGES_MAX, &apart);

	if (error)
		return error;
	for (size_t i = 0; i < apart.count; i++) {
		uint8_t *key = arena_alloc(compiler->arena, 2 * size);

		memcpy(key, apart.items[i].low, size);
		memcpy(key + size, apart.items[i].high, size);
		filling_add(compiler, filling, key, 0)->mark = apart.items[i].mark;
	}
	compiler->range_count += apart.count;
	set_sort(set);
	return 0;
}

static int close_maps(struct compiler *compiler)
{
	int error = 0;

	for (size_t i = 0; i < compiler->input.pair_count && !error; i++) {
		for (size_t f = 0; f < 2 && !error; f++) {
			filling_close(&compiler->pairs[i].exact[f]);
			error = filling_close_boxes(compiler, &compiler->pairs[i].range[f]);
			if (!error)
				error = filling_close_boxes(compiler, &compiler->pairs[i].portless[f]);
		}
	}
	for (size_t f = 0; f < 2 && !error; f++) {
		struct filling *locals[] = { &compiler->local_in[f], &compiler->local_in_portless[f], &compiler->local_out[f],
					     &compiler->local_out_portless[f] };

		filling_close(&compiler->ends[f]);
		for (size_t i = 0; i < 4 && !error; i++)
			error = filling_close_boxes(compiler, locals[i]);
	}
	return error;
}

/* Too many ranges are slow first and too slow then; both are said at the first line of the file. */
static int judge_ranges(struct compiler *compiler, int error)
{
	struct origin at = compiler->policy->zone_count ? compiler->policy->zones[0].at : (struct origin){ .source = NULL };

	at.line = 0;
	if (error || compiler->range_count > COMPILE_RANGES_MAX) {
		finding_add(compiler->findings, &ruleset_catalogue[RULESET_COMPILE_TOO_MANY_RANGES], at,
			    arena_printf(compiler->arena, "%d", COMPILE_RANGES_MAX), NULL);
		return -E2BIG;
	}
	if (compiler->range_count > COMPILE_RANGES_WARN)
		finding_add(compiler->findings, &ruleset_catalogue[RULESET_COMPILE_MANY_RANGES], at,
			    arena_printf(compiler->arena, "%zu", compiler->range_count),
			    arena_printf(compiler->arena, "%d", COMPILE_RANGES_WARN), NULL);
	return 0;
}

int ruleset_compile(struct arena *arena, const struct policy *policy, const struct compile_world *world, struct findings *findings,
		    struct compiled *ret_compiled)
{
	struct compiler compiler = { .arena = arena, .policy = policy, .world = world, .findings = findings };
	int error;

	compiler.marks = arena_array(arena, policy->flow_count, sizeof(*compiler.marks));
	compiler.ranks = arena_array(arena, policy->flow_count, sizeof(*compiler.ranks));
	compiler.ranked = arena_array(arena, policy->flow_count, sizeof(*compiler.ranked));
	compiler.open = arena_array(arena, policy->flow_count, sizeof(*compiler.open));
	compiler.flows_between = arena_array(arena, policy->zone_count * policy->zone_count, sizeof(*compiler.flows_between));
	look_at_flows(&compiler);
	give_marks(&compiler);
	rank_flows(&compiler);
	make_zones(&compiler);
	make_pairs(&compiler);
	compiler.ruleset = program_build(arena, &compiler.input);
	compiler.inet = (struct table *)(uintptr_t)ruleset_table(compiler.ruleset, FAMILY_INET, "sekisho");
	open_fillings(&compiler);
	reserve_fillings(&compiler);
	for (size_t i = 0; i < policy->flow_count; i++)
		add_flow(&compiler, i);
	filling_close(&compiler.live);
	filling_close(&compiler.local_live);
	fill_sources(&compiler);
	fill_next_hops(&compiler);
	fill_relay_users(&compiler);
	fill_marks(&compiler, "life-safety", flow_is_spared);
	fill_marks(&compiler, "critical", flow_is_unlimited);
	error = judge_ranges(&compiler, close_maps(&compiler));
	if (error)
		return error;
	*ret_compiled = (struct compiled){ .ruleset = compiler.ruleset, .flow_marks = compiler.marks };
	return 0;
}

struct link_table compile_offline_links(struct arena *arena, const struct policy *policy)
{
	size_t count = 1;
	struct link_table links;

	for (size_t i = 0; i < policy->zone_count; i++)
		count += policy->zones[i].interface_count;
	links = (struct link_table){ .items = arena_array(arena, count, sizeof(*links.items)) };
	links.items[links.count++] = (struct link){ .index = 1, .name = "lo" };
	for (size_t i = 0; i < policy->zone_count; i++) {
		for (size_t j = 0; j < policy->zones[i].interface_count; j++) {
			struct link *link = &links.items[links.count];

			link->index = COMPILE_OFFLINE_INDEX + (uint32_t)links.count - 1;
			strncpy(link->name, policy->zones[i].interfaces[j].value, sizeof(link->name) - 1);
			links.count++;
		}
	}
	link_table_sort(&links);
	return links;
}
