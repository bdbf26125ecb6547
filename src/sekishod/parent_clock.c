/* parent_clock: the newest time that was seen outlives us, so that what is over stays over when the clock is set back. */
#include "sekishod/parent.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "daemon/state.h"
#include "daemon/state_names.h"
#include "wire/fields.h"

enum {
	CLOCK_KEEP_S = 600,
	CLOCK_BEHIND_S = 120,		/* a clock that is so far behind is told of */
};

void newest_keep(struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);
	int error;

	buf_put_u64(&bytes, (uint64_t)clock_now(&parent->clock));
	error = state_keep(parent->options->state_dir, STATE_NEWEST_NAME, buf_span(&bytes));
	if (error)
		error = state_rewrite(parent->options->state_dir, STATE_NEWEST_NAME, buf_span(&bytes));
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-CLOCK", "the time could not be kept for the next start reason=\"%s\"", strerror(-error));
	else
		parent->clock_kept = parent->clock;
}

int64_t time_look(struct parent *parent)
{
	int64_t now = clock_now(&parent->clock);

	if (parent->clock > parent->clock_kept + CLOCK_BEHIND_S)
		newest_keep(parent);
	return now;
}

void newest_keep_again(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	newest_keep(context);
	in_force_keep(context);
}

/* The newest time that a predecessor has seen; 0: none was kept, or it is damaged, which is told. */
static uint64_t newest_recall(const struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);
	uint64_t newest = 0;
	int error = state_recall(parent->options->state_dir, STATE_NEWEST_NAME, sizeof(newest), &bytes);
	struct span rest = buf_span(&bytes);

	if (!error && (!span_take_u64(&rest, &newest) || newest > INT32_MAX * (uint64_t)2))
		error = -EBADMSG;
	if (error && error != -ENOENT)
		log_event(LOG_LEVEL_ERROR, "SKS-CLOCK", "the newest time that was seen cannot be read, so the clock alone counts for what is over dir=%s reason=\"%s\"",
			  parent->options->state_dir, strerror(-error));
	return error ? 0 : newest;
}

void clock_begin(struct parent *parent)
{
	const struct timeval again = { .tv_sec = CLOCK_KEEP_S };
	int64_t now = (int64_t)time(NULL);
	const uint64_t newest = newest_recall(parent);

	parent->clock = clock_base_of((int64_t)newest);
	if ((int64_t)newest > now + CLOCK_BEHIND_S)
		log_event(LOG_LEVEL_ERROR, "SKS-CLOCK", "the clock is behind the newest time that was seen, which counts for what is over seconds=%lld",
			  (long long)newest - (long long)now);
	newest_keep(parent);
	event_add(parent->clock_keeps, &again);
}
