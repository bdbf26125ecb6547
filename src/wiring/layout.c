/* layout: who belongs where, as bytes. */
#include "wiring/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/fields.h"

enum { ADDRESS_BYTES = 17, MAC_BYTES = 6 };	/* as packed */

int layout_binding_compare(const void *a, const void *b)
{
	const struct layout_binding *left = a, *right = b;
	int order;

	if (left->zone != right->zone)
		return left->zone < right->zone ? -1 : 1;
	order = netaddr_compare(&left->address, &right->address);
	return order ? order : memcmp(left->mac.bytes, right->mac.bytes, MAC_BYTES);
}

static int port_compare(const void *key, const void *port)
{
	const uint32_t index = *(const uint32_t *)key, other = ((const struct layout_port *)port)->index;

	return index < other ? -1 : index > other;
}

const struct layout_port *layout_port(const struct layout *layout, uint32_t index)
{
	return layout->port_count ? bsearch(&index, layout->ports, layout->port_count, sizeof(*layout->ports), port_compare) : NULL;
}

/* ---- writing */

static void ranges_pack(struct buf *out, const struct addr_ranges *ranges)
{
	buf_put_u32(out, (uint32_t)ranges->count);
	for (size_t i = 0; i < ranges->count; i++) {
		buf_put_netaddr(out, &ranges->items[i].first);
		buf_put_netaddr(out, &ranges->items[i].last);
	}
}

static void port_pack(struct buf *out, const struct layout_port *port)
{
	buf_put_u32(out, port->index);
	buf_put_u32(out, port->zone);
	buf_put_text(out, span_of(port->name));
	buf_put_u8(out, port->has_mac);
	buf_put(out, port->mac.bytes, MAC_BYTES);
	buf_put_u32(out, (uint32_t)port->address_count);
	for (size_t i = 0; i < port->address_count; i++)
		buf_put_netaddr(out, &port->addresses[i]);
	buf_put_u32(out, (uint32_t)port->vlan_count);
	for (size_t i = 0; i < port->vlan_count; i++)
		buf_put_u16(out, port->vlans[i]);
}

void layout_pack(struct buf *out, const struct layout *layout)
{
	buf_put_u32(out, (uint32_t)layout->zone_count);
	for (size_t i = 0; i < layout->zone_count; i++) {
		buf_put_text(out, span_of(layout->zones[i].name));
		ranges_pack(out, &layout->zones[i].networks);
		ranges_pack(out, &layout->zones[i].dhcp_servers);
		ranges_pack(out, &layout->zones[i].ipv6_routers);
	}
	buf_put_u32(out, (uint32_t)layout->port_count);
	for (size_t i = 0; i < layout->port_count; i++)
		port_pack(out, &layout->ports[i]);
	buf_put_u32(out, (uint32_t)layout->binding_count);
	for (size_t i = 0; i < layout->binding_count; i++) {
		buf_put_u32(out, layout->bindings[i].zone);
		buf_put_netaddr(out, &layout->bindings[i].address);
		buf_put(out, layout->bindings[i].mac.bytes, MAC_BYTES);
	}
}

/* ---- reading */

/* A count that could be true, given what one item takes at least. */
static bool count_take(struct span *bytes, size_t item_bytes_min, size_t maximum, uint32_t *ret_count)
{
	return span_take_u32(bytes, ret_count) && *ret_count <= maximum && *ret_count <= bytes->length / item_bytes_min;
}

static bool mac_take(struct span *bytes, struct macaddr *ret_mac)
{
	struct span value;

	if (!span_take_bytes(bytes, MAC_BYTES, &value))
		return false;
	memcpy(ret_mac->bytes, value.data, MAC_BYTES);
	return true;
}

static bool name_take(struct arena *arena, struct span *bytes, const char **ret_name)
{
	struct span text;

	if (!span_take_text(bytes, &text) || text.length == 0 || text.length > LAYOUT_NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == '"')
			return false;
	*ret_name = arena_strndup(arena, text.data, text.length);
	return true;
}

/* Ranges rise and share nothing. */
static bool ranges_take(struct arena *arena, struct span *bytes, struct addr_ranges *ret_ranges)
{
	struct addr_range *items;
	uint32_t count;

	if (!count_take(bytes, 2 * ADDRESS_BYTES, LAYOUT_BYTES_MAX, &count))
		return false;
	items = arena_array(arena, count, sizeof(*items));
	for (uint32_t i = 0; i < count; i++) {
		if (!span_take_netaddr(bytes, &items[i].first) || !span_take_netaddr(bytes, &items[i].last) ||
		    items[i].first.family != items[i].last.family || netaddr_compare(&items[i].first, &items[i].last) > 0)
			return false;
		if (i > 0 && netaddr_compare(&items[i - 1].last, &items[i].first) >= 0)
			return false;
	}
	*ret_ranges = (struct addr_ranges){ .items = items, .count = count };
	return true;
}

static bool zones_take(struct arena *arena, struct span *bytes, struct layout *layout)
{
	struct layout_zone *zones;
	uint32_t count;

	if (!count_take(bytes, 4, LAYOUT_ZONES_MAX, &count))
		return false;
	zones = arena_array(arena, count, sizeof(*zones));
	for (uint32_t i = 0; i < count; i++) {
		if (!name_take(arena, bytes, &zones[i].name) || !ranges_take(arena, bytes, &zones[i].networks) ||
		    !ranges_take(arena, bytes, &zones[i].dhcp_servers) || !ranges_take(arena, bytes, &zones[i].ipv6_routers))
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(zones[k].name, zones[i].name) == 0)
				return false;
	}
	layout->zones = zones;
	layout->zone_count = count;
	return true;
}

static bool addresses_take(struct arena *arena, struct span *bytes, struct layout_port *port)
{
	struct netaddr *addresses;
	uint32_t count;

	if (!count_take(bytes, ADDRESS_BYTES, LAYOUT_PORT_ADDRESSES_MAX, &count))
		return false;
	addresses = arena_array(arena, count, sizeof(*addresses));
	for (uint32_t i = 0; i < count; i++)
		if (!span_take_netaddr(bytes, &addresses[i]))
			return false;
	port->addresses = addresses;
	port->address_count = count;
	return true;
}

static bool vlans_take(struct arena *arena, struct span *bytes, struct layout_port *port)
{
	uint16_t *vlans;
	uint32_t count;

	if (!count_take(bytes, sizeof(*vlans), LAYOUT_VLANS_MAX, &count))
		return false;
	vlans = arena_array(arena, count, sizeof(*vlans));
	for (uint32_t i = 0; i < count; i++)
		if (!span_take_u16(bytes, &vlans[i]) || vlans[i] > 4094 || (i > 0 && vlans[i] <= vlans[i - 1]))
			return false;
	port->vlans = vlans;
	port->vlan_count = count;
	return true;
}

static bool port_take(struct arena *arena, struct span *bytes, size_t zone_count, struct layout_port *port)
{
	uint8_t has_mac;

	if (!span_take_u32(bytes, &port->index) || port->index == 0 || !span_take_u32(bytes, &port->zone) || port->zone >= zone_count ||
	    !name_take(arena, bytes, &port->name) || !span_take_u8(bytes, &has_mac) || has_mac > 1 || !mac_take(bytes, &port->mac))
		return false;
	port->has_mac = has_mac;
	return addresses_take(arena, bytes, port) && vlans_take(arena, bytes, port);
}

static bool ports_take(struct arena *arena, struct span *bytes, struct layout *layout)
{
	struct layout_port *ports;
	uint32_t count;

	if (!count_take(bytes, 23, LAYOUT_PORTS_MAX, &count))
		return false;
	ports = arena_array(arena, count, sizeof(*ports));
	for (uint32_t i = 0; i < count; i++)
		if (!port_take(arena, bytes, layout->zone_count, &ports[i]) || (i > 0 && ports[i].index <= ports[i - 1].index))
			return false;
	layout->ports = ports;
	layout->port_count = count;
	return true;
}

static bool bindings_take(struct arena *arena, struct span *bytes, struct layout *layout)
{
	struct layout_binding *bindings;
	uint32_t count;

	if (!count_take(bytes, 4 + ADDRESS_BYTES + MAC_BYTES, LAYOUT_BYTES_MAX, &count))
		return false;
	bindings = arena_array(arena, count, sizeof(*bindings));
	for (uint32_t i = 0; i < count; i++) {
		if (!span_take_u32(bytes, &bindings[i].zone) || bindings[i].zone >= layout->zone_count ||
		    !span_take_netaddr(bytes, &bindings[i].address) || !mac_take(bytes, &bindings[i].mac))
			return false;
		if (i > 0 && layout_binding_compare(&bindings[i - 1], &bindings[i]) > 0)
			return false;
	}
	layout->bindings = bindings;
	layout->binding_count = count;
	return true;
}

int layout_unpack(struct arena *arena, struct span bytes, struct layout *ret_layout)
{
	struct layout layout = { .zone_count = 0 };

	if (!zones_take(arena, &bytes, &layout) || !ports_take(arena, &bytes, &layout) || !bindings_take(arena, &bytes, &layout) ||
	    bytes.length != 0)
		return -EBADMSG;
	*ret_layout = layout;
	return 0;
}
