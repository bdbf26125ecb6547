/*
 * conntrack: which marks the kernel's connections carry, by ctnetlink. The mark is the identity of a flow: a
 * number is not given to another flow while a connection still holds it.
 */
#ifndef KERNEL_CONNTRACK_H
#define KERNEL_CONNTRACK_H

#include "kernel/nfnl.h"

struct held_marks {
	uint32_t *marks;	/* rising, each once; 0 (no mark) is left out */
	size_t *connections;	/* how many connections carry the mark, same order */
	size_t count;
};

/*
 * Reads the marks of all connections, IPv4 and IPv6. A dump of a table that changes all the time is never
 * exact: a connection that ends meanwhile may be counted, one that begins meanwhile may be missed. In the
 * arena. 0 or negative errno; a kernel without connection tracking holds no mark.
 */
int conntrack_marks(struct arena *arena, struct nfnl *nfnl, struct held_marks *ret_marks);

#endif
