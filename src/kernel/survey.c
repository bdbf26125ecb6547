/* survey: what could carry packets past the tables. */
#include "kernel/survey.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attribute.h"

enum { RULE_LOCAL = 0, RULE_MAIN = 32766, RULE_DEFAULT = 32767, RECEIVE_BYTES = 64 * 1024 };

struct reading {
	struct arena *arena;
	struct survey survey;
	size_t capacity;
};

static void reading_add(struct reading *reading, enum survey_kind kind, uint32_t index, uint32_t number)
{
	struct survey *survey = &reading->survey;

	survey->items = arena_grow(reading->arena, survey->items, survey->count, &reading->capacity, sizeof(*survey->items));
	survey->items[survey->count++] = (struct survey_item){ kind, index, number };
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

static void take_link(struct reading *reading, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[IFLA_XDP + 1];
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*link))
		return;
	attributes_sort(attributes_of_message(message, sizeof(*link)), attributes, IFLA_XDP + 1);
	if (host_u32(attributes[IFLA_MASTER]) != 0)
		reading_add(reading, SURVEY_MASTER, (uint32_t)link->ifi_index, host_u32(attributes[IFLA_MASTER]));
	if (xdp_is_attached(attributes[IFLA_XDP]))
		reading_add(reading, SURVEY_XDP, (uint32_t)link->ifi_index, 0);
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
		reading_add(reading, SURVEY_TC, (uint32_t)qdisc->tcm_ifindex, 0);
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
	reading_add(reading, SURVEY_RULE, 0, priority);
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

int survey_read(struct arena *arena, struct survey *ret_survey)
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
	if (!error)
		*ret_survey = reading.survey;
	return error;
}
