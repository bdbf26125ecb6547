/*
 * survey_frames: who reads or writes raw frames here.
 *
 * A socket of frames (packet(7)) sees what comes before the rules do, and what it writes leaves without meeting them; one of AF_XDP that only writes needs no
 * program at the interface that could be seen. The kernel lists the first with their interfaces; of the second it tells anybody how many there are, and
 * only by a module that many kernels lack at which interface.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/survey_dump.h"

/* A line of /proc/net/packet: socket, references, type, protocol, interface, running, memory, user, inode. */
static void packet_take(struct arena *arena, struct survey *survey, const char *line)
{
	char user[SURVEY_TEXT_BYTES];
	unsigned int index, inode;

	if (sscanf(line, "%*s %*s %*s %*s %u %*s %*s %31s %u", &index, user, &inode) == 3)
		survey_add(arena, survey, SURVEY_FRAMES, index, inode, user);
}

/* A line of /proc/net/protocols: name, size, sockets in this namespace, ... */
static void protocol_take(struct arena *arena, struct survey *survey, const char *line)
{
	unsigned int sockets;
	char name[SURVEY_TEXT_BYTES];

	if (sscanf(line, "%31s %*s %u", name, &sockets) == 2 && strcmp(name, "XDP") == 0 && sockets > 0)
		survey_add(arena, survey, SURVEY_FRAMES_XDP, 0, 0, "");
}

static void lines_each(struct arena *arena, struct survey *survey, const char *path, void (*take)(struct arena *arena, struct survey *survey, const char *line))
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0)
		take(arena, survey, line);
	free(line);
	if (file)
		fclose(file);
}

void survey_read_frames(struct arena *arena, struct survey *survey)
{
	lines_each(arena, survey, "/proc/net/packet", packet_take);
	lines_each(arena, survey, "/proc/net/protocols", protocol_take);
}
