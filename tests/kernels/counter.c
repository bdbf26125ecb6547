/*
 * counter: prints how many thousand times a second this processor's counter counts.
 *
 * qemu's interpreter hands it to its guest as the guest's own. A guest would find that out by measuring it against an emulated timer, and on a busy machine it is
 * wrong by as much as ten times; its clock goes as fast. Who is told (tsc_early_khz, Documentation/admin-guide/kernel-parameters.txt) measures nothing.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

enum { WAIT_NS = 500000000, NS_PER_MS = 1000000 };

/* The clock and the counter at one instant: of several attempts that which took the fewest counts. */
struct instant {
	int64_t ns;
	uint64_t count;
};

static struct instant instant_now(void)
{
	enum { ATTEMPTS = 20 };
	struct instant best = { .ns = 0 };
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < ATTEMPTS; i++) {
		struct timespec now;
		uint64_t before = __rdtsc(), after;

		clock_gettime(CLOCK_MONOTONIC, &now);
		after = __rdtsc();
		if (after - before >= shortest)
			continue;
		shortest = after - before;
		best = (struct instant){ .ns = (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec, .count = before + shortest / 2 };
	}
	return best;
}

int main(void)
{
	const struct timespec wait = { .tv_nsec = WAIT_NS };
	struct instant begin = instant_now(), end;

	nanosleep(&wait, NULL);
	end = instant_now();
	printf("%" PRIu64 "\n", (end.count - begin.count) * NS_PER_MS / (uint64_t)(end.ns - begin.ns));
	return 0;
}
