/* front_session: one connection from outside. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "mail/smtp_server.h"
#include "relay/front.h"
#include "relay/messages.h"
#include "wire/frame.h"

enum {
	INPUT_BYTES = 16384,
	WRITE_BYTES = 65536,	/* an original is written in pieces of this size */
	CONFIRM_LOOK_MS = 20,	/* how often the kernel is asked whether the client has acknowledged */
};

/* Whose answer the server's question waits for. */
enum wait {
	WAIT_NOBODY, WAIT_COURIER, WAIT_RECIPIENT, WAIT_ORIGINAL, WAIT_RESULT,
	WAIT_CONFIRMED,		/* the client's: that it has our 250 for the mail before; see content_ask() */
};

struct front_session {
	const struct relay *relay;
	const struct netaddr *client;
	int socket, keeper;
	int courier;			/* -1: none */
	bool courier_comes;		/* the keeper will say VERB_COURIER: unasked at the beginning, or asked for */
	struct frame_reader keeper_reader, courier_reader;
	struct smtp_server server;
	char input[INPUT_BYTES];
	size_t input_begin, input_end;	/* bytes that the server has not taken yet */
	bool over;

	enum wait wait;
	uint32_t question;
	uint32_t transaction;
	struct smtp_address sender, recipient; /* of the open transaction; the one that is asked for */
	uint64_t declared_bytes;
	struct buf envelope;		/* sender and accepted recipients, for the fingerprint */
	bool courier_knows;		/* the courier there now was told of this transaction */
	int original;			/* -1: none */
	bool offered;			/* the keeper was told that a mail is whole */
	struct buf unwritten;		/* of the original */
	struct digest digest;
	bool unconfirmed;		/* our 250 may not have reached the sender */
	unsigned int mails;
};

/* ---- the other roles ---- */

static int role_send(int socket, enum verb verb, const struct buf *payload)
{
	struct frame frame = { .verb = verb, .payload = payload ? buf_span(payload) : span_of(""), .descriptor = -1 };

	return frame_send(socket, &frame);
}

/* Without the keeper nothing can be taken any more; what was open is the sender's to send again. */
static void keeper_tell(struct front_session *session, enum verb verb, const struct buf *payload)
{
	if (role_send(session->keeper, verb, payload) != 0)
		smtp_server_shut(&session->server);
}

static void courier_drop(struct front_session *session)
{
	if (session->courier >= 0) {
		close(session->courier);
		frame_reader_free(&session->courier_reader);
	}
	session->courier = -1;
	session->courier_knows = false;
}

static void courier_tell(struct front_session *session, enum verb verb, const struct buf *payload)
{
	if (session->courier >= 0 && role_send(session->courier, verb, payload) != 0)
		courier_drop(session);
}

/* ---- the original ---- */

static void original_close(struct front_session *session)
{
	if (session->original >= 0)
		close(session->original);
	session->original = -1;
	session->unwritten.length = 0;
}

/* Writes what has come together. 0 or negative errno. */
static int original_flush(struct front_session *session)
{
	struct span rest = buf_span(&session->unwritten);

	while (rest.length > 0) {
		ssize_t written = write(session->original, rest.data, rest.length);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0)
			rest = span_part(rest, (size_t)written, rest.length);
	}
	session->unwritten.length = 0;
	return 0;
}

/* What to say when the disk does not take the mail. */
static struct smtp_reply disk_reply(int error)
{
	log_event(LOG_LEVEL_ERROR, "SKS-ORIGINAL", "an original could not be written; its sender keeps the mail reason=\"%s\"", strerror(-error));
	return error == -ENOSPC || error == -EDQUOT ? smtp_reply_make(452, 3, 1) : smtp_reply_make(451, 3, 0);
}

static void original_abandon(struct front_session *session)
{
	original_close(session);
	keeper_tell(session, VERB_DROP, NULL);
}

static void content_take(struct front_session *session, struct span content)
{
	int error = 0;

	digest_add(&session->digest, content.data, content.length);
	buf_put(&session->unwritten, content.data, content.length);
	if (session->unwritten.length >= WRITE_BYTES)
		error = original_flush(session);
	if (!error)
		return;
	smtp_server_discard(&session->server, disk_reply(error));
	original_abandon(session);
}

/* ---- the questions of the server ---- */

static void answer(struct front_session *session, struct smtp_reply reply)
{
	session->wait = WAIT_NOBODY;
	smtp_server_answer(&session->server, session->question, reply, front_now_ms());
}

/* The courier hears of the sender; the inner server is asked with the first recipient. */
static void sender_forward(struct front_session *session)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);
	struct span hello = smtp_server_hello(&session->server);
	struct message_sender sender = { .transaction = session->transaction, .address = session->sender, .hello_length = hello.length };

	memcpy(sender.hello, hello.data, hello.length);
	message_sender_pack(&payload, &sender);
	session->courier_knows = true;
	courier_tell(session, VERB_SENDER, &payload);
	answer(session, session->courier >= 0 ? smtp_reply_make(250, 1, 0) : smtp_reply_make(451, 3, 0));
}

static void sender_ask(struct front_session *session, const struct smtp_server_event *event)
{
	char path[SMTP_PATH_TEXT_BYTES];

	session->transaction++;
	session->sender = *event->address;
	session->envelope.length = 0;
	buf_puts(&session->envelope, smtp_path_format(&session->sender, path));
	if (session->courier >= 0) {
		sender_forward(session);
		return;
	}
	session->wait = WAIT_COURIER;
	if (!session->courier_comes)
		keeper_tell(session, VERB_COURIER, NULL);
	session->courier_comes = true;
}

static bool recipient_is_ours(const struct relay *relay, const struct smtp_address *address)
{
	for (size_t i = 0; i < relay->domain_count; i++)
		if (smtp_address_in_domain(address, span_of(relay->domains[i])))
			return true;
	return false;
}

/* <postmaster> without a domain is the one of our first domain (RFC 5321 section 4.5.1). */
static void recipient_complete(struct front_session *session)
{
	char address[SMTP_PATH_BYTES_MAX];
	int length;

	if (session->recipient.local_length < session->recipient.length)
		return;
	length = snprintf(address, sizeof(address), "postmaster@%s", session->relay->domains[0]);
	smtp_address_parse((struct span){ .data = address, .length = (size_t)length }, SMTP_PATH_FORWARD, &session->recipient);
}

static void recipient_ask(struct front_session *session, const struct smtp_server_event *event)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);

	session->recipient = *event->address;
	recipient_complete(session);
	if (!recipient_is_ours(session->relay, &session->recipient)) {
		answer(session, smtp_reply_make(550, 7, 1));
		return;
	}
	message_address_pack(&payload, &session->recipient);
	if (session->courier_knows)
		courier_tell(session, VERB_RECIPIENT, &payload);
	if (session->courier_knows)
		session->wait = WAIT_RECIPIENT;
	else
		answer(session, smtp_reply_make(451, 3, 0));
}

static void original_ask(struct front_session *session)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);
	struct message_original original = { .transaction = session->transaction, .declared_bytes = session->declared_bytes };

	message_original_pack(&payload, &original);
	session->wait = WAIT_ORIGINAL;
	keeper_tell(session, VERB_ORIGINAL, &payload);
}

/*
 * The keeper is asked for an original. It still remembers the mail before, until it is known that our 250 for that one arrived; a client that
 * said DATA before it can have read the 250 waits until it has.
 */
static void content_ask(struct front_session *session, const struct smtp_server_event *event)
{
	session->declared_bytes = event->declared_bytes;
	if (!session->courier_knows)
		answer(session, smtp_reply_make(451, 3, 0));
	else if (session->unconfirmed)
		session->wait = WAIT_CONFIRMED;
	else
		original_ask(session);
}

/* The content is whole: it is washed while it is brought to the disk. */
static void deliver_ask(struct front_session *session)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);
	struct message_complete complete = { .transaction = session->transaction };
	int error = original_flush(session);

	digest_end(&session->digest, complete.fingerprint);
	if (!error) {
		message_complete_pack(&payload, &complete);
		keeper_tell(session, VERB_COMPLETE, &payload);
		error = fsync(session->original) == 0 ? 0 : -errno;
	}
	if (error) {
		courier_tell(session, VERB_RESET, NULL);
		answer(session, disk_reply(error));
		original_abandon(session);
		return;
	}
	original_close(session);
	session->wait = WAIT_RESULT;
	keeper_tell(session, VERB_SYNCED, NULL);
}

static void transaction_reset(struct front_session *session)
{
	courier_tell(session, VERB_RESET, NULL);
	if (session->original >= 0)
		original_abandon(session);
}

/* ---- the client ---- */

static void server_event(struct front_session *session, const struct smtp_server_event *event)
{
	if (event->question != 0)
		session->question = event->question;
	switch (event->kind) {
	case SMTP_SERVER_SENDER:
		sender_ask(session, event);
		return;
	case SMTP_SERVER_RECIPIENT:
		recipient_ask(session, event);
		return;
	case SMTP_SERVER_BEGIN:
		content_ask(session, event);
		return;
	case SMTP_SERVER_CONTENT:
		content_take(session, event->content);
		return;
	case SMTP_SERVER_OVERSIZE:
		original_abandon(session);
		courier_tell(session, VERB_RESET, NULL);
		return;
	case SMTP_SERVER_DELIVER:
		deliver_ask(session);
		return;
	case SMTP_SERVER_RESET:
		transaction_reset(session);
		return;
	case SMTP_SERVER_LATE:
		/* An answer that comes now would be taken for that to another question: this session is over. */
		session->wait = WAIT_NOBODY;
		smtp_server_shut(&session->server);
		return;
	case SMTP_SERVER_CLOSED:
		session->over = true;
		return;
	case SMTP_SERVER_NOTHING:
		return;
	}
}

/* Lets the server take what has come. */
static void input_feed(struct front_session *session)
{
	struct smtp_server_event event;

	do {
		struct span rest = { .data = session->input + session->input_begin, .length = session->input_end - session->input_begin };

		session->input_begin += smtp_server_feed(&session->server, rest, front_now_ms(), &event);
		server_event(session, &event);
	} while (!session->over && event.kind != SMTP_SERVER_NOTHING);
	if (session->input_begin == session->input_end)
		session->input_begin = session->input_end = 0;
}

/* The client's machine has acknowledged every byte. What the client says next proves nothing: it may have said it before. */
static bool output_is_acknowledged(const struct front_session *session)
{
	int waiting;

	return smtp_server_output(&session->server).length == 0 && ioctl(session->socket, SIOCOUTQ, &waiting) == 0 && waiting == 0;
}

/* Tells the keeper when the sender has our 250 for sure. */
static void confirm(struct front_session *session)
{
	if (!session->unconfirmed || !output_is_acknowledged(session))
		return;
	session->unconfirmed = false;
	keeper_tell(session, VERB_ANSWERED, NULL);
	if (session->wait == WAIT_CONFIRMED)
		original_ask(session);
}

static void client_read(struct front_session *session)
{
	ssize_t got = read(session->socket, session->input, sizeof(session->input));

	confirm(session);
	if (got > 0) {
		session->input_end = (size_t)got;
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		session->over = true;
	}
}

static void client_write(struct front_session *session)
{
	struct span output = smtp_server_output(&session->server);
	ssize_t sent = output.length > 0 ? send(session->socket, output.data, output.length, MSG_NOSIGNAL) : 0;

	if (sent > 0)
		smtp_server_sent(&session->server, (size_t)sent);
	else if (sent < 0 && errno != EAGAIN && errno != EINTR)
		session->over = true;
}

/* ---- what the other roles say ---- */

static void courier_came(struct front_session *session, int courier)
{
	session->courier_comes = false;
	session->courier = courier;
	session->courier_reader = frame_reader_make(MESSAGE_BYTES_MAX);
	if (session->wait != WAIT_COURIER)
		return;
	if (courier >= 0)
		sender_forward(session);
	else
		answer(session, smtp_reply_make(451, 3, 0));
}

static void original_came(struct front_session *session, int original)
{
	session->original = original;
	session->unwritten.length = 0;
	digest_begin(&session->digest);
	digest_add(&session->digest, session->envelope.data, session->envelope.length);
	/* So that no content can be taken for another recipient. */
	digest_add(&session->digest, "", 1);
	answer(session, smtp_reply_make(250, 0, 0));
}

static void result_came(struct front_session *session, const struct message_result *result)
{
	bool delivered = smtp_reply_class(result->reply) == 2;

	session->mails += delivered;
	session->unconfirmed = delivered;
	session->courier_knows = false;
	/* What the keeper ended by itself is still open at the courier. */
	if (!delivered)
		courier_tell(session, VERB_RESET, NULL);
	answer(session, result->reply);
}

/* 0 or -EBADMSG: not what is waited for. */
static int keeper_frame(struct front_session *session, struct frame *frame)
{
	struct message_result result;
	struct smtp_reply reply;

	if (frame->verb == VERB_COURIER && session->courier_comes) {
		courier_came(session, frame->descriptor);
		return 0;
	}
	if (frame->verb == VERB_ORIGINAL && session->wait == WAIT_ORIGINAL && frame->descriptor >= 0) {
		original_came(session, frame->descriptor);
		return 0;
	}
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	if (frame->verb == VERB_ANSWER && session->wait == WAIT_ORIGINAL && message_reply_unpack(frame->payload, &reply) == 0) {
		answer(session, reply);
		return 0;
	}
	if (frame->verb != VERB_RESULT || message_result_unpack(frame->payload, &result) != 0)
		return -EBADMSG;
	/* A mail that was given up has a result as well. */
	if (session->wait == WAIT_RESULT && result.transaction == session->transaction)
		result_came(session, &result);
	return 0;
}

static void keeper_read(struct front_session *session)
{
	struct frame frame;
	int result = frame_receive(session->keeper, &session->keeper_reader, &frame);

	if (result > 0)
		result = keeper_frame(session, &frame);
	if (result >= 0)
		return;
	if (session->wait != WAIT_NOBODY)
		answer(session, smtp_reply_make(451, 3, 0));
	smtp_server_shut(&session->server);
}

/* The courier is gone: this transaction cannot go on. When the mail is whole, the keeper says what became of it. */
static void courier_lost(struct front_session *session)
{
	courier_drop(session);
	if (session->wait == WAIT_RECIPIENT)
		answer(session, smtp_reply_make(451, 3, 0));
}

static void courier_read(struct front_session *session)
{
	struct frame frame;
	struct smtp_reply reply;
	int result = frame_receive(session->courier, &session->courier_reader, &frame);
	char path[SMTP_PATH_TEXT_BYTES];

	if (result == 0)
		return;
	if (result > 0 && frame.descriptor >= 0)
		close(frame.descriptor);
	if (result < 0 || frame.verb != VERB_ANSWER || session->wait != WAIT_RECIPIENT || message_reply_unpack(frame.payload, &reply) != 0) {
		courier_lost(session);
		return;
	}
	if (smtp_reply_class(reply) == 2)
		buf_puts(&session->envelope, smtp_path_format(&session->recipient, path));
	answer(session, reply);
}

/* ---- the session ---- */

static int wait_ms(const struct front_session *session)
{
	int64_t deadline_ms = smtp_server_deadline(&session->server), left_ms = deadline_ms - front_now_ms();

	if (session->wait == WAIT_CONFIRMED && left_ms > CONFIRM_LOOK_MS)
		return CONFIRM_LOOK_MS;
	if (deadline_ms == INT64_MAX)
		return -1;
	return left_ms <= 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

/* Waits for whoever has something to say. The client's next bytes are read when those before are used up: so it is slowed down, not stored. */
static void session_wait(struct front_session *session)
{
	bool hungry = session->input_end == 0 && smtp_server_waits_for(&session->server) == SMTP_SERVER_WAITS_FOR_INPUT;
	struct pollfd waits[] = {
		{ .fd = session->socket, .events = (short)((hungry ? POLLIN : 0) | (smtp_server_output(&session->server).length > 0 ? POLLOUT : 0)) },
		{ .fd = session->keeper, .events = POLLIN },
		{ .fd = session->courier, .events = POLLIN },
	};

	/* A client that is gone while others work must not wake us all the time. */
	if (waits[0].events == 0)
		waits[0].fd = -1;
	if (poll(waits, 3, wait_ms(session)) < 0)
		return;
	if (waits[1].revents)
		keeper_read(session);
	if (waits[2].revents && session->courier == waits[2].fd)
		courier_read(session);
	if (waits[0].revents & ~POLLOUT && hungry)
		client_read(session);
}

/* The last words, as far as they can be said without waiting, and what they say about our 250. */
static void session_end(struct front_session *session)
{
	client_write(session);
	confirm(session);
	shutdown(session->socket, SHUT_WR);
	original_close(session);
	courier_drop(session);
	frame_reader_free(&session->keeper_reader);
	buf_free(&session->envelope);
	buf_free(&session->unwritten);
}

void front_session_run(const struct relay *relay, const struct netaddr *client, int socket, int keeper)
{
	struct smtp_server_settings settings = smtp_server_defaults(relay->host_name);
	struct front_session *session = calloc(1, sizeof(*session));

	if (!session)
		arena_exhausted();
	settings.message_bytes_max = relay->limits.message_bytes_max;
	settings.recipients_max = relay->limits.recipients_max;
	*session = (struct front_session){
		.relay = relay, .client = client, .socket = socket, .keeper = keeper, .courier = -1, .courier_comes = true,
		.original = -1,
		.keeper_reader = frame_reader_make(MESSAGE_BYTES_MAX), .envelope = buf_limited(0), .unwritten = buf_limited(0),
	};
	smtp_server_begin(&session->server, &settings, front_now_ms());
	while (!session->over) {
		input_feed(session);
		client_write(session);
		confirm(session);
		if (!session->over)
			session_wait(session);
	}
	session_end(session);
	free(session);
}
