/* sekishod/door.h: requests that waited together are answered one after another, each in its time; what is no request ends the conversation. */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sekishod/door.h"

enum { ANSWER_WAIT_MS = 10000 };

static void ask(int witness, enum verb verb)
{
	const struct frame frame = { .verb = verb, .descriptor = -1 };

	ck_assert_int_eq(frame_send(witness, &frame), 0);
}

/* Serves as the enforcer does, whenever something is there that may be answered. */
static void serve_next(struct door *door)
{
	struct pollfd wait = { .fd = door_descriptor(door), .events = POLLIN };

	while (poll(&wait, 1, door_wait_ms(door)) == 0)
		wait.fd = door_descriptor(door);
	door_serve(door, NULL, NULL);
}

static void expect_answer(int witness)
{
	struct frame_reader reader = frame_reader_make(1 << 10);
	struct frame frame;

	ck_assert_int_eq(frame_await(witness, &reader, ANSWER_WAIT_MS, &frame), 0);
	ck_assert_int_eq(frame.verb, VERB_WATCH);
	if (frame.descriptor >= 0)
		close(frame.descriptor);
	frame_reader_free(&reader);
}

static void serve_after_wait(struct door *door, int witness)
{
	ask(witness, VERB_WATCH);
	serve_next(door);
	expect_answer(witness);
}

static struct door door_at(int ends[static 2])
{
	struct door door = door_closed();

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	door_open(&door, ends[0]);
	return door;
}

START_TEST(requests_that_waited_are_all_answered)
{
	int ends[2];
	struct door door = door_at(ends);

	for (int i = 0; i < 3; i++)
		ask(ends[1], VERB_WATCH);
	for (int i = 0; i < 3; i++) {
		door_serve(&door, NULL, NULL);
		expect_answer(ends[1]);
	}
	serve_after_wait(&door, ends[1]);
	ck_assert_int_eq(door.channel, ends[0]);
	door_close(&door);
	close(ends[1]);
}
END_TEST

START_TEST(a_request_waits_for_its_time)
{
	int ends[2];
	struct door door = door_at(ends);

	ck_assert_int_eq(door_descriptor(&door), ends[0]);
	ck_assert_int_eq(door_wait_ms(&door), -1);
	/* As if it had been answered at a time that is still to come: the time since does not end meanwhile. */
	serve_after_wait(&door, ends[1]);
	ck_assert_int_gt(door.answered_ms, 0);
	door.answered_ms += 3600000;
	ck_assert_int_eq(door_descriptor(&door), -1);
	ck_assert_int_gt(door_wait_ms(&door), DOOR_PAUSE_MS);
	/* Another witness need not wait for what was answered to the one before. */
	door_open(&door, dup(ends[0]));
	ck_assert_int_eq(door_descriptor(&door), door.channel);
	door_close(&door);
	ck_assert_int_eq(door_wait_ms(&door), -1);
	ck_assert_int_eq(door_descriptor(&door), -1);
	close(ends[1]);
}
END_TEST

START_TEST(what_is_no_request_ends_it)
{
	int ends[2];
	struct door door = door_at(ends);

	ask(ends[1], VERB_PROPOSE);
	serve_next(&door);
	ck_assert_int_eq(door.channel, -1);
	door_close(&door);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("door");
	TCase *cases = tcase_create("door");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(cases, requests_that_waited_are_all_answered);
	tcase_add_test(cases, a_request_waits_for_its_time);
	tcase_add_test(cases, what_is_no_request_ends_it);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
