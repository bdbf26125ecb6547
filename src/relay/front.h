/*
 * front: what front.c (the listener) and front_session.c (one connection) share.
 *
 * The front stands on the Internet side and speaks SMTP with whoever may deliver. The listener accepts and forks; it reads no byte of a
 * connection. The process of a connection can open no file, no socket and no program: it has the connection, a socket to the keeper, and
 * what the keeper gives it.
 */
#ifndef RELAY_FRONT_H
#define RELAY_FRONT_H

#include "base/netaddr.h"
#include "policy/policy.h"

/* Serves one connection to its end. All descriptors are the caller's. */
void front_session_run(const struct relay *relay, const struct netaddr *client, int socket, int keeper);

/* Milliseconds of the monotonic clock. */
int64_t front_now_ms(void);

#endif
