/*
 * smtp_client: an SMTP client (RFC 5321) as a state machine: replies in, commands and events out.
 *
 * It owns no socket and no clock. Envelope and content come from the caller step by step, so that a
 * recipient can be asked for while somebody outside waits for the answer. Of a reply only numbers are kept
 * (mail/smtp_reply.h); a server that does not keep to the grammar is given up. Content goes through
 * mail/smtp_content.h: nothing leaves whose end could be seen in two places, and content that cannot be
 * finished is never ended with a dot.
 *
 * The order of calls: smtp_client_begin(), smtp_client_set_sender(), smtp_client_add_recipient() for each,
 * smtp_client_send_content() when each recipient has its event, smtp_client_quit(). Sender and recipients
 * may be given before the server has greeted; they are sent when it is time, together if the server offers
 * PIPELINING. After SMTP_CLIENT_RESULT the next sender may be set. Neither SIZE beyond an estimate nor BODY
 * nor SMTPUTF8 is said: what we send is short and 7-bit.
 */
#ifndef MAIL_SMTP_CLIENT_H
#define MAIL_SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/smtp_address.h"
#include "mail/smtp_content.h"
#include "mail/smtp_reply.h"

enum {
	SMTP_CLIENT_RECIPIENTS_MAX = 100,
	SMTP_CLIENT_CHUNK_BYTES = 2048,	/* content is taken from its source in pieces of at most this */
	SMTP_CLIENT_OUTPUT_BYTES = 8192,
};

struct smtp_client_settings {
	const char *host_name;		/* what we call ourselves: a host name; outlives the client */
	int64_t envelope_timeout_ms;	/* from begin, or from the request, to the answer for the first recipient; then for each further one */
	int64_t data_timeout_ms;	/* from DATA to 354 */
	int64_t content_timeout_ms;	/* from 354 until the dot is written */
	int64_t delivery_timeout_ms;	/* from the dot to its answer */
	int64_t quit_timeout_ms;
};

/*
 * The settings in use: 240 s, 60 s, 120 s, 300 s, 5 s. The middle three stay below the 540 s that the
 * server outside has.
 */
struct smtp_client_settings smtp_client_defaults(const char *host_name);

/* Why a connection is over. */
enum smtp_client_failure {
	SMTP_CLIENT_FAILURE_NONE,	/* after smtp_client_quit() */
	SMTP_CLIENT_FAILURE_TIMEOUT,
	SMTP_CLIENT_FAILURE_BROKEN,	/* the server closed the connection */
	SMTP_CLIENT_FAILURE_CLOSING,	/* the server said 421 */
	SMTP_CLIENT_FAILURE_REFUSED,	/* the server did not greet with 220, or took neither EHLO nor HELO */
	SMTP_CLIENT_FAILURE_PROTOCOL,	/* not a reply, or one that has no place here */
	SMTP_CLIENT_FAILURE_EARLY,	/* the content was refused before it was whole; SMTP_CLIENT_RESULT came before */
	SMTP_CLIENT_FAILURE_SOURCE,	/* the source could not give the content */
	SMTP_CLIENT_FAILURE_CONTENT,	/* the content is not fit to be sent: a fault of ours, which would be the same next time */
};

enum smtp_client_event_kind {
	SMTP_CLIENT_NOTHING,
	SMTP_CLIENT_READY,	/* the server has greeted and knows us */
	SMTP_CLIENT_SENDER,	/* .reply to the sender, 2xx, 4xx or 5xx. If it is no, each recipient gets the same reply */
	SMTP_CLIENT_RECIPIENT,	/* .reply to recipient number .recipient */
	SMTP_CLIENT_RESULT,	/* .reply to the message; the transaction is over. 2xx: the server has it */
	SMTP_CLIENT_CLOSED,	/* close the connection; .failure says why, .reply is the 451 for everything that has no answer */
};

struct smtp_client_event {
	enum smtp_client_event_kind kind;
	struct smtp_reply reply;
	unsigned recipient;	/* in the order they were added, from 0 */
	enum smtp_client_failure failure;
};

/*
 * Where content comes from: puts at most room bytes at bytes and their number in *ret_count; 0 of them are
 * the end. 0, or negative errno: the content cannot be had, and the connection is broken off.
 */
typedef int smtp_content_source(void *context, char *bytes, size_t room, size_t *ret_count);

/* What the client waits for. */
enum smtp_client_state {
	SMTP_CLIENT_GREETING, SMTP_CLIENT_EHLO, SMTP_CLIENT_HELO,
	SMTP_CLIENT_OPEN,	/* answers to sender and recipients, or the caller */
	SMTP_CLIENT_DATA,	/* 354 */
	SMTP_CLIENT_CONTENT,	/* content to be written, with its dot */
	SMTP_CLIENT_DELIVERY,	/* the answer to the dot */
	SMTP_CLIENT_QUIT,
	SMTP_CLIENT_OVER,
};

/* One connection, about 40 KB, without any memory of its own. Members are the machine's. */
struct smtp_client {
	struct smtp_client_settings settings;
	enum smtp_client_state state;
	enum smtp_client_failure failure;
	bool end_told;
	int64_t deadline_ms;
	struct smtp_reply_reader reader;

	bool pipelining, size_offered;	/* offered by EHLO */
	uint64_t size_max_bytes;	/* 0: no limit is known */

	bool has_sender, sender_sent, sender_answered, sender_told;
	struct smtp_address sender;
	uint64_t size_bytes;
	struct smtp_reply sender_reply;

	struct smtp_address recipients[SMTP_CLIENT_RECIPIENTS_MAX];
	unsigned recipients_count, recipients_sent, recipients_answered, recipients_accepted;

	smtp_content_source *source;
	void *source_context;
	struct smtp_stuffer stuffer;
	bool content_ended;		/* the dot stands in the output */

	char output[SMTP_CLIENT_OUTPUT_BYTES];
	size_t output_length;
};

/*
 * Begins a connection. Call it when connecting begins, since that takes from the same time. now_ms: as in
 * mail/smtp_server.h.
 */
void smtp_client_begin(struct smtp_client *client, const struct smtp_client_settings *settings, int64_t now_ms);

/*
 * Opens a transaction. size_bytes: an estimate of the content for SIZE, 0: none is given. 0; -EBUSY: one is
 * open; -EPIPE: the connection is over, or about to.
 */
int smtp_client_set_sender(struct smtp_client *client, const struct smtp_address *sender, uint64_t size_bytes, int64_t now_ms);

/*
 * Adds a recipient. 0; -EINVAL: there is no sender, or the address is null; -ENOSPC: there are
 * SMTP_CLIENT_RECIPIENTS_MAX already; -EBUSY: content is on its way; -EPIPE: the connection is over, or
 * about to.
 */
int smtp_client_add_recipient(struct smtp_client *client, const struct smtp_address *recipient, int64_t now_ms);

/*
 * Sends the content to the accepted recipients. source and context must stay until SMTP_CLIENT_RESULT or
 * SMTP_CLIENT_CLOSED. The content is lines of at most 998 ASCII bytes, each ended by CRLF. 0; -EBUSY: a
 * recipient has no answer yet; -ENOENT: nobody was accepted; -EPIPE: the connection is over, or about to.
 */
int smtp_client_send_content(struct smtp_client *client, smtp_content_source *source, void *context, int64_t now_ms);

/*
 * Says goodbye; an open transaction is given up. 0; -EBUSY: content is on its way (just close); -EPIPE:
 * over already.
 */
int smtp_client_quit(struct smtp_client *client, int64_t now_ms);

/*
 * Takes at most one whole reply and returns the bytes used. Call it again with the rest until nothing is
 * used and the event is SMTP_CLIENT_NOTHING; also with no bytes at all, after each call that asks for
 * something and after writing. Write the output in between: a reply to what was not written yet is not one.
 * A deadline that has passed comes before any byte.
 */
size_t smtp_client_feed(struct smtp_client *client, struct span bytes, int64_t now_ms, struct smtp_client_event *ret_event);

/* The server has closed the connection, or it could not be made. The next feed gives SMTP_CLIENT_CLOSED. */
void smtp_client_break(struct smtp_client *client);

/*
 * What is to be written to the server; takes content from its source when it is time. Valid until the next
 * call.
 */
struct span smtp_client_output(struct smtp_client *client);

/* The first count bytes of the output have been written. */
void smtp_client_sent(struct smtp_client *client, size_t count, int64_t now_ms);

/* When smtp_client_feed() must be called at the latest, be it without bytes; INT64_MAX: never. */
int64_t smtp_client_deadline(const struct smtp_client *client);

#endif
