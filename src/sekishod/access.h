/*
 * access: who may ask what of the daemon.
 *
 * What somebody may do follows from who the kernel says he is (SO_PEERCRED and SO_PEERGROUPS, socket(7), unix(7)) and from one table: for each verb the least
 * standing that may use it. Nothing else decides it: not the socket by which he came, nor anything he says.
 */
#ifndef SEKISHOD_ACCESS_H
#define SEKISHOD_ACCESS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "daemon/caller.h"
#include "wire/frame.h"

#define ACCESS_OPERATOR_GROUP "sekisho-operator"
#define ACCESS_AUDITOR_GROUP "sekisho-auditor"

/* Each may do what those before it may. */
enum access {
	ACCESS_NONE,
	ACCESS_AUDITOR,		/* a member of ACCESS_AUDITOR_GROUP: reads */
	ACCESS_OPERATOR,	/* a member of ACCESS_OPERATOR_GROUP: applies, confirms, isolates, releases */
	ACCESS_ROOT,		/* root, or the user we run as */
};

/* The groups as /etc/group had them when it was last read. */
struct access_groups {
	bool has_operator, has_auditor;
	uint32_t operator_gid, auditor_gid;
	struct stat read_at;	/* of the file, to see that it was changed */
};

/* Reads the groups again if the file is another than before. A file that cannot be read has no groups. */
void access_groups_renew(struct access_groups *groups);

/* What whoever connected to a Unix socket may do. A group that does not exist has no members. */
enum access access_of_socket(const struct access_groups *groups, int socket, const struct caller *caller);

/* True when the table lets this standing use the verb. What is no request of a command is let to nobody. */
bool access_allows(enum access access, enum verb verb);

/* The group that is needed for a verb; "root" where none is enough. */
const char *access_group(enum verb verb);

#endif
