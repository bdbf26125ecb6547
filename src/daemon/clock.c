/* clock: the time by which records are over. */
#include "daemon/clock.h"

#include <time.h>

static int64_t since_boot(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec;
}

clock_base clock_base_of(int64_t newest)
{
	int64_t now = (int64_t)time(NULL);

	return (newest > now ? newest : now) - since_boot();
}

int64_t clock_now(clock_base *base)
{
	int64_t boot = since_boot(), seen = (int64_t)time(NULL) - boot;

	if (*base < seen)
		*base = seen;
	return *base + boot;
}
