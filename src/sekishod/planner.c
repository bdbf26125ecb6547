/*
 * planner: the role that thinks.
 *
 * It reads the zone file, talks to administrators and watches interfaces, and so it meets all the text
 * there is. Therefore it has no capability, may not start a program and may not connect to anybody; what it
 * concludes is proved again by the enforcer.
 */
#include "sekishod/planner.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "daemon/crew.h"
#include "sekishod/roles.h"

/*
 * Files are opened (the zone file, /etc/passwd), and the door and the rtnetlink queries need sockets;
 * nothing is connected or executed.
 */
static const struct sandbox_call planner_calls[] = {
	{ .name = "open" }, { .name = "openat" }, { .name = "access" }, { .name = "faccessat" }, { .name = "faccessat2" }, { .name = "stat" },
	{ .name = "lstat" }, { .name = "statx" }, { .name = "readlink" }, { .name = "readlinkat" }, { .name = "getcwd" }, { .name = "getdents64" },
	{ .name = "socket", .first_argument_only = true, .first_argument = AF_NETLINK }, { .name = "bind" }, { .name = "accept4" },
	{ .name = NULL }
};

enum { PARENT_PAYLOAD_BYTES_MAX = 64 << 10 };

int64_t planner_now(struct planner *planner)
{
	return clock_now(&planner->time_base);
}

int planner_send_enforcer(struct planner *planner, enum verb verb, uint16_t flags, int descriptor)
{
	const struct frame frame = { .verb = verb, .flags = flags, .descriptor = descriptor };

	return planner->enforcer < 0 ? -ENOTCONN : frame_send(planner->enforcer, &frame);
}

int planner_send_parent(enum verb verb, struct span payload)
{
	const struct frame frame = { .verb = verb, .payload = payload, .descriptor = -1 };

	return frame_send(CREW_CHANNEL, &frame);
}

void planner_record(struct planner *planner, struct journal_record *record, const struct caller *caller)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);

	if (caller)
		record->who = (struct journal_who){ .known = true, .pid = caller->pid, .uid = caller->uid, .logged_in = caller->logged_in,
						    .login = caller->login, .process = span_of(caller->process) };
	journal_record_pack(&payload, record);
	while (payload.length > JOURNAL_RECORD_BYTES_MAX && record->detail_count > 0) {
		record->detail_count /= 2;
		payload.length = 0;
		journal_record_pack(&payload, record);
	}
	if (planner_send_parent(VERB_RECORD, buf_span(&payload)) != 0)
		planner_give_up(planner, "the parent cannot be reached");
}

void planner_give_up(struct planner *planner, const char *reason)
{
	log_event(LOG_LEVEL_ERROR, "SKS-PLANNER", "the planner gives up and is started again; the rules stay reason=\"%s\"", reason);
	event_base_loopbreak(planner->loop);
}

/* Forgets the enforcer's socket; the parent will send another. */
static void enforcer_drop(struct planner *planner)
{
	if (planner->enforcer < 0)
		return;
	event_free(planner->enforcer_readable);
	planner->enforcer_readable = NULL;
	frame_reader_free(&planner->enforcer_reader);
	close(planner->enforcer);
	planner->enforcer = -1;
	job_enforcer_went(planner);
	view_enforcer_went(planner);
}

static void enforcer_readable(evutil_socket_t socket_number, short what, void *context)
{
	struct planner *planner = context;
	struct frame frame;
	int result = frame_receive(socket_number, &planner->enforcer_reader, &frame);

	(void)what;
	if (result > 0 && (frame.verb == VERB_RENEW_PINS || frame.verb == VERB_RECORDED)) {
		/* Only the parent answers these. */
		if (frame.descriptor >= 0)
			close(frame.descriptor);
		result = -EBADMSG;
	} else if (result > 0 && frame.verb == VERB_FOREIGN && frame.descriptor < 0) {
		result = survey_foreign(planner, frame.payload);
	} else if (result > 0 && frame.verb == VERB_VIEW) {
		view_take(planner, &frame);
	} else if (result > 0) {
		result = job_frame(planner, &frame);
	}
	if (result == -EPIPE)
		enforcer_drop(planner);
	else if (result < 0)
		planner_give_up(planner, "the enforcer said what was not asked");
}

/* The parent sends a socket to an enforcer that was started, or for us who were. */
static void enforcer_join(struct planner *planner, int socket_number)
{
	enforcer_drop(planner);
	planner->enforcer = socket_number;
	planner->enforcer_reader = frame_reader_make(FRAME_PAYLOAD_BYTES_MAX);
	planner->enforcer_readable = event_new(planner->loop, socket_number, EV_READ | EV_PERSIST, enforcer_readable, planner);
	if (!planner->enforcer_readable || event_add(planner->enforcer_readable, NULL) != 0)
		arena_exhausted();
	planner->enforcer_joins++;
	job_enforcer_came(planner);
	survey_call(planner);
}

static int parent_frame(struct planner *planner, struct frame *frame)
{
	if (frame->verb == VERB_CHANNEL && frame->descriptor >= 0) {
		enforcer_join(planner, frame->descriptor);
		return 0;
	}
	if ((frame->verb == VERB_RENEW_PINS || frame->verb == VERB_RECORDED) && frame->descriptor < 0) {
		/* The answer may belong to a job that failed meanwhile. */
		job_frame(planner, frame);
		return 0;
	}
	if (frame->verb == VERB_CONFIRMATION && frame->descriptor < 0)
		return job_confirmation(planner, frame);
	if (frame->verb == VERB_WIRING && frame->descriptor < 0)
		return wiring_told(planner, frame->payload);
	if ((frame->verb == VERB_ISOLATED || frame->verb == VERB_ISOLATION) && frame->descriptor < 0)
		return isolation_frame(planner, frame);
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	return -EBADMSG;
}

static void parent_readable(evutil_socket_t channel, short what, void *context)
{
	struct planner *planner = context;
	struct frame frame;
	int result = crew_role_receive(&planner->parent_reader, &frame);

	(void)channel;
	(void)what;
	if (result > 0)
		result = parent_frame(planner, &frame);
	if (result < 0)
		planner_give_up(planner, "the parent is gone");
}

static void terminated(evutil_socket_t signal_number, short what, void *context)
{
	struct planner *planner = context;

	(void)signal_number;
	(void)what;
	event_base_loopbreak(planner->loop);
}

static void try_again(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	job_enforcer_came(context);
}

static int events_make(struct planner *planner)
{
	if (!planner->loop)
		return -ENOMEM;
	planner->parent_readable = event_new(planner->loop, CREW_CHANNEL, EV_READ | EV_PERSIST, parent_readable, planner);
	planner->terminated = evsignal_new(planner->loop, SIGTERM, terminated, planner);
	planner->again = evtimer_new(planner->loop, try_again, planner);
	if (!planner->parent_readable || !planner->terminated || !planner->again)
		return -ENOMEM;
	return event_add(planner->parent_readable, NULL) == 0 && event_add(planner->terminated, NULL) == 0 ? 0 : -ENOMEM;
}

/* Everything that needs a right we give up afterwards. */
static int planner_begin(struct planner *planner)
{
	int error = crew_role_begin();

	if (!error)
		error = events_make(planner);
	if (!error)
		error = views_open(planner);
	if (!error)
		error = gates_open(planner);
	if (!error)
		error = links_open(planner);
	if (!error)
		error = survey_open(planner);
	if (!error)
		error = sandbox_keep_capabilities(NULL, 0);
	if (!error)
		error = sandbox_renounce();
	/* The thread shares memory with the loop, and so its pool: what it takes is given back as if there were none. */
	if (!error && mallopt(M_ARENA_MAX, 1) != 1)
		error = -ENOMEM;
	if (!error)
		error = thoughts_open(planner);
	return error ? error : sandbox_filter_calls(planner_calls);
}

static void planner_end(struct planner *planner)
{
	enforcer_drop(planner);
	thoughts_close(planner);
	job_free(planner->job);
	job_free(planner->waiting);
	gates_close(planner);
	views_close(planner);
	isolation_close(planner);
	approval_drop(planner);
	links_close(planner);
	survey_close(planner);
	event_free(planner->parent_readable);
	event_free(planner->terminated);
	event_free(planner->again);
	frame_reader_free(&planner->parent_reader);
	generation_free(planner->in_force);
	event_base_free(planner->loop);
}

int planner_run(const struct options *options)
{
	struct planner planner = {
		.options = options, .time_base = options->clock, .loop = event_base_new(), .enforcer = -1, .clock = -1, .survey_watch = -1, .state = STATE_STARTING, .again_ms = PLANNER_AGAIN_FIRST_MS,
		.parent_reader = frame_reader_make(PARENT_PAYLOAD_BYTES_MAX),
	};
	int error = planner_begin(&planner);

	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-PLANNER", "the planner could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	event_base_dispatch(planner.loop);
	/* Who still thinks needs what would be given back, and ends with us. */
	if (!thinker_is_busy(planner.thinker))
		planner_end(&planner);
	return EXIT_SUCCESS;
}
