/* confirm: what a transition of ours left in the kernel's sets. */
#include "kernel/confirm.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "kernel/decode_set.h"
#include "kernel/encode_elements.h"

/* One element that is asked for. */
struct question {
	const struct table *table;
	const struct set *set;		/* of the target */
	const struct element *element;
	struct element_reader answer;
};

/* What all questions of one transition share. */
struct confirming {
	struct arena *arena;
	struct nfnl *nfnl;
	const struct transition *transition;
	int64_t now, since_ms;	/* Unix time, and reading_clock_ms() then */
};

static void fill_question(struct nlmsghdr *message, const void *context)
{
	const struct question *question = context;

	element_question_put(message, question->table, question->set, question->element);
}

static int take_answer(const struct nlmsghdr *message, void *context)
{
	struct question *question = context;

	element_reader_take(&question->answer, message, reading_clock_ms());
	return 0;
}

/* The element as the kernel holds it. 0; -ENOENT: it does not; other negative errno. */
static int element_ask(const struct confirming *confirming, const struct table *table, const struct set *set,
		       const struct element *element, struct element *ret_held)
{
	struct set held = *set;
	struct question question = { .table = table, .set = set, .element = element };
	int error;

	question.answer = element_reader_begin(confirming->arena, &held, confirming->now, confirming->since_ms);
	error = nfnl_query(confirming->nfnl, NFT_MSG_GETSETELEM, (uint16_t)table->family, fill_question, take_answer, &question);
	if (error) {
		element_reader_cancel(&question.answer);
		return error;
	}
	error = element_reader_finish(&question.answer);
	if (error || question.answer.why || held.element_count != 1)
		return -EBADMSG;
	*ret_held = held.elements[0];
	return 0;
}

/* True when the elements of one change are as it left them. A key that was deleted may have come back with other data. */
static bool elements_are_changed(const struct confirming *confirming, const struct table *table, const struct set *set,
				 const struct change *change)
{
	for (size_t i = 0; i < change->element_count; i++) {
		const struct element *element = change->elements[i], *wanted = set_find(set, element->key);
		struct element held;
		int error = element_ask(confirming, table, set, element, &held);

		if (wanted ? error != 0 || !element_equal(set, wanted, &held) : error != -ENOENT)
			return false;
	}
	return true;
}

/* True when the change is about this set or its elements. */
static bool change_touches(const struct change *change, const struct table *table, const struct set *set)
{
	return change->set && change->table->family == table->family && strcmp(change->set->name, set->name) == 0;
}

/* True when the set was there before the changes, and what they did to it can be found out by few questions, and is so. */
static bool changes_are_seen(const struct confirming *confirming, const struct changes *changes, const struct table *table,
			     const struct set *set)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];

		if (!change_touches(change, table, set))
			continue;
		if (change->kind != CHANGE_ADD_ELEMENTS && change->kind != CHANGE_DELETE_ELEMENTS)
			return false;
		if (set->interval || change->element_count > CONFIRM_QUESTIONS_MAX)
			return false;
		if (!elements_are_changed(confirming, table, set, change))
			return false;
	}
	return true;
}

static struct table table_confirm(const struct confirming *confirming, const struct table *table)
{
	const struct transition *transition = confirming->transition;
	struct table known = { .family = table->family, .name = table->name };

	known.sets = arena_array(confirming->arena, table->set_count, sizeof(*known.sets));
	for (size_t i = 0; i < table->set_count; i++) {
		const struct set *set = &table->sets[i];

		if (changes_are_seen(confirming, &transition->prepare, table, set) &&
		    changes_are_seen(confirming, &transition->commit, table, set) &&
		    changes_are_seen(confirming, &transition->revoke, table, set))
			known.sets[known.set_count++] = *set;
	}
	return known;
}

struct ruleset transition_confirm(struct arena *arena, struct nfnl *nfnl, const struct transition *transition, int64_t now)
{
	const struct confirming confirming = { .arena = arena, .nfnl = nfnl, .transition = transition, .now = now, .since_ms = reading_clock_ms() };
	const struct ruleset *target = transition->target;
	struct ruleset known = { .links = target->links };

	known.tables = arena_array(arena, target->table_count, sizeof(*known.tables));
	for (size_t i = 0; i < target->table_count; i++)
		known.tables[known.table_count++] = table_confirm(&confirming, &target->tables[i]);
	return known;
}
