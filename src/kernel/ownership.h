/*
 * ownership: whose our tables are (linux/nf_tables.h, kernel 6.9).
 *
 * A table that is made OWNER|PERSIST belongs to the socket that made it: nobody else, root included, can change or delete it, and `nft flush ruleset` passes
 * it by. When that socket is closed everywhere, the table stays as it is, an orphan: anybody can change it, and the first who claims it owns it. A
 * table that was made without an owner can never get one; it has to be made anew, which would leave a moment without it.
 */
#ifndef KERNEL_OWNERSHIP_H
#define KERNEL_OWNERSHIP_H

#include "kernel/nfnl.h"

/* What holds for all our tables: the worst of what holds for each. Better ones first. */
enum ownership {
	OWNERSHIP_OWN,		/* this socket's, or there is none yet */
	OWNERSHIP_NONE,		/* nobody's, because the kernel knows no owners, or we do not want them */
	OWNERSHIP_ORPHANED,	/* one has lost its owner */
	OWNERSHIP_OPEN,		/* one was made without an owner */
	OWNERSHIP_FOREIGN,	/* one belongs to another socket */
	OWNERSHIP_COUNT
};

/* Finds out whether tables that this socket makes can be its own, and sets nfnl->owns_tables. 0 or negative errno. */
int ownership_begin(struct nfnl *nfnl);

/* How it is now. 0 or negative errno. */
int ownership_read(struct nfnl *nfnl, enum ownership *ret_ownership);

/*
 * Makes every orphan this socket's, if it owns tables at all; nothing in them changes. 0; -EPERM: one belongs to somebody else, who may let pass what he
 * likes, whatever is in it now; other negative errno.
 */
int ownership_claim(struct nfnl *nfnl);

#endif
