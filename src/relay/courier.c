/* courier: checks each letter, writes a new message from it, and delivers it. */
#include "relay/courier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "relay/roles.h"

enum {
	COURIER_MEMORY_BYTES_MAX = 1024 << 20,
	COURIER_DESCRIPTORS_MAX = 4096,
};

/* Connections of TCP, to whom the kernel's rules permit. */
static const struct sandbox_call courier_calls[] = {
	{ .name = "socket", .first_argument_only = true, .first_argument = AF_INET },
	{ .name = "socket", .first_argument_only = true, .first_argument = AF_INET6 },
	{ .name = "connect" },
	{ .name = NULL }
};

int64_t courier_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void keeper_send(struct courier *courier, enum verb verb, const struct buf *payload)
{
	struct frame frame = { .verb = verb, .payload = buf_span(payload), .descriptor = -1 };
	int error = courier->keeper >= 0 ? frame_send(courier->keeper, &frame) : 0;

	if (!error)
		return;
	log_event(LOG_LEVEL_WARNING, "SKS-ROLE", "a role cannot be told role=keeper reason=\"%s\"", strerror(-error));
	shutdown(courier->keeper, SHUT_RDWR);
}

void result_send(struct courier *courier, const struct message_result *result)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);

	message_result_pack(&payload, result);
	keeper_send(courier, VERB_RESULT, &payload);
}

/* ---- the keeper ---- */

static int letter_take(struct courier *courier, const struct frame *frame)
{
	struct message_letter letter;
	struct passage *passage;
	bool stub = frame->verb == VERB_STUB;

	if (message_letter_unpack(frame->payload, &letter) != 0 || stub != (letter.stub != 0) || stub != (frame->descriptor < 0)) {
		if (frame->descriptor >= 0)
			close(frame->descriptor);
		return -EBADMSG;
	}
	passage = passage_of_number(courier, letter.session);
	if (passage) {
		passage_letter(passage, &letter, frame->descriptor);
		return 0;
	}
	/* The session ended before the letter came; the keeper must not wait. */
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	result_send(courier, &(struct message_result){
		.session = letter.session, .transaction = letter.transaction, .fate = FATE_NOBODY, .reply = smtp_reply_make(451, 3, 0),
	});
	return 0;
}

static int durable_take(struct courier *courier, struct span payload)
{
	struct message_transaction about;
	struct passage *passage;

	if (message_transaction_unpack(payload, &about) != 0)
		return -EBADMSG;
	passage = passage_of_number(courier, about.session);
	if (passage)
		passage_durable(passage, about.transaction);
	return 0;
}

static int session_take(struct courier *courier, const struct frame *frame)
{
	struct message_passage about;
	int error;

	if (frame->descriptor < 0)
		return -EBADMSG;
	error = message_passage_unpack(frame->payload, &about);
	if (!error)
		error = passage_begin(courier, &about, frame->descriptor);
	if (error)
		close(frame->descriptor);
	return error;
}

static int keeper_frame(struct courier *courier, const struct frame *frame)
{
	if (frame->verb == VERB_SESSION)
		return session_take(courier, frame);
	if (frame->verb == VERB_LETTER || frame->verb == VERB_STUB)
		return letter_take(courier, frame);
	if (frame->verb == VERB_DURABLE && frame->descriptor < 0)
		return durable_take(courier, frame->payload);
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	return -EBADMSG;
}

static void keeper_readable(evutil_socket_t socket, short what, void *context)
{
	struct courier *courier = context;
	struct frame frame;
	int result = frame_receive(socket, &courier->keeper_reader, &frame);

	(void)what;
	if (result > 0)
		result = keeper_frame(courier, &frame);
	/* Without the keeper nothing that is under way can end well. We come back with a new channel. */
	if (result < 0)
		event_base_loopbreak(courier->loop);
}

/* ---- the parent ---- */

static int parent_frame(struct courier *courier, const struct frame *frame)
{
	if (frame->verb != VERB_CHANNEL || frame->descriptor < 0 || courier->keeper >= 0)
		return -EBADMSG;
	courier->keeper = frame->descriptor;
	courier->keeper_reader = frame_reader_make(MESSAGE_RELAY_BYTES_MAX);
	courier->keeper_readable = event_new(courier->loop, courier->keeper, EV_READ | EV_PERSIST, keeper_readable, courier);
	if (!courier->keeper_readable || event_add(courier->keeper_readable, NULL) != 0)
		arena_exhausted();
	return 0;
}

static void parent_readable(evutil_socket_t channel, short what, void *context)
{
	struct courier *courier = context;
	struct frame frame;
	int result = crew_role_receive(&courier->parent_reader, &frame);

	(void)channel;
	(void)what;
	if (result > 0)
		result = parent_frame(courier, &frame);
	if (result < 0)
		event_base_loopbreak(courier->loop);
}

static int courier_begin(struct courier *courier)
{
	struct role_sandbox sandbox = {
		.user = relay_user_name(RELAY_USER_COURIER), .calls = courier_calls,
		.memory_bytes_max = COURIER_MEMORY_BYTES_MAX, .descriptors_max = COURIER_DESCRIPTORS_MAX,
	};

	/* The loop and the time zone read files that the sandbox hides. */
	tzset();
	courier->loop = event_base_new();
	courier->parent_reader = frame_reader_make(MESSAGE_BYTES_MAX);
	courier->parent_readable = courier->loop ? event_new(courier->loop, CREW_CHANNEL, EV_READ | EV_PERSIST, parent_readable, courier) : NULL;
	if (!courier->parent_readable || event_add(courier->parent_readable, NULL) != 0)
		return -ENOMEM;
	return role_enter(&sandbox);
}

int courier_run(const struct options *options)
{
	struct courier courier = { .keeper = -1 };
	int error = courier_begin(&courier);

	(void)options;
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-START", "the courier could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	event_base_dispatch(courier.loop);
	return CREW_EXIT_PEER_GONE;
}
