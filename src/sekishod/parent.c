/*
 * parent: starts the roles, starts them again when they die, and stops them.
 *
 * It holds the one capability that the enforcer needs, because a started program cannot have more than its
 * parent may give, and the one by which roles give theirs up. From the zone file it takes the pins and
 * nothing else; from the roles it takes only the two verbs below. Its own end ends the roles; the rules stay
 * in the kernel.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "sekishod/messages.h"
#include "sekishod/notify.h"
#include "sekishod/pins.h"
#include "sekishod/roles.h"
#include "wire/frame.h"
#include "wire/report.h"

enum {
	BACK_OFF_FIRST_MS = 100, BACK_OFF_MAX_MS = 10000,
	BACK_OFF_FORGET_S = 60,		/* a role that lived so long begins with the first back-off again */
	STOP_TIMEOUT_S = 5,		/* then SIGKILL */
	ROLE_PAYLOAD_BYTES_MAX = 4096,
	WHY_BYTES_MAX = 60 << 10,	/* the planner takes 64 KiB */
};

struct parent;

/* A role as a process. */
struct child {
	struct parent *parent;
	enum role role;
	pid_t pid;			/* 0: not running */
	int channel;			/* our end; -1 when not running */
	struct frame_reader reader;
	struct event *readable;		/* something came by the channel */
	struct event *again;		/* time to start it again */
	unsigned int back_off_ms;
	time_t started_s;
};

struct parent {
	const struct options *options;
	struct event_base *loop;
	struct event *signals[4];
	struct event *stop_timeout;
	struct child children[ROLE_COUNT]; /* by role; the one of ROLE_PARENT is not used */
	struct buf pins;		/* packed; what the enforcer has, empty: none */
	char in_force[DIGEST_TEXT_BYTES]; /* the digest a planner that is started again gets; "" before the first policy */
	bool ready, stopping;
};

/* CAP_NET_ADMIN is for the enforcer; CAP_SETPCAP lets each role take what it does not need out of its bounding set. */
static const int kept_capabilities[] = { CAP_NET_ADMIN, CAP_SETPCAP };

static time_t monotonic_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void descriptor_drop(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

/* A pair of connected sockets that do not block. */
static int channel_make(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0 ? 0 : -errno;
}

/* Sends a frame to a role. A role that cannot be reached is dying; its end is noticed by SIGCHLD. */
static void child_send(struct child *child, enum verb verb, struct span payload, int descriptor)
{
	struct frame frame = { .verb = verb, .payload = payload, .descriptor = descriptor };
	int error;

	if (child->pid == 0)
		return;
	error = frame_send(child->channel, &frame);
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-ROLE", "no answer can be sent role=%s reason=\"%s\"", role_name(child->role), strerror(-error));
}

/* The new process: nothing is left of the parent but the channel. */
static _Noreturn void child_exec(const struct options *options, enum role role, int channel)
{
	const char *arguments[OPTIONS_ARGUMENTS_MAX];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGTERM, SIG_DFL);
	/* dup2() to itself would leave the descriptor to be closed by exec. */
	if (channel == CHANNEL_PARENT ? fcntl(channel, F_SETFD, 0) < 0 : dup2(channel, CHANNEL_PARENT) < 0)
		_exit(EXIT_FAILURE);
	if (close_range(CHANNEL_PARENT + 1, ~0U, 0) != 0)
		_exit(EXIT_FAILURE);
	options_arguments(options, role, arguments);
	execv("/proc/self/exe", (char *const *)(uintptr_t)arguments);
	_exit(EXIT_FAILURE);
}

/* Gives both roles a new channel to each other. */
static void peers_join(struct parent *parent)
{
	struct child *planner = &parent->children[ROLE_PLANNER], *enforcer = &parent->children[ROLE_ENFORCER];
	const struct span nothing = { .length = 0 };
	int ends[2], error;

	if (planner->pid == 0 || enforcer->pid == 0)
		return;
	error = channel_make(ends);
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-ROLE", "the roles could not be connected reason=\"%s\"", strerror(-error));
		return;
	}
	child_send(enforcer, VERB_CHANNEL, nothing, ends[0]);
	child_send(planner, VERB_CHANNEL, nothing, ends[1]);
	close(ends[0]);
	close(ends[1]);
}

/*
 * Reads the pins of the file into parent->pins; what was there stays when that fails. Findings as JSON are
 * appended to why.
 */
static int pins_renew(struct parent *parent, struct buf *why)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct program_input pins;
	int error = pins_read(arena, parent->options->config, &findings, &pins);
	json_t *array;
	char *text;

	for (size_t i = 0; i < findings.count; i++)
		log_finding(&findings, &findings.items[i]);
	if (!error) {
		parent->pins.length = 0;
		pins_pack(&parent->pins, &pins);
		return 0;
	}
	if (why && findings.count > 0) {
		array = findings_to_json(&findings);
		text = json_dumps(array, JSON_COMPACT);
		buf_puts(why, text ? text : "[]");
		free(text);
		json_decref(array);
	}
	return error;
}

/* The pins that were in force last. False when none were kept or they are damaged; parent->pins is empty then. */
static bool pins_remember(struct parent *parent)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct program_input unused;

	parent->pins.length = 0;
	if (pins_recall(parent->options->state_dir, &parent->pins) == 0 && pins_unpack(arena, buf_span(&parent->pins), &unused) == 0)
		return true;
	parent->pins.length = 0;
	return false;
}

/*
 * The pins at the start: those that were in force last, because by them the rules in the kernel are judged. The file may have been edited
 * since; its pins are taken when the planner has found no fault in it and asks for them. Where none were kept, they are those of the file.
 */
static void pins_begin(struct parent *parent)
{
	int error = pins_remember(parent) ? 0 : pins_renew(parent, NULL);

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-PINS", "the zones of the file cannot be used file=%s reason=\"%s\"", parent->options->config,
			  strerror(-error));
}

/* The planner asks for the pins to be read again: the enforcer gets them before the planner gets the answer. */
static void renew_answer(struct child *planner)
{
	__attribute__((cleanup(buf_free))) struct buf why = buf_limited(WHY_BYTES_MAX);
	struct parent *parent = planner->parent;

	if (pins_renew(parent, &why) == 0) {
		child_send(&parent->children[ROLE_ENFORCER], VERB_PINS, buf_span(&parent->pins), -1);
		child_send(planner, VERB_RENEW_PINS, (struct span){ .length = 0 }, -1);
		return;
	}
	/* An empty answer would say that all is well; so a refusal whose reasons do not fit, or that has none, is an empty list. */
	child_send(planner, VERB_RENEW_PINS, why.length > 0 && !why.overflow ? buf_span(&why) : span_of("[]"), -1);
}

/* A policy or the seal is in force. */
static int ready_take(struct child *planner, struct span payload)
{
	static const uint8_t no_digest[DIGEST_BYTES];
	struct parent *parent = planner->parent;
	char state[READY_STATUS_BYTES_MAX + 64];
	struct ready ready;
	int error = ready_unpack(payload, &ready);

	if (error)
		return error;
	snprintf(state, sizeof(state), "%sSTATUS=%.*s", parent->ready ? "" : "READY=1\n", (int)ready.status.length, ready.status.data);
	error = notify_send(getenv("NOTIFY_SOCKET"), state);
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-NOTIFY", "the service manager could not be told reason=\"%s\"", strerror(-error));
	else
		parent->ready = true;
	if (memcmp(ready.digest, no_digest, sizeof(no_digest)) == 0)
		return 0;
	digest_hex(ready.digest, DIGEST_BYTES, parent->in_force);
	error = pins_keep(parent->options->state_dir, buf_span(&parent->pins));
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-PINS", "the zones could not be kept dir=%s reason=\"%s\"", parent->options->state_dir,
			  strerror(-error));
	return 0;
}

/* What a role may ask of us; anything else is not a role of ours any more. */
static int child_frame(struct child *child, const struct frame *frame)
{
	if (frame->descriptor >= 0) {
		close(frame->descriptor);
		return -EBADMSG;
	}
	if (child->role != ROLE_PLANNER)
		return -EBADMSG;
	switch (frame->verb) {
	case VERB_RENEW_PINS:
		renew_answer(child);
		return 0;
	case VERB_READY:
		return ready_take(child, frame->payload);
	default:
		return -EBADMSG;
	}
}

static void child_readable(evutil_socket_t channel, short what, void *context)
{
	struct child *child = context;
	struct frame frame;
	int result = frame_receive(channel, &child->reader, &frame);

	(void)what;
	if (result > 0)
		result = child_frame(child, &frame);
	if (result >= 0)
		return;
	if (result != -EPIPE)
		log_event(LOG_LEVEL_ERROR, "SKS-ROLE", "a role said what it may not say and is ended role=%s", role_name(child->role));
	event_del(child->readable);
	if (child->pid > 0)
		kill(child->pid, SIGKILL);
}

static int child_listen(struct child *child)
{
	child->reader = frame_reader_make(ROLE_PAYLOAD_BYTES_MAX);
	child->readable = event_new(child->parent->loop, child->channel, EV_READ | EV_PERSIST, child_readable, child);
	return child->readable && event_add(child->readable, NULL) == 0 ? 0 : -ENOMEM;
}

/* Starts the process of a role. 0 or negative errno. */
static int child_fork(struct child *child)
{
	struct options options = *child->parent->options;
	int ends[2], error = channel_make(ends);

	if (error)
		return error;
	options.in_force = child->parent->in_force[0] ? child->parent->in_force : NULL;
	child->pid = fork();
	if (child->pid == 0)
		child_exec(&options, child->role, ends[1]);
	error = child->pid < 0 ? -errno : 0;
	close(ends[1]);
	if (error) {
		child->pid = 0;
		close(ends[0]);
		return error;
	}
	child->channel = ends[0];
	child->started_s = monotonic_s();
	return child_listen(child);
}

static void child_schedule(struct child *child)
{
	struct timeval wait = { .tv_sec = child->back_off_ms / 1000, .tv_usec = (suseconds_t)(child->back_off_ms % 1000) * 1000 };

	event_add(child->again, &wait);
	child->back_off_ms = child->back_off_ms * 2 < BACK_OFF_MAX_MS ? child->back_off_ms * 2 : BACK_OFF_MAX_MS;
}

static void child_start(struct child *child)
{
	int error = child_fork(child);

	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-ROLE", "a role could not be started role=%s reason=\"%s\"", role_name(child->role), strerror(-error));
		child_schedule(child);
		return;
	}
	log_event(LOG_LEVEL_INFO, "SKS-ROLE", "a role was started role=%s pid=%d", role_name(child->role), (int)child->pid);
	if (child->role == ROLE_ENFORCER && child->parent->pins.length > 0)
		child_send(child, VERB_PINS, buf_span(&child->parent->pins), -1);
	peers_join(child->parent);
}

static void child_again(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	child_start(context);
}

/* Forgets the process that ended. */
static void child_clear(struct child *child)
{
	if (child->readable)
		event_free(child->readable);
	child->readable = NULL;
	frame_reader_free(&child->reader);
	descriptor_drop(&child->channel);
	child->pid = 0;
}

static void child_ended(struct child *child, int status)
{
	struct parent *parent = child->parent;

	if (!parent->stopping)
		log_event(LOG_LEVEL_ERROR, "SKS-ROLE", "a role ended and is started again; the rules stay role=%s pid=%d %s=%d", role_name(child->role),
			  (int)child->pid, WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (monotonic_s() - child->started_s >= BACK_OFF_FORGET_S)
		child->back_off_ms = BACK_OFF_FIRST_MS;
	child_clear(child);
	if (!parent->stopping)
		child_schedule(child);
}

static bool children_are_gone(const struct parent *parent)
{
	return parent->children[ROLE_ENFORCER].pid == 0 && parent->children[ROLE_PLANNER].pid == 0;
}

static void children_reap(evutil_socket_t signal_number, short what, void *context)
{
	struct parent *parent = context;
	int status;
	pid_t pid;

	(void)signal_number;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int role = ROLE_ENFORCER; role < ROLE_COUNT; role++)
			if (parent->children[role].pid == pid)
				child_ended(&parent->children[role], status);
	if (parent->stopping && children_are_gone(parent))
		event_base_loopbreak(parent->loop);
}

static void children_signal(struct parent *parent, int number)
{
	for (int role = ROLE_ENFORCER; role < ROLE_COUNT; role++)
		if (parent->children[role].pid > 0)
			kill(parent->children[role].pid, number);
}

static void children_kill(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	log_event(LOG_LEVEL_WARNING, "SKS-STOP", "a role did not stop and is killed");
	children_signal(context, SIGKILL);
}

static void stop_begin(evutil_socket_t signal_number, short what, void *context)
{
	const struct timeval timeout = { .tv_sec = STOP_TIMEOUT_S };
	struct parent *parent = context;

	(void)what;
	if (parent->stopping)
		return;
	parent->stopping = true;
	log_event(LOG_LEVEL_NOTICE, "SKS-STOP", "stopping; the rules stay in force signal=%d", (int)signal_number);
	notify_send(getenv("NOTIFY_SOCKET"), "STOPPING=1\nSTATUS=stopping; the rules stay in force");
	for (int role = ROLE_ENFORCER; role < ROLE_COUNT; role++)
		event_del(parent->children[role].again);
	children_signal(parent, SIGTERM);
	event_add(parent->stop_timeout, &timeout);
	if (children_are_gone(parent))
		event_base_loopbreak(parent->loop);
}

static void reload_refuse(evutil_socket_t signal_number, short what, void *context)
{
	(void)signal_number;
	(void)what;
	(void)context;
	log_event(LOG_LEVEL_WARNING, "SKS-RELOAD", "SIGHUP does nothing, because it has no answer; use `sekisho apply` or `systemctl reload`");
}

static int signals_watch(struct parent *parent)
{
	static const struct {
		int number;
		event_callback_fn act;
	} watched[] = { { SIGTERM, stop_begin }, { SIGINT, stop_begin }, { SIGHUP, reload_refuse }, { SIGCHLD, children_reap } };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
		parent->signals[i] = evsignal_new(parent->loop, watched[i].number, watched[i].act, parent);
		if (!parent->signals[i] || event_add(parent->signals[i], NULL) != 0)
			return -ENOMEM;
	}
	parent->stop_timeout = evtimer_new(parent->loop, children_kill, parent);
	return parent->stop_timeout ? 0 : -ENOMEM;
}

static int children_prepare(struct parent *parent)
{
	for (int role = ROLE_ENFORCER; role < ROLE_COUNT; role++) {
		struct child *child = &parent->children[role];

		*child = (struct child){ .parent = parent, .role = (enum role)role, .channel = -1, .back_off_ms = BACK_OFF_FIRST_MS };
		child->reader = frame_reader_make(ROLE_PAYLOAD_BYTES_MAX);
		child->again = evtimer_new(parent->loop, child_again, child);
		if (!child->again)
			return -ENOMEM;
	}
	return 0;
}

/*
 * Both directories belong to us alone: in one is the door for administrators, in the other what judges the
 * rules.
 */
static int directory_make(const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	log_event(LOG_LEVEL_ERROR, "SKS-START", "a directory could not be made dir=%s reason=\"%s\"", path, strerror(errno));
	return -errno;
}

/*
 * Locks the run directory for as long as this process lives: two of us would take each other's control socket and commit in turns. The roles
 * do not inherit the lock.
 */
static int run_directory_lock(const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (directory < 0)
		return -errno;
	if (flock(directory, LOCK_EX | LOCK_NB) == 0)
		return 0;
	error = -errno;
	if (error == -EWOULDBLOCK)
		log_event(LOG_LEVEL_ERROR, "SKS-START", "another sekishod uses this run directory run-dir=%s", path);
	close(directory);
	return error;
}

static int parent_begin(struct parent *parent)
{
	int error = sandbox_keep_capabilities(kept_capabilities, sizeof(kept_capabilities) / sizeof(kept_capabilities[0]));

	if (!error)
		error = directory_make(parent->options->run_dir);
	if (!error)
		error = run_directory_lock(parent->options->run_dir);
	if (!error && directory_make(parent->options->state_dir) != 0)
		log_event(LOG_LEVEL_WARNING, "SKS-START", "nothing will survive a reboot");
	if (!error && !parent->loop)
		error = -ENOMEM;
	if (!error)
		error = signals_watch(parent);
	return error ? error : children_prepare(parent);
}

static void parent_end(struct parent *parent)
{
	for (int role = ROLE_ENFORCER; role < ROLE_COUNT; role++) {
		child_clear(&parent->children[role]);
		event_free(parent->children[role].again);
	}
	for (size_t i = 0; i < sizeof(parent->signals) / sizeof(parent->signals[0]); i++)
		event_free(parent->signals[i]);
	event_free(parent->stop_timeout);
	event_base_free(parent->loop);
	buf_free(&parent->pins);
}

int parent_run(const struct options *options)
{
	struct parent parent = { .options = options, .loop = event_base_new(), .pins = buf_limited(PINS_BYTES_MAX) };
	int error = parent_begin(&parent);

	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-START", "sekishod could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	log_event(LOG_LEVEL_NOTICE, "SKS-START", "starting config=%s", options->config);
	pins_begin(&parent);
	for (int role = ROLE_ENFORCER; role < ROLE_COUNT; role++)
		child_start(&parent.children[role]);
	event_base_dispatch(parent.loop);
	parent_end(&parent);
	log_event(LOG_LEVEL_NOTICE, "SKS-STOP", "stopped; the rules stay in force");
	return EXIT_SUCCESS;
}
