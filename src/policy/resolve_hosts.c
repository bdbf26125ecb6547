/*
 * resolve_hosts: hosts with their addresses and Ethernet addresses, named networks, bindings, and the hosts
 * that a zone names.
 */
#include "policy/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/names.h"

/* An address of a host with the line that gave it, for the search for doubles. */
struct address_use {
	struct netaddr address;
	struct origin at;
	const struct host *host;
};

/* An Ethernet address of a host, likewise. */
struct mac_use {
	struct macaddr mac;
	struct origin at;
	const struct host *host;
};

/* All hosts while they are made. */
struct host_survey {
	struct name_entry **entries;		/* one per policy->hosts */
	const struct host_settings **settings;	/* likewise */
	struct address_use *addresses;
	size_t address_count, address_capacity;
	struct mac_use *macs;
	size_t mac_count, mac_capacity;
};

/* Tells that a range lies outside its zone, unless a malformed network of the zone may be the cause. */
static void find_outside(struct resolver *r, const struct finding_kind *kind, const struct text *word,
			 uint32_t zone, const char *owner)
{
	struct finding *finding;

	if (r->zone_notes[zone].incomplete)
		return;
	finding = finding_add(r->findings, kind, word->at, word->value, r->zones[zone].name, owner, NULL);
	finding_relate(finding, r->zones[zone].at);
}

static bool resolve_addresses(struct resolver *r, struct host_survey *survey, struct host *host,
			      const struct text_list *words)
{
	struct netaddr *addresses = arena_array(r->arena, words->count, sizeof(*addresses));
	bool whole = words->count > 0;

	for (size_t i = 0; i < words->count; i++) {
		const struct text *word = &words->items[i];
		struct netaddr *address = &addresses[host->address_count];

		if (!word->value || netaddr_parse(word->value, address) < 0) {
			if (word->value)
				policy_find(r->findings, POLICY_ADDRESS_MALFORMED, word->at, word->value);
			whole = false;
			continue;
		}
		if (!addr_ranges_contain(r->zones[host->zone].networks, address)) {
			find_outside(r, &policy_catalogue[POLICY_HOST_OUTSIDE_ZONE], word, host->zone,
				     host->name);
			whole = false;
			continue;
		}
		survey->addresses = arena_grow(r->scratch, survey->addresses, survey->address_count,
					       &survey->address_capacity, sizeof(*survey->addresses));
		survey->addresses[survey->address_count++] = (struct address_use){ *address, word->at, host };
		host->address_count++;
	}
	host->addresses = addresses;
	return whole;
}

/* Adds a MAC unless the list has it: two routers of one VRRP group may share theirs. */
static void add_mac(struct macaddr *macs, size_t *count, const struct macaddr *mac)
{
	for (size_t i = 0; i < *count; i++)
		if (memcmp(&macs[i], mac, sizeof(*mac)) == 0)
			return;
	macs[(*count)++] = *mac;
}

static bool resolve_macs(struct resolver *r, struct host_survey *survey, struct host *host,
			 const struct text_list *words)
{
	struct macaddr *macs = arena_array(r->arena, words->count, sizeof(*macs));
	bool whole = true;

	for (size_t i = 0; i < words->count; i++) {
		const struct text *word = &words->items[i];
		struct macaddr mac;
		int error = word->value ? macaddr_parse(word->value, &mac) : -ENODATA;

		if (error < 0) {
			if (word->value)
				policy_find(r->findings,
					    error == -ERANGE ? POLICY_MAC_NOT_A_SENDER : POLICY_MAC_MALFORMED,
					    word->at, word->value);
			whole = false;
			continue;
		}
		add_mac(macs, &host->mac_count, &mac);
		survey->macs = arena_grow(r->scratch, survey->macs, survey->mac_count, &survey->mac_capacity,
					  sizeof(*survey->macs));
		survey->macs[survey->mac_count++] = (struct mac_use){ mac, word->at, host };
	}
	host->macs = macs;
	host->macs_unsure = !whole;
	return whole;
}

/* True when a MAC of this host can be seen and is stated in one way only. */
static bool check_mac_statement(struct resolver *r, const struct host *host,
				const struct host_settings *settings)
{
	const struct zone *zone = &r->zones[host->zone];
	struct finding *finding;

	if (settings->macs.count == 0 && settings->via.count == 0)
		return true;
	if (settings->macs.count > 0 && settings->via.count > 0) {
		finding = policy_find(r->findings, POLICY_HOST_MAC_AND_VIA, settings->via.at, host->name);
		finding_relate(finding, settings->macs.at);
		return false;
	}
	if (!zone_lacks_macs(zone))
		return true;
	finding = policy_find(r->findings, POLICY_MAC_WITHOUT_ETHERNET, host->at, host->name, zone->name);
	finding_relate(finding, zone->at);
	return false;
}

/* A host without its routers, which may stand further down in the file. */
static void resolve_host(struct resolver *r, struct host_survey *survey, const struct host_settings *settings)
{
	struct name_entry *entry = resolve_new_name(r, &r->end_names, &settings->name);
	size_t index = r->policy->host_count;
	struct host *host = &r->hosts[index];
	bool whole;

	if (!entry)
		return;
	if (index == POLICY_HOSTS_MAX) {
		policy_find(r->findings, POLICY_HOSTS_TOO_MANY, settings->at, settings->name.value,
			    arena_printf(r->arena, "%d", POLICY_HOSTS_MAX));
		return;
	}
	*host = (struct host){ .name = resolve_copy(r, &settings->name),
			       .sanitizer = settings->sanitizer.value,
			       .at = settings->at,
			       .by_router = settings->via.count > 0 };
	if (!resolve_zone_name(r, &settings->zone, &host->zone))
		return;
	whole = resolve_addresses(r, survey, host, &settings->addresses);
	whole &= resolve_macs(r, survey, host, &settings->macs);
	whole &= check_mac_statement(r, host, settings);
	survey->entries[index] = entry;
	survey->settings[index] = settings;
	if (whole)
		entry->value = (int64_t)index;
	r->policy->host_count++;
}

/* The MACs of a host behind routers are those of its routers. */
static void resolve_via(struct resolver *r, struct host *host, const struct text_list *words,
			struct name_entry *entry)
{
	struct macaddr *macs;
	size_t room = 0;

	for (size_t i = 0; i < words->count; i++) {
		const struct host *router = resolve_host_word(r, &words->items[i], host->zone);

		if (router && (router->by_router || router->mac_count == 0))
			finding_relate(policy_find(r->findings, POLICY_VIA_WITHOUT_MAC, words->items[i].at,
						   host->name, router->name),
				       router->at);
		if (!router || router->by_router || router->mac_count == 0)
			entry->value = NAME_BROKEN;
		else
			room += router->mac_count;
	}
	if (entry->value == NAME_BROKEN)
		return;
	macs = arena_array(r->arena, room, sizeof(*macs));
	host->mac_count = 0;
	for (size_t i = 0; i < words->count; i++) {
		const struct host *router = resolve_host_word(r, &words->items[i], host->zone);

		for (size_t k = 0; router && k < router->mac_count; k++)
			add_mac(macs, &host->mac_count, &router->macs[k]);
	}
	host->macs = macs;
}

static int compare_address_uses(const void *left, const void *right)
{
	const struct address_use *a = left, *b = right;
	int order = netaddr_compare(&a->address, &b->address);

	if (order)
		return order;
	return a->at.line < b->at.line ? -1 : a->at.line > b->at.line;
}

static int compare_mac_uses(const void *left, const void *right)
{
	const struct mac_use *a = left, *b = right;
	int order = memcmp(&a->mac, &b->mac, sizeof(a->mac));

	if (order)
		return order;
	if (a->host->zone != b->host->zone)
		return a->host->zone < b->host->zone ? -1 : 1;
	return a->at.line < b->at.line ? -1 : a->at.line > b->at.line;
}

/* An address that two hosts claim is a copied line; a MAC that two hosts of a zone claim usually is. */
static void find_doubles(struct resolver *r, struct host_survey *survey)
{
	if (survey->address_count > 1)
		qsort(survey->addresses, survey->address_count, sizeof(*survey->addresses),
		      compare_address_uses);
	for (size_t i = 1; i < survey->address_count; i++) {
		const struct address_use *first = &survey->addresses[i - 1], *second = &survey->addresses[i];
		char text[NETADDR_TEXT_BYTES];

		if (netaddr_compare(&first->address, &second->address) == 0)
			finding_relate(policy_find(r->findings, POLICY_ADDRESS_TWICE, second->at,
						   netaddr_format(&second->address, text), second->host->name,
						   first->host->name),
				       first->at);
	}
	if (survey->mac_count > 1)
		qsort(survey->macs, survey->mac_count, sizeof(*survey->macs), compare_mac_uses);
	for (size_t i = 1; i < survey->mac_count; i++) {
		const struct mac_use *first = &survey->macs[i - 1], *second = &survey->macs[i];
		char text[MACADDR_TEXT_BYTES];

		if (memcmp(&first->mac, &second->mac, sizeof(first->mac)) == 0 &&
		    first->host->zone == second->host->zone)
			finding_relate(policy_find(r->findings, POLICY_MAC_TWICE, second->at,
						   macaddr_format(&second->mac, text), second->host->name,
						   first->host->name),
				       first->at);
	}
}

/* One binding per address and MAC of each host. */
static void make_bindings(struct resolver *r)
{
	struct binding *bindings;
	size_t room = 0;

	for (size_t i = 0; i < r->policy->host_count; i++)
		room += r->hosts[i].address_count * r->hosts[i].mac_count;
	bindings = arena_array(r->arena, room, sizeof(*bindings));
	for (size_t i = 0; i < r->policy->host_count; i++) {
		const struct host *host = &r->hosts[i];

		for (size_t k = 0; k < host->address_count * host->mac_count; k++)
			bindings[r->policy->binding_count++] = (struct binding){
				.zone = host->zone,
				.address = host->addresses[k / host->mac_count],
				.mac = host->macs[k % host->mac_count],
				.by_router = host->by_router,
				.at = host->at,
			};
	}
	r->policy->bindings = bindings;
}

static void resolve_network(struct resolver *r, const struct network_settings *settings, size_t index)
{
	struct name_entry *entry = resolve_new_name(r, &r->end_names, &settings->name);
	struct addr_range *ranges = arena_array(r->scratch, settings->prefixes.count, sizeof(*ranges));
	bool whole = settings->prefixes.count > 0;
	uint32_t zone;

	if (!entry || !resolve_zone_name(r, &settings->zone, &zone))
		return;
	for (size_t i = 0; i < settings->prefixes.count; i++) {
		const struct text *word = &settings->prefixes.items[i];
		int error = word->value ? addr_range_parse(word->value, &ranges[i]) : -ENODATA;

		if (error == -ERANGE || error == -EINVAL)
			resolve_not_a_range(r, word, error);
		else if (!error && !addr_ranges_cover(r->zones[zone].networks, &ranges[i]))
			find_outside(r, &policy_catalogue[POLICY_NETWORK_OUTSIDE_ZONE], word, zone,
				     settings->name.value);
		else if (!error)
			continue;
		whole = false;
	}
	if (!whole)
		return;
	r->ends[index] =
		(struct named_end){ .zone = zone,
				    .ranges = addr_ranges_union(r->arena, ranges, settings->prefixes.count) };
	entry->value = (int64_t)index;
}

/* The addresses of hosts of the zone that the words name. */
static struct addr_ranges host_addresses(struct resolver *r, const struct text_list *words, uint32_t zone)
{
	struct addr_range *ranges = NULL;
	size_t count = 0, capacity = 0;

	for (size_t i = 0; i < words->count; i++) {
		const struct host *host = resolve_host_word(r, &words->items[i], zone);

		for (size_t k = 0; host && k < host->address_count; k++) {
			ranges = arena_grow(r->scratch, ranges, count, &capacity, sizeof(*ranges));
			ranges[count++] = (struct addr_range){ host->addresses[k], host->addresses[k] };
		}
	}
	return addr_ranges_union(r->arena, ranges, count);
}

/* Next hops of the uplink: its routers, and the hosts of the zone that stand on the link itself. */
static struct addr_ranges uplink_next_hops(struct resolver *r, struct addr_ranges routers, uint32_t zone)
{
	struct addr_range *ranges = NULL;
	size_t count = 0, capacity = 0;

	for (size_t i = 0; i < r->policy->host_count; i++)
		for (size_t k = 0; r->hosts[i].zone == zone && k < r->hosts[i].address_count; k++) {
			const struct netaddr *address = &r->hosts[i].addresses[k];

			if (!addr_ranges_contain(r->zone_notes[zone].declared, address))
				continue;
			ranges = arena_grow(r->scratch, ranges, count, &capacity, sizeof(*ranges));
			ranges[count++] = (struct addr_range){ *address, *address };
		}
	for (size_t i = 0; i < routers.count; i++) {
		ranges = arena_grow(r->scratch, ranges, count, &capacity, sizeof(*ranges));
		ranges[count++] = routers.items[i];
	}
	return addr_ranges_union(r->arena, ranges, count);
}

static void resolve_zone_hosts(struct resolver *r, const struct zone_settings *settings)
{
	const struct name_entry *entry =
		settings->name.value ? name_table_find(&r->zone_names, settings->name.value) : NULL;
	struct zone *zone;

	if (!entry || entry->value == NAME_BROKEN)
		return;
	zone = &r->zones[entry->value];
	zone->dhcp_servers = host_addresses(r, &settings->dhcp_servers, (uint32_t)entry->value);
	zone->ipv6_routers = host_addresses(r, &settings->ipv6_routers, (uint32_t)entry->value);
	if (!settings->uplink.at.source || !zone->uplink)
		return;
	zone->dns = host_addresses(r, &settings->uplink.dns, (uint32_t)entry->value);
	zone->smtp = host_addresses(r, &settings->uplink.smtp, (uint32_t)entry->value);
	zone->next_hops =
		uplink_next_hops(r, host_addresses(r, &settings->uplink.routers, (uint32_t)entry->value),
				 (uint32_t)entry->value);
}

/* Gives every host its ranges as an end, so that a thousand flows to one host share them. */
static void make_host_ends(struct resolver *r)
{
	for (size_t i = 0; i < r->policy->host_count; i++) {
		const struct host *host = &r->hosts[i];
		struct addr_range *ranges = arena_array(r->scratch, host->address_count, sizeof(*ranges));

		for (size_t k = 0; k < host->address_count; k++)
			ranges[k] = (struct addr_range){ host->addresses[k], host->addresses[k] };
		r->ends[i] = (struct named_end){ .zone = host->zone,
						 .host = host,
						 .ranges = addr_ranges_union(r->arena, ranges,
									     host->address_count) };
	}
}

void resolve_hosts(struct resolver *r)
{
	const struct settings *settings = r->settings;
	size_t names = settings->host_count + settings->network_count;
	struct host_survey survey = {
		.entries = arena_array(r->scratch, settings->host_count, sizeof(*survey.entries)),
		.settings = arena_array(r->scratch, settings->host_count, sizeof(*survey.settings)),
	};

	r->hosts = arena_array(r->arena, settings->host_count + 1, sizeof(*r->hosts));
	r->ends = arena_array(r->scratch, names, sizeof(*r->ends));
	r->end_names = name_table_new(r->scratch, names);
	r->policy->hosts = r->hosts;
	for (size_t i = 0; i < settings->host_count; i++)
		resolve_host(r, &survey, &settings->hosts[i]);
	make_host_ends(r);
	for (size_t i = 0; i < settings->network_count; i++)
		resolve_network(r, &settings->networks[i], settings->host_count + i);
	for (size_t i = 0; i < r->policy->host_count; i++)
		if (r->hosts[i].by_router && survey.entries[i]->value != NAME_BROKEN)
			resolve_via(r, &r->hosts[i], &survey.settings[i]->via, survey.entries[i]);
	find_doubles(r, &survey);
	make_bindings(r);
	for (size_t i = 0; i < settings->zone_count; i++)
		resolve_zone_hosts(r, &settings->zones[i]);
}
