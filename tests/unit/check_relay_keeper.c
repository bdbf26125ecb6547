/*
 * The keeper's part in the way of a mail: relay/keeper_mail.c between roles that are played here, with originals in a directory of their own. The
 * functions of relay/keeper.c that it uses are defined below; they write down what was said, and see to it that nothing is told before it is true.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "relay/keeper.h"
#include "wire/fields.h"

enum { NOW = 1795867200, FRAMES_MAX = 64, SESSIONS_MAX = KEEPER_WASHINGS_MAX + 4, SESSIONS_RANDOM = 3 };	/* 2026-11-28 12:00:00 UTC */

/* What was said to a role. */
struct said {
	enum role role;
	enum verb verb;
	bool with_descriptor;
	struct buf payload;
};

static struct said said[FRAMES_MAX];
static size_t said_count;
static bool role_away[ROLES_STANDING];
static unsigned int sessions_freed, disk_syncs, syncs_when_offered;
static bool sync_fails;

/* ---- keeper.c ---- */

bool role_send(struct keeper *keeper, enum role role, enum verb verb, const struct buf *payload, int descriptor)
{
	struct said *frame = &said[said_count];

	(void)keeper;
	if (role_away[role])
		return false;
	/* The word that a mail is on the disk is true: its name was synced after it was given. */
	if (verb == VERB_DURABLE)
		ck_assert_uint_gt(disk_syncs, syncs_when_offered);
	ck_assert_uint_lt(said_count, FRAMES_MAX);
	*frame = (struct said){ .role = role, .verb = verb, .with_descriptor = descriptor >= 0, .payload = buf_limited(0) };
	buf_put(&frame->payload, payload->data, payload->length);
	said_count++;
	return true;
}

int64_t keeper_now(void)
{
	return NOW;
}

struct session *session_of_number(struct keeper *keeper, uint32_t number)
{
	struct session *session = keeper->sessions;

	while (session && session->number != number)
		session = session->next;
	return session;
}

void session_free(struct session *session)
{
	struct session **at = &session->keeper->sessions;

	ck_assert_int_lt(session->socket, 0);
	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	free(session);
	sessions_freed++;
}

void session_close(struct session *session)
{
	close(session->socket);
	session->socket = -1;
	mail_sender_gone(session);
}

/* ---- the disk ---- */

int fsync(int descriptor)
{
	if (sync_fails) {
		errno = EIO;
		return -1;
	}
	disk_syncs++;
	return (int)syscall(SYS_fsync, descriptor);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
	if (strstr(to, ".offered"))
		syncs_when_offered = disk_syncs;
	return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 0);
}

/* The keeper serves all: it waits for nobody. */
int poll(struct pollfd *waits, nfds_t count, int timeout_ms)
{
	const struct timespec none = { .tv_sec = 0 };

	ck_assert_int_eq(timeout_ms, 0);
	return (int)syscall(SYS_ppoll, waits, count, &none, NULL, 0);
}

/* ---- a keeper, and processes of the front ---- */

static char root_path[64];
static struct keeper keeper;
static struct originals store;
static int fronts[SESSIONS_MAX];
static struct frame_reader front_readers[SESSIONS_MAX];
static uint32_t numbers;

static const char *const domains[] = { "city.example.jp" };
static const struct relay_hop hop = { { .family = 4, .bytes = { 10, 0, 0, 25 } }, 25 };
static struct addr_range outside = { { .family = 4, .bytes = { 192, 0, 2, 0 } }, { .family = 4, .bytes = { 192, 0, 2, 255 } } };
static const struct relay relay = {
	.name = "inward", .listen_port = 25, .accept_from = { .items = &outside, .count = 1 }, .domains = domains, .domain_count = 1,
	.next_hops = &hop, .next_hop_count = 1, .host_name = "gw.example.jp", .limits = { 1 << 20, 100, 10, 10 },
	.text = { LANGUAGE_JA, RELAY_LINKS_HXXP, "", "", "gateway@example.jp", NULL, NULL }, .originals = { 30, 0 },
};

static void sync_run(evutil_socket_t unused, short what, void *context)
{
	(void)unused;
	(void)what;
	mail_sync_all(context);
}

static void setup(void)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		fronts[i] = -1;
		front_readers[i] = frame_reader_make(MESSAGE_BYTES_MAX);
	}
	strcpy(root_path, "/tmp/sekisho-keeper-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root_path));
	keeper = (struct keeper){ .root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	ck_assert_int_ge(keeper.root, 0);
	ck_assert_int_eq(originals_open(keeper.root, "inward", &store), 0);
	keeper.loop = event_base_new();
	keeper.sync = event_new(keeper.loop, -1, 0, sync_run, &keeper);
}

static void said_forget(void)
{
	for (size_t i = 0; i < said_count; i++)
		buf_free(&said[i].payload);
	said_count = 0;
}

static void teardown(void)
{
	char command[128];

	role_away[ROLE_WASHER] = role_away[ROLE_COURIER] = false;
	while (keeper.sessions) {
		struct session *session = keeper.sessions;

		if (session->socket >= 0)
			session_close(session);
		else
			mail_courier_gone(&keeper);
	}
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		frame_reader_free(&front_readers[i]);
		if (fronts[i] >= 0)
			close(fronts[i]);
	}
	said_forget();
	event_free(keeper.sync);
	event_base_free(keeper.loop);
	originals_close(&store);
	close(keeper.root);
	snprintf(command, sizeof(command), "rm -rf %s", root_path);
	ck_assert_int_eq(system(command), 0);
}

static struct session *session_make(size_t which)
{
	struct session *session = calloc(1, sizeof(*session));
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	if (fronts[which] >= 0)
		close(fronts[which]);
	fronts[which] = ends[1];
	frame_reader_free(&front_readers[which]);
	front_readers[which] = frame_reader_make(MESSAGE_BYTES_MAX);
	*session = (struct session){
		.keeper = &keeper, .next = keeper.sessions, .number = ++numbers, .client = outside.first, .relay = &relay, .store = &store,
		.socket = ends[0],
	};
	keeper.sessions = session;
	return session;
}

/* ---- what is said to the keeper ---- */

static int front_say(struct session *session, enum verb verb, const struct buf *payload)
{
	struct frame frame = { .verb = verb, .payload = payload ? buf_span(payload) : span_of(""), .descriptor = -1 };

	return mail_front_frame(session, &frame);
}

static int front_begin(struct session *session, uint32_t transaction)
{
	struct buf payload = buf_limited(0);
	int result;

	message_original_pack(&payload, &(struct message_original){ .transaction = transaction });
	result = front_say(session, VERB_ORIGINAL, &payload);
	buf_free(&payload);
	return result;
}

static int front_complete(struct session *session, uint32_t transaction, uint8_t fingerprint)
{
	struct buf payload = buf_limited(0);
	int result;

	message_complete_pack(&payload, &(struct message_complete){ .transaction = transaction, .fingerprint = { fingerprint } });
	result = front_say(session, VERB_COMPLETE, &payload);
	buf_free(&payload);
	return result;
}

/* A pipe as the washer sends it along, or none. */
static int washer_say(uint32_t ticket, bool pipe_too)
{
	struct buf payload = buf_limited(0);
	struct frame frame = { .verb = VERB_WASH, .descriptor = pipe_too ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1 };
	int result;

	message_number_pack(&payload, ticket);
	frame.payload = buf_span(&payload);
	result = mail_washer_frame(&keeper, &frame);
	buf_free(&payload);
	return result;
}

static int courier_say(enum verb verb, const struct buf *payload)
{
	struct frame frame = { .verb = verb, .payload = buf_span(payload), .descriptor = -1 };

	return mail_courier_frame(&keeper, &frame);
}

static int courier_washed(uint32_t session, uint32_t transaction)
{
	struct buf payload = buf_limited(0);
	int result;

	message_transaction_pack(&payload, &(struct message_transaction){ .session = session, .transaction = transaction });
	result = courier_say(VERB_WASHED, &payload);
	buf_free(&payload);
	return result;
}

static int courier_result(uint32_t session, uint32_t transaction, enum fate fate)
{
	struct buf payload = buf_limited(0);
	struct smtp_reply reply = fate == FATE_DELIVERED ? smtp_reply_make(250, 0, 0) : smtp_reply_make(451, 4, 2);
	int result;

	message_result_pack(&payload, &(struct message_result){ .session = session, .transaction = transaction, .fate = fate, .reply = reply });
	result = courier_say(VERB_RESULT, &payload);
	buf_free(&payload);
	return result;
}

static void disk_turn(void)
{
	event_base_loop(keeper.loop, EVLOOP_NONBLOCK);
}

/* ---- what the keeper says ---- */

/* The last frame to a role; NULL: nothing was said. */
static const struct said *last_said(enum role role)
{
	for (size_t i = said_count; i > 0; i--)
		if (said[i - 1].role == role)
			return &said[i - 1];
	return NULL;
}

static enum verb last_verb(enum role role)
{
	const struct said *frame = last_said(role);

	return frame ? frame->verb : VERB_NONE;
}

/* The next frame to a process of the front; VERB_NONE: nothing was said. A descriptor is closed. */
static enum verb front_hears(size_t which, struct message_result *ret_result)
{
	struct frame frame;
	int result;

	/* Header and payload come in two pieces. */
	do
		result = frame_receive(fronts[which], &front_readers[which], &frame);
	while (result == 0 && front_readers[which].bytes.length > 0);
	if (result <= 0)
		return VERB_NONE;
	if (frame.descriptor >= 0)
		close(frame.descriptor);
	if (frame.verb == VERB_RESULT)
		ck_assert_int_eq(message_result_unpack(frame.payload, ret_result), 0);
	return frame.verb;
}

static void front_hears_result(size_t which, enum fate fate)
{
	struct message_result result = { .session = 0 };
	enum verb verb;

	do
		verb = front_hears(which, &result);
	while (verb != VERB_RESULT && verb != VERB_NONE);
	ck_assert_int_eq(verb, VERB_RESULT);
	ck_assert_int_eq(result.fate, fate);
	ck_assert_int_eq(smtp_reply_class(result.reply) == 2, fate == FATE_DELIVERED);
}

/* How many files there are that end so; "": originals. */
static unsigned int files_with(const char *suffix)
{
	unsigned int count = 0;
	char path[128];
	struct dirent *entry;
	DIR *day;

	snprintf(path, sizeof(path), "%s/inward/2026-11-28", root_path);
	day = opendir(path);
	while (day && (entry = readdir(day))) {
		const char *dot = strchr(entry->d_name, '.');

		count += entry->d_name[0] != '.' && strcmp(dot ? dot : "", suffix) == 0;
	}
	if (day)
		closedir(day);
	return count;
}

static unsigned int files_all(void)
{
	return files_with("") + files_with(".receiving") + files_with(".offered");
}

/* ---- sessions in a state ---- */

/* The places of a mail, one after the other, as far as they differ. */
enum place { AT_NONE, AT_RECEIVING, AT_WASHER, AT_COURIER, AT_COURIER_DURABLE, AT_DELIVERED, PLACES };

static const char *const place_names[PLACES] = { "none", "receiving", "at the washer", "at the courier", "on the disk", "delivered" };

static struct session *session_at(size_t which, enum place place, uint8_t fingerprint)
{
	struct session *session = session_make(which);

	if (place >= AT_RECEIVING)
		ck_assert_int_eq(front_begin(session, 1), 0);
	if (place >= AT_WASHER)
		ck_assert_int_eq(front_complete(session, 1, fingerprint), 0);
	if (place >= AT_COURIER)
		ck_assert_int_eq(washer_say(session->ticket, true), 0);
	if (place >= AT_COURIER_DURABLE) {
		ck_assert_int_eq(front_say(session, VERB_SYNCED, NULL), 0);
		disk_turn();
	}
	if (place >= AT_DELIVERED)
		ck_assert_int_eq(courier_result(session->number, 1, FATE_DELIVERED), 0);
	return session;
}

START_TEST(the_way_of_a_mail)
{
	struct session *session = session_make(0);
	struct message_letter letter;
	struct message_result result;

	ck_assert_int_eq(front_begin(session, 1), 0);
	ck_assert_int_eq(front_hears(0, &result), VERB_ORIGINAL);
	ck_assert_uint_eq(files_with(".receiving"), 1);
	ck_assert_int_eq(front_complete(session, 1, 1), 0);
	ck_assert(last_verb(ROLE_WASHER) == VERB_WASH && last_said(ROLE_WASHER)->with_descriptor);
	ck_assert_int_eq(washer_say(session->ticket, true), 0);
	ck_assert(last_verb(ROLE_COURIER) == VERB_LETTER && last_said(ROLE_COURIER)->with_descriptor);
	ck_assert_int_eq(message_letter_unpack(buf_span(&last_said(ROLE_COURIER)->payload), &letter), 0);
	ck_assert_str_eq(letter.id, session->original.id);
	ck_assert_int_eq(letter.received_seconds, NOW);
	ck_assert_uint_eq(files_with(".receiving"), 1);
	ck_assert_int_eq(front_say(session, VERB_SYNCED, NULL), 0);
	ck_assert_int_eq(last_verb(ROLE_COURIER), VERB_LETTER);
	disk_turn();
	ck_assert_int_eq(last_verb(ROLE_COURIER), VERB_DURABLE);
	ck_assert_uint_eq(files_with(".offered"), 1);
	ck_assert_int_eq(courier_result(session->number, 1, FATE_DELIVERED), 0);
	front_hears_result(0, FATE_DELIVERED);
	ck_assert_uint_eq(files_with(""), 1);
	ck_assert_int_eq(front_say(session, VERB_ANSWERED, NULL), 0);
	ck_assert_int_eq(front_begin(session, 2), 0);
	ck_assert_uint_eq(files_with(".receiving"), 1);
}
END_TEST

/* ---- every frame in every state ---- */

/* What the front may say where: in the order of the places. */
static const struct {
	const char *what;
	enum verb verb;
	uint32_t transaction;
	bool permitted[PLACES];
} front_rows[] = {
	{ "a courier", VERB_COURIER, 0, { true, true, true, true, true, true } },
	{ "an original", VERB_ORIGINAL, 2, { true } },
	{ "an original for a number that was used", VERB_ORIGINAL, 0, { false } },
	{ "complete", VERB_COMPLETE, 1, { false, true } },
	{ "complete, another one", VERB_COMPLETE, 2, { false } },
	{ "synced", VERB_SYNCED, 0, { true, false, true, true, true, true } },
	{ "drop", VERB_DROP, 0, { true, true, true, true, true, true } },
	{ "answered", VERB_ANSWERED, 0, { false, false, false, false, false, true } },
};

static int front_row_say(struct session *session, enum verb verb, uint32_t transaction)
{
	if (verb == VERB_ORIGINAL)
		return front_begin(session, transaction);
	if (verb == VERB_COMPLETE)
		return front_complete(session, transaction, 7);
	return front_say(session, verb, NULL);
}

START_TEST(the_front_says_what_it_may_and_nothing_else)
{
	for (enum place place = AT_NONE; place < PLACES; place++) {
		struct session *session = session_at(0, place, 1);
		int wanted = front_rows[_i].permitted[place] ? 0 : -EBADMSG;

		ck_assert_msg(front_row_say(session, front_rows[_i].verb, front_rows[_i].transaction) == wanted, "%s: %s", place_names[place],
			      front_rows[_i].what);
		teardown();
		setup();
	}
}
END_TEST

START_TEST(verbs_of_others_payloads_and_descriptors_are_refused)
{
	struct buf byte = buf_limited(0);

	buf_putc(&byte, 1);
	for (enum place place = AT_NONE; place < PLACES; place++) {
		struct session *session = session_at(0, place, 1);
		struct frame frame = { .verb = VERB_COURIER, .payload = span_of(""), .descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC) };
		int descriptor = frame.descriptor;

		for (enum verb verb = VERB_NONE; verb < VERB_COUNT; verb++) {
			if (verb != VERB_COURIER && verb != VERB_SYNCED && verb != VERB_DROP && verb != VERB_ANSWERED)
				ck_assert_int_eq(front_say(session, verb, NULL), -EBADMSG);
			ck_assert_int_eq(front_say(session, verb, &byte), -EBADMSG);
		}
		ck_assert_int_eq(mail_front_frame(session, &frame), -EBADMSG);
		ck_assert_int_eq(fcntl(descriptor, F_GETFD), -1);
		teardown();
		setup();
	}
	buf_free(&byte);
}
END_TEST

START_TEST(courier_and_washer_say_what_they_may_and_nothing_else)
{
	struct buf byte = buf_limited(0);

	buf_putc(&byte, 1);
	for (enum verb verb = VERB_NONE; verb < VERB_COUNT; verb++) {
		struct frame frame = { .verb = verb, .payload = buf_span(&byte), .descriptor = -1 };

		ck_assert_int_eq(mail_courier_frame(&keeper, &frame), -EBADMSG);
		ck_assert_int_eq(mail_washer_frame(&keeper, &frame), -EBADMSG);
		frame.descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ck_assert_int_eq(mail_courier_frame(&keeper, &frame), -EBADMSG);
		ck_assert_int_eq(fcntl(frame.descriptor, F_GETFD), -1);
		frame.descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ck_assert_int_eq(mail_washer_frame(&keeper, &frame), -EBADMSG);
		ck_assert_int_eq(fcntl(frame.descriptor, F_GETFD), -1);
	}
	buf_free(&byte);
}
END_TEST

/* Words about what is over, or never was, change nothing. */
START_TEST(results_for_others_are_passed_over)
{
	struct session *session = session_at(0, (enum place)_i, 1);
	enum mail_state state = session->state;
	unsigned int files = files_all();

	for (enum fate fate = 0; fate < FATES; fate++) {
		ck_assert_int_eq(courier_result(session->number + 1, 1, fate), 0);
		ck_assert_int_eq(courier_result(session->number, 2, fate), 0);
		if (_i != AT_COURIER && _i != AT_COURIER_DURABLE)
			ck_assert_int_eq(courier_result(session->number, 1, fate), 0);
	}
	ck_assert_int_eq(courier_washed(session->number, 2), 0);
	ck_assert_int_eq(washer_say(0, true), 0);
	ck_assert_int_eq(washer_say(UINT32_MAX, true), 0);
	ck_assert_int_eq(washer_say(UINT32_MAX, false), 0);
	ck_assert_int_eq(session->state, state);
	ck_assert_uint_eq(files_all(), files);
}
END_TEST

/* ---- what becomes of the file ---- */

START_TEST(a_file_stays_exactly_when_somebody_may_have_the_mail)
{
	struct session *session = session_at(0, AT_COURIER_DURABLE, 1);

	ck_assert_int_eq(courier_result(session->number, 1, (enum fate)_i), 0);
	front_hears_result(0, (enum fate)_i);
	ck_assert_uint_eq(files_with(""), _i == FATE_NOBODY ? 0 : 1);
	ck_assert_uint_eq(files_all(), files_with(""));
	ck_assert_int_eq(session->state, _i == FATE_DELIVERED ? MAIL_DELIVERED : MAIL_NONE);
}
END_TEST

static const struct {
	unsigned int files;	/* left */
	bool session_left;	/* for the courier's result */
	bool noted;
} gone_rows[PLACES] = {
	[AT_NONE] = { 0, false, false }, [AT_RECEIVING] = { 0, false, false }, [AT_WASHER] = { 0, false, false }, [AT_COURIER] = { 1, true, false },
	[AT_COURIER_DURABLE] = { 1, true, false }, [AT_DELIVERED] = { 1, false, true },
};

static bool is_noted(uint8_t fingerprint)
{
	const uint8_t noted[DIGEST_BYTES] = { fingerprint };

	return unanswered_known(keeper.root, noted, NOW);
}

START_TEST(the_sender_goes_in_every_state)
{
	struct session *session = session_at(0, (enum place)_i, 1);

	sessions_freed = 0;
	session_close(session);
	ck_assert_uint_eq(files_all(), gone_rows[_i].files);
	ck_assert_uint_eq(sessions_freed, gone_rows[_i].session_left ? 0 : 1);
	ck_assert(is_noted(1) == gone_rows[_i].noted);
}
END_TEST

/* The courier owed a result when the sender went. */
START_TEST(a_result_for_a_sender_that_is_gone)
{
	struct session *session = session_at(0, AT_COURIER_DURABLE, 1);
	uint32_t number = session->number;

	sessions_freed = 0;
	session_close(session);
	ck_assert_int_eq(courier_result(number, 1, (enum fate)_i), 0);
	ck_assert_uint_eq(sessions_freed, 1);
	ck_assert_ptr_null(keeper.sessions);
	ck_assert(is_noted(1) == (_i == FATE_DELIVERED));
	ck_assert_uint_eq(files_with(""), _i == FATE_NOBODY ? 0 : 1);
	ck_assert_int_eq(courier_result(number, 1, (enum fate)_i), 0);
}
END_TEST

START_TEST(the_courier_goes_in_every_state)
{
	struct session *session = session_at(0, (enum place)_i, 1);
	bool owed = _i == AT_WASHER || _i == AT_COURIER || _i == AT_COURIER_DURABLE;

	mail_courier_gone(&keeper);
	if (owed)
		front_hears_result(0, _i == AT_COURIER_DURABLE ? FATE_UNKNOWN : FATE_NOBODY);
	ck_assert_int_eq(session->state, owed ? MAIL_NONE : _i == AT_RECEIVING ? MAIL_RECEIVING : _i == AT_DELIVERED ? MAIL_DELIVERED : MAIL_NONE);
	ck_assert_uint_eq(files_with(""), _i >= AT_COURIER_DURABLE ? 1 : 0);
	ck_assert_uint_eq(files_all(), _i == AT_RECEIVING || _i >= AT_COURIER_DURABLE ? 1 : 0);
}
END_TEST

START_TEST(courier_and_sender_are_gone)
{
	session_close(session_at(0, (enum place)_i, 1));
	sessions_freed = 0;
	mail_courier_gone(&keeper);
	ck_assert_uint_eq(sessions_freed, 1);
	ck_assert_ptr_null(keeper.sessions);
	ck_assert_uint_eq(files_with(""), _i == AT_COURIER_DURABLE ? 1 : 0);
	ck_assert_uint_eq(files_all(), files_with(""));
}
END_TEST

START_TEST(without_a_courier_the_sender_keeps_the_mail)
{
	struct session *session = session_at(0, AT_WASHER, 1);

	role_away[ROLE_COURIER] = true;
	ck_assert_int_eq(washer_say(session->ticket, true), 0);
	front_hears_result(0, FATE_NOBODY);
	ck_assert_uint_eq(files_all(), 0);
	ck_assert_int_eq(session->state, MAIL_NONE);
}
END_TEST

/* ---- washing ---- */

START_TEST(a_washer_that_goes_is_asked_again_when_it_is_back)
{
	struct session *session = session_at(0, AT_WASHER, 1);
	uint32_t ticket = session->ticket;

	role_away[ROLE_WASHER] = true;
	mail_washer_gone(&keeper);
	ck_assert_int_eq(washer_say(ticket, true), 0);
	ck_assert_ptr_null(last_said(ROLE_COURIER));
	said_forget();
	role_away[ROLE_WASHER] = false;
	mail_washer_came(&keeper);
	ck_assert_int_eq(last_verb(ROLE_WASHER), VERB_WASH);
	ck_assert_uint_ne(session->ticket, ticket);
	ck_assert_uint_eq(session->deaths, 0);
	ck_assert_int_eq(washer_say(session->ticket, true), 0);
	ck_assert_int_eq(last_verb(ROLE_COURIER), VERB_LETTER);
}
END_TEST

START_TEST(a_mail_waits_for_the_first_washer)
{
	struct session *session = session_at(0, AT_RECEIVING, 1);

	role_away[ROLE_WASHER] = true;
	ck_assert_int_eq(front_complete(session, 1, 1), 0);
	ck_assert_uint_eq(said_count, 0);
	role_away[ROLE_WASHER] = false;
	mail_washer_came(&keeper);
	ck_assert_int_eq(last_verb(ROLE_WASHER), VERB_WASH);
}
END_TEST

START_TEST(a_washer_that_comes_back_is_not_asked_for_what_the_courier_has)
{
	session_at(0, AT_COURIER, 1);
	said_forget();
	mail_washer_gone(&keeper);
	mail_washer_came(&keeper);
	ck_assert_uint_eq(said_count, 0);
}
END_TEST

START_TEST(the_second_death_gives_a_notice)
{
	struct session *session = session_at(0, AT_COURIER, 1);
	struct message_letter letter;

	ck_assert_int_eq(courier_washed(session->number, 1), 0);
	ck_assert_int_eq(last_verb(ROLE_WASHER), VERB_WASH);
	ck_assert_int_eq(courier_result(session->number, 1, FATE_DELIVERED), 0);
	ck_assert_int_eq(session->state, MAIL_OFFERED);
	ck_assert_int_eq(washer_say(session->ticket, true), 0);
	said_forget();
	ck_assert_int_eq(courier_washed(session->number, 1), 0);
	ck_assert_ptr_null(last_said(ROLE_WASHER));
	ck_assert(last_verb(ROLE_COURIER) == VERB_STUB && !last_said(ROLE_COURIER)->with_descriptor);
	ck_assert_int_eq(message_letter_unpack(buf_span(&last_said(ROLE_COURIER)->payload), &letter), 0);
	ck_assert_int_eq(letter.stub, LETTER_STUB_DIED);
	ck_assert_int_eq(front_say(session, VERB_SYNCED, NULL), 0);
	disk_turn();
	ck_assert_int_eq(courier_result(session->number, 1, FATE_DELIVERED), 0);
	front_hears_result(0, FATE_DELIVERED);
	ck_assert_uint_eq(files_with(""), 1);
}
END_TEST

/* The next mail of the session begins with no deaths. */
START_TEST(deaths_are_of_one_mail)
{
	struct session *session = session_at(0, AT_COURIER, 1);

	ck_assert_int_eq(courier_washed(session->number, 1), 0);
	ck_assert_int_eq(front_say(session, VERB_DROP, NULL), 0);
	ck_assert_int_eq(front_begin(session, 2), 0);
	ck_assert_uint_eq(session->deaths, 0);
	ck_assert_uint_eq(session->ticket, 0);
}
END_TEST

/* The washer's socket never holds more than a few; the mails of the oldest sessions come first. */
START_TEST(mails_wait_their_turn)
{
	struct session *sessions[SESSIONS_MAX];
	size_t asked = KEEPER_WASHINGS_MAX;

	for (size_t i = 0; i < SESSIONS_MAX; i++)
		sessions[i] = session_at(i, AT_WASHER, (uint8_t)i);
	ck_assert_uint_eq(said_count, KEEPER_WASHINGS_MAX);
	for (size_t i = 0; asked < SESSIONS_MAX; i++, asked++) {
		ck_assert_uint_eq(sessions[asked]->ticket, 0);
		said_forget();
		ck_assert_int_eq(washer_say(sessions[i]->ticket, true), 0);
		ck_assert_int_eq(last_verb(ROLE_WASHER), VERB_WASH);
		ck_assert_uint_ne(sessions[asked]->ticket, 0);
	}
	said_forget();
	mail_washer_gone(&keeper);
	mail_washer_came(&keeper);
	ck_assert_uint_eq(said_count, KEEPER_WASHINGS_MAX);
}
END_TEST

/* A mail that is given up has its washing all the same: it is counted until the washer has answered. */
START_TEST(washings_of_mails_given_up_count)
{
	struct session *session = session_make(0);

	for (uint32_t transaction = 1; transaction <= KEEPER_WASHINGS_MAX + 5; transaction++) {
		ck_assert_int_eq(front_begin(session, transaction), 0);
		ck_assert_int_eq(front_complete(session, transaction, 1), 0);
		ck_assert_int_eq(front_say(session, VERB_DROP, NULL), 0);
	}
	ck_assert_uint_eq(said_count, KEEPER_WASHINGS_MAX);
	ck_assert_uint_eq(files_all(), 0);
}
END_TEST

/* Fork or pipe failed: the mail is not to blame, and is no notice. */
START_TEST(a_washer_that_cannot_be_started_is_a_shortage)
{
	struct session *session = session_at(0, AT_WASHER, 1);

	ck_assert_int_eq(washer_say(session->ticket, false), 0);
	front_hears_result(0, FATE_NOBODY);
	ck_assert_int_eq(session->state, MAIL_NONE);
	ck_assert_uint_eq(files_all(), 0);
	ck_assert_ptr_null(last_said(ROLE_COURIER));
}
END_TEST

/* ---- twins ---- */

START_TEST(the_same_mail_again_is_not_delivered_twice)
{
	struct session *session;

	session_close(session_at(0, AT_DELIVERED, 1));
	ck_assert(is_noted(1) && !is_noted(2));
	said_forget();
	session = session_at(1, AT_RECEIVING, 1);
	ck_assert_int_eq(front_complete(session, 1, 1), 0);
	ck_assert_uint_eq(said_count, 0);
	front_hears_result(1, FATE_DELIVERED);
	ck_assert_uint_eq(files_all(), 1);
	ck_assert_int_eq(front_say(session, VERB_SYNCED, NULL), 0);
	ck_assert_int_eq(front_say(session, VERB_ANSWERED, NULL), 0);
	/* Another one is. */
	ck_assert_int_eq(front_begin(session, 2), 0);
	ck_assert_int_eq(front_complete(session, 2, 2), 0);
	ck_assert_int_eq(last_verb(ROLE_WASHER), VERB_WASH);
}
END_TEST

/* ---- the front gives up ---- */

START_TEST(dropped_in_every_state)
{
	struct session *session = session_at(0, (enum place)_i, 1);
	bool over = _i == AT_RECEIVING || _i == AT_WASHER || _i == AT_COURIER;

	ck_assert_int_eq(front_say(session, VERB_DROP, NULL), 0);
	ck_assert_uint_eq(files_all(), over || _i == AT_NONE ? 0 : 1);
	/* The result that the courier owes comes, and finds nothing. */
	if (over) {
		ck_assert_int_eq(session->state, MAIL_NONE);
		ck_assert_int_eq(courier_result(session->number, 1, FATE_NOBODY), 0);
		ck_assert_int_eq(front_begin(session, 2), 0);
		ck_assert_int_eq(courier_result(session->number, 1, FATE_DELIVERED), 0);
		ck_assert_int_eq(session->state, MAIL_RECEIVING);
	}
}
END_TEST

/* ---- the disk ---- */

START_TEST(a_disk_that_fails_leaves_the_mail_with_its_sender)
{
	struct session *session = session_at(0, AT_COURIER, 1);

	sync_fails = true;
	ck_assert_int_eq(front_say(session, VERB_SYNCED, NULL), 0);
	disk_turn();
	sync_fails = false;
	ck_assert_int_ne(last_verb(ROLE_COURIER), VERB_DURABLE);
	front_hears_result(0, FATE_NOBODY);
	ck_assert_uint_eq(files_all(), 0);
}
END_TEST

START_TEST(one_sync_serves_all_mails_of_the_day)
{
	struct session *sessions[SESSIONS_MAX];
	unsigned int before;

	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		sessions[i] = session_at(i, AT_COURIER, (uint8_t)i);
		ck_assert_int_eq(front_say(sessions[i], VERB_SYNCED, NULL), 0);
	}
	before = disk_syncs;
	disk_turn();
	ck_assert_uint_eq(disk_syncs, before + 1);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		ck_assert(sessions[i]->durable);
}
END_TEST

START_TEST(a_failed_sync_ends_all_mails_of_the_day_also_of_senders_that_are_gone)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct session *session = session_at(i, AT_COURIER, (uint8_t)i);

		ck_assert_int_eq(front_say(session, VERB_SYNCED, NULL), 0);
		if (i == 1)
			session_close(session);
	}
	sessions_freed = 0;
	sync_fails = true;
	disk_turn();
	sync_fails = false;
	ck_assert_uint_eq(sessions_freed, 1);
	ck_assert_uint_eq(files_all(), 0);
}
END_TEST

START_TEST(no_original_no_mail)
{
	struct session *session = session_make(0);
	struct message_result result;
	struct relay greedy = relay;

	greedy.originals.free_bytes_min = UINT64_MAX;
	session->relay = &greedy;
	ck_assert_int_eq(front_begin(session, 1), 0);
	ck_assert_int_eq(front_hears(0, &result), VERB_ANSWER);
	ck_assert_int_eq(session->state, MAIL_NONE);
	session->relay = &relay;
	ck_assert_int_eq(front_begin(session, 2), 0);
	ck_assert_int_eq(front_hears(0, &result), VERB_ORIGINAL);
}
END_TEST

/* An original that vanished (somebody removed it) is not delivered. */
START_TEST(an_original_that_is_gone_is_not_delivered)
{
	struct session *session = session_at(0, AT_RECEIVING, 1);

	original_drop(&session->original);
	ck_assert_int_eq(front_complete(session, 1, 1), 0);
	front_hears_result(0, FATE_NOBODY);
	ck_assert_uint_eq(said_count, 0);
	ck_assert_int_eq(session->state, MAIL_NONE);
}
END_TEST

/* ---- a process of the front that does not read ---- */

START_TEST(who_does_not_read_is_ended_and_not_waited_for)
{
	struct session *session = session_make(0);
	bool ended = false;
	char byte;

	for (int i = 0; i < 100000 && !ended; i++) {
		said_forget();
		ck_assert_int_eq(front_say(session, VERB_COURIER, NULL), 0);
		ended = recv(session->socket, &byte, 1, MSG_DONTWAIT) == 0;
	}
	ck_assert(ended);
}
END_TEST

/* ---- whatever is said, in whatever order ---- */

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

static void front_random(uint32_t *state, size_t which, struct session **session)
{
	static const enum verb verbs[] = { VERB_ORIGINAL, VERB_COMPLETE, VERB_SYNCED, VERB_DROP, VERB_ANSWERED, VERB_ORIGINAL, VERB_COMPLETE, VERB_SYNCED };
	uint32_t transaction = (*session)->transaction;
	enum verb verb = verbs[random_next(state) % 8];
	int result = front_row_say(*session, verb, verb == VERB_ORIGINAL ? transaction + 1 : transaction);
	struct message_result heard;

	while (front_hears(which, &heard) != VERB_NONE)
		;
	if (result == -EBADMSG || random_next(state) % 16 == 0) {
		session_close(*session);
		*session = session_make(which);
	}
}

static void others_random(uint32_t *state, const struct session *session)
{
	switch (random_next(state) % 8) {
	case 0: case 1:
		washer_say(session->ticket, random_next(state) % 8 > 0);
		return;
	case 2:
		courier_washed(session->number - random_next(state) % 2, session->transaction);
		return;
	case 3: case 4:
		courier_result(session->number - random_next(state) % 4, session->transaction, (enum fate)(random_next(state) % FATES));
		return;
	case 5:
		disk_turn();
		return;
	case 6:
		sync_fails = random_next(state) % 8 == 0;
		disk_turn();
		sync_fails = false;
		return;
	default:
		role_away[ROLE_WASHER] = random_next(state) % 4 == 0;
		role_away[ROLE_COURIER] = random_next(state) % 4 == 0;
		if (role_away[ROLE_WASHER])
			mail_washer_gone(&keeper);
		else
			mail_washer_came(&keeper);
		if (role_away[ROLE_COURIER])
			mail_courier_gone(&keeper);
	}
}

/* Files that are not kept belong to a session each. */
static unsigned int files_of_sessions(void)
{
	unsigned int count = 0;

	for (const struct session *session = keeper.sessions; session; session = session->next)
		count += session->state == MAIL_RECEIVING || session->state == MAIL_OFFERED;
	return count;
}

START_TEST(random_words)
{
	uint32_t state = (uint32_t)_i * 7919 + 1;
	struct session *sessions[SESSIONS_RANDOM];

	for (size_t i = 0; i < SESSIONS_RANDOM; i++)
		sessions[i] = session_make(i);
	for (int step = 0; step < 3000; step++) {
		size_t which = random_next(&state) % SESSIONS_RANDOM;

		if (random_next(&state) % 2)
			front_random(&state, which, &sessions[which]);
		else
			others_random(&state, sessions[which]);
		said_forget();
		ck_assert_uint_eq(files_with(".receiving") + files_with(".offered"), files_of_sessions());
	}
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *keeper_suite(void)
{
	Suite *suite = suite_create("relay/keeper");
	TCase *tests = tcase_create("keeper");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, the_way_of_a_mail);
	tcase_add_loop_test(tests, the_front_says_what_it_may_and_nothing_else, 0, COUNT(front_rows));
	tcase_add_test(tests, verbs_of_others_payloads_and_descriptors_are_refused);
	tcase_add_test(tests, courier_and_washer_say_what_they_may_and_nothing_else);
	tcase_add_loop_test(tests, results_for_others_are_passed_over, 0, PLACES);
	tcase_add_loop_test(tests, a_file_stays_exactly_when_somebody_may_have_the_mail, 0, FATES);
	tcase_add_loop_test(tests, the_sender_goes_in_every_state, 0, PLACES);
	tcase_add_loop_test(tests, a_result_for_a_sender_that_is_gone, 0, FATES);
	tcase_add_loop_test(tests, the_courier_goes_in_every_state, 0, PLACES);
	tcase_add_loop_test(tests, courier_and_sender_are_gone, AT_COURIER, AT_DELIVERED);
	tcase_add_test(tests, without_a_courier_the_sender_keeps_the_mail);
	tcase_add_test(tests, a_washer_that_goes_is_asked_again_when_it_is_back);
	tcase_add_test(tests, a_mail_waits_for_the_first_washer);
	tcase_add_test(tests, a_washer_that_comes_back_is_not_asked_for_what_the_courier_has);
	tcase_add_test(tests, the_second_death_gives_a_notice);
	tcase_add_test(tests, deaths_are_of_one_mail);
	tcase_add_test(tests, mails_wait_their_turn);
	tcase_add_test(tests, washings_of_mails_given_up_count);
	tcase_add_test(tests, a_washer_that_cannot_be_started_is_a_shortage);
	tcase_add_test(tests, the_same_mail_again_is_not_delivered_twice);
	tcase_add_loop_test(tests, dropped_in_every_state, 0, PLACES);
	tcase_add_test(tests, a_disk_that_fails_leaves_the_mail_with_its_sender);
	tcase_add_test(tests, one_sync_serves_all_mails_of_the_day);
	tcase_add_test(tests, a_failed_sync_ends_all_mails_of_the_day_also_of_senders_that_are_gone);
	tcase_add_test(tests, no_original_no_mail);
	tcase_add_test(tests, an_original_that_is_gone_is_not_delivered);
	tcase_add_test(tests, who_does_not_read_is_ended_and_not_waited_for);
	tcase_add_loop_test(tests, random_words, 0, 4);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	/* Days are local. */
	setenv("TZ", "UTC", 1);
	tzset();
	runner = srunner_create(keeper_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
