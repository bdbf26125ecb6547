/*
 * fuzz: mail/smtp_client.h with replies from a hostile server. The first byte seeds what the caller does
 * and the pieces, the rest is the stream. In one piece and in many, the same must be said and reported;
 * after the end nothing may be said; the dot may be written only when the content was whole.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/smtp_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char content[] = "Subject: x\r\n\r\n.a\r\n..\r\n\r\n";

struct run {
	struct smtp_client client;
	struct buf record;
	size_t content_offset;
	unsigned recipients, events;
	uint32_t seed;
	bool closed;
};

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static int source_read(void *context, char *bytes, size_t room, size_t *ret_count)
{
	struct run *run = context;
	size_t count = strlen(content + run->content_offset);

	count = count < room ? count : room;
	count = count < 5 ? count : 5;
	memcpy(bytes, content + run->content_offset, count);
	run->content_offset += count;
	*ret_count = count;
	return 0;
}

static void output_take(struct run *run)
{
	struct span output = smtp_client_output(&run->client);

	demand(!run->closed || output.length == 0);
	buf_put(&run->record, output.data, output.length);
	demand(!memmem(output.data, output.length, "\r\n.\r\n", 5) || run->content_offset == strlen(content));
	smtp_client_sent(&run->client, output.length, 0);
}

static void recipients_add(struct run *run, unsigned count)
{
	static const struct smtp_address address = { .text = "c..@d", .length = 5, .local_length = 3 };

	while (count-- > 0 && smtp_client_add_recipient(&run->client, &address, 0) == 0)
		run->recipients++;
}

static void sender_set(struct run *run)
{
	static const struct smtp_address address = { .text = "a@b", .length = 3, .local_length = 1 };

	run->recipients = 0;
	if (smtp_client_set_sender(&run->client, &address, run->seed * 100, 0) == 0)
		recipients_add(run, run->seed % 3 + 1);
}

static void event_take(struct run *run, const struct smtp_client_event *event)
{
	if (event->kind == SMTP_CLIENT_NOTHING)
		return;
	demand(!run->closed);
	buf_printf(&run->record, "[%d %u %u.%u %u %d]", event->kind, event->reply.code, event->reply.subject, event->reply.detail,
		   event->recipient, event->failure);
	run->closed = event->kind == SMTP_CLIENT_CLOSED;
	run->events++;
	if (event->kind == SMTP_CLIENT_READY && run->seed % 2)
		sender_set(run);
	if (event->kind == SMTP_CLIENT_RECIPIENT) {
		demand(event->recipient < run->recipients);
		if (event->recipient < run->seed % 7)
			recipients_add(run, 1);
		else if (event->recipient + 1 == run->recipients)
			smtp_client_send_content(&run->client, source_read, run, 0);
	}
	if (event->kind == SMTP_CLIENT_RESULT) {
		demand(event->reply.code / 100 != 2 || run->content_offset == strlen(content));
		run->content_offset = 0;
		if (run->events < 20)
			sender_set(run);
		else
			smtp_client_quit(&run->client, 0);
	}
}

static void stream_feed(struct run *run, struct span bytes)
{
	struct smtp_client_event event;
	size_t used;

	do {
		used = smtp_client_feed(&run->client, bytes, 0, &event);
		demand(used <= bytes.length);
		bytes = (struct span){ .data = bytes.data + used, .length = bytes.length - used };
		event_take(run, &event);
		output_take(run);
	} while (event.kind != SMTP_CLIENT_NOTHING || used > 0);
}

/* Feeds the stream in pieces of up to piece_max bytes. The result is the caller's to free. */
static struct buf record_make(struct span bytes, uint32_t seed, size_t piece_max)
{
	struct smtp_client_settings settings = smtp_client_defaults("gw.example.jp");
	struct run run = { .record = buf_limited(0), .seed = seed };
	uint32_t random = seed;

	smtp_client_begin(&run.client, &settings, 0);
	if (seed % 2 == 0)
		sender_set(&run);
	while (bytes.length > 0) {
		size_t length;

		random = random * 1664525 + 1013904223;
		length = 1 + (random >> 8) % piece_max;
		length = length < bytes.length ? length : bytes.length;
		stream_feed(&run, (struct span){ .data = bytes.data, .length = length });
		bytes = (struct span){ .data = bytes.data + length, .length = bytes.length - length };
	}
	smtp_client_break(&run.client);
	stream_feed(&run, span_of(""));
	demand(run.closed);
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
