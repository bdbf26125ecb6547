/* survey: what could carry packets past the tables. */
#include "kernel/survey.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attribute.h"

enum { RULE_LOCAL = 0, RULE_MAIN = 32766, RULE_DEFAULT = 32767, RECEIVE_BYTES = 64 * 1024, MAC_BYTES = 6 };

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

/* A number of the host's byte order, as rtnetlink writes them; 0 when there is none. */
static uint32_t host_u32(const struct nlattr *attribute)
{
	return attribute && mnl_attr_get_payload_len(attribute) == sizeof(uint32_t) ? mnl_attr_get_u32(attribute) : 0;
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
	static const char *const kinds[] = { "erspan", "geneve", "gre", "gretap", "gtp", "ip6erspan", "ip6gre", "ip6gretap", "ip6tnl", "ipip", "l2tp", "openvpn", "ovpn",
					     "ppp", "sit", "tun", "vti", "vti6", "vxlan", "wireguard", "xfrm" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

/* What an interface is, and what it is a part of. */
static void take_link_kinds(struct reading *reading, uint32_t index, const struct nlattr *const *attributes)
{
	const struct nlattr *info[IFLA_INFO_MAX + 1] = { NULL };

	if (attributes[IFLA_LINKINFO])
		attributes_sort(attributes_of_nest(attributes[IFLA_LINKINFO]), info, IFLA_INFO_MAX + 1);
	if (host_u32(attributes[IFLA_MASTER]) != 0)
		reading_add(reading, SURVEY_MASTER, index, host_u32(attributes[IFLA_MASTER]), attribute_text(info[IFLA_INFO_SLAVE_KIND]));
	/* The index of another namespace is none of ours. A tunnel is bound to an interface, but does not sit on its wire. */
	if (is_tunnel(attribute_text(info[IFLA_INFO_KIND])))
		reading_add(reading, SURVEY_TUNNEL, index, 0, attribute_text(info[IFLA_INFO_KIND]));
	else if (host_u32(attributes[IFLA_LINK]) != 0 && host_u32(attributes[IFLA_LINK]) != index && !attributes[IFLA_LINK_NETNSID])
		reading_add(reading, SURVEY_CHILD, host_u32(attributes[IFLA_LINK]), index, attribute_text(info[IFLA_INFO_KIND]));
}

static void take_link(struct reading *reading, const struct nlmsghdr *message)
{
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
static void take_received(struct reading *reading, const struct nlmsghdr *message)
{
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

static void take_route(struct reading *reading, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[RTA_ENCAP + 1];
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*route))
		return;
	attributes_sort(attributes_of_message(message, sizeof(*route)), attributes, RTA_ENCAP + 1);
	if (attributes[RTA_ENCAP_TYPE] || attributes[RTA_ENCAP])
		reading_add(reading, SURVEY_ENCAP, host_u32(attributes[RTA_OIF]), 0, "");
}

static void take_qdisc(struct reading *reading, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[TCA_KIND + 1];
	const struct tcmsg *qdisc = mnl_nlmsg_get_payload(message);
	const char *kind;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*qdisc))
		return;
	attributes_sort(attributes_of_message(message, sizeof(*qdisc)), attributes, TCA_KIND + 1);
	kind = attribute_text(attributes[TCA_KIND]);
	if (strcmp(kind, "clsact") == 0 || strcmp(kind, "ingress") == 0)
		reading_add(reading, SURVEY_TC, (uint32_t)qdisc->tcm_ifindex, 0, "");
}

static void take_rule(struct reading *reading, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[FRA_PRIORITY + 1];
	const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(message);
	uint32_t priority;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*rule))
		return;
	attributes_sort(attributes_of_message(message, sizeof(*rule)), attributes, FRA_PRIORITY + 1);
	priority = host_u32(attributes[FRA_PRIORITY]);
	if ((priority == RULE_LOCAL && rule->table == RT_TABLE_LOCAL) || (priority == RULE_MAIN && rule->table == RT_TABLE_MAIN) ||
	    (priority == RULE_DEFAULT && rule->table == RT_TABLE_DEFAULT))
		return;
	reading_add(reading, SURVEY_RULE, 0, priority, "");
}

/* One dump: header_bytes of zeros behind the header, but for the family in the first. */
static const struct dump {
	uint16_t type;
	size_t header_bytes;
	uint8_t family;
	void (*take)(struct reading *reading, const struct nlmsghdr *message);
} dumps[] = {
	{ RTM_GETLINK, sizeof(struct ifinfomsg), AF_UNSPEC, take_link },
	{ RTM_GETQDISC, sizeof(struct tcmsg), AF_UNSPEC, take_qdisc },
	{ RTM_GETRULE, sizeof(struct fib_rule_hdr), AF_INET, take_rule },
	{ RTM_GETRULE, sizeof(struct fib_rule_hdr), AF_INET6, take_rule },
	{ RTM_GETROUTE, sizeof(struct rtmsg), AF_INET, take_route },
	{ RTM_GETROUTE, sizeof(struct rtmsg), AF_INET6, take_route },
	/* behind the links, whose addresses it has to know */
	{ RTM_GETNEIGH, sizeof(struct ifinfomsg), AF_BRIDGE, take_received },
};

struct taking {
	struct reading *reading;
	const struct dump *dump;
};

static int take_message(const struct nlmsghdr *message, void *context)
{
	const struct taking *taking = context;

	taking->dump->take(taking->reading, message);
	return MNL_CB_OK;
}

static int dump_read(struct mnl_socket *socket, const struct dump *dump, uint32_t sequence, struct reading *reading)
{
	char bytes[RECEIVE_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(bytes);
	struct taking taking = { reading, dump };
	uint8_t *header;
	int result = MNL_CB_OK;

	request->nlmsg_type = dump->type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = sequence;
	header = mnl_nlmsg_put_extra_header(request, dump->header_bytes);
	header[0] = dump->family;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (result == MNL_CB_OK) {
		ssize_t length = mnl_socket_recvfrom(socket, bytes, sizeof(bytes));

		if (length < 0)
			return -errno;
		result = mnl_cb_run(bytes, (size_t)length, sequence, mnl_socket_get_portid(socket), take_message, &taking);
	}
	return result < 0 ? -errno : 0;
}

int survey_read(struct arena *arena, const struct link_table *links, struct survey *ret_survey)
{
	struct reading reading = { .arena = arena };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int error = socket ? 0 : -errno;

	if (!error && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		error = -errno;
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]) && !error; i++) {
		error = dump_read(socket, &dumps[i], (uint32_t)i + 1, &reading);
		/* Kernels without policy routing or queueing disciplines have none of them. */
		if (error == -EOPNOTSUPP || error == -EAFNOSUPPORT)
			error = 0;
	}
	if (socket)
		mnl_socket_close(socket);
	if (error)
		return error;
	survey_read_files(arena, links, &reading.survey);
	*ret_survey = reading.survey;
	return 0;
}
