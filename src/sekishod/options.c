/* options: the command line of sekishod. */
#include "sekishod/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sekishod/roles.h"

enum { OPTION_CONFIG = 256, OPTION_RUN_DIR, OPTION_STATE_DIR, OPTION_LOG_LEVEL, OPTION_ROLE, OPTION_IN_FORCE, OPTION_CLOCK, OPTION_SEAL, OPTION_HELP };

static const struct option known_options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "run-dir", required_argument, NULL, OPTION_RUN_DIR },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "role", required_argument, NULL, OPTION_ROLE },
	{ "in-force", required_argument, NULL, OPTION_IN_FORCE },
	{ "clock", required_argument, NULL, OPTION_CLOCK },
	{ "seal", no_argument, NULL, OPTION_SEAL },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char *const level_words[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice", [LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static int role_parse(const char *word, enum role *ret_role)
{
	for (int role = 0; role < ROLE_COUNT; role++) {
		if (strcmp(word, role_name((enum role)role)) == 0) {
			*ret_role = (enum role)role;
			return 0;
		}
	}
	return -EINVAL;
}

static int option_take(struct options *options, int option, const char *value)
{
	switch (option) {
	case OPTION_CONFIG:
		options->config = value;
		return 0;
	case OPTION_RUN_DIR:
		options->run_dir = value;
		return 0;
	case OPTION_STATE_DIR:
		options->state_dir = value;
		return 0;
	case OPTION_IN_FORCE:
		options->in_force = value;
		return 0;
	case OPTION_CLOCK:
		options->clock = strtoll(value, NULL, 10);
		options->clock_text = value;
		return 0;
	case OPTION_SEAL:
		options->seal = true;
		return 0;
	case OPTION_HELP:
		options->help = true;
		return 0;
	case OPTION_LOG_LEVEL:
		if (log_level_parse(value, &options->log_level) == 0)
			return 0;
		fprintf(stderr, "sekishod: --log-level %s: error, warning, notice, info or debug\n", value);
		return -EINVAL;
	case OPTION_ROLE:
		return role_parse(value, &options->role);
	default:
		return -EINVAL;
	}
}

int options_parse(int argc, char *argv[], struct options *ret_options)
{
	struct options options = {
		.role = ROLE_PARENT, .config = "/etc/sekisho/sekisho.conf", .run_dir = "/run/sekisho", .state_dir = "/var/lib/sekisho",
		.log_level = LOG_LEVEL_NOTICE, .clock = INT64_MIN,
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known_options, NULL)) != -1)
		if (option_take(&options, option, optarg) != 0)
			return -EINVAL;
	if (optind < argc) {
		fprintf(stderr, "sekishod: %s: no such argument; see sekishod --help\n", argv[optind]);
		return -EINVAL;
	}
	*ret_options = options;
	return 0;
}

void options_arguments(const struct options *options, enum role role, const char *arguments[static OPTIONS_ARGUMENTS_MAX])
{
	size_t count = 0;

	arguments[count++] = "sekishod";
	arguments[count++] = "--role";
	arguments[count++] = role_name(role);
	arguments[count++] = "--config";
	arguments[count++] = options->config;
	arguments[count++] = "--run-dir";
	arguments[count++] = options->run_dir;
	arguments[count++] = "--state-dir";
	arguments[count++] = options->state_dir;
	arguments[count++] = "--log-level";
	arguments[count++] = level_words[options->log_level];
	if (options->in_force) {
		arguments[count++] = "--in-force";
		arguments[count++] = options->in_force;
	}
	if (options->clock_text) {
		arguments[count++] = "--clock";
		arguments[count++] = options->clock_text;
	}
	arguments[count] = NULL;
}

void options_help(void)
{
	puts("usage: sekishod [--config FILE] [--run-dir DIR] [--state-dir DIR] [--log-level LEVEL]\n"
	     "       sekishod --seal\n"
	     "\n"
	     "Puts the policy of FILE in force and keeps it there. Runs in the foreground.\n"
	     "  --config FILE      the zone file (/etc/sekisho/sekisho.conf)\n"
	     "  --run-dir DIR      where the control socket is made (/run/sekisho)\n"
	     "  --state-dir DIR    what survives a reboot (/var/lib/sekisho)\n"
	     "  --log-level LEVEL  error, warning, notice, info or debug (notice)\n"
	     "  --seal             let nothing pass where no rules of sekisho are in force yet, and end\n"
	     "\n"
	     "A changed file is put in force by `sekisho apply`. When sekishod stops, the rules stay.");
}
