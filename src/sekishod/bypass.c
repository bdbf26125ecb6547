/* bypass: the enforcer takes away what leads past the rules. */
#include "sekishod/bypass.h"

#include <string.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "kernel/foreign_remove.h"
#include "wire/frame.h"
#include "wire/journal.h"

void bypass_note(struct bypass *bypass, const struct nft_change *change)
{
	bypass->change = *change;
}

/* The parent writes the journal, and asks /proc who the process is, if it still runs. */
static void removal_record(struct arena *arena, const struct nft_change *change, const struct foreign_item *item)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct journal_record record = { .event = JOURNAL_REMOVE, .who = { .pid = change->process }, .detail_count = 2 };
	struct frame frame = { .verb = VERB_RECORD, .descriptor = -1 };

	record.details[0] = span_of(arena_printf(arena, "table %s %s, chain %s: %s", foreign_family(item->family), item->table, item->chain, item->what));
	record.details[1] = span_of(arena_printf(arena, "by process %u %s", change->process, change->name));
	journal_record_pack(&payload, &record);
	frame.payload = buf_span(&payload);
	if (frame_send(CREW_CHANNEL, &frame) != 0)
		log_event(LOG_LEVEL_WARNING, "SKS-REMOVE", "what was removed could not be recorded process=%u", change->process);
}

static void removed_tell(struct arena *arena, const struct nft_change *change, const struct foreign_removed *removed)
{
	const struct foreign_item *item = &removed->item;

	if (removed->error) {
		log_event(LOG_LEVEL_ERROR, "SKS-REMOVE", "a table that leads past the rules could not be removed family=%s table=%s chain=%s what=%s process=%u name=%s reason=\"%s\"",
			  foreign_family(item->family), item->table, item->chain, item->what, change->process, change->name, strerror(-removed->error));
		return;
	}
	log_event(LOG_LEVEL_WARNING, "SKS-REMOVE", "a table that led past the rules was removed family=%s table=%s chain=%s what=%s process=%u name=%s",
		  foreign_family(item->family), item->table, item->chain, item->what, change->process, change->name);
	removal_record(arena, change, item);
}

bool bypass_remove(struct bypass *bypass, struct nfnl *nfnl)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct foreign_removed removed[FOREIGN_REMOVED_MAX];
	size_t count = 0, gone = 0;
	uint32_t generation;

	if (nfnl_generation(nfnl, &generation) != 0 || generation == bypass->generation)
		return false;
	if (foreign_remove(arena, nfnl, removed, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		removed_tell(arena, &bypass->change, &removed[i]);
		gone += removed[i].error == 0;
	}
	/* What was removed moved the generation, and there may be more: the next look finds out. */
	bypass->generation = gone > 0 ? 0 : generation;
	return gone > 0;
}
