/*
 * confirm: what a transition of ours left in the kernel's sets, without reading all their elements again.
 *
 * The kernel begins a dump of a large hash set anew for every 32 KiB of it, so that reading one takes time with
 * the square of its size. After a transition that changed a few elements of a set that was known before, it is
 * enough to ask for these: nobody else had a hand in it as long as the generation is that of our commit.
 */
#ifndef KERNEL_CONFIRM_H
#define KERNEL_CONFIRM_H

#include "kernel/nfnl.h"
#include "ruleset/diff.h"

enum { CONFIRM_QUESTIONS_MAX = 1024 };	/* a set with more changed elements is better read as a whole */

/*
 * Asks the kernel for the elements that a committed transition added to or deleted from exact sets, and gives
 * the sets of its target whose elements are known thereby: those that no change touched, and those in which
 * every added element is there with its data, comment and expiry and every deleted one is gone. The other ones
 * (new sets, sets of ranges that changed, sets with more than CONFIRM_QUESTIONS_MAX changes, sets in which
 * something is not as it should be) are left out, and snapshot_read() reads them. now: Unix time.
 *
 * In the arena; elements are shared with the target.
 */
struct ruleset transition_confirm(struct arena *arena, struct nfnl *nfnl, const struct transition *transition, int64_t now);

#endif
