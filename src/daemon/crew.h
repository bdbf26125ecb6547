/*
 * crew: a daemon's parent process and its roles.
 *
 * A daemon is a crew of processes. The parent starts each role by fork and exec of its own program, so that no role inherits
 * another's memory, and starts it again when it dies, after a pause that doubles. A role's channel to its parent is descriptor
 * CREW_CHANNEL; channels between roles come over that one (VERB_CHANNEL). A role ends when its parent does.
 *
 * The parent lives in one libevent loop and is told by callbacks. A role that says what it may not say is killed, and starts again
 * with nothing.
 *
 * The parent asks each role at every tick whether it is there, and the role answers from its own loop (crew_role_receive()). One that has not answered for
 * CREW_TICKS_HUNG ticks hangs: it is killed, and started again like any other that died. At every tick the service manager hears that the parent's
 * loop turns ($WATCHDOG_USEC, sd_watchdog_enabled(3)), unless a role is there that hangs and cannot even be killed: then, and when the parent itself hangs,
 * the manager ends all of them and starts them again.
 */
#ifndef DAEMON_CREW_H
#define DAEMON_CREW_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/frame.h"

enum {
	CREW_CHANNEL = 3,		/* in a role: the channel to its parent */
	CREW_ROLES_MAX = 8,
	CREW_BACK_OFF_FIRST_MS = 100,	/* the pause before a role is started again; doubles up to */
	CREW_BACK_OFF_MAX_MS = 10000,
	CREW_BACK_OFF_FORGET_S = 5,	/* a role that lived so long begins with the first pause again */
	CREW_STOP_TIMEOUT_S = 5,	/* from SIGTERM to SIGKILL when all stop */
	CREW_TICKS_HUNG = 4,
	CREW_TICKS_LOST = 8,		/* one that hangs was killed, and is still there */
	CREW_TICKS_PER_WATCHDOG = 8,	/* in the time after which the manager thinks that we hang */
	CREW_TICK_MS = 7500,		/* where there is no such manager */
	CREW_EXIT_PEER_GONE = 75,	/* exit status of a role that ends because another one did: its pause is the first one */
};

struct crew;

/* What the daemon says about its roles. All functions must be there; context is handed through. */
struct crew_plan {
	int role_count;			/* roles are 0 to role_count - 1; at most CREW_ROLES_MAX */
	uint32_t payload_bytes_max;	/* of frames from roles */
	const char *message_start, *message_stop; /* message ids of the log: a role's life, the daemon's end */
	const char *ends;		/* what a role's death does not do, for the log: "the rules stay" */
	const char *(*name)(int role);	/* for the log; static */
	/* In the new process, whose channel is in place and whose signals are as at birth: execs. To return is to end the process. */
	void (*exec)(void *context, int role);
	void (*started)(void *context, int role); /* it runs and may be sent frames */
	/* A frame from a role, whose descriptor (if any) is now the callee's. 0, or negative errno: the role is killed. */
	int (*frame)(void *context, int role, const struct frame *frame);
	void (*stopping)(void *context, int signal); /* SIGTERM or SIGINT came; the roles are about to be told */
	void (*hangup)(void *context);	/* SIGHUP came */
	void *context;
};

/* A crew that nobody was born into. loop and plan must outlive it; NULL: no memory. */
struct crew *crew_new(struct event_base *loop, const struct crew_plan *plan);

/* Gives back what crew_new() made; roles that still run end with this process. NULL is allowed. */
void crew_free(struct crew *crew);

/* Starts every role, in their order. */
void crew_start(struct crew *crew);

/*
 * Starts a process that does one thing and ends, for a role beyond those of the plan; *ret_channel is our end of its channel, the caller's. It is
 * not started again. 0 or negative errno.
 */
int crew_start_once(struct crew *crew, int role, int *ret_channel);

/* Sends a frame to a role. A role that does not run, or cannot be reached because it is dying, gets nothing. */
void crew_send(struct crew *crew, int role, enum verb verb, struct span payload, int descriptor);

/*
 * The same without waiting, to a role that meets strangers' bytes and may have been taken over: one that does not take the frame at once is killed, and
 * starts again with nothing.
 */
void crew_send_now(struct crew *crew, int role, enum verb verb, struct span payload, int descriptor);

/* True when both roles run: each got one end of a new channel (VERB_CHANNEL, whose payload is one byte, the other's number). */
bool crew_join(struct crew *crew, int one, int other);

/* True from the first SIGTERM or SIGINT on. The loop ends when the last role has. */
bool crew_is_stopping(const struct crew *crew);

/* Gives this process the name that ps and top show ("sks-courier"); by exec of /proc/self/exe it would be "exe". The parent keeps its program's. */
void crew_name_process(const char *role);

/*
 * What every role does first: it ends with its parent, and is not ended by the terminal's signals. A parent that was already gone is noticed
 * at the first read of the channel. 0 or negative errno.
 */
int crew_role_begin(void);

/*
 * A role's frame_receive() of its channel to the parent. It answers the parent's question whether the role is there, and gives 0 for it as for a frame that is
 * not whole yet; so a role that does not come here for long is started again.
 */
int crew_role_receive(struct frame_reader *reader, struct frame *ret_frame);

/* Makes a directory with this mode, whatever the umask, if there is none; it belongs to the group of a set-group-ID directory it is in. 0 or negative errno. */
int crew_directory_make(const char *path, unsigned int mode);

/*
 * Locks a run directory for as long as this process lives: two daemons would take each other's sockets. Roles do not inherit the lock. It is a file in it
 * that nobody else can open: who may open what is locked may lock it himself, and a run directory can be read by everybody. 0; -EWOULDBLOCK: another one holds
 * it; other negative errno.
 */
int crew_directory_lock(const char *path);

#endif
