/*
 * encode_elements: elements of a set, byte by byte. They are the bulk of every large batch, and an object of a library or a call for each attribute
 * would cost more than the kernel does.
 */
#ifndef KERNEL_ENCODE_ELEMENTS_H
#define KERNEL_ENCODE_ELEMENTS_H

#include <linux/netfilter/nf_tables.h>

#include "kernel/nfnl.h"
#include "ruleset/diff.h"

/*
 * Fills the body of one message (NFTA_SET_ELEM_LIST_*) with elements of the change from `first` on, as many as fit into NFNL_MESSAGE_BYTES_MAX, and returns
 * the index of the next one. What follows the message in its room must be zero. now: Unix time, for timeouts. offset not 0: stops at the element
 * that holds this offset of the message, and returns that one's index.
 */
size_t elements_put(struct nlmsghdr *message, const struct change *change, size_t first, int64_t now, uint32_t offset);

/* Writes the body of a message that asks for one element of an exact set by its key. */
void element_question_put(struct nlmsghdr *message, const struct table *table, const struct set *set, const struct element *element);

/* A comment as user data of the given type (NFTNL_UDATA_*_COMMENT), cut at what the kernel's tools take. Returns its length. */
size_t comment_put(uint8_t room[static NFT_USERDATA_MAXLEN], uint8_t type, const char *comment);

#endif
