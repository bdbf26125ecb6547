/*
 * planner_ways: what of the things the survey sees is a way past the rules, and how it is called.
 */
#include <string.h>

#include "kernel/survey.h"
#include "sekishod/catalogue.h"
#include "sekishod/planner.h"

static const struct origin nowhere;

enum {
	LINK_TYPE_LOOPBACK = 772, /* ARPHRD_LOOPBACK */
	WIRE_DEPTH_MAX = 3,	/* an interface in a bond that has VLANs */
};

/* One look. */
struct look {
	const struct planner *planner;
	struct interfaces interfaces;
	struct survey survey;
	struct findings *findings;
};

static const struct interface *interface_of(const struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->interfaces.count; i++)
		if (look->interfaces.items[i].index == index)
			return &look->interfaces.items[i];
	return NULL;
}

static const char *name_of(const struct look *look, uint32_t index)
{
	const struct interface *interface = interface_of(look, index);

	return interface ? interface->name : "?";
}

/* The zone of an interface in the policy in force, or NULL. While none is in force every interface may be one of a zone: "?". */
static const char *zone_of(const struct look *look, uint32_t index)
{
	const struct policy *policy = look->planner->in_force ? look->planner->in_force->policy : NULL;
	const struct interface *interface = interface_of(look, index);

	if (!interface || interface->type == LINK_TYPE_LOOPBACK)
		return NULL;
	if (!policy)
		return "?";
	for (size_t z = 0; z < policy->zone_count; z++)
		for (size_t i = 0; i < policy->zones[z].interface_count; i++)
			if (strcmp(policy->zones[z].interfaces[i].value, interface->name) == 0)
				return policy->zones[z].name;
	return NULL;
}

/* True when what one interface receives comes to another: that one sits on it (a VLAN of a trunk), or is its master (a bond). */
static bool item_leads_on(const struct survey_item *item, uint32_t from)
{
	return item->index == from && (item->kind == SURVEY_CHILD || item->kind == SURVEY_MASTER);
}

/* The zone of an interface, or of one whose packets come by it, or NULL. What is done to a trunk is done to the zones on it. */
static const char *zone_by_wire(const struct look *look, uint32_t index, int depth)
{
	const char *zone = zone_of(look, index);

	for (size_t i = 0; !zone && depth > 0 && i < look->survey.count; i++)
		if (item_leads_on(&look->survey.items[i], index))
			zone = zone_by_wire(look, look->survey.items[i].number, depth - 1);
	return zone;
}

static void say(struct look *look, enum daemon_finding kind, const char *first, const char *second, const char *third, const char *fourth)
{
	finding_add(look->findings, &daemon_catalogue[kind], nowhere, first, second, third, fourth, NULL);
}

/* ---- what rtnetlink and /proc show */

static void master_judge(struct look *look, const struct survey_item *item, const char *zone)
{
	const bool bridge = item->text[0] == '\0' || strcmp(item->text, "bridge") == 0;

	say(look, bridge ? DAEMON_PORT_OF_BRIDGE : DAEMON_INTERFACE_ENSLAVED, name_of(look, item->index), zone, name_of(look, item->number),
	    bridge ? NULL : item->text);
}

/* What sits on an interface of a zone and is an interface of a zone itself is meant so: a VLAN of a trunk. Another VLAN of a trunk is another wire. */
static void child_judge(struct look *look, const struct survey_item *item, const char *zone)
{
	const struct interface *child = interface_of(look, item->number);

	if (strcmp(item->text, "vlan") == 0 && !zone_of(look, item->index))
		return;
	if (child && !(look->planner->in_force && zone_of(look, item->number)))
		say(look, DAEMON_INTERFACE_CHILD, name_of(look, item->index), zone, child->name, item->text);
}

static bool frames_are_own(const struct look *look, const struct survey_item *item)
{
	for (size_t i = 0; i < look->planner->own_frame_count; i++)
		if (look->planner->own_frames[i] == item->number)
			return true;
	return false;
}

/* A socket of frames that is not ours. One that is bound to no interface hears all, or may write to any. */
static void frames_judge(struct look *look, const struct survey_item *item, const char *zone)
{
	if (!frames_are_own(look, item))
		say(look, DAEMON_FRAME_SOCKET, item->index ? name_of(look, item->index) : "*", zone, item->text, NULL);
}

/* True when something that is known takes in all frames of an interface, or has it receive for a second address, for which some devices take in all. */
static bool frames_are_explained(const struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->survey.count; i++) {
		const struct survey_item *item = &look->survey.items[i];

		if (item->index == index && (item->kind == SURVEY_MASTER || item->kind == SURVEY_CHILD || item->kind == SURVEY_SHARED))
			return true;
		if (item->kind == SURVEY_FRAMES && (item->index == index || item->index == 0) && !frames_are_own(look, item))
			return true;
	}
	return false;
}

static bool is_joined(const struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->survey.count; i++)
		if (look->survey.items[i].kind == SURVEY_JOINED && look->survey.items[i].index == index)
			return true;
	return false;
}

/* Somebody who is not here has a group received, or all frames taken in: one finding for an interface. What has an address of its own was found by that. */
static void hidden_judge(struct look *look, const struct survey_item *item, const char *zone)
{
	const char *name = name_of(look, item->index);

	for (size_t i = 0; i < look->survey.count; i++)
		if (look->survey.items[i].kind == SURVEY_SHARED && look->survey.items[i].index == item->index)
			return;
	if (item->kind == SURVEY_JOINED)
		say(look, DAEMON_INTERFACE_HIDDEN, name, zone, NULL, NULL);
	else if (!is_joined(look, item->index) && !frames_are_explained(look, item->index))
		say(look, DAEMON_INTERFACE_HIDDEN, name, zone, NULL, NULL);
}

/* What concerns an interface of a zone. */
static void interface_item_judge(struct look *look, const struct survey_item *item, const char *zone)
{
	const char *name = name_of(look, item->index);

	switch (item->kind) {
	case SURVEY_MASTER:
		if (zone_of(look, item->index))
			master_judge(look, item, zone);
		break;
	case SURVEY_XDP:
		say(look, DAEMON_PROGRAM_AT_INTERFACE, name, zone, NULL, NULL);
		break;
	case SURVEY_TC:
		say(look, DAEMON_TC_AT_INTERFACE, name, zone, NULL, NULL);
		break;
	case SURVEY_FILTER:
		say(look, DAEMON_FILTER_AT_INTERFACE, name, zone, NULL, NULL);
		break;
	case SURVEY_CHILD:
		child_judge(look, item, zone);
		break;
	case SURVEY_SHARED:
		say(look, DAEMON_INTERFACE_SHARED, name, zone, item->text, NULL);
		break;
	case SURVEY_SWITCH:
		say(look, DAEMON_INTERFACE_PROXY, name, zone, item->text, NULL);
		break;
	case SURVEY_JOINED: case SURVEY_PROMISCUOUS:
		hidden_judge(look, item, zone);
		break;
	case SURVEY_FRAMES:
		frames_judge(look, item, zone);
		break;
	case SURVEY_RULE: case SURVEY_TUNNEL: case SURVEY_ENCAP: case SURVEY_LEGACY: case SURVEY_FRAMES_XDP: case SURVEY_IPVS:
		break;
	}
}

static void item_judge(struct look *look, const struct survey_item *item)
{
	const char *zone = zone_by_wire(look, item->index, WIRE_DEPTH_MAX);

	switch (item->kind) {
	case SURVEY_RULE:
		say(look, DAEMON_POLICY_ROUTE, arena_printf(look->findings->arena, "%u", item->number), NULL, NULL, NULL);
		break;
	case SURVEY_TUNNEL:
		say(look, DAEMON_TUNNEL, name_of(look, item->index), item->text, NULL, NULL);
		break;
	case SURVEY_ENCAP:
		say(look, DAEMON_ROUTE_ENCAP, name_of(look, item->index), NULL, NULL, NULL);
		break;
	case SURVEY_LEGACY:
		say(look, DAEMON_LEGACY_TABLE, item->number == 4 ? "iptables" : "ip6tables", item->text, NULL, NULL);
		break;
	case SURVEY_IPVS:
		say(look, DAEMON_IPVS, item->text, NULL, NULL, NULL);
		break;
	case SURVEY_FRAMES_XDP:
		say(look, DAEMON_FRAME_SOCKET_XDP, NULL, NULL, NULL, NULL);
		break;
	default:
		if (item->kind == SURVEY_FRAMES && item->index == 0)
			frames_judge(look, item, "*");
		else if (zone)
			interface_item_judge(look, item, zone);
		else if (item->kind == SURVEY_SWITCH && item->index == 0)
			say(look, DAEMON_INTERFACE_PROXY, "all", "*", item->text, NULL);
		break;
	}
}

/* Interfaces that are switched on and lead to no zone of the policy in force. */
static void strangers_judge(struct look *look)
{
	for (size_t i = 0; look->planner->in_force && i < look->interfaces.count; i++) {
		const struct interface *interface = &look->interfaces.items[i];

		if (interface->up && interface->master == 0 && interface->type != LINK_TYPE_LOOPBACK && !zone_by_wire(look, interface->index, WIRE_DEPTH_MAX))
			say(look, DAEMON_INTERFACE_NO_ZONE, interface->name, NULL, NULL, NULL);
	}
}

static void renamed_judge(struct look *look)
{
	for (size_t i = 0; i < look->planner->known_count; i++)
		if (look->planner->known[i].barred)
			say(look, DAEMON_RENAMED_INTO_ZONE, look->planner->known[i].name, look->planner->known[i].former, NULL, NULL);
}

/* ---- what the enforcer has told */

/* What is in tables. */
static void table_judge(struct look *look, const struct foreign_item *item)
{
	static const enum daemon_finding kinds[FOREIGN_KIND_COUNT] = {
		[FOREIGN_REDIRECT] = DAEMON_FOREIGN_REDIRECT, [FOREIGN_HANDOVER] = DAEMON_FOREIGN_HANDOVER, [FOREIGN_REWRITE] = DAEMON_FOREIGN_REWRITE,
		[FOREIGN_NAT] = DAEMON_FOREIGN_NAT, [FOREIGN_MARK] = DAEMON_FOREIGN_MARK, [FOREIGN_FLOWTABLE] = DAEMON_FOREIGN_FLOWTABLE,
		[FOREIGN_FILTER] = DAEMON_FOREIGN_FILTER,
	};

	say(look, kinds[item->kind], arena_printf(look->findings->arena, "%s %s", foreign_family(item->family), item->table), item->chain, item->what, NULL);
}

/* What is hooked in beside them. A function that is no module's cannot be taken away. */
static void hook_judge(struct look *look, const struct foreign_item *item)
{
	const char *where = arena_printf(look->findings->arena, "%s %s%s%s", foreign_family(item->family), item->what, item->index ? " " : "",
					 item->index ? name_of(look, item->index) : "");

	if (item->kind == FOREIGN_PROGRAM)
		say(look, DAEMON_HOOK_PROGRAM, where, NULL, NULL, NULL);
	else
		say(look, DAEMON_HOOK, item->chain, item->table[0] ? item->table : "-", where, NULL);
}

static void foreign_judge(struct look *look, const struct foreign_item *item)
{
	const char *zone = zone_by_wire(look, item->index, WIRE_DEPTH_MAX);

	switch (item->kind) {
	case FOREIGN_IPSEC:
		say(look, DAEMON_IPSEC, NULL, NULL, NULL, NULL);
		break;
	case FOREIGN_TCX:
		if (zone)
			say(look, DAEMON_TCX_AT_INTERFACE, name_of(look, item->index), zone, NULL, NULL);
		break;
	case FOREIGN_NETWORK:
		say(look, DAEMON_NETWORK_PROGRAM, item->chain, NULL, NULL, NULL);
		break;
	case FOREIGN_HOOK: case FOREIGN_PROGRAM:
		hook_judge(look, item);
		break;
	case FOREIGN_UNLISTED: /* is told by the status */
		break;
	default:
		table_judge(look, item);
		break;
	}
}

/* The interfaces as a table of links. */
static struct link_table links_of(struct arena *arena, const struct interfaces *interfaces)
{
	struct link_table links = { .items = arena_array(arena, interfaces->count, sizeof(*links.items)), .count = interfaces->count };

	for (size_t i = 0; i < interfaces->count; i++) {
		links.items[i].index = interfaces->items[i].index;
		memcpy(links.items[i].name, interfaces->items[i].name, sizeof(links.items[i].name));
	}
	return links;
}

int ways_find(const struct planner *planner, struct findings *findings)
{
	struct look look = { .planner = planner, .findings = findings };
	struct link_table links;
	int error = interfaces_read(findings->arena, &look.interfaces);

	if (error)
		return error;
	links = links_of(findings->arena, &look.interfaces);
	error = survey_read(findings->arena, &links, &look.survey);
	if (error)
		return error;
	for (size_t i = 0; i < look.survey.count; i++)
		item_judge(&look, &look.survey.items[i]);
	strangers_judge(&look);
	renamed_judge(&look);
	for (size_t i = 0; i < planner->foreign.count; i++)
		foreign_judge(&look, &planner->foreign.items[i]);
	return 0;
}
