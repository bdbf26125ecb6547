/* watch: what is wrong with what is seen, and whether it is said. */
#include "wiring/look.h"

#include <stdlib.h>
#include <string.h>

struct watch *watch_new(uint64_t seed)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		arena_exhausted();
	watch->tables.seed = seed | 1;
	return watch;
}

void watch_free(struct watch *watch)
{
	if (watch)
		free(watch->homes);
	free(watch);
}

static int home_compare(const void *a, const void *b)
{
	const struct home *left = a, *right = b;
	int order = memcmp(&left->mac, &right->mac, sizeof(left->mac));

	return order ? order : (left->zone > right->zone) - (left->zone < right->zone);
}

static void homes_make(struct watch *watch, const struct layout *layout)
{
	size_t count = 0;

	free(watch->homes);
	watch->homes = calloc(layout->binding_count + 1, sizeof(*watch->homes));
	if (!watch->homes)
		arena_exhausted();
	for (size_t i = 0; i < layout->binding_count; i++)
		watch->homes[i] = (struct home){ layout->bindings[i].mac, layout->bindings[i].zone };
	qsort(watch->homes, layout->binding_count, sizeof(*watch->homes), home_compare);
	for (size_t i = 0; i < layout->binding_count; i++)
		if (count == 0 || home_compare(&watch->homes[count - 1], &watch->homes[i]) != 0)
			watch->homes[count++] = watch->homes[i];
	watch->home_count = count;
}

/* The number that a zone of the old layout has in the new one; LAYOUT_ZONES_MAX: none. */
static uint16_t zone_renumber(const struct layout *from, const struct layout *to, uint16_t zone)
{
	for (uint16_t z = 0; from && zone < from->zone_count && z < to->zone_count; z++)
		if (strcmp(from->zones[zone].name, to->zones[z].name) == 0)
			return z;
	return LAYOUT_ZONES_MAX;
}

static bool layouts_agree(const struct layout *one, const struct layout *other)
{
	for (uint16_t z = 0; one && z < one->zone_count; z++)
		if (zone_renumber(one, other, z) != z)
			return false;
	return one != NULL;
}

/*
 * Claims lie in the table by their zone, so those whose zone has another number are forgotten; they come again with the next packets. Entries that nobody used
 * are not written: the system has given no memory for them yet.
 */
static void learnt_renumber(struct watch *watch, const struct layout *to)
{
	struct device *devices = &watch->tables.devices[0][0];
	struct claim *claims = &watch->tables.claims[0][0];

	if (layouts_agree(watch->layout, to))
		return;
	for (size_t i = 0; i < DEVICES_MAX; i++) {
		if (!devices[i].trace.used)
			continue;
		devices[i].zone = zone_renumber(watch->layout, to, devices[i].zone);
		devices[i].trace.used = devices[i].zone != LAYOUT_ZONES_MAX;
	}
	for (size_t i = 0; i < CLAIMS_MAX; i++)
		if (claims[i].trace.used)
			claims[i].trace.used = false;
}

void watch_set_layout(struct watch *watch, const struct layout *layout)
{
	if (layout) {
		learnt_renumber(watch, layout);
		homes_make(watch, layout);
	}
	watch->layout = layout;
}

uint64_t watch_held_back(struct watch *watch)
{
	uint64_t held_back = watch->held_back;

	watch->held_back = 0;
	return held_back;
}

/* ---- saying it */

void name_copy(char to[static FAULT_NAME_BYTES], const char *name)
{
	memcpy(to, name, strnlen(name, FAULT_NAME_BYTES - 1));
}

static bool budget_allows(struct look *look, enum wiring_finding kind)
{
	struct budget *budget = &look->watch->budgets[look->port->zone][kind];

	if (look->now_ms / 60000 != budget->minute || budget->given == 0)
		*budget = (struct budget){ .minute = look->now_ms / 60000 };
	if (budget->given == WATCH_PER_MINUTE) {
		look->watch->held_back++;
		return false;
	}
	budget->given++;
	return true;
}

/* What makes a fault the same as one before. Two devices with one address are one matter, whoever of them speaks; so is a VLAN, whoever is in it. */
static uint64_t key_of(const struct look *look, const struct fault *fault)
{
	struct {
		uint32_t kind, zone, port, vlan;
		char other_zone[FAULT_NAME_BYTES];
		struct netaddr address;
		uint8_t macs[sizeof(struct macaddr)];
	} key;

	memset(&key, 0, sizeof(key));
	key.kind = (uint32_t)fault->kind;
	key.zone = look->port->zone;
	key.port = fault->kind == WIRING_STRAY_VLAN || fault->kind == WIRING_MANY_DEVICES ? look->port->index : 0;
	key.vlan = fault->vlan;
	memcpy(key.other_zone, fault->other_zone, sizeof(key.other_zone));
	if (fault->kind == WIRING_DUPLICATE_ADDRESS)
		key.address = fault->address;
	for (size_t i = 0; key.port == 0 && i < sizeof(key.macs); i++)
		key.macs[i] = fault->mac.bytes[i] ^ (fault->has_other_mac ? fault->other_mac.bytes[i] : 0);
	return tables_hash(&look->watch->tables, &key, sizeof(key));
}

/* True when it has to be said now. */
static bool told_judge(struct look *look, struct fault *fault)
{
	struct tables *tables = &look->watch->tables;
	const uint64_t key = key_of(look, fault);
	struct told *told = told_find(tables, key);

	if (told && look->now_ms - told->trace.seen_ms < WATCH_AGAIN_MS) {
		told->since++;
		return false;
	}
	if (!budget_allows(look, fault->kind))
		return false;
	if (!told)
		told = told_add(tables, key, look->now_ms);
	fault->count = told->since + 1;
	told->since = 0;
	told->trace.often = told->trace.seen_ms != look->now_ms;
	told->trace.seen_ms = look->now_ms;
	return true;
}

void look_say(struct look *look, struct fault fault)
{
	const struct layout *layout = look->watch->layout;

	fault.mac = look->sighting->mac;
	name_copy(fault.zone, layout->zones[look->port->zone].name);
	name_copy(fault.interface, look->port->name);
	if (look->count < WATCH_FAULTS_MAX && told_judge(look, &fault))
		look->faults[look->count++] = fault;
}

struct fault look_fault(const struct look *look, enum wiring_finding kind, uint32_t other_zone)
{
	struct fault fault = { .kind = kind };

	name_copy(fault.other_zone, look->watch->layout->zones[other_zone].name);
	return fault;
}

/* ---- services and VLANs */

static void server_judge(struct look *look, enum wiring_finding kind, struct addr_ranges declared)
{
	struct fault fault;

	if (server_is_declared(look, declared))
		return;
	fault = look_fault(look, kind, look->port->zone);
	fault.address = look->sighting->server.family ? look->sighting->server : look->sighting->address;
	look_say(look, fault);
}

static void vlan_judge(struct look *look)
{
	struct fault fault = look_fault(look, WIRING_STRAY_VLAN, look->port->zone);

	for (size_t i = 0; i < look->port->vlan_count; i++)
		if (look->port->vlans[i] == look->sighting->vlan)
			return;
	fault.vlan = look->sighting->vlan;
	look_say(look, fault);
}

static void look_judge(struct look *look)
{
	const struct layout_zone *zone = &look->watch->layout->zones[look->port->zone];
	const struct layout_port *own = device_own_port(look, &look->sighting->mac);
	struct fault fault;
	int home;

	if (look->sighting->kind == SIGHTING_TAGGED) {
		vlan_judge(look);
		return;
	}
	if (own) {
		fault = look_fault(look, WIRING_OWN_FRAMES, own->zone);
		name_copy(fault.other_interface, own->name);
		look_say(look, fault);
		return;
	}
	home = device_judge(look);
	switch (look->sighting->kind) {
	case SIGHTING_CLAIM: case SIGHTING_TENTATIVE:
		address_judge(look, home);
		break;
	case SIGHTING_ROUTER:
		server_judge(look, WIRING_STRAY_ROUTER, zone->ipv6_routers);
		break;
	case SIGHTING_DHCP:
		server_judge(look, WIRING_STRAY_DHCP, zone->dhcp_servers);
		break;
	case SIGHTING_DEVICE: case SIGHTING_TAGGED:
		break;
	}
}

size_t watch_see(struct watch *watch, const struct sighting *sighting, uint32_t index, int64_t now_ms,
		 struct fault ret_faults[static WATCH_FAULTS_MAX])
{
	struct look look = {
		.watch = watch, .sighting = sighting, .now_ms = now_ms, .faults = ret_faults,
		.port = watch->layout ? layout_port(watch->layout, index) : NULL,
	};

	if (look.port)
		look_judge(&look);
	return look.count;
}
