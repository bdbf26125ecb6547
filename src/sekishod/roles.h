/*
 * roles: the processes of sekishod, and what each of them runs.
 *
 * The parent starts the others by fork and exec of its own program with --role; so no role inherits
 * another's memory. A role's channel to the parent is descriptor CHANNEL_PARENT; its channel to its peer
 * comes over that one (VERB_CHANNEL), and comes anew whenever the peer was started again. A role ends when
 * its parent does.
 */
#ifndef SEKISHOD_ROLES_H
#define SEKISHOD_ROLES_H

#include "sekishod/options.h"

enum { CHANNEL_PARENT = 3 };

/*
 * Each runs to the end of the process and returns its exit status. The roles in the order the parent starts
 * them.
 */
int parent_run(const struct options *options);
int enforcer_run(const struct options *options);	/* see parent_run() */
int planner_run(const struct options *options);		/* see parent_run() */

/* "parent", "enforcer", "planner". */
const char *role_name(enum role role);

/*
 * What every role does first: ends with its parent, is not ended by the terminal's signals. 0 or negative
 * errno.
 */
int role_begin(void);

#endif
