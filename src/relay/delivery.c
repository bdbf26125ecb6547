/* delivery: one mail after the other to the inner server, seen from one session of the front. */
#include "relay/delivery.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct delivery_settings delivery_defaults(const char *host_name, unsigned int hop_count)
{
	return (struct delivery_settings){
		.host_name = host_name, .hop_count = hop_count, .connect_timeout_ms = 30000, .envelope_timeout_ms = 235000,
		.content_timeout_ms = 220000, .delivery_timeout_ms = 300000,
	};
}

static void event_put(struct delivery *delivery, struct delivery_event event)
{
	assert(delivery->event_count < sizeof(delivery->events) / sizeof(delivery->events[0]));
	delivery->events[delivery->event_count++] = event;
}

struct delivery_event delivery_next(struct delivery *delivery)
{
	struct delivery_event event = { .kind = DELIVERY_NOTHING };

	if (delivery->event_count == 0)
		return event;
	event = delivery->events[0];
	delivery->event_count--;
	memmove(delivery->events, delivery->events + 1, delivery->event_count * sizeof(event));
	return event;
}

/* A connection that is not asked for any more is not asked for. */
static void connect_withdraw(struct delivery *delivery)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < delivery->event_count; i++)
		if (delivery->events[i].kind != DELIVERY_CONNECT && delivery->events[i].kind != DELIVERY_CLOSE)
			delivery->events[kept++] = delivery->events[i];
	delivery->event_count = kept;
}

/* ---- the transaction ---- */

static void transaction_forget(struct delivery *delivery)
{
	delivery->has_sender = false;
	delivery->recipient_count = 0;
	delivery->asking = false;
	delivery->expecting = delivery->durable = delivery->sending = false;
	delivery->content = (struct span){ .length = 0 };
	delivery->content_sent = 0;
	delivery->said = false;
}

/* The recipient that was asked for has its answer. */
static void question_answer(struct delivery *delivery, struct smtp_reply reply)
{
	delivery->asking = false;
	if (smtp_reply_class(reply) == 2)
		delivery->recipients[delivery->recipient_count - 1].accepted = true;
	else
		delivery->recipient_count--;
	event_put(delivery, (struct delivery_event){ .kind = DELIVERY_ANSWER, .reply = reply });
}

static void result_give(struct delivery *delivery, enum fate fate, struct smtp_reply reply)
{
	event_put(delivery, (struct delivery_event){ .kind = DELIVERY_RESULT, .fate = fate, .reply = reply });
	transaction_forget(delivery);
}

/* ---- the connection ---- */

static void connection_close(struct delivery *delivery)
{
	if (delivery->connected) {
		connect_withdraw(delivery);
		event_put(delivery, (struct delivery_event){ .kind = DELIVERY_CLOSE });
	}
	delivery->connected = delivery->greeted = delivery->said = false;
}

/* Makes a connection to the hop that is to be tried. It may serve further recipients and mails: each has a deadline of its own besides the client's. */
static void connection_open(struct delivery *delivery, int64_t now_ms)
{
	const struct delivery_settings *settings = &delivery->settings;
	struct smtp_client_settings client = smtp_client_defaults(settings->host_name);

	client.envelope_timeout_ms = settings->envelope_timeout_ms;
	client.delivery_timeout_ms = settings->delivery_timeout_ms;
	smtp_client_begin(&delivery->client, &client, now_ms);
	delivery->connected = true;
	delivery->greeted = delivery->said = false;
	delivery->connect_deadline_ms = now_ms + settings->connect_timeout_ms;
	event_put(delivery, (struct delivery_event){ .kind = DELIVERY_CONNECT, .hop = delivery->hop });
}

/* Nothing more is tried: what waits is answered. */
static void delivery_give_up(struct delivery *delivery)
{
	bool dot_left = delivery_dot_left(delivery);

	connection_close(delivery);
	delivery->hop = 0;
	if (delivery->asking)
		question_answer(delivery, smtp_reply_make(451, 4, 1));
	if (delivery->expecting)
		result_give(delivery, dot_left ? FATE_UNKNOWN : FATE_NOBODY, smtp_reply_make(451, 4, dot_left ? 2 : 1));
}

/*
 * Which hop is tried after one that was lost. A server that had greeted was there a moment ago (it was started anew, or has served enough mails on one
 * connection): once for each question, all hops are tried again from the first.
 */
static void hop_choose(struct delivery *delivery, bool greeted)
{
	if (greeted && !delivery->tried_anew) {
		delivery->tried_anew = true;
		delivery->hop = 0;
		return;
	}
	delivery->hop++;
}

/* The connection is of no more use: the next one, if somebody waits for something. */
static void connection_lost(struct delivery *delivery, int64_t now_ms)
{
	bool greeted = delivery->greeted;

	connection_close(delivery);
	if (!delivery->asking && !delivery->expecting) {
		delivery->hop = 0;
		return;
	}
	hop_choose(delivery, greeted);
	if (delivery_dot_left(delivery) || delivery->hop >= delivery->settings.hop_count) {
		delivery_give_up(delivery);
		return;
	}
	delivery->sending = false;
	delivery->content_sent = 0;
	connection_open(delivery, now_ms);
}

/* Says sender and recipients on a connection on which they were not said yet. */
static void envelope_say(struct delivery *delivery, int64_t now_ms)
{
	delivery->said = true;
	delivery->said_count = delivery->said_answered = 0;
	delivery->replay_refused = false;
	if (smtp_client_set_sender(&delivery->client, &delivery->sender, delivery->content.length, now_ms) != 0)
		return;
	for (unsigned int i = 0; i < delivery->recipient_count; i++) {
		delivery->said_map[delivery->said_count++] = i;
		smtp_client_add_recipient(&delivery->client, &delivery->recipients[i].address, now_ms);
	}
}

/* The last recipient was just asked for, and the others stand on this connection. */
static void recipient_say(struct delivery *delivery, int64_t now_ms)
{
	delivery->said_map[delivery->said_count++] = delivery->recipient_count - 1;
	smtp_client_add_recipient(&delivery->client, &delivery->recipients[delivery->recipient_count - 1].address, now_ms);
}

static int content_take(void *context, char *bytes, size_t room, size_t *ret_count)
{
	struct delivery *delivery = context;
	size_t left = delivery->content.length - delivery->content_sent;
	size_t count = left < room ? left : room;

	memcpy(bytes, delivery->content.data + delivery->content_sent, count);
	delivery->content_sent += count;
	*ret_count = count;
	return 0;
}

/* Everything is there and everybody has answered: the message goes out. */
static void content_send(struct delivery *delivery, int64_t now_ms)
{
	if (delivery->replay_refused) {
		connection_close(delivery);
		result_give(delivery, FATE_NOBODY, smtp_reply_make(451, 4, 1));
		return;
	}
	delivery->content_sent = 0;
	delivery->sending = smtp_client_send_content(&delivery->client, content_take, delivery, now_ms) == 0;
	if (!delivery->sending)
		connection_lost(delivery, now_ms);
}

/* Does what can be done now, after anything has changed. */
static void delivery_go_on(struct delivery *delivery, int64_t now_ms)
{
	bool ready = delivery->expecting && delivery->content.length > 0 && delivery->durable;

	if (!delivery->asking && !ready)
		return;
	if (!delivery->connected)
		connection_open(delivery, now_ms);
	if (!delivery->said)
		envelope_say(delivery, now_ms);
	if (ready && !delivery->sending && delivery->said_answered == delivery->said_count)
		content_send(delivery, now_ms);
}

/* ---- what the inner server says ---- */

static void recipient_answered(struct delivery *delivery, const struct smtp_client_event *event)
{
	unsigned int ours = event->recipient < delivery->said_count ? delivery->said_map[event->recipient] : UINT32_MAX;

	delivery->said_answered++;
	if (ours >= delivery->recipient_count)
		return;
	if (delivery->recipients[ours].accepted)
		delivery->replay_refused |= smtp_reply_class(event->reply) != 2;
	else if (delivery->asking && ours == delivery->recipient_count - 1)
		question_answer(delivery, event->reply);
}

/* What an answer to the mail means. A server whose queue breaks off may say 4xx to the dot and deliver all the same (Postfix, its cleanup killed). */
static enum fate answer_fate(const struct delivery *delivery, struct smtp_reply reply)
{
	if (smtp_reply_class(reply) == 2)
		return FATE_DELIVERED;
	return smtp_reply_class(reply) == 4 && delivery_dot_left(delivery) ? FATE_UNKNOWN : FATE_NOBODY;
}

static void mail_answered(struct delivery *delivery, struct smtp_reply reply)
{
	if (delivery->expecting)
		result_give(delivery, answer_fate(delivery, reply), reply);
	else
		delivery->said = false;
}

static void client_event(struct delivery *delivery, const struct smtp_client_event *event, int64_t now_ms)
{
	switch (event->kind) {
	case SMTP_CLIENT_READY:
		delivery->greeted = true;
		return;
	case SMTP_CLIENT_RECIPIENT:
		recipient_answered(delivery, event);
		return;
	case SMTP_CLIENT_RESULT:
		mail_answered(delivery, event->reply);
		return;
	case SMTP_CLIENT_CLOSED:
		connection_lost(delivery, now_ms);
		return;
	case SMTP_CLIENT_NOTHING:
	case SMTP_CLIENT_SENDER:	/* if it is a refusal, each recipient's answer is the same */
		return;
	}
}

/* Feeds until nothing more is used and nothing more is said. */
static void client_feed(struct delivery *delivery, struct span bytes, int64_t now_ms)
{
	struct smtp_client_event event;
	size_t used;

	do {
		used = smtp_client_feed(&delivery->client, bytes, now_ms, &event);
		bytes = span_part(bytes, used, bytes.length);
		client_event(delivery, &event, now_ms);
	} while (delivery->connected && event.kind != SMTP_CLIENT_CLOSED && (used > 0 || event.kind != SMTP_CLIENT_NOTHING));
	delivery_go_on(delivery, now_ms);
}

static const struct span no_bytes = { .length = 0 };

/* Does what can be done now. Some questions the client answers by itself, without a byte of the server's: it is asked at once. */
static void delivery_advance(struct delivery *delivery, int64_t now_ms)
{
	delivery_go_on(delivery, now_ms);
	if (delivery->connected)
		client_feed(delivery, no_bytes, now_ms);
}

void delivery_feed(struct delivery *delivery, struct span bytes, int64_t now_ms)
{
	if (delivery->connected)
		client_feed(delivery, bytes, now_ms);
}

struct span delivery_output(struct delivery *delivery)
{
	return delivery->connected ? smtp_client_output(&delivery->client) : no_bytes;
}

void delivery_sent(struct delivery *delivery, size_t count, int64_t now_ms)
{
	smtp_client_sent(&delivery->client, count, now_ms);
	client_feed(delivery, no_bytes, now_ms);
}

void delivery_connected(struct delivery *delivery, int64_t now_ms)
{
	delivery_advance(delivery, now_ms);
}

void delivery_failed(struct delivery *delivery, int64_t now_ms)
{
	if (!delivery->connected)
		return;
	smtp_client_break(&delivery->client);
	client_feed(delivery, no_bytes, now_ms);
}

/* ---- what the front and the keeper say ---- */

void delivery_begin(struct delivery *delivery, const struct delivery_settings *settings)
{
	assert(settings->hop_count > 0);
	memset(delivery, 0, sizeof(*delivery));
	delivery->settings = *settings;
}

bool delivery_dot_left(const struct delivery *delivery)
{
	return delivery->sending && delivery->client.content_ended;
}

void delivery_reset(struct delivery *delivery, int64_t now_ms)
{
	(void)now_ms;
	if (delivery_dot_left(delivery))
		return;
	/* A connection in the middle of something is not worth a RSET: the next mail makes a new one. */
	if (delivery->said)
		connection_close(delivery);
	delivery->hop = 0;
	if (delivery->expecting)
		result_give(delivery, FATE_NOBODY, smtp_reply_make(451, 3, 0));
	else
		transaction_forget(delivery);
}

void delivery_quit(struct delivery *delivery, int64_t now_ms)
{
	if (delivery->connected && delivery->greeted && !delivery->said)
		smtp_client_quit(&delivery->client, now_ms);
}

void delivery_sender(struct delivery *delivery, const struct smtp_address *sender, int64_t now_ms)
{
	delivery_reset(delivery, now_ms);
	delivery->sender = *sender;
	delivery->has_sender = true;
}

int delivery_recipient(struct delivery *delivery, const struct smtp_address *recipient, int64_t now_ms)
{
	if (!delivery->has_sender || delivery->expecting)
		return -ENOENT;
	if (delivery->asking)
		return -EBUSY;
	if (delivery->recipient_count == SMTP_CLIENT_RECIPIENTS_MAX || (delivery->said && delivery->said_count == SMTP_CLIENT_RECIPIENTS_MAX))
		return -ENOSPC;
	delivery->recipients[delivery->recipient_count++] = (struct delivery_recipient){ .address = *recipient };
	delivery->asking = true;
	delivery->tried_anew = false;
	delivery->ask_deadline_ms = now_ms + delivery->settings.envelope_timeout_ms;
	if (delivery->connected && delivery->said)
		recipient_say(delivery, now_ms);
	delivery_advance(delivery, now_ms);
	return 0;
}

int delivery_expect(struct delivery *delivery, int64_t now_ms)
{
	if (delivery->asking || delivery->expecting)
		return -EBUSY;
	if (delivery->recipient_count == 0)
		return -ENOENT;
	delivery->expecting = true;
	delivery->tried_anew = false;
	delivery->hop = delivery->connected ? delivery->hop : 0;
	delivery->content_deadline_ms = now_ms + delivery->settings.content_timeout_ms;
	return 0;
}

void delivery_content(struct delivery *delivery, struct span message, int64_t now_ms)
{
	delivery->content = message;
	delivery_advance(delivery, now_ms);
}

void delivery_durable(struct delivery *delivery, int64_t now_ms)
{
	delivery->durable = true;
	delivery_advance(delivery, now_ms);
}

void delivery_refuse(struct delivery *delivery, struct smtp_reply reply)
{
	connection_close(delivery);
	result_give(delivery, FATE_NOBODY, reply);
}

/* ---- time ---- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the mail must have its result. While the dot stands in the output its writing and its answer share what is left. */
static int64_t result_deadline_ms(const struct delivery *delivery)
{
	return delivery->content_deadline_ms + (delivery_dot_left(delivery) ? delivery->settings.delivery_timeout_ms : 0);
}

int64_t delivery_deadline(const struct delivery *delivery)
{
	int64_t deadline_ms = INT64_MAX;

	if (delivery->connected)
		deadline_ms = smtp_client_deadline(&delivery->client);
	if (delivery->connected && !delivery->greeted)
		deadline_ms = earlier(deadline_ms, delivery->connect_deadline_ms);
	if (delivery->asking)
		deadline_ms = earlier(deadline_ms, delivery->ask_deadline_ms);
	if (delivery->expecting)
		deadline_ms = earlier(deadline_ms, result_deadline_ms(delivery));
	return deadline_ms;
}

void delivery_expire(struct delivery *delivery, int64_t now_ms)
{
	if ((delivery->asking && now_ms >= delivery->ask_deadline_ms) || (delivery->expecting && now_ms >= result_deadline_ms(delivery)))
		delivery_give_up(delivery);
	if (delivery->connected && !delivery->greeted && now_ms >= delivery->connect_deadline_ms)
		delivery_failed(delivery, now_ms);
	if (delivery->connected && now_ms >= smtp_client_deadline(&delivery->client))
		client_feed(delivery, no_bytes, now_ms);
}
