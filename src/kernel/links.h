/*
 * links: interfaces, addresses and routes of this network namespace, read by libnl-3, and a watch over their
 * changes.
 *
 * Reading needs no privilege. A list is what the kernel said at one moment: between two lists anything may have
 * changed, so whoever acts on them keeps a watch open from before he read the first.
 */
#ifndef KERNEL_LINKS_H
#define KERNEL_LINKS_H

#include "base/netaddr.h"
#include "ruleset/ruleset.h"

struct interface {
	uint32_t index;
	char name[16];		/* NUL-terminated */
	bool up;		/* IFF_UP: switched on by the administrator */
	bool running;		/* IFF_RUNNING: the other end is there */
	uint16_t type;		/* ARPHRD_*: 1 Ethernet, 772 loopback, 512 PPP */
	uint32_t master; /* index of the bridge or bond it belongs to; 0: none. Packets of a bridge's port
			    bypass the forward hook */
	uint32_t lower;		/* index of the interface whose VLAN it takes; 0: it is of no VLAN */
	uint16_t vlan;
	bool has_mac;		/* false unless its hardware address has six bytes */
	struct macaddr mac;
};

struct interfaces {
	struct interface *items; /* sorted by name */
	size_t count;
};

struct interface_address {
	uint32_t index;		/* of the interface */
	struct netaddr address;
	uint8_t length;		/* of the prefix that is on link */
};

struct interface_addresses {
	struct interface_address *items;
	size_t count;
};

struct route {
	struct prefix destination; /* length 0: the default route */
	uint32_t oif;		/* index; 0: none (blackhole, unreachable) */
	bool has_gateway;
	struct netaddr gateway;	/* may be of the other family (RTA_VIA) */
	uint32_t table;		/* RT_TABLE_*; 254 is main */
	uint32_t priority;	/* metric: lower wins */
	uint8_t type;		/* RTN_*: 1 unicast, 2 local, 6 blackhole, ... */
};

struct routes {
	struct route *items;	/* a route with several next hops stands there once for each */
	size_t count;
};

/* Where the kernel would send a packet now. */
struct route_hop {
	uint32_t oif;		/* index */
	bool local;		/* the address is our own; oif is then lo or the interface that has it */
	bool has_gateway;	/* false: the destination is on link */
	struct netaddr gateway;
};

/* All interfaces by index and name, as a ruleset needs them. In the arena. 0 or negative errno. */
int links_read(struct arena *arena, struct link_table *ret_links);

/* All interfaces. In the arena. 0 or negative errno. */
int interfaces_read(struct arena *arena, struct interfaces *ret_interfaces);

/* All addresses, IPv4 and IPv6. In the arena. 0 or negative errno. */
int addresses_read(struct arena *arena, struct interface_addresses *ret_addresses);

/* All routes of all tables but `local`, IPv4 and IPv6. In the arena. 0 or negative errno. */
int routes_read(struct arena *arena, struct routes *ret_routes);

/*
 * Asks the kernel for its route to an address (RTM_GETROUTE). -ENETUNREACH, -EHOSTUNREACH, -EACCES, -EINVAL:
 * there is none, or one that refuses.
 */
int route_lookup(const struct netaddr *destination, struct route_hop *ret_hop);

/* What a watch saw changing; bits. */
enum { LINKS_CHANGED = 1, ADDRESSES_CHANGED = 2, ROUTES_CHANGED = 4 };

struct links_watch;

/*
 * Opens a watch over interfaces, addresses and routes. changed is called from links_watch_read() with bits of
 * what changed since the last call. The caller owns the watch and ends it with links_watch_close(). 0 or
 * negative errno.
 */
int links_watch_open(void (*changed)(unsigned int what, void *context), void *context,
		     struct links_watch **ret_watch);

/* The descriptor to wait on until it is readable; it belongs to the watch. */
int links_watch_descriptor(const struct links_watch *watch);

/*
 * Reads what is waiting, never blocks, and calls changed once if anything changed. When the kernel had to drop
 * messages, everything counts as changed. 0 or negative errno.
 */
int links_watch_read(struct links_watch *watch);

/* Closes the watch. NULL is allowed. */
void links_watch_close(struct links_watch *watch);

#endif
