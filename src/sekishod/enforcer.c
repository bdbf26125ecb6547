/*
 * enforcer: the role that acts. It alone may change the kernel's rules.
 *
 * Everything it needs is open before it shuts itself in: from then on it opens no file, and reads no text
 * but names inside checked bytes. The planner's proposals are foreign bytes to it. It takes a ruleset only
 * when it is well formed, speaks of the interfaces that really have these names, and passes the audit
 * against the pins that came from the parent. When the planner is gone, nothing changes. When somebody else
 * changes the kernel's rules, it puts back what it installed last.
 */
#include "sekishod/enforcer.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "daemon/crew.h"
#include "kernel/backstop.h"
#include "kernel/conntrack.h"
#include "kernel/ownership.h"
#include "sekishod/roles.h"
#include "sekishod/seal.h"

static const int kept_capabilities[] = { CAP_NET_ADMIN };

/*
 * It opens nothing any more; rtnetlink is asked by a new socket each time. Of programs it may only ask which are attached. Who judges for it gives precedence
 * back.
 */
static const struct sandbox_call enforcer_calls[] = {
	{ .name = "socket", .first_argument_only = true, .first_argument = AF_NETLINK }, { .name = "bind" },
	ASIDE_CALLS, { .name = "setpriority" }, { .name = "membarrier" }, { .name = "bpf", .first_argument_only = true, .first_argument = BPF_PROG_QUERY }, { .name = NULL }
};

enum { NETLINK_WAIT_MS = 10000, ENFORCER_NICE = -20 };

int64_t enforcer_now(struct enforcer *enforcer)
{
	return clock_now(&enforcer->clock);
}

void enforcer_heed_tables(struct enforcer *enforcer)
{
	enum ownership ownership;

	if (ownership_read(&enforcer->nfnl, &ownership) != 0 || ownership != OWNERSHIP_FOREIGN)
		return;
	log_event(LOG_LEVEL_ERROR, "SKS-OWNER", "another program has made our tables its own; nothing is forwarded");
	switches_shut(&enforcer->switches);
}

/* ---- frames */

void enforcer_open_way(struct enforcer *enforcer)
{
	if (enforcer->judged && !enforcer->unrepaired && !enforcer->unreturned && !enforcer->unisolated)
		switches_open_way(&enforcer->switches);
}

void enforcer_trust(struct enforcer *enforcer)
{
	/* Pins before these are of the past. */
	kept_pins_free(&enforcer->former);
	enforcer->pins_serve = enforcer->pins.arena != NULL;
	enforcer->judged = true;
	enforcer->unrepaired = enforcer->unreturned = enforcer->unisolated = false;
	enforcer_open_way(enforcer);
}

const struct program_input *enforcer_zones(const struct enforcer *enforcer)
{
	return enforcer->former.arena ? &enforcer->former.program : &enforcer->pins.program;
}

static void planner_drop(struct enforcer *enforcer)
{
	if (enforcer->planner < 0)
		return;
	frame_reader_free(&enforcer->planner_reader);
	close(enforcer->planner);
	enforcer->planner = -1;
	enforcer->lookout.may_tell = false;
}

/* Where the parent cannot be told, it is tried again with its next frame: it asks every few seconds whether we are there. */
static void planner_ask(struct enforcer *enforcer)
{
	const struct frame frame = { .verb = VERB_JOIN, .descriptor = -1 };
	int error = frame_send(CREW_CHANNEL, &frame);

	enforcer->join_owed = error != 0;
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-ENFORCER", "the parent could not be asked for a planner reason=\"%s\"", strerror(-error));
}

/* Neither of us may have ended, so that the parent has to be told. */
static void planner_lose(struct enforcer *enforcer)
{
	planner_drop(enforcer);
	planner_ask(enforcer);
}

/* A planner that breaks the form, or cannot be answered, is not spoken with any more by this channel; the parent will send another. */
static void planner_readable(struct enforcer *enforcer)
{
	struct frame frame = { .descriptor = -1 };
	int result = frame_receive(enforcer->planner, &enforcer->planner_reader, &frame);

	if (result > 0) {
		result = planner_answer(enforcer, &frame);
		if (frame.descriptor >= 0)
			close(frame.descriptor);
	}
	if (result >= 0)
		return;
	if (result != -EPIPE)
		log_event(LOG_LEVEL_ERROR, "SKS-ENFORCER", "the planner is not listened to any more reason=\"%s\"", strerror(-result));
	planner_lose(enforcer);
}

/* The first pins are those of what is in force already. */
static int pins_take(struct enforcer *enforcer, struct span payload)
{
	struct kept_pins pins;
	int error = kept_pins_make(payload, &pins);

	/* They are copied, and many megabytes when there are many flows. */
	frame_reader_rest(&enforcer->parent_reader);
	if (error)
		return error;
	if (enforcer->pins_serve || !enforcer->former.arena)
		enforcer->former = enforcer->pins;
	else
		kept_pins_free(&enforcer->pins);
	enforcer->pins = pins;
	enforcer->pins_serve = false;
	return 0;
}

static int parent_frame(struct enforcer *enforcer, const struct frame *frame)
{
	if (frame->verb == VERB_PINS && frame->descriptor < 0)
		return pins_take(enforcer, frame->payload);
	if (frame->verb == VERB_ISOLATION && frame->descriptor < 0)
		return isolation_take(enforcer, frame->payload);
	if (frame->verb == VERB_CHANNEL && frame->descriptor >= 0 && frame->payload.length == 1 && frame->payload.data[0] == ROLE_WITNESS) {
		door_open(&enforcer->door, frame->descriptor);
		return 0;
	}
	if (frame->verb == VERB_CHANNEL && frame->descriptor >= 0) {
		planner_drop(enforcer);
		enforcer->join_owed = false;
		enforcer->planner = frame->descriptor;
		enforcer->planner_reader = frame_reader_make(0);
		return 0;
	}
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	return -EBADMSG;
}

static bool parent_has_spoken(void)
{
	struct pollfd wait = { .fd = CREW_CHANNEL, .events = POLLIN };

	return poll(&wait, 1, 0) > 0;
}

/* Takes everything the parent has said: pins that were sent before a proposal count for that proposal. */
static int parent_listen(struct enforcer *enforcer)
{
	int result = 0;

	if (enforcer->deferred)
		result = parent_frame(enforcer, &enforcer->deferred_frame);
	enforcer->deferred = false;
	while (result >= 0 && parent_has_spoken()) {
		struct frame frame;

		result = crew_role_receive(&enforcer->parent_reader, &frame);
		if (result > 0)
			result = parent_frame(enforcer, &frame);
	}
	return result < 0 ? result : 0;
}

/* What the parent says during a judgement: an isolation is carried out, anything else waits, and with it what comes behind. */
static int parent_listen_meanwhile(struct enforcer *enforcer)
{
	struct frame frame;
	int result = crew_role_receive(&enforcer->parent_reader, &frame);

	if (result <= 0)
		return result;
	if (frame.verb == VERB_ISOLATION)
		return parent_frame(enforcer, &frame);
	enforcer->deferred_frame = frame;
	enforcer->deferred = true;
	return 0;
}

int enforcer_listen_meanwhile(struct enforcer *enforcer, struct aside asides[static HALVES])
{
	bool done[HALVES] = { false };
	int result = 0;

	while (result >= 0 && !(done[0] && done[1])) {
		struct pollfd waits[] = { { .fd = done[0] ? -1 : asides[0].result, .events = POLLIN }, { .fd = done[1] ? -1 : asides[1].result, .events = POLLIN },
					  { .fd = nft_watch_descriptor(&enforcer->watch), .events = POLLIN },
					  { .fd = enforcer->deferred ? -1 : CREW_CHANNEL, .events = POLLIN } };

		if (poll(waits, sizeof(waits) / sizeof(waits[0]), -1) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		if (waits[2].revents != 0)
			drift_take(enforcer);
		if (waits[3].revents != 0)
			result = parent_listen_meanwhile(enforcer);
		for (size_t i = 0; i < HALVES && result >= 0; i++) {
			if (waits[i].revents == 0)
				continue;
			result = aside_take(&asides[i]);
			done[i] = result > 0;
		}
	}
	return result < 0 ? result : 0;
}

/* Of two waits the shorter one; -1: for ever. */
static int shorter_wait(int a_ms, int b_ms)
{
	return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static int enforcer_loop(struct enforcer *enforcer)
{
	for (;;) {
		struct pollfd waits[] = { { .fd = CREW_CHANNEL, .events = POLLIN }, { .fd = enforcer->planner, .events = POLLIN },
					  { .fd = nft_watch_descriptor(&enforcer->watch), .events = POLLIN },
					  { .fd = door_descriptor(&enforcer->door), .events = POLLIN },
					  { .fd = crowding_channel(enforcer), .events = POLLIN } };
		int planner = enforcer->planner, witness = enforcer->door.channel, error;

		if (poll(waits, sizeof(waits) / sizeof(waits[0]),
			 enforcer->deferred ? 0 : shorter_wait(crowding_wait_ms(enforcer), door_wait_ms(&enforcer->door))) < 0 && errno != EINTR)
			return -errno;
		if (waits[2].revents != 0)
			drift_take(enforcer);
		crowding_work(enforcer, waits[4].revents != 0);
		error = parent_listen(enforcer);
		if (error)
			return error;
		if (enforcer->join_owed)
			planner_ask(enforcer);
		/* The parent may have sent another planner's socket just now. */
		if (waits[1].revents != 0 && enforcer->planner == planner && planner >= 0)
			planner_readable(enforcer);
		/* A release may have come just now, or while the planner's question was judged. */
		error = enforcer->opening.due ? isolation_open(enforcer) : 0;
		if (error)
			return error;
		if (waits[3].revents != 0 && enforcer->door.channel == witness && witness >= 0)
			door_serve(&enforcer->door, &enforcer->nfnl, enforcer->pins.arena ? &enforcer->pins.program : NULL);
	}
}

/* The socket that our tables belong to, which the parent keeps: it comes before all else. What an enforcer before us was told by it is thrown away. */
static int netlink_take(struct enforcer *enforcer)
{
	struct frame frame = { .descriptor = -1 };
	int error = frame_await(CREW_CHANNEL, &enforcer->parent_reader, NETLINK_WAIT_MS, &frame);

	if (!error && (frame.verb != VERB_NETLINK || frame.descriptor < 0))
		error = -EBADMSG;
	if (!error)
		error = nfnl_adopt(frame.descriptor, &enforcer->nfnl);
	if (error && frame.descriptor >= 0)
		close(frame.descriptor);
	return error;
}

/* Tables that were left by a predecessor are ours from now on. Where that cannot be, every installation says so. */
static void tables_claim(struct enforcer *enforcer)
{
	int error = ownership_claim(&enforcer->nfnl);

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-OWNER", "the tables in the kernel could not be made ours reason=\"%s\"", strerror(-error));
	enforcer_heed_tables(enforcer);
}

void backstop_set(struct enforcer *enforcer)
{
	int error = enforcer->nfnl.owns_tables ? 0 : backstop_hold(&enforcer->nfnl);
	bool told = enforcer->backstop_owed;

	enforcer->backstop_owed = error && error != -EOPNOTSUPP;
	if (error && !told)
		log_event(LOG_LEVEL_WARNING, "SKS-OWNER", "there is no backstop: until tables that somebody takes away are back, everything passes reason=\"%s\"",
			  strerror(-error));
}

/*
 * Opens what is needed while that is still possible. The dump of connections makes the kernel load
 * connection tracking, without which its switches are not there; what may wait for another module comes last. While the kernel does not hold our guard,
 * nothing is forwarded.
 */
static int kernel_open(struct enforcer *enforcer, const struct options *options)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct held_marks marks;
	struct link_table links;
	struct snapshot snapshot;
	int error = netlink_take(enforcer);

	if (!error && !options->no_owner)
		error = ownership_begin(&enforcer->nfnl);
	/* The first JSON object would open /dev/urandom, and the first is made when something is refused. */
	json_object_seed(0);
	if (!error)
		error = nft_watch_open(&enforcer->watch);
	if (!error)
		error = conntrack_marks(arena, &enforcer->nfnl, &marks);
	if (error)
		return error;
	if (crowd_open(&enforcer->crowd) != 0)
		log_event(LOG_LEVEL_ERROR, "SKS-ENFORCER", "connections cannot be counted; no pair of zones is held to its limit");
	door_prepare(&enforcer->door);
	enforcer->switches = switches_open();
	tables_claim(enforcer);
	backstop_set(enforcer);
	error = links_read(arena, &links);
	if (!error)
		error = snapshot_read(arena, &enforcer->nfnl, &links, enforcer_now(enforcer), NULL, &snapshot);
	if (!error && !seal_is_guarded(&snapshot))
		switches_shut(&enforcer->switches);
	if (!error)
		enforcer->lookout = lookout_open(&enforcer->nfnl);
	return error;
}

/*
 * What it does is short and cannot wait: a zone is cut off, rules come back. On a processor that others keep busy, or that packets do, it would wait for its
 * turn. The service manager permits that (RLIMIT_NICE); where it does not, the enforcer waits like everybody.
 */
static void precedence_take(void)
{
	if (setpriority(PRIO_PROCESS, 0, ENFORCER_NICE) != 0)
		log_event(LOG_LEVEL_INFO, "SKS-ENFORCER", "the enforcer has no precedence before other processes reason=\"%s\"", strerror(errno));
}

static int enforcer_begin(struct enforcer *enforcer, const struct options *options)
{
	int error = crew_role_begin();

	precedence_take();
	if (!error)
		error = sandbox_keep_capabilities(kept_capabilities, sizeof(kept_capabilities) / sizeof(kept_capabilities[0]));
	if (!error)
		error = kernel_open(enforcer, options);
	if (!error)
		error = sandbox_renounce();
	return error ? error : sandbox_filter_calls(enforcer_calls);
}

static void enforcer_end(struct enforcer *enforcer)
{
	planner_drop(enforcer);
	door_close(&enforcer->door);
	frame_reader_free(&enforcer->parent_reader);
	switches_close(&enforcer->switches);
	crowd_close(&enforcer->crowd);
	lookout_free(&enforcer->lookout);
	holding_free(&enforcer->holding);
	nft_watch_close(&enforcer->watch);
	nfnl_close(&enforcer->nfnl);
	kept_pins_free(&enforcer->pins);
	kept_pins_free(&enforcer->former);
	arena_free(enforcer->isolations_arena);
}

int enforcer_run(const struct options *options)
{
	struct enforcer enforcer = { .clock = options->clock, .planner = -1, .lookout = { .network = -1 }, .door = door_closed(),
				     .parent_reader = frame_reader_make(PINS_BYTES_MAX) };
	int error = enforcer_begin(&enforcer, options);

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ENFORCER", "the enforcer could not start reason=\"%s\"", strerror(-error));
	else
		error = enforcer_loop(&enforcer);
	enforcer_end(&enforcer);
	return error == -EPIPE ? EXIT_SUCCESS : EXIT_FAILURE;
}
