/*
 * notify: tells the service manager how we are (sd_notify(3)), by one datagram. No libsystemd: it does not belong in a process with capabilities.
 */
#ifndef SEKISHOD_NOTIFY_H
#define SEKISHOD_NOTIFY_H

/*
 * Sends state ("READY=1\nSTATUS=...") to the socket named by $NOTIFY_SOCKET, given as socket_name: a path, or '@' and an abstract name. NULL: nobody asked, 0. 0 or
 * negative errno; nobody has to care.
 */
int notify_send(const char *socket_name, const char *state);

#endif
