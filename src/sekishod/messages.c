/* messages: the payloads that planner, enforcer and parent send each other. */
#include "sekishod/messages.h"

#include <errno.h>
#include <string.h>

static bool ownership_take(struct span *payload, enum ownership *ret_ownership)
{
	uint32_t number;

	if (!span_take_u32(payload, &number) || number >= OWNERSHIP_COUNT)
		return false;
	*ret_ownership = (enum ownership)number;
	return true;
}

void held_pack(struct buf *out, const struct held *held)
{
	buf_put_u32(out, held->generation);
	buf_put_u32(out, held->alien_count);
	buf_put_u32(out, held->ownership);
	for (size_t i = 0; i < held->mark_count; i++)
		buf_put_u32(out, held->marks[i]);
}

int held_unpack(struct arena *arena, struct span payload, struct held *ret_held)
{
	struct held held = { .mark_count = 0 };
	uint32_t *marks;

	if (!span_take_u32(&payload, &held.generation) || !span_take_u32(&payload, &held.alien_count) ||
	    !ownership_take(&payload, &held.ownership) || payload.length % sizeof(*marks) != 0)
		return -EBADMSG;
	marks = arena_array(arena, payload.length / sizeof(*marks), sizeof(*marks));
	while (span_take_u32(&payload, &marks[held.mark_count])) {
		if (held.mark_count > 0 && marks[held.mark_count] <= marks[held.mark_count - 1])
			return -EBADMSG;
		held.mark_count++;
	}
	held.marks = marks;
	*ret_held = held;
	return 0;
}

void committed_pack(struct buf *out, const struct committed *committed)
{
	buf_put_u32(out, committed->generation);
	buf_put_u32(out, committed->elements_added);
	buf_put_u32(out, committed->elements_deleted);
	buf_put_u32(out, committed->rules_added);
	buf_put_u32(out, committed->changed);
	buf_put_u32(out, committed->ownership);
}

int committed_unpack(struct span payload, struct committed *ret_committed)
{
	struct committed committed = { .generation = 0 };
	uint32_t changed;

	if (!span_take_u32(&payload, &committed.generation) || !span_take_u32(&payload, &committed.elements_added) ||
	    !span_take_u32(&payload, &committed.elements_deleted) || !span_take_u32(&payload, &committed.rules_added) ||
	    !span_take_u32(&payload, &changed) || !ownership_take(&payload, &committed.ownership) || payload.length != 0 || changed > 1)
		return -EBADMSG;
	committed.changed = changed == 1;
	*ret_committed = committed;
	return 0;
}

void ready_pack(struct buf *out, const struct ready *ready)
{
	buf_put(out, ready->digest, sizeof(ready->digest));
	buf_put(out, ready->status.data, ready->status.length);
}

int ready_unpack(struct span payload, struct ready *ret_ready)
{
	struct ready ready;

	if (payload.length < DIGEST_BYTES || payload.length > DIGEST_BYTES + READY_STATUS_BYTES_MAX)
		return -EBADMSG;
	memcpy(ready.digest, payload.data, DIGEST_BYTES);
	ready.status = (struct span){ .data = payload.data + DIGEST_BYTES, .length = payload.length - DIGEST_BYTES };
	/* The status becomes a line for the service manager: a second line would be a second message. */
	for (size_t i = 0; i < ready.status.length; i++)
		if ((unsigned char)ready.status.data[i] < 0x20)
			return -EBADMSG;
	*ret_ready = ready;
	return 0;
}

enum { TALLY_PORT_BYTES_MIN = 8, TALLY_COUNT_BYTES = 26 };	/* as packed */

void tally_report_pack(struct buf *out, const struct tally_report *report)
{
	buf_put_u32(out, (uint32_t)report->port_count);
	for (size_t i = 0; i < report->port_count; i++) {
		buf_put_u32(out, report->ports[i].index);
		buf_put_text(out, span_of(report->ports[i].zone));
	}
	buf_put_u32(out, (uint32_t)report->tally.count);
	for (size_t i = 0; i < report->tally.count; i++) {
		const struct tally_count *count = &report->tally.counts[i];

		buf_put_u8(out, count->counter);
		buf_put_u8(out, count->whole);
		buf_put_u32(out, count->iif);
		buf_put_u32(out, count->oif);
		buf_put_u64(out, count->handle);
		buf_put_u64(out, count->packets);
	}
	buf_put_u32(out, report->connections.entries);
	buf_put_u32(out, report->connections.entries_max);
}

/* A number of things of which each takes at least so many bytes of what is left. */
static bool count_take(struct span *payload, size_t bytes_each, size_t *ret_count)
{
	uint32_t count;

	if (!span_take_u32(payload, &count) || count > payload->length / bytes_each)
		return false;
	*ret_count = count;
	return true;
}

static bool port_take(struct arena *arena, struct span *payload, struct tally_port *port)
{
	struct span zone;

	if (!span_take_u32(payload, &port->index) || !span_take_text(payload, &zone) || memchr(zone.data ? zone.data : "", '\0', zone.length))
		return false;
	port->zone = arena_strndup(arena, zone.data ? zone.data : "", zone.length);
	return true;
}

static bool count_of_tally_take(struct span *payload, struct tally_count *count)
{
	uint8_t whole;

	if (!span_take_u8(payload, &count->counter) || !span_take_u8(payload, &whole) || !span_take_u32(payload, &count->iif) ||
	    !span_take_u32(payload, &count->oif) || !span_take_u64(payload, &count->handle) || !span_take_u64(payload, &count->packets))
		return false;
	count->whole = whole == 1;
	return whole <= 1 && count->counter < REFUSAL_COUNTERS;
}

int tally_report_unpack(struct arena *arena, struct span payload, struct tally_report *ret_report)
{
	struct tally_report report = { .port_count = 0 };

	if (!count_take(&payload, TALLY_PORT_BYTES_MIN, &report.port_count))
		return -EBADMSG;
	report.ports = arena_array(arena, report.port_count, sizeof(*report.ports));
	for (size_t i = 0; i < report.port_count; i++)
		if (!port_take(arena, &payload, &report.ports[i]) || (i > 0 && report.ports[i].index <= report.ports[i - 1].index))
			return -EBADMSG;
	if (!count_take(&payload, TALLY_COUNT_BYTES, &report.tally.count))
		return -EBADMSG;
	report.tally.counts = arena_array(arena, report.tally.count, sizeof(*report.tally.counts));
	for (size_t i = 0; i < report.tally.count; i++)
		if (!count_of_tally_take(&payload, &report.tally.counts[i]))
			return -EBADMSG;
	if (!span_take_u32(&payload, &report.connections.entries) || !span_take_u32(&payload, &report.connections.entries_max) || payload.length != 0)
		return -EBADMSG;
	*ret_report = report;
	return 0;
}

void confirm_state_pack(struct buf *out, const struct confirm_state *state)
{
	buf_put_u8(out, state->pending);
	buf_put_u8(out, state->over);
	buf_put_u64(out, (uint64_t)state->until);
}

int confirm_state_unpack(struct span payload, struct confirm_state *ret_state)
{
	uint8_t pending, over;
	uint64_t until;

	if (!span_take_u8(&payload, &pending) || pending > 1 || !span_take_u8(&payload, &over) || over > pending || !span_take_u64(&payload, &until) ||
	    payload.length != 0)
		return -EBADMSG;
	*ret_state = (struct confirm_state){ .pending = pending, .over = over, .until = (int64_t)until };
	return 0;
}
