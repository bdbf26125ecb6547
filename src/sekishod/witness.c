/*
 * witness: the role that writes down what was refused.
 *
 * It reads the heads of strangers' packets and keeps a database, and may do nothing else: no capability, no program started, nobody connected to, no file outside
 * the database's directory. The kernel counts every refusal; the witness asks for the counts and is shown some packets. So when it is slow, or dies, or is
 * flooded, detail is missing and the database says from when to when; the counts are complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "daemon/crew.h"
#include "daemon/state_names.h"
#include "sekishod/alarm.h"
#include "sekishod/book.h"
#include "sekishod/gauge.h"
#include "sekishod/roles.h"
#include "sekishod/storm.h"

enum {
	TALLY_MS = 5000,		/* between two readings of the counters */
	WRITE_MS = 1000,		/* between two batches */
	ALONE_MS = 30000,		/* without an enforcer; then the parent starts us again, and brings one */
	ALIVE_S = 60,			/* a batch is written at least so often: from the last one on a gap is reckoned */
	DATAGRAMS_MAX = 16,		/* of the log, before something else gets its turn */
	LINES_PER_MINUTE = 30, ALARMS_PER_MINUTE = 10,
	DISK_CLEAR_PERCENT = EVENTS_ALERT_PERCENT - 5,
	CONNECTIONS_RAISE_PERCENT = 80, CONNECTIONS_CLEAR_PERCENT = 70,
	DESCRIPTORS_MAX = 64,
	MEMORY_BYTES_MAX = 512 << 20,
	SENTENCE_BYTES = 160, BOOT_BYTES = 64, DIRECTORY_BYTES_MAX = 4096,
	ROLE_TEXT_BYTES_MAX = 256,	/* payloads of parent and enforcer; bulk comes beside them */
};

/* SQLite: files below the directory, their locks and the index of its log. */
static const struct sandbox_call witness_calls[] = {
	{ .name = "open" }, { .name = "openat" }, { .name = "access" }, { .name = "faccessat" }, { .name = "faccessat2" }, { .name = "stat" },
	{ .name = "lstat" }, { .name = "statx" }, { .name = "readlink" }, { .name = "getcwd" }, { .name = "unlink" }, { .name = "rename" },
	{ .name = "fsync" }, { .name = "fdatasync" }, { .name = "fchmod" }, { .name = "fchown" }, { .name = "statfs" }, { .name = "fallocate" },
	{ .name = "getegid" }, { .name = "getgid" }, { .name = NULL }
};

struct witness {
	struct events *events;
	struct book book;
	struct frame_reader parent_reader, enforcer_reader;
	int enforcer, log;		/* -1: none */
	int64_t tally_asked_ms, write_due_ms, alone_since_ms; /* monotonic */
	bool tally_came;		/* from this enforcer */
	int64_t written_at;		/* Unix time of the last batch */
	bool failing;			/* the last batch could not be written, which was said */
	struct log_budget lines, alarms;
	struct storm storm;
	struct gauge disk, connections;
};

static volatile sig_atomic_t stopping;

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static int64_t unix_now(void)
{
	return (int64_t)time(NULL);
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what administrators are told at once */

static void refusal_log(const struct events_refusal *refusal, enum log_level level, const char *id, const char *sentence)
{
	log_event(level, id, "%s from=%s to=%s reason=%s source=%s mac=%s destination=%s protocol=%u port=%u count=%llu", sentence, refusal->from, refusal->to,
		  refusal->reason, refusal->source, refusal->mac[0] ? refusal->mac : "-", refusal->destination, refusal->protocol, refusal->port,
		  (unsigned long long)refusal->packets);
}

static void talker_alarm(const struct events_refusal *refusal)
{
	const struct log_field fields[] = {
		{ "from", refusal->from }, { "to", refusal->to }, { "reason", refusal->reason }, { "source", refusal->source },
		{ "mac", refusal->mac[0] ? refusal->mac : "-" }, { "destination", refusal->destination },
	};

	alarm_raise("SKS-NEW-TALKER", "refused for the first time: this source has not tried this before", fields, sizeof(fields) / sizeof(fields[0]));
}

static void storm_watch(struct witness *witness, uint64_t packets)
{
	char sentence[SENTENCE_BYTES];

	switch (storm_take(&witness->storm, packets, monotonic_ms() / 1000)) {
	case STORM_BEGAN:
		snprintf(sentence, sizeof(sentence), "refusals come very fast, %llu a second; filtering goes on, see who it is: sekisho refusals",
			 (unsigned long long)witness->storm.per_second);
		alarm_raise("SKS-STORM", sentence, NULL, 0);
		break;
	case STORM_OVER:
		alarm_end("SKS-STORM", "refusals come as usual again", NULL, 0);
		break;
	case STORM_SAME:
		break;
	}
}

static uint64_t packets_of(const struct events_batch *batch)
{
	uint64_t packets = 0;

	for (size_t i = 0; i < batch->count_count; i++)
		packets += batch->counts[i].packets;
	return packets;
}

static void refusals_tell(struct witness *witness, const struct events_batch *batch)
{
	for (size_t i = 0; i < batch->refusal_count; i++) {
		const struct events_refusal *refusal = &batch->refusals[i];

		if (refusal->new_talker && log_budget_allows(&witness->alarms, ALARMS_PER_MINUTE, batch->now, "SKS-NEW-TALKER"))
			talker_alarm(refusal);
		if (log_budget_allows(&witness->lines, LINES_PER_MINUTE, batch->now, "SKS-REFUSAL"))
			refusal_log(refusal, LOG_LEVEL_NOTICE, "SKS-REFUSAL", "refused");
	}
}

static void fullness_watch(struct witness *witness)
{
	switch (gauge_take(&witness->disk, events_fullness(witness->events), 100)) {
	case GAUGE_RAISED:
		alarm_raise("SKS-DISK", "the place for records of refusals is nearly full; the oldest will be removed, filtering goes on", NULL, 0);
		break;
	case GAUGE_CLEARED:
		alarm_end("SKS-DISK", "there is room for records of refusals again", NULL, 0);
		break;
	case GAUGE_SAME:
		break;
	}
}

/* Connections are begun by whoever is allowed to; when the table is full, nobody begins one. */
static void connections_watch(struct witness *witness, const struct conntrack_fill *fill)
{
	char sentence[SENTENCE_BYTES];

	switch (gauge_take(&witness->connections, fill->entries, fill->entries_max)) {
	case GAUGE_RAISED:
		snprintf(sentence, sizeof(sentence), "the table of connections is nearly full, %u of %u; when it is, no new connection passes, running ones go on", fill->entries,
			 fill->entries_max);
		alarm_raise("SKS-CONNTRACK", sentence, NULL, 0);
		break;
	case GAUGE_CLEARED:
		alarm_end("SKS-CONNTRACK", "the table of connections has room again", NULL, 0);
		break;
	case GAUGE_SAME:
		break;
	}
}

/* ---- writing */

/* A batch that cannot be written is tried again with what has come meanwhile. */
static void batch_write(struct witness *witness)
{
	struct events_batch batch = book_batch(&witness->book, unix_now());
	int error = events_write(witness->events, &batch);

	if (error && !witness->failing)
		log_event(LOG_LEVEL_ERROR, "SKS-WITNESS", "refusals cannot be written down; they are counted all the same reason=\"%s\"", strerror(-error));
	witness->failing = error != 0;
	if (error)
		return;
	refusals_tell(witness, &batch);
	storm_watch(witness, packets_of(&batch));
	if (batch.now / ALIVE_S != witness->written_at / ALIVE_S)
		fullness_watch(witness);
	witness->written_at = batch.now;
	book_written(&witness->book);
}

static void write_when_due(struct witness *witness)
{
	storm_watch(witness, 0);
	if (!book_has_news(&witness->book) && unix_now() - witness->written_at < ALIVE_S)
		return;
	if (monotonic_ms() < witness->write_due_ms)
		return;
	batch_write(witness);
	witness->write_due_ms = monotonic_ms() + WRITE_MS;
}

/* ---- the enforcer */

static int enforcer_ask(struct witness *witness, enum verb verb)
{
	const struct frame frame = { .verb = verb, .descriptor = -1 };

	return frame_send(witness->enforcer, &frame);
}

static void descriptor_drop(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

static void enforcer_drop(struct witness *witness)
{
	if (witness->enforcer >= 0)
		frame_reader_free(&witness->enforcer_reader);
	descriptor_drop(&witness->enforcer);
	witness->alone_since_ms = monotonic_ms();
}

/* Another enforcer opens the log anew, which it cannot while we hold the old one. */
static void enforcer_join(struct witness *witness, int channel)
{
	enforcer_drop(witness);
	descriptor_drop(&witness->log);
	witness->enforcer = channel;
	witness->enforcer_reader = frame_reader_make(ROLE_TEXT_BYTES_MAX);
	if (enforcer_ask(witness, VERB_WATCH) != 0)
		enforcer_drop(witness);
	witness->tally_asked_ms = monotonic_ms();
	witness->tally_came = false;
}

static int watch_take(struct witness *witness, struct frame *frame)
{
	/* Without a descriptor: the enforcer has said why in the log. */
	if (frame->descriptor < 0)
		return 0;
	descriptor_drop(&witness->log);
	witness->log = frame->descriptor;
	frame->descriptor = -1;
	return 0;
}

static int tally_take(struct witness *witness, const struct frame *frame)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct tally_report report;
	struct span bytes;
	int error;

	if (frame->descriptor < 0)
		return 0;
	error = sealed_map(frame->descriptor, TALLY_BYTES_MAX, &bytes);
	if (error)
		return error;
	error = tally_report_unpack(arena, bytes, &report);
	sealed_unmap(bytes);
	if (error)
		return error;
	book_take_report(&witness->book, &report, unix_now());
	connections_watch(witness, &report.connections);
	witness->tally_came = true;
	return 0;
}

static int enforcer_frame(struct witness *witness, struct frame *frame)
{
	switch (frame->verb) {
	case VERB_WATCH:
		return watch_take(witness, frame);
	case VERB_TALLY:
		return tally_take(witness, frame);
	default:
		return -EBADMSG;
	}
}

static void enforcer_readable(struct witness *witness)
{
	struct frame frame = { .descriptor = -1 };
	int result = frame_receive(witness->enforcer, &witness->enforcer_reader, &frame);

	if (result > 0) {
		result = enforcer_frame(witness, &frame);
		descriptor_drop(&frame.descriptor);
	}
	if (result >= 0)
		return;
	if (result != -EPIPE)
		log_event(LOG_LEVEL_ERROR, "SKS-WITNESS", "the enforcer is not listened to any more reason=\"%s\"", strerror(-result));
	enforcer_drop(witness);
}

/* Sooner than usual at the beginning, and when somebody came by an interface that we know no zone of. */
static int64_t tally_due_ms(const struct witness *witness)
{
	return witness->tally_asked_ms + (witness->tally_came && !book_wants_report(&witness->book) ? TALLY_MS : WRITE_MS);
}

static void tally_when_due(struct witness *witness)
{
	if (witness->enforcer < 0 || monotonic_ms() < tally_due_ms(witness))
		return;
	if (enforcer_ask(witness, VERB_TALLY) != 0)
		enforcer_drop(witness);
	witness->tally_asked_ms = monotonic_ms();
}

/* ---- the parent and the log */

/* The parent has read it already; nobody's bytes are believed all the same. */
static int fault_take(struct witness *witness, struct span payload)
{
	struct fault fault;
	int error = fault_unpack(payload, &fault);

	if (!error)
		book_take_fault(&witness->book, &fault, unix_now());
	return error;
}

static int parent_readable(struct witness *witness)
{
	struct frame frame = { .descriptor = -1 };
	int result = crew_role_receive(&witness->parent_reader, &frame);

	if (result <= 0)
		return result;
	if (frame.verb == VERB_CHANNEL && frame.descriptor >= 0) {
		enforcer_join(witness, frame.descriptor);
		return 0;
	}
	if (frame.verb == VERB_FAULT && frame.descriptor < 0)
		return fault_take(witness, frame.payload);
	descriptor_drop(&frame.descriptor);
	return -EBADMSG;
}

static void packet_take(const struct nflog_packet *packet, void *context)
{
	struct witness *witness = context;

	book_take_packet(&witness->book, packet, unix_now());
}

static void log_readable(struct witness *witness)
{
	bool lost;
	int error = nflog_read(witness->log, DATAGRAMS_MAX, packet_take, witness, &lost);

	if (lost)
		book_note_gap(&witness->book, unix_now(), unix_now(), "detail");
	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-WITNESS", "the log of refused packets cannot be read any more reason=\"%s\"", strerror(-error));
		descriptor_drop(&witness->log);
	}
}

/* Until something has to be done whether or not anybody speaks. */
static int wait_ms(const struct witness *witness)
{
	int64_t due_ms = monotonic_ms() + (witness->enforcer < 0 ? ALONE_MS + 1 : ALIVE_S * 1000);

	if (witness->enforcer >= 0 && tally_due_ms(witness) < due_ms)
		due_ms = tally_due_ms(witness);
	if (book_has_news(&witness->book) && witness->write_due_ms < due_ms)
		due_ms = witness->write_due_ms;
	due_ms -= monotonic_ms();
	return due_ms > 0 ? (int)due_ms : 0;
}

/* 0: told to stop; negative errno: the parent is gone, or something is broken. */
static int witness_loop(struct witness *witness)
{
	while (!stopping) {
		struct pollfd waits[] = { { .fd = CREW_CHANNEL, .events = POLLIN }, { .fd = witness->enforcer, .events = POLLIN },
					  { .fd = witness->log, .events = POLLIN } };
		int ready = poll(waits, sizeof(waits) / sizeof(waits[0]), wait_ms(witness)), error;

		if (ready < 0 && errno != EINTR)
			return -errno;
		/* What the enforcer and the log have said is taken before the parent may bring another enforcer. */
		if (ready > 0 && waits[2].revents != 0)
			log_readable(witness);
		if (ready > 0 && waits[1].revents != 0)
			enforcer_readable(witness);
		error = ready > 0 && waits[0].revents != 0 ? parent_readable(witness) : 0;
		if (error)
			return error;
		tally_when_due(witness);
		write_when_due(witness);
		if (witness->enforcer < 0 && monotonic_ms() - witness->alone_since_ms > ALONE_MS)
			return -ENOTCONN;
	}
	return 0;
}

/* ---- beginning */

/* Tells this boot from others; "" where the kernel does not say. */
static void boot_read(char boot[static BOOT_BYTES])
{
	int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? 0 : read(file, boot, BOOT_BYTES - 1);

	if (file >= 0)
		close(file);
	boot[length > 0 ? length : 0] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
}

static int shut_in(const char *directory)
{
	int error = sandbox_keep_capabilities(NULL, 0);

	if (!error)
		error = sandbox_renounce();
	if (!error)
		error = sandbox_limit(RLIMIT_NOFILE, DESCRIPTORS_MAX);
	if (!error && sandbox_filters())
		error = sandbox_limit(RLIMIT_AS, MEMORY_BYTES_MAX);
	if (error)
		return error;
	error = sandbox_restrict_files(directory);
	if (error == -ENOSYS || error == -EOPNOTSUPP) {
		log_event(LOG_LEVEL_INFO, "SKS-WITNESS", "this kernel has no Landlock; the filter of system calls does not bar files");
		error = 0;
	}
	return error ? error : sandbox_filter_calls(witness_calls);
}

/* Goes on where the witness before us ended. */
static int database_open(struct witness *witness, const char *directory, const char *boot)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct events_reading *readings;
	int64_t alive, now = unix_now();
	size_t count;
	struct events_aside aside;
	int error = events_open(arena, directory, boot, &witness->events, &aside);

	if (!error)
		error = events_recall(witness->events, arena, &readings, &count, &alive);
	if (error)
		return error;
	if (aside.path)
		log_event(LOG_LEVEL_ERROR, "SKS-WITNESS", "the database of refusals %s; it was put aside, and a new one begins file=%s",
			  aside.newer ? "was written by a newer version of sekishod" : "is damaged", aside.path);
	witness->book = book_open(readings, count);
	if (alive > 0)
		book_note_gap(&witness->book, alive, now, "witness");
	return 0;
}

static int witness_begin(struct witness *witness, const struct options *options)
{
	const struct sigaction action = { .sa_handler = stop };
	char directory[DIRECTORY_BYTES_MAX], boot[BOOT_BYTES];
	int error = crew_role_begin();

	if ((size_t)snprintf(directory, sizeof(directory), "%s/" STATE_EVENTS_DIRECTORY, options->state_dir) >= sizeof(directory))
		return -ENAMETOOLONG;
	if (!error)
		error = crew_directory_make(directory, 0750);
	if (error)
		return error;
	boot_read(boot);
	if (sigaction(SIGTERM, &action, NULL) != 0)
		return -errno;
	error = shut_in(directory);
	return error ? error : database_open(witness, directory, boot);
}

int witness_run(const struct options *options)
{
	struct witness witness = {
		.enforcer = -1, .log = -1, .parent_reader = frame_reader_make(ROLE_TEXT_BYTES_MAX),
		.disk = { .raise_percent = EVENTS_ALERT_PERCENT, .clear_percent = DISK_CLEAR_PERCENT },
		.connections = { .raise_percent = CONNECTIONS_RAISE_PERCENT, .clear_percent = CONNECTIONS_CLEAR_PERCENT },
	};
	int error = witness_begin(&witness, options);

	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-WITNESS", "the witness could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	witness.alone_since_ms = monotonic_ms();
	error = witness_loop(&witness);
	if (!error || error == -ENOTCONN)
		batch_write(&witness);
	enforcer_drop(&witness);
	descriptor_drop(&witness.log);
	frame_reader_free(&witness.parent_reader);
	book_close(&witness.book);
	events_close(witness.events);
	return error && error != -EPIPE ? EXIT_FAILURE : EXIT_SUCCESS;
}
