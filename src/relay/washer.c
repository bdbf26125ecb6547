/*
 * washer: a small zygote, and a fresh process for each mail.
 *
 * The zygote never touches a mail. It gets a descriptor from which the original can be read, makes a pipe, and forks; the new process puts on a
 * filter under which it can read, write, ask for memory and end, washes (mail/wash.h), writes the letter into the pipe and ends. Whatever a mail
 * does to it, it can take no other mail with it, and only the courier reads what it wrote.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "mail/wash.h"
#include "relay/messages.h"
#include "relay/plan.h"
#include "relay/roles.h"

enum {
	WASHERS_MAX = 8,		/* at the same time; more mails wait */
	WASH_CPU_S = 10,
	WASH_WALL_S = 60,
	WASH_PIECE_BYTES = 65536,
	ZYGOTE_MEMORY_BYTES_MAX = 256 << 20, /* address space, most of it libraries */
	ZYGOTE_DESCRIPTORS_MAX = 64,
};

struct zygote {
	struct frame_reader parent_reader, keeper_reader;
	int keeper;		/* channel; -1: none */
	unsigned int washers;	/* running */
	struct sandbox_program *filter; /* of each washer */
};

static const struct sandbox_call zygote_calls[] = {
	{ .name = "clone" }, { .name = "clone3" }, { .name = "set_robust_list" }, { .name = "pipe2" }, { .name = "wait4" }, { .name = "dup2" },
	{ .name = "dup3" }, { .name = "close_range" }, { .name = "alarm" }, { .name = "setitimer" }, { .name = "setrlimit" }, { .name = "prctl" },
	{ .name = "seccomp" },
	{ .name = NULL }
};

/* Reading the mail, writing the letter, memory, the end. */
static const struct sandbox_call washer_calls[] = {
	{ .name = "read" }, { .name = "write" }, { .name = "brk" }, { .name = "mmap" }, { .name = "munmap" }, { .name = "mremap" },
	{ .name = "madvise" }, { .name = "exit" }, { .name = "exit_group" },
	{ .name = NULL }
};

enum { ORIGINAL_IN = 0, LETTER_OUT = 1 };

/* ---- one mail ---- */

static int letter_write(struct span frame)
{
	while (frame.length > 0) {
		ssize_t written = write(LETTER_OUT, frame.data, frame.length);

		if (written < 0)
			return -errno;
		frame = span_part(frame, (size_t)written, frame.length);
	}
	return 0;
}

static int original_wash(struct wash *wash)
{
	static char piece[WASH_PIECE_BYTES];
	ssize_t got;

	while ((got = read(ORIGINAL_IN, piece, sizeof(piece))) > 0)
		wash_feed(wash, (struct span){ .data = piece, .length = (size_t)got });
	return got == 0 ? 0 : -errno;
}

/* Does the work; memory is given back by ending. */
static int wash_run(const struct relay *relay)
{
	struct arena *arena = arena_new();
	struct wash_settings settings = plan_wash_settings(arena, relay);
	struct wash *wash = wash_new(arena, &settings);
	struct buf frame = buf_limited(LETTER_BYTES_MAX);
	int error = original_wash(wash);

	if (!error)
		error = letter_seal(&frame, wash_finish(wash), NULL);
	return error ? error : letter_write(buf_span(&frame));
}

/* What the new process gives up. Descriptors 0 and 1 are all it has; a sanitizer also needs the one to complain to. */
static int washer_enter(const struct zygote *zygote, int original, int letter)
{
	const struct itimerval wall = { .it_value = { .tv_sec = WASH_WALL_S } };
	const unsigned int descriptors = sandbox_filters() ? LETTER_OUT + 1 : STDERR_FILENO + 1;
	int error = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || signal(SIGALRM, SIG_DFL) == SIG_ERR || setitimer(ITIMER_REAL, &wall, NULL) != 0)
		return -errno;
	log_forget_sockets();
	if (dup2(original, ORIGINAL_IN) < 0 || dup2(letter, LETTER_OUT) < 0 || close_range(descriptors, ~0U, 0) != 0)
		return -errno;
	if (sandbox_filters())
		error = sandbox_limit(RLIMIT_CPU, WASH_CPU_S);
	return error ? error : sandbox_program_load(zygote->filter);
}

static _Noreturn void washer_be(const struct zygote *zygote, const struct relay *relay, int original, int letter)
{
	int error = washer_enter(zygote, original, letter);

	_exit(error || wash_run(relay) != 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* ---- the zygote ---- */

static void washer_ended(struct zygote *zygote, int status)
{
	zygote->washers--;
	if (WIFSIGNALED(status))
		log_event(LOG_LEVEL_WARNING, "SKS-WASH", "a washer was killed signal=%d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != EXIT_SUCCESS)
		log_event(LOG_LEVEL_WARNING, "SKS-WASH", "a washer gave up status=%d", WEXITSTATUS(status));
}

/* Takes notice of washers that ended. With more than at_most of them, waits until one does. */
static void washers_reap(struct zygote *zygote, unsigned int at_most)
{
	int status;

	while (zygote->washers > 0 && waitpid(-1, &status, zygote->washers > at_most ? 0 : WNOHANG) > 0)
		washer_ended(zygote, status);
}

/* Starts a washer. The reading end of its pipe or negative errno. */
static int washer_start(struct zygote *zygote, const struct relay *relay, int original)
{
	int pipe[2];
	pid_t pid;

	if (pipe2(pipe, O_CLOEXEC) != 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		washer_be(zygote, relay, original, pipe[1]);
	close(pipe[1]);
	if (pid < 0) {
		close(pipe[0]);
		return -EAGAIN;
	}
	zygote->washers++;
	return pipe[0];
}

static int wash_answer(struct zygote *zygote, uint32_t ticket, int pipe)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(MESSAGE_BYTES_MAX);
	struct frame frame = { .verb = VERB_WASH, .descriptor = pipe >= 0 ? pipe : -1 };
	int error;

	message_number_pack(&payload, ticket);
	frame.payload = buf_span(&payload);
	error = frame_send(zygote->keeper, &frame);
	if (pipe >= 0)
		close(pipe);
	return error;
}

static int keeper_frame(struct zygote *zygote, const struct frame *frame)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct message_wash wash;
	struct relay relay;
	int pipe;

	if (frame->verb != VERB_WASH || frame->descriptor < 0 || message_wash_unpack(frame->payload, &wash) != 0 ||
	    plan_relay_unpack(arena, wash.relay, &relay) != 0) {
		if (frame->descriptor >= 0)
			close(frame->descriptor);
		return -EBADMSG;
	}
	washers_reap(zygote, WASHERS_MAX - 1);
	pipe = washer_start(zygote, &relay, frame->descriptor);
	close(frame->descriptor);
	return wash_answer(zygote, wash.ticket, pipe);
}

static int parent_frame(struct zygote *zygote, const struct frame *frame)
{
	if (frame->verb != VERB_CHANNEL || frame->descriptor < 0 || zygote->keeper >= 0)
		return -EBADMSG;
	zygote->keeper = frame->descriptor;
	zygote->keeper_reader = frame_reader_make(MESSAGE_RELAY_BYTES_MAX);
	return 0;
}

/* What came by a channel. 0, or negative errno: the channel is of no more use. */
static int channel_read(struct zygote *zygote, int socket, struct frame_reader *reader, int (*take)(struct zygote *, const struct frame *))
{
	struct frame frame;
	int result = socket == CREW_CHANNEL ? crew_role_receive(reader, &frame) : frame_receive(socket, reader, &frame);

	return result > 0 ? take(zygote, &frame) : result;
}

/* Waits for the parent and the keeper, and for washers that end. Returns when one of the first two is gone. */
static void zygote_serve(struct zygote *zygote)
{
	enum { REAP_MS = 1000 };

	for (;;) {
		struct pollfd waits[] = { { .fd = CREW_CHANNEL, .events = POLLIN }, { .fd = zygote->keeper, .events = POLLIN } };

		if (poll(waits, 2, zygote->washers > 0 ? REAP_MS : -1) < 0 && errno != EINTR)
			return;
		washers_reap(zygote, WASHERS_MAX);
		if (waits[0].revents && channel_read(zygote, CREW_CHANNEL, &zygote->parent_reader, parent_frame) < 0)
			return;
		if (waits[1].revents && zygote->keeper == waits[1].fd &&
		    channel_read(zygote, zygote->keeper, &zygote->keeper_reader, keeper_frame) < 0)
			return;
	}
}

static int zygote_enter(struct zygote *zygote)
{
	struct role_sandbox sandbox = {
		.user = relay_user_name(RELAY_USER_WASHER), .calls = zygote_calls,
		.memory_bytes_max = ZYGOTE_MEMORY_BYTES_MAX, .descriptors_max = ZYGOTE_DESCRIPTORS_MAX,
	};
	int error;

	/* What the time zone is read from at its first use, and the filter that each washer puts on. */
	tzset();
	error = sandbox_program_make(washer_calls, &zygote->filter);
	return error ? error : role_enter(&sandbox);
}

int washer_run(const struct options *options)
{
	struct zygote zygote = { .keeper = -1, .parent_reader = frame_reader_make(MESSAGE_BYTES_MAX) };
	int error = zygote_enter(&zygote);

	(void)options;
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-START", "the washer could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	zygote_serve(&zygote);
	return CREW_EXIT_PEER_GONE;
}
