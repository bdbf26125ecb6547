/*
 * fault: a wrong wiring as a value: of what kind, which device, where it was seen, where it belongs.
 *
 * It is made by the process that reads strangers' frames, so whoever gets one reads it with fault_unpack(), which believes nothing. Zones and
 * interfaces are names, because their numbers change with the zone file and a fault is kept for a year.
 */
#ifndef WIRING_FAULT_H
#define WIRING_FAULT_H

#include "base/buf.h"
#include "base/netaddr.h"
#include "wiring/catalogue.h"

enum {
	FAULT_NAME_BYTES = 16,		/* with the NUL: IFNAMSIZ; names of zones are as short */
	FAULT_BYTES_MAX = 256,		/* packed */
};

struct fault {
	enum wiring_finding kind;
	struct macaddr mac;		/* the device */
	struct netaddr address;		/* family 0: none */
	uint16_t vlan;			/* 0: none */
	char zone[FAULT_NAME_BYTES], interface[FAULT_NAME_BYTES]; /* where it was seen */
	char other_zone[FAULT_NAME_BYTES]; /* where it belongs, or the same where the other device is there */
	char other_interface[FAULT_NAME_BYTES]; /* ""; none known: the zone file says so, not the wire */
	bool has_other_mac;
	struct macaddr other_mac;	/* who has the address besides, or should have it */
	uint32_t count;			/* how often it was seen since the fault before of the same; 1 or more */
};

/* Appends it as a payload. */
void fault_pack(struct buf *out, const struct fault *fault);

/* Reads one; names are of printing ASCII characters without quotes. 0 or -EBADMSG. */
int fault_unpack(struct span payload, struct fault *ret_fault);

/* The words that fill the sentences of the catalogue; the same in both languages. */
struct fault_words {
	char device[MACADDR_TEXT_BYTES + NETADDR_TEXT_BYTES + 4]; /* "02:00:00:00:00:01 (10.1.0.10)" */
	char place[2 * FAULT_NAME_BYTES + 4];			/* "lgwan (lg0)" */
	char other[2 * FAULT_NAME_BYTES + MACADDR_TEXT_BYTES + 8]; /* "mynumber (mn0)", "mynumber", "02:00:00:00:00:02 lgwan" */
	char detail[NETADDR_TEXT_BYTES];			/* the address or the VLAN */
};
void fault_words(const struct fault *fault, struct fault_words *ret_words);

/* Adds the fault to findings. */
struct finding *fault_find(struct findings *findings, const struct fault *fault);

#endif
