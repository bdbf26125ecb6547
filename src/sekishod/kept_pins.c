/* kept_pins: the pins the enforcer judges by, packed. */
#include "sekishod/kept_pins.h"

#include <assert.h>
#include <string.h>

static struct pins outline_of(struct arena *arena, const struct program_input *program, const struct pins *whole)
{
	struct limit_pin *limits = arena_array(arena, whole->limit_count, sizeof(*limits));

	if (whole->limit_count)
		memcpy(limits, whole->limits, whole->limit_count * sizeof(*limits));
	return (struct pins){ .program = *program, .limits = limits, .limit_count = whole->limit_count,
			      .removes_bypasses = whole->removes_bypasses };
}

int kept_pins_make(struct span bytes, struct kept_pins *ret_kept)
{
	__attribute__((cleanup(arena_freep))) struct arena *scratch = arena_new();
	struct kept_pins kept = { .bytes = buf_limited(0) };
	struct pins whole;
	int error = pins_unpack(scratch, bytes, &whole);

	if (error)
		return error;
	buf_put(&kept.bytes, bytes.data, bytes.length);
	kept.arena = arena_new();
	error = pins_unpack_program(kept.arena, buf_span(&kept.bytes), &kept.program);
	assert(error == 0);
	kept.outline = outline_of(kept.arena, &kept.program, &whole);
	*ret_kept = kept;
	return 0;
}

struct pins kept_pins_unpack(struct arena *arena, const struct kept_pins *kept)
{
	struct pins pins = { .binding_count = 0 };
	int error = pins_unpack(arena, buf_span(&kept->bytes), &pins);

	assert(error == 0);
	return pins;
}

void kept_pins_free(struct kept_pins *kept)
{
	arena_free(kept->arena);
	buf_free(&kept->bytes);
	*kept = (struct kept_pins){ .arena = NULL };
}
