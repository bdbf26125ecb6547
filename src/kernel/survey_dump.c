/* survey_dump: one question to the kernel, and its whole answer. */
#include "kernel/survey_dump.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attribute.h"

enum { RECEIVE_BYTES = 64 * 1024 };

uint32_t survey_u32(const struct nlattr *attribute)
{
	return attribute && mnl_attr_get_payload_len(attribute) == sizeof(uint32_t) ? mnl_attr_get_u32(attribute) : 0;
}

struct mnl_socket *survey_socket(int protocol)
{
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int number = errno;

		mnl_socket_close(socket);
		errno = number;
		return NULL;
	}
	return socket;
}

struct taking {
	const struct survey_dump *dump;
	void *context;
};

static int message_take(const struct nlmsghdr *message, void *context)
{
	const struct taking *taking = context;

	taking->dump->take(taking->context, message);
	return MNL_CB_OK;
}

int survey_dump(struct mnl_socket *socket, const struct survey_dump *dump, uint32_t sequence, void *context)
{
	char bytes[RECEIVE_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *request = mnl_nlmsg_put_header(bytes);
	struct taking taking = { dump, context };
	int result = MNL_CB_OK;

	request->nlmsg_type = dump->type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = sequence;
	memcpy(mnl_nlmsg_put_extra_header(request, dump->header_bytes), dump->header, dump->header_bytes);
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (result == MNL_CB_OK) {
		ssize_t length = mnl_socket_recvfrom(socket, bytes, sizeof(bytes));

		if (length < 0)
			return -errno;
		result = mnl_cb_run(bytes, (size_t)length, sequence, mnl_socket_get_portid(socket), message_take, &taking);
	}
	return result < 0 && errno != EOPNOTSUPP && errno != EAFNOSUPPORT ? -errno : 0;
}
