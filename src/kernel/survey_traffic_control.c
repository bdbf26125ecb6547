/*
 * survey_traffic_control: what of tc(8) could send packets elsewhere.
 *
 * At a clsact or ingress queueing discipline hang programs and redirections; that there is one is told. A filter may hang at any other that sorts packets,
 * as well, and at each of its classes, and redirect what is about to leave, after all rules: every place where one can hang is asked.
 */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "kernel/attribute.h"
#include "kernel/survey_dump.h"

enum { PLACES_MAX = 4096 };

/* Where filters can hang. */
struct place {
	int index;		/* of the interface */
	uint32_t handle;	/* of the queueing discipline or class; 0: the interface's own, which has no handle */
	bool has_classes;	/* it is a discipline with a handle: it may have classes */
};

struct reading {
	struct arena *arena;
	struct survey *survey;
	struct place *places;
	size_t count, capacity;
};

static void place_add(struct reading *reading, const struct place *place)
{
	if (reading->count == PLACES_MAX)
		return;
	reading->places = arena_grow(reading->arena, reading->places, reading->count, &reading->capacity, sizeof(*reading->places));
	reading->places[reading->count++] = *place;
}

static void take_qdisc(void *context, const struct nlmsghdr *message)
{
	const struct nlattr *attributes[TCA_KIND + 1];
	const struct tcmsg *qdisc = mnl_nlmsg_get_payload(message);
	struct reading *reading = context;
	const char *kind;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*qdisc))
		return;
	attributes_sort(attributes_of_message(message, sizeof(*qdisc)), attributes, TCA_KIND + 1);
	kind = attribute_text(attributes[TCA_KIND]);
	if (strcmp(kind, "clsact") == 0 || strcmp(kind, "ingress") == 0)
		survey_add(reading->arena, reading->survey, SURVEY_TC, (uint32_t)qdisc->tcm_ifindex, 0, "");
	else if (qdisc->tcm_handle != 0 || qdisc->tcm_parent == TC_H_ROOT)
		place_add(reading, &(struct place){ qdisc->tcm_ifindex, qdisc->tcm_handle, qdisc->tcm_handle != 0 });
}

static void take_class(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *class = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(*class))
		place_add(context, &(struct place){ class->tcm_ifindex, class->tcm_handle, false });
}

static void take_filter(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *filter = mnl_nlmsg_get_payload(message);
	struct reading *reading = context;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(*filter))
		survey_add(reading->arena, reading->survey, SURVEY_FILTER, (uint32_t)filter->tcm_ifindex, 0, "");
}

/* One question about a place. What vanished meanwhile has none. */
static int place_ask(struct mnl_socket *socket, uint16_t type, const struct place *place, uint32_t parent, uint32_t *sequence, struct reading *reading)
{
	const struct tcmsg header = { .tcm_ifindex = place->index, .tcm_parent = parent };
	const struct survey_dump dump = { type, &header, sizeof(header), type == RTM_GETTCLASS ? take_class : take_filter };
	int error = survey_dump(socket, &dump, (*sequence)++, reading);

	return error == -EINVAL || error == -ENODEV || error == -ENOENT ? 0 : error;
}

static int places_ask(struct mnl_socket *socket, struct reading *reading)
{
	static const struct tcmsg every;
	const struct survey_dump qdiscs = { RTM_GETQDISC, &every, sizeof(every), take_qdisc };
	uint32_t sequence = 1;
	int error = survey_dump(socket, &qdiscs, sequence++, reading);

	/* Classes are places as well, and come behind. */
	for (size_t i = 0, count = reading->count; i < count && !error; i++)
		if (reading->places[i].has_classes)
			error = place_ask(socket, RTM_GETTCLASS, &reading->places[i], reading->places[i].handle, &sequence, reading);
	for (size_t i = 0; i < reading->count && !error; i++)
		error = place_ask(socket, RTM_GETTFILTER, &reading->places[i], reading->places[i].handle, &sequence, reading);
	return error;
}

int survey_read_traffic_control(struct arena *arena, struct survey *survey)
{
	struct reading reading = { .arena = arena, .survey = survey };
	struct mnl_socket *socket = survey_socket(NETLINK_ROUTE);
	int error;

	if (!socket)
		return -errno;
	error = places_ask(socket, &reading);
	mnl_socket_close(socket);
	return error;
}
