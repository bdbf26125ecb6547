/*
 * resolve_zones: zones, their interfaces and their networks. What overlaps or lies in two zones is named with
 * both lines.
 */
#include "policy/resolver.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/names.h"

/*
 * What a zone may hold, and what an uplink zone reaches unless another zone has it. IPv4 without 0/8, 127/8,
 * 169.254/16 and 224/3; IPv6 only 2000::/3 and fc00::/7, which leaves out unspecified, loopback, IPv4-mapped,
 * link-local and multicast. Documentation prefixes are ordinary addresses here.
 */
static const char *const unicast_ranges[] = {
	"1.0.0.0-126.255.255.255",
	"128.0.0.0-169.253.255.255",
	"169.255.0.0-223.255.255.255",
	"2000::/3",
	"fc00::/7",
};

enum { UNICAST_RANGE_COUNT = sizeof(unicast_ranges) / sizeof(unicast_ranges[0]) };

/* A network as written, for the search for overlaps. */
struct zone_network {
	struct addr_range range;
	uint32_t zone;
	const struct text *word;
};

/* All networks of all zones, and the interfaces, while zones are made. */
struct zone_survey {
	struct zone_network *networks;
	size_t count, capacity;
	struct addr_ranges unicast;
	struct name_table interfaces;
};

static struct addr_ranges unicast_space(struct arena *arena)
{
	struct addr_range *ranges = arena_array(arena, UNICAST_RANGE_COUNT, sizeof(*ranges));

	for (size_t i = 0; i < UNICAST_RANGE_COUNT; i++) {
		int error = addr_range_parse(unicast_ranges[i], &ranges[i]);

		assert(error == 0);
		(void)error;
	}
	return addr_ranges_union(arena, ranges, UNICAST_RANGE_COUNT);
}

/*
 * What IFNAMSIZ and dev_valid_name() of the kernel allow; and never the loopback, which is the gateway
 * itself.
 */
static bool interface_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= POLICY_INTERFACE_NAME_BYTES_MAX &&
	       strpbrk(name, "/: \t\"\\*") == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strcmp(name, "lo") != 0;
}

static void resolve_interfaces(struct resolver *r, struct zone_survey *survey, struct zone *zone,
			       const struct text_list *words)
{
	struct text *interfaces = arena_array(r->arena, words->count, sizeof(*interfaces));

	for (size_t i = 0; i < words->count; i++) {
		const struct text *word = &words->items[i];
		const struct name_entry *first;

		if (!word->value)
			continue;
		if (!interface_name_is_valid(word->value)) {
			policy_find(r->findings, POLICY_INTERFACE_MALFORMED, word->at, word->value);
		} else if (survey->interfaces.count == POLICY_INTERFACES_MAX) {
			policy_find(r->findings, POLICY_INTERFACES_TOO_MANY, word->at, word->value,
				    arena_printf(r->arena, "%d", POLICY_INTERFACES_MAX));
		} else if (!name_table_add(&survey->interfaces, word->value, word->at, &first)) {
			finding_relate(
				policy_find(r->findings, POLICY_INTERFACE_TWICE, word->at, word->value),
				first->at);
		} else {
			interfaces[zone->interface_count++] = (struct text){ .value = resolve_copy(r, word), .at = word->at };
			zone->wireless |= interface_is_wireless(word->value);
		}
	}
	zone->interfaces = interfaces;
}

/* One network of a zone; false with a finding when it cannot be one. */
static bool network_parse(struct resolver *r, const struct zone_survey *survey, const struct text *word,
			  struct addr_range *ret_range)
{
	struct prefix prefix;
	int error = prefix_parse(word->value, &prefix);

	if (error < 0) {
		resolve_not_a_range(r, word, error);
		return false;
	}
	*ret_range = prefix_range(&prefix);
	if (!addr_ranges_cover(survey->unicast, ret_range)) {
		policy_find(r->findings, POLICY_NETWORK_NOT_UNICAST, word->at, word->value);
		return false;
	}
	return true;
}

static void resolve_networks(struct resolver *r, struct zone_survey *survey, uint32_t zone,
			     const struct text_list *words)
{
	struct addr_range *ranges = arena_array(r->scratch, words->count, sizeof(*ranges));
	size_t count = 0;

	for (size_t i = 0; i < words->count; i++) {
		const struct text *word = &words->items[i];

		if (!word->value || !network_parse(r, survey, word, &ranges[count])) {
			r->zone_notes[zone].incomplete = true;
			continue;
		}
		survey->networks = arena_grow(r->scratch, survey->networks, survey->count, &survey->capacity,
					      sizeof(*survey->networks));
		survey->networks[survey->count++] =
			(struct zone_network){ .range = ranges[count], .zone = zone, .word = word };
		count++;
	}
	r->zone_notes[zone].declared = addr_ranges_union(r->arena, ranges, count);
	r->zones[zone].networks = r->zone_notes[zone].declared;
}

static int compare_networks(const void *left, const void *right)
{
	const struct zone_network *a = left, *b = right;
	int order = netaddr_compare(&a->range.first, &b->range.first);

	if (order)
		return order;
	return a->zone < b->zone ? -1 : a->zone > b->zone;
}

/*
 * Networks of two zones that share an address. In order of their beginnings, each is held against the one
 * that reaches farthest so far; so every network that overlaps a foreign one before it is told at least once.
 */
static void find_overlaps(struct resolver *r, struct zone_survey *survey)
{
	const struct zone_network *reach = NULL;

	if (survey->count == 0)
		return;
	qsort(survey->networks, survey->count, sizeof(*survey->networks), compare_networks);
	for (size_t i = 0; i < survey->count; i++) {
		const struct zone_network *network = &survey->networks[i];

		if (reach && reach->zone != network->zone &&
		    addr_range_intersect(&reach->range, &network->range, NULL)) {
			struct finding *finding = policy_find(
				r->findings, POLICY_ZONE_OVERLAP, network->word->at, network->word->value,
				reach->word->value, r->zones[network->zone].name, r->zones[reach->zone].name);

			finding_relate(finding, reach->word->at);
		}
		if (!reach || netaddr_compare(&network->range.last, &reach->range.last) > 0)
			reach = network;
	}
}

/* Notes the one uplink; a second one is refused with the line of the first. */
static void resolve_uplink(struct resolver *r, struct zone *zone, const struct uplink_settings *uplink)
{
	if (!uplink->at.source)
		return;
	for (size_t i = 0; i < r->policy->zone_count; i++)
		if (r->zones[i].uplink) {
			finding_relate(policy_find(r->findings, POLICY_UPLINK_TWICE, uplink->at, zone->name,
						   r->zones[i].name),
				       r->zones[i].at);
			return;
		}
	zone->uplink = true;
}

/* The uplink zone holds its own networks and every unicast address that no other zone has. */
static void widen_uplink(struct resolver *r, const struct zone_survey *survey)
{
	struct addr_range *foreign = arena_array(r->scratch, survey->count, sizeof(*foreign));
	struct zone *uplink = NULL;
	size_t count = 0;

	for (size_t i = 0; i < r->policy->zone_count; i++)
		if (r->zones[i].uplink)
			uplink = &r->zones[i];
	if (!uplink)
		return;
	for (size_t i = 0; i < survey->count; i++)
		if (&r->zones[survey->networks[i].zone] != uplink)
			foreign[count++] = survey->networks[i].range;
	uplink->networks =
		addr_ranges_subtract(r->arena, survey->unicast, addr_ranges_union(r->scratch, foreign, count));
}

static void resolve_zone(struct resolver *r, struct zone_survey *survey, const struct zone_settings *settings)
{
	struct name_entry *entry = resolve_new_name(r, &r->zone_names, &settings->name);
	uint32_t index = (uint32_t)r->policy->zone_count;
	struct zone *zone = &r->zones[index];
	enum tier tier;

	r->zones_nameless |= !entry;
	if (!entry)
		return;
	if (tier_parse(settings->tier.value, &tier) < 0) {
		if (settings->tier.value)
			policy_find(r->findings, POLICY_TIER_UNKNOWN, settings->tier.at, settings->tier.value);
		return;
	}
	if (index == POLICY_ZONES_MAX) {
		policy_find(r->findings, POLICY_ZONES_TOO_MANY, settings->at, settings->name.value,
			    arena_printf(r->arena, "%d", POLICY_ZONES_MAX));
		return;
	}
	*zone = (struct zone){
		.name = resolve_copy(r, &settings->name),
		.label = resolve_copy(r, settings->label.value ? &settings->label : &settings->name),
		.tier = tier, .at = settings->at,
		.hairpin = settings->hairpin.value, .wireless = settings->wireless.value,
	};
	resolve_interfaces(r, survey, zone, &settings->interfaces);
	resolve_networks(r, survey, index, &settings->networks);
	resolve_uplink(r, zone, &settings->uplink);
	entry->value = index;
	r->policy->zone_count++;
}

void resolve_zones(struct resolver *r)
{
	const struct settings *settings = r->settings;
	struct zone_survey survey = {
		.unicast = unicast_space(r->scratch),
		.interfaces = name_table_new(r->scratch, POLICY_INTERFACES_MAX),
	};

	r->zones = arena_array(r->arena, POLICY_ZONES_MAX + 1, sizeof(*r->zones));
	r->zone_notes = arena_array(r->scratch, POLICY_ZONES_MAX + 1, sizeof(*r->zone_notes));
	r->zone_names = name_table_new(r->scratch, settings->zone_count);
	r->policy->zones = r->zones;
	for (size_t i = 0; i < settings->zone_count; i++)
		resolve_zone(r, &survey, &settings->zones[i]);
	find_overlaps(r, &survey);
	widen_uplink(r, &survey);
}
