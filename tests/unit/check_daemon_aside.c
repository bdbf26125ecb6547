/* What a child found comes back whole, or not at all; who does not wait for it is not kept. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/aside.h"

enum { MANY_BYTES = 1 << 20 };

static int take_all(struct aside *aside)
{
	int result = 0;

	while (result == 0) {
		struct pollfd wait = { .fd = aside->result, .events = POLLIN };

		ck_assert_int_eq(poll(&wait, 1, -1), 1);
		result = aside_take(aside);
	}
	return result;
}

static void think_of_many(void *context, struct buf *out)
{
	int count = *(const int *)context;
	char *room = buf_reserve(out, (size_t)count);

	for (int i = 0; room && i < count; i++)
		room[i] = (char)i;
	if (room)
		out->length += (size_t)count;
}

static void think_never(void *context, struct buf *out)
{
	(void)context;
	(void)out;
	for (;;)
		pause();
}

static void note_signal(int number)
{
	(void)number;
}

static void think_and_die(void *context, struct buf *out)
{
	(void)context;
	buf_puts(out, "half");
	_exit(EXIT_FAILURE);
}

START_TEST(what_was_found_comes_back_whole)
{
	const int counts[] = { 0, 1, MANY_BYTES };
	int count = counts[_i], wrong = 0;
	struct aside aside;

	ck_assert_int_eq(aside_begin(&aside, think_of_many, &count, MANY_BYTES), 0);
	ck_assert_int_eq(take_all(&aside), 1);
	ck_assert_uint_eq(aside.bytes.length, (size_t)count);
	for (int i = 0; i < count; i++)
		wrong += aside.bytes.data[i] != (char)i;
	ck_assert_int_eq(wrong, 0);
	aside_end(&aside);
	ck_assert_int_eq(aside.result, -1);
}
END_TEST

START_TEST(what_is_too_much_or_has_no_end_is_nothing)
{
	int count = MANY_BYTES + 1;
	struct aside aside;

	ck_assert_int_eq(aside_begin(&aside, think_of_many, &count, MANY_BYTES), 0);
	ck_assert_int_eq(take_all(&aside), -EIO);
	aside_end(&aside);
	ck_assert_int_eq(aside_begin(&aside, think_and_die, NULL, MANY_BYTES), 0);
	ck_assert_int_eq(take_all(&aside), -EIO);
	aside_end(&aside);
}
END_TEST

START_TEST(nobody_waits_for_what_he_gave_up)
{
	struct aside aside;
	pid_t child;

	ck_assert_int_eq(aside_begin(&aside, think_never, NULL, MANY_BYTES), 0);
	child = aside.child;
	aside_end(&aside);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
}
END_TEST

/* One that is done before the next begins has still said something. */
START_TEST(several_think_at_a_time)
{
	int counts[] = { 1, MANY_BYTES, 0 };
	enum { COUNT = sizeof(counts) / sizeof(counts[0]) };
	struct aside asides[COUNT];

	asides_reap();
	for (size_t i = 0; i < COUNT; i++) {
		siginfo_t ended;

		ck_assert_int_eq(aside_begin(&asides[i], think_of_many, &counts[i], MANY_BYTES), 0);
		if (counts[i] == 1)
			ck_assert_int_eq(waitid(P_PID, (id_t)asides[i].child, &ended, WEXITED | WNOWAIT), 0);
	}
	for (size_t i = COUNT; i-- > 0;) {
		ck_assert_int_eq(take_all(&asides[i]), 1);
		ck_assert_uint_eq(asides[i].bytes.length, (size_t)counts[i]);
		aside_end(&asides[i]);
	}
}
END_TEST

START_TEST(who_was_not_waited_for_is_reaped)
{
	struct aside aside;
	siginfo_t ended;
	int count = 0;
	pid_t child;

	ck_assert_int_eq(aside_begin(&aside, think_of_many, &count, MANY_BYTES), 0);
	child = aside.child;
	aside_end(&aside);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
	asides_reap();
	ck_assert_int_eq(kill(child, 0), -1);
}
END_TEST

/* What it finds open besides standard streams and its way to us, and which signals would be ours. */
static void think_of_what_is_left(void *context, struct buf *out)
{
	const int *others = context;
	struct sigaction action;

	for (int descriptor = STDERR_FILENO + 2; descriptor < others[0] + 100; descriptor++)
		if (fcntl(descriptor, F_GETFD) >= 0)
			buf_puts(out, "open");
	for (int number = SIGHUP; number <= SIGCHLD; number++)
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler == note_signal)
			buf_puts(out, "caught");
}

START_TEST(who_thinks_alone_has_nothing_of_ours)
{
	const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	int others[2];
	struct aside aside;

	ck_assert_int_eq(pipe(others), 0);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signal(caught[i], note_signal);
	ck_assert_int_eq(aside_begin_alone(&aside, think_of_what_is_left, others, MANY_BYTES), 0);
	ck_assert_int_eq(take_all(&aside), 1);
	ck_assert_uint_eq(aside.bytes.length, 0);
	aside_end(&aside);
	ck_assert_int_eq(waitpid(-1, NULL, 0) > 0, 1);
}
END_TEST

/* It may have been waited for by whoever waits for all. */
START_TEST(who_thinks_alone_is_waited_for_elsewhere)
{
	int count = MANY_BYTES;
	struct aside aside;

	ck_assert_int_eq(aside_begin_alone(&aside, think_of_many, &count, MANY_BYTES), 0);
	ck_assert_int_eq(take_all(&aside), 1);
	ck_assert_int_eq(waitpid(-1, NULL, 0) > 0, 1);
	ck_assert_uint_eq(aside.bytes.length, (size_t)count);
	aside_end(&aside);
	ck_assert_int_eq(aside_begin_alone(&aside, think_and_die, NULL, MANY_BYTES), 0);
	ck_assert_int_eq(waitpid(-1, NULL, 0) > 0, 1);
	ck_assert_int_eq(take_all(&aside), -EIO);
	aside_end(&aside);
}
END_TEST

START_TEST(who_thinks_alone_in_vain_is_killed)
{
	struct aside aside;
	int status;

	ck_assert_int_eq(aside_begin_alone(&aside, think_never, NULL, MANY_BYTES), 0);
	aside_end(&aside);
	ck_assert_int_eq(waitpid(-1, &status, 0) > 0, 1);
	ck_assert_int_eq(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/aside");
	TCase *cases = tcase_create("aside");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, what_was_found_comes_back_whole, 0, 3);
	tcase_add_test(cases, what_is_too_much_or_has_no_end_is_nothing);
	tcase_add_test(cases, nobody_waits_for_what_he_gave_up);
	tcase_add_test(cases, several_think_at_a_time);
	tcase_add_test(cases, who_was_not_waited_for_is_reaped);
	tcase_add_test(cases, who_thinks_alone_has_nothing_of_ours);
	tcase_add_test(cases, who_thinks_alone_is_waited_for_elsewhere);
	tcase_add_test(cases, who_thinks_alone_in_vain_is_killed);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
