/*
 * Any bytes as what a local user sends to a control socket, in pieces as the first byte says: no crash, no leak, and the reader never holds more than
 * a request may have. A frame that is taken is what its header said; packed again it has the same bytes. Its payload is then read as every request there is.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sekishod/access.h"
#include "sekishod/request.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void requests_take(struct span payload)
{
	struct arena *arena = arena_new();
	struct apply_request apply;
	struct isolation isolation;
	const char *why = NULL;
	bool drill;

	require(apply_request_parse(arena, payload, &apply, &why) == 0 || why);
	why = NULL;
	require(isolation_request_parse(arena, payload, &isolation, &drill, &why) == 0 || why);
	arena_free(arena);
}

static void frame_take(const struct frame *frame, struct span sent)
{
	struct buf again = buf_limited(0);

	require(frame->descriptor < 0 && frame->payload.length <= REQUEST_BYTES_MAX);
	require(!access_allows(ACCESS_NONE, frame->verb));
	frame_pack(&again, frame);
	require(again.length <= sent.length && span_equal(buf_span(&again), span_part(sent, 0, again.length)));
	buf_free(&again);
	requests_take(frame->payload);
}

/* Feeds so many bytes at a time; what a client says after its request is not read. */
static void feed(struct span bytes, size_t piece)
{
	struct frame_reader reader = frame_reader_make(REQUEST_BYTES_MAX);
	struct frame frame;
	int ends[2], result = 0;

	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	for (size_t at = 0; result == 0 && at < bytes.length; at += piece) {
		size_t length = bytes.length - at < piece ? bytes.length - at : piece;
		int pending = 1;

		require(send(ends[0], bytes.data + at, length, MSG_NOSIGNAL) == (ssize_t)length);
		while (result == 0 && pending > 0) {
			char next;

			result = frame_receive(ends[1], &reader, &frame);
			pending = recv(ends[1], &next, 1, MSG_PEEK) == 1;
		}
		require(reader.bytes.length <= FRAME_HEADER_BYTES + REQUEST_BYTES_MAX);
	}
	require(result == 0 || result == 1 || result == -EBADMSG);
	if (result == 1)
		frame_take(&frame, bytes);
	frame_reader_free(&reader);
	close(ends[0]);
	close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > FRAME_HEADER_BYTES + REQUEST_BYTES_MAX)
		return 0;
	feed((struct span){ .data = (const char *)data + 1, .length = size - 1 }, 1 + (size_t)data[0]);
	return 0;
}
