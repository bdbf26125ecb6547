/* nft_watch: who changes the kernel's rules besides us. */
#include "kernel/nft_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attribute.h"

/* The name of all our tables. */
#define OUR_TABLE "sekisho"

enum { WATCH_BUFFER_BYTES = 8 << 20, WATCH_DATAGRAM_BYTES = 64 * 1024 };

static int watch_subscribe(struct mnl_socket *socket)
{
	const int descriptor = mnl_socket_get_fd(socket), group = NFNLGRP_NFTABLES, bytes = WATCH_BUFFER_BYTES;

	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, (void *)(uintptr_t)&group, sizeof(group)) < 0)
		return -errno;
	/* A small buffer only means that we learn of a change without learning whose it was. */
	(void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	return fcntl(descriptor, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int nft_watch_open(struct nft_watch *ret_watch)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int error;

	if (!socket)
		return -errno;
	error = watch_subscribe(socket);
	if (error) {
		mnl_socket_close(socket);
		return error;
	}
	*ret_watch = (struct nft_watch){ .socket = socket };
	return 0;
}

int nft_watch_descriptor(const struct nft_watch *watch)
{
	return mnl_socket_get_fd(watch->socket);
}

static void take_name(const char *name, struct nft_change *change)
{
	for (size_t i = 0; name[i] && i < sizeof(change->name) - 1; i++)
		change->name[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
}

static void take_change(const struct nlmsghdr *message, struct nft_change *change)
{
	const struct nlattr *attributes[NFTA_GEN_MAX + 1] = { NULL };

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_GEN_MAX + 1);
	*change = (struct nft_change){ .process = attribute_u32(attributes[NFTA_GEN_PROC_PID]), .generation = attribute_u32(attributes[NFTA_GEN_ID]) };
	take_name(attribute_text(attributes[NFTA_GEN_PROC_NAME]), change);
}

/* What transactions of others were about. */
struct seen {
	bool foreign, ours;	/* one has ended; one of these was about our tables */
	bool pending;		/* one that has not ended is about our tables */
};

/* All messages about something in a table have the table's name as attribute 1; that of the end of a transaction is a number. */
static bool message_is_of_ours(const struct nlmsghdr *message)
{
	const struct nlattr *attributes[NFTA_RULE_TABLE + 1];

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, NFTA_RULE_TABLE + 1);
	return strcmp(attribute_text(attributes[NFTA_RULE_TABLE]), OUR_TABLE) == 0;
}

static void take_datagram(const void *bytes, size_t size, uint32_t own_port, struct nft_change *change, struct seen *seen)
{
	const struct nlmsghdr *message = bytes;
	int left = (int)size;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_pid == own_port || message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
			continue;
		if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN)) {
			seen->pending |= message_is_of_ours(message);
			continue;
		}
		take_change(message, change);
		seen->foreign = true;
		seen->ours |= seen->pending;
		seen->pending = false;
	}
}

/* Takes the next datagram: 1; 0: there is none now; -ENOBUFS: some were lost. */
static int datagram_read(const struct nft_watch *watch, uint32_t own_port, struct nft_change *change, struct seen *seen)
{
	char bytes[WATCH_DATAGRAM_BYTES] __attribute__((aligned(8)));
	struct sockaddr_nl sender = { .nl_pid = 0 };
	socklen_t sender_length = sizeof(sender);
	ssize_t length;

	do
		length = recvfrom(nft_watch_descriptor(watch), bytes, sizeof(bytes), MSG_TRUNC, (struct sockaddr *)&sender, &sender_length);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == ENOBUFS ? -ENOBUFS : 0;
	if ((size_t)length > sizeof(bytes))
		return -ENOBUFS;
	if (sender.nl_pid == 0)
		take_datagram(bytes, (size_t)length, own_port, change, seen);
	return 1;
}

bool nft_watch_read(struct nft_watch *watch, uint32_t own_port, struct nft_change *ret_change)
{
	struct seen seen = { .pending = watch->ours };
	struct nft_change change = { .process = 0 };
	int result;

	while ((result = datagram_read(watch, own_port, &change, &seen)) != 0) {
		if (result > 0)
			continue;
		change = (struct nft_change){ .process = 0 };
		seen = (struct seen){ .foreign = true, .ours = true };
	}
	watch->ours = seen.pending;
	if (!seen.foreign)
		return false;
	*ret_change = change;
	ret_change->ours = seen.ours;
	return true;
}

void nft_watch_close(struct nft_watch *watch)
{
	if (watch->socket)
		mnl_socket_close(watch->socket);
	watch->socket = NULL;
}
