/* notify: tells the service manager how we are. */
#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Puts the descriptor beside the message, in room that has to stay as long as the message. */
static void descriptor_attach(struct msghdr *message, char *room, size_t room_bytes, int descriptor)
{
	struct cmsghdr *header;

	memset(room, 0, room_bytes);
	message->msg_control = room;
	message->msg_controllen = room_bytes;
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(descriptor));
	memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
}

/* The address of a name; an abstract one ('@') has no NUL at its end: its length says where it ends. 0 or -EINVAL. */
static int address_make(const char *socket_name, struct sockaddr_un *ret_address, socklen_t *ret_length)
{
	size_t length = strlen(socket_name);

	if (length >= sizeof(ret_address->sun_path) || (socket_name[0] != '/' && socket_name[0] != '@'))
		return -EINVAL;
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret_address->sun_path, socket_name, length);
	if (socket_name[0] == '@')
		ret_address->sun_path[0] = '\0';
	*ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return 0;
}

int notify_send_descriptor(const char *socket_name, const char *state, int descriptor)
{
	char room[CMSG_SPACE(sizeof(descriptor))] __attribute__((aligned(sizeof(struct cmsghdr))));
	struct iovec text = { .iov_base = (void *)(size_t)state, .iov_len = strlen(state) };
	struct sockaddr_un address;
	struct msghdr message = { .msg_name = &address, .msg_iov = &text, .msg_iovlen = 1 };
	int sender, result;

	if (!socket_name || !socket_name[0])
		return 0;
	result = address_make(socket_name, &address, &message.msg_namelen);
	if (result)
		return result;
	if (descriptor >= 0)
		descriptor_attach(&message, room, sizeof(room), descriptor);
	sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sender < 0)
		return -errno;
	/* A manager that does not read must not hold us up. */
	if (sendmsg(sender, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		result = -errno;
	close(sender);
	return result;
}

int notify_send(const char *socket_name, const char *state)
{
	return notify_send_descriptor(socket_name, state, -1);
}
