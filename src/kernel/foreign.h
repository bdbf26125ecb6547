/*
 * foreign: what in tables of others could undo what our tables do. Needs CAP_NET_ADMIN.
 *
 * A verdict of theirs cannot: each base chain is asked for itself, and the first that drops has dropped. An `accept` at any priority is therefore harmless, and
 * so is whatever only looks, counts or logs. What is not harmless does not depend on the hook it stands at: before ours it changes what the rules
 * see, behind ours what they have judged.
 *
 *	redirect	fwd, dup (and TEE): the packet, or its copy, leaves by another interface and meets no rule of ours
 *	handover	queue, tproxy, synproxy: a program gets the packet, and may send on something else in its place
 *	rewrite		payload set: other addresses or ports than those that were judged, or will be. ct mark set: our marks are the identity of a flow, and one
 *			that is forged needs no judgement. ct zone set: another connection. An expression or a target that this program does not know
 *	nat		nat, masq, redir: what is translated is refused by our rules from its second packet on; the first has passed, and the record of who
 *			spoke with whom is wrong
 *	mark		meta mark set, notrack: another route, or no connection: the rules judge that all the same, but permitted traffic may stop
 *	flowtable	its connections do not come to the forward hook any more, not even after a flow was removed
 *	filter		drop, reject, policy drop: nothing passes that should not, but permitted traffic may stop
 *
 * Dormant tables are passed over but for their flowtables, which stay at their interfaces; chains that nobody jumps to are not passed over: they are a rule away. What
 * lies in the kernel's other corners is found here as well: policies of IPsec, programs of tcx and of the network namespace, which are attached without any
 * notification, and what is hooked in beside nf_tables (kernel/hooks.h).
 */
#ifndef KERNEL_FOREIGN_H
#define KERNEL_FOREIGN_H

#include "kernel/nfnl.h"
#include "ruleset/ruleset.h"

enum foreign_kind {
	FOREIGN_NONE, FOREIGN_REDIRECT, FOREIGN_HANDOVER, FOREIGN_REWRITE, FOREIGN_NAT, FOREIGN_MARK, FOREIGN_FLOWTABLE, FOREIGN_FILTER,
	FOREIGN_IPSEC,		/* a policy of IPsec; table and chain are "" */
	FOREIGN_TCX,		/* a program at the interface `index`; table and chain are "" */
	FOREIGN_NETWORK,	/* a program of the network namespace; table is "", chain: "sk_lookup" or "flow_dissector" */
	FOREIGN_HOOK,		/* a function; table: its module, or "", chain: the function, what: hook and priority ("forward -225") */
	FOREIGN_PROGRAM,	/* a program of BPF at a hook; table and chain as of FOREIGN_HOOK */
	FOREIGN_UNLISTED,	/* this kernel does not list what is hooked in; table and chain are "" */
	FOREIGN_KIND_COUNT
};

enum { FOREIGN_NAME_BYTES = 64, FOREIGN_ITEMS_MAX = 128 };

/* Names are cut to their room; what a shell could take for something else stands as '?'. */
struct foreign_item {
	enum foreign_kind kind;
	uint32_t family;	/* NFPROTO_* of the table; 0: no table */
	uint32_t index;		/* FOREIGN_TCX, and FOREIGN_HOOK of netdev: of the interface; else 0 */
	char table[FOREIGN_NAME_BYTES], chain[FOREIGN_NAME_BYTES];
	char what[FOREIGN_NAME_BYTES]; /* the first expression or target of that kind in the chain */
};

/* At most one item per kind and chain, FOREIGN_ITEMS_MAX in all; what is more is left out. */
struct foreign {
	struct foreign_item *items;
	size_t count;
};

/* A family (NFPROTO_*) as nft writes it; "?" for one that nf_tables does not know. */
const char *foreign_family(uint32_t family);

/* Copies a name that somebody else chose. */
void foreign_name(char to[static FOREIGN_NAME_BYTES], const char *name);

/* An empty collection with all its room in the arena. */
struct foreign foreign_in(struct arena *arena);

/*
 * Takes the items of one message of nf_tables: NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE or NFT_MSG_NEWFLOWTABLE. Of our own tables, of other types, and of what is
 * malformed nothing is taken.
 */
void foreign_take(struct foreign *foreign, const struct nlmsghdr *message);

/* Adds one item, unless it is there or there is no room. */
void foreign_add(struct foreign *foreign, const struct foreign_item *item);

/*
 * Hands visit every chain and rule of tables that are not dormant, and every flowtable, our own among them, as messages for foreign_take(). 0 or negative errno (-EINTR: they
 * are being changed).
 */
int foreign_each(struct nfnl *nfnl, void (*visit)(const struct nlmsghdr *message, void *context), void *context);

/* Reads all tables of others. In the arena. 0 or negative errno (-EINTR: they are being changed). */
int foreign_read_tables(struct arena *arena, struct nfnl *nfnl, struct foreign *ret_foreign);

/* Adds what the kernel has of IPsec policies. Kernels without IPsec have none. 0 or negative errno. */
int foreign_read_ipsec(struct foreign *foreign);

/* Adds the interfaces that have a program of tcx. Kernels before 6.6 have none. */
void foreign_read_tcx(struct foreign *foreign, const struct link_table *links);

/* Adds the programs of a network namespace; network: its descriptor (/proc/self/ns/net), or negative: none is added. */
void foreign_read_network(struct foreign *foreign, int network);

#endif
