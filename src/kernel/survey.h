/*
 * survey: what could carry packets past the tables, as rtnetlink shows it. Needs no privilege.
 *
 * A packet of a bridged interface, or one that a program at an interface hands on, never meets the rules; a policy route takes it another way than the tables of
 * routes say. Programs attached by a link of their own (bpf_link) send no notification: whoever wants to know has to look again and again.
 */
#ifndef KERNEL_SURVEY_H
#define KERNEL_SURVEY_H

#include "base/arena.h"
#include "ruleset/ruleset.h"

enum survey_kind {
	SURVEY_MASTER,		/* the interface is a port of the one with index `number` (bridge, bond) */
	SURVEY_XDP,		/* a program takes its packets before everything else */
	SURVEY_TC,		/* a clsact or ingress queueing discipline: programs and redirections hang there */
	SURVEY_RULE,		/* a policy routing rule; `number` is its priority, index 0 */
};

struct survey_item {
	enum survey_kind kind;
	uint32_t index;		/* of the interface */
	uint32_t number;
};

struct survey {
	struct survey_item *items;
	size_t count;
};

/* Reads everything, of all interfaces. In the arena. 0 or negative errno. */
int survey_read(struct arena *arena, struct survey *ret_survey);

#endif
