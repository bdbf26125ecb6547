/*
 * expressions: rules as nf_tables expressions, in the shapes nft 1.0.6 makes, so that `nft list` prints them as
 * they were meant (P6).
 *
 * A key is loaded from the first data register on, field behind field in slots of 4 bytes. Fields that the
 * kernel holds in host byte order (marks, indexes, user ids) are compared in host byte order everywhere but in
 * interval sets: ranges need an order, so there a byteorder expression precedes and the elements are big
 * endian.
 */
#ifndef KERNEL_EXPRESSIONS_H
#define KERNEL_EXPRESSIONS_H

#include <libnftnl/rule.h>

#include "ruleset/ruleset.h"

enum {
	LOG_QUEUE_THRESHOLD = 16, /* packets per NFLOG datagram: a refused packet costs 2.9 us instead of 4.7 */
	REGISTER_SLOTS = 16, /* 4-byte slots of the data registers */
	KEY_TYPE_BITS = 6, /* nft packs the types of a key's fields into 32 bits: five fields at most */
	KEY_TYPED_FIELDS_MAX = 5,
	MARK_TYPE = 19, /* nft's TYPE_MARK, of the data of a map */
};

/* The expression that loads a field. */
enum source_kind { SOURCE_NONE, SOURCE_META, SOURCE_CT, SOURCE_PAYLOAD, SOURCE_RT, SOURCE_EXTHDR };

struct field_source {
	enum source_kind kind;
	uint32_t key; /* NFT_META_*, NFT_CT_*, NFT_RT_*; payload: NFT_PAYLOAD_*_HEADER; exthdr: the header's
			 protocol number */
	uint32_t offset;	/* payload */
	bool host_order;	/* the register holds it in host byte order */
	uint32_t type;		/* nft's number of the data type (include/datatype.h of nftables) */
};

/* Where the kernel gets a field from. field is not FIELD_NONE. */
const struct field_source *field_source(enum field field);

/* The nf_tables number of a register slot from 0 to REGISTER_SLOTS - 1, as nft counts: 1, 9, 10, 11, 2, 13, ... */
uint32_t register_of_slot(size_t slot);

/* The slot of a register number; -1 when it is no data register. */
int slot_of_register(uint32_t number);

/* Turns the bytes of a value round when host and network byte order differ. */
void bytes_swap_order(uint8_t *bytes, size_t size);

/*
 * Copies a key of key_size() bytes from network order to the order in which the set's elements are kept, or
 * back: it is its own inverse.
 */
void key_swap_order(const struct set *set, const uint8_t *key, uint8_t *ret_key);

/* The kernel's number of a verdict: NF_ACCEPT, NFT_GOTO, ... kind is not VERDICT_NONE. */
int32_t verdict_number(enum verdict_kind kind);

/* The verdict of a number of the kernel; VERDICT_NONE when this program knows none. */
enum verdict_kind verdict_of_number(int32_t number);

/* Appends the expressions of a rule; table has the sets it looks up. */
void expressions_put(struct nftnl_rule *out, const struct table *table, const struct rule *rule);

#endif
