/*
 * hooks: who takes packets beside nf_tables. Needs CAP_NET_ADMIN.
 *
 * A chain of nf_tables is a function that is hooked into the way of packets, one among others: connection tracking is one, and so is whatever a module of the
 * kernel hooks there, which may send a packet on, change it, or take it away before or after our rules have judged it. No table shows that. The
 * kernel lists them by family and hook with function, module and priority (linux/netfilter/nfnetlink_hook.h; Linux 5.14 and later, where it was built with it:
 * Debian's 6.12 is, its 6.1 is not). Where in the way a function stands does not matter (kernel/foreign.h); what it is does:
 *
 *	known		chains, connection tracking, the core of NAT, the older iptables, IPVS, flowtables: what they do is found where it is told to them.
 *			Security modules: they can but drop
 *	FOREIGN_PROGRAM	a program of BPF: it can but drop
 *	FOREIGN_HOOK	anything else
 */
#ifndef KERNEL_HOOKS_H
#define KERNEL_HOOKS_H

#include "kernel/foreign.h"

/*
 * Takes the item of one message of the list, of the interface index, 0: of none. Of a module there is one item, whatever it hooks: the first. Of what is malformed
 * nothing is taken; a function without a name is not known.
 */
void hook_take(struct foreign *foreign, const struct nlmsghdr *message, uint32_t index);

/* Adds what is hooked in, of all families and interfaces. 0 or negative errno; -EOPNOTSUPP: this kernel does not list it. */
int hooks_read(struct foreign *foreign, struct nfnl *nfnl, const struct link_table *links);

#endif
