/* messages: the payloads that planner, enforcer and parent send each other. */
#include "sekishod/messages.h"

#include <errno.h>
#include <string.h>

void held_pack(struct buf *out, const struct held *held)
{
	buf_put_u32(out, held->generation);
	buf_put_u32(out, held->alien_count);
	for (size_t i = 0; i < held->mark_count; i++)
		buf_put_u32(out, held->marks[i]);
}

int held_unpack(struct arena *arena, struct span payload, struct held *ret_held)
{
	struct held held = { .mark_count = 0 };
	uint32_t *marks;

	if (!span_take_u32(&payload, &held.generation) || !span_take_u32(&payload, &held.alien_count) || payload.length % sizeof(*marks) != 0)
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
}

int committed_unpack(struct span payload, struct committed *ret_committed)
{
	struct committed committed = { .generation = 0 };
	uint32_t changed;

	if (!span_take_u32(&payload, &committed.generation) || !span_take_u32(&payload, &committed.elements_added) ||
	    !span_take_u32(&payload, &committed.elements_deleted) || !span_take_u32(&payload, &committed.rules_added) ||
	    !span_take_u32(&payload, &changed) || payload.length != 0 || changed > 1)
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
