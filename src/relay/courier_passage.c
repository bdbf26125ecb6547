/* courier_passage: one session of the front, from its envelope to the inner server's answer. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "relay/courier.h"

enum { INNER_PIECE_BYTES = 16384, PIPE_PIECE_BYTES = 65536 };

static void passage_pump(struct passage *passage);

/* ---- what is said to front and keeper ---- */

static void front_answer(struct passage *passage, struct smtp_reply reply)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);
	struct frame frame = { .verb = VERB_ANSWER, .descriptor = -1 };

	message_reply_pack(&payload, reply);
	frame.payload = buf_span(&payload);
	/* A process that does not read its answers is ended, and never waited for. */
	if (passage->front >= 0 && frame_send_now(passage->front, &frame) != 0)
		shutdown(passage->front, SHUT_RDWR);
}

static void letter_forget(struct passage *passage)
{
	if (passage->pipe >= 0) {
		event_free(passage->pipe_readable);
		close(passage->pipe);
		passage->pipe = -1;
	}
	buf_free(&passage->frame);
}

static void result_log(const struct passage *passage, enum fate fate, struct smtp_reply reply)
{
	static const char *const words[FATES] = {
		[FATE_NOBODY] = "not delivered", [FATE_UNKNOWN] = "perhaps delivered: the inner server did not say so", [FATE_DELIVERED] = "delivered",
	};
	char client[NETADDR_TEXT_BYTES];

	log_event(fate == FATE_DELIVERED ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, "SKS-MAIL",
		  "%s id=%s relay=%s client=%s recipients=%u original-bytes=%llu text-bytes=%u removed=%u notes=%u%s reply=%u-%u.%u.%u ms=%lld",
		  words[fate], passage->letter.id, passage->relay.name, netaddr_format(&passage->client, client), passage->recipients,
		  (unsigned long long)passage->letter.original_bytes, passage->text_bytes, passage->rows, passage->notes,
		  passage->letter.stub ? " notice-only" : "", reply.code, reply.code / 100U, reply.subject, reply.detail,
		  (long long)(courier_now_ms() - passage->began_ms));
}

/* The mail is over for the courier. */
static void result_give(struct passage *passage, enum fate fate, struct smtp_reply reply)
{
	struct message_result result = {
		.session = passage->number, .transaction = passage->letter.transaction, .fate = fate, .reply = reply,
	};

	result_log(passage, fate, reply);
	passage->expecting = passage->has_sender = false;
	passage->recipients = 0;
	passage->durable_transaction = 0;
	letter_forget(passage);
	buf_free(&passage->message);
	result_send(passage->courier, &result);
}

/* ---- the letter ---- */

/* What came out of the pipe is no letter: the keeper decides what next. */
static void letter_refuse(struct passage *passage, const char *why, int field)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);
	struct message_transaction about = { .session = passage->number, .transaction = passage->letter.transaction };

	log_event(LOG_LEVEL_WARNING, "SKS-LETTER", "a letter was refused id=%s reason=\"%s\" field=%d", passage->letter.id, why, field);
	letter_forget(passage);
	message_transaction_pack(&payload, &about);
	keeper_send(passage->courier, VERB_WASHED, &payload);
}

/* A name the client gave itself, when it looks like one; everything else proves nothing and is not shown. */
static struct span hello_domain(const struct passage *passage)
{
	struct span hello = { .data = passage->sender.hello, .length = passage->sender.hello_length };

	return letter_domain_valid(hello) ? hello : (struct span){ .length = 0 };
}

static struct letter_envelope envelope_of(const struct passage *passage)
{
	return (struct letter_envelope){
		.original_id = span_of(passage->letter.id), .original_bytes = passage->letter.original_bytes,
		.received_seconds = passage->letter.received_seconds, .client = passage->client, .client_domain = hello_domain(passage),
		.client_tls = false,
		.sender = { .data = passage->sender.address.text, .length = passage->sender.address.length },
		.recipients = passage->recipients,
	};
}

/* Composes the notice that stands for a mail. */
static int stub_compose(struct passage *passage)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct letter_office office = plan_office(arena, &passage->relay);
	struct letter_envelope envelope = envelope_of(passage);

	return letter_compose_stub(&passage->message, (enum letter_stub)passage->letter.stub, &envelope, &office);
}

/* Checks the letter and composes the message that it stands for. -ELOOP: the mail goes round in circles; -EBADMSG: refused. */
static int letter_use(struct passage *passage, enum letter_field *ret_refused)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct letter *letter = arena_alloc(arena, sizeof(*letter));
	struct letter_office office = plan_office(arena, &passage->relay);
	struct letter_envelope envelope = envelope_of(passage);
	int error = letter_check(buf_span(&passage->frame), letter, ret_refused);

	if (error)
		return error;
	if (letter->hops > COURIER_HOPS_MAX)
		return -ELOOP;
	passage->rows = (uint32_t)letter->row_count;
	passage->notes = (uint32_t)letter->note_count;
	passage->text_bytes = (uint32_t)letter->text.length;
	return letter_compose(&passage->message, letter, &envelope, &office);
}

/* The whole frame is here. */
static void letter_arrived(struct passage *passage)
{
	enum letter_field refused = LETTER_FIELD_HEAD;
	int error = letter_use(passage, &refused);

	if (error == -ELOOP) {
		log_event(LOG_LEVEL_WARNING, "SKS-MAIL", "a mail goes round in a loop and is refused id=%s", passage->letter.id);
		letter_forget(passage);
		delivery_refuse(&passage->delivery, smtp_reply_make(554, 4, 6));
	} else if (error) {
		letter_refuse(passage, "not as sekisho-airlock(7) has it", (int)refused);
	} else {
		letter_forget(passage);
		delivery_content(&passage->delivery, buf_span(&passage->message), courier_now_ms());
	}
	passage_pump(passage);
}

static void pipe_readable(evutil_socket_t pipe, short what, void *context)
{
	struct passage *passage = context;
	char *room = buf_reserve(&passage->frame, PIPE_PIECE_BYTES);
	ssize_t got = room ? read(pipe, room, PIPE_PIECE_BYTES) : -1;

	(void)what;
	if (!room) {
		letter_refuse(passage, "too long", LETTER_FIELD_HEAD);
		return;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		passage->frame.length += (size_t)got;
	else if (passage->frame.length == 0)
		letter_refuse(passage, "the washer ended without one", LETTER_FIELD_HEAD);
	else
		letter_arrived(passage);
}

/* Is this the mail that the front has open here? */
static bool letter_is_ours(const struct passage *passage, const struct message_letter *letter)
{
	if (!passage->has_sender || passage->sender.transaction != letter->transaction || passage->pipe >= 0)
		return false;
	return !passage->expecting || passage->letter.transaction == letter->transaction;
}

/* Memory that mails hold until the inner server has answered. At most as many more are coming in as there are washers. */
static bool courier_is_full(const struct courier *courier)
{
	size_t held = 0;

	for (const struct passage *passage = courier->passages; passage; passage = passage->next)
		held += passage->frame.length + passage->message.length;
	return held > COURIER_HELD_BYTES_MAX;
}

static void pipe_listen(struct passage *passage, int pipe)
{
	evutil_make_socket_nonblocking(pipe);
	passage->pipe = pipe;
	passage->frame = buf_limited(LETTER_BYTES_MAX + PIPE_PIECE_BYTES);
	passage->pipe_readable = event_new(passage->courier->loop, pipe, EV_READ | EV_PERSIST, pipe_readable, passage);
	if (!passage->pipe_readable || event_add(passage->pipe_readable, NULL) != 0)
		arena_exhausted();
}

/* The front gave the mail up before the letter came. */
static void letter_return(struct passage *passage, const struct message_letter *letter, int pipe)
{
	if (pipe >= 0)
		close(pipe);
	result_send(passage->courier, &(struct message_result){
		.session = letter->session, .transaction = letter->transaction, .fate = FATE_NOBODY, .reply = smtp_reply_make(451, 3, 0),
	});
}

/* From now on a result is owed. False: nobody was accepted, or there is no room now. */
static bool letter_expect(struct passage *passage)
{
	if (passage->expecting)
		return true;
	if (courier_is_full(passage->courier) || delivery_expect(&passage->delivery, courier_now_ms()) != 0)
		return false;
	passage->expecting = true;
	passage->began_ms = courier_now_ms();
	return true;
}

void passage_letter(struct passage *passage, const struct message_letter *letter, int pipe)
{
	if (!letter_is_ours(passage, letter) || !letter_expect(passage)) {
		letter_return(passage, letter, pipe);
		return;
	}
	passage->letter = *letter;
	buf_free(&passage->message);
	passage->message = buf_limited(LETTER_MESSAGE_BYTES_MAX);
	if (passage->durable_transaction == letter->transaction)
		delivery_durable(&passage->delivery, courier_now_ms());
	if (pipe >= 0)
		pipe_listen(passage, pipe);
	else if (stub_compose(passage) == 0)
		delivery_content(&passage->delivery, buf_span(&passage->message), courier_now_ms());
	else
		delivery_refuse(&passage->delivery, smtp_reply_make(451, 3, 0));
	passage_pump(passage);
}

void passage_durable(struct passage *passage, uint32_t transaction)
{
	if (!passage->has_sender || passage->sender.transaction != transaction)
		return;
	passage->durable_transaction = transaction;
	if (passage->expecting)
		delivery_durable(&passage->delivery, courier_now_ms());
	passage_pump(passage);
}

/* ---- the inner server ---- */

static void inner_close(struct passage *passage)
{
	if (passage->inner < 0)
		return;
	event_free(passage->inner_readable);
	event_free(passage->inner_writable);
	close(passage->inner);
	passage->inner = -1;
	passage->connecting = false;
}

static socklen_t hop_address(const struct relay_hop *hop, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret_address;

	memset(ret_address, 0, sizeof(*ret_address));
	if (hop->address.family == 4) {
		four->sin_family = AF_INET;
		four->sin_port = htons(hop->port);
		memcpy(&four->sin_addr, hop->address.bytes, sizeof(four->sin_addr));
		return sizeof(*four);
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(hop->port);
	memcpy(&six->sin6_addr, hop->address.bytes, sizeof(six->sin6_addr));
	return sizeof(*six);
}

static void inner_readable(evutil_socket_t socket, short what, void *context)
{
	struct passage *passage = context;
	char piece[INNER_PIECE_BYTES];
	ssize_t got = read(socket, piece, sizeof(piece));

	(void)what;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		delivery_feed(&passage->delivery, (struct span){ .data = piece, .length = (size_t)got }, courier_now_ms());
	else
		delivery_failed(&passage->delivery, courier_now_ms());
	passage_pump(passage);
}

static void inner_writable(evutil_socket_t socket, short what, void *context)
{
	struct passage *passage = context;
	int error = 0;
	socklen_t length = sizeof(error);

	(void)what;
	if (passage->connecting) {
		passage->connecting = false;
		if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0)
			delivery_failed(&passage->delivery, courier_now_ms());
		else
			delivery_connected(&passage->delivery, courier_now_ms());
	}
	passage_pump(passage);
}

static void inner_listen(struct passage *passage)
{
	struct event_base *loop = passage->courier->loop;

	passage->inner_readable = event_new(loop, passage->inner, EV_READ | EV_PERSIST, inner_readable, passage);
	passage->inner_writable = event_new(loop, passage->inner, EV_WRITE, inner_writable, passage);
	if (!passage->inner_readable || !passage->inner_writable || event_add(passage->inner_readable, NULL) != 0 ||
	    event_add(passage->inner_writable, NULL) != 0)
		arena_exhausted();
}

/* Begins a connection to a next hop. */
static void inner_connect(struct passage *passage, unsigned int hop)
{
	const struct relay_hop *to = &passage->relay.next_hops[hop];
	const int yes = 1;
	struct sockaddr_storage address;
	socklen_t length = hop_address(to, &address);

	inner_close(passage);
	passage->connections++;
	passage->inner = passage->connections > COURIER_CONNECTIONS_MAX ? -1 : socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (passage->inner < 0) {
		delivery_failed(&passage->delivery, courier_now_ms());
		return;
	}
	setsockopt(passage->inner, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(passage->inner, (const struct sockaddr *)&address, length) != 0 && errno != EINPROGRESS) {
		close(passage->inner);
		passage->inner = -1;
		delivery_failed(&passage->delivery, courier_now_ms());
		return;
	}
	passage->connecting = true;
	inner_listen(passage);
}

/* Writes what is to be written. True when something was. */
static bool inner_write(struct passage *passage)
{
	struct span output;
	ssize_t written;

	if (passage->inner < 0 || passage->connecting)
		return false;
	output = delivery_output(&passage->delivery);
	if (output.length == 0)
		return false;
	written = send(passage->inner, output.data, output.length, MSG_NOSIGNAL);
	if (written > 0)
		delivery_sent(&passage->delivery, (size_t)written, courier_now_ms());
	else if (errno == EAGAIN)
		event_add(passage->inner_writable, NULL);
	else
		delivery_failed(&passage->delivery, courier_now_ms());
	return written > 0 || errno != EAGAIN;
}

/* ---- the session ---- */

static void delivery_event_act(struct passage *passage, const struct delivery_event *event)
{
	switch (event->kind) {
	case DELIVERY_CONNECT:
		inner_connect(passage, event->hop);
		return;
	case DELIVERY_CLOSE:
		inner_close(passage);
		return;
	case DELIVERY_ANSWER:
		passage->recipients += smtp_reply_class(event->reply) == 2;
		front_answer(passage, event->reply);
		return;
	case DELIVERY_RESULT:
		result_give(passage, event->fate, event->reply);
		return;
	case DELIVERY_NOTHING:
		return;
	}
}

static void timer_set(struct passage *passage)
{
	int64_t deadline_ms = delivery_deadline(&passage->delivery), left_ms = deadline_ms - courier_now_ms();
	struct timeval wait = { .tv_sec = left_ms > 0 ? left_ms / 1000 : 0, .tv_usec = left_ms > 0 ? left_ms % 1000 * 1000 : 0 };

	if (deadline_ms == INT64_MAX)
		event_del(passage->timer);
	else
		event_add(passage->timer, &wait);
}

/* Does what the delivery asks for until it asks for nothing. The passage is gone afterwards when its front is and nothing is owed. */
static void passage_pump(struct passage *passage)
{
	bool busy;

	do {
		struct delivery_event event = delivery_next(&passage->delivery);

		busy = event.kind != DELIVERY_NOTHING;
		delivery_event_act(passage, &event);
		if (!busy)
			busy = inner_write(passage);
	} while (busy);
	if (passage->front < 0 && !passage->expecting)
		passage_free(passage);
	else
		timer_set(passage);
}

static void timer_ran(evutil_socket_t unused, short what, void *context)
{
	struct passage *passage = context;

	(void)unused;
	(void)what;
	delivery_expire(&passage->delivery, courier_now_ms());
	passage_pump(passage);
}

/* The receiver checks: no compromised front makes an open relay of us. */
static bool recipient_is_ours(const struct passage *passage, const struct smtp_address *address)
{
	for (size_t i = 0; i < passage->relay.domain_count; i++)
		if (smtp_address_in_domain(address, span_of(passage->relay.domains[i])))
			return true;
	return false;
}

static int recipient_take(struct passage *passage, struct span payload)
{
	struct smtp_address address;
	int error = message_address_unpack(payload, SMTP_PATH_FORWARD, &address);

	if (error || !passage->has_sender || passage->expecting)
		return -EBADMSG;
	if (!recipient_is_ours(passage, &address)) {
		front_answer(passage, smtp_reply_make(550, 7, 1));
		return 0;
	}
	error = delivery_recipient(&passage->delivery, &address, courier_now_ms());
	if (error == -ENOSPC) {
		front_answer(passage, smtp_reply_make(452, 5, 3));
		error = 0;
	}
	return error ? -EBADMSG : 0;
}

static int sender_take(struct passage *passage, struct span payload)
{
	struct message_sender sender;
	int error = message_sender_unpack(payload, &sender);

	if (error || passage->expecting)
		return -EBADMSG;
	passage->sender = sender;
	passage->has_sender = true;
	passage->recipients = 0;
	passage->durable_transaction = 0;
	delivery_sender(&passage->delivery, &sender.address, courier_now_ms());
	return 0;
}

static int front_frame(struct passage *passage, const struct frame *frame)
{
	if (frame->descriptor >= 0) {
		close(frame->descriptor);
		return -EBADMSG;
	}
	switch (frame->verb) {
	case VERB_SENDER:
		return sender_take(passage, frame->payload);
	case VERB_RECIPIENT:
		return recipient_take(passage, frame->payload);
	case VERB_RESET:
		if (!passage->expecting)
			passage->has_sender = false;
		delivery_reset(&passage->delivery, courier_now_ms());
		return frame->payload.length == 0 ? 0 : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

/* The session's process is gone. What is under way is given up, unless the dot has left. */
static void front_close(struct passage *passage)
{
	event_free(passage->front_readable);
	frame_reader_free(&passage->reader);
	close(passage->front);
	passage->front = -1;
	delivery_reset(&passage->delivery, courier_now_ms());
	delivery_quit(&passage->delivery, courier_now_ms());
}

static void front_readable(evutil_socket_t socket, short what, void *context)
{
	struct passage *passage = context;
	struct frame frame;
	int result = frame_receive(socket, &passage->reader, &frame);

	(void)what;
	if (result > 0)
		result = front_frame(passage, &frame);
	if (result == -EBADMSG)
		log_event(LOG_LEVEL_ERROR, "SKS-ROLE", "a process of the front said what it may not say and is cut off session=%u", passage->number);
	if (result < 0)
		front_close(passage);
	passage_pump(passage);
}

static void passage_listen(struct passage *passage)
{
	passage->reader = frame_reader_make(MESSAGE_BYTES_MAX);
	passage->front_readable = event_new(passage->courier->loop, passage->front, EV_READ | EV_PERSIST, front_readable, passage);
	passage->timer = event_new(passage->courier->loop, -1, 0, timer_ran, passage);
	if (!passage->front_readable || !passage->timer || event_add(passage->front_readable, NULL) != 0)
		arena_exhausted();
}

/* The front asks for a courier again: whom it had before it has given up. */
static void passage_succeed(struct courier *courier, uint32_t number)
{
	struct passage *before = passage_of_number(courier, number);

	if (!before || before->front < 0)
		return;
	front_close(before);
	passage_pump(before);
}

int passage_begin(struct courier *courier, const struct message_passage *about, int front)
{
	struct passage *passage = calloc(1, sizeof(*passage));
	struct delivery_settings settings;
	int error;

	if (!passage)
		arena_exhausted();
	*passage = (struct passage){ .courier = courier, .number = about->number, .client = about->client, .front = front, .inner = -1, .pipe = -1 };
	passage->arena = arena_new();
	error = plan_relay_unpack(passage->arena, about->relay, &passage->relay);
	if (error) {
		arena_free(passage->arena);
		free(passage);
		return error;
	}
	passage_succeed(courier, about->number);
	settings = delivery_defaults(passage->relay.host_name, (unsigned int)passage->relay.next_hop_count);
	delivery_begin(&passage->delivery, &settings);
	passage_listen(passage);
	passage->next = courier->passages;
	courier->passages = passage;
	return 0;
}

void passage_free(struct passage *passage)
{
	struct passage **at = &passage->courier->passages;

	while (*at != passage)
		at = &(*at)->next;
	*at = passage->next;
	if (passage->front >= 0) {
		event_free(passage->front_readable);
		frame_reader_free(&passage->reader);
		close(passage->front);
	}
	letter_forget(passage);
	inner_close(passage);
	event_free(passage->timer);
	buf_free(&passage->message);
	arena_free(passage->arena);
	free(passage);
}

struct passage *passage_of_number(struct courier *courier, uint32_t number)
{
	struct passage *passage = courier->passages;

	while (passage && passage->number != number)
		passage = passage->next;
	return passage;
}
