/* watch_address: whether a device may have the address it claims. */
#include "wiring/look.h"

/* The port of ours that has this address; for one of a link (fe80::/10) that is the port at hand, or none. */
static const struct layout_port *address_own_port(const struct look *look, const struct netaddr *address)
{
	const struct layout *layout = look->watch->layout;
	bool of_link = address->family == 6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;

	for (size_t i = 0; i < layout->port_count; i++)
		for (size_t k = 0; k < layout->ports[i].address_count && (!of_link || &layout->ports[i] == look->port); k++)
			if (netaddr_compare(&layout->ports[i].addresses[k], address) == 0)
				return &layout->ports[i];
	return NULL;
}

/* The zone of an address, its own one first; -1: none. */
static int zone_of_address(const struct look *look, const struct netaddr *address)
{
	const struct layout *layout = look->watch->layout;

	if (addr_ranges_contain(layout->zones[look->port->zone].networks, address))
		return (int)look->port->zone;
	for (size_t z = 0; z < layout->zone_count; z++)
		if (addr_ranges_contain(layout->zones[z].networks, address))
			return (int)z;
	return -1;
}

/* The first binding of an address in a zone, or NULL. */
static const struct layout_binding *bindings_of(const struct layout *layout, uint32_t zone, const struct netaddr *address)
{
	const struct layout_binding first = { .zone = zone, .address = *address };
	size_t low = 0, high = layout->binding_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (layout_binding_compare(&layout->bindings[middle], &first) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == layout->binding_count || layout->bindings[low].zone != zone || netaddr_compare(&layout->bindings[low].address, address) != 0)
		return NULL;
	return &layout->bindings[low];
}

/* True when one of the bindings of this address, of which this is the first, is to the MAC. */
static bool is_bound(const struct layout *layout, const struct layout_binding *first, const struct macaddr *mac)
{
	const struct layout_binding *end = layout->bindings + layout->binding_count;

	for (const struct layout_binding *binding = first;
	     binding < end && binding->zone == first->zone && netaddr_compare(&binding->address, &first->address) == 0; binding++)
		if (mac_is(&binding->mac, mac))
			return true;
	return false;
}

static void duplicate_say(struct look *look, const struct macaddr *other, const char *interface)
{
	struct fault fault = look_fault(look, WIRING_DUPLICATE_ADDRESS, look->port->zone);

	fault.address = look->sighting->address;
	fault.has_other_mac = true;
	fault.other_mac = *other;
	name_copy(fault.other_interface, interface);
	look_say(look, fault);
}

/* Who has this address of the zone? */
static void owner_judge(struct look *look)
{
	const struct sighting *sighting = look->sighting;
	const struct layout_binding *bindings = bindings_of(look->watch->layout, look->port->zone, &sighting->address);
	struct tables *tables = &look->watch->tables;
	struct claim *claim = claim_find(tables, (uint16_t)look->port->zone, &sighting->address);
	struct device *device;

	if (bindings) {
		if (!is_bound(look->watch->layout, bindings, &sighting->owner))
			duplicate_say(look, &bindings->mac, "");
		return;
	}
	if (claim && !mac_is(&claim->mac, &sighting->owner) && look->now_ms - claim->trace.seen_ms < WATCH_DUPLICATE_MS) {
		device = device_find(tables, &claim->mac);
		duplicate_say(look, &claim->mac, device ? device_interface(look->watch->layout, device) : "");
	}
	if (sighting->kind != SIGHTING_CLAIM)
		return;
	if (!claim)
		claim = claim_add(tables, (uint16_t)look->port->zone, &sighting->address, look->now_ms);
	else
		claim->trace.often = true;
	claim->mac = sighting->owner;
	claim->trace.seen_ms = look->now_ms;
}

void address_judge(struct look *look, int home)
{
	const struct netaddr *address = &look->sighting->address;
	const struct layout_port *own = address_own_port(look, address);
	int zone = zone_of_address(look, address);
	struct fault fault;

	if (own) {
		fault = look_fault(look, WIRING_GATEWAY_ADDRESS, own->zone);
		name_copy(fault.other_interface, own->name);
	} else if (zone == (int)look->port->zone) {
		owner_judge(look);
		return;
	} else if (zone < 0 || zone == home) {
		return;
	} else {
		fault = look_fault(look, WIRING_FOREIGN_ADDRESS, (uint32_t)zone);
	}
	fault.address = *address;
	look_say(look, fault);
}

/* ---- servers */

/* True when one of these addresses is bound to the MAC; *ret_any: one of them is bound at all. */
static bool is_bound_among(const struct look *look, struct addr_ranges addresses, bool *ret_any)
{
	const struct layout *layout = look->watch->layout;
	bool found = false;

	*ret_any = false;
	for (size_t i = 0; i < layout->binding_count && !found; i++) {
		const struct layout_binding *binding = &layout->bindings[i];

		if (binding->zone != look->port->zone || !addr_ranges_contain(addresses, &binding->address))
			continue;
		*ret_any = true;
		found = mac_is(&binding->mac, &look->sighting->mac);
	}
	return found;
}

/* True when the sender has one of these addresses, as far as it was seen. They are those of some hosts, so few. */
static bool is_seen_among(const struct look *look, struct addr_ranges addresses)
{
	for (size_t i = 0; i < addresses.count; i++) {
		struct netaddr address = addresses.items[i].first;

		do {
			const struct claim *claim = claim_find(&look->watch->tables, (uint16_t)look->port->zone, &address);

			if (claim && mac_is(&claim->mac, &look->sighting->mac))
				return true;
		} while (netaddr_next(&address) && addr_range_contains(&addresses.items[i], &address));
	}
	return false;
}

bool server_is_declared(const struct look *look, struct addr_ranges addresses)
{
	const struct sighting *sighting = look->sighting;
	bool any;

	if (addresses.count == 0)
		return false;
	if (is_bound_among(look, addresses, &any))
		return true;
	if (any)
		return false;
	return addr_ranges_contain(addresses, &sighting->address) || (sighting->server.family && addr_ranges_contain(addresses, &sighting->server)) ||
	       is_seen_among(look, addresses);
}
