/*
 * sekisho wash FILE [--json] [--links STYLE]: a mail as the reader on the LGWAN side will see it, without root and without the
 * daemon. "-" is the standard input.
 *
 * It goes the way of the relay: wash, letter_seal(), letter_check(), letter_compose(); what is printed is read back from the
 * composed message. The number of the original is made of the file's SHA-256, and it arrived now.
 *
 * --json: {"file", "bytes", "message_bytes", "from", "reply_to", "to", "cc" ([{"name", "address"}]), "subject", "date",
 * "message_id", "in_reply_to", "references", "auto_submitted", "bulk", "hops", "verdicts", "counters", "text", "parts" ([{"path",
 * "declared_type", "sniffed_type", "name", "extension", "reason", "bytes", "sha256", "charset": {"label", "read_as", "by"}}]),
 * "notes" ([{"id", "count", "detail"}]), "structure"}. What does not apply is null; reason is null for a part that is whole in
 * the text.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "mail/header_words.h"
#include "mail/wash.h"
#include "sekisho/command.h"

enum {
	PIECE_BYTES = 64 * 1024,	/* as the relay's washer reads them */
	ID_DIGEST_BYTES = 8,
	JAPAN_MINUTES = 9 * 60,
};

static const char *const style_names[] = {
	[LINK_STYLE_HXXP] = "hxxp", [LINK_STYLE_BRACKETS] = "brackets", [LINK_STYLE_HOST] = "host",
};

static const char *const charset_reasons[] = {
	[CHARSET_BY_LABEL] = "label", [CHARSET_BY_MARK] = "byte-order-mark", [CHARSET_BY_UTF_8] = "utf-8",
	[CHARSET_BY_ESCAPE] = "escape", [CHARSET_BY_ZEROS] = "zeros", [CHARSET_BY_POINTS] = "points",
};

/* One mail on its way. */
struct washing {
	struct context *context;
	const char *path;
	enum link_style links;
	bool json;
	struct wash *wash;
	const struct letter *letter;	/* as the courier has it: it points into frame */
	struct buf frame, message;
	uint64_t bytes;
	uint8_t sha256[DIGEST_BYTES];
};

static void close_file(int *descriptor)
{
	if (*descriptor > STDIN_FILENO)
		close(*descriptor);
}

/* Reads the file through the wash. 0 or an exit status. */
static int feed_file(struct washing *washing, struct digest *digest)
{
	__attribute__((cleanup(close_file))) int file = STDIN_FILENO;
	char *piece = arena_alloc(washing->context->arena, PIECE_BYTES);
	ssize_t length = 0;

	if (strcmp(washing->path, "-") != 0)
		file = open(washing->path, O_RDONLY | O_CLOEXEC);
	while (file >= 0 && (length = read(file, piece, PIECE_BYTES)) > 0) {
		digest_add(digest, piece, (size_t)length);
		wash_feed(washing->wash, (struct span){ .data = piece, .length = (size_t)length });
		washing->bytes += (uint64_t)length;
	}
	if (file < 0 || length < 0)
		return complain(washing->context, "%s could not be read: %s", "%s を読み込めませんでした: %s", washing->path,
				strerror(errno));
	return 0;
}

static int wash_file(struct washing *washing)
{
	const struct context *context = washing->context;
	struct wash_settings *settings = arena_alloc(context->arena, sizeof(*settings));
	struct digest digest;
	const struct letter *letter;
	int status;

	*settings = (struct wash_settings){ .links = washing->links, .language = context->language };
	washing->wash = wash_new(context->arena, settings);
	digest_begin(&digest);
	status = feed_file(washing, &digest);
	digest_end(&digest, washing->sha256);
	letter = wash_finish(washing->wash);
	if (!status && letter_seal(&washing->frame, letter, NULL))
		status = complain(washing->context, "the courier would refuse the letter", "搬送役が受け付けない内容になりました");
	return status;
}

/* What the courier does with the frame. */
static int compose(struct washing *washing)
{
	struct context *context = washing->context;
	struct letter *letter = arena_alloc(context->arena, sizeof(*letter));
	char hex[DIGEST_TEXT_BYTES];
	struct letter_envelope envelope = {
		.original_id = span_of(digest_hex(washing->sha256, ID_DIGEST_BYTES, hex)), .original_bytes = washing->bytes,
		.received_seconds = context->now, .client = { .family = 4 }, .recipients = 1,
	};
	struct letter_office office = {
		.relay_domain = span_of("localhost"), .notice_address = span_of("sekisho@localhost"),
		.zone_minutes = JAPAN_MINUTES, .language = context->language,
	};

	washing->letter = letter;
	if (letter_check(buf_span(&washing->frame), letter, NULL) || letter_compose(&washing->message, letter, &envelope, &office))
		return complain(context, "the courier would refuse the letter", "搬送役が受け付けない内容になりました");
	return 0;
}

/* ---- as a person reads it: the composed message, read back ---- */

static void print_field(void *user, const struct mime_field *field)
{
	struct context *context = user;
	struct header_facts facts = { .words = 0 };

	buf_put(&context->out, field->name.data, field->name.length);
	buf_puts(&context->out, ": ");
	header_unstructured_put(field->value, &context->out, &facts);
	buf_putc(&context->out, '\n');
}

static void print_separator(void *user, const struct mime_part *part)
{
	struct context *context = user;

	(void)part;
	buf_putc(&context->out, '\n');
}

static void print_content(void *user, const struct mime_part *part, enum mime_region region, struct span bytes)
{
	struct context *context = user;

	(void)part;
	(void)region;
	for (size_t i = 0; i < bytes.length; i++)
		if (bytes.data[i] != '\r')
			buf_putc(&context->out, bytes.data[i]);
}

static void part_pass(void *user, const struct mime_part *part)
{
	(void)user;
	(void)part;
}

static void message_pass(void *user, const struct mime_totals *totals)
{
	(void)user;
	(void)totals;
}

static void print_message(struct context *context, struct span message)
{
	static const struct mime_events printing = { print_field, print_separator, print_content, part_pass, message_pass };
	struct mime_parser *parser = mime_parser_new(context->arena, &printing, context);

	mime_parser_feed(parser, message);
	mime_parser_finish(parser);
}

/* ---- as facts ---- */

static json_t *json_span(struct span text)
{
	return text.length > 0 ? json_stringn(text.data, text.length) : json_null();
}

static json_t *json_addresses(const struct letter_address *addresses, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:o, s:o}", "name", json_span(addresses[i].name), "address",
						      json_span(addresses[i].address)));
	return list;
}

static json_t *json_ids(const struct span *ids, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_span(ids[i]));
	return list;
}

static json_t *json_charset(const struct wash_part *part)
{
	if (!part->text)
		return json_null();
	return json_pack("{s:o, s:s, s:s}", "label", json_span(part->label), "read_as", charset_name(part->charset), "by",
			 charset_reasons[part->charset_reason]);
}

static json_t *json_parts(const struct wash_facts *facts)
{
	json_t *list = json_array();
	char hex[DIGEST_TEXT_BYTES];

	for (size_t i = 0; i < facts->part_count; i++) {
		const struct wash_part *part = &facts->parts[i];

		json_array_append_new(list, json_pack(
			"{s:o, s:o, s:o, s:o, s:o, s:s?, s:I, s:s, s:o}", "path", json_span(part->path), "declared_type",
			json_span(part->declared_type), "sniffed_type", json_span(part->sniffed_type), "name", json_span(part->name),
			"extension", json_span(part->extension), "reason", part->reason ? letter_reasons[part->reason].id : NULL,
			"bytes", (json_int_t)part->size_bytes, "sha256", digest_hex(part->sha256, DIGEST_BYTES, hex), "charset",
			json_charset(part)));
	}
	return list;
}

static json_t *json_notes(const struct letter *letter)
{
	json_t *list = json_array();

	for (size_t i = 0; i < letter->note_count; i++) {
		const struct letter_note *note = &letter->notes[i];

		json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "id", letter_notes[note->code].id, "count",
						      note->count ? json_integer(note->count) : json_null(), "detail",
						      json_span(note->detail)));
	}
	return list;
}

static json_t *json_verdicts(const struct letter *letter)
{
	json_t *object = json_object();

	for (size_t i = 0; i < LETTER_METHODS; i++)
		if (letter->verdicts[i] != LETTER_VERDICT_UNKNOWN)
			json_object_set_new(object, letter_method_names[i], json_string(letter_verdict_names[letter->verdicts[i]]));
	return object;
}

static json_t *json_counters(const struct letter *letter)
{
	json_t *object = json_object();

	for (size_t i = 0; i < LETTER_COUNTERS; i++)
		json_object_set_new(object, letter_counter_names[i], json_integer(letter->counters[i]));
	return object;
}

/* What the MIME parser had to decide by rule, and how often. */
static json_t *json_structure(const struct mime_totals *totals)
{
	json_t *object = json_object();

	for (enum mime_note note = 0; note < MIME_NOTES; note++)
		if (totals->notes[note] > 0)
			json_object_set_new(object, mime_note_name(note), json_integer(totals->notes[note]));
	return object;
}

static void print_facts(struct washing *washing)
{
	static const char *const auto_names[] = { NULL, "auto-generated", "auto-replied" };
	struct context *context = washing->context;
	const struct letter *letter = washing->letter;
	const struct wash_facts *facts = wash_facts(washing->wash);
	json_t *object = json_pack(
		"{s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "file", json_visible(context, washing->path), "bytes",
		(json_int_t)washing->bytes, "message_bytes", (json_int_t)washing->message.length, "from",
		json_addresses(&letter->from, 1), "reply_to", json_addresses(letter->reply_to, letter->reply_to_count), "to",
		json_addresses(letter->to, letter->to_count), "cc", json_addresses(letter->cc, letter->cc_count), "subject",
		json_span(letter->subject), "date", letter->dated ? json_integer(letter->date_seconds) : json_null());

	json_object_set_new(object, "message_id", json_span(letter->message_id));
	json_object_set_new(object, "in_reply_to", json_ids(letter->in_reply_to, letter->in_reply_to_count));
	json_object_set_new(object, "references", json_ids(letter->references, letter->references_count));
	json_object_set_new(object, "auto_submitted", letter->auto_submitted ? json_string(auto_names[letter->auto_submitted])
									     : json_null());
	json_object_set_new(object, "bulk", json_boolean(letter->bulk));
	json_object_set_new(object, "hops", json_integer(letter->hops));
	json_object_set_new(object, "verdicts", json_verdicts(letter));
	json_object_set_new(object, "counters", json_counters(letter));
	json_object_set_new(object, "text", json_span(letter->text));
	json_object_set_new(object, "parts", json_parts(facts));
	json_object_set_new(object, "notes", json_notes(letter));
	json_object_set_new(object, "structure", json_structure(&facts->totals));
	print_json(context, object);
}

/* ---- the command ---- */

static int find_style(const char *name, enum link_style *ret_style)
{
	for (size_t i = 0; i < sizeof(style_names) / sizeof(style_names[0]); i++) {
		if (strcmp(style_names[i], name) == 0) {
			*ret_style = (enum link_style)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_options(struct washing *washing, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "links", required_argument, NULL, 'l' }, { NULL, 0, NULL, 0 },
	};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'j')
			washing->json = true;
		else if (option != 'l' || find_style(optarg, &washing->links))
			return complain_usage(washing->context, "wash: unknown option, or no such style of links",
					      "wash: オプションか、リンクの表記の指定が正しくありません");
	}
	if (argc - optind != 1)
		return complain_usage(washing->context, "wash takes one file", "wash に指定するファイルは一つです");
	washing->path = argv[optind];
	return 0;
}

static int run(struct washing *washing)
{
	int status = wash_file(washing);

	if (!status)
		status = compose(washing);
	if (!status && washing->json)
		print_facts(washing);
	else if (!status)
		print_message(washing->context, buf_span(&washing->message));
	return status;
}

int command_wash(struct context *context, int argc, char **argv)
{
	struct washing washing = { .context = context, .json = context->json };
	int status = read_options(&washing, argc, argv);

	if (!status)
		status = run(&washing);
	buf_free(&washing.frame);
	buf_free(&washing.message);
	return status;
}
