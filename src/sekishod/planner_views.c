/*
 * planner_views: what the kernel holds, for clients who may read and whom the kernel does not show it.
 *
 * The enforcer is asked at most once in VIEW_PAUSE_MS, whoever asks how often, because it has other things to do; everybody who waits gets the same answer. Its bytes are not looked
 * at here.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "sekishod/catalogue.h"
#include "sekishod/planner.h"

enum { VIEW_PAUSE_MS = 1000 };

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Calls for each client that waits; the call may end it. */
static void waiting_each(struct planner *planner, void (*call)(struct client *client, int descriptor), int descriptor)
{
	for (struct client *client = planner->clients, *next; client; client = next) {
		next = client->next;
		if (client->awaits_view) {
			client->awaits_view = false;
			call(client, descriptor);
		}
	}
}

static void refuse_gone(struct client *client, int unused)
{
	(void)unused;
	client_refuse(client, "failed", DAEMON_ENFORCER_GONE, NULL);
}

static bool somebody_waits(const struct planner *planner)
{
	for (const struct client *client = planner->clients; client; client = client->next)
		if (client->awaits_view)
			return true;
	return false;
}

static void view_ask(evutil_socket_t unused, short what, void *context)
{
	struct planner *planner = context;

	(void)unused;
	(void)what;
	if (planner->view_asked || !somebody_waits(planner))
		return;
	planner->view_asked_ms = monotonic_ms();
	planner->view_asked = planner_send_enforcer(planner, VERB_VIEW, 0, -1) == 0;
	if (!planner->view_asked)
		waiting_each(planner, refuse_gone, -1);
}

/* Asks now, or when the pause is over. */
static void view_schedule(struct planner *planner)
{
	int64_t left_ms = planner->view_asked_ms + VIEW_PAUSE_MS - monotonic_ms();
	const struct timeval pause = { .tv_sec = left_ms > 0 ? left_ms / 1000 : 0, .tv_usec = left_ms > 0 ? left_ms % 1000 * 1000 : 0 };

	if (!planner->view_asked && somebody_waits(planner) && event_add(planner->view_due, &pause) != 0)
		arena_exhausted();
}

void view_request(struct client *client)
{
	client->awaits_view = true;
	view_schedule(client->planner);
}

void view_take(struct planner *planner, const struct frame *frame)
{
	/* Who came meanwhile gets it as well: it is not older than the pause would have made the next one. */
	planner->view_asked = false;
	waiting_each(planner, frame->descriptor < 0 ? refuse_gone : client_send_view, frame->descriptor);
	if (frame->descriptor >= 0)
		close(frame->descriptor);
}

void view_enforcer_went(struct planner *planner)
{
	planner->view_asked = false;
	waiting_each(planner, refuse_gone, -1);
}

int views_open(struct planner *planner)
{
	planner->view_due = evtimer_new(planner->loop, view_ask, planner);
	planner->view_asked_ms = monotonic_ms() - VIEW_PAUSE_MS;
	return planner->view_due ? 0 : -ENOMEM;
}

void views_close(struct planner *planner)
{
	if (planner->view_due)
		event_free(planner->view_due);
}
