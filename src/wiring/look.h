/* look: one sighting that is being judged. Private to watch*.c. */
#ifndef WIRING_LOOK_H
#define WIRING_LOOK_H

#include <string.h>

#include "wiring/tables.h"
#include "wiring/watch.h"

/* Where a MAC is declared; one per zone. */
struct home {
	struct macaddr mac;
	uint32_t zone;
};

struct budget {
	int64_t minute;
	unsigned int given;
};

struct watch {
	const struct layout *layout;
	struct home *homes;		/* sorted by MAC and zone */
	size_t home_count;
	struct budget budgets[LAYOUT_ZONES_MAX][WIRING_FINDING_COUNT];
	uint64_t held_back;
	struct tables tables;
};

/* One sighting that is being judged. */
struct look {
	struct watch *watch;
	const struct sighting *sighting;
	const struct layout_port *port;
	int64_t now_ms;
	struct fault *faults;
	size_t count;
};

static inline bool mac_is(const struct macaddr *one, const struct macaddr *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

/* Copies as much of a name as there is room for. */
void name_copy(char to[static FAULT_NAME_BYTES], const char *name);

/* A fault of this kind that concerns a zone; who and where are filled in when it is said. */
struct fault look_fault(const struct look *look, enum wiring_finding kind, uint32_t other_zone);

/* Says it, unless it was said or there were too many. */
void look_say(struct look *look, struct fault fault);

/* ---- watch_device.c */

/* The port of ours that has this MAC, or NULL: of another zone if there is one, because several may share theirs. */
const struct layout_port *device_own_port(const struct look *look, const struct macaddr *mac);

/* The name of the port where a learnt device was seen, if that is still one of its zone; else "". */
const char *device_interface(const struct layout *layout, const struct device *device);

/* Judges where the sender is. The zone where it belongs, if that is another one (and then it is said); else -1. */
int device_judge(struct look *look);

/* ---- watch_address.c */

/* Judges whether the sender may have the address. home: what device_judge() gave. */
void address_judge(struct look *look, int home);

/* True when the sender may be a server at one of these addresses. */
bool server_is_declared(const struct look *look, struct addr_ranges addresses);

#endif
