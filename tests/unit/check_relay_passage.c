/*
 * A session at the courier: relay/courier_passage.c between a process of the front, a keeper and an inner server that are played here. The functions of
 * relay/courier.c that it uses are defined below.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "relay/courier.h"

enum { TURNS_MAX = 2000, TURN_MS = 5 };

static struct courier courier;
static struct message_result last_result;
static unsigned int results, washed;

/* ---- courier.c ---- */

void keeper_send(struct courier *unused, enum verb verb, const struct buf *payload)
{
	(void)unused;
	(void)payload;
	washed += verb == VERB_WASHED;
}

void result_send(struct courier *unused, const struct message_result *result)
{
	(void)unused;
	last_result = *result;
	results++;
}

int64_t courier_now_ms(void)
{
	return 1;
}

/* The courier serves all: it waits for nobody. */
int poll(struct pollfd *waits, nfds_t count, int timeout_ms)
{
	const struct timespec none = { .tv_sec = 0 };

	ck_assert_int_eq(timeout_ms, 0);
	return (int)syscall(SYS_ppoll, waits, count, &none, NULL, 0);
}

/* ---- an inner server that says yes ---- */

static int listening, inner;
static struct buf inner_heard;
static size_t inner_answered;	/* bytes of it */
static uint16_t inner_port;

static void inner_open(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listening, 16), 0);
	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &length), 0);
	inner_port = ntohs(address.sin_port);
	inner = -1;
	inner_heard = buf_limited(0);
	inner_answered = 0;
}

static void inner_say(const char *reply)
{
	ck_assert_int_eq(send(inner, reply, strlen(reply), MSG_NOSIGNAL), (ssize_t)strlen(reply));
}

static void inner_answer(const char *line)
{
	static bool in_content;

	if (in_content && strncmp(line, ".\r\n", 3) != 0)
		return;
	in_content = strncmp(line, "DATA\r\n", 6) == 0;
	inner_say(in_content ? "354 go\r\n" : "250 2.0.0 ok\r\n");
}

static void inner_turn(void)
{
	const char *end;
	char piece[4096];
	ssize_t got;

	if (inner < 0) {
		inner = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (inner >= 0)
			inner_say("220 inner\r\n");
		return;
	}
	got = recv(inner, piece, sizeof(piece), 0);
	if (got > 0)
		buf_put(&inner_heard, piece, (size_t)got);
	while ((end = strstr(buf_text(&inner_heard) + inner_answered, "\r\n"))) {
		size_t begin = inner_answered;

		inner_answered = (size_t)(end + 2 - buf_text(&inner_heard));
		inner_answer(buf_text(&inner_heard) + begin);
	}
}

/* ---- a front ---- */

static int front;
static struct frame_reader front_reader;
static uint32_t numbers;

static struct relay relay_make(void)
{
	static const char *const domains[] = { "city.example.jp" };
	static struct addr_range outside = { { .family = 4, .bytes = { 192, 0, 2, 0 } }, { .family = 4, .bytes = { 192, 0, 2, 255 } } };
	static struct relay_hop hop = { .address = { .family = 4, .bytes = { 127, 0, 0, 1 } } };

	hop.port = inner_port;
	return (struct relay){
		.name = "inward", .listen_port = 25, .accept_from = { .items = &outside, .count = 1 }, .domains = domains, .domain_count = 1,
		.next_hops = &hop, .next_hop_count = 1, .host_name = "gw.example.jp", .limits = { 1 << 20, 100, 10, 10 },
		.text = { LANGUAGE_JA, RELAY_LINKS_HXXP, "", "", "gateway@example.jp", NULL, NULL }, .originals = { 30, 0 },
	};
}

/* Introduces a process of the front; it is the one that front_say() speaks for. */
static void front_open(uint32_t number)
{
	struct relay relay = relay_make();
	struct buf packed = buf_limited(0);
	struct message_passage about = { .number = number, .client = relay.accept_from.items[0].first };
	int ends[2];

	plan_relay_pack(&packed, &relay);
	about.relay = buf_span(&packed);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	ck_assert_int_eq(passage_begin(&courier, &about, ends[0]), 0);
	buf_free(&packed);
	front = ends[1];
	front_reader = frame_reader_make(MESSAGE_BYTES_MAX);
}

static void front_close(void)
{
	close(front);
	frame_reader_free(&front_reader);
	front = -1;
}

static int front_say(enum verb verb, const struct buf *payload, int descriptor)
{
	struct frame frame = { .verb = verb, .payload = payload ? buf_span(payload) : span_of(""), .descriptor = descriptor };

	return frame_send_now(front, &frame);
}

static int sender_say(uint32_t transaction)
{
	struct buf payload = buf_limited(0);
	int result;

	message_sender_pack(&payload, &(struct message_sender){ .transaction = transaction, .address = { .text = "a@b.jp", .length = 6, .local_length = 1 } });
	result = front_say(VERB_SENDER, &payload, -1);
	buf_free(&payload);
	return result;
}

static int recipient_say(const char *text)
{
	struct buf payload = buf_limited(0);
	struct smtp_address address;
	int result;

	ck_assert_int_eq(smtp_address_parse(span_of(text), SMTP_PATH_FORWARD, &address), 0);
	message_address_pack(&payload, &address);
	result = front_say(VERB_RECIPIENT, &payload, -1);
	buf_free(&payload);
	return result;
}

/* ---- turns ---- */

static void turn(void)
{
	const struct timespec pause = { .tv_nsec = TURN_MS * 1000000 / 50 };

	event_base_loop(courier.loop, EVLOOP_NONBLOCK);
	inner_turn();
	nanosleep(&pause, NULL);
}

/* Waits for the answer to a recipient; its code. */
static unsigned int answer_await(void)
{
	for (int i = 0; i < TURNS_MAX; i++) {
		struct frame frame;
		struct smtp_reply reply;

		turn();
		if (frame_receive(front, &front_reader, &frame) <= 0)
			continue;
		ck_assert_int_eq(frame.verb, VERB_ANSWER);
		ck_assert_int_eq(message_reply_unpack(frame.payload, &reply), 0);
		return reply.code;
	}
	ck_abort_msg("no answer");
}

static void result_await(enum fate fate)
{
	for (int i = 0; i < TURNS_MAX && results == 0; i++)
		turn();
	ck_assert_uint_eq(results, 1);
	ck_assert_int_eq(last_result.fate, fate);
	results = 0;
}

static size_t passages(void)
{
	size_t count = 0;

	for (const struct passage *passage = courier.passages; passage; passage = passage->next)
		count++;
	return count;
}

static void passages_await(size_t wanted)
{
	for (int i = 0; i < TURNS_MAX && passages() != wanted; i++)
		turn();
	ck_assert_uint_eq(passages(), wanted);
}

static void setup(void)
{
	inner_open();
	courier = (struct courier){ .loop = event_base_new(), .keeper = -1 };
	results = washed = 0;
	front_open(++numbers);
}

static void teardown(void)
{
	while (courier.passages)
		passage_free(courier.passages);
	event_base_free(courier.loop);
	if (front >= 0)
		front_close();
	if (inner >= 0)
		close(inner);
	close(listening);
	buf_free(&inner_heard);
}

/* ---- what the keeper says ---- */

static struct message_letter letter_for(uint32_t transaction, uint8_t stub)
{
	return (struct message_letter){
		.session = numbers, .transaction = transaction, .id = "20261128-091530-k3w9x0c1v7b2n4m6", .original_bytes = 39,
		.received_seconds = 1795867200, .stub = stub,
	};
}

/* The reading end of a pipe with these bytes in it, whose writer is gone. */
static int pipe_with(const char *bytes)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(write(ends[1], bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	close(ends[1]);
	return ends[0];
}

static void mail_open(uint32_t transaction)
{
	ck_assert_int_eq(sender_say(transaction), 0);
	ck_assert_int_eq(recipient_say("c@city.example.jp"), 0);
	ck_assert_uint_eq(answer_await(), 250);
}

/* What the washer sends is no letter; the keeper asks for a notice, and then the original is on the disk. */
START_TEST(garbage_then_a_notice)
{
	struct message_letter letter = letter_for(1, 0), stub = letter_for(1, LETTER_STUB_DIED);

	mail_open(1);
	passage_letter(courier.passages, &letter, pipe_with("no letter at all"));
	for (int i = 0; i < TURNS_MAX && washed == 0; i++)
		turn();
	ck_assert_uint_eq(washed, 1);
	passage_letter(courier.passages, &stub, -1);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_ptr_null(strstr(buf_text(&inner_heard), "DATA"));
	passage_durable(courier.passages, 1);
	result_await(FATE_DELIVERED);
	ck_assert_ptr_nonnull(strstr(buf_text(&inner_heard), "\r\nFrom: "));
	ck_assert_ptr_nonnull(strstr(buf_text(&inner_heard), "\r\n.\r\n"));
	ck_assert_ptr_null(strstr(buf_text(&inner_heard), "no letter at all"));
}
END_TEST

START_TEST(an_empty_pipe_is_no_letter)
{
	struct message_letter letter = letter_for(1, 0);

	mail_open(1);
	passage_letter(courier.passages, &letter, pipe_with(""));
	for (int i = 0; i < TURNS_MAX && washed == 0; i++)
		turn();
	ck_assert_uint_eq(washed, 1);
	ck_assert_uint_eq(results, 0);
}
END_TEST

START_TEST(letters_that_nobody_waits_for_go_back)
{
	struct message_letter letter = letter_for(2, 0);
	int pipe = pipe_with("x");

	passage_letter(courier.passages, &letter, pipe);
	result_await(FATE_NOBODY);
	ck_assert_int_eq(fcntl(pipe, F_GETFD), -1);
	mail_open(1);
	passage_letter(courier.passages, &letter, pipe_with("x"));
	result_await(FATE_NOBODY);
}
END_TEST

START_TEST(a_word_about_another_mail_lets_no_dot_leave)
{
	struct message_letter stub = letter_for(1, LETTER_STUB_DIED);

	mail_open(1);
	passage_durable(courier.passages, 2);
	passage_durable(courier.passages, 0);
	passage_letter(courier.passages, &stub, -1);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_ptr_null(strstr(buf_text(&inner_heard), "DATA"));
}
END_TEST

START_TEST(a_full_courier_leaves_the_mail_with_its_sender)
{
	struct message_letter stub = letter_for(1, LETTER_STUB_DIED);
	struct passage *passage = courier.passages;

	mail_open(1);
	passage->frame.length = (size_t)COURIER_HELD_BYTES_MAX + 1;
	passage_letter(passage, &stub, -1);
	passage->frame.length = 0;
	result_await(FATE_NOBODY);
	passage_letter(passage, &stub, -1);
	passage_durable(passage, 1);
	result_await(FATE_DELIVERED);
}
END_TEST

/* ---- a front that is not ours any more ---- */

START_TEST(only_our_domains_reach_the_inner_server)
{
	ck_assert_int_eq(sender_say(1), 0);
	ck_assert_int_eq(recipient_say("c@elsewhere.example"), 0);
	ck_assert_uint_eq(answer_await(), 550);
	ck_assert_int_eq(recipient_say("c@sub.city.example.jp"), 0);
	ck_assert_uint_eq(answer_await(), 550);
	ck_assert_int_lt(courier.passages->inner, 0);
	ck_assert_int_lt(inner, 0);
}
END_TEST

START_TEST(who_does_not_read_is_ended_and_not_waited_for)
{
	ck_assert_int_eq(sender_say(1), 0);
	for (int i = 0; i < 100000 && recipient_say("c@elsewhere.example") == 0; i++)
		event_base_loop(courier.loop, EVLOOP_NONBLOCK);
	passages_await(0);
}
END_TEST

START_TEST(the_last_one_of_a_number_counts)
{
	int before = front;

	for (int i = 0; i < 50; i++) {
		frame_reader_free(&front_reader);
		front_open(numbers);
		ck_assert_uint_eq(passages(), 1);
		close(before);
		before = front;
	}
	mail_open(1);
}
END_TEST

/* The one before has sent its dot: its result is awaited, and comes. */
START_TEST(a_passage_that_owes_a_result_stays)
{
	struct message_letter stub = letter_for(1, LETTER_STUB_DIED);
	int before;

	mail_open(1);
	passage_letter(courier.passages, &stub, -1);
	passage_durable(courier.passages, 1);
	for (int i = 0; i < TURNS_MAX && !delivery_dot_left(&courier.passages->delivery); i++)
		turn();
	before = front;
	frame_reader_free(&front_reader);
	front_open(numbers);
	close(before);
	ck_assert_uint_eq(passages(), 2);
	result_await(FATE_DELIVERED);
	passages_await(1);
}
END_TEST

static const struct {
	const char *what;
	enum verb verb;
	const char *payload;
	bool descriptor, sender_before;
} bad_rows[] = {
	{ "a verb of others", VERB_LETTER, "", false, true }, { "no recipient at all", VERB_RECIPIENT, "abc", false, true }, { "no sender at all", VERB_SENDER, "abc", false, false },
	{ "a reset with more", VERB_RESET, "x", false, true }, { "a descriptor", VERB_RESET, "", true, true },
};

START_TEST(what_the_front_may_not_say_ends_its_passage)
{
	struct buf payload = buf_limited(0);

	if (bad_rows[_i].sender_before)
		ck_assert_int_eq(sender_say(1), 0);
	buf_puts(&payload, bad_rows[_i].payload);
	ck_assert_int_eq(front_say(bad_rows[_i].verb, &payload, bad_rows[_i].descriptor ? STDIN_FILENO : -1), 0);
	passages_await(0);
	buf_free(&payload);
}
END_TEST

START_TEST(a_recipient_without_a_sender_ends_its_passage)
{
	ck_assert_int_eq(recipient_say("c@city.example.jp"), 0);
	passages_await(0);
}
END_TEST

START_TEST(a_mail_while_another_is_delivered_ends_its_passage)
{
	struct message_letter stub = letter_for(1, LETTER_STUB_DIED);

	mail_open(1);
	passage_letter(courier.passages, &stub, -1);
	ck_assert_int_eq(sender_say(2), 0);
	result_await(FATE_NOBODY);
	passages_await(0);
}
END_TEST

START_TEST(a_front_that_goes_takes_its_mail_along)
{
	struct message_letter stub = letter_for(1, LETTER_STUB_DIED);

	mail_open(1);
	passage_letter(courier.passages, &stub, -1);
	front_close();
	result_await(FATE_NOBODY);
	passages_await(0);
	ck_assert_ptr_null(strstr(buf_text(&inner_heard), "DATA"));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *passage_suite(void)
{
	Suite *suite = suite_create("relay/passage");
	TCase *tests = tcase_create("passage");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, garbage_then_a_notice);
	tcase_add_test(tests, an_empty_pipe_is_no_letter);
	tcase_add_test(tests, letters_that_nobody_waits_for_go_back);
	tcase_add_test(tests, a_word_about_another_mail_lets_no_dot_leave);
	tcase_add_test(tests, a_full_courier_leaves_the_mail_with_its_sender);
	tcase_add_test(tests, only_our_domains_reach_the_inner_server);
	tcase_add_test(tests, who_does_not_read_is_ended_and_not_waited_for);
	tcase_add_test(tests, the_last_one_of_a_number_counts);
	tcase_add_test(tests, a_passage_that_owes_a_result_stays);
	tcase_add_loop_test(tests, what_the_front_may_not_say_ends_its_passage, 0, COUNT(bad_rows));
	tcase_add_test(tests, a_recipient_without_a_sender_ends_its_passage);
	tcase_add_test(tests, a_mail_while_another_is_delivered_ends_its_passage);
	tcase_add_test(tests, a_front_that_goes_takes_its_mail_along);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(passage_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
