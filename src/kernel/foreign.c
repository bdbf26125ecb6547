/* foreign: reads what others have in nf_tables, of IPsec policies and of tcx programs. */
#include "kernel/foreign.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/attribute.h"
#include "kernel/backstop.h"
#include "kernel/features.h"

/* linux/bpf.h of Debian 12 does not know them yet (6.6). */
enum { ATTACH_TCX_INGRESS = 46, ATTACH_TCX_EGRESS = 47 };

enum { DORMANT_MAX = 64 };

/* A table none of whose chains is in force. */
struct dormant {
	uint8_t family;
	char name[NFT_TABLE_MAXNAMELEN];
};

struct table_reading {
	uint32_t port_id;		/* ours */
	bool backstop;			/* there is a backstop of ours (kernel/backstop.h), which is no stranger */
	struct dormant dormant[DORMANT_MAX];	/* more than these are taken as if they were in force */
	size_t dormant_count;
	void (*visit)(const struct nlmsghdr *message, void *context);
	void *context;
};

static uint8_t message_family(const struct nlmsghdr *message)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family;
}

static int take_table(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *attributes[NFTA_TABLE_FLAGS + 1];
	struct table_reading *reading = context;
	struct dormant *dormant = &reading->dormant[reading->dormant_count];
	const char *name;

	reading->backstop |= backstop_is(message, reading->port_id);
	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_TABLE_FLAGS + 1);
	name = attribute_text(attributes[NFTA_TABLE_NAME]);
	if (!(attribute_u32(attributes[NFTA_TABLE_FLAGS]) & TABLE_FLAG_DORMANT) || reading->dormant_count == DORMANT_MAX || strlen(name) >= sizeof(dormant->name))
		return 0;
	dormant->family = message_family(message);
	strcpy(dormant->name, name);
	reading->dormant_count++;
	return 0;
}

/* Of a table that is not in force, or of the backstop. All objects of a table have its name as attribute 1. */
static bool is_no_stranger(const struct table_reading *reading, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[NFTA_RULE_TABLE + 1];

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_RULE_TABLE + 1);
	if (reading->backstop && message_family(message) == NFPROTO_INET && strcmp(attribute_text(attributes[NFTA_RULE_TABLE]), BACKSTOP_TABLE) == 0)
		return true;
	/* The chains of a dormant table are taken out of the way of packets, its flowtables are not. */
	if (message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWFLOWTABLE))
		return false;
	for (size_t i = 0; i < reading->dormant_count; i++)
		if (reading->dormant[i].family == message_family(message) && strcmp(reading->dormant[i].name, attribute_text(attributes[NFTA_RULE_TABLE])) == 0)
			return true;
	return false;
}

static int take_object(const struct nlmsghdr *message, void *context)
{
	struct table_reading *reading = context;

	if (!is_no_stranger(reading, message))
		reading->visit(message, reading->context);
	return 0;
}

int foreign_each(struct nfnl *nfnl, void (*visit)(const struct nlmsghdr *message, void *context), void *context)
{
	static const uint16_t types[] = { NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_GETFLOWTABLE };
	struct table_reading reading = { .port_id = nfnl->port_id, .visit = visit, .context = context };
	int error = nfnl_dump(nfnl, NFT_MSG_GETTABLE, NFPROTO_UNSPEC, NULL, take_table, &reading);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !error; i++)
		error = nfnl_dump(nfnl, types[i], NFPROTO_UNSPEC, NULL, take_object, &reading);
	return error;
}

static void take_message(const struct nlmsghdr *message, void *context)
{
	foreign_take(context, message);
}

int foreign_read_tables(struct arena *arena, struct nfnl *nfnl, struct foreign *ret_foreign)
{
	struct foreign foreign = foreign_in(arena);
	int error = foreign_each(nfnl, take_message, &foreign);

	if (!error)
		*ret_foreign = foreign;
	return error;
}

static int take_policy(const struct nlmsghdr *message, void *context)
{
	const struct foreign_item item = { .kind = FOREIGN_IPSEC, .what = "xfrm" };

	if (message->nlmsg_type == XFRM_MSG_NEWPOLICY)
		foreign_add(context, &item);
	return MNL_CB_OK;
}

static int policies_dump(struct mnl_socket *socket, struct foreign *foreign)
{
	char bytes[ATTRIBUTE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(bytes);
	int result = MNL_CB_OK;

	request->nlmsg_type = XFRM_MSG_GETPOLICY;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = 1;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (result == MNL_CB_OK) {
		ssize_t length = mnl_socket_recvfrom(socket, bytes, sizeof(bytes));

		if (length < 0)
			return -errno;
		result = mnl_cb_run(bytes, (size_t)length, 1, mnl_socket_get_portid(socket), take_policy, foreign);
	}
	return result < 0 ? -errno : 0;
}

int foreign_read_ipsec(struct foreign *foreign)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC);
	int error;

	if (!socket)
		return errno == EPROTONOSUPPORT ? 0 : -errno;
	error = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : policies_dump(socket, foreign);
	mnl_socket_close(socket);
	return error;
}

/* target: an interface's index, or a descriptor of a network namespace. */
static bool has_program(uint32_t target, uint32_t attach_type)
{
	union bpf_attr query;

	memset(&query, 0, sizeof(query));
	query.query.target_fd = target; /* later headers know it as target_ifindex, too */
	query.query.attach_type = attach_type;
	return syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) == 0 && query.query.prog_cnt > 0;
}

void foreign_read_tcx(struct foreign *foreign, const struct link_table *links)
{
	for (size_t i = 0; i < links->count; i++) {
		const struct foreign_item item = { .kind = FOREIGN_TCX, .index = links->items[i].index, .what = "tcx" };

		if (has_program(item.index, ATTACH_TCX_INGRESS) || has_program(item.index, ATTACH_TCX_EGRESS))
			foreign_add(foreign, &item);
	}
}

void foreign_read_network(struct foreign *foreign, int network)
{
	static const struct {
		uint32_t attach_type;
		const char *name;
	} kinds[] = { { BPF_SK_LOOKUP, "sk_lookup" }, { BPF_FLOW_DISSECTOR, "flow_dissector" } };

	for (size_t i = 0; network >= 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct foreign_item item = { .kind = FOREIGN_NETWORK };

		foreign_name(item.chain, kinds[i].name);
		if (has_program((uint32_t)network, kinds[i].attach_type))
			foreign_add(foreign, &item);
	}
}
