/*
 * planner_gates: the control sockets, and whoever is at them.
 *
 * Three sockets, so that the kernel itself keeps people apart: nobody but root can connect to root's, and whoever floods the one of his group has no
 * part in the queues of the others. By which one somebody comes decides nothing more (sekishod/access.h does).
 *
 * One request, one answer, then the connection ends. Whoever connects is resisted: his request must be whole within CLIENT_REQUEST_TIMEOUT_S however he
 * trickles it, his answer is written as he takes it and nobody waits for him, and one user has at most CLIENTS_PER_UID_MAX places of a gate. So the memory that all
 * of them can have is bounded, and so are the lines they can cause in the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "ruleset/pack.h"
#include "sekishod/catalogue.h"
#include "sekishod/planner.h"
#include "wire/report.h"

enum { LISTEN_BACKLOG = 64, REFUSALS_LOGGED_PER_MINUTE = 5, ACCEPT_PAUSE_MS = 100, VIEW_PIECE_BYTES = 64 << 10 };

/* Who may connect, which the mode and the group of socket and directory say; the directories of groups are made at the installation (tmpfiles.d(5)). */
static const struct gate_place {
	const char *directory;	/* below the run directory */
	mode_t mode;
} places[GATES] = {
	[GATE_ROOT] = { "", 0600 },
	[GATE_OPERATOR] = { "/operator", 0660 },
	[GATE_AUDITOR] = { "/auditor", 0660 },
};

/* ---- clients */

static void event_drop(struct event *event)
{
	if (event)
		event_free(event);
}

static void client_forget(struct client *client)
{
	job_forget_client(client->planner, client);
	isolation_forget_client(client->planner, client);
}

static void client_end(struct client *client)
{
	struct planner *planner = client->planner;

	for (struct client **at = &planner->clients; *at; at = &(*at)->next) {
		if (*at == client) {
			*at = client->next;
			break;
		}
	}
	client_forget(client);
	event_drop(client->readable);
	event_drop(client->writable);
	event_drop(client->deadline);
	frame_reader_free(&client->reader);
	buf_free(&client->answer);
	sealed_unmap(client->whole_view);
	close(client->socket);
	free(client);
}

static void client_await(struct client *client, int seconds)
{
	const struct timeval timeout = { .tv_sec = seconds };

	if (event_add(client->deadline, &timeout) != 0)
		arena_exhausted();
}

/* The next piece of the view becomes the answer at hand. */
static void view_piece_next(struct client *client)
{
	size_t length = client->view.length < VIEW_PIECE_BYTES ? client->view.length : VIEW_PIECE_BYTES;
	struct frame piece = { .verb = VERB_VIEW, .payload = span_part(client->view, 0, length), .descriptor = -1 };

	client->view = span_part(client->view, length, client->view.length);
	piece.flags = client->view.length > 0 ? FRAME_MORE : 0;
	client->answer.length = client->answered = 0;
	frame_pack(&client->answer, &piece);
}

/* He takes what he takes of his answer; when he has all of it, or too little in his time, he goes. */
static void client_writable(evutil_socket_t socket_number, short what, void *context)
{
	struct client *client = context;
	ssize_t sent = send(socket_number, client->answer.data + client->answered, client->answer.length - client->answered, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)what;
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (sent > 0)
		client->answered += (size_t)sent;
	if (sent > 0 && client->answered == client->answer.length && client->view.length > 0)
		view_piece_next(client);
	else if (sent <= 0 || client->answered == client->answer.length)
		client_end(client);
}

static void client_answer_begin(struct client *client)
{
	client_forget(client);
	client->writable = event_new(client->planner->loop, client->socket, EV_WRITE | EV_PERSIST, client_writable, client);
	if (!client->writable || event_add(client->writable, NULL) != 0)
		arena_exhausted();
	client_await(client, CLIENT_ANSWER_TIMEOUT_S);
}

void client_answer(struct client *client, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	client->answer = buf_limited(FRAME_HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX);
	frame_pack(&client->answer, &(struct frame){ .verb = VERB_REPORT, .payload = span_of(text ? text : "{}"), .descriptor = -1 });
	free(text);
	json_decref(answer);
	client_answer_begin(client);
}

void client_send_view(struct client *client, int descriptor)
{
	if (sealed_map(descriptor, PACK_BYTES_MAX, &client->whole_view) != 0) {
		client_refuse(client, "failed", DAEMON_ANSWER_MALFORMED, NULL);
		return;
	}
	client->view = client->whole_view;
	view_piece_next(client);
	client_answer_begin(client);
}

static void client_late(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	client_end(context);
}

static void client_readable(evutil_socket_t socket_number, short what, void *context)
{
	struct client *client = context;
	struct frame frame;
	int result = frame_receive(socket_number, &client->reader, &frame);

	(void)what;
	if (result < 0) {
		client_end(client);
	} else if (result > 0) {
		if (frame.descriptor >= 0)
			close(frame.descriptor);
		/* From now on the client waits for us; what it still says is not read. */
		event_del(client->readable);
		event_del(client->deadline);
		client_request(client, &frame);
	}
}

static struct client *client_begin(struct gate *gate, int socket_number, const struct caller *caller, enum access access)
{
	struct planner *planner = gate->planner;
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		arena_exhausted();
	*client = (struct client){ .planner = planner, .gate = gate, .socket = socket_number, .caller = *caller, .access = access, .next = planner->clients };
	client->reader = frame_reader_make(REQUEST_BYTES_MAX);
	client->readable = event_new(planner->loop, socket_number, EV_READ | EV_PERSIST, client_readable, client);
	client->deadline = evtimer_new(planner->loop, client_late, client);
	if (!client->readable || !client->deadline || event_add(client->readable, NULL) != 0)
		arena_exhausted();
	client_await(client, CLIENT_REQUEST_TIMEOUT_S);
	planner->clients = client;
	return client;
}

/* ---- gates */

/* True while there is a place at the gate for one more connection of this user. */
static bool gate_has_room(const struct gate *gate, const struct caller *caller)
{
	size_t all = 0, his = 0;

	for (const struct client *client = gate->planner->clients; client; client = client->next) {
		if (client->gate != gate)
			continue;
		all++;
		his += client->caller.uid == caller->uid;
	}
	return all < CLIENTS_PER_GATE_MAX && (caller->uid == 0 || his < CLIENTS_PER_UID_MAX);
}

static void refusal_log(struct planner *planner, const struct caller *caller, const char *why)
{
	if (log_budget_allows(&planner->refusals_logged, REFUSALS_LOGGED_PER_MINUTE, (int64_t)time(NULL), "SKS-CONTROL"))
		log_event(LOG_LEVEL_WARNING, "SKS-CONTROL", "a connection to a control socket was refused uid=%u pid=%u process=\"%s\" reason=\"%s\"", caller->uid,
			  caller->pid, caller->process, why);
}

/* Says why as far as that goes at once; whoever has no place is not waited for. */
static void refuse(int socket_number, enum daemon_finding kind, const char *argument)
{
	json_t *answer = refusal_json("failed", kind, argument);
	char *text = json_dumps(answer, JSON_COMPACT);

	(void)frame_send_now(socket_number, &(struct frame){ .verb = VERB_REPORT, .payload = span_of(text ? text : "{}"), .descriptor = -1 });
	free(text);
	json_decref(answer);
}

static void gate_admit(struct gate *gate, int socket_number)
{
	struct planner *planner = gate->planner;
	struct caller caller;
	enum access access;

	if (caller_of_socket(socket_number, &caller) != 0) {
		close(socket_number);
		return;
	}
	access_groups_renew(&planner->groups);
	access = access_of_socket(&planner->groups, socket_number, &caller);
	if (access != ACCESS_NONE && gate_has_room(gate, &caller)) {
		client_begin(gate, socket_number, &caller, access);
		return;
	}
	if (access == ACCESS_NONE)
		refuse(socket_number, DAEMON_ACCESS, ACCESS_AUDITOR_GROUP);
	else
		refuse(socket_number, DAEMON_CROWDED, NULL);
	refusal_log(planner, &caller, access == ACCESS_NONE ? "no member of a group that may ask" : "too many connections at a time");
	close(socket_number);
}

static void gate_again(evutil_socket_t unused, short what, void *context)
{
	struct gate *gate = context;

	(void)unused;
	(void)what;
	event_add(gate->acceptable, NULL);
}

/* One at a time, so that everything else has its turn between two. */
static void gate_acceptable(evutil_socket_t listener, short what, void *context)
{
	const struct timeval pause = { .tv_usec = ACCEPT_PAUSE_MS * 1000 };
	struct gate *gate = context;
	int socket_number = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (socket_number >= 0) {
		gate_admit(gate, socket_number);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		/* It stays readable, and asking again at once would be all we do. */
		event_del(gate->acceptable);
		event_add(gate->again, &pause);
	}
}

/* Binds the socket with its mode from its first moment on, in place of one that a predecessor left. */
static int listener_bind(int listener, const char *directory, mode_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", directory);
	mode_t before;
	int result;

	if (length < 0 || (size_t)length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	if (unlink(address.sun_path) != 0 && errno != ENOENT)
		return -errno;
	before = umask(0777 & ~mode);
	result = bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : -errno;
	umask(before);
	if (!result && listen(listener, LISTEN_BACKLOG) != 0)
		result = -errno;
	return result;
}

static int gate_open(struct gate *gate, const char *directory, mode_t mode)
{
	int error;

	gate->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (gate->listener < 0)
		return -errno;
	error = listener_bind(gate->listener, directory, mode);
	if (error)
		return error;
	gate->acceptable = event_new(gate->planner->loop, gate->listener, EV_READ | EV_PERSIST, gate_acceptable, gate);
	gate->again = evtimer_new(gate->planner->loop, gate_again, gate);
	return gate->acceptable && gate->again && event_add(gate->acceptable, NULL) == 0 ? 0 : -ENOMEM;
}

/* A directory in which nobody but root can put a socket of his own in place of ours. */
static bool directory_is_ours(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && (status.st_uid == 0 || status.st_uid == geteuid()) &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/* The gate of a group is there when its directory is; without it root asks alone. */
static int group_gate_open(struct gate *gate, const char *directory, mode_t mode)
{
	int error = directory_is_ours(directory) ? gate_open(gate, directory, mode) : -ENOENT;

	if (error)
		log_event(error == -ENOENT ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "SKS-CONTROL",
			  "members of the group cannot ask, because the directory of their control socket cannot be used directory=%s reason=\"%s\"", directory,
			  strerror(-error));
	return error == -ENOMEM ? error : 0;
}

int gates_open(struct planner *planner)
{
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int error = 0;

	for (int i = 0; !error && i < GATES; i++) {
		struct gate *gate = &planner->gates[i];

		*gate = (struct gate){ .planner = planner, .listener = -1 };
		if ((size_t)snprintf(directory, sizeof(directory), "%s%s", planner->options->run_dir, places[i].directory) >= sizeof(directory))
			return -ENAMETOOLONG;
		error = i == GATE_ROOT ? gate_open(gate, directory, places[i].mode) : group_gate_open(gate, directory, places[i].mode);
	}
	return error;
}

void gates_close(struct planner *planner)
{
	while (planner->clients)
		client_end(planner->clients);
	for (int i = 0; i < GATES; i++) {
		event_drop(planner->gates[i].acceptable);
		event_drop(planner->gates[i].again);
		if (planner->gates[i].listener >= 0)
			close(planner->gates[i].listener);
	}
}
