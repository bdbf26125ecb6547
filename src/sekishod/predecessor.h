/*
 * predecessor: the sekishod before this one, which was killed and is not quite gone.
 *
 * Its roles end a moment after it, and until then the socket that our tables belong to may be open in one of them. Whoever takes that for another program
 * forwards nothing, although the rules are the ones we are about to find.
 */
#ifndef SEKISHOD_PREDECESSOR_H
#define SEKISHOD_PREDECESSOR_H

#include "kernel/nfnl.h"

enum { PREDECESSOR_WAIT_MS = 3000 };	/* whatever owns the tables then is another program */

/* Waits until our tables belong to nobody else, but not for long. At the start, when what is in force is what was in force without us. */
void predecessor_await(struct nfnl *nfnl);

#endif
