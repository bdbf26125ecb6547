/*
 * storm: whether refusals come so fast that somebody floods the gateway, or a loop or a worm is about.
 *
 * Pure: counts and times are handed in. One storm is one alarm, however long: it begins when STORM_PER_S were refused on average over a window, and
 * is over when a window has less than half of that.
 */
#ifndef SEKISHOD_STORM_H
#define SEKISHOD_STORM_H

#include <stdbool.h>
#include <stdint.h>

enum { STORM_WINDOW_S = 10, STORM_PER_S = 1000 };

struct storm {
	int64_t window_began;	/* monotonic seconds; 0: not yet */
	uint64_t packets;	/* refused in it */
	uint64_t per_second;	/* in the last whole window */
	bool raging;
};

enum storm_change { STORM_SAME, STORM_BEGAN, STORM_OVER };

/* So many more were refused until now (0: just look). */
enum storm_change storm_take(struct storm *storm, uint64_t packets, int64_t now);

#endif
