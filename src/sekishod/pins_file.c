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

enum { READ_BYTES = 1 << 16 };

static void take_sources(struct pins_reading *reading, const struct generation *generation)
{
	reading->sources = arena_array(reading->arena, generation->source_count, sizeof(*reading->sources));
	for (size_t i = 0; i < generation->source_count; i++) {
		struct pins_source *source = &reading->sources[reading->source_count++];

		source->path = arena_strdup(reading->arena, generation->sources[i].path);
		digest_bytes(generation->sources[i].text, generation->sources[i].length, source->digest);
	}
}

/* Makes the reading of a policy without errors. */
static int take_generation(struct pins_reading *reading, const struct generation *generation)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct pins *pins = pins_of_policy(arena, generation->policy, NULL);
	int error = pins_check(&pins->program);

	if (error)
		return error;
	take_sources(reading, generation);
	pins_pack(&reading->pins, pins);
	settings_print(&reading->text, generation->settings);
	memcpy(reading->digest, generation->digest, DIGEST_BYTES);
	return reading->pins.overflow || reading->text.overflow ? -EFBIG : 0;
}

int pins_read(const char *path, int64_t now, struct findings *findings, struct pins_reading *ret_reading)
{
	__attribute__((cleanup(generation_freep))) struct generation *generation = NULL;
	const struct generation_world world = { .now = now, .policy_only = true, .settings = true };
	struct pins_reading reading = { .pins = buf_limited(PINS_BYTES_MAX), .text = buf_limited(PINS_TEXT_BYTES_MAX) };
	int error = source_trust(path, findings);

	if (error)
		return error;
	generation = generation_load(path, &world);
	for (size_t i = 0; i < generation->source_count; i++)
		error = source_trust(generation->sources[i].path, findings) ? -EPERM : error;
	if (!error && (!generation->policy || generation->findings.errors > 0))
		error = -EBADMSG;
	if (error)
		return error;
	reading.arena = arena_new();
	error = take_generation(&reading, generation);
	if (error)
		pins_reading_free(&reading);
	else
		*ret_reading = reading;
	return error;
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
