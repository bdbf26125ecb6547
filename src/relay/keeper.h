/*
 * keeper: what keeper.c (the process and its channels) and keeper_mail.c (the way of each mail) share.
 *
 * The keeper brings the others together and keeps the originals. It forwards numbers and descriptors; of a mail it knows the size and nothing
 * else.
 */
#ifndef RELAY_KEEPER_H
#define RELAY_KEEPER_H

#include <event2/event.h>
#include <stdbool.h>

#include "relay/messages.h"
#include "relay/options.h"
#include "relay/originals.h"
#include "relay/plan.h"
#include "wire/frame.h"

enum {
	KEEPER_SESSIONS_MAX = 1024,	/* of all relays together; the front has stricter limits of its own */
	KEEPER_WASHINGS_MAX = 16,	/* asked for and not begun; more mails wait here, where nothing overflows */
	KEEPER_DEATHS_MAX = 2,		/* so many washings of one mail may come to nothing; then a notice is delivered */
};

/* Where a mail stands. */
enum mail_state {
	MAIL_NONE,
	MAIL_RECEIVING,		/* its content is coming in */
	MAIL_OFFERED,		/* whole; it is washed and delivered */
	MAIL_DELIVERED,		/* our sender has not confirmed yet that it knows */
};

struct keeper;

/* A connection from outside, and the mail that it is about. */
struct session {
	struct keeper *keeper;
	struct session *next;
	uint32_t number;
	struct netaddr client;
	const struct relay *relay;
	struct plan *plan;
	const struct originals *store;
	int socket;			/* to its process of the front; -1: that is gone, and the mail is still under way */
	struct frame_reader reader;
	struct event *readable;

	enum mail_state state;
	uint32_t transaction;
	struct original original;
	uint8_t fingerprint[DIGEST_BYTES];
	unsigned int deaths;		/* washings that came to nothing */
	uint32_t ticket;		/* of the washing that is waited for; 0: none */
	bool at_courier;		/* the courier was given a letter, and owes a result */
	bool synced, durable;		/* the content is on the disk; and the name as well */
};

/* The directory of a relay, by name. */
struct store {
	struct store *next;
	char *relay;
	struct originals originals;
};

/* A channel to another role. */
struct role_channel {
	struct keeper *keeper;
	enum role role;
	int socket;			/* -1: the role is not there */
	struct frame_reader reader;
	struct event *readable;
};

struct keeper {
	const struct options *options;
	struct event_base *loop;
	struct plan_book plans;
	int root;			/* STATE-DIR/originals */
	struct store *stores;
	struct role_channel channels[ROLES_STANDING]; /* by role; that of ROLE_KEEPER is not used */
	struct session *sessions;
	size_t session_count;
	uint32_t last_number, last_ticket;
	unsigned int washings;		/* asked for and not begun */
	struct event *parent_readable, *sync, *janitor;
	struct frame_reader parent_reader;
};

/* ---- keeper.c ---- */

/* Sends a frame to a role, if it is there. False: it is not. */
bool role_send(struct keeper *keeper, enum role role, enum verb verb, const struct buf *payload, int descriptor);

/* Seconds of Unix time. */
int64_t keeper_now(void);

/* Forgets a session whose socket is closed and that owes nothing. */
void session_free(struct session *session);

/* The session with this number, or NULL. */
struct session *session_of_number(struct keeper *keeper, uint32_t number);

/* Ends the connection to a session's process; the mail goes its way (mail_sender_gone()). */
void session_close(struct session *session);

/* ---- keeper_mail.c ---- */

/* Makes a socket between the session and the courier, and hands out its ends. */
void mail_introduce_courier(struct session *session);

/* A frame from the session's process. 0 or -EBADMSG. */
int mail_front_frame(struct session *session, const struct frame *frame);

/* A frame from the courier. 0 or -EBADMSG. */
int mail_courier_frame(struct keeper *keeper, const struct frame *frame);

/* A frame from the washer; its descriptor is ours. 0 or -EBADMSG. */
int mail_washer_frame(struct keeper *keeper, const struct frame *frame);

/* The session's process is gone. The session may be gone as well when this returns. */
void mail_sender_gone(struct session *session);

/* The courier, or the washer, is gone. */
void mail_courier_gone(struct keeper *keeper);
void mail_washer_gone(struct keeper *keeper);	/* see mail_courier_gone() */

/* The washer is there (again): what waits for it is handed over. */
void mail_washer_came(struct keeper *keeper);

/* Brings to the disk the names of all mails that wait for it, each directory once, and lets their delivery go on. */
void mail_sync_all(struct keeper *keeper);

#endif
