/* gauge: something that fills up. */
#include "sekishod/gauge.h"

enum gauge_change gauge_take(struct gauge *gauge, uint64_t held, uint64_t most)
{
	bool before = gauge->raised;

	if (most == 0)
		return GAUGE_SAME;
	gauge->raised = held * 100 >= most * (before ? gauge->clear_percent : gauge->raise_percent);
	if (gauge->raised == before)
		return GAUGE_SAME;
	return gauge->raised ? GAUGE_RAISED : GAUGE_CLEARED;
}
