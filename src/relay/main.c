/*
 * sekisho-relay: carries the text of mail between zones, and nothing else of it.
 *
 * Whom this program trusts: the zone file, because root owns it. The front reads what strangers send, the washer reads what strangers
 * wrote; both are taken to be theirs. What crosses to the courier is a letter of values (sekisho-airlock(7)), which the courier checks, and
 * around which it writes a message of its own. No byte range of a mail is ever forwarded, in either direction.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "relay/options.h"
#include "relay/roles.h"

static void syslog_open(const char *path)
{
	int error = path ? log_open_syslog(path) : 0;

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-LOG", "syslog messages cannot be sent socket=%s reason=\"%s\"", path, strerror(-error));
}

int main(int argc, char *argv[])
{
	static int (*const runs[ROLE_COUNT])(const struct options *) = {
		[ROLE_KEEPER] = keeper_run, [ROLE_WASHER] = washer_run, [ROLE_COURIER] = courier_run, [ROLE_FRONT] = front_run,
		[ROLE_READER] = reader_run, [ROLE_PARENT] = parent_run,
	};
	struct options options;

	if (options_parse(argc, argv, &options) != 0)
		return EX_USAGE;
	if (options.help) {
		options_help();
		return EXIT_SUCCESS;
	}
	if (options.role != ROLE_PARENT)
		crew_name_process(role_name((enum role)options.role));
	log_open(role_name((enum role)options.role), options.log_level, getenv("JOURNAL_STREAM"));
	syslog_open(options.syslog);
	return options.reload ? reload_run(&options) : runs[options.role](&options);
}
