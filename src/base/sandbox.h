/*
 * sandbox: a process gives up what it does not need, for good.
 *
 * Two walls: capabilities (libcap-ng) and a filter of system calls (libseccomp). The filter is an
 * allow-list; a call that is not on it kills the process, so that a break-in is seen and not tried again
 * with another call. A build with a sanitizer (and only that) leaves the filter away, because the
 * sanitizer's runtime needs calls of its own; such a build is also what runs under valgrind.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* One rule of a filter. */
struct sandbox_call {
	const char *name;	/* of the system call; NULL ends a table. Calls this architecture does not have are passed over */
	bool first_argument_only; /* the call is allowed only when its first argument is first_argument */
	long first_argument;
};

/*
 * Keeps the count capabilities (CAP_*) in the permitted, effective and bounding sets and drops all others;
 * inheritable and ambient sets are emptied. A process that does not hold them already does not get them. 0
 * or negative errno.
 */
int sandbox_keep_capabilities(const int *capabilities, size_t count);

/*
 * No exec gives new privileges any more (PR_SET_NO_NEW_PRIVS), and no core file or ptrace shows our memory.
 * 0 or negative errno.
 */
int sandbox_renounce(void);

/*
 * From now on only the calls every process needs (memory, time, reading, writing, waiting, exiting) and
 * those of the table may be made. Needs sandbox_renounce() first. 0 or negative errno.
 */
int sandbox_filter_calls(const struct sandbox_call *calls);

/* False in a build that leaves the filter away. */
bool sandbox_filters(void);

#endif
