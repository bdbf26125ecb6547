/*
 * planner_links: which interfaces there are, and what time it is: both change what the policy in force
 * means without anybody editing it.
 *
 * A zone is bound to the interface index. A new interface with a name of the zone file joins its zone. One
 * that was there under another name and is renamed into a zone's name does not: that would give whoever may
 * rename interfaces a way to rewire the town; it joins with the next apply, when an administrator has seen
 * the alarm. One that was never switched on yet is only being named, as udev does at boot. One that is renamed
 * away leaves its zone at once.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "sekishod/planner.h"

enum {
	SETTLE_MS = 50,			/* interfaces come with several messages each: one compile for all of them */
	EXPIRY_WAIT_MAX_S = 3600,	/* the clock may run slow or fast meanwhile */
};

/* True when an interface of this name belongs to a zone of the policy in force. */
static bool name_is_of_a_zone(const struct planner *planner, const char *name)
{
	const struct policy *policy = planner->in_force ? planner->in_force->policy : NULL;

	for (size_t z = 0; policy && z < policy->zone_count; z++)
		for (size_t i = 0; i < policy->zones[z].interface_count; i++)
			if (strcmp(policy->zones[z].interfaces[i].value, name) == 0)
				return true;
	return false;
}

static const struct known_link *known_find(const struct planner *planner, uint32_t index)
{
	for (size_t i = 0; i < planner->known_count; i++)
		if (planner->known[i].index == index)
			return &planner->known[i];
	return NULL;
}

/* What is known of an interface now, from what was known of it. */
static struct known_link link_judge(const struct planner *planner, const struct interface *link)
{
	const struct known_link *before = known_find(planner, link->index);
	struct known_link now = { .index = link->index, .was_up = link->up || (before && before->was_up) };

	memcpy(now.name, link->name, sizeof(now.name));
	if (!before)
		return now;
	if (strcmp(before->name, link->name) == 0) {
		now.barred = before->barred;
		memcpy(now.former, before->former, sizeof(now.former));
	} else if (name_is_of_a_zone(planner, link->name) && before->was_up) {
		now.barred = true;	/* the survey (planner_survey.c) tells it */
		memcpy(now.former, before->name, sizeof(now.former));
	} else if (name_is_of_a_zone(planner, before->name) && !before->barred) {
		log_event(LOG_LEVEL_WARNING, "SKS-LINK", "an interface left its zone by a new name interface=%s former=%s", link->name, before->name);
	}
	return now;
}

/* Reads the interfaces and brings what is known of them up to date. */
static int known_renew(struct planner *planner, struct arena *arena, struct link_table *ret_links)
{
	struct interfaces interfaces;
	struct known_link *known;
	int error = interfaces_read(arena, &interfaces);

	if (error)
		return error;
	known = calloc(interfaces.count + 1, sizeof(*known));
	if (!known)
		arena_exhausted();
	*ret_links = (struct link_table){ .items = arena_array(arena, interfaces.count, sizeof(*ret_links->items)) };
	for (size_t i = 0; i < interfaces.count; i++) {
		struct link *link = &ret_links->items[ret_links->count++];

		known[i] = link_judge(planner, &interfaces.items[i]);
		link->index = known[i].index;
		memcpy(link->name, known[i].name, sizeof(link->name));
	}
	free(planner->known);
	planner->known = known;
	planner->known_count = interfaces.count;
	survey_call(planner);
	return 0;
}

int links_table(struct planner *planner, struct arena *arena, bool all, struct link_table *ret_links)
{
	struct link_table links;
	size_t kept = 0;
	int error = known_renew(planner, arena, &links);

	if (error)
		return error;
	for (size_t i = 0; i < links.count; i++)
		if (all || !planner->known[i].barred)
			links.items[kept++] = links.items[i];
	links.count = kept;
	*ret_links = links;
	return 0;
}

void links_accept(struct planner *planner)
{
	for (size_t i = 0; i < planner->known_count; i++)
		planner->known[i].barred = false;
	survey_call(planner);
}

static void watch_changed(unsigned int what, void *context)
{
	const struct timeval settle = { .tv_usec = SETTLE_MS * 1000 };
	struct planner *planner = context;

	if ((what & (LINKS_CHANGED | ADDRESSES_CHANGED)) && !evtimer_pending(planner->links_settled, NULL))
		event_add(planner->links_settled, &settle);
}

static void watch_readable(evutil_socket_t descriptor, short what, void *context)
{
	struct planner *planner = context;
	int error = links_watch_read(planner->watch);

	(void)descriptor;
	(void)what;
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-LINK", "a change of interfaces could not be read reason=\"%s\"", strerror(-error));
}

/* True when an interface came, went or has another name than at the last look. */
static bool links_differ(const struct planner *planner, const struct interfaces *links)
{
	if (links->count != planner->known_count)
		return true;
	for (size_t i = 0; i < links->count; i++)
		if (links->items[i].index != planner->known[i].index || strcmp(links->items[i].name, planner->known[i].name) != 0)
			return true;
	return false;
}

/* A cable that was plugged in or out is no reason to compile; another interface is. */
static void links_settle(evutil_socket_t unused, short what, void *context)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct planner *planner = context;
	struct interfaces links;

	(void)unused;
	(void)what;
	survey_call(planner);
	if (interfaces_read(arena, &links) != 0)
		return;
	if (links_differ(planner, &links)) {
		job_renew(planner);
		return;
	}
	wiring_tell(planner);
	for (size_t i = 0; i < links.count; i++)
		planner->known[i].was_up |= links.items[i].up;
}

static void expiry_come(evutil_socket_t unused, short what, void *context)
{
	struct planner *planner = context;

	(void)unused;
	(void)what;
	job_renew(planner);
	expiry_schedule(planner);
}

void expiry_schedule(struct planner *planner)
{
	const struct policy *policy = planner->in_force->policy;
	const int64_t now = planner_now(planner);
	int64_t wait_s = EXPIRY_WAIT_MAX_S;

	for (size_t i = 0; i < policy->flow_count; i++) {
		int64_t left_s = policy->flows[i].closes_at - now;

		if (policy->flows[i].closes_at != 0 && left_s > 0 && left_s < wait_s)
			wait_s = left_s;
	}
	evtimer_add(planner->expiry, &(struct timeval){ .tv_sec = (time_t)wait_s });
}

/*
 * The kernel closes flows after a time that was reckoned by the clock of the commit. A gateway that starts with a wrong clock and is set
 * right later must not keep open until then what is over.
 */
static void clock_was_set(evutil_socket_t clock, short what, void *context)
{
	struct planner *planner = context;
	uint64_t unused;

	(void)what;
	if (read(clock, &unused, sizeof(unused)) >= 0 || errno != ECANCELED)
		return;
	log_event(LOG_LEVEL_NOTICE, "SKS-CLOCK", "the clock was set; which flows are over is judged again");
	job_renew(planner);
	if (planner->in_force)
		expiry_schedule(planner);
}

/* A timer for a time that does not come: it is there to be cancelled by the setting of the clock. */
static int clock_watch(struct planner *planner)
{
	const struct itimerspec never = { .it_value = { .tv_sec = LONG_MAX } };

	planner->clock = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (planner->clock < 0 || timerfd_settime(planner->clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) != 0)
		return -errno;
	planner->clock_set = event_new(planner->loop, planner->clock, EV_READ | EV_PERSIST, clock_was_set, planner);
	return planner->clock_set && event_add(planner->clock_set, NULL) == 0 ? 0 : -ENOMEM;
}

int links_open(struct planner *planner)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct link_table links;
	int error = links_watch_open(watch_changed, planner, &planner->watch);

	if (!error)
		error = known_renew(planner, arena, &links);
	if (!error)
		error = clock_watch(planner);
	if (error)
		return error;
	planner->links_changed = event_new(planner->loop, links_watch_descriptor(planner->watch), EV_READ | EV_PERSIST, watch_readable, planner);
	planner->links_settled = evtimer_new(planner->loop, links_settle, planner);
	planner->expiry = evtimer_new(planner->loop, expiry_come, planner);
	if (!planner->links_changed || !planner->links_settled || !planner->expiry)
		return -ENOMEM;
	return event_add(planner->links_changed, NULL) == 0 ? 0 : -ENOMEM;
}

void links_close(struct planner *planner)
{
	event_free(planner->links_changed);
	event_free(planner->links_settled);
	event_free(planner->expiry);
	event_free(planner->clock_set);
	close(planner->clock);
	links_watch_close(planner->watch);
	free(planner->known);
}
