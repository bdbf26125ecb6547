/* lookout: what only the enforcer may see of ways past the rules. */
#include "sekishod/lookout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/devconf.h"
#include "kernel/hooks.h"
#include "sekishod/foreign_messages.h"
#include "wire/frame.h"

/*
 * Reads the tables anew unless nothing can have changed. A table that goes with the program that it belonged to moves no generation: while something is found, it
 * is looked for each time. -EINTR: they are being changed, and the next question will see.
 */
static int tables_renew(struct lookout *lookout, struct nfnl *nfnl)
{
	struct arena *arena;
	struct foreign tables;
	uint32_t generation;
	int error = nfnl_generation(nfnl, &generation);

	if (error || (lookout->arena && generation == lookout->generation && lookout->tables.count == 0))
		return error;
	arena = arena_new();
	error = foreign_read_tables(arena, nfnl, &tables);
	if (error) {
		arena_free(arena);
		return error;
	}
	arena_free(lookout->arena);
	lookout->arena = arena;
	lookout->tables = tables;
	lookout->generation = generation;
	return 0;
}

static void failure_tell(const char *what, int error)
{
	if (error && error != -EINTR)
		log_event(LOG_LEVEL_WARNING, "SKS-SURVEY", "the ways past the rules could not be looked for where=%s reason=\"%s\"", what, strerror(-error));
}

/* A kernel that does not list them is not asked again: each question would have it look for a module. */
static void hooks_renew(struct lookout *lookout, struct nfnl *nfnl, const struct link_table *links, struct foreign *foreign)
{
	const struct foreign_item unlisted = { .kind = FOREIGN_UNLISTED };
	int error = lookout->unlisted ? -EOPNOTSUPP : hooks_read(foreign, nfnl, links);

	if (error == -EOPNOTSUPP && !lookout->unlisted)
		log_event(LOG_LEVEL_NOTICE, "SKS-SURVEY", "this kernel does not list what is hooked in beside nf_tables (nfnetlink_hook); it is not looked for");
	lookout->unlisted |= error == -EOPNOTSUPP;
	if (lookout->unlisted)
		foreign_add(foreign, &unlisted);
	else
		failure_tell("hooks", error);
}

struct lookout lookout_open(struct nfnl *nfnl)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct lookout lookout = { .network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) };
	struct foreign nowhere = foreign_in(arena);

	if (lookout.network < 0)
		failure_tell("network", -errno);
	hooks_renew(&lookout, nfnl, &(struct link_table){ .count = 0 }, &nowhere);
	return lookout;
}

int lookout_tell(struct lookout *lookout, struct nfnl *nfnl, const struct link_table *links, int planner, bool asked)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(FRAME_PAYLOAD_BYTES_MAX);
	struct frame frame = { .verb = VERB_FOREIGN, .descriptor = -1 };
	struct foreign foreign = foreign_in(arena);

	if (planner < 0 || !(asked || lookout->may_tell))
		return 0;
	lookout->may_tell = asked;
	failure_tell("tables", tables_renew(lookout, nfnl));
	for (size_t i = 0; i < lookout->tables.count; i++)
		foreign_add(&foreign, &lookout->tables.items[i]);
	failure_tell("ipsec", foreign_read_ipsec(&foreign));
	foreign_read_tcx(&foreign, links);
	foreign_read_network(&foreign, lookout->network);
	hooks_renew(lookout, nfnl, links, &foreign);
	foreign_pack(&payload, &foreign);
	frame.payload = buf_span(&payload);
	return frame_send(planner, &frame);
}

static void interface_hold(const char *name, uint32_t index)
{
	uint32_t changed;
	int error = devconf_hold(index, &changed);

	if (error && error != -ENODEV)
		log_event(LOG_LEVEL_WARNING, "SKS-SYSCTL", "the switches of an interface could not be set interface=%s reason=\"%s\"", name, strerror(-error));
	for (size_t i = 0; !error && i < devconf_rule_count; i++)
		if (changed & UINT32_C(1) << i)
			log_event(LOG_LEVEL_NOTICE, "SKS-SYSCTL", "a switch of an interface was set back interface=%s name=%s value=%u", name,
				  devconf_rules[i].name, devconf_rules[i].wanted);
}

void lookout_hold(const struct program_input *pins, const struct link_table *links)
{
	for (size_t z = 0; z < pins->zone_count; z++) {
		for (size_t i = 0; i < pins->zones[z].interface_count; i++) {
			uint32_t index = link_index(links, pins->zones[z].interfaces[i]);

			if (index != 0)
				interface_hold(pins->zones[z].interfaces[i], index);
		}
	}
}

void lookout_free(struct lookout *lookout)
{
	arena_free(lookout->arena);
	if (lookout->network >= 0)
		close(lookout->network);
}
