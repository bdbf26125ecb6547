/*
 * prove_atoms: what a rule asks of a packet, in small conditions over the variables of a region. Private to prove*.c.
 *
 * Each step of a rule becomes one or more atoms: first that the fields it asks for are there at all, then what it asks. Asked of a region an atom
 * is true of all its packets, false of all, or true of some. A fact is a run of atoms that all hold of a path's packets, or of which at
 * least one does not. Facts that could not be worked into the region stay with the path and are asked again whenever the region has shrunk.
 */
#ifndef RULESET_PROVE_ATOMS_H
#define RULESET_PROVE_ATOMS_H

#include "ruleset/prove_space.h"

enum tri { TRI_FALSE, TRI_TRUE, TRI_SOME };

/* Where a field of a packet stands in a region. */
enum place_kind { PLACE_CODES, PLACE_RANGE, PLACE_CONSTANT, PLACE_ABSENT };

struct place {
	enum place_kind kind;
	uint8_t variable;	/* enum code_variable or range_variable */
	uint8_t constant;
};

/* A set as one key sees it. */
struct lookup {
	const struct set *set;
	struct key key;
	bool early;
	struct place places[RULESET_KEY_FIELDS_MAX];
	struct lookup *next;			/* in its bucket */
	size_t fields, size;			/* of the key: number, bytes */
	size_t offsets[RULESET_KEY_FIELDS_MAX], sizes[RULESET_KEY_FIELDS_MAX]; /* of each field; a size without its padding */
	struct codes unions[RULESET_KEY_FIELDS_MAX]; /* coded fields: what any element has there */
	struct extent hulls[RULESET_KEY_FIELDS_MAX]; /* other fields: from the least to the greatest */
	wide *reach;				/* interval sets: furthest end of the first field below each node of an implicit tree */
};

enum atom_kind {
	ATOM_CODES,		/* the variable has one of `codes`; with a mask, which codes do not say all of: and (number & mask) == value */
	ATOM_RANGE,		/* the number lies in `extent` */
	ATOM_MASK,		/* (number & mask) == value, both of `size` bytes */
	ATOM_LOOKUP,		/* the key is in the set; never negated */
	ATOM_NEVER,
};

struct atom {
	enum atom_kind kind;
	bool negated;
	uint8_t variable;	/* enum code_variable or range_variable; RANGE_MARK: the mark of the fact */
	struct codes codes;	/* of them the packet has one, perhaps ... */
	struct codes sure;	/* ... and of these for sure (elements that cannot expire, values whose bits the code says) */
	struct extent extent;
	wide mask, value;
	const struct lookup *lookup;
};

/* Most atoms a step can become. */
enum { ATOMS_PER_STEP_MAX = 3 * RULESET_KEY_FIELDS_MAX + 1 };

enum { PATH_FACTS_MAX = 64 };	/* of one path; more are not kept, and the path stands for more packets than it should */

/* One that holds is of one step; one that does not, of all steps of a rule. */
struct fact {
	const struct atom *atoms;
	uint16_t count;
	uint8_t mark;		/* which of the path's marks the atoms mean by "the mark" */
	uint8_t gives;		/* the mark that the last atom's element gives; 0: none */
	bool holds;		/* all hold; false: not all */
	uint64_t done;		/* bits of atoms that are known to be true, when the fact holds */
};

_Static_assert(ATOMS_PER_STEP_MAX <= 64, "a bit for each atom of a fact that holds");

static inline bool fact_has_done(const struct fact *fact, size_t atom)
{
	return fact->done >> atom & 1;
}

/* Some packets on their way, and what is known of them. */
struct path {
	struct region region;
	struct fact facts[PATH_FACTS_MAX];
	size_t fact_count;
	uint8_t mark;		/* which mark is theirs now; 0: as they came */
	int64_t until;		/* when the first element it goes by expires; INT64_MAX: never */
	enum verdict_kind end;	/* where it ended: ACCEPT, or DROP with an answer */
};

/* Begins a path of these packets, of which nothing is known. */
void path_begin(struct path *path, const struct region *region);

/* Copies a path; of its room for facts what is used. */
void path_copy(struct path *to, const struct path *from);

enum { LOOKUP_BUCKETS = 1024 };

/* What atoms are made and asked with. */
struct atoms {
	struct arena *arena;
	const struct space *space;
	uint8_t family;		/* of the packets */
	bool early;		/* what is made is for a chain before conntrack */
	int64_t now;
	uint64_t *work, work_max; /* steps taken; steps after which it is given up */
	struct lookup *buckets[LOOKUP_BUCKETS]; /* made so far */
};

/* The atoms of a MATCH; returns how many. */
size_t atoms_of_match(struct atoms *atoms, const struct step *step, struct atom *ret_atoms);

/* The atoms of a look-up of key in set; the last is the look-up itself, and *ret_atoms of a single coded field needs no set. */
size_t atoms_of_lookup(struct atoms *atoms, const struct key *key, const struct set *set, struct atom *ret_atoms);

/* Adds a fact and works it in. False: no packet is left. */
bool path_learn(struct atoms *atoms, struct path *path, struct fact fact);

/* Works all facts in again after the region has shrunk. False: no packet is left. */
bool path_settle(struct atoms *atoms, struct path *path);

/* Visits elements; true goes on. */
typedef bool (*element_visit)(void *context, const struct element *element);

/* Each element (not expired) that a packet of the region could hit. mark: as in struct fact. False when a visit ended it. */
bool lookup_each(struct atoms *atoms, const struct lookup *lookup, const struct region *region, uint8_t mark, element_visit visit, void *context);

/* Leaves the packets of the path that hit this element with the look-up of a fact, and settles. False: none. */
bool path_take_element(struct atoms *atoms, struct path *path, size_t fact, size_t atom, const struct element *element);

/* The same for a region alone. mark: as in struct fact. */
bool region_take_element(struct atoms *atoms, const struct lookup *lookup, const struct element *element, struct region *region, uint8_t mark);

/* True when an element has not expired. */
bool element_is_there(const struct atoms *atoms, const struct element *element);

#endif
