/*
 * Any bytes as a message: no crash; every byte is accounted for; parts begin and end as a tree; and byte by
 * byte, or cut into pieces whose lengths the bytes themselves give, the message is the same.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was seen; compared as a whole. */
struct seen {
	uint64_t checksum, content_bytes;
	uint32_t open, ended;
	struct mime_totals totals;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void checksum_add(struct seen *seen, struct span bytes)
{
	for (size_t i = 0; i < bytes.length; i++)
		seen->checksum = seen->checksum * 31 + (uint8_t)bytes.data[i] + 1;
}

static void field_see(void *user, const struct mime_field *field)
{
	struct seen *seen = user;

	require(field->name.length > 0 && field->name.length <= MIME_FIELD_NAME_BYTES_MAX);
	require(field->name.length + field->value.length <= MIME_FIELD_BYTES_MAX &&
		field->depth == seen->open + 1);
	require(!field->value.length || (!memchr(field->value.data, '\n', field->value.length) &&
					 !memchr(field->value.data, '\r', field->value.length)));
	checksum_add(seen, field->name);
	checksum_add(seen, field->value);
}

static void value_see(struct seen *seen, const struct mime_value *value)
{
	struct mime_forms *forms;

	if (!value)
		return;
	forms = malloc(sizeof(*forms));
	require(forms && value->parameter_count <= MIME_PARAMETERS_MAX);
	for (size_t i = 0; i < value->parameter_count; i++)
		checksum_add(seen, value->parameters[i].octets);
	mime_parameter_forms(value, "name", forms);
	for (size_t i = 0; i < forms->count; i++)
		checksum_add(seen, forms->items[i].octets);
	free(forms);
}

static void part_begin_see(void *user, const struct mime_part *part)
{
	struct seen *seen = user;

	require(part->depth == ++seen->open && part->depth <= MIME_DEPTH_MAX && part->type.length > 0);
	checksum_add(seen, part->path);
	checksum_add(seen, part->type);
	value_see(seen, part->type_value);
	value_see(seen, part->disposition_value);
}

static void content_see(void *user, const struct mime_part *part, enum mime_region region, struct span bytes)
{
	struct seen *seen = user;

	require(bytes.length > 0 && part->depth == seen->open);
	require((region == MIME_CONTENT) == (part->kind == MIME_LEAF || part->kind == MIME_OPAQUE));
	seen->content_bytes += region == MIME_CONTENT ? bytes.length : 0;
	checksum_add(seen, bytes);
}

static void part_end_see(void *user, const struct mime_part *part)
{
	struct seen *seen = user;

	require(part->depth == seen->open--);
	seen->ended++;
	require(seen->content_bytes >= part->decoded_bytes);
	seen->content_bytes -= part->decoded_bytes;
	seen->checksum += part->notes + part->raw_bytes + part->damage;
}

static void message_end_see(void *user, const struct mime_totals *totals)
{
	struct seen *seen = user;

	require(seen->open == 0 && seen->ended == totals->parts && totals->parts <= MIME_PARTS_MAX &&
		seen->content_bytes == 0);
	seen->totals = *totals;
}

/* How the message is cut. */
enum cut { CUT_NOWHERE, CUT_EVERYWHERE, CUT_SOMEWHERE };

static size_t piece_bytes(struct span rest, enum cut cut)
{
	size_t length = cut == CUT_SOMEWHERE ? 1 + (uint8_t)rest.data[0] % 16 : 1;

	return cut == CUT_NOWHERE || length > rest.length ? rest.length : length;
}

static struct seen message_read(struct span message, enum cut cut)
{
	static const struct mime_events events = { field_see, part_begin_see, content_see, part_end_see,
						   message_end_see };
	struct arena *arena = arena_new();
	struct seen seen;
	struct mime_parser *parser;

	memset(&seen, 0, sizeof(seen));
	parser = mime_parser_new(arena, &events, &seen);
	while (message.length > 0) {
		size_t piece = piece_bytes(message, cut);

		mime_parser_feed(parser, span_part(message, 0, piece));
		message = span_part(message, piece, message.length);
	}
	mime_parser_finish(parser);
	arena_free(arena);
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span message = { .data = (const char *)data, .length = size };
	struct seen whole = message_read(message, CUT_NOWHERE);
	const struct mime_totals *totals = &whole.totals;

	for (enum cut cut = CUT_EVERYWHERE; cut <= CUT_SOMEWHERE; cut++) {
		struct seen seen = message_read(message, cut);

		require(memcmp(&whole, &seen, sizeof(whole)) == 0);
	}
	require(size == totals->header_bytes + totals->content_bytes + totals->preamble_bytes +
				totals->epilogue_bytes + totals->delimiter_bytes + totals->omitted_bytes);
	return 0;
}
