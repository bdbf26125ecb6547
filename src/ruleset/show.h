/*
 * show: a ruleset as nft text (P6). What it prints, `nft -f` (1.0.6 and later) accepts where the interfaces exist, and it decodes to the same ruleset:
 * as far as the rules say themselves what they depend on (nfproto before addresses, l4proto before ports' headers, iiftype before Ethernet addresses in inet
 * and netdev), and do not compare two neighbouring fields of one header, which nft would load as one.
 */
#ifndef RULESET_SHOW_H
#define RULESET_SHOW_H

#include "base/buf.h"
#include "ruleset/ruleset.h"

/* Prints all tables. now: Unix time; an element's expiry is printed as the timeout that remains. Interfaces are printed by name. */
void ruleset_show(struct buf *out, const struct ruleset *ruleset, int64_t now);

/* Prints one rule without indentation and line end. */
void rule_show(struct buf *out, const struct rule *rule);

/* Prints one element as it stands between the braces of a set; links give interface names. */
void element_show(struct buf *out, const struct set *set, const struct element *element, const struct link_table *links, int64_t now);

#endif
