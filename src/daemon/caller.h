/*
 * caller: who is at the other end of a local socket, as the kernel says it.
 */
#ifndef DAEMON_CALLER_H
#define DAEMON_CALLER_H

#include <stdbool.h>
#include <stdint.h>

enum { CALLER_PROCESS_BYTES = 32 };	/* TASK_COMM_LEN is 16 */

struct caller {
	uint32_t pid, uid;
	bool logged_in;
	uint32_t login;			/* the user who logged in, whatever he became since (audit's login uid) */
	char process[CALLER_PROCESS_BYTES]; /* NUL-terminated; "" when it was gone already */
};

/*
 * The process that connected to a Unix socket (SO_PEERCRED). The pid is what it was then: login and process are those of whoever has it now.
 * 0 or negative errno.
 */
int caller_of_socket(int socket, struct caller *ret_caller);

/*
 * True when whoever connected to a Unix socket was in the group then, be it the first of his process or a supplementary one (SO_PEERCRED, SO_PEERGROUPS).
 */
bool caller_has_group(int socket, uint32_t gid);

/* What /proc says of a process that may be gone by now; a uid of 0 stands where it is not known. */
void caller_of_process(uint32_t pid, struct caller *ret_caller);

#endif
