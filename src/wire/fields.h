/*
 * fields: numbers, texts and addresses in the payloads of frames, field by field, little endian.
 *
 * Writing appends to a buf. Reading takes from the front of a span and says false when the field is not there whole; what was taken points
 * into the payload. Nothing here judges a value: that is the reader's work.
 */
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/netaddr.h"

/* Each appends a number of as many bits. */
void buf_put_u8(struct buf *out, uint8_t value);
void buf_put_u16(struct buf *out, uint16_t value);	/* see buf_put_u8() */
void buf_put_u32(struct buf *out, uint32_t value);	/* see buf_put_u8() */
void buf_put_u64(struct buf *out, uint64_t value);	/* see buf_put_u8() */

/* Appends bytes with their number (4 bytes) in front; at most 4 GiB. */
void buf_put_text(struct buf *out, struct span text);

/* Appends an address: its family and 16 bytes. */
void buf_put_netaddr(struct buf *out, const struct netaddr *address);

/* Each takes a number of as many bits; false when there are fewer. */
bool span_take_u8(struct span *bytes, uint8_t *ret_value);
bool span_take_u16(struct span *bytes, uint16_t *ret_value);	/* see span_take_u8() */
bool span_take_u32(struct span *bytes, uint32_t *ret_value);	/* see span_take_u8() */
bool span_take_u64(struct span *bytes, uint64_t *ret_value);	/* see span_take_u8() */

/* Takes count bytes as they are; false when there are fewer. */
bool span_take_bytes(struct span *bytes, size_t count, struct span *ret_bytes);

/* Takes what buf_put_text() wrote. */
bool span_take_text(struct span *bytes, struct span *ret_text);

/* Takes what buf_put_netaddr() wrote; false also when it is no address in its one form. */
bool span_take_netaddr(struct span *bytes, struct netaddr *ret_address);

#endif
