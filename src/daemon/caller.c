/* caller: who is at the other end of a local socket. */
#include "daemon/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 48, TEXT_BYTES = 32 };

/* The first line of a file in /proc; false when there is none. */
static bool process_file_read(uint32_t pid, const char *name, char text[static TEXT_BYTES])
{
	char path[PATH_BYTES];
	ssize_t length = -1;
	int file;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0) {
		length = read(file, text, TEXT_BYTES - 1);
		close(file);
	}
	if (length < 0)
		return false;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/* Adds what /proc says to the pid. */
static void caller_look_up(struct caller *caller)
{
	char text[TEXT_BYTES];
	uint32_t login;

	if (process_file_read(caller->pid, "comm", text))
		snprintf(caller->process, sizeof(caller->process), "%s", text);
	if (!process_file_read(caller->pid, "loginuid", text))
		return;
	login = (uint32_t)strtoul(text, NULL, 10);
	caller->logged_in = login != UINT32_MAX;
	caller->login = caller->logged_in ? login : 0;
}

int caller_of_socket(int socket, struct caller *ret_caller)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
		return -errno;
	*ret_caller = (struct caller){ .pid = (uint32_t)credentials.pid, .uid = credentials.uid };
	caller_look_up(ret_caller);
	return 0;
}

/* The supplementary groups of the peer, on the heap; NULL: none, or they cannot be had. */
static gid_t *groups_read(int socket, size_t *ret_count)
{
	socklen_t bytes = 0;
	gid_t *groups;

	/* The kernel says how many bytes they have. */
	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, NULL, &bytes) == 0 || errno != ERANGE)
		return NULL;
	groups = malloc(bytes);
	if (groups && getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) == 0) {
		*ret_count = bytes / sizeof(*groups);
		return groups;
	}
	free(groups);
	return NULL;
}

bool caller_has_group(int socket, uint32_t gid)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);
	gid_t *groups;
	size_t count = 0;
	bool has;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
		return false;
	has = credentials.gid == gid;
	groups = groups_read(socket, &count);
	for (size_t i = 0; !has && i < count; i++)
		has = groups[i] == gid;
	free(groups);
	return has;
}

void caller_of_process(uint32_t pid, struct caller *ret_caller)
{
	char path[PATH_BYTES];
	struct stat status;

	*ret_caller = (struct caller){ .pid = pid };
	snprintf(path, sizeof(path), "/proc/%u", pid);
	if (stat(path, &status) == 0)
		ret_caller->uid = status.st_uid;
	caller_look_up(ret_caller);
}
