/* options: the command line of sekisho-relay. */
#include "relay/options.h"

#include <stdio.h>

#include "relay/roles.h"

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
	{ "--reload", OPTION_FLAG, offsetof(struct options, reload), false },
	{ "--help", OPTION_FLAG, offsetof(struct options, help), false },
};

static const struct option_table table = {
	.program = "sekisho-relay", .role_name = table_role_name, .role_count = ROLE_COUNT, .rows = rows, .row_count = sizeof(rows) / sizeof(rows[0]),
};

int options_parse(int argc, char *argv[], struct options *ret_options)
{
	struct options options = {
		.role = ROLE_PARENT, .config = "/etc/sekisho/sekisho.conf", .run_dir = "/run/sekisho-relay", .state_dir = "/var/lib/sekisho-relay",
		.log_level = LOG_LEVEL_NOTICE,
	};
	int error = options_read(&table, argc, argv, &options);

	if (!error)
		*ret_options = options;
	return error;
}

void options_arguments(const struct options *options, enum role role, const char *arguments[static OPTIONS_ARGUMENTS_MAX])
{
	options_write(&table, options, (int)role, arguments);
}

void options_help(void)
{
	puts("usage: sekisho-relay [--config FILE] [--run-dir DIR] [--state-dir DIR] [--log-level LEVEL]\n"
	     "                     [--syslog SOCKET]\n"
	     "       sekisho-relay --reload [--run-dir DIR]\n"
	     "\n"
	     "Carries the text of mail from the Internet side to the LGWAN side, as the relays of FILE say. Runs in the foreground.\n"
	     "  --config FILE      the zone file (/etc/sekisho/sekisho.conf)\n"
	     "  --run-dir DIR      where the control socket is made (/run/sekisho-relay)\n"
	     "  --state-dir DIR    where originals are kept (/var/lib/sekisho-relay)\n"
	     "  --log-level LEVEL  error, warning, notice, info or debug (notice)\n"
	     "  --syslog SOCKET    send the log there as well, as messages of RFC 5424\n"
	     "  --reload           lets the running relay read its file again, and says what it found");
}
