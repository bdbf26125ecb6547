/* access: who may ask what of the daemon. */
#include "sekishod/access.h"

#include <string.h>
#include <unistd.h>

#include "base/sandbox.h"

#define GROUP_FILE "/etc/group"

static const enum access least[VERB_COUNT] = {
	[VERB_STATUS] = ACCESS_AUDITOR,
	[VERB_VIEW] = ACCESS_AUDITOR,
	[VERB_APPLY] = ACCESS_OPERATOR,
	[VERB_CONFIRM] = ACCESS_OPERATOR,
	[VERB_ISOLATE] = ACCESS_OPERATOR,
	[VERB_RELEASE] = ACCESS_OPERATOR,
};

bool access_allows(enum access access, enum verb verb)
{
	return verb < VERB_COUNT && least[verb] != ACCESS_NONE && access >= least[verb];
}

const char *access_group(enum verb verb)
{
	if (access_allows(ACCESS_AUDITOR, verb))
		return ACCESS_AUDITOR_GROUP;
	return access_allows(ACCESS_OPERATOR, verb) ? ACCESS_OPERATOR_GROUP : "root";
}

static bool file_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void access_groups_renew(struct access_groups *groups)
{
	struct stat now;

	if (stat(GROUP_FILE, &now) != 0)
		memset(&now, 0, sizeof(now));
	else if (file_is_same(&now, &groups->read_at))
		return;
	groups->has_operator = sandbox_group(ACCESS_OPERATOR_GROUP, &groups->operator_gid) == 0;
	groups->has_auditor = sandbox_group(ACCESS_AUDITOR_GROUP, &groups->auditor_gid) == 0;
	groups->read_at = now;
}

enum access access_of_socket(const struct access_groups *groups, int socket, const struct caller *caller)
{
	if (caller->uid == 0 || caller->uid == geteuid())
		return ACCESS_ROOT;
	if (groups->has_operator && caller_has_group(socket, groups->operator_gid))
		return ACCESS_OPERATOR;
	return groups->has_auditor && caller_has_group(socket, groups->auditor_gid) ? ACCESS_AUDITOR : ACCESS_NONE;
}
