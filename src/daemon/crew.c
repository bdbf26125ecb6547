/* crew: starts roles, starts them again when they die, and stops them. */
#include "daemon/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/notify.h"

/* A role as a process. */
struct child {
	struct crew *crew;
	int role;
	pid_t pid;			/* 0: not running */
	int channel;			/* our end; -1 when not running */
	struct frame_reader reader;
	struct event *readable;		/* something came by the channel */
	struct event *again;		/* time to start it again */
	unsigned int back_off_ms;
	time_t started_s;
	unsigned int unanswered;	/* ticks since it was asked whether it is there; 0: it has answered */
};

enum {
	SIGNALS_WATCHED = 4,
	CREW_NAME_BYTES = 16,	/* of a process, with the NUL: prctl(2) */
};

struct crew {
	const struct crew_plan *plan;
	struct event_base *loop;
	struct event *signals[SIGNALS_WATCHED];
	struct event *stop_timeout;
	struct event *tick;		/* time to ask who is there */
	bool watched;			/* the service manager waits to hear from us */
	struct child children[CREW_ROLES_MAX];
	bool stopping;
};

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

static const char *child_name(const struct child *child)
{
	return child->crew->plan->name(child->role);
}

/* ---- one role ---- */

/* The new process: nothing is left of the parent but the channel. */
static _Noreturn void role_exec(const struct crew_plan *plan, int role, int channel)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGTERM, SIG_DFL);
	/* dup2() to itself would leave the descriptor to be closed by exec. */
	if (channel == CREW_CHANNEL ? fcntl(channel, F_SETFD, 0) < 0 : dup2(channel, CREW_CHANNEL) < 0)
		_exit(EXIT_FAILURE);
	if (close_range(CREW_CHANNEL + 1, ~0U, 0) != 0)
		_exit(EXIT_FAILURE);
	plan->exec(plan->context, role);
	_exit(EXIT_FAILURE);
}

/* Starts a process; our end of its channel goes to *ret_channel. Its number or negative errno. */
static pid_t role_fork(const struct crew_plan *plan, int role, int *ret_channel)
{
	int ends[2], error = channel_make(ends);
	pid_t pid;

	if (error)
		return error;
	pid = fork();
	if (pid == 0)
		role_exec(plan, role, ends[1]);
	error = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (error) {
		close(ends[0]);
		return error;
	}
	*ret_channel = ends[0];
	return pid;
}

/* An answer that nobody asked for is none. */
static int child_take_pong(struct child *child, const struct frame *frame)
{
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	if (child->unanswered == 0 || frame->descriptor >= 0)
		return -EBADMSG;
	child->unanswered = 0;
	return 1;
}

static void child_readable(evutil_socket_t channel, short what, void *context)
{
	struct child *child = context;
	const struct crew_plan *plan = child->crew->plan;
	struct frame frame;
	int result = frame_receive(channel, &child->reader, &frame);

	(void)what;
	if (result > 0 && frame.verb == VERB_PONG)
		result = child_take_pong(child, &frame);
	else if (result > 0)
		result = plan->frame(plan->context, child->role, &frame);
	if (result >= 0)
		return;
	if (result != -EPIPE)
		log_event(LOG_LEVEL_ERROR, plan->message_start, "a role said what it may not say and is ended role=%s", child_name(child));
	event_del(child->readable);
	if (child->pid > 0)
		kill(child->pid, SIGKILL);
}

static int child_listen(struct child *child)
{
	child->reader = frame_reader_make(child->crew->plan->payload_bytes_max);
	child->readable = event_new(child->crew->loop, child->channel, EV_READ | EV_PERSIST, child_readable, child);
	return child->readable && event_add(child->readable, NULL) == 0 ? 0 : -ENOMEM;
}

/* Starts the process of a role. 0 or negative errno. */
static int child_fork(struct child *child)
{
	pid_t pid = role_fork(child->crew->plan, child->role, &child->channel);

	if (pid < 0)
		return pid;
	child->pid = pid;
	child->unanswered = 0;
	child->started_s = monotonic_s();
	return child_listen(child);
}

static void child_schedule(struct child *child, unsigned int pause_ms)
{
	struct timeval wait = { .tv_sec = pause_ms / 1000, .tv_usec = (suseconds_t)(pause_ms % 1000) * 1000 };

	event_add(child->again, &wait);
}

/* Starts it after its pause, which is longer next time. */
static void child_back_off(struct child *child)
{
	child_schedule(child, child->back_off_ms);
	child->back_off_ms = child->back_off_ms * 2 < CREW_BACK_OFF_MAX_MS ? child->back_off_ms * 2 : CREW_BACK_OFF_MAX_MS;
}

static void child_start(struct child *child)
{
	const struct crew_plan *plan = child->crew->plan;
	int error = child_fork(child);

	if (error) {
		log_event(LOG_LEVEL_ERROR, plan->message_start, "a role could not be started role=%s reason=\"%s\"", child_name(child),
			  strerror(-error));
		child_back_off(child);
		return;
	}
	log_event(LOG_LEVEL_INFO, plan->message_start, "a role was started role=%s pid=%d", child_name(child), (int)child->pid);
	plan->started(plan->context, child->role);
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
	const struct crew *crew = child->crew;

	if (!crew->stopping)
		log_event(LOG_LEVEL_ERROR, crew->plan->message_start, "a role ended and is started again; %s role=%s pid=%d %s=%d",
			  crew->plan->ends, child_name(child), (int)child->pid, WIFSIGNALED(status) ? "signal" : "status",
			  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (monotonic_s() - child->started_s >= CREW_BACK_OFF_FORGET_S)
		child->back_off_ms = CREW_BACK_OFF_FIRST_MS;
	child_clear(child);
	if (crew->stopping)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CREW_EXIT_PEER_GONE)
		child_schedule(child, CREW_BACK_OFF_FIRST_MS);
	else
		child_back_off(child);
}

/* A tick for one role: it is asked, unless it still owes an answer. False: it hangs and cannot be killed. */
static bool child_ask(struct child *child)
{
	const struct frame ping = { .verb = VERB_PING, .descriptor = -1 };

	if (child->pid == 0)
		return true;
	if (child->unanswered == CREW_TICKS_HUNG) {
		log_event(LOG_LEVEL_ERROR, child->crew->plan->message_start, "a role hangs and is killed role=%s pid=%d", child_name(child),
			  (int)child->pid);
		kill(child->pid, SIGKILL);
	}
	/* A role that does not take it owes an answer all the same. */
	if (child->unanswered == 0)
		(void)frame_send_now(child->channel, &ping);
	child->unanswered++;
	return child->unanswered <= CREW_TICKS_LOST;
}

/* ---- all of them ---- */

static void crew_tick(evutil_socket_t unused, short what, void *context)
{
	struct crew *crew = context;
	bool sound = true;

	(void)unused;
	(void)what;
	for (int role = 0; role < crew->plan->role_count; role++)
		sound &= child_ask(&crew->children[role]);
	if (sound && crew->watched)
		(void)notify_send(getenv("NOTIFY_SOCKET"), "WATCHDOG=1");
}

/* The time after which the service manager gives us up, as it says; 0: it does not watch. */
static unsigned long watchdog_us(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");

	return us && (!process || strtol(process, NULL, 10) == getpid()) ? strtoul(us, NULL, 10) : 0;
}

/* Begins to ask. */
static int tick_begin(struct crew *crew)
{
	const unsigned long us = watchdog_us(), tick_us = us ? us / CREW_TICKS_PER_WATCHDOG : CREW_TICK_MS * 1000UL;
	const struct timeval period = { .tv_sec = (time_t)(tick_us / 1000000), .tv_usec = (suseconds_t)(tick_us % 1000000) };

	crew->watched = us > 0;
	crew->tick = event_new(crew->loop, -1, EV_PERSIST, crew_tick, crew);
	return crew->tick && event_add(crew->tick, &period) == 0 ? 0 : -ENOMEM;
}

static bool children_are_gone(const struct crew *crew)
{
	for (int role = 0; role < crew->plan->role_count; role++)
		if (crew->children[role].pid != 0)
			return false;
	return true;
}

static void children_reap(evutil_socket_t signal_number, short what, void *context)
{
	struct crew *crew = context;
	int status;
	pid_t pid;

	(void)signal_number;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int role = 0; role < crew->plan->role_count; role++)
			if (crew->children[role].pid == pid)
				child_ended(&crew->children[role], status);
	if (crew->stopping && children_are_gone(crew))
		event_base_loopbreak(crew->loop);
}

static void children_signal(struct crew *crew, int number)
{
	for (int role = 0; role < crew->plan->role_count; role++)
		if (crew->children[role].pid > 0)
			kill(crew->children[role].pid, number);
}

static void children_kill(evutil_socket_t unused, short what, void *context)
{
	struct crew *crew = context;

	(void)unused;
	(void)what;
	log_event(LOG_LEVEL_WARNING, crew->plan->message_stop, "a role did not stop and is killed");
	children_signal(crew, SIGKILL);
}

static void stop_begin(evutil_socket_t signal_number, short what, void *context)
{
	const struct timeval timeout = { .tv_sec = CREW_STOP_TIMEOUT_S };
	struct crew *crew = context;

	(void)what;
	if (crew->stopping)
		return;
	crew->stopping = true;
	crew->plan->stopping(crew->plan->context, signal_number);
	for (int role = 0; role < crew->plan->role_count; role++)
		event_del(crew->children[role].again);
	children_signal(crew, SIGTERM);
	event_add(crew->stop_timeout, &timeout);
	if (children_are_gone(crew))
		event_base_loopbreak(crew->loop);
}

static void hangup(evutil_socket_t signal_number, short what, void *context)
{
	struct crew *crew = context;

	(void)signal_number;
	(void)what;
	crew->plan->hangup(crew->plan->context);
}

static int signals_watch(struct crew *crew)
{
	static const struct {
		int number;
		event_callback_fn act;
	} watched[SIGNALS_WATCHED] = { { SIGTERM, stop_begin }, { SIGINT, stop_begin }, { SIGHUP, hangup }, { SIGCHLD, children_reap } };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < SIGNALS_WATCHED; i++) {
		crew->signals[i] = evsignal_new(crew->loop, watched[i].number, watched[i].act, crew);
		if (!crew->signals[i] || event_add(crew->signals[i], NULL) != 0)
			return -ENOMEM;
	}
	crew->stop_timeout = evtimer_new(crew->loop, children_kill, crew);
	return crew->stop_timeout ? 0 : -ENOMEM;
}

static int children_prepare(struct crew *crew)
{
	for (int role = 0; role < crew->plan->role_count; role++) {
		struct child *child = &crew->children[role];

		child->again = evtimer_new(crew->loop, child_again, child);
		if (!child->again)
			return -ENOMEM;
	}
	return 0;
}

struct crew *crew_new(struct event_base *loop, const struct crew_plan *plan)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return NULL;
	*crew = (struct crew){ .plan = plan, .loop = loop };
	for (int role = 0; role < CREW_ROLES_MAX; role++)
		crew->children[role] = (struct child){
			.crew = crew, .role = role, .channel = -1, .back_off_ms = CREW_BACK_OFF_FIRST_MS,
			.reader = frame_reader_make(plan->payload_bytes_max),
		};
	if (signals_watch(crew) == 0 && children_prepare(crew) == 0 && tick_begin(crew) == 0)
		return crew;
	crew_free(crew);
	return NULL;
}

static void event_drop(struct event *event)
{
	if (event)
		event_free(event);
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	for (int role = 0; role < crew->plan->role_count; role++) {
		child_clear(&crew->children[role]);
		event_drop(crew->children[role].again);
	}
	for (size_t i = 0; i < SIGNALS_WATCHED; i++)
		event_drop(crew->signals[i]);
	event_drop(crew->stop_timeout);
	event_drop(crew->tick);
	free(crew);
}

void crew_start(struct crew *crew)
{
	for (int role = 0; role < crew->plan->role_count; role++)
		child_start(&crew->children[role]);
}

int crew_start_once(struct crew *crew, int role, int *ret_channel)
{
	pid_t pid = role_fork(crew->plan, role, ret_channel);

	return pid < 0 ? pid : 0;
}

void crew_send(struct crew *crew, int role, enum verb verb, struct span payload, int descriptor)
{
	struct child *child = &crew->children[role];
	struct frame frame = { .verb = verb, .payload = payload, .descriptor = descriptor };
	int error;

	if (child->pid == 0)
		return;
	error = frame_send(child->channel, &frame);
	if (error)
		log_event(LOG_LEVEL_WARNING, crew->plan->message_start, "a role cannot be told role=%s reason=\"%s\"", child_name(child),
			  strerror(-error));
}

void crew_send_now(struct crew *crew, int role, enum verb verb, struct span payload, int descriptor)
{
	struct child *child = &crew->children[role];
	const struct frame frame = { .verb = verb, .payload = payload, .descriptor = descriptor };

	if (child->pid == 0 || frame_send_now(child->channel, &frame) == 0)
		return;
	log_event(LOG_LEVEL_WARNING, crew->plan->message_start, "a role does not listen and is ended role=%s", child_name(child));
	kill(child->pid, SIGKILL);
}

bool crew_join(struct crew *crew, int one, int other)
{
	const char numbers[2] = { (char)one, (char)other };
	int ends[2], error;

	if (crew->children[one].pid == 0 || crew->children[other].pid == 0)
		return false;
	error = channel_make(ends);
	if (error) {
		log_event(LOG_LEVEL_ERROR, crew->plan->message_start, "roles could not be connected reason=\"%s\"", strerror(-error));
		return false;
	}
	crew_send(crew, one, VERB_CHANNEL, (struct span){ .data = &numbers[1], .length = 1 }, ends[0]);
	crew_send(crew, other, VERB_CHANNEL, (struct span){ .data = &numbers[0], .length = 1 }, ends[1]);
	close(ends[0]);
	close(ends[1]);
	return true;
}

bool crew_is_stopping(const struct crew *crew)
{
	return crew->stopping;
}

void crew_name_process(const char *role)
{
	char name[CREW_NAME_BYTES];

	snprintf(name, sizeof(name), "sks-%s", role);
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

int crew_role_begin(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return -errno;
	if (signal(SIGINT, SIG_IGN) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	return 0;
}

int crew_role_receive(struct frame_reader *reader, struct frame *ret_frame)
{
	const struct frame pong = { .verb = VERB_PONG, .descriptor = -1 };
	int result = frame_receive(CREW_CHANNEL, reader, ret_frame);

	if (result <= 0 || ret_frame->verb != VERB_PING || ret_frame->descriptor >= 0)
		return result;
	return frame_send(CREW_CHANNEL, &pong);
}

int crew_directory_make(const char *path, unsigned int mode)
{
	mode_t before = umask(0);
	int error = mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -errno;

	umask(before);
	return error;
}

int crew_directory_lock(const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), file, error;

	if (directory < 0)
		return -errno;
	file = openat(directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	error = file < 0 ? -errno : 0;
	close(directory);
	if (!error && flock(file, LOCK_EX | LOCK_NB) != 0) {
		error = -errno;
		close(file);
	}
	return error;
}
