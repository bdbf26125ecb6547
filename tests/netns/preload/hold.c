/*
 * hold: a library that is loaded in front of the C library (LD_PRELOAD) of a daemon under test, and lets the reading of its zone file take as long as a test
 * says. The programs are those that are installed; nothing in them knows of it.
 *
 * SEKISHO_HOLD is the path of the file. While PATH.hold-planner is there, the planner does not come to open it; while PATH.hold-reader is there, who reads for the parent
 * does not. Who is held says so by PATH.held-planner or PATH.held-reader.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, LOOK_NS = 1000000 };

static const char *held_path;
static struct hold {
	char path[PATH_BYTES], said[PATH_BYTES];
} planner_hold, reader_hold;
static int is_planner;
static pid_t program;

static void hold_name(struct hold *hold, const char *reader)
{
	snprintf(hold->path, sizeof(hold->path), "%s.hold-%s", held_path, reader);
	snprintf(hold->said, sizeof(hold->said), "%s.held-%s", held_path, reader);
}

__attribute__((constructor)) static void hold_begin(int argc, char **argv)
{
	held_path = getenv("SEKISHO_HOLD");
	if (!held_path)
		abort();
	hold_name(&planner_hold, "planner");
	hold_name(&reader_hold, "reader");
	is_planner = argc > 2 && strcmp(argv[1], "--role") == 0 && strcmp(argv[2], "planner") == 0;
	program = getpid();
}

/* What this process waits for, or NULL. Who reads for the parent is a child that runs the same program on. */
static const struct hold *hold_of_process(void)
{
	return is_planner ? &planner_hold : getpid() != program ? &reader_hold : NULL;
}

int open(const char *path, int flags, ...)
{
	int (*const real_open)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	const struct timespec look = { .tv_nsec = LOOK_NS };
	/* Other libraries may begin before this one has. */
	const struct hold *hold = held_path && strcmp(path, held_path) == 0 ? hold_of_process() : NULL;
	mode_t mode = 0;
	va_list more;

	va_start(more, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = (mode_t)va_arg(more, unsigned int);
	va_end(more);
	if (hold && access(hold->path, F_OK) == 0)
		close(real_open(hold->said, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	while (hold && access(hold->path, F_OK) == 0)
		nanosleep(&look, NULL);
	return real_open(path, flags, mode);
}
