/* notify: tells the service manager how we are. */
#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify_send(const char *socket_name, const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = socket_name ? strlen(socket_name) : 0;
	int descriptor, result = 0;

	if (length == 0)
		return 0;
	if (length >= sizeof(address.sun_path) || (socket_name[0] != '/' && socket_name[0] != '@'))
		return -EINVAL;
	memcpy(address.sun_path, socket_name, length);
	if (socket_name[0] == '@')
		address.sun_path[0] = '\0';
	descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return -errno;
	/*
	 * An abstract name has no NUL at its end: its length says where it ends. A manager that does not
	 * read must not hold us up.
	 */
	if (sendto(descriptor, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		result = -errno;
	close(descriptor);
	return result;
}
