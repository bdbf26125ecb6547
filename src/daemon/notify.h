/*
 * notify: tells the service manager how we are (sd_notify(3)), by one datagram. No libsystemd: it does not
 * belong in a process with capabilities.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/*
 * Sends state ("READY=1\nSTATUS=...") to the socket named by $NOTIFY_SOCKET, given as socket_name: a path,
 * or '@' and an abstract name. NULL: nobody asked, 0. Never waits. 0 or negative errno; -EAGAIN: the
 * manager has not read what it was told before.
 */
int notify_send(const char *socket_name, const char *state);

/* The same with a descriptor (SCM_RIGHTS), which stays the caller's; -1: none. */
int notify_send_descriptor(const char *socket_name, const char *state, int descriptor);

#endif
