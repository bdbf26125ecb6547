/* store: descriptors that outlive the daemon, in the service manager's store. */
#include "daemon/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/notify.h"

enum {
	LISTEN_FIRST = 3,		/* SD_LISTEN_FDS_START */
	LISTEN_COUNT_MAX = 64,
	STORE_STATE_BYTES = 128,
};

/* How many were given to us, and not to a parent of ours. */
static int given_count(void)
{
	const char *process = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	long number = process && count && strtol(process, NULL, 10) == getpid() ? strtol(count, NULL, 10) : 0;

	return number > 0 && number <= LISTEN_COUNT_MAX ? (int)number : 0;
}

/* Cuts the first of a list of names off that are kept apart by colons. */
static int name_is_next(const char **names, const char *name)
{
	size_t length = strcspn(*names, ":");
	int same = length == strlen(name) && strncmp(*names, name, length) == 0;

	*names += length + ((*names)[length] == ':');
	return same;
}

int store_take(const char *name)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int count = given_count(), found = -1;

	for (int descriptor = LISTEN_FIRST; descriptor < LISTEN_FIRST + count; descriptor++) {
		if (names && name_is_next(&names, name) && found < 0 && fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0)
			found = descriptor;
		else
			close(descriptor);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return found;
}

int store_put(const char *socket_name, const char *name, int descriptor)
{
	char state[STORE_STATE_BYTES];
	int error;

	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	error = notify_send(socket_name, state);
	if (error)
		return error;
	/* FDPOLL=0: a netlink socket whose buffer ran over is ready with an error, and the manager would take that for its end. */
	snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	return notify_send_descriptor(socket_name, state, descriptor);
}
