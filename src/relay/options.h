/*
 * options: the command line of sekisho-relay.
 */
#ifndef RELAY_OPTIONS_H
#define RELAY_OPTIONS_H

#include <stdbool.h>

#include "base/finding.h"
#include "base/log.h"
#include "daemon/options.h"

/* The roles in the order the parent starts them: the front comes last, when somebody is there to serve it. */
enum role { ROLE_KEEPER, ROLE_WASHER, ROLE_COURIER, ROLE_FRONT, ROLE_READER, ROLE_PARENT, ROLE_COUNT };

/* The roles that run all the time. */
enum { ROLES_STANDING = ROLE_READER };

struct options {
	int role;		/* --role: an enum role; given by the parent only */
	const char *config;	/* --config: the zone file */
	const char *run_dir;	/* --run-dir: where the control socket is */
	const char *state_dir;	/* --state-dir: originals */
	enum log_level log_level; /* --log-level */
	const char *syslog;	/* --syslog: a socket that takes syslog messages, or NULL */
	bool reload;		/* --reload */
	bool help;		/* --help */
};

/* Reads the command line. The texts of the result point into argv. 0; -EINVAL: it is wrong, and standard error says how. */
int options_parse(int argc, char *argv[], struct options *ret_options);

/* The command line with which the parent starts a role. Points into options. */
void options_arguments(const struct options *options, enum role role, const char *arguments[static OPTIONS_ARGUMENTS_MAX]);

/* How the command is used, on standard output. */
void options_help(void);

#endif
