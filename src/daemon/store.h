/*
 * store: descriptors that outlive the daemon, in the service manager's store (sd_notify(3), FDSTORE=1; sd_listen_fds(3)).
 *
 * The manager gives them back to the next process of the service, however this one ends, and drops them when the service is stopped.
 */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

/*
 * The descriptor that the manager has kept under a name, from $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES; it is not inherited by roles. -1: there is none. Call
 * it once: the others are closed, and the variables removed.
 */
int store_take(const char *name);

/*
 * Has the manager ($NOTIFY_SOCKET, given as socket_name) keep a descriptor under a name, instead of one that it has there; ours stays open. It is kept whatever
 * poll() says of it. NULL: there is no manager, 0. 0 or negative errno.
 */
int store_put(const char *socket_name, const char *name, int descriptor);

#endif
