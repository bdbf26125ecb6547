/* pins_file: the pins as the root-owned file says them. */
#include "sekishod/pins_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "config/reader.h"
#include "config/trust.h"
#include "kernel/generation.h"
#include "sekishod/pins.h"
#include "wire/fields.h"

enum { READ_BYTES = 1 << 16 };

static void sources_put(struct buf *out, const struct generation *generation)
{
	uint8_t digest[DIGEST_BYTES];

	buf_put_u32(out, (uint32_t)generation->source_count);
	for (size_t i = 0; i < generation->source_count; i++) {
		digest_bytes(generation->sources[i].text, generation->sources[i].length, digest);
		buf_put_text(out, span_of(generation->sources[i].path));
		buf_put(out, digest, sizeof(digest));
	}
}

/* A policy without errors as bytes: digest, files, pins, and what is left is the text. */
static int generation_put(struct buf *out, const struct generation *generation)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	__attribute__((cleanup(buf_free))) struct buf packed = buf_limited(PINS_BYTES_MAX);
	const struct pins *pins = pins_of_policy(arena, generation->policy, NULL);
	int error = pins_check(&pins->program);
	size_t before;

	if (error)
		return error;
	pins_pack(&packed, pins);
	buf_put(out, generation->digest, DIGEST_BYTES);
	sources_put(out, generation);
	buf_put_text(out, buf_span(&packed));
	before = out->length;
	settings_print(out, generation->settings);
	return packed.overflow || out->overflow || out->length - before > PINS_TEXT_BYTES_MAX ? -EFBIG : 0;
}

int pins_read(const char *path, int64_t now, struct findings *findings, struct buf *out)
{
	__attribute__((cleanup(generation_freep))) struct generation *generation = NULL;
	const struct generation_world world = { .now = now, .policy_only = true, .settings = true };
	int error = source_trust(path, findings);

	if (error)
		return error;
	generation = generation_load(path, &world);
	for (size_t i = 0; i < generation->source_count; i++)
		error = source_trust(generation->sources[i].path, findings) ? -EPERM : error;
	if (!error && (!generation->policy || generation->findings.errors > 0))
		error = -EBADMSG;
	return error ? error : generation_put(out, generation);
}

static bool take_digest(struct span *rest, uint8_t ret_digest[static DIGEST_BYTES])
{
	struct span digest;

	if (!span_take_bytes(rest, DIGEST_BYTES, &digest))
		return false;
	memcpy(ret_digest, digest.data, DIGEST_BYTES);
	return true;
}

static bool take_sources(struct span *rest, struct pins_reading *reading)
{
	uint32_t count;
	struct span path;

	if (!span_take_u32(rest, &count) || count > rest->length / DIGEST_BYTES)
		return false;
	reading->sources = arena_array(reading->arena, count, sizeof(*reading->sources));
	for (; reading->source_count < count; reading->source_count++) {
		struct pins_source *source = &reading->sources[reading->source_count];

		if (!span_take_text(rest, &path) || !take_digest(rest, source->digest))
			return false;
		source->path = arena_strndup(reading->arena, path.data, path.length);
	}
	return true;
}

int pins_reading_unpack(struct buf *bytes, size_t begin, struct pins_reading *ret_reading)
{
	struct pins_reading reading = { .arena = arena_new(), .pins = buf_limited(PINS_BYTES_MAX) };
	struct span rest = span_part(buf_span(bytes), begin, bytes->length), pins;

	if (!take_digest(&rest, reading.digest) || !take_sources(&rest, &reading) || !span_take_text(&rest, &pins) || pins.length > PINS_BYTES_MAX ||
	    rest.length > PINS_TEXT_BYTES_MAX) {
		arena_free(reading.arena);
		return -EIO;
	}
	buf_put(&reading.pins, pins.data, pins.length);
	memmove(bytes->data, rest.data, rest.length);
	bytes->length = rest.length;
	reading.text = *bytes;
	*bytes = buf_limited(bytes->limit_bytes);
	*ret_reading = reading;
	return 0;
}

/* 0: *ret_digest is that of the file's bytes; else negative errno. */
static int file_digest(const char *path, uint8_t ret_digest[static DIGEST_BYTES])
{
	struct digest digest;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error = file < 0 ? -errno : 0;
	char bytes[READ_BYTES];
	ssize_t length = 0;

	digest_begin(&digest);
	while (!error && (length = read(file, bytes, sizeof(bytes))) > 0)
		digest_add(&digest, bytes, (size_t)length);
	if (length < 0)
		error = -errno;
	digest_end(&digest, ret_digest);
	if (file >= 0)
		close(file);
	return error;
}

static bool source_holds(const struct pins_source *source, struct findings *unused)
{
	uint8_t digest[DIGEST_BYTES];

	return source_trust(source->path, unused) == 0 && file_digest(source->path, digest) == 0 &&
	       memcmp(digest, source->digest, DIGEST_BYTES) == 0;
}

bool pins_reading_holds(const struct pins_reading *reading, const char *path)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings unused = findings_in(arena);

	if (!reading->arena || reading->source_count == 0 || strcmp(reading->sources[0].path, path) != 0)
		return false;
	for (size_t i = 0; i < reading->source_count; i++)
		if (!source_holds(&reading->sources[i], &unused))
			return false;
	return true;
}

void pins_reading_free(struct pins_reading *reading)
{
	arena_free(reading->arena);
	buf_free(&reading->pins);
	buf_free(&reading->text);
	*reading = (struct pins_reading){ .arena = NULL };
}
