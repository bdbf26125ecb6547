/*
 * delivery: one mail after the other to the inner server, seen from one session of the front. Pure: the caller owns sockets and clock.
 *
 * Recipients are asked for one by one while the sender waits, and the inner server's class of answer is the answer. So an SMTP connection to the
 * inner server (mail/smtp_client.h) is open from the first recipient on. When it is lost before the final dot, the next one is made, and sender and
 * accepted recipients are said again. A hop that cannot be had, or never greets, is followed by the next one in order; after one that had greeted all
 * are tried once more, from the first. A recipient that was accepted before and is refused now makes the sender send again to all (451). When the final
 * dot has left, no other connection is tried: the mail may have been taken.
 *
 * The dot leaves only when the composed message and the word that the original is on the disk (delivery_durable()) are both there.
 *
 * Time (R15 of the sender's patience: RFC 5321 section 4.5.3.2 lets it wait 300 s for an answer to RCPT and 600 s for the one to the dot):
 *	a recipient's answer			within envelope_timeout_ms of its question, all hops together
 *	the inner dot				is reached within content_timeout_ms of delivery_expect()
 *	its answer				within delivery_timeout_ms of the inner dot
 *	the result				within the sum of both, below the 540 s in which the front answers its dot
 */
#ifndef RELAY_DELIVERY_H
#define RELAY_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/smtp_client.h"
#include "relay/messages.h"

struct delivery_settings {
	const char *host_name;		/* what we call ourselves; outlives the delivery */
	unsigned int hop_count;		/* next hops are numbered from 0, in the order to be tried; at least 1 */
	int64_t connect_timeout_ms;	/* of one hop, until it has greeted */
	int64_t envelope_timeout_ms, content_timeout_ms, delivery_timeout_ms;
};

/* The settings in use: 30 s, 235 s, 220 s, 300 s. */
struct delivery_settings delivery_defaults(const char *host_name, unsigned int hop_count);

enum delivery_event_kind {
	DELIVERY_NOTHING,
	DELIVERY_CONNECT,	/* close what is open, and connect to .hop; then delivery_connected() or delivery_failed() */
	DELIVERY_CLOSE,		/* close what is open */
	DELIVERY_ANSWER,	/* .reply to the recipient that was asked for */
	DELIVERY_RESULT,	/* .reply and .fate of the mail; the transaction is over */
};

struct delivery_event {
	enum delivery_event_kind kind;
	unsigned int hop;
	struct smtp_reply reply;
	enum fate fate;
};

/* A recipient of the open transaction. */
struct delivery_recipient {
	struct smtp_address address;
	bool accepted;		/* the answer was yes, and the sender knows */
};

/* About 70 KB. Members are the machine's. */
struct delivery {
	struct delivery_settings settings;
	struct smtp_client client;
	bool connected;		/* the client has a connection, or one is being made */
	bool greeted;
	unsigned int hop;	/* of the connection, or to be tried next */
	bool tried_anew;	/* from the first hop, for what is asked now */
	int64_t connect_deadline_ms;

	bool has_sender;
	struct smtp_address sender;
	struct delivery_recipient recipients[SMTP_CLIENT_RECIPIENTS_MAX];
	unsigned int recipient_count;
	bool asking;		/* the last recipient waits for its answer */
	int64_t ask_deadline_ms;
	bool said;		/* sender and recipients were said on this connection */
	unsigned int said_map[SMTP_CLIENT_RECIPIENTS_MAX]; /* the client's number of a recipient -> ours */
	unsigned int said_count, said_answered;
	bool replay_refused;	/* one that was accepted before */

	bool expecting;		/* a result is owed */
	int64_t content_deadline_ms;
	struct span content;	/* the whole message; empty: not composed yet */
	size_t content_sent;
	bool durable, sending;

	struct delivery_event events[4];
	unsigned int event_count;
};

/* A delivery without a connection. */
void delivery_begin(struct delivery *delivery, const struct delivery_settings *settings);

/* A new transaction; one that is open is given up (see delivery_reset()). */
void delivery_sender(struct delivery *delivery, const struct smtp_address *sender, int64_t now_ms);

/* Asks for a recipient; DELIVERY_ANSWER follows. -EBUSY: one is being asked for; -ENOENT: no sender; -ENOSPC: too many. */
int delivery_recipient(struct delivery *delivery, const struct smtp_address *recipient, int64_t now_ms);

/*
 * Gives the transaction up. When a result is owed it comes, FATE_NOBODY or FATE_UNKNOWN, unless the dot has left: then the inner server's answer is
 * waited for.
 */
void delivery_reset(struct delivery *delivery, int64_t now_ms);

/* The mail is whole at the front; a result is owed from now on. -EBUSY: a recipient is being asked for; -ENOENT: nobody was accepted. */
int delivery_expect(struct delivery *delivery, int64_t now_ms);

/* The message, complete, lines ended by CR LF (mail/letter.h); it must stay until DELIVERY_RESULT. */
void delivery_content(struct delivery *delivery, struct span message, int64_t now_ms);

/* The original is on the disk. */
void delivery_durable(struct delivery *delivery, int64_t now_ms);

/* Ends what is owed by a result that was decided elsewhere (the letter says that the mail goes round in a loop). The dot has not left. */
void delivery_refuse(struct delivery *delivery, struct smtp_reply reply);

/* True when a result is owed and the dot has left. */
bool delivery_dot_left(const struct delivery *delivery);

/* The connection that DELIVERY_CONNECT asked for is made; or it cannot be, or is lost. */
void delivery_connected(struct delivery *delivery, int64_t now_ms);
void delivery_failed(struct delivery *delivery, int64_t now_ms);	/* see delivery_connected() */

/* No more mails: says goodbye when nothing is open. Write the output once, then close. */
void delivery_quit(struct delivery *delivery, int64_t now_ms);

/* Bytes of the inner server. All are taken. */
void delivery_feed(struct delivery *delivery, struct span bytes, int64_t now_ms);

/* What is to be written to the inner server; valid until the next call. */
struct span delivery_output(struct delivery *delivery);

/* The first count bytes of it have been written. */
void delivery_sent(struct delivery *delivery, size_t count, int64_t now_ms);

/* When delivery_expire() must be called at the latest; INT64_MAX: never. */
int64_t delivery_deadline(const struct delivery *delivery);

/* Acts on deadlines that have passed. */
void delivery_expire(struct delivery *delivery, int64_t now_ms);

/* The next event; call it after each of the calls above until it is DELIVERY_NOTHING. */
struct delivery_event delivery_next(struct delivery *delivery);

#endif
