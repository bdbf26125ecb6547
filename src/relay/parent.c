/*
 * parent: starts the roles, hands them the plan, and lets an administrator have the file read again.
 *
 * It is root, with the capabilities that the roles need to become who they are. It reads bytes of nobody but its own roles, and of root at its
 * control socket, from whom it takes one verb without a payload. The last good plan is kept: a broken file at the start does not stop the mail.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "daemon/notify.h"
#include "daemon/state.h"
#include "relay/plan.h"
#include "relay/roles.h"
#include "wire/fields.h"
#include "wire/report.h"

#define PLAN_FILE "plan"

enum {
	FINDINGS_BYTES_MAX = 4 << 20,
	ROLE_PAYLOAD_BYTES_MAX = 4096,
	ASKERS_MAX = 16,
	ASKER_TIMEOUT_S = 5,	/* for the question */
};

struct parent;

/* Somebody at the control socket. */
struct asker {
	struct parent *parent;
	int socket;		/* -1: the place is free */
	bool asked;
	struct frame_reader reader;
	struct event *readable;
};

struct parent {
	const struct options *options;
	struct event_base *loop;
	struct crew_plan crew_plan;
	struct crew *crew;
	struct buf relays;	/* packed: the plan in use */
	uint32_t plan_number;	/* 0: none */
	bool ready;

	int reader;		/* channel to the reader; -1: it does not run */
	struct frame_reader reader_frames;
	struct event *reader_readable;
	struct buf findings;	/* as JSON: what the reader found */
	struct buf relays_read;	/* packed: what the reader made of the file; empty: it refused it */

	int control;		/* listening socket; -1: none */
	struct event *control_readable;
	struct asker askers[ASKERS_MAX];
	bool again;		/* somebody asked while the file was being read: it may have changed */
};

static const int kept_capabilities[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_KILL, CAP_CHOWN };

/* ---- the plan ---- */

static void plan_hand_over(struct parent *parent, int role)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(PLAN_BYTES_MAX + sizeof(parent->plan_number));

	if (parent->plan_number == 0)
		return;
	plan_number_pack(&payload, parent->plan_number, buf_span(&parent->relays));
	crew_send(parent->crew, role, VERB_PLAN, buf_span(&payload), -1);
}

/* Puts a plan in use: the front, which begins sessions with it, hears of it last. */
static void plan_use(struct parent *parent, struct span relays)
{
	parent->relays.length = 0;
	buf_put(&parent->relays, relays.data, relays.length);
	parent->plan_number++;
	plan_hand_over(parent, ROLE_KEEPER);
	plan_hand_over(parent, ROLE_FRONT);
}

static void plan_keep(struct parent *parent)
{
	int error = state_keep(parent->options->state_dir, PLAN_FILE, buf_span(&parent->relays));

	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-PLAN", "the relays could not be kept for the next start dir=%s reason=\"%s\"",
			  parent->options->state_dir, strerror(-error));
}

/* The plan of before, when the file cannot be used at the start. */
static void plan_recall(struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf kept = buf_limited(PLAN_BYTES_MAX);
	struct plan *plan;
	int error = state_recall(parent->options->state_dir, PLAN_FILE, PLAN_BYTES_MAX, &kept);

	if (!error)
		error = plan_unpack(buf_span(&kept), 1, &plan);
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-PLAN", "the file is refused and no relays of before are known: no mail is taken reason=\"%s\"",
			  strerror(-error));
		return;
	}
	plan_free(plan);
	log_event(LOG_LEVEL_ERROR, "SKS-PLAN", "the file is refused: mail is relayed as the last good file said");
	plan_use(parent, buf_span(&kept));
}

static void ready_tell(struct parent *parent, const char *status)
{
	char state[256];

	snprintf(state, sizeof(state), "%sSTATUS=%s", parent->ready ? "" : "READY=1\n", status);
	parent->ready = true;
	notify_send(getenv("NOTIFY_SOCKET"), state);
}

/* ---- askers ---- */

static void asker_drop(struct asker *asker)
{
	if (asker->socket < 0)
		return;
	event_free(asker->readable);
	frame_reader_free(&asker->reader);
	close(asker->socket);
	asker->socket = -1;
}

static void asker_answer(struct asker *asker, struct span report)
{
	struct frame frame = { .verb = VERB_REPORT, .payload = report, .descriptor = -1 };

	frame_send(asker->socket, &frame);
	asker_drop(asker);
}

/* Tells everybody who asked what the reader found. */
static void askers_answer(struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf report = buf_limited(FINDINGS_BYTES_MAX + 128);

	buf_printf(&report, "{\"accepted\":%s,\"findings\":", parent->relays_read.length > 0 ? "true" : "false");
	buf_put(&report, parent->findings.data, parent->findings.length);
	buf_puts(&report, parent->findings.length > 0 ? "}" : "[]}");
	for (size_t i = 0; i < ASKERS_MAX; i++)
		if (parent->askers[i].socket >= 0 && parent->askers[i].asked)
			asker_answer(&parent->askers[i], buf_span(&report));
}

/* ---- the reader ---- */

static void reader_start(struct parent *parent);

static void findings_log(const struct parent *parent)
{
	json_t *array = json_loadb(parent->findings.data, parent->findings.length, 0, NULL);
	struct buf text = buf_limited(FINDINGS_BYTES_MAX);
	struct span rest;

	findings_render_json(&text, array, LANGUAGE_EN);
	rest = buf_span(&text);
	while (rest.length > 0) {
		const char *end = memchr(rest.data, '\n', rest.length);
		size_t length = end ? (size_t)(end - rest.data) : rest.length;

		log_event(LOG_LEVEL_WARNING, "SKS-FINDING", "%.*s", (int)length, rest.data);
		rest = span_part(rest, end ? length + 1 : length, rest.length);
	}
	buf_free(&text);
	json_decref(array);
}

/* The reader has said everything. */
static void reader_done(struct parent *parent)
{
	event_free(parent->reader_readable);
	frame_reader_free(&parent->reader_frames);
	close(parent->reader);
	parent->reader = -1;
	if (parent->relays_read.length > 0) {
		plan_use(parent, buf_span(&parent->relays_read));
		plan_keep(parent);
		log_event(LOG_LEVEL_NOTICE, "SKS-PLAN", "the file is in use for new sessions file=%s plan=%u", parent->options->config, parent->plan_number);
	} else {
		findings_log(parent);
		if (parent->plan_number == 0)
			plan_recall(parent);
		else
			log_event(LOG_LEVEL_ERROR, "SKS-PLAN", "the file is refused; the relays stay as they are file=%s", parent->options->config);
	}
	if (parent->plan_number == 0 && !parent->ready)
		ready_tell(parent, "the zone file is refused; no mail is taken");
	if (parent->again)
		reader_start(parent);
	else
		askers_answer(parent);
}

static int reader_frame(struct parent *parent, const struct frame *frame)
{
	struct buf *kept = frame->verb == VERB_PLAN ? &parent->relays_read : &parent->findings;

	if (frame->descriptor >= 0) {
		close(frame->descriptor);
		return -EBADMSG;
	}
	if (frame->verb != VERB_PLAN && frame->verb != VERB_REFUSED)
		return -EBADMSG;
	kept->length = 0;
	buf_put(kept, frame->payload.data, frame->payload.length);
	return 0;
}

static void reader_readable(evutil_socket_t channel, short what, void *context)
{
	struct parent *parent = context;
	struct frame frame;
	int result = frame_receive(channel, &parent->reader_frames, &frame);

	(void)what;
	if (result > 0)
		result = reader_frame(parent, &frame);
	if (result < 0)
		reader_done(parent);
}

static void parent_exec(void *context, int role)
{
	const struct parent *parent = context;
	const char *arguments[OPTIONS_ARGUMENTS_MAX];

	options_arguments(parent->options, (enum role)role, arguments);
	execv("/proc/self/exe", (char *const *)(uintptr_t)arguments);
}

static void reader_listen(struct parent *parent, int channel)
{
	parent->reader = channel;
	parent->findings.length = parent->relays_read.length = 0;
	parent->again = false;
	parent->reader_frames = frame_reader_make(FINDINGS_BYTES_MAX);
	parent->reader_readable = event_new(parent->loop, channel, EV_READ | EV_PERSIST, reader_readable, parent);
	if (!parent->reader_readable || event_add(parent->reader_readable, NULL) != 0)
		arena_exhausted();
}

/* Has the file read. What comes of it is acted upon in reader_done(). */
static void reader_start(struct parent *parent)
{
	int channel, error = crew_start_once(parent->crew, ROLE_READER, &channel);

	if (!error) {
		reader_listen(parent, channel);
		return;
	}
	log_event(LOG_LEVEL_ERROR, "SKS-PLAN", "the file could not be read reason=\"%s\"", strerror(-error));
	parent->findings.length = parent->relays_read.length = 0;
	askers_answer(parent);
}

/* ---- the control socket ---- */

static void asker_readable(evutil_socket_t socket, short what, void *context)
{
	struct asker *asker = context;
	struct parent *parent = asker->parent;
	struct frame frame;
	int result = what & EV_TIMEOUT ? -ETIMEDOUT : frame_receive(socket, &asker->reader, &frame);

	if (result == 0)
		return;
	if (result > 0 && frame.descriptor >= 0)
		close(frame.descriptor);
	if (result < 0 || frame.verb != VERB_RELOAD || frame.payload.length != 0) {
		asker_drop(asker);
		return;
	}
	asker->asked = true;
	event_del(asker->readable);
	if (parent->reader >= 0)
		parent->again = true;
	else
		reader_start(parent);
}

static bool asker_is_root(int socket)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 && credentials.uid == 0;
}

static struct asker *asker_place(struct parent *parent)
{
	for (size_t i = 0; i < ASKERS_MAX; i++)
		if (parent->askers[i].socket < 0)
			return &parent->askers[i];
	return NULL;
}

static void control_accept(evutil_socket_t listening, short what, void *context)
{
	const struct timeval timeout = { .tv_sec = ASKER_TIMEOUT_S };
	struct parent *parent = context;
	struct asker *asker = asker_place(parent);
	int socket = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (socket < 0)
		return;
	if (!asker || !asker_is_root(socket)) {
		close(socket);
		return;
	}
	*asker = (struct asker){ .parent = parent, .socket = socket, .reader = frame_reader_make(0) };
	asker->readable = event_new(parent->loop, socket, EV_READ | EV_PERSIST, asker_readable, asker);
	if (!asker->readable || event_add(asker->readable, &timeout) != 0)
		arena_exhausted();
}

static int control_address(const char *run_dir, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s/control", run_dir) < (int)sizeof(ret_address->sun_path) ?
		       0 : -ENAMETOOLONG;
}

static int control_open(struct parent *parent)
{
	struct sockaddr_un address;
	int error = control_address(parent->options->run_dir, &address);

	if (error)
		return error;
	unlink(address.sun_path);
	parent->control = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (parent->control < 0 || bind(parent->control, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(address.sun_path, 0600) != 0 || listen(parent->control, ASKERS_MAX) != 0)
		return -errno;
	parent->control_readable = event_new(parent->loop, parent->control, EV_READ | EV_PERSIST, control_accept, parent);
	return parent->control_readable && event_add(parent->control_readable, NULL) == 0 ? 0 : -ENOMEM;
}

/* ---- the crew ---- */

static const char *parent_role_name(int role)
{
	return role_name((enum role)role);
}

/* A role runs: it gets the plan, and a channel to the keeper. */
static void parent_started(void *context, int role)
{
	struct parent *parent = context;

	if (role == ROLE_KEEPER || role == ROLE_FRONT)
		plan_hand_over(parent, role);
	if (role != ROLE_KEEPER) {
		crew_join(parent->crew, ROLE_KEEPER, role);
		return;
	}
	for (int other = 0; other < ROLES_STANDING; other++)
		if (other != ROLE_KEEPER)
			crew_join(parent->crew, ROLE_KEEPER, other);
}

/* The front says whether it listens everywhere; no other role has anything to say to us. */
static int parent_frame(void *context, int role, const struct frame *frame)
{
	struct parent *parent = context;
	struct span payload = frame->payload;
	uint32_t all;

	if (frame->descriptor >= 0) {
		close(frame->descriptor);
		return -EBADMSG;
	}
	if (role != ROLE_FRONT || frame->verb != VERB_LISTENING || !span_take_u32(&payload, &all) || payload.length != 0)
		return -EBADMSG;
	ready_tell(parent, all ? "relaying mail" : "some addresses cannot be listened to; see the journal");
	return 0;
}

static void parent_stopping(void *context, int signal)
{
	(void)context;
	log_event(LOG_LEVEL_NOTICE, "SKS-STOP", "stopping; senders keep what has no answer yet signal=%d", signal);
	notify_send(getenv("NOTIFY_SOCKET"), "STOPPING=1\nSTATUS=stopping");
}

static void parent_hangup(void *context)
{
	(void)context;
	log_event(LOG_LEVEL_WARNING, "SKS-RELOAD", "SIGHUP does nothing, because it has no answer; use `sekisho-relay --reload` or `systemctl reload`");
}

/* The directory of originals belongs to the keeper alone; those above it may be passed by everybody. */
static int directories_make(const struct options *options)
{
	char path[4096];
	uint32_t uid, gid;
	int error = crew_directory_make(options->run_dir, 0755);

	if (!error)
		error = crew_directory_make(options->state_dir, 0711);
	if (!error)
		error = sandbox_user(relay_user_name(RELAY_USER_KEEPER), &uid, &gid);
	if (error)
		return error;
	if (snprintf(path, sizeof(path), "%s/originals", options->state_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	error = crew_directory_make(path, 0700);
	return !error && chown(path, uid, gid) != 0 ? -errno : error;
}

static int parent_begin(struct parent *parent)
{
	int error = directories_make(parent->options);

	if (!error)
		error = crew_directory_lock(parent->options->run_dir);
	if (!error)
		error = sandbox_keep_capabilities(kept_capabilities, sizeof(kept_capabilities) / sizeof(kept_capabilities[0]));
	if (error)
		return error;
	for (size_t i = 0; i < ASKERS_MAX; i++)
		parent->askers[i].socket = -1;
	parent->loop = event_base_new();
	parent->crew = parent->loop ? crew_new(parent->loop, &parent->crew_plan) : NULL;
	return parent->crew ? control_open(parent) : -ENOMEM;
}

static void parent_end(struct parent *parent)
{
	for (size_t i = 0; i < ASKERS_MAX; i++)
		asker_drop(&parent->askers[i]);
	event_free(parent->control_readable);
	close(parent->control);
	if (parent->reader >= 0) {
		event_free(parent->reader_readable);
		frame_reader_free(&parent->reader_frames);
		close(parent->reader);
	}
	crew_free(parent->crew);
	event_base_free(parent->loop);
	buf_free(&parent->relays);
	buf_free(&parent->findings);
	buf_free(&parent->relays_read);
}

int parent_run(const struct options *options)
{
	struct parent parent = {
		.options = options, .reader = -1, .control = -1,
		.relays = buf_limited(PLAN_BYTES_MAX), .relays_read = buf_limited(PLAN_BYTES_MAX), .findings = buf_limited(FINDINGS_BYTES_MAX),
		.crew_plan = {
			.role_count = ROLES_STANDING, .payload_bytes_max = ROLE_PAYLOAD_BYTES_MAX,
			.message_start = "SKS-ROLE", .message_stop = "SKS-STOP", .ends = "senders keep what has no answer yet",
			.name = parent_role_name, .exec = parent_exec, .started = parent_started, .frame = parent_frame,
			.stopping = parent_stopping, .hangup = parent_hangup, .context = &parent,
		},
	};
	int error = parent_begin(&parent);

	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-START", "sekisho-relay could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	log_event(LOG_LEVEL_NOTICE, "SKS-START", "starting config=%s", options->config);
	crew_start(parent.crew);
	reader_start(&parent);
	event_base_dispatch(parent.loop);
	parent_end(&parent);
	log_event(LOG_LEVEL_NOTICE, "SKS-STOP", "stopped");
	return EXIT_SUCCESS;
}
