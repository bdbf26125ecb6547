/* storm: whether refusals come too fast. */
#include "sekishod/storm.h"

enum storm_change storm_take(struct storm *storm, uint64_t packets, int64_t now)
{
	bool raged = storm->raging;

	if (storm->window_began == 0)
		storm->window_began = now;
	storm->packets += packets;
	if (now - storm->window_began < STORM_WINDOW_S)
		return STORM_SAME;
	storm->per_second = storm->packets / (uint64_t)(now - storm->window_began);
	storm->window_began = now;
	storm->packets = 0;
	storm->raging = storm->per_second >= (raged ? STORM_PER_S / 2 : STORM_PER_S);
	if (storm->raging == raged)
		return STORM_SAME;
	return storm->raging ? STORM_BEGAN : STORM_OVER;
}
