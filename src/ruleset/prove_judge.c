/*
 * prove_judge: a path that was let through is divided until every line holds of each part, or a packet breaks one.
 *
 * Divided is by elements of sets: of each look-up that the path hit, one element after the other says which addresses, interfaces and marks there can
 * be. Most paths need one look-up taken apart, because its elements lie in grants; so the work grows with the elements, and not with their product.
 * Where a path goes by the mark a packet arrives with, the connections that can have that mark are taken in turn.
 */
#include "ruleset/prove_parts.h"

/* A path being judged. */
struct judging {
	struct prover *prover;
	const struct view *view;
	const struct path *path;
};

void line_doubt(struct prover *prover, enum proof_line line, enum proof_doubt doubt)
{
	struct proof_result *result = &prover->proof->lines[line];

	if (result->state == PROOF_HOLDS)
		*result = (struct proof_result){ .state = PROOF_UNPROVED, .doubt = doubt };
}

void lines_doubt(struct prover *prover, uint32_t lines, enum proof_doubt doubt)
{
	for (int line = 0; line < PROOF_LINE_COUNT; line++)
		if (lines & line_bit((enum proof_line)line))
			line_doubt(prover, (enum proof_line)line, doubt);
}

/* ---- when there is nothing left to divide */

/* The more sets of packets of a line were tried in vain, the fewer of the next one. */
static unsigned int attempts_left(const struct prover *prover, enum proof_line line)
{
	const unsigned int attempts = PROVE_ATTEMPTS_MAX >> (prover->doubts[line] < 8 ? prover->doubts[line] : 8);

	return attempts > PROVE_ATTEMPTS_MIN ? attempts : PROVE_ATTEMPTS_MIN;
}

/* No packet of a set that may break the line has passed. True: the line is not looked at any more. */
static bool line_unconfirmed(struct prover *prover, enum proof_line line, enum proof_doubt doubt)
{
	line_doubt(prover, line, doubt);
	if (++prover->doubts[line] < PROVE_DOUBTS_MAX)
		return false;
	prover->open &= ~line_bit(line);
	return true;
}

static bool try_breach(void *context, enum proof_line line, const struct region *region, int64_t at, bool decided)
{
	const struct judging *judging = context;
	struct prover *prover = judging->prover;
	struct path path = *judging->path;
	struct breach breach = { 0 };

	path.region = *region;
	if (!path_settle(&prover->atoms, &path))
		return false;
	if (!decided)
		return line_unconfirmed(prover, line, PROOF_TOO_COMPLEX);
	if (!breach_confirm(prover, prover->family, judging->view, &path, at, attempts_left(prover, line), &breach))
		return line_unconfirmed(prover, line, PROOF_UNCONFIRMED);
	prover->proof->lines[line] = (struct proof_result){ .state = PROOF_BROKEN, .breach = breach };
	prover->open &= ~line_bit(line);
	return true;
}

static void judge_leaf(struct prover *prover, const struct view *view, const struct path *path)
{
	struct judging judging = { prover, view, path };

	lines_seek(prover, view, path, try_breach, &judging);
	chain_note(prover, view, &path->region);
}

/* ---- dividing */

static bool one_is_enough(void *context, enum proof_line line, const struct region *region, int64_t at, bool decided)
{
	(void)context, (void)line, (void)region, (void)at, (void)decided;
	return true;
}

static bool key_has(const struct key *key, enum field first, enum field second)
{
	for (size_t i = 0; i < key_field_count(key); i++)
		if (key->fields[i] == first || key->fields[i] == second)
			return true;
	return false;
}

/* How much it helps to take a look-up apart; 0: it is none. */
static int atom_worth(const struct view *view, const struct path *path, const struct fact *fact, size_t number)
{
	const struct atom *atom = &fact->atoms[number];
	const struct key *key = atom->lookup ? &atom->lookup->key : NULL;

	if (!fact->holds || atom->kind != ATOM_LOOKUP || fact_has_done(fact, number))
		return 0;
	if (fact->gives && fact->gives == path->mark && number + 1u == fact->count)
		return 5;
	if (view->marks_free && fact->mark == 0 && key_has(key, FIELD_CT_MARK, FIELD_CT_MARK))
		return 4;
	if (key_has(key, FIELD_IP_SADDR, FIELD_IP_DADDR) || key_has(key, FIELD_IP6_SADDR, FIELD_IP6_DADDR))
		return 3;
	return key_has(key, FIELD_IIF, FIELD_OIF) ? 2 : 1;
}

/* The look-up to take apart next; false: there is none. */
static bool best_lookup(const struct view *view, const struct path *path, size_t *ret_fact, size_t *ret_atom)
{
	int best = 0;

	for (size_t f = 0; f < path->fact_count; f++) {
		for (size_t a = 0; a < path->facts[f].count; a++) {
			int worth = atom_worth(view, path, &path->facts[f], a);

			if (worth <= best)
				continue;
			best = worth;
			*ret_fact = f;
			*ret_atom = a;
		}
	}
	return best > 0;
}

static void judge(struct prover *prover, const struct view *view, const struct path *path);

/* A look-up being taken apart. */
struct division {
	struct prover *prover;
	const struct view *view;
	const struct path *path;
	size_t fact, atom;	/* of the path */
	uint64_t *pairs;	/* of interfaces that were judged already, when nothing else of the element matters; or NULL */
};

/* Where the pair of an element's interfaces is remembered. */
static size_t pair_bit(const struct division *division, const struct element *element)
{
	size_t iif = space_interface(&division->prover->space, (uint32_t)wide_of_bytes(element->key + 4, 4));
	size_t oif = space_interface(&division->prover->space, (uint32_t)wide_of_bytes(element->key + 8, 4));

	return iif * SPACE_CODES_MAX + oif;
}

static void note_tuple(void *context, const struct tuple *tuple)
{
	(void)tuple;
	*(bool *)context = true;
}

/* An ICMP error has the mark of the connection it quotes, and that is of its own family. */
static bool mark_can_be(struct prover *prover, const struct extent *mark)
{
	bool can = mark->first == 0;

	if (!can && extent_is_single(*mark))
		givers_each(prover, (uint32_t)mark->first, (uint32_t)mark->last, note_tuple, &can);
	return can || !extent_is_single(*mark);
}

/* An ICMP error with a mark that no connection can have; lines that hold for any mark are looked at all the same. */
static bool error_is_nobodys(struct prover *prover, const struct view *view, const struct path *path)
{
	return view->error && !view->any_mark && !mark_can_be(prover, &path->region.extents[RANGE_MARK]);
}

static bool judge_part(void *context, const struct element *element)
{
	const struct division *division = context;
	const size_t bit = division->pairs ? pair_bit(division, element) : 0;
	struct path path;

	/* Two elements with the same interfaces are the same to a view that does not ask for the mark. */
	if (division->pairs && division->pairs[bit / 64] >> (bit % 64) & 1)
		return true;
	path_copy(&path, division->path);
	if (!path_take_element(&division->prover->atoms, &path, division->fact, division->atom, element))
		return true;
	if (error_is_nobodys(division->prover, division->view, &path))
		return true; /* and its interfaces may come with another mark */
	if (division->pairs)
		division->pairs[bit / 64] |= (uint64_t)1 << (bit % 64);
	judge(division->prover, division->view, &path);
	return (division->view->lines & division->prover->open) != 0;
}

static bool atom_asks_for_mark(const struct atom *atom)
{
	if (atom->kind == ATOM_LOOKUP)
		return key_has(&atom->lookup->key, FIELD_CT_MARK, FIELD_CT_MARK);
	return (atom->kind == ATOM_RANGE || atom->kind == ATOM_MASK) && atom->variable == RANGE_MARK;
}

/* True when something that is still open on the path, beside one atom, depends on the mark that the atom asks for: what passes then differs by mark. */
static bool mark_matters_elsewhere(const struct path *path, size_t fact, size_t atom)
{
	const uint8_t mark = path->facts[fact].mark;

	for (size_t f = 0; f < path->fact_count; f++) {
		const struct fact *other = &path->facts[f];

		if (mark && other->gives == mark)
			return true;
		for (size_t a = 0; other->mark == mark && a < other->count; a++)
			if ((f != fact || a != atom) && !fact_has_done(other, a) && atom_asks_for_mark(&other->atoms[a]))
				return true;
	}
	return false;
}

/* True when of the elements only their interfaces matter to the view, and not the mark. */
static bool only_interfaces_matter(const struct view *view, const struct path *path, size_t fact, size_t atom)
{
	const struct lookup *lookup = path->facts[fact].atoms[atom].lookup;
	const enum field *fields = lookup->key.fields;
	const bool expiry_matters = !view->error && (view->lines & line_bit(PROOF_EXPIRY));

	return !view->marks_free && !expiry_matters && !(view->lines & line_bit(PROOF_ISOLATED)) && key_field_count(&lookup->key) == 3 &&
	       fields[0] == FIELD_CT_MARK && fields[1] == FIELD_IIF && fields[2] == FIELD_OIF && !lookup->set->interval &&
	       !mark_matters_elsewhere(path, fact, atom);
}

static void divide(struct prover *prover, const struct view *view, const struct path *path, size_t fact, size_t atom)
{
	struct division division = { prover, view, path, fact, atom, NULL };
	const struct lookup *lookup = path->facts[fact].atoms[atom].lookup;
	const uint8_t mark = path->facts[fact].mark;
	struct arena *arena = arena_new();

	if (only_interfaces_matter(view, path, fact, atom) && !extent_is_single(path->region.extents[RANGE_MARK + mark]))
		division.pairs = arena_array(arena, SPACE_CODES_MAX * SPACE_CODES_MAX / 64, sizeof(*division.pairs));
	if (!lookup_each(&prover->atoms, lookup, &path->region, mark, judge_part, &division))
		chain_note(prover, view, &path->region); /* the parts that were not looked at any more */
	arena_free(arena);
}

/* ---- marks that packets arrive with */

/* One kind of connection that can have the mark. */
struct joining {
	struct prover *prover;
	struct view *view;
	const struct path *path;
};

static void judge_joined(const struct joining *joining, const struct region *region)
{
	struct path path;

	path_copy(&path, joining->path);
	path.region = *region;
	if (path_settle(&joining->prover->atoms, &path))
		judge(joining->prover, joining->view, &path);
}

/* Packets of these protocols whose connection is the tuple. Ends are turned round for a reply. */
static void join_protocols(const struct joining *joining, const struct tuple *tuple, const struct codes *protocols, bool ports)
{
	const bool reply = joining->view->reply;
	struct region region = joining->path->region;
	struct extent *extents = region.extents;

	codes_keep(&region.codes[CODE_PROTOCOL], protocols);
	extents[RANGE_SOURCE] = extent_common(extents[RANGE_SOURCE], reply ? tuple->destination : tuple->source);
	extents[RANGE_DESTINATION] = extent_common(extents[RANGE_DESTINATION], reply ? tuple->source : tuple->destination);
	if (ports) {
		extents[RANGE_SPORT] = extent_common(extents[RANGE_SPORT], reply ? tuple->dport : tuple->sport);
		extents[RANGE_DPORT] = extent_common(extents[RANGE_DPORT], reply ? tuple->sport : tuple->dport);
	}
	/* The user was asked when the connection began. */
	extents[RANGE_UID] = tuple->uid;
	judge_joined(joining, &region);
}

static void join_icmp(const struct joining *joining, const struct tuple *tuple)
{
	const size_t protocol = icmp_protocol(joining->prover->family);
	struct path path = *joining->path;
	const struct joining narrowed = { joining->prover, joining->view, &path };
	const struct codes icmp = codes_one(protocol);
	const struct codes types = joining->view->reply ? icmp_turned(&tuple->icmp_types) : tuple->icmp_types;

	if (!codes_have(&tuple->protocols, protocol))
		return;
	codes_keep(&path.region.codes[CODE_ICMP_TYPE], &types);
	join_protocols(&narrowed, tuple, &icmp, false);
}

/* The gateway sends and gets what its addresses are an end of. */
static bool tuple_can_be_at(const struct tuple *tuple, const struct view *view)
{
	if (view->hook == HOOK_FORWARD)
		return tuple->through;
	return view->reply == (view->hook == HOOK_OUTPUT) ? tuple->to_gateway : tuple->from_gateway;
}

/*
 * Protocols with ports by their ports, ICMP by its types, others by their ends. In IPv6 an authentication header may stand before what the connection
 * is of: then the packet has another protocol than its connection.
 */
static void join_tuple(void *context, const struct tuple *tuple)
{
	struct joining *joining = context;
	const struct codes ported = protocols_with_ports(), icmp = codes_one(icmp_protocol(joining->prover->family));
	const struct codes header = codes_one(PROVE_PROTOCOL_AH);
	struct codes with = tuple->protocols, without = tuple->protocols;

	++joining->prover->proof->work;
	if (!tuple_can_be_at(tuple, joining->view))
		return;
	joining->view->any_user = tuple->any_user;
	codes_keep(&with, &ported);
	codes_drop(&without, &ported);
	codes_drop(&without, &icmp);
	if (joining->prover->family == 6)
		codes_add(&without, PROVE_PROTOCOL_AH);
	if (codes_meet(&with, &joining->path->region.codes[CODE_PROTOCOL]))
		join_protocols(joining, tuple, &with, true);
	if (codes_meet(&icmp, &joining->path->region.codes[CODE_PROTOCOL]))
		join_icmp(joining, tuple);
	if (codes_meet(&without, &joining->path->region.codes[CODE_PROTOCOL]))
		join_protocols(joining, tuple, codes_are_empty(&without) ? &header : &without, false);
}

/* The mark lies in a range without 0: it is looked at for each connection that can have it. Lines that hold for any mark were looked at before. */
static void judge_marked(struct prover *prover, const struct view *view, const struct path *path)
{
	const struct extent marks = path->region.extents[RANGE_MARK];
	struct view of_connection = *view;
	struct joining joining = { prover, &of_connection, path };

	of_connection.marks_free = false;
	if (of_connection.lines & prover->open)
		givers_each(prover, (uint32_t)marks.first, (uint32_t)marks.last, join_tuple, &joining);
	else
		chain_note(prover, view, &path->region);
}

/* Packets without a mark are any packets; with one they are those of connections that have it. */
static void judge_by_mark(struct prover *prover, const struct view *view, const struct path *path)
{
	struct view unmarked = *view;
	struct path part;

	unmarked.marks_free = false;
	if (extent_is_single(path->region.extents[RANGE_MARK])) {
		if (path->region.extents[RANGE_MARK].first == 0)
			judge(prover, &unmarked, path);
		else
			judge_marked(prover, view, path);
		return;
	}
	path_copy(&part, path);
	part.region.extents[RANGE_MARK] = extent_common(part.region.extents[RANGE_MARK], (struct extent){ 0, 0 });
	if (!extent_is_empty(part.region.extents[RANGE_MARK]) && path_settle(&prover->atoms, &part))
		judge(prover, &unmarked, &part);
	path_copy(&part, path);
	part.region.extents[RANGE_MARK] = extent_common(part.region.extents[RANGE_MARK], (struct extent){ 1, wide_max(4) });
	if (!extent_is_empty(part.region.extents[RANGE_MARK]) && path_settle(&prover->atoms, &part))
		judge_marked(prover, view, &part);
}

/* ---- judging */

static void judge(struct prover *prover, const struct view *view, const struct path *path)
{
	struct view rest = *view;
	size_t fact = 0, atom = 0;
	bool divisible;

	if (error_is_nobodys(prover, view, path))
		return;
	if (view->marks_free && extent_is_single(path->region.extents[RANGE_MARK])) {
		judge_by_mark(prover, view, path);
		return;
	}
	rest.lines = lines_seek(prover, view, path, one_is_enough, NULL);
	if (rest.lines == 0) {
		chain_note(prover, view, &path->region);
		return;
	}
	if (prover->proof->work > prover->atoms.work_max) {
		lines_doubt(prover, rest.lines | line_bit(PROOF_CHAIN), PROOF_TOO_COMPLEX);
		return;
	}
	divisible = best_lookup(&rest, path, &fact, &atom);
	if (divisible)
		divide(prover, &rest, path, fact, atom);
	else if (rest.marks_free)
		judge_by_mark(prover, &rest, path);
	else
		judge_leaf(prover, &rest, path);
}

/* The packets of a path that are in some of these states. ICMP of the other family is never tracked. */
static void judge_states(struct prover *prover, const struct view *view, const struct path *path, struct codes states)
{
	const struct codes strange = codes_one(prover->family == 6 ? PROVE_PROTOCOL_ICMP : PROVE_PROTOCOL_ICMP6);
	struct codes tracked = states_tracked();
	struct path part = *path;

	if (codes_cover(&tracked, &states))
		codes_drop(&part.region.codes[CODE_PROTOCOL], &strange);
	codes_keep(&part.region.codes[CODE_STATE], &states);
	if (!region_is_empty(&part.region) && path_settle(&prover->atoms, &part))
		judge(prover, view, &part);
}

/* Packets of connections, or errors that quote them. Lines that hold for any mark are looked at once, and not for each mark that the connections can have. */
static void judge_connections(struct prover *prover, const struct view *view, const struct path *path, struct codes states)
{
	struct view any = *view, rest = *view;

	if (view->marks_free || view->error) {
		any.marks_free = false;
		any.any_mark = true;
		any.lines &= lines_of_any_mark();
		rest.lines &= ~lines_of_any_mark();
		judge_states(prover, &any, path, states);
	}
	judge_states(prover, &rest, path, states);
}

/* Beside a connection: ICMP errors, which belong to what they quote; and what somebody expected, which may be anything with any mark. */
static void judge_related(struct prover *prover, const struct view *view, const struct path *path)
{
	const struct codes states = codes_between(STATE_RELATED, STATE_RELATED_REPLY), icmp = codes_one(icmp_protocol(prover->family));
	const struct codes errors = icmp_error_types(prover->family);
	struct view part_view = *view;
	struct path part = *path;

	codes_drop(&part.region.codes[CODE_PROTOCOL], &icmp);
	judge_states(prover, &part_view, &part, states);
	part = *path;
	codes_keep(&part.region.codes[CODE_PROTOCOL], &icmp);
	codes_keep(&part.region.codes[CODE_ICMP_TYPE], &errors);
	part_view.error = true;
	if (!region_is_empty(&part.region))
		judge_connections(prover, &part_view, &part, states);
}

/* Refused with an answer. Before it is known by which interface a packet would leave, it is any. */
static void judge_answered(struct prover *prover, enum hook_point hook, const struct path *path)
{
	const struct view view = { .hook = HOOK_FORWARD, .lines = line_bit(PROOF_SILENCE), .answered = true };
	const struct region forwarded = region_at_hook(&prover->space, prover->family, HOOK_FORWARD);
	struct path part = *path;

	if (hook == HOOK_INGRESS || hook == HOOK_PREROUTING) {
		part.region.codes[CODE_OIF] = forwarded.codes[CODE_OIF];
		part.region.codes[CODE_HOP] = forwarded.codes[CODE_HOP];
	}
	if (hook != HOOK_INPUT && hook != HOOK_OUTPUT)
		judge(prover, &view, &part);
}

/* What is let through and no reply: what begins or goes on, errors and what was expected, and what conntrack does not know. */
static void judge_forth(struct prover *prover, const struct view *view, const struct path *path)
{
	struct view of_connections = *view;

	of_connections.marks_free = path->mark == 0;
	judge_connections(prover, &of_connections, path, codes_between(STATE_NEW, STATE_ESTABLISHED));
	judge_related(prover, view, path);
	judge_states(prover, view, path, codes_between(STATE_INVALID, STATE_UNTRACKED));
}

static void judge_back(struct prover *prover, const struct view *view, const struct path *path)
{
	struct view replies = *view;

	replies.reply = true;
	replies.marks_free = path->mark == 0;
	judge_connections(prover, &replies, path, codes_one(STATE_REPLY));
}

/* See enum proof_half. */
void judge_end(struct prover *prover, enum hook_point hook, const struct path *path)
{
	const enum proof_half half = prover->input->half;
	const struct view view = { .hook = hook, .lines = ~line_bit(PROOF_SILENCE) };
	const bool back = half == PROOF_WHOLE || (half == PROOF_BACK) == (hook == HOOK_FORWARD), forth = half != PROOF_BACK;

	if (path->end == VERDICT_DROP) {
		if (forth)
			judge_answered(prover, hook, path);
	} else if (hook == HOOK_INGRESS || hook == HOOK_BRIDGE) {
		judge(prover, &view, path);
	} else {
		if (forth)
			judge_forth(prover, &view, path);
		if (back)
			judge_back(prover, &view, path);
	}
}
