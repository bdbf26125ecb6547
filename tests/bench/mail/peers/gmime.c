/*
 * gmime: GMime 3 at the same work as `ours`, for `make bench`.
 *
 * usage: gmime decode|digest KIND SECONDS
 *
 * Text parts come as UTF-8 by the label they have; everything else is decoded to nowhere, and with digest through GMime's own SHA-256.
 */
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#include "bench/mail/inputs.h"

static void part_digest(GMimeDataWrapper *content, GMimeStream *nowhere)
{
	GMimeFilter *filter = g_mime_filter_checksum_new(G_CHECKSUM_SHA256);
	GMimeStream *filtered = g_mime_stream_filter_new(nowhere);
	unsigned char digest[32];

	g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), filter);
	g_mime_data_wrapper_write_to_stream(content, filtered);
	g_mime_stream_flush(filtered);
	g_mime_filter_checksum_get_digest(GMIME_FILTER_CHECKSUM(filter), digest, sizeof(digest));
	g_object_unref(filtered);
	g_object_unref(filter);
}

static size_t part_read(GMimeObject *object, bool digests)
{
	GMimeDataWrapper *content;
	GMimeStream *nowhere;
	size_t made;

	if (GMIME_IS_TEXT_PART(object)) {
		char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(object));

		made = text ? strlen(text) : 0;
		g_free(text);
		return made;
	}
	if (!GMIME_IS_PART(object) || !(content = g_mime_part_get_content(GMIME_PART(object))))
		return 0;
	nowhere = g_mime_stream_null_new();
	if (digests)
		part_digest(content, nowhere);
	else
		g_mime_data_wrapper_write_to_stream(content, nowhere);
	made = (size_t)g_mime_stream_tell(nowhere);
	g_object_unref(nowhere);
	return made;
}

static void part_take(GMimeObject *parent, GMimeObject *part, gpointer context)
{
	size_t *made = context;

	(void)parent;
	*made += part_read(part, false);
}

static void part_take_digest(GMimeObject *parent, GMimeObject *part, gpointer context)
{
	size_t *made = context;

	(void)parent;
	*made += part_read(part, true);
}

/* The addresses of a message, decoded as far as GMime does it lazily. */
static size_t addresses_read(InternetAddressList *list)
{
	int count = list ? internet_address_list_length(list) : 0;
	size_t made = 0;

	for (int i = 0; i < count; i++) {
		const char *name = internet_address_get_name(internet_address_list_get_address(list, i));

		made += name ? strlen(name) : 0;
	}
	return made;
}

static size_t message_read(void *context, struct span message)
{
	bool digests = *(const bool *)context;
	GByteArray bytes = { .data = (guint8 *)(uintptr_t)message.data, .len = (guint)message.length };
	GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(&bytes);
	GMimeParser *parser;
	GMimeMessage *parsed;
	const char *subject;
	size_t made = 0;

	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
	parser = g_mime_parser_new_with_stream(stream);
	parsed = g_mime_parser_construct_message(parser, NULL);
	if (parsed) {
		subject = g_mime_message_get_subject(parsed);
		made = subject ? strlen(subject) : 0;
		addresses_read(g_mime_message_get_from(parsed));
		addresses_read(g_mime_message_get_to(parsed));
		addresses_read(g_mime_message_get_cc(parsed));
		addresses_read(g_mime_message_get_reply_to(parsed));
		g_mime_message_foreach(parsed, digests ? part_take_digest : part_take, &made);
		g_object_unref(parsed);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	return made;
}

int main(int argc, char **argv)
{
	struct inputs inputs;
	bool digests;

	if (argc != 4 || (strcmp(argv[1], "decode") != 0 && strcmp(argv[1], "digest") != 0))
		inputs_fail("usage: gmime decode|digest KIND SECONDS");
	digests = strcmp(argv[1], "digest") == 0;
	inputs = inputs_make(argv[2]);
	g_mime_init();
	inputs_measure(&inputs, message_read, &digests, atof(argv[3]));
	return EXIT_SUCCESS;
}
