/*
 * Delivery: a mail's way to inner servers that are played here, on a clock that is played as well. A transcript has a line for each connection that is
 * asked for, each line said ("C: "), each event, and the second at which it came.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/delivery.h"

enum { REPLIES_WAITING_MAX = 128, RULES_MAX = 8, EVENTS_OF_ONE_CALL_MAX = 16, SECOND_MS = 1000 };

static const char silence[] = "silence", hangs_up[] = "hangs up";

/* What a server does when it is told a line that begins so. Without a rule it says yes. */
struct rule {
	unsigned int connection;	/* from 1; 0: each */
	const char *line;		/* "connect", "greeting", "EHLO", ..., "." */
	const char *reply;		/* with CR LF; silence; hangs_up */
	int64_t after_ms;
};

/* Bytes of a server that are under way. */
struct waiting {
	const char *bytes;
	int64_t at_ms;
};

struct rig {
	struct delivery delivery;
	const struct rule *rules;
	int64_t now_ms;
	unsigned int connections, hop;	/* made until now; the hop of the last */
	bool open, connecting, in_content;
	int64_t connected_at_ms;
	struct buf line;		/* said and not ended yet */
	struct waiting waiting[REPLIES_WAITING_MAX];
	unsigned int waiting_count;
	struct buf transcript;
	bool quiet;			/* no transcript */

	size_t cut_after;		/* so many bytes cross in both directions, then the first connection is lost; 0: never */
	size_t crossed;
	unsigned int taken;		/* mails whose dot a server has seen */
	unsigned int taken_by_hop[4];

	unsigned int asked, answered, expected, results;
	struct smtp_reply answer;
	enum fate fate;
	struct smtp_reply result;
	int64_t answer_ms, result_ms, dot_ms;
	unsigned int transactions_of_content;	/* content that a server took whole */
};

static const char message[] = "Subject: x\r\n\r\n.hello\r\n";

/* ---- the servers ---- */

static const struct rule *rule_of(const struct rig *rig, const char *line)
{
	for (const struct rule *rule = rig->rules; rule && rule->line; rule++)
		if ((rule->connection == 0 || rule->connection == rig->connections) && strncmp(rule->line, line, strlen(rule->line)) == 0)
			return rule;
	return NULL;
}

static void note(struct rig *rig, const char *text)
{
	if (!rig->quiet)
		buf_puts(&rig->transcript, text);
}

static const char *answer_of(const char *line)
{
	if (strncmp(line, "greeting", 8) == 0)
		return "220 inner\r\n";
	if (strncmp(line, "EHLO", 4) == 0)
		return "250-inner\r\n250 PIPELINING\r\n";
	if (strncmp(line, "DATA", 4) == 0)
		return "354 go\r\n";
	return "250 2.1.5 ok\r\n";
}

static void reply_queue(struct rig *rig, const char *line)
{
	const struct rule *rule = rule_of(rig, line);
	const char *bytes = rule ? rule->reply : answer_of(line);

	if (bytes == silence)
		return;
	ck_assert_uint_lt(rig->waiting_count, REPLIES_WAITING_MAX);
	rig->waiting[rig->waiting_count++] = (struct waiting){ .bytes = bytes, .at_ms = rig->now_ms + (rule ? rule->after_ms : 0) };
}

static void line_take(struct rig *rig)
{
	const char *line = buf_text(&rig->line);

	if (!rig->quiet)
		buf_printf(&rig->transcript, "C: %.*s\n", (int)(rig->line.length - 2), line);
	if (!rig->in_content) {
		const struct rule *rule = rule_of(rig, line);

		rig->in_content = strcmp(line, "DATA\r\n") == 0 && !rule;
		reply_queue(rig, line);
	} else if (strcmp(line, ".\r\n") == 0) {
		rig->in_content = false;
		rig->taken++;
		rig->taken_by_hop[rig->hop]++;
		rig->dot_ms = rig->now_ms;
		reply_queue(rig, line);
	}
	rig->line.length = 0;
}

static void connection_end(struct rig *rig)
{
	rig->open = rig->connecting = rig->in_content = false;
	rig->waiting_count = 0;
	rig->line.length = 0;
}

static void connection_begin(struct rig *rig, unsigned int hop)
{
	const struct rule *rule;

	connection_end(rig);
	rig->connections++;
	rig->hop = hop;
	rule = rule_of(rig, "connect");
	if (rule && rule->reply == hangs_up) {
		delivery_failed(&rig->delivery, rig->now_ms);
		return;
	}
	rig->open = true;
	rig->connecting = true;
	rig->connected_at_ms = rule && rule->reply == silence ? INT64_MAX : rig->now_ms;
}

/* True when a byte may still cross. */
static bool byte_crosses(struct rig *rig)
{
	if (rig->cut_after == 0 || rig->connections != 1)
		return true;
	return rig->crossed++ < rig->cut_after;
}

/* ---- the delivery ---- */

static void event_act(struct rig *rig, const struct delivery_event *event)
{
	static const char *const fates[FATES] = { "nobody", "unknown", "delivered" };
	struct smtp_reply reply = event->reply;

	switch (event->kind) {
	case DELIVERY_CONNECT:
		if (!rig->quiet)
			buf_printf(&rig->transcript, "connect %u at %lld\n", event->hop, (long long)rig->now_ms / SECOND_MS);
		connection_begin(rig, event->hop);
		return;
	case DELIVERY_CLOSE:
		note(rig, "close\n");
		connection_end(rig);
		return;
	case DELIVERY_ANSWER:
		if (!rig->quiet)
			buf_printf(&rig->transcript, "answer %u %u.%u at %lld\n", reply.code, reply.subject, reply.detail, (long long)rig->now_ms / SECOND_MS);
		rig->answer = reply;
		rig->answer_ms = rig->now_ms;
		rig->answered++;
		ck_assert_uint_eq(rig->asked, rig->answered);
		return;
	case DELIVERY_RESULT:
		if (!rig->quiet)
			buf_printf(&rig->transcript, "result %s %u %u.%u at %lld\n", fates[event->fate], reply.code, reply.subject, reply.detail,
				   (long long)rig->now_ms / SECOND_MS);
		rig->fate = event->fate;
		rig->result = reply;
		rig->result_ms = rig->now_ms;
		rig->results++;
		ck_assert_uint_eq(rig->expected, rig->results);
		return;
	case DELIVERY_NOTHING:
		return;
	}
}

static void connection_cut(struct rig *rig)
{
	rig->open = false;
	rig->waiting_count = 0;
	delivery_failed(&rig->delivery, rig->now_ms);
}

/* Writes one byte after the other. True when something was written. */
static bool output_write(struct rig *rig)
{
	struct span output;

	if (!rig->open || rig->connecting)
		return false;
	output = delivery_output(&rig->delivery);
	if (output.length == 0)
		return false;
	if (!byte_crosses(rig)) {
		connection_cut(rig);
		return true;
	}
	buf_putc(&rig->line, output.data[0]);
	if (output.data[0] == '\n')
		line_take(rig);
	delivery_sent(&rig->delivery, 1, rig->now_ms);
	return true;
}

/* Feeds what of the servers' bytes has arrived. True when something was. */
static bool input_read(struct rig *rig)
{
	const char *bytes;

	if (rig->open && rig->connecting && rig->connected_at_ms <= rig->now_ms) {
		rig->connecting = false;
		delivery_connected(&rig->delivery, rig->now_ms);
		reply_queue(rig, "greeting");
		return true;
	}
	if (!rig->open || rig->waiting_count == 0 || rig->waiting[0].at_ms > rig->now_ms)
		return false;
	bytes = rig->waiting[0].bytes;
	if (bytes == hangs_up || !byte_crosses(rig)) {
		connection_cut(rig);
		return true;
	}
	rig->waiting[0].bytes++;
	if (!*rig->waiting[0].bytes)
		memmove(rig->waiting, rig->waiting + 1, --rig->waiting_count * sizeof(rig->waiting[0]));
	delivery_feed(&rig->delivery, (struct span){ .data = bytes, .length = 1 }, rig->now_ms);
	return true;
}

static void events_act(struct rig *rig)
{
	struct delivery_event event;

	do {
		event = delivery_next(&rig->delivery);
		event_act(rig, &event);
	} while (event.kind != DELIVERY_NOTHING);
}

/* Does everything that can be done at this moment. */
static void rig_pump(struct rig *rig)
{
	do
		events_act(rig);
	while (output_write(rig) || input_read(rig));
}

static int64_t rig_next_ms(const struct rig *rig)
{
	int64_t next_ms = delivery_deadline(&rig->delivery);

	if (rig->open && rig->waiting_count > 0 && rig->waiting[0].at_ms < next_ms)
		next_ms = rig->waiting[0].at_ms;
	return next_ms;
}

/* Lets time pass until an answer and a result that are owed are there. */
static void rig_run(struct rig *rig)
{
	rig_pump(rig);
	while (rig->answered < rig->asked || rig->results < rig->expected) {
		int64_t next_ms = rig_next_ms(rig);

		ck_assert_msg(next_ms != INT64_MAX, "nothing will ever happen:\n%s", buf_text(&rig->transcript));
		ck_assert_int_gt(next_ms, rig->now_ms);
		rig->now_ms = next_ms;
		delivery_expire(&rig->delivery, rig->now_ms);
		rig_pump(rig);
	}
}

static void rig_begin(struct rig *rig, unsigned int hops, const struct rule *rules)
{
	struct delivery_settings settings = delivery_defaults("gw.example.jp", hops);

	*rig = (struct rig){ .rules = rules, .line = buf_limited(4096), .transcript = buf_limited(1 << 20) };
	delivery_begin(&rig->delivery, &settings);
}

static void rig_end(struct rig *rig)
{
	buf_free(&rig->line);
	buf_free(&rig->transcript);
}

/* ---- what front and keeper do ---- */

static void sender_say(struct rig *rig)
{
	struct smtp_address address;

	ck_assert_int_eq(smtp_address_parse(span_of("a@b"), SMTP_PATH_REVERSE, &address), 0);
	delivery_sender(&rig->delivery, &address, rig->now_ms);
	rig_pump(rig);
}

static int recipient_say(struct rig *rig, const char *name)
{
	char text[64];
	struct smtp_address address;
	int error;

	snprintf(text, sizeof(text), "%s@d", name);
	ck_assert_int_eq(smtp_address_parse(span_of(text), SMTP_PATH_FORWARD, &address), 0);
	error = delivery_recipient(&rig->delivery, &address, rig->now_ms);
	rig->asked += error == 0;
	rig_run(rig);
	return error;
}

/*
 * One character for each step: m MAIL, a to h a recipient, E the mail is whole, C the message is composed, D the original is on the disk, R reset,
 * L the mail goes round in a loop, . ten seconds pass without anything that is waited for, ~ the connection is lost.
 */
static void step_do(struct rig *rig, char step)
{
	const char name[] = { step, '\0' };

	switch (step) {
	case 'm':
		sender_say(rig);
		break;
	case 'E':
		rig->expected += delivery_expect(&rig->delivery, rig->now_ms) == 0;
		break;
	case 'C':
		delivery_content(&rig->delivery, span_of(message), rig->now_ms);
		break;
	case 'D':
		delivery_durable(&rig->delivery, rig->now_ms);
		break;
	case 'R':
		delivery_reset(&rig->delivery, rig->now_ms);
		break;
	case 'L':
		delivery_refuse(&rig->delivery, smtp_reply_make(554, 4, 6));
		break;
	case '.':
		rig->now_ms += 10 * SECOND_MS;
		delivery_expire(&rig->delivery, rig->now_ms);
		break;
	case '~':
		connection_cut(rig);
		break;
	default:
		recipient_say(rig, name);
	}
	rig_pump(rig);
}

static void steps_do(struct rig *rig, const char *steps)
{
	for (; *steps; steps++)
		step_do(rig, *steps);
}

/* Whatever is owed after the last step is waited for. */
static void steps_do_all(struct rig *rig, const char *steps)
{
	steps_do(rig, steps);
	rig_run(rig);
}

/* ---- transcripts ---- */

struct transcript_case {
	const char *what;
	unsigned int hops;
	const char *steps;
	struct rule rules[RULES_MAX];
	const char *transcript;
};

#define ENVELOPE "C: EHLO gw.example.jp\nC: MAIL FROM:<a@b>\n"
#define CONTENT "C: DATA\nC: Subject: x\nC: \nC: ..hello\nC: .\n"

static const struct transcript_case transcript_cases[] = {
	{ "a mail", 1, "mcECD", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "result delivered 250 1.5 at 0\n" },
	{ "the disk before the letter", 1, "mcEDC", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "result delivered 250 1.5 at 0\n" },
	{ "recipients have answers of their own", 1, "mcdeECD", { { 0, "RCPT TO:<d", "550 5.1.1 no\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nC: RCPT TO:<d@d>\nanswer 550 1.1 at 0\nC: RCPT TO:<e@d>\nanswer 250 1.5 at 0\n"
	  CONTENT "result delivered 250 1.5 at 0\n" },
	{ "the sender is refused", 1, "mcd", { { 0, "MAIL", "550 5.1.8 no\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 550 1.8 at 0\nanswer 550 1.8 at 0\n" },
	{ "the first hop refuses the connection", 2, "mcECD", { { 1, "connect", hangs_up, 0 } },
	  "connect 0 at 0\nclose\nconnect 1 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "result delivered 250 1.5 at 0\n" },
	{ "the first hop is not there, the second does not greet", 3, "mc", { { 1, "connect", silence, 0 }, { 2, "greeting", silence, 0 } },
	  "connect 0 at 0\nclose\nconnect 1 at 30\nclose\nconnect 2 at 60\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 60\n" },
	{ "a hop greets with 421, another with 554", 3, "mc", { { 1, "greeting", "421 4.3.2 later\r\n", 0 }, { 2, "greeting", "554 no\r\n", 0 } },
	  "connect 0 at 0\nclose\nconnect 1 at 0\nclose\nconnect 2 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" },
	{ "half a greeting", 2, "mc", { { 1, "greeting", "220-inn", 0 } },
	  "connect 0 at 0\nclose\nconnect 1 at 30\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 30\n" },
	{ "a greeting that is none", 2, "mc", { { 1, "greeting", "SSH-2.0-OpenSSH_9.2\r\n", 0 } },
	  "connect 0 at 0\nclose\nconnect 1 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" },
	{ "nobody is there", 2, "mcd", { { 0, "connect", hangs_up, 0 } },
	  "connect 0 at 0\nclose\nconnect 1 at 0\nclose\nanswer 451 4.1 at 0\nconnect 0 at 0\nclose\nconnect 1 at 0\nclose\nanswer 451 4.1 at 0\n" },
	{ "no answer to a recipient", 1, "mc", { { 0, "RCPT", silence, 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nclose\nanswer 451 4.1 at 235\n" },
	{ "half an answer to a recipient", 1, "mc", { { 0, "RCPT", "250-2.1.5 wai", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nclose\nanswer 451 4.1 at 235\n" },
	{ "the only server is started anew while a recipient is asked for", 1, "mcd", { { 1, "RCPT TO:<d", hangs_up, 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nC: RCPT TO:<d@d>\nclose\nconnect 0 at 0\n" ENVELOPE
	  "C: RCPT TO:<c@d>\nC: RCPT TO:<d@d>\nanswer 250 1.5 at 0\n" },
	{ "it always hangs up", 1, "mc", { { 0, "RCPT", hangs_up, 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nclose\nconnect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nclose\nanswer 451 4.1 at 0\n" },
	{ "the only server is started anew while the mail is washed", 1, "mcE~CD", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nclose\nconnect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\n" CONTENT "result delivered 250 1.5 at 0\n" },
	{ "the server is gone while the content comes in", 1, "mc~ECD", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nclose\nconnect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\n" CONTENT
	  "result delivered 250 1.5 at 0\n" },
	{ "a recipient accepted before is refused on replay", 2, "mcd~ECD", { { 2, "RCPT TO:<c", "550 5.1.1 no\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nC: RCPT TO:<d@d>\nanswer 250 1.5 at 0\nclose\nconnect 0 at 0\n" ENVELOPE
	  "C: RCPT TO:<c@d>\nC: RCPT TO:<d@d>\nclose\nresult nobody 451 4.1 at 0\n" },
	{ "the message is longer than the server says it takes", 1, "mcE~CD", { { 0, "EHLO", "250-inner\r\n250 SIZE 10\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nclose\nconnect 0 at 0\nC: EHLO gw.example.jp\nclose\nresult nobody 451 4.1 at 0\n" },
	{ "one that was refused before is not said again", 2, "mcd~ECD", { { 1, "RCPT TO:<d", "450 4.2.1 later\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nC: RCPT TO:<d@d>\nanswer 450 2.1 at 0\nclose\nconnect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\n" CONTENT "result delivered 250 1.5 at 0\n" },
	{ "DATA is refused", 2, "mcECD", { { 0, "DATA", "451 4.7.1 later\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nC: DATA\nresult nobody 451 7.1 at 0\n" },
	{ "the connection is lost at DATA", 2, "mcECD", { { 1, "DATA", hangs_up, 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nC: DATA\nclose\nconnect 0 at 0\nC: EHLO gw.example.jp\n"
	  "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\n" CONTENT "result delivered 250 1.5 at 0\n" },
	{ "the mail is refused", 2, "mcECD", { { 0, ".", "554 5.7.1 no\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "result nobody 554 7.1 at 0\n" },
	{ "the mail is put off: the server may have it all the same", 2, "mcECD", { { 0, ".", "451 4.3.0 queue file write error\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "result unknown 451 3.0 at 0\n" },
	{ "no answer to the dot: no other hop", 2, "mcECD", { { 0, ".", silence, 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "close\nresult unknown 451 4.2 at 300\n" },
	{ "half an answer to the dot", 2, "mcECD", { { 0, ".", "250 2.0.0 qu", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "close\nresult unknown 451 4.2 at 300\n" },
	{ "hanging up after the dot: no other hop", 2, "mcECD", { { 0, ".", hangs_up, 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "close\nresult unknown 451 4.2 at 0\n" },
	{ "421 to the dot", 2, "mcECD", { { 0, ".", "421 4.3.2 bye\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "close\nresult unknown 451 4.2 at 0\n" },
	{ "the second mail uses the connection", 1, "mcECDmdEDC", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "result delivered 250 1.5 at 0\n"
	  "C: MAIL FROM:<a@b>\nC: RCPT TO:<d@d>\nanswer 250 1.5 at 0\n" CONTENT "result delivered 250 1.5 at 0\n" },
	{ "the server has had enough mails on a connection", 1, "mcECDmd", { { 1, "RCPT TO:<d", "421 4.7.0 bye\r\n", 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "result delivered 250 1.5 at 0\n"
	  "C: MAIL FROM:<a@b>\nC: RCPT TO:<d@d>\nclose\nconnect 0 at 0\n" ENVELOPE "C: RCPT TO:<d@d>\nanswer 250 1.5 at 0\n" },
	{ "after a mail by the second hop, the first one is tried again", 2, "mcECDmd", { { 1, "connect", hangs_up, 0 }, { 2, "RCPT TO:<d", hangs_up, 0 } },
	  "connect 0 at 0\nclose\nconnect 1 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "result delivered 250 1.5 at 0\n"
	  "C: MAIL FROM:<a@b>\nC: RCPT TO:<d@d>\nclose\nconnect 0 at 0\n" ENVELOPE "C: RCPT TO:<d@d>\nanswer 250 1.5 at 0\n" },
	{ "reset before anything", 1, "mR", { { .line = NULL } }, "" },
	{ "reset after a recipient", 1, "mcRmd", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nclose\nconnect 0 at 0\n" ENVELOPE "C: RCPT TO:<d@d>\nanswer 250 1.5 at 0\n" },
	{ "reset while the mail is washed", 1, "mcER", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nclose\nresult nobody 451 3.0 at 0\n" },
	{ "reset while the disk is waited for", 1, "mcECR", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nclose\nresult nobody 451 3.0 at 0\n" },
	{ "reset before 354", 1, "mcECDR", { { 0, "DATA", silence, 0 } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nC: DATA\nclose\nresult nobody 451 3.0 at 0\n" },
	{ "reset after the dot: its answer is waited for", 1, "mcECDR", { { 0, ".", "250 ok\r\n", 20 * SECOND_MS } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\n" CONTENT "result delivered 250 0.0 at 20\n" },
	{ "a loop", 1, "mcEL", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nclose\nresult nobody 554 4.6 at 0\n" },
	{ "the letter never comes", 1, "mcED", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nclose\nresult nobody 451 4.1 at 220\n" },
	{ "the disk never comes", 1, "mcEC", { { .line = NULL } },
	  "connect 0 at 0\n" ENVELOPE "C: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nclose\nresult nobody 451 4.1 at 220\n" },
	{ "no PIPELINING, and HELO only", 1, "mcdECD", { { 0, "EHLO", "502 5.5.1 what\r\n", 0 } },
	  "connect 0 at 0\nC: EHLO gw.example.jp\nC: HELO gw.example.jp\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nanswer 250 1.5 at 0\nC: RCPT TO:<d@d>\n"
	  "answer 250 1.5 at 0\n" CONTENT "result delivered 250 1.5 at 0\n" },
};

START_TEST(transcripts_agree)
{
	const struct transcript_case *row = &transcript_cases[_i];
	struct rig rig;

	rig_begin(&rig, row->hops, row->rules);
	steps_do_all(&rig, row->steps);
	ck_assert_msg(strcmp(buf_text(&rig.transcript), row->transcript) == 0, "%s: was\n%s\n---- must be\n%s", row->what,
		      buf_text(&rig.transcript), row->transcript);
	rig_end(&rig);
}
END_TEST

/* ---- time ---- */

struct budget_case {
	const char *what;
	unsigned int hops;
	const char *steps;
	struct rule rules[RULES_MAX];
	int64_t answer_s, dot_s, result_s;	/* at most */
	enum fate fate;
};

enum { RECIPIENT_S = 240, DOT_S = 220, ANSWER_TO_DOT_S = 300, OUTER_S = 540 };

static const struct budget_case budget_cases[] = {
	{ "everything just in time", 1, "mcECD",
	  { { 0, "greeting", "220 x\r\n", 29 * SECOND_MS }, { 0, "RCPT", "250 x\r\n", 205 * SECOND_MS }, { 0, "DATA", "354 x\r\n", 59 * SECOND_MS },
	    { 0, ".", "250 x\r\n", 299 * SECOND_MS } }, RECIPIENT_S, RECIPIENT_S + DOT_S, RECIPIENT_S + OUTER_S, FATE_DELIVERED },
	{ "each of four hops greets late and hangs up", 4, "mc",
	  { { 0, "greeting", "220 x\r\n", 29 * SECOND_MS }, { 0, "RCPT", hangs_up, 29 * SECOND_MS } }, RECIPIENT_S, 0, 0, FATE_NOBODY },
	{ "the answer to the dot at the last moment", 1, "mcECD", { { 0, ".", "250 x\r\n", 299 * SECOND_MS } }, 0, 0, 299, FATE_DELIVERED },
	{ "it comes one second late", 1, "mcECD", { { 0, ".", "250 x\r\n", 301 * SECOND_MS } }, 0, 0, 300, FATE_UNKNOWN },
	{ "no 354", 1, "mcECD", { { 0, "DATA", silence, 0 } }, 0, 0, DOT_S, FATE_NOBODY },
	{ "a replay that is not answered", 1, "mc~ECD", { { 2, "RCPT", silence, 0 } }, 0, 0, DOT_S, FATE_NOBODY },
	{ "replays that are answered slowly by each hop", 4, "mc~ECD", { { 2, "RCPT", hangs_up, 100 * SECOND_MS }, { 3, "RCPT", hangs_up, 100 * SECOND_MS },
	    { 4, "RCPT", "250 x\r\n", 100 * SECOND_MS } }, 0, 0, DOT_S, FATE_NOBODY },
};

START_TEST(budgets_hold)
{
	const struct budget_case *row = &budget_cases[_i];
	struct rig rig;

	rig_begin(&rig, row->hops, row->rules);
	steps_do_all(&rig, row->steps);
	ck_assert_msg(rig.answer_ms <= row->answer_s * SECOND_MS, "%s: answered at %lld", row->what, (long long)rig.answer_ms);
	ck_assert_msg(rig.dot_ms <= row->dot_s * SECOND_MS, "%s: dot at %lld", row->what, (long long)rig.dot_ms);
	ck_assert_msg(rig.result_ms <= row->result_s * SECOND_MS, "%s: result at %lld", row->what, (long long)rig.result_ms);
	ck_assert_msg(rig.expected == 0 || rig.fate == row->fate, "%s: fate %d", row->what, rig.fate);
	rig_end(&rig);
}
END_TEST

/* A server that takes the content so slowly that the dot stands in our output when its time is over. */
START_TEST(a_dot_that_cannot_be_written_does_not_outlast_the_outer_answer)
{
	static const struct rule rules[] = { { 0, "DATA", "354 x\r\n", 59 * SECOND_MS }, { .line = NULL } };
	struct rig rig;

	rig_begin(&rig, 2, rules);
	steps_do(&rig, "mcE");
	for (int i = 0; i < 16; i++)
		step_do(&rig, '.');
	steps_do(&rig, "CD");
	rig.now_ms += 59 * SECOND_MS;
	/* 354 comes, the message goes into the output, and nobody takes a byte of it. */
	delivery_feed(&rig.delivery, span_of("354 x\r\n"), rig.now_ms);
	ck_assert_uint_gt(delivery_output(&rig.delivery).length, 0);
	ck_assert(delivery_dot_left(&rig.delivery));
	rig.open = false;
	while (rig.results == 0) {
		ck_assert_int_lt(rig.now_ms, delivery_deadline(&rig.delivery));
		rig.now_ms = delivery_deadline(&rig.delivery);
		delivery_expire(&rig.delivery, rig.now_ms);
		rig_pump(&rig);
	}
	ck_assert_int_eq(rig.fate, FATE_UNKNOWN);
	ck_assert_int_le(rig.result_ms, OUTER_S * SECOND_MS);
	rig_end(&rig);
}
END_TEST

/* The same, but the last byte is written when the client's own time for content is almost over: then the answer has what is left of the sum. */
START_TEST(a_dot_written_late_shortens_the_wait_for_its_answer)
{
	static const struct rule rules[] = { { 0, "DATA", silence, 0 }, { 0, ".", silence, 0 }, { .line = NULL } };
	struct rig rig;

	rig_begin(&rig, 2, rules);
	steps_do(&rig, "mcE");
	for (int i = 0; i < 20; i++)
		step_do(&rig, '.');
	steps_do(&rig, "CD");
	delivery_feed(&rig.delivery, span_of("354 x\r\n"), rig.now_ms);
	ck_assert(delivery_output(&rig.delivery).length > 0 && delivery_dot_left(&rig.delivery));
	rig.now_ms += 119 * SECOND_MS;
	delivery_expire(&rig.delivery, rig.now_ms);
	ck_assert(delivery_dot_left(&rig.delivery));
	delivery_sent(&rig.delivery, delivery_output(&rig.delivery).length, rig.now_ms);
	rig_run(&rig);
	ck_assert_int_eq(rig.fate, FATE_UNKNOWN);
	ck_assert_int_le(rig.result_ms, OUTER_S * SECOND_MS);
	rig_end(&rig);
}
END_TEST

/* What the header says of the times beside those of the server outside. */
START_TEST(settings_fit_the_server_outside)
{
	struct delivery_settings settings = delivery_defaults("gw.example.jp", 1);

	ck_assert_int_lt(settings.envelope_timeout_ms, RECIPIENT_S * SECOND_MS);
	ck_assert_int_le(settings.delivery_timeout_ms, ANSWER_TO_DOT_S * SECOND_MS);
	ck_assert_int_lt(settings.content_timeout_ms + settings.delivery_timeout_ms, OUTER_S * SECOND_MS);
}
END_TEST

/* ---- a connection that is lost at every byte ---- */

/* What may be said of a mail, whatever happened to the connection. */
static void fate_check(const struct rig *rig, size_t cut)
{
	ck_assert_msg(rig->taken <= 1, "cut after %zu bytes: two servers have the mail", cut);
	ck_assert_msg(rig->fate != FATE_NOBODY || rig->taken == 0, "cut after %zu bytes: somebody has the mail", cut);
	ck_assert_msg(rig->fate != FATE_DELIVERED || rig->taken == 1, "cut after %zu bytes: nobody has the mail", cut);
	ck_assert_msg((smtp_reply_class(rig->result) == 2) == (rig->fate == FATE_DELIVERED), "cut after %zu bytes: the reply is another", cut);
}

START_TEST(lost_at_every_byte)
{
	unsigned int hops = _i == 0 ? 1 : 3;
	size_t cut = 0;
	unsigned int fates[FATES] = { 0 };
	bool whole = false;

	while (!whole) {
		struct rig rig;

		rig_begin(&rig, hops, NULL);
		rig.quiet = true;
		rig.cut_after = ++cut;
		steps_do_all(&rig, "mcdECD");
		ck_assert_uint_eq(rig.answer.code, 250);
		fate_check(&rig, cut);
		fates[rig.fate]++;
		whole = rig.crossed < cut;
		rig_end(&rig);
	}
	ck_assert_uint_gt(cut, 150);
	ck_assert_uint_eq(fates[FATE_NOBODY], 0);
	ck_assert_uint_ge(fates[FATE_UNKNOWN], strlen(".\r\n250 2.1.5 ok\r\n"));
	ck_assert_uint_gt(fates[FATE_DELIVERED], 100);
}
END_TEST

/* ---- numbers ---- */

START_TEST(a_hundred_recipients_and_one_more)
{
	struct rig rig;
	char name[16];

	rig_begin(&rig, 1, NULL);
	rig.quiet = true;
	sender_say(&rig);
	for (int i = 0; i < SMTP_CLIENT_RECIPIENTS_MAX; i++) {
		snprintf(name, sizeof(name), "r%d", i);
		ck_assert_int_eq(recipient_say(&rig, name), 0);
		ck_assert_uint_eq(rig.answer.code, 250);
	}
	ck_assert_int_eq(recipient_say(&rig, "more"), -ENOSPC);
	/* All of them are said again when the connection is lost. */
	step_do(&rig, '~');
	steps_do_all(&rig, "ECD");
	ck_assert_int_eq(rig.fate, FATE_DELIVERED);
	ck_assert_uint_eq(rig.delivery.client.recipients_count, 0);
	ck_assert_uint_eq(rig.connections, 2);
	rig_end(&rig);
}
END_TEST

START_TEST(calls_out_of_place_are_errors)
{
	struct smtp_address address = { .text = "c@d", .length = 3, .local_length = 1 };
	static const struct rule rules[] = { { 0, "RCPT", silence, 0 }, { .line = NULL } };
	struct rig rig;

	rig_begin(&rig, 1, rules);
	ck_assert_int_eq(delivery_recipient(&rig.delivery, &address, 0), -ENOENT);
	ck_assert_int_eq(delivery_expect(&rig.delivery, 0), -ENOENT);
	sender_say(&rig);
	ck_assert_int_eq(delivery_expect(&rig.delivery, 0), -ENOENT);
	rig.asked++;
	ck_assert_int_eq(delivery_recipient(&rig.delivery, &address, 0), 0);
	ck_assert_int_eq(delivery_recipient(&rig.delivery, &address, 0), -EBUSY);
	ck_assert_int_eq(delivery_expect(&rig.delivery, 0), -EBUSY);
	rig_end(&rig);
}
END_TEST

/* An address that takes a name of its own in the answer: nothing owed means that no time runs and no byte is said. */
START_TEST(idle_is_idle)
{
	struct rig rig;

	rig_begin(&rig, 1, NULL);
	ck_assert_int_eq(delivery_deadline(&rig.delivery), INT64_MAX);
	steps_do_all(&rig, "mcECD");
	ck_assert_int_eq(delivery_deadline(&rig.delivery), INT64_MAX);
	ck_assert_uint_eq(delivery_output(&rig.delivery).length, 0);
	delivery_quit(&rig.delivery, rig.now_ms);
	rig_pump(&rig);
	ck_assert_ptr_nonnull(strstr(buf_text(&rig.transcript), "C: QUIT\nclose\n"));
	rig_end(&rig);
}
END_TEST

/* ---- whatever is called, in whatever order ---- */

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

/* More events than there is room for would be a failed assertion of the delivery itself. */
START_TEST(random_calls)
{
	static const char steps[] = "mcdECDRL.~ECDcm";
	static const char *const replies[] = { "250 x\r\n", "354 x\r\n", "421 x\r\n", "550 x\r\n", "220 x\r\n", "x\r\n", "250-x\r\n", silence, hangs_up };
	uint32_t state = (uint32_t)_i * 7919 + 1;

	for (int round = 0; round < 400; round++) {
		struct rule rules[4] = { { .line = NULL } };
		struct rig rig;

		for (int i = 0; i < 3; i++) {
			static const char *const lines[] = { "connect", "greeting", "EHLO", "MAIL", "RCPT", "DATA", "." };

			rules[i] = (struct rule){ .connection = random_next(&state) % 4, .line = lines[random_next(&state) % 7],
				.reply = replies[random_next(&state) % 9], .after_ms = random_next(&state) % 400 * SECOND_MS };
		}
		rig_begin(&rig, 1 + random_next(&state) % 3, rules);
		rig.quiet = true;
		for (int i = 0; i < 20; i++) {
			char step = steps[random_next(&state) % (sizeof(steps) - 1)];

			/* As courier_passage.c keeps to it. */
			if ((step == 'm' || step == 'L' || step == 'C' || step == 'D') && (rig.expected > rig.results) == (step == 'm'))
				continue;
			if (step == 'L' && (rig.delivery.content.length > 0))
				continue;
			step_do(&rig, step);
		}
		rig_run(&rig);
		ck_assert_uint_eq(rig.asked, rig.answered);
		ck_assert_uint_eq(rig.expected, rig.results);
		rig_end(&rig);
	}
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *delivery_suite(void)
{
	Suite *suite = suite_create("relay/delivery");
	TCase *tests = tcase_create("delivery");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, transcripts_agree, 0, COUNT(transcript_cases));
	tcase_add_loop_test(tests, budgets_hold, 0, COUNT(budget_cases));
	tcase_add_test(tests, a_dot_that_cannot_be_written_does_not_outlast_the_outer_answer);
	tcase_add_test(tests, a_dot_written_late_shortens_the_wait_for_its_answer);
	tcase_add_test(tests, settings_fit_the_server_outside);
	tcase_add_loop_test(tests, lost_at_every_byte, 0, 2);
	tcase_add_test(tests, a_hundred_recipients_and_one_more);
	tcase_add_test(tests, calls_out_of_place_are_errors);
	tcase_add_test(tests, idle_is_idle);
	tcase_add_loop_test(tests, random_calls, 0, 8);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(delivery_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
