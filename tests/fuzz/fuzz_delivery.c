/*
 * fuzz: relay/delivery.h, called in any order in which the courier may call it, with bytes of hostile inner servers, on a clock that is played. Each
 * question has one answer and each mail one result, both in time; the dot is said once for a mail, when message and disk are there and the result is
 * not; "delivered" follows a yes to the dot, and "nobody has it" never follows a dot without a no.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/delivery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECIPIENT_MS = 240000, RESULT_MS = 540000, OVER_MS = 1000000, SECOND_MS = 1000 };

static const char message[] = "Subject: x\r\n\r\n.hello\r\n";

struct run {
	struct delivery delivery;
	struct span input;
	int64_t now_ms;
	bool open, connecting;

	bool asking, expecting, composed, durable;
	int64_t asked_ms, expected_ms;

	char line[1024];		/* of what was written and has not ended yet */
	size_t line_length;
	bool in_content;
	unsigned int dots;		/* said for this mail */
	bool yes_after_dot, no_after_dot;
};

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static uint8_t byte_next(struct run *run)
{
	uint8_t byte = 0;

	if (run->input.length > 0)
		byte = (uint8_t)run->input.data[0];
	run->input = span_part(run->input, run->input.length > 0, run->input.length);
	return byte;
}

/* ---- what the delivery says ---- */

static void answer_check(struct run *run, struct smtp_reply reply)
{
	unsigned int class = smtp_reply_class(reply);

	demand(run->asking && (class == 2 || class == 4 || class == 5));
	demand(run->now_ms - run->asked_ms < RECIPIENT_MS);
	run->asking = false;
}

static void result_check(struct run *run, const struct delivery_event *event)
{
	demand(run->expecting && run->now_ms - run->expected_ms < RESULT_MS);
	demand((event->fate == FATE_DELIVERED) == (smtp_reply_class(event->reply) == 2));
	demand(event->fate != FATE_DELIVERED || (run->dots == 1 && run->yes_after_dot));
	demand(event->fate != FATE_NOBODY || run->dots == 0 || run->no_after_dot);
	demand(event->fate != FATE_UNKNOWN || (run->composed && run->durable));
	run->expecting = run->in_content = false;
}

static void event_act(struct run *run, const struct delivery_event *event)
{
	switch (event->kind) {
	case DELIVERY_CONNECT:
		demand(event->hop < run->delivery.settings.hop_count);
		run->open = run->connecting = true;
		run->in_content = false;
		run->line_length = 0;
		return;
	case DELIVERY_CLOSE:
		run->open = false;
		return;
	case DELIVERY_ANSWER:
		answer_check(run, event->reply);
		return;
	case DELIVERY_RESULT:
		result_check(run, event);
		return;
	case DELIVERY_NOTHING:
		return;
	}
}

static void events_act(struct run *run)
{
	struct delivery_event event;

	do {
		event = delivery_next(&run->delivery);
		event_act(run, &event);
	} while (event.kind != DELIVERY_NOTHING);
}

/* ---- what is written ---- */

static void line_check(struct run *run)
{
	demand(run->line_length >= 2 && run->line[run->line_length - 2] == '\r');
	if (!run->in_content) {
		run->in_content = run->line_length == 6 && memcmp(run->line, "DATA\r\n", 6) == 0;
		return;
	}
	if (run->line_length != 3 || run->line[0] != '.')
		return;
	run->in_content = false;
	run->yes_after_dot = run->no_after_dot = false;
	run->dots++;
	demand(run->dots == 1 && run->expecting && run->composed && run->durable);
}

static void output_write(struct run *run, size_t count)
{
	struct span output = delivery_output(&run->delivery);

	count = count < output.length ? count : output.length;
	for (size_t i = 0; i < count; i++) {
		demand(run->line_length < sizeof(run->line));
		run->line[run->line_length++] = output.data[i];
		if (output.data[i] != '\n')
			continue;
		line_check(run);
		run->line_length = 0;
	}
	if (count > 0)
		delivery_sent(&run->delivery, count, run->now_ms);
}

static void input_feed(struct run *run, struct span bytes)
{
	for (size_t i = 0; i < bytes.length; i++) {
		run->yes_after_dot |= bytes.data[i] == '2';
		run->no_after_dot |= bytes.data[i] == '4' || bytes.data[i] == '5';
	}
	delivery_feed(&run->delivery, bytes, run->now_ms);
}

static void bytes_feed(struct run *run, size_t count)
{
	struct span bytes = span_part(run->input, 0, count < run->input.length ? count : run->input.length);

	run->input = span_part(run->input, bytes.length, run->input.length);
	input_feed(run, bytes);
}

static void reply_feed(struct run *run, unsigned int which)
{
	static const char *const replies[] = {
		"220 a\r\n", "250-a\r\n250-PIPELINING\r\n250 SIZE 1000\r\n", "250-a\r\n250 SIZE 1\r\n", "250 2.1.5 a\r\n", "354 a\r\n", "421 4.3.2 a\r\n",
		"450 4.2.1 a\r\n", "550 5.1.1 a\r\n", "250-a\r\n", "2",
	};

	input_feed(run, span_of(replies[which % (sizeof(replies) / sizeof(replies[0]))]));
}

/* ---- what the courier does ---- */

/* No deadline passes unheeded. */
static void time_pass(struct run *run, int64_t ms)
{
	int64_t until_ms = run->now_ms + ms;

	while (delivery_deadline(&run->delivery) <= until_ms) {
		run->now_ms = delivery_deadline(&run->delivery);
		delivery_expire(&run->delivery, run->now_ms);
		events_act(run);
		demand(delivery_deadline(&run->delivery) > run->now_ms);
	}
	run->now_ms = until_ms;
}

static void sender_say(struct run *run)
{
	static const struct smtp_address sender = { .text = "a@b", .length = 3, .local_length = 1 };

	if (run->expecting)
		return;
	/* A question whose transaction is given up is not answered any more. */
	run->asking = false;
	delivery_sender(&run->delivery, &sender, run->now_ms);
}

static void recipient_say(struct run *run)
{
	static const struct smtp_address recipient = { .text = "c..@d", .length = 5, .local_length = 3 };

	if (delivery_recipient(&run->delivery, &recipient, run->now_ms) != 0)
		return;
	demand(!run->asking);
	run->asking = true;
	run->asked_ms = run->now_ms;
}

static void mail_expect(struct run *run)
{
	if (delivery_expect(&run->delivery, run->now_ms) != 0)
		return;
	demand(!run->asking && !run->expecting);
	run->expecting = true;
	run->composed = run->durable = false;
	run->dots = 0;
	run->expected_ms = run->now_ms;
}

static void transaction_reset(struct run *run)
{
	if (!run->expecting)
		run->asking = false;
	delivery_reset(&run->delivery, run->now_ms);
}

static void mail_go_on(struct run *run, bool compose)
{
	if (!run->expecting)
		return;
	if (compose && !run->composed) {
		run->composed = true;
		delivery_content(&run->delivery, span_of(message), run->now_ms);
	} else if (!compose) {
		run->durable = true;
		delivery_durable(&run->delivery, run->now_ms);
	}
}

static void mail_refuse(struct run *run)
{
	if (run->expecting && !run->composed)
		delivery_refuse(&run->delivery, smtp_reply_make(554, 4, 6));
}

static void connection_go_on(struct run *run, bool made)
{
	if (!run->open)
		return;
	if (!made) {
		run->open = false;
		delivery_failed(&run->delivery, run->now_ms);
	} else if (run->connecting) {
		run->connecting = false;
		delivery_connected(&run->delivery, run->now_ms);
	}
}

enum { CALLS = 13 };

static void call_next(struct run *run)
{
	bool established = run->open && !run->connecting;
	uint8_t call = byte_next(run);

	switch (call % CALLS) {
	case 0: sender_say(run); break;
	case 1: recipient_say(run); break;
	case 2: mail_expect(run); break;
	case 3: mail_go_on(run, true); break;
	case 4: mail_go_on(run, false); break;
	case 5: transaction_reset(run); break;
	case 6: mail_refuse(run); break;
	case 7: connection_go_on(run, true); break;
	case 8: connection_go_on(run, false); break;
	case 9: time_pass(run, (int64_t)byte_next(run) * SECOND_MS); break;
	case 10: if (established) output_write(run, byte_next(run)); break;
	case 11: if (established) reply_feed(run, byte_next(run)); break;
	case 12: if (established) bytes_feed(run, byte_next(run)); break;
	}
	events_act(run);
	/* Most of the time the whole output is written; else no dialogue comes about by chance. */
	if (run->open && !run->connecting && call < 128)
		output_write(run, SIZE_MAX);
	events_act(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run run;
	struct delivery_settings settings;

	run = (struct run){ .input = { .data = (const char *)data, .length = size } };
	settings = delivery_defaults("gw.example.jp", 1 + byte_next(&run) % 3);
	delivery_begin(&run.delivery, &settings);
	while (run.input.length > 0)
		call_next(&run);
	time_pass(&run, OVER_MS);
	demand(!run.asking && !run.expecting);
	return 0;
}
