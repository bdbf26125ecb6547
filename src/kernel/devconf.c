/* devconf: switches of single interfaces, by rtnetlink. */
#include "kernel/devconf.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attribute.h"

const struct devconf_rule devconf_rules[] = {
	{ IPV4_DEVCONF_PROXY_ARP, 0, "proxy_arp" },
	{ IPV4_DEVCONF_PROXY_ARP_PVLAN, 0, "proxy_arp_pvlan" },
	{ IPV4_DEVCONF_BC_FORWARDING, 0, "bc_forwarding" },
	{ IPV4_DEVCONF_ROUTE_LOCALNET, 0, "route_localnet" },
	{ IPV4_DEVCONF_SEND_REDIRECTS, 0, "send_redirects" },
	{ IPV4_DEVCONF_ACCEPT_LOCAL, 0, "accept_local" },
};

const size_t devconf_rule_count = sizeof(devconf_rules) / sizeof(devconf_rules[0]);

enum { MESSAGE_BYTES = 32 * 1024 };

/* A message about one interface. */
static struct nlmsghdr *message_begin(char *bytes, uint16_t type, uint16_t flags, uint32_t index)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(bytes);
	struct ifinfomsg *link;

	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	message->nlmsg_seq = 1;
	link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
	link->ifi_index = (int)index;
	return message;
}

/* Notes which switches stand otherwise. The kernel writes them as an array of numbers in its byte order, the first for IPV4_DEVCONF_* 1. */
static int take_link(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *attributes[IFLA_AF_SPEC + 1], *families[AF_INET + 1], *inet[IFLA_INET_CONF + 1];
	uint32_t *different = context, value;

	attributes_sort(attributes_of_message(message, sizeof(struct ifinfomsg)), attributes, IFLA_AF_SPEC + 1);
	if (message->nlmsg_type != RTM_NEWLINK || !attributes[IFLA_AF_SPEC])
		return MNL_CB_OK;
	attributes_sort(attributes_of_nest(attributes[IFLA_AF_SPEC]), families, AF_INET + 1);
	if (!families[AF_INET])
		return MNL_CB_OK;
	attributes_sort(attributes_of_nest(families[AF_INET]), inet, IFLA_INET_CONF + 1);
	for (size_t i = 0; inet[IFLA_INET_CONF] && i < devconf_rule_count; i++) {
		const size_t at = (size_t)(devconf_rules[i].number - 1) * sizeof(value);

		if (mnl_attr_get_payload_len(inet[IFLA_INET_CONF]) < at + sizeof(value))
			continue;
		memcpy(&value, (const char *)mnl_attr_get_payload(inet[IFLA_INET_CONF]) + at, sizeof(value));
		if (value != devconf_rules[i].wanted)
			*different |= UINT32_C(1) << i;
	}
	return MNL_CB_OK;
}

/* Sends a message and takes the answer, which ends with an acknowledgement. */
static int message_exchange(struct mnl_socket *socket, const struct nlmsghdr *message, char *bytes, mnl_cb_t take, void *context)
{
	int result = MNL_CB_OK;

	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	while (result == MNL_CB_OK) {
		ssize_t length = mnl_socket_recvfrom(socket, bytes, MESSAGE_BYTES);

		if (length < 0)
			return -errno;
		result = mnl_cb_run(bytes, (size_t)length, 1, mnl_socket_get_portid(socket), take, context);
	}
	return result < 0 ? -errno : 0;
}

static int different_set(struct mnl_socket *socket, uint32_t index, char *bytes, uint32_t different)
{
	struct nlmsghdr *message = message_begin(bytes, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, index);
	struct nlattr *spec = mnl_attr_nest_start(message, IFLA_AF_SPEC), *inet = mnl_attr_nest_start(message, AF_INET);
	struct nlattr *conf = mnl_attr_nest_start(message, IFLA_INET_CONF);

	for (size_t i = 0; i < devconf_rule_count; i++)
		if (different & UINT32_C(1) << i)
			mnl_attr_put_u32(message, devconf_rules[i].number, devconf_rules[i].wanted);
	mnl_attr_nest_end(message, conf);
	mnl_attr_nest_end(message, inet);
	mnl_attr_nest_end(message, spec);
	return message_exchange(socket, message, bytes, NULL, NULL);
}

int devconf_hold(uint32_t index, uint32_t *ret_changed)
{
	char bytes[MESSAGE_BYTES] __attribute__((aligned(8)));
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	uint32_t different = 0;
	int error;

	if (!socket)
		return -errno;
	error = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (!error)
		error = message_exchange(socket, message_begin(bytes, RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, index), bytes, take_link, &different);
	if (!error && different)
		error = different_set(socket, index, bytes, different);
	mnl_socket_close(socket);
	if (!error)
		*ret_changed = different;
	return error;
}
