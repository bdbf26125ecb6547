/*
 * layout: who belongs where, as the zone file and the interfaces of the gateway say it; what sightings are held against.
 *
 * It goes from the parent, which read it itself, to the process that watches the wires; that one believes nothing of it but what can be true.
 */
#ifndef WIRING_LAYOUT_H
#define WIRING_LAYOUT_H

#include "base/buf.h"
#include "base/netaddr.h"

enum {
	LAYOUT_BYTES_MAX = 32 << 20,	/* packed */
	LAYOUT_ZONES_MAX = 64,
	LAYOUT_PORTS_MAX = 256,
	LAYOUT_PORT_ADDRESSES_MAX = 256,
	LAYOUT_VLANS_MAX = 4094,	/* of one port */
	LAYOUT_NAME_BYTES_MAX = 15,
};

struct layout_zone {
	const char *name;		/* 1..15 printing ASCII characters, no two equal */
	struct addr_ranges networks;	/* canonical, as are the others */
	struct addr_ranges dhcp_servers; /* who may answer DHCP */
	struct addr_ranges ipv6_routers; /* who may advertise itself */
};

/* An interface of a zone that is there. */
struct layout_port {
	uint32_t index;			/* of the kernel; rising from port to port */
	uint32_t zone;			/* index into zones */
	const char *name;
	bool has_mac;
	struct macaddr mac;		/* our own */
	const struct netaddr *addresses; /* our own */
	size_t address_count;
	const uint16_t *vlans;		/* rising; VLANs that an interface of ours takes from it */
	size_t vlan_count;
};

/* A MAC that the zone file declares with an address. */
struct layout_binding {
	uint32_t zone;
	struct netaddr address;
	struct macaddr mac;
};

struct layout {
	const struct layout_zone *zones;
	size_t zone_count;
	const struct layout_port *ports;
	size_t port_count;
	const struct layout_binding *bindings; /* sorted by zone, address, MAC */
	size_t binding_count;
};

/* Appends it as bytes. */
void layout_pack(struct buf *out, const struct layout *layout);

/* Reads it; everything is checked, and copied into the arena. 0 or -EBADMSG. */
int layout_unpack(struct arena *arena, struct span bytes, struct layout *ret_layout);

/* Orders bindings by zone, address, MAC. */
int layout_binding_compare(const void *a, const void *b);

/* The port with this index of the kernel, or NULL. */
const struct layout_port *layout_port(const struct layout *layout, uint32_t index);

#endif
