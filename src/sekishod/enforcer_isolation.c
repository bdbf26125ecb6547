/* enforcer_isolation: zones are cut off and released. */
#include "sekishod/enforcer.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "daemon/crew.h"
#include "sekishod/install.h"

/*
 * What the kernel holds where nothing was installed yet; NULL: nothing of ours, and so nothing passes. It may be unlawful by now, because a record is over or
 * we died before what was committed became known: what is isolated is laid over it all the same, and the planner is about to propose another. 0; -EPERM: there
 * is something foreign in it; other negative errno: it could not be read.
 */
static int ruleset_held(struct enforcer *enforcer, struct arena *arena, const struct ruleset **ret_held)
{
	struct link_table links;
	struct snapshot snapshot;
	struct ruleset *held = NULL;
	int error = links_read(arena, &links);

	if (!error)
		error = snapshot_read(arena, &enforcer->nfnl, &links, enforcer_now(enforcer), NULL, &snapshot);
	if (!error && snapshot.alien_count > 0)
		error = -EPERM;
	if (error)
		return error;
	if (snapshot.ruleset) {
		held = arena_alloc(arena, sizeof(*held));
		*held = *snapshot.ruleset;
		held->links = links_used(arena, snapshot.ruleset, &links);
	}
	*ret_held = held;
	return 0;
}

/* What is isolated cannot be put in force: nothing is forwarded at all. */
static enum isolation_outcome isolation_fail(struct enforcer *enforcer, const char *reason)
{
	switches_shut(&enforcer->switches);
	enforcer->unisolated = true;
	log_event(LOG_LEVEL_ERROR, "SKS-ISOLATE", "what is isolated could not be put in force; nothing is forwarded reason=\"%s\"", reason);
	return ISOLATION_FAILED;
}

/* Cuts and releases. When that cannot be done, nothing is forwarded at all. */
static enum isolation_outcome isolation_enforce(struct enforcer *enforcer, struct arena *arena, const struct ruleset *wanted)
{
	struct findings findings = findings_in(arena);
	struct committed committed;

	if (ruleset_install_at_once(&enforcer->nfnl, &enforcer->holding, wanted, enforcer_now(enforcer), &findings, &committed) == 0) {
		if (enforcer->unisolated) {
			enforcer->unisolated = false;
			enforcer_open_way(enforcer);
		}
		return ISOLATION_DONE;
	}
	for (size_t i = 0; i < findings.count; i++)
		log_finding(&findings, &findings.items[i]);
	return isolation_fail(enforcer, "the kernel does not hold it");
}

const struct ruleset *ruleset_due(struct enforcer *enforcer, struct arena *arena)
{
	const struct ruleset *held = holding_ruleset(&enforcer->holding);
	struct ruleset *due;

	if (!held || !enforcer->unisolated)
		return held;
	due = isolation_apply(arena, held, enforcer_zones(enforcer), &enforcer->isolations);
	if (!enforcer->judged)
		(void)isolation_only_close(arena, due, held);
	return due;
}

static int isolation_answer_send(const struct isolation_answer *answer)
{
	__attribute__((cleanup(buf_free))) struct buf payload = buf_limited(0);
	struct frame frame = { .verb = VERB_ISOLATED, .descriptor = -1 };

	isolation_answer_pack(&payload, answer);
	frame.payload = buf_span(&payload);
	return frame_send(CREW_CHANNEL, &frame);
}

/*
 * Over what was installed last or what the kernel holds. While that was not judged nobody knows whether its interfaces still have the names they had: then
 * nothing is opened in it, and *ret_withheld says that something would have been.
 */
static enum isolation_outcome isolation_lay(struct enforcer *enforcer, struct arena *arena, const struct isolation_state *state,
					    struct isolation_effect *ret_effect, bool *ret_withheld)
{
	const bool drill = state->action == ISOLATION_DRILL;
	const struct ruleset *base = holding_ruleset(&enforcer->holding);
	int error = base ? 0 : ruleset_held(enforcer, arena, &base);
	struct ruleset *wanted;

	if (error)
		return drill ? ISOLATION_FAILED : isolation_fail(enforcer, error == -EPERM ? "something foreign is in our tables" : strerror(-error));
	if (!base)
		return ISOLATION_DONE;
	wanted = isolation_apply(arena, base, enforcer_zones(enforcer), &state->isolations);
	if (!enforcer->judged)
		*ret_withheld = isolation_only_close(arena, wanted, base);
	*ret_effect = isolation_effect_of(arena, wanted, &state->isolations);
	return drill ? ISOLATION_DONE : isolation_enforce(enforcer, arena, wanted);
}

/* Who releases waits until it is open; who isolates does not wait for anything to open. */
static int isolation_work(struct enforcer *enforcer, const struct isolation_state *state)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct isolation_answer answer = { .number = state->number };
	bool withheld = false;

	answer.outcome = isolation_lay(enforcer, arena, state, &answer.effect, &withheld);
	if (state->action == ISOLATION_DRILL || answer.outcome != ISOLATION_DONE)
		return isolation_answer_send(&answer);
	enforcer->opening = (struct opening){ .due = withheld, .owed = withheld && state->action == ISOLATION_RELEASE, .number = state->number };
	return enforcer->opening.owed ? 0 : isolation_answer_send(&answer);
}

int isolation_take(struct enforcer *enforcer, struct span payload)
{
	struct arena *arena = arena_new();
	struct isolation_state state;
	int error = isolation_state_unpack(arena, payload, &state);

	if (!error)
		error = isolation_work(enforcer, &state);
	if (error || state.action == ISOLATION_DRILL) {
		arena_free(arena);
		return error;
	}
	arena_free(enforcer->isolations_arena);
	enforcer->isolations_arena = arena;
	enforcer->isolations = state.isolations;
	return 0;
}

/* ---- what ended in what was not judged */

/* Nothing is due any more; who waits for it hears what became of it. */
static int opening_end(struct enforcer *enforcer, enum isolation_outcome outcome, const struct isolation_effect *effect)
{
	const struct isolation_answer answer = { .number = enforcer->opening.number, .outcome = outcome, .effect = *effect };
	const bool owed = enforcer->opening.owed;

	enforcer->opening = (struct opening){ .due = false };
	return owed ? isolation_answer_send(&answer) : 0;
}

int isolation_opened(struct enforcer *enforcer, const struct ruleset *installed)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	const struct isolation_effect effect = isolation_effect_of(arena, installed, &enforcer->isolations);

	return opening_end(enforcer, ISOLATION_DONE, &effect);
}

/* True when what is held, whatever is isolated, may be in force here and now. */
static bool held_is_lawful(struct enforcer *enforcer, struct arena *arena)
{
	static const struct isolations none;
	struct question question = { .arena = arena, .findings = findings_in(arena) };
	const struct ruleset *held = holding_ruleset(&enforcer->holding);

	return held && links_read(arena, &question.links) == 0 &&
	       ruleset_judge(enforcer, &question, isolation_apply(arena, held, enforcer_zones(enforcer), &none)) == 0;
}

int isolation_open(struct enforcer *enforcer)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct isolation_effect effect = { .interfaces = 0 };
	const struct ruleset *wanted;

	enforcer->opening.due = false;
	if (!held_is_lawful(enforcer, arena)) {
		log_event(LOG_LEVEL_WARNING, "SKS-ISOLATE", "what the kernel holds could not be proved, so what is released opens with the rules that are installed next");
		return opening_end(enforcer, ISOLATION_LATER, &effect);
	}
	/* What is isolated, and where what is held lies, may be otherwise since. */
	wanted = isolation_apply(arena, holding_ruleset(&enforcer->holding), enforcer_zones(enforcer), &enforcer->isolations);
	effect = isolation_effect_of(arena, wanted, &enforcer->isolations);
	if (isolation_enforce(enforcer, arena, wanted) != ISOLATION_DONE)
		return opening_end(enforcer, ISOLATION_FAILED, &effect);
	enforcer_trust(enforcer);
	return opening_end(enforcer, ISOLATION_DONE, &effect);
}
