/*
 * ours: src/mail at work, for `make bench`.
 *
 * usage: ours parse|decode|digest|wash|html|print KIND SECONDS	(KIND: see inputs.h)
 *
 *	parse	the structure of messages, transfer encodings undone
 *	decode	and the text parts as UTF-8, Subject and addresses decoded
 *	digest	and the SHA-256 of everything that is no text
 *	wash	a mail becomes a sealed letter, and the letter a mail again
 *	html	HTML to text
 *	print	nothing; the inputs go to standard output
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "bench/mail/inputs.h"
#include "mail/charset.h"
#include "mail/header_address.h"
#include "mail/header_words.h"
#include "mail/html_text.h"
#include "mail/letter.h"
#include "mail/mime.h"
#include "mail/wash.h"

/* A message being read. */
struct reader {
	bool decodes, digests;
	struct arena *arena;		/* of the message */
	struct digest digest;
	struct mime_forms forms;
	bool within_text;
	enum charset label;
	bool chosen;			/* the charset is; before that, bytes wait in sample */
	struct buf sample, text;
	struct charset_decoder decoder;
	size_t made;
};

static void field_take(void *user, const struct mime_field *field)
{
	static const char *const lists[] = { "from", "to", "cc", "reply-to" };
	struct reader *reader = user;
	struct header_facts facts = { 0 };
	struct header_addresses addresses;

	if (!reader->decodes || !field->message)
		return;
	if (field->name.length == 7 && strncasecmp(field->name.data, "subject", 7) == 0) {
		reader->text.length = 0;
		header_unstructured_put(field->value, &reader->text, &facts);
		reader->made += reader->text.length;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (field->name.length == strlen(lists[i]) && strncasecmp(field->name.data, lists[i], field->name.length) == 0)
			header_addresses_read(field->value, reader->arena, &addresses);
}

static void part_begin(void *user, const struct mime_part *part)
{
	struct reader *reader = user;
	struct span label;

	reader->within_text = reader->decodes && part->kind == MIME_LEAF && part->type.length > 5 && memcmp(part->type.data, "text/", 5) == 0;
	reader->chosen = false;
	reader->label = CHARSET_UNKNOWN;
	reader->sample.length = reader->text.length = 0;
	if (part->type_value && mime_parameter_only(part->type_value, "charset", &reader->forms, &label) == 0)
		reader->label = charset_of_label(label);
	if (reader->digests && !reader->within_text)
		digest_begin(&reader->digest);
}

/* What waits is enough to know the charset, or all there is. */
static void text_choose(struct reader *reader)
{
	struct span sample = buf_span(&reader->sample);

	reader->decoder = charset_decoder_of(charset_guess(
		span_part(sample, 0, sample.length < CHARSET_SAMPLE_BYTES ? sample.length : CHARSET_SAMPLE_BYTES), reader->label).charset);
	charset_decode(&reader->decoder, sample, &reader->text);
	reader->chosen = true;
}

static void content_take(void *user, const struct mime_part *part, enum mime_region region, struct span bytes)
{
	struct reader *reader = user;

	(void)part;
	if (region != MIME_CONTENT)
		return;
	if (reader->chosen) {
		charset_decode(&reader->decoder, bytes, &reader->text);
	} else if (reader->within_text) {
		buf_put(&reader->sample, bytes.data, bytes.length);
		if (reader->sample.length >= CHARSET_SAMPLE_BYTES)
			text_choose(reader);
	} else if (reader->digests) {
		digest_add(&reader->digest, bytes.data, bytes.length);
	}
	reader->made += reader->within_text ? 0 : bytes.length;
}

static void part_end(void *user, const struct mime_part *part)
{
	struct reader *reader = user;
	uint8_t digest[DIGEST_BYTES];

	(void)part;
	if (reader->within_text) {
		if (!reader->chosen)
			text_choose(reader);
		charset_finish(&reader->decoder, &reader->text);
		reader->made += reader->text.length;
	} else if (reader->digests && (part->kind == MIME_LEAF || part->kind == MIME_OPAQUE)) {
		digest_end(&reader->digest, digest);
	}
	reader->within_text = reader->chosen = false;
}

static void message_end(void *user, const struct mime_totals *totals)
{
	(void)user;
	(void)totals;
}

static size_t message_read(void *context, struct span message)
{
	static const struct mime_events events = { field_take, part_begin, content_take, part_end, message_end };
	struct reader *reader = context;
	struct mime_parser *parser;

	reader->arena = arena_new();
	reader->made = 0;
	parser = mime_parser_new(reader->arena, &events, reader);
	mime_parser_feed(parser, message);
	mime_parser_finish(parser);
	arena_free(reader->arena);
	return reader->made;
}

/* All that happens to a mail on its way but for the network: washed, sealed, checked by the receiver, composed. */
static size_t message_wash(void *context, struct span message)
{
	static const struct wash_settings settings = { .links = LINK_STYLE_HXXP, .language = LANGUAGE_JA };
	static const struct letter_envelope envelope = {
		.original_id = { "20261121-k7q2m9x4", 17 }, .original_bytes = 4096, .received_seconds = 1795221000,
		.client = { .family = 4, .bytes = { 192, 0, 2, 1 } }, .sender = { "taro@example.jp", 15 }, .recipients = 1,
	};
	static const struct letter_office office = {
		.relay_domain = { "gw.example.lg.jp", 16 }, .notice_address = { "postmaster@example.lg.jp", 24 }, .zone_minutes = 540,
		.language = LANGUAGE_JA,
	};
	struct arena *arena = arena_new();
	struct wash *wash = wash_new(arena, &settings);
	struct buf frame = buf_limited(0), *composed = context;
	struct letter letter;

	wash_feed(wash, message);
	composed->length = 0;
	if (letter_seal(&frame, wash_finish(wash), NULL) < 0 || letter_check(buf_span(&frame), &letter, NULL) < 0 ||
	    letter_compose(composed, &letter, &envelope, &office) < 0)
		inputs_fail("a mail that cannot be washed");
	buf_free(&frame);
	arena_free(arena);
	return composed->length;
}

struct converter {
	struct html_text *text;
	struct buf out;
};

static size_t html_convert(void *context, struct span html)
{
	struct converter *converter = context;
	struct html_text_notes notes;

	converter->out.length = 0;
	html_text_begin(converter->text, &converter->out, LINK_STYLE_HXXP);
	html_text_feed(converter->text, html);
	html_text_finish(converter->text, &notes);
	return converter->out.length;
}

int main(int argc, char **argv)
{
	struct reader reader = { .sample = buf_limited(0), .text = buf_limited(0) };
	struct converter converter = { .text = html_text_new(), .out = buf_limited(0) };
	struct inputs inputs;

	if (argc != 4)
		inputs_fail("usage: ours parse|decode|digest|wash|html|print KIND SECONDS");
	inputs = inputs_make(argv[2]);
	reader.digests = strcmp(argv[1], "digest") == 0;
	reader.decodes = reader.digests || strcmp(argv[1], "decode") == 0;
	for (size_t i = 0; strcmp(argv[1], "print") == 0 && i < inputs.count; i++)
		fwrite(inputs.items[i].data, 1, inputs.items[i].length, stdout);
	if (strcmp(argv[1], "html") == 0)
		inputs_measure(&inputs, html_convert, &converter, atof(argv[3]));
	else if (strcmp(argv[1], "wash") == 0)
		inputs_measure(&inputs, message_wash, &reader.text, atof(argv[3]));
	else if (reader.decodes || strcmp(argv[1], "parse") == 0)
		inputs_measure(&inputs, message_read, &reader, atof(argv[3]));
	else if (strcmp(argv[1], "print") != 0)
		inputs_fail("no such work");
	return EXIT_SUCCESS;
}
