/* parent_confirmation: a change that goes back unless somebody confirms it in time. */
#include "sekishod/parent.h"

#include <errno.h>
#include <time.h>

#include "base/log.h"
#include "sekishod/messages.h"

void confirmation_send(struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	int64_t left_ms = confirmation_left_ms(&parent->confirmation);
	const struct confirm_state state = {
		.pending = parent->confirmation.pending, .over = parent->confirmation.pending && left_ms == 0, .until = (int64_t)time(NULL) + left_ms / 1000,
	};

	confirm_state_pack(&payload, &state);
	crew_send(parent->crew, ROLE_PLANNER, VERB_CONFIRMATION, buf_span(&payload), -1);
}

void confirmation_wait(struct parent *parent)
{
	/* One millisecond more, so that the time is over when the timer is. */
	int64_t left_ms = confirmation_left_ms(&parent->confirmation) + 1;
	const struct timeval left = { .tv_sec = left_ms / 1000, .tv_usec = (suseconds_t)(left_ms % 1000) * 1000 };

	event_add(parent->confirm_over, &left);
}

void confirmation_over(evutil_socket_t unused, short what, void *context)
{
	struct parent *parent = context;

	(void)unused;
	(void)what;
	if (!parent->confirmation.pending)
		return;
	if (confirmation_left_ms(&parent->confirmation) > 0) {
		confirmation_wait(parent);
		return;
	}
	log_event(LOG_LEVEL_WARNING, "SKS-CONFIRM", "a change was not confirmed in time and goes back");
	confirmation_send(parent);
}

int confirm_take(struct parent *parent, struct span payload)
{
	if (payload.length != 1)
		return -EBADMSG;
	event_del(parent->confirm_over);
	confirmation_end(&parent->confirmation);
	log_event(LOG_LEVEL_NOTICE, "SKS-CONFIRM", payload.data[0] == 1 ? "a change was confirmed" : "no change waits for a confirmation any more");
	confirmation_send(parent);
	return 0;
}
