/*
 * enforcer_crowd: pairs of zones are held to their limits of connections (sekishod/crowd.h), laid over what was installed last.
 */
#include "sekishod/enforcer.h"

#include "base/log.h"
#include "kernel/decode_set.h"
#include "sekishod/install.h"

/* By the pins that the rules in force were made by: others may have come, and nothing was installed by them yet. */
static const struct pins *pins_of_rules(const struct enforcer *enforcer)
{
	return enforcer->former.arena ? &enforcer->former.outline : &enforcer->pins.outline;
}

/* While there are no rules that were made by pins, nothing is counted. */
static bool rules_are_by_pins(const struct enforcer *enforcer)
{
	return holding_ruleset(&enforcer->holding) && enforcer->judged && (enforcer->pins_serve || enforcer->former.arena);
}

int crowding_channel(const struct enforcer *enforcer)
{
	return rules_are_by_pins(enforcer) ? crowd_descriptor(&enforcer->crowd) : -1;
}

int crowding_wait_ms(const struct enforcer *enforcer)
{
	return rules_are_by_pins(enforcer) ? crowd_wait_ms(&enforcer->crowd, reading_clock_ms()) : -1;
}

/* Lays over what was installed last who is crowded. What cannot be put in force is tried again with the next judgement. */
static void crowding_enforce(struct enforcer *enforcer, struct arena *arena)
{
	const struct ruleset *held = holding_ruleset(&enforcer->holding);
	const struct ruleset *wanted = crowding_apply(arena, held, &pins_of_rules(enforcer)->program, &enforcer->crowd.crowding);
	struct findings findings = findings_in(arena);
	struct committed committed;

	if (crowding_same(held, wanted))
		return;
	if (ruleset_install_at_once(&enforcer->nfnl, &enforcer->holding, wanted, enforcer_now(enforcer), &findings, &committed) == 0)
		return;
	for (size_t i = 0; i < findings.count; i++)
		log_finding(&findings, &findings.items[i]);
}

void crowding_work(struct enforcer *enforcer, bool readable)
{
	__attribute__((cleanup(arena_freep))) struct arena *arena = arena_new();
	struct crowding before;

	if (!rules_are_by_pins(enforcer))
		return;
	if (readable && crowd_count(&enforcer->crowd, arena, holding_ruleset(&enforcer->holding), pins_of_rules(enforcer), reading_clock_ms(), &before)) {
		crowding_enforce(enforcer, arena);
		crowd_tell(&enforcer->crowd, &before);
	}
	crowd_look(&enforcer->crowd, &enforcer->nfnl, pins_of_rules(enforcer), reading_clock_ms());
}
