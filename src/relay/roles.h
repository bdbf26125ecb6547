/*
 * roles: the processes of sekisho-relay (daemon/crew.h says how they live).
 *
 *	sender --TCP--> front --original--> disk          Internet side
 *	                  |  \__ keeper __/  \
 *	                  |        |        washer: a fresh process for each mail
 *	                  |        |          |
 *	================= airlock: a letter, field by field =================
 *	                  \_____ courier <____/            LGWAN side
 *	                            |--TCP--> inner mail server
 *
 *	parent	(root)		starts the others; answers `sekisho-relay --reload`
 *	reader	(root, no capability, for a moment) reads the zone file; hands over a plan or findings
 *	keeper	makes, keeps and removes originals; brings front, washer and courier together. It never reads a byte that came from outside
 *	front	listens; each connection has a process of its own that speaks SMTP and writes the original
 *	washer	a small zygote; each mail is washed in a process that was forked for it and can only read, write and end
 *	courier	checks each letter, writes a new message from it, and delivers it
 *
 * Each has a user of its own. What they say to each other stands in relay/messages.h.
 */
#ifndef RELAY_ROLES_H
#define RELAY_ROLES_H

#include <stdbool.h>

#include "base/sandbox.h"
#include "relay/options.h"

/* Each runs to the end of the process and returns its exit status. */
int parent_run(const struct options *options);
int reader_run(const struct options *options);	/* see parent_run() */
int keeper_run(const struct options *options);	/* see parent_run() */
int front_run(const struct options *options);	/* see parent_run() */
int washer_run(const struct options *options);	/* see parent_run() */
int courier_run(const struct options *options);	/* see parent_run() */

/* Asks the running daemon to read its file again, prints what it found, and returns the exit status (sekisho-relay(8)). */
int reload_run(const struct options *options);

/* "keeper", "front", ... */
const char *role_name(enum role role);

/* What a role takes along into its sandbox. */
struct role_sandbox {
	const char *user;		/* the local user it becomes; NULL: it stays root */
	const int *capabilities;
	size_t capability_count;
	const struct sandbox_call *calls; /* allowed beside those that every process needs; NULL: no filter yet */
	const char *directory;		/* the only one in which it may reach files; NULL: none */
	uint64_t memory_bytes_max;	/* address space */
	uint64_t descriptors_max;
};

/*
 * Puts this process into its sandbox; what happened is logged. Where the kernel has no Landlock, the filter of calls has to do. 0 or negative
 * errno: the role must end.
 */
int role_enter(const struct role_sandbox *sandbox);

#endif
