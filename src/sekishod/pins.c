/* pins: what may pass, as bytes. */
#include "sekishod/pins.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/state.h"
#include "daemon/state_names.h"
#include "sekishod/messages.h"


/* A name of the zone file that is short enough for what it names and needs no quotes anywhere. */
static bool name_is_valid(const char *name, size_t bytes_max)
{
	size_t length = name ? strlen(name) : 0;

	if (length == 0 || length > bytes_max)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '/' || name[i] == '"')
			return false;
	return true;
}

/* True when an interface before this one has its name. */
static bool interface_is_known(const struct program_input *pins, size_t zone, size_t interface)
{
	const char *name = pins->zones[zone].interfaces[interface];

	for (size_t z = 0; z <= zone; z++)
		for (size_t i = 0; i < (z == zone ? interface : pins->zones[z].interface_count); i++)
			if (strcmp(pins->zones[z].interfaces[i], name) == 0)
				return true;
	return false;
}

static bool zone_name_is_known(const struct program_input *pins, size_t zone)
{
	for (size_t z = 0; z < zone; z++)
		if (strcmp(pins->zones[z].name, pins->zones[zone].name) == 0)
			return true;
	return false;
}

int pins_check(const struct program_input *pins)
{
	size_t interfaces = 0;

	if (pins->zone_count == 0 || pins->zone_count > POLICY_ZONES_MAX)
		return -EBADMSG;
	for (size_t z = 0; z < pins->zone_count; z++) {
		const struct program_zone *zone = &pins->zones[z];

		interfaces += zone->interface_count;
		if (interfaces > POLICY_INTERFACES_MAX || !name_is_valid(zone->name, POLICY_ZONE_NAME_BYTES_MAX) || zone_name_is_known(pins, z))
			return -EBADMSG;
		for (size_t i = 0; i < zone->interface_count; i++)
			if (!name_is_valid(zone->interfaces[i], POLICY_INTERFACE_NAME_BYTES_MAX) || interface_is_known(pins, z, i))
				return -EBADMSG;
	}
	return 0;
}

/* ---- as bytes */

static void text_pack(struct buf *out, const char *text)
{
	buf_put_u32(out, (uint32_t)strlen(text));
	buf_puts(out, text);
}

static void address_pack(struct buf *out, const struct netaddr *address)
{
	buf_putc(out, (char)address->family);
	buf_put(out, address->bytes, netaddr_size(address->family));
}

/* The last address of a range has the family of the first. */
static void ranges_pack(struct buf *out, const struct addr_ranges *ranges)
{
	buf_put_u32(out, (uint32_t)ranges->count);
	for (size_t i = 0; i < ranges->count; i++) {
		address_pack(out, &ranges->items[i].first);
		buf_put(out, ranges->items[i].last.bytes, netaddr_size(ranges->items[i].last.family));
	}
}

static void zone_pack(struct buf *out, const struct program_zone *zone, const struct zone_pins *more)
{
	text_pack(out, zone->name);
	buf_put_u32(out, (uint32_t)zone->tier);
	buf_put_u32(out, zone->uplink);
	buf_put_u32(out, (uint32_t)zone->interface_count);
	for (size_t i = 0; i < zone->interface_count; i++)
		text_pack(out, zone->interfaces[i]);
	ranges_pack(out, &more->networks);
	ranges_pack(out, &more->next_hops);
}

static void grant_pack(struct buf *out, const struct grant *grant)
{
	buf_put_u32(out, (uint32_t)grant->kind);
	buf_put_u32(out, grant->from);
	buf_put_u32(out, grant->to);
	buf_put_u32(out, grant->protocol);
	buf_put_u32(out, grant->uid);
	buf_put_u32(out, (uint32_t)((uint64_t)grant->closes_at >> 32));
	buf_put_u32(out, (uint32_t)grant->closes_at);
	ranges_pack(out, &grant->sources);
	ranges_pack(out, &grant->destinations);
	buf_put_u32(out, (uint32_t)grant->port_count);
	for (size_t i = 0; i < grant->port_count; i++)
		buf_put_u32(out, (uint32_t)grant->ports[i].first << 16 | grant->ports[i].last);
}

void pins_pack(struct buf *out, const struct pins *pins)
{
	buf_put_u32(out, (uint32_t)pins->program.zone_count);
	for (size_t z = 0; z < pins->program.zone_count; z++)
		zone_pack(out, &pins->program.zones[z], &pins->zones[z]);
	buf_put_u32(out, (uint32_t)pins->binding_count);
	for (size_t i = 0; i < pins->binding_count; i++) {
		buf_put_u32(out, pins->bindings[i].zone);
		address_pack(out, &pins->bindings[i].address);
		buf_put(out, pins->bindings[i].mac.bytes, sizeof(pins->bindings[i].mac.bytes));
	}
	buf_put_u32(out, (uint32_t)pins->grant_count);
	for (size_t i = 0; i < pins->grant_count; i++)
		grant_pack(out, &pins->grants[i]);
	for (size_t z = 0; z < pins->program.zone_count; z++) {
		ranges_pack(out, &pins->zones[z].dhcp_servers);
		ranges_pack(out, &pins->zones[z].ipv6_routers);
	}
	buf_put_u32(out, (uint32_t)pins->limit_count);
	for (size_t i = 0; i < pins->limit_count; i++) {
		buf_put_u32(out, pins->limits[i].from);
		buf_put_u32(out, pins->limits[i].to);
		buf_put_u32(out, pins->limits[i].connections);
	}
	buf_put_u8(out, pins->removes_bypasses);
}

/* Takes so many bytes from the front. */
static bool bytes_take(struct span *bytes, void *ret_bytes, size_t count)
{
	if (bytes->length < count)
		return false;
	memcpy(ret_bytes, bytes->data, count);
	bytes->data += count;
	bytes->length -= count;
	return true;
}

/* Takes a text without NUL of at most bytes_max bytes. */
static bool text_take(struct arena *arena, struct span *bytes, size_t bytes_max, const char **ret_text)
{
	uint32_t length;

	if (!span_take_u32(bytes, &length) || length > bytes_max || length > bytes->length || memchr(bytes->data, '\0', length))
		return false;
	*ret_text = arena_strndup(arena, bytes->data, length);
	bytes->data += length;
	bytes->length -= length;
	return true;
}

static bool address_take(struct span *bytes, struct netaddr *ret_address)
{
	*ret_address = (struct netaddr){ .family = 0 };
	return bytes_take(bytes, &ret_address->family, 1) && (ret_address->family == 4 || ret_address->family == 6) &&
	       bytes_take(bytes, ret_address->bytes, netaddr_size(ret_address->family));
}

static bool range_take(struct span *bytes, struct addr_range *ret_range)
{
	if (!address_take(bytes, &ret_range->first))
		return false;
	ret_range->last = (struct netaddr){ .family = ret_range->first.family };
	return bytes_take(bytes, ret_range->last.bytes, netaddr_size(ret_range->last.family)) &&
	       netaddr_compare(&ret_range->first, &ret_range->last) <= 0;
}

/* A count that could be true, given what one item takes at least. */
static bool count_take(struct span *bytes, size_t item_bytes_min, size_t maximum, uint32_t *ret_count)
{
	return span_take_u32(bytes, ret_count) && *ret_count <= maximum && *ret_count <= bytes->length / item_bytes_min;
}

/* Ranges rise and share nothing: whoever searches them relies on it. */
static bool ranges_take(struct arena *arena, struct span *bytes, struct addr_ranges *ret_ranges)
{
	uint32_t count;

	if (!count_take(bytes, 9, PINS_RANGES_MAX, &count))
		return false;
	ret_ranges->items = arena_array(arena, count, sizeof(*ret_ranges->items));
	ret_ranges->count = count;
	for (uint32_t i = 0; i < count; i++) {
		if (!range_take(bytes, &ret_ranges->items[i]))
			return false;
		if (i > 0 && netaddr_compare(&ret_ranges->items[i - 1].last, &ret_ranges->items[i].first) >= 0)
			return false;
	}
	return true;
}

static bool zone_take(struct arena *arena, struct span *bytes, struct program_zone *ret_zone, struct zone_pins *ret_more)
{
	uint32_t tier, uplink, count;
	const char **interfaces;

	if (!text_take(arena, bytes, POLICY_ZONE_NAME_BYTES_MAX, &ret_zone->name) || !span_take_u32(bytes, &tier) || tier >= TIER_COUNT)
		return false;
	if (!span_take_u32(bytes, &uplink) || uplink > 1 || !count_take(bytes, 4, POLICY_INTERFACES_MAX, &count))
		return false;
	interfaces = arena_array(arena, count, sizeof(*interfaces));
	for (uint32_t i = 0; i < count; i++)
		if (!text_take(arena, bytes, POLICY_INTERFACE_NAME_BYTES_MAX, &interfaces[i]))
			return false;
	ret_zone->tier = (enum tier)tier;
	ret_zone->uplink = uplink == 1;
	ret_zone->interfaces = interfaces;
	ret_zone->interface_count = count;
	return ranges_take(arena, bytes, &ret_more->networks) && ranges_take(arena, bytes, &ret_more->next_hops);
}

static bool zones_take(struct arena *arena, struct span *bytes, struct pins *pins)
{
	struct program_zone *zones;
	struct zone_pins *more;
	uint32_t count;

	if (!count_take(bytes, 24, POLICY_ZONES_MAX, &count))
		return false;
	zones = arena_array(arena, count, sizeof(*zones));
	more = arena_array(arena, count, sizeof(*more));
	for (uint32_t i = 0; i < count; i++)
		if (!zone_take(arena, bytes, &zones[i], &more[i]))
			return false;
	pins->program = (struct program_input){ .zones = zones, .zone_count = count };
	pins->zones = more;
	return pins_check(&pins->program) == 0;
}

static bool bindings_take(struct arena *arena, struct span *bytes, struct pins *pins)
{
	struct binding_pin *bindings;
	uint32_t count;

	if (!count_take(bytes, 15, PINS_BYTES_MAX, &count))
		return false;
	bindings = arena_array(arena, count, sizeof(*bindings));
	for (uint32_t i = 0; i < count; i++) {
		if (!span_take_u32(bytes, &bindings[i].zone) || bindings[i].zone >= pins->program.zone_count)
			return false;
		if (!address_take(bytes, &bindings[i].address) || !bytes_take(bytes, bindings[i].mac.bytes, sizeof(bindings[i].mac.bytes)))
			return false;
		if (i > 0 && binding_pin_compare(&bindings[i - 1], &bindings[i]) > 0)
			return false;
	}
	pins->bindings = bindings;
	pins->binding_count = count;
	return true;
}

static bool ports_take(struct arena *arena, struct span *bytes, struct grant *grant)
{
	struct port_range *ports;
	uint32_t count, port;

	if (!count_take(bytes, 4, UINT16_MAX, &count))
		return false;
	ports = arena_array(arena, count, sizeof(*ports));
	for (uint32_t i = 0; i < count; i++) {
		if (!span_take_u32(bytes, &port) || port >> 16 > (port & UINT16_MAX))
			return false;
		ports[i] = (struct port_range){ (uint16_t)(port >> 16), (uint16_t)port };
	}
	grant->ports = ports;
	grant->port_count = count;
	return true;
}

static bool grant_take(struct arena *arena, struct span *bytes, size_t zone_count, struct grant *ret_grant)
{
	uint32_t kind, protocol, closes_high, closes_low;

	if (!span_take_u32(bytes, &kind) || kind > FLOW_EGRESS || !span_take_u32(bytes, &ret_grant->from) || ret_grant->from >= zone_count)
		return false;
	if (!span_take_u32(bytes, &ret_grant->to) || ret_grant->to >= zone_count || !span_take_u32(bytes, &protocol) ||
	    protocol > POLICY_ANY_PROTOCOL)
		return false;
	if (!span_take_u32(bytes, &ret_grant->uid) || !span_take_u32(bytes, &closes_high) || !span_take_u32(bytes, &closes_low))
		return false;
	ret_grant->kind = (enum flow_kind)kind;
	ret_grant->protocol = (uint16_t)protocol;
	ret_grant->closes_at = (int64_t)((uint64_t)closes_high << 32 | closes_low);
	return ranges_take(arena, bytes, &ret_grant->sources) && ranges_take(arena, bytes, &ret_grant->destinations) &&
	       ports_take(arena, bytes, ret_grant);
}

static bool grants_take(struct arena *arena, struct span *bytes, struct pins *pins)
{
	struct grant *grants;
	uint32_t count;

	if (!count_take(bytes, 40, POLICY_FLOWS_MAX * 2, &count))
		return false;
	grants = arena_array(arena, count, sizeof(*grants));
	for (uint32_t i = 0; i < count; i++)
		if (!grant_take(arena, bytes, pins->program.zone_count, &grants[i]))
			return false;
	pins->grants = grants;
	pins->grant_count = count;
	return true;
}

/* Who may answer DHCP and advertise itself. Pins that were kept before there was such a thing end here, and say nobody. */
static bool servers_take(struct arena *arena, struct span *bytes, struct pins *pins)
{
	struct zone_pins *zones = arena_array(arena, pins->program.zone_count, sizeof(*zones));

	if (bytes->length == 0)
		return true;
	memcpy(zones, pins->zones, pins->program.zone_count * sizeof(*zones));
	for (size_t z = 0; z < pins->program.zone_count; z++)
		if (!ranges_take(arena, bytes, &zones[z].dhcp_servers) || !ranges_take(arena, bytes, &zones[z].ipv6_routers))
			return false;
	pins->zones = zones;
	return true;
}

/* How many connections pairs may have. Pins of version 1 end here, and limit none. */
static bool limits_take(struct arena *arena, struct span *bytes, struct pins *pins)
{
	struct limit_pin *limits;
	uint32_t count;

	if (bytes->length == 0)
		return true;
	if (!count_take(bytes, 12, POLICY_ZONES_MAX * POLICY_ZONES_MAX, &count))
		return false;
	limits = arena_array(arena, count, sizeof(*limits));
	for (uint32_t i = 0; i < count; i++) {
		if (!span_take_u32(bytes, &limits[i].from) || limits[i].from >= pins->program.zone_count || !span_take_u32(bytes, &limits[i].to) ||
		    limits[i].to >= pins->program.zone_count || !span_take_u32(bytes, &limits[i].connections) || limits[i].connections == 0)
			return false;
		if (i > 0 && (limits[i].from < limits[i - 1].from || (limits[i].from == limits[i - 1].from && limits[i].to <= limits[i - 1].to)))
			return false;
	}
	pins->limits = limits;
	pins->limit_count = count;
	return true;
}

/* The same of what becomes of tables of others: nothing was removed then. */
static bool bypasses_take(struct span *bytes, struct pins *pins)
{
	uint8_t removes = 0;

	if (bytes->length > 0 && (!span_take_u8(bytes, &removes) || removes > 1))
		return false;
	pins->removes_bypasses = removes;
	return true;
}

int pins_unpack(struct arena *arena, struct span bytes, struct pins *ret_pins)
{
	struct pins pins = { .binding_count = 0 };

	if (!zones_take(arena, &bytes, &pins) || !bindings_take(arena, &bytes, &pins) || !grants_take(arena, &bytes, &pins) ||
	    !servers_take(arena, &bytes, &pins) || !limits_take(arena, &bytes, &pins) || !bypasses_take(&bytes, &pins) ||
	    bytes.length != 0)
		return -EBADMSG;
	*ret_pins = pins;
	return 0;
}

int pins_unpack_program(struct arena *arena, struct span bytes, struct program_input *ret_program)
{
	struct pins pins = { .binding_count = 0 };

	if (!zones_take(arena, &bytes, &pins))
		return -EBADMSG;
	*ret_program = pins.program;
	return 0;
}

int pins_keep(const char *directory, struct span bytes)
{
	__attribute__((cleanup(buf_free))) struct buf whole = buf_limited(0);

	state_put_version(&whole, STATE_PINS_NAME, PINS_VERSION);
	buf_put(&whole, bytes.data, bytes.length);
	return state_keep(directory, STATE_PINS_NAME, buf_span(&whole));
}

void pins_forget(const char *directory)
{
	(void)state_forget(directory, STATE_PINS_NAME);
}

int pins_recall(const char *directory, struct buf *out)
{
	__attribute__((cleanup(buf_free))) struct buf whole = buf_limited(0);
	int error = state_recall(directory, STATE_PINS_NAME, PINS_BYTES_MAX, &whole);
	struct span bytes = buf_span(&whole);

	if (!error)
		error = state_take_version(&bytes, STATE_PINS_NAME, PINS_VERSION);
	if (!error)
		buf_put(out, bytes.data, bytes.length);
	return error;
}
