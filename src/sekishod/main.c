/*
 * sekishod: puts a policy in force and keeps it there.
 *
 * Whom this program trusts: the zone file, because root owns it; nobody else. The parent starts the roles
 * and starts them again when they die. The planner thinks: it reads the file and talks to administrators,
 * and has no capability. The enforcer acts: it alone may change the kernel's rules, and it believes the
 * planner nothing that it has not proved itself. The witness writes down what was refused, and can do nothing else. The sentry watches who is connected
 * where, and can do nothing but say it. When any of them, or all, die, the rules stay in the kernel.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "sekishod/options.h"
#include "sekishod/roles.h"
#include "sekishod/seal.h"

/*
 * Blocks from this size on go back to the system when they are given back. That is where glibc begins, but it
 * would raise the bound with the first large block that is freed, and keep what a load has taken.
 */
enum { LARGE_BYTES = 128 << 10 };

static void syslog_open(const char *path)
{
	int error = path ? log_open_syslog(path) : 0;

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-LOG", "syslog messages cannot be sent socket=%s reason=\"%s\"", path, strerror(-error));
}

int main(int argc, char *argv[])
{
	struct options options;

	if (options_parse(argc, argv, &options) != 0)
		return EX_USAGE;
	if (options.help) {
		options_help();
		return EXIT_SUCCESS;
	}
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	if (options.role != ROLE_PARENT)
		crew_name_process(role_name((enum role)options.role));
	log_open(role_name((enum role)options.role), options.log_level, getenv("JOURNAL_STREAM"));
	syslog_open(options.syslog);
	if (options.seal)
		return seal_run(&options);
	switch (options.role) {
	case ROLE_ENFORCER:
		return enforcer_run(&options);
	case ROLE_PLANNER:
		return planner_run(&options);
	case ROLE_WITNESS:
		return witness_run(&options);
	case ROLE_SENTRY:
		return sentry_run(&options);
	default:
		return parent_run(&options);
	}
}
