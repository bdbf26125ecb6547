/*
 * foreign_messages: the payload of VERB_FOREIGN, what the enforcer found in tables of others (kernel/foreign.h).
 *
 * The names in it were chosen by strangers; reading takes only what foreign_take() would have written.
 */
#ifndef SEKISHOD_FOREIGN_MESSAGES_H
#define SEKISHOD_FOREIGN_MESSAGES_H

#include "base/buf.h"
#include "kernel/foreign.h"

/* Appends a payload. */
void foreign_pack(struct buf *out, const struct foreign *foreign);

/* Reads a payload, into the arena: 0 or -EBADMSG. */
int foreign_unpack(struct arena *arena, struct span payload, struct foreign *ret_foreign);

#endif
