/* parent: the crew and what its roles may ask (parent.h). */
#include "sekishod/parent.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "daemon/notify.h"
#include "daemon/state.h"
#include "daemon/state_names.h"
#include "daemon/store.h"
#include "sekishod/messages.h"
#include "sekishod/pins.h"
#include "sekishod/predecessor.h"
#include "sekishod/restored.h"

enum {
	CLOCK_TEXT_BYTES = 32,
	JOIN_PAUSE_MS = 100,		/* before planner and enforcer get another channel */
};

/* What the service manager calls the socket. */
#define NETLINK_STORE_NAME "nfnetlink"

/*
 * CAP_NET_ADMIN is for the enforcer; CAP_SETPCAP lets each role take what it does not need out of its bounding set; CAP_NET_RAW opens the sockets of the
 * sentry, which itself does not get it.
 */
static const int kept_capabilities[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_SETPCAP };

static const char *parent_role_name(int role)
{
	return role_name((enum role)role);
}

static void parent_exec(void *context, int role)
{
	struct parent *parent = context;
	struct options options = *parent->options;
	const char *arguments[OPTIONS_ARGUMENTS_MAX];
	char clock_text[CLOCK_TEXT_BYTES];

	options.in_force = parent->in_force[0] ? parent->in_force : NULL;
	(void)clock_now(&parent->clock);
	snprintf(clock_text, sizeof(clock_text), "%lld", (long long)parent->clock);
	options.clock_text = clock_text;
	options_arguments(&options, (enum role)role, arguments);
	execv("/proc/self/exe", (char *const *)(uintptr_t)arguments);
}

/* ---- roles */

/* The two that make the rules; the others only watch. */
static bool makes_rules(int role)
{
	return role == ROLE_ENFORCER || role == ROLE_PLANNER;
}

/* Planner and enforcer get a channel, if both run. */
static void makers_join(struct parent *parent)
{
	event_del(parent->join);
	crew_join(parent->crew, ROLE_ENFORCER, ROLE_PLANNER);
}

static void join_come(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	makers_join(context);
}

/* The channel of the two broke. If one of them has ended, it gets another when it was started again; else both get one after a pause. */
static int join_take(struct parent *parent, struct span payload)
{
	const struct timeval pause = { .tv_usec = JOIN_PAUSE_MS * 1000 };

	if (payload.length != 0)
		return -EBADMSG;
	event_add(parent->join, &pause);
	return 0;
}

/* A role runs: the enforcer gets its pins and what is isolated before it hears of the others, so that nothing opens between them. */
static void parent_started(void *context, int role)
{
	struct parent *parent = context;

	if (role == ROLE_ENFORCER) {
		crew_send(parent->crew, role, VERB_NETLINK, (struct span){ .length = 0 }, mnl_socket_get_fd(parent->netlink.socket));
		pins_send(parent);
	}
	/* What its predecessor asked for it has not. */
	if (role == ROLE_PLANNER)
		pins_forget_ahead(parent);
	if (role == ROLE_SENTRY)
		wiring_tell_all(&parent->wiring, parent->crew, role);
	if (makes_rules(role) && (parent->isolations.count > 0 || (parent->order_arena && !order_is_drill(parent))))
		isolations_send(parent, role, &parent->isolations, false);
	if (role == ROLE_PLANNER && parent->confirmation.pending)
		confirmation_send(parent);
	if (role == ROLE_ENFORCER && order_is_drill(parent))
		isolations_send(parent, role, &parent->ordered, true);
	if (makes_rules(role))
		makers_join(parent);
	if (role == ROLE_ENFORCER || role == ROLE_WITNESS)
		crew_join(parent->crew, ROLE_ENFORCER, ROLE_WITNESS);
	if (parent->started[role])
		alarm_own(parent, "SKS-ROLE", "a process of sekishod ended and was started again; the rules stayed", "role", role_name((enum role)role));
	parent->started[role] = true;
}

/* What a role may ask of us; anything else is not a role of ours any more. */
static int parent_frame(void *context, int role, const struct frame *frame)
{
	struct parent *parent = context;

	if (frame->descriptor >= 0) {
		close(frame->descriptor);
		return -EBADMSG;
	}
	if (frame->verb == VERB_ALARM)
		return alarm_take(parent, (enum role)role, frame->payload);
	/* It meets strangers' bytes, and has nothing else to say to us. */
	if (role == ROLE_WITNESS)
		return -EBADMSG;
	if (role == ROLE_SENTRY)
		return frame->verb == VERB_FAULT ? fault_take(parent, frame->payload) : -EBADMSG;
	if (frame->verb == VERB_RECORD)
		return record_take(parent, role, frame->payload);
	if (role == ROLE_ENFORCER && frame->verb == VERB_JOIN)
		return join_take(parent, frame->payload);
	if (role == ROLE_ENFORCER)
		return frame->verb == VERB_ISOLATED ? isolated_take(parent, frame->payload) : -EBADMSG;
	switch (frame->verb) {
	case VERB_CONFIRM:
		return confirm_take(parent, frame->payload);
	case VERB_ISOLATE:
		return order_take(parent, frame->payload);
	case VERB_RENEW_PINS:
		return renew_take(parent, frame->payload);
	case VERB_READY:
		return ready_take(parent, frame->payload);
	case VERB_WIRING:
		return wiring_take(parent, frame->payload);
	default:
		return -EBADMSG;
	}
}

/* ---- from beginning to end */

static void parent_stopping(void *context, int signal)
{
	(void)context;
	log_event(LOG_LEVEL_NOTICE, "SKS-STOP", "stopping; the rules stay in force signal=%d", signal);
	notify_send(getenv("NOTIFY_SOCKET"), "STOPPING=1\nSTATUS=stopping; the rules stay in force");
}

static void parent_hangup(void *context)
{
	(void)context;
	log_event(LOG_LEVEL_WARNING, "SKS-RELOAD", "SIGHUP does nothing, because it has no answer; use `sekisho apply` or `systemctl reload`");
}

/* Both directories belong to us alone: in one is the door for administrators, in the other what judges the rules. */
static int parent_directory(const char *path)
{
	int error = crew_directory_make(path, 0700);

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-START", "a directory could not be made dir=%s reason=\"%s\"", path, strerror(-error));
	return error;
}

/* Two of us would take each other's control socket and commit in turns. */
static int parent_lock(const char *path)
{
	int error = crew_directory_lock(path);

	if (error == -EWOULDBLOCK)
		log_event(LOG_LEVEL_ERROR, "SKS-START", "another sekishod uses this run directory run-dir=%s", path);
	return error;
}

/*
 * The socket that our tables belong to: that of the process before us, if the service manager has kept it; else a new one. Without a manager the tables are
 * orphans from our end to our successor's beginning.
 */
static int netlink_open(struct parent *parent)
{
	int descriptor = store_take(NETLINK_STORE_NAME), error;

	if (descriptor >= 0 && nfnl_adopt(descriptor, &parent->netlink) == 0)
		return 0;
	if (descriptor >= 0)
		close(descriptor);
	error = nfnl_open(&parent->netlink);
	if (error)
		return error;
	predecessor_await(&parent->netlink);
	error = store_put(getenv("NOTIFY_SOCKET"), NETLINK_STORE_NAME, mnl_socket_get_fd(parent->netlink.socket));
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-NOTIFY", "the service manager could not be given the socket that the tables belong to reason=\"%s\"",
			  strerror(-error));
	return 0;
}

static int parent_begin(struct parent *parent)
{
	int error = sandbox_keep_capabilities(kept_capabilities, sizeof(kept_capabilities) / sizeof(kept_capabilities[0]));

	if (!error)
		error = parent_directory(parent->options->run_dir);
	if (!error)
		error = parent_lock(parent->options->run_dir);
	if (!error)
		error = netlink_open(parent);
	if (error)
		return error;
	if (parent_directory(parent->options->state_dir) != 0)
		log_event(LOG_LEVEL_WARNING, "SKS-START", "nothing will survive a reboot");
	if (snprintf(parent->journal_path, sizeof(parent->journal_path), "%s/" STATE_JOURNAL_DIRECTORY, parent->options->state_dir) >= STATE_PATH_BYTES ||
	    snprintf(parent->last_good_path, sizeof(parent->last_good_path), "%s/" STATE_LAST_GOOD_NAME, parent->options->state_dir) >= STATE_PATH_BYTES)
		return -ENAMETOOLONG;
	parent->journal = journal_book_at(parent->journal_path);
	if (snprintf(parent->previous_path, sizeof(parent->previous_path), "%s/" STATE_PREVIOUS_NAME, parent->options->state_dir) >= STATE_PATH_BYTES)
		return -ENAMETOOLONG;
	parent->confirmation.directory = parent->options->state_dir;
	parent->loop = event_base_new();
	parent->crew = parent->loop ? crew_new(parent->loop, &parent->plan) : NULL;
	parent->confirm_over = parent->loop ? evtimer_new(parent->loop, confirmation_over, parent) : NULL;
	parent->clock_keeps = parent->loop ? event_new(parent->loop, -1, EV_PERSIST, newest_keep_again, parent) : NULL;
	parent->join = parent->loop ? evtimer_new(parent->loop, join_come, parent) : NULL;
	return parent->crew && parent->confirm_over && parent->clock_keeps && parent->join ? 0 : -ENOMEM;
}

static void parent_end(struct parent *parent)
{
	pins_forget_ahead(parent);
	crew_free(parent->crew);
	nfnl_close(&parent->netlink);
	wiring_close(&parent->wiring);
	event_free(parent->confirm_over);
	event_free(parent->clock_keeps);
	event_free(parent->join);
	event_base_free(parent->loop);
	buf_free(&parent->text);
	journal_book_close(&parent->journal);
	arena_free(parent->isolations_arena);
	arena_free(parent->order_arena);
	buf_free(&parent->pins);
}

int parent_run(const struct options *options)
{
	struct parent parent = {
		.options = options, .pins = buf_limited(PINS_BYTES_MAX), .wiring = wiring_none(),
		.plan = {
			.role_count = ROLE_PARENT, .payload_bytes_max = JOURNAL_RECORD_BYTES_MAX,
			.message_start = "SKS-ROLE", .message_stop = "SKS-STOP", .ends = "the rules stay",
			.name = parent_role_name, .exec = parent_exec, .started = parent_started, .frame = parent_frame,
			.stopping = parent_stopping, .hangup = parent_hangup, .context = &parent,
		},
	};
	int error = parent_begin(&parent);

	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-START", "sekishod could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	log_event(LOG_LEVEL_NOTICE, "SKS-START", "starting config=%s", options->config);
	event_record(&parent, JOURNAL_START);
	restored_record(options->state_dir, &parent.journal);
	clock_begin(&parent);
	pins_begin(&parent);
	isolations_begin(&parent);
	confirmation_recall(&parent.confirmation);
	if (parent.confirmation.pending)
		confirmation_wait(&parent);
	crew_start(parent.crew);
	event_base_dispatch(parent.loop);
	alarm_book_close(&parent.alarms, &parent.journal);
	event_record(&parent, JOURNAL_STOP);
	newest_keep(&parent);
	parent_end(&parent);
	log_event(LOG_LEVEL_NOTICE, "SKS-STOP", "stopped; the rules stay in force");
	return EXIT_SUCCESS;
}
