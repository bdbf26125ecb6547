/* front: listens, and gives each connection a process of its own. */
#include "relay/front.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "relay/messages.h"
#include "relay/plan.h"
#include "relay/roles.h"

enum {
	FRONT_MEMORY_BYTES_MAX = 256 << 20,
	FRONT_DESCRIPTORS_MAX = 1024,
	FRONT_BACKLOG = 128,
	SESSION_DESCRIPTORS_MAX = 16,	/* of a connection's process: two sockets more, an original, the log */
	DOOR_PAUSE_MS = 100,		/* after a shortage */
	DOORS_AGAIN_MS = 200,		/* until doors that could not be opened are tried again */
};

struct front;

/* A socket that takes connections for a relay. */
struct door {
	struct front *front;
	struct door *next;
	struct netaddr address;		/* all bytes zero: every address of the family */
	uint16_t port;
	uint32_t relay;			/* index in the newest plan */
	int socket;
	struct event *readable;
	struct event *again;		/* time to take connections again, after a shortage */
	bool wanted;			/* by the newest plan */
};

/* A process that serves a connection. */
struct visitor {
	struct visitor *next;
	pid_t pid;
	const char *relay;		/* name, in the plan */
	struct plan *plan;
	struct netaddr client;
};

struct front {
	pid_t pid;
	struct event_base *loop;
	struct plan_book plans;
	struct frame_reader parent_reader;
	struct event *parent_readable, *keeper_readable, *child_ended;
	struct event *doors_again;	/* time to try again the doors that could not be opened */
	bool doors_tried;		/* those of the newest plan, at least once: what is wrong was said */
	int keeper;			/* channel; -1: none */
	struct door *doors;
	struct visitor *visitors;
	struct sandbox_program *filter;	/* of each connection's process */
};

static const int front_capabilities[] = { CAP_NET_BIND_SERVICE };

static const struct sandbox_call front_calls[] = {
	{ .name = "socket", .first_argument_only = true, .first_argument = AF_INET },
	{ .name = "socket", .first_argument_only = true, .first_argument = AF_INET6 },
	{ .name = "socketpair", .first_argument_only = true, .first_argument = AF_UNIX },
	{ .name = "bind" }, { .name = "listen" }, { .name = "accept4" }, { .name = "clone" }, { .name = "clone3" }, { .name = "set_robust_list" },
	{ .name = "wait4" }, { .name = "kill" }, { .name = "close_range" }, { .name = "prctl" }, { .name = "seccomp" }, { .name = "setrlimit" },
	{ .name = "capset" }, { .name = "fsync" }, { .name = "ioctl" }, { .name = "dup2" }, { .name = "dup3" },
	{ .name = NULL }
};

/* The connection, the original, frames, memory, time, the log, the end. */
static const struct sandbox_call session_calls[] = {
	{ .name = "read" }, { .name = "write" }, { .name = "sendto" }, { .name = "sendmsg" }, { .name = "recvmsg" }, { .name = "poll" },
	{ .name = "ppoll" }, { .name = "fsync" }, { .name = "close" }, { .name = "shutdown" }, { .name = "ioctl" }, { .name = "clock_gettime" },
	{ .name = "brk" }, { .name = "mmap" }, { .name = "munmap" }, { .name = "mremap" }, { .name = "madvise" }, { .name = "getpid" },
	{ .name = "rt_sigreturn" }, { .name = "restart_syscall" }, { .name = "exit" }, { .name = "exit_group" },
	{ .name = NULL }
};

int64_t front_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- addresses ---- */

static socklen_t sockaddr_of(const struct netaddr *address, uint16_t port, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret_address;

	memset(ret_address, 0, sizeof(*ret_address));
	if (address->family == 4) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		memcpy(&four->sin_addr, address->bytes, sizeof(four->sin_addr));
		return sizeof(*four);
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	memcpy(&six->sin6_addr, address->bytes, sizeof(six->sin6_addr));
	return sizeof(*six);
}

static struct netaddr netaddr_of(const struct sockaddr_storage *address)
{
	struct netaddr result = { .family = address->ss_family == AF_INET ? 4 : 6 };

	if (result.family == 4)
		memcpy(result.bytes, &((const struct sockaddr_in *)address)->sin_addr, netaddr_size(4));
	else
		memcpy(result.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, netaddr_size(6));
	return result;
}

/* ---- visitors ---- */

static void visitor_forget(struct front *front, struct visitor **at)
{
	struct visitor *visitor = *at;

	*at = visitor->next;
	plan_book_release(&front->plans, visitor->plan);
	free(visitor);
}

static void children_reap(evutil_socket_t signal_number, short what, void *context)
{
	struct front *front = context;
	int status;
	pid_t pid;

	(void)signal_number;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct visitor **at = &front->visitors;

		while (*at && (*at)->pid != pid)
			at = &(*at)->next;
		if (*at)
			visitor_forget(front, at);
		if (WIFSIGNALED(status))
			log_event(LOG_LEVEL_WARNING, "SKS-SESSION", "the process of a connection was killed pid=%d signal=%d", (int)pid, WTERMSIG(status));
	}
}

/* May one more come, to this relay, from this address? */
static bool visitor_fits(const struct front *front, const struct relay *relay, const struct netaddr *client)
{
	unsigned int all = 0, same = 0;

	for (const struct visitor *visitor = front->visitors; visitor; visitor = visitor->next) {
		if (strcmp(visitor->relay, relay->name) != 0)
			continue;
		all++;
		same += netaddr_compare(&visitor->client, client) == 0;
	}
	return all < relay->limits.sessions_max && same < relay->limits.sessions_per_client_max;
}

/* ---- a connection ---- */

/* What the process of a connection gives up. Its descriptors: 0 the connection, 1 the keeper, 2 the log. */
static int session_enter(const struct front *front, const struct relay *relay, int socket, int keeper)
{
	int error;

	/* First the doors: a process that outlives the listener must not keep them. Nor a socket from which a stranger could send. */
	log_forget_sockets();
	if (dup2(socket, STDIN_FILENO) < 0 || dup2(keeper, STDOUT_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		return -errno;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return -errno;
	if (getppid() != front->pid)
		return -ESRCH;
	error = sandbox_drop_capabilities();
	if (error)
		return error;
	if (signal(SIGTERM, SIG_DFL) == SIG_ERR || signal(SIGCHLD, SIG_DFL) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return -errno;
	error = sandbox_limit(RLIMIT_NOFILE, SESSION_DESCRIPTORS_MAX);
	if (!error && sandbox_filters())
		error = sandbox_limit(RLIMIT_FSIZE, relay->limits.message_bytes_max);
	return error ? error : sandbox_program_load(front->filter);
}

static _Noreturn void session_be(const struct front *front, const struct relay *relay, const struct netaddr *client, int socket, int keeper)
{
	int error = session_enter(front, relay, socket, keeper);

	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-SESSION", "the sandbox could not be entered reason=\"%s\"", strerror(-error));
		_exit(EXIT_FAILURE);
	}
	front_session_run(relay, client, STDIN_FILENO, STDOUT_FILENO);
	_exit(EXIT_SUCCESS);
}

/* Gives the keeper its end of a new socket. The session's end or negative errno. */
static int keeper_introduce(struct front *front, const struct message_session *about)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);
	struct frame frame = { .verb = VERB_SESSION };
	int ends[2], error;

	if (front->keeper < 0)
		return -ENOTCONN;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return -errno;
	message_session_pack(&payload, about);
	frame.payload = buf_span(&payload);
	frame.descriptor = ends[0];
	error = frame_send(front->keeper, &frame);
	close(ends[0]);
	if (!error)
		return ends[1];
	close(ends[1]);
	/* Perhaps half a frame was sent. */
	shutdown(front->keeper, SHUT_RDWR);
	return error;
}

static void visitor_note(struct front *front, pid_t pid, const struct relay *relay, struct plan *plan, const struct netaddr *client)
{
	struct visitor *visitor = calloc(1, sizeof(*visitor));

	if (!visitor)
		arena_exhausted();
	*visitor = (struct visitor){ .next = front->visitors, .pid = pid, .relay = relay->name, .plan = plan, .client = *client };
	front->visitors = visitor;
}

/* Starts the process of a connection. 0 or negative errno. */
static int session_start(struct front *front, const struct door *door, const struct relay *relay, struct plan *plan, int socket,
			 const struct netaddr *client)
{
	struct message_session about = { .plan_number = plan->number, .relay = door->relay, .client = *client };
	int keeper = keeper_introduce(front, &about);
	pid_t pid;

	if (keeper < 0)
		return keeper;
	pid = fork();
	if (pid == 0)
		session_be(front, relay, client, socket, keeper);
	close(keeper);
	if (pid < 0)
		return -EAGAIN;
	visitor_note(front, pid, relay, plan, client);
	return 0;
}

/* A few words to whom we do not serve; what is not read is lost. */
static void turn_away(int socket, const char *reply)
{
	if (send(socket, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
	shutdown(socket, SHUT_WR);
}

static void connection_serve(struct front *front, const struct door *door, int socket, const struct netaddr *client)
{
	const int yes = 1;
	struct plan *plan;
	const struct relay *relay = front->plans.newest ? plan_book_use(&front->plans, front->plans.newest->number, door->relay, &plan) : NULL;

	if (!relay)
		return;
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (!addr_ranges_contain(relay->accept_from, client))
		turn_away(socket, "554 5.7.1 Not permitted\r\n");
	else if (!visitor_fits(front, relay, client))
		turn_away(socket, "421 4.3.2 Too many connections, try again later\r\n");
	else if (session_start(front, door, relay, plan, socket, client) == 0)
		return;
	else
		turn_away(socket, "421 4.3.0 Not now, try again later\r\n");
	plan_book_release(&front->plans, plan);
}

/* A connection that cannot be taken for want of descriptors or memory stays in the queue, and would wake us all the time. */
static void door_rest(struct door *door, int error)
{
	const struct timeval pause = { .tv_usec = DOOR_PAUSE_MS * 1000 };

	if (error == EAGAIN || error == EINTR || error == ECONNABORTED)
		return;
	log_event(LOG_LEVEL_WARNING, "SKS-LISTEN", "a connection cannot be taken now reason=\"%s\"", strerror(error));
	event_del(door->readable);
	event_add(door->again, &pause);
}

static void door_go_on(evutil_socket_t unused, short what, void *context)
{
	struct door *door = context;

	(void)unused;
	(void)what;
	event_add(door->readable, NULL);
}

static void door_readable(evutil_socket_t listening, short what, void *context)
{
	struct door *door = context;
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(address);
	struct netaddr client;
	int socket = accept4(listening, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (socket < 0) {
		door_rest(door, errno);
		return;
	}
	client = netaddr_of(&address);
	connection_serve(door->front, door, socket, &client);
	close(socket);
}

/* ---- doors ---- */

static void door_free(struct door *door)
{
	if (door->readable)
		event_free(door->readable);
	if (door->again)
		event_free(door->again);
	if (door->socket >= 0)
		close(door->socket);
	free(door);
}

/* A socket that listens. An address that is not there yet may be listened to: the relay may be started before the interface is up. */
static int door_socket(const struct netaddr *address, uint16_t port)
{
	const int yes = 1;
	struct sockaddr_storage bound;
	socklen_t length = sockaddr_of(address, port, &bound);
	int socket_number = socket(bound.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

	if (socket_number < 0)
		return -errno;
	setsockopt(socket_number, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (address->family == 4)
		setsockopt(socket_number, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes));
	else if (setsockopt(socket_number, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) == 0)
		setsockopt(socket_number, IPPROTO_IPV6, IPV6_FREEBIND, &yes, sizeof(yes));
	if (bind(socket_number, (const struct sockaddr *)&bound, length) == 0 && listen(socket_number, FRONT_BACKLOG) == 0)
		return socket_number;
	error = -errno;
	close(socket_number);
	return error;
}

static struct door *door_find(struct front *front, const struct netaddr *address, uint16_t port)
{
	struct door *door = front->doors;

	while (door && (door->port != port || netaddr_compare(&door->address, address) != 0))
		door = door->next;
	return door;
}

/* Opens a door, or keeps the one that is open there. 0 or negative errno. */
static int door_open(struct front *front, const struct netaddr *address, uint16_t port, uint32_t relay)
{
	struct door *door = door_find(front, address, port);
	int socket_number;

	if (!door) {
		socket_number = door_socket(address, port);
		if (socket_number < 0)
			return socket_number;
		door = calloc(1, sizeof(*door));
		if (!door)
			arena_exhausted();
		*door = (struct door){ .front = front, .next = front->doors, .address = *address, .port = port, .socket = socket_number };
		front->doors = door;
		door->readable = event_new(front->loop, socket_number, EV_READ | EV_PERSIST, door_readable, door);
		door->again = evtimer_new(front->loop, door_go_on, door);
		if (!door->readable || !door->again || event_add(door->readable, NULL) != 0)
			arena_exhausted();
	}
	door->relay = relay;
	door->wanted = true;
	return 0;
}

static bool door_open_said(struct front *front, const struct netaddr *address, const struct relay *relay, uint32_t index)
{
	char text[NETADDR_TEXT_BYTES];
	int error = door_open(front, address, relay->listen_port, index);

	if (error && !front->doors_tried)
		log_event(LOG_LEVEL_ERROR, "SKS-LISTEN", "no mail can be taken there yet relay=%s address=%s port=%u reason=\"%s\"", relay->name,
			  netaddr_format(address, text), relay->listen_port, strerror(-error));
	return error == 0;
}

/* Every address: one socket for each family; a machine without IPv6 has one. */
static bool doors_open_everywhere(struct front *front, const struct relay *relay, uint32_t index)
{
	static const struct netaddr everywhere4 = { .family = 4 }, everywhere6 = { .family = 6 };
	bool four = door_open_said(front, &everywhere4, relay, index);
	int error = door_open(front, &everywhere6, relay->listen_port, index);

	if (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)
		return four;
	return four & (error == 0 || door_open_said(front, &everywhere6, relay, index));
}

static bool relay_listen(struct front *front, const struct relay *relay, uint32_t index)
{
	bool all = true;

	if (relay->listen_count == 0)
		return doors_open_everywhere(front, relay, index);
	for (size_t i = 0; i < relay->listen_count; i++)
		all &= door_open_said(front, &relay->listen[i], relay, index);
	return all;
}

static void doors_close_unwanted(struct front *front)
{
	struct door **at = &front->doors;

	while (*at) {
		struct door *door = *at;

		if (door->wanted) {
			at = &door->next;
			continue;
		}
		*at = door->next;
		door_free(door);
	}
}

/* Tells the parent whether every door of the newest plan is open. */
static void listening_tell(bool all)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);
	struct frame frame = { .verb = VERB_LISTENING, .descriptor = -1 };

	message_number_pack(&payload, all);
	frame.payload = buf_span(&payload);
	frame_send(CREW_CHANNEL, &frame);
}

/*
 * Opens what the newest plan wants and closes the rest. A door that cannot be opened (a process of a listener that died may still hold it for a
 * moment) is tried again until it is open.
 */
static void doors_arrange(struct front *front)
{
	const struct timeval pause = { .tv_usec = DOORS_AGAIN_MS * 1000 };
	const struct plan *plan = front->plans.newest;
	bool all = true;

	for (struct door *door = front->doors; door; door = door->next)
		door->wanted = false;
	for (uint32_t i = 0; i < plan->relay_count; i++)
		all &= relay_listen(front, &plan->relays[i], i);
	doors_close_unwanted(front);
	if (!all)
		event_add(front->doors_again, &pause);
	if (all || !front->doors_tried)
		listening_tell(all);
	front->doors_tried = true;
}

static void doors_try_again(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	doors_arrange(context);
}

/* ---- the process ---- */

/* The keeper never says anything here: it is gone. No connection can be served, and we come back with a new channel. */
static void keeper_ended(evutil_socket_t channel, short what, void *context)
{
	struct front *front = context;

	(void)channel;
	(void)what;
	event_base_loopbreak(front->loop);
}

static void keeper_watch(struct front *front, int channel)
{
	front->keeper = channel;
	front->keeper_readable = event_new(front->loop, channel, EV_READ, keeper_ended, front);
	if (!front->keeper_readable || event_add(front->keeper_readable, NULL) != 0)
		arena_exhausted();
}

static int parent_frame(struct front *front, const struct frame *frame)
{
	int error;

	if (frame->verb == VERB_CHANNEL && frame->descriptor >= 0 && front->keeper < 0) {
		keeper_watch(front, frame->descriptor);
		return 0;
	}
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	error = frame->verb == VERB_PLAN && frame->descriptor < 0 ? plan_book_take(&front->plans, frame->payload) : -EBADMSG;
	if (error)
		return error;
	front->doors_tried = false;
	doors_arrange(front);
	return 0;
}

static void parent_readable(evutil_socket_t channel, short what, void *context)
{
	struct front *front = context;
	struct frame frame;
	int result = crew_role_receive(&front->parent_reader, &frame);

	(void)channel;
	(void)what;
	if (result > 0)
		result = parent_frame(front, &frame);
	if (result < 0)
		event_base_loopbreak(front->loop);
}

static int front_begin(struct front *front)
{
	struct role_sandbox sandbox = {
		.user = relay_user_name(RELAY_USER_FRONT), .capabilities = front_capabilities, .capability_count = 1, .calls = front_calls,
		.memory_bytes_max = FRONT_MEMORY_BYTES_MAX, .descriptors_max = FRONT_DESCRIPTORS_MAX,
	};
	int error;

	/* What the loop reads at its first use, and the filter that each connection's process puts on. */
	front->loop = event_base_new();
	if (!front->loop)
		return -ENOMEM;
	error = sandbox_program_make(session_calls, &front->filter);
	front->parent_reader = frame_reader_make(PLAN_BYTES_MAX + MESSAGE_BYTES_MAX);
	front->parent_readable = event_new(front->loop, CREW_CHANNEL, EV_READ | EV_PERSIST, parent_readable, front);
	front->doors_again = evtimer_new(front->loop, doors_try_again, front);
	front->child_ended = evsignal_new(front->loop, SIGCHLD, children_reap, front);
	if (!front->parent_readable || !front->doors_again || !front->child_ended || event_add(front->parent_readable, NULL) != 0 ||
	    event_add(front->child_ended, NULL) != 0)
		return -ENOMEM;
	return error ? error : role_enter(&sandbox);
}

int front_run(const struct options *options)
{
	struct front front = { .pid = getpid(), .keeper = -1 };
	int error = front_begin(&front);

	(void)options;
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-START", "the front could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	event_base_dispatch(front.loop);
	return CREW_EXIT_PEER_GONE;
}
