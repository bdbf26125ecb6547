/* conntrack: which marks the kernel's connections carry. */
#include "kernel/conntrack.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>

#include "kernel/attribute.h"

/* One mark per connection, in the order of the dump. */
static int take_connection(const struct nlmsghdr *message, void *context)
{
	struct buf *found = context;
	const struct nlattr *attributes[CTA_MARK + 1];
	uint32_t mark;

	attributes_sort(attributes_of_message(message, sizeof(struct nfgenmsg)), attributes, CTA_MARK + 1);
	mark = attribute_u32(attributes[CTA_MARK]);
	if (mark)
		buf_put(found, &mark, sizeof(mark));
	return 0;
}

static int compare_marks(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* Sorts what was found and counts equal marks. */
static struct held_marks marks_count(struct arena *arena, uint32_t *found, size_t found_count)
{
	struct held_marks held = { 0 };

	if (found_count)
		qsort(found, found_count, sizeof(*found), compare_marks);
	held.marks = arena_array(arena, found_count, sizeof(*held.marks));
	held.connections = arena_array(arena, found_count, sizeof(*held.connections));
	for (size_t i = 0; i < found_count; i++) {
		if (held.count == 0 || held.marks[held.count - 1] != found[i])
			held.marks[held.count++] = found[i];
		held.connections[held.count - 1]++;
	}
	return held;
}

int conntrack_marks(struct arena *arena, struct nfnl *nfnl, struct held_marks *ret_marks)
{
	struct buf found = buf_limited(0);
	int r = nfnl_dump_subsystem(nfnl, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NFPROTO_UNSPEC, NULL,
				    take_connection, &found);

	if (r == 0 || r == -EINVAL || r == -EOPNOTSUPP) { /* the latter two: no ctnetlink in this kernel */
		*ret_marks = marks_count(arena, (uint32_t *)(void *)found.data,
					 found.length / sizeof(uint32_t));
		r = 0;
	}
	buf_free(&found);
	return r;
}
