/*
 * smtp_client: what is said and when; one function per state for what is answered; content; the functions
 * of the header.
 */
#include "mail/smtp_client.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	COMMAND_BYTES_MAX = 512,	/* more than any command of ours: the longest is MAIL with a path and a size */
	CONTENT_ROOM_BYTES = 2 * SMTP_CLIENT_CHUNK_BYTES + 3, /* a piece full of dots, and the last dot */
};

static size_t output_room(const struct smtp_client *client)
{
	return sizeof(client->output) - client->output_length;
}

static void output_put(struct smtp_client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void output_put(struct smtp_client *client, const char *format, ...)
{
	size_t room = output_room(client);
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(client->output + client->output_length, room, format, arguments);
	va_end(arguments);
	assert(length >= 0 && (size_t)length < room);
	client->output_length += (size_t)length;
}

/* Gives the connection up. What was not written is not written any more, above all no dot. */
static void connection_end(struct smtp_client *client, enum smtp_client_failure failure)
{
	client->state = SMTP_CLIENT_OVER;
	client->failure = failure;
	client->output_length = 0;
	client->deadline_ms = INT64_MAX;
}

static void transaction_forget(struct smtp_client *client)
{
	client->has_sender = client->sender_sent = client->sender_answered = client->sender_told = false;
	client->recipients_count = client->recipients_sent = client->recipients_answered = client->recipients_accepted = 0;
}

static bool reply_is_yes(struct smtp_reply reply)
{
	return smtp_reply_class(reply) == 2;
}

static bool reply_is_no(struct smtp_reply reply)
{
	return smtp_reply_class(reply) == 4 || smtp_reply_class(reply) == 5;
}

static bool sender_is_refused(const struct smtp_client *client)
{
	return client->sender_answered && reply_is_no(client->sender_reply);
}

/* True while an answer to sender or recipients is outstanding. */
static bool envelope_is_open(const struct smtp_client *client)
{
	return client->has_sender && (!client->sender_answered || client->recipients_answered < client->recipients_count);
}

static void sender_answered(struct smtp_client *client, struct smtp_reply reply)
{
	client->sender_answered = true;
	client->sender_reply = reply;
	if (!envelope_is_open(client))
		client->deadline_ms = INT64_MAX;
}

static void mail_put(struct smtp_client *client)
{
	char path[SMTP_PATH_TEXT_BYTES];

	client->sender_sent = true;
	if (client->size_offered && client->size_max_bytes > 0 && client->size_bytes > client->size_max_bytes) {
		/* The server has said how it would answer. */
		sender_answered(client, smtp_reply_make(552, 3, 4));
		return;
	}
	output_put(client, "MAIL FROM:%s", smtp_path_format(&client->sender, path));
	if (client->size_offered && client->size_bytes > 0)
		output_put(client, " SIZE=%llu", (unsigned long long)client->size_bytes);
	output_put(client, "\r\n");
}

static bool recipient_is_due(const struct smtp_client *client)
{
	if (client->recipients_sent == client->recipients_count || sender_is_refused(client))
		return false;
	if (client->pipelining)
		return true;
	return client->sender_answered && client->recipients_sent == client->recipients_answered;
}

/* Says what can be said now. Called whenever something has changed; says nothing twice. */
static void envelope_advance(struct smtp_client *client)
{
	char path[SMTP_PATH_TEXT_BYTES];

	if (client->state != SMTP_CLIENT_OPEN || !client->has_sender)
		return;
	if (!client->sender_sent && output_room(client) >= COMMAND_BYTES_MAX)
		mail_put(client);
	while (client->sender_sent && recipient_is_due(client) && output_room(client) >= COMMAND_BYTES_MAX)
		output_put(client, "RCPT TO:%s\r\n", smtp_path_format(&client->recipients[client->recipients_sent++], path));
}

/*
 * Starts the time for the envelope when something is asked while no time runs. Before READY it runs from
 * the beginning.
 */
static void envelope_deadline_set(struct smtp_client *client, int64_t now_ms)
{
	if (client->deadline_ms == INT64_MAX)
		client->deadline_ms = now_ms + client->settings.envelope_timeout_ms;
}

static void hello_done(struct smtp_client *client, struct smtp_client_event *event)
{
	client->state = SMTP_CLIENT_OPEN;
	event->kind = SMTP_CLIENT_READY;
	if (!envelope_is_open(client))
		client->deadline_ms = INT64_MAX;
}

static void greeting_answered(struct smtp_client *client, struct smtp_reply reply)
{
	if (reply.code != 220) {
		connection_end(client, SMTP_CLIENT_FAILURE_REFUSED);
		return;
	}
	client->state = SMTP_CLIENT_EHLO;
	output_put(client, "EHLO %s\r\n", client->settings.host_name);
}

static void ehlo_answered(struct smtp_client *client, struct smtp_reply reply, struct smtp_client_event *event)
{
	if (reply.code == 250) {
		hello_done(client, event);
	} else if (smtp_reply_class(reply) == 5) {
		client->pipelining = client->size_offered = false;
		client->state = SMTP_CLIENT_HELO;
		output_put(client, "HELO %s\r\n", client->settings.host_name);
	} else {
		connection_end(client, SMTP_CLIENT_FAILURE_REFUSED);
	}
}

static void helo_answered(struct smtp_client *client, struct smtp_reply reply, struct smtp_client_event *event)
{
	if (reply.code == 250)
		hello_done(client, event);
	else
		connection_end(client, SMTP_CLIENT_FAILURE_REFUSED);
}

/*
 * The reply to the recipient that comes next. If the sender was refused, that is the reason, and not the
 * 503 that follows from it.
 */
static void recipient_answered(struct smtp_client *client, struct smtp_reply reply, int64_t now_ms, struct smtp_client_event *event)
{
	event->kind = SMTP_CLIENT_RECIPIENT;
	event->reply = sender_is_refused(client) ? client->sender_reply : reply;
	event->recipient = client->recipients_answered++;
	if (reply_is_yes(event->reply))
		client->recipients_accepted++;
	client->deadline_ms = INT64_MAX;
	if (envelope_is_open(client))
		envelope_deadline_set(client, now_ms);
}

static void envelope_answered(struct smtp_client *client, struct smtp_reply reply, int64_t now_ms, struct smtp_client_event *event)
{
	bool asked_sender = client->sender_sent && !client->sender_answered;

	if ((!asked_sender && client->recipients_answered >= client->recipients_sent) || !(reply_is_yes(reply) || reply_is_no(reply)))
		connection_end(client, SMTP_CLIENT_FAILURE_PROTOCOL);
	else if (asked_sender)
		sender_answered(client, reply);
	else
		recipient_answered(client, reply, now_ms, event);
}

static void result_take(struct smtp_client *client, struct smtp_reply reply, struct smtp_client_event *event)
{
	event->kind = SMTP_CLIENT_RESULT;
	event->reply = reply;
	transaction_forget(client);
	client->state = SMTP_CLIENT_OPEN;
	client->deadline_ms = INT64_MAX;
}

static void data_answered(struct smtp_client *client, struct smtp_reply reply, int64_t now_ms, struct smtp_client_event *event)
{
	if (reply_is_no(reply)) {
		result_take(client, reply, event);
	} else if (reply.code != 354) {
		connection_end(client, SMTP_CLIENT_FAILURE_PROTOCOL);
	} else {
		client->state = SMTP_CLIENT_CONTENT;
		client->deadline_ms = now_ms + client->settings.content_timeout_ms;
	}
}

/*
 * A reply before the dot was written. A yes to half a message is not believed; after a no the server and we
 * are out of step.
 */
static void content_answered(struct smtp_client *client, struct smtp_reply reply, struct smtp_client_event *event)
{
	if (reply_is_no(reply)) {
		result_take(client, reply, event);
		connection_end(client, SMTP_CLIENT_FAILURE_EARLY);
	} else {
		connection_end(client, SMTP_CLIENT_FAILURE_PROTOCOL);
	}
}

static void delivery_answered(struct smtp_client *client, struct smtp_reply reply, struct smtp_client_event *event)
{
	if (reply_is_yes(reply) || reply_is_no(reply))
		result_take(client, reply, event);
	else
		connection_end(client, SMTP_CLIENT_FAILURE_PROTOCOL);
}

static void reply_take(struct smtp_client *client, struct smtp_reply reply, int64_t now_ms, struct smtp_client_event *event)
{
	if (client->state == SMTP_CLIENT_QUIT) {
		connection_end(client, SMTP_CLIENT_FAILURE_NONE);
		return;
	}
	if (reply.code == 421) {
		connection_end(client, SMTP_CLIENT_FAILURE_CLOSING);
		return;
	}
	switch (client->state) {
	case SMTP_CLIENT_GREETING:
		greeting_answered(client, reply);
		break;
	case SMTP_CLIENT_EHLO:
		ehlo_answered(client, reply, event);
		break;
	case SMTP_CLIENT_HELO:
		helo_answered(client, reply, event);
		break;
	case SMTP_CLIENT_OPEN:
		envelope_answered(client, reply, now_ms, event);
		break;
	case SMTP_CLIENT_DATA:
		data_answered(client, reply, now_ms, event);
		break;
	case SMTP_CLIENT_CONTENT:
		content_answered(client, reply, event);
		break;
	case SMTP_CLIENT_DELIVERY:
		delivery_answered(client, reply, event);
		break;
	case SMTP_CLIENT_QUIT:
	case SMTP_CLIENT_OVER:
		break;
	}
}

/*
 * True when the line begins with this keyword (in capitals, RFC 5321 section 4.1.1.1: any case); *ret_value
 * is what follows.
 */
static bool keyword_read(struct span line, const char *keyword, struct span *ret_value)
{
	size_t length = strlen(keyword);

	if (line.length < length || (line.length > length && line.data[length] != ' '))
		return false;
	for (size_t i = 0; i < length; i++) {
		char byte = line.data[i];

		if (byte >= 'a' && byte <= 'z')
			byte = (char)(byte - 'a' + 'A');
		if (byte != keyword[i])
			return false;
	}
	*ret_value = (struct span){ .data = line.data + length, .length = line.length - length };
	return true;
}

/* The number behind SIZE: 0, no limit, when there is none or it is none that could matter. */
static uint64_t size_limit_read(struct span value)
{
	uint64_t limit_bytes = 0;

	if (value.length < 2 || value.length > 19)
		return 0;
	for (size_t i = 1; i < value.length; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return 0;
		limit_bytes = limit_bytes * 10 + (uint64_t)(value.data[i] - '0');
	}
	return limit_bytes;
}

static void ehlo_line_read(struct smtp_client *client, const struct smtp_reply_line *line)
{
	struct span value;

	if (line->number == 1 || line->reply.code != 250)
		return;
	if (keyword_read(line->text, "PIPELINING", &value)) {
		client->pipelining = true;
	} else if (keyword_read(line->text, "SIZE", &value)) {
		client->size_offered = true;
		client->size_max_bytes = size_limit_read(value);
	}
}

/* Takes bytes up to the end of one whole reply. */
static size_t reply_feed(struct smtp_client *client, struct span bytes, int64_t now_ms, struct smtp_client_event *event)
{
	size_t used = 0;

	while (used < bytes.length) {
		struct span rest = { .data = bytes.data + used, .length = bytes.length - used };
		struct smtp_reply_line line;
		size_t taken;
		int result = smtp_reply_read(&client->reader, rest, &taken, &line);

		used += taken;
		if (result < 0) {
			connection_end(client, SMTP_CLIENT_FAILURE_PROTOCOL);
			break;
		}
		if (result == 1 && client->state == SMTP_CLIENT_EHLO)
			ehlo_line_read(client, &line);
		if (result == 1 && line.last) {
			reply_take(client, line.reply, now_ms, event);
			break;
		}
	}
	return used;
}

/*
 * What is said for everything that has no answer of the server's own. Never 5xx: a server of ours that is
 * ill must not bounce mail.
 */
static struct smtp_reply failure_reply(enum smtp_client_failure failure)
{
	switch (failure) {
	case SMTP_CLIENT_FAILURE_TIMEOUT:
		return smtp_reply_make(451, 4, 1);
	case SMTP_CLIENT_FAILURE_NONE:
	case SMTP_CLIENT_FAILURE_BROKEN:
	case SMTP_CLIENT_FAILURE_EARLY:
		return smtp_reply_make(451, 4, 2);
	case SMTP_CLIENT_FAILURE_CLOSING:
	case SMTP_CLIENT_FAILURE_REFUSED:
		return smtp_reply_make(451, 3, 2);
	case SMTP_CLIENT_FAILURE_PROTOCOL:
		return smtp_reply_make(451, 5, 0);
	case SMTP_CLIENT_FAILURE_SOURCE:
	case SMTP_CLIENT_FAILURE_CONTENT:
		return smtp_reply_make(451, 3, 0);
	}
	return smtp_reply_make(451, 0, 0);
}

/*
 * Events that need no reply: the end, the answer to the sender, and what follows from it for recipients
 * that were never sent.
 */
static void event_find(struct smtp_client *client, int64_t now_ms, struct smtp_client_event *event)
{
	if (client->state == SMTP_CLIENT_OVER) {
		if (client->end_told)
			return;
		client->end_told = true;
		*event = (struct smtp_client_event){
			.kind = SMTP_CLIENT_CLOSED, .failure = client->failure, .reply = failure_reply(client->failure),
		};
	} else if (client->sender_answered && !client->sender_told) {
		client->sender_told = true;
		event->kind = SMTP_CLIENT_SENDER;
		event->reply = client->sender_reply;
	} else if (sender_is_refused(client) && client->recipients_answered >= client->recipients_sent &&
		   client->recipients_answered < client->recipients_count) {
		recipient_answered(client, client->sender_reply, now_ms, event);
	}
}

/* Takes the next piece of content from its source into the output. */
static void content_pull(struct smtp_client *client)
{
	char piece[SMTP_CLIENT_CHUNK_BYTES];
	size_t count = 0, length;

	if (client->source(client->source_context, piece, sizeof(piece), &count) < 0 || count > sizeof(piece)) {
		connection_end(client, SMTP_CLIENT_FAILURE_SOURCE);
		return;
	}
	if (count > 0) {
		struct span content = { .data = piece, .length = count };

		if (smtp_content_stuff(&client->stuffer, content, client->output + client->output_length, &length) < 0)
			connection_end(client, SMTP_CLIENT_FAILURE_CONTENT);
		else
			client->output_length += length;
	} else if (smtp_content_may_end(&client->stuffer)) {
		memcpy(client->output + client->output_length, ".\r\n", 3);
		client->output_length += 3;
		client->content_ended = true;
	} else {
		connection_end(client, SMTP_CLIENT_FAILURE_CONTENT);
	}
}

struct smtp_client_settings smtp_client_defaults(const char *host_name)
{
	return (struct smtp_client_settings){
		.host_name = host_name, .envelope_timeout_ms = 240000, .data_timeout_ms = 60000, .content_timeout_ms = 120000,
		.delivery_timeout_ms = 300000, .quit_timeout_ms = 5000,
	};
}

void smtp_client_begin(struct smtp_client *client, const struct smtp_client_settings *settings, int64_t now_ms)
{
	assert(smtp_domain_is_valid(span_of(settings->host_name)));
	*client = (struct smtp_client){ .settings = *settings, .state = SMTP_CLIENT_GREETING };
	client->deadline_ms = now_ms + settings->envelope_timeout_ms;
}

int smtp_client_set_sender(struct smtp_client *client, const struct smtp_address *sender, uint64_t size_bytes, int64_t now_ms)
{
	if (client->state == SMTP_CLIENT_QUIT || client->state == SMTP_CLIENT_OVER)
		return -EPIPE;
	if (client->state > SMTP_CLIENT_OPEN || (client->has_sender && !(sender_is_refused(client) && !envelope_is_open(client))))
		return -EBUSY;
	transaction_forget(client);
	client->has_sender = true;
	client->sender = *sender;
	client->size_bytes = size_bytes;
	envelope_deadline_set(client, now_ms);
	envelope_advance(client);
	return 0;
}

int smtp_client_add_recipient(struct smtp_client *client, const struct smtp_address *recipient, int64_t now_ms)
{
	if (client->state == SMTP_CLIENT_QUIT || client->state == SMTP_CLIENT_OVER)
		return -EPIPE;
	if (client->state > SMTP_CLIENT_OPEN)
		return -EBUSY;
	if (!client->has_sender || recipient->length == 0)
		return -EINVAL;
	if (client->recipients_count == SMTP_CLIENT_RECIPIENTS_MAX)
		return -ENOSPC;
	client->recipients[client->recipients_count++] = *recipient;
	envelope_deadline_set(client, now_ms);
	envelope_advance(client);
	return 0;
}

int smtp_client_send_content(struct smtp_client *client, smtp_content_source *source, void *context, int64_t now_ms)
{
	if (client->state == SMTP_CLIENT_QUIT || client->state == SMTP_CLIENT_OVER)
		return -EPIPE;
	if (client->state != SMTP_CLIENT_OPEN || envelope_is_open(client))
		return -EBUSY;
	if (client->recipients_accepted == 0)
		return -ENOENT;
	client->source = source;
	client->source_context = context;
	client->stuffer = (struct smtp_stuffer){ .state = SMTP_CONTENT_LINE_START };
	client->content_ended = false;
	client->state = SMTP_CLIENT_DATA;
	client->deadline_ms = now_ms + client->settings.data_timeout_ms;
	output_put(client, "DATA\r\n");
	return 0;
}

int smtp_client_quit(struct smtp_client *client, int64_t now_ms)
{
	if (client->state == SMTP_CLIENT_QUIT || client->state == SMTP_CLIENT_OVER)
		return -EPIPE;
	if (client->state > SMTP_CLIENT_OPEN)
		return -EBUSY;
	transaction_forget(client);
	client->state = SMTP_CLIENT_QUIT;
	client->deadline_ms = now_ms + client->settings.quit_timeout_ms;
	output_put(client, "QUIT\r\n");
	return 0;
}

size_t smtp_client_feed(struct smtp_client *client, struct span bytes, int64_t now_ms, struct smtp_client_event *ret_event)
{
	size_t used = 0;

	*ret_event = (struct smtp_client_event){ .kind = SMTP_CLIENT_NOTHING };
	if (now_ms >= client->deadline_ms)
		connection_end(client, client->state == SMTP_CLIENT_QUIT ? SMTP_CLIENT_FAILURE_NONE : SMTP_CLIENT_FAILURE_TIMEOUT);
	event_find(client, now_ms, ret_event);
	if (ret_event->kind != SMTP_CLIENT_NOTHING || client->state == SMTP_CLIENT_OVER)
		return 0;
	used = reply_feed(client, bytes, now_ms, ret_event);
	envelope_advance(client);
	if (ret_event->kind == SMTP_CLIENT_NOTHING)
		event_find(client, now_ms, ret_event);
	return used;
}

void smtp_client_break(struct smtp_client *client)
{
	if (client->state != SMTP_CLIENT_OVER)
		connection_end(client, client->state == SMTP_CLIENT_QUIT ? SMTP_CLIENT_FAILURE_NONE : SMTP_CLIENT_FAILURE_BROKEN);
}

struct span smtp_client_output(struct smtp_client *client)
{
	while (client->state == SMTP_CLIENT_CONTENT && !client->content_ended && output_room(client) >= CONTENT_ROOM_BYTES)
		content_pull(client);
	return (struct span){ .data = client->output, .length = client->output_length };
}

void smtp_client_sent(struct smtp_client *client, size_t count, int64_t now_ms)
{
	assert(count <= client->output_length);
	client->output_length -= count;
	memmove(client->output, client->output + count, client->output_length);
	if (client->state == SMTP_CLIENT_CONTENT && client->content_ended && client->output_length == 0) {
		client->state = SMTP_CLIENT_DELIVERY;
		client->deadline_ms = now_ms + client->settings.delivery_timeout_ms;
	}
	envelope_advance(client);
}

int64_t smtp_client_deadline(const struct smtp_client *client)
{
	return client->deadline_ms;
}
