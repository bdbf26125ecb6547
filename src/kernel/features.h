/*
 * features: what this kernel can do; found by asking it, never by its version.
 */
#ifndef KERNEL_FEATURES_H
#define KERNEL_FEATURES_H

#include "kernel/nfnl.h"

/* Flags of a table that the headers of Debian 12 do not know yet (linux/nf_tables.h, kernel 6.9). */
enum { TABLE_FLAG_DORMANT = 1, TABLE_FLAG_OWNER = 2, TABLE_FLAG_PERSIST = 4 };

struct kernel_features {
	bool table_owner_persist; /* both flags together; OWNER alone is of no use: its table vanishes with the
				     socket, and everything is open */
};

/* The table the probe pretends to make. */
#define FEATURES_PROBE_TABLE "sekisho-probe"

/* Asks by dry runs, so nothing is changed and nothing can be left behind. 0 or negative errno. */
int features_probe(struct nfnl *nfnl, struct kernel_features *ret_features);

#endif
