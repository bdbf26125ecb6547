/* prove_grants: boxes of what is granted, and what they leave uncovered. */
#include "ruleset/prove_grants.h"

#include <stdlib.h>
#include <string.h>

#include "policy/law.h"

enum { PROTOCOL_ECHO = 1, PROTOCOL_ICMP = 1, PROTOCOL_ICMP6 = 58, GRANTS_SPLITS_MAX = 100000, PROTOCOL_CODES = 256 };

/* A box of a grant. */
struct granted {
	struct grant_box box;
	int64_t closes_at;	/* INT64_MAX: never */
};

/* The boxes of one kind, family and pair of zones stand together. */
struct group {
	size_t first, count;	/* in boxes */
	bool by_destination;	/* the tree is over destinations */
	bool any_protocol;	/* some box is of every protocol */
	struct codes protocols;	/* of the others; 1 is echo in both families */
};

struct grants {
	struct granted *boxes;	/* sorted by group, then by the end of the group's tree */
	size_t count, capacity;
	wide *reach;		/* furthest end below each node of the group's implicit tree */
	const struct granted **points; /* boxes of one point, sorted by all of it */
	size_t point_count;
	struct group *groups;	/* sorted as the boxes */
	size_t group_count;
};

/* ---- making the index */

static struct extent range_extent(const struct addr_range *range)
{
	return (struct extent){ wide_of_address(&range->first), wide_of_address(&range->last) };
}

static void add_box(struct arena *arena, struct grants *grants, const struct grant *grant, const struct grant_box *box)
{
	grants->boxes = arena_grow(arena, grants->boxes, grants->count, &grants->capacity, sizeof(*grants->boxes));
	grants->boxes[grants->count++] =
		(struct granted){ .box = *box, .closes_at = grant->closes_at ? grant->closes_at : INT64_MAX };
}

static void add_ports(struct arena *arena, struct grants *grants, const struct grant *grant, struct grant_box *box)
{
	if (!protocol_has_ports(grant->protocol)) {
		box->ports = (struct extent){ 0, wide_max(2) };
		add_box(arena, grants, grant, box);
		return;
	}
	for (size_t i = 0; i < grant->port_count; i++) {
		box->ports = (struct extent){ grant->ports[i].first, grant->ports[i].last };
		add_box(arena, grants, grant, box);
	}
}

/* The ranges of an end. Everything, once per family: an end that the kind does not have, and a service at any address of the gateway. */
static struct addr_ranges end_ranges(const struct grant *grant, bool source)
{
	static struct addr_range all[] = {
		{ { .family = 4 }, { .family = 4, .bytes = { 255, 255, 255, 255 } } },
		{ { .family = 6 }, { .family = 6, .bytes = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 } } },
	};

	if (grant->kind == (source ? FLOW_EGRESS : FLOW_LOCAL) && (source || grant->destinations.count == 0))
		return (struct addr_ranges){ all, 2 };
	return source ? grant->sources : grant->destinations;
}

static void add_grant(struct arena *arena, struct grants *grants, const struct grant *grant)
{
	const struct addr_ranges sources = end_ranges(grant, true), destinations = end_ranges(grant, false);
	struct grant_box box = { .kind = grant->kind, .from = grant->from, .to = grant->to, .protocol = grant->protocol,
				 .uid = { grant->uid, grant->uid } };

	if (grant->kind != FLOW_EGRESS)
		box.uid = (struct extent){ 0, wide_max(4) };
	for (size_t s = 0; s < sources.count; s++) {
		for (size_t d = 0; d < destinations.count; d++) {
			if (sources.items[s].first.family != destinations.items[d].first.family)
				continue;
			box.family = sources.items[s].first.family;
			box.source = range_extent(&sources.items[s]);
			box.destination = range_extent(&destinations.items[d]);
			add_ports(arena, grants, grant, &box);
		}
	}
}

static int compare_wide(wide a, wide b)
{
	return (a > b) - (a < b);
}

static int compare_groups(const struct grant_box *a, const struct grant_box *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->to > b->to) - (a->to < b->to);
}

static int compare_by_source(const void *a, const void *b)
{
	const struct granted *left = a, *right = b;
	int order = compare_groups(&left->box, &right->box);

	return order ? order : compare_wide(left->box.source.first, right->box.source.first);
}

static int compare_by_destination(const void *a, const void *b)
{
	const struct granted *left = a, *right = b;

	return compare_wide(left->box.destination.first, right->box.destination.first);
}

static struct extent tree_extent(const struct group *group, const struct granted *granted)
{
	return group->by_destination ? granted->box.destination : granted->box.source;
}

static wide tree_build(struct grants *grants, const struct group *group, size_t begin, size_t end)
{
	size_t middle = begin + (end - begin) / 2;
	wide reach = tree_extent(group, &grants->boxes[middle]).last, below;

	if (middle > begin) {
		below = tree_build(grants, group, begin, middle);
		reach = below > reach ? below : reach;
	}
	if (middle + 1 < end) {
		below = tree_build(grants, group, middle + 1, end);
		reach = below > reach ? below : reach;
	}
	return grants->reach[middle] = reach;
}

/* How many different first sources or destinations the boxes have; they are sorted by that. */
static size_t count_steps(const struct granted *boxes, size_t count, bool by_destination)
{
	size_t steps = 0;

	for (size_t i = 1; i < count; i++)
		steps += by_destination ? boxes[i].box.destination.first != boxes[i - 1].box.destination.first :
					  boxes[i].box.source.first != boxes[i - 1].box.source.first;
	return steps;
}

/* Turns a group to the end in which its boxes differ more, and builds its tree. */
static void close_group(struct grants *grants, struct group *group)
{
	struct granted *boxes = grants->boxes + group->first;
	size_t sources = count_steps(boxes, group->count, false);

	qsort(boxes, group->count, sizeof(*boxes), compare_by_destination);
	group->by_destination = count_steps(boxes, group->count, true) > sources;
	if (!group->by_destination)
		qsort(boxes, group->count, sizeof(*boxes), compare_by_source);
	tree_build(grants, group, group->first, group->first + group->count);
}

static void note_protocol(struct group *group, uint16_t protocol)
{
	if (protocol < PROTOCOL_CODES)
		codes_add(&group->protocols, protocol);
	else
		group->any_protocol = true;
}

static void make_groups(struct arena *arena, struct grants *grants)
{
	size_t capacity = 0;

	grants->reach = arena_array(arena, grants->count, sizeof(*grants->reach));
	for (size_t i = 0; i < grants->count; i++) {
		if (i > 0 && compare_groups(&grants->boxes[i - 1].box, &grants->boxes[i].box) == 0) {
			grants->groups[grants->group_count - 1].count++;
			note_protocol(&grants->groups[grants->group_count - 1], grants->boxes[i].box.protocol);
			continue;
		}
		grants->groups = arena_grow(arena, grants->groups, grants->group_count, &capacity, sizeof(*grants->groups));
		grants->groups[grants->group_count++] = (struct group){ .first = i, .count = 1 };
		note_protocol(&grants->groups[grants->group_count - 1], grants->boxes[i].box.protocol);
	}
	for (size_t g = 0; g < grants->group_count; g++)
		close_group(grants, &grants->groups[g]);
}

static bool box_is_point(const struct grant_box *box)
{
	return extent_is_single(box->source) && extent_is_single(box->destination) && extent_is_single(box->ports);
}

static int compare_point_boxes(const struct grant_box *a, const struct grant_box *b)
{
	int order = compare_groups(a, b);

	order = order ? order : compare_wide(a->source.first, b->source.first);
	order = order ? order : compare_wide(a->destination.first, b->destination.first);
	order = order ? order : compare_wide(a->ports.first, b->ports.first);
	return order ? order : (a->protocol > b->protocol) - (a->protocol < b->protocol);
}

static int compare_points(const void *a, const void *b)
{
	return compare_point_boxes(&(*(const struct granted *const *)a)->box, &(*(const struct granted *const *)b)->box);
}

static void make_points(struct arena *arena, struct grants *grants)
{
	grants->points = arena_array(arena, grants->count, sizeof(const struct granted *));
	for (size_t i = 0; i < grants->count; i++)
		if (box_is_point(&grants->boxes[i].box))
			grants->points[grants->point_count++] = &grants->boxes[i];
	if (grants->point_count)
		qsort(grants->points, grants->point_count, sizeof(const struct granted *), compare_points);
}

struct grants *grants_index(struct arena *arena, const struct pins *pins, int64_t now)
{
	struct grants *grants = arena_alloc(arena, sizeof(*grants));

	for (size_t i = 0; i < pins->grant_count; i++)
		if (pins->grants[i].closes_at == 0 || pins->grants[i].closes_at > now)
			add_grant(arena, grants, &pins->grants[i]);
	if (grants->count)
		qsort(grants->boxes, grants->count, sizeof(*grants->boxes), compare_by_source);
	make_groups(arena, grants);
	make_points(arena, grants);
	return grants;
}

/* ---- asking */

static const struct group *find_group(const struct grants *grants, const struct grant_box *box)
{
	size_t low = 0, high = grants->group_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_groups(&grants->boxes[grants->groups[middle].first].box, box);

		if (order == 0)
			return &grants->groups[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* One question. */
struct question {
	const struct grants *grants;
	const struct group *group;
	bool echo;
	int64_t until;
	bool covered;		/* one box has all of it */
	const struct granted *overlaps[GRANTS_OVERLAPS_MAX];
	size_t overlap_count;
	size_t splits;
	bool too_many;
};

static bool protocol_is_granted(const struct question *question, const struct granted *granted, const struct grant_box *box)
{
	uint16_t protocol = granted->box.protocol;

	if (protocol == POLICY_ANY_PROTOCOL)
		return true;
	if (protocol == PROTOCOL_ECHO)
		return question->echo && box->protocol == (box->family == 6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP);
	return protocol == box->protocol;
}

static bool ends_cover(const struct grant_box *outer, const struct grant_box *inner)
{
	return extent_covers(outer->source, inner->source) && extent_covers(outer->destination, inner->destination);
}

static bool box_covers(const struct grant_box *outer, const struct grant_box *inner)
{
	return extent_covers(outer->source, inner->source) && extent_covers(outer->destination, inner->destination) &&
	       extent_covers(outer->ports, inner->ports) && (inner->any_user || extent_covers(outer->uid, inner->uid));
}

/* b is of a question. */
static bool boxes_meet(const struct grant_box *a, const struct grant_box *b)
{
	return extents_meet(a->source, b->source) && extents_meet(a->destination, b->destination) && extents_meet(a->ports, b->ports) &&
	       (b->any_user || extents_meet(a->uid, b->uid));
}

static bool grant_lasts(const struct granted *granted, int64_t until)
{
	return granted->closes_at == INT64_MAX || granted->closes_at >= until - GRANTS_ROUNDING_S;
}

/* True: no need to look further. */
static bool question_take(struct question *question, const struct granted *granted, const struct grant_box *box)
{
	if (!protocol_is_granted(question, granted, box) || !boxes_meet(&granted->box, box))
		return false;
	if (box_covers(&granted->box, box) && grant_lasts(granted, question->until)) {
		question->covered = true;
		return true;
	}
	if (question->overlap_count < GRANTS_OVERLAPS_MAX)
		question->overlaps[question->overlap_count++] = granted;
	else
		question->too_many = true;
	return question->too_many;
}

static bool search_tree(struct question *question, const struct grant_box *box, struct extent wanted, size_t begin, size_t end)
{
	const struct grants *grants = question->grants;
	size_t middle = begin + (end - begin) / 2;

	if (begin >= end || grants->reach[middle] < wanted.first)
		return false;
	if (search_tree(question, box, wanted, begin, middle) || question_take(question, &grants->boxes[middle], box))
		return true;
	if (tree_extent(question->group, &grants->boxes[middle]).first > wanted.last)
		return false;
	return search_tree(question, box, wanted, middle + 1, end);
}

/* A box that is one point is mostly granted by a box of the same point. */
static void search_points(struct question *question, const struct grant_box *box)
{
	const struct grants *grants = question->grants;
	size_t low = 0, high = grants->point_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_point_boxes(&grants->points[middle]->box, box) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < grants->point_count && compare_point_boxes(&grants->points[low]->box, box) == 0; low++)
		if (question_take(question, grants->points[low], box))
			break;
	question->overlap_count = 0;
	question->too_many = false;
}

/* The pieces of an end that lie before and behind what is taken out; returns how many. */
static size_t extent_rest(struct extent whole, struct extent taken, struct extent rest[static 2])
{
	size_t count = 0;

	if (whole.first < taken.first)
		rest[count++] = (struct extent){ whole.first, taken.first - 1 };
	if (whole.last > taken.last)
		rest[count++] = (struct extent){ taken.last + 1, whole.last };
	return count;
}

/* Finds a part of the box that none of the grants from `next` on has (of those that last, if `lasting`). True: *ret_rest is one. */
static bool find_rest(struct question *question, struct grant_box box, size_t next, bool lasting, struct grant_box *ret_rest)
{
	struct extent *ends[] = { &box.source, &box.destination, &box.ports, &box.uid };
	const struct grant_box *taken;
	const struct extent *taken_ends[4];

	if (question->splits++ == GRANTS_SPLITS_MAX)
		question->too_many = true;
	if (question->too_many)
		return false;
	while (next < question->overlap_count && (!boxes_meet(&question->overlaps[next]->box, &box) ||
						  (lasting && !grant_lasts(question->overlaps[next], question->until))))
		next++;
	if (next == question->overlap_count) {
		*ret_rest = box;
		return true;
	}
	taken = &question->overlaps[next]->box;
	taken_ends[0] = &taken->source;
	taken_ends[1] = &taken->destination;
	taken_ends[2] = &taken->ports;
	taken_ends[3] = &taken->uid;
	for (size_t i = 0; i < (box.any_user ? 3 : 4); i++) {
		struct extent rest[2], whole = *ends[i];
		size_t count = extent_rest(whole, *taken_ends[i], rest);

		for (size_t k = 0; k < count; k++) {
			*ends[i] = rest[k];
			if (find_rest(question, box, next + 1, lasting, ret_rest))
				return true;
		}
		*ends[i] = extent_common(whole, *taken_ends[i]);
	}
	return false;
}

/* When the last grant closes that has a point of the rest. */
static int64_t last_close(const struct question *question, const struct grant_box *rest)
{
	int64_t last = 0;

	for (size_t i = 0; i < question->overlap_count; i++)
		if (boxes_meet(&question->overlaps[i]->box, rest) && question->overlaps[i]->closes_at > last)
			last = question->overlaps[i]->closes_at;
	return last;
}

/* True when some box of the group may be of the box's protocol: without that there is no need to look at each. */
static bool group_has_protocol(const struct group *group, const struct grant_box *box, bool echo)
{
	const size_t ping = box->family == 6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP;

	return group->any_protocol || (box->protocol != PROTOCOL_ECHO && codes_have(&group->protocols, box->protocol)) ||
	       (echo && box->protocol == ping && codes_have(&group->protocols, PROTOCOL_ECHO));
}

enum grants_answer grants_ask(const struct grants *grants, const struct grant_box *box, bool echo, int64_t until, struct grant_box *ret_rest,
			      int64_t *ret_closes_at)
{
	struct question question = { .grants = grants, .group = find_group(grants, box), .echo = echo, .until = until };
	struct extent wanted;

	*ret_rest = *box;
	if (!question.group || !group_has_protocol(question.group, box, echo))
		return GRANTS_LACK;
	if (box_is_point(box))
		search_points(&question, box);
	if (question.covered)
		return GRANTS_COVER;
	wanted = question.group->by_destination ? box->destination : box->source;
	search_tree(&question, box, wanted, question.group->first, question.group->first + question.group->count);
	if (question.covered)
		return GRANTS_COVER;
	if (!question.too_many && find_rest(&question, *box, 0, false, ret_rest))
		return GRANTS_LACK;
	if (!question.too_many && !find_rest(&question, *box, 0, true, ret_rest))
		return question.too_many ? GRANTS_TOO_MANY : GRANTS_COVER;
	if (question.too_many)
		return GRANTS_TOO_MANY;
	*ret_closes_at = last_close(&question, ret_rest);
	return GRANTS_EXPIRE;
}

bool grants_join(const struct grants *grants, uint8_t family, enum flow_kind kind, uint32_t from, uint32_t to)
{
	const struct grant_box box = { .kind = kind, .family = family, .from = from, .to = to };

	return find_group(grants, &box) != NULL;
}

/* Like search_tree(), for the ends alone. */
static bool search_ends(const struct grants *grants, const struct group *group, const struct grant_box *box, size_t begin, size_t end)
{
	const struct extent wanted = group->by_destination ? box->destination : box->source;
	size_t middle = begin + (end - begin) / 2;

	if (begin >= end || grants->reach[middle] < wanted.first)
		return false;
	if (search_ends(grants, group, box, begin, middle) || ends_cover(&grants->boxes[middle].box, box))
		return true;
	if (tree_extent(group, &grants->boxes[middle]).first > wanted.last)
		return false;
	return search_ends(grants, group, box, middle + 1, end);
}

bool grants_have_ends(const struct grants *grants, const struct grant_box *box)
{
	const struct group *group = find_group(grants, box);

	return group && search_ends(grants, group, box, group->first, group->first + group->count);
}
