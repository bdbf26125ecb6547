/*
 * aside: a role thinks for seconds and listens meanwhile. A child does the thinking: it has all the role has at that moment, by copy, and what it finds
 * comes back as bytes. It changes nothing and talks to nobody else.
 *
 * A role that has shut itself in needs aside_calls in its filter; the one way to make a process that they allow is a plain fork.
 */
#ifndef DAEMON_ASIDE_H
#define DAEMON_ASIDE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/sandbox.h"

struct aside {
	pid_t child;		/* 0: nobody thinks, or who does is not waited for here */
	int process;		/* of one that thinks alone: pidfd_open(2); -1: there is none */
	int result;		/* readable when something comes, or nothing more; -1: nobody thinks */
	bool announced;		/* it was said how much will come, which is bytes_all */
	size_t bytes_all;
	struct buf bytes;	/* what has come of it */
};

/* What a filter must allow besides; without the end of a table. */
#define ASIDE_CALLS                                                                                                                       \
	{ .name = "clone", .first_argument_only = true, .first_argument = ASIDE_FORK_FLAGS }, { .name = "set_robust_list" }, { .name = "pipe2" }, \
	{ .name = "wait4" }

enum { ASIDE_FORK_FLAGS = 0x01000000 | 0x00200000 | 17 };	/* CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID, SIGCHLD: what fork(3) asks for */

/* Waits for children whose aside was given back before they were done. Nobody may think who is still waited for: several begin one behind the other. */
void asides_reap(void);

/* Lets a child think: think(context) appends what it finds, at most bytes_max. 0 or negative errno. */
int aside_begin(struct aside *ret_aside, void (*think)(void *context, struct buf *out), void *context, size_t bytes_max);

/*
 * The same for a process that waits for its children wherever they end, and that holds what the child shall not: the child has nothing open but standard streams
 * and its way to say what it found, has signals as a role has them (crew_role_begin()), and ends with us. It is not waited for here: whoever waits for all may do
 * so. Rights and calls think() gives up first.
 */
int aside_begin_alone(struct aside *ret_aside, void (*think)(void *context, struct buf *out), void *context, size_t bytes_max);

/*
 * Takes what has come. 1: that is all, in aside->bytes, which are the caller's to give back (aside_end()); 0: there is more to come; -EIO: the child did not
 * come to an end, or found too much.
 */
int aside_take(struct aside *aside);

/* Gives back everything. A child that still thinks ends by itself, and asides_reap() waits for it; one that thinks alone is killed. */
void aside_end(struct aside *aside);

#endif
