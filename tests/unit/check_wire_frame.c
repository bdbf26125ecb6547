/* Frames: split at every byte, limits, bad headers, descriptors that are missing, surplus or not sealed. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/frame.h"

enum { PAYLOAD_MAX = 64 };

struct pair {
	int near, far;
};

static struct pair pair_open(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	return (struct pair){ .near = ends[0], .far = ends[1] };
}

static void pair_close(struct pair pair)
{
	close(pair.near);
	close(pair.far);
}

/* The bytes of a frame as they travel. */
static size_t frame_bytes(const struct frame *frame, char *bytes, size_t room)
{
	struct pair pair = pair_open();
	ssize_t length;

	ck_assert_int_eq(frame_send(pair.near, frame), 0);
	length = recv(pair.far, bytes, room, 0);
	ck_assert_int_gt(length, 0);
	pair_close(pair);
	return (size_t)length;
}

START_TEST(frame_survives_a_split_at_every_byte)
{
	struct frame sent = { .verb = VERB_APPLY, .flags = 5, .payload = span_of("{\"reason\":\"x\"}"), .descriptor = -1 };
	char bytes[256];
	size_t length = frame_bytes(&sent, bytes, sizeof(bytes));

	ck_assert_uint_eq(length, FRAME_HEADER_BYTES + sent.payload.length);
	for (size_t split = 0; split <= length; split++) {
		struct frame_reader reader = frame_reader_make(PAYLOAD_MAX);
		struct pair pair = pair_open();
		struct frame got;
		int result = 0;

		ck_assert_int_eq(send(pair.near, bytes, split, 0), (int)split);
		for (int i = 0; i < 3 && result == 0; i++)
			result = frame_receive(pair.far, &reader, &got);
		ck_assert_int_eq(result, split == length);
		if (split < length)
			ck_assert_int_eq(send(pair.near, bytes + split, length - split, 0), (int)(length - split));
		for (int i = 0; i < 3 && result == 0; i++)
			result = frame_receive(pair.far, &reader, &got);
		ck_assert_int_eq(result, 1);
		ck_assert_int_eq(got.verb, VERB_APPLY);
		ck_assert_int_eq(got.flags, 5);
		ck_assert(span_equal(got.payload, sent.payload));
		ck_assert_int_eq(got.descriptor, -1);
		frame_reader_free(&reader);
		pair_close(pair);
	}
}
END_TEST

START_TEST(frames_follow_each_other_and_the_descriptor_stays_with_its_own)
{
	struct pair pair = pair_open();
	struct frame_reader reader = frame_reader_make(PAYLOAD_MAX);
	struct frame plain = { .verb = VERB_STATUS, .descriptor = -1 }, bulk = { .verb = VERB_PROPOSE, .payload = span_of("p") }, got;

	ck_assert_int_eq(sealed_make("check", span_of("content"), &bulk.descriptor), 0);
	ck_assert_int_eq(frame_send(pair.near, &plain), 0);
	ck_assert_int_eq(frame_send(pair.near, &bulk), 0);
	ck_assert_int_eq(frame_send(pair.near, &plain), 0);
	ck_assert_int_eq(frame_await(pair.far, &reader, 1000, &got), 0);
	ck_assert_int_eq(got.descriptor, -1);
	ck_assert_int_eq(frame_await(pair.far, &reader, 1000, &got), 0);
	ck_assert_int_eq(got.verb, VERB_PROPOSE);
	ck_assert_int_ge(got.descriptor, 0);
	close(got.descriptor);
	ck_assert_int_eq(frame_await(pair.far, &reader, 1000, &got), 0);
	ck_assert_int_eq(got.descriptor, -1);
	ck_assert_int_eq(frame_await(pair.far, &reader, 0, &got), -ETIMEDOUT);
	close(pair.near);
	ck_assert_int_eq(frame_await(pair.far, &reader, 1000, &got), -EPIPE);
	close(pair.far);
	close(bulk.descriptor);
	frame_reader_free(&reader);
}
END_TEST

static const struct {
	const char *what;
	unsigned char header[FRAME_HEADER_BYTES];
} bad_headers[] = {
	{ "a foreign magic", { 'S', 'K', 'S', '2', VERB_STATUS } },
	{ "verb none", { 'S', 'K', 'S', '1', VERB_NONE } },
	{ "a verb beyond the last", { 'S', 'K', 'S', '1', VERB_COUNT } },
	{ "a verb beyond a byte", { 'S', 'K', 'S', '1', VERB_STATUS, 1 } },
	{ "a payload of limit + 1", { 'S', 'K', 'S', '1', VERB_STATUS, 0, 0, 0, PAYLOAD_MAX + 1 } },
	{ "a payload of 4 GB", { 'S', 'K', 'S', '1', VERB_STATUS, 0, 0, 0, 0xff, 0xff, 0xff, 0xff } },
	{ "a descriptor that was announced and did not come", { 'S', 'K', 'S', '1', VERB_STATUS, 0, 0, 0x80 } },
};

START_TEST(bad_header_ends_the_connection)
{
	struct pair pair = pair_open();
	struct frame_reader reader = frame_reader_make(PAYLOAD_MAX);
	struct frame got;

	ck_assert_int_eq(send(pair.near, bad_headers[_i].header, FRAME_HEADER_BYTES, 0), FRAME_HEADER_BYTES);
	ck_assert_msg(frame_receive(pair.far, &reader, &got) == -EBADMSG, "%s", bad_headers[_i].what);
	frame_reader_free(&reader);
	pair_close(pair);
}
END_TEST

START_TEST(payload_of_exactly_the_limit_is_taken)
{
	static char full[FRAME_PAYLOAD_BYTES_MAX + 1];
	struct pair pair = pair_open();
	struct frame_reader reader = frame_reader_make(PAYLOAD_MAX);
	struct frame sent = { .verb = VERB_REPORT, .payload = { .data = full, .length = PAYLOAD_MAX }, .descriptor = -1 }, got;

	ck_assert_int_eq(frame_send(pair.near, &sent), 0);
	ck_assert_int_eq(frame_await(pair.far, &reader, 1000, &got), 0);
	ck_assert_uint_eq(got.payload.length, PAYLOAD_MAX);
	sent.payload.length = FRAME_PAYLOAD_BYTES_MAX + 1;
	ck_assert_int_eq(frame_send(pair.near, &sent), -EMSGSIZE);
	frame_reader_free(&reader);
	pair_close(pair);
}
END_TEST

/* Who has done with a large frame need not keep its room until the next one comes; of one that is on its way nothing is lost. */
START_TEST(reader_gives_back_the_room_of_a_frame_that_is_over)
{
	struct pair pair = pair_open();
	struct frame_reader reader = frame_reader_make(PAYLOAD_MAX);
	struct frame sent = { .verb = VERB_REPORT, .payload = span_of("first"), .descriptor = -1 }, got;
	char bytes[256];
	size_t length = frame_bytes(&sent, bytes, sizeof(bytes));

	frame_reader_rest(&reader);
	ck_assert_int_eq(frame_send(pair.near, &sent), 0);
	ck_assert_int_eq(frame_await(pair.far, &reader, 1000, &got), 0);
	frame_reader_rest(&reader);
	ck_assert_uint_eq(reader.bytes.capacity, 0);
	ck_assert_int_eq(send(pair.near, bytes, length - 1, 0), (int)length - 1);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(frame_receive(pair.far, &reader, &got), 0);
		frame_reader_rest(&reader);
	}
	ck_assert_int_eq(send(pair.near, bytes + length - 1, 1, 0), 1);
	ck_assert_int_eq(frame_await(pair.far, &reader, 1000, &got), 0);
	ck_assert(span_equal(got.payload, span_of("first")));
	frame_reader_free(&reader);
	pair_close(pair);
}
END_TEST

/* Sends a whole frame by hand, with count descriptors beside it. */
static void hand_send(int socket, const unsigned char *header, size_t count)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)header, .iov_len = FRAME_HEADER_BYTES };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *at = CMSG_FIRSTHDR(&message);

	at->cmsg_level = SOL_SOCKET;
	at->cmsg_type = SCM_RIGHTS;
	at->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(at) + i * sizeof(int), &(int){ STDERR_FILENO }, sizeof(int));
	ck_assert_int_eq(sendmsg(socket, &message, 0), FRAME_HEADER_BYTES);
}

static const struct {
	const char *what;
	uint8_t flags_high;
	size_t descriptors;
	int result;
} descriptor_rows[] = {
	{ "one, announced", 0x80, 1, 1 },
	{ "one, not announced", 0, 1, -EBADMSG },
	{ "two, announced", 0x80, 2, -EBADMSG },
	{ "more than there is room for", 0x80, 8, -EBADMSG },
};

/* The lowest free descriptor number: the same before and after when nothing was left open. */
static int lowest_free(void)
{
	int descriptor = dup(STDERR_FILENO);

	close(descriptor);
	return descriptor;
}

START_TEST(descriptors_are_counted_and_none_is_left_open)
{
	unsigned char header[FRAME_HEADER_BYTES] = { 'S', 'K', 'S', '1', VERB_PROPOSE, 0, 0, descriptor_rows[_i].flags_high };
	int before = lowest_free();
	struct pair pair = pair_open();
	struct frame_reader reader = frame_reader_make(PAYLOAD_MAX);
	struct frame got = { .descriptor = -1 };
	int result;

	hand_send(pair.near, header, descriptor_rows[_i].descriptors);
	result = frame_receive(pair.far, &reader, &got);
	ck_assert_msg(result == descriptor_rows[_i].result, "%s: %d", descriptor_rows[_i].what, result);
	if (result == 1)
		close(got.descriptor);
	frame_reader_free(&reader);
	pair_close(pair);
	ck_assert_msg(lowest_free() == before, "%s", descriptor_rows[_i].what);
}
END_TEST

static const struct {
	const char *what;
	unsigned int seals;
	size_t bytes_max;
	int result;
} seal_rows[] = {
	{ "all seals, exactly the limit", F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, 7, 0 },
	{ "all seals, one byte too long", F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, 6, -EFBIG },
	{ "no seal", 0, 7, -EPERM },
	{ "may be written", F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW, 7, -EPERM },
	{ "may shrink", F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_GROW, 7, -EPERM },
	{ "may grow", F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_SHRINK, 7, -EPERM },
	{ "may be sealed further", F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, 7, -EPERM },
};

START_TEST(only_fully_sealed_memory_is_mapped)
{
	int descriptor = memfd_create("check", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct span bytes = { .data = NULL, .length = 0 };
	int result;

	ck_assert_int_eq(write(descriptor, "content", 7), 7);
	ck_assert_int_eq(fcntl(descriptor, F_ADD_SEALS, seal_rows[_i].seals), 0);
	result = sealed_map(descriptor, seal_rows[_i].bytes_max, &bytes);
	ck_assert_msg(result == seal_rows[_i].result, "%s: %d", seal_rows[_i].what, result);
	close(descriptor);
	if (result == 0)
		ck_assert(span_equal(bytes, span_of("content")));
	sealed_unmap(bytes);
}
END_TEST

START_TEST(sealed_memory_goes_round_and_a_plain_file_does_not)
{
	struct span bytes;
	int descriptor;

	ck_assert_int_eq(sealed_make("check", span_of("abc"), &descriptor), 0);
	ck_assert_int_eq(sealed_map(descriptor, 3, &bytes), 0);
	ck_assert(span_equal(bytes, span_of("abc")));
	ck_assert_int_lt(write(descriptor, "x", 1), 0);
	sealed_unmap(bytes);
	close(descriptor);
	ck_assert_int_eq(sealed_make("check", span_of(""), &descriptor), 0);
	ck_assert_int_eq(sealed_map(descriptor, 3, &bytes), 0);
	ck_assert_uint_eq(bytes.length, 0);
	close(descriptor);
	descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(sealed_map(descriptor, 3, &bytes), -EPERM);
	close(descriptor);
}
END_TEST

/* A frame larger than the socket's room goes in parts, its descriptor with the first of them. */
START_TEST(a_large_frame_goes_in_parts)
{
	enum { LARGE_BYTES = 3 << 20, WAIT_MS = 30000 };
	struct frame_reader reader = frame_reader_make(LARGE_BYTES);
	struct pair pair = pair_open();
	char *bytes = malloc(LARGE_BYTES);
	struct frame got = { .descriptor = -1 };
	pid_t sender;

	for (size_t i = 0; i < LARGE_BYTES; i++)
		bytes[i] = (char)(i * 7 / 5);
	sender = fork();
	if (sender == 0) {
		struct frame sent = { .verb = VERB_REPORT, .payload = { .data = bytes, .length = LARGE_BYTES }, .descriptor = STDIN_FILENO };

		_exit(frame_send(pair.near, &sent) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	ck_assert_int_eq(frame_await(pair.far, &reader, WAIT_MS, &got), 0);
	ck_assert_int_ge(got.descriptor, 0);
	close(got.descriptor);
	ck_assert_uint_eq(got.payload.length, LARGE_BYTES);
	ck_assert_int_eq(memcmp(got.payload.data, bytes, LARGE_BYTES), 0);
	ck_assert_int_eq(waitpid(sender, NULL, 0), sender);
	frame_reader_free(&reader);
	free(bytes);
	pair_close(pair);
}
END_TEST

/* Who serves many sends without waiting: a peer that does not read gets what fits, and then an error at once. */
START_TEST(a_peer_that_does_not_read_is_not_waited_for)
{
	struct frame frame = { .verb = VERB_ANSWER, .payload = span_of("123456"), .descriptor = -1 };
	struct pair pair = pair_open();
	unsigned int sent = 0;
	int result;

	while ((result = frame_send_now(pair.near, &frame)) == 0)
		sent++;
	ck_assert_int_eq(result, -ETIMEDOUT);
	ck_assert_uint_gt(sent, 16);
	close(pair.far);
	ck_assert_int_eq(frame_send_now(pair.near, &frame), -EPIPE);
	close(pair.near);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire/frame");
	TCase *rows = tcase_create("frame");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(rows, frame_survives_a_split_at_every_byte);
	tcase_add_test(rows, frames_follow_each_other_and_the_descriptor_stays_with_its_own);
	tcase_add_loop_test(rows, bad_header_ends_the_connection, 0, sizeof(bad_headers) / sizeof(bad_headers[0]));
	tcase_add_test(rows, a_large_frame_goes_in_parts);
	tcase_add_test(rows, a_peer_that_does_not_read_is_not_waited_for);
	tcase_add_test(rows, payload_of_exactly_the_limit_is_taken);
	tcase_add_test(rows, reader_gives_back_the_room_of_a_frame_that_is_over);
	tcase_add_loop_test(rows, descriptors_are_counted_and_none_is_left_open, 0, sizeof(descriptor_rows) / sizeof(descriptor_rows[0]));
	tcase_add_loop_test(rows, only_fully_sealed_memory_is_mapped, 0, sizeof(seal_rows) / sizeof(seal_rows[0]));
	tcase_add_test(rows, sealed_memory_goes_round_and_a_plain_file_does_not);
	suite_add_tcase(suite, rows);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
