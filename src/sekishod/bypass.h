/*
 * bypass: the enforcer takes away what others have put into nf_tables to lead past the rules, when the zone file says foreign_bypass = "remove".
 *
 * It is done when the kernel tells that somebody changed rules, before anything else is asked, and with each look of the survey. Each table that goes is a line of
 * the log and a record of the journal, which name who made the last change. One that cannot be taken away, because it belongs to a program that runs, is told
 * once, and stays a finding of the survey.
 */
#ifndef SEKISHOD_BYPASS_H
#define SEKISHOD_BYPASS_H

#include "kernel/nfnl.h"
#include "kernel/nft_watch.h"

struct bypass {
	struct nft_change change;	/* the last that somebody else made; process 0: none was seen */
	uint32_t generation;		/* of nf_tables, when nothing was left that could be removed; 0: not known */
};

/* Somebody else changed rules. */
void bypass_note(struct bypass *bypass, const struct nft_change *change);

/* Looks, unless nothing has changed since the last time, and removes. True: something was removed. */
bool bypass_remove(struct bypass *bypass, struct nfnl *nfnl);

#endif
