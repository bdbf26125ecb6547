/*
 * fuzz: relay/messages.h and relay/plan.h with payloads from a hostile role. The first byte says which. What can be read must be written again to the
 * very same bytes: so no value has two forms, and nothing was read that does not stand there.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "relay/messages.h"
#include "relay/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
	if (!condition)
		abort();
}

/* Each of these reads a payload, and writes what it read. False: it refused it. */
static bool session_repeat(struct span payload, struct buf *again)
{
	struct message_session session;

	if (message_session_unpack(payload, &session) != 0)
		return false;
	message_session_pack(again, &session);
	return true;
}

static bool passage_repeat(struct span payload, struct buf *again)
{
	struct message_passage passage;

	if (message_passage_unpack(payload, &passage) != 0)
		return false;
	message_passage_pack(again, &passage);
	return true;
}

static bool sender_repeat(struct span payload, struct buf *again)
{
	struct message_sender sender;

	if (message_sender_unpack(payload, &sender) != 0)
		return false;
	message_sender_pack(again, &sender);
	return true;
}

static bool address_repeat(struct span payload, struct buf *again)
{
	struct smtp_address address;

	if (message_address_unpack(payload, SMTP_PATH_FORWARD, &address) != 0)
		return false;
	message_address_pack(again, &address);
	return true;
}

static bool original_repeat(struct span payload, struct buf *again)
{
	struct message_original original;

	if (message_original_unpack(payload, &original) != 0)
		return false;
	message_original_pack(again, &original);
	return true;
}

static bool complete_repeat(struct span payload, struct buf *again)
{
	struct message_complete complete;

	if (message_complete_unpack(payload, &complete) != 0)
		return false;
	message_complete_pack(again, &complete);
	return true;
}

static bool wash_repeat(struct span payload, struct buf *again)
{
	struct message_wash wash;

	if (message_wash_unpack(payload, &wash) != 0)
		return false;
	message_wash_pack(again, &wash);
	return true;
}

static bool letter_repeat(struct span payload, struct buf *again)
{
	struct message_letter letter;

	if (message_letter_unpack(payload, &letter) != 0)
		return false;
	message_letter_pack(again, &letter);
	return true;
}

static bool result_repeat(struct span payload, struct buf *again)
{
	struct message_result result;

	if (message_result_unpack(payload, &result) != 0)
		return false;
	message_result_pack(again, &result);
	return true;
}

static bool transaction_repeat(struct span payload, struct buf *again)
{
	struct message_transaction transaction;

	if (message_transaction_unpack(payload, &transaction) != 0)
		return false;
	message_transaction_pack(again, &transaction);
	return true;
}

static bool reply_repeat(struct span payload, struct buf *again)
{
	struct smtp_reply reply;

	if (message_reply_unpack(payload, &reply) != 0)
		return false;
	message_reply_pack(again, reply);
	return true;
}

static bool number_repeat(struct span payload, struct buf *again)
{
	uint32_t number;

	if (message_number_unpack(payload, &number) != 0)
		return false;
	message_number_pack(again, number);
	return true;
}

static bool plan_repeat(struct span payload, struct buf *again)
{
	struct plan *plan;

	if (plan_unpack(payload, 1, &plan) != 0)
		return false;
	plan_pack(again, plan->relays, plan->relay_count);
	plan_free(plan);
	return true;
}

static bool relay_repeat(struct span payload, struct buf *again)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct relay relay;

	if (plan_relay_unpack(arena, payload, &relay) != 0)
		return false;
	plan_relay_pack(again, &relay);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool (*const repeats[])(struct span payload, struct buf *again) = {
		session_repeat, passage_repeat, sender_repeat, address_repeat, original_repeat, complete_repeat, wash_repeat, letter_repeat,
		result_repeat, transaction_repeat, reply_repeat, number_repeat, plan_repeat, relay_repeat,
	};
	struct buf again = buf_limited(0);
	struct span payload;

	if (size == 0)
		return 0;
	payload = (struct span){ .data = (const char *)data + 1, .length = size - 1 };
	if (repeats[data[0] % (sizeof(repeats) / sizeof(repeats[0]))](payload, &again))
		demand(span_equal(buf_span(&again), payload));
	buf_free(&again);
	return 0;
}
