/* predecessor: the sekishod before this one, which was killed and is not quite gone. */
#include "sekishod/predecessor.h"

#include <time.h>

#include "base/log.h"
#include "kernel/ownership.h"

enum { LOOK_AGAIN_MS = 10 };

static bool tables_are_of_another(struct nfnl *nfnl)
{
	enum ownership ownership;

	return ownership_read(nfnl, &ownership) == 0 && ownership == OWNERSHIP_FOREIGN;
}

void predecessor_await(struct nfnl *nfnl)
{
	const struct timespec pause = { .tv_nsec = LOOK_AGAIN_MS * 1000000L };

	for (int waited_ms = 0; waited_ms < PREDECESSOR_WAIT_MS && tables_are_of_another(nfnl); waited_ms += LOOK_AGAIN_MS) {
		if (waited_ms == 0)
			log_event(LOG_LEVEL_NOTICE, "SKS-START", "the tables in the kernel belong to another program, perhaps to one of ours that is about to end");
		nanosleep(&pause, NULL);
	}
}
