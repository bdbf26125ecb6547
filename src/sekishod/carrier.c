/* carrier: which interfaces of zones have no signal, and since when. */
#include "sekishod/carrier.h"

struct carriers carriers_none(void)
{
	return (struct carriers){ .count = 0 };
}

static const struct carrier *carrier_of(const struct carriers *carriers, uint32_t index)
{
	for (size_t i = 0; i < carriers->count; i++)
		if (carriers->items[i].index == index)
			return &carriers->items[i];
	return NULL;
}

bool carriers_note(struct carriers *carriers, const struct carriers *before, uint32_t index, enum carrier_state state, int64_t now, int64_t now_ms,
		   struct carrier *ret_carrier)
{
	const struct carrier *known = carrier_of(before, index);

	*ret_carrier = (struct carrier){ .index = index, .state = state, .since = now, .since_ms = now_ms };
	if (carriers->count == LAYOUT_PORTS_MAX)
		return false;
	if (known && known->state == state)
		*ret_carrier = *known;
	carriers->items[carriers->count++] = *ret_carrier;
	return state != CARRIER_THERE && now_ms - ret_carrier->since_ms >= CARRIER_SETTLE_MS;
}

int64_t carriers_wait_ms(const struct carriers *carriers, int64_t now_ms)
{
	int64_t least_ms = 0;

	for (size_t i = 0; i < carriers->count; i++) {
		int64_t left_ms = carriers->items[i].since_ms + CARRIER_SETTLE_MS - now_ms;

		if (carriers->items[i].state != CARRIER_THERE && left_ms > 0 && (least_ms == 0 || left_ms < least_ms))
			least_ms = left_ms;
	}
	return least_ms;
}
