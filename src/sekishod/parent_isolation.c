/*
 * parent_isolation: zones are cut off and released.
 *
 * An order of the planner is carried out in the enforcer, whose answer ends it; nothing else is waited for. One order at a time.
 */
#include "sekishod/parent.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

void isolations_send(struct parent *parent, int role, const struct isolations *isolations, bool drill)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	const enum isolation_action action = drill ? ISOLATION_DRILL : parent->order_arena ? parent->order.action : ISOLATION_CUT;
	const struct isolation_state state = { .number = parent->order_number, .action = action, .isolations = *isolations };

	isolation_state_pack(&payload, &state);
	crew_send(parent->crew, role, VERB_ISOLATION, buf_span(&payload), -1);
}

bool order_is_drill(const struct parent *parent)
{
	return parent->order_arena && parent->order.action == ISOLATION_DRILL;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void isolations_begin(struct parent *parent)
{
	int error;

	parent->isolations_arena = arena_new();
	error = isolations_recall(parent->isolations_arena, parent->options->state_dir, (int64_t)time(NULL), &parent->isolations);
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ISOLATE", "which zones are isolated cannot be read, so every zone is dir=%s reason=\"%s\"",
			  parent->options->state_dir, strerror(-error));
	for (size_t i = 0; i < parent->isolations.count; i++)
		log_event(LOG_LEVEL_WARNING, "SKS-ISOLATE", "a zone is isolated zone=%s", parent->isolations.items[i].zone);
}

/* True when what is in force has a zone of this name. */
static bool zone_is_known(const struct parent *parent, const char *zone)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct program_input zones;

	if (strcmp(zone, ISOLATION_EVERY_ZONE) == 0)
		return true;
	if (zones_in_force(parent, arena, &zones) != 0)
		return false;
	for (size_t i = 0; i < zones.zone_count; i++)
		if (strcmp(zones.zones[i].name, zone) == 0)
			return true;
	return false;
}

static void order_answer(struct parent *parent, const struct isolation_answer *answer)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);

	isolation_answer_pack(&payload, answer);
	crew_send(parent->crew, ROLE_PLANNER, VERB_ISOLATED, buf_span(&payload), -1);
}

static void order_refuse(struct parent *parent, enum isolation_outcome outcome)
{
	order_answer(parent, &(struct isolation_answer){ .outcome = outcome });
}

static void order_end(struct parent *parent)
{
	arena_free(parent->order_arena);
	parent->order_arena = NULL;
}

static bool order_record(struct parent *parent, const struct isolation_answer *answer)
{
	static const enum journal_event events[] = {
		[ISOLATION_CUT] = JOURNAL_ISOLATE, [ISOLATION_RELEASE] = JOURNAL_RELEASE, [ISOLATION_DRILL] = JOURNAL_DRILL,
	};
	const struct isolation_order *order = &parent->order;
	struct journal_record record = { .event = events[order->action], .who = order->who, .reason = span_of(order->isolation.reason) };
	struct arena *arena = parent->order_arena;

	journal_record_add(&record, span_of(arena_printf(arena, "zone %s", order->isolation.zone)));
	if (answer->outcome == ISOLATION_FAILED)
		journal_record_add(&record, span_of("failed; nothing is forwarded"));
	if (answer->outcome == ISOLATION_LATER)
		journal_record_add(&record, span_of("opens with the rules that are installed next"));
	journal_record_add(&record, span_of(arena_printf(arena, "interfaces that are cut off now: %zu", answer->effect.interfaces)));
	for (size_t i = 0; i < answer->effect.keep_count; i++)
		journal_record_add(&record, span_of(arena_printf(arena, "keeps %s", answer->effect.keeps[i])));
	for (size_t i = 0; i < answer->effect.unknown_count; i++)
		journal_record_add(&record, span_of(arena_printf(arena, "unknown exception %s", answer->effect.unknown[i])));
	journal_record_add(&record, span_of(arena_printf(arena, "in force after %lld ms", (long long)(monotonic_ms() - parent->order_began_ms))));
	return journal_book_write(&parent->journal, &record) == 0;
}

/* What is isolated from now on: in the list, in the kernel, and on the disk; in this order, because the kernel is what counts. */
static void order_carry_out(struct parent *parent)
{
	struct arena *arena = arena_new();
	struct isolation_state copy;
	struct buf bytes = buf_limited(0);
	int error;

	/* A copy of its own, because the order's arena goes with the order. */
	isolation_state_pack(&bytes, &(struct isolation_state){ .isolations = parent->ordered });
	error = isolation_state_unpack(arena, buf_span(&bytes), &copy);
	buf_free(&bytes);
	if (error)
		arena_exhausted();
	arena_free(parent->isolations_arena);
	parent->isolations_arena = arena;
	parent->isolations = copy.isolations;
	isolations_send(parent, ROLE_ENFORCER, &parent->isolations, false);
	error = isolations_keep(parent->options->state_dir, &parent->isolations);
	parent->order_kept = error == 0;
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ISOLATE", "what is isolated could not be kept for a restart dir=%s reason=\"%s\"",
			  parent->options->state_dir, strerror(-error));
	isolations_send(parent, ROLE_PLANNER, &parent->isolations, false);
}

int order_take(struct parent *parent, struct span payload)
{
	enum isolation_outcome outcome = ISOLATION_DONE;

	/* Of a planner that was started again meanwhile. */
	if (parent->order_arena) {
		order_refuse(parent, ISOLATION_BUSY);
		return 0;
	}
	parent->order_arena = arena_new();
	if (isolation_order_unpack(parent->order_arena, payload, &parent->order) != 0) {
		order_end(parent);
		return -EBADMSG;
	}
	parent->order_number++;
	parent->order_kept = true;
	parent->order_began_ms = monotonic_ms();
	if (parent->order.action != ISOLATION_RELEASE && !zone_is_known(parent, parent->order.isolation.zone))
		outcome = ISOLATION_ZONE_UNKNOWN;
	else
		outcome = isolations_change(parent->order_arena, &parent->isolations, &parent->order, &parent->ordered);
	if (outcome != ISOLATION_DONE) {
		order_refuse(parent, outcome);
		order_end(parent);
	} else if (order_is_drill(parent)) {
		isolations_send(parent, ROLE_ENFORCER, &parent->ordered, true);
	} else {
		order_carry_out(parent);
	}
	return 0;
}

int isolated_take(struct parent *parent, struct span payload)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct isolation_answer answer;

	if (isolation_answer_unpack(arena, payload, &answer) != 0)
		return -EBADMSG;
	if (!parent->order_arena || answer.number != parent->order_number)
		return 0;
	log_event(LOG_LEVEL_WARNING, "SKS-ISOLATE", "%s zone=%s interfaces=%zu keeps=%zu outcome=%d",
		  parent->order.action == ISOLATION_RELEASE ? "a zone was released" : order_is_drill(parent) ? "a drill" : "a zone was isolated",
		  parent->order.isolation.zone, answer.effect.interfaces, answer.effect.keep_count, (int)answer.outcome);
	answer.kept = order_record(parent, &answer) && parent->order_kept;
	order_answer(parent, &answer);
	order_end(parent);
	return 0;
}
