/* roles: the processes of sekisho-relay. */
#include "relay/roles.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "daemon/crew.h"

const char *role_name(enum role role)
{
	static const char *const names[] = {
		[ROLE_KEEPER] = "keeper", [ROLE_WASHER] = "washer", [ROLE_COURIER] = "courier", [ROLE_FRONT] = "front",
		[ROLE_READER] = "reader", [ROLE_PARENT] = "parent",
	};

	return names[role];
}

static int role_become(const struct role_sandbox *sandbox)
{
	uint32_t uid, gid;
	int error;

	if (!sandbox->user)
		return sandbox_keep_capabilities(sandbox->capabilities, sandbox->capability_count);
	error = sandbox_user(sandbox->user, &uid, &gid);
	return error ? error : sandbox_become(uid, gid, sandbox->capabilities, sandbox->capability_count);
}

/* Descriptors and memory; a sanitizer's shadow memory would not fit any limit. */
static int role_limit(const struct role_sandbox *sandbox)
{
	int error = sandbox_limit(RLIMIT_NOFILE, sandbox->descriptors_max);

	if (!error)
		error = sandbox_limit(RLIMIT_CORE, 0);
	if (!error && sandbox_filters())
		error = sandbox_limit(RLIMIT_AS, sandbox->memory_bytes_max);
	return error;
}

static int role_shut_in(const struct role_sandbox *sandbox)
{
	int error = sandbox_renounce();

	if (error)
		return error;
	error = sandbox_restrict_files(sandbox->directory);
	if (error == -ENOSYS || error == -EOPNOTSUPP) {
		log_event(LOG_LEVEL_INFO, "SKS-ROLE", "this kernel has no Landlock; the filter of system calls bars files");
		error = 0;
	}
	return !error && sandbox->calls ? sandbox_filter_calls(sandbox->calls) : error;
}

int role_enter(const struct role_sandbox *sandbox)
{
	int error = role_become(sandbox);

	/* Changing the user makes the kernel forget that we end with our parent. */
	if (!error)
		error = crew_role_begin();
	if (!error)
		error = role_limit(sandbox);
	if (!error)
		error = role_shut_in(sandbox);
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ROLE", "the sandbox could not be entered user=%s reason=\"%s\"",
			  sandbox->user ? sandbox->user : "root", strerror(-error));
	return error;
}
