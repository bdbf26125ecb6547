/*
 * diff: the steps that lead from one ruleset to another, in an order the kernel takes in one transaction.
 *
 * Base chains are never deleted or replaced while the new ruleset has them: replacing one lets packets through for about a microsecond; a chain whose rules differ is flushed and refilled inside
 * the same transaction. An interval set that changes much, or in which a point goes from one element to another, is built beside the old one under a
 * second name and switched to; one that is new is built before the rules that ask it. That is the only thing done in a transaction of its own, before the
 * deciding one. (In place, the kernel shows the new elements of an interval set a while after all else has changed.)
 *
 * A chain cannot change its hook, priority, policy or device in place. One that does is deleted and added in the same commit, which for a base chain opens
 * it for about a microsecond: a new version of the program should hang its chains where the old one had them. An interval set
 * whose key types, flags or data change is built anew under the other name as well; an exact set is replaced in the commit and keeps its name, and so the
 * names of exact sets are always those of the program.
 *
 * A hash set that is made with thousands of elements gets room for them and some more: the kernel then need not let its table grow while it is filled, which
 * takes half the time of a commit, and a map without expiry stands in a table of fixed size, which a packet reads faster. When such a set has no room left it
 * is replaced in the commit like one of another kind; marks that end with that commit then end at once.
 *
 * A mark whose points another flow of the pair takes over ends in a third transaction, `revoke`: a packet that asked a map before the commit must not
 * find its mark dead behind it, when it is allowed before and after. The caller waits in between until no packet is under way that began before the
 * commit. A mark whose points nobody takes over ends in the commit: a removed flow's connections stop with it.
 *
 * A set with a second name that no rule refers to is left from a commit that was refused after its prepare transaction. The next transition takes it away,
 * so after a refused commit `old` must be read from the kernel again.
 */
#ifndef RULESET_DIFF_H
#define RULESET_DIFF_H

#include "ruleset/ruleset.h"

enum change_kind {
	CHANGE_ADD_TABLE, CHANGE_DELETE_TABLE,
	CHANGE_ADD_SET, CHANGE_DELETE_SET,
	CHANGE_ADD_CHAIN, CHANGE_DELETE_CHAIN,
	CHANGE_FLUSH_CHAIN,	/* removes all rules */
	CHANGE_ADD_RULES,	/* appends all rules of `chain` */
	CHANGE_ADD_ELEMENTS, CHANGE_DELETE_ELEMENTS,
};

struct change {
	enum change_kind kind;
	const struct table *table;	/* of the ruleset the object belongs to: the new one for additions, the old one for deletions */
	const struct set *set;		/* sets and elements */
	const struct chain *chain;	/* chains and rules */
	const struct element **elements; /* elements: element_count pointers */
	size_t element_count;
};

struct changes {
	struct change *items;
	size_t count;
	size_t elements_added, elements_deleted, rules_added; /* for the report */
};

struct transition {
	const struct ruleset *target;	/* what the kernel holds afterwards: the new ruleset with the names of interval sets and the room of exact sets settled */
	struct changes prepare;		/* first transaction: builds sets nobody refers to; count 0: none needed */
	struct changes commit;		/* the deciding transaction; count 0: nothing to do */
	struct changes revoke;		/* last transaction: ends marks that packets under way may rely on; count 0: none needed */
};

enum {
	DIFF_HANDOVER_COMPARISONS_MAX = 1 << 22, /* more lost times gained elements in two maps, and every mark of the table that ends counts as taken over */
	DIFF_ROOM_FROM = 4096, /* a hash set that is made with fewer elements grows as it needs */
	DIFF_INTERVAL_CHANGES_MAX = 32, /* more deletions than this in one interval set, and it is built anew beside the old one */
};

/*
 * The second name of an interval set: "<name>.b"; the program refers to the one that is in force. No set has such a name of its own: two sets of `new` never differ
 * in this suffix only. (Where somebody refers to both, a third name with the suffix twice comes into being, and goes with the next large change.)
 */
#define DIFF_SECOND_SUFFIX ".b"

/* Room for a hash set that is made with count elements, and for a quarter more at least; 0: no limit. For sets to which the program gives none. */
uint32_t diff_room(size_t count);

/*
 * The transition from old (NULL: the kernel has none of our tables) to new. Elements are compared by key, data, comment and expiry (equal within a second). In the
 * arena; both rulesets must outlive it. Where both sets have blocks (blocks.h), blocks that are the same are passed over; the result does not depend on that.
 */
struct transition ruleset_diff(struct arena *arena, const struct ruleset *old, const struct ruleset *new);

/*
 * The same for a ruleset that was laid over old (overlay.h): it shares all of old but the elements of a few exact sets without data and expiry. Nothing else is
 * looked at, so that a hundred thousand flows beside them take no time. The target is laid itself; there is one transaction at most. False: they differ in
 * something else, by address if not by value, or a set has no room for what it should hold; then ruleset_diff() is to be asked.
 */
bool ruleset_diff_laid(struct arena *arena, const struct ruleset *old, const struct ruleset *laid, struct transition *ret_transition);

/*
 * True when kernel holds what is wanted, whichever names the interval sets have.
 */
bool ruleset_same(struct arena *arena, const struct ruleset *kernel, const struct ruleset *wanted);

#endif
