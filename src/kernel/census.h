/*
 * census: how many connections carry which mark, read bit by bit, so that whoever counts can do other things meanwhile: a table of connections takes the kernel
 * more than a second per million to show.
 *
 * It has a socket of its own. As with every dump of a table that changes all the time, a connection that ends meanwhile may be counted, and one that begins
 * meanwhile may be missed.
 */
#ifndef KERNEL_CENSUS_H
#define KERNEL_CENSUS_H

#include <libmnl/libmnl.h>

#include "base/buf.h"
#include "kernel/conntrack.h"

enum { CENSUS_DATAGRAMS_MAX = 16 };	/* that are taken at once, of 32 KiB at most */

struct census {
	struct mnl_socket *socket;	/* NULL: not open */
	unsigned int sequence;		/* of the request at work */
	bool running;
	struct buf found;		/* one mark per connection so far */
};

/* Opens the socket. 0 or negative errno. */
int census_open(struct census *ret_census);

/* What to wait at for something to read; -1 while nothing is asked. */
int census_descriptor(const struct census *census);

/* Asks for all connections, IPv4 and IPv6; must not be running. 0 or negative errno. */
int census_begin(struct census *census);

/*
 * Takes what has come. 1: that is all, and *ret_marks says it, in the arena; 0: there is more to come; negative errno: it ended without a result (-EOPNOTSUPP,
 * -EINVAL: there is no ctnetlink).
 */
int census_read(struct census *census, struct arena *arena, struct held_marks *ret_marks);

/* Closes the socket. */
void census_close(struct census *census);

#endif
