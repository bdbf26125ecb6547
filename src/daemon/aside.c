/* aside: a role thinks for seconds and listens meanwhile. */
#include "daemon/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/crew.h"

enum { TAKE_BYTES = 64 << 10, ALONE_RESULT = STDERR_FILENO + 1 };

/* What a child shall do. */
struct task {
	void (*think)(void *context, struct buf *out);
	void *context;
	size_t bytes_max;
};

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

/* How much it is comes first, so that a child that was killed in between has said nothing. */
static _Noreturn void child_think(int descriptor, const struct task *task)
{
	struct buf out = buf_limited(task->bytes_max);
	uint64_t length;

	task->think(task->context, &out);
	length = out.length;
	_exit(!out.overflow && bytes_write(descriptor, (struct span){ .data = (const char *)&length, .length = sizeof(length) }) &&
	      bytes_write(descriptor, buf_span(&out)) ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Signals are held up until the ways of our parent to hear of them are not ours any more. */
static _Noreturn void child_think_alone(int descriptor, const struct task *task, const sigset_t *signals)
{
	if (crew_role_begin() != 0 || (descriptor != ALONE_RESULT && dup2(descriptor, ALONE_RESULT) < 0) || close_range(ALONE_RESULT + 1, ~0U, 0) != 0 ||
	    signal(SIGTERM, SIG_DFL) == SIG_ERR || signal(SIGCHLD, SIG_DFL) == SIG_ERR || sigprocmask(SIG_SETMASK, signals, NULL) != 0)
		_exit(EXIT_FAILURE);
	child_think(ALONE_RESULT, task);
}

void asides_reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* The pipe of a child; the end to be read becomes the aside's, once there is a child. */
static int task_begin(struct aside *ret_aside, const struct task *task, bool alone)
{
	struct aside aside = { .process = -1, .bytes = buf_limited(task->bytes_max) };
	sigset_t all, before;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	aside.child = fork();
	if (aside.child == 0 && alone)
		child_think_alone(ends[1], task, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (aside.child == 0)
		child_think(ends[1], task);
	close(ends[1]);
	aside.result = ends[0];
	if (aside.child < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	*ret_aside = aside;
	return 0;
}

int aside_begin(struct aside *ret_aside, void (*think)(void *context, struct buf *out), void *context, size_t bytes_max)
{
	const struct task task = { .think = think, .context = context, .bytes_max = bytes_max };

	return task_begin(ret_aside, &task, false);
}

int aside_begin_alone(struct aside *ret_aside, void (*think)(void *context, struct buf *out), void *context, size_t bytes_max)
{
	const struct task task = { .think = think, .context = context, .bytes_max = bytes_max };
	int error = task_begin(ret_aside, &task, true);

	if (error)
		return error;
	/* Nobody has waited for it yet, so the number is its own. */
	ret_aside->process = pidfd_open(ret_aside->child, 0);
	ret_aside->child = 0;
	error = ret_aside->process < 0 ? -errno : 0;
	if (error)
		aside_end(ret_aside);
	return error;
}

/* It has said everything, and is about to end. */
static void child_wait(struct aside *aside)
{
	while (aside->child > 0 && waitpid(aside->child, NULL, 0) < 0 && errno == EINTR)
		;
	aside->child = 0;
}

/* Bytes of the child, at most so many; 0: not now; -EIO: there are none. */
static ssize_t child_read(struct aside *aside, char *room, size_t length)
{
	ssize_t got = read(aside->result, room, length);

	return got > 0 ? got : got < 0 && errno == EINTR ? 0 : -EIO;
}

/* How much there will be. It is one write of few bytes, and so one read. */
static int announcement_take(struct aside *aside)
{
	uint64_t length;
	ssize_t got = child_read(aside, (char *)&length, sizeof(length));

	if (got <= 0)
		return (int)got;
	if ((size_t)got != sizeof(length) || length > aside->bytes.limit_bytes)
		return -EIO;
	aside->bytes_all = (size_t)length;
	aside->announced = true;
	return 0;
}

static int part_take(struct aside *aside)
{
	size_t left = aside->bytes_all - aside->bytes.length, length = left < TAKE_BYTES ? left : TAKE_BYTES;
	char *room = buf_reserve(&aside->bytes, length);
	ssize_t got = room ? child_read(aside, room, length) : -EIO;

	if (got > 0)
		aside->bytes.length += (size_t)got;
	return got < 0 ? -EIO : 0;
}

int aside_take(struct aside *aside)
{
	int error = aside->announced ? part_take(aside) : announcement_take(aside);

	if (error || !aside->announced || aside->bytes.length < aside->bytes_all)
		return error;
	child_wait(aside);
	return 1;
}

void aside_end(struct aside *aside)
{
	if (aside->process >= 0) {
		(void)pidfd_send_signal(aside->process, SIGKILL, NULL, 0);
		close(aside->process);
	}
	if (aside->result >= 0)
		close(aside->result);
	buf_free(&aside->bytes);
	*aside = (struct aside){ .process = -1, .result = -1, .bytes = aside->bytes };
}
