/* nflog: packets that a rule logs to a group. */
#include "kernel/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/attribute.h"

enum {
	BUFFER_BYTES = 2 << 20,		/* of the socket: what waits there while nobody reads */
	DATAGRAM_BYTES = 64 * 1024,
	QUEUE_TIMEOUT = 20,		/* hundredths of a second until packets are handed out that are too few for a datagram */
	CONFIG_TYPE = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
	PACKET_TYPE = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET,
};

static struct nlmsghdr *config_begin(char *room, uint16_t group, uint32_t sequence)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);
	struct nfgenmsg *family;

	message->nlmsg_type = CONFIG_TYPE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = sequence;
	family = mnl_nlmsg_put_extra_header(message, sizeof(*family));
	family->nfgen_family = AF_UNSPEC;
	family->version = NFNETLINK_V0;
	family->res_id = htons(group);
	return message;
}

/* Sends one request and waits for its ACK. */
static int config_send(struct mnl_socket *socket, const struct nlmsghdr *message)
{
	char answer[ATTRIBUTE_MESSAGE_BYTES];
	ssize_t length;

	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	length = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	if (length < 0 || mnl_cb_run(answer, (size_t)length, message->nlmsg_seq, mnl_socket_get_portid(socket), NULL, NULL) < 0)
		return -errno;
	return 0;
}

static int group_bind(struct mnl_socket *socket, uint16_t group)
{
	char room[ATTRIBUTE_MESSAGE_BYTES];
	struct nlmsghdr *message = config_begin(room, group, 1);
	const struct nfulnl_msg_config_cmd command = { .command = NFULNL_CFG_CMD_BIND };

	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(command), &command);
	return config_send(socket, message);
}

static int group_configure(struct mnl_socket *socket, uint16_t group)
{
	char room[ATTRIBUTE_MESSAGE_BYTES];
	struct nlmsghdr *message = config_begin(room, group, 2);
	const struct nfulnl_msg_config_mode mode = { .copy_mode = NFULNL_COPY_PACKET, .copy_range = htonl(NFLOG_HEAD_BYTES) };

	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htonl(QUEUE_TIMEOUT));
	return config_send(socket, message);
}

static int group_open(struct mnl_socket *socket, uint16_t group)
{
	const int bytes = BUFFER_BYTES;
	int error;

	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* A small buffer only loses detail sooner. */
	(void)setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	error = group_bind(socket, group);
	return error ? error : group_configure(socket, group);
}

int nflog_open(uint16_t group, int *ret_descriptor)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int error, descriptor = -1;

	if (!socket)
		return -errno;
	error = group_open(socket, group);
	if (!error) {
		descriptor = fcntl(mnl_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
		error = descriptor < 0 || fcntl(descriptor, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	}
	mnl_socket_close(socket);
	if (error && descriptor >= 0)
		close(descriptor);
	if (!error)
		*ret_descriptor = descriptor;
	return error;
}

/* The Ethernet address of the sender: six bytes, or it is none. */
static void mac_read(const struct nlattr *attribute, struct nflog_packet *packet)
{
	struct nfulnl_msg_packet_hw address;

	if (!attribute || mnl_attr_get_payload_len(attribute) != sizeof(address))
		return;
	memcpy(&address, mnl_attr_get_payload(attribute), sizeof(address));
	packet->has_mac = ntohs(address.hw_addrlen) == sizeof(packet->mac.bytes);
	if (packet->has_mac)
		memcpy(packet->mac.bytes, address.hw_addr, sizeof(packet->mac.bytes));
}

bool nflog_packet_read(struct span body, struct nflog_packet *ret_packet)
{
	const struct nlattr *attributes[NFULA_PREFIX + 1] = { NULL };
	struct nflog_packet packet = { .iif = 0 };

	if (body.length < sizeof(struct nfgenmsg))
		return false;
	attributes_sort((struct attributes){ .next = body.data + sizeof(struct nfgenmsg), .left = body.length - sizeof(struct nfgenmsg) },
			attributes, NFULA_PREFIX + 1);
	if (!attributes[NFULA_PAYLOAD])
		return false;
	packet.head = (struct span){ .data = mnl_attr_get_payload(attributes[NFULA_PAYLOAD]),
				     .length = mnl_attr_get_payload_len(attributes[NFULA_PAYLOAD]) };
	packet.prefix = span_of(attribute_text(attributes[NFULA_PREFIX]));
	packet.iif = attribute_u32(attributes[NFULA_IFINDEX_INDEV]);
	packet.oif = attribute_u32(attributes[NFULA_IFINDEX_OUTDEV]);
	mac_read(attributes[NFULA_HWADDR], &packet);
	*ret_packet = packet;
	return true;
}

static void datagram_take(const char *bytes, size_t size, void (*take)(const struct nflog_packet *packet, void *context), void *context)
{
	const struct nlmsghdr *message = (const void *)bytes;
	int left = (int)size;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		const struct span body = { .data = mnl_nlmsg_get_payload(message), .length = mnl_nlmsg_get_payload_len(message) };
		struct nflog_packet packet;

		if (message->nlmsg_type == PACKET_TYPE && nflog_packet_read(body, &packet))
			take(&packet, context);
	}
}

int nflog_read(int descriptor, unsigned int datagrams_max, void (*take)(const struct nflog_packet *packet, void *context), void *context,
	       bool *ret_lost)
{
	char bytes[DATAGRAM_BYTES] __attribute__((aligned(8)));

	*ret_lost = false;
	for (unsigned int i = 0; i < datagrams_max; i++) {
		struct sockaddr_nl sender = { .nl_pid = 0 };
		socklen_t sender_length = sizeof(sender);
		ssize_t length = recvfrom(descriptor, bytes, sizeof(bytes), MSG_TRUNC, (struct sockaddr *)&sender, &sender_length);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 && errno == EAGAIN)
			return 0;
		if (length < 0 && errno != ENOBUFS)
			return -errno;
		if (length < 0 || (size_t)length > sizeof(bytes))
			*ret_lost = true;
		else if (sender.nl_pid == 0)
			datagram_take(bytes, (size_t)length, take, context);
	}
	return 0;
}
