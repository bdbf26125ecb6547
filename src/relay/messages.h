/*
 * messages: what the roles of sekisho-relay say to each other: verbs (wire/frame.h) and their payloads (wire/fields.h).
 *
 *	parent -> keeper, front	VERB_PLAN	number, relays (relay/plan.h)
 *	reader -> parent	VERB_PLAN	relays; or VERB_REFUSED: findings as JSON; or both, when there are only warnings
 *	front -> parent		VERB_LISTENING	how many sockets take connections, how many cannot
 *	all of keeper, washer, courier, front <- parent: VERB_CHANNEL, a socket to another role
 *
 * A connection from outside is a session. Its process of the front has a socket of its own to the keeper and one to the courier:
 *	front -> keeper		VERB_SESSION	struct message_session; descriptor: the keeper's end of the session's socket
 *	keeper -> courier	VERB_SESSION	struct message_passage; descriptor: the courier's end
 *
 * On the session's socket to the keeper. A transaction is the number of a mail in its session:
 *	keeper -> front		VERB_COURIER	descriptor: a socket to the courier; none: there is no courier now. Comes once unasked
 *	front -> keeper		VERB_COURIER	another one is needed
 *	front -> keeper		VERB_ORIGINAL	struct message_original: a mail begins
 *	keeper -> front		VERB_ORIGINAL	id; descriptor: the original, to be written only. Or VERB_ANSWER: it cannot be kept
 *	front -> keeper		VERB_COMPLETE	struct message_complete: everything is written. VERB_SYNCED: and on the disk. VERB_DROP: forget it
 *	keeper -> front		VERB_RESULT	struct message_result
 *	front -> keeper		VERB_ANSWERED	the sender has our 250
 *
 * On the session's socket to the courier, which asks the inner server:
 *	front -> courier	VERB_SENDER	struct message_sender. VERB_RECIPIENT: address. VERB_RESET
 *	courier -> front	VERB_ANSWER	a reply to the recipient
 *
 * Between keeper, washer and courier:
 *	keeper -> washer	VERB_WASH	struct message_wash; descriptor: the original, to be read only
 *	washer -> keeper	VERB_WASH	ticket; descriptor: the pipe out of which the letter will come. None: something is short now (451)
 *	keeper -> courier	VERB_LETTER	struct message_letter; descriptor: that pipe
 *	courier -> keeper	VERB_WASHED	session, transaction: what came out of the pipe was no letter, or nothing
 *	keeper -> courier	VERB_STUB	struct message_letter with a reason: a notice is to be delivered in its place
 *	keeper -> courier	VERB_DURABLE	session, transaction: the original is on the disk; the final dot may be sent
 *	courier -> keeper	VERB_RESULT	struct message_result
 *
 * Reading checks every length and every value; what is not exactly of its form is -EBADMSG, and ends the connection it came by.
 */
#ifndef RELAY_MESSAGES_H
#define RELAY_MESSAGES_H

#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/netaddr.h"
#include "mail/letter.h"
#include "mail/smtp_address.h"
#include "mail/smtp_command.h"
#include "mail/smtp_reply.h"

enum {
	MESSAGE_BYTES_MAX = 2048,	/* every payload but a plan, findings, and those with a relay in them: */
	MESSAGE_RELAY_BYTES_MAX = 64 << 10,
	MESSAGE_ID_BYTES = LETTER_ORIGINAL_ID_BYTES_MAX + 1,
};

struct message_session {
	uint32_t plan_number, relay;
	struct netaddr client;
};

/* A session as the courier hears of it: the keeper says by which relay. */
struct message_passage {
	uint32_t number;
	struct netaddr client;
	struct span relay;	/* plan_relay_pack(); points into the payload when read */
};

struct message_sender {
	uint32_t transaction;
	struct smtp_address address;
	uint64_t declared_bytes;
	char hello[SMTP_HELLO_BYTES_MAX];	/* what the client calls itself */
	size_t hello_length;
};

struct message_original {
	uint32_t transaction;	/* higher than any before in its session */
	uint64_t declared_bytes;	/* 0: not declared */
};

struct message_complete {
	uint32_t transaction;
	uint8_t fingerprint[DIGEST_BYTES];	/* of content, sender and recipients: the same mail sent again has the same */
};

struct message_wash {
	uint32_t ticket;	/* the keeper's number for this washing */
	struct span relay;	/* plan_relay_pack(); points into the payload when read */
};

struct message_letter {
	uint32_t session, transaction;
	char id[MESSAGE_ID_BYTES]; /* of the original; letter_original_id_valid(); NUL-terminated */
	uint64_t original_bytes;
	int64_t received_seconds;
	uint8_t stub;		/* VERB_STUB: enum letter_stub; VERB_LETTER: 0 */
};

/* Who has a mail now. */
enum fate {
	FATE_NOBODY,		/* it was not delivered: the original may go */
	FATE_UNKNOWN,		/* the dot was sent, and no answer came or a 4xx: perhaps delivered, so the original stays */
	FATE_DELIVERED,
	FATES
};

struct message_result {
	uint32_t session, transaction;
	enum fate fate;
	struct smtp_reply reply;
};

/* Names a transaction of a session. */
struct message_transaction {
	uint32_t session, transaction;
};

/* Each appends a payload. */
void message_session_pack(struct buf *out, const struct message_session *session);
void message_passage_pack(struct buf *out, const struct message_passage *passage);	/* see message_session_pack() */
void message_sender_pack(struct buf *out, const struct message_sender *sender);		/* see message_session_pack() */
void message_address_pack(struct buf *out, const struct smtp_address *address);		/* see message_session_pack() */
void message_original_pack(struct buf *out, const struct message_original *original);	/* see message_session_pack() */
void message_complete_pack(struct buf *out, const struct message_complete *complete);	/* see message_session_pack() */
void message_wash_pack(struct buf *out, const struct message_wash *wash);		/* see message_session_pack() */
void message_letter_pack(struct buf *out, const struct message_letter *letter);		/* see message_session_pack() */
void message_result_pack(struct buf *out, const struct message_result *result);		/* see message_session_pack() */
void message_transaction_pack(struct buf *out, const struct message_transaction *transaction); /* see message_session_pack() */
void message_reply_pack(struct buf *out, struct smtp_reply reply);			/* see message_session_pack() */
void message_number_pack(struct buf *out, uint32_t number);				/* see message_session_pack() */

/* Each reads a payload: 0 or -EBADMSG. */
int message_session_unpack(struct span payload, struct message_session *ret_session);
int message_passage_unpack(struct span payload, struct message_passage *ret_passage);	/* see message_session_unpack() */
int message_sender_unpack(struct span payload, struct message_sender *ret_sender);	/* see message_session_unpack() */
int message_original_unpack(struct span payload, struct message_original *ret_original); /* see message_session_unpack() */
int message_complete_unpack(struct span payload, struct message_complete *ret_complete); /* see message_session_unpack() */
int message_wash_unpack(struct span payload, struct message_wash *ret_wash);		/* see message_session_unpack() */
int message_letter_unpack(struct span payload, struct message_letter *ret_letter);	/* see message_session_unpack() */
int message_result_unpack(struct span payload, struct message_result *ret_result);	/* see message_session_unpack() */
int message_transaction_unpack(struct span payload, struct message_transaction *ret_transaction); /* see message_session_unpack() */
int message_reply_unpack(struct span payload, struct smtp_reply *ret_reply);		/* see message_session_unpack() */
int message_number_unpack(struct span payload, uint32_t *ret_number);			/* see message_session_unpack() */

/* Reads an address that must be a valid path of this kind (mail/smtp_address.h): the receiver parses it anew. 0 or -EBADMSG. */
int message_address_unpack(struct span payload, enum smtp_path_kind kind, struct smtp_address *ret_address);

#endif
