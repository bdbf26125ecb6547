/* keeper: brings front, washer and courier together, and keeps the originals. */
#include "relay/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "relay/roles.h"

enum {
	JANITOR_PERIOD_S = 3600,
	JANITOR_ENTRIES_MAX = 200,	/* mails removed in one turn of the loop */
	KEEPER_MEMORY_BYTES_MAX = 256 << 20,
	KEEPER_DESCRIPTORS_MAX = 3 * KEEPER_SESSIONS_MAX + 64,
};

/* Files below the directory of originals, sockets between roles. No socket of the network: socketpair() makes local ones only. */
static const struct sandbox_call keeper_calls[] = {
	{ .name = "openat" }, { .name = "mkdirat" }, { .name = "renameat" }, { .name = "renameat2" }, { .name = "linkat" }, { .name = "unlinkat" },
	{ .name = "fsync" }, { .name = "fstatfs" }, { .name = "getdents64" },
	{ .name = "socketpair", .first_argument_only = true, .first_argument = AF_UNIX },
	{ .name = NULL }
};

int64_t keeper_now(void)
{
	return (int64_t)time(NULL);
}

/* ---- stores ---- */

static void store_recover(const struct store *store)
{
	struct originals_swept swept;
	int error = originals_recover(&store->originals, &swept);

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ORIGINAL", "what was left behind could not be put in order relay=%s reason=\"%s\"", store->relay,
			  strerror(-error));
	else if (swept.removed + swept.kept > 0)
		log_event(LOG_LEVEL_NOTICE, "SKS-ORIGINAL", "unfinished mails were put in order relay=%s removed=%u kept=%u", store->relay,
			  swept.removed, swept.kept);
}

/* The directory of a relay; opened, and put in order, when it is first asked for. NULL: it cannot be. */
static const struct originals *store_of(struct keeper *keeper, const char *relay)
{
	struct store *store;
	int error;

	for (store = keeper->stores; store; store = store->next)
		if (strcmp(store->relay, relay) == 0)
			return &store->originals;
	store = calloc(1, sizeof(*store));
	if (!store || !(store->relay = strdup(relay)))
		arena_exhausted();
	error = originals_open(keeper->root, relay, &store->originals);
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-ORIGINAL", "the directory of originals cannot be used relay=%s reason=\"%s\"", relay, strerror(-error));
		free(store->relay);
		free(store);
		return NULL;
	}
	store->next = keeper->stores;
	keeper->stores = store;
	store_recover(store);
	return &store->originals;
}

/* More than one day at a time is over only after a long pause, or when the clock is wrong. */
static void expiry_log(const struct relay *relay, const struct originals_expired *expired, int error)
{
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ORIGINAL", "some old originals could not be removed relay=%s reason=\"%s\"", relay->name, strerror(-error));
	if (expired->removed)
		log_event(LOG_LEVEL_NOTICE, "SKS-ORIGINAL", "the oldest day was kept for its time and is removed relay=%s retention-days=%u", relay->name,
			  relay->originals.retention_days);
	if (expired->removed && expired->over > 2)
		log_event(LOG_LEVEL_ERROR, "SKS-ORIGINAL", "more days are over, one is removed each hour; is the clock right? relay=%s days=%u", relay->name,
			  expired->over - 1);
}

/*
 * Removes what is older than its relay says, a piece of a day at a time. True when there is more of that day. Originals of a relay that is not in the
 * plan any more stay: nobody says how long.
 */
static bool store_expire(struct keeper *keeper, const struct relay *relay)
{
	const struct originals *originals = store_of(keeper, relay->name);
	struct originals_expired expired = { .over = 0 };
	int error = originals ? originals_expire(originals, keeper_now(), relay->originals.retention_days, JANITOR_ENTRIES_MAX, &expired) : 0;

	expiry_log(relay, &expired, error);
	return expired.more;
}

static void janitor_run(evutil_socket_t unused, short what, void *context)
{
	struct keeper *keeper = context;
	const struct plan *plan = keeper->plans.newest;
	bool more = false;
	int error;

	(void)unused;
	(void)what;
	for (size_t i = 0; plan && i < plan->relay_count; i++)
		more |= store_expire(keeper, &plan->relays[i]);
	error = unanswered_expire(keeper->root, keeper_now());
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ORIGINAL", "old notes of unanswered mails could not be removed reason=\"%s\"", strerror(-error));
	/* Mail goes first. */
	if (more)
		event_active(keeper->janitor, EV_TIMEOUT, 0);
}

/* ---- sessions ---- */

struct session *session_of_number(struct keeper *keeper, uint32_t number)
{
	struct session *session = keeper->sessions;

	while (session && session->number != number)
		session = session->next;
	return session;
}

void session_free(struct session *session)
{
	struct session **at = &session->keeper->sessions;

	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	session->keeper->session_count--;
	plan_book_release(&session->keeper->plans, session->plan);
	free(session);
}

void session_close(struct session *session)
{
	event_free(session->readable);
	frame_reader_free(&session->reader);
	close(session->socket);
	session->socket = -1;
	mail_sender_gone(session);
}

static void session_readable(evutil_socket_t socket, short what, void *context)
{
	struct session *session = context;
	struct frame frame;
	int result = frame_receive(socket, &session->reader, &frame);

	(void)what;
	if (result > 0)
		result = mail_front_frame(session, &frame);
	if (result == -EBADMSG)
		log_event(LOG_LEVEL_ERROR, "SKS-ROLE", "a process of the front said what it may not say and is cut off session=%u", session->number);
	if (result < 0)
		session_close(session);
}

/* A connection came to the front. What cannot be served is cut off by closing its socket. */
static int session_begin(struct keeper *keeper, const struct frame *frame)
{
	struct session *session = calloc(1, sizeof(*session));
	struct message_session about;
	int error = frame->descriptor >= 0 ? message_session_unpack(frame->payload, &about) : -EBADMSG;

	if (!session)
		arena_exhausted();
	session->keeper = keeper;
	if (!error && keeper->session_count < KEEPER_SESSIONS_MAX)
		session->relay = plan_book_use(&keeper->plans, about.plan_number, about.relay, &session->plan);
	session->store = session->relay ? store_of(keeper, session->relay->name) : NULL;
	if (!session->store) {
		if (session->relay)
			plan_book_release(&keeper->plans, session->plan);
		if (frame->descriptor >= 0)
			close(frame->descriptor);
		free(session);
		return error;
	}
	session->number = ++keeper->last_number;
	session->client = about.client;
	session->socket = frame->descriptor;
	session->reader = frame_reader_make(MESSAGE_BYTES_MAX);
	session->readable = event_new(keeper->loop, session->socket, EV_READ | EV_PERSIST, session_readable, session);
	if (!session->readable || event_add(session->readable, NULL) != 0)
		arena_exhausted();
	session->next = keeper->sessions;
	keeper->sessions = session;
	keeper->session_count++;
	mail_introduce_courier(session);
	return 0;
}

/* ---- channels to the other roles ---- */

bool role_send(struct keeper *keeper, enum role role, enum verb verb, const struct buf *payload, int descriptor)
{
	struct role_channel *channel = &keeper->channels[role];
	struct frame frame = { .verb = verb, .payload = buf_span(payload), .descriptor = descriptor };
	int error = channel->socket >= 0 ? frame_send(channel->socket, &frame) : -ENOTCONN;

	if (error && error != -ENOTCONN) {
		log_event(LOG_LEVEL_WARNING, "SKS-ROLE", "a role cannot be told role=%s reason=\"%s\"", role_name(role), strerror(-error));
		/* Perhaps half a frame was sent. The role ends when it sees this, and comes back with a new channel. */
		shutdown(channel->socket, SHUT_RDWR);
	}
	return error == 0;
}

static void role_drop(struct role_channel *channel)
{
	if (channel->socket < 0)
		return;
	event_free(channel->readable);
	frame_reader_free(&channel->reader);
	close(channel->socket);
	channel->socket = -1;
	if (channel->role == ROLE_COURIER)
		mail_courier_gone(channel->keeper);
	if (channel->role == ROLE_WASHER)
		mail_washer_gone(channel->keeper);
}

static int role_frame(struct role_channel *channel, const struct frame *frame)
{
	switch (channel->role) {
	case ROLE_COURIER:
		return mail_courier_frame(channel->keeper, frame);
	case ROLE_WASHER:
		return mail_washer_frame(channel->keeper, frame);
	case ROLE_FRONT:
		if (frame->verb == VERB_SESSION)
			return session_begin(channel->keeper, frame);
		break;
	default:
		break;
	}
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	return -EBADMSG;
}

static void role_readable(evutil_socket_t socket, short what, void *context)
{
	struct role_channel *channel = context;
	struct frame frame;
	int result = frame_receive(socket, &channel->reader, &frame);

	(void)what;
	if (result > 0)
		result = role_frame(channel, &frame);
	if (result == -EBADMSG)
		log_event(LOG_LEVEL_ERROR, "SKS-ROLE", "a role said what it may not say and is cut off role=%s", role_name(channel->role));
	if (result < 0)
		role_drop(channel);
}

/* A new channel to a role that was started, or started again. */
static int role_join(struct keeper *keeper, struct span payload, int socket)
{
	enum role role = payload.length == 1 ? (enum role)payload.data[0] : ROLE_KEEPER;
	struct role_channel *channel = &keeper->channels[role];

	if (role != ROLE_WASHER && role != ROLE_COURIER && role != ROLE_FRONT) {
		close(socket);
		return -EBADMSG;
	}
	role_drop(channel);
	channel->socket = socket;
	channel->reader = frame_reader_make(MESSAGE_BYTES_MAX);
	channel->readable = event_new(keeper->loop, socket, EV_READ | EV_PERSIST, role_readable, channel);
	if (!channel->readable || event_add(channel->readable, NULL) != 0)
		arena_exhausted();
	if (role == ROLE_WASHER)
		mail_washer_came(keeper);
	return 0;
}

static int parent_frame(struct keeper *keeper, const struct frame *frame)
{
	int error;

	if (frame->verb == VERB_CHANNEL && frame->descriptor >= 0)
		return role_join(keeper, frame->payload, frame->descriptor);
	if (frame->verb != VERB_PLAN || frame->descriptor >= 0)
		return -EBADMSG;
	error = plan_book_take(&keeper->plans, frame->payload);
	if (!error)
		event_active(keeper->janitor, EV_TIMEOUT, 0);
	return error;
}

static void parent_readable(evutil_socket_t channel, short what, void *context)
{
	struct keeper *keeper = context;
	struct frame frame;
	int result = crew_role_receive(&keeper->parent_reader, &frame);

	(void)channel;
	(void)what;
	if (result > 0)
		result = parent_frame(keeper, &frame);
	if (result < 0)
		event_base_loopbreak(keeper->loop);
}

static void sync_run(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	mail_sync_all(context);
}

/* ---- the process ---- */

/* The directory of originals, which the parent has made for us. */
static int root_open(struct keeper *keeper)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/originals", keeper->options->state_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	keeper->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return keeper->root >= 0 ? 0 : -errno;
}

static int keeper_enter(const struct keeper *keeper)
{
	char directory[PATH_MAX];
	struct role_sandbox sandbox = {
		.user = relay_user_name(RELAY_USER_KEEPER), .calls = keeper_calls, .directory = directory,
		.memory_bytes_max = KEEPER_MEMORY_BYTES_MAX, .descriptors_max = KEEPER_DESCRIPTORS_MAX,
	};

	snprintf(directory, sizeof(directory), "%s/originals", keeper->options->state_dir);
	return role_enter(&sandbox);
}

static int keeper_listen(struct keeper *keeper)
{
	const struct timeval period = { .tv_sec = JANITOR_PERIOD_S };

	for (int role = 0; role < ROLES_STANDING; role++)
		keeper->channels[role] = (struct role_channel){ .keeper = keeper, .role = (enum role)role, .socket = -1 };
	keeper->parent_reader = frame_reader_make(PLAN_BYTES_MAX + MESSAGE_BYTES_MAX);
	keeper->parent_readable = event_new(keeper->loop, CREW_CHANNEL, EV_READ | EV_PERSIST, parent_readable, keeper);
	keeper->sync = event_new(keeper->loop, -1, 0, sync_run, keeper);
	keeper->janitor = event_new(keeper->loop, -1, EV_PERSIST, janitor_run, keeper);
	if (!keeper->parent_readable || !keeper->sync || !keeper->janitor)
		return -ENOMEM;
	return event_add(keeper->parent_readable, NULL) == 0 && event_add(keeper->janitor, &period) == 0 ? 0 : -ENOMEM;
}

int keeper_run(const struct options *options)
{
	struct keeper keeper = { .options = options, .root = -1 };
	int error;

	/* The loop and the time zone read files that the sandbox hides. */
	tzset();
	keeper.loop = event_base_new();
	error = keeper.loop ? keeper_listen(&keeper) : -ENOMEM;
	if (!error)
		error = keeper_enter(&keeper);
	if (!error)
		error = root_open(&keeper);
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-START", "the keeper could not start dir=%s reason=\"%s\"", options->state_dir, strerror(-error));
		return EXIT_FAILURE;
	}
	event_base_dispatch(keeper.loop);
	return EXIT_SUCCESS;
}
