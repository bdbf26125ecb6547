/* tables: what was learnt, of a fixed size. */
#include "wiring/tables.h"

#include <string.h>

/* Each step is a product with an odd number and a fold of the upper half into the lower: what the seed is cannot be told from where entries fall. */
uint64_t tables_hash(const struct tables *tables, const void *bytes, size_t count)
{
	const uint8_t *byte = bytes;
	uint64_t hash = tables->seed;

	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ byte[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
		hash += tables->seed;
	}
	return hash;
}

static size_t device_row(const struct tables *tables, const struct macaddr *mac)
{
	return tables_hash(tables, mac->bytes, sizeof(mac->bytes)) % TABLE_ROWS_DEVICES;
}

static size_t claim_row(const struct tables *tables, uint16_t zone, const struct netaddr *address)
{
	uint8_t key[sizeof(zone) + sizeof(*address)];

	memcpy(key, &zone, sizeof(zone));
	memcpy(key + sizeof(zone), address, sizeof(*address));
	return tables_hash(tables, key, sizeof(key)) % TABLE_ROWS_CLAIMS;
}

struct device *device_find(struct tables *tables, const struct macaddr *mac)
{
	struct device *row = tables->devices[device_row(tables, mac)];

	for (size_t i = 0; i < TABLE_WAYS; i++)
		if (row[i].trace.used && memcmp(&row[i].mac, mac, sizeof(*mac)) == 0)
			return &row[i];
	return NULL;
}

struct claim *claim_find(struct tables *tables, uint16_t zone, const struct netaddr *address)
{
	struct claim *row = tables->claims[claim_row(tables, zone, address)];

	for (size_t i = 0; i < TABLE_WAYS; i++)
		if (row[i].trace.used && row[i].zone == zone && netaddr_compare(&row[i].address, address) == 0)
			return &row[i];
	return NULL;
}

struct told *told_find(struct tables *tables, uint64_t key)
{
	struct told *row = tables->told[key % TABLE_ROWS_TOLD];

	for (size_t i = 0; i < TABLE_WAYS; i++)
		if (row[i].trace.used && row[i].key == key)
			return &row[i];
	return NULL;
}

static bool is_dearer(const struct trace *one, const struct trace *other)
{
	if (!one->used || !other->used)
		return one->used;
	if (one->often != other->often)
		return one->often;
	return one->seen_ms > other->seen_ms;
}

/* Which entry of a row is given up; entries are size bytes long and begin with their trace. */
static void *row_victim(void *row, size_t size)
{
	char *victim = row;

	for (size_t i = 1; i < TABLE_WAYS; i++) {
		char *entry = (char *)row + i * size;

		if (is_dearer((const struct trace *)(void *)victim, (const struct trace *)(void *)entry))
			victim = entry;
	}
	return victim;
}

struct device *device_add(struct tables *tables, const struct macaddr *mac, int64_t now_ms, int64_t memory_ms, bool *ret_forgot)
{
	struct device *device = row_victim(tables->devices[device_row(tables, mac)], sizeof(*device));

	*ret_forgot = device->trace.used && now_ms - device->trace.seen_ms < memory_ms;
	*device = (struct device){ .trace = { .used = true, .seen_ms = now_ms }, .mac = *mac };
	return device;
}

struct claim *claim_add(struct tables *tables, uint16_t zone, const struct netaddr *address, int64_t now_ms)
{
	struct claim *claim = row_victim(tables->claims[claim_row(tables, zone, address)], sizeof(*claim));

	*claim = (struct claim){ .trace = { .used = true, .seen_ms = now_ms }, .zone = zone, .address = *address };
	return claim;
}

struct told *told_add(struct tables *tables, uint64_t key, int64_t now_ms)
{
	struct told *told = row_victim(tables->told[key % TABLE_ROWS_TOLD], sizeof(*told));

	*told = (struct told){ .trace = { .used = true, .seen_ms = now_ms }, .key = key };
	return told;
}
