/*
 * view: a snapshot of our tables as bytes, for whoever the kernel does not show them to. The enforcer, who read them, packs it; the sekisho command of
 * an auditor unpacks it and proves and compares by itself.
 *
 * The reader trusts nothing: unpacking checks every length and text, and the ruleset as ruleset/pack.h says. A ruleset with aliens in it is not well formed and
 * is withheld: then the aliens are told and no more.
 */
#ifndef KERNEL_VIEW_H
#define KERNEL_VIEW_H

#include "kernel/snapshot.h"

enum { VIEW_ALIENS_MAX = 64 /* told one by one */, VIEW_TEXT_BYTES_MAX = 1024 };

/* Appends a snapshot. */
void view_pack(struct buf *out, const struct snapshot *snapshot);

/*
 * Unpacks one; the bytes must stay where they are as long as the snapshot lives. *ret_withheld: there are rules of ours, and only the aliens among them are told. Of more
 * than VIEW_ALIENS_MAX only so many are there. 0 or -EBADMSG.
 */
int view_unpack(struct arena *arena, struct span bytes, struct snapshot *ret_snapshot, bool *ret_withheld);

#endif
