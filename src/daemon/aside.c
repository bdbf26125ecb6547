/* aside: a role thinks for seconds and listens meanwhile. */
#include "daemon/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TAKE_BYTES = 64 << 10 };

static bool bytes_write(int descriptor, struct span bytes)
{
	while (bytes.length > 0) {
		ssize_t written = write(descriptor, bytes.data, bytes.length);

		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0)
			bytes = (struct span){ .data = bytes.data + written, .length = bytes.length - (size_t)written };
	}
	return true;
}

static _Noreturn void child_think(int descriptor, void (*think)(void *context, struct buf *out), void *context, size_t bytes_max)
{
	struct buf out = buf_limited(bytes_max);

	think(context, &out);
	_exit(!out.overflow && bytes_write(descriptor, buf_span(&out)) ? EXIT_SUCCESS : EXIT_FAILURE);
}

void asides_reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

int aside_begin(struct aside *ret_aside, void (*think)(void *context, struct buf *out), void *context, size_t bytes_max)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	child = fork();
	if (child == 0)
		child_think(ends[1], think, context, bytes_max);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	*ret_aside = (struct aside){ .child = child, .result = ends[0], .bytes = buf_limited(bytes_max + TAKE_BYTES) };
	return 0;
}

/* True when it came to its end. */
static bool child_wait(struct aside *aside)
{
	int status = -1;

	while (waitpid(aside->child, &status, 0) < 0 && errno == EINTR)
		;
	aside->child = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

int aside_take(struct aside *aside)
{
	char *room = buf_reserve(&aside->bytes, TAKE_BYTES);
	ssize_t got = room ? read(aside->result, room, TAKE_BYTES) : -1;

	if (got < 0)
		return errno == EINTR && room ? 0 : -EIO;
	aside->bytes.length += (size_t)got;
	if (got > 0)
		return 0;
	return child_wait(aside) ? 1 : -EIO;
}

void aside_end(struct aside *aside)
{
	if (aside->result >= 0)
		close(aside->result);
	buf_free(&aside->bytes);
	*aside = (struct aside){ .result = -1, .bytes = aside->bytes };
}
