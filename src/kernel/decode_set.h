/*
 * decode_set: sets, maps and their elements as the kernel holds them. Elements are read attribute by attribute:
 * there may be hundreds of thousands.
 */
#ifndef KERNEL_DECODE_SET_H
#define KERNEL_DECODE_SET_H

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>

#include "base/buf.h"
#include "ruleset/ruleset.h"

/*
 * Decodes everything about a set but its elements. 0; -EBADMSG: not of our kind (ret_set then has the name
 * only), and *ret_why says what was not understood. The result is in the arena.
 */
int set_decode(struct arena *arena, const struct nftnl_set *set, struct set *ret_set, const char **ret_why);

/* The elements of one set while its dump is read. */
struct element_reader {
	struct arena *arena;
	struct set *set;
	int64_t now_ms;		/* Unix time in milliseconds, at since_ms */
	int64_t since_ms;	/* of reading_clock_ms() */
	struct buf found;	/* struct found_element, in the order of the dump */
	const char *why;	/* what was not understood first; NULL: everything was */
};

/* A clock that nobody sets, in milliseconds. */
int64_t reading_clock_ms(void);

/*
 * A reader for the elements of set, which was decoded before. now: Unix time when reading_clock_ms() was since_ms, to make absolute expiry from what
 * remains. Each message tells what remains when it is read, and a large set takes seconds.
 */
struct element_reader element_reader_begin(struct arena *arena, struct set *set, int64_t now, int64_t since_ms);

/*
 * Takes one message of an element dump, which was read when reading_clock_ms() was read_ms. Elements that are not understood are left out and leave a word in
 * reader->why.
 */
void element_reader_take(struct element_reader *reader, const struct nlmsghdr *message, int64_t read_ms);

/*
 * Gives the set its elements, sorted, and the reader's memory back. 0; -EAGAIN: an element came twice, so read
 * the set again. The kernel goes on with a dump by counting how many elements it has sent; when a hash table
 * grew meanwhile, they stand in another order, and for each one that comes twice another one does not come at
 * all. It tells nobody: the generation stays the same.
 */
int element_reader_finish(struct element_reader *reader);

/* Forgets what was read. */
void element_reader_cancel(struct element_reader *reader);

#endif
