/* enforcer_answers: what the planner asks, and what it proposes. */
#include "sekishod/enforcer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kernel/conntrack.h"
#include "kernel/ownership.h"
#include "kernel/view.h"
#include "ruleset/blocks.h"
#include "ruleset/pack.h"
#include "sekishod/catalogue.h"
#include "sekishod/install.h"
#include "sekishod/messages.h"
#include "sekishod/seal.h"
#include "wire/report.h"

static const struct origin nowhere;

static int planner_send(struct enforcer *enforcer, enum verb verb, uint16_t flags, struct span payload, int descriptor)
{
	const struct frame frame = { .verb = verb, .flags = flags, .payload = payload, .descriptor = descriptor };

	return frame_send(enforcer->planner, &frame);
}

static int judged_send(struct enforcer *enforcer, const char *judged)
{
	return planner_send(enforcer, VERB_REFUSED, 0, span_of(judged), -1);
}

static int refused_send(struct enforcer *enforcer, const struct findings *findings)
{
	json_t *array = findings_to_json(findings);
	char *text = json_dumps(array, JSON_COMPACT);
	int error = planner_send(enforcer, VERB_REFUSED, 0, span_of(text ? text : "[]"), -1);

	free(text);
	json_decref(array);
	for (size_t i = 0; i < findings->count; i++)
		log_finding(findings, &findings->items[i]);
	return error;
}

/* ---- VERB_SNAPSHOT */

/*
 * True when what the kernel holds could be proved now. An interface that joined no zone of it does not
 * matter.
 */
static bool snapshot_is_lawful(struct enforcer *enforcer, const struct question *question, const struct snapshot *snapshot)
{
	struct question aside = { .arena = question->arena, .findings = findings_in(question->arena), .links = question->links };
	struct ruleset ruleset;

	if (!snapshot->ruleset || snapshot->alien_count > 0)
		return false;
	ruleset = *snapshot->ruleset;
	ruleset.links = links_used(question->arena, snapshot->ruleset, &question->links);
	return ruleset_judge(enforcer, &aside, &ruleset) == 0;
}

/*
 * What is told of a ruleset with aliens: its sets, from which the planner learns who has which mark. Its
 * chains are not well formed, nor are the traces of alien sets, which have no key.
 */
static struct ruleset *ruleset_without_aliens(struct arena *arena, const struct ruleset *ruleset)
{
	struct ruleset *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *ruleset;
	copy->tables = arena_array(arena, ruleset->table_count, sizeof(*copy->tables));
	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct table *from = &ruleset->tables[t];
		struct table *to = &copy->tables[t];

		*to = (struct table){ .family = from->family, .name = from->name };
		to->sets = arena_array(arena, from->set_count, sizeof(*to->sets));
		for (size_t s = 0; s < from->set_count; s++)
			if (key_field_count(&from->sets[s].key) > 0 && from->sets[s].data != SET_DATA_VERDICT)
				to->sets[to->set_count++] = from->sets[s];
	}
	return copy;
}

/* What is told of the kernel's ruleset. What is isolated or crowded is none of the planner's business. */
static const struct ruleset *ruleset_told(const struct enforcer *enforcer, struct arena *arena, const struct snapshot *snapshot)
{
	static const struct isolations none;

	if (snapshot->alien_count > 0)
		return ruleset_without_aliens(arena, snapshot->ruleset);
	return crowding_lift(arena, isolation_apply(arena, snapshot->ruleset, &enforcer->pins.program, &none));
}

static int held_send(struct enforcer *enforcer, struct question *question, const struct snapshot *snapshot, bool judge)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(PACK_BYTES_MAX);
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(FRAME_PAYLOAD_BYTES_MAX);
	struct held held = { .generation = snapshot->generation, .alien_count = (uint32_t)snapshot->alien_count };
	int descriptor = -1, error;
	struct held_marks marks;
	uint16_t flags;

	/* What the snapshot shares with the holding may be another's after the judgement, in which zones are isolated. */
	if (snapshot->ruleset)
		ruleset_pack(&bytes, ruleset_told(enforcer, question->arena, snapshot));
	flags = judge && snapshot_is_lawful(enforcer, question, snapshot) ? FRAME_LAWFUL : 0;
	error = conntrack_marks(question->arena, &enforcer->nfnl, &marks);
	if (error)
		return error;
	held.marks = marks.marks;
	held.mark_count = marks.count;
	error = ownership_read(&enforcer->nfnl, &held.ownership);
	if (error)
		return error;
	held_pack(&payload, &held);
	if (bytes.length > 0)
		error = sealed_make("sekisho-held", buf_span(&bytes), &descriptor);
	if (!error)
		error = payload.overflow || bytes.overflow ? -EFBIG : planner_send(enforcer, VERB_HELD, flags, buf_span(&payload), descriptor);
	if (descriptor >= 0)
		close(descriptor);
	return error;
}

/* judge: the planner wants to know whether what the kernel holds is lawful, which takes the time of a proof. */
static int snapshot_answer(struct enforcer *enforcer, struct question *question, bool judge)
{
	struct snapshot snapshot;
	int error = snapshot_read(question->arena, &enforcer->nfnl, &question->links, enforcer_now(enforcer),
				  holding_known(question->arena, &enforcer->holding), &snapshot);

	if (!error)
		error = held_send(enforcer, question, &snapshot, judge);
	if (!error || error == -EPIPE)
		return error;
	finding_add(&question->findings, &daemon_catalogue[DAEMON_KERNEL_UNREADABLE], nowhere, strerror(-error), NULL);
	return refused_send(enforcer, &question->findings);
}

/* ---- VERB_VIEW */

/* Whoever gets it proves it himself: nothing is judged here, and nothing of it is believed by us later. */
static int view_answer(struct enforcer *enforcer, struct question *question)
{
	__attribute__((cleanup(buf_free))) struct buf bytes = buf_limited(PACK_BYTES_MAX);
	struct snapshot snapshot;
	int descriptor = -1;
	int error = snapshot_read(question->arena, &enforcer->nfnl, &question->links, enforcer_now(enforcer),
				  holding_known(question->arena, &enforcer->holding), &snapshot);

	if (!error)
		view_pack(&bytes, &snapshot);
	if (!error && !bytes.overflow)
		error = sealed_make("sekisho-view", buf_span(&bytes), &descriptor);
	if (error)
		log_event(LOG_LEVEL_WARNING, "SKS-ENFORCER", "the kernel's rules could not be read for a client reason=\"%s\"", strerror(-error));
	error = planner_send(enforcer, VERB_VIEW, 0, (struct span){ .length = 0 }, descriptor);
	if (descriptor >= 0)
		close(descriptor);
	return error;
}

/* ---- VERB_PROPOSE */

static int committed_send(struct enforcer *enforcer, struct committed *committed)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	int error = ownership_read(&enforcer->nfnl, &committed->ownership);

	if (error)
		return error;
	committed_pack(&payload, committed);
	return planner_send(enforcer, VERB_COMMITTED, 0, buf_span(&payload), -1);
}

/* What the newest pins came for was refused: what is in force is judged by the pins it was installed by. */
static void pins_fall_back(struct enforcer *enforcer)
{
	if (!enforcer->former.arena)
		return;
	kept_pins_free(&enforcer->pins);
	enforcer->pins = enforcer->former;
	enforcer->former = (struct kept_pins){ .arena = NULL };
	enforcer->pins_serve = true;
}

static int proposal_refuse(struct enforcer *enforcer, const struct question *question)
{
	pins_fall_back(enforcer);
	return question->judged ? judged_send(enforcer, question->judged) : refused_send(enforcer, &question->findings);
}

/* Installs what was proved, and over it what is isolated and who is crowded. */
static int install_answer(struct enforcer *enforcer, struct question *question, const struct ruleset *proved)
{
	const struct ruleset *laid = isolation_apply(question->arena, proved, &enforcer->pins.program, &enforcer->isolations);
	const struct ruleset *wanted = crowding_apply(question->arena, laid, &enforcer->pins.program, &enforcer->crowd.crowding);
	struct committed committed;
	int error = ruleset_install(&enforcer->nfnl, &enforcer->holding, wanted, enforcer_now(enforcer), &question->findings, &committed);

	if (error) {
		kernel_return(enforcer);
		enforcer_heed_tables(enforcer);
		return proposal_refuse(enforcer, question);
	}
	enforcer_trust(enforcer);
	crowd_renew(&enforcer->crowd);
	error = isolation_opened(enforcer, wanted);
	return error ? error : committed_send(enforcer, &committed);
}

/* By the newest pins something would be open that is cut off. */
static bool isolation_is_lost(struct enforcer *enforcer, struct question *question)
{
	const char *zone = isolation_lost(enforcer_zones(enforcer), &enforcer->pins.program, &enforcer->isolations);

	if (zone)
		finding_add(&question->findings, &daemon_catalogue[DAEMON_ISOLATION_LOST], nowhere, zone, NULL);
	return zone != NULL;
}

/* What was proposed is kept as it came, if it is installed. */
static int proved_answer(struct enforcer *enforcer, struct question *question, const struct unpacked *proposed)
{
	int error;

	if (holding_ruleset(&enforcer->holding))	/* there is something to compare it with */
		ruleset_make_blocks(proposed->arena, proposed->ruleset);
	holding_offer(&enforcer->holding, proposed);
	error = install_answer(enforcer, question, proposed->ruleset);
	holding_withdraw(&enforcer->holding);
	return error;
}

static int unpacked_answer(struct enforcer *enforcer, struct question *question, struct unpacked *proposed)
{
	int error;

	if (ruleset_unpack(proposed->arena, proposed->sealed, &proposed->ruleset) != 0) {
		finding_add(&question->findings, &daemon_catalogue[DAEMON_PROPOSAL_MALFORMED], nowhere, NULL);
		error = refused_send(enforcer, &question->findings);
	} else if (ruleset_judge(enforcer, question, proposed->ruleset) != 0 || isolation_is_lost(enforcer, question)) {
		/* The latter behind the judgement, during which zones are isolated. */
		error = proposal_refuse(enforcer, question);
	} else {
		return proved_answer(enforcer, question, proposed);
	}
	unpacked_free(proposed);
	return error;
}

static int proposal_answer(struct enforcer *enforcer, struct question *question, const struct frame *frame)
{
	struct unpacked proposed = { .arena = NULL };

	if (frame->descriptor < 0 && (frame->flags & FRAME_SEAL))
		return install_answer(enforcer, question, seal_build(question->arena));
	if (frame->descriptor < 0 || sealed_map(frame->descriptor, PACK_BYTES_MAX, &proposed.sealed) != 0) {
		finding_add(&question->findings, &daemon_catalogue[DAEMON_PROPOSAL_MALFORMED], nowhere, NULL);
		return refused_send(enforcer, &question->findings);
	}
	proposed.arena = arena_new();
	return unpacked_answer(enforcer, question, &proposed);
}

/* ---- any of them */

/* VERB_SURVEY: what could not be repaired is tried again, switches are held where they belong, and the rest is told. */
static int survey_answer(struct enforcer *enforcer, const struct question *question)
{
	const struct nft_change change = enforcer->change;

	if (enforcer->unrepaired)
		kernel_repair(enforcer, &change);
	if (enforcer->unreturned || enforcer->unisolated)
		kernel_return(enforcer);
	bypasses_remove(enforcer);
	if (enforcer->backstop_owed)
		backstop_set(enforcer);
	switches_hold(&enforcer->switches);
	if (enforcer->pins.arena)
		lookout_hold(&enforcer->pins.program, &question->links);
	return lookout_tell(&enforcer->lookout, &enforcer->nfnl, &question->links, enforcer->planner, true);
}

/*
 * Interfaces cannot be listed. A survey has no answer that says so: the planner looks again in some seconds. Whoever wants a view gets none.
 */
static int unreadable_answer(struct enforcer *enforcer, struct question *question, enum verb verb, int error)
{
	if (verb == VERB_VIEW)
		return planner_send(enforcer, VERB_VIEW, 0, (struct span){ .length = 0 }, -1);
	finding_add(&question->findings, &daemon_catalogue[DAEMON_KERNEL_UNREADABLE], nowhere, strerror(-error), NULL);
	if (verb != VERB_SURVEY)
		return refused_send(enforcer, &question->findings);
	log_finding(&question->findings, &question->findings.items[0]);
	return 0;
}

int planner_answer(struct enforcer *enforcer, const struct frame *frame)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct question question = { .arena = arena, .findings = findings_in(arena) };
	int error = links_read(arena, &question.links);

	if (error)
		return unreadable_answer(enforcer, &question, frame->verb, error);
	switch (frame->verb) {
	case VERB_SNAPSHOT:
		return snapshot_answer(enforcer, &question, frame->flags & FRAME_LAWFUL);
	case VERB_SURVEY:
		return survey_answer(enforcer, &question);
	case VERB_VIEW:
		return view_answer(enforcer, &question);
	case VERB_PROPOSE:
		return proposal_answer(enforcer, &question, frame);
	default:
		return -EBADMSG;
	}
}
