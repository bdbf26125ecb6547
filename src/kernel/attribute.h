/*
 * attribute: netlink attributes of a received message, by type. What is longer than its frame, or of a type we
 * do not ask for, is left out.
 */
#ifndef KERNEL_ATTRIBUTE_H
#define KERNEL_ATTRIBUTE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a short netlink message that is built or received on the stack. */
enum { ATTRIBUTE_MESSAGE_BYTES = 8192 };

/* An iteration over attributes that lie one behind the other. */
struct attributes {
	const char *next;
	size_t left;
};

/* The attributes of a message behind its family header of header_bytes. */
struct attributes attributes_of_message(const struct nlmsghdr *message, size_t header_bytes);

/* The attributes inside a nest. */
struct attributes attributes_of_nest(const struct nlattr *nest);

/* The next attribute, or NULL after the last one or when what follows is malformed. */
const struct nlattr *attributes_next(struct attributes *attributes);

/*
 * Fills table, indexed by type, with the attributes of a type below count; the others stay NULL. The last one
 * of a type wins, as in the kernel. Returns false when there was one of a type from count on.
 */
bool attributes_sort(struct attributes attributes, const struct nlattr **table, size_t count);

/* The number in a big endian attribute of 4 or 8 bytes; 0 when attribute is NULL or of another size. */
uint32_t attribute_u32(const struct nlattr *attribute);
uint64_t attribute_u64(const struct nlattr *attribute); /* see attribute_u32() */

/* The text of an attribute when it is NUL-terminated inside its frame, else "" (also for NULL). */
const char *attribute_text(const struct nlattr *attribute);

#endif
