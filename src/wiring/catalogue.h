/*
 * catalogue: what is found about who is connected where (誤接続, R19).
 *
 * Places of a sentence: {0} the device, {1} where it was seen, {2} where it belongs or what else has it, {3} the address or number in question.
 */
#ifndef WIRING_CATALOGUE_H
#define WIRING_CATALOGUE_H

#include "base/finding.h"

/* Their numbers travel in faults (wiring/fault.h): new ones go to the end. */
enum wiring_finding {
	WIRING_DECLARED_ELSEWHERE,
	WIRING_MOVED,
	WIRING_FOREIGN_ADDRESS,
	WIRING_DUPLICATE_ADDRESS,
	WIRING_GATEWAY_ADDRESS,
	WIRING_OWN_FRAMES,
	WIRING_STRAY_DHCP,
	WIRING_STRAY_ROUTER,
	WIRING_STRAY_VLAN,
	WIRING_MANY_DEVICES,
	WIRING_FINDING_COUNT
};

/* One row per enum wiring_finding. */
extern const struct finding_kind wiring_catalogue[WIRING_FINDING_COUNT];

#endif
