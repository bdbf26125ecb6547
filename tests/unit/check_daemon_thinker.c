/* Who thinks by a thread is told in its loop, has listened meanwhile, and gets no answer to what it did not ask. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/thinker.h"

/* One thought after the other, of which each waits for a byte. */
struct story {
	struct event_base *loop;
	struct thinker *thinker;
	int pipe[2];
	pid_t thread;
	sigset_t held_up;
	int thoughts, wanted, heard;
};

static void think(void *context)
{
	struct story *story = context;
	char byte;

	ck_assert_int_eq((int)read(story->pipe[0], &byte, 1), 1);
	story->thread = gettid();
	pthread_sigmask(SIG_SETMASK, NULL, &story->held_up);
	story->thoughts++;
}

/* It is heard in the loop while something is thought. */
static void hear(evutil_socket_t unused, short what, void *context)
{
	struct story *story = context;

	(void)unused;
	(void)what;
	ck_assert_int_eq(thinker_is_busy(story->thinker), true);
	story->heard++;
	ck_assert_int_eq((int)write(story->pipe[1], "x", 1), 1);
}

static void begin(struct story *story);

static void done(void *context)
{
	struct story *story = context;

	ck_assert_int_eq(thinker_is_busy(story->thinker), false);
	ck_assert_int_eq(gettid(), getpid());
	if (story->thoughts < story->wanted)
		begin(story);
	else
		event_base_loopbreak(story->loop);
}

static void begin(struct story *story)
{
	const struct timeval soon = { .tv_usec = 1000 };

	thinker_begin(story->thinker, think, done, story);
	event_base_once(story->loop, -1, EV_TIMEOUT, hear, story, &soon);
}

START_TEST(one_thought_after_the_other)
{
	struct story story = { .loop = event_base_new(), .wanted = 3 };

	ck_assert_int_eq(pipe(story.pipe), 0);
	story.thinker = thinker_new(story.loop);
	ck_assert_ptr_nonnull(story.thinker);
	ck_assert_int_eq(thinker_is_busy(story.thinker), false);
	begin(&story);
	event_base_dispatch(story.loop);
	ck_assert_int_eq(story.thoughts, 3);
	ck_assert_int_eq(story.heard, 3);
	ck_assert_int_ne(story.thread, getpid());
	ck_assert_int_eq(sigismember(&story.held_up, SIGTERM), 1);
	thinker_free(story.thinker);
	event_base_free(story.loop);
}
END_TEST

START_TEST(nothing_was_thought)
{
	struct event_base *loop = event_base_new();
	struct thinker *thinker = thinker_new(loop);

	ck_assert_int_eq(event_base_loop(loop, EVLOOP_NONBLOCK) >= 0, 1);
	thinker_free(thinker);
	thinker_free(NULL);
	event_base_free(loop);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/thinker");
	TCase *cases = tcase_create("thinker");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, one_thought_after_the_other);
	tcase_add_test(cases, nothing_was_thought);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
