/*
 * planner_control: the control socket, the one door for administrators.
 *
 * Only root, or the user sekishod runs as, is let in, and the kernel says who it is (SO_PEERCRED), not the
 * client. One request, one answer, then the connection ends; a client that says nothing is put out.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/date.h"
#include "base/log.h"
#include "sekishod/catalogue.h"
#include "sekishod/planner.h"
#include "wire/report.h"

enum { STATUS_EXPIRES_MAX = 5, LISTEN_BACKLOG = 8 };

const char *planner_state_name(enum planner_state state)
{
	static const char *const names[] = {
		[STATE_STARTING] = "starting", [STATE_IN_FORCE] = "in-force", [STATE_LAST_GOOD] = "last-good", [STATE_SEALED] = "sealed",
	};

	return names[state];
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
	planner->client_count--;
	job_forget_client(planner, client);
	isolation_forget_client(planner, client);
	event_free(client->readable);
	frame_reader_free(&client->reader);
	close(client->socket);
	free(client);
}

void client_answer(struct client *client, json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);
	struct frame frame = { .verb = VERB_REPORT, .payload = span_of(text ? text : "{}"), .descriptor = -1 };
	int error = frame_send(client->socket, &frame);

	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-CONTROL", "an answer could not be sent reason=\"%s\"", strerror(-error));
	free(text);
	json_decref(answer);
	client_end(client);
}

void client_refuse(struct client *client, const char *result, enum daemon_finding kind, const char *argument)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);

	finding_add(&findings, &daemon_catalogue[kind], (struct origin){ .source = NULL }, argument, NULL);
	client_answer(client, json_pack("{s:s,s:o}", "result", result, "findings", findings_to_json(&findings)));
}

static int flow_compare_closes(const void *left, const void *right)
{
	const struct flow *a = *(const struct flow *const *)left, *b = *(const struct flow *const *)right;

	return (a->closes_at > b->closes_at) - (a->closes_at < b->closes_at);
}

/* The flows that close next. */
static json_t *expires_json(const struct planner *planner, const struct policy *policy)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct flow **flows = arena_array(arena, policy->flow_count, sizeof(*flows));
	json_t *array = json_array();
	int64_t now = planner_now(planner);
	size_t count = 0;

	for (size_t i = 0; i < policy->flow_count; i++)
		if (policy->flows[i].closes_at > now)
			flows[count++] = &policy->flows[i];
	if (count > 0)
		qsort(flows, count, sizeof(flows[0]), flow_compare_closes);
	for (size_t i = 0; i < count && i < STATUS_EXPIRES_MAX; i++) {
		char date[DATE_TEXT_BYTES];

		/* It closes with the first second after its last day. */
		date_format(date_of_time(flows[i]->closes_at - 1), date);
		json_array_append_new(array, json_pack("{s:s,s:s}", "flow", flows[i]->name, "date", date));
	}
	return array;
}

/* What is known of the policy in force. */
static void status_add_policy(json_t *status, const struct planner *planner)
{
	const struct generation *generation = planner->in_force;
	char digest[DIGEST_TEXT_BYTES];

	if (!generation) {
		const char *text = planner->state == STATE_LAST_GOOD ? planner->options->in_force : NULL;

		json_object_set_new(status, "digest", text ? json_string(text) : json_null());
		json_object_set_new(status, "flows", json_null());
		json_object_set_new(status, "zones", json_null());
		json_object_set_new(status, "expires", json_array());
		return;
	}
	json_object_set_new(status, "digest", json_string(digest_hex(generation->digest, DIGEST_BYTES, digest)));
	json_object_set_new(status, "flows", json_integer((json_int_t)generation->policy->flow_count));
	json_object_set_new(status, "zones", json_integer((json_int_t)generation->policy->zone_count));
	json_object_set_new(status, "expires", expires_json(planner, generation->policy));
}

static json_t *status_json(const struct planner *planner)
{
	json_t *status = json_pack("{s:s,s:s,s:I,s:I,s:{s:I,s:b},s:{s:I},s:{s:I,s:I}}", "state", planner_state_name(planner->state), "config",
				   planner->options->config, "committed_at", (json_int_t)planner->committed_at, "generation",
				   (json_int_t)planner->generation_number, "enforcer", "restarts",
				   planner->enforcer_joins > 0 ? (json_int_t)planner->enforcer_joins - 1 : 0, "connected", planner->enforcer >= 0, "kernel", "generation",
				   (json_int_t)planner->kernel_generation, "findings", "errors", (json_int_t)planner->file_errors, "warnings",
				   (json_int_t)planner->file_warnings);

	json_object_set_new(status, "confirm_until", planner->confirm.pending ? json_integer(planner->confirm.until) : json_null());
	json_object_set_new(status, "isolated", isolations_json(planner));
	status_add_policy(status, planner);
	json_object_set(status, "survey", planner->survey);
	return status;
}

/* VERB_APPLY and VERB_CONFIRM. */
static void client_apply(struct client *client, const struct frame *frame)
{
	struct arena *arena = arena_new();
	struct apply_request request;
	const char *why;
	int error = apply_request_parse(arena, frame->payload, &request, &why);

	if (error) {
		client_refuse(client, "failed", DAEMON_REQUEST_MALFORMED, why);
	} else {
		log_event(LOG_LEVEL_NOTICE, "SKS-APPLY", "%s was asked for reason=\"%s\" force=%d dry_run=%d confirm=%u",
			  frame->verb == VERB_APPLY ? "apply" : "confirm", request.reason, request.force, request.dry_run, request.confirm_seconds);
		error = (frame->verb == VERB_APPLY ? job_apply : job_confirm)(client->planner, client, arena, &request);
		if (error)
			client_refuse(client, "busy", DAEMON_BUSY, NULL);
	}
	if (error)
		arena_free(arena);
}

static void client_request(struct client *client, const struct frame *frame)
{
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	/* From now on the client waits for us; what it still says is not read. */
	event_del(client->readable);
	if (frame->verb == VERB_APPLY || frame->verb == VERB_CONFIRM)
		client_apply(client, frame);
	else if (frame->verb == VERB_ISOLATE || frame->verb == VERB_RELEASE)
		isolation_request(client, frame);
	else if (frame->verb == VERB_STATUS)
		client_answer(client, status_json(client->planner));
	else
		client_refuse(client, "failed", DAEMON_REQUEST_MALFORMED, "the verb");
}

static void client_readable(evutil_socket_t socket_number, short what, void *context)
{
	struct client *client = context;
	struct frame frame;
	int result = what & EV_TIMEOUT ? -ETIMEDOUT : frame_receive(socket_number, &client->reader, &frame);

	if (result < 0)
		client_end(client);
	else if (result > 0)
		client_request(client, &frame);
}

/* True when the kernel says that root or our own user is at the other end. */
static bool peer_is_trusted(int client, struct caller *ret_caller)
{
	return caller_of_socket(client, ret_caller) == 0 && (ret_caller->uid == 0 || ret_caller->uid == geteuid());
}

static void client_begin(struct planner *planner, int socket_number, const struct caller *caller)
{
	const struct timeval timeout = { .tv_sec = CLIENT_REQUEST_TIMEOUT_S };
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		arena_exhausted();
	*client = (struct client){ .planner = planner, .socket = socket_number, .caller = *caller, .next = planner->clients };
	client->reader = frame_reader_make(REQUEST_BYTES_MAX);
	client->readable = event_new(planner->loop, socket_number, EV_READ | EV_PERSIST, client_readable, client);
	if (!client->readable || event_add(client->readable, &timeout) != 0)
		arena_exhausted();
	planner->clients = client;
	planner->client_count++;
}

static void control_acceptable(evutil_socket_t listener, short what, void *context)
{
	struct planner *planner = context;
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct caller caller;

	(void)what;
	if (client < 0)
		return;
	if (planner->client_count >= CLIENTS_MAX || !peer_is_trusted(client, &caller)) {
		log_event(LOG_LEVEL_WARNING, "SKS-CONTROL", "a connection to the control socket was refused clients=%zu", planner->client_count);
		close(client);
		return;
	}
	client_begin(planner, client, &caller);
}

/* Binds the socket with mode 0600 from its first moment on, in place of one that a predecessor left. */
static int listener_bind(int listener, const char *run_dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", run_dir);
	mode_t before;
	int result;

	if (length < 0 || (size_t)length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	if (unlink(address.sun_path) != 0 && errno != ENOENT)
		return -errno;
	before = umask(0177);
	result = bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : -errno;
	umask(before);
	if (!result && listen(listener, LISTEN_BACKLOG) != 0)
		result = -errno;
	return result;
}

int control_open(struct planner *planner)
{
	int error;

	planner->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (planner->listener < 0)
		return -errno;
	error = listener_bind(planner->listener, planner->options->run_dir);
	if (error)
		return error;
	planner->acceptable = event_new(planner->loop, planner->listener, EV_READ | EV_PERSIST, control_acceptable, planner);
	return planner->acceptable && event_add(planner->acceptable, NULL) == 0 ? 0 : -ENOMEM;
}

void control_close(struct planner *planner)
{
	while (planner->clients)
		client_end(planner->clients);
	if (planner->acceptable)
		event_free(planner->acceptable);
	if (planner->listener >= 0)
		close(planner->listener);
}
