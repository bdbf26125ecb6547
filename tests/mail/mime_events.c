/*
 * Prints what mail/mime.h makes of each file named as an argument, for tests that compare it with other
 * programs:
 *
 *	file	PATH
 *	part	NUMBER PATH KIND TYPE ENCODING RAW-BYTES DECODED-BYTES CRC-32 NOTES
 *	end	PARTS OMITTED
 *
 * A part is printed when it ends; the checksum is that of its decoded content.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding.h"
#include "mail/mime.h"

enum { MESSAGE_BYTES_MAX = 64 << 20 };

/* Checksums of the parts that are open, by depth. */
struct checksums {
	uint32_t crc[MIME_DEPTH_MAX + 1];
};

static uint32_t crc_add(uint32_t crc, struct span bytes)
{
	crc = ~crc;
	for (size_t i = 0; i < bytes.length; i++) {
		crc ^= (uint8_t)bytes.data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

static void field_ignore(void *user, const struct mime_field *field)
{
	(void)user;
	(void)field;
}

static void part_begin(void *user, const struct mime_part *part)
{
	struct checksums *checksums = user;

	checksums->crc[part->depth] = 0;
}

static void content_add(void *user, const struct mime_part *part, enum mime_region region, struct span bytes)
{
	struct checksums *checksums = user;

	if (region == MIME_CONTENT)
		checksums->crc[part->depth] = crc_add(checksums->crc[part->depth], bytes);
}

static void part_end(void *user, const struct mime_part *part)
{
	static const char *const kinds[] = {
		[MIME_LEAF] = "leaf",
		[MIME_MULTIPART] = "multipart",
		[MIME_MESSAGE] = "message",
		[MIME_OPAQUE] = "opaque",
	};
	const struct checksums *checksums = user;
	const char *separator = "";

	printf("part\t%u\t%.*s\t%s\t%.*s\t%s\t%llu\t%llu\t%08x\t", part->number, (int)part->path.length,
	       part->path.data, kinds[part->kind], (int)part->type.length, part->type.data,
	       mime_encoding_name(part->encoding), (unsigned long long)part->raw_bytes,
	       (unsigned long long)part->decoded_bytes, checksums->crc[part->depth]);
	for (enum mime_note note = 0; note < MIME_NOTES; note++) {
		if (!(part->notes & MIME_NOTE_BIT(note)))
			continue;
		printf("%s%s", separator, mime_note_name(note));
		separator = ",";
	}
	putchar('\n');
}

static void message_end(void *user, const struct mime_totals *totals)
{
	(void)user;
	printf("end\t%u\t%u\n", totals->parts, totals->parts_omitted);
}

static int file_print(const char *path)
{
	static const struct mime_events events = { field_ignore, part_begin, content_add, part_end,
						   message_end };
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct checksums checksums = { 0 };
	struct mime_parser *parser = mime_parser_new(arena, &events, &checksums);
	struct source source;
	int error = source_read(arena, path, MESSAGE_BYTES_MAX, &source);

	if (error < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-error));
		return error;
	}
	printf("file\t%s\n", path);
	mime_parser_feed(parser, (struct span){ .data = source.text, .length = source.length });
	mime_parser_finish(parser);
	return 0;
}

int main(int argc, char **argv)
{
	int result = 0;

	for (int i = 1; i < argc && result == 0; i++)
		result = file_print(argv[i]);
	return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
