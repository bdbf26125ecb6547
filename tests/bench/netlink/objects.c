/* objects: a batch by libnftnl's objects. */
#include "bench/netlink/objects.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MESSAGE_BYTES_MAX = 256 << 10,	/* libnftnl ends a message of elements when it is longer than 64 KiB */
	ATTRIBUTES_MAX = 8,		/* of an element */
	TYPE_MASK = 0xff,
};

/* One thing that an element is told: nftnl_set_elem_set() takes just that. */
struct flat_attribute {
	const void *bytes;
	uint32_t length;
	uint16_t type;			/* NFTNL_SET_ELEM_* */
};

struct flat_element {
	struct flat_attribute attributes[ATTRIBUTES_MAX];
	size_t count;
};

/* A message, or the elements of a set that came in messages one behind the other. */
struct part {
	uint16_t type, flags;		/* NFT_MSG_*, NLM_F_* */
	uint16_t family;
	void *object;			/* all but NFT_MSG_NEWSETELEM */
	const char *table, *set;	/* NFT_MSG_NEWSETELEM */
	struct flat_element *elements;
	size_t element_count, capacity;
};

struct objects {
	struct arena *arena;
	struct part *parts;
	size_t count, capacity;
};

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "objects: %s\n", what);
	exit(EXIT_FAILURE);
}

/* ---- taking apart */

static int element_flatten(struct nftnl_set_elem *element, void *context)
{
	static const uint16_t types[] = { NFTNL_SET_ELEM_FLAGS, NFTNL_SET_ELEM_KEY, NFTNL_SET_ELEM_KEY_END, NFTNL_SET_ELEM_DATA, NFTNL_SET_ELEM_VERDICT,
					  NFTNL_SET_ELEM_CHAIN, NFTNL_SET_ELEM_TIMEOUT, NFTNL_SET_ELEM_USERDATA };
	struct objects *objects = context;
	struct part *part = &objects->parts[objects->count - 1];
	struct flat_element *flat;

	part->elements = arena_grow(objects->arena, part->elements, part->element_count, &part->capacity, sizeof(*part->elements));
	flat = &part->elements[part->element_count++];
	flat->count = 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct flat_attribute *attribute = &flat->attributes[flat->count];
		const void *bytes = nftnl_set_elem_get(element, types[i], &attribute->length);
		void *copy;

		/* A verdict has no data, whatever libnftnl says of it. */
		if (!nftnl_set_elem_is_set(element, types[i]) || !bytes)
			continue;
		if (types[i] == NFTNL_SET_ELEM_CHAIN)
			attribute->length = (uint32_t)strlen(bytes) + 1;
		copy = arena_alloc(objects->arena, attribute->length);
		memcpy(copy, bytes, attribute->length);
		attribute->bytes = copy;
		attribute->type = types[i];
		flat->count++;
	}
	return 0;
}

static void elements_take(struct objects *objects, const struct nlmsghdr *message, const struct part *made)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct part *last = objects->count > 0 ? &objects->parts[objects->count - 1] : NULL;
	const char *table, *name;

	if (nftnl_set_elems_nlmsg_parse(message, set) != 0)
		give_up("elements");
	table = nftnl_set_get_str(set, NFTNL_SET_TABLE);
	name = nftnl_set_get_str(set, NFTNL_SET_NAME);
	if (!last || last->type != NFT_MSG_NEWSETELEM || last->family != made->family || strcmp(last->table, table) != 0 || strcmp(last->set, name) != 0) {
		objects->parts = arena_grow(objects->arena, objects->parts, objects->count, &objects->capacity, sizeof(*objects->parts));
		last = &objects->parts[objects->count++];
		*last = *made;
		last->table = arena_strdup(objects->arena, table);
		last->set = arena_strdup(objects->arena, name);
	}
	nftnl_set_elem_foreach(set, element_flatten, objects);
	nftnl_set_free(set);
}

static void *object_parse(const struct nlmsghdr *message, uint16_t type)
{
	struct nftnl_table *table;
	struct nftnl_chain *chain;
	struct nftnl_rule *rule;
	struct nftnl_set *set;

	switch (type) {
	case NFT_MSG_NEWTABLE:
		table = nftnl_table_alloc();
		return nftnl_table_nlmsg_parse(message, table) == 0 ? table : NULL;
	case NFT_MSG_NEWCHAIN:
		chain = nftnl_chain_alloc();
		return nftnl_chain_nlmsg_parse(message, chain) == 0 ? chain : NULL;
	case NFT_MSG_NEWRULE:
		rule = nftnl_rule_alloc();
		return nftnl_rule_nlmsg_parse(message, rule) == 0 ? rule : NULL;
	case NFT_MSG_NEWSET:
		set = nftnl_set_alloc();
		return nftnl_set_nlmsg_parse(message, set) == 0 ? set : NULL;
	default:
		return NULL;
	}
}

static void message_take(struct objects *objects, const struct nlmsghdr *message)
{
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(message);
	struct part part = { .type = message->nlmsg_type & TYPE_MASK, .flags = message->nlmsg_flags & (uint16_t)~(NLM_F_REQUEST | NLM_F_ACK),
			     .family = general->nfgen_family };

	if (message->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		return;
	if (part.type == NFT_MSG_NEWSETELEM) {
		elements_take(objects, message, &part);
		return;
	}
	part.object = object_parse(message, part.type);
	if (!part.object)
		give_up("a message of another kind");
	objects->parts = arena_grow(objects->arena, objects->parts, objects->count, &objects->capacity, sizeof(*objects->parts));
	objects->parts[objects->count++] = part;
}

struct objects *objects_of_batch(struct arena *arena, struct span batch)
{
	struct objects *objects = arena_alloc(arena, sizeof(*objects));
	const struct nlmsghdr *message = (const void *)batch.data;
	int left = (int)batch.length;

	objects->arena = arena;
	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		message_take(objects, message);
	return objects;
}

/* ---- building */

/* A batch under construction. */
struct building {
	struct buf *out;
	uint32_t sequence;
	struct nlmsghdr *last;
};

static struct nlmsghdr *message_begin(struct building *building, const struct part *part)
{
	building->last = nftnl_nlmsg_build_hdr(buf_reserve(building->out, MESSAGE_BYTES_MAX), part->type, part->family, part->flags, ++building->sequence);
	return building->last;
}

static void message_end(struct building *building)
{
	building->out->length += building->last->nlmsg_len;
}

static struct nftnl_set *set_of_flat(const struct part *part)
{
	struct nftnl_set *set = nftnl_set_alloc();

	nftnl_set_set_str(set, NFTNL_SET_TABLE, part->table);
	nftnl_set_set_str(set, NFTNL_SET_NAME, part->set);
	for (size_t i = 0; i < part->element_count; i++) {
		const struct flat_element *flat = &part->elements[i];
		struct nftnl_set_elem *element = nftnl_set_elem_alloc();

		for (size_t k = 0; k < flat->count; k++)
			nftnl_set_elem_set(element, flat->attributes[k].type, flat->attributes[k].bytes, flat->attributes[k].length);
		nftnl_set_elem_add(set, element);
	}
	return set;
}

static void build_elements(struct building *building, const struct part *part)
{
	struct nftnl_set *set = set_of_flat(part);
	struct nftnl_set_elems_iter *iterator = nftnl_set_elems_iter_create(set);
	bool more = true;

	while (more) {
		more = nftnl_set_elems_nlmsg_build_payload_iter(message_begin(building, part), iterator) > 0;
		message_end(building);
	}
	nftnl_set_elems_iter_destroy(iterator);
	nftnl_set_free(set);
}

static void build_object(struct building *building, const struct part *part)
{
	struct nlmsghdr *message = message_begin(building, part);

	switch (part->type) {
	case NFT_MSG_NEWTABLE:
		nftnl_table_nlmsg_build_payload(message, part->object);
		break;
	case NFT_MSG_NEWCHAIN:
		nftnl_chain_nlmsg_build_payload(message, part->object);
		break;
	case NFT_MSG_NEWRULE:
		nftnl_rule_nlmsg_build_payload(message, part->object);
		break;
	case NFT_MSG_NEWSET:
		nftnl_set_nlmsg_build_payload(message, part->object);
		break;
	}
	message_end(building);
}

void objects_build(const struct objects *objects, struct buf *out)
{
	struct building building = { .out = out };

	out->length += nftnl_batch_begin(buf_reserve(out, MESSAGE_BYTES_MAX), building.sequence)->nlmsg_len;
	for (size_t i = 0; i < objects->count; i++) {
		if (objects->parts[i].type == NFT_MSG_NEWSETELEM)
			build_elements(&building, &objects->parts[i]);
		else
			build_object(&building, &objects->parts[i]);
	}
}

void objects_free(struct objects *objects)
{
	for (size_t i = 0; i < objects->count; i++) {
		const struct part *part = &objects->parts[i];

		if (part->type == NFT_MSG_NEWTABLE)
			nftnl_table_free(part->object);
		else if (part->type == NFT_MSG_NEWCHAIN)
			nftnl_chain_free(part->object);
		else if (part->type == NFT_MSG_NEWRULE)
			nftnl_rule_free(part->object);
		else if (part->type == NFT_MSG_NEWSET)
			nftnl_set_free(part->object);
	}
}
