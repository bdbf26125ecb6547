/* explain: reads a trail from its end, where the decision stands. */
#include "ruleset/explain.h"

#include <string.h>

#include "ruleset/compile.h"

static bool set_is_live(const struct set *set)
{
	return !strcmp(set->name, "live") || !strcmp(set->name, "local-live");
}

/* The mark is the first field of the key of both sets. */
static int mark_compare(const struct element *a, const struct element *b)
{
	return memcmp(a->key, b->key, 4);
}

/*
 * The flow name in the element's own comment, else in that of another element with its mark: only the
 * original direction has one.
 */
static struct span flow_name_of(const struct set *live, const struct element *element)
{
	uint8_t identity[COMPILE_IDENTITY_BYTES];
	struct span name = { .length = 0 };
	size_t low = 0, high = live->element_count;

	if (element->comment && live_comment_parse(element->comment, &name, identity))
		return name;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mark_compare(&live->elements[middle], element) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < live->element_count && !mark_compare(&live->elements[low], element); low++) {
		const char *comment = live->elements[low].comment;

		if (comment && live_comment_parse(comment, &name, identity))
			return name;
	}
	return (struct span){ .length = 0 };
}

static void explain_accepted(const struct trail *trail, struct explanation *explanation)
{
	for (size_t i = trail->count; i > 0; i--) {
		const struct trail_step *step = &trail->steps[i - 1];

		if (!step->set || !set_is_live(step->set))
			continue;
		explanation->live = step->element;
		explanation->flow_name = flow_name_of(step->set, step->element);
		return;
	}
}

static void explain_refused(const struct evaluation *evaluation, struct explanation *explanation)
{
	const struct trail *trail = &evaluation->trail;

	explanation->rejected = evaluation->rejected;
	if (trail->count > 0)
		explanation->has_refusal =
			refusal_of_chain(trail->steps[trail->count - 1].chain->name, &explanation->refusal);
}

struct explanation explanation_of(const struct evaluation *evaluation)
{
	struct explanation explanation = { .accepted = evaluation->accepted };

	if (evaluation->accepted)
		explain_accepted(&evaluation->trail, &explanation);
	else
		explain_refused(evaluation, &explanation);
	return explanation;
}
