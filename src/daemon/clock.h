/*
 * clock: the time by which records are over. It does not run behind the newest time that was ever seen, so that a clock that is set back, or has
 * forgotten its time at boot, opens nothing that was closed. Who asks for it has seen it.
 */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <stdint.h>

/*
 * Where that time begins: Unix time less the time since boot (CLOCK_BOOTTIME), in seconds, of the newest time that was seen. INT64_MIN: none was.
 */
typedef int64_t clock_base;

/* The base of a time that was seen just now or in an earlier boot, and of the clock's own. */
clock_base clock_base_of(int64_t newest);

/* Unix time: the clock's, or that of the base if it is later. The base is moved to it. */
int64_t clock_now(clock_base *base);

#endif
