/*
 * survey_hidden: interfaces of other namespaces that sit on those of this one with the same address.
 *
 * A macvlan of its own address betrays itself by that (SURVEY_SHARED). One that passes through, an ipvlan and a VLAN have the address of what they sit on,
 * and once they are in another namespace no list of this one names them. But each that speaks IP joins the group of all hosts, or of all nodes, and has the
 * interface below receive it: the kernel counts for how many it receives a group. Whoever of them is here is known, so what is left is somebody else. Another
 * trace is that the interface takes in all frames without having been told to.
 *
 * The lists come one after the other, and an interface may come or go between them: nobody is told of what a second reading does not find as well.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/attribute.h"
#include "kernel/survey_dump.h"

enum { GROUPS = 2, READINGS = 2, LINKS_MAX = 4096, LINE_BYTES = 256 };

/* All hosts of IPv4, all nodes of IPv6, as devices receive them. */
static const char *const groups[GROUPS] = { "01005e000001", "333300000001" };

struct seat {
	uint32_t index;
	uint32_t lower;		/* what it sits on, here; 0: nothing, or elsewhere */
	bool sits;		/* it sits on something, here or elsewhere */
	uint32_t master;
	bool promiscuous;	/* it takes in all frames, and nobody has switched that on */
	unsigned int received[GROUPS]; /* for how many */
	bool joined[GROUPS];	/* by its own IP */
};

struct seating {
	struct arena *arena;
	struct seat *seats;
	size_t count, capacity;
};

static struct seat *seat_of(const struct seating *seating, uint32_t index)
{
	for (size_t i = 0; i < seating->count; i++)
		if (seating->seats[i].index == index)
			return &seating->seats[i];
	return NULL;
}

/* What the link of an interface means: of a cable (veth) it is the other end, and a tunnel does not sit on a wire. */
static void take_seat(struct seating *seating, const struct ifinfomsg *link, const struct nlattr *const *attributes)
{
	const struct nlattr *info[IFLA_INFO_MAX + 1] = { NULL };
	struct seat seat = { .index = (uint32_t)link->ifi_index, .master = survey_u32(attributes[IFLA_MASTER]) };
	uint32_t lower = survey_u32(attributes[IFLA_LINK]);

	if (attributes[IFLA_LINKINFO])
		attributes_sort(attributes_of_nest(attributes[IFLA_LINKINFO]), info, IFLA_INFO_MAX + 1);
	seat.sits = lower != 0 && strcmp(attribute_text(info[IFLA_INFO_KIND]), "veth") != 0;
	if (seat.sits && !attributes[IFLA_LINK_NETNSID] && lower != seat.index)
		seat.lower = lower;
	seat.promiscuous = survey_u32(attributes[IFLA_PROMISCUITY]) > ((link->ifi_flags & IFF_PROMISC) ? 1U : 0U);
	seating->seats = arena_grow(seating->arena, seating->seats, seating->count, &seating->capacity, sizeof(*seating->seats));
	seating->seats[seating->count++] = seat;
}

static void take_link(void *context, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[IFLA_LINK_NETNSID + 1];
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	struct seating *seating = context;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*link) || link->ifi_index <= 0 || (link->ifi_flags & IFF_LOOPBACK) || seating->count == LINKS_MAX)
		return;
	attributes_sort(attributes_of_message(message, sizeof(*link)), attributes, IFLA_LINK_NETNSID + 1);
	take_seat(seating, link, attributes);
}

/* ---- groups */

/* A line: index, name, for how many, for how many by hand, address. */
static void received_take(struct seating *seating, const char *line, uint32_t *current)
{
	char address[SURVEY_TEXT_BYTES];
	unsigned int index, count;
	struct seat *seat;

	(void)current;
	if (sscanf(line, "%u %*s %u %*s %31s", &index, &count, address) != 3 || !(seat = seat_of(seating, index)))
		return;
	for (size_t g = 0; g < GROUPS; g++)
		if (strcmp(address, groups[g]) == 0)
			seat->received[g] = count;
}

/* A line of an interface begins with its index; the lines of its groups, which are numbers as the machine holds them, are indented. */
static void joined4_take(struct seating *seating, const char *line, uint32_t *current)
{
	unsigned int group;
	struct seat *seat;

	if (line[0] != '\t') {
		*current = (uint32_t)strtoul(line, NULL, 10);
	} else if (sscanf(line, "%x", &group) == 1 && group == htonl(INADDR_ALLHOSTS_GROUP)) {
		seat = seat_of(seating, *current);
		if (seat)
			seat->joined[0] = true;
	}
}

/* A line: index, name, group, ... */
static void joined6_take(struct seating *seating, const char *line, uint32_t *current)
{
	char group[40];
	unsigned int index;
	struct seat *seat;

	(void)current;
	if (sscanf(line, "%u %*s %39s", &index, group) != 2 || strcmp(group, "ff020000000000000000000000000001") != 0)
		return;
	seat = seat_of(seating, index);
	if (seat)
		seat->joined[1] = true;
}

/* A kernel without that family has no such file. */
static void lines_take(struct seating *seating, const char *path, void (*take)(struct seating *seating, const char *line, uint32_t *current))
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];
	uint32_t current = 0;

	while (file && fgets(line, sizeof(line), file))
		take(seating, line, &current);
	if (file)
		fclose(file);
}

/*
 * For how many of this namespace an interface receives a group: its own IP, what sits on it, and the master it is a part of. What it asks of the interface it sits
 * on, or of the parts it is the master of, counts as one more each.
 */
static unsigned int known_count(const struct seating *seating, const struct seat *seat, size_t group)
{
	unsigned int count = (seat->joined[group] ? 1U : 0U) + (seat->sits ? 1U : 0U);

	for (size_t i = 0; i < seating->count; i++) {
		const struct seat *other = &seating->seats[i];

		if (other->received[group] > 0)
			count += other->lower == seat->index || other->index == seat->master ? 1U : 0U;
		count += other->master == seat->index ? 1U : 0U;
	}
	return count;
}

/* ---- */

static int seating_read(struct seating *seating)
{
	static const struct ifinfomsg any_link;
	const struct survey_dump dump = { RTM_GETLINK, &any_link, sizeof(any_link), take_link };
	struct mnl_socket *socket = survey_socket(NETLINK_ROUTE);
	int error;

	if (!socket)
		return -errno;
	error = survey_dump(socket, &dump, 1, seating);
	mnl_socket_close(socket);
	if (error)
		return error;
	lines_take(seating, "/proc/net/dev_mcast", received_take);
	lines_take(seating, "/proc/net/igmp", joined4_take);
	lines_take(seating, "/proc/net/igmp6", joined6_take);
	return 0;
}

static void seating_judge(const struct seating *seating, struct survey *found)
{
	for (size_t i = 0; i < seating->count; i++) {
		const struct seat *seat = &seating->seats[i];

		if (seat->promiscuous)
			survey_add(seating->arena, found, SURVEY_PROMISCUOUS, seat->index, 0, "");
		for (size_t g = 0; g < GROUPS; g++)
			if (seat->received[g] > known_count(seating, seat, g))
				survey_add(seating->arena, found, SURVEY_JOINED, seat->index, 0, "");
	}
}

static bool is_among(const struct survey *survey, const struct survey_item *item)
{
	for (size_t i = 0; i < survey->count; i++)
		if (memcmp(&survey->items[i], item, sizeof(*item)) == 0)
			return true;
	return false;
}

int survey_read_hidden(struct arena *arena, struct survey *survey)
{
	struct survey found[READINGS] = { { .count = 0 } };

	for (size_t i = 0; i < READINGS && (i == 0 || found[0].count > 0); i++) {
		struct seating seating = { .arena = arena };
		int error = seating_read(&seating);

		if (error)
			return error;
		seating_judge(&seating, &found[i]);
	}
	for (size_t i = 0; i < found[0].count; i++)
		if (is_among(&found[READINGS - 1], &found[0].items[i]))
			survey_add(arena, survey, found[0].items[i].kind, found[0].items[i].index, 0, "");
	return 0;
}
