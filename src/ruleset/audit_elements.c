/*
 * audit_elements: one walk over the maps and source sets, in which marks and source addresses are collected;
 * then @live and local-live, which must not open more than the maps give; then the addresses, which must not
 * stand in two zones.
 */
#include "ruleset/audit_elements.h"

#include <stdlib.h>
#include <string.h>

#include "policy/law.h"
#include "ruleset/compile.h"
#include "ruleset/show.h"

enum { ELEMENT_TEXT_BYTES_MAX = 512, PROTOCOL_TCP = 6, NO_ZONE = UINT32_MAX };

/* What a set is for, as its shape tells. */
enum set_role {
	ROLE_FIXED,		/* filled by the program, compared with it */
	ROLE_PAIR_MAP, ROLE_LOCAL_MAP, ROLE_LIVE, ROLE_LOCAL_LIVE,
	ROLE_SOURCES,		/* the chain in which an interface's senders are judged */
	ROLE_SOURCE,		/* addresses that an interface takes as senders */
	ROLE_NETWORKS,		/* the same for one interface, which the set's name tells */
	ROLE_ENDS,		/* the two ends of specified flows, for their ICMP errors */
	ROLE_INTERFACES,
	ROLE_CROWDED,		/* two interfaces between which less passes than elsewhere */
	ROLE_NEXT_HOPS,		/* addresses alone: nothing to judge */
	ROLE_USERS,		/* users that are refused more than others: nothing to judge */
	ROLE_MARKS,		/* marks that isolation or a crowded pair spares, where they are live: nothing to judge */
	ROLE_UNKNOWN,
};

struct zone_interface {
	uint32_t index, zone;
};

/* Addresses that a zone's interfaces take as senders. */
struct zone_range {
	struct addr_range range;
	uint32_t zone;
};

/* What the elements are judged against. */
struct judge {
	struct audit *audit;
	struct zone_interface *interfaces; /* sorted by index */
	size_t interface_count;
	bool *pairs;			/* zone_count x zone_count: the program has the pair */
	const struct set *bound_hosts[2]; /* by family: addresses that are not taken without their MAC ... */
	const struct set *sources;	/* ... at interfaces that lead to where they are looked up, but for those that ... */
	const struct set **free[2];	/* ... these sets take, by family and place in `interfaces` */
	uint64_t *owners;		/* mark << 32 | path (pair_path(), local_path()), sorted when complete: who gives a mark */
	size_t owner_count, owner_capacity;
	struct zone_range *ranges;
	size_t range_count, range_capacity;
};

/* A set with what its name and key say of it. */
struct subject {
	const struct set *set;
	enum set_role role;
	size_t size;			/* bytes of a key; the last values of an interval stand behind them */
	uint32_t from, to;		/* ROLE_PAIR_MAP */
	uint32_t zone;			/* ROLE_NETWORKS */
	bool specified;			/* ROLE_PAIR_MAP: between the My Number tier and another */
	bool mail_barred;		/* ROLE_PAIR_MAP */
};

static uint32_t number_at(const uint8_t *bytes, size_t size)
{
	uint32_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* Where a field begins in a key; false if the key has none. */
static bool field_offset(const struct key *key, enum field field, size_t *ret_offset)
{
	size_t offset = 0;

	for (size_t i = 0; i < key_field_count(key); i++) {
		if (key->fields[i] == field) {
			*ret_offset = offset;
			return true;
		}
		offset += field_slot(key->fields[i]);
	}
	return false;
}

static bool key_has(const struct key *key, enum field field)
{
	size_t offset;

	return field_offset(key, field, &offset);
}

/* The first and last value of a field in an element; equal in an exact set. */
static void field_values(const struct subject *subject, const struct element *element, enum field field,
			 uint32_t *ret_first, uint32_t *ret_last)
{
	size_t offset = 0;

	field_offset(&subject->set->key, field, &offset);
	*ret_first = number_at(element->key + offset, field_size(field));
	*ret_last = *ret_first;
	if (subject->set->interval)
		*ret_last = number_at(element->key + subject->size + offset, field_size(field));
}

bool audit_set_is_fixed(const struct set *set)
{
	static const char *const names[] = { "ports", "uplinks", "guarded", "pairs" };

	if (set->counted)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(set->name, names[i]) == 0)
			return true;
	}
	return false;
}

static enum set_role plain_set_role(const struct key *key, bool interval)
{
	size_t count = key_field_count(key);
	bool address = key_has(key, FIELD_IP_SADDR) || key_has(key, FIELD_IP6_SADDR);

	if (key->fields[0] == FIELD_CT_MARK && key->fields[1] == FIELD_IIF && count == 2)
		return ROLE_LOCAL_LIVE;
	if (key->fields[0] == FIELD_CT_MARK && key->fields[1] == FIELD_IIF && key->fields[2] == FIELD_IIF && count == 3)
		return ROLE_LIVE;
	if (key->fields[0] == FIELD_IIF && key->fields[2] == FIELD_IIF && address && count == 4)
		return ROLE_ENDS;
	if (key->fields[0] == FIELD_IIF && address)
		return count == 2 || (count == 3 && key->fields[2] == FIELD_ETHER_SADDR) ? ROLE_SOURCE : ROLE_UNKNOWN;
	if (key->fields[0] == FIELD_IIF && key->fields[1] == FIELD_IIF && count == 2)
		return ROLE_CROWDED;
	if (count != 1)
		return ROLE_UNKNOWN;
	if (address && interval)
		return ROLE_NETWORKS;
	if (key->fields[0] == FIELD_IIF)
		return ROLE_INTERFACES;
	if (key->fields[0] == FIELD_SKUID)
		return ROLE_USERS;
	if (key->fields[0] == FIELD_CT_MARK)
		return ROLE_MARKS;
	return address ? ROLE_NEXT_HOPS : ROLE_UNKNOWN;
}

/* set is of the program, so that its key has the representative fields. */
static enum set_role role_of(const struct set *set)
{
	if (audit_set_is_fixed(set))
		return ROLE_FIXED;
	if (set->data == SET_DATA_NONE)
		return plain_set_role(&set->key, set->interval);
	if (set->data == SET_DATA_VERDICT && set->key.fields[0] == FIELD_IIF && key_field_count(&set->key) == 1)
		return ROLE_SOURCES;
	if (set->data != SET_DATA_MARK || !key_has(&set->key, FIELD_L4PROTO))
		return ROLE_UNKNOWN;
	return key_has(&set->key, FIELD_IIF) ? ROLE_LOCAL_MAP : ROLE_PAIR_MAP;
}

static void report_element(const struct judge *judge, enum ruleset_finding kind, const struct set *set,
			   const struct element *element)
{
	struct audit *audit = judge->audit;
	struct buf text = buf_limited(ELEMENT_TEXT_BYTES_MAX);
	struct element shown = *element;

	shown.expires_at = 0; /* there is no clock here to say what remains */
	if (audit->found[kind] < AUDIT_SHOWN_PER_KIND_MAX)
		element_show(&text, set, &shown, audit->pins->links, 0);
	audit_report(audit, kind, set->name, buf_text(&text), NULL);
	buf_free(&text);
}

static int interface_order(const void *a, const void *b)
{
	const struct zone_interface *left = a, *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

static void collect_interfaces(struct judge *judge)
{
	const struct program_input *pins = judge->audit->pins;
	size_t capacity = 0;

	for (size_t z = 0; z < pins->zone_count; z++) {
		for (size_t i = 0; i < pins->zones[z].interface_count; i++) {
			uint32_t index = link_index(pins->links, pins->zones[z].interfaces[i]);

			if (!index)
				continue;
			judge->interfaces = arena_grow(judge->audit->arena, judge->interfaces, judge->interface_count,
						       &capacity, sizeof(*judge->interfaces));
			judge->interfaces[judge->interface_count++] = (struct zone_interface){ index, (uint32_t)z };
		}
	}
	if (judge->interface_count)
		qsort(judge->interfaces, judge->interface_count, sizeof(*judge->interfaces), interface_order);
}

static uint32_t zone_of_interface(const struct judge *judge, uint32_t index)
{
	const struct zone_interface wanted = { .index = index }, *found = NULL;

	if (judge->interface_count)
		found = bsearch(&wanted, judge->interfaces, judge->interface_count, sizeof(wanted), interface_order);
	return found ? found->zone : NO_ZONE;
}

/* A path is a pair of zones or, numbered behind all pairs, the gateway and a zone. */
static uint32_t pair_path(const struct judge *judge, uint32_t from, uint32_t to)
{
	return from * (uint32_t)judge->audit->pins->zone_count + to;
}

static uint32_t local_path(const struct judge *judge, uint32_t zone)
{
	return pair_path(judge, (uint32_t)judge->audit->pins->zone_count, zone);
}

/* "lgwan.internet", "local.lgwan" */
static const char *path_name(const struct judge *judge, uint32_t path)
{
	const struct program_input *pins = judge->audit->pins;
	size_t from = path / pins->zone_count, to = path % pins->zone_count;

	return arena_printf(judge->audit->arena, "%s.%s",
			    from < pins->zone_count ? pins->zones[from].name : "local", pins->zones[to].name);
}

/* Every interface a set names belongs to a zone, and no range spans several. */
static bool interfaces_are_ours(const struct judge *judge, const struct subject *subject,
				const struct element *element)
{
	const struct key *key = &subject->set->key;
	size_t offset = 0;

	for (size_t i = 0; i < key_field_count(key); i++) {
		const uint8_t *first = element->key + offset;

		if (key->fields[i] == FIELD_IIF && zone_of_interface(judge, number_at(first, 4)) == NO_ZONE)
			return false;
		if (key->fields[i] == FIELD_IIF && subject->set->interval &&
		    memcmp(first, first + subject->size, 4) != 0)
			return false;
		offset += field_slot(key->fields[i]);
	}
	return true;
}

/*
 * Maps with ports hold protocols that have ports, the others those that have none; within one zone the latter
 * may hold all.
 */
static bool protocol_fits(const struct subject *subject, const struct element *element)
{
	bool ported = key_has(&subject->set->key, FIELD_DPORT);
	uint32_t first, last;

	if (!ported && subject->role == ROLE_PAIR_MAP && subject->from == subject->to)
		return true;
	field_values(subject, element, FIELD_L4PROTO, &first, &last);
	for (uint32_t protocol = first; protocol <= last; protocol++) {
		if (protocol_has_ports((uint16_t)protocol) != ported)
			return false;
	}
	return first <= last;
}

static bool holds_mail_port(const struct subject *subject, const struct element *element)
{
	uint32_t first, last;

	if (!key_has(&subject->set->key, FIELD_DPORT))
		return false;
	field_values(subject, element, FIELD_L4PROTO, &first, &last);
	if (first > PROTOCOL_TCP || last < PROTOCOL_TCP)
		return false;
	field_values(subject, element, FIELD_DPORT, &first, &last);
	for (size_t i = 0; i < law_mail_port_count; i++) {
		if (law_mail_ports[i] >= first && law_mail_ports[i] <= last)
			return true;
	}
	return false;
}

/* True when MACs are asked for at this interface, or nobody is let in by it. */
static bool interface_asks_for_macs(const struct judge *judge, const uint8_t *index)
{
	const struct element *entry = judge->sources ? set_find(judge->sources, index) : NULL;
	const char *interface = link_name(judge->audit->pins->links, number_at(index, 4));

	return !entry || (interface && entry->verdict.chain &&
			  strcmp(entry->verdict.chain, program_bound_chain(judge->audit->arena, interface)) == 0);
}

/* At every interface of the zone, the address is taken with its MAC only. */
static bool address_is_bound(const struct judge *judge, uint32_t zone, size_t family, const uint8_t *address)
{
	const struct set *hosts = judge->bound_hosts[family];
	uint8_t key[4 + 16] = { 0 };

	if (!hosts)
		return false;
	memcpy(key + 4, address, family ? 16 : 4);
	for (size_t i = 0; i < judge->interface_count; i++) {
		const struct set *free = judge->free[family][i];
		uint32_t index = judge->interfaces[i].index;

		if (judge->interfaces[i].zone != zone)
			continue;
		for (size_t byte = 0; byte < 4; byte++)
			key[byte] = (uint8_t)(index >> (24 - 8 * byte));
		if (!set_find(hosts, key) || !interface_asks_for_macs(judge, key) || !free || set_find(free, address))
			return false;
	}
	return true;
}

/* A specified flow names everything: the key is one point, has a port, and both its ends are bound. */
static void judge_specified(const struct judge *judge, const struct subject *subject, const struct element *element)
{
	size_t family = subject->set->key.fields[0] == FIELD_IP6_SADDR, width = family ? 16 : 4;
	bool point = !subject->set->interval || !memcmp(element->key, element->key + subject->size, subject->size);

	if (!point || !key_has(&subject->set->key, FIELD_DPORT)) {
		report_element(judge, RULESET_AUDIT_SPECIFIED_WIDE, subject->set, element);
		return;
	}
	if (!address_is_bound(judge, subject->from, family, element->key) ||
	    !address_is_bound(judge, subject->to, family, element->key + width))
		report_element(judge, RULESET_AUDIT_SPECIFIED_UNBOUND, subject->set, element);
}

static void add_owner(struct judge *judge, uint32_t mark, uint32_t path)
{
	uint64_t owner = (uint64_t)mark << 32 | path;

	if (judge->owner_count && judge->owners[judge->owner_count - 1] == owner)
		return;
	judge->owners = arena_grow(judge->audit->arena, judge->owners, judge->owner_count, &judge->owner_capacity,
				   sizeof(*judge->owners));
	judge->owners[judge->owner_count++] = owner;
}

static bool mark_is_valid(uint32_t mark)
{
	return mark >= MARK_FIRST && mark <= MARK_LAST;
}

static void judge_map_element(struct judge *judge, const struct subject *subject, const struct element *element)
{
	uint32_t path = pair_path(judge, subject->from, subject->to), interface;

	if (subject->role == ROLE_LOCAL_MAP) {
		field_values(subject, element, FIELD_IIF, &interface, &interface);
		path = local_path(judge, zone_of_interface(judge, interface));
	}
	if (!protocol_fits(subject, element))
		report_element(judge, RULESET_AUDIT_PROTOCOL_UNFIT, subject->set, element);
	if (subject->mail_barred && holds_mail_port(subject, element))
		report_element(judge, RULESET_AUDIT_MAIL_PORT, subject->set, element);
	if (subject->specified)
		judge_specified(judge, subject, element);
	if (mark_is_valid(element->mark))
		add_owner(judge, element->mark, path);
	else
		report_element(judge, RULESET_AUDIT_MARK_INVALID, subject->set, element);
}

static void add_range(struct judge *judge, uint32_t zone, uint8_t family, const uint8_t *first, const uint8_t *last)
{
	struct zone_range *range;

	judge->ranges = arena_grow(judge->audit->arena, judge->ranges, judge->range_count, &judge->range_capacity,
				   sizeof(*judge->ranges));
	range = &judge->ranges[judge->range_count++];
	range->zone = zone;
	range->range.first.family = range->range.last.family = family;
	memcpy(range->range.first.bytes, first, netaddr_size(family));
	memcpy(range->range.last.bytes, last, netaddr_size(family));
}

static void add_source(struct judge *judge, const struct subject *subject, const struct element *element)
{
	const uint8_t *address = element->key + 4;

	add_range(judge, zone_of_interface(judge, number_at(element->key, 4)), subject->set->key.fields[1] == FIELD_IP6_SADDR ? 6 : 4, address, address);
}

/* An interface's senders are judged in its own chains. */
static bool sources_element_holds(const struct judge *judge, const struct element *element)
{
	struct arena *arena = judge->audit->arena;
	const char *interface = link_name(judge->audit->pins->links, number_at(element->key, 4));

	return interface && element->verdict.kind == VERDICT_JUMP && element->verdict.chain &&
	       (strcmp(element->verdict.chain, program_networks_chain(arena, interface)) == 0 ||
		strcmp(element->verdict.chain, program_bound_chain(arena, interface)) == 0);
}

/* The first of the owners of this mark or of a higher one. */
static size_t owner_position(const struct judge *judge, uint32_t mark)
{
	size_t low = 0, high = judge->owner_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (judge->owners[middle] >> 32 < mark)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The mark is given on one of the two paths, or nowhere: then no connection can get it any more. */
static bool mark_belongs(const struct judge *judge, uint32_t mark, uint32_t path, uint32_t other_path)
{
	size_t first = owner_position(judge, mark);
	bool given = false;

	for (size_t i = first; i < judge->owner_count && judge->owners[i] >> 32 == mark; i++) {
		given = true;
		if ((uint32_t)judge->owners[i] == path || (uint32_t)judge->owners[i] == other_path)
			return true;
	}
	return !given;
}

static bool live_element_holds(const struct judge *judge, const struct element *element)
{
	size_t zone_count = judge->audit->pins->zone_count;
	const struct program_zone *zones = judge->audit->pins->zones;
	uint32_t mark = number_at(element->key, 4);
	uint32_t a = zone_of_interface(judge, number_at(element->key + 4, 4));
	uint32_t b = zone_of_interface(judge, number_at(element->key + 8, 4));

	return mark_is_valid(mark) && law_tiers_may_meet(zones[a].tier, zones[b].tier) &&
	       (judge->pairs[a * zone_count + b] || judge->pairs[b * zone_count + a]) &&
	       mark_belongs(judge, mark, pair_path(judge, a, b), pair_path(judge, b, a));
}

static bool local_live_element_holds(const struct judge *judge, const struct element *element)
{
	uint32_t mark = number_at(element->key, 4);
	uint32_t path = local_path(judge, zone_of_interface(judge, number_at(element->key + 4, 4)));

	return mark_is_valid(mark) && mark_belongs(judge, mark, path, path);
}

/* Between the My Number tier and another, ICMP errors pass between bound ends only: (iif, source, oif, destination). */
static bool ends_element_holds(const struct judge *judge, const struct subject *subject, const struct element *element)
{
	const struct program_zone *zones = judge->audit->pins->zones;
	size_t family = subject->set->key.fields[1] == FIELD_IP6_SADDR, width = family ? 16 : 4;
	uint32_t from = zone_of_interface(judge, number_at(element->key, 4));
	uint32_t to = zone_of_interface(judge, number_at(element->key + 4 + width, 4));

	return zones[from].tier != zones[to].tier && law_tiers_may_meet(zones[from].tier, zones[to].tier) &&
	       address_is_bound(judge, from, family, element->key + 4) &&
	       address_is_bound(judge, to, family, element->key + 8 + width);
}

static void judge_element(struct judge *judge, const struct subject *subject, const struct element *element)
{
	bool holds = true;

	if (!interfaces_are_ours(judge, subject, element) ||
	    (subject->role == ROLE_SOURCES && !sources_element_holds(judge, element))) {
		report_element(judge, RULESET_AUDIT_ELEMENT_FOREIGN, subject->set, element);
		return;
	}
	if (subject->role == ROLE_PAIR_MAP || subject->role == ROLE_LOCAL_MAP)
		judge_map_element(judge, subject, element);
	if (subject->role == ROLE_SOURCE)
		add_source(judge, subject, element);
	if (subject->role == ROLE_NETWORKS)
		add_range(judge, subject->zone, subject->set->key.fields[0] == FIELD_IP6_SADDR ? 6 : 4, element->key, element->key + subject->size);
	if (subject->role == ROLE_ENDS && !ends_element_holds(judge, subject, element))
		report_element(judge, RULESET_AUDIT_SPECIFIED_UNBOUND, subject->set, element);
	if (subject->role == ROLE_LIVE)
		holds = live_element_holds(judge, element);
	if (subject->role == ROLE_LOCAL_LIVE)
		holds = local_live_element_holds(judge, element);
	if (!holds)
		report_element(judge, RULESET_AUDIT_LIVE_FORBIDDEN, subject->set, element);
}

/* The set as the program's shape tells to read it; the elements are the ruleset's. */
static struct subject subject_of(const struct judge *judge, const struct set *program_set, const struct set *set)
{
	const struct program_input *pins = judge->audit->pins;
	struct subject subject = { .set = set, .role = role_of(program_set), .size = key_size(&set->key) };
	enum tier from, to;

	subject.zone = zone_of_interface(judge, program_senders_interface(pins->links, set->name));
	if (subject.role == ROLE_NETWORKS && subject.zone == NO_ZONE)
		subject.role = ROLE_UNKNOWN;
	if (subject.role != ROLE_PAIR_MAP)
		return subject;
	if (!program_pair_of_name(pins, set->name, &subject.from, &subject.to)) {
		subject.role = ROLE_UNKNOWN;
		return subject;
	}
	from = pins->zones[subject.from].tier;
	to = pins->zones[subject.to].tier;
	subject.specified = from != to && (from == TIER_MYNUMBER || to == TIER_MYNUMBER);
	subject.mail_barred = law_bars_mail(from, to);
	return subject;
}

/* Judges all sets of the live roles, or all others. */
static void judge_sets(struct judge *judge, const struct table *program, const struct table *table, bool live)
{
	for (size_t i = 0; i < table->set_count; i++) {
		/* The program's key: a set that was read back may name its fields by others of the same type. */
		struct set set = table->sets[i];
		struct subject subject;

		set.key = program->sets[i].key;
		subject = subject_of(judge, &program->sets[i], &set);
		if (subject.role == ROLE_FIXED ||
		    live != (subject.role == ROLE_LIVE || subject.role == ROLE_LOCAL_LIVE))
			continue;
		for (size_t e = 0; e < set.element_count; e++)
			judge_element(judge, &subject, &set.elements[e]);
		if (subject.role == ROLE_UNKNOWN && set.element_count)
			report_element(judge, RULESET_AUDIT_ELEMENT_FOREIGN, &set, &set.elements[0]);
	}
}

static void note_free(struct judge *judge, uint32_t interface, const struct set *set)
{
	for (size_t i = 0; i < judge->interface_count; i++) {
		if (judge->interfaces[i].index == interface)
			judge->free[set->key.fields[0] == FIELD_IP6_SADDR][i] = set;
	}
}

/* What the other sets are judged by: the pairs there are, and the addresses that need their MAC. */
static void collect_grounds(struct judge *judge, const struct table *program, const struct table *table)
{
	for (size_t i = 0; i < program->set_count; i++) {
		const struct set *set = &program->sets[i];
		enum set_role role = role_of(set);
		uint32_t from, to;

		if (role == ROLE_SOURCE && key_field_count(&set->key) == 2)
			judge->bound_hosts[set->key.fields[1] == FIELD_IP6_SADDR] = &table->sets[i];
		if (role == ROLE_SOURCES)
			judge->sources = &table->sets[i];
		if (role == ROLE_NETWORKS && program_senders_are_free(set->name))
			note_free(judge, program_senders_interface(judge->audit->pins->links, set->name), &table->sets[i]);
		if (role == ROLE_PAIR_MAP && program_pair_of_name(judge->audit->pins, set->name, &from, &to))
			judge->pairs[from * judge->audit->pins->zone_count + to] = true;
	}
}

static int owner_order(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* Sorts who gives which mark. One mark given on two paths would let a connection of the one continue on the other. */
static void judge_owners(struct judge *judge)
{
	size_t kept = 0;

	if (judge->owner_count)
		qsort(judge->owners, judge->owner_count, sizeof(*judge->owners), owner_order);
	for (size_t i = 0; i < judge->owner_count; i++) {
		uint64_t owner = judge->owners[i], last = kept ? judge->owners[kept - 1] : 0;

		if (kept && last == owner)
			continue;
		if (kept && last >> 32 == owner >> 32)
			audit_report(judge->audit, RULESET_AUDIT_MARK_SHARED,
				     arena_printf(judge->audit->arena, "0x%08x", (uint32_t)(owner >> 32)),
				     path_name(judge, (uint32_t)last), path_name(judge, (uint32_t)owner));
		judge->owners[kept++] = owner;
	}
	judge->owner_count = kept;
}

static int range_order(const void *a, const void *b)
{
	const struct zone_range *left = a, *right = b;

	return netaddr_compare(&left->range.first, &right->range.first);
}

/*
 * Sorted by first address, two zones share an address only if some range begins inside the one that reaches
 * furthest.
 */
static void judge_ranges(struct judge *judge)
{
	const struct program_zone *zones = judge->audit->pins->zones;
	const struct zone_range *reaching = NULL;

	if (judge->range_count)
		qsort(judge->ranges, judge->range_count, sizeof(*judge->ranges), range_order);
	for (size_t i = 0; i < judge->range_count; i++) {
		const struct zone_range *range = &judge->ranges[i];
		char text[ADDR_RANGE_TEXT_BYTES];
		struct addr_range common;

		if (reaching && range->zone != reaching->zone &&
		    addr_range_intersect(&reaching->range, &range->range, &common))
			audit_report(judge->audit, RULESET_AUDIT_SOURCE_AMBIGUOUS, addr_range_format(&common, text),
				     zones[reaching->zone].name, zones[range->zone].name);
		if (!reaching || netaddr_compare(&range->range.last, &reaching->range.last) > 0)
			reaching = range;
	}
}

void audit_elements(struct audit *audit, const struct ruleset *program, const struct ruleset *ruleset)
{
	struct judge judge = { .audit = audit };

	judge.pairs = arena_array(audit->arena, audit->pins->zone_count * audit->pins->zone_count, sizeof(bool));
	collect_interfaces(&judge);
	for (size_t f = 0; f < 2; f++)
		judge.free[f] = arena_array(audit->arena, judge.interface_count, sizeof(*judge.free[f]));
	for (size_t i = 0; i < program->table_count; i++)
		collect_grounds(&judge, &program->tables[i], &ruleset->tables[i]);
	for (size_t i = 0; i < program->table_count; i++)
		judge_sets(&judge, &program->tables[i], &ruleset->tables[i], false);
	judge_owners(&judge);
	for (size_t i = 0; i < program->table_count; i++)
		judge_sets(&judge, &program->tables[i], &ruleset->tables[i], true);
	judge_ranges(&judge);
}
