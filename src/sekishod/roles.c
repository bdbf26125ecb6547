/* roles: the processes of sekishod. */
#include "sekishod/roles.h"

const char *role_name(enum role role)
{
	static const char *const names[] = { [ROLE_PARENT] = "parent", [ROLE_ENFORCER] = "enforcer", [ROLE_PLANNER] = "planner",
					      [ROLE_WITNESS] = "witness", [ROLE_SENTRY] = "sentry" };

	return names[role];
}
