/* door: the enforcer's side of its channel to the witness. */
#include "sekishod/door.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/links.h"
#include "kernel/nflog.h"
#include "kernel/tally.h"
#include "sekishod/messages.h"

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct door door_closed(void)
{
	return (struct door){ .channel = -1, .log = -1, .reader = frame_reader_make(0), .answered_ms = -DOOR_PAUSE_MS };
}

void door_prepare(struct door *door)
{
	if (door->log < 0)
		(void)nflog_open(RULESET_NFLOG_GROUP, &door->log);
}

static void witness_drop(struct door *door)
{
	if (door->channel < 0)
		return;
	frame_reader_free(&door->reader);
	close(door->channel);
	door->channel = -1;
}

void door_open(struct door *door, int channel)
{
	witness_drop(door);
	door->channel = channel;
	door->reader = frame_reader_make(0);
	door->answered_ms = -DOOR_PAUSE_MS;
}

void door_close(struct door *door)
{
	witness_drop(door);
	if (door->log >= 0)
		close(door->log);
	door->log = -1;
}

/* Sends what is small enough to go at once, or nothing: whoever lets answers pile up is not waited for. */
static int answer_send(struct door *door, enum verb verb, struct span payload, int descriptor)
{
	const struct frame frame = { .verb = verb, .payload = payload, .descriptor = descriptor };
	struct pollfd writable = { .fd = door->channel, .events = POLLOUT };

	if (poll(&writable, 1, 0) != 1 || !(writable.revents & POLLOUT))
		return -ETIMEDOUT;
	return frame_send(door->channel, &frame);
}

/* The witness has let go of what it had, so the log can be opened by now. */
static int watch_answer(struct door *door)
{
	int error = door->log >= 0 ? 0 : nflog_open(RULESET_NFLOG_GROUP, &door->log);

	if (!error)
		return answer_send(door, VERB_WATCH, (struct span){ .length = 0 }, door->log);
	log_event(LOG_LEVEL_ERROR, "SKS-WITNESS", "the log of refused packets cannot be had; they are counted all the same group=%d reason=\"%s\"",
		  RULESET_NFLOG_GROUP, strerror(-error));
	return answer_send(door, VERB_WATCH, span_of(strerror(-error)), -1);
}

static int compare_ports(const void *a, const void *b)
{
	const struct tally_port *left = a, *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

/* The interfaces of the zones that are there. */
static void ports_fill(struct arena *arena, const struct program_input *pins, const struct link_table *links, struct tally_report *report)
{
	size_t room = 0;

	for (size_t z = 0; z < pins->zone_count; z++)
		room += pins->zones[z].interface_count;
	report->ports = arena_array(arena, room, sizeof(*report->ports));
	for (size_t z = 0; z < pins->zone_count; z++) {
		for (size_t i = 0; i < pins->zones[z].interface_count; i++) {
			uint32_t index = link_index(links, pins->zones[z].interfaces[i]);

			if (index != 0)
				report->ports[report->port_count++] = (struct tally_port){ index, pins->zones[z].name };
		}
	}
	if (report->port_count > 0)
		qsort(report->ports, report->port_count, sizeof(*report->ports), compare_ports);
}

static int report_read(struct arena *arena, struct nfnl *nfnl, const struct program_input *pins, struct tally_report *report)
{
	struct link_table links;
	int error = links_read(arena, &links);

	if (error)
		return error;
	if (pins)
		ports_fill(arena, pins, &links, report);
	/* Counts are worth telling without it. */
	if (conntrack_fill_read(nfnl, &report->connections) != 0)
		report->connections = (struct conntrack_fill){ .entries_max = 0 };
	return tally_read(arena, nfnl, &report->tally);
}

/* Rules that are being changed are read at the next request; that is no fault of the witness. */
static int tally_answer(struct door *door, struct nfnl *nfnl, const struct program_input *pins)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(TALLY_BYTES_MAX);
	struct tally_report report = { .port_count = 0 };
	int descriptor, error = report_read(arena, nfnl, pins, &report);

	if (error) {
		log_event(LOG_LEVEL_INFO, "SKS-WITNESS", "the counters could not be read reason=\"%s\"", strerror(-error));
		return answer_send(door, VERB_TALLY, (struct span){ .length = 0 }, -1);
	}
	tally_report_pack(&bytes, &report);
	error = bytes.overflow ? -EFBIG : sealed_make("sekisho-tally", buf_span(&bytes), &descriptor);
	if (error)
		return error;
	error = answer_send(door, VERB_TALLY, (struct span){ .length = 0 }, descriptor);
	close(descriptor);
	return error;
}

int door_wait_ms(const struct door *door)
{
	const int64_t wait_ms = door->answered_ms + DOOR_PAUSE_MS - monotonic_ms();

	return door->channel >= 0 && wait_ms > 0 ? (int)wait_ms : -1;
}

int door_descriptor(const struct door *door)
{
	return door_wait_ms(door) < 0 ? door->channel : -1;
}

static int request_answer(struct door *door, const struct frame *frame, struct nfnl *nfnl, const struct program_input *pins)
{
	if (frame->descriptor >= 0 || (frame->verb != VERB_WATCH && frame->verb != VERB_TALLY))
		return -EBADMSG;
	door->answered_ms = monotonic_ms();
	return frame->verb == VERB_WATCH ? watch_answer(door) : tally_answer(door, nfnl, pins);
}

void door_serve(struct door *door, struct nfnl *nfnl, const struct program_input *pins)
{
	struct frame frame = { .descriptor = -1 };
	int result = frame_receive(door->channel, &door->reader, &frame);

	if (result > 0) {
		result = request_answer(door, &frame, nfnl, pins);
		if (frame.descriptor >= 0)
			close(frame.descriptor);
	}
	if (result >= 0)
		return;
	if (result != -EPIPE)
		log_event(LOG_LEVEL_ERROR, "SKS-WITNESS", "the witness is not listened to any more reason=\"%s\"", strerror(-result));
	witness_drop(door);
}
