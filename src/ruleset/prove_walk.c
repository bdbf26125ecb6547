/* prove_walk: from one set of packets to those that are let through. */
#include "ruleset/prove_walk.h"

#include <stdlib.h>
#include <string.h>

#include "ruleset/prove.h"

enum {
	JUMP_DEPTH_MAX = 16,		/* the kernel's NFT_JUMP_STACK_SIZE; a deeper jump drops */
	NESTING_MAX = 400,		/* rules on the way of one path; the kernel loads no loops, a ruleset handed over may have one */
	CONNTRACK_PRIORITY = -200,	/* NF_IP_PRI_CONNTRACK, in prerouting and output */
};

/* What a step of a rule is to the walk. */
enum move_kind {
	MOVE_TEST,		/* atoms */
	MOVE_GIVE,		/* atoms, the last is the look-up in a map of marks */
	MOVE_GIVE_VALUE,
	MOVE_VMAP,		/* atoms per verdict, see struct fork */
	MOVE_MAYBE,		/* a limit: goes on or not */
	MOVE_END,		/* verdict */
	MOVE_ANSWER,		/* a reject */
};

/* The packets of a verdict map that get one verdict. */
struct fork {
	struct verdict verdict;
	const struct atom *atoms;
	size_t atom_count;
};

struct move {
	enum move_kind kind;
	size_t first_atom, atom_end;	/* in the rule */
	const struct lookup *lookup;	/* GIVE */
	uint32_t value;			/* GIVE_VALUE */
	struct fork *forks;		/* VMAP */
	size_t fork_count;
	struct verdict verdict;		/* END */
};

struct rule_moves {
	struct atom *atoms;
	struct move *moves;
	size_t move_count;
};

struct chain_moves {
	struct rule_moves *rules;	/* NULL: not met yet */
};

struct walker {
	struct atoms *atoms;
	const struct ruleset *ruleset;
	struct chain_moves **chains[2];	/* by early, table, chain */
	bool given_up;
};

/* A base chain at its hook. */
struct station {
	const struct table *table;
	const struct chain *chain;
	bool early;
};

/* Where to go on after the chain at hand. */
struct frame {
	const struct chain *chain;
	size_t next_rule;
};

struct walk {
	struct walker *walker;
	const struct walk_sink *sink;
	struct station *stations;
	size_t station_count, station;	/* the one at work */
	struct frame frames[JUMP_DEPTH_MAX];
	size_t depth, nesting;
};

/* ---- rules into moves */

static void answer_or_drop(struct move *move, enum verdict_kind kind)
{
	move->kind = MOVE_END;
	move->verdict = (struct verdict){ .kind = kind };
}

static int compare_verdicts(const void *a, const void *b)
{
	const struct verdict *left = a, *right = b;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return left->chain && right->chain ? strcmp(left->chain, right->chain) : 0;
}

/* An element of a verdict map with its place, by verdict. */
struct sorted_element {
	struct element element;
	size_t place;
};

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted_element *left = a, *right = b;
	int order = compare_verdicts(&left->element.verdict, &right->element.verdict);

	return order ? order : (left->place > right->place) - (left->place < right->place);
}

/* The part of a verdict map that has one verdict, as a set of its own. */
static const struct set *set_part(struct arena *arena, const struct set *set, const struct sorted_element *sorted, size_t count)
{
	struct set *part = arena_alloc(arena, sizeof(*part));

	*part = *set;
	part->elements = arena_array(arena, count, sizeof(*part->elements));
	part->element_count = count;
	for (size_t i = 0; i < count; i++)
		part->elements[i] = sorted[i].element;
	return part;
}

/* One fork for each verdict of the map. */
static void make_forks(struct walker *walker, const struct step *step, const struct set *set, struct move *move)
{
	struct arena *arena = walker->atoms->arena;
	struct sorted_element *sorted = arena_array(arena, set->element_count, sizeof(*sorted));

	for (size_t e = 0; e < set->element_count; e++)
		sorted[e] = (struct sorted_element){ set->elements[e], e };
	if (set->element_count)
		qsort(sorted, set->element_count, sizeof(*sorted), compare_sorted);
	move->forks = arena_array(arena, set->element_count, sizeof(*move->forks));
	for (size_t begin = 0, end; begin < set->element_count; begin = end) {
		struct fork *fork = &move->forks[move->fork_count++];
		struct atom *atoms = arena_array(arena, ATOMS_PER_STEP_MAX, sizeof(*atoms));

		for (end = begin + 1; end < set->element_count; end++)
			if (compare_verdicts(&sorted[begin].element.verdict, &sorted[end].element.verdict) != 0)
				break;
		*fork = (struct fork){ .verdict = sorted[begin].element.verdict, .atoms = atoms };
		fork->atom_count = atoms_of_lookup(walker->atoms, &step->key, set_part(arena, set, &sorted[begin], end - begin), atoms);
	}
}

/* A look-up step; a set that is not there, or of other keys, drops. */
static void make_lookup(struct walker *walker, const struct table *table, const struct step *step, struct rule_moves *rule, struct move *move)
{
	const struct set *set = step->set ? table_set(table, step->set) : NULL;

	if (!set || key_size(&set->key) != key_size(&step->key)) {
		answer_or_drop(move, VERDICT_DROP);
		return;
	}
	move->kind = step->kind == STEP_SET_MARK ? MOVE_GIVE : step->kind == STEP_VMAP ? MOVE_VMAP : MOVE_TEST;
	move->atom_end += atoms_of_lookup(walker->atoms, &step->key, set, &rule->atoms[move->first_atom]);
	move->lookup = rule->atoms[move->atom_end - 1].lookup;
	if (move->kind == MOVE_VMAP)
		make_forks(walker, step, set, move);
}

static void make_move(struct walker *walker, const struct table *table, const struct step *step, struct rule_moves *rule, struct move *move)
{
	switch (step->kind) {
	case STEP_MATCH:
		move->kind = MOVE_TEST;
		move->atom_end += atoms_of_match(walker->atoms, step, &rule->atoms[move->first_atom]);
		break;
	case STEP_LOOKUP: case STEP_VMAP: case STEP_SET_MARK:
		make_lookup(walker, table, step, rule, move);
		break;
	case STEP_SET_MARK_VALUE:
		move->kind = MOVE_GIVE_VALUE;
		move->value = (uint32_t)wide_of_bytes(step->value, 4);
		break;
	case STEP_LIMIT:
		move->kind = MOVE_MAYBE;
		break;
	case STEP_COUNTER: case STEP_LOG:
		move->kind = MOVE_TEST; /* of nothing */
		break;
	case STEP_REJECT:
		move->kind = MOVE_ANSWER;
		break;
	case STEP_VERDICT:
		answer_or_drop(move, step->verdict.kind);
		move->verdict = step->verdict;
		break;
	}
}

static void make_rule(struct walker *walker, const struct table *table, const struct rule *rule, struct rule_moves *moves)
{
	size_t atoms = 0;

	if (rule->alien)
		return;
	moves->atoms = arena_array(walker->atoms->arena, rule->step_count * ATOMS_PER_STEP_MAX, sizeof(*moves->atoms));
	moves->moves = arena_array(walker->atoms->arena, rule->step_count, sizeof(*moves->moves));
	for (size_t s = 0; s < rule->step_count; s++) {
		struct move *move = &moves->moves[moves->move_count];

		if (rule->steps[s].kind == STEP_VERDICT && rule->steps[s].verdict.kind == VERDICT_NONE)
			continue;
		move->first_atom = move->atom_end = atoms;
		make_move(walker, table, &rule->steps[s], moves, move);
		atoms = move->atom_end;
		moves->move_count++;
	}
}

static const struct chain_moves *chain_moves_of(struct walk *walk, const struct chain *chain)
{
	struct walker *walker = walk->walker;
	const struct station *station = &walk->stations[walk->station];
	struct chain_moves *chains = walker->chains[station->early][station->table - walker->ruleset->tables];
	struct chain_moves *moves = &chains[chain - station->table->chains];

	if (moves->rules)
		return moves;
	walker->atoms->early = station->early;
	moves->rules = arena_array(walker->atoms->arena, chain->rule_count + 1, sizeof(*moves->rules));
	for (size_t r = 0; r < chain->rule_count; r++)
		make_rule(walker, station->table, &chain->rules[r], &moves->rules[r]);
	return moves;
}

struct walker *walker_make(struct atoms *atoms, const struct ruleset *ruleset)
{
	struct walker *walker = arena_alloc(atoms->arena, sizeof(*walker));

	*walker = (struct walker){ .atoms = atoms, .ruleset = ruleset };
	for (size_t early = 0; early < 2; early++) {
		walker->chains[early] = arena_array(atoms->arena, ruleset->table_count, sizeof(*walker->chains[early]));
		for (size_t t = 0; t < ruleset->table_count; t++)
			walker->chains[early][t] =
				arena_array(atoms->arena, ruleset->tables[t].chain_count, sizeof(*walker->chains[early][t]));
	}
	return walker;
}

/* ---- walking */

static void walk_rules(struct walk *walk, struct path *path, const struct chain *chain, size_t next_rule);

static void walk_stations(struct walk *walk, struct path *path)
{
	if (walk->station < walk->station_count) {
		walk->depth = 0;
		walk_rules(walk, path, walk->stations[walk->station].chain, 0);
		return;
	}
	path->end = VERDICT_ACCEPT;
	walk->sink->ended(walk->sink->context, path);
}

/* Accepted by the base chain at work: the next one may still drop. */
static void walk_accept(struct walk *walk, struct path *path)
{
	const size_t station = walk->station, depth = walk->depth;
	struct frame frames[JUMP_DEPTH_MAX];

	memcpy(frames, walk->frames, sizeof(frames));
	walk->station++;
	walk_stations(walk, path);
	memcpy(walk->frames, frames, sizeof(frames));
	walk->station = station;
	walk->depth = depth;
}

static void walk_return(struct walk *walk, struct path *path)
{
	const struct chain *base = walk->stations[walk->station].chain;
	struct frame frame;

	if (walk->depth == 0) {
		if (base->hook.policy == VERDICT_ACCEPT)
			walk_accept(walk, path);
		return;
	}
	frame = walk->frames[--walk->depth];
	walk_rules(walk, path, frame.chain, frame.next_rule);
	walk->frames[walk->depth++] = frame;
}

/* Enters a chain; `back` is where to go on behind a jump. */
static void walk_enter(struct walk *walk, struct path *path, const char *name, const struct frame *back)
{
	const struct chain *chain = name ? table_chain(walk->stations[walk->station].table, name) : NULL;

	if (!chain || (back && walk->depth == JUMP_DEPTH_MAX))
		return;
	if (back)
		walk->frames[walk->depth++] = *back;
	walk_rules(walk, path, chain, 0);
	if (back)
		walk->depth--;
}

static void walk_verdict(struct walk *walk, struct path *path, const struct verdict *verdict, const struct frame *next)
{
	switch (verdict->kind) {
	case VERDICT_ACCEPT:
		walk_accept(walk, path);
		break;
	case VERDICT_RETURN:
		walk_return(walk, path);
		break;
	case VERDICT_JUMP:
		walk_enter(walk, path, verdict->chain, next);
		break;
	case VERDICT_GOTO:
		walk_enter(walk, path, verdict->chain, NULL);
		break;
	case VERDICT_DROP: case VERDICT_NONE:
		break;
	}
}

/* A rule being walked: what its packets have obeyed since it began or last gave a mark. */
struct course {
	const struct chain *chain;
	size_t rule;
	const struct rule_moves *moves;
	struct path missed;	/* packets that do not obey begin here */
	size_t first_atom;	/* what they do not obey, from here on */
	bool maybe;		/* a limit stood among it: they may obey as well */
};

/* The packets of the course that did not obey go on to the next rule. */
static void walk_missed(struct walk *walk, struct course *course, size_t atom_end)
{
	struct path *path = &course->missed;
	const struct fact fact = { .atoms = course->moves->atoms + course->first_atom, .count = (uint16_t)(atom_end - course->first_atom),
				   .mark = path->mark };

	if (course->maybe || path_learn(walk->walker->atoms, path, fact))
		walk_rules(walk, path, course->chain, course->rule + 1);
}

static void walk_moves(struct walk *walk, struct course *course, struct path *path, size_t move);

/* A mark is given: from here on the packets carry it, whatever the rule goes on to ask. */
static void walk_gift(struct walk *walk, const struct course *course, struct path *path, size_t number, uint32_t value)
{
	const struct move *move = &course->moves->moves[number];
	const bool early = walk->stations[walk->station].early;
	struct fact fact = { .atoms = course->moves->atoms + move->first_atom, .count = (uint16_t)(move->atom_end - move->first_atom),
			     .mark = path->mark, .holds = true };
	struct mark_gift gift = { path, move->lookup, path->mark, value, early };
	struct course rest = { .chain = course->chain, .rule = course->rule, .moves = course->moves, .first_atom = move->atom_end };

	if (path->mark + 1 == SPACE_MARKS_MAX) {
		walk->walker->given_up = true;
		return;
	}
	if (walk->sink->gave && !early)
		walk->sink->gave(walk->sink->context, &gift);
	if (!early) {
		path->mark++;
		path->region.extents[RANGE_MARK + path->mark] = move->kind == MOVE_GIVE ? (struct extent){ 0, wide_max(4) } :
											   (struct extent){ value, value };
		fact.gives = move->kind == MOVE_GIVE ? path->mark : 0;
	}
	if (fact.count && !path_learn(walk->walker->atoms, path, fact))
		return;
	rest.missed = *path;
	walk_moves(walk, &rest, path, number + 1);
}

/* Every verdict of the map goes its way; what is not in the map goes on. */
static void walk_forks(struct walk *walk, struct course *course, const struct path *path, size_t number)
{
	const struct move *move = &course->moves->moves[number];
	const struct frame next = { course->chain, course->rule + 1 };

	for (size_t i = 0; i < move->fork_count && !walk->walker->given_up; i++) {
		const struct fork *fork = &move->forks[i];
		const struct fact fact = { .atoms = fork->atoms, .count = (uint16_t)fork->atom_count, .mark = path->mark, .holds = true };
		struct path taken = *path;
		struct course rest = *course;

		if (!path_learn(walk->walker->atoms, &taken, fact))
			continue;
		if (fork->verdict.kind == VERDICT_NONE)
			walk_moves(walk, &rest, &taken, number + 1);
		else
			walk_verdict(walk, &taken, &fork->verdict, &next);
	}
	walk_missed(walk, course, move->atom_end);
}

/* Packets that have obeyed the rule so far. */
static void walk_moves(struct walk *walk, struct course *course, struct path *path, size_t number)
{
	const struct frame next = { course->chain, course->rule + 1 };

	for (; number < course->moves->move_count && !walk->walker->given_up; number++) {
		const struct move *move = &course->moves->moves[number];
		const struct fact fact = { .atoms = course->moves->atoms + move->first_atom,
					   .count = (uint16_t)(move->atom_end - move->first_atom), .mark = path->mark, .holds = true };

		switch (move->kind) {
		case MOVE_TEST:
			if (fact.count && !path_learn(walk->walker->atoms, path, fact)) {
				walk_missed(walk, course, move->atom_end);
				return;
			}
			continue;
		case MOVE_MAYBE:
			course->maybe = true;
			continue;
		case MOVE_GIVE: case MOVE_GIVE_VALUE:
			walk_gift(walk, course, path, number, move->value);
			if (course->maybe || move->atom_end > course->first_atom)
				walk_missed(walk, course, move->atom_end);
			return;
		case MOVE_VMAP:
			walk_forks(walk, course, path, number);
			return;
		case MOVE_END:
			walk_verdict(walk, path, &move->verdict, &next);
			break;
		case MOVE_ANSWER:
			path->end = VERDICT_DROP;
			walk->sink->ended(walk->sink->context, path);
			break;
		}
		if (course->maybe || move->atom_end > course->first_atom)
			walk_missed(walk, course, move->atom_end);
		return;
	}
	/* The rule had no verdict: all of them go on. */
	walk_rules(walk, &course->missed, course->chain, course->rule + 1);
}

static void walk_rules(struct walk *walk, struct path *path, const struct chain *chain, size_t next_rule)
{
	const struct chain_moves *moves = chain_moves_of(walk, chain);
	struct course course = { .chain = chain };
	struct path obeying;

	if (*walk->walker->atoms->work > walk->walker->atoms->work_max || walk->nesting == NESTING_MAX)
		walk->walker->given_up = true;
	while (next_rule < chain->rule_count && moves->rules[next_rule].move_count == 0)
		next_rule++;
	if (walk->walker->given_up)
		return;
	if (next_rule >= chain->rule_count) {
		walk_return(walk, path);
		return;
	}
	course.rule = next_rule;
	course.moves = &moves->rules[next_rule];
	course.missed = obeying = *path;
	walk->nesting++;
	walk_moves(walk, &course, &obeying, 0);
	walk->nesting--;
}

/* ---- hooks */

static bool chain_is_at(const struct table *table, const struct chain *chain, enum hook_point hook, const char *device)
{
	if (!chain->hook.base || table->dormant)
		return false;
	switch (hook) {
	case HOOK_INGRESS:
		return table->family == FAMILY_NETDEV && chain->hook.number == 0 && device && chain->hook.device && strcmp(device, chain->hook.device) == 0;
	case HOOK_BRIDGE:
		return table->family == FAMILY_BRIDGE && chain->hook.number == 2;
	case HOOK_OTHER:
		return table->family == FAMILY_INET && chain->hook.number > 3;
	case HOOK_PREROUTING:
		return table->family == FAMILY_INET && chain->hook.number == 0;
	case HOOK_INPUT:
		return table->family == FAMILY_INET && chain->hook.number == 1;
	case HOOK_FORWARD:
		return table->family == FAMILY_INET && chain->hook.number == 2;
	case HOOK_OUTPUT:
		return table->family == FAMILY_INET && chain->hook.number == 3;
	}
	return false;
}

/* The base chains of the hook by rising priority. */
static void find_stations(struct walk *walk, enum hook_point hook, const char *device)
{
	const struct ruleset *ruleset = walk->walker->ruleset;
	size_t capacity = 0;

	for (size_t t = 0; t < ruleset->table_count; t++) {
		for (size_t c = 0; c < ruleset->tables[t].chain_count; c++) {
			const struct chain *chain = &ruleset->tables[t].chains[c];
			bool early = chain->hook.priority < CONNTRACK_PRIORITY && (hook == HOOK_PREROUTING || hook == HOOK_OUTPUT);
			size_t place;

			if (!chain_is_at(&ruleset->tables[t], chain, hook, device))
				continue;
			walk->stations = arena_grow(walk->walker->atoms->arena, walk->stations, walk->station_count, &capacity,
						    sizeof(*walk->stations));
			for (place = walk->station_count++; place > 0; place--) {
				if (walk->stations[place - 1].chain->hook.priority <= chain->hook.priority)
					break;
				walk->stations[place] = walk->stations[place - 1];
			}
			walk->stations[place] = (struct station){ &ruleset->tables[t], chain, early };
		}
	}
}

bool walk_hook(struct walker *walker, enum hook_point hook, const char *device, const struct path *start, const struct walk_sink *sink)
{
	struct walk walk = { .walker = walker, .sink = sink };
	struct path path = *start;

	walker->given_up = false;
	find_stations(&walk, hook, device);
	walk_stations(&walk, &path);
	return !walker->given_up;
}
