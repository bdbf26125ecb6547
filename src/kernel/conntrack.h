/*
 * conntrack: which connections the kernel follows and which marks they carry, by ctnetlink. The mark is the identity of a flow: a
 * number is not given to another flow while a connection still holds it.
 */
#ifndef KERNEL_CONNTRACK_H
#define KERNEL_CONNTRACK_H

#include "kernel/links.h"
#include "kernel/nfnl.h"
#include "ruleset/prove.h"

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

/* Counts equal marks among those found, which are put into another order. Zeros are for the caller to leave out. In the arena. */
struct held_marks held_marks_of(struct arena *arena, uint32_t *found, size_t found_count);

/* The connections that carry a mark, as the prover wants to know them. */
struct carried_list {
	struct carried *items;	/* sorted by mark */
	size_t count;
};

/*
 * Reads them, as conntrack_marks() reads marks. own: the addresses of this machine, by which connections that it began are known. In the arena. 0 or
 * negative errno.
 */
int conntrack_carried(struct arena *arena, struct nfnl *nfnl, const struct interface_addresses *own, struct carried_list *ret_list);

/* How full the kernel's table of connections is. Full, it refuses whoever is new, whatever the rules say. */
struct conntrack_fill {
	uint32_t entries;
	uint32_t entries_max;	/* net.netfilter.nf_conntrack_max; 0: not known */
};

/* Reads it (IPCTNL_MSG_CT_GET_STATS). 0 or negative errno; where there is no ctnetlink nothing is known. */
int conntrack_fill_read(struct nfnl *nfnl, struct conntrack_fill *ret_fill);

#endif
