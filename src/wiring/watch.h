/*
 * watch: holds what is seen on the wires against the layout and against what was seen before, and says what is wrong (R19).
 *
 * Declared devices (hosts with MACs) are known from the beginning and never forgotten. Others are learnt: where a device is seen first, there it is at
 * home. What is learnt has its bounds (wiring/tables.h) and ends with the process.
 *
 * The same of the same device is said once in WATCH_AGAIN_MS; something else of it is said at once. Of one kind and zone not more than
 * WATCH_PER_MINUTE faults are given in a minute, so that who makes up addresses cannot fill a log; how many were not given is counted.
 *
 * What counts as what:
 *	a device	is misplaced when it is declared in other zones only, or at home in another one. It is at home in the new zone when it was
 *			not seen in the old one for WATCH_SETTLE_MS after the fault. Virtual MACs of VRRP and HSRP are in many zones and tell nothing.
 *	an address	is foreign when it is in the networks of another zone. It is duplicate when it is declared with other MACs, or when
 *			somebody else had it less than WATCH_DUPLICATE_MS ago.
 *	the gateway's	own addresses, and its own MACs as senders of what comes in, are nobody else's.
 *	a server	of DHCP or a router is stray unless the zone names it: by the MACs its host declares, else by its address, else by an
 *			address it was seen to have.
 *	a VLAN		is stray unless an interface of ours takes it from that port.
 * One frame of a misplaced device that uses an address of its home says both, and the address is not said besides.
 */
#ifndef WIRING_WATCH_H
#define WIRING_WATCH_H

#include "wiring/fault.h"
#include "wiring/layout.h"
#include "wiring/sighting.h"

enum {
	WATCH_AGAIN_MS = 10 * 60 * 1000,
	WATCH_SETTLE_MS = 10 * 60 * 1000,
	WATCH_DUPLICATE_MS = 5 * 60 * 1000,
	WATCH_PER_MINUTE = 10,
	WATCH_FAULTS_MAX = 3,		/* of one sighting: the device, its address or service, and that somebody was forgotten */
};

/* Longer than a holiday: a device that is switched on again afterwards is still known. */
#define WATCH_MEMORY_MS (INT64_C(14) * 24 * 3600 * 1000)

struct watch;

/* Knows nothing and sees nothing yet. seed: chosen by chance. The caller gives it back with watch_free(); no memory ends the process. */
struct watch *watch_new(uint64_t seed);

/* NULL is allowed. */
void watch_free(struct watch *watch);

/* From now on this is the layout (NULL: none); it must outlive the watch or the next call. What was learnt in zones that are still there stays. */
void watch_set_layout(struct watch *watch, const struct layout *layout);

/*
 * Somebody was seen at the port with this index of the kernel; one that the layout does not have says nothing. now_ms rises. How many faults follow from it.
 */
size_t watch_see(struct watch *watch, const struct sighting *sighting, uint32_t index, int64_t now_ms,
		 struct fault ret_faults[static WATCH_FAULTS_MAX]);

/* How many faults were not given since the last call because there were too many. */
uint64_t watch_held_back(struct watch *watch);

#endif
