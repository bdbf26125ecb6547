/* options: the command line of sekishod. */
#include "sekishod/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sekishod/roles.h"

static const char *table_role_name(int role)
{
	return role_name((enum role)role);
}

static const struct option_row rows[] = {
	{ "--role", OPTION_ROLE, offsetof(struct options, role), true },
	{ "--config", OPTION_TEXT, offsetof(struct options, config), true },
	{ "--run-dir", OPTION_TEXT, offsetof(struct options, run_dir), true },
	{ "--state-dir", OPTION_TEXT, offsetof(struct options, state_dir), true },
	{ "--log-level", OPTION_LEVEL, offsetof(struct options, log_level), true },
	{ "--syslog", OPTION_TEXT, offsetof(struct options, syslog), true },
	{ "--in-force", OPTION_TEXT, offsetof(struct options, in_force), true },
	{ "--clock", OPTION_TEXT, offsetof(struct options, clock_text), true },
	{ "--no-owner", OPTION_FLAG, offsetof(struct options, no_owner), true },
	{ "--seal", OPTION_FLAG, offsetof(struct options, seal), false },
	{ "--help", OPTION_FLAG, offsetof(struct options, help), false },
};

static const struct option_table table = {
	.program = "sekishod", .role_name = table_role_name, .role_count = ROLE_COUNT, .rows = rows, .row_count = sizeof(rows) / sizeof(rows[0]),
};

int options_parse(int argc, char *argv[], struct options *ret_options)
{
	struct options options = {
		.role = ROLE_PARENT, .config = "/etc/sekisho/sekisho.conf", .run_dir = "/run/sekisho", .state_dir = "/var/lib/sekisho",
		.log_level = LOG_LEVEL_NOTICE, .clock = INT64_MIN,
	};
	int error = options_read(&table, argc, argv, &options);

	if (error)
		return error;
	if (options.clock_text)
		options.clock = strtoll(options.clock_text, NULL, 10);
	*ret_options = options;
	return 0;
}

void options_arguments(const struct options *options, enum role role, const char *arguments[static OPTIONS_ARGUMENTS_MAX])
{
	options_write(&table, options, (int)role, arguments);
}

void options_help(void)
{
	puts("usage: sekishod [--config FILE] [--run-dir DIR] [--state-dir DIR] [--log-level LEVEL]\n"
	     "                [--syslog SOCKET] [--no-owner]\n"
	     "       sekishod --seal [--no-owner]\n"
	     "\n"
	     "Puts the policy of FILE in force and keeps it there. Runs in the foreground.\n"
	     "  --config FILE      the zone file (/etc/sekisho/sekisho.conf)\n"
	     "  --run-dir DIR      where the control socket is made (/run/sekisho)\n"
	     "  --state-dir DIR    what survives a reboot (/var/lib/sekisho)\n"
	     "  --log-level LEVEL  error, warning, notice, info or debug (notice)\n"
	     "  --syslog SOCKET    send the log there as well, as messages of RFC 5424\n"
	     "  --no-owner         let other programs change the rules, and put back what they changed\n"
	     "  --seal             let nothing pass where no rules of sekisho are in force yet, and end\n"
	     "\n"
	     "A changed file is put in force by `sekisho apply`. When sekishod stops, the rules stay.");
}
