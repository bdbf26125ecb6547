/* enforcer_drift: somebody else changes rules. */
#include "sekishod/enforcer.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "sekishod/install.h"
#include "wire/journal.h"

enum { DRIFT_DETAIL_BYTES = 64 };

/* Has it recorded who changed what is ours; the parent writes the journal. */
static void drift_record(enum journal_event event, const struct nft_change *change)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct journal_record record = { .event = event, .who = { .pid = change->process }, .detail_count = 1 };
	struct frame frame = { .verb = VERB_RECORD, .descriptor = -1 };
	char detail[DRIFT_DETAIL_BYTES];

	snprintf(detail, sizeof(detail), "by process %u %s", change->process, change->name);
	record.details[0] = span_of(detail);
	journal_record_pack(&payload, &record);
	frame.payload = buf_span(&payload);
	if (frame_send(CREW_CHANNEL, &frame) != 0)
		log_event(LOG_LEVEL_WARNING, "SKS-DRIFT", "a foreign change could not be recorded process=%u", change->process);
}

/* What our rules were nobody knows who has installed none yet: what they are now may let pass anything until a planner has proposed. */
static void change_heed(struct enforcer *enforcer, const struct nft_change *change)
{
	if (!change->ours)
		return;
	switches_shut(&enforcer->switches);
	log_event(LOG_LEVEL_ERROR, "SKS-DRIFT", "our rules were changed before the new enforcer had installed any; nothing is forwarded until then process=%u name=%s",
		  change->process, change->name);
	drift_record(JOURNAL_DRIFT, change);
}

/* The kernel holds what is due. */
static void return_end(struct enforcer *enforcer)
{
	if (enforcer->unisolated)
		log_event(LOG_LEVEL_WARNING, "SKS-ISOLATE", "what is isolated is in force now, and what else may pass is forwarded again");
	enforcer->unrepaired = enforcer->unreturned = enforcer->unisolated = false;
	enforcer_open_way(enforcer);
}

/* Also where there is nothing to do: a proposal may have been installed since, or the change was taken back at once. Who it was has to be known all the same. */
static void repair_tell(const struct committed *committed, const struct nft_change *change)
{
	log_event(LOG_LEVEL_WARNING, "SKS-DRIFT", "a foreign change of our rules was repaired%s process=%u name=%s generation=%u",
		  committed->changed ? "" : " already, or came to nothing", change->process, change->name, committed->generation);
	drift_record(JOURNAL_REPAIR, change);
}

void kernel_repair(struct enforcer *enforcer, const struct nft_change *change)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	const struct ruleset *wanted = ruleset_due(enforcer, arena);
	const bool due = enforcer->unisolated;	/* then what is changed here was not theirs */
	struct committed committed;

	if (!wanted) {
		change_heed(enforcer, change);
		return;
	}
	enforcer->unrepaired = false;
	/* Until what was installed is back, anything may pass: to read and to write the rules takes longer than to forward nothing meanwhile. */
	if (change->ours)
		switches_shut(&enforcer->switches);
	if (ruleset_install(&enforcer->nfnl, &enforcer->holding, wanted, enforcer_now(enforcer), &findings, &committed) != 0) {
		switches_shut(&enforcer->switches);
		for (size_t i = 0; i < findings.count; i++)
			log_finding(&findings, &findings.items[i]);
		log_event(LOG_LEVEL_ERROR, "SKS-DRIFT", "a foreign change could not be repaired; nothing is forwarded process=%u name=%s",
			  change->process, change->name);
		drift_record(JOURNAL_DRIFT, change);
		enforcer->unrepaired = true;
		enforcer->change = *change;
		return;
	}
	return_end(enforcer);
	/* Where messages were lost nobody knows whether there was one. */
	if ((committed.changed && !due) || (change->ours && change->process != 0))
		repair_tell(&committed, change);
}

void kernel_return(struct enforcer *enforcer)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct findings findings = findings_in(arena);
	const struct ruleset *due = ruleset_due(enforcer, arena);
	struct committed committed;

	if (!due || (!enforcer->holding.touched && !enforcer->unisolated))
		return;
	if (ruleset_install(&enforcer->nfnl, &enforcer->holding, due, enforcer_now(enforcer), &findings, &committed) == 0) {
		return_end(enforcer);
		return;
	}
	switches_shut(&enforcer->switches);
	for (size_t i = 0; i < findings.count; i++)
		log_finding(&findings, &findings.items[i]);
	if (!enforcer->unisolated && !enforcer->unreturned)
		log_event(LOG_LEVEL_ERROR, "SKS-ENFORCER", "what was in force before a change that was refused could not be put back; nothing is forwarded");
	enforcer->unreturned = true;
}

void bypasses_remove(struct enforcer *enforcer)
{
	if (enforcer->pins.outline.removes_bypasses)
		bypass_remove(&enforcer->bypass, &enforcer->nfnl);
}

/* Somebody changed rules, perhaps of his own: the planner is told what of them matters. One that cannot be told asks again, or is gone. */
static void ways_tell(struct enforcer *enforcer)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct link_table links;

	if (enforcer->lookout.may_tell && links_read(arena, &links) == 0)
		(void)lookout_tell(&enforcer->lookout, &enforcer->nfnl, &links, enforcer->planner, false);
}

void drift_take(struct enforcer *enforcer)
{
	struct nft_change change;

	if (!nft_watch_read(&enforcer->watch, enforcer->nfnl.port_id, &change))
		return;
	if (!change.ours && change.generation != 0)
		holding_follow(&enforcer->holding, change.generation);
	kernel_repair(enforcer, &change);
	bypass_note(&enforcer->bypass, &change);
	bypasses_remove(enforcer);
	ways_tell(enforcer);
}
