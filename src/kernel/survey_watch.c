/* survey_watch: tells that something the survey reads has changed. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/survey.h"

enum { RECEIVE_BYTES = 64 * 1024 };

int survey_watch_open(void)
{
	static const int groups[] = { RTNLGRP_TC, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF };
	int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (descriptor < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (setsockopt(descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) != 0) {
			int error = -errno;

			close(descriptor);
			return error;
		}
	}
	return descriptor;
}

/* What was said does not matter, only that something was: the survey reads how it is. Messages that were lost (ENOBUFS) say the same. */
void survey_watch_drain(int descriptor)
{
	char bytes[RECEIVE_BYTES];

	while (recv(descriptor, bytes, sizeof(bytes), 0) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
}
