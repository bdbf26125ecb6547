/*
 * roles: the processes of sekishod, and what each of them runs (daemon/crew.h says how they live).
 *
 * The channels between planner and enforcer, and between witness and enforcer, come anew whenever one of the two was started again.
 */
#ifndef SEKISHOD_ROLES_H
#define SEKISHOD_ROLES_H

#include "sekishod/options.h"

/* Each runs to the end of the process and returns its exit status. */
int parent_run(const struct options *options);
int enforcer_run(const struct options *options);	/* see parent_run() */
int planner_run(const struct options *options);		/* see parent_run() */
int witness_run(const struct options *options);		/* see parent_run() */
int sentry_run(const struct options *options);		/* see parent_run() */

/* "parent", "enforcer", "planner", "witness", "sentry". */
const char *role_name(enum role role);

#endif
