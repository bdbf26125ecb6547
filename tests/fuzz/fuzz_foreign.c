/*
 * fuzz: a message of nf_tables about somebody else's chain, rule or flowtable (kernel/foreign.h), or about what is hooked in beside it (kernel/hooks.h). Names that
 * come out are harmless and end within their room.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/hooks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void name_demand(const char *name)
{
	demand(memchr(name, '\0', FOREIGN_NAME_BYTES) != NULL);
	for (; *name; name++)
		demand(*name > ' ' && *name <= '~');
}

static void message_exercise(struct arena *arena, const uint8_t *data, size_t size)
{
	struct foreign foreign = foreign_in(arena);
	struct nlmsghdr *message = arena_alloc(arena, size);

	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	foreign_take(&foreign, message);
	hook_take(&foreign, message, 0);
	for (size_t i = 0; i < foreign.count; i++) {
		demand(foreign.items[i].kind > FOREIGN_NONE && foreign.items[i].kind < FOREIGN_KIND_COUNT);
		name_demand(foreign.items[i].table);
		name_demand(foreign.items[i].chain);
		demand(memchr(foreign.items[i].what, '\0', FOREIGN_NAME_BYTES) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();

	if (size >= NLMSG_HDRLEN)
		message_exercise(arena, data, size);
	arena_free(arena);
	return 0;
}
