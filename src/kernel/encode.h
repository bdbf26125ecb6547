/*
 * encode: changes of a ruleset as nf_tables messages (linux/netfilter/nf_tables.h), by libnftnl for rules,
 * chains and sets, and directly for elements.
 */
#ifndef KERNEL_ENCODE_H
#define KERNEL_ENCODE_H

#include "kernel/nfnl.h"
#include "ruleset/diff.h"

/* What a sequence number of the batch stood for. */
struct encoded_message {
	uint32_t sequence;
	const struct change *change;
	size_t first; /* element messages: index of the first one in change->elements; rule messages: index into
			 change->chain->rules */
};

struct encoded {
	struct encoded_message *messages; /* by rising sequence */
	size_t count, capacity;
};

/*
 * Appends changes to the batch. now: Unix time, for timeouts; an element whose time has come gets the shortest
 * timeout there is, never none. own: new tables are made OWNER|PERSIST, which only kernels with
 * table_owner_persist take, and belong to the socket that commits the batch; the caller keeps that socket for
 * good. The map from sequence to change is in the arena; changes must outlive it.
 *
 * Elements of sets with `timeout` may be gone by the time they are deleted: the kernel then refuses the batch
 * with ENOENT, and the caller takes a new snapshot. Comments of chains are not encoded.
 */
void ruleset_encode(struct arena *arena, struct nfnl_batch *batch, const struct changes *changes, int64_t now,
		    bool own, struct encoded *ret_encoded);

/* The sentence for a refused batch: which object, which element, the kernel's errno in words. In the arena. */
const char *encode_explain(struct arena *arena, const struct encoded *encoded, const struct nfnl_error *error);

#endif
