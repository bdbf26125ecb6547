/* resolve_ends: the words of flows: names of zones, sources and destinations, services, protocols and ports. */
#include "policy/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/names.h"

struct origin origin_or(struct origin at, struct origin fallback)
{
	return at.source ? at : fallback;
}

const char *resolve_nearest(struct resolver *r, const struct name_table *table, const char *name)
{
	const char *nearest = r->nearest_told++ < RESOLVE_NEAREST_MAX ? name_table_nearest(table, name) : NULL;

	return nearest ? nearest : "-";
}

/*
 * "any", "gateway" and what reads as an address would mean something else wherever it is used; "local" begins the names of the
 * gateway's own maps in the kernel.
 */
static bool name_is_reserved(const char *name)
{
	static const char *const words[] = { "any", "gateway", "local" };
	struct addr_range range;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(name, words[i]) == 0)
			return true;
	}
	return addr_range_parse(name, &range) != -EINVAL;
}

struct name_entry *resolve_new_name(struct resolver *r, struct name_table *table, const struct text *name)
{
	const struct name_entry *first;
	struct name_entry *entry;

	if (!name->value)
		return NULL;
	if (name_is_reserved(name->value)) {
		policy_find(r->findings, POLICY_NAME_RESERVED, name->at, name->value);
		return NULL;
	}
	entry = name_table_add(table, name->value, name->at, &first);
	if (!entry)
		finding_relate(policy_find(r->findings, POLICY_NAME_TWICE, name->at, name->value), first->at);
	return entry;
}

void resolve_not_a_range(struct resolver *r, const struct text *word, int error)
{
	char shown[ADDR_RANGE_TEXT_BYTES];
	struct addr_range range;
	struct prefix prefix;

	if (error == -ERANGE && strchr(word->value, '-')) {
		policy_find(r->findings, POLICY_RANGE_BACKWARDS, word->at, word->value);
	} else if (prefix_guess(word->value, &prefix) < 0) {
		policy_find(r->findings, POLICY_PREFIX_MALFORMED, word->at, word->value);
	} else {
		range = prefix_range(&prefix);
		policy_find(r->findings, error == -ERANGE ? POLICY_HOST_BITS : POLICY_MASK_DOTTED, word->at, word->value,
			    addr_range_format(&range, shown));
	}
}

bool resolve_zone_name(struct resolver *r, const struct text *name, uint32_t *ret_zone)
{
	const struct name_entry *entry;

	if (!name->value)
		return false;
	entry = name_table_find(&r->zone_names, name->value);
	if (!entry && r->zones_nameless)
		return false;
	if (!entry) {
		policy_find(r->findings, POLICY_ZONE_UNKNOWN, name->at, name->value,
			    resolve_nearest(r, &r->zone_names, name->value));
		return false;
	}
	if (entry->value == NAME_BROKEN)
		return false;
	*ret_zone = (uint32_t)entry->value;
	return true;
}

/* Tells that the named thing belongs to another zone. Returns false. */
static bool find_elsewhere(struct resolver *r, const struct text *word, const struct name_entry *entry,
			   uint32_t zone)
{
	const struct named_end *end = &r->ends[entry->value];
	struct finding *finding = policy_find(r->findings, POLICY_END_ELSEWHERE, word->at, word->value,
					      r->zones[zone].name, r->zones[end->zone].name);

	finding_relate(finding, entry->at);
	return false;
}

const struct host *resolve_host_word(struct resolver *r, const struct text *word, uint32_t zone)
{
	struct name_entry *entry = word->value ? name_table_find(&r->end_names, word->value) : NULL;

	if (!word->value)
		return NULL;
	if (!entry) {
		policy_find(r->findings, POLICY_HOST_UNKNOWN, word->at, word->value,
			    resolve_nearest(r, &r->end_names, word->value));
		return NULL;
	}
	entry->used = true;
	if (entry->value == NAME_BROKEN)
		return NULL;
	if (!r->ends[entry->value].host) {
		finding_relate(policy_find(r->findings, POLICY_HOST_EXPECTED, word->at, word->value),
			       entry->at);
		return NULL;
	}
	if (r->ends[entry->value].zone != zone && !find_elsewhere(r, word, entry, zone))
		return NULL;
	return r->ends[entry->value].host;
}

/* True for what was meant as an address and not as a name: only its characters and one of its separators. */
static bool looks_like_address(const char *word)
{
	return word[strspn(word, "0123456789abcdefABCDEF.:/-")] == '\0' && strpbrk(word, ".:/") &&
	       strpbrk(word, "0123456789:");
}

/* An address, prefix or range as an end; false with a finding. */
static bool resolve_literal(struct resolver *r, const struct text *word, uint32_t zone,
			    struct addr_range *ret_range)
{
	int error = addr_range_parse(word->value, ret_range);

	if (error == -ERANGE || (error < 0 && looks_like_address(word->value))) {
		resolve_not_a_range(r, word, error);
	} else if (error < 0) {
		policy_find(r->findings, POLICY_END_UNKNOWN, word->at, word->value,
			    resolve_nearest(r, &r->end_names, word->value));
	} else if (!addr_ranges_cover(r->zones[zone].networks, ret_range)) {
		if (!r->zone_notes[zone].incomplete)
			finding_relate(policy_find(r->findings, POLICY_END_OUTSIDE_ZONE, word->at,
						   word->value, r->zones[zone].name),
				       r->zones[zone].at);
		error = -ENOENT;
	}
	return error == 0;
}

/* Ranges of a list of words while they are gathered. */
struct gathering {
	struct addr_range *ranges;
	size_t count, capacity;
};

static void gather(struct resolver *r, struct gathering *gathering, const struct addr_range *ranges,
		   size_t count)
{
	for (size_t i = 0; i < count; i++) {
		gathering->ranges = arena_grow(r->scratch, gathering->ranges, gathering->count,
					       &gathering->capacity, sizeof(*gathering->ranges));
		gathering->ranges[gathering->count++] = ranges[i];
	}
}

/* The host or network of this entry; NULL when it is broken or of another zone. */
static const struct named_end *end_of_name(struct resolver *r, const struct text *word, uint32_t zone, struct name_entry *entry)
{
	entry->used = true;
	if (entry->value == NAME_BROKEN || (r->ends[entry->value].zone != zone && !find_elsewhere(r, word, entry, zone)))
		return NULL;
	return &r->ends[entry->value];
}

/* One word of a list: a host, a network, or addresses. */
static bool resolve_word(struct resolver *r, const struct text *word, uint32_t zone,
			 struct gathering *gathering, struct end *end)
{
	struct name_entry *entry = name_table_find(&r->end_names, word->value);
	const struct named_end *named = entry ? end_of_name(r, word, zone, entry) : NULL;
	struct addr_range range;

	if (entry && named)
		gather(r, gathering, named->ranges.items, named->ranges.count);
	if (entry)
		return named != NULL;
	end->named = false;
	if (!resolve_literal(r, word, zone, &range))
		return false;
	gather(r, gathering, &range, 1);
	return true;
}

/* A word that is all of its list. A name shares the ranges that are there already; addresses are one range. */
static bool resolve_single_word(struct resolver *r, const struct text *word, uint32_t zone, struct end *end)
{
	struct name_entry *entry = name_table_find(&r->end_names, word->value);
	const struct named_end *named = entry ? end_of_name(r, word, zone, entry) : NULL;
	struct addr_range range;

	if (named) {
		end->host = named->host;
		end->ranges = named->ranges;
	}
	if (entry)
		return named != NULL;
	end->named = false;
	if (!resolve_literal(r, word, zone, &range))
		return false;
	end->ranges = (struct addr_ranges){ arena_alloc(r->arena, sizeof(range)), 1 };
	end->ranges.items[0] = range;
	return true;
}

bool resolve_end(struct resolver *r, const struct text_list *words, uint32_t zone, struct end *ret_end)
{
	struct end end = { .named = true, .at = words->at };
	struct gathering gathering = { 0 };
	bool whole = words->count > 0;

	for (size_t i = 0; i < words->count; i++) {
		if (!words->items[i].value)
			return false;
		if (strcmp(words->items[i].value, "any") != 0)
			continue;
		if (words->count > 1) {
			policy_find(r->findings, POLICY_ANY_NOT_ALONE, words->items[i].at,
				    words->items[i].value);
			return false;
		}
		*ret_end = (struct end){ .any = true, .ranges = r->zones[zone].networks, .at = words->at };
		return true;
	}
	if (words->count == 1) {
		whole = resolve_single_word(r, &words->items[0], zone, &end);
	} else {
		for (size_t i = 0; i < words->count; i++)
			whole &= resolve_word(r, &words->items[i], zone, &gathering, &end);
		end.ranges = addr_ranges_union(r->arena, gathering.ranges, gathering.count);
	}
	if (whole)
		*ret_end = end;
	return whole;
}

/* A number from 0 to 65535 at *text, which is moved behind it. */
static bool port_number(const char **text, uint16_t *ret_port)
{
	unsigned long number = 0;
	size_t digits = 0;

	for (; **text >= '0' && **text <= '9' && digits < 6; ++*text, digits++)
		number = number * 10 + (unsigned long)(**text - '0');
	if (digits == 0 || number > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)number;
	return true;
}

/* "443" or "1024-1030"; port 0 is no port anybody can be reached at. */
static int port_range_parse(const char *text, struct port_range *ret_range)
{
	struct port_range range;

	if (!port_number(&text, &range.first))
		return -EINVAL;
	range.last = range.first;
	if (*text == '-') {
		text++;
		if (!port_number(&text, &range.last))
			return -EINVAL;
	}
	if (*text != '\0' || range.first == 0 || range.last < range.first)
		return -EINVAL;
	*ret_range = range;
	return 0;
}

static int compare_port_ranges(const void *left, const void *right)
{
	const struct port_range *a = left, *b = right;

	return a->first < b->first ? -1 : a->first > b->first;
}

/*
 * Sorts port ranges and joins those that overlap. Neighbours stay apart: 80 and 81 are two explicit ports,
 * 80-81 is a range. Returns how many remain.
 */
static size_t merge_ports(struct port_range *ports, size_t count)
{
	size_t kept = 0;

	if (count == 0)
		return 0;
	qsort(ports, count, sizeof(*ports), compare_port_ranges);
	for (size_t i = 1; i < count; i++) {
		if (ports[i].first > ports[kept].last)
			ports[++kept] = ports[i];
		else if (ports[i].last > ports[kept].last)
			ports[kept].last = ports[i].last;
	}
	return kept + 1;
}

/* Protocol and ports as they stand in a service or a flow. */
static bool resolve_protocol(struct resolver *r, const struct text *protocol, const struct text_list *words,
			     struct origin owner, struct traffic *traffic)
{
	struct port_range *ports = arena_array(r->arena, words->count, sizeof(*ports));
	bool whole = true;

	*traffic = (struct traffic){ .ports = ports, .ports_at = origin_or(words->at, owner) };
	if (protocol_parse(protocol->value, &traffic->protocol) < 0) {
		policy_find(r->findings, POLICY_PROTOCOL_UNKNOWN, protocol->at, protocol->value);
		return false;
	}
	if (protocol_has_ports(traffic->protocol) != (words->count > 0)) {
		policy_find(r->findings, words->count > 0 ? POLICY_PORTS_NOT_EXPECTED : POLICY_PORTS_MISSING,
			    traffic->ports_at, protocol->value);
		return false;
	}
	for (size_t i = 0; i < words->count; i++) {
		if (words->items[i].value && port_range_parse(words->items[i].value, &ports[i]) == 0)
			continue;
		if (words->items[i].value)
			policy_find(r->findings, POLICY_PORT_MALFORMED, words->items[i].at,
				    words->items[i].value);
		whole = false;
	}
	if (whole)
		traffic->port_count = merge_ports(ports, words->count);
	return whole;
}

void resolve_services(struct resolver *r)
{
	const struct settings *settings = r->settings;

	r->service_names = name_table_new(r->scratch, settings->service_count);
	r->services = arena_array(r->scratch, settings->service_count, sizeof(*r->services));
	for (size_t i = 0; i < settings->service_count; i++) {
		const struct service_settings *service = &settings->services[i];
		struct name_entry *entry = resolve_new_name(r, &r->service_names, &service->name);

		if (entry && service->protocol.value &&
		    resolve_protocol(r, &service->protocol, &service->ports, service->at, &r->services[i]))
			entry->value = (int64_t)i;
	}
}

bool resolve_traffic(struct resolver *r, const struct text *service, const struct text *protocol,
		     const struct text_list *ports, struct origin owner, struct traffic *ret_traffic)
{
	struct name_entry *entry;

	if (service->value && (protocol->value || ports->count > 0)) {
		finding_relate(
			policy_find(r->findings, POLICY_SERVICE_AND_PROTOCOL, service->at, service->value),
			protocol->value ? protocol->at : ports->at);
		return false;
	}
	if (!service->value && !protocol->value) {
		policy_find(r->findings, POLICY_PROTOCOL_MISSING, owner);
		return false;
	}
	if (!service->value)
		return resolve_protocol(r, protocol, ports, owner, ret_traffic);
	entry = name_table_find(&r->service_names, service->value);
	if (!entry) {
		policy_find(r->findings, POLICY_SERVICE_UNKNOWN, service->at, service->value,
			    resolve_nearest(r, &r->service_names, service->value));
		return false;
	}
	entry->used = true;
	if (entry->value == NAME_BROKEN)
		return false;
	*ret_traffic = r->services[entry->value];
	ret_traffic->ports_at = service->at;
	return true;
}
