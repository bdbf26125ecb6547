/* crowd: when connections are counted by pair of zones, and what came of it. */
#include "sekishod/crowd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sekishod/alarm.h"

enum { SENTENCE_BYTES = 320 };

int crowd_open(struct crowd *ret_crowd)
{
	*ret_crowd = (struct crowd){ .arena = NULL };
	return census_open(&ret_crowd->census);
}

int crowd_descriptor(const struct crowd *crowd)
{
	return crowd->census.socket ? census_descriptor(&crowd->census) : -1;
}

int crowd_wait_ms(const struct crowd *crowd, int64_t now_ms)
{
	if (!crowd->census.socket || crowd->census.running)
		return -1;
	return crowd->look_at_ms > now_ms ? (int)(crowd->look_at_ms - now_ms) : 0;
}

static bool any_is_crowded(const struct crowding *crowding)
{
	for (size_t i = 0; i < crowding->count; i++)
		if (crowding->pairs[i].crowded)
			return true;
	return false;
}

/* A pair is crowded, or holds three quarters of its limit. */
static bool pairs_are_pressed(const struct crowding *crowding)
{
	for (size_t i = 0; i < crowding->count; i++) {
		const struct pair_load *load = &crowding->pairs[i];

		if (load->crowded || load->connections >= load->limit - load->limit / 4)
			return true;
	}
	return crowding->strained;
}

/* So many have begun since that another pair may be near its limit, however many ended meanwhile. */
static bool much_is_new(const struct crowd *crowd)
{
	return crowd->fill.entries > crowd->fill_counted && crowd->fill.entries - crowd->fill_counted >= crowding_room(&crowd->crowding) / 4;
}

static bool count_is_due(const struct crowd *crowd, const struct pins *pins, int64_t now_ms)
{
	if (crowd->fill.entries < crowding_entries_min(pins, crowd->fill.entries_max) && !crowd->crowding.strained && !any_is_crowded(&crowd->crowding))
		return false;
	if (!crowd->crowding.strained && crowding_strains(crowd->fill.entries, crowd->fill.entries_max))
		return true;
	return now_ms >= crowd->count_at_ms || much_is_new(crowd);
}

void crowd_renew(struct crowd *crowd)
{
	crowd->count_at_ms = 0;
}

void crowd_look(struct crowd *crowd, struct nfnl *nfnl, const struct pins *pins, int64_t now_ms)
{
	if (!crowd->census.socket || crowd->census.running || now_ms < crowd->look_at_ms)
		return;
	crowd->look_at_ms = now_ms + CROWD_LOOK_MS;
	if (conntrack_fill_read(nfnl, &crowd->fill) != 0 || !count_is_due(crowd, pins, now_ms) || census_begin(&crowd->census) != 0)
		return;
	crowd->begun_ms = now_ms;
}

static void judgement_replace(struct crowd *crowd, struct arena *arena, const struct crowding *crowding)
{
	arena_free(crowd->arena);
	crowd->arena = arena;
	crowd->crowding = *crowding;
}

/* A copy that outlives the judgement. */
static struct crowding crowding_copy(struct arena *arena, const struct crowding *crowding)
{
	struct pair_load *pairs = arena_array(arena, crowding->count, sizeof(*pairs));
	struct crowding copy = { .pairs = pairs, .count = crowding->count, .strained = crowding->strained };

	for (size_t i = 0; i < crowding->count; i++) {
		pairs[i] = crowding->pairs[i];
		pairs[i].from = arena_strdup(arena, pairs[i].from);
		pairs[i].to = arena_strdup(arena, pairs[i].to);
	}
	return copy;
}

bool crowd_count(struct crowd *crowd, struct arena *arena, const struct ruleset *ruleset, const struct pins *pins, int64_t now_ms,
		 struct crowding *ret_before)
{
	struct held_marks marks;
	int result = census_read(&crowd->census, arena, &marks);
	const int64_t took_ms = now_ms - crowd->begun_ms + 1;
	struct crowding_census census;
	struct arena *own;
	struct crowding now;

	if (result == 0)
		return false;
	crowd->look_at_ms = now_ms + CROWD_LOOK_MS;
	crowd->count_at_ms = crowd->look_at_ms + took_ms * CROWD_PAUSES_CALM;
	if (result < 0)
		return false;
	census = (struct crowding_census){ marks.marks, marks.connections, marks.count, crowd->fill.entries, crowd->fill.entries_max };
	own = arena_new();
	now = crowding_judge(own, ruleset, pins, &census, &crowd->crowding);
	*ret_before = crowding_copy(arena, &crowd->crowding);
	judgement_replace(crowd, own, &now);
	crowd->fill_counted = crowd->fill.entries;
	if (pairs_are_pressed(&now))
		crowd->count_at_ms = now_ms + took_ms * CROWD_PAUSES_PRESSED;
	return true;
}

static void tell_crowded(const struct pair_load *load, const struct log_field fields[static 2])
{
	char sentence[SENTENCE_BYTES];

	snprintf(sentence, sizeof(sentence),
		 "too many connections are open from %s to %s, %u with a limit of %u; no other begins but those of critical flows, running ones go on: find who has them, conntrack -L",
		 load->from, load->to, load->connections, load->limit);
	alarm_raise("SKS-CROWDED", sentence, fields, 2);
}

void crowd_tell(const struct crowd *crowd, const struct crowding *before)
{
	for (size_t i = 0; i < crowd->crowding.count; i++) {
		const struct pair_load *load = &crowd->crowding.pairs[i], *old = crowding_pair(before, load->from, load->to);
		const struct log_field fields[2] = { { "from", load->from }, { "to", load->to } };

		if (load->crowded && (!old || !old->crowded))
			tell_crowded(load, fields);
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct pair_load *old = &before->pairs[i], *load = crowding_pair(&crowd->crowding, old->from, old->to);
		const struct log_field fields[2] = { { "from", old->from }, { "to", old->to } };

		if (old->crowded && (!load || !load->crowded))
			alarm_end("SKS-CROWDED", "connections may begin between these zones again", fields, 2);
	}
}

void crowd_close(struct crowd *crowd)
{
	census_close(&crowd->census);
	arena_free(crowd->arena);
	crowd->arena = NULL;
}
