/*
 * options: the command line of sekishod.
 */
#ifndef SEKISHOD_OPTIONS_H
#define SEKISHOD_OPTIONS_H

#include <stdbool.h>

#include "base/log.h"
#include "daemon/clock.h"
#include "daemon/options.h"

/* The roles in the order the parent starts them, and the parent itself. */
enum role { ROLE_ENFORCER, ROLE_PLANNER, ROLE_WITNESS, ROLE_SENTRY, ROLE_PARENT, ROLE_COUNT };

struct options {
	int role;		/* --role: an enum role; given by the parent only */
	const char *config;	/* --config: the zone file */
	const char *run_dir;	/* --run-dir: where the control socket is */
	const char *state_dir;	/* --state-dir: what survives a reboot */
	enum log_level log_level; /* --log-level */
	const char *syslog;	/* --syslog: a socket that takes syslog messages, or NULL */
	const char *in_force;	/* --in-force; given by the parent to a planner that is started again: digest of the text in force, or NULL */
	clock_base clock;	/* --clock; given by the parent only: behind which time does not run */
	const char *clock_text;	/* the same as text; NULL: not given */
	bool no_owner;		/* --no-owner: tables belong to nobody, as on kernels before 6.9 */
	bool seal;		/* --seal: put the seal in force where nothing is, and end */
	bool help;		/* --help */
};

/*
 * Reads the command line. The texts of the result point into argv. 0; -EINVAL: it is wrong, and standard
 * error says how.
 */
int options_parse(int argc, char *argv[], struct options *ret_options);

/*
 * The command line with which the parent starts a role: the same options for another role. Points into
 * options.
 */
void options_arguments(const struct options *options, enum role role, const char *arguments[static OPTIONS_ARGUMENTS_MAX]);

/* How the command is used, on standard output. */
void options_help(void);

#endif
