/*
 * parent_reading: a file is read for its pins, while the parent does everything else it is there for.
 *
 * A child reads (daemon/aside.h), which has none of our rights and descriptors and may do no more than open files. It is believed no more than a role: its pins
 * are judged by whoever gets them.
 */
#include "sekishod/parent.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/sandbox.h"
#include "wire/fields.h"
#include "wire/report.h"

enum { READING_BYTES_MAX = PINS_TEXT_BYTES_MAX + (64 << 20), READING_CPU_S_MAX = 600 };

/* What a child shall read. */
struct task {
	const struct options *options;
	const char *path;
	int64_t now;
	bool ahead;
};

static const struct sandbox_call reader_calls[] = {
	{ .name = "open" }, { .name = "openat" }, { .name = "access" }, { .name = "faccessat" }, { .name = "faccessat2" }, { .name = "stat" },
	{ .name = "lstat" }, { .name = "statx" }, { .name = "readlink" }, { .name = "readlinkat" }, { .name = "getcwd" }, { .name = "getdents64" }, { .name = NULL }
};

/* The log's sockets were ours, and are closed. */
static void log_open_again(const struct options *options)
{
	log_forget_sockets();
	log_open(role_name(ROLE_PARENT), options->log_level, getenv("JOURNAL_STREAM"));
	if (options->syslog)
		(void)log_open_syslog(options->syslog);
}

static int child_shut_in(void)
{
	int error = sandbox_keep_capabilities(NULL, 0);

	if (!error)
		error = sandbox_limit(RLIMIT_CPU, READING_CPU_S_MAX);
	if (!error)
		error = sandbox_renounce();
	return error ? error : sandbox_filter_calls(reader_calls);
}

void findings_put(struct buf *out, const struct findings *findings)
{
	json_t *array = findings_to_json(findings);
	char *json = json_dumps(array, JSON_COMPACT);

	buf_puts(out, json ? json : "[]");
	free(json);
	json_decref(array);
}

/* In the child: 0 and the reading, or the number of an error and the findings as JSON, if there are any. What is read ahead is complained of when it is wanted. */
static void task_think(void *context, struct buf *out)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct task *task = context;
	struct findings findings = findings_in(arena);
	int error;

	crew_name_process("reader");
	log_open_again(task->options);
	error = child_shut_in();
	buf_put_u32(out, 0);
	if (!error)
		error = pins_read(task->path, task->now, &findings, out);
	if (error) {
		out->length = 0;
		buf_put_u32(out, (uint32_t)-error);
		if (findings.count > 0)
			findings_put(out, &findings);
	}
	for (size_t i = 0; i < findings.count && !task->ahead; i++)
		log_finding(&findings, &findings.items[i]);
}

/* What the child has said, which becomes the reading's, or why it could read nothing. */
static int outcome_take(struct buf *bytes, struct buf *why, struct pins_reading *ret_reading)
{
	struct span rest = buf_span(bytes);
	uint32_t number;

	if (!span_take_u32(&rest, &number) || number > INT32_MAX)
		return -EIO;
	if (number == 0)
		return pins_reading_unpack(bytes, sizeof(number), ret_reading);
	if (why)
		buf_put(why, rest.data, rest.length);
	return -(int)number;
}

static int task_begin(struct parent *parent, const char *path, bool ahead, struct aside *ret_aside)
{
	struct task task = { .options = parent->options, .path = path, .now = clock_now(&parent->clock), .ahead = ahead };

	return aside_begin_alone(ret_aside, task_think, &task, READING_BYTES_MAX);
}

void reading_drop(struct parent *parent)
{
	struct reading *reading = &parent->reading;

	if (!reading->readable)
		return;
	event_free(reading->readable);
	aside_end(&reading->aside);
	*reading = (struct reading){ .readable = NULL };
}

/* Everything has come, or nothing will. */
static void reading_end(struct parent *parent, int error)
{
	__attribute__((cleanup(buf_free))) struct buf why = buf_limited(READING_WHY_BYTES_MAX);
	const struct reading ended = parent->reading;
	struct pins_reading pins = { .arena = NULL };

	if (!error)
		error = outcome_take(&parent->reading.aside.bytes, &why, &pins);
	reading_drop(parent);
	pins_came(parent, &ended, error, &pins, &why);
}

static void reading_readable(evutil_socket_t unused, short what, void *context)
{
	struct parent *parent = context;
	int result = aside_take(&parent->reading.aside);

	(void)unused;
	(void)what;
	if (result != 0)
		reading_end(parent, result < 0 ? result : 0);
}

int reading_begin(struct parent *parent, const char *path, bool ahead)
{
	struct reading *reading = &parent->reading;
	int error;

	reading_drop(parent);
	error = task_begin(parent, path, ahead, &reading->aside);
	if (error)
		return error;
	reading->path = path;
	reading->ahead = ahead;
	reading->readable = event_new(parent->loop, reading->aside.result, EV_READ | EV_PERSIST, reading_readable, parent);
	if (!reading->readable || event_add(reading->readable, NULL) != 0)
		arena_exhausted();
	return 0;
}

int reading_await(struct parent *parent, const char *path, struct pins_reading *ret_reading)
{
	struct aside aside;
	int result = task_begin(parent, path, false, &aside);

	if (result < 0)
		return result;
	while (result == 0)
		result = aside_take(&aside);
	if (result > 0)
		result = outcome_take(&aside.bytes, NULL, ret_reading);
	aside_end(&aside);
	return result;
}
