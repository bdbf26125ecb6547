/* conntrack: which connections the kernel follows and which marks they carry. */
#include "kernel/conntrack.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/attribute.h"

/* One mark per connection, in the order of the dump. */
static int take_connection(const struct nlmsghdr *message, void *context)
{
	struct buf *found = context;
	const struct nlattr *attributes[CTA_MARK + 1];
	uint32_t mark;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, CTA_MARK + 1);
	mark = attribute_u32(attributes[CTA_MARK]);
	if (mark)
		buf_put(found, &mark, sizeof(mark));
	return 0;
}

static int compare_marks(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

struct held_marks held_marks_of(struct arena *arena, uint32_t *found, size_t found_count)
{
	struct held_marks held = { 0 };

	if (found_count)
		qsort(found, found_count, sizeof(*found), compare_marks);
	held.marks = arena_array(arena, found_count, sizeof(*held.marks));
	held.connections = arena_array(arena, found_count, sizeof(*held.connections));
	for (size_t i = 0; i < found_count; i++) {
		if (held.count == 0 || held.marks[held.count - 1] != found[i])
			held.marks[held.count++] = found[i];
		held.connections[held.count - 1]++;
	}
	return held;
}

int conntrack_marks(struct arena *arena, struct nfnl *nfnl, struct held_marks *ret_marks)
{
	struct buf found = buf_limited(0);
	int r = nfnl_dump_subsystem(nfnl, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NFPROTO_UNSPEC, NULL,
				    take_connection, &found);

	if (r == 0 || r == -EINVAL || r == -EOPNOTSUPP) { /* the latter two: no ctnetlink in this kernel */
		*ret_marks = held_marks_of(arena, (uint32_t *)(void *)found.data,
					 found.length / sizeof(uint32_t));
		r = 0;
	}
	buf_free(&found);
	return r;
}

/* ---- connections */

/* A dump of connections being read. */
struct carried_reading {
	struct arena *arena;
	struct carried_list list;
	size_t capacity;
};

/* An address of either family; the family stays 0 when neither attribute is one. */
static struct netaddr address_take(const struct nlattr *v4, const struct nlattr *v6)
{
	struct netaddr address = { .family = 0 };

	if (v4 && mnl_attr_get_payload_len(v4) == 4)
		address.family = 4;
	else if (v6 && mnl_attr_get_payload_len(v6) == sizeof(address.bytes))
		address.family = 6;
	if (address.family != 0)
		memcpy(address.bytes, mnl_attr_get_payload(address.family == 4 ? v4 : v6), netaddr_size(address.family));
	return address;
}

static uint16_t port_take(const struct nlattr *attribute)
{
	uint16_t port = 0;

	if (attribute && mnl_attr_get_payload_len(attribute) == sizeof(port))
		memcpy(&port, mnl_attr_get_payload(attribute), sizeof(port));
	return be16toh(port);
}

static uint16_t byte_take(const struct nlattr *attribute)
{
	return attribute && mnl_attr_get_payload_len(attribute) == 1 ? *(const uint8_t *)mnl_attr_get_payload(attribute) : 0;
}

/* Protocol and ports; of a ping its type and code stand where others have the source port, as in the packet. */
static void protocol_take(const struct nlattr *nest, struct carried *carried)
{
	const struct nlattr *parts[CTA_PROTO_ICMPV6_CODE + 1];
	bool v6;

	attributes_sort(attributes_of_nest(nest), parts, CTA_PROTO_ICMPV6_CODE + 1);
	v6 = parts[CTA_PROTO_ICMPV6_TYPE] != NULL;
	carried->protocol = (uint8_t)byte_take(parts[CTA_PROTO_NUM]);
	carried->sport = port_take(parts[CTA_PROTO_SRC_PORT]);
	carried->dport = port_take(parts[CTA_PROTO_DST_PORT]);
	if (parts[CTA_PROTO_ICMP_TYPE] || v6)
		carried->sport = (uint16_t)(byte_take(parts[v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE]) << 8 |
					    byte_take(parts[v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE]));
}

/* The first packet's ends. False: not a connection of IP. */
static bool tuple_take(const struct nlattr *nest, struct carried *carried)
{
	const struct nlattr *parts[CTA_TUPLE_PROTO + 1], *ends[CTA_IP_V6_DST + 1];

	if (!nest)
		return false;
	attributes_sort(attributes_of_nest(nest), parts, CTA_TUPLE_PROTO + 1);
	if (!parts[CTA_TUPLE_IP] || !parts[CTA_TUPLE_PROTO])
		return false;
	attributes_sort(attributes_of_nest(parts[CTA_TUPLE_IP]), ends, CTA_IP_V6_DST + 1);
	carried->source = address_take(ends[CTA_IP_V4_SRC], ends[CTA_IP_V6_SRC]);
	carried->destination = address_take(ends[CTA_IP_V4_DST], ends[CTA_IP_V6_DST]);
	protocol_take(parts[CTA_TUPLE_PROTO], carried);
	return carried->source.family != 0 && carried->source.family == carried->destination.family;
}

static int take_carried(const struct nlmsghdr *message, void *context)
{
	struct carried_reading *reading = context;
	const struct nlattr *attributes[CTA_MARK + 1];
	struct carried carried = { .mark = 0 };

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, CTA_MARK + 1);
	carried.mark = attribute_u32(attributes[CTA_MARK]);
	if (carried.mark == 0 || !tuple_take(attributes[CTA_TUPLE_ORIG], &carried))
		return 0;
	reading->list.items = arena_grow(reading->arena, reading->list.items, reading->list.count, &reading->capacity,
					 sizeof(*reading->list.items));
	reading->list.items[reading->list.count++] = carried;
	return 0;
}

static int compare_carried(const void *a, const void *b)
{
	const struct carried *left = a, *right = b;

	return (left->mark > right->mark) - (left->mark < right->mark);
}

static int compare_addresses(const void *a, const void *b)
{
	return netaddr_compare(a, b);
}

/* Notes which connections this machine is an end of. */
static void origins_note(struct arena *arena, const struct interface_addresses *own, struct carried_list *list)
{
	struct netaddr *addresses = arena_array(arena, own->count, sizeof(*addresses));

	for (size_t i = 0; i < own->count; i++)
		addresses[i] = own->items[i].address;
	if (own->count)
		qsort(addresses, own->count, sizeof(*addresses), compare_addresses);
	for (size_t i = 0; own->count && i < list->count; i++) {
		struct carried *carried = &list->items[i];

		carried->from_gateway = bsearch(&carried->source, addresses, own->count, sizeof(*addresses), compare_addresses) != NULL;
		carried->to_gateway = bsearch(&carried->destination, addresses, own->count, sizeof(*addresses), compare_addresses) != NULL;
	}
}

int conntrack_carried(struct arena *arena, struct nfnl *nfnl, const struct interface_addresses *own, struct carried_list *ret_list)
{
	struct carried_reading reading = { .arena = arena };
	int r = nfnl_dump_subsystem(nfnl, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NFPROTO_UNSPEC, NULL, take_carried,
				    &reading);

	if (r != 0 && r != -EINVAL && r != -EOPNOTSUPP)
		return r;
	if (reading.list.count)
		qsort(reading.list.items, reading.list.count, sizeof(*reading.list.items), compare_carried);
	origins_note(arena, own, &reading.list);
	*ret_list = reading.list;
	return 0;
}

/* ---- how full it is */

static int take_fill(const struct nlmsghdr *message, void *context)
{
	struct conntrack_fill *fill = context;
	const struct nlattr *attributes[CTA_STATS_GLOBAL_MAX + 1];

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, CTA_STATS_GLOBAL_MAX + 1);
	fill->entries = attribute_u32(attributes[CTA_STATS_GLOBAL_ENTRIES]);
	fill->entries_max = attribute_u32(attributes[CTA_STATS_GLOBAL_MAX_ENTRIES]);
	return 0;
}

int conntrack_fill_read(struct nfnl *nfnl, struct conntrack_fill *ret_fill)
{
	struct conntrack_fill fill = { .entries = 0 };
	int r = nfnl_query_subsystem(nfnl, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET_STATS, NFPROTO_UNSPEC, NULL, take_fill, &fill);

	if (r == -EINVAL || r == -EOPNOTSUPP) { /* no ctnetlink in this kernel */
		fill = (struct conntrack_fill){ .entries = 0 };
		r = 0;
	}
	if (r == 0)
		*ret_fill = fill;
	return r;
}
