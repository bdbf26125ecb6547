/*
 * backstop: a second table behind ours, for kernels where ours can have no owner (before 6.9).
 *
 * There root's `nft flush ruleset`, which many a service begins with, takes our tables away. The backstop stays: a table that has an owner without staying
 * when he is gone (Linux 5.12) is passed by as well. All it holds is a chain behind our chain forward: what carries no mark of a connection is dropped. Our
 * program marks the first packet of each connection of a flow and accepts nothing by the mark 0 (ruleset/compile.h), so that the backstop drops nothing that
 * our tables accept; and without them no connection gets a mark. So a flush begins nothing new between zones. Connections that were
 * marked before go on until the tables are back, also those that were cut.
 *
 * It is no part of the ruleset, and nothing is proved of it: it can only drop. When the socket is closed everywhere it vanishes, and our tables filter alone.
 *
 *	table inet sekisho-backstop { flags owner; chain forward { type filter hook forward priority 10; policy drop; ct mark != 0 accept; } }
 */
#ifndef KERNEL_BACKSTOP_H
#define KERNEL_BACKSTOP_H

#include <libmnl/libmnl.h>

#include "kernel/nfnl.h"

#define BACKSTOP_TABLE "sekisho-backstop"

/* True when a message that tells of a table (NFT_MSG_NEWTABLE) tells of the backstop of the socket with this port: nobody else can have put anything into it. */
bool backstop_is(const struct nlmsghdr *message, uint32_t port_id);

/*
 * Makes the backstop this socket's. What is that already is as it was made, because nobody else could change it, and nothing is done. 0; -EOPNOTSUPP: the kernel
 * knows no owners at all; -EEXIST or -EPERM: somebody else has a table of that name; other negative errno. Nothing is changed then.
 */
int backstop_hold(struct nfnl *nfnl);

#endif
