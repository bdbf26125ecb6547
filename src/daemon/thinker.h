/*
 * thinker: a role thinks for seconds or minutes and listens meanwhile, where what it finds is a value in memory and not bytes (for those see daemon/aside.h).
 *
 * A thread does the thinking, one thing at a time, and the loop is told when it is done. It is made once, before the role shuts itself in, because a role that has
 * done so may make none; the filter of calls holds for it too (base/sandbox.h). Between the beginning and the end of a thought the thread alone may touch what the
 * thought is about, and nobody may change what it looks at. It does not log, and takes no signals.
 */
#ifndef DAEMON_THINKER_H
#define DAEMON_THINKER_H

#include <event2/event.h>
#include <stdbool.h>

struct thinker;

/*
 * Makes the thread, which waits, as does this call until it does. loop must outlive it. Capabilities must have been given up before: each thread has its own. NULL:
 * there can be none.
 */
struct thinker *thinker_new(struct event_base *loop);

/* Lets the thread do think(context); afterwards the loop does done(context). Nothing is being thought. */
void thinker_begin(struct thinker *thinker, void (*think)(void *context), void (*done)(void *context), void *context);

/* True from thinker_begin() until its done() is called. */
bool thinker_is_busy(const struct thinker *thinker);

/* Gives back what thinker_new() made; the thread must not be busy. NULL is allowed. */
void thinker_free(struct thinker *thinker);

#endif
