/*
 * survey_dump: one question to the kernel, and its whole answer. Private to survey*.c.
 */
#ifndef KERNEL_SURVEY_DUMP_H
#define KERNEL_SURVEY_DUMP_H

#include <libmnl/libmnl.h>

#include "kernel/survey.h"

/* A dump: a type of message, and what stands behind its header. take gets every message of the answer. */
struct survey_dump {
	uint16_t type;
	const void *header;
	size_t header_bytes;
	void (*take)(void *context, const struct nlmsghdr *message);
};

/*
 * Asks by a socket of netlink and takes the answer. sequence: another one for each question of the socket. 0 or negative errno; that the kernel does not
 * have what is asked for (-EOPNOTSUPP, -EAFNOSUPPORT) is none, then there is nothing of it.
 */
int survey_dump(struct mnl_socket *socket, const struct survey_dump *dump, uint32_t sequence, void *context);

/* A socket of a netlink protocol; NULL, and errno: there is none. mnl_socket_close() gives it back. */
struct mnl_socket *survey_socket(int protocol);

/* A number of the host's byte order, as rtnetlink writes them; 0 when there is none. */
uint32_t survey_u32(const struct nlattr *attribute);

/* Adds traffic control: queueing disciplines that programs and redirections hang at, and filters at any other. 0 or negative errno. */
int survey_read_traffic_control(struct arena *arena, struct survey *survey);

/* Adds sockets of frames. */
void survey_read_frames(struct arena *arena, struct survey *survey);

/* Adds the traces of interfaces that sit on those of this namespace and are not here. 0 or negative errno. */
int survey_read_hidden(struct arena *arena, struct survey *survey);

#endif
