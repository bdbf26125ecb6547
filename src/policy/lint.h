/*
 * lint: what the law allows and was probably not meant. Nothing here is an error.
 */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/policy.h"

enum {
	LINT_PORTS_WIDE = 1024, /* a flow between LGWAN and Internet with more ports is worth a word */
	LINT_COVERS_MAX = 64,	/* so many wide flows of a pair are held against its later flows: never quadratic */
};

/* Adds findings about a policy that was judged by the law. Flows that are expired are not looked at. */
void lint_check(const struct policy *policy, struct findings *findings);

#endif
