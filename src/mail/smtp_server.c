/*
 * smtp_server: from the small to the whole: replies and limits, refusals, content, commands, answers, the
 * session.
 */
#include "mail/smtp_server.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct span span_after(struct span text, size_t count)
{
	return (struct span){ .data = text.data + count, .length = text.length - count };
}

static size_t output_room(const struct smtp_server *server)
{
	return sizeof(server->output) - server->output_length;
}

/*
 * Appends to the output. The caller has made sure that SMTP_SERVER_OUTPUT_RESERVE bytes are free, which
 * every reply keeps to.
 */
static void output_put(struct smtp_server *server, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void output_put(struct smtp_server *server, const char *format, ...)
{
	size_t room = output_room(server);
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(server->output + server->output_length, room, format, arguments);
	va_end(arguments);
	assert(length >= 0 && (size_t)length < room);
	server->output_length += (size_t)length;
}

static void reply_put(struct smtp_server *server, unsigned code, unsigned subject, unsigned detail, const char *words)
{
	output_put(server, "%u %u.%u.%u %s\r\n", code, code / 100, subject, detail, words);
}

static void session_end(struct smtp_server *server, enum smtp_server_end end)
{
	server->phase = SMTP_SERVER_OVER;
	server->owed = SMTP_SERVER_NOTHING;
	server->deadline_ms = INT64_MAX;
	server->end = end;
}

/*
 * A command in error. A client that makes too many of them is not a mail server, or means harm; only
 * addresses against our rules may come in any number, for a list of them can stand behind an honest client.
 */
static void command_refuse(struct smtp_server *server, unsigned code, unsigned subject, unsigned detail, const char *words)
{
	if (code != 553 && server->errors++ == server->settings.errors_max) {
		reply_put(server, 421, 7, 0, "Too many errors");
		session_end(server, SMTP_SERVER_END_ERRORS);
		return;
	}
	reply_put(server, code, subject, detail, words);
}

static void transaction_forget(struct smtp_server *server)
{
	server->has_sender = false;
	server->recipients = 0;
	server->discarding = false;
}

/* Gives the open transaction up, if there is one, and tells the caller. */
static void transaction_reset(struct smtp_server *server, struct smtp_server_event *event)
{
	if (server->has_sender)
		event->kind = SMTP_SERVER_RESET;
	transaction_forget(server);
}

/*
 * Starts the time for what the machine waits for now. The time for content runs from the 354 and is never
 * started again.
 */
static void deadline_set(struct smtp_server *server, int64_t now_ms)
{
	const struct smtp_server_settings *settings = &server->settings;

	if (server->phase == SMTP_SERVER_OVER)
		server->deadline_ms = INT64_MAX;
	else if (server->phase == SMTP_SERVER_IN_CONTENT && server->owed == SMTP_SERVER_NOTHING)
		server->deadline_ms = now_ms + settings->content_timeout_ms;
	else if (server->owed == SMTP_SERVER_NOTHING)
		server->deadline_ms = now_ms + settings->command_timeout_ms;
	else if (server->owed == SMTP_SERVER_DELIVER)
		server->deadline_ms = now_ms + settings->delivery_timeout_ms;
	else
		server->deadline_ms = now_ms + settings->question_timeout_ms;
}

static void question_ask(struct smtp_server *server, enum smtp_server_event_kind kind, struct smtp_server_event *event)
{
	server->owed = kind;
	server->question++;
	event->kind = kind;
	event->question = server->question;
}

/*
 * The code of a refusal as it may be said outside. 421 would promise to close the connection, 551 to name a
 * path; what is not in RFC 5321 section 4.2 could only confuse.
 */
static unsigned code_outward(struct smtp_reply reply)
{
	static const uint16_t known[] = { 450, 451, 452, 550, 552, 553, 554 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (reply.code == known[i])
			return reply.code;
	return smtp_reply_class(reply) == 4 ? 451 : 554;
}

/* Our words for a refusal that was decided elsewhere. */
static const char *refusal_words(struct smtp_reply reply)
{
	static const struct {
		uint16_t subject, detail;
		const char *words;
	} known[] = {
		{ 1, 1, "No such mailbox" },
		{ 1, 2, "No such domain here" },
		{ 2, 1, "Mailbox is closed" },
		{ 2, 2, "Mailbox is full" },
		{ 2, 3, "Message too large for this mailbox" },
		{ 3, 1, "No room to store the message" },
		{ 3, 2, "Not accepting messages now" },
		{ 3, 4, "Message too large" },
		{ 4, 1, "The next server does not answer" },
		{ 4, 2, "The next server broke off" },
		{ 4, 6, "The message goes round in a loop" },
		{ 7, 1, "Not permitted" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (reply.subject == known[i].subject && reply.detail == known[i].detail)
			return known[i].words;
	return smtp_reply_class(reply) == 4 ? "Not now, try again later" : "Refused";
}

static void refusal_put(struct smtp_server *server, struct smtp_reply reply)
{
	reply_put(server, code_outward(reply), reply.subject, reply.detail, refusal_words(reply));
}

static void content_end(struct smtp_server *server, int64_t now_ms, struct smtp_server_event *event)
{
	server->phase = SMTP_SERVER_IN_COMMAND;
	if (server->discarding) {
		refusal_put(server, server->discard_reply);
		transaction_forget(server);
	} else {
		question_ask(server, SMTP_SERVER_DELIVER, event);
	}
	deadline_set(server, now_ms);
}

/* Counts and reports content. What goes beyond the limit is not shown: the message is void from there. */
static void content_found(struct smtp_server *server, struct span content, struct smtp_server_event *event)
{
	if (server->discarding || content.length == 0)
		return;
	if (content.length > server->settings.message_bytes_max - server->content_bytes) {
		server->discarding = true;
		server->discard_reply = smtp_reply_make(552, 3, 4);
		event->kind = SMTP_SERVER_OVERSIZE;
		return;
	}
	server->content_bytes += content.length;
	event->kind = SMTP_SERVER_CONTENT;
	event->content = content;
}

static size_t content_feed(struct smtp_server *server, struct span bytes, int64_t now_ms, struct smtp_server_event *event)
{
	uint64_t room = server->settings.message_bytes_max - server->content_bytes;
	struct span content;
	bool end;
	size_t used;

	/* Up to the limit the caller sees every byte, however the input was cut. */
	if (!server->discarding && room > 0 && bytes.length > room)
		bytes.length = (size_t)room;
	used = smtp_content_unstuff(&server->content_state, bytes, &content, &end);
	content_found(server, content, event);
	if (end)
		content_end(server, now_ms, event);
	return used;
}

static void ehlo_run(struct smtp_server *server, const struct smtp_command *command, struct smtp_server_event *event)
{
	memcpy(server->hello, command->name.data, command->name.length);
	server->hello_length = command->name.length;
	transaction_reset(server, event);
	if (command->verb == SMTP_VERB_HELO)
		output_put(server, "250 %s\r\n", server->settings.host_name);
	else
		output_put(server, "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n",
			   server->settings.host_name, (unsigned long long)server->settings.message_bytes_max);
}

static void mail_run(struct smtp_server *server, const struct smtp_command *command, struct smtp_server_event *event)
{
	if (server->hello_length == 0) {
		command_refuse(server, 503, 5, 1, "Say EHLO first");
	} else if (server->has_sender) {
		command_refuse(server, 503, 5, 1, "There is a sender already");
	} else if (command->size_bytes > server->settings.message_bytes_max) {
		reply_put(server, 552, 3, 4, "Message too large");
	} else {
		server->address = command->address;
		server->declared_bytes = command->size_bytes;
		server->utf8 = command->utf8;
		question_ask(server, SMTP_SERVER_SENDER, event);
	}
}

static void rcpt_run(struct smtp_server *server, const struct smtp_command *command, struct smtp_server_event *event)
{
	if (!server->has_sender) {
		command_refuse(server, 503, 5, 1, "There is no sender yet");
	} else if (server->recipients >= server->settings.recipients_max) {
		reply_put(server, 452, 5, 3, "Too many recipients in one message");
	} else {
		server->address = command->address;
		question_ask(server, SMTP_SERVER_RECIPIENT, event);
	}
}

static void data_run(struct smtp_server *server, const struct smtp_command *command, struct smtp_server_event *event)
{
	(void)command;
	if (!server->has_sender)
		command_refuse(server, 503, 5, 1, "There is no sender yet");
	else if (server->recipients == 0)
		command_refuse(server, 554, 5, 1, "No valid recipients");
	else
		question_ask(server, SMTP_SERVER_BEGIN, event);
}

static void rset_run(struct smtp_server *server, const struct smtp_command *command, struct smtp_server_event *event)
{
	(void)command;
	transaction_reset(server, event);
	reply_put(server, 250, 0, 0, "Forgotten");
}

static void noop_run(struct smtp_server *server, const struct smtp_command *command, struct smtp_server_event *event)
{
	(void)command;
	(void)event;
	reply_put(server, 250, 0, 0, "Done");
}

static void vrfy_run(struct smtp_server *server, const struct smtp_command *command, struct smtp_server_event *event)
{
	(void)command;
	(void)event;
	reply_put(server, 252, 5, 0, "Send mail and see");
}

static void quit_run(struct smtp_server *server, const struct smtp_command *command, struct smtp_server_event *event)
{
	(void)command;
	(void)event;
	reply_put(server, 221, 0, 0, "Goodbye");
	session_end(server, SMTP_SERVER_END_QUIT);
}

/* Runs one whole line, without its CRLF. */
static void line_run(struct smtp_server *server, struct span line, struct smtp_server_event *event)
{
	static void (*const runs[SMTP_VERB_COUNT])(struct smtp_server *, const struct smtp_command *, struct smtp_server_event *) = {
		[SMTP_VERB_EHLO] = ehlo_run, [SMTP_VERB_HELO] = ehlo_run, [SMTP_VERB_MAIL] = mail_run, [SMTP_VERB_RCPT] = rcpt_run,
		[SMTP_VERB_DATA] = data_run, [SMTP_VERB_RSET] = rset_run, [SMTP_VERB_NOOP] = noop_run, [SMTP_VERB_QUIT] = quit_run,
		[SMTP_VERB_VRFY] = vrfy_run,
	};
	struct smtp_command command;
	struct smtp_refusal refusal;

	if (smtp_command_parse(line, &command, &refusal) == 0)
		runs[command.verb](server, &command, event);
	else
		command_refuse(server, refusal.reply.code, refusal.reply.subject, refusal.reply.detail, refusal.words);
}

/* Keeps bytes of the command line while they fit. */
static void line_append(struct smtp_server *server, struct span bytes)
{
	if (bytes.length > sizeof(server->line) - server->line_length)
		server->line_too_long = true;
	if (!server->line_too_long) {
		memcpy(server->line + server->line_length, bytes.data, bytes.length);
		server->line_length += bytes.length;
	}
	server->line_last = bytes.data[bytes.length - 1];
}

/*
 * Collects bytes up to CRLF. Returns how many were used; *ret_whole: the line is whole. A bare LF is part
 * of the line.
 */
static size_t line_collect(struct smtp_server *server, struct span bytes, bool *ret_whole)
{
	size_t used = 0;

	*ret_whole = false;
	while (used < bytes.length && !*ret_whole) {
		struct span rest = span_after(bytes, used);
		const char *end = memchr(rest.data, '\n', rest.length);
		char before = end && end > rest.data ? end[-1] : server->line_last;

		if (end)
			rest.length = (size_t)(end - rest.data) + 1;
		line_append(server, rest);
		used += rest.length;
		*ret_whole = end && before == '\r';
	}
	return used;
}

static void command_run(struct smtp_server *server, struct smtp_server_event *event)
{
	if (server->commands == server->settings.commands_max) {
		reply_put(server, 421, 7, 0, "Too many commands without a message");
		session_end(server, SMTP_SERVER_END_COMMANDS);
		return;
	}
	server->commands++;
	if (server->line_too_long)
		command_refuse(server, 500, 5, 2, "Line too long");
	else
		line_run(server, (struct span){ .data = server->line, .length = server->line_length - 2 }, event);
}

static size_t command_feed(struct smtp_server *server, struct span bytes, int64_t now_ms, struct smtp_server_event *event)
{
	bool whole;
	size_t used = line_collect(server, bytes, &whole);

	if (!whole)
		return used;
	command_run(server, event);
	server->line_length = 0;
	server->line_too_long = false;
	deadline_set(server, now_ms);
	return used;
}

static void content_begin(struct smtp_server *server)
{
	server->phase = SMTP_SERVER_IN_CONTENT;
	server->content_state = SMTP_CONTENT_LINE_START;
	server->content_bytes = 0;
	output_put(server, "354 End data with <CR><LF>.<CR><LF>\r\n");
}

static void answer_yes(struct smtp_server *server, enum smtp_server_event_kind question)
{
	if (question == SMTP_SERVER_SENDER) {
		server->has_sender = true;
		reply_put(server, 250, 1, 0, "Sender accepted");
	} else if (question == SMTP_SERVER_RECIPIENT) {
		server->recipients++;
		reply_put(server, 250, 1, 5, "Recipient accepted");
	} else if (question == SMTP_SERVER_BEGIN) {
		content_begin(server);
	} else {
		server->commands = 0;
		transaction_forget(server);
		reply_put(server, 250, 0, 0, "Delivered");
	}
}

static void answer_no(struct smtp_server *server, enum smtp_server_event_kind question, struct smtp_reply reply)
{
	if (question == SMTP_SERVER_BEGIN || question == SMTP_SERVER_DELIVER)
		transaction_forget(server);
	refusal_put(server, reply);
}

static void answer_late(struct smtp_server *server, int64_t now_ms, struct smtp_server_event *event)
{
	enum smtp_server_event_kind question = server->owed;

	server->owed = SMTP_SERVER_NOTHING;
	answer_no(server, question, smtp_reply_make(451, 4, 1));
	deadline_set(server, now_ms);
	event->kind = SMTP_SERVER_LATE;
	event->question = server->question;
}

static bool reply_is_refusal(struct smtp_reply reply)
{
	return smtp_reply_class(reply) == 4 || smtp_reply_class(reply) == 5;
}

static void event_fill(struct smtp_server *server, struct smtp_server_event *event)
{
	event->address = &server->address;
	event->declared_bytes = server->declared_bytes;
	event->utf8 = server->utf8;
	if (server->phase == SMTP_SERVER_OVER && !server->end_told) {
		event->kind = SMTP_SERVER_CLOSED;
		event->end = server->end;
		server->end_told = true;
	}
}

struct smtp_server_settings smtp_server_defaults(const char *host_name)
{
	return (struct smtp_server_settings){
		.host_name = host_name, .message_bytes_max = 30 << 20, .recipients_max = 100, .errors_max = 20, .commands_max = 1000,
		.command_timeout_ms = 300000, .content_timeout_ms = 600000, .question_timeout_ms = 240000, .delivery_timeout_ms = 540000,
	};
}

void smtp_server_begin(struct smtp_server *server, const struct smtp_server_settings *settings, int64_t now_ms)
{
	assert(smtp_domain_is_valid(span_of(settings->host_name)));
	*server = (struct smtp_server){ .settings = *settings, .phase = SMTP_SERVER_IN_COMMAND };
	output_put(server, "220 %s ESMTP\r\n", settings->host_name);
	deadline_set(server, now_ms);
}

enum smtp_server_wait smtp_server_waits_for(const struct smtp_server *server)
{
	if (server->phase == SMTP_SERVER_OVER)
		return SMTP_SERVER_WAITS_FOR_CLOSE;
	if (server->owed != SMTP_SERVER_NOTHING)
		return SMTP_SERVER_WAITS_FOR_ANSWER;
	return output_room(server) < SMTP_SERVER_OUTPUT_RESERVE ? SMTP_SERVER_WAITS_FOR_OUTPUT : SMTP_SERVER_WAITS_FOR_INPUT;
}

size_t smtp_server_feed(struct smtp_server *server, struct span bytes, int64_t now_ms, struct smtp_server_event *ret_event)
{
	size_t used = 0;

	smtp_server_expire(server, now_ms, ret_event);
	while (ret_event->kind == SMTP_SERVER_NOTHING && used < bytes.length &&
	       smtp_server_waits_for(server) == SMTP_SERVER_WAITS_FOR_INPUT) {
		struct span rest = span_after(bytes, used);

		if (server->phase == SMTP_SERVER_IN_CONTENT)
			used += content_feed(server, rest, now_ms, ret_event);
		else
			used += command_feed(server, rest, now_ms, ret_event);
	}
	event_fill(server, ret_event);
	return used;
}

int smtp_server_answer(struct smtp_server *server, uint32_t question, struct smtp_reply reply, int64_t now_ms)
{
	enum smtp_server_event_kind owed = server->owed;

	if (owed == SMTP_SERVER_NOTHING || question != server->question)
		return -ESTALE;
	if (smtp_reply_class(reply) != 2 && !reply_is_refusal(reply))
		return -EINVAL;
	server->owed = SMTP_SERVER_NOTHING;
	if (smtp_reply_class(reply) == 2)
		answer_yes(server, owed);
	else
		answer_no(server, owed, reply);
	deadline_set(server, now_ms);
	return 0;
}

int smtp_server_discard(struct smtp_server *server, struct smtp_reply reply)
{
	if (server->phase != SMTP_SERVER_IN_CONTENT || server->discarding)
		return -ESTALE;
	if (!reply_is_refusal(reply))
		return -EINVAL;
	server->discarding = true;
	server->discard_reply = reply;
	return 0;
}

void smtp_server_shut(struct smtp_server *server)
{
	if (server->phase == SMTP_SERVER_OVER)
		return;
	reply_put(server, 421, 3, 2, "The service is closing");
	session_end(server, SMTP_SERVER_END_SHUTDOWN);
}

int64_t smtp_server_deadline(const struct smtp_server *server)
{
	return server->deadline_ms;
}

void smtp_server_expire(struct smtp_server *server, int64_t now_ms, struct smtp_server_event *ret_event)
{
	*ret_event = (struct smtp_server_event){ .kind = SMTP_SERVER_NOTHING };
	if (now_ms < server->deadline_ms)
		return;
	if (server->owed != SMTP_SERVER_NOTHING) {
		answer_late(server, now_ms, ret_event);
		return;
	}
	reply_put(server, 421, 4, 2, "Too slow");
	session_end(server, SMTP_SERVER_END_TIMEOUT);
	event_fill(server, ret_event);
}

struct span smtp_server_output(const struct smtp_server *server)
{
	return (struct span){ .data = server->output, .length = server->output_length };
}

void smtp_server_sent(struct smtp_server *server, size_t count)
{
	assert(count <= server->output_length);
	server->output_length -= count;
	memmove(server->output, server->output + count, server->output_length);
}

struct span smtp_server_hello(const struct smtp_server *server)
{
	return (struct span){ .data = server->hello, .length = server->hello_length };
}
