/* links: interfaces, addresses and routes by libnl-3. */
#include "kernel/links.h"

#include <errno.h>
#include <net/if.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vlan.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>

/* libnl has its own numbers for what went wrong; those that a caller can tell apart become errno again. */
static int error_of_library(int error)
{
	switch (-error) {
	case NLE_SUCCESS:
		return 0;
	case NLE_NOMEM:
		return -ENOBUFS;	/* also its word for messages that the kernel dropped */
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_AGAIN:
	case NLE_BUSY:
	case NLE_DUMP_INTR:
		return -EAGAIN;
	case NLE_INTR:
		return -EINTR;
	case NLE_OBJ_NOTFOUND:
	case NLE_NODEV:
		return -ENODEV;
	default:
		return -EIO;
	}
}

/* A socket of the route family, which never waits: the kernel has answered when a request was sent, and one that was not is not answered. 0 or negative errno. */
static int route_socket_open(struct nl_sock **ret_socket)
{
	struct nl_sock *socket = nl_socket_alloc();
	int r;

	if (!socket)
		return -ENOMEM;
	r = nl_connect(socket, NETLINK_ROUTE);
	if (r >= 0)
		r = nl_socket_set_nonblocking(socket);
	if (r < 0) {
		nl_socket_free(socket);
		return error_of_library(r);
	}
	*ret_socket = socket;
	return 0;
}

/* Reads one kind of object and hands each to take. make fills a cache by the socket. */
static int objects_read(int (*make)(struct nl_sock *socket, struct nl_cache **ret_cache),
			void (*take)(struct nl_object *object, void *context), void *context)
{
	struct nl_sock *socket;
	struct nl_cache *cache;
	int r = route_socket_open(&socket);

	if (r < 0)
		return r;
	r = make(socket, &cache);
	if (r >= 0) {
		nl_cache_foreach(cache, take, context);
		nl_cache_free(cache);
	}
	nl_socket_free(socket);
	return r < 0 ? error_of_library(r) : 0;
}

/* An address of libnl as ours; false when it is of another family or empty. */
static bool address_convert(const struct nl_addr *address, struct netaddr *ret_address)
{
	const int family = nl_addr_get_family(address);
	const unsigned int length = nl_addr_get_len(address);

	*ret_address = (struct netaddr){ .family = family == AF_INET ? 4 : 6 };
	if ((family != AF_INET && family != AF_INET6) || length != netaddr_size(ret_address->family))
		return false;
	memcpy(ret_address->bytes, nl_addr_get_binary_addr(address), length);
	return true;
}

/* An array that grows in an arena. */
struct collection {
	struct arena *arena;
	void *items;
	size_t count, capacity;
};

static void *collection_add(struct collection *collection, size_t size)
{
	collection->items = arena_grow(collection->arena, collection->items, collection->count,
				       &collection->capacity, size);
	return (char *)collection->items + collection->count++ * size;
}

static int make_links(struct nl_sock *socket, struct nl_cache **ret_cache)
{
	return rtnl_link_alloc_cache(socket, AF_UNSPEC, ret_cache);
}

static void take_interface(struct nl_object *object, void *context)
{
	struct rtnl_link *link = (struct rtnl_link *)object;
	struct interface *interface = collection_add(context, sizeof(*interface));
	const struct nl_addr *address = rtnl_link_get_addr(link);
	const int master = rtnl_link_get_master(link);
	const char *name = rtnl_link_get_name(link);

	*interface = (struct interface){
		.index = (uint32_t)rtnl_link_get_ifindex(link),
		.up = rtnl_link_get_flags(link) & IFF_UP,
		.running = rtnl_link_get_flags(link) & IFF_RUNNING,
		.type = (uint16_t)rtnl_link_get_arptype(link),
		.master = master > 0 ? (uint32_t)master : 0,
		.has_mac = address && nl_addr_get_len(address) == sizeof(interface->mac.bytes),
	};
	if (rtnl_link_is_vlan(link)) {
		interface->lower = (uint32_t)rtnl_link_get_link(link);
		interface->vlan = (uint16_t)rtnl_link_vlan_get_id(link);
	}
	if (name)
		memcpy(interface->name, name, strnlen(name, sizeof(interface->name) - 1));
	if (interface->has_mac)
		memcpy(interface->mac.bytes, nl_addr_get_binary_addr(address), sizeof(interface->mac.bytes));
}

static int compare_interfaces(const void *a, const void *b)
{
	return strcmp(((const struct interface *)a)->name, ((const struct interface *)b)->name);
}

int interfaces_read(struct arena *arena, struct interfaces *ret_interfaces)
{
	struct collection collection = { .arena = arena };
	int r = objects_read(make_links, take_interface, &collection);

	if (r < 0)
		return r;
	if (collection.count)
		qsort(collection.items, collection.count, sizeof(struct interface), compare_interfaces);
	*ret_interfaces = (struct interfaces){ .items = collection.items, .count = collection.count };
	return 0;
}

int links_read(struct arena *arena, struct link_table *ret_links)
{
	struct interfaces interfaces;
	int r = interfaces_read(arena, &interfaces);

	if (r < 0)
		return r;
	ret_links->items = arena_array(arena, interfaces.count, sizeof(*ret_links->items));
	ret_links->count = interfaces.count;
	for (size_t i = 0; i < interfaces.count; i++) {
		ret_links->items[i].index = interfaces.items[i].index;
		memcpy(ret_links->items[i].name, interfaces.items[i].name, sizeof(ret_links->items[i].name));
	}
	return 0;
}

static void take_address(struct nl_object *object, void *context)
{
	struct rtnl_addr *address = (struct rtnl_addr *)object;
	const struct nl_addr *local = rtnl_addr_get_local(address);
	struct interface_address *item;
	struct netaddr value;

	if (!local || !address_convert(local, &value))
		return;
	item = collection_add(context, sizeof(*item));
	*item = (struct interface_address){
		.index = (uint32_t)rtnl_addr_get_ifindex(address),
		.address = value,
		.length = (uint8_t)rtnl_addr_get_prefixlen(address),
	};
}

int addresses_read(struct arena *arena, struct interface_addresses *ret_addresses)
{
	struct collection collection = { .arena = arena };
	int r = objects_read(rtnl_addr_alloc_cache, take_address, &collection);

	if (r < 0)
		return r;
	*ret_addresses = (struct interface_addresses){ .items = collection.items, .count = collection.count };
	return 0;
}

static int make_routes(struct nl_sock *socket, struct nl_cache **ret_cache)
{
	return rtnl_route_alloc_cache(socket, AF_UNSPEC, 0, ret_cache);
}

/* The gateway of a next hop, of the route's family or, by RTA_VIA, of another. */
static bool gateway_convert(struct rtnl_nexthop *hop, struct netaddr *ret_gateway)
{
	const struct nl_addr *gateway = rtnl_route_nh_get_gateway(hop), *via = rtnl_route_nh_get_via(hop);

	if (gateway)
		return address_convert(gateway, ret_gateway);
	return via && address_convert(via, ret_gateway);
}

static void add_route_hop(struct rtnl_nexthop *hop, void *context)
{
	struct collection *collection = context;
	struct route *last = (struct route *)collection->items + collection->count - 1, *route = last;

	if (last->oif) {
		route = collection_add(collection, sizeof(*route));
		*route = ((struct route *)collection->items)[collection->count - 2];
	}
	route->oif = (uint32_t)rtnl_route_nh_get_ifindex(hop);
	route->has_gateway = gateway_convert(hop, &route->gateway);
}

static void take_route(struct nl_object *object, void *context)
{
	struct rtnl_route *route = (struct rtnl_route *)object;
	const struct nl_addr *destination = rtnl_route_get_dst(route);
	const uint8_t family = rtnl_route_get_family(route) == AF_INET ? 4 : 6;
	struct route *item;

	if (rtnl_route_get_table(route) == RT_TABLE_LOCAL ||
	    (family == 6 && rtnl_route_get_family(route) != AF_INET6))
		return;
	item = collection_add(context, sizeof(*item));
	*item = (struct route){
		.destination.address.family = family,
		.table = rtnl_route_get_table(route),
		.priority = rtnl_route_get_priority(route),
		.type = rtnl_route_get_type(route),
	};
	if (destination && address_convert(destination, &item->destination.address))
		item->destination.length = (uint8_t)nl_addr_get_prefixlen(destination);
	item->destination.address.family = family;
	rtnl_route_foreach_nexthop(route, add_route_hop, context);
}

int routes_read(struct arena *arena, struct routes *ret_routes)
{
	struct collection collection = { .arena = arena };
	int r = objects_read(make_routes, take_route, &collection);

	if (r < 0)
		return r;
	*ret_routes = (struct routes){ .items = collection.items, .count = collection.count };
	return 0;
}

/* The answer to a route lookup. */
struct lookup {
	struct route_hop hop;
	bool answered;
	int error;	/* negative errno of the kernel */
};

static int take_lookup(struct nl_msg *message, void *context)
{
	struct lookup *lookup = context;
	struct rtnl_route *route;
	struct rtnl_nexthop *hop;

	if (nlmsg_hdr(message)->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(nlmsg_hdr(message), &route) < 0)
		return NL_OK;
	hop = rtnl_route_get_nnexthops(route) > 0 ? rtnl_route_nexthop_n(route, 0) : NULL;
	if (hop) {
		lookup->hop.oif = (uint32_t)rtnl_route_nh_get_ifindex(hop);
		lookup->hop.has_gateway = gateway_convert(hop, &lookup->hop.gateway);
	}
	lookup->hop.local = rtnl_route_get_type(route) == RTN_LOCAL;
	lookup->answered = hop && rtnl_route_get_type(route) <=
					  RTN_MULTICAST; /* what follows refuses: blackhole, unreachable, ... */
	rtnl_route_put(route);
	return NL_OK;
}

/* libnl would turn the kernel's reason into a number of its own. */
static int take_lookup_error(struct sockaddr_nl *sender, struct nlmsgerr *error, void *context)
{
	struct lookup *lookup = context;

	(void)sender;
	lookup->error = error->error;
	return NL_STOP;
}

/* The request for a route to one address; NULL when there is no memory. */
static struct nl_msg *lookup_request(const struct netaddr *destination)
{
	const size_t size = netaddr_size(destination->family);
	struct rtmsg header = {
		.rtm_family = destination->family == 4 ? AF_INET : AF_INET6,
		.rtm_dst_len = (unsigned char)(size * 8),
	};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);

	if (!message)
		return NULL;
	if (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
	    nla_put(message, RTA_DST, (int)size, destination->bytes) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

int route_lookup(const struct netaddr *destination, struct route_hop *ret_hop)
{
	struct lookup lookup = { 0 };
	struct nl_sock *socket;
	struct nl_msg *message;
	int r = route_socket_open(&socket);

	if (r < 0)
		return r;
	message = lookup_request(destination);
	if (!message) {
		nl_socket_free(socket);
		return -ENOMEM;
	}
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take_lookup, &lookup);
	nl_socket_modify_err_cb(socket, NL_CB_CUSTOM, take_lookup_error, &lookup);
	r = nl_send_auto(socket, message);
	if (r >= 0)
		r = nl_wait_for_ack(socket);
	nlmsg_free(message);
	nl_socket_free(socket);
	if (lookup.error < 0)
		return lookup.error;
	if (r < 0)
		return error_of_library(r);
	if (!lookup.answered)
		return -ENETUNREACH;
	*ret_hop = lookup.hop;
	return 0;
}

struct links_watch {
	struct nl_sock *socket;
	void (*changed)(unsigned int what, void *context);
	void *context;
	unsigned int seen;	/* what changed and was not told yet */
};

static int take_notification(struct nl_msg *message, void *context)
{
	struct links_watch *watch = context;

	switch (nlmsg_hdr(message)->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		watch->seen |= LINKS_CHANGED;
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		watch->seen |= ADDRESSES_CHANGED;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		watch->seen |= ROUTES_CHANGED;
		break;
	}
	return NL_OK;
}

/* Notifications carry no sequence number of ours. */
static int watch_subscribe(struct nl_sock *socket)
{
	int r;

	nl_socket_disable_seq_check(socket);
	r = nl_socket_add_memberships(socket, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, 0);
	if (r == 0)
		r = nl_socket_set_nonblocking(socket);
	return r < 0 ? error_of_library(r) : 0;
}

int links_watch_open(void (*changed)(unsigned int what, void *context), void *context,
		     struct links_watch **ret_watch)
{
	struct links_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		arena_exhausted();
	*watch = (struct links_watch){ .changed = changed, .context = context };
	r = route_socket_open(&watch->socket);
	if (r == 0)
		r = watch_subscribe(watch->socket);
	if (r < 0) {
		links_watch_close(watch);
		return r;
	}
	nl_socket_modify_cb(watch->socket, NL_CB_VALID, NL_CB_CUSTOM, take_notification, watch);
	*ret_watch = watch;
	return 0;
}

int links_watch_descriptor(const struct links_watch *watch)
{
	return nl_socket_get_fd(watch->socket);
}

int links_watch_read(struct links_watch *watch)
{
	struct nl_cb *callbacks = nl_socket_get_cb(watch->socket);
	unsigned int seen;
	int r;

	do {
		r = nl_recvmsgs_report(watch->socket, callbacks);
		if (r == -NLE_NOMEM)
			watch->seen = LINKS_CHANGED | ADDRESSES_CHANGED | ROUTES_CHANGED;
	} while (r > 0 || r == -NLE_NOMEM || r == -NLE_INTR);
	nl_cb_put(callbacks);
	seen = watch->seen;
	watch->seen = 0;
	if (seen)
		watch->changed(seen, watch->context);
	return r == -NLE_AGAIN ? 0 : error_of_library(r);
}

void links_watch_close(struct links_watch *watch)
{
	if (!watch)
		return;
	if (watch->socket)
		nl_socket_free(watch->socket);
	free(watch);
}
