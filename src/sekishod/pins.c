/* pins: which zone is in which tier and has which interfaces. */
#include "sekishod/pins.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/reader.h"
#include "config/trust.h"
#include "daemon/state.h"
#include "sekishod/catalogue.h"
#include "sekishod/messages.h"

#define PINS_FILE "pins"

static int tier_parse(const char *word, enum tier *ret_tier)
{
	for (int tier = 0; word && tier < TIER_COUNT; tier++) {
		if (strcmp(word, tier_name((enum tier)tier)) == 0) {
			*ret_tier = (enum tier)tier;
			return 0;
		}
	}
	return -EBADMSG;
}

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

static int zone_pin(struct arena *arena, const struct zone_settings *settings, struct program_zone *ret_zone)
{
	const char **interfaces = arena_array(arena, settings->interfaces.count, sizeof(*interfaces));

	for (size_t i = 0; i < settings->interfaces.count; i++)
		interfaces[i] = settings->interfaces.items[i].value;
	*ret_zone = (struct program_zone){
		.name = settings->name.value, .uplink = settings->uplink.at.source != NULL,
		.interfaces = interfaces, .interface_count = settings->interfaces.count,
	};
	return tier_parse(settings->tier.value, &ret_zone->tier);
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

/* What both the file and the bytes must fulfil. 0 or -EBADMSG. */
static int pins_check(const struct program_input *pins)
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

static int pins_of_settings(struct arena *arena, const struct settings *settings, struct program_input *ret_pins)
{
	struct program_zone *zones = arena_array(arena, settings->zone_count, sizeof(*zones));
	int error = 0;

	for (size_t i = 0; i < settings->zone_count && !error; i++)
		error = zone_pin(arena, &settings->zones[i], &zones[i]);
	*ret_pins = (struct program_input){ .zones = zones, .zone_count = settings->zone_count };
	return error ? error : pins_check(ret_pins);
}

int pins_read(struct arena *arena, const char *path, struct findings *findings, struct program_input *ret_pins)
{
	struct findings unused = findings_in(arena);
	struct settings *settings;
	int error = source_trust(path, findings);

	if (!error)
		error = settings_read_zones(arena, path, &unused, &settings);
	if (error)
		return error;
	for (size_t i = 0; i < settings->source_count; i++)
		error = source_trust(settings->sources[i].path, findings) ? -EPERM : error;
	return error ? error : pins_of_settings(arena, settings, ret_pins);
}

static void text_pack(struct buf *out, const char *text)
{
	buf_put_u32(out, (uint32_t)strlen(text));
	buf_puts(out, text);
}

void pins_pack(struct buf *out, const struct program_input *pins)
{
	buf_put_u32(out, (uint32_t)pins->zone_count);
	for (size_t z = 0; z < pins->zone_count; z++) {
		const struct program_zone *zone = &pins->zones[z];

		text_pack(out, zone->name);
		buf_put_u32(out, (uint32_t)zone->tier);
		buf_put_u32(out, zone->uplink);
		buf_put_u32(out, (uint32_t)zone->interface_count);
		for (size_t i = 0; i < zone->interface_count; i++)
			text_pack(out, zone->interfaces[i]);
	}
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

static bool zone_take(struct arena *arena, struct span *bytes, struct program_zone *ret_zone)
{
	uint32_t tier, uplink, count;
	const char **interfaces;

	if (!text_take(arena, bytes, POLICY_ZONE_NAME_BYTES_MAX, &ret_zone->name) || !span_take_u32(bytes, &tier) || tier >= TIER_COUNT)
		return false;
	if (!span_take_u32(bytes, &uplink) || uplink > 1 || !span_take_u32(bytes, &count) || count > POLICY_INTERFACES_MAX)
		return false;
	interfaces = arena_array(arena, count, sizeof(*interfaces));
	for (uint32_t i = 0; i < count; i++)
		if (!text_take(arena, bytes, POLICY_INTERFACE_NAME_BYTES_MAX, &interfaces[i]))
			return false;
	ret_zone->tier = (enum tier)tier;
	ret_zone->uplink = uplink == 1;
	ret_zone->interfaces = interfaces;
	ret_zone->interface_count = count;
	return true;
}

int pins_unpack(struct arena *arena, struct span bytes, struct program_input *ret_pins)
{
	struct program_input pins = { .zone_count = 0 };
	struct program_zone *zones;
	uint32_t count;

	if (!span_take_u32(&bytes, &count) || count > POLICY_ZONES_MAX)
		return -EBADMSG;
	zones = arena_array(arena, count, sizeof(*zones));
	for (uint32_t i = 0; i < count; i++)
		if (!zone_take(arena, &bytes, &zones[i]))
			return -EBADMSG;
	pins.zones = zones;
	pins.zone_count = count;
	if (bytes.length != 0 || pins_check(&pins) != 0)
		return -EBADMSG;
	*ret_pins = pins;
	return 0;
}

int pins_keep(const char *directory, struct span bytes)
{
	return state_keep(directory, PINS_FILE, bytes);
}

int pins_recall(const char *directory, struct buf *out)
{
	return state_recall(directory, PINS_FILE, PINS_BYTES_MAX, out);
}
