/*
 * diff: the steps that lead from one ruleset to another.
 *
 * First the names are settled: each set of the new ruleset either goes on as a set the kernel has, or gets a
 * name that is free. The rules are renamed with them, and the result is the target. What is left is a
 * comparison by name. The order of the commit is what the kernel's reference counts ask for:
 *
 *     add tables; delete elements; flush chains; delete chains and sets that come back as another kind;
 *     add sets, chains, rules, elements; delete chains, sets, tables
 *
 * so that nothing is deleted while something refers to it, and nothing is referred to before it is there.
 * Marks that must outlive it for a moment are deleted in a transaction behind it.
 */
#include "ruleset/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ruleset/blocks.h"
#include "ruleset/overlay.h"

/*
 * Names of one set that are looked for in the old ruleset. Two are in use, unless somebody else had a hand in
 * it.
 */
enum { CANDIDATES_MAX = 4 };

struct element_list {
	const struct element **items;
	size_t count, capacity;
};

/* One set of the new ruleset on its way into the target. */
struct settling {
	const char *name;		/* in the target */
	uint32_t room;			/* in the target */
	const struct set *kept;		/* the old set it goes on as; NULL: it is built anew */
	bool beside;			/* built anew in the prepare transaction */
	struct element_list added, deleted; /* of a kept set */
};

/*
 * What becomes of an old set. FATE_GOES_FIRST: in the prepare transaction, because its name is wanted there.
 * FATE_IS_REPLACED: one of another kind takes its name in the deciding transaction.
 */
enum fate { FATE_GOES, FATE_GOES_FIRST, FATE_IS_REPLACED, FATE_STAYS };

/* A table by name; old NULL: it is new; new and target NULL: it goes. */
struct table_pair {
	const struct table *old, *new;
	struct table *target;
	struct settling *settled;	/* one per set of new, in its order */
	enum fate *fates;		/* one per set of old, in its order */
};

struct change_list {
	struct changes changes;
	size_t capacity;
};

struct differ {
	struct arena *arena;
	struct table_pair *pairs;
	size_t pair_count;
	struct change_list prepare, commit, revoke;
};

/* ---- names of sets */

/* The name without its second suffixes. */
static struct span logical_name(const char *name)
{
	const size_t suffix = sizeof(DIFF_SECOND_SUFFIX) - 1;
	struct span span = span_of(name);

	while (span.length > suffix && memcmp(name + span.length - suffix, DIFF_SECOND_SUFFIX, suffix) == 0)
		span.length -= suffix;
	return span;
}

/* The name with no suffix for number 0, one for number 1, and so on. */
static const char *numbered_name(struct arena *arena, const char *name, size_t number)
{
	struct span logical = logical_name(name);
	const char *result = arena_strndup(arena, logical.data, logical.length);

	for (size_t i = 0; i < number; i++)
		result = arena_printf(arena, "%s%s", result, DIFF_SECOND_SUFFIX);
	return result;
}

/* What the sets of a table are to be called, and their room: one of each per set, in the table's order. */
struct naming {
	const struct table *table;
	const char *const *names;
	const uint32_t *rooms;
};

static const char *new_name(const struct naming *naming, const char *set)
{
	const struct set *found = table_set(naming->table, set);

	return found ? naming->names[found - naming->table->sets] : set;
}

static struct rule rename_in_rule(struct arena *arena, const struct naming *naming, const struct rule *rule)
{
	struct rule copy = *rule;

	copy.steps = arena_array(arena, rule->step_count, sizeof(*copy.steps));
	for (size_t i = 0; i < rule->step_count; i++) {
		copy.steps[i] = rule->steps[i];
		if (copy.steps[i].set)
			copy.steps[i].set = new_name(naming, copy.steps[i].set);
	}
	return copy;
}

static struct chain rename_in_chain(struct arena *arena, const struct naming *naming, const struct chain *chain)
{
	struct chain copy = *chain;

	copy.rules = arena_array(arena, chain->rule_count, sizeof(*copy.rules));
	for (size_t i = 0; i < chain->rule_count; i++)
		copy.rules[i] = rename_in_rule(arena, naming, &chain->rules[i]);
	return copy;
}

static int compare_set_names(const void *a, const void *b)
{
	return strcmp(((const struct set *)a)->name, ((const struct set *)b)->name);
}

static bool names_change(const struct naming *naming)
{
	for (size_t i = 0; i < naming->table->set_count; i++) {
		if (strcmp(naming->names[i], naming->table->sets[i].name) != 0)
			return true;
	}
	return false;
}

/*
 * The table with its sets renamed, in its rules as well. Elements are shared; where no name changes,
 * rules are.
 */
static struct table rename_sets(struct arena *arena, const struct naming *naming)
{
	const struct table *table = naming->table;
	struct table copy = *table;

	copy.sets = arena_array(arena, table->set_count, sizeof(*copy.sets));
	for (size_t i = 0; i < table->set_count; i++) {
		copy.sets[i] = table->sets[i];
		copy.sets[i].name = naming->names[i];
		copy.sets[i].room = naming->rooms[i];
	}
	if (!names_change(naming))
		return copy;
	qsort(copy.sets, copy.set_count, sizeof(*copy.sets), compare_set_names);
	copy.chains = arena_array(arena, table->chain_count, sizeof(*copy.chains));
	for (size_t i = 0; i < table->chain_count; i++)
		copy.chains[i] = rename_in_chain(arena, naming, &table->chains[i]);
	return copy;
}

/* ---- elements */

static void list_element(struct arena *arena, struct element_list *list, const struct element *element)
{
	list->items = arena_grow(arena, list->items, list->count, &list->capacity, sizeof(*list->items));
	list->items[list->count++] = element;
}

/* Two sorted sets being walked side by side. */
struct comparison {
	const struct set *old, *new;
	size_t i, j;		/* the next elements */
	const struct element_blocks *old_blocks, *new_blocks; /* NULL: every element is looked at */
	size_t a, b;		/* the blocks that begin there or, where one is under way, behind there */
};

/* Goes over the blocks that begin here in both sets and are the same. */
static void pass_equal_blocks(struct comparison *comparison)
{
	const struct element_blocks *old = comparison->old_blocks, *new = comparison->new_blocks;

	while (old && new && comparison->a < old->count && comparison->b < new->count) {
		const struct block *a = &old->items[comparison->a], *b = &new->items[comparison->b];

		if (a->begin < comparison->i) {
			comparison->a++;
		} else if (b->begin < comparison->j) {
			comparison->b++;
		} else {
			if (a->begin != comparison->i || b->begin != comparison->j || a->end - a->begin != b->end - b->begin ||
			    memcmp(a->digest, b->digest, sizeof(a->digest)) != 0)
				return;
			comparison->i = a->end;
			comparison->j = b->end;
		}
	}
}

/* One walk over both. An element that changed is in both lists. */
static void compare_elements(struct arena *arena, const struct set *old, const struct set *new,
			     struct settling *settling)
{
	const size_t size = element_key_size(new);
	struct comparison at = { .old = old, .new = new, .old_blocks = set_blocks(old), .new_blocks = set_blocks(new) };

	for (pass_equal_blocks(&at); at.i < old->element_count || at.j < new->element_count; pass_equal_blocks(&at)) {
		const struct element *a = at.i < old->element_count ? &old->elements[at.i] : NULL;
		const struct element *b = at.j < new->element_count ? &new->elements[at.j] : NULL;
		int order = !a ? 1 : !b ? -1 : memcmp(a->key, b->key, size);
		bool differs = order != 0 || !element_data_equal(new, a, b);

		if (order <= 0 && differs)
			list_element(arena, &settling->deleted, a);
		if (order >= 0 && differs)
			list_element(arena, &settling->added, b);
		at.i += order <= 0;
		at.j += order >= 0;
	}
}

static struct element_list all_elements(struct arena *arena, const struct set *set)
{
	struct element_list list = {
		.items = arena_array(arena, set->element_count, sizeof(*list.items)),
		.count = set->element_count,
	};

	for (size_t i = 0; i < set->element_count; i++)
		list.items[i] = &set->elements[i];
	return list;
}

/* ---- settling: which old set a new one goes on as, and what it is called */

static bool set_is_referred_to(const struct table *table, const char *set)
{
	for (size_t i = 0; i < table->chain_count; i++) {
		for (size_t j = 0; j < table->chains[i].rule_count; j++) {
			const struct rule *rule = &table->chains[i].rules[j];

			for (size_t k = 0; k < rule->step_count; k++) {
				if (rule->steps[k].set && strcmp(rule->steps[k].set, set) == 0)
					return true;
			}
		}
	}
	return false;
}

/* True when another set of the new table has this very name, so that it is not free for `set`. */
static bool name_is_reserved(const struct table_pair *pair, const struct set *set, const char *name)
{
	const struct set *holder = table_set(pair->new, name);

	return holder && holder != set;
}

/*
 * The old set that a new one follows, or NULL. Of several with its logical name the one in force: the others
 * were prepared once and never switched to.
 */
static const struct set *set_in_force(struct arena *arena, const struct table_pair *pair, const struct set *set)
{
	const struct set *candidates[1 + CANDIDATES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < 1 + CANDIDATES_MAX; i++) {
		const char *name = i == 0 ? set->name : numbered_name(arena, set->name, i - 1);
		const struct set *found = table_set(pair->old, name);

		if (found && !name_is_reserved(pair, set, name) && !(count > 0 && candidates[0] == found))
			candidates[count++] = found;
	}
	for (size_t i = 0; count > 1 && i < count; i++) {
		if (set_is_referred_to(pair->old, candidates[i]->name))
			return candidates[i];
	}
	return count > 0 ? candidates[0] : NULL;
}

/*
 * A name that no set the old rules refer to has: one of the first two, unless somebody else had a hand in it.
 */
static const char *free_name(struct arena *arena, const struct table_pair *pair, const struct set *set)
{
	for (size_t i = 0;; i++) {
		const char *name = numbered_name(arena, set->name, i);

		if (!name_is_reserved(pair, set, name) &&
		    !(table_set(pair->old, name) && set_is_referred_to(pair->old, name)))
			return name;
	}
}

/* True when the elements have a point in common, in the fields that both sets have. */
static bool points_meet(const struct set *set_a, const struct element *a, const struct set *set_b, const struct element *b)
{
	size_t end_a = set_a->interval ? key_size(&set_a->key) : 0, end_b = set_b->interval ? key_size(&set_b->key) : 0, offset = 0;

	for (size_t i = 0; i < key_field_count(&set_a->key) && i < key_field_count(&set_b->key); i++) {
		size_t slot = field_slot(set_a->key.fields[i]);

		if (memcmp(a->key + offset, b->key + end_b + offset, slot) > 0 || memcmp(b->key + offset, a->key + end_a + offset, slot) > 0)
			return false;
		offset += slot;
	}
	return true;
}

/*
 * True when a point is taken from one element and given to another. In place the kernel does that in two
 * steps: what takes part in a transaction changes at once, but an interval set shows its new elements some
 * while later. A packet in between would find the mark of a flow that has just ended, or on older kernels
 * nothing, although it is allowed before and after.
 */
static bool points_change_hands(const struct set *set, const struct settling *settling)
{
	for (size_t i = 0; i < settling->deleted.count; i++) {
		for (size_t j = 0; j < settling->added.count; j++) {
			if (points_meet(set, settling->deleted.items[i], set, settling->added.items[j]))
				return true;
		}
	}
	return false;
}

/* Verdict maps cannot be built beside the old one: they name chains that come with the commit. */
static bool is_better_built_beside(const struct set *set, const struct settling *settling)
{
	return set->data != SET_DATA_VERDICT &&
	       (settling->deleted.count > DIFF_INTERVAL_CHANGES_MAX || points_change_hands(set, settling));
}

uint32_t diff_room(size_t count)
{
	return count < DIFF_ROOM_FROM ? 0 : set_room(count + count / 4);
}

/* True when so many elements fit; some that have expired may still take their places. */
static bool set_has_room(const struct set *set, size_t count)
{
	return set->room == 0 || count + count / 16 <= set->room;
}

/*
 * Only interval sets have second names: whoever reads the kernel's ruleset finds the others by the names the
 * program gives them.
 */
static void settle_exact_set(struct arena *arena, struct table_pair *pair, const struct set *set,
			     struct settling *settling)
{
	const struct set *old = pair->old ? table_set(pair->old, set->name) : NULL;

	settling->room = set->room > 0 ? set->room : diff_room(set->element_count);
	if (!old)
		return;
	if (!set_same_kind(old, set) || !set_has_room(old, set->element_count)) {
		pair->fates[old - pair->old->sets] = FATE_IS_REPLACED;
		return;
	}
	compare_elements(arena, old, set, settling);
	settling->kept = old;
	settling->room = old->room;
	pair->fates[old - pair->old->sets] = FATE_STAYS;
}

static void settle_interval_set(struct arena *arena, struct table_pair *pair, const struct set *set,
				struct settling *settling)
{
	const struct set *old = set_in_force(arena, pair, set);
	const struct set *in_the_way;

	if (old && set_same_kind(old, set)) {
		compare_elements(arena, old, set, settling);
		if (!is_better_built_beside(set, settling)) {
			settling->kept = old;
			settling->name = old->name;
			pair->fates[old - pair->old->sets] = FATE_STAYS;
			return;
		}
	}
	/* One that is new may come in the place of another one, whose packets must find it filled. */
	settling->beside = set->data != SET_DATA_VERDICT && (old || set->element_count > 0);
	settling->name = free_name(arena, pair, set);
	in_the_way = table_set(pair->old, settling->name);
	if (in_the_way)
		pair->fates[in_the_way - pair->old->sets] = FATE_GOES_FIRST;
}

static void settle_table(struct arena *arena, struct table_pair *pair)
{
	const char **names = arena_array(arena, pair->new->set_count, sizeof(*names));
	uint32_t *rooms = arena_array(arena, pair->new->set_count, sizeof(*rooms));
	struct naming naming = { .table = pair->new, .names = names, .rooms = rooms };

	if (pair->old)
		pair->fates = arena_array(arena, pair->old->set_count, sizeof(*pair->fates));
	pair->settled = arena_array(arena, pair->new->set_count, sizeof(*pair->settled));
	for (size_t i = 0; i < pair->new->set_count; i++) {
		const struct set *set = &pair->new->sets[i];

		pair->settled[i].name = set->name;
		if (!set->interval)
			settle_exact_set(arena, pair, set, &pair->settled[i]);
		else if (pair->old)
			settle_interval_set(arena, pair, set, &pair->settled[i]);
		names[i] = pair->settled[i].name;
		rooms[i] = pair->settled[i].room;
	}
	*pair->target = rename_sets(arena, &naming);
}

/* ---- changes */

static struct change *add_change(struct differ *differ, struct change_list *list, enum change_kind kind,
				 const struct table *table)
{
	struct changes *changes = &list->changes;
	struct change *change;

	changes->items = arena_grow(differ->arena, changes->items, changes->count, &list->capacity,
				    sizeof(*changes->items));
	change = &changes->items[changes->count++];
	*change = (struct change){ .kind = kind, .table = table };
	return change;
}

static void change_elements(struct differ *differ, struct change_list *list, enum change_kind kind,
			    const struct table *table, const struct set *set, struct element_list elements)
{
	struct change *change;

	if (elements.count == 0)
		return;
	change = add_change(differ, list, kind, table);
	change->set = set;
	change->elements = elements.items;
	change->element_count = elements.count;
	if (kind == CHANGE_ADD_ELEMENTS)
		list->changes.elements_added += elements.count;
	else
		list->changes.elements_deleted += elements.count;
}

/* ---- the transaction before: sets nobody refers to */

static void prepare_table(struct differ *differ, const struct table_pair *pair)
{
	if (!pair->old || !pair->new)
		return;
	for (size_t i = 0; i < pair->old->set_count; i++) {
		if (pair->fates[i] == FATE_GOES_FIRST)
			add_change(differ, &differ->prepare, CHANGE_DELETE_SET, pair->old)->set =
				&pair->old->sets[i];
	}
	for (size_t i = 0; i < pair->new->set_count; i++) {
		const struct set *set = table_set(pair->target, pair->settled[i].name);

		if (!pair->settled[i].beside)
			continue;
		add_change(differ, &differ->prepare, CHANGE_ADD_SET, pair->target)->set = set;
		change_elements(differ, &differ->prepare, CHANGE_ADD_ELEMENTS, pair->target, set,
				all_elements(differ->arena, set));
	}
}

/* ---- the transaction behind: marks that packets under way may rely on */

/* Sets of live marks: the rules accept what is in them. */
static bool set_is_of_marks(const struct set *set)
{
	return set->data == SET_DATA_NONE && set->key.fields[0] == FIELD_CT_MARK;
}

/* The marks that lose a point to another flow. */
struct handover {
	uint32_t *marks;
	size_t count, capacity;
	bool all;		/* too many changes to look at each */
};

/* Maps of one pair have one name up to the last dot, and their points can be compared when they begin with the same fields. */
static bool maps_are_of_one_pair(const struct set *a, const struct set *b)
{
	const char *dot_a = strrchr(a->name, '.'), *dot_b = strrchr(b->name, '.');
	size_t fields = key_field_count(&a->key) < key_field_count(&b->key) ? key_field_count(&a->key) : key_field_count(&b->key);

	if (!dot_a || !dot_b || dot_a - a->name != dot_b - b->name || memcmp(a->name, b->name, (size_t)(dot_a - a->name)) != 0)
		return false;
	for (size_t i = 0; i < fields; i++) {
		if (a->key.fields[i] != b->key.fields[i])
			return false;
	}
	return true;
}

static void note_handovers(struct arena *arena, const struct set *losing, const struct element_list *lost, const struct set *gaining,
			   const struct element_list *gained, struct handover *handover)
{
	if (gained->count > 0 && lost->count > DIFF_HANDOVER_COMPARISONS_MAX / gained->count)
		handover->all = true;
	for (size_t i = 0; i < lost->count && !handover->all; i++) {
		for (size_t j = 0; j < gained->count; j++) {
			if (!points_meet(losing, lost->items[i], gaining, gained->items[j]))
				continue;
			handover->marks = arena_grow(arena, handover->marks, handover->count, &handover->capacity, sizeof(*handover->marks));
			handover->marks[handover->count++] = lost->items[i]->mark;
			break;
		}
	}
}

static struct handover find_handover(const struct differ *differ, const struct table_pair *pair)
{
	struct handover handover = { .count = 0 };

	for (size_t i = 0; i < pair->new->set_count; i++) {
		const struct set *losing = &pair->new->sets[i];

		for (size_t j = 0; losing->data == SET_DATA_MARK && j < pair->new->set_count; j++) {
			const struct set *gaining = &pair->new->sets[j];

			if (gaining->data == SET_DATA_MARK && maps_are_of_one_pair(losing, gaining))
				note_handovers(differ->arena, losing, &pair->settled[i].deleted, gaining, &pair->settled[j].added, &handover);
		}
	}
	return handover;
}

/* The key of a set of marks begins with the mark, in network order. */
static bool mark_is_handed_over(const struct handover *handover, const struct element *element)
{
	uint32_t mark = (uint32_t)element->key[0] << 24 | (uint32_t)element->key[1] << 16 | (uint32_t)element->key[2] << 8 | element->key[3];

	for (size_t i = 0; i < handover->count && !handover->all; i++) {
		if (handover->marks[i] == mark)
			return true;
	}
	return handover->all;
}

/*
 * Takes the deletions of marks that are handed over, and whose keys do not come back, out of settling->deleted. Both lists are in the order of
 * the set.
 */
static struct element_list take_endings(struct arena *arena, const struct set *set, const struct handover *handover, struct settling *settling)
{
	struct element_list endings = { .count = 0 }, rest = { .count = 0 };
	size_t j = 0;

	for (size_t i = 0; i < settling->deleted.count; i++) {
		const struct element *element = settling->deleted.items[i];

		while (j < settling->added.count &&
		       element_compare(set, settling->added.items[j], element) < 0)
			j++;
		if ((j < settling->added.count && element_compare(set, settling->added.items[j], element) == 0) ||
		    !mark_is_handed_over(handover, element))
			list_element(arena, &rest, element);
		else
			list_element(arena, &endings, element);
	}
	settling->deleted = rest;
	return endings;
}

/*
 * A packet may have asked a map before the commit and look for its mark after it. Where a flow takes over what another one gave, the
 * packet is allowed before and after, and so the mark of the other lives until such packets have passed. What nobody takes over ends with
 * the commit itself.
 */
static void postpone_endings(struct differ *differ, const struct table_pair *pair)
{
	struct handover handover;

	if (!pair->old || !pair->new)
		return;
	handover = find_handover(differ, pair);
	for (size_t i = 0; i < pair->new->set_count; i++) {
		struct settling *settling = &pair->settled[i];

		if (settling->kept && set_is_of_marks(settling->kept))
			change_elements(differ, &differ->revoke, CHANGE_DELETE_ELEMENTS, pair->target,
					table_set(pair->target, settling->name),
					take_endings(differ->arena, settling->kept, &handover, settling));
	}
}

/* ---- the deciding transaction: one function per kind of step, in their order */

static void add_table(struct differ *differ, const struct table_pair *pair)
{
	if (!pair->old)
		add_change(differ, &differ->commit, CHANGE_ADD_TABLE, pair->target);
}

/*
 * A verdict map that goes is emptied first: older kernels count its jumps until it is gone for good, and
 * would not let the chains go.
 */
static void delete_elements(struct differ *differ, const struct table_pair *pair)
{
	if (!pair->old || !pair->new)
		return;
	for (size_t i = 0; i < pair->new->set_count; i++) {
		const struct settling *settling = &pair->settled[i];

		if (settling->kept)
			change_elements(differ, &differ->commit, CHANGE_DELETE_ELEMENTS, pair->old,
					settling->kept, settling->deleted);
	}
	for (size_t i = 0; i < pair->old->set_count; i++) {
		const struct set *set = &pair->old->sets[i];

		if ((pair->fates[i] == FATE_GOES || pair->fates[i] == FATE_IS_REPLACED) &&
		    set->data == SET_DATA_VERDICT)
			change_elements(differ, &differ->commit, CHANGE_DELETE_ELEMENTS, pair->old, set,
					all_elements(differ->arena, set));
	}
}

/* Rules that look up a set that is replaced must be made anew with it, though they read the same. */
static bool chain_uses_replaced_set(const struct table_pair *pair, const struct chain *old)
{
	for (size_t i = 0; i < old->rule_count; i++) {
		for (size_t j = 0; j < old->rules[i].step_count; j++) {
			const char *name = old->rules[i].steps[j].set;
			const struct set *set = name ? table_set(pair->old, name) : NULL;

			if (set && pair->fates[set - pair->old->sets] == FATE_IS_REPLACED)
				return true;
		}
	}
	return false;
}

/* True when the rules of a chain are as they should be. */
static bool rules_stay(const struct table_pair *pair, const struct chain *old, const struct chain *new)
{
	return chain_rules_equal(old, new) && !chain_uses_replaced_set(pair, old);
}

static void flush_chains(struct differ *differ, const struct table_pair *pair)
{
	for (size_t i = 0; pair->old && pair->new && i < pair->old->chain_count; i++) {
		const struct chain *old = &pair->old->chains[i], *new = table_chain(pair->target, old->name);

		if (old->rule_count > 0 &&
		    (!new || !hook_equal(&old->hook, &new->hook) || !rules_stay(pair, old, new)))
			add_change(differ, &differ->commit, CHANGE_FLUSH_CHAIN, pair->old)->chain = old;
	}
}

/* A chain cannot change its hook, priority, policy or device in place. By now nothing refers to it. */
static void delete_changed_chains(struct differ *differ, const struct table_pair *pair)
{
	for (size_t i = 0; pair->old && pair->new && i < pair->old->chain_count; i++) {
		const struct chain *old = &pair->old->chains[i], *new = table_chain(pair->target, old->name);

		if (new && !hook_equal(&old->hook, &new->hook))
			add_change(differ, &differ->commit, CHANGE_DELETE_CHAIN, pair->old)->chain = old;
	}
}

static void delete_changed_sets(struct differ *differ, const struct table_pair *pair)
{
	for (size_t i = 0; pair->old && pair->new && i < pair->old->set_count; i++) {
		if (pair->fates[i] == FATE_IS_REPLACED)
			add_change(differ, &differ->commit, CHANGE_DELETE_SET, pair->old)->set =
				&pair->old->sets[i];
	}
}

static void add_sets(struct differ *differ, const struct table_pair *pair)
{
	for (size_t i = 0; pair->new && i < pair->new->set_count; i++) {
		const struct settling *settling = &pair->settled[i];
		const struct set *set = table_set(pair->target, settling->name);

		if (!settling->kept && !settling->beside)
			add_change(differ, &differ->commit, CHANGE_ADD_SET, pair->target)->set = set;
	}
}

static const struct chain *chain_before(const struct table_pair *pair, const struct chain *new)
{
	const struct chain *old = pair->old ? table_chain(pair->old, new->name) : NULL;

	return old && hook_equal(&old->hook, &new->hook) ? old : NULL;
}

static void add_chains(struct differ *differ, const struct table_pair *pair)
{
	for (size_t i = 0; pair->new && i < pair->target->chain_count; i++) {
		const struct chain *new = &pair->target->chains[i];

		if (!chain_before(pair, new))
			add_change(differ, &differ->commit, CHANGE_ADD_CHAIN, pair->target)->chain = new;
	}
}

static void add_rules(struct differ *differ, const struct table_pair *pair)
{
	for (size_t i = 0; pair->new && i < pair->target->chain_count; i++) {
		const struct chain *new = &pair->target->chains[i], *old = chain_before(pair, new);

		if (new->rule_count == 0 || (old && rules_stay(pair, old, new)))
			continue;
		add_change(differ, &differ->commit, CHANGE_ADD_RULES, pair->target)->chain = new;
		differ->commit.changes.rules_added += new->rule_count;
	}
}

static void add_elements(struct differ *differ, const struct table_pair *pair)
{
	for (size_t i = 0; pair->new && i < pair->new->set_count; i++) {
		const struct settling *settling = &pair->settled[i];
		const struct set *set = table_set(pair->target, settling->name);

		if (!settling->beside)
			change_elements(differ, &differ->commit, CHANGE_ADD_ELEMENTS, pair->target, set,
					settling->kept ? settling->added : all_elements(differ->arena, set));
	}
}

static void delete_chains(struct differ *differ, const struct table_pair *pair)
{
	for (size_t i = 0; pair->old && pair->new && i < pair->old->chain_count; i++) {
		const struct chain *old = &pair->old->chains[i];

		if (!table_chain(pair->target, old->name))
			add_change(differ, &differ->commit, CHANGE_DELETE_CHAIN, pair->old)->chain = old;
	}
}

static void delete_sets(struct differ *differ, const struct table_pair *pair)
{
	for (size_t i = 0; pair->old && pair->new && i < pair->old->set_count; i++) {
		if (pair->fates[i] == FATE_GOES)
			add_change(differ, &differ->commit, CHANGE_DELETE_SET, pair->old)->set =
				&pair->old->sets[i];
	}
}

/* Everything in the table goes with it. */
static void delete_table(struct differ *differ, const struct table_pair *pair)
{
	if (!pair->new)
		add_change(differ, &differ->commit, CHANGE_DELETE_TABLE, pair->old);
}

static void for_each_pair(struct differ *differ,
			  void (*visit)(struct differ *differ, const struct table_pair *pair))
{
	for (size_t i = 0; i < differ->pair_count; i++)
		visit(differ, &differ->pairs[i]);
}

/* ---- the whole */

/* Pairs the tables of both rulesets by name and makes room for the target's. */
static void pair_tables(struct differ *differ, const struct ruleset *old, const struct ruleset *new,
			struct ruleset *target)
{
	size_t old_count = old ? old->table_count : 0;

	differ->pairs = arena_array(differ->arena, old_count + new->table_count, sizeof(*differ->pairs));
	target->tables = arena_array(differ->arena, new->table_count, sizeof(*target->tables));
	target->table_count = new->table_count;
	target->links = new->links;
	for (size_t i = 0; i < new->table_count; i++) {
		const struct table *table = &new->tables[i];

		differ->pairs[differ->pair_count++] = (struct table_pair){
			.old = old ? ruleset_table(old, table->family, table->name) : NULL,
			.new = table,
			.target = &target->tables[i],
		};
	}
	for (size_t i = 0; i < old_count; i++) {
		const struct table *table = &old->tables[i];

		if (!ruleset_table(new, table->family, table->name))
			differ->pairs[differ->pair_count++] = (struct table_pair){ .old = table };
	}
}

struct transition ruleset_diff(struct arena *arena, const struct ruleset *old, const struct ruleset *new)
{
	static void (*const steps[])(struct differ *differ, const struct table_pair *pair) = {
		postpone_endings, prepare_table,
		add_table, delete_elements, flush_chains, delete_changed_chains, delete_changed_sets,
		add_sets, add_chains, add_rules, add_elements, delete_chains, delete_sets, delete_table,
	};
	struct ruleset *target = arena_alloc(arena, sizeof(*target));
	struct differ differ = { .arena = arena };

	pair_tables(&differ, old, new, target);
	for (size_t i = 0; i < differ.pair_count; i++) {
		if (differ.pairs[i].new)
			settle_table(arena, &differ.pairs[i]);
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for_each_pair(&differ, steps[i]);
	return (struct transition){
		.target = target,
		.prepare = differ.prepare.changes,
		.commit = differ.commit.changes,
		.revoke = differ.revoke.changes,
	};
}

/* ---- what was laid over */

/* What the sets of a table lose and gain. False: that is no matter of some elements. */
static bool settle_laid(struct arena *arena, struct table_pair *pair)
{
	pair->fates = arena_array(arena, pair->old->set_count, sizeof(*pair->fates));
	pair->settled = arena_array(arena, pair->new->set_count, sizeof(*pair->settled));
	for (size_t i = 0; i < pair->new->set_count; i++) {
		const struct set *old = &pair->old->sets[i], *laid = &pair->new->sets[i];

		pair->fates[i] = FATE_STAYS;
		pair->settled[i] = (struct settling){ .name = laid->name, .kept = old };
		if (old->room != laid->room)
			return false;
		if (overlay_shares_elements(old, laid))
			continue;
		if (laid->interval || laid->timeout || laid->data != SET_DATA_NONE || !set_has_room(old, laid->element_count))
			return false;
		compare_elements(arena, old, laid, &pair->settled[i]);
	}
	return true;
}

bool ruleset_diff_laid(struct arena *arena, const struct ruleset *old, const struct ruleset *laid, struct transition *ret_transition)
{
	struct differ differ = { .arena = arena, .pairs = arena_array(arena, laid->table_count, sizeof(*differ.pairs)) };

	if (old->table_count != laid->table_count)
		return false;
	for (size_t i = 0; i < laid->table_count; i++) {
		struct table_pair *pair = &differ.pairs[differ.pair_count++];

		*pair = (struct table_pair){ .old = &old->tables[i], .new = &laid->tables[i], .target = &laid->tables[i] };
		if (!overlay_is_of(pair->new, pair->old) || !settle_laid(arena, pair))
			return false;
	}
	for_each_pair(&differ, delete_elements);
	for_each_pair(&differ, add_elements);
	*ret_transition = (struct transition){ .target = laid, .commit = differ.commit.changes };
	return true;
}

/* ---- being the same */

/* The ruleset with the first name of each set. */
static struct ruleset first_names(struct arena *arena, const struct ruleset *ruleset)
{
	struct ruleset copy = *ruleset;

	copy.tables = arena_array(arena, ruleset->table_count, sizeof(*copy.tables));
	for (size_t i = 0; i < ruleset->table_count; i++) {
		const struct table *table = &ruleset->tables[i];
		const char **names = arena_array(arena, table->set_count, sizeof(*names));
		uint32_t *rooms = arena_array(arena, table->set_count, sizeof(*rooms));

		for (size_t j = 0; j < table->set_count; j++)
			names[j] = numbered_name(arena, table->sets[j].name, 0);
		copy.tables[i] = rename_sets(arena, &(struct naming){ .table = table, .names = names, .rooms = rooms });
	}
	return copy;
}

bool ruleset_same(struct arena *arena, const struct ruleset *kernel, const struct ruleset *wanted)
{
	struct ruleset a, b;

	if (ruleset_equal(kernel, wanted))
		return true;
	a = first_names(arena, kernel);
	b = first_names(arena, wanted);
	return ruleset_equal(&a, &b);
}
