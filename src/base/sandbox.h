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
#include <stdint.h>

/* One rule of a filter. */
struct sandbox_call {
	const char *name;	/* of the system call; NULL ends a table. Calls this architecture does not have are passed over */
	bool first_argument_only; /* the call is allowed only when its first argument is first_argument */
	long first_argument;
	unsigned int first_argument_bit; /* 0: no matter; else the call is allowed only when its first argument has this bit */
};

/*
 * Keeps the count capabilities (CAP_*) in the permitted, effective and bounding sets and drops all others;
 * inheritable and ambient sets are emptied. A process that does not hold them already does not get them. 0
 * or negative errno.
 */
int sandbox_keep_capabilities(const int *capabilities, size_t count);

/* Drops all capabilities; reads no file for it, so it can be done behind a filter. The bounding set stays. 0 or negative errno. */
int sandbox_drop_capabilities(void);

/*
 * No exec gives new privileges any more (PR_SET_NO_NEW_PRIVS), and no core file or ptrace shows our memory.
 * 0 or negative errno.
 */
int sandbox_renounce(void);

/*
 * From now on only the calls every process needs (memory, time, reading, writing, waiting, exiting) and
 * those of the table may be made, by any thread. Needs sandbox_renounce() first. 0 or negative errno.
 */
int sandbox_filter_calls(const struct sandbox_call *calls);

/*
 * A filter made once and put on many times: by processes that are forked for one piece of work and must not pay for making it. It allows the
 * calls of the table and no others, not even those every process needs. 0 or negative errno; sandbox_program_free() gives it back.
 */
struct sandbox_program;
int sandbox_program_make(const struct sandbox_call *calls, struct sandbox_program **ret_program);

/* Puts a prepared filter on this process, on top of what is there. Needs sandbox_renounce() first. 0 or negative errno. */
int sandbox_program_load(const struct sandbox_program *program);

/* Gives back what sandbox_program_make() gave. NULL is allowed. */
void sandbox_program_free(struct sandbox_program *program);

/* A local user, from /etc/passwd itself: no foreign module is let in. 0 or -ENOENT. */
int sandbox_user(const char *name, uint32_t *ret_uid, uint32_t *ret_gid);

/* A local group, from /etc/group itself. 0 or -ENOENT. */
int sandbox_group(const char *name, uint32_t *ret_gid);

/*
 * Becomes a user for good, without supplementary groups, and keeps the count capabilities (as sandbox_keep_capabilities()). The kernel forgets
 * PR_SET_PDEATHSIG by this. 0 or negative errno.
 */
int sandbox_become(uint32_t uid, uint32_t gid, const int *capabilities, size_t count);

/*
 * From now on files can be reached below directory only (Landlock, landlock(7)); NULL: none at all. Descriptors that are open stay. 0; -ENOSYS or
 * -EOPNOTSUPP: this kernel has no Landlock, or the container does not let us; other negative errno.
 */
int sandbox_restrict_files(const char *directory);

/* A hard limit of RLIMIT_*. 0 or negative errno. */
int sandbox_limit(int resource, uint64_t value);

/* False in a build that leaves the filter away. */
bool sandbox_filters(void);

#endif
