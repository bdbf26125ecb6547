/*
 * parent: starts the roles, starts them again when they die, and stops them (daemon/crew.h).
 *
 * It holds the one capability that the enforcer needs, because a started program cannot have more than its
 * parent may give, the one by which roles give theirs up, and the one that opens sockets of frames for the sentry. From the zone file it takes the pins and
 * nothing else; from the roles it takes only the verbs below. It alone writes the journal, so that no role that was taken over can
 * change what is written. Its own end ends the roles; the rules stay in the kernel.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/capability.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "daemon/clock.h"
#include "daemon/crew.h"
#include "daemon/notify.h"
#include "daemon/state.h"
#include "daemon/store.h"
#include "daemon/caller.h"
#include "sekishod/alarm_book.h"
#include "kernel/nfnl.h"
#include "sekishod/catalogue.h"
#include "sekishod/confirmation.h"
#include "sekishod/isolation_messages.h"
#include "sekishod/journal_book.h"
#include "sekishod/messages.h"
#include "sekishod/pins.h"
#include "sekishod/pins_file.h"
#include "sekishod/predecessor.h"
#include "sekishod/restored.h"
#include "sekishod/roles.h"
#include "sekishod/wiring.h"
#include "wire/fields.h"
#include "wire/report.h"
#include "wiring/fault.h"

enum {
	STATE_PATH_BYTES = 4096,
	FAULTS_PER_MINUTE_MAX = 300,	/* of wiring; a sentry that is not broken finds fewer */
	DRIFTS_PER_MINUTE_MAX = 30,	/* recorded one by one; who fights us may not fill the disk */
	DRIFT_DETAIL_BYTES = 80,
	CLOCK_TEXT_BYTES = 32,
	CLOCK_KEEP_S = 600,
	JOIN_PAUSE_MS = 100,		/* before planner and enforcer get another channel */
	CLOCK_BEHIND_S = 120,		/* a clock that is so far behind is told of */
	WHY_BYTES_MAX = 60 << 10,	/* the planner takes 64 KiB */
};

/* What the service manager calls the socket. */
#define NETLINK_STORE_NAME "nfnetlink"

struct parent {
	const struct options *options;
	struct event_base *loop;
	struct crew_plan plan;
	struct crew *crew;
	struct nfnl netlink;		/* what our tables belong to; the enforcer alone speaks by it, and the service manager keeps it for a successor */
	struct buf pins;		/* packed; what the enforcer has, empty: none */
	struct buf text;		/* the file the pins are of, in canonical form; empty: the pins are those that were kept */
	uint8_t text_digest[DIGEST_BYTES]; /* of the text as it was written */
	struct pins_reading ahead;	/* the zone file, read before its pins are wanted */
	char last_good_path[STATE_PATH_BYTES];
	clock_base clock;		/* behind which time does not run */
	clock_base clock_kept;		/* the same, as the disk has it */
	struct event *clock_keeps;	/* the newest time goes to the disk again */
	char in_force[DIGEST_TEXT_BYTES]; /* the digest a planner that is started again gets; "" before the first policy */
	struct event *join;		/* planner and enforcer get another channel: theirs broke */
	bool ready;
	struct confirmation confirmation;
	struct event *confirm_over;	/* its time is over */
	char previous_path[STATE_PATH_BYTES];
	struct arena *isolations_arena;
	struct isolations isolations;	/* what is isolated; also in the state directory */
	struct arena *order_arena;	/* NULL: no order is being carried out */
	struct isolation_order order;
	struct isolations ordered;	/* what will be isolated then */
	uint32_t order_number;
	bool order_kept;		/* the list is on the disk */
	int64_t order_began_ms;
	char journal_path[STATE_PATH_BYTES];
	struct journal_book journal;
	struct alarm_book alarms;
	bool started[ROLE_COUNT];	/* the role has run before */
	time_t drifts_since;		/* when the minute began in which drifts are counted */
	unsigned int drift_count, drifts_folded; /* in it; not recorded one by one since the last that was */
	struct wiring wiring;
	struct log_budget faults;	/* of wiring */
};

/*
 * CAP_NET_ADMIN is for the enforcer; CAP_SETPCAP lets each role take what it does not need out of its bounding set; CAP_NET_RAW opens the sockets of the
 * sentry, which itself does not get it.
 */
static const int kept_capabilities[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_SETPCAP };

static const char *parent_role_name(int role)
{
	return role_name((enum role)role);
}

static void parent_exec(void *context, int role)
{
	struct parent *parent = context;
	struct options options = *parent->options;
	const char *arguments[OPTIONS_ARGUMENTS_MAX];
	char clock_text[CLOCK_TEXT_BYTES];

	options.in_force = parent->in_force[0] ? parent->in_force : NULL;
	(void)clock_now(&parent->clock);
	snprintf(clock_text, sizeof(clock_text), "%lld", (long long)parent->clock);
	options.clock_text = clock_text;
	options_arguments(&options, (enum role)role, arguments);
	execv("/proc/self/exe", (char *const *)(uintptr_t)arguments);
}

/* Tells a role what is isolated. */
static void isolations_send(struct parent *parent, int role, const struct isolations *isolations, bool drill)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	const enum isolation_action action = drill ? ISOLATION_DRILL : parent->order_arena ? parent->order.action : ISOLATION_CUT;
	const struct isolation_state state = { .number = parent->order_number, .action = action, .isolations = *isolations };

	isolation_state_pack(&payload, &state);
	crew_send(parent->crew, role, VERB_ISOLATION, buf_span(&payload), -1);
}

static bool order_is_drill(const struct parent *parent)
{
	return parent->order_arena && parent->order.action == ISOLATION_DRILL;
}

/* Tells the planner what is to be confirmed. */
static void confirmation_send(struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	int64_t left_ms = confirmation_left_ms(&parent->confirmation);
	const struct confirm_state state = {
		.pending = parent->confirmation.pending, .over = parent->confirmation.pending && left_ms == 0, .until = (int64_t)time(NULL) + left_ms / 1000,
	};

	confirm_state_pack(&payload, &state);
	crew_send(parent->crew, ROLE_PLANNER, VERB_CONFIRMATION, buf_span(&payload), -1);
}

static void confirmation_wait(struct parent *parent)
{
	/* One millisecond more, so that the time is over when the timer is. */
	int64_t left_ms = confirmation_left_ms(&parent->confirmation) + 1;
	const struct timeval left = { .tv_sec = left_ms / 1000, .tv_usec = (suseconds_t)(left_ms % 1000) * 1000 };

	event_add(parent->confirm_over, &left);
}

static void confirmation_over(evutil_socket_t unused, short what, void *context)
{
	struct parent *parent = context;

	(void)unused;
	(void)what;
	if (!parent->confirmation.pending)
		return;
	if (confirmation_left_ms(&parent->confirmation) > 0) {
		confirmation_wait(parent);
		return;
	}
	log_event(LOG_LEVEL_WARNING, "SKS-CONFIRM", "a change was not confirmed in time and goes back");
	confirmation_send(parent);
}

/* The pins of what is in force, and not those of a file that was refused since, appended to out; nothing: there are none. */
static void pins_in_force(const struct parent *parent, struct buf *out)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct pins unused;

	if (pins_recall(parent->options->state_dir, out) == 0 && pins_unpack(arena, buf_span(out), &unused) == 0)
		return;
	out->length = 0;
	buf_put(out, parent->pins.data, parent->pins.length);
}

/* An enforcer that was started again judges what is in force. */
static void pins_send(struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf pins = buf_limited(PINS_BYTES_MAX);

	pins_in_force(parent, &pins);
	if (pins.length > 0)
		crew_send(parent->crew, ROLE_ENFORCER, VERB_PINS, buf_span(&pins), -1);
}

/* ---- alarms */

/* Any role may raise one. Its form is checked, and that is all: what it says is what the role says. */
static int alarm_take(struct parent *parent, enum role role, struct span payload)
{
	struct alarm alarm;
	int error = alarm_unpack(payload, &alarm);

	if (!error)
		alarm_book_note(&parent->alarms, &parent->journal, role, &alarm);
	return error;
}

/* An alarm of our own. */
static void alarm_own(struct parent *parent, const char *id, const char *sentence, const char *key, const char *value)
{
	const struct alarm alarm = { .id = span_of(id), .sentence = span_of(sentence), .fields = { { span_of(key), span_of(value) } }, .field_count = 1 };

	alarm_book_note(&parent->alarms, &parent->journal, ROLE_PARENT, &alarm);
}

/* ---- roles */

/* The two that make the rules; the others only watch. */
static bool makes_rules(int role)
{
	return role == ROLE_ENFORCER || role == ROLE_PLANNER;
}

/* Planner and enforcer get a channel, if both run. */
static void makers_join(struct parent *parent)
{
	event_del(parent->join);
	crew_join(parent->crew, ROLE_ENFORCER, ROLE_PLANNER);
}

static void join_come(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	makers_join(context);
}

/* The channel of the two broke. If one of them has ended, it gets another when it was started again; else both get one after a pause. */
static int join_take(struct parent *parent, struct span payload)
{
	const struct timeval pause = { .tv_usec = JOIN_PAUSE_MS * 1000 };

	if (payload.length != 0)
		return -EBADMSG;
	event_add(parent->join, &pause);
	return 0;
}

/* A role runs: the enforcer gets its pins and what is isolated before it hears of the others, so that nothing opens between them. */
static void parent_started(void *context, int role)
{
	struct parent *parent = context;

	if (role == ROLE_ENFORCER) {
		crew_send(parent->crew, role, VERB_NETLINK, (struct span){ .length = 0 }, mnl_socket_get_fd(parent->netlink.socket));
		pins_send(parent);
	}
	if (role == ROLE_SENTRY)
		wiring_tell_all(&parent->wiring, parent->crew, role);
	if (makes_rules(role) && (parent->isolations.count > 0 || (parent->order_arena && !order_is_drill(parent))))
		isolations_send(parent, role, &parent->isolations, false);
	if (role == ROLE_PLANNER && parent->confirmation.pending)
		confirmation_send(parent);
	if (role == ROLE_ENFORCER && order_is_drill(parent))
		isolations_send(parent, role, &parent->ordered, true);
	if (makes_rules(role))
		makers_join(parent);
	if (role == ROLE_ENFORCER || role == ROLE_WITNESS)
		crew_join(parent->crew, ROLE_ENFORCER, ROLE_WITNESS);
	if (parent->started[role])
		alarm_own(parent, "SKS-ROLE", "a process of sekishod ended and was started again; the rules stayed", "role", role_name((enum role)role));
	parent->started[role] = true;
}

static const char newest_name[] = "newest";

static void newest_keep(struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);
	int error;

	buf_put_u64(&bytes, (uint64_t)clock_now(&parent->clock));
	error = state_keep(parent->options->state_dir, newest_name, buf_span(&bytes));
	if (error)
		error = state_rewrite(parent->options->state_dir, newest_name, buf_span(&bytes));
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-CLOCK", "the time could not be kept for the next start reason=\"%s\"", strerror(-error));
	else
		parent->clock_kept = parent->clock;
}

/* The time for something that may close a flow. One that has jumped is kept at once: what it closes shall stay closed, however we end. */
static int64_t time_look(struct parent *parent)
{
	int64_t now = clock_now(&parent->clock);

	if (parent->clock > parent->clock_kept + CLOCK_BEHIND_S)
		newest_keep(parent);
	return now;
}

/* Appends findings as JSON. */
static void findings_put(struct buf *out, const struct findings *findings)
{
	json_t *array = findings_to_json(findings);
	char *json = json_dumps(array, JSON_COMPACT);

	buf_puts(out, json ? json : "[]");
	free(json);
	json_decref(array);
}

/* These are the pins now. */
static void pins_take(struct parent *parent, const struct pins_reading *reading)
{
	buf_free(&parent->pins);
	buf_free(&parent->text);
	arena_free(reading->arena);
	parent->pins = reading->pins;
	parent->text = reading->text;
	memcpy(parent->text_digest, reading->digest, DIGEST_BYTES);
}

/*
 * Reads the pins of the file at path into parent->pins; what was there stays when that fails. Findings as JSON are
 * appended to why.
 */
static int pins_renew(struct parent *parent, const char *path, struct buf *why)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	struct pins_reading reading = parent->ahead;
	int error = 0;

	parent->ahead = (struct pins_reading){ .arena = NULL };
	if (!pins_reading_holds(&reading, path)) {
		pins_reading_free(&reading);
		error = pins_read(path, clock_now(&parent->clock), &findings, &reading);
	}
	for (size_t i = 0; i < findings.count; i++)
		log_finding(&findings, &findings.items[i]);
	if (!error)
		pins_take(parent, &reading);
	else if (why && findings.count > 0)
		findings_put(why, &findings);
	/* The file's tree was large, and this process does nothing else for days. */
	malloc_trim(0);
	return error;
}

/* The planner has begun to read the zone file, and will ask for its pins unless it finds something wrong with it. What is wrong is told then. */
static void pins_read_ahead(struct parent *parent)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings unused = findings_in(arena);

	pins_reading_free(&parent->ahead);
	if (pins_read(parent->options->config, clock_now(&parent->clock), &unused, &parent->ahead) != 0)
		parent->ahead = (struct pins_reading){ .arena = NULL };
}

/* The pins that were in force last. False when none were kept or they are damaged; parent->pins is empty then. */
static bool pins_remember(struct parent *parent)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct pins unused;

	parent->pins.length = 0;
	if (pins_recall(parent->options->state_dir, &parent->pins) == 0 && pins_unpack(arena, buf_span(&parent->pins), &unused) == 0)
		return true;
	parent->pins.length = 0;
	return false;
}

/*
 * The pins at the start: those that were in force last, because by them the rules in the kernel are judged. The file may have been edited
 * since; its pins are taken when the planner has found no fault in it and asks for them. What a newer version has kept is not understood: then they are those of
 * the text that was in force last. Where there is none either, they are those of the file.
 */
static void pins_begin(struct parent *parent)
{
	int error = pins_remember(parent) ? 0 : -ENOENT;

	if (error && access(parent->last_good_path, F_OK) == 0) {
		log_event(LOG_LEVEL_WARNING, "SKS-PINS", "the zones that were kept cannot be used, and are taken from the text that was in force last");
		error = pins_renew(parent, parent->last_good_path, NULL);
	}
	if (error)
		error = pins_renew(parent, parent->options->config, NULL);
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-PINS", "the zones of the file cannot be used file=%s reason=\"%s\"", parent->options->config,
			  strerror(-error));
}

/* The text in force, for auditors; where their directory was not made, there are none. What was in force before is not left there for it. */
static void in_force_publish(struct parent *parent)
{
	char directory[STATE_PATH_BYTES];
	int error;

	if (snprintf(directory, sizeof(directory), "%s/" STATE_AUDIT_DIRECTORY, parent->options->state_dir) >= STATE_PATH_BYTES)
		return;
	error = state_publish(directory, STATE_AUDIT_NAME, buf_span(&parent->text));
	if (!error || error == -ENOENT)
		return;
	log_event(LOG_LEVEL_WARNING, "SKS-PINS", "what is in force could not be shown to auditors dir=%s reason=\"%s\"", directory, strerror(-error));
	(void)state_forget(directory, STATE_AUDIT_NAME);
}

/*
 * Keeps what is in force for the next start: the pins, and the text they are of. A text that was read and then refused is not in force: the digest tells.
 * What cannot be kept is tried again later; until then nothing is kept, because what was in force before may have let pass what is closed now.
 */
static void in_force_keep(struct parent *parent)
{
	char digest[DIGEST_TEXT_BYTES];
	int error;

	if (parent->text.length == 0 || strcmp(digest_hex(parent->text_digest, DIGEST_BYTES, digest), parent->in_force) != 0)
		return;
	in_force_publish(parent);
	error = pins_keep(parent->options->state_dir, buf_span(&parent->pins));
	if (!error)
		error = state_keep(parent->options->state_dir, STATE_LAST_GOOD_NAME, buf_span(&parent->text));
	if (!error) {
		buf_free(&parent->text);
		return;
	}
	log_event(LOG_LEVEL_WARNING, "SKS-PINS", "what is in force could not be kept for the next start dir=%s reason=\"%s\"", parent->options->state_dir,
		  strerror(-error));
	pins_forget(parent->options->state_dir);
	(void)state_forget(parent->options->state_dir, STATE_LAST_GOOD_NAME);
}

/* The planner asks for the pins to be read again: the enforcer gets them before the planner gets the answer. */
static void renew_answer(struct parent *parent, const char *path)
{
	__attribute__((cleanup(buf_free))) struct buf why = buf_limited(WHY_BYTES_MAX);

	if (pins_renew(parent, path, &why) == 0) {
		crew_send(parent->crew, ROLE_ENFORCER, VERB_PINS, buf_span(&parent->pins), -1);
		crew_send(parent->crew, ROLE_PLANNER, VERB_RENEW_PINS, (struct span){ .length = 0 }, -1);
		return;
	}
	/* An empty answer would say that all is well; so a refusal whose reasons do not fit, or that has none, is an empty list. */
	crew_send(parent->crew, ROLE_PLANNER, VERB_RENEW_PINS, why.length > 0 && !why.overflow ? buf_span(&why) : span_of("[]"), -1);
}

/* There is nothing to go back to: the planner gets the finding, and no pins are renewed. */
static void confirmation_refuse(struct parent *parent, int error)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	__attribute__((cleanup(buf_free))) struct buf why = buf_limited(0);

	finding_add(&findings, &daemon_catalogue[DAEMON_CONFIRM_NO_RETURN], (struct origin){ .source = NULL }, strerror(-error), NULL);
	findings_put(&why, &findings);
	crew_send(parent->crew, ROLE_PLANNER, VERB_RENEW_PINS, buf_span(&why), -1);
}

/* The text in force is put aside before the change is made, so that no crash in between is without a way back. */
static void renew_confirmed(struct parent *parent, uint32_t seconds)
{
	int error = confirmation_begin(&parent->confirmation, seconds);

	if (error) {
		confirmation_refuse(parent, error);
		return;
	}
	confirmation_send(parent);
	confirmation_wait(parent);
	renew_answer(parent, parent->options->config);
}

/* Which file the planner means. */
static int renew_take(struct parent *parent, struct span payload)
{
	uint32_t seconds;
	uint8_t which;

	in_force_keep(parent);
	if (payload.length == 0) {
		renew_answer(parent, parent->options->config);
		return 0;
	}
	if (!span_take_u8(&payload, &which))
		return -EBADMSG;
	if (which == RENEW_LAST_GOOD && payload.length == 0)
		renew_answer(parent, parent->last_good_path);
	else if (which == RENEW_PREVIOUS && payload.length == 0)
		renew_answer(parent, parent->previous_path);
	else if (which == RENEW_AHEAD && payload.length == 0)
		pins_read_ahead(parent);
	else if (which == RENEW_CONFIRM && span_take_u32(&payload, &seconds) && payload.length == 0 && seconds <= CONFIRM_SECONDS_MAX)
		renew_confirmed(parent, seconds);
	else
		return -EBADMSG;
	return 0;
}

/* Nothing waits any more: it was confirmed, refused, or has gone back. */
static int confirm_take(struct parent *parent, struct span payload)
{
	if (payload.length != 1)
		return -EBADMSG;
	event_del(parent->confirm_over);
	confirmation_end(&parent->confirmation);
	log_event(LOG_LEVEL_NOTICE, "SKS-CONFIRM", payload.data[0] == 1 ? "a change was confirmed" : "no change waits for a confirmation any more");
	confirmation_send(parent);
	return 0;
}

/* A policy or the seal is in force. */
static int ready_take(struct parent *parent, struct span payload)
{
	static const uint8_t no_digest[DIGEST_BYTES];
	char state[READY_STATUS_BYTES_MAX + 64];
	struct ready ready;
	int error = ready_unpack(payload, &ready);

	if (error)
		return error;
	snprintf(state, sizeof(state), "%sSTATUS=%.*s", parent->ready ? "" : "READY=1\n", (int)ready.status.length, ready.status.data);
	error = notify_send(getenv("NOTIFY_SOCKET"), state);
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-NOTIFY", "the service manager could not be told reason=\"%s\"", strerror(-error));
	else
		parent->ready = true;
	if (memcmp(ready.digest, no_digest, sizeof(no_digest)) == 0)
		return 0;
	digest_hex(ready.digest, DIGEST_BYTES, parent->in_force);
	in_force_keep(parent);
	return 0;
}

/* ---- the journal */

/* A record of our own. */
static void event_record(struct parent *parent, enum journal_event event)
{
	const struct journal_record record = { .event = event };

	journal_book_write(&parent->journal, &record);
}

/* What the planner did, or refused. It waits for the answer before it answers whoever asked. */
static int planner_record_take(struct parent *parent, struct span payload)
{
	struct journal_record record;
	char written;

	if (journal_record_unpack(payload, &record) != 0 || record.event < JOURNAL_COMMIT || record.event > JOURNAL_FAILED)
		return -EBADMSG;
	(void)time_look(parent);
	written = journal_book_write(&parent->journal, &record) == 0;
	/* The change is over, and its pins were taken or are not wanted. */
	pins_reading_free(&parent->ahead);
	crew_send(parent->crew, ROLE_PLANNER, VERB_RECORDED, (struct span){ .data = &written, .length = 1 }, -1);
	return 0;
}

/* True when the drift is to be recorded by itself; else it is counted. */
static bool drift_is_single(struct parent *parent)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (parent->drift_count == 0 || now.tv_sec - parent->drifts_since >= 60) {
		parent->drifts_since = now.tv_sec;
		parent->drift_count = 0;
	}
	if (parent->drift_count++ < DRIFTS_PER_MINUTE_MAX)
		return true;
	parent->drifts_folded++;
	return false;
}

/* Somebody changed our rules, or made some that led past them. The enforcer knows the process; who it is, /proc tells if it still runs. */
static int enforcer_record_take(struct parent *parent, struct span payload)
{
	char detail[DRIFT_DETAIL_BYTES];
	struct journal_record record;
	struct caller caller;

	if (journal_record_unpack(payload, &record) != 0 || (record.event != JOURNAL_DRIFT && record.event != JOURNAL_REPAIR && record.event != JOURNAL_REMOVE))
		return -EBADMSG;
	if (!drift_is_single(parent))
		return 0;
	caller_of_process(record.who.pid, &caller);
	if (caller.process[0]) {
		record.who = (struct journal_who){ .known = true, .pid = caller.pid, .uid = caller.uid, .logged_in = caller.logged_in,
						   .login = caller.login, .process = span_of(caller.process) };
	}
	if (parent->drifts_folded > 0 && record.detail_count < JOURNAL_DETAILS_MAX) {
		snprintf(detail, sizeof(detail), "and %u more since the record before", parent->drifts_folded);
		record.details[record.detail_count++] = span_of(detail);
	}
	if (journal_book_write(&parent->journal, &record) == 0)
		parent->drifts_folded = 0;
	return 0;
}

static int record_take(struct parent *parent, int role, struct span payload)
{
	return role == ROLE_PLANNER ? planner_record_take(parent, payload) : enforcer_record_take(parent, payload);
}

/* ---- the newest time */

static void newest_keep_again(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	newest_keep(context);
	in_force_keep(context);
}

/* Time goes on from the newest that a predecessor has seen. */
static void clock_begin(struct parent *parent)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(0);
	const struct timeval again = { .tv_sec = CLOCK_KEEP_S };
	int64_t now = (int64_t)time(NULL);
	uint64_t newest = 0;
	struct span rest;

	if (state_recall(parent->options->state_dir, newest_name, sizeof(newest), &bytes) == 0) {
		rest = buf_span(&bytes);
		if (!span_take_u64(&rest, &newest) || newest > INT32_MAX * (uint64_t)2)
			newest = 0;
	}
	parent->clock = clock_base_of((int64_t)newest);
	if ((int64_t)newest > now + CLOCK_BEHIND_S)
		log_event(LOG_LEVEL_ERROR, "SKS-CLOCK", "the clock is behind the newest time that was seen, which counts for what is over seconds=%lld",
			  (long long)newest - (long long)now);
	newest_keep(parent);
	event_add(parent->clock_keeps, &again);
}

/* ---- what is isolated */

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void isolations_begin(struct parent *parent)
{
	int error;

	parent->isolations_arena = arena_new();
	error = isolations_recall(parent->isolations_arena, parent->options->state_dir, (int64_t)time(NULL), &parent->isolations);
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ISOLATE", "which zones are isolated cannot be read, so every zone is dir=%s reason=\"%s\"",
			  parent->options->state_dir, strerror(-error));
	for (size_t i = 0; i < parent->isolations.count; i++)
		log_event(LOG_LEVEL_WARNING, "SKS-ISOLATE", "a zone is isolated zone=%s", parent->isolations.items[i].zone);
}

/* True when the pins have a zone of this name. */
static bool zone_is_known(const struct parent *parent, const char *zone)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct pins pins;

	if (strcmp(zone, ISOLATION_EVERY_ZONE) == 0)
		return true;
	if (pins_unpack(arena, buf_span(&parent->pins), &pins) != 0)
		return false;
	for (size_t i = 0; i < pins.program.zone_count; i++)
		if (strcmp(pins.program.zones[i].name, zone) == 0)
			return true;
	return false;
}

static void order_answer(struct parent *parent, const struct isolation_answer *answer)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);

	isolation_answer_pack(&payload, answer);
	crew_send(parent->crew, ROLE_PLANNER, VERB_ISOLATED, buf_span(&payload), -1);
}

static void order_refuse(struct parent *parent, enum isolation_outcome outcome)
{
	order_answer(parent, &(struct isolation_answer){ .outcome = outcome });
}

static void order_end(struct parent *parent)
{
	arena_free(parent->order_arena);
	parent->order_arena = NULL;
}

static void detail_add(struct journal_record *record, const char *text)
{
	if (record->detail_count < JOURNAL_DETAILS_MAX)
		record->details[record->detail_count++] = span_of(text);
}

static bool order_record(struct parent *parent, const struct isolation_answer *answer)
{
	static const enum journal_event events[] = {
		[ISOLATION_CUT] = JOURNAL_ISOLATE, [ISOLATION_RELEASE] = JOURNAL_RELEASE, [ISOLATION_DRILL] = JOURNAL_DRILL,
	};
	const struct isolation_order *order = &parent->order;
	struct journal_record record = { .event = events[order->action], .who = order->who, .reason = span_of(order->isolation.reason) };
	struct arena *arena = parent->order_arena;

	detail_add(&record, arena_printf(arena, "zone %s", order->isolation.zone));
	if (answer->outcome == ISOLATION_FAILED)
		detail_add(&record, "failed; nothing is forwarded");
	if (answer->outcome == ISOLATION_LATER)
		detail_add(&record, "opens with the rules that are installed next");
	detail_add(&record, arena_printf(arena, "interfaces that are cut off now: %zu", answer->effect.interfaces));
	for (size_t i = 0; i < answer->effect.keep_count; i++)
		detail_add(&record, arena_printf(arena, "keeps %s", answer->effect.keeps[i]));
	for (size_t i = 0; i < answer->effect.unknown_count; i++)
		detail_add(&record, arena_printf(arena, "unknown exception %s", answer->effect.unknown[i]));
	detail_add(&record, arena_printf(arena, "in force after %lld ms", (long long)(monotonic_ms() - parent->order_began_ms)));
	return journal_book_write(&parent->journal, &record) == 0;
}

/* What is isolated from now on: in the list, in the kernel, and on the disk; in this order, because the kernel is what counts. */
static void order_carry_out(struct parent *parent)
{
	struct arena *arena = arena_new();
	struct isolation_state copy;
	struct buf bytes = buf_limited(0);
	int error;

	/* A copy of its own, because the order's arena goes with the order. */
	isolation_state_pack(&bytes, &(struct isolation_state){ .isolations = parent->ordered });
	error = isolation_state_unpack(arena, buf_span(&bytes), &copy);
	buf_free(&bytes);
	if (error)
		arena_exhausted();
	arena_free(parent->isolations_arena);
	parent->isolations_arena = arena;
	parent->isolations = copy.isolations;
	isolations_send(parent, ROLE_ENFORCER, &parent->isolations, false);
	error = isolations_keep(parent->options->state_dir, &parent->isolations);
	parent->order_kept = error == 0;
	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-ISOLATE", "what is isolated could not be kept for a restart dir=%s reason=\"%s\"",
			  parent->options->state_dir, strerror(-error));
	isolations_send(parent, ROLE_PLANNER, &parent->isolations, false);
}

static int order_take(struct parent *parent, struct span payload)
{
	enum isolation_outcome outcome = ISOLATION_DONE;

	/* Of a planner that was started again meanwhile. */
	if (parent->order_arena) {
		order_refuse(parent, ISOLATION_BUSY);
		return 0;
	}
	parent->order_arena = arena_new();
	if (isolation_order_unpack(parent->order_arena, payload, &parent->order) != 0) {
		order_end(parent);
		return -EBADMSG;
	}
	parent->order_number++;
	parent->order_kept = true;
	parent->order_began_ms = monotonic_ms();
	if (parent->order.action != ISOLATION_RELEASE && !zone_is_known(parent, parent->order.isolation.zone))
		outcome = ISOLATION_ZONE_UNKNOWN;
	else
		outcome = isolations_change(parent->order_arena, &parent->isolations, &parent->order, &parent->ordered);
	if (outcome != ISOLATION_DONE) {
		order_refuse(parent, outcome);
		order_end(parent);
	} else if (order_is_drill(parent)) {
		isolations_send(parent, ROLE_ENFORCER, &parent->ordered, true);
	} else {
		order_carry_out(parent);
	}
	return 0;
}

/* The enforcer is done. An answer to what it was told when it started is nobody's. */
static int isolated_take(struct parent *parent, struct span payload)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct isolation_answer answer;

	if (isolation_answer_unpack(arena, payload, &answer) != 0)
		return -EBADMSG;
	if (!parent->order_arena || answer.number != parent->order_number)
		return 0;
	log_event(LOG_LEVEL_WARNING, "SKS-ISOLATE", "%s zone=%s interfaces=%zu keeps=%zu outcome=%d",
		  parent->order.action == ISOLATION_RELEASE ? "a zone was released" : order_is_drill(parent) ? "a drill" : "a zone was isolated",
		  parent->order.isolation.zone, answer.effect.interfaces, answer.effect.keep_count, (int)answer.outcome);
	answer.kept = order_record(parent, &answer) && parent->order_kept;
	order_answer(parent, &answer);
	order_end(parent);
	return 0;
}

/* ---- who is connected where */

static int wiring_renew_all(struct parent *parent, struct span barred)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(PINS_BYTES_MAX);
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct pins pins;
	int error;

	pins_in_force(parent, &bytes);
	if (pins_unpack(arena, buf_span(&bytes), &pins) != 0)
		return 0;
	error = wiring_renew(&parent->wiring, &pins, barred, parent->crew, ROLE_SENTRY);
	if (error && error != -EBADMSG)
		log_event(LOG_LEVEL_WARNING, "SKS-SENTRY", "who is connected where cannot be watched reason=\"%s\"", strerror(-error));
	return error == -EBADMSG ? error : 0;
}

/* The planner says that interfaces or the zones have changed. It has to know our own sockets of frames from those of others. */
static int wiring_take(struct parent *parent, struct span payload)
{
	__attribute__((cleanup(buf_free))) struct buf inodes = buf_limited(0);
	int error = wiring_renew_all(parent, payload);

	wiring_inodes(&parent->wiring, &inodes);
	crew_send(parent->crew, ROLE_PLANNER, VERB_WIRING, buf_span(&inodes), -1);
	return error;
}

/* Says what the sentry found, in words: in the log and in the journal. Fields are what is the same each time. */
static void fault_tell(struct parent *parent, const struct fault *fault)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	const struct finding *finding = fault_find(&findings, fault);
	const char *sentence = arena_printf(arena, "%s %s (seen: %u)", finding_sentence(&findings, finding, LANGUAGE_EN),
					    finding_action(&findings, finding, LANGUAGE_EN), fault->count);
	char mac[MACADDR_TEXT_BYTES];
	const struct log_field fields[] = {
		{ "finding", finding->kind->id }, { "mac", macaddr_format(&fault->mac, mac) }, { "zone", fault->zone }, { "interface", fault->interface },
		{ "other-zone", fault->other_zone[0] ? fault->other_zone : "-" },
	};
	struct alarm alarm = { .id = span_of("SKS-WIRING"), .sentence = span_of(sentence), .field_count = sizeof(fields) / sizeof(fields[0]) };

	for (size_t i = 0; i < alarm.field_count; i++)
		alarm.fields[i] = (struct alarm_field){ span_of(fields[i].key), span_of(fields[i].value) };
	log_event_fields(LOG_LEVEL_WARNING, "SKS-WIRING", sentence, fields, alarm.field_count);
	alarm_book_note(&parent->alarms, &parent->journal, ROLE_SENTRY, &alarm);
}

/* The sentry, which reads strangers' bytes, has found something: what it says is read as carefully. The witness writes it to the database. */
static int fault_take(struct parent *parent, struct span payload)
{
	struct fault fault;

	if (fault_unpack(payload, &fault) != 0)
		return -EBADMSG;
	if (!log_budget_allows(&parent->faults, FAULTS_PER_MINUTE_MAX, (int64_t)time(NULL), "SKS-SENTRY"))
		return 0;
	fault_tell(parent, &fault);
	crew_send_now(parent->crew, ROLE_WITNESS, VERB_FAULT, payload, -1);
	return 0;
}

/* What a role may ask of us; anything else is not a role of ours any more. */
static int parent_frame(void *context, int role, const struct frame *frame)
{
	struct parent *parent = context;

	if (frame->descriptor >= 0) {
		close(frame->descriptor);
		return -EBADMSG;
	}
	if (frame->verb == VERB_ALARM)
		return alarm_take(parent, (enum role)role, frame->payload);
	/* It meets strangers' bytes, and has nothing else to say to us. */
	if (role == ROLE_WITNESS)
		return -EBADMSG;
	if (role == ROLE_SENTRY)
		return frame->verb == VERB_FAULT ? fault_take(parent, frame->payload) : -EBADMSG;
	if (frame->verb == VERB_RECORD)
		return record_take(parent, role, frame->payload);
	if (role == ROLE_ENFORCER && frame->verb == VERB_JOIN)
		return join_take(parent, frame->payload);
	if (role == ROLE_ENFORCER)
		return frame->verb == VERB_ISOLATED ? isolated_take(parent, frame->payload) : -EBADMSG;
	switch (frame->verb) {
	case VERB_CONFIRM:
		return confirm_take(parent, frame->payload);
	case VERB_ISOLATE:
		return order_take(parent, frame->payload);
	case VERB_RENEW_PINS:
		return renew_take(parent, frame->payload);
	case VERB_READY:
		return ready_take(parent, frame->payload);
	case VERB_WIRING:
		return wiring_take(parent, frame->payload);
	default:
		return -EBADMSG;
	}
}

static void parent_stopping(void *context, int signal)
{
	(void)context;
	log_event(LOG_LEVEL_NOTICE, "SKS-STOP", "stopping; the rules stay in force signal=%d", signal);
	notify_send(getenv("NOTIFY_SOCKET"), "STOPPING=1\nSTATUS=stopping; the rules stay in force");
}

static void parent_hangup(void *context)
{
	(void)context;
	log_event(LOG_LEVEL_WARNING, "SKS-RELOAD", "SIGHUP does nothing, because it has no answer; use `sekisho apply` or `systemctl reload`");
}

/* Both directories belong to us alone: in one is the door for administrators, in the other what judges the rules. */
static int parent_directory(const char *path)
{
	int error = crew_directory_make(path, 0700);

	if (error)
		log_event(LOG_LEVEL_ERROR, "SKS-START", "a directory could not be made dir=%s reason=\"%s\"", path, strerror(-error));
	return error;
}

/* Two of us would take each other's control socket and commit in turns. */
static int parent_lock(const char *path)
{
	int error = crew_directory_lock(path);

	if (error == -EWOULDBLOCK)
		log_event(LOG_LEVEL_ERROR, "SKS-START", "another sekishod uses this run directory run-dir=%s", path);
	return error;
}

/*
 * The socket that our tables belong to: that of the process before us, if the service manager has kept it; else a new one. Without a manager the tables are
 * orphans from our end to our successor's beginning.
 */
static int netlink_open(struct parent *parent)
{
	int descriptor = store_take(NETLINK_STORE_NAME), error;

	if (descriptor >= 0 && nfnl_adopt(descriptor, &parent->netlink) == 0)
		return 0;
	if (descriptor >= 0)
		close(descriptor);
	error = nfnl_open(&parent->netlink);
	if (error)
		return error;
	predecessor_await(&parent->netlink);
	error = store_put(getenv("NOTIFY_SOCKET"), NETLINK_STORE_NAME, mnl_socket_get_fd(parent->netlink.socket));
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-NOTIFY", "the service manager could not be given the socket that the tables belong to reason=\"%s\"",
			  strerror(-error));
	return 0;
}

static int parent_begin(struct parent *parent)
{
	int error = sandbox_keep_capabilities(kept_capabilities, sizeof(kept_capabilities) / sizeof(kept_capabilities[0]));

	if (!error)
		error = parent_directory(parent->options->run_dir);
	if (!error)
		error = parent_lock(parent->options->run_dir);
	if (!error)
		error = netlink_open(parent);
	if (error)
		return error;
	if (parent_directory(parent->options->state_dir) != 0)
		log_event(LOG_LEVEL_WARNING, "SKS-START", "nothing will survive a reboot");
	if (snprintf(parent->journal_path, sizeof(parent->journal_path), "%s/journal", parent->options->state_dir) >= STATE_PATH_BYTES ||
	    snprintf(parent->last_good_path, sizeof(parent->last_good_path), "%s/" STATE_LAST_GOOD_NAME, parent->options->state_dir) >= STATE_PATH_BYTES)
		return -ENAMETOOLONG;
	parent->journal = journal_book_at(parent->journal_path);
	if (snprintf(parent->previous_path, sizeof(parent->previous_path), "%s/" STATE_PREVIOUS_NAME, parent->options->state_dir) >= STATE_PATH_BYTES)
		return -ENAMETOOLONG;
	parent->confirmation.directory = parent->options->state_dir;
	parent->loop = event_base_new();
	parent->crew = parent->loop ? crew_new(parent->loop, &parent->plan) : NULL;
	parent->confirm_over = parent->loop ? evtimer_new(parent->loop, confirmation_over, parent) : NULL;
	parent->clock_keeps = parent->loop ? event_new(parent->loop, -1, EV_PERSIST, newest_keep_again, parent) : NULL;
	parent->join = parent->loop ? evtimer_new(parent->loop, join_come, parent) : NULL;
	return parent->crew && parent->confirm_over && parent->clock_keeps && parent->join ? 0 : -ENOMEM;
}

static void parent_end(struct parent *parent)
{
	crew_free(parent->crew);
	nfnl_close(&parent->netlink);
	wiring_close(&parent->wiring);
	event_free(parent->confirm_over);
	event_free(parent->clock_keeps);
	event_free(parent->join);
	event_base_free(parent->loop);
	buf_free(&parent->text);
	journal_book_close(&parent->journal);
	arena_free(parent->isolations_arena);
	arena_free(parent->order_arena);
	buf_free(&parent->pins);
	pins_reading_free(&parent->ahead);
}

int parent_run(const struct options *options)
{
	struct parent parent = {
		.options = options, .pins = buf_limited(PINS_BYTES_MAX), .wiring = wiring_none(),
		.plan = {
			.role_count = ROLE_PARENT, .payload_bytes_max = JOURNAL_RECORD_BYTES_MAX,
			.message_start = "SKS-ROLE", .message_stop = "SKS-STOP", .ends = "the rules stay",
			.name = parent_role_name, .exec = parent_exec, .started = parent_started, .frame = parent_frame,
			.stopping = parent_stopping, .hangup = parent_hangup, .context = &parent,
		},
	};
	int error = parent_begin(&parent);

	if (error) {
		log_event(LOG_LEVEL_ERROR, "SKS-START", "sekishod could not start reason=\"%s\"", strerror(-error));
		return EXIT_FAILURE;
	}
	log_event(LOG_LEVEL_NOTICE, "SKS-START", "starting config=%s", options->config);
	event_record(&parent, JOURNAL_START);
	restored_record(options->state_dir, &parent.journal);
	clock_begin(&parent);
	pins_begin(&parent);
	isolations_begin(&parent);
	confirmation_recall(&parent.confirmation);
	if (parent.confirmation.pending)
		confirmation_wait(&parent);
	crew_start(parent.crew);
	event_base_dispatch(parent.loop);
	alarm_book_close(&parent.alarms, &parent.journal);
	event_record(&parent, JOURNAL_STOP);
	newest_keep(&parent);
	parent_end(&parent);
	log_event(LOG_LEVEL_NOTICE, "SKS-STOP", "stopped; the rules stay in force");
	return EXIT_SUCCESS;
}
