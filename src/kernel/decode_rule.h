/*
 * decode_rule: a rule of the kernel as steps.
 *
 * The expressions run symbolically: each register slot remembers which bytes of which field it holds, turned
 * round or masked, and a comparison or a lookup says what was asked of them. So it does not matter who wrote
 * the bytecode, only what it does. Whatever is not understood to the last attribute makes the rule an alien: a
 * rule half understood would be a hole in the proof.
 */
#ifndef KERNEL_DECODE_RULE_H
#define KERNEL_DECODE_RULE_H

#include <libnftnl/rule.h>

#include "ruleset/ruleset.h"

/*
 * Decodes a rule; table has all its sets, sorted. 0; -EBADMSG: not of our kind, *ret_why says what was not
 * understood, and the steps of *ret_rule only name the sets that are looked up, as far as they are known. The
 * result is in the arena.
 */
int rule_decode(struct arena *arena, struct nftnl_rule *rule, const struct table *table, struct rule *ret_rule,
		const char **ret_why);

/*
 * The comment in user data of a rule, or of an element (the types are both 0), copied into the arena; NULL if
 * there is none.
 */
const char *userdata_comment(struct arena *arena, const void *userdata, size_t length);

#endif
