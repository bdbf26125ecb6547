/* census: how many connections carry which mark, read bit by bit. */
#include "kernel/census.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "kernel/attribute.h"

enum { DATAGRAM_BYTES = 32768, REQUEST_BYTES = 64 };

int census_open(struct census *ret_census)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int error = -errno;

		mnl_socket_close(socket);
		return error;
	}
	*ret_census = (struct census){ .socket = socket, .found = buf_limited(0) };
	return 0;
}

int census_descriptor(const struct census *census)
{
	return census->running ? mnl_socket_get_fd(census->socket) : -1;
}

int census_begin(struct census *census)
{
	char request[REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(request);
	struct nfgenmsg *header;

	if (!census->socket)
		return -EBADF;
	message->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = ++census->sequence;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	*header = (struct nfgenmsg){ .nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0 };
	if (mnl_socket_sendto(census->socket, message, message->nlmsg_len) < 0)
		return -errno;
	census->running = true;
	return 0;
}

/* One mark per connection. */
static int take_connection(const struct nlmsghdr *message, void *context)
{
	struct census *census = context;
	const struct nlattr *attributes[CTA_MARK + 1];
	uint32_t mark;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, CTA_MARK + 1);
	mark = attribute_u32(attributes[CTA_MARK]);
	if (mark)
		buf_put(&census->found, &mark, sizeof(mark));
	return MNL_CB_OK;
}

static int census_end(struct census *census, int result)
{
	census->running = false;
	buf_free(&census->found);
	return result;
}

/* Takes one datagram. 1: the last; 0: another; -EAGAIN: there is none yet; other negative errno: it failed. */
static int datagram_take(struct census *census)
{
	char bytes[DATAGRAM_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t length = mnl_socket_recvfrom(census->socket, bytes, sizeof(bytes));
	int result;

	if (length < 0)
		return errno == EINTR ? 0 : -errno;
	result = mnl_cb_run(bytes, (size_t)length, census->sequence, mnl_socket_get_portid(census->socket), take_connection, census);
	if (result < 0)
		return errno == EPROTO || errno == ESRCH ? 0 : -errno; /* of a request before this one */
	return result == MNL_CB_STOP;
}

int census_read(struct census *census, struct arena *arena, struct held_marks *ret_marks)
{
	for (int i = 0; i < CENSUS_DATAGRAMS_MAX; i++) {
		int result = datagram_take(census);

		if (result == -EAGAIN)
			return 0;
		if (result < 0)
			return census_end(census, result);
		if (result == 0)
			continue;
		*ret_marks = held_marks_of(arena, (uint32_t *)(void *)census->found.data, census->found.length / sizeof(uint32_t));
		return census_end(census, 1);
	}
	return 0;
}

void census_close(struct census *census)
{
	if (census->socket)
		mnl_socket_close(census->socket);
	buf_free(&census->found);
	*census = (struct census){ .socket = NULL };
}
