/* thinker: a role thinks for seconds or minutes and listens meanwhile. */
#include "daemon/thinker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK_BYTES = 8 << 20 };		/* as a process has */

struct thinker {
	pthread_t thread;
	int begin, end;			/* eventfd(2): something is to be thought, or nothing any more; something was */
	struct event *ended;
	void (*think)(void *context);	/* NULL: the thread ends */
	void (*done)(void *context);
	void *context;
	bool busy;
};

static void counter_add(int descriptor)
{
	const uint64_t one = 1;

	while (write(descriptor, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void counter_await(int descriptor)
{
	uint64_t count;

	while (read(descriptor, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

/* The thread. It says that it is there; then it says the same after each thought. */
static void *thinker_live(void *context)
{
	struct thinker *thinker = context;

	for (;;) {
		counter_add(thinker->end);
		counter_await(thinker->begin);
		if (!thinker->think)
			return NULL;
		thinker->think(thinker->context);
	}
}

static void thinker_ended(evutil_socket_t descriptor, short what, void *context)
{
	struct thinker *thinker = context;

	(void)what;
	counter_await(descriptor);
	thinker->busy = false;
	thinker->done(thinker->context);
}

/* Signals are for the loop. */
static int thread_make(struct thinker *thinker)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int error = pthread_attr_init(&attributes);

	if (error)
		return error;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (!error)
		error = pthread_create(&thinker->thread, &attributes, thinker_live, thinker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

static void thinker_drop(struct thinker *thinker)
{
	if (thinker->ended)
		event_free(thinker->ended);
	if (thinker->begin >= 0)
		close(thinker->begin);
	if (thinker->end >= 0)
		close(thinker->end);
	free(thinker);
}

struct thinker *thinker_new(struct event_base *loop)
{
	struct thinker *thinker = calloc(1, sizeof(*thinker));

	if (!thinker)
		return NULL;
	thinker->begin = eventfd(0, EFD_CLOEXEC);
	thinker->end = eventfd(0, EFD_CLOEXEC);
	if (thinker->begin >= 0 && thinker->end >= 0)
		thinker->ended = event_new(loop, thinker->end, EV_READ | EV_PERSIST, thinker_ended, thinker);
	if (!thinker->ended || thread_make(thinker) != 0) {
		thinker_drop(thinker);
		return NULL;
	}
	/* What a thread calls when it begins need not be in the filter. */
	counter_await(thinker->end);
	if (event_add(thinker->ended, NULL) == 0)
		return thinker;
	thinker_free(thinker);
	return NULL;
}

void thinker_begin(struct thinker *thinker, void (*think)(void *context), void (*done)(void *context), void *context)
{
	thinker->think = think;
	thinker->done = done;
	thinker->context = context;
	thinker->busy = true;
	counter_add(thinker->begin);
}

bool thinker_is_busy(const struct thinker *thinker)
{
	return thinker->busy;
}

void thinker_free(struct thinker *thinker)
{
	if (!thinker)
		return;
	thinker->think = NULL;
	counter_add(thinker->begin);
	pthread_join(thinker->thread, NULL);
	thinker_drop(thinker);
}
