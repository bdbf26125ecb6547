/*
 * gauge: something that fills up, and when that is an alarm: at so many percent it is raised, and it is over below fewer, so that it does not flap.
 */
#ifndef SEKISHOD_GAUGE_H
#define SEKISHOD_GAUGE_H

#include <stdbool.h>
#include <stdint.h>

struct gauge {
	unsigned int raise_percent, clear_percent; /* the second is less */
	bool raised;
};

enum gauge_change { GAUGE_SAME, GAUGE_RAISED, GAUGE_CLEARED };

/* It holds so much of what it may; most 0: not known, and nothing changes. */
enum gauge_change gauge_take(struct gauge *gauge, uint64_t held, uint64_t most);

#endif
