/*
 * terminal: the TCP connections over which the person who gives a command is logged in.
 *
 * The daemon is told of them, so that it can refuse a change that would cut them (lockout). They are found in
 * two ways: SSH_CONNECTION, which sudo and su drop, and the sockets of all processes above this one. A command that
 * the service manager gives for somebody (systemctl reload) has nobody above it: then every connection that
 * somebody has made to this machine may be that person's. What is found is a help for the person who asks and no
 * proof of anything.
 */
#ifndef SEKISHO_TERMINAL_H
#define SEKISHO_TERMINAL_H

#include "base/netaddr.h"

struct terminal_connection {
	struct netaddr source, destination;	/* the person's machine; the gateway. Of one family */
	uint16_t source_port, destination_port;
};

enum {
	TERMINAL_CONNECTIONS_MAX = 64,	/* the daemon takes no more */
	TERMINAL_ANCESTORS_MAX = 64,	/* processes above this one that are looked at */
};

/*
 * Finds the connections; no one twice, none over loopback. ssh_connection: the value of SSH_CONNECTION ("client
 * port server port") or NULL. Sockets of processes that may not be looked at are passed over. any: every established
 * TCP connection to a port that is listened on. Returns how many were found.
 */
size_t terminal_connections(struct arena *arena, const char *ssh_connection, bool any,
			    struct terminal_connection connections[static TERMINAL_CONNECTIONS_MAX]);

#endif
