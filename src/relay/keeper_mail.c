/*
 * keeper_mail: the way of each mail, seen by the keeper.
 *
 *	NONE -VERB_ORIGINAL-> RECEIVING -VERB_COMPLETE-> OFFERED -result 250-> DELIVERED -VERB_ANSWERED-> NONE
 *
 * While a mail is offered two things go on at once: it is washed, and it is brought to the disk. The courier sends the final dot when both are
 * done. The file that nobody needs any more is removed at once, and one that somebody may have is never removed.
 */
#include "relay/keeper.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

/* Frames of a few bytes, built on the spot. */
static struct buf frame_buf(void)
{
	return buf_limited(MESSAGE_BYTES_MAX);
}

static void front_send(struct session *session, enum verb verb, const struct buf *payload, int descriptor)
{
	struct frame frame = { .verb = verb, .payload = payload ? buf_span(payload) : span_of(""), .descriptor = descriptor };

	/* A process that does not take what it asked for is ended, and never waited for; mail_sender_gone() follows when its socket is read next. */
	if (session->socket >= 0 && frame_send_now(session->socket, &frame) != 0)
		shutdown(session->socket, SHUT_RDWR);
}

static void reply_send(struct session *session, enum verb verb, struct smtp_reply reply)
{
	__attribute__((cleanup(buf_free))) struct buf payload = frame_buf();

	message_reply_pack(&payload, reply);
	front_send(session, verb, &payload, -1);
}

/* The mail is over for the keeper; its file was kept or removed before. */
static void mail_forget(struct session *session)
{
	session->state = MAIL_NONE;
	session->ticket = 0;
	session->at_courier = session->synced = session->durable = false;
	session->deaths = 0;
	if (session->socket < 0)
		session_free(session);
}

static void mail_drop(struct session *session)
{
	int error = original_drop(&session->original);

	if (error && error != -ENOENT)
		log_event(LOG_LEVEL_WARNING, "SKS-ORIGINAL", "a mail that nobody has could not be removed id=%s reason=\"%s\"", session->original.id,
			  strerror(-error));
}

static void mail_keep(struct session *session, enum fate fate)
{
	int error = fate == FATE_UNKNOWN ? original_keep_doubtful(&session->original, session->fingerprint) : original_keep(&session->original);

	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-ORIGINAL", "an original keeps its name of before id=%s reason=\"%s\"", session->original.id,
			  strerror(-error));
}

static void unanswered_remember(struct session *session)
{
	int error = unanswered_note(session->keeper->root, session->fingerprint);

	log_event(LOG_LEVEL_NOTICE, "SKS-MAIL", "delivered, but its sender does not know; if it sends it again, it will be told so id=%s",
		  session->original.id);
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-MAIL", "that could not be noted; a second copy may be delivered id=%s reason=\"%s\"",
			  session->original.id, strerror(-error));
}

static void result_send(struct session *session, enum fate fate, struct smtp_reply reply)
{
	__attribute__((cleanup(buf_free))) struct buf payload = frame_buf();
	struct message_result result = { .session = session->number, .transaction = session->transaction, .fate = fate, .reply = reply };

	message_result_pack(&payload, &result);
	front_send(session, VERB_RESULT, &payload, -1);
}

/* What became of the mail is known, and its sender is told. */
static void mail_end(struct session *session, enum fate fate, struct smtp_reply reply)
{
	if (fate == FATE_NOBODY)
		mail_drop(session);
	else
		mail_keep(session, fate);
	result_send(session, fate, reply);
	if (fate == FATE_DELIVERED && session->socket < 0)
		unanswered_remember(session);
	if (fate == FATE_DELIVERED && session->socket >= 0)
		session->state = MAIL_DELIVERED;
	else
		mail_forget(session);
}

/* Something on our side is missing now: the sender keeps the mail. */
static void mail_postpone(struct session *session)
{
	mail_end(session, session->at_courier && session->durable ? FATE_UNKNOWN : FATE_NOBODY, smtp_reply_make(451, 3, 0));
}

/* ---- washing ---- */

static void letter_describe(const struct session *session, uint64_t bytes, enum letter_stub stub, struct message_letter *ret_letter)
{
	*ret_letter = (struct message_letter){
		.session = session->number, .transaction = session->transaction, .original_bytes = bytes,
		.received_seconds = session->original.received_seconds, .stub = (uint8_t)stub,
	};
	memcpy(ret_letter->id, session->original.id, sizeof(ret_letter->id));
}

/* Gives the courier the pipe out of which the letter will come, or (pipe -1) the reason for a notice. */
static void letter_give(struct session *session, enum letter_stub stub, int pipe)
{
	__attribute__((cleanup(buf_free))) struct buf payload = frame_buf();
	struct message_letter letter;
	uint64_t bytes;
	int descriptor, error = original_read(&session->original, &descriptor, &bytes);

	if (error) {
		mail_postpone(session);
		return;
	}
	close(descriptor);
	letter_describe(session, bytes, stub, &letter);
	message_letter_pack(&payload, &letter);
	if (!role_send(session->keeper, ROLE_COURIER, pipe >= 0 ? VERB_LETTER : VERB_STUB, &payload, pipe)) {
		mail_postpone(session);
		return;
	}
	session->at_courier = true;
}

/* Asks for a fresh washer. False: there is none now. */
static bool wash_begin(struct session *session)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0), relay = buf_limited(0);
	struct keeper *keeper = session->keeper;
	struct message_wash wash;
	uint64_t bytes;
	int descriptor, error = original_read(&session->original, &descriptor, &bytes);
	bool asked;

	if (error) {
		mail_postpone(session);
		return true;
	}
	keeper->last_ticket += keeper->last_ticket == UINT32_MAX ? 2 : 1;
	plan_relay_pack(&relay, session->relay);
	wash = (struct message_wash){ .ticket = keeper->last_ticket, .relay = buf_span(&relay) };
	message_wash_pack(&payload, &wash);
	asked = role_send(keeper, ROLE_WASHER, VERB_WASH, &payload, descriptor);
	close(descriptor);
	session->ticket = asked ? wash.ticket : 0;
	keeper->washings += asked;
	return asked;
}

/* The mail that waits for a washer, of the oldest session; NULL: none does. */
static struct session *session_waits_for_washer(const struct keeper *keeper)
{
	struct session *oldest = NULL;

	for (struct session *session = keeper->sessions; session; session = session->next)
		if (session->state == MAIL_OFFERED && session->ticket == 0 && !session->at_courier)
			oldest = session;
	return oldest;
}

/* Asks for as many washers as may be asked for at a time. What then still waits has its turn when one of them began, or when there is a washer again. */
static void washings_go_on(struct keeper *keeper)
{
	struct session *session;

	while (keeper->washings < KEEPER_WASHINGS_MAX && (session = session_waits_for_washer(keeper)))
		if (!wash_begin(session))
			return;
}

/* A washing came to nothing. */
static void wash_failed(struct session *session)
{
	session->ticket = 0;
	session->deaths++;
	log_event(LOG_LEVEL_WARNING, "SKS-WASH", "a washing came to nothing id=%s times=%u", session->original.id, session->deaths);
	if (session->deaths < KEEPER_DEATHS_MAX)
		washings_go_on(session->keeper);
	else
		letter_give(session, LETTER_STUB_DIED, -1);
}

/* No washer could be started: that says nothing about the mail, which comes again. */
static void wash_lacking(struct session *session)
{
	log_event(LOG_LEVEL_ERROR, "SKS-WASH", "no washer can be started now; the sender keeps the mail id=%s", session->original.id);
	mail_postpone(session);
}

static struct session *session_of_ticket(const struct keeper *keeper, uint32_t ticket)
{
	struct session *session = keeper->sessions;

	while (session && (session->state != MAIL_OFFERED || session->ticket != ticket))
		session = session->next;
	return session;
}

static void washer_answered(struct keeper *keeper, uint32_t ticket, int pipe)
{
	struct session *session = ticket != 0 ? session_of_ticket(keeper, ticket) : NULL;

	keeper->washings -= keeper->washings > 0;
	if (session)
		session->ticket = 0;
	if (session && pipe >= 0)
		letter_give(session, 0, pipe);
	else if (session)
		wash_lacking(session);
	washings_go_on(keeper);
}

int mail_washer_frame(struct keeper *keeper, const struct frame *frame)
{
	uint32_t ticket;
	int error = frame->verb == VERB_WASH ? message_number_unpack(frame->payload, &ticket) : -EBADMSG;

	if (!error)
		washer_answered(keeper, ticket, frame->descriptor);
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	return error;
}

void mail_washer_came(struct keeper *keeper)
{
	washings_go_on(keeper);
}

/* Washings whose pipe the courier has end by themselves; of the others nothing will be heard. */
void mail_washer_gone(struct keeper *keeper)
{
	keeper->washings = 0;
	for (struct session *session = keeper->sessions; session; session = session->next)
		session->ticket = 0;
}

/* ---- the front ---- */

static int original_begin(struct session *session, struct span payload)
{
	__attribute__((cleanup(buf_free))) struct buf id = frame_buf();
	struct message_original begins;
	int descriptor, error = message_original_unpack(payload, &begins);

	/* A number that was used before may still stand at the courier, with the letter of another mail. */
	if (error || session->state != MAIL_NONE || begins.transaction <= session->transaction)
		return -EBADMSG;
	error = original_create(session->store, keeper_now(), begins.declared_bytes, session->relay->originals.free_bytes_min,
				&session->original, &descriptor);
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-ORIGINAL", "no original can be kept now, so no mail is taken relay=%s reason=\"%s\"",
			  session->relay->name, strerror(-error));
		reply_send(session, VERB_ANSWER, smtp_reply_make(452, 3, 1));
		return 0;
	}
	session->state = MAIL_RECEIVING;
	session->transaction = begins.transaction;
	buf_puts(&id, session->original.id);
	front_send(session, VERB_ORIGINAL, &id, descriptor);
	close(descriptor);
	return 0;
}

/* The same mail was delivered before, and its sender was never told. */
static void mail_end_twin(struct session *session)
{
	log_event(LOG_LEVEL_NOTICE, "SKS-MAIL", "was delivered before; its sender is told so now id=%s", session->original.id);
	mail_drop(session);
	result_send(session, FATE_DELIVERED, smtp_reply_make(250, 0, 0));
	session->state = MAIL_DELIVERED;
}

static int original_complete(struct session *session, struct span payload)
{
	struct message_complete complete;
	int error = message_complete_unpack(payload, &complete);

	if (error || session->state != MAIL_RECEIVING || complete.transaction != session->transaction)
		return -EBADMSG;
	memcpy(session->fingerprint, complete.fingerprint, DIGEST_BYTES);
	if (unanswered_known(session->keeper->root, session->fingerprint, keeper_now())) {
		mail_end_twin(session);
		return 0;
	}
	session->state = MAIL_OFFERED;
	washings_go_on(session->keeper);
	return 0;
}

static int original_synced(struct session *session, struct span payload)
{
	/* A mail that ended meanwhile was synced for nothing. */
	if (payload.length != 0 || session->state == MAIL_RECEIVING)
		return -EBADMSG;
	if (session->state == MAIL_OFFERED) {
		session->synced = true;
		event_active(session->keeper->sync, EV_TIMEOUT, 0);
	}
	return 0;
}

/*
 * The front gives the mail up. Before it is durable nobody can have it; the courier has heard of it from the front by then, and its result finds no
 * transaction of this number.
 */
static int original_forget(struct session *session, struct span payload)
{
	if (payload.length != 0)
		return -EBADMSG;
	if (session->state == MAIL_RECEIVING || (session->state == MAIL_OFFERED && !session->durable)) {
		mail_drop(session);
		mail_forget(session);
	}
	return 0;
}

static int sender_answered(struct session *session, struct span payload)
{
	if (payload.length != 0 || session->state != MAIL_DELIVERED)
		return -EBADMSG;
	mail_forget(session);
	return 0;
}

static bool courier_tell(struct session *session, int descriptor)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0), relay = buf_limited(0);
	struct message_passage passage = { .number = session->number, .client = session->client };

	plan_relay_pack(&relay, session->relay);
	passage.relay = buf_span(&relay);
	message_passage_pack(&payload, &passage);
	return role_send(session->keeper, ROLE_COURIER, VERB_SESSION, &payload, descriptor);
}

void mail_introduce_courier(struct session *session)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
		front_send(session, VERB_COURIER, NULL, -1);
		return;
	}
	front_send(session, VERB_COURIER, NULL, courier_tell(session, ends[0]) ? ends[1] : -1);
	close(ends[0]);
	close(ends[1]);
}

int mail_front_frame(struct session *session, const struct frame *frame)
{
	if (frame->descriptor >= 0) {
		close(frame->descriptor);
		return -EBADMSG;
	}
	switch (frame->verb) {
	case VERB_COURIER:
		mail_introduce_courier(session);
		return frame->payload.length == 0 ? 0 : -EBADMSG;
	case VERB_ORIGINAL:
		return original_begin(session, frame->payload);
	case VERB_COMPLETE:
		return original_complete(session, frame->payload);
	case VERB_SYNCED:
		return original_synced(session, frame->payload);
	case VERB_DROP:
		return original_forget(session, frame->payload);
	case VERB_ANSWERED:
		return sender_answered(session, frame->payload);
	default:
		return -EBADMSG;
	}
}

void mail_sender_gone(struct session *session)
{
	switch (session->state) {
	case MAIL_DELIVERED:
		unanswered_remember(session);
		break;
	case MAIL_OFFERED:
		/* The courier owes a result: the dot may be under way. */
		if (session->at_courier)
			return;
		mail_drop(session);
		break;
	case MAIL_RECEIVING:
		mail_drop(session);
		break;
	case MAIL_NONE:
		break;
	}
	session->state = MAIL_NONE;
	session_free(session);
}

/* ---- the courier ---- */

/* The session whose mail a frame of the courier is about; NULL: it ended meanwhile. */
static struct session *session_at_courier(struct keeper *keeper, uint32_t number, uint32_t transaction)
{
	struct session *session = session_of_number(keeper, number);

	if (!session || session->state != MAIL_OFFERED || !session->at_courier || session->transaction != transaction)
		return NULL;
	return session;
}

static int courier_washed(struct keeper *keeper, struct span payload)
{
	struct message_transaction about;
	struct session *session;
	int error = message_transaction_unpack(payload, &about);

	if (error)
		return error;
	session = session_at_courier(keeper, about.session, about.transaction);
	if (session) {
		session->at_courier = false;
		wash_failed(session);
	}
	return 0;
}

static int courier_result(struct keeper *keeper, struct span payload)
{
	struct message_result result;
	struct session *session;
	int error = message_result_unpack(payload, &result);

	if (error)
		return error;
	session = session_at_courier(keeper, result.session, result.transaction);
	if (session)
		mail_end(session, result.fate, result.reply);
	return 0;
}

int mail_courier_frame(struct keeper *keeper, const struct frame *frame)
{
	if (frame->descriptor >= 0) {
		close(frame->descriptor);
		return -EBADMSG;
	}
	switch (frame->verb) {
	case VERB_WASHED:
		return courier_washed(keeper, frame->payload);
	case VERB_RESULT:
		return courier_result(keeper, frame->payload);
	default:
		return -EBADMSG;
	}
}

void mail_courier_gone(struct keeper *keeper)
{
	for (struct session *session = keeper->sessions, *next; session; session = next) {
		next = session->next;
		if (session->state == MAIL_OFFERED)
			mail_postpone(session);
	}
}

/* ---- the disk ---- */

static void durable_tell(struct session *session)
{
	__attribute__((cleanup(buf_free))) struct buf payload = frame_buf();
	struct message_transaction about = { .session = session->number, .transaction = session->transaction };

	session->durable = true;
	message_transaction_pack(&payload, &about);
	role_send(session->keeper, ROLE_COURIER, VERB_DURABLE, &payload, -1);
}

/* Gives mails their names, before any of them is brought to the disk. */
static void names_give(struct keeper *keeper)
{
	for (struct session *session = keeper->sessions, *next; session; session = next) {
		int error;

		next = session->next;
		if (session->state != MAIL_OFFERED || !session->synced || session->original.state != ORIGINAL_RECEIVING)
			continue;
		error = original_offer(&session->original);
		if (error) {
			log_event(LOG_LEVEL_ERROR, "SKS-ORIGINAL", "an original cannot be named id=%s reason=\"%s\"", session->original.id,
				  strerror(-error));
			mail_postpone(session);
		}
	}
}

static bool session_waits_for_disk(const struct session *session)
{
	return session->state == MAIL_OFFERED && session->original.state == ORIGINAL_OFFERED && !session->durable;
}

/* Brings one directory to the disk, for the session and all after it that it serves. */
static void directory_sync(struct session *first)
{
	const struct original original = first->original;
	int error = original_sync(&original);

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ORIGINAL", "originals cannot be brought to the disk day=%s reason=\"%s\"", original.day,
			  strerror(-error));
	for (struct session *session = first, *next; session; session = next) {
		next = session->next;
		if (!session_waits_for_disk(session) || !original_same_directory(&session->original, &original))
			continue;
		if (error)
			mail_postpone(session);
		else
			durable_tell(session);
	}
}

void mail_sync_all(struct keeper *keeper)
{
	names_give(keeper);
	for (;;) {
		struct session *session = keeper->sessions;

		while (session && !session_waits_for_disk(session))
			session = session->next;
		if (!session)
			return;
		directory_sync(session);
	}
}
