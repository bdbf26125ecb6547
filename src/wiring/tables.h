/*
 * tables: what was learnt about who is where and who has which address, and what was said about it already. Of a fixed size, whatever comes.
 *
 * A table is rows of TABLE_WAYS entries; a key's row follows from a hash that nobody outside can reckon (seed). In a full row somebody is forgotten: who
 * was last seen longest ago, of those that were seen only once if there are any. So a flood of made-up addresses pushes out itself first.
 */
#ifndef WIRING_TABLES_H
#define WIRING_TABLES_H

#include "base/netaddr.h"

enum {
	TABLE_WAYS = 8,
	DEVICES_MAX = 16384,
	CLAIMS_MAX = 32768,
	TOLD_MAX = 4096,
	TABLE_ROWS_DEVICES = DEVICES_MAX / TABLE_WAYS, TABLE_ROWS_CLAIMS = CLAIMS_MAX / TABLE_WAYS, TABLE_ROWS_TOLD = TOLD_MAX / TABLE_WAYS,
};

/* What each entry begins with. */
struct trace {
	bool used;
	bool often;		/* seen more than once */
	int64_t seen_ms;
};

/* A device that is not declared, at the zone where it is at home. */
struct device {
	struct trace trace;
	struct macaddr mac;
	uint16_t zone, port;	/* of the layout; the port as the kernel's index does not matter: its name is for people */
	int64_t away_ms;	/* when it was first seen in another zone; 0: it was not, since it was last seen at home */
};

/* Who has an address in a zone. */
struct claim {
	struct trace trace;
	struct netaddr address;
	struct macaddr mac;
	uint16_t zone;
};

/* What was said. */
struct told {
	struct trace trace;	/* seen: when it was said */
	uint64_t key;
	uint32_t since;		/* how often it was seen since then */
};

struct tables {
	uint64_t seed;
	struct device devices[TABLE_ROWS_DEVICES][TABLE_WAYS];
	struct claim claims[TABLE_ROWS_CLAIMS][TABLE_WAYS];
	struct told told[TABLE_ROWS_TOLD][TABLE_WAYS];
};

/* A hash of the bytes. */
uint64_t tables_hash(const struct tables *tables, const void *bytes, size_t count);

/* The entry of the key, or NULL. */
struct device *device_find(struct tables *tables, const struct macaddr *mac);
struct claim *claim_find(struct tables *tables, uint16_t zone, const struct netaddr *address);	/* see device_find() */
struct told *told_find(struct tables *tables, uint64_t key);					/* see device_find() */

/* A new entry for the key, which is not there, seen now. *ret_forgot: one that was seen less than memory_ms ago was given up for it. */
struct device *device_add(struct tables *tables, const struct macaddr *mac, int64_t now_ms, int64_t memory_ms, bool *ret_forgot);
struct claim *claim_add(struct tables *tables, uint16_t zone, const struct netaddr *address, int64_t now_ms);	/* see device_add() */
struct told *told_add(struct tables *tables, uint64_t key, int64_t now_ms);					/* see device_add() */

#endif
