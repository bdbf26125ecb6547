/*
 * The SMTP client: whole dialogues as transcripts, each fed at once, byte by byte and in random pieces;
 * replies that are none; content that must not leave; deadlines; a connection that breaks at every reply.
 *
 * A transcript has "C: " before each line the client says, and a line for each event.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/smtp_client.h"

enum { SPLITS_RANDOM = 8, TRANSCRIPT_BYTES_MAX = 1 << 20 };

/* How the caller goes about it. */
enum manner {
	AT_ONCE,		/* sender and all recipients before the greeting */
	STEP_BY_STEP,		/* each recipient when the one before has its answer */
};

struct source {
	const char *content;
	size_t offset;
	size_t piece_bytes;	/* 0: as much as there is room for */
	int error;		/* at the end, instead of the end */
};

struct dialogue {
	struct smtp_client client;
	enum manner manner;
	const char *const *recipients; /* ends with NULL */
	unsigned recipients_added, recipients_answered;
	uint64_t size_bytes;
	struct source source;
	struct buf transcript;
	int64_t now_ms;
};

static const char *const one_recipient[] = { "c@d", NULL };
static const char *const three_recipients[] = { "c@d", "a..b.@docomo.ne.jp", "\"x..\"@docomo.ne.jp", NULL };

static int source_read(void *context, char *bytes, size_t room, size_t *ret_count)
{
	struct source *source = context;
	size_t count = strlen(source->content + source->offset);

	count = count < room ? count : room;
	if (source->piece_bytes && source->piece_bytes < count)
		count = source->piece_bytes;
	if (count == 0 && source->error)
		return source->error;
	memcpy(bytes, source->content + source->offset, count);
	source->offset += count;
	*ret_count = count;
	return 0;
}

static struct smtp_address address_of(const char *text)
{
	struct smtp_address address;

	ck_assert_int_eq(smtp_address_parse(span_of(text), SMTP_PATH_REVERSE, &address), 0);
	return address;
}

/* Writes what the client says, a few bytes at a time. */
static void dialogue_drain(struct dialogue *dialogue)
{
	for (;;) {
		struct span output = smtp_client_output(&dialogue->client);
		size_t count = output.length < 1000 ? output.length : 1000;

		if (count == 0)
			return;
		for (size_t i = 0; i < count; i++) {
			bool first = dialogue->transcript.length == 0 || dialogue->transcript.data[dialogue->transcript.length - 1] == '\n';

			if (first)
				buf_puts(&dialogue->transcript, "C: ");
			if (output.data[i] != '\r')
				buf_putc(&dialogue->transcript, output.data[i]);
		}
		smtp_client_sent(&dialogue->client, count, dialogue->now_ms);
	}
}

static void recipient_add(struct dialogue *dialogue)
{
	struct smtp_address address = address_of(dialogue->recipients[dialogue->recipients_added++]);

	ck_assert_int_eq(smtp_client_add_recipient(&dialogue->client, &address, dialogue->now_ms), 0);
}

static void sender_set(struct dialogue *dialogue)
{
	struct smtp_address address = address_of("a@b");

	ck_assert_int_eq(smtp_client_set_sender(&dialogue->client, &address, dialogue->size_bytes, dialogue->now_ms), 0);
	do
		recipient_add(dialogue);
	while (dialogue->manner == AT_ONCE && dialogue->recipients[dialogue->recipients_added]);
}

static void recipients_go_on(struct dialogue *dialogue)
{
	int error;

	dialogue->recipients_answered++;
	if (dialogue->recipients[dialogue->recipients_added]) {
		if (dialogue->manner == STEP_BY_STEP)
			recipient_add(dialogue);
		return;
	}
	if (dialogue->recipients_answered < dialogue->recipients_added)
		return;
	error = smtp_client_send_content(&dialogue->client, source_read, &dialogue->source, dialogue->now_ms);
	if (error == -ENOENT)
		ck_assert_int_eq(smtp_client_quit(&dialogue->client, dialogue->now_ms), 0);
	else
		ck_assert_int_eq(error, 0);
}

static void event_note(struct dialogue *dialogue, const struct smtp_client_event *event)
{
	static const char *const names[] = { "nothing", "ready", "sender", "recipient", "result", "closed" };
	struct smtp_reply reply = event->reply;

	if (event->kind == SMTP_CLIENT_NOTHING)
		return;
	buf_puts(&dialogue->transcript, names[event->kind]);
	if (event->kind == SMTP_CLIENT_RECIPIENT)
		buf_printf(&dialogue->transcript, " %u", event->recipient);
	if (event->kind == SMTP_CLIENT_CLOSED)
		buf_printf(&dialogue->transcript, " %d", event->failure);
	if (event->kind != SMTP_CLIENT_READY)
		buf_printf(&dialogue->transcript, " %u %u.%u", reply.code, reply.subject, reply.detail);
	buf_putc(&dialogue->transcript, '\n');
}

static void event_act(struct dialogue *dialogue, const struct smtp_client_event *event)
{
	event_note(dialogue, event);
	if (event->kind == SMTP_CLIENT_READY && dialogue->manner == STEP_BY_STEP)
		sender_set(dialogue);
	if (event->kind == SMTP_CLIENT_RECIPIENT)
		recipients_go_on(dialogue);
	if (event->kind == SMTP_CLIENT_RESULT)
		smtp_client_quit(&dialogue->client, dialogue->now_ms);
	dialogue_drain(dialogue);
}

static void piece_feed(struct dialogue *dialogue, struct span piece)
{
	struct smtp_client_event event;
	size_t used;

	do {
		used = smtp_client_feed(&dialogue->client, piece, dialogue->now_ms, &event);
		ck_assert_uint_le(used, piece.length);
		piece = (struct span){ .data = piece.data + used, .length = piece.length - used };
		event_act(dialogue, &event);
	} while (event.kind != SMTP_CLIENT_NOTHING || used > 0);
}

static void dialogue_begin(struct dialogue *dialogue, enum manner manner, const char *const *recipients, uint64_t size_bytes)
{
	struct smtp_client_settings settings = smtp_client_defaults("gw.example.jp");

	*dialogue = (struct dialogue){
		.manner = manner, .recipients = recipients, .size_bytes = size_bytes, .transcript = buf_limited(TRANSCRIPT_BYTES_MAX),
		.source = { .content = "Subject: x\r\n\r\n.hello\r\n" },
	};
	smtp_client_begin(&dialogue->client, &settings, 0);
	if (manner == AT_ONCE)
		sender_set(dialogue);
	dialogue_drain(dialogue);
}

static void dialogue_end(struct dialogue *dialogue)
{
	ck_assert(!dialogue->transcript.overflow);
	buf_free(&dialogue->transcript);
}

static unsigned random_next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

/*
 * Feeds input in pieces of piece_bytes, or of random length when that is 0. Each piece lies in memory of
 * its own length.
 */
static void input_feed(struct dialogue *dialogue, struct span input, size_t piece_bytes, uint32_t seed)
{
	while (input.length > 0) {
		size_t length = piece_bytes ? piece_bytes : 1 + random_next(&seed) % 7;
		char *piece;

		length = length < input.length ? length : input.length;
		piece = malloc(length);
		ck_assert_ptr_nonnull(piece);
		memcpy(piece, input.data, length);
		piece_feed(dialogue, (struct span){ .data = piece, .length = length });
		free(piece);
		input = (struct span){ .data = input.data + length, .length = input.length - length };
	}
}

#define GREETING "220 inner ESMTP\r\n"
#define EHLO_ALL "250-inner\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n"
#define EHLO_BARE "250 inner\r\n"
#define EHLO_SAID "C: EHLO gw.example.jp\n"
#define MAIL_SAID "C: MAIL FROM:<a@b>\n"
#define RCPT_SAID "C: RCPT TO:<c@d>\n"
#define TWO_SAID "C: RCPT TO:<a..b.@docomo.ne.jp>\n"
#define THREE_SAID "C: RCPT TO:<\"x..\"@docomo.ne.jp>\n"
#define CONTENT_SAID "C: Subject: x\nC: \nC: ..hello\nC: .\n"

struct dialogue_row {
	const char *what;
	enum manner manner;
	const char *const *recipients;
	uint64_t size_bytes;
	const char *replies;
	const char *expected;
};

static const struct dialogue_row dialogue_rows[] = {
	{ "one message, one step after the other", STEP_BY_STEP, one_recipient, 0,
	  GREETING EHLO_BARE "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250 2.0.0 queued\r\n221 bye\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID "sender 250 1.0\n" RCPT_SAID "recipient 0 250 1.5\nC: DATA\n" CONTENT_SAID
	  "result 250 0.0\nC: QUIT\nclosed 0 451 4.2\n" },
	{ "pipelining, and a size", AT_ONCE, three_recipients, 900,
	  GREETING EHLO_ALL "250 ok\r\n250 ok\r\n550 5.1.1 who?\r\n452 4.2.2 full\r\n354 go\r\n250 ok\r\n221 bye\r\n",
	  EHLO_SAID "ready\nC: MAIL FROM:<a@b> SIZE=900\n" RCPT_SAID TWO_SAID THREE_SAID
	  "sender 250 0.0\nrecipient 0 250 0.0\nrecipient 1 550 1.1\nrecipient 2 452 2.2\nC: DATA\n" CONTENT_SAID
	  "result 250 0.0\nC: QUIT\nclosed 0 451 4.2\n" },
	{ "no pipelining", AT_ONCE, three_recipients, 900,
	  GREETING EHLO_BARE "250 ok\r\n250 ok\r\n550 5.1.1 who?\r\n250 ok\r\n354 go\r\n250 ok\r\n221 bye\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID "sender 250 0.0\n" RCPT_SAID "recipient 0 250 0.0\n" TWO_SAID "recipient 1 550 1.1\n" THREE_SAID
	  "recipient 2 250 0.0\nC: DATA\n" CONTENT_SAID "result 250 0.0\nC: QUIT\nclosed 0 451 4.2\n" },
	{ "a server that knows HELO only", STEP_BY_STEP, one_recipient, 5,
	  GREETING "500 5.5.1 what?\r\n250 inner\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n221 bye\r\n",
	  EHLO_SAID "C: HELO gw.example.jp\nready\n" MAIL_SAID "sender 250 0.0\n" RCPT_SAID "recipient 0 250 0.0\nC: DATA\n" CONTENT_SAID
	  "result 250 0.0\nC: QUIT\nclosed 0 451 4.2\n" },
	{ "nobody is accepted", STEP_BY_STEP, three_recipients, 0,
	  GREETING EHLO_ALL "250 ok\r\n550 5.1.1 no\r\n451 4.3.0 no\r\n550 no\r\n221 bye\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID RCPT_SAID "sender 250 0.0\nrecipient 0 550 1.1\n" TWO_SAID "recipient 1 451 3.0\n" THREE_SAID
	  "recipient 2 550 0.0\nC: QUIT\nclosed 0 451 4.2\n" },
	{ "a refused sender is the answer to each recipient, sent or not", AT_ONCE, three_recipients, 0,
	  GREETING EHLO_BARE "451 4.7.1 greylisted\r\n221 bye\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID "sender 451 7.1\nrecipient 0 451 7.1\nrecipient 1 451 7.1\nrecipient 2 451 7.1\n"
	  "C: QUIT\nclosed 0 451 4.2\n" },
	{ "the same when they were pipelined, whatever is said to them", AT_ONCE, three_recipients, 0,
	  GREETING EHLO_ALL "550 5.7.1 no\r\n503 what?\r\n250 ok\r\n503 what?\r\n221 bye\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID RCPT_SAID TWO_SAID THREE_SAID
	  "sender 550 7.1\nrecipient 0 550 7.1\nrecipient 1 550 7.1\nrecipient 2 550 7.1\nC: QUIT\nclosed 0 451 4.2\n" },
	{ "larger than the server takes", STEP_BY_STEP, one_recipient, 1001, GREETING EHLO_ALL "221 bye\r\n",
	  EHLO_SAID "ready\nsender 552 3.4\nrecipient 0 552 3.4\nC: QUIT\nclosed 0 451 4.2\n" },
	{ "as large as the server takes", STEP_BY_STEP, one_recipient, 1000, GREETING EHLO_ALL,
	  EHLO_SAID "ready\nC: MAIL FROM:<a@b> SIZE=1000\n" RCPT_SAID },
	{ "SIZE without a number", STEP_BY_STEP, one_recipient, 1001, GREETING "250-x\r\n250 size\r\n",
	  EHLO_SAID "ready\nC: MAIL FROM:<a@b> SIZE=1001\n" },
	{ "keywords only count where keywords stand", AT_ONCE, one_recipient, 9, GREETING "250-PIPELINING\r\n250-SIZES 1\r\n250 XPIPELINING\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID },
	{ "DATA is refused", STEP_BY_STEP, one_recipient, 0, GREETING EHLO_BARE "250 ok\r\n250 ok\r\n554 5.7.1 no\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID "sender 250 0.0\n" RCPT_SAID "recipient 0 250 0.0\nC: DATA\nresult 554 7.1\nC: QUIT\n" },
	{ "the message is refused", STEP_BY_STEP, one_recipient, 0, GREETING EHLO_BARE "250 ok\r\n250 ok\r\n354 go\r\n550 5.6.0 no\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID "sender 250 0.0\n" RCPT_SAID "recipient 0 250 0.0\nC: DATA\n" CONTENT_SAID
	  "result 550 6.0\nC: QUIT\n" },
	{ "no greeting of welcome", AT_ONCE, one_recipient, 0, "554 5.7.1 go away\r\n", "closed 4 451 3.2\n" },
	{ "EHLO is refused for now", AT_ONCE, one_recipient, 0, GREETING "451 later\r\n", EHLO_SAID "closed 4 451 3.2\n" },
	{ "neither EHLO nor HELO", AT_ONCE, one_recipient, 0, GREETING "502 no\r\n502 no\r\n", EHLO_SAID "C: HELO gw.example.jp\nclosed 4 451 3.2\n" },
	{ "421 in the middle", STEP_BY_STEP, one_recipient, 0, GREETING EHLO_BARE "250 ok\r\n421 4.3.2 closing\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID "sender 250 0.0\n" RCPT_SAID "closed 3 451 3.2\n" },
	{ "354 to a recipient", STEP_BY_STEP, one_recipient, 0, GREETING EHLO_BARE "250 ok\r\n354 go\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID "sender 250 0.0\n" RCPT_SAID "closed 5 451 5.0\n" },
	{ "250 to DATA", STEP_BY_STEP, one_recipient, 0, GREETING EHLO_BARE "250 ok\r\n250 ok\r\n250 go\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID "sender 250 0.0\n" RCPT_SAID "recipient 0 250 0.0\nC: DATA\nclosed 5 451 5.0\n" },
	{ "354 to the dot", STEP_BY_STEP, one_recipient, 0, GREETING EHLO_BARE "250 ok\r\n250 ok\r\n354 go\r\n354 go\r\n",
	  EHLO_SAID "ready\n" MAIL_SAID "sender 250 0.0\n" RCPT_SAID "recipient 0 250 0.0\nC: DATA\n" CONTENT_SAID "closed 5 451 5.0\n" },
};

START_TEST(dialogues_go_as_written_however_they_are_cut)
{
	for (size_t i = 0; i < sizeof(dialogue_rows) / sizeof(dialogue_rows[0]); i++) {
		const struct dialogue_row *row = &dialogue_rows[i];

		for (uint32_t way = 0; way < 2 + SPLITS_RANDOM; way++) {
			struct dialogue dialogue;

			dialogue_begin(&dialogue, row->manner, row->recipients, row->size_bytes);
			dialogue.source.piece_bytes = way;
			input_feed(&dialogue, span_of(row->replies), way == 0 ? strlen(row->replies) : way == 1, way);
			ck_assert_msg(strcmp(buf_text(&dialogue.transcript), row->expected) == 0, "%s, way %u:\n%s", row->what, way,
				      buf_text(&dialogue.transcript));
			dialogue_end(&dialogue);
		}
	}
}
END_TEST

static const struct {
	const char *what;
	struct span reply;	/* to MAIL */
	struct smtp_reply expected; /* code 0: the connection is given up */
} reply_rows[] = {
	{ "a code alone", { "250\r\n", 5 }, { 250, 0, 0 } },
	{ "a status alone", { "250 2.1.0\r\n", 11 }, { 250, 1, 0 } },
	{ "several lines", { "250-2.1.0 a\r\n250-2.1.0 b\r\n250 2.1.0 c\r\n", 39 }, { 250, 1, 0 } },
	{ "words in another charset", { "550 5.7.1 \x83\x65\xe7\t\r\n", 16 }, { 550, 7, 1 } },
	{ "a status of three digits", { "550 5.999.100 x\r\n", 17 }, { 550, 999, 100 } },
	{ "a status of four digits", { "550 5.1000.1 x\r\n", 16 }, { 550, 0, 0 } },
	{ "a status of another class", { "550 4.1.1 x\r\n", 13 }, { 550, 0, 0 } },
	{ "a status with a zero in front", { "550 5.01.1 x\r\n", 14 }, { 550, 0, 0 } },
	{ "no status: a number", { "550 5.1 x\r\n", 11 }, { 550, 0, 0 } },
	{ "no status: an address", { "550 5.1.1.1 x\r\n", 15 }, { 550, 0, 0 } },
	{ "two codes", { "250-a\r\n251 b\r\n", 14 }, { 0, 0, 0 } },
	{ "yes and no", { "550-a\r\n250 b\r\n", 14 }, { 0, 0, 0 } },
	{ "a bare line feed", { "250 ok\n", 7 }, { 0, 0, 0 } },
	{ "a return inside", { "250 o\rk\r\n", 9 }, { 0, 0, 0 } },
	{ "two returns", { "250 ok\r\r\n", 9 }, { 0, 0, 0 } },
	{ "a NUL inside", { "250 o\0k\r\n", 9 }, { 0, 0, 0 } },
	{ "an escape inside", { "250 \033[2J\r\n", 10 }, { 0, 0, 0 } },
	{ "two digits", { "25 ok\r\n", 7 }, { 0, 0, 0 } },
	{ "four digits", { "2500 ok\r\n", 9 }, { 0, 0, 0 } },
	{ "class 1", { "150 ok\r\n", 8 }, { 0, 0, 0 } },
	{ "class 6", { "650 ok\r\n", 8 }, { 0, 0, 0 } },
	{ "second digit 6", { "260 ok\r\n", 8 }, { 0, 0, 0 } },
	{ "no code", { "ok\r\n", 4 }, { 0, 0, 0 } },
	{ "an empty line", { "\r\n", 2 }, { 0, 0, 0 } },
	{ "a space in front", { " 250 ok\r\n", 9 }, { 0, 0, 0 } },
	{ "another separator", { "250:ok\r\n", 8 }, { 0, 0, 0 } },
};

START_TEST(only_numbers_of_well_formed_replies_are_taken)
{
	for (size_t i = 0; i < sizeof(reply_rows) / sizeof(reply_rows[0]); i++) {
		for (uint32_t way = 0; way < 2 + SPLITS_RANDOM; way++) {
			struct dialogue dialogue;
			struct smtp_reply expected = reply_rows[i].expected;
			char event[64];

			dialogue_begin(&dialogue, STEP_BY_STEP, one_recipient, 0);
			piece_feed(&dialogue, span_of(GREETING EHLO_BARE));
			dialogue.transcript.length = 0;
			input_feed(&dialogue, reply_rows[i].reply, way == 0 ? reply_rows[i].reply.length : way == 1, way);
			snprintf(event, sizeof(event), "sender %u %u.%u\n", expected.code, expected.subject, expected.detail);
			if (expected.code == 0)
				snprintf(event, sizeof(event), "closed %d 451 5.0\n", SMTP_CLIENT_FAILURE_PROTOCOL);
			ck_assert_msg(strncmp(buf_text(&dialogue.transcript), event, strlen(event)) == 0, "%s, way %u: %s", reply_rows[i].what,
				      way, buf_text(&dialogue.transcript));
			dialogue_end(&dialogue);
		}
	}
}
END_TEST

/* A reply of count lines, each line_bytes long with CRLF. */
static void reply_put(struct buf *out, unsigned count, size_t line_bytes)
{
	for (unsigned i = 1; i <= count; i++) {
		buf_puts(out, i < count ? "250-" : "250 ");
		for (size_t at = 6; at < line_bytes; at++)
			buf_putc(out, 'x');
		buf_puts(out, "\r\n");
	}
}

static const struct {
	const char *what;
	unsigned lines;
	size_t line_bytes;
	bool good;
} size_rows[] = {
	{ "a line at the limit", 1, SMTP_REPLY_LINE_BYTES_MAX, true },
	{ "a line one beyond", 1, SMTP_REPLY_LINE_BYTES_MAX + 1, false },
	{ "lines at the limit", SMTP_REPLY_LINES_MAX, 10, true },
	{ "lines one beyond", SMTP_REPLY_LINES_MAX + 1, 10, false },
	{ "bytes at the limit", SMTP_REPLY_BYTES_MAX / 1024, 1024, true },
	{ "bytes one line beyond", SMTP_REPLY_BYTES_MAX / 1024 + 1, 1024, false },
};

START_TEST(replies_have_limits)
{
	for (size_t i = 0; i < sizeof(size_rows) / sizeof(size_rows[0]); i++) {
		for (uint32_t way = 0; way < 3; way++) {
			struct buf reply = buf_limited(0);
			struct dialogue dialogue;

			reply_put(&reply, size_rows[i].lines, size_rows[i].line_bytes);
			dialogue_begin(&dialogue, STEP_BY_STEP, one_recipient, 0);
			piece_feed(&dialogue, span_of(GREETING EHLO_BARE));
			dialogue.transcript.length = 0;
			input_feed(&dialogue, buf_span(&reply), way == 0 ? reply.length : way == 1, way);
			ck_assert_msg(strncmp(buf_text(&dialogue.transcript), size_rows[i].good ? "sender 250" : "closed 5", 8) == 0,
				      "%s, way %u: %s", size_rows[i].what, way, buf_text(&dialogue.transcript));
			dialogue_end(&dialogue);
			buf_free(&reply);
		}
	}
}
END_TEST

static const struct {
	const char *what;
	const char *content;
	int source_error;
	enum smtp_client_failure failure;
	const char *written;	/* NULL: failure; else what stands between DATA and the result */
} content_rows[] = {
	{ "nothing", "", 0, SMTP_CLIENT_FAILURE_NONE, "C: .\n" },
	{ "dots", ".\r\n..\r\na.b\r\n\r\n.x\r\n", 0, SMTP_CLIENT_FAILURE_NONE, "C: ..\nC: ...\nC: a.b\nC: \nC: ..x\nC: .\n" },
	{ "no line end at the end", "x", 0, SMTP_CLIENT_FAILURE_CONTENT, NULL },
	{ "half a line end at the end", "x\r", 0, SMTP_CLIENT_FAILURE_CONTENT, NULL },
	{ "a bare line feed", "x\n.\r\n", 0, SMTP_CLIENT_FAILURE_CONTENT, NULL },
	{ "a bare return", "x\r.\r\n", 0, SMTP_CLIENT_FAILURE_CONTENT, NULL },
	{ "two returns", "x\r\r\n", 0, SMTP_CLIENT_FAILURE_CONTENT, NULL },
	{ "not ASCII", "\xe5\xb8\x82\r\n", 0, SMTP_CLIENT_FAILURE_CONTENT, NULL },
	{ "a source that fails behind a whole line", "x\r\n", -EIO, SMTP_CLIENT_FAILURE_SOURCE, NULL },
	{ "a source that fails at once", "", -EIO, SMTP_CLIENT_FAILURE_SOURCE, NULL },
};

/* A dialogue that has come to the content. */
static void dialogue_to_content(struct dialogue *dialogue, const char *content, size_t piece_bytes)
{
	dialogue_begin(dialogue, STEP_BY_STEP, one_recipient, 0);
	dialogue->source = (struct source){ .content = content, .piece_bytes = piece_bytes };
	piece_feed(dialogue, span_of(GREETING EHLO_BARE "250 ok\r\n250 ok\r\n"));
	dialogue->transcript.length = 0;
}

START_TEST(content_leaves_whole_and_unambiguous_or_without_its_dot)
{
	for (size_t i = 0; i < sizeof(content_rows) / sizeof(content_rows[0]); i++) {
		for (size_t piece_bytes = 0; piece_bytes < 4; piece_bytes++) {
			struct dialogue dialogue;
			char closed[32];

			dialogue_to_content(&dialogue, content_rows[i].content, piece_bytes);
			dialogue.source.error = content_rows[i].source_error;
			piece_feed(&dialogue, span_of("354 go\r\n"));
			piece_feed(&dialogue, span_of(""));
			snprintf(closed, sizeof(closed), "closed %d 451 3.0\n", content_rows[i].failure);
			if (content_rows[i].written)
				ck_assert_str_eq(buf_text(&dialogue.transcript), content_rows[i].written);
			else
				ck_assert_ptr_nonnull(strstr(buf_text(&dialogue.transcript), closed));
			ck_assert(content_rows[i].written || !strstr(buf_text(&dialogue.transcript), "C: .\n"));
			dialogue_end(&dialogue);
		}
	}
}
END_TEST

START_TEST(a_nul_does_not_leave)
{
	struct smtp_stuffer stuffer = { .line_length = 0 };
	char stuffed[16];
	size_t length;

	ck_assert_int_eq(smtp_content_stuff(&stuffer, (struct span){ .data = "a\0b\r\n", .length = 5 }, stuffed, &length), -EBADMSG);
}
END_TEST

START_TEST(lines_of_content_have_a_limit)
{
	for (size_t beyond = 0; beyond < 2; beyond++) {
		struct buf content = buf_limited(0);
		struct dialogue dialogue;

		while (content.length < SMTP_CONTENT_LINE_BYTES_MAX + beyond)
			buf_putc(&content, 'x');
		buf_puts(&content, "\r\n");
		dialogue_to_content(&dialogue, buf_text(&content), 100);
		piece_feed(&dialogue, span_of("354 go\r\n"));
		piece_feed(&dialogue, span_of(""));
		ck_assert(!strstr(buf_text(&dialogue.transcript), "C: .\n") == (beyond > 0));
		ck_assert(!strstr(buf_text(&dialogue.transcript), "closed 8") == (beyond == 0));
		dialogue_end(&dialogue);
		buf_free(&content);
	}
}
END_TEST

START_TEST(a_megabyte_of_dots_is_stuffed_and_ended_once)
{
	enum { LINES = 500000 };
	struct buf content = buf_limited(0);
	struct dialogue dialogue;

	for (unsigned i = 0; i < LINES / 2; i++)
		buf_puts(&content, ".\r\n");
	dialogue_to_content(&dialogue, buf_text(&content), 0);
	dialogue.transcript.limit_bytes = 0;
	piece_feed(&dialogue, span_of("354 go\r\n"));
	ck_assert_uint_eq(dialogue.transcript.length, LINES / 2 * strlen("C: ..\n") + strlen("C: .\n"));
	ck_assert_int_eq(dialogue.client.state, SMTP_CLIENT_DELIVERY);
	dialogue_end(&dialogue);
	buf_free(&content);
}
END_TEST

START_TEST(an_answer_before_the_dot_was_written_is_not_a_delivery)
{
	static const struct {
		const char *what, *reply, *expected;
	} rows[] = {
		{ "yes", "250 2.0.0 ok\r\n", "closed 5 451 5.0\n" },
		{ "no", "552 5.3.4 too large\r\n", "result 552 3.4\nclosed 6 451 4.2\n" },
		{ "closing", "421 4.3.2 closing\r\n", "closed 3 451 3.2\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dialogue dialogue;
		struct smtp_client_event event;
		struct span output;

		dialogue_to_content(&dialogue, "x\r\n", 0);
		smtp_client_feed(&dialogue.client, span_of("354 go\r\n"), 0, &event);
		output = smtp_client_output(&dialogue.client);
		ck_assert(span_equal(output, span_of("x\r\n.\r\n")));
		smtp_client_sent(&dialogue.client, output.length - 1, 0);
		piece_feed(&dialogue, span_of(rows[i].reply));
		ck_assert_str_eq(buf_text(&dialogue.transcript), rows[i].expected);
		ck_assert_uint_eq(smtp_client_output(&dialogue.client).length, 0);
		dialogue_end(&dialogue);
	}
}
END_TEST

/* The replies of a whole dialogue, each with the time the client then waits at most. */
static const struct {
	const char *reply;
	int64_t timeout_ms;	/* INT64_MAX: the client waits for its caller */
} steps[] = {
	{ "", 240000 }, { GREETING, 240000 }, { EHLO_BARE, 240000 }, { "250 ok\r\n", 240000 }, { "250 ok\r\n", 60000 },
	{ "354 go\r\n", 300000 }, { "250 ok\r\n", 5000 }, { "221 bye\r\n", INT64_MAX },
};

/* Plays the first count steps, all at time 0. */
static void steps_play(struct dialogue *dialogue, size_t count)
{
	dialogue_begin(dialogue, AT_ONCE, one_recipient, 0);
	for (size_t i = 0; i < count; i++)
		piece_feed(dialogue, span_of(steps[i].reply));
	dialogue->transcript.length = 0;
}

START_TEST(each_wait_has_its_deadline)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct dialogue dialogue;

		steps_play(&dialogue, i + 1);
		ck_assert_int_eq(smtp_client_deadline(&dialogue.client), steps[i].timeout_ms);
		if (steps[i].timeout_ms < INT64_MAX) {
			dialogue.now_ms = steps[i].timeout_ms - 1;
			piece_feed(&dialogue, span_of(""));
			ck_assert_str_eq(buf_text(&dialogue.transcript), "");
			dialogue.now_ms++;
			piece_feed(&dialogue, span_of("250 ok\r\n"));
			ck_assert_str_eq(buf_text(&dialogue.transcript), i == 6 ? "closed 0 451 4.2\n" : "closed 1 451 4.1\n");
		}
		dialogue_end(&dialogue);
	}
}
END_TEST

START_TEST(a_connection_may_break_behind_each_reply)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct dialogue dialogue;

		steps_play(&dialogue, i + 1);
		smtp_client_break(&dialogue.client);
		piece_feed(&dialogue, span_of("250 ok\r\n"));
		ck_assert_str_eq(buf_text(&dialogue.transcript), i == 7 ? "" : i == 6 ? "closed 0 451 4.2\n" : "closed 2 451 4.2\n");
		dialogue_end(&dialogue);
	}
}
END_TEST

START_TEST(each_further_recipient_has_its_own_time_and_an_idle_connection_has_none)
{
	struct smtp_client_settings settings = smtp_client_defaults("gw.example.jp");
	struct smtp_address address = address_of("a@b");
	struct smtp_client_event event;
	struct smtp_client client;

	smtp_client_begin(&client, &settings, 0);
	smtp_client_feed(&client, span_of(GREETING), 1000, &event);
	smtp_client_feed(&client, span_of(EHLO_BARE), 2000, &event);
	ck_assert_int_eq(event.kind, SMTP_CLIENT_READY);
	ck_assert_int_eq(smtp_client_deadline(&client), INT64_MAX);
	ck_assert_int_eq(smtp_client_set_sender(&client, &address, 0, 500000), 0);
	ck_assert_int_eq(smtp_client_deadline(&client), 740000);
	ck_assert_int_eq(smtp_client_add_recipient(&client, &address, 500001), 0);
	ck_assert_int_eq(smtp_client_add_recipient(&client, &address, 500001), 0);
	smtp_client_feed(&client, span_of("250 ok\r\n"), 600000, &event);
	ck_assert_int_eq(smtp_client_deadline(&client), 740000);
	smtp_client_feed(&client, span_of("250 ok\r\n"), 700000, &event);
	ck_assert_int_eq(smtp_client_deadline(&client), 940000);
	smtp_client_feed(&client, span_of("250 ok\r\n"), 710000, &event);
	ck_assert_int_eq(event.recipient, 1);
	ck_assert_int_eq(smtp_client_deadline(&client), INT64_MAX);
}
END_TEST

START_TEST(a_reply_nobody_asked_for_ends_the_connection)
{
	struct smtp_client_settings settings = smtp_client_defaults("gw.example.jp");
	struct smtp_client_event event;
	struct smtp_client client;

	smtp_client_begin(&client, &settings, 0);
	smtp_client_feed(&client, span_of(GREETING), 0, &event);
	smtp_client_feed(&client, span_of(EHLO_BARE), 0, &event);
	smtp_client_feed(&client, span_of("250 ok\r\n"), 0, &event);
	ck_assert_int_eq(event.kind, SMTP_CLIENT_CLOSED);
	ck_assert_int_eq(event.failure, SMTP_CLIENT_FAILURE_PROTOCOL);
}
END_TEST

START_TEST(calls_in_the_wrong_order_are_told_so)
{
	struct smtp_address address = address_of("a@b"), null = address_of("");
	struct dialogue dialogue;
	struct smtp_client *client = &dialogue.client;

	dialogue_begin(&dialogue, STEP_BY_STEP, one_recipient, 0);
	ck_assert_int_eq(smtp_client_add_recipient(client, &address, 0), -EINVAL);
	ck_assert_int_eq(smtp_client_send_content(client, source_read, &dialogue.source, 0), -EBUSY);
	piece_feed(&dialogue, span_of(GREETING EHLO_BARE));
	ck_assert_int_eq(smtp_client_set_sender(client, &address, 0, 0), -EBUSY);
	ck_assert_int_eq(smtp_client_add_recipient(client, &null, 0), -EINVAL);
	ck_assert_int_eq(smtp_client_send_content(client, source_read, &dialogue.source, 0), -EBUSY);
	piece_feed(&dialogue, span_of("250 ok\r\n250 ok\r\n"));
	ck_assert_int_eq(client->state, SMTP_CLIENT_DATA);
	ck_assert_int_eq(smtp_client_add_recipient(client, &address, 0), -EBUSY);
	ck_assert_int_eq(smtp_client_quit(client, 0), -EBUSY);
	smtp_client_break(client);
	ck_assert_int_eq(smtp_client_set_sender(client, &address, 0, 0), -EPIPE);
	ck_assert_int_eq(smtp_client_add_recipient(client, &address, 0), -EPIPE);
	ck_assert_int_eq(smtp_client_send_content(client, source_read, &dialogue.source, 0), -EPIPE);
	ck_assert_int_eq(smtp_client_quit(client, 0), -EPIPE);
	dialogue_end(&dialogue);
}
END_TEST

START_TEST(recipients_have_a_limit_and_wait_for_room_in_the_output)
{
	struct smtp_client_settings settings = smtp_client_defaults("gw.example.jp");
	char text[SMTP_ADDRESS_BYTES_MAX];
	struct smtp_address sender = address_of("a@b"), longest;
	struct smtp_client_event event;
	struct smtp_client client;
	size_t written = 0;

	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 2, "@b", 2);
	ck_assert_int_eq(smtp_address_parse((struct span){ .data = text, .length = sizeof(text) }, SMTP_PATH_FORWARD, &longest), 0);
	smtp_client_begin(&client, &settings, 0);
	ck_assert_int_eq(smtp_client_set_sender(&client, &sender, 0, 0), 0);
	for (unsigned i = 0; i < SMTP_CLIENT_RECIPIENTS_MAX; i++)
		ck_assert_int_eq(smtp_client_add_recipient(&client, &longest, 0), 0);
	ck_assert_int_eq(smtp_client_add_recipient(&client, &longest, 0), -ENOSPC);
	smtp_client_feed(&client, span_of(GREETING), 0, &event);
	smtp_client_sent(&client, smtp_client_output(&client).length, 0);
	smtp_client_feed(&client, span_of(EHLO_ALL), 0, &event);
	for (struct span output; (output = smtp_client_output(&client)).length > 0;) {
		size_t count = output.length < 777 ? output.length : 777;

		smtp_client_sent(&client, count, 0);
		written += count;
	}
	ck_assert_uint_eq(written, strlen("MAIL FROM:<a@b>\r\n") + SMTP_CLIENT_RECIPIENTS_MAX * (strlen("RCPT TO:<>\r\n") + sizeof(text)));
}
END_TEST

START_TEST(a_second_message_may_follow_on_the_same_connection)
{
	struct smtp_address address = address_of("a@b");
	struct smtp_client_event event;
	struct dialogue dialogue;

	steps_play(&dialogue, 6);
	smtp_client_feed(&dialogue.client, span_of("250 ok\r\n"), 0, &event);
	ck_assert_int_eq(event.kind, SMTP_CLIENT_RESULT);
	ck_assert_int_eq(smtp_client_set_sender(&dialogue.client, &address, 0, 0), 0);
	ck_assert_int_eq(smtp_client_add_recipient(&dialogue.client, &address, 0), 0);
	dialogue_drain(&dialogue);
	ck_assert_str_eq(buf_text(&dialogue.transcript), MAIL_SAID);
	dialogue_end(&dialogue);
}
END_TEST

static TCase *cases_make(void)
{
	TCase *cases = tcase_create("smtp_client");

	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, dialogues_go_as_written_however_they_are_cut);
	tcase_add_test(cases, only_numbers_of_well_formed_replies_are_taken);
	tcase_add_test(cases, replies_have_limits);
	tcase_add_test(cases, content_leaves_whole_and_unambiguous_or_without_its_dot);
	tcase_add_test(cases, a_nul_does_not_leave);
	tcase_add_test(cases, lines_of_content_have_a_limit);
	tcase_add_test(cases, a_megabyte_of_dots_is_stuffed_and_ended_once);
	tcase_add_test(cases, an_answer_before_the_dot_was_written_is_not_a_delivery);
	tcase_add_test(cases, each_wait_has_its_deadline);
	tcase_add_test(cases, a_connection_may_break_behind_each_reply);
	tcase_add_test(cases, each_further_recipient_has_its_own_time_and_an_idle_connection_has_none);
	tcase_add_test(cases, a_reply_nobody_asked_for_ends_the_connection);
	tcase_add_test(cases, calls_in_the_wrong_order_are_told_so);
	tcase_add_test(cases, recipients_have_a_limit_and_wait_for_room_in_the_output);
	tcase_add_test(cases, a_second_message_may_follow_on_the_same_connection);
	return cases;
}

int main(void)
{
	Suite *suite = suite_create("mail/smtp_client");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, cases_make());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
