/*
 * wiring: what the parent does for the sentry: it opens a socket of frames for each interface of a zone, and tells who belongs where.
 *
 * It needs CAP_NET_RAW, and reads the interfaces of this machine and the pins, nothing else. The planner says when something has changed, and which
 * interface has the name of a zone's and is no member of it; so all it can do is to leave one out.
 */
#ifndef SEKISHOD_WIRING_H
#define SEKISHOD_WIRING_H

#include "daemon/crew.h"
#include "ruleset/pins.h"
#include "wiring/layout.h"

/* A socket of frames; open as long as its interface is a member of a zone, so that a sentry that is started again gets the same one. */
struct wiring_port {
	uint32_t index;
	int socket;
	bool told;		/* the sentry has it */
};

struct wiring {
	struct wiring_port ports[LAYOUT_PORTS_MAX];
	size_t port_count;
	int layout;		/* sealed memfd; -1: nothing to tell yet */
};

/* Nothing is watched. */
struct wiring wiring_none(void);

/*
 * Something has changed; barred are the indexes of interfaces that are left out (4 bytes each): closes and opens sockets, and tells the sentry. 0;
 * -EBADMSG: that is no such list; other negative errno: the interfaces could not be read, and everything is as before.
 */
int wiring_renew(struct wiring *wiring, const struct pins *pins, struct span barred, struct crew *crew, int sentry);

/* Appends the inodes of the sockets that are open, 4 bytes each. */
void wiring_inodes(const struct wiring *wiring, struct buf *out);

/* The sentry was started: it gets everything. */
void wiring_tell_all(struct wiring *wiring, struct crew *crew, int sentry);

/* Closes everything. */
void wiring_close(struct wiring *wiring);

#endif
