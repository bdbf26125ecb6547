/*
 * fuzz: frames as anybody may send them, from the first byte to the fault. The input is a list of frames: a byte says by which of four ports, a byte how
 * long it is (in units of 8), two bytes the tag that was taken off, then the frame. And the whole input as a layout and as a fault.
 *
 * Of what comes out: a sender is no group, addresses are of a family, a VLAN is one; a fault that is given can be packed and read; and of one frame there
 * are no more than WATCH_FAULTS_MAX.
 */
#include <stdlib.h>
#include <string.h>

#include "wiring/fault.h"
#include "wiring/layout.h"
#include "wiring/watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct addr_range networks[2] = { { { .family = 4, .bytes = { 10, 1 } }, { .family = 4, .bytes = { 10, 1, 255, 255 } } },
					 { { .family = 6, .bytes = { 0xfd } }, { .family = 6, .bytes = { 0xfd, 0xff } } } };
static struct addr_range others[1] = { { { .family = 4, .bytes = { 10, 2 } }, { .family = 4, .bytes = { 10, 2, 255, 255 } } } };
static const struct layout_zone zones[] = { { "mynumber", { networks, 2 }, { networks, 1 }, { networks, 1 } }, { .name = "lgwan", .networks = { others, 1 } } };
static const struct netaddr own[] = { { .family = 4, .bytes = { 10, 1, 0, 1 } } };
static const struct layout_port ports[] = {
	{ 1, 0, "mn0", true, { { 2, 0, 0, 0, 0, 0xa1 } }, own, 1, NULL, 0 }, { 2, 1, "lg0", false, { { 0 } }, NULL, 0, NULL, 0 },
	{ 3, 0, "mn1", false, { { 0 } }, NULL, 0, NULL, 0 },
};
static const struct layout_binding bindings[] = { { 0, { .family = 4, .bytes = { 10, 1, 0, 16 } }, { { 2, 0, 0, 0, 0, 0x10 } } } };
static const struct layout layout = { zones, 2, ports, 3, bindings, 1 };

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void fault_exercise(const struct fault *fault)
{
	struct buf bytes = buf_limited(FAULT_BYTES_MAX);
	struct fault_words words;
	struct fault again;

	fault_pack(&bytes, fault);
	demand(!bytes.overflow && fault_unpack(buf_span(&bytes), &again) == 0 && again.kind == fault->kind);
	fault_words(&again, &words);
	demand(strlen(words.device) > 0 && strlen(words.place) > 0 && strlen(words.other) > 0);
	buf_free(&bytes);
}

static void sighting_demand(const struct sighting *sighting)
{
	demand(!(sighting->mac.bytes[0] & 1) && !(sighting->owner.bytes[0] & 1));
	demand(sighting->address.family == 0 || sighting->address.family == 4 || sighting->address.family == 6);
	demand(sighting->server.family == 0 || sighting->server.family == 4);
	demand((sighting->kind == SIGHTING_TAGGED) == (sighting->vlan != 0) && sighting->vlan <= 4095);
	demand((sighting->kind == SIGHTING_DEVICE || sighting->kind == SIGHTING_TAGGED) == (sighting->address.family == 0));
}

static void frame_exercise(struct watch *watch, struct span frame, int tag, uint32_t port, int64_t now_ms)
{
	/* Of exactly its length, so that the sanitizer sees what lies behind. */
	char *bytes = malloc(frame.length + (frame.length == 0));
	struct fault faults[WATCH_FAULTS_MAX];
	struct sighting sighting;
	size_t count = 0;

	demand(bytes != NULL);
	if (frame.length > 0)
		memcpy(bytes, frame.data, frame.length);
	if (sighting_read((struct span){ .data = bytes, .length = frame.length }, tag, &sighting)) {
		sighting_demand(&sighting);
		count = watch_see(watch, &sighting, port, now_ms, faults);
	}
	demand(count <= WATCH_FAULTS_MAX);
	for (size_t i = 0; i < count; i++)
		fault_exercise(&faults[i]);
	free(bytes);
}

static void frames_exercise(struct span input)
{
	/* One for all inputs, because its pages are what takes long: a walk from the same seed is the same, a single input may not repeat it. */
	static struct watch *watch;
	int64_t now_ms = 1;

	if (!watch)
		watch = watch_new(1);
	watch_set_layout(watch, &layout);
	while (input.length >= 4) {
		const unsigned char *head = (const unsigned char *)input.data;
		size_t length = head[1] * (size_t)8 < input.length - 4 ? head[1] * (size_t)8 : input.length - 4;
		int tag = head[2] << 8 | head[3];

		frame_exercise(watch, span_part(input, 4, 4 + length), tag == 0xffff ? SIGHTING_NO_TAG : tag, head[0] & 3, now_ms);
		now_ms += head[0] >> 2 << 12;
		input = span_part(input, 4 + length, input.length);
	}
	(void)watch_held_back(watch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span input = { .data = (const char *)data, .length = size };
	struct arena *arena = arena_new();
	struct layout other;
	struct fault fault;

	frames_exercise(input);
	if (fault_unpack(input, &fault) == 0)
		fault_exercise(&fault);
	if (layout_unpack(arena, input, &other) == 0)
		demand(other.zone_count <= LAYOUT_ZONES_MAX && other.port_count <= LAYOUT_PORTS_MAX);
	arena_free(arena);
	return 0;
}
