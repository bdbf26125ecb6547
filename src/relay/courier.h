/*
 * courier: what courier.c (the process and its channels) and courier_passage.c (one session) share.
 *
 * The courier stands on the LGWAN side. It believes the washer nothing: a letter is checked (mail/letter.h) before a word of it is used, and the
 * message that leaves is written here. Envelope, id and size come from front and keeper. It reaches its next hops and nothing else, which the
 * kernel's rules see to by its user.
 */
#ifndef RELAY_COURIER_H
#define RELAY_COURIER_H

#include <event2/event.h>
#include <stdbool.h>

#include "relay/delivery.h"
#include "relay/messages.h"
#include "relay/plan.h"
#include "wire/frame.h"

enum {
	COURIER_CONNECTIONS_MAX = 200,	/* to the inner server, in one session; an honest front needs one, and one more for each mail given up */
	COURIER_HELD_BYTES_MAX = 512 << 20, /* letters and messages of all sessions: beyond, the sender keeps the next mail (451) */
	COURIER_HOPS_MAX = 50,		/* a mail that came so often through a server goes round in a loop (554 5.4.6) */
};

struct courier;

/* A session of the front, and the mail that is open in it. */
struct passage {
	struct courier *courier;
	struct passage *next;
	uint32_t number;		/* the keeper's */
	struct netaddr client;
	struct arena *arena;		/* of the relay */
	struct relay relay;
	int front;			/* socket to the session's process; -1: gone, and a result is owed */
	struct frame_reader reader;
	struct event *front_readable;

	struct delivery delivery;
	int inner;			/* socket to the inner server; -1: none */
	unsigned int connections;	/* made so far */
	bool connecting;
	struct event *inner_readable, *inner_writable, *timer;

	struct message_sender sender;	/* of the open transaction */
	bool has_sender;
	unsigned int recipients;	/* accepted */
	bool expecting;			/* the keeper gave us the mail; it is owed a result */
	uint32_t durable_transaction;	/* whose original is on the disk; 0: none */
	struct message_letter letter;	/* what the keeper said of it */
	int pipe;			/* out of which the letter comes; -1: none */
	struct event *pipe_readable;
	struct buf frame;		/* the letter */
	struct buf message;		/* what leaves */
	int64_t began_ms;
	uint32_t rows, notes, text_bytes; /* for the log */
};

struct courier {
	struct event_base *loop;
	struct frame_reader parent_reader, keeper_reader;
	struct event *parent_readable, *keeper_readable;
	int keeper;			/* channel; -1: none */
	struct passage *passages;
};

/* ---- courier.c ---- */

/* Sends a frame to the keeper, if it is there. */
void keeper_send(struct courier *courier, enum verb verb, const struct buf *payload);

/* Tells the keeper what became of a mail. */
void result_send(struct courier *courier, const struct message_result *result);

/* Milliseconds of the monotonic clock. */
int64_t courier_now_ms(void);

/* ---- courier_passage.c ---- */

/* A new session; its socket is ours. 0; -EBADMSG: its relay cannot be read, and the socket is the caller's. */
int passage_begin(struct courier *courier, const struct message_passage *about, int front);

/* Ends a session at once: the keeper is gone, or ourselves. */
void passage_free(struct passage *passage);

/* The session with this number, or NULL. */
struct passage *passage_of_number(struct courier *courier, uint32_t number);

/* VERB_LETTER and VERB_STUB; the pipe is ours (-1: a stub). What does not fit what the front said is ended with a result. */
void passage_letter(struct passage *passage, const struct message_letter *letter, int pipe);

/* VERB_DURABLE. */
void passage_durable(struct passage *passage, uint32_t transaction);

#endif
