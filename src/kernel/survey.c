/* survey: what could carry packets past the tables. */
#include "kernel/survey.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "kernel/attribute.h"
#include "kernel/survey_dump.h"

enum { RULE_LOCAL = 0, RULE_MAIN = 32766, RULE_DEFAULT = 32767, MAC_BYTES = 6 };

/* A device address, of any interface here. */
struct known_mac {
	uint8_t bytes[MAC_BYTES];
};

struct reading {
	struct arena *arena;
	struct survey survey;
	struct known_mac *macs;	/* of all interfaces of this namespace */
	size_t mac_count, mac_capacity;
};

void survey_add(struct arena *arena, struct survey *survey, enum survey_kind kind, uint32_t index, uint32_t number, const char *text)
{
	struct survey_item item = { .kind = kind, .index = index, .number = number };

	memcpy(item.text, text, strnlen(text, sizeof(item.text) - 1));
	for (size_t i = 0; i < survey->count; i++)
		if (memcmp(&survey->items[i], &item, sizeof(item)) == 0)
			return;
	if (survey->count == SURVEY_ITEMS_MAX)
		return;
	survey->items = arena_grow(arena, survey->items, survey->count, &survey->capacity, sizeof(*survey->items));
	survey->items[survey->count++] = item;
}

static void reading_add(struct reading *reading, enum survey_kind kind, uint32_t index, uint32_t number, const char *text)
{
	survey_add(reading->arena, &reading->survey, kind, index, number, text);
}

static bool xdp_is_attached(const struct nlattr *nest)
{
	const struct nlattr *attributes[IFLA_XDP_ATTACHED + 1];

	if (!nest)
		return false;
	attributes_sort(attributes_of_nest(nest), attributes, IFLA_XDP_ATTACHED + 1);
	return attributes[IFLA_XDP_ATTACHED] && mnl_attr_get_payload_len(attributes[IFLA_XDP_ATTACHED]) == 1 &&
	       mnl_attr_get_u8(attributes[IFLA_XDP_ATTACHED]) != XDP_ATTACHED_NONE;
}

/* Kinds of interfaces that put packets into others. What they carry is in no zone; what carries them is. */
static bool is_tunnel(const char *kind)
{
	static const char *const kinds[] = { "amt", "bareudp", "erspan", "geneve", "gre", "gretap", "gtp", "ip6erspan", "ip6gre", "ip6gretap", "ip6tnl", "ipip", "l2tp", "openvpn", "ovpn",
					     "ppp", "sit", "tun", "vti", "vti6", "vxlan", "wireguard", "xfrm" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

/* A ring of HSR or PRP joins its two interfaces without being their master: what comes in by one goes out by the other. */
static void take_ring(struct reading *reading, uint32_t index, const struct nlattr *data)
{
	const struct nlattr *attributes[IFLA_HSR_SLAVE2 + 1] = { NULL };

	if (data)
		attributes_sort(attributes_of_nest(data), attributes, IFLA_HSR_SLAVE2 + 1);
	for (size_t i = IFLA_HSR_SLAVE1; i <= IFLA_HSR_SLAVE2; i++)
		if (survey_u32(attributes[i]) != 0)
			reading_add(reading, SURVEY_MASTER, survey_u32(attributes[i]), index, "hsr");
}

/* What an interface is, and what it is a part of. */
static void take_link_kinds(struct reading *reading, uint32_t index, const struct nlattr *const *attributes)
{
	const struct nlattr *info[IFLA_INFO_MAX + 1] = { NULL };

	if (attributes[IFLA_LINKINFO])
		attributes_sort(attributes_of_nest(attributes[IFLA_LINKINFO]), info, IFLA_INFO_MAX + 1);
	if (survey_u32(attributes[IFLA_MASTER]) != 0)
		reading_add(reading, SURVEY_MASTER, index, survey_u32(attributes[IFLA_MASTER]), attribute_text(info[IFLA_INFO_SLAVE_KIND]));
	if (strcmp(attribute_text(info[IFLA_INFO_KIND]), "hsr") == 0)
		take_ring(reading, index, info[IFLA_INFO_DATA]);
	/* The index of another namespace is none of ours. A tunnel is bound to an interface, but does not sit on its wire. */
	if (is_tunnel(attribute_text(info[IFLA_INFO_KIND])))
		reading_add(reading, SURVEY_TUNNEL, index, 0, attribute_text(info[IFLA_INFO_KIND]));
	else if (survey_u32(attributes[IFLA_LINK]) != 0 && survey_u32(attributes[IFLA_LINK]) != index && !attributes[IFLA_LINK_NETNSID])
		reading_add(reading, SURVEY_CHILD, survey_u32(attributes[IFLA_LINK]), index, attribute_text(info[IFLA_INFO_KIND]));
}

static void take_link(void *context, const struct nlmsghdr *message)
{
	struct reading *reading = context;
	const struct nlattr *attributes[IFLA_XDP + 1];
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*link) || link->ifi_index <= 0)
		return;
	attributes_sort(attributes_of_message(message, sizeof(*link)), attributes, IFLA_XDP + 1);
	take_link_kinds(reading, (uint32_t)link->ifi_index, attributes);
	if (xdp_is_attached(attributes[IFLA_XDP]))
		reading_add(reading, SURVEY_XDP, (uint32_t)link->ifi_index, 0, "");
	if (attributes[IFLA_ADDRESS] && mnl_attr_get_payload_len(attributes[IFLA_ADDRESS]) == MAC_BYTES) {
		reading->macs = arena_grow(reading->arena, reading->macs, reading->mac_count, &reading->mac_capacity, sizeof(*reading->macs));
		memcpy(reading->macs[reading->mac_count++].bytes, mnl_attr_get_payload(attributes[IFLA_ADDRESS]), MAC_BYTES);
	}
}

static bool mac_is_ours(const struct reading *reading, const uint8_t *mac)
{
	for (size_t i = 0; i < reading->mac_count; i++)
		if (memcmp(reading->macs[i].bytes, mac, MAC_BYTES) == 0)
			return true;
	return false;
}

/*
 * An address for which an interface receives. Those of a bridge's table carry its index as their master; what is left is what the interface itself listens to: group
 * addresses, and the addresses of interfaces that sit on it.
 */
static void take_received(void *context, const struct nlmsghdr *message)
{
	struct reading *reading = context;
	const struct nlattr *attributes[NDA_MASTER + 1];
	const struct ndmsg *entry = mnl_nlmsg_get_payload(message);
	char text[SURVEY_TEXT_BYTES];
	const uint8_t *mac;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*entry))
		return;
	attributes_sort(attributes_of_message(message, sizeof(*entry)), attributes, NDA_MASTER + 1);
	if (attributes[NDA_MASTER] || !attributes[NDA_LLADDR] || mnl_attr_get_payload_len(attributes[NDA_LLADDR]) != MAC_BYTES || !(entry->ndm_flags & NTF_SELF))
		return;
	mac = mnl_attr_get_payload(attributes[NDA_LLADDR]);
	if ((mac[0] & 1) || mac_is_ours(reading, mac))
		return;
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	reading_add(reading, SURVEY_SHARED, (uint32_t)entry->ndm_ifindex, 0, text);
}

/* The ways of a route that has several: each is a head of its own length, with attributes behind. */
static void take_hops(struct reading *reading, const struct nlattr *nest)
{
	const char *next = mnl_attr_get_payload(nest);
	size_t left = mnl_attr_get_payload_len(nest);

	while (left >= sizeof(struct rtnexthop)) {
		const struct nlattr *attributes[RTA_ENCAP + 1];
		struct rtnexthop hop;
		size_t length;

		memcpy(&hop, next, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left)
			return;
		attributes_sort((struct attributes){ next + sizeof(hop), hop.rtnh_len - sizeof(hop) }, attributes, RTA_ENCAP + 1);
		if (attributes[RTA_ENCAP_TYPE] || attributes[RTA_ENCAP])
			reading_add(reading, SURVEY_ENCAP, (uint32_t)hop.rtnh_ifindex, 0, "");
		length = (hop.rtnh_len + (size_t)RTNH_ALIGNTO - 1) / RTNH_ALIGNTO * RTNH_ALIGNTO;
		if (length >= left)
			return;
		next += length;
		left -= length;
	}
}

static void take_route(void *context, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[RTA_ENCAP + 1];
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*route))
		return;
	attributes_sort(attributes_of_message(message, sizeof(*route)), attributes, RTA_ENCAP + 1);
	if (attributes[RTA_ENCAP_TYPE] || attributes[RTA_ENCAP])
		reading_add(context, SURVEY_ENCAP, survey_u32(attributes[RTA_OIF]), 0, "");
	if (attributes[RTA_MULTIPATH])
		take_hops(context, attributes[RTA_MULTIPATH]);
}

/* A next hop that routes name by its number; a route of it may not repeat what it does (net.ipv4.nexthop_compat_mode). */
static void take_nexthop(void *context, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[NHA_ENCAP + 1];

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nhmsg))
		return;
	attributes_sort(attributes_of_message(message, sizeof(struct nhmsg)), attributes, NHA_ENCAP + 1);
	if (attributes[NHA_ENCAP_TYPE] || attributes[NHA_ENCAP])
		reading_add(context, SURVEY_ENCAP, survey_u32(attributes[NHA_OIF]), 0, "");
}

static void take_rule(void *context, const struct nlmsghdr *message)
{
	struct reading *reading = context;
	const struct nlattr *attributes[FRA_PRIORITY + 1];
	const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(message);
	uint32_t priority;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*rule))
		return;
	attributes_sort(attributes_of_message(message, sizeof(*rule)), attributes, FRA_PRIORITY + 1);
	priority = survey_u32(attributes[FRA_PRIORITY]);
	if ((priority == RULE_LOCAL && rule->table == RT_TABLE_LOCAL) || (priority == RULE_MAIN && rule->table == RT_TABLE_MAIN) ||
	    (priority == RULE_DEFAULT && (rule->table == RT_TABLE_DEFAULT || rule->family == RTNL_FAMILY_IP6MR)))
		return;
	reading_add(reading, SURVEY_RULE, 0, priority, "");
}

static const struct ifinfomsg any_link, bridge_links = { .ifi_family = AF_BRIDGE };
static const struct rtmsg routes4 = { .rtm_family = AF_INET }, routes6 = { .rtm_family = AF_INET6 };
static const struct nhmsg any_nexthop;
static const struct fib_rule_hdr rules4 = { .family = AF_INET }, rules6 = { .family = AF_INET6 }, multicast_rules4 = { .family = RTNL_FAMILY_IPMR },
				 multicast_rules6 = { .family = RTNL_FAMILY_IP6MR };

#define DUMP(TYPE, HEADER, TAKE) { TYPE, &(HEADER), sizeof(HEADER), TAKE }

static const struct survey_dump dumps[] = {
	DUMP(RTM_GETLINK, any_link, take_link),
	DUMP(RTM_GETRULE, rules4, take_rule), DUMP(RTM_GETRULE, rules6, take_rule),
	DUMP(RTM_GETRULE, multicast_rules4, take_rule), DUMP(RTM_GETRULE, multicast_rules6, take_rule),
	DUMP(RTM_GETROUTE, routes4, take_route), DUMP(RTM_GETROUTE, routes6, take_route),
	DUMP(RTM_GETNEXTHOP, any_nexthop, take_nexthop),
	/* behind the links, whose addresses it has to know */
	DUMP(RTM_GETNEIGH, bridge_links, take_received),
};

int survey_read(struct arena *arena, const struct link_table *links, struct survey *ret_survey)
{
	struct reading reading = { .arena = arena };
	struct mnl_socket *socket = survey_socket(NETLINK_ROUTE);
	int error = socket ? 0 : -errno;

	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]) && !error; i++)
		error = survey_dump(socket, &dumps[i], (uint32_t)i + 1, &reading);
	if (socket)
		mnl_socket_close(socket);
	if (!error)
		error = survey_read_traffic_control(arena, &reading.survey);
	if (!error)
		error = survey_read_hidden(arena, &reading.survey);
	if (error)
		return error;
	survey_read_frames(arena, &reading.survey);
	survey_read_files(arena, links, &reading.survey);
	*ret_survey = reading.survey;
	return 0;
}
