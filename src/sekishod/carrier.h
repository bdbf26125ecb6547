/*
 * carrier: which interfaces of zones have no signal, and since when.
 *
 * The kernel says how an interface is, not since when: that is noted here at each look. A cable that is pulled and put back, or a port of a switch that
 * negotiates anew, is silent for a moment; what is silent for less than CARRIER_SETTLE_MS is not told of. Takes no I/O and no clock.
 */
#ifndef SEKISHOD_CARRIER_H
#define SEKISHOD_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wiring/layout.h"

enum { CARRIER_SETTLE_MS = 3000 };

enum carrier_state {
	CARRIER_THERE,
	CARRIER_NONE,		/* switched on, and nothing at the other end */
	CARRIER_OFF,		/* switched off (ip link set down) */
};

/* One interface. */
struct carrier {
	uint32_t index;
	enum carrier_state state;
	int64_t since;		/* Unix time when it was first seen so */
	int64_t since_ms;	/* the same moment, monotonic */
};

/* Those that were seen at the last look. */
struct carriers {
	struct carrier items[LAYOUT_PORTS_MAX];
	size_t count;
};

/* A look in which nothing is noted yet. What is not noted in it is forgotten with the look before. */
struct carriers carriers_none(void);

/*
 * Notes one interface in a look; before: the look before it. now is Unix time, now_ms monotonic. True when it has been without a signal long enough to be told
 * of; *ret_carrier, then or not, is what is known of it. More than LAYOUT_PORTS_MAX are not noted, and not told of.
 */
bool carriers_note(struct carriers *carriers, const struct carriers *before, uint32_t index, enum carrier_state state, int64_t now, int64_t now_ms,
		   struct carrier *ret_carrier);

/* In how many milliseconds one that is silent has to be told of; 0: none is waiting. */
int64_t carriers_wait_ms(const struct carriers *carriers, int64_t now_ms);

#endif
