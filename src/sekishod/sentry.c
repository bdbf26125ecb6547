/*
 * sentry: the role that watches who is connected where (誤接続, R19).
 *
 * It reads frames that anybody in any zone may send, so it may do nothing but read them and say what it found: no capability, no file, no socket of its
 * own. With a socket of frames one could also send, to every zone; therefore it writes to two descriptors and no others, standard error and its parent, and
 * can make no other descriptor take the place of these. The sockets come from the parent, each bound to one interface, with a filter that cannot be taken off.
 *
 * What it finds it tells the parent as a value (wiring/fault.h), and the parent says it in words, to the log, the journal and the database.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "daemon/crew.h"
#include "kernel/packet_socket.h"
#include "sekishod/roles.h"
#include "wire/fields.h"
#include "wiring/watch.h"

enum {
	FRAMES_MAX = 64,		/* of one socket, before another one gets its turn */
	HELD_BACK_MS = 60000,		/* between two words about what was not said one by one */
	DESCRIPTORS_MAX = 512,		/* LAYOUT_PORTS_MAX, and some that come before others go */
	MEMORY_BYTES_MAX = 512 << 20,
	PARENT_BYTES_MAX = 64,		/* payloads of the parent; the layout comes beside one */
};

/* A descriptor of DESCRIPTORS_MAX or less that is none of the first four has one of these bits: those four cannot be closed, so nothing takes their place. */
#define CLOSE_OF(BIT) { .name = "close", .first_argument_bit = (BIT) }

static const struct sandbox_call sentry_calls[] = {
	{ .name = "read" }, { .name = "recvmsg" }, { .name = "recvfrom" }, { .name = "poll" }, { .name = "ppoll" },
	{ .name = "write", .first_argument_only = true, .first_argument = STDERR_FILENO },
	{ .name = "sendmsg", .first_argument_only = true, .first_argument = CREW_CHANNEL },
	CLOSE_OF(4), CLOSE_OF(8), CLOSE_OF(16), CLOSE_OF(32), CLOSE_OF(64), CLOSE_OF(128), CLOSE_OF(256), CLOSE_OF(512),
	{ .name = "fcntl" }, { .name = "fstat" }, { .name = "newfstatat" },	/* of the layout's memfd */
	{ .name = "brk" }, { .name = "mmap" }, { .name = "munmap" }, { .name = "mremap" }, { .name = "madvise" },
	{ .name = "clock_gettime" }, { .name = "getpid" }, { .name = "rt_sigreturn" }, { .name = "restart_syscall" }, { .name = "exit" }, { .name = "exit_group" },
	{ .name = NULL }
};

struct ear {
	uint32_t index;			/* of the interface */
	int socket;
};

struct sentry {
	struct watch *watch;
	struct frame_reader parent_reader;
	struct arena *layout_arena;
	const struct layout *layout;	/* in its arena; NULL: none yet */
	struct ear ears[LAYOUT_PORTS_MAX];
	size_t ear_count;
	int64_t held_back_said_ms;
};

static volatile sig_atomic_t stopping;

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- saying it */

/* To the parent, who says it. */
static int fault_send(const struct fault *fault)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(FAULT_BYTES_MAX);
	struct frame frame = { .verb = VERB_FAULT, .descriptor = -1 };

	fault_pack(&payload, fault);
	frame.payload = buf_span(&payload);
	return frame_send(CREW_CHANNEL, &frame);
}

static void held_back_say(struct sentry *sentry, int64_t now_ms)
{
	uint64_t held_back;

	if (now_ms - sentry->held_back_said_ms < HELD_BACK_MS)
		return;
	sentry->held_back_said_ms = now_ms;
	held_back = watch_held_back(sentry->watch);
	if (held_back > 0)
		log_event(LOG_LEVEL_WARNING, "SKS-WIRING", "more of the same kinds was seen and not said one by one count=%llu", (unsigned long long)held_back);
}

/* ---- frames */

static int frame_judge(struct sentry *sentry, const struct ear *ear, struct span bytes, int tag)
{
	struct fault faults[WATCH_FAULTS_MAX];
	struct sighting sighting;
	size_t count = sighting_read(bytes, tag, &sighting) ? watch_see(sentry->watch, &sighting, ear->index, monotonic_ms(), faults) : 0;
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = fault_send(&faults[i]);
	return error;
}

/* An interface that is down has nothing to say; when it is gone, the parent will tell. */
static int ear_listen(struct sentry *sentry, const struct ear *ear)
{
	char bytes[PACKET_BYTES_MAX];
	int tag, length, error = 0;

	for (int i = 0; i < FRAMES_MAX && !error; i++) {
		length = packet_socket_read(ear->socket, bytes, &tag);
		if (length <= 0)
			break;
		error = frame_judge(sentry, ear, (struct span){ .data = bytes, .length = (size_t)length }, tag);
	}
	return error;
}

/* ---- the parent */

/* Lets go of the sockets whose interface is in no zone any more. */
static void ears_sift(struct sentry *sentry)
{
	size_t kept = 0;

	for (size_t i = 0; i < sentry->ear_count; i++) {
		if (layout_port(sentry->layout, sentry->ears[i].index))
			sentry->ears[kept++] = sentry->ears[i];
		else
			close(sentry->ears[i].socket);
	}
	sentry->ear_count = kept;
}

static int layout_take(struct sentry *sentry, int descriptor)
{
	struct arena *arena = arena_new();
	struct layout *layout = arena_alloc(arena, sizeof(*layout));
	struct span bytes;
	int error = sealed_map(descriptor, LAYOUT_BYTES_MAX, &bytes);

	if (!error) {
		error = layout_unpack(arena, bytes, layout);
		sealed_unmap(bytes);
	}
	if (error) {
		arena_free(arena);
		return error;
	}
	watch_set_layout(sentry->watch, layout);
	arena_free(sentry->layout_arena);
	sentry->layout_arena = arena;
	sentry->layout = layout;
	ears_sift(sentry);
	return 0;
}

/* A socket for an interface of the layout; one that is there already makes way. Takes the descriptor when it is well. */
static int port_take(struct sentry *sentry, struct span payload, int descriptor)
{
	struct ear *ear = sentry->ears;
	uint32_t index;

	if (!span_take_u32(&payload, &index) || payload.length != 0 || !sentry->layout || !layout_port(sentry->layout, index))
		return -EBADMSG;
	while (ear < sentry->ears + sentry->ear_count && ear->index != index)
		ear++;
	if (ear < sentry->ears + sentry->ear_count)
		close(ear->socket);
	else
		sentry->ear_count++;
	*ear = (struct ear){ .index = index, .socket = descriptor };
	return 0;
}

static int parent_frame(struct sentry *sentry, struct frame *frame)
{
	int error = -EBADMSG;

	if (frame->verb == VERB_PORT && frame->descriptor >= 0) {
		error = port_take(sentry, frame->payload, frame->descriptor);
		if (!error)
			return 0;
	} else if (frame->verb == VERB_WIRING && frame->descriptor >= 0 && frame->payload.length == 0) {
		error = layout_take(sentry, frame->descriptor);
	}
	if (frame->descriptor >= 0)
		close(frame->descriptor);
	return error;
}

static int parent_readable(struct sentry *sentry)
{
	struct frame frame = { .descriptor = -1 };
	int result = crew_role_receive(&sentry->parent_reader, &frame);

	return result <= 0 ? result : parent_frame(sentry, &frame);
}

/* 0: told to stop; negative errno: the parent is gone, or something is broken. */
static int sentry_loop(struct sentry *sentry)
{
	struct pollfd waits[1 + LAYOUT_PORTS_MAX];

	while (!stopping) {
		size_t count = sentry->ear_count;
		int error = 0;

		waits[0] = (struct pollfd){ .fd = CREW_CHANNEL, .events = POLLIN };
		for (size_t i = 0; i < count; i++)
			waits[1 + i] = (struct pollfd){ .fd = sentry->ears[i].socket, .events = POLLIN };
		if (poll(waits, 1 + count, HELD_BACK_MS) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		for (size_t i = 0; i < count && !error; i++)
			if (waits[1 + i].revents != 0)
				error = ear_listen(sentry, &sentry->ears[i]);
		/* The sockets may change by this, so it comes last. */
		if (!error && waits[0].revents != 0)
			error = parent_readable(sentry);
		if (error)
			return error;
		held_back_say(sentry, monotonic_ms());
	}
	return 0;
}

/* ---- beginning */

static int shut_in(void)
{
	struct sandbox_program *filter;
	int error = sandbox_keep_capabilities(NULL, 0);

	if (!error)
		error = sandbox_renounce();
	if (!error)
		error = sandbox_limit(RLIMIT_NOFILE, DESCRIPTORS_MAX);
	if (!error && sandbox_filters())
		error = sandbox_limit(RLIMIT_AS, MEMORY_BYTES_MAX);
	if (!error)
		error = sandbox_program_make(sentry_calls, &filter);
	if (error)
		return error;
	error = sandbox_restrict_files(NULL);
	if (error == -ENOSYS || error == -EOPNOTSUPP)
		error = 0;	/* no call that opens a file is in the filter */
	if (!error)
		error = sandbox_program_load(filter);
	sandbox_program_free(filter);
	return error;
}

static int sentry_begin(struct sentry *sentry)
{
	const struct sigaction action = { .sa_handler = stop };
	int error = crew_role_begin();
	uint64_t seed;

	if (error)
		return error;
	log_forget_sockets();
	/* Else the first socket of frames would be the log. */
	if (fcntl(STDIN_FILENO, F_GETFD) < 0 || fcntl(STDOUT_FILENO, F_GETFD) < 0 || fcntl(STDERR_FILENO, F_GETFD) < 0)
		return -EBADF;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed) || sigaction(SIGTERM, &action, NULL) != 0)
		return -errno;
	sentry->watch = watch_new(seed);
	sentry->held_back_said_ms = monotonic_ms();
	return shut_in();
}

int sentry_run(const struct options *options)
{
	struct sentry sentry = { .parent_reader = frame_reader_make(PARENT_BYTES_MAX) };
	int error = sentry_begin(&sentry);

	(void)options;
	if (!error)
		error = sentry_loop(&sentry);
	if (error && error != -EPIPE)
		log_event(LOG_LEVEL_ERROR, "SKS-SENTRY", "the sentry ends reason=\"%s\"", strerror(-error));
	for (size_t i = 0; i < sentry.ear_count; i++)
		close(sentry.ears[i].socket);
	frame_reader_free(&sentry.parent_reader);
	watch_free(sentry.watch);
	arena_free(sentry.layout_arena);
	return error && error != -EPIPE ? EXIT_FAILURE : EXIT_SUCCESS;
}
