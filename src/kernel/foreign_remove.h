/*
 * foreign_remove: takes away tables of others that lead past our rules, where the zone file wants that (foreign_bypass).
 *
 * A chain of somebody else that hands packets on before ours are asked, or after they were, cannot be outrun: whoever may make it may make it at any priority. What
 * can be done is to make its time short. A table goes as a whole, because what is left of it would be a policy that nobody wrote. Only what carries
 * packets past the rules or changes what they judge goes (redirect, handover, rewrite, nat, flowtable, see kernel/foreign.h); a table that drops, marks, counts or looks
 * is left alone.
 */
#ifndef KERNEL_FOREIGN_REMOVE_H
#define KERNEL_FOREIGN_REMOVE_H

#include "kernel/foreign.h"

enum { FOREIGN_REMOVED_MAX = 16 };	/* at a time; what is more goes with the next change */

/* A table that led past the rules: the first item that was found in it, and what became of it. */
struct foreign_removed {
	struct foreign_item item;
	int error;		/* 0: it is gone; -EPERM: it belongs to a program that runs; other negative errno */
};

/*
 * Looks through all tables of others and removes those that lead past the rules, each in a transaction of its own. *ret_count of them are in ret_removed. 0 or
 * negative errno: they could not be read (-EINTR: they are being changed).
 */
int foreign_remove(struct arena *arena, struct nfnl *nfnl, struct foreign_removed ret_removed[static FOREIGN_REMOVED_MAX], size_t *ret_count);

#endif
