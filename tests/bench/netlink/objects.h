/*
 * objects: a batch as a program makes it that has libnftnl and flat arrays of elements, and nothing of ours: what the load bench is measured by.
 *
 * From the bytes of a batch come tables, chains, sets and rules as objects of libnftnl, and the elements as arrays of what libnftnl wants to be told of
 * each. Building the batch again is the other's work: an object for each element, its messages, and the objects given back. Objects of what are few whatever
 * the number of flows stand ready, which is in the other's favour.
 */
#ifndef BENCH_NETLINK_OBJECTS_H
#define BENCH_NETLINK_OBJECTS_H

#include "base/arena.h"
#include "base/buf.h"

struct objects;

/* Takes apart a batch that only adds: from its BATCH_BEGIN on, which is left away. In the arena. What is not understood ends the process. */
struct objects *objects_of_batch(struct arena *arena, struct span batch);

/* Appends the batch, from BATCH_BEGIN to the last message before BATCH_END. */
void objects_build(const struct objects *objects, struct buf *out);

/* Gives back what libnftnl has of it. */
void objects_free(struct objects *objects);

#endif
