/*
 * install: brings the kernel to hold a ruleset. The enforcer's hands; the proof is done before.
 *
 * Every attempt begins with what the kernel holds, commits the difference by compare-and-swap on the
 * generation, and believes the result only after reading it back: rules and chains as a whole, of known sets
 * the elements it changed, of all other sets every element. Whatever is in our tables and is not of
 * our kind goes away with the same transaction.
 */
#ifndef SEKISHOD_INSTALL_H
#define SEKISHOD_INSTALL_H

#include "base/finding.h"
#include "kernel/nfnl.h"
#include "kernel/snapshot.h"
#include "sekishod/holding.h"
#include "sekishod/messages.h"

enum { INSTALL_ATTEMPTS_MAX = 8 };	/* somebody else may commit between our reading and our writing so often */

/*
 * Installs wanted but for the elements that are over by now: a ruleset may be put back long after it was made. 0: the kernel holds it, and so does holding; otherwise negative errno, and findings say why.
 * What was sent before it failed may be in the kernel then, and holding is touched.
 * now: Unix time. What holding knows of the kernel need not be read again.
 */
int ruleset_install(struct nfnl *nfnl, struct holding *holding, const struct ruleset *wanted, int64_t now, struct findings *findings,
		    struct committed *ret_committed);

/*
 * Installs what differs from what was installed last in a few elements at once, whoever else commits meanwhile: no compare-and-swap. Then it is read back
 * like any other; what is not as it should be is installed the usual way. Otherwise as ruleset_install().
 */
int ruleset_install_at_once(struct nfnl *nfnl, struct holding *holding, const struct ruleset *wanted, int64_t now, struct findings *findings,
			    struct committed *ret_committed);

/*
 * The transition from a snapshot to wanted. What the snapshot could not decode differs from what is wanted
 * and is replaced; where nothing less helps, the table of that family is deleted and made anew in the same
 * transaction. In the arena; the snapshot must outlive it.
 */
struct transition install_plan(struct arena *arena, const struct snapshot *snapshot, const struct ruleset *wanted);

#endif
