/*
 * explain: an evaluation as facts for people. Pure.
 *
 * It reads the trail only: which refuse.<reason> chain ended the packet, or which element of @live or
 * local-live let it pass and the name of the flow in that element's comment. Sentences are made of it by
 * `why`.
 */
#ifndef RULESET_EXPLAIN_H
#define RULESET_EXPLAIN_H

#include "ruleset/evaluate.h"
#include "ruleset/program.h"

/* Of what stands in no comment and in no chain's name, nothing is claimed. */
struct explanation {
	bool accepted;
	bool rejected;		/* refused with an answer */
	bool has_refusal;	/* a refuse.<reason> chain or the reject chain ended it; false: a plain drop */
	enum refusal refusal;	/* valid when has_refusal */
	const struct element *live; /* what let it pass in @live or local-live; NULL: refused, or needs no flow (ND) */
	struct span flow_name;	/* of the flow; empty when live is NULL or no comment names it. Points into the ruleset */
};

/* What the trail says. Valid as long as the ruleset of the evaluation. */
struct explanation explanation_of(const struct evaluation *evaluation);

#endif
