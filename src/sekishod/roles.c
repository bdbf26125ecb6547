/* roles: the processes of sekishod. */
#include "sekishod/roles.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

const char *role_name(enum role role)
{
	static const char *const names[] = { [ROLE_PARENT] = "parent", [ROLE_ENFORCER] = "enforcer", [ROLE_PLANNER] = "planner" };

	return names[role];
}

int role_begin(void)
{
	/* A parent that was already gone is noticed at the first read of its channel. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return -errno;
	if (signal(SIGINT, SIG_IGN) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	return 0;
}
