/*
 * fuzz: mail/smtp_server.h with bytes from a hostile client. The first byte seeds the answers and the
 * pieces, the rest is the stream. In one piece and in many, the same must be said, asked and delivered;
 * what is said must be printable lines; no message may be larger than the limit.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/smtp_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_BYTES_MAX = 4000, NUMBERS = 6 };

struct run {
	struct smtp_server server;
	struct buf record;	/* all that was said, asked and delivered */
	struct buf content;
	uint32_t seed;
	int64_t now_ms;
};

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static void output_take(struct run *run)
{
	struct span output = smtp_server_output(&run->server);

	for (size_t i = 0; i < output.length; i++) {
		if (output.data[i] == '\r')
			demand(i + 1 < output.length && output.data[i + 1] == '\n');
		else if (output.data[i] == '\n')
			demand(i > 0 && output.data[i - 1] == '\r');
		else
			demand(output.data[i] >= ' ' && output.data[i] <= '~');
	}
	buf_put(&run->record, output.data, output.length);
	smtp_server_sent(&run->server, output.length);
}

/* Answers a question by its number, so that every run answers alike; now and then not at all. */
static void question_answer(struct run *run, uint32_t question)
{
	static const unsigned codes[NUMBERS] = { 250, 250, 250, 250, 421, 550 };
	unsigned choice = ((question + run->seed) * 2654435761U >> 16) % (NUMBERS + 1);
	struct smtp_server_event event;

	if (choice < NUMBERS) {
		demand(smtp_server_answer(&run->server, question, smtp_reply_make(codes[choice], choice, question), run->now_ms) == 0);
		return;
	}
	run->now_ms = smtp_server_deadline(&run->server);
	smtp_server_expire(&run->server, run->now_ms, &event);
	demand(event.kind == SMTP_SERVER_LATE && event.question == question);
}

static void event_take(struct run *run, const struct smtp_server_event *event)
{
	char path[SMTP_PATH_TEXT_BYTES];

	if (event->kind == SMTP_SERVER_NOTHING)
		return;
	if (event->kind == SMTP_SERVER_CONTENT) {
		buf_put(&run->content, event->content.data, event->content.length);
		return;
	}
	buf_printf(&run->record, "[%d %s]", event->kind, smtp_path_format(event->address, path));
	if (event->kind == SMTP_SERVER_DELIVER) {
		demand(run->content.length <= MESSAGE_BYTES_MAX);
		buf_put(&run->record, run->content.data, run->content.length);
	}
	if (event->kind == SMTP_SERVER_BEGIN || event->kind == SMTP_SERVER_OVERSIZE)
		run->content.length = 0;
	if (smtp_server_waits_for(&run->server) == SMTP_SERVER_WAITS_FOR_ANSWER)
		question_answer(run, event->question);
}

static void stream_feed(struct run *run, struct span bytes)
{
	struct smtp_server_event event;
	size_t used;

	do {
		used = smtp_server_feed(&run->server, bytes, run->now_ms, &event);
		demand(used <= bytes.length);
		bytes = (struct span){ .data = bytes.data + used, .length = bytes.length - used };
		output_take(run);
		event_take(run, &event);
		output_take(run);
	} while (event.kind != SMTP_SERVER_NOTHING || used > 0);
}

/* Feeds the stream in pieces of up to piece_max bytes. The result is the caller's to free. */
static struct buf record_make(struct span bytes, uint32_t seed, size_t piece_max)
{
	struct smtp_server_settings settings = smtp_server_defaults("mx.example.jp");
	struct run run = { .record = buf_limited(0), .content = buf_limited(0), .seed = seed };
	uint32_t random = seed;

	settings.message_bytes_max = MESSAGE_BYTES_MAX;
	settings.recipients_max = 3;
	smtp_server_begin(&run.server, &settings, 0);
	while (bytes.length > 0) {
		size_t length;

		random = random * 1664525 + 1013904223;
		length = 1 + (random >> 8) % piece_max;
		length = length < bytes.length ? length : bytes.length;
		stream_feed(&run, (struct span){ .data = bytes.data, .length = length });
		bytes = (struct span){ .data = bytes.data + length, .length = bytes.length - length };
	}
	buf_free(&run.content);
	return run.record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t piece_maxima[] = { 1, 5, 100 };
	struct span bytes;
	struct buf whole;

	if (size < 2)
		return 0;
	bytes = (struct span){ .data = (const char *)data + 1, .length = size - 1 };
	whole = record_make(bytes, data[0], SIZE_MAX);
	for (size_t i = 0; i < sizeof(piece_maxima) / sizeof(piece_maxima[0]); i++) {
		struct buf pieces = record_make(bytes, data[0], piece_maxima[i]);

		demand(span_equal(buf_span(&whole), buf_span(&pieces)));
		buf_free(&pieces);
	}
	buf_free(&whole);
	return 0;
}
