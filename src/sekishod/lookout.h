/*
 * lookout: the enforcer's part of the survey: what only CAP_NET_ADMIN may see, or hold where it belongs.
 *
 * The planner asks every few seconds and has an answer each time. Between two questions it is told once more, when somebody else changed rules: once, because a
 * planner that does not read must not stop the enforcer. Tables are read again only when the kernel's generation has moved,
 * or something was found in them.
 */
#ifndef SEKISHOD_LOOKOUT_H
#define SEKISHOD_LOOKOUT_H

#include "kernel/foreign.h"
#include "ruleset/program.h"

struct lookout {
	struct arena *arena;	/* of the tables; NULL: never read */
	struct foreign tables;	/* what is in tables of others */
	uint32_t generation;	/* of nf_tables, when they were read */
	bool may_tell;		/* the planner has asked since it was told unasked */
	int network;		/* descriptor of this network namespace; negative: none */
	bool unlisted;		/* the kernel does not list what is hooked in beside nf_tables; it was asked once */
};

/* Opens what cannot be opened behind a filter of system calls, and has the kernel load what it lists hooks by. lookout_free() gives it back. */
struct lookout lookout_open(struct nfnl *nfnl);

/*
 * Looks, and tells the planner by VERB_FOREIGN; asked: by its question, else nothing is done unless it may be told. links: all interfaces as they are now. What cannot be read is logged, and
 * what was read before is told. 0 or negative errno of the sending.
 */
int lookout_tell(struct lookout *lookout, struct nfnl *nfnl, const struct link_table *links, int planner, bool asked);

/* Puts the switches of the zones' interfaces (kernel/devconf.h) back where they belong, and logs those that were not. */
void lookout_hold(const struct program_input *pins, const struct link_table *links);

/* Gives back the memory and the descriptor. */
void lookout_free(struct lookout *lookout);

#endif
