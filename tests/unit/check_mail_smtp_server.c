/*
 * The SMTP server: whole sessions as transcripts, each fed at once, byte by byte and in random pieces; the
 * end of data against an oracle; limits, deadlines, late and odd answers.
 *
 * A transcript has "S: " before each line the server says, and a line for each event. The recipients decide
 * the answers: "no" is 550 5.1.1, "later" 451 4.2.1, and so on.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/smtp_server.h"

enum { SPLITS_RANDOM = 8, TRANSCRIPT_BYTES_MAX = 1 << 20 };

struct session {
	struct smtp_server server;
	struct buf transcript;
	struct buf content;	/* of the message at hand */
	int64_t now_ms;
	unsigned messages;
};

/* What the world inside says to an address. */
static const struct {
	const char *local;
	struct smtp_reply reply;
} world[] = {
	{ "no", { 550, 1, 1 } },
	{ "later", { 451, 2, 1 } },
	{ "closing", { 421, 3, 2 } },
	{ "elsewhere", { 551, 1, 6 } },
	{ "strange", { 599, 999, 999 } },
	{ "full", { 452, 2, 2 } },
};

static struct smtp_reply address_answer(const struct smtp_address *address)
{
	struct span local = { .data = address->text, .length = address->local_length };

	for (size_t i = 0; i < sizeof(world) / sizeof(world[0]); i++)
		if (span_equal(local, span_of(world[i].local)))
			return world[i].reply;
	return smtp_reply_make(250, 0, 0);
}

static void put_escaped(struct buf *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.length; i++) {
		char byte = bytes.data[i];

		if (byte == '\r')
			buf_puts(out, "\\r");
		else if (byte == '\n')
			buf_puts(out, "\\n");
		else if (byte == '\0')
			buf_puts(out, "\\0");
		else
			buf_putc(out, byte);
	}
}

/* Writes what the server says, and checks that each line has the form of one. */
static void session_drain(struct session *session)
{
	struct span rest = smtp_server_output(&session->server);

	while (rest.length > 0) {
		const char *end = memchr(rest.data, '\n', rest.length);
		size_t length;

		ck_assert_ptr_nonnull(end);
		length = (size_t)(end - rest.data);
		ck_assert(length > 4 && end[-1] == '\r' && (rest.data[3] == ' ' || rest.data[3] == '-'));
		for (size_t i = 0; i + 1 < length; i++)
			ck_assert(rest.data[i] >= ' ' && rest.data[i] <= '~');
		buf_puts(&session->transcript, "S: ");
		buf_put(&session->transcript, rest.data, length - 1);
		buf_putc(&session->transcript, '\n');
		rest = (struct span){ .data = end + 1, .length = rest.length - length - 1 };
	}
	smtp_server_sent(&session->server, smtp_server_output(&session->server).length);
}

static void session_begin(struct session *session, const struct smtp_server_settings *settings)
{
	struct smtp_server_settings defaults = smtp_server_defaults("mx.example.jp");

	*session = (struct session){ .transcript = buf_limited(TRANSCRIPT_BYTES_MAX), .content = buf_limited(TRANSCRIPT_BYTES_MAX) };
	smtp_server_begin(&session->server, settings ? settings : &defaults, 0);
	session_drain(session);
}

static void session_end(struct session *session)
{
	ck_assert(!session->transcript.overflow && !session->content.overflow);
	buf_free(&session->transcript);
	buf_free(&session->content);
}

static void answer_give(struct session *session, const struct smtp_server_event *event, struct smtp_reply reply)
{
	struct smtp_server_event nothing;

	ck_assert_int_eq(smtp_server_waits_for(&session->server), SMTP_SERVER_WAITS_FOR_ANSWER);
	ck_assert_uint_eq(smtp_server_feed(&session->server, span_of("QUIT\r\n"), session->now_ms, &nothing), 0);
	ck_assert_int_eq(smtp_server_answer(&session->server, event->question + 1, reply, session->now_ms), -ESTALE);
	ck_assert_int_eq(smtp_server_answer(&session->server, event->question, reply, session->now_ms), 0);
	ck_assert_int_eq(smtp_server_answer(&session->server, event->question, reply, session->now_ms), -ESTALE);
}

static void deliver_note(struct session *session)
{
	buf_puts(&session->transcript, "deliver [");
	put_escaped(&session->transcript, buf_span(&session->content));
	buf_puts(&session->transcript, "]\n");
	session->content.length = 0;
	session->messages++;
}

/* Notes the event and answers it. */
static void event_act(struct session *session, const struct smtp_server_event *event)
{
	char path[SMTP_PATH_TEXT_BYTES];

	switch (event->kind) {
	case SMTP_SERVER_SENDER:
		buf_printf(&session->transcript, "sender %s%s %llu\n", smtp_path_format(event->address, path), event->utf8 ? " utf8" : "",
			   (unsigned long long)event->declared_bytes);
		answer_give(session, event, address_answer(event->address));
		break;
	case SMTP_SERVER_RECIPIENT:
		buf_printf(&session->transcript, "recipient %s\n", smtp_path_format(event->address, path));
		answer_give(session, event, address_answer(event->address));
		break;
	case SMTP_SERVER_BEGIN:
		buf_puts(&session->transcript, "begin\n");
		answer_give(session, event, smtp_reply_make(250, 0, 0));
		break;
	case SMTP_SERVER_CONTENT:
		buf_put(&session->content, event->content.data, event->content.length);
		break;
	case SMTP_SERVER_DELIVER:
		deliver_note(session);
		answer_give(session, event, smtp_reply_make(250, 0, 0));
		break;
	case SMTP_SERVER_OVERSIZE:
		session->content.length = 0;
		buf_puts(&session->transcript, "oversize\n");
		break;
	case SMTP_SERVER_RESET:
		buf_puts(&session->transcript, "reset\n");
		break;
	case SMTP_SERVER_LATE:
		buf_puts(&session->transcript, "late\n");
		break;
	case SMTP_SERVER_CLOSED:
		buf_printf(&session->transcript, "closed %d\n", event->end);
		break;
	case SMTP_SERVER_NOTHING:
		break;
	}
	session_drain(session);
}

static void piece_feed(struct session *session, struct span piece)
{
	struct smtp_server_event event;
	size_t used;

	do {
		used = smtp_server_feed(&session->server, piece, session->now_ms, &event);
		ck_assert_uint_le(used, piece.length);
		piece = (struct span){ .data = piece.data + used, .length = piece.length - used };
		session_drain(session);
		event_act(session, &event);
	} while (event.kind != SMTP_SERVER_NOTHING || used > 0);
	ck_assert(piece.length == 0 || smtp_server_waits_for(&session->server) == SMTP_SERVER_WAITS_FOR_CLOSE);
}

/* A small generator, so that a failure comes again. */
static unsigned random_next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

/*
 * Feeds input in pieces of piece_bytes, or of random length when that is 0. Each piece lies in memory of
 * its own length.
 */
static void input_feed(struct session *session, struct span input, size_t piece_bytes, uint32_t seed)
{
	while (input.length > 0) {
		size_t length = piece_bytes ? piece_bytes : 1 + random_next(&seed) % 7;
		char *piece;

		length = length < input.length ? length : input.length;
		piece = malloc(length);
		ck_assert_ptr_nonnull(piece);
		memcpy(piece, input.data, length);
		piece_feed(session, (struct span){ .data = piece, .length = length });
		free(piece);
		input = (struct span){ .data = input.data + length, .length = input.length - length };
	}
}

/* Feeds the input in every way, and compares each transcript (without the greeting) with the one expected. */
static void input_check(const char *what, const struct smtp_server_settings *settings, struct span input, const char *expected)
{
	for (uint32_t way = 0; way < 2 + SPLITS_RANDOM; way++) {
		static const char greeting[] = "S: 220 mx.example.jp ESMTP\n";
		struct session session;

		session_begin(&session, settings);
		input_feed(&session, input, way == 0 ? input.length : way == 1, way);
		ck_assert(strncmp(buf_text(&session.transcript), greeting, strlen(greeting)) == 0);
		ck_assert_msg(strcmp(buf_text(&session.transcript) + strlen(greeting), expected) == 0, "%s, way %u:\n%s", what, way,
			      buf_text(&session.transcript) + strlen(greeting));
		session_end(&session);
	}
}

#define HELLO "EHLO out.example.jp\r\n"
#define HELLO_SAID "S: 250-mx.example.jp\nS: 250-PIPELINING\nS: 250-SIZE 31457280\nS: 250-8BITMIME\nS: 250-SMTPUTF8\n" \
	"S: 250 ENHANCEDSTATUSCODES\n"
#define MAIL "MAIL FROM:<a@b>\r\n"
#define MAIL_SAID "sender <a@b> 0\nS: 250 2.1.0 Sender accepted\n"
#define RCPT "RCPT TO:<c@d>\r\n"
#define RCPT_SAID "recipient <c@d>\nS: 250 2.1.5 Recipient accepted\n"
#define DATA "DATA\r\n"
#define DATA_SAID "begin\nS: 354 End data with <CR><LF>.<CR><LF>\n"
#define QUIT "QUIT\r\n"
#define QUIT_SAID "S: 221 2.0.0 Goodbye\nclosed 0\n"
#define DELIVERED "S: 250 2.0.0 Delivered\n"

struct session_row {
	const char *what;
	const char *input;
	const char *expected;
};

static const struct session_row session_rows[] = {
	{ "one message", HELLO MAIL RCPT DATA "Subject: x\r\n\r\nhello\r\n.\r\n" QUIT,
	  HELLO_SAID MAIL_SAID RCPT_SAID DATA_SAID "deliver [Subject: x\\r\\n\\r\\nhello\\r\\n]\n" DELIVERED QUIT_SAID },
	{ "an empty message", HELLO MAIL RCPT DATA ".\r\n" QUIT,
	  HELLO_SAID MAIL_SAID RCPT_SAID DATA_SAID "deliver []\n" DELIVERED QUIT_SAID },
	{ "a delivery report has no sender", "HELO x\r\nMAIL FROM:<>\r\n" RCPT DATA "r\r\n.\r\n",
	  "S: 250 mx.example.jp\nsender <> 0\nS: 250 2.1.0 Sender accepted\n" RCPT_SAID DATA_SAID "deliver [r\\r\\n]\n" DELIVERED },
	{ "pipelined MAIL behind the data is a command only behind the real end",
	  HELLO MAIL RCPT DATA "x\r\n.\n" MAIL ".\r\n" MAIL RCPT DATA "y\r\n.\r\n" QUIT,
	  HELLO_SAID MAIL_SAID RCPT_SAID DATA_SAID "deliver [x\\r\\n\\nMAIL FROM:<a@b>\\r\\n]\n" DELIVERED
	  MAIL_SAID RCPT_SAID DATA_SAID "deliver [y\\r\\n]\n" DELIVERED QUIT_SAID },
	{ "one recipient of several is refused, in the dialogue",
	  HELLO MAIL RCPT "RCPT TO:<no@d>\r\nRCPT TO:<later@d>\r\nRCPT TO:<full@d>\r\n" DATA "x\r\n.\r\n",
	  HELLO_SAID MAIL_SAID RCPT_SAID "recipient <no@d>\nS: 550 5.1.1 No such mailbox\n"
	  "recipient <later@d>\nS: 451 4.2.1 Mailbox is closed\nrecipient <full@d>\nS: 452 4.2.2 Mailbox is full\n"
	  DATA_SAID "deliver [x\\r\\n]\n" DELIVERED },
	{ "codes that would say too much outside",
	  HELLO MAIL "RCPT TO:<closing@d>\r\nRCPT TO:<elsewhere@d>\r\nRCPT TO:<strange@d>\r\n" DATA,
	  HELLO_SAID MAIL_SAID "recipient <closing@d>\nS: 451 4.3.2 Not accepting messages now\n"
	  "recipient <elsewhere@d>\nS: 554 5.1.6 Refused\nrecipient <strange@d>\nS: 554 5.999.999 Refused\n"
	  "S: 554 5.5.1 No valid recipients\n" },
	{ "a refused sender opens no transaction", HELLO "MAIL FROM:<no@b>\r\n" RCPT MAIL,
	  HELLO_SAID "sender <no@b> 0\nS: 550 5.1.1 No such mailbox\nS: 503 5.5.1 There is no sender yet\n" MAIL_SAID },
	{ "RSET and a new EHLO give a transaction up; without one nobody is told",
	  HELLO "RSET\r\n" MAIL "RSET\r\n" MAIL RCPT HELLO RCPT,
	  HELLO_SAID "S: 250 2.0.0 Forgotten\n" MAIL_SAID "S: 250 2.0.0 Forgotten\nreset\n" MAIL_SAID RCPT_SAID HELLO_SAID "reset\n"
	  "S: 503 5.5.1 There is no sender yet\n" },
	{ "the wrong order", MAIL RCPT DATA HELLO DATA MAIL MAIL,
	  "S: 503 5.5.1 Say EHLO first\nS: 503 5.5.1 There is no sender yet\nS: 503 5.5.1 There is no sender yet\n" HELLO_SAID
	  "S: 503 5.5.1 There is no sender yet\n" MAIL_SAID "S: 503 5.5.1 There is a sender already\n" },
	{ "small commands", "noop\r\nNoop whatever\r\nVRFY a@b\r\nVRFY \xe7\xb7\x8f\r\n",
	  "S: 250 2.0.0 Done\nS: 250 2.0.0 Done\nS: 252 2.5.0 Send mail and see\nS: 252 2.5.0 Send mail and see\n" },
	{ "what is not offered", "STARTTLS\r\nAUTH PLAIN AGE=\r\nEXPN staff\r\nHELP\r\n",
	  "S: 502 5.5.1 Command not implemented\nS: 502 5.5.1 Command not implemented\nS: 502 5.5.1 Command not implemented\n"
	  "S: 502 5.5.1 Command not implemented\n" },
	{ "BDAT is not offered, and the session goes on", HELLO MAIL RCPT "BDAT 3 LAST\r\n" DATA "x\r\n.\r\n",
	  HELLO_SAID MAIL_SAID RCPT_SAID "S: 502 5.5.1 Command not implemented\n" DATA_SAID "deliver [x\\r\\n]\n" DELIVERED },
	{ "unknown words", "GET / HTTP/1.1\r\n\r\nMAILFROM:<a@b>\r\n DATA\r\n",
	  "S: 500 5.5.2 Command unknown\nS: 500 5.5.2 Command unknown\nS: 500 5.5.2 Command unknown\nS: 500 5.5.2 Command unknown\n" },
	{ "names that are none", "EHLO\r\nEHLO a b\r\nHELO \xe5\xb8\x82\r\nEHLO [192.0.2.1]\r\n",
	  "S: 501 5.5.4 A host name is needed\nS: 501 5.5.4 A host name is needed\nS: 501 5.5.4 A host name is needed\n" HELLO_SAID },
	{ "commands that stand alone", HELLO "DATA x\r\nRSET x\r\nQUIT x\r\nRSET \t \r\n",
	  HELLO_SAID "S: 501 5.5.4 This command stands alone\nS: 501 5.5.4 This command stands alone\n"
	  "S: 501 5.5.4 This command stands alone\nS: 250 2.0.0 Forgotten\n" },
	{ "parameters", HELLO "mail from: <a@b>  SIZE=31457280 body=8bitmime SMTPUTF8 \r\n",
	  HELLO_SAID "sender <a@b> utf8 31457280\nS: 250 2.1.0 Sender accepted\n" },
	{ "parameters that are wrong",
	  HELLO "MAIL FROM:<a@b> SIZE=\r\nMAIL FROM:<a@b> SIZE=-1\r\nMAIL FROM:<a@b> SIZE=1 SIZE=1\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\n"
	  "MAIL FROM:<a@b>SIZE=1\r\nMAIL FROM:<a@b> SMTPUTF8=x\r\nMAIL FROM:<a@b> SIZE=000000000000000000001\r\n",
	  HELLO_SAID "S: 501 5.5.4 Bad parameter\nS: 501 5.5.4 Bad parameter\nS: 501 5.5.4 Bad parameter\nS: 501 5.5.4 Bad parameter\n"
	  "S: 501 5.1.7 Not a path\nS: 501 5.5.4 Bad parameter\nS: 501 5.5.4 Bad parameter\n" },
	{ "parameters that are not offered", HELLO "MAIL FROM:<a@b> RET=HDRS\r\n" MAIL "RCPT TO:<c@d> NOTIFY=NEVER\r\n",
	  HELLO_SAID "S: 555 5.5.4 Parameter not offered\n" MAIL_SAID "S: 555 5.5.4 Parameter not offered\n" },
	{ "the declared size, one byte too much, and more than a number holds",
	  HELLO "MAIL FROM:<a@b> SIZE=31457281\r\nMAIL FROM:<a@b> SIZE=99999999999999999999\r\n",
	  HELLO_SAID "S: 552 5.3.4 Message too large\nS: 552 5.3.4 Message too large\n" },
	{ "telephones are recipients and senders",
	  HELLO "MAIL FROM:<a..b.@docomo.ne.jp>\r\nRCPT TO:<.x..y.@docomo.ne.jp>\r\nRCPT TO:<\"x..\"@docomo.ne.jp>\r\n",
	  HELLO_SAID "sender <a..b.@docomo.ne.jp> 0\nS: 250 2.1.0 Sender accepted\nrecipient <.x..y.@docomo.ne.jp>\n"
	  "S: 250 2.1.5 Recipient accepted\nrecipient <\"x..\"@docomo.ne.jp>\nS: 250 2.1.5 Recipient accepted\n" },
	{ "paths that are refused by rule",
	  HELLO MAIL "RCPT TO:<\"a b\"@x>\r\nRCPT TO:<@a:b@c>\r\nRCPT TO:<a@[192.0.2.1]>\r\nRCPT TO:<a%b@c>\r\n"
	  "RCPT TO:<\xe7\xb7\x8f@c>\r\nRCPT TO:<>\r\nRCPT TO: a@b\r\n",
	  HELLO_SAID MAIL_SAID "S: 553 5.1.3 Routes, quoted names and address literals are not accepted\n"
	  "S: 553 5.1.3 Routes, quoted names and address literals are not accepted\n"
	  "S: 553 5.1.3 Routes, quoted names and address literals are not accepted\n"
	  "S: 553 5.1.3 Routes, quoted names and address literals are not accepted\n"
	  "S: 553 5.6.7 Addresses must be ASCII\nS: 501 5.1.3 Not a path\nS: 501 5.1.3 Not a path\n" },
	{ "a sender that is not ASCII, also under SMTPUTF8", HELLO "MAIL FROM:<\xe7\xb7\x8f@c> SMTPUTF8\r\n",
	  HELLO_SAID "S: 553 5.6.7 Addresses must be ASCII\n" },
	{ "bare line feeds and returns do not end a command",
	  HELLO "MAIL FROM:<a@b>\nRCPT TO:<c@d>\r\nMAIL FROM:<a@b>\rRSET\r\nEHLO x\nMAIL FROM:<a@b>\r\nDATA\n\r\n\nMAIL\r\nNOOP\r\r\n",
	  HELLO_SAID "S: 501 5.5.2 Control character in a command\nS: 501 5.5.2 Control character in a command\n"
	  "S: 501 5.5.2 Control character in a command\nS: 501 5.5.2 Control character in a command\nS: 500 5.5.2 Command unknown\n"
	  "S: 501 5.5.2 Control character in a command\n" },
	{ "nothing is heard behind QUIT", QUIT MAIL, QUIT_SAID },
};

START_TEST(sessions_go_as_written_however_they_are_cut)
{
	for (size_t i = 0; i < sizeof(session_rows) / sizeof(session_rows[0]); i++) {
		const struct session_row *row = &session_rows[i];

		input_check(row->what, NULL, span_of(row->input), row->expected);
	}
}
END_TEST

START_TEST(a_nul_in_a_command_voids_the_line)
{
	static const char input[] = "EHLO x\0\r\nMAIL FROM:<a@b>\0\r\nDATA\0\r\n\0QUIT\r\n";

	input_check("NUL", NULL, (struct span){ .data = input, .length = sizeof(input) - 1 },
		    "S: 501 5.5.2 Control character in a command\nS: 501 5.5.2 Control character in a command\n"
		    "S: 501 5.5.2 Control character in a command\nS: 500 5.5.2 Command unknown\n");
}
END_TEST

/*
 * Each is followed by an injected envelope and the real end: one message must come of it, with these bytes
 * in it.
 */
static const struct {
	const char *what;
	struct span bytes;
	const char *content;
} smuggle_rows[] = {
	{ "LF.LF", { "x\n.\n", 4 }, "x\\n.\\n" },
	{ "LF.CRLF", { "x\n.\r\n", 5 }, "x\\n.\\r\\n" },
	{ "CR.CR", { "x\r.\r", 4 }, "x\\r.\\r" },
	{ "CR.CRLF", { "x\r.\r\n", 5 }, "x\\r.\\r\\n" },
	{ "CRLF.LF", { "x\r\n.\n", 5 }, "x\\r\\n\\n" },
	{ "CRLF.CR", { "x\r\n.\r", 5 }, "x\\r\\n\\r" },
	{ "CRLF.CRCRLF", { "x\r\n.\r\r\n", 7 }, "x\\r\\n\\r\\r\\n" },
	{ "CRLF NUL.CRLF", { "x\r\n\0.\r\n", 7 }, "x\\r\\n\\0.\\r\\n" },
	{ "CRLF.NUL CRLF", { "x\r\n.\0\r\n", 7 }, "x\\r\\n\\0\\r\\n" },
	{ "CRLF..CRLF", { "x\r\n..\r\n", 7 }, "x\\r\\n.\\r\\n" },
	{ "CRLF. CRLF", { "x\r\n. \r\n", 7 }, "x\\r\\n \\r\\n" },
	{ "LFCR.LFCR", { "x\n\r.\n\r", 6 }, "x\\n\\r.\\n\\r" },
	{ "CR NUL LF.CRLF", { "x\r\0\n.\r\n", 7 }, "x\\r\\0\\n.\\r\\n" },
	{ "LF.LF at once", { "\n.\n", 3 }, "\\n.\\n" },
	{ ".LF at once", { ".\n", 2 }, "\\n" },
	{ ".CRLF with two CR at once", { ".\r\r\n", 4 }, "\\r\\r\\n" },
};

START_TEST(no_mixture_of_line_ends_smuggles_a_message)
{
	for (size_t i = 0; i < sizeof(smuggle_rows) / sizeof(smuggle_rows[0]); i++) {
		struct buf input = buf_limited(0), expected = buf_limited(0);

		buf_puts(&input, HELLO MAIL RCPT DATA);
		buf_put(&input, smuggle_rows[i].bytes.data, smuggle_rows[i].bytes.length);
		buf_puts(&input, "MAIL FROM:<evil@x>\r\nRCPT TO:<c@d>\r\nDATA\r\nforged\r\n.\r\n" QUIT);
		buf_printf(&expected, HELLO_SAID MAIL_SAID RCPT_SAID DATA_SAID
			   "deliver [%sMAIL FROM:<evil@x>\\r\\nRCPT TO:<c@d>\\r\\nDATA\\r\\nforged\\r\\n]\n" DELIVERED QUIT_SAID,
			   smuggle_rows[i].content);
		input_check(smuggle_rows[i].what, NULL, buf_span(&input), buf_text(&expected));
		buf_free(&input);
		buf_free(&expected);
	}
}
END_TEST

START_TEST(the_end_of_data_may_be_cut_at_each_of_its_bytes)
{
	static const char head[] = HELLO MAIL RCPT DATA "x", tail[] = "\r\n.\r\n";

	for (size_t cut = 0; cut <= strlen(tail); cut++) {
		struct session session;

		session_begin(&session, NULL);
		piece_feed(&session, span_of(head));
		piece_feed(&session, (struct span){ .data = tail, .length = cut });
		ck_assert_uint_eq(session.messages, cut == strlen(tail));
		piece_feed(&session, span_of(tail + cut));
		ck_assert_uint_eq(session.messages, 1);
		ck_assert_ptr_nonnull(strstr(buf_text(&session.transcript), "deliver [x\\r\\n]\n"));
		session_end(&session);
	}
}
END_TEST

/*
 * What RFC 5321 says, written in the plainest way: find CRLF . CRLF in CRLF + data, then leave out a dot
 * behind each CRLF.
 */
static bool oracle_content(const struct buf *data, struct buf *content)
{
	struct buf whole = buf_limited(0);
	const char *end;

	buf_puts(&whole, "\r\n");
	buf_put(&whole, data->data, data->length);
	end = memmem(whole.data, whole.length, "\r\n.\r\n", 5);
	for (const char *at = whole.data + 2; end && at < end + 2; at++)
		if (!(*at == '.' && memcmp(at - 2, "\r\n", 2) == 0))
			buf_putc(content, *at);
	buf_free(&whole);
	return end != NULL;
}

START_TEST(random_mixtures_agree_with_the_plain_rule)
{
	static const char alphabet[] = { '\r', '\n', '.', '\r', '\n', 'a', '\0' };
	uint32_t seed = 20261;
	unsigned ends = 0;

	for (unsigned round = 0; round < 3000; round++) {
		struct buf data = buf_limited(0), content = buf_limited(0), expected = buf_limited(0);
		struct session session;
		bool ended;

		for (unsigned length = random_next(&seed) % 64 + 1; length > 0; length--)
			buf_putc(&data, alphabet[random_next(&seed) % sizeof(alphabet)]);
		ended = oracle_content(&data, &content);
		session_begin(&session, NULL);
		piece_feed(&session, span_of(HELLO MAIL RCPT DATA));
		session.transcript.length = 0;
		input_feed(&session, buf_span(&data), round % 2, round);
		buf_puts(&expected, "deliver [");
		put_escaped(&expected, buf_span(&content));
		buf_puts(&expected, "]\n");
		ck_assert(session.messages == (ended ? 1 : 0));
		ck_assert(!ended || strncmp(buf_text(&session.transcript), buf_text(&expected), expected.length) == 0);
		ends += ended;
		session_end(&session);
		buf_free(&data);
		buf_free(&content);
		buf_free(&expected);
	}
	ck_assert_uint_gt(ends, 100);
}
END_TEST

START_TEST(a_command_line_has_a_limit)
{
	struct buf input = buf_limited(0);

	buf_puts(&input, "NOOP ");
	while (input.length < SMTP_COMMAND_BYTES_MAX - 2)
		buf_putc(&input, 'x');
	buf_puts(&input, "\r\n");
	ck_assert_uint_eq(input.length, SMTP_COMMAND_BYTES_MAX);
	input_check("at the limit", NULL, buf_span(&input), "S: 250 2.0.0 Done\n");
	input.length -= 2;
	buf_puts(&input, "x\r\nNOOP\r\n");
	input_check("one beyond, and what follows", NULL, buf_span(&input), "S: 500 5.5.2 Line too long\nS: 250 2.0.0 Done\n");
	buf_free(&input);
}
END_TEST

START_TEST(recipients_have_a_limit_and_the_rest_comes_again)
{
	struct smtp_server_settings settings = smtp_server_defaults("mx.example.jp");

	settings.recipients_max = 2;
	input_check("recipients", &settings, span_of(HELLO MAIL RCPT "RCPT TO:<no@d>\r\n" RCPT RCPT DATA ".\r\n" MAIL RCPT),
		    HELLO_SAID MAIL_SAID RCPT_SAID "recipient <no@d>\nS: 550 5.1.1 No such mailbox\n" RCPT_SAID
		    "S: 452 4.5.3 Too many recipients in one message\n" DATA_SAID "deliver []\n" DELIVERED MAIL_SAID RCPT_SAID);
}
END_TEST

START_TEST(errors_and_commands_have_a_limit)
{
	struct smtp_server_settings settings = smtp_server_defaults("mx.example.jp");

	settings.errors_max = 2;
	input_check("errors", &settings, span_of(HELLO "X\r\nMAIL FROM:<@a:b@c>\r\nY\r\nNOOP\r\nZ\r\n" QUIT),
		    HELLO_SAID "S: 500 5.5.2 Command unknown\n"
		    "S: 553 5.1.7 Routes, quoted names and address literals are not accepted\n"
		    "S: 500 5.5.2 Command unknown\nS: 250 2.0.0 Done\n"
		    "S: 421 4.7.0 Too many errors\nclosed 2\n");
	settings.commands_max = 4;
	input_check("commands", &settings, span_of(HELLO MAIL RCPT DATA ".\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n" QUIT),
		    HELLO_SAID MAIL_SAID RCPT_SAID DATA_SAID "deliver []\n" DELIVERED
		    "S: 250 2.0.0 Done\nS: 250 2.0.0 Done\nS: 250 2.0.0 Done\nS: 250 2.0.0 Done\n"
		    "S: 421 4.7.0 Too many commands without a message\nclosed 3\n");
}
END_TEST

START_TEST(a_message_larger_than_declared_is_cut_at_the_limit_and_drained)
{
	static const char hello[] = "S: 250-mx.example.jp\nS: 250-PIPELINING\nS: 250-SIZE 8\nS: 250-8BITMIME\nS: 250-SMTPUTF8\n"
		"S: 250 ENHANCEDSTATUSCODES\nsender <a@b> 1\nS: 250 2.1.0 Sender accepted\n" RCPT_SAID DATA_SAID;
	struct smtp_server_settings settings = smtp_server_defaults("mx.example.jp");
	struct buf expected = buf_limited(0);

	settings.message_bytes_max = 8;
	buf_printf(&expected, "%sdeliver [.bcd\\r\\n\\r\\n]\n" DELIVERED, hello);
	input_check("at the limit, stuffed dots not counted", &settings,
		    span_of(HELLO "MAIL FROM:<a@b> SIZE=1\r\n" RCPT DATA "..bcd\r\n\r\n.\r\n"), buf_text(&expected));
	expected.length = 0;
	buf_printf(&expected, "%soversize\nS: 552 5.3.4 Message too large\n" MAIL_SAID, hello);
	input_check("one beyond", &settings,
		    span_of(HELLO "MAIL FROM:<a@b> SIZE=1\r\n" RCPT DATA "abcdefg\r\n.\nDATA\r\nmore and more\r\n.\r\n" MAIL), buf_text(&expected));
	buf_free(&expected);
}
END_TEST

/* Feeds and expects this one event. */
static struct smtp_server_event event_expect(struct session *session, const char *input, enum smtp_server_event_kind kind)
{
	struct smtp_server_event event;

	smtp_server_feed(&session->server, span_of(input), session->now_ms, &event);
	ck_assert_int_eq(event.kind, kind);
	session_drain(session);
	return event;
}

/* The transcript must end with this. */
static void said_check(struct session *session, const char *expected)
{
	const char *text = buf_text(&session->transcript);
	size_t length = strlen(expected);

	ck_assert_msg(session->transcript.length >= length && strcmp(text + session->transcript.length - length, expected) == 0, "%s", text);
	session->transcript.length = 0;
}

START_TEST(a_slow_client_runs_out_of_time_however_busy_it_looks)
{
	struct session session;

	session_begin(&session, NULL);
	for (session.now_ms = 0; session.now_ms < 300000; session.now_ms += 10000) {
		ck_assert_int_eq(smtp_server_deadline(&session.server), 300000);
		event_expect(&session, "N", SMTP_SERVER_NOTHING);
	}
	ck_assert_int_eq(event_expect(&session, "O", SMTP_SERVER_CLOSED).end, SMTP_SERVER_END_TIMEOUT);
	said_check(&session, "S: 421 4.4.2 Too slow\n");
	ck_assert_int_eq(smtp_server_deadline(&session.server), INT64_MAX);
	event_expect(&session, "O", SMTP_SERVER_NOTHING);
	session_end(&session);
}
END_TEST

START_TEST(content_has_one_deadline_for_all_of_it)
{
	struct session session;

	session_begin(&session, NULL);
	session.now_ms = 1000;
	piece_feed(&session, span_of(HELLO MAIL RCPT DATA));
	for (; session.now_ms < 601000; session.now_ms += 10000) {
		ck_assert_int_eq(smtp_server_deadline(&session.server), 601000);
		event_expect(&session, "x", SMTP_SERVER_CONTENT);
	}
	event_expect(&session, "\r\n.\r\n", SMTP_SERVER_CLOSED);
	said_check(&session, "S: 421 4.4.2 Too slow\n");
	session_end(&session);
}
END_TEST

START_TEST(a_recipient_without_an_answer_is_refused_for_now_and_the_session_goes_on)
{
	struct smtp_server_event event;
	struct session session;

	session_begin(&session, NULL);
	piece_feed(&session, span_of(HELLO MAIL));
	event = event_expect(&session, RCPT, SMTP_SERVER_RECIPIENT);
	ck_assert_int_eq(smtp_server_deadline(&session.server), 240000);
	smtp_server_expire(&session.server, 239999, &event);
	ck_assert_int_eq(event.kind, SMTP_SERVER_NOTHING);
	smtp_server_expire(&session.server, 240000, &event);
	ck_assert_int_eq(event.kind, SMTP_SERVER_LATE);
	session.now_ms = 240000;
	session_drain(&session);
	said_check(&session, "S: 451 4.4.1 The next server does not answer\n");
	ck_assert_int_eq(smtp_server_answer(&session.server, event.question, smtp_reply_make(250, 0, 0), 240000), -ESTALE);
	piece_feed(&session, span_of(RCPT));
	said_check(&session, RCPT_SAID);
	session_end(&session);
}
END_TEST

START_TEST(the_inner_server_dies_behind_the_dot)
{
	struct smtp_server_event event;
	struct session session;

	session_begin(&session, NULL);
	piece_feed(&session, span_of(HELLO MAIL RCPT DATA));
	event = event_expect(&session, ".\r\n", SMTP_SERVER_DELIVER);
	ck_assert_int_eq(smtp_server_deadline(&session.server), 540000);
	ck_assert_int_eq(smtp_server_answer(&session.server, event.question, smtp_reply_make(451, 4, 2), 10), 0);
	session_drain(&session);
	said_check(&session, "S: 451 4.4.2 The next server broke off\n");
	piece_feed(&session, span_of(MAIL RCPT DATA));
	event_expect(&session, ".\r\n", SMTP_SERVER_DELIVER);
	session.now_ms = 540000;
	event_expect(&session, "", SMTP_SERVER_LATE);
	said_check(&session, "S: 451 4.4.1 The next server does not answer\n");
	piece_feed(&session, span_of(MAIL));
	said_check(&session, MAIL_SAID);
	session_end(&session);
}
END_TEST

START_TEST(answers_must_be_yes_or_no)
{
	static const unsigned rows[] = { 0, 199, 354, 600, 65535 };
	struct smtp_server_event event;
	struct session session;

	session_begin(&session, NULL);
	piece_feed(&session, span_of(HELLO));
	event = event_expect(&session, MAIL, SMTP_SERVER_SENDER);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(smtp_server_answer(&session.server, event.question, smtp_reply_make(rows[i], 0, 0), 0), -EINVAL);
	ck_assert_int_eq(smtp_server_answer(&session.server, event.question, smtp_reply_make(299, 0, 0), 0), 0);
	session_end(&session);
}
END_TEST

START_TEST(content_that_cannot_be_stored_is_drained)
{
	struct session session;

	session_begin(&session, NULL);
	ck_assert_int_eq(smtp_server_discard(&session.server, smtp_reply_make(452, 3, 1)), -ESTALE);
	piece_feed(&session, span_of(HELLO MAIL RCPT DATA "abc"));
	ck_assert_int_eq(smtp_server_discard(&session.server, smtp_reply_make(250, 0, 0)), -EINVAL);
	ck_assert_int_eq(smtp_server_discard(&session.server, smtp_reply_make(452, 3, 1)), 0);
	session.transcript.length = 0;
	piece_feed(&session, span_of("def\r\n.\r\n"));
	said_check(&session, "S: 452 4.3.1 No room to store the message\n");
	ck_assert_uint_eq(session.messages, 0);
	piece_feed(&session, span_of(MAIL RCPT DATA "x\r\n.\r\n"));
	ck_assert_uint_eq(session.messages, 1);
	session_end(&session);
}
END_TEST

START_TEST(a_refusal_to_take_content_ends_the_transaction)
{
	struct smtp_server_event event;
	struct session session;

	session_begin(&session, NULL);
	piece_feed(&session, span_of(HELLO MAIL RCPT));
	event = event_expect(&session, DATA, SMTP_SERVER_BEGIN);
	ck_assert_int_eq(smtp_server_answer(&session.server, event.question, smtp_reply_make(452, 3, 1), 0), 0);
	session_drain(&session);
	said_check(&session, "S: 452 4.3.1 No room to store the message\n");
	piece_feed(&session, span_of(DATA));
	said_check(&session, "S: 503 5.5.1 There is no sender yet\n");
	session_end(&session);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_not_read_either)
{
	static const char noop[] = "NOOP\r\n";
	struct smtp_server_settings settings = smtp_server_defaults("mx.example.jp");
	struct smtp_server_event event;
	struct smtp_server server;
	unsigned heard = 0;

	smtp_server_begin(&server, &settings, 0);
	while (smtp_server_feed(&server, span_of(noop), 0, &event) == strlen(noop))
		ck_assert_uint_lt(++heard, SMTP_SERVER_OUTPUT_BYTES);
	ck_assert_int_eq(smtp_server_waits_for(&server), SMTP_SERVER_WAITS_FOR_OUTPUT);
	ck_assert_uint_gt(SMTP_SERVER_OUTPUT_BYTES - smtp_server_output(&server).length, SMTP_SERVER_OUTPUT_RESERVE / 2);
	smtp_server_sent(&server, SMTP_SERVER_OUTPUT_RESERVE);
	ck_assert_uint_eq(smtp_server_feed(&server, span_of(noop), 0, &event), strlen(noop));
}
END_TEST

START_TEST(the_service_can_be_closed_at_any_time)
{
	struct session session;

	session_begin(&session, NULL);
	piece_feed(&session, span_of(HELLO MAIL));
	event_expect(&session, RCPT, SMTP_SERVER_RECIPIENT);
	smtp_server_shut(&session.server);
	smtp_server_shut(&session.server);
	ck_assert_int_eq(event_expect(&session, "", SMTP_SERVER_CLOSED).end, SMTP_SERVER_END_SHUTDOWN);
	said_check(&session, "S: 421 4.3.2 The service is closing\n");
	ck_assert_int_eq(smtp_server_answer(&session.server, 1, smtp_reply_make(250, 0, 0), 0), -ESTALE);
	ck_assert(span_equal(smtp_server_hello(&session.server), span_of("out.example.jp")));
	session_end(&session);
}
END_TEST

static TCase *cases_make(void)
{
	TCase *cases = tcase_create("smtp_server");

	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, sessions_go_as_written_however_they_are_cut);
	tcase_add_test(cases, a_nul_in_a_command_voids_the_line);
	tcase_add_test(cases, no_mixture_of_line_ends_smuggles_a_message);
	tcase_add_test(cases, the_end_of_data_may_be_cut_at_each_of_its_bytes);
	tcase_add_test(cases, random_mixtures_agree_with_the_plain_rule);
	tcase_add_test(cases, a_command_line_has_a_limit);
	tcase_add_test(cases, recipients_have_a_limit_and_the_rest_comes_again);
	tcase_add_test(cases, errors_and_commands_have_a_limit);
	tcase_add_test(cases, a_message_larger_than_declared_is_cut_at_the_limit_and_drained);
	tcase_add_test(cases, a_slow_client_runs_out_of_time_however_busy_it_looks);
	tcase_add_test(cases, content_has_one_deadline_for_all_of_it);
	tcase_add_test(cases, a_recipient_without_an_answer_is_refused_for_now_and_the_session_goes_on);
	tcase_add_test(cases, the_inner_server_dies_behind_the_dot);
	tcase_add_test(cases, answers_must_be_yes_or_no);
	tcase_add_test(cases, content_that_cannot_be_stored_is_drained);
	tcase_add_test(cases, a_refusal_to_take_content_ends_the_transaction);
	tcase_add_test(cases, a_client_that_does_not_read_is_not_read_either);
	tcase_add_test(cases, the_service_can_be_closed_at_any_time);
	return cases;
}

int main(void)
{
	Suite *suite = suite_create("mail/smtp_server");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, cases_make());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
